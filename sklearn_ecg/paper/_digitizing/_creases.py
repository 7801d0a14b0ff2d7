"""Upright creases of folded paper: faint straight lines, which are subtracted from the ink."""

import numpy as np

from ._strokes import HALF

# Slopes of a crease against the grid, and mm between the rows of pixels that are searched.
_SLOPES = np.arange(-0.06, 0.061, 0.005)
_STEP = 2.0
# Share of these rows in which a crease is darker than paper. Beats are shorter.
_SHARE = 0.6
# Creases at most, and mm from the middle of one to the end of its shade.
_MOST, _REACH = 4, 2.5
# mm along a crease over which it is the same.
_LENGTH = 20.0
# Fewer rows are no page.
_LEAST_ROWS = 20


def subtract_creases(ink, scale, faint):
    """Subtract straight, nearly vertical lines that are fainter than traces, in place.

    Otherwise, a crease that touches a trace would be a part of it, and a beat on a crease would be
    removed together with it. The median along a crease is that of the paper, because traces cross
    it only here and there.

    Parameters
    ----------
    ink : ndarray of shape (height, width), uint8
    scale : int
        Pixels per mm.
    faint : int
        Ink that may be part of a trace.
    """
    step = round(_STEP * scale)
    rows = np.arange(step // 2, len(ink), step)
    is_faint = ink[rows] > faint
    with_ink = np.flatnonzero(is_faint.any(axis=1))
    if len(with_ink) < _LEAST_ROWS:
        return
    inside = slice(with_ink[0], with_ink[-1] + 1)
    rows, is_faint = rows[inside], is_faint[inside]
    n_rows, width = is_faint.shape
    center = (rows[0] + rows[-1]) / 2
    pad = int(np.abs(_SLOPES).max() * (rows[-1] - center)) + 1
    # Rows with ink on the line through each column of the center, for each slope.
    padded = np.zeros((n_rows, width + 4 * pad), dtype=bool)
    padded[:, 2 * pad : 2 * pad + width] = is_faint
    n_columns = width + 2 * pad
    # All stretches of as many pixels.
    stretches = np.ndarray(
        padded.size - n_columns + 1, dtype=f"V{n_columns}", buffer=padded, strides=(1,)
    )
    counts = np.empty((len(_SLOPES), n_columns), dtype=np.uint16)
    firsts = np.arange(n_rows) * padded.shape[1] + pad
    for count, slope in zip(counts, _SLOPES):
        shifts = np.round(slope * (rows - center)).astype(int)
        shifted = stretches[firsts + shifts].view(np.uint8).reshape(n_rows, n_columns)
        shifted.sum(axis=0, dtype=np.uint16, out=count)
    for _ in range(_MOST):
        best, column = np.unravel_index(np.argmax(counts), counts.shape)
        if counts[best, column] < _SHARE * n_rows:
            return
        line = column - pad + _SLOPES[best] * (np.arange(len(ink)) - center)
        _subtract_line(ink, np.round(line).astype(int), scale, faint)
        reach = int(_REACH * scale)
        counts[:, max(0, column - reach) : column + reach + 1] = 0


def _subtract_line(ink, line, scale, faint):
    """Subtract the median along a line, in place, unless it is as strong as a trace."""
    height, width = ink.shape
    offsets = np.arange(-int(_REACH * scale), int(_REACH * scale) + 1)
    length = int(_LENGTH * scale)
    for top in range(0, height, length):
        bottom = min(height, top + length)
        first = max(0, min(top - length // 2, height - 2 * length))
        last = min(height, first + 2 * length)
        columns = line[first:last, None] + offsets
        if columns.min() < 0 or columns.max() >= width:
            continue
        band = ink[np.arange(first, last)[:, None], columns]
        common = np.median(band[::2], axis=0)
        if faint < common.max() <= HALF:
            part = slice(top - first, bottom - first)
            rest = np.maximum(band[part] - common, 0)
            ink[np.arange(top, bottom)[:, None], columns[part]] = rest

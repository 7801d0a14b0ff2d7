"""Rows of traces on an upright page."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import find_objects, gaussian_filter1d, label
from scipy.signal import find_peaks

from ._ink import halve
from ._refusal import PageRefusedError
from ._strokes import HALF

# mm: narrower components of ink are letters, ticks or dirt.
_TRACE_WIDTH = 12.0
# mm: rows are at least that far apart, and at least that wide.
_ROW_DISTANCE = 9.0
_ROW_WIDTH = 90.0
# Peaks of the profile, as a share of the highest one.
_PEAK = 0.12
# mm: distances from a row between which at least this share of its columns has ink.
_STRAIGHT = (1.5, 6.0)
_STRAIGHT_SHARE = 0.006
# Reach of the outer rows: in mm at least, and as a share of the distance of rows.
_OUTER = 20.0, 1.25
# mm: the area of the grid is known up to this; edges of the paper are outside of it.
_MARGIN = 5.0
# A line along an edge of the paper extends beyond the other rows by these mm, and most of its parts
# are straight. mm: its thickness.
_BEYOND, _PARTS, _BENT_PARTS, _EDGE = 8.0, 10, 4, 2.0


@dataclass
class Row:
    """A row of traces.

    Attributes
    ----------
    baseline : float
        Pixel row in which most of the trace is.
    top, bottom : float
        Limits of the middles of its strokes, in pixels.
    left, right : float
        Where its ink begins and ends, in pixels.
    """

    baseline: float
    top: float
    bottom: float
    left: float
    right: float


def find_rows(upright, area):
    """Find the rows of traces.

    Parameters
    ----------
    upright : UprightPage
    area : tuple of float
        The part of the paper with a grid: top, bottom, left and right in mm.

    Returns
    -------
    rows : list of Row
        From the top to the bottom.
    """
    scale = upright.scale
    traces = _wide_components(upright)
    step = 2
    # Rulings and headers are outside of the grid.
    y_mm = np.arange(len(traces)) * step / upright.scales[1] + upright.origin[1]
    traces[(y_mm < area[0] + _MARGIN) | (y_mm > area[1] - _MARGIN)] = False
    profile = traces.sum(axis=1).astype(float) * step / scale
    smooth = gaussian_filter1d(profile, 1.0 * scale / step, mode="constant")
    peaks, _ = find_peaks(
        np.pad(smooth, 1),
        distance=max(1, _ROW_DISTANCE * scale / step),
        height=_PEAK * smooth.max(),
    )
    peaks = peaks - 1
    rows, straight, bent = [], [], []
    for peak in peaks:
        # The ink near a baseline spans most of the page.
        reach = int(3.0 * scale / step)
        columns = traces[max(0, peak - reach) : peak + reach + 1].any(axis=0)
        where = np.flatnonzero(columns)
        if len(where) == 0 or columns.sum() * step / scale < 0.5 * _ROW_WIDTH:
            continue
        left, right = where[0] * step, (where[-1] + 1) * step
        if (right - left) / scale < _ROW_WIDTH:
            continue
        rows.append(Row(float(peak * step), -np.inf, np.inf, float(left), float(right)))
        beats = _find_beats(traces, peak, columns, scale / step)
        straight.append(beats.sum() < _STRAIGHT_SHARE * columns.sum())
        parts = np.array_split(beats[where[0] : where[-1] + 1], _PARTS)
        bent.append(sum(part.any() for part in parts))
    # Lines below a header or along an edge. Between other rows, they are leads of low voltage.
    while rows and straight[0]:
        del rows[0], straight[0], bent[0]
    while rows and straight[-1]:
        del rows[-1], straight[-1], bent[-1]
    if not rows:
        raise PageRefusedError("traces", "there are no rows of traces on the grid")
    _remove_edges(rows, bent, scale)
    baselines = np.array([row.baseline for row in rows])
    gaps = np.diff(baselines)
    # Beyond the outer rows, there are names and edges of the paper.
    outer = max(_OUTER[0] * scale, _OUTER[1] * np.median(gaps)) if len(gaps) else 35 * scale
    for i, row in enumerate(rows):
        above = gaps[i - 1] if i else outer
        below = gaps[i] if i + 1 < len(rows) else outer
        # A trace may reach the baselines of the rows above and below.
        row.top = max(row.top, row.baseline - min(above, 35 * scale))
        row.bottom = min(row.bottom, row.baseline + min(below, 35 * scale))
    return rows


def _remove_edges(rows, bent, scale):
    """Remove lines along the upper and the lower edge of the paper, in place."""
    left, right = (np.median([getattr(row, side) for row in rows]) for side in ("left", "right"))
    for outer in (0, -1):
        if len(rows) < 4:
            return
        row, reach = rows[outer], _BEYOND * scale
        if bent[outer] <= _BENT_PARTS and (row.left < left - reach or row.right > right + reach):
            del rows[outer]
            # The trace next to it must not follow it.
            if outer == 0:
                rows[0].top = row.baseline + _EDGE * scale
            else:
                rows[-1].bottom = row.baseline - _EDGE * scale


def _find_beats(traces, peak, columns, scale):
    """Return the columns of a row with ink above or below a straight line."""
    near, far = int(_STRAIGHT[0] * scale), int(_STRAIGHT[1] * scale)
    above = traces[max(0, peak - far) : max(0, peak - near)].any(axis=0)
    below = traces[peak + near + 1 : peak + far + 1].any(axis=0)
    return columns & (above | below)


def _wide_components(upright):
    """Return the ink of wide components on a page of half the size."""
    ink = upright.strength > HALF
    ink &= upright.ink > upright.clear
    labels, n_labels = label(halve(ink), structure=np.ones((3, 3), dtype=int))
    if n_labels == 0:
        raise PageRefusedError("traces", "there is no ink on the page")
    widths = np.array([columns.stop - columns.start for _, columns in find_objects(labels)])
    is_wide = np.concatenate([[False], widths * 2 / upright.scale >= _TRACE_WIDTH])
    return is_wide.take(labels)

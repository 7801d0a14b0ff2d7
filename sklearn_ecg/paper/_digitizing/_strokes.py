"""Vertical strokes of ink in each pixel column of a page."""

from dataclasses import dataclass

import numpy as np

# Strength of ink in the middle of a trace, and at its ends: bytes are several times faster than
# floats, and finer than the gray values of an image.
INK, HALF = 170, np.uint8(85)


@dataclass
class Strokes:
    """Runs of ink in pixel columns, sorted by column and from the top to the bottom.

    Attributes
    ----------
    starts : ndarray of shape (width + 1,), int
        The first stroke of each column.
    top, bottom : ndarray of shape (n_strokes,)
        Upper and lower end with fractions of pixels; a pixel row y covers y to y + 1.
    ink : ndarray of shape (n_strokes,)
        Mean strength, as a multiple of that of ink.
    """

    starts: np.ndarray
    top: np.ndarray
    bottom: np.ndarray
    ink: np.ndarray


def find_strokes(strength, unit=1.0, ink=None):
    """Return the strokes of an image of ink.

    Parameters
    ----------
    strength : ndarray of shape (height, width)
        0 on paper. Strokes are above half of `unit`.
    unit : float, default=1.0
        Strength of ink.
    ink : ndarray of shape (height, width), or None
        Ink of which the mean is returned. None is `strength`.

    Returns
    -------
    strokes : Strokes
    """
    height, width = strength.shape
    threshold = strength.dtype.type(unit / 2)
    is_ink = strength > threshold
    # Where ink begins or ends between two pixel rows, from above the first to below the last one.
    changes = np.zeros((height + 1, width), dtype=bool)
    changes[:-1] = is_ink
    changes[1:] ^= is_ink
    row, column = np.divmod(np.flatnonzero(changes), width)
    # Two bytes are sorted faster than eight.
    order = np.argsort(column.astype(np.min_scalar_type(width)), kind="stable")
    row, column = row[order], column[order]
    # Pixel rows of the first and the last pixel.
    column, start, end = column[::2], row[::2], row[1::2] - 1

    def look_up(rows):
        known = (rows >= 0) & (rows < height)
        found = strength[np.clip(rows, 0, height - 1), column].astype(np.float32)
        return np.where(known, found, np.float32(0))

    # Where the strength crosses the threshold, between the centers of two pixels.
    inside, outside = look_up(start), look_up(start - 1)
    top = start + 0.5 - (inside - threshold) / (inside - outside)
    inside, outside = look_up(end), look_up(end + 1)
    bottom = end + 0.5 + (inside - threshold) / (inside - outside)
    # The pixels of all strokes, one after the other.
    lengths = end + 1 - start
    firsts = np.cumsum(lengths) - lengths
    pixels = np.arange(lengths.sum()) - np.repeat(firsts, lengths)
    pixels = pixels * width + np.repeat(start * width + column, lengths)
    ink = (strength if ink is None else ink).ravel()[pixels] / np.float32(unit)
    sums = np.add.reduceat(ink, firsts) if len(firsts) else np.zeros(0, np.float32)
    return Strokes(
        starts=np.searchsorted(column, np.arange(width + 1)),
        top=top,
        bottom=bottom,
        ink=sums / lengths,
    )

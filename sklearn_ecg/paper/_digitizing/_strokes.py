"""Vertical strokes of ink in each pixel column of a page."""

from dataclasses import dataclass

import numpy as np


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
        Mean strength.
    """

    starts: np.ndarray
    top: np.ndarray
    bottom: np.ndarray
    ink: np.ndarray


def find_strokes(strength, threshold=0.5, ink=None):
    """Return the strokes of an image of ink.

    Parameters
    ----------
    strength : ndarray of shape (height, width), float32
        1 on ink and 0 on paper.
    threshold : float, default=0.5
    ink : ndarray of shape (height, width), float32, or None
        Ink of which the mean is returned. None is `strength`.

    Returns
    -------
    strokes : Strokes
    """
    height, width = strength.shape
    is_ink = strength > threshold
    # Where ink begins or ends between two pixel rows, from above the first to below the last one.
    changes = np.zeros((height + 1, width), dtype=bool)
    changes[:-1] = is_ink
    changes[1:] ^= is_ink
    row, column = np.divmod(np.flatnonzero(changes), width)
    order = np.argsort(column, kind="stable")
    row, column = row[order], column[order]
    # Pixel rows of the first and the last pixel.
    column, start, end = column[::2], row[::2], row[1::2] - 1

    def look_up(rows):
        known = (rows >= 0) & (rows < height)
        return np.where(known, strength[np.clip(rows, 0, height - 1), column], np.float32(0))

    # Where the strength crosses the threshold, between the centers of two pixels.
    inside, outside = look_up(start), look_up(start - 1)
    top = start + 0.5 - (inside - threshold) / (inside - outside)
    inside, outside = look_up(end), look_up(end + 1)
    bottom = end + 0.5 + (inside - threshold) / (inside - outside)
    # Sums from the first pixel of each stroke to the last one, along the columns.
    limits = np.stack([start, end + 1], axis=1) + column[:, None] * height
    sums = np.zeros(0, np.float32)
    if len(column):
        ink = np.append((strength if ink is None else ink).T.ravel(), np.float32(0))
        sums = np.add.reduceat(ink, limits.ravel())[::2]
    return Strokes(
        starts=np.searchsorted(column, np.arange(width + 1)),
        top=top,
        bottom=bottom,
        ink=sums / np.maximum(end + 1 - start, 1),
    )

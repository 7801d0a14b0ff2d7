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
    columns = np.ascontiguousarray(strength.T)
    width, height = columns.shape
    # A blank row at both ends of each column keeps the runs of columns apart.
    padded = np.zeros((width, height + 2), dtype=np.float32)
    padded[:, 1:-1] = columns
    flat = padded.ravel()
    is_ink = flat > threshold
    change = np.flatnonzero(is_ink[1:] != is_ink[:-1]) + 1
    first, stop = change[::2], change[1::2]
    column = first // (height + 2)
    if ink is not None:
        padded = np.zeros_like(padded)
        padded[:, 1:-1] = ink.T
    sums = np.zeros(0, np.float32)
    if len(change):
        sums = np.add.reduceat(padded.ravel(), change)[::2]
    # Where the strength crosses the threshold, between the centers of two pixels.
    inside, outside = flat[first], flat[first - 1]
    top = first - column * (height + 2) - 1 + 0.5 - (inside - threshold) / (inside - outside)
    inside, outside = flat[stop - 1], flat[stop]
    bottom = stop - column * (height + 2) - 1 - 0.5 + (inside - threshold) / (inside - outside)
    return Strokes(
        starts=np.searchsorted(column, np.arange(width + 1)),
        top=top,
        bottom=bottom,
        ink=sums / np.maximum(stop - first, 1),
    )

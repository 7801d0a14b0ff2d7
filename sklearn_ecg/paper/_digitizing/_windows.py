"""Filters and statistics of bytes, several times faster than those of arbitrary numbers."""

import numpy as np

# Rows of blocks that are interpolated at once.
ROWS = 8


def slide(values, sizes, extreme):
    """Return the extreme values of the windows around all pixels.

    Parameters
    ----------
    values : ndarray of shape (height, width)
        Those at the borders are repeated.
    sizes : tuple of int
        Height and width of the window. Of an even number, the larger half is before the pixel.
    extreme : {np.maximum, np.minimum}

    Returns
    -------
    found : ndarray of shape (height, width)
    """
    for axis, size in enumerate(sizes):
        padding = [(0, 0), (0, 0)]
        padding[axis] = (size // 2, (size - 1) // 2)
        found = np.pad(values, padding, mode="edge")
        lines = found.swapaxes(0, axis)
        # Windows twice as wide, again and again.
        width = 1
        while width < size:
            step = min(width, size - width)
            lines = extreme(lines[:-step], lines[step:])
            width += step
        values = lines.swapaxes(0, axis)
    return np.ascontiguousarray(values)


def quantiles(values, shares):
    """Return quantiles of whole numbers that are not far from each other.

    Parameters
    ----------
    values : ndarray of int
        Not empty.
    shares : sequence of float
        From 0 to 1.

    Returns
    -------
    found : list of int
        The smallest values that are not below these shares of all values.
    """
    lowest = int(values.min())
    counts = np.bincount((values.ravel() - lowest).astype(np.intp)).cumsum()
    return [int(np.searchsorted(counts, share * counts[-1])) + lowest for share in shares]


def spread_blocks(blocks, step, shape):
    """Interpolate the values of blocks of pixels, some rows of pixels at a time.

    Parameters
    ----------
    blocks : ndarray of shape (n_rows, n_columns)
        Values in the middles of blocks. Those at the borders are not complete.
    step : int
        Height and width of a block in pixels, an even number.
    shape : tuple of int
        Height and width of the page.

    Yields
    ------
    rows : slice
    values : ndarray of shape (n_rows, width), float32
        The same memory each time.
    """
    height, width = shape
    # Interpolated along the rows, which are few.
    columns = (np.arange(width) + 0.5) / step - 0.5
    left = np.clip(np.floor(columns).astype(int), 0, max(0, blocks.shape[1] - 2))
    right = np.minimum(left + 1, blocks.shape[1] - 1)
    share = np.clip(columns - left, 0, 1).astype(np.float32)
    blocks = blocks.astype(np.float32)
    lines = blocks.take(left, axis=1)
    lines += share * (blocks.take(right, axis=1) - lines)
    lines = np.pad(lines, ((1, 1), (0, 0)), mode="edge")
    share = ((np.arange(step, dtype=np.float32) + 0.5) / step)[:, None]
    buffer = np.empty((ROWS, step, width), dtype=np.float32)
    # From the middle of one line to that of the next, and as many as the cache holds.
    for first in range(0, len(lines) - 1, ROWS):
        before = lines[first : first + ROWS + 1]
        before, after = before[:-1, None], before[1:, None]
        values = buffer[: len(before)]
        np.multiply(share, after - before, out=values)
        values += before
        top = first * step - step // 2
        rows = slice(min(height, max(0, top)), min(height, top + values.size // width))
        yield rows, values.reshape(-1, width)[rows.start - top :][: rows.stop - rows.start]

"""Lines through the values of many signals at once, as pixels."""

import numpy as np


def draw_traces(
    images,
    signals,
    edges,
    left,
    *,
    zeros,
    limits,
    per_millivolt,
    line_width,
):
    """Draw signals into images, all of them with one time axis.

    In each column of pixels a trace covers what lies between the lowest and the highest point of
    its line there, and half a line's width above and below. Where an end covers a pixel in part,
    it is inked in that part. Rows that share a pixel must be drawn one after the other.

    Parameters
    ----------
    images : ndarray of shape (n_records, height, width) or (n_records, height, width, channels)
        uint8, C order. Drawn on.
    signals : ndarray of shape (n_records, n_rows, n_times), float32
        In mV.
    edges : ndarray of shape (n_columns + 1,)
        Of the columns of pixels, as positions in time points, ascending, in [0, n_times - 1].
    left : int
        The first column of pixels.
    zeros : sequence of n_rows floats
        Where 0 mV of each row is.
    limits : sequence of n_rows (float, float)
        The upper and the lower end of each row. What lies beyond is drawn on them.
    per_millivolt, line_width : float
        In pixels.
    """
    low, high = _extremes(signals, edges)
    zeros = np.asarray(zeros, dtype=np.float32)[:, None]
    limits = np.asarray(limits, dtype=np.float32)
    half = line_width / 2
    upper, lower = limits[:, :1] + half, limits[:, 1:] - half
    # In mV first: what is far beyond would be infinite in pixels.
    lowest, highest = (zeros - lower) / per_millivolt, (zeros - upper) / per_millivolt
    tops = zeros - np.clip(high, lowest, highest) * per_millivolt - half
    bottoms = zeros - np.clip(low, lowest, highest) * per_millivolt + half
    # Rounding must not reach the row above or below.
    first = np.maximum(np.floor(tops), np.floor(limits[:, :1])).astype(np.int32)
    last = np.minimum(np.ceil(bottoms), np.ceil(limits[:, 1:])).astype(np.int32)
    _fill(images, tops, bottoms, first, last, left)


def _extremes(signals, edges):
    """Lowest and highest point of the lines between two edges."""
    n_times = signals.shape[-1]
    before = np.floor(edges).astype(int)
    after = np.minimum(before + 1, n_times - 1)
    part = (edges - before).astype(np.float32)
    ends = signals[..., before] * (1 - part) + signals[..., after] * part
    low = np.minimum(ends[..., :-1], ends[..., 1:])
    high = np.maximum(ends[..., :-1], ends[..., 1:])
    # The time points between them. A column may have none.
    starts = np.ceil(edges).astype(int)
    filled = np.flatnonzero(starts[1:] > starts[:-1])
    if len(filled):
        inner = signals[..., starts[0] : starts[-1]]
        at = starts[filled] - starts[0]
        low[..., filled] = np.minimum(low[..., filled], np.minimum.reduceat(inner, at, axis=-1))
        high[..., filled] = np.maximum(high[..., filled], np.maximum.reduceat(inner, at, axis=-1))
    return low, high


def _fill(images, tops, bottoms, first, last, left):
    """Ink from the top to the bottom of each column."""
    n_records, height, width = images.shape[:3]
    counts = (last - first).ravel()
    # Pixel after pixel of all columns of all records: few beside those of the images.
    column = np.repeat(np.arange(counts.size), counts)
    start = first.ravel() - (np.cumsum(counts) - counts)
    y = np.arange(len(column)) + start[column]
    upper = y.astype(np.float32)
    cover = np.minimum(upper + 1, bottoms.ravel()[column])
    cover -= np.maximum(upper, tops.ravel()[column])
    paper = 1 - np.clip(cover, 0, 1)
    corner = np.arange(n_records)[:, None, None] * (height * width) + left
    corner = np.broadcast_to(corner + np.arange(tops.shape[2]), tops.shape).ravel()
    pixel = corner[column] + y * width
    if images.ndim == 3:
        planes = [images.reshape(-1)]
    else:
        planes = [images.reshape(-1, images.shape[3])[:, channel] for channel in range(3)]
    for plane in planes:
        plane[pixel] = (plane[pixel] * paper + np.float32(0.5)).astype(np.uint8)

"""Rasterize the traces of many records at once."""

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
    ink=None,
):
    """Draw signals with a common time axis into images.

    In each column of pixels, a trace covers the range from its lowest to its highest point, plus
    half the line width above and below. The pixels at both ends are inked in proportion to the
    part that is covered. Rows with pixels in common must be drawn by separate calls.

    Parameters
    ----------
    images : ndarray of shape (n_records, height, width) or (n_records, height, width, channels)
        uint8, in C order. Modified in place.
    signals : ndarray of shape (n_records, n_rows, n_times), float32
        In mV.
    edges : ndarray of shape (n_columns + 1,)
        Edges of the pixel columns in time points, ascending, in [0, n_times - 1].
    left : int
        The first column of pixels.
    zeros : sequence of float, of length n_rows
        Vertical position of 0 mV of each row, in pixels.
    limits : sequence of (float, float), of length n_rows
        Upper and lower limit of each row, in pixels. Values beyond are drawn at the limit.
    per_millivolt, line_width : float
        In pixels.
    ink : sequence of int, default=None
        Value of the traces in each channel. None is black.
    """
    low, high = _extremes(signals, edges)
    zeros = np.asarray(zeros, dtype=np.float32)[:, None]
    limits = np.asarray(limits, dtype=np.float32)
    half = line_width / 2
    upper, lower = limits[:, :1] + half, limits[:, 1:] - half
    # Clip in mV: very large values would overflow in pixels.
    lowest, highest = (zeros - lower) / per_millivolt, (zeros - upper) / per_millivolt
    tops = zeros - np.clip(high, lowest, highest) * per_millivolt - half
    bottoms = zeros - np.clip(low, lowest, highest) * per_millivolt + half
    # Rounding must not extend into the row above or below.
    first = np.maximum(np.floor(tops), np.floor(limits[:, :1])).astype(np.int32)
    last = np.minimum(np.ceil(bottoms), np.ceil(limits[:, 1:])).astype(np.int32)
    _fill(images, tops, bottoms, first, last, left, ink)


def _extremes(signals, edges):
    """Return the lowest and the highest value of each trace in each pixel column."""
    n_times = signals.shape[-1]
    before = np.floor(edges).astype(int)
    after = np.minimum(before + 1, n_times - 1)
    part = (edges - before).astype(np.float32)
    ends = signals[..., before] * (1 - part) + signals[..., after] * part
    low = np.minimum(ends[..., :-1], ends[..., 1:])
    high = np.maximum(ends[..., :-1], ends[..., 1:])
    # Time points between the edges of a column, if there are any.
    starts = np.ceil(edges).astype(int)
    filled = np.flatnonzero(starts[1:] > starts[:-1])
    if len(filled):
        inner = signals[..., starts[0] : starts[-1]]
        at = starts[filled] - starts[0]
        low[..., filled] = np.minimum(low[..., filled], np.minimum.reduceat(inner, at, axis=-1))
        high[..., filled] = np.maximum(high[..., filled], np.maximum.reduceat(inner, at, axis=-1))
    return low, high


def _fill(images, tops, bottoms, first, last, left, ink):
    """Ink each pixel column from the top to the bottom of the trace."""
    n_records, height, width = images.shape[:3]
    counts = (last - first).ravel()
    # All inked pixels of all records in one array, which is small compared with the images.
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
    for plane, value in zip(planes, ink or [0] * len(planes)):
        inked = plane[pixel] * paper
        if value:
            inked += np.float32(value) * (1 - paper)
        plane[pixel] = (inked + np.float32(0.5)).astype(np.uint8)

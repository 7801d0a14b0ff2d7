"""Rasterize the traces of many records at once."""

from dataclasses import dataclass

import numpy as np

# Time points of a pixel column, above which they are reduced column by column.
_MAX_GATHERED = 8


@dataclass(frozen=True)
class Trace:
    """Where one signal is drawn.

    Parameters
    ----------
    edges : ndarray of shape (n_columns + 1,)
        Edges of the pixel columns in time points, ascending, in [0, n_times - 1].
    n_times : int
        Number of time points of the signal.
    left : int
        The first column of pixels.
    zero : float
        Vertical position of 0 mV in pixels.
    limits : (float, float)
        Upper and lower limit in pixels. Values beyond are drawn at the limit.
    """

    edges: np.ndarray
    n_times: int
    left: int
    zero: float
    limits: tuple


class TraceGroup:
    """Traces that are drawn together, because they have no pixels in common.

    In each column of pixels, a trace covers the range from its lowest to its highest point, plus
    half the line width above and below. The pixels at both ends are inked in proportion to the
    part that is covered.

    What does not depend on the signals is computed once, for all records.

    Parameters
    ----------
    traces : list of Trace
    per_millivolt, line_width : float
        In pixels.
    """

    def __init__(self, traces, *, per_millivolt, line_width):
        self._per_millivolt, self._half = float(per_millivolt), float(line_width) / 2
        n_columns = [len(trace.edges) - 1 for trace in traces]
        # Traces follow each other in time, as do their edges, of which each has one more than it
        # has columns.
        start = np.cumsum([0, *(trace.n_times for trace in traces)])
        before = [np.floor(trace.edges).astype(np.intp) for trace in traces]
        after = [np.minimum(b + 1, t.n_times - 1) for b, t in zip(before, traces)]
        part = [(t.edges - b).astype(np.float32) for b, t in zip(before, traces)]
        self._before = _join(before, start)
        self._after = _join(after, start)
        self._part = np.concatenate(part)
        self._edge = np.concatenate(
            [np.arange(n) + first for n, first in zip(n_columns, _starts(n_columns, 1))]
        )
        # Time points between the edges of a column, if there are any.
        first_inside = _join([np.ceil(trace.edges).astype(np.intp) for trace in traces], start)
        self._inside, self._behind = first_inside[self._edge], first_inside[self._edge + 1]
        self._filled = np.flatnonzero(self._behind > self._inside)
        self._inside, self._behind = self._inside[self._filled], self._behind[self._filled]
        self._bounds = np.union1d(self._inside, self._behind)
        self._segment = np.searchsorted(self._bounds, self._inside)

        def of_columns(values, dtype=np.float32):
            return np.repeat(np.asarray(values, dtype=dtype), n_columns)

        self._column = np.arange(sum(n_columns)) + of_columns(
            [trace.left - first for trace, first in zip(traces, _starts(n_columns, 0))], np.intp
        )
        self._zero = of_columns([trace.zero for trace in traces])
        self._upper = of_columns([trace.limits[0] for trace in traces])
        self._lower = of_columns([trace.limits[1] for trace in traces])

    def draw(self, images, signals, ink=None):
        """Draw signals into images.

        Parameters
        ----------
        images : ndarray of shape (n_records, height, width[, n_channels])
            uint8, in C order. Modified in place.
        signals : ndarray of shape (n_records, n_times), float32
            The signals of the traces in mV, one after the other.
        ink : sequence of int, default=None
            Value of the traces in each channel. None is black.
        """
        low, high = self._extremes(signals)
        half, scale, zero = self._half, self._per_millivolt, self._zero
        upper, lower = self._upper + half, self._lower - half
        # Clip in mV: very large values would overflow in pixels.
        lowest, highest = (zero - lower) / scale, (zero - upper) / scale
        tops = zero - np.clip(high, lowest, highest) * scale - half
        bottoms = zero - np.clip(low, lowest, highest) * scale + half
        # Rounding must not extend into the row above or below.
        first = np.maximum(np.floor(tops), np.floor(self._upper)).astype(np.intp)
        last = np.minimum(np.ceil(bottoms), np.ceil(self._lower)).astype(np.intp)
        _fill(images, tops, bottoms, first, last, self._column, ink)

    def _extremes(self, signals):
        """Return the lowest and the highest value of the traces in each column of pixels."""
        ends = signals.take(self._before, axis=1) * (1 - self._part)
        ends += signals.take(self._after, axis=1) * self._part
        left, right = ends.take(self._edge, axis=1), ends.take(self._edge + 1, axis=1)
        low, high = np.minimum(left, right), np.maximum(left, right)
        if len(self._filled) == 0:
            return low, high
        n_inside = self._behind - self._inside
        if n_inside.max() > _MAX_GATHERED:
            lowest, highest = (
                reduce(signals, self._bounds, axis=1).take(self._segment, axis=1)
                for reduce in (np.minimum.reduceat, np.maximum.reduceat)
            )
        else:
            lowest = signals.take(self._inside, axis=1)
            highest = lowest.copy()
            for i in range(1, n_inside.max()):
                values = signals.take(np.minimum(self._inside + i, self._behind - 1), axis=1)
                np.minimum(lowest, values, out=lowest)
                np.maximum(highest, values, out=highest)
        low[:, self._filled] = np.minimum(low[:, self._filled], lowest)
        high[:, self._filled] = np.maximum(high[:, self._filled], highest)
        return low, high


def _starts(lengths, extra):
    """Return where each of several runs starts, each of which has some extra values."""
    return np.cumsum([0, *(length + extra for length in lengths[:-1])])


def _join(indices, start):
    """Join the indices into several signals to indices into the signals one after the other."""
    return np.concatenate([index + first for index, first in zip(indices, start)])


def _fill(images, tops, bottoms, first, last, column, ink):
    """Ink each column of pixels from the top to the bottom of the trace."""
    n_records, height, width = images.shape[:3]
    n_channels = 1 if images.ndim == 3 else images.shape[3]
    pixels = images.reshape(-1)
    count = last - first
    corner = (np.arange(n_records) * (height * width))[:, np.newaxis] + column
    # Between the first and the last pixel of a column, pixels are covered as a whole.
    inside = np.maximum(count - 2, 0).ravel()
    stop = np.cumsum(inside)
    whole = np.repeat((corner + (first + 1) * width).ravel() - (stop - inside) * width, inside)
    whole += np.arange(0, len(whole) * width, width)
    top, bottom = count.ravel() > 0, count.ravel() > 1
    y = np.concatenate([first.ravel()[top], last.ravel()[bottom] - 1])
    ends = np.concatenate([corner.ravel()[top], corner.ravel()[bottom]]) + y * width
    y = y.astype(np.float32)
    cover = np.minimum(y + 1, np.concatenate([bottoms.ravel()[top], bottoms.ravel()[bottom]]))
    cover -= np.maximum(y, np.concatenate([tops.ravel()[top], tops.ravel()[bottom]]))
    paper = 1 - np.clip(cover, 0, 1)
    whole *= n_channels
    ends *= n_channels
    for value in ink or [0] * n_channels:
        pixels[whole] = value
        inked = pixels.take(ends) * paper
        if value:
            inked += np.float32(value) * (1 - paper)
        pixels[ends] = (inked + np.float32(0.5)).astype(np.uint8)
        whole += 1
        ends += 1

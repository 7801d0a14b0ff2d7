"""Leads in mV on the time axis of a page, from the curves of its rows."""

from dataclasses import dataclass

import numpy as np

from ._curves import sample_curve
from ._layouts import COLUMN_SECONDS, USUAL_SECONDS
from ._pulses import find_pulses
from ._refusal import PageRefusedError

# mm: wider gaps of a trace are NaN.
_MAX_GAP = 2.0
# mm: space between a pulse and a trace that belongs to neither.
_PULSE_GAP = 0.5
# mm: shorter runs of ink in the space between a pulse and the trace are dirt, and rows whose ends
# differ by less end together.
_SPECK = 1.0
# Seconds of a page that are accepted, as a share of its columns.
_LENGTH = (0.85, 1.06)
# Deviation of the distance of lines between columns from 2.5 s, as a ratio.
_RULING_TOLERANCE = 0.02
# Error of the length of rows, as a ratio, and by how many errors it may differ from the usual one
# at the scale of pulses: otherwise, the image may have been stretched.
_LENGTH_ERROR, _MAX_ERRORS = 0.0015, 3.0
_NO_LINE = np.zeros((2, 0))


@dataclass
class TimeAxis:
    """Where the rows of a page begin and end.

    Attributes
    ----------
    start : float
        Pixel column of time 0.
    per_second : float
        Pixels per second.
    seconds : float
        Seconds of the rows.
    pulses : list of Pulse or None
        The pulse of each row.
    spread : float
        mm between the earliest and the latest start of a row.
    printed_seconds : float
        Seconds of the rows at the scale of the grid or of the pulses, before corrections.
    """

    start: float
    per_second: float
    seconds: float
    pulses: list
    spread: float
    printed_seconds: float = np.nan


def find_time_axis(curves, scales, speed, rulings, *, scale_error=0.0):
    """Find where the traces of all rows begin and end.

    Parameters
    ----------
    curves : list of Curve
    scales : tuple of float
        Pixels per mm, horizontally and vertically.
    speed : float
        mm per second.
    rulings : ndarray of float
        Pixel columns of vertical lines between columns of leads.
    scale_error : float, default=0.0
        Error of the scales as a ratio, if they are those of pulses and not of a grid. The rows must
        have the usual length, and the pixels per second are a mean of both, weighted by accuracy.

    Returns
    -------
    axis : TimeAxis
    """
    scale = scales[0]
    pulses = find_pulses(curves, *scales)
    starts, stops = [], []
    for curve, pulse in zip(curves, pulses):
        start, stop = _trace_extent(curve, pulse, scale)
        starts.append(start)
        stops.append(stop)
    # Rows whose pulse was found are more certain.
    with_pulse = [start for start, pulse in zip(starts, pulses) if pulse is not None]
    if len(with_pulse) >= max(2, len(starts) / 3):
        starts = with_pulse
    start, stop = float(np.median(starts)), float(np.median(stops))
    if scale_error:
        start, stop = _inner_median(starts, max, scale), _inner_median(stops, min, scale)
    per_second = scale * speed
    ratio = (stop - start) / (USUAL_SECONDS * per_second)
    if scale_error:
        variances = scale_error**2, _LENGTH_ERROR**2
        if abs(ratio - 1) > _MAX_ERRORS * np.sqrt(sum(variances)):
            raise PageRefusedError(
                "time",
                f"there is no grid, and at the scale of the pulses the rows show "
                f"{ratio * USUAL_SECONDS:.2f} s instead of {USUAL_SECONDS:g} s, so that the scale "
                "of time is unknown",
            )
        per_second *= 1 + (ratio - 1) * variances[0] / sum(variances)
    elif len(rulings) == 3:
        # The printer may differ slightly from the paper.
        seconds = np.diff(rulings) / (COLUMN_SECONDS[4] * per_second)
        if np.abs(seconds - 1).max() < _RULING_TOLERANCE:
            per_second *= float(seconds.mean())
    return TimeAxis(
        start=start,
        per_second=per_second,
        seconds=(stop - start) / per_second,
        printed_seconds=ratio * USUAL_SECONDS,
        pulses=pulses,
        spread=float(np.percentile(np.abs(np.array(starts) - start), 75)) / scale,
    )


def _inner_median(ends, inner, scale):
    """Return the median of the ends of rows, half of which may be joined with an edge of the paper.

    Then, the median is between the ends of both halves, and the inner one is returned.
    """
    middle = np.sort(ends)[[(len(ends) - 1) // 2, len(ends) // 2]]
    if np.ptp(middle) > _SPECK * scale:
        return float(inner(middle))
    return float(middle.mean())


def _trace_extent(curve, pulse, scale):
    """Return the first and the last + 1 pixel column of a trace without its pulse."""
    start, stop = curve.pieces[0][0], curve.pieces[-1][1]
    if pulse is None:
        return start, stop
    known = ~np.isnan(curve.middle)
    reach = int(8 * scale)
    gap = max(2, int(_PULSE_GAP * scale))
    if pulse.side == "left":
        after = int(pulse.right)
        for x in range(after, min(after + reach, len(known) - gap)):
            if not known[x : x + gap].any():
                rest = _long_runs(known[x:], scale)
                return (x + rest[0][0] if len(rest) else after), stop
        # The trace continues after the vertical line of the pulse.
        return after + curve.line_width, stop
    before = int(pulse.left)
    for x in range(before, max(before - reach, gap), -1):
        if not known[x - gap : x].any():
            rest = _long_runs(known[:x], scale)
            return start, (rest[-1][1] if len(rest) else before)
    return start, before - curve.line_width


def _long_runs(known, scale):
    """Return the first and the last + 1 column of the runs of a trace that are not specks."""
    steps = np.diff(np.concatenate([[False], known, [False]]).astype(int))
    runs = np.stack([np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)], axis=1)
    is_long = np.diff(runs, axis=1)[:, 0] >= _SPECK * scale
    return runs[is_long] if is_long.any() else runs


def check_length(axis, n_columns):
    """Raise if the rows are too short or too long for the columns of a layout.

    Parameters
    ----------
    axis : TimeAxis
    n_columns : int
    """
    expected = n_columns * COLUMN_SECONDS[n_columns]
    if not _LENGTH[0] * expected <= axis.seconds <= _LENGTH[1] * expected:
        raise PageRefusedError(
            "time",
            f"the rows show {axis.seconds:.1f} s at this paper speed, but {n_columns} column(s) "
            f"of leads show {expected:g} s",
        )


def read_lead(curve, place, axis, *, zero, per_millivolt, sampling_rate, n_times, scale):
    """Return the signal of a lead in mV on the time axis of the page, NaN where it is not printed.

    Parameters
    ----------
    curve : Curve
    place : LeadPlace
    axis : TimeAxis
    zero : float or None
        Pixel row of 0 mV. None is the median of the lead.
    per_millivolt : float
        Pixels per mV.
    sampling_rate : float
    n_times : int
    scale : int

    Returns
    -------
    signal : ndarray of shape (n_times,)
    recovered : float
        Share of the printed time points that are known, NaN if none of them is in the signal. Those
        at the limit of two columns are left out.
    box : tuple of float
        Top, bottom, left and right in pixels of the upright page.
    line : tuple of ndarray
        x and y of the known time points, in pixels of the upright page.
    """
    seconds = COLUMN_SECONDS[place.n_columns]
    first = place.column * seconds
    last = first + seconds if place.n_columns > 1 else n_times / sampling_rate
    # Cropped pages end earlier.
    last = min(last, axis.seconds, n_times / sampling_rate)
    begin = int(np.ceil(first * sampling_rate - 1e-6))
    end = int(np.ceil(last * sampling_rate - 1e-6))
    signal = np.full(n_times, np.nan)
    if end <= begin:
        return signal, np.nan, None, _NO_LINE
    times = np.arange(begin, end) / sampling_rate
    x = axis.start + times * axis.per_second
    # At the limit of two columns, there is ink of both leads, and often a line.
    margin = 0.5 * curve.line_width + 1
    is_mixed = np.zeros(len(x), dtype=bool)
    if place.column:
        is_mixed |= x < axis.start + first * axis.per_second + margin
    if place.column < place.n_columns - 1:
        is_mixed |= x > axis.start + (first + seconds) * axis.per_second - margin
    values = sample_curve(curve, x, _MAX_GAP * scale)
    values[is_mixed] = np.nan
    known = ~np.isnan(values)
    if not known.any():
        return signal, 0.0, None, _NO_LINE
    level = np.median(values[known]) if zero is None else zero
    signal[begin:end] = (level - values) / per_millivolt
    box = (
        float(np.nanmin(values)),
        float(np.nanmax(values)),
        float(axis.start + first * axis.per_second),
        float(axis.start + last * axis.per_second),
    )
    return signal, float(known[~is_mixed].mean()), box, (x[known], values[known])

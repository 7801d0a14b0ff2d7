"""Removal of pacemaker spikes."""

import numpy as np

from ..utils._chunks import SPIKES, array_chunks

_WIDTH = 0.003  # s; a pacemaker pulse lasts 0.5 to 2 ms
_SEGMENT = 2.0  # s; contains a QRS complex
_MIN_HEIGHT = 0.3  # relative to the typical range of the signals without spikes
_NEXT_HEIGHT = 0.1  # the same, for further spikes of the same record
_MIN_STEEPNESS = 3.0  # relative to the changes just before and just after the spike
_FLAT_LEAD = 0.25  # minimum of a lead's range, relative to the median over leads


def remove_spikes(X, rate):
    """Remove pacemaker spikes by interpolation.

    A spike lasts up to 3 ms (or one time point), is much steeper on both sides than the signals
    next to it, and its root mean square over the leads is at least 0.3 times their typical range;
    0.1 times for further spikes of the same record. At 100 Hz, the R-peak of a narrow QRS complex
    also differs from its neighbors, but the neighbors differ from theirs as well.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_leads, n_times)
    rate : float
        Sampling rate in Hz.

    Returns
    -------
    X : ndarray of shape (n_records, n_leads, n_times)
        X itself if there are no spikes, otherwise a copy.
    record, time : ndarrays of shape (n_spikes,)
        Record and highest time point of each spike, in this order.
    """
    lag = max(1, int(np.ceil(_WIDTH * rate)))
    out, records, times = X, [], []
    for part in array_chunks(X, SPIKES) if X.shape[2] > 4 * lag else []:
        rows = np.flatnonzero(_may_have_spikes(X[part], rate, lag)) + part.start
        if len(rows) == 0:
            continue
        spike, height, clean = _find_spikes(X[rows].astype(np.float32, copy=False), rate, lag)
        record, time = np.nonzero(spike)
        if len(record) == 0:
            continue
        out = X.copy() if out is X else out
        for shift in range(1 - lag, lag):
            out[rows[record], :, time + lag + shift] = clean[record, :, time + shift]
        # Adjacent time points are one spike, whose time is that of the highest one.
        new = (np.diff(record, prepend=-1) > 0) | (np.diff(time, prepend=0) > lag)
        height, member = height[record, time], np.cumsum(new) - 1
        highest = np.maximum.reduceat(height, np.flatnonzero(new))
        peak = np.flatnonzero(height == highest[member])
        peak = peak[np.diff(member[peak], prepend=-1) > 0]
        records.append(rows[record[peak]])
        times.append(time[peak] + lag)
    none = [np.empty(0, dtype=np.int64)]
    return out, np.concatenate(records or none), np.concatenate(times or none)


def _find_spikes(signals, rate, lag):
    """Return where spikes are, their heights, and the signals without spikes.

    All of them start ``lag`` time points after the start of the signals.
    """
    # The median of three values that are further apart than the width of a spike has no spikes.
    left, middle, right = signals[..., : -2 * lag], signals[..., lag:-lag], signals[..., 2 * lag :]
    clean = np.minimum(np.maximum(middle, np.minimum(left, right)), np.maximum(left, right))
    unit = (1 / _typical_range(clean, rate))[..., None]
    height = _mean_square((middle - clean) * unit)
    change = np.abs(signals[..., lag:] - signals[..., :-lag]) * unit
    beside = np.full_like(height, np.inf)
    beside[:, lag:-lag] = _mean_square(np.maximum(change[..., : -3 * lag], change[..., 3 * lag :]))
    steep = height > _MIN_STEEPNESS**2 * beside
    any_spike = (steep & (height > _MIN_HEIGHT**2)).any(axis=1)
    return steep & (height > _NEXT_HEIGHT**2) & any_spike[:, None], height, clean


def _may_have_spikes(X, rate, lag):
    """Return which records have a time point that differs enough from those on both sides."""
    step = X[..., lag:] - X[..., :-lag]
    both = np.maximum(-np.min(step[..., :-lag] * step[..., lag:], axis=2), 0)
    return np.mean(both / np.square(_typical_range(X, rate)), axis=1) > _MIN_HEIGHT**2


def _typical_range(signals, rate):
    """Return the median range over segments of each lead, with a minimum for flat leads."""
    size = round(_SEGMENT * rate)
    starts = np.arange(0, max(1, signals.shape[2] - size + 1), size)
    highest = np.maximum.reduceat(signals, starts, axis=2)
    size = np.median(highest - np.minimum.reduceat(signals, starts, axis=2), axis=2)
    return np.maximum(size, np.maximum(_FLAT_LEAD * np.median(size, axis=1, keepdims=True), 1e-12))


def _mean_square(signals):
    return np.einsum("rlt,rlt->rt", signals, signals) / signals.shape[1]

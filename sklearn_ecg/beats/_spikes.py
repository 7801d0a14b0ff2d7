"""Pacemaker spikes: finding them, and taking them out of signals."""

import numpy as np

_WIDTH = 0.003  # s; a pulse lasts 0.5 to 2 ms
_SEGMENT = 2.0  # s; holds a QRS complex
_LEAST_HEIGHT = 0.3  # of the usual range of the signals without spikes
_NEXT_HEIGHT = 0.1  # of the further spikes of the same record
_LEAST_EDGE = 3.0  # times the change just before and just after a spike
_FLAT_LEAD = 0.25  # of the middle lead's range: a flatter lead counts as if it had that range


def remove_spikes(X, rate):
    """Replace pacemaker spikes by the signal beside them.

    A spike is up to 3 ms wide (one time point, where these are further apart), much steeper on both
    sides than the signal beside it, and at least 0.3 of the usual range of the signals high,
    root mean square over the leads. At 100 Hz the highest time point of a narrow QRS complex
    differs from its neighbors, too, but so do these from theirs.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_leads, n_times)
    rate : float
        In Hz.

    Returns
    -------
    X : ndarray of shape (n_records, n_leads, n_times)
        The array given, if no record has spikes; else a copy.
    record, time : ndarrays of shape (n_spikes,)
        The highest time point of each spike, ordered.
    """
    lag = max(1, int(np.ceil(_WIDTH * rate)))
    none = np.empty(0, dtype=np.int64)
    if X.shape[2] < 4 * lag + 1:
        return X, none, none
    rows = np.flatnonzero(_may_have_spikes(X, rate, lag))
    if len(rows) == 0:
        return X, none, none
    signals = X[rows].astype(np.float32, copy=False)
    # The median of three points that are further apart than a spike is wide has no spikes.
    left, middle, right = signals[..., : -2 * lag], signals[..., lag:-lag], signals[..., 2 * lag :]
    low, high = np.minimum(left, right), np.maximum(left, right)
    without = np.maximum(low, np.minimum(high, middle))
    unit = (1 / _unit(without, rate))[..., None]
    height = _mean_square((middle - without) * unit)
    beside = np.zeros_like(height)
    step = np.abs(signals[..., lag:] - signals[..., :-lag]) * unit
    beside[:, lag:-lag] = _mean_square(np.maximum(step[..., : -3 * lag], step[..., 3 * lag :]))
    edge = height > _LEAST_EDGE**2 * beside
    spike = edge & (height > _LEAST_HEIGHT**2)
    spike = edge & (height > np.where(spike.any(axis=1), _NEXT_HEIGHT, 1)[:, None] ** 2)
    spike[:, :lag] = spike[:, -lag:] = False
    if not spike.any():
        return X, none, none
    record, time = np.nonzero(spike)
    X = X.copy()
    for shift in range(1 - lag, lag):
        X[rows[record], :, time + lag + shift] = without[record, :, time + shift]
    first = (np.diff(record, prepend=-1) > 0) | (np.diff(time, prepend=0) > lag)
    start = np.flatnonzero(first)
    top = np.repeat(np.maximum.reduceat(height[record, time], start), np.diff([*start, len(time)]))
    top = np.flatnonzero(height[record, time] == top)
    top = top[np.diff(np.cumsum(first)[top], prepend=0) > 0]
    return X, rows[record[top]], time[top] + lag


def _may_have_spikes(X, rate, lag):
    """Which records have a time point that differs enough from those on both sides."""
    step = X[..., lag:] - X[..., :-lag]
    both = np.maximum(-np.min(step[..., :-lag] * step[..., lag:], axis=2), 0)
    return np.mean(both / np.square(_unit(X, rate)), axis=1) > _LEAST_HEIGHT**2


def _unit(signals, rate):
    """The usual range of each lead, but no less than a share of the middle lead's."""
    size = _usual_range(signals, rate)
    return np.maximum(size, np.maximum(_FLAT_LEAD * np.median(size, axis=1, keepdims=True), 1e-12))


def _usual_range(signals, rate):
    """Median over segments of the range of each lead."""
    size = round(_SEGMENT * rate)
    starts = np.arange(0, max(1, signals.shape[2] - size + 1), size)
    highest = np.maximum.reduceat(signals, starts, axis=2)
    return np.median(highest - np.minimum.reduceat(signals, starts, axis=2), axis=2)


def _mean_square(signals):
    return np.einsum("rlt,rlt->rt", signals, signals) / signals.shape[1]

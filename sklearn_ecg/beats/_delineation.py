"""Where the waves of average beats begin, peak and end.

All leads of a beat are read together for the bounds that it has as a whole (QRS, P, T); a lead's
own waves are then sought between them. Times are indices along the last axis; beats have the shape
(n_records, n_leads, n_times).
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d

from ..leads._derived import DERIVED_LEADS

# Milliseconds, from the R-peak where not said otherwise.
_QRS_CORE = 80  # holds the steepest part, to either side
_QRS_INSIDE = (-30, 10)  # from here outwards the QRS is followed to its ends
_QUIET = 12  # as long below the limit, and the QRS has ended
_REST = (-300, 400)
_BASELINE = (20, 4)  # before the QRS
_P_START, _P_START_RR = 360, 0.42  # at the earliest, and as a share of the RR interval
_P_GAP = 16  # from the P wave's peak to the QRS at least
_P_SLOPE = 80  # its flanks are within this of its peak
_P_SMOOTHING, _T_SMOOTHING = 12, 18
_T_START = 80  # from the end of the QRS
_T_STOP, _T_STOP_RR = 650, 0.68
_T_SPREAD = 80  # of the peaks of single leads around that of all
_T_SLOPE, _T_LEVEL = 160, 140  # its falling flank after the peak; its level after that flank

_QRS_SLOPE, _QRS_NOISE = 0.05, 3.0  # limits of the velocity: share of the highest, times the rest
_P_LEAST, _P_NOISE = 0.015, 1.5  # mV, all leads; times the noise of the average beat
_T_LEAST = 0.25  # of the highest T wave, for a lead to tell where the T wave ends


class Bounds(NamedTuple):
    """Bounds of the waves of beats, each of shape (n_records,), in time points; NaN where absent.

    ``t_peak`` is the median over leads.
    """

    p_onset: np.ndarray
    p_offset: np.ndarray
    qrs_onset: np.ndarray
    qrs_offset: np.ndarray
    t_peak: np.ndarray
    t_offset: np.ndarray


def independent_leads(names, n_leads):
    """Positions of the leads to read together: without those that follow from leads I and II."""
    if names is not None and {"I", "II"} <= set(names):
        return np.flatnonzero(~np.isin(names, DERIVED_LEADS))
    return np.arange(n_leads)


def qrs_bounds(beats, rate, peak, leads):
    """First and last index of each QRS: where the velocity over all leads leaves its rest.

    Parameters
    ----------
    beats : ndarray of shape (n_records, n_leads, n_times)
    rate : float
        Hz.
    peak : int
        Index of the R-peak.
    leads : list of int
        The leads to read.

    Returns
    -------
    onset, offset : ndarrays of shape (n_records,), int
    """
    ms = rate / 1000
    change = velocity(beats[:, leads], rate)
    speed = np.sqrt(np.einsum("rlt,rlt->rt", change, change))
    core = slice(max(0, peak - round(_QRS_CORE * ms)), peak + round(_QRS_CORE * ms) + 1)
    rest = slice(max(0, peak + round(_REST[0] * ms)), peak + round(_REST[1] * ms))
    highest = speed[:, core].max(axis=1)
    quiet = np.quantile(speed[:, rest], 0.25, axis=1)
    low = speed < np.maximum(_QRS_SLOPE * highest, _QRS_NOISE * quiet)[:, None]
    length = max(2, round(_QUIET * ms))
    before, after = (peak + round(edge * ms) for edge in _QRS_INSIDE)
    # The last index that is not at rest, seen from the R-peak.
    onset = before - first(run(low[:, before::-1], length), before) + 1
    offset = after + first(run(low[:, after:], length), beats.shape[2] - 1 - after) - 1
    return onset, offset


def baseline(beats, rate, qrs_onset):
    """Level of each lead at the end of the PR segment, (n_records, n_leads)."""
    early, late = (round(edge * rate / 1000) for edge in _BASELINE)
    start = np.maximum(qrs_onset - early, 0)
    place = start[:, None] + np.arange(max(2, early - late))
    return np.take_along_axis(beats, place[:, None], axis=2).mean(axis=2)


def bounds(beats, rate, peak, leads, rr, noise, qrs_onset, qrs_offset):
    """Bounds of P and T waves of beats whose baseline is zero.

    Parameters
    ----------
    beats, rate, peak, leads
        As for `qrs_bounds`.
    rr : ndarray of shape (n_records,)
        RR interval in ms.
    noise : ndarray of shape (n_records,)
        Of the beats, in mV, root mean square over the leads.
    qrs_onset, qrs_offset : ndarray of shape (n_records,)

    Returns
    -------
    Bounds
    """
    p_onset, p_offset = _p_wave(beats[:, leads], rate, peak, rr, noise, qrs_onset)
    t_peak, t_offset = _t_wave(beats[:, leads], rate, peak, rr, qrs_offset)
    return Bounds(p_onset, p_offset, qrs_onset, qrs_offset, t_peak, t_offset)


def _p_wave(beats, rate, peak, rr, noise, qrs_onset):
    """Tangents to the flanks of the P wave of all leads together, cut with the level beside it."""
    ms = rate / 1000
    beats = beats[:, :, :peak]
    curve = _rms(smooth(beats, _P_SMOOTHING * ms))
    time = np.arange(curve.shape[1])
    start = peak - np.minimum(_P_START, _P_START_RR * rr) * ms
    stop = qrs_onset - _P_GAP * ms
    top = np.where((time >= start[:, None]) & (time < stop[:, None]), curve, -1).argmax(axis=1)
    reach = _P_SLOPE * ms
    rising = (time < top[:, None]) & (time > top[:, None] - reach)
    falling = (time > top[:, None]) & (time < np.minimum(top + reach, qrs_onset)[:, None])
    before = np.where(rising, curve, np.inf).min(axis=1)
    after = np.where(falling, curve, np.inf).min(axis=1)
    slope = np.gradient(curve, axis=1)
    onset = _tangent(curve, slope, np.where(rising, slope, -1).argmax(axis=1), before)
    offset = _tangent(curve, slope, np.where(falling, slope, 1).argmin(axis=1), after)
    height = at(curve, top)
    found = height - np.maximum(before, after) >= np.maximum(_P_LEAST, _P_NOISE * noise) / 2
    found &= (height >= np.maximum(_P_LEAST, _P_NOISE * noise)) & (onset > 0) & (top > start)
    found &= np.isfinite(before) & np.isfinite(after)
    offset = np.minimum(offset, qrs_onset)
    return np.where(found, onset, np.nan), np.where(found, offset, np.nan)


def _t_wave(beats, rate, peak, rr, qrs_offset):
    """Medians over leads of the T wave's peak and of its end.

    The end is where the tangent to the steepest part of the falling flank meets the level after it.
    """
    ms = rate / 1000
    beats = smooth(beats[:, :, peak:], _T_SMOOTHING * ms)
    time = np.arange(beats.shape[2])
    start = (qrs_offset - peak + _T_START * ms)[:, None]
    stop = (np.minimum(_T_STOP, _T_STOP_RR * rr) * ms)[:, None]
    inside = (time >= start) & (time < stop)
    top = np.where(inside, _rms(beats), -1).argmax(axis=1)[:, None]
    near = inside & (np.abs(time - top) <= _T_SPREAD * ms)
    tops = np.where(near[:, None], np.abs(beats), -1).argmax(axis=2)
    height = at(beats, tops)
    upright = beats * np.sign(height)[:, :, None]
    slope = np.gradient(upright, axis=2)
    flank = (time > tops[:, :, None]) & (time < tops[:, :, None] + _T_SLOPE * ms)
    flank &= (time < stop)[:, None]
    steepest = np.where(flank, slope, np.inf).argmin(axis=2)
    rest = (time > steepest[:, :, None]) & (time < steepest[:, :, None] + _T_LEVEL * ms)
    level = np.where(rest & (time < stop)[:, None], upright, np.inf).min(axis=2)
    end = _tangent(upright, slope, steepest, level)
    height = np.abs(height)
    told = height >= _T_LEAST * height.max(axis=1, keepdims=True)
    told &= flank.any(axis=2) & np.isfinite(level)
    told &= (at(slope, steepest) < 0) & (end < time[-1])
    return peak + _median(np.where(told, tops, np.nan)), peak + _median(np.where(told, end, np.nan))


def smooth(beats, width):
    """Two moving averages over ``width`` time points each."""
    width = max(1, round(width / 2)) * 2 - 1
    for _ in range(2):
        beats = uniform_filter1d(beats, width, axis=-1, mode="nearest")
    return beats


def velocity(beats, rate):
    """Change over 4 ms, of means over 6 ms; 0 at either end."""
    width, step = max(1, round(0.004 * rate) * 2 - 1), max(1, round(0.002 * rate))
    means = uniform_filter1d(beats, width, axis=-1, mode="nearest")
    change = np.zeros_like(means)
    np.subtract(means[..., 2 * step :], means[..., : -2 * step], out=change[..., step:-step])
    return change


def _rms(beats):
    return np.sqrt(np.einsum("rlt,rlt->rt", beats, beats) / beats.shape[1])


def run(condition, length):
    """Whether a run of ``length`` true values along the last axis starts here."""
    total = np.cumsum(condition, axis=-1)
    total[..., length:] -= total[..., :-length].copy()
    return total[..., length - 1 :] == length


def first(condition, default):
    """Index of the first true value along the last axis."""
    index = condition.argmax(axis=-1)
    return np.where(condition.any(axis=-1), index, default)


def at(values, index):
    return np.take_along_axis(values, index[..., None], axis=-1)[..., 0]


def _tangent(curve, slope, place, level):
    """Where the tangent at ``place`` meets ``level``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return place + (level - at(curve, place)) / at(slope, place)


def _median(values):
    """Median over the last axis of what is not NaN."""
    values = np.sort(values, axis=-1)  # NaN last
    count = np.isfinite(values).sum(axis=-1)
    low, high = np.maximum((count - 1) // 2, 0), np.minimum(count // 2, values.shape[-1] - 1)
    return np.where(count > 0, (at(values, low) + at(values, high)) / 2, np.nan)

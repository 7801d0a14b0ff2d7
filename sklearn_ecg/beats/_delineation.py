"""Delineation of average beats: onsets, peaks and offsets of their waves.

The bounds of P, QRS and T of a beat are found in all leads together; `_measurements` then finds the
waves of each lead between them. Times are indices along the last axis; beats have the shape
(n_records, n_leads, n_times).
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d

# Milliseconds from the R-peak, unless specified otherwise.
_QRS_CORE = 80  # contains the steepest part of the QRS, on either side of the R-peak
_QRS_INSIDE = (-30, 10)  # from here, the QRS is followed outwards to its bounds
_QUIET_TIME = 12  # the QRS ends where the velocity is below the limit for this long
_REST = (-300, 400)
_PR_LEVEL = (20, 4)  # before the QRS
_P_START, _P_START_RR = 360, 0.42  # earliest start, also as a fraction of the RR interval
_P_GAP = 16  # minimum from the peak of the P wave to the QRS
_P_FLANK = 80  # maximum from the peak of the P wave to its flanks
_P_CURVE_SMOOTHING, _T_CURVE_SMOOTHING = 12, 18
_T_SEARCH_START = 80  # from the end of the QRS
_T_STOP, _T_STOP_RR = 650, 0.68  # latest end, also as a fraction of the RR interval
_T_SPREAD = 80  # of the peaks of single leads around the peak of all leads
_T_FLANK, _T_LEVEL = 160, 140  # falling flank after the peak; level after that flank

# Limits of the velocity during the QRS of all leads: fraction of the maximum, multiple of the rest.
_ALL_LEADS_SLOPE, _ALL_LEADS_NOISE = 0.05, 3.0
_P_MIN_HEIGHT, _P_NOISE = 0.015, 1.5  # mV, all leads; multiple of the noise of the average beat
_T_MIN_HEIGHT = 0.25  # relative to the highest T wave, for a lead to be used for the end of T


class WaveBounds(NamedTuple):
    """Bounds of the waves of beats in time points, each of shape (n_records,); NaN if absent.

    ``t_peak`` is the median over the leads.
    """

    p_onset: np.ndarray
    p_offset: np.ndarray
    qrs_onset: np.ndarray
    qrs_offset: np.ndarray
    t_peak: np.ndarray
    t_offset: np.ndarray


def qrs_bounds(beats, rate, peak, leads):
    """Find the first and last index of each QRS from the velocity over all leads.

    Parameters
    ----------
    beats : ndarray of shape (n_records, n_leads, n_times)
    rate : float
        Sampling rate in Hz.
    peak : int
        Index of the R-peak.
    leads : list of int
        Positions of the leads to use.

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
    # A beat that ends before the rest has no quiet part.
    quiet = np.quantile(speed[:, rest], 0.25, axis=1) if speed[:, rest].size else 0 * highest
    low = speed < np.maximum(_ALL_LEADS_SLOPE * highest, _ALL_LEADS_NOISE * quiet)[:, None]
    length = max(2, round(_QUIET_TIME * ms))
    last = beats.shape[2] - 1
    # Inside the beat, which may be shorter than a QRS.
    before, after = (min(max(peak + round(edge * ms), 0), last) for edge in _QRS_INSIDE)
    # The last index before the velocity is low, going outwards from the R-peak.
    onset = before - first_true(starts_run(low[:, before::-1], length), before) + 1
    offset = after + first_true(starts_run(low[:, after:], length), last - after) - 1
    return onset, offset


def pr_level(beats, rate, qrs_onset):
    """Return the level of each lead at the end of the PR segment, (n_records, n_leads)."""
    early, late = (round(edge * rate / 1000) for edge in _PR_LEVEL)
    start = np.maximum(qrs_onset - early, 0)
    place = start[:, None] + np.arange(max(2, early - late))
    place = np.minimum(place, beats.shape[2] - 1)
    return np.take_along_axis(beats, place[:, None], axis=2).mean(axis=2)


def wave_bounds(beats, rate, peak, leads, rr, noise, qrs_onset, qrs_offset):
    """Find the bounds of the P and T waves of beats whose PR level is zero.

    Parameters
    ----------
    beats, rate, peak, leads
        As for `qrs_bounds`.
    rr : ndarray of shape (n_records,)
        RR interval in ms.
    noise : ndarray of shape (n_records,)
        Root mean square over the leads of the noise of the beats, in mV.
    qrs_onset, qrs_offset : ndarray of shape (n_records,)

    Returns
    -------
    WaveBounds
    """
    p_onset, p_offset = _p_bounds(beats[:, leads], rate, peak, rr, noise, qrs_onset)
    t_peak, t_offset = _t_peak_and_offset(beats[:, leads], rate, peak, rr, qrs_offset)
    return WaveBounds(p_onset, p_offset, qrs_onset, qrs_offset, t_peak, t_offset)


def _p_bounds(beats, rate, peak, rr, noise, qrs_onset):
    """Find the bounds of the P wave from the root mean square over the leads.

    They are where the tangents to its flanks cross the level before and after it.
    """
    ms = rate / 1000
    beats = beats[:, :, :peak]
    curve = _rms(smooth(beats, _P_CURVE_SMOOTHING * ms))
    time = np.arange(curve.shape[1])
    start = peak - np.minimum(_P_START, _P_START_RR * rr) * ms
    stop = qrs_onset - _P_GAP * ms
    top = np.where((time >= start[:, None]) & (time < stop[:, None]), curve, -1).argmax(axis=1)
    reach = _P_FLANK * ms
    rising = (time < top[:, None]) & (time > top[:, None] - reach)
    falling = (time > top[:, None]) & (time < np.minimum(top + reach, qrs_onset)[:, None])
    before = np.where(rising, curve, np.inf).min(axis=1)
    after = np.where(falling, curve, np.inf).min(axis=1)
    slope = np.gradient(curve, axis=1)
    onset = _tangent(curve, slope, np.where(rising, slope, -1).argmax(axis=1), before)
    offset = _tangent(curve, slope, np.where(falling, slope, 1).argmin(axis=1), after)
    height = take_at(curve, top)
    min_height = np.maximum(_P_MIN_HEIGHT, _P_NOISE * noise)
    found = height - np.maximum(before, after) >= min_height / 2
    found &= (height >= min_height) & (onset > 0) & (top > start)
    found &= np.isfinite(before) & np.isfinite(after)
    offset = np.minimum(offset, qrs_onset)
    return np.where(found, onset, np.nan), np.where(found, offset, np.nan)


def _t_peak_and_offset(beats, rate, peak, rr, qrs_offset):
    """Find the peak and the end of the T wave, as medians over the leads.

    The end is where the tangent to the steepest part of the falling flank crosses the level after
    it.
    """
    ms = rate / 1000
    beats = smooth(beats[:, :, peak:], _T_CURVE_SMOOTHING * ms)
    time = np.arange(beats.shape[2])
    start = (qrs_offset - peak + _T_SEARCH_START * ms)[:, None]
    stop = (np.minimum(_T_STOP, _T_STOP_RR * rr) * ms)[:, None]
    inside = (time >= start) & (time < stop)
    top = np.where(inside, _rms(beats), -1).argmax(axis=1)[:, None]
    near = inside & (np.abs(time - top) <= _T_SPREAD * ms)
    tops = np.where(near[:, None], np.abs(beats), -1).argmax(axis=2)
    height = take_at(beats, tops)
    upright = beats * np.sign(height)[:, :, None]
    slope = np.gradient(upright, axis=2)
    flank = (time > tops[:, :, None]) & (time < tops[:, :, None] + _T_FLANK * ms)
    flank &= (time < stop)[:, None]
    steepest = np.where(flank, slope, np.inf).argmin(axis=2)
    rest = (time > steepest[:, :, None]) & (time < steepest[:, :, None] + _T_LEVEL * ms)
    level = np.where(rest & (time < stop)[:, None], upright, np.inf).min(axis=2)
    end = _tangent(upright, slope, steepest, level)
    height = np.abs(height)
    used = height >= _T_MIN_HEIGHT * height.max(axis=1, keepdims=True)
    used &= flank.any(axis=2) & np.isfinite(level)
    used &= (take_at(slope, steepest) < 0) & (end < time[-1])
    t_peak, t_offset = (_median_of_finite(np.where(used, values, np.nan)) for values in (tops, end))
    return peak + t_peak, peak + t_offset


def smooth(beats, width):
    """Smooth with two moving averages over ``width`` time points each."""
    width = max(1, round(width / 2)) * 2 - 1
    for _ in range(2):
        beats = uniform_filter1d(beats, width, axis=-1, mode="nearest")
    return beats


def velocity(beats, rate):
    """Return the change over 4 ms of means over 6 ms; 0 at both ends."""
    width, step = max(1, round(0.004 * rate) * 2 - 1), max(1, round(0.002 * rate))
    means = uniform_filter1d(beats, width, axis=-1, mode="nearest")
    change = np.zeros_like(means)
    np.subtract(means[..., 2 * step :], means[..., : -2 * step], out=change[..., step:-step])
    return change


def _rms(beats):
    return np.sqrt(np.einsum("rlt,rlt->rt", beats, beats) / beats.shape[1])


def starts_run(condition, length):
    """Return where a run of ``length`` true values along the last axis starts."""
    total = np.cumsum(condition, axis=-1)
    total[..., length:] -= total[..., :-length].copy()
    return total[..., length - 1 :] == length


def first_true(condition, default):
    """Return the index of the first true value along the last axis, or a default."""
    if not condition.shape[-1]:
        return np.full(condition.shape[:-1], default)
    index = condition.argmax(axis=-1)
    return np.where(condition.any(axis=-1), index, default)


def take_at(values, index):
    """Return the values at one index of each row along the last axis."""
    return np.take_along_axis(values, index[..., None], axis=-1)[..., 0]


def _tangent(curve, slope, place, level):
    """Return where the tangent at ``place`` crosses ``level``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return place + (level - take_at(curve, place)) / take_at(slope, place)


def _median_of_finite(values):
    """Return the median over the last axis of the values that are not NaN."""
    values = np.sort(values, axis=-1)  # NaN last
    count = np.isfinite(values).sum(axis=-1)
    low, high = np.maximum((count - 1) // 2, 0), np.minimum(count // 2, values.shape[-1] - 1)
    return np.where(count > 0, (take_at(values, low) + take_at(values, high)) / 2, np.nan)

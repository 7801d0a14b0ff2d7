"""Interpolation between two records whose beats are aligned.

The time of one record is mapped to that of another beat by beat. A beat lasts from one third of an
RR interval before its R-peak to two thirds of the next one after it. Within it, the map is linear
between these points: the P wave and the QRS are not stretched, the ST segment and the T wave are
stretched with the square root of the RR interval, and the rest of the diastole takes the
difference. All leads have the same map and the same weights.
"""

from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline

from ..beats._beat_averaging import PR_SEGMENT

# Seconds from the R-peak: start of the P wave, and end of the QRS.
_P_START, _QRS_END = 0.2, 0.06
# End of the T wave in seconds after the R-peak, for an RR interval of 1 s.
_T_END = 0.36
# Deviation of derived leads from leads I and II, relative to the largest value of these.
_ROUNDING = 0.05
# Seconds in which one beat changes over to the next.
_RAMP = 0.04


class BeatTimes(NamedTuple):
    """Beats of a record, in time points.

    Parameters
    ----------
    peak : ndarray of shape (n_beats,)
        R-peaks.
    before, after : ndarray of shape (n_beats,)
        RR intervals on both sides. That of the first and of the last beat, which has only one, is
        assumed to be the same on the other side.
    is_normal : bool ndarray of shape (n_beats,)
        False for ectopic beats, which are not interpolated.
    """

    peak: np.ndarray
    before: np.ndarray
    after: np.ndarray
    is_normal: np.ndarray

    @classmethod
    def from_peaks(cls, peaks, ectopic):
        """Return the beats of a record with at least two R-peaks."""
        peak = peaks.astype(np.float64)
        interval = np.diff(peak)
        before = np.concatenate([interval[:1], interval])
        after = np.concatenate([interval, interval[-1:]])
        return cls(peak, before, after, ~ectopic)

    @property
    def typical_interval(self):
        """Median RR interval in time points."""
        return np.median(np.diff(self.peak))

    @property
    def usable(self):
        """Positions of the normal beats between two others, which another record can take."""
        return np.flatnonzero(self.is_normal[1:-1]) + 1


def interpolate_records(record, neighbor, beats, neighbor_beats, gap, rate, derived=()):
    """Move a record towards another one by a share of the difference of their beats.

    Parameters
    ----------
    record, neighbor : ndarray of shape (n_leads, n_times)
    beats, neighbor_beats : BeatTimes
    gap : float
        In [0, 1].
    rate : float
        Sampling rate in Hz.
    derived : list of tuple, default=()
        The derived limb leads, from `derived_leads`. If they hold the identities of both records
        except for rounding, the new record does not add to the rounding.

    Returns
    -------
    new : ndarray of shape (n_leads, n_times), float64
        With the baseline of the record, and equal to it outside its normal beats.
    """
    record = record.astype(np.float64)
    n_times = record.shape[1]
    own = record - find_baseline(record, beats, rate)
    other = neighbor - find_baseline(neighbor, neighbor_beats, rate)
    spline = CubicSpline(np.arange(n_times), other, axis=1)
    difference = np.zeros_like(record)
    matched = match_beats(beats, neighbor_beats)
    for i, j in zip(np.flatnonzero(beats.is_normal), matched):
        times, other_times, weight = map_beat(beats, i, neighbor_beats, j, rate, n_times)
        values = spline(np.clip(other_times, 0, n_times - 1))
        difference[:, times] += weight * (values - own[:, times])
    for lead, first, second, first_weight, second_weight in derived:
        expected = first_weight * difference[first] + second_weight * difference[second]
        excess = np.abs(difference[lead] - expected).max()
        if excess <= _ROUNDING * np.abs(own[[first, second]]).max():
            difference[lead] = expected
    return record + gap * difference


def find_baseline(record, beats, rate):
    """Return the lines through the PR segments of the normal beats, for each lead."""
    low, high = (np.rint(beats.peak[beats.is_normal] + edge * rate) for edge in PR_SEGMENT)
    inside = low >= 0
    if not inside.any():
        return np.zeros_like(record)
    width = max(1, int(high[0] - low[0]))
    places = low[inside].astype(int)[:, np.newaxis] + np.arange(width)
    levels = record[:, places].mean(axis=2)
    middle = places.mean(axis=1)
    return np.array([np.interp(np.arange(record.shape[1]), middle, lead) for lead in levels])


def match_beats(beats, neighbor_beats):
    """Return the beat of the neighbor for each normal beat of a record.

    The beats of the neighbor are in their order, starting where the RR intervals are most similar,
    and again from the first one after the last one.
    """
    interval = np.log(beats.after[beats.is_normal])
    usable = neighbor_beats.usable
    order = (np.arange(len(usable))[:, np.newaxis] + np.arange(len(interval))) % len(usable)
    stretch = np.abs(np.log(neighbor_beats.after[usable])[order] - interval)
    return usable[order[stretch.sum(axis=1).argmin()]]


def map_beat(beats, i, neighbor_beats, j, rate, n_times):
    """Return time points of a beat, those of the neighbor's beat, and weights in [0, 1]."""
    knots, neighbor_knots = _knots(
        beats.before[i], beats.after[i], neighbor_beats.before[j], neighbor_beats.after[j], rate
    )
    peak, ramp = beats.peak[i], _RAMP * rate
    start, stop = peak + knots[0] - ramp / 2, peak + knots[-1] + ramp / 2
    times = np.arange(max(0, int(np.ceil(start))), min(n_times, int(np.floor(stop)) + 1))
    share = np.clip((times - start) / ramp, 0, 1) * np.clip((stop - times) / ramp, 0, 1)
    # Beyond the ends, time is not stretched.
    knots = np.concatenate([[knots[0] - ramp], knots, [knots[-1] + ramp]])
    ends = [neighbor_knots[0] - ramp], neighbor_knots, [neighbor_knots[-1] + ramp]
    neighbor_times = np.interp(times - peak, knots, np.concatenate(ends))
    return times, neighbor_times + neighbor_beats.peak[j], share


def _knots(before, after, other_before, other_after, rate):
    """Return the knots of the map from one beat to another, in time points from the R-peaks."""
    starts = before / 3, other_before / 3
    stops = 2 * after / 3, 2 * other_after / 3
    # Not stretched, so the same in both beats.
    p_start = min(_P_START * rate, 0.9 * min(starts))
    qrs_end = min(_QRS_END * rate, 0.3 * min(stops))
    return tuple(
        np.array([-start, -p_start, qrs_end, min(_T_END * np.sqrt(rr * rate), 0.9 * stop), stop])
        for start, stop, rr in zip(starts, stops, (after, other_after))
    )

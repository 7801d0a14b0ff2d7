"""Average beats of batches of records: which beats, where exactly, and their middle.

Beats of all records stand in flat arrays, ordered by record: ``record`` holds each beat's record,
``time`` its R-peak.
"""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..leads._derived import LIMB_LEAD_WEIGHTS
from ..utils._chunks import BEAT_AVERAGE, record_chunks
from ._rhythm import RPeaks, detect_r_peaks

_LEVEL = (-0.09, -0.06)  # seconds from the R-peak: PR segment, or at least the same place of each
_ALIGN = (-0.06, 0.06)  # seconds from the R-peak: the part that beats are aligned on
NOISY_BEAT = 2.0  # residual, in units of that of the record's median beat
_TAPS = 8  # of the interpolation that shifts a beat by a part of a time point
_TRIMMED = 0.25  # share of beats left out at either end by the trimmed mean


class AverageBeats(NamedTuple):
    """Average beats of several records.

    Attributes
    ----------
    beats : ndarray of shape (n_records, n_leads, n_times)
        NaN for records without a usable beat.
    noise : ndarray of shape (n_records, n_leads)
        Root mean square of what a single beat differs from the average; NaN for less than two.
    n_used : ndarray of shape (n_records,), int
    rhythm : RPeaks
    """

    beats: np.ndarray
    noise: np.ndarray
    n_used: np.ndarray
    rhythm: RPeaks


def average_beats(X, names, rate, start, stop, method="median"):
    """Find, choose, align and average the beats of records.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_leads, n_times)
    names : tuple of str or None
        Of the leads.
    rate : float
        Hz.
    start, stop : int
        Window around the R-peak in time points; ``stop`` is not in it.
    method : {"median", "trimmed_mean"}

    Returns
    -------
    AverageBeats
    """
    rhythm = detect_r_peaks(X, rate, n_leads=X.shape[1], lead_names=names)
    n_records, n_leads, _ = X.shape
    beats = np.full((n_records, n_leads, stop - start), np.nan, dtype=X.dtype)
    noise = np.full((n_records, n_leads), np.nan, dtype=X.dtype)
    n_used = np.zeros(n_records, dtype=np.int64)
    ectopic = rhythm.ectopic()
    derived = _derived_leads(names)
    most = max(map(len, rhythm.peaks), default=0)
    size = max(1, most * n_leads * (stop - start))
    for part in record_chunks(n_records, size, BEAT_AVERAGE):
        counts = [len(peaks) for peaks in rhythm.peaks[part]]
        record = np.repeat(np.arange(len(counts)), counts)
        time = np.concatenate(rhythm.peaks[part])
        usable = ~np.concatenate(ectopic[part])
        usable &= (time + start >= _TAPS // 2) & (time + stop <= X.shape[2] - _TAPS // 2)
        out = beats[part], noise[part], n_used[part]
        record, time = record[usable], time[usable]
        _average(X[part], record, time, rate, start, stop, method, derived, out)
    return AverageBeats(beats, noise, n_used, rhythm)


def _derived_leads(names):
    """The limb leads that follow from I and II: (lead, lead I, lead II, weights of these)."""
    place = {name: i for i, name in enumerate(names or ())}
    if not {"I", "II"} <= place.keys():
        return []
    return [
        (place[name], place["I"], place["II"], *weights)
        for name, weights in LIMB_LEAD_WEIGHTS.items()
        if name in place
    ]


def _average(X, record, time, rate, start, stop, method, derived, out):
    """Average the given beats of records, into the three arrays of ``out``."""
    beats, noise, n_used = out
    if len(record) == 0:
        return
    reach = _TAPS // 2
    wide = _windows(X, record, time + start - reach + 1, stop - start + _TAPS - 1)
    _take_baseline_off(wide, record, time, rate, start - reach + 1)
    shift = _misalignment(wide, record, rate, start)
    shifted = _shift(wide, shift)
    good = _similar_to_others(shifted, record)
    record, shifted = record[good], shifted[good]
    count = np.bincount(record, minlength=len(X))
    n_used[:] = count
    first = np.cumsum(count) - count
    # Records with the same number of beats are averaged together.
    for n_beats in np.unique(count[count > 0]):
        records = np.flatnonzero(count == n_beats)
        # Beats in front: the middle is then found by comparing whole arrays.
        stack = shifted[first[records] + np.arange(n_beats)[:, None]]
        # A median of differences is no difference of medians. So that Einthoven's identities hold,
        # what a derived lead has beyond them, mostly nothing, is averaged in its place.
        beyond = stack.copy()
        for lead, first_lead, second_lead, weight, second_weight in derived:
            beyond[:, :, lead] -= weight * stack[:, :, first_lead]
            beyond[:, :, lead] -= second_weight * stack[:, :, second_lead]
        beyond.sort(axis=0)
        middle = _middle(beyond, method)
        for lead, first_lead, second_lead, weight, second_weight in derived:
            middle[:, lead] += weight * middle[:, first_lead]
            middle[:, lead] += second_weight * middle[:, second_lead]
        beats[records] = middle
        if n_beats > 1:
            stack -= middle
            square = np.einsum("brlt,brlt->rl", stack, stack)
            noise[records] = np.sqrt(square / ((n_beats - 1) * stack.shape[-1]))


def _windows(X, record, start, width):
    """Signals from ``start`` on, (n_beats, n_leads, width)."""
    view = sliding_window_view(X, width, axis=2)
    return view[record, :, start]


def _take_baseline_off(beats, record, time, rate, start):
    """Subtract from each beat a line through its own level and those of its neighbours."""
    low, high = (int(round(edge * rate)) - start for edge in _LEVEL)
    high = max(high, low + 1)
    level = beats[:, :, max(low, 0) : max(high, 1)].mean(axis=2)
    follows = (np.diff(record) == 0)[:, None]
    step = np.diff(time).astype(beats.dtype)[:, None]
    slope = np.divide(np.diff(level, axis=0), step, out=np.zeros_like(level[1:]), where=follows)
    none = np.zeros_like(level[:1])
    place = np.arange(start, start + beats.shape[2], dtype=beats.dtype)
    place -= _LEVEL[0] * rate
    beats -= level[:, :, None]
    before, after = np.minimum(place, 0), np.maximum(place, 0)
    beats -= np.concatenate([none, slope])[:, :, None] * before
    beats -= np.concatenate([slope, none])[:, :, None] * after


def _misalignment(wide, record, rate, start):
    """By how many time points each beat comes later than its record's mean beat."""
    low, high = (int(round(edge * rate)) - start + _TAPS // 2 - 1 for edge in _ALIGN)
    low, high = max(low, _TAPS), min(high + 1, wide.shape[2] - _TAPS)
    shift = np.zeros(len(wide), dtype=wide.dtype)
    if high - low < 3:
        return shift
    part = wide[:, :, low - _TAPS // 2 + 1 : high + _TAPS // 2]
    first, member = _groups(record)
    count = np.diff(np.append(first, len(record)))[:, None, None]
    for _ in range(2):
        aligned = _shift(part, shift)
        mean = np.add.reduceat(aligned, first, axis=0) / count
        slope = np.gradient(mean, axis=2)
        steep = np.einsum("rlt,rlt->r", slope, slope)
        aligned -= mean[member]
        along = np.einsum("blt,blt->b", aligned, slope[member])
        shift -= np.divide(along, steep[member], out=np.zeros_like(along), where=steep[member] > 0)
        np.clip(shift, -1.5, 1.5, out=shift)
    return shift


def _shift(wide, shift):
    """Beats moved to the left by ``shift`` time points, ``_TAPS - 1`` shorter than ``wide``."""
    taps = np.arange(_TAPS) - (_TAPS // 2 - 1) - shift[:, None]
    kernel = np.sinc(taps) * np.sinc(taps / (_TAPS // 2 + 1))
    kernel /= kernel.sum(axis=1, keepdims=True)
    kernel = kernel.astype(wide.dtype)
    width = wide.shape[2] - _TAPS + 1
    moved = kernel[:, :1, None] * wide[:, :, :width]
    for tap in range(1, _TAPS):
        moved += kernel[:, tap, None, None] * wide[:, :, tap : tap + width]
    return moved


def _similar_to_others(beats, record):
    """Which beats are not much further from their record's mean than the others."""
    first, member = _groups(record)
    count = np.diff(np.append(first, len(record)))
    mean = np.add.reduceat(beats, first, axis=0) / count[:, None, None].astype(beats.dtype)
    residual = beats - mean[member]
    residual = np.sqrt(np.einsum("blt,blt->bl", residual, residual))
    # A lead counts in units of its own usual residual: one noisy lead does not decide.
    score = np.empty(len(beats))
    for number, start in enumerate(first):
        part = slice(start, start + count[number])
        usual = np.median(residual[part], axis=0)
        own = residual[part]
        score[part] = np.divide(own, usual, out=np.ones_like(own), where=usual > 0).mean(axis=1)
    return score <= NOISY_BEAT


def _groups(record):
    """The first beat of each record that has beats, and for each beat its record's number."""
    new = np.diff(record, prepend=-1) > 0
    return np.flatnonzero(new), np.cumsum(new) - 1


def _middle(ordered, method):
    """Median or trimmed mean of beats in ascending order along the first axis."""
    n_beats = len(ordered)
    if method == "median":
        return (ordered[(n_beats - 1) // 2] + ordered[n_beats // 2]) / 2
    cut = int(_TRIMMED * n_beats)
    return ordered[cut : n_beats - cut].mean(axis=0)

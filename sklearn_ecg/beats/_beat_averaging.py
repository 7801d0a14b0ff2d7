"""Average beats of batches of records: select the beats, align them, and average them.

The beats of all records are in flat arrays, ordered by record: ``record`` is the record of each
beat, ``time`` its R-peak.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .._validation import group_by_missing_leads, leads_with_gaps, take_group, take_names
from ..leads._derived import LIMB_LEAD_WEIGHTS
from ..utils._chunks import BEAT_AVERAGE, record_chunks
from ._gaps import cover_with_windows, cut_window, group_windows
from ._qrs import group_by_record
from ._r_peaks import RPeaks, merge_rhythms, split_by_record, without_beats
from ._rhythm import find_r_peaks
from ._spikes import remove_spikes

PR_SEGMENT = (-0.09, -0.06)  # seconds from the R-peak; at least the same part of each beat
_ALIGNED_PART = (-0.06, 0.06)  # seconds from the R-peak
_NOISY_BEAT = 2.0  # residual, relative to that of the record's median beat
_TAPS = 8  # of the interpolation that shifts a beat by a fraction of a time point
_TRIMMED = 0.25  # share of beats that the trimmed mean leaves out on either side


class AverageBeats(NamedTuple):
    """Average beats of several records.

    Attributes
    ----------
    beats : ndarray of shape (n_records, n_leads, n_times)
        NaN for records without a usable beat.
    noise : ndarray of shape (n_records, n_leads)
        Root mean square of the differences between single beats and the average; NaN for less than
        two beats.
    n_used : ndarray of shape (n_records,), int
        Number of beats that were averaged, in at least one lead.
    rhythm : RPeaks
    n_used_by_lead : ndarray of shape (n_records, n_leads), int
        Number of beats that were averaged in each lead. It is less than ``n_used`` in leads with
        gaps, and in missing leads it is 0.
    """

    beats: np.ndarray
    noise: np.ndarray
    n_used: np.ndarray
    rhythm: RPeaks
    n_used_by_lead: np.ndarray


def average_beats(X, lead_names, rate, start, stop, *, method="median"):
    """Remove pacemaker spikes; detect, select, align and average the beats of records.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_leads, n_times)
        Validated signals without infinity. Leads of a record that are NaN at all time points are
        missing: they have no influence on the others, and their beats are NaN. Of leads that are
        NaN at some time points, the beats that contain no NaN are averaged.
    lead_names : tuple of str or None
    rate : float
        Sampling rate in Hz.
    start, stop : int
        Window in time points from the R-peak, without ``stop``.
    method : {"median", "trimmed_mean"}

    Returns
    -------
    AverageBeats
    """
    options = rate, start, stop, method
    groups, gaps = group_by_missing_leads(X), leads_with_gaps(X).any(axis=1)
    if len(groups) == 1 and len(groups[0][1]) == X.shape[1] and not gaps.any():
        return _average_complete(X, lead_names, *options)
    (n_records, n_leads, n_times), rhythms = X.shape, []
    beats, noise, n_used, n_used_by_lead = _empty_averages(X, start, stop)
    averages = []
    for records, leads in groups:
        records = records[~gaps[records]]
        if len(leads) == 0:
            rhythms.append((records, without_beats(len(records), rate, n_times)))
        elif len(records):
            names = take_names(lead_names, leads)
            average = _average_complete(take_group(X, records, leads), names, *options)
            averages.append((records, leads, average))
    if gaps.any():
        average = _average_with_gaps(X[gaps], lead_names, *options)
        averages.append((np.flatnonzero(gaps), np.arange(n_leads), average))
    for records, leads, average in averages:
        place = np.ix_(records, leads)
        beats[place], noise[place] = average.beats, average.noise
        n_used[records], n_used_by_lead[place] = average.n_used, average.n_used_by_lead
        rhythms.append((records, average.rhythm))
    rhythm = merge_rhythms(rhythms, n_records, rate, n_times)
    return AverageBeats(beats, noise, n_used, rhythm, n_used_by_lead)


def concatenate_averages(averages):
    """Return the average beats of consecutive parts of the records as those of all of them.

    Parameters
    ----------
    averages : list of AverageBeats

    Returns
    -------
    AverageBeats
    """
    if len(averages) == 1:
        return averages[0]
    beats, noise, n_used, rhythms, n_used_by_lead = zip(*averages)
    stops = np.cumsum([len(part) for part in n_used])
    places = [range(stop - len(part), stop) for part, stop in zip(n_used, stops)]
    first = rhythms[0]
    rhythm = merge_rhythms(
        list(zip(places, rhythms)), stops[-1], first.sampling_rate, first.n_times
    )
    arrays = (np.concatenate(parts) for parts in (beats, noise, n_used, n_used_by_lead))
    beats, noise, n_used, n_used_by_lead = arrays
    return AverageBeats(beats, noise, n_used, rhythm, n_used_by_lead)


def _empty_averages(X, start, stop):
    """Return arrays for average beats, their noise, and the numbers of beats."""
    n_records, n_leads, _ = X.shape
    return (
        np.full((n_records, n_leads, stop - start), np.nan, dtype=X.dtype),
        np.full((n_records, n_leads), np.nan, dtype=X.dtype),
        np.zeros(n_records, dtype=np.int64),
        np.zeros((n_records, n_leads), dtype=np.int64),
    )


def _average_complete(X, lead_names, rate, start, stop, method):
    """Average the beats of records without NaN; see `average_beats`."""
    X, spike_record, spike_time = remove_spikes(X, rate)
    rhythm = find_r_peaks(X, lead_names, rate)
    rhythm = replace(rhythm, spikes=split_by_record(spike_record, spike_time, len(X)))
    n_records, n_leads, _ = X.shape
    beats, noise, n_used, n_used_by_lead = _empty_averages(X, start, stop)
    ectopic = rhythm.ectopic()
    derived = derived_leads(lead_names)
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
        _average_selected(X[part], record, time, rate, start, stop, method, derived, out)
    n_used_by_lead[:] = n_used[:, None]
    return AverageBeats(beats, noise, n_used, rhythm, n_used_by_lead)


def _average_with_gaps(X, lead_names, rate, start, stop, method):
    """Average the beats of records with NaN at some time points; see `average_beats`.

    In each lead, the beats without NaN are averaged. Leads with the same beats are aligned
    together.
    """
    X, spikes = _remove_spikes_in_windows(X, rate)
    rhythm = replace(find_r_peaks(X, lead_names, rate), spikes=spikes)
    beats, noise, n_used, n_used_by_lead = _empty_averages(X, start, stop)
    reach = _TAPS // 2
    for record, (time, ectopic) in enumerate(zip(rhythm.peaks, rhythm.ectopic())):
        usable = ~ectopic & (time + start >= reach) & (time + stop <= X.shape[2] - reach)
        time, signals = time[usable], X[record : record + 1]
        # The number of NaN before each time point.
        count = np.pad(np.cumsum(np.isnan(signals[0]), axis=1), ((0, 0), (1, 0)))
        complete = count[:, time + stop + reach] == count[:, time + start - reach]
        is_used = np.zeros(len(time), dtype=bool)
        patterns, member = np.unique(complete, axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            leads, chosen = np.flatnonzero(member.reshape(-1) == number), np.flatnonzero(pattern)
            if len(chosen) == 0:
                continue
            block = signals[:, leads]
            *out, _ = _empty_averages(block, start, stop)
            derived = derived_leads(take_names(lead_names, leads))
            same = np.zeros(len(chosen), dtype=np.int64)
            options = rate, start, stop, method, derived, out
            kept = _average_selected(block, same, time[chosen], *options)
            beats[record, leads], noise[record, leads] = out[0][0], out[1][0]
            n_used_by_lead[record, leads] = out[2][0]
            is_used[chosen[kept]] = True
        n_used[record] = np.count_nonzero(is_used)
    return AverageBeats(beats, noise, n_used, rhythm, n_used_by_lead)


def _remove_spikes_in_windows(X, rate):
    """Remove pacemaker spikes from records with gaps; return a copy, and the spikes of each."""
    X, spikes = X.copy(), [[] for _ in X]
    for window, records in group_windows(cover_with_windows(X, rate)).items():
        cut = cut_window(X, records, window)
        clean, spike_record, spike_time = remove_spikes(cut, rate)
        for row in np.unique(spike_record):
            record, times = records[row], slice(window.start, window.stop)
            for lead, signal in zip(window.leads, clean[row]):
                part = X[record, lead, times]
                part[:] = np.where(np.isnan(part), np.nan, signal)
            spikes[record] += (spike_time[spike_record == row] + window.start).tolist()
    return X, [np.unique(np.array(times, dtype=np.int64)) for times in spikes]


def derived_leads(lead_names):
    """Return the derived limb leads as (lead, lead I, lead II, weight of I, weight of II)."""
    place = {name: i for i, name in enumerate(lead_names or ())}
    if not {"I", "II"} <= place.keys():
        return []
    return [
        (place[name], place["I"], place["II"], *weights)
        for name, weights in LIMB_LEAD_WEIGHTS.items()
        if name in place
    ]


def _average_selected(X, record, time, rate, start, stop, method, derived, out):
    """Align and average the given beats, and write the results to the three arrays of ``out``.

    Return which beats are averaged.
    """
    beats, noise, n_used = out
    if len(record) == 0:
        return np.zeros(0, dtype=bool)
    reach = _TAPS // 2
    wide = _cut_beats(X, record, time + start - reach + 1, stop - start + _TAPS - 1)
    _subtract_baseline(wide, record, time, rate, start - reach + 1)
    shift = _find_shifts(wide, record, rate, start)
    shifted = _shift_beats(wide, shift)
    good = _is_similar_to_others(shifted, record)
    record, shifted = record[good], shifted[good]
    count = np.bincount(record, minlength=len(X))
    n_used[:] = count
    first = np.cumsum(count) - count
    # Records with the same number of beats are averaged together.
    for n_beats in np.unique(count[count > 0]):
        records = np.flatnonzero(count == n_beats)
        # With the beats along the first axis, whole arrays are sorted at once.
        stack = shifted[first[records] + np.arange(n_beats)[:, None]]
        # The median of differences is not the difference of medians. To keep Einthoven's
        # identities, a derived lead is averaged as its difference from them, which is mostly zero.
        excess = stack.copy()
        for lead, first_lead, second_lead, weight, second_weight in derived:
            excess[:, :, lead] -= weight * stack[:, :, first_lead]
            excess[:, :, lead] -= second_weight * stack[:, :, second_lead]
        excess.sort(axis=0)
        middle = _average_sorted(excess, method)
        for lead, first_lead, second_lead, weight, second_weight in derived:
            middle[:, lead] += weight * middle[:, first_lead]
            middle[:, lead] += second_weight * middle[:, second_lead]
        beats[records] = middle
        if n_beats > 1:
            stack -= middle
            square = np.einsum("brlt,brlt->rl", stack, stack)
            noise[records] = np.sqrt(square / ((n_beats - 1) * stack.shape[-1]))
    return good


def _cut_beats(X, record, start, width):
    """Cut a window of all leads for each beat, of shape (n_beats, n_leads, width)."""
    windows = sliding_window_view(X, width, axis=2)
    return windows[record, :, start]


def _subtract_baseline(beats, record, time, rate, start):
    """Subtract from each beat the lines through its PR segment and those of its neighbors."""
    low, high = (int(round(edge * rate)) - start for edge in PR_SEGMENT)
    high = max(high, low + 1)
    level = beats[:, :, max(low, 0) : max(high, 1)].mean(axis=2)
    follows = (np.diff(record) == 0)[:, None]
    step = np.diff(time).astype(beats.dtype)[:, None]
    slope = np.divide(np.diff(level, axis=0), step, out=np.zeros_like(level[1:]), where=follows)
    none = np.zeros_like(level[:1])
    place = np.arange(start, start + beats.shape[2], dtype=beats.dtype)
    place -= PR_SEGMENT[0] * rate
    beats -= level[:, :, None]
    before, after = np.minimum(place, 0), np.maximum(place, 0)
    beats -= np.concatenate([none, slope])[:, :, None] * before
    beats -= np.concatenate([slope, none])[:, :, None] * after


def _find_shifts(wide, record, rate, start):
    """Return by how many time points each beat is later than its record's mean beat."""
    low, high = (int(round(edge * rate)) - start + _TAPS // 2 - 1 for edge in _ALIGNED_PART)
    low, high = max(low, _TAPS), min(high + 1, wide.shape[2] - _TAPS)
    shift = np.zeros(len(wide), dtype=wide.dtype)
    if high - low < 3:
        return shift
    part = wide[:, :, low - _TAPS // 2 + 1 : high + _TAPS // 2]
    first, member = group_by_record(record)
    count = np.diff(np.append(first, len(record)))[:, None, None]
    for _ in range(2):
        aligned = _shift_beats(part, shift)
        mean = np.add.reduceat(aligned, first, axis=0) / count
        slope = np.gradient(mean, axis=2)
        steep = np.einsum("rlt,rlt->r", slope, slope)
        aligned -= mean[member]
        along = np.einsum("blt,blt->b", aligned, slope[member])
        shift -= np.divide(along, steep[member], out=np.zeros_like(along), where=steep[member] > 0)
        np.clip(shift, -1.5, 1.5, out=shift)
    return shift


def _shift_beats(wide, shift):
    """Shift beats to the left by ``shift`` time points; the result is ``_TAPS - 1`` shorter."""
    taps = np.arange(_TAPS) - (_TAPS // 2 - 1) - shift[:, None]
    kernel = np.sinc(taps) * np.sinc(taps / (_TAPS // 2 + 1))
    kernel /= kernel.sum(axis=1, keepdims=True)
    kernel = kernel.astype(wide.dtype)
    width = wide.shape[2] - _TAPS + 1
    moved = kernel[:, :1, None] * wide[:, :, :width]
    for tap in range(1, _TAPS):
        moved += kernel[:, tap, None, None] * wide[:, :, tap : tap + width]
    return moved


def _is_similar_to_others(beats, record):
    """Return which beats are not much further from their record's mean than the others."""
    first, member = group_by_record(record)
    count = np.diff(np.append(first, len(record)))
    mean = np.add.reduceat(beats, first, axis=0) / count[:, None, None].astype(beats.dtype)
    residual = beats - mean[member]
    residual = np.sqrt(np.einsum("blt,blt->bl", residual, residual))
    # Residuals are relative to the median of their lead, so that one noisy lead is not decisive.
    score = np.empty(len(beats))
    for number, start in enumerate(first):
        part = slice(start, start + count[number])
        own = residual[part]
        typical = np.median(own, axis=0)
        score[part] = np.divide(own, typical, out=np.ones_like(own), where=typical > 0).mean(axis=1)
    return score <= _NOISY_BEAT


def _average_sorted(ordered, method):
    """Return the median or trimmed mean of beats that are sorted along the first axis."""
    n_beats = len(ordered)
    if method == "median":
        return (ordered[(n_beats - 1) // 2] + ordered[n_beats // 2]) / 2
    cut = int(_TRIMMED * n_beats)
    return ordered[cut : n_beats - cut].mean(axis=0)

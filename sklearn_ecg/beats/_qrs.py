"""Detection of QRS complexes and R-peaks in batches of records.

The notes of `detect_r_peaks` describe the steps. The beats of all records are in flat arrays,
ordered by record and time: ``record`` and ``time`` (in time points at the working rate), and others
of the same length with the properties of each beat.
"""

from functools import partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import uniform_filter1d

from ..utils._chunks import BEAT_CURVE, record_chunks
from ._beat_selection import (
    MIN_DIVISOR,
    REFRACTORY,
    median_of_positive,
    segment_starts,
    select_beats,
)
from ._spikes import remove_spikes

_DETECTION_RATE = 100  # Hz; beats are detected at this rate or up to twice this rate

# Seconds.
_HALF_WAVELET = 0.03
_SMOOTHING = 0.08
_BEND = 0.02  # lag of the second difference that measures sharpness
_SHARPNESS = (-0.06, 0.06)  # around a candidate, where its sharpness is measured
_GAP = 3.0
_FOOT = (-0.13, -0.10)  # before the middle of the QRS; its mean is the level of the QRS
_SEARCH = (-0.10, 0.07)  # around the middle of the QRS, where the R-peak is searched
_SHAPE = 0.08  # on either side of the R-peak, where beats are compared

_MAX_CLARITY = 15  # maximum over mean of a lead's wavelet
_NOISY_LEAD = 0.1  # leads of a smaller weight are not used to locate the R-peak

# Squares next to an R-peak, relative to the square at the R-peak, below which it may be a spike:
# signals from their level, then their slopes.
_SPIKE_LEVEL, _SPIKE_SLOPE = 0.35, 0.06
_SPIKE_SHARE = 0.15  # of the R-peaks of a record, above which it is searched for spikes
_SPIKE_STEP = 2  # every second R-peak is enough to tell

_MAX_BEND = 2.0  # relative to a lead's typical maximum; larger second differences are artifacts
_NOISE_STEP = 7  # every seventh time point is enough to measure the noise
_VARIANCE_PER_MEDIAN = 2.2  # variance over median square of normal values


def detect_beats(X, leads, rate):
    """Detect the beats of several records.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_leads, n_times)
    leads : ndarray of int
        Positions of the leads to use.
    rate : float
        Sampling rate in Hz.

    Returns
    -------
    record, time, similarity : ndarrays of shape (n_beats,)
        Record, time point in X, and similarity of each beat, ordered by record and time.
    reliability : ndarray of shape (n_records,)
    spike_record, spike_time : ndarrays of shape (n_spikes,)
        Record and time point of each pacemaker spike that was removed.

    Raises
    ------
    FloatingPointError
        If the leads contain NaN, infinity, or values too large for float32.
    """
    step = max(1, int(rate // _DETECTION_RATE))
    n_times = X.shape[2] // step
    rate /= step
    n_used = n_times * step
    if n_times < 2 * round(_HALF_WAVELET * rate):  # too short for a QRS
        n_times = n_used = 0
    # `_compute_curves` checks the other time points.
    if not np.isfinite(X[:, leads, n_used:]).all():
        raise FloatingPointError
    if n_times == 0:
        none = np.empty(0, dtype=np.int64)
        return none, none, np.empty(0), np.zeros(len(X)), none, none
    found, spiky = _detect_beats(X, leads, step, rate)
    rows = np.flatnonzero(spiky)
    spike_record = spike_time = np.empty(0, dtype=np.int64)
    if len(rows):
        # Only at the full rate can spikes be distinguished from narrow QRS complexes.
        signals, spike_record, spike_time = remove_spikes(X[rows][:, leads], step * rate)
        paced = np.unique(spike_record)
        if len(paced):
            again, _ = _detect_beats(signals[paced], np.arange(len(leads)), step, rate)
            found = _replace_records(found, rows[paced], again)
        spike_record = rows[spike_record]
    record, time, similarity, reliability = found
    inside = (time > 0) & (time < X.shape[2] - 1)  # the ends of the record are not peaks
    beats = record[inside], time[inside], similarity[inside]
    return *beats, reliability, spike_record, spike_time


def _detect_beats(X, leads, step, rate):
    """Return record, time and similarity of the beats, each record's reliability, and in which
    records the R-peaks may be pacemaker spikes."""
    n_times = X.shape[2] // step
    with np.errstate(all="ignore"):
        low, curve, weight, scale = _compute_curves(X, leads, step, rate)
    sharpness = partial(_compute_sharpness, low, weight, scale, rate)
    record, time, contrast = select_beats(curve, rate, sharpness)
    time, level, spiky = _locate_r_peaks(low, record, time, weight, scale, rate)
    # In noise, two beats may be located at the same peak.
    single = (np.diff(record, prepend=-1) > 0) | (np.diff(time, prepend=0) > rate * REFRACTORY / 2)
    record, time, level = record[single], time[single], level[single]
    similarity = _compare_beats(low, record, time, weight, scale, rate)
    reliability = _compute_reliability(record, time, similarity, contrast, n_times, rate)
    if step > 1:
        time = _refine_r_peaks(X, leads, record, time, level, weight, scale, step)
    return (record, time, similarity, reliability), spiky


def _replace_records(found, rows, new):
    """Replace the beats and the reliability of some records."""
    reliability = found[3].copy()
    reliability[rows] = new[3]
    kept = ~np.isin(found[0], rows)
    record = np.concatenate([found[0][kept], rows[new[0]]])
    order = np.argsort(record, kind="stable")
    time, similarity = (
        np.concatenate([old[kept], values])[order] for old, values in zip(found[1:3], new[1:3])
    )
    return record[order], time, similarity, reliability


# --------------------------------------------------------------------------------------------------
# From signals to one curve per record
# --------------------------------------------------------------------------------------------------


def _compute_curves(X, leads, step, rate):
    """Combine the leads of each record into one curve that is high during QRS complexes.

    Returns
    -------
    low : ndarray of shape (n_records, n_leads, n_times)
        Signals at the working rate.
    curve : ndarray of shape (n_records, n_times)
    weight : ndarray of shape (n_records, n_leads)
        Weights of the leads; 1 for the best lead of a record.
    scale : ndarray of shape (n_records, n_leads)
        Typical maximum of each lead's wavelet.
    """
    n_records, n_leads, n_times = len(X), len(leads), X.shape[2] // step
    half = round(_HALF_WAVELET * rate)
    low = np.zeros((n_records, n_leads, n_times), dtype=np.float32)
    curve = np.zeros((n_records, n_times), dtype=np.float32)
    weight = np.zeros((n_records, n_leads), dtype=np.float32)
    scale = np.zeros((n_records, n_leads), dtype=np.float32)
    starts = segment_starts(n_times, rate)
    ones = np.ones(n_times, dtype=np.float32)
    parts = record_chunks(n_records, n_leads * n_times, BEAT_CURVE)
    largest = max(part.stop - part.start for part in parts)
    buffers = np.zeros((2, largest * n_leads * n_times), dtype=np.float32)
    for part in parts:
        signals = low[part]
        _downsample(X[part], leads, step, out=signals)
        # Computing the wavelet over all records and leads end to end is fast. Its values where two
        # leads meet are set to zero.
        flat = signals.reshape(-1)
        sums, wave = buffers[:, : flat.size]
        np.add(flat[:-1], flat[1:], out=sums[:-1])
        for shift in range(2, half):
            sums[:-shift] += flat[shift:]
        np.subtract(sums[half:], sums[:-half], out=wave[half:])
        np.abs(wave, out=wave)
        wave = wave.reshape(signals.shape)
        wave[..., :half] = 0
        wave[..., n_times - half + 1 :] = 0

        highest = np.maximum.reduceat(wave, starts, axis=2)
        if not np.isfinite(highest).all():
            raise FloatingPointError
        per_segment, highest = highest, median_of_positive(highest)
        np.minimum(wave, highest[..., None], out=wave)
        # QRS complexes are short and recur: a lead that shows them clearly is low most of the time
        # and high in every segment. A higher clarity than that of a slow heart is due to artifacts.
        unit = _divide(1, highest)
        mean = (wave.reshape(-1, n_times) @ ones).reshape(highest.shape) * (unit / n_times)
        clarity = np.minimum(_divide(1, mean), _MAX_CLARITY)
        clarity *= (per_segment > highest[..., None] / 3).mean(axis=2, dtype=np.float32)
        clarity = _divide(clarity, clarity.max(axis=1, keepdims=True)) ** 3
        share = _divide(clarity, clarity.sum(axis=1, keepdims=True)) * unit
        curve[part] = np.matmul(share[:, None], wave)[:, 0]
        weight[part], scale[part] = clarity, highest
    curve *= curve
    curve = uniform_filter1d(curve, round(_SMOOTHING * rate), axis=1, mode="constant")
    return low, curve, weight, scale


def _downsample(X, leads, step, out):
    """Write the means of every ``step`` time points of the leads to ``out``, as float32."""
    n_times = out.shape[2]
    mean = np.full(step, 1 / step, dtype=np.float32)
    for row, lead in enumerate(leads):
        signal = X[:, lead]
        if step > 1:
            signal = signal[:, : n_times * step].reshape(len(X), n_times, step) @ mean
        out[:, row] = signal


def _divide(a, b):
    """Return a / b, and 0 where b is (nearly) 0."""
    shape = np.broadcast_shapes(np.shape(a), b.shape)
    return np.divide(a, b, out=np.zeros(shape, dtype=b.dtype), where=b > MIN_DIVISOR)


# --------------------------------------------------------------------------------------------------
# Sharpness of candidates
# --------------------------------------------------------------------------------------------------


def _compute_sharpness(low, weight, scale, rate, record, time):
    """Return how sharply the signals bend around candidates, whose times are in seconds.

    This is the mean square of the second differences over the leads that are not noisy, without the
    mean square of the noise.
    """
    lag = round(_BEND * rate)
    start, stop = (round(edge * rate) for edge in _SHARPNESS)
    width = min(stop - start + 1 + 2 * lag, low.shape[2])
    start = np.clip(np.rint(time * rate).astype(np.int64) + start - lag, 0, low.shape[2] - width)
    waves = _cut_leads(low, np.arange(low.shape[1]), record, start, width)
    bend = waves[..., 2 * lag :] - 2 * waves[..., lag:-lag] + waves[..., : -2 * lag]
    limit = (_MAX_BEND * scale)[record][..., None]
    np.clip(bend, -limit, limit, out=bend)
    energy = _qrs_energy(bend, record, weight, scale).mean(axis=1)
    first, member = group_by_record(record)
    rows, stop = record[first], low.shape[2] - 2 * lag
    bend = low[rows, :, lag : stop + lag : _NOISE_STEP] * -2
    bend += low[rows, :, 2 * lag :: _NOISE_STEP]
    bend += low[rows, :, :stop:_NOISE_STEP]
    noise = np.median(_qrs_energy(bend, rows, weight, scale), axis=1)
    # Where waves fill the time between the QRS complexes, not all of this is noise.
    mean = np.add.reduceat(energy, first) / np.bincount(member)
    noise = np.minimum(_VARIANCE_PER_MEDIAN * noise, mean / 2)
    return np.maximum(energy - noise[member], 0)


# --------------------------------------------------------------------------------------------------
# R-peaks, shapes and reliability
# --------------------------------------------------------------------------------------------------


def _cut_leads(signals, leads, record, start, width):
    """Cut a window of some leads for each beat, of shape (n_beats, n_leads, width)."""
    windows = sliding_window_view(signals, width, axis=2)
    return np.ascontiguousarray(windows[record[:, None], leads, start[:, None]])


def _qrs_energy(beats, record, weight, scale):
    """Return the sum of squares over the leads that are not noisy. Changes ``beats``."""
    beats *= (1 / np.maximum(scale.max(axis=1), MIN_DIVISOR))[record, None, None]
    beats *= beats
    good = (weight > _NOISY_LEAD).astype(np.float32)
    return np.einsum("bl,blt->bt", good[record], beats)


def group_by_record(record):
    """Group beats by record.

    Parameters
    ----------
    record : ndarray of shape (n_beats,), int
        Record of each beat, ascending.

    Returns
    -------
    first : ndarray of int
        First beat of each record that has beats.
    member : ndarray of shape (n_beats,), int
        For each beat, the position of its record in ``first``.
    """
    new = np.diff(record, prepend=-1) > 0
    return np.flatnonzero(new), np.cumsum(new) - 1


def _locate_r_peaks(low, record, time, weight, scale, rate):
    """Return the time of each R-peak, at the working rate, and each lead's level before the QRS."""
    n_leads, n_times = low.shape[1:]
    width = min(round((_SEARCH[1] - _FOOT[0]) * rate) + 1, n_times)
    if len(record) == 0:
        return time, np.empty((0, n_leads), dtype=np.float32), np.zeros(len(low), dtype=bool)
    start = np.minimum(np.maximum(time + round(_FOOT[0] * rate), 0), n_times - width)
    foot = np.zeros(width, dtype=np.float32)
    foot[: round((_FOOT[1] - _FOOT[0]) * rate)] = 1
    foot /= foot.sum()
    beats = _cut_leads(low, np.arange(n_leads), record, start, width)
    level = (beats.reshape(-1, width) @ foot).reshape(-1, n_leads)
    beats -= level[..., None]
    energy = _qrs_energy(beats, record, weight, scale)
    energy /= np.maximum(energy.max(axis=1, keepdims=True), MIN_DIVISOR)
    place = np.arange(width)
    offset = (start - time)[:, None] + place
    energy[(offset < _SEARCH[0] * rate) | (offset > _SEARCH[1] * rate)] = 0
    # R and S may be equally high. Waves at the typical place of the record get up to twice the
    # weight, so that the same wave is selected in all beats.
    first, member = group_by_record(record)
    typical = np.add.reduceat(energy, first, axis=0).argmax(axis=1)[member]
    away = np.abs(place - typical[:, None]) / (0.1 * rate)
    best = (energy * (1 - np.minimum(away, 1) / 2)).argmax(axis=1)
    energy, place = energy.ravel(), np.arange(0, energy.size, width)
    left = energy[place + np.maximum(best - 1, 0)]
    right = energy[place + np.minimum(best + 1, width - 1)]
    best += np.where(
        left >= np.maximum(right, energy[place + best]), -1, right > energy[place + best]
    )
    best = np.maximum(best, 0)
    position = np.arange(len(best)) - first[member]
    sample = np.flatnonzero(position % _SPIKE_STEP == 0)
    spiky = _find_spiky_records(low, sample, record, start, best, energy, width, weight)
    return start + best, level, spiky


def _find_spiky_records(low, beat, record, start, best, energy, width, weight):
    """Return in which records the R-peaks may be pacemaker spikes, from some of the beats.

    A spike takes one or two time points, and is much steeper on both sides than the signals next to
    it.
    """
    record, time, place = record[beat], (start + best)[beat], width * beat
    place += np.minimum(np.maximum(best[beat], 2), width - 3)
    left, right = energy[place - 1], energy[place + 1]
    beside = np.maximum(np.maximum(energy[place - 2], energy[place + 2]), np.minimum(left, right))
    lonely = np.flatnonzero(beside < _SPIKE_LEVEL * energy[place])
    n_beats = np.bincount(record, minlength=len(low))
    if len(lonely) == 0 or low.shape[2] < 6:
        return np.zeros(len(low), dtype=bool)
    record, time = record[lonely], time[lonely]
    start = time - (left > right)[lonely]
    first = np.minimum(np.maximum(start - 2, 0), low.shape[2] - 6)
    waves = _cut_leads(low, np.arange(low.shape[1]), record, first, 6)
    peak = np.where((time == start)[:, None], waves[..., 2], waves[..., 3])
    before, left, right, after = waves[..., 0], waves[..., 1], waves[..., 4], waves[..., 5]
    height = peak - np.minimum(np.maximum(peak, np.minimum(left, right)), np.maximum(left, right))
    slope = np.maximum(np.abs(left - before), np.abs(after - right))
    good = (weight > _NOISY_LEAD)[record]
    spike = np.sum(slope**2, axis=1, where=good) < _SPIKE_SLOPE * np.sum(
        height**2, axis=1, where=good
    )
    return np.bincount(record[spike], minlength=len(low)) > _SPIKE_SHARE * n_beats


def _refine_r_peaks(X, leads, record, time, level, weight, scale, step):
    """Return the time of each R-peak in X, within one time point of the working rate."""
    reach, smooth = step, 2 * round(0.4 * step) + 1
    width = min(2 * reach + smooth, X.shape[2])
    middle = time * step + step // 2
    start = np.minimum(np.maximum(middle - width // 2, 0), X.shape[2] - width)
    beats = _cut_leads(X, leads, record, start, width).astype(np.float32, copy=False)
    beats -= level[..., None]
    energy = _qrs_energy(beats, record, weight, scale)
    energy = uniform_filter1d(energy, smooth, axis=1, mode="nearest")
    energy[np.abs((start - middle)[:, None] + np.arange(width)) > reach] = -1
    return start + energy.argmax(axis=1)


def _compare_beats(low, record, time, weight, scale, rate):
    """Return the correlation of each beat with the mean of its record's other beats.

    The second time, beats that differ from the others have a smaller weight in the mean.
    """
    if len(record) == 0:
        return np.empty(0)
    n_leads, n_times = low.shape[1:]
    half = round(_SHAPE * rate)
    width = min(2 * half + 1, n_times)
    start = np.minimum(np.maximum(time - half, 0), n_times - width)
    beats = _cut_leads(low, np.arange(n_leads), record, start, width)
    mean = beats.reshape(-1, width) @ np.full(width, 1 / width, dtype=np.float32)
    beats -= mean.reshape(-1, n_leads, 1)
    beats *= (np.sqrt(weight) / np.maximum(scale, MIN_DIVISOR))[record][..., None]
    beats = beats.reshape(len(beats), -1)
    norm = np.maximum(np.sqrt(np.einsum("bi,bi->b", beats, beats)), MIN_DIVISOR)
    first, member = group_by_record(record)
    beat_weight = np.ones(len(beats), dtype=np.float32)
    for _ in range(2):
        # With u = beats / norm, and total the sum of beat_weight * u over a record, the mean of the
        # other beats has the direction of total - beat_weight * u.
        total = np.add.reduceat((beat_weight / norm)[:, None] * beats, first, axis=0)
        square = np.einsum("ri,ri->r", total, total)[member]
        along = np.einsum("bi,bi->b", beats, total[member]) / norm
        others = np.sqrt(
            np.maximum(square - 2 * beat_weight * along + beat_weight * beat_weight, 1e-12)
        )
        similarity = np.minimum(np.maximum((along - beat_weight) / others, -1), 1)
        beat_weight = np.maximum(similarity, 0) ** 2
    whole = (time >= half) & (time < n_times - half) & (np.bincount(member)[member] > 1)
    return np.where(whole, similarity, np.nan)


def _compute_reliability(record, time, similarity, contrast, n_times, rate):
    """Return the reliability of each record."""
    n_records = len(contrast)
    known = np.isfinite(similarity)
    count = np.bincount(record[known], minlength=n_records)
    alike = np.bincount(record[known], similarity[known], minlength=n_records)
    alike = alike / np.maximum(count, 1)
    # The ends of a record are treated as beats.
    ends = np.arange(n_records)
    owner = np.concatenate([record, ends, ends])
    when = np.concatenate([time, np.zeros(n_records), np.full(n_records, n_times)])
    order = np.lexsort((when, owner))
    interval = np.diff(when[order], append=0)
    gap = np.where(interval >= _GAP * rate, interval, 0)
    covered = 1 - np.bincount(owner[order], gap, minlength=n_records) / max(n_times, 1)
    reliability = np.minimum(np.maximum((alike - 0.4) / 0.4, 0), 1)
    reliability *= np.minimum(np.maximum((contrast - 0.5) / 0.25, 0), 1)
    return reliability * covered * (np.bincount(record, minlength=n_records) > 1)

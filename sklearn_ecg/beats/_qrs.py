"""Detection of QRS complexes and R-peaks in batches of records; `rhythm` describes the steps.

Beats of all records stand in flat arrays, ordered by record and time: ``record`` and ``time`` (time
points at the working rate) hold the beats found, arrays beside them what belongs to each beat.
"""

from functools import partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import median_filter, uniform_filter1d

from ..utils._chunks import BEAT_CURVE, record_chunks
from ._spikes import remove_spikes

_WORKING_RATE = 100  # Hz; beats are sought at this rate or up to twice it

# Seconds.
_HALF_WAVELET = 0.03
_SMOOTHING = 0.08
_SEGMENT = 2.0  # holds a beat at 30 beats per minute and above
_APART = 0.15  # candidates
_REFRACTORY = 0.2
_T_WAVE = 0.36
_LATEST_T = 0.55  # from a QRS to the T wave that follows it
_BEND = 0.02  # the second difference that tells how sharp a wave is
_SHARPNESS = (-0.06, 0.06)  # where it is measured, around a wave
_GAP = 3.0
_FOOT = (-0.13, -0.10)  # where the level that a QRS is measured from is taken
_SEARCH = (-0.10, 0.07)  # where the R-peak is sought, around the middle of the QRS
_SHAPE = 0.08  # to either side of the R-peak

# Heights, in units of the QRS usual around that time of the record.
_BEAT = 0.5
_BEAT_AFTER_BEAT = 0.6
_MISSED_BEAT = 0.3
_BEAT_BELOW_T = 0.15

_DOUBTFUL = 0.6
_BLUNT, _BLUNT_LATE = 0.3, 0.12  # sharpness below which a wave is the T wave of that before it

_LONG_INTERVAL = 1.66  # RR intervals of usual length
_MOST_CLEAR = 15  # maximum over mean of a lead's wavelet
_NOISY_LEAD = 0.1  # leads of less weight do not place the R-peak

_LONELY = 0.35
_SPIKE = 0.06  # squared change beside an R-peak, relative to its own, below which it may be a spike
_MEDIAN_OF_SQUARE = 0.455  # of normal values of unit variance

_TINY = np.float32(1e-30)


def detect_beats(X, leads, rate):
    """Find the beats of several records.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_leads, n_times)
    leads : ndarray of int
        Leads to read.
    rate : float
        In Hz.

    Returns
    -------
    record, time, similarity : ndarrays of shape (n_beats,)
        Of all beats, ordered; ``time`` in time points of X.
    reliability : ndarray of shape (n_records,)

    Raises
    ------
    FloatingPointError
        When the leads hold NaN, infinity, or values too large for float32.
    """
    step = max(1, int(rate // _WORKING_RATE))
    n_times = X.shape[2] // step
    rate /= step
    unread = n_times * step
    if n_times < 2 * round(_HALF_WAVELET * rate):  # too short for a QRS
        n_times = unread = 0
    if not np.isfinite(X[:, leads, unread:]).all():
        raise FloatingPointError
    if n_times == 0:
        none = np.empty(0, dtype=np.int64)
        return none, none, np.empty(0), np.zeros(len(X))
    found, spiky = _detect(X, leads, step, rate)
    rows = np.flatnonzero(spiky)
    if len(rows):
        # Spikes are told from QRS complexes at the full rate. Such records are read again.
        clean, of_spike, _ = remove_spikes(X[rows][:, leads], rate * step)
        has_spikes = np.unique(of_spike)
        rows, clean = rows[has_spikes], clean[has_spikes]
        if len(rows):
            again, _ = _detect(clean, np.arange(len(leads)), step, rate)
            found = _replace(found, rows, again)
    record, time, similarity, reliability = found
    inside = (time > 0) & (time < X.shape[2] - 1)  # an end of the record is no peak
    return record[inside], time[inside], similarity[inside], reliability


def _detect(X, leads, step, rate):
    """Find the beats, and tell the records in which R-peaks may be pacemaker spikes."""
    n_times = X.shape[2] // step
    with np.errstate(all="ignore"):
        low, curve, weight, scale = _fuse_leads(X, leads, step, rate)
    sharpness = partial(_sharpness, low, weight, scale, rate)
    record, time, contrast = _pick_beats(curve, rate, sharpness)
    time, level, spiky = _find_r(low, record, time, weight, scale, rate)
    spiky = np.bincount(record[spiky], minlength=len(X)) * 4 > np.bincount(record, minlength=len(X))
    # In noise two beats may end up at the same peak.
    single = (np.diff(record, prepend=-1) > 0) | (np.diff(time, prepend=0) > rate * _REFRACTORY / 2)
    record, time, level = record[single], time[single], level[single]
    similarity = _compare_beats(low, record, time, weight, scale, rate)
    reliability = _judge(record, time, similarity, contrast, n_times, rate)
    if step > 1:
        time = _find_r_exactly(X, leads, record, time, level, weight, scale, step)
    return (record, time, similarity, reliability), spiky


def _replace(found, rows, again):
    """Put the beats found again in the place of those of some records."""
    record, reliability = found[0], found[3].copy()
    reliability[rows] = again[3]
    kept = ~np.isin(record, rows)
    record = np.concatenate([record[kept], rows[again[0]]])
    order = np.argsort(record, kind="stable")
    time, similarity = (
        np.concatenate([old[kept], new])[order] for old, new in zip(found[1:3], again[1:3])
    )
    return record[order], time, similarity, reliability


# --------------------------------------------------------------------------------------------------
# From signals to one curve per record
# --------------------------------------------------------------------------------------------------


def _fuse_leads(X, leads, step, rate):
    """One curve per record, (n_records, n_times), that is high in the QRS.

    Returns beside it the signals at the working rate, (n_records, n_leads, n_times), and, both
    (n_records, n_leads), each lead's weight (1 for the best lead of a record) and usual maximum.
    """
    n_records, n_leads, n_times = len(X), len(leads), X.shape[2] // step
    half = round(_HALF_WAVELET * rate)
    low = np.zeros((n_records, n_leads, n_times), dtype=np.float32)
    curve = np.zeros((n_records, n_times), dtype=np.float32)
    weight = np.zeros((n_records, n_leads), dtype=np.float32)
    scale = np.zeros((n_records, n_leads), dtype=np.float32)
    starts = _segments(n_times, rate)
    ones = np.ones(n_times, dtype=np.float32)
    parts = record_chunks(n_records, n_leads * n_times, BEAT_CURVE)
    largest = max(part.stop - part.start for part in parts)
    buffers = np.zeros((2, largest * n_leads * n_times), dtype=np.float32)
    for part in parts:
        signals = low[part]
        _lower_rate(X[part], leads, step, out=signals)
        # The wavelet runs over records and leads end to end, which is fast; what it makes of
        # the seams is set to zero.
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
        per_segment, highest = highest, _median_of_positive(highest)
        np.minimum(wave, highest[..., None], out=wave)
        # A QRS is short and comes again: a lead that shows it clearly is low most of the time
        # and high in every segment. Beyond what a slow heart gives, clarity is an artefact's.
        unit = _divide(1, highest)
        usual = (wave.reshape(-1, n_times) @ ones).reshape(highest.shape) * (unit / n_times)
        clarity = np.minimum(_divide(1, usual), _MOST_CLEAR)
        clarity *= (per_segment > highest[..., None] / 3).mean(axis=2, dtype=np.float32)
        clarity = _divide(clarity, clarity.max(axis=1, keepdims=True)) ** 3
        share = _divide(clarity, clarity.sum(axis=1, keepdims=True)) * unit
        curve[part] = np.matmul(share[:, None], wave)[:, 0]
        weight[part], scale[part] = clarity, highest
    curve *= curve
    curve = uniform_filter1d(curve, round(_SMOOTHING * rate), axis=1, mode="constant")
    return low, curve, weight, scale


def _lower_rate(X, leads, step, out):
    """Means of every ``step`` time points of the leads, as float32."""
    n_times = out.shape[2]
    mean = np.full(step, 1 / step, dtype=np.float32)
    for row, lead in enumerate(leads):
        signal = X[:, lead]
        if step > 1:
            signal = signal[:, : n_times * step].reshape(len(X), n_times, step) @ mean
        out[:, row] = signal


def _segments(n_times, rate):
    """Starts of the segments that should hold a beat each; the last one takes the rest."""
    size = round(_SEGMENT * rate)
    return np.arange(0, max(1, n_times - size + 1), size)


def _median_of_positive(values):
    """Median over the last axis of the values above zero, the higher of the middle two."""
    values = np.sort(values, axis=-1)
    count = np.count_nonzero(values, axis=-1, keepdims=True)
    middle = values.shape[-1] - (count + 1) // 2
    return np.take_along_axis(values, np.minimum(middle, values.shape[-1] - 1), axis=-1)[..., 0]


def _divide(a, b):
    """a / b, and 0 where b is nothing."""
    shape = np.broadcast_shapes(np.shape(a), b.shape)
    return np.divide(a, b, out=np.zeros(shape, dtype=b.dtype), where=b > _TINY)


# --------------------------------------------------------------------------------------------------
# From curves to beats
# --------------------------------------------------------------------------------------------------


def _pick_beats(curve, rate, sharpness):
    """Record and time of the beats, and the contrast of each record's curve."""
    starts = _segments(curve.shape[1], rate)
    level = np.maximum.reduceat(curve, starts, axis=1)
    usual = np.maximum(_median_of_positive(level), _TINY)
    # A stretch without beats must not make beats of its noise: at least a quarter of the height
    # usual in the record.
    level = np.maximum(median_filter(level, size=(1, 9)), usual[:, None] / 16)
    highest = _is_highest_around(curve, round(_APART * rate))
    record, time = divmod(np.flatnonzero(highest), curve.shape[1])
    segment = np.minimum(time // round(_SEGMENT * rate), len(starts) - 1)
    height = np.sqrt(curve[record, time] / level[record, segment])
    kept = height > _BEAT_BELOW_T
    kept[1:] &= (np.diff(time) > 1) | (np.diff(record) > 0)  # the first of two equal values
    record, time, height = record[kept], time[kept], height[kept]

    beat = height > _BEAT
    t_wave, doubtful = _t_waves(beat, record, time, height, rate, len(curve), sharpness)
    chosen = np.flatnonzero(beat)
    interval = np.where(np.diff(record[chosen]) == 0, np.diff(time[chosen]), np.inf)
    rise = height[chosen][1:] / height[chosen][:-1]
    too_soon = interval <= _REFRACTORY * rate
    beat[chosen[1:][too_soon & (rise <= 1)]] = False
    beat[chosen[:-1][too_soon & (rise > 1)]] = False
    beat[chosen[1:][(interval < _T_WAVE * rate) & (rise < _BEAT_AFTER_BEAT)]] = False
    for _ in range(3):  # a gap may hide several beats
        missed = _missed_beats(beat, t_wave, record, time, height, rate, len(curve))
        if len(missed) == 0:
            break
        beat[missed] = True
    between = np.median(curve[:, ::4], axis=1)
    contrast = 1 - np.sqrt(np.maximum(between, 0) / usual)
    n_records = len(curve)
    doubt = np.bincount(record[doubtful & beat], minlength=n_records)
    doubt = doubt / np.maximum(np.bincount(record[beat], minlength=n_records), 1)
    return record[beat], time[beat], contrast * np.clip(1.25 - 2.5 * doubt, 0, 1)


def _is_highest_around(curve, radius):
    """Whether a value is positive and no value within the radius is higher."""
    n_times = curve.shape[1]
    # Maxima of 2, 4, 8, ... values from each one on; two such windows cover any other.
    highest = np.pad(curve, ((0, 0), (radius, radius)))
    length, width = 1, 2 * radius + 1
    while 2 * length <= width:
        highest = np.maximum(highest[:, :-length], highest[:, length:])
        length *= 2
    rest = width - length
    highest = np.maximum(highest[:, :n_times], highest[:, rest : rest + n_times])
    return (curve == highest) & (curve > 0)


def _t_waves(beat, record, time, height, rate, n_records, sharpness):
    """Which candidates are T waves: far blunter than the QRS before them. Changes ``beat``.

    A T wave may be as high as the QRS, or higher; the QRS may then be too low for a beat.
    """
    t_wave = np.zeros(len(beat), dtype=bool)
    doubtful = np.zeros(len(beat), dtype=bool)
    interval = np.where(np.diff(record) == 0, np.diff(time), np.inf) / rate
    close = interval < _LATEST_T
    # What is lower than any beat is a QRS only if it is no T wave, and no P wave, itself.
    may_be_qrs = height > _MISSED_BEAT
    may_be_qrs[1:] |= ~(close & beat[:-1])
    close &= beat[1:] & may_be_qrs[:-1]
    close &= (interval > _REFRACTORY) | (height[:-1] > _MISSED_BEAT)
    close = np.flatnonzero(close)
    if len(close) == 0:
        return t_wave, doubtful
    pair = np.unique(np.concatenate([close, close + 1]))
    sharp = np.zeros(len(beat), dtype=np.float32)
    sharp[pair] = sharpness(record[pair], time[pair]) / height[pair]
    late = interval[close] > _T_WAVE
    before, after = sharp[close], sharp[close + 1]
    blunt = after < _BLUNT * before
    doubtful[close[blunt | (~late & (after < _DOUBTFUL * before))] + 1] = True
    # So late, it may well be a wide beat, unless the record has tall T waves anyway.
    tall_t = np.isin(record[close], record[close[blunt & ~late]])
    blunt &= ~late | (after < _BLUNT_LATE * before) | tall_t
    blunt |= ~late & tall_t & (after < _DOUBTFUL * before)
    # A QRS too low for a beat is not the only one.
    low = np.bincount(record[close[blunt & ~beat[close]]], minlength=n_records)
    n_beats = np.bincount(record[beat], minlength=n_records)
    blunt &= beat[close] | (3 * low > n_beats)[record[close]]
    t_wave[close[blunt] + 1] = True
    qrs = close[blunt]
    beat[qrs[~t_wave[qrs]]] = True
    beat &= ~t_wave
    return t_wave, doubtful


def _missed_beats(beat, t_wave, record, time, height, rate, n_records):
    """The highest candidate in each interval that is too long for its record."""
    chosen = np.flatnonzero(beat)
    interval, same = np.diff(time[chosen]), np.diff(record[chosen]) == 0
    owner = record[chosen[1:]]
    usual = _median_per_record(interval[same], owner[same], n_records)
    long = same & (interval > _LONG_INTERVAL * usual[owner])
    other = np.flatnonzero((height > _MISSED_BEAT) & ~beat & ~t_wave)
    gap = np.cumsum(beat)[other] - 1  # the number of the beat before
    between = (gap >= 0) & (gap < len(chosen) - 1)
    other, gap = other[between], gap[between]
    since, until = time[other] - time[chosen[gap]], time[chosen[gap + 1]] - time[other]
    fits = long[gap] & (np.minimum(since, until) > _T_WAVE * rate)
    other, gap = other[fits], gap[fits]
    order = np.lexsort((-height[other], gap))
    return other[order][np.diff(gap[order], prepend=-1) > 0]


def _median_per_record(values, record, n_records):
    """Median of each record's values, NaN where there are none."""
    values = values[np.lexsort((values, record))]
    count = np.bincount(record, minlength=n_records)
    first, some = np.cumsum(count) - count, count > 0
    low, high = first + (count - 1) // 2, first + count // 2
    medians = np.full(n_records, np.nan)
    medians[some] = (values[low[some]] + values[high[some]]) / 2
    return medians


def _sharpness(low, weight, scale, rate, record, time):
    """How sharply the signals bend around waves: their second differences over 20 ms.

    Root mean square over time and the leads that are not noisy, less what is usual in the record,
    which is its noise.
    """
    step = round(_BEND * rate)
    before, after = (round(edge * rate) for edge in _SHARPNESS)
    width = min(after - before + 1, low.shape[2] - 2 * step)
    rows, member = np.unique(record, return_inverse=True)
    low = low[rows]
    bend = low[..., 2 * step :] - 2 * low[..., step:-step] + low[..., : -2 * step]
    usual = _median_of_positive(
        np.maximum.reduceat(np.abs(bend), _segments(bend.shape[2], rate), axis=2)
    )[..., None]
    bend = np.clip(bend, -usual, usual)  # of an artefact no more than of a QRS
    energy = _qrs_energy(bend, np.arange(len(rows)), weight[rows], scale[rows])
    noise = np.median(energy[:, ::3], axis=1) / _MEDIAN_OF_SQUARE
    start = np.clip(time + before - step, 0, energy.shape[1] - width)
    around = sliding_window_view(energy, width, axis=1)[member, start].mean(axis=1)
    return np.maximum(around - noise[member], 0)


# --------------------------------------------------------------------------------------------------
# R-peaks, shapes and reliability
# --------------------------------------------------------------------------------------------------


def _windows(signals, leads, record, start, width):
    """Signals from ``start`` on, (n_beats, n_leads, width)."""
    view = sliding_window_view(signals, width, axis=2)
    return np.ascontiguousarray(view[record[:, None], leads, start[:, None]])


def _qrs_energy(beats, record, weight, scale):
    """Sum of squares over the leads that are not noisy, (n_beats, n_times). Changes ``beats``."""
    beats *= (1 / np.maximum(scale.max(axis=1), _TINY))[record, None, None]
    beats *= beats
    good = (weight > _NOISY_LEAD).astype(np.float32)
    return np.einsum("bl,blt->bt", good[record], beats)


def _groups(record):
    """The first beat of each record that has beats, and for each beat its record's number."""
    new = np.diff(record, prepend=-1) > 0
    return np.flatnonzero(new), np.cumsum(new) - 1


def _find_r(low, record, time, weight, scale, rate):
    """Time of each R-peak, at the working rate, and the level before each QRS in each lead."""
    n_leads, n_times = low.shape[1:]
    width = min(round((_SEARCH[1] - _FOOT[0]) * rate) + 1, n_times)
    if len(record) == 0:
        return time, np.empty((0, n_leads), dtype=np.float32), np.empty(0, dtype=bool)
    start = np.clip(time + round(_FOOT[0] * rate), 0, n_times - width)
    foot = np.zeros(width, dtype=np.float32)
    foot[: round((_FOOT[1] - _FOOT[0]) * rate)] = 1
    foot /= foot.sum()
    beats = _windows(low, np.arange(n_leads), record, start, width)
    level = (beats.reshape(-1, width) @ foot).reshape(-1, n_leads)
    beats -= level[..., None]
    energy = _qrs_energy(beats, record, weight, scale)
    energy /= np.maximum(energy.max(axis=1, keepdims=True), _TINY)
    place = np.arange(width)
    offset = (start - time)[:, None] + place
    energy[(offset < _SEARCH[0] * rate) | (offset > _SEARCH[1] * rate)] = 0
    # R and S may be equally high: near the place usual in this record a wave counts up to
    # twice as much, so that all beats are placed on the same one.
    first, member = _groups(record)
    usual = np.add.reduceat(energy, first, axis=0).argmax(axis=1)[member]
    away = np.abs(place - usual[:, None]) / (0.1 * rate)
    best = (energy * (1 - np.minimum(away, 1) / 2)).argmax(axis=1)
    near = np.clip(best[:, None] + np.arange(-1, 2), 0, width - 1)
    beat = np.arange(len(best))
    best = near[beat, energy[beat[:, None], near].argmax(axis=1)]
    beside = [energy[beat, np.clip(best + shift, 0, width - 1)] for shift in (-2, -1, 1, 2)]
    time = start + best
    pair = time - (beside[1] > beside[2])  # a spike may be in two time points
    lonely = np.maximum(np.maximum(beside[0], beside[3]), np.minimum(beside[1], beside[2]))
    spiky = lonely < _LONELY * energy[beat, best]
    spiky[spiky] = _is_spike(low, record[spiky], time[spiky], pair[spiky], weight, scale)
    return time, level, spiky


def _is_spike(low, record, time, pair, weight, scale):
    """Whether R-peaks are far steeper on both sides than what is beside them, as spikes are."""
    n_leads, n_times = low.shape[1:]
    if len(record) == 0 or n_times < 6:
        return np.zeros(len(record), dtype=bool)
    waves = _windows(low, np.arange(n_leads), record, np.clip(pair - 2, 0, n_times - 6), 6)
    top = np.where((time == pair)[:, None], waves[..., 2], waves[..., 3])
    before, left, _, _, right, after = np.moveaxis(waves, 2, 0)
    height = top - np.clip(top, np.minimum(left, right), np.maximum(left, right))
    slope = np.maximum(np.abs(left - before), np.abs(after - right))
    height, slope = (
        _qrs_energy(values[..., None], record, weight, scale)[:, 0] for values in (height, slope)
    )
    return slope < _SPIKE * height


def _find_r_exactly(X, leads, record, time, level, weight, scale, step):
    """Time of each R-peak in X, within one time point of the working rate."""
    reach, smooth = step, 2 * round(0.4 * step) + 1
    width = min(2 * reach + smooth, X.shape[2])
    middle = time * step + step // 2
    start = np.clip(middle - width // 2, 0, X.shape[2] - width)
    beats = _windows(X, leads, record, start, width).astype(np.float32, copy=False)
    beats -= level[..., None]
    energy = _qrs_energy(beats, record, weight, scale)
    energy = uniform_filter1d(energy, smooth, axis=1, mode="nearest")
    energy[np.abs((start - middle)[:, None] + np.arange(width)) > reach] = -1
    return start + energy.argmax(axis=1)


def _compare_beats(low, record, time, weight, scale, rate):
    """Correlation of each beat with the mean of its record's other beats, alike ones first."""
    if len(record) == 0:
        return np.empty(0)
    n_leads, n_times = low.shape[1:]
    half = round(_SHAPE * rate)
    width = min(2 * half + 1, n_times)
    start = np.clip(time - half, 0, n_times - width)
    beats = _windows(low, np.arange(n_leads), record, start, width)
    mean = beats.reshape(-1, width) @ np.full(width, 1 / width, dtype=np.float32)
    beats -= mean.reshape(-1, n_leads, 1)
    beats *= (np.sqrt(weight) / np.maximum(scale, _TINY))[record][..., None]
    beats = beats.reshape(len(beats), -1)
    norm = np.maximum(np.sqrt(np.einsum("bi,bi->b", beats, beats)), _TINY)
    first, member = _groups(record)
    trust = np.ones(len(beats), dtype=np.float32)
    for _ in range(2):
        # With u = beats / norm and the total over a record's trust * u, the mean of the other
        # beats is along total - trust * u.
        total = np.add.reduceat((trust / norm)[:, None] * beats, first, axis=0)
        square = np.einsum("ri,ri->r", total, total)[member]
        along = np.einsum("bi,bi->b", beats, total[member]) / norm
        others = np.sqrt(np.maximum(square - 2 * trust * along + trust * trust, 1e-12))
        similarity = np.clip((along - trust) / others, -1, 1)
        trust = np.maximum(similarity, 0) ** 2
    whole = (time >= half) & (time < n_times - half) & (np.bincount(member)[member] > 1)
    return np.where(whole, similarity, np.nan)


def _judge(record, time, similarity, contrast, n_times, rate):
    """Reliability of each record."""
    n_records = len(contrast)
    known = np.isfinite(similarity)
    count = np.bincount(record[known], minlength=n_records)
    alike = np.bincount(record[known], similarity[known], minlength=n_records)
    alike = alike / np.maximum(count, 1)
    # The ends of a record count as beats here.
    ends = np.arange(n_records)
    owner = np.concatenate([record, ends, ends])
    when = np.concatenate([time, np.zeros(n_records), np.full(n_records, n_times)])
    order = np.lexsort((when, owner))
    interval = np.diff(when[order], append=0)
    gap = np.where(interval >= _GAP * rate, interval, 0)
    covered = 1 - np.bincount(owner[order], gap, minlength=n_records) / max(n_times, 1)
    reliability = np.clip((alike - 0.4) / 0.4, 0, 1) * np.clip((contrast - 0.5) / 0.25, 0, 1)
    return reliability * covered * (np.bincount(record, minlength=n_records) > 1)

"""Selection of beats among the maxima of the detector's curves.

The candidates and the beats of all records are in flat arrays, ordered by record and time.
"""

import numpy as np

# Seconds.
SEGMENT = 2.0  # contains a beat if the heart rate is at least 30 beats per minute
REFRACTORY = 0.2
_CANDIDATE_DISTANCE = 0.15
_T_WAVE = 0.36  # end of the interval after a QRS in which T waves usually peak
_LATE_T_WAVE = 0.55  # end of the interval in which they may peak
_T_WAVE_SPREAD = 0.05  # from the median interval of a record

# Heights, relative to the typical QRS of that part of the record.
_BEAT = 0.5
_BEAT_AFTER_BEAT = 0.6
_MISSED_BEAT = 0.3
_BEAT_BELOW_T_WAVE = 0.15

# Sharpness over height, relative to the candidate before. T waves are below the first limit, those
# that come late below the second one. Below the third one a beat is doubtful.
_BLUNT, _BLUNT_IF_LATE, _DOUBTFUL = 0.3, 0.12, 0.6

_LONG_INTERVAL = 1.66  # relative to the median RR interval
MIN_DIVISOR = np.float32(1e-30)


def select_beats(curve, rate, sharpness):
    """Return record and time of the beats, and the contrast of each record's curve."""
    starts = segment_starts(curve.shape[1], rate)
    level = np.maximum.reduceat(curve, starts, axis=1)
    typical = np.maximum(median_of_positive(level), MIN_DIVISOR)
    # At least a quarter of the height typical of the record, so that noise between beats, or where
    # the signal is lost, does not count as beats.
    level = np.maximum(_running_median(level), typical[:, None] / 16)
    highest = _is_local_maximum(curve, round(_CANDIDATE_DISTANCE * rate))
    record, time = divmod(np.flatnonzero(highest), curve.shape[1])
    segment = np.minimum(time // round(SEGMENT * rate), len(starts) - 1)
    height = np.sqrt(curve[record, time] / level[record, segment])
    kept = height > _BEAT_BELOW_T_WAVE
    kept[1:] &= (np.diff(time) > 1) | (np.diff(record) > 0)  # the first of two equal values
    record, time, height = record[kept], time[kept], height[kept]

    beat = height > _BEAT
    t_wave, doubtful = _find_t_waves(beat, record, time / rate, height, len(curve), sharpness)
    selected = np.flatnonzero(beat)
    interval = np.where(np.diff(record[selected]) == 0, np.diff(time[selected]), np.inf)
    rise = height[selected[1:]] / height[selected[:-1]]
    too_close = interval <= REFRACTORY * rate
    beat[selected[1:][too_close & (rise <= 1)]] = False
    beat[selected[:-1][too_close & (rise > 1)]] = False
    beat[selected[1:][(interval < _T_WAVE * rate) & (rise < _BEAT_AFTER_BEAT)]] = False
    for _ in range(3):  # a gap may hide several beats
        missed = _missed_beats(beat, t_wave, record, time, height, rate, len(curve))
        if len(missed) == 0:
            break
        beat[missed] = True
    between = curve[:, ::4]
    half = between.shape[1] // 2
    between = np.partition(between, (half - 1, half) if between.shape[1] % 2 == 0 else half, axis=1)
    between = between[:, half - 1 + between.shape[1] % 2 : half + 1].mean(axis=1)
    contrast = 1 - np.sqrt(np.maximum(between, 0) / typical)
    n_doubtful = np.bincount(record[doubtful & beat], minlength=len(curve))
    doubt = n_doubtful / np.maximum(np.bincount(record[beat], minlength=len(curve)), 1)
    return record[beat], time[beat], contrast * np.minimum(np.maximum(1.25 - 2.5 * doubt, 0), 1)


def _running_median(level):
    """Return the median over nine segments, reflected at the ends of the records."""
    n_segments = level.shape[1]
    place = np.arange(n_segments)[:, None] + np.arange(-4, 5)
    place %= 2 * n_segments
    place = np.minimum(place, 2 * n_segments - 1 - place)
    return np.partition(level[:, place], 4, axis=2)[:, :, 4]


def _is_local_maximum(curve, radius):
    """Return where a value is positive and no value within the radius is higher."""
    n_times = curve.shape[1]
    # Maxima of windows of 2, 4, 8, ... values. Two of them cover a window of any other length.
    highest = np.zeros((len(curve), n_times + 2 * radius), dtype=curve.dtype)
    highest[:, radius : radius + n_times] = curve
    length, width = 1, 2 * radius + 1
    while 2 * length <= width:
        highest = np.maximum(highest[:, :-length], highest[:, length:])
        length *= 2
    rest = width - length
    highest = np.maximum(highest[:, :n_times], highest[:, rest : rest + n_times])
    return (curve == highest) & (curve > 0)


def _find_t_waves(beat, record, time, height, n_records, sharpness):
    """Return which candidates are T waves, and which may be; update ``beat``.

    A T wave is much less sharp, for its height, than the QRS before it. It may be as high as the
    QRS or higher, in which case the QRS may be too low for a beat. Times are in seconds.
    """
    t_wave = np.zeros(len(beat), dtype=bool)
    doubtful = np.zeros(len(beat), dtype=bool)
    interval = np.where(np.diff(record) == 0, np.diff(time), np.inf)
    pair = (interval < _LATE_T_WAVE) & beat[1:]
    # A low candidate is a QRS only if it is not itself the T wave of a beat, and not a P wave.
    low = height <= _MISSED_BEAT
    after_beat = np.zeros(len(beat), dtype=bool)
    after_beat[1:] = (interval < _LATE_T_WAVE) & beat[:-1]
    pair &= ~low[:-1] | (~after_beat[:-1] & (interval > REFRACTORY))
    first = np.flatnonzero(pair)
    if len(first) == 0:
        return t_wave, doubtful
    member = np.zeros(len(beat), dtype=bool)
    member[first] = member[first + 1] = True
    sharp = np.zeros(len(beat), dtype=np.float32)
    sharp[member] = sharpness(record[member], time[member])
    rise = height[first + 1] / height[first]
    before, after = sharp[first], sharp[first + 1]
    # A low candidate may be sharp for its height, but a QRS is sharper than its T wave anyway.
    ratio = np.divide(after, rise * before, out=np.full(len(rise), np.inf), where=after < before)
    late = interval[first] > _T_WAVE
    blunt = ratio < _BLUNT
    unsure = blunt | (~late & (ratio < _DOUBTFUL))
    # A wide ectopic beat may come that late. The limits are wider where T waves are known to be
    # high.
    high_t = np.zeros(n_records, dtype=bool)
    high_t[record[first[blunt & ~late]]] = True
    high_t = high_t[record[first]]
    blunt &= ~late | high_t | (ratio < _BLUNT_IF_LATE)
    blunt |= ~late & high_t & (ratio < _DOUBTFUL)
    # QRS complexes too low for a beat occur in a third of the beats at least.
    n_low = np.bincount(record[first[blunt & ~beat[first]]], minlength=n_records)
    n_beats = np.bincount(record[beat], minlength=n_records)
    blunt &= beat[first] | (3 * n_low > n_beats)[record[first]]
    t_wave[first[blunt] + 1] = True
    qrs = first[blunt]
    beat[qrs[~t_wave[qrs]]] = True
    beat &= ~t_wave
    # T waves follow at a nearly constant interval.
    unsure &= beat[first]
    typical = _median_per_record(interval[first][unsure], record[first][unsure], n_records)
    unsure &= np.abs(interval[first] - typical[record[first]]) < _T_WAVE_SPREAD
    doubtful[first[unsure] + 1] = True
    return t_wave, doubtful


def _missed_beats(beat, t_wave, record, time, height, rate, n_records):
    """Return the highest candidate in each interval that is too long for its record."""
    chosen = np.flatnonzero(beat)
    interval, same = np.diff(time[chosen]), np.diff(record[chosen]) == 0
    owner = record[chosen[1:]]
    typical = _median_per_record(interval[same], owner[same], n_records)
    long = same & (interval > _LONG_INTERVAL * typical[owner])
    other = np.flatnonzero((height > _MISSED_BEAT) & ~beat & ~t_wave)
    gap = np.cumsum(beat)[other] - 1  # number of the preceding beat
    between = (gap >= 0) & (gap < len(chosen) - 1)
    other, gap = other[between], gap[between]
    since, until = time[other] - time[chosen[gap]], time[chosen[gap + 1]] - time[other]
    fits = long[gap] & (np.minimum(since, until) > _T_WAVE * rate)
    other, gap = other[fits], gap[fits]
    order = np.lexsort((-height[other], gap))
    return other[order][np.diff(gap[order], prepend=-1) > 0]


def _median_per_record(values, record, n_records):
    """Return the median of each record's values, NaN without values."""
    values = values[np.lexsort((values, record))]
    count = np.bincount(record, minlength=n_records)
    first, some = np.cumsum(count) - count, count > 0
    low, high = first + (count - 1) // 2, first + count // 2
    medians = np.full(n_records, np.nan)
    medians[some] = (values[low[some]] + values[high[some]]) / 2
    return medians


def segment_starts(n_times, rate):
    """Return the starts of segments that should each contain a beat; the last one is longest."""
    size = round(SEGMENT * rate)
    return np.arange(0, max(1, n_times - size + 1), size)


def median_of_positive(values):
    """Return the (upper) median of the positive values along the last axis."""
    values = np.sort(values, axis=-1)
    count = np.count_nonzero(values, axis=-1, keepdims=True)
    middle = values.shape[-1] - (count + 1) // 2
    return np.take_along_axis(values, np.minimum(middle, values.shape[-1] - 1), axis=-1)[..., 0]

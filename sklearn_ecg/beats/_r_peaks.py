"""R-peaks of records, and the rhythm that follows from them."""

from dataclasses import dataclass, fields
from numbers import Integral, Real

import numpy as np
from scipy.ndimage import median_filter

_PREMATURE = 0.8  # RR interval relative to the median of those around it
_IRREGULAR = 0.1  # median deviation of the RR intervals from that median
_LONG_INTERVAL = 1.5  # interval across a gap relative to the median RR interval
_OTHER_SHAPE = 0.8  # similarity relative to the median of the record's beats
_OTHER_PAIR = 0.5  # the same, if the similar beats of the record are on other sides of gaps


@dataclass(frozen=True, eq=False)
class RPeaks:
    """R-peaks of several records, with methods for RR intervals, heart cycles and ectopic beats.

    Parameters
    ----------
    peaks : list of n_records ndarrays of shape (n_beats,), int
        Time points of the R-peaks, ascending.
    reliability : ndarray of shape (n_records,)
        Reliability of the R-peaks, in [0, 1]. It is near 0 for records without an ECG (flat, noise)
        and for records with less than two beats, and above 0.5 for nearly all clean records.
    sampling_rate : float
        Time points per second (Hz).
    n_times : int
        Number of time points of each record.
    similarity : list of n_records ndarrays of shape (n_beats,) or None, default=None
        Correlation of each beat with the mean of the record's other beats, over all leads that were
        used, in [-1, 1]. NaN for a beat that is not completely inside the record, and for the only
        beat of a record. None if unknown.
    spikes : list of n_records ndarrays of shape (n_spikes,), int, or None, default=None
        Time points of the pacemaker spikes that were removed before the beats were detected. None
        if unknown. `detect_r_peaks` searches spikes only in records in which they may be mistaken
        for R-peaks.
    after_gap : list of n_records ndarrays of shape (n_beats,), bool, or None, default=None
        Beats whose distance from the previous beat is not an RR interval, because signals are
        missing between them, or because the two beats were found in different leads of a record
        with gaps. None is no such beat.

    Raises
    ------
    ValueError
        If a parameter has the wrong type, or the R-peaks of a record are not ascending time points
        of the record.

    See Also
    --------
    detect_r_peaks : Detect the R-peaks of records.

    Examples
    --------
    R-peaks from another detector can be used as well. The third beat is premature:

    >>> import numpy as np
    >>> from sklearn_ecg.beats import RPeaks
    >>> peaks = np.array([100, 200, 260, 400, 500, 600])
    >>> rhythm = RPeaks([peaks], reliability=np.ones(1), sampling_rate=100, n_times=700)
    >>> rhythm.rr_intervals()[0]
    array([nan, 1. , 0.6, 1.4, 1. , 1. ])
    >>> rhythm.heart_rate()
    array([60.])
    >>> rhythm.ectopic()[0]
    array([False, False,  True, False, False, False])
    """

    peaks: list
    reliability: np.ndarray
    sampling_rate: float
    n_times: int
    similarity: list = None
    spikes: list = None
    after_gap: list = None

    def __post_init__(self):
        rate, n_times = self.sampling_rate, self.n_times
        if not _is_number(rate, Real) or not 0 < rate < np.inf:
            raise ValueError(f"sampling_rate must be a positive number in Hz, got {rate!r}.")
        if not _is_number(n_times, Integral) or n_times < 0:
            raise ValueError(f"n_times must be a number of time points, got {n_times!r}.")
        peaks = _check_times("peaks", self.peaks, None, n_times)
        reliability = np.asarray(self.reliability)
        if reliability.shape != (len(peaks),) or reliability.dtype.kind not in "fiu":
            raise ValueError(
                f"reliability must have one number for each of the {len(peaks)} records in peaks, "
                f"got {_describe(self.reliability)}."
            )
        wrong = np.flatnonzero(~((reliability >= 0) & (reliability <= 1)))
        if len(wrong):
            raise ValueError(
                f"reliability must be in [0, 1], got {reliability[wrong[0]]} for record "
                f"{wrong[0]}. Pass 1 if it is unknown."
            )
        object.__setattr__(self, "peaks", peaks)
        object.__setattr__(self, "reliability", reliability)
        if self.spikes is not None:
            spikes = _check_times("spikes", self.spikes, len(peaks), n_times)
            object.__setattr__(self, "spikes", spikes)
        if self.similarity is not None:
            object.__setattr__(self, "similarity", _check_similarity(self.similarity, peaks))
        if self.after_gap is not None:
            object.__setattr__(self, "after_gap", _check_marks(self.after_gap, peaks))

    @classmethod
    def _unchecked(cls, *values):
        """Construct it from values of the detector, which need no checks."""
        rhythm = object.__new__(cls)
        for field, value in zip(fields(cls), values, strict=True):
            object.__setattr__(rhythm, field.name, value)
        return rhythm

    def rr_intervals(self):
        """Compute the time from the previous beat to each beat.

        Returns
        -------
        intervals : list of n_records ndarrays of shape (n_beats,)
            In seconds; NaN for the first beat of a record and for beats after a gap.
        """
        # Prepending NaN makes the interval of the first beat NaN.
        intervals = [
            np.diff(peaks, prepend=np.full(min(len(peaks), 1), np.nan)) / self.sampling_rate
            for peaks in self.peaks
        ]
        for record, mark in enumerate(self.after_gap or ()):
            intervals[record][mark] = np.nan
        return intervals

    def heart_rate(self):
        """Compute the heart rate of each record from the mean of the middle half of RR intervals.

        The shortest and the longest quarter of the intervals are left out, rounded so that one of
        three is left, the median. This interquartile mean is as robust as the median to premature
        and missed beats, and more precise at low sampling rates and in irregular rhythms.

        Intervals between beats on both sides of a gap are used as well, unless they are longer than
        1.5 times the median of the RR intervals: there may be beats in the gap. In a page with
        2.5 s of each lead, half of the intervals are of this kind.

        Returns
        -------
        rate : ndarray of shape (n_records,)
            In beats per minute; NaN for a record without an RR interval, such as one with less than
            two beats.
        """
        rate = np.full(len(self.peaks), np.nan)
        for record, peaks in enumerate(self.peaks):
            if len(peaks) > 1:
                intervals = np.diff(peaks) / self.sampling_rate
                if self.after_gap is not None:
                    is_rr = ~self.after_gap[record][1:]
                    if not is_rr.any():
                        continue
                    limit = _LONG_INTERVAL * np.median(intervals[is_rr])
                    intervals = intervals[is_rr | (intervals <= limit)]
                rate[record] = 60 / _middle_mean(intervals)
        return rate

    def cycles(self, *, before=1 / 3):
        """Compute the window of each heart cycle, which starts before the P wave.

        Parameters
        ----------
        before : float, default=1/3
            Fraction of each RR interval that belongs to the beat at its end, in (0, 1).

        Returns
        -------
        windows : list of n_records ndarrays of shape (n_beats, 2), int
            Start (inclusive) and stop (exclusive) of each beat's cycle in time points. The stop of
            one beat is the start of the next. The cycles of the first and the last beat of a record
            are unknown, since they have only one neighbor; both of their values are -1. So are
            those of the beats before and after a gap.

        Raises
        ------
        ValueError
            If `before` is not in (0, 1).
        """
        if not (isinstance(before, Real) and 0 < before < 1):
            raise ValueError(f"before must be in (0, 1), got {before!r}.")
        windows = []
        for record, peaks in enumerate(self.peaks):
            window = np.full((len(peaks), 2), -1, dtype=np.int64)
            bounds = peaks[1:] - np.rint(before * np.diff(peaks)).astype(np.int64)
            window[1:-1, 0], window[1:-1, 1] = bounds[:-1], bounds[1:]
            if self.after_gap is not None:
                after = np.flatnonzero(self.after_gap[record])
                window[after] = window[np.maximum(after - 1, 0)] = -1
            windows.append(window)
        return windows

    def ectopic(self):
        """Find the beats that are premature or have a different shape.

        A beat is premature if the RR interval before it is shorter than 0.8 times the median of the
        eleven intervals around it, the 20 % rule of [1]_. If the rhythm is irregular throughout, as
        in atrial fibrillation (half of the intervals differ by more than 10 % from that median), no
        beat is considered premature. A beat has a different shape if its `similarity` is below 0.8
        times the median of the record's beats. In a record with gaps, the similarities of different
        stretches are those of different leads and of few beats; below this limit, a beat is then
        ectopic only if its similarity is below 0.8 times the median of its own stretch, or below
        0.5 times that of the record. The correlation with a mean beat follows [2]_; the limits
        other than the first are defaults of this library. Beats that are disturbed by noise are
        found as well.

        Returns
        -------
        ectopic : list of n_records ndarrays of shape (n_beats,), bool
            True for ectopic beats. False for a beat for which neither criterion can be evaluated,
            such as a single beat.

        References
        ----------
        .. [1] M. Malik et al., "Heart rate variability in relation to prognosis after myocardial
           infarction: selection of optimal processing techniques", European Heart Journal
           10(12), 1989.
        .. [2] C. Orphanidou et al., "Signal-quality indices for the electrocardiogram and
           photoplethysmogram", IEEE Journal of Biomedical and Health Informatics 19(3), 2015.
        """
        marks = []
        for record, intervals in enumerate(self.rr_intervals()):
            mark = np.zeros(len(intervals), dtype=bool)
            has_interval = np.flatnonzero(np.isfinite(intervals))
            known = intervals[has_interval]
            if len(known) > 1:
                typical = median_filter(known, size=11)
                irregular = np.median(np.abs(known / typical - 1)) > _IRREGULAR
                mark[has_interval] = ~irregular & (known < _PREMATURE * typical)
            if self.similarity is not None:
                similarity = self.similarity[record]
                whole = np.isfinite(similarity)
                if whole.any():
                    limit = self._least_similarity(record, similarity, whole)
                    mark[whole] |= similarity[whole] < limit[whole]
            marks.append(mark)
        return marks

    def _least_similarity(self, record, similarity, whole):
        """Return the similarity below which each beat of a record has a different shape."""
        typical = np.median(similarity[whole])
        limit = np.full(len(similarity), _OTHER_SHAPE * typical)
        if self.after_gap is None or not self.after_gap[record].any():
            return limit
        stretch = np.cumsum(self.after_gap[record])
        for number in np.unique(stretch[whole]):
            part = stretch == number
            own = _OTHER_SHAPE * np.median(similarity[part & whole])
            limit[part] = max(min(own, limit[0]), _OTHER_PAIR * typical)
        return limit


def _middle_mean(values):
    """Return the interquartile mean, the mean without the lowest and the highest quarter."""
    n_outer = (len(values) + 1) // 4 if len(values) > 2 else 0
    return np.sort(values)[n_outer : len(values) - n_outer].mean()


def _is_number(value, kind):
    return isinstance(value, kind) and not isinstance(value, (bool, np.bool_))


def _describe(value):
    """Describe a value that is not the expected array."""
    shape = getattr(value, "shape", None)
    return f"{value!r}"[:60] if shape is None else f"shape {shape} and dtype {value.dtype}"


def _check_times(name, times, n_records, n_times):
    """Return time points of each record, which must be ascending and inside the record."""
    if isinstance(times, (str, bytes)) or not hasattr(times, "__len__"):
        raise ValueError(f"{name} must be a list with an array for each record, got {times!r}.")
    if n_records is not None and len(times) != n_records:
        raise ValueError(f"{name} has {len(times)} records, but peaks has {n_records}.")
    checked = [np.asarray(values) for values in times]
    for record, values in enumerate(checked):
        if values.ndim != 1:
            raise ValueError(
                f"{name} must be a list with a 1-D array for each record, got "
                f"{_describe(times[record])} for record {record}. For a single record, pass a list "
                "of one array."
            )
        if values.size == 0:
            checked[record] = values = values.astype(np.int64)
        if values.dtype.kind == "f" and np.isnan(values).any():
            raise ValueError(f"{name} contains NaN in record {record}. Leave these beats out.")
        if values.dtype.kind not in "iu":
            raise ValueError(
                f"{name} must be integers (time points), got dtype {values.dtype} for record "
                f"{record}. Round times in time points, or multiply times in seconds by "
                "sampling_rate, round, and convert to int."
            )
    flat = np.concatenate([np.empty(0, dtype=np.int64), *checked])
    record = np.repeat(np.arange(len(checked)), [len(values) for values in checked])
    outside = np.flatnonzero((flat < 0) | (flat >= n_times))
    if len(outside):
        raise ValueError(
            f"{name} must be in [0, n_times={n_times}), got {flat[outside[0]]} in record "
            f"{record[outside[0]]}. Pass time points, counted from 0, of the record."
        )
    wrong = np.flatnonzero((np.diff(flat) <= 0) & (np.diff(record) == 0))
    if len(wrong):
        first, second = flat[wrong[0] : wrong[0] + 2]
        raise ValueError(
            f"{name} must be strictly ascending, got {first} before {second} in record "
            f"{record[wrong[0]]}. Use np.unique to sort them and to remove duplicates."
        )
    return checked


def _check_similarity(similarity, peaks):
    """Return the similarity of each beat, which must be in [-1, 1] or NaN."""
    if not hasattr(similarity, "__len__") or len(similarity) != len(peaks):
        raise ValueError(
            f"similarity must be a list with an array for each of {len(peaks)} records."
        )
    checked = [np.asarray(values, dtype=float) for values in similarity]
    for record, (values, times) in enumerate(zip(checked, peaks)):
        if values.shape != times.shape:
            raise ValueError(
                f"similarity must have one value per R-peak, got shape {values.shape} for the "
                f"{len(times)} R-peaks of record {record}."
            )
    flat = np.abs(np.concatenate([np.empty(0), *checked]))
    if (flat > 1).any():
        record = np.repeat(np.arange(len(checked)), [len(values) for values in checked])
        raise ValueError(
            f"similarity must be in [-1, 1] or NaN, which is not the case in record "
            f"{record[flat > 1][0]}. Pass None if it is unknown."
        )
    return checked


def _check_marks(marks, peaks):
    """Return a mark for each beat, which must be Boolean."""
    if not hasattr(marks, "__len__") or len(marks) != len(peaks):
        raise ValueError(
            f"after_gap must be a list with an array for each of {len(peaks)} records."
        )
    checked = [np.asarray(values) for values in marks]
    for record, (values, times) in enumerate(zip(checked, peaks)):
        if values.shape != times.shape or (values.size and values.dtype != bool):
            raise ValueError(
                f"after_gap must have one Boolean per R-peak, got {_describe(values)} for the "
                f"{len(times)} R-peaks of record {record}. Pass None if the records have no gaps."
            )
    return [values.astype(bool, copy=False) for values in checked]


def without_beats(n_records, rate, n_times):
    """Return the rhythm of records in which no beats can be found."""
    none = [np.empty(0, dtype=np.int64)] * n_records
    no_values = [np.empty(0)] * n_records
    return RPeaks._unchecked(none, np.zeros(n_records), rate, n_times, no_values, none, None)


def merge_rhythms(rhythms, n_records, rate, n_times):
    """Merge the rhythms of groups of records.

    Parameters
    ----------
    rhythms : list of (ndarray of int, RPeaks)
        Positions of the records of each group, and their rhythm.
    n_records : int
        Over all groups, which contain each record once.
    rate : float
    n_times : int

    Returns
    -------
    RPeaks
    """
    reliability = np.zeros(n_records)
    peaks, similarity, spikes = ([None] * n_records for _ in range(3))
    for records, rhythm in rhythms:
        reliability[records] = rhythm.reliability
        for i, record in enumerate(records):
            peaks[record], similarity[record] = rhythm.peaks[i], rhythm.similarity[i]
            spikes[record] = rhythm.spikes[i]
    after_gap = None
    if any(rhythm.after_gap is not None for _, rhythm in rhythms):
        after_gap = [np.zeros(len(times), dtype=bool) for times in peaks]
        for records, rhythm in rhythms:
            for record, mark in zip(records, rhythm.after_gap or ()):
                after_gap[record] = mark
    return RPeaks._unchecked(peaks, reliability, rate, n_times, similarity, spikes, after_gap)


def take_records(rhythm, records):
    """Return the rhythm of some records, in the given order."""
    values = []
    for field in fields(RPeaks):
        value = getattr(rhythm, field.name)
        if isinstance(value, list):
            value = [value[record] for record in records]
        values.append(value[records] if isinstance(value, np.ndarray) else value)
    return RPeaks._unchecked(*values)


def split_by_record(record, values, n_records):
    """Split a flat array by record, given the record of each value, in ascending order."""
    if len(record) == 0:
        return [values] * n_records
    bounds = np.searchsorted(record, np.arange(n_records + 1)).tolist()
    return [values[i:j] for i, j in zip(bounds, bounds[1:])]

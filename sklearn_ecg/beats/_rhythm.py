"""R-peaks and the rhythm that follows from them, for whole batches of records."""

from dataclasses import dataclass, fields
from numbers import Integral, Real

import numpy as np
from scipy.ndimage import median_filter

from .._validation import check_finite, is_in_range, read_signals
from ..leads._derived import independent_leads
from ..utils._chunks import R_PEAKS, record_chunks
from ._qrs import detect_beats

__all__ = ["RPeaks", "detect_r_peaks"]

_RATES = (100, 1000)  # Hz
_PREMATURE = 0.8  # RR interval relative to the median of those around it
_IRREGULAR = 0.1  # median deviation of the RR intervals from that median
_OTHER_SHAPE = 0.8  # similarity relative to the median of the record's beats


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
            In seconds; NaN for the first beat of a record.
        """
        # Prepending NaN makes the interval of the first beat NaN.
        return [
            np.diff(peaks, prepend=np.full(min(len(peaks), 1), np.nan)) / self.sampling_rate
            for peaks in self.peaks
        ]

    def heart_rate(self):
        """Compute the heart rate of each record from its median RR interval.

        Returns
        -------
        rate : ndarray of shape (n_records,)
            In beats per minute; NaN for a record with less than two beats.
        """
        rate = np.full(len(self.peaks), np.nan)
        for record, intervals in enumerate(self.rr_intervals()):
            if len(intervals) > 1:
                rate[record] = 60 / np.median(intervals[1:])
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
            are unknown, since they have only one neighbor; both of their values are -1.

        Raises
        ------
        ValueError
            If `before` is not in (0, 1).
        """
        if not (isinstance(before, Real) and 0 < before < 1):
            raise ValueError(f"before must be in (0, 1), got {before!r}.")
        windows = []
        for peaks in self.peaks:
            window = np.full((len(peaks), 2), -1, dtype=np.int64)
            bounds = peaks[1:] - np.rint(before * np.diff(peaks)).astype(np.int64)
            window[1:-1, 0], window[1:-1, 1] = bounds[:-1], bounds[1:]
            windows.append(window)
        return windows

    def ectopic(self):
        """Find the beats that are premature or have a different shape.

        A beat is premature if the RR interval before it is shorter than 0.8 times the median of the
        eleven intervals around it, the 20 % rule of [1]_. If the rhythm is irregular throughout, as
        in atrial fibrillation (half of the intervals differ by more than 10 % from that median), no
        beat is considered premature. A beat has a different shape if its `similarity` is below 0.8
        times the median of the record's beats. The correlation with a mean beat follows [2]_; the
        limits other than the first are defaults of this library. Beats that are disturbed by noise
        are found as well.

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
            known = intervals[1:]
            if len(known) > 1:
                typical = median_filter(known, size=11)
                irregular = np.median(np.abs(known / typical - 1)) > _IRREGULAR
                mark[1:] = ~irregular & (known < _PREMATURE * typical)
            if self.similarity is not None:
                similarity = self.similarity[record]
                whole = np.isfinite(similarity)
                if whole.any():
                    limit = _OTHER_SHAPE * np.median(similarity[whole])
                    mark[whole] |= similarity[whole] < limit
            marks.append(mark)
        return marks


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


def detect_r_peaks(X, sampling_rate, *, n_leads=None, lead_names=None):
    """Detect the R-peaks of multi-lead records, for all records of a batch at once.

    Parameters
    ----------
    X : array-like, DataFrame or lead frame
        Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of signals
        or, with ``n_leads``, rows of shape (n_records, n_leads * n_times), in any unit. If leads I
        and II are present, the leads derived from them (III, aVR, aVL, aVF) are not used. Twelve
        unnamed leads are assumed to be in standard order.
    sampling_rate : float
        Time points per second (Hz), from 100 to 1000.
    n_leads : int or None, default=None
        Number of leads. Required for rows.
    lead_names : sequence of str or None, default=None
        Names of the leads, unless X is a lead frame.

    Returns
    -------
    rhythm : RPeaks
        R-peaks in time points (``peaks``, one integer array per record), their ``reliability`` in
        [0, 1], and methods for RR intervals, heart cycles, heart rate and ectopic beats.

    Raises
    ------
    TypeError
        If `X` does not contain real numbers, or `sampling_rate` is not a number.
    ValueError
        If `X` is ambiguous, empty or probably transposed, `lead_names` does not match it, a lead
        that is used contains NaN or infinity, `sampling_rate` is out of range, or `X` is a lead
        frame that notes another sampling rate.

    See Also
    --------
    sklearn_ecg.preprocessing.MedianBeat : Replace each record with its median beat.
    sklearn_ecg.preprocessing.BeatFeatures : Measure the median beat of each record.

    Notes
    -----
    The steps are those of Pan and Tompkins [1]_, for several leads and without recursion:

    1. Records are averaged down to a rate between 100 and 200 Hz. The difference of the means over
       two adjacent windows of 30 ms, a Haar wavelet near the scale at which [2]_ detects the QRS,
       removes the baseline and most of the T wave.
    2. Each lead is divided by its typical maximum (the median over segments of 2 s) and clipped at
       1, so that an artifact in one lead has little weight. The weight of a lead is the cube of its
       clarity, relative to the clearest lead. Clarity is the maximum divided by the mean, at most
       15, times the fraction of segments that reach a third of the maximum. A noisy lead has a
       small weight, a flat lead none. The weighted mean over leads, squared and averaged over
       80 ms, is one curve per record.
    3. Candidates are maxima without a higher value within 150 ms. Their heights are square roots of
       the curve, relative to the median over nine segments of the highest value in each, which is
       at least a quarter of the median over the record. Candidates above 0.5 are beats.
    4. T waves may be as high as the QRS, or higher, but are less sharp. The sharpness of a
       candidate is the mean square of the second differences over 20 ms, within 60 ms of the
       candidate and without that of the noise, divided by the height. A candidate within 360 ms
       after another one is its T wave if its sharpness is less than 0.3 times that of the other (or
       less than 0.6 times, if the record has such T waves); from 360 to 550 ms, where wide ectopic
       beats are more common, if it is less than 0.12 times (0.3 times). This goes back to the
       slopes in [1]_.
    5. Of two beats within 200 ms, the refractory time [1]_, the higher one remains. A beat within
       360 ms after another one that is less than 0.6 times as high is a T wave, too [1]_. In an
       interval of more than 1.66 times the median interval, the highest remaining candidate above
       0.3 is a missed beat [1]_.
    6. The R-peak is the maximum of the root mean square over the leads, each measured from its
       level before the QRS. The same part of the QRS is preferred in all beats of a record.

    Heights, and the limits without a reference, are defaults of this library. They suit the records
    of PTB-XL, in which heights between 0.4 and 0.6 are rare.

    Pacemaker spikes are removed: if more than 15 % of the R-peaks of a record are much steeper on
    both sides than the signals next to them, spikes are searched at the full sampling rate. A spike
    lasts up to 3 ms (one time point, if these are further apart), and is at least three times as
    steep as the signals next to it, and 0.3 times as high as their typical range. They are replaced
    by interpolation, and the beats of the record are detected again. ``spikes`` contains their time
    points.

    Reliability is the product of four factors in [0, 1]: the similarity of the beats (0 for a mean
    `similarity` of 0.4 or less, 1 for 0.8 or more), as in [3]_; the contrast between beats and the
    rest of the curve (0 if the median height of the curve is 0.5 or more, 1 for 0.25 or less); the
    fraction of beats that may be T waves (0 for 0.5 or more, 1 for 0.1 or less), which are those
    between the limits of step 4 that follow at nearly the same interval; and the fraction of the
    record that is not in gaps of 3 s or more between beats.

    A peak within about 50 ms of either end of the record may be missed. If ventricular beats
    alternate with normal beats of less than half their height, the normal ones are missed.
    T waves more than about 1.6 times as high as the QRS, and spikes that an anti-aliasing filter
    has broadened, may be taken for beats.

    References
    ----------
    .. [1] J. Pan, W. J. Tompkins, "A real-time QRS detection algorithm", IEEE Transactions on
       Biomedical Engineering 32(3), 1985.
    .. [2] J. P. Martinez et al., "A wavelet-based ECG delineator: evaluation on standard
       databases", IEEE Transactions on Biomedical Engineering 51(4), 2004.
    .. [3] C. Orphanidou et al., "Signal-quality indices for the electrocardiogram and
       photoplethysmogram", IEEE Journal of Biomedical and Health Informatics 19(3), 2015.

    Examples
    --------
    >>> from sklearn_ecg import detect_r_peaks
    >>> from sklearn_ecg.datasets import make_ecg
    >>> ecg = make_ecg(5, heart_rate=60, random_state=0)
    >>> rhythm = detect_r_peaks(ecg.data, sampling_rate=100)
    >>> [len(peaks) for peaks in rhythm.peaks]
    [10, 10, 10, 10, 10]
    >>> bool((rhythm.reliability > 0.9).all())
    True
    >>> rhythm.heart_rate().round()
    array([59., 60., 59., 61., 60.])
    >>> detect_r_peaks(ecg.data[0], sampling_rate=100)
    Traceback (most recent call last):
        ...
    ValueError: X has shape (12, 1000). If its rows are records in lead-major order, ...
    """
    rate = check_sampling_rate(sampling_rate)
    signals, lead_names = read_signals(
        X,
        name="detect_r_peaks",
        n_leads=n_leads,
        lead_names=lead_names,
        sampling_rate=sampling_rate,
    )
    return find_r_peaks(signals, lead_names, rate)


def find_r_peaks(signals, lead_names, rate):
    """Find the R-peaks of validated signals.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times)
    lead_names : tuple of str or None
    rate : float
        Sampling rate in Hz, as returned by `check_sampling_rate`.

    Returns
    -------
    rhythm : RPeaks

    Raises
    ------
    ValueError
        If a lead that is used contains NaN, infinity, or values too large for float32.
    """
    n_records, n_leads, n_times = signals.shape
    leads = independent_leads(lead_names, n_leads)
    peaks, similarity, reliability, spikes = [], [], [], []
    for part in record_chunks(n_records, len(leads) * n_times / rate, R_PEAKS):
        used_names = None if lead_names is None else [lead_names[i] for i in leads]
        if not is_in_range(signals[part]):
            # Perhaps only in leads that are not used.
            check_finite(signals[:, leads], used_names)
        try:
            record, time, alike, reliable, *spike = detect_beats(signals[part], leads, rate)
        except FloatingPointError:
            check_finite(signals[:, leads], used_names)
            raise
        peaks += split_by_record(record, time, part.stop - part.start)
        similarity += split_by_record(record, alike, part.stop - part.start)
        spikes += split_by_record(*spike, part.stop - part.start)
        reliability.append(reliable)
    return RPeaks._unchecked(peaks, np.concatenate(reliability), rate, n_times, similarity, spikes)


def split_by_record(record, values, n_records):
    """Split a flat array by record, given the record of each value, in ascending order."""
    if len(record) == 0:
        return [values] * n_records
    bounds = np.searchsorted(record, np.arange(n_records + 1)).tolist()
    return [values[i:j] for i, j in zip(bounds, bounds[1:])]


def check_sampling_rate(sampling_rate):
    """Return the sampling rate as a float, which must be suitable for R-peak detection."""
    if sampling_rate is None:
        raise ValueError(
            "sampling_rate is missing. Pass the time points per second (Hz), as in "
            "sampling_rate=100."
        )
    if not isinstance(sampling_rate, Real) or isinstance(sampling_rate, bool):
        raise TypeError(f"sampling_rate must be a number in Hz, got {sampling_rate!r}.")
    if not _RATES[0] <= sampling_rate <= _RATES[1]:
        raise ValueError(
            f"sampling_rate must be from {_RATES[0]} to {_RATES[1]} Hz, got {sampling_rate!r}. "
            "Resample the records."
        )
    return float(sampling_rate)


def measure_rhythm(rhythm, records):
    """Measure heart rate variability and ectopic beats of some records."""
    measures = np.full((3, len(records)), np.nan)
    marks, intervals = rhythm.ectopic(), rhythm.rr_intervals()
    for i, record in enumerate(records):
        mark = marks[record]
        measures[2, i] = mark.mean()
        normal = ~(mark[1:] | mark[:-1])
        rr = 1000 * intervals[record][1:]
        if normal.sum() > 1:
            measures[0, i] = rr[normal].std(ddof=1)
        follows = normal[1:] & normal[:-1]
        if follows.any():
            measures[1, i] = np.sqrt(np.mean(np.square(np.diff(rr)[follows])))
    return dict(zip(("sdnn", "rmssd", "ectopic_share"), measures))

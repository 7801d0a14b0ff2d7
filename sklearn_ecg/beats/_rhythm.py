"""R-peaks and the heart's rhythm, for whole batches of records.

Nothing here imports torch.
"""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy.ndimage import median_filter

from .._validation import check_finite, read_container
from ..leads import STANDARD_LEADS, normalize_lead_names, stack_signals, to_lead_array
from ..leads._derived import DERIVED_LEADS
from ..utils._chunks import R_PEAKS, record_chunks
from ._qrs import detect_beats

__all__ = ["RPeaks", "detect_r_peaks"]

_RATES = (100, 1000)  # Hz
_PREMATURE, _IRREGULAR, _OTHER_SHAPE = 0.8, 0.1, 0.8


@dataclass(frozen=True, eq=False)
class RPeaks:
    """R-peaks of several records, and what follows from them.

    Attributes
    ----------
    peaks : list of n_records ndarrays of shape (n_beats,), int
        Time points of the R-peaks, ascending.
    reliability : ndarray of shape (n_records,)
        How far the R-peaks can be relied on, in [0, 1]. It is near 0 for records without ECG
        (flat, noise) and for less than two beats, and above 0.5 for nearly all clean records.
    sampling_rate : float
        In Hz.
    n_times : int
        Time points of each record.
    similarity : list of n_records ndarrays of shape (n_beats,), or None
        Correlation of each beat with the mean of the record's other beats, over all leads
        that were read, in [-1, 1]. NaN for a beat that is not wholly inside the record, or alone.

    See Also
    --------
    detect_r_peaks : Finds the R-peaks of records.

    Examples
    --------
    R-peaks found elsewhere will do as well; the third beat is premature:

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

    def rr_intervals(self):
        """Time from the beat before to each beat.

        Returns
        -------
        intervals : list of n_records ndarrays of shape (n_beats,)
            In seconds; NaN for the first beat of a record.
        """
        # A NaN in front of the first beat makes its interval NaN.
        return [
            np.diff(peaks, prepend=np.full(min(len(peaks), 1), np.nan)) / self.sampling_rate
            for peaks in self.peaks
        ]

    def heart_rate(self):
        """Heart rate of each record: that of its median RR interval.

        Returns
        -------
        rate : ndarray of shape (n_records,)
            In beats per minute; NaN for a record of less than two beats.
        """
        rate = np.full(len(self.peaks), np.nan)
        for record, intervals in enumerate(self.rr_intervals()):
            if len(intervals) > 1:
                rate[record] = 60 / np.median(intervals[1:])
        return rate

    def cycles(self, before=1 / 3):
        """Window of each heart cycle, from before the P wave to before the next P wave.

        Parameters
        ----------
        before : float, default=1/3
            Share of each RR interval that belongs to the beat at its end, in (0, 1).

        Returns
        -------
        windows : list of n_records ndarrays of shape (n_beats, 2), int
            Start (inclusive) and stop (exclusive) of each beat's cycle, time points. One beat's
            stop is the next one's start. The first and the last beat of a record have a
            neighbour on one side only: their cycles are unknown, and both numbers are -1.

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
        """Mark the beats that come too early or look different.

        A beat is *premature* if the RR interval before it is shorter than 0.8 times the median
        of the eleven intervals around it, the 20 % rule of [1]_. Where the rhythm is irregular
        throughout, as in atrial fibrillation (half of the intervals differ by more than a tenth
        from that median), no beat is called premature. A beat *looks different* if its
        `similarity` is below 0.8 times the median of the record's beats. Correlation with a mean
        beat follows [2]_; the limits other than 0.8 of the interval are defaults of this library.
        A beat disturbed by noise is marked as well.

        Returns
        -------
        marks : list of n_records ndarrays of shape (n_beats,), bool
            True for the beats marked. A beat of which neither can be told, such as a single
            beat, is not marked.

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
                usual = median_filter(known, size=11)
                irregular = np.median(np.abs(known / usual - 1)) > _IRREGULAR
                mark[1:] = ~irregular & (known < _PREMATURE * usual)
            if self.similarity is not None:
                similarity = self.similarity[record]
                whole = np.isfinite(similarity)
                if whole.any():
                    limit = _OTHER_SHAPE * np.median(similarity[whole])
                    mark[whole] |= similarity[whole] < limit
            marks.append(mark)
        return marks


def detect_r_peaks(X, sampling_rate, *, n_leads=None, lead_names=None):
    """Find the R-peaks of multi-lead records, all records of a batch together.

    Parameters
    ----------
    X : array-like, DataFrame or lead frame
        Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of signals
        or, with ``n_leads``, rows; usually in mV, but any unit will do. Where
        leads I and II are present, the leads that follow from them (III, aVR, aVL, aVF) are not
        read; twelve unnamed leads are in standard order.
    sampling_rate : float
        Time points per second (Hz), from 100 to 1000.
    n_leads : int or None, default=None
        Number of leads. Needed for rows of shape (n_records, n_leads * n_times).
    lead_names : sequence of str or None, default=None
        Names of the leads of an array. A lead frame brings its own.

    Returns
    -------
    rhythm : RPeaks
        With ``peaks``, a list of n_records integer arrays, ``reliability`` of shape (n_records,)
        in [0, 1], ``similarity`` and methods for intervals, cycles, rate and ectopic beats.

    Raises
    ------
    TypeError
        If `X` does not hold real numbers, or `sampling_rate` is not a number.
    ValueError
        If `X` cannot be read without guessing, is empty or looks transposed, `lead_names` does not
        fit it, a lead that is read holds NaN or infinity, or `sampling_rate` is out of range.

    Notes
    -----
    The steps are those of Pan and Tompkins [1]_, done for several leads and without recursion:

    1. Records are averaged down to between 100 and 200 Hz. The difference of the means over two
       neighbouring 30 ms, a Haar wavelet near the scale at which [2]_ finds the QRS, takes away
       baseline and most of the T wave.
    2. Each lead counts in units of its usual maximum, the median over segments of 2 s, and
       no more than that: an artefact in one lead weighs little. Its weight is the cube of its
       clarity, relative to the clearest lead; clarity is its maximum over its mean, at most 15,
       times the share of segments that reach a third of its maximum. A noisy lead weighs
       little, a flat one nothing. The weighted mean over leads, squared and averaged over
       80 ms, is one curve per record.
    3. Candidates are maxima that no higher value follows or precedes within 200 ms, the
       refractory time [1]_. Heights are square roots of the curve, in units of the median over
       nine segments of the highest one, and at least a quarter of the median over the record.
       Beats are those above 0.5. Within 360 ms after
       a beat, less than 0.6 times as high, a candidate is a T wave [1]_. In an interval of more
       than 1.66 times the median one, the highest candidate above 0.3 is a missed beat [1]_.
    4. The R-peak is where the root mean square over the leads, each measured from its level
       before the QRS, is highest, preferring the same part of the QRS in all beats.

    Heights, and the limits without a source, are defaults of this library; they agree
    with the records of PTB-XL, where heights between 0.4 and 0.6 are rare.

    Reliability is the product of three parts, each in [0, 1]: how alike the beats are (0 for a
    mean `similarity` of 0.4 or less, 1 from 0.8 on), as in [3]_; how low the curve is between
    beats (0 if its median height is 0.5 or more, 1 from 0.25 down); and the share of the record
    that is not in gaps of 3 s or more between beats.

    A peak within about 50 ms of an end of the record may be missed. Where ventricular beats
    alternate with normal ones of less than half their height, the lower ones are missed.
    Pacemaker spikes are not removed.

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
    X, names = _check_records(X, n_leads, lead_names)
    leads = np.arange(X.shape[1])
    if names is not None and {"I", "II"} <= set(names):
        leads = np.flatnonzero(~np.isin(names, DERIVED_LEADS))
    n_records, _, n_times = X.shape
    peaks, similarity, reliability = [], [], []
    for part in record_chunks(n_records, len(leads) * n_times / rate, R_PEAKS):
        try:
            record, time, alike, reliable = detect_beats(X[part], leads, rate)
        except FloatingPointError:
            check_finite(X[:, leads], None if names is None else [names[i] for i in leads])
            raise ValueError("X holds values too large for float32. Scale it to mV.") from None
        bounds = np.searchsorted(record, np.arange(part.stop - part.start + 1)).tolist()
        peaks += [time[i:j] for i, j in zip(bounds, bounds[1:])]
        similarity += [alike[i:j] for i, j in zip(bounds, bounds[1:])]
        reliability.append(reliable)
    return RPeaks(peaks, np.concatenate(reliability), rate, n_times, similarity)


def check_sampling_rate(sampling_rate):
    """The rate as a float; what has no rate, or one without R-peaks, is refused."""
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


def _check_records(X, n_leads, lead_names):
    """The signals, not yet checked for NaN, and the names of the leads or None."""
    if not hasattr(X, "iloc") and np.size(X) == 0:
        raise ValueError(f"X is empty: its shape is {np.shape(X)}.")
    X, kind, n_leads, names = read_container(X, name="detect_r_peaks", n_leads=n_leads)
    if kind == "lead frame":
        X = to_lead_array(X)
    elif kind == "cells":
        X = stack_signals(X)
    X = np.asarray(X)
    if X.dtype.kind not in "iuf":
        raise TypeError(f"X must hold real numbers, got dtype {X.dtype}.")
    if X.size == 0:
        raise ValueError(f"X is empty: its shape is {X.shape}.")
    if lead_names is not None:
        given = normalize_lead_names(lead_names, strict=False)
        if len(given) != n_leads or names not in (None, given):
            present = f"{n_leads} leads" if names is None else f"the leads {', '.join(names)}"
            raise ValueError(f"lead_names={given} does not fit X, which has {present}.")
        names = given
    elif names is None and n_leads == len(STANDARD_LEADS):
        names = STANDARD_LEADS
    return X.reshape(len(X), n_leads, -1), names

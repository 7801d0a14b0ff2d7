"""Detection of R-peaks in whole batches of records, and measurements of their rhythm."""

from numbers import Real

import numpy as np

from .._validation import (
    check_finite,
    group_by_missing_leads,
    is_in_range,
    leads_with_gaps,
    read_signals,
    take_group,
    take_names,
)
from ..leads._derived import independent_leads
from ..utils._chunks import R_PEAKS, record_chunks
from ..utils._warnings import warn
from ._beat_selection import REFRACTORY
from ._gaps import (
    choose_windows_in_time,
    cover_with_windows,
    cut_window,
    group_windows,
    number_stretches,
)
from ._qrs import detect_beats
from ._r_peaks import RPeaks, merge_rhythms, split_by_record, take_records, without_beats

_RATES = (100, 1000)  # Hz
# Medians over so many records, 1/min, outside of which the sampling rate is probably wrong.
_HEART_RATES, _N_RECORDS = (38, 200), 10
_RELIABLE = 0.3  # minimum reliability of these records
_DOUBTFUL = 0.5  # reliability below which other windows of a record with gaps are tried


def detect_r_peaks(X, sampling_rate, *, n_leads=None, lead_names=None):
    """Detect the R-peaks of multi-lead records, for all records of a batch at once.

    Parameters
    ----------
    X : array-like, DataFrame or lead frame
        Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of signals
        or, with ``n_leads``, rows of shape (n_records, n_leads * n_times), in any unit. If leads I
        and II are present, the leads derived from them (III, aVR, aVL, aVF) are not used. A lead
        that is NaN at all time points of a record is missing, and not used either. NaN at some time
        points is a gap; see the notes. Twelve unnamed leads are assumed to be in standard order.
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
        that is used contains infinity, `sampling_rate` is out of range, or `X` is a lead frame that
        notes another sampling rate.

    Warns
    -----
    UserWarning
        If the median heart rate of ten records or more is below 38 or above 200 per minute, so that
        `sampling_rate` is probably wrong.

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

    The R-peaks of a record with missing leads are those of a record without these leads: all leads
    that are present are used together, so that they may differ from those of the complete record.
    A record without any lead has no R-peaks and a reliability of 0.

    In records with gaps, such as those of a printed page with 2.5 s of each lead, R-peaks are found
    in windows of time, each in the leads that have signals there. The first window is the longest
    stretch of any lead without gaps of more than 0.1 s. All leads that have signals for at least 95
    % of it are used. The second window is the longest stretch of the remaining time, and so on;
    stretches of less than a second are left out. Thus a lead that is complete, as that of a rhythm
    strip, is used for the whole record. If the reliability of the record is then below 0.5, the
    windows with the most leads are preferred, if that is more reliable. Gaps inside a window are
    interpolated. R-peaks of different windows are found in different leads, so that the time
    between them is not an RR interval (``after_gap``), nor is it across an interpolated gap of at
    least 0.04 s in half of the leads, which may hide a beat. The reliability is the mean over the
    windows, weighted by their durations, and does not refer to the time without signals.

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
    array([59., 60., 59., 60., 60.])
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
    rhythm = find_r_peaks(signals, lead_names, rate)
    warn_of_sampling_rate(reliable_heart_rate(rhythm), rate, name="detect_r_peaks")
    return rhythm


def reliable_heart_rate(rhythm):
    """Return the heart rate of each record, NaN for records without reliable beats."""
    return np.where(rhythm.reliability >= _RELIABLE, rhythm.heart_rate(), np.nan)


def warn_of_sampling_rate(heart_rate, sampling_rate, *, name):
    """Warn if the hearts of ten records or more are much slower or faster than usual.

    Parameters
    ----------
    heart_rate : ndarray of shape (n_records,)
        Per minute; NaN if it is unknown.
    sampling_rate : float
        In Hz.
    name : str
        Name of the caller, for the message.
    """
    known = heart_rate[np.isfinite(heart_rate)]
    if len(heart_rate) < _N_RECORDS or not len(known):
        return
    if not _HEART_RATES[0] <= np.median(known) <= _HEART_RATES[1]:
        warn(
            f"With sampling_rate={sampling_rate:g} in {name}, the median heart rate of "
            f"{len(known)} of {len(heart_rate)} records is {np.median(known):.0f} per minute. The "
            "sampling rate is probably another one, and all durations are then wrong. Check it.",
            UserWarning,
        )


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
        If a lead that is used contains infinity, or values too large for float32.
    """
    n_records, n_leads, n_times = signals.shape
    n_used = len(independent_leads(lead_names, n_leads))
    rhythms = []
    for part in record_chunks(n_records, n_used * n_times / rate, R_PEAKS):
        if not is_in_range(signals[part]):
            # Perhaps only in leads that are not used.
            _check_used_leads(signals, lead_names)
        try:
            has_gaps = leads_with_gaps(signals[part])
            for records, leads in group_by_missing_leads(signals[part]):
                names = take_names(lead_names, leads)
                used = leads[independent_leads(names, len(leads))]
                gaps = has_gaps[np.ix_(records, used)].any(axis=1)
                if gaps.any():
                    found = _find_with_gaps(signals[part][records[gaps]], lead_names, rate)
                    rhythms.append((part.start + records[gaps], found))
                    records = records[~gaps]
                if len(records):
                    found = _find_in_leads(signals[part], records, leads, lead_names, rate)
                    rhythms.append((part.start + records, found))
        except FloatingPointError:
            _check_used_leads(signals, lead_names)
            # In a record with gaps, every lead may be used.
            check_finite(signals, lead_names, allow_nan=True)
            raise
    return merge_rhythms(rhythms, n_records, rate, n_times)


def _find_in_leads(signals, records, leads, lead_names, rate):
    """Find the R-peaks of some records in those of their leads that are independent."""
    n_records, n_times = len(records), signals.shape[2]
    if len(leads) == 0:
        return without_beats(n_records, rate, n_times)
    used = leads[independent_leads(take_names(lead_names, leads), len(leads))]
    signals = take_group(signals, records, np.arange(signals.shape[1]))
    record, time, alike, reliability, *spike = detect_beats(signals, used, rate)
    return RPeaks._unchecked(
        split_by_record(record, time, n_records),
        reliability,
        rate,
        n_times,
        split_by_record(record, alike, n_records),
        split_by_record(*spike, n_records),
        None,
    )


def _find_with_gaps(signals, lead_names, rate):
    """Find the R-peaks of records with gaps."""
    windows = cover_with_windows(signals, rate)
    rhythm = _find_in_windows(signals, windows, lead_names, rate)
    doubtful = np.flatnonzero(rhythm.reliability < _DOUBTFUL)
    if len(doubtful) == 0:
        return rhythm
    # The longest stretches may have fewer leads than shorter ones.
    windows = [sorted(windows[record], key=lambda w: -len(w.leads)) for record in doubtful]
    other = _find_in_windows(signals[doubtful], windows, lead_names, rate)
    better = np.flatnonzero(other.reliability > rhythm.reliability[doubtful])
    kept = np.setdiff1d(np.arange(len(signals)), doubtful[better])
    parts = [(kept, take_records(rhythm, kept))]
    parts.append((doubtful[better], take_records(other, better)))
    return merge_rhythms(parts, len(signals), rate, signals.shape[2])


def _find_in_windows(signals, windows, lead_names, rate):
    """Find the R-peaks of records in their windows, the first ones preferred."""
    n_records, _, n_times = signals.shape
    chosen, owner = zip(*(choose_windows_in_time(of_record, n_times) for of_record in windows))
    found = [[] for _ in range(n_records)]
    for window, records in group_windows(chosen).items():
        cut = cut_window(signals, records, window)
        names = take_names(lead_names, window.leads)
        leads = np.arange(len(window.leads))
        rhythm = _find_in_leads(cut, np.arange(len(records)), leads, names, rate)
        for i, record in enumerate(records):
            found[record].append((window, rhythm, i))
    joined = [_join_windows(*of_record, rate) for of_record in zip(signals, found, chosen, owner)]
    peaks, similarity, spikes, after_gap, reliability = map(list, zip(*joined))
    return RPeaks._unchecked(
        peaks, np.array(reliability), rate, n_times, similarity, spikes, after_gap
    )


def _join_windows(signals, found, chosen, owner, rate):
    """Join the R-peaks of the windows of one record."""
    peaks, similarity, spikes = ([np.empty(0, dtype=int)] for _ in range(3))
    reliability, duration = 0.0, 0
    for window, rhythm, i in found:
        position = chosen.index(window)
        times = rhythm.peaks[i] + window.start
        own = owner[times] == position
        peaks.append(times[own])
        similarity.append(rhythm.similarity[i][own])
        times = rhythm.spikes[i] + window.start
        spikes.append(times[owner[times] == position])
        share = np.count_nonzero(owner == position)
        reliability += share * rhythm.reliability[i]
        duration += share
    peaks, similarity = map(np.concatenate, (peaks, similarity))
    order = np.argsort(peaks)
    # Both windows may contain the QRS at their border.
    apart = np.diff(peaks[order], prepend=-np.inf) > REFRACTORY * rate
    peaks, similarity = (values[order][apart] for values in (peaks, similarity))
    stretch = number_stretches(signals, chosen, owner, rate)[peaks]
    after_gap = np.diff(stretch, prepend=stretch[:1]) != 0
    spikes = np.sort(np.concatenate(spikes))
    return peaks, similarity.astype(float), spikes, after_gap, reliability / max(duration, 1)


def _check_used_leads(signals, lead_names):
    """Raise if a lead that is used contains infinity."""
    signals = np.array(signals)
    for records, leads in group_by_missing_leads(signals):
        used = leads[independent_leads(take_names(lead_names, leads), len(leads))]
        unused = np.setdiff1d(leads, used)
        signals[np.ix_(records, unused)] = 0
    check_finite(signals, lead_names, allow_nan=True)


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
        rr = 1000 * intervals[record][1:]
        normal = ~(mark[1:] | mark[:-1]) & np.isfinite(rr)
        if normal.sum() > 1:
            measures[0, i] = rr[normal].std(ddof=1)
        follows = normal[1:] & normal[:-1]
        if follows.any():
            measures[1, i] = np.sqrt(np.mean(np.square(np.diff(rr)[follows])))
    return dict(zip(("sdnn", "rmssd", "ectopic_share"), measures))

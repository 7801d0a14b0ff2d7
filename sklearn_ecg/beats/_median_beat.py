"""Median beats as a transformer."""

from functools import partial
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._validation import group_by_missing_leads, leads_with_gaps, take_names
from ..base import SignalToSignalTransformer
from ..leads._derived import independent_leads
from ..utils._chunks import BEAT_FEATURES, record_chunks
from ..utils._parallel import compute_parts
from ._beat_averaging import average_beats, concatenate_averages
from ._delineation import pr_level, qrs_bounds
from ._rhythm import check_sampling_rate, reliable_heart_rate, warn_of_sampling_rate


class MedianBeat(SignalToSignalTransformer):
    """Replace each record with its median beat.

    The R-peaks of a record are detected in all leads together (`detect_r_peaks`). Ectopic beats,
    beats that are not completely inside the record, and beats whose distance from the mean beat is
    more than twice the typical distance are left out. The others are aligned in all leads together,
    to a fraction of a time point, corrected for baseline drift between PR segments, and averaged.
    The zero of each lead is its mean over 16 ms (at least two time points) at the end of the PR
    segment.

    The result is in the same kind of container as X: an array, a lead frame, an object array of
    signals, lead-major rows, or a numeric frame.

    Parameters
    ----------
    sampling_rate : float
        Time points per second (Hz), from 100 to 1000. Required.
    window : (float, float), default=(-0.3, 0.5)
        Start and stop of the beat in seconds from its R-peak; the start is negative, the stop
        positive. The default, which is one of this library, contains P, QRS and T of a normal beat.
    average : {"median", "trimmed_mean"}, default="median"
        How beats are averaged at each time point. "trimmed_mean" is the mean of the middle half of
        the beats: smoother, and nearly as robust.
    unreliable : {"raise", "nan", "record_average"}, default="raise"
        What to do if the reliability of a record is below `min_reliability`, or no beat of it can
        be used.

        - "raise": raise an error that lists the records.
        - "nan": return a beat of NaN. Networks do not accept NaN: drop these records, or impute.
        - "record_average": return the average of consecutive windows of the whole record, minus
          its mean in each lead. The result is nearly flat, since these windows are not aligned.
          Gaps are left out; it is 0 where all windows have one.
    min_reliability : float, default=0.3
        Minimum of `RPeaks.reliability`, in [0, 1]. The limit is a default of this library.
    n_jobs : int or None, default=None
        Number of processes that average records. It does not affect the result. None is 1.
    n_leads : int or None, default=None
        Number of leads. Required for rows and numeric frames.
    lead_names : sequence of str or None, default=None
        Names of the leads, unless X is a lead frame. Twelve unnamed leads are assumed to be in
        standard order.

    Attributes
    ----------
    n_features_in_ : int
        Number of leads seen in `fit`; for rows and numeric frames, number of columns.
    n_leads_in_ : int
        Number of leads seen in `fit`.
    n_times_in_ : int
        Number of time points seen in `fit`.
    lead_names_in_ : tuple of str or None
        Names of the leads seen in `fit`.
    sampling_rate_in_ : float or None
        Sampling rate of the records seen in `fit` (Hz), if a frame or a parameter states it.
    units_in_ : str or None
        Unit of the records seen in `fit`, if a frame states it.
    feature_names_in_ : ndarray of str
        Names of the columns seen in `fit`. Only defined if X has named columns.

    Raises
    ------
    ValueError
        In `fit`, if `sampling_rate` is missing or out of range, or `window` is invalid or longer
        than the records. In `transform`, if a record has no reliable beats and
        ``unreliable="raise"``. Also if a frame notes another unit than mV.

    Warns
    -----
    UserWarning
        In `transform`, if the median heart rate of ten records or more is below 38 or above 200 per
        minute, so that `sampling_rate` is probably wrong.

    See Also
    --------
    BeatFeatures : Measure the median beat.
    sklearn_ecg.detect_r_peaks : Detect R-peaks, with their reliability.

    Notes
    -----
    X should be in mV; otherwise a warning is raised. Nothing is learned in `fit`: the beat of a
    record does not depend on other records. It has the sampling rate of the record and
    ``round(window[1] * sampling_rate) - round(window[0] * sampling_rate)`` time points; its R-peak
    is at ``-round(window[0] * sampling_rate)``, give or take one time point.

    A lead that is NaN at all time points of a record is missing: its beat is NaN, and the other
    beats are those of a record without this lead. A record without any lead is unreliable.

    NaN at some time points of a lead is a gap, as in a printed page with 2.5 s of each lead. The
    R-peaks are then found in windows of time (see `detect_r_peaks`), and a beat whose window
    contains a gap of a lead, or the four time points next to it, is not used in this lead. Leads
    with the same beats are aligned together, those with other beats separately, so that Einthoven's
    and Goldberger's identities hold only among the former. The R-peak of beats that were found in
    different leads may be a different part of the QRS. A lead without any usable beat has a beat of
    NaN: with slow hearts, 2.5 s may not contain a whole one. ``beats_used`` of `report` counts
    beats that were averaged in at least one lead.

    Pacemaker spikes are removed from the records before their beats are detected and averaged: a
    spike lasts up to 3 ms (one time point, if these are further apart), is at least three times as
    steep as the signals next to it, and is at least 0.3 times as high as their typical range, root
    mean square over the leads. `report` counts them. What follows a spike (the polarization of the
    electrodes), and spikes that an anti-aliasing filter has broadened, remain.

    If leads are exchanged between records, as in permutation importance, their beats no longer
    coincide, and a record may have no reliable beats. In this case, use a different policy than
    "raise", or compute the importance for the estimator after this step, with median beats as X.

    Averaging the beats of a resting ECG goes back to [1]_; the zero at the end of the PR segment is
    that of [2]_. Subtracting lines through adjacent PR segments is the linear case of [3]_.
    Einthoven's and Goldberger's identities hold for the beats if they hold for the records.

    References
    ----------
    .. [1] J. R. Cox, F. M. Nolle, R. M. Arthur, "Digital analysis of the electroencephalogram, the
       blood pressure wave, and the electrocardiogram", Proceedings of the IEEE 60(10), 1972.
    .. [2] The CSE Working Party, "Recommendations for measurement standards in quantitative
       electrocardiography", European Heart Journal 6(10), 1985.
    .. [3] C. R. Meyer, H. N. Keiser, "Electrocardiogram baseline noise estimation and removal
       using cubic splines and state-space computation techniques", Computers and Biomedical
       Research 10(5), 1977.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_ecg import MSAICNetClassifier
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.preprocessing import MedianBeat
    >>> ecg = make_ecg(40, random_state=0)
    >>> beat = MedianBeat(sampling_rate=100).fit(ecg.data)
    >>> beat.transform(ecg.data).shape
    (40, 12, 80)
    >>> beat.report(ecg.data).head(2)
       beats_found  beats_used  spikes_removed  reliability status
    0           16          15               0          1.0     ok
    1           16          15               0          1.0     ok
    >>> clf = make_pipeline(
    ...     MedianBeat(sampling_rate=100), MSAICNetClassifier(max_epochs=2, random_state=0)
    ... )
    >>> clf.fit(ecg.data, ecg.target).predict_proba(ecg.data).shape
    (40, 2)

    A record without beats raises an error:

    >>> noise = ecg.data.copy()
    >>> noise[3] = 0
    >>> beat.transform(noise)
    Traceback (most recent call last):
        ...
    ValueError: 1 of 40 records have no reliable beats, the first is record 3 (beats found: 0, ...
    """

    _parameter_constraints = {
        **SignalToSignalTransformer._parameter_constraints,
        "sampling_rate": [Interval(Real, 0, None, closed="neither"), None],
        "window": ["array-like"],
        "average": [StrOptions({"median", "trimmed_mean"})],
        "unreliable": [StrOptions({"raise", "nan", "record_average"})],
        "min_reliability": [Interval(Real, 0, 1, closed="both")],
        "n_jobs": [Integral, None],
    }
    _allow_nan = True
    _needs_millivolts = True
    _fits_lazy_records = True

    def __init__(
        self,
        sampling_rate=None,
        *,
        window: tuple[float, float] = (-0.3, 0.5),
        average="median",
        unreliable="raise",
        min_reliability=0.3,
        n_jobs=None,
        n_leads=None,
        lead_names=None,
    ):
        self.sampling_rate = sampling_rate
        self.window = window
        self.average = average
        self.unreliable = unreliable
        self.min_reliability = min_reliability
        self.n_jobs = n_jobs
        self.n_leads = n_leads
        self.lead_names = lead_names

    def report(self, X):
        """Report the number of beats and the reliability of each record.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals with the leads and the length of those passed to `fit`.

        Returns
        -------
        report : DataFrame of n_records rows
            With the index of X, and the columns ``beats_found``, ``beats_used``,
            ``spikes_removed``, ``reliability`` and ``status``, which is "ok" or the reason why the
            record has no median beat.
        """
        check_is_fitted(self)
        report = self._make_report(self._average(self._validate_signals(X, reset=False)))
        return report.set_axis(X.index) if hasattr(X, "iloc") else report

    def _fit(self, signals):
        check_sampling_rate(self.sampling_rate)
        start, stop = self._window_in_time_points()
        if stop - start > signals.shape[2]:
            raise ValueError(
                f"window={self.window!r} s has {stop - start} time points at {self.sampling_rate} "
                f"Hz, more than the {signals.shape[2]} time points of X. Pass a shorter window, or "
                "longer records."
            )

    def _output_n_times(self):
        start, stop = self._window_in_time_points()
        return stop - start

    def _window_in_time_points(self):
        """Return start and stop of the window in time points from the R-peak."""
        window = np.asarray(self.window)
        if window.shape != (2,) or window.dtype.kind not in "fi" or not window[0] < 0 < window[1]:
            raise ValueError(
                f"window must be (start, stop) in seconds with start < 0 < stop, got "
                f"{self.window!r}."
            )
        start, stop = (round(edge * self.sampling_rate) for edge in window.tolist())
        if start == 0 or stop == 0:
            raise ValueError(
                f"window={self.window!r} s has no time point on one side of the R-peak at "
                f"{self.sampling_rate} Hz. Pass a longer window."
            )
        return start, stop

    def _average(self, signals):
        start, stop = self._window_in_time_points()
        average = partial(
            average_beats,
            lead_names=self.lead_names_in_,
            rate=float(self.sampling_rate),
            start=start,
            stop=stop,
            method=self.average,
        )
        parts = record_chunks(len(signals), 1, BEAT_FEATURES)
        return concatenate_averages(compute_parts(average, signals, parts, n_jobs=self.n_jobs))

    def _make_report(self, average):
        reliability = average.rhythm.reliability
        status = np.where(average.n_used > 0, "ok", "no usable beat").astype(object)
        status[reliability < self.min_reliability] = "unreliable beats"
        return pd.DataFrame(
            {
                "beats_found": [len(peaks) for peaks in average.rhythm.peaks],
                "beats_used": average.n_used,
                "spikes_removed": [len(spikes) for spikes in average.rhythm.spikes],
                "reliability": reliability.round(3),
                "status": status,
            }
        )

    def _subtract_pr_level(self, beats, good, groups):
        """Subtract the level at the end of the PR segment, in place, from good beats."""
        rate, (start, _) = float(self.sampling_rate), self._window_in_time_points()
        for records, leads in groups:
            records = records[good[records]]
            if len(records) == 0 or len(leads) == 0:
                continue
            independent = independent_leads(take_names(self.lead_names_in_, leads), len(leads))
            of_group = beats[np.ix_(records, leads)]
            onset, _ = qrs_bounds(of_group, rate, -start, independent)
            beats[np.ix_(records, leads)] -= pr_level(of_group, rate, onset)[:, :, None]

    def _transform(self, signals):
        average = self._average(signals)
        heart_rate = reliable_heart_rate(average.rhythm)
        warn_of_sampling_rate(heart_rate, self.sampling_rate, name=type(self).__name__)
        beats = average.beats
        report = self._make_report(average)
        good = (report["status"] == "ok").to_numpy()
        if self.unreliable == "raise" and not good.all():
            wrong = np.flatnonzero(~good)
            first = report.iloc[wrong[0]]
            raise ValueError(
                f"{len(wrong)} of {len(signals)} records have no reliable beats, the first is "
                f"record {wrong[0]} (beats found: {first.beats_found}, used: {first.beats_used}, "
                f"reliability: {first.reliability}). report(X) lists all records. Leave these "
                "records out, or pass unreliable='nan' or 'record_average'. (If leads were "
                "exchanged between records, as in permutation importance, their beats do not "
                "coincide.)"
            )
        if good.any():
            # Leads without a usable beat are NaN as well.
            self._subtract_pr_level(beats, good, group_by_missing_leads(beats))
        beats[~good] = np.nan
        if self.unreliable == "record_average":
            beats[~good] = _mean_of_windows(signals[~good], beats.shape[2])
        return beats


def _mean_of_windows(signals, width):
    """Return the mean over consecutive windows of each record, minus its mean in each lead."""
    n_windows = signals.shape[2] // width
    windows = signals[:, :, : n_windows * width].reshape(*signals.shape[:2], n_windows, width)
    mean = windows.mean(axis=2)
    mean = mean - mean.mean(axis=2, keepdims=True)
    for record, lead in np.argwhere(leads_with_gaps(signals)):
        mean[record, lead] = _mean_with_gaps(windows[record, lead])
    return mean


def _mean_with_gaps(windows):
    """Return the mean over windows of the values that are not NaN, minus their mean."""
    count = np.isfinite(windows).sum(axis=0)
    mean = np.nansum(windows, axis=0) / np.maximum(count, 1)
    mean[count > 0] -= mean[count > 0].mean() if count.any() else 0
    return mean

"""Measurements of the median beat as features."""

from functools import partial
from numbers import Integral, Real

import numpy as np
from scipy.signal import resample_poly
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from .._validation import group_by_missing_leads, take_names
from ..base import SignalTransformer, fill_lead_names
from ..leads import STANDARD_LEADS
from ..leads._derived import independent_leads
from ..utils._chunks import BEAT_FEATURES, record_chunks
from ..utils._fit_callbacks import as_one_task
from ..utils._parallel import compute_parts
from ..utils._warnings import warn
from ._beat_averaging import average_beats
from ._delineation import pr_level, qrs_bounds, wave_bounds
from ._lead_combinations import combinations_of_leads, combine_leads
from ._measurements import measure_p, measure_qrs, measure_st, measure_t
from ._rhythm import check_sampling_rate, measure_rhythm, warn_of_sampling_rate

_WINDOW = (-0.40, 0.68)  # seconds from the R-peak
_MEASURING_RATE = 500  # Hz

_PER_LEAD = (
    "p_amplitude",
    "p_area",
    "q_amplitude",
    "q_duration",
    "r_amplitude",
    "r_peak_time",
    "s_amplitude",
    "r2_amplitude",
    "rs_ratio",
    "qrs_duration",
    "qrs_amplitude",
    "qrs_area",
    "j_level",
    "st_level",
    "st_slope",
    "t_amplitude",
    "t_polarity",
    "t_area",
    "signal_quality",
)
_RHYTHM_FEATURES = ("heart_rate", "sdnn", "rmssd", "ectopic_share", "n_beats", "reliability")
_INTERVAL_FEATURES = (
    "p_duration",
    "pr_interval",
    "qrs_duration",
    "qt_interval",
    "qtc_fridericia",
    "qtc_bazett",
    "t_peak_end",
)


class BeatFeatures(SignalTransformer):
    """Measure the median beat of each record: waves, intervals, axes, rhythm, signal quality.

    The R-peaks of a record are detected in all leads together (`detect_r_peaks`). Ectopic beats,
    beats that are not completely inside the record, and beats whose distance from the mean beat is
    more than twice the typical distance are left out. The others are aligned to a fraction of a
    time point. Their median is interpolated to about 500 Hz and measured. The bounds of P, QRS and
    T are common to all leads; the waves of each lead are measured between them.

    Parameters
    ----------
    sampling_rate : float
        Time points per second (Hz), from 100 to 1000. Required.
    min_reliability : float, default=0.3
        Minimum of `RPeaks.reliability`, in [0, 1]. Records below this default of this library, or
        without usable beats, have NaN except for ``global__n_beats`` and ``global__reliability``.
    drop_empty : bool, default=True
        Whether to leave out features that are NaN in all training records, such as R' in a lead in
        which no patient has one. scikit-learn's gradient boosting (1.9) fails on such features, and
        its imputers leave them out as well. With False, the features depend on the leads only.
    n_jobs : int or None, default=None
        Number of processes that measure records. It does not affect the result. None is 1.
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
        In `fit`, if `sampling_rate` is missing or out of range. Also if X is not in mV: if a frame
        notes another unit, or amplitudes are implausible.

    Warns
    -----
    UserWarning
        If the median heart rate of ten training records or more is below 38 or above 200 per
        minute, so that `sampling_rate` is probably wrong. Not in `fit` with ``drop_empty=False``,
        which measures nothing. Also if X is an object array of twelve leads without names, for
        which the features of several leads are left out.

    See Also
    --------
    MedianBeat : Return the median beat itself, for networks.
    sklearn_ecg.detect_r_peaks : Detect R-peaks, with their reliability.

    Notes
    -----
    X must be in mV. Amplitudes are in mV, durations and intervals in ms, areas in mV ms, angles in
    degrees. The zero of a lead is its mean over 16 ms at the end of the PR segment [1]_. A
    deflection is a wave if it exceeds 0.02 mV for 6 ms [1]_, and twice the noise of the median
    beat. **Measurements of an absent wave are NaN**: without a Q wave, its amplitude and duration
    are NaN. Estimators that support NaN, such as `HistGradientBoostingClassifier`, can use this
    information; for others, add a `SimpleImputer` with ``add_indicator=True`` to the pipeline. With
    a few dozen records, a measurement may be NaN in all of them, for which gradient boosting of
    scikit-learn 1.9 raises an error; `make_beat_classifier` leaves such measurements out.

    Features of each lead, such as ``V2__st_level``:

    ================ ======= ====================================================================
    name             unit    definition
    ================ ======= ====================================================================
    p_amplitude      mV      largest deviation, with its sign, within the P wave
    p_area           mV ms   signed area of the P wave
    q_amplitude      mV      lowest value before the first positive wave; for a QS complex, in
                             the whole QRS
    q_duration       ms      from the departure from zero, at or after the lead's QRS onset, to the
                             return to zero; a notch that is not a wave does not end it
    r_amplitude      mV      highest value from the first positive wave to the next negative wave
    r_peak_time      ms      from the QRS onset of all leads to that value
    s_amplitude      mV      lowest value after the first positive wave
    r2_amplitude     mV      highest value of a positive wave after S (R')
    rs_ratio         1       r_amplitude / abs(s_amplitude); 0 for QS, NaN without S
    qrs_duration     ms      duration of the lead's own QRS, from its velocity
    qrs_amplitude    mV      difference between the highest and the lowest value of the QRS
    qrs_area         mV ms   signed area of the QRS
    j_level          mV      mean over the first 8 ms after the end of the QRS of all leads
    st_level         mV      mean from 56 to 64 ms after it
    st_slope         mV/s    slope of the least-squares line from 20 to 80 ms after it
    t_amplitude      mV      largest deviation, with its sign, from 60 ms after the QRS to the
                             end of the T wave
    t_polarity       1       (highest + lowest) / (highest - lowest), of the values above and
                             below zero: 1 upright, -1 inverted, about 0 biphasic; 0 if flat
    t_area           mV ms   signed area of the same part
    signal_quality   dB      power of the median beat divided by that of the differences between
                             single beats and the median beat
    ================ ======= ====================================================================

    Features of the record, such as ``global__qrs_axis``:

    ================ ======= ====================================================================
    name             unit    definition
    ================ ======= ====================================================================
    heart_rate       1/min   heart rate, from the middle half of the RR intervals
    sdnn             ms      standard deviation of the intervals between normal beats [2]_
    rmssd            ms      root mean square of their successive differences [2]_
    ectopic_share    1       fraction of beats that `RPeaks.ectopic` finds
    n_beats          1       number of beats in the median
    reliability      1       `RPeaks.reliability`
    p_duration       ms      between tangents to the flanks of the root mean square over leads
    pr_interval      ms      from the P onset to the QRS onset
    qrs_duration     ms      where the velocity over all leads exceeds 5 % of its maximum, and
                             three times its lower quartile
    qt_interval      ms      from the QRS onset to the end of T: the median over leads of where
                             the tangent to the falling flank crosses the level after it [3]_
    qtc_fridericia   ms      qt_interval / (RR in s) ** (1/3) [4]_
    qtc_bazett       ms      qt_interval / (RR in s) ** (1/2) [5]_
    t_peak_end       ms      from the peak of the T wave (median over leads) to its end
    p_axis           degrees direction of the P area in the frontal plane, in (-180, 180]
    qrs_axis         degrees direction of the QRS area
    t_axis           degrees direction of the T area; all three: NaN below an area of 0.12 mV ms, or
                             if a lead they need is flat, unless other limb leads agree with it
    qrs_t_angle      degrees angle between the QRS and T axes, in [0, 180]
    r_transition     1       first chest lead, 1 to 6, in which R is at least as high as S is
                             deep, interpolated; 7 if there is none
    sokolow_lyon     mV      depth of S in V1 + the higher R of V5 and V6 [6]_
    cornell          mV      R in aVL + depth of S in V3 [7]_
    ================ ======= ====================================================================

    In the last three, R is the higher one of R and R', and S is the QS complex in a lead without R.
    Waves that are absent count as 0 there; the features are NaN if a lead has no QRS at all.

    The last seven need their leads (the axes I and aVF, or I and II). If I and II are present, the
    leads derived from them are not used for what is measured in all leads together.

    A lead that is NaN at all time points of a record is missing. The features of the record are
    then those of a record without this lead: its own features, and features of the record that
    need it, are NaN, and what is measured in all leads together (beats, bounds of waves, intervals,
    rhythm) is measured in the leads that are present. A record without any lead is unreliable.

    NaN at some time points of a lead is a gap, as in a printed page with 2.5 s of each lead. Beats
    are then detected and averaged as in `MedianBeat`, and what is averaged is measured. A lead
    without a usable beat has features of NaN. ``n_beats`` counts the beats that are used in at
    least one lead, and intervals across a gap do not count as RR intervals. Measurements in all
    leads together are less exact, since leads whose beats were found separately are aligned by
    their own R-peaks.

    Do not mix sampling rates: resample all records to the lowest one. At 100 Hz, R and S waves are
    lower than at 500 Hz, and an interpolated beat rings before and after the QRS, whose duration is
    then longer, the more the narrower it is, as in children. From 200 Hz on, the difference is
    small; the user guide has a table.

    Pacemaker spikes are removed before the beats are detected and measured, as in `MedianBeat`,
    whose ``report`` counts them: amplitudes, bounds and areas are those of the complexes.

    Limits without a reference are defaults of this library. Those of the bounds of waves were
    chosen with the annotations of LUDB; the user guide reports the agreement.

    References
    ----------
    .. [1] The CSE Working Party, "Recommendations for measurement standards in quantitative
       electrocardiography", European Heart Journal 6(10), 1985.
    .. [2] Task Force of the ESC and NASPE, "Heart rate variability: standards of measurement,
       physiological interpretation and clinical use", Circulation 93(5), 1996. Values from ten
       seconds are rough estimates.
    .. [3] E. Lepeschkin, B. Surawicz, "The measurement of the Q-T interval of the
       electrocardiogram", Circulation 6(3), 1952.
    .. [4] L. S. Fridericia, "Die Systolendauer im Elektrokardiogramm bei normalen Menschen und bei
       Herzkranken", Acta Medica Scandinavica 53, 1920.
    .. [5] H. C. Bazett, "An analysis of the time-relations of electrocardiograms", Heart 7, 1920.
    .. [6] M. Sokolow, T. P. Lyon, "The ventricular complex in left ventricular hypertrophy as
       obtained by unipolar precordial and limb leads", American Heart Journal 37(2), 1949.
    .. [7] P. N. Casale et al., "Electrocardiographic detection of left ventricular hypertrophy:
       development and prospective validation of improved criteria", JACC 6(3), 1985.

    Examples
    --------
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.preprocessing import BeatFeatures
    >>> ecg = make_ecg(4, prevalence=0.5, as_frame=True, random_state=0)
    >>> ecg.target.tolist()
    [1, 0, 1, 0]
    >>> features = BeatFeatures(sampling_rate=100).set_output(transform="pandas")
    >>> table = features.fit_transform(ecg.data)
    >>> table.shape[1] <= 248
    True
    >>> [round(float(level), 1) for level in table["V3__st_level"]]
    [0.2, -0.2, 0.3, -0.1]

    The features are often followed by gradient boosting:

    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> clf = make_pipeline(BeatFeatures(sampling_rate=100), HistGradientBoostingClassifier())
    """

    _parameter_constraints = {
        **SignalTransformer._parameter_constraints,
        "sampling_rate": [Interval(Real, 0, None, closed="neither"), None],
        "min_reliability": [Interval(Real, 0, 1, closed="both")],
        "drop_empty": ["boolean"],
        "n_jobs": [Integral, None],
    }
    _allow_nan = True
    _dtypes = [np.float32]
    _needs_millivolts = True
    _scale_errors = ("unit",)
    _fits_lazy_records = True

    def __init__(
        self,
        sampling_rate=None,
        *,
        min_reliability=0.3,
        drop_empty=True,
        n_jobs=None,
        n_leads=None,
        lead_names=None,
    ):
        self.sampling_rate = sampling_rate
        self.min_reliability = min_reliability
        self.drop_empty = drop_empty
        self.n_jobs = n_jobs
        self.n_leads = n_leads
        self.lead_names = lead_names

    @as_one_task
    def fit_transform(self, X, y=None):
        """Fit, and measure the same records.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals in mV, in any container that `fit` accepts.
        y : None
            Ignored.

        Returns
        -------
        features : ndarray of shape (n_records, n_features_out), float32
            The same features that `transform` returns; the records are measured only once.
        """
        features = self._fit(self._start_fit(X), measure=True)
        self._is_fitted = True
        return features[:, self._kept]

    def transform(self, X):
        """Measure records.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals in mV, with the leads and the length of those passed to `fit`.

        Returns
        -------
        features : ndarray of shape (n_records, n_features_out), float32
            NaN where a wave is absent; see the notes of the class.
        """
        check_is_fitted(self)
        return self._measure(self._validate_lazily(X, reset=False))[:, self._kept]

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features, ``lead__measurement`` and ``global__measurement``.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            If given, it must be equal to the names seen in `fit`.

        Returns
        -------
        names : ndarray of str objects
            A name for each column of the result of `transform`.
        """
        check_is_fitted(self)
        _check_feature_names_in(self, input_features)
        return np.asarray(self._feature_names, dtype=object)[self._kept]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _fit(self, signals, measure=False):
        """Choose the features. Return all features of the records if they have been measured."""
        check_sampling_rate(self.sampling_rate)
        if self.lead_names_in_ is None and self.n_leads_in_ == len(STANDARD_LEADS):
            warn(
                "X has twelve leads without names, as in the object array that a meta-estimator "
                "such as BaggingClassifier makes of a lead frame. Their order is unknown, so that "
                "axes and other features of several leads are left out. Pass lead_names.",
                UserWarning,
            )
        self._feature_names = _name_features(self.lead_names_in_, self.n_leads_in_)
        features = self._measure(signals) if measure or self.drop_empty else None
        if features is not None:
            heart_rate = features[:, self._feature_names.index("global__heart_rate")]
            warn_of_sampling_rate(heart_rate, self.sampling_rate, name=type(self).__name__)
        if self.drop_empty:
            self._kept = np.flatnonzero(np.isfinite(features).any(axis=0))
        else:
            self._kept = np.arange(len(self._feature_names))
        return features

    def _measure(self, signals):
        """Measure all features of the records, those that are left out included."""
        measure = partial(
            _measure_records,
            rate=float(self.sampling_rate),
            min_reliability=self.min_reliability,
            lead_names=self.lead_names_in_,
            feature_names=self._feature_names,
        )
        parts = record_chunks(len(signals), 1, BEAT_FEATURES)
        return np.concatenate(compute_parts(measure, signals, parts, n_jobs=self.n_jobs))


def _measure_records(signals, rate, min_reliability, lead_names, feature_names):
    """Measure all features of some records."""
    features = np.full((len(signals), len(feature_names)), np.nan, dtype=np.float32)
    start, stop = (round(edge * rate) for edge in _WINDOW)
    average = average_beats(signals, lead_names, rate, start, stop)
    column = {name: i for i, name in enumerate(feature_names)}
    reliability = average.rhythm.reliability
    features[:, column["global__n_beats"]] = average.n_used
    features[:, column["global__reliability"]] = reliability
    good = (reliability >= min_reliability) & (average.n_used > 0)
    # Leads without a usable beat are missing as well.
    for records, leads in group_by_missing_leads(average.beats):
        records = records[good[records]]
        if len(records) and len(leads):
            for name, values in _measure_group(average, records, leads, lead_names, rate):
                features[records, column[name]] = values
    return features


def _measure_group(average, records, leads, lead_names, rate):
    """Yield the name of each feature of some records and leads, and its values."""
    place = np.ix_(records, leads)
    heart_rate = average.rhythm.heart_rate()[records]
    lead_values, record_values = _measure_beats(
        average.beats[place],
        average.noise[place],
        average.n_used_by_lead[place],
        rate,
        -round(_WINDOW[0] * rate),
        heart_rate,
        take_names(lead_names, leads),
    )
    record_values.update(measure_rhythm(average.rhythm, records), heart_rate=heart_rate)
    names = fill_lead_names(lead_names, average.beats.shape[1])
    for measurement, values in lead_values.items():
        for lead, of_lead in zip(leads, values.T):
            yield f"{names[lead]}__{measurement}", of_lead
    for measurement, values in record_values.items():
        yield f"global__{measurement}", values


def _name_features(lead_names, n_leads):
    """Return the names of all features, those of the leads first."""
    names = [f"{lead}__{m}" for lead in fill_lead_names(lead_names, n_leads) for m in _PER_LEAD]
    of_record = [*_RHYTHM_FEATURES, *_INTERVAL_FEATURES]
    of_record += combinations_of_leads(lead_names or ())
    return names + [f"global__{name}" for name in of_record]


def _measure_beats(beats, noise, n_used, rate, peak, heart_rate, names):
    """Measure average beats. Return two dictionaries, for the leads and for the records."""
    factor = max(1, round(_MEASURING_RATE / rate))
    if factor > 1:
        beats = resample_poly(beats, factor, 1, axis=2, padtype="line")
        rate, peak = rate * factor, peak * factor
    independent = independent_leads(names, beats.shape[1])
    qrs = qrs_bounds(beats, rate, peak, independent)
    beats = beats - pr_level(beats, rate, qrs[0])[:, :, None]
    average_noise = noise / np.sqrt(n_used)
    rr = 60_000 / heart_rate
    total_noise = np.sqrt(np.mean(np.square(average_noise[:, independent]), axis=1))
    bounds = wave_bounds(beats, rate, peak, independent, rr, np.nan_to_num(total_noise), *qrs)
    lead_values = {
        **measure_p(beats, rate, bounds),
        **measure_qrs(beats, rate, bounds, average_noise),
        **measure_st(beats, rate, bounds.qrs_offset),
        **measure_t(beats, rate, bounds),
        "signal_quality": _measure_signal_quality(beats, noise),
    }
    record_values = {
        **_measure_intervals(bounds, rate, rr),
        **combine_leads(lead_values, names),
    }
    return lead_values, record_values


def _measure_signal_quality(beats, noise):
    """Measure the signal-to-noise ratio of each lead in dB."""
    power = np.einsum("rlt,rlt->rl", beats, beats) / beats.shape[2]
    with np.errstate(divide="ignore", invalid="ignore"):
        quality = 10 * np.log10(power / np.square(noise))
    return np.where(np.isfinite(quality), quality, np.nan)


def _measure_intervals(bounds, rate, rr):
    """Measure durations and intervals in ms from the bounds of all leads."""
    ms = rate / 1000
    qt = (bounds.t_offset - bounds.qrs_onset) / ms
    return {
        "p_duration": (bounds.p_offset - bounds.p_onset) / ms,
        "pr_interval": (bounds.qrs_onset - bounds.p_onset) / ms,
        "qrs_duration": (bounds.qrs_offset - bounds.qrs_onset) / ms,
        "qt_interval": qt,
        "qtc_fridericia": qt / np.cbrt(rr / 1000),
        "qtc_bazett": qt / np.sqrt(rr / 1000),
        "t_peak_end": (bounds.t_offset - bounds.t_peak) / ms,
    }

"""Measurements of the average beat, named as a cardiologist names them."""

from numbers import Integral, Real

import numpy as np
from scipy.signal import resample_poly
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from .._validation import check_signals
from ..base import name_leads
from ..utils._chunks import BEAT_FEATURES, record_chunks
from ._beat_averaging import average_beats
from ._delineation import baseline, bounds, independent_leads, qrs_bounds
from ._measurements import measure_p, measure_qrs, measure_st, measure_t
from ._rhythm import check_sampling_rate

_WINDOW = (-0.40, 0.68)  # seconds from the R-peak
_WORKING_RATE = 500  # Hz
_CHEST = ("V1", "V2", "V3", "V4", "V5", "V6")

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
_RHYTHM = ("heart_rate", "sdnn", "rmssd", "ectopic_share", "n_beats", "reliability")
_INTERVALS = (
    "p_duration",
    "pr_interval",
    "qrs_duration",
    "qt_interval",
    "qtc_fridericia",
    "qtc_bazett",
    "t_peak_end",
)
# What these need, of the leads.
_OF_LEADS = {
    "p_axis": ("I", "aVF"),
    "qrs_axis": ("I", "aVF"),
    "t_axis": ("I", "aVF"),
    "qrs_t_angle": ("I", "aVF"),
    "r_transition": _CHEST,
    "sokolow_lyon": ("V1", "V5", "V6"),
    "cornell": ("aVL", "V3"),
}


class BeatFeatures(TransformerMixin, BaseEstimator):
    """Measure the median beat of each record: waves, intervals, axes, rhythm, signal quality.

    The R-peaks of a record are found in all leads together (`detect_r_peaks`). Ectopic beats,
    beats that are not wholly inside the record and beats twice as far from the mean beat as usual
    are left out; the others are aligned, to a fraction of a time point, and their median is
    measured, interpolated to about 500 Hz. Bounds of P, QRS and T are common to all leads; a lead's
    own waves are sought between them.

    Parameters
    ----------
    sampling_rate : float
        Time points per second (Hz), from 100 to 1000. It must be given.
    min_reliability : float, default=0.3
        In [0, 1]. A record whose `RPeaks.reliability` is lower, or of which no beat can be used,
        is not measured: its features are NaN, except ``global__n_beats`` and
        ``global__reliability``. The limit is a default of this library.
    drop_empty : bool, default=True
        Whether to leave out the features that are NaN in all training records, such as R' in a
        lead where no patient has one. scikit-learn's gradient boosting (1.9) fails on them, and its
        imputers leave them out, too. With False the features depend on the leads only.
    n_leads : int or None, default=None
        Number of leads. Needed for rows and numeric frames.
    lead_names : sequence of str or None, default=None
        Names of the leads. Lead frames bring their own; twelve unnamed leads are in standard order.

    Attributes
    ----------
    n_features_in_, n_leads_in_, n_times_in_ : int
        Columns (leads of 3-D arrays and lead frames), leads and time points seen in `fit`.
    lead_names_in_ : tuple of str or None
    feature_names_in_ : ndarray of str
        Only if X had named columns.

    See Also
    --------
    MedianBeat : The beat itself, for networks.
    sklearn_ecg.beats.detect_r_peaks : The R-peaks and their reliability.

    Notes
    -----
    X must be in mV. Amplitudes are in mV, durations and intervals in ms, areas in mV ms, angles in
    degrees. The zero of a lead is its mean over 16 ms at the end of the PR segment [1]_. A
    deflection counts as a wave if it is beyond 0.02 mV for 6 ms [1]_, and beyond twice the noise
    of the median beat. **NaN stands for a wave that is absent**, and for what follows from it: no
    Q wave gives NaN for its amplitude and its duration. Estimators that know NaN, such as
    `HistGradientBoostingClassifier`, can use that; for others, put a `SimpleImputer` with
    ``add_indicator=True`` in between.

    Features of each lead, as in ``V2__st_level``:

    ================ ======= ====================================================================
    name             unit    definition
    ================ ======= ====================================================================
    p_amplitude      mV      largest deviation, with its sign, within the P wave
    p_area           mV ms   signed area of the P wave
    q_amplitude      mV      lowest value before the first positive wave; of a QS complex, in the
                             whole QRS
    q_duration       ms      from where it leaves zero, not before the lead's QRS onset, to the
                             return to zero
    r_amplitude      mV      highest value of the first positive wave
    r_peak_time      ms      from the QRS onset of all leads to that value
    s_amplitude      mV      lowest value after the first positive wave
    r2_amplitude     mV      highest value of a positive wave after S (R')
    rs_ratio         1       r_amplitude / abs(s_amplitude); 0 for QS, NaN without S
    qrs_duration     ms      the lead's own, by its velocity
    qrs_amplitude    mV      from the lowest to the highest value
    qrs_area         mV ms   signed area
    j_level          mV      mean over the first 8 ms from the end of the QRS of all leads on
    st_level         mV      mean from 56 to 64 ms after it
    st_slope         mV/s    line of least squares from 20 to 80 ms after it
    t_amplitude      mV      largest deviation, with its sign, from 60 ms after the QRS to the
                             end of the T wave
    t_polarity       1       (highest + lowest) / (highest - lowest), of the values above and
                             below zero: 1 upright, -1 inverted, about 0 biphasic; 0 for flat
    t_area           mV ms   signed area there
    signal_quality   dB      power of the median beat over that of the beats' differences from it
    ================ ======= ====================================================================

    Features of the record, as in ``global__qrs_axis``:

    ================ ======= ====================================================================
    name             unit    definition
    ================ ======= ====================================================================
    heart_rate       1/min   from the median RR interval
    sdnn             ms      standard deviation of the intervals between normal beats [2]_
    rmssd            ms      root mean square of their successive differences [2]_
    ectopic_share    1       share of beats marked by `RPeaks.ectopic`
    n_beats          1       beats in the median
    reliability      1       `RPeaks.reliability`
    p_duration       ms      between tangents to the flanks of the root mean square over leads
    pr_interval      ms      from the P wave's onset to the QRS onset
    qrs_duration     ms      where the velocity over all leads is above 5 % of its highest, and
                             three times that of the beat's quieter quarter
    qt_interval      ms      from the QRS onset to the end of T, the median over leads of where
                             the tangent to the falling flank meets the level after it [3]_
    qtc_fridericia   ms      qt_interval / (RR in s) ** (1/3) [4]_
    qtc_bazett       ms      qt_interval / (RR in s) ** (1/2) [5]_
    t_peak_end       ms      from the T wave's peak, median over leads, to its end
    p_axis           degrees direction of the P area in the frontal plane, in (-180, 180]
    qrs_axis         degrees of the QRS area
    t_axis           degrees of the T area
    qrs_t_angle      degrees between the QRS and T axes, in [0, 180]
    r_transition     1       chest lead, 1 to 6, from which on R is at least as high as S is
                             deep, interpolated; 1 if that holds in V1, 7 if in no lead
    sokolow_lyon     mV      depth of S in V1 + the higher R of V5 and V6 [6]_
    cornell          mV      R in aVL + depth of S in V3 [7]_
    ================ ======= ====================================================================

    The last seven are there if their leads are (axes: I and aVF, or I and II). Leads I and II,
    where present, stand for all limb leads when the leads are read together.

    A limit without a source is a default of this library. Those of the waves' bounds were set with
    the annotations of LUDB; how far they agree is in the user guide.

    References
    ----------
    .. [1] The CSE Working Party, "Recommendations for measurement standards in quantitative
       electrocardiography", European Heart Journal 6(10), 1985.
    .. [2] Task Force of the ESC and NASPE, "Heart rate variability: standards of measurement,
       physiological interpretation and clinical use", Circulation 93(5), 1996. Of ten seconds
       the figures are rough.
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
    >>> table["V3__st_level"].round(1).tolist()
    [0.2..., 0.2..., 0.3..., 0.1...]

    Their usual companion:

    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> clf = make_pipeline(BeatFeatures(sampling_rate=100), HistGradientBoostingClassifier())
    """

    _parameter_constraints = {
        "sampling_rate": [Interval(Real, 0, None, closed="neither"), None],
        "min_reliability": [Interval(Real, 0, 1, closed="both")],
        "drop_empty": ["boolean"],
        "n_leads": [Interval(Integral, 1, None, closed="left"), None],
        "lead_names": ["array-like", None],
    }

    def __init__(
        self,
        sampling_rate=None,
        *,
        min_reliability=0.3,
        drop_empty=True,
        n_leads=None,
        lead_names=None,
    ):
        self.sampling_rate = sampling_rate
        self.min_reliability = min_reliability
        self.drop_empty = drop_empty
        self.n_leads = n_leads
        self.lead_names = lead_names

    def fit(self, X, y=None):
        """Check the signals, and find the features that they have.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals of shape (n_records, n_leads, n_times) in mV, a lead frame, an object array of
            signals or, with ``n_leads``, rows of shape (n_records, n_leads * n_times).
        y : None
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If `sampling_rate` is missing or out of range, or X cannot be read without guessing or
            holds NaN or infinity.
        """
        self._fit(X, measure=self.drop_empty)
        return self

    def fit_transform(self, X, y=None):
        """Fit, and measure the same records.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            As for `fit`.
        y : None
            Ignored.

        Returns
        -------
        features : ndarray of shape (n_records, n_features_out), float32
            As of `transform`.
        """
        return self._fit(X, measure=True)[:, self._kept]

    def transform(self, X):
        """Measure records.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals with the leads and the length of those given to `fit`.

        Returns
        -------
        features : ndarray of shape (n_records, n_features_out), float32
            NaN where a wave is absent; see the notes of the class.
        """
        check_is_fitted(self, "_kept")
        signals, _ = check_signals(self, X, reset=False)
        return self._measure(signals)[:, self._kept]

    def get_feature_names_out(self, input_features=None):
        """Names of the features, ``lead__measure`` and ``global__measure``.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Held against the names seen in `fit`, as everywhere in scikit-learn.

        Returns
        -------
        names : ndarray of str objects
        """
        check_is_fitted(self, "_kept")
        _check_feature_names_in(self, input_features)
        return np.asarray(self._feature_names, dtype=object)[self._kept]

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_kept")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _fit(self, X, measure):
        """Fit, and give all features of the records if they are measured."""
        self._validate_params()
        vars(self).pop("_kept", None)  # a failed fit leaves an unfitted estimator
        check_sampling_rate(self.sampling_rate)
        signals, _ = check_signals(self, X, reset=True)
        self._feature_names = _name_features(self.lead_names_in_, self.n_leads_in_)
        features = self._measure(signals) if measure else None
        if self.drop_empty:
            self._kept = np.flatnonzero(np.isfinite(features).any(axis=0))
        else:
            self._kept = np.arange(len(self._feature_names))
        return features

    def _measure(self, signals):
        """All features of records."""
        features = np.full((len(signals), len(self._feature_names)), np.nan, dtype=np.float32)
        for part in record_chunks(len(signals), 1, BEAT_FEATURES):
            self._measure_part(signals[part], features[part])
        return features

    def _measure_part(self, signals, features):
        """Measure some records into the rows of ``features``."""
        rate = float(self.sampling_rate)
        start, stop = (round(edge * rate) for edge in _WINDOW)
        average = average_beats(signals, self.lead_names_in_, rate, start, stop)
        rhythm = average.rhythm
        column = {name: i for i, name in enumerate(self._feature_names)}
        features[:, column["global__n_beats"]] = average.n_used
        features[:, column["global__reliability"]] = rhythm.reliability
        good = np.flatnonzero((rhythm.reliability >= self.min_reliability) & (average.n_used > 0))
        if len(good) == 0:
            return
        heart_rate = rhythm.heart_rate()[good]
        leads, whole = _measure_beats(
            average.beats[good],
            average.noise[good],
            average.n_used[good],
            rate,
            -start,
            heart_rate,
            self.lead_names_in_,
        )
        whole.update(_measure_rhythm(rhythm, good), heart_rate=heart_rate)
        names = name_leads(self.lead_names_in_, self.n_leads_in_)
        for measure, values in leads.items():
            columns = [column[f"{name}__{measure}"] for name in names]
            features[np.ix_(good, columns)] = values
        for measure, values in whole.items():
            features[good, column[f"global__{measure}"]] = values


def _name_features(lead_names, n_leads):
    """Names of the features, those of the leads first."""
    names = [f"{lead}__{m}" for lead in name_leads(lead_names, n_leads) for m in _PER_LEAD]
    whole = [*_RHYTHM, *_INTERVALS]
    present = set(lead_names or ())
    if {"I", "II"} <= present:
        present.add("aVF")
    whole += [name for name, needed in _OF_LEADS.items() if present.issuperset(needed)]
    return names + [f"global__{name}" for name in whole]


def _measure_beats(beats, noise, n_used, rate, peak, heart_rate, names):
    """Measurements of average beats: two dicts, per lead and of the whole record."""
    factor = max(1, round(_WORKING_RATE / rate))
    if factor > 1:
        beats = resample_poly(beats, factor, 1, axis=2, padtype="line")
        rate, peak = rate * factor, peak * factor
    independent = independent_leads(names, beats.shape[1])
    qrs = qrs_bounds(beats, rate, peak, independent)
    beats = beats - baseline(beats, rate, qrs[0])[:, :, None]
    average_noise = noise / np.sqrt(n_used)[:, None]
    rr = 60_000 / heart_rate
    of_all = np.sqrt(np.mean(np.square(average_noise[:, independent]), axis=1))
    found = bounds(beats, rate, peak, independent, rr, np.nan_to_num(of_all), *qrs)
    leads = {
        **measure_p(beats, rate, found),
        **measure_qrs(beats, rate, found, average_noise),
        **measure_st(beats, rate, found.qrs_offset),
        **measure_t(beats, rate, found),
        "signal_quality": _signal_quality(beats, noise),
    }
    return leads, {**_intervals(found, rate, rr), **_of_leads(leads, names)}


def _signal_quality(beats, noise):
    power = np.einsum("rlt,rlt->rl", beats, beats) / beats.shape[2]
    with np.errstate(divide="ignore", invalid="ignore"):
        quality = 10 * np.log10(power / np.square(noise))
    return np.where(np.isfinite(quality), quality, np.nan)


def _intervals(found, rate, rr):
    ms = rate / 1000
    qt = (found.t_offset - found.qrs_onset) / ms
    return {
        "p_duration": (found.p_offset - found.p_onset) / ms,
        "pr_interval": (found.qrs_onset - found.p_onset) / ms,
        "qrs_duration": (found.qrs_offset - found.qrs_onset) / ms,
        "qt_interval": qt,
        "qtc_fridericia": qt / np.cbrt(rr / 1000),
        "qtc_bazett": qt / np.sqrt(rr / 1000),
        "t_peak_end": (found.t_offset - found.t_peak) / ms,
    }


def _of_leads(leads, names):
    """Axes, transition and voltages, as far as their leads are there."""
    place = {name: i for i, name in enumerate(names or ())}
    measures = {}
    if "I" in place and ("aVF" in place or "II" in place):
        for wave in ("p", "qrs", "t"):
            area = leads[f"{wave}_area"]
            x = area[:, place["I"]]
            y = area[:, place["aVF"]] if "aVF" in place else area[:, place["II"]] - x / 2
            # aVF is measured against an average of limbs, which shortens it by this factor.
            measures[f"{wave}_axis"] = np.degrees(np.arctan2(2 / np.sqrt(3) * y, x))
        apart = np.abs(measures["qrs_axis"] - measures["t_axis"])
        measures["qrs_t_angle"] = np.minimum(apart, 360 - apart)
    r, s = np.nan_to_num(leads["r_amplitude"]), -np.nan_to_num(leads["s_amplitude"])
    if place.keys() >= set(_CHEST):
        chest = [place[name] for name in _CHEST]
        # A QS complex is all S.
        depth = np.fmax(s, -np.nan_to_num(np.where(r > 0, 0, leads["q_amplitude"])))
        measures["r_transition"] = _transition((r - depth)[:, chest])
    if place.keys() >= set(_OF_LEADS["sokolow_lyon"]):
        highest = np.maximum(r[:, place["V5"]], r[:, place["V6"]])
        measures["sokolow_lyon"] = s[:, place["V1"]] + highest
    if place.keys() >= set(_OF_LEADS["cornell"]):
        measures["cornell"] = r[:, place["aVL"]] + s[:, place["V3"]]
    return measures


def _transition(excess):
    """Where R minus S along the chest leads, (n_records, 6), is no longer negative, from 1 on."""
    reached = excess >= 0
    index = reached.argmax(axis=1)
    before = np.maximum(index - 1, 0)
    rows = np.arange(len(excess))
    step = excess[rows, index] - excess[rows, before]
    part = np.divide(-excess[rows, before], step, out=np.ones_like(step), where=step > 0)
    place = np.where(index == 0, 1, index + part)
    return np.where(reached.any(axis=1), place, len(_CHEST) + 1)


def _measure_rhythm(rhythm, records):
    """Variability and ectopic beats of some records."""
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

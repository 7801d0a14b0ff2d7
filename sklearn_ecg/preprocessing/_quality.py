"""Signal quality: flat, saturated, missing and noisy leads."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from scipy.signal import butter
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from .._validation import missing_leads
from ..base import SignalTransformer, fill_lead_names
from ..beats._rhythm import check_sampling_rate, find_r_peaks
from ..utils._chunks import apply_in_chunks
from ._filters import sosfiltfilt
from ._limb_leads import check_limb_leads

_POSITIVE = Interval(Real, 0, None, closed="neither")
_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
_SHARE = Interval(Real, 0, 1, closed="both")

_MEASURES = (
    "missing",
    "flat",
    "saturated",
    "range",
    "jump",
    "baseline",
    "noise",
    "kurtosis",
    "qrs_power",
)
_FLAT_TIME, _CLIPPED_TIME, _JUMP_TIME = 0.5, 0.05, 0.01  # seconds
_WANDER_FREQUENCY, _NOISE_FREQUENCY = 0.5, 25.0  # Hz: wander is below, noise above
_QRS_BAND, _ECG_BAND = (5, 15), (5, 40)  # Hz [1]
# Smaller changes and deviations, in mV, are rounding errors.
_ROUNDING = 1e-6


class SignalQuality(SignalTransformer):
    """Measure the signal quality of each lead of each record.

    `transform` returns features, from which a classifier can learn which records are acceptable;
    `mask` finds usable leads with fixed limits, without training; `report` also checks whether the
    limb leads are consistent with each other.

    ============= ======== =====================================================================
    measure       unit     definition for one lead
    ============= ======== =====================================================================
    ``missing``   fraction time points that are NaN
    ``flat``      fraction time points in runs of 0.5 s or more without any change
    ``saturated`` fraction time points beyond ``saturation``, or in runs of 0.05 s or more at the
                           highest or lowest value of the lead
    ``range``     mV       difference between the 1st and the 99th percentile
    ``jump``      mV       largest change within 10 ms
    ``baseline``  mV       standard deviation of the frequencies below 0.5 Hz
    ``noise``     mV       median absolute value of the frequencies above 25 Hz, scaled to a
                           standard deviation; QRS complexes are too short to affect a median
    ``kurtosis``           kurtosis without baseline: high for an ECG, 3 for noise [1]_
    ``qrs_power`` fraction power between 5 and 15 Hz, of that between 5 and 40 Hz [1]_
    ============= ======== =====================================================================

    A single unusable lead may make a record unreadable. Therefore, the highest and the lowest value
    of each measure over the leads are also features, such as ``record__highest_noise`` and
    ``record__lowest_range``. The last feature is ``record__reliability``, the reliability of the
    R-peaks (`sklearn_ecg.beats.RPeaks`).

    Parameters
    ----------
    sampling_rate : float
        Time points per second (Hz), from 100 to 1000. Required.
    saturation : float, default=5.0
        Amplitude in mV, > 0. Absolute values of at least this are saturated.
    max_missing : float, default=0.0
        Maximum fraction of missing time points of a lead that `mask` accepts, in [0, 1].
    max_flat : float, default=0.2
        Maximum fraction of flat time points, in [0, 1].
    max_saturated : float, default=0.05
        Maximum fraction of saturated time points, in [0, 1].
    max_baseline : float, default=0.5
        Maximum baseline wander in mV, >= 0.
    max_noise : float, default=0.05
        Maximum noise in mV, >= 0. The default is half a millimeter on paper.
    limb_tolerance : float, default=0.01
        Violation of the identities of the limb leads [2]_ [3]_ in mV, >= 0, that `report`
        tolerates: root mean square over the limb leads. Twice the usual resolution of 5 µV. Two
        percent of the root mean square of the limb leads are tolerated in any case.
    n_jobs : int or None, default=None
        Number of processes that measure records in `transform` and `mask`. It does not affect the
        result. None is 1.
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
        In `fit`, if `sampling_rate` is missing or out of range, or X contains infinity. Also if a
        frame notes another unit than mV.

    See Also
    --------
    sklearn_ecg.detect_r_peaks : Detect R-peaks, with their reliability.
    ElectrodeSwapDetector : Detect swapped electrodes, after which the limb leads are consistent.

    Notes
    -----
    X should contain unfiltered signals in mV, since filters remove noise and wander. If amplitudes
    are implausible in most records, a warning is raised. NaN is
    allowed; for the other measures, gaps are filled by linear interpolation. For a lead that is NaN
    at all time points of a record, ``missing`` is 1 and the other measures are NaN; the features of
    the record are those of its other leads, and NaN if it has none. All other features are finite.
    Nothing is learned in `fit`. Frequencies are separated by a Fourier transform of the
    whole record, except for ``noise``, which uses the zero-phase filter of `BandpassFilter`. Limits
    without a reference are defaults of this library.

    References
    ----------
    .. [1] G. D. Clifford et al., "Signal quality indices and data fusion for determining clinical
       acceptability of electrocardiograms", Physiological Measurement 33(9), 2012.
    .. [2] W. Einthoven, G. Fahr, A. de Waart, "Über die Richtung und die manifeste Grösse der
       Potentialschwankungen im menschlichen Herzen", Pflügers Arch. 150, 1913.
    .. [3] E. Goldberger, "A simple, indifferent, electrocardiographic electrode of zero potential
       and a technique of obtaining augmented, unipolar, extremity leads", American Heart Journal
       23(4), 1942.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.preprocessing import SignalQuality
    >>> X = make_ecg(3, random_state=0).data
    >>> X[1, 6] = 0
    >>> X[2, 0, :100] = np.nan
    >>> quality = SignalQuality(sampling_rate=100).fit(X)
    >>> features = quality.transform(X)
    >>> features.shape
    (3, 127)
    >>> names = list(quality.get_feature_names_out())
    >>> features[:, names.index("V1__flat")]
    array([0., 1., 0.], dtype=float32)
    >>> usable = quality.mask(X)
    >>> [(record, quality.lead_names_in_[lead]) for record, lead in np.argwhere(~usable).tolist()]
    [(1, 'V1'), (2, 'I')]

    Lead II of the first record is inverted:

    >>> X[0, 1] *= -1
    >>> quality.report(X)[["unusable_leads", "limb_leads"]]
      unusable_leads   limb_leads
    0                 II inverted
    1             V1   consistent
    2              I   consistent
    """

    _parameter_constraints = {
        "sampling_rate": [_POSITIVE, None],
        "saturation": [_POSITIVE],
        "max_missing": [_SHARE],
        "max_flat": [_SHARE],
        "max_saturated": [_SHARE],
        "max_baseline": [_NOT_NEGATIVE],
        "max_noise": [_NOT_NEGATIVE],
        "limb_tolerance": [_NOT_NEGATIVE],
        "n_jobs": [Integral, None],
        **SignalTransformer._parameter_constraints,
    }
    _allow_nan = True
    _checks_lead_order = False  # `report` does
    _fits_lazy_records = True
    # Only warnings: implausible records are what this transformer is for.
    _needs_millivolts = True

    def __init__(
        self,
        *,
        sampling_rate=None,
        saturation=5.0,
        max_missing=0.0,
        max_flat=0.2,
        max_saturated=0.05,
        max_baseline=0.5,
        max_noise=0.05,
        limb_tolerance=0.01,
        n_jobs=None,
        n_leads=None,
        lead_names=None,
    ):
        self.sampling_rate = sampling_rate
        self.saturation = saturation
        self.max_missing = max_missing
        self.max_flat = max_flat
        self.max_saturated = max_saturated
        self.max_baseline = max_baseline
        self.max_noise = max_noise
        self.limb_tolerance = limb_tolerance
        self.n_jobs = n_jobs
        self.n_leads = n_leads
        self.lead_names = lead_names

    def _fit(self, signals):
        self._rate = check_sampling_rate(self._require_sampling_rate())

    def transform(self, X):
        """Measure the signal quality.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals with the leads and the length of those passed to `fit`.

        Returns
        -------
        features : ndarray of shape (n_records, 9 * n_leads + 19)
            The measures of each lead, their highest and their lowest values over the leads, and the
            reliability of the R-peaks. NaN for missing leads; see the notes of the class. The dtype
            is float64 if that of X is, otherwise float32.
        """
        check_is_fitted(self)
        return self._compute_in_processes(X, self._compute_features)

    def _compute_features(self, signals):
        measures = self._measure(signals)
        of_leads = measures.reshape(len(measures), -1)
        # Missing leads are left out, except for the share of missing time points.
        extremes = [np.fmax.reduce(measures, axis=1), np.fmin.reduce(measures, axis=1)]
        features = np.column_stack([of_leads, *extremes, self._reliability(signals)])
        return features.astype(signals.dtype, copy=False)

    def mask(self, X):
        """Find the usable leads of each record.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals with the leads and the length of those passed to `fit`.

        Returns
        -------
        usable : ndarray of shape (n_records, n_leads), bool
            False for leads that exceed one of the limits ``max_missing``, ``max_flat``,
            ``max_saturated``, ``max_baseline`` and ``max_noise``. ``mask(X).all(axis=1)`` selects
            the records without unusable leads.
        """
        check_is_fitted(self)
        return self._compute_in_processes(X, self._find_usable)

    def _find_usable(self, signals):
        measures = self._measure(signals)
        usable = np.ones(measures.shape[:2], dtype=bool)
        for name in ("missing", "flat", "saturated", "baseline", "noise"):
            # NaN, for a missing lead, exceeds no limit.
            usable &= ~(measures[:, :, _MEASURES.index(name)] > getattr(self, f"max_{name}"))
        return usable

    def report(self, X):
        """Report the unusable leads of each record, and whether its limb leads are consistent.

        Any two of the leads I, II, III, aVR, aVL and aVF determine the others, by the identities of
        Einthoven and Goldberger. An inverted, scaled or flat lead, or two exchanged leads, violate
        these if at least three of the leads are present. Each of these faults is undone, and those
        after which the identities hold are reported.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals with the leads and the length of those passed to `fit`.

        Returns
        -------
        report : DataFrame of n_records rows
            With the index of X, and these columns:

            unusable_leads : str
                The leads that `mask` rejects, separated by blanks.
            limb_leads : str
                "consistent"; a fault such as "aVR inverted", "III scaled by 2" or "I and II
                exchanged"; several, separated by "or", if each of them explains the violation;
                "inconsistent", if none of them does; or "not checked" for less than three limb
                leads.
            limb_error : float
                Root mean square, over the limb leads and the time points, of the deviation from the
                closest signals that satisfy the identities, in mV. NaN if it is not checked.

        Notes
        -----
        Offsets are ignored, and time points at which a lead is missing; a lead that is missing
        throughout is left out. Flat leads satisfy the identities if all of them are flat. The fault
        of six leads is unique, unless it is hardly larger than the tolerance or leads are equal. Of
        three leads, one identity is known, which does not determine the fault: an inverted lead I
        has the same effect as exchanged leads II and III. With four or five leads, more than one
        fault may be reported as well. Scaled leads are "inverted" if their factor is within 2 % of
        -1, and "flat" if it is less than 0.02. Faults that are smaller than the tolerance are not
        found, nor are swapped electrodes: these satisfy the identities, see
        `ElectrodeSwapDetector`.
        """
        check_is_fitted(self)
        signals = self._validate_signals(X, reset=False)
        leads = np.array(fill_lead_names(self.lead_names_in_, self.n_leads_in_))
        unusable = [" ".join(leads[~usable]) for usable in self._find_usable(signals)]
        status, error = check_limb_leads(signals, self.lead_names_in_, self.limb_tolerance)
        report = pd.DataFrame(
            {"unusable_leads": unusable, "limb_leads": status, "limb_error": error}
        )
        return report.set_axis(X.index) if hasattr(X, "iloc") else report

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features, such as ``V1__flat`` and ``record__highest_flat``.

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
        leads = fill_lead_names(self.lead_names_in_, self.n_leads_in_)
        names = [f"{lead}__{measure}" for lead in leads for measure in _MEASURES]
        names += [f"record__{end}_{name}" for end in ("highest", "lowest") for name in _MEASURES]
        return np.asarray([*names, "record__reliability"], dtype=object)

    def _measure(self, signals):
        """Return the measures, of shape (n_records, n_leads, n_measures)."""

        def measure_part(part):
            measures = _measure_leads(part.astype(np.float64), self._rate, self.saturation)
            measures[missing_leads(part), 1:] = np.nan  # all but "missing", the first
            return measures

        return apply_in_chunks(measure_part, signals, dtype=np.float64)

    def _reliability(self, signals):
        known = signals
        if np.isnan(signals).any():
            known = apply_in_chunks(lambda part: _fill_gaps(part, np.isnan(part)), signals)
            known[missing_leads(signals)] = np.nan
        return find_r_peaks(known, self.lead_names_in_, self._rate).reliability


def _measure_leads(signals, rate, saturation):
    """Measure each lead of each record, in the order of `_MEASURES`.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times), float64
        In mV; NaN is missing.
    rate : float
        Sampling rate in Hz.
    saturation : float
        In mV.

    Returns
    -------
    measures : ndarray of shape (n_records, n_leads, n_measures)
    """
    unknown = np.isnan(signals)
    signals = _fill_gaps(signals, unknown)
    # For accuracy, since the offset of an electrode may be much larger than the signal.
    level = np.median(signals, axis=-1, keepdims=True)
    centered = signals - level
    n_times = signals.shape[-1]

    change = np.abs(np.diff(signals, axis=-1))
    known = ~(unknown[..., 1:] | unknown[..., :-1])
    flat = _share_in_runs((change <= _ROUNDING) & known, round(_FLAT_TIME * rate), steps=True)

    beyond = (np.abs(signals) >= saturation) & ~unknown
    # Without the time points that are counted already.
    within = ~(unknown | beyond)
    highest = (signals == signals.max(axis=-1, keepdims=True)) & within
    lowest = (signals == signals.min(axis=-1, keepdims=True)) & within
    length = max(2, round(_CLIPPED_TIME * rate))
    # A lead that never changes is flat; it is saturated only if its level is out of range.
    changes = np.ptp(signals, axis=-1) > _ROUNDING
    clipped = changes * (_share_in_runs(highest, length) + _share_in_runs(lowest, length))
    saturated = clipped + beyond.mean(axis=-1)

    low, high = np.quantile(centered, [0.01, 0.99], axis=-1)
    jump = _largest_change(centered, max(1.0, _JUMP_TIME * rate))

    frequency = np.fft.rfftfreq(n_times, 1 / rate)
    spectrum = np.fft.rfft(centered - centered.mean(axis=-1, keepdims=True), axis=-1)
    power = np.square(np.abs(spectrum))
    # Each frequency stands for two, except for zero and, if the length is even, the highest.
    baseline = np.sqrt(2 * power[..., frequency < _WANDER_FREQUENCY].sum(axis=-1)) / n_times
    in_qrs, in_ecg = (
        power[..., (frequency >= start) & (frequency <= stop)].sum(axis=-1)
        for start, stop in (_QRS_BAND, _ECG_BAND)
    )
    qrs_power = np.divide(in_qrs, in_ecg, out=np.zeros_like(in_qrs), where=in_ecg > 0)

    # A smooth filter: with a sharp cutoff, QRS complexes would ring, which increases the median.
    sos = butter(2, _NOISE_FREQUENCY, "highpass", fs=rate, output="sos")
    noise = 1.4826 * np.median(np.abs(sosfiltfilt(sos, centered)), axis=-1)
    steady = np.fft.irfft(spectrum * (frequency >= _WANDER_FREQUENCY), n=n_times, axis=-1)
    variance = np.square(steady).mean(axis=-1)
    fourth = np.square(np.square(steady)).mean(axis=-1)
    beats = variance > _ROUNDING**2
    kurtosis = np.divide(fourth, variance**2, out=np.zeros_like(fourth), where=beats)
    missing = unknown.mean(axis=-1)
    measures = [missing, flat, saturated, high - low, jump, baseline, noise, kurtosis]
    return np.stack([*measures, qrs_power * beats], axis=-1)


def _largest_change(signals, lag):
    """Return the largest change within a lag in time points, which is interpolated linearly."""
    whole = int(lag + 1e-6)
    part = lag - whole
    if signals.shape[-1] <= whole:
        return np.zeros(signals.shape[:-1])
    later = signals[..., whole:]
    if part > 1e-6:
        # Rounded to 8 ms at 250 Hz, the lag would give smaller changes than at other rates.
        following = np.concatenate([later[..., 1:], later[..., -1:]], axis=-1)
        later = (1 - part) * later + part * following
    return np.abs(later - signals[..., :-whole]).max(axis=-1)


def _fill_gaps(signals, unknown):
    """Fill gaps by linear interpolation, and leads without any value with zeros."""
    if not unknown.any():
        return signals
    signals = signals.copy()
    time = np.arange(signals.shape[-1])
    for place in np.argwhere(unknown.any(axis=-1)):
        signal, gap = signals[tuple(place)], unknown[tuple(place)]
        signal[gap] = 0 if gap.all() else np.interp(time[gap], time[~gap], signal[~gap])
    return signals


def _share_in_runs(flags, length, steps=False):
    """Return the fraction of time points in runs of flags of a minimum length.

    Parameters
    ----------
    flags : ndarray of shape (n_records, n_leads, n_times), bool
    length : int
        Minimum length in time points.
    steps : bool, default=False
        Whether flags belong to pairs of adjacent time points.
    """
    *shape, n_flags = flags.shape
    # A False on either side separates the runs of different leads.
    padded = np.zeros((*shape, n_flags + 2), dtype=np.int8)
    padded[..., 1:-1] = flags
    edges = np.diff(padded, axis=-1).reshape(-1, n_flags + 1)
    signal, start = np.nonzero(edges == 1)
    stop = np.nonzero(edges == -1)[1]
    points = stop - start + steps
    long_enough = points >= length
    counts = np.bincount(
        signal[long_enough], weights=points[long_enough], minlength=int(np.prod(shape))
    )
    return counts.reshape(shape) / (n_flags + steps)

"""How good a signal is: flat, saturated, missing and noisy leads."""

from numbers import Real

import numpy as np
from scipy.signal import butter
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from .._validation import check_signals
from ..base import SignalTransformer, name_leads
from ..beats._rhythm import check_sampling_rate, detect_r_peaks
from ..utils._chunks import apply_in_chunks
from ._filters import sosfiltfilt

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
_BASELINE, _NOISE = 0.5, 25.0  # Hz: below is wander, above is noise
_QRS, _ECG = (5, 15), (5, 40)  # Hz [1]
# Changes and deviations below, mV, are rounding.
_ROUNDING = 1e-6


class SignalQuality(TransformerMixin, BaseEstimator):
    """Measure the quality of each lead of each record.

    `transform` gives features, from which a classifier can learn what a reader would accept;
    `mask` judges leads by limits, without any training.

    ============= ===== ========================================================================
    measure       unit  of one lead
    ============= ===== ========================================================================
    ``missing``   share time points that are NaN
    ``flat``      share time points in stretches of 0.5 s or more without any change
    ``saturated`` share time points beyond ``saturation``, or in stretches of 0.05 s or more at the
                        lead's highest or lowest value
    ``range``     mV    from the 1st to the 99th percentile
    ``jump``      mV    largest change within 10 ms
    ``baseline``  mV    standard deviation of what is below 0.5 Hz
    ``noise``     mV    usual size of what is above 25 Hz: its median absolute value, scaled to a
                        standard deviation. QRS complexes last too short to matter in a median
    ``kurtosis``        of the signal without baseline: high for an ECG, 3 for noise [1]_
    ``qrs_power`` share power between 5 and 15 Hz in that between 5 and 40 Hz [1]_
    ============= ===== ========================================================================

    A record is as readable as its worst lead. So each measure's highest and lowest value over the
    leads are features as well, as in ``record__highest_noise`` and ``record__lowest_range``; the
    last is ``record__reliability``, how far the R-peaks can be relied on
    (`sklearn_ecg.beats.RPeaks`).

    Parameters
    ----------
    sampling_rate : float or None, default=None
        Time points per second, from 100 to 1000 Hz. It must be given.
    saturation : float, default=5.0
        Amplitude in the unit of X, mV, from which on a lead is out of range, > 0.
    max_missing : float, default=0.0
        Of a lead that `mask` lets pass, as all limits below; a share in [0, 1].
    max_flat : float, default=0.2
        A share in [0, 1].
    max_saturated : float, default=0.05
        A share in [0, 1].
    max_baseline : float, default=0.5
        In mV, >= 0.
    max_noise : float, default=0.05
        In mV, >= 0; the default is half a millimetre on paper.
    n_leads : int or None, default=None
        Number of leads. Needed for rows of shape (n_records, n_leads * n_times).
    lead_names : sequence of str or None, default=None
        Names of the leads, where X is not a lead frame.

    Attributes
    ----------
    n_features_in_, n_leads_in_, n_times_in_ : int
    lead_names_in_ : tuple of str or None

    Raises
    ------
    ValueError
        In `fit`, when ``sampling_rate`` is missing or out of range, or X holds infinity.

    Notes
    -----
    X should be as recorded, in mV: a filter would hide what is measured here. NaN is allowed; for
    the other measures gaps are bridged by straight lines. Every feature is finite. Nothing is
    learned from the records given to `fit`. Frequencies are told by a Fourier transform of the
    whole record, but for ``noise``, which takes the zero-phase filter of `BandpassFilter`. Limits
    without a source are defaults of this library.

    References
    ----------
    .. [1] G. D. Clifford et al., "Signal quality indices and data fusion for determining clinical
       acceptability of electrocardiograms", Physiological Measurement 33(9), 2012.

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
    """

    _parameter_constraints = {
        "sampling_rate": [_POSITIVE, None],
        "saturation": [_POSITIVE],
        "max_missing": [_SHARE],
        "max_flat": [_SHARE],
        "max_saturated": [_SHARE],
        "max_baseline": [_NOT_NEGATIVE],
        "max_noise": [_NOT_NEGATIVE],
        **SignalTransformer._parameter_constraints,
    }

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
        self.n_leads = n_leads
        self.lead_names = lead_names

    _check_sampling_rate = SignalTransformer._check_sampling_rate

    def fit(self, X, y=None):
        """Check the signals; nothing is learned from them but their leads and length.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of
            signals or, with ``n_leads``, rows.
        y : None
            Ignored.

        Returns
        -------
        self : object
        """
        self._validate_params()
        vars(self).pop("_rate", None)
        rate = check_sampling_rate(self._check_sampling_rate())
        self._check(X, reset=True)
        self._rate = rate
        return self

    def transform(self, X):
        """Measure the quality.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals with the leads and the length of those given to `fit`.

        Returns
        -------
        features : ndarray of shape (n_records, 9 * n_leads + 19)
            The measures of the first lead, of the second and so on, their highest and their
            lowest values, and the reliability of the R-peaks. All finite; float64 if X is, else
            float32.
        """
        signals = self._check_fitted(X)
        measures = self._measure(signals)
        of_leads = measures.reshape(len(measures), -1)
        extremes = [measures.max(axis=1), measures.min(axis=1)]
        features = np.column_stack([of_leads, *extremes, self._reliability(signals)])
        return features.astype(signals.dtype, copy=False)

    def mask(self, X):
        """Tell which leads can be used.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals with the leads and the length of those given to `fit`.

        Returns
        -------
        usable : ndarray of shape (n_records, n_leads), bool
            False for a lead that is beyond one of the limits ``max_missing``, ``max_flat``,
            ``max_saturated``, ``max_baseline`` and ``max_noise``. ``mask(X).all(axis=1)`` are
            the records whose leads can all be used.
        """
        measures = self._measure(self._check_fitted(X))
        usable = np.ones(measures.shape[:2], dtype=bool)
        for name in ("missing", "flat", "saturated", "baseline", "noise"):
            usable &= measures[:, :, _MEASURES.index(name)] <= getattr(self, f"max_{name}")
        return usable

    def get_feature_names_out(self, input_features=None):
        """Names of the features, such as ``V1__flat`` and ``record__highest_flat``.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Held against the names seen in `fit`, as everywhere in scikit-learn.

        Returns
        -------
        names : ndarray of str objects
        """
        check_is_fitted(self, "_rate")
        _check_feature_names_in(self, input_features)
        leads = name_leads(self.lead_names_in_, self.n_leads_in_)
        names = [f"{lead}__{measure}" for lead in leads for measure in _MEASURES]
        names += [f"record__{end}_{name}" for end in ("highest", "lowest") for name in _MEASURES]
        return np.asarray([*names, "record__reliability"], dtype=object)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_rate")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _check(self, X, reset):
        floats = [np.float32, np.float64]
        return check_signals(self, X, reset=reset, dtype=floats, allow_nan=True)[0]

    def _check_fitted(self, X):
        check_is_fitted(self, "_rate")
        return self._check(X, reset=False)

    def _measure(self, signals):
        """Measures of shape (n_records, n_leads, n_measures)."""

        def measure_part(part):
            return measure(part.astype(np.float64), self._rate, self.saturation)

        return apply_in_chunks(measure_part, signals, dtype=np.float64)

    def _reliability(self, signals):
        known = signals
        if np.isnan(signals).any():
            known = apply_in_chunks(lambda part: bridge_gaps(part, np.isnan(part)), signals)
        rhythm = detect_r_peaks(
            known, self._rate, n_leads=self.n_leads_in_, lead_names=self.lead_names_in_
        )
        return rhythm.reliability


def measure(signals, rate, saturation):
    """Measures of records of one rate, in the order of `_MEASURES`.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times), float64
        In mV; NaN is missing.
    rate : float
        In Hz.
    saturation : float
        In mV.

    Returns
    -------
    measures : ndarray of shape (n_records, n_leads, n_measures)
    """
    unknown = np.isnan(signals)
    signals = bridge_gaps(signals, unknown)
    # What is measured may be small beside an electrode's offset.
    level = np.median(signals, axis=-1, keepdims=True)
    centred = signals - level
    n_times = signals.shape[-1]

    change = np.abs(np.diff(signals, axis=-1))
    known = ~(unknown[..., 1:] | unknown[..., :-1])
    flat = _share_in_runs((change <= _ROUNDING) & known, round(_FLAT_TIME * rate), steps=True)

    extreme = (signals == signals.max(axis=-1, keepdims=True)) & ~unknown
    lowest = (signals == signals.min(axis=-1, keepdims=True)) & ~unknown
    length = max(2, round(_CLIPPED_TIME * rate))
    # A lead that never changes is flat, and out of range only if its level is.
    changes = np.ptp(signals, axis=-1) > _ROUNDING
    clipped = changes * (_share_in_runs(extreme, length) + _share_in_runs(lowest, length))
    beyond = (np.abs(signals) >= saturation) & ~unknown
    saturated = np.minimum(clipped + beyond.mean(axis=-1), 1)

    low, high = np.quantile(centred, [0.01, 0.99], axis=-1)
    lag = max(1, round(_JUMP_TIME * rate))
    jump = np.zeros(low.shape)
    if n_times > lag:
        jump = np.abs(centred[..., lag:] - centred[..., :-lag]).max(axis=-1)

    frequency = np.fft.rfftfreq(n_times, 1 / rate)
    spectrum = np.fft.rfft(centred - centred.mean(axis=-1, keepdims=True), axis=-1)
    power = np.square(np.abs(spectrum))
    # Every frequency but zero and the highest of an even length stands for two.
    baseline = np.sqrt(2 * power[..., frequency < _BASELINE].sum(axis=-1)) / n_times
    in_qrs = power[..., (frequency >= _QRS[0]) & (frequency <= _QRS[1])].sum(axis=-1)
    in_ecg = power[..., (frequency >= _ECG[0]) & (frequency <= _ECG[1])].sum(axis=-1)
    qrs_power = np.divide(in_qrs, in_ecg, out=np.zeros_like(in_qrs), where=in_ecg > 0)

    # A sharp edge in frequency would spread each QRS complex over its neighbourhood.
    fast = sosfiltfilt(butter(2, _NOISE, "highpass", fs=rate, output="sos"), centred)
    noise = 1.4826 * np.median(np.abs(fast), axis=-1)
    steady = np.fft.irfft(spectrum * (frequency >= _BASELINE), n=n_times, axis=-1)
    variance = np.square(steady).mean(axis=-1)
    fourth = np.square(np.square(steady)).mean(axis=-1)
    beats = variance > _ROUNDING**2
    kurtosis = np.divide(fourth, variance**2, out=np.zeros_like(fourth), where=beats)
    measures = [unknown.mean(axis=-1), flat, saturated, high - low, jump, baseline, noise]
    return np.stack([*measures, kurtosis, qrs_power * beats], axis=-1)


def bridge_gaps(signals, unknown):
    """Signals whose gaps are straight lines; a lead without any value is zero."""
    if not unknown.any():
        return signals
    signals = signals.copy()
    time = np.arange(signals.shape[-1])
    for place in np.argwhere(unknown.any(axis=-1)):
        signal, gap = signals[tuple(place)], unknown[tuple(place)]
        signal[gap] = 0 if gap.all() else np.interp(time[gap], time[~gap], signal[~gap])
    return signals


def _share_in_runs(flags, length, steps=False):
    """Share of the time points in runs of flags of at least some length.

    Parameters
    ----------
    flags : ndarray of shape (n_records, n_leads, n_times), bool
    length : int
        In time points.
    steps : bool, default=False
        Whether a flag is of two neighbouring time points, of which there is one more.
    """
    *shape, n_flags = flags.shape
    # A False on either side keeps the runs of two leads apart.
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

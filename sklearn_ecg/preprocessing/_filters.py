"""Zero-phase filters, which do not shift waves in time."""

from numbers import Integral, Real

import numpy as np
from scipy import signal
from sklearn.utils._param_validation import Interval

from ..base import SignalToSignalTransformer
from ..utils._chunks import apply_in_chunks

_POSITIVE = Interval(Real, 0, None, closed="neither")


class BandpassFilter(SignalToSignalTransformer):
    """Keep the frequencies between two limits, with a zero-phase Butterworth filter.

    Each lead of each record is filtered forwards and backwards (``scipy.signal.sosfiltfilt``), so
    that waves are not shifted and the attenuation is that of the filter applied twice: 6 dB at both
    limits. The default, 0.5-45 Hz, removes baseline wander, power line interference and most muscle
    noise, together with the highest frequencies of the QRS.

    Parameters
    ----------
    low : float or None, default=0.5
        Lower limit in Hz, > 0. None keeps all frequencies below `high`.
    high : float or None, default=45.0
        Upper limit in Hz, between `low` and half the sampling rate. None keeps all frequencies
        above `low`.
    order : int, default=2
        Order of the Butterworth filter, >= 1; it is applied twice. A higher order has a steeper
        roll-off and rings longer.
    sampling_rate : float
        Time points per second (Hz). Required.
    n_leads : int or None, default=None
        Number of leads. Required for rows and numeric frames.
    lead_names : sequence of str or None, default=None
        Names of the leads, unless X is a lead frame. Twelve unnamed leads are assumed to be in
        standard order.

    Attributes
    ----------
    sos_ : ndarray of shape (n_sections, 6)
        The filter as second-order sections.
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
        In `fit`, if `sampling_rate` is missing, both limits are None, or a limit is not below half
        of the sampling rate.

    See Also
    --------
    BaselineRemover : Remove baseline wander only.
    NotchFilter : Remove a single frequency.

    Notes
    -----
    Filters are computed in float64, since float32 is not precise enough for a limit of 0.5 Hz at
    500 Hz. The ends are extended by a point reflection, SciPy's default, over
    ``min(default, n_times - 1)`` time points, so that records of any length can be filtered. No
    filter is accurate at the ends of a record: if half a record of PTB-XL is filtered alone, it
    differs from the same half of the whole filtered record by 0.1 mV (root mean square) in its
    first half second, and by 0.01 mV in the following second. Therefore, filter first and crop
    afterwards.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.preprocessing import BandpassFilter
    >>> t = np.arange(1000) / 100
    >>> wander, wave = np.sin(2 * np.pi * 0.1 * t), np.sin(2 * np.pi * 10 * t)
    >>> X = (wander + wave).reshape(1, 1, -1)
    >>> filtered = BandpassFilter(sampling_rate=100).fit_transform(X)
    >>> bool(np.abs(filtered - wave)[..., 200:-200].max() < 0.01)
    True
    >>> BandpassFilter(high=60, sampling_rate=100).fit(X)
    Traceback (most recent call last):
        ...
    ValueError: high=60 Hz must be below 50 Hz, half of sampling_rate=100. ...
    """

    _parameter_constraints = {
        **SignalToSignalTransformer._parameter_constraints,
        "low": [_POSITIVE, None],
        "high": [_POSITIVE, None],
        "order": [Interval(Integral, 1, None, closed="left")],
        "sampling_rate": [_POSITIVE, None],
    }
    _allow_nan = "leads"
    _fits_lazy_records = True

    def __init__(
        self,
        low: float | None = 0.5,
        high: float | None = 45.0,
        *,
        order=2,
        sampling_rate=None,
        n_leads=None,
        lead_names=None,
    ):
        self.low = low
        self.high = high
        self.order = order
        self.sampling_rate = sampling_rate
        self.n_leads = n_leads
        self.lead_names = lead_names

    def _fit(self, signals):
        rate = self._require_sampling_rate()
        if self.low is None and self.high is None:
            raise ValueError(
                "low and high are both None: there is nothing to filter. Pass a limit."
            )
        for name in ("low", "high"):
            check_frequency(name, getattr(self, name), rate)
        if self.low is None:
            limits, kind = self.high, "lowpass"
        elif self.high is None:
            limits, kind = self.low, "highpass"
        else:
            if self.low >= self.high:
                raise ValueError(f"low={self.low} Hz must be below high={self.high} Hz.")
            limits, kind = (self.low, self.high), "bandpass"
        self.sos_ = signal.butter(int(self.order), limits, kind, fs=rate, output="sos")

    def _transform(self, signals):
        return apply_in_chunks(lambda part: sosfiltfilt(self.sos_, part), signals)


class NotchFilter(SignalToSignalTransformer):
    """Remove one frequency, such as power line interference, with a zero-phase notch filter.

    Each lead of each record is filtered forwards and backwards (``scipy.signal.iirnotch`` and
    ``scipy.signal.filtfilt``).

    Parameters
    ----------
    frequency : float, default=50.0
        Frequency to remove in Hz, > 0 and below half the sampling rate. The power line frequency is
        50 Hz in most of the world and 60 Hz in most of the Americas.
    quality : float, default=30.0
        `frequency` divided by the width of the notch at -3 dB, > 0. A narrower notch changes the
        ECG less, and takes longer to settle at the ends.
    sampling_rate : float
        Time points per second (Hz). Required.
    n_leads : int or None, default=None
        Number of leads. Required for rows and numeric frames.
    lead_names : sequence of str or None, default=None
        Names of the leads, unless X is a lead frame. Twelve unnamed leads are assumed to be in
        standard order.

    Attributes
    ----------
    b_, a_ : ndarray of shape (3,)
        Numerator and denominator of the filter.
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
        In `fit`, if `sampling_rate` is missing, or `frequency` is not below half of it. Records at
        100 Hz contain no 50 Hz interference that could be removed: leave the filter out.

    See Also
    --------
    BandpassFilter : Keep the frequencies between two limits.

    Notes
    -----
    Filters are computed in float64. The ends are extended as in `BandpassFilter`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.preprocessing import NotchFilter
    >>> t = np.arange(5000) / 500
    >>> wave, hum = np.sin(2 * np.pi * 10 * t), np.sin(2 * np.pi * 50 * t)
    >>> X = (wave + hum).reshape(1, 1, -1)
    >>> filtered = NotchFilter(50, sampling_rate=500).fit_transform(X)
    >>> bool(np.abs(filtered - wave)[..., 500:-500].max() < 0.01)
    True
    >>> NotchFilter(50, sampling_rate=100).fit(X)
    Traceback (most recent call last):
        ...
    ValueError: frequency=50 Hz must be below 50 Hz, half of sampling_rate=100. ...
    """

    _parameter_constraints = {
        **SignalToSignalTransformer._parameter_constraints,
        "frequency": [_POSITIVE],
        "quality": [_POSITIVE],
        "sampling_rate": [_POSITIVE, None],
    }
    _allow_nan = "leads"
    _fits_lazy_records = True

    def __init__(
        self,
        frequency=50.0,
        *,
        quality=30.0,
        sampling_rate=None,
        n_leads=None,
        lead_names=None,
    ):
        self.frequency = frequency
        self.quality = quality
        self.sampling_rate = sampling_rate
        self.n_leads = n_leads
        self.lead_names = lead_names

    def _fit(self, signals):
        rate = self._require_sampling_rate()
        check_frequency("frequency", self.frequency, rate)
        self.b_, self.a_ = signal.iirnotch(self.frequency, self.quality, fs=rate)

    def _transform(self, signals):
        # SciPy's default, unless the record is too short for it.
        padlen = min(3 * len(self.b_), signals.shape[-1] - 1)

        def filter_part(part):
            return signal.filtfilt(self.b_, self.a_, part.astype(np.float64), padlen=padlen)

        return apply_in_chunks(filter_part, signals)


def sosfiltfilt(sos, signals):
    """Apply scipy.signal.sosfiltfilt in float64, to records of any length."""
    # The padding of SciPy, which raises an error for shorter records.
    n_taps = 2 * len(sos) + 1
    n_taps -= min((sos[:, 2] == 0).sum(), (sos[:, 5] == 0).sum())
    padlen = min(3 * n_taps, signals.shape[-1] - 1)
    # SciPy requires writable sections, and joblib may have mapped them read-only.
    return signal.sosfiltfilt(sos.copy(), signals.astype(np.float64), padlen=padlen)


def check_frequency(name, frequency, rate):
    """Raise if a frequency, unless None, is not below half of the sampling rate."""
    if frequency is not None and frequency >= rate / 2:
        raise ValueError(
            f"{name}={frequency:g} Hz must be below {rate / 2:g} Hz, half of sampling_rate="
            f"{rate:g}. These records contain no such frequency: pass a lower one, or leave the "
            "filter out."
        )

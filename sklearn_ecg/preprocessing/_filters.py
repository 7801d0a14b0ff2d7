"""Filters in time: all of them zero-phase, so that no wave moves."""

from numbers import Integral, Real

import numpy as np
from scipy import signal
from sklearn.utils._param_validation import Interval

from ..base import SignalTransformer
from ..utils._chunks import apply_in_chunks

_POSITIVE = Interval(Real, 0, None, closed="neither")


class BandpassFilter(SignalTransformer):
    """Keep the frequencies between two limits, with a zero-phase Butterworth filter.

    Each lead of each record is filtered forwards and backwards (``scipy.signal.sosfiltfilt``), so
    that waves stay where they are and the attenuation is that of the filter applied twice: 6 dB
    at the two limits. The default, 0.5-45 Hz, takes away the wander of the baseline, mains hum
    and most of the noise of muscles, and the highest frequencies of the QRS with it.

    Parameters
    ----------
    low : float or None, default=0.5
        Lower limit in Hz, > 0. None keeps everything below ``high``.
    high : float or None, default=45.0
        Upper limit in Hz, between ``low`` and half the sampling rate. None keeps everything above
        ``low``.
    order : int, default=2
        Order of the Butterworth filter, >= 1; it is applied twice. A higher order cuts more
        steeply and rings longer.
    sampling_rate : float or None, default=None
        Time points per second (Hz). It must be given.
    n_leads : int or None, default=None
        Number of leads. Needed for rows of shape (n_records, n_leads * n_times).
    lead_names : sequence of str or None, default=None
        Names of the leads, where X is not a lead frame.

    Attributes
    ----------
    sos_ : ndarray of shape (n_sections, 6)
        The filter as second-order sections.
    n_features_in_, n_leads_in_, n_times_in_ : int
    lead_names_in_ : tuple of str or None

    Raises
    ------
    ValueError
        In `fit`, when ``sampling_rate`` is missing, or a limit is not below half of it.

    Notes
    -----
    Calculation is in float64: in float32 a limit of 0.5 Hz at 500 Hz is lost in rounding. The ends
    are extended by a point reflection, as is SciPy's default, over ``min(default, n_times - 1)``
    time points, so that any record of one time point or more can be filtered. What lies beyond the
    ends is unknown to any filter: half a record of PTB-XL filtered alone differs from the same
    half of the whole filtered record by 0.1 mV (root mean square) in its first half second and
    by 0.01 mV in the second after it. Filter first, then crop.

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
        **SignalTransformer._parameter_constraints,
        "low": [_POSITIVE, None],
        "high": [_POSITIVE, None],
        "order": [Interval(Integral, 1, None, closed="left")],
        "sampling_rate": [_POSITIVE, None],
    }

    def __init__(
        self,
        low=0.5,
        high=45.0,
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
        rate = self._check_sampling_rate()
        if self.low is None and self.high is None:
            raise ValueError("low and high are both None: there is nothing to filter. Pass one.")
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
        self.sos_ = signal.butter(self.order, limits, kind, fs=rate, output="sos")

    def _transform(self, signals):
        return apply_in_chunks(lambda part: sosfiltfilt(self.sos_, part), signals)


class NotchFilter(SignalTransformer):
    """Take away one frequency, such as mains hum, with a zero-phase notch filter.

    Each lead of each record is filtered forwards and backwards (``scipy.signal.iirnotch`` and
    ``scipy.signal.filtfilt``).

    Parameters
    ----------
    frequency : float, default=50.0
        In Hz, > 0 and below half the sampling rate: 50 in most of the world, 60 in the Americas.
    quality : float, default=30.0
        ``frequency`` divided by the width of the notch at -3 dB, > 0. A narrower notch changes
        the ECG less and takes longer to settle at the ends.
    sampling_rate : float or None, default=None
        Time points per second (Hz). It must be given.
    n_leads : int or None, default=None
        Number of leads. Needed for rows of shape (n_records, n_leads * n_times).
    lead_names : sequence of str or None, default=None
        Names of the leads, where X is not a lead frame.

    Attributes
    ----------
    b_, a_ : ndarray of shape (3,)
        The filter's numerator and denominator.
    n_features_in_, n_leads_in_, n_times_in_ : int
    lead_names_in_ : tuple of str or None

    Raises
    ------
    ValueError
        In `fit`, when ``sampling_rate`` is missing, or ``frequency`` is not below half of it: of
        50 Hz at 100 Hz nothing can be told or removed, and the step is best left out.

    Notes
    -----
    Calculation is in float64. The ends are extended as by `BandpassFilter`.

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
        **SignalTransformer._parameter_constraints,
        "frequency": [_POSITIVE],
        "quality": [_POSITIVE],
        "sampling_rate": [_POSITIVE, None],
    }

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
        rate = self._check_sampling_rate()
        check_frequency("frequency", self.frequency, rate)
        self.b_, self.a_ = signal.iirnotch(self.frequency, self.quality, fs=rate)

    def _transform(self, signals):
        # SciPy's default, as far as the record is long enough for it.
        padlen = min(3 * len(self.b_), signals.shape[-1] - 1)

        def filter_part(part):
            return signal.filtfilt(self.b_, self.a_, part.astype(np.float64), padlen=padlen)

        return apply_in_chunks(filter_part, signals)


def sosfiltfilt(sos, signals):
    """scipy.signal.sosfiltfilt in float64, for records of any length."""
    # As in SciPy, which refuses records that are not longer than this.
    n_taps = 2 * len(sos) + 1
    n_taps -= min((sos[:, 2] == 0).sum(), (sos[:, 5] == 0).sum())
    padlen = min(3 * n_taps, signals.shape[-1] - 1)
    # SciPy wants to write to the sections, which joblib may have mapped read-only.
    return signal.sosfiltfilt(sos.copy(), signals.astype(np.float64), padlen=padlen)


def check_frequency(name, frequency, rate):
    """Refuse a frequency that cannot be in the records; None is none."""
    if frequency is not None and frequency >= rate / 2:
        raise ValueError(
            f"{name}={frequency:g} Hz must be below {rate / 2:g} Hz, half of sampling_rate="
            f"{rate:g}. These records hold no such frequency: pass a lower one, or leave the "
            "filter out."
        )

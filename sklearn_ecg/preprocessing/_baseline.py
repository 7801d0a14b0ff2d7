"""Removal of baseline wander."""

from numbers import Real

import numpy as np
from scipy import signal
from scipy.ndimage import median_filter
from sklearn.utils._param_validation import Interval, StrOptions

from ..base import SignalToSignalTransformer
from ..utils._chunks import apply_in_chunks
from ._filters import check_frequency, sosfiltfilt

_POSITIVE = Interval(Real, 0, None, closed="neither")
# Seconds. The first median removes QRS complexes and P waves, the second T waves [1].
_MEDIAN_WINDOWS = (0.2, 0.6)


class BaselineRemover(SignalToSignalTransformer):
    """Remove baseline wander.

    Parameters
    ----------
    method : {"highpass", "median"}, default="highpass"
        "highpass" applies a Butterworth high-pass filter of order 2 forwards and backwards.
        "median" subtracts a baseline that results from a median filter over 0.2 s, which removes
        QRS complexes and P waves, and a second one over 0.6 s, which removes T waves [1]_. The
        median follows sudden steps, but at a high heart rate it mistakes T waves for baseline.
    cutoff : float, default=0.5
        Cutoff frequency of the high-pass filter in Hz, > 0 and below half the sampling rate. Not
        used by the median. Since the filter has no phase distortion, a cutoff of up to 0.67 Hz is
        acceptable [2]_.
    sampling_rate : float
        Time points per second (Hz). Required.
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
        In `fit`, if `sampling_rate` is missing, or `cutoff` is not below half of it.

    See Also
    --------
    BandpassFilter : Also remove high frequencies.

    Notes
    -----
    The high-pass filter is that of ``BandpassFilter(low=cutoff, high=None)``. The median filters
    are ``scipy.ndimage.median_filter`` for each signal, over an odd number of time points, with the
    ends extended by their last value.

    References
    ----------
    .. [1] P. de Chazal, M. O'Dwyer, R. B. Reilly, "Automatic classification of heartbeats using
       ECG morphology and heartbeat interval features", IEEE Transactions on Biomedical
       Engineering 51(7), 2004.
    .. [2] P. Kligfield et al., "Recommendations for the standardization and interpretation of the
       electrocardiogram, part I", Circulation 115(10), 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.preprocessing import BaselineRemover
    >>> X = make_ecg(3, baseline_wander=0, random_state=0).data
    >>> wander = 0.5 * np.sin(2 * np.pi * 0.1 * np.arange(1000) / 100)
    >>> for method in ("highpass", "median"):
    ...     remover = BaselineRemover(method, sampling_rate=100)
    ...     difference = remover.fit_transform(X + wander) - remover.transform(X)
    ...     print(bool(np.abs(difference).max() < 0.15))
    True
    True
    """

    _parameter_constraints = {
        **SignalToSignalTransformer._parameter_constraints,
        "method": [StrOptions({"highpass", "median"})],
        "cutoff": [_POSITIVE],
        "sampling_rate": [_POSITIVE, None],
    }
    _allow_nan = "leads"
    _fits_lazy_records = True

    def __init__(
        self,
        method="highpass",
        *,
        cutoff=0.5,
        sampling_rate=None,
        n_leads=None,
        lead_names=None,
    ):
        self.method = method
        self.cutoff = cutoff
        self.sampling_rate = sampling_rate
        self.n_leads = n_leads
        self.lead_names = lead_names

    def _fit(self, signals):
        rate = self._require_sampling_rate()
        if self.method == "highpass":
            check_frequency("cutoff", self.cutoff, rate)

    def _transform(self, signals):
        return apply_in_chunks(self._remove, signals)

    def _remove(self, signals):
        if self.method == "highpass":
            sos = signal.butter(2, self.cutoff, "highpass", fs=self.sampling_rate, output="sos")
            return sosfiltfilt(sos, signals)
        first, second = (
            1 + 2 * round(length * self.sampling_rate / 2) for length in _MEDIAN_WINDOWS
        )
        removed = np.empty_like(signals)
        # For a single signal, SciPy's median filter is 7 to 30 times as fast as for an array with
        # windows of size 1 in the other dimensions.
        for place in np.ndindex(signals.shape[:2]):
            baseline = median_filter(signals[place], first, mode="nearest")
            baseline = median_filter(baseline, second, mode="nearest")
            np.subtract(signals[place], baseline, out=removed[place])
        return removed

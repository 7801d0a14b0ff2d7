"""Removal of the wandering baseline."""

from numbers import Real

import numpy as np
from scipy import signal
from scipy.ndimage import median_filter
from sklearn.utils._param_validation import Interval, StrOptions

from ..base import SignalTransformer
from ..utils._chunks import apply_in_chunks
from ._filters import check_frequency, sosfiltfilt

_POSITIVE = Interval(Real, 0, None, closed="neither")
# Seconds: the first takes away QRS and P waves, the second T waves [1].
_MEDIANS = (0.2, 0.6)


class BaselineRemover(SignalTransformer):
    """Subtract the slow wander of the baseline.

    Parameters
    ----------
    method : {"highpass", "median"}, default="highpass"
        "highpass": a zero-phase Butterworth high-pass of order 2, applied forwards and
        backwards. "median": the baseline is a median filter over 0.2 s, which takes away QRS
        and P waves, and another over 0.6 s of its result, which takes away T waves [1]_. It
        follows sudden steps, and where the rate is high it takes T waves for baseline.
    cutoff : float, default=0.5
        Limit of the high-pass in Hz, > 0 and below half the sampling rate; the median has none.
        Without distortion of phase, as here, up to 0.67 Hz is recommended [2]_.
    sampling_rate : float or None, default=None
        Time points per second (Hz). It must be given.
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
        In `fit`, when ``sampling_rate`` is missing, or ``cutoff`` is not below half of it.

    Notes
    -----
    The high-pass is that of ``BandpassFilter(low=cutoff, high=None)``. The median is
    ``scipy.ndimage.median_filter`` per signal, over an odd number of time points, the ends
    extended by their last value.

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
        **SignalTransformer._parameter_constraints,
        "method": [StrOptions({"highpass", "median"})],
        "cutoff": [_POSITIVE],
        "sampling_rate": [_POSITIVE, None],
    }

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
        rate = self._check_sampling_rate()
        if self.method == "highpass":
            check_frequency("cutoff", self.cutoff, rate)

    def _transform(self, signals):
        return apply_in_chunks(self._remove, signals)

    def _remove(self, signals):
        if self.method == "highpass":
            sos = signal.butter(2, self.cutoff, "highpass", fs=self.sampling_rate, output="sos")
            return sosfiltfilt(sos, signals)
        first, second = (1 + 2 * round(length * self.sampling_rate / 2) for length in _MEDIANS)
        removed = np.empty_like(signals)
        # One signal at a time: SciPy's filter of one dimension is 7 to 30 times as fast as its
        # filter of several dimensions whose sizes are 1.
        for place in np.ndindex(signals.shape[:2]):
            baseline = median_filter(signals[place], first, mode="nearest")
            baseline = median_filter(baseline, second, mode="nearest")
            np.subtract(signals[place], baseline, out=removed[place])
        return removed

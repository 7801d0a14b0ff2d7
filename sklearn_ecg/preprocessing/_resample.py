"""Resampling to another sampling rate."""

from numbers import Real

from scipy.signal import resample_poly
from sklearn.utils._param_validation import Interval

from ..base import SignalToSignalTransformer
from ..leads._attrs import check_rate_note
from ..utils._chunks import apply_in_chunks
from ..utils._rates import resampling_ratio

_POSITIVE = Interval(Real, 0, None, closed="neither")


class Resampler(SignalToSignalTransformer):
    """Resample records to another sampling rate, with a polyphase filter.

    ``scipy.signal.resample_poly`` filters and resamples in one step, so that frequencies above half
    the new rate are not aliased.

    Parameters
    ----------
    new_rate : float, default=100.0
        Time points per second of the resampled records (Hz), > 0.
    sampling_rate : float
        Time points per second of X (Hz). Required.
    n_leads : int or None, default=None
        Number of leads. Required for rows and numeric frames.
    lead_names : sequence of str or None, default=None
        Names of the leads, unless X is a lead frame. Twelve unnamed leads are assumed to be in
        standard order.

    Attributes
    ----------
    up_, down_ : int
        Ratio of the two rates in lowest terms; see the notes.
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
        In `fit`, if `sampling_rate` is missing, or one of the rates is more than 100,000 times the
        other.

    Notes
    -----
    A record of n time points is resampled to ``ceil(n * up_ / down_)`` time points; the first is
    not shifted. Measured rates, such as 510.227 Hz, are resampled as by the loaders: if the ratio
    of the two rates requires integers of more than 100,000, the nearest ratio of smaller ones is
    used, which differs by less than 0.001 %. The ends are extended by their last value
    (``padtype="edge"``). With zeros, SciPy's default, a record whose baseline is not zero would
    ring at its ends. The result is computed in the dtype of X.

    Examples
    --------
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.preprocessing import Resampler
    >>> X = make_ecg(3, sampling_rate=500, random_state=0).data
    >>> X.shape, Resampler(100, sampling_rate=500).fit_transform(X).shape
    ((3, 12, 5000), (3, 12, 1000))
    """

    _parameter_constraints = {
        **SignalToSignalTransformer._parameter_constraints,
        "new_rate": [_POSITIVE],
        "sampling_rate": [_POSITIVE, None],
    }
    _allow_nan = "leads"
    _fits_lazy_records = True

    def __init__(self, new_rate=100.0, *, sampling_rate=None, n_leads=None, lead_names=None):
        self.new_rate = new_rate
        self.sampling_rate = sampling_rate
        self.n_leads = n_leads
        self.lead_names = lead_names

    def _fit(self, signals):
        ratio = resampling_ratio(self._require_sampling_rate(), self.new_rate)
        self.up_, self.down_ = ratio.numerator, ratio.denominator

    def _output_n_times(self):
        return -(-self.n_times_in_ * self.up_ // self.down_)

    def _output_attrs(self, attrs):
        return {**attrs, "sampling_rate": check_rate_note(self.new_rate, "new_rate")}

    def _transform(self, signals):
        if self.up_ == self.down_:
            return signals.copy()
        return apply_in_chunks(
            lambda part: resample_poly(part, self.up_, self.down_, axis=-1, padtype="edge"),
            signals,
        )

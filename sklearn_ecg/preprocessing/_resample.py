"""Resampling to another rate."""

from fractions import Fraction
from numbers import Real

from scipy.signal import resample_poly
from sklearn.utils._param_validation import Interval

from ..base import SignalTransformer
from ..utils._chunks import apply_in_chunks

_POSITIVE = Interval(Real, 0, None, closed="neither")
# Finer ratios of two rates would need filters longer than any record.
_LARGEST = 10_000


class Resampler(SignalTransformer):
    """Bring records to another sampling rate, with a polyphase filter.

    ``scipy.signal.resample_poly`` filters and resamples in one step, so that frequencies above
    half the new rate do not come back as others.

    Parameters
    ----------
    new_rate : float, default=100.0
        Time points per second of what comes out (Hz), > 0.
    sampling_rate : float or None, default=None
        Time points per second of X (Hz). It must be given.
    n_leads : int or None, default=None
        Number of leads. Needed for rows of shape (n_records, n_leads * n_times).
    lead_names : sequence of str or None, default=None
        Names of the leads, where X is not a lead frame.

    Attributes
    ----------
    up_, down_ : int
        The ratio of the two rates in lowest terms.
    n_features_in_, n_leads_in_, n_times_in_ : int
    lead_names_in_ : tuple of str or None

    Raises
    ------
    ValueError
        In `fit`, when ``sampling_rate`` is missing, or the ratio of the rates is not one of
        integers up to 10,000.

    Notes
    -----
    Of n time points ``ceil(n * new_rate / sampling_rate)`` come out; the first stays where it is.
    The ends are extended by their last value (``padtype="edge"``): with SciPy's default, zeros, a
    record whose baseline is not at zero rings at its ends. Calculation is in the dtype of X.

    Examples
    --------
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.preprocessing import Resampler
    >>> X = make_ecg(3, sampling_rate=500, random_state=0).data
    >>> X.shape, Resampler(100, sampling_rate=500).fit_transform(X).shape
    ((3, 12, 5000), (3, 12, 1000))
    """

    _parameter_constraints = {
        **SignalTransformer._parameter_constraints,
        "new_rate": [_POSITIVE],
        "sampling_rate": [_POSITIVE, None],
    }

    def __init__(self, new_rate=100.0, *, sampling_rate=None, n_leads=None, lead_names=None):
        self.new_rate = new_rate
        self.sampling_rate = sampling_rate
        self.n_leads = n_leads
        self.lead_names = lead_names

    def _fit(self, signals):
        exact = float(self.new_rate) / float(self._check_sampling_rate())
        ratio = Fraction(exact).limit_denominator(_LARGEST)
        if ratio.numerator > _LARGEST or abs(ratio - exact) > 1e-9 * exact:
            raise ValueError(
                f"new_rate={self.new_rate:g} and sampling_rate={self.sampling_rate:g} have no "
                f"ratio of integers up to {_LARGEST}. Pass rates that have one, such as 100 and "
                "500."
            )
        self.up_, self.down_ = ratio.numerator, ratio.denominator

    def _n_times_out(self):
        return -(-self.n_times_in_ * self.up_ // self.down_)

    def _attrs_out(self, attrs):
        return {**attrs, "sampling_rate": self.new_rate}

    def _transform(self, signals):
        if self.up_ == self.down_:
            return signals.copy()
        return apply_in_chunks(
            lambda part: resample_poly(part, self.up_, self.down_, axis=-1, padtype="edge"),
            signals,
        )

"""Normalisation of amplitudes."""

import numpy as np
from sklearn.utils._param_validation import StrOptions

from ..base import SignalTransformer
from ..utils._chunks import apply_in_chunks


class LeadScaler(SignalTransformer):
    """z-scores of signals, as the parameter ``normalize`` of the estimators makes them.

    Estimators normalise by themselves. This transformer is for what has no such parameter, and
    for a look at what a network sees.

    Parameters
    ----------
    normalize : {"dataset", "record", "record_lead"} or None, default="dataset"
        "dataset": subtract the mean and divide by the standard deviation of each lead over the
        records given to `fit`. "record": mean and SD of each record over its leads and time
        points, which keeps the ratios between leads. "record_lead": mean and SD of each lead of
        each record. None: signals as they are. A constant signal is centred only.
    n_leads : int or None, default=None
        Number of leads. Needed for rows of shape (n_records, n_leads * n_times).
    lead_names : sequence of str or None, default=None
        Names of the leads, where X is not a lead frame.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (n_leads,), or None
        What is subtracted and divided by; None unless ``normalize="dataset"``.
    n_features_in_, n_leads_in_, n_times_in_ : int
    lead_names_in_ : tuple of str or None

    Notes
    -----
    Statistics are calculated in float64. In float32 the result agrees with that of the networks to
    a few units in the last place.

    Examples
    --------
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.preprocessing import LeadScaler
    >>> X = make_ecg(20, random_state=0).data
    >>> scaler = LeadScaler().fit(X)
    >>> scaler.mean_.shape
    (12,)
    >>> scaler.transform(X).std(axis=(0, 2)).round(3)
    array([1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1.], dtype=float32)
    """

    _parameter_constraints = {
        **SignalTransformer._parameter_constraints,
        "normalize": [StrOptions({"dataset", "record", "record_lead"}), None],
    }

    def __init__(self, normalize="dataset", *, n_leads=None, lead_names=None):
        self.normalize = normalize
        self.n_leads = n_leads
        self.lead_names = lead_names

    def _fit(self, signals):
        self.mean_ = self.scale_ = None
        if self.normalize != "dataset":
            return
        count = signals.shape[0] * signals.shape[2]
        total, squares = np.zeros(self.n_leads_in_), np.zeros(self.n_leads_in_)
        for record in signals:
            total += record.sum(axis=1, dtype=np.float64)
        self.mean_ = total / count
        # A second pass: E[x^2] - E[x]^2 would lose an SD that is small beside the mean.
        for record in signals:
            squares += np.square(record - self.mean_[:, None]).sum(axis=1)
        scale = np.sqrt(squares / count)
        self.scale_ = _safe_scale(scale, np.abs(self.mean_), np.float64)

    def _attrs_out(self, attrs):
        if self.normalize is None:
            return attrs
        return {name: note for name, note in attrs.items() if name != "units"}

    def _transform(self, signals):
        if self.normalize is None:
            return signals.copy()
        if self.normalize == "dataset":
            mean = self.mean_.astype(signals.dtype)[:, None]
            return (signals - mean) / self.scale_.astype(signals.dtype)[:, None]
        return apply_in_chunks(self._scale_part, signals)

    def _scale_part(self, signals):
        axes = (1, 2) if self.normalize == "record" else 2
        mean = signals.mean(axis=axes, keepdims=True, dtype=np.float64)
        centred = signals - mean
        scale = np.sqrt(np.square(centred).mean(axis=axes, keepdims=True))
        centred /= _safe_scale(scale, np.abs(mean), signals.dtype)
        return centred


def _safe_scale(scale, magnitude, dtype):
    """SDs, with 1 for those that are rounding errors of a constant signal."""
    return np.where(scale > 10 * np.finfo(dtype).eps * magnitude, scale, 1)

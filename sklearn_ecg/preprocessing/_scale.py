"""Normalization of amplitudes."""

import numpy as np
from sklearn.utils._param_validation import StrOptions

from .._validation import (
    check_same_scale,
    group_by_missing_leads,
    leads_with_gaps,
    missing_leads,
    take_group,
)
from ..base import SignalToSignalTransformer, fill_lead_names
from ..utils._chunks import apply_in_chunks

# What a frame of standardized signals notes as its unit.
_SCALED = "standard deviations"


class LeadScaler(SignalToSignalTransformer):
    """Standardize signals, as the parameter ``normalize`` of the deep estimators does.

    The deep estimators normalize their input themselves. This transformer is for estimators without
    such a parameter, and for inspecting the input of a network.

    Parameters
    ----------
    normalize : {"dataset", "record", "record_lead"} or None, default="dataset"
        "dataset" subtracts the mean and divides by the standard deviation of each lead over the
        records passed to `fit`. "record" uses mean and standard deviation of each record over its
        leads and time points, which preserves the ratios between leads. "record_lead" uses those of
        each lead of each record. None does not change the signals. Constant signals are only
        centered.
    fill : {"nan", "zero"}, default="nan"
        What missing leads and gaps become. "nan" leaves them NaN. "zero" is the mean of the
        normalized signals, for networks, which refuse NaN.
    n_leads : int or None, default=None
        Number of leads. Required for rows and numeric frames.
    lead_names : sequence of str or None, default=None
        Names of the leads, unless X is a lead frame. Twelve unnamed leads are assumed to be in
        standard order.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (n_leads,), or None
        Mean and standard deviation of each lead. None unless ``normalize="dataset"``.
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

    Notes
    -----
    NaN, at all time points of a lead (a missing lead) or at some of them (a gap), has no influence
    on the statistics. With ``normalize="dataset"``, each lead must be present in a
    record passed to `fit`.

    Statistics are computed in float64. In float32, the results agree with those of the networks
    except for rounding.

    Standardized signals are no longer in mV: a frame then notes the unit "standard deviations",
    which transformers that need mV refuse.

    With ``normalize="dataset"``, a warning is raised if signals are plainly in another unit than
    those passed to `fit`.

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
    >>> X[0, 3] = float("nan")
    >>> LeadScaler(fill="zero").fit(X).transform(X)[0, 3, :2]
    array([0., 0.], dtype=float32)
    """

    _parameter_constraints = {
        **SignalToSignalTransformer._parameter_constraints,
        "normalize": [StrOptions({"dataset", "record", "record_lead"}), None],
        "fill": [StrOptions({"nan", "zero"})],
    }
    _allow_nan = True
    _fits_lazy_records = True

    def __init__(
        self, normalize: str | None = "dataset", *, fill="nan", n_leads=None, lead_names=None
    ):
        self.normalize = normalize
        self.fill = fill
        self.n_leads = n_leads
        self.lead_names = lead_names

    def _fit(self, signals):
        self.mean_ = self.scale_ = None
        if self.normalize != "dataset":
            return
        check_same_scale(self, signals, reset=True)
        present, gaps = ~missing_leads(signals), leads_with_gaps(signals)
        count = present.sum(axis=0) * signals.shape[2]
        for record in np.flatnonzero(gaps.any(axis=1)):
            count -= np.where(gaps[record], np.isnan(signals[record]).sum(axis=1), 0)
        if not count.all():
            names = fill_lead_names(self.lead_names_in_, self.n_leads_in_)
            raise ValueError(
                f"Lead {names[count.argmin()]} is missing (NaN) in all records, so that its mean "
                "and standard deviation are unknown. Leave it out with LeadSelector, or pass "
                "normalize='record' or 'record_lead'."
            )
        total, squares = np.zeros(self.n_leads_in_), np.zeros(self.n_leads_in_)
        for record, has, gap in zip(signals, present, gaps):
            add = np.nansum if gap.any() else np.sum
            total += np.where(has, add(record, axis=1, dtype=np.float64), 0)
        self.mean_ = total / count
        # In a second pass, since E[x^2] - E[x]^2 is inaccurate if the mean is much larger.
        for record, has, gap in zip(signals, present, gaps):
            add = np.nansum if gap.any() else np.sum
            squares += np.where(has, add(np.square(record - self.mean_[:, None]), axis=1), 0)
        scale = np.sqrt(squares / count)
        self.scale_ = _safe_scale(scale, np.abs(self.mean_), np.float64)

    def _output_attrs(self, attrs):
        return attrs if self.normalize is None else {**attrs, "units": _SCALED}

    def _transform(self, signals):
        scaled = self._scale(signals)
        if self.fill == "zero":
            scaled[np.isnan(scaled)] = 0
        return scaled

    def _scale(self, signals):
        if self.normalize is None:
            return signals.copy()
        if self.normalize == "dataset":
            check_same_scale(self, signals, reset=False)
            mean = self.mean_.astype(signals.dtype)[:, None]
            return (signals - mean) / self.scale_.astype(signals.dtype)[:, None]
        return apply_in_chunks(self._scale_part, signals)

    def _scale_part(self, signals):
        axes = (1, 2) if self.normalize == "record" else 2
        gaps = leads_with_gaps(signals).any(axis=1)
        if gaps.any():
            return self._scale_with_gaps(signals, gaps, axes)
        if self.normalize == "record" and missing_leads(signals).any():
            return self._scale_incomplete(signals)
        mean = signals.mean(axis=axes, keepdims=True, dtype=np.float64)
        centered = signals - mean
        scale = np.sqrt(np.square(centered).mean(axis=axes, keepdims=True))
        centered /= _safe_scale(scale, np.abs(mean), signals.dtype)
        return centered

    def _scale_incomplete(self, signals):
        """Scale records with missing leads by the statistics of the leads that they have."""
        scaled = np.full(signals.shape, np.nan)
        for records, leads in group_by_missing_leads(signals):
            if len(leads):
                scaled[np.ix_(records, leads)] = self._scale_part(
                    take_group(signals, records, leads)
                )
        return scaled

    def _scale_with_gaps(self, signals, gaps, axes):
        """Scale records with gaps by the statistics of the values that are not NaN."""
        scaled = np.empty(signals.shape)
        if not gaps.all():
            scaled[~gaps] = self._scale_part(signals[~gaps])
        part = signals[gaps]
        has_value = ~np.isnan(part)
        count = np.maximum(has_value.sum(axis=axes, keepdims=True), 1)
        mean = np.nansum(part, axis=axes, keepdims=True, dtype=np.float64) / count
        centered = part - mean
        scale = np.sqrt(np.nansum(np.square(centered), axis=axes, keepdims=True) / count)
        scaled[gaps] = centered / _safe_scale(scale, np.abs(mean), signals.dtype)
        return scaled


def _safe_scale(scale, magnitude, dtype):
    """Replace standard deviations that are rounding errors of constant signals by 1."""
    return np.where(scale > 10 * np.finfo(dtype).eps * magnitude, scale, 1)

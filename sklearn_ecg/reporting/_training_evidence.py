"""Evidence that an estimator was fitted on the records that it is evaluated on."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from .._validation import read_signals
from ..inspection._unwrap import is_network, steps_in_order, takes_images
from ..preprocessing import LeadScaler

# Transformers that keep the mean of each feature of the training records.
_MEANS = {SimpleImputer: "statistics_", StandardScaler: "mean_"}
_WITH_MEANS = (*_MEANS, LeadScaler)
# Means of the same records differ by rounding only, in units of the SD.
_TOLERANCE = 1e-7
# Networks keep the statistics in float32.
_FLOAT32_TOLERANCE = 1e-6


def evidence_of_training(estimator, X):
    """Return a sentence if fitted statistics show that the estimator was fitted on X, or None.

    Statistics of scalers, imputers and of the normalization of networks are compared with those of
    X. That they differ does not prove anything: they may come from a part of the records.
    """
    *transformers, last = steps_in_order(estimator)
    # Samplers pass records unchanged when the estimator predicts.
    transformers = [step for step in transformers if hasattr(step, "transform")]
    n_needed = max(
        (i + 1 for i, step in enumerate(transformers) if isinstance(step, _WITH_MEANS)),
        default=0,
    )
    if is_network(last) and getattr(last, "normalize", None) == "dataset":
        n_needed = len(transformers)
    for i, step in enumerate(transformers):
        if i >= n_needed:
            return None
        if isinstance(step, _WITH_MEANS):
            if _has_equal_mean(step, X):
                return f"The means in the fitted {type(step).__name__} are those of these records."
        X = step.transform(X)
    if is_network(last) and not takes_images(last) and _has_equal_lead_means(last, X):
        return (
            f"The mean and SD of each lead in {type(last).__name__} are equal to those of these "
            "records."
        )
    return None


def _has_equal_mean(step, X):
    """Whether the means in a fitted transformer are those of X."""
    if isinstance(step, LeadScaler):
        if step.mean_ is None:
            return False
        again = clone(step).fit(X)
        return bool((np.abs(step.mean_ - again.mean_) <= _TOLERANCE * again.scale_).all())
    if issparse(X) or (isinstance(step, SimpleImputer) and step.strategy != "mean"):
        return False
    (attribute,) = (name for kind, name in _MEANS.items() if isinstance(step, kind))
    fitted = getattr(step, attribute)
    X = np.asarray(X)
    if fitted is None or X.dtype.kind not in "fiu" or X.ndim != 2:
        return False
    # The same computation as in the fit, with the same rounding.
    mean = np.asarray(getattr(clone(step).fit(X), attribute), dtype=float)
    fitted = np.asarray(fitted, dtype=float)
    if mean.shape != fitted.shape or (np.isnan(mean) != np.isnan(fitted)).any():
        return False
    X, mean, fitted = (part[..., ~np.isnan(mean)] for part in (X, mean, fitted))
    rounding = np.finfo(X.dtype if X.dtype.kind == "f" else float).eps
    tolerance = _TOLERANCE * np.nanstd(X, axis=0) + 8 * rounding * np.abs(mean)
    # Means of a few discrete values may be equal by chance.
    is_continuous = [len(np.unique(column)) > len(column) / 2 for column in X.T]
    return bool((np.abs(mean - fitted) <= tolerance).all() and any(is_continuous))


def _has_equal_lead_means(network, X):
    """Whether the mean and SD of each lead in a network are those of X."""
    normalizer = getattr(network, "normalizer_", None)
    if getattr(normalizer, "mode", None) != "dataset":
        return False
    signals, _ = read_signals(X, name="model_card", n_leads=network.n_leads_in_)
    if normalizer.leads is not None:
        signals = signals[:, normalizer.leads]
    mean = signals.mean(axis=(0, 2), dtype=np.float64)
    scale = signals.std(axis=(0, 2), dtype=np.float64)
    fitted = (getattr(normalizer, name).detach().cpu().numpy()[:, 0] for name in ("mean", "scale"))
    fitted_mean, fitted_scale = fitted
    return bool(
        (np.abs(mean - fitted_mean) <= _FLOAT32_TOLERANCE * scale).all()
        and np.allclose(scale, fitted_scale, rtol=_FLOAT32_TOLERANCE)
    )

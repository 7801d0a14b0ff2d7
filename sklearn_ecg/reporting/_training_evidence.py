"""Evidence that an estimator was fitted on the records that it is evaluated on."""

import numpy as np
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from .._validation import read_signals
from ..inspection._unwrap import is_network, steps_in_order, takes_images
from ..preprocessing import LeadScaler

# Transformers whose statistics are computed quickly, and identify the records.
_WITH_STATISTICS = (
    LeadScaler,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    SimpleImputer,
    StandardScaler,
)
_TOLERANCE = 1e-6


def evidence_of_training(estimator, X):
    """Return a sentence if fitted statistics show that the estimator was fitted on X, or None.

    Statistics of scalers, imputers and of the normalization of networks are compared with those of
    X. That they differ does not prove anything: they may come from a part of the records.
    """
    *transformers, last = steps_in_order(estimator)
    n_needed = max(
        (i + 1 for i, step in enumerate(transformers) if isinstance(step, _WITH_STATISTICS)),
        default=0,
    )
    if is_network(last) and getattr(last, "normalize", None) == "dataset":
        n_needed = len(transformers)
    for i, step in enumerate(transformers):
        if i >= n_needed:
            return None
        if isinstance(step, _WITH_STATISTICS):
            statistic = _equal_statistic(step, X)
            if statistic is not None:
                return (
                    f"The fitted {statistic} of {type(step).__name__} equals that of these records."
                )
        X = step.transform(X)
    if is_network(last) and not takes_images(last) and _has_equal_mean(last, X):
        return (
            f"The mean and SD of each lead in {type(last).__name__} are equal to those of these "
            "records."
        )
    return None


def _equal_statistic(step, X):
    """Return the name of a fitted statistic that equals that of X, but not that of a part of X."""
    # It is an array if values are missing.
    if len(X) < 2 or np.max(getattr(step, "n_samples_seen_", len(X))) > len(X):
        return None
    half = X.iloc[: len(X) // 2] if hasattr(X, "iloc") else X[: len(X) // 2]
    of_all, of_half = (_statistics(clone(step).fit(part)) for part in (X, half))
    fitted = _statistics(step)
    for name, value in fitted.items():
        same = name in of_all and _is_close(value, of_all[name])
        if same and not _is_close(value, of_half.get(name)):
            return name
    return None


def _statistics(step):
    """Return the fitted attributes of a transformer that are floats."""
    found = {}
    for name, value in vars(step).items():
        if name.endswith("_") and not name.startswith("_"):
            array = np.asarray(value)
            if array.dtype.kind == "f" and array.size:
                found[name] = array
    return found


def _is_close(value, other):
    if other is None or np.shape(value) != np.shape(other):
        return False
    return np.allclose(value, other, rtol=1e-9, atol=0, equal_nan=True)


def _has_equal_mean(network, X):
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
        (np.abs(mean - fitted_mean) <= _TOLERANCE * scale).all()
        and np.allclose(scale, fitted_scale, rtol=_TOLERANCE)
    )

"""Rules that make one probability of the probabilities of several windows or records."""

import numpy as np

from .._validation import check_positive_class

NAMED_RULES = ("mean", "median", "max", "noisy_or")
_ROUNDING = 1e-6


def check_rule(aggregate, kind, classes=None):
    """Raise for a rule that is not defined for a kind of target.

    Parameters
    ----------
    aggregate : str or callable
    kind : {"binary", "multiclass", "multilabel"}
    classes : ndarray of shape (n_classes,) or None, default=None
        None does not check whether the positive class is known.
    """
    if callable(aggregate) or aggregate not in ("max", "noisy_or"):
        return
    if classes is not None:
        check_positive_class(kind, classes, f"aggregate={aggregate!r}")
    if kind == "multiclass":
        raise ValueError(
            f"aggregate={aggregate!r} asks whether any part has a finding, and with more than two "
            "classes there is no single finding. Pass 'mean', 'median' or a function, or a "
            "multilabel y."
        )


def aggregate_rows(probability, members, n_groups, aggregate, kind, classes=None):
    """Aggregate the probabilities of the rows of each group.

    Parameters
    ----------
    probability : ndarray of shape (n_rows, n_classes) or (n_rows, n_labels)
    members : ndarray of shape (n_rows,), int
        The group of each row, from 0 to ``n_groups - 1``. Each group has a row.
    n_groups : int
    aggregate : {"mean", "median", "max", "noisy_or"} or callable
    kind : {"binary", "multiclass", "multilabel"}

    Returns
    -------
    aggregated : ndarray of shape (n_groups, n_classes) or (n_groups, n_labels)

    Raises
    ------
    ValueError
        If a probability is not in [0, 1], or a function returns something else than probabilities.
    """
    check_rule(aggregate, kind, classes)
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError(
            "The classifier returned probabilities that are NaN or not between 0 and 1, which "
            "cannot be aggregated. Pass another classifier."
        )
    order = np.argsort(members, kind="stable")
    bounds = np.searchsorted(members[order], np.arange(1, n_groups))
    parts = np.split(probability[order], bounds)
    if callable(aggregate):
        return np.stack([_call(aggregate, part, kind) for part in parts])
    if aggregate == "mean":
        return np.stack([part.mean(axis=0) for part in parts])
    rule = _RULES[aggregate]
    if kind == "binary":
        positive = np.array([rule(part[:, 1]) for part in parts])
        return np.column_stack([1 - positive, positive])
    aggregated = np.stack([rule(part) for part in parts])
    if kind == "multiclass":
        total = aggregated.sum(axis=1)
        for group in np.flatnonzero(total == 0):
            # Each class is improbable in most rows.
            aggregated[group] = parts[group].mean(axis=0)
        aggregated /= aggregated.sum(axis=1, keepdims=True)
    return aggregated


def _median(part):
    return np.median(part, axis=0)


def _max(part):
    return part.max(axis=0)


def _noisy_or(part):
    with np.errstate(divide="ignore"):
        return -np.expm1(np.log1p(-part.astype(float)).sum(axis=0))


_RULES = {"median": _median, "max": _max, "noisy_or": _noisy_or}


def _call(aggregate, part, kind):
    """Apply a function of the user, and check what it returns."""
    result = np.asarray(aggregate(part.copy()))
    if result.shape != part.shape[1:] or result.dtype.kind not in "fiub":
        raise ValueError(
            f"aggregate must return an array of shape {part.shape[1:]}, one probability for each "
            f"column, got shape {result.shape} and dtype {result.dtype}. It is called with an "
            f"array of shape (n_windows or n_records, {part.shape[1]})."
        )
    if not ((result >= 0) & (result <= 1)).all():
        raise ValueError(
            f"aggregate must return probabilities between 0 and 1, got {result.tolist()}."
        )
    if kind != "multilabel" and abs(result.sum() - 1) > _ROUNDING:
        raise ValueError(
            f"aggregate must return probabilities that add up to 1, got {result.tolist()}. Divide "
            "them by their sum."
        )
    return result

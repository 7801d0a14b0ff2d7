"""Class weights of encoded labels."""

import numpy as np
from sklearn.utils import compute_class_weight

from ..utils._warnings import warn


def class_weights(class_weight, target, sample_weight=None):
    """Compute the weights of the classes in the loss.

    Parameters
    ----------
    class_weight : {"balanced"}, dict, list of dict, dict of dict or None
        "balanced" is, for binary and multilabel targets, the share of the records with the other
        value, the alpha of a focal loss, and for multiclass targets
        ``n_records / (n_classes * n_records_of_class)``. A dict maps class labels to weights; a
        multilabel target takes a list of dicts ``{0: weight, 1: weight}``, one per label, or a dict
        of such dicts by column; columns that it does not have are not weighted.
    target : Target
    sample_weight : ndarray of shape (n_records,), default=None

    Returns
    -------
    weight : ndarray or None
        Shape (2, n_labels) for binary (one label) and multilabel targets, (n_classes,) for
        multiclass targets.
    """
    if class_weight is None:
        return None
    if target.kind == "multilabel":
        class_weight = _weights_of_labels(class_weight, target)
    elif isinstance(class_weight, list):
        raise ValueError(
            "class_weight is a list, which only a multilabel y takes. Pass a dict {class: weight}."
        )
    if class_weight == "balanced":
        return _balanced(target, sample_weight)
    weights = [w for d in np.atleast_1d(class_weight) for w in d.values()] or [1]
    if not np.all(np.isfinite(weights)) or min(weights) < 0 or max(weights) == 0:
        raise ValueError(
            "class_weight must contain finite weights >= 0, not all of them 0, got "
            f"{class_weight!r}."
        )
    if target.kind == "multilabel":
        per_label = [
            compute_class_weight(weight, classes=np.array([0, 1]), y=np.array([0, 1]))
            for weight in class_weight
        ]
        return np.stack(per_label, axis=1)
    weight = compute_class_weight(class_weight, classes=target.classes, y=target.classes)
    return weight[:, None] if target.kind == "binary" else weight


def _weights_of_labels(class_weight, target):
    """Return "balanced", or a list with a dict for each label."""
    labels = target.classes.tolist()
    per_label = class_weight
    if isinstance(class_weight, dict) and set(class_weight) <= set(labels):
        per_label = [class_weight.get(label, {}) for label in labels]
    if class_weight != "balanced" and not (
        isinstance(per_label, list)
        and len(per_label) == len(labels)
        and all(isinstance(weight, dict) and set(weight) <= {0, 1} for weight in per_label)
    ):
        raise ValueError(
            f"With a multilabel y of {len(labels)} labels class_weight must be 'balanced', None, a "
            f"list of {len(labels)} dicts {{0: weight, 1: weight}}, or a dict of such dicts by "
            f"column, as in {{{labels[-1]}: {{0: 1, 1: 5}}}}, got {class_weight!r}."
        )
    return per_label


def class_shares(target, sample_weight=None):
    """Compute the weighted share of the records of each class, or with each label.

    Parameters
    ----------
    target : Target
    sample_weight : ndarray of shape (n_records,), default=None

    Returns
    -------
    share : ndarray of shape (n_classes,) or (n_labels,)
    """
    return np.average(target.membership, axis=0, weights=sample_weight)


def _balanced(target, sample_weight):
    share = class_shares(target, sample_weight)
    if target.kind == "multiclass":
        # A class without training records gets a finite weight, which is not used.
        return 1 / (len(share) * np.where(share > 0, share, 1))
    positive = share[1:] if target.kind == "binary" else share
    constant = (positive == 0) | (positive == 1)
    if constant.any():
        labels = target.classes[-len(positive) :][constant].tolist()
        warn(
            f"Label(s) {labels} have the same value in all training records. Their class weights "
            "are set to 0.5, and their predictions are meaningless.",
            UserWarning,
        )
        positive = np.where(constant, 0.5, positive)
    return np.stack([positive, 1 - positive])

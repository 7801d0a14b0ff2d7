"""Encoded labels and class weights."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import column_or_1d, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from .._validation._samples import check_not_masked, find_missing
from ..utils._warnings import warn


class Target(NamedTuple):
    """Encoded labels.

    Parameters
    ----------
    kind : {"binary", "multiclass", "multilabel"}
    classes : ndarray of shape (n_classes,) or (n_labels,)
        The sorted labels; for a multilabel indicator, the numbers of its columns.
    values : integer ndarray
        Positions in ``classes`` of shape (n_records,), or the indicator of shape
        (n_records, n_labels).
    """

    kind: str
    classes: np.ndarray
    values: np.ndarray

    @classmethod
    def from_labels(cls, y, estimator_name):
        """Check and encode y.

        Raises
        ------
        ValueError
            If y is None, has missing labels, is continuous, contains one class only, or is an
            indicator with values other than 0 and 1.
        """
        if y is None:
            raise ValueError(f"{estimator_name} requires y to be passed, but the target y is None.")
        if issparse(y):
            y = y.toarray()
        check_not_masked(y, "y")
        if isinstance(y, (list, tuple)) and len({np.size(label) for label in y}) > 1:
            raise ValueError(
                "Unknown label type: the elements of y differ in length. For several labels per "
                "record, pass an indicator of 0 and 1: MultiLabelBinarizer().fit_transform(y)."
            )
        missing = find_missing(y)
        y = np.asarray(y)
        if y.ndim not in (1, 2):
            raise ValueError(
                f"Unknown label type: y must have shape (n_records,) or (n_records, n_labels), got "
                f"{'shape ' + str(y.shape) if y.ndim else type(y[()]).__name__}. Pass a list, an "
                "array or a Series with a label for each record."
            )
        if y.dtype.kind == "f":
            missing = missing | np.isinf(y)
        if missing.any():
            raise ValueError(
                f"Input y contains NaN: {missing.sum()} label(s) are missing or infinite, the "
                f"first for record {np.argwhere(missing)[0][0]}. Remove these records."
            )
        if y.ndim == 2 and y.shape[1] > 1:
            if not np.isin(y, (0, 1)).all():
                raise ValueError(
                    "A two-dimensional y is a multilabel indicator and must contain 0 and 1 only, "
                    f"got the values {np.unique(y)[:5].tolist()}."
                )
            return cls("multilabel", np.arange(y.shape[1]), y.astype(np.int64))
        if type_of_target(y).startswith("continuous"):
            raise ValueError(
                "Unknown label type: continuous. y contains numbers such as "
                f"{y[y != np.floor(y)][0]:g}, but {estimator_name} predicts classes, and this "
                "library has no regressor. Divide the values into classes, or regress them on an "
                "embedding: make_pipeline(ACLECGEncoder(...), Ridge())."
            )
        if y.dtype == object and type_of_target(y) == "unknown":
            kinds = sorted({type(label).__name__ for label in y.ravel()})
            raise ValueError(
                f"Unknown label type: y is an array of dtype object that contains labels of type "
                f"{', '.join(kinds)}. Convert them to one type, as with y.astype(int) or "
                "y.astype(str)."
            )
        check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        try:
            classes, values = np.unique(y, return_inverse=True)
        except TypeError as error:
            raise ValueError(
                f"y contains labels of different types ({error}). Convert all of them to strings "
                "or to numbers."
            ) from error
        if len(classes) < 2:
            raise ValueError(
                f"{estimator_name} needs records of at least 2 classes, got 1 class: "
                f"{classes.tolist()[0]!r}."
            )
        return cls("binary" if len(classes) == 2 else "multiclass", classes, values)

    @property
    def n_outputs(self):
        """Number of logits per record: one for two classes."""
        return 1 if self.kind == "binary" else len(self.classes)

    @property
    def membership(self):
        """Bool ndarray of shape (n_records, n_classes), True for the classes of each record."""
        if self.kind == "multilabel":
            return self.values.astype(bool)
        return self.values[:, None] == np.arange(len(self.classes))

    def take(self, index):
        """Return the labels of the records at these positions."""
        return self._replace(values=self.values[index])


def class_weights(class_weight, target, sample_weight=None):
    """Compute the weights of the classes in the loss.

    Parameters
    ----------
    class_weight : {"balanced"}, dict, list of dict or None
        "balanced" is, for binary and multilabel targets, the share of the records with the other
        value, the alpha of a focal loss, and for multiclass targets
        ``n_records / (n_classes * n_records_of_class)``. A dict maps class labels to weights; a
        multilabel target takes a list of dicts ``{0: weight, 1: weight}``, one per label.
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
        _check_multilabel_weight(class_weight, target)
    elif isinstance(class_weight, list):
        raise ValueError(
            "class_weight is a list, which only a multilabel y takes. Pass a dict {class: weight}."
        )
    if class_weight == "balanced":
        return _balanced(target, sample_weight)
    weights = [w for d in np.atleast_1d(class_weight) for w in d.values()]
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


def _check_multilabel_weight(class_weight, target):
    n_labels = len(target.classes)
    if class_weight != "balanced" and not (
        isinstance(class_weight, list) and len(class_weight) == n_labels
    ):
        raise ValueError(
            f"With a multilabel y of {n_labels} labels class_weight must be 'balanced', None or a "
            f"list of {n_labels} dicts {{0: weight, 1: weight}}, got {class_weight!r}."
        )


def _balanced(target, sample_weight):
    share = np.average(target.membership, axis=0, weights=sample_weight)
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

"""Targets: labels, binary, multiclass or multilabel, encoded as integers, and numbers."""

from decimal import Decimal
from numbers import Real
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from ._samples import check_not_masked, check_one_type, find_missing


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
            If y is None, empty or masked, has missing or infinite labels, is continuous, contains
            one class only, or is an indicator with values other than 0 and 1.
        """
        y = _check_given(y, estimator_name)
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
        _check_not_empty(y, estimator_name)
        if y.dtype.kind == "f":
            missing = missing | np.isinf(y)
        _check_not_missing(missing, "label(s)")
        check_one_type(y)
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
                f"{y[y != np.floor(y)][0]:g}, but {estimator_name} predicts classes. Use a "
                "regressor such as ECGNetRegressor or MSAICNetRegressor, or divide the values into "
                "classes."
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
        classes, values = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"{estimator_name} needs records of at least 2 classes, got 1 class: "
                f"{classes.tolist()[0]!r}."
            )
        return cls("binary" if len(classes) == 2 else "multiclass", classes, values)

    @property
    def labels(self):
        """The labels themselves, of shape (n_records,), or the indicator."""
        return self.values if self.kind == "multilabel" else self.classes[self.values]

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


class RegressionTarget(NamedTuple):
    """Numbers to predict.

    Parameters
    ----------
    kind : {"regression"}
    is_single : bool
        Whether y had shape (n_records,), and predictions have as well.
    n_outputs : int
        Number of targets.
    values : float64 ndarray of shape (n_records, n_outputs)
    """

    kind: str
    is_single: bool
    n_outputs: int
    values: np.ndarray

    @classmethod
    def from_numbers(cls, y, estimator_name):
        """Check y.

        Raises
        ------
        ValueError
            If y is None, empty or masked, has missing, infinite or complex values or values that
            are not numbers, or more than two dimensions.
        """
        y = _check_given(y, estimator_name)
        missing = find_missing(y)
        y = np.asarray(y)
        if y.ndim not in (1, 2):
            raise ValueError(
                f"y must have shape (n_records,) or (n_records, n_targets), got "
                f"{'shape ' + str(y.shape) if y.ndim else type(y[()]).__name__}. Pass a list, an "
                "array or a Series with a number for each record."
            )
        _check_not_empty(y, estimator_name)
        _check_not_missing(missing, "value(s)")
        is_number = y.dtype.kind in "biuf"
        if y.dtype == object:
            is_number = all(isinstance(v, (Real, Decimal, np.bool_)) for v in y.ravel())
        if not is_number:
            raise ValueError(
                f"y must contain real numbers, because {estimator_name} is a regressor, got values "
                f"such as {y.ravel()[0]!r} ({y.dtype}). Convert them, or use a classifier."
            )
        values = y.astype(np.float64)
        _check_not_missing(~np.isfinite(values), "value(s)")
        return cls("regression", y.ndim == 1, values[:1].size, values.reshape(len(y), -1))

    def take(self, index):
        """Return the values of the records at these positions."""
        return self._replace(values=self.values[index])


def check_positive_class(kind, classes, what, advice=None):
    """Raise if it is unknown which of two classes is the positive one, because they are strings.

    Parameters
    ----------
    kind : {"binary", "multiclass", "multilabel"}
    classes : sequence
        Classes in sorted order.
    what : str
        What depends on the positive class, for the error message.
    advice : str or None, default=None
        What to do, for the error message. None is to pass y with 1 for the positive class.
    """
    labels = list(classes)
    if kind == "binary" and any(isinstance(label, str) for label in labels):
        first, second = map(str, labels)
        if advice is None:
            advice = (
                f"Pass y with 1 for the finding and 0 otherwise: (y == {first!r}).astype(int) if "
                f"{first!r} is the finding."
            )
        raise ValueError(
            f"{what} depends on which class is the finding, which is unknown for the classes "
            f"{first!r} and {second!r}. {advice}"
        )


def _check_given(y, estimator_name):
    """Return y, a sparse one as an array, after checking that it is not None or masked."""
    if y is None:
        raise ValueError(f"{estimator_name} requires y to be passed, but the target y is None.")
    if issparse(y):
        y = y.toarray()
    check_not_masked(y, "y")
    return y


def _check_not_empty(y, estimator_name):
    if not y.size:
        raise ValueError(
            f"{estimator_name} needs records, but y has 0 sample(s): its shape is {y.shape}."
        )


def _check_not_missing(missing, what):
    """Raise if any value of a mask is True."""
    if missing.any():
        raise ValueError(
            f"Input y contains NaN or infinity: {missing.sum()} {what} are missing or infinite, "
            f"the first for record {np.argwhere(missing)[0][0]}. Remove these records."
        )

"""Labels and probabilities of the evaluation records, one column per class or label."""

from typing import NamedTuple

import numpy as np

from .._validation import Target
from ..calibration._label_scores import label_scores
from ..metrics._label_columns import check_scores
from ..metrics._matching import as_array, check_same_records, column_names, match_columns

# Sums of probabilities are rounded.
_ROUNDING = 1e-6


class Predictions(NamedTuple):
    """Labels and probabilities in columns.

    Attributes
    ----------
    kind : {"binary", "multiclass", "multilabel"}
    names : list of str
        The classes or labels; for a binary target, both classes.
    columns : list of str
        Names of the columns: of a binary target, the positive class only.
    positive : bool ndarray of shape (n_records, n_columns)
    probability : float64 ndarray of shape (n_records, n_columns)
    """

    kind: str
    names: list
    columns: list
    positive: np.ndarray
    probability: np.ndarray


def check_classifier(estimator):
    """Raise unless an estimator is a classifier with probabilities."""
    name = type(estimator).__name__
    if isinstance(estimator, type) or not hasattr(estimator, "get_params"):
        raise TypeError(f"estimator must be a classifier, got {estimator!r:.80}.")
    if hasattr(estimator, "predict_proba"):
        return
    what = "it is a transformer" if hasattr(estimator, "transform") else "it has no predict_proba"
    raise ValueError(
        f"estimator={name} predicts no probabilities: {what}. Pass a classifier with "
        "predict_proba, such as a Pipeline that ends with one, or calibrate a classifier with "
        "sklearn.calibration.CalibratedClassifierCV."
    )


def read_predictions(estimator, X, y, y_prob, label_names):
    """Return the labels and probabilities of the evaluation records.

    Parameters
    ----------
    estimator : classifier
        Fitted, unless `y_prob` is given.
    X : array-like, DataFrame or lead frame
    y : array-like of shape (n_records,) or (n_records, n_labels)
    y_prob : array-like or None
    label_names : array-like of str or None

    Returns
    -------
    predictions : Predictions

    Raises
    ------
    ValueError
    """
    check_same_records(X=X, y=y, y_prob=y_prob)
    target = Target.from_labels(y, "model_card")
    kind, classes, positive = target.kind, target.classes, target.membership
    names = column_names(y) or classes.tolist()
    if kind != "multilabel":
        classes = _known_classes(estimator, classes)
        kind = "binary" if len(classes) == 2 else "multiclass"
        positive = target.labels[:, None] == classes
        names = classes.tolist()
    if y_prob is None:
        probability = label_scores(estimator, X, "predict_proba", kind)
    else:
        probability = as_array(match_columns(y, y_prob, "y_prob"), "y_prob")
    if len(probability) != len(positive):
        raise ValueError(
            f"y has {len(positive)} records, but there are {len(probability)} rows of "
            "probabilities. Pass the labels of the records in X."
        )
    if label_names is not None:
        if len(label_names) != len(names):
            raise ValueError(
                f"label_names must have one name for each of {names}, got {list(label_names)}."
            )
        names = list(label_names)
    names = [str(name) for name in names]
    columns = names
    if kind == "binary":
        positive, columns = positive[:, 1:], names[1:]
        if probability.ndim == 2 and probability.shape[1] <= 2:
            probability = probability[:, -1]
    probability = check_scores(positive, probability, "y_prob").reshape(positive.shape)
    if not np.isfinite(probability).all():
        raise ValueError("The probabilities contain NaN or infinity. Leave these records out.")
    if probability.min() < -_ROUNDING or probability.max() > 1 + _ROUNDING:
        raise ValueError(
            f"The probabilities must be between 0 and 1, got {probability.min():g} to "
            f"{probability.max():g}. Pass the result of predict_proba."
        )
    return Predictions(kind, names, columns, positive, probability.clip(0, 1))


def _known_classes(estimator, classes):
    """Return the classes of the fitted estimator, or those of y if it is not fitted."""
    known = getattr(estimator, "classes_", None)
    if known is None:
        return classes
    if isinstance(known, list):
        raise ValueError(
            "The estimator was fitted on several labels, but y has one column. Pass y as an "
            "indicator of shape (n_records, n_labels)."
        )
    known = np.asarray(known)
    unknown = [label for label in classes.tolist() if label not in known.tolist()]
    if unknown:
        raise ValueError(
            f"y has labels that the estimator does not know: {unknown[:5]}. Its classes are "
            f"{known.tolist()}."
        )
    return known

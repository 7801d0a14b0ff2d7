"""Labels and their scores as columns, and the average of a metric over labels."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import assert_all_finite, check_consistent_length
from sklearn.utils._param_validation import StrOptions

from ..utils._warnings import warn
from ._matching import as_array, as_label_array, check_same_records, column_names, match_columns

# What the metrics of this package have in common, for `validate_params`.
LABEL_METRIC_CONSTRAINTS = {
    "y_true": ["array-like"],
    "average": [StrOptions({"macro", "micro", "weighted"}), None],
    "labels": ["array-like", None],
    "sample_weight": ["array-like", None],
}
UNDEFINED_CONSTRAINT = {"undefined": [StrOptions({"raise", "warn", "skip"})]}


class Undefined(Exception):
    """A metric is undefined for a label; the message is the reason."""


class LabelColumns(NamedTuple):
    """Labels and scores, one column per label.

    Attributes
    ----------
    positive : bool ndarray of shape (n_records, n_labels)
    score : float64 ndarray of shape (n_records, n_labels)
    weight : ndarray of shape (n_records,), > 0
    names : list
    is_binary : bool
        Whether the target is a single label.
    """

    positive: np.ndarray
    score: np.ndarray
    weight: np.ndarray
    names: list
    is_binary: bool


def read_label_columns(y_true, y_score, *, labels=None, sample_weight=None, argument="y_score"):
    """Return labels and scores as columns, without the records of weight 0.

    Parameters
    ----------
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        Binary, multiclass or a multilabel indicator.
    y_score : array-like of shape (n_records,), (n_records, n_classes) or (n_records, n_labels)
    labels : array-like or None
        The classes of a binary or multiclass target, in sorted order.
    sample_weight : array-like of shape (n_records,) or None
    argument : str, default="y_score"
        Name of the scores, for error messages.

    Returns
    -------
    columns : LabelColumns

    Raises
    ------
    ValueError
    """
    for name, values in (("y_true", y_true), (argument, y_score)):
        if np.ndim(values) == 0:
            raise ValueError(f"{name} must be an array, got {values!r:.80}.")
    check_same_records(y_true=y_true, **{argument: y_score}, sample_weight=sample_weight)
    check_consistent_length(y_true, y_score, sample_weight)
    score_names = column_names(y_score)
    names = column_names(y_true)
    y_score = as_array(match_columns(y_true, y_score, argument), argument)
    y_true = as_label_array(y_true)
    if y_true.ndim == 1:
        positive, names = _class_columns(y_true, y_score, labels, score_names, argument)
    else:
        if labels is not None:
            raise ValueError(
                "labels are the classes of a binary or multiclass y_true, but y_true has shape "
                f"{y_true.shape}. Leave labels out."
            )
        positive = label_indicator(y_true)
        names = list(range(positive.shape[1])) if names is None else names
        if positive.shape[1] == 2 and y_score.ndim == 1:
            raise ValueError(
                f"y_true has two labels, but {argument} has one column. The scorers of make_scorer "
                "pass only the last column of predict_proba if there are exactly two labels. As "
                "scoring, use a function (estimator, X, y) that returns "
                "metric(y, estimator.predict_proba(X))."
            )
    score = check_scores(positive, y_score, argument)
    assert_all_finite(score, input_name=argument)
    weight = _check_sample_weight(sample_weight, len(positive))
    kept = weight > 0
    score = score.reshape(positive.shape)
    if not kept.all():
        positive, score, weight = positive[kept], score[kept], weight[kept]
    return LabelColumns(positive, score, weight, names, y_true.ndim == 1 and len(names) == 1)


def _class_columns(y_true, y_score, labels, score_names, argument):
    """Return an indicator of the classes of a binary or multiclass target, and their names.

    If there is one column of scores, it has only the column of the larger class.
    """
    is_binary = y_score.ndim == 1 or y_score.shape[1] <= 2
    known_as = "labels"
    if y_true.dtype == bool:
        y_true = y_true.astype(int)
    if labels is not None:
        classes = as_array(labels, "labels")
        classes = (classes.astype(int) if classes.dtype == bool else classes).tolist()
        if len(classes) < 2 or len(set(classes)) < len(classes) or sorted(classes) != classes:
            raise ValueError(
                "labels must be two or more different classes in sorted order, got "
                f"{_listed(classes)}."
            )
    elif score_names is not None and not is_binary:
        classes, known_as = score_names, f"columns of {argument}"
    else:
        classes = np.unique(y_true).tolist()
        if len(classes) == 1 and is_binary:
            if classes[0] not in (0, 1):
                raise ValueError(
                    f"y_true has a single class, {classes[0]!r}. Pass labels=[negative, positive] "
                    "to say which one it is."
                )
            classes = [0, 1]
    codes = pd.Index(classes).get_indexer(pd.Index(y_true))
    if (codes < 0).any():
        raise ValueError(
            f"y_true has classes that are not among the {known_as}, such as "
            f"{y_true[codes < 0].tolist()[0]!r}. The {known_as} are {_listed(classes)}."
        )
    if is_binary:
        if len(classes) > 2:
            raise ValueError(
                f"y_true has {len(classes)} classes, {_listed(classes)}, but {argument} has shape "
                f"{y_score.shape}. Pass one column of scores per class."
            )
        return (codes == 1)[:, None], classes[1:]
    if y_score.ndim == 2 and y_score.shape[1] != len(classes):
        raise ValueError(
            f"{argument} has {y_score.shape[1]} columns, but y_true has {len(classes)} classes, "
            f"{_listed(classes)}. Pass labels, the classes of the columns in sorted order."
        )
    return codes[:, None] == np.arange(len(classes)), list(classes)


def check_probabilities(columns, argument):
    """Return label columns whose scores are probabilities, or raise an error."""
    wrong = (columns.score < 0) | (columns.score > 1)
    if wrong.any():
        raise ValueError(
            f"{argument} must hold probabilities between 0 and 1, got {columns.score[wrong][0]:g}. "
            "Pass the result of predict_proba, or calibrate the scores."
        )
    return columns


def check_both_values(positive):
    """Raise `Undefined` if a label is positive, or negative, in all records."""
    if positive.all() or not positive.any():
        raise Undefined(f"{positive.sum()} of {len(positive)} records are positive")


def average_over_labels(metric, columns, average, *, undefined="warn", score_name="The score"):
    """Compute a metric of each label, and average over the labels for which it is defined.

    Parameters
    ----------
    metric : callable
        Takes ``positive, score, weight`` of one label, and returns a float or an array. It raises
        `Undefined` with the reason if it is undefined.
    columns : LabelColumns
    average : {"macro", "micro", "weighted"} or None
    undefined : {"raise", "warn", "skip"}, default="warn"
    score_name : str, default="The score"
        Start of the error message and of the warning.

    Returns
    -------
    score : float or ndarray
        The average, or with None an array with one entry per label. NaN where it is undefined.
    """
    positive, score, weight, names, is_binary = columns
    is_pooled = average == "micro" and not is_binary
    if is_pooled:
        weight = np.repeat(weight, positive.shape[1])
        positive, score, names = positive.reshape(-1, 1), score.reshape(-1, 1), ["of all labels"]
    values, reasons = [], {}
    for name, *label in zip(names, positive.T, score.T):
        try:
            values.append(metric(*label, weight))
        except Undefined as error:
            values.append(np.nan)
            reasons[name] = str(error)
    is_single = is_binary or is_pooled
    if reasons and undefined != "skip":
        found = ", ".join(f"label {name!r} ({reason})" for name, reason in reasons.items())
        message = f"{score_name} is undefined for {found}."
        if undefined == "raise":
            raise ValueError(f"{message} Leave these labels out, or pass undefined='warn'.")
        left_out = average is not None and not is_single and len(reasons) < len(names)
        warn(
            f"{message} {'The average leaves them out.' if left_out else 'It is set to NaN.'}",
            UndefinedMetricWarning,
        )
    if is_single:
        return values[0]
    if average is None:
        return np.stack(np.broadcast_arrays(*values), axis=-1)
    defined = [i for i, name in enumerate(names) if name not in reasons]
    support = weight @ positive if average == "weighted" else np.ones(len(names))
    if not defined or not support[defined].sum():
        return np.nan
    mean = np.average([values[i] for i in defined], axis=0, weights=support[defined])
    return mean if np.ndim(mean) else float(mean)


def _check_sample_weight(sample_weight, n_records):
    """Return the weight of each record, 1 if none is given."""
    if sample_weight is None:
        return np.ones(n_records)
    weight = as_array(sample_weight, "sample_weight")
    if weight.shape != (n_records,) or weight.dtype.kind not in "fiub":
        raise ValueError(
            f"sample_weight must hold one number per record, shape ({n_records},), got shape "
            f"{weight.shape} and dtype {weight.dtype}."
        )
    weight = weight.astype(np.float64)
    assert_all_finite(weight, input_name="sample_weight")
    if (weight < 0).any() or not weight.any():
        raise ValueError("sample_weight must not be negative, and not 0 for all records.")
    return weight


def _listed(classes):
    shown = ", ".join(map(repr, classes[:8]))
    return f"{shown}, ..." if len(classes) > 8 else shown


def label_indicator(y_true):
    """Return a boolean indicator (n_records, n_labels), with one column for a binary target."""
    if y_true.ndim == 2 and y_true.shape[1] > 1:
        if not np.isin(y_true, (0, 1)).all():
            raise ValueError(
                "y_true of shape (n_records, n_labels) must be a multilabel indicator of 0 and 1. "
                "Pass an indicator, or a single column of labels."
            )
        return y_true == 1
    if y_true.ndim != 1:
        raise ValueError(
            "y_true must have shape (n_records,) or (n_records, n_labels) with at least two "
            f"labels, got shape {y_true.shape}."
        )
    labels = np.unique(y_true)
    if len(labels) != 2:
        found = ", ".join(map(str, labels[:5])) + (", ..." if len(labels) > 5 else "")
        raise ValueError(
            f"y_true must have two labels, got {len(labels)}: {found}. For more than two classes, "
            "pass an indicator (sklearn.preprocessing.label_binarize) and one column of scores per "
            "class."
        )
    return (y_true == labels[1])[:, None]


def check_scores(positive, y_score, argument="y_score"):
    """Return the scores in float64, after checking that there is one per label and record."""
    expected = positive.shape if positive.shape[1] > 1 else (len(positive),)
    if y_score.shape != expected:
        hint = ""
        if y_score.shape == (len(positive), 2):
            hint = f" Pass the column of the positive class, {argument}[:, 1]."
        raise ValueError(
            f"{argument} must have shape {expected}, one score per label and record, got shape "
            f"{y_score.shape}.{hint}"
        )
    if y_score.dtype.kind not in "fiub":
        raise ValueError(
            f"{argument} must hold numbers, got dtype {y_score.dtype}. Pass scores or "
            "probabilities."
        )
    # The ranking negates scores to sort them, which needs a signed dtype.
    return y_score.astype(np.float64)

"""AUROC and average precision, with a rule for labels without positive or negative records."""

from sklearn.utils._param_validation import validate_params

from ._label_columns import (
    LABEL_METRIC_CONSTRAINTS,
    UNDEFINED_CONSTRAINT,
    average_over_labels,
    check_both_values,
    read_label_columns,
)
from ._ranking import RankingMetrics

_CONSTRAINTS = {**LABEL_METRIC_CONSTRAINTS, **UNDEFINED_CONSTRAINT, "y_score": ["array-like"]}


@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def auroc_score(
    y_true,
    y_score,
    *,
    average: str | None = "macro",
    undefined="warn",
    labels=None,
    sample_weight=None,
):
    """Compute the area under the ROC curve of a label, or its average over labels.

    The values are those of `sklearn.metrics.roc_auc_score`. Differences are that the treatment of
    labels without positive or negative records is a parameter, and that labels and scores with
    names are matched by name.

    Parameters
    ----------
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        Classes, or a multilabel indicator of 0 and 1. In a binary target, the larger class is
        positive.
    y_score : array-like of shape (n_records,), (n_records, n_labels) or (n_records, n_classes)
        Scores or probabilities of the same records: of the positive class, of each label, or of
        each class of a multiclass target. Each class is then compared with all others. If it and
        ``y_true`` are DataFrames with named columns, the columns are matched by name.
    average : {"macro", "micro", "weighted"} or None, default="macro"
        "macro" is the mean over labels, "weighted" the mean weighted by the number of positive
        records, and "micro" pools the pairs of a record and a label. None returns the value of each
        label. For a binary target, it has no effect.
    undefined : {"raise", "warn", "skip"}, default="warn"
        What to do with a label that is positive, or negative, in all records. "raise" raises an
        error. "warn" and "skip" leave the label out of the average and set its own value to NaN;
        "warn" issues a warning that names it. If it is the only label, the result is NaN.
    labels : array-like of shape (n_classes,), default=None
        The classes of a binary or multiclass target, in sorted order. Required if some of them may
        not occur in ``y_true``, as in a small test set.
    sample_weight : array-like of shape (n_records,), default=None
        Weights of the records, >= 0. Records of weight 0 are ignored.

    Returns
    -------
    score : float or ndarray of shape (n_labels,)
        Area under the ROC curve.

    Raises
    ------
    ValueError
        If lengths, shapes or the names of columns differ, if labels or scores are missing, or if
        the score is undefined and ``undefined="raise"``.

    Warns
    -----
    UndefinedMetricWarning
        If a label is positive, or negative, in all records, and ``undefined="warn"``.

    See Also
    --------
    auprc_score : Area under the precision-recall curve.
    bootstrap_interval : Confidence interval, by patient.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.metrics import auroc_score
    >>> y = np.array([[0, 1, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0]])
    >>> score = np.array([[0.1, 0.7, 0.2], [0.8, 0.3, 0.1], [0.4, 0.2, 0.1], [0.5, 0.1, 0.3]])
    >>> auroc_score(y[:, :2], score[:, :2])
    0.75
    >>> auroc_score(y, score, average=None, undefined="skip")
    array([0.75, 0.75,  nan])
    >>> auroc_score(y, score, undefined="raise")
    Traceback (most recent call last):
        ...
    ValueError: AUROC is undefined for label 2 (0 of 4 records are positive). ...
    """
    columns = read_label_columns(y_true, y_score, labels=labels, sample_weight=sample_weight)
    return average_over_labels(_auroc, columns, average, undefined=undefined, score_name="AUROC")


@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def auprc_score(
    y_true,
    y_score,
    *,
    average: str | None = "macro",
    undefined="warn",
    labels=None,
    sample_weight=None,
):
    """Compute the average precision of a label, or its average over labels.

    The average precision is the area under the precision-recall curve as a step function, without
    interpolation. The values are those of `sklearn.metrics.average_precision_score`, except that a
    label without positive records is undefined, rather than 0, and a label without negative records
    is undefined, rather than 1.

    Parameters
    ----------
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        Classes, or a multilabel indicator of 0 and 1. In a binary target, the larger class is
        positive.
    y_score : array-like of shape (n_records,), (n_records, n_labels) or (n_records, n_classes)
        Scores or probabilities, as in `auroc_score`.
    average : {"macro", "micro", "weighted"} or None, default="macro"
        Average over labels, as in `auroc_score`.
    undefined : {"raise", "warn", "skip"}, default="warn"
        What to do with a label that is positive, or negative, in all records, as in `auroc_score`.
    labels : array-like of shape (n_classes,), default=None
        The classes of a binary or multiclass target, in sorted order.
    sample_weight : array-like of shape (n_records,), default=None
        Weights of the records, >= 0. Records of weight 0 are ignored.

    Returns
    -------
    score : float or ndarray of shape (n_labels,)
        Average precision. A random order of the records gives about the prevalence of the label.

    Raises
    ------
    ValueError
        As in `auroc_score`.

    Warns
    -----
    UndefinedMetricWarning
        As in `auroc_score`.

    See Also
    --------
    auroc_score : Area under the ROC curve.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.metrics import auprc_score
    >>> y = np.array([[0, 1], [1, 0], [1, 1], [0, 0]])
    >>> score = np.array([[0.1, 0.7], [0.8, 0.3], [0.4, 0.2], [0.5, 0.1]])
    >>> auprc_score(y, score, average=None).round(2)
    array([0.83, 0.83])
    """
    columns = read_label_columns(y_true, y_score, labels=labels, sample_weight=sample_weight)
    return average_over_labels(
        _average_precision, columns, average, undefined=undefined, score_name="AUPRC"
    )


def _auroc(positive, score, weight):
    check_both_values(positive)
    return float(RankingMetrics(positive, score).roc_auc(weight[:, None])[0])


def _average_precision(positive, score, weight):
    check_both_values(positive)
    return float(RankingMetrics(positive, score).average_precision(weight[:, None])[0])

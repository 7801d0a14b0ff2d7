"""Sensitivity at a required specificity, and specificity at a required sensitivity."""

from numbers import Real

from sklearn.utils._param_validation import Interval, validate_params

from ._label_columns import (
    LABEL_METRIC_CONSTRAINTS,
    UNDEFINED_CONSTRAINT,
    average_over_labels,
    check_both_values,
    read_label_columns,
)
from ._ranking import RankingMetrics

_CONSTRAINTS = {**LABEL_METRIC_CONSTRAINTS, **UNDEFINED_CONSTRAINT, "y_score": ["array-like"]}
_RATE = [Interval(Real, 0, 1, closed="both")]
# Rates are quotients, which are rounded, and weights may be, too.
_TOLERANCE = 1e-10


@validate_params({**_CONSTRAINTS, "specificity": _RATE}, prefer_skip_nested_validation=True)
def sensitivity_at_specificity(
    y_true,
    y_score,
    *,
    specificity=0.9,
    average: str | None = "macro",
    undefined="warn",
    labels=None,
    sample_weight=None,
):
    """Compute the highest sensitivity among thresholds with at least a given specificity.

    Thresholds are the scores themselves, without interpolation of the ROC curve. The threshold is
    chosen on the same records, so that with few records the value is too optimistic for a threshold
    that is chosen in advance.

    Parameters
    ----------
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        Classes, or a multilabel indicator of 0 and 1. In a binary target, the larger class is
        positive.
    y_score : array-like of shape (n_records,), (n_records, n_labels) or (n_records, n_classes)
        Scores or probabilities, as in `auroc_score`.
    specificity : float, default=0.9
        The required specificity, in [0, 1].
    average : {"macro", "micro", "weighted"} or None, default="macro"
        Average over labels, as in `auroc_score`. With "macro" and "weighted", each label has its
        own threshold; with "micro", all labels have the same one.
    undefined : {"raise", "warn", "skip"}, default="warn"
        What to do with a label that is positive, or negative, in all records, as in `auroc_score`.
    labels : array-like of shape (n_classes,), default=None
        The classes of a binary or multiclass target, in sorted order.
    sample_weight : array-like of shape (n_records,), default=None
        Weights of the records, >= 0. Records of weight 0 are ignored.

    Returns
    -------
    score : float or ndarray of shape (n_labels,)
        Sensitivity, in [0, 1].

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
    specificity_at_sensitivity : With the roles exchanged.

    Examples
    --------
    >>> from sklearn_ecg.metrics import sensitivity_at_specificity
    >>> y = [0, 0, 0, 0, 1, 1, 1, 1]
    >>> score = [0.1, 0.2, 0.3, 0.6, 0.2, 0.5, 0.7, 0.8]
    >>> sensitivity_at_specificity(y, score, specificity=0.75)
    0.75
    """
    columns = read_label_columns(y_true, y_score, labels=labels, sample_weight=sample_weight)

    def metric(*label):
        sensitivities, specificities = _rates(*label)
        return float(sensitivities[specificities >= specificity - _TOLERANCE].max())

    return average_over_labels(
        metric, columns, average, undefined=undefined, score_name="The sensitivity"
    )


@validate_params({**_CONSTRAINTS, "sensitivity": _RATE}, prefer_skip_nested_validation=True)
def specificity_at_sensitivity(
    y_true,
    y_score,
    *,
    sensitivity=0.9,
    average: str | None = "macro",
    undefined="warn",
    labels=None,
    sample_weight=None,
):
    """Compute the highest specificity among thresholds with at least a given sensitivity.

    Thresholds are the scores themselves, without interpolation of the ROC curve. The threshold is
    chosen on the same records, so that with few records the value is too optimistic for a threshold
    that is chosen in advance.

    Parameters
    ----------
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        Classes, or a multilabel indicator of 0 and 1. In a binary target, the larger class is
        positive.
    y_score : array-like of shape (n_records,), (n_records, n_labels) or (n_records, n_classes)
        Scores or probabilities, as in `auroc_score`.
    sensitivity : float, default=0.9
        The required sensitivity, in [0, 1].
    average : {"macro", "micro", "weighted"} or None, default="macro"
        Average over labels, as in `sensitivity_at_specificity`.
    undefined : {"raise", "warn", "skip"}, default="warn"
        What to do with a label that is positive, or negative, in all records, as in `auroc_score`.
    labels : array-like of shape (n_classes,), default=None
        The classes of a binary or multiclass target, in sorted order.
    sample_weight : array-like of shape (n_records,), default=None
        Weights of the records, >= 0. Records of weight 0 are ignored.

    Returns
    -------
    score : float or ndarray of shape (n_labels,)
        Specificity, in [0, 1].

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
    sensitivity_at_specificity : With the roles exchanged.

    Examples
    --------
    >>> from sklearn_ecg.metrics import specificity_at_sensitivity
    >>> y = [0, 0, 0, 0, 1, 1, 1, 1]
    >>> score = [0.1, 0.2, 0.3, 0.6, 0.2, 0.5, 0.7, 0.8]
    >>> specificity_at_sensitivity(y, score, sensitivity=0.7)
    0.75
    """
    columns = read_label_columns(y_true, y_score, labels=labels, sample_weight=sample_weight)

    def metric(*label):
        sensitivities, specificities = _rates(*label)
        return float(specificities[sensitivities >= sensitivity - _TOLERANCE].max())

    return average_over_labels(
        metric, columns, average, undefined=undefined, score_name="The specificity"
    )


def _rates(positive, score, weight):
    check_both_values(positive)
    rates = RankingMetrics(positive, score).rates(weight[:, None])
    return (rate[:, 0] for rate in rates)

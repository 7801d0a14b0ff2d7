"""Net benefit of a threshold, for decision curves."""

from typing import Any

import numpy as np
from sklearn.utils._param_validation import validate_params

from ._label_columns import (
    LABEL_METRIC_CONSTRAINTS,
    average_over_labels,
    check_probabilities,
    read_label_columns,
)


@validate_params(
    {**LABEL_METRIC_CONSTRAINTS, "y_prob": ["array-like"], "threshold": ["array-like", float, int]},
    prefer_skip_nested_validation=True,
)
def net_benefit(
    y_true,
    y_prob,
    *,
    threshold: Any = 0.5,
    average: str | None = "macro",
    labels=None,
    sample_weight=None,
):
    """Compute the net benefit of treating the records with at least a given probability.

    With the threshold ``t``, the net benefit is ``TP / n - FP / n * t / (1 - t)``: the true
    positives per record, minus the false positives weighted by the odds of the threshold. The
    threshold says how many false positives are worth one true positive: 0.1 stands for nine.

    Parameters
    ----------
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        Classes, or a multilabel indicator of 0 and 1. In a binary target, the larger class is
        positive.
    y_prob : array-like of shape (n_records,), (n_records, n_labels) or (n_records, n_classes)
        Probabilities in [0, 1] of the positive class, of each label, or of each class of a
        multiclass target. Columns of DataFrames are matched by name, as in `auroc_score`.
    threshold : float or array-like of shape (n_thresholds,), default=0.5
        Probability, in [0, 1), from which a record is treated.
    average : {"macro", "micro", "weighted"} or None, default="macro"
        Average over labels, as in `auroc_score`.
    labels : array-like of shape (n_classes,), default=None
        The classes of a binary or multiclass target, in sorted order.
    sample_weight : array-like of shape (n_records,), default=None
        Weights of the records, >= 0. Records of weight 0 are ignored.

    Returns
    -------
    benefit : float or ndarray
        Net benefit, at most the prevalence of the label. An array of thresholds gives an array of
        shape (n_thresholds,), and ``average=None`` adds a last axis with the labels.

    Raises
    ------
    ValueError
        If a threshold is not in [0, 1), if probabilities are not in [0, 1], and as in
        `auroc_score`.

    See Also
    --------
    sklearn_ecg.inspection.DecisionCurveDisplay : Net benefit as a function of the threshold.

    Notes
    -----
    Compare with treating all records, whose net benefit is ``net_benefit(y_true,
    np.ones(len(y_true)), threshold=t)``, and with treating none, whose net benefit is 0. The
    probabilities must be calibrated: of a classifier that was trained with class weights or on
    resampled records, the threshold does not have this meaning.

    References
    ----------
    Vickers, Elkin (2006). Decision curve analysis: a novel method for evaluating prediction models.
    Medical Decision Making 26. doi:10.1177/0272989X06295361

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.metrics import net_benefit
    >>> y, probability = [0, 0, 1, 1], [0.1, 0.4, 0.3, 0.9]
    >>> net_benefit(y, probability, threshold=0.2)  # 2 / 4 - 1 / 4 * 0.2 / 0.8
    0.4375
    >>> net_benefit(y, np.ones(4), threshold=[0.2, 0.5])
    array([0.375, 0.   ])
    """
    thresholds = np.asarray(threshold)
    if thresholds.ndim > 1 or thresholds.dtype.kind not in "fiu":
        raise ValueError(f"threshold must be a number or a list of numbers, got {threshold!r}.")
    if not ((thresholds >= 0) & (thresholds < 1)).all():
        raise ValueError(f"threshold must be in [0, 1), got {threshold!r}.")
    columns = read_label_columns(
        y_true, y_prob, labels=labels, sample_weight=sample_weight, argument="y_prob"
    )
    check_probabilities(columns, "y_prob")

    def metric(positive, probability, weight):
        order = np.argsort(probability, kind="stable")
        first = np.searchsorted(probability[order], thresholds)
        true, false = (
            np.append(np.cumsum((weight * part)[order][::-1])[::-1], 0)[first]
            for part in (positive, ~positive)
        )
        benefit = (true - false * thresholds / (1 - thresholds)) / weight.sum()
        return benefit if thresholds.ndim else float(benefit)

    return average_over_labels(metric, columns, average)

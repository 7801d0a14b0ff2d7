"""Bootstrap intervals of a score, and of the difference between two scores."""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from ..utils._warnings import warn
from ._label_columns import check_scores, label_indicator
from ._matching import (
    as_array,
    as_label_array,
    check_same_columns,
    check_same_records,
    match_columns,
)
from ._ranking import MacroRankingMetric
from ._ranking_scores import auprc_score, auroc_score
from ._resampling import Resamples

_METRIC_NAMES = {
    roc_auc_score: "roc_auc",
    average_precision_score: "average_precision",
    auroc_score: "roc_auc",
    auprc_score: "average_precision",
}

BOOTSTRAP_CONSTRAINTS = {
    "metric": [callable, StrOptions(set(_METRIC_NAMES.values()))],
    "y_true": ["array-like"],
    "groups": ["array-like", None],
    "n_resamples": [Interval(Integral, 1, None, closed="left")],
    "confidence_level": [Interval(Real, 0, 1, closed="neither")],
    "random_state": ["random_state"],
}


class ScoreInterval(NamedTuple):
    """A score with its confidence interval.

    Attributes
    ----------
    score : float
        The metric on all records.
    low, high : float
        The ends of the interval. NaN if there is no interval.
    """

    score: float
    low: float
    high: float

    def __str__(self):
        # A hyphen before a negative number would look like two minus signs.
        separator = ", " if min(self.low, self.high) < 0 else "-"
        return f"{self.score:.3f} [{self.low:.3f}{separator}{self.high:.3f}]"


@validate_params(
    {**BOOTSTRAP_CONSTRAINTS, "y_score": ["array-like"]}, prefer_skip_nested_validation=True
)
def bootstrap_interval(
    metric,
    y_true,
    y_score,
    *,
    groups=None,
    n_resamples=1000,
    confidence_level=0.95,
    random_state=None,
):
    """Compute the percentile bootstrap interval of a metric, by patient if groups are given.

    Records of one patient resemble each other. An interval that resamples such records one by one
    is too narrow; with ``groups``, whole patients are resampled. For a binary or multiclass target,
    patients (or records) are resampled within strata of their label, so that every resample has the
    same number of each; a patient whose records have different labels belongs to the stratum of the
    largest one. A resample that does not contain every class, or both values of every label of a
    multilabel target, is drawn again. There are no strata for a multilabel or a continuous target,
    such as an age: numbers are continuous if some of them have fractions or if more than 30 of them
    are different, and classes otherwise.

    Parameters
    ----------
    metric : {"roc_auc", "average_precision"} or callable
        Metric to compute. The named metrics are computed on all resamples at once, for a binary
        target or, averaged over the labels, for a multilabel target. The functions
        `sklearn.metrics.roc_auc_score`, `sklearn.metrics.average_precision_score`, `auroc_score`
        and `auprc_score` are replaced by the named metrics where the result is the same. Any other
        callable is called as ``metric(y_true, y_score)`` for each resample and must return a float.
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        True labels, or numbers for a callable metric of regression. In a binary target, the larger
        label is the positive one.
    y_score : array-like of shape (n_records,), (n_records, n_labels) or (n_records, n_classes)
        Out-of-fold scores or predictions for the same records in the same order. If it and
        ``y_true`` are DataFrames with named columns, the columns are matched by name.
    groups : array-like of shape (n_records,), default=None
        Patient of each record. None resamples records.
    n_resamples : int, default=1000
        Number of resamples, >= 1.
    confidence_level : float, default=0.95
        Confidence level of the interval, in (0, 1).
    random_state : int, RandomState instance or None, default=None
        Determines the resamples. Pass an int for reproducible intervals.

    Returns
    -------
    interval : ScoreInterval
        Named tuple ``(score, low, high)``.

    Raises
    ------
    ValueError
        If the lengths or the names of columns differ, if the index of a Series or DataFrame shows
        that records are in different orders, if a named metric cannot be computed from the labels
        or the scores, if a patient is missing, or if a label is too rare to be part of every
        resample.

    Warns
    -----
    UserWarning
        If ``groups`` has fewer than 10 patients, whose interval is too narrow. If a class has a
        single patient (or record): it is part of every resample, and the interval does not show how
        much the score depends on it.
    UndefinedMetricWarning
        If all resamples are equal, such as those of a single patient, or if the metric is NaN for
        a resample. The ends of the interval are then NaN.

    See Also
    --------
    bootstrap_difference : Interval of the difference between two scores on the same records.
    label_table : Scores and intervals of each label.

    Notes
    -----
    As in scikit-learn, records are matched by position. An index is only used to find mistakes:
    indexes that have the same values in different orders raise an error, and so do indexes that
    overlap, unless one of them is just numbered from 0.

    References
    ----------
    Efron, Tibshirani (1993). An introduction to the bootstrap.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.metrics import bootstrap_interval
    >>> rng = np.random.RandomState(0)
    >>> y = np.arange(200) % 2
    >>> score = y + rng.randn(200)
    >>> print(bootstrap_interval("roc_auc", y, score, random_state=0))
    0.781 [0.712-0.840]
    >>> patients = np.arange(200) // 4
    >>> print(bootstrap_interval("roc_auc", y, score, groups=patients, random_state=0))
    0.781 [0.718-0.841]
    """
    y_true, y_scores = check_bootstrap_input(y_true, {"y_score": y_score}, groups)
    ((score, resampled_scores),) = bootstrap_scores(
        metric, y_true, y_scores, groups, n_resamples, random_state
    )
    return ScoreInterval(score, *percentile_interval(resampled_scores, confidence_level))


@validate_params(
    {**BOOTSTRAP_CONSTRAINTS, "y_score_a": ["array-like"], "y_score_b": ["array-like"]},
    prefer_skip_nested_validation=True,
)
def bootstrap_difference(
    metric,
    y_true,
    y_score_a,
    y_score_b,
    *,
    groups=None,
    n_resamples=1000,
    confidence_level=0.95,
    random_state=None,
):
    """Compute the percentile bootstrap interval of ``metric(a) - metric(b)`` on the same records.

    Both metrics are computed on the same resamples, so that the variation they share cancels. The
    result is the interval of the difference, which cannot be derived from the intervals of the two
    scores. Resamples are drawn as in `bootstrap_interval`.

    Parameters
    ----------
    metric : {"roc_auc", "average_precision"} or callable
        Metric to compute, as in `bootstrap_interval`.
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        True labels. In a binary target, the larger label is the positive one.
    y_score_a, y_score_b : array-like of shape (n_records,), (n_records, n_labels) or \
            (n_records, n_classes)
        Out-of-fold scores or predictions of the two estimators, for the same records in the same
        order. Columns of DataFrames are matched by name, as in `bootstrap_interval`.
    groups : array-like of shape (n_records,), default=None
        Patient of each record. None resamples records.
    n_resamples : int, default=1000
        Number of resamples, >= 1.
    confidence_level : float, default=0.95
        Confidence level of the interval, in (0, 1).
    random_state : int, RandomState instance or None, default=None
        Determines the resamples. Pass an int for reproducible intervals.

    Returns
    -------
    interval : ScoreInterval
        Named tuple ``(score, low, high)``, where ``score`` is the difference on all records.

    Raises
    ------
    ValueError
        As in `bootstrap_interval`.

    Warns
    -----
    UserWarning, UndefinedMetricWarning
        As in `bootstrap_interval`.

    See Also
    --------
    delong_test : Test for AUROC on independent records, without resampling.

    References
    ----------
    Efron, Tibshirani (1993). An introduction to the bootstrap.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.metrics import bootstrap_difference
    >>> rng = np.random.RandomState(0)
    >>> y = np.arange(200) % 2
    >>> shared = y + rng.randn(200)
    >>> a, b = shared + 0.2 * rng.randn(200), shared + 1.0 * rng.randn(200)
    >>> print(bootstrap_difference("roc_auc", y, a, b, random_state=0))
    0.065 [0.012-0.117]
    """
    y_scores = {"y_score_a": y_score_a, "y_score_b": y_score_b}
    y_true, y_scores = check_bootstrap_input(y_true, y_scores, groups)
    (score_a, resampled_a), (score_b, resampled_b) = bootstrap_scores(
        metric, y_true, y_scores, groups, n_resamples, random_state
    )
    ends = percentile_interval(resampled_a - resampled_b, confidence_level)
    return ScoreInterval(score_a - score_b, *ends)


def check_bootstrap_input(y_true, y_scores, groups):
    """Return labels and scores as arrays, with columns in the order of the labels."""
    check_same_records(y_true=y_true, **y_scores, groups=groups)
    check_consistent_length(y_true, *y_scores.values(), groups)
    check_same_columns(y_true, y_scores)
    y_scores = {
        argument: as_array(match_columns(y_true, y_score, argument), argument)
        for argument, y_score in y_scores.items()
    }
    return as_label_array(y_true), y_scores


def bootstrap_scores(metric, y_true, y_scores, groups, n_resamples, random_state):
    """Return the metric on all records and on every resample, for each array of scores."""
    rng = check_random_state(random_state)
    resamples = Resamples(y_true, groups, n_resamples, rng)
    metrics = [
        metric_of_counts(metric, y_true, y_score, argument)
        for argument, y_score in y_scores.items()
    ]
    return evaluate_on_resamples(metrics, resamples)


def evaluate_on_resamples(metrics, resamples):
    """Evaluate metrics on all records and on every resample.

    Parameters
    ----------
    metrics : iterable of callable
        Each takes counts of shape (n_records, n_resamples) and returns one score per column.
    resamples : Resamples

    Returns
    -------
    scores : list of (float, ndarray of shape (n_resamples,))
        One pair per metric. If all resamples are equal, the second array holds NaN.
    """
    resampled = [[metric(counts) for metric in metrics] for counts in resamples]
    resamples.warn_if_equal()
    all_records = np.ones((resamples.n_records, 1))
    results = []
    for metric, parts in zip(metrics, zip(*resampled)):
        scores = np.concatenate(parts)
        n_undefined = np.count_nonzero(np.isnan(scores))
        if not resamples.differ:
            scores = np.full(len(scores), np.nan)
        elif n_undefined:
            warn(
                f"The metric is NaN for {n_undefined} of {len(scores)} resamples. Its interval is "
                "undefined and set to NaN.",
                UndefinedMetricWarning,
            )
        results.append((float(metric(all_records)[0]), scores))
    if not any(np.isnan(scores).any() for _, scores in results):
        resamples.warn_if_few()
    return results


def percentile_interval(scores, confidence_level):
    """Return the ends of the percentile interval of resampled scores, NaN if any score is NaN."""
    tail = (1 - confidence_level) / 2
    low, high = np.quantile(scores, [tail, 1 - tail])
    return float(low), float(high)


def metric_of_counts(metric, y_true, y_score, argument):
    """Return a function from counts (n_records, n_resamples) to the metric of each resample."""
    name = metric if isinstance(metric, str) else _METRIC_NAMES.get(metric)
    if name is None:
        return loop_over_resamples(metric, y_true, y_score)
    try:
        positive = label_indicator(y_true)
        scores = check_scores(positive, y_score, argument)
    except ValueError:
        if isinstance(metric, str):
            raise
        return loop_over_resamples(metric, y_true, y_score)
    if metric is average_precision_score and not (y_true[positive.any(axis=1)] == 1).any():
        # scikit-learn's function requires a positive label of 1, and raises otherwise.
        return loop_over_resamples(metric, y_true, y_score)
    return MacroRankingMetric(name, positive, scores.reshape(positive.shape))


def loop_over_resamples(metric, y_true, y_score):
    """Return a function from counts to scores that calls a metric once per resample."""
    positions = np.arange(len(y_true))

    def scores(counts):
        indices = (np.repeat(positions, column) for column in counts.T.astype(np.intp))
        return np.array([metric(y_true[index], y_score[index]) for index in indices], dtype=float)

    return scores

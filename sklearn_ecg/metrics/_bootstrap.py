"""Bootstrap intervals of a score, and of the difference between two scores."""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from ._ranking import MacroRankingMetric
from ._resampling import Resamples

_METRIC_NAMES = {roc_auc_score: "roc_auc", average_precision_score: "average_precision"}

_BOOTSTRAP_CONSTRAINTS = {
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
        The ends of the interval.
    """

    score: float
    low: float
    high: float

    def __str__(self):
        # A hyphen before a negative number would look like two minus signs.
        separator = "-" if min(self.low, self.high) >= 0 else ", "
        return f"{self.score:.3f} [{self.low:.3f}{separator}{self.high:.3f}]"


@validate_params(
    {**_BOOTSTRAP_CONSTRAINTS, "y_score": ["array-like"]}, prefer_skip_nested_validation=True
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
    largest one. For a multilabel target there are no strata. A resample that does not contain every
    class, or both values of every label of a multilabel target, is drawn again.

    Parameters
    ----------
    metric : {"roc_auc", "average_precision"} or callable
        Metric to compute. The named metrics are computed on all resamples at once, for a binary
        target or, averaged over the labels, for a multilabel target. The functions
        `sklearn.metrics.roc_auc_score` and `sklearn.metrics.average_precision_score` are replaced
        by the named metrics where the result is the same. Any other callable is called as
        ``metric(y_true, y_score)`` for each resample and must return a float.
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        True labels. In a binary target, the larger label is the positive one.
    y_score : array-like of shape (n_records,), (n_records, n_labels) or (n_records, n_classes)
        Out-of-fold scores or predictions for the same records.
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
        If the lengths differ, if a named metric cannot be computed from the labels or the scores,
        if a patient is missing, or if a label is too rare to be part of every resample.

    Warns
    -----
    UserWarning
        If a class has a single patient (or record). It is part of every resample, and the interval
        does not show how much the score depends on it.

    See Also
    --------
    bootstrap_difference : Interval of the difference between two scores on the same records.
    label_table : Scores and intervals of each label.

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
    y_true, y_score = np.asarray(y_true), np.asarray(y_score)
    check_consistent_length(y_true, y_score, groups)
    ((score, resampled_scores),) = _bootstrap(
        metric, y_true, {"y_score": y_score}, groups, n_resamples, random_state
    )
    return ScoreInterval(score, *percentile_interval(resampled_scores, confidence_level))


@validate_params(
    {**_BOOTSTRAP_CONSTRAINTS, "y_score_a": ["array-like"], "y_score_b": ["array-like"]},
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
        order.
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
    UserWarning
        If a class has a single patient (or record), as in `bootstrap_interval`.

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
    y_true, y_score_a, y_score_b = map(np.asarray, (y_true, y_score_a, y_score_b))
    check_consistent_length(y_true, y_score_a, y_score_b, groups)
    y_scores = {"y_score_a": y_score_a, "y_score_b": y_score_b}
    (score_a, resampled_a), (score_b, resampled_b) = _bootstrap(
        metric, y_true, y_scores, groups, n_resamples, random_state
    )
    ends = percentile_interval(resampled_a - resampled_b, confidence_level)
    return ScoreInterval(score_a - score_b, *ends)


def _bootstrap(metric, y_true, y_scores, groups, n_resamples, random_state):
    """Return the metric on all records and on every resample, for each array of scores."""
    rng = check_random_state(random_state)
    resamples = Resamples(y_true, groups, n_resamples, rng)
    metrics = [
        _metric_of_counts(metric, y_true, y_score, argument)
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
        One pair per metric.
    """
    resampled = [[metric(counts) for metric in metrics] for counts in resamples]
    all_records = np.ones((resamples.n_records, 1))
    return [
        (float(metric(all_records)[0]), np.concatenate(parts))
        for metric, parts in zip(metrics, zip(*resampled))
    ]


def percentile_interval(scores, confidence_level):
    """Return the ends of the percentile interval of resampled scores."""
    tail = (1 - confidence_level) / 2
    low, high = np.quantile(scores, [tail, 1 - tail])
    return float(low), float(high)


def _metric_of_counts(metric, y_true, y_score, argument):
    """Return a function from counts (n_records, n_resamples) to the metric of each resample."""
    name = metric if isinstance(metric, str) else _METRIC_NAMES.get(metric)
    if name is None:
        return _loop_over_resamples(metric, y_true, y_score)
    try:
        positive = label_indicator(y_true)
        scores = check_scores(positive, y_score, argument)
    except ValueError:
        if isinstance(metric, str):
            raise
        return _loop_over_resamples(metric, y_true, y_score)
    if metric is average_precision_score and not (y_true[positive.any(axis=1)] == 1).any():
        # scikit-learn's function requires a positive label of 1, and raises otherwise.
        return _loop_over_resamples(metric, y_true, y_score)
    return MacroRankingMetric(name, positive, scores.reshape(positive.shape))


def _loop_over_resamples(metric, y_true, y_score):
    """Return a function from counts to scores that calls a metric once per resample."""
    positions = np.arange(len(y_true))

    def scores(counts):
        indices = (np.repeat(positions, column) for column in counts.T.astype(np.intp))
        return np.array([metric(y_true[index], y_score[index]) for index in indices], dtype=float)

    return scores


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

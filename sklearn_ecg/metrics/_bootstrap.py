"""Bootstrap intervals of a score, and of the difference of two."""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from ._ranking import MacroRanking
from ._resampling import Resamples

_NAMES = {roc_auc_score: "roc_auc", average_precision_score: "average_precision"}

_CONSTRAINTS = {
    "metric": [callable, StrOptions(set(_NAMES.values()))],
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
        between = "-" if min(self.low, self.high) >= 0 else ", "  # a minus is no dash
        return f"{self.score:.3f} [{self.low:.3f}{between}{self.high:.3f}]"


@validate_params({**_CONSTRAINTS, "y_score": ["array-like"]}, prefer_skip_nested_validation=True)
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
    """Percentile bootstrap interval of a metric, stratified, by patient where groups are given.

    Records of one patient resemble one another. Drawn one by one they make an interval too
    narrow; with ``groups`` whole patients are drawn. Of labels in one column, patients (or
    records) are drawn within strata of their label, so that every resample holds as many of each; a
    patient whose records differ counts by the largest label. Multilabel patients are drawn
    without strata. A resample that would lack a label, or one value of a label of a multilabel
    target, is drawn again.

    Parameters
    ----------
    metric : {"roc_auc", "average_precision"} or callable
        By name, the metric of all resamples is computed at once, for a binary target or, as the
        mean over labels, for a multilabel one. `sklearn.metrics.roc_auc_score` and
        `sklearn.metrics.average_precision_score` themselves are taken for their names where
        this gives the same. Any other ``metric(y_true, y_score)`` that gives a float is called for
        each resample.
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        True labels. Of a binary target the larger one is positive.
    y_score : array-like of shape (n_records,), (n_records, n_labels) or (n_records, n_classes)
        Scores or predictions of the same records, out of fold.
    groups : array-like of shape (n_records,), default=None
        Patients.
    n_resamples : int, default=1000
        Number of resamples, >= 1.
    confidence_level : float, default=0.95
        In (0, 1).
    random_state : int, RandomState instance or None, default=None
        Seeds the resamples.

    Returns
    -------
    interval : ScoreInterval
        Named tuple ``(score, low, high)``.

    Raises
    ------
    ValueError
        When the lengths differ, a metric by name does not fit the labels or their scores, or a
        label is too rare for resamples that hold both its values.

    Warns
    -----
    UserWarning
        When a class has a single patient (or record): it is in every resample, and the interval
        does not show how much the score depends on it.

    See Also
    --------
    bootstrap_difference : Interval of the difference of two scores on the same records.
    label_table : Intervals for each label.

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
    ((score, scores),) = _bootstrap(
        metric, y_true, {"y_score": y_score}, groups, n_resamples, random_state
    )
    return ScoreInterval(score, *percentiles(scores, confidence_level))


@validate_params(
    {**_CONSTRAINTS, "y_score_a": ["array-like"], "y_score_b": ["array-like"]},
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
    """Percentile bootstrap interval of ``metric(a) - metric(b)`` on the same records.

    Both metrics are computed on the same resamples, so that what makes a resample easy or
    hard for both cancels: the interval is that of the difference, which the intervals of the two
    scores do not tell. Resamples are drawn as in `bootstrap_interval`.

    Parameters
    ----------
    metric : {"roc_auc", "average_precision"} or callable
        As in `bootstrap_interval`.
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        True labels.
    y_score_a, y_score_b : array-like of shape (n_records,), (n_records, n_labels) or \
            (n_records, n_classes)
        Scores or predictions of the two estimators, of the same records in the same order.
    groups : array-like of shape (n_records,), default=None
        Patients.
    n_resamples : int, default=1000
        Number of resamples, >= 1.
    confidence_level : float, default=0.95
        In (0, 1).
    random_state : int, RandomState instance or None, default=None
        Seeds the resamples.

    Returns
    -------
    interval : ScoreInterval
        Named tuple ``(score, low, high)``; ``score`` is the difference on all records.

    Raises
    ------
    ValueError
        As in `bootstrap_interval`.

    Warns
    -----
    UserWarning
        When a class has a single patient (or record).

    See Also
    --------
    delong_test : For AUROC and independent records, without resampling.

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
    scores = {"y_score_a": y_score_a, "y_score_b": y_score_b}
    (a, resampled_a), (b, resampled_b) = _bootstrap(
        metric, y_true, scores, groups, n_resamples, random_state
    )
    return ScoreInterval(a - b, *percentiles(resampled_a - resampled_b, confidence_level))


def _bootstrap(metric, y_true, y_scores, groups, n_resamples, random_state):
    """For each array of scores, the metric on all records and on every resample."""
    rng = check_random_state(random_state)
    # Counted from the caller of a public function, which scikit-learn wraps once.
    resamples = Resamples(y_true, groups, n_resamples, rng)
    metrics = [_of_counts(metric, y_true, score, name) for name, score in y_scores.items()]
    return on_resamples(metrics, resamples)


def on_resamples(metrics, resamples):
    """Of each metric, a function of counts: its score on all records, those on every resample."""
    resampled = [[metric(counts) for metric in metrics] for counts in resamples]
    everything = np.ones((resamples.n_records, 1))
    return [
        (float(metric(everything)[0]), np.concatenate(parts))
        for metric, parts in zip(metrics, zip(*resampled))
    ]


def percentiles(scores, confidence_level):
    tail = (1 - confidence_level) / 2
    low, high = np.quantile(scores, [tail, 1 - tail])
    return float(low), float(high)


def _of_counts(metric, y_true, y_score, argument):
    """A function from counts (n_records, n_resamples) to the metric of each resample."""
    name = metric if isinstance(metric, str) else _NAMES.get(metric)
    if name is None:
        return _called(metric, y_true, y_score)
    try:
        positive = positive_labels(y_true)
        scores = check_scores(positive, y_score, argument)
    except ValueError:
        if isinstance(metric, str):
            raise
        return _called(metric, y_true, y_score)
    if metric is average_precision_score and not (y_true[positive.any(axis=1)] == 1).any():
        # scikit-learn wants the positive label to be 1, and says so.
        return _called(metric, y_true, y_score)
    return MacroRanking(name, positive, scores.reshape(positive.shape))


def _called(metric, y_true, y_score):
    record = np.arange(len(y_true))

    def scores(counts):
        indices = (np.repeat(record, column) for column in counts.T.astype(np.intp))
        return np.array([metric(y_true[index], y_score[index]) for index in indices], dtype=float)

    return scores


def positive_labels(y_true):
    """Where labels are positive, (n_records, n_labels), with one column for a binary target."""
    if y_true.ndim == 2 and y_true.shape[1] > 1:
        if not np.isin(y_true, (0, 1)).all():
            raise ValueError(
                "y_true of shape (n_records, n_labels) must be a multilabel indicator of 0 and 1. "
                "Pass the indicator, or a single column of labels."
            )
        return y_true == 1
    if y_true.ndim != 1:
        raise ValueError(
            f"y_true must have the shape (n_records,) or (n_records, n_labels) with two labels or "
            f"more, got {y_true.shape}."
        )
    labels = np.unique(y_true)
    if len(labels) != 2:
        given = ", ".join(map(str, labels[:5])) + (", ..." if len(labels) > 5 else "")
        raise ValueError(
            f"y_true must have two labels, got {len(labels)}: {given}. Of several classes pass an "
            "indicator (sklearn.preprocessing.label_binarize) and a column of scores for each."
        )
    return (y_true == labels[1])[:, None]


def check_scores(positive, y_score, argument="y_score"):
    """The scores in float64; raise unless there is a number for each label of each record."""
    expected = positive.shape if positive.shape[1] > 1 else (len(positive),)
    if y_score.shape != expected:
        hint = ""
        if y_score.shape == (len(positive), 2):
            hint = f" Pass the column of the positive class, {argument}[:, 1]."
        raise ValueError(
            f"{argument} must have the shape {expected}, a score for each label of each record, "
            f"got {y_score.shape}.{hint}"
        )
    if y_score.dtype.kind not in "fiub":
        raise ValueError(
            f"{argument} must hold numbers, got dtype {y_score.dtype}. Pass scores or "
            "probabilities."
        )
    # Unsigned numbers and booleans have no negatives, which put the highest first.
    return y_score.astype(np.float64)

"""How sure a measured score is."""

import warnings
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, validate_params

__all__ = ["ScoreInterval", "bootstrap_interval"]


# Draws of a resample before a label counts as too rare.
_MAX_DRAWS = 100


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
        return f"{self.score:.3f} [{self.low:.3f}-{self.high:.3f}]"


@validate_params(
    {
        "metric": [callable],
        "y_true": ["array-like"],
        "y_score": ["array-like"],
        "groups": ["array-like", None],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
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
    """Percentile bootstrap interval of a metric, stratified, by patient where groups are given.

    Records of one patient resemble one another. Drawn one by one they make an interval too
    narrow; with ``groups`` whole patients are drawn. Of labels in one column, patients (or
    records) are drawn within strata of their label, so that every resample holds as many of each; a
    patient whose records differ counts by the largest label. Multilabel patients are drawn
    without strata, again where a label would be left with one value only.

    Parameters
    ----------
    metric : callable
        ``metric(y_true, y_score)`` gives a float, for example
        `sklearn.metrics.roc_auc_score`.
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        True labels.
    y_score : array-like of shape (n_records,) or (n_records, n_classes)
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
        When the lengths differ, or a label of a multilabel ``y_true`` is too rare for resamples
        that hold both its values.

    Warns
    -----
    UserWarning
        When a class has a single patient (or record): it is in every resample, and the interval
        does not show how much the score depends on it.

    References
    ----------
    Efron, Tibshirani (1993). An introduction to the bootstrap.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.metrics import roc_auc_score
    >>> from sklearn_ecg.metrics import bootstrap_interval
    >>> rng = np.random.RandomState(0)
    >>> y = np.arange(200) % 2
    >>> score = y + rng.randn(200)
    >>> print(bootstrap_interval(roc_auc_score, y, score, random_state=0))
    0.781 [0.718-0.843]
    >>> patients = np.arange(200) // 4
    >>> print(bootstrap_interval(roc_auc_score, y, score, groups=patients, random_state=0))
    0.781 [0.722-0.842]
    """
    y_true, y_score = np.asarray(y_true), np.asarray(y_score)
    check_consistent_length(y_true, y_score, groups)
    rng = check_random_state(random_state)
    if groups is None:
        units = [np.array([i]) for i in range(len(y_true))]
    else:
        _, number = np.unique(column_or_1d(groups), return_inverse=True)
        units = np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number))[:-1])
    strata = _strata(y_true, units)
    scores = np.empty(n_resamples)
    for i in range(n_resamples):
        index = _draw(y_true, units, strata, rng)
        scores[i] = metric(y_true[index], y_score[index])
    tail = (1 - confidence_level) / 2
    low, high = np.quantile(scores, [tail, 1 - tail])
    return ScoreInterval(float(metric(y_true, y_score)), float(low), float(high))


def _strata(y_true, units):
    """Numbers of the units of each label; one stratum for a multilabel target."""
    if y_true.ndim > 1:
        return [np.arange(len(units))]
    _, label = np.unique(y_true, return_inverse=True)
    label_of_unit = np.array([label[unit].max() for unit in units])
    strata = [np.flatnonzero(label_of_unit == value) for value in np.unique(label_of_unit)]
    if len(strata) > 1 and min(map(len, strata)) == 1:
        warnings.warn(
            "A class has a single patient (or record). It is in every resample, and the interval "
            "does not show how much the score depends on it.",
            UserWarning,
            stacklevel=4,
        )
    return strata


def _draw(y_true, units, strata, rng):
    """Records of one resample, in which every label of a multilabel target has both values."""
    for _ in range(_MAX_DRAWS):
        drawn = [members[rng.randint(len(members), size=len(members))] for members in strata]
        index = np.concatenate([units[unit] for unit in np.concatenate(drawn)])
        drawn_labels = y_true[index]
        if y_true.ndim == 1 or (drawn_labels.min(axis=0) < drawn_labels.max(axis=0)).all():
            return index
    rare = int(np.argmin(np.minimum(y_true.mean(axis=0), 1 - y_true.mean(axis=0))))
    raise ValueError(
        f"y_true: label {rare} is so rare that {_MAX_DRAWS} resamples lacked one of its values. "
        "Leave it out, or pass more records."
    )

"""DeLong's variance of AUROC, and his test of two AUROCs on the same records."""

from numbers import Real
from typing import NamedTuple

import numpy as np
from scipy.stats import norm, rankdata
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import assert_all_finite, check_consistent_length
from sklearn.utils._param_validation import Interval, validate_params

from ..utils._warnings import warn
from ._bootstrap import ScoreInterval, check_scores, positive_labels


class DeLongResult(NamedTuple):
    """Two AUROCs on the same records, and how sure their difference is.

    Attributes
    ----------
    auroc_a, auroc_b : float
        The areas under the two ROC curves.
    difference : float
        ``auroc_a - auroc_b``.
    standard_error : float
        Of the difference.
    z : float
        ``difference / standard_error``.
    p_value : float
        Two-sided.
    low, high : float
        The ends of the difference's confidence interval.
    """

    auroc_a: float
    auroc_b: float
    difference: float
    standard_error: float
    z: float
    p_value: float
    low: float
    high: float


_LEVEL = {"confidence_level": [Interval(Real, 0, 1, closed="neither")]}


@validate_params(
    {"y_true": ["array-like"], "y_score": ["array-like"], **_LEVEL},
    prefer_skip_nested_validation=True,
)
def delong_interval(y_true, y_score, *, confidence_level=0.95):
    """AUROC with the interval of its normal approximation, by DeLong's variance.

    It assumes that **records are independent**. With several records of a patient it is too narrow:
    use `bootstrap_interval` with ``groups``. Its ends are cut at 0 and 1; near 1 a bootstrap
    interval, which is not symmetric, fits better.

    Parameters
    ----------
    y_true : array-like of shape (n_records,)
        Two labels, of which the larger is positive; at least two records of each.
    y_score : array-like of shape (n_records,)
        Scores.
    confidence_level : float, default=0.95
        In (0, 1).

    Returns
    -------
    interval : ScoreInterval
        Named tuple ``(score, low, high)``.

    Raises
    ------
    ValueError
        When the lengths differ, there are not two labels with two records each, or scores are not
        finite.

    See Also
    --------
    delong_test : Compares two AUROCs.

    References
    ----------
    DeLong, DeLong, Clarke-Pearson (1988). Comparing the areas under two or more correlated
    receiver operating characteristic curves: a nonparametric approach. Biometrics 44(3).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.metrics import delong_interval
    >>> y = np.arange(200) % 2
    >>> score = y + np.random.RandomState(0).randn(200)
    >>> print(delong_interval(y, score))
    0.781 [0.719-0.844]
    """
    positive, (y_score,) = _check(y_true, y_score=y_score)
    auroc, of_positives, of_negatives = _placements(positive, y_score)
    error = _standard_error(of_positives, of_negatives)
    half = norm.ppf((1 + confidence_level) / 2) * error
    return ScoreInterval(auroc, float(max(auroc - half, 0.0)), float(min(auroc + half, 1.0)))


@validate_params(
    {"y_true": ["array-like"], "y_score_a": ["array-like"], "y_score_b": ["array-like"], **_LEVEL},
    prefer_skip_nested_validation=True,
)
def delong_test(y_true, y_score_a, y_score_b, *, confidence_level=0.95):
    """DeLong's test of two AUROCs on the same records.

    It assumes that **records are independent**. With several records of a patient its p-values are
    too small: use `bootstrap_difference` with ``groups``.

    Parameters
    ----------
    y_true : array-like of shape (n_records,)
        Two labels, of which the larger is positive; at least two records of each.
    y_score_a, y_score_b : array-like of shape (n_records,)
        Scores of the two estimators, of the same records in the same order.
    confidence_level : float, default=0.95
        Of the difference's interval, in (0, 1).

    Returns
    -------
    result : DeLongResult
        Named tuple ``(auroc_a, auroc_b, difference, standard_error, z, p_value, low, high)``.
        Scores that rank the records alike have difference 0, ``z`` 0 and ``p_value`` 1 by
        convention.

    Raises
    ------
    ValueError
        When the lengths differ, there are not two labels with two records each, or scores are not
        finite.

    Warns
    -----
    UndefinedMetricWarning
        When the AUROCs differ and yet the standard error is 0, as with 1 and 0: ``z`` is infinite
        and the test tells nothing.

    See Also
    --------
    bootstrap_difference : For any metric, and for several records of a patient.

    Notes
    -----
    Placement values come from midranks [2]_, in n log n steps.

    References
    ----------
    .. [1] DeLong, DeLong, Clarke-Pearson (1988). Comparing the areas under two or more correlated
       receiver operating characteristic curves: a nonparametric approach. Biometrics 44(3).
    .. [2] Sun, Xu (2014). Fast implementation of DeLong's algorithm for comparing the areas under
       correlated receiver operating characteristic curves. IEEE Signal Processing Letters 21(11).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.metrics import delong_test
    >>> rng = np.random.RandomState(0)
    >>> y = np.arange(200) % 2
    >>> shared = y + rng.randn(200)
    >>> a, b = shared + 0.2 * rng.randn(200), shared + 1.0 * rng.randn(200)
    >>> result = delong_test(y, a, b)
    >>> print(f"{result.difference:.3f} [{result.low:.3f}, {result.high:.3f}]")
    0.065 [0.011, 0.119]
    >>> delong_test(np.ones(200), a, b)
    Traceback (most recent call last):
        ...
    ValueError: y_true must have two labels, got 1: 1.0. ...
    """
    positive, scores = _check(y_true, y_score_a=y_score_a, y_score_b=y_score_b)
    (auroc_a, *of_a), (auroc_b, *of_b) = (_placements(positive, score) for score in scores)
    difference = auroc_a - auroc_b
    # From the differences of the placements, so that equal rankings have an error of exactly 0.
    error = _standard_error(*(a - b for a, b in zip(of_a, of_b)))
    if error > 0:
        z = difference / error
    else:
        z = 0.0 if difference == 0 else np.copysign(np.inf, difference)
        if difference != 0:
            warn(
                f"The AUROCs {auroc_a:.3f} and {auroc_b:.3f} differ, but DeLong's standard error "
                "is 0: neither varies over these records, and the test tells nothing.",
                UndefinedMetricWarning,
            )
    half = norm.ppf((1 + confidence_level) / 2) * error
    return DeLongResult(
        auroc_a,
        auroc_b,
        difference,
        error,
        float(z),
        float(2 * norm.sf(abs(z))),
        float(difference - half),
        float(difference + half),
    )


def _check(y_true, **scores):
    """Where records are positive, and the arrays of scores."""
    y_true = np.asarray(y_true)
    scores = {name: np.asarray(values) for name, values in scores.items()}
    check_consistent_length(y_true, *scores.values())
    if y_true.ndim != 1:
        raise ValueError(
            f"y_true must have the shape (n_records,), got {y_true.shape}. Test each label on its "
            "own."
        )
    positive = positive_labels(y_true)
    for name, values in scores.items():
        scores[name] = check_scores(positive, values, name)
        assert_all_finite(scores[name], input_name=name)
    positive = positive[:, 0]
    if min(positive.sum(), (~positive).sum()) < 2:
        raise ValueError(
            f"y_true has {positive.sum()} positive and {(~positive).sum()} negative records. A "
            "variance needs at least two of each."
        )
    return positive, list(scores.values())


def _placements(positive, score):
    """AUROC, share of negatives below each positive, and of positives above each negative."""
    rank = rankdata(score)
    n_positive = positive.sum()
    n_negative = len(score) - n_positive
    of_positives = (rank[positive] - rankdata(score[positive])) / n_negative
    of_negatives = 1 - (rank[~positive] - rankdata(score[~positive])) / n_positive
    return float(of_positives.mean()), of_positives, of_negatives


def _standard_error(of_positives, of_negatives):
    variances = [values.var(ddof=1) / len(values) for values in (of_positives, of_negatives)]
    return float(np.sqrt(sum(variances)))

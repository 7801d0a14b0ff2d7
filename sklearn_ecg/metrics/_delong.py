"""DeLong's variance of the AUROC, and the test of two AUROCs on the same records."""

from numbers import Real
from typing import NamedTuple

import numpy as np
from scipy.stats import norm, rankdata
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import assert_all_finite, check_consistent_length
from sklearn.utils._param_validation import Interval, validate_params

from ..utils._warnings import warn
from ._bootstrap import ScoreInterval
from ._label_columns import check_scores, label_indicator
from ._matching import as_array, as_label_array, check_same_records


class DeLongResult(NamedTuple):
    """Two AUROCs on the same records, and the uncertainty of their difference.

    Attributes
    ----------
    auroc_a, auroc_b : float
        The areas under the two ROC curves.
    difference : float
        ``auroc_a - auroc_b``.
    standard_error : float
        Standard error of the difference.
    z : float
        ``difference / standard_error``.
    p_value : float
        Two-sided p-value.
    low, high : float
        The ends of the confidence interval of the difference.
    """

    auroc_a: float
    auroc_b: float
    difference: float
    standard_error: float
    z: float
    p_value: float
    low: float
    high: float


_LEVEL_CONSTRAINT = {"confidence_level": [Interval(Real, 0, 1, closed="neither")]}


@validate_params(
    {"y_true": ["array-like"], "y_score": ["array-like"], **_LEVEL_CONSTRAINT},
    prefer_skip_nested_validation=True,
)
def delong_interval(y_true, y_score, *, confidence_level=0.95):
    """Compute the AUROC and its normal-approximation interval from DeLong's variance.

    The interval assumes that **records are independent**. If patients have several records, it is
    too narrow: use `bootstrap_interval` with ``groups``. Its ends are clipped to 0 and 1; for an
    AUROC near 1, a bootstrap interval, which need not be symmetric, is more accurate.

    Parameters
    ----------
    y_true : array-like of shape (n_records,)
        True labels: two values, of which the larger is positive, with at least two records each.
    y_score : array-like of shape (n_records,)
        Out-of-fold scores of the same records.
    confidence_level : float, default=0.95
        Confidence level of the interval, in (0, 1).

    Returns
    -------
    interval : ScoreInterval
        Named tuple ``(score, low, high)``.

    Raises
    ------
    ValueError
        If the lengths differ, if an index shows that records are in different orders (as in
        `bootstrap_interval`), if there are not two labels with at least two records each, or if a
        score is not finite.

    See Also
    --------
    delong_test : Compare two AUROCs on the same records.

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
    positive, (y_score,) = _check_targets(y_true, y_score=y_score)
    auroc, positive_placements, negative_placements = _placement_values(positive, y_score)
    error = _standard_error(positive_placements, negative_placements)
    margin = norm.ppf((1 + confidence_level) / 2) * error
    return ScoreInterval(auroc, float(max(auroc - margin, 0.0)), float(min(auroc + margin, 1.0)))


@validate_params(
    {
        "y_true": ["array-like"],
        "y_score_a": ["array-like"],
        "y_score_b": ["array-like"],
        **_LEVEL_CONSTRAINT,
    },
    prefer_skip_nested_validation=True,
)
def delong_test(y_true, y_score_a, y_score_b, *, confidence_level=0.95):
    """Compare two AUROCs on the same records with DeLong's test.

    The test assumes that **records are independent**. If patients have several records, its
    p-values are too small: use `bootstrap_difference` with ``groups``.

    Parameters
    ----------
    y_true : array-like of shape (n_records,)
        True labels: two values, of which the larger is positive, with at least two records each.
    y_score_a, y_score_b : array-like of shape (n_records,)
        Out-of-fold scores of the two estimators, for the same records in the same order.
    confidence_level : float, default=0.95
        Confidence level of the interval of the difference, in (0, 1).

    Returns
    -------
    result : DeLongResult
        Named tuple ``(auroc_a, auroc_b, difference, standard_error, z, p_value, low, high)``.
        If both scores rank the records identically, ``difference`` and ``z`` are 0 and ``p_value``
        is 1 by convention.

    Raises
    ------
    ValueError
        If the lengths differ, if an index shows that records are in different orders (as in
        `bootstrap_interval`), if there are not two labels with at least two records each, or if a
        score is not finite.

    Warns
    -----
    UndefinedMetricWarning
        If the AUROCs differ although the standard error is 0, as with AUROCs of 1 and 0. ``z`` is
        then infinite, and the test is not meaningful.

    See Also
    --------
    bootstrap_difference : Interval for any metric, and for several records per patient.

    Notes
    -----
    The variance of [1]_ is computed from midranks in O(n log n) [2]_.

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
    positive, scores = _check_targets(y_true, y_score_a=y_score_a, y_score_b=y_score_b)
    (auroc_a, *placements_a), (auroc_b, *placements_b) = (
        _placement_values(positive, score) for score in scores
    )
    difference = auroc_a - auroc_b
    # From differences of placement values, so that equal rankings have an error of exactly 0.
    error = _standard_error(*(a - b for a, b in zip(placements_a, placements_b)))
    if error > 0:
        z = difference / error
    else:
        z = 0.0 if difference == 0 else np.copysign(np.inf, difference)
        if difference != 0:
            warn(
                f"The AUROCs {auroc_a:.3f} and {auroc_b:.3f} differ, but DeLong's standard error "
                "is 0. The test is not meaningful for these scores: use bootstrap_difference.",
                UndefinedMetricWarning,
            )
    margin = norm.ppf((1 + confidence_level) / 2) * error
    return DeLongResult(
        auroc_a,
        auroc_b,
        difference,
        error,
        float(z),
        float(2 * norm.sf(abs(z))),
        float(difference - margin),
        float(difference + margin),
    )


def _check_targets(y_true, **scores):
    """Return which records are positive, and the list of arrays of scores."""
    check_same_records(y_true=y_true, **scores)
    y_true = as_label_array(y_true)
    scores = {argument: as_array(values, argument) for argument, values in scores.items()}
    check_consistent_length(y_true, *scores.values())
    if y_true.ndim != 1:
        raise ValueError(
            f"y_true must have shape (n_records,), got shape {y_true.shape}. Test each label "
            "separately."
        )
    positive = label_indicator(y_true)
    for argument, values in scores.items():
        scores[argument] = check_scores(positive, values, argument)
        assert_all_finite(scores[argument], input_name=argument)
    positive = positive[:, 0]
    if min(positive.sum(), (~positive).sum()) < 2:
        raise ValueError(
            f"y_true has {positive.sum()} positive and {(~positive).sum()} negative records, but "
            "the variance requires at least two of each."
        )
    return positive, list(scores.values())


def _placement_values(positive, score):
    """Return the AUROC and the placement values of positives and of negatives.

    They are the share of negatives below each positive, and of positives above each negative.
    """
    rank = rankdata(score)
    n_positive = positive.sum()
    n_negative = len(score) - n_positive
    of_positives = (rank[positive] - rankdata(score[positive])) / n_negative
    of_negatives = 1 - (rank[~positive] - rankdata(score[~positive])) / n_positive
    return float(of_positives.mean()), of_positives, of_negatives


def _standard_error(positive_placements, negative_placements):
    placements = (positive_placements, negative_placements)
    return float(np.sqrt(sum(values.var(ddof=1) / len(values) for values in placements)))

"""Tests of DeLong's test: the original formula, its level, degenerate cases."""

import tracemalloc

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import roc_auc_score

from sklearn_ecg.metrics import delong_interval, delong_test


def delong_by_formula(y, *scores):
    """Return AUROCs and their covariance, from all pairs of a positive and a negative."""
    positive, negative = np.flatnonzero(y), np.flatnonzero(y == 0)
    m, n = len(positive), len(negative)
    aurocs, v10, v01 = [], [], []
    for score in scores:
        kernel = np.zeros((m, n))
        for i, a in enumerate(positive):
            for j, b in enumerate(negative):
                kernel[i, j] = 1 if score[a] > score[b] else 0.5 if score[a] == score[b] else 0
        aurocs.append(kernel.mean())
        v10.append(kernel.mean(axis=1))
        v01.append(kernel.mean(axis=0))
    return np.array(aurocs), np.cov(v10) / m + np.cov(v01) / n


def make_scores(n=120, seed=0, decimals=None):
    rng = np.random.RandomState(seed)
    y = (rng.rand(n) < 0.3).astype(int)
    a, b = y + rng.randn(n), 0.5 * y + rng.randn(n)
    return (y, a, b) if decimals is None else (y, a.round(decimals), b.round(decimals))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("decimals", [None, 1, 0])
def test_result_equals_the_formula_of_the_paper(seed, decimals):
    y, a, b = make_scores(seed=seed, decimals=decimals)
    aurocs, covariance = delong_by_formula(y, a, b)
    error = np.sqrt(np.array([1, -1]) @ covariance @ [1, -1])
    found = delong_test(y, a, b, confidence_level=0.9)
    margin = norm.ppf(0.95) * error
    z = (aurocs[0] - aurocs[1]) / error
    expected = (
        *aurocs,
        aurocs[0] - aurocs[1],
        error,
        z,
        2 * norm.sf(abs(z)),
        aurocs[0] - aurocs[1] - margin,
        aurocs[0] - aurocs[1] + margin,
    )
    assert found == pytest.approx(expected, abs=1e-10)
    assert found.auroc_a == pytest.approx(roc_auc_score(y, a), abs=1e-12)
    single = delong_interval(y, a)
    margin = norm.ppf(0.975) * np.sqrt(covariance[0, 0])
    assert single == pytest.approx((aurocs[0], aurocs[0] - margin, aurocs[0] + margin), abs=1e-10)


def test_p_values_are_uniform_without_a_difference():
    """In studies without a difference, about a tenth of the p-values are below 0.1."""
    rng = np.random.RandomState(0)
    y = np.arange(150) % 2
    p_values = []
    for _ in range(400):
        shared = y + rng.randn(150)
        p_values.append(delong_test(y, *(shared + rng.randn(2, 150))).p_value)
    assert 0.07 < np.mean(np.array(p_values) < 0.1) < 0.13


def test_swapping_the_scores_changes_the_sign():
    y, a, b = make_scores()
    ab, ba = delong_test(y, a, b), delong_test(y, b, a)
    assert (ab.difference, ab.z, ab.low) == (-ba.difference, -ba.z, -ba.high)
    assert ab.p_value == ba.p_value


def test_equal_rankings():
    y, a, _ = make_scores()
    for b in (a, np.exp(a), 3 * a + 1):
        result = delong_test(y, a, b)
        assert result[2:] == (0, 0, 0, 1, 0, 0)


def test_perfect_scores():
    y = np.arange(20) % 2
    assert delong_test(y, y, 2 * y)[:6] == (1, 1, 0, 0, 0, 1)
    with pytest.warns(UndefinedMetricWarning, match="1.000 and 0.000 differ, but .* error is 0"):
        result = delong_test(y, y, -y)
    assert (result.difference, result.z) == (1, np.inf)
    assert delong_interval(y, y) == (1, 1, 1)


@pytest.mark.parametrize(
    "y, a, message",
    [
        (np.ones(6), np.arange(6), "y_true must have two labels, got 1: 1.0. "),
        (np.arange(6) == 0, np.arange(6), "y_true has 1 positive and 5 negative records"),
        (np.arange(6) % 3, np.arange(6), "y_true must have two labels, got 3"),
        (np.eye(6, 2), np.eye(6, 2), r"y_true must have shape \(n_records,\), got shape \(6, 2\)"),
        (np.arange(6) % 2, np.ones((6, 2)), r"Pass the column .*, y_score_a\[:, 1\]"),
        (np.arange(6) % 2, np.full(6, np.nan), "y_score_a contains NaN"),
        (np.arange(6) % 2, np.arange(5), "inconsistent numbers of samples"),
    ],
    ids=str,
)
def test_invalid_input_raises(y, a, message):
    with pytest.raises(ValueError, match=message):
        delong_test(y, a, np.arange(6))
    with pytest.raises(ValueError, match=message.replace("y_score_a", "y_score")):
        delong_interval(y, a)


def test_pairs_of_records_are_not_stored():
    """20,000 records have 84 million pairs of a positive and a negative."""
    y, a, b = make_scores(20_000)
    tracemalloc.start()
    delong_test(y, a, b)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000 * 8 * 20

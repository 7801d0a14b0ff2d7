"""Tests of sensitivity and specificity at an operating point, with loops over thresholds."""

import numpy as np
import pytest

from sklearn_ecg.metrics import sensitivity_at_specificity, specificity_at_sensitivity


def rates(y, score):
    """Yield the sensitivity and the specificity at every threshold."""
    for threshold in [*np.unique(score), np.inf]:
        predicted = score >= threshold
        n_true, n_false = (y & predicted).sum(), (~y & ~predicted).sum()
        yield n_true / y.sum(), n_false / (~y).sum()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("required", [0, 0.3, 0.5, 0.8, 0.9, 0.95, 1])
def test_against_all_thresholds(seed, required):
    rng = np.random.RandomState(seed)
    y = np.arange(50) % 5 < 2  # 20 positive and 30 negative: 0.9 and 0.95 are reached exactly
    score = (y + rng.randn(50)).round(1)
    sensitivities, specificities = np.array(list(rates(y, score))).T
    expected = sensitivities[specificities >= required - 1e-12].max()
    found = sensitivity_at_specificity(y, score, specificity=required)
    assert found == pytest.approx(expected, abs=1e-12)
    expected = specificities[sensitivities >= required - 1e-12].max()
    found = specificity_at_sensitivity(y, score, sensitivity=required)
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n", [7, 10, 30, 90, 100])
def test_a_rate_that_is_reached_exactly_counts(n):
    """For example, 9 of 10 are 0.9, although 1 - 1 / 10 is rounded."""
    y = np.arange(2 * n) < n
    for wrong in range(n):
        # One after the other, the negative records with the highest scores.
        score = np.r_[np.full(n, 0.5), np.zeros(n - wrong), np.ones(wrong)]
        assert sensitivity_at_specificity(y, score, specificity=(n - wrong) / n) == 1
        assert specificity_at_sensitivity(~y, -score, sensitivity=(n - wrong) / n) == 1
        if wrong:
            assert sensitivity_at_specificity(y, score, specificity=(n - wrong + 0.5) / n) == 0


def test_invalid_rates_raise():
    for metric, name in (
        (sensitivity_at_specificity, "specificity"),
        (specificity_at_sensitivity, "sensitivity"),
    ):
        with pytest.raises(ValueError, match=f"The '{name}' parameter"):
            metric([0, 1], [0, 1], **{name: 90})

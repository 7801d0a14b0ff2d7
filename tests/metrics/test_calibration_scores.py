"""Tests of calibration metrics, with slow loops and known values."""

import warnings

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.calibration import calibration_curve
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import brier_score_loss

from sklearn_ecg.metrics import (
    brier_score,
    calibration_intercept,
    calibration_slope,
    expected_calibration_error,
)


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    x = 1.5 * rng.randn(400) - 1
    y = rng.rand(400) < expit(0.6 * x + 0.4)
    return y.astype(int), expit(x), rng.randint(0, 3, 400)


@pytest.mark.parametrize("weighted", [False, True])
def test_recalibration_against_a_general_optimizer(data, weighted):
    y, probability, weight = data
    weight = weight if weighted else np.ones(400)
    x = logit(probability)

    def loss(a, b):
        return -(weight * (y * (a + b * x) - np.logaddexp(0, a + b * x))).sum()

    both = minimize(lambda c: loss(*c), [0, 1], method="Nelder-Mead", options={"xatol": 1e-9})
    assert calibration_slope(y, probability, sample_weight=weight) == pytest.approx(
        both.x[1], abs=1e-5
    )
    one = minimize(lambda c: loss(c[0], 1), [0], method="Nelder-Mead", options={"xatol": 1e-9})
    found = calibration_intercept(y, probability, sample_weight=weight)
    assert found == pytest.approx(one.x[0], abs=1e-5)
    # At the optimum, the mean probability is the frequency.
    assert np.average(expit(x + found), weights=weight) == pytest.approx(
        np.average(y, weights=weight), abs=1e-10
    )


def test_slope_of_two_probabilities_is_known():
    """With two different probabilities, the regression goes through both frequencies."""
    probability = np.repeat([0.2, 0.7], [10, 20])
    y = np.r_[[1] * 3, [0] * 7, [1] * 11, [0] * 9]
    expected = (logit(11 / 20) - logit(3 / 10)) / (logit(0.7) - logit(0.2))
    assert calibration_slope(y, probability) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-6, 0.02, 0.5, 1, 3])
@pytest.mark.parametrize("shift", [-3, 0, 2])
def test_recalibration_of_distorted_probabilities(data, scale, shift):
    """A scale of the logits divides the slope, and a shift changes the intercept."""
    y, probability, _ = data
    x = logit(probability)
    distorted = expit(scale * x + shift)
    # Probabilities near 1 have only a few digits.
    slope = calibration_slope(y, probability) / scale
    assert calibration_slope(y, distorted) == pytest.approx(slope, rel=1e-4)
    if scale == 1:
        expected = calibration_intercept(y, probability) - shift
        assert calibration_intercept(y, distorted) == pytest.approx(expected, abs=1e-8)


def test_calibrated_probabilities():
    rng = np.random.RandomState(0)
    probability = rng.beta(1, 3, 100_000)
    y = rng.rand(100_000) < probability
    assert calibration_slope(y, probability) == pytest.approx(1, abs=0.02)
    assert calibration_intercept(y, probability) == pytest.approx(0, abs=0.02)
    assert expected_calibration_error(y, probability) < 0.01
    assert expected_calibration_error(y, probability, strategy="quantile") < 0.01


def test_slope_that_is_undefined():
    y = np.array([0, 0, 1, 1])
    for probability in ([0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.2, 0.3]):
        with pytest.warns(UndefinedMetricWarning, match=r"label 1 \(its probabilities separate"):
            assert np.isnan(calibration_slope(y, probability))
    with pytest.raises(ValueError, match="all probabilities are equal"):
        calibration_slope(y, np.full(4, 0.3), undefined="raise")
    # A label that is undefined is left out of the average.
    two = np.stack([y, [0, 1, 0, 1]], axis=1)
    probability = np.stack([[0.1, 0.2, 0.3, 0.4], [0.2, 0.1, 0.3, 0.4]], axis=1)
    assert calibration_slope(two, probability, undefined="skip") == calibration_slope(
        two[:, 1], probability[:, 1]
    )
    # One record among those of the other class makes it finite, but large.
    almost = np.r_[0.1 * np.arange(1, 6), 0.45, 0.6, 0.7, 0.8]
    assert 1 < calibration_slope(np.r_[[0] * 5, [1] * 4], almost) < 100
    assert np.isfinite(calibration_intercept(y, np.full(4, 0.3)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_of_0_and_1(data, dtype):
    y, probability, _ = data
    extreme = np.where(probability < 0.1, 0, np.where(probability > 0.9, 1, probability))
    eps = np.finfo(dtype).eps
    clipped = np.clip(extreme.astype(dtype).astype(np.float64), eps, 1 - eps)
    for metric in (calibration_slope, calibration_intercept):
        found = metric(y, extreme.astype(dtype))
        assert np.isfinite(found) and found == pytest.approx(metric(y, clipped))
    assert np.isfinite(calibration_slope(y, (extreme > 0.5).astype(int)))


def test_brier_score_of_sklearn(data):
    y, probability, weight = data
    assert brier_score(y, probability) == pytest.approx(brier_score_loss(y, probability))
    assert brier_score(y, probability, sample_weight=weight) == pytest.approx(
        brier_score_loss(y, probability, sample_weight=weight)
    )
    names = np.array(["a", "b", "c"])[y + (probability > 0.5)]
    three = np.stack([probability, (1 - probability) / 3, 2 * (1 - probability) / 3], axis=1)
    indicator = names[:, None] == ["a", "b", "c"]
    expected = ((indicator - three) ** 2).mean(axis=0)
    np.testing.assert_allclose(brier_score(names, three, average=None), expected)


def slow_error(y, probability, bins):
    """Loop over bins that are lists of records."""
    error = 0
    for members in bins:
        if len(members):
            error += len(members) * abs(y[members].mean() - probability[members].mean())
    return error / len(y)


@pytest.mark.parametrize("n_bins", [1, 2, 5, 10, 33])
def test_expected_calibration_error_against_a_loop(data, n_bins):
    y, probability, _ = data
    probability = probability.round(2)
    edges = np.linspace(0, 1, n_bins + 1)
    bins = [
        np.flatnonzero((probability <= high) & ((probability > low) | (low == 0)))
        for low, high in zip(edges, edges[1:])
    ]
    expected = slow_error(y, probability, bins)
    assert expected_calibration_error(y, probability, n_bins=n_bins) == pytest.approx(expected)
    # The bins are those of scikit-learn, whose function does not return their sizes.
    frequencies, means = calibration_curve(y, probability, n_bins=n_bins)
    sizes = np.array([len(members) for members in bins if len(members)])
    assert (sizes * np.abs(frequencies - means)).sum() / 400 == pytest.approx(expected)


@pytest.mark.parametrize("n_bins", [1, 2, 5, 8])
def test_quantile_bins_have_the_same_size(data, n_bins):
    y, probability, _ = data
    assert len(np.unique(probability)) == 400
    order = np.argsort(probability)
    expected = slow_error(y, probability, np.array_split(order, n_bins))
    found = expected_calibration_error(y, probability, n_bins=n_bins, strategy="quantile")
    assert found == pytest.approx(expected)


def test_equal_probabilities_share_a_bin():
    y, probability = np.arange(20) % 2, np.full(20, 0.5)
    for strategy in ("uniform", "quantile"):
        assert expected_calibration_error(y, probability, strategy=strategy) == 0
    assert expected_calibration_error(y, y) == 0
    assert expected_calibration_error(1 - y, y, strategy="quantile") == 1


def test_no_warnings_for_extreme_input():
    rng = np.random.RandomState(0)
    y = rng.rand(200) < 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for probability in (rng.rand(200) ** 40, 1 - rng.rand(200) ** 40, (rng.rand(200) < 0.5)):
            assert np.isfinite(calibration_slope(y, probability))
            assert np.isfinite(calibration_intercept(y, probability))

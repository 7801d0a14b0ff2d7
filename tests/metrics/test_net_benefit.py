"""Tests of the net benefit, with a slow loop."""

import numpy as np
import pytest

from sklearn_ecg.metrics import net_benefit


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    y = (rng.rand(80, 2) < [0.3, 0.1]).astype(int)
    return y, rng.rand(80, 2).round(1), rng.randint(0, 3, 80)


def slow_net_benefit(y, probability, threshold, weight):
    benefit = 0
    for label, p, w in zip(y, probability, weight):
        if p >= threshold:
            benefit += w if label else -w * threshold / (1 - threshold)
    return benefit / sum(weight)


@pytest.mark.parametrize("threshold", [0, 0.05, 0.1, 0.3, 0.5, 0.9, 0.99])
def test_against_a_loop(data, threshold):
    y, probability, weight = data
    for weights in (weight, np.ones(80)):
        expected = [
            slow_net_benefit(*columns, threshold, weights) for columns in zip(y.T, probability.T)
        ]
        found = net_benefit(
            y, probability, threshold=threshold, average=None, sample_weight=weights
        )
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_treating_all_and_none(data):
    y = data[0][:, 0]
    thresholds = np.linspace(0, 0.95, 20)
    expected = y.mean() - (1 - y.mean()) * thresholds / (1 - thresholds)
    np.testing.assert_allclose(net_benefit(y, np.ones(80), threshold=thresholds), expected)
    np.testing.assert_array_equal(net_benefit(y, np.zeros(80), threshold=thresholds[1:]), 0)
    assert net_benefit(y, y, threshold=0.7) == pytest.approx(y.mean())


def test_shapes(data):
    y, probability, _ = data
    thresholds = [0.1, 0.2, 0.4]
    each = net_benefit(y, probability, threshold=thresholds, average=None)
    assert each.shape == (3, 2)
    for i, threshold in enumerate(thresholds):
        single = net_benefit(y, probability, threshold=threshold, average=None)
        np.testing.assert_allclose(each[i], single)
    np.testing.assert_allclose(net_benefit(y, probability, threshold=thresholds), each.mean(axis=1))
    assert isinstance(net_benefit(y, probability), float)
    assert isinstance(net_benefit(y[:, 0], probability[:, 0]), float)


@pytest.mark.parametrize("threshold", [1, -0.1, [0.5, 1.0], np.nan])
def test_threshold_out_of_range_raises(threshold):
    with pytest.raises(ValueError, match=r"threshold must be in \[0, 1\)"):
        net_benefit([0, 1], [0, 1], threshold=threshold)


@pytest.mark.parametrize("threshold", [["a"], [[0.1]]])
def test_threshold_of_another_type_raises(threshold):
    with pytest.raises(ValueError, match="threshold must be a number or a list of numbers"):
        net_benefit([0, 1], [0, 1], threshold=threshold)

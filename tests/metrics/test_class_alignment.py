"""Diagnostics of embeddings, compared with slow loops, and for collapsed embeddings."""

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg.metrics import class_alignment_consistency, sample_alignment_accuracy

FUNCTIONS = {
    "accuracy": lambda z, y: sample_alignment_accuracy(z, z + 0.1, y),
    "consistency": class_alignment_consistency,
}


def distance(a, b):
    return 1 - a @ b / np.sqrt((a @ a) * (b @ b))


def slow_accuracy(first, second, has_class):
    """Return the share of the views of a class that are nearest to their other view."""
    n = len(first)
    correct = []
    for i in np.flatnonzero(has_class):
        for view, other_views in ((first, second), (second, first)):
            own = distance(view[i], other_views[i])
            others = [distance(view[i], v[j]) for v in (first, second) for j in range(n) if j != i]
            correct.append(own < min(others))
    return np.mean(correct)


def slow_consistency(z, has_class, k):
    shares = []
    for i in np.flatnonzero(has_class):
        others = sorted((distance(z[i], z[j]), j) for j in range(len(z)) if j != i)
        shares.append(np.mean([has_class[j] for _, j in others[:k]]))
    return np.mean(shares)


@pytest.fixture
def records():
    rng = np.random.RandomState(0)
    z = rng.randn(43, 5)
    return z, z + 0.8 * rng.randn(43, 5), np.repeat(["MI", "NORM", "HYP"], [9, 30, 4])


def test_accuracy_equals_slow_loop(records):
    first, second, y = records
    accuracy = sample_alignment_accuracy(first, second, y)
    assert accuracy.index.tolist() == ["HYP", "MI", "NORM"] and accuracy.index.name == "class"
    for label, value in accuracy.items():
        assert value == pytest.approx(slow_accuracy(first, second, y == label), abs=1e-12)
    assert accuracy.between(0.05, 0.95).any()
    labels = pd.DataFrame({"AF": y == "MI", "MI": y != "HYP", "PE": False}).astype(int)
    accuracy = sample_alignment_accuracy(first, second, labels)
    assert accuracy["AF"] == pytest.approx(slow_accuracy(first, second, y == "MI"))
    assert accuracy["MI"] == pytest.approx(slow_accuracy(first, second, y != "HYP"))
    assert np.isnan(accuracy["PE"])


@pytest.mark.parametrize("neighborhood, k", [(0.05, 2), (0.001, 1), (0.3, 12), (1, 42)])
def test_consistency_equals_slow_loop(neighborhood, k, records):
    z, _, y = records
    z[y == "MI", 0] += 2
    consistency = class_alignment_consistency(z, y, neighborhood=neighborhood)
    for label, value in consistency.items():
        assert value == pytest.approx(slow_consistency(z, y == label, k), abs=1e-12)
    labels = np.c_[y == "MI", y != "HYP", np.zeros(43)].astype(int)
    consistency = class_alignment_consistency(z, labels, neighborhood=neighborhood)
    assert consistency[0] == pytest.approx(slow_consistency(z, y == "MI", k))
    assert consistency[1] == pytest.approx(slow_consistency(z, y != "HYP", k))
    assert np.isnan(consistency[2])


def test_chunks_do_not_change_the_values(records):
    from sklearn import config_context

    rng = np.random.RandomState(1)
    z, y = rng.randn(600, 3), np.arange(600) % 5 == 0
    whole = [FUNCTIONS[name](z, y) for name in FUNCTIONS]
    with config_context(working_memory=0.1):
        for name, expected in zip(FUNCTIONS, whole):
            np.testing.assert_allclose(FUNCTIONS[name](z, y), expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_collapsed_embedding(dtype):
    """At a single point, no view is nearest to its other view, and neighbors tell nothing."""
    z = np.tile(np.random.RandomState(0).randn(7), (40, 1)).astype(dtype)
    y = np.arange(40) < 8
    assert sample_alignment_accuracy(z, z, y).tolist() == [0, 0]
    for order in (np.arange(40), np.random.RandomState(0).permutation(40)):
        consistency = class_alignment_consistency(z[order], y[order])
        np.testing.assert_allclose(consistency, [31 / 39, 7 / 39])


def test_views_of_distinct_records_are_aligned(records):
    z, _, y = records
    assert (sample_alignment_accuracy(z, z, y) == 1).all()


def test_containers(records):
    first, second, y = records
    expected = sample_alignment_accuracy(first, second, y)
    for array in (first, second, y):
        array.setflags(write=False)
    index = np.arange(43)[::-1] * 3
    series = pd.Series(y, index=index)
    pd.testing.assert_series_equal(sample_alignment_accuracy(first, second, series), expected)
    pd.testing.assert_series_equal(
        class_alignment_consistency(pd.DataFrame(first, index=index), series),
        class_alignment_consistency(first.tolist(), list(y)),
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_refusals_name_the_argument(name):
    function = FUNCTIONS[name]
    z, y = np.random.RandomState(0).randn(6, 3), np.array([0, 1, 0, 1, 1, 1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        function(z, y[:5])
    with pytest.raises(ValueError, match="contains NaN"):
        function(np.where(z > 1, np.nan, z), y)
    with pytest.raises(ValueError, match="y has missing values for 1 of 6 records"):
        function(z, np.where(np.arange(6) == 2, np.nan, y))
    with pytest.raises(ValueError, match="y must contain classes"):
        function(z, np.c_[y, y + 1])
    with pytest.raises(ValueError, match="minimum of 2"):
        function(z[:1], y[:1])
    with pytest.raises(ValueError, match=r"rows of zeros, first row 0"):
        class_alignment_consistency(z * (np.arange(6) > 1)[:, None], y)
    with pytest.raises(ValueError, match=r"first_views has shape \(6, 3\), but second_views"):
        sample_alignment_accuracy(z, z[:, :2], y)
    with pytest.raises(ValueError, match="'neighborhood' parameter"):
        class_alignment_consistency(z, y, neighborhood=0)

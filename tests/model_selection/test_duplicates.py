"""Tests of duplicate records."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg import duplicate_groups, to_lead_frame


def make_records(n_records=30, dtype=np.float32):
    return np.random.RandomState(0).randn(n_records, 3, 40).astype(dtype)


def groups_of_all_pairs(X, tolerance):
    """Compare all pairs of records, and number the connected ones."""
    numbers = np.arange(len(X))
    for i in range(len(X)):
        for j in range(i):
            if np.abs(X[i].astype(float) - X[j].astype(float)).max() <= tolerance:
                numbers[numbers == numbers[i]] = numbers[j]
    return pd.factorize(numbers)[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_equal_records(dtype):
    X = (100 * make_records()).astype(dtype)
    X[7] = X[29] = X[3]
    X[11] = X[10]
    expected = groups_of_all_pairs(X, 0)
    np.testing.assert_array_equal(duplicate_groups(X), expected)
    np.testing.assert_array_equal(duplicate_groups(X, tolerance=1e-9), expected)
    assert expected.max() == 26 and duplicate_groups(X).dtype.kind == "i"


def test_every_container():
    X = make_records()
    X[7] = X[3]
    expected = groups_of_all_pairs(X, 0)
    frame = to_lead_frame(X, ["II", "V1", "V5"])
    rows = X.reshape(len(X), -1)
    for container in (frame, frame.to_numpy(), rows, pd.DataFrame(rows), X.tolist()):
        for tolerance in (0, 0.01):
            found = duplicate_groups(container, tolerance=tolerance)
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("shape", [(16, 24), (16, 24, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_images(shape, dtype):
    images = np.random.RandomState(0).randint(0, 250, (20, *shape)).astype(dtype)
    images[9] = images[4]
    images[15] = images[2] + dtype(2)
    # Differences of unsigned integers must not wrap around.
    images[16] = images[2] - np.minimum(images[2], dtype(2))
    for tolerance in (0, 1, 2, 4):
        expected = groups_of_all_pairs(images, tolerance)
        np.testing.assert_array_equal(duplicate_groups(images, tolerance=tolerance), expected)


@pytest.mark.parametrize("tolerance", [0.01, 0.3, 1.0, 2.2, 3.0])
@pytest.mark.parametrize("shape", [(60, 2, 3), (60, 1, 1), (60, 4, 50)])
def test_tolerance_agrees_with_all_pairs(tolerance, shape):
    rng = np.random.RandomState(0)
    X = rng.randn(*shape)
    X[20:40] = X[:20] + rng.uniform(-0.02, 0.02, (20, *shape[1:]))
    np.testing.assert_array_equal(
        duplicate_groups(X, tolerance=tolerance), groups_of_all_pairs(X, tolerance)
    )


def test_tolerance_is_the_largest_difference():
    X = np.zeros((3, 1, 4))
    X[1, 0, 2] = 0.5
    X[2, 0, 2] = 1.0
    assert duplicate_groups(X, tolerance=0.499).tolist() == [0, 1, 2]
    # Both ends of a chain are similar to its middle.
    assert duplicate_groups(X, tolerance=0.5).tolist() == [0, 0, 0]
    assert duplicate_groups(X[[0, 2]], tolerance=0.5).tolist() == [0, 1]


def test_missing_values():
    X = make_records(8)
    X[1] = X[0]
    X[:2, 1, 5] = np.nan
    X[2], X[3] = X[0], X[0]
    X[2, 1, 5] = 0
    X[3, 2, 5] = np.nan
    X[5] = X[4] = np.inf
    X[6] = -np.inf
    for tolerance in (0, 0.1):
        found = duplicate_groups(X, tolerance=tolerance)
        assert found.tolist() == [0, 0, 1, 2, 3, 3, 4, 5]
    # NaN has several bit patterns, and zero has two signs.
    bits = np.zeros((3, 1, 2), dtype=np.float32)
    bits[0, 0, 0] = -0.0
    bits[:2, 0, 1] = np.array([0x7FC00000, 0xFFC00001], dtype=np.uint32).view(np.float32)
    assert duplicate_groups(bits).tolist() == [0, 0, 1]


def test_patients_and_duplicates_together():
    X = make_records(6)
    X[4] = X[1]
    patients = ["a", "b", "b", "c", "c", "d"]
    assert duplicate_groups(X, groups=patients).tolist() == [0, 1, 1, 1, 1, 2]
    assert duplicate_groups(X, groups=np.arange(6)[::-1]).tolist() == [0, 1, 2, 3, 1, 4]


def test_groups_do_not_depend_on_the_order_of_records():
    X = make_records(60)
    X[30:] = X[:30] + np.float32(0.01)
    found = duplicate_groups(X, tolerance=0.02)
    order = np.random.RandomState(1).permutation(60)
    np.testing.assert_array_equal(
        pd.factorize(found[order])[0], duplicate_groups(X[order], tolerance=0.02)
    )


def test_memory_of_many_flat_records():
    """Memory stays linear although all records are similar, which makes a million pairs."""
    X = 1e-4 * make_records(1500)
    duplicate_groups(X[:10], tolerance=0.01)
    tracemalloc.start()
    found = duplicate_groups(X, tolerance=0.01)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found == 0).all()
    assert peak < 4 * 2**20 + 4 * X.size * 8


def test_one_record():
    X = make_records(1)
    assert duplicate_groups(X).tolist() == duplicate_groups(X, tolerance=1).tolist() == [0]


@pytest.mark.parametrize(
    "X, params, message",
    [
        (np.zeros(5), {}, r"one record of numbers per row, got shape \(5,\)"),
        (np.array([["a", "b"]]), {}, "dtype <U1"),
        (make_records(), {"tolerance": -1}, "The 'tolerance' parameter of duplicate_groups"),
        (make_records(), {"groups": [1, 2]}, "inconsistent numbers of samples"),
    ],
)
def test_invalid_input_raises(X, params, message):
    with pytest.raises(ValueError, match=message):
        duplicate_groups(X, **params)


def test_no_records():
    assert duplicate_groups(np.empty((0, 12, 10)), tolerance=0.1).shape == (0,)

"""Tests of the checks of records, groups and labels that need not be signals."""

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg import to_lead_frame
from sklearn_ecg._validation._samples import (
    check_groups,
    check_one_type,
    check_records,
    find_missing,
)

X = np.random.RandomState(0).randn(3, 2, 20)


def cells(X):
    table = np.empty(X.shape[:2], dtype=object)
    for index in np.ndindex(table.shape):
        table[index] = X[index]
    return table


def test_records():
    for container in (X, cells(X), X.tolist(), to_lead_frame(X, ["I", "II"])):
        np.testing.assert_array_equal(check_records(container), X)
    assert check_records(X) is X
    assert check_records(X[:0]).shape == (0, 2, 20)
    for wrong in (X[0, 0], X.astype(object), X * 1j, np.array([["a", "b"]], dtype="U1")):
        with pytest.raises(ValueError, match="one record of numbers per row, got shape"):
            check_records(wrong)
    with pytest.raises(ValueError, match=r"records without values: its shape is \(3, 0\)"):
        check_records(X[:, 0, :0])


@pytest.mark.parametrize("groups", [["a", "b", "a"], [1, 2, 1], [[1], [2], [1]]])
def test_groups(groups):
    given = [np.array(groups)]
    if np.ndim(groups) == 1:
        given += [groups, pd.Series(groups, index=[7, 8, 9])]
    for values in given:
        np.testing.assert_array_equal(check_groups(values, 3), np.ravel(groups))
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            check_groups(values, 4)


@pytest.mark.parametrize(
    "groups, message",
    [
        (5, r"got shape \(\)"),
        ([[1, 2], [2, 3], [1, 3]], r"got shape \(3, 2\)"),
        (["a", None, "b"], "missing values for 1 of 3"),
        ([np.nan, 1.0, np.nan], "missing values for 2 of 3"),
        (np.array(["a", np.nan, "b"]), "missing values for 1 of 3"),
        (np.ma.masked_array([1, 2, 3], [0, 1, 0]), "1 masked values"),
        (np.array([17, "A", "17"], dtype=object), "has '17' as text and as a number"),
        ([2.0**53, 1.0, 2.0], "floats such as 9007199254740992, .* may have become equal"),
        (pd.Series([2**53 + 1, 2, 3], dtype="Float64"), "Pass integers or strings"),
        (np.array([2**24 + 1, 2, 3], dtype=np.float32), "Pass integers or strings"),
    ],
)
def test_groups_that_are_refused(groups, message):
    with pytest.raises(ValueError, match=message):
        check_groups(groups, 3)


@pytest.mark.parametrize(
    "dtype", ["int64", "Int64", "UInt64", "int64[pyarrow]", "uint64[pyarrow]", "category", object]
)
@pytest.mark.parametrize("container", [pd.Series, pd.Index, pd.DataFrame])
def test_large_integers_remain_different_groups(dtype, container):
    numbers = [2**60 + 1, 2**60 + 2, 5]
    values = pd.Series(numbers).astype(dtype)
    assert check_groups(container(values), 3).tolist() == numbers


def test_labels_of_different_types():
    with pytest.raises(ValueError, match="target contains labels of different types"):
        check_one_type(np.array([1, "a"], dtype=object), "target")
    for labels in (["a", "b"], [1, 2], np.array(["b", "a"], dtype=object)):
        check_one_type(labels)


def test_missing_values():
    for values in (["a", None], ["a", np.nan], pd.Series(["a", pd.NA]), np.array([1, np.nan])):
        assert find_missing(values).tolist() == [False, True]
    assert find_missing(["nan", "None"]).tolist() == [False, False]
    assert find_missing(np.array(["nan", "None"])).tolist() == [False, False]

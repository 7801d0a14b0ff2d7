"""Splitters and duplicates: for any labels and groups, valid splits or a documented error."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcomes import Refused, attempt, covers
from sklearn.model_selection import GroupKFold, KFold
from strategies import examples, groups, labels, records

from sklearn_ecg import check_disjoint_groups, duplicate_groups
from sklearn_ecg.model_selection import (
    DisjointGroupsCV,
    MultilabelStratifiedGroupKFold,
    MultilabelStratifiedGroupShuffleSplit,
    fold_balance,
)

SIZES = st.sampled_from((12, 2, 3, 6, 30, 1, 0))
VALID_GROUPS = ("none", "records", "pairs", "strings", "floats", "mixed")


def draw_split_arguments(data):
    n_records = data.draw(SIZES)
    target = data.draw(labels(n_records))
    patients, kind = data.draw(groups(n_records))
    return n_records, target, patients, kind


def check_splits(splits, n_records, patients, *, is_partition=True):
    for train, test in splits:
        assert (len(train) and len(test)) or not is_partition
        assert set(train).isdisjoint(test) and set(train) | set(test) <= set(range(n_records))
        if patients is not None:
            values = np.asarray(patients, dtype=object)
            assert set(values[train]).isdisjoint(values[test])
    if is_partition:
        tested = np.concatenate([test for _, test in splits])
        np.testing.assert_array_equal(np.sort(tested), np.arange(n_records))


@covers(MultilabelStratifiedGroupKFold)
@examples(60)
@given(data=st.data())
def test_k_fold(data):
    n_records, target, patients, kind = draw_split_arguments(data)
    params = {
        "n_splits": data.draw(st.sampled_from((2, 3, 5, 1, 0, 2.5, None, True))),
        "shuffle": data.draw(st.sampled_from((True, False, "yes"))),
        "random_state": data.draw(st.sampled_from((0, 7, "a"))),
    }
    cv = attempt(MultilabelStratifiedGroupKFold, **params)
    if isinstance(cv, Refused):
        return
    assert attempt(cv.get_n_splits) == params["n_splits"]
    X = np.zeros((n_records, 1))
    splits = attempt(cv.split, X, target.y, patients)
    if isinstance(splits, Refused):
        usual = kind in ("none", "records") and params["random_state"] in (0, 7)
        is_plain = target.is_plain and target.label_type != "column"
        assert not (is_plain and usual and n_records >= params["n_splits"]), splits
        return
    assert len(splits) == params["n_splits"] and kind in (*VALID_GROUPS, "one")
    check_splits(splits, n_records, patients)
    for again, split in zip(attempt(cv.split, X, target.y, patients), splits):
        np.testing.assert_array_equal(again[1], split[1])


@covers(MultilabelStratifiedGroupShuffleSplit)
@examples(60)
@given(data=st.data())
def test_shuffle_split(data):
    n_records, target, patients, kind = draw_split_arguments(data)
    sizes = st.sampled_from((None, 0.25, 0.5, 3, 0, 1.0, -0.1, 100, "half", np.nan))
    params = {
        "n_splits": data.draw(st.sampled_from((2, 1, 0, 1.5))),
        "test_size": data.draw(sizes),
        "train_size": data.draw(sizes),
        "random_state": data.draw(st.sampled_from((0, 7, "a"))),
    }
    cv = attempt(MultilabelStratifiedGroupShuffleSplit, **params)
    if isinstance(cv, Refused):
        return
    assert attempt(cv.get_n_splits) == params["n_splits"]
    splits = attempt(cv.split, np.zeros((n_records, 1)), target.y, patients)
    if not isinstance(splits, Refused):
        assert len(splits) == params["n_splits"]
        assert all(len(train) and len(test) for train, test in splits)
        check_splits(splits, n_records, patients, is_partition=False)
    elif params["test_size"] in (None, 0.25) and params["train_size"] is None:
        is_plain = target.is_plain and target.label_type != "column"
        usual = kind in ("none", "records") and params["random_state"] in (0, 7)
        assert not (is_plain and usual and n_records >= 12), splits


SPLITTERS = (
    3,
    KFold(2),
    GroupKFold(2),
    MultilabelStratifiedGroupKFold(2),
    [([0, 1], [2, 3])],
    *(1, "a", None, [], 2.5, [([0], [99])], [([0],)], [[0, 1]], [([], [0])]),
)


@covers(DisjointGroupsCV, check_disjoint_groups, fold_balance)
@examples(60)
@given(data=st.data())
def test_disjoint(data):
    X = data.draw(records(odd=True, n_records=(12, 4, 6, 1, 0), n_times=(5, 30)))
    n_records = 12 if X.signals is None else len(X.signals)
    target = data.draw(labels(n_records))
    patients, kind = data.draw(groups(n_records))
    inner = data.draw(st.sampled_from(SPLITTERS))
    options = {
        "tolerance": data.draw(st.sampled_from((0.0, 1e-3, None, -1, "a", np.nan))),
        "thumbnail_correlation": data.draw(st.sampled_from((None, None, 0.9, 2))),
    }
    checked = attempt(check_disjoint_groups, inner, X.X, target.y, patients, **options)
    cv = attempt(DisjointGroupsCV, inner, require_groups=data.draw(st.booleans()), **options)
    attempt(cv.get_n_splits, X.X, target.y, patients)
    splits = attempt(cv.split, X.X, target.y, patients)
    if not isinstance(splits, Refused):
        assert checked is None
        check_splits(splits, n_records, patients, is_partition=False)
    table = attempt(fold_balance, inner, X.X, target.y, patients)
    if isinstance(table, pd.DataFrame):
        assert list(table.columns[:3]) == ["n_positive", "n_groups", "share"]
        shares = table.drop(columns=["n_positive", "n_groups"]).to_numpy(dtype=float)
        assert np.nanmin(shares) >= 0 and np.nanmax(shares) <= 1
        assert table["n_groups"].max() <= n_records


@covers(duplicate_groups)
@examples(60)
@given(data=st.data())
def test_duplicates(data):
    X = data.draw(records(n_times=(5, 1, 30, 0)))
    n_records = 12 if X.signals is None else len(X.signals)
    patients, kind = data.draw(groups(n_records))
    tolerance = data.draw(st.sampled_from((0.0, 1e-3, 1e6, np.inf, None, -1, "a")))
    if X.kind == "4-D":
        n_records = len(X.X)
        patients = None
    numbers = attempt(duplicate_groups, X.X, tolerance=tolerance, groups=patients)
    if isinstance(numbers, Refused):
        usual = kind in VALID_GROUPS and tolerance in (0.0, 1e-3, 1e6)
        assert not (X.is_plain and usual), numbers
        return
    assert numbers.shape == (n_records,) and numbers.dtype.kind == "i"
    # Numbered in order of appearance.
    _, first = np.unique(numbers, return_index=True)
    assert (np.diff(first) > 0).all() and (not n_records or numbers[0] == 0)
    if X.signals is None:
        return
    for i in range(n_records):
        for j in range(i):
            is_equal = np.array_equal(X.signals[i], X.signals[j], equal_nan=True)
            assert not is_equal or numbers[i] == numbers[j]
            if kind in ("none", "records") and tolerance == 0.0:
                assert is_equal == (numbers[i] == numbers[j])


@pytest.mark.parametrize("kind", ["gray", "rgb"])
@examples(15)
@given(data=st.data())
def test_duplicate_images(kind, data):
    size = data.draw(st.sampled_from((16, 20, 15)))
    shape = (4, size, size) if kind == "gray" else (4, size, size, 3)
    rng = np.random.RandomState(data.draw(st.integers(0, 99)))
    X = rng.randint(256, size=shape).astype(data.draw(st.sampled_from(("u1", "f4", "f8", "f2"))))
    X[3] = X[0]
    fault = data.draw(st.sampled_from(("none", "nan", "flat")))
    if fault == "flat":
        X[:] = 7
    elif fault == "nan" and X.dtype.kind == "f":
        X[0, 0, 0] = np.nan
    correlation = data.draw(st.sampled_from((0.98, 1.0, 0, None)))
    numbers = attempt(duplicate_groups, X, thumbnail_correlation=correlation)
    if isinstance(numbers, Refused):
        assert size < 16 or fault == "nan" or correlation == 0, numbers
    else:
        assert fault != "flat" or len(set(numbers)) == 1
        assert fault == "nan" or numbers[3] == numbers[0]

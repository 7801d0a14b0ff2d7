"""Tests of the check that splits do not leak, as a function and as a splitter."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    StratifiedGroupKFold,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_ecg import check_disjoint_groups, duplicate_groups, to_lead_frame
from sklearn_ecg.model_selection import DisjointGroupsCV, MultilabelStratifiedGroupKFold


def make_records(n_records=30, dtype=np.float32):
    return np.random.RandomState(0).randn(n_records, 3, 40).astype(dtype)


@pytest.fixture()
def patients():
    return np.repeat([f"p{i}" for i in range(10)], 3)


def test_disjoint_splits_pass(patients):
    X, y = make_records(), np.arange(30) % 2
    for cv in (GroupKFold(5), StratifiedGroupKFold(3), LeaveOneGroupOut()):
        assert check_disjoint_groups(cv, X, y, patients) is None
    # With three consecutive records per patient, the folds of KFold happen to keep patients whole.
    check_disjoint_groups(KFold(5), X, y, patients)
    check_disjoint_groups(PredefinedSplit(np.arange(30) // 15), X, None, patients)
    check_disjoint_groups(5, X)


def test_patient_on_both_sides_raises(patients):
    X, y = make_records(), np.arange(30) % 2
    message = (
        r"Split 0 has group p2 on both sides: record 8 in the training set and records 6, 7 in the "
        r"test set \(shared groups: 1\)\. Use a splitter.*StratifiedGroupKFold or "
        r"MultilabelStratifiedGroupKFold, and pass it groups"
    )
    cv = [(np.arange(8, 30), np.arange(8))]
    with pytest.raises(ValueError, match=message):
        check_disjoint_groups(cv, X, y, patients)
    with pytest.raises(ValueError, match="Split 1 has group p2 on both sides"):
        check_disjoint_groups([(np.arange(6, 30), np.arange(6)), *cv], X, y, patients)
    with pytest.raises(ValueError, match="Split 0 has group"):
        check_disjoint_groups(KFold(4), X, y, patients)
    with pytest.raises(ValueError, match="Split 0 has group"):
        check_disjoint_groups(4, X, y, patients)


def test_splits_may_be_masks(patients):
    X = make_records()
    test = np.arange(30) < 8
    with pytest.raises(ValueError, match="record 8 in the training set and records 6, 7 in"):
        check_disjoint_groups([(~test, test)], X, None, patients)


def test_duplicate_on_both_sides_raises(patients):
    X, y = make_records(), np.arange(30) % 2
    X[25] = X[26] = X[1]
    message = (
        r"Split \d has the same signal on both sides: records? [\d, ]+ in the training set and "
        r"records? [\d, ]+ in the test set \(shared signals: 1\).*"
        r"groups=duplicate_groups\(X, groups=patients\)"
    )
    with pytest.raises(ValueError, match=message):
        check_disjoint_groups(GroupKFold(5), X, y, patients)
    # The advice of the message solves the problem.
    check_disjoint_groups(GroupKFold(5), X, y, duplicate_groups(X, groups=patients))
    check_disjoint_groups(GroupKFold(5), X, y, patients, tolerance=None)
    X[25:27] += np.float32(1e-3)
    check_disjoint_groups(GroupKFold(5), X, y, patients)
    with pytest.raises(ValueError, match="same signal"):
        check_disjoint_groups(GroupKFold(5), X, y, patients, tolerance=0.01)


def test_long_lists_of_records_are_shortened():
    X = np.zeros((30, 2, 5))
    with pytest.raises(ValueError, match="records 15, 16, 17, 18, 19 and 10 more in the training"):
        check_disjoint_groups(KFold(2), X)


def test_lengths_must_be_consistent(patients):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        check_disjoint_groups(3, make_records(), None, patients[:-1])


@pytest.mark.parametrize("missing", [np.nan, None, pd.NA], ids=str)
def test_missing_patients_raise(missing):
    X, y, groups = np.random.RandomState(0).randn(6, 2, 10), np.arange(6) % 2, [1, 1, 2, 2]
    groups = pd.Series([*groups, missing, missing], dtype=object)
    message = "groups has missing values for 2 of 6 records. Give each"
    with pytest.raises(ValueError, match=message):
        duplicate_groups(X, groups=groups)
    with pytest.raises(ValueError, match=message):
        check_disjoint_groups(KFold(2), X, y, groups)


def test_iterator_of_splits_raises():
    X = np.random.RandomState(0).randn(6, 2, 10)
    splits = (split for split in KFold(2).split(X))
    with pytest.raises(ValueError, match=r"cv is an iterator.*splits = list\(cv\)"):
        check_disjoint_groups(splits, X)
    assert len(list(splits)) == 2


# The splitter


def test_splits_are_those_of_the_splitter(patients):
    X, y = make_records(), np.arange(30) % 2
    multilabel = np.stack([y, np.arange(30) % 3 == 0], axis=1).astype(int)
    for target, cv in (
        (y, StratifiedGroupKFold(3)),
        (y, LeaveOneGroupOut()),
        (multilabel, MultilabelStratifiedGroupKFold(3)),
        (None, list(GroupKFold(5).split(X, groups=patients))),
    ):
        checked = DisjointGroupsCV(cv)
        splits = list(cv.split(X, target, patients)) if hasattr(cv, "split") else cv
        found = list(checked.split(X, target, patients))
        assert checked.get_n_splits(X, target, patients) == len(found) == len(splits)
        for split, expected in zip(found, splits):
            np.testing.assert_array_equal(split[0], expected[0])
            np.testing.assert_array_equal(split[1], expected[1])


@pytest.mark.parametrize("as_frame", [False, True])
def test_leaks_raise(patients, as_frame):
    X, y = make_records(), np.arange(30) % 2
    X[25] = X[1]
    data = to_lead_frame(X, ["II", "V1", "V5"]) if as_frame else X
    with pytest.raises(ValueError, match="Split 0 has group p2 on both sides"):
        next(DisjointGroupsCV(KFold(4)).split(data, y, patients))
    with pytest.raises(ValueError, match="has the same signal on both sides"):
        next(DisjointGroupsCV(GroupKFold(5)).split(data, y, patients))
    # Either search once and pass the result, or do not search.
    groups = duplicate_groups(X, groups=patients)
    for used in (groups, patients):
        next(DisjointGroupsCV(GroupKFold(5), tolerance=None).split(data, y, used))
    with pytest.raises(ValueError, match="same signal"):
        next(DisjointGroupsCV(GroupKFold(5), require_groups=False).split(data, y, np.arange(30)))
    X[25] += np.float32(1e-3)
    next(DisjointGroupsCV(GroupKFold(5)).split(X, y, patients))
    with pytest.raises(ValueError, match="same signal"):
        next(DisjointGroupsCV(GroupKFold(5), tolerance=0.01).split(X, y, patients))


def test_groups_are_required():
    X, y = make_records(), np.arange(30) % 2
    with pytest.raises(ValueError, match="groups is None. Pass groups to cross_validate"):
        next(DisjointGroupsCV(3).split(X, y))
    assert len(list(DisjointGroupsCV(3, require_groups=False).split(X, y))) == 3
    with pytest.raises(ValueError, match="There is nothing to check"):
        next(DisjointGroupsCV(3, require_groups=False, tolerance=None).split(X, y))
    with pytest.raises(ValueError, match="tolerance=None does not check duplicates"):
        cv = DisjointGroupsCV(3, tolerance=None, thumbnail_correlation=0.9)
        next(cv.split(X, y, np.arange(30)))
    with pytest.raises(ValueError, match="cv is an iterator"):
        next(DisjointGroupsCV(iter([])).split(X, y, np.arange(30)))


def test_inside_a_search(patients):
    X, y = make_records(), np.repeat(np.arange(10) % 2, 3)
    pipeline = make_pipeline(FunctionTransformer(np.ptp, kw_args={"axis": 2}), LogisticRegression())
    grid = {"logisticregression__C": [0.1, 1]}
    search = GridSearchCV(pipeline, grid, cv=DisjointGroupsCV(GroupKFold(3)))
    expected = GridSearchCV(pipeline, grid, cv=GroupKFold(3)).fit(X, y, groups=patients)
    found = search.fit(X, y, groups=patients)
    np.testing.assert_array_equal(
        found.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )
    with pytest.raises(ValueError, match="groups is None"):
        search.fit(X, y)
    with pytest.raises(ValueError, match=r"has group p\d on both sides"):
        GridSearchCV(pipeline, grid, cv=DisjointGroupsCV(3)).fit(X, y, groups=patients)
    with sklearn.config_context(enable_metadata_routing=True):
        result = cross_validate(
            DummyClassifier(), X, y, cv=DisjointGroupsCV(GroupKFold(3)), params={"groups": patients}
        )
        assert len(result["test_score"]) == 3
        with pytest.raises(ValueError, match=r"has group p\d on both sides"):
            cross_validate(
                DummyClassifier(), X, y, cv=DisjointGroupsCV(3), params={"groups": patients}
            )


def test_no_warning_of_ignored_groups():
    """Splits that ignore the groups are right if they do not separate any."""
    X, y = make_records(), np.arange(30) % 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list(DisjointGroupsCV(KFold(5)).split(X, y, np.arange(30)))) == 5


def test_repr():
    expected = (
        "DisjointGroupsCV(cv=3, require_groups=True, thumbnail_correlation=None, tolerance=0.0)"
    )
    assert " ".join(repr(DisjointGroupsCV(3)).split()) == expected

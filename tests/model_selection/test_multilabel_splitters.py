"""Tests of splitters that keep patients together and labels balanced, and of their report."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.sparse import csr_array
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_validate,
)
from sklearn.multiclass import OneVsRestClassifier

from sklearn_ecg import check_disjoint_groups
from sklearn_ecg.datasets._ptbxl import _make_task_target
from sklearn_ecg.datasets._ptbxl_tables import read_tables
from sklearn_ecg.model_selection import (
    MultilabelStratifiedGroupKFold,
    MultilabelStratifiedGroupShuffleSplit,
    fold_balance,
)
from sklearn_ecg.model_selection._group_assignment import assign_groups

PREVALENCES = [0.5, 0.25, 0.1, 0.03]


def make_cohort(n_records=600, n_patients=450, seed=0):
    """Labels of patients whose records resemble each other, in random order."""
    rng = np.random.RandomState(seed)
    patients = rng.randint(n_patients, size=n_records)
    of_patient = rng.rand(n_patients, 4) < PREVALENCES
    y = of_patient[patients] ^ (rng.rand(n_records, 4) < 0.02)
    return np.zeros((n_records, 1)), y.astype(int), patients


def largest_difference(cv, X, y, groups):
    return fold_balance(cv, X, y, groups)["max_difference"].drop("records").max()


def as_binary(y):
    return np.array(["healthy", "sick"])[y[:, 1]]


def as_multiclass(y):
    return np.array(["a", "b", "c"])[np.minimum(y.sum(axis=1), 2)]


@pytest.mark.parametrize(
    "convert", [np.asarray, as_binary, as_multiclass], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("shuffle", [False, True])
def test_folds(convert, shuffle):
    X, y, patients = make_cohort()
    y = convert(y)
    cv = MultilabelStratifiedGroupKFold(5, shuffle=shuffle, random_state=0 if shuffle else None)
    splits = list(cv.split(X, y, patients))
    assert len(splits) == cv.get_n_splits() == 5
    for train, test in splits:
        assert not np.intersect1d(patients[train], patients[test]).size
        np.testing.assert_array_equal(np.sort(np.r_[train, test]), np.arange(600))
        assert abs(len(test) - 120) <= 1
    np.testing.assert_array_equal(
        np.sort(np.concatenate([test for _, test in splits])), np.arange(600)
    )
    check_disjoint_groups(cv, X, y, patients, tolerance=None)
    found = largest_difference(splits, X, y, patients)
    assert found < 0.013  # two records in a fold of 120
    assert 3 * found < largest_difference(GroupKFold(5), X, y, patients)


def test_as_good_as_the_splitter_of_sklearn():
    X, y, patients = make_cohort()
    for target in (as_binary(y), as_multiclass(y)):
        ours = largest_difference(MultilabelStratifiedGroupKFold(5), X, target, patients)
        theirs = largest_difference(StratifiedGroupKFold(5), X, target, patients)
        assert ours <= theirs + 1 / 120
        ours = largest_difference(MultilabelStratifiedGroupKFold(5), X, target, None)
        theirs = largest_difference(StratifiedKFold(5), X, target, None)
        assert ours <= theirs + 1e-12


def test_large_patients():
    """Patients with many records are placed first, and others make up for them."""
    rng = np.random.RandomState(0)
    sizes = np.r_[40, 30, 20, 10, 5, np.ones(200, dtype=int)]
    patients = np.repeat(np.arange(len(sizes)), sizes)
    y = rng.rand(len(patients), 2) < [0.3, 0.1]
    table = fold_balance(MultilabelStratifiedGroupKFold(5), y, y.astype(int), patients)
    assert table["max_difference"].max() < 0.02
    # Without the small patients, nothing can be balanced, but no fold is empty.
    few = patients < 5
    with pytest.warns(UserWarning, match="fewer patients than the 5 folds require"):
        splits = list(
            MultilabelStratifiedGroupKFold(5).split(y[few], y[few].astype(int), patients[few])
        )
    assert sorted(len(test) for _, test in splits) == [5, 10, 20, 30, 40]


@pytest.mark.parametrize("seed", range(5))
def test_close_to_the_best_assignment(seed):
    """Compared with all assignments of a few patients."""
    rng = np.random.RandomState(seed)
    counts = rng.randint(1, 4, size=8)
    counts = np.stack([counts, rng.binomial(counts, 0.5), rng.binomial(counts, 0.3)], axis=1)
    total = counts.sum(axis=0)
    weights = 1 / np.maximum(1, np.r_[total[0], np.minimum(total[1:], total[0] - total[1:])])

    def deviation(part):
        placed = np.array([counts[part == i].sum(axis=0) for i in range(3)])
        return (weights * (placed - total / 3) ** 2).sum()

    every = [deviation(np.array(part)) for part in itertools.product(range(3), repeat=8)]
    found = deviation(assign_groups(counts, np.full(3, 1 / 3)))
    assert found <= min(every) + 0.02 * (np.median(every) - min(every))


def test_no_transfer_or_exchange_improves():
    """Compared with a slow loop over all transfers and exchanges of single patients."""
    rng = np.random.RandomState(0)
    counts = rng.randint(1, 4, size=40)
    counts = np.stack([counts, *rng.binomial(counts, [[0.5], [0.3], [0.1]])], axis=1)
    total, shares = counts.sum(axis=0), np.array([0.5, 0.3, 0.2])
    weights = 1 / np.maximum(1, np.r_[total[0], np.minimum(total[1:], total[0] - total[1:])])

    def deviation(part):
        placed = np.array([counts[part == i].sum(axis=0) for i in range(3)])
        return (weights * (placed - np.outer(shares, total)) ** 2 / shares[:, None]).sum()

    part = assign_groups(counts, shares)
    found = deviation(part)
    for i in range(40):
        for target in range(3):
            other = part.copy()
            other[i] = target
            assert deviation(other) >= found - 1e-9
        for j in range(i):
            other = part.copy()
            other[[i, j]] = part[[j, i]]
            assert deviation(other) >= found - 1e-9


def test_deterministic_and_independent_of_order():
    X, y, patients = make_cohort()
    order = np.random.RandomState(1).permutation(600)

    def fold_of_patient(patients, y, **params):
        cv = MultilabelStratifiedGroupKFold(4, **params)
        return {
            patient: fold
            for fold, (_, test) in enumerate(cv.split(X, y, patients))
            for patient in patients[test]
        }

    folds = fold_of_patient(patients, y)
    assert folds == fold_of_patient(patients, y)
    assert folds == fold_of_patient(patients[order], y[order])
    shuffled = fold_of_patient(patients, y, shuffle=True, random_state=0)
    assert shuffled == fold_of_patient(patients, y, shuffle=True, random_state=0)
    assert shuffled != fold_of_patient(patients, y, shuffle=True, random_state=1)
    state = np.random.get_state()[1].copy()
    fold_of_patient(patients, y, shuffle=True, random_state=0)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_shuffles_differ():
    """Two shuffles agree no more than chance, also if hardly any patients have the same labels."""
    rng = np.random.RandomState(0)
    y = (rng.rand(200, 12) < 0.4).astype(int)
    folds = []
    for seed in (0, 1):
        cv = MultilabelStratifiedGroupKFold(2, shuffle=True, random_state=seed)
        train, test = next(cv.split(y, y))
        folds.append(np.isin(np.arange(200), test))
    agreement = np.mean(folds[0] == folds[1])
    assert 0.3 < agreement < 0.7


def test_without_groups_records_are_split():
    X, y, _ = make_cohort()
    folds = list(MultilabelStratifiedGroupKFold(5).split(X, y))
    expected = list(MultilabelStratifiedGroupKFold(5).split(X, y, np.arange(600)))
    for split, other in zip(folds, expected):
        np.testing.assert_array_equal(split[1], other[1])
    # With an even number of equal records, the split is exact.
    y = np.repeat([[0, 0], [1, 0], [0, 1], [1, 1]], 10, axis=0)
    table = fold_balance(MultilabelStratifiedGroupKFold(5), y, y)
    assert (table["max_difference"] == 0).all()


def test_containers_of_labels():
    X, y, patients = make_cohort()
    expected = [test for _, test in MultilabelStratifiedGroupKFold(3).split(X, y, patients)]
    index = np.random.RandomState(1).permutation(600)
    frame = pd.DataFrame(y, columns=list("abcd"), index=index)
    frozen = y.copy()
    frozen.flags.writeable = False
    containers = [frame, y.tolist(), y.astype(bool), y.astype(float), csr_array(y), frozen]
    for container in containers:
        for groups in (patients, pd.Series(patients, index=index), patients.tolist()):
            found = MultilabelStratifiedGroupKFold(3).split(X, container, groups)
            for (_, test), other in zip(found, expected):
                np.testing.assert_array_equal(test, other)
    binary = as_binary(y)
    expected = [test for _, test in MultilabelStratifiedGroupKFold(3).split(X, binary, patients)]
    column = y[:, [1]]
    for container in (pd.Series(binary, index=index), binary.astype(object), column, column == 1):
        found = MultilabelStratifiedGroupKFold(3).split(X, container, patients)
        for (_, test), other in zip(found, expected):
            np.testing.assert_array_equal(test, other)


def test_rare_labels_are_named():
    X, y, patients = make_cohort()
    y[:, 3] = 0
    y[[5, 80], 3] = 1
    y[:, 0] = 1
    frame = pd.DataFrame(y, columns=["NORM", "MI", "CD", "HYP"])
    message = (
        "fewer patients than the 5 folds require: label 'HYP' has 2, label 'NORM' is absent in 0"
    )
    with pytest.warns(UserWarning, match=message) as caught:
        splits = list(MultilabelStratifiedGroupKFold(5).split(X, frame, patients))
    assert {warning.filename for warning in caught} == {__file__}
    # The two patients are in different folds.
    assert sorted(y[test, 3].sum() for _, test in splits) == [0, 0, 0, 1, 1]
    with pytest.warns(UserWarning, match="fewer records than .*: class 'sick' has 2. Scores of"):
        list(MultilabelStratifiedGroupKFold(5).split(X, np.array(["ok", "sick"])[y[:, 3]]))
    many = np.eye(30, 600, dtype=int).T
    with pytest.warns(UserWarning, match="label 9 has 1, and 20 more"):
        list(MultilabelStratifiedGroupKFold(5).split(X, many))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        next(MultilabelStratifiedGroupShuffleSplit(1, random_state=0).split(X, y[:, 1:], patients))


@pytest.mark.parametrize("size", [{"test_size": 0.2}, {"test_size": 120}, {"train_size": 0.8}, {}])
def test_single_split(size):
    X, y, patients = make_cohort()
    cv = MultilabelStratifiedGroupShuffleSplit(n_splits=1, random_state=0, **size)
    ((train, test),) = cv.split(X, y, patients)
    assert abs(len(test) - 120) <= 1 and len(train) + len(test) == 600
    assert not np.intersect1d(patients[train], patients[test]).size
    table = fold_balance(cv, X, y, patients)
    np.testing.assert_allclose(table["test_0"].iloc[:4], y[test].mean(axis=0))
    difference = np.abs(y[test].mean(axis=0) - y[train].mean(axis=0))
    np.testing.assert_allclose(table["max_difference"].iloc[:4], difference)
    assert difference.max() < 0.01


def test_several_splits_with_a_rest():
    X, y, patients = make_cohort()
    cv = MultilabelStratifiedGroupShuffleSplit(4, test_size=0.1, train_size=300, random_state=3)
    splits = list(cv.split(X, y, patients))
    assert cv.get_n_splits() == len(splits) == 4
    for train, test in splits:
        assert abs(len(test) - 60) <= 1 and abs(len(train) - 300) <= 1
        assert not np.intersect1d(patients[train], patients[test]).size
    assert largest_difference(splits, X, y, patients) < 0.03
    overlap = [len(np.intersect1d(splits[0][1], test)) for _, test in splits[1:]]
    assert max(overlap) < 30
    for split, again in zip(splits, cv.split(X, y, patients)):
        np.testing.assert_array_equal(split[1], again[1])


def test_in_tools_of_sklearn():
    _, y, patients = make_cohort()
    rng = np.random.RandomState(0)
    X = y + 0.5 * rng.randn(600, 4)
    cv = MultilabelStratifiedGroupKFold(3)
    clf = OneVsRestClassifier(LogisticRegression())
    result = cross_validate(clf, X, y, groups=patients, cv=cv, scoring="roc_auc")
    assert result["test_score"].min() > 0.8
    out_of_fold = cross_val_predict(clf, X, y, groups=patients, cv=cv, method="predict_proba")
    assert out_of_fold.shape == y.shape
    search = GridSearchCV(clf, {"estimator__C": [0.1, 1]}, cv=cv, scoring="roc_auc")
    expected = search.fit(X, y, groups=patients).cv_results_["mean_test_score"]
    with sklearn.config_context(enable_metadata_routing=True):
        # The splitters request groups, as those of scikit-learn do.
        routed = cross_validate(clf, X, y, cv=cv, scoring="roc_auc", params={"groups": patients})
        np.testing.assert_array_equal(routed["test_score"], result["test_score"])
        search.fit(X, y, groups=patients)
        np.testing.assert_array_equal(search.cv_results_["mean_test_score"], expected)
        splits = MultilabelStratifiedGroupShuffleSplit(2, random_state=0)
        result = cross_validate(
            DummyClassifier(), X, y[:, 0], cv=splits, params={"groups": patients}
        )
        assert len(result["test_score"]) == 2


def test_repr_and_parameters():
    assert repr(MultilabelStratifiedGroupKFold(3)).startswith(
        "MultilabelStratifiedGroupKFold(n_splits=3, random_state=None, shuffle=False)"
    )
    assert "test_size=0.3" in repr(MultilabelStratifiedGroupShuffleSplit(test_size=0.3))


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: MultilabelStratifiedGroupKFold(1), ValueError, "n_splits must be an int >= 2"),
        (lambda: MultilabelStratifiedGroupKFold(2.5), ValueError, "got 2.5"),
        (lambda: MultilabelStratifiedGroupKFold(shuffle=1), TypeError, "shuffle must be True or"),
        (lambda: MultilabelStratifiedGroupKFold(random_state=0), ValueError, "pass shuffle=True"),
        (lambda: MultilabelStratifiedGroupShuffleSplit(0), ValueError, "n_splits must be an int"),
    ],
)
def test_invalid_parameters_raise(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    "size, message",
    [
        ({"test_size": 1.0}, r"test_size=1.0 must be a share in \(0, 1\) or a number of records"),
        ({"test_size": 0}, "test_size=0 must be a share"),
        ({"train_size": 600}, "less than 600"),
        ({"test_size": True}, "test_size=True must be"),
        ({"test_size": "half"}, "test_size='half' must be"),
        ({"test_size": 0.5, "train_size": 0.6}, "are more than all 600 records"),
    ],
)
def test_impossible_sizes_raise(size, message):
    X, y, patients = make_cohort()
    cv = MultilabelStratifiedGroupShuffleSplit(random_state=0, **size)
    with pytest.raises(ValueError, match=message):
        next(cv.split(X, y, patients))


Y = np.arange(8) % 2


@pytest.mark.parametrize(
    "y, groups, message",
    [
        (None, None, "y is None. Pass the labels"),
        (Y[:7], None, "inconsistent numbers of samples"),
        (Y, [1, 2], "inconsistent numbers of samples"),
        (Y, [1.0, 2, 3, 4, 5, 6, 7, np.nan], "groups has missing values for 1 of 8 records"),
        (np.r_[Y[:7], np.nan], None, "y has missing values for 1 of 8 records"),
        (pd.Series(["a", None] * 4, dtype=object), None, "y has missing values for 4 of 8"),
        (Y + 0.5 * np.arange(8) / 8, None, "got continuous. Continuous values can be cut"),
        (np.stack([Y, Y - 1], axis=1), None, "other values, such as -1"),
        (np.zeros((8, 2, 2)), None, r"got shape \(8, 2, 2\)"),
        (np.zeros((8, 0)), None, r"got shape \(8, 0\)"),
        (Y, Y, "There are 2 patients, which is fewer than the 3 folds require"),
        (np.ma.masked_array(Y, Y == 1), None, "y is an array with 4 masked values"),
    ],
)
def test_invalid_input_raises(y, groups, message):
    with pytest.raises(ValueError, match=message):
        next(MultilabelStratifiedGroupKFold(3).split(np.zeros((8, 1)), y, groups))


def test_balance_of_any_splitter():
    X, y, patients = make_cohort(60)
    frame = pd.DataFrame(y, columns=list("abcd"))
    table = fold_balance(KFold(3), X, frame)
    assert table.index.tolist() == [*"abcd", "records"] and table.index.name == "label"
    tests = [test for _, test in KFold(3).split(X)]
    for number, test in enumerate(tests):
        np.testing.assert_allclose(table[f"test_{number}"].iloc[:4], y[test].mean(axis=0))
        assert table[f"test_{number}"]["records"] == pytest.approx(1 / 3)
    shares = np.array([y[test].mean(axis=0) for test in tests])
    np.testing.assert_allclose(
        table["max_difference"].iloc[:4], shares.max(axis=0) - shares.min(axis=0)
    )
    assert table["n_positive"].tolist() == [*y.sum(axis=0), 60]
    assert table["n_groups"].tolist() == table["n_positive"].tolist()
    by_patient = fold_balance(GroupKFold(3), X, frame, patients)
    expected = [len(np.unique(patients[y[:, i] == 1])) for i in range(4)]
    assert by_patient["n_groups"].tolist() == [*expected, len(np.unique(patients))]
    classes = fold_balance(KFold(3), X, as_multiclass(y))
    assert classes.index.tolist() == ["a", "b", "c", "records"]
    assert classes["share"].iloc[:3].sum() == pytest.approx(1)
    masks = [(np.arange(60) >= 20, np.arange(60) < 20)]
    assert fold_balance(masks, X, y)["test_0"]["records"] == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="Split 0 has an empty training set or test set"):
        fold_balance([(np.arange(60), [])], X, y)
    with pytest.raises(ValueError, match="cv is an iterator"):
        fold_balance(iter(masks), X, y)


def test_superclasses_of_ptbxl(data_folder):
    database, statements = read_tables(
        data_folder / "ptbxl", "filename_lr", ["diagnostic", "diagnostic_class"]
    )
    # Fold 10 is kept for the final evaluation.
    database = database[database["strat_fold"] < 10]
    y, _ = _make_task_target("superclass", database["scp_codes"], statements)
    patients = database.loc[y.index, "patient_id"]
    ours, theirs = MultilabelStratifiedGroupKFold(5), GroupKFold(5)
    check_disjoint_groups(ours, y, y, patients, tolerance=None)
    assert len(np.unique(np.concatenate([test for _, test in ours.split(y, y, patients)]))) == len(
        y
    )
    differences = pd.DataFrame(
        {
            type(cv).__name__: fold_balance(cv, y, y, patients)["max_difference"]
            for cv in (theirs, ours)
        }
    )
    print(differences.round(4).to_string())
    labels = differences.drop("records").max()
    assert 3 * labels["MultilabelStratifiedGroupKFold"] < labels["GroupKFold"]

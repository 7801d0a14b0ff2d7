"""RecordOverSampler and RecordUnderSampler."""

import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from scipy.sparse import csr_matrix

from sklearn_ecg.imbalance import RecordOverSampler, RecordUnderSampler

SAMPLERS = [RecordOverSampler, RecordUnderSampler]
PEERS = {RecordOverSampler: RandomOverSampler, RecordUnderSampler: RandomUnderSampler}
STRATEGIES = ["auto", 0.5, "all", lambda y: Counter(y)]


@pytest.mark.parametrize("strategy", STRATEGIES, ids=["auto", "float", "all", "callable"])
@pytest.mark.parametrize("Sampler", SAMPLERS)
def test_draws_are_those_of_imbalanced_learn(Sampler, strategy, ecg):
    rows = ecg.data.reshape(60, -1)
    peer = PEERS[Sampler](sampling_strategy=strategy, random_state=3)
    X_peer, y_peer = peer.fit_resample(rows, ecg.target)
    sampler = Sampler(strategy, random_state=3)
    X, y = sampler.fit_resample(ecg.data, ecg.target)
    np.testing.assert_array_equal(sampler.sample_indices_, peer.sample_indices_)
    assert sampler.sampling_strategy_ == peer.sampling_strategy_
    np.testing.assert_array_equal(X.reshape(len(X), -1), X_peer)
    np.testing.assert_array_equal(y, y_peer)


@pytest.mark.parametrize("Sampler", SAMPLERS)
def test_every_container(Sampler, container, ecg, as_rows):
    X, _ = container
    sampler = Sampler(random_state=0)
    X_new, y_new = sampler.fit_resample(X, ecg.target)
    assert type(X_new) is type(X)
    taken = sampler.sample_indices_
    np.testing.assert_array_equal(as_rows(X_new), ecg.data.reshape(60, -1)[taken])
    np.testing.assert_array_equal(y_new, ecg.target[taken])
    if isinstance(X, pd.DataFrame):
        assert list(X_new.columns) == list(X.columns)
        assert list(X_new.dtypes) == list(X.dtypes)
        assert X_new.attrs == X.attrs
        expected = range(len(X_new)) if Sampler is RecordOverSampler else X.index[taken]
        assert list(X_new.index) == list(expected)
        assert list(sampler.feature_names_in_) == list(X.columns)


@pytest.mark.parametrize("Sampler", SAMPLERS)
def test_index_is_that_of_imbalanced_learn(Sampler, containers, ecg):
    """For frames that both accept."""
    X = containers["numeric frame"][0].iloc[:, :5]
    y = pd.Series(ecg.target, index=np.arange(60) * 7, name="mi")
    X_peer, y_peer = PEERS[Sampler](random_state=0).fit_resample(X, y)
    X_new, y_new = Sampler(random_state=0).fit_resample(X, y)
    pd.testing.assert_frame_equal(X_new, X_peer)
    pd.testing.assert_series_equal(y_new, y_peer)
    y_peer = PEERS[Sampler](random_state=0).fit_resample(X.to_numpy(), y)[1]
    y_new = Sampler(random_state=0).fit_resample(X.to_numpy(), y)[1]
    pd.testing.assert_series_equal(y_new, y_peer)


@pytest.mark.parametrize("Sampler", SAMPLERS)
def test_containers_of_labels(Sampler, ecg):
    names = np.array(["normal", "MI"])[ecg.target]
    sampler = Sampler(random_state=0)
    _, y = sampler.fit_resample(ecg.data, names)
    taken = sampler.sample_indices_
    assert y.dtype == names.dtype
    np.testing.assert_array_equal(y, names[taken])
    for given in (list(names), pd.Series(names, dtype="category"), pd.DataFrame({"mi": names})):
        _, y = Sampler(random_state=0).fit_resample(ecg.data, given)
        assert type(y) is type(given)
        np.testing.assert_array_equal(np.ravel(y), names[taken])
    _, y = Sampler(random_state=0).fit_resample(ecg.data, names[:, np.newaxis])
    np.testing.assert_array_equal(y, names[taken])


@pytest.mark.parametrize("Sampler", SAMPLERS)
def test_images_and_nan(Sampler, ecg):
    images = np.arange(60 * 4 * 5 * 3, dtype=np.uint8).reshape(60, 4, 5, 3)
    sampler = Sampler(random_state=0)
    drawn, _ = sampler.fit_resample(images, ecg.target)
    assert drawn.dtype == np.uint8
    np.testing.assert_array_equal(drawn, images[sampler.sample_indices_])
    gaps = np.full((60, 2, 9), np.nan)
    assert np.isnan(Sampler().fit_resample(gaps, ecg.target)[0]).all()


def test_memory_map(tmp_path, ecg):
    X = np.memmap(tmp_path / "X", dtype=np.float32, mode="w+", shape=ecg.data.shape)
    X[:] = ecg.data
    drawn, _ = RecordUnderSampler(random_state=0).fit_resample(X, ecg.target)
    assert type(drawn) is np.ndarray


# Groups


@pytest.mark.parametrize("Sampler", SAMPLERS)
def test_groups_of_single_records_change_nothing(Sampler, ecg):
    groups = [f"patient {i}" for i in np.random.RandomState(0).permutation(60)]
    with_groups, without = Sampler(random_state=0), Sampler(random_state=0)
    with_groups.fit_resample(ecg.data, ecg.target, groups=groups)
    without.fit_resample(ecg.data, ecg.target)
    np.testing.assert_array_equal(with_groups.sample_indices_, without.sample_indices_)


@pytest.mark.parametrize("Sampler", SAMPLERS)
def test_patients_go_together(Sampler):
    rng = np.random.RandomState(0)
    y = (rng.uniform(size=300) < 0.2).astype(int)
    groups = rng.randint(60, size=300)
    sampler = Sampler(random_state=0)
    sampler.fit_resample(np.zeros((300, 1, 5)), y, groups=groups)
    times = np.bincount(sampler.sample_indices_, minlength=300)
    for patient in range(60):
        for label in (0, 1):
            assert len(set(times[(groups == patient) & (y == label)])) <= 1
    assert len(set(times)) > 1
    # The wanted number of records, give or take half of the records of a patient.
    largest = max(Counter(zip(groups.tolist(), y.tolist())).values())
    n_resampled = np.bincount(y[sampler.sample_indices_])
    assert abs(n_resampled[0] - n_resampled[1]) <= largest / 2


def test_a_patient_is_never_left_out_entirely():
    """The only patient of a class is kept, although he has more records than are wanted."""
    y = np.array([0] * 9 + [1])
    groups = np.array([0] * 9 + [1])
    sampler = RecordUnderSampler(random_state=0)
    sampler.fit_resample(np.zeros((10, 1, 5)), y, groups=groups)
    assert sampler.sample_indices_.tolist() == list(range(10))


# Multilabel


def imbalance_ratios(indicator):
    counts = indicator.sum(axis=0)
    return counts.max() / counts


@pytest.mark.parametrize("strategy", ["auto", 0.4])
@pytest.mark.parametrize("with_groups", [False, True])
def test_rare_labels_are_repeated(strategy, with_groups, ecg, indicator):
    before = imbalance_ratios(indicator)
    limit = before.mean() if strategy == "auto" else 1 / strategy
    rare = before > limit
    assert rare.any()
    groups = ecg.groups if with_groups else None
    sampler = RecordOverSampler(strategy, random_state=0)
    X, y = sampler.fit_resample(ecg.data, indicator, groups=groups)
    new = sampler.sample_indices_[60:]
    np.testing.assert_array_equal(sampler.sample_indices_[:60], np.arange(60))
    np.testing.assert_array_equal(X, ecg.data[sampler.sample_indices_])
    np.testing.assert_array_equal(y, indicator[sampler.sample_indices_])
    assert (imbalance_ratios(y) <= limit).all()
    assert indicator[new][:, rare].any(axis=1).all()
    assert set(sampler.sampling_strategy_) == set(np.flatnonzero(rare))
    assert sum(sampler.sampling_strategy_.values()) == len(new)
    # One round less of the rare labels would not do.
    largest = np.bincount(ecg.groups).max() if with_groups else 1
    assert (imbalance_ratios(y[: len(y) - largest * rare.sum()]) > limit).any()


@pytest.mark.parametrize("strategy", ["auto", 0.4])
@pytest.mark.parametrize("with_groups", [False, True])
def test_frequent_labels_are_removed(strategy, with_groups, ecg, indicator):
    before = imbalance_ratios(indicator)
    limit = before.mean() if strategy == "auto" else 1 / strategy
    rare = before > limit
    groups = ecg.groups if with_groups else None
    sampler = RecordUnderSampler(strategy, random_state=0)
    X, y = sampler.fit_resample(ecg.data, indicator, groups=groups)
    kept = sampler.sample_indices_
    np.testing.assert_array_equal(X, ecg.data[kept])
    assert (imbalance_ratios(y) <= limit).all()
    removed = np.setdiff1d(np.arange(60), kept)
    assert len(removed) and not indicator[removed][:, rare].any()
    # Records without any label are no reason to remove anything.
    assert indicator[removed].any(axis=1).all() or with_groups
    largest = np.bincount(ecg.groups).max() if with_groups else 1
    assert y.sum(axis=0).max() + largest > limit * y.sum(axis=0)[rare].min()
    assert sampler.sampling_strategy_[0] == y[:, 0].sum()


def test_multilabel_draws_are_those_of_a_slow_loop(indicator):
    """ML-ROS with recomputed ratios, one record at a time."""
    rng = np.random.RandomState(5)
    y = indicator.tolist()
    limit = imbalance_ratios(indicator).mean()
    bags = {
        label: [i for i, row in enumerate(indicator) if row[label]]
        for label, ratio in enumerate(imbalance_ratios(indicator))
        if ratio > limit
    }
    new = []
    while True:
        ratios = imbalance_ratios(np.array(y))
        active = [label for label in bags if ratios[label] > limit]
        if not active:
            break
        for label in active:
            new.append(bags[label][rng.randint(len(bags[label]))])
            y.append(indicator[new[-1]].tolist())
    sampler = RecordOverSampler(random_state=5)
    sampler.fit_resample(np.zeros((60, 1, 9)), indicator)
    assert sampler.sample_indices_[60:].tolist() == new


def test_exclusive_labels_are_classes(ecg):
    one_hot = np.column_stack([1 - ecg.target, ecg.target])
    for Sampler in SAMPLERS:
        sampler, of_classes = Sampler(random_state=0), Sampler(random_state=0)
        _, y = sampler.fit_resample(ecg.data, one_hot)
        of_classes.fit_resample(ecg.data, ecg.target)
        np.testing.assert_array_equal(sampler.sample_indices_, of_classes.sample_indices_)
        np.testing.assert_array_equal(y, one_hot[sampler.sample_indices_])


@pytest.mark.parametrize("Sampler", SAMPLERS)
def test_containers_of_indicators(Sampler, ecg, indicator):
    sampler = Sampler(random_state=0)
    _, expected = sampler.fit_resample(ecg.data, indicator)
    frame = pd.DataFrame(indicator, columns=["NORM", "MI", "HYP"], index=np.arange(60) + 100)
    _, y = Sampler(random_state=0).fit_resample(ecg.data, frame)
    assert list(y.columns) == ["NORM", "MI", "HYP"]
    np.testing.assert_array_equal(y, expected)
    _, y = Sampler(random_state=0).fit_resample(ecg.data, csr_matrix(indicator))
    np.testing.assert_array_equal(y.toarray(), expected)


def test_labels_that_cannot_be_balanced(ecg):
    """Every record with the rare label has the frequent one, too."""
    y = np.zeros((60, 2), dtype=int)
    y[:50, 0] = 1
    y[:5, 1] = 1
    with pytest.warns(UserWarning, match=r"columns \[1\] of y are still rarer"):
        X, _ = RecordOverSampler(0.9, random_state=0).fit_resample(ecg.data, y)
    assert len(X) == 120
    # Removing records works: 5 of both labels, and 0 to 1 more of the frequent one.
    _, y_new = RecordUnderSampler(0.9, random_state=0).fit_resample(ecg.data, y)
    assert y_new.sum(axis=0).tolist() == [5, 5]
    y[:, 1], y[5:10, 1] = 0, 1
    three = np.column_stack([y, np.zeros(60, dtype=int)])
    three[10:15, 2] = 1
    with pytest.warns(UserWarning, match=r"columns \[1, 2\] of y are still rarer"):
        RecordUnderSampler(0.9, random_state=0).fit_resample(ecg.data, three)


def test_labels_that_become_frequent_lose_records(ecg):
    """With the most frequent label shortened, the second one is too frequent."""
    y = np.zeros((60, 3), dtype=int)
    y[:35, 0], y[35:55, 1], y[55:, 2] = 1, 1, 1
    y[0, 1] = 1
    for groups in (None, np.arange(60) // 2):
        sampler = RecordUnderSampler(0.5, random_state=0)
        _, y_new = sampler.fit_resample(ecg.data, y, groups=groups)
        assert y_new.sum(axis=0)[2] == 5
        assert 9 <= y_new.sum(axis=0)[:2].min() and y_new.sum(axis=0).max() == 10


def test_no_record_without_rare_labels_is_left(ecg):
    y = np.zeros((60, 3), dtype=int)
    y[:, 0] = y[:30, 1] = y[30:, 2] = 1
    for groups in (None, ecg.groups):
        with pytest.warns(UserWarning, match=r"columns \[1, 2\] of y are still rarer"):
            X, _ = RecordUnderSampler(1.0).fit_resample(ecg.data, y, groups=groups)
        assert len(X) == 60


def test_label_without_records(ecg, indicator):
    y = np.column_stack([indicator, np.zeros(60, dtype=int)])
    with_label, without = RecordOverSampler(random_state=0), RecordOverSampler(random_state=0)
    with_label.fit_resample(ecg.data, y)
    without.fit_resample(ecg.data, indicator)
    np.testing.assert_array_equal(with_label.sample_indices_, without.sample_indices_)


# Random states, and errors


@pytest.mark.parametrize("Sampler", SAMPLERS)
def test_random_state(Sampler, ecg, indicator):
    def draw(y, random_state):
        sampler = Sampler(random_state=random_state)
        sampler.fit(ecg.data, y).fit_resample(ecg.data, y, groups=ecg.groups)
        return sampler.sample_indices_.tolist()

    for y in (ecg.target, indicator):
        assert draw(y, 0) == draw(y, 0) == draw(y, np.random.RandomState(0))
        assert draw(y, 0) != draw(y, 1)


ERRORS = [
    ({}, {"y": None}, "requires y to be passed"),
    ({}, {"y": np.zeros(60)}, "needs records of at least 2 classes, got 1 class: 0.0"),
    ({}, {"y": np.r_[np.nan, np.ones(59)]}, "1 label(s) are missing, the first for record 0"),
    ({}, {"y": ["MI", None] * 30}, "30 label(s) are missing, the first for record 1"),
    ({}, {"y": np.linspace(0, 1, 60)}, "Unknown label type: continuous"),
    ({}, {"y": np.array(["MI", 1] * 30, dtype=object)}, "labels of different types"),
    ({}, {"y": np.arange(120).reshape(60, 2)}, "Multioutput targets are not supported"),
    ({}, {"y": np.array([["MI", "AF"]] * 60)}, "Multioutput targets are not supported"),
    ({}, {"y": np.zeros((60, 2))}, "without any 1: no record has a label"),
    ({}, {"y": np.arange(59) % 2}, "inconsistent numbers of samples"),
    ({}, {"groups": np.arange(59)}, "inconsistent numbers of samples"),
    ({}, {"groups": np.zeros((60, 2))}, "groups must have shape (n_records,)"),
    ({}, {"groups": [None] * 60}, "groups has missing values for 60 of 60 records"),
    ({"sampling_strategy": "balanced"}, {}, "The 'sampling_strategy' parameter of"),
    ({"sampling_strategy": 1.5}, {}, "The 'sampling_strategy' parameter of"),
    ({"sampling_strategy": {"MI": 50}}, {}, "has the classes ['MI'], which are not present"),
    ({"random_state": "seed"}, {}, "The 'random_state' parameter of"),
    ({}, {"X": np.zeros(60)}, "Expected 2D array"),
    ({}, {"X": np.zeros((0, 2, 5)), "y": []}, "Found array with 0 sample(s)"),
    ({}, {"X": csr_matrix(np.eye(60))}, "X is a sparse matrix"),
    ({}, {"X": None}, "X must be an array, a lead frame or a DataFrame, got None"),
]


@pytest.mark.parametrize("Sampler", SAMPLERS)
@pytest.mark.parametrize("params, arguments, message", ERRORS, ids=lambda v: str(v)[:40])
def test_errors(Sampler, params, arguments, message, ecg):
    arguments = {"X": ecg.data, "y": ecg.target, **arguments}
    sampler = Sampler(**params)
    # Only fit_resample takes groups.
    for method in [sampler.fit_resample] + [sampler.fit] * ("groups" not in arguments):
        with pytest.raises((ValueError, TypeError), match=re.escape(message)):
            method(**arguments)


@pytest.mark.parametrize("Sampler", SAMPLERS)
@pytest.mark.parametrize("strategy", [{0: 50}, {1: 40, 2: 40}, "all", Counter])
def test_strategies_of_classes_are_refused_for_labels(Sampler, strategy, ecg, indicator):
    with pytest.raises(ValueError, match="is for classes, but y is a multilabel indicator"):
        Sampler(strategy).fit_resample(ecg.data, indicator)


def test_float_is_refused_for_several_classes(ecg):
    with pytest.raises(ValueError, match="only when the type of target is binary"):
        RecordOverSampler(0.5).fit_resample(ecg.data, np.arange(60) % 3)

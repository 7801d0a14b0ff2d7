"""Tests of the validation split: groups stay together, classes are balanced, small data warn."""

import warnings

import numpy as np
import pytest

from sklearn_ecg.deep._training import validation_split


@pytest.mark.parametrize("seed", range(5))
def test_stratified(seed):
    labels = np.repeat([0, 1], [160, 40])
    train, valid = validation_split(labels, None, 0.1, seed)
    assert np.bincount(labels[valid]).tolist() == [16, 4]
    assert sorted([*train, *valid]) == list(range(200))


@pytest.mark.parametrize("seed", range(5))
def test_groups_stay_together_and_classes_balanced(seed):
    groups = np.repeat(np.arange(100), 3)
    labels = np.repeat(np.random.RandomState(1).permutation(np.repeat([0, 1], [75, 25])), 3)
    train, valid = validation_split(labels, groups, 0.2, seed)
    assert not set(groups[train]) & set(groups[valid])
    assert len(valid) == pytest.approx(60, abs=9)
    assert (labels[valid] == 1).mean() == pytest.approx(0.25, abs=0.06)


def test_each_patient_is_in_the_validation_part_for_some_seeds():
    """Including the one with the most records, which splitters into folds never put there."""
    groups = np.concatenate([np.arange(100), np.zeros(3, dtype=int)])
    labels = np.arange(103) % 2
    drawn = np.zeros(100)
    for seed in range(200):
        drawn[np.unique(groups[validation_split(labels, groups, 0.1, seed)[1]])] += 1
    assert 5 <= drawn[0] <= 40
    assert 5 <= drawn.min() and drawn.max() <= 45


def test_large_patient_does_not_inflate_the_validation_part():
    groups = np.concatenate([np.arange(200), np.full(60, 200)])
    labels = np.arange(260) % 2
    sizes = [len(validation_split(labels, groups, 0.1, seed)[1]) for seed in range(20)]
    assert max(sizes) <= 40


@pytest.mark.parametrize("fraction", [0.1, 0.4, 0.7, 0.9])
@pytest.mark.parametrize("grouped", [False, True])
def test_fraction_is_exact(fraction, grouped):
    groups = np.arange(200) // 2 if grouped else None
    valid = validation_split(np.arange(200) % 2, groups, fraction, 0)[1]
    assert len(valid) == round(200 * fraction)


def test_positives_of_a_single_patient_warn():
    groups = np.concatenate([np.arange(40), np.full(5, 40)])
    labels = np.repeat([0, 1], [40, 5])
    with pytest.warns(UserWarning, match="A class is missing in the validation.* has 5 record"):
        train, _ = validation_split(labels, groups, 0.2, 0)
    assert set(labels[train]) == {0, 1}


def test_same_seed_same_split():
    labels = np.repeat([0, 1], [30, 30])
    first, second = (validation_split(labels, None, 0.2, 3)[1] for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("groups", [None, np.arange(40)])
def test_tiny_class_warns(groups):
    labels = np.repeat([0, 1], [39, 1])
    with pytest.warns(UserWarning, match="A class is missing in the .* has 1 record"):
        train, valid = validation_split(labels, groups, 0.1, 0)
    assert len(valid) == 4 and len(train) == 36


@pytest.mark.parametrize(
    "n_records, groups, what", [(3, None, "3 records"), (30, np.zeros(30), "1 groups")]
)
def test_too_few_to_validate(n_records, groups, what):
    with pytest.warns(UserWarning, match=f"of {what} leaves no records"):
        train, valid = validation_split(np.arange(n_records) % 2, groups, 0.1, 0)
    assert valid is None and len(train) == n_records


def test_groups_that_alternate_do_not_warn():
    groups = np.arange(60) // 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        validation_split(np.arange(60) % 2, groups, 0.25, 0)

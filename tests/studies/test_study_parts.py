"""What the studies share, on made-up results."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score


def test_leads_of_the_challenge_2011_have_their_names(data_folder):
    """Two of them have each other's place in the file, and networks are pretrained on them."""
    from _study import load_challenge_2011

    signals, table = load_challenge_2011(data_folder / "challenge2011")
    one, two, *others = np.moveaxis(signals[:, :6], 1, 0)
    expected = two - one, -(one + two) / 2, one - two / 2, two - one / 2
    for found, computed in zip(others, expected, strict=True):
        error = np.median(np.abs(found - computed), axis=1)
        assert (error < 0.01).mean() > 0.98
    assert len(signals) == len(table) == 1000


def test_patients_are_drawn_until_each_label_occurs_twice():
    from _study import draw_patients

    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(50), 2)
    y = rng.uniform(size=(100, 2)) < (0.5, 0.1)
    train = np.flatnonzero(patients < 40)
    for seed in range(5):
        drawn = draw_patients(train, y, patients, 0.2, seed)
        chosen = np.unique(patients[drawn])
        assert len(chosen) == 8 and chosen.max() < 40
        np.testing.assert_array_equal(drawn, np.flatnonzero(np.isin(patients, chosen)))
        assert y[drawn].sum(axis=0).min() >= 2 and not y[drawn].all(axis=0).any()
        np.testing.assert_array_equal(drawn, draw_patients(train, y, patients, 0.2, seed))
    np.testing.assert_array_equal(draw_patients(train, y, patients, 1, 0), train)


def test_nothing_is_computed_after_the_time_limit(tmp_path):
    from _results import Kept

    def compute():
        return {"a": np.arange(3)}

    assert Kept(tmp_path, report=True).arrays("x", compute) is None
    assert Kept(tmp_path, max_seconds=-1).arrays("x", compute) is None
    np.testing.assert_array_equal(Kept(tmp_path).arrays("x", compute)["a"], np.arange(3))
    for late in (Kept(tmp_path, report=True), Kept(tmp_path, max_seconds=-1)):
        np.testing.assert_array_equal(late.arrays("x", None)["a"], np.arange(3))
        assert late.arrays("y", compute) is None


def test_no_object_is_computed_after_the_time_limit(tmp_path):
    from _results import Kept

    assert Kept(tmp_path, report=True).object("x", lambda: [1]) is None
    assert Kept(tmp_path).object("x", lambda: [1]) == [1]
    assert Kept(tmp_path, max_seconds=-1).object("x", None) == [1]


def test_results_are_kept_in_a_new_folder(tmp_path):
    from _results import cached_arrays, cached_object

    folder = tmp_path / "results" / "study"
    for _ in range(2):
        assert cached_arrays(None, "key", lambda: {"a": np.arange(3)}, folder)["a"].sum() == 3
    folder = tmp_path / "others" / "study"
    assert cached_object("key", lambda: [1], folder) == cached_object("key", list, folder) == [1]


def test_seeds_after_a_missing_one_are_left_out(capsys):
    from _study import gather_finished

    jobs = [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2)]
    assert gather_finished(iter([1, None, 2, 3, None]), jobs, "mi") == {"a": [1, 2]}
    assert "mi: 2 of 5 fits are not finished" in capsys.readouterr().out


def test_scores_are_means_over_seeds():
    from _study import bootstrap_seeds, mean_over_seeds

    rng = np.random.default_rng(0)
    y = rng.integers(2, size=60)
    seeds = rng.uniform(size=(3, 60)) + 0.5 * y
    others = rng.uniform(size=(2, 60)) + 0.5 * y
    aurocs = [[roc_auc_score(y, seed) for seed in arm] for arm in (seeds, others)]
    options = {"n_resamples": 50, "random_state": 0}
    found = bootstrap_seeds("roc_auc", y, seeds, **options)
    assert found.score == pytest.approx(np.mean(aurocs[0]))
    # Resamples of a seed that is repeated are those of the seed, which are stratified.
    one = bootstrap_seeds("roc_auc", y, seeds[:1], **options)
    np.testing.assert_allclose(bootstrap_seeds("roc_auc", y, seeds[[0, 0]], **options), one)
    # Only the seeds that both have are compared.
    difference = bootstrap_seeds("roc_auc", y, seeds, others, **options)
    assert difference.score == pytest.approx(np.mean(aurocs[0][:2]) - np.mean(aurocs[1]))
    labels = rng.integers(2, size=(60, 2))
    of_labels = rng.uniform(size=(2, 60, 2))
    flat = np.concatenate(of_labels, axis=1)
    expected = mean_over_seeds(roc_auc_score, labels, flat)
    assert bootstrap_seeds("roc_auc", labels, of_labels, **options).score == pytest.approx(expected)
    assert expected == pytest.approx(np.mean([roc_auc_score(labels, seed) for seed in of_labels]))


def test_folds_of_several_labels_are_joined():
    from _study import join_folds

    folds = np.array([7, 8, 7, 9])
    results = {(7,): {"probability": np.array([[0.1, 0.2], [0.3, 0.4]])}, (8,): None}
    nan = [np.nan, np.nan]
    expected = [[0.1, 0.2], nan, [0.3, 0.4], nan]
    np.testing.assert_array_equal(join_folds(folds, results), expected)

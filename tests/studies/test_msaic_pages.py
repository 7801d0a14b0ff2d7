"""Tables of the studies of MSAIC-Net, on made-up results."""

import re
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score


def test_gain_with_few_records():
    import _msaic_few_records as script

    rng = np.random.default_rng(0)
    folds = np.repeat(np.arange(1, 10), 20)
    y = rng.integers(2, size=len(folds))
    cohort = SimpleNamespace(y=y, folds=folds, patients=np.arange(len(y)) // 2)
    tested = y[folds >= 7]

    def draw(strength):
        return rng.uniform(size=len(tested)) + strength * tested

    found = {
        (100, script.FULL): {d: draw(0.5) for d in range(4)},
        (100, script.CNN): {d: draw(0.2) for d in range(3)},
    }
    [row, *_] = script.gain_table(cohort, found).rows
    gains = [
        roc_auc_score(tested, found[100, script.FULL][d])
        - roc_auc_score(tested, found[100, script.CNN][d])
        for d in range(3)
    ]
    half = 4.302653 * np.std(gains, ddof=1) / 3**0.5  # Student's t, 2 degrees of freedom
    low, high = np.mean(gains) - half, np.mean(gains) + half
    assert row[0] == "100 records"
    assert float(row[2].split()[0]) == pytest.approx(np.mean(gains), abs=6e-4)
    bounds = [float(value) for value in re.findall(r"-?\.\d+|-?\d\.\d+", row[3].replace("]", ""))]
    assert bounds == pytest.approx([low, high], abs=6e-4)
    full, cnn = (script.low_data_row(cohort, found, 100, arm) for arm in (script.FULL, script.CNN))
    assert full[1] == "4" and full[3:6] == ["", "", ""]
    assert cnn[1] == "3" and cnn[3:5] == row[2:4]
    assert cnn[5] == f"{sum(gain > 0 for gain in gains)} of 3"


def test_table_of_scales_is_out_of_fold():
    import study_msaic_scales as script

    rng = np.random.default_rng(0)
    folds = rng.permutation(np.repeat(np.arange(1, 10), 20))
    y = rng.integers(2, size=len(folds))
    # Of the full network, a fold of the second seed is missing.
    scores = {row: rng.uniform(size=(2, len(y))) + y for row in (script.CNN, script.FULL)}

    def fit(params, train, test, seed):
        row = script.CNN if params.get("dilations") == (1,) else script.FULL
        assert set(folds[train]) | set(folds[test]) == set(range(1, 10))
        is_full = params == {**script.CANDIDATES[script.DEFAULT], **script.ROWS[script.FULL]}
        if not (row == script.CNN or is_full) or (is_full and seed == 1 and 8 in folds[test]):
            return None
        return {"probability": scores[row][seed][test], "n_parameters": 1000, "seconds": 2.0}

    cohort = SimpleNamespace(y=y, folds=folds, patients=np.arange(len(y)) // 2, fit=fit)
    cohort.leave_out = lambda fold: script.Cohort.leave_out(cohort, fold)
    tested = folds >= 7
    table, found = script.test_candidate(cohort, script.DEFAULT, 2)
    assert {row: len(seeds) for row, seeds in found.items()} == {script.CNN: 2, script.FULL: 1}
    cnn, full = table.rows
    assert [cnn[0], full[0]] == [script.CNN, script.FULL]
    aurocs = [roc_auc_score(y[tested], p[tested]) for p in scores[script.CNN]]
    assert cnn[-1] == " ".join(f"{auroc:.3f}" for auroc in aurocs).replace("0.", ".")
    auroc = roc_auc_score(y[tested], scores[script.FULL][0][tested])
    assert full[-1] == f"{auroc:.3f}".replace("0.", ".")
    mean = scores[script.CNN].mean(axis=0)[tested]
    assert float(cnn[1].split()[0]) == pytest.approx(roc_auc_score(y[tested], mean), abs=6e-4)


def test_tested_candidates_are_compared_with_the_first_one():
    import study_msaic_scales as script

    folds, rng = np.tile(np.arange(1, 10), 20), np.random.default_rng(0)
    y = rng.integers(2, size=len(folds))
    sizes = [{**script.CANDIDATES[name], **script.ROWS[script.FULL]} for name in script.TESTED]
    scores = [rng.uniform(size=len(y)) + weight * y for weight in (0.2, 0.6, 1)]

    def fit(params, train, test, seed):
        if params not in sizes:
            return None
        probability = scores[sizes.index(params)][test]
        return {"probability": probability, "n_parameters": 1000, "seconds": 2.0}

    cohort = SimpleNamespace(y=y, folds=folds, patients=np.arange(len(y)), fit=fit)
    cohort.leave_out = lambda fold: script.Cohort.leave_out(cohort, fold)
    *tables, differences = script.test(cohort, 1)
    assert [len(table.rows) for table in tables] == [1, 1, 1]
    tested = folds >= 7
    first, *others = [roc_auc_score(y[tested], p[tested]) for p in scores]
    assert [row[0] for row in differences.rows] == [f"``{name}``" for name in script.TESTED[1:]]
    for row, other in zip(differences.rows, others):
        assert float(row[1].split()[0]) == pytest.approx(other - first, abs=6e-4)


def test_tables_of_msaic_have_the_finished_seeds(tmp_path, monkeypatch):
    import study_msaic as script
    from _results import Kept
    from _study import Fit, run
    from sklearn.dummy import DummyClassifier

    rng = np.random.default_rng(0)
    y, folds = rng.integers(2, size=40), np.repeat([1, 2, 3, 4], 10)
    task = SimpleNamespace(
        y=y, folds=folds, patients=np.arange(40), test_folds=[3, 4], is_tested=folds >= 3
    )
    few = partial(script.bootstrap_seeds, n_resamples=20)
    monkeypatch.setattr(script, "bootstrap_seeds", few)
    task.join = lambda of_seed: script.Task.join(task, of_seed)
    X = rng.normal(size=(40, 1, 4)).astype(np.float32)

    def fits(n_seeds):
        return [
            Fit(name, DummyClassifier(strategy=strategy, random_state=seed), *records)
            for seed in range(n_seeds)
            for name, strategy in (("a", "uniform"), ("b", "stratified"))
            for records in (
                (folds != fold).nonzero() + (folds == fold).nonzero() for fold in (3, 4)
            )
        ]

    kept = Kept(tmp_path)
    run(fits(1), X, y, 1, kept=kept)
    # Of the second seed, a fold of the first arm is missing.
    run(fits(2)[4:5], X, y, 1, kept=kept)
    run(fits(2)[6:], X, y, 1, kept=kept)
    results = run(fits(2), X, y, 1, kept=Kept(tmp_path, report=True))
    assert [result is None for result in results] == [False] * 5 + [True] + [False] * 2
    gathered = script.Task.gather(task, fits(2), results)
    assert {name: rows.shape for name, (rows, *_) in gathered.items()} == {
        "a": (1, 20),
        "b": (2, 20),
    }
    np.testing.assert_array_equal(gathered["b"][0][1, 10:], results[7]["probability"])
    [table] = script.Task.report(task, gathered, [("b", "roc_auc"), ("c", "roc_auc")])
    assert [row[0] for row in table.rows] == ["a", "b"]
    expected = roc_auc_score(y[20:], gathered["a"][0][0]) - roc_auc_score(
        y[20:], gathered["b"][0][0]
    )
    assert float(table.rows[0][3].split()[0]) == pytest.approx(expected, abs=6e-4)
    assert table.rows[1][3:5] == ["", ""] and len(table.rows[1][-1].split()) == 2


def test_averages_of_networks():
    import study_msaic_averages as script

    rng = np.random.default_rng(0)
    folds = np.repeat(np.arange(1, 10), 20)
    y = rng.integers(2, size=len(folds))
    values = {
        (name, seed): y + rng.normal(size=len(y))
        for name in (script.MSAIC, script.BEATS)
        for seed in script.SEEDS
    }
    cohort = SimpleNamespace(folds=folds, y=y, patients=np.arange(len(y)) // 2)
    cohort.pair = lambda fold: script.Cohort.pair(cohort, fold)
    cohort.leave_out = lambda fold: script.Cohort.leave_out(cohort, fold)

    def fit(train, test, seed):
        assert not set(folds[train]) & set(folds[test])
        names = script.MSAIC, script.BEATS
        return {name: {"probability": values[name, seed][test]} for name in names}

    networks = SimpleNamespace(cohort=cohort, fit=fit)
    tables = [*script.choose(networks), *script.test(networks)]
    means = {
        name: np.mean([values[name, seed] for seed in script.SEEDS], axis=0)
        for name in (script.MSAIC, script.BEATS)
    }
    means[script.ALL] = np.mean(list(means.values()), axis=0)
    for table, parts in zip(tables, ([(1, 2), (3, 4), (5, 6)], [(7, 8, 9)])):
        assert [row[0] for row in table.rows] == list(means)
        for name, _, averaged, *_ in table.rows:
            scores = [
                roc_auc_score(y[part], means[name][part])
                for part in (np.isin(folds, tested) for tested in parts)
            ]
            assert float(averaged.split()[0]) == pytest.approx(np.mean(scores), abs=6e-4)


def test_rates_of_averages():
    import study_msaic_averages as script

    rng = np.random.default_rng(0)
    folds = np.repeat(np.arange(1, 10), 20)
    y = rng.integers(2, size=len(folds))
    values = {rates: rng.uniform(size=len(y)) / 2 + y / 4 for rates in script.RATES}
    cohort = SimpleNamespace(folds=folds, y=y, pair=None)
    cohort.pair = lambda fold: script.Cohort.pair(cohort, fold)

    def fit(train, test, seed, rates):
        assert seed == 0 and not set(folds[train]) & set(folds[test])
        return {"probability": values[rates][test]}

    [table] = script.compare_rates(SimpleNamespace(cohort=cohort, fit_on_beat_features=fit))
    assert [row[0] for row in table.rows] == ["1e-4, 1e-3", "1e-4, 1e-4", "3e-5, 1e-4"]
    for row, p in zip(table.rows, values.values(), strict=True):
        parts = [np.isin(folds, (fold, fold + 1)) for fold in (1, 3, 5)]
        for at, metric in ((1, roc_auc_score), (5, log_loss)):
            scores = [metric(y[part], p[part]) for part in parts]
            assert float(row[at]) == pytest.approx(np.mean(scores), abs=6e-4)
            assert [float(s) for s in row[at + 1].split()] == pytest.approx(scores, abs=6e-4)


def test_table_of_contrastive_weights():
    import _msaic_choices as script

    rng = np.random.default_rng(0)
    y, kept = rng.integers(2, size=60), {}

    class Cohort:
        def pair(self, fold):
            return np.arange(40), np.arange(40, 60)

        def fit(self, params, train, test, seed):
            # The last weight has no second seed.
            if params["contrastive_weight"] == script.CONTRASTIVE_WEIGHTS[-1] and seed:
                return None
            p = rng.uniform(size=len(test)) + 0.3 * y[test]
            kept.setdefault((params["contrastive_weight"], seed), []).append(p)
            return {"probability": p}

    cohort = Cohort()
    cohort.y = y
    (table,) = script.choose_contrastive({"infarction": cohort}, range(2))
    scores = {
        key: np.mean([roc_auc_score(y[40:], p) for p in of_folds]) for key, of_folds in kept.items()
    }
    first, *_, last = table.rows
    assert [row[1] for row in table.rows] == ["0", "0.03", "0.1"]
    assert first[3] == first[5] == "" and first[2].endswith("(6)") and last[2].endswith("(3)")
    assert float(first[2].split()[0]) == pytest.approx(
        (scores[0.0, 0] + scores[0.0, 1]) / 2, abs=6e-4
    )
    # Of the same seeds.
    difference = scores[0.1, 0] - scores[0.0, 0]
    assert abs(difference) > 0.002
    assert float(last[3].split()[0]) == pytest.approx(difference, abs=6e-4)


def test_table_of_contrastive_weights_is_out_of_fold():
    import study_msaic_scales as script

    folds, rng = np.tile(np.arange(1, 10), 20), np.random.default_rng(0)
    y = rng.integers(2, size=len(folds))
    # By the weight of the contrastive loss, of two seeds.
    scores = {weight: rng.uniform(size=(2, len(y))) + y for weight in (0, 0.03, 0.1)}
    scores["CNN"] = rng.uniform(size=(2, len(y))) + 0.3 * y

    def fit(params, train, test, seed):
        assert set(folds[train]) | set(folds[test]) == set(range(1, 10))
        is_cnn = params.get("dilations") == (1,)
        arm = "CNN" if is_cnn else params["contrastive_weight"]
        # The last weight has no second seed.
        return None if arm == 0.1 and seed else {"probability": scores[arm][seed][test]}

    cohort = SimpleNamespace(y=y, folds=folds, patients=np.arange(len(y)) // 2, fit=fit)
    cohort.leave_out = lambda fold: script.Cohort.leave_out(cohort, fold)
    (table,) = script.test_contrastive({"infarction": cohort}, 2)
    tested = folds >= 7
    aurocs = {
        arm: [roc_auc_score(y[tested], p[tested]) for p in seeds] for arm, seeds in scores.items()
    }
    cnn, _, default, last = table.rows
    assert default[0] == "weight 0.03" and cnn[2] == ""
    assert float(default[1].split()[0]) == pytest.approx(np.mean(aurocs[0.03]), abs=6e-4)
    difference = np.subtract(aurocs[0.03], aurocs["CNN"]).mean()
    assert float(default[2].split()[0]) == pytest.approx(difference, abs=6e-4)
    # Of the same seeds.
    difference = aurocs[0.1][0] - aurocs["CNN"][0]
    assert float(last[2].split()[0]) == pytest.approx(difference, abs=6e-4)
    assert last[3] == f"{aurocs[0.1][0]:.3f}".replace("0.", ".")

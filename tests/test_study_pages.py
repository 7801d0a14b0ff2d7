"""Tests of the benchmarks that write the tables of documentation pages, on made-up results."""

import re
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss, mean_absolute_error, r2_score, roc_auc_score

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module", autouse=True)
def benchmarks():
    """Make the scripts importable, as they are for each other."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield
    sys.path.remove(str(ROOT / "benchmarks"))


@pytest.fixture
def study(tmp_path):
    """A cohort, and predictions of the parts of the recipe and a network with 15 records.

    There are only two of the draws of convolutions.
    """
    import _estimator_grid as grid
    import _estimator_scores as scores

    rng = np.random.default_rng(0)
    folds = np.repeat(np.arange(1, 10), 12)
    y = rng.integers(2, size=len(folds))
    cohort = grid.Cohort(y, folds, np.arange(len(y)) // 2)
    y_test = y[folds >= 7]
    arms = {arm: grid.DRAWS for arm in grid.AVERAGES[grid.RECIPE]}
    arms |= {grid.BEATS: range(2), grid.BEAT_NETWORK: grid.FEW_DRAWS}
    kept = {}
    for arm, draws in arms.items():
        for draw in draws:
            size = (len(grid.STRENGTHS) if arm in grid.LINEAR_ARMS else 1, len(y_test))
            probability = rng.uniform(size=size) * 0.8 + 0.2 * y_test
            cell = grid.Cell("mi", "12", arm, "15", draw, grid.TEST_FOLDS)
            np.savez(tmp_path / f"{cell.file}.npz", probability=probability, key="", seconds=1)
            kept[arm, draw] = probability
    return grid, scores, scores.Stored(tmp_path, {"mi": cohort}), y_test, kept


def rows_of(tables):
    """Return the cells of all rows of tables, by name, in their order."""
    rows = {}
    for table in tables:
        for name, *cells in table.rows:
            rows.setdefault(name, []).append(cells)
    return rows


def test_tables_of_estimators(study):
    grid, script, stored, y, kept = study
    part = grid.PARTS["by-records"]
    part = part._replace(columns={"12 leads": [("12", "15"), ("12", "50")]})
    tables = script.make_page_tables(["mi"], part, stored)
    scores, differences = tables
    assert scores.title == "Infarction, 12 leads"
    assert scores.header == differences.header == ["estimator", "15", "50"]
    assert not scores.folded and differences.folded
    rows = rows_of(tables)
    arms = (
        *(grid.RECIPE, grid.BOOSTING, grid.TREES, grid.RECIPE_LINEAR),
        *(grid.BEATS, grid.BOOSTING_BEATS),
    )
    assert list(rows) == [script.ROWS[arm] for arm in arms]
    boosting = [roc_auc_score(y, kept[grid.BOOSTING, draw][0]) for draw in grid.DRAWS]
    recipe = []
    for draw in grid.DRAWS:
        labels = stored.cohorts["mi"].y[:72]
        drawn = labels[grid.draw_records(labels, np.arange(72), 15, draw)]
        n_rarer = min(drawn.sum(), 15 - drawn.sum())
        weights = (8 * n_rarer / (n_rarer + 100), 4, 1)
        parts = [kept[arm, draw][0] for arm in grid.AVERAGES[grid.RECIPE]]
        recipe.append(roc_auc_score(y, np.average(parts, axis=0, weights=weights)))
    (scores,), (name,) = rows[script.ROWS[grid.RECIPE]], [script.ROWS[grid.BOOSTING]]
    assert scores[0].startswith(f"{np.mean(recipe):.3f}".lstrip("0") + " [.")
    assert scores[1] == "-"
    scores, differences = rows[name]
    assert scores[0].startswith(f"{np.mean(boosting):.3f}".lstrip("0"))
    assert float(differences[0].split()[0]) == pytest.approx(
        np.mean(boosting) - np.mean(recipe), abs=6e-4
    )
    assert "draw" not in scores[0]
    for cells in rows[script.ROWS[grid.BEATS]]:
        assert cells[0].endswith(", 2 draws")
    # All rows of a table with networks have the same draws.
    few = len(grid.FEW_DRAWS)
    assert few < len(grid.DRAWS)
    networks = grid.PARTS["networks"]._replace(columns=part.columns)
    rows = rows_of(script.make_page_tables(["mi"], networks, stored))
    arms = (grid.BEAT_NETWORK, grid.RECIPE_NETWORK, grid.TREES_NETWORK)
    assert list(rows) == [f"``{grid.RECIPE}``", *(script.ROWS[arm] for arm in arms)]
    assert rows[f"``{grid.RECIPE}``"][0][0].startswith(f"{np.mean(recipe[:few]):.3f}".lstrip("0"))
    network = [roc_auc_score(y, kept[grid.BEAT_NETWORK, draw][0]) for draw in range(few)]
    scores, differences = rows[script.ROWS[grid.BEAT_NETWORK]]
    assert scores[0].startswith(f"{np.mean(network):.3f}".lstrip("0")) and scores[0].endswith("]")
    assert float(differences[0].split()[0]) == pytest.approx(
        np.mean(network) - np.mean(recipe[:few]), abs=6e-4
    )
    text = script.describe_parts(["mi"], part, stored)
    whole, *parts = (
        stored.bootstrap("mi", "12", arm, "15", tuple(grid.DRAWS))[1]
        for arm in (grid.RECIPE, *grid.AVERAGES[grid.RECIPE])
    )
    lows = [np.percentile(whole - part, 2.5) for part in parts]
    n_above = sum(low > -0.005 for low in lows)
    assert 0 < n_above < 3
    assert f"Of the 3 differences between ``{grid.RECIPE}`` and" in text
    assert f"with 12 leads, the whole interval is above -.005 for {n_above}." in text
    listed = [line for line in text.splitlines() if line.startswith("- infarction, 12 leads, 15 ")]
    assert len(listed) == 3 - n_above
    for arm, low in zip(grid.AVERAGES[grid.RECIPE], lows, strict=True):
        ends = f"minus {script.ROWS[arm]}: "
        found = [line.split(ends)[1] for line in listed if ends in line]
        assert len(found) == (low <= -0.005)
        assert all(f"[{low:+.3f} ".replace("0.", ".") in line for line in found)
    columns = {"more": [("12", "500")]}
    with pytest.raises(ValueError, match="No predictions of infarction are stored"):
        script.make_page_tables(["mi"], part._replace(columns=columns), stored)


def test_fits_of_the_study_are_those_of_the_tables():
    import _estimator_grid as grid

    cells = {cell[:5] for cell in grid.list_cells(["mi"], grid.ARMS, grid.PARTS)}
    draws = {}
    for _, subset, arm, size, draw in cells:
        draws.setdefault((subset, arm, size), set()).add(draw)
    assert draws["12", grid.BOOSTING, "15"] == draws["I", grid.BEATS, "50"] == {*range(15)}
    assert draws["12", grid.RECORD_NETWORK, "15"] == draws["I", grid.BEAT_NETWORK, "50"]
    assert draws["I", grid.BEAT_NETWORK, "50"] == draws["I", grid.TREES, "all"] == {*range(5)}
    # Without a random state, one fit is enough for all records.
    assert draws["12", grid.LINEAR, "all"] == {0}
    assert ("I", grid.RECORD_NETWORK, "all") not in draws and ("I", grid.TREES, "15") not in draws
    networks = {cell.arm for cell in grid.list_cells(["mi"], grid.ARMS, ["networks"])}
    assert networks == {*grid.NETWORKS, *grid.AVERAGES[grid.RECIPE]}


def test_rows_of_the_page_are_those_of_the_study():
    import study_estimators
    from _estimator_grid import PARTS, RECIPE, SIZES, SUBSETS
    from _estimator_scores import ROWS
    from _tables import format_row

    text = (ROOT / "docs" / study_estimators.PAGE).read_text(encoding="utf-8")
    for name, part in PARTS.items():
        _, _, rest = text.partition(f".. begin table {name} (")
        tables, _, _ = rest.partition(f".. end table {name}\n")
        names = re.findall(r'^ +"((?:[^"]|"")*)"', tables, re.MULTILINE)
        header = ("estimator", *(SUBSETS if name.endswith("by-leads") else SIZES))
        # A table and its differences for each task.
        assert tables.count(f":header: {format_row(header)}") == 4 * len(part.columns)
        assert tables.count("csv-table") == 4 * len(part.columns)
        rows = {arm: row for arm, row in ROWS.items() if arm in part.arms}
        if part.has_networks:
            rows[RECIPE] = f"``{RECIPE}``"
        assert list(dict.fromkeys(names)) == list(rows.values())


def test_table_of_ages():
    import age_ptbxl as script

    rng = np.random.default_rng(0)
    age = rng.uniform(20, 80, size=40)
    patients = np.arange(40) // 2
    near = [age + rng.normal(size=40) for _ in range(2)]
    predictions = {script.BOOSTING: [age + 10 * rng.normal(size=40)], "near": near}
    first, second = script.make_rows(age, predictions, patients, n_resamples=20)
    assert first[3:] == ["", ""]
    error = np.mean([mean_absolute_error(age, seed) for seed in near])
    r2 = np.mean([r2_score(age, seed) for seed in near])
    assert second[1].startswith(f"{error:.2f} [") and second[2].startswith(f"{r2:.3f} [")
    difference = error - mean_absolute_error(age, predictions[script.BOOSTING][0])
    assert second[3].startswith(f"{difference:+.2f} [")
    low, high = (float(end) for end in second[3].split("[")[1].strip("]").split())
    assert low < difference < high < 0


def test_intervals_of_ages_depend_on_patients():
    """Twenty copies of each record say no more than one."""
    import age_ptbxl as script

    rng = np.random.default_rng(0)
    age = np.repeat(rng.uniform(20, 80, size=30), 20)
    predictions = {script.BOOSTING: [age + np.repeat(5 * rng.normal(size=30), 20)]}
    widths = []
    for patients in (np.arange(600), np.arange(600) // 20):
        ((_, error, *_),) = script.make_rows(age, predictions, patients, n_resamples=200)
        low, high = error.split("[")[1].strip("]").split("-")
        widths.append(float(high) - float(low))
    assert widths[1] > 3 * widths[0]


def test_table_of_convolutions():
    import random_convolutions_ptbxl as script

    column = {"a": (".900 [.880-.920]", "-.010 [-.020 -.001]"), script.BOOSTING: ("x", "")}
    rows = rows_of([script.make_page_table([column, column])])
    assert rows["a"] == [[*column["a"], *column["a"]]]


@pytest.mark.parametrize(
    "name, part",
    [
        ("lead_subsets_ptbxl", "subsets"),
        ("random_convolutions_ptbxl", "scores"),
        ("printed_leads_ptbxl", "printed"),
        ("electrode_swaps", "swaps"),
        ("windows_ptbxl", "windows"),
        ("age_ptbxl", "ages"),
        ("bench_all", "speed"),
    ],
)
def test_pages_have_the_parts_that_are_written(name, part):
    page = (ROOT / "docs" / __import__(name).PAGE).read_text(encoding="utf-8")
    assert len(re.findall(rf"^\.\. begin table {part}(?: \(|$)", page, re.MULTILINE)) == 1
    assert page.count(f".. end table {part}\n") == 1


def test_gain_with_few_records():
    import study_msaic_scales as script

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


def test_losses_of_repelling_regions():
    import study_acl as script

    seeds = [{"intra": np.array([1.5]), "inter": np.array([1.75])}] * 2
    table = script.gap_table({script.FULL: seeds, script.SEPARATE: seeds})
    assert [row[:2] for row in table.rows[:2]] == [[script.SEPARATE, "0"], [script.SEPARATE, "1"]]
    weight = (np.exp(1.75 / 4) - np.exp(1.5 / 4)) / 6 / ((np.exp(1.5 / 4) - 1) / 126)
    assert table.rows[0][2:] == ["1.500", "1.750", ".250", f"{weight:.2f}"]
    # Two views of 64 records and four regions: each vector is compared with 127 or 133 others.
    assert table.rows[2][2:] == [f"{4 * np.log(127):.3f}", f"{4 * np.log(133):.3f}", ".185", "1.00"]


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


def test_no_object_is_computed_after_the_time_limit(tmp_path):
    from _results import Kept

    assert Kept(tmp_path, report=True).object("x", lambda: [1]) is None
    assert Kept(tmp_path).object("x", lambda: [1]) == [1]
    assert Kept(tmp_path, max_seconds=-1).object("x", None) == [1]


def test_seeds_after_a_missing_one_are_left_out(capsys):
    from _study import gather_finished

    jobs = [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2)]
    assert gather_finished(iter([1, None, 2, 3, None]), jobs, "mi") == {"a": [1, 2]}
    assert "mi: 2 of 5 fits are not finished" in capsys.readouterr().out


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


def test_rows_of_rates():
    from _rates import HEADER, rows_of_rates

    rng = np.random.default_rng(0)
    y, patients = rng.integers(2, size=(80, 3)), np.arange(80) // 2
    former, other = (1e-4, 1e-3), (3e-5, 1e-4)
    found = {
        rates: {fit: np.clip(rng.uniform(size=y.shape) * 0.8 + 0.1 * y, 0.1, 0.9) for fit in "abc"}
        for rates in (None, former, other)
    }
    # Of one draw, the probe is missing.
    del found[None]["b"]
    scores = {rates: [roc_auc_score(y, fits[k]) for k in "ac"] for rates, fits in found.items()}
    rows = rows_of_rates(y, patients, 15, found)
    assert {len(row) for row in rows} == {len(HEADER)}
    assert [row[:2] for row in rows] == [
        ["15", name] for name in ("probe", "1e-4, 1e-3", "3e-5, 1e-4")
    ]
    assert rows[0][3:5] == ["", ""]
    for row, (rates, of_fits) in zip(rows, scores.items(), strict=True):
        assert float(row[2].split()[0]) == pytest.approx(np.mean(of_fits), abs=6e-4)
        correct = [np.where(y == 1, found[rates][k], 1 - found[rates][k]) for k in "ac"]
        assert float(row[5]) == pytest.approx(-np.log(correct).mean(), abs=6e-4)
        if rates is not None:
            change = np.mean(of_fits) - np.mean(scores[None])
            assert float(row[3].split()[0]) == pytest.approx(change, abs=6e-4)
            n_ahead = sum(a >= b for a, b in zip(of_fits, scores[None]))
            assert row[4] == f"{n_ahead} of 2"
    with_former = rows_of_rates(y, patients, 15, found, former)
    assert [row[:-1] for row in with_former] == rows
    change = np.mean(scores[other]) - np.mean(scores[former])
    assert [row[-1] == "" for row in with_former] == [True, True, False]
    assert float(with_former[2][-1].split()[0]) == pytest.approx(change, abs=6e-4)
    # Without a draw of the former rates, that of the others is left out.
    del found[former]["a"]
    rows = rows_of_rates(y, patients, 15, found, former)
    assert [float(row[2].split()[0]) for row in rows] == pytest.approx(
        [of_fits[1] for of_fits in scores.values()], abs=6e-4
    )


def test_chosen_rates_are_the_defaults():
    import _pretraining_rates
    import study_acl

    from sklearn_ecg import ACLECGClassifier, BeatFeatureClassifier

    for clf, chosen in (
        (ACLECGClassifier(), study_acl.CHOSEN),
        (BeatFeatureClassifier(), _pretraining_rates.CHOSEN),
    ):
        assert (clf.encoder_learning_rate, clf.learning_rate) == chosen


def test_steps_of_preparation():
    import study_acl_preparation as script

    rng = np.random.default_rng(0)
    y, folds = rng.integers(2, size=(90, 2)), np.repeat(np.arange(1, 10), 10)
    data = SimpleNamespace(y=y, folds=folds, patients=np.arange(90))
    steps = list(script.STEPS.values())
    found = {
        arm: {step: rng.uniform(size=(3, 10, 2)) + 0.3 * y[folds == 9] for step in steps}
        for arm in script.ARMS
    }
    table = script.make_table(found, data, 0.5)
    assert [row[0] for row in table.rows] == [f"{arm}, {step}" for arm in found for step in steps]
    scores = {
        (arm, step): np.mean([roc_auc_score(y[folds == 9], p) for p in seeds])
        for arm, of_steps in found.items()
        for step, seeds in of_steps.items()
    }
    for i, (row, (arm, step)) in enumerate(zip(table.rows, scores, strict=True)):
        expected = [scores[arm, step], None, None]
        if step != steps[0]:
            expected[1] = scores[arm, step] - scores[arm, steps[i % len(steps) - 1]]
        if arm != script.RANDOM:
            expected[2] = scores[arm, step] - scores[script.RANDOM, step]
        for cell, value in zip((row[1], row[3], row[4]), expected):
            assert (cell == "") == (value is None)
            if value is not None:
                assert float(cell.split()[0]) == pytest.approx(value, abs=6e-4)


def test_folds_of_several_labels_are_joined():
    from _study import join_folds

    folds = np.array([7, 8, 7, 9])
    results = {(7,): {"probability": np.array([[0.1, 0.2], [0.3, 0.4]])}, (8,): None}
    nan = [np.nan, np.nan]
    expected = [[0.1, 0.2], nan, [0.3, 0.4], nan]
    np.testing.assert_array_equal(join_folds(folds, results), expected)


def test_results_are_kept_in_a_new_folder(tmp_path):
    from _results import cached_arrays, cached_object

    folder = tmp_path / "results" / "study"
    for _ in range(2):
        assert cached_arrays(None, "key", lambda: {"a": np.arange(3)}, folder)["a"].sum() == 3
    folder = tmp_path / "others" / "study"
    assert cached_object("key", lambda: [1], folder) == cached_object("key", list, folder) == [1]


def test_scores_by_ranks():
    import study_acl_labels as script

    rng = np.random.default_rng(0)
    y = rng.integers(2, size=(30, 3))
    # With ties.
    probabilities = rng.integers(8, size=(4, 30, 3)) / 8
    expected = [roc_auc_score(y, p, average="macro") for p in probabilities]
    np.testing.assert_allclose(script.macro_auroc(y, probabilities), expected)


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0.5, 0.0), (0.6, 0.5), (0.65, np.sqrt(10) / 2), (0.7, 5.0), (0.78, 50.0), (0.9, np.inf)],
)
def test_factor_of_labels(score, expected):
    """20 labels, and a curve that falls once: .65 is halfway between 10 and 100 labels."""
    import study_acl_labels as script

    labels, curve = np.array([10.0, 100.0, 500.0, 1000.0]), np.array([0.6, 0.7, 0.69, 0.78])
    assert script.find_factor(score, 20, labels, curve) == pytest.approx(expected)


def test_table_of_labels():
    import study_acl_labels as script

    n_labels = {0.1: 10.0, 1.0: 100.0}
    # One resample of 41 is left out at each end.
    random = np.tile([0.6, 0.8], (42, 1))
    ours = random + 0.1
    ours[1, 0], ours[2, 0] = 0.55, 0.85
    curves = {script.FULL: ours, script.RANDOM: random, script.SCRATCH: random + 0.15}
    few, every = script.make_table(curves, n_labels).rows
    assert few[:2] == ["10", ".700 [.700-.700]"]
    # .7 is halfway between .6 and .8, and below what training from scratch has at least.
    assert few[4] == "3.2 [3.2, 3.2]" and few[5] == "< 1.0 [< 1.0, < 1.0]"
    assert every[:2] == ["100", ".900 [.900-.900]"] and every[4:] == ["", ""]
    factors = np.concatenate([[1.5], np.zeros(2), np.arange(37), np.full(2, np.inf)])
    assert script.factor_text(factors, 10.0, 5.0, 100.0) == "1.5 [< 0.5, > 10.0]"


def test_curves_of_labels(monkeypatch):
    import study_acl_labels as script

    monkeypatch.setattr(script, "N_RESAMPLES", 200)
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=(30, 2))
    data = SimpleNamespace(y=y, folds=np.full(30, 9), patients=np.repeat(np.arange(15), 2))
    # Two encoders; only the first draw is of any use.
    p = rng.uniform(size=(2 * script.N_DRAWS, 30, 2))
    p[:: script.N_DRAWS] += y
    curves = script.compare_curves({script.FULL: {0.1: p}, script.RANDOM: {0.1: p}}, data)
    scores = [roc_auc_score(y, values) for values in p]
    assert curves[script.FULL][0, 0] == pytest.approx(np.mean(scores))
    # Curves share their resamples, which include the draws: the patients alone vary much less.
    np.testing.assert_array_equal(curves[script.FULL], curves[script.RANDOM])
    assert curves[script.FULL][1:].std() > 0.07


def test_table_of_epochs():
    import study_acl_epochs as script

    rng = np.random.default_rng(0)
    y, folds = rng.integers(2, size=(90, 2)), np.repeat(np.arange(1, 10), 10)
    data = SimpleNamespace(y=y, folds=folds, patients=np.arange(90))

    def draws():
        shape = (len(script.FRACTIONS), 2, 10, 2)
        return dict(zip(script.FRACTIONS, rng.uniform(size=shape) + 0.3 * y[folds == 9]))

    # The second number of epochs has one seed, which is compared with the same one.
    found = {5: {0: draws(), 1: draws()}, 20: {1: draws()}}
    few, more = script.make_table(found, {5: {0: 2.0, 1: 3.0}, 20: {1: 1.5}}, data).rows
    assert few[:3] == ["5", "2", "2.50"] and more[:3] == ["20", "1", "1.50"]
    assert few[4::2] == ["", "", ""]
    for i, fraction in enumerate(script.FRACTIONS):
        scores = {
            (epochs, seed): np.mean([roc_auc_score(y[folds == 9], p) for p in shares[fraction]])
            for epochs, by_seed in found.items()
            for seed, shares in by_seed.items()
        }
        assert float(few[3 + 2 * i].split()[0]) == pytest.approx(
            (scores[5, 0] + scores[5, 1]) / 2, abs=6e-4
        )
        assert abs(scores[20, 1] - scores[5, 1]) > 0.01
        difference = float(more[4 + 2 * i].split()[0])
        assert difference == pytest.approx(scores[20, 1] - scores[5, 1], abs=6e-4)


@pytest.fixture
def tables_of_prints(monkeypatch):
    """The module, with few resamples."""
    import _prints_tables as script

    for name in ("bootstrap_interval", "bootstrap_difference", "bootstrap_seeds"):
        compute = getattr(script, name)

        def with_few(*args, compute=compute, **options):
            return compute(*args, **{**options, "n_resamples": 20})

        monkeypatch.setattr(script, name, with_few)
    return script


def test_prints_are_tested_on_rendered_records(tables_of_prints):
    script = tables_of_prints
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=40)
    values = {
        (arm.name, seed): rng.dirichlet(np.ones(4), size=40)
        for arm in (script.RANDOM, script.PRETRAINED, script.HOG)
        for seed in range(3)
    }
    prints = SimpleNamespace(
        classes=["abnormal_heartbeat", "history_mi", "mi", "normal"],
        distinct=np.arange(7),
        external=(None, None, y, np.arange(40)),
    )
    study = SimpleNamespace(
        prints=prints, predict_external=lambda arm, seed: values[arm.name, seed]
    )
    table = script.table_of_external(study)
    assert "trained on 7 prints, tested on 40 rendered" in table.title
    # Infarctions are new or old; the class without a counterpart is left out.
    scores = {
        key: roc_auc_score(y, (p[:, 1] + p[:, 2]) / (p[:, 1] + p[:, 2] + p[:, 3]))
        for key, p in values.items()
    }
    names = [script.RANDOM.name, script.PRETRAINED.name, script.HOG.name]
    assert [row[0] for row in table.rows] == names
    means = [np.mean([scores[name, seed] for seed in range(3)]) for name in names[:2]]
    means.append(scores[names[2], 0])
    for row, mean in zip(table.rows, means):
        assert float(row[1].split()[0]) == pytest.approx(mean, abs=6e-4)
        assert len(row[3].split()) == (1 if row[0] == names[2] else 3)
    assert [row[2] == "" for row in table.rows] == [True, False, True]
    assert float(table.rows[1][2].split()[0]) == pytest.approx(means[1] - means[0], abs=6e-4)
    share = np.mean([values[names[0], seed].argmax(axis=1) == 0 for seed in range(3)])
    assert table.rows[0][4] == f"{share:.0%}"
    # Where one class has nearly all probability, the others are still compared.
    for p in values.values():
        p[:, 1:] *= 1e-40
        p[:, 1:3] *= 1e20
        p[:, 0] = 1 - p[:, 1:].sum(axis=1)
    assert [row[1] for row in script.table_of_external(study).rows] == [
        row[1] for row in table.rows
    ]


def test_pretraining_with_copies_grouped(tables_of_prints):
    script = tables_of_prints
    rng = np.random.default_rng(0)
    y, groups = rng.integers(4, size=60), np.repeat(np.arange(30), 2)
    arms = ((script.PRETRAINED.name, 0.7), (script.RANDOM.name, 0.4))
    protocols = script.GROUPED, script.NUMBERS
    values = {
        (name, protocol): [
            np.where(rng.random(60) < chance, y, rng.integers(4, size=60)) for _ in range(3)
        ]
        for protocol in protocols
        for name, chance in arms
    }

    def predict(arm, protocol, n_labels, seed):
        assert n_labels is None
        return values[arm.name, protocol][seed]

    prints = SimpleNamespace(y=y, groups=groups)
    table = script.table_of_grouped(SimpleNamespace(prints=prints, predict=predict))
    assert [tuple(row[:2]) for row in table.rows] == list(values)
    f1 = {key: [f1_score(y, p, average="macro") for p in seeds] for key, seeds in values.items()}
    for row, (key, seeds) in zip(table.rows, values.items()):
        assert float(row[2].split()[0]) == pytest.approx(np.mean(seeds == y), abs=6e-4)
        assert float(row[5].split()[0]) == pytest.approx(np.mean(f1[key]), abs=6e-4)
    for i, protocol in enumerate(protocols):
        changes = np.subtract(*(f1[name, protocol] for name, _ in arms))
        mean, of_seeds = table.rows[2 * i][7:]
        assert float(mean.split()[0]) == pytest.approx(np.mean(changes), abs=6e-4)
        assert [float(change) for change in of_seeds.split()] == pytest.approx(changes, abs=6e-4)
        assert table.rows[2 * i + 1][7:] == ["", ""]

"""Tests of the benchmarks that write the tables of documentation pages, on made-up results."""

import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, roc_auc_score

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module", autouse=True)
def benchmarks():
    """Make the scripts importable, as they are for each other."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield
    sys.path.remove(str(ROOT / "benchmarks"))


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.rst"
    path.write_text("Title\n\n.. begin table\n\nold\n\n.. end table\n\nText\n", encoding="utf-8")
    return path


def test_part_of_a_page(page):
    from _pages import write_part

    for _ in range(2):
        write_part(page, "table", "new\n")
        expected = "Title\n\n.. begin table\n\nnew\n\n.. end table\n\nText\n"
        assert page.read_text(encoding="utf-8") == expected
    with pytest.raises(ValueError, match=r"page.rst must have the lines '.. begin other' and"):
        write_part(page, "other", "new")
    page.write_text(page.read_text(encoding="utf-8") * 2, encoding="utf-8")
    with pytest.raises(ValueError, match="once"):
        write_part(page, "table", "new")


def test_csv_table():
    from _pages import make_csv_table, make_dropdown

    table = make_csv_table("Title", ("a", "b"), [("c, d", 'e "f"')], (30, 70))
    assert table == [
        ".. csv-table:: Title",
        '   :header: "a", "b"',
        "   :widths: 30, 70",
        "",
        '   "c, d", "e ""f"""',
    ]
    assert make_dropdown("More", ["a", "", "b"]) == [".. dropdown:: More", "", "   a", "", "   b"]


@pytest.fixture
def study(tmp_path):
    """A cohort, and predictions of the parts of the recipe with 15 records.

    There are two of the five draws of convolutions.
    """
    import study_estimators as script

    rng = np.random.default_rng(0)
    folds = np.repeat(np.arange(1, 10), 12)
    y = rng.integers(2, size=len(folds))
    cohort = script.Cohort(y, folds, np.arange(len(y)) // 2)
    y_test = y[folds >= 7]
    arms = {arm: range(5) for arm in script.AVERAGES[script.RECIPE]}
    arms[script.BEATS] = range(2)
    kept = {}
    for arm, draws in arms.items():
        for draw in draws:
            size = (len(script.STRENGTHS) if arm in script.LINEAR_ARMS else 1, len(y_test))
            probability = rng.uniform(size=size) * 0.8 + 0.2 * y_test
            cell = script.Cell("mi", "12", arm, "15", draw, script.TEST_FOLDS)
            np.savez(tmp_path / f"{cell.file}.npz", probability=probability, key="", seconds=1)
            kept[arm, draw] = probability
    return script, script.Stored(tmp_path, {"mi": cohort}), y_test, kept


def rows_of(text):
    """Return the cells of all rows of tables, by name, in their order."""
    rows = {}
    for line in text.splitlines():
        if line.strip().startswith('"'):
            name, *cells = line.strip().strip('"').split('", "')
            rows.setdefault(name, []).append(cells)
    return rows


def test_tables_of_estimators(study, page):
    from _pages import write_part

    script, stored, y, kept = study
    columns = {"12 leads": [("12", "15"), ("12", "50")]}
    text = script.make_tables_text(["mi"], columns, stored)
    write_part(page, "table", text)
    assert text in page.read_text(encoding="utf-8")
    assert ".. csv-table:: Infarction, 12 leads\n" in text
    assert '   :header: "estimator", "15", "50"\n' in text
    rows = rows_of(text)
    arms = (
        *(script.RECIPE, script.BOOSTING, script.TREES, script.RECIPE_LINEAR),
        *(script.BEATS, script.BOOSTING_BEATS),
    )
    assert list(rows) == [script.ROWS[arm] for arm in arms]
    boosting = [roc_auc_score(y, kept[script.BOOSTING, draw][0]) for draw in range(5)]
    recipe = []
    for draw in range(5):
        labels = stored.cohorts["mi"].y[:72]
        drawn = labels[script.draw_records(labels, np.arange(72), 15, draw)]
        n_rarer = min(drawn.sum(), 15 - drawn.sum())
        weights = (8 * n_rarer / (n_rarer + 100), 4, 1)
        parts = [kept[arm, draw][0] for arm in script.AVERAGES[script.RECIPE]]
        recipe.append(roc_auc_score(y, np.average(parts, axis=0, weights=weights)))
    (scores,), (name,) = rows[script.ROWS[script.RECIPE]], [script.ROWS[script.BOOSTING]]
    assert scores[0].startswith(f"{np.mean(recipe):.3f}".lstrip("0") + " [.")
    assert scores[1] == "-"
    scores, differences = rows[name]
    assert scores[0].startswith(f"{np.mean(boosting):.3f}".lstrip("0"))
    assert float(differences[0].split()[0]) == pytest.approx(
        np.mean(boosting) - np.mean(recipe), abs=6e-4
    )
    assert "draw" not in scores[0]
    for cells in rows[script.ROWS[script.BEATS]]:
        assert cells[0].endswith(", 2 draws")
    with pytest.raises(ValueError, match="No predictions of infarction are stored"):
        script.make_tables_text(["mi"], {"more": [("12", "500")]}, stored)


def test_rows_of_the_page_are_those_of_the_study():
    import study_estimators as script

    text = script.PAGE.read_text(encoding="utf-8")
    for part, columns in script.PARTS.items():
        _, _, rest = text.partition(f".. begin {part}\n")
        tables, _, _ = rest.partition(f".. end {part}\n")
        rows = rows_of(tables)
        header = ":header: " + ", ".join(
            f'"{name}"'
            for name in ("estimator", *(script.SUBSETS if "leads" in part else script.SIZES))
        )
        # A table and its differences for each task.
        assert tables.count(header) == tables.count("csv-table") == 4 * len(columns)
        order = [name for name in script.ROWS.values() if name in rows]
        assert list(rows) == order


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
    rows = rows_of(script.make_page_table([column, column]))
    assert rows["a"] == [[*column["a"], *column["a"]]]


@pytest.mark.parametrize(
    "name, part",
    [
        ("lead_subsets_ptbxl", "table of AUROC"),
        ("random_convolutions_ptbxl", "table of AUROC"),
        ("age_ptbxl", "table of ages"),
    ],
)
def test_pages_have_the_parts_that_are_written(name, part):
    page = __import__(name).PAGE.read_text(encoding="utf-8")
    assert page.count(f".. begin {part}\n") == page.count(f".. end {part}\n") == 1

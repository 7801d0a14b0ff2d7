"""Tables of the page "Which estimator?", and of convolutions, on made-up results."""

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

ROOT = Path(__file__).parents[2]


def rows_of(tables):
    """Return the cells of all rows of tables, by name, in their order."""
    rows = {}
    for table in tables:
        for name, *cells in table.rows:
            rows.setdefault(name, []).append(cells)
    return rows


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


def test_table_of_convolutions():
    import random_convolutions_ptbxl as script

    column = {"a": (".900 [.880-.920]", "-.010 [-.020 -.001]"), script.BOOSTING: ("x", "")}
    rows = rows_of([script.make_page_table([column, column])])
    assert rows["a"] == [[*column["a"], *column["a"]]]

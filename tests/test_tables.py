"""Tables of the documentation: the studies write them, and a change by hand is found."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.rst"))
PAGE = """Title
=====

.. begin table first
.. end table first

Text.

.. begin table second
.. end table second
"""


@pytest.fixture
def tables(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield importlib.import_module("_tables")
    for name in ("_tables", "_results"):
        sys.modules.pop(name, None)


@pytest.fixture
def forest_plots(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "extensions"))
    yield importlib.import_module("forest_plots")
    sys.modules.pop("forest_plots", None)


@pytest.fixture
def page(tables, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "DOCS", tmp_path)
    path = tmp_path / "page.rst"
    path.write_text(PAGE, encoding="utf-8")
    return path


def make_table(tables, **params):
    rows = [["``A``, first", ".905 [.858-.942]"], ['"B"', None]]
    return tables.Table("Scores", ("", "AUROC"), rows, **params)


def test_no_table_of_the_documentation_was_edited(tables):
    found = {
        path.name: tables.find_edited_tables(path.read_text(encoding="utf-8")) for path in PAGES
    }
    assert {name: edited for name, edited in found.items() if edited} == {}


def test_no_table_of_the_documentation_is_empty():
    found = {}
    for path in PAGES:
        names = re.findall(r"^\.\. begin table ([\w-]+)$", path.read_text(encoding="utf-8"), re.M)
        if names:
            found[path.name] = names
    assert found == {}


def test_tables_of_figures_are_written_by_scripts():
    found = set()
    for path in PAGES:
        if {"auto_examples", "generated"} & set(path.parts) or path.stem == "sg_execution_times":
            continue
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"^\.\. begin table.*?^\.\. end table", "", text, flags=re.DOTALL | re.M)
        for table in re.findall(r"^\.\. list-table::.*\n((?: +.*\n|\n)+)", text, re.M):
            cells = re.findall(r"^ +(?:\* )?- +(.*)$", table, re.M)
            if sum(re.match(r"[-+(]?\d*[.,]?\d", cell) is not None for cell in cells) > 2:
                found.add(path.name)
    assert not found


def test_a_table_is_written_between_its_comments(tables, page):
    tables.write_tables("page.rst", "first", [make_table(tables)], "python  study.py\n FOLDER")
    text = page.read_text(encoding="utf-8")
    assert re.sub("sha256 [0-9a-f]{16}", "sha256 X", text) == PAGE.replace(
        ".. begin table first\n",
        ".. begin table first (python study.py FOLDER, sha256 X)\n\n"
        ".. csv-table:: Scores\n"
        '   :header: "","AUROC"\n\n'
        '   "``A``, first",".905 [.858-.942]"\n'
        '   """B""",""\n\n',
    )
    # The second table is still empty.
    assert tables.find_edited_tables(text) == []
    filled = text.replace(".. end table second", "Text.\n\n.. end table second")
    assert tables.find_edited_tables(filled) == ["second"]
    tables.write_tables("page.rst", "second", [make_table(tables, widths=(2, 1))], "study.py")
    tables.write_tables("page.rst", "first", [make_table(tables)], "study.py")
    again = page.read_text(encoding="utf-8")
    assert again.count("``A``") == 2 and "   :widths: 2, 1\n" in again
    assert tables.find_edited_tables(again) == []


@pytest.mark.parametrize(
    "old, new",
    [
        (".905", ".950"),
        ("python study.py", "python other.py"),
        (".. end table first\n", ""),
        (".. end table first\n", "\n.. end table first\n"),
        ("begin table first (", "begin table third ("),
    ],
)
def test_a_change_by_hand_is_found(tables, page, old, new):
    for name in ("first", "second"):
        tables.write_tables("page.rst", name, [make_table(tables)], "python study.py")
    text = page.read_text(encoding="utf-8")
    assert tables.find_edited_tables(text) == []
    assert "first" in tables.find_edited_tables(text.replace(old, new, 1))


def test_a_table_that_is_copied_is_found(tables, page):
    for name in ("first", "second"):
        tables.write_tables("page.rst", name, [make_table(tables)], "python study.py")
    text = page.read_text(encoding="utf-8")
    assert tables.find_edited_tables(text + text) == ["first", "second"]


def test_a_folded_table(tables):
    lines = tables.make_rst(make_table(tables, folded=True)).split("\n")
    assert lines[:3] == [".. dropdown:: Scores", "", "   .. csv-table:: Scores"]
    assert '      "``A``, first",".905 [.858-.942]"' in lines


def test_errors(tables, page):
    with pytest.raises(ValueError, match="must have the comments '.. begin table third'"):
        tables.write_tables("page.rst", "third", [make_table(tables)], "study.py")
    wrong = tables.Table("Scores", ("", "AUROC"), [["A", ".9", ".8"]])
    with pytest.raises(ValueError, match="must have 2 cells, as its header, got 3"):
        tables.write_tables("page.rst", "first", [wrong], "study.py")
    assert page.read_text(encoding="utf-8") == PAGE


def test_intervals_without_zeros(tables):
    assert tables.drop_zeros("0.905 [0.858-0.942]") == ".905 [.858-.942]"
    assert tables.drop_zeros("-0.013 [-0.056, 0.029]") == "-.013 [-.056, .029]"
    assert tables.drop_zeros("1.000 [10.5-20.0]") == "1.000 [10.5-20.0]"


@pytest.mark.parametrize(
    "cell, expected",
    [
        (".905 [.858-.942]", (0.905, 0.858, 0.942)),
        ("**.905 [.858-.942]**", (0.905, 0.858, 0.942)),
        ("-.013 [-.056, .029]", (-0.013, -0.056, 0.029)),
        ("+.000 [-.003 +.003]", (0, -0.003, 0.003)),
        ("0.926 [-0.020 -0.002]", (0.926, -0.02, -0.002)),
        ("1.000 [.990-1.000]", (1, 0.99, 1)),
        (".905", (np.nan,) * 3),
        ("", (np.nan,) * 3),
    ],
)
def test_forest_plots_read_intervals(forest_plots, cell, expected):
    np.testing.assert_array_equal(forest_plots.parse_interval(cell), expected)


def test_a_forest_plot_is_drawn(forest_plots, tables, tmp_path):
    table = make_table(tables, forest="Scores of A and B.")
    assert ".. forest-plot:: Scores\n" in tables.make_rst(table)
    path = tmp_path / "plot.svg"
    rows = [["" if cell is None else cell for cell in row] for row in table.rows]
    forest_plots.draw_forest(table.header, rows, path, "light")
    assert path.read_text(encoding="utf-8").count("<path") > 5

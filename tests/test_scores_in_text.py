"""Scores in the text of the documentation: each is in a table that a script writes."""

import posixpath
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {
    path.relative_to(DOCS).with_suffix("").as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(DOCS.rglob("*.rst"))
    if not {"auto_examples", "generated", "templates", "_build"} & set(path.parts)
    and path.stem != "sg_execution_times"
}
TABLE = re.compile(r"^\.\. begin table.*?^\.\. end table.*?$", re.DOTALL | re.MULTILINE)
# As this documentation writes scores, without a zero; not parameters such as 0.5 Hz.
SCORE = re.compile(r"(?<![\w.,\-–:/])[-+]?(\.\d{2,})(?![\d\w])")
INTERVAL = re.compile(r"([-+]?\d*\.\d+)\s+\[([-+]?\d*\.\d+)(?:,\s+|\s+|-)([-+]?\d*\.\d+)\]")
# Scores that are in no table.
OTHERS = {
    # The best AUROC for the default class_sep of make_ecg, from a formula.
    "getting_started": {".92"},
    # Printed by benchmarks/bench_reproducibility.py if there is a GPU.
    "reproducibility": {".0005", ".008"},
    # Targets, scores of the paper, of an earlier version, and how much two draws differ.
    "reproduction/acl_ecg": {".845", ".935", ".651", ".742", ".9145", ".09", ".065"},
    # Seconds.
    "reproduction/msaic": {".19", ".37"},
    # The share of "normal" among the prints, and the accuracy that the paper reports.
    "reproduction/simcardio": {".372", ".921"},
}


def split_page(text):
    """Return the text of a page without tables and examples, and the tables."""
    tables = "\n".join(TABLE.findall(text))
    prose = TABLE.sub("", text)
    prose = re.sub(r"(?m)^ *(>>>|\.\.\. ).*\n(?: *\S.*\n)*", "", prose)
    return re.sub(r"``[^`]*``", "", prose), tables


def find_scores(text):
    """Return the scores of a text, as they are written."""
    return set(SCORE.findall(text))


def find_table_scores(tables):
    """Return the scores of tables with all their digits, and rounded to fewer."""
    scores = find_scores(re.sub(r"\b0\.", ".", tables))
    rounded = {f"{float(score):.{n}f}" for score in scores for n in range(2, len(score) - 1)}
    return scores | {score.lstrip("0") for score in rounded}


def find_intervals(text):
    """Return estimates with the ends of their intervals; differences have no direction."""
    found = set()
    for numbers in INTERVAL.findall(text):
        estimate, low, high = (float(number) for number in numbers)
        found.add(max((estimate, low, high), (-estimate, -high, -low)))
    return found


def find_sources(name, paragraph):
    """Return the tables of a page, and of the pages that a paragraph of it links to."""
    targets = re.findall(r":doc:`(?:[^`<]*<)?([^`>]+)>?`", paragraph)
    folder = posixpath.dirname(name)
    linked = [posixpath.normpath(posixpath.join(folder, target)) for target in targets]
    return "\n".join(split_page(PAGES.get(page, ""))[1] for page in (name, *linked))


def find_unknown(name):
    """Return the scores and the intervals in the text of a page that no table contains."""
    unknown = set()
    for paragraph in re.split(r"\n\s*\n", split_page(PAGES[name])[0]):
        tables = find_sources(name, paragraph)
        unknown |= find_intervals(paragraph) - find_intervals(tables)
        unknown |= find_scores(paragraph) - find_table_scores(tables)
    return unknown - OTHERS.get(name, set())


@pytest.mark.parametrize("name", PAGES)
def test_scores_in_the_text_are_in_tables(name):
    assert find_unknown(name) == set()


def test_a_score_of_no_table_is_found(monkeypatch):
    table = (
        '.. begin table a\n\n   "B",".905 [.858-.942]","-.013 [-.056 +.029]"\n\n.. end table a\n'
    )
    text = "An AUROC of .905 [.858-.942], which is .013 [-.029, .056] more.\n\n"
    monkeypatch.setitem(PAGES, "page", text + table)
    assert find_unknown("page") == set()
    for old, new in ((".905", ".906"), (".858", ".859"), ("-.029", "-.028"), ("[-", "[")):
        monkeypatch.setitem(PAGES, "page", text.replace(old, new, 1) + table)
        assert find_unknown("page")
    # The tables of another page are those of a text that refers to it.
    monkeypatch.setitem(PAGES, "other", table)
    monkeypatch.setitem(PAGES, "page", text)
    assert ".905" in find_unknown("page")
    monkeypatch.setitem(PAGES, "page", f"{text.rstrip()} See :doc:`other`.\n")
    assert find_unknown("page") == set()

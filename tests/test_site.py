"""The documentation as a site: pages are found, and every page is in the navigation."""

import importlib
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {
    path.relative_to(DOCS).with_suffix("").as_posix(): path.read_text(encoding="utf-8")
    for path in DOCS.rglob("*.rst")
    if not {"generated", "auto_examples", "_build", "templates"} & set(path.parts)
    and path.stem != "sg_execution_times"
}


@pytest.mark.parametrize(
    "words",
    [
        "persistence",
        "ONNX",
        "wearable",
        "HRV",
        "DICOM",
        "conformal",
        "transfer learning",
        "unequal length",
        "license",
        "optuna",
        "captum",
        "SHAP",
        "Holter",
        "single record",
        "µV",
    ],
)
def test_search_finds_a_page(words):
    assert [name for name, text in PAGES.items() if words.lower() in text.lower()]


def listed(name):
    """Return the pages of the toctrees of a page."""
    found = []
    for tree in re.findall(r"\.\. toctree::\n(.*?)(?=\n\S|\Z)", PAGES[name], re.DOTALL):
        for line in tree.split("\n"):
            entry = re.fullmatch(r"   (?:.*<)?([\w/]+)>?", line)
            if entry:
                folder = Path(name).parent.as_posix()
                found.append(entry[1] if folder == "." else f"{folder}/{entry[1]}")
    return found


def test_every_page_is_in_the_navigation():
    entries = [entry for name in PAGES for entry in listed(name)]
    assert set(PAGES) - set(entries) == {"index"}
    assert {name for name in entries if entries.count(name) > 1} == set()


@pytest.mark.parametrize("name", PAGES)
def test_images_have_alternative_texts(name):
    pattern = r"\.\. (?:image|figure):: \S+\n((?:   .*\n)*)"
    for options in re.findall(pattern, PAGES[name]):
        assert ":alt: " in options


def test_every_example_has_a_place_in_the_gallery(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "extensions"))
    order = importlib.import_module("gallery_order").ORDER
    examples = (DOCS.parent / "examples").glob("*.py")
    assert sorted(order) == sorted(path.stem for path in examples)


def test_long_names_break_between_words(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "extensions"))
    mark = importlib.import_module("line_breaks").mark_breaks
    for name, parts in {
        "beats.make_beat_classifier": "beats. make_ beat_ classifier",
        "MSAICNetClassifier": "MSAIC Net Classifier",
        "sklearn_ecg.ACLECGEncoder": "sklearn_ ecg. ACLECG Encoder",
        "short_name": "short_name",
        "0.3;&quot;": "0.3;&quot;",
    }.items():
        span = '<code><span class="pre">{}</span></code>'
        assert mark(span.format(name)) == span.format(parts.replace(" ", "<wbr>"))
    code = "<pre>make_beat_classifier</pre>"
    assert mark(code) == code

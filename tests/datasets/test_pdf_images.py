"""Tests of load_ecg_images on PDF files, drawn and scanned."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from matplotlib.backends.backend_pdf import PdfPages
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from sklearn_ecg.datasets import RecordError, load_ecg_images

pytest.importorskip("pypdfium2")
pytestmark = pytest.mark.filterwarnings("ignore:.* images were left out, because:UserWarning")

SIZE = (60, 90)


def smooth_pixels(number):
    """Return an image that JPEG compresses almost without loss, different for each number."""
    down, across = np.mgrid[: SIZE[0], : SIZE[1]]
    return (128 + 100 * np.sin((number + 1) * down / 20) * np.cos(across / 30)).astype(np.uint8)


def save_scans(path, numbers, dpi=200):
    """Save images as the pages of a PDF file, one pixel of the image per pixel of the page."""
    path.parent.mkdir(exist_ok=True)
    first, *others = [Image.fromarray(smooth_pixels(number)) for number in numbers]
    first.save(path, save_all=True, append_images=others, resolution=dpi)
    return path


@pytest.fixture
def folder(tmp_path):
    """Three pages in one class, one page and another image in the other class."""
    save_scans(tmp_path / "mi" / "a.pdf", [0, 1, 2])
    save_scans(tmp_path / "normal" / "b.pdf", [3])
    Image.fromarray(smooth_pixels(4)).save(tmp_path / "normal" / "c.png")
    return tmp_path


def test_scanned_pages(folder):
    bunch = load_ecg_images(folder, image_size=SIZE)
    assert bunch.filenames.tolist() == ["mi/a.pdf"] * 3 + ["normal/b.pdf", "normal/c.png"]
    assert bunch.pages.tolist() == [1, 2, 3, 1, 1]
    assert bunch.target.tolist() == [0, 0, 0, 1, 1]
    for number, image in enumerate(bunch.data):
        assert_allclose(image, smooth_pixels(number).astype(int), atol=8)
    report = bunch.report
    assert report["page"].tolist() == [1, 2, 3, 1, 1]
    assert set(report["status"]) == {"loaded"} and set(report["shape"]) == {SIZE}
    assert report["reason"].tolist() == ["rendered with 200 dpi"] * 4 + [""]
    assert bunch.metadata["page"].tolist() == [1, 2, 3, 1, 1]
    # The pages of a file are one group.
    assert bunch.groups.tolist() == [0, 0, 0, 1, 2]
    # So are two files with the same page.
    save_scans(folder / "mi" / "again.pdf", [9, 0])
    bunch = load_ecg_images(folder, image_size=SIZE)
    assert bunch.filenames.tolist()[:5] == ["mi/a.pdf"] * 3 + ["mi/again.pdf"] * 2
    assert bunch.groups.tolist() == [0, 0, 0, 0, 0, 1, 2]


def test_drawn_pages(tmp_path):
    """A black square on a page of 2 x 3 inches, at any resolution and in color."""
    with PdfPages(tmp_path / "drawn.pdf") as pages:
        for color in ("black", "red"):
            figure = plt.figure(figsize=(3, 2))
            figure.add_artist(plt.Rectangle((1 / 3, 0.5), 1 / 3, 0.25, color=color, linewidth=0))
            pages.savefig(figure)
            plt.close(figure)
    for dpi in (50, 100.0, 300):
        bunch = load_ecg_images(tmp_path, labels=None, image_size=(100, 150), color="rgb", dpi=dpi)
        assert bunch.report["shape"].tolist() == [(2 * dpi, 3 * dpi)] * 2
        for image, ink in zip(bunch.data, ([0, 0, 0], [255, 0, 0])):
            assert (image[28:47, 53:97] == ink).all()
            assert (image[:22] == 255).all() and (image[:, :47] == 255).all()
            assert (image[53:] == 255).all() and (image[:, 103:] == 255).all()


def test_labels_from_a_table(folder):
    table = pd.DataFrame(
        {"file": ["normal/b.pdf", "mi/a.pdf"], "label": ["n", "m"], "patient": [7, 8]}, index=[5, 3]
    )
    bunch = load_ecg_images(folder, labels=table, group_column="patient", image_size=SIZE)
    assert bunch.target.tolist() == [1, 0, 0, 0] and bunch.pages.tolist() == [1, 1, 2, 3]
    assert len(set(bunch.groups)) == 2 and bunch.groups[1] == bunch.groups[3]
    assert bunch.metadata.index.tolist() == [5, 3, 3, 3]
    assert "not in table" in bunch.report["status"].tolist()


@pytest.mark.parametrize("backend", ["threading", "sequential"])
def test_parallel_reading(folder, backend):
    expected = load_ecg_images(folder, image_size=SIZE).data
    with parallel_config(backend=backend, n_jobs=3 if backend == "threading" else None):
        found = load_ecg_images(folder, image_size=SIZE).data
    assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda content: content[: len(content) // 2], "a.pdf.*content: PDFium cannot read it"),
        (lambda content: b"%PDF-1.7 nothing", "a.pdf.*content: PDFium cannot read it"),
        (lambda content: b"", "a.pdf.*format: it has no bytes"),
        (lambda content: b"text", "a.pdf.*format: Pillow finds no .* and it is no PDF file"),
    ],
)
def test_damaged_files(folder, damage, message):
    path = folder / "mi" / "a.pdf"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(RecordError, match=message):
        load_ecg_images(folder)
    bunch = load_ecg_images(folder, on_error="skip")
    assert bunch.filenames.tolist() == ["normal/b.pdf", "normal/c.png"]
    assert bunch.report["status"].tolist() == ["failed", "loaded", "loaded"]


def test_other_files_are_treated_as_before(folder):
    (folder / "mi" / "._a.pdf").write_bytes(b"junk")
    (folder / "outside.pdf").symlink_to(folder.parent / "other.pdf")
    save_scans(folder / "top.pdf", [0])
    bunch = load_ecg_images(folder, image_size=SIZE)
    status = dict(zip(bunch.report["record"], bunch.report["status"]))
    assert status["mi/._a.pdf"] == "hidden"
    assert status["top.pdf"] == status["outside.pdf"] == "no class"
    assert len(bunch.data) == 5


def test_links_stay_inside_the_folder(folder, tmp_path_factory):
    other = save_scans(tmp_path_factory.mktemp("other") / "x.pdf", [0])
    (folder / "mi" / "link.pdf").symlink_to(other)
    with pytest.raises(RecordError, match="link.pdf"):
        load_ecg_images(folder)


def test_limit_of_pixels(folder, monkeypatch):
    """Pages that are too large are not rendered."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4 * SIZE[0] * SIZE[1] - 1)
    assert len(load_ecg_images(folder, dpi=200).data) == 5
    with pytest.raises(RecordError, match="a.pdf, page 1.*more pixels.*Pass a lower dpi, or raise"):
        load_ecg_images(folder, dpi=400)
    bunch = load_ecg_images(folder, dpi=400, on_error="skip")
    assert bunch.filenames.tolist() == ["normal/c.png"]
    assert bunch.report["page"].tolist() == [1, 2, 3, 1, 1]
    assert bunch.report["shape"][0] == (2 * SIZE[0], 2 * SIZE[1])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(RecordError, match="at most 1048576 are read.*Pass a lower dpi"):
        load_ecg_images(folder, dpi=1e7)


def test_without_pypdfium2(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(
        RecordError, match="a.pdf.*it is PDF, which requires pypdfium2.*pip install"
    ):
        load_ecg_images(folder)
    bunch = load_ecg_images(folder, on_error="skip")
    assert bunch.filenames.tolist() == ["normal/c.png"]
    # Without the extension, it is a file of another kind.
    for path in folder.glob("*/*.pdf"):
        path.rename(path.with_suffix(".data"))
    bunch = load_ecg_images(folder)
    assert bunch.report["status"].tolist() == ["no image", "no image", "loaded"]
    monkeypatch.undo()
    assert len(load_ecg_images(folder).data) == 5


def test_too_many_pages(folder, monkeypatch):
    monkeypatch.setattr("sklearn_ecg.utils._image_files._pdf._MAX_PAGES", 2)
    with pytest.raises(RecordError, match="a.pdf.*it has 3 pages; files of 1 to 2 pages"):
        load_ecg_images(folder)


@pytest.mark.parametrize("dpi", [0, -1, np.nan, np.inf, "200", True, None])
def test_invalid_dpi(folder, dpi):
    with pytest.raises(ValueError, match="dpi must be a positive number"):
        load_ecg_images(folder, dpi=dpi)

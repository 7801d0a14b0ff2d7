"""Tests of load_ecg_images on images with known pixels."""

import errno
import os
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.model_selection import GroupKFold

from sklearn_ecg import check_disjoint_groups
from sklearn_ecg.datasets import RecordError, load_ecg_images, load_ptbxl
from sklearn_ecg.preprocessing import ECGImageRenderer
from sklearn_ecg.utils._image_files import _opening, _reading

# The message of this warning has a test of its own.
pytestmark = pytest.mark.filterwarnings("ignore:.* images were left out, because:UserWarning")


def random_pixels(seed=0, height=40, width=60):
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def save(folder, name, pixels, **options):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **options)
    return path


@pytest.fixture
def folder(tmp_path):
    """Five images in two classes."""
    for number, name in enumerate(["mi/r10", "mi/r2", "mi/deep/r1", "normal/r1", "normal/r3"]):
        save(tmp_path, f"{name}.png", random_pixels(number))
    return tmp_path


def status(bunch):
    return dict(zip(bunch.report["record"], bunch.report["status"]))


def load_one(path, **options):
    """Return the pixels of one file and its row of the report."""
    table = pd.DataFrame({"file": [path.name]})
    bunch = load_ecg_images(path.parent, labels=table, label_column=None, **options)
    return bunch.data[0], bunch.report.iloc[0]


# --------------------------------------------------------------------------------------------------
# Results
# --------------------------------------------------------------------------------------------------


def test_folders_are_classes(folder):
    (folder / "empty").mkdir()
    bunch = load_ecg_images(folder, image_size=(40, 60))
    names = ["mi/deep/r1.png", "mi/r2.png", "mi/r10.png", "normal/r1.png", "normal/r3.png"]
    assert bunch.filenames.tolist() == names
    assert bunch.data.shape == (5, 40, 60) and bunch.data.dtype == np.uint8
    assert_array_equal(bunch.data, [random_pixels(seed) for seed in (2, 1, 0, 3, 4)])
    assert bunch.target_names == ["empty", "mi", "normal"]
    assert_array_equal(bunch.target, [1, 1, 1, 2, 2])
    assert_array_equal(bunch.groups, np.arange(5))
    assert bunch.metadata["record"].tolist() == names
    assert list(bunch.report) == ["record", "page", "status", "reason", "label", "shape", "mode"]
    assert bunch.report.iloc[0].to_dict() == {
        "record": names[0],
        "page": 1,
        "status": "loaded",
        "reason": "",
        "label": "mi",
        "shape": (40, 60),
        "mode": "L",
    }
    assert "5 of 5 images" in bunch.DESCR
    X, y = load_ecg_images(folder, image_size=(40, 60), return_X_y=True, n_jobs=2)
    assert_array_equal(X, bunch.data)
    assert_array_equal(y, bunch.target)


@pytest.mark.parametrize("as_file", [False, True])
def test_a_table(folder, tmp_path_factory, as_file):
    table = pd.DataFrame(
        {
            "path": ["normal/r3.png", "mi/r10.png", "./mi/r2.png"],
            "diagnosis": ["STEMI", "AF", "STEMI"],
            "patient": ["b", "a", "b"],
        },
        index=[7, 8, 9],
    )
    labels = table
    if as_file:
        labels = tmp_path_factory.mktemp("tables") / "labels.csv"
        table.to_csv(labels, index=False)
    columns = dict(file_column="path", label_column="diagnosis", group_column="patient")
    bunch = load_ecg_images(folder, labels=labels, image_size=(40, 60), **columns)
    assert_array_equal(bunch.data, [random_pixels(seed) for seed in (4, 0, 1)])
    assert bunch.target_names == ["AF", "STEMI"]
    assert_array_equal(bunch.target, [1, 0, 1])
    assert_array_equal(bunch.groups, [0, 1, 0])
    assert bunch.metadata["patient"].tolist() == ["b", "a", "b"]
    assert list(bunch.metadata.index) == ([0, 1, 2] if as_file else [7, 8, 9])
    others = ["mi/deep/r1.png", "normal/r1.png"]
    assert [name for name, what in status(bunch).items() if what == "not in table"] == others


def test_labels_of_a_table_may_be_numbers(folder):
    table = pd.DataFrame({"file": ["mi/r2.png", "normal/r1.png"], "label": [1, 0]})
    bunch = load_ecg_images(folder, labels=table)
    assert bunch.target_names == [0, 1]
    assert_array_equal(bunch.target, [1, 0])


def test_without_labels(folder):
    save(folder, "loose.png", random_pixels(9))
    bunch = load_ecg_images(folder, labels=None)
    assert len(bunch.data) == 6 and bunch.target is None and bunch.target_names is None


def test_identical_images(folder):
    save(folder, "normal/copy.png", random_pixels(0))
    save(folder, "normal/copy.tif", random_pixels(0))
    bunch = load_ecg_images(folder)
    same = bunch.groups[np.isin(bunch.filenames, ["mi/r10.png", "normal/copy.png"])]
    assert len(set(same)) == 1 and bunch.groups.max() == 4
    check_disjoint_groups(GroupKFold(3), bunch.data, bunch.target, bunch.groups)


# --------------------------------------------------------------------------------------------------
# Size and color
# --------------------------------------------------------------------------------------------------


def test_pad_keeps_squares_square(tmp_path):
    path = save(tmp_path, "a.png", np.zeros((100, 200), dtype=np.uint8))
    padded, _ = load_one(path, image_size=(60, 60))
    assert (padded[15:45] == 0).all() and (padded[:15] == 255).all() and (padded[45:] == 255).all()
    stretched, _ = load_one(path, image_size=(60, 60), aspect="stretch")
    assert (stretched == 0).all()
    wide, _ = load_one(path, image_size=(20, 100), color="rgb")
    assert wide.shape == (20, 100, 3)
    assert (wide[:, 30:70] == 0).all() and (wide[:, :30] == 255).all()


def test_thin_lines_survive(tmp_path):
    """A line of one pixel in 20 becomes faint."""
    page = np.full((1600, 1600), 255, dtype=np.uint8)
    page[:, 5::20] = 0
    pixels, _ = load_one(save(tmp_path, "a.png", page), image_size=80)
    assert_allclose(pixels[2:-2, 2:-2], 255 * 19 / 20, atol=2)


def test_upscaling(tmp_path):
    pixels, row = load_one(save(tmp_path, "a.png", np.full((1, 1), 7, np.uint8)), image_size=9)
    assert (pixels == 7).all() and row["shape"] == (1, 1)


RED = np.zeros((8, 8, 3), dtype=np.uint8) + np.array([200, 30, 10], dtype=np.uint8)


@pytest.mark.parametrize("color", ["gray", "rgb"])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr"])
def test_modes(tmp_path, mode, color):
    source = Image.fromarray(RED)
    image = source.convert(mode)
    ending = {"CMYK": "tif", "YCbCr": "tif"}.get(mode, "png")
    pixels, row = load_one(save(tmp_path, f"a.{ending}", image), image_size=8, color=color)
    assert row["mode"] == mode
    expected = image.convert("L" if mode in ("1", "L") else "RGB")
    assert_array_equal(pixels, np.asarray(expected.convert("L" if color == "gray" else "RGB")))
    if mode in ("RGB", "CMYK", "YCbCr"):
        wanted = source if color == "rgb" else source.convert("L")
        assert_allclose(pixels, np.asarray(wanted), atol=3)


def test_cmyk_jpeg(tmp_path):
    path = save(tmp_path, "a.jpg", Image.fromarray(RED).convert("CMYK"), quality=95)
    pixels, row = load_one(path, image_size=8, color="rgb")
    assert row["mode"] == "CMYK"
    assert_allclose(pixels, RED, atol=8)


@pytest.mark.parametrize("kind", ["RGBA", "LA", "P", "PA", "RGB key", "L key"])
def test_transparency_is_on_white(tmp_path, kind):
    """The left half is transparent over black, the right half is gray."""
    rgba = np.zeros((8, 8, 4), dtype=np.uint8)
    rgba[:, 4:] = [100, 100, 100, 255]
    image, options, ending = Image.fromarray(rgba), {}, "png"
    if kind == "LA":
        image = image.convert("LA")
    elif kind == "P":
        image = Image.fromarray((np.arange(64).reshape(8, 8) % 8 >= 4).astype(np.uint8))
        image.putpalette([0, 0, 0, 100, 100, 100])
        options = {"transparency": 0}
    elif kind == "PA":
        image, ending = image.convert("LA"), "tif"
    elif kind == "RGB key":
        image, options = image.convert("RGB"), {"transparency": (0, 0, 0)}
    elif kind == "L key":
        image, options = image.convert("RGB").convert("L"), {"transparency": 0}
    path = save(tmp_path, f"a.{ending}", image, **options)
    pixels, row = load_one(path, image_size=8)
    assert (pixels[:, :4] == 255).all() and (pixels[:, 4:] == 100).all()
    assert row["reason"] == "transparency replaced by white"


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_16_bits(tmp_path, ending):
    values = np.linspace(0, 65535, 64).reshape(8, 8).round().astype(np.uint16)
    pixels, row = load_one(save(tmp_path, f"a.{ending}", values), image_size=8)
    assert_allclose(pixels, values / 257, atol=0.51)
    assert pixels.min() == 0 and pixels.max() == 255
    assert row["mode"].startswith("I") and row["reason"] == "16 bits converted to 8"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "raw.tif", "lzw.tif"])
def test_exif_rotation(tmp_path, ending, orientation):
    """Pages that are turned or mirrored in the file."""
    page = np.full((20, 40), 200, dtype=np.uint8)
    page[:10], page[:, :12] = 100, 0
    turns = {
        1: page,
        2: page[:, ::-1],
        3: page[::-1, ::-1],
        4: page[::-1],
        5: page.T,
        6: np.rot90(page, -1),
        7: page[::-1, ::-1].T,
        8: np.rot90(page),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"compression": "tiff_lzw"} if ending == "lzw.tif" else {}
    path = save(tmp_path, f"a.{ending}", page, exif=exif, **options)
    expected = turns[orientation]
    pixels, row = load_one(path, image_size=expected.shape)
    assert np.median(np.abs(pixels.astype(int) - expected)) <= 1
    assert np.abs(pixels.astype(int) - expected).mean() < 5
    assert row["reason"] == ("" if orientation == 1 else "turned according to EXIF")
    assert row["shape"] in [(20, 40), expected.shape]


# --------------------------------------------------------------------------------------------------
# Damaged files and wrong parameters
# --------------------------------------------------------------------------------------------------


def test_report_lists_all_files(folder):
    good = (folder / "mi" / "r2.png").read_bytes()
    (folder / "mi" / "cut.png").write_bytes(good[: len(good) // 2])
    (folder / "mi" / "none.jpg").write_bytes(b"")
    (folder / "mi" / "text.jpg").write_text("no image")
    (folder / "mi" / "notes.txt").write_text("taken in 2019")
    (folder / "mi" / ".DS_Store").write_bytes(b"x")
    (folder / "normal" / "Thumbs.db").write_bytes(b"x")
    (folder / "__MACOSX" / "mi").mkdir(parents=True)
    (folder / "__MACOSX" / "mi" / "._r2.png").write_bytes(b"x")
    (folder / "readme.md").write_text("x")
    save(folder, "loose.png", random_pixels(5))
    pages = [Image.fromarray(random_pixels(seed)) for seed in (1, 2)]
    pages[0].save(folder / "normal" / "pages.tif", save_all=True, append_images=pages[1:])
    save(folder, "normal/float.tif", Image.fromarray(random_pixels().astype(np.float32)))
    save(folder, "normal/no-ending", random_pixels(6), format="PNG")
    with pytest.warns(UserWarning) as caught:
        bunch = load_ecg_images(folder, on_error="skip")
    assert [str(warning.message) for warning in caught] == [
        "5 of 12 images were left out, because they failed (format 2, content 1, mode 1, "
        "pages 1). 1 of 12 images were left out, because they are not in the subfolder of a "
        "class. The reasons are in report."
    ]
    assert bunch.target_names == ["mi", "normal"]
    found = status(bunch)
    assert len(found) == sum(len(files) for _, _, files in os.walk(folder))
    assert {name: what for name, what in found.items() if what != "loaded"} == {
        "__MACOSX/mi/._r2.png": "hidden",
        "loose.png": "no class",
        "mi/.DS_Store": "hidden",
        "mi/cut.png": "failed",
        "mi/none.jpg": "failed",
        "mi/notes.txt": "no image",
        "mi/text.jpg": "failed",
        "normal/Thumbs.db": "hidden",
        "normal/float.tif": "failed",
        "normal/pages.tif": "failed",
        "readme.md": "no image",
    }
    assert "normal/no-ending" in bunch.filenames
    reasons = bunch.report.set_index("record")["reason"]
    assert reasons["mi/cut.png"].startswith("content: Pillow cannot decode it (")
    assert "2 pages" in reasons["normal/pages.tif"] and "mode 'F'" in reasons["normal/float.tif"]
    # The report has the properties of failed images as far as they are known.
    assert bunch.report.set_index("record").loc["mi/cut.png", "shape"] == (40, 60)


def test_on_error_raise(folder):
    (folder / "mi" / "bad.png").write_text("x")
    (folder / "mi" / "notes.txt").write_text("x")
    with pytest.raises(RecordError, match="Record mi/bad.png, format: Pillow finds no PNG, JPEG"):
        load_ecg_images(folder)
    (folder / "mi" / "bad.png").unlink()
    assert len(load_ecg_images(folder).data) == 5


@pytest.mark.parametrize("ending, share", [("jpg", 0.6), ("png", 0.9), ("tif", 0.5), ("bmp", 0.5)])
def test_truncated_files(tmp_path, ending, share):
    path = save(tmp_path, f"a.{ending}", random_pixels())
    save(tmp_path, "b.png", random_pixels())
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    bunch = load_ecg_images(tmp_path, labels=None, on_error="skip")
    assert status(bunch)[path.name] == "failed" and len(bunch.data) == 1


def test_decompression_bomb(tmp_path, monkeypatch):
    save(tmp_path, "small.png", random_pixels(height=10, width=10))
    save(tmp_path, "large.png", random_pixels(height=40, width=40))
    save(tmp_path, "huge.png", random_pixels(height=80, width=80))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.warns(UserWarning, match=r"2 of 3 images .* failed \(size 2\)"):
        bunch = load_ecg_images(tmp_path, labels=None, on_error="skip")
    assert bunch.filenames.tolist() == ["small.png"]
    assert bunch.report["reason"].str.contains("Pillow's limit .* .1000, PIL.Image").sum() == 2


MEMORY = """
import sys
from sklearn_ecg.datasets import load_ecg_images

def memory(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))

def reset():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")

load_ecg_images(sys.argv[1] + "/warm", labels=None)
for folder in sys.argv[2:]:
    reset()
    before = memory("VmRSS")
    load_ecg_images(sys.argv[1] + "/" + folder, labels=None)
    print(memory("VmHWM") - before)
"""


@pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK), reason="resets a peak in /proc"
)
def test_memory_of_large_images(tmp_path):
    """About 5 bytes per pixel (0.5 GB for 89 million), 9 for progressive JPEG, and tiles."""
    height, width = 4000, 5000
    gray = np.tile(np.arange(width) // 50 * 2, (height, 1)).astype(np.uint16)
    kinds = {
        "transparent.png": ("RGBA", {"compress_level": 1}),
        "bits16.png": ("I;16", {"compress_level": 1}),
        "colors.jpg": ("RGB", {}),
        "progressive.jpg": ("RGB", {"progressive": True}),
    }
    for name, (mode, options) in kinds.items():
        image = Image.fromarray(gray * 257 if mode == "I;16" else gray.astype(np.uint8))
        image = image if mode == "I;16" else image.convert(mode)
        save(tmp_path, f"{name}/{name}", image, **options)
        save(tmp_path, f"warm/{name}", image.resize((50, 40)))
    run = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path), *kinds], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    used = dict(zip(kinds, map(int, run.stdout.split())))
    for name, n_bytes in used.items():
        per_pixel = 9 if name == "progressive.jpg" else 5
        assert 10_000_000 < n_bytes < per_pixel * height * width + 100_000_000, used


def test_unreadable_file(folder, monkeypatch):
    def refuse(path):
        if str(path).endswith("r2.png"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return open(path, "rb")

    # Not with chmod, because root can read all files.
    monkeypatch.setattr(_opening, "open_regular_file", refuse)
    bunch = load_ecg_images(folder, on_error="skip")
    reason = bunch.report.set_index("record").loc["mi/r2.png", "reason"]
    assert reason == "file: it cannot be opened (Permission denied)."


def test_tables_with_gaps(folder):
    table = pd.DataFrame(
        {"file": ["mi/r2.png", "mi/r99.png", "normal/r1.png"], "label": ["a", "b", None]}
    )
    with pytest.warns(UserWarning, match=r"1 of 3 .* failed \(file 1\). 1 of 3 .* have no label."):
        bunch = load_ecg_images(folder, labels=table, on_error="skip")
    assert bunch.target_names == ["a", "b"] and bunch.filenames.tolist() == ["mi/r2.png"]
    assert status(bunch)["normal/r1.png"] == "no label"
    assert bunch.report.loc[1, "reason"] == "file: it does not exist."


def test_nothing_loaded(tmp_path):
    with pytest.raises(FileNotFoundError, match="not a folder of images: it does not exist"):
        load_ecg_images(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="has no subfolders, which would be the classes"):
        load_ecg_images(tmp_path)
    with pytest.raises(ValueError, match="has no files"):
        load_ecg_images(tmp_path, labels=None)
    (tmp_path / "a.png").write_text("x")
    with pytest.raises(
        ValueError, match=r"None of 1 files was loaded as an image: 1 failed. a.png"
    ):
        load_ecg_images(tmp_path, labels=None, on_error="skip")


@pytest.mark.parametrize(
    "options, message",
    [
        ({"aspect": "keep"}, "aspect='keep' is unknown. Pass one of 'pad', 'stretch'"),
        ({"color": "red"}, "color='red' is unknown. Pass one of 'gray', 'rgb'"),
        ({"on_error": "ignore"}, "on_error='ignore' is unknown"),
        ({"image_size": 0}, r"image_size must be \(height, width\).* got 0"),
        ({"image_size": (10, 10, 3)}, "image_size must be"),
        ({"image_size": 22.5}, "image_size must be"),
        ({"labels": pd.DataFrame({"name": ["a"]})}, "file_column='file' is not a column .* name"),
        ({"labels": pd.DataFrame({"file": ["a"]})}, "label_column='label' is not a column"),
        ({"labels": pd.DataFrame({"file": [], "label": []})}, "table has no rows"),
        ({"labels": pd.DataFrame({"file": ["a", None], "label": [0, 1]})}, "Row 1 .* no file"),
        (
            {"labels": pd.DataFrame({"file": ["a", "a"], "label": [0, 1]})},
            "1 file.* in more than one row.* 'a'",
        ),
        (
            {"labels": pd.DataFrame({"file": ["a", "b"], "label": [0, "x"]}, dtype=object)},
            "of different types",
        ),
    ],
)
def test_errors(folder, options, message):
    with pytest.raises(ValueError, match=message):
        load_ecg_images(folder, **options)


def test_errors_of_other_types(folder):
    with pytest.raises(FileNotFoundError, match="labels='no.csv' does not exist"):
        load_ecg_images(folder, labels="no.csv")
    with pytest.raises(TypeError, match="labels must be 'folders', a DataFrame, .* got int"):
        load_ecg_images(folder, labels=3)


# --------------------------------------------------------------------------------------------------
# Real records
# --------------------------------------------------------------------------------------------------


def test_images_of_real_records(data_folder, tmp_path):
    """Images that are drawn, written in several formats and read are the same."""
    ecg = load_ptbxl(data_folder / "ptbxl", task="mi", folds=[9], missing="drop")
    X, y = ecg.data[:12], ecg.target[:12]
    size = (212, 275)
    pages = ECGImageRenderer(100, image_size=size, color="rgb").fit_transform(X)
    for number, (page, label) in enumerate(zip(pages, y)):
        ending = ("png", "tif", "jpg")[number % 3]
        options = {"quality": 95} if ending == "jpg" else {}
        save(tmp_path, f"{ecg.target_names[label]}/{number}.{ending}", page, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bunch = load_ecg_images(tmp_path, image_size=size, color="rgb", n_jobs=2)
    numbers = [int(name.split("/")[1].partition(".")[0]) for name in bunch.filenames]
    expected = np.array(ecg.target_names)[y[numbers]]
    assert np.array(bunch.target_names)[bunch.target].tolist() == expected.tolist()
    for image, number in zip(bunch.data, numbers):
        if number % 3 < 2:
            assert_array_equal(image, pages[number])
        else:
            assert np.abs(image.astype(int) - pages[number]).mean() < 6
    assert len(set(bunch.groups)) == 12


def test_paths_in_the_home_folder(tmp_path, monkeypatch):
    (tmp_path / "images").mkdir()
    Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(tmp_path / "images" / "a.png")
    (tmp_path / "labels.csv").write_text("file,label\na.png,mi\n")
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    bunch = load_ecg_images("~/images", labels="~/labels.csv", image_size=4)
    assert bunch.data.shape == (1, 4, 4) and bunch.target_names == ["mi"]


@pytest.mark.parametrize(
    "table, message",
    [
        (b"file,label\na.png,None\n", "Row 0 .* has 'None' in column 'label'"),
        (b"file;label\na.png;mi\n", "labels.csv, row 1: the columns are separated by ';'"),
        ("file,label\na.png,mä\n".encode("latin-1"), "labels.csv, row 2: the byte 0xe4 is not"),
    ],
)
def test_tables_saved_by_other_programs(tmp_path, table, message):
    Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_bytes(table)
    with pytest.raises(ValueError, match=message):
        load_ecg_images(tmp_path, labels=tmp_path / "labels.csv")


# --------------------------------------------------------------------------------------------------
# Doubtful files and tables
# --------------------------------------------------------------------------------------------------


def save_pages(path, n_images):
    images = [Image.new("L", (8, 8), 40 * number) for number in range(n_images)]
    images[0].save(path, save_all=True, append_images=images[1:])


@pytest.mark.parametrize(
    "name, write, reason",
    [
        ("b.png", lambda path: path.write_bytes(b""), "format: it has no bytes."),
        ("b.jpg", lambda path: path.write_bytes(b""), "format: it has no bytes."),
        ("b.png", lambda path: save_pages(path, 3), "pages: it is an animation of 3 images"),
        ("b.tif", lambda path: save_pages(path, 3), "pages: it has 3 pages"),
        ("b.gif", lambda path: save_pages(path, 3), "format: Pillow finds no PNG, JPEG"),
    ],
)
def test_files_without_exactly_one_image(tmp_path, name, write, reason):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    write(tmp_path / name)
    with pytest.warns(UserWarning, match="1 of 2 images were left out"):
        bunch = load_ecg_images(tmp_path, labels=None, on_error="skip")
    assert bunch.report["reason"][1].startswith(reason)


@pytest.mark.parametrize("ending", ["jpg", "png"])
@pytest.mark.parametrize("orientation, note", [(99, ""), (0, ""), (3, "turned according to EXIF")])
def test_only_orientations_of_exif_turn_images(tmp_path, ending, orientation, note):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("L", (8, 8)).save(tmp_path / f"a.{ending}", exif=exif)
    assert load_ecg_images(tmp_path, labels=None).report["reason"][0] == note


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_large_progressive_jpegs_are_decoded_at_half_their_size(tmp_path, monkeypatch, mode, color):
    """They would take twice the memory of other images."""
    smooth = np.add.outer(np.arange(400) / 4, np.arange(300) / 3)
    image = Image.fromarray(smooth.astype(np.uint8)).convert(mode)
    for name, progressive in (("a.jpg", True), ("b.jpg", False)):
        image.save(tmp_path / name, quality=95, progressive=progressive)
    options = {"labels": None, "color": color, "image_size": (100, 75)}
    whole = load_ecg_images(tmp_path, **options)
    assert whole.report["reason"].tolist() == ["", ""]
    monkeypatch.setattr(_reading, "_MAX_PROGRESSIVE_BYTES", 10_000)
    half = load_ecg_images(tmp_path, **options)
    notes = ["decoded at half its size, because it is a large progressive JPEG", ""]
    assert half.report["reason"].tolist() == notes
    assert half.report["shape"].tolist() == [(400, 300), (400, 300)]
    assert_array_equal(half.data[1], whole.data[1])
    assert np.abs(half.data[0].astype(int) - whole.data[0].astype(int)).max() <= 3
    # Half the size would be less than what is asked for.
    large = load_ecg_images(tmp_path, labels=None, image_size=(400, 300))
    assert large.report["reason"].tolist() == ["", ""]


@pytest.mark.parametrize("as_file", [False, True])
@pytest.mark.parametrize(
    "table, message",
    [
        ("file,label,label\na.png,x,y\n", "'label'.* (is the name of 2 columns|more than once)"),
        ("file,label\na.png,x\n  ,y\n", "Row 1 of the table .* has no file in column 'file'"),
        ("file,label\na.png,x\nb.png,x \n", "labels 'x' and 'x ' in column 'label' differ in"),
    ],
)
def test_doubtful_tables(tmp_path, table, message, as_file):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    labels = tmp_path / "labels.csv"
    labels.write_text(table)
    if not as_file:
        rows = [line.split(",") for line in table.splitlines()]
        labels = pd.DataFrame(rows[1:], columns=rows[0])
    with pytest.raises(ValueError, match=message):
        load_ecg_images(tmp_path, labels=labels)


def test_blank_labels_are_no_class(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        Image.new("L", (8, 8)).save(tmp_path / name)
    table = pd.DataFrame({"file": ["a.png", "b.png", "c.png"], "label": ["x", " ", ""]})
    with pytest.warns(UserWarning, match="2 of 3 images were left out, because they have no label"):
        bunch = load_ecg_images(tmp_path, labels=table)
    assert bunch.target_names == ["x"]
    assert bunch.report["status"].tolist() == ["loaded", "no label", "no label"]
    with pytest.raises(ValueError, match="label_column=.*label.* is not a column of the table"):
        load_ecg_images(tmp_path, labels=table, label_column=["label"])

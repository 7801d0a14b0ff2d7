"""Tests of the parameters of ECGImageRenderer that imitate prints, and of what its pages show."""

import hashlib
import os
import pickle
import struct
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image, ImageColor, ImageFont
from sklearn.base import clone

from sklearn_ecg import STANDARD_LEADS
from sklearn_ecg.paper import ECGImageRenderer
from sklearn_ecg.paper._print_style import GRID_COLORS

SIZE = (425, 550)
FLAT = np.zeros((1, 12, 1000), dtype=np.float32)
# Fonts that matplotlib contains.
FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")
BOLD = str(FONTS / "DejaVuSansMono-Bold.ttf")


@pytest.fixture(scope="module")
def X():
    """Zigzag lines whose values are exact in binary, so that they are the same everywhere."""
    times = np.arange(1000)
    leads = [(times * (lead + 3) % 64 - 32) / 64.0 for lead in range(12)]
    return np.stack([leads, np.multiply(leads, 4)]).astype(np.float32)


@pytest.mark.parametrize(
    "params, digest",
    [
        ({"gain": 10}, "cfe01d451de5844e"),
        ({"color": "rgb", "image_size": (300, 400)}, "34fc267239b3aafd"),
        (
            {"layout": "6x2", "color": "rgb", "overflow": "clip", "rhythm_lead": None, "gain": 10},
            "ca0ae81a6f6ee1b0",
        ),
        ({"layout": "12x1", "image_size": (300, 400), "gain": 5}, "5777ae6022271df9"),
    ],
)
def test_pixels_of_the_first_version(X, params, digest):
    """Without the names, whose pixels depend on the version of Pillow."""
    images = ECGImageRenderer(100, lead_labels=False, **params).fit_transform(X)
    assert hashlib.sha256(images.tobytes()).hexdigest()[:16] == digest


@pytest.mark.parametrize("layout", ["3x4", "12x1"])
def test_explicit_defaults_change_nothing(X, layout):
    default = ECGImageRenderer(100, layout=layout, image_size=SIZE, color="rgb")
    explicit = clone(default).set_params(
        grid_color="pink",
        grid_width=0.15,
        font=None,
        paper_color="#ffffff",
        trace_color="#000000",
        calibration="left",
        header="",
        footer="",
    )
    assert_array_equal(explicit.fit_transform(X), default.fit_transform(X))


@pytest.mark.parametrize("color", [*GRID_COLORS, "#80a0c0"])
def test_grid_color(color):
    params = dict(image_size=SIZE, color="rgb", calibration=False, lead_labels=False)
    renderer = ECGImageRenderer(100, grid_color=color, grid="dots", **params).fit(FLAT)
    (image,) = renderer.transform(FLAT)
    if color in GRID_COLORS:
        bold = GRID_COLORS[color][1]
    else:
        bold = ImageColor.getrgb(color)
    # Lines of 5 mm are one pixel wide and cover two adjacent pixels, which add up to one line.
    line = (255 - image[3].astype(float)).reshape(-1, 3)
    first = renderer.panel_table().loc[0, "x"]
    pair = line[int(np.floor(first - 0.5)) : int(np.floor(first - 0.5)) + 2].sum(axis=0)
    assert_allclose(pair, 255 - np.array(bold), atol=2)


def test_dots_are_where_fine_lines_cross():
    params = dict(image_size=(850, 1100), calibration=False, lead_labels=False)
    lines, dots = (
        ECGImageRenderer(100, grid=grid, **params).fit_transform(FLAT)[0] < 255
        for grid in (True, "dots")
    )
    assert dots.sum() < 0.6 * lines.sum()
    assert not (dots & ~lines).any()


@pytest.mark.parametrize("size", [(425, 550), (1700, 2200)])
@pytest.mark.parametrize("width", [0.01, 0.15, 0.6, 0.9])
@pytest.mark.parametrize("grid", [True, "dots"])
def test_width_of_the_grid(size, width, grid):
    params = dict(image_size=size, grid=grid, grid_color="#000000", grid_width=width)
    plain = dict(calibration=False, lead_labels=False, separators=None)
    renderer = ECGImageRenderer(100, **params, **plain).fit(FLAT)
    scale, (x, zero) = renderer.pixels_per_mm_, renderer.panel_table().loc[0, ["x", "zero"]]
    (image,) = renderer.transform(FLAT)
    # Every 0.01 pixel is in a line or not.
    places = (np.arange(100 * size[1]) + 0.5) / 100 - x

    def covered(step, width):
        distances = np.abs((places + step * scale / 2) % (step * scale) - step * scale / 2)
        return (distances < max(1, width * scale) / 2).reshape(-1, 100).mean(axis=1)

    # Along a row of pixels between horizontal lines, lines of 1 mm have half the strength.
    strength = 0.5 * np.clip((scale - 2.5) / 4.5, 0, 1)
    fine = covered(1, width * 2 / 3) if grid != "dots" else 0
    expected = 255 * (1 - strength * fine) * (1 - covered(5, width))
    row = int(zero - 12.5 * scale)
    assert_allclose(image[row], expected, atol=4)


def test_wide_lines_of_the_grid_do_not_exceed_their_color():
    params = dict(image_size=(850, 1100), calibration=False, lead_labels=False, separators=None)
    (image,) = ECGImageRenderer(100, grid_width=1.499, grid_color="gray", **params).fit_transform(
        FLAT
    )
    bold, fine = (colors[0] for colors in GRID_COLORS["gray"][::-1])
    without_trace = image[-5:]
    assert without_trace.min() == bold and without_trace.max() <= fine + 15


# --------------------------------------------------------------------------------------------------
# Fonts
# --------------------------------------------------------------------------------------------------


def test_default_font_as_a_file(X, tmp_path):
    """The font inside Pillow, written to a file, gives the same pages as None."""
    (tmp_path / "inside.ttf").write_bytes(ImageFont.load_default(10).font_bytes)
    for layout in ("3x4", "12x1"):
        params = dict(layout=layout, image_size=SIZE, header="ID 7", footer="25 mm/s")
        default = ECGImageRenderer(100, **params).fit_transform(X)
        params["font"] = str(tmp_path / "inside.ttf")
        assert_array_equal(ECGImageRenderer(100, **params).fit_transform(X), default)


@pytest.mark.parametrize("name", ["DejaVuSansMono-Bold", "DejaVuSerif-Italic", "cmb10"])
@pytest.mark.parametrize(
    "layout, position", [("12x1", "outside"), ("3x4", "outside"), ("6x2", "above")]
)
def test_names_in_other_fonts_are_complete(name, layout, position):
    params = dict(layout=layout, label_position=position, rhythm_lead=None, image_size=(850, 1100))
    plain = dict(grid=False, calibration=False, separators=None, label_height=5)
    font = str(FONTS / f"{name}.ttf")
    renderer = ECGImageRenderer(100, font=font, **params, **plain).fit(FLAT)
    blank = clone(renderer).set_params(lead_labels=False).fit(FLAT)
    assert blank.lead_boxes_ == renderer.lead_boxes_
    drawn = blank.transform(FLAT)[0].astype(float) - renderer.transform(FLAT)[0]
    height = renderer._page.label_height
    pillow = ImageFont.truetype(font, height, layout_engine=ImageFont.Layout.BASIC)
    letters = [np.asarray(pillow.getmask(lead), dtype=float).sum() for lead in STANDARD_LEADS]
    # The flat traces cover no letter.
    assert_allclose(drawn.sum(), sum(letters), rtol=1e-3)


def test_fonts_are_distinguished(X, tmp_path, monkeypatch):
    """Also if one replaces the other under the same path."""
    # The places of panels do not depend on the font.
    params = dict(image_size=SIZE, header="ID 7", layout="3x4")
    expected = {
        font: ECGImageRenderer(100, font=font, **params).fit_transform(X)
        for font in (None, BOLD, str(FONTS / "DejaVuSerif.ttf"))
    }
    images = list(expected.values())
    assert all((images[i] != images[i - 1]).any() for i in range(3))
    for font in (*expected, *expected):
        image = ECGImageRenderer(100, font=font, **params).fit_transform(X)
        assert_array_equal(image, expected[font])
    path = tmp_path / "font.ttf"
    monkeypatch.chdir(tmp_path)
    for font in (BOLD, str(FONTS / "DejaVuSerif.ttf")):
        path.write_bytes(Path(font).read_bytes())
        for written in (str(path), "font.ttf"):
            renderer = ECGImageRenderer(100, font=written, **params).fit(X)
            assert_array_equal(renderer.transform(X), expected[font])
            assert_array_equal(pickle.loads(pickle.dumps(renderer)).transform(X), expected[font])
    # The same relative path in another folder is another file, also of the same size and time.
    stat = path.stat()
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    content = Path(BOLD).read_bytes()
    Path("font.ttf").write_bytes(content + bytes(stat.st_size - len(content)))
    os.utime("font.ttf", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert Path("font.ttf").stat().st_size == stat.st_size
    renderer = ECGImageRenderer(100, font="font.ttf", **params)
    assert_array_equal(renderer.fit_transform(X), expected[BOLD])
    # A font that is gone, or was replaced by something else.
    renderer.fit(X)
    for content in (b"no font", None):
        Path("font.ttf").unlink()
        if content:
            Path("font.ttf").write_bytes(content)
        with pytest.raises(ValueError, match="font must be .* got 'font.ttf': .*Pass the path"):
            renderer.transform(X)


def test_name_of_a_font_of_the_system(X, tmp_path, monkeypatch):
    asked = []
    truetype = ImageFont.truetype

    def find(font, *args, **kwargs):
        asked.append(font)
        return truetype(BOLD if font == "Some Font.ttf" else font, *args, **kwargs)

    monkeypatch.setattr(ImageFont, "truetype", find)
    renderer = ECGImageRenderer(100, font="Some Font.ttf", image_size=SIZE).fit(X)
    by_path = ECGImageRenderer(100, font=BOLD, image_size=SIZE).fit_transform(X)
    assert_array_equal(renderer.transform(X), by_path)
    assert asked.count("Some Font.ttf") == 1


def damaged_font(tmp_path):
    """Return a font that opens, but whose letters are no letters."""
    content = bytearray(Path(BOLD).read_bytes())
    (n_tables,) = struct.unpack(">H", content[4:6])
    for at in range(12, 12 + 16 * n_tables, 16):
        tag, _, start, length = struct.unpack(">4sLLL", content[at : at + 16])
        if tag == b"glyf":
            content[start : start + length] = b"\xff" * length
    (tmp_path / "damaged.ttf").write_bytes(content)
    return str(tmp_path / "damaged.ttf")


@pytest.mark.parametrize("kind", ["missing", "name", "empty", "null", "folder", "text", "damaged"])
@pytest.mark.parametrize("layout", ["3x4", "12x1"])
def test_unreadable_fonts(X, kind, layout, tmp_path):
    (tmp_path / "text.ttf").write_text("Letters")
    font = {
        # A path is not replaced by another file of this name in the folders of the system.
        "missing": str(tmp_path / "DejaVuSans.ttf"),
        "name": "no such font.ttf",
        "empty": "",
        "null": "a\0b",
        "folder": str(tmp_path),
        "text": str(tmp_path / "text.ttf"),
        "damaged": damaged_font(tmp_path),
    }[kind]
    renderer = ECGImageRenderer(100, font=font, layout=layout, image_size=SIZE)
    with pytest.raises(ValueError, match="^font must be None or .*Pass the path") as error:
        renderer.fit(X)
    assert f"got {font!r}: " in str(error.value)
    assert not hasattr(renderer, "image_shape_")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes in folders.")
def test_only_files_are_opened_as_fonts(X, tmp_path):
    os.mkfifo(tmp_path / "pipe.ttf")
    with pytest.raises(ValueError, match="pipe.ttf.* is no file"):
        ECGImageRenderer(100, font=str(tmp_path / "pipe.ttf")).fit(X)


@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_colors_of_paper_and_traces(X, color):
    """Traces blend with the paper in proportion to the part of a pixel that they cover."""
    plain = dict(image_size=SIZE, color=color, grid=False, header="ID 7", trace_width=0.5)
    black = ECGImageRenderer(100, **plain).fit_transform(X)
    renderer = ECGImageRenderer(100, paper_color="#f0e0d0", trace_color="#204080", **plain)
    images = renderer.fit_transform(X)
    paper, ink = np.array([240, 224, 208]), np.array([32, 64, 128])
    if color == "gray":
        paper, ink = (
            int(np.asarray(Image.new("RGB", (1, 1), tuple(map(int, rgb))).convert("L"))[0, 0])
            for rgb in (paper, ink)
        )
    part = 1 - black / 255.0
    expected = paper + part * (np.asarray(ink) - paper)
    # Where several traces overlap, each rounds once.
    assert_allclose(images, expected, atol=3)
    assert (images[part == 1].reshape(-1, np.size(ink)) == ink).all()


def test_width_of_traces():
    for width in (0.3, 1.0, 2.0):
        params = dict(image_size=(850, 1100), grid=False, calibration=False, lead_labels=False)
        renderer = ECGImageRenderer(100, trace_width=width, **params).fit(FLAT)
        (image,) = renderer.transform(FLAT)
        top, bottom, left, right = renderer.lead_boxes_["II"]
        covered = (1 - image[top:bottom, left:right] / 255.0).sum(axis=0)
        assert_allclose(covered, max(1, width * renderer.pixels_per_mm_), atol=0.02)


@pytest.mark.parametrize(
    "layout, rhythm_lead, leads",
    [
        ("3x4", "II", ["II"]),
        ("3x4", None, []),
        ("3x4", ["V1", "ii"], ["V1", "II"]),
        ("3x4+1", "V1", ["V1"]),
        ("3x4+3", "II", ["V1", "II", "V5"]),
        ("3x4+3", ["II", "aVF", "V2"], ["II", "aVF", "V2"]),
        ("6x2+1", "II", ["II"]),
        ("6x2", ["II", "V1", "V5"], ["II", "V1", "V5"]),
        ("12x1", "II", []),
    ],
)
def test_rhythm_strips(X, layout, rhythm_lead, leads):
    renderer = ECGImageRenderer(100, layout=layout, rhythm_lead=rhythm_lead, image_size=SIZE)
    renderer.fit(X)
    table = renderer.panel_table()
    strips = table[table["strip"]]
    assert list(strips["lead"]) == leads
    assert (renderer.rhythm_box_ is None) == (not leads)
    if leads:
        assert renderer.rhythm_box_ == tuple(strips.iloc[0][["top", "bottom", "left", "right"]])
    # Strips show their lead for the whole record, and nothing else.
    for panel in strips.itertuples():
        changed = X.copy()
        changed[:, STANDARD_LEADS.index(panel.lead), 950:] += 0.3
        differs = (renderer.transform(changed) != renderer.transform(X)).any(axis=0)
        assert differs[panel.top : panel.bottom, panel.left : panel.right].any()
    report = renderer.report(X)
    names = ["rhythm"] if len(leads) == 1 else [f"rhythm_{lead}" for lead in leads]
    assert list(report.columns) == [*STANDARD_LEADS, *names]


@pytest.mark.parametrize("layout", ["3x4+3", "6x2", "12x1"])
@pytest.mark.parametrize("calibration", ["left", "right"])
def test_panel_table_locates_each_time_point(layout, calibration):
    """A spike of 1 mV is where the table says, in every panel."""
    renderer = ECGImageRenderer(
        100,
        layout=layout,
        image_size=(850, 1100),
        grid=False,
        calibration=calibration,
        label_position="above",
        header="a\nb",
        footer="c",
        lead_labels=False,
    ).fit(FLAT)
    table = renderer.panel_table()
    for panel in table.iloc[[0, 4, -2, -1]].itertuples():
        at = int(panel.start + panel.stop) // 2 + 3
        X = FLAT.copy()
        X[:, STANDARD_LEADS.index(panel.lead), at] = 1
        images = renderer.transform(np.concatenate([X, FLAT]))
        box = slice(panel.top, panel.bottom), slice(panel.left, panel.right)
        darker = images[1][box].astype(int) - images[0][box]
        x = panel.x + (at - panel.start) * panel.pixels_per_time_point
        y = panel.zero - panel.pixels_per_mv
        rows, columns = np.nonzero(darker > 0)
        assert columns.min() + panel.left <= x <= columns.max() + panel.left + 1
        assert abs(np.median(columns) + panel.left + 0.5 - x) <= 0.5
        half = renderer._page.line_width / 2
        assert rows.min() + panel.top == pytest.approx(y - half, abs=1)


def test_visible_signals(X):
    renderer = ECGImageRenderer(100, rhythm_lead="II").fit(X)
    visible = renderer.visible_signals(X)
    for lead in range(12):
        shown = np.zeros(1000, dtype=bool)
        shown[lead // 3 * 250 : (lead // 3 + 1) * 250] = True
        shown |= lead == 1
        assert_array_equal(visible[:, lead, shown], X[:, lead, shown])
        assert np.isnan(visible[:, lead, ~shown]).all()
    without = renderer.visible_signals(X, strips=False)
    assert np.isnan(without[:, 1, 250:]).all() and np.isfinite(without[:, 1, :250]).all()
    assert visible.dtype == X.dtype
    # What is not visible does not change the image.
    hidden = np.where(np.isnan(visible), 0, visible)
    differs = renderer.transform(hidden) != renderer.transform(X)
    # A trace continues up to the next time point, in one column of pixels.
    assert differs.any(axis=(0, 1)).sum() <= 4


def test_pulses_after_the_rows():
    params = dict(image_size=(850, 1100), grid=False, lead_labels=False)
    for layout in ("3x4+1", "12x1"):
        renderer = ECGImageRenderer(100, layout=layout, calibration="right", **params).fit(FLAT)
        left = ECGImageRenderer(100, layout=layout, **params).fit(FLAT)
        assert renderer.pixels_per_mm_ == left.pixels_per_mm_
        table = renderer.panel_table()
        (image,) = renderer.transform(FLAT)
        high = image[: table["bottom"].iloc[0], table["right"].max() :] < 100
        columns = np.flatnonzero(high.sum(axis=0) > 5 * renderer.pixels_per_mm_)
        columns += table["right"].max()
        assert_allclose(np.ptp(columns), 5 * renderer.pixels_per_mm_, atol=1)
        end = table["x"].min() + 250 * renderer.pixels_per_mm_
        assert_allclose(columns[0] - end, 4 * renderer.pixels_per_mm_, atol=1)
        assert (image[:, : table["left"].min()] == 255).all()


@pytest.mark.parametrize("position", ["outside", "above", "below"])
def test_position_of_names(position):
    params = dict(image_size=(850, 1100), grid=False, calibration=False, separators=None)
    renderer = ECGImageRenderer(100, label_position=position, **params).fit(FLAT)
    named = renderer.transform(FLAT)[0]
    plain = clone(renderer).set_params(lead_labels=False).fit(FLAT).transform(FLAT)[0]
    for panel in renderer.panel_table().itertuples():
        box = slice(panel.top, panel.bottom), slice(panel.left, panel.right)
        rows = np.flatnonzero((named != plain)[box].any(axis=1)) + panel.top
        millimeters = (rows - panel.zero) / renderer.pixels_per_mm_
        low, high = {"outside": (-30, -10), "above": (-4.6, -0.9), "below": (1.9, 5.6)}[position]
        assert low < millimeters.min() and millimeters.max() < high


def test_small_images_have_no_names_next_to_traces():
    params = dict(image_size=64, label_position="above", separators=None)
    named = ECGImageRenderer(100, **params).fit_transform(FLAT)
    plain = ECGImageRenderer(100, lead_labels=False, **params).fit_transform(FLAT)
    assert_array_equal(named, plain)


def test_separators():
    def changed_columns(separators):
        params = dict(image_size=(850, 1100), separators=separators)
        with_them = ECGImageRenderer(100, **params).fit(FLAT)
        image = with_them.transform(FLAT)[0]
        table = with_them.panel_table()
        plain = ECGImageRenderer(100, image_size=(850, 1100), separators=None)
        return (image != plain.fit_transform(FLAT)[0]), table

    ticks, table = changed_columns("ticks")
    lines, _ = changed_columns("lines")
    starts = sorted(set(table["left"]))[1:]
    assert list(np.flatnonzero(ticks.any(axis=0))) == starts
    assert list(np.flatnonzero(lines.any(axis=0))) == starts
    assert ticks.sum() < lines.sum() / 3
    bottom = table.loc[~table["strip"], "bottom"].max()
    assert lines[:bottom].any() and not lines[bottom:].any()


def test_header_and_footer(X):
    params = dict(image_size=SIZE, grid=False, color="rgb", overflow="clip")
    plain = ECGImageRenderer(100, **params).fit(X)
    renderer = ECGImageRenderer(100, header="Doe, J.\nID 7", footer="25 mm/s", **params).fit(X)
    image = renderer.transform(X)[1]
    table = renderer.panel_table()
    top, bottom = table["top"].min(), table["bottom"].max()
    assert (image[:top] < 100).any() and (image[bottom:] < 100).any()
    assert renderer.pixels_per_mm_ <= plain.pixels_per_mm_
    other = clone(renderer).set_params(header="Roe, J.\nID 8").fit(X)
    differs = other.transform(X)[1] != image
    assert differs[:top].any() and not differs[top:].any()
    with pytest.raises(ValueError, match="header and footer of 80 line.s. leave 0 of 425 pixels"):
        clone(renderer).set_params(header="\n".join("x" * 79)).fit(X)
    # A line that is too long is cut off.
    long = clone(renderer).set_params(header="W" * 500 + "\nID 7").fit(X)
    assert long.transform(X).shape == (2, *SIZE, 3)


@pytest.mark.parametrize(
    "params, message",
    [
        ({"grid_color": "pnk"}, "grid_color must be one of 'pink', .*or a color that Pillow knows"),
        ({"trace_color": "inky"}, "trace_color must be a color .* got 'inky'"),
        ({"paper_color": "#12"}, "paper_color must be a color"),
        ({"trace_color": (0, 0, 0)}, "'trace_color' parameter"),
        ({"trace_width": 0}, "'trace_width' parameter"),
        ({"label_height": -1}, "'label_height' parameter"),
        ({"grid_width": 0}, "'grid_width' parameter .* range .0.0, 1.5."),
        ({"grid_width": 1.5}, "'grid_width' parameter"),
        ({"grid_width": np.nan}, "'grid_width' parameter"),
        ({"grid_width": None}, "'grid_width' parameter"),
        ({"font": Path(BOLD)}, "'font' parameter .* must be an instance of 'str' or None"),
        ({"grid": "dotted"}, "'grid' parameter"),
        ({"calibration": "both"}, "'calibration' parameter"),
        ({"separators": "bars"}, "'separators' parameter"),
        ({"layout": "3x4+2"}, "'layout' parameter"),
        ({"layout": "3x4+1", "rhythm_lead": None}, "has 1 rhythm strip.* names 0 lead"),
        ({"layout": "3x4+3", "rhythm_lead": ["II", "V1"]}, "3 rhythm strip.* names 2 lead"),
        ({"rhythm_lead": ["II", "V9"]}, "'V9'. is not among the leads"),
    ],
)
def test_errors(X, params, message):
    with pytest.raises(ValueError, match=message):
        ECGImageRenderer(100, **params).fit(X)

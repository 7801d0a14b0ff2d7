"""Pages without a grid: calibration pulses give the scale."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageDraw
from test_digitizer import RATE, median_ratio, refusal, render

from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.paper import ECGImageDigitizer
from sklearn_ecg.paper._digitizing._plain_pages import _check_perspective
from sklearn_ecg.paper._digitizing._refusal import PageRefusedError

LARGE = (1700, 2200)


@pytest.fixture(scope="module")
def records():
    return make_ecg(3, class_sep=np.inf, random_state=3).data


@pytest.fixture(scope="module")
def plain(records):
    """Large pages without a grid, and their renderer."""
    return render(records, grid=False, image_size=LARGE, color="gray")


def digitize(images, **options):
    bunch = ECGImageDigitizer(RATE, **options).digitize(images)
    assert set(bunch.report["scale_from"]) == {"pulses"}
    # No lines were found.
    assert bunch.report[["grid_share", "perspective"]].isna().all(axis=None)
    return bunch


def turn(image, degrees, color=255):
    """Return an image turned clockwise."""
    bicubic = Image.Resampling.BICUBIC
    return Image.fromarray(image).rotate(-degrees, bicubic, expand=True, fillcolor=color)


def tilt(image, left=0.0, top=0.0):
    """Return an image whose left or upper side is shorter by a share of its length."""
    width, height = image.size
    x, y = top * width / 2, left * height / 2
    corners = (x, y), (0, height - y), (width, height), (width - x, 0)
    # Pillow maps the corners of the result to those of the image.
    given = (0, 0), (0, height), (width, height), (width, 0)
    rows, targets = [], []
    for (u, v), (a, b) in zip(corners, given):
        rows += [[u, v, 1, 0, 0, 0, -a * u, -a * v], [0, 0, 0, u, v, 1, -b * u, -b * v]]
        targets += [a, b]
    coefficients = np.linalg.solve(np.array(rows, dtype=float), np.array(targets, dtype=float))
    return image.transform(
        image.size,
        Image.Transform.PERSPECTIVE,
        coefficients,
        Image.Resampling.BICUBIC,
        fillcolor=255,
    )


@pytest.mark.parametrize(
    ("layout", "page", "reading"),
    [
        ("3x4", {}, {}),
        ("3x4+1", {"calibration": "right"}, {}),
        ("3x4+1", {"gain": 5}, {"gain": 5}),
        ("3x4+1", {"speed": 50, "image_size": LARGE}, {"paper_speed": 50}),
        ("3x4+1", {"separators": "lines", "header": "Doe, J.\n25 mm/s"}, {}),
        ("6x2", {}, {}),
        ("12x1", {"image_size": LARGE}, {}),
    ],
    ids=["3x4", "right", "gain 5", "50 mm per second", "lines and header", "6x2", "12x1"],
)
def test_pulses_give_the_scale(records, layout, page, reading):
    images, renderer = render(records, layout, grid=False, **page)
    bunch = digitize(images, **reading)
    np.testing.assert_allclose(bunch.report["pixels_per_mm_x"], renderer.pixels_per_mm_, rtol=0.012)
    for truth, signals in zip(records, bunch.signals):
        assert median_ratio(truth, signals) > (15 if page.get("gain") != 5 else 13)


@pytest.mark.parametrize("size", [(850, 1100), LARGE])
@pytest.mark.parametrize("levels", ["bool", "bytes", "rgb"])
def test_black_on_white(records, size, levels):
    images, _ = render(records, grid_color="pink", image_size=size, color="gray")
    black = images > 128
    images = {
        "bool": black,
        "bytes": black.astype(np.uint8) * 255,
        "rgb": np.repeat(black[..., None], 3, axis=3).astype(np.uint8) * 255,
    }[levels]
    for truth, signals in zip(records, digitize(images).signals):
        assert median_ratio(truth, signals) > 14


@pytest.mark.parametrize("degrees", [-6.0, -0.3, -0.065, 0.0, 0.4, 3.0])
def test_rotation(plain, records, degrees):
    images, renderer = plain
    bunch = digitize([turn(image, degrees) for image in images])
    np.testing.assert_allclose(bunch.report["rotation"], degrees, atol=0.08)
    np.testing.assert_allclose(bunch.report["pixels_per_mm_x"], renderer.pixels_per_mm_, rtol=3e-3)
    for truth, signals in zip(records, bunch.signals):
        assert median_ratio(truth, signals) > 14


def test_upright_pages_are_not_turned():
    """The rotation of black and white pages is measured to about 0.06 degrees."""
    options = {"class_sep": np.inf, "baseline_wander": 0.1, "noise": 0.02, "random_state": 2}
    records = make_ecg(16, **options).data[1:7]
    images, _ = render(records, image_size=LARGE, color="gray")
    bunch = digitize(np.where(images > 128, 255, 0).astype(np.uint8))
    assert bunch.report["rotation"].tolist() == [0.0] * 6
    for truth, signals in zip(records, bunch.signals):
        assert median_ratio(truth, signals) > 18


def test_dark_borders_of_a_scan(plain, records):
    """They are no rows of leads, although they are as wide."""
    images = [
        turn(np.pad(image, ((60, 90), (70, 80)), constant_values=255), 1.2, color=20)
        for image in plain[0]
    ]
    for truth, signals in zip(records, digitize(images).signals):
        assert median_ratio(truth, signals) > 14


def test_shorter_rows(records):
    """They may also be those of an image that was stretched."""
    images, _ = render(records[:, :, :920], "12x1", grid=False, image_size=LARGE)
    kind, reason = refusal(images[0])
    assert kind == "time" and "9.20 s instead of 10 s" in reason


@pytest.mark.parametrize("ratio", [0.95, 0.98, 0.997, 1.003, 1.02, 1.06])
def test_stretched_pages(plain, records, ratio):
    width = round(ratio * LARGE[1])
    images = [Image.fromarray(image).resize((width, LARGE[0])) for image in plain[0]]
    if abs(ratio - 1) > 0.01:
        assert {refusal(image)[0] for image in images} <= {"time", "grid"}
        return
    for truth, signals in zip(records, digitize(images).signals):
        assert median_ratio(truth, signals) > 14


def test_no_pulses(records):
    images, _ = render(records, grid=False, calibration=False)
    for image in images:
        kind, reason = refusal(image)
        assert kind == "grid" and "no calibration pulses" in reason


def without_pulses(plain, rows):
    """Return a page, of which some rows have no pulse."""
    image, renderer = plain[0][0].copy(), plain[1]
    table = renderer.panel_table().query("column == 0").reset_index()
    left = int(table["x"].min())
    for row in table.iloc[rows].itertuples():
        image[row.top : row.bottom, : left - 5] = 255
    return image


def test_few_pulses(plain, records):
    assert refusal(without_pulses(plain, [1, 2, 3]))[0] == "grid"
    # All rows are read, also those without a pulse.
    images = [without_pulses(plain, rows) for rows in ([3], [0], [0, 3], [2, 3])]
    bunch = digitize(images)
    assert bunch.report["layout"].tolist() == 4 * ["3x4+1"]
    assert bunch.report["n_pulses"].tolist() == [3, 3, 2, 2]
    for signals in bunch.signals:
        assert median_ratio(records[0], signals) > 15


def test_twelve_rows_of_which_some_have_pulses(records):
    plain = render(records, "12x1", grid=False, image_size=LARGE, color="gray")
    assert refusal(without_pulses(plain, range(5, 12)))[0] == "grid"
    bunch = digitize([without_pulses(plain, range(6, 12))])
    assert bunch.report["layout"].tolist() == ["12x1"]
    assert median_ratio(records[0], bunch.signals[0]) > 15


@pytest.mark.parametrize("calibration", ["left", "right"])
@pytest.mark.parametrize("pixels", [10, 20, 40])
def test_rows_that_are_cut_off(records, calibration, pixels):
    """They are not stretched to the usual length."""
    images, renderer = render(records, grid=False, calibration=calibration)
    table = renderer.panel_table()
    first, last = int(table["left"].min()), int(table["right"].max())
    for image in images:
        cut = image[:, : last - pixels] if calibration == "left" else image[:, first + pixels :]
        assert refusal(cut)[0] in ("traces", "time", "grid")


def test_small_images(records):
    images, renderer = render(records, grid=False, image_size=(510, 660))
    assert renderer.pixels_per_mm_ < 3
    kind, reason = refusal(images[0])
    assert kind == "grid" and "2.5 pixels per mm are too few" in reason


@pytest.mark.parametrize("slope", [-0.02, 0.02])
def test_sheared_pages(plain, slope):
    height, width = plain[0][0].shape
    for matrix in (
        (1, slope, -slope * height / 2, 0, 1, 0),
        (1, 0, 0, slope, 1, -slope * width / 2),
    ):
        page = Image.fromarray(plain[0][0])
        affine = Image.Transform.AFFINE
        sheared = page.transform(page.size, affine, matrix, Image.Resampling.BICUBIC, fillcolor=255)
        assert refusal(sheared)[0] in ("perspective", "grid", "traces", "time")


def test_charts():
    """One line may be on the paths of two rows, of which both have its pulse."""
    rng = np.random.default_rng(0)
    chart = Image.new("L", (1130, 900), 255)
    draw = ImageDraw.Draw(chart)
    rng.normal(size=1000)
    for top in (100, 350, 600):
        pulse = [(30, 0), (40, 0), (40, -40), (60, -40), (60, 0), (72, 0)]
        values = np.clip(np.cumsum(rng.normal(0, 2, 1000)), -50, 50)
        draw.line([(x, top + y) for x, y in pulse], 0, 2)
        draw.line([(75 + x, top + y) for x, y in enumerate(values)], 0, 2)
    assert refusal(np.asarray(chart))[0] == "grid"


@pytest.mark.parametrize(
    ("change", "is_refused"),
    [
        ({}, False),
        # Most rows are as long as each other.
        ({"length": [255.0, 255.2, 254.9, 248.0]}, False),
        ({"length": [253.0, 254.5, 256.0, 257.5]}, True),
        ({"turn": [0.5, 0.2, -0.2, -0.5]}, True),
        ({"turn": [0.5, 0.5, 0.5, 0.5]}, True),
        ({"turn": [0.9, 0.0, 0.1, 0.0]}, False),
    ],
)
def test_rows_that_are_not_parallel(change, is_refused):
    measured = {"foot": [100, 300, 500, 700], "length": 4 * [255.0], "turn": 4 * [0.0], **change}
    rows = SimpleNamespace(**{name: np.array(values) for name, values in measured.items()})
    if is_refused:
        with pytest.raises(PageRefusedError, match="not parallel"):
            _check_perspective(rows)
    else:
        _check_perspective(rows)


def test_pulses_of_several_sizes(plain):
    image, renderer = plain[0][0].copy(), plain[1]
    rows = renderer.panel_table().query("column == 0")
    left = int(rows["x"].min()) - 5
    row = rows.iloc[0]
    pulse = Image.fromarray(image[row.top : row.bottom, :left])
    smaller = pulse.resize((left, int(0.9 * (row.bottom - row.top))), Image.Resampling.BICUBIC)
    image[row.top : row.bottom, :left] = 255
    image[row.bottom - smaller.height : row.bottom, :left] = smaller
    assert refusal(image)[0] == "grid"


def test_wrong_gain_and_paper_speed(plain):
    image = plain[0][0]
    for options in ({"gain": 20}, {"gain": 5}, {"paper_speed": 50}):
        kind, _ = refusal(image, **options)
        assert kind == "grid"


@pytest.mark.parametrize("sides", [{"left": 0.04}, {"left": -0.04}, {"top": 0.03}, {"top": -0.03}])
def test_perspective_is_refused(plain, sides):
    for image in plain[0]:
        margin = np.pad(image, 60, constant_values=255)
        kind, _ = refusal(tilt(Image.fromarray(margin), **sides))
        assert kind in ("perspective", "grid")


def test_beats_are_no_grid():
    """The spectrum of regular beats has lines, too."""
    X = make_ecg(12, random_state=8).data
    images, _ = render(X, grid=False)
    report = ECGImageDigitizer(RATE, on_error="nan").report(images)
    assert (report["status"] == "digitized").sum() >= 10
    assert set(report["scale_from"].dropna()) == {"pulses"}

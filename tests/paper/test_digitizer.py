"""Signals from images of pages, compared with the signals that were drawn."""

import os

import joblib
import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps
from sklearn.base import clone

from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.leads import STANDARD_LEADS, is_lead_frame, to_lead_array
from sklearn_ecg.paper import ECGImageDigitizer, ECGImageRenderer
from sklearn_ecg.paper._digitizing import _digitize

RATE = 100
SIZE = (850, 1100)
# Rhythm lead and layout of the renderer, and the layout that is found.
LAYOUTS = {
    "3x4": ("3x4", None),
    "3x4+1": ("3x4", "II"),
    "6x2": ("6x2", None),
    "12x1": ("12x1", None),
}
SECONDS = {"3x4": 2.5, "3x4+1": 2.5, "6x2": 5.0, "12x1": 10.0}


@pytest.fixture(scope="module")
def records():
    return make_ecg(2, class_sep=np.inf, random_state=3).data


def render(X, layout="3x4+1", **options):
    name, rhythm_lead = LAYOUTS[layout]
    options = {"image_size": SIZE, "color": "rgb", "rhythm_lead": rhythm_lead, **options}
    renderer = ECGImageRenderer(RATE, layout=name, **options).fit(X)
    return renderer.transform(X), renderer


@pytest.fixture(scope="module")
def pages(records):
    """Return images, renderer, signals and report of each layout."""
    found = {}
    for layout in LAYOUTS:
        images, renderer = render(records, layout)
        bunch = ECGImageDigitizer(RATE).digitize(images)
        found[layout] = images, renderer, bunch.signals, bunch.report
    return found


@pytest.fixture(scope="module")
def page(pages):
    """One page with a rhythm strip."""
    return pages["3x4+1"][0][0]


def signal_to_noise(truth, signal, shifts=(0.0,)):
    """Return decibels of a lead where it is known, after the best of shifts in time points."""
    known = np.flatnonzero(~np.isnan(signal))
    ratios = []
    for shift in shifts:
        expected = np.interp(known + shift, np.arange(len(truth)), truth)
        error = signal[known] - expected
        reference = expected - np.median(expected)
        ratios.append(10 * np.log10((reference**2).sum() / (error**2).sum()))
    return max(ratios)


def median_ratio(truth, signals):
    """Return the median of the leads, each shifted by less than a pixel."""
    shifts = np.linspace(-0.9, 0.9, 7)
    return np.median([signal_to_noise(*pair, shifts) for pair in zip(truth, signals)])


def refusal(image, **options):
    """Return the kind of reason why an image is refused, and compare the error with the report."""
    digitizer = ECGImageDigitizer(RATE, on_error="nan", **options)
    bunch = digitizer.digitize([image])
    row = bunch.report.iloc[0]
    assert row["status"] == "refused"
    assert np.isnan(bunch.signals).all()
    return row["reason_kind"], row["reason"]


# --------------------------------------------------------------------------------------------------
# Signals
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_signals_are_those_that_were_drawn(pages, records, layout):
    _, _, signals, report = pages[layout]
    assert signals.shape == (2, 12, 1000)
    assert signals.dtype == np.float32
    assert list(report["layout"]) == [layout, layout]
    # A row of 12x1 has 68 pixels for 100 time points.
    shifts = np.linspace(-1.4, 1.4, 9) if layout == "12x1" else [0.0]
    ratios = [
        signal_to_noise(records[i, lead], signals[i, lead], shifts) for i, lead in np.ndindex(2, 12)
    ]
    assert np.median(ratios) > (10 if layout == "12x1" else 15)
    assert np.min(ratios) > 6


@pytest.mark.parametrize("layout", LAYOUTS)
def test_leads_are_nan_where_they_are_not_printed(pages, layout):
    signals = pages[layout][2][0]
    seconds = SECONDS[layout]
    n_rows = {"3x4": 3, "3x4+1": 3, "6x2": 6, "12x1": 12}[layout]
    for i, name in enumerate(STANDARD_LEADS):
        column = i // n_rows
        expected = np.zeros(1000, dtype=bool)
        expected[int(column * seconds * RATE) : int((column + 1) * seconds * RATE)] = True
        if layout == "3x4+1" and name == "II":
            expected[:] = True
        known = ~np.isnan(signals[i])
        # Where columns meet, and at the end of a row, few time points are missing.
        assert (known != expected).sum() <= 4, name


def test_rhythm_strip(pages):
    images, _, signals, report = pages["3x4+1"]
    assert list(report["rhythm_leads"]) == [["II"], ["II"]]
    without = ECGImageDigitizer(RATE, rhythm_strip="ignore").digitize(images[:1])
    assert list(without.report["rhythm_leads"]) == [["II"]]
    printed = ~np.isnan(without.signals[0])
    assert printed[1].sum() == 249
    np.testing.assert_array_equal(without.signals[0][printed], signals[0][printed])


def test_another_strip_is_recognized(records):
    images, _ = render(records[:1], rhythm_lead="V5")
    bunch = ECGImageDigitizer(RATE).digitize(images)
    assert bunch.report.loc[0, "rhythm_leads"] == ["V5"]
    assert signal_to_noise(records[0, 10], bunch.signals[0, 10]) > 12
    assert (~np.isnan(bunch.signals[0, 10])).sum() >= 998


def test_rate_duration_and_scales(records):
    images, _ = render(records[:1], speed=25, gain=20)
    signals = ECGImageDigitizer(RATE, gain=20, duration=4).transform(images)
    assert signals.shape == (1, 12, 400)
    assert signal_to_noise(records[0, 0, :400], signals[0, 0]) > 9
    assert np.isnan(signals[0, 6]).all()


def test_limb_residual_does_not_depend_on_the_rate(pages):
    images, _, _, report = pages["3x4"]
    at_500 = ECGImageDigitizer(500).report(images[:1])
    assert at_500["limb_residual"][0] == report["limb_residual"][0] > 0


# --------------------------------------------------------------------------------------------------
# Pages
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_report_of_clean_pages(pages, layout):
    _, renderer, _, report = pages[layout]
    assert (report["status"] == "digitized").all()
    assert (report["reason"] == "").all()
    for axis in "xy":
        pitch = report[f"pixels_per_mm_{axis}"].to_numpy()
        np.testing.assert_allclose(pitch, renderer.pixels_per_mm_, rtol=1e-3)
    np.testing.assert_allclose(report["rotation"], 0, atol=0.02)
    np.testing.assert_allclose(report["perspective"], 0, atol=0.005)
    np.testing.assert_allclose(report["seconds"], 10, atol=0.03)
    np.testing.assert_allclose(report["pulse_height"], 10, atol=0.2)
    assert (report["limb_residual"] < 0.1).all()
    assert (report["confidence"] > 0.8).all()
    assert (report["cut_off"] == 0).all()
    assert (report.filter(like="recovered_") > 0.97).all(axis=None)
    for name, box in report.loc[0, "lead_boxes"].items():
        top, bottom, left, right = renderer.lead_boxes_[name]
        assert abs(box[2] - left) <= 2 and abs(box[3] - right) <= 2
        # The middle of the trace is in the panel.
        assert top < (box[0] + box[1]) / 2 < bottom


@pytest.mark.parametrize("degrees", [-4.0, 1.5])
def test_rotated_pages(page, records, degrees):
    image = Image.fromarray(page).rotate(degrees, Image.Resampling.BICUBIC, True, fillcolor="white")
    bunch = ECGImageDigitizer(RATE).digitize([image])
    # Pillow rotates counter-clockwise.
    assert bunch.report.loc[0, "rotation"] == pytest.approx(-degrees, abs=0.05)
    assert bunch.report.loc[0, "layout"] == "3x4+1"
    assert median_ratio(records[0], bunch.signals[0]) > 13


def test_perspective(page, records):
    height, width = SIZE
    # Coefficients of a homography: the right side is further away.
    inverse = (1.0, 0.0, 0.0, 0.03, 1.0, -20.0, -7e-5, 0.0)
    image = Image.fromarray(page).transform(
        (width, height),
        Image.Transform.PERSPECTIVE,
        inverse,
        Image.Resampling.BICUBIC,
        fillcolor="white",
    )
    bunch = ECGImageDigitizer(RATE).digitize([image])
    assert bunch.report.loc[0, "perspective"] > 0.05
    assert median_ratio(records[0], bunch.signals[0]) > 9


def test_photograph_on_a_table(page, records):
    # A crease, colored light from one side, and a dark table.
    pixels = page.astype(float)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    crease = np.exp(-(((y - 0.02 * x - 400) / 1.5) ** 2))
    pixels *= (1 - 0.15 * crease)[:, :, None]
    pixels *= (1 - 0.3 * x / SIZE[1])[:, :, None] * np.array([0.85, 0.95, 1.0])
    image = Image.fromarray(pixels.astype(np.uint8))
    table = (60, 50, 50)
    image = image.rotate(2, Image.Resampling.BICUBIC, expand=True, fillcolor=table)
    image = ImageOps.expand(image, 60, table)
    bunch = ECGImageDigitizer(RATE).digitize([image])
    report = bunch.report.iloc[0]
    assert report["layout"] == "3x4+1"
    assert report["rotation"] == pytest.approx(-2, abs=0.1)
    assert median_ratio(records[0], bunch.signals[0]) > 9


def test_shadows_and_gray_paper(page, records):
    shade = np.linspace(1.0, 0.45, SIZE[1])[None, :] * np.linspace(0.8, 1.0, SIZE[0])[:, None]
    gray = np.asarray(Image.fromarray(page).convert("L")) * shade
    bunch = ECGImageDigitizer(RATE).digitize([np.rint(gray).astype(np.uint8)])
    assert median_ratio(records[0], bunch.signals[0]) > 12


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_color_of_the_grid_does_not_matter(pages, page, channel):
    expected = pages["3x4+1"][2][0]
    colored = np.roll(page, channel, axis=2)
    signals = ECGImageDigitizer(RATE).transform(colored[None])[0]
    np.testing.assert_array_equal(signals, expected)


def test_large_images_are_reduced(page, pages):
    large = Image.fromarray(page).resize((4400, 3400), Image.Resampling.NEAREST)
    bunch = ECGImageDigitizer(RATE).digitize([large])
    row = bunch.report.iloc[0]
    assert (row["height"], row["width"], row["reduction"]) == (3400, 4400, 2)
    assert row["pixels_per_mm_x"] == pytest.approx(4 * pages["3x4+1"][1].pixels_per_mm_, rel=1e-3)
    box = pages["3x4+1"][3].loc[0, "lead_boxes"]["V1"]
    np.testing.assert_allclose(row["lead_boxes"]["V1"], 4 * np.array(box), atol=20)


def test_large_jpeg_files_are_decoded_at_half_their_size(page, pages, tmp_path):
    large = Image.fromarray(page).resize((4400, 3400), Image.Resampling.NEAREST)
    large.save(tmp_path / "page.jpg", quality=95)
    bunch = ECGImageDigitizer(RATE).digitize([tmp_path / "page.jpg"])
    row = bunch.report.iloc[0]
    assert (row["height"], row["width"], row["reduction"]) == (3400, 4400, 2)
    box = pages["3x4+1"][3].loc[0, "lead_boxes"]["V1"]
    np.testing.assert_allclose(row["lead_boxes"]["V1"], 4 * np.array(box), atol=20)
    error = bunch.signals[0] - pages["3x4+1"][2][0]
    assert np.nanmean(np.abs(error)) < 0.02


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_images_turned_by_exif(page, pages, tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / f"page.{suffix}"
    Image.fromarray(page).transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
    with Image.open(path) as image:
        bunch = ECGImageDigitizer(RATE).digitize([path, image])
        if suffix == "png":
            assert image.size == SIZE, "the image of the user was turned"
    for i, row in bunch.report.iterrows():
        assert (row["height"], row["width"]) == SIZE
        assert row["lead_boxes"] == pages["3x4+1"][3].loc[0, "lead_boxes"]
        np.testing.assert_array_equal(bunch.signals[i], pages["3x4+1"][2][0])


@pytest.mark.parametrize("suffix", ["png", "tif", "gif"])
def test_images_of_pillow_with_several_pages(page, tmp_path, suffix):
    path = tmp_path / f"pages.{suffix}"
    first, second = Image.fromarray(page[::4, ::4]), Image.fromarray(page[::4, ::-4])
    first.save(path, save_all=True, append_images=[second])
    with Image.open(path) as image:
        image.seek(1)
        report = ECGImageDigitizer(RATE).report([image])
        assert image.tell() == 1
    assert report.loc[0, "status"] == "failed"
    assert "it is unknown which one to load" in report.loc[0, "reason"]


def test_pdf_files(page, pages, tmp_path):
    pytest.importorskip("pypdfium2")
    image = Image.fromarray(page)
    image.save(tmp_path / "one.pdf", resolution=100)
    image.save(tmp_path / "two.pdf", resolution=100, save_all=True, append_images=[image])
    digitizer = ECGImageDigitizer(RATE, on_error="nan")
    bunch = digitizer.digitize([tmp_path / "one.pdf", tmp_path / "two.pdf"])
    assert bunch.report["status"].tolist() == ["digitized", "failed"]
    assert "it has 2 pages" in bunch.report.loc[1, "reason"]
    assert (bunch.report.loc[0, "height"], bunch.report.loc[0, "width"]) == (1700, 2200)
    error = bunch.signals[0] - pages["3x4+1"][2][0]
    assert np.nanmean(np.abs(error)) < 0.03


def test_limit_of_pixels(page, tmp_path, monkeypatch):
    Image.fromarray(page).save(tmp_path / "page.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ValueError, match="page.png' cannot be opened: it has more pixels than Pil"):
        ECGImageDigitizer(RATE).transform([tmp_path / "page.png"])
    assert ECGImageDigitizer(RATE).transform([page]).shape == (1, 12, 1000)


# --------------------------------------------------------------------------------------------------
# Refusals
# --------------------------------------------------------------------------------------------------


def natural_image():
    """Return smooth blobs with texture, as of an animal on a lawn."""
    rng = np.random.default_rng(0)
    image = np.zeros((600, 800, 3))
    for size in (4, 16, 64):
        coarse = rng.random((600 // size + 1, 800 // size + 1, 3)).astype(np.float32)
        for channel in range(3):
            layer = Image.fromarray(coarse[..., channel])
            image[..., channel] += np.asarray(layer.resize((800, 600), Image.Resampling.BICUBIC))
    return np.clip(image * 85, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (np.full((850, 1100), 255, np.uint8), "blank"),
        (np.full((850, 1100), 90, np.uint8), "blank"),
        (np.random.default_rng(0).integers(0, 256, (850, 1100, 3), np.uint8), "grid"),
        (natural_image(), "grid"),
        (np.zeros((120, 160), np.uint8), "size"),
        (np.zeros((0, 300, 3), np.uint8), "size"),
    ],
    ids=["white", "gray", "noise", "natural", "small", "empty"],
)
def test_images_of_something_else(image, kind):
    assert refusal(image)[0] == kind


def test_paper_without_traces():
    images, _ = render(np.zeros((1, 12, 1000)), calibration=False, lead_labels=False)
    empty = images[0].copy()
    empty[(empty < 100).all(axis=2)] = 255
    assert refusal(empty)[0] == "traces"


def test_rhythm_strip_only(page):
    kind, reason = refusal(page[640:])
    assert kind == "layout"
    assert "rhythm strip" in reason


def test_two_pages(page):
    assert refusal(np.vstack([page, page]))[0] in ("layout", "grid")
    assert refusal(np.hstack([page, page]))[0] in ("time", "grid", "layout")


def test_wrong_scale(page, records):
    kind, reason = refusal(page, gain=20)
    assert kind == "scale"
    assert "10.0 mm" in reason and "gain=20" in reason
    assert refusal(page, paper_speed=50)[0] == "time"
    images, _ = render(records[:1], gain=5)
    assert refusal(images[0])[0] == "scale"


def test_gain_that_no_pulse_has(page, monkeypatch):
    """The beats of a row may hide its pulse, and others may look like one."""
    pulses = _digitize.find_time_axis

    def find_fewer(*args, **options):
        axis = pulses(*args, **options)
        axis.pulses = [axis.pulses[0], *[None] * (len(axis.pulses) - 1)]
        return axis

    monkeypatch.setattr(_digitize, "find_time_axis", find_fewer)
    kind, reason = refusal(page, gain=20)
    assert kind == "scale" and "10.0 mm high" in reason
    assert ECGImageDigitizer(RATE).report([page])["n_pulses"].tolist() == [1]


def test_pulses_of_another_paper_speed(records):
    """A page of 5 s at 50 mm/s is as wide as one of 10 s at 25 mm/s."""
    images, _ = render(records[:1, :, :500], speed=50, duration=5)
    kind, reason = refusal(images[0])
    assert kind == "time" and "10 mm wide" in reason
    without, _ = render(records[:1, :, :500], speed=50, duration=5, calibration=False)
    report = ECGImageDigitizer(RATE, on_error="nan").report(without)
    assert "wide" not in report.loc[0, "reason"]


@pytest.mark.parametrize("image_size", [(1700, 2200), (850, 1700)])
@pytest.mark.parametrize("layout", ["3x4+1", "6x2"])
def test_pages_of_10_s_at_50_mm_per_second(records, layout, image_size):
    """Their paper is 53 cm wide, more than a page at 25 mm/s."""
    images, renderer = render(records, layout, speed=50, image_size=image_size)
    bunch = ECGImageDigitizer(RATE, paper_speed=50).digitize(images)
    assert bunch.report["layout"].tolist() == 2 * [layout]
    np.testing.assert_allclose(bunch.report["pixels_per_mm_x"], renderer.pixels_per_mm_, rtol=1e-3)
    for truth, signals in zip(records, bunch.signals):
        assert median_ratio(truth, signals) > 15
    assert refusal(images[0])[0] in ("grid", "time", "layout")


@pytest.mark.parametrize("layout", ["3x4+1", "6x2"])
@pytest.mark.parametrize("seconds", [0.4, 0.6, 1.0])
def test_pages_cut_off_at_a_side(pages, layout, seconds):
    """Columns of leads that begin too late are not taken for those of a page that ends early."""
    images, renderer, signals, _ = pages[layout]
    per_second = 25 * renderer.pixels_per_mm_
    start = renderer.panel_table()["left"].min()
    for image, signal in zip(images, signals):
        kind, _ = refusal(image[:, int(start + seconds * per_second) :])
        assert kind in ("time", "leads")
        stop = int(start + (10 - seconds) * per_second)
        found = ECGImageDigitizer(RATE).transform([image[:, :stop]])[0]
        both = ~np.isnan(found) & ~np.isnan(signal)
        assert both.any(axis=1).all()
        assert np.abs(found - signal)[both].mean() < 0.01


def test_illegible_grid_in_perspective(page, monkeypatch):
    """With limits that no page meets, the page is refused."""
    for name, value in (("_PERSPECTIVE", -1.0), ("_MIN_SHARE", 1.1)):
        monkeypatch.setattr(f"sklearn_ecg.paper._digitizing._digitize.{name}", value)
    kind, reason = refusal(page)
    assert kind == "grid" and "of its grid agrees" in reason


@pytest.mark.parametrize("grid", [True, False])
@pytest.mark.parametrize("n_rows", [6, 7])
def test_rows_of_the_chest_leads_are_missing(records, n_rows, grid):
    """The upper rows of a page of twelve are not read as two columns."""
    images, renderer = render(records, "12x1", image_size=(1700, 2200), grid=grid)
    bottom = int(renderer.panel_table()["bottom"][n_rows - 1])
    for image in images:
        kind, reason = refusal(image[:bottom])
        assert kind == "leads" and "chest leads are missing" in reason


def test_other_layout_than_given(page):
    kind, reason = refusal(page, layout="12x1")
    assert kind == "layout"
    assert "4 row(s)" in reason and "12x1" in reason


def test_leads_in_other_places(page, pages):
    assert refusal(page[::-1, ::-1])[0] in ("leads", "scale", "time")
    # Rows of leads I and II, and of aVR and aVL.
    swapped = page.copy()
    boxes = pages["3x4+1"][1].lead_boxes_
    (top, bottom, *_), (other_top, other_bottom, *_) = boxes["I"], boxes["II"]
    height = min(bottom - top, other_bottom - other_top)
    swapped[top : top + height] = page[other_top : other_top + height]
    swapped[other_top : other_top + height] = page[top : top + height]
    kind, reason = refusal(swapped)
    assert kind == "leads"
    assert "I + III" in reason


def test_borders_and_rulings_are_no_rows(page, pages):
    image = np.full((1000, 1200, 3), 20, np.uint8)
    image[40:960, 40:1160] = 255
    image[90:940, 50:1150] = page
    # Lines below a header.
    image[70:73, 60:1140] = image[76:79, 60:1140] = 0
    bunch = ECGImageDigitizer(RATE).digitize([image])
    assert bunch.report.loc[0, "layout"] == "3x4+1"
    assert bunch.report.loc[0, "n_pulses"] == 4
    known = ~np.isnan(pages["3x4+1"][2][0]) & ~np.isnan(bunch.signals[0])
    assert known.sum() > 3500
    error = (bunch.signals[0] - pages["3x4+1"][2][0])[known]
    assert np.abs(error - np.median(error)).mean() < 0.02


def test_ink_before_a_trace_does_not_change_its_first_values(pages):
    images, _, clean, report = pages["3x4"]
    # A line, such as an edge of the paper, ends above the first column of lead I.
    top, _, left, _ = report["lead_boxes"][0]["I"]
    image = images[0].copy()
    image[top - 10 : top - 7, 4:left] = 0
    signals = ECGImageDigitizer(RATE).digitize([image]).signals
    np.testing.assert_allclose(signals[0, 0, :5], clean[0, 0, :5], atol=0.05)


def test_traces_that_cross(records):
    # V2 is so tall that it reaches the rows above and below.
    tall = records[:1].copy()
    tall[:, 7] *= 3
    images, _ = render(tall, "12x1")
    kind, reason = refusal(images[0])
    assert kind == "traces"
    assert "crosses that of another row" in reason


def test_errors_name_the_image(page, tmp_path):
    blank = np.full(SIZE, 255, np.uint8)
    with pytest.raises(ValueError, match=r"^Image 1 of X is refused: the page is blank"):
        ECGImageDigitizer(RATE).transform([page, blank])
    path = tmp_path / "scan.png"
    Image.fromarray(blank).save(path)
    with pytest.raises(ValueError, match=r"^Image '.*scan\.png' is refused: the page is blank"):
        ECGImageDigitizer(RATE).transform([str(path)])
    missing, text = tmp_path / "missing.png", tmp_path / "text.png"
    text.write_text("no image")
    with pytest.raises(ValueError, match=r"missing\.png' cannot be opened: it does not exist"):
        ECGImageDigitizer(RATE).transform([missing])
    digitizer = ECGImageDigitizer(RATE, on_error="nan")
    bunch = digitizer.digitize([page, blank, path, missing, text])
    expected = ["digitized", "refused", "refused", "failed", "failed"]
    assert list(bunch.report["status"]) == expected
    assert list(np.isnan(bunch.signals).all(axis=(1, 2))) == [False, True, True, True, True]
    assert list(bunch.report["reason_kind"]) == ["", "blank", "blank", "file", "file"]
    assert list(bunch.report["image"]) == [0, 1, *map(str, (path, missing, text))]
    report = ECGImageDigitizer(RATE).report([page])
    pd.testing.assert_frame_equal(report, bunch.report[:1], check_dtype=False)


# --------------------------------------------------------------------------------------------------
# Input and output
# --------------------------------------------------------------------------------------------------


def test_kinds_of_images(page, pages, tmp_path):
    expected = pages["3x4+1"][2][0]
    path = tmp_path / "page.png"
    Image.fromarray(page).save(path)
    transparent = np.dstack([page, np.full(SIZE, 255, np.uint8)])
    page = page.copy()
    page.setflags(write=False)
    images = [page, page / 255.0, page.astype(np.float32), Image.fromarray(page), path, transparent]
    images += [str(path), np.asfortranarray(page), page.astype(np.int64)]
    for signals in ECGImageDigitizer(RATE).transform(images):
        np.testing.assert_array_equal(signals, expected)


def test_gray_images(page):
    gray = np.asarray(Image.fromarray(page).convert("L"))
    wide = gray.astype(np.uint16)
    paletted = Image.fromarray(gray).convert("P")
    images = [gray, gray[..., None], np.dstack([gray, np.full(SIZE, 255, np.uint8)]), wide * 257]
    # As after interpolation.
    floats = gray / 255
    floats[gray == 255] = 1.005
    images += [wide, gray.astype(np.int32), floats]
    expected, *others = ECGImageDigitizer(RATE).transform([*images, paletted])
    for signals in others:
        np.testing.assert_array_equal(signals, expected)


def test_series_and_lead_frame(page, pages):
    series = pd.Series([page, np.full(SIZE, 255, np.uint8)], index=["b", "a"])
    bunch = ECGImageDigitizer(RATE, on_error="nan", output="frame").digitize(series)
    assert is_lead_frame(bunch.signals)
    assert list(bunch.signals.columns) == list(STANDARD_LEADS)
    assert list(bunch.signals.index) == list(bunch.report.index) == ["b", "a"]
    assert bunch.signals.attrs == {"sampling_rate": 100.0, "units": "mV"}
    np.testing.assert_array_equal(to_lead_array(bunch.signals)[0], pages["3x4+1"][2][0])


def test_estimator(page):
    digitizer = ECGImageDigitizer(RATE)
    assert digitizer.fit([page]) is digitizer
    assert list(clone(digitizer).get_feature_names_out()) == list(STANDARD_LEADS)
    assert digitizer.set_output(transform="pandas") is digitizer
    assert not vars(digitizer).keys() - digitizer.get_params().keys()
    with joblib.parallel_config(backend="threading"):
        both = ECGImageDigitizer(RATE, n_jobs=2).transform([page, page])
    np.testing.assert_array_equal(both[0], both[1])


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("scan.png", TypeError, r"Pass \[X\]"),
        ([], ValueError, "no images"),
        (np.zeros((850, 1100), np.uint8), ValueError, r"single image is X\[\[0\]\]"),
        (np.zeros((850, 1100, 3), np.uint8), ValueError, r"single image is X\[\[0\]\]"),
        (np.zeros((850, 1100, 1)), ValueError, r"single image is X\[\[0\]\]"),
        ([np.zeros((2, 50, 60, 3))], ValueError, r"shape \(2, 50, 60, 3\)"),
        ([np.zeros((3, 50, 60))], ValueError, "channels, which come last"),
        ([np.full((300, 300), np.nan)], ValueError, "NaN or infinity"),
        ([np.full((300, 300), 4095, np.int32)], ValueError, "int32 and values from 4095 to 4095"),
        ([np.full((300, 300), -1)], ValueError, "Pass booleans, integers from 0 to 255, uint16"),
        ([np.full((300, 300), 300.0)], ValueError, "float64 and values from 300"),
        ([np.zeros((300, 300), complex)], TypeError, "complex128"),
        ([17], TypeError, "is int"),
        (pd.DataFrame({"a": [1]}), ValueError, "a table"),
    ],
)
def test_errors_of_X(X, error, message):
    for method in ("fit", "transform", "report", "digitize"):
        with pytest.raises(error, match=message):
            getattr(ECGImageDigitizer(RATE), method)(X)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"sampling_rate": None}, "needs sampling_rate"),
        ({"sampling_rate": 0}, "sampling_rate"),
        ({"layout": "2x6"}, "layout"),
        ({"paper_speed": 30}, "paper_speed"),
        ({"gain": 0}, "gain"),
        ({"duration": 0.001}, "has no time point"),
        ({"on_error": "skip"}, "on_error"),
    ],
)
def test_errors_of_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        ECGImageDigitizer(**{"sampling_rate": RATE, **params}).fit([np.zeros(SIZE)])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_pipes_are_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    report = ECGImageDigitizer(100).report([tmp_path / "pipe.png"])
    assert report.loc[0, "status"] == "failed"
    assert "is not a regular file" in report.loc[0, "reason"]


@pytest.mark.parametrize("stretch", [1.0, 1.07])
def test_pages_with_different_scales(page, stretch):
    """A page that is stretched in one direction is read to its end."""
    height, width = page.shape[:2]
    for size in ((round(width * stretch), height), (width, round(height * stretch))):
        image = np.asarray(Image.fromarray(page).resize(size, Image.Resampling.BICUBIC))
        bunch = ECGImageDigitizer(sampling_rate=100).digitize([image])
        known = np.isfinite(bunch.signals[0]).sum(axis=1)
        assert (known >= 244).all(), known


def test_a_damaged_image_of_pillow(tmp_path, page):
    path = tmp_path / "page.png"
    Image.fromarray(page).save(path)
    path.write_bytes(path.read_bytes()[:-2000])
    digitizer = ECGImageDigitizer(sampling_rate=100, on_error="nan")
    with Image.open(path) as image:
        bunch = digitizer.digitize([image, page])
    assert list(bunch.report["status"]) == ["failed", "digitized"]
    assert np.isnan(bunch.signals[0]).all()

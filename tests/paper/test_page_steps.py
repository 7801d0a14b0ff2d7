"""What each step of the digitizer finds on a page."""

import numpy as np
import pytest
from PIL import Image
from test_digitizer import RATE, render

from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.leads import STANDARD_LEADS
from sklearn_ecg.paper import ECGImageDigitizer


@pytest.fixture(scope="module")
def page():
    images, renderer = render(make_ecg(1, class_sep=np.inf, random_state=3).data)
    return images[0], renderer


@pytest.fixture(scope="module")
def steps(page):
    return ECGImageDigitizer(RATE).inspect(page[0])


def darkness_at(image, points):
    """Return the largest darkness within a pixel of points."""
    gray = 255 - np.asarray(Image.fromarray(image).convert("L")).astype(int)
    x, y = np.floor(points).astype(int).T
    around = [
        gray[np.clip(y + dy, 0, len(gray) - 1), np.clip(x + dx, 0, gray.shape[1] - 1)]
        for dx in (-1, 0, 1)
        for dy in (-1, 0, 1)
    ]
    return np.max(around, axis=0)


def test_same_signals_and_report_as_digitize(page, steps):
    bunch = ECGImageDigitizer(RATE).digitize([page[0]])
    np.testing.assert_array_equal(steps.signals, bunch.signals[0])
    assert (
        steps.report.drop("lead_boxes")
        .astype(str)
        .equals(bunch.report.iloc[0].drop("lead_boxes").astype(str))
    )
    np.testing.assert_array_equal(steps.image, page[0])


def test_lines_of_the_grid(page, steps):
    _, renderer = page
    table = renderer.panel_table().iloc[0]
    for lines, axis, origin in zip(steps.grid_lines, (0, 1), (table["x"], table["zero"])):
        places = np.array([line[:, axis].mean() for line in lines])
        assert max(np.ptp(line[:, axis]) for line in lines) < 0.1
        step = 5 * renderer.pixels_per_mm_
        np.testing.assert_allclose(np.diff(places), step, rtol=1e-3)
        off = (places - origin) / step
        # Less than 0.25 mm.
        np.testing.assert_allclose(off, np.round(off), atol=0.05)
        # They cover the page.
        assert len(lines) >= np.shape(page[0])[1 - axis] // step


def test_ink_without_the_grid(page, steps):
    assert steps.ink.shape == steps.traces.shape == page[0].shape[:2]
    assert steps.upright_scale == pytest.approx(page[1].pixels_per_mm_, rel=1e-3)
    is_black = (page[0] < 40).all(axis=2)
    assert steps.ink[is_black].min() > 180
    is_paper = (page[0] > 170).any(axis=2)
    assert steps.ink[is_paper].max() < 128


def test_rows_and_paths(page, steps):
    zeros = page[1].panel_table().query("column == 0")["zero"]
    np.testing.assert_allclose(steps.rows, zeros, atol=3 * page[1].pixels_per_mm_)
    assert steps.paths.shape == (4, page[0].shape[1], 2)
    for top, bottom in steps.paths.transpose(0, 2, 1):
        known = np.flatnonzero(~np.isnan(top))
        assert len(known) > 0.9 * 10 * 25 * page[1].pixels_per_mm_
        assert (bottom[known] > top[known]).all()
        middle = np.stack([known + 0.5, (top + bottom)[known] / 2], axis=1)
        assert darkness_at(page[0], middle).min() > 80


def test_lines_of_leads_are_on_the_traces(page, steps):
    assert list(steps.lead_lines) == list(STANDARD_LEADS)
    boxes = steps.report["lead_boxes"]
    for name, line in steps.lead_lines.items():
        assert len(line) > 240
        assert np.quantile(darkness_at(page[0], line), 0.05) > 80
        top, bottom, left, right = boxes[name]
        assert (line[:, 0] >= left).all() and (line[:, 0] <= right).all()
        assert (line[:, 1] >= top).all() and (line[:, 1] <= bottom).all()


def test_turned_image_in_a_file(page, tmp_path):
    """Positions are those of the image in the file, whatever is done with it."""
    turned = Image.fromarray(page[0]).resize((4400, 3400), Image.Resampling.BICUBIC)
    turned = turned.rotate(-2, Image.Resampling.BICUBIC, expand=True, fillcolor=(255, 255, 255))
    turned.save(tmp_path / "page.png")
    steps = ECGImageDigitizer(RATE).inspect(tmp_path / "page.png")
    report = steps.report
    assert report["image"] == str(tmp_path / "page.png")
    assert (report["width"], report["height"]) == turned.size
    assert report["reduction"] == 2
    for line in steps.lead_lines.values():
        assert np.quantile(darkness_at(np.asarray(turned), line), 0.05) > 80
    across = steps.grid_lines[0][10]
    angle = np.degrees(np.arctan2(*(across[-1] - across[0])))
    assert angle == pytest.approx(-2, abs=0.1)


def test_bent_paper(page):
    """The lines of the grid follow it."""
    height, width = page[0].shape[:2]
    large = np.asarray(Image.fromarray(page[0]).resize((2 * width, 2 * height)))
    y, x = np.mgrid[: 2 * height, : 2 * width]
    moved = np.clip(y + 8 * np.sin(np.pi * x / width / 2), 0, 2 * height - 1).astype(int)
    steps = ECGImageDigitizer(RATE, on_error="nan").inspect(large[moved, x])
    line = steps.grid_lines[1][20]
    assert np.ptp(line[:, 1]) == pytest.approx(8, abs=2)


def test_refused_images(page):
    digitizer = ECGImageDigitizer(RATE)
    blank = digitizer.inspect(np.full((850, 1100), 255, np.uint8))
    assert blank.report["reason_kind"] == "blank"
    assert blank.image.shape == (850, 1100)
    for step in ("grid_lines", "ink", "traces", "rows", "paths", "lead_lines"):
        assert blank[step] is None
    assert np.isnan(blank.signals).all()
    images, _ = render(make_ecg(1, random_state=3).data, grid=False, calibration=False)
    plain = digitizer.inspect(images[0])
    assert plain.report["reason_kind"] == "grid"
    # What was searched for pulses.
    assert plain.grid_lines is None and len(plain.paths) == 4
    # The signals of a page in another order are seen, although they are not returned.
    upside_down = digitizer.inspect(page[0][::-1, ::-1])
    assert upside_down.report["status"] == "refused"
    assert upside_down.paths is not None and np.isnan(upside_down.signals).all()
    missing = digitizer.inspect("missing.png")
    assert missing.report["status"] == "failed" and missing.image is None


def test_one_image_only(page):
    digitizer = ECGImageDigitizer(RATE)
    with pytest.raises(TypeError, match="image must be one .* got list. Pass several images to"):
        digitizer.inspect([page[0]])
    with pytest.raises(TypeError, match="image must be one .* got ndarray"):
        digitizer.inspect(page[0][None])
    with pytest.raises(ValueError, match="needs sampling_rate"):
        ECGImageDigitizer().inspect(page[0])

"""Grids that are visible next to black ink: gray ones, and those as dark as the traces."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from test_digitizer import RATE, median_ratio, refusal, render
from test_pages_without_grid import LARGE, turn

from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.paper import ECGImageDigitizer
from sklearn_ecg.paper._digitizing import _assembly
from sklearn_ecg.paper._digitizing._digitize import _check_dark_lines
from sklearn_ecg.paper._digitizing._grid_removal import are_dark, find_pattern, subtract_lines
from sklearn_ecg.paper._digitizing._pages import split_channels
from sklearn_ecg.paper._digitizing._pulses import find_pulses
from sklearn_ecg.paper._digitizing._refusal import PageRefusedError

PITCH = 8


@pytest.fixture(scope="module")
def records():
    return make_ecg(3, class_sep=np.inf, random_state=3).data


def digitize(images):
    bunch = ECGImageDigitizer(RATE).digitize(images)
    assert set(bunch.report["scale_from"]) == {"grid"}
    return bunch.signals


@pytest.mark.parametrize("degrees", [0.0, 0.7])
@pytest.mark.parametrize("color", ["#909090", "#606060"])
def test_gray_grids(records, color, degrees):
    images, _ = render(records, grid_color=color, image_size=LARGE, color="gray")
    images = [turn(image, degrees) if degrees else Image.fromarray(image) for image in images]
    for truth, signals in zip(records, digitize(images)):
        assert median_ratio(truth, signals) > 15


@pytest.mark.parametrize("degrees", [0.0, 0.5])
@pytest.mark.parametrize("color", ["#909090", "#707070", "#606060", "#404040"])
def test_small_pages_with_a_gray_grid(records, color, degrees):
    images, _ = render(records, grid_color=color, color="gray")
    images = [turn(image, degrees) if degrees else Image.fromarray(image) for image in images]
    for truth, signals in zip(records, digitize(images)):
        assert median_ratio(truth, signals) > 12


@pytest.mark.parametrize("degrees", [0.0, 0.7])
def test_black_grid(records, degrees):
    images, _ = render(records, grid_color="#000000", image_size=LARGE, color="gray")
    images = [turn(image, degrees) if degrees else Image.fromarray(image) for image in images]
    bunch = ECGImageDigitizer(RATE, on_error="nan").digitize(images)
    is_good = (bunch.report["status"] == "digitized").to_numpy()
    # Strokes along lines are lost, and some pages are refused.
    assert is_good.sum() >= 2
    for truth, signals in zip(records[is_good], bunch.signals[is_good]):
        assert median_ratio(truth, signals) > 14


def test_black_lines_of_5_mm_on_a_page_of_two_levels(records):
    images, _ = render(records, grid_color="#606060", image_size=LARGE, color="gray")
    two = np.where(images > 170, 255, 0).astype(np.uint8)
    for truth, signals in zip(records, digitize(two)):
        assert median_ratio(truth, signals) > 14
    kind, reason = refusal(np.asarray(turn(two[0], 0.7).point(lambda value: 255 * (value > 128))))
    assert kind == "grid" and "two levels" in reason and "scan it in gray" in reason


def test_wide_black_lines(records):
    images, _ = render(
        records, grid_color="#000000", grid_width=0.5, image_size=LARGE, color="gray"
    )
    kind, reason = refusal(images[0])
    assert kind == "grid" and "0.5 mm wide, so that they hide beats" in reason


def test_turned_black_lines_in_few_pixels(records):
    images, _ = render(records, grid_color="#000000", color="gray")
    kind, reason = refusal(np.asarray(turn(images[0], 0.7)))
    assert kind == "grid" and "4.2 pixels per mm: at least 5.5 are needed" in reason


def test_few_pulses_on_dark_lines():
    upright, facts = SimpleNamespace(has_dark_lines=True), {"n_pulses": 2}
    with pytest.raises(PageRefusedError, match="few calibration pulses are legible"):
        _check_dark_lines(upright, facts)
    _check_dark_lines(upright, {"n_pulses": 3})
    _check_dark_lines(SimpleNamespace(has_dark_lines=False), facts)


@pytest.mark.parametrize("degrees", [0.0, 0.7])
@pytest.mark.parametrize("color", ["gray", "#000000"])
def test_pages_with_few_pulses(records, color, degrees, monkeypatch):
    """Two pulses are enough for time 0, unless they may begin along a black line."""

    def find_two(*args):
        pulses = find_pulses(*args)
        found = [i for i, pulse in enumerate(pulses) if pulse is not None][:2]
        return [pulse if i in found else None for i, pulse in enumerate(pulses)]

    monkeypatch.setattr(_assembly, "find_pulses", find_two)
    images, _ = render(records, grid_color=color, image_size=LARGE, color="gray")
    images = [turn(image, degrees) if degrees else Image.fromarray(image) for image in images]
    report = ECGImageDigitizer(RATE, on_error="nan").digitize(images).report
    assert report["n_pulses"].max() == 2
    has_few = report["reason"].fillna("").str.contains("few calibration pulses are legible")
    assert has_few.any() if color == "#000000" else not has_few.any()


def test_turned_pages_of_two_levels_without_a_grid(records):
    def scan(size):
        images, _ = render(records[:1], grid=False, image_size=size, color="gray")
        return np.asarray(turn(images[0], 1.0).point(lambda value: 255 * (value > 128)))

    kind, reason = refusal(scan((850, 1100)))
    assert kind == "size" and "two levels" in reason and "at least 5.5 are needed" in reason
    (signals,) = ECGImageDigitizer(RATE).digitize([scan(LARGE)]).signals
    assert median_ratio(records[0], signals) > 10


def test_pages_of_300_dpi_keep_their_pixels(records):
    images, _ = render(records[:1], image_size=(2550, 3300), color="gray")
    bunch = ECGImageDigitizer(RATE).digitize(images)
    assert bunch.report["reduction"].tolist() == [1]
    assert median_ratio(records[0], bunch.signals[0]) > 20


def make_lines(darkness, width=1):
    """Return a page with lines of 1 mm, as many as those of a grid."""
    page = np.zeros((20 * PITCH, 30 * PITCH), dtype=np.uint8)
    for start in range(4, 4 + width):
        page[start::PITCH] = darkness
        page[:, start::PITCH] = darkness
    return page


@pytest.mark.parametrize("darkness", [100, 180, 255])
def test_level_traces_keep_their_width(darkness):
    page = make_lines(darkness, width=2)
    # Between horizontal lines, and across one.
    page[70:72, 20:110] = 255
    page[97:103, 20:110] = 255
    expected = np.zeros_like(page)
    expected[70:72, 20:110] = 255
    expected[97:103, 20:110] = 255
    subtract_lines(page, PITCH)
    # Ends on lines that are as dark are lost.
    changed = np.unique(np.argwhere(page != expected)[:, 1])
    assert changed.tolist() == ([20, 21, 108, 109] if darkness == 255 else [])


def test_steep_strokes_continue_across_lines():
    page = make_lines(255)
    rows = np.arange(10, 140)
    columns = 40 + rows // 10
    ink = np.zeros(page.shape, dtype=bool)
    for shift in (0, 1):
        ink[rows, columns + shift] = True
    page[ink] = 255
    subtract_lines(page, PITCH)
    assert ((page > 0) & ~ink).sum() <= 4
    found = (page > 0).any(axis=1)
    assert found[rows].mean() > 0.9


def test_ink_in_the_middle_of_a_line_between_both_sides():
    page = make_lines(255, width=2)
    # Down to the left side of a line, and on from its right side.
    page[30:40, 43] = page[58:68, 46] = 255
    subtract_lines(page, PITCH)
    found = np.flatnonzero(page[:, 44])
    assert found.min() < 47 < found.max() and found.min() > 40 and found.max() < 58
    np.testing.assert_array_equal(page[:, 44], page[:, 45])


def test_lines_of_a_few_rulings_are_no_grid():
    page = np.zeros((20 * PITCH, 30 * PITCH), dtype=np.uint8)
    page[:, 60] = page[40] = 255
    page[80:82] = 0
    page[80:82, 10:110] = 255
    subtract_lines(page, PITCH)
    assert (page[81, 10:110] == 255).all() and page[41:79].max() == 0
    page = np.zeros((20 * PITCH, 30 * PITCH), dtype=np.uint8)
    for n_lines in range(1, 10):
        page[:, 8 * n_lines : 8 * n_lines + 2] = page[8 * n_lines : 8 * n_lines + 2] = 255
        assert subtract_lines(page.copy(), PITCH) is (n_lines >= 8)
    page[:] = 0
    for start in range(4, 8):
        page[start :: 2 * PITCH] = page[:, start :: 2 * PITCH] = 255
    with pytest.raises(PageRefusedError, match=r"0\.5 mm wide"):
        subtract_lines(page, PITCH)


@pytest.mark.parametrize("scale", [4, 5, 6, 8])
def test_darkness_of_lines(scale):
    mask = np.ones((100 * scale, 100 * scale), dtype=bool)
    for darkness, expected in ((0, False), (30, False), (70, False), (100, True)):
        page = np.zeros(mask.shape, dtype=np.uint8)
        page[:: 5 * scale] = darkness
        page[:, :: 5 * scale] = darkness
        pattern = find_pattern(page, scale, mask)
        assert are_dark(page, pattern, scale, mask, 4.0) is expected


def test_two_levels(records):
    gray, _ = render(records[:1], color="gray", image_size=LARGE)
    assert not split_channels(Image.fromarray(gray[0])).has_two_levels
    two = Image.fromarray(np.where(gray[0] > 128, 255, 0).astype(np.uint8))
    assert split_channels(two).has_two_levels
    assert split_channels(two.convert("RGB")).has_two_levels
    colored = np.array(two.convert("RGB"))
    colored[::20, :, 1:] = np.minimum(colored[::20, :, 1:], 200)
    assert not split_channels(Image.fromarray(colored)).has_two_levels

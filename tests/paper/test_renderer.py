"""Tests of ECGImageRenderer: scale, panels, records that do not fit, scikit-learn conventions."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_ecg import STANDARD_LEADS, to_lead_frame
from sklearn_ecg.datasets import load_ptbxl, make_ecg
from sklearn_ecg.preprocessing import ECGImageRenderer, LeadScaler
from sklearn_ecg.utils._chunks import ChunkBudget

# Traces on white paper.
PLAIN = dict(grid=False, calibration=False, lead_labels=False)
FLAT = np.zeros((1, 12, 1000), dtype=np.float32)


@pytest.fixture(scope="module")
def X():
    return make_ecg(6, class_sep=np.inf, random_state=0).data


def ink(image):
    """Return the part of each pixel that is covered."""
    return 1 - image / 255.0


def height(image):
    """Return the center of the ink of each column."""
    covered = ink(image)
    rows = np.arange(len(image)) + 0.5
    return (covered * rows[:, None]).sum(axis=0) / covered.sum(axis=0)


# --------------------------------------------------------------------------------------------------
# Scale
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [112, 224, (850, 1100), (300, 1300)])
@pytest.mark.parametrize("layout", ["3x4", "6x2", "12x1"])
@pytest.mark.parametrize("gain", [5, 10, 20, "fill"])
def test_a_millivolt_is_gain_millimeters_high(size, layout, gain):
    renderer = ECGImageRenderer(100, layout=layout, image_size=size, gain=gain, **PLAIN)
    zero, up = renderer.fit(FLAT).transform(np.concatenate([FLAT, FLAT + 0.5]))
    if gain == "fill":
        gain = renderer.gain_
    assert renderer.gain_ == gain
    for top, bottom, left, right in renderer.lead_boxes_.values():
        risen = height(zero[top:bottom, left:right]) - height(up[top:bottom, left:right])
        # For a line 1.2 pixels wide, the center of the ink is off by up to 0.06 pixels.
        assert_allclose(risen, 0.5 * gain * renderer.pixels_per_mm_, atol=0.15)


@pytest.mark.parametrize("size", [224, (850, 1100)])
@pytest.mark.parametrize("speed", [25, 50])
@pytest.mark.parametrize("rate", [100, 500, 360])
def test_a_step_is_in_its_column(size, speed, rate):
    """In the strip, and in the panel of the column that shows this time."""
    renderer = ECGImageRenderer(rate, image_size=size, speed=speed, **PLAIN)
    X = np.zeros((1, 12, 10 * rate), dtype=np.float32)
    renderer.fit(X)
    for time in (0.5, 3.1, 6.2, 8.7):
        X[:] = 0
        at = round(time * rate)
        X[:, :, at:] = 1
        (image,) = renderer.transform(X)
        # A step rises between two time points.
        middle = (at - 0.5) / rate * speed * renderer.pixels_per_mm_
        width = speed * renderer.pixels_per_mm_ / rate
        lead = STANDARD_LEADS[3 * int(time / 2.5)]
        for box, start in (
            (renderer.rhythm_box_, renderer._page.strip.x),
            (renderer.lead_boxes_[lead], renderer._page.strip.x),
        ):
            top, bottom, left, right = box
            covered = ink(image[top:bottom, left:right]).sum(axis=0)
            rises = np.flatnonzero(covered > 1.2 * renderer._page.line_width) + left
            assert rises[0] >= np.floor(start + middle - width / 2) - 1e-6
            assert rises[-1] <= np.ceil(start + middle + width / 2)
            assert np.floor(start + middle) in rises


@pytest.mark.parametrize("rate", [50, 100, 360, 500])
@pytest.mark.parametrize("size", [100, 224, (500, 1100)])
def test_columns_are_inked_from_the_lowest_to_the_highest_point(rate, size):
    """Compared with a line that is evaluated at many points of each column."""
    rng = np.random.RandomState(0)
    X = np.cumsum(rng.randn(3, 12, 10 * rate), axis=2) * 0.05
    X -= X.mean(axis=2, keepdims=True)
    X /= np.abs(X).max(axis=(1, 2), keepdims=True)
    renderer = ECGImageRenderer(rate, image_size=size, **PLAIN)
    images = renderer.fit_transform(X)
    panel, page = renderer._page.strip, renderer._page
    top, bottom, left, right = panel.box
    edges = np.linspace(left, right, (right - left) * 400 + 1)
    seconds = np.clip((edges - panel.x) / page.per_second, 0, 10 - 1 / rate)
    for image, signals in zip(images, X):
        line = np.interp(seconds, np.arange(10 * rate) / rate, signals[1]) * page.per_millivolt
        parts = np.lib.stride_tricks.sliding_window_view(line, 401)[::400]
        covered = ink(image[top:bottom, left:right])
        # The first and the last column also contain parts of the page.
        inner = slice(1, -1)
        expected = (np.ptp(parts, axis=1) + page.line_width)[inner]
        assert_allclose(covered.sum(axis=0)[inner], expected, atol=0.04)
        highest = panel.zero - parts.max(axis=1) - page.line_width / 2 - top
        whole = covered.max(axis=0) == 1  # columns with a black pixel
        first = (covered > 0).argmax(axis=0)
        part = covered[first, np.arange(right - left)]
        uppermost = first + 1 - part
        assert_allclose(uppermost[whole][inner], highest[whole][inner], atol=0.02)


def test_spike_of_one_time_point_is_drawn():
    """With 5,000 time points in 211 columns of pixels."""
    X = np.zeros((40, 12, 5000), dtype=np.float32)
    where = np.random.RandomState(0).randint(5000, size=40)
    X[np.arange(40), :, where] = 1.5
    renderer = ECGImageRenderer(500, **PLAIN).fit(X)
    top, bottom, left, right = renderer.rhythm_box_
    covered = ink(renderer.transform(X)[:, top:bottom, left:right]).sum(axis=1)
    columns = np.floor(renderer._page.strip.x - left + where * 0.05 * renderer.pixels_per_mm_)
    assert_array_equal(covered.argmax(axis=1), columns)
    high = 1.5 * renderer.gain_ * renderer.pixels_per_mm_ + 1
    assert_allclose(covered.max(axis=1), high, atol=0.02)


def test_calibration_pulse():
    for layout, n_rows in (("3x4", 4), ("12x1", 12)):
        params = dict(layout=layout, image_size=(850, 1100), grid=False, lead_labels=False)
        renderer = ECGImageRenderer(100, **params).fit(FLAT)
        (image,) = renderer.transform(FLAT)
        (plain,) = clone(renderer).set_params(calibration=False).fit_transform(FLAT)
        difference = plain.astype(int) - image
        rows, columns = np.nonzero(difference > 100)
        scale = renderer.pixels_per_mm_
        top, bottom, left, _ = renderer.lead_boxes_["I"]
        assert columns.max() < left
        first = difference[top:bottom, :left]
        upright = np.flatnonzero((first > 100).sum(axis=0) > 5 * scale)
        assert_allclose(np.ptp(upright), 0.2 * 25 * scale, atol=1)
        tall = (first[:, upright[0]] / 255).sum()
        assert_allclose(tall, 10 * scale + renderer._page.line_width, atol=0.05)
        assert len(np.unique(columns[np.isin(columns, upright)])) == len(upright)
        n_pulses = (np.diff(np.flatnonzero((difference[:, upright] > 100).all(axis=1))) > 1).sum()
        assert n_pulses + 1 == n_rows


@pytest.mark.parametrize("overflow, row", [("overlap", 2.5), ("clip", 5.0)])
@pytest.mark.parametrize("size", [64, 112, 160, 224, (128, 96)])
def test_small_images_are_filled(size, overflow, row):
    """The time fills the width, and the rows with 3 mV above and below them the height."""
    params = dict(image_size=size, overflow=overflow, label_position="above")
    renderer = ECGImageRenderer(100, **params).fit(FLAT)
    height, width = renderer.image_shape_
    page = renderer._page
    assert_allclose(page.per_second * 10.6, width)
    pixels = renderer.gain_ * renderer.pixels_per_mm_
    filled = (4 * row + 3) * pixels
    assert renderer.gain_ == int(renderer.gain_) and renderer.gain_ >= 10
    # A row has whole squares of 5 mm, and the gain is a whole number.
    missing = (4 * 5 + 4 * row + 3) * renderer.pixels_per_mm_
    assert filled <= height + 1e-6
    assert filled > height - missing or renderer.gain_ == 10
    assert renderer.max_amplitude_ > (2 if overflow == "overlap" else 2.3)


def test_gain_of_small_and_of_large_images(X):
    """A page with at least a pixel per mm has the standard gain."""
    for size, gain in ((112, "fill"), (224, "fill"), ((240, 264), "fill"), ((240, 266), 10)):
        renderer = ECGImageRenderer(100, image_size=size).fit(X)
        explicit = clone(renderer).set_params(gain=gain).fit(X)
        assert renderer.gain_ == explicit.gain_ and (explicit.gain_ == 10) == (gain == 10)
        assert_array_equal(renderer.transform(X), explicit.transform(X))
    standard, filled = (
        ECGImageRenderer(100, image_size=112, gain=gain).fit(X) for gain in (10, "fill")
    )
    assert standard.pixels_per_mm_ == filled.pixels_per_mm_
    assert filled.gain_ == 2 * standard.gain_ == 20
    # The height limits the scale of wide pages already.
    wide = ECGImageRenderer(100, image_size=(60, 200)).fit(X)
    assert wide.gain_ == 10


@pytest.mark.parametrize("size, millimeters", [((850, 1100), 1), ((850, 1100), 5), (224, 5)])
def test_pitch_of_the_grid(size, millimeters):
    params = dict(image_size=size, calibration=False, lead_labels=False, missing_leads="empty")
    renderer = ECGImageRenderer(100, lead_names=["I"], rhythm_lead=None, **params)
    (paper,) = ink(renderer.fit_transform(FLAT[:, :1]))
    top, bottom, left, _ = renderer.lead_boxes_["V6"]
    pitch = millimeters * renderer.pixels_per_mm_
    for profile in (paper[:, left:].mean(axis=1), paper[bottom - top // 2 :].mean(axis=0)):
        # The power at the frequency of the lines, compared with that of nearby frequencies.
        at = np.arange(len(profile))
        profile = (profile - profile.mean()) * np.hanning(len(profile))
        spread = 6 / len(profile)
        found = [
            np.abs(profile @ np.exp(-2j * np.pi * at * frequency))
            for frequency in (1 / pitch - spread, 1 / pitch, 1 / pitch + spread)
        ]
        assert found[1] > 4 * max(found[0], found[2])


def test_zero_lines_and_time_zero_are_on_bold_lines():
    for layout in ("3x4", "12x1"):
        renderer = ECGImageRenderer(100, layout=layout, image_size=(850, 1100)).fit(FLAT)
        square = 5 * renderer.pixels_per_mm_
        panels = renderer._page.all_panels
        apart = [(panel.zero - panels[0].zero) / square for panel in panels]
        assert_allclose(apart, np.round(apart), atol=1e-6)


def test_omissions_move_nothing(X):
    """Neither the grid nor the pulses nor the labels move panels and traces."""
    for layout, size in (("3x4", 224), ("12x1", (425, 550))):
        full = ECGImageRenderer(100, layout=layout, image_size=size, grid=False).fit(X)
        for name in ("grid", "calibration", "lead_labels"):
            other = clone(full).set_params(**{name: not getattr(full, name)}).fit(X)
            assert other.lead_boxes_ == full.lead_boxes_ and other.rhythm_box_ == full.rhythm_box_
            assert other.pixels_per_mm_ == full.pixels_per_mm_
        plain = clone(full).set_params(**PLAIN).fit_transform(X)
        # Only pixels that are darker: labels and pulses are added to the same traces.
        assert (full.transform(X) <= plain).all() and (full.transform(X) < plain).any()


def test_close_lines_of_the_grid_fade():
    def darkest(size):
        params = dict(image_size=size, calibration=False, lead_labels=False)
        (image,) = ECGImageRenderer(100, **params).fit_transform(FLAT)
        return ink(image)[-3:].max()

    assert darkest(112) == 0
    assert 0 < darkest(224) < darkest((850, 1100))


# --------------------------------------------------------------------------------------------------
# Panels
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["3x4", "6x2", "12x1"])
@pytest.mark.parametrize("size", [112, (224, 300)])
def test_each_lead_is_in_its_panel_and_nowhere_else(layout, size):
    renderer = ECGImageRenderer(100, layout=layout, image_size=size, rhythm_lead=None)
    X = np.repeat(FLAT, 13, axis=0)
    X[np.arange(12), np.arange(12)] = 0.4 * np.sin(np.arange(1000))
    images = renderer.fit(X).transform(X)
    for lead, (top, bottom, left, right) in renderer.lead_boxes_.items():
        changed = images[STANDARD_LEADS.index(lead)] != images[12]
        assert changed[top:bottom, left:right].any(axis=0).mean() > 0.8
        changed[top:bottom, left:right] = False
        assert not changed.any()


@pytest.mark.parametrize("layout", ["3x4", "12x1"])
def test_boxes_are_apart_and_in_standard_order(layout):
    renderer = ECGImageRenderer(100, layout=layout).fit(FLAT)
    taken = np.zeros(renderer.image_shape_, dtype=int)
    boxes = [*renderer.lead_boxes_.values(), renderer.rhythm_box_ or (0,) * 4]
    for top, bottom, left, right in boxes:
        assert 0 <= top <= bottom <= 224 and 0 <= left <= right <= 224
        taken[top:bottom, left:right] += 1
    assert taken.max() == 1
    assert tuple(renderer.lead_boxes_) == STANDARD_LEADS
    boxes = np.array(list(renderer.lead_boxes_.values()))
    if layout == "12x1":
        assert (np.diff(boxes[:, 0]) > 0).all()
        assert renderer.rhythm_box_ is None
    else:
        assert_array_equal(boxes[:, 2].reshape(4, 3), np.sort(boxes[:, 2]).reshape(4, 3))
        assert (np.diff(boxes[:, 0].reshape(4, 3), axis=1) > 0).all()


def test_columns_follow_each_other_in_time():
    """The third quarter of a record is drawn in the third column and in the strip."""
    X = FLAT.copy()
    X[:, :, 500:750] = 0.5 * np.sin(np.arange(250))
    images = ECGImageRenderer(100).fit(X).transform(np.concatenate([X, FLAT]))
    renderer = ECGImageRenderer(100).fit(X)
    changed = images[0] != images[1]
    for lead, (top, bottom, left, right) in renderer.lead_boxes_.items():
        assert changed[top:bottom, left + 1 : right - 1].any() == (lead in ("V1", "V2", "V3"))
    top, bottom, left, right = renderer.rhythm_box_
    columns = np.flatnonzero(changed[top:bottom].any(axis=0))
    assert_allclose((columns[[0, -1]] - left) / (right - left), [0.5, 0.75], atol=0.02)


@pytest.mark.parametrize("layout", ["3x4", "12x1"])
def test_leads_are_found_by_name(X, layout):
    order = np.random.RandomState(0).permutation(12)
    frame = to_lead_frame(X)
    shuffled = frame.iloc[:, order].rename(columns={"aVF": "AVF", "II": "Lead II"})
    renderer = ECGImageRenderer(100, layout=layout)
    expected = renderer.fit_transform(X)
    assert_array_equal(clone(renderer).fit_transform(shuffled), expected)
    names = [STANDARD_LEADS[i] for i in order]
    by_name = clone(renderer).set_params(lead_names=names).fit_transform(X[:, order])
    assert_array_equal(by_name, expected)


def test_missing_leads(X):
    eight = to_lead_frame(X)[["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"]]
    with pytest.raises(ValueError, match="III, aVR, aVL, aVF missing. Pass missing_leads='empty'"):
        ECGImageRenderer(100).fit(eight)
    renderer = ECGImageRenderer(100, missing_leads="empty")
    with_gaps, whole = renderer.fit_transform(eight), ECGImageRenderer(100).fit(X)
    assert renderer.lead_boxes_ == whole.lead_boxes_
    flat = X.copy()
    flat[:, [2, 3, 4, 5]] = 0
    differs = with_gaps != whole.transform(flat)
    for lead, (top, bottom, left, right) in renderer.lead_boxes_.items():
        assert differs[:, top:bottom, left:right].any() == (lead not in eight.columns)
    with pytest.raises(ValueError, match="rhythm_lead='V9' is not among the leads I, II"):
        ECGImageRenderer(100, rhythm_lead="V9").fit(X)
    assert ECGImageRenderer(100, rhythm_lead="v 1").fit(X).rhythm_box_ is not None
    rows = ECGImageRenderer(100, layout="12x1").fit(eight)
    assert list(rows.lead_boxes_) == list(eight.columns)


def test_further_and_unnamed_leads(X):
    more = np.concatenate([X, X[:, :1]], axis=1)
    names = ["V7", *STANDARD_LEADS]
    with pytest.raises(ValueError, match="no panel for the lead.s. V7. Pass layout='12x1'"):
        ECGImageRenderer(100, lead_names=names).fit(more)
    with pytest.raises(ValueError, match="layout='3x4' needs the names of the 13 leads"):
        ECGImageRenderer(100).fit(more)
    rows = ECGImageRenderer(100, layout="12x1", lead_names=names).fit(more)
    assert tuple(rows.lead_boxes_) == (*STANDARD_LEADS, "V7")
    numbered = ECGImageRenderer(100, layout="12x1").fit(X[:, :3])
    assert list(numbered.lead_boxes_) == ["lead0", "lead1", "lead2"]


def test_labels_do_not_touch_the_traces():
    """No trace within its row covers the pixels of the labels."""
    for layout in ("3x4", "12x1"):
        for size in (112, 224, (850, 1100)):
            # A page of 112 pixels that fills the image has no names.
            params = dict(layout=layout, image_size=size, gain="auto" if size == 224 else 10)
            renderer = ECGImageRenderer(100, grid=False, **params)
            renderer.set_params(overflow="clip", calibration=False).fit(FLAT)
            X = FLAT + 9 * np.sign(np.sin(np.arange(1000)))
            named = renderer.transform(FLAT)
            plain = clone(renderer).set_params(lead_labels=False).fit_transform(FLAT)
            ticks = 1 if layout == "3x4" else 0
            changed = (named != plain)[0]
            assert changed.sum() > 40 * ticks + 40
            noisy = clone(renderer).set_params(lead_labels=False).fit_transform(X)
            traced = (noisy != 255)[0]
            if size == (850, 1100):
                # The ticks between leads are on the zero lines.
                for box in renderer.lead_boxes_.values():
                    changed[:, box[2]] = False
            assert not (changed & traced).any()


# --------------------------------------------------------------------------------------------------
# Records that do not fit
# --------------------------------------------------------------------------------------------------


def test_shorter_records_keep_the_scale(X):
    """Panels end with empty paper."""
    whole = ECGImageRenderer(100, **PLAIN).fit(X)
    half = ECGImageRenderer(100, **PLAIN).fit(X[:, :, :500])
    assert half.lead_boxes_ == whole.lead_boxes_
    assert half.pixels_per_mm_ == whole.pixels_per_mm_
    images, expected = half.transform(X[:, :, :500]), whole.transform(X)
    top, bottom, left, right = half.rhythm_box_
    middle = (left + right) // 2
    assert_array_equal(
        images[:, top:bottom, left : middle - 1], expected[:, top:bottom, left : middle - 1]
    )
    assert (images[:, top:bottom, middle + 2 : right] == 255).all()
    for top, bottom, left, right in half.lead_boxes_.values():
        covered = (images[:, top:bottom, left:right] < 255).any(axis=(0, 1))
        assert 0.45 < covered.mean() < 0.55 and covered[0]


def test_longer_records_raise(X):
    with pytest.raises(ValueError, match="have 10 s, but the page has room for duration=8.0 s"):
        ECGImageRenderer(100, duration=8.0).fit(X)
    # The page for longer records has a smaller scale.
    wide = ECGImageRenderer(100, duration=20).fit(X)
    assert wide.pixels_per_mm_ < 0.6 * ECGImageRenderer(100).fit(X).pixels_per_mm_


@pytest.mark.parametrize("n_times", [1, 2, 3, 5, 17])
def test_few_time_points(n_times):
    X = np.full((2, 12, n_times), 0.3)
    for layout in ("3x4", "12x1"):
        renderer = ECGImageRenderer(100, layout=layout, n_leads=12, **PLAIN).fit(X)
        images = renderer.transform(X)
        for top, bottom, left, _ in renderer.lead_boxes_.values():
            assert (images[:, top:bottom, left] < 255).any()


def test_image_does_not_depend_on_the_sampling_rate():
    """A line through twice as many points on it is the same line."""
    slow = np.cumsum(np.random.RandomState(0).randn(2, 12, 500), axis=2) * 0.02
    fast = np.repeat(slow, 2, axis=2)
    fast[:, :, 1:-1:2] = (slow[:, :, :-1] + slow[:, :, 1:]) / 2
    first = ECGImageRenderer(50).fit_transform(slow)
    second = ECGImageRenderer(100).fit_transform(fast)
    assert np.abs(first.astype(int) - second).max() <= 1


def test_overflow():
    """Clipped traces stay in their row, others extend into the next one. Both are counted."""
    X = FLAT.copy()
    X[:, STANDARD_LEADS.index("V2"), 600] = 40.0
    X[:, STANDARD_LEADS.index("V2"), 610] = -9e14
    clipped = ECGImageRenderer(100, overflow="clip", gain=10, **PLAIN)
    over = ECGImageRenderer(100, gain=10, **PLAIN)
    for renderer in (clipped, over):
        images = renderer.fit(X).transform(np.concatenate([X, FLAT]))
        rows = np.flatnonzero((images[0] != images[1]).any(axis=1))
        top, bottom = renderer.lead_boxes_["V2"][:2]
        if renderer is clipped:
            assert rows[0] >= top and rows[-1] < bottom
        else:
            assert renderer.lead_boxes_["V1"][0] <= rows[0] < renderer.lead_boxes_["V1"][0] + 3
            assert bottom < rows[-1] < renderer.lead_boxes_["V3"][1]
        report = renderer.report(X)
        assert report.loc[0, "V2"] == 2 and report.drop(columns="V2").to_numpy().sum() == 0
    assert clipped.max_amplitude_ < over.max_amplitude_


def test_report_counts_visible_time_points(X):
    frame = to_lead_frame(X).set_axis(list("abcdef"))
    renderer = ECGImageRenderer(100, overflow="clip").fit(frame)
    assert renderer.report(frame).to_numpy().sum() == 0
    tall = X.copy()
    tall[2, 1, 20] = tall[2, 1, 990] = tall[4, 0, 999] = 9
    report = renderer.report(to_lead_frame(tall).set_axis(list("abcdef")))
    assert list(report.columns) == [*STANDARD_LEADS, "rhythm"]
    assert list(report.index) == list("abcdef")
    # Lead II is shown up to 2.5 s, and up to 10 s in the strip.
    assert report.loc["c", "II"] == 1 and report.loc["c", "rhythm"] == 2
    assert report.loc["e", "I"] == 0 and report.to_numpy().sum() == 3


def test_flat_and_constant_leads(X):
    X = X.copy()
    X[0], X[1, 3] = 0, 2.0
    renderer = ECGImageRenderer(100, **PLAIN)
    images = renderer.fit_transform(X)
    for image, lead, value in ((images[0], "V3", 0.0), (images[1], "aVR", 2.0)):
        top, bottom, left, right = renderer.lead_boxes_[lead]
        flat = height(image[top:bottom, left:right])
        assert_allclose(flat, flat[0])
        zero = renderer._page.all_panels[STANDARD_LEADS.index(lead)].zero - top
        assert_allclose(flat[0], zero - value * renderer.gain_ * renderer.pixels_per_mm_, atol=0.02)


# --------------------------------------------------------------------------------------------------
# Conventions of scikit-learn
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_image_depends_only_on_its_record(color, monkeypatch):
    X = make_ecg(30, class_sep=np.inf, random_state=0).data
    renderer = ECGImageRenderer(100, color=color).fit(X)
    images = renderer.transform(X)
    order = np.random.RandomState(0).permutation(30)
    assert_array_equal(renderer.transform(X[order]), images[order])
    assert_array_equal(np.concatenate([renderer.transform(x[None]) for x in X]), images)
    assert_array_equal(pickle.loads(pickle.dumps(renderer)).transform(X), images)
    assert_array_equal(clone(renderer).fit(X[:3]).transform(X.astype(np.float64)), images)
    monkeypatch.setattr("sklearn_ecg.paper._draw_pages.RENDER", ChunkBudget(1))
    assert_array_equal(renderer.transform(X), images)


def test_gray_and_rgb_agree(X):
    gray = ECGImageRenderer(100, grid=False).fit_transform(X)
    rgb = ECGImageRenderer(100, grid=False, color="rgb").fit_transform(X)
    assert rgb.shape == (6, 224, 224, 3)
    assert_array_equal(rgb, np.repeat(gray[..., None], 3, axis=3))
    pink = ECGImageRenderer(100, color="rgb").fit_transform(X)
    assert (pink[..., 0] >= pink[..., 1]).all() and (pink[..., 0] != pink[..., 1]).any()


def test_in_pipelines(X):
    y = np.arange(6) % 2
    flat = FunctionTransformer(lambda images: images.reshape(len(images), -1) / 255)
    renderer = ECGImageRenderer(100, image_size=32)
    pipeline = make_pipeline(LeadScaler("record"), renderer, flat, LogisticRegression())
    assert pipeline.fit(X, y).predict(X).shape == (6,)
    # Rows of pixels, for estimators that only accept tables.
    rows = X.reshape(6, -1)
    renderer = clone(renderer).set_params(n_leads=12)
    table = make_pipeline(renderer, LogisticRegression(max_iter=10**4))
    assert table.fit(rows, y).score(rows, y) == 1
    with config_context(transform_output="pandas"):
        assert isinstance(clone(renderer).fit_transform(X), np.ndarray)


def test_names_of_pixels(X):
    frame = pd.DataFrame(X.reshape(6, -1), index=range(5, 11)).add_prefix("t")
    renderer = ECGImageRenderer(100, image_size=(20, 64), color="rgb", n_leads=12)
    pixels = renderer.fit_transform(frame)
    assert pixels.columns[0] == "y0_x0_red" and pixels.columns[-1] == "y19_x63_blue"
    images = pixels.to_numpy().reshape(-1, *renderer.image_shape_)
    assert images.shape == (6, 20, 64, 3)
    assert list(pixels.index) == list(frame.index)
    assert renderer.get_feature_names_out(frame.columns).shape == (20 * 64 * 3,)


@pytest.mark.parametrize(
    "params, message",
    [
        ({"sampling_rate": None}, r"needs sampling_rate, .* as in ECGImageRenderer\(sampling_rate"),
        ({"sampling_rate": 0}, "'sampling_rate' parameter"),
        ({"image_size": (8, 224)}, r"image_size=\(8, 224\) .* too small for 4 row.s. and 4 column"),
        ({"image_size": (9, 9, 3)}, r"image_size must be \(height, width\).*got \(9, 9, 3\)"),
        ({"image_size": (0, 9)}, "image_size must be"),
        ({"image_size": (99.5, 9)}, "image_size must be"),
        ({"layout": "4x3"}, "'layout' parameter"),
        ({"speed": 30}, "'speed' parameter"),
        ({"gain": 7}, "'gain' parameter"),
        ({"gain": "full"}, "'gain' parameter"),
        ({"color": "RGB"}, "'color' parameter"),
    ],
)
def test_errors(X, params, message):
    with pytest.raises(ValueError, match=message):
        ECGImageRenderer(**{"sampling_rate": 100, **params}).fit(X)


def test_failed_fit_leaves_an_unfitted_renderer(X):
    renderer = ECGImageRenderer(100).fit(X)
    with pytest.raises(ValueError, match="duration=5"):
        renderer.set_params(duration=5).fit(X)
    with pytest.raises(ValueError, match="not fitted"):
        renderer.transform(X)


def test_sampling_rate_and_unit_of_a_lead_frame_are_checked(X):
    with pytest.raises(ValueError, match="X.attrs.* is 500"):
        ECGImageRenderer(100).fit(to_lead_frame(X, sampling_rate=500))
    with pytest.raises(ValueError, match="in X.attrs.*'uV', but ECGImageRenderer needs mV"):
        ECGImageRenderer(100).fit(to_lead_frame(X, units="uV"))


# --------------------------------------------------------------------------------------------------
# Real records
# --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ptbxl(data_folder):
    return load_ptbxl(data_folder / "ptbxl", folds=[9], missing="drop")


@pytest.mark.parametrize(
    "layout, gain, cut",
    [("3x4", 10, 0.005), ("6x2", 10, 0.04), ("12x1", 10, 0.12), ("3x4", "fill", 0.02)],
)
def test_pages_have_room_for_real_records(ptbxl, layout, gain, cut):
    renderer = ECGImageRenderer(ptbxl.sampling_rate, layout=layout, gain=gain).fit(ptbxl.data)
    images = renderer.transform(ptbxl.data)
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)
    assert (renderer.report(ptbxl.data).sum(axis=1) > 0).mean() < cut


def test_both_sampling_rates_of_a_real_record_agree(data_folder):
    """Up to R-peaks, which resampling to 100 Hz makes lower."""
    slow, fast = (
        load_ptbxl(data_folder / "ptbxl", folds=[9], sampling_rate=rate, missing="drop")
        for rate in (100, 500)
    )
    records = np.flatnonzero(np.isin(slow.ecg_id, fast.ecg_id))
    assert len(records) > 5
    first = ECGImageRenderer(100).fit_transform(slow.data[records])
    second = ECGImageRenderer(500).fit_transform(fast.data)
    assert_array_equal(slow.ecg_id[records], fast.ecg_id)
    differs = np.abs(first.astype(int) - second)
    assert np.median(differs.reshape(len(differs), -1).mean(axis=1)) < 4

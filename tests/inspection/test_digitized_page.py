"""Displays of the steps of the digitizer."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import DigitizedPageDisplay
from sklearn_ecg.preprocessing import ECGImageDigitizer, ECGImageRenderer

STEPS = ("image", "grid", "ink", "traces", "paths", "signals")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def make_page(**options):
    X = make_ecg(1, class_sep=np.inf, random_state=3).data
    options = {"image_size": (850, 1100), "color": "rgb", **options}
    return ECGImageRenderer(100, **options).fit_transform(X)[0]


@pytest.fixture(scope="module")
def steps():
    return ECGImageDigitizer(100).inspect(make_page())


@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_drawn(steps, step):
    display = DigitizedPageDisplay(steps).plot(step=step)
    assert display.ax_.get_title().startswith(step)
    assert display.figure_ is display.ax_.figure
    assert len(display.lines_) == {"grid": 2, "paths": 4, "signals": 12}.get(step, 0)
    display.figure_.canvas.draw()
    # In pixels, from the upper left corner.
    assert display.ax_.get_xlim()[1] == pytest.approx(1100, abs=1)
    assert display.ax_.get_ylim()[0] == pytest.approx(850, abs=1)


def test_paths_are_the_strokes(steps):
    display = DigitizedPageDisplay(steps).plot(step="paths")
    x, y = display.lines_[0].get_data()
    known = np.flatnonzero(~np.isnan(steps.paths[0, :, 0]))
    np.testing.assert_array_equal(x[::3][known], known)
    np.testing.assert_allclose(y.reshape(-1, 3)[known, :2], steps.paths[0, known] - 0.5)


def test_axes_and_estimator():
    figure, axes = plt.subplots(1, 2)
    digitizer = ECGImageDigitizer(100)
    display = DigitizedPageDisplay.from_estimator(digitizer, make_page(grid=False), ax=axes[1])
    assert display.ax_ is axes[1] and len(axes[0].images) == 0
    display.plot(axes[0], step="grid")
    assert axes[0].get_title().startswith("scale of pulses: 4.1")


def test_reason_of_a_refused_page():
    page = make_page()[::-1, ::-1]
    steps = ECGImageDigitizer(100).inspect(page)
    title = DigitizedPageDisplay(steps).plot(step="paths").ax_.get_title()
    assert "refused: " + steps.report["reason"][:20] in title.replace("\n", " ")


def test_errors(steps):
    display = DigitizedPageDisplay(steps)
    with pytest.raises(ValueError, match="step='lines' is unknown. Pass one of 'image', 'grid'"):
        display.plot(step="lines")
    with pytest.raises(TypeError, match="ax must be matplotlib Axes"):
        display.plot("axes")
    with pytest.raises(TypeError, match="must be an ECGImageDigitizer, got ECGImageRenderer"):
        DigitizedPageDisplay.from_estimator(ECGImageRenderer(100), make_page())
    digitizer = ECGImageDigitizer(100)
    blank = np.full((850, 1100), 255, np.uint8)
    with pytest.raises(ValueError, match=r"refused before step='paths': the page is blank.* \['im"):
        DigitizedPageDisplay.from_estimator(digitizer, blank, step="paths")
    with pytest.raises(ValueError, match="The image cannot be opened: "):
        DigitizedPageDisplay.from_estimator(digitizer, "missing.png", step="image")
    with pytest.raises(TypeError, match="what ECGImageDigitizer.inspect returns, got int"):
        DigitizedPageDisplay(3).plot()
    assert plt.get_fignums() == []

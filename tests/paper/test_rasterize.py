"""The traces of many records at once, compared with a loop over records, columns and pixels."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.paper._background import draw_background
from sklearn_ecg.paper._rasterize import Trace, TraceGroup
from sklearn_ecg.preprocessing import ECGImageRenderer

SCALE, WIDTH = 7.3, 1.6


def draw_slowly(image, signal, trace, ink):
    """Draw one trace pixel by pixel, from the description of `TraceGroup`."""
    f = np.float32
    for i, column in enumerate(range(trace.left, trace.left + len(trace.edges) - 1)):
        values = []
        for edge in trace.edges[i : i + 2]:
            before = int(np.floor(edge))
            after, part = min(before + 1, len(signal) - 1), f(edge - before)
            values.append(signal[before] * (f(1) - part) + signal[after] * part)
        inside = np.arange(np.ceil(trace.edges[i]), np.ceil(trace.edges[i + 1])).astype(int)
        values = np.array([*values, *signal[inside]], dtype=f)
        zero, (upper, lower) = f(trace.zero), map(f, trace.limits)
        half = WIDTH / 2
        limits = (zero - (lower - half)) / SCALE, (zero - (upper + half)) / SCALE
        top = zero - np.clip(values.max(), *limits) * SCALE - half
        bottom = zero - np.clip(values.min(), *limits) * SCALE + half
        for y in range(len(image)):
            cover = min(f(y + 1), bottom) - max(f(y), top)
            if cover > 0 and np.floor(upper) <= y < np.ceil(lower):
                paper = f(1) - min(cover, f(1))
                mixed = image[y, column].astype(f) * paper + np.array(ink, dtype=f) * (1 - paper)
                image[y, column] = (mixed + f(0.5)).astype(np.uint8)


@pytest.mark.parametrize("n_times", [9, 40, 400])
@pytest.mark.parametrize("ink", [(0,), (0, 0, 0), (30, 0, 200)], ids=str)
def test_equals_a_loop_over_pixels(ink, n_times):
    rng = np.random.RandomState(0)
    shape = (3, 60, 40) if len(ink) == 1 else (3, 60, 40, 3)
    images = rng.randint(0, 256, shape).astype(np.uint8)
    # Two traces side by side, the second one from a fraction of a time point on, and one below.
    last = n_times - 1
    traces = [
        Trace(np.linspace(0, last, 16), n_times, 2, 15.2, (1.0, 29.0)),
        Trace(np.linspace(0.4, last - 0.7, 20), n_times, 18, 14.8, (2.5, 27.5)),
        Trace(np.linspace(0, last, 31), n_times, 3, 46.0, (31.0, 59.0)),
    ]
    signals = rng.randn(3, 3, n_times).astype(np.float32)
    signals[1, 1] *= 20  # beyond the limits
    expected = images.copy()
    for image, record in zip(expected, signals):
        for trace, signal in zip(traces, record):
            draw_slowly(image if image.ndim == 3 else image[..., None], signal, trace, ink)
    group = TraceGroup(traces, per_millivolt=SCALE, line_width=WIDTH)
    group.draw(images, signals.reshape(3, -1), ink)
    assert_array_equal(images, expected)


def test_without_traces_at_full_height_nothing_else_changes():
    images = np.full((1, 20, 5), 200, dtype=np.uint8)
    group = TraceGroup(
        [Trace(np.arange(4.0), 4, 1, 10.0, (0.0, 20.0))], per_millivolt=1.0, line_width=1.0
    )
    group.draw(images, np.zeros((1, 4), dtype=np.float32))
    # A line of one pixel around 10 covers half of two pixels.
    assert_array_equal(images[0, 9:11, 1:4], 100)
    assert (np.delete(images[0], [9, 10], axis=0) == 200).all()
    assert (images[0, :, [0, 4]] == 200).all()


def test_the_page_is_drawn_once_and_never_changed():
    X = make_ecg(2, random_state=0).data
    renderer = ECGImageRenderer(100, color="rgb").fit(X)
    draw_background.cache_clear()
    first = renderer.transform(X)
    first_copy = first.copy()
    first[:] = 0
    assert_array_equal(renderer.transform(X), first_copy)
    assert draw_background.cache_info().misses == 1
    renderer.set_params(grid_color="blue")
    assert (renderer.transform(X) != first_copy).any()

"""Images of small figures, against the same figures by plain calls of matplotlib.

No image is kept: what is compared is drawn here twice, in one version of matplotlib.
"""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sklearn_ecg.inspection import (
    ECGDisplay,
    EmbeddingDisplay,
    GradCAMDisplay,
    LeadImportanceDisplay,
)
from sklearn_ecg.leads import REGIONS_12


def pixels(draw, size=(4, 3)):
    """What a function draws on empty axes without ticks, as an array of grey values."""
    figure = Figure(figsize=size, dpi=60)
    ax = figure.add_axes([0.05, 0.05, 0.9, 0.9])
    draw(ax)
    for text in figure.findobj(lambda artist: hasattr(artist, "get_text")):
        text.set_visible(False)
    ax.tick_params(length=0)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].mean(axis=2)


def assert_alike(found, expected, tolerance):
    """Root mean square of the difference, of 255."""
    difference = np.sqrt(np.mean((found - expected) ** 2))
    assert difference <= tolerance
    # A comparison that anything passes would be none.
    assert np.sqrt(np.mean((expected - 255) ** 2)) > 4 * tolerance


def test_image_of_a_record():
    """Against the same picture by plain calls of matplotlib."""
    seconds = np.arange(300) / 100
    wave = np.sin(2 * np.pi * seconds)[None] * [[1.0], [0.5]]

    def plain(ax):
        for x, y, color, width in ((0.04, 0.1, "#f8dcd8", 0.4), (0.2, 0.5, "#eba79f", 0.6)):
            for i in range(-100, 100):
                ax.axvline(i * x, color=color, linewidth=width, zorder=0.5)
                ax.axhline(i * y, color=color, linewidth=width, zorder=0.5)
        ax.set(xlim=(-0.52, 3.08), ylim=(-3.2, 1.6), aspect=0.4)
        for zero, signal in zip((0, -2.5), wave):
            ax.plot(seconds, signal + zero, color="black", linewidth=0.8)
            ax.plot(
                [-0.44, -0.36, -0.36, -0.16, -0.16, -0.08], np.array([0, 0, 1, 1, 0, 0]) + zero,
                color="black", linewidth=0.8,
            )
        for spine in ax.spines.values():
            spine.set_color("#eba79f")

    display = ECGDisplay(wave, sampling_rate=100)
    assert_alike(pixels(display.plot), pixels(plain), tolerance=1.5)


def test_image_of_a_heat_map():
    """Vermilion over grey, more of it where the map is larger."""
    image, heat = np.linspace(0, 1, 64).reshape(8, 8), np.array([[0.0, 0.5], [1.0, 0.0]])

    def plain(ax):
        ax.imshow(image, cmap="gray", extent=(0, 8, 8, 0))
        rgba = np.zeros((2, 2, 4)) + [0xD5 / 255, 0x5E / 255, 0, 0]
        rgba[:, :, 3] = [[0, 0.3], [0.65, 0]]
        ax.imshow(rgba, extent=(0, 8, 8, 0), interpolation="bilinear")
        bar = np.zeros((256, 1, 4)) + [0xD5 / 255, 0x5E / 255, 0, 0]
        bar[:, 0, 3] = np.interp(np.linspace(0, 1, 256), [0, 0.5, 1], [0, 0.3, 0.65])
        beside = ax.inset_axes([1.03, 0.0, 0.035, 1.0])
        beside.imshow(bar, aspect="auto", origin="lower")
        for axes in (ax, beside):
            axes.set(xticks=[], yticks=[])

    def draw(ax):
        display = GradCAMDisplay(image, heat, kind="image").plot(ax)
        display.colorbar_.ax.tick_params(length=0)

    assert_alike(pixels(draw), pixels(plain), tolerance=2)


def test_image_of_bars():
    """Colours, hatches and whiskers of the regions."""
    values = np.array([[3.0, 4.0], [1.0, 1.5], [2.0, 2.0], [-1.0, -0.5]])

    def plain(ax):
        options = {"edgecolor": "white", "linewidth": 0, "width": 0.75}
        for i, (row, color, hatch) in enumerate(
            zip(values, ("#0072B2", "#E69F00", "#009E73", "#D55E00"), ("//", "..", "\\\\", "xx"))
        ):
            ax.bar(i, row.mean(), color=color, hatch=hatch, **options)
        ax.errorbar(
            range(4), values.mean(axis=1), yerr=values.std(axis=1), linestyle="none",
            ecolor="black", elinewidth=1.2, capsize=3,
        )
        ax.axhline(0, color="black", linewidth=0.8)
        ax.margins(x=0.02)
        ax.spines[["top", "right"]].set_visible(False)

    draw = LeadImportanceDisplay(values, list(REGIONS_12)).plot
    assert_alike(pixels(draw), pixels(plain), tolerance=2)


def test_image_of_an_embedding():
    """Marks of two labels, one after the other."""
    points = np.random.RandomState(0).rand(40, 2)
    labels = np.repeat([0, 1], 20)

    def plain(ax):
        options = {"s": 32, "alpha": 0.75, "linewidth": 0.3, "edgecolor": "#333333"}
        ax.scatter(*points[:20].T, color="#0072B2", marker="o", **options)
        ax.scatter(*points[20:].T, color="#E69F00", marker="s", **options)
        ax.spines[["top", "right"]].set_visible(False)

    def draw(ax):
        EmbeddingDisplay(points, labels).plot(ax)
        ax.get_legend().set_visible(False)

    assert_alike(pixels(draw), pixels(plain), tolerance=2)


def test_two_pictures_of_one_record_are_equal():
    signals = np.random.RandomState(0).randn(12, 200)
    draw = ECGDisplay(signals, sampling_rate=100, r_peaks=[100]).plot
    np.testing.assert_array_equal(pixels(draw), pixels(draw))

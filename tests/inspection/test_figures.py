"""Small figures, compared with the same figures drawn by plain calls of matplotlib.

No reference images are stored: both figures are drawn here, by the same version of matplotlib.
"""

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, PathPatch
from matplotlib.path import Path

from sklearn_ecg.inspection import (
    ECGDisplay,
    EmbeddingDisplay,
    GradCAMDisplay,
    LeadImportanceDisplay,
    TrainingHistoryDisplay,
)
from sklearn_ecg.leads import REGIONS_12


def pixels(draw, size=(4, 3)):
    """Return what a function draws on axes without ticks, as an array of gray values."""
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
    """Compare the root mean square of the difference, on a scale of 255, with a tolerance."""
    difference = np.sqrt(np.mean((found - expected) ** 2))
    assert difference <= tolerance
    # An empty figure would not pass.
    assert np.sqrt(np.mean((expected - 255) ** 2)) > 4 * tolerance


def test_figure_of_a_record():
    """Traces, pulses and the grid."""
    seconds = np.arange(300) / 100
    wave = np.sin(2 * np.pi * seconds)[None] * [[1.0], [0.5]]

    def plain(ax):
        for x, y, color, width in ((0.04, 0.1, "#f8d6d0", 0.4), (0.2, 0.5, "#eba79f", 0.6)):
            for i in range(-100, 100):
                ax.axvline(i * x, color=color, linewidth=width, zorder=0.5)
                ax.axhline(i * y, color=color, linewidth=width, zorder=0.5)
        ax.set(xlim=(-0.52, 3.08), ylim=(-3.2, 1.6), aspect=0.4)
        for zero, signal in zip((0, -2.5), wave):
            ax.plot(seconds, signal + zero, color="black", linewidth=0.8)
            ax.plot(
                [-0.44, -0.36, -0.36, -0.16, -0.16, -0.08],
                np.array([0, 0, 1, 1, 0, 0]) + zero,
                color="black",
                linewidth=0.8,
            )
        for spine in ax.spines.values():
            spine.set_color("#eba79f")

    display = ECGDisplay(wave, sampling_rate=100)
    assert_alike(pixels(display.plot), pixels(plain), tolerance=1.5)


def test_figure_of_a_heat_map():
    """Vermilion over gray, less transparent for larger values."""
    image, heat = np.linspace(0, 1, 64).reshape(8, 8), np.array([[0.0, 0.5], [1.0, 0.0]])

    def plain(ax):
        ax.imshow(image, cmap="gray", extent=(0, 8, 8, 0))
        rgba = np.zeros((2, 2, 4)) + [0xD5 / 255, 0x5E / 255, 0, 0]
        rgba[:, :, 3] = [[0, 0.3], [0.65, 0]]
        ax.imshow(rgba, extent=(0, 8, 8, 0), interpolation="bilinear")
        bar = np.zeros((256, 1, 4)) + [0xD5 / 255, 0x5E / 255, 0, 0]
        bar[:, 0, 3] = np.interp(np.linspace(0, 1, 256), [0, 0.5, 1], [0, 0.3, 0.65])
        bar_axes = ax.inset_axes([1.03, 0.0, 0.035, 1.0])
        bar_axes.imshow(bar, aspect="auto", origin="lower")
        for axes in (ax, bar_axes):
            axes.set(xticks=[], yticks=[])

    def draw(ax):
        display = GradCAMDisplay(image, heat, kind="image").plot(ax)
        ax.set_axes_locator(None)  # use the full width
        display.colorbar_.ax.tick_params(length=0)

    assert_alike(pixels(draw), pixels(plain), tolerance=2)


def test_figure_of_bars():
    """Colors, hatches and error bars of the regions."""
    values = np.array([[3.0, 4.0], [1.0, 1.5], [2.0, 2.0], [-1.0, -0.5]])

    def plain(ax):
        options = {"edgecolor": "white", "linewidth": 0, "width": 0.75}
        for i, (row, color, hatch) in enumerate(
            zip(values, ("#0072B2", "#E69F00", "#009E73", "#D55E00"), ("//", "..", "\\\\", "xx"))
        ):
            ax.bar(i, row.mean(), color=color, hatch=hatch, **options)
        ax.errorbar(
            range(4),
            values.mean(axis=1),
            yerr=values.std(axis=1),
            linestyle="none",
            ecolor="black",
            elinewidth=1.2,
            capsize=3,
        )
        ax.axhline(0, color="black", linewidth=0.8)
        ax.margins(x=0.02)
        ax.spines[["top", "right"]].set_visible(False)

    draw = LeadImportanceDisplay(values, list(REGIONS_12)).plot
    assert_alike(pixels(draw), pixels(plain), tolerance=2)


def test_figure_of_an_embedding():
    """Markers of two labels, and of a missing label."""
    points = np.random.RandomState(0).rand(41, 2)
    labels = np.repeat([0, 1], 20)

    def plain(ax):
        options = {"s": 32, "alpha": 0.75, "linewidth": 0.3, "edgecolor": "#333333"}
        ax.scatter(*points[:20].T, color="#0072B2", marker="o", **options)
        ax.scatter(*points[20:40].T, color="#E69F00", marker="s", **options)
        ax.scatter(*points[40:].T, color="#999999", marker="x", s=32, linewidth=1, zorder=0.9)
        ax.spines[["top", "right"]].set_visible(False)

    def draw(ax):
        EmbeddingDisplay(points, [*labels, None]).plot(ax)
        ax.get_legend().set_visible(False)

    assert_alike(pixels(draw), pixels(plain), tolerance=2)


def test_figure_of_a_lead_map():
    """Colored disks at the angles of the limb leads and at the electrodes, and the torso."""
    values = np.arange(12.0)
    names = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
    angles = dict(I=0, II=60, III=120, aVR=210, aVL=330, aVF=90)
    places = {
        lead: (-2.85 + np.cos(np.deg2rad(angle)), 0.15 - np.sin(np.deg2rad(angle)))
        for lead, angle in angles.items()
    }
    places.update(
        V1=(-0.19, 0.42),
        V2=(0.19, 0.42),
        V3=(0.42, 0.19),
        V4=(0.66, -0.03),
        V5=(0.96, -0.07),
        V6=(1.26, -0.03),
    )

    def plain(ax):
        for x, y in list(places.values())[:6]:
            ax.plot([-2.85, x], [0.15, y], color="#777777", linewidth=1)
            ax.plot([-2.85, -5.7 - x], [0.15, 0.3 - y], ":", color="#777777", linewidth=1)
        ax.vlines(0, -0.35, 0.95, color="#cccccc", linewidth=1)
        torso = Path(
            [
                (0.26, 1.3),
                (0.27, 1.05),
                (0.34, 1.02),
                (0.75, 0.96),
                (1.2, 0.9),
                (1.42, 0.72),
                (1.45, 0.35),
                (1.3, 0.1),
                (1.2, -0.3),
                (1.14, -0.7),
                (1.12, -0.95),
                (1.16, -1.25),
            ],
            [Path.MOVETO] + 10 * [Path.CURVE3] + [Path.LINETO],
        )
        for side in (-1, 1):
            ax.plot([side * 0.08, side * 0.95], [0.9, 0.84], color="#cccccc", linewidth=1)
            ax.plot([0, side * 0.6], [-0.35, -0.85], color="#cccccc", linewidth=1)
            half = Path(torso.vertices * [side, 1], torso.codes)
            ax.add_patch(PathPatch(half, facecolor="none", edgecolor="#777777", linewidth=1.2))
        for name, value in zip(names, values):
            color = matplotlib.colormaps["cividis"](value / 11)
            ax.add_patch(
                Circle(places[name], 0.13, facecolor=color, edgecolor="k", linewidth=0.8, zorder=3)
            )
        ax.set(xlim=(-4.1, 1.6), ylim=(-1.3, 1.65), aspect="equal")
        ax.axis("off")

    def draw(ax):
        display = LeadImportanceDisplay(values, names).plot(ax, kind="map")
        display.colorbar_.ax.set_visible(False)

    assert_alike(pixels(draw, (6, 3.3)), pixels(plain, (6, 3.3)), tolerance=2)


def test_figure_of_a_history():
    """Solid and dashed lines, the lowest loss, and a part of the loss with its markers."""
    epochs = np.arange(1, 21)
    train, part = 1 / epochs, 0.5 / epochs
    valid = 0.2 + 1 / epochs + 0.01 * epochs

    def plain(ax):
        ax.plot(epochs, train, color="#0072B2", linewidth=1.6)
        ax.plot(epochs, valid, "--", color="#0072B2", linewidth=1.6)
        ax.plot(10, valid[9], "o", color="#0072B2", markerfacecolor="white", markersize=7)
        ax.plot(epochs, part, color="#E69F00", linewidth=1.6, marker="s", markersize=5, markevery=2)
        ax.spines[["top", "right"]].set_visible(False)

    def draw(ax):
        history = {
            "epoch": epochs,
            "train_loss": train,
            "valid_loss": valid,
            "train_focal_loss": part,
        }
        TrainingHistoryDisplay(history).plot(ax)
        ax.get_legend().set_visible(False)

    assert_alike(pixels(draw), pixels(plain), tolerance=1.5)


def test_figure_of_a_page():
    """Three rows of four leads, each for a quarter of the time, and a rhythm strip."""
    seconds = np.arange(1000) / 100
    heights = np.linspace(0.2, 0.9, 12)
    waves = heights[:, None] * np.sin(2 * np.pi * seconds)
    order = [["I", "aVR", "V1", "V4"], ["II", "aVL", "V2", "V5"], ["III", "aVF", "V3", "V6"]]
    standard = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]

    def plain(ax):
        for i in range(-1, 60):
            ax.axvline(i * 0.2, color="#eba79f", linewidth=0.6 * shrink, zorder=0.5)
        for i in range(-40, 10):
            ax.axhline(i * 0.5, color="#eba79f", linewidth=0.6 * shrink, zorder=0.5)
        black = {"color": "black", "linewidth": 0.8 * shrink}
        for zero, row in zip((0, -2.5, -5), order):
            for column, lead in enumerate(row):
                part = slice(250 * column, 250 * (column + 1))
                ax.plot(seconds[part], waves[standard.index(lead)][part] + zero, **black)
                if column:
                    ax.plot([2.5 * column] * 2, [zero - 0.25, zero + 0.25], **black)
        ax.plot(seconds, waves[1] - 7.5, **black)
        for zero in (0, -2.5, -5, -7.5):
            ax.plot(
                [-0.44, -0.36, -0.36, -0.16, -0.16, -0.08],
                np.array([0, 0, 1, 1, 0, 0]) + zero,
                **black,
            )
        low = -7.5 - waves[1].max() - 0.2
        high = waves[9].max() + 0.6
        ax.set(xlim=(-0.52, 10.08), ylim=(low, high), aspect=0.4)
        for spine in ax.spines.values():
            spine.set_color("#eba79f")

    display = ECGDisplay(waves, sampling_rate=100)
    # Lines are thinner on smaller axes.
    shrink = 1.5 * 0.9 * 5 * 25.4 / (10.6 * 25)
    assert_alike(pixels(display.plot, (5, 4)), pixels(plain, (5, 4)), tolerance=2)


def test_two_figures_of_one_record_are_equal():
    signals = np.random.RandomState(0).randn(12, 200)
    draw = ECGDisplay(signals, sampling_rate=100, r_peaks=[100]).plot
    np.testing.assert_array_equal(pixels(draw), pixels(draw))

"""Tests of what all displays share, and of losses, embeddings and importances."""

import subprocess
import sys
from io import BytesIO

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import (
    DecisionCurveDisplay,
    ECGDisplay,
    EmbeddingDisplay,
    GradCAMDisplay,
    LeadImportanceDisplay,
    TrainingHistoryDisplay,
    lead_importance,
)
from sklearn_ecg.inspection._plot import _plot_style
from sklearn_ecg.leads import REGIONS_12, STANDARD_LEADS, to_lead_frame


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def make_net(**params):
    params = {"max_epochs": 2, **params}
    return MSAICNetClassifier(
        dilations=(1,), filters=(8,), embedding_dim=8, projection_dim=4, random_state=0, **params
    )


def features(X):
    return np.concatenate([X.mean(axis=2), X.std(axis=2)], axis=1)


@pytest.fixture(scope="module")
def data():
    return make_ecg(
        60, duration=2, prevalence=0.4, return_X_y=True, class_sep=np.inf, random_state=0
    )


ESTIMATORS = {
    "network": make_net(),
    "pipeline to a network": make_pipeline(FunctionTransformer(), make_net()),
    "pipeline from a network": make_pipeline(make_net(), StandardScaler(), LogisticRegression()),
    "search": GridSearchCV(make_net(), {"max_epochs": [1, 2]}, cv=2),
    "search over a pipeline": GridSearchCV(
        make_pipeline(make_net(), LogisticRegression()), {"logisticregression__C": [1, 2]}, cv=2
    ),
    "calibrated": CalibratedClassifierCV(make_net(), cv=2),
    "forest": make_pipeline(
        FunctionTransformer(features), RandomForestClassifier(5, random_state=0)
    ),
}


@pytest.fixture(scope="module", params=ESTIMATORS)
def fitted(request, data):
    return request.param, ESTIMATORS[request.param].fit(*data)


def test_importance_of_every_estimator(fitted, data):
    _, estimator = fitted
    X, y = data
    options = {"scoring": "neg_log_loss", "n_repeats": 2, "random_state": 0}
    for lead_groups, kind in ((None, "bars"), ("regions", "map")):
        result = lead_importance(estimator, X, y, lead_groups=lead_groups, **options)
        display = LeadImportanceDisplay.from_estimator(
            estimator, X, y, lead_groups=lead_groups, kind=kind, **options
        )
        np.testing.assert_array_equal(display.importances, result.importances)
        assert list(display.names) == list(result.names)


def test_history_of_every_estimator(fitted):
    name, estimator = fitted
    if name == "forest":
        with pytest.raises(TypeError, match="Pipeline contains no network with a history_"):
            TrainingHistoryDisplay.from_estimator(estimator)
        return
    display = TrainingHistoryDisplay.from_estimator(estimator)
    assert len(display.lines_["train_loss"].get_ydata()) in (1, 2)


def test_embedding_of_every_estimator(fitted, data):
    name, estimator = fitted
    if name == "calibrated":
        with pytest.raises(TypeError, match="CalibratedClassifierCV has no transform"):
            EmbeddingDisplay.from_estimator(estimator, data[0])
        return
    display = EmbeddingDisplay.from_estimator(estimator, *data)
    assert np.shape(display.points) == (60, 2)


def all_displays(data):
    """Return, for each display, a function that draws it on given axes."""
    X, y = data
    net = make_net().fit(X, y)
    importances = np.random.RandomState(0).rand(12, 3)
    return {
        "bars": lambda ax: LeadImportanceDisplay(importances, STANDARD_LEADS).plot(ax),
        "map": lambda ax: LeadImportanceDisplay(importances, STANDARD_LEADS).plot(ax, kind="map"),
        "importance": lambda ax: LeadImportanceDisplay.from_estimator(
            net, X, y, n_repeats=1, random_state=0, ax=ax
        ),
        "record": lambda ax: ECGDisplay.from_record(
            X, 100, r_peaks="detect", intervals=[(0.5, 1)], heat_map=np.arange(9), title="A", ax=ax
        ),
        "Grad-CAM": lambda ax: GradCAMDisplay.from_estimator(net, X, sampling_rate=100, ax=ax),
        "Grad-CAM of an image": lambda ax: GradCAMDisplay(np.eye(16), np.eye(4), kind="image").plot(
            ax
        ),
        "history": lambda ax: TrainingHistoryDisplay.from_estimator(net, ax=ax),
        "decision curve": lambda ax: DecisionCurveDisplay.from_estimator(net, X, y, ax=ax),
        "embedding": lambda ax: EmbeddingDisplay.from_estimator(net, X, y, ax=ax),
        "embedding, numbers": lambda ax: EmbeddingDisplay.from_estimator(
            net, X, np.linspace(0, 1, 60), ax=ax
        ),
    }


def test_axes_and_global_state(data):
    """No pyplot figure is made for given axes, and matplotlib's settings are not changed."""
    before = dict(matplotlib.rcParams)
    for name, draw in all_displays(data).items():
        ax = Figure().subplots()
        display = draw(ax)
        assert display.ax_ is ax and display.figure_ is ax.figure, name
        assert not plt.get_fignums(), name
        ax.figure.canvas.draw()
        display = draw(None)
        assert plt.get_fignums() == [display.figure_.number], name
        plt.close("all")
        assert dict(matplotlib.rcParams) == before, name


def test_texts_do_not_overlap_and_are_inside(data, monkeypatch):
    """All texts are inside the figure and do not overlap."""
    drawn = []
    draw_text = matplotlib.text.Text.draw

    def record(text, renderer, *args, **kwargs):
        if text.get_text() and text.get_visible():
            drawn.append((text.get_text(), text.get_window_extent(renderer)))
        return draw_text(text, renderer, *args, **kwargs)

    for name, draw in all_displays(data).items():
        figure = draw(None).figure_
        figure.canvas.draw()  # settle the layout
        drawn.clear()
        with monkeypatch.context() as patch:
            patch.setattr(matplotlib.text.Text, "draw", record)
            figure.canvas.draw()
        assert drawn, name
        for i, (text, box) in enumerate(drawn):
            assert box.x0 >= -1 and box.x1 <= figure.bbox.x1 + 1, (name, text)
            assert box.y0 >= -1 and box.y1 <= figure.bbox.y1 + 1, (name, text)
            for other, other_box in drawn[i + 1 :]:
                assert not box.shrunk(0.9, 0.9).overlaps(other_box), (name, text, other)


@pytest.mark.parametrize("layout", [None, "constrained", "tight"])
def test_artists_stay_in_given_axes(data, layout):
    """Legends and color bars stay in the area of the axes and do not cover other axes."""
    for name, draw in all_displays(data).items():
        for position in (0, 1):
            figure = plt.figure(figsize=(10, 4), layout=layout)
            axes = figure.subplots(1, 2)
            area = axes[position].get_position(original=True)
            display = draw(axes[position])
            plt.gcf().canvas.draw()
            # Drawing again does not change the layout.
            before = display.ax_.get_position().extents
            figure.canvas.draw()
            if layout != "tight":
                np.testing.assert_allclose(display.ax_.get_position().extents, before, atol=0.01)
            if layout is not None:
                area = display.ax_.get_position(original=True)
            artists = [ax for ax in display.ax_.child_axes] + [display.ax_.get_legend()]
            for artist in filter(None, artists):
                box = artist.get_tightbbox().transformed(figure.transFigure.inverted())
                assert box.x0 >= area.x0 and box.x1 <= area.x1 + 1e-6, (name, layout)
                assert box.x1 <= 1 and not box.overlaps(axes[1 - position].get_position()), name
                # They do not cover the data, either.
                is_legend = artist is display.ax_.get_legend()
                if not is_legend or name not in ("history", "decision curve"):
                    assert box.x0 >= display.ax_.get_position().x1, name
            plt.close(figure)


def test_axes_do_not_change_when_drawn_again(data):
    """A figure is the same when it is saved twice, with and without a tight bounding box."""
    figure, axes = plt.subplots(1, 2)
    EmbeddingDisplay(np.eye(2), [0, 1]).plot(axes[0])
    for bbox_inches in (None, "tight"):
        images = []
        for _ in range(2):
            file = BytesIO()
            figure.savefig(file, bbox_inches=bbox_inches)
            images.append(file.getvalue())
        assert images[0] == images[1]
    hidden = axes[0].get_legend()
    hidden.set_visible(False)
    figure.canvas.draw()
    np.testing.assert_allclose(
        axes[0].get_position().extents, axes[0].get_position(original=True).extents
    )
    # Part of the axes remains even if they are as narrow as the legend.
    figure = plt.figure()
    ax = figure.add_axes([0.4, 0.1, 0.05, 0.8])
    EmbeddingDisplay(np.eye(2), ["a long label", "another one"]).plot(ax)
    figure.canvas.draw()
    assert ax.get_position().width == pytest.approx(0.01)


@pytest.mark.parametrize(
    "name, artist",
    [
        ("bars", "set_ylabel"),
        ("map", "axis"),
        ("record", "annotate"),
        ("Grad-CAM", "annotate"),
        ("Grad-CAM of an image", "imshow"),
        ("history", "set_ylabel"),
        ("embedding", "legend"),
    ],
)
def test_no_figure_stays_open_after_an_error(data, name, artist, monkeypatch):
    draw = all_displays(data)[name]
    others = plt.figure()
    given = plt.figure().subplots()

    def fail(*args, **kwargs):
        raise RuntimeError("no ink")

    monkeypatch.setattr(matplotlib.axes.Axes, artist, fail)
    for ax in (None, given):
        with pytest.raises(RuntimeError, match="no ink"):
            draw(ax)
        assert plt.get_fignums() == [others.number, given.figure.number]


def test_zero_of_a_heat_map_is_transparent():
    """For all signs of the values."""
    signals, image = np.zeros((1, 300)), np.zeros((4, 4))
    for values, limits in (
        ([-1, 0, 4], (-4, 4)),
        ([0, 2], (0, 2)),
        ([-3, 0], (-3, 3)),
        ([0, 0], (0, 1)),
    ):
        display = ECGDisplay(signals, sampling_rate=100, heat_map=values).plot()
        (heat,) = display.heat_
        assert heat.get_clim() == limits
        zero, low, high = heat.cmap(heat.norm([0.0, *limits]))
        assert zero[3] == 0 and high[3] == pytest.approx(0.65)
        assert matplotlib.colors.to_hex(high) == _plot_style.VERMILION.lower()
        if limits[0] < 0:
            assert matplotlib.colors.to_hex(low) == _plot_style.BLUE.lower() and low[3] == high[3]
        display = GradCAMDisplay(image, [values], kind="image").plot()
        heat = display.heat_[0]
        assert heat.cmap(heat.norm(0.0))[3] == 0
        assert heat.get_clim() == ((-1, 1) if limits[0] < 0 else (0, 1))
        plt.close("all")


def test_colors_are_distinguishable():
    """For color-blind readers (Okabe and Ito) and, by hatches or lightness, in print."""
    assert len(set(_plot_style.CATEGORIES)) == 8
    assert (
        len(
            {
                hatch
                for _, hatch in [*_plot_style.REGION_STYLE.values(), _plot_style.NO_REGION_STYLE]
            }
        )
        == 5
    )
    for colormap in (
        matplotlib.colormaps[_plot_style.SEQUENTIAL],
        _plot_style.heat_colors([0, 1])[0],
    ):
        rgba = colormap(np.linspace(0, 1, 50))
        on_white = rgba[:, :3] * rgba[:, 3:] + 1 - rgba[:, 3:]
        steps = np.diff(on_white @ [0.299, 0.587, 0.114])
        assert (steps > 0).all() or (steps < 0).all()


def test_unfitted(data):
    X, y = data
    with pytest.raises(NotFittedError):
        LeadImportanceDisplay.from_estimator(make_net(), X, y)
    with pytest.raises(NotFittedError):
        TrainingHistoryDisplay.from_estimator(make_net())
    with pytest.raises(NotFittedError):
        EmbeddingDisplay.from_estimator(make_net(), X)
    with pytest.raises(NotFittedError):
        GradCAMDisplay.from_estimator(make_net(), X, sampling_rate=100)


def test_importing_is_cheap():
    code = (
        "import sys, sklearn_ecg.inspection; assert not {'torch', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# Training


def test_history():
    history = {
        "epoch": np.arange(1, 4),
        "learning_rate": np.ones(3),
        "train_loss": [3.0, 2.0, 1.0],
        "valid_loss": [3.0, 1.5, 2.0],
        "train_focal_loss": [1.0, 0.5, 0.2],
        "valid_loss_best": [True, True, False],
    }
    display = TrainingHistoryDisplay(history).plot()
    assert list(display.lines_) == ["train_loss", "valid_loss", "train_focal_loss"]
    for name, line in display.lines_.items():
        np.testing.assert_array_equal(line.get_data(), (history["epoch"], history[name]))
    assert display.best_.get_data() == ([2], [1.5])
    train, valid, focal = display.lines_.values()
    assert train.get_color() == valid.get_color() != focal.get_color()
    assert (train.get_linestyle(), valid.get_linestyle()) == ("-", "--")
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["training", "validation", "lowest, epoch 2", "training, focal"]
    one = TrainingHistoryDisplay(history).plot(parts=["train_loss"], log_scale=True)
    assert list(one.lines_) == ["train_loss"] and one.ax_.get_yscale() == "log"
    assert one.ax_.get_ylabel() == "Training loss"


def test_history_without_losses():
    with pytest.raises(ValueError, match="history has no loss, .* Its names are epoch"):
        TrainingHistoryDisplay({"epoch": [1]}).plot()
    with pytest.raises(ValueError, match="parts: 'valid_loss' is not in the history, which has ep"):
        TrainingHistoryDisplay({"epoch": [1], "train_loss": [1]}).plot(parts=["valid_loss"])


@pytest.mark.parametrize(
    "history, parts, message",
    [
        (None, None, "history must be a mapping from names to losses, got None. .*from_estimator"),
        ([{"epoch": 1}], None, "history must be a mapping"),
        ({"train_loss": [1, 2]}, "train_loss", r"parts must be a list of names, .*'train_loss'\]"),
        ({"train_loss": ["a"]}, None, r"history\['train_loss'\] must be an array of real numbers"),
        ({"train_loss": [1, 2], "epoch": [1]}, None, r"each epoch, got shape \(2,\) with 1"),
        ({1: [1]}, None, "history has no loss, .* Its names are 1"),
    ],
    ids=str,
)
def test_invalid_histories(history, parts, message):
    with pytest.raises((TypeError, ValueError), match=message):
        TrainingHistoryDisplay(history).plot(parts=parts)
    assert not plt.get_fignums()


def test_early_stopping_marks_the_best_epoch(data):
    X, y = data
    net = make_net(early_stopping=True, max_epochs=5).fit(X, y)
    display = TrainingHistoryDisplay.from_estimator(net)
    best = int(np.argmin(net.history_["valid_loss"]))
    assert display.best_.get_data()[0] == [net.history_["epoch"][best]]


# Embeddings


def test_embedding_is_projected():
    rng = np.random.RandomState(0)
    embedding = rng.randn(50, 6) * [5, 3, 1, 1, 1, 1]
    labels = np.array(["a", "b"])[np.arange(50) % 2]
    display = EmbeddingDisplay.from_embedding(embedding, labels, title="T")
    centered = embedding - embedding.mean(axis=0)
    _, _, axes = np.linalg.svd(centered, full_matrices=False)
    np.testing.assert_allclose(np.abs(display.points), np.abs(centered @ axes[:2].T), atol=1e-9)
    assert display.ax_.get_xlabel().startswith("PC 1 (") and display.ax_.get_title() == "T"
    for label, scatter in display.scatters_.items():
        np.testing.assert_array_equal(scatter.get_offsets(), display.points[labels == label])
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["a", "b"]


def test_embedding_with_another_projection():
    embedding = np.random.RandomState(0).randn(30, 5)
    tsne = TSNE(n_components=2, perplexity=5, max_iter=250, random_state=0)
    display = EmbeddingDisplay.from_embedding(embedding, projection=tsne)
    assert display.ax_.get_xlabel() == "TSNE 1" and not hasattr(tsne, "embedding_")
    assert list(display.scatters_) == [None] and display.ax_.get_legend() is None
    unprojected = EmbeddingDisplay.from_embedding(embedding[:, :2])
    np.testing.assert_array_equal(unprojected.points, embedding[:, :2])


def test_embedding_with_numbers():
    points = np.random.RandomState(0).randn(40, 2)
    display = EmbeddingDisplay(points, np.arange(40) / 2).plot()
    np.testing.assert_array_equal(display.scatters_[None].get_array(), np.arange(40) / 2)
    assert display.colorbar_ is not None


@pytest.mark.parametrize(
    "labels, known",
    [
        ([0.0, 1.0, np.nan, 0.0, np.nan, 1.0], [0, 1]),
        ([0, 1, None, 0, None, 1], [0, 1]),
        (pd.array([0, 1, pd.NA, 0, pd.NA, 1], dtype="Int64"), [0, 1]),
        (pd.Series(["a", "b", None, "a", pd.NA, "b"]), ["a", "b"]),
        (pd.Categorical(["a", "b", None, "a", None, "b"]), ["a", "b"]),
        ([np.nan] * 6, []),
    ],
    ids=str,
)
def test_missing_labels(labels, known):
    """Records with a missing label are drawn in gray, with an entry in the legend."""
    points = np.random.RandomState(0).randn(6, 2)
    display = EmbeddingDisplay(points, labels).plot()
    assert list(display.scatters_) == known
    unknown = np.asarray(pd.isna(labels))
    np.testing.assert_array_equal(display.unknown_.get_offsets(), points[unknown])
    assert matplotlib.colors.to_hex(display.unknown_.get_facecolor()[0]) == _plot_style.GRAY
    for label, scatter in display.scatters_.items():
        of_label = [value is not pd.NA and value == label for value in labels]
        np.testing.assert_array_equal(scatter.get_offsets(), points[of_label])
    shown = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert shown == [*map(str, display.scatters_), "unknown"]
    assert EmbeddingDisplay(points, np.arange(6)).plot().unknown_ is None


@pytest.mark.parametrize("missing", [np.nan, None, pd.NA], ids=str)
def test_missing_numbers(missing):
    points = np.random.RandomState(0).randn(12, 2)
    labels = np.array([missing, *np.arange(10) / 2, missing], dtype=object)
    display = EmbeddingDisplay(points, labels).plot()
    np.testing.assert_array_equal(display.scatters_[None].get_array(), np.arange(10) / 2)
    np.testing.assert_array_equal(display.scatters_[None].get_offsets(), points[1:-1])
    np.testing.assert_array_equal(display.unknown_.get_offsets(), points[[0, -1]])
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["unknown"]
    assert display.colorbar_ is not None


@pytest.mark.parametrize(
    "points, labels, message",
    [
        (np.ones((5, 3)), None, r"points must have the shape \(n_records, 2\), got \(5, 3\)"),
        (np.ones((5, 2)), np.ones((5, 2)), "For a multilabel target, pass one column"),
        (np.ones((5, 2)), [1, 2], "inconsistent numbers of samples"),
        ([[0, 1], [np.nan, 1]], None, "points: 1 of 2 contain NaN or infinity .* Leave these rec"),
        (np.ones((9, 2)), list("abcdefghi"), "labels has 9 different labels, .* at most 8"),
    ],
    ids=str,
)
def test_invalid_points(points, labels, message):
    with pytest.raises(ValueError, match=message):
        EmbeddingDisplay(points, labels).plot()


def test_invalid_embeddings(data):
    with pytest.raises(ValueError, match=r"embedding must have the shape .*, got \(5, 1\)"):
        EmbeddingDisplay.from_embedding(np.ones((5, 1)))
    with pytest.raises(
        ValueError, match="StandardScaler returned an array of shape .*n_components=2"
    ):
        EmbeddingDisplay.from_embedding(np.eye(5), projection=StandardScaler())


# Importance


def test_bars_are_the_importances():
    importances = np.random.RandomState(0).randn(12, 4) + 2
    display = LeadImportanceDisplay(importances, STANDARD_LEADS, score_name="roc_auc").plot()
    shown = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert shown == "aVL I aVR II aVF III V1 V2 V3 V4 V5 V6".split()
    by_lead = dict(zip(STANDARD_LEADS, importances))
    for bar, lead in zip(display.bars_, shown):
        assert bar.get_height() == pytest.approx(by_lead[lead].mean())
        region = _plot_style.REGION_OF_LEAD.get(lead)
        color, hatch = _plot_style.REGION_STYLE.get(region, _plot_style.NO_REGION_STYLE)
        assert matplotlib.colors.to_hex(bar.get_facecolor()) == color.lower()
        assert (bar.get_hatch() or "") == hatch
    assert display.ax_.get_ylabel() == "Drop of AUROC\nmean and SD, n = 4"


@pytest.mark.parametrize("interval", ["sd", "t", "range", None])
def test_error_bars(interval):
    values = np.array([[1.0, 2.0, 6.0], [0.0, 0.0, 0.0]])
    display = LeadImportanceDisplay(values, ["V1", "V2"]).plot(interval=interval)
    if interval is None:
        assert display.bars_.errorbar is None
        return
    (segments,) = display.bars_.errorbar.lines[2]
    low, high = segments.get_segments()[0][:, 1]
    expected = {
        "sd": (3 - values[0].std(), 3 + values[0].std()),
        "t": (3 - 6.572411, 3 + 6.572411),  # 4.302653 * 2.645751 / sqrt(3)
        "range": (1, 6),
    }[interval]
    assert (low, high) == pytest.approx(expected, abs=1e-5)


def test_label_of_the_score():
    for name, words in {
        "neg_log_loss": "Rise of log loss",
        "average_precision": "Drop of average precision",
        None: "Drop of the score",
    }.items():
        display = LeadImportanceDisplay([1, 2], ["V1", "V2"], score_name=name).plot()
        assert display.ax_.get_ylabel() == words


def test_map_shows_values_at_the_electrodes():
    values = np.arange(12.0)
    display = LeadImportanceDisplay(values, STANDARD_LEADS).plot(kind="map")
    colormap, norm = display.colorbar_.cmap, display.colorbar_.norm
    center = {lead: np.array(disk.center) for lead, disk in display.disks_.items()}
    for lead, value in zip(STANDARD_LEADS, values):
        np.testing.assert_allclose(display.disks_[lead].get_facecolor(), colormap(norm(value)))
    # Hexaxial system: I points to the left of the patient, aVF down.
    heart = (center["aVL"] + center["aVR"] + center["aVF"]) / 3
    for lead, angle in {"I": 0, "II": 60, "aVF": 90, "III": 120, "aVR": 210, "aVL": 330}.items():
        across, up = center[lead] - heart
        found = np.rad2deg(np.arctan2(-up, across))
        assert (found - angle + 180) % 360 == pytest.approx(180, abs=1e-6)
    # The chest leads go from the right of the sternum to the left side.
    chest = np.array([center[f"V{i}"] for i in range(1, 7)])
    assert (np.diff(chest[:, 0]) > 0).all() and chest[0, 0] == -chest[1, 0] < 0
    assert chest[3, 1] < chest[2, 1] < chest[1, 1] == chest[0, 1]
    # Disks do not overlap.
    everywhere = np.array(list(center.values()))
    apart = np.linalg.norm(everywhere[:, None] - everywhere, axis=2) + 9 * np.eye(12)
    assert apart.min() > 2 * display.disks_["I"].radius


def test_map_of_regions(data):
    regions = {"inferior": 0.4, "lateral": 0.1, "septal": 0.2, "anterior": 0.3}
    values, names = list(regions.values()), list(regions)
    with pytest.raises(ValueError, match="needs the leads of the regions inferior, lateral"):
        LeadImportanceDisplay(values, names).plot(kind="map")
    display = LeadImportanceDisplay(values, names, lead_groups=REGIONS_12).plot(kind="map")
    color = {lead: disk.get_facecolor() for lead, disk in display.disks_.items()}
    assert color["II"] == color["III"] == color["aVF"] != color["V1"] == color["V2"]
    assert color["aVR"] == (1, 1, 1, 1)  # in no region
    # Eight leads have other regions, without I and aVL.
    X, y = data
    frame = to_lead_frame(X)[["II", "III", "V1", "V2", "V3", "V4", "V5", "V6"]]
    net = make_net().fit(frame, y)
    options = {"n_repeats": 1, "random_state": 0, "kind": "map"}
    display = LeadImportanceDisplay.from_estimator(net, frame, y, lead_groups="regions", **options)
    assert display.disks_["I"].get_facecolor() == (1, 1, 1, 1)
    assert display.disks_["V6"].get_facecolor() != (1, 1, 1, 1)
    measured = lead_importance(net, frame, y, lead_groups="regions", n_repeats=1, random_state=0)
    assert measured.groups["inferior"] == ["II", "III"]
    display = LeadImportanceDisplay.from_importances(measured, kind="map")
    assert display.disks_["I"].get_facecolor() == (1, 1, 1, 1)
    display = LeadImportanceDisplay.from_estimator(
        net, frame, y, lead_groups={"a": [0, "iii"], "b": ["V1"]}, **options
    )
    assert display.lead_groups == {"a": ["II", "III"], "b": ["V1"]}


def test_table_of_features(data):
    """Columns with leads in their names."""
    X, y = data
    table = pd.DataFrame(
        np.c_[features(X)[:, 6:9], X[:, 0].std(axis=1), y],
        columns=["V1__mean", "V2__mean", "V3__mean", "V1__sd", "age"],
    )
    forest = RandomForestClassifier(5, random_state=0).fit(table, y)
    options = {"n_repeats": 2, "random_state": 0}
    display = LeadImportanceDisplay.from_estimator(forest, table, y, **options)
    shown = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert shown == ["V1", "V2", "V3", "no lead"]
    groups = {"septal": ["V1", "V2"], "anterior": ["V3"]}
    display = LeadImportanceDisplay.from_estimator(
        forest, table, y, lead_groups=groups, kind="map", **options
    )
    assert display.lead_groups == groups


def test_names_of_importances():
    values = np.arange(12.0)
    assert LeadImportanceDisplay.from_importances(values).names == STANDARD_LEADS
    result = {"importances": values[:2, None], "names": ["RESP", "v1"]}
    shown = LeadImportanceDisplay.from_importances(result).ax_.get_xticklabels()
    assert [text.get_text() for text in shown] == ["V1", "RESP"]
    with pytest.raises(ValueError, match="2 importances have no names"):
        LeadImportanceDisplay.from_importances(values[:2])


@pytest.mark.parametrize(
    "values, names, options, message",
    [
        ([1, 2], ["a"], {}, r"must have the shape \(1,\) or \(1, n_repeats\)"),
        ([1], ["V7"], {"kind": "map"}, "not V7. Pass kind='bars'"),
        ([1], ["limb"], {"kind": "map", "lead_groups": {}}, "needs the leads of group 'limb'"),
        (
            [1, 2],
            ["a", "b"],
            {"kind": "map", "lead_groups": {"a": ["V1"], "b": ["V1"]}},
            "Lead V1 is in several groups",
        ),
        (
            [1],
            ["a"],
            {"kind": "map", "lead_groups": {"a": None}},
            "lead_groups: group 'a' must be a list of lead names, got None",
        ),
        (
            [1],
            ["a"],
            {"kind": "map", "lead_groups": {"a": "V1"}},
            "list of lead names, got 'V1'",
        ),
        (
            [1],
            ["a"],
            {"kind": "map", "lead_groups": "regions"},
            "lead_groups must be a mapping .*, got 'regions'",
        ),
        ([1], ["V1"], {"kind": "torso"}, "kind='torso' is unknown. Pass one of 'bars', 'map'"),
        ([1], ["V1"], {"interval": "se"}, "interval='se' is unknown. Pass one of 'sd', 't'"),
        ({"roc_auc": 1, "accuracy": 2}, None, {}, "several scores: roc_auc, accuracy. Pass one"),
    ],
    ids=str,
)
def test_invalid_importances(values, names, options, message):
    with pytest.raises(ValueError, match=message):
        LeadImportanceDisplay.from_importances(values, names, **options)


def test_groups_that_are_not_lists(data):
    X, y = data
    table = pd.DataFrame(X[:, 6, :2], columns=["V1__a", "V1__b"])
    for estimator, given in ((make_net(), X), (LogisticRegression(), table)):
        with pytest.raises(TypeError, match="roup 'a' must be a list of leads, got None. Pass the"):
            LeadImportanceDisplay.from_estimator(
                estimator.fit(given, y), given, y, lead_groups={"a": None}
            )


def test_names_of_narrow_bars_are_rotated():
    """Names are rotated if they would overlap."""
    for width, rotation in ((8, 0), (3, 90)):
        ax = plt.figure(figsize=(width, 3)).subplots()
        LeadImportanceDisplay(np.arange(12.0), STANDARD_LEADS).plot(ax)
        assert {text.get_rotation() for text in ax.get_xticklabels()} == {rotation}


def test_several_scores(data):
    X, y = data
    with pytest.raises(ValueError, match="is several scores: roc_auc, accuracy. Pass one"):
        LeadImportanceDisplay.from_estimator(
            make_net().fit(X, y), X, y, scoring=["roc_auc", "accuracy"], n_repeats=1
        )

"""Tests of wrong arguments of displays: the errors name the argument and what to pass."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sklearn_ecg import MSAICNetClassifier, detect_r_peaks
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import (
    ECGDisplay,
    EmbeddingDisplay,
    GradCAMDisplay,
    LeadImportanceDisplay,
    TrainingHistoryDisplay,
    feature_groups,
)

X = make_ecg(3, duration=2, random_state=0).data
POINTS = np.random.RandomState(0).randn(6, 2)
HISTORY = {"epoch": [1, 2], "train_loss": [0.7, 0.5]}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def draw_record(**params):
    return ECGDisplay(X[0], sampling_rate=100, **params).plot()


def draw_record_with(**options):
    return ECGDisplay(X[0], sampling_rate=100).plot(**options)


def draw_history(**options):
    return TrainingHistoryDisplay(HISTORY).plot(**options)


ERRORS = [
    (lambda: draw_record(r_peaks="detect"), "r_peaks must be .*from_record accepts 'detect'"),
    (lambda: draw_record(r_peaks=detect_r_peaks(X, 100).peaks), "r_peaks must be the time points"),
    (lambda: draw_record(r_peaks=[[1], [1, 2]]), "r_peaks must be the time points of one record"),
    (lambda: draw_record(lead_names="II"), "lead_names must be a list of names, .* got 'II'"),
    (lambda: draw_record(lead_names=5), "lead_names must be a list of names"),
    (lambda: draw_record(intervals=[(0, 1, 5)]), "intervals: the leads .* a list of names, got 5"),
    (lambda: draw_record(heat_map=np.ones(5) * 1j), "heat_map must be an array of real numbers"),
    (lambda: draw_record_with(layout=np.array([1, 2])), "layout=.* is unknown. Pass one of '3x4'"),
    (lambda: draw_record_with(line_kwargs="red"), "line_kwargs must be a dict of options"),
    (lambda: draw_record_with(ax="axes"), "ax must be matplotlib Axes, got str"),
    (lambda: draw_record_with(ax=plt.figure()), "ax must be matplotlib Axes, got Figure"),
    (
        lambda: ECGDisplay.from_record(X, 100, r_peaks="Detect"),
        "r_peaks='Detect' is unknown. Pass one of 'detect'",
    ),
    (lambda: TrainingHistoryDisplay(None).plot(), "history must be a mapping .*, got None"),
    (lambda: TrainingHistoryDisplay([1, 2]).plot(), "history must be a mapping"),
    (lambda: draw_history(parts=5), "parts must be a list of names, got 5"),
    (lambda: draw_history(parts=[["train_loss"]]), r"parts: \['train_loss'\] is not in the hist"),
    (lambda: draw_history(ax=3), "ax must be matplotlib Axes, got int"),
    (lambda: EmbeddingDisplay("points").plot(), "points must be an array of real numbers"),
    (lambda: EmbeddingDisplay(POINTS, axis_names="x").plot(), "axis_names must be the labels of"),
    (
        lambda: EmbeddingDisplay.from_embedding(np.where(np.eye(6) > 0, np.nan, 1)),
        "embedding: 6 of 6 contain NaN or infinity",
    ),
    (
        lambda: EmbeddingDisplay.from_embedding(np.eye(6), projection="pca"),
        "projection must be a transformer with two components, .* got 'pca'",
    ),
    (lambda: LeadImportanceDisplay([1, 2], None).plot(), "names must be a list of names"),
    (lambda: LeadImportanceDisplay(["a", "b"], ["I", "II"]).plot(), "importances must be an array"),
    (lambda: LeadImportanceDisplay([], []).plot(), r"importances must have the shape \(0,\)"),
    (
        lambda: LeadImportanceDisplay([np.nan, np.nan], ["I", "II"]).plot(kind="map"),
        "importances are all NaN",
    ),
    (lambda: LeadImportanceDisplay.from_importances(None), "importances have no names"),
    (lambda: LeadImportanceDisplay.from_importances({}), "result is empty"),
    (
        lambda: GradCAMDisplay(np.zeros((0, 0)), np.eye(2), kind="image").plot(),
        r"An image must hold numbers .* got \(0, 0\)",
    ),
    (
        lambda: GradCAMDisplay(np.array([["a"]]), np.eye(2), kind="image").plot(),
        "An image must hold numbers .* dtype <U1",
    ),
    (
        lambda: GradCAMDisplay.from_estimator(MSAICNetClassifier, X, sampling_rate=100),
        "is a class, not an instance",
    ),
    (lambda: feature_groups(None), "feature_names must be a list of names, got None"),
    (lambda: feature_groups("V1__st_level"), "feature_names must be a list of names"),
    (lambda: feature_groups(["V1__st_level"], "septal"), "regions='septal' is unknown"),
    (lambda: feature_groups(["V1__st_level"], ["V1"]), r"regions=\['V1'\] is unknown"),
]


@pytest.mark.parametrize("call, message", ERRORS, ids=[message for _, message in ERRORS])
def test_errors_name_the_argument(call, message):
    n_figures = len(plt.get_fignums())
    with pytest.raises((TypeError, ValueError), match=message):
        call()
    assert len(plt.get_fignums()) <= n_figures + (message.endswith("Figure"))


@pytest.mark.parametrize(
    "labels",
    [
        ["a", "b", np.nan, "a", np.nan, "b"],
        ("a", "b", None, "a", None, "b"),
        np.ma.masked_array(["a", "b", "c", "a", "c", "b"], [0, 0, 1, 0, 1, 0]),
    ],
    ids=["list", "tuple", "masked array"],
)
def test_missing_labels_of_strings_are_no_label(labels):
    display = EmbeddingDisplay(POINTS, labels).plot()
    assert list(display.scatters_) == ["a", "b"]
    np.testing.assert_array_equal(display.unknown_.get_offsets(), POINTS[[2, 4]])


def test_embeddings_that_are_all_the_same():
    display = EmbeddingDisplay.from_embedding(np.ones((5, 3)))
    assert display.axis_names == ("PCA 1", "PCA 2")


def test_score_name_of_any_type():
    display = LeadImportanceDisplay([0.1, 0.2], ["I", "II"], score_name=1).plot()
    assert display.ax_.get_ylabel() == "Drop of 1"

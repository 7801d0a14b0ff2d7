"""Tests of Grad-CAM: the formula, a class in one segment, random weights, wrappers, errors."""

import copy
import pickle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_ecg import MSAICNetClassifier, SimCardioNetClassifier, SimCardioNetEncoder
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import (
    GradCAMDisplay,
    grad_cam,
    lead_importance,
    record_lead_importance,
)
from sklearn_ecg.leads import to_lead_frame
from sklearn_ecg.preprocessing import BaselineRemover, ECGImageRenderer
from sklearn_ecg.utils._chunks import ChunkBudget

START, STOP = 120, 150


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def make_net(**params):
    params = {"max_epochs": 15, "dilations": (1,), "filters": (8, 8), "stride": 1, **params}
    return MSAICNetClassifier(
        embedding_dim=8, projection_dim=4, learning_rate=1e-2, random_state=0, **params
    )


def make_segments(n_records=160, n_classes=2, seed=0):
    """Make noise; each class but the first has its own waveform in one segment of time."""
    rng = np.random.RandomState(seed)
    X = rng.randn(n_records, 3, 200).astype(np.float32)
    y = np.arange(n_records) % n_classes
    time = np.arange(STOP - START)
    for value in range(1, n_classes):
        burst = 2 * np.sin(2 * np.pi * time / (4 + 8 * (value - 1)))
        X[y == value, :, START:STOP] += burst
    return X, y


@pytest.fixture(scope="module")
def fitted():
    X, y = make_segments()
    return make_net().fit(X, y)


def share_in_segment(heat, margin=8):
    return heat[:, START - margin : STOP + margin].sum(axis=1) / heat.sum(axis=1)


def test_heat_is_in_the_segment_of_the_class(fitted):
    X, y = make_segments(seed=1)
    assert fitted.score(X, y) > 0.95
    heat = grad_cam(fitted, X, target=1)
    assert heat.shape == (160, 200) and (heat >= 0).all()
    # The segment is 23 % of the record, including the width of a convolution on both sides.
    assert np.median(share_in_segment(heat[y == 1])) > 0.6
    center = (heat[y == 1] * np.arange(200)).sum(axis=1) / heat[y == 1].sum(axis=1)
    assert START < np.median(center) < STOP


def test_random_weights_give_other_maps(fitted):
    """Sanity check of Adebayo et al. (2018): maps must depend on the weights."""
    X, y = make_segments(seed=1)
    random = make_net(max_epochs=0).fit(X, y)
    ours, theirs = (grad_cam(net, X[y == 1], target=1) for net in (fitted, random))
    assert np.median(share_in_segment(ours)) > 1.5 * np.median(share_in_segment(theirs + 1e-9))
    # Changing only the last layer.
    head = copy.deepcopy(fitted)
    with torch.no_grad():
        head.net_.module_.classifier.weight.copy_(-head.net_.module_.classifier.weight)
    assert np.abs(grad_cam(head, X[y == 1], target=1) - ours).max() > 0.1 * ours.max()


def test_formula(fitted):
    """For a mean and a linear layer: the map times the weights of the class (Zhou et al. 2016)."""
    X, _ = make_segments(5)
    module = fitted.net_.module_
    with torch.no_grad():
        x = fitted.normalizer_(torch.as_tensor(X))
        features = module.feature_map(x)[:, :, 0]
        weighted = torch.einsum("c,bcp->bp", module.classifier.weight[0], features).numpy()
        logit = module.classifier(module.embed(x))[:, 0].numpy()
    np.testing.assert_allclose(
        weighted.mean(axis=1) + module.classifier.bias.item(), logit, atol=1e-5
    )
    for target, sign in ((1, 1), (0, -1)):
        heat = grad_cam(fitted, X, target=target)
        expected = np.maximum(sign * weighted, 0)
        assert expected.shape == (5, 50) and module.feature_stride == 4
        centers = np.arange(50) * 4 + 1.5
        for found, points in zip(heat, expected):
            np.testing.assert_allclose(found, np.interp(np.arange(200), centers, points), atol=1e-5)


def test_several_classes_and_labels():
    X, y = make_segments(n_classes=3)
    words = np.array(["none", "fast", "slow"])[y]
    net = make_net().fit(X, words)
    heat, targets = grad_cam(net, X, return_targets=True)
    np.testing.assert_array_equal(targets, net.predict(X))
    for word in ("fast", "slow"):
        each = grad_cam(net, X, target=word)
        np.testing.assert_allclose(each[targets == word], heat[targets == word], atol=1e-6)
        # Some maps are zero, if there is only no evidence for the other classes.
        assert share_in_segment(each[words == word].sum(axis=0, keepdims=True)) > 0.5
    labels = make_net(max_epochs=2).fit(X, np.column_stack([y == 1, y == 2]).astype(int))
    assert grad_cam(labels, X[:4], target=1).shape == (4, 200)
    _, targets = grad_cam(labels, X, return_targets=True)
    np.testing.assert_array_equal(targets, labels.predict_proba(X).argmax(axis=1))


def test_result_does_not_depend_on_chunks(fitted, monkeypatch):
    X, _ = make_segments(20)
    heat = grad_cam(fitted, X)
    monkeypatch.setattr("sklearn_ecg.utils._chunks.NETWORK", ChunkBudget(10**9, max_records=7))
    np.testing.assert_allclose(grad_cam(fitted, X), heat, atol=1e-5)


@pytest.mark.parametrize("n_times", [1, 5, 199])
def test_any_length(n_times):
    X, y = make_segments(20)
    net = MSAICNetClassifier(filters=(4,), dilations=(1,), max_epochs=1, random_state=0)
    X = X[:, :, :n_times]
    assert grad_cam(net.set_params(n_leads=3).fit(X, y), X).shape == (20, n_times)


def test_wrapped_networks(fitted):
    X, y = make_segments(40)
    doubled = make_pipeline(FunctionTransformer(lambda X: 2 * X), make_net(max_epochs=1))
    doubled.fit(X, y)
    np.testing.assert_array_equal(grad_cam(doubled, X), grad_cam(doubled[-1], 2 * X))
    search = GridSearchCV(doubled, {"msaicnetclassifier__max_epochs": [1]}, cv=2).fit(X, y)
    np.testing.assert_array_equal(grad_cam(search, X), grad_cam(search.best_estimator_, X))
    np.testing.assert_array_equal(grad_cam(FrozenEstimator(fitted), X), grad_cam(fitted, X))
    fixed = FixedThresholdClassifier(FrozenEstimator(fitted), threshold=0.9).fit(X, y)
    np.testing.assert_array_equal(grad_cam(fixed, X), grad_cam(fitted, X))
    tuned = TunedThresholdClassifierCV(make_net(max_epochs=1), cv=2).fit(X, y)
    np.testing.assert_array_equal(grad_cam(tuned, X), grad_cam(tuned.estimator_, X))
    calibrated = CalibratedClassifierCV(FrozenEstimator(fitted), ensemble=False).fit(X, y)
    np.testing.assert_array_equal(grad_cam(calibrated, X), grad_cam(fitted, X))
    frame = to_lead_frame(X, ["V1", "V2", "V3"])
    named = make_net(max_epochs=1).fit(frame, y)
    assert grad_cam(named, frame).shape == (40, 200)


def test_network_is_not_modified(fitted):
    X, _ = make_segments(10)
    before = fitted.predict_proba(X)
    gradients = copy.deepcopy([p.grad for p in fitted.net_.module_.parameters()])
    state = torch.random.get_rng_state()
    grad_cam(fitted, X)
    np.testing.assert_array_equal(fitted.predict_proba(X), before)
    assert torch.equal(torch.random.get_rng_state(), state)
    for parameter, gradient in zip(fitted.net_.module_.parameters(), gradients):
        assert (parameter.grad is None) == (gradient is None)
        assert gradient is None or torch.equal(parameter.grad, gradient)


def test_invalid_input(fitted):
    X, y = make_segments(40)
    with pytest.raises(ValueError, match="target='MI' is unknown. The classes are 0, 1"):
        grad_cam(fitted, X, target="MI")
    with pytest.raises(ValueError, match="X has 2 leads, but MSAICNetClassifier was fitted on 3"):
        grad_cam(fitted, X[:, :2])
    forest = make_pipeline(FunctionTransformer(lambda X: X.std(axis=2)), LogisticRegression())
    with pytest.raises(TypeError, match="network of signals or images, got LogisticRegression"):
        grad_cam(forest.fit(X, y), X)
    calibrated = CalibratedClassifierCV(make_net(max_epochs=1), cv=2).fit(X, y)
    with pytest.raises(TypeError, match="got CalibratedClassifierCV. Pass one, or a Pipeline"):
        grad_cam(calibrated, X)
    other = copy.deepcopy(fitted)
    other.net_.module_ = torch.nn.Linear(2, 2)
    with pytest.raises(TypeError, match="The network of MSAICNetClassifier has no feature_map"):
        grad_cam(other, X)


# The display


def test_display_of_a_record(fitted):
    X, _ = make_segments(3)
    display = GradCAMDisplay.from_estimator(fitted, X, sampling_rate=100, record=1, target=1)
    heat = grad_cam(fitted, X[1:2], target=1)[0]
    np.testing.assert_allclose(display.heat_map, heat, atol=1e-6)
    np.testing.assert_allclose(display.heat_[0].get_array()[0], heat / heat.max(), atol=1e-5)
    assert display.ax_.get_title() == "Grad-CAM: 1"
    assert list(display.ecg_.lines_) == ["lead 0", "lead 1", "lead 2"]


def test_display_of_an_image():
    image = np.random.RandomState(0).randint(0, 255, (20, 30, 3), dtype=np.uint8)
    heat = np.array([[0.0, 2.0, 4.0]])
    display = GradCAMDisplay(image, heat, kind="image").plot()
    assert display.ax_.get_title() == "Grad-CAM" and display.ecg_ is None
    np.testing.assert_array_equal(display.heat_[0].get_array(), heat / 4)
    assert list(display.heat_[0].get_extent()) == [0, 30, 20, 0]
    gray = GradCAMDisplay(image[:, :, :1], np.zeros((2, 2)), kind="image").plot()
    assert gray.ax_.images[0].get_array().shape == (20, 30)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"kind": "photo"}, "kind='photo' is unknown. Pass one of 'signal', 'image'"),
        ({"heat_map": [[np.nan]]}, "heat_map is empty, or contains NaN or infinity"),
        ({"heat_map": [1.0]}, r"heat_map of an image must have the shape \(rows, columns\)"),
        ({"data": np.ones((4, 4, 2))}, r"1, 3 or 4 channels, got \(4, 4, 2\)"),
        ({"kind": "signal"}, "kind='signal' needs the sampling_rate"),
    ],
    ids=str,
)
def test_invalid_displays(options, message):
    options = {"data": np.ones((4, 4)), "heat_map": np.ones((2, 2)), "kind": "image", **options}
    with pytest.raises(ValueError, match=message):
        GradCAMDisplay(**options).plot()


def test_map_of_another_length_raises():
    """After a crop, it is unknown which part of the record the network was given."""
    X, y = np.random.RandomState(0).randn(12, 2, 80).astype(np.float32), np.arange(12) % 2
    net = MSAICNetClassifier(dilations=(1,), filters=(4,), max_epochs=1, random_state=0)
    cropped = make_pipeline(FunctionTransformer(lambda X: X[:, :, 20:60]), net).fit(X, y)
    with pytest.raises(ValueError, match=r"has 80 time points, but the network is given 40"):
        GradCAMDisplay.from_estimator(cropped, X, sampling_rate=100)


# Signals that a pipeline draws


RENDERER = ECGImageRenderer(sampling_rate=100, image_size=(48, 64))


def make_image_net():
    encoder = SimCardioNetEncoder(image_size=(48, 64), filters=(8, 16), max_epochs=0)
    return SimCardioNetClassifier(encoder, frozen=True, max_epochs=1, random_state=0)


@pytest.fixture(scope="module")
def records():
    return make_ecg(20, prevalence=0.5, return_X_y=True, class_sep=np.inf, random_state=0)


@pytest.mark.parametrize("color", ["gray", "rgb"])
@pytest.mark.parametrize("container", ["array", "lead frame", "rows"])
def test_display_of_rendered_signals(color, container, records):
    """The map is drawn over the page of the fitted renderer, not over the signals."""
    X, y = records
    pages = clone(RENDERER).set_params(color=color).fit_transform(X)
    net = make_image_net()
    params = {"color": color}
    if container == "lead frame":
        X = to_lead_frame(X)
    elif container == "rows":
        X = X.reshape(len(X), -1)
        params["n_leads"] = 12
        net.set_params(image_shape=pages.shape[1:])
    pipeline = make_pipeline(clone(RENDERER).set_params(**params), net).fit(X, y)
    heat = grad_cam(pipeline, X)
    assert heat.shape == (20, 48, 64)
    np.testing.assert_array_equal(heat, grad_cam(net, pipeline[:-1].transform(X)))
    display = GradCAMDisplay.from_estimator(pipeline, X, record=3)
    assert display.kind == "image" and display.ecg_ is None
    np.testing.assert_array_equal(display.data, pages[3].reshape(48, 64, -1))
    np.testing.assert_allclose(display.heat_map, heat[3], rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="record=20 is not in X, which holds 20 records"):
        GradCAMDisplay.from_estimator(pipeline, X, record=20)


def test_page_among_several_steps(records):
    """The page is drawn, unless a step after the renderer changes its height or width."""
    X, y = records
    cleaner = BaselineRemover(sampling_rate=100)
    pages = clone(RENDERER).fit_transform(cleaner.fit_transform(X))
    scale = FunctionTransformer(lambda images: (images / 255).astype(np.float32))
    pipeline = make_pipeline(cleaner, clone(RENDERER), scale, make_image_net()).fit(X, y)
    search = GridSearchCV(pipeline, {"simcardionetclassifier__max_epochs": [1]}, cv=2).fit(X, y)
    for estimator in (pipeline, search, FrozenEstimator(pipeline)):
        display = GradCAMDisplay.from_estimator(estimator, X, record=-1, target=1)
        np.testing.assert_array_equal(display.data[..., 0], pages[19])
    crop = FunctionTransformer(lambda images: images[:, 4:, :50])
    cropped = make_pipeline(clone(RENDERER), crop, make_image_net()).fit(X, y)
    display = GradCAMDisplay.from_estimator(cropped, X, record=2)
    np.testing.assert_array_equal(
        display.data[..., 0], clone(RENDERER).fit_transform(X)[2, 4:, :50]
    )
    assert display.heat_map.shape == (44, 50)


# Targets of each record


def test_target_of_each_record():
    X, y = make_segments(60, n_classes=3)
    names = np.array(["NORM", "MI", "CD"], dtype=object)[y]
    clf = make_net(max_epochs=2).fit(X, names)
    by_class = {name: grad_cam(clf, X, name) for name in ("NORM", "MI", "CD")}
    expected = np.array([by_class[name][i] for i, name in enumerate(names)])
    for target in (names, names.astype(str), names.tolist(), pd.Series(names, index=y)):
        heat, targets = grad_cam(clf, X, target, return_targets=True)
        np.testing.assert_allclose(heat, expected, atol=1e-6)
        assert targets.tolist() == names.tolist()


def test_target_of_each_record_of_two_classes_and_of_labels(fitted):
    X, y = make_segments(20, seed=1)
    expected = np.array([grad_cam(fitted, X, label)[i] for i, label in enumerate(y)])
    np.testing.assert_allclose(grad_cam(fitted, X, y), expected, atol=1e-6)
    np.testing.assert_allclose(grad_cam(fitted, X, torch.as_tensor(y)), expected, atol=1e-6)
    labels = np.c_[y, 1 - y, y]
    multilabel = make_net(max_epochs=2).fit(X, labels)
    numbers = np.arange(20) % 3
    expected = np.array([grad_cam(multilabel, X, label)[i] for i, label in enumerate(numbers)])
    np.testing.assert_allclose(grad_cam(multilabel, X, numbers), expected, atol=1e-6)
    with pytest.raises(ValueError, match=r"shape \(20, 3\). For a multilabel target, pass the num"):
        grad_cam(multilabel, X, labels)


@pytest.mark.parametrize(
    "target, message",
    [
        ([0, 1], "target has 2 labels, but X has 20 records. Pass one label for each record"),
        ([], "target has 0 labels, but X has 20 records"),
        (np.full(20, 7), r"target\[0\]=7 is unknown. The classes are 0, 1"),
        (np.nan, "target=nan is unknown"),
        ("1", "target='1' is unknown"),
        (
            np.zeros((20, 1)),
            r"must be a label or have shape \(n_records,\), .* got shape \(20, 1\)",
        ),
    ],
    ids=str,
)
def test_invalid_targets(target, message, fitted):
    X, _ = make_segments(20)
    with pytest.raises(ValueError, match=message):
        grad_cam(fitted, X, target)


def test_display_takes_the_target_of_its_record(fitted):
    X, y = make_segments(20, seed=1)
    options = {"sampling_rate": 100, "record": 3}
    display = GradCAMDisplay.from_estimator(fitted, X, target=1 - y, **options)
    expected = GradCAMDisplay.from_estimator(fitted, X, target=int(1 - y[3]), **options)
    assert display.target == expected.target == str(1 - y[3])
    np.testing.assert_array_equal(display.heat_map, expected.heat_map)
    with pytest.raises(ValueError, match=r"one label for each of the 20 records, got shape \(2,\)"):
        GradCAMDisplay.from_estimator(fitted, X, target=y[:2], **options)


@pytest.mark.parametrize("context", [torch.inference_mode, torch.no_grad])
def test_inside_modes_without_gradients(context, fitted):
    X, y = make_segments(20)
    expected = grad_cam(fitted, X)
    images = np.random.RandomState(0).rand(6, 64, 64)
    encoder = SimCardioNetEncoder(image_size=64, filters=(8, 16), max_epochs=1)
    of_images = SimCardioNetClassifier(encoder, frozen=True, max_epochs=1, random_state=0)
    of_images.fit(images, np.arange(6) % 2)
    expected_of_images = grad_cam(of_images, images)
    options = {"scoring": "neg_log_loss", "n_repeats": 1, "random_state": 0, "n_leads": 3}
    importance = lead_importance(fitted, X, y, **options).importances
    change = record_lead_importance(fitted, X, n_repeats=1, random_state=0, n_leads=3)
    with context():
        np.testing.assert_array_equal(grad_cam(fitted, X), expected)
        np.testing.assert_array_equal(grad_cam(of_images, images), expected_of_images)
        # What is loaded in inference mode has no gradients afterwards, either.
        loaded = pickle.loads(pickle.dumps(fitted))
        np.testing.assert_array_equal(grad_cam(loaded, X), expected)
        found = lead_importance(fitted, X, y, **options).importances
        np.testing.assert_array_equal(found, importance)
        found = record_lead_importance(fitted, X, n_repeats=1, random_state=0, n_leads=3)
        np.testing.assert_array_equal(found, change)
        GradCAMDisplay.from_estimator(fitted, X, sampling_rate=100)
    np.testing.assert_array_equal(grad_cam(loaded, X), expected)

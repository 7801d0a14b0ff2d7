"""Tests that are specific to SimCardioNet; tests/test_estimators.py has the common checks."""

import signal
import threading

import joblib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklearn_ecg import (
    ACLECGEncoder,
    SimCardioNetClassifier,
    SimCardioNetEncoder,
    to_lead_frame,
)
from sklearn_ecg.augmentation import ColorJitter, RandomHorizontalFlip
from sklearn_ecg.datasets import load_ptbxl, make_ecg
from sklearn_ecg.inspection import GradCAMDisplay, grad_cam, lead_importance
from sklearn_ecg.inspection._grad_cam import interpolate_map
from sklearn_ecg.leads import REGIONS_12
from sklearn_ecg.nn._simcardionet import SimCardioNet
from sklearn_ecg.preprocessing import ECGImageRenderer
from sklearn_ecg.utils._chunks import ChunkBudget

# After two epochs the embedding is hardly spread yet.
pytestmark = pytest.mark.filterwarnings("ignore:The embedding has collapsed")

SIZE = 48


def make_encoder(**params):
    defaults = {
        "image_size": None,
        "filters": (8, 16),
        "n_heads": 2,
        "projection_dim": 8,
        "max_epochs": 2,
        "batch_size": 16,
        "random_state": 0,
    }
    return SimCardioNetEncoder(**{**defaults, **params})


def make_images(n_images=40, seed=0, size=SIZE):
    """Paper with noise; those of class 1 have a dark square in the upper right."""
    rng = np.random.default_rng(seed)
    y = np.arange(n_images) % 2
    X = rng.integers(180, 256, (n_images, size, size)).astype(np.uint8)
    X[y == 1, size // 6 : size // 3, 2 * size // 3 : 5 * size // 6] = 20
    return X, y


@pytest.fixture(scope="module")
def images():
    return make_images()


@pytest.fixture(scope="module")
def fitted(images):
    return make_encoder().fit(images[0])


@pytest.fixture(scope="module")
def signals():
    ecg = make_ecg(24, prevalence=0.5, class_sep=np.inf, random_state=0)
    return ecg, ECGImageRenderer(sampling_rate=100, image_size=64)


# --------------------------------------------------------------------------------------------------
# The encoder
# --------------------------------------------------------------------------------------------------


def test_images_are_resized_inside(images):
    X, _ = images
    encoder = make_encoder(image_size=(16, 24)).fit(X)
    assert encoder.image_shape_in_ == (SIZE, SIZE, 1)
    assert encoder.normalizer_.size == (16, 24)
    assert make_encoder(image_size=16, max_epochs=0).fit(X).normalizer_.size == (16, 16)
    with pytest.raises(ValueError, match=r"image_size must be \(height, width\) in pixels"):
        make_encoder(image_size=(16, 0)).fit(X)


def test_color_images(images):
    X = np.stack([images[0]] * 3, axis=-1)
    encoder = make_encoder().fit(X)
    assert encoder.image_shape_in_ == (SIZE, SIZE, 3)
    assert encoder.transform(X).shape == (40, 16)


def test_signals_are_rendered_in_a_pipeline(signals):
    ecg, renderer = signals
    rendered = renderer.fit_transform(ecg.data)
    pipeline = make_pipeline(clone(renderer), make_encoder()).fit(ecg.data)
    of_images = make_encoder().fit(rendered)
    np.testing.assert_array_equal(pipeline.transform(ecg.data), of_images.transform(rendered))
    frame = to_lead_frame(ecg.data, ecg.lead_names)
    shuffled = frame[sorted(frame.columns)]
    other = make_pipeline(clone(renderer), make_encoder()).fit(shuffled)
    np.testing.assert_array_equal(other.transform(shuffled), of_images.transform(rendered))
    with pytest.raises(ValueError, match="another order"):
        other.transform(frame)


@pytest.mark.parametrize(
    "estimator", [make_encoder(), SimCardioNetClassifier(make_encoder())], ids=["enc", "clf"]
)
def test_signals_raise_an_error_that_shows_the_pipeline(signals, estimator):
    ecg, _ = signals
    name = type(estimator).__name__
    message = rf"make_pipeline\(ECGImageRenderer\(sampling_rate=...\), {name}\(...\)\)"
    for X in (ecg.data, to_lead_frame(ecg.data, ecg.lead_names)):
        with pytest.raises(ValueError, match=f"signals.*{message}"):
            estimator.fit(X, ecg.target)


def test_history(fitted):
    for name in ("nt_xent", "cosine", "alignment", "uniformity", "effective_rank", "loss"):
        assert fitted.history_[f"train_{name}"].shape == (2,)
    halves = (fitted.history_["train_nt_xent"] + fitted.history_["train_cosine"]) / 2
    np.testing.assert_allclose(fitted.history_["train_loss"], halves, rtol=1e-5)


@pytest.mark.parametrize("weight, name", [(1.0, "nt_xent"), (0.0, "cosine")])
def test_ends_of_the_weight(images, weight, name):
    history = make_encoder(contrastive_weight=weight).fit(images[0]).history_
    np.testing.assert_allclose(history["train_loss"], history[f"train_{name}"], rtol=1e-6)


def test_pretraining_lowers_the_loss(images):
    history = make_encoder(max_epochs=15, learning_rate=3e-3).fit(images[0]).history_
    assert history["train_loss"][-1] < 0.85 * history["train_loss"][0]


def test_max_epochs_0_is_the_random_initialization(images):
    X, _ = images
    one, other = (
        make_encoder(max_epochs=0).fit(X).net_.module_.stages for X in (X, X[:, ::-1].copy())
    )
    for a, b in zip(one.parameters(), other.parameters()):
        assert torch.equal(a, b)


def test_collapse_of_the_cosine_alone_warns(images):
    encoder = make_encoder(contrastive_weight=0.0, max_epochs=60, learning_rate=1e-2)
    with pytest.warns(ConvergenceWarning, match="collapsed: .* contrastive_weight"):
        encoder.fit(images[0])


def test_single_image_warns(images):
    with pytest.warns(ConvergenceWarning, match="X contains 1 record only"):
        encoder = make_encoder().fit(images[0][:1])
    assert np.isfinite(encoder.transform(images[0])).all()


def test_bad_networks(images):
    with pytest.raises(ValueError, match="n_heads=3 must divide the last of filters"):
        make_encoder(n_heads=3).fit(images[0])
    with pytest.raises(ValueError, match="filters must contain at least one number"):
        make_encoder(filters=()).fit(images[0])
    with pytest.raises(ValueError, match="kernel_sizes must contain .* odd integers"):
        make_encoder(kernel_sizes=(3, 4)).fit(images[0])
    with pytest.raises(ValueError, match="train loss became nan in epoch 1"):
        make_encoder(augmentation=lambda x: x * float("nan")).fit(images[0])


def test_augmentation_is_applied_before_normalization(images):
    seen = []

    def spy(x):
        seen.append(x)
        return x

    make_encoder(augmentation=spy, max_epochs=1).fit(images[0])
    x = torch.cat(seen[:6:2])
    assert x.shape[1:] == (1, SIZE, SIZE) and x.dtype == torch.float32
    assert 0.05 < x.min() < 0.1 and 0.95 < x.max() <= 1


def test_interrupted_fit_is_unfitted(images):
    class Interrupt(Callback):
        def on_epoch_begin(self, net, **kwargs):
            signal.raise_signal(signal.SIGINT)

    assert threading.current_thread() is threading.main_thread()
    encoder = make_encoder(callbacks=[Interrupt()])
    with pytest.raises(KeyboardInterrupt):
        encoder.fit(images[0])
    assert not hasattr(encoder, "net_")


def test_warm_start_continues(images):
    X, _ = images
    encoder = make_encoder(warm_start=True, max_epochs=5).fit(X)
    first = encoder.history_["train_loss"]
    assert encoder.fit(X).history_["train_loss"][0] < first[0]
    with pytest.raises(ValueError, match="requires the same number of channels"):
        encoder.fit(np.stack([X] * 3, axis=-1))
    encoder = make_encoder(warm_start=True, max_epochs=1).fit(X)
    with pytest.raises(ValueError, match="requires the same image_size"):
        encoder.set_params(image_size=24).fit(X)


def test_warm_start_distinguishes_bytes_and_floats(images):
    encoder = make_encoder(warm_start=True, max_epochs=1).fit(images[0])
    with pytest.raises(ValueError, match="requires the same kind of images"):
        encoder.fit(images[0].astype(float))


def test_images_of_another_size_raise(images, fitted):
    for X in (images[0][:, 1:], images[0][:, :, 1:]):
        with pytest.raises(ValueError, match=r"was fitted on \(48, 48, 1\): resize them"):
            fitted.transform(X)


def test_predictions_do_not_depend_on_later_changes_of_parameters(images):
    X, y = images
    rows = X.reshape(len(X), -1)
    encoder = make_encoder(image_shape=(SIZE, SIZE), max_epochs=1)
    clf = SimCardioNetClassifier(encoder, frozen=True, max_epochs=1).fit(rows, y)
    before = clf.predict_proba(rows)
    encoder.set_params(image_shape=None)
    np.testing.assert_array_equal(clf.predict_proba(rows), before)


def test_hash_depends_on_content_only(images):
    one, other = (make_encoder(max_epochs=1).fit(images[0]) for _ in range(2))
    one.transform(images[0])
    assert joblib.hash(one) == joblib.hash(other)


def test_in_pipelines_and_searches(images):
    X, y = images
    model = make_pipeline(make_encoder(max_epochs=1), StandardScaler(), LogisticRegression())
    scores = cross_validate(model, X, y, cv=2, return_estimator=True)
    weights = [next(e[0].net_.module_.parameters()) for e in scores["estimator"]]
    assert not torch.equal(*weights)
    clf = SimCardioNetClassifier(make_encoder(), max_epochs=3, unfreeze_interval=1)
    search = GridSearchCV(clf, {"encoder__max_epochs": [0, 1], "unfreeze": [1, 2]}, cv=2)
    assert search.fit(X, y).predict(X).shape == (40,)


# --------------------------------------------------------------------------------------------------
# Progressive unfreezing
# --------------------------------------------------------------------------------------------------


class Watch(Callback):
    """Store a copy of all parameters and buffers at the end of each epoch."""

    def on_train_begin(self, net, **kwargs):
        self.states = [self._state(net)]

    def on_epoch_end(self, net, **kwargs):
        self.states.append(self._state(net))

    @staticmethod
    def _state(net):
        return {k: v.detach().clone() for k, v in net.module_.state_dict().items()}


def changed(before, after, part):
    names = [name for name in before if name.startswith(part)]
    assert names
    return [name for name in names if not torch.equal(before[name], after[name])]


@pytest.mark.parametrize("unfreeze, n_opened", [("all", 3), (2, 2), (1, 1), (0, 0)])
def test_frozen_stages_do_not_change_at_all(images, unfreeze, n_opened):
    X, y = images
    encoder = make_encoder(filters=(4, 8, 8)).fit(X)
    clf = SimCardioNetClassifier(
        FrozenEstimator(encoder),
        unfreeze=unfreeze,
        unfreeze_interval=2,
        max_epochs=8,
        callbacks=[Watch()],
        random_state=0,
    ).fit(X, y)
    states = clf.callbacks_[0].states
    for epoch, (before, after) in enumerate(zip(states[:-1], states[1:]), start=1):
        assert changed(before, after, "classifier.1")
        for stage in (1, 2, 3):
            opens = 1 + 2 * (4 - stage)
            is_open = stage > 3 - n_opened and epoch >= opens
            names = changed(before, after, f"encoder.stages.{stage - 1}.")
            assert bool(names) == is_open, (epoch, stage, names)
            if is_open:
                kinds = {name.rsplit(".", 1)[1] for name in names}
                # The statistics of BatchNorm change as well.
                assert {"weight", "running_mean", "running_var"} <= kinds
            assert (clf.history_[f"stage_{stage}_learning_rate"][epoch - 1] > 0) == is_open
    expected = [min(n_opened, (epoch - 1) // 2) for epoch in range(1, 9)]
    assert clf.history_["open_stages"].tolist() == expected


def test_each_newly_unfrozen_stage_has_a_lower_rate(images):
    X, y = images
    clf = SimCardioNetClassifier(
        make_encoder(filters=(4, 8, 8)),
        unfreeze_interval=1,
        encoder_learning_rate=1e-3,
        layer_decay=0.1,
        learning_rate=1e-2,
        learning_rate_schedule="constant",
        max_epochs=5,
        random_state=0,
    ).fit(X, y)
    rates = [clf.history_[f"stage_{stage}_learning_rate"] for stage in (3, 2, 1)]
    np.testing.assert_allclose(rates[0], [0, 1e-3, 1e-3, 1e-3, 1e-3])
    np.testing.assert_allclose(rates[1], [0, 0, 1e-4, 1e-4, 1e-4])
    np.testing.assert_allclose(rates[2], [0, 0, 0, 1e-5, 1e-5])
    np.testing.assert_allclose(clf.history_["learning_rate"], 1e-2)


def test_without_unfreezing_all_stages_are_trained(images):
    X, y = images
    clf = SimCardioNetClassifier(make_encoder(), unfreeze_interval=0, max_epochs=2).fit(X, y)
    assert clf.history_["open_stages"].tolist() == [2, 2]


def test_too_many_stages_to_unfreeze(images):
    X, y = images
    clf = SimCardioNetClassifier(make_encoder(), unfreeze=3, max_epochs=9)
    with pytest.raises(ValueError, match="unfreeze=3 exceeds the 2 stages of the encoder"):
        clf.fit(X, y)
    clf.set_params(unfreeze="all", max_epochs=4)
    with pytest.warns(ConvergenceWarning, match="2 stages would be unfrozen in epoch 5, but max_e"):
        clf.fit(X, y)


def test_learns_without_changing_the_encoder(images, fitted):
    X, y = images
    before = joblib.hash(fitted)
    clf = SimCardioNetClassifier(
        FrozenEstimator(fitted),
        unfreeze_interval=1,
        encoder_learning_rate=1e-2,
        max_epochs=15,
        random_state=0,
    ).fit(X, y)
    X_new, y_new = make_images(seed=1)
    assert clf.score(X_new, y_new) == 1
    assert joblib.hash(fitted) == before


def test_frozen_is_a_linear_probe(images, fitted):
    X, y = images
    clf = SimCardioNetClassifier(FrozenEstimator(fitted), frozen=True, max_epochs=5).fit(X, y)
    np.testing.assert_allclose(clf.transform(X), fitted.transform(X), atol=1e-6)
    assert "open_stages" not in clf.history_
    linear = clf.net_.module_.classifier[1]
    z = StandardScaler().fit_transform(fitted.transform(X).astype(np.float64))
    logits = z @ linear.weight.detach().numpy()[0] + linear.bias.item()
    np.testing.assert_allclose(clf.decision_function(X), logits, atol=1e-3)


def test_warm_start_of_a_probe_trains_on_the_fine_tuned_encoder(images, fitted):
    X, y = images
    clf = SimCardioNetClassifier(
        FrozenEstimator(fitted),
        unfreeze_interval=0,
        encoder_learning_rate=1e-2,
        max_epochs=10,
        warm_start=True,
        random_state=0,
    ).fit(X, y)
    assert clf.score(X, y) == 1
    clf.set_params(frozen=True, probe_C=0.1).fit(X, y)
    assert clf.score(X, y) == 1
    z = StandardScaler().fit_transform(clf.transform(X).astype(np.float64))
    expected = LogisticRegression(C=0.1, tol=1e-6).fit(z, y).predict_proba(z)
    np.testing.assert_allclose(clf.predict_proba(X), expected, atol=1e-4)


def test_early_stopping_restores_the_best_epoch(images, fitted):
    X, y = images
    clf = SimCardioNetClassifier(
        FrozenEstimator(fitted),
        unfreeze_interval=2,
        encoder_learning_rate=0.3,  # so large that the loss increases once a stage is unfrozen
        early_stopping=True,
        validation_fraction=0.3,
        n_iter_no_change=3,
        max_epochs=9,
        callbacks=[Watch()],
        random_state=0,
    ).fit(X, y)
    best = clf.history_["valid_loss"].argmin()
    kept = clf.callbacks_[0].states[best + 1]
    for name, value in clf.net_.module_.state_dict().items():
        assert torch.equal(value, kept[name]), name


def test_no_epochs_unfreeze_no_stage(images, fitted):
    clf = SimCardioNetClassifier(FrozenEstimator(fitted), max_epochs=0).fit(*images)
    assert clf.history_["open_stages"].shape == (0,)


def test_encoder_with_another_image_shape(images):
    X, y = images
    rows = X.reshape(len(X), -1)
    clf = SimCardioNetClassifier(
        make_encoder(image_shape=(SIZE, SIZE)), image_shape=(SIZE // 2, 2 * SIZE), max_epochs=1
    )
    with pytest.raises(ValueError, match=r"have the shape \(24, 96, 1\) .* but \(48, 48, 1\) for"):
        clf.fit(rows, y)


def test_unlabeled_images_only_pretrain(images, fitted):
    X, y = images
    y = y.copy()
    y[10:] = -1
    clf = SimCardioNetClassifier(make_encoder(), unlabeled=-1, max_epochs=5, random_state=0).fit(
        X, y
    )
    assert clf.classes_.tolist() == [0, 1]
    np.testing.assert_array_equal(clf.encoder_.transform(X), fitted.transform(X))


def test_image_shape_of_the_classifier_or_of_the_encoder(images):
    X, y = images
    rows, shape = X.reshape(len(X), -1), (SIZE, SIZE)
    options = {"max_epochs": 5, "random_state": 0}
    own = SimCardioNetClassifier(make_encoder(), image_shape=shape, **options)
    of_encoder = SimCardioNetClassifier(make_encoder(image_shape=shape), **options)
    frozen = SimCardioNetClassifier(
        FrozenEstimator(make_encoder(image_shape=shape).fit(rows)), **options
    )
    found = [clf.fit(rows, y).predict_proba(rows) for clf in (own, of_encoder, frozen)]
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


def test_encoder_of_another_class(images):
    X, y = images
    with pytest.raises(ValueError, match="FrozenEstimator of SimCardioNetEncoder, got one of"):
        SimCardioNetClassifier(FrozenEstimator(ACLECGEncoder())).fit(X, y)


def test_lead_importance_of_a_pipeline_renders_again(signals):
    ecg, renderer = signals
    clf = SimCardioNetClassifier(make_encoder(), unfreeze_interval=1, max_epochs=4, random_state=0)
    clf = make_pipeline(renderer, clf).fit(ecg.data, ecg.target)
    found = lead_importance(
        clf, ecg.data, ecg.target, scoring="neg_log_loss", n_repeats=2, random_state=0
    )
    assert found.importances.shape == (12, 2) and (found.importances != 0).any()


# --------------------------------------------------------------------------------------------------
# Grad-CAM
# --------------------------------------------------------------------------------------------------


def fit_marked_images(n_heads):
    """Return a network that recognizes a marked region, and test images."""
    clf = SimCardioNetClassifier(
        make_encoder(max_epochs=0, n_heads=n_heads),
        unfreeze_interval=0,
        encoder_learning_rate=1e-2,
        layer_decay=1.0,
        max_epochs=15,
        random_state=0,
    ).fit(*make_images(120, size=128))
    X, y = make_images(40, size=128, seed=1)
    assert clf.score(X, y) == 1
    return clf, X, y


@pytest.fixture(scope="module")
def marked():
    return fit_marked_images(n_heads=0)


def share_near_mark(heat):
    """Return the share of the heat within two positions (16 pixels) of the marked region."""
    near = heat[:, 21 - 16 : 42 + 16, 85 - 16 : 106 + 16]
    return np.median(near.sum((1, 2)) / heat.sum((1, 2)))


def test_grad_cam_highlights_the_marked_region(marked):
    clf, X, y = marked
    heat = grad_cam(clf, X[y == 1], target=1)
    assert heat.shape == (20, 128, 128) and (heat >= 0).all()
    # The receptive field of a 7x7 convolution extends by three positions.
    assert share_near_mark(heat) > 0.8
    rows, columns = np.unravel_index(heat.reshape(20, -1).argmax(1), (128, 128))
    assert ((rows >= 13) & (rows < 50) & (columns >= 77) & (columns < 114)).all()


def test_positions_of_a_map_are_at_the_centers_of_their_receptive_fields():
    """The upsampled map of a single position has the same center as its receptive field."""
    maps = SimCardioNet(1, filters=(4, 4, 4), n_heads=0, projection_dim=4).double().eval()
    for weights in maps.parameters():
        torch.nn.init.constant_(weights, 0.1)
    x = torch.rand(1, 1, 400, 560, dtype=torch.float64, requires_grad=True)
    features = maps.feature_map(x)
    row, column = 12, 17
    features[0, :, row, column].sum().backward()
    field = x.grad[0, 0]
    heat = torch.zeros(1, *features.shape[2:], dtype=torch.float64)
    heat[0, row, column] = 1
    upsampled = interpolate_map(interpolate_map(heat, 560, maps).mT, 400, maps).mT[0]
    for dim, size in ((0, 400), (1, 560)):
        points = torch.arange(size, dtype=torch.float64)
        centers = [(w.sum(1 - dim) * points).sum() / w.sum() for w in (field, upsampled)]
        assert abs(centers[0] - centers[1]) < 0.5, centers


def test_grad_cam_with_attention_highlights_the_marked_region():
    clf, X, y = fit_marked_images(n_heads=2)
    heat = grad_cam(clf, X[y == 1], target=1)
    assert share_near_mark(heat) > 2 * (53 * 53 / 128**2)


def test_grad_cam_changes_when_weights_are_randomized(marked):
    clf, X, y = marked
    X = X[y == 1]
    heat = grad_cam(clf, X, target=1)
    random = clone(clf).set_params(max_epochs=0, random_state=7)
    other = grad_cam(random.fit(*make_images(40, size=128)), X, target=1)
    assert share_near_mark(other[other.any((1, 2))]) < share_near_mark(heat) - 0.3
    correlation = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(heat, other) if b.any()]
    assert np.median(correlation) < 0.5


def test_grad_cam_of_any_class_and_batch(marked, monkeypatch):
    clf, X, y = marked
    heat, targets = grad_cam(clf, X, return_targets=True)
    np.testing.assert_array_equal(targets, clf.predict(X))
    np.testing.assert_array_equal(heat[y == 1], grad_cam(clf, X[y == 1], target=1))
    monkeypatch.setattr("sklearn_ecg.utils._chunks.NETWORK", ChunkBudget(10**9, max_records=7))
    np.testing.assert_allclose(grad_cam(clf, X), heat, rtol=1e-6, atol=1e-5)
    pipeline = make_pipeline(FrozenEstimator(clf))
    np.testing.assert_allclose(grad_cam(pipeline, X[:3]), heat[:3], rtol=1e-6, atol=1e-5)


def test_grad_cam_has_the_size_of_the_images():
    X, y = make_images(16, size=50)
    clf = SimCardioNetClassifier(make_encoder(image_size=(20, 32)), frozen=True, max_epochs=1)
    assert grad_cam(clf.fit(X, y), X).shape == (16, 50, 50)


def test_grad_cam_needs_classes(fitted, images):
    with pytest.raises(TypeError, match="SimCardioNetEncoder has no classes"):
        grad_cam(fitted, images[0])


@pytest.mark.parametrize("region", list(REGIONS_12))
def test_grad_cam_of_a_pipeline_highlights_the_leads_of_the_infarction(region):
    ecg = make_ecg(
        240, regions=region, prevalence=0.5, severity=1.5, class_sep=np.inf, random_state=0
    )
    renderer = ECGImageRenderer(
        sampling_rate=100,
        image_size=(96, 128),
        gain=10,
        rhythm_lead=None,
        grid=False,
        lead_labels=False,
        calibration=False,
        overflow="clip",
    )
    clf = SimCardioNetClassifier(
        make_encoder(max_epochs=0, n_heads=0),
        unfreeze_interval=0,
        encoder_learning_rate=1e-2,
        layer_decay=1.0,
        max_epochs=40,
        random_state=0,
    )
    clf = make_pipeline(renderer, clf).fit(ecg.data[:180], ecg.target[:180])
    X, y = ecg.data[180:], ecg.target[180:]
    assert clf.score(X, y) > 0.9
    heat = grad_cam(clf, X[y == 1], target=1).mean(axis=0)
    boxes = clf[0].lead_boxes_.items()
    density = {lead: heat[t:b, left:right].mean() for lead, (t, b, left, right) in boxes}
    inside = np.mean([density.pop(lead) for lead in REGIONS_12[region]])
    assert inside > 2 * np.mean(list(density.values()))


def test_display_of_an_image(marked):
    clf, X, y = marked
    display = GradCAMDisplay.from_estimator(clf, X, record=1, target=1)
    assert display.kind == "image" and display.ax_.get_title() == "Grad-CAM: 1"
    np.testing.assert_array_equal(display.data[..., 0], X[1])
    with pytest.raises(ValueError, match="record=99 is not in X, which holds 40 records"):
        GradCAMDisplay.from_estimator(clf, X, record=99)
    plt.close("all")


def test_display_of_rendered_signals(signals):
    ecg, renderer = signals
    clf = SimCardioNetClassifier(make_encoder(), frozen=True, max_epochs=1)
    clf = make_pipeline(renderer, clf)
    frame = to_lead_frame(ecg.data, ecg.lead_names)
    display = GradCAMDisplay.from_estimator(clf.fit(frame, ecg.target), frame, record=3)
    rendered = renderer.fit_transform(ecg.data)[3]
    np.testing.assert_array_equal(np.squeeze(display.data), rendered)
    assert display.heat_map.shape == (64, 64)
    plt.close("all")


# --------------------------------------------------------------------------------------------------
# Real records
# --------------------------------------------------------------------------------------------------


def test_real_records(data_folder):
    ecg = load_ptbxl(data_folder / "ptbxl", task="mi", folds=[1])
    images = ECGImageRenderer(sampling_rate=100, image_size=64).fit_transform(ecg.data)
    encoder = make_encoder(augmentation=[ColorJitter(), RandomHorizontalFlip()]).fit(images)
    assert encoder.history_["train_loss"][-1] < encoder.history_["train_loss"][0]
    clf = SimCardioNetClassifier(FrozenEstimator(encoder), frozen=True, random_state=0)
    probability = clf.fit(images, ecg.target).predict_proba(images)
    assert np.isfinite(probability).all()

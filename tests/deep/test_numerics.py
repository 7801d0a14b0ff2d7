"""Tests of clipped gradients, and of errors of trainings that diverge or run out of memory."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback

from sklearn_ecg import (
    ACLECGClassifier,
    ACLECGEncoder,
    ECGNetClassifier,
    MSAICNetClassifier,
    SimCardioNetClassifier,
    SimCardioNetEncoder,
)
from sklearn_ecg.augmentation import GaussianNoise
from sklearn_ecg.deep._training.numerics import clip_gradients, named_memory_errors
from sklearn_ecg.nn import VGG1d
from sklearn_ecg.persistence import load, save


def small_backbone(n_leads):
    return VGG1d(n_leads, filters=(8,), n_convs=(1,))


COMMON = {"max_epochs": 2, "batch_size": 8, "random_state": 0}
SIGNAL_ENCODER = ACLECGEncoder(
    backbone=small_backbone,
    regions={"limb": ["I", "II"], "chest": ["V2"]},
    lead_names=["I", "II", "V2", "V5"],
    augmentation=GaussianNoise(0.1),
    projection_dim=4,
    **COMMON,
)
IMAGE_ENCODER = SimCardioNetEncoder(image_size=None, filters=(4,), n_heads=0, **COMMON)
ESTIMATORS = {
    "MSAIC-Net": MSAICNetClassifier(filters=(4,), dilations=(1,), **COMMON),
    "ECG-Net": ECGNetClassifier("lstm", module_params={"hidden_size": 4}, **COMMON),
    "ACL-ECG": SIGNAL_ENCODER,
    "ACL-ECG classifier": ACLECGClassifier(SIGNAL_ENCODER, lead_names=["I", "II", "V2", "V5"]),
    "SimCardioNet": IMAGE_ENCODER,
    "SimCardioNet classifier": SimCardioNetClassifier(IMAGE_ENCODER, unfreeze_interval=0),
}
for name in ("ACL-ECG classifier", "SimCardioNet classifier"):
    ESTIMATORS[name].set_params(**COMMON)
N_BATCHES = 3

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def data(name):
    rng = np.random.RandomState(0)
    y = np.arange(24) % 2
    if name.startswith("SimCardioNet"):
        return rng.randint(0, 256, (24, 8, 16)).astype(np.uint8), y
    return rng.randn(24, 4, 40).astype(np.float32) + y[:, None, None], y


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("precision", ["float32", "float64", "mixed"])
def test_a_later_change_of_precision_has_no_effect(name, precision, tmp_path):
    """Predictions need the precision of the weights: others crashed, or rounded the records."""
    X, y = data(name)
    estimator = clone(ESTIMATORS[name]).set_params(precision=precision, max_epochs=1)
    outputs = ["transform", "predict_proba"][: 1 + hasattr(estimator, "predict_proba")]
    estimator.fit(X, y)
    expected = [getattr(estimator, output)(X) for output in outputs]
    for other in ("float32", "float64", "mixed"):
        estimator.set_params(precision=other)
        for copied in (estimator, pickle.loads(pickle.dumps(estimator))):
            for output, values in zip(outputs, expected, strict=True):
                found = getattr(copied, output)(X)
                assert found.dtype == values.dtype
                np.testing.assert_array_equal(found, values)
        if name in ("ECG-Net", "MSAIC-Net", "SimCardioNet"):
            save(estimator, tmp_path / "model.ecg")
            np.testing.assert_array_equal(load(tmp_path / "model.ecg").transform(X), expected[0])


def norm_of(gradients):
    return np.sqrt(sum(float((np.abs(g.numpy()) ** 2).sum()) for g in gradients))


@pytest.mark.parametrize("name", ["gradient_clip", "n_threads"])
@pytest.mark.parametrize("value", [True, np.True_])
def test_true_is_not_a_number(name, value):
    clf = clone(ESTIMATORS["MSAIC-Net"]).set_params(**{name: value})
    with pytest.raises(ValueError, match=f"'{name}' parameter .* must be an? .* Got (np.)?True"):
        clf.fit(np.zeros((4, 2, 20)), [0, 1, 0, 1])


@pytest.mark.parametrize("max_norm", [0.5, 1e3, None])
def test_clipping_follows_the_formula(max_norm):
    parameters = [
        torch.nn.Parameter(torch.zeros(3)),
        torch.nn.Parameter(torch.zeros(2, 2, dtype=torch.complex64)),
        torch.nn.Parameter(torch.zeros(2)),
    ]
    parameters[0].grad = torch.tensor([3.0, 0.0, -4.0])
    parameters[1].grad = torch.full((2, 2), 3 + 4j, dtype=torch.complex64)
    before = [p.grad.clone() for p in parameters[:2]]
    norm = clip_gradients(iter(parameters), max_norm)
    assert float(norm) == pytest.approx(norm_of(before)) == pytest.approx(np.sqrt(125))
    assert parameters[2].grad is None
    factor = 0.5 / np.sqrt(125) if max_norm == 0.5 else 1
    for parameter, gradient in zip(parameters, before):
        np.testing.assert_allclose(parameter.grad.numpy(), factor * gradient.numpy(), rtol=1e-6)


class RecordNorms(Callback):
    """Record the norm of the gradient that each step uses."""

    def __init__(self):
        self.norms = []

    def on_grad_computed(self, net, named_parameters, **kwargs):
        self.norms.append(norm_of([p.grad for _, p in named_parameters if p.grad is not None]))


def fit_with_norms(name, **params):
    estimator = clone(ESTIMATORS[name]).set_params(callbacks=[RecordNorms()], **params)
    fitted = estimator.fit(*data(name))
    return fitted, np.array(fitted.callbacks_[0].norms)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_clips(name):
    fitted, norms = fit_with_norms(name)
    assert len(norms) == 2 * N_BATCHES and "gradient_norm" not in fitted.history_
    limit = float(norms.min()) / 2
    clipped, small = fit_with_norms(name, gradient_clip=limit)
    # float32: the largest norm is the limit, also where the gradient was many times larger.
    np.testing.assert_allclose(small, limit, rtol=1e-4)
    # Before any step, the gradients are those of the training without a limit.
    assert len(clipped.history_["gradient_norm"]) == 2
    large, unchanged = fit_with_norms(name, gradient_clip=1e6)
    np.testing.assert_array_equal(unchanged, norms)
    np.testing.assert_array_equal(large.transform(data(name)[0]), fitted.transform(data(name)[0]))
    expected = norms.reshape(2, N_BATCHES).mean(axis=1)
    np.testing.assert_allclose(large.history_["gradient_norm"], expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["ACL-ECG classifier", "SimCardioNet classifier"])
def test_pretraining_clips(name):
    clf = clone(ESTIMATORS[name]).set_params(encoder__gradient_clip=1e-3).fit(*data(name))
    assert (clf.encoder_.history_["gradient_norm"] > 1e-3).all()
    assert "gradient_norm" not in clf.history_


@pytest.mark.parametrize("value", [0, -1.0, "1", np.nan])
def test_bad_gradient_clip(value):
    clf = clone(ESTIMATORS["MSAIC-Net"]).set_params(gradient_clip=value)
    with pytest.raises(ValueError, match="'gradient_clip' parameter of MSAICNetClassifier must be"):
        clf.fit(*data("MSAIC-Net"))


class SpoilGradient(torch.autograd.Function):
    """Return the input, and a gradient of infinity."""

    @staticmethod
    def forward(context, x):
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        return gradient * torch.inf


class SpoilLoss(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x * torch.nan

    @staticmethod
    def backward(context, gradient):
        return gradient


class SpoilBatch(Callback):
    """Spoil the outputs of the network in one batch of the second epoch, and after it.

    Batches are counted from 1. Validation batches come after those of the training.
    """

    def __init__(self, function, batch=2):
        self.function = function
        self.batch = batch

    def on_batch_begin(self, net, **kwargs):
        if (len(net.history), len(net.history[-1]["batches"])) == (2, self.batch):
            net.module_.register_forward_hook(self.spoil)

    def spoil(self, module, inputs, outputs):
        if isinstance(outputs, tuple):
            return tuple(self.function(output) for output in outputs)
        return self.function(outputs)


@pytest.mark.parametrize("clip", [None, 1.0])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_infinite_gradient_names_epoch_and_batch(name, clip):
    estimator = clone(ESTIMATORS[name])
    estimator.set_params(callbacks=[SpoilBatch(SpoilGradient.apply)], gradient_clip=clip)
    expected = (
        r"The gradient norm became (inf|nan) in epoch 2, batch 2 of 3, where the loss is [-0-9.e]+"
        r"\. .* learning_rate .*gradient_clip=1.0.*normalize"
    )
    with pytest.raises(ValueError, match=expected):
        estimator.fit(*data(name))
    assert not hasattr(estimator, "net_")


@pytest.mark.parametrize("name", ESTIMATORS)
def test_non_finite_loss_names_epoch_and_batch(name):
    estimator = clone(ESTIMATORS[name]).set_params(callbacks=[SpoilBatch(SpoilLoss.apply)])
    with pytest.raises(
        ValueError, match="train loss became nan in epoch 2, batch 2 of 3.*learning_"
    ):
        estimator.fit(*data(name))
    assert not hasattr(estimator, "net_")


def test_non_finite_validation_loss_names_epoch_and_batch():
    clf = clone(ESTIMATORS["MSAIC-Net"]).set_params(
        callbacks=[SpoilBatch(SpoilLoss.apply, batch=N_BATCHES + 1)],
        early_stopping=True,
        validation_fraction=0.25,
    )
    with pytest.raises(ValueError, match="valid loss became nan in epoch 2, batch 1 of 1"):
        clf.fit(*data("MSAIC-Net"))


def test_advice_about_mixed_precision():
    clf = clone(ESTIMATORS["MSAIC-Net"])
    clf.set_params(callbacks=[SpoilBatch(SpoilLoss.apply)])
    with pytest.raises(ValueError) as error:
        clf.fit(*data("MSAIC-Net"))
    assert "bfloat16" not in str(error.value)
    with pytest.raises(ValueError, match="'mixed' computes in bfloat16.*precision='float32'"):
        clf.set_params(precision="mixed").fit(*data("MSAIC-Net"))


def test_large_finite_gradients_overflow_to_an_error():
    """The squares of a gradient of 1e25 are infinite in float32."""

    class Huge(torch.autograd.Function):
        forward = SpoilGradient.forward

        @staticmethod
        def backward(context, gradient):
            return gradient * 1e25

    for clip in (None, 1.0):
        clf = clone(ESTIMATORS["MSAIC-Net"])
        clf.set_params(callbacks=[SpoilBatch(Huge.apply)], gradient_clip=clip)
        with pytest.raises(ValueError, match="gradient norm became inf in epoch 2, batch 2 of 3"):
            clf.fit(*data("MSAIC-Net"))


class RunOutOfMemory(Callback):
    def on_batch_begin(self, net, training, **kwargs):
        if (len(net.history), len(net.history[-1]["batches"])) == (2, 3):
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.")


@pytest.mark.parametrize("name", ESTIMATORS)
def test_memory_error_names_epoch_and_batch(name):
    estimator = clone(ESTIMATORS[name]).set_params(callbacks=[RunOutOfMemory()])
    expected = (
        r"The GPU ran out of memory in epoch 2, batch 3 of 3\. Pass a smaller batch_size \(8 was "
        r"given\), or precision='mixed'\. torch reports: CUDA out of memory\. Tried"
    )
    with pytest.raises(torch.cuda.OutOfMemoryError, match=expected):
        estimator.fit(*data(name))
    assert not hasattr(estimator, "net_")


def test_memory_error_of_pretraining_is_named_once():
    clf = clone(ESTIMATORS["ACL-ECG classifier"])
    clf.set_params(encoder__callbacks=[RunOutOfMemory()], encoder__precision="mixed")
    with pytest.raises(torch.cuda.OutOfMemoryError, match="batch 3 of 3.*, or a smaller") as error:
        clf.fit(*data("ACL-ECG classifier"))
    assert str(error.value).count("ran out of memory") == 1


def test_memory_error_of_predictions_names_the_records(monkeypatch):
    X, y = data("MSAIC-Net")
    clf = clone(ESTIMATORS["MSAIC-Net"]).fit(X, y)

    def forward(x):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(clf.net_.module_, "embed", forward)
    with pytest.raises(torch.cuda.OutOfMemoryError, match="memory with records 0 to 23. Free the"):
        clf.predict(X)


def test_memory_error_outside_of_the_training(monkeypatch):
    clf = clone(ESTIMATORS["MSAIC-Net"])

    def build(data):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(clf, "_make_network", build, raising=False)
    with pytest.raises(torch.cuda.OutOfMemoryError, match="in fit, outside of the training. Free"):
        clf.fit(*data("MSAIC-Net"))


def test_other_errors_are_not_changed():
    with pytest.raises(RuntimeError, match="^other$"), named_memory_errors(lambda: "", ""):
        raise RuntimeError("other")

"""Settings of the calling program, such as torch's default dtype, do not change results."""

import contextlib
import os
import subprocess
import sys
import threading

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
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import grad_cam, lead_importance
from sklearn_ecg.nn import VGG1d
from sklearn_ecg.utils._torch import usual_settings


@contextlib.contextmanager
def setting(change, undo):
    change()
    try:
        yield
    finally:
        undo()


SETTINGS = {
    "default dtype float64": lambda: setting(
        lambda: torch.set_default_dtype(torch.float64),
        lambda: torch.set_default_dtype(torch.float32),
    ),
    "default dtype bfloat16": lambda: setting(
        lambda: torch.set_default_dtype(torch.bfloat16),
        lambda: torch.set_default_dtype(torch.float32),
    ),
    "default device": lambda: torch.device("meta"),
    "inference mode": torch.inference_mode,
    "no gradients": torch.no_grad,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "precision of products": lambda: setting(
        lambda: torch.set_float32_matmul_precision("medium"),
        lambda: torch.set_float32_matmul_precision("highest"),
    ),
    "deterministic algorithms": lambda: setting(
        lambda: torch.use_deterministic_algorithms(True),
        lambda: torch.use_deterministic_algorithms(False),
    ),
    "NumPy raises errors": lambda: np.errstate(all="raise"),
}


def small_backbone(n_leads):
    return VGG1d(n_leads, filters=(8,), n_convs=(1,))


class MakesTensors(torch.nn.Module):
    """A module that makes tensors of the default dtype in each pass."""

    def __init__(self, n_leads, n_outputs):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.full((n_leads,), 0.1))
        self.linear = torch.nn.Linear(n_leads, n_outputs)

    def forward(self, x):
        offset = torch.linspace(0, 1, x.shape[1])
        return self.linear(x.mean(2) * self.scale + offset)


ENCODER = ACLECGEncoder(
    backbone=small_backbone, projection_dim=8, max_epochs=1, sampling_rate=100, random_state=0
)
ESTIMATORS = {
    "MSAICNet": MSAICNetClassifier(
        filters=(8,), max_epochs=1, early_stopping=True, validation_fraction=0.3, random_state=0
    ),
    "LSTM": ECGNetClassifier("lstm", module_params={"hidden_size": 8}, max_epochs=1),
    "module": ECGNetClassifier(MakesTensors, max_epochs=1, class_weight="balanced"),
    "ACL-ECG": ACLECGClassifier(ENCODER, max_epochs=1),
    "frozen": ACLECGClassifier(ENCODER, frozen=True, max_epochs=1),
}


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(24, duration=1, prevalence=0.5, random_state=0)


def results(estimator, X, y):
    clf = clone(estimator).set_params(random_state=0).fit(X, y)
    found = [clf.predict_proba(X), clf.predict_log_proba(X), clf.transform(X), clf.predict(X)]
    if isinstance(clf, MSAICNetClassifier):
        found.append(grad_cam(clf, X))
        found.append(lead_importance(clf, X, y, n_repeats=2, random_state=0)["importances"])
    return found


@pytest.fixture(scope="module")
def expected(ecg):
    return {name: results(e, ecg.data, ecg.target) for name, e in ESTIMATORS.items()}


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("settings", SETTINGS)
def test_results_do_not_depend_on_settings(settings, name, ecg, expected):
    before = torch.get_default_dtype(), torch.get_float32_matmul_precision()
    with SETTINGS[settings]():
        inside = torch.get_default_dtype(), torch.get_float32_matmul_precision()
        found = results(ESTIMATORS[name], ecg.data, ecg.target)
        assert (torch.get_default_dtype(), torch.get_float32_matmul_precision()) == inside
        assert torch.is_inference_mode_enabled() == (settings == "inference mode")
    assert (torch.get_default_dtype(), torch.get_float32_matmul_precision()) == before
    for one, other in zip(found, expected[name], strict=True):
        np.testing.assert_array_equal(one, other)


def test_settings_are_restored_after_an_error(ecg):
    with SETTINGS["default dtype float64"]():
        with pytest.raises(ValueError, match="at least 2 classes"):
            MSAICNetClassifier().fit(ecg.data, np.zeros(24))
        assert torch.get_default_dtype() == torch.float64


class WaitForOther(Callback):
    def __init__(self, mine, other):
        self.mine, self.other = mine, other

    def __deepcopy__(self, memo):
        return self

    def on_epoch_end(self, net, **kwargs):
        self.mine.set()
        assert self.other.wait(timeout=60)


def test_default_dtype_is_float32_while_any_thread_needs_it(ecg):
    """A prediction that ends during a fit in another thread does not restore the default."""
    clf = clone(ESTIMATORS["module"]).set_params(random_state=0).fit(ecg.data, ecg.target)
    fitting, predicted = threading.Event(), threading.Event()
    other = clone(clf).set_params(callbacks=[WaitForOther(fitting, predicted)], max_epochs=2)
    with SETTINGS["default dtype float64"]():
        thread = threading.Thread(target=other.fit, args=(ecg.data, ecg.target))
        thread.start()
        assert fitting.wait(timeout=60)
        clf.predict(ecg.data)
        predicted.set()
        thread.join()
        assert torch.get_default_dtype() == torch.float64
    again = clone(clf).set_params(max_epochs=2).fit(ecg.data, ecg.target)
    np.testing.assert_array_equal(other.predict_proba(ecg.data), again.predict_proba(ecg.data))


FORK = """
import os, sys, threading
import numpy as np, torch
from skorch.callbacks import Callback
from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.datasets import make_ecg

ecg = make_ecg(24, duration=1, prevalence=0.5, random_state=0)
small = {"filters": (8,), "max_epochs": 1, "random_state": 0, "n_threads": int(sys.argv[1])}
# The thread that forks has used the threads of OpenMP.
expected = MSAICNetClassifier(**small).fit(ecg.data, ecg.target).predict_proba(ecg.data)
fitting, go_on = threading.Event(), threading.Event()

class Wait(Callback):
    def on_epoch_end(self, net, **kwargs):
        fitting.set()
        go_on.wait()

torch.set_default_dtype(torch.float64)
slow = MSAICNetClassifier(**small, callbacks=[Wait()])
thread = threading.Thread(target=slow.fit, args=(ecg.data, ecg.target))
thread.start()
fitting.wait()
child = os.fork()
if child == 0:
    found = MSAICNetClassifier(**small).fit(ecg.data, ecg.target).predict_proba(ecg.data)
    right = np.allclose(found, expected, atol=1e-4)
    os._exit(0 if right and torch.get_default_dtype() == torch.float64 else 1)
_, status = os.waitpid(child, 0)
go_on.set()
thread.join()
print(status, torch.get_default_dtype())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("n_threads", ["1", "2"])
def test_fork_during_a_fit_in_another_thread(n_threads):
    # The time limit ends a deadlock only.
    out = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK, n_threads],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert out.stdout.split() == ["0", "torch.float64"], out.stderr


class SpoilLastStep(Callback):
    """Make a weight infinite after the last step, as a step that is too large does."""

    def __init__(self, value):
        self.value = value

    def on_train_end(self, net, **kwargs):
        with torch.no_grad():
            list(net.module_.parameters())[-1].fill_(self.value)


SPOILED = {
    **ESTIMATORS,
    "encoder": ENCODER,
    "images": SimCardioNetEncoder(image_size=(8, 16), filters=(4,), n_heads=0, max_epochs=1),
    "fine-tuned": SimCardioNetClassifier(
        SimCardioNetEncoder(image_size=(8, 16), filters=(4,), n_heads=0, max_epochs=1),
        unfreeze_interval=0,
        max_epochs=1,
    ),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", SPOILED)
def test_non_finite_weights_after_the_last_step_are_an_error(name, value, ecg):
    X = ecg.data
    if name in ("images", "fine-tuned"):
        X = np.random.RandomState(0).randint(0, 256, (24, 8, 16)).astype(np.uint8)
    estimator = clone(SPOILED[name])
    estimator.set_params(callbacks=[SpoilLastStep(value)])
    if hasattr(estimator, "early_stopping"):
        estimator.set_params(early_stopping=False)
    with pytest.raises(ValueError, match="became NaN or infinite in the last step.*learning_rate"):
        estimator.fit(X, ecg.target)
    assert not hasattr(estimator, "net_")


def test_too_large_last_step_is_an_error(ecg):
    clf = MSAICNetClassifier(
        filters=(8,), max_epochs=1, batch_size=24, learning_rate=1e38, random_state=0
    )
    with pytest.raises(ValueError, match="learning_rate"):
        clf.fit(ecg.data, ecg.target)


def test_masks_with_infinity_are_allowed(ecg):
    class Masked(MakesTensors):
        def __init__(self, n_leads, n_outputs):
            super().__init__(n_leads, n_outputs)
            self.register_buffer("mask", torch.full((n_leads,), -torch.inf))

    ECGNetClassifier(Masked, max_epochs=1).fit(ecg.data, ecg.target)


@pytest.mark.parametrize("method", ["decision_function", "predict", "predict_proba", "transform"])
def test_predictions_are_finite_or_an_error(method, ecg):
    clf = clone(ESTIMATORS["MSAICNet"]).fit(ecg.data, ecg.target)
    with torch.no_grad():
        for parameter in clf.net_.module_.parameters():
            parameter.fill_(torch.nan)
    with pytest.raises(ValueError, match="returned NaN or infinity, first for record 0"):
        getattr(clf, method)(ecg.data)


@pytest.mark.parametrize("given", [{}, {"GOMP_SPINCOUNT": "7"}, {"OMP_WAIT_POLICY": "active"}])
def test_threads_that_wait_sleep_early_unless_the_program_decides(given):
    program = (
        "import os, sklearn_ecg; print(os.environ.get('GOMP_SPINCOUNT'));"
        "import sys; print('torch' in sys.modules)"
    )
    names = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    environment = {k: v for k, v in os.environ.items() if k not in names}
    out = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment, **given},
        capture_output=True,
        text=True,
    )
    expected = "None" if "OMP_WAIT_POLICY" in given else given.get("GOMP_SPINCOUNT", "10000")
    assert out.stdout.split() == [expected, "False"]


def test_early_stopping_without_epochs(ecg):
    clf = clone(ESTIMATORS["MSAICNet"]).set_params(max_epochs=0).fit(ecg.data, ecg.target)
    assert clf.n_iter_ == 0


@pytest.mark.skipif(
    not hasattr(torch.backends.cudnn, "conv"), reason="torch < 2.9 has no precision of operations"
)
def test_gpus_compute_in_full_precision(monkeypatch):
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    cudnn, products = torch.backends.cudnn, torch.backends.cuda.matmul

    def state():
        precisions = [part.fp32_precision for part in (cudnn.conv, cudnn.rnn, products)]
        return [*precisions, cudnn.deterministic, cudnn.benchmark]

    before = state()
    monkeypatch.setattr(cudnn, "benchmark", True)
    with usual_settings(torch.device("cpu")):
        assert state() == ["ieee", "ieee", before[2], True, False]
        assert products.fp32_precision in ("none", "ieee")
    assert state() == [*before[:4], True]


@pytest.mark.parametrize("inside_autocast", [False, True])
def test_mixed_precision_learns_like_full_precision(inside_autocast):
    ecg = make_ecg(32, duration=1, prevalence=0.5, class_sep=np.inf, random_state=0)
    losses = []
    for precision in ("float32", "mixed"):
        clf = MSAICNetClassifier(
            filters=(8,),
            dilations=(1,),
            dropout=0,
            contrastive_weight=0,
            max_epochs=8,
            batch_size=16,
            learning_rate=1e-2,
            precision=precision,
            random_state=0,
            device="cpu",
        )
        with torch.autocast("cpu", enabled=inside_autocast):
            losses.append(clf.fit(ecg.data, ecg.target).history_["train_loss"])
    # Weights that stay in bfloat16 as they were at the first step would not be learned.
    np.testing.assert_allclose(losses[1], losses[0], rtol=0.25)
    assert losses[1][-1] < losses[1][0] / 2

"""Small fits of every deep estimator, and a program that kills them: see `test_checkpoints`.

The program takes a folder, a seed, a number of kills and names of fits. It runs each fit in a
process of its own, kills it at a random moment, and starts it again, until it was killed that often
and has ended. It prints a line for each result that differs from that of an uninterrupted fit.
"""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.frozen import FrozenEstimator
from torch import nn

from sklearn_ecg import (
    ACLECGClassifier,
    ACLECGEncoder,
    ECGNetClassifier,
    MSAICNetClassifier,
    SimCardioNetClassifier,
    SimCardioNetEncoder,
)
from sklearn_ecg.augmentation import GaussianNoise
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.nn._acl_ecg import VGG1d

X, Y = make_ecg(24, duration=1, prevalence=0.5, random_state=0, return_X_y=True)
IMAGES = np.random.default_rng(0).integers(0, 256, (24, 16, 16)).astype(np.uint8)


class SmallBackbone(VGG1d):
    def __init__(self, n_leads):
        super().__init__(n_leads, filters=(4,), n_convs=(1,))


class SmallNet(nn.Module):
    """A network with dropout and with a buffer that is not in its state dict."""

    def __init__(self, n_leads, n_outputs):
        super().__init__()
        self.conv = nn.Conv1d(n_leads, 4, 5)
        self.norm = nn.BatchNorm1d(4)
        self.linear = nn.Linear(4, n_outputs)
        self.register_buffer("n_calls", self.linear.bias.detach().new_zeros(1), persistent=False)

    def forward(self, x):
        if self.training:
            self.n_calls += 1
        hidden = nn.functional.dropout(self.norm(self.conv(x)).relu().mean(2), 0.3, self.training)
        return self.linear(hidden) * (1 + 0.01 * self.n_calls)


def msaic_net(**params):
    params = {"max_epochs": 5, "random_state": 0, "batch_size": 8, **params}
    sizes = {"dilations": (1, 2), "filters": (4, 8), "embedding_dim": 8, "projection_dim": 4}
    return MSAICNetClassifier(**sizes, **params)


def acl_ecg(**params):
    params = {"max_epochs": 4, "random_state": 0, "batch_size": 8, **params}
    sizes = {"backbone": SmallBackbone, "projection_dim": 4}
    return ACLECGEncoder(augmentation=GaussianNoise(0.1), **sizes, **params)


def simcardionet(**params):
    params = {"max_epochs": 4, "random_state": 0, "batch_size": 8, **params}
    sizes = {"image_size": None, "filters": (4, 8), "n_heads": 2, "projection_dim": 4}
    return SimCardioNetEncoder(**sizes, **params)


# Functions that return an unfitted estimator, and its X and y.
FITS = {
    "MSAICNetClassifier": lambda **params: (
        msaic_net(
            **{"augmentation": GaussianNoise(0.1), "early_stopping": True, "max_epochs": 8},
            **{"validation_fraction": 0.3, "n_iter_no_change": 3, "learning_rate": 0.05},
            **params,
        ),
        (X, Y),
    ),
    "MSAICNetClassifier, balanced": lambda **params: (
        msaic_net(contrastive_loss="balanced", learning_rate_schedule="constant", **params),
        (X, Y),
    ),
    "ECGNetClassifier": lambda **params: (
        ECGNetClassifier(
            "cnn_lstm", max_epochs=3, batch_size=8, random_state=0, precision="float64", **params
        ),
        (X[:16, :2, :40], Y[:16]),
    ),
    "ECGNetClassifier, module": lambda **params: (
        ECGNetClassifier(SmallNet, max_epochs=5, batch_size=8, random_state=0, **params),
        (X, Y),
    ),
    "ACLECGEncoder": lambda **params: (acl_ecg(**params), (X,)),
    "ACLECGClassifier": lambda callbacks=None, **params: (
        ACLECGClassifier(
            acl_ecg(random_state=None, callbacks=callbacks),
            callbacks=callbacks,
            unlabeled=-1,
            max_epochs=4,
            batch_size=8,
            random_state=0,
            **params,
        ),
        (X, np.where(np.arange(24) < 16, Y, -1)),
    ),
    "SimCardioNetEncoder": lambda **params: (simcardionet(**params), (IMAGES,)),
    # The stages are unfrozen one after the other.
    "SimCardioNetClassifier": lambda callbacks=None, **params: (
        SimCardioNetClassifier(
            simcardionet(max_epochs=2, callbacks=callbacks),
            callbacks=callbacks,
            max_epochs=6,
            batch_size=8,
            random_state=0,
            **params,
        ),
        (IMAGES, Y),
    ),
    # More epochs than max_epochs.
    "SimCardioNetClassifier, from a probe": lambda **params: (
        SimCardioNetClassifier(
            FrozenEstimator(simcardionet(max_epochs=1).fit(IMAGES)),
            head_init="probe",
            freeze_batch_norm=True,
            unfreeze_interval=0,
            min_steps=13,
            max_epochs=1,
            batch_size=8,
            random_state=0,
            **params,
        ),
        (IMAGES, Y),
    ),
}


def results(estimator, X):
    """Return all numbers that a fit gives, by name."""
    found = {"embedding": estimator.transform(X)}
    if hasattr(estimator, "predict_proba"):
        found["probabilities"] = estimator.predict_proba(X)
    for owner, name in ((estimator, ""), (getattr(estimator, "encoder_", None), "encoder ")):
        if owner is not None:
            found |= {f"{name}{key} of history": v for key, v in owner.history_.items()}
            module = owner.net_.module_
            for key, tensor in [*module.named_parameters(), *module.named_buffers()]:
                found[f"{name}{key}"] = tensor.detach().numpy()
    return found


def difference(first, second):
    """Return the name of the first of two results that are not equal bit for bit, or None."""
    if list(first) != list(second):
        return "the names of the results"
    for name, values in first.items():
        other = second[name]
        same = values.dtype == other.dtype and values.shape == other.shape
        if not same or values.tobytes() != other.tobytes():
            return name
    return None


def lengthen(estimator):
    """Train for five times as many epochs, so that most kills are between two of them."""
    params = estimator.get_params()
    longer = {name: 5 * v for name, v in params.items() if name.endswith("max_epochs")}
    if "early_stopping" in params:
        longer["n_iter_no_change"] = 12
    return estimator.set_params(**longer)


def fit_in_process(estimator, data, path):
    """Start a process that fits an estimator and stores the results, and return its number."""
    child = os.fork()
    if child:
        return child
    try:
        np.savez(path, **results(estimator.fit(*data), data[0]))
        os._exit(0)
    finally:
        os._exit(1)


def run_killed(name, folder, n_kills, rng):
    """Kill a fit until it was killed ``n_kills`` times and has ended, and print what happened."""
    estimator, data = FITS[name]()
    checkpoint, path = folder / "checkpoint", folder / "results.npz"
    # In this process, so that the others do not spend most of their time on imports.
    expected = results(lengthen(estimator).fit(*data), data[0])
    estimator.set_params(checkpoint=checkpoint)
    start = time.perf_counter()
    os.waitpid(fit_in_process(estimator, data, path), 0)
    duration = time.perf_counter() - start
    shutil.rmtree(checkpoint)
    killed = in_training = in_saving = 0
    while killed < n_kills or not path.exists():
        path.unlink(missing_ok=True)
        child = fit_in_process(estimator, data, path)
        if killed < n_kills:
            time.sleep(duration * rng.uniform(0, 0.6))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            killed += 1
            in_training += any(checkpoint.glob("*.partial.ckpt"))
            in_saving += any(checkpoint.glob(".*.tmp"))
            path.unlink(missing_ok=True)
            continue
        if os.WEXITSTATUS(status):
            print(f"{name}: a fit failed")
            return
        with np.load(path) as found:
            different = difference(expected, dict(found))
        if different is not None:
            print(f"{name}: {different} differs")
        left = {p.name for p in checkpoint.iterdir() if not p.name.endswith(".ckpt")}
        left |= {p.name for p in checkpoint.glob("*.partial.ckpt")}
        if left:
            print(f"{name}: the files {sorted(left)} are left")
        shutil.rmtree(checkpoint)
    print(f"killed {killed}, {in_training} with a checkpoint, {in_saving} while saving it")


if __name__ == "__main__":
    for fit in sys.argv[4:]:
        run_killed(
            fit, Path(sys.argv[1]), int(sys.argv[3]), np.random.default_rng(int(sys.argv[2]))
        )

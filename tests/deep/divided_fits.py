"""Small fits for several processes: see `test_processes_together`.

The program takes a folder and names of cases, and stores the results of each process there. It is
plain scikit-learn: nothing but the launcher makes it run in several processes.
"""

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
from checkpointed_fits import IMAGES, X, Y, acl_ecg, msaic_net, results, simcardionet
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback

from sklearn_ecg import (
    ACLECGClassifier,
    ACLECGEncoder,
    BeatFeatureEncoder,
    ECGNetClassifier,
    LazyRecords,
    MSAICNetClassifier,
    MSAICNetRegressor,
    SimCardioNetClassifier,
)
from sklearn_ecg.augmentation import GaussianNoise
from sklearn_ecg.datasets import make_ecg

NUMBER = int(os.environ.get("RANK", "0"))
WEIGHTS = np.random.default_rng(1).integers(0, 4, len(Y)).astype(float)
LABELS = np.c_[Y, np.random.default_rng(2).integers(0, 2, len(Y))]


class Signal(Callback):
    """Send a signal to the second process after its second epoch."""

    def __init__(self, name):
        self.name = name

    def on_epoch_end(self, net, **kwargs):
        if NUMBER == 1 and len(net.history) == 2:
            os.kill(os.getpid(), getattr(signal, self.name))


class Fail(Callback):
    """Raise an error in the third epoch of one of the processes."""

    def __init__(self, number):
        self.number = number

    def on_epoch_begin(self, net, **kwargs):
        if NUMBER == self.number and len(net.history) == 3:
            raise OSError("a disk has failed")


class Interrupt(Callback):
    """Count epochs, and raise an error in the third one if the environment says so."""

    def on_epoch_begin(self, net, **kwargs):
        print(f"epoch {len(net.history)} of process {NUMBER}", flush=True)
        if len(net.history) == 3 and "INTERRUPT" in os.environ:
            raise OSError("interrupted")


def lazy_records(folder):
    path = folder / f"records-{NUMBER}.npy"
    np.save(path, X)
    return LazyRecords(path)


# Functions of the folder that return an unfitted estimator, its X, and other arguments of `fit`.
CASES = {
    # Batches of 7, 7, 7 and 3 records, of which two processes have unequal shares.
    "MSAICNetClassifier": lambda folder: (
        msaic_net(batch_size=7, max_epochs=3, class_weight="balanced"),
        X,
        {"y": Y, "sample_weight": WEIGHTS},
    ),
    "MSAICNetClassifier, float64": lambda folder: (
        msaic_net(batch_size=7, max_epochs=3, precision="float64", dropout=0.3),
        X,
        {"y": LABELS},
    ),
    "MSAICNetClassifier, early stopping": lambda folder: (
        msaic_net(
            **{"augmentation": GaussianNoise(0.1), "early_stopping": True, "max_epochs": 9},
            **{"validation_fraction": 0.3, "n_iter_no_change": 2, "learning_rate": 0.1},
            **{"precision": "float64", "verbose": 1, "gradient_clip": 1.0},
        ),
        X,
        {"y": Y},
    ),
    "MSAICNetClassifier, prototypes": lambda folder: (
        msaic_net(contrastive_loss="balanced", batch_size=5, precision="float64"),
        lazy_records(folder),
        {"y": Y},
    ),
    "MSAICNetRegressor": lambda folder: (
        MSAICNetRegressor(filters=(4,), dilations=(1,), max_epochs=2, batch_size=9, random_state=0),
        X,
        {"y": X[:, 0].std(axis=1)},
    ),
    "ECGNetClassifier": lambda folder: (
        ECGNetClassifier(
            "cnn_lstm", max_epochs=2, batch_size=8, random_state=0, precision="float64"
        ),
        X[:16, :2, :40],
        {"y": Y[:16]},
    ),
    "ECGNetClassifier, attention": lambda folder: (
        ECGNetClassifier(
            "transformer", max_epochs=2, batch_size=7, random_state=0, precision="float64"
        ),
        X[:16, :2, :40],
        {"y": Y[:16]},
    ),
    "ACLECGEncoder": lambda folder: (acl_ecg(max_epochs=3, batch_size=7), X, {}),
    "ACLECGEncoder, separate": lambda folder: (
        acl_ecg(max_epochs=3, batch_size=7, inter="separate", precision="float64"),
        X,
        {},
    ),
    "ACLECGEncoder, paper": lambda folder: (
        ACLECGEncoder(
            **{"sampling_rate": 100, "backbone": "strided", "precision": "float64"},
            **{"max_epochs": 2, "batch_size": 8, "random_state": 0},
        ),
        make_ecg(16, duration=2, random_state=0).data,
        {},
    ),
    "ACLECGClassifier": lambda folder: (
        ACLECGClassifier(
            acl_ecg(random_state=None, max_epochs=2, precision="float64"),
            **{"unlabeled": -1, "max_epochs": 3, "batch_size": 7, "random_state": 0},
            precision="float64",
        ),
        X,
        {"y": np.where(np.arange(24) < 16, Y, -1)},
    ),
    # The gradient of some biases of an attention is zero but for rounding.
    "SimCardioNetEncoder": lambda folder: (
        simcardionet(max_epochs=3, batch_size=7).set_params(n_heads=0),
        IMAGES,
        {},
    ),
    "SimCardioNetEncoder, float64": lambda folder: (
        simcardionet(max_epochs=3, batch_size=7, precision="float64"),
        IMAGES,
        {},
    ),
    "SimCardioNetClassifier": lambda folder: (
        SimCardioNetClassifier(
            simcardionet(max_epochs=2, precision="float64"),
            **{"max_epochs": 6, "batch_size": 8, "random_state": 0, "precision": "float64"},
        ),
        IMAGES,
        {"y": Y},
    ),
    "BeatFeatureEncoder": lambda folder: (
        BeatFeatureEncoder(
            **{"sampling_rate": 100, "precision": "float64"},
            **{"max_epochs": 2, "batch_size": 6, "random_state": 0},
        ),
        make_ecg(16, duration=3, random_state=0).data,
        {},
    ),
    "checkpoint": lambda folder: (
        msaic_net(callbacks=[Interrupt()], checkpoint=folder / "checkpoint"),
        X,
        {"y": Y},
    ),
    "no folder": lambda folder: (msaic_net(checkpoint="/dev/null/checkpoint"), X, {"y": Y}),
    "killed": lambda folder: (msaic_net(callbacks=[Signal("SIGKILL")]), X, {"y": Y}),
    "suspended": lambda folder: (msaic_net(callbacks=[Signal("SIGSTOP")]), X, {"y": Y}),
    "failed": lambda folder: (msaic_net(callbacks=[Fail(1)]), X, {"y": Y}),
    "diverged": lambda folder: (msaic_net(learning_rate=1e30), X, {"y": Y}),
    "other data": lambda folder: (msaic_net(), X, {"y": Y if NUMBER == 0 else Y[::-1]}),
    "small batches": lambda folder: (msaic_net(batch_size=2), X, {"y": Y}),
    "no seed": lambda folder: (msaic_net(random_state=None), X, {"y": Y}),
    # Workers of joblib train alone, the best candidate is fitted by all processes.
    "GridSearchCV, n_jobs": lambda folder: (
        GridSearchCV(
            MSAICNetClassifier(
                **{"filters": (4,), "dilations": (1,), "precision": "float64"},
                **{"max_epochs": 1, "random_state": 0},
            ),
            {"batch_size": [8, 16]},
            **{"cv": 2, "n_jobs": 2, "scoring": "neg_log_loss"},
        ),
        X,
        {"y": Y},
    ),
}


def main(folder, names):
    if "TIMEOUT" in os.environ:
        from accelerate import PartialState

        PartialState(cpu=True, timeout=timedelta(seconds=float(os.environ["TIMEOUT"])))
    for name in names:
        estimator, records, arguments = CASES[name](folder)
        try:
            estimator.fit(records, **arguments)
        except (OSError, RuntimeError, ValueError) as error:
            (folder / f"{name}-{NUMBER}.txt").write_text(f"{type(error).__name__}: {error}")
            continue
        fitted = getattr(estimator, "best_estimator_", estimator)
        np.savez(folder / f"{name}-{NUMBER}.npz", **results(fitted, records))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
    # On a busy machine, a thread of gloo that still runs while Python ends can abort the process:
    # https://github.com/pytorch/pytorch/issues/190489
    if not any("n_jobs" in name for name in sys.argv[2:]):  # its workers would be left behind
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

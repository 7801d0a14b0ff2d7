"""Threads and GPUs: equal results, and what they cost. The figures of docs/reproducibility.rst.

    python benchmarks/bench_reproducibility.py PTB_XL_FOLDER [--write]

``--write`` replaces the table of threads.

With a CUDA GPU, networks that were trained on the CPU predict on the GPU, trainings without random
numbers are compared with those on the CPU, and two fits on the GPU with each other, with the
settings of this library and with the defaults of torch.
"""

import argparse
import contextlib
import os

import numpy as np
import torch
from _arms import TABLED
from _tables import Table, write_tables
from _timing import interleave
from joblib import Parallel, delayed

from sklearn_ecg import (
    ACLECGEncoder,
    BeatFeatureEncoder,
    ECGNetClassifier,
    MSAICNetClassifier,
    SimCardioNetEncoder,
)
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.preprocessing import ECGImageRenderer
from sklearn_ecg.utils import _torch


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", help="PTB-XL folder")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write the table of the page")
    args = parser.parse_args()
    ecg = load_ptbxl(args.folder, task="mi", folds=[1])
    X, y = np.asarray(ecg.data), np.asarray(ecg.target)
    print(f"{len(y)} records, {torch.get_num_threads()} threads, torch {torch.__version__}")

    def fit(n_threads, max_epochs, seed=0):
        clf = MSAICNetClassifier(
            max_epochs=max_epochs, n_threads=n_threads, device="cpu", random_state=seed, **TABLED
        )
        return clf.fit(X, y)

    def fit_four(n_threads):
        Parallel(n_jobs=2)(delayed(fit)(n_threads, 4, seed) for seed in range(4))

    one, four = "one fit of five epochs", "four fits of four epochs with ``n_jobs=2``"
    jobs = {(one, n): lambda n=n: fit(n, 5) for n in (1, 2)}
    jobs |= {(four, n): lambda n=n: fit_four(n) for n in (1, 2, 4)}
    found = {}
    for (name, n), seconds in interleave(jobs, repeats=args.repeats).items():
        found[name, n] = f"{np.median(seconds):.1f}"
        print(f"{name:44}n_threads={n}{found[name, n]:>8} s")
    if args.write:
        title = (
            "Seconds of fits of MSAIC-Net with ``filters=(32, 64, 64), kernel_size=7`` to "
            f"{len(y)} records of PTB-XL on {os.cpu_count()} cores, torch {torch.__version__}"
        )
        header = ("work", *(f"``n_threads={n}``" for n in (1, 2, 4)))
        rows = [(name, *(found.get((name, n)) for n in (1, 2, 4))) for name in (one, four)]
        command = "bench_reproducibility.py PTB_XL_FOLDER"
        write_tables("reproducibility.rst", "threads", [Table(title, header, rows)], command)
    if torch.cuda.is_available():
        print(torch.cuda.get_device_name())
        compare_gpu(X, y, torch.device("cuda"))
    else:
        print("no CUDA GPU")


def compare_gpu(X, y, device):
    """Compare predictions and trainings on the GPU with those on the CPU, and with each other."""
    images = ECGImageRenderer(sampling_rate=100, image_size=112).fit_transform(X)
    for name, settings in (("library", contextlib.nullcontext), ("torch", torch_defaults)):
        print(f"settings of {name}: largest difference, and SD of the values")
        with settings():
            compare_predictions(X, y, images, device)
            compare_trainings(X, y, device)


def compare_predictions(X, y, images, device):
    """Compare networks that were trained on the CPU."""
    cpu = {"device": "cpu", "random_state": 0, "max_epochs": 1}
    for estimator, records, target in (
        (MSAICNetClassifier(**cpu, **TABLED), X, y),
        (ECGNetClassifier(**cpu), X, y),
        (ACLECGEncoder(sampling_rate=100, **cpu), X, None),
        (BeatFeatureEncoder(sampling_rate=100, **cpu), X, None),
        (SimCardioNetEncoder(image_size=None, **cpu), images, None),
    ):
        estimator.fit(records, target)
        predict = getattr(estimator, "predict_proba", None) or estimator.transform
        expected = predict(records)
        estimator.net_.device = device
        estimator.net_.module_.to(device)
        report(f"prediction, {type(estimator).__name__}", expected, predict(records))


def compare_trainings(X, y, device):
    """Compare trainings of MSAIC-Net, of which those without dropout draw no number on a GPU."""
    options = {**TABLED, "dropout": 0.0, "max_epochs": 5, "random_state": 0}
    losses, found = [], []
    for where in ("cpu", device.type):
        clf = MSAICNetClassifier(device=where, **options).fit(X, y)
        losses.append(np.array(clf.history_["train_loss"]))
        found.append(clf.predict_proba(X))
    report("losses of five epochs without dropout", *losses)
    report("prediction after these epochs", *found)
    clf = MSAICNetClassifier(max_epochs=2, device=device.type, random_state=0, **TABLED)
    report(
        "two fits on the GPU, MSAICNetClassifier", *(clf.fit(X, y).predict_proba(X) for _ in "ab")
    )
    encoder = ACLECGEncoder(sampling_rate=100, max_epochs=1, device=device.type, random_state=0)
    report("two fits on the GPU, ACLECGEncoder", *(encoder.fit(X).transform(X) for _ in "ab"))


def report(title, expected, found):
    difference = np.abs(found - expected).max()
    print(f"  {title:44}{difference:.0e}  {np.std(expected, axis=0).mean():.3f}", flush=True)


@contextlib.contextmanager
def torch_defaults():
    """Leave TF32 and the algorithms of cuDNN as they are by default."""
    settings, _torch._SETTINGS = _torch._SETTINGS, contextlib.nullcontext()
    try:
        yield
    finally:
        _torch._SETTINGS = settings


if __name__ == "__main__":
    main()

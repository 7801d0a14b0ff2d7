"""Threads and GPUs: equal results, and what they cost. The figures of docs/reproducibility.rst.

    python benchmarks/bench_reproducibility.py PTB_XL_FOLDER [--write]

``--write`` replaces the table of threads.

With a CUDA GPU, two fits are compared, and a network of the CPU predicts on the GPU, with
the settings of this library and with the defaults of torch.
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

from sklearn_ecg import ACLECGEncoder, MSAICNetClassifier
from sklearn_ecg.datasets import load_ptbxl
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
        compare_gpu(X, y)
    else:
        print("no CUDA GPU")


def compare_gpu(X, y):
    """Compare two fits on the GPU, and a network of the CPU on both."""
    print(torch.cuda.get_device_name())
    encoder = ACLECGEncoder(sampling_rate=100, max_epochs=1, device="cpu", random_state=0)
    encoder.fit(X[:64])
    expected = encoder.transform(X)
    encoder.net_.module_.to("cuda")
    encoder.net_.device = "cuda"
    clf = MSAICNetClassifier(max_epochs=2, device="cuda", random_state=0, **TABLED)
    for name, settings in (("library", contextlib.nullcontext), ("torch", torch_defaults)):
        with settings():
            difference = np.abs(encoder.transform(X) - expected).max()
            fits = [clf.fit(X, y).predict_proba(X) for _ in range(2)]
        print(
            f"settings of {name}: embedding differs by {difference:.1e} (SD "
            f"{expected.std(axis=0).mean():.2f}), two fits by {np.abs(fits[0] - fits[1]).max():.1e}"
        )


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

"""Training and prediction on a GPU. The figures of docs/reproduction/speed.rst.

    python benchmarks/bench_gpu.py [--records 2048] [--epochs 3] [--repeats 2] [--write]

The time of an epoch is the difference between a fit of one epoch and a fit of more, the median over
the repeats; fits of all rows alternate. The operations of a network are those of its convolutions
and matrix products, counted by torch. Their rate is printed as a share of the rate of products of
large matrices in the same precision, the highest rate that a GPU reaches. The plain loop is that
of ``bench_training.py``, with the copy of a batch to the GPU and the value of its loss in each
step, as loops of torch usually have them. Waits are what torch counts as synchronizing calls in an
epoch. Without a GPU, the CPU is measured, and nothing is written. The results of a GPU are compared
with those of the CPU by bench_reproducibility.py.
"""

import argparse
import contextlib
import os
import statistics
import time
import warnings
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import torch
from _tables import Table, drop_zeros, write_tables
from _training_peers import LogitLoss, PlainNet, make_loss, plain_loop
from bench_training import LARGE
from torch.utils.flop_counter import FlopCounterMode

from sklearn_ecg import ACLECGEncoder, MSAICNetClassifier, SimCardioNetEncoder
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.deep._training import batches
from sklearn_ecg.nn._acl_ecg import VGG1d
from sklearn_ecg.preprocessing import ECGImageRenderer
from sklearn_ecg.utils._torch import usual_settings

RATE = 100
IMAGE_SIZE = 112
DTYPES = {"float32": torch.float32, "mixed": torch.bfloat16}
PLAIN = "plain Conv1d loop"
MSAIC, ACL, SIM = "MSAIC-Net", "ACL-ECG", "SimCardioNet"
LARGE_MSAIC = "MSAIC-Net, 653k parameters"


def make_estimators(X, y, images):
    """Return an estimator with its data, by name of the row."""
    encoding = {"sampling_rate": RATE}
    return {
        MSAIC: (MSAICNetClassifier(), X, y),
        f"{MSAIC}, batches of 512": (MSAICNetClassifier(batch_size=512), X, y),
        LARGE_MSAIC: (MSAICNetClassifier(**LARGE), X, y),
        ACL: (ACLECGEncoder(**encoding), X, None),
        f"{ACL}, batches of 512": (ACLECGEncoder(batch_size=512, **encoding), X, None),
        f"{SIM}, {IMAGE_SIZE} x {IMAGE_SIZE}": (SimCardioNetEncoder(image_size=None), images, None),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=2048)
    parser.add_argument("--epochs", type=int, default=3, help="of the longer fit, less one")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="write the tables of the page")
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    machine = f"{card}, torch {torch.__version__}, {os.cpu_count()} processors"
    X, y = make_ecg(args.records, sampling_rate=RATE, return_X_y=True, random_state=0)
    X = np.asarray(X)
    images = ECGImageRenderer(sampling_rate=RATE, image_size=IMAGE_SIZE).fit_transform(X[:1024])
    print(f"{machine}, {len(X)} records of {X.shape[1:]}, {len(images)} images", flush=True)
    tables = [
        measure_training(make_estimators(X, y, images), args, device, machine),
        measure_placement(X, y, args, device),
        measure_arithmetic(device),
    ]
    if args.write and device.type == "cuda":
        options = f"--records {args.records} --epochs {args.epochs} --repeats {args.repeats}"
        write_tables("reproduction/speed.rst", "gpu", tables, f"bench_gpu.py {options}")


def measure_training(estimators, args, device, machine):
    """Return a table of the speed of training and prediction."""
    rows = []
    for precision, dtype in DTYPES.items():
        peak = measure_products(dtype, device)
        fitted, functions = {}, {}
        for name, (estimator, X, y) in estimators.items():
            options = {"precision": precision, "device": device.type, "random_state": 0}
            estimator.set_params(**options)
            fitted[name] = estimator
            functions[name] = partial(fit, estimator, X, y)
            if name in (MSAIC, LARGE_MSAIC) and precision == "float32":
                functions[f"{name}, {PLAIN}"] = partial(plain_gpu_loop, estimator, X, y, device)
        seconds = time_epochs(functions, args.epochs, args.repeats)
        for name, per_epoch in seconds.items():
            source = name.removesuffix(f", {PLAIN}")
            _, X, y = estimators[source]
            rate, others, where = len(X) / per_epoch, ["", "", ""], ""
            if source == name and "batches" not in name:
                waits, where = count_waits(fitted[name], X, y, args.epochs)
                predicted = time_prediction(fitted[name], X)
                others = [f"{waits:.0f}", f"{predicted:,.0f}", measure_memory(fitted[name], X, y)]
            operations = count_operations(fitted[source], X)
            share = rate * operations / peak
            rows.append([name, precision, f"{rate:,.0f}", f"{100 * share:.2g}%", *others])
            print(
                *rows[-1], f"{1e-6 * operations:.0f} MFLOP per record", where, sep="; ", flush=True
            )
        print(f"{precision}: products of large matrices {1e-12 * peak:.0f} TFLOP/s", flush=True)
        name = f"products of large matrices, {1e-12 * peak:.0f} TFLOP/s"
        rows.append([name, precision, "", "100%", "", "", ""])
    header = ("", "precision", "records/s", "share of matrix products", "waits per epoch")
    header += ("predicted records/s", "MB on the GPU")
    return Table(f"Training, and prediction from an array, on one GPU: {machine}", header, rows)


def fit(estimator, X, y, n_epochs):
    estimator.set_params(max_epochs=n_epochs).fit(X, y)


def plain_gpu_loop(clf, X, y, device, n_epochs):
    """Train the plain network in the full precision of float32, as in the library."""
    module, loss = PlainNet(clf, X.shape[1]), make_loss(clf)
    loss = loss if module.projector else LogitLoss(loss)
    with usual_settings(device):
        plain_loop(module, loss, X, y.astype(np.float32), clf.batch_size, n_epochs, device)


def time_epochs(functions, n_epochs, repeats):
    """Return the seconds of an epoch, by name; each function trains for a number of epochs."""
    seconds = {name: [] for name in functions}
    for function in functions.values():
        function(n_epochs=1)
    for _ in range(repeats):
        for name, function in functions.items():
            print(f"  {name}", flush=True)
            of_fits = []
            for n in (1, 1 + n_epochs):
                synchronize()
                start = time.perf_counter()
                function(n_epochs=n)
                synchronize()
                of_fits.append(time.perf_counter() - start)
            seconds[name].append((of_fits[1] - of_fits[0]) / n_epochs)
    return {name: statistics.median(values) for name, values in seconds.items()}


def synchronize():
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def measure_products(dtype, device, repeats=5):
    """Return floating-point operations per second of products of large matrices."""
    size = 8192 if device.type == "cuda" else 1024
    left, right = torch.randn(2, size, size, device=device, dtype=dtype)
    seconds = []
    with usual_settings(device):
        for _ in range(repeats):
            synchronize()
            start = time.perf_counter()
            left @ right
            synchronize()
            seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds)


def count_operations(estimator, X):
    """Return the floating-point operations of a forward and a backward pass of one record."""
    is_encoder = not hasattr(estimator, "predict_proba")
    n_channels = len(estimator.leads_) if isinstance(estimator, ACLECGEncoder) else X.shape[1]
    # Images are (height, width).
    shape = (n_channels, X.shape[2])
    x = torch.randn(2, *((1, *shape) if isinstance(estimator, SimCardioNetEncoder) else shape))
    module = estimator.net_.module_.cpu().float().train()
    with FlopCounterMode(display=False) as counter:
        outputs = module(x)
        outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
        sum(part.sum() for part in outputs if torch.is_tensor(part)).backward()
    # An encoder computes two views of each record.
    return (1 + is_encoder) * counter.get_total_flops() / len(x)


def count_waits(estimator, X, y, n_epochs):
    """Return the synchronizing calls of an epoch, and the lines that made most of them."""
    if not torch.cuda.is_available():
        return 0, ""
    counts = []
    for n in (1, 1 + n_epochs):
        torch.cuda.set_sync_debug_mode("warn")
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                fit(estimator, X, y, n)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        counts.append(
            Counter(
                f"{Path(warning.filename).name}:{warning.lineno}"
                for warning in caught
                if "synchronizing CUDA" in str(warning.message)
            )
        )
    in_epochs = counts[1] - counts[0]
    where = ", ".join(f"{place} {n}" for place, n in in_epochs.most_common(5))
    return (counts[1].total() - counts[0].total()) / n_epochs, where


def time_prediction(estimator, X, repeats=3):
    """Return records per second of predict_proba or transform."""
    predict = getattr(estimator, "predict_proba", None) or estimator.transform
    seconds = []
    for _ in range(1 + repeats):
        start = time.perf_counter()
        predict(X)
        seconds.append(time.perf_counter() - start)
    return len(X) / statistics.median(seconds[1:])


def measure_memory(estimator, X, y):
    """Return the largest memory on the GPU of a fit of one epoch, in MB, as text."""
    if not torch.cuda.is_available():
        return ""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    fit(estimator, X, y, 1)
    return f"{1e-6 * torch.cuda.max_memory_allocated():,.0f}"


@contextlib.contextmanager
def copied_in_batches():
    """Treat all records as larger than the memory of the GPU."""
    share, batches._MAX_SHARE = batches._MAX_SHARE, 0.0
    try:
        yield
    finally:
        batches._MAX_SHARE = share


def measure_placement(X, y, args, device):
    """Return a table of records that are on the GPU, and of records copied batch by batch."""

    def in_batches(estimator, n_epochs):
        with copied_in_batches():
            fit(estimator, X, y, n_epochs)

    functions = {}
    for size in (32, 512):
        clf = MSAICNetClassifier(batch_size=size, device=device.type, random_state=0)
        functions["at once", size] = partial(fit, clf, X, y)
        functions["batch by batch", size] = partial(in_batches, clf)
    seconds = time_epochs(functions, args.epochs, args.repeats)
    rows = [
        [placement, f"{size:,}", f"{len(X) / per_epoch:,.0f}"]
        for (placement, size), per_epoch in seconds.items()
    ]
    print(*rows, sep="\n", flush=True)
    title = "Training of MSAIC-Net in float32, by how records are copied to the GPU"
    return Table(title, ("copied", "batch size", "records/s"), rows)


def measure_arithmetic(device, n_leads=1024, repeats=3):
    """Return a table of the seconds of a step of ACL-ECG's encoder, by arithmetic of the GPU.

    In a fit, the library uses the first one, whatever the settings of cuDNN are.
    """
    rows = []
    for title, precision, deterministic, is_mixed in (
        ("float32, as in the library", "ieee", True, False),
        ("float32, results vary from run to run", "ieee", False, False),
        ("bfloat16", "ieee", True, True),
        ("TF32", "tf32", True, False),
    ):
        module = VGG1d(1).to(device).train()
        x = torch.randn(n_leads, 1, 1000, device=device)
        seconds = []
        for _ in range(1 + repeats):
            synchronize()
            start = time.perf_counter()
            # The block restores the settings.
            with usual_settings(device):
                torch.backends.cudnn.deterministic = deterministic
                if device.type == "cuda":
                    torch.backends.cudnn.conv.fp32_precision = precision
                with torch.autocast(device.type, torch.bfloat16, enabled=is_mixed):
                    output = module(x)
                output.float().sum().backward()
            synchronize()
            seconds.append(time.perf_counter() - start)
        rows.append([title, drop_zeros(f"{statistics.median(seconds[1:]):.4f}")])
    print(*rows, sep="\n", flush=True)
    title = f"A step of the encoder of ACL-ECG, for {n_leads:,} leads of 1,000 points"
    return Table(title, ("arithmetic of the convolutions", "s"), rows)


if __name__ == "__main__":
    main()

"""Training of the default networks on a GPU: records per second, compared with matrix products.

    python benchmarks/bench_gpu.py [--records 4096] [--epochs 5] [--device auto]

The time of an epoch is the difference between a fit of one epoch and a fit of more epochs. The
operations of a network are those of its convolutions and matrix products, counted by torch for one
step. Their rate is printed as a share of the rate of products of large matrices in the same
precision, the peak that is reached on a GPU. The probabilities of the same network on the CPU are
compared at the end. Without a GPU, the CPU is measured.
"""

import argparse
import time

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from sklearn_ecg import ACLECGEncoder, MSAICNetClassifier
from sklearn_ecg.datasets import make_ecg

RATE = 100
DTYPES = {"float32": torch.float32, "mixed": torch.bfloat16}
SIZE = 4096


def synchronize(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measure_products(dtype, device, repeats=5):
    """Return floating-point operations per second of products of large matrices."""
    size = SIZE if device.type == "cuda" else SIZE // 4
    left, right = torch.randn(2, size, size, device=device, dtype=dtype)
    seconds = []
    for _ in range(repeats):
        synchronize(device)
        start = time.perf_counter()
        left @ right
        synchronize(device)
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds)


def count_operations(module, shape):
    """Return the floating-point operations of a forward and a backward pass of one record."""
    x = torch.randn(2, *shape)
    with FlopCounterMode(display=False) as counter:
        outputs = module.cpu().float()(x)
        outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
        sum(part.sum() for part in outputs if torch.is_tensor(part)).backward()
    return counter.get_total_flops() / 2


def time_epoch(make, X, y, epochs):
    """Return the seconds of an epoch, and the fitted estimator."""
    seconds = []
    # The first fit warms up.
    for n_epochs in (1, 1, 1 + epochs):
        start = time.perf_counter()
        estimator = make(n_epochs).fit(X, y)
        seconds.append(time.perf_counter() - start)
    return (seconds[2] - seconds[1]) / epochs, estimator


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=4096)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    name = args.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(name)
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(f"{card}, torch {torch.__version__}, {args.records} records of (12, 1000)")
    X, y = make_ecg(args.records, sampling_rate=RATE, return_X_y=True, random_state=0)
    for precision, dtype in DTYPES.items():
        options = {"precision": precision, "device": name, "random_state": 0}
        makers = {
            "MSAICNetClassifier": lambda n: MSAICNetClassifier(max_epochs=n, **options),
            "ACLECGEncoder": lambda n: ACLECGEncoder(sampling_rate=RATE, max_epochs=n, **options),
        }
        peak = measure_products(dtype, device)
        for title, make in makers.items():
            seconds, estimator = time_epoch(make, X, y, args.epochs)
            rate = len(X) / seconds
            is_encoder = title == "ACLECGEncoder"
            shape = (len(estimator.leads_), 1000) if is_encoder else (12, 1000)
            # An encoder computes two views of each record.
            operations = (1 + is_encoder) * count_operations(estimator.net_.module_, shape)
            share = rate * operations / peak
            print(f"{title}, {precision}: {rate:,.0f} records/s, {share:.0%} of matrix products")
    clf = MSAICNetClassifier(max_epochs=1, device=name, random_state=0).fit(X[:256], y[:256])
    found = clf.predict_proba(X[:256])
    clf.net_.device = torch.device("cpu")
    clf.net_.module_.cpu()
    print(f"largest difference to the CPU: {np.abs(found - clf.predict_proba(X[:256])).max():.1e}")


if __name__ == "__main__":
    main()

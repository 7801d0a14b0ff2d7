"""Random transforms compared with braindecode, torch_ecg and audiomentations, on one thread.

    OMP_NUM_THREADS=1 python benchmarks/bench_augmentation.py [--batch 64]

The input is a batch of records of (12, 1000). Our transforms are timed with time before leads in
memory, as in training, with leads first, as in the other libraries, and with R-peaks, which the
other libraries do not move; audiomentations has to be called record by record. All libraries
transform every record. The closest equivalents are compared: torch_ecg masks several short windows,
and stretches by up to 6 % where our transform crops 50 to 100 % of a record; both work in place,
which saves them a copy.
Libraries that are not installed are listed as such.
"""

import argparse

import numpy as np
import torch
from _timing import import_peer, interleave, report
from torch.nn import functional as F

from sklearn_ecg.augmentation import (
    BaselineWander,
    CardiacCycleMask,
    Compose,
    GaussianNoise,
    PowerlineNoise,
    RandomScaleCrop,
    TemporalShift,
    TimeMask,
    pad_peaks,
)
from sklearn_ecg.datasets import make_ecg

RATE = 100
# Our transforms should be as many times as fast as the best other library.
GOAL = 4
REASONS = {
    "shift": (
        "copying two pieces of each record takes 1.3 times as long as one copy of the batch, which "
        "has the ratio in the last row, and making the 128 pieces, the random numbers and the "
        "checks take the rest; no limit that rules the target out is known. Slower ways that were "
        "tried: gathering rows of leads, and two assignments per record"
    ),
    "crop and stretch": (
        "the interpolation alone has the ratio in the last row, and computing the positions and "
        "weights of all time points takes longer; no limit that rules the target out is known. "
        "Slower ways that were tried: reading both rows one after the other, and positions as "
        "integers"
    ),
    "mask": "a new batch is returned, where torch_ecg overwrites its input",
    "noise": "drawing the normal numbers takes most of the time",
}


def other_libraries(X):
    """Return functions by task and name, or None for each that is not installed.

    X is a contiguous tensor.
    """
    functions = {
        "shift": {"audiomentations Shift": None},
        "crop and stretch": {"torch_ecg StretchCompress": None},
        "mask": {"braindecode SmoothTimeMask": None, "torch_ecg RandomMasking": None},
        "noise": {"braindecode GaussianNoise": None},
    }
    braindecode = import_peer("braindecode.augmentation")
    if braindecode:
        mask = braindecode.SmoothTimeMask(probability=1, mask_len_samples=100, random_state=0)
        noise = braindecode.GaussianNoise(probability=1, std=0.05, random_state=0)
        functions["mask"]["braindecode SmoothTimeMask"] = lambda: mask(X)
        functions["noise"]["braindecode GaussianNoise"] = lambda: noise(X)
    torch_ecg = import_peer("torch_ecg.augmenters")
    if torch_ecg:
        own = X.clone()  # transforms in place by default, which is faster
        masking = torch_ecg.RandomMasking(fs=RATE, prob=[1, 0.15])
        stretch = torch_ecg.StretchCompress(prob=1)
        functions["mask"]["torch_ecg RandomMasking"] = lambda: masking(own, None)
        functions["crop and stretch"]["torch_ecg StretchCompress"] = lambda: stretch(own)
    audiomentations = import_peer("audiomentations")
    if audiomentations:
        shift = audiomentations.Shift(-0.05, 0.05, fade_duration=0, p=1)
        records = X.numpy()
        functions["shift"]["audiomentations Shift"] = lambda: [shift(x, RATE) for x in records]
    return functions


def interpolation(stored):
    """Return a function that interpolates at prepared positions, and does nothing else."""
    n_records, n_leads, n_times = stored.shape
    rows = stored.mT.reshape(-1, n_leads)
    position = 0.25 * n_times + 0.5 * torch.arange(n_times, dtype=torch.float64)
    first = n_times * torch.arange(n_records, dtype=torch.int32)[:, None]
    pair = torch.stack([position.int() + first, position.int() + 1 + first], dim=2).reshape(-1, 2)
    weight = (position % 1).float().repeat(n_records)
    weights = torch.stack([1 - weight, weight], dim=1)
    return lambda: F.embedding_bag(pair, rows, per_sample_weights=weights, mode="sum")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=64)
    args = parser.parse_args()
    torch.set_num_threads(1)
    # Once something large has been freed, as in training, malloc keeps freed memory.
    torch.zeros(7_000_000)
    ecg = make_ecg(args.batch, sampling_rate=RATE, random_state=0)
    X = torch.from_numpy(np.ascontiguousarray(ecg.data))
    stored = X.transpose(1, 2).contiguous().transpose(1, 2)
    peaks = torch.from_numpy(pad_peaks(ecg.r_peaks))
    shift = TemporalShift(sampling_rate=RATE)
    cycle_mask = CardiacCycleMask(sampling_rate=RATE)
    acl_ecg = Compose([RandomScaleCrop(), cycle_mask, shift])
    ours = {
        "shift": shift,
        "crop and stretch": RandomScaleCrop(),
        "mask": TimeMask(),
        "noise": GaussianNoise(),
    }
    others = other_libraries(X)
    for task, transform in ours.items():
        name = type(transform).__name__
        functions = {
            name: lambda: transform(stored),
            f"{name}, leads first": lambda: transform(X),
            f"{name}, with R-peaks": lambda: transform(stored, peaks),
            **others[task],
        }
        if task == "shift":
            functions["a copy (upper bound)"] = stored.clone
        if task == "crop and stretch":
            functions["interpolation (upper bound)"] = interpolation(stored)
        if task == "mask":
            functions["CardiacCycleMask"] = lambda: cycle_mask(stored, peaks)
        seconds = interleave(functions, repeats=31, warmup=3)
        # Relative to the fastest of the other libraries.
        installed = [other for other in others[task] if seconds[other]]
        best = min(installed, key=lambda other: np.median(seconds[other]), default=name)
        report(
            f"{task}, batches of {args.batch} records of (12, 1000)",
            seconds,
            n_records=args.batch,
            reference=best,
            goals={name: GOAL} if installed else None,
            not_slower=list(others[task]),
            reason=REASONS.get(task),
        )
    functions = {
        type(transform).__name__: lambda transform=transform: transform(stored, peaks)
        for transform in (
            PowerlineNoise(sampling_rate=RATE),
            BaselineWander(sampling_rate=RATE),
            acl_ecg,
        )
    }
    seconds = interleave(functions, repeats=31, warmup=3)
    report("no equivalent", seconds, n_records=args.batch, reference="Compose")


if __name__ == "__main__":
    main()

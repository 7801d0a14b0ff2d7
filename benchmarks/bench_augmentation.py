"""Views beside those of braindecode, torch_ecg and audiomentations, one thread.

    OMP_NUM_THREADS=1 python benchmarks/bench_augmentation.py [--batch 64]

Batches of (12, 1000), and their R-peaks for ours. Ours are stored with time before leads, as in
training, and once with leads first, as the peers get them; audiomentations is called record by
record, as it has to be. Every peer is asked to change every record. What is nearest is compared:
torch_ecg masks several short windows, and stretches by up to 6 % where ours takes 50 to 100 % of a
record; both work in place, which saves them a copy. Peers are measured where they are installed;
those absent are named.
"""

import argparse
import importlib
import warnings

import numpy as np
import torch
from _timing import interleave, report

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
TARGET = "at least 4 times the best peer"


def importable(name):
    """The module, or None after saying that it is absent."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except ImportError as error:
        print(f"absent: {name} ({error})")


def peers(X):
    """Functions by work and name; X is a contiguous tensor."""
    found = {"shift": {}, "crop and stretch": {}, "mask": {}, "noise": {}}
    braindecode = importable("braindecode.augmentation")
    if braindecode:
        mask = braindecode.SmoothTimeMask(probability=1, mask_len_samples=100, random_state=0)
        noise = braindecode.GaussianNoise(probability=1, std=0.05, random_state=0)
        found["mask"]["braindecode SmoothTimeMask"] = lambda: mask(X)
        found["noise"]["braindecode GaussianNoise"] = lambda: noise(X)
    torch_ecg = importable("torch_ecg.augmenters")
    if torch_ecg:
        own = X.clone()  # in place is its default, and the faster way
        masking = torch_ecg.RandomMasking(fs=RATE, prob=[1, 0.15])
        stretch = torch_ecg.StretchCompress(prob=1)
        found["mask"]["torch_ecg RandomMasking"] = lambda: masking(own, None)
        found["crop and stretch"]["torch_ecg StretchCompress"] = lambda: stretch(own)
    audiomentations = importable("audiomentations")
    if audiomentations:
        shift = audiomentations.Shift(-0.05, 0.05, fade_duration=0, p=1)
        records = X.numpy()
        found["shift"]["audiomentations Shift"] = lambda: [shift(x, RATE) for x in records]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=64)
    args = parser.parse_args()
    torch.set_num_threads(1)
    # malloc keeps freed memory once something large has been freed, as a training step does.
    torch.zeros(7_000_000)
    ecg = make_ecg(args.batch, sampling_rate=RATE, random_state=0)
    X = torch.from_numpy(np.ascontiguousarray(ecg.data))
    stored = X.transpose(1, 2).contiguous().transpose(1, 2)
    peaks = torch.from_numpy(pad_peaks(ecg.r_peaks))
    rate = {"sampling_rate": RATE}
    acl_ecg = Compose([RandomScaleCrop(), CardiacCycleMask(**rate), TemporalShift(**rate)])
    ours = {
        "shift": TemporalShift(**rate),
        "crop and stretch": RandomScaleCrop(),
        "mask": TimeMask(),
        "noise": GaussianNoise(),
    }
    found = peers(X)
    for work, view in ours.items():
        functions = {
            type(view).__name__: lambda: view(stored, peaks),
            f"{type(view).__name__}, leads first": lambda: view(X, peaks),
            **found[work],
        }
        if work == "shift":
            functions["a copy, which no view undercuts"] = stored.clone
        if work == "mask":
            functions["CardiacCycleMask"] = lambda: CardiacCycleMask(**rate)(stored, peaks)
        seconds = interleave(functions, repeats=31, warmup=3)
        report(
            f"{work}, batches of {args.batch} records of (12, 1000)",
            seconds,
            n_records=args.batch,
            reference=type(view).__name__,
            target=TARGET if found[work] else None,
        )
    functions = {
        type(view).__name__: lambda view=view: view(stored, peaks)
        for view in (PowerlineNoise(**rate), BaselineWander(**rate), acl_ecg)
    }
    seconds = interleave(functions, repeats=31, warmup=3)
    report("no peer", seconds, n_records=args.batch, reference="Compose")


if __name__ == "__main__":
    main()

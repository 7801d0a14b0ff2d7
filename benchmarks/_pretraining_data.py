"""Records of the study of pretraining, and its results that are kept."""

import time
from pathlib import Path

import numpy as np
import torch
from _results import Kept
from _study import draw_patients, hash_arrays, load_clean_challenge

from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.preprocessing import BandpassFilter

FRACTIONS = (0.01, 0.1, 1.0)
# Folds of the records that are pretrained on and labeled, and of those that are predicted.
SPLITS = {"choose": (range(1, 5), (5, 6)), "test": (range(1, 9), (9,))}


class Records:
    """Records, labels, folds and patients of PTB-XL, and others without labels."""

    def __init__(self, folder, task, quick):
        self.task = task
        ecg = load_ptbxl(Path(folder) / "ptbxl", task=task, folds=list(range(1, 10)), n_jobs=4)
        self.X, self.y = np.asarray(ecg.data, dtype=np.float32), np.asarray(ecg.target)
        self.folds, self.patients, self.labels = ecg.folds, ecg.groups, ecg.target_names
        if quick:
            part = slice(None, None, 4)
            self.X, self.y, self.folds = self.X[part], self.y[part], self.folds[part]
            self.patients = self.patients[part]
        self.others = self.X[:0]
        bandpass = BandpassFilter(0.5, 40, sampling_rate=100)
        self.filtered = bandpass.fit_transform(self.X).astype(np.float32)
        if task == "superclass":
            others = load_clean_challenge(Path(folder) / "challenge2011")
            others = others[:50] if quick else others
            self.others = bandpass.fit_transform(others).astype(np.float32)
            self.X = self.filtered
        self.key = hash_arrays(self.X, self.y, self.others)

    def pool(self, split):
        """Return the records that are pretrained on."""
        return np.concatenate([self.X[np.isin(self.folds, SPLITS[split][0])], self.others])

    def draw(self, split, fraction, seed):
        """Draw training records by patient, as many of folds 1-4 as of folds 1-8."""
        train = np.flatnonzero(np.isin(self.folds, SPLITS[split][0]))
        fraction = 2 * fraction if split == "choose" and fraction < 1 else fraction
        return draw_patients(train, self.y, self.patients, fraction, seed)

    def test(self, split):
        return np.isin(self.folds, SPLITS[split][1])


class Run(Kept):
    """Where results are kept, when no fit is started any more, and the epochs of pretraining."""

    def __init__(self, args):
        super().__init__(args.results, args.max_seconds, args.report)
        self.quick, self.epochs = args.quick, args.epochs

    def keep(self, key, compute):
        """Return kept arrays, or compute them if there is time, otherwise None.

        Also None if `compute` fails.
        """
        torch.set_num_threads(1)
        start = time.time()
        try:
            return self.arrays(key, lambda: {**compute(), "seconds": time.time() - start})
        except Exception as error:  # one fit does not stop the others
            print(f"FAILED {key[:100]}: {type(error).__name__}: {error}", flush=True)
            return None

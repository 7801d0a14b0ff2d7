"""Infarction on PTB-XL: the records, and networks that are fitted to some of them."""

import time

import numpy as np
import torch
from _arms import TABLED
from _results import Kept
from _study import hash_arrays, list_params, split_folds
from sklearn.metrics import average_precision_score, roc_auc_score

from sklearn_ecg import MSAICNetClassifier, WindowedClassifier
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.preprocessing import BandpassFilter

# All parameters that matter are stated, so that results do not depend on the defaults.
BASE = {
    **TABLED,
    "dilations": (1, 2, 4, 8),
    "stride": 2,
    "pool_size": 2,
    "max_epochs": 30,
    "device": "cpu",
}
# Rows of the ablation of the paper, in its order.
CNN, FULL = "CNN and focal loss", "full"
ATTENTION = "with channel attention"
ROWS = {
    CNN: {"dilations": (1,), "attention": None, "contrastive_weight": 0},
    "with multi-scale branches": {"attention": None, "contrastive_weight": 0},
    ATTENTION: {"contrastive_weight": 0},
    "with SupCon": {"contrastive_gamma": 0},
    FULL: {},
}
NARROW = "kernel_size=3, filters=(16, 32, 32)"
LITERAL = "kernel_size=7, filters=(32, 64, 64), stride=1, pool_size=1"
WIDE = "kernel_size=7, filters=(32, 64, 64), dropout=0.2"
SHORT = "kernel_size=3, filters=(8, 16, 32), max_epochs=20"
DEFAULT = "kernel_size=3, filters=(8, 16, 32)"
CANDIDATES = {
    "kernel_size=7, filters=(32, 64, 64)": {},
    WIDE: {"dropout": 0.2},
    "kernel_size=7, filters=(32, 64, 64), dropout=0.3": {"dropout": 0.3},
    "kernel_size=3, filters=(32, 64, 64)": {"kernel_size": 3},
    NARROW: {"kernel_size": 3, "filters": (16, 32, 32)},
    SHORT: {"kernel_size": 3, "filters": (8, 16, 32), "max_epochs": 20},
    DEFAULT: {"kernel_size": 3, "filters": (8, 16, 32)},
    LITERAL: {"stride": 1, "pool_size": 1},
}
# Weights of the contrastive loss. The second one is the default; tables by rows have the last one.
CONTRASTIVE_WEIGHTS = (0.0, 0.03, 0.1)
# Windows of 2.5 s: 8 epochs of the windows have as many steps as 30 epochs of the records.
WINDOW_SHARE = 8 / 30
# The first one of each pair of folds that is tested in a choice.
PAIRS = (1, 3, 5)
# Training records of few. None is all of them: only the seeds of the networks differ then.
SIZES = (100, 150, 300, None)
PAGE = "reproduction/msaic.rst"
METRICS = {"AUROC": ("roc_auc", roc_auc_score)}
METRICS["AUPRC"] = ("average_precision", average_precision_score)
# Parameters that do not change what is computed here.
IRRELEVANT = ("callbacks", "checkpoint", "device", "verbose", "n_threads", "lead_names")


class Cohort:
    """Records, labels, folds and patients, and where results are kept."""

    def __init__(self, folder, results, max_seconds=np.inf, report=False, task="mi"):
        ecg = load_ptbxl(folder, task=task, folds=list(range(1, 10)))
        self.X, self.y = np.asarray(ecg.data, dtype=np.float32), np.asarray(ecg.target)
        self.folds, self.patients = ecg.folds, ecg.groups
        self.kept = Kept(results, max_seconds, report)
        self.key = hash_arrays(self.X, self.y)
        self._filtered = None

    @property
    def filtered(self):
        if self._filtered is None:
            bandpass = BandpassFilter(0.5, 40, sampling_rate=100)
            self._filtered = bandpass.fit_transform(self.X).astype(np.float32)
        return self._filtered

    def pair(self, fold):
        """Return training and test records of folds 1-6: two folds are tested."""
        return split_folds(self.folds, (fold, fold + 1), last=6)

    def leave_out(self, fold):
        """Return training and test records of folds 1-9: one fold is tested."""
        return split_folds(self.folds, (fold,))

    def draw(self, n_records, seed, last=6, tested=(7, 8, 9)):
        """Return the first `n_records` records of shuffled patients, and records to test.

        None returns all records up to the last fold.
        """
        train, test = (
            np.flatnonzero(self.folds <= last),
            np.flatnonzero(np.isin(self.folds, tested)),
        )
        if n_records is None:
            return train, test
        patients = np.random.default_rng(seed).permutation(np.unique(self.patients[train]))
        rank = {patient: i for i, patient in enumerate(patients)}
        order = np.argsort([rank[patient] for patient in self.patients[train]], kind="stable")
        return np.sort(train[order[:n_records]]), test

    def fit(self, params, train, test, seed, filtered=False, windows=False):
        """Return probabilities of infarction, seconds and number of weights.

        None if the result is not kept and there is no time to fit.
        """
        clf = MSAICNetClassifier(**{**BASE, **params, "random_state": seed})
        if windows:
            clf.set_params(max_epochs=round(WINDOW_SHARE * clf.max_epochs))
        relevant = [(name, v) for name, v in list_params(clf) if name not in IRRELEVANT]
        key = f"{relevant}, filtered={filtered}, {hash_arrays(train, test)}, {self.key}"
        if windows:
            clf = WindowedClassifier(clf, duration=2.5, sampling_rate=100)
            key = f"windows of 2.5 s, {key}"

        def compute():
            torch.set_num_threads(1)
            X = self.filtered if filtered else self.X
            start = time.process_time()
            clf.fit(X[train], self.y[train])
            seconds = time.process_time() - start
            network = clf.estimator_ if windows else clf
            n_parameters = sum(p.numel() for p in network.net_.module_.parameters())
            probability = clf.predict_proba(X[test])
            if self.y.ndim == 1:
                probability = probability[:, 1]
            return {"probability": probability, "seconds": seconds, "n_parameters": n_parameters}

        return self.kept.arrays(key, compute)


def tested(cohort):
    """Return the labels of folds 7-9, and options of intervals over their patients."""
    is_tested = cohort.folds >= 7
    return cohort.y[is_tested], {"groups": cohort.patients[is_tested], "random_state": 0}

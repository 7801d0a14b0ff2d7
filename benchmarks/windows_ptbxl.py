"""Infarction in whole records and in windows: the figures of docs/windows_and_patients.rst.

    OMP_NUM_THREADS=1 python benchmarks/windows_ptbxl.py PTB_XL_FOLDER

Four-fold cross-validation by patient, folds 1 to 9. The differences to whole records have intervals
from a bootstrap of patients.
"""

import argparse

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import WindowedClassifier
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval
from sklearn_ecg.preprocessing import BeatFeatures

WHOLE = "whole records of 10 s"
ARMS = {
    "2.5 s, mean": (2.5, 2.5, "mean"),
    "2.5 s, median": (2.5, 2.5, "median"),
    "2.5 s, max": (2.5, 2.5, "max"),
    "2.5 s, noisy_or": (2.5, 2.5, "noisy_or"),
    "5 s, mean": (5, 5, "mean"),
    "5 s every 2.5 s, mean": (5, 2.5, "mean"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", help="PTB-XL folder")
    args = parser.parse_args()
    ecg = load_ptbxl(args.folder, task="mi", folds=range(1, 10))
    X, y, patients = np.asarray(ecg.data), np.asarray(ecg.target), np.asarray(ecg.groups)
    print(f"{len(y)} records, {y.sum()} with infarction")
    reference = None
    for name in (WHOLE, *ARMS):
        score = predict_out_of_fold(name, X, y, patients)
        reference = score if reference is None else reference
        options = {"groups": patients, "n_resamples": 1000, "random_state": 0}
        auroc = bootstrap_interval("roc_auc", y, score, **options)
        line = f"{name:24}{auroc.score:6.3f} [{auroc.low:.3f} {auroc.high:.3f}]"
        if score is not reference:
            change = bootstrap_difference("roc_auc", y, score, reference, **options)
            line += f"  {change.score:+.3f} [{change.low:+.3f} {change.high:+.3f}]"
        print(line, flush=True)


def predict_out_of_fold(name, X, y, patients):
    clf = make_pipeline(
        # Windows without reliable beats have no measurements.
        BeatFeatures(100),
        SimpleImputer(keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=0.01, max_iter=1000),
    )
    if name != WHOLE:
        duration, step, aggregate = ARMS[name]
        clf = WindowedClassifier(
            clf, duration=duration, step=step, aggregate=aggregate, sampling_rate=100
        )
    score = np.empty(len(y))
    splitter = StratifiedGroupKFold(4, shuffle=True, random_state=0)
    for train, test in splitter.split(X, y, patients):
        score[test] = clf.fit(X[train], y[train]).predict_proba(X[test])[:, 1]
    return score


if __name__ == "__main__":
    main()

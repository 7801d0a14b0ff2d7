"""Infarction in whole records and in windows: the figures of docs/windows_and_patients.rst.

    OMP_NUM_THREADS=1 python benchmarks/windows_ptbxl.py PTB_XL_FOLDER

Four-fold cross-validation by patient, folds 1 to 9. The differences to whole records have intervals
from a bootstrap of patients. The table of the page is written.
"""

import argparse

import numpy as np
from _results import cached_arrays, code_hash
from _study import format_difference, hash_arrays
from _tables import Table, drop_zeros, write_tables
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import WindowedClassifier
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval
from sklearn_ecg.preprocessing import BeatFeatures

PAGE = "windows_and_patients.rst"
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
    reference, rows = None, []
    for name in (WHOLE, *ARMS):
        score = predict_out_of_fold(name, X, y, patients)
        options = {"groups": patients, "n_resamples": 1000, "random_state": 0}
        difference = ""
        if reference is None:
            reference = score
        else:
            change = bootstrap_difference("roc_auc", y, score, reference, **options)
            difference = drop_zeros(format_difference(change))
        auroc = bootstrap_interval("roc_auc", y, score, **options)
        rows.append((name, drop_zeros(auroc), difference))
        print(*rows[-1], sep="  ", flush=True)
    title = f"{len(y):,} records, {y.sum()} with infarction"
    header = ("windows", "AUROC of records", "difference to whole records")
    table = Table(title, header, rows)
    write_tables(PAGE, "windows", [table], "windows_ptbxl.py PTB_XL_FOLDER")


def predict_out_of_fold(name, X, y, patients):
    """Return the probability of infarction of each record, from an earlier run if there is one."""
    code = code_hash("preprocessing", "beats", "aggregation")
    key = f"{name}, {ARMS.get(name)}, data {hash_arrays(X, y, patients)}, code {code}"
    arrays = cached_arrays(None, key, lambda: {"score": cross_validate(name, X, y, patients)})
    return arrays["score"]


def cross_validate(name, X, y, patients):
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

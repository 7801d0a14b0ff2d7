"""Lead importance of the default MSAIC-Net for infarction against normal, on PTB-XL.

    SKLEARN_ECG_DATA=FOLDER python benchmarks/lead_importance_ptbxl.py [--seeds 0 1 2] [--threads 1]

FOLDER contains ptbxl/. One default network per seed is trained on folds 1-6. The drop of AUROC is
measured on folds 7-9, by lead, region and larger part, with shuffles and with Gaussian noise.
Intervals are t intervals over the seeds: they include the randomness of training, but not that of
the records. Each finished seed is cached in benchmarks/results, so that an interrupted study
continues where it stopped.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch
from _arms import TABLED
from _results import cached_arrays, code_hash
from scipy.stats import t
from sklearn.metrics import roc_auc_score

from sklearn_ecg import STANDARD_LEADS, MSAICNetClassifier
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.inspection import lead_importance

TRAIN, TEST = (1, 2, 3, 4, 5, 6), (7, 8, 9)
METHODS = ("shuffle", "gaussian")
GROUPS = {
    "lead": None,
    "region": "regions",
    # Neighboring chest leads carry similar information, as limb leads do.
    "part": {
        "limb": STANDARD_LEADS[:6],
        "V1-V4": STANDARD_LEADS[6:10],
        "V5-V6": STANDARD_LEADS[10:],
    },
}
# Lei et al. (2026), arXiv:2606.06718: V2 first; V3, II and V4 high.
PAPER = ("V2", "V3", "II", "V4")


def study(ecg, seed, n_repeats):
    """Return the AUROC and the importances of one seed, averaged over the repeats."""
    clf = MSAICNetClassifier(n_threads=None, random_state=seed, **TABLED)
    train, test = np.isin(ecg.folds, TRAIN), np.isin(ecg.folds, TEST)

    def compute():
        start = time.perf_counter()
        clf.fit(ecg.data[train], ecg.target[train])
        fitted = time.perf_counter()
        X, y = ecg.data[test], ecg.target[test]
        arrays = {"auroc": roc_auc_score(y, clf.predict_proba(X)[:, 1])}
        for method in METHODS:
            for kind, groups in GROUPS.items():
                result = lead_importance(
                    clf,
                    X,
                    y,
                    method=method,
                    lead_groups=groups,
                    scoring="roc_auc",
                    n_repeats=n_repeats,
                    random_state=seed,
                )
                arrays[f"{method}_{kind}"] = result.importances_mean
                arrays[f"names_{kind}"] = result.names.astype(str)
        measured = time.perf_counter()
        return {**arrays, "seconds": [fitted - start, measured - fitted]}

    key = (
        f"{clf.get_params()}, folds {TRAIN} and {TEST} of {len(ecg.data)} records, {METHODS}, "
        f"{GROUPS}, {n_repeats} repeats, {torch.get_num_threads()} thread(s), code "
        + code_hash("datasets", "inspection")
    )
    return cached_arrays(f"lead_importance_mi_seed{seed}", key, compute)


def report(results, method, kind):
    """Print importances, largest first, and return the names in that order."""
    values = np.array([result[f"{method}_{kind}"] for result in results])
    mean = values.mean(axis=0)
    margin = np.full(len(mean), np.nan)
    if len(values) > 1:
        margin = values.std(axis=0, ddof=1) / len(values) ** 0.5 * t.ppf(0.975, len(values) - 1)
    order = np.argsort(-mean, kind="stable")
    names = results[0][f"names_{kind}"]
    print(f"\nDrop of AUROC, {method}, by {kind}: mean [95 % t interval over seeds] (by seed)")
    for i in order:
        by_seed = " ".join(f"{value:+.4f}" for value in values[:, i])
        low, high = mean[i] - margin[i], mean[i] + margin[i]
        print(f"  {names[i]:9}{mean[i]:+.4f} [{low:+.4f}, {high:+.4f}]  ({by_seed})")
    return [str(names[i]) for i in order]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if "SKLEARN_ECG_DATA" not in os.environ:
        parser.error("set SKLEARN_ECG_DATA to the folder that contains ptbxl/")

    folder = Path(os.environ["SKLEARN_ECG_DATA"]) / "ptbxl"
    ecg = load_ptbxl(folder, task="mi", folds=TRAIN + TEST)
    ecg.target = np.asarray(ecg.target)
    for what, folds in (("trained", TRAIN), ("tested", TEST)):
        part = np.isin(ecg.folds, folds)
        print(f"{part.sum()} records {what}, {ecg.target[part].sum()} with infarction")
    results = []
    for seed in args.seeds:
        results.append(study(ecg, seed, args.repeats))
        fitted, measured = results[-1]["seconds"]
        print(
            f"seed {seed}: AUROC {results[-1]['auroc']:.3f}; fitted in {fitted:.0f} s, measured in "
            f"{measured:.0f} s",
            flush=True,
        )
    for method in METHODS:
        for kind in GROUPS:
            order = report(results, method, kind)
            if kind == "lead":
                ranks = ", ".join(f"{lead} {order.index(lead) + 1}" for lead in PAPER)
                print(f"  The paper: V2 first; V3, II and V4 high. Ranks here: {ranks} of 12.")


if __name__ == "__main__":
    main()

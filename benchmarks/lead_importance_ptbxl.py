"""Lead importance of MSAIC-Net for infarction against normal, on PTB-XL.

    SKLEARN_ECG_DATA=FOLDER python benchmarks/lead_importance_ptbxl.py [--seeds 0 1 2] [--write]

FOLDER contains ptbxl/. One network per seed is trained on folds 1-6. The drop of AUROC is
measured on folds 7-9, by lead, region and larger part, with shuffles and with Gaussian noise.
Intervals are t intervals over the seeds: they include the randomness of training, but not that of
the records. Each finished seed is cached in benchmarks/results, so that an interrupted study
continues where it stopped. ``--write`` replaces the tables of the page lead_importance.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch
from _arms import TABLED
from _results import cached_arrays, code_hash
from _tables import Table, drop_zeros, write_tables
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
PAGE = "reproduction/lead_importance.rst"
TITLES = {
    "region": "By region, the leads of a region replaced together",
    "lead": "By lead",
    "part": "By larger groups of leads",
}


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


def summarize(results, method, kind):
    """Return {name: (mean, low, high)}, the largest drop first, with t intervals over the seeds."""
    values = np.array([result[f"{method}_{kind}"] for result in results])
    mean = values.mean(axis=0)
    margin = np.full(len(mean), np.nan)
    if len(values) > 1:
        margin = values.std(axis=0, ddof=1) / len(values) ** 0.5 * t.ppf(0.975, len(values) - 1)
    names = results[0][f"names_{kind}"]
    order = np.argsort(-mean, kind="stable")
    return {str(names[i]): (mean[i], mean[i] - margin[i], mean[i] + margin[i]) for i in order}


def make_table(results, kind):
    """Return the drops of AUROC with both methods, sorted by those with shuffles."""
    found = {method: summarize(results, method, kind) for method in METHODS}
    rows = []
    for name in found["shuffle"]:
        cells = (
            drop_zeros(f"{mean:.3f} [{low:.3f}, {high:.3f}]")
            for mean, low, high in (found[method][name] for method in METHODS)
        )
        rows.append((name, *cells))
    alt = (
        f"Drop of AUROC {TITLES[kind][0].lower()}{TITLES[kind][1:]}, with shuffles and with noise."
    )
    return Table(TITLES[kind], (kind.capitalize(), "shuffle", "Gaussian noise"), rows, forest=alt)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--write", action="store_true", help="write the tables of the page")
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
    tables = [make_table(results, kind) for kind in TITLES]
    for table in tables:
        print(f"\n{table.title}: drop of AUROC, mean [95 % t interval over seeds]")
        for row in table.rows:
            print("  " + "".join(f"{cell:24}" for cell in row))
    for method in METHODS:
        order = list(summarize(results, method, "lead"))
        ranks = ", ".join(f"{lead} {order.index(lead) + 1}" for lead in PAPER)
        print(f"{method}: the paper has V2 first, and V3, II and V4 high. Ranks: {ranks} of 12.")
    if args.write:
        seeds = " ".join(map(str, args.seeds))
        scores = [("AUROC", *(drop_zeros(f"{result['auroc']:.3f}") for result in results))]
        header = ("", *(f"seed {seed}" for seed in args.seeds))
        tables.insert(0, Table("AUROC on folds 7-9", header, scores))
        write_tables(PAGE, "drops", tables, f"lead_importance_ptbxl.py --seeds {seeds}")


if __name__ == "__main__":
    main()

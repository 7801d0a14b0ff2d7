"""Out-of-fold scores of the default MSAIC-Net on PTB-XL: infarction against normal.

    python benchmarks/out_of_fold.py PTB_XL_FOLDER [--folds 7 8 9] [--seeds 0 1 2] [--threads 1]

Each of the folds is predicted by an estimator trained on all other folds of 1-9. Every finished fit
is kept in benchmarks/results, so that an interrupted study goes on where it stopped. Intervals are
percentile bootstraps over patients.
"""

import argparse
import time

import numpy as np
import torch
from _results import hash_of_code, kept
from sklearn.metrics import average_precision_score, roc_auc_score

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.metrics import bootstrap_interval

METRICS = {"AUROC": roc_auc_score, "AUPRC": average_precision_score}


def fit_predict(ecg, fold, seed):
    """Probabilities of the records of a fold, and the seconds that the fit took."""
    clf = MSAICNetClassifier(random_state=seed)
    test = ecg.folds == fold

    def make():
        start = time.perf_counter()
        clf.fit(ecg.data[~test], ecg.target[~test])
        seconds = time.perf_counter() - start
        return {"probability": clf.predict_proba(ecg.data[test])[:, 1], "seconds": seconds}

    made_by = (
        f"{clf.get_params()} on {len(ecg.data)} records, {torch.get_num_threads()} thread(s), "
        f"code {hash_of_code()}"
    )
    result = kept(f"oof_mi_fold{fold}_seed{seed}", made_by, make)
    return result["probability"], float(result["seconds"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="PTB-XL folder in its published layout")
    parser.add_argument("--folds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--train-folds", type=int, nargs="+", default=list(range(1, 10)))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)

    ecg = load_ptbxl(args.folder, task="mi", folds=args.train_folds, n_jobs=2, verbose=1)
    ecg.target = np.asarray(ecg.target)
    tested = np.isin(ecg.folds, args.folds)
    print(
        f"{len(ecg.data)} records of folds {args.train_folds}, {ecg.target.sum()} infarctions; "
        f"{tested.sum()} tested out of fold, {ecg.target[tested].sum()} infarctions"
    )
    y, patients = ecg.target[tested], ecg.groups[tested]
    by_seed, times = [], []
    for seed in args.seeds:
        probability = np.full(len(ecg.data), np.nan)
        for fold in args.folds:
            probability[ecg.folds == fold], seconds = fit_predict(ecg, fold, seed)
            times.append(seconds)
            print(f"  seed {seed}, fold {fold}: fitted in {seconds:.0f} s", flush=True)
        by_seed.append(probability[tested])
    for name, metric in METRICS.items():
        for seed, probability in zip(args.seeds, by_seed):
            print(f"{name} seed {seed}: {metric(y, probability):.3f}")
        interval = bootstrap_interval(
            metric, y, np.mean(by_seed, axis=0), groups=patients, random_state=0
        )
        scores = [metric(y, probability) for probability in by_seed]
        print(f"{name} mean of seeds: {np.mean(scores):.3f}, SD {np.std(scores):.3f}")
        print(f"{name} of the averaged probabilities: {interval}")
    print(f"Time of a fit: median {np.median(times):.0f} s with {args.threads} thread(s)")


if __name__ == "__main__":
    main()

"""Beat features and median beats on PTB-XL, out of fold: infarction, and the five superclasses.

    python benchmarks/study_beats.py PTB_XL_FOLDER [--folds 7 8 9] [--seeds 0 1 2]

Each of the folds is predicted by estimators trained on all other folds of 1-9. Of all seeds the
averaged probabilities are scored. Intervals are percentile bootstraps over patients. Every finished
fit is kept in benchmarks/results, so that an interrupted study goes on where it stopped.
"""

import argparse

import numpy as np
from _study import out_of_fold
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.metrics import bootstrap_interval
from sklearn_ecg.preprocessing import BeatFeatures, MedianBeat


def flatten(X):
    return X.reshape(len(X), -1)


def make_arms(task):
    """The arms: an estimator, and its parameter that takes the seed (None: there is none)."""
    trees = HistGradientBoostingClassifier(
        max_iter=400,
        learning_rate=0.03,
        max_leaf_nodes=8,
        min_samples_leaf=10,
        l2_regularization=1.0,
        max_features=0.2,
    )
    linear = LogisticRegression(C=1e-3, max_iter=2000)
    seed_of_trees = "histgradientboostingclassifier__random_state"
    seed_of_linear = "logisticregression__random_state"
    if task == "superclass":
        trees, linear = OneVsRestClassifier(trees), OneVsRestClassifier(linear)
        seed_of_trees = "onevsrestclassifier__estimator__random_state"
        seed_of_linear = seed_of_trees
    beat = MedianBeat(sampling_rate=100, unreliable="whole record average")
    network = MSAICNetClassifier(dilations=(1, 2), stride=1, contrastive_weight=0)
    return {
        "BeatFeatures + gradient boosting": (
            make_pipeline(BeatFeatures(sampling_rate=100), trees),
            seed_of_trees,
        ),
        "MedianBeat + small network": (
            make_pipeline(beat, network),
            "msaicnetclassifier__random_state",
        ),
        "MedianBeat + logistic regression": (
            make_pipeline(beat, FunctionTransformer(flatten), StandardScaler(), linear),
            seed_of_linear,
        ),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="PTB-XL folder in its published layout")
    parser.add_argument("--tasks", nargs="+", default=["mi", "superclass"])
    parser.add_argument("--folds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--train-folds", type=int, nargs="+", default=list(range(1, 10)))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = parser.parse_args()
    for task in args.tasks:
        ecg = load_ptbxl(args.folder, task=task, folds=args.train_folds, n_jobs=2)
        ecg.target = np.asarray(ecg.target)
        tested = np.isin(ecg.folds, args.folds)
        y, patients = ecg.target[tested], ecg.groups[tested]
        print(f"\n{task}: {len(ecg.data)} records, {len(y)} tested out of fold")
        scores = {}
        for name, (estimator, seed_of) in make_arms(task).items():
            seeds = args.seeds[:1] if "logistic" in name else args.seeds
            scores[name] = out_of_fold(name, estimator, ecg, args.folds, seeds, seed_of)
        first, second = (scores[name].mean(axis=0) for name in list(scores)[:2])
        scores["the first two, averaged"] = ((first + second) / 2)[None]
        print(f"  {'':36}{'AUROC':>22}{'AUPRC':>22}  AUROC of single seeds")
        for name, rows in scores.items():
            mean = rows.mean(axis=0)
            auroc, auprc = (
                bootstrap_interval(metric, y, mean, groups=patients, random_state=0)
                for metric in ("roc_auc", "average_precision")
            )
            single = " ".join(f"{roc_auc_score(y, row):.3f}" for row in rows)
            print(f"  {name:36}{auroc!s:>22}{auprc!s:>22}  {single}")
            if task == "superclass":
                each = roc_auc_score(y, mean, average=None)
                names = zip(ecg.target_names, each)
                print("    " + ", ".join(f"{label} {value:.3f}" for label, value in names))


if __name__ == "__main__":
    main()

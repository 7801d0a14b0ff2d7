"""Random convolutions and measurements on PTB-XL: the figures of docs/random_convolutions.rst.

    OMP_NUM_THREADS=1 python benchmarks/random_convolutions_ptbxl.py PTB_XL_FOLDER

The strength C of the regularization of each arm is chosen on folds 1 to 6, of which two are left
out in turn (no patient is in several folds). The arms are then fitted on folds 1 to 6, with three
seeds, and scored on folds 7 to 9. Finished fits are cached in benchmarks/results, and the table of
the page is written.
"""

import argparse
import time

import numpy as np
from _arms import gradient_boosting
from _results import cached_arrays, code_hash
from _study import format_difference, hash_arrays, predict, rotate, stack_seeds
from _tables import Table, write_tables
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval
from sklearn_ecg.preprocessing import (
    BandpassFilter,
    BeatFeatures,
    MedianBeat,
    RandomConvolutionFeatures,
)

STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
SEEDS = (0, 1, 2)
PAGE = "random_convolutions.rst"
TASKS = {"mi": "infarction", "superclass": "five superclasses"}
BOOSTING = "``BeatFeatures``, gradient boosting"
UNION = "``BeatFeatures`` and beats, kernels of one lead"


def measure():
    return make_pipeline(BeatFeatures(100), SimpleImputer(add_indicator=True))


def convolve_beat(seed, across_leads=False):
    beat = MedianBeat(100, unreliable="record_average")
    convolutions = RandomConvolutionFeatures(across_leads=across_leads, random_state=seed)
    return make_pipeline(beat, convolutions)


def convolve_record(seed, across_leads=False):
    convolutions = RandomConvolutionFeatures(across_leads=across_leads, random_state=seed)
    return make_pipeline(BandpassFilter(0.5, 40, sampling_rate=100), convolutions)


# Features of each arm that a logistic regression follows.
ARMS = {
    "``BeatFeatures``": lambda seed: measure(),
    "beats, kernels of one lead": convolve_beat,
    "beats, kernels of several leads": lambda seed: convolve_beat(seed, True),
    "beats, both": lambda seed: make_union(convolve_beat(seed), convolve_beat(seed, True)),
    "whole records, kernels of one lead": convolve_record,
    "whole records, kernels of several leads": lambda seed: convolve_record(seed, True),
    "whole records, unfiltered, kernels of one lead": lambda seed: RandomConvolutionFeatures(
        random_state=seed
    ),
    "beats and whole records, kernels of one lead": lambda seed: make_union(
        convolve_beat(seed), convolve_record(seed)
    ),
    UNION: lambda seed: make_union(measure(), convolve_beat(seed)),
    "``BeatFeatures`` and beats, both": lambda seed: make_union(
        measure(), convolve_beat(seed), convolve_beat(seed, True)
    ),
    "``BeatFeatures``, beats and whole records, kernels of one lead": lambda seed: make_union(
        measure(), convolve_beat(seed), convolve_record(seed)
    ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", help="PTB-XL folder")
    parser.add_argument("--choose-only", action="store_true", help="do not score folds 7 to 9")
    args = parser.parse_args()
    columns = []
    for task in TASKS:
        ecg = load_ptbxl(args.folder, task=task, folds=range(1, 10))
        columns.append(study(task, ecg, args.choose_only))
    if not args.choose_only:
        command = "random_convolutions_ptbxl.py PTB_XL_FOLDER"
        write_tables(PAGE, "scores", [make_page_table(columns)], command)


def make_page_table(columns):
    """Return a table of the texts of `study` for each task."""
    header = ["features"]
    for task in TASKS.values():
        header += [f"{task}, AUROC", "- that of boosting"]
    rows = [[name, *(text for column in columns for text in column[name])] for name in columns[0]]
    return Table("", header, rows, (32, 17, 17, 17, 17))


def study(task, ecg, choose_only):
    """Return the AUROC and the difference to `BOOSTING` of each arm, as texts."""
    X, y = np.asarray(ecg.data), np.asarray(ecg.target)
    folds, patients = np.asarray(ecg.folds), np.asarray(ecg.groups)
    train, test = np.flatnonzero(folds <= 6), np.flatnonzero(folds >= 7)
    print(f"\n{task}: {len(train)} records of folds 1-6, {len(test)} of folds 7-9")
    chosen = {}
    for name in ARMS:
        probability = np.empty((len(STRENGTHS), *y.shape))
        for left_out in ((1, 2), (3, 4), (5, 6)):
            out = np.isin(folds, left_out)
            fitted = np.setdiff1d(train, np.flatnonzero(out))
            probability[:, out] = fit_arm(name, 0, X, y, fitted, np.flatnonzero(out))[0]
        scores = [roc_auc_score(y[train], p[train]) for p in probability]
        chosen[name] = int(np.argmax(scores))
        print(f"  {name:64}" + "".join(f"{s:7.4f}" for s in scores), flush=True)
    if choose_only:
        return {}
    predictions = {}
    for name, place in chosen.items():
        results = [fit_arm(name, seed, X, y, train, test) for seed in SEEDS]
        predictions[name] = np.stack([p[place] for p, _ in results])
    reference = np.stack([fit_boosting(seed, X, y, train, test) for seed in SEEDS])
    predictions[BOOSTING] = reference
    predictions[f"{BOOSTING}, averaged with {UNION}"] = (predictions[UNION] + reference) / 2
    options = {"groups": patients[test], "random_state": 0}
    y_stacked, stacked_reference = stack_seeds(y[test], reference)
    texts = {}
    for name, predicted in predictions.items():
        _, stacked = stack_seeds(y[test], predicted)
        score = bootstrap_interval("roc_auc", y_stacked, stacked, **options)
        difference = ""
        if name != BOOSTING:
            interval = bootstrap_difference(
                "roc_auc", y_stacked, stacked, stacked_reference, **options
            )
            difference = format_difference(interval)
        texts[name] = (str(score), difference)
        strength = STRENGTHS[chosen[name]] if name in chosen else np.nan
        print(f"  {name:100}{strength:7g}  {score}  {difference}", flush=True)
    return texts


def fit_arm(name, seed, X, y, train, test):
    """Return the probabilities of the test records for each strength, and the seconds."""

    def compute():
        features = ARMS[name](seed)
        start = time.process_time()
        scaler = StandardScaler()
        table = scaler.fit_transform(features.fit_transform(X[train]))
        seconds = time.process_time() - start
        table, table_test = rotate(table, scaler.transform(features.transform(X[test])))
        probability = []
        for strength in STRENGTHS:
            classifier = LogisticRegression(C=strength, max_iter=2000)
            probability.append(predict(classifier, table, y[train], table_test))
        return {"probability": np.stack(probability), "seconds": seconds}

    arrays = cached_arrays(None, make_key(f"{name}, {STRENGTHS}", seed, X, y, train, test), compute)
    return arrays["probability"], float(arrays["seconds"])


def fit_boosting(seed, X, y, train, test):
    """Return the probabilities of the test records."""

    def compute():
        features = BeatFeatures(100)
        table = features.fit_transform(X[train])
        classifier = gradient_boosting().set_params(random_state=seed)
        return {"probability": predict(classifier, table, y[train], features.transform(X[test]))}

    return cached_arrays(None, make_key(BOOSTING, seed, X, y, train, test), compute)["probability"]


def make_key(arm, seed, X, y, train, test):
    data = hash_arrays(X, y, train, test)
    return f"{arm}, seed {seed}, data {data}, code {code_hash('preprocessing', 'beats')}"


if __name__ == "__main__":
    main()

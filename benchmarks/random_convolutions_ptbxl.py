"""Random convolutions and measurements on PTB-XL: the figures of docs/random_convolutions.rst.

    OMP_NUM_THREADS=1 python benchmarks/random_convolutions_ptbxl.py PTB_XL_FOLDER

The strength C of the regularization of each arm is chosen on folds 1 to 6, of which two are left
out in turn (no patient is in several folds). The arms are then fitted on folds 1 to 6, with three
seeds, and scored on folds 7 to 9. Finished fits are cached in benchmarks/results, and the table of
the page is written.
"""

import argparse

import numpy as np
from _arms import gradient_boosting
from _results import cached_arrays, code_hash
from _study import format_difference, hash_arrays, predict, rotate, stack_seeds
from _tables import Table, drop_zeros, write_tables
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval
from sklearn_ecg.preprocessing import (
    BandpassFilter,
    BeatFeatures,
    MedianBeat,
    RandomConvolutionFeatures,
)

# Of a wider range, 1e-5 and 1e-1 were worse for each arm.
STRENGTHS = (1e-4, 1e-3, 1e-2)
SEEDS = (0, 1, 2)
PAGE = "random_convolutions.rst"
TASKS = {"mi": "infarction", "superclass": "five superclasses"}
BOOSTING = "``BeatFeatures``, gradient boosting"
UNION = "``BeatFeatures`` and beats, kernels of one lead"


# Features of each arm that a logistic regression follows: names of blocks of `make_block`.
ARMS = {
    "``BeatFeatures``": ("measurements",),
    "beats, kernels of one lead": ("beats",),
    "beats, kernels of several leads": ("beats, several leads",),
    "beats, both": ("beats", "beats, several leads"),
    "whole records, kernels of one lead": ("records",),
    "whole records, kernels of several leads": ("records, several leads",),
    UNION: ("measurements", "beats"),
    "``BeatFeatures`` and beats, both": ("measurements", "beats", "beats, several leads"),
}


def make_block(name, signals, seed, train, test):
    """Return the standardized features of the training and the test records."""
    if name == "measurements":
        features = SimpleImputer(add_indicator=True, keep_empty_features=True)
    else:
        features = RandomConvolutionFeatures(across_leads="several" in name, random_state=seed)
    values = signals[name.partition(",")[0]]
    steps = make_pipeline(features, StandardScaler())
    return steps.fit_transform(values[train]), steps.transform(values[test])


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
    # None of these depends on other records.
    signals = {
        "measurements": BeatFeatures(100, drop_empty=False).fit_transform(X),
        "beats": MedianBeat(100, unreliable="record_average").fit_transform(X),
        "records": BandpassFilter(0.5, 40, sampling_rate=100).fit_transform(X),
    }
    probability = {name: np.empty((len(STRENGTHS), *y.shape)) for name in ARMS}
    for left_out in ((1, 2), (3, 4), (5, 6)):
        out = np.flatnonzero(np.isin(folds, left_out))
        found = fit_arms(0, signals, y, np.setdiff1d(train, out), out)
        for name in ARMS:
            probability[name][:, out] = found[name]
    chosen = {}
    for name in ARMS:
        scores = [roc_auc_score(y[train], p[train]) for p in probability[name]]
        chosen[name] = int(np.argmax(scores))
        print(f"  {name:64}" + "".join(f"{s:7.4f}" for s in scores), flush=True)
    if choose_only:
        return {}
    results = [fit_arms(seed, signals, y, train, test) for seed in SEEDS]
    predictions = {
        name: np.stack([result[name][place] for result in results])
        for name, place in chosen.items()
    }
    reference = np.stack(
        [fit_boosting(seed, signals["measurements"], y, train, test) for seed in SEEDS]
    )
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
            difference = drop_zeros(format_difference(interval))
        texts[name] = (drop_zeros(score), difference)
        strength = STRENGTHS[chosen[name]] if name in chosen else np.nan
        print(f"  {name:100}{strength:7g}  {score}  {difference}", flush=True)
    return texts


def fit_arms(seed, signals, y, train, test):
    """Return the probabilities of the test records for each strength, by arm."""
    key = make_key(seed, signals, y, train, test)
    blocks, probability = {}, {}
    for name, parts in ARMS.items():

        def compute(parts=parts):
            for part in parts:
                if part not in blocks:
                    blocks[part] = make_block(part, signals, seed, train, test)
            table, table_test = rotate(
                *(np.hstack([blocks[part][place] for part in parts]) for place in (0, 1))
            )
            found = []
            for strength in STRENGTHS:
                classifier = LogisticRegression(C=strength, max_iter=2000)
                found.append(predict(classifier, table, y[train], table_test))
            return {"probability": np.stack(found)}

        arrays = cached_arrays(None, f"{parts}, {STRENGTHS}, {key}", compute)
        probability[name] = arrays["probability"]
    return probability


def fit_boosting(seed, table, y, train, test):
    """Return the probabilities of the test records."""

    def compute():
        kept = np.isfinite(table[train]).any(axis=0)
        classifier = gradient_boosting().set_params(random_state=seed)
        return {
            "probability": predict(
                classifier, table[train][:, kept], y[train], table[test][:, kept]
            )
        }

    key = f"{BOOSTING}, {make_key(seed, {'': table}, y, train, test)}"
    return cached_arrays(None, key, compute)["probability"]


def make_key(seed, signals, y, train, test):
    data = hash_arrays(*signals.values(), y, train, test)
    return f"seed {seed}, data {data}, code {code_hash('preprocessing', 'beats')}"


if __name__ == "__main__":
    main()

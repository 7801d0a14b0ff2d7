"""Infarction with all leads and with few on PTB-XL: the figures of docs/any_leads.rst.

    OMP_NUM_THREADS=1 python benchmarks/lead_subsets_ptbxl.py PTB_XL_FOLDER

Measurements of the median beat and gradient boosting are fitted on folds 1 to 6, with three seeds,
and scored on folds 7 to 9 with subsets of the leads. In the records of the test, the other leads
are NaN, so that everything is measured in the leads that are kept. The table of the page is
written.
"""

import argparse

import numpy as np
import pandas as pd
from _arms import gradient_boosting
from _study import format_difference, stack_seeds
from _tables import Table, drop_zeros, write_tables

from sklearn_ecg import STANDARD_LEADS
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.imbalance import FeatureLeadDropout
from sklearn_ecg.leads._lead_subsets import resolve_lead_subset
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval
from sklearn_ecg.preprocessing import BeatFeatures

SUBSETS = ("12", "limb", "I+II+V2", "I")
SEEDS = (0, 1, 2)
PAGE = "any_leads.rst"
PLAIN = "all leads"
DROPOUT = "``FeatureLeadDropout``, the three subsets"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", help="PTB-XL folder")
    args = parser.parse_args()
    ecg = load_ptbxl(args.folder, task="mi", folds=range(1, 10))
    X, y = np.asarray(ecg.data), np.asarray(ecg.target)
    folds, patients = np.asarray(ecg.folds), np.asarray(ecg.groups)
    train, test = np.flatnonzero(folds <= 6), np.flatnonzero(folds >= 7)
    print(f"{len(train)} records of folds 1-6, {len(test)} of folds 7-9")
    measure = BeatFeatures(100).set_output(transform="pandas").fit(X[train])
    tables = {
        name: (measure.transform(keep(X[train], name)), measure.transform(keep(X[test], name)))
        for name in SUBSETS
    }
    groups = patients[test]
    predictions, rows = {}, []
    for arm, make_training in ARMS.items():
        models = [
            gradient_boosting()
            .set_params(random_state=seed)
            .fit(*make_training(tables, y[train], seed))
            for seed in SEEDS
        ]
        predictions[arm] = {
            name: np.stack([model.predict_proba(table)[:, 1] for model in models])
            for name, (_, table) in tables.items()
        }
        rows += make_rows(arm, predictions, y[test], groups)
    arm = "four models, each trained on its leads only"
    predictions[arm] = {
        name: np.stack([fit_alone(tables[name], y[train], seed) for seed in SEEDS])
        for name in SUBSETS
    }
    rows += make_rows(arm, predictions, y[test], groups)
    table = Table("", ("training records", *SUBSETS), rows, (28, 18, 18, 18, 18))
    write_tables(PAGE, "subsets", [table], "lead_subsets_ptbxl.py PTB_XL_FOLDER")


def keep(X, name):
    """Return records in which the leads that are not in a subset are missing."""
    _, leads = resolve_lead_subset(name, STANDARD_LEADS)
    return np.where(np.isin(STANDARD_LEADS, leads)[:, None], X, np.float32(np.nan))


def drop(tables, y, seed, **options):
    return FeatureLeadDropout(**options, n_copies=3, random_state=seed).fit_resample(
        tables["12"][0], y
    )


def measure_again(tables, y, seed):
    return pd.concat([tables[name][0] for name in SUBSETS]), np.tile(y, len(SUBSETS))


# The training records of each arm.
ARMS = {
    PLAIN: lambda tables, y, seed: (tables["12"][0], y),
    DROPOUT: lambda tables, y, seed: drop(tables, y, seed, subsets=SUBSETS[1:]),
    "``FeatureLeadDropout``, random leads": drop,
    "copies of the three subsets, measured again": measure_again,
}


def fit_alone(tables, y, seed):
    """Return the probabilities of a model of one subset only."""
    train, test = tables
    train = train.dropna(axis=1, how="all")
    model = gradient_boosting().set_params(random_state=seed).fit(train, y)
    return model.predict_proba(test[train.columns])[:, 1]


def make_rows(arm, predictions, y, groups):
    """Return the AUROC of an arm, and the differences to other training records, as texts."""
    options = {"groups": groups, "random_state": 0}
    stacked = {name: stack_seeds(y, predictions[arm][name]) for name in SUBSETS}
    scores = [bootstrap_interval("roc_auc", *stacked[name], **options) for name in SUBSETS]
    rows = [[arm, *map(drop_zeros, scores)]]
    for other in (PLAIN, DROPOUT):
        if other == arm or other not in predictions:
            continue
        others = [stack_seeds(y, predictions[other][name])[1] for name in SUBSETS]
        differences = [
            bootstrap_difference("roc_auc", *stacked[name], scores, **options)
            for name, scores in zip(SUBSETS, others)
        ]
        texts = [drop_zeros(format_difference(difference)) for difference in differences]
        rows.append([f"- difference to {other}", *texts])
    for row in rows:
        print(f"{row[0]:60}" + "".join(f"{text:26}" for text in row[1:]), flush=True)
    return rows


if __name__ == "__main__":
    main()

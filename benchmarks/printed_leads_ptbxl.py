"""Beats of the parts of records that a page shows, on PTB-XL: the figures of docs/any_leads.rst.

    OMP_NUM_THREADS=1 python benchmarks/printed_leads_ptbxl.py PTB_XL_FOLDER

A page with the layout 3x4 shows 2.5 s of each lead. The rest of the signals becomes NaN, and the
measurements of `BeatFeatures` are compared with those of the complete records. Gradient boosting is
fitted on folds 1 to 6, with three seeds, and scored on folds 7 to 9.
"""

import argparse

import numpy as np
from _arms import gradient_boosting
from _study import stack_seeds

from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval
from sklearn_ecg.preprocessing import BeatFeatures, ECGImageRenderer

FULL = "complete"
LAYOUTS = {
    "3x4": {"layout": "3x4", "rhythm_lead": None},
    "3x4+1": {"layout": "3x4+1"},
    "3x4+3": {"layout": "3x4+3"},
    "6x2": {"layout": "6x2", "rhythm_lead": None},
}
COMPARED = (
    "global__heart_rate",
    "global__pr_interval",
    "global__qrs_duration",
    "global__qt_interval",
    "global__qrs_axis",
    "I__r_amplitude",
    "V2__s_amplitude",
    "V5__r_amplitude",
    "V2__st_level",
    "V5__t_amplitude",
)
SEEDS = (0, 1, 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", help="PTB-XL folder")
    args = parser.parse_args()
    ecg = load_ptbxl(args.folder, task="mi", folds=range(1, 10))
    X, y = np.asarray(ecg.data), np.asarray(ecg.target)
    folds, patients = np.asarray(ecg.folds), np.asarray(ecg.groups)
    train, test = np.flatnonzero(folds <= 6), np.flatnonzero(folds >= 7)
    print(f"{len(train)} records of folds 1-6, {len(test)} of folds 7-9")
    measure = BeatFeatures(100, drop_empty=False).set_output(transform="pandas").fit(X[:1])
    tables = {FULL: measure.transform(X)}
    for name, params in LAYOUTS.items():
        page = ECGImageRenderer(100, **params).fit(X)
        tables[name] = measure.transform(page.visible_signals(X))
        compare(name, tables[FULL].iloc[test], tables[name].iloc[test])
    kept = tables[FULL].columns[np.isfinite(tables[FULL].iloc[train]).any()]
    scores = {}
    for name, table in tables.items():
        own = table[kept].iloc[train].dropna(axis=1, how="all")
        for fitted, training in ((name, own), (FULL, tables[FULL][kept].iloc[train])):
            models = [
                gradient_boosting().set_params(random_state=seed).fit(training, y[train])
                for seed in SEEDS
            ]
            rows = table[training.columns].iloc[test]
            scores[fitted, name] = np.stack([model.predict_proba(rows)[:, 1] for model in models])
    show(scores, y[test], patients[test])


def compare(name, full, part):
    """Print the share of values that are missing, and the differences of the others."""
    print(
        f"\n{name}: {np.mean(part['global__reliability'] >= 0.3):.1%} of the records are reliable,"
    )
    print(f"{np.mean(full['global__reliability'] >= 0.3):.1%} of the complete records")
    rate, found = full["global__heart_rate"], part["global__heart_rate"]
    close = np.abs(found / rate - 1)[rate.notna() & found.notna()]
    near = [np.mean(close < limit) for limit in (0.02, 0.1)]
    print(f"heart rate within 2 %: {near[0]:.1%}, within 10 %: {near[1]:.1%}")
    print(f"{'':24}{'SD':>9}{'median |diff|':>15}{'95 %':>9}{'lost':>8}")
    for column in COMPARED:
        known = full[column].notna()
        difference = (part[column] - full[column])[known].dropna().abs()
        lost = 1 - len(difference) / known.sum()
        print(
            f"{column:24}{full[column].std():9.3f}{difference.median():15.3f}"
            f"{difference.quantile(0.95):9.3f}{lost:8.1%}"
        )


def show(scores, y, groups):
    """Print AUROC, and the difference to complete records."""
    options = {"groups": groups, "random_state": 0}
    stacked = {key: stack_seeds(y, values) for key, values in scores.items()}
    print(f"\n{'fitted on':12}{'tested on':12}{'AUROC':24}difference to complete records")
    for (fitted, name), (targets, probabilities) in stacked.items():
        score = bootstrap_interval("roc_auc", targets, probabilities, **options)
        difference = bootstrap_difference(
            "roc_auc", targets, probabilities, stacked[FULL, FULL][1], **options
        )
        print(f"{fitted:12}{name:12}{score!s:24}{difference!s}")


if __name__ == "__main__":
    main()

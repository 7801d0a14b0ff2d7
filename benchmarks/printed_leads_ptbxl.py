"""Beats of the parts of records that a page shows, on PTB-XL: the figures of docs/any_leads.rst.

    OMP_NUM_THREADS=1 python benchmarks/printed_leads_ptbxl.py PTB_XL_FOLDER

A page with the layout 3x4 shows 2.5 s of each lead. The rest of the signals becomes NaN, and the
measurements of `BeatFeatures` are compared with those of the complete records of folds 7 to 9.
Gradient boosting is fitted on folds 1 to 6, with three seeds, and scored on folds 7 to 9. The
tables of the page are written.
"""

import argparse

import numpy as np
import pandas as pd
from _arms import gradient_boosting
from _results import cached_arrays, code_hash
from _study import format_difference, hash_arrays, predict, stack_seeds
from _tables import Table, drop_zeros, make_rst, write_tables

from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval
from sklearn_ecg.preprocessing import BeatFeatures, ECGImageRenderer

PAGE = "any_leads.rst"
FULL = "complete"
LAYOUTS = {
    "3x4": {"layout": "3x4", "rhythm_lead": None},
    "3x4+1": {"layout": "3x4+1"},
    "3x4+3": {"layout": "3x4+3"},
    "6x2": {"layout": "6x2", "rhythm_lead": None},
}
# Names in the table, with units, and the decimals.
COMPARED = {
    "global__heart_rate": ("heart rate, beats per minute", 1),
    "global__pr_interval": ("PR interval, ms", 0),
    "global__qrs_duration": ("QRS duration, ms", 0),
    "global__qt_interval": ("QT interval, ms", 0),
    "global__qrs_axis": ("QRS axis, degrees", 0),
    "I__r_amplitude": ("R in I, mV", 3),
    "V2__s_amplitude": ("S in V2, mV", 3),
    "V5__r_amplitude": ("R in V5, mV", 3),
    "V2__st_level": ("ST level in V2, mV", 3),
    "V5__t_amplitude": ("T in V5, mV", 3),
}
SEEDS = (0, 1, 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", help="PTB-XL folder")
    args = parser.parse_args()
    ecg = load_ptbxl(args.folder, task="mi", folds=range(1, 10))
    X, y = np.asarray(ecg.data), np.asarray(ecg.target)
    folds, patients = np.asarray(ecg.folds), np.asarray(ecg.groups)
    train, test = np.flatnonzero(folds <= 6), np.flatnonzero(folds >= 7)
    tables = {FULL: measure(X)}
    for name, params in LAYOUTS.items():
        page = ECGImageRenderer(100, **params).fit(X)
        tables[name] = measure(page.visible_signals(X))
    tested = {name: table.iloc[test] for name, table in tables.items()}
    shares = make_shares(tested)
    differences = make_differences(tested)
    scores = make_scores(tables, y, patients, train, test)
    for table in (shares, differences, scores):
        print(make_rst(table))
    write_tables(
        PAGE,
        "printed",
        [shares, differences, scores],
        "printed_leads_ptbxl.py PTB_XL_FOLDER",
    )


def measure(X):
    """Return the measurements of records, from an earlier run if there is one."""
    features = BeatFeatures(100, drop_empty=False).set_output(transform="pandas").fit(X[:1])
    code = code_hash("preprocessing", "beats")
    key = f"measurements of {hash_arrays(X)}, code {code}"
    arrays = cached_arrays(None, key, lambda: {"table": features.transform(X).to_numpy()})
    return pd.DataFrame(arrays["table"], columns=features.get_feature_names_out())


def make_shares(tables):
    """Return a table of reliable records, and of records whose heart rate does not change."""
    header = ("layout", "reliability of 0.3 or more", "heart rate within 2 %", "within 5 %")
    rate, rows = tables[FULL]["global__heart_rate"], []
    for name, table in tables.items():
        change = np.abs(table["global__heart_rate"] / rate - 1)[rate.notna()]
        # Without a heart rate, the change is NaN, which is not within any limit.
        values = (np.mean(table["global__reliability"] >= 0.3), *map(change.le, (0.02, 0.05)))
        shares = [f"{100 * np.mean(value):.1f} %" for value in values]
        rows.append([name, *(shares if name != FULL else (shares[0], None, None))])
    return Table(f"Shares of {len(rate)} records", header, rows)


def make_differences(tables):
    """Return a table of the differences between the measurements of each layout and complete ones.

    The cells are the median and the 95th percentile of their absolute values, and the share of
    measurements that are missing.
    """
    rows = []
    for column, (text, n_decimals) in COMPARED.items():
        full = tables[FULL][column]
        row = [text, f"{full.std():.{n_decimals}f}"]
        for name in LAYOUTS:
            found = (tables[name][column] - full).abs()[full.notna()]
            if column == "global__qrs_axis":
                found = np.minimum(found, 360 - found)
            middle, high = (f"{found.quantile(q):.{n_decimals}f}" for q in (0.5, 0.95))
            row.append(f"{middle}, {high} ({100 * found.isna().mean():.1f} %)")
        rows.append(row)
    title = (
        "Differences to complete records: median and 95th percentile, and share of values that "
        "are lost"
    )
    return Table(title, ("", "SD", *LAYOUTS), rows)


def make_scores(tables, y, patients, train, test):
    """Return a table of the AUROC of models that are fitted on complete and on printed records."""
    kept = tables[FULL].columns[np.isfinite(tables[FULL].iloc[train]).any()]
    options = {"groups": patients[test], "random_state": 0}
    reference, rows = None, []
    for name, table in tables.items():
        own = table[kept].iloc[train].dropna(axis=1, how="all")
        full = tables[FULL][kept].iloc[train]
        row = [name]
        for training in (own, full) if name != FULL else (full,):
            tested = table[training.columns].iloc[test]
            found = [fit_boosting(seed, training, y[train], tested) for seed in SEEDS]
            y_stacked, stacked = stack_seeds(y[test], np.stack(found))
            score = bootstrap_interval("roc_auc", y_stacked, stacked, **options)
            row.append(drop_zeros(score))
            if reference is None:
                reference = stacked
                row.append(None)
            else:
                difference = bootstrap_difference(
                    "roc_auc", y_stacked, stacked, reference, **options
                )
                row.append(drop_zeros(format_difference(difference)))
        rows.append(row + [None] * (5 - len(row)))
    header = ("", "trained on such records", "difference", "trained on complete", "difference")
    return Table("AUROC for infarction, and difference to complete records", header, rows)


def fit_boosting(seed, table, y, table_test):
    """Return the probabilities of the test records, from an earlier run if there are any."""
    classifier = gradient_boosting().set_params(random_state=seed)
    key = f"{classifier!r} on {hash_arrays(table.to_numpy(), y, table_test.to_numpy())}"
    arrays = cached_arrays(
        None, key, lambda: {"probability": predict(classifier, table, y, table_test)}
    )
    return arrays["probability"]


if __name__ == "__main__":
    main()

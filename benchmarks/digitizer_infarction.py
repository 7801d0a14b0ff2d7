"""Infarction from digitized pages of PTB-XL: the figures of docs/digitizing.rst.

    OMP_NUM_THREADS=1 python benchmarks/digitizer_infarction.py PTB_XL_FOLDER [--write]

Each record is drawn as a page (3x4 with a rhythm strip), digitized, and measured by
`BeatFeatures`. Each of the folds 7 to 9, in which no limit of the digitizer was chosen, is
predicted by gradient boosting that was fitted on digitized pages of all other folds, with three
seeds. In a second protocol, pages of the folds 7 to 9 alone are cross-validated, with patients as
groups. The same is done with the complete signals, and with what the pages show of them. Refused
pages are left out of both sides of a comparison, and counted.

Clean pages are drawn from all records of the test folds, for the heart rate and the order of leads.
Finished pages are kept in benchmarks/results, so that an interrupted study continues.
"""

import argparse

import numpy as np
import pandas as pd
from _arms import gradient_boosting
from _results import cached_arrays, code_hash
from _study import hash_arrays, list_params, stack_seeds
from _tables import Table, make_rst, write_tables
from digitizer_ptbxl import LARGE, RATE, SMALL, compare, heart_rates_of_lead_ii, make_pages
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.model_selection import GroupKFold

from sklearn_ecg.augmentation import RandomPhoto, RandomScan
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval
from sklearn_ecg.preprocessing import BeatFeatures, ECGImageDigitizer, ECGImageRenderer

LAYOUT = dict(layout="3x4+1")
# Size of the pages, and a transform of their images.
KINDS = {
    "clean": (SMALL, None),
    "scan": (LARGE, RandomScan(1.0)),
    "photo": (LARGE, RandomPhoto(1.0)),
}
NAMES = {
    "clean": "clean, 850 x 1100",
    "scan": "scanner effects, 1700 x 2200",
    "photo": "effects of a camera, 1700 x 2200",
}
SEEDS = (0, 1, 2)
# What the trees are fitted on.
OTHERS, WITHIN = "all other folds", "folds 7 to 9"
SCORES = {
    "AUROC of complete signals": ("signals", "-"),
    "AUROC of the printed parts": ("printed", "-"),
    "AUROC of digitized pages": ("digitized", "-"),
    "digitized minus complete": ("minus signals", ", "),
    "digitized minus printed parts": ("minus printed", ", "),
}
CHUNK = 10
PAGE = "digitizing.rst"


def digitize_records(X, kind, numbers, code, n_jobs):
    """Return signals, reasons of refusals and pixels per mm of the pages of records."""
    parts = [slice(start, start + CHUNK) for start in range(0, len(X), CHUNK)]
    found = []
    for pages in Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(_digitize)(X[part], numbers[part], kind, code) for part in parts
    ):
        found.append(pages)
        if len(found) % 5 == 0:
            print(f"  {kind}: {len(found)} of {len(parts)} parts", flush=True)
    return {field: np.concatenate([pages[field] for pages in found]) for field in found[0]}


def _digitize(X, numbers, kind, code):
    """Return what is found on some pages, kept in benchmarks/results."""
    size, transform = KINDS[kind]
    key = f"pages {kind} {size} {transform} {LAYOUT} of {hash_arrays(X, numbers)}, code {code}"
    return cached_arrays(None, key, lambda: _digitize_pages(X, numbers, size, transform))


def _digitize_pages(X, numbers, size, transform):
    pages = [
        make_pages(record[None], {**LAYOUT, "image_size": size}, transform, int(number))[0]
        for record, number in zip(X, numbers)
    ]
    bunch = ECGImageDigitizer(RATE, on_error="nan").digitize(np.stack(pages))
    return {
        "signals": bunch.signals,
        "reason": bunch.report["reason_kind"].to_numpy(dtype=str),
        "pitch": bunch.report["pixels_per_mm_x"].to_numpy(dtype=float),
    }


def measure(X, code):
    """Return the table of `BeatFeatures`, kept like the pages."""

    def compute():
        features = BeatFeatures(RATE, drop_empty=False).set_output(transform="pandas")
        table = features.fit_transform(X)
        return {"values": table.to_numpy(dtype=float), "columns": table.columns.to_numpy(str)}

    found = cached_arrays(None, f"features of {hash_arrays(X)}, code {code}", compute)
    return pd.DataFrame(found["values"], columns=found["columns"])


def describe_pages(X, pages, tables):
    """Return a dict of what is counted on pages of the test folds."""
    rates = {name: table["global__heart_rate"].to_numpy() for name, table in tables.items()}
    good = np.flatnonzero(pages["reason"] == "")
    compared = [compare(X[i], pages["signals"][i], RATE / 25 / pages["pitch"][i]) for i in good]
    decibels = np.concatenate([ratio for ratio, _ in compared])
    decibels = decibels[~np.isnan(decibels)]
    truth = np.where(np.isnan(pages["signals"]), np.nan, X)
    strip = heart_rates_of_lead_ii(pages["signals"][good])
    strip = strip / heart_rates_of_lead_ii(truth[good])
    kinds, counts = np.unique(pages["reason"][pages["reason"] != ""], return_counts=True)
    return {
        "pages": len(X),
        "refused": len(X) - len(good),
        "reasons": ", ".join(f"{kind} {count}" for kind, count in zip(kinds, counts)),
        "median": float(np.median(decibels)),
        "low": float(np.percentile(decibels, 5)),
        "wrong": sum(wrong for _, wrong in compared),
        "strip": _share_within(strip),
        "rate": _share_within((rates["digitized"] / rates["signals"])[good]),
        "printed rate": _share_within((rates["printed"] / rates["signals"])[good]),
    }


def _share_within(ratios, limit=0.02):
    """Return how many ratios are within a limit of 1, and how many there are."""
    known = ratios[~np.isnan(ratios)]
    return int((np.abs(known - 1) <= limit).sum()), len(known)


def make_splits(protocol, folds, groups, train, test):
    """Return pairs of positions of records to fit on, and positions among those to predict."""
    if protocol == WITHIN:
        return [(test[a], b) for a, b in GroupKFold(5).split(test, groups=groups[test])]
    splits = [np.flatnonzero(folds[test] == fold) for fold in np.unique(folds[test])]
    return [(np.concatenate([train, np.delete(test, part)]), part) for part in splits]


def predict(table, y, splits, test):
    """Return probabilities of the test records, (n_seeds, n_test), kept like the pages."""
    records = hash_arrays(table.to_numpy(), y, test, *(part for split in splits for part in split))
    key = f"probabilities of {records}, {list_params(gradient_boosting())}, seeds {SEEDS}"
    return cached_arrays(None, key, lambda: {"found": _fit(table, y, splits, test)})["found"]


def _fit(table, y, splits, test):
    found = np.full((len(SEEDS), len(test)), np.nan)
    for fitted, predicted in splits:
        columns = table.iloc[fitted].dropna(axis=1, how="all").columns
        for row, seed in enumerate(SEEDS):
            model = clone(gradient_boosting()).set_params(random_state=seed)
            model.fit(table[columns].iloc[fitted], y[fitted])
            scores = model.predict_proba(table[columns].iloc[test[predicted]])
            found[row, predicted] = scores[:, 1]
    return found


def score(protocol, tables, y, folds, groups, train, test):
    """Return AUROC of signals, of their printed parts and of digitized pages, and differences."""
    splits = make_splits(protocol, folds, groups, train, test)
    options = {"groups": groups[test], "random_state": 0}
    stacked = {
        name: stack_seeds(y[test], predict(table, y, splits, test))
        for name, table in tables.items()
    }
    row = {}
    for name, (targets, probabilities) in stacked.items():
        row[name] = bootstrap_interval("roc_auc", targets, probabilities, **options)
    targets, probabilities = stacked["digitized"]
    for name in ("signals", "printed"):
        other = stacked[name][1]
        row[f"minus {name}"] = bootstrap_difference(
            "roc_auc", targets, probabilities, other, **options
        )
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", help="PTB-XL folder")
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--train", type=int, nargs="*", default=[1, 2, 3, 4, 5, 6])
    parser.add_argument("--test", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--scans", type=int, help="how many records of the test folds")
    parser.add_argument("--photos", type=int, help="how many records of these folds")
    parser.add_argument("--jobs", type=int, default=1, help="number of processes")
    parser.add_argument("--write", action="store_true", help="the table of docs/digitizing.rst")
    args = parser.parse_args()
    code = code_hash("paper", "beats", "preprocessing")
    ecg = load_ptbxl(args.folder)
    names = list(ecg.target_names)
    is_mi, is_normal = ecg.target[:, names.index("MI")], ecg.target[:, names.index("NORM")]
    is_used = is_mi != is_normal
    is_test, is_train = np.isin(ecg.folds, args.test), np.isin(ecg.folds, args.train)
    rows = {}
    for kind in args.kinds:
        # Test folds first.
        chosen = np.flatnonzero(is_test if kind == "clean" else is_test & is_used)
        chosen = chosen[: {"scan": args.scans, "photo": args.photos}.get(kind)]
        n_test = len(chosen)
        chosen = np.concatenate([chosen, np.flatnonzero(is_train & is_used)])
        X, groups, y = ecg.data[chosen], ecg.groups[chosen], is_mi[chosen]
        pages = digitize_records(X, kind, chosen, code, args.jobs)
        renderer = ECGImageRenderer(RATE, **LAYOUT, image_size=KINDS[kind][0]).fit(X)
        tables = {
            "signals": measure(X, code),
            "printed": measure(renderer.visible_signals(X), code),
            "digitized": measure(pages["signals"], code),
        }
        shown = slice(0, n_test)
        tested = {field: values[shown] for field, values in pages.items()}
        row = describe_pages(
            X[shown], tested, {name: table[shown] for name, table in tables.items()}
        )
        print(kind, row, flush=True)
        used = np.flatnonzero(is_used[chosen] & (pages["reason"] == ""))
        test, train = used[used < n_test], used[used >= n_test]
        row.update(infarctions=int(y[test].sum()), test=len(test), train=len(train))
        folds = ecg.folds[chosen]
        for protocol in (OTHERS, WITHIN) if len(train) else (WITHIN,):
            row[protocol] = score(protocol, tables, y, folds, groups, train, test)
        print(kind, row, flush=True)
        rows[kind] = row
    table = make_table(rows)
    print(make_rst(table))
    if args.write:
        few = {"scans": args.scans, "photos": args.photos}
        options = "".join(f" --{name} {number}" for name, number in few.items() if number)
        command = f"digitizer_infarction.py PTB_XL_FOLDER{options} --write"
        write_tables(PAGE, "infarction", [table], command)


def make_table(rows):
    """Return the results as a table with a column for each kind of page."""
    lines = {
        "pages of the test folds": lambda row: row["pages"],
        "refused": lambda row: f"{row['refused']} ({row['reasons']})",
        "signal-to-noise ratio, median and 5th percentile (dB)": (
            lambda row: f"{row['median']:.1f}, {row['low']:.1f}"
        ),
        "pages with a lead in a wrong place": lambda row: row["wrong"],
        "heart rate of lead II within 2 % of its signal": lambda row: show_share(row["strip"]),
        "heart rate of ``BeatFeatures`` within 2 % of the complete record": (
            lambda row: show_share(row["rate"])
        ),
        "the same from the printed parts of the signals": (
            lambda row: show_share(row["printed rate"])
        ),
        "records with infarction, and without": (
            lambda row: f"{row['infarctions']}, {row['test'] - row['infarctions']}"
        ),
        "records of folds 1 to 6": lambda row: row["train"] or "",
    }
    for protocol in (OTHERS, WITHIN):
        lines |= {
            f"{protocol}, {name}": lambda row, protocol=protocol, key=key, separator=separator: (
                show_interval(row[protocol][key], separator) if protocol in row else ""
            )
            for name, (key, separator) in SCORES.items()
        }
    cells = [[name, *(value(row) for row in rows.values())] for name, value in lines.items()]
    return Table("", ["", *(NAMES[kind] for kind in rows)], cells)


def show_share(counts):
    return f"{counts[0]} of {counts[1]} ({counts[0] / max(1, counts[1]):.1%})"


def show_interval(interval, separator="-"):
    def show(value):
        return f"{value:.3f}".replace("0.", ".")

    return f"{show(interval[0])} [{show(interval[1])}{separator}{show(interval[2])}]"


if __name__ == "__main__":
    main()

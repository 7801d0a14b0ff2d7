"""How many swapped electrodes ElectrodeSwapDetector finds: the figures of docs/electrodes.rst.

    OMP_NUM_THREADS=1 python benchmarks/electrode_swaps.py DATA_FOLDER
    OMP_NUM_THREADS=1 python benchmarks/electrode_swaps.py DATA_FOLDER --develop

The folder contains "ptbxl", "ludb" and "challenge2021". The tables of the page are written.

Each swap is simulated in the signals of all records; the databases may contain a few real swaps,
which are not labeled. Features, strengths of the penalties and the way in which thresholds are
chosen were selected by cross-validation by patient within folds 1-6 of PTB-XL; `--develop` prints
the result of the choice. Otherwise, the detector is fitted on folds 1-6, and the figures are those
of folds 7-9 and of the other databases. Intervals are percentile bootstrap intervals over patients.
LUDB and the Challenge have no patients in common with PTB-XL, if the records of the Challenge that
are from PTB-XL ("HR") are left out. One rule was added after all figures had been seen: a record
with a flat lead is unknown, which concerns two records of the Challenge. Takes about two minutes on
one core.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from _results import cached_arrays, code_hash
from _study import hash_arrays
from _tables import Table, drop_zeros, make_rst, write_tables
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from sklearn_ecg.datasets import load_challenge, load_ludb, load_ptbxl
from sklearn_ecg.metrics import bootstrap_interval
from sklearn_ecg.preprocessing import ElectrodeSwapDetector, Resampler

PAGE = "electrodes.rst"


def load(folder, folds):
    """Return signals and patients of all records of some folds of PTB-XL."""
    ecg = load_ptbxl(folder, task="all", folds=folds)
    return ecg.data, np.asarray(ecg.groups)


def detect(detector, X):
    """Return scores and names of the correct records, and of each swap, stacked.

    They are those of an earlier run if there is one.
    """

    def compute():
        scores, names = [], []
        for swap in ("none", *detector.swaps_):
            swapped = X if swap == "none" else detector.simulate(X, swap)
            scores.append(detector.decision_function(swapped))
            names.append(detector.predict(swapped))
        return {"scores": np.array(scores), "names": np.array(names).astype(str)}

    data = hash_arrays(X, detector.thresholds_)
    code = code_hash("preprocessing", "beats")
    arrays = cached_arrays(None, f"{detector.swaps_} in {data}, code {code}", compute)
    return arrays["scores"], arrays["names"]


def summarize(title, swaps, scores, names, groups):
    """Return a table of each swap, and a row of all of them, with 95 % intervals by patient.

    Records that are unknown, as they are or with a swap, are left out.
    """
    known = (names != "unknown").all(axis=0)
    # One class, so that resamples have different shares.
    same = np.zeros(known.sum(), dtype=int)
    n_unknown = int(np.sum(~known))
    scores, names, groups = scores[:, known], names[:, known], groups[known]
    n_records = len(groups)

    def share(values):
        interval = bootstrap_interval(
            lambda _, found: np.mean(found), same, values, groups=groups, random_state=0
        )
        return drop_zeros(interval)

    rows = []
    for i, swap in enumerate(swaps):
        truth = np.repeat([0, 1], n_records)
        score = np.concatenate([scores[0, :, i], scores[i + 1, :, i]])
        area = bootstrap_interval(
            roc_auc_score, truth, score, groups=np.tile(groups, 2), random_state=0
        )
        found = share((names[i + 1] != "none").astype(float))
        right = share((names[i + 1] == swap).astype(float))
        rows.append((swap, drop_zeros(area), found, right))
    header = ("swap", "AUROC", "reported as swapped", "named rightly")
    rightly = np.mean([names[i + 1] == swap for i, swap in enumerate(swaps)], axis=0)
    false_alarms = share((names[0] != "none").astype(float))
    row = (title, str(n_records), str(n_unknown), false_alarms, share(rightly))
    return Table(f"{title}, by swap", header, rows), row


def develop(X, groups):
    """Cross-validate within the training folds."""
    swaps, scores, names = None, None, None
    for train, test in GroupKFold(3).split(X, groups=groups):
        detector = ElectrodeSwapDetector(100).fit(X[train], groups=groups[train])
        found, named = detect(detector, X[test])
        if scores is None:
            swaps = detector.swaps_
            scores = np.empty((len(found), len(X), found.shape[2]))
            names = np.empty((len(found), len(X)), dtype=object)
        # Without the thresholds, which differ between the folds.
        scores[:, test], names[:, test] = found + detector.thresholds_, named
    table, row = summarize("PTB-XL, folds 1-6, cross-validated", swaps, scores, names, groups)
    print(make_rst(table), row)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path, help="folder of the databases")
    parser.add_argument("--develop", action="store_true", help="cross-validate within folds 1-6")
    args = parser.parse_args()

    X_train, groups_train = load(args.folder / "ptbxl", range(1, 7))
    if args.develop:
        develop(X_train, groups_train)
        return
    start = time.process_time()
    detector = ElectrodeSwapDetector(sampling_rate=100).fit(X_train, groups=groups_train)
    seconds = time.process_time() - start
    X, groups = load(args.folder / "ptbxl", range(7, 10))
    start = time.process_time()
    detector.predict(X)
    milliseconds = 1000 * (time.process_time() - start) / len(X)
    cost = (
        f"The fit on {len(X_train):,} records took {seconds:.1f} s, and prediction "
        f"{milliseconds:.1f} ms per record (one core, 100 Hz)."
    )
    limbs = ["I", "II", "III", "aVR", "aVL", "aVF"]
    small = ElectrodeSwapDetector(100, lead_names=limbs)
    small.fit(X_train[:, :6], groups=groups_train)
    cohorts = {
        "PTB-XL, folds 7-9": (detector, X, groups),
        "PTB-XL, folds 7-9, limb leads only": (small, X[:, :6], groups),
        "LUDB, each lead scaled to a range of 1": (detector, *load_scaled(args.folder / "ludb")),
        "Challenges 2020 and 2021": (detector, *load_others(args.folder / "challenge2021")),
    }
    tables, rows = [], []
    for title, (fitted, signals, patients) in cohorts.items():
        table, row = summarize(title, fitted.swaps_, *detect(fitted, signals), patients)
        tables.append(table._replace(folded=bool(tables)))
        rows.append(row)
    header = ("records", "known", "unknown", "false alarms", "swaps named rightly, on average")
    tables = [Table("All databases", header, rows), *tables, cost]
    for table in tables:
        print(table if isinstance(table, str) else make_rst(table), flush=True)
    write_tables(PAGE, "swaps", tables, "electrode_swaps.py DATA_FOLDER")


def load_scaled(folder):
    """Return records of LUDB at 100 Hz, each of another patient."""
    ecg = load_ludb(folder)
    X = Resampler(100, sampling_rate=ecg.sampling_rate).fit_transform(ecg.data)
    return X.astype(np.float32), np.arange(len(X))


def load_others(folder):
    """Return records of the Challenges at 100 Hz without those of PTB-XL."""
    ecg = load_challenge(
        folder,
        labels="all",
        unlabeled="keep",
        duration=10,
        longer="crop_start",
        shorter="drop_record",
        resample_to=100,
    )
    other = ~ecg.metadata["record"].str.startswith("HR").to_numpy()
    return ecg.data[other], np.arange(other.sum())


if __name__ == "__main__":
    main()

"""How many swapped electrodes ElectrodeSwapDetector finds, on PTB-XL, LUDB and Challenge records.

    python benchmarks/electrode_swaps.py PTB_XL_FOLDER [--ludb FOLDER] [--challenge FOLDER]
    python benchmarks/electrode_swaps.py PTB_XL_FOLDER --develop

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

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from sklearn_ecg.datasets import load_challenge, load_ludb, load_ptbxl
from sklearn_ecg.metrics import bootstrap_interval
from sklearn_ecg.preprocessing import ElectrodeSwapDetector, Resampler


def load(folder, folds):
    """Return signals and patients of all records of some folds of PTB-XL."""
    ecg = load_ptbxl(folder, task="all", folds=folds)
    return ecg.data, np.asarray(ecg.groups)


def detect(detector, X):
    """Return scores and names of the correct records, and of each swap, stacked."""
    scores, names = [], []
    for swap in ("none", *detector.swaps_):
        swapped = X if swap == "none" else detector.simulate(X, swap)
        scores.append(detector.decision_function(swapped))
        names.append(detector.predict(swapped))
    return np.array(scores), np.array(names)


def report(title, swaps, scores, names, groups):
    known = (names != "unknown").all(axis=0)
    # One class, so that resamples have different shares.
    same = np.zeros(known.sum(), dtype=int)
    scores, names, groups = scores[:, known], names[:, known], groups[known]
    n_records = len(groups)

    def share(values):
        interval = bootstrap_interval(
            lambda _, found: np.mean(found), same, values, groups=groups, random_state=0
        )
        return str(interval)

    print(
        f"\n{title}: {n_records} records ({np.sum(~known)} unknown), "
        f"{len(np.unique(groups))} patients"
    )
    print(f"  false alarms {share((names[0] != 'none').astype(float))}")
    print(f"  {'swap':15}{'AUROC':>22}{'reported':>22}{'named rightly':>22}")
    for i, swap in enumerate(swaps):
        truth = np.repeat([0, 1], n_records)
        score = np.concatenate([scores[0, :, i], scores[i + 1, :, i]])
        area = bootstrap_interval(
            roc_auc_score, truth, score, groups=np.tile(groups, 2), random_state=0
        )
        found = share((names[i + 1] != "none").astype(float))
        right = share((names[i + 1] == swap).astype(float))
        print(f"  {swap:15}{str(area):>22}{found:>22}{right:>22}")
    rightly = np.mean([names[i + 1] == swap for i, swap in enumerate(swaps)], axis=0)
    print(f"  mean over the swaps of the share named rightly {share(rightly)}")


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
    report("PTB-XL, folds 1-6, cross-validated", swaps, scores, names, groups)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", help="PTB-XL folder")
    parser.add_argument("--ludb", help="LUDB folder")
    parser.add_argument("--challenge", help="folder of records of the Challenges 2020 and 2021")
    parser.add_argument("--develop", action="store_true", help="cross-validate within folds 1-6")
    args = parser.parse_args()

    X, groups = load(args.folder, range(1, 7))
    if args.develop:
        develop(X, groups)
        return
    start = time.process_time()
    detector = ElectrodeSwapDetector(sampling_rate=100).fit(X, groups=groups)
    seconds = time.process_time() - start
    print(f"fit on {len(X)} records of PTB-XL, folds 1-6: {seconds:.1f} s")
    limits = ", ".join(f"{s} {t:.2f}" for s, t in zip(detector.swaps_, detector.thresholds_))
    print(f"thresholds: {limits}")

    X, groups = load(args.folder, range(7, 10))
    start = time.process_time()
    detector.predict(X)
    print(f"predict: {1000 * (time.process_time() - start) / len(X):.1f} ms per record")
    report("PTB-XL, folds 7-9", detector.swaps_, *detect(detector, X), groups)
    limbs = ["I", "II", "III", "aVR", "aVL", "aVF"]
    small = ElectrodeSwapDetector(100, lead_names=limbs)
    X_train, groups_train = load(args.folder, range(1, 7))
    small.fit(X_train[:, :6], groups=groups_train)
    report("PTB-XL, folds 7-9, limb leads", small.swaps_, *detect(small, X[:, :6]), groups)

    if args.ludb:
        ecg = load_ludb(args.ludb)
        X = Resampler(100, sampling_rate=ecg.sampling_rate).fit_transform(ecg.data)
        found = detect(detector, X.astype(np.float32))
        report("LUDB, each lead scaled to a range of 1", detector.swaps_, *found, np.arange(len(X)))
    if args.challenge:
        ecg = load_challenge(
            args.challenge,
            labels="all",
            unlabeled="keep",
            duration=10,
            longer="crop_start",
            shorter="drop_record",
            resample_to=100,
        )
        other = ~ecg.metadata["record"].str.startswith("HR").to_numpy()
        X = ecg.data[other]
        found = detect(detector, X)
        report("Challenges 2020 and 2021", detector.swaps_, *found, np.arange(len(X)))


if __name__ == "__main__":
    main()

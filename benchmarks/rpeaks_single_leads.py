"""Errors in the number of beats on the single leads of PTB-XL, and beats of LUDB at nine rates.

    OMP_NUM_THREADS=1 python benchmarks/rpeaks_single_leads.py --ptbxl FOLDER --ludb FOLDER

PTB-XL at 100 Hz has no annotated beats: those that are detected in all leads together are the
reference, in records whose reliability is above 0.9. A lead with more than 1.4 times as many beats
is "doubled" (T waves are mistaken for beats), one with less than 1 / 1.4 times is "halved" (beats
are missed, mostly normal ones in records with ectopic beats). The limits were chosen on folds 1 to
5. LUDB: beats annotated in lead II, from the first to the last one, within 100 ms; 120 ms for
single leads. sleepecg (pip install -e .[bench]) is compared on the same leads; it has no
reliability.
"""

import argparse
from fractions import Fraction
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from sklearn_ecg import detect_r_peaks
from sklearn_ecg.datasets import load_ludb, load_ptbxl

try:
    import sleepecg
except ImportError:
    sleepecg = None

RELIABLE = 0.9
WRONG = 1.4
RATES = (100, 125, 128, 200, 250, 257, 360, 500, 1000)
FOLDS = {"folds 1-5": range(1, 6), "folds 6-9": range(6, 10)}


def count(peaks):
    return np.array([len(row) for row in peaks])


def on_ptbxl(folder):
    ecg = load_ptbxl(folder, task="all")
    n_records, n_leads, n_times = ecg.data.shape
    together = detect_r_peaks(ecg.data, 100)
    single = detect_r_peaks(ecg.data.reshape(-1, 1, n_times), 100)
    reliability = single.reliability.reshape(n_records, n_leads)
    known = (together.reliability > RELIABLE)[:, None]
    ratio = count(single.peaks).reshape(n_records, n_leads)
    ratio = ratio / np.maximum(count(together.peaks), 1)[:, None]
    print(f"\nPTB-XL, {n_records} records of {n_leads} leads, {known.sum()} with a reference")
    print(f"  {'':34}{'leads':>8}{'> 0.9':>8}{'> 0.5':>8}{'doubled':>9}{'halved':>8}")
    for name, folds in FOLDS.items():
        used = known & np.isin(ecg.folds, folds)[:, None]
        reliable = used & (reliability > RELIABLE)
        row = (used.sum() * n_leads, reliable.sum(), (used & (reliability > 0.5)).sum())
        doubled, halved = reliable & (ratio > WRONG), reliable & (ratio < 1 / WRONG)
        figures = f"{row[0]:8}{row[1]:8}{row[2]:8}{doubled.sum():9}{halved.sum():8}"
        print(f"  {'sklearn_ecg, ' + name:34}{figures}")
        if sleepecg:
            leads = np.argwhere(reliable)
            beats = [
                sleepecg.detect_heartbeats(ecg.data[i, j].astype(float), 100) for i, j in leads
            ]
            theirs = count(beats) / count(together.peaks)[leads[:, 0]]
            figures = f"{(theirs > WRONG).sum():9}{(theirs < 1 / WRONG).sum():8}"
            print(f"  {'sleepecg, the same reliable leads':34}{'':24}{figures}")


def match(truth, found, tolerance):
    """Numbers of beats that are found, missed and false."""
    found = found[(found >= truth[0] - tolerance) & (found <= truth[-1] + tolerance)]
    distance = np.abs(truth[:, None] - found)
    hits = np.count_nonzero(distance.min(axis=1) <= tolerance) if len(found) else 0
    return np.array([hits, len(truth) - hits, len(found) - hits])


def on_ludb(folder):
    ludb = load_ludb(folder, annotated_leads=["II"])
    beats = ludb.annotations[ludb.annotations["wave"] == "QRS"]
    truth = [beats["peak"][beats["record"] == row].to_numpy(int) for row in range(len(ludb.data))]
    print(f"\nLUDB, {len(truth)} records, {sum(map(len, truth))} beats")
    print(f"  {'rate':6}{'F1, 12 leads':>14}{'missed':>8}{'false':>7}", end="")
    print(f"{'reliable single leads':>24}{'missed':>8}{'false':>7}")
    for rate in RATES:
        up, down = Fraction(rate, 500).as_integer_ratio()
        X = ludb.data if rate == 500 else resample_poly(ludb.data, up, down, axis=2)
        scaled = [row * rate / 500 for row in truth]
        found = detect_r_peaks(X, rate)
        total = sum(match(t, f, 0.1 * rate) for t, f in zip(scaled, found.peaks))
        single = detect_r_peaks(X.reshape(-1, 1, X.shape[2]), rate)
        reliable = np.flatnonzero(single.reliability > RELIABLE)
        of_leads = sum(match(scaled[i // 12], single.peaks[i], 0.12 * rate) for i in reliable)
        f1 = 2 * total[0] / (2 * total[0] + total[1] + total[2])
        print(f"  {rate:6}{f1:14.4f}{total[1]:8}{total[2]:7}", end="")
        print(f"{len(reliable):24}{of_leads[1]:8}{of_leads[2]:7}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ptbxl", type=Path, help="PTB-XL folder")
    parser.add_argument("--ludb", type=Path, help="LUDB folder")
    args = parser.parse_args()
    if args.ptbxl:
        on_ptbxl(args.ptbxl)
    if args.ludb:
        on_ludb(args.ludb)


if __name__ == "__main__":
    main()

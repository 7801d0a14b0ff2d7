"""Errors in the number of beats on the single leads of PTB-XL, and beats of LUDB at nine rates.

    export OMP_NUM_THREADS=1
    python benchmarks/rpeaks_single_leads.py --ptbxl FOLDER --ludb FOLDER [--write]

PTB-XL at 100 Hz has no annotated beats: those that are detected in all leads together are the
reference, in records whose reliability is above 0.9. A lead with more than 1.4 times as many beats
is "doubled" (T waves are mistaken for beats), one with less than 1 / 1.4 times is "halved" (beats
are missed, mostly normal ones in records with ectopic beats). The limits were chosen on folds 1 to
5. LUDB: beats annotated in lead II, from the first to the last one, within 100 ms; 120 ms for
single leads. sleepecg (pip install -e .[bench]) is compared on the same leads; it has no
reliability. ``--write`` replaces the tables of docs/rhythm.rst.
"""

import argparse
from fractions import Fraction
from importlib import metadata
from pathlib import Path

import numpy as np
from _tables import Table, drop_zeros, write_tables
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
    rows = []
    for name, folds in FOLDS.items():
        used = known & np.isin(ecg.folds, folds)[:, None]
        reliable = used & (reliability > RELIABLE)
        n_leads_used = used.sum() * n_leads
        rows.append(
            (f"sklearn_ecg, {name}", n_leads_used, reliable.sum(), *count_wrong(ratio[reliable]))
        )
        if sleepecg:
            leads = np.argwhere(reliable)
            beats = [
                sleepecg.detect_heartbeats(ecg.data[i, j].astype(float), 100) for i, j in leads
            ]
            theirs = count(beats) / count(together.peaks)[leads[:, 0]]
            name = f"sleepecg {metadata.version('sleepecg')}, the same reliable leads"
            rows.append((name, "", "", *count_wrong(theirs)))
    title = f"Single leads of PTB-XL, {known.sum():,} records with a reference"
    header = ("Detector", "leads", "reliable", "doubled", "halved")
    return Table(title, header, format_counts(rows))


def count_wrong(ratio):
    """Return the numbers of doubled and of halved leads."""
    return np.sum(ratio > WRONG), np.sum(ratio < 1 / WRONG)


def format_counts(rows):
    return [[cell if isinstance(cell, str) else f"{cell:,}" for cell in row] for row in rows]


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
    rows = []
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
        row = (f"{rate} Hz", drop_zeros(f"{f1:.3f}"), *total[1:])
        rows.append((*row, len(reliable), of_leads[:2].sum(), *of_leads[1:]))
    title = f"{sum(map(len, truth))} beats of LUDB in all leads, and the same beats in single leads"
    header = ("Rate", "F1", "missed", "false", "reliable leads", "their beats", "missed", "false")
    return Table(title, header, format_counts(rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ptbxl", type=Path, help="PTB-XL folder")
    parser.add_argument("--ludb", type=Path, help="LUDB folder")
    parser.add_argument("--write", action="store_true", help="write the tables of the page")
    args = parser.parse_args()
    if args.write and not (args.ptbxl and args.ludb and sleepecg):
        parser.error("--write requires --ptbxl, --ludb and sleepecg")
    tables = {}
    if args.ptbxl:
        tables["single-leads"] = on_ptbxl(args.ptbxl)
    if args.ludb:
        tables["rates"] = on_ludb(args.ludb)
    for name, table in tables.items():
        print(f"\n{table.title}")
        print("\n".join(", ".join(row) for row in (table.header, *table.rows)))
        if args.write:
            command = "rpeaks_single_leads.py --ptbxl FOLDER --ludb FOLDER"
            write_tables("rhythm.rst", name, [table], command)


if __name__ == "__main__":
    main()

"""Reliable R-peaks and pacemaker spikes in three databases, and voltages for hypertrophy.

    OMP_NUM_THREADS=1 python benchmarks/beats_of_databases.py DATA_FOLDER [--write]

DATA_FOLDER contains ptbxl, challenge2011 and ludb. Records of PTB-XL are those of folds 1-9 at 100
Hz; records of the Challenge 2011 are acceptable if all their leads can be read. The AUROC is that
of a voltage of `BeatFeatures` for hypertrophy (HYP) against all other records with a superclass,
with a bootstrap of patients; a record without a measurement counts as 0 mV. ``--write`` replaces
the tables of docs/rhythm.rst and docs/beats.rst.
"""

import argparse
from pathlib import Path

import numpy as np
from _study import load_challenge_2011
from _tables import Table, drop_zeros, write_tables

from sklearn_ecg import detect_r_peaks
from sklearn_ecg.datasets import load_ludb, load_ptbxl
from sklearn_ecg.metrics import bootstrap_interval
from sklearn_ecg.preprocessing import BeatFeatures

VOLTAGES = {"Sokolow-Lyon": "global__sokolow_lyon", "Cornell": "global__cornell"}


def count_reliable(name, X, rate):
    """Return a row: records, those with a reliability above 0.5, and those with spikes."""
    rhythm = detect_r_peaks(X, rate)
    n_spikes = sum(len(spikes) > 0 for spikes in rhythm.spikes)
    return (name, f"{len(X):,}", f"{100 * np.mean(rhythm.reliability > 0.5):.1f} %", n_spikes)


def rhythm_table(ecg, folder):
    signals, labels = load_challenge_2011(folder / "challenge2011")
    quality = labels["quality"].to_numpy()
    rows = [count_reliable("PTB-XL, folds 1-9", np.asarray(ecg.data), 100)]
    for name in ("acceptable", "unacceptable"):
        rows.append(count_reliable(f"Challenge 2011, {name}", signals[quality == name], 100))
    ludb = load_ludb(folder / "ludb")
    rows.append(count_reliable("LUDB, first 100 subjects", np.asarray(ludb.data), 500))
    header = ("", "records", "reliability above 0.5", "with pacemaker spikes")
    return Table("R-peaks of records with twelve leads", header, rows)


def voltage_table(ecg):
    table = BeatFeatures(100).set_output(transform="pandas").fit_transform(np.asarray(ecg.data))
    y = np.asarray(ecg.target)[:, list(ecg.target_names).index("HYP")]
    rows = []
    for name, column in VOLTAGES.items():
        values = table[column].fillna(0).to_numpy()
        auroc = bootstrap_interval("roc_auc", y, values, groups=ecg.groups, random_state=0)
        rows.append((name, drop_zeros(auroc)))
    title = f"Hypertrophy in PTB-XL, folds 1-9: {y.sum()} of {len(y):,} records"
    return Table(title, ("voltage", "AUROC [95 % interval]"), rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="contains ptbxl, challenge2011 and ludb")
    parser.add_argument("--write", action="store_true", help="write the tables of the pages")
    args = parser.parse_args()
    ecg = load_ptbxl(args.folder / "ptbxl", task="superclass", folds=range(1, 10))
    tables = {"rhythm.rst": ("reliability", rhythm_table(ecg, args.folder))}
    tables["beats.rst"] = ("voltages", voltage_table(ecg))
    for page, (name, table) in tables.items():
        print(f"\n{table.title}\n{', '.join(table.header)}")
        print("\n".join(", ".join(map(str, row)) for row in table.rows))
        if args.write:
            write_tables(page, name, [table], "beats_of_databases.py DATA_FOLDER")


if __name__ == "__main__":
    main()

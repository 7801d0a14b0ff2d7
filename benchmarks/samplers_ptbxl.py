"""What the samplers do to PTB-XL: the figures of docs/imbalance.rst.

    OMP_NUM_THREADS=1 python benchmarks/samplers_ptbxl.py PTB_XL_FOLDER [--write]

This takes about 10 seconds. ``--write`` replaces the table and the figures of the page.

1. Records with each superclass before and after the samplers of records.
2. BeatSMOTE, infarctions against normal records with ``groups``: how many new records are
   interpolated, the time for each, their deviation from Einthoven's and Goldberger's identities,
   and the QRS amplitudes of their median beats compared with the interpolated amplitudes.
"""

import argparse
import textwrap
import time

import numpy as np
from _tables import Table, write_tables

from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.imbalance import BeatSMOTE, RecordOverSampler, RecordUnderSampler
from sklearn_ecg.preprocessing import MedianBeat

QRS = slice(
    24, 37
)  # from .06 s before to .06 s after the R-peak, in beats that start .3 s before it


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", help="PTB-XL folder")
    parser.add_argument("--write", action="store_true", help="write the table of the page")
    args = parser.parse_args()
    table = count_labels(load_ptbxl(args.folder, task="superclass", folds=range(1, 10)))
    print("\n".join([table.title, *(", ".join(row) for row in (table.header, *table.rows))]))
    if args.write:
        write_tables("imbalance.rst", "counts", [table], "samplers_ptbxl.py PTB_XL_FOLDER")
    text = measure_beat_smote(load_ptbxl(args.folder, task="mi", folds=range(1, 10)))
    print(f"\n{text}")
    if args.write:
        write_tables("imbalance.rst", "beat-smote", [text], "samplers_ptbxl.py PTB_XL_FOLDER")


def count_labels(ecg):
    """Return a table of the records with each label, before and after resampling."""
    X, y = ecg.data, np.asarray(ecg.target)
    labels = {"none": y}
    for sampler in (RecordOverSampler, RecordUnderSampler):
        for strategy in ("auto", 0.5):
            made = sampler(sampling_strategy=strategy, random_state=0)
            argument = "" if strategy == "auto" else strategy
            labels[f"``{sampler.__name__}({argument})``"] = made.fit_resample(X, y)[1]
    rows = [
        (name, f"{len(found):,}", *(f"{count:,}" for count in found.sum(axis=0)))
        for name, found in labels.items()
    ]
    title = "Records of PTB-XL with each superclass, folds 1-9"
    return Table(title, ("sampler", "all", *ecg.target_names), rows)


def measure_beat_smote(ecg):
    """Return a text about new records, and the limb and chest leads of their sources."""
    X, y = np.asarray(ecg.data), np.asarray(ecg.target)
    sampler = BeatSMOTE(ecg.sampling_rate, random_state=0)
    start = time.process_time()
    resampled, _ = sampler.fit_resample(X, y, groups=ecg.groups)
    seconds = time.process_time() - start
    new, source = resampled[len(X) :], sampler.sample_indices_[len(X) :]
    neighbor, gap = sampler.neighbor_indices_[len(X) :], sampler.gaps_[len(X) :]
    made = neighbor >= 0
    before, after = (find_deviation(signals) for signals in (X[source], new))
    median_beat = MedianBeat(ecg.sampling_rate, unreliable="record_average").fit(X)
    sizes = [
        np.ptp(median_beat.transform(signals)[:, 6:, QRS], axis=2)
        for signals in (new[made], X[source[made]], X[neighbor[made]])
    ]
    gap = gap[made, np.newaxis]
    ratio = sizes[0] / ((1 - gap) * sizes[1] + gap * sizes[2])
    changes = np.abs(after - before).max()
    text = (
        f"On PTB-XL records of folds 1 to 9 ({y.sum()} infarctions, {np.sum(y == 0)} normal "
        f"records, ``groups`` given), {made.sum()} of {len(new)} new records were interpolated, in "
        f"{1000 * seconds / len(new):.1f} ms each on one thread. The limb leads of their sources "
        f"deviate from the identities by up to {before.max():.1f} µV, and those of new records by "
        f"{changes:.4f} µV more or less than their source at most. QRS amplitudes in the chest "
        f"leads were {100 * np.median(ratio):.0f} % of the interpolated ones (median)."
    )
    return textwrap.fill(text, 120)


def find_deviation(signals):
    """Return each record's largest deviation from the identities of the limb leads, in uV."""
    lead_i, lead_ii, lead_iii, avr, avl, avf = signals[:, :6].astype(float).transpose(1, 0, 2)
    deviations = (
        lead_ii - lead_i - lead_iii,
        avr + (lead_i + lead_ii) / 2,
        avl - (lead_i - lead_iii) / 2,
        avf - (lead_ii + lead_iii) / 2,
    )
    return 1000 * np.abs(deviations).max(axis=(0, 2))


if __name__ == "__main__":
    main()

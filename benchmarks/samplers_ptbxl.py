"""What the samplers do to PTB-XL: the figures of docs/imbalance.rst.

    OMP_NUM_THREADS=1 python benchmarks/samplers_ptbxl.py PTB_XL_FOLDER    # about 10 seconds

1. Records with each superclass before and after the samplers of records.
2. BeatSMOTE, infarctions against normal records with ``groups``: how many new records are
   interpolated, the time for each, their deviation from Einthoven's and Goldberger's identities,
   and the QRS amplitudes of their median beats compared with the interpolated amplitudes.
"""

import argparse
import time

import numpy as np

from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.imbalance import BeatSMOTE, RecordOverSampler, RecordUnderSampler
from sklearn_ecg.preprocessing import MedianBeat

QRS = slice(
    24, 37
)  # from .06 s before to .06 s after the R-peak, in beats that start .3 s before it


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", help="PTB-XL folder")
    args = parser.parse_args()
    count_labels(load_ptbxl(args.folder, task="superclass", folds=range(1, 10)))
    measure_beat_smote(load_ptbxl(args.folder, task="mi", folds=range(1, 10)))


def count_labels(ecg):
    X, y = ecg.data, np.asarray(ecg.target)
    print(f"{'':26}{'all':>6}" + "".join(f"{name:>6}" for name in ecg.target_names))
    rows = {"none": y}
    for sampler in (RecordOverSampler, RecordUnderSampler):
        for strategy in ("auto", 0.5):
            made = sampler(sampling_strategy=strategy, random_state=0)
            rows[f"{sampler.__name__}({strategy})"] = made.fit_resample(X, y)[1]
    for name, labels in rows.items():
        print(f"{name:26}{len(labels):6}" + "".join(f"{n:6}" for n in labels.sum(axis=0)))


def measure_beat_smote(ecg):
    X, y = np.asarray(ecg.data), np.asarray(ecg.target)
    sampler = BeatSMOTE(ecg.sampling_rate, random_state=0)
    start = time.process_time()
    resampled, _ = sampler.fit_resample(X, y, groups=ecg.groups)
    seconds = time.process_time() - start
    new, source = resampled[len(X) :], sampler.sample_indices_[len(X) :]
    neighbor, gap = sampler.neighbor_indices_[len(X) :], sampler.gaps_[len(X) :]
    made = neighbor >= 0
    print(
        f"\nBeatSMOTE: {y.sum()} infarctions, {np.sum(y == 0)} normal records; {made.sum()} of "
        f"{len(new)} new records interpolated, {1000 * seconds / len(new):.1f} ms each"
    )
    before, after = (find_deviation(signals) for signals in (X[source], new))
    print(
        f"deviation from the identities: {before.max():.2f} uV before, {after.max():.2f} uV after, "
        f"largest change {np.abs(after - before).max():.4f} uV"
    )
    median_beat = MedianBeat(ecg.sampling_rate, unreliable="record_average").fit(X)
    sizes = [
        np.ptp(median_beat.transform(signals)[:, 6:, QRS], axis=2)
        for signals in (new[made], X[source[made]], X[neighbor[made]])
    ]
    gap = gap[made, np.newaxis]
    ratio = sizes[0] / ((1 - gap) * sizes[1] + gap * sizes[2])
    print(
        f"QRS amplitudes in chest leads: {np.median(ratio):.3f} of the interpolated ones (median)"
    )


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

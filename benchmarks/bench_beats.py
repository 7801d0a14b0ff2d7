"""Speed of BeatFeatures and MedianBeat compared with neurokit2's delineation of one lead.

    OMP_NUM_THREADS=1 python benchmarks/bench_beats.py

neurokit2 has to be called record by record, and is listed as not installed if it is not; version
0.2.13 requires pandas < 3 and therefore a separate environment. Processor times per record are
reported, which other processes on the machine affect less, except for the comparison of one
process with two.
"""

import argparse
import os
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from _timing import REPEATS, interleave, keep, report

from sklearn_ecg import LazyRecords
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.preprocessing import BeatFeatures, MedianBeat, SignalQuality

REASON = "detection and the median of the beats of twelve leads are most of the time"

try:
    import neurokit2
except ImportError:
    neurokit2 = None


def with_neurokit2(X, rate):
    for signal in X[:, 1].astype(float):
        clean = neurokit2.ecg_clean(signal, sampling_rate=rate)
        peaks = neurokit2.ecg_peaks(clean, sampling_rate=rate)[1]["ECG_R_Peaks"]
        neurokit2.ecg_delineate(clean, peaks, sampling_rate=rate, method="dwt")


def compare_jobs(rate, n_records, repeats):
    """Report the records per second with one process and with two, by the time that passes."""
    X = make_ecg(n_records, sampling_rate=rate, random_state=0).data
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "records.npy", X)
        lazy = LazyRecords(Path(folder) / "records.npy")
        for name in (BeatFeatures, MedianBeat, SignalQuality):
            one, two = (name(sampling_rate=rate, n_jobs=n_jobs).fit(X[:48]) for n_jobs in (1, 2))
            functions = {"n_jobs=1": partial(one.transform, X)}
            functions["n_jobs=2"] = partial(two.transform, X)
            if name is BeatFeatures:
                functions["n_jobs=2, lazy records"] = partial(two.transform, lazy)
            report(
                f"{name.__name__}, {n_records} 10-s records at {rate} Hz, processes",
                # The first call starts the processes.
                interleave(functions, repeats=repeats, warmup=1),
                n_records=n_records,
                reference="n_jobs=1",
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    for rate, n_records in ((100, 512), (500, 128)):
        X = make_ecg(n_records, sampling_rate=rate, random_state=0).data
        features, beat = BeatFeatures(sampling_rate=rate), MedianBeat(sampling_rate=rate)
        features, beat = features.fit(X), beat.fit(X)
        tasks = {
            "BeatFeatures, 12 leads": (lambda: features.transform(X), n_records),
            "BeatFeatures, record by record": (
                lambda: [features.transform(x[None]) for x in X[:32]],
                32,
            ),
            "MedianBeat, 12 leads": (lambda: beat.transform(X), n_records),
        }
        if neurokit2:
            tasks["neurokit2, delineation of 1 lead"] = (lambda: with_neurokit2(X[:8], rate), 8)
        times = {name: [] for name in tasks}
        for _ in range(min(args.repeats, int(os.environ.get(REPEATS, args.repeats)))):
            for name, (task, count) in tasks.items():
                start = time.process_time()
                task()
                times[name].append(1000 * (time.process_time() - start) / count)
        print(f"\n10-s records at {rate} Hz, ms per record")
        print(f"  {'':34}{'median':>9}{'min':>9}{'max':>9}{'ratio':>8}")
        own = times["BeatFeatures, 12 leads"]
        rows = []
        for name, values in times.items():
            ratio = np.median(np.divide(values, own))
            rows.append([name, np.median(values), min(values), max(values), ratio])
            print("  {:34}{:9.2f}{:9.2f}{:9.2f}{:8.1f}".format(*rows[-1]))
        if not neurokit2:
            rows.append(["neurokit2, delineation of 1 lead", None, None, None, None])
            print(f"  {rows[-1][0]:34}{'not installed':>15}")
        limit, found = 2 if rate == 100 else 5, rows[0][1]
        unmet = []
        if found > limit:
            unmet = [f"BeatFeatures takes {found:.3g} ms instead of {limit}: {REASON}"]
        keep(
            f"Beats of 10-s records at {rate} Hz",
            "ms per record",
            rows,
            f"BeatFeatures, 12 leads: <= {limit} ms",
            unmet,
        )
    for rate, n_records in ((100, 2048), (500, 512)):
        compare_jobs(rate, n_records, args.repeats)


if __name__ == "__main__":
    main()

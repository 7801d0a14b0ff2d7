"""Speed of BeatFeatures and MedianBeat compared with neurokit2's delineation of one lead.

    OMP_NUM_THREADS=1 python benchmarks/bench_beats.py

neurokit2 has to be called record by record, and is listed as not installed if it is not; version
0.2.13 requires pandas < 3 and therefore a separate environment. Processor times per record are
reported, which other processes on the machine affect less. With ``--jobs 2``, the times that pass
with one and with two processes are compared instead.
"""

import argparse
import os
import time
import warnings

import numpy as np
from _timing import REPEATS, keep

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


def compare_jobs(n_jobs, repeats):
    """Print the least milliseconds that pass per record with one process and with several."""
    for rate, n_records in ((100, 2048), (500, 512)):
        X = make_ecg(n_records, sampling_rate=rate, random_state=0).data
        for name in (BeatFeatures, MedianBeat, SignalQuality):
            transformer = name(sampling_rate=rate).fit(X[:48])
            seconds = {1: [], n_jobs: []}
            # The first repeat starts the processes.
            for repeat in range(repeats + 1):
                for number, times in seconds.items():
                    start = time.perf_counter()
                    transformer.set_params(n_jobs=number).transform(X)
                    if repeat:
                        times.append(time.perf_counter() - start)
            one, several = (1000 * min(times) / n_records for times in seconds.values())
            print(
                f"{name.__name__}, {rate} Hz: {one:.2f} ms with n_jobs=1, {several:.2f} ms with "
                f"n_jobs={n_jobs}, ratio {one / several:.2f}"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--jobs", type=int, help="number of processes to compare with one")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if args.jobs:
        compare_jobs(args.jobs, args.repeats)
        return
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


if __name__ == "__main__":
    main()

"""Speed of BeatFeatures and MedianBeat, beside neurokit2's delineation of one lead.

    OMP_NUM_THREADS=1 python benchmarks/bench_beats.py

neurokit2 is called record by record, as it has to be, and measured where it is installed; version
0.2.13 needs pandas < 3 and so an environment of its own. Times are those of the process, so that
others on the machine matter less; what is reported is per record.
"""

import argparse
import time
import warnings

import numpy as np

from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.preprocessing import BeatFeatures, MedianBeat

try:
    import neurokit2
except ImportError:
    neurokit2 = None


def with_neurokit2(X, rate):
    for signal in X[:, 1].astype(float):
        clean = neurokit2.ecg_clean(signal, sampling_rate=rate)
        peaks = neurokit2.ecg_peaks(clean, sampling_rate=rate)[1]["ECG_R_Peaks"]
        neurokit2.ecg_delineate(clean, peaks, sampling_rate=rate, method="dwt")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    for rate, n_records in ((100, 512), (500, 128)):
        X = make_ecg(n_records, sampling_rate=rate, random_state=0).data
        features, beat = BeatFeatures(rate).fit(X), MedianBeat(rate).fit(X)
        works = {
            "BeatFeatures, 12 leads": (lambda: features.transform(X), n_records),
            "BeatFeatures, record by record": (
                lambda: [features.transform(x[None]) for x in X[:32]],
                32,
            ),
            "MedianBeat, 12 leads": (lambda: beat.transform(X), n_records),
        }
        if neurokit2:
            works["neurokit2, delineation of 1 lead"] = (lambda: with_neurokit2(X[:8], rate), 8)
        times = {name: [] for name in works}
        for _ in range(args.repeats):
            for name, (work, count) in works.items():
                start = time.process_time()
                work()
                times[name].append(1000 * (time.process_time() - start) / count)
        print(f"\n10-s records at {rate} Hz, ms per record (target for BeatFeatures at 100 Hz: 2)")
        print(f"  {'':34}{'median':>9}{'min':>9}{'max':>9}{'ratio':>8}")
        own = times["BeatFeatures, 12 leads"]
        for name, values in times.items():
            ratio = np.median(np.divide(values, own))
            figures = f"{np.median(values):9.2f}{min(values):9.2f}{max(values):9.2f}{ratio:8.1f}"
            print(f"  {name:34}{figures}")


if __name__ == "__main__":
    main()

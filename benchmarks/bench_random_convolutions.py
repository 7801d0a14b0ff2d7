"""Speed of RandomConvolutionFeatures compared with MiniRocket of aeon.

    OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 python benchmarks/bench_random_convolutions.py [--write]

aeon is skipped if it is not installed; version 1.6 requires older dependencies and therefore a
separate environment. The features of both are compared first, with the kernels that aeon has drawn
and signals without rounding errors. The rates are per second of processor time. ``--write`` writes
the table of docs/random_convolutions.rst, and requires aeon.
"""

import argparse
import time

import numpy as np
from _tables import Table, write_tables
from _timing import interleave, report

from sklearn_ecg.preprocessing import RandomConvolutionFeatures

try:
    from aeon.transformations.collection.convolution_based import MiniRocket
except ImportError:
    MiniRocket = None

PAGE = "random_convolutions.rst"
NAMES = {
    "ours, per lead": "kernels of one lead",
    "aeon, per lead": "aeon, each lead by itself",
    "ours, across leads": "``across_leads=True``",
    "aeon, multivariate": "aeon, multivariate",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="the table of the page")
    args = parser.parse_args()
    if args.write and not MiniRocket:
        parser.error("--write compares with aeon, which is not installed")
    rates = {}
    rng = np.random.default_rng(0)
    for n_times, n_records, target in ((80, 1000, 1000), (1000, 100, 150)):
        X = rng.integers(-20, 20, (n_records, 12, n_times)).cumsum(axis=2).astype(np.float32)
        per_lead, across = (
            RandomConvolutionFeatures(across_leads=value, random_state=0).fit(X)
            for value in (False, True)
        )
        tasks = {
            "ours, per lead": lambda: per_lead.transform(X),
            "ours, across leads": lambda: across.transform(X),
        }
        if MiniRocket:
            leads = [MiniRocket(833, random_state=0).fit(X[:, [i]]) for i in range(12)]
            multivariate = MiniRocket(10_000, random_state=0).fit(X)
            compare(multivariate, across, X[:20])
            tasks["aeon, per lead"] = lambda: [m.transform(X[:, [i]]) for i, m in enumerate(leads)]
            tasks["aeon, multivariate"] = lambda: multivariate.transform(X)
        seconds = interleave(tasks, repeats=args.repeats, clock=time.process_time)
        for name, values in seconds.items():
            rates.setdefault(name, []).append(f"{n_records / np.median(values):,.0f}")
        report(
            f"12 leads of {n_times} time points",
            seconds,
            n_records=n_records,
            reference="ours, per lead",
            rates=dict.fromkeys(["ours, per lead", "ours, across leads"], target),
            reason="the kernels of 10,000 features take the same time in every implementation",
        )
    if args.write:
        rows = [[NAMES[name], *values] for name, values in rates.items()]
        header = ("records per second", "median beats (80 time points)", "10 s at 100 Hz")
        table = Table("", header, rows, widths=(52, 24, 24))
        write_tables(PAGE, "aeon", [table], "bench_random_convolutions.py --write")


def compare(theirs, ours, X):
    """Print the largest difference of the features with the same kernels, leads and biases."""
    n_leads, leads, dilations, n_biases, biases = theirs.parameters
    assert np.array_equal(dilations, ours.dilations_) and np.array_equal(n_biases, ours.n_biases_)
    kernel = np.repeat(np.arange(len(n_leads)), n_leads)
    chosen = np.zeros((len(n_leads), X.shape[1]), dtype=bool)
    chosen[kernel, leads] = True
    same = RandomConvolutionFeatures(across_leads=True, random_state=0).fit(X)
    same.biases_ = np.asarray(biases, dtype=np.float32)
    same.feature_leads_ = np.repeat(chosen, np.repeat(n_biases, 84), axis=0)
    print("largest difference:", np.abs(same.transform(X) - theirs.transform(X)).max())


if __name__ == "__main__":
    main()

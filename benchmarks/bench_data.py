"""Synthetic records per second, time of imports, and PTB-XL beside wfdb in a loop.

    python benchmarks/bench_data.py [PTB_XL_FOLDER]
"""

import argparse
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from _timing import interleave, report

from sklearn_ecg.datasets import load_ptbxl, make_ecg


def seconds_of(code):
    """Seconds that a fresh Python takes for a statement, less those for nothing."""
    times = []
    for statement in ("pass", code):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-W", "ignore", "-c", statement], check=True)
        times.append(time.perf_counter() - start)
    return times[1] - times[0]


def bench_ptbxl(folder):
    """load_ptbxl with one and two workers beside wfdb.rdsamp in a loop, on the same records."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb
    database = pd.read_csv(folder / "ptbxl_database.csv", low_memory=False)
    loaded = load_ptbxl(folder, task="mi", n_jobs=2)
    paths = database.set_index("ecg_id").loc[loaded.ecg_id, "filename_lr"]
    n_records = len(paths)

    def loop():
        return np.stack([wfdb.rdsamp(str(folder / path))[0].T for path in paths])

    np.testing.assert_allclose(loop(), loaded.data, atol=1e-6)
    seconds = interleave(
        {
            "wfdb.rdsamp in a loop": loop,
            "load_ptbxl(n_jobs=1)": lambda: load_ptbxl(folder, task="mi", n_jobs=1),
            "load_ptbxl(n_jobs=2)": lambda: load_ptbxl(folder, task="mi", n_jobs=2),
        },
        repeats=3,
    )
    report(
        f"Reading {n_records} PTB-XL records at 100 Hz", seconds, n_records=n_records,
        reference="wfdb.rdsamp in a loop",
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="PTB-XL folder")
    args = parser.parse_args()
    for sampling_rate in (100, 500):
        seconds = interleave(
            {"make_ecg": lambda: make_ecg(1000, sampling_rate=sampling_rate, random_state=0)},
            repeats=5,
        )
        report(
            f"Synthetic 10-s records at {sampling_rate} Hz", seconds, n_records=1000,
            reference="make_ecg", target=">= 1000 records/s at 100 Hz",
        )
    print("\nImports, seconds beyond those of Python itself")
    for code in (
        "import sklearn_ecg",
        "from sklearn_ecg.datasets import make_ecg",
        "from sklearn_ecg import MSAICNetClassifier",
    ):
        print(f"  {code:50}{seconds_of(code):8.2f}")
    if args.folder:
        bench_ptbxl(args.folder)


if __name__ == "__main__":
    main()

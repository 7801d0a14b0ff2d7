"""Synthetic records per second, import times, and PTB-XL compared with wfdb in a loop.

    python benchmarks/bench_data.py [PTB_XL_FOLDER]

All records of the folder at 100 Hz are loaded cold (from their files) and warm (from the cache);
"warm, summed" also reads every value. The peak memory of a new process is measured for each.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from _timing import interleave, report

from sklearn_ecg.datasets import load_ptbxl, make_ecg


def seconds_of(code):
    """Return the seconds that a new Python process takes for a statement, minus its start-up."""
    times = []
    for statement in ("pass", code):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-W", "ignore", "-c", statement], check=True)
        times.append(time.perf_counter() - start)
    return times[1] - times[0]


def bench_ptbxl(folder):
    """Compare load_ptbxl, cold and warm, with wfdb.rdsamp in a loop on the same records."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb
    with tempfile.TemporaryDirectory() as cache, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = load_ptbxl(folder, task="all", n_jobs=2, cache=cache)
        paths = list(loaded.metadata["filename_lr"])
        n_records = len(paths)

        def loop():
            return np.stack([wfdb.rdsamp(str(folder / path))[0].T for path in paths])

        def load(**options):
            return load_ptbxl(folder, task="all", **options).data

        np.testing.assert_allclose(loop(), loaded.data, atol=1e-6)
        seconds = interleave(
            {
                "wfdb.rdsamp in a loop": loop,
                "cold, n_jobs=1": lambda: load(n_jobs=1),
                "cold, n_jobs=2": lambda: load(n_jobs=2),
                "warm": lambda: load(cache=cache),
                "warm, summed": lambda: load(cache=cache).sum(),
            },
            repeats=3,
        )
        report(
            f"Reading {n_records} PTB-XL records at 100 Hz",
            seconds,
            n_records=n_records,
            reference="wfdb.rdsamp in a loop",
            goals={"warm": 100, "cold, n_jobs=1": 0.9},
            reason=(
                "a cold read parses headers as the loop does, and checks and lists each record as "
                "well; a warm read converts integers of a file to float32, and wfdb is faster here "
                "than on the machine of the target"
            ),
        )
        print(f"\nPeak memory in MB; the array takes {loaded.data.nbytes / 1e6:.0f} MB")
        start = f"from sklearn_ecg.datasets import load_ptbxl; folder = {str(folder)!r}"
        options = {
            "imports": None,
            "cold, no cache": "",
            "cold, into a cache": f", cache={os.path.join(cache, 'new')!r}",
            "warm": f", cache={cache!r}",
        }
        for name, given in options.items():
            code = start
            if given is not None:
                code += f"; load_ptbxl(folder, task='all'{given})"
            print(f"  {name:34}{peak_memory(code):8.0f}")
        loop_code = (
            "import numpy as np, pandas as pd, wfdb; "
            f"paths = pd.read_csv({str(folder / 'ptbxl_database.csv')!r})['filename_lr']; "
            f"np.stack([wfdb.rdsamp({str(folder)!r} + '/' + p)[0].T for p in paths])"
        )
        print(f"  {'wfdb.rdsamp in a loop':34}{peak_memory(loop_code):8.0f}")


def peak_memory(code):
    """Return the peak resident memory in MB of a new Python process that runs code, on Linux."""
    # getrusage would include the memory of the parent at the time of the fork.
    code += "; print([x for x in open('/proc/self/status') if 'VmHWM' in x][0].split()[1])"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True
    )
    return float(done.stdout) / 1000


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
            f"Synthetic 10-s records at {sampling_rate} Hz",
            seconds,
            n_records=1000,
            reference="make_ecg",
            rates={"make_ecg": 1000 if sampling_rate == 100 else 200},
            reason="the drawn waves and noise take most of the time",
        )
    print("\nImports, in seconds without the start-up of Python")
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

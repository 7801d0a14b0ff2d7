"""Synthetic records per second, import times, and reading compared with wfdb in a loop.

    python benchmarks/bench_data.py [PTB_XL_FOLDER] [--records 400]

Records of make_ecg in WFDB files, at 100 and at 500 Hz, and all records of the folder at 100 Hz are
loaded cold (from their files) and warm (from the cache); "warm, summed" also reads every value. For
the folder, the peak memory of a new process is measured for each.
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

from sklearn_ecg.datasets import load_ptbxl, load_wfdb, make_ecg

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import wfdb


def seconds_of(code):
    """Return the seconds that a new Python process takes for a statement, minus its start-up."""
    times = []
    for statement in ("pass", code):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-W", "ignore", "-c", statement], check=True)
        times.append(time.perf_counter() - start)
    return times[1] - times[0]


def write_records(folder, ecg):
    """Write records of make_ecg as WFDB files, in steps of 1 microvolt, and return their paths.

    They are like those of PTB-XL. wfdb takes much longer for writing than for reading.
    """
    paths = []
    for row, signals in enumerate(np.rint(1000 * ecg.data).astype("<i2")):
        name = f"r{row:05d}"
        lines = [f"{name} {len(signals)} {ecg.sampling_rate} {signals.shape[1]}"]
        for lead, values in zip(ecg.lead_names, signals):
            checksum = int(values.sum(dtype=np.int64)) % 2**16
            lines.append(f"{name}.dat 16 1000(0)/mV 16 0 {values[0]} {checksum} 0 {lead}")
        (folder / f"{name}.hea").write_text("\n".join(lines) + "\n", encoding="ascii")
        signals.T.tofile(folder / f"{name}.dat")
        paths.append(folder / name)
    return paths


def bench_wfdb(sampling_rate, n_records):
    """Compare load_wfdb with wfdb.rdsamp on records of make_ecg."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as cache:
        ecg = make_ecg(n_records, sampling_rate=sampling_rate, random_state=0)
        paths = write_records(Path(folder), ecg)
        compare_reading(
            f"Reading {n_records} WFDB records at {sampling_rate} Hz, of make_ecg",
            paths,
            lambda **options: load_wfdb(folder, **options).data,
            cache,
        )


def bench_ptbxl(folder):
    """Compare load_ptbxl with wfdb.rdsamp on the same records."""
    with tempfile.TemporaryDirectory() as cache:
        loaded = load_ptbxl(folder, task="all", n_jobs=2)
        names = loaded.metadata["filename_lr"]
        compare_reading(
            f"Reading {len(names)} PTB-XL records at 100 Hz",
            [folder / name for name in names],
            lambda **options: load_ptbxl(folder, task="all", **options).data,
            cache,
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


def compare_reading(title, paths, load, cache):
    """Compare a loader, cold and warm, with wfdb.rdsamp in a loop on the same records."""

    def loop():
        return np.stack([wfdb.rdsamp(str(path))[0].T for path in paths])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_allclose(load(cache=cache), loop(), atol=1e-6)
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
        title,
        seconds,
        n_records=len(paths),
        reference="wfdb.rdsamp in a loop",
        goals={"warm": 100, "cold, n_jobs=1": 0.9},
        reason={
            "cold, n_jobs=1": (
                "a cold read parses headers as the loop does, and checks and lists each record as "
                "well"
            ),
            "warm": (
                "a warm read maps the cached array into memory; its time is that of listing the "
                "files, checking that none has changed, and making the tables"
            ),
        },
    )


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
    parser.add_argument("--records", type=int, default=400, help="number of WFDB records")
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
    for sampling_rate in (100, 500):
        bench_wfdb(sampling_rate, args.records)
    if args.folder:
        bench_ptbxl(args.folder)


if __name__ == "__main__":
    main()

"""Measure time and memory of lazy records: cost per record, and a corpus larger than the memory.

The corpus is a file of synthetic 12-lead records of ten seconds, in which a block of 2,000 records
is repeated. It is kept for later runs.
Run from the root of the repository, after ``pip install -e .``:

    python benchmarks/bench_scale.py linear
    python benchmarks/bench_scale.py corpus --gigabytes 20 --folder FOLDER

``linear`` measures each task with 1,000 and with 16,000 records, ``corpus`` with all records of a
file of the given size, and fails if the peak of the resident memory is above the limit. Results are
kept in benchmarks/results. With ``--write``, they are written to docs/scale.rst.
``--epoch-records`` trains MSAIC-Net, with the sizes of the tables, on the first records of the
corpus only. The small MSAIC-Net has four filters and a stride of four time points.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from _arms import TABLED
from _results import cached_object, code_hash
from _tables import Table, write_tables
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline

from sklearn_ecg import LazyRecords, MSAICNetClassifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import lead_importance
from sklearn_ecg.preprocessing import BeatFeatures, MedianBeat, Resampler

PAGE = "scale.rst"
# Records of MIMIC-IV-ECG, to which the time per record is extrapolated.
N_MIMIC = 800_000
N_BLOCK = 2000
N_SECONDS = 10
TINY = {"filters": (4,), "dilations": (1,), "kernel_size": 7, "batch_size": 256}
SMALL = {**TINY, "stride": 4}


def bytes_per_record(rate):
    return 12 * N_SECONDS * rate * 4


def make_corpus(path, n_records, rate):
    """Write a file of repeated records, unless it has them already."""
    if path.is_file() and path.stat().st_size >= n_records * bytes_per_record(rate):
        return
    block = make_ecg(N_BLOCK, sampling_rate=rate, duration=N_SECONDS, random_state=0).data
    with open(path, "wb") as file:
        for start in range(0, n_records, N_BLOCK):
            file.write(block[: min(N_BLOCK, n_records - start)].data)


def open_corpus(path, n_records, rate):
    array = np.memmap(path, np.float32, "r", shape=(n_records, 12, N_SECONDS * rate))
    return LazyRecords(array, sampling_rate=rate, units="mV")


def corpus_path(folder, rate):
    return Path(folder) / f"corpus{rate}.dat"


def peak_memory():
    """Return the peak of the resident memory in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no peak of the memory.")


def task_functions(epoch_records, rate=100):
    """Return the tasks, which take lazy records and labels."""
    msaic = MSAICNetClassifier(max_epochs=1, random_state=0, **TABLED)
    tiny = MSAICNetClassifier(max_epochs=1, random_state=0, **TINY)
    small = MSAICNetClassifier(max_epochs=1, random_state=0, **SMALL)
    features = BeatFeatures(sampling_rate=rate)

    def fit_tiny(X, y):
        return tiny.fit(X[:100], y[:100])

    return {
        "read": lambda X, y: sum(1 for _ in X),
        "train MSAIC-Net, one epoch": lambda X, y: msaic.fit(X[:epoch_records], y[:epoch_records]),
        "train a small MSAIC-Net, one epoch": lambda X, y: small.fit(X, y),
        "train a tiny network, one epoch": lambda X, y: tiny.fit(X, y),
        "predict, tiny network": lambda X, y: fit_tiny(X, y).predict_proba(X),
        "BeatFeatures": lambda X, y: features.fit_transform(X),
        "MedianBeat, then a tiny network": lambda X, y: make_pipeline(
            MedianBeat(sampling_rate=rate, unreliable="record_average"), tiny
        ).fit(X, y),
        "3-fold cross_validate, 50 Hz, tiny network": lambda X, y: cross_validate(
            make_pipeline(Resampler(50, sampling_rate=rate), tiny), X, y, cv=3, error_score="raise"
        ),
        "3-fold cross_validate, small MSAIC-Net": lambda X, y: cross_validate(
            small, X, y, cv=3, error_score="raise"
        ),
        "3-fold cross_validate, tiny network": lambda X, y: cross_validate(
            tiny, X, y, cv=3, error_score="raise"
        ),
        "3-fold cross_validate, BeatFeatures": lambda X, y: cross_validate(
            make_pipeline(features, DummyClassifier()), X, y, cv=3, error_score="raise"
        ),
        "lead importance of two leads, tiny network": lambda X, y: lead_importance(
            fit_tiny(X, y), X, y, n_repeats=1, lead_groups={"I": ["I"], "V1": ["V1"]}
        ),
    }


def run_task(name, path, n_records, epoch_records, rate):
    """Run a task in this process, and print seconds and memory as JSON."""
    torch.set_num_threads(1)
    X = open_corpus(path, n_records, rate)
    y = np.random.default_rng(0).integers(0, 2, n_records)
    task = task_functions(epoch_records, rate)[name]
    # What is loaded with the first call is no cost of a record.
    task(X[:100], y[:100])
    base = peak_memory()
    start = time.perf_counter()
    task(X, y)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "base": base, "peak": peak_memory()}))


def measure(name, path, n_records, epoch_records, rate):
    """Run a task in a process of its own, unless there is a kept result of the same code."""
    command = [sys.executable, __file__, "task", "--name", name, "--path", str(path)]
    command += ["--records", str(n_records), "--epoch-records", str(epoch_records)]
    command += ["--rate", str(rate)]

    def run():
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])

    code = code_hash("beats", "preprocessing")
    return cached_object(f"scale|{code}|{name}|{n_records}|{epoch_records}|{rate}", run)


def linear(folder, names, sizes, rate):
    """Compare time per record and memory of a small and of a large number of records.

    Return the rows of a table.
    """
    path = corpus_path(folder, rate)
    make_corpus(path, max(sizes), rate)
    rows = []
    for name in names:
        found = [measure(name, path, size, size, rate) for size in sizes]
        each = [1000 * result["seconds"] / size for result, size in zip(found, sizes)]
        ratio = each[-1] / each[0]
        print(
            f"{name:45s}",
            *(f"{ms:9.3f} ms" for ms in each),
            f"ratio {ratio:5.2f}",
            *(f"{result['peak']:6.0f} MB" for result in found),
            flush=True,
        )
        minutes = each[-1] * N_MIMIC / 60_000
        peaks = [f"{result['peak']:.0f}" for result in found]
        cells = [*(f"{ms:.3g}" for ms in each), f"{ratio:.2f}", *peaks]
        rows.append((name, *cells, f"{minutes:.0f}"))
    return rows


def write_linear(rows, sizes, rate):
    header = [f"{size:,} records" for size in sizes]
    table = Table(
        f"Milliseconds per record at {rate} Hz, peak of the resident memory, and minutes for "
        f"{N_MIMIC:,} records",
        ("Task", *header, "ratio", *(f"MB, {name}" for name in header), f"min for {N_MIMIC:,}"),
        rows,
        widths=(34, 12, 12, 8, 11, 11, 12),
    )
    write_tables(PAGE, "scale-linear", [table], f"bench_scale.py linear --rate {rate}")


def corpus(folder, names, gigabytes, epoch_records, limit, rate):
    """Run the tasks on a large corpus, and compare the peak of the memory with a limit.

    Return the rows of a table.
    """
    path = corpus_path(folder, rate)
    n_records = int(gigabytes * 1e9 / bytes_per_record(rate))
    make_corpus(path, n_records, rate)
    print(f"{n_records} records at {rate} Hz, {gigabytes:.1f} GB", flush=True)
    rows, worst = [], 0
    for name in names:
        result = measure(name, path, n_records, epoch_records or n_records, rate)
        worst = max(worst, result["peak"])
        print(f"{name:45s} {result['seconds']:9.1f} s {result['peak']:6.0f} MB", flush=True)
        rows.append((name, f"{result['seconds'] / 60:.1f}", f"{result['peak']:.0f}"))
    if worst > limit:
        sys.exit(f"The peak of the memory, {worst:.0f} MB, is above {limit:.0f} MB.")
    return rows


def write_corpus(rows, gigabytes, rate):
    n_records = int(gigabytes * 1e9 / bytes_per_record(rate))
    table = Table(
        f"{n_records:,} records at {rate} Hz, {gigabytes:.0f} GB as float32",
        ("Task", "minutes", "peak of the resident memory, MB"),
        rows,
        widths=(50, 20, 30),
    )
    command = f"bench_scale.py corpus --gigabytes {gigabytes:g} --rate {rate} --folder FOLDER"
    write_tables(PAGE, "scale-corpus", [table], command)


def select_tasks(names, words):
    """Return the names that are one of the words, or else contain it. None selects all."""
    if not words:
        return names
    chosen = []
    for word in words:
        chosen += [word] if word in names else [name for name in names if word in name]
    return [name for name in names if name in chosen]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["linear", "corpus", "task"])
    parser.add_argument("--folder", default=".", help="where the corpus is written")
    parser.add_argument("--tasks", nargs="*", help="names of tasks, or words of them")
    parser.add_argument("--sizes", nargs=2, type=int, default=[1000, 16000])
    parser.add_argument("--gigabytes", type=float, default=20)
    parser.add_argument("--epoch-records", type=int, default=0, help="0 trains on all records")
    parser.add_argument("--limit", type=float, default=2000, help="of the memory, in MB")
    parser.add_argument("--rate", type=int, default=100, help="sampling rate, in Hz")
    parser.add_argument("--write", action="store_true", help="write the table of docs/scale.rst")
    parser.add_argument("--name")
    parser.add_argument("--path")
    parser.add_argument("--records", type=int)
    options = parser.parse_args()
    if options.what == "task":
        run_task(options.name, options.path, options.records, options.epoch_records, options.rate)
        return
    names = select_tasks(list(task_functions(0)), options.tasks)
    if options.what == "linear":
        rows = linear(options.folder, names, options.sizes, options.rate)
        if options.write:
            write_linear(rows, options.sizes, options.rate)
        return
    rows = corpus(
        options.folder,
        names,
        options.gigabytes,
        options.epoch_records,
        options.limit,
        options.rate,
    )
    if options.write:
        write_corpus(rows, options.gigabytes, options.rate)


if __name__ == "__main__":
    main()

"""Run every speed benchmark, and write the table of docs/reproduction/speed.rst.

    python benchmarks/bench_all.py [--quick] [--only WORD ...] [--ptbxl FOLDER]

Each benchmark is a process of its own, in which functions are timed in turn with their peers. Peers
that are not installed are skipped. ``--quick`` times each function once, and does not write the
table. Exit with an error if a benchmark fails.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from _tables import Table, write_tables
from _timing import REPEATS, RESULTS

FOLDER = Path(__file__).parent
PAGE = "reproduction/speed.rst"
SCRIPTS = (
    "bench_training.py",
    "bench_augmentation.py",
    "bench_rhythm.py",
    "bench_beats.py",
    "bench_losses.py",
    "bench_inspection.py",
    "bench_images.py",
    "bench_render.py",
    "bench_preprocessing.py",
    "bench_random_convolutions.py",
    "bench_metrics.py",
    "bench_data.py",
)
# Smaller tasks with --quick.
QUICK = {
    "bench_images.py": ["--images", "32", "--epochs", "1"],
    "bench_render.py": ["--records", "20"],
}
LIBRARIES = (
    "torch",
    "skorch",
    "scikit-learn",
    "numpy",
    "scipy",
    "braindecode",
    "captum",
    "lightly",
    "neurokit2",
    "pillow",
    "pytorch-metric-learning",
    "sleepecg",
    "torch-ecg",
    "wfdb",
)


def run_script(name, options, quick):
    """Run a benchmark, show what it prints, and return its comparisons."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.jsonl"
        environment = {**os.environ, RESULTS: str(results)}
        if quick:
            environment[REPEATS] = "1"
        print(f"\n=== {name}", flush=True)
        subprocess.run([sys.executable, FOLDER / name, *options], env=environment, check=True)
        if not results.is_file():
            return []
        return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]


def describe_machine():
    """Return sentences about the machine, the versions and the date."""
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        processor = names[0] if names else processor
    versions = []
    for library in LIBRARIES:
        try:
            versions.append(f"{library} {metadata.version(library)}")
        except metadata.PackageNotFoundError:
            continue
    load = ""
    if hasattr(os, "getloadavg"):
        load = f" The load of the machine at the end was {os.getloadavg()[2]:.1f}."
    return (
        f"Measured on {datetime.date.today()}, on {os.cpu_count()} cores ({processor}), one thread "
        f"unless noted otherwise, Python {platform.python_version()}, {', '.join(versions)}.{load}"
    )


def format_number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def make_tables(comparisons):
    """Return the results, between the machine and the targets that are not met."""
    rows = []
    for comparison in comparisons:
        title = f"**{comparison['title']}**, {comparison['unit']}"
        rows.append((title, "", "", "", comparison["target"]))
        for name, median, lowest, highest, ratio in comparison["rows"]:
            span = f"{format_number(lowest)} to {format_number(highest)}"
            rows.append((name, format_number(median), span, f"{ratio:.2f}", ""))
    header = ("Work", "median", "range", "ratio", "target")
    results = Table("", header, rows, widths=(46, 14, 20, 10, 10))
    return [describe_machine(), results, "\n".join(list_unmet(comparisons))]


def list_unmet(comparisons):
    """Return a list of the targets that are not met, with the reasons, as lines."""
    unmet = [
        f"- {comparison['title']}: {part}."
        for comparison in comparisons
        for part in comparison["unmet"]
    ]
    if not unmet:
        return ["All targets are met."]
    return ["Targets that are not met, with the reasons:", "", *unmet]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="time each function once")
    parser.add_argument("--only", nargs="*", help="scripts whose names contain one of these words")
    parser.add_argument("--ptbxl", help="PTB-XL folder")
    options = parser.parse_args()
    comparisons, failed = [], []
    for script in SCRIPTS:
        if options.only and not any(word in script for word in options.only):
            continue
        arguments = QUICK.get(script, []) if options.quick else []
        if script == "bench_data.py" and options.ptbxl:
            arguments = [*arguments, options.ptbxl]
        try:
            comparisons += run_script(script, arguments, options.quick)
        except subprocess.CalledProcessError:
            failed.append(script)
    if failed:
        sys.exit(f"These benchmarks failed, and the table was not written: {', '.join(failed)}.")
    print("", *list_unmet(comparisons), sep="\n")
    if options.quick or options.only:
        print(f"\n{len(comparisons)} comparisons; the table was not written.")
    else:
        write_tables(PAGE, "speed", make_tables(comparisons), "make bench")


if __name__ == "__main__":
    main()

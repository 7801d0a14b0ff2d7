"""Run every speed benchmark, and write the table of docs/reproduction/speed.rst.

    python benchmarks/bench_all.py [--quick] [--only WORD ...] [--ptbxl FOLDER]

Each benchmark is a process of its own, in which functions are timed in turn with their peers. Peers
that are not installed are listed as such. The results of each benchmark are kept in
benchmarks/results/speed: ``--only`` repeats some of them, and writes the table with the kept
results of the others. ``--quick`` times each function once, and neither keeps results nor writes
the table. Exit with an error if a benchmark fails.
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

import _results
from _tables import Table, write_tables
from _timing import REPEATS, RESULTS

FOLDER = Path(__file__).parent
KEPT = _results.RESULTS / "speed"
PAGE = "reproduction/speed.rst"
# What each script measures.
SCRIPTS = {
    "bench_training.py": "Training and prediction",
    "bench_augmentation.py": "Augmentation",
    "bench_rhythm.py": "R-peaks",
    "bench_beats.py": "Beats and measurements",
    "bench_losses.py": "Contrastive losses",
    "bench_inspection.py": "Lead importance",
    "bench_images.py": "Networks on images",
    "bench_render.py": "Drawing of images",
    "bench_preprocessing.py": "Preprocessing",
    "bench_random_convolutions.py": "Random convolutions",
    "bench_metrics.py": "Intervals",
    "bench_data.py": "Data",
}
# Smaller tasks with --quick.
QUICK = {
    "bench_images.py": ["--images", "32", "--epochs", "1"],
    "bench_render.py": ["--records", "20"],
    "bench_data.py": ["--records", "40"],
}
LIBRARIES = (
    "torch",
    "skorch",
    "scikit-learn",
    "numpy",
    "scipy",
    "audiomentations",
    "braindecode",
    "captum",
    "lightly",
    "matplotlib",
    "neurokit2",
    "pillow",
    "pytorch-metric-learning",
    "sleepecg",
    "torch-ecg",
    "wfdb",
)


def run_script(name, options, quick):
    """Run a benchmark, show what it prints, and keep its results unless ``quick`` is true."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.jsonl"
        environment = {**os.environ, RESULTS: str(results)}
        if quick:
            environment[REPEATS] = "1"
        print(f"\n=== {name}", flush=True)
        subprocess.run([sys.executable, FOLDER / name, *options], env=environment, check=True)
        lines = results.read_text(encoding="utf-8").splitlines() if results.is_file() else []
    comparisons = [json.loads(line) for line in lines]
    if not quick:
        KEPT.mkdir(parents=True, exist_ok=True)
        load = os.getloadavg()[2] if hasattr(os, "getloadavg") else None
        result = {"machine": describe_machine(), "load": load, "comparisons": comparisons}
        with _results.atomic_file(kept_file(name)) as path:
            path.write_text(json.dumps(result), encoding="utf-8")
    return comparisons


def kept_file(script):
    return KEPT / Path(script).with_suffix(".json").name


def describe_kept(kept):
    """Return where and when the kept results of scripts were measured, as paragraphs."""
    scripts = {}
    for script, result in kept.items():
        scripts.setdefault(result["machine"], []).append(script)
    paragraphs = []
    for machine, names in scripts.items():
        listed = ", ".join(f"``{name}``" for name in names)
        loads = [kept[name]["load"] for name in names if kept[name]["load"] is not None]
        text = machine if len(scripts) == 1 else f"{listed}: {machine}"
        if loads:
            text += f" Load of the machine at the end: at most {max(loads):.1f}."
        paragraphs.append(text)
    return "\n\n".join(paragraphs)


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
    return (
        f"Measured on {datetime.date.today()}, on {os.cpu_count()} cores ({processor}), one thread "
        f"unless noted otherwise, Python {platform.python_version()}, {', '.join(versions)}."
    )


def format_number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def make_tables(kept):
    """Return the machines, the targets that are not met, and a folded table for each script."""
    comparisons = [comparison for result in kept.values() for comparison in result["comparisons"]]
    tables = [
        make_table(f"{SCRIPTS[script]} (``{script}``)", result["comparisons"])
        for script, result in kept.items()
    ]
    return [describe_kept(kept), "\n".join(list_unmet(comparisons)), *tables]


def make_table(title, comparisons):
    rows = []
    for comparison in comparisons:
        name = f"**{comparison['title']}**, {comparison['unit']}"
        rows.append((name, "", "", "", comparison["target"]))
        for name, median, lowest, highest, ratio in comparison["rows"]:
            if median is None:
                rows.append((name, "not installed", "", "", ""))
                continue
            span = f"{format_number(lowest)} to {format_number(highest)}"
            rows.append((name, format_number(median), span, f"{ratio:.2f}", ""))
    header = ("Work", "median", "range", "ratio", "target")
    return Table("", header, rows, widths=(46, 14, 20, 10, 10), folded=title)


def list_unmet(comparisons):
    """Return a list of the targets that are not met, with the reasons, as lines.

    What was not compared, since it is not installed, follows.
    """
    unmet = [
        f"- {comparison['title']}: {part}."
        for comparison in comparisons
        for part in comparison["unmet"]
    ]
    rows = [row for comparison in comparisons for row in comparison["rows"]]
    missing = dict.fromkeys(name for name, median, *_ in rows if median is None)
    lines = ["All targets are met."]
    if unmet:
        lines = ["Targets that are not met, with the reasons:", "", *unmet]
    if missing:
        lines += ["", f"Not installed, and therefore not compared: {', '.join(missing)}."]
    return lines


def choose_scripts(words):
    """Return the scripts whose names contain one of the words, or all without words.

    Raises
    ------
    ValueError
        If a word is in none of the names.
    """
    for word in words or ():
        if not any(word in script for script in SCRIPTS):
            raise ValueError(f"no benchmark has {word!r} in its name: {', '.join(SCRIPTS)}")
    return [s for s in SCRIPTS if not words or any(word in s for word in words)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="time each function once")
    parser.add_argument("--only", nargs="+", help="scripts whose names contain one of these words")
    parser.add_argument("--ptbxl", help="PTB-XL folder")
    options = parser.parse_args()
    try:
        scripts = choose_scripts(options.only)
    except ValueError as error:
        parser.error(str(error))
    comparisons, failed = [], []
    for script in scripts:
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
    missing = [script for script in SCRIPTS if not kept_file(script).is_file()]
    if options.quick or missing:
        print(f"\n{len(comparisons)} comparisons; the table was not written.")
        if missing and not options.quick:
            print(f"There are no kept results of {', '.join(missing)}.")
    else:
        kept = {s: json.loads(kept_file(s).read_text(encoding="utf-8")) for s in SCRIPTS}
        write_tables(PAGE, "speed", make_tables(kept), "make bench")


if __name__ == "__main__":
    main()

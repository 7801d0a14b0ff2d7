"""Which estimator for how many records and which leads: the figures of docs/which_estimator.rst.

    OMP_NUM_THREADS=1 python benchmarks/study_estimators.py PTB_XL_FOLDER --jobs 16
    OMP_NUM_THREADS=1 python benchmarks/study_estimators.py PTB_XL_FOLDER --report

Both write the tables of that page; the second only from what is stored.

Infarction (against normal) and the five superclasses are predicted for folds 7 to 9 of PTB-XL.
Models of 15, 50, 150 or 500 records are trained on the same number of random records of folds 1 to
6, fifteen times; tables with networks have the first five draws. Models of all records are trained
on the eight other folds, for each fold of the test, with five seeds where the estimator is random.

Everything that is chosen, which are the strength of the regularization and the arms whose
probabilities are averaged, is chosen on folds 1 to 6, of which two are left out in turn
(``--choose``). Features are computed once for each subset of the leads, and each finished fit is
kept, so that an interrupted study continues; with ``--missing``, predictions of earlier versions of
the package are kept as well. Small networks of median beats run on one core like the other arms;
larger networks run in one process of their own, on the GPU if there is one.
"""

import argparse
import itertools
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
from _estimator_fits import Folders, make_tables, run_cell, save_array, tables_of
from _estimator_grid import (
    ARMS,
    AVERAGES,
    INNER,
    LARGE_NETWORKS,
    LINEAR_ARMS,
    PARTS,
    SIZES,
    STRENGTHS,
    SUBSETS,
    TASKS,
    Cohort,
    list_cells,
)
from _estimator_scores import Stored, describe_parts, make_page_tables
from _results import RESULTS, code_hash
from _tables import make_rst, write_tables
from joblib import Parallel, delayed

from sklearn_ecg.datasets import load_ptbxl

PAGE = "which_estimator.rst"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "folder", nargs="?", help="PTB-XL folder; default: ptbxl in SKLEARN_ECG_DATA"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes without the networks")
    parser.add_argument("--arms", nargs="+", default=ARMS, choices=ARMS, metavar="ARM")
    parser.add_argument("--tasks", nargs="+", default=tuple(TASKS), choices=TASKS)
    parser.add_argument("--parts", nargs="+", default=tuple(PARTS), choices=PARTS, help="tables")
    parser.add_argument("--max-seconds", type=float, default=np.inf, help="start no fit after it")
    parser.add_argument("--results", type=Path, default=RESULTS / "study_estimators")
    parser.add_argument("--tables", type=Path, default=RESULTS / "study_estimators_tables")
    parser.add_argument("--missing", action="store_true", help="run only what is not stored")
    parser.add_argument("--choose", action="store_true", help="run and show folds 1 to 6 only")
    parser.add_argument("--report", action="store_true", help="write tables of what is stored only")
    args = parser.parse_args()
    args.folder = args.folder or Path(os.environ["SKLEARN_ECG_DATA"]) / "ptbxl"
    args.deadline = time.time() + args.max_seconds
    args.results.mkdir(parents=True, exist_ok=True)
    args.tables.mkdir(parents=True, exist_ok=True)
    cohorts = {task: make_cohort(task, args) for task in args.tasks}
    if not args.report:
        run(cohorts, args)
    stored = Stored(args.results, cohorts)
    if args.choose:
        for task in args.tasks:
            choose(task, stored)
    else:
        for name in args.parts:
            part = PARTS[name]
            tables = make_page_tables(args.tasks, part, stored)
            texts = [] if part.has_networks else [describe_parts(args.tasks, part, stored)]
            print("", *map(make_rst, tables), *texts, sep="\n", flush=True)
            if set(args.tasks) == set(TASKS):
                write_tables(PAGE, name, [*tables, *texts], "study_estimators.py PTB_XL_FOLDER")


def make_cohort(task, args):
    """Return the labels of a task. The records are stored among the tables."""
    path = args.tables / f"{task}_records.npy"
    labels = args.results / f"{task}_labels.npz"
    if not labels.exists() or not (path.exists() or args.report):
        ecg = load_ptbxl(args.folder, task=task, folds=range(1, 10), n_jobs=args.jobs)
        save_array(path, np.asarray(ecg.data))
        names = ("target", "folds", "groups")
        np.savez(labels, **{name: np.asarray(ecg[name]) for name in names})
    with np.load(labels) as stored:
        return Cohort(stored["target"], stored["folds"], stored["groups"])


def run(cohorts, args):
    start = time.time()
    # Features, training and predictions depend on these rooms.
    folders = Folders(args.results, args.tables, code_hash("preprocessing", "beats"))
    Parallel(n_jobs=args.jobs)(
        delayed(make_tables)(folders, task, subset, cohorts[task].folds, tables_of(args.arms))
        for task, subset in itertools.product(cohorts, SUBSETS)
    )
    print(f"tables: {time.time() - start:.0f} s", flush=True)
    cells = list_cells(cohorts, args.arms, args.parts)
    cells = [cell for cell in cells if cell.folds in INNER or not args.choose]
    if args.missing:
        cells = [cell for cell in cells if not (args.results / f"{cell.file}.npz").exists()]
    networks = [cell for cell in cells if cell.arm in LARGE_NETWORKS]
    process = multiprocessing.get_context("spawn").Process(
        target=run_networks, args=(networks, cohorts, folders, args.deadline)
    )
    if networks:
        process.start()
    others = [cell for cell in cells if cell.arm not in LARGE_NETWORKS]
    results = Parallel(n_jobs=args.jobs, return_as="generator", batch_size=1)(
        delayed(run_cell)(cell, cohorts[cell.task], folders, args.deadline) for cell in others
    )
    seconds = 0
    for number, (cell, spent) in enumerate(zip(others, results, strict=True), 1):
        seconds += spent
        if number % 50 == 0 or number == len(others):
            minutes = (time.time() - start) / 60
            print(
                f"  {number}/{len(others)}, {minutes:.1f} min, {seconds:.0f} s of CPU: {cell.file}",
                flush=True,
            )
    if networks:
        process.join()


def run_networks(cells, cohorts, folders, deadline):
    """Run the cells of networks one by one."""
    start = time.time()
    for number, cell in enumerate(cells, 1):
        run_cell(cell, cohorts[cell.task], folders, deadline)
        if number % 20 == 0 or number == len(cells):
            minutes = (time.time() - start) / 60
            print(f"  networks {number}/{len(cells)}, {minutes:.1f} min: {cell.file}", flush=True)


def choose(task, stored):
    """Print the scores on folds 1 to 6."""
    print(f"\n{TASKS[task]}: AUROC on folds 1 to 6\n{'':62}{'C':>6}", *(f"{s:>6}" for s in SIZES))
    for arm in (*ARMS, *AVERAGES):
        scores = [stored.score_inner(task, arm, size) for size in SIZES]
        if not np.isnan(scores).all():
            strength = STRENGTHS[stored.strength(arm)] if arm in LINEAR_ARMS else np.nan
            print(f"{arm:62}{strength:6g}", *(f"{score:6.3f}" for score in scores), flush=True)


if __name__ == "__main__":
    main()

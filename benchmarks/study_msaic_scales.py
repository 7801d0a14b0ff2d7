"""The default of MSAIC-Net, chosen on folds 1-6 of PTB-XL, and its rows with few records.

    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --choose    # candidates, folds 1-6
    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --choose-superclasses  # the same
    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --choose-few           # the same
    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --choose-contrastive   # the same
    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --test      # some of them, folds 7-9
    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --test-superclasses    # one of them
    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --test-contrastive     # folds 7-9
    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --low-data  # 100 to 300 records
    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --low-data --report   # fit nothing
    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --low-data --write    # also the page

The task is infarction without "normal" against "normal" without infarction.

``--choose`` predicts folds 1-2, 3-4 and 5-6 by networks that were trained on the other four of the
folds 1-6. ``--test`` predicts folds 7, 8 and 9 by networks that were trained on all other folds,
with three seeds. ``--low-data`` draws training records of folds 1-6 by patient, or takes all of
them with several seeds, and predicts folds 7-9. Differences are paired: between scores of the same
records and seeds, or draws. ``--write`` replaces the tables in docs/reproduction/msaic.rst.

Each finished fit is kept, with a key of its parameters and records but not of the code: delete the
folder to repeat the study. After ``--max-seconds`` no fit is started.
"""

import argparse
from functools import cache

import numpy as np
from _msaic_choices import COMPARED, choose, choose_contrastive, choose_epochs, choose_few
from _msaic_cohort import (
    CANDIDATES,
    CNN,
    CONTRASTIVE_WEIGHTS,
    DEFAULT,
    FULL,
    METRICS,
    PAGE,
    ROWS,
    SHORT,
    WIDE,
    Cohort,
    tested,
)
from _msaic_few_records import N_DRAWS, low_data
from _results import RESULTS
from _study import join_folds, stack_seeds
from _tables import Table, drop_zeros, make_rst, write_tables
from sklearn.metrics import roc_auc_score

from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval

# What --test runs, in the order of the tests.
TESTED = (WIDE, SHORT, DEFAULT)


def test(cohort, n_seeds):
    """Return a table for each candidate that was tested, and one of their differences."""
    tables, full = [], {}
    for name in TESTED:
        table, found = test_candidate(cohort, name, n_seeds)
        tables.append(table)
        if FULL in found:
            full[name] = np.mean(found[FULL], axis=0)
    y, options = tested(cohort)
    first, rows = TESTED[0], []
    for name in (name for name in full if name != first and first in full):
        cells = [
            str(bootstrap_difference(metric, y, full[name], full[first], **options))
            for metric in ("roc_auc", "average_precision")
        ]
        rows.append([f"``{name}``", *map(drop_zeros, cells)])
    if rows:
        header = ("full network", "AUROC", "AUPRC")
        tables.append(Table(f"Differences from ``{first}``", header, rows))
    return tables


def test_candidate(cohort, name, n_seeds, n_between=1):
    """Return the scores of a candidate and its rows, and probabilities, out of fold of 7-9.

    The rows between the CNN and the full network have `n_between` seeds, and are run last.
    """
    fits = [(row, seed) for seed in range(n_seeds) for row in (CNN, FULL)]
    between = [row for row in ROWS if row not in (CNN, FULL)]
    fits += [(row, seed) for seed in range(n_between) for row in between]
    y, options = tested(cohort)
    found, sizes = {}, {}
    for row, seed in fits:
        result = predict_out_of_fold(cohort, {**CANDIDATES[name], **ROWS[row]}, seed)
        if result is not None:
            found.setdefault(row, []).append(result["probability"])
            sizes[row] = result["n_parameters"], result["seconds"]
    rows = []
    for row in (row for row in ROWS if row in found):
        mean = np.mean(found[row], axis=0)
        cells = [
            bootstrap_interval(metric, y, mean, **options)
            for metric in ("roc_auc", "average_precision")
        ]
        difference = ""
        if row != FULL and FULL in found:
            full = np.mean(found[FULL][: len(found[row])], axis=0)
            difference = bootstrap_difference("roc_auc", y, full, mean, **options)
        weights, seconds = sizes[row]
        by_seed = " ".join(f"{roc_auc_score(y, p):.3f}" for p in found[row])
        cells += [difference, f"{weights:,}", f"{seconds:.0f}", by_seed]
        rows.append([row, *map(drop_zeros, cells)])
    header = ("", "AUROC", "AUPRC", "full minus this, AUROC", "weights", "s", "AUROC by seed")
    return Table(f"Folds 7-9, {len(y)} records, ``{name}``", header, rows), found


def predict_out_of_fold(cohort, params, seed):
    """Return the probabilities of folds 7-9, and the size and seconds of the last fit.

    None if a fit is not kept and there is no time.
    """
    results = {(fold,): cohort.fit(params, *cohort.leave_out(fold), seed) for fold in (7, 8, 9)}
    if None in results.values():
        return None
    return {**results[9,], "probability": join_folds(cohort.folds, results)[cohort.folds >= 7]}


def test_contrastive(cohorts, n_seeds):
    """Return the scores of weights of the contrastive loss, minus those of the CNN, on folds 7-9.

    Scores are means over the seeds.

    Parameters
    ----------
    cohorts : dict of str to Cohort
    n_seeds : int
    """
    arms = {CNN: ROWS[CNN]}
    arms |= {f"weight {weight:g}": {"contrastive_weight": weight} for weight in CONTRASTIVE_WEIGHTS}
    tables = []
    for task, cohort in cohorts.items():
        y, options = tested(cohort)
        found = {}
        for seed in range(n_seeds):
            for arm, params in arms.items():
                result = predict_out_of_fold(cohort, {**CANDIDATES[DEFAULT], **params}, seed)
                if result is not None:
                    found.setdefault(arm, []).append(result["probability"])
        rows = []
        for arm, probabilities in found.items():
            target, ours = stack_seeds(y, probabilities)
            cells = []
            for metric, score in METRICS.values():
                cells.append(bootstrap_interval(metric, target, ours, **options))
                difference = ""
                if arm != CNN and CNN in found:
                    other = stack_seeds(y, found[CNN][: len(probabilities)])[1]
                    difference = bootstrap_difference(metric, target, ours, other, **options)
                cells += [difference, " ".join(f"{score(y, p):.3f}" for p in probabilities)]
            rows.append([arm, *map(drop_zeros, cells)])
        header = [""]
        for title in METRICS:
            header += [title, "minus the CNN", f"{title} by seed"]
        title = f"{task.capitalize()}, folds 7-9, {len(y)} records, {n_seeds} seeds"
        tables.append(Table(title, header, rows))
    return tables


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="PTB-XL folder in its published layout")
    parser.add_argument("--results", default=RESULTS / "study_msaic_scales")
    parser.add_argument("--choose", action="store_true", help="candidates on folds 1-6")
    parser.add_argument("--test", action="store_true", help="some of them on folds 7-9")
    parser.add_argument("--choose-superclasses", action="store_true", help="on folds 1-6")
    parser.add_argument("--test-superclasses", action="store_true", help="on folds 7-9")
    parser.add_argument("--test-contrastive", action="store_true", help="on folds 7-9")
    parser.add_argument("--choose-few", action="store_true", help="few records of folds 1-6")
    parser.add_argument("--choose-contrastive", action="store_true", help="on folds 1-6")
    parser.add_argument("--choose-epochs", action="store_true", help="of 100 records, folds 1-6")
    parser.add_argument("--low-data", action="store_true", help="100 to 300 training records")
    parser.add_argument("--seeds", type=int, default=None, help="of --choose (2) or --test (3)")
    parser.add_argument("--draws", type=int, default=N_DRAWS)
    parser.add_argument("--max-seconds", type=float, default=np.inf)
    parser.add_argument("--report", action="store_true", help="fit nothing")
    parser.add_argument("--write", action="store_true", help="write the tables of the page")
    args = parser.parse_args()
    kept = args.results, args.max_seconds, args.report
    cohort = Cohort(args.folder, *kept)
    superclasses = cache(lambda: Cohort(args.folder, *kept, task="superclass"))
    of_seeds = f" --seeds {args.seeds}" if args.seeds else ""
    parts = {}
    if args.choose:
        parts["scales-choose"] = choose(cohort, range(args.seeds or 2)), f"--choose{of_seeds}"
    if args.choose_superclasses:
        title = "Five superclasses, folds 1-6"
        tables = choose(superclasses(), range(args.seeds or 2), COMPARED, title)
        parts["scales-superclasses"] = tables, f"--choose-superclasses{of_seeds}"
    if args.test_superclasses:
        n_seeds = args.seeds or 3
        tables = [test_candidate(superclasses(), DEFAULT, n_seeds, n_between=n_seeds)[0]]
        parts["scales-test-superclasses"] = tables, f"--test-superclasses{of_seeds}"
    if args.choose_contrastive:
        cohorts = {"infarction": cohort, "superclasses": superclasses()}
        tables = choose_contrastive(cohorts, range(args.seeds or 2))
        parts["scales-contrastive"] = tables, f"--choose-contrastive{of_seeds}"
    if args.test_contrastive:
        cohorts = {"infarction": cohort, "superclasses": superclasses()}
        tables = test_contrastive(cohorts, args.seeds or 3)
        parts["scales-test-contrastive"] = tables, f"--test-contrastive{of_seeds}"
    if args.choose_few:
        parts["scales-few"] = choose_few(cohort, 4), "--choose-few"
    if args.choose_epochs:
        parts["low-data-epochs"] = choose_epochs(cohort, 4), "--choose-epochs"
    if args.test:
        parts["scales-test"] = test(cohort, args.seeds or 3), f"--test{of_seeds}"
    if args.low_data:
        parts["low-data"] = low_data(cohort, args.draws), f"--low-data --draws {args.draws}"
    for name, (tables, options) in parts.items():
        print(*map(make_rst, tables), sep="\n")
        if args.write:
            write_tables(PAGE, name, tables, f"study_msaic_scales.py PTB_XL_FOLDER {options}")


if __name__ == "__main__":
    main()

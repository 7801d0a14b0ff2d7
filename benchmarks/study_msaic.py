"""MSAIC-Net compared with its ablations, baselines and classical arms, on PTB-XL.

    python benchmarks/study_msaic.py PTB_XL_FOLDER             # tables on folds 7-9
    python benchmarks/study_msaic.py PTB_XL_FOLDER --low-data  # with 100 to 800 training records
    python benchmarks/study_msaic.py PTB_XL_FOLDER --ladder    # what helps, on folds 1-6 only
    python benchmarks/study_msaic.py PTB_XL_FOLDER --quick     # ten minutes, to check that it runs

The tasks are infarction without "normal" against "normal" without infarction, and the five
superclasses (multilabel). Each test fold is predicted by estimators that were trained on all other
folds. Scores are those of the probabilities averaged over seeds or, with ``--low-data``, the means
of the scores of single draws. Their intervals, and those of differences from the full MSAIC-Net,
are percentile bootstrap intervals over patients. Each finished fit is cached in benchmarks/results,
so that an interrupted study continues where it stopped. ``--write`` replaces the tables in
docs/reproduction/msaic.rst.
"""

import argparse

import numpy as np
from _arms import (
    FULL,
    LADDER_SOFT_VOTES,
    SINGLE,
    SOFT_VOTES,
    make_arms,
    make_ladder,
    make_low_data,
)
from _study import Fit, run, stack_seeds
from _tables import Table, drop_zeros, make_rst, write_tables
from sklearn.metrics import roc_auc_score

from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval

METRICS = {"roc_auc": "AUROC", "average_precision": "AUPRC"}
PAGE = "reproduction/msaic.rst"
# The tables of each task.
BLOCKS = {"mi": ("mi", "comparison"), "superclass": ("superclass", "labels")}
# AUPRC and AUROC of infarction in the paper.
IN_PAPER = {
    SINGLE: (".904", ".953"),
    "+ multi-scale branches": (".928", ".965"),
    "+ channel attention": (".930", ".965"),
    "+ SupCon": (".931", ".970"),
    FULL: (".934", ".968"),
}


class Task:
    """Records, labels and folds of a task, and the test records whose scores are reported."""

    def __init__(self, folder, name, folds, test_folds):
        ecg = load_ptbxl(folder, task=name, folds=folds, n_jobs=2)
        self.name, self.X, self.y = name, ecg.data, np.asarray(ecg.target)
        self.folds, self.patients, self.labels = ecg.folds, ecg.groups, ecg.target_names
        self.ecg_id = ecg.ecg_id
        self.test_folds = test_folds
        self.is_tested = np.isin(ecg.folds, test_folds)

    def fits(self, arms, n_seeds=None, draw_train=None):
        """Return the fits of all arms, ordered by seed."""
        fits = []
        for seed in range(max(arm.n_seeds for arm in arms.values())):
            for name, arm in arms.items():
                if seed >= (n_seeds or arm.n_seeds):
                    continue
                for fold in self.test_folds:
                    train = np.flatnonzero(self.folds != fold)
                    if draw_train is not None:
                        train = draw_train(train, seed)
                    test = np.flatnonzero(self.folds == fold)
                    fits.append(Fit(name, arm.seeded(seed), train, test))
        return fits

    def draw(self, n_records):
        """Return a function that draws the first `n_records` records of shuffled patients."""

        def draw_train(train, seed):
            patients = np.random.default_rng(seed).permutation(np.unique(self.patients[train]))
            order = np.argsort(patients)
            rank = order[np.searchsorted(patients, self.patients[train], sorter=order)]
            return np.sort(train[np.argsort(rank, kind="stable")[:n_records]])

        return draw_train

    def gather(self, fits, results):
        """Return (n_seeds, n_tested, ...) probabilities, seconds and weights, by arm."""
        gathered = {}
        for name in dict.fromkeys(fit.arm for fit in fits):
            of_arm = [(fit, result) for fit, result in zip(fits, results) if fit.arm == name]
            n_folds = len(self.test_folds)
            rows = []
            for start in range(0, len(of_arm), n_folds):
                row = np.full(self.y.shape, np.nan)
                for fit, result in of_arm[start : start + n_folds]:
                    row[fit.test] = result["probability"]
                rows.append(row[self.is_tested])
            seconds = np.median([result["seconds"] for _, result in of_arm])
            gathered[name] = np.array(rows), seconds, int(of_arm[0][1]["n_parameters"])
        return gathered

    def report(self, gathered, reference, seeds="averaged", title=None):
        """Return tables of scores with intervals, differences from a reference, and times.

        Scores are those of the probabilities averaged over seeds or, with ``seeds="single"``, the
        means of the scores of single seeds. The scores of single labels have a table of their own.
        """
        y, patients = self.y[self.is_tested], self.patients[self.is_tested]
        options = {"groups": patients, "random_state": 0}

        def target_and_score(name):
            rows = gathered[name][0]
            return stack_seeds(y, rows) if seeds == "single" else (y, rows.mean(axis=0))

        other = target_and_score(reference) if reference in gathered else None
        lines, by_label = [], []
        for name, (rows, seconds, n_parameters) in gathered.items():
            cells = [
                bootstrap_interval(metric, *target_and_score(name), **options) for metric in METRICS
            ]
            for metric in METRICS:
                difference = ""
                if other is not None and name != reference:
                    scores = *target_and_score(name), other[1]
                    difference = bootstrap_difference(metric, *scores, **options)
                cells.append(difference)
            by_seed = " ".join(f"{roc_auc_score(y, row):.3f}" for row in rows)
            cells += [f"{seconds:.0f}", f"{n_parameters:,}" if n_parameters else "", by_seed]
            lines.append([name, *map(drop_zeros, cells)])
            if y.ndim > 1:
                of_labels = roc_auc_score(y, rows.mean(axis=0), average=None)
                by_label.append([name, *(drop_zeros(f"{value:.3f}") for value in of_labels)])
        differences = [f"{name} minus {reference}" for name in METRICS.values()]
        header = ("", *METRICS.values(), *differences, "s", "weights", "AUROC by seed")
        title = title or f"{len(y)} records"
        tables = [Table(title, header, lines)]
        if by_label:
            tables.append(Table("AUROC of the single labels", ("", *self.labels), by_label))
        print(*map(make_rst, tables), sep="\n", flush=True)
        return tables


def add_soft_votes(gathered, soft_votes=SOFT_VOTES):
    """Add the soft votes, seed by seed.

    If their members have different numbers of seeds, these are averaged over the seeds first.
    """
    for name, members in soft_votes.items():
        if all(member in gathered for member in members):
            rows = [gathered[member][0] for member in members]
            if len({len(row) for row in rows}) > 1:
                rows = [row.mean(axis=0, keepdims=True) for row in rows]
            seconds = sum(gathered[member][1] for member in members)
            n_parameters = sum(gathered[member][2] for member in members)
            gathered[name] = np.mean(rows, axis=0), seconds, n_parameters
    return gathered


def table(args, tasks):
    for name in tasks:
        task = Task(args.folder, name, args.train_folds, args.folds)
        arms = make_arms(multilabel=task.y.ndim > 1)
        if args.arms:
            arms = {key: arm for key, arm in arms.items() if key in args.arms}
        if args.quick:
            arms = {key: arm for key, arm in arms.items() if not arm.slow}
        fits = task.fits(arms, n_seeds=1 if args.quick else None)
        gathered = task.gather(fits, run(fits, task.X, task.y, args.workers, name))
        tables = task.report(add_soft_votes(gathered), args.reference)
        if name == "mi":
            tables.append(compare_with_paper(tables[0]))
        if args.write:
            for block, table in zip(BLOCKS[name], tables):
                write_tables(PAGE, block, [table], "study_msaic.py PTB_XL_FOLDER")


def compare_with_paper(scores):
    """Return a table of the scores of the paper next to those of a table."""
    ours = {name: (auprc.split()[0], auroc.split()[0]) for name, auroc, auprc, *_ in scores.rows}
    rows = [
        [name, " / ".join(paper), " / ".join(ours[name])]
        for name, paper in IN_PAPER.items()
        if name in ours
    ]
    return Table("AUPRC / AUROC on infarction", ("", "paper, as reported", "here"), rows)


def low_data(args):
    task, arms = Task(args.folder, "mi", args.train_folds, args.folds), make_low_data()
    tables = []
    for n_records in (100, 150, 300, 800):
        # Draws of most of the records are nearly the same.
        n_seeds = 3 if n_records < 800 else 1
        fits = task.fits(arms, n_seeds=n_seeds, draw_train=task.draw(n_records))
        results = run(fits, task.X, task.y, args.workers, f"{n_records} records")
        gathered = add_soft_votes(task.gather(fits, results))
        title = f"{n_records} training records, which each seed draws"
        tables += task.report(gathered, args.reference, seeds="single", title=title)
    if args.write:
        write_tables(PAGE, "models", tables, "study_msaic.py PTB_XL_FOLDER --low-data")


def ladder(args):
    folds = list(range(1, 7))
    task = Task(args.folder, "mi", folds, folds)
    arms, auxiliary = make_ladder()
    fits = task.fits(arms)
    gathered = task.gather(fits, run(fits, task.X, task.y, args.workers, "ladder"))
    gathered.update(predict_from_superclasses(args, task, auxiliary))
    tables = task.report(add_soft_votes(gathered, LADDER_SOFT_VOTES), args.reference)
    if args.write:
        write_tables(PAGE, "ladder", tables, "study_msaic.py PTB_XL_FOLDER --ladder")


def predict_from_superclasses(args, task, arms):
    """Train arms on the five superclasses, and return P(MI) - P(NORM), scaled to [0, 1]."""
    wide = Task(args.folder, "superclass", list(range(1, 7)), task.test_folds)
    fits = wide.fits(arms)
    gathered = wide.gather(fits, run(fits, wide.X, wide.y, args.workers, "superclasses"))
    position = {ecg_id: i for i, ecg_id in enumerate(wide.ecg_id[wide.is_tested])}
    same = [position[ecg_id] for ecg_id in task.ecg_id[task.is_tested]]
    mi, norm = wide.labels.index("MI"), wide.labels.index("NORM")
    return {
        name: (
            (rows[:, same, mi] - rows[:, same, norm] + 1) / 2,
            seconds,
            n_parameters,
        )
        for name, (rows, seconds, n_parameters) in gathered.items()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="PTB-XL folder in its published layout")
    parser.add_argument("--tasks", nargs="+", default=["mi", "superclass"])
    parser.add_argument("--folds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--train-folds", type=int, nargs="+", default=list(range(1, 10)))
    parser.add_argument("--arms", nargs="+", help="only these, by name")
    parser.add_argument("--reference", default=FULL, help="arm that the others are compared with")
    parser.add_argument("--workers", type=int, default=2, help="processes with one thread each")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true", help="write the tables of the page")
    parser.add_argument("--low-data", action="store_true")
    parser.add_argument("--ladder", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.folds = args.folds[-1:]
        table(args, ["mi"])
    elif args.low_data:
        low_data(args)
    elif args.ladder:
        ladder(args)
    else:
        table(args, args.tasks)


if __name__ == "__main__":
    main()

"""MSAIC-Net compared with its ablations, baselines and classical arms, on PTB-XL.

    python benchmarks/study_msaic.py PTB_XL_FOLDER             # tables on folds 7-9
    python benchmarks/study_msaic.py PTB_XL_FOLDER --ladder    # variants of boosting, on folds 1-6
    python benchmarks/study_msaic.py PTB_XL_FOLDER --quick     # ten minutes, to check that it runs

The tasks are infarction without "normal" against "normal" without infarction, and the five
superclasses (multilabel). Each test fold is predicted by estimators that were trained on all other
folds. Scores are means over seeds. Their intervals, and those of differences from the full
MSAIC-Net and from the features, are percentile bootstrap intervals over patients. Arms are compared
by the seeds that both have.

Each finished fit is cached in benchmarks/results, so that an interrupted study continues where it
stopped. After ``--max-seconds`` no fit is started. ``--write`` replaces the tables in
docs/reproduction/msaic.rst; they have the arms and seeds of which all test folds are finished, and
``--report`` makes them without another fit.
"""

import argparse

import numpy as np
from _arms import (
    FEATURES,
    FULL,
    LADDER_SOFT_VOTES,
    SINGLE,
    SOFT_VOTES,
    make_arms,
    make_ladder,
)
from _results import RESULTS, Kept
from _study import METRICS, Fit, bootstrap_seeds, run
from _tables import Table, drop_zeros, make_rst, write_tables
from sklearn.metrics import roc_auc_score

from sklearn_ecg.datasets import load_ptbxl

NAMES = {"roc_auc": "AUROC", "average_precision": "AUPRC"}
# Other arms, and by which metric they are compared.
DIFFERENCES = ((FULL, "roc_auc"), (FULL, "average_precision"), (FEATURES, "roc_auc"))
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

    def fits(self, arms):
        """Return the fits of all arms, ordered by seed."""
        fits = []
        for seed in range(max(arm.n_seeds for arm in arms.values())):
            for name, arm in arms.items():
                if seed >= arm.n_seeds:
                    continue
                for fold in self.test_folds:
                    train = np.flatnonzero(self.folds != fold)
                    test = np.flatnonzero(self.folds == fold)
                    fits.append(Fit(name, arm.seeded(seed), train, test))
        return fits

    def gather(self, fits, results):
        """Return (n_seeds, n_tested, ...) probabilities, seconds and weights, by arm.

        They are of the seeds of which all test folds are finished.
        """
        gathered = {}
        for name in dict.fromkeys(fit.arm for fit in fits):
            of_arm = [(fit, result) for fit, result in zip(fits, results) if fit.arm == name]
            n_folds = len(self.test_folds)
            seeds = [of_arm[start : start + n_folds] for start in range(0, len(of_arm), n_folds)]
            finished = []
            for of_seed in seeds:
                if any(result is None for _, result in of_seed):
                    break
                finished.append(of_seed)
            if finished:
                found = [result for of_seed in finished for _, result in of_seed]
                seconds = np.median([result["seconds"] for result in found])
                rows = np.array([self.join(of_seed) for of_seed in finished])
                gathered[name] = rows, seconds, int(found[0]["n_parameters"])
        return gathered

    def join(self, of_seed):
        """Return the probabilities of the tested records, from those of each fold."""
        row = np.full(self.y.shape, np.nan)
        for fit, result in of_seed:
            row[fit.test] = result["probability"]
        return row[self.is_tested]

    def report(self, gathered, differences):
        """Return tables of scores with intervals, differences from other arms, and times.

        The scores of single labels have a table of their own.
        """
        y = self.y[self.is_tested]
        options = {"groups": self.patients[self.is_tested], "random_state": 0}
        lines, by_label = [], []
        for name, (rows, seconds, n_parameters) in gathered.items():
            cells = [bootstrap_seeds(metric, y, rows, **options) for metric in METRICS]
            for reference, metric in differences:
                difference = ""
                if reference in gathered and name != reference:
                    others = gathered[reference][0]
                    difference = bootstrap_seeds(metric, y, rows, others, **options)
                cells.append(difference)
            by_seed = " ".join(f"{roc_auc_score(y, row):.3f}" for row in rows)
            cells += [f"{seconds:.0f}", f"{n_parameters:,}" if n_parameters else "", by_seed]
            lines.append([name.strip(), *map(drop_zeros, cells)])
            if y.ndim > 1:
                of_labels = np.mean([roc_auc_score(y, row, average=None) for row in rows], axis=0)
                by_label.append([name, *(drop_zeros(f"{value:.3f}") for value in of_labels)])
        titles = [f"{NAMES[metric]} difference from {name}" for name, metric in differences]
        header = ("", *NAMES.values(), *titles, "s", "weights", "AUROC by seed")
        title = f"{len(y)} records"
        alt = f"Scores and differences of each estimator with intervals, {title}."
        tables = [Table(title, header, lines, forest=alt)]
        if by_label:
            tables.append(Table("AUROC of the single labels", ("", *self.labels), by_label))
        print(*map(make_rst, tables), sep="\n", flush=True)
        return tables


def add_soft_votes(gathered, soft_votes=SOFT_VOTES):
    """Add the soft votes, seed by seed, of the seeds that all members have."""
    for name, members in soft_votes.items():
        if all(member in gathered for member in members):
            rows = [gathered[member][0] for member in members]
            n_shared = min(map(len, rows))
            rows = [row[:n_shared] for row in rows]
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
        n_seeds = 1 if args.quick else args.seeds or 3
        arms = {key: arm._replace(n_seeds=min(arm.n_seeds, n_seeds)) for key, arm in arms.items()}
        fits = task.fits(arms)
        gathered = task.gather(fits, run(fits, task.X, task.y, args.workers, name, args.kept))
        tables = task.report(add_soft_votes(gathered), DIFFERENCES)
        if name == "mi":
            tables.append(compare_with_paper(tables[0]))
        if args.write:
            for block, table in zip(BLOCKS[name], tables):
                write_tables(PAGE, block, [table], f"study_msaic.py PTB_XL_FOLDER --tasks {name}")


def compare_with_paper(scores):
    """Return a table of the scores of the paper next to those of a table."""
    ours = {name: (auprc.split()[0], auroc.split()[0]) for name, auroc, auprc, *_ in scores.rows}
    rows = [
        [name, " / ".join(paper), " / ".join(ours[name])]
        for name, paper in IN_PAPER.items()
        if name in ours
    ]
    return Table("AUPRC / AUROC on infarction", ("", "paper, as reported", "here"), rows)


def ladder(args):
    folds = list(range(1, 7))
    task = Task(args.folder, "mi", folds, folds)
    arms, auxiliary = make_ladder()
    fits = task.fits(arms)
    results = run(fits, task.X, task.y, args.workers, "ladder", args.kept)
    gathered = task.gather(fits, results)
    gathered.update(predict_from_superclasses(args, task, auxiliary))
    differences = [(FEATURES, metric) for metric in METRICS]
    tables = task.report(add_soft_votes(gathered, LADDER_SOFT_VOTES), differences)
    if args.write:
        write_tables(PAGE, "ladder", tables, "study_msaic.py PTB_XL_FOLDER --ladder")


def predict_from_superclasses(args, task, arms):
    """Train arms on the five superclasses, and return P(MI) - P(NORM), scaled to [0, 1]."""
    wide = Task(args.folder, "superclass", list(range(1, 7)), task.test_folds)
    fits = wide.fits(arms)
    results = run(fits, wide.X, wide.y, args.workers, "superclasses", args.kept)
    gathered = wide.gather(fits, results)
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
    parser.add_argument("--workers", type=int, default=2, help="processes with one thread each")
    parser.add_argument("--seeds", type=int, help="at most, of each arm of the tables")
    parser.add_argument("--max-seconds", type=float, default=np.inf)
    parser.add_argument("--report", action="store_true", help="fit nothing")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true", help="write the tables of the page")
    parser.add_argument("--ladder", action="store_true")
    args = parser.parse_args()
    args.kept = Kept(RESULTS, args.max_seconds, args.report)
    if args.quick:
        args.folds = args.folds[-1:]
        table(args, ["mi"])
    elif args.ladder:
        ladder(args)
    else:
        table(args, args.tasks)


if __name__ == "__main__":
    main()

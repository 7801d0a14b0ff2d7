"""The default of MSAIC-Net, chosen on folds 1-6 of PTB-XL, and its rows with few records.

    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --choose    # candidates, folds 1-6
    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --choose-superclasses  # the same
    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --choose-few           # the same
    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --choose-contrastive   # the same
    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --test      # some of them, folds 7-9
    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --test-superclasses    # the default
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
import time

import numpy as np
import torch
from _results import RESULTS, Kept
from _study import hash_arrays, join_folds, list_params, split_folds, stack_seeds
from _tables import Table, drop_zeros, make_rst, write_tables
from scipy.stats import t as student_t
from sklearn.metrics import average_precision_score, roc_auc_score

from sklearn_ecg import MSAICNetClassifier, WindowedClassifier
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval
from sklearn_ecg.preprocessing import BandpassFilter

# All parameters that matter are stated, so that results do not depend on the defaults.
BASE = {
    "dilations": (1, 2, 4, 8),
    "filters": (32, 64, 64),
    "kernel_size": 7,
    "stride": 2,
    "pool_size": 2,
    "dropout": 0.1,
    "max_epochs": 30,
    "device": "cpu",
}
# Rows of the ablation of the paper, in its order.
CNN, FULL = "CNN and focal loss", "full"
ATTENTION = "with channel attention"
ROWS = {
    CNN: {"dilations": (1,), "attention": None, "contrastive_weight": 0},
    "with multi-scale branches": {"attention": None, "contrastive_weight": 0},
    ATTENTION: {"contrastive_weight": 0},
    "with SupCon": {"contrastive_gamma": 0},
    FULL: {},
}
NARROW = "kernel_size=3, filters=(16, 32, 32)"
LITERAL = "kernel_size=7, filters=(32, 64, 64), stride=1, pool_size=1"
WIDE = "kernel_size=7, filters=(32, 64, 64), dropout=0.2"
SHORT = "kernel_size=3, filters=(8, 16, 32), max_epochs=20"
DEFAULT = "kernel_size=3, filters=(8, 16, 32)"
CANDIDATES = {
    "kernel_size=7, filters=(32, 64, 64)": {},
    WIDE: {"dropout": 0.2},
    "kernel_size=7, filters=(32, 64, 64), dropout=0.3": {"dropout": 0.3},
    "kernel_size=3, filters=(32, 64, 64)": {"kernel_size": 3},
    NARROW: {"kernel_size": 3, "filters": (16, 32, 32)},
    SHORT: {"kernel_size": 3, "filters": (8, 16, 32), "max_epochs": 20},
    DEFAULT: {"kernel_size": 3, "filters": (8, 16, 32)},
    LITERAL: {"stride": 1, "pool_size": 1},
}
# What --test runs, in the order of the tests, and what --low-data runs.
TESTED, CHOSEN = (WIDE, SHORT, DEFAULT), NARROW
# Weights of the contrastive loss, of which the last one is the default.
CONTRASTIVE_WEIGHTS = (0.0, 0.03, 0.1)
# What is compared on five superclasses, and with few records.
COMPARED = (WIDE, NARROW, SHORT, DEFAULT)
WINDOW, OF_PAPER = "windows, ", "network of the paper, "
# Windows of 2.5 s: 8 epochs of the windows have as many steps as 30 epochs of the records.
WINDOW_SHARE = 8 / 30
PAIRS = (1, 3, 5)
# All training records are None: only the seeds of the networks differ between such draws.
SIZES, N_DRAWS, N_SEEDS = (100, 150, 300, None), 10, 2
# AUROC and AUPRC of the paper: of the CNN and of the full network.
IN_PAPER = {
    "UVA, scar": ((0.7853, 0.9366), (0.8935, 0.9757)),
    "PTB-XL, infarction": ((0.9531, 0.9678), (0.9042, 0.9343)),
}
METRICS = {"AUROC": ("roc_auc", roc_auc_score)}
METRICS["AUPRC"] = ("average_precision", average_precision_score)
PAGE = "reproduction/msaic.rst"
# Parameters that do not change what is computed here.
IRRELEVANT = ("callbacks", "checkpoint", "device", "verbose", "n_threads", "lead_names")


class Cohort:
    """Records, labels, folds and patients, and where results are kept."""

    def __init__(self, folder, results, max_seconds=np.inf, report=False, task="mi"):
        ecg = load_ptbxl(folder, task=task, folds=list(range(1, 10)))
        self.X, self.y = np.asarray(ecg.data, dtype=np.float32), np.asarray(ecg.target)
        self.folds, self.patients = ecg.folds, ecg.groups
        self.kept = Kept(results, max_seconds, report)
        self.key = hash_arrays(self.X, self.y)
        self._filtered = None

    @property
    def filtered(self):
        if self._filtered is None:
            bandpass = BandpassFilter(0.5, 40, sampling_rate=100)
            self._filtered = bandpass.fit_transform(self.X).astype(np.float32)
        return self._filtered

    def pair(self, fold):
        """Return training and test records of folds 1-6: two folds are tested."""
        return split_folds(self.folds, (fold, fold + 1), last=6)

    def leave_out(self, fold):
        """Return training and test records of folds 1-9: one fold is tested."""
        return split_folds(self.folds, (fold,))

    def draw(self, n_records, seed, last=6, tested=(7, 8, 9)):
        """Return the first `n_records` records of shuffled patients, and records to test.

        None returns all records up to the last fold.
        """
        train, test = (
            np.flatnonzero(self.folds <= last),
            np.flatnonzero(np.isin(self.folds, tested)),
        )
        if n_records is None:
            return train, test
        patients = np.random.default_rng(seed).permutation(np.unique(self.patients[train]))
        rank = {patient: i for i, patient in enumerate(patients)}
        order = np.argsort([rank[patient] for patient in self.patients[train]], kind="stable")
        return np.sort(train[order[:n_records]]), test

    def fit(self, params, train, test, seed, filtered=False, windows=False):
        """Return probabilities of infarction, seconds and number of weights.

        None if the result is not kept and there is no time to fit.
        """
        clf = MSAICNetClassifier(**{**BASE, **params, "random_state": seed})
        if windows:
            clf.set_params(max_epochs=round(WINDOW_SHARE * clf.max_epochs))
        relevant = [(name, v) for name, v in list_params(clf) if name not in IRRELEVANT]
        key = f"{relevant}, filtered={filtered}, {hash_arrays(train, test)}, {self.key}"
        if windows:
            clf = WindowedClassifier(clf, duration=2.5, sampling_rate=100)
            key = f"windows of 2.5 s, {key}"

        def compute():
            torch.set_num_threads(1)
            X = self.filtered if filtered else self.X
            start = time.process_time()
            clf.fit(X[train], self.y[train])
            seconds = time.process_time() - start
            network = clf.estimator_ if windows else clf
            n_parameters = sum(p.numel() for p in network.net_.module_.parameters())
            probability = clf.predict_proba(X[test])
            if self.y.ndim == 1:
                probability = probability[:, 1]
            return {"probability": probability, "seconds": seconds, "n_parameters": n_parameters}

        return self.kept.arrays(key, compute)


def choose(cohort, seeds, names=tuple(CANDIDATES), title="Candidates on folds 1-6"):
    """Return the mean scores of candidates and of their single branch on folds 1-6."""
    rows = []
    for name in names:
        params = CANDIDATES[name]
        found = {row: [] for row in (FULL, CNN)}
        for seed in seeds:
            for fold in PAIRS:
                train, test = cohort.pair(fold)
                for row, results in found.items():
                    result = cohort.fit({**params, **ROWS[row]}, train, test, seed)
                    if result is not None:
                        p = result["probability"]
                        y = cohort.y[test]
                        scores = roc_auc_score(y, p), average_precision_score(y, p)
                        size = int(result["n_parameters"]), float(result["seconds"])
                        results.append(((seed, fold), *scores, *size))
        if found[FULL]:
            rows.append(candidate_row(name, found))
    header = ("", FULL, CNN, "full - CNN", "AUPRC", "full - CNN", "weights", "s")
    return [Table(title, header, rows)]


def candidate_row(name, found):
    full, single = found[FULL], found[CNN]
    cells = [mean_text([s[1] for s in full]), mean_text([s[1] for s in single])]
    cells.append(difference_text(full, single, 1))
    cells += [mean_text([s[2] for s in full]), difference_text(full, single, 2)]
    cells.append(f"{full[0][3]:,}")
    cells.append(f"{np.median([s[4] for s in full]):.0f}")
    return [f"``{name}``", *map(drop_zeros, cells)]


def mean_text(values):
    """Return the mean of scores, and how many there are."""
    return f"{np.mean(values):.3f} ({len(values)})" if values else ""


def difference_text(full, single, place):
    """Return the mean difference of a score, and the single ones, on the same folds and seeds."""
    other = {scores[0]: scores[place] for scores in single}
    values = [s[place] - other[s[0]] for s in full if s[0] in other]
    by_pair = " ".join(f"{value:+.3f}" for value in values)
    return f"{np.mean(values):+.3f} ({by_pair})" if values else ""


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
    is_tested = cohort.folds >= 7
    found, sizes = {}, {}
    for row, seed in fits:
        params = {**CANDIDATES[name], **ROWS[row]}
        results = {(fold,): cohort.fit(params, *cohort.leave_out(fold), seed) for fold in (7, 8, 9)}
        probability = join_folds(cohort.folds, results)[is_tested]
        if not np.isnan(probability).any():
            found.setdefault(row, []).append(probability)
            sizes[row] = results[9,]["n_parameters"], results[9,]["seconds"]
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


def choose_epochs(cohort, n_draws):
    """Return the scores of 30 epochs, and of as many steps as 300 records have, on folds 5-6."""
    rows = []
    for epochs in (30, epochs_of(SIZES[0])):
        for row in (FULL, CNN):
            params = {**CANDIDATES[CHOSEN], **ROWS[row], "max_epochs": epochs}
            scores = few_scores(cohort, params, SIZES[0], n_draws)
            if scores:
                cells = [str(epochs), *(f"{s:.3f}" for s in np.mean(scores, axis=0))]
                rows.append([row, str(len(scores)), *map(drop_zeros, cells)])
    header = ("", "draws", "epochs", "AUROC", "AUPRC")
    return [Table(f"{SIZES[0]} records of folds 1-4, tested on folds 5-6", header, rows)]


def choose_few(cohort, n_draws):
    """Return the scores of the full network of candidates with few records, on folds 5-6."""
    rows = []
    for name in COMPARED:
        cells = []
        for size in SIZES[:3]:
            scores = few_scores(cohort, CANDIDATES[name], size, n_draws)
            cells += [f"{s:.3f}" for s in np.mean(scores, axis=0)] if scores else ["", ""]
        rows.append([f"``{name}``", *map(drop_zeros, cells)])
    header = [f"{metric}, {size} records" for size in SIZES[:3] for metric in METRICS]
    title = f"Records of folds 1-4, tested on folds 5-6, {n_draws} draws"
    return [Table(title, ["", *header], rows)]


def choose_contrastive(cohorts, seeds):
    """Return the scores of weights of the contrastive loss, minus those without it, on folds 1-6.

    Parameters
    ----------
    cohorts : dict of str to Cohort
    seeds : range
    """
    rows = []
    for task, cohort in cohorts.items():
        found = {weight: [] for weight in CONTRASTIVE_WEIGHTS}
        for seed in seeds:
            for fold in PAIRS:
                train, test = cohort.pair(fold)
                y = cohort.y[test]
                for weight, results in found.items():
                    params = {**CANDIDATES[DEFAULT], "contrastive_weight": weight}
                    result = cohort.fit(params, train, test, seed)
                    if result is not None:
                        p = result["probability"]
                        scores = roc_auc_score(y, p), average_precision_score(y, p)
                        results.append(((seed, fold), *scores))
        without = found[CONTRASTIVE_WEIGHTS[0]]
        for weight, results in found.items():
            cells = [task, f"{weight:g}"]
            for place in (1, 2):
                cells.append(mean_text([scores[place] for scores in results]))
                is_first = results is without
                cells.append("" if is_first else difference_text(results, without, place))
            rows.append([*cells[:2], *map(drop_zeros, cells[2:])])
    header = ("", "weight", "AUROC", "minus 0", "AUPRC", "minus 0")
    return [Table("Weight of the contrastive loss, folds 1-6", header, rows)]


def few_scores(cohort, params, size, n_draws):
    """Return AUROC and AUPRC on folds 5-6 for each draw of records of folds 1-4."""
    scores = []
    for draw in range(n_draws):
        train, test = cohort.draw(size, draw, last=4, tested=(5, 6))
        result = cohort.fit(params, train, test, draw)
        if result is not None:
            y, p = cohort.y[test], result["probability"]
            scores.append((roc_auc_score(y, p), average_precision_score(y, p)))
    return scores


def epochs_of(n_records):
    """Return the number of epochs that have as many steps as 30 epochs of 300 records."""
    return max(BASE["max_epochs"], round(BASE["max_epochs"] * 300 / n_records))


def low_data_jobs(n_draws):
    """Yield parameters, whether windows are used, the size and the draw, important ones first."""
    arms = {row: ({**CANDIDATES[CHOSEN], **params}, False) for row, params in ROWS.items()}
    for row in (FULL, CNN):
        arms[WINDOW + row] = {**CANDIDATES[CHOSEN], **ROWS[row]}, True
        arms[OF_PAPER + row] = {**CANDIDATES[LITERAL], **ROWS[row]}, False
    main, few = (FULL, CNN), SIZES[:2]
    others = [row for row in ROWS if row not in (*main, ATTENTION)]
    stages = [(main, few), (main, SIZES[3:]), (main, SIZES[2:3]), ((ATTENTION,), few)]
    stages += [((WINDOW + FULL, WINDOW + CNN), SIZES[:3]), (others, few)]
    stages += [((ATTENTION, *others), SIZES[2:])]
    of_paper = OF_PAPER + FULL, OF_PAPER + CNN
    stages += [(of_paper, SIZES[:1]), (of_paper, SIZES[1:3])]
    for names, sizes in stages:
        for draw in range(N_SEEDS if None in sizes else n_draws):
            for size in sizes:
                for name in names:
                    yield name, *arms[name], size, draw


def low_data(cohort, n_draws):
    """Return the scores with few training records, means over draws, on folds 7-9."""
    found = {}
    for arm, params, windows, size, draw in low_data_jobs(n_draws):
        result = cohort.fit(params, *cohort.draw(size, draw), draw, windows=windows)
        if result is not None:
            found.setdefault((size, arm), {})[draw] = result["probability"]
    tables = [gain_table(cohort, found)]
    for size in SIZES:
        n_records = f"{size or (cohort.folds <= 6).sum()} training records"
        rows = [
            low_data_row(cohort, found, size, arm)
            for arm in order_of_rows()
            if (size, arm) in found
        ]
        header = ["", "draws"]
        for title in METRICS:
            header += [title, f"full minus this, {title}", "over draws", "full is ahead in"]
        if rows:
            tables.append(Table(n_records, header, rows))
    return tables


def order_of_rows():
    return [*ROWS, *(kind + row for kind in (WINDOW, OF_PAPER) for row in (CNN, FULL))]


def reference_of(arm):
    """Return the full network of the same kind."""
    return next((kind + FULL for kind in (WINDOW, OF_PAPER) if arm.startswith(kind)), FULL)


def low_data_row(cohort, found, size, arm):
    draws, reference = found[size, arm], found.get((size, reference_of(arm)), {})
    cells = [str(len(draws))]
    for title in METRICS:
        cells.append(score_of_draws(cohort, title, draws))
        is_compared = arm != reference_of(arm) and set(draws) & set(reference)
        cells += compare_draws(cohort, title, reference, draws) if is_compared else ["", "", ""]
    return [arm, *map(drop_zeros, cells)]


def score_of_draws(cohort, title, draws):
    """Return the mean score over draws, with its interval over patients."""
    y, options = tested(cohort)
    return bootstrap_interval(METRICS[title][0], *stack_seeds(y, list(draws.values())), **options)


def tested(cohort):
    """Return the labels of folds 7-9, and options of intervals over their patients."""
    is_tested = cohort.folds >= 7
    return cohort.y[is_tested], {"groups": cohort.patients[is_tested], "random_state": 0}


def compare_draws(cohort, title, reference, draws):
    """Return the mean difference with intervals over patients and over draws, and a count."""
    y, options = tested(cohort)
    metric, score = METRICS[title]
    shared = sorted(set(draws) & set(reference))
    target, ours = stack_seeds(y, [reference[draw] for draw in shared])
    other = stack_seeds(y, [draws[draw] for draw in shared])[1]
    difference = bootstrap_difference(metric, target, ours, other, **options)
    by_draw = [score(y, reference[draw]) - score(y, draws[draw]) for draw in shared]
    better = f"{sum(value > 0 for value in by_draw)} of {len(shared)}"
    return str(difference), interval_over_draws(by_draw), better


def interval_over_draws(values):
    """Return the interval of a mean, by Student's t distribution."""
    if len(values) < 2:
        return ""
    half = student_t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5
    low, high = np.mean(values) - half, np.mean(values) + half
    return f"[{low:.3f}{', ' if low < 0 else '-'}{high:.3f}]"


def gain_table(cohort, found):
    """Return the gain of the full network over the CNN by number of records, and in the paper."""
    rows = []
    for size in SIZES:
        if (size, FULL) in found and (size, CNN) in found:
            row = [f"{size or (cohort.folds <= 6).sum()} records"]
            for title in METRICS:
                ours = compare_draws(cohort, title, found[size, FULL], found[size, CNN])
                row += [score_of_draws(cohort, title, found[size, CNN]), *ours[:2]]
            rows.append(list(map(drop_zeros, row)))
    for name, scores in IN_PAPER.items():
        row = [f"the paper, {name}"]
        for single, full in scores:
            row += [f"{single:.3f}", f"{full - single:.3f}", ""]
        rows.append(list(map(drop_zeros, row)))
    header = ["", *(f"{title}{part}" for title in METRICS for part in (" of the CNN", " gain", ""))]
    header = [name if name not in METRICS else "gain over draws" for name in header]
    return Table("The gain of the full network over the CNN with a focal loss", header, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="PTB-XL folder in its published layout")
    parser.add_argument("--results", default=RESULTS / "study_msaic_scales")
    parser.add_argument("--choose", action="store_true", help="candidates on folds 1-6")
    parser.add_argument("--test", action="store_true", help="some of them on folds 7-9")
    parser.add_argument("--choose-superclasses", action="store_true", help="on folds 1-6")
    parser.add_argument("--test-superclasses", action="store_true", help="on folds 7-9")
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
    of_seeds = f" --seeds {args.seeds}" if args.seeds else ""
    parts = {}
    if args.choose:
        parts["scales-choose"] = choose(cohort, range(args.seeds or 2)), f"--choose{of_seeds}"
    if args.choose_superclasses:
        five = Cohort(args.folder, *kept, task="superclass")
        title = "Five superclasses, folds 1-6"
        tables = choose(five, range(args.seeds or 2), COMPARED, title)
        parts["scales-superclasses"] = tables, f"--choose-superclasses{of_seeds}"
    if args.test_superclasses:
        five = Cohort(args.folder, *kept, task="superclass")
        n_seeds = args.seeds or 3
        tables = [test_candidate(five, DEFAULT, n_seeds, n_between=n_seeds)[0]]
        parts["scales-test-superclasses"] = tables, f"--test-superclasses{of_seeds}"
    if args.choose_contrastive:
        cohorts = {"infarction": cohort}
        cohorts["superclasses"] = Cohort(args.folder, *kept, task="superclass")
        tables = choose_contrastive(cohorts, range(args.seeds or 2))
        parts["scales-contrastive"] = tables, f"--choose-contrastive{of_seeds}"
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

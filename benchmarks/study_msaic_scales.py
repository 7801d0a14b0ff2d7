"""The default of MSAIC-Net, chosen on folds 1-6 of PTB-XL, and its rows with few records.

    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --choose    # candidates, folds 1-6
    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --test      # the choice, folds 7-9
    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --low-data  # 100 to 300 records
    python benchmarks/study_msaic_scales.py PTB_XL_FOLDER --low-data --report   # fit nothing

The task is infarction without "normal" against "normal" without infarction.

``--choose`` predicts folds 1-2, 3-4 and 5-6 by networks that were trained on the other four of the
folds 1-6. ``--test`` predicts folds 7, 8 and 9 by networks that were trained on all other folds,
with three seeds. ``--low-data`` draws training records of folds 1-6 by patient, and predicts folds
7-9. Differences are paired: between scores of the same records and seeds, or draws. Tables are
printed as csv-table for the documentation.

Each finished fit is kept, with a key of its parameters and records but not of the code: delete the
folder to repeat the study. After ``--max-seconds`` no fit is started.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from _results import RESULTS, cached_arrays, is_cached
from _study import hash_arrays, list_params, stack_seeds
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
# Rows of the ablation of the paper.
CNN, FULL = "CNN and focal loss", "full"
ROWS = {
    CNN: {"dilations": (1,), "attention": None, "contrastive_weight": 0},
    "with multi-scale branches": {"attention": None, "contrastive_weight": 0},
    "with channel attention": {"contrastive_weight": 0},
    "with SupCon": {"contrastive_gamma": 0},
    FULL: {},
}
NARROW = "kernel_size=3, filters=(16, 32, 32)"
CANDIDATES = {
    "kernel_size=7, filters=(32, 64, 64)": {},
    "kernel_size=7, filters=(32, 64, 64), stride=1, pool_size=1": {"stride": 1, "pool_size": 1},
    "kernel_size=3, filters=(32, 64, 64)": {"kernel_size": 3},
    NARROW: {"kernel_size": 3, "filters": (16, 32, 32)},
    "kernel_size=3, filters=(8, 16, 32), max_epochs=20": {
        "kernel_size": 3,
        "filters": (8, 16, 32),
        "max_epochs": 20,
    },
}
# What --test and --low-data run.
CHOSEN = NARROW
WINDOW = "windows, "
# Windows of 2.5 s: 8 epochs of the windows have as many steps as 30 epochs of the records.
WINDOW_EPOCHS = 8
PAIRS = (1, 3, 5)
SIZES, N_DRAWS = (100, 150, 300), 10
# Parameters that do not change what is computed here.
IRRELEVANT = ("callbacks", "checkpoint", "device", "verbose", "n_threads", "lead_names")


class Cohort:
    """Records, labels, folds and patients, and where results are kept."""

    def __init__(self, folder, results, max_seconds=np.inf, report=False):
        ecg = load_ptbxl(folder, task="mi", folds=list(range(1, 10)))
        self.X, self.y = np.asarray(ecg.data, dtype=np.float32), np.asarray(ecg.target)
        self.folds, self.patients = ecg.folds, ecg.groups
        self.results, self.report = Path(results), report
        self.deadline = time.time() + max_seconds
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
        tested = np.isin(self.folds, (fold, fold + 1))
        return np.flatnonzero((self.folds <= 6) & ~tested), np.flatnonzero(tested)

    def leave_out(self, fold):
        """Return training and test records of folds 1-9: one fold is tested."""
        return np.flatnonzero(self.folds != fold), np.flatnonzero(self.folds == fold)

    def draw(self, n_records, seed):
        """Return the first `n_records` records of shuffled patients of folds 1-6, and folds 7-9."""
        train = np.flatnonzero(self.folds <= 6)
        patients = np.random.default_rng(seed).permutation(np.unique(self.patients[train]))
        rank = {patient: i for i, patient in enumerate(patients)}
        order = np.argsort([rank[patient] for patient in self.patients[train]], kind="stable")
        return np.sort(train[order[:n_records]]), np.flatnonzero(self.folds >= 7)

    def fit(self, params, train, test, seed, filtered=False, windows=False):
        """Return probabilities of infarction, seconds and number of weights.

        None if the result is not kept and there is no time to fit.
        """
        clf = MSAICNetClassifier(**{**BASE, **params, "random_state": seed})
        if windows:
            clf.set_params(max_epochs=WINDOW_EPOCHS)
        relevant = [(name, v) for name, v in list_params(clf) if name not in IRRELEVANT]
        key = f"{relevant}, filtered={filtered}, {hash_arrays(train, test)}, {self.key}"
        if windows:
            clf = WindowedClassifier(clf, duration=2.5, sampling_rate=100)
            key = f"windows of 2.5 s, {key}"
        if (self.report or time.time() > self.deadline) and not is_cached(key, self.results):
            return None

        def compute():
            torch.set_num_threads(1)
            X = self.filtered if filtered else self.X
            start = time.process_time()
            clf.fit(X[train], self.y[train])
            seconds = time.process_time() - start
            network = clf.estimator_ if windows else clf
            n_parameters = sum(p.numel() for p in network.net_.module_.parameters())
            probability = clf.predict_proba(X[test])[:, 1]
            return {"probability": probability, "seconds": seconds, "n_parameters": n_parameters}

        return cached_arrays(None, key, compute, self.results)


def choose(cohort, seeds):
    """Print the mean scores of the candidates and of their single branch on folds 1-6."""
    print("\n.. csv-table:: Candidates on folds 1-6")
    print("   :header: , full, CNN and focal loss, full - CNN, AUPRC, full - CNN, weights, s\n")
    for name, params in CANDIDATES.items():
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
        print_candidate(name, found)


def print_candidate(name, found):
    full, single = found[FULL], found[CNN]
    if not full:
        return
    cells = [mean_text([s[1] for s in full]), mean_text([s[1] for s in single])]
    cells.append(difference_text(full, single, 1))
    cells += [mean_text([s[2] for s in full]), difference_text(full, single, 2)]
    cells.append(f"{full[0][3]:,}")
    cells.append(f"{np.median([s[4] for s in full]):.0f}")
    print_row(name, cells)


def mean_text(values):
    """Return the mean of scores, and how many there are."""
    return f"{np.mean(values):.3f} ({len(values)})" if values else ""


def difference_text(full, single, place):
    """Return the mean difference of a score, and the single ones, on the same folds and seeds."""
    other = {scores[0]: scores[place] for scores in single}
    values = [s[place] - other[s[0]] for s in full if s[0] in other]
    by_pair = " ".join(f"{value:+.3f}" for value in values)
    return f"{np.mean(values):+.3f} ({by_pair})" if values else ""


def print_row(name, cells):
    print(f'   "{name}", ' + ", ".join(f'"{cell}"' for cell in cells), flush=True)


def test(cohort, n_seeds):
    """Print the scores of the chosen candidate and its rows, out of fold over folds 7-9."""
    arms = {(CHOSEN, FULL): n_seeds, (CHOSEN, CNN): n_seeds}
    arms |= {(CHOSEN, row): 1 for row in ROWS if row not in (FULL, CNN)}
    is_tested = cohort.folds >= 7
    y, patients = cohort.y[is_tested], cohort.patients[is_tested]
    options = {"groups": patients, "random_state": 0}
    found, sizes = {}, {}
    for seed in range(n_seeds):
        for (name, row), number in arms.items():
            if seed >= number:
                continue
            probability = np.full(len(cohort.y), np.nan)
            for fold in (7, 8, 9):
                params = {**CANDIDATES[name], **ROWS[row]}
                result = cohort.fit(params, *cohort.leave_out(fold), seed)
                if result is not None:
                    probability[cohort.folds == fold] = result["probability"]
                    sizes[name, row] = result["n_parameters"], result["seconds"]
            if not np.isnan(probability[is_tested]).any():
                found.setdefault((name, row), []).append(probability[is_tested])
    print(f"\n.. csv-table:: Folds 7-9, {len(y)} records")
    print("   :header: , AUROC, AUPRC, full minus this, weights, s, AUROC by seed\n")
    for (name, row), seeds in found.items():
        mean = np.mean(seeds, axis=0)
        cells = [
            bootstrap_interval(metric, y, mean, **options)
            for metric in ("roc_auc", "average_precision")
        ]
        difference = ""
        if row != FULL and (CHOSEN, FULL) in found:
            full = found[CHOSEN, FULL][: len(seeds)]
            difference = bootstrap_difference("roc_auc", y, np.mean(full, axis=0), mean, **options)
        weights, seconds = sizes[name, row]
        by_seed = " ".join(f"{roc_auc_score(y, p):.3f}" for p in seeds)
        print_row(row, [*cells, difference, f"{weights:,}", f"{seconds:.0f}", by_seed])


def low_data(cohort, n_draws):
    """Print the scores with few training records, means over draws, on folds 7-9."""
    tested = cohort.folds >= 7
    y, options = cohort.y[tested], {"groups": cohort.patients[tested], "random_state": 0}
    arms = {row: (params, False) for row, params in ROWS.items()}
    arms |= {WINDOW + row: (ROWS[row], True) for row in (CNN, FULL)}
    found = {}
    for seed in range(n_draws):
        for size in SIZES:
            for arm, (params, windows) in arms.items():
                params = {**CANDIDATES[CHOSEN], **params}
                result = cohort.fit(params, *cohort.draw(size, seed), seed, windows=windows)
                if result is not None:
                    found.setdefault((size, arm), {})[seed] = result["probability"]
    for metric, title in (("roc_auc", "AUROC"), ("average_precision", "AUPRC")):
        print(f"\n.. csv-table:: {title}, means over draws of the training records")
        print("   :header: , " + ", ".join(f"{n} records, full minus this" for n in SIZES) + "\n")
        for arm in arms:
            cells = []
            for size in SIZES:
                cells += compare_draws(metric, y, found, size, arm, options)
            print_row(arm, cells)


def compare_draws(metric, y, found, size, arm, options):
    """Return a mean score, and the paired difference of the full network, as texts."""
    draws = found.get((size, arm), {})
    if not draws:
        return "", ""
    target, stacked = stack_seeds(y, [draws[seed] for seed in sorted(draws)])
    score = str(bootstrap_interval(metric, target, stacked, **options))
    reference = found.get((size, WINDOW + FULL if arm.startswith(WINDOW) else FULL), {})
    shared = sorted(set(draws) & set(reference))
    if reference is draws or not shared:
        return f"{score} ({len(draws)})", ""
    target, ours = stack_seeds(y, [reference[seed] for seed in shared])
    other = stack_seeds(y, [draws[seed] for seed in shared])[1]
    difference = bootstrap_difference(metric, target, ours, other, **options)
    score_of = roc_auc_score if metric == "roc_auc" else average_precision_score
    by_draw = [score_of(y, reference[s]) - score_of(y, draws[s]) for s in shared]
    spread = np.std(by_draw, ddof=1) if len(shared) > 1 else np.nan
    better = sum(value > 0 for value in by_draw)
    text = f"{difference} (SD {spread:.3f}, {better} of {len(shared)})"
    return f"{score} ({len(draws)})", text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="PTB-XL folder in its published layout")
    parser.add_argument("--results", default=RESULTS / "study_msaic_scales")
    parser.add_argument("--choose", action="store_true", help="candidates on folds 1-6")
    parser.add_argument("--test", action="store_true", help="the chosen one on folds 7-9")
    parser.add_argument("--low-data", action="store_true", help="100 to 300 training records")
    parser.add_argument("--seeds", type=int, default=None, help="of --choose (2) or --test (3)")
    parser.add_argument("--draws", type=int, default=N_DRAWS)
    parser.add_argument("--max-seconds", type=float, default=np.inf)
    parser.add_argument("--report", action="store_true", help="fit nothing")
    args = parser.parse_args()
    cohort = Cohort(args.folder, args.results, args.max_seconds, args.report)
    if args.choose:
        choose(cohort, range(args.seeds or 2))
    if args.test:
        test(cohort, args.seeds or 3)
    if args.low_data:
        low_data(cohort, args.draws)


if __name__ == "__main__":
    main()

"""Which estimator for how many records and which leads: the figures of docs/which_estimator.rst.

    OMP_NUM_THREADS=1 python benchmarks/study_estimators.py PTB_XL_FOLDER --jobs 16
    OMP_NUM_THREADS=1 python benchmarks/study_estimators.py PTB_XL_FOLDER --report

Both write the tables of that page; the second only from what is stored.

Infarction (against normal) and the five superclasses are predicted for folds 7 to 9 of PTB-XL.
Models of 15, 50, 150 or 500 records are trained on the same number of random records of folds 1 to
6, five times. Models of all records are trained on the eight other folds, for each fold of the
test, with five seeds where the estimator is random.

Everything that is chosen, which are the strength of the regularization and the arms whose
probabilities are averaged, is chosen on folds 1 to 6, of which two are left out in turn
(``--choose``). Features are computed once for each subset of the leads, and each finished fit is
kept, so that an interrupted study continues. Small networks of median beats run on one core like
the other arms; larger networks run in one process of their own, on the GPU if there is one, for
three draws.
"""

import argparse
import itertools
import multiprocessing
import os
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from _arms import gradient_boosting, msaic_net, small_network
from _results import RESULTS, atomic_file, cached_arrays, code_hash, stored_arrays
from _study import format_difference, hash_arrays, predict, rotate, stack_seeds
from _tables import Table, make_rst, write_tables
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import STANDARD_LEADS, ECGNetClassifier
from sklearn_ecg.beats._averaged_models import ClippedScaler
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.leads._lead_subsets import resolve_lead_subset
from sklearn_ecg.metrics import ScoreInterval, auroc_score
from sklearn_ecg.metrics._bootstrap import bootstrap_scores, percentile_interval
from sklearn_ecg.preprocessing import (
    BandpassFilter,
    BeatFeatures,
    MedianBeat,
    RandomConvolutionFeatures,
)

TASKS = {"mi": "infarction", "superclass": "five superclasses"}
SUBSETS = ("12", "limb", "I+II+V2", "I")
SIZES = ("15", "50", "150", "500", "all")
DRAWS = range(5)
TEST_FOLDS = (7, 8, 9)
# Pairs of folds that are left out to choose between arms.
INNER = ((1, 2), (3, 4), (5, 6))
# C of logistic regression for features that are divided by the root of their number.
STRENGTHS = (0.1, 1.0, 10.0, 100.0)

BOOSTING = "BeatFeatures, gradient boosting"
TREES = "BeatFeatures, extra trees"
RECIPE = "make_beat_classifier"
RECIPE_LINEAR = "BeatFeatures within 3 SD, logistic regression"
LINEAR = "BeatFeatures, logistic regression"
BEATS = "convolutions of beats, logistic regression"
RECORDS = "convolutions of records, logistic regression"
UNION = "BeatFeatures and convolutions of beats, logistic regression"
EQUAL = "the same with equal weights"
BEAT_NETWORK = "median beats, small network"
BEAT_RESNET = "median beats, resnet1d_wang"
RECORD_NETWORK = "records, MSAIC-Net, 10 epochs"
BOOSTING_BEATS = "boosting and convolutions of beats"
BOOSTING_TREES_EQUAL = "boosting, trees, BeatFeatures and convolutions with equal weights"
RECIPE_NETWORK = "make_beat_classifier and small network"
TREES_NETWORK = "boosting, trees, small network"

# Tables of each linear arm, and whether all tables have the same weight.
LINEAR_ARMS = {
    LINEAR: (("measurements",), False),
    BEATS: (("beat_convolutions",), False),
    RECORDS: (("record_convolutions",), False),
    UNION: (("measurements", "beat_convolutions"), False),
    EQUAL: (("measurements", "beat_convolutions"), True),
}
# These have no seed.
SEEDLESS = (*LINEAR_ARMS, RECIPE_LINEAR)
NETWORKS = {
    BEAT_NETWORK: ("beats", small_network()),
    RECORD_NETWORK: ("records", msaic_net(max_epochs=10)),
    BEAT_RESNET: ("beats", ECGNetClassifier("resnet1d_wang", max_epochs=15)),
}
# These have a process of their own.
LARGE_NETWORKS = (RECORD_NETWORK, BEAT_RESNET)
ARMS = (BOOSTING, TREES, RECIPE_LINEAR, LINEAR, BEATS, EQUAL, UNION, RECORDS, *NETWORKS)
# Weights of the arms whose probabilities are averaged. The first average is what
# `make_beat_classifier` computes.
AVERAGES = {
    RECIPE: {BOOSTING: 8, TREES: 4, RECIPE_LINEAR: 1},
    BOOSTING_BEATS: {BOOSTING: 1, BEATS: 1},
    BOOSTING_TREES_EQUAL: {BOOSTING: 1, TREES: 2, EQUAL: 1},
    RECIPE_NETWORK: {BOOSTING: 8, TREES: 4, RECIPE_LINEAR: 1, BEAT_NETWORK: 2},
    TREES_NETWORK: {BOOSTING: 2, TREES: 2, BEAT_NETWORK: 1},
}
# The weight of boosting in these is multiplied by m / (m + 100) for m records of the rarer class.
GROWING, HALF_RECORDS = (RECIPE, RECIPE_NETWORK), 100


# Names of the rows of the page, in their order.
ROWS = {
    RECIPE: f"``{RECIPE}``: these three, averaged",
    BOOSTING: "``BeatFeatures``, gradient boosting",
    TREES: "``BeatFeatures``, extremely randomized trees",
    RECIPE_LINEAR: "``BeatFeatures`` within 3 SD, logistic regression",
    LINEAR: "``BeatFeatures``, logistic regression",
    BEATS: "random convolutions of median beats, logistic regression",
    UNION: "``BeatFeatures`` and convolutions of beats, logistic regression",
    EQUAL: "``BeatFeatures`` and convolutions of beats with equal weights, logistic regression",
    RECORDS: "random convolutions of records, logistic regression",
    BEAT_NETWORK: "median beats, small network",
    BEAT_RESNET: "median beats, ``resnet1d_wang``",
    RECORD_NETWORK: "whole records, MSAIC-Net, 10 epochs",
    BOOSTING_BEATS: "boosting and convolutions of beats, averaged",
    BOOSTING_TREES_EQUAL: (
        "boosting, trees, and logistic regression of measurements and convolutions, averaged"
    ),
    RECIPE_NETWORK: f"``{RECIPE}`` and small network, averaged",
    TREES_NETWORK: "boosting, trees and small network, averaged",
}
# Parts of the page, and the titles and columns of their tables.
PARTS = {
    "by-records": {
        "12 leads, by number of labeled records": [("12", size) for size in SIZES],
    },
    "by-leads": {
        "all labeled records, by leads": [(subset, "all") for subset in SUBSETS],
        "50 labeled records, by leads": [(subset, "50") for subset in SUBSETS],
    },
}
PAGE = "which_estimator.rst"


class Cell(NamedTuple):
    """One fit: training records and seed (`size`, `draw`) of a task, and the folds to predict."""

    task: str
    subset: str
    arm: str
    size: str
    draw: int
    folds: tuple

    @property
    def file(self):
        arm = "".join(c if c.isalnum() else "_" for c in self.arm)
        folds = "".join(map(str, self.folds))
        return f"{self.task}_{self.subset}_{arm}_{self.size}_{self.draw}_{folds}"


class Folders(NamedTuple):
    """Where predictions and features are stored, and the hash of the code that computes them."""

    results: Path
    tables: Path
    code: str

    def table(self, task, subset, name):
        """Return the path of the features of all records of a task."""
        return self.tables / f"{task}_{subset}_{name}_{self.code}.npy"


class Cohort(NamedTuple):
    """Labels of the records of a task, their folds and patients."""

    y: np.ndarray
    folds: np.ndarray
    patients: np.ndarray

    def split(self, cell):
        """Return the positions of the training records and of the records to predict."""
        test = np.flatnonzero(np.isin(self.folds, cell.folds))
        others = ~np.isin(self.folds, cell.folds)
        if cell.size == "all" and cell.folds[0] in TEST_FOLDS:
            return np.flatnonzero(others), test
        pool = np.flatnonzero(others & (self.folds <= 6))
        if cell.size == "all":
            return pool, test
        return draw_records(self.y, pool, int(cell.size), cell.draw), test


def draw_records(y, pool, size, seed):
    """Return random records; those of a smaller size with the same seed are among them.

    The first 15 contain both values of each label, two of each for a binary target.
    """
    rng = np.random.default_rng(seed)
    columns = y.reshape(len(y), -1)
    n_required = 2 if columns.shape[1] == 1 else 1
    while True:
        order = rng.permutation(pool)
        positive = columns[order[:15]].sum(axis=0)
        if min(positive.min(), (15 - positive).min()) >= n_required:
            return order[:size]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "folder", nargs="?", help="PTB-XL folder; default: ptbxl in SKLEARN_ECG_DATA"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes without the networks")
    parser.add_argument("--arms", nargs="+", default=ARMS, choices=ARMS, metavar="ARM")
    parser.add_argument("--tasks", nargs="+", default=tuple(TASKS), choices=TASKS)
    parser.add_argument("--max-seconds", type=float, default=np.inf, help="start no fit after it")
    parser.add_argument("--results", type=Path, default=RESULTS / "study_estimators")
    parser.add_argument("--tables", type=Path, default=RESULTS / "study_estimators_tables")
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
        for part, columns in PARTS.items():
            tables = make_page_tables(args.tasks, columns, stored)
            print("", *map(make_rst, tables), sep="\n", flush=True)
            if set(args.tasks) == set(TASKS):
                write_tables(PAGE, part, tables, "study_estimators.py PTB_XL_FOLDER")


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
    cells = [
        cell for cell in list_cells(cohorts, args.arms) if cell.folds in INNER or not args.choose
    ]
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


def list_cells(tasks, arms):
    """Return all cells, those that say most first."""
    cells = {}
    shown = {column for part in PARTS.values() for columns in part.values() for column in columns}
    for task, subset, arm, size, draw in itertools.product(tasks, SUBSETS, arms, SIZES, DRAWS):
        if draw not in draws_of(arm) or (subset, size) not in shown:
            continue
        seed = 0 if size == "all" and arm in SEEDLESS else draw
        parts = [(fold,) for fold in TEST_FOLDS] if size == "all" else [TEST_FOLDS]
        for folds in parts:
            cells[Cell(task, subset, arm, size, seed, folds)] = None
        if subset == "12" and draw in inner_draws(size) and arm not in LARGE_NETWORKS:
            for folds in INNER:
                cells[Cell(task, subset, arm, size, seed, folds)] = None
    return sorted(cells, key=_rank)


def draws_of(arm):
    """Return the draws of an arm, or those that all parts of an average have."""
    return range(3) if set(AVERAGES.get(arm, (arm,))) & set(LARGE_NETWORKS) else DRAWS


def inner_draws(size):
    """Return the draws that are used to choose."""
    return range(1 if size == "all" else 3)


def _rank(cell):
    """Return the place of a cell in the order of the run."""
    if cell.arm in LARGE_NETWORKS:
        stage = (cell.subset != "12", LARGE_NETWORKS.index(cell.arm))
        return stage, cell.draw
    if cell.folds in INNER:
        stage = 1
    else:
        stage = 0 if cell.subset == "12" else 2
    return (stage, 0), cell.draw


def save_array(path, array):
    """Save an array; an interrupted run leaves no part of a file."""
    with atomic_file(path) as temporary:
        np.save(temporary, array)


def tables_of(arms):
    """Return the names of the tables that arms read."""
    names = set()
    for arm in arms:
        if arm in LINEAR_ARMS:
            names.update(LINEAR_ARMS[arm][0])
        else:
            names.add(NETWORKS[arm][0] if arm in NETWORKS else "measurements")
    return names


def make_tables(folders, task, subset, folds, wanted):
    """Compute and store the features of all records of a task, measured in a subset of the leads.

    Those that are not in ``wanted`` are left out. The biases of the convolutions are chosen from
    records of folds 1 to 6, without their labels.
    """
    torch.set_num_threads(1)
    records = np.load(folders.tables / f"{task}_records.npy", mmap_mode="r")
    _, leads = resolve_lead_subset(subset, STANDARD_LEADS)
    X = np.ascontiguousarray(records[:, [STANDARD_LEADS.index(lead) for lead in leads]])
    lead_names = list(leads)
    beat = MedianBeat(100, unreliable="record_average", lead_names=lead_names)
    filtered = BandpassFilter(0.5, 40, sampling_rate=100, lead_names=lead_names)
    seconds = {}

    def store(table, compute):
        path = folders.table(task, subset, table)
        if table not in wanted:
            return None
        if not path.exists():
            start = time.process_time()
            values = compute()
            seconds[table] = time.process_time() - start
            save_array(path, values)
        return np.load(path, mmap_mode="r")

    def convolve(signals):
        convolutions = RandomConvolutionFeatures(random_state=0, lead_names=lead_names)
        return convolutions.fit(signals[folds <= 6]).transform(signals)

    measure = BeatFeatures(100, drop_empty=False, lead_names=lead_names)
    store("records", lambda: X)
    store("measurements", lambda: measure.fit_transform(X))
    store("beats", lambda: beat.fit_transform(X))
    store("beat_convolutions", lambda: convolve(beat.fit_transform(X)))
    store("record_convolutions", lambda: convolve(filtered.fit_transform(X)))
    if seconds:
        text = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
        print(f"  {task}, {subset}: seconds for {len(X)} records: {text}", flush=True)


def run_cell(cell, cohort, folders, deadline):
    """Fit and predict, unless this is stored or it is too late, and return the seconds."""
    if time.time() > deadline:
        return 0.0
    train, test = cohort.split(cell)
    key = f"{cell}, data {hash_arrays(cohort.y, train, test)}, code {folders.code}"
    arrays = cached_arrays(
        cell.file,
        key,
        lambda: _fit_and_predict(cell, cohort.y, train, test, folders),
        folders.results,
    )
    return float(arrays["seconds"])


def _fit_and_predict(cell, y, train, test, folders):
    torch.set_num_threads(1)

    def load(table):
        return np.load(folders.table(cell.task, cell.subset, table), mmap_mode="r")

    with warnings.catch_warnings():
        # Few records may contain a rare class once; the tables show the consequences.
        warnings.simplefilter("ignore", UserWarning)
        start = time.process_time()
        if cell.arm in LINEAR_ARMS:
            names, equal = LINEAR_ARMS[cell.arm]
            blocks = [scale(load(name), train, test) for name in names]
            table, table_test = rotate(*join(blocks, equal))
            probability = np.stack(
                [
                    predict(LogisticRegression(C=C, max_iter=2000), table, y[train], table_test)
                    for C in STRENGTHS
                ]
            )
        elif cell.arm in NETWORKS:
            name, network = NETWORKS[cell.arm]
            records = load(name)
            device = "auto" if cell.arm in LARGE_NETWORKS else "cpu"
            network = clone(network).set_params(random_state=cell.draw, device=device)
            network.fit(records[train], y[train])
            probability = network.predict_proba(records[test])
            probability = (probability if y.ndim > 1 else probability[:, 1])[None]
        else:
            table = load("measurements")
            kept = np.isfinite(table[train]).any(axis=0)
            classifier = make_part(cell.arm, cell.draw)
            probability = predict(classifier, table[train][:, kept], y[train], table[test][:, kept])
            probability = probability[None]
    return {
        "probability": probability.astype(np.float32),
        "seconds": time.process_time() - start,
    }


def make_part(arm, seed):
    """Return a part of `RECIPE`."""
    if arm == BOOSTING:
        return gradient_boosting().set_params(random_state=seed)
    if arm == RECIPE_LINEAR:
        linear = LogisticRegression(C=0.01, max_iter=2000)
        return make_pipeline(SimpleImputer(add_indicator=True), ClippedScaler(), linear)
    trees = ExtraTreesClassifier(500, min_samples_leaf=2, max_features=0.1, random_state=seed)
    return make_pipeline(SimpleImputer(), trees)


def scale(table, train, test):
    """Return the standardized features, with indicators of those that are missing."""
    steps = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    return steps.fit_transform(table[train]), steps.transform(table[test])


def join(blocks, equal):
    """Return blocks of features next to each other, divided by the root of their number."""
    total = sum(train.shape[1] for train, _ in blocks)
    weights = [(len(blocks) * train.shape[1] if equal else total) ** -0.5 for train, _ in blocks]
    return tuple(
        np.hstack([weight * block[part] for weight, block in zip(weights, blocks, strict=True)])
        for part in (0, 1)
    )


class Stored:
    """Stored predictions of a study."""

    def __init__(self, results, cohorts):
        self.results, self.cohorts = results, cohorts
        self._strengths, self._draws, self._bootstraps = {}, {}, {}

    def predict(self, task, subset, arm, size, folds, draws):
        """Return the labels, patients and probabilities (n_draws, ...), None if any is missing."""
        if arm in AVERAGES:
            parts = [self.predict(task, subset, a, size, folds, draws) for a in AVERAGES[arm]]
            if any(part is None for part in parts):
                return None
            weights = np.ones((len(parts), *parts[0][2].shape))
            for weight, (part, value) in zip(weights, AVERAGES[arm].items(), strict=True):
                weight *= value
                if part == BOOSTING and arm in GROWING:
                    m = self.count_rarer(task, subset, size, folds, draws)
                    weight *= m / (m + HALF_RECORDS)
            return *parts[0][:2], np.average([p[2] for p in parts], axis=0, weights=weights)
        cohort, found = self.cohorts[task], []
        groups = _groups(size, folds)
        test = np.concatenate([np.flatnonzero(np.isin(cohort.folds, g)) for g in groups])
        for draw in draws:
            seed = 0 if size == "all" and arm in SEEDLESS else draw
            parts = []
            for group in groups:
                stored = stored_arrays(
                    Cell(task, subset, arm, size, seed, group).file, self.results
                )
                if stored is None:
                    return None
                probability = stored["probability"]
                parts.append(probability[self.strength(arm) if len(probability) > 1 else 0])
            found.append(np.concatenate(parts))
        return cohort.y[test], cohort.patients[test], np.stack(found)

    def count_rarer(self, task, subset, size, folds, draws):
        """Return the training records of the rarer class, for each draw, test record and label."""
        cohort, counts = self.cohorts[task], []
        for draw in draws:
            parts = []
            for group in _groups(size, folds):
                train, test = cohort.split(Cell(task, subset, BOOSTING, size, draw, group))
                positive = cohort.y[train].sum(axis=0)
                rarer = np.minimum(positive, len(train) - positive)
                parts.append(np.broadcast_to(rarer, cohort.y[test].shape))
            counts.append(np.concatenate(parts))
        return np.stack(counts)

    def draws(self, task, subset, arm, size):
        """Return the draws of an arm whose predictions of folds 7 to 9 are stored."""
        cell = task, subset, arm, size
        if cell not in self._draws:
            self._draws[cell] = tuple(
                draw
                for draw in draws_of(arm)
                if self.predict(*cell, TEST_FOLDS, [draw]) is not None
            )
        return self._draws[cell]

    def bootstrap(self, task, subset, arm, size, draws):
        """Return the AUROC of folds 7 to 9, and that of resamples of the patients, kept on disk."""
        cell = task, subset, arm, size, draws
        if cell not in self._bootstraps:
            y, patients, probabilities = self.predict(task, subset, arm, size, TEST_FOLDS, draws)
            y, stacked = stack_seeds(y, probabilities)

            def compute():
                ((score, resampled),) = bootstrap_scores(
                    "roc_auc", y, {"y_score": stacked}, patients, n_resamples=1000, random_state=0
                )
                return {"score": score, "resampled": resampled}

            key = f"bootstrap of {hash_arrays(y, stacked, patients)}"
            arrays = cached_arrays(None, key, compute, self.results)
            self._bootstraps[cell] = float(arrays["score"]), arrays["resampled"]
        return self._bootstraps[cell]

    def score_inner(self, task, arm, size):
        """Return the AUROC on folds 1 to 6, each pair left out in turn; NaN if it is unknown."""
        scores = []
        for folds in INNER:
            found = self.predict(task, "12", arm, size, folds, inner_draws(size))
            if found is None:
                return np.nan
            scores += [auroc_score(found[0], probability) for probability in found[2]]
        return np.mean(scores)

    def strength(self, arm):
        """Return the place of the strength with the highest mean score on folds 1 to 6."""
        if arm not in self._strengths:
            scores = []
            for place in range(len(STRENGTHS)):
                self._strengths[arm] = place
                scores.append(
                    np.mean([self.score_inner(t, arm, s) for t in self.cohorts for s in SIZES])
                )
            self._strengths[arm] = 1 if np.isnan(scores).any() else int(np.argmax(scores))
        return self._strengths[arm]


def _groups(size, folds):
    """Return the folds that each model predicts: one model for each fold of the test, or one."""
    if size == "all" and folds == TEST_FOLDS:
        return [(fold,) for fold in folds]
    return [folds]


def choose(task, stored):
    """Print the scores on folds 1 to 6."""
    print(f"\n{TASKS[task]}: AUROC on folds 1 to 6\n{'':62}{'C':>6}", *(f"{s:>6}" for s in SIZES))
    for arm in (*ARMS, *AVERAGES):
        scores = [stored.score_inner(task, arm, size) for size in SIZES]
        if not np.isnan(scores).all():
            strength = STRENGTHS[stored.strength(arm)] if arm in LINEAR_ARMS else np.nan
            print(f"{arm:62}{strength:6g}", *(f"{score:6.3f}" for score in scores), flush=True)


def make_page_tables(tasks, columns, stored):
    """Return tables of AUROC, and of differences to `RECIPE`, on folds 7 to 9.

    Parameters
    ----------
    tasks : sequence of str
    columns : dict of str to list of (subset, size)
        Titles and columns of the tables.
    stored : Stored

    Returns
    -------
    tables : list of Table
    """
    tables = []
    for task, (title, cells) in itertools.product(tasks, columns.items()):
        by_leads = len({subset for subset, _ in cells}) > 1
        header = ["estimator", *(subset if by_leads else size for subset, size in cells)]
        title = f"{TASKS[task].capitalize()}, {title}"
        scores, differences = [], []
        for arm, name in ROWS.items():
            row = [compare(task, subset, arm, size, stored) for subset, size in cells]
            if any(score for score, _ in row):
                scores.append([name, *(score or "-" for score, _ in row)])
            if any(difference for _, difference in row):
                differences.append([name, *(difference or "-" for _, difference in row)])
        if not scores:
            raise ValueError(f"No predictions of {TASKS[task]} are stored in {stored.results}.")
        tables.append(Table(title, header, scores, _widths(cells)))
        title += f", difference of the AUROC to ``{RECIPE}``"
        folded = f"Differences to ``{RECIPE}``"
        tables.append(Table(title, header, differences, _widths(cells), folded=folded))
    return tables


def _widths(columns):
    return 30, *[70 // len(columns)] * len(columns)


def compare(task, subset, arm, size, stored):
    """Return AUROC and the difference to `RECIPE`, with 95 % intervals by patient, as texts.

    The number of draws is noted if not all are stored.
    """
    draws = stored.draws(task, subset, arm, size)
    if not draws:
        return "", ""
    score, resampled = stored.bootstrap(task, subset, arm, size, draws)
    text = ScoreInterval(score, *percentile_interval(resampled, 0.95))
    text = str(text).replace("0.", ".") + _count_draws(draws)
    common = tuple(draw for draw in draws if draw in stored.draws(task, subset, RECIPE, size))
    if arm == RECIPE or not common:
        return text, ""
    score, resampled = stored.bootstrap(task, subset, arm, size, common)
    other_score, other_resampled = stored.bootstrap(task, subset, RECIPE, size, common)
    interval = percentile_interval(resampled - other_resampled, 0.95)
    difference = format_difference(ScoreInterval(score - other_score, *interval))
    return text, difference.replace("0.", ".") + _count_draws(common)


def _count_draws(draws):
    """Return a note of the number of draws, unless there are all of them."""
    if len(draws) == len(DRAWS):
        return ""
    return f", {len(draws)} draw{'s' if len(draws) > 1 else ''}"


if __name__ == "__main__":
    main()

"""Estimators, training records and leads of the study of estimators, and the fits that it needs."""

import itertools
from typing import NamedTuple

import numpy as np
from _arms import msaic_net, small_network

from sklearn_ecg import ECGNetClassifier

TASKS = {"mi": "infarction", "superclass": "five superclasses"}
SUBSETS = ("12", "limb", "I+II+V2", "I")
SIZES = ("15", "50", "150", "500", "all")
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
# Draws of the training records of estimators without a network, and of tables with networks.
DRAWS, FEW_DRAWS = range(15), range(5)
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
NETWORK_AVERAGES = tuple(arm for arm, parts in AVERAGES.items() if NETWORKS.keys() & parts)
# Titles of tables, and their columns: leads and number of records.
BY_RECORDS = {"12 leads, by number of labeled records": [("12", size) for size in SIZES]}
BY_LEADS = {
    "all labeled records, by leads": [(subset, "all") for subset in SUBSETS],
    "50 labeled records, by leads": [(subset, "50") for subset in SUBSETS],
}


class Part(NamedTuple):
    """Tables of the page: their rows and columns, and the draws of the training records."""

    arms: tuple
    columns: dict
    draws: range

    def draws_of(self, size):
        """Return the draws; with all records, there are seeds instead."""
        return FEW_DRAWS if size == "all" else self.draws

    @property
    def has_networks(self):
        return bool(NETWORKS.keys() & self.arms)


_OTHERS = tuple(arm for arm in (*ARMS, *AVERAGES) if arm not in (*NETWORKS, *NETWORK_AVERAGES))
PARTS = {
    "by-records": Part(_OTHERS, BY_RECORDS, DRAWS),
    "by-leads": Part(_OTHERS, BY_LEADS, DRAWS),
    "networks": Part((RECIPE, *NETWORKS, *NETWORK_AVERAGES), BY_RECORDS, FEW_DRAWS),
    "networks-by-leads": Part((RECIPE, BEAT_NETWORK, *NETWORK_AVERAGES), BY_LEADS, FEW_DRAWS),
}


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


def list_cells(tasks, arms, parts):
    """Return the cells of parts of the page, those that say most first."""
    cells = {}
    for task, (arm, subset, size, draw) in itertools.product(tasks, _list_fits(arms, parts)):
        seed = 0 if size == "all" and arm in SEEDLESS else draw
        groups = [(fold,) for fold in TEST_FOLDS] if size == "all" else [TEST_FOLDS]
        for folds in groups:
            cells[Cell(task, subset, arm, size, seed, folds)] = None
        if subset == "12" and draw in inner_draws(size) and arm not in LARGE_NETWORKS:
            for folds in INNER:
                cells[Cell(task, subset, arm, size, seed, folds)] = None
    return sorted(cells, key=_rank)


def _list_fits(arms, parts):
    """Return the arms, leads, numbers of records and draws that parts of the page need."""
    fits = {}
    for part in (PARTS[name] for name in parts):
        columns = [column for columns in part.columns.values() for column in columns]
        needed = [arm for row in part.arms for arm in AVERAGES.get(row, (row,)) if arm in arms]
        for arm, (subset, size) in itertools.product(needed, columns):
            fits.update(dict.fromkeys((arm, subset, size, d) for d in part.draws_of(size)))
    return list(fits)


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

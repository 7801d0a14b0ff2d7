"""Scores of the stored predictions of the study of estimators, and the tables of the page."""

import itertools

import numpy as np
from _estimator_grid import (
    AVERAGES,
    BEAT_NETWORK,
    BEAT_RESNET,
    BEATS,
    BOOSTING,
    BOOSTING_BEATS,
    BOOSTING_TREES_EQUAL,
    EQUAL,
    GROWING,
    HALF_RECORDS,
    INNER,
    LINEAR,
    RECIPE,
    RECIPE_LINEAR,
    RECIPE_NETWORK,
    RECORD_NETWORK,
    RECORDS,
    SEEDLESS,
    SIZES,
    STRENGTHS,
    TASKS,
    TEST_FOLDS,
    TREES,
    TREES_NETWORK,
    UNION,
    Cell,
    inner_draws,
)
from _results import cached_arrays, stored_arrays
from _study import format_difference, hash_arrays, stack_seeds
from _tables import Table

from sklearn_ecg.metrics import ScoreInterval, auroc_score
from sklearn_ecg.metrics._bootstrap import bootstrap_scores, percentile_interval

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
# The whole interval of the difference between `RECIPE` and each of its parts is to be above it.
LIMIT = -0.005


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

    def draws(self, task, subset, arm, size, wanted):
        """Return those of the draws for which predictions of folds 7 to 9 are stored."""
        cell = task, subset, arm, size
        if (cell, wanted) not in self._draws:
            self._draws[cell, wanted] = tuple(
                draw for draw in wanted if self.predict(*cell, TEST_FOLDS, [draw]) is not None
            )
        return self._draws[cell, wanted]

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


def make_page_tables(tasks, part, stored):
    """Return tables of AUROC, and of differences to `RECIPE`, on folds 7 to 9.

    Parameters
    ----------
    tasks : sequence of str
    part : Part
    stored : Stored

    Returns
    -------
    tables : list of Table
    """
    tables = []
    for task, (title, cells) in itertools.product(tasks, part.columns.items()):
        by_leads = len({subset for subset, _ in cells}) > 1
        header = ["estimator", *(subset if by_leads else size for subset, size in cells)]
        title = f"{TASKS[task].capitalize()}, {title}"
        scores, differences = [], []
        for arm in (arm for arm in ROWS if arm in part.arms):
            row = [compare(task, cell, arm, part.draws_of(cell[1]), stored) for cell in cells]
            name = f"``{RECIPE}``" if arm == RECIPE and part.has_networks else ROWS[arm]
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


def compare(task, cell, arm, draws, stored):
    """Return AUROC and the difference to `RECIPE`, with 95 % intervals by patient, as texts.

    The number of draws is noted if not all are stored.
    """
    subset, size = cell
    found = stored.draws(task, subset, arm, size, draws)
    if not found:
        return "", ""
    score, resampled = stored.bootstrap(task, subset, arm, size, found)
    text = ScoreInterval(score, *percentile_interval(resampled, 0.95))
    text = str(text).replace("0.", ".") + _count_draws(found, draws)
    difference = subtract_recipe(task, subset, arm, size, draws, stored)
    if arm == RECIPE or difference is None:
        return text, ""
    interval, common = difference
    return text, format_difference(interval).replace("0.", ".") + _count_draws(common, draws)


def subtract_recipe(task, subset, arm, size, draws, stored):
    """Return AUROC minus that of `RECIPE`, and the draws of both; None if there are none."""
    found, others = (stored.draws(task, subset, a, size, draws) for a in (arm, RECIPE))
    common = tuple(draw for draw in found if draw in others)
    if not common:
        return None
    score, resampled = stored.bootstrap(task, subset, arm, size, common)
    other_score, other_resampled = stored.bootstrap(task, subset, RECIPE, size, common)
    interval = percentile_interval(resampled - other_resampled, 0.95)
    return ScoreInterval(score - other_score, *interval), common


def describe_parts(tasks, part, stored):
    """Return a text that counts the differences of `RECIPE` to its parts that are above the limit.

    If some of the columns have fewer than twelve leads, only those are counted. Differences that
    are not above the limit are listed.

    Parameters
    ----------
    tasks : sequence of str
    part : Part
    stored : Stored

    Returns
    -------
    text : str
    """
    cells = list(dict.fromkeys(cell for cells in part.columns.values() for cell in cells))
    fewer = [(subset, size) for subset, size in cells if subset != "12"]
    below, n_found = [], 0
    for task, (subset, size), arm in itertools.product(tasks, fewer or cells, AVERAGES[RECIPE]):
        found = subtract_recipe(task, subset, arm, size, part.draws_of(size), stored)
        if found is None:
            continue
        n_found += 1
        # The sign is that of `RECIPE` minus its part.
        score, low, high = -found[0].score, -found[0].high, -found[0].low
        if low <= LIMIT:
            where = f"{TASKS[task]}, {'12 leads' if subset == '12' else subset}, {size} records"
            difference = format_difference(ScoreInterval(score, low, high)).replace("0.", ".")
            below.append(f"- {where}, minus {ROWS[arm]}: {difference}")
    limit = f"{LIMIT:.3f}".replace("0.", ".")
    text = (
        f"Of the {n_found} differences between ``{RECIPE}`` and one of its three parts "
        f"{'with fewer leads' if fewer else 'with 12 leads'}, the whole interval is above {limit} "
        f"for {n_found - len(below)}."
    )
    return "\n".join([text, *(["It is not for:", "", *below] if below else [])])


def _count_draws(found, draws):
    """Return a note of the number of draws, unless all are found."""
    if len(found) == len(draws):
        return ""
    return f", {len(found)} draw{'s' if len(found) > 1 else ''}"

"""Tables of SimCardioNet and simple classifiers on printed ECGs."""

import time

import numpy as np
import pandas as pd
from _prints import COPIES, DISTINCT, GROUPED, NUMBERS
from _prints_study import (
    ABLATIONS,
    FROZEN,
    FROZEN_RANDOM,
    HOG,
    MARGINS,
    PIXELS,
    PRETRAINED,
    RANDOM,
    Study,
)
from _study import bootstrap_seeds
from _tables import Table, drop_zeros
from sklearn.metrics import roc_auc_score

from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval

PARTS = ["baselines", "main", "labels", "copies", "ablations", "ablations-10"]


def score(y, predicted, which):
    """Return the mean over seeds of the accuracy, or of a macro average over classes."""
    return np.mean([_score_one(y, p, which) for p in predicted.reshape(len(y), -1).T])


def _score_one(y, predicted, which):
    n_classes = 1 + max(y.max(), predicted.max())
    counts = np.bincount(n_classes * y + predicted, minlength=n_classes**2)
    counts = counts.reshape(n_classes, n_classes)
    correct = counts.diagonal()
    if which == "accuracy":
        return correct.sum() / counts.sum()
    recall = correct / np.maximum(counts.sum(axis=1), 1)
    precision = correct / np.maximum(counts.sum(axis=0), 1)
    if which == "recall":
        return recall.mean()
    if which == "precision":
        return precision.mean()
    return (2 * recall * precision / np.maximum(recall + precision, 1e-12)).mean()


METRICS = ("accuracy", "precision", "recall", "F1")


class Tables:
    """Rows of tables from a study."""

    def __init__(self, study):
        self.study = study

    def predictions(self, arm, protocol, n_labels, n_seeds):
        """Return predictions (n_records, n_seeds) of the seeds that are complete, or None."""
        found = [self.study.predict(arm, protocol, n_labels, seed) for seed in range(n_seeds)]
        found = [f for f in found if f is not None]
        return np.stack(found, axis=1) if found else None

    def cells(self, predicted):
        """Return the scores with their intervals, over images, and the number of seeds."""
        y, values, options = self._evaluated(predicted)
        cells = [
            drop_zeros(bootstrap_interval(lambda a, b, m=m: score(a, b, m), y, values, **options))
            for m in METRICS
        ]
        return [*cells, str(predicted.shape[1])]

    def difference(self, predicted, reference, which):
        """Return the difference of two arms on the same images and seeds."""
        n = min(predicted.shape[1], reference.shape[1])
        y, values, options = self._evaluated(predicted[:, :n])
        _, others, _ = self._evaluated(reference[:, :n])
        return drop_zeros(
            bootstrap_difference(lambda a, b: score(a, b, which), y, values, others, **options)
        )

    def differences_by_seed(self, predicted, reference, which):
        """Return the difference of two arms of each of the seeds that both have."""
        n = min(predicted.shape[1], reference.shape[1])
        y, values, _ = self._evaluated(predicted[:, :n])
        others = self._evaluated(reference[:, :n])[1]
        pairs = zip(values.T, others.T)
        return drop_zeros(
            " ".join(f"{score(y, a, which) - score(y, b, which):+.3f}" for a, b in pairs)
        )

    def _evaluated(self, predicted):
        prints = self.study.prints
        at = predicted[:, 0] >= 0
        return (
            prints.y[at],
            predicted[at],
            {
                "groups": prints.groups[at],
                "n_resamples": 500,
                "random_state": 0,
            },
        )


def plan():
    """Yield part, arm, protocol, labels per class and seeds of all fits, important ones first."""
    for arm in (HOG, PIXELS, MARGINS):
        for protocol in (COPIES, GROUPED, DISTINCT, NUMBERS):
            yield "baselines", arm, protocol, None, 3
    for n_labels in (10, 30):
        yield "baselines", HOG, DISTINCT, n_labels, 3
    networks = (PRETRAINED, RANDOM, FROZEN, FROZEN_RANDOM)
    for n_labels in (None, 10, 30):
        for arm in networks:
            yield "main", arm, DISTINCT, n_labels, 1
    yield "main", RANDOM, GROUPED, None, 1
    for n_seeds in (2, 3):
        for n_labels in (None, 10):
            for arm in networks:
                yield "main", arm, DISTINCT, n_labels, n_seeds
    for n_seeds in (2, 3):
        for arm in networks:
            yield "labels", arm, DISTINCT, 30, n_seeds
    for arm in (RANDOM, PRETRAINED):
        yield "copies", arm, COPIES, None, 1
    for part, n_labels in (("ablations", None), ("ablations-10", 10)):
        for arm in ABLATIONS:
            yield part, arm, DISTINCT, n_labels, 1


def tables_of_prints(prints, *, parts=PARTS, code=None):
    """Run what is missing in these parts, and return the tables of all that is complete."""
    tables, done = Tables(Study(prints, code=code)), {}
    for part, arm, protocol, n_labels, n_seeds in plan():
        start = time.perf_counter()
        tables.study.only_cached = part not in parts
        found = tables.predictions(arm, protocol, n_labels, n_seeds)
        # An arm may be planned with one seed after it was run with several.
        known = done.get((arm.name, protocol, n_labels))
        if found is not None and (known is None or found.shape[1] > known.shape[1]):
            done[arm.name, protocol, n_labels] = found
        seconds = time.perf_counter() - start
        print(f"  {part}: {arm.name}, {protocol}, {n_labels or 'all'}: {seconds:.0f} s", flush=True)
    made = [
        _table_of_copies(tables, done),
        _table_of_labels(tables, done),
        _table_of_ablations(tables, done),
    ]
    return [_describe(prints), *(table for table in made if table.rows)]


def _describe(prints):
    counts = np.bincount(prints.y[prints.distinct])
    names = np.bincount(prints.y)
    classes = ", ".join(
        f"{name.replace('_', ' ')} {distinct} ({all_names})"
        for name, distinct, all_names in zip(prints.classes, counts, names)
    )
    of_numbers = pd.Series(prints.y[prints.distinct]).groupby(prints.numbers[prints.distinct])
    return (
        f"{len(prints.distinct)} different images under {len(prints.y)} names; by class, with "
        f"the number of names: {classes}. {of_numbers.ngroups} numbers are printed on them, "
        f"{(of_numbers.nunique() > 1).sum()} of which are on pages of several classes."
    )


def _table_of_copies(tables, done):
    rows = [["SimCardioNet, the paper", COPIES, ".975", "", "", ".972", "", ""]]
    for arm in (PRETRAINED, RANDOM, HOG, PIXELS, MARGINS):
        for protocol in (COPIES, GROUPED, DISTINCT, NUMBERS):
            found = done.get((arm.name, protocol, None))
            if found is not None:
                reference = done.get((RANDOM.name, protocol, None)) if arm is PRETRAINED else None
                difference = "" if reference is None else tables.difference(found, reference, "F1")
                rows.append([arm.name, protocol, *tables.cells(found), difference])
    header = ["", "copies", *METRICS, "seeds", "F1 - random start"]
    return Table("Three-fold cross-validation, all labels", header, rows)


def _table_of_labels(tables, done):
    rows = []
    for n_labels in (10, 30, None):
        for arm in (PRETRAINED, RANDOM, FROZEN, FROZEN_RANDOM, HOG):
            found = done.get((arm.name, DISTINCT, n_labels))
            if found is None:
                continue
            reference = done.get((RANDOM.name, DISTINCT, n_labels))
            difference = by_seed = ""
            if reference is not None and arm is not RANDOM:
                difference = tables.difference(found, reference, "F1")
                by_seed = tables.differences_by_seed(found, reference, "F1")
            labels = n_labels or "all"
            rows.append([str(labels), arm.name, *tables.cells(found), difference, by_seed])
    header = ["labels per class", "", *METRICS, "seeds", "F1 - random start", "of each seed"]
    return Table("Few labels, one of each image", header, rows)


def _table_of_ablations(tables, done):
    rows = []
    for n_labels in (None, 10):
        for arm in (*ABLATIONS, RANDOM):
            reference = RANDOM if arm.encoder.get("max_epochs") == 0 else PRETRAINED
            found = done.get((arm.name, DISTINCT, n_labels))
            full = done.get((reference.name, DISTINCT, n_labels))
            if found is None or full is None:
                continue
            found, full = found[:, :1], full[:, :1]
            differences = ["", ""]
            if arm is not reference:
                differences = [tables.difference(found, full, m) for m in ("accuracy", "F1")]
            labels = n_labels or "all"
            rows.append([str(labels), arm.name, *tables.cells(found)[:-1], *differences])
    header = ["labels per class", "", *METRICS, *(f"{m} - same start" for m in ("accuracy", "F1"))]
    # Without the ablations, the references are those of the table of few labels.
    n_references = sum(row[1] in (PRETRAINED.name, RANDOM.name) for row in rows)
    title = "Ablations, one of each image, one seed"
    return Table(title, header, rows if len(rows) > n_references else [])


def table_of_grouped(study):
    """Return the scores of networks with copies of an image, or equal numbers, in one fold."""
    tables, rows = Tables(study), []
    for protocol in (GROUPED, NUMBERS):
        reference = tables.predictions(RANDOM, protocol, None, 3)
        predicted = tables.predictions(PRETRAINED, protocol, None, 3)
        difference = tables.difference(predicted, reference, "F1")
        by_seed = tables.differences_by_seed(predicted, reference, "F1")
        rows.append([PRETRAINED.name, protocol, *tables.cells(predicted), difference, by_seed])
        rows.append([RANDOM.name, protocol, *tables.cells(reference), "", ""])
    header = ("", "copies", *METRICS, "seeds", "F1 - random start", "of each seed")
    return Table("Three-fold cross-validation in groups, all labels", header, rows)


def table_of_external(study):
    """Return the scores of rendered pages, of classifiers that are trained on all prints.

    The score of a page is the odds of the two classes of infarction against normal, because their
    share would round to 1 where all three have small probabilities.
    """
    prints, rows = study.prints, []
    names = [prints.classes.index(name) for name in ("mi", "history_mi", "normal")]
    *_, y, patients = prints.external
    options, reference = {"groups": patients, "random_state": 0}, None
    # The baseline has no seed.
    for arm, n_seeds in ((RANDOM, 3), (PRETRAINED, 3), (HOG, 1)):
        scores, others = [], []
        for seed in range(n_seeds):
            probability = study.predict_external(arm, seed)
            with np.errstate(divide="raise"):
                odds = probability[:, names[:2]].sum(axis=1) / probability[:, names[2]]
            scores.append(odds)
            others.append(np.mean(~np.isin(probability.argmax(axis=1), names)))
        difference = ""
        if arm is RANDOM:
            reference = scores
        elif arm is PRETRAINED:
            difference = bootstrap_seeds("roc_auc", y, scores, reference, **options)
        auroc = bootstrap_seeds("roc_auc", y, scores, **options)
        each = " ".join(f"{roc_auc_score(y, s):.3f}" for s in scores)
        others = f"{np.mean(others):.0%}"
        rows.append([arm.name, *map(drop_zeros, (auroc, difference, each)), others])
    title = (
        f"Infarction against normal, trained on {len(prints.distinct)} prints, tested on {len(y)} "
        "rendered records of folds 7-9 of PTB-XL"
    )
    header = ("", "AUROC", "AUROC - random start", "of each seed", "predicted abnormal heartbeat")
    return Table(title, header, rows)

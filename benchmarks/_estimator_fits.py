"""Features, fits and predictions of the study of estimators."""

import time
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from _arms import gradient_boosting
from _estimator_grid import (
    BOOSTING,
    LARGE_NETWORKS,
    LINEAR_ARMS,
    NETWORKS,
    RECIPE_LINEAR,
    STRENGTHS,
)
from _results import atomic_file, cached_arrays
from _study import hash_arrays, predict, rotate
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import STANDARD_LEADS
from sklearn_ecg.beats._averaged_models import ClippedScaler
from sklearn_ecg.leads._lead_subsets import resolve_lead_subset
from sklearn_ecg.preprocessing import (
    BandpassFilter,
    BeatFeatures,
    MedianBeat,
    RandomConvolutionFeatures,
)


class Folders(NamedTuple):
    """Where predictions and features are stored, and the hash of the code that computes them."""

    results: Path
    tables: Path
    code: str

    def table(self, task, subset, name):
        """Return the path of the features of all records of a task."""
        return self.tables / f"{task}_{subset}_{name}_{self.code}.npy"


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

"""Fits of a study, run in parallel and cached one by one."""

import hashlib
import re
import time
import warnings
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from _results import RESULTS, Kept, code_hash
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.multiclass import OneVsRestClassifier

from sklearn_ecg.deep import DeepECGClassifier
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval

METRICS = {"roc_auc": roc_auc_score, "average_precision": average_precision_score}


class Fit(NamedTuple):
    """One fit of a study: the name of its arm, a seeded estimator, and positions of records."""

    arm: str
    estimator: BaseEstimator
    train: np.ndarray
    test: np.ndarray


def run(fits, X, y, workers, title="", kept=None):
    """Run all fits and return their predictions in the same order.

    An interrupted study continues where it stopped: each finished fit is kept, with a key of its
    parameters, its records and the code.

    Parameters
    ----------
    fits : list of Fit
    X, y : ndarray
    workers : int
        Number of processes with one thread each.
    title : str
        Printed with the progress.
    kept : Kept, default=None
        Where finished fits are kept, and until when further ones are started. None keeps them in
        benchmarks/results, and has no time limit.

    Returns
    -------
    results : list of dict or None
        ``probability`` of the test records, of the positive class for a binary y; ``seconds`` of
        processor time that `fit` took; ``n_parameters`` of a network, 0 for other estimators. None
        for a fit that is not kept, if no fit is started any more.
    """
    kept = kept or Kept(RESULTS)
    code = code_hash("preprocessing", "beats")
    data = hash_arrays(X, y)
    start, results = time.perf_counter(), []
    completed = Parallel(n_jobs=workers, return_as="generator")(
        delayed(_run_fit)(fit, X, y, f"data {data}, code {code}", kept) for fit in fits
    )
    for fit, result in zip(fits, completed):
        results.append(result)
        minutes = (time.perf_counter() - start) / 60
        if result is not None:
            print(f"  {title} {len(results)}/{len(fits)}, {minutes:.0f} min: {fit.arm}", flush=True)
    n_missing = sum(result is None for result in results)
    if n_missing:
        print(f"  {title}: {n_missing} of {len(fits)} fits are not finished", flush=True)
    return results


def _run_fit(fit, X, y, data_key, kept):
    records = hash_arrays(fit.train, fit.test)
    key = f"{list_params(fit.estimator)} on records {records}, {data_key}"
    return kept.arrays(key, lambda: _fit_and_predict(fit, X, y))


def _fit_and_predict(fit, X, y):
    torch.set_num_threads(1)
    estimator = clone(fit.estimator)
    with warnings.catch_warnings():
        # A hundred records may contain a rare class only once; the table shows the consequences.
        warnings.filterwarnings("ignore", "A class has a single training record")
        start = time.process_time()
        estimator.fit(X[fit.train], y[fit.train])
        seconds = time.process_time() - start
    probability = estimator.predict_proba(X[fit.test])
    return {
        "probability": probability if y.ndim > 1 else probability[:, 1],
        "seconds": seconds,
        "n_parameters": _count_parameters(estimator),
    }


def rotate(table, table_test):
    """Return the features along the principal axes of the training records.

    The predictions of logistic regression with an L2 penalty are the same, but there are no more
    features than records.
    """
    table, table_test = np.asarray(table, np.float64), np.asarray(table_test, np.float64)
    if table.shape[1] <= len(table):
        return table, table_test
    values, vectors = np.linalg.eigh(table @ table.T)
    kept = values > 1e-10 * values[-1]
    values, vectors = values[kept], vectors[:, kept]
    return vectors * values**0.5, (table_test @ table.T) @ vectors / values**0.5


def predict(classifier, table, y, table_test):
    """Return the probabilities of the second class, or of each label, of test records."""
    if y.ndim > 1:
        return OneVsRestClassifier(classifier).fit(table, y).predict_proba(table_test)
    return classifier.fit(table, y).predict_proba(table_test)[:, 1]


def draw_patients(train, y, patients, fraction, seed):
    """Draw records of whole patients, again until each label occurs and is absent often enough.

    Parameters
    ----------
    train : ndarray of int
        Positions to draw from. All are returned if `fraction` is 1.
    y : ndarray of shape (n_records, n_labels)
        Each label occurs at least twice among the records drawn, and not in all of them.
    patients : ndarray of shape (n_records,)
    fraction : float
        Of the patients.
    seed : int

    Returns
    -------
    drawn : ndarray of int
    """
    if fraction == 1:
        return train
    rng = np.random.default_rng(seed)
    while True:
        shuffled = rng.permutation(np.unique(patients[train]))
        chosen = np.isin(patients[train], shuffled[: round(fraction * len(shuffled))])
        positives = y[train[chosen]].sum(axis=0)
        if positives.min() >= 2 and (positives < chosen.sum()).all():
            return train[chosen]


def load_challenge_2011(folder):
    """Load the copy of set-a of the PhysioNet/CinC Challenge 2011, with its names corrected.

    The columns of aVL and aVF are exchanged in this copy, as Goldberger's identities show in 916 of
    1,000 records (facts_of_databases.py). The others have flat leads.

    Returns
    -------
    signals : float32 ndarray of shape (1000, 12, 1000)
        In mV, at 100 Hz, with the leads in standard order.
    table : DataFrame
        Quality, duplicates and flat leads of each record.
    """
    folder = Path(folder)
    stored = np.load(folder / "X_100hz_int16_5uV.npz")
    table = pd.read_csv(folder / "labels.csv", dtype={"record": str})
    assert (stored["record"] == table["record"]).all() and stored["uV_per_unit"] == 5
    order = [0, 1, 2, 3, 5, 4, *range(6, 12)]
    signals = stored["X"][:, :, order].transpose(0, 2, 1) * np.float32(0.005)
    return signals, table


def load_clean_challenge(folder):
    """Return the clean records of the PhysioNet/CinC Challenge 2011, in mV."""
    signals, table = load_challenge_2011(folder)
    return signals[table["ssl_clean"].to_numpy() == 1]


def split_folds(folds, tested, last=9):
    """Return positions of the training records, of all other folds up to the last, and of `tested`.

    Parameters
    ----------
    folds : ndarray of shape (n_records,)
    tested : tuple of int
    last : int, default=9
        Later folds are left out.
    """
    is_tested = np.isin(folds, tested)
    return np.flatnonzero((folds <= last) & ~is_tested), np.flatnonzero(is_tested)


def join_folds(folds, results):
    """Return the probabilities of records of all folds, NaN where there are none.

    Parameters
    ----------
    folds : ndarray of shape (n_records,)
    results : dict
        By a tuple of folds, a dict with the ``probability`` of their records, or None. Of several
        labels, there is a column for each.
    """
    results = {tested: result for tested, result in results.items() if result is not None}
    shapes = {result["probability"].shape[1:] for result in results.values()} or {()}
    probability = np.full((len(folds), *shapes.pop()), np.nan)
    for tested, result in results.items():
        probability[np.isin(folds, tested)] = result["probability"]
    return probability


def hash_arrays(*arrays):
    """Return a hash of the contents of arrays."""
    parts = (np.ascontiguousarray(array).tobytes() for array in arrays)
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


def _count_parameters(estimator):
    """Return the number of weights of the network in an estimator, 0 if there is none."""
    while not isinstance(estimator, DeepECGClassifier):
        if hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
        elif hasattr(estimator, "estimator_"):
            estimator = estimator.estimator_
        else:
            return 0
    return sum(weights.numel() for weights in estimator.net_.module_.parameters())


def list_params(estimator):
    """Return all steps and parameters of an estimator as text, without memory addresses.

    Unlike ``repr``, this does not abbreviate them.
    """
    params = estimator.get_params().items()
    values = {name: re.sub(" at 0x[0-9a-f]+", "", repr(value)) for name, value in params}
    return sorted(values.items())


def stack_seeds(y, seeds):
    """Return labels and probabilities of several seeds as those of one multilabel target.

    The macro average over its labels is then the mean of the seeds' scores. Where each seed draws
    its own training records, averaging the probabilities instead would combine models that were
    trained on different records.

    Parameters
    ----------
    y : ndarray of shape (n_records,) or (n_records, n_labels)
    seeds : array-like of shape (n_seeds, n_records) or (n_seeds, n_records, n_labels)
        Probabilities.

    Returns
    -------
    y, probabilities : ndarrays of shape (n_records, n_seeds * n_labels)
        Unchanged for a single seed.
    """
    if len(seeds) == 1:
        return y, seeds[0]
    seeds = [np.reshape(seed, (len(seed), -1)) for seed in seeds]
    return np.tile(np.reshape(y, seeds[0].shape), len(seeds)), np.concatenate(seeds, axis=1)


def mean_over_seeds(metric, y, probabilities):
    """Return the mean of a metric over seeds and labels.

    Unlike with `stack_seeds`, the target is not repeated, so that bootstrap resamples are
    stratified by a binary target for several seeds as for one.

    Parameters
    ----------
    metric : callable
    y : ndarray of shape (n_records,) or (n_records, n_labels)
    probabilities : ndarray of shape (n_records, n_seeds * n_labels)
    """
    y = y.reshape(len(y), -1)
    n_seeds = probabilities.shape[1] // y.shape[1]
    columns = zip(np.tile(y, n_seeds).T, probabilities.T, strict=True)
    return np.mean([metric(*pair) for pair in columns])


def bootstrap_seeds(metric, y, seeds, others=None, **options):
    """Return the mean score of several seeds with its interval, or its difference from others.

    Parameters
    ----------
    metric : {"roc_auc", "average_precision"}
    y : ndarray of shape (n_records,) or (n_records, n_labels)
    seeds : array-like of shape (n_seeds, n_records) or (n_seeds, n_records, n_labels)
        Probabilities.
    others : array-like, default=None
        Those of another arm. The difference is that of the seeds that both have.
    **options
        Of `sklearn_ecg.metrics.bootstrap_interval`.
    """
    n_shared = min(len(seeds), len(seeds if others is None else others))
    arms = [arm[:n_shared] for arm in (seeds, others) if arm is not None]
    if y.ndim > 1:
        # There are no strata, and named metrics are fast.
        target, scores = stack_seeds(y, arms[0])[0], [stack_seeds(y, arm)[1] for arm in arms]
    elif n_shared == 1:
        target, scores = y, [arm[0] for arm in arms]
    else:
        metric = partial(mean_over_seeds, METRICS[metric])
        target, scores = y, [np.transpose(arm) for arm in arms]
    compute = bootstrap_interval if others is None else bootstrap_difference
    return compute(metric, target, *scores, **options)


def format_difference(difference):
    """Return a difference with its interval as a text in which each number has a sign."""
    return f"{difference.score:+.3f} [{difference.low:+.3f} {difference.high:+.3f}]"


def gather_finished(completed, jobs, title):
    """Return the results of each arm, of its seeds up to the first one that is not finished.

    Parameters
    ----------
    completed : generator
        The result of each job, None if it is not finished.
    jobs : list of tuple (name, seed)
    title : str
        Of the messages.
    """
    found, missing = {}, []
    # The generator comes first: once it is exhausted, joblib can start on other jobs.
    for result, (name, seed) in zip(completed, jobs):
        if result is None:
            missing.append(name)
        elif name not in missing:
            found.setdefault(name, []).append(result)
            print(f"  {name}, seed {seed} done", flush=True)
    if missing:
        print(f"  {title}: {len(missing)} of {len(jobs)} fits are not finished", flush=True)
    return found

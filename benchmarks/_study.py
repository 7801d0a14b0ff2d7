"""Fits of a study: in parallel, each finished one kept."""

import hashlib
import re
import time
import warnings
from typing import NamedTuple

import numpy as np
import torch
from _results import hash_of_code, kept
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, clone

from sklearn_ecg.deep import DeepECGClassifier


class Fit(NamedTuple):
    """One fit of a study: an estimator with its seed, and the records by position."""

    arm: str
    estimator: BaseEstimator
    train: np.ndarray
    test: np.ndarray


def run(fits, X, y, workers, title=""):
    """Predictions of all fits, in their order.

    Interrupted, a study goes on where it stopped: every finished fit is kept in
    benchmarks/results, with the parameters, the records and the code that made it.

    Parameters
    ----------
    fits : list of Fit
    X, y : ndarray
    workers : int
        Processes, of one thread each.
    title : str
        To print.

    Returns
    -------
    results : list of dict
        ``probability`` of the tested records, of the positive class for a binary y; ``seconds`` of
        processor time that `fit` took; ``n_parameters`` of a network, 0 elsewhere.
    """
    code = hash_of_code("preprocessing/*.py", "rhythm.py")
    data = hash_of(X, y)
    start, results = time.perf_counter(), []
    made = Parallel(n_jobs=workers, return_as="generator")(
        delayed(_fit)(fit, X, y, f"data {data}, code {code}") for fit in fits
    )
    for fit, result in zip(fits, made):
        results.append(result)
        minutes = (time.perf_counter() - start) / 60
        print(f"  {title} {len(results)}/{len(fits)}, {minutes:.0f} min: {fit.arm}", flush=True)
    return results


def _fit(fit, X, y, of_what):
    records = hash_of(fit.train, fit.test)
    made_by = f"{params_of(fit.estimator)} on records {records}, {of_what}"
    return kept(None, made_by, lambda: _fit_predict(fit, X, y))


def _fit_predict(fit, X, y):
    torch.set_num_threads(1)
    estimator = clone(fit.estimator)
    with warnings.catch_warnings():
        # A rare class in a hundred records; the paper's table shows what comes of it.
        warnings.filterwarnings("ignore", "A class has a single training record")
        start = time.process_time()
        estimator.fit(X[fit.train], y[fit.train])
        seconds = time.process_time() - start
    probability = estimator.predict_proba(X[fit.test])
    return {
        "probability": probability if y.ndim > 1 else probability[:, 1],
        "seconds": seconds,
        "n_parameters": _n_parameters(estimator),
    }


def hash_of(*arrays):
    """Hash of the content of arrays."""
    parts = (np.ascontiguousarray(array).tobytes() for array in arrays)
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


def _n_parameters(estimator):
    """Weights of the network inside an estimator."""
    while not isinstance(estimator, DeepECGClassifier):
        if hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
        elif hasattr(estimator, "estimator_"):
            estimator = estimator.estimator_
        else:
            return 0
    return sum(weights.numel() for weights in estimator.net_.module_.parameters())


def params_of(estimator):
    """Steps and parameters of an estimator, without addresses in memory.

    In full: ``repr`` shortens them.
    """
    params = estimator.get_params().items()
    values = {key: re.sub(" at 0x[0-9a-f]+", "", repr(value)) for key, value in params}
    return sorted(values.items())


def side_by_side(y, rows):
    """Labels and probabilities of several seeds as those of one multilabel target.

    The macro average over its labels is the mean of the seeds' scores. Where a seed draws its
    training records, probabilities averaged over seeds have seen more of them than one training.

    Parameters
    ----------
    y : ndarray of shape (n_records,) or (n_records, n_labels)
    rows : array-like of shape (n_seeds, n_records) or (n_seeds, n_records, n_labels)

    Returns
    -------
    y, probabilities : ndarrays of shape (n_records, n_seeds * n_labels)
        As they were for a single seed.
    """
    if len(rows) == 1:
        return y, rows[0]
    rows = [np.reshape(row, (len(row), -1)) for row in rows]
    return np.tile(np.reshape(y, rows[0].shape), len(rows)), np.concatenate(rows, axis=1)

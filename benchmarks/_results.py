"""What long studies share: kept results, and the code that made them."""

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path

import joblib
import numpy as np

import sklearn_ecg

RESULTS = Path(__file__).parent / "results"
PACKAGE = Path(sklearn_ecg.__file__).parent


def hash_of_code(*more):
    """Hash of the sources that a fit depends on, and of further ones, as patterns."""
    folders = "augmentation", "leads", "nn", "training", "utils"
    patterns = ("*.py", *(f"{folder}/*.py" for folder in folders), *more)
    sources = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources))).hexdigest()[:12]


def kept(name, made_by, make):
    """Arrays that ``make()`` gives, or those that it gave in an earlier run.

    Parameters
    ----------
    name : str or None
        Of the file in benchmarks/results; None makes one of ``made_by``.
    made_by : str
        The code, the parameters and the records that a result belongs to: with another text,
        the result is made again.
    make : callable
        Gives a dict of arrays.

    Returns
    -------
    arrays : dict of ndarray
    """
    path = RESULTS / f"{name or 'fit_' + _hash(made_by)}.npz"
    if path.exists():
        with np.load(path) as stored:
            if str(stored["made_by"]) == made_by:
                return {key: stored[key] for key in stored if key != "made_by"}
    arrays = make()
    RESULTS.mkdir(exist_ok=True)
    with _whole_or_nothing(path) as unfinished:
        np.savez(unfinished, made_by=made_by, **arrays)
    return arrays


def kept_object(made_by, make):
    """What ``make()`` gives, such as a fitted estimator, or what it gave in an earlier run."""
    path = RESULTS / f"object_{_hash(made_by)}.joblib"
    if path.exists():
        return joblib.load(path)
    made = make()
    RESULTS.mkdir(exist_ok=True)
    with _whole_or_nothing(path) as unfinished:
        joblib.dump(made, unfinished)
    return made


@contextmanager
def _whole_or_nothing(path):
    """A file to write to, which becomes ``path`` when it is whole."""
    unfinished = path.with_name(f"unfinished_{os.getpid()}_{path.name}")
    yield unfinished
    unfinished.replace(path)


def _hash(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]

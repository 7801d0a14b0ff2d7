"""Cached results of long studies, which depend on the code that computed them."""

import hashlib
import os
import time
from contextlib import contextmanager
from pathlib import Path

import joblib
import numpy as np

import sklearn_ecg

RESULTS = Path(__file__).parent / "results"
PACKAGE = Path(sklearn_ecg.__file__).parent


def code_hash(*more_folders):
    """Return a hash of the source files that every fit depends on, and of further subpackages."""
    folders = ("_validation", "augmentation", "deep", "leads", "nn", "utils", *more_folders)
    patterns = ("*.py", *(f"{folder}/**/*.py" for folder in folders))
    sources = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources))).hexdigest()[:12]


def cached_arrays(name, key, compute, folder=RESULTS):
    """Return the arrays of ``compute()``, from an earlier run if there is one.

    Parameters
    ----------
    name : str or None
        Name of the file in benchmarks/results. None derives it from `key`.
    key : str
        Description of the code, the parameters and the records that the result depends on. If it
        differs from that of the stored result, the result is computed again.
    compute : callable
        Returns a dict of arrays.
    folder : Path
        Instead of benchmarks/results.

    Returns
    -------
    arrays : dict of ndarray
    """
    path = folder / f"{name or 'fit_' + _short_hash(key)}.npz"
    if path.exists():
        with np.load(path) as stored:
            if str(stored["key"]) == key:
                return {field: stored[field] for field in stored if field != "key"}
    arrays = compute()
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary:
        np.savez(temporary, key=key, **arrays)
    return arrays


def stored_arrays(name, folder):
    """Return the arrays that `cached_arrays` stored under a name, whatever its key, or None."""
    path = folder / f"{name}.npz"
    if not path.exists():
        return None
    with np.load(path) as stored:
        return {field: stored[field] for field in stored if field != "key"}


def is_cached(key, folder=RESULTS):
    """Return whether there is a stored result of `cached_arrays` without a name for this key."""
    path = folder / f"fit_{_short_hash(key)}.npz"
    if not path.exists():
        return False
    with np.load(path) as stored:
        return str(stored["key"]) == key


class Kept:
    """Results in a folder under keys, of which no more are computed after a time limit.

    Parameters
    ----------
    folder : str or Path
    max_seconds : float, default=inf
        From now on.
    report : bool, default=False
        Compute nothing.
    """

    def __init__(self, folder, max_seconds=float("inf"), report=False):
        self.folder, self.report = Path(folder), report
        self.deadline = time.time() + max_seconds

    def arrays(self, key, compute):
        """Return kept arrays, or compute them if there is time, otherwise None."""
        if self.is_over() and not is_cached(key, self.folder):
            return None
        return cached_arrays(None, key, compute, self.folder)

    def object(self, key, compute):
        """Return a kept object, or compute it if there is time, otherwise None."""
        if self.is_over() and not _path_of_object(key, self.folder).exists():
            return None
        return cached_object(key, compute, self.folder)

    def is_over(self):
        """Return whether no more results are computed."""
        return self.report or time.time() > self.deadline


def cached_object(key, compute, folder=RESULTS):
    """Return the result of ``compute()``, such as an estimator, from an earlier run if possible."""
    path = _path_of_object(key, folder)
    if path.exists():
        return joblib.load(path)
    result = compute()
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary:
        joblib.dump(result, temporary)
    return result


@contextmanager
def atomic_file(path):
    """Yield a temporary path, which is renamed to ``path`` once it is written completely."""
    temporary = path.with_name(f"unfinished_{os.getpid()}_{path.name}")
    yield temporary
    temporary.replace(path)


def _path_of_object(key, folder):
    return folder / f"object_{_short_hash(key)}.joblib"


def _short_hash(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]

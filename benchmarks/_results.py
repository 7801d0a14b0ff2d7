"""What long studies share: kept results, and the code that made them."""

import hashlib
import os
from pathlib import Path

import numpy as np

import sklearn_ecg

RESULTS = Path(__file__).parent / "results"
PACKAGE = Path(sklearn_ecg.__file__).parent


def hash_of_code(*more):
    """Hash of the sources that a fit depends on, and of further ones, as patterns."""
    patterns = ("*.py", "nn/*.py", "training/*.py", *more)
    sources = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources))).hexdigest()[:12]


def kept(name, made_by, make):
    """Arrays that ``make()`` gives, or those that it gave in an earlier run.

    Parameters
    ----------
    name : str
        Of the file in benchmarks/results.
    made_by : str
        The code, the parameters and the records that a result belongs to: with another text,
        the result is made again.
    make : callable
        Gives a dict of arrays.

    Returns
    -------
    arrays : dict of ndarray
    """
    path = RESULTS / f"{name}.npz"
    if path.exists():
        with np.load(path) as stored:
            if str(stored["made_by"]) == made_by:
                return {key: stored[key] for key in stored if key != "made_by"}
    arrays = make()
    RESULTS.mkdir(exist_ok=True)
    # Whole or not at all, whenever the study is interrupted.
    unfinished = RESULTS / f"unfinished_{os.getpid()}_{path.name}"
    np.savez(unfinished, made_by=made_by, **arrays)
    unfinished.replace(path)
    return arrays

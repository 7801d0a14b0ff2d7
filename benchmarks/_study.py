"""What studies share: out-of-fold predictions, each finished fit kept."""

import hashlib
from pathlib import Path

import numpy as np
from joblib import Memory
from sklearn.base import clone

import sklearn_ecg

_RESULTS = Path(__file__).parent / "results"
_memory = Memory(_RESULTS, verbose=0)


def hash_of_code():
    """Hash of the sources that a fit depends on."""
    package = Path(sklearn_ecg.__file__).parent
    rooms = (".", "nn", "preprocessing", "training", "utils")
    sources = sorted(path for room in rooms for path in package.glob(f"{room}/*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]


@_memory.cache
def fit_predict(estimator, X_train, y_train, X_test, code):
    """Probabilities of the test records; kept for the same estimator, records and code."""
    return estimator.fit(X_train, y_train).predict_proba(X_test)


def out_of_fold(name, estimator, ecg, folds, seeds, seed_of="random_state"):
    """Probabilities of the records of some folds, a row of (n_tested, ...) for each seed.

    Each of the folds is predicted by an estimator trained on all others. Interrupted, a study goes
    on where it stopped: every finished fit is kept in benchmarks/results.
    """
    code = hash_of_code()
    tested = np.isin(ecg.folds, folds)
    rows = []
    for seed in seeds:
        made = clone(estimator).set_params(**{seed_of: seed})
        found = np.full((len(ecg.data), *np.shape(ecg.target)[1:]), np.nan)
        for fold in folds:
            test = ecg.folds == fold
            X, y = ecg.data[~test], ecg.target[~test]
            probability = fit_predict(made, X, y, ecg.data[test], code)
            found[test] = probability if found.ndim > 1 else probability[:, 1]
        rows.append(found[tested])
        print(f"  {name}: seed {seed} done", flush=True)
    return np.array(rows)

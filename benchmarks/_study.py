"""Out-of-fold predictions of a study, each finished fit kept."""

import hashlib
import re

import numpy as np
from _results import hash_of_code, kept
from sklearn.base import clone


def out_of_fold(name, estimator, ecg, folds, seeds, seed_of):
    """Probabilities of the records of some folds, a row of (n_tested, ...) for each seed.

    Each of the folds is predicted by an estimator trained on all others. Interrupted, a study goes
    on where it stopped: every finished fit is kept in benchmarks/results.

    Parameters
    ----------
    name : str
        To print.
    estimator : estimator
    ecg : Bunch
        With ``data``, ``target`` and ``folds``.
    folds, seeds : sequences of int
    seed_of : str
        The parameter that takes the seed.
    """
    code = hash_of_code("preprocessing/*.py")
    tested = np.isin(ecg.folds, folds)
    rows = []
    for seed in seeds:
        made = clone(estimator).set_params(**{seed_of: seed})
        found = np.full((len(ecg.data), *np.shape(ecg.target)[1:]), np.nan)
        for fold in folds:
            test = ecg.folds == fold
            made_by = f"{_params(made)} on {ecg.data[~test].shape}, fold {fold}, code {code}"
            file = f"oof_{hashlib.sha256(made_by.encode()).hexdigest()[:16]}"
            probability = kept(file, made_by, lambda: _fit_predict(made, ecg, test))["probability"]
            found[test] = probability if found.ndim > 1 else probability[:, 1]
        rows.append(found[tested])
        print(f"  {name}: seed {seed} done", flush=True)
    return np.array(rows)


def _fit_predict(estimator, ecg, test):
    estimator.fit(ecg.data[~test], ecg.target[~test])
    return {"probability": estimator.predict_proba(ecg.data[test])}


def _params(estimator):
    """Steps and parameters in full, which ``repr`` shortens, without addresses in memory."""
    params = estimator.get_params().items()
    values = {key: re.sub(" at 0x[0-9a-f]+", "", repr(value)) for key, value in params}
    return sorted(values.items())

"""Age from the ECG on PTB-XL: the figures of docs/methods/regressors.rst.

    OMP_NUM_THREADS=1 python benchmarks/age_ptbxl.py PTB_XL_FOLDER

Regressors are fitted on folds 1 to 6, with three seeds, and scored on folds 7 to 9. Patients older
than 89 have the age 300 in the table, and are left out. Nothing was tuned. Finished fits are cached
in benchmarks/results, and the table of the page is written.
"""

import argparse
import time

import numpy as np
import pandas as pd
from _arms import TABLED_NET, gradient_boosting
from _results import cached_arrays, code_hash
from _study import hash_arrays, list_params
from _tables import Table, write_tables
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import ECGNetRegressor, MSAICNetRegressor
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.preprocessing import BeatFeatures, MedianBeat

PAGE = "methods/regressors.rst"
SEEDS = (0, 1, 2)
BOOSTING = "``BeatFeatures``, gradient boosting"


def boosting(seed):
    params = gradient_boosting().get_params()
    del params["class_weight"]
    regressor = HistGradientBoostingRegressor(
        **{**params, "loss": "squared_error", "random_state": seed}
    )
    return make_pipeline(BeatFeatures(100), regressor)


def ridge(seed):
    steps = (SimpleImputer(add_indicator=True), StandardScaler(), Ridge(100))
    return make_pipeline(BeatFeatures(100), *steps)


def on_beat(network):
    return make_pipeline(MedianBeat(100, unreliable="record_average"), network)


ARMS = {
    BOOSTING: boosting,
    "``BeatFeatures``, ridge regression": ridge,
    "``MedianBeat``, ``MSAICNetRegressor``": lambda seed: on_beat(
        MSAICNetRegressor(dilations=(1, 2), stride=1, random_state=seed, **TABLED_NET)
    ),
    "``MedianBeat``, ``ECGNetRegressor``, 15 epochs": lambda seed: on_beat(
        ECGNetRegressor(max_epochs=15, random_state=seed)
    ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", help="PTB-XL folder")
    args = parser.parse_args()
    ecg = load_ptbxl(args.folder, folds=range(1, 10))
    age = np.asarray(pd.to_numeric(ecg.metadata["age"]), dtype=float)
    known = np.isfinite(age) & (age < 300)
    X, age = np.asarray(ecg.data)[known], age[known]
    folds = np.asarray(ecg.folds)[known]
    train, test = np.flatnonzero(folds <= 6), np.flatnonzero(folds >= 7)
    spread = age[test].std()
    print(f"{len(train)} records of folds 1-6, {len(test)} of folds 7-9, SD {spread:.1f} years")
    fits = {
        name: [fit_arm(make(seed), X, age, train, test) for seed in SEEDS]
        for name, make in ARMS.items()
    }
    patients = np.asarray(ecg.groups)[known][test]
    ages = {name: [predicted for predicted, _ in arm] for name, arm in fits.items()}
    rows = make_rows(age[test], ages, patients)
    for row, arm in zip(rows, fits.values(), strict=True):
        print(*row, f"{np.mean([seconds for _, seconds in arm]):.0f} s", sep="  ")
    header = ("estimator", "MAE, years", "R²", "MAE - that of boosting", "R² - that of boosting")
    table = Table("", header, rows, (32, 17, 17, 17, 17))
    write_tables(PAGE, "ages", [table], "age_ptbxl.py PTB_XL_FOLDER")


def fit_arm(regressor, X, age, train, test):
    """Return the predicted ages of the test records, and the seconds of a fit."""

    def compute():
        start = time.process_time()
        regressor.fit(X[train], age[train])
        seconds = time.process_time() - start
        return {"age": regressor.predict(X[test]), "seconds": seconds}

    code = code_hash("preprocessing", "beats")
    key = f"{list_params(regressor)} on ages {hash_arrays(X, age, train, test)}, code {code}"
    arrays = cached_arrays(None, key, compute)
    return arrays["age"], float(arrays["seconds"])


def make_rows(age, predictions, patients, n_resamples=1000):
    """Return errors, R² and their differences to `BOOSTING`, with 95 % intervals, as texts.

    Scores are averaged over the seeds. Patients are drawn with replacement, the same for all arms.

    Parameters
    ----------
    age : ndarray of shape (n_records,)
    predictions : dict of str to sequence of ndarrays of shape (n_records,)
        Of each seed, by arm.
    patients : ndarray of shape (n_records,)
    n_resamples : int
    """
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(patients == patient) for patient in np.unique(patients)]
    draws = [np.arange(len(age))]
    for _ in range(n_resamples):
        drawn = rng.integers(len(members), size=len(members))
        draws.append(np.concatenate([members[i] for i in drawn]))
    scores = {
        (name, metric): np.array(
            [np.mean([metric(age[draw], seed[draw]) for seed in seeds]) for draw in draws]
        )
        for name, seeds in predictions.items()
        for metric in (mean_absolute_error, r2_score)
    }
    rows = []
    for name in predictions:
        row = [name]
        for difference in (False, True):
            for metric, digits in ((mean_absolute_error, 2), (r2_score, 3)):
                values = scores[name, metric]
                if difference:
                    values = values - scores[BOOSTING, metric]
                row.append(format_interval(values, digits, difference))
        rows.append(row if name != BOOSTING else [*row[:3], "", ""])
    return rows


def format_interval(values, digits, sign):
    """Return the first value, and 95 % of the others as an interval."""
    low, high = np.percentile(values[1:], (2.5, 97.5))
    kind = f"{'+' if sign else ''}.{digits}f"
    separator = " " if sign else "-"
    return f"{values[0]:{kind}} [{low:{kind}}{separator}{high:{kind}}]"


if __name__ == "__main__":
    main()

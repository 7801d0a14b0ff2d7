"""Age from the ECG on PTB-XL: the figures of docs/methods/regressors.rst.

    OMP_NUM_THREADS=1 python benchmarks/age_ptbxl.py PTB_XL_FOLDER

Regressors are fitted on folds 1 to 6, with two seeds, and scored on folds 7 to 9. Patients older
than 89 have the age 300 in the table, and are left out. Nothing was tuned.
"""

import argparse
import time

import numpy as np
import pandas as pd
from _arms import TABLED, gradient_boosting
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import ECGNetRegressor, MSAICNetRegressor
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.preprocessing import BeatFeatures, MedianBeat

SEEDS = (0, 1)
BOOSTING = "BeatFeatures, gradient boosting"


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
    "BeatFeatures, ridge regression": ridge,
    "MedianBeat, MSAICNetRegressor": lambda seed: on_beat(
        MSAICNetRegressor(dilations=(1, 2), stride=1, random_state=seed, **TABLED)
    ),
    "MedianBeat, ECGNetRegressor": lambda seed: on_beat(
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
    train, test = folds <= 6, folds >= 7
    print(
        f"{train.sum()} records of folds 1-6, {test.sum()} of folds 7-9, SD {age[test].std():.1f}"
    )
    predictions = {}
    for name, make in ARMS.items():
        start, seeds = time.process_time(), []
        for seed in SEEDS:
            seeds.append(make(seed).fit(X[train], age[train]).predict(X[test]))
        seconds = (time.process_time() - start) / len(SEEDS)
        predictions[name] = np.mean(seeds, axis=0)
        error = mean_absolute_error(age[test], predictions[name])
        r2 = r2_score(age[test], predictions[name])
        print(f"{name:34} MAE {error:.2f}  R2 {r2:.3f}  {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()

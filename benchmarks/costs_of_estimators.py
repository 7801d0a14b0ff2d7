"""Processor time of the estimators of docs/which_estimator.rst.

    OMP_NUM_THREADS=1 python benchmarks/costs_of_estimators.py PTB_XL_FOLDER [--write]

Each classifier is fitted once to all records of folds 1-9, infarction against normal and the five
superclasses, on features that were computed before. ``--write`` replaces the table of the page.
"""

import argparse
import time
import warnings

import numpy as np
import torch
from _arms import small_network
from _study import predict, rotate
from _tables import Table, write_tables
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg.beats import make_beat_classifier
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.preprocessing import BeatFeatures, MedianBeat, RandomConvolutionFeatures

TASKS = {"mi": "infarction", "superclass": "five superclasses"}
# Parts of `make_beat_classifier`.
PARTS = {
    "boosting": "gradient boosting",
    "trees": "extremely randomized trees",
    "linear": "logistic regression of measurements within 3 SD",
}


def measure(function, *args):
    """Return the seconds of processor time, and the result."""
    start = time.process_time()
    result = function(*args)
    return time.process_time() - start, result


def fit_linear(table, y):
    """Fit logistic regression along the principal axes, which gives the same predictions."""
    table = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()).fit_transform(table)
    table, _ = rotate(table / table.shape[1] ** 0.5, table[:1])
    return predict(LogisticRegression(max_iter=2000), table, y, table[:1])


def measure_task(ecg, y):
    """Return seconds by estimator, and seconds per record of the features."""
    X, rate = np.asarray(ecg.data), ecg.sampling_rate
    beats = MedianBeat(rate, unreliable="record_average").fit(X)
    convolutions = make_pipeline(beats, RandomConvolutionFeatures(random_state=0)).fit(X)
    features = {}
    measurements = BeatFeatures(rate).fit(X)
    features["BeatFeatures"], table = measure(measurements.transform, X)
    name = "random convolutions of median beats"
    features[name], convolved = measure(convolutions.transform, X)
    recipe = make_beat_classifier(rate, random_state=0)[-1]
    parts = dict(recipe.estimator.estimators)
    seconds = {
        text: measure(predict, parts[part], table, y, table[:1])[0] for part, text in PARTS.items()
    }
    seconds["``make_beat_classifier``"], _ = measure(recipe.fit, table, y)
    seconds["logistic regression of measurements"], _ = measure(fit_linear, table, y)
    seconds[f"logistic regression of {name}"], _ = measure(fit_linear, convolved, y)
    network = small_network().set_params(random_state=0, device="cpu")
    seconds["small network on median beats"], _ = measure(network.fit, beats.transform(X), y)
    return seconds, {name: value / len(X) for name, value in features.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="PTB-XL folder")
    parser.add_argument("--write", action="store_true", help="write the table of the page")
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    seconds, header = {}, ["estimator"]
    for task, name in TASKS.items():
        ecg = load_ptbxl(args.folder, task=task, folds=range(1, 10))
        found, per_record = measure_task(ecg, np.asarray(ecg.target))
        header.append(f"{name}, {len(ecg.data):,} records")
        for estimator, value in found.items():
            seconds.setdefault(estimator, []).append(f"{value:.2g}")
    rows = [(estimator, *values) for estimator, values in seconds.items()]
    # Those of the last task; the others are the same per record.
    costs = (f"{1000 * value:.1f} ms per record ({name})" for name, value in per_record.items())
    text = f"Features take {' and '.join(costs)}"
    title = "Seconds of processor time for a fit, 12 leads, on one core, without the features"
    print("\n".join([title, *(", ".join(row) for row in (header, *rows)), f"{text}."]))
    if args.write:
        parts = [Table(title, header, rows), f"{text}."]
        write_tables("which_estimator.rst", "costs", parts, "costs_of_estimators.py PTB_XL_FOLDER")


if __name__ == "__main__":
    main()

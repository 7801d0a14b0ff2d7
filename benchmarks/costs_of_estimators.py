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
from _study import predict
from _tables import Table, write_tables
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from study_estimators import (
    BEAT_NETWORK,
    BEATS,
    BOOSTING,
    LINEAR,
    NETWORKS,
    RECIPE,
    RECIPE_LINEAR,
    ROWS,
    TASKS,
    TREES,
    join,
    make_part,
    rotate,
    scale,
)

from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.preprocessing import BeatFeatures, MedianBeat, RandomConvolutionFeatures


def measure(function, *args):
    """Return the seconds of processor time, and the result."""
    start = time.process_time()
    result = function(*args)
    return time.process_time() - start, result


def fit_linear(table, y):
    """Fit logistic regression along the principal axes, as in the study."""
    records = np.arange(len(y))
    table, _ = rotate(*join([scale(table, records, records[:1])], equal=False))
    return predict(LogisticRegression(C=1.0, max_iter=2000), table, y, table[:1])


def measure_task(ecg, y):
    """Return seconds by arm, and seconds per record of the features."""
    X = np.asarray(ecg.data)
    beats = MedianBeat(ecg.sampling_rate, unreliable="record_average").fit(X)
    convolutions = make_pipeline(beats, RandomConvolutionFeatures(random_state=0)).fit(X)
    features = {}
    features["BeatFeatures"], table = measure(
        BeatFeatures(ecg.sampling_rate, drop_empty=False).fit_transform, X
    )
    features["convolutions of median beats"], convolved = measure(convolutions.transform, X)
    table = table[:, np.isfinite(table).any(axis=0)]
    seconds = {}
    for arm in (BOOSTING, TREES, RECIPE_LINEAR):
        seconds[arm], _ = measure(predict, make_part(arm, 0), table, y, table[:1])
    seconds[RECIPE] = sum(seconds.values())
    seconds[LINEAR], _ = measure(fit_linear, table, y)
    seconds[BEATS], _ = measure(fit_linear, convolved, y)
    network = NETWORKS[BEAT_NETWORK][1].set_params(random_state=0, device="cpu")
    seconds[BEAT_NETWORK], _ = measure(network.fit, beats.transform(X), y)
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
        for arm, value in found.items():
            seconds.setdefault(arm, []).append(f"{value:.2g}")
    rows = [(ROWS[arm].split(":")[0], *values) for arm, values in seconds.items()]
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

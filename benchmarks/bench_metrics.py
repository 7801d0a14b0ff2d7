"""Bootstrap intervals compared with a loop over scikit-learn's metric.

    python benchmarks/bench_metrics.py [--repeats 5]

Each interval has 1,000 resamples. The loop draws records with NumPy, stratified by label, and calls
the metric for each resample.
"""

import argparse

import numpy as np
from _timing import interleave, report
from sklearn.metrics import average_precision_score, roc_auc_score

from sklearn_ecg.metrics import bootstrap_interval

METRICS = {"roc_auc": roc_auc_score, "average_precision": average_precision_score}
N_RESAMPLES = 1000


def loop(metric, y, score):
    """Draw, index and score each resample; multilabel targets have no strata."""
    rng = np.random.RandomState(0)
    strata = [np.arange(len(y))]
    if y.ndim == 1:
        strata = [np.flatnonzero(y == value) for value in (0, 1)]
    scores = []
    for _ in range(N_RESAMPLES):
        index = np.concatenate(
            [stratum[rng.randint(len(stratum), size=len(stratum))] for stratum in strata]
        )
        scores.append(metric(y[index], score[index]))
    return np.quantile(scores, [0.025, 0.975])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    rng = np.random.RandomState(0)
    for shape in ((430,), (430, 5), (10_000,)):
        y = (rng.rand(*shape) < 0.3).astype(int)
        score = y + rng.randn(*shape)
        for name, metric in METRICS.items():
            seconds = interleave(
                {
                    "loop over scikit-learn's metric": lambda: loop(metric, y, score),
                    "bootstrap_interval, by name": lambda: bootstrap_interval(
                        name, y, score, n_resamples=N_RESAMPLES, random_state=0
                    ),
                    "bootstrap_interval, any callable": lambda: bootstrap_interval(
                        lambda y, score: metric(y, score),
                        y,
                        score,
                        n_resamples=N_RESAMPLES,
                        random_state=0,
                    ),
                },
                repeats=args.repeats,
            )
            report(
                f"{name}, y {shape}: resamples/s",
                seconds,
                n_records=N_RESAMPLES,
                reference="loop over scikit-learn's metric",
                goals={"bootstrap_interval, by name": 5, "bootstrap_interval, any callable": 0.9},
                reason={
                    "bootstrap_interval, by name": (
                        "drawing the records of a resample and adding up their counts take nearly "
                        "all of the time, and the loop draws as many"
                    ),
                    "bootstrap_interval, any callable": (
                        "a callable is called once per resample, as in the loop"
                    ),
                },
            )


if __name__ == "__main__":
    main()

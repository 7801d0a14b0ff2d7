"""Lead importance beside scikit-learn's permutation_importance on a lead frame, in one run.

    python benchmarks/bench_inspection.py [--threads 1] [--repeats 3]

12 leads x 5 repeats, by ROC AUC, of a tiny network, of larger ones, and of estimators that are not
networks. Before the clock starts the values are compared, which must be equal. The naive loop
copies the array for each repeat and predicts. For networks of one branch, what no way with equal
values avoids is timed by itself: the convolutions and scikit-learn's AUROC of every pass.
"""

import argparse
import warnings

import numpy as np
import torch
from _timing import interleave, report
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_ecg import MSAICNetClassifier, to_lead_array, to_lead_frame
from sklearn_ecg.inspection import lead_importance, record_lead_importance
from sklearn_ecg.nn._blocks import to_channels_last
from sklearn_ecg.utils._torch import slices_of

REPEATS = 5
TINY = {
    "filters": (8,),
    "dilations": (1,),
    "embedding_dim": 8,
    "contrastive_weight": 0,
    "attention": None,
    "dropout": 0,
}


def features(X):
    """Mean, SD and extremes of each lead."""
    X = to_lead_array(X, dtype=np.float32) if hasattr(X, "iloc") else X
    return np.concatenate([X.mean(2), X.std(2), X.min(2), X.max(2)], axis=1)


def naive_loop(estimator, X, y):
    """Copy, exchange, predict."""
    rng = np.random.RandomState(0)
    drops = np.empty((X.shape[1], REPEATS))
    baseline = roc_auc_score(y, estimator.predict_proba(X)[:, 1])
    for lead in range(X.shape[1]):
        for repeat in range(REPEATS):
            permuted = X.copy()
            permuted[:, lead] = permuted[rng.permutation(len(X)), lead]
            score = roc_auc_score(y, estimator.predict_proba(permuted)[:, 1])
            drops[lead, repeat] = baseline - score
    return drops


def unavoidable(estimator, X, y):
    """Convolutions of a network of one branch and the AUROC, as often as records are passed."""
    network = estimator.net_.module_
    x = to_channels_last(torch.from_numpy(X).mT.contiguous().mT)
    convolutions = [network.branches[0][0].conv, network.projection[0]]
    parts = [x[part] for part in slices_of(X)]

    def once():
        with torch.inference_mode():
            for part in parts:
                found = convolutions[0](part)
                convolutions[1](found[..., ::2])  # of what the pool leaves
        return roc_auc_score(y, X[:, 0, 0])

    return lambda: [once() for _ in range(X.shape[1] * REPEATS + 1)]


def bench(title, estimator, X, y, repeats, target):
    frame = to_lead_frame(X)
    estimator.fit(frame, y)
    options = {"n_repeats": REPEATS, "scoring": "roc_auc", "random_state": 0}
    functions = {
        "scikit-learn on a lead frame": lambda: permutation_importance(
            estimator, frame, y, **options
        ),
        "lead_importance on a lead frame": lambda: lead_importance(estimator, frame, y, **options),
        "naive loop on the array": lambda: naive_loop(estimator, X, y),
        "lead_importance on the array": lambda: lead_importance(estimator, X, y, **options),
        "gaussian, on the array": lambda: lead_importance(
            estimator, X, y, method="gaussian", **options
        ),
        "record_lead_importance, array": lambda: record_lead_importance(
            estimator, X, n_repeats=REPEATS, random_state=0
        ),
    }
    if estimator.__class__ is MSAICNetClassifier and len(estimator.dilations) == 1:
        functions["its convolutions and AUROC alone"] = unavoidable(estimator, X, y)
    expected, *found = (list(functions.values())[i]().importances for i in (0, 1, 3))
    for importances in found:
        np.testing.assert_array_equal(importances, expected)
    seconds = interleave(functions, repeats=repeats, warmup=1)
    # Passes over the records, the one without a replacement among them.
    report(
        title,
        seconds,
        n_records=(X.shape[1] * REPEATS + 1) * len(X),
        reference="scikit-learn on a lead frame",
        target=target,
    )
    medians = {name: np.median(values) for name, values in seconds.items()}
    share = medians["lead_importance on a lead frame"] / medians["scikit-learn on a lead frame"]
    print(f"  {share:.2f} of scikit-learn's time, on the same lead frame")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    # Arrays given to estimators that were fitted on frames, on purpose.
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    print(f"torch {torch.__version__}, {args.threads} thread(s)")
    rng = np.random.RandomState(0)
    common = {"max_epochs": 1, "random_state": 0, "device": "cpu"}
    for title, n_records, n_times, estimator, target in (
        (
            "Tiny network, 500 records of (12, 1000)",
            500,
            1000,
            MSAICNetClassifier(**TINY, **common),
            "ratio >= 6.7 (0.15 of scikit-learn's time)",
        ),
        (
            "Tiny network with a stride of 8, 500 records of (12, 1000)",
            500,
            1000,
            MSAICNetClassifier(**TINY, stride=8, **common),
            None,
        ),
        (
            "Tiny network, 500 records of (12, 250)",
            500,
            250,
            MSAICNetClassifier(**TINY, **common),
            None,
        ),
        (
            "Default network, 64 records of (12, 1000)",
            64,
            1000,
            MSAICNetClassifier(**common),
            "not slower: ratio >= 1",
        ),
        (
            "Tiny network as a step of a pipeline, 500 records of (12, 1000)",
            500,
            1000,
            make_pipeline(
                MSAICNetClassifier(**TINY, **common), StandardScaler(), LogisticRegression()
            ),
            "not slower: ratio >= 1",
        ),
        (
            "Random forest on features, 500 records of (12, 1000)",
            500,
            1000,
            make_pipeline(
                FunctionTransformer(features), RandomForestClassifier(20, random_state=0)
            ),
            "not slower: ratio >= 1",
        ),
    ):
        X = rng.randn(n_records, 12, n_times).astype(np.float32)
        bench(title, estimator, X, np.arange(n_records) % 2, args.repeats, target)


if __name__ == "__main__":
    main()

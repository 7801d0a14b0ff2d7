"""Lead importance compared with scikit-learn's permutation_importance and with captum.

    python benchmarks/bench_inspection.py [--threads 1] [--repeats 3]

12 leads and 5 repeats, by ROC AUC, of a tiny network, of larger ones, and of estimators that are
not networks. scikit-learn gets a lead frame. Before anything is timed, the importances are checked
to be equal. The naive loop copies the array for each repeat and predicts. captum's
FeaturePermutation has no repeats and is called once for each, on the module of an estimator that is
a network and all records as one batch, of which it needs one score. For networks of one branch, a
lower bound for equal importances is timed separately: the convolutions and scikit-learn's AUROC of
every pass.
"""

import argparse
import warnings

import numpy as np
import torch
from _timing import import_peer, interleave, report
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_ecg import MSAICNetClassifier, to_lead_array, to_lead_frame
from sklearn_ecg.inspection import lead_importance, record_lead_importance
from sklearn_ecg.utils._chunks import NETWORK, array_chunks

REPEATS = 5
CAPTUM = "captum FeaturePermutation"
BOUND = "convolutions and AUROC only"
REASON = (
    "equal importances require the same convolutions and the same AUROC in every pass, which have "
    "the ratio in the last row"
)
ABOVE = (
    "above the target: the rest is for exchanging the lead, BatchNorm, pooling and the other "
    "layers, each of which reads and writes activations. No limit that rules the target out is "
    "known. One convolution of the other leads for all passes, with the AUROC of all passes at "
    "once, did not reach it"
)
PASSES = (
    "equal importances require all layers of the network after the first convolution in every pass"
)
TINY = {
    "filters": (8,),
    "dilations": (1,),
    "kernel_size": 7,
    "embedding_dim": 8,
    "contrastive_weight": 0,
    "attention": None,
    "dropout": 0,
}


def features(X):
    """Return the mean, standard deviation and extremes of each lead."""
    X = to_lead_array(X, dtype=np.float32) if hasattr(X, "iloc") else X
    return np.concatenate([X.mean(2), X.std(2), X.min(2), X.max(2)], axis=1)


def naive_loop(estimator, X, y):
    """Copy the array, permute a lead and predict, for each lead and repeat."""
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


def captum_importance(captum, estimator, X, y, permute=None):
    """Return the importances of captum, by ROC AUC.

    Parameters
    ----------
    captum : module
        ``captum.attr``.
    estimator : MSAICNetClassifier
        Fitted with ``normalize="dataset"``.
    X, y : ndarray
    permute : callable, default=None
        Permutes a feature, instead of captum's function.

    Returns
    -------
    importances : ndarray of shape (n_leads, REPEATS)
    """
    module, normalizer = estimator.net_.module_, estimator.normalizer_
    x = (torch.from_numpy(X) - normalizer.mean) / normalizer.scale

    def score(x):
        with torch.inference_mode():
            return torch.tensor([roc_auc_score(y, torch.sigmoid(module(x)[0])[:, 0])])

    explainer = captum.FeaturePermutation(score, *([permute] if permute else []))
    leads = torch.arange(X.shape[1])[None, :, None]
    repeats = [explainer.attribute(x, feature_mask=leads)[0, :, 0] for _ in range(REPEATS)]
    return torch.stack(repeats, dim=1).numpy()


class SamePermutations:
    """Permutations of scikit-learn's permutation_importance, for captum's order of calls."""

    def __init__(self, n_records, n_leads):
        seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max + 1)
        rng, rows, order = np.random.RandomState(seed), np.arange(n_records), np.arange(n_records)
        orders = []
        for _ in range(REPEATS):
            rng.shuffle(rows)
            # A lead that was permuted is permuted again. Each lead has the same permutations.
            order = order[rows]
            orders += [order] * n_leads
        self.orders = iter(orders)

    def __call__(self, x, mask):
        return torch.where(mask, x[next(self.orders)], x)


def lower_bound(estimator, X, y):
    """Return a function that runs only the convolutions and the AUROC of every pass."""
    network = estimator.net_.module_
    x = torch.from_numpy(X)[:, :, None].contiguous(memory_format=torch.channels_last)
    first, second = [network.branches[0][0].conv, network.projection[0]]
    parts = [x[chunk] for chunk in array_chunks(X, NETWORK)]

    def once():
        with torch.inference_mode():
            for part in parts:
                features = first(part)
                second(features[..., ::2])  # as many time points as after the pooling
        return roc_auc_score(y, X[:, 0, 0])

    return lambda: [once() for _ in range(X.shape[1] * REPEATS + 1)]


def bench(title, estimator, X, y, repeats, goal, captum):
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
    is_network = estimator.__class__ is MSAICNetClassifier
    if is_network:
        functions[CAPTUM] = captum and (lambda: captum_importance(captum, estimator, X, y))
    if is_network and len(estimator.dilations) == 1:
        functions[BOUND] = lower_bound(estimator, X, y)
    expected, *others = (list(functions.values())[i]().importances for i in (0, 1, 3))
    for importances in others:
        np.testing.assert_array_equal(importances, expected)
    if is_network and captum:
        permute = SamePermutations(*X.shape[:2])
        found = captum_importance(captum, estimator, X, y, permute)
        # Batches differ, and with them roundings, after which close probabilities change places.
        np.testing.assert_allclose(found, expected, atol=1e-3)
    seconds = interleave(functions, repeats=repeats, warmup=1)
    medians = {name: np.median(values) for name, values in seconds.items() if values}
    reason = PASSES if goal > 1 else None
    if BOUND in medians:
        bound = medians["scikit-learn on a lead frame"] / medians[BOUND]
        reason = REASON if bound < goal else f"{REASON}, {ABOVE}"
    # One pass over the records per lead and repeat, and one without a replacement.
    report(
        title,
        seconds,
        n_records=(X.shape[1] * REPEATS + 1) * len(X),
        reference="scikit-learn on a lead frame",
        goals={"lead_importance on a lead frame": goal},
        not_slower=[CAPTUM] if is_network else (),
        reason=reason,
    )
    share = medians["lead_importance on a lead frame"] / medians["scikit-learn on a lead frame"]
    print(f"  {share:.2f} of scikit-learn's time on the same lead frame")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    # Estimators that were fitted on frames are called with arrays on purpose.
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    print(f"torch {torch.__version__}, {args.threads} thread(s)")
    captum = import_peer("captum.attr")
    rng = np.random.RandomState(0)
    common = {"max_epochs": 1, "random_state": 0, "device": "cpu", "n_threads": None}
    for title, n_records, n_times, estimator, goal in (
        (
            "Tiny network, 500 records of (12, 1000)",
            500,
            1000,
            MSAICNetClassifier(**TINY, **common),
            1 / 0.15,
        ),
        (
            "Tiny network with a stride of 8, 500 records of (12, 1000)",
            500,
            1000,
            MSAICNetClassifier(**TINY, stride=8, **common),
            1 / 0.15,
        ),
        (
            "Tiny network, 500 records of (12, 250)",
            500,
            250,
            MSAICNetClassifier(**TINY, **common),
            1 / 0.15,
        ),
        (
            "Default network, 64 records of (12, 1000)",
            64,
            1000,
            MSAICNetClassifier(**common),
            1 / 0.15,
        ),
        (
            "Tiny network as a step of a pipeline, 500 records of (12, 1000)",
            500,
            1000,
            make_pipeline(
                MSAICNetClassifier(**TINY, **common), StandardScaler(), LogisticRegression()
            ),
            1 / 0.15,
        ),
        (
            "Random forest on features, 500 records of (12, 1000)",
            500,
            1000,
            make_pipeline(
                FunctionTransformer(features), RandomForestClassifier(20, random_state=0)
            ),
            0.9,
        ),
    ):
        X = rng.randn(n_records, 12, n_times).astype(np.float32)
        bench(title, estimator, X, np.arange(n_records) % 2, args.repeats, goal, captum)


if __name__ == "__main__":
    main()

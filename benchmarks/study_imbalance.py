"""Remedies for an unbalanced outcome, compared on PTB-XL at three prevalences.

    python benchmarks/study_imbalance.py PTB_XL_FOLDER --write            # hours on one core
    python benchmarks/study_imbalance.py PTB_XL_FOLDER --draws 1 --quick  # to check that it runs

Infarction without "normal" against "normal" without infarction, folds 1-9. Infarctions are drawn by
patient until they are 5, 10 or 20 % of the records, several times. Each arm is a sampler or a loss.
A small network is trained on the median beats of the records, after the sampler, in a 3-fold
cross-validation by patient. The out-of-fold probabilities of each draw are scored as they are, and
after both corrections of `PriorCorrectedClassifier`: in closed form, where the prevalence of the
training is known (.5 for class weights, samplers and logit adjustment), and with a fitted map.

Differences are to the arm without a remedy, on the same records. Their intervals are from a
bootstrap of patients, the same for all draws. Each finished fit is cached in
benchmarks/results, so that an interrupted study continues where it stopped; with ``--report``,
only what is cached is reported. ``--write`` replaces the tables of docs/reproduction/imbalance.rst.
"""

import argparse
import itertools
import time
import warnings

import joblib
import numpy as np
import torch
from _results import cached_arrays, code_hash, is_cached
from _study import hash_arrays, list_params
from _tables import Table, drop_zeros, write_tables
from imblearn.pipeline import make_pipeline
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from sklearn_ecg import MSAICNetClassifier, PriorCorrectedClassifier
from sklearn_ecg.augmentation import AmplitudeScale, GaussianNoise, TimeMask
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.imbalance import (
    AugmentationOverSampler,
    BeatSMOTE,
    RecordOverSampler,
    RecordUnderSampler,
    correct_prevalence,
)
from sklearn_ecg.metrics import brier_score, calibration_slope, sensitivity_at_specificity
from sklearn_ecg.preprocessing import MedianBeat

PREVALENCES = (0.05, 0.1, 0.2)
PLAIN = {"focal_gamma": 0.0, "class_weight": None, "contrastive_weight": 0.0}
WEIGHTED = {**PLAIN, "class_weight": "balanced"}
FOCAL = {**WEIGHTED, "focal_gamma": 2.0}
SUPCON = {"focal_gamma": 2.0, "class_weight": "balanced", "contrastive_weight": 0.1}
NOTHING = "nothing"
ARMS = {
    NOTHING: (None, PLAIN),
    "class weights": (None, WEIGHTED),
    "RecordOverSampler": (RecordOverSampler(), PLAIN),
    "RecordUnderSampler": (RecordUnderSampler(), PLAIN),
    "AugmentationOverSampler": (
        AugmentationOverSampler([AmplitudeScale(0.2), GaussianNoise(0.02), TimeMask()]),
        PLAIN,
    ),
    "BeatSMOTE": (BeatSMOTE(sampling_rate=100), PLAIN),
    "logit adjustment": (None, {**PLAIN, "logit_adjustment": 1.0}),
    "focal loss": (None, FOCAL),
    "focal loss + focal SupCon": (None, SUPCON),
    "focal loss + balanced contrastive": (None, {**SUPCON, "contrastive_loss": "balanced"}),
    "focal loss + class SupCon": (None, {**SUPCON, "contrastive_loss": "class_supcon"}),
    "focal loss + prototypes": (None, {**SUPCON, "contrastive_loss": "prototype"}),
    "focal loss + class SupCon x .02": (
        None,
        {**SUPCON, "contrastive_loss": "class_supcon", "contrastive_weight": 0.02},
    ),
    "focal loss + prototypes x .02": (
        None,
        {**SUPCON, "contrastive_loss": "prototype", "contrastive_weight": 0.02},
    ),
}
# Arms that train as if the classes had the same number of records.
BALANCED = (
    "class weights",
    "RecordOverSampler",
    "RecordUnderSampler",
    "AugmentationOverSampler",
    "BeatSMOTE",
    "logit adjustment",
)
QUICK = (NOTHING, "class weights", "RecordUnderSampler")
CORRECTIONS = ("raw", "closed form", "fitted map")
PAGE = "reproduction/imbalance.rst"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", help="PTB-XL folder")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--resamples", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=1, help="number of arms at the same time")
    parser.add_argument("--quick", action="store_true", help="three arms, one prevalence")
    parser.add_argument("--report", action="store_true", help="report what is cached")
    parser.add_argument("--write", action="store_true", help="write the tables of the page")
    args = parser.parse_args()
    torch.set_num_threads(1)

    ecg = load_ptbxl(args.folder, task="mi", folds=range(1, 10))
    X, y, patients = np.asarray(ecg.data), np.asarray(ecg.target), np.asarray(ecg.groups)
    print(f"{len(y)} records of {len(np.unique(patients))} patients, {y.sum()} with infarction")
    start = time.perf_counter()
    prevalences = PREVALENCES[:1] if args.quick else PREVALENCES
    # Draw by draw, so that an interrupted study has all arms of its draws.
    cells = list(itertools.product(range(args.draws), prevalences, QUICK if args.quick else ARMS))
    records = {
        (draw, prevalence): draw_records(y, patients, prevalence, draw)
        for draw, prevalence, _ in cells
    }
    found = joblib.Parallel(n_jobs=args.jobs, return_as="generator")(
        joblib.delayed(predict_out_of_fold)(
            X, y, patients, records[draw, prevalence], name, draw, args.report
        )
        for draw, prevalence, name in cells
    )
    results = {}
    for (draw, prevalence, name), probabilities in zip(cells, found, strict=True):
        if probabilities is not None:
            results[prevalence, draw, name] = (records[draw, prevalence], probabilities)
        minutes = (time.perf_counter() - start) / 60
        print(f"  draw {draw}, {prevalence:.0%}, {name}: {minutes:.1f} min", flush=True)
    tables, differences = [], {}
    for prevalence in prevalences:
        table, found = report(prevalence, results, y, patients, args.resamples, args.jobs)
        tables.append(table)
        for name, cells in found.items():
            differences.setdefault(name, {})[prevalence] = cells
    if args.write:
        command = f"study_imbalance.py PTB_XL_FOLDER --resamples {args.resamples}"
        write_tables(PAGE, "differences", compare(differences), command)
        write_tables(PAGE, "scores", tables, command)


def draw_records(y, patients, prevalence, seed):
    """Return all negatives, and the positives of random patients up to a prevalence."""
    order = np.random.default_rng(seed).permutation(np.unique(patients[y == 1]))
    rank = {patient: i for i, patient in enumerate(order)}
    positives = sorted(np.flatnonzero(y == 1), key=lambda record: rank[patients[record]])
    n_positive = round(prevalence / (1 - prevalence) * np.sum(y == 0))
    return np.sort(np.r_[np.flatnonzero(y == 0), positives[:n_positive]])


def make_estimator(name, seed):
    """Return the estimator of an arm, with prior correction."""
    sampler, params = ARMS[name]
    network = MSAICNetClassifier(
        filters=(16, 32),
        kernel_size=7,
        dilations=(1, 2),
        dropout=0.1,
        max_epochs=20,
        random_state=seed,
    ).set_params(**params)
    # A few records have no reliable beats.
    steps = [MedianBeat(100, unreliable="record_average"), network]
    if sampler is not None:
        steps.insert(0, sampler.set_params(random_state=seed))
    return PriorCorrectedClassifier(make_pipeline(*steps), method="fitted", cv=2)


def predict_out_of_fold(X, y, patients, records, name, seed, cached_only):
    """Return out-of-fold probabilities for each of CORRECTIONS, of shape (3, n_records)."""
    torch.set_num_threads(1)
    estimator = make_estimator(name, seed)
    probabilities = np.empty((len(CORRECTIONS), len(records)))
    splitter = StratifiedGroupKFold(3, shuffle=True, random_state=seed)
    for train, test in splitter.split(records, y[records], patients[records]):
        key = (
            f"study of imbalance: {list_params(estimator)}, data {hash_arrays(y, records, train)}, "
            f"code {code_hash('imbalance', 'calibration', 'beats', 'preprocessing')}"
        )

        def compute():
            part = records[train]
            with warnings.catch_warnings():
                # Near-perfect separation of a few held-out infarctions; the table shows it.
                warnings.simplefilter("ignore", UserWarning)
                estimator.fit(X[part], y[part], groups=patients[part])
            given = X[records[test]]
            raw = estimator.estimator_.predict_proba(given)
            # Without a remedy, the closed form changes nothing. It is unknown for a focal loss.
            closed = raw if name == NOTHING else np.full_like(raw, np.nan)
            if name in BALANCED:
                closed = correct_prevalence(raw, [0.5, 0.5], estimator.training_prevalence_)
            fitted = estimator.predict_proba(given)
            return {"probabilities": np.stack([p[:, 1] for p in (raw, closed, fitted)])}

        if cached_only and not is_cached(key):
            return None
        probabilities[:, test] = cached_arrays(None, key, compute)["probabilities"]
    return probabilities


SCORES = {
    "AUROC": (roc_auc_score, 3),
    "AUPRC": (average_precision_score, 3),
    "Brier": (brier_score, 4),
    "Slope": (calibration_slope, 2),
    "Sensitivity": (
        lambda y, p, sample_weight: sensitivity_at_specificity(
            y, p, specificity=0.9, sample_weight=sample_weight
        ),
        3,
    ),
}


def score(y, probability, weights):
    """Return all scores for each row of weights, of shape (n_rows, n_scores).

    A weight is how often a resample contains a record. The first row is compared with the functions
    of SCORES, which take one row at a time.
    """
    # Without ties at 0 and 1, the logits are finite.
    probability = np.clip(probability, 1e-6, 1 - 1e-6)
    order = np.argsort(-probability, kind="stable")
    starts = np.flatnonzero(np.diff(-probability[order], prepend=-np.inf))
    positive = np.add.reduceat((weights * y)[:, order], starts, axis=1)
    negative = np.add.reduceat((weights * (1 - y))[:, order], starts, axis=1)
    hits, alarms = positive.cumsum(axis=1), negative.cumsum(axis=1)
    n_positive, n_negative = hits[:, -1], alarms[:, -1]
    auroc = (negative * (hits - positive / 2)).sum(axis=1) / (n_positive * n_negative)
    precision = hits / np.maximum(hits + alarms, 1)
    auprc = (positive * precision).sum(axis=1) / n_positive
    is_specific = alarms <= 0.1 * n_negative[:, None]
    sensitivity = np.where(is_specific, hits, 0).max(axis=1) / n_positive
    brier = (weights * (probability - y) ** 2).sum(axis=1) / weights.sum(axis=1)
    slope = fit_slopes(np.log(probability / (1 - probability)), y, weights)
    scores = np.stack([auroc, auprc, brier, slope, sensitivity], axis=1)
    expected = [f(y, probability, sample_weight=weights[0]) for f, _ in SCORES.values()]
    np.testing.assert_allclose(scores[0], expected, rtol=1e-4)
    return scores


def fit_slopes(logit, y, weights):
    """Return the slopes of logistic regressions of y on the logit, one for each row of weights."""
    design = np.stack([np.ones_like(logit), logit], axis=1)
    products = np.stack([np.ones_like(logit), logit, logit, logit**2], axis=1)
    coefficients = np.tile([0.0, 1.0], (len(weights), 1))
    for _ in range(50):
        fitted = 1 / (1 + np.exp(-coefficients @ design.T))
        gradient = (weights * (y - fitted)) @ design
        curvature = ((weights * fitted * (1 - fitted)) @ products).reshape(-1, 2, 2)
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient[:, :, None])[:, :, 0]
        # Newton's method with short steps, which cannot diverge.
        coefficients = coefficients + np.clip(step, -0.5, 0.5)
        if np.abs(step).max() < 1e-8:
            break
    return coefficients[:, 1]


def report(prevalence, results, y, patients, n_resamples, n_jobs):
    """Return a table of mean scores of the draws, and differences of AUROC and raw Brier score.

    All intervals are those of the difference from no remedy.
    """
    draws = sorted({draw for found, draw, _ in results if found == prevalence})
    names = [n for n in ARMS if all((prevalence, draw, n) in results for draw in draws)]
    if not draws or NOTHING not in names:
        raise ValueError(f"No draw with a prevalence of {prevalence:.0%} is complete.")
    _, number = np.unique(patients, return_inverse=True)
    n_patients = number.max() + 1
    rng = np.random.default_rng(0)
    counts = rng.multinomial(n_patients, np.full(n_patients, 1 / n_patients), size=n_resamples)
    weights = np.concatenate([np.ones((1, len(y)), dtype=int), counts[:, number]])
    n_positive = y[results[prevalence, draws[0], NOTHING][0]].sum()
    title = f"Prevalence {prevalence:.0%}: {n_positive} infarctions, means of {len(draws)} draws"
    print(f"\n{title}", flush=True)
    rows = [
        (name, row)
        for name, row in itertools.product(names, range(len(CORRECTIONS)))
        if np.isfinite(results[prevalence, draws[0], name][1][row]).all()
        and not (name == NOTHING and CORRECTIONS[row] == "closed form")
    ]
    scores = joblib.Parallel(n_jobs=n_jobs)(
        joblib.delayed(score_draws)(
            [results[prevalence, draw, name] for draw in draws], row, y, weights
        )
        for name, row in rows
    )
    reference, lines, differences = scores[0], [], {}
    for (name, row), values in zip(rows, scores, strict=True):
        difference = values - reference
        low, high = np.nanpercentile(difference[1:], [2.5, 97.5], axis=0)
        cells, found = [], {}
        for i, (score_name, (_, digits)) in enumerate(SCORES.items()):
            interval = f" [{low[i]:+.{digits}f} {high[i]:+.{digits}f}]"
            cells.append(f"{values[0, i]:.{digits}f}{'' if values is reference else interval}")
            found[score_name] = f"{difference[0, i]:+.{digits}f}{interval}"
        lines.append((name, CORRECTIONS[row], *map(drop_zeros, cells)))
        print("   " + ", ".join(lines[-1]), flush=True)
        if values is not reference:
            differences[name, CORRECTIONS[row]] = found
    header = ("Remedy", "Probabilities", *SCORES)
    return Table(title, header, lines, folded=True), differences


def compare(differences):
    """Return forest plots of the differences from no remedy."""
    tables = []
    for title, score_name, correction in (
        ("AUROC, difference from no remedy", "AUROC", "raw"),
        ("Brier score of raw probabilities, difference from no remedy", "Brier", "raw"),
        ("Brier score after the fitted map, difference from no remedy", "Brier", "fitted map"),
    ):
        rows = [
            (name, *(drop_zeros(cells[score_name]) for cells in found.values()))
            for (name, kind), found in differences.items()
            if kind == correction
        ]
        shares = [f"{share:.0%} infarctions" for share in next(iter(differences.values()))]
        alt = f"{title}, of each remedy with its interval, at {len(shares)} prevalences."
        tables.append(Table(title, ("Remedy", *shares), rows, forest=alt))
    return tables


def score_draws(draws, row, y, weights):
    """Return the mean scores over draws for each resample, of shape (n_resamples, n_scores)."""
    return np.mean(
        [
            score(y[records], probabilities[row], weights[:, records])
            for records, probabilities in draws
        ],
        axis=0,
    )


if __name__ == "__main__":
    main()

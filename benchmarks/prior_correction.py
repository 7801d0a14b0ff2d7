"""Should MSAIC-Net correct its probabilities for balanced class weights? Measured on PTB-XL.

    python benchmarks/prior_correction.py PTB_XL_FOLDER --write      # about 10 minutes on one core
    python benchmarks/prior_correction.py PTB_XL_FOLDER --draws 1    # to check that it runs

Infarction without "normal" against "normal" without infarction, folds 1-9, with infarctions drawn
by patient until they are 5, 10 and 20 % of the records. Small networks are trained on the median
beats, with and without balanced class weights, and with the focal loss and the cross-entropy, in a
3-fold cross-validation by patient. The out-of-fold probabilities are scored as they are, after the
closed form of `correct_prevalence`, and after the fitted map of `PriorCorrectedClassifier`. Each
finished fit is cached in benchmarks/results, so that an interrupted study continues where it
stopped. ``--write`` replaces the table of docs/calibration.rst.
"""

import argparse
import itertools

import numpy as np
import torch
from _results import cached_arrays, code_hash
from _study import hash_arrays, list_params
from _tables import Table, drop_zeros, write_tables
from scipy.special import logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from sklearn_ecg import MSAICNetClassifier, PriorCorrectedClassifier
from sklearn_ecg.beats import MedianBeat
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.imbalance import correct_prevalence

PREVALENCES = (0.05, 0.1, 0.2)
ARMS = {
    f"{loss}, {'balanced' if weight else 'no'} weights": {
        "class_weight": weight,
        "focal_gamma": gamma,
    }
    for (loss, gamma), weight in itertools.product(
        {"cross-entropy": 0.0, "focal": 2.0}.items(), (None, "balanced")
    )
}
CORRECTIONS = ("none", "closed form", "fitted")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", help="PTB-XL folder")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write the table of the page")
    args = parser.parse_args()
    torch.set_num_threads(1)

    ecg = load_ptbxl(args.folder, task="mi", folds=range(1, 10))
    y, patients = np.asarray(ecg.target), ecg.groups
    # Two records have no reliable beats.
    median_beat = MedianBeat(ecg.sampling_rate, unreliable="record_average")
    X = median_beat.fit_transform(ecg.data).astype(np.float32)
    print(f"{len(y)} records, {y.sum()} with infarction; median beats of shape {X.shape[1:]}")
    print(f"{'':61}{'AUROC':>14}{'Brier':>16}{'slope':>14}{'intercept':>15}")
    found = {}
    for prevalence in PREVALENCES:
        scores = {}
        for draw, (arm, params) in itertools.product(range(args.draws), ARMS.items()):
            index = draw_records(y, patients, prevalence, draw)
            results = predict_out_of_fold(X[index], y[index], patients[index], params, draw)
            for correction in CORRECTIONS:
                row = score(y[index], results["fold"], results[correction])
                scores.setdefault((arm, correction), []).append(row)
            scores.setdefault((arm, "effective"), []).append(results["effective"].mean())
        report(prevalence, index, y, scores)
        found[prevalence] = np.sum(y[index] == 1), scores
    if args.write:
        parts = make_parts(found, np.sum(y == 0), args.draws)
        write_tables("calibration.rst", "priors", parts, "prior_correction.py PTB_XL_FOLDER")


def draw_records(y, patients, prevalence, seed):
    """Return all negatives, and the positives of random patients up to a prevalence."""
    order = np.random.default_rng(seed).permutation(np.unique(patients[y == 1]))
    rank = {patient: i for i, patient in enumerate(order)}
    positives = sorted(np.flatnonzero(y == 1), key=lambda record: rank[patients[record]])
    n_positive = round(prevalence / (1 - prevalence) * np.sum(y == 0))
    return np.sort(np.r_[np.flatnonzero(y == 0), positives[:n_positive]])


def predict_out_of_fold(X, y, patients, params, seed):
    """Return out-of-fold probabilities with each correction, and the effective prevalence."""
    clf = PriorCorrectedClassifier(
        MSAICNetClassifier(
            filters=(16, 32),
            kernel_size=7,
            dilations=(1, 2),
            dropout=0.1,
            contrastive_weight=0.1,
            batch_size=64,
            max_epochs=12,
            random_state=seed,
            **params,
        ),
        method="fitted",
        cv=3,
    )
    fold = np.empty(len(y), dtype=int)
    probabilities = {correction: np.empty(len(y)) for correction in CORRECTIONS}
    effective = []
    splitter = StratifiedGroupKFold(3, shuffle=True, random_state=seed)
    for number, (train, test) in enumerate(splitter.split(X, y, patients)):
        key = (
            f"prior correction: {list_params(clf)}, data {hash_arrays(X, y, train)}, "
            f"code {code_hash('imbalance', 'calibration', 'beats')}"
        )

        def compute():
            clf.fit(X[train], y[train], groups=patients[train])
            return {
                "none": clf.estimator_.predict_proba(X[test])[:, 1],
                "fitted": clf.predict_proba(X[test])[:, 1],
                "effective": clf.effective_prevalence_[1],
            }

        result = cached_arrays(None, key, compute)
        training = y[train].mean()
        known = training if params["class_weight"] is None else 0.5
        fold[test] = number
        probabilities["none"][test] = result["none"]
        probabilities["closed form"][test] = correct_prevalence(result["none"], known, training)
        probabilities["fitted"][test] = result["fitted"]
        effective.append(float(result["effective"]))
    return {"fold": fold, "effective": np.array(effective), **probabilities}


def score(y, fold, probability):
    """Return the mean AUROC of the folds, and pooled Brier score, slope and intercept."""
    auroc = np.mean([roc_auc_score(y[fold == k], probability[fold == k]) for k in np.unique(fold)])
    score = logit(np.clip(probability, 1e-12, 1 - 1e-12))
    slope = LogisticRegression(C=1e8, max_iter=1000).fit(score[:, None], y).coef_[0, 0]
    return auroc, brier_score_loss(y, probability), slope, calibration_intercept(y, score)


def calibration_intercept(y, score):
    """Return the shift of the logits that makes the mean probability equal to the prevalence."""
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        if np.mean(1 / (1 + np.exp(-(score + middle)))) < np.mean(y):
            low = middle
        else:
            high = middle
    return middle


def report(prevalence, index, y, scores):
    """Print mean and SD over the draws."""
    print(f"\nprevalence {prevalence:.0%}: {len(index)} records, {y[index].sum()} with infarction")
    for arm, correction in itertools.product(ARMS, CORRECTIONS):
        rows = np.array(scores[arm, correction])
        cells = [
            f"{mean:8.{digits}f} ({sd:.{digits}f})"
            for mean, sd, digits in zip(rows.mean(axis=0), rows.std(axis=0), (3, 4, 2, 2))
        ]
        effective = ""
        if correction == "none":
            effective = f"effective prevalence {np.mean(scores[arm, 'effective']):.2f}"
        print(f"  {arm:33}{correction:13}{effective:26}" + " ".join(cells), flush=True)


def make_parts(found, n_negative, n_draws):
    """Return the results of `report` as a table, between texts about the records."""
    header = ("loss and weights", "correction", "AUROC", "Brier score", "slope", "intercept")
    rows = []
    for arm, correction in itertools.product(ARMS, CORRECTIONS):
        if correction == "closed form" and arm.endswith("no weights"):
            continue
        means = [np.mean(scores[arm, correction], axis=0) for _, scores in found.values()]
        cells = [
            " / ".join(drop_zeros(f"{value:.{digits}f}") for value in values)
            for values, digits in zip(zip(*means), (3, 4, 2, 2))
        ]
        rows.append((arm, correction, *cells))
    shares = " / ".join(f"{100 * share:g}" for share in found)
    counts = " / ".join(str(n_positive) for n_positive, _ in found.values())
    effective = [
        drop_zeros(f"{np.mean(scores[arm, 'effective']):.2f}")
        for arm in ARMS
        if arm.endswith("balanced weights")
        for _, scores in found.values()
    ]
    constant = " / ".join(drop_zeros(f"{share * (1 - share):.4f}") for share in found)
    before = (
        f"Means of {n_draws} draws of the infarctions; in each cell, at a prevalence of {shares} % "
        f"({counts} records with infarction, and {n_negative} without)."
    )
    after = (
        f"A constant probability has a Brier score of {constant}. The effective prevalence of "
        f"networks with balanced weights was {min(effective)} to {max(effective)}."
    )
    return [before, Table("", header, rows), after]


if __name__ == "__main__":
    main()

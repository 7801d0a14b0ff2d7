"""
A small unbalanced cohort: probabilities, thresholds and prediction sets
========================================================================

One record in eight shows an infarction. This example goes from the split to probabilities that can
be reported as risks, to a threshold with a wanted sensitivity, and to prediction sets with a
guaranteed coverage. The records are synthetic; for real ones, replace ``make_ecg(...)`` by
``load_ptbxl(folder, task="mi")``.
"""

# %%
# Three parts, by patient
# -----------------------
#
# A network is trained on the first part. Its probabilities, thresholds and prediction sets are
# adjusted on the second part, and all results are those of the third. No patient is in two parts.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline

from sklearn_ecg import (
    MSAICNetClassifier,
    MultilabelTunedThresholdClassifierCV,
    PriorCorrectedClassifier,
)
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import ReliabilityDisplay
from sklearn_ecg.preprocessing import MedianBeat

ecg = make_ecg(
    900,
    regions="anterior",
    prevalence=1 / 8,
    records_per_patient=(1, 2),
    random_state=0,
)
X, y, patients = ecg.data, ecg.target, ecg.groups
folds = StratifiedGroupKFold(n_splits=3, shuffle=True, random_state=0).split(X, y, patients)
train, adjust, test = (part for _, part in folds)
for name, part in [("training", train), ("adjustment", adjust), ("test", test)]:
    print(f"{name}: {len(part)} records, {y[part].sum()} with infarction")

# %%
# A network with class weights
# ----------------------------
#
# By default, `MSAICNetClassifier` has balanced class weights and a focal loss. It ranks the records
# well, but its probabilities are too high: they belong to a cohort with many more infarctions.
#
# The records are rows here, with the leads one after the other, because MAPIE, which is used below,
# tests classifiers with a row. Everything else works with any container.

X = X.reshape(len(X), -1)
net = make_pipeline(
    MedianBeat(sampling_rate=100, unreliable="record_average", n_leads=12),
    MSAICNetClassifier(filters=(16, 32), max_epochs=20, n_leads=12, random_state=0),
)
net.fit(X[train], y[train])
raw = net.predict_proba(X[test])[:, 1]
print(f"mean probability {raw.mean():.3f}, share of infarctions {y[test].mean():.3f}")

# %%
# Probabilities at the prevalence of the cohort
# ---------------------------------------------
#
# `PriorCorrectedClassifier` maps them back. The order of the records, and so the AUROC, does not
# change. `FrozenEstimator` keeps the fitted network, so that all records given to ``fit`` are used
# for the map.

corrected = PriorCorrectedClassifier(FrozenEstimator(net)).fit(X[adjust], y[adjust])
probability = corrected.predict_proba(X[test])[:, 1]
print(f"effective prevalence of the training: {corrected.effective_prevalence_[1]:.2f}")
for name, values in [("network", raw), ("corrected", probability)]:
    print(
        f"{name}: AUROC {roc_auc_score(y[test], values):.3f}, "
        f"Brier score {brier_score_loss(y[test], values):.4f}"
    )

fig, axes = plt.subplots(1, 2, figsize=(7.5, 3.6), layout="constrained")
for ax, name, values in zip(axes, ["network", "corrected"], [raw, probability]):
    ReliabilityDisplay.from_predictions(
        y[test], values, n_bins=5, groups=patients[test], label_names=["infarction"], ax=ax
    )
    ax.set_title(name)

# %%
# In a population where two in a hundred records show an infarction, the same record has a lower
# probability:

screening = PriorCorrectedClassifier(FrozenEstimator(net), target_prevalence=0.02)
screening.fit(X[adjust], y[adjust])
record = test[[np.argmin(np.abs(probability - 0.5))]]
print(
    f"probability of one record: network {net.predict_proba(X[record])[0, 1]:.2f}, in this cohort "
    f"{corrected.predict_proba(X[record])[0, 1]:.2f}, in screening "
    f"{screening.predict_proba(X[record])[0, 1]:.2f}"
)

# %%
# A threshold with a wanted sensitivity
# -------------------------------------
#
# The threshold is chosen on the adjustment records. With so few infarctions, the sensitivity in new
# records may differ by several percent: report that of the test records, with an interval.

thresholded = MultilabelTunedThresholdClassifierCV(
    corrected, cv="prefit", refit=False, sensitivity=0.9
)
thresholded.fit(X[adjust], y[adjust])
predicted = thresholded.predict(X[test])
print(
    f"threshold {thresholded.best_threshold_:.3f}: sensitivity "
    f"{predicted[y[test] == 1].mean():.2f}, specificity {1 - predicted[y[test] == 0].mean():.2f}"
)

# %%
# Prediction sets
# ---------------
#
# A conformal prediction set contains the true class of a new record with a chosen probability,
# whether or not the probabilities are calibrated, if the new records come from the same population.
# `MAPIE <https://mapie.readthedocs.io>`_ (``pip install mapie``) makes them. The guarantee is for
# all records together: look at each class as well. If patients have several records, use one of
# each, because records of one patient resemble each other.

try:
    from mapie.classification import SplitConformalClassifier
except ImportError:
    print("MAPIE is not installed.")
else:
    one_of_each = adjust[np.unique(patients[adjust], return_index=True)[1]]
    conformal = SplitConformalClassifier(corrected, confidence_level=0.95, prefit=True)
    conformal.conformalize(X[one_of_each], y[one_of_each])
    _, sets = conformal.predict_set(X[test])
    sets = sets[:, :, 0]
    covered = sets[np.arange(len(test)), y[test]]
    print(f"covered: {covered.mean():.3f} of all records, ", end="")
    print(f"{covered[y[test] == 1].mean():.3f} of those with infarction")
    print(f"both classes possible: {np.mean(sets.sum(axis=1) == 2):.3f} of the records")

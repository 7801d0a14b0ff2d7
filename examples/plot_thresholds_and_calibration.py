"""
Thresholds and calibration
==========================

The order of the records may be right while the probabilities are not: averages of trees, for
example, seldom give a probability close to 0 or 1. This example calibrates a classifier, chooses a
threshold with a wanted sensitivity, and shows at which thresholds the model is of use. The records
are synthetic; for real ones, replace ``make_ecg(...)`` by ``load_ptbxl(folder, task="mi")``.
"""

# %%
# Records of a rare outcome
# -------------------------
#
# No patient is in two of the three parts.

import matplotlib.pyplot as plt
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedGroupKFold

from sklearn_ecg import MultilabelCalibratedClassifierCV, MultilabelTunedThresholdClassifierCV
from sklearn_ecg.beats import make_beat_classifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import DecisionCurveDisplay, ReliabilityDisplay
from sklearn_ecg.metrics import bootstrap_interval

ecg = make_ecg(
    600,
    duration=5,
    regions="anterior",
    prevalence=0.2,
    records_per_patient=(1, 2),
    random_state=0,
)
X, y, patients = ecg.data, ecg.target, ecg.groups
folds = StratifiedGroupKFold(n_splits=3, shuffle=True, random_state=0).split(X, y, patients)
train, adjust, test = (part for _, part in folds)
print(f"{len(train)} records for training, {len(adjust)} to adjust, {len(test)} for the test")

# %%
# Calibrate
# ---------
#
# The sigmoid is fitted on patients that the classifier was not trained on.

classifier = make_beat_classifier(ecg.sampling_rate, random_state=0)
classifier.fit(X[train], y[train])
calibrated = MultilabelCalibratedClassifierCV(FrozenEstimator(classifier), method="sigmoid")
calibrated.fit(X[adjust], y[adjust])
raw = classifier.predict_proba(X[test])[:, 1]
probability = calibrated.predict_proba(X[test])[:, 1]
figure, axes = plt.subplots(1, 2, figsize=(7.5, 3.6), layout="constrained")
for ax, name, values in zip(axes, ["averaged models", "calibrated"], [raw, probability]):
    ReliabilityDisplay.from_predictions(
        y[test], values, n_bins=5, groups=patients[test], label_names=["infarction"], ax=ax
    )
    ax.set_title(name)
    auroc = bootstrap_interval("roc_auc", y[test], values, groups=patients[test], random_state=0)
    print(f"{name}: mean probability {values.mean():.2f}, AUROC {auroc}")

# %%
# A threshold with a wanted sensitivity
# -------------------------------------
#
# The threshold is chosen on the records that adjust the model. The sensitivity in other patients
# differs from the wanted one, which is why it has an interval.

tuned = MultilabelTunedThresholdClassifierCV(calibrated, cv="prefit", refit=False, sensitivity=0.9)
tuned.fit(X[adjust], y[adjust])
predicted = tuned.predict(X[test])
for name, group in [("sensitivity", 1), ("specificity", 0)]:
    members = test[y[test] == group]
    interval = bootstrap_interval(
        accuracy_score,
        y[members],
        predicted[y[test] == group],
        groups=patients[members],
        random_state=0,
    )
    print(f"{name} at threshold {tuned.best_threshold_:.2f}: {interval}")

# %%
# Is the model of use?
# --------------------
#
# The net benefit weighs true against false positives at each threshold. It is compared with that of
# treating all patients, and of treating none.

figure, ax = plt.subplots(figsize=(5.2, 3.8), layout="constrained")
DecisionCurveDisplay.from_predictions(y[test], probability, ax=ax)
ax.axvline(tuned.best_threshold_, color="gray", linestyle=":")

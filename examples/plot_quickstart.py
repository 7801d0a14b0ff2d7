"""
Quickstart
==========

This example cross-validates two classifiers, shows which leads one of them relies on, and uses its
embedding in a classical model, all with the tools of scikit-learn. ``make demo`` runs this script
on synthetic ECG; ``make demo DATA=folder`` runs it on a PTB-XL folder.
"""

# %%
# Records
# -------
#
# ``X`` has shape (n_records, n_leads, n_times), in mV. The truth of the synthetic records is known:
# a third of the patients have an anterior infarction. Some infarctions are small, and some normal
# records deviate in the same leads, so that no classifier can be perfect. Each patient has one to
# three records.
#
# With ``--data``, the records come from PTB-XL instead: infarction without "normal" against
# "normal" without infarction.

import argparse
from pathlib import Path

import numpy as np
from scipy.signal import butter, sosfiltfilt
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    cross_val_predict,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_ecg import MSAICNetClassifier, to_lead_frame
from sklearn_ecg.beats import make_beat_classifier
from sklearn_ecg.datasets import load_ptbxl, make_ecg
from sklearn_ecg.inspection import (
    ECGDisplay,
    LeadImportanceDisplay,
    TrainingHistoryDisplay,
    lead_importance,
)
from sklearn_ecg.metrics import bootstrap_interval

parser = argparse.ArgumentParser(description="sklearn_ecg quickstart")
parser.add_argument("--data", help="PTB-XL folder; by default, records are synthetic")
parser.add_argument("--save", help="folder for the figures")
args, _ = parser.parse_known_args()

if args.data:
    ecg = load_ptbxl(args.data, task="mi", n_jobs=2, verbose=1)
    max_epochs = 30
else:
    ecg = make_ecg(
        300,
        duration=5,
        regions="anterior",
        prevalence=1 / 3,
        records_per_patient=(1, 3),
        random_state=0,
    )
    max_epochs = 15
X, y, patients = ecg.data, np.asarray(ecg.target), ecg.groups
print(f"{len(X)} records of {len(np.unique(patients))} patients, {y.sum()} with infarction")


# %%
# One record, drawn as on ECG paper.

record_figure = ECGDisplay.from_record(
    X,
    ecg.sampling_rate,
    record=np.flatnonzero(y)[0],
    r_peaks="detect",
    title="One record with infarction",
).figure_

# %%
# Cross-validation by patient
# ---------------------------
#
# Records of one patient resemble each other, so the folds keep patients together, and the bootstrap
# resamples whole patients. The first classifier averages three models of measurements of the median
# beat. Start with it on records of your own.

cv = StratifiedGroupKFold(n_splits=3, shuffle=True, random_state=0)


def print_scores(name, estimator):
    """Print scores of out-of-fold predictions with their confidence intervals."""
    probability = cross_val_predict(
        estimator, X, y, groups=patients, cv=cv, method="predict_proba", n_jobs=2
    )[:, 1]
    for label, metric in [("AUROC", roc_auc_score), ("AUPRC", average_precision_score)]:
        interval = bootstrap_interval(metric, y, probability, groups=patients, random_state=0)
        print(f"{name}, out of fold: {label} {interval}")


print_scores("Measurements", make_beat_classifier(ecg.sampling_rate, random_state=0))

# %%
# The second one is a network. It gets the signals, and filters belong in the ``Pipeline``, before
# the classifier.


def bandpass(X, low=0.5, high=40.0, sampling_rate=100):
    """Apply a zero-phase band-pass filter along time."""
    sos = butter(3, [low, high], btype="bandpass", fs=sampling_rate, output="sos")
    return sosfiltfilt(sos, X, axis=-1).astype(np.float32)


network = MSAICNetClassifier(filters=(16, 32), max_epochs=max_epochs, random_state=0)
pipeline = Pipeline(
    [
        ("filter", FunctionTransformer(bandpass, kw_args={"sampling_rate": ecg.sampling_rate})),
        ("clf", network),
    ]
)
print_scores("MSAIC-Net", pipeline)

# %%
# Grid search
# -----------
#
# Any parameter of any step can be searched, such as ``clf__dilations``, ``filter__kw_args`` or,
# here, the learning rate. Small differences between scores of a single seed mean little.

search = GridSearchCV(
    pipeline,
    {"clf__learning_rate": [3e-4, 3e-3]},
    cv=StratifiedGroupKFold(n_splits=2, shuffle=True, random_state=0),
    scoring="roc_auc",
    n_jobs=2,
)
search.fit(X, y, groups=patients)
for value, score in zip(
    search.cv_results_["param_clf__learning_rate"], search.cv_results_["mean_test_score"]
):
    print(f"learning_rate={value}: AUROC {score:.3f}")

# %%
# Training curve
# --------------
#
# ``history_`` has the losses of each epoch.

curve_figure = TrainingHistoryDisplay.from_estimator(search).figure_

# %%
# Which leads matter
# ------------------
#
# A *lead frame* has one column per lead, and each cell is the signal of one record.
# `lead_importance` permutes leads between records; its values equal those of scikit-learn's
# ``permutation_importance`` on such a frame.

train, test = next(cv.split(X, y, patients))
frame = to_lead_frame(X, ecg.lead_names)
clf = clone(network).fit(frame.iloc[train], y[train])
importance = lead_importance(
    clf, frame.iloc[test], y[test], scoring="roc_auc", n_repeats=5, random_state=0
)
lead_figure = LeadImportanceDisplay.from_importances(importance, score_name="roc_auc").figure_
order = np.argsort(importance.importances_mean)[::-1]
print("Most important leads:", ", ".join(importance.names[order[:3]]))

# %%
# The embedding in a classical model
# ----------------------------------
#
# A classifier is also a transformer. In a pipeline, the network is trained on each training fold
# only.

classical = make_pipeline(clf, StandardScaler(), LogisticRegression(C=0.01))
classical.fit(frame.iloc[train], y[train])
score = roc_auc_score(y[test], classical.predict_proba(frame.iloc[test])[:, 1])
print(f"Embedding + logistic regression, one test fold: AUROC {score:.3f}")

if args.save:
    folder = Path(args.save)
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in [
        ("record", record_figure),
        ("training_curve", curve_figure),
        ("lead_importance", lead_figure),
    ]:
        figure.savefig(folder / f"{name}.png", dpi=150)
    print(f"Figures saved in {folder}/")

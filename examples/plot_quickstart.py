"""
Quickstart
==========

From records to a cross-validated classifier, the leads it looks at, and an embedding for
classical models, in scikit-learn's own terms. ``make demo`` runs this script on synthetic ECG in
less than three minutes; ``make demo DATA=folder`` runs it on a PTB-XL folder.
"""

# %%
# Records
# -------
#
# ``X`` has the shape (n_records, n_leads, n_times), in mV. The synthetic generator knows the truth:
# here a third of the patients have an old anterior infarction, faint enough to be missed in
# some. Patients have one to three records each.
#
# With ``--data`` the records are PTB-XL's instead: infarction without "normal" against "normal"
# without infarction.

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import butter, sosfiltfilt
from sklearn.inspection import permutation_importance
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
from sklearn_ecg.datasets import load_ptbxl, make_ecg
from sklearn_ecg.metrics import bootstrap_interval

parser = argparse.ArgumentParser(description="sklearn_ecg quickstart")
parser.add_argument("--data", help="PTB-XL folder; without it the ECG is synthetic")
parser.add_argument("--save", help="folder for the figures")
args, _ = parser.parse_known_args()

if args.data:
    ecg = load_ptbxl(args.data, task="mi", n_jobs=2, verbose=1)
    max_epochs = 30
else:
    ecg = make_ecg(
        300,
        regions="anterior",
        prevalence=1 / 3,
        severity=0.16,
        records_per_patient=(1, 3),
        random_state=0,
    )
    max_epochs = 15
X, y, patients = ecg.data, np.asarray(ecg.target), ecg.groups
print(f"{len(X)} records of {len(np.unique(patients))} patients, {y.sum()} with infarction")


# %%
# A record, drawn as on paper: 25 mm/s and 10 mm/mV make a small square 0.04 s and 0.1 mV.


def plot_record(record, lead_names, sampling_rate):
    """Draw twelve leads in four columns of 2.5 s, over a grid of 0.2 s and 0.5 mV."""
    figure, ax = plt.subplots(figsize=(10, 4.6), layout="constrained")
    n_shown = min(int(2.5 * sampling_rate), record.shape[1] // 4)
    for i, (signal, name) in enumerate(zip(record, lead_names)):
        column, row = divmod(i, 3)
        part = signal[column * n_shown : (column + 1) * n_shown]
        seconds = (np.arange(n_shown) + column * n_shown) / sampling_rate
        offset = -2.5 * row
        ax.plot(seconds, part + offset, color="black", linewidth=0.7)
        ax.text(seconds[0] + 0.03, offset + 1.1, name, weight="bold")
    ax.set_xticks(np.arange(0, 4 * n_shown / sampling_rate + 0.01, 0.2), labels=[])
    ax.set_yticks(np.arange(-6.5, 2.1, 0.5), labels=[])
    ax.grid(color="#f2b8b5", linewidth=0.5)
    ax.tick_params(length=0)
    ax.set(xlim=(0, 4 * n_shown / sampling_rate), ylim=(-6.8, 1.8), aspect=0.4)
    ax.set_title("One record with infarction (squares: 0.2 s, 0.5 mV)")
    return figure


record_figure = plot_record(X[np.flatnonzero(y)[0]], ecg.lead_names, ecg.sampling_rate)

# %%
# Cross-validation by patient
# ---------------------------
#
# Filters go into the ``Pipeline``, before the classifier. Records of one patient resemble one
# another, so folds keep patients together, and the intervals draw whole patients.


def bandpass(X, low=0.5, high=40.0, sampling_rate=100):
    """Zero-phase band-pass filter of signals along time."""
    sos = butter(3, [low, high], btype="bandpass", fs=sampling_rate, output="sos")
    return sosfiltfilt(sos, X, axis=-1).astype(np.float32)


pipeline = Pipeline(
    [
        ("filter", FunctionTransformer(bandpass, kw_args={"sampling_rate": ecg.sampling_rate})),
        ("clf", MSAICNetClassifier(max_epochs=max_epochs, random_state=0)),
    ]
)
cv = StratifiedGroupKFold(n_splits=3, shuffle=True, random_state=0)
out_of_fold = cross_val_predict(
    pipeline, X, y, groups=patients, cv=cv, method="predict_proba", n_jobs=2
)[:, 1]
for name, metric in [("AUROC", roc_auc_score), ("AUPRC", average_precision_score)]:
    interval = bootstrap_interval(metric, y, out_of_fold, groups=patients, random_state=0)
    print(f"MSAIC-Net, out of fold: {name} {interval}")

# %%
# Grid search
# -----------
#
# Any parameter of any step can be searched, ``clf__dilations`` or ``filter__kw_args`` as well as,
# here, the learning rate. Small differences between scores of one seed mean little.

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
# ``history_`` holds what training recorded per epoch.

history = search.best_estimator_["clf"].history_
curve_figure, ax = plt.subplots(figsize=(5, 3), layout="constrained")
ax.plot(history["epoch"], history["train_loss"])
ax.set(xlabel="epoch", ylabel="training loss", title="Training curve")

# %%
# Which leads matter
# ------------------
#
# A *lead frame* has one column per lead, and a cell is a record's signal. scikit-learn's own
# ``permutation_importance`` then shuffles leads, not time points.

train, test = next(cv.split(X, y, patients))
frame = to_lead_frame(X, ecg.lead_names)
clf = MSAICNetClassifier(max_epochs=max_epochs, random_state=0).fit(frame.iloc[train], y[train])
importance = permutation_importance(
    clf, frame.iloc[test], y[test], scoring="roc_auc", n_repeats=5, random_state=0
)
lead_figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.bar(
    clf.feature_names_in_,
    importance.importances_mean,
    yerr=importance.importances_std,
    capsize=3,
    color="#4477aa",
)
ax.axhline(0, color="black", linewidth=0.8)
ax.set(ylabel="drop of AUROC", title="Permutation importance of each lead (mean and SD)")
order = np.argsort(importance.importances_mean)[::-1]
print("Most important leads:", ", ".join(clf.feature_names_in_[order[:3]]))

# %%
# The embedding in a classical model
# ----------------------------------
#
# A classifier is a transformer, too. Inside a pipeline the network is trained on each training
# fold only.

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

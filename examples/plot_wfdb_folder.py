"""
From a folder of records to a saved model
=========================================

A folder has WFDB records, and a CSV file has a label and the patient of each record. This example
computes a cross-validated AUROC with its confidence interval, shows which leads matter, and makes
a calibrated model that is saved and predicts a new record.

The records are synthetic. To use your own, set the environment variable ``ECG_FOLDER`` to a folder
with WFDB records and a table ``labels.csv`` with the columns record, label (0 or 1) and patient.
"""

# %%
# The records
# -----------

import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from sklearn_ecg import MultilabelCalibratedClassifierCV
from sklearn_ecg.datasets import load_wfdb, make_ecg
from sklearn_ecg.inspection import LeadImportanceDisplay, ReliabilityDisplay, lead_importance
from sklearn_ecg.metrics import bootstrap_interval
from sklearn_ecg.persistence import load, save
from sklearn_ecg.preprocessing import BeatFeatures


def write_example(folder):
    """Write WFDB records and a table of labels."""
    ecg = make_ecg(
        240,
        duration=5,
        noise=0.02,
        prevalence=0.4,
        records_per_patient=(1, 2),
        random_state=0,
    )
    names = [f"record{i:03d}" for i in range(len(ecg.data))]
    for name, signals in zip(names, ecg.data):
        # The values are integers, 1000 per mV.
        (1000 * signals.T).round().astype("<i2").tofile(folder / f"{name}.dat")
        leads = [f"{name}.dat 16 1000/mV 16 0 0 0 0 {lead}" for lead in ecg.lead_names]
        header = [f"{name} 12 {ecg.sampling_rate} {signals.shape[1]}", *leads]
        (folder / f"{name}.hea").write_text("\n".join(header) + "\n")
    table = pd.DataFrame({"record": names, "label": ecg.target, "patient": ecg.groups})
    table.to_csv(folder / "labels.csv", index=False)
    return folder


folder = os.environ.get("ECG_FOLDER") or write_example(Path(tempfile.mkdtemp()))
ecg = load_wfdb(folder, labels=Path(folder) / "labels.csv", group_column="patient", as_frame=True)
X, y, patients = ecg.data, np.asarray(ecg.target), ecg.groups
print(f"{len(X)} records of {len(np.unique(patients))} patients, {y.sum()} positive")

# %%
# A cross-validated score
# -----------------------
#
# Gradient-boosted trees on measurements of the median beat. The folds keep the records of a patient
# together, and so does the bootstrap.

model = make_pipeline(
    BeatFeatures(sampling_rate=ecg.sampling_rate),
    HistGradientBoostingClassifier(max_iter=50, learning_rate=0.05, random_state=0),
)
cv = StratifiedGroupKFold(n_splits=3, shuffle=True, random_state=0)
probability = cross_val_predict(model, X, y, groups=patients, cv=cv, method="predict_proba")[:, 1]
print("AUROC", bootstrap_interval("roc_auc", y, probability, groups=patients, random_state=0))

# %%
# Which leads matter
# ------------------
#
# Groups of leads are permuted in the records of the test fold.

train, test = next(cv.split(X, y, patients))
model.fit(X.iloc[train], y[train])
importance = lead_importance(
    model,
    X.iloc[test],
    y[test],
    lead_groups="regions",
    scoring="roc_auc",
    n_repeats=3,
    random_state=0,
)
LeadImportanceDisplay.from_importances(importance, score_name="roc_auc")

# %%
# A calibrated model
# ------------------
#
# The calibration uses patients that the trees were not trained on, within the training records.

calibrated = MultilabelCalibratedClassifierCV(model, method="sigmoid", cv=3)
calibrated.fit(X.iloc[train], y[train], groups=patients[train])
ReliabilityDisplay.from_predictions(
    y[test],
    calibrated.predict_proba(X.iloc[test])[:, 1],
    n_bins=5,
    groups=patients[test],
    label_names=["positive"],
)

# %%
# Save it, and predict a new record
# ---------------------------------
#
# A single record is ``X.iloc[[0]]``, a frame with one row.

path = Path(tempfile.mkdtemp(), "model.ecg")
save(calibrated, path)
new = X.iloc[[test[0]]]
print(f"probability of record {new.index[0]}: {load(path).predict_proba(new)[0, 1]:.2f}")

"""
Several labels: folds by patient, and a table of scores
=======================================================

A record may have several findings at once. The target is then a table of 0 and 1 with one column
per label. The folds should have a similar share of each label, and must keep the records of a
patient together. The records are synthetic: infarctions of four regions, of which a record may have
several. For real ones, replace ``make_ecg(...)`` by ``load_ptbxl(folder, task="superclass")``, and
the regions by the superclasses.
"""

# %%
# Records with four labels
# ------------------------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import RocCurveDisplay
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline

from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.metrics import label_table
from sklearn_ecg.model_selection import MultilabelStratifiedGroupKFold
from sklearn_ecg.preprocessing import BeatFeatures

regions = ["inferior", "lateral", "septal", "anterior"]
ecg = make_ecg(
    300,
    duration=5,
    task="multilabel",
    regions=regions,
    prevalence={"inferior": 0.3, "lateral": 0.2, "septal": 0.15, "anterior": 0.1},
    records_per_patient=(1, 3),
    random_state=0,
)
X, y, patients = ecg.data, np.asarray(ecg.target), ecg.groups
print(f"{len(X)} records of {len(np.unique(patients))} patients; positive: {y.sum(axis=0)}")

# %%
# Folds
# -----
#
# ``GroupKFold`` keeps patients together, but does not look at the labels. For each splitter, the
# bars show the share of each label in the test records of each fold.

splitters = {
    "GroupKFold": GroupKFold(n_splits=3),
    "MultilabelStratifiedGroupKFold": MultilabelStratifiedGroupKFold(n_splits=3),
}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True, layout="constrained")
for ax, (name, splitter) in zip(axes, splitters.items()):
    for fold, (_, test) in enumerate(splitter.split(X, y, patients)):
        ax.bar(np.arange(4) + 0.25 * (fold - 1), y[test].mean(axis=0), 0.25, label=f"fold {fold}")
    ax.set_xticks(range(4), regions)
    ax.set_title(name)
axes[0].set_ylabel("share of positive records")
axes[0].legend()

# %%
# One classifier per label
# ------------------------
#
# The beat features are computed once for all labels. Each label has its own trees. A network would
# take the table as it is.

model = make_pipeline(
    BeatFeatures(sampling_rate=ecg.sampling_rate),
    MultiOutputClassifier(HistGradientBoostingClassifier(max_iter=40, random_state=0)),
)
cv = splitters["MultilabelStratifiedGroupKFold"]
columns = cross_val_predict(model, X, y, groups=patients, cv=cv, method="predict_proba")
probability = np.column_stack([column[:, 1] for column in columns])

# %%
# Scores of each label
# --------------------
#
# The intervals resample patients.

table = label_table(y, probability, label_names=regions, groups=patients, random_state=0)
shown = ["n_positive", "auroc", "auroc_low", "auroc_high", "auprc", "sensitivity", "specificity"]
print(table[shown].round(2).to_string())

figure, ax = plt.subplots(figsize=(4.6, 4.4), layout="constrained")
for column, region in enumerate(regions):
    RocCurveDisplay.from_predictions(y[:, column], probability[:, column], name=region, ax=ax)
ax.plot([0, 1], [0, 1], color="gray", linestyle=":")

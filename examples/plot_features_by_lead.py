"""
Which measurements of which leads matter?
=========================================

Gradient-boosted trees are trained on the measurements of the median beat, whose names contain the
lead. This example computes the importance of each lead, of each kind of measurement, and of both
together, with scikit-learn's permutation importance. SHAP values, which explain single records,
need a library of their own: the FAQ shows how to use it.

The records are synthetic, with septal infarctions, so that the correct answer is known: V1 and V2.
For real ones, replace ``make_ecg(...)`` by ``load_ptbxl(folder, task="mi")``.
"""

# %%
# Trees on measurements
# ---------------------

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import PartialDependenceDisplay, permutation_importance
from sklearn.model_selection import StratifiedGroupKFold

from sklearn_ecg import STANDARD_LEADS
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import lead_importance
from sklearn_ecg.metrics import bootstrap_interval
from sklearn_ecg.preprocessing import BeatFeatures

ecg = make_ecg(500, regions="septal", prevalence=0.4, records_per_patient=(1, 2), random_state=0)
y, patients = np.asarray(ecg.target), ecg.groups
cv = StratifiedGroupKFold(n_splits=2, shuffle=True, random_state=0)
train, test = next(cv.split(ecg.data, y, patients))
measure = BeatFeatures(sampling_rate=ecg.sampling_rate).set_output(transform="pandas")
table = measure.fit(ecg.data[train]).transform(ecg.data)
print(f"{len(table)} records, {table.shape[1]} measurements such as {table.columns[8]}")
trees = HistGradientBoostingClassifier(
    max_iter=60, max_leaf_nodes=8, min_samples_leaf=10, random_state=0
)
trees.fit(table.iloc[train], y[train])
probability = trees.predict_proba(table.iloc[test])[:, 1]
auroc = bootstrap_interval("roc_auc", y[test], probability, groups=patients[test], random_state=0)
print("AUROC in other patients:", auroc)

# %%
# By lead and by measurement
# --------------------------
#
# `lead_importance` permutes all measurements of a lead together. scikit-learn's
# ``permutation_importance`` permutes each measurement on its own, which is the cell of a lead and a
# measurement in the map. The map is paler: measurements of the same wave can replace each other.

by_lead = lead_importance(trees, table.iloc[test], y[test], scoring="roc_auc", random_state=0)
single = permutation_importance(
    trees, table.iloc[test], y[test], scoring="roc_auc", n_repeats=3, random_state=0
)
drops = pd.Series(single.importances_mean, index=table.columns)
drops.index = pd.MultiIndex.from_tuples(name.split("__") for name in drops.index)
cells = drops.unstack().reindex(STANDARD_LEADS).dropna(axis=1, how="all").clip(lower=0)

figure, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4.4), width_ratios=(1, 2.6), layout="constrained"
)
positions = np.arange(len(by_lead.names))
left.barh(positions, by_lead.importances_mean, xerr=by_lead.importances_std, color="#0072B2")
left.set_yticks(positions, by_lead.names)
left.invert_yaxis()
left.set_xlabel("drop of AUROC, lead permuted")
image = right.imshow(cells, cmap="Blues", aspect="auto")
right.set_xticks(range(cells.shape[1]), cells.columns, rotation=60, ha="right")
right.set_yticks(range(len(cells)), cells.index)
figure.colorbar(image, ax=right, label="drop of AUROC, measurement permuted")

# %%
# How they matter
# ---------------
#
# The partial dependence of the two most important measurements, in log odds, shows where and in
# which direction they change the prediction: trees make steps.

top = drops.sort_values(ascending=False).index[:2]
names = ["__".join(name) for name in top]
print("most important:", ", ".join(names))
figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True, layout="constrained")
known = table.iloc[train].dropna(subset=names)
PartialDependenceDisplay.from_estimator(trees, known, names, ax=axes, grid_resolution=30)

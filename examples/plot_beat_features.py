"""
Beat features, an embedding, and which leads matter
===================================================

Measurements of the median beat with gradient-boosted trees are hard to beat on a small cohort.
This example puts an embedding beside them in a `FeatureUnion`, and asks which leads and regions the
trees rely on. The records are synthetic, so that the truth is known: infarctions of the inferior
wall.
"""

# %%
# Records of patients
# -------------------
#
# Faint infarctions, one to three records a patient.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import FeatureUnion, make_pipeline

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import lead_importance
from sklearn_ecg.metrics import bootstrap_interval
from sklearn_ecg.preprocessing import BeatFeatures, MedianBeat

ecg = make_ecg(
    300,
    regions="inferior",
    severity=0.08,
    prevalence=0.4,
    records_per_patient=(1, 3),
    as_frame=True,
    random_state=0,
)
X, y, patients = ecg.data, ecg.target, ecg.groups

# %%
# Features, and an embedding of the median beat
# ---------------------------------------------
#
# A network is a transformer as well: its embedding can stand beside the features. It is trained
# within each training fold, so that nothing leaks; but on its own training records a supervised
# embedding looks better than it is, and trees may believe it too much. Look at both scores.

features = BeatFeatures(sampling_rate=100)
embedding = make_pipeline(
    MedianBeat(sampling_rate=100, unreliable="record_average"),
    MSAICNetClassifier(
        dilations=(1, 2), filters=(8, 16), embedding_dim=16, max_epochs=10, random_state=0
    ),
)
trees = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=8, random_state=0)
models = {
    "features": make_pipeline(features, trees),
    "features and embedding": make_pipeline(
        FeatureUnion([("beat", features), ("net", embedding)]).set_output(transform="pandas"), trees
    ),
}
cv = StratifiedGroupKFold(n_splits=3, shuffle=True, random_state=0)
for name, model in models.items():
    score = cross_val_predict(model, X, y, groups=patients, cv=cv, method="predict_proba")[:, 1]
    interval = bootstrap_interval(roc_auc_score, y, score, groups=patients, random_state=0)
    print(f"{name:24} AUROC {interval}")

# %%
# Which leads?
# ------------
#
# Asked through the whole pipeline, a lead's *signal* is exchanged between records, and all that is
# made of it, axes and the embedding included, changes with it. Asked of the trees alone, with a
# table of features, the *features* that carry the lead in their names are exchanged together, and
# those of no lead make a group of their own.
#
# Leads of different patients do not beat together. A record whose leads were exchanged may have no
# reliable beats: then its features are NaN, and its median beat is what ``unreliable`` says. That
# makes a lead look more important than its own waves are; features exchanged in a table do not.

train, test = next(cv.split(X, y, patients))
model = models["features and embedding"].fit(X.iloc[train], y[train])
of_signals = lead_importance(model, X.iloc[test], y[test], scoring="roc_auc", random_state=0)
table = model[0].transform(X.iloc[test])
of_features = lead_importance(model[-1], table, y[test], scoring="roc_auc", random_state=0)
print(table.shape, list(table.columns[[0, -1]]))

figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), sharex=True, layout="constrained")
for ax, result, title in zip(axes, (of_signals, of_features), ("signals", "features")):
    place = np.arange(len(result.names))[::-1]
    ax.barh(place, result.importances_mean, xerr=result.importances_std, color="#0072B2")
    ax.set_yticks(place, result.names)
    ax.set_title(f"drop of AUROC, {title} exchanged")

# %%
# Regions
# -------
#
# Limb leads are combinations of two, so single ones look unimportant when the others still tell
# the same. Exchanged by region they cannot.

for name, result in {
    "signals": lead_importance(
        model, X.iloc[test], y[test], lead_groups="regions", scoring="roc_auc", random_state=0
    ),
    "features": lead_importance(
        model[-1], table, y[test], lead_groups="regions", scoring="roc_auc", random_state=0
    ),
}.items():
    drops = dict(zip(result.names, result.importances_mean.round(3).tolist()))
    print(f"{name:9} {drops}")

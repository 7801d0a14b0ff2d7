"""
Beat features, an embedding, and which leads matter
===================================================

On a small cohort, gradient-boosted trees on measurements of the median beat are a strong baseline.
This example combines these measurements with an embedding in a `FeatureUnion`, and shows which
leads and regions the trees of the measurements rely on. The records are synthetic, so the truth is
known: infarctions of the inferior wall. For real ones, replace ``make_ecg(...)`` by
``load_ptbxl(folder, task="mi", as_frame=True)``.
"""

# %%
# Records of patients
# -------------------
#
# Each patient has one to three records. Some infarctions are small, and some normal records have
# similar deviations.

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
    prevalence=0.4,
    records_per_patient=(1, 3),
    as_frame=True,
    random_state=0,
)
X, y, patients = ecg.data, np.asarray(ecg.target), ecg.groups

# %%
# Features, and an embedding of the median beat
# ---------------------------------------------
#
# A network is also a transformer, whose embedding can be combined with the features. It is trained
# within each training fold, so nothing leaks. On its own training records, however, a supervised
# embedding looks better than it is, and the trees may rely on it too much. Compare both scores.

features = BeatFeatures(sampling_rate=100).set_output(transform="pandas")
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
# Which leads and regions matter
# ------------------------------
#
# For the whole pipeline, `lead_importance` permutes the *signal* of a lead between records, and
# everything computed from it changes, including the axes of the heart. For the trees alone, on a
# table of features, it permutes all *features* with the lead in their names together; features
# that belong to no lead are a separate group.
#
# The limb leads are linear combinations of two, so a single one looks unimportant as long as the
# others carry the same information. With ``lead_groups="regions"``, the leads of a region are
# permuted together: only then does the importance of the inferior leads II, III and aVF show.
#
# The heart beats of different patients do not coincide. A record with a permuted lead may have no
# reliable beats; its features are then NaN. This makes leads look more important than their own
# waves are, here those of the lateral region. Permuting the features in a table does not have this
# effect.

train, test = next(cv.split(X, y, patients))
model = models["features"].fit(X.iloc[train], y[train])
table = model[0].transform(X.iloc[test])
print(table.shape, list(table.columns[[0, -1]]))

figure, axes = plt.subplots(2, 2, figsize=(9, 6), sharex=True, layout="constrained")
for row, groups in zip(axes, (None, "regions")):
    options = {"lead_groups": groups, "scoring": "roc_auc", "random_state": 0}
    of_signals = lead_importance(model, X.iloc[test], y[test], **options)
    of_features = lead_importance(model[-1], table, y[test], **options)
    for ax, result, title in zip(row, (of_signals, of_features), ("signals", "features")):
        positions = np.arange(len(result.names))[::-1]
        ax.barh(positions, result.importances_mean, xerr=result.importances_std, color="#0072B2")
        ax.set_yticks(positions, result.names)
        ax.set_title(f"{title} permuted")
for ax in axes[1]:
    ax.set_xlabel("drop of the AUROC")

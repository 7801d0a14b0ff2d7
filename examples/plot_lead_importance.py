"""
Explaining a network: leads and time points
===========================================

This example shows which leads a network relies on, over a cohort, and which time points of a single
record support its decision. The records are synthetic, with inferior infarctions in leads II, III
and aVF, so the correct answer is known. For real ones, replace ``make_ecg(...)`` by
``load_ptbxl(folder, task="mi")``.
"""

# %%
# A network and its training
# --------------------------

import matplotlib.pyplot as plt
import numpy as np

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import (
    ECGDisplay,
    EmbeddingDisplay,
    GradCAMDisplay,
    LeadImportanceDisplay,
    TrainingHistoryDisplay,
    lead_importance,
)
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval, delong_test

ecg = make_ecg(500, duration=4, regions="inferior", prevalence=0.5, random_state=0)
X, y, rate = ecg.data, np.asarray(ecg.target), ecg.sampling_rate
clf = MSAICNetClassifier(
    dilations=(1, 2),
    filters=(8, 16),
    kernel_size=7,
    dropout=0.2,
    embedding_dim=16,
    learning_rate=5e-3,
    max_epochs=20,
    early_stopping=True,
    random_state=0,
)
clf.fit(X[:300], y[:300])
X_test, y_test = X[300:], y[300:]
TrainingHistoryDisplay.from_estimator(clf)

# %%
# A bootstrap gives the confidence interval of the score; with ``groups``, it resamples whole
# patients. A second network with one branch is evaluated on the same test records. The two are
# compared on the same resamples, and with DeLong's test.

probability = clf.predict_proba(X_test)[:, 1]
print("AUROC", bootstrap_interval("roc_auc", y_test, probability, random_state=0))
narrow = MSAICNetClassifier(
    dilations=(1,), filters=(4,), embedding_dim=4, max_epochs=20, random_state=0
).fit(X[:300], y[:300])
other = narrow.predict_proba(X_test)[:, 1]
difference = bootstrap_difference("roc_auc", y_test, probability, other, random_state=0)
print("Difference from a narrow network:", difference)
print(f"DeLong: p = {delong_test(y_test, probability, other).p_value:.2g}")

# %%
# Lead by lead
# ------------
#
# The bars are in anatomical order, the limb leads by their angle. The inferior leads are highest,
# but not by much: each limb lead is a combination of any two others, which still carry the
# information of the permuted one.

options = {"scoring": "neg_log_loss", "random_state": 0}
leads = lead_importance(clf, X_test, y_test, **options)
LeadImportanceDisplay.from_importances(leads, score_name="neg_log_loss")

# %%
# By region
# ---------
#
# Leads that are replaced together cannot substitute for each other. The map shows the same values
# on the body.

# sphinx_gallery_thumbnail_number = 3
regions = lead_importance(clf, X_test, y_test, lead_groups="regions", **options)
figure, axes = plt.subplots(1, 2, figsize=(11, 3.2), width_ratios=(1, 2.4), layout="constrained")
for ax, kind in zip(axes, ("bars", "map")):
    LeadImportanceDisplay.from_importances(regions, score_name="neg_log_loss", kind=kind, ax=ax)

# %%
# A record
# --------
#
# The record is drawn as on ECG paper, at 25 mm/s and 10 mm/mV, with its R-peaks and a highlighted
# interval.

infarction = int(np.flatnonzero(y_test)[0])
ECGDisplay.from_record(
    X_test, rate, record=infarction, r_peaks="detect", intervals=[(1.0, 1.5)], layout="6x2"
)

# %%
# Grad-CAM shows which time points support a class: it weights the last feature map of the network
# by the contribution of each channel. At this depth, the leads are already mixed.

display = GradCAMDisplay.from_estimator(
    clf, X_test, sampling_rate=rate, record=infarction, target=1
)
display.figure_.axes[0].set_title("Grad-CAM: infarction")

# %%
# The embedding
# -------------
#
# Two principal components of the embedding, which is the input of the last layer.

EmbeddingDisplay.from_estimator(clf, X_test, np.where(y_test, "infarction", "normal"))

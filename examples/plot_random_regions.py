"""
Anatomical or random regions?
=============================

The pretraining of ACL-ECG contrasts the leads of anatomical regions: neighbors on the heart belong
together. Does the anatomy matter? The control has regions of the same size from randomly drawn
leads, and everything else is equal. A randomly initialized encoder shows how much is due to
pretraining at all. This is how any ablation can be done: same records, same splits, paired
differences with an interval.

The records are synthetic. For real ones, replace ``make_ecg(...)`` by
``load_ptbxl(folder, task="mi")``; the results of PTB-XL are in :doc:`/reproduction/acl_ecg`.
"""

# %%
# Three encoders
# --------------
#
# The encoders are trained without labels on the records of the training patients.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import ACLECGEncoder
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval

ecg = make_ecg(
    400,
    duration=2.5,
    regions="inferior",
    prevalence=0.5,
    class_sep=3,
    records_per_patient=(1, 2),
    random_state=0,
)
X, y, patients = ecg.data, np.asarray(ecg.target), ecg.groups
train, test = next(GroupShuffleSplit(1, test_size=0.5, random_state=0).split(X, y, patients))
encoders = {
    "anatomical": {"regions": "anatomical"},
    "random": {"regions": "random"},
    "not pretrained": {"max_epochs": 0},
}
embeddings = {}
for name, params in encoders.items():
    encoder = ACLECGEncoder(
        sampling_rate=ecg.sampling_rate, backbone="strided", max_epochs=10, random_state=0
    )
    encoder.set_params(**params).fit(X[train])
    embeddings[name] = encoder.transform(X)
    print(f"{name:15}", " ".join("+".join(leads) for leads in encoder.regions_.values()))

# %%
# Linear probes with few labels
# -----------------------------
#
# A linear model is trained on the labels of 80 training records, five times with other records, and
# predicts all test patients. The probabilities are averaged.

probabilities = {}
for name, embedding in embeddings.items():
    rows = []
    for draw in range(5):
        labeled = np.random.RandomState(draw).permutation(train)[:80]
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
        probe.fit(embedding[labeled], y[labeled])
        rows.append(probe.predict_proba(embedding[test])[:, 1])
    probabilities[name] = np.mean(rows, axis=0)

# %%
# Scores, and differences
# -----------------------
#
# The intervals of two scores may overlap although one is always the better. The difference is
# therefore computed on the same resamples of the patients. One seed of pretraining is not evidence
# for either kind of regions: repeat the script with other values of ``random_state``.

options = {"groups": patients[test], "random_state": 0}
figure, axes = plt.subplots(1, 2, figsize=(9, 2.6), sharey=True, layout="constrained")
for row, (name, probability) in enumerate(probabilities.items()):
    score = bootstrap_interval("roc_auc", y[test], probability, **options)
    print(f"{name}: AUROC {score}")
    found = [score]
    if row:
        reference = probabilities["anatomical"]
        found.append(bootstrap_difference("roc_auc", y[test], probability, reference, **options))
    for ax, interval in zip(axes, found):
        ax.hlines(row, interval.low, interval.high, color="#0072B2", linewidth=2)
        ax.plot(interval.score, row, "o", color="#0072B2")
axes[0].set_yticks(range(3), probabilities)
axes[0].set_ylim(2.5, -0.5)
axes[0].set_xlabel("AUROC in other patients")
axes[1].axvline(0, color="gray", linewidth=1)
axes[1].set_xlabel("difference from anatomical regions")
axes[1].locator_params(axis="x", nbins=5)

"""
How many labels are enough?
===========================

An encoder is pretrained on all records without labels, and a linear model on its embedding is
trained with few labels. This example compares it with a network that is trained from scratch on the
same labeled records, and with a linear model on beat features. The records are synthetic, and the
order of the curves may differ on yours: replace ``make_ecg(...)`` with
``load_ptbxl(folder, task="mi")``, and filter the records.
"""

# %%
# Records, some of them with labels
# ---------------------------------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import ACLECGEncoder, MSAICNetClassifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.preprocessing import BeatFeatures

ecg = make_ecg(
    300,
    duration=2.5,
    prevalence=0.4,
    records_per_patient=(1, 2),
    random_state=1,
)
X, y, patients = ecg.data, ecg.target, ecg.groups
train, test = next(GroupShuffleSplit(1, test_size=0.4, random_state=0).split(X, y, patients))

# %%
# Pretrain once, probe many times
# -------------------------------
#
# The embedding is computed once for all records. To pass the encoder on in a pipeline, wrap it in
# scikit-learn's ``FrozenEstimator``, which keeps it as it is when the pipeline is fitted.
#
# **Filter real records first**: on PTB-XL, linear probes of ACL-ECG were better with 1, 10 and
# 100 % of the labels after
# ``BandpassFilter(0.5, 40, sampling_rate=ecg.sampling_rate).fit_transform(X)``
# (:doc:`/reproduction/acl_ecg`). The baseline of these synthetic records hardly wanders.

encoder = ACLECGEncoder(sampling_rate=ecg.sampling_rate, max_epochs=4, random_state=0)
encoder.fit(X[train])
beats = BeatFeatures(sampling_rate=ecg.sampling_rate).fit(X[train])
linear = make_pipeline(
    SimpleImputer(keep_empty_features=True),
    StandardScaler(),
    LogisticRegression(C=0.01, max_iter=1000),
)
models = {
    "pretrained encoder, linear": (encoder.transform(X), linear),
    "beat features, linear": (beats.transform(X), linear),
    "network from scratch": (
        X,
        MSAICNetClassifier(filters=(8, 16), max_epochs=12, random_state=0),
    ),
}

# %%
# Label-efficiency curves
# -----------------------
#
# Each point is the mean of several draws of labeled patients, and the band their range. The test
# patients are always the same. Pretraining helps where labels are fewest: with 20 of them, the
# network from scratch is far behind both linear models, and with 150 it has caught up.

sizes = [20, 50, 150]
curves = {name: np.empty((len(sizes), 3)) for name in models}
for i, size in enumerate(sizes):
    for draw in range(3):
        order = np.random.RandomState(draw).permutation(train)
        # The same number of positive records as in all of the training records.
        n_positive = round(size * y[train].mean())
        labeled = np.concatenate(
            [order[y[order] == 1][:n_positive], order[y[order] == 0][: size - n_positive]]
        )
        for name, (features, model) in models.items():
            fitted = clone(model).fit(features[labeled], y[labeled])
            probability = fitted.predict_proba(features[test])[:, 1]
            curves[name][i, draw] = roc_auc_score(y[test], probability)

figure, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
for name, scores in curves.items():
    ax.plot(sizes, scores.mean(axis=1), marker="o", label=name)
    ax.fill_between(sizes, scores.min(axis=1), scores.max(axis=1), alpha=0.15)
    print(f"{name}: AUROC {scores[0].mean():.2f} with {sizes[0]} labels, ", end="")
    print(f"{scores[-1].mean():.2f} with {sizes[-1]}")
ax.set_xscale("log")
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
ax.set_xlabel("labeled records")
ax.set_ylabel("AUROC in other patients")
ax.legend()

"""
Your own torch module
=====================

Any torch module becomes a scikit-learn classifier: it can be cross-validated, searched, calibrated
and explained like any other. The records are synthetic; for real ones, replace ``make_ecg(...)`` by
``load_ptbxl(folder, task="mi")``.
"""

# %%
# A small residual network
# ------------------------
#
# The class is called with the number of leads and of outputs. It returns logits, and an embedding
# if it has one.

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from torch import nn

from sklearn_ecg import ECGNetClassifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import (
    EmbeddingDisplay,
    LeadImportanceDisplay,
    TrainingHistoryDisplay,
    lead_importance,
)
from sklearn_ecg.metrics import bootstrap_interval


class SmallResNet(nn.Module):
    def __init__(self, n_leads, n_outputs, width=16, n_blocks=2):
        super().__init__()
        self.stem = nn.Conv1d(n_leads, width, kernel_size=9, stride=2, padding=4)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm1d(width),
                nn.ReLU(),
                nn.Conv1d(width, width, kernel_size=9, padding=4),
                nn.Dropout(0.1),
            )
            for _ in range(n_blocks)
        )
        self.linear = nn.Linear(2 * width, n_outputs)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        embedding = torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)
        return self.linear(embedding), embedding


ecg = make_ecg(
    400,
    duration=3,
    prevalence=0.4,
    regions="inferior",
    records_per_patient=(1, 2),
    random_state=0,
)
X, y, patients = ecg.data, ecg.target, ecg.groups

# %%
# A search by patient
# -------------------
#
# Arguments of the module are parameters of the estimator, with the prefix ``module__``.

cv = StratifiedGroupKFold(n_splits=3, shuffle=True, random_state=0)
train, test = next(cv.split(X, y, patients))
search = GridSearchCV(
    ECGNetClassifier(SmallResNet, max_epochs=20, learning_rate=3e-3, random_state=0),
    {"module__width": [8, 24]},
    scoring="roc_auc",
    cv=StratifiedGroupKFold(n_splits=2, shuffle=True, random_state=0),
)
search.fit(X[train], y[train], groups=patients[train])
print(search.best_params_)
probability = search.predict_proba(X[test])[:, 1]
print(
    "AUROC in other patients:",
    bootstrap_interval("roc_auc", y[test], probability, groups=patients[test], random_state=0),
)
TrainingHistoryDisplay.from_estimator(search)

# %%
# What it relies on
# -----------------

# sphinx_gallery_thumbnail_number = 2
figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
importance = lead_importance(
    search, X[test], y[test], scoring="roc_auc", lead_groups="regions", random_state=0
)
LeadImportanceDisplay.from_importances(importance, score_name="roc_auc", ax=axes[0])
names = np.where(y[test], "infarction", "normal")
EmbeddingDisplay.from_estimator(search, X[test], names, ax=axes[1])

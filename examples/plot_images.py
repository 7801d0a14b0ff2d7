"""
ECGs as images, and where the network looks
===========================================

Some ECGs exist on paper or as screenshots only. This example trains an image classifier on drawn
pages, and compares it with a classifier of the signals that the pages were drawn from: the
difference is the price of the paper. Heat maps show which parts of a page support the prediction.

The records are synthetic. For pages of your own, replace ``pages`` and ``y`` by the ``data`` and
``target`` of ``load_ecg_images(folder)``.
"""

# %%
# Pages
# -----
#
# The pages are small, so that the example takes less than a minute. On a GPU, use at least 224
# pixels. On so small pages, an elevation of 0.1 mV is a fraction of a pixel: the infarctions here
# are larger than the default.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from sklearn_ecg import SimCardioNetClassifier, SimCardioNetEncoder
from sklearn_ecg.beats import make_beat_classifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import GradCAMDisplay
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval
from sklearn_ecg.preprocessing import ECGImageRenderer

ecg = make_ecg(
    360,
    regions="anterior",
    prevalence=0.5,
    severity=3,
    records_per_patient=(1, 2),
    random_state=0,
)
y, patients = np.asarray(ecg.target), ecg.groups
pages = ECGImageRenderer(ecg.sampling_rate, image_size=(240, 320)).fit_transform(ecg.data)
train, test = next(StratifiedGroupKFold(3, shuffle=True, random_state=0).split(pages, y, patients))
figure, axes = plt.subplots(1, 2, figsize=(8, 3.3), layout="constrained")
for ax, label, name in zip(axes, (0, 1), ("normal", "infarction")):
    ax.imshow(pages[train][y[train] == label][0], cmap="gray")
    ax.set_title(name)
    ax.set_axis_off()

# %%
# Train on pages, and on signals
# ------------------------------
#
# With ``max_epochs=0``, the encoder is not pretrained, and the whole network is trained from
# scratch. Pretraining needs more pages; those without labels may be among them.

network = SimCardioNetClassifier(
    SimCardioNetEncoder(image_size=112, filters=(16, 32, 64), max_epochs=0),
    unfreeze_interval=0,
    encoder_learning_rate=1e-3,
    max_epochs=16,
    random_state=0,
)
network.fit(pages[train], y[train])
from_pages = network.predict_proba(pages[test])[:, 1]
beats = make_beat_classifier(ecg.sampling_rate, random_state=0).fit(ecg.data[train], y[train])
from_signals = beats.predict_proba(ecg.data[test])[:, 1]
options = {"groups": patients[test], "random_state": 0}
print("AUROC from pages:  ", bootstrap_interval("roc_auc", y[test], from_pages, **options))
print("AUROC from signals:", bootstrap_interval("roc_auc", y[test], from_signals, **options))
print(
    "difference:        ",
    bootstrap_difference("roc_auc", y[test], from_pages, from_signals, **options),
)

# %%
# Where the network looks
# -----------------------
#
# Grad-CAM of a typical page of each class, the one with the median of the probabilities. The
# infarctions are anterior: V3 and V4 are in the right half of the page, in the third row of the
# third column and in the first row of the last one. The map of so small a network is coarse, and
# may highlight other leads as well.

# sphinx_gallery_thumbnail_number = 2
order = test[np.argsort(from_pages)]
chosen = [order[y[order] == label] for label in (1, 0)]
chosen = [pages_of_class[len(pages_of_class) // 2] for pages_of_class in chosen]
figure, axes = plt.subplots(1, 2, figsize=(10, 3.5), layout="constrained")
for ax, record, title in zip(axes, chosen, ("infarction", "normal")):
    GradCAMDisplay.from_estimator(network, pages, record=record, target=1, ax=ax)
    probability = network.predict_proba(pages[[record]])[0, 1]
    ax.set_title(f"{title}: probability {probability:.2f}")

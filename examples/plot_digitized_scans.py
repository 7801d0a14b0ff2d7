"""
From a folder of scanned ECGs to a cross-validated AUROC
========================================================

A folder has scans of paper ECGs, and a CSV file has a label and the patient of each scan. This
example digitizes the scans, measures beats in the signals, and compares a classifier of these
measurements with a network that is trained on the images themselves.

The scans are synthetic. To use your own, set the environment variable ``ECG_FOLDER`` to a folder
with PNG, JPEG or TIFF files and a table ``labels.csv`` with the columns file, label (0 or 1) and
patient.
"""

# %%
# The scans
# ---------
#
# Pages are drawn, and `RandomScan` turns them slightly and adds uneven light, blur, noise and
# compression. One of them was put into the scanner upside down.

import os
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from PIL import Image
from sklearn.metrics import roc_curve
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from sklearn_ecg import SimCardioNetClassifier, SimCardioNetEncoder
from sklearn_ecg.augmentation import RandomRotation, RandomScan
from sklearn_ecg.beats import make_beat_classifier
from sklearn_ecg.datasets import load_ecg_images, make_ecg
from sklearn_ecg.inspection import DigitizedPageDisplay
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval
from sklearn_ecg.preprocessing import ECGImageDigitizer, ECGImageRenderer


def write_example(folder):
    """Write scans and a table of labels."""
    ecg = make_ecg(90, prevalence=0.5, severity=4, records_per_patient=(1, 2), random_state=3)
    renderer = ECGImageRenderer(ecg.sampling_rate, image_size=(850, 1100), rhythm_lead=None)
    pages = torch.as_tensor(renderer.fit_transform(ecg.data))
    scan = RandomScan(severity=0.3)
    names = [f"scan{i:03d}.png" for i in range(len(pages))]
    for number, name in enumerate(names):
        (page,) = scan(pages[number, None, None] / 255, random_state=number)[0]
        page = (255 * page).round().to(torch.uint8).numpy()
        page = page[::-1, ::-1] if number == 4 else page
        Image.fromarray(page).save(folder / name, compress_level=1)
    table = pd.DataFrame({"file": names, "label": ecg.target, "patient": ecg.groups})
    table.to_csv(folder / "labels.csv", index=False)
    return folder


folder = Path(os.environ.get("ECG_FOLDER") or write_example(Path(tempfile.mkdtemp())))
images = load_ecg_images(
    folder,
    labels=folder / "labels.csv",
    group_column="patient",
    image_size=112,
    aspect="stretch",
)
print(f"{len(images.data)} scans of {len(np.unique(images.groups))} patients")

# %%
# From scans to signals
# ---------------------
#
# The digitizer opens the files at their full size. It refuses a page whose signals would be
# doubtful. Such pages are named with the reason, and left out of everything that follows, together
# with their labels and patients, so that all scores are on the same scans. Compare the labels of
# refused pages: if more are of one class, the scores are those of another population. Here, most
# are infarctions, whose tall traces reach into other rows.

rate = 100
digitizer = ECGImageDigitizer(rate, on_error="nan", output="frame")
bunch = digitizer.digitize([folder / name for name in images.filenames])
signals, report = bunch.signals, bunch.report
refused = (report["status"] != "digitized").to_numpy()
for position in np.flatnonzero(refused):
    label, reason = images.target[position], report["reason"][position]
    print(f"left out: {images.filenames[position]} (label {label}): {reason}")
kept = np.flatnonzero(~refused)
X, pages = signals.iloc[kept], images.data[kept]
y, patients = images.target[kept], images.groups[kept]
print(f"{len(X)} scans of {len(np.unique(patients))} patients are used, {y.sum()} positive")

# %%
# Look at some pages before you use signals. `DigitizedPageDisplay` draws what each step finds: the
# grid with the scale, the rotation and the perspective, the traces that were followed on the
# upright page, and the recovered signals over the scan.

shown = kept[np.flatnonzero(y)[0]]
display = DigitizedPageDisplay(digitizer.inspect(folder / images.filenames[shown]))
figure, axes = plt.subplots(2, 2, figsize=(12, 9), layout="constrained")
for ax, step in zip(axes.flat, ["grid", "paths", "signals", "signals"]):
    display.plot(ax, step=step)
top, bottom, left, right = report["lead_boxes"][shown]["V3"]
axes[1, 1].set(xlim=(left - 10, right + 10), ylim=(bottom + 10, top - 10), title="lead V3")

# %%
# Predictions, cross-validated
# ----------------------------
#
# `make_beat_classifier` averages gradient boosting, randomized trees and logistic regression on the
# measurements of `BeatFeatures`, which ignore what is not printed: a page has 2.5 seconds of most
# leads. The network is trained on the same scans, reduced to 112 x 112 pixels. With
# ``max_epochs=0``, its encoder is not pretrained. Its other parameters were chosen on such
# synthetic scans, in part on these, and its score is not the best that a network can reach. Both
# are cross-validated in the same folds, which keep the scans of a patient together.

beats = make_beat_classifier(rate, random_state=0)
network = SimCardioNetClassifier(
    SimCardioNetEncoder(image_size=112, filters=(16, 32, 64), kernel_sizes=(3,), max_epochs=0),
    augmentation=RandomRotation(),
    unfreeze_interval=0,
    encoder_learning_rate=1e-3,
    max_epochs=30,
    batch_size=8,
    random_state=0,
)
cv = StratifiedGroupKFold(n_splits=3, shuffle=True, random_state=0)
split = {"groups": patients, "cv": cv, "method": "predict_proba"}
from_signals = cross_val_predict(beats, X, y, **split)[:, 1]
from_images = cross_val_predict(network, pages, y, **split)[:, 1]

options = {"groups": patients, "random_state": 0}
figure, ax = plt.subplots(figsize=(5, 5), layout="constrained")
for name, probability in [("digitized signals", from_signals), ("images", from_images)]:
    auroc = bootstrap_interval("roc_auc", y, probability, **options)
    print(f"AUROC from {name}: {auroc}")
    ax.plot(*roc_curve(y, probability)[:2], label=f"{name}: {auroc}")
difference = bootstrap_difference("roc_auc", y, from_signals, from_images, **options)
print(f"difference: {difference}")
ax.plot([0, 1], [0, 1], color="lightgray", zorder=0)
ax.set(xlabel="false positive rate", ylabel="true positive rate", aspect="equal")
ax.legend(title="AUROC with interval of 95 %", loc="lower right")

# %%
# What this shows, and what it does not
# -------------------------------------
#
# The steps work together, from files to scores with intervals, and the scores of so few scans are
# uncertain. Before you prefer one of the two, look at the interval of the
# difference: it is paired, that is, computed on the same patients.
#
# Nothing follows for patients. These infarctions are larger than usual, and the records differ in
# nothing else; all pages come from one program, with one layout and mild effects of a scanner. What
# is refused on pages of real records, and what is lost compared with their signals, is in
# :doc:`/digitizing`; networks on images of real records are in :doc:`/reproduction/simcardio`.

"""
Scans of paper ECGs: from the page to a prediction
==================================================

A classifier of beats is trained on signals, and applied to records that exist on paper only: scans
are digitized, and a page whose signals would be doubtful is refused. The pages are drawn from
synthetic records and look like scans, so that the true signals are known. For pages of your own,
pass a list of paths to `ECGImageDigitizer`.
"""

# %%
# Records on paper
# ----------------
#
# `RandomScan` turns each page, and adds uneven light, blur, noise and traces of compression.

import matplotlib.pyplot as plt
import numpy as np
import torch

from sklearn_ecg.augmentation import RandomScan
from sklearn_ecg.beats import make_beat_classifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.metrics import bootstrap_interval
from sklearn_ecg.preprocessing import ECGImageDigitizer, ECGImageRenderer

options = {"regions": "anterior", "prevalence": 0.5, "class_sep": 1.5}
paper = make_ecg(24, **options, random_state=1)
rate, y = paper.sampling_rate, paper.target
renderer = ECGImageRenderer(rate, image_size=(850, 1100), color="rgb")
drawn = torch.as_tensor(np.asarray(renderer.fit_transform(paper.data)), dtype=torch.float32) / 255
scan = RandomScan(severity=0.3)
pages = []
for number, page in enumerate(drawn):
    scanned = scan(page.permute(2, 0, 1)[None], random_state=number)[0].permute(1, 2, 0)
    pages.append((255 * scanned).round().to(torch.uint8).numpy())

# %%
# From pages to signals
# ---------------------
#
# With ``on_error="nan"``, the signals of a page that is refused are NaN, and the report has the
# reason.

digitizer = ECGImageDigitizer(rate, on_error="nan")
signals, report = digitizer.digitize(pages).values()
print(report["status"].value_counts().to_string())
read = np.flatnonzero(report["status"] == "digitized")

# %%
# Look at some pages before you use signals. Here, the recovered signals are drawn on the page: the
# report has the place of each lead and the scale.

row = report.loc[read[0]]
figure, ax = plt.subplots(figsize=(9, 7), layout="constrained")
ax.imshow(pages[read[0]])
for lead, name in enumerate(digitizer.get_feature_names_out()):
    top, _, left, _ = row["lead_boxes"][name]
    printed = signals[read[0], lead]
    # A rhythm strip has the remaining seconds of a lead: this is the part in its column.
    width = len(printed) // 4
    start = width * (lead // 3)
    printed = printed[start : start + width]
    x = left + 25 * row["pixels_per_mm_x"] * np.arange(width) / rate
    height = top + 10 * row["pixels_per_mm_y"] * (np.nanmax(printed) - printed)
    ax.plot(x, height, color="#0072B2", linewidth=1, alpha=0.8)
ax.set_axis_off()

# %%
# Predictions from paper
# ----------------------
#
# A page has 2.5 seconds of most leads instead of 10. The classifier is therefore trained on the
# same parts of signals of other patients. What is lost by digitizing is the difference to
# predictions from these parts of the true signals. In the figure, each point is a record: the order
# of the records is much the same, but most probabilities are higher from pages. Where probabilities
# matter, calibrate the classifier on digitized pages.

ecg = make_ecg(200, **options, random_state=0)
printed = ~np.isnan(signals[read]).all(axis=0)
clf = make_beat_classifier(rate, random_state=0)
clf.fit(np.where(printed, ecg.data, np.nan), ecg.target)
from_signals = clf.predict_proba(np.where(printed, paper.data[read], np.nan))[:, 1]
from_pages = clf.predict_proba(signals[read])[:, 1]
for name, probability in [("true signals", from_signals), ("pages", from_pages)]:
    auroc = bootstrap_interval("roc_auc", y[read], probability, random_state=0)
    print(f"AUROC from {name}: {auroc}")
figure, ax = plt.subplots(figsize=(4.6, 4.4), layout="constrained")
ax.plot([0, 1], [0, 1], color="lightgray", zorder=0)
for label, name in enumerate(("normal", "infarction")):
    chosen = y[read] == label
    ax.scatter(from_signals[chosen], from_pages[chosen], label=name)
ax.set_xlabel("probability from signals")
ax.set_ylabel("probability from pages")
ax.legend()

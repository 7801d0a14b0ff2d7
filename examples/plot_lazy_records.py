"""
Records that do not fit into memory
===================================

`LazyRecords` are records in a file. They are indexed like an array, and filters, features and
networks read them in parts. The results are those of the array. The records are synthetic; for real
ones, use ``load_ptbxl(folder, task="mi", lazy=True, cache=file)``.
"""

# %%
# A file of records
# -----------------
#
# Numbers of int16 take half of the disk of float32: here, 1 is 1 µV.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from sklearn_ecg import LazyRecords
from sklearn_ecg.beats import make_beat_classifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.metrics import bootstrap_interval
from sklearn_ecg.preprocessing import BandpassFilter, MedianBeat

ecg = make_ecg(
    300,
    regions="anterior",
    prevalence=0.4,
    records_per_patient=(1, 2),
    random_state=0,
)
y, patients, rate = ecg.target, ecg.groups, ecg.sampling_rate
path = Path(tempfile.mkdtemp(), "records.npy")
np.save(path, np.round(1000 * ecg.data).astype(np.int16))
records = LazyRecords(path, scale=0.001, sampling_rate=rate, units="mV")
print(records.shape, f"{path.stat().st_size / 2**20:.1f} MiB")

# %%
# Filters wait until records are read
# -----------------------------------
#
# A transformer from signals to signals returns lazy records.

filtered = BandpassFilter(0.5, 40, sampling_rate=rate).fit_transform(records)
print(type(filtered).__name__, filtered[y == 1].shape)
beats = MedianBeat(rate, unreliable="record_average").fit_transform(filtered)
saved = beats.save(path.with_name("beats.npy"))

# %%
# The saved beats are small. The difference of their means, with two standard errors, shows where
# the infarctions are:

saved = np.asarray(saved) * 1000
groups = saved[y == 1], saved[y == 0]
difference = groups[0].mean(axis=0) - groups[1].mean(axis=0)
error = np.sqrt(sum(group.var(axis=0) / len(group) for group in groups))
times = 1000 * np.arange(saved.shape[2]) / rate
figure, axes = plt.subplots(2, 3, figsize=(8, 4), sharex=True, sharey=True, layout="constrained")
for ax, name in zip(axes.flat, ("V1", "V2", "V3", "V4", "V5", "V6")):
    lead = ecg.lead_names.index(name)
    low, high = (difference[lead] + sign * 2 * error[lead] for sign in (-1, 1))
    ax.axhline(0, color="gray", linewidth=0.8)
    ax.fill_between(times, low, high, color="#0072B2", alpha=0.25)
    ax.plot(times, difference[lead], color="#0072B2")
    ax.set_title(name)
for ax in axes[1]:
    ax.set_xlabel("time (ms)")
for ax in axes[:, 0]:
    ax.set_ylabel("difference (µV)")

# %%
# Cross-validation
# ----------------
#
# Folds are positions in the file and copy nothing. With ``n_jobs=2``, each process opens the file.

clf = make_beat_classifier(rate, random_state=0)
cv = StratifiedGroupKFold(n_splits=3, shuffle=True, random_state=0)
p = cross_val_predict(clf, records, y, groups=patients, cv=cv, method="predict_proba")[:, 1]
print("AUROC", bootstrap_interval("roc_auc", y, p, groups=patients, random_state=0))

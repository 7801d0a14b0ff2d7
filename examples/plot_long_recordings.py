"""
Long recordings: windows of a Holter
====================================

A long recording is cut into windows. `WindowedClassifier` predicts the whole recording from them,
and the probabilities of the windows show when something happens. The records are synthetic: ST
elevation in a part of the recording. For one of your own, use
``recording = load_wfdb([path]).data[0]``.
"""

# %%
# Train on short records
# ----------------------
#
# Records of 6 s of patients with and without ST elevation in the inferior leads.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import WindowedClassifier, detect_r_peaks
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import ECGDisplay
from sklearn_ecg.preprocessing import RandomConvolutionFeatures, windows

train = make_ecg(200, duration=6, regions="inferior", severity=0.4, prevalence=0.5, random_state=0)
rate = int(train.sampling_rate)
model = make_pipeline(
    RandomConvolutionFeatures(2000, random_state=0),
    StandardScaler(),
    LogisticRegression(C=0.001, max_iter=1000),
)
clf = WindowedClassifier(model, duration=6, step=3, sampling_rate=rate)
clf.fit(train.data, train.target)

# %%
# A recording of two minutes
# --------------------------
#
# The same patient without, with, and again without ST elevation.

parts = [
    make_ecg(
        1,
        duration=40,
        regions="inferior",
        severity=severity,
        prevalence=1.0,
        heart_rate=70,
        random_state=7,
    ).data[0]
    for severity in (0, 0.4, 0)
]
recording = np.concatenate(parts, axis=1)
beats = detect_r_peaks(recording[np.newaxis], rate).peaks[0]
print(f"{recording.shape[1] / rate:.0f} s, {len(beats)} beats")
print(f"probability of the whole recording: {clf.predict_proba([recording])[0, 1]:.2f}")

# %%
# When does it happen?
# --------------------
#
# The windows are passed to the classifier as records of their own.

cut, _ = windows(recording[np.newaxis], 6 * rate, step=rate)
seconds = np.arange(len(cut)) + 3
probability = clf.predict_proba(cut)[:, 1]
figure, ax = plt.subplots(figsize=(8, 2.6), layout="constrained")
ax.axvspan(40, 80, color="tab:red", alpha=0.12, label="ST elevation")
ax.plot(seconds, probability)
ax.set_ylim(0, 1)
ax.set_xlabel("center of the window (s)")
ax.set_ylabel("probability")
ax.legend(loc="upper right")

# %%
# The window with the highest probability, drawn as on ECG paper:

ECGDisplay.from_record(cut, rate, record=int(probability.argmax()), layout="6x2")

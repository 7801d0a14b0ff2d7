"""
Save, load and export a model
=============================

A fitted model is saved in one file, which contains data only and cannot run code when it is loaded.
A network can also be exported to ONNX, to be used without Python and torch. The records are
synthetic; for real ones, replace ``make_ecg(...)`` by
``load_ptbxl(folder, task="mi", as_frame=True)``.
"""

# %%
# Train
# -----

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.persistence import export_onnx, load, save
from sklearn_ecg.preprocessing import BandpassFilter

ecg = make_ecg(
    300,
    duration=2.5,
    prevalence=0.4,
    regions="anterior",
    records_per_patient=(1, 2),
    as_frame=True,
    random_state=1,
)
X, y = ecg.data, np.asarray(ecg.target)
train, test = next(GroupShuffleSplit(1, test_size=0.4, random_state=0).split(X, y, ecg.groups))
clf = make_pipeline(
    BandpassFilter(0.5, 40, sampling_rate=ecg.sampling_rate),
    MSAICNetClassifier(filters=(16, 16), max_epochs=20, random_state=0),
)
clf.fit(X.iloc[train], y[train])
probability = clf.predict_proba(X.iloc[test])[:, 1]
print(f"AUROC in other patients: {roc_auc_score(y[test], probability):.2f}")

# %%
# Save and load
# -------------
#
# The loaded pipeline gives the same predictions, and still refuses records with other leads.

folder = Path(tempfile.mkdtemp())
save(clf, folder / "model.ecg")
loaded = load(folder / "model.ecg")
print("equal:", np.array_equal(loaded.predict_proba(X.iloc[test])[:, 1], probability))
new = X.iloc[[test[0]]]
print(f"one new record: {loaded.predict_proba(new)[0, 1]:.2f}")
try:
    loaded.predict_proba(new.drop(columns="V6"))
except ValueError as error:
    # The first sentences of the message.
    print(*str(error).split(". ")[:2], sep=".\n")

# %%
# Export
# ------
#
# The ONNX file contains the filter as well as the network. It is compared with the estimator before
# it is written.

try:
    difference = export_onnx(clf, folder / "model.onnx", X.iloc[test])
except ImportError as error:
    print(error)
    exported = probability
else:
    import onnxruntime

    session = onnxruntime.InferenceSession(folder / "model.onnx")
    signals = np.stack([np.stack(list(row)) for row in X.iloc[test].to_numpy()])
    (exported,) = session.run(None, {"signals": signals.astype(np.float32)})
    exported = exported[:, 1]
    print(f"largest difference: {difference:.0e}")

# %%
# Both files give the probabilities of the estimator.

sizes = {path.suffix: path.stat().st_size / 1024 for path in sorted(folder.iterdir())}
figure, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
axes[0].plot([0, 1], [0, 1], color="lightgray", zorder=0)
for label in (0, 1):
    chosen = y[test] == label
    name = ["normal", "infarction"][label]
    axes[0].scatter(probability[chosen], exported[chosen], s=14, label=name)
axes[0].set_xlabel("probability, estimator")
axes[0].set_ylabel("probability, ONNX file")
axes[0].legend()
axes[1].bar(list(sizes), list(sizes.values()), color="#0072B2", width=0.5)
axes[1].set_ylabel("size of the file (KiB)")

"""Tests of inspection on memory maps: the results of arrays, without a copy of all records."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_ecg import ACLECGClassifier, ACLECGEncoder, MSAICNetClassifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.deep import _inputs
from sklearn_ecg.inspection import _lead_replacement, grad_cam, lead_importance
from sklearn_ecg.inspection import record_lead_importance as record_importance
from sklearn_ecg.utils._memory_maps import is_memory_map, open_copy_on_write


@pytest.fixture(scope="module")
def data():
    return make_ecg(
        60, duration=1, prevalence=0.4, return_X_y=True, class_sep=np.inf, random_state=0
    )


def as_map(X, folder):
    np.save(folder / "X.npy", X)
    return np.load(folder / "X.npy", mmap_mode="r")


NORMALIZE = ("dataset", "record", "record_lead", None)
ESTIMATORS = (*NORMALIZE, "pipeline", "selected leads", "other estimator")


@pytest.fixture(scope="module", params=ESTIMATORS, ids=str)
def estimator(request, data):
    options = {"filters": (4,), "max_epochs": 1, "random_state": 0, "dilations": (1,)}
    if request.param in NORMALIZE:
        return MSAICNetClassifier(normalize=request.param, **options).fit(*data)
    if request.param == "pipeline":
        return make_pipeline(MSAICNetClassifier(**options)).fit(*data)
    if request.param == "selected leads":
        # The network takes eight of the leads.
        encoder = ACLECGEncoder(sampling_rate=100, max_epochs=1)
        return ACLECGClassifier(encoder, max_epochs=1, random_state=0).fit(*data)
    means = FunctionTransformer(lambda X: np.asarray(X).mean(axis=2))
    return make_pipeline(means, LogisticRegression()).fit(*data)


@pytest.mark.parametrize("method", ["shuffle", "gaussian"])
def test_memory_maps_give_the_results_of_arrays(method, estimator, data, tmp_path, monkeypatch):
    X, y = data
    X_map = as_map(X, tmp_path)
    options = {"method": method, "n_repeats": 2, "random_state": 0}
    # A lead may be in several groups.
    groups = {"limb": ["I", "II"], "other": ["II", "V1"], "V6": ["V6"]}
    scored = {**options, "lead_groups": groups, "scoring": "neg_log_loss"}
    expected = (
        lead_importance(estimator, X, y, **scored).importances,
        record_importance(estimator, X, **options),
        grad_cam(estimator, X) if isinstance(estimator, MSAICNetClassifier) else None,
    )
    # No signals are copied in advance.
    monkeypatch.setattr(_inputs, "EditableSignals", None)
    found = lead_importance(estimator, X_map, y, **scored).importances
    np.testing.assert_array_equal(found, expected[0])
    np.testing.assert_array_equal(record_importance(estimator, X_map, **options), expected[1])
    if expected[2] is not None:
        np.testing.assert_array_equal(grad_cam(estimator, X_map), expected[2])
    np.testing.assert_array_equal(X_map, X)
    np.testing.assert_array_equal(np.load(tmp_path / "X.npy"), X)


@pytest.mark.parametrize("part", [slice(None), slice(10, 50)])
def test_rows_and_parts_of_a_map(part, data, tmp_path):
    X, y = data
    rows = X.reshape(len(X), -1)
    estimator = LogisticRegression(max_iter=500).fit(rows, y)
    X_map = as_map(rows, tmp_path)[part]
    options = {"n_leads": 12, "scoring": "neg_log_loss", "random_state": 0}
    expected = lead_importance(estimator, rows[part], y[part], **options)
    found = lead_importance(estimator, X_map, y[part], **options)
    np.testing.assert_array_equal(found.importances, expected.importances)


def test_integers_are_replaced_by_real_noise(data, tmp_path):
    X, y = data
    rows = (1000 * X).astype(np.int16).reshape(len(X), -1)
    estimator = LogisticRegression(max_iter=50, tol=1).fit(rows, y)
    options = {"n_leads": 12, "scoring": "neg_log_loss", "random_state": 0}
    for method in ("shuffle", "gaussian"):
        results = [
            lead_importance(estimator, container, y, method=method, **options).importances
            for container in (rows, as_map(rows, tmp_path))
        ]
        np.testing.assert_array_equal(*results)


def test_copy_on_write(data, tmp_path):
    X, _ = data
    X_map = as_map(X, tmp_path)
    copy = open_copy_on_write(X_map[10:20])
    assert is_memory_map(copy) and is_memory_map(np.asarray(X_map)) and not is_memory_map(X)
    np.testing.assert_array_equal(copy, X[10:20])
    copy[:] = 0
    np.testing.assert_array_equal(X_map, X)
    # Nothing that is not in the order of the file, and no file that is gone.
    assert open_copy_on_write(X_map[:, ::2]) is None and open_copy_on_write(X) is None
    path = tmp_path / "X.npy"
    path.rename(tmp_path / "other.npy")
    assert open_copy_on_write(X_map) is None
    records = _lead_replacement.copy_records(X_map, "array", 12)
    np.testing.assert_array_equal(records.X, X)


SCRIPT = """
import sys, threading, time
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import lead_importance

class OneValue(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.fitted_ = True
        return self
    def predict(self, X):
        return (X[:, 0, 0] > 0).astype(int)

X, y = make_ecg(40, duration=10, prevalence=0.5, return_X_y=True, random_state=0)
net = MSAICNetClassifier(filters=(2,), dilations=(1,), max_epochs=1, random_state=0).fit(X, y)
large = np.lib.format.open_memmap(sys.argv[1], "w+", np.float32, (2000, 12, 1000))
for part in range(0, 2000, 40):
    large[part : part + 40] = X
del large
large, y = np.load(sys.argv[1], mmap_mode="r"), np.resize(y, 2000)

def memory():
    lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(lines["RssAnon"].split()[0]) * 1024

def watch():
    while True:
        peak[0] = max(peak[0], memory())
        time.sleep(0.002)

peak = [0]
threading.Thread(target=watch, daemon=True).start()
for estimator in (net, OneValue().fit(X, y)):
    peak[0] = memory()
    for _ in range(3):
        estimator.predict(large)
    of_predictions = max(peak[0], memory())
    lead_importance(estimator, large, y, n_repeats=1, lead_groups={"I": ["I"], "V1": ["V1"]})
    print((peak[0] - of_predictions) / large.nbytes)
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="memory is read from /proc")
def test_memory_of_lead_importance(tmp_path):
    """What is needed beyond a prediction is a few copies of a lead; a copy of X would be 1."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "large.npy")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    network, other = map(float, run.stdout.split())
    assert network < 0.9
    assert other < 0.5

"""Results do not depend on processes, workers of joblib, or the threads that torch is set to."""

import os
import re
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_predict
from skorch.callbacks import Callback
from threadpoolctl import threadpool_limits

from sklearn_ecg import (
    ACLECGClassifier,
    ACLECGEncoder,
    MSAICNetClassifier,
    SimCardioNetClassifier,
    SimCardioNetEncoder,
)
from sklearn_ecg.augmentation import GaussianNoise
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import grad_cam, lead_importance
from sklearn_ecg.persistence import load, save
from sklearn_ecg.utils._torch import usual_settings
from sklearn_ecg.utils._torch_threads import ThreadCounts, torch_threads

CPU = torch.device("cpu")
COMMON = {"max_epochs": 1, "batch_size": 16, "random_state": 0}
# The default networks, whose convolutions and products are large enough for several threads.
ESTIMATORS = {
    "MSAIC-Net": MSAICNetClassifier(**{**COMMON, "max_epochs": 3}),
    "ACL-ECG": ACLECGClassifier(ACLECGEncoder(sampling_rate=100, **COMMON), **COMMON),
    "SimCardioNet": SimCardioNetClassifier(
        SimCardioNetEncoder(image_size=48, filters=(16, 32), **COMMON),
        unfreeze_interval=0,
        **COMMON,
    ),
}


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(40, duration=2, prevalence=0.5, random_state=0)


@pytest.fixture(autouse=True)
def restored_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def data(name, ecg):
    if name == "SimCardioNet":
        return np.random.RandomState(0).randint(0, 256, (40, 48, 48)).astype(np.uint8), ecg.target
    # The default ACL-ECG has an encoder for each of eight leads.
    n_records = 16 if name == "ACL-ECG" else 40
    return ecg.data[:n_records], ecg.target[:n_records]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_results_do_not_depend_on_the_threads_of_the_program(name, ecg):
    X, y = data(name, ecg)
    found = {}
    for n_program in (1, 2):
        torch.set_num_threads(n_program)
        fixed = clone(ESTIMATORS[name]).fit(X, y)
        free = clone(ESTIMATORS[name]).set_params(n_threads=None)
        if hasattr(free, "encoder"):
            free.set_params(encoder__n_threads=None)
        free.fit(X, y)
        found[n_program] = (fixed.predict_proba(X), fixed.transform(X), free.predict_proba(X))
        assert torch.get_num_threads() == n_program
    for one, two in zip(found[1][:2], found[2][:2]):
        np.testing.assert_array_equal(one, two)
    if name == "MSAIC-Net":  # otherwise the test could not fail
        assert (found[1][2] != found[2][2]).any()
    np.testing.assert_array_equal(found[1][0], found[1][2])


@pytest.mark.parametrize("name", ESTIMATORS)
def test_n_jobs_do_not_matter(name, ecg):
    X, y = data(name, ecg)
    torch.set_num_threads(2)
    options = {"cv": 2, "method": "predict_proba"}
    clf = ESTIMATORS[name]
    one, two = (cross_val_predict(clf, X, y, n_jobs=n, **options) for n in (1, 2))
    np.testing.assert_array_equal(one, two)
    if name == "MSAIC-Net":
        grid = {"learning_rate": [1e-3, 3e-3]}
        one, two = (
            GridSearchCV(clf, grid, cv=2, scoring="neg_log_loss", n_jobs=n).fit(X, y)
            for n in (1, 2)
        )
        np.testing.assert_array_equal(
            one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"]
        )
        np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_predictions_do_not_depend_on_chunks_and_order(name):
    """With more records than are predicted at once."""
    rng = np.random.RandomState(0)
    y = np.arange(530) % 2
    if name == "SimCardioNet":
        X = rng.randint(0, 256, (530, 16, 16)).astype(np.uint8)
        X[y == 1, :8] //= 2
    else:
        X = rng.randn(530, 12, 60).astype(np.float32) * (1 + y[:, None, None])
    clf = clone(ESTIMATORS[name])
    if name == "SimCardioNet":
        clf.set_params(encoder__image_size=16)
    elif name == "ACL-ECG":
        clf.set_params(encoder__augmentation=GaussianNoise(0.1))
    clf.fit(X[:32], y[:32])
    order = rng.permutation(len(X))
    parts = np.split(order, [1, 3, 20, 60, 200])
    for method in (clf.predict_proba, clf.decision_function, clf.transform):
        expected = method(X)
        assert expected.std() > 1e-3
        np.testing.assert_array_equal(method(X), expected)
        np.testing.assert_allclose(method(X[order]), expected[order], rtol=1e-5, atol=1e-5)
        found = np.concatenate([method(X[part]) for part in parts])
        np.testing.assert_allclose(found, expected[order], rtol=1e-5, atol=1e-5)


PROGRAM = """
import sys
import numpy as np, torch
from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.persistence import load, save

ecg = make_ecg(40, duration=2, prevalence=0.5, random_state=0)
clf = MSAICNetClassifier(max_epochs=3, batch_size=16, random_state=0).fit(ecg.data, ecg.target)
save(clf, sys.argv[1] + ".ecg")
np.save(sys.argv[1] + ".npy", clf.predict_proba(ecg.data))
"""


def test_processes_and_files_do_not_matter(tmp_path, ecg):
    expected = clone(ESTIMATORS["MSAIC-Net"]).fit(ecg.data, ecg.target).predict_proba(ecg.data)
    for n_threads in ("1", "2"):
        environment = {**os.environ, "OMP_NUM_THREADS": n_threads, "PYTHONHASHSEED": n_threads}
        path = str(tmp_path / n_threads)
        subprocess.run([sys.executable, "-c", PROGRAM, path], env=environment, check=True)
        np.testing.assert_array_equal(np.load(path + ".npy"), expected)
        torch.set_num_threads(int(n_threads))
        loaded = load(path + ".ecg")
        assert loaded.n_threads == 1
        np.testing.assert_array_equal(loaded.predict_proba(ecg.data), expected)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_number_is_saved_with_the_model(n_threads, ecg, tmp_path):
    clf = clone(ESTIMATORS["MSAIC-Net"]).set_params(n_threads=n_threads, max_epochs=1)
    save(clf.fit(ecg.data, ecg.target), tmp_path / "model.ecg")
    expected = clf.predict_proba(ecg.data)
    torch.set_num_threads(3)
    loaded = load(tmp_path / "model.ecg")
    np.testing.assert_array_equal(loaded.predict_proba(ecg.data), expected)
    again = clone(loaded).fit(ecg.data, ecg.target)
    np.testing.assert_array_equal(again.predict_proba(ecg.data), expected)


NOTED = []


class NoteThreads(Callback):
    """Note the number of threads in the training."""

    def on_batch_end(self, net, **kwargs):
        NOTED.append(torch.get_num_threads())


def small(**params):
    small = {"filters": (4,), "dilations": (1,), "max_epochs": 1, "random_state": 0}
    return MSAICNetClassifier(**{**small, **params})


def test_every_method_computes_with_the_number(ecg, monkeypatch):
    NOTED.clear()
    torch.set_num_threads(3)
    clf = small(n_threads=2, callbacks=[NoteThreads()]).fit(ecg.data, ecg.target)
    assert set(NOTED) == {2}
    network = type(clf.net_.module_)
    pool = network.pool

    def noting_pool(self, x):
        NOTED.append(torch.get_num_threads())
        return pool(self, x)

    monkeypatch.setattr(network, "pool", noting_pool)
    for method in ("predict", "predict_proba", "predict_log_proba", "transform"):
        NOTED.clear()
        getattr(clf, method)(ecg.data)
        assert set(NOTED) == {2}, method
    NOTED.clear()
    grad_cam(clf, ecg.data)
    lead_importance(clf, ecg.data, ecg.target, n_repeats=1, random_state=0)
    assert set(NOTED) == {2}
    NOTED.clear()
    clf.set_params(n_threads=None).predict(ecg.data)
    assert set(NOTED) == {3} == {torch.get_num_threads()}


# A tiny encoder may collapse.
@pytest.mark.filterwarnings("ignore:The embedding has collapsed")
def test_encoder_has_its_own_number():
    NOTED.clear()
    params = {"callbacks": [NoteThreads()], "max_epochs": 1, "batch_size": 24, "random_state": 0}
    encoder = SimCardioNetEncoder(image_size=8, filters=(4,), n_heads=0, n_threads=3, **params)
    clf = SimCardioNetClassifier(encoder, n_threads=2, unfreeze_interval=0, **params)
    images = np.random.RandomState(0).randint(0, 256, (24, 8, 8)).astype(np.uint8)
    clf.fit(images, np.arange(24) % 2)
    assert NOTED == [3, 2]


def test_default_encoder_has_the_number_of_the_classifier(monkeypatch):
    """Also if the number of the classifier is None."""
    made = []
    monkeypatch.setattr(
        SimCardioNetEncoder, "fit", lambda self, X, y=None: made.append(self.n_threads) or 1 / 0
    )
    images = np.zeros((4, 8, 8), dtype=np.uint8)
    for n_threads in (2, None):
        with pytest.raises(ZeroDivisionError):
            SimCardioNetClassifier(n_threads=n_threads).fit(images, [0, 1, 0, 1])
    assert made == [2, None]


class Fail(Callback):
    def on_batch_end(self, net, **kwargs):
        raise RuntimeError("stopped")


def test_number_is_restored_after_errors(ecg, monkeypatch):
    torch.set_num_threads(3)
    with pytest.raises(RuntimeError, match="stopped"):
        small(callbacks=[Fail()]).fit(ecg.data, ecg.target)
    assert torch.get_num_threads() == 3
    clf = small().fit(ecg.data, ecg.target)
    with torch.no_grad():
        next(clf.net_.module_.parameters()).fill_(torch.nan)
    with pytest.raises(ValueError, match="returned NaN"):
        clf.predict(ecg.data)
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize("value", [0, -1, 1.5, "2", 1025])
def test_bad_numbers(value, ecg):
    with pytest.raises(ValueError, match="'n_threads' parameter of MSAICNetClassifier must be"):
        small(n_threads=value).fit(ecg.data, ecg.target)
    clf = small().fit(ecg.data, ecg.target).set_params(n_threads=value)
    with pytest.raises(
        ValueError, match=f"n_threads must be None or an int from 1 to 1024, got {value!r}"
    ):
        clf.predict(ecg.data)


def test_numpy_integers_are_numbers(ecg):
    clf = small(n_threads=np.int64(2)).fit(ecg.data, ecg.target)
    np.testing.assert_array_equal(
        clf.predict_proba(ecg.data),
        small(n_threads=2).fit(ecg.data, ecg.target).predict_proba(ecg.data),
    )


def test_threads_of_one_process(ecg):
    """Also new threads of Python, which torch sets up while other fits compute."""
    torch.set_num_threads(3)
    seen = []

    def work(seed):
        clf = small(random_state=seed).fit(ecg.data, ecg.target)
        seen.append(torch.get_num_threads())
        return clf.predict_proba(ecg.data)

    found = Parallel(n_jobs=2, backend="threading")(delayed(work)(seed) for seed in (0, 0, 1, 1))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[2], found[3])
    np.testing.assert_array_equal(found[0], work(0))
    assert set(seen) == {3} == {torch.get_num_threads()}


def in_new_thread(function):
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]


def test_overlapping_blocks_restore_the_number_of_the_program():
    torch.set_num_threads(3)
    entered, leave, after = threading.Event(), threading.Event(), []

    def other():
        with torch_threads(2):
            entered.set()
            assert leave.wait(timeout=60)
            after.append(torch.get_num_threads())
        after.append(torch.get_num_threads())

    with torch_threads(1):
        thread = threading.Thread(target=other)
        thread.start()
        assert entered.wait(timeout=60)
        assert torch.get_num_threads() == 1
        with torch_threads(4):
            assert torch.get_num_threads() == 4
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3
    leave.set()
    thread.join()
    assert after == [2, 3]
    assert in_new_thread(torch.get_num_threads) == 3


def test_number_of_mkl_is_set_as_well():
    """A program may have set that of OpenMP only, which is all that torch reports."""

    def number_of_mkl():
        found = re.search(r"mkl_get_max_threads\(\) : (\d+)", torch.__config__.parallel_info())
        return None if found is None else int(found[1])

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with threadpool_limits(1, user_api="openmp"), torch_threads(1):
            assert torch.get_num_threads() == 1
            assert number_of_mkl() in (1, None)
            with torch_threads(1):
                assert number_of_mkl() in (1, None)
            assert number_of_mkl() in (1, None)
    finally:
        torch.set_num_threads(before)


def test_number_of_a_thread_is_its_own():
    """A thread with another number than the program keeps it."""
    torch.set_num_threads(3)

    def other():
        torch.get_num_threads()
        torch.set_num_threads(4)
        with torch_threads(2):
            pass
        return torch.get_num_threads()

    with torch_threads(1):
        assert in_new_thread(other) == 4
    assert torch.get_num_threads() == 3


def test_forked_process_warns_about_its_single_thread():
    counts = ThreadCounts(single=threading.get_ident())
    with pytest.warns(UserWarning, match="forked .* uses 1 thread instead of n_threads=2"):
        previous = counts.enter(2)
    assert torch.get_num_threads() == 1
    counts.leave(previous)
    counts.leave(counts.enter(1))
    assert in_new_thread(lambda: (counts.enter(2), torch.get_num_threads())[1]) == 2


def test_settings_without_a_number_keep_it():
    torch.set_num_threads(3)
    with usual_settings(CPU):
        assert torch.get_num_threads() == 3
    with usual_settings(CPU, 2):
        assert torch.get_num_threads() == 2

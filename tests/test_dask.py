"""joblib's dask backend: two workers give the results of one process, bit for bit."""

import os

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV, cross_validate

from sklearn_ecg import LazyRecords, MSAICNetClassifier
from sklearn_ecg.datasets import load_wfdb, make_ecg
from sklearn_ecg.inspection import lead_importance
from sklearn_ecg.utils._parallel import compute_parts

CLF = MSAICNetClassifier(filters=(4,), dilations=(1,), max_epochs=2, batch_size=16, random_state=0)
# What distributed and its dependencies do with sockets and event loops is not ours.
pytestmark = [
    pytest.mark.filterwarnings("default::ResourceWarning"),
    pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("default::DeprecationWarning:distributed"),
]


@pytest.fixture(scope="module")
def data():
    return make_ecg(40, duration=1, prevalence=0.5, return_X_y=True, random_state=0)


@pytest.fixture(scope="module")
def lazy(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("dask") / "X.npy"
    np.save(path, data[0])
    return LazyRecords(path)


def test_two_workers_give_the_results_of_one_process(data, lazy, tmp_path):
    distributed = pytest.importorskip("distributed")
    X, y = data
    grid = {"learning_rate": [1e-3, 1e-2]}

    def search(records):
        return GridSearchCV(CLF, grid, cv=2, scoring="neg_log_loss").fit(records, y)

    names = [f"r{number}" for number in range(4)]
    for name, record in zip(names, X):
        (record[:2].T * 1000).astype("<i2").tofile(tmp_path / f"{name}.dat")
        signals = [f"{name}.dat 16 1000/mV 16 0 0 0 0 {lead}" for lead in ("I", "II")]
        (tmp_path / f"{name}.hea").write_text("\n".join([f"{name} 2 100 100", *signals]))

    def run(records):
        fitted = search(records)
        return (
            fitted.cv_results_["mean_test_score"],
            fitted.cv_results_["std_test_score"],
            fitted.predict_proba(records),
            cross_validate(CLF, records, y, cv=2, scoring="neg_log_loss")["test_score"],
            lead_importance(fitted, records, y, n_repeats=1, random_state=0).importances,
            load_wfdb([tmp_path / name for name in names], leads=["I", "II"]).data,
        )

    def count_processes(n_jobs):
        """Return how many processes compute the parts of a transformation."""
        parts = [slice(0, 2), slice(2, 4)]
        with joblib.parallel_config(backend="dask"):
            found = compute_parts(lambda part: os.getpid(), np.arange(4), parts, n_jobs=n_jobs)
        return len({*found, os.getpid()})

    expected = run(X)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        for records in (X, lazy):
            with joblib.parallel_config(backend="dask"):
                found = run(records)
            for one, other in zip(expected, found):
                assert_array_equal(other, one, strict=True)
        # A task does not send its parts to the cluster.
        for n_jobs in (None, 1, 2):
            assert client.submit(count_processes, n_jobs, pure=False).result() == 1
        # The workers have computed, rather than this process.
        assert sum(client.run(lambda dask_worker: len(dask_worker.state.log)).values()) > 0

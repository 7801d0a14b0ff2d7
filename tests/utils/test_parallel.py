"""Tests of computations in several processes, and of all transformers with ``n_jobs``."""

import os

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline

from sklearn_ecg import LazyRecords, base, to_lead_array, to_lead_frame
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.preprocessing import (
    BeatFeatures,
    ElectrodeSwapDetector,
    MedianBeat,
    RandomConvolutionFeatures,
    SignalQuality,
)
from sklearn_ecg.utils import _chunks
from sklearn_ecg.utils._parallel import compute_parts, run_parallel

TRANSFORMERS = [
    BeatFeatures(100),
    MedianBeat(100, unreliable="nan"),
    RandomConvolutionFeatures(n_features=1008, random_state=0),
    SignalQuality(sampling_rate=100),
]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(base, "TRANSFORM", _chunks.ChunkBudget(13 * 12 * 200))


@pytest.fixture(scope="module")
def signals():
    """Records of which some have missing leads, gaps or no beats."""
    X = make_ecg(100, duration=2, random_state=0).data
    X[3, 2] = X[70, 5] = np.nan
    X[7, 1:4, 30:60] = X[91, :, :5] = np.nan
    X[50] = 0
    return X


def _process(signals):
    return np.full(len(signals), os.getpid())


def test_zero_processes():
    for parts in ([slice(0, 4)], [slice(0, 2), slice(2, 4)]):
        with pytest.raises(ValueError, match="n_jobs == 0"):
            compute_parts(np.sum, np.arange(4), parts, n_jobs=0)


def test_parts_are_computed_by_other_processes():
    parts = _chunks.record_chunks(10, 1, _chunks.ChunkBudget(3))
    records = np.arange(10)
    found = compute_parts(_process, records, parts, n_jobs=2)
    assert list(map(len, found)) == [3, 3, 3, 1]
    assert os.getpid() not in np.concatenate(found)
    for n_jobs in (None, 1):
        assert set(np.concatenate(compute_parts(_process, records, parts, n_jobs=n_jobs))) == {
            os.getpid()
        }
    # A single part is not worth another process.
    assert set(compute_parts(_process, records, parts[:1], n_jobs=2)[0]) == {os.getpid()}


def test_results_are_in_order():
    calls = [(i,) for i in range(600)]
    assert list(run_parallel(abs, calls, n_jobs=2)) == list(range(600))


def test_scores_of_swaps_do_not_depend_on_n_jobs():
    X = make_ecg(100, duration=2, random_state=0).data
    detector = ElectrodeSwapDetector(100, swaps=["RA-LA", "V1-V2"], false_alarm_rate=0.05)
    scores = [
        detector.set_params(n_jobs=n_jobs).fit(X).decision_function(X[::-1]) for n_jobs in (1, 2)
    ]
    assert_array_equal(*scores)


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=lambda t: type(t).__name__)
def test_result_does_not_depend_on_n_jobs(transformer, signals, tmp_path):
    np.save(tmp_path / "X.npy", signals)
    lazy = LazyRecords(tmp_path / "X.npy", sampling_rate=100, units="mV")
    frame = to_lead_frame(signals, sampling_rate=100, units="mV")
    expected = transformer.set_params(n_jobs=None).fit_transform(signals)
    # Rounding depends on the parts, and these on the order of the records.
    backwards = transformer.transform(signals[::-1])
    transformer.set_params(n_jobs=2)
    assert_array_equal(transformer.fit_transform(signals), expected, strict=True)
    assert_array_equal(np.asarray(transformer.fit_transform(lazy)), expected, strict=True)
    assert_array_equal(np.asarray(transformer.transform(lazy[::-1])), backwards)
    found = transformer.fit(frame).transform(frame)
    assert_array_equal(to_lead_array(found) if hasattr(found, "columns") else found, expected)
    transformer.fit(signals)
    if isinstance(transformer, SignalQuality):
        usable = transformer.mask(signals)
        assert_array_equal(transformer.set_params(n_jobs=1).mask(signals), usable)
    if isinstance(transformer, MedianBeat):
        report = transformer.report(signals)
        assert transformer.set_params(n_jobs=1).report(signals).equals(report)


def test_n_jobs_within_n_jobs():
    X, y = make_ecg(120, duration=2, prevalence=0.5, return_X_y=True, random_state=0)
    scores = [
        cross_validate(
            make_pipeline(BeatFeatures(100, n_jobs=n_jobs), HistGradientBoostingClassifier()),
            X,
            y,
            cv=2,
            n_jobs=n_jobs,
            scoring="neg_log_loss",
        )["test_score"]
        for n_jobs in (1, 2)
    ]
    assert_array_equal(*scores)

"""Windows of records of any length: how they are cut, weighted, grouped and aggregated."""

import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import BaggingClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    StratifiedGroupKFold,
    cross_val_predict,
    cross_validate,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import estimator_checks_generator

from sklearn_ecg import (
    MSAICNetClassifier,
    MultilabelCalibratedClassifierCV,
    WindowedClassifier,
    to_lead_array,
)
from sklearn_ecg.aggregation import _windowed_classifier
from sklearn_ecg.persistence import load, save
from sklearn_ecg.utils._chunks import ChunkBudget

RNG = np.random.RandomState(0)
LENGTHS = [100, 250, 175, 120, 300, 101, 219, 150, 400, 130, 110, 260]
LEADS = ["I", "V1"]


class Spy(ClassifierMixin, BaseEstimator):
    """Classifier that keeps what it is given; probabilities follow from the mean of a window."""

    def __init__(self, n_labels=0):
        self.n_labels = n_labels

    def fit(self, X, y, sample_weight=None, groups=None):
        self.X_, self.y_ = X, np.asarray(y)
        self.sample_weight_, self.groups_ = sample_weight, groups
        self.classes_ = np.unique(y) if self.y_.ndim == 1 else np.arange(self.y_.shape[1])
        self.n_predicted_ = []
        return self

    def predict_proba(self, X):
        X = to_lead_array(X) if isinstance(X, pd.DataFrame) else X
        assert np.isfinite(X).all()
        self.n_predicted_.append(len(X))
        p = 1 / (1 + np.exp(-X.reshape(len(X), -1).mean(axis=1)))
        if self.y_.ndim == 2:
            return np.column_stack([p ** (i + 1) for i in range(self.y_.shape[1])])
        if len(self.classes_) == 2:
            return np.column_stack([1 - p, p])
        return np.column_stack([p / 3, p**2 / 3, 1 - p / 3 - p**2 / 3])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def flat(X):
    X = to_lead_array(X) if isinstance(X, pd.DataFrame) else X
    return X.reshape(len(X), -1)


def linear():
    return make_pipeline(FunctionTransformer(flat), LogisticRegression())


@pytest.fixture(scope="module")
def data():
    records = [RNG.randn(2, length) + i % 2 for i, length in enumerate(LENGTHS)]
    return records, np.arange(len(LENGTHS)) % 2


def slow_windows(records, n_times, step):
    """Cut windows one by one."""
    found = []
    for number, record in enumerate(records):
        start = 0
        while start + n_times <= record.shape[1]:
            window = record[:, start : start + n_times]
            if not np.isnan(window).all(axis=0).any():
                found.append((number, start, window))
            start += step
    return found


def as_object_frame(records):
    return pd.DataFrame({lead: [r[i] for r in records] for i, lead in enumerate(LEADS)})


def as_arrow_frame(records):
    dtype = pd.ArrowDtype(pa.list_(pa.float64()))
    columns = {
        lead: pd.Series([r[i].tolist() for r in records], dtype=dtype)
        for i, lead in enumerate(LEADS)
    }
    return pd.DataFrame(columns)


def as_array_of_records(records):
    array = np.empty(len(records), dtype=object)
    array[:] = records
    return array


def padded(records, end=0):
    longest = max(record.shape[1] for record in records) + end
    X = np.full((len(records), 2, longest), np.nan)
    for row, record in zip(X, records):
        row[:, : record.shape[1]] = record
    return X


CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "read-only": lambda records: [np.asarray(r).view() for r in map(_frozen, records)],
    "nested lists": lambda records: [record.tolist() for record in records],
    "object array": as_array_of_records,
    "frame of arrays": as_object_frame,
    "frame of Arrow lists": as_arrow_frame,
    "cells": lambda records: as_object_frame(records).to_numpy(),
    "padded array": padded,
    "padded further": lambda records: padded(records, 30),
}


def _frozen(record):
    record = record.copy()
    record.flags.writeable = False
    return record


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("step", [None, 0.25])
def test_windows_of_every_container(data, container, step):
    records, y = data
    X = CONTAINERS[container](records)
    clf = WindowedClassifier(Spy(), 0.8, step, sampling_rate=100).fit(X, y)
    expected = slow_windows(records, 80, 80 if step is None else 25)
    seen = clf.estimator_.X_
    assert isinstance(seen, pd.DataFrame) == container.startswith("frame")
    seen = to_lead_array(seen) if container.startswith("frame") else seen
    np.testing.assert_array_equal(seen, [window for _, _, window in expected])
    members = np.array([number for number, _, _ in expected])
    np.testing.assert_array_equal(clf.estimator_.y_, y[members])
    np.testing.assert_array_equal(clf.n_windows_, np.bincount(members))
    p = 1 / (1 + np.exp(-np.array([window.mean() for _, _, window in expected])))
    by_record = [p[members == i].mean() for i in range(len(y))]
    np.testing.assert_allclose(clf.predict_proba(X)[:, 1], by_record, rtol=1e-12)
    table = clf.predict_windows(X)
    np.testing.assert_allclose(table[1], p, rtol=1e-12)
    starts = [start / 100 for _, start, _ in expected]
    assert table.index.names == ["record", "start"]
    np.testing.assert_array_equal(table.index.get_level_values("record"), members)
    np.testing.assert_array_equal(table.index.get_level_values("start"), starts)
    assert clf.n_leads_in_ == clf.n_features_in_ == 2


@pytest.mark.parametrize("dtype, expected", [("f4", "f4"), ("f8", "f8"), ("i2", "f4")])
def test_dtype_of_windows(data, dtype, expected):
    records = [(10 * record).astype(dtype) for record in data[0]]
    for container in ("list", "object array", "frame of arrays", "cells"):
        X = CONTAINERS[container](records)
        clf = WindowedClassifier(Spy(), 1, sampling_rate=100).fit(X, data[1])
        seen = clf.estimator_.X_
        seen = to_lead_array(seen) if isinstance(seen, pd.DataFrame) else seen
        assert seen.dtype == expected


@pytest.mark.parametrize("as_frame", [False, True])
def test_rows_stay_rows(as_frame):
    X = RNG.randn(8, 2, 60)
    rows = X.reshape(8, -1)
    rows = pd.DataFrame(rows).add_prefix("c") if as_frame else rows
    clf = WindowedClassifier(LogisticRegression(), 20, n_leads=2, sampling_rate=1)
    clf.fit(rows, np.arange(8) % 2)
    other = WindowedClassifier(linear(), 20, sampling_rate=1).fit(X, np.arange(8) % 2)
    np.testing.assert_allclose(clf.predict_proba(rows), other.predict_proba(X), atol=1e-6)
    assert clf.estimator_.n_features_in_ == 40 and clf.n_features_in_ == 120
    if as_frame:
        assert list(clf.estimator_.feature_names_in_[[0, 39]]) == ["lead0__t0", "lead1__t19"]
    with pytest.raises(ValueError, match="n_leads"):
        WindowedClassifier(LogisticRegression(), 20, sampling_rate=1).fit(rows, np.arange(8) % 2)


def test_gaps_are_never_seen(data):
    records, y = data
    records = [record.copy() for record in records]
    records[4][:, 90:95] = np.nan  # between two segments
    records[8][:, :10] = np.nan
    records[8][:, 399:] = np.nan
    X = padded(records)
    clf = WindowedClassifier(Spy(), 0.5, 0.2, sampling_rate=100).fit(X, y)
    expected = slow_windows(records, 50, 20)
    np.testing.assert_array_equal(clf.estimator_.X_, [window for _, _, window in expected])
    starts = clf.predict_windows(X).loc[4].index.to_numpy()
    assert not ((starts > 0.40) & (starts < 0.95)).any() and 0.4 in starts and 1.0 in starts


def test_gap_across_parts_of_a_long_record(monkeypatch):
    from sklearn_ecg.aggregation import _windows

    monkeypatch.setattr(_windows, "GAPS", ChunkBudget(2 * 7))
    record = RNG.randn(2, 100)
    record[:, 20:43] = np.nan
    record[:, 90:] = np.nan
    clf = WindowedClassifier(Spy(), 5, 1, sampling_rate=1, aggregate="max")
    clf.fit([record, record], [0, 1])
    expected = slow_windows([record], 5, 1)
    np.testing.assert_array_equal(clf.estimator_.X_[: len(expected)], [w for _, _, w in expected])


def test_nan_of_one_lead_is_passed_on(data):
    records, y = data
    records = [record.copy() for record in records]
    records[0][0, 5] = np.nan
    clf = WindowedClassifier(Spy(), 1, sampling_rate=100).fit(records, y)
    assert np.isnan(clf.estimator_.X_[0, 0, 5])
    records[0][0, 5] = np.inf
    with pytest.raises(ValueError, match="record 0, lead 0, time point 5"):
        clf.fit(records, y)
    with pytest.raises(sklearn.exceptions.NotFittedError):
        clf.predict(records)


def test_short_records(data):
    records, y = data
    clf = WindowedClassifier(Spy(), 1.2, sampling_rate=100)
    with pytest.raises(ValueError, match=r"record 0 has 100 time points \(1 s\).*1.2 s.*shorter"):
        clf.fit(records, y)
    frame = as_object_frame(records).set_axis([f"r{i}" for i in range(len(y))])
    with pytest.raises(ValueError, match=r"record 0 \('r0'\) has 100"):
        clf.fit(frame, y)
    for X in (records, padded(records)):
        clf = WindowedClassifier(Spy(), 1.2, sampling_rate=100, shorter="pad").fit(X, y)
        first = clf.estimator_.X_[0]
        np.testing.assert_array_equal(first[:, :100], records[0])
        assert not first[:, 100:].any()
    gap = [record.copy() for record in records]
    gap[3][:, 60] = np.nan
    with pytest.raises(ValueError, match=r"record 3 has 1 gap\(s\)"):
        clf.fit(gap, y)
    gap[3][:] = np.nan
    with pytest.raises(ValueError, match="record 3 has no values"):
        clf.fit(gap, y)


def test_whole_records():
    X, y = RNG.randn(6, 2, 40), [0, 1] * 3
    clf = WindowedClassifier(Spy(), None).fit(X, y)
    np.testing.assert_array_equal(clf.estimator_.X_, X)
    np.testing.assert_array_equal(clf.predict_proba(X), clf.estimator_.predict_proba(X))
    with pytest.raises(ValueError, match="Record 0 has 30 time points.*fitted on 40"):
        clf.predict(X[:, :, :30])
    with pytest.raises(ValueError, match="record 0 has 40 time points and record 1 has 39"):
        clf.fit([X[0], X[1][:, 1:]], [0, 1])
    with pytest.raises(ValueError, match="step=2 requires a duration"):
        WindowedClassifier(Spy(), None, 2, sampling_rate=1).fit(X, y)


# --------------------------------------------------------------------------------------------------
# Weights and groups
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("weighting", ["records", "windows"])
def test_weights(data, weighting, given):
    records, y = data
    weight = RNG.uniform(1, 2, len(y)) if given else None
    clf = WindowedClassifier(Spy(), 0.5, sampling_rate=100, weighting=weighting)
    clf.fit(records, y, sample_weight=weight)
    members = np.repeat(np.arange(len(y)), clf.n_windows_)
    seen = clf.estimator_.sample_weight_
    if weighting == "windows":
        assert (seen is None) != given
        if given:
            np.testing.assert_array_equal(seen, weight[members])
        return
    total = np.bincount(members, weights=seen)
    share = np.ones(len(y)) if weight is None else weight
    np.testing.assert_allclose(total, share * clf.n_windows_.mean())


def test_equal_lengths_need_no_weights():
    X = RNG.randn(6, 2, 40)
    clf = WindowedClassifier(Spy(), 10, sampling_rate=1).fit(X, [0, 1] * 3)
    assert clf.estimator_.sample_weight_ is None


def test_weights_in_a_pipeline(data):
    records, y = data
    clf = WindowedClassifier(make_pipeline(FunctionTransformer(), Spy()), 0.5, sampling_rate=100)
    weight = RNG.uniform(1, 2, len(y))
    clf.fit(records, y, sample_weight=weight, groups=np.arange(len(y)) // 2)
    seen = clf.estimator_[-1]
    members = np.repeat(np.arange(len(y)), clf.n_windows_)
    np.testing.assert_allclose(
        seen.sample_weight_, (weight / clf.n_windows_ * clf.n_windows_.mean())[members]
    )
    np.testing.assert_array_equal(seen.groups_, members // 2)
    clf.fit(records, y, spy__sample_weight=weight)
    np.testing.assert_array_equal(clf.estimator_[-1].sample_weight_, weight[members])


class NoWeights(Spy):
    def fit(self, X, y):
        return super().fit(X, y)


def test_warns_if_weights_are_ignored(data):
    records, y = data
    clf = WindowedClassifier(NoWeights(), 0.5, sampling_rate=100)
    with pytest.warns(UserWarning, match="different numbers of windows.*weighting='windows'"):
        clf.fit(records, y)
    with pytest.warns(UserWarning, match="weights are ignored.$"):
        clf.set_params(weighting="windows").fit(records, y, sample_weight=np.ones(len(y)))
    clf.fit(records, y)  # no warning


def test_groups(data):
    records, y = data
    clf = WindowedClassifier(Spy(), 0.5, sampling_rate=100).fit(records, y)
    members = np.repeat(np.arange(len(y)), clf.n_windows_)
    np.testing.assert_array_equal(clf.estimator_.groups_, members)
    names = np.array(list("aabbccddeeff"))
    clf.fit(records, y, groups=pd.Series(names, index=range(5, 17)))
    np.testing.assert_array_equal(clf.estimator_.groups_, names[members])
    with pytest.raises(ValueError, match="groups has missing values"):
        clf.fit(records, y, groups=[None] * len(y))


def test_max_windows(data):
    records, y = data
    clf = WindowedClassifier(Spy(), 0.5, 0.1, sampling_rate=100, max_windows=3)
    clf.fit(records, y)
    assert (clf.n_windows_ == 3).all()
    starts = np.arange(0, 400 - 49, 10)
    chosen = [starts[0], starts[round((len(starts) - 1) / 2)], starts[-1]]
    seen = clf.estimator_.X_[24:27]
    np.testing.assert_array_equal(seen, [records[8][:, s : s + 50] for s in chosen])
    assert len(clf.predict_windows(records[8:9])) == len(starts)


def test_metadata_routing(data):
    records, y = data
    weight, groups = RNG.uniform(1, 2, len(y)), np.arange(len(y)) // 3
    with sklearn.config_context(enable_metadata_routing=True):
        spy = Spy().set_fit_request(sample_weight=True, groups=True)
        clf = WindowedClassifier(spy, 0.5, sampling_rate=100)
        clf.fit(records, y, sample_weight=weight, groups=groups)
        members = np.repeat(np.arange(len(y)), clf.n_windows_)
        np.testing.assert_array_equal(clf.estimator_.groups_, groups[members])
        total = np.bincount(members, weights=clf.estimator_.sample_weight_)
        np.testing.assert_allclose(total, weight * clf.n_windows_.mean())
        clf.fit(records, y)
        np.testing.assert_array_equal(clf.estimator_.groups_, members)
        outer = clone(clf).set_fit_request(sample_weight=True, groups=True)
        outer.set_score_request(sample_weight=False)
        scores = cross_validate(
            outer, records, y, cv=GroupKFold(3), params={"sample_weight": weight, "groups": groups}
        )
        assert np.isfinite(scores["test_score"]).all()
        with pytest.raises(ValueError, match="does not get the groups"):
            search = GridSearchCV(Spy().set_fit_request(groups=False), {}, cv=3)
            WindowedClassifier(search, 0.5, sampling_rate=100, weighting="windows").fit(records, y)


@pytest.mark.parametrize(
    "inner, name",
    [
        (GridSearchCV(Spy(), {}, cv=3), "GridSearchCV"),
        (LogisticRegressionCV(cv=3), "LogisticRegressionCV"),
        (CalibratedClassifierCV(linear()), "CalibratedClassifierCV"),
        (make_pipeline(FunctionTransformer(flat), LogisticRegressionCV(cv=2)), "LogisticReg"),
        (MLPClassifier(early_stopping=True), "MLPClassifier"),
        (BaggingClassifier(MLPClassifier(early_stopping=True)), "MLPClassifier"),
        (GridSearchCV(MSAICNetClassifier(early_stopping=True), {}, cv=GroupKFold(2)), "MSAIC"),
        (GradientBoostingClassifier(n_iter_no_change=3), "GradientBoosting"),
        (RandomForestClassifier(5, oob_score=True), "RandomForest"),
        (make_pipeline(FunctionTransformer(flat), SVC(probability=True)), "SVC"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_splits_of_windows_are_refused(data, inner, name):
    with pytest.raises(ValueError, match=rf"^{name}\w* splits windows with"):
        WindowedClassifier(inner, 0.5, sampling_rate=100, weighting="windows").fit(*data)


class Separated(Spy):
    """Classifier that has not seen windows of the records that it predicts."""

    def predict_proba(self, X):
        seen = set(np.floor(self.X_[:, 0, 0]))
        # Refit on all records, it predicts those of the outer call.
        assert self.n_seen_ == 12 or not seen & set(np.floor(X[:, 0, 0]))
        return super().predict_proba(X)

    def fit(self, X, y, sample_weight=None, groups=None):
        self.n_seen_ = len(set(np.floor(X[:, 0, 0])))
        return super().fit(X, y, sample_weight, groups)


@pytest.mark.parametrize(
    "inner",
    [
        GridSearchCV(Separated(), {}, cv=StratifiedGroupKFold(3)),
        GridSearchCV(Separated(), {}, cv=GroupKFold(4)),
        MultilabelCalibratedClassifierCV(Separated(), cv=3, ensemble=False),
    ],
    ids=["search, stratified", "search", "calibration"],
)
def test_inner_splits_by_group(inner):
    """Each record has values from its number to the next one."""
    records = [i + RNG.uniform(0, 0.9, (2, n)) for i, n in enumerate(LENGTHS)]
    clf = WindowedClassifier(inner, 0.5, 0.1, sampling_rate=100)
    clf.fit(records, np.arange(12) % 2)
    assert clf.predict_proba(records).shape == (12, 2)


# --------------------------------------------------------------------------------------------------
# Targets and aggregation
# --------------------------------------------------------------------------------------------------


def slow_rule(name, p):
    if name == "mean":
        return sum(p) / len(p)
    if name == "median":
        p = sorted(p)
        middle = len(p) // 2
        return p[middle] if len(p) % 2 else (p[middle - 1] + p[middle]) / 2
    if name == "max":
        return max(p)
    product = 1.0
    for one in p:
        product *= 1 - one
    return 1 - product


TARGETS = {
    "binary": np.array(["well", "sick"])[np.arange(12) % 2],
    "multiclass": np.arange(12) % 3 + 5,
    "multilabel": pd.DataFrame({"MI": np.arange(12) % 2, "CD": np.arange(12) % 3 // 2}),
}


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("aggregate", ["mean", "median", "max", "noisy_or"])
def test_aggregation(data, kind, aggregate):
    records, y = data[0], TARGETS[kind]
    clf = WindowedClassifier(Spy(), 0.4, sampling_rate=100, aggregate=aggregate)
    if kind == "multiclass" and aggregate in ("max", "noisy_or"):
        with pytest.raises(ValueError, match="more than two classes"):
            clf.fit(records, y)
        return
    names_of_two = ["sick", "well"]
    if kind == "binary" and aggregate in ("max", "noisy_or"):
        with pytest.raises(ValueError, match="unknown for the classes 'sick' and 'well'"):
            clf.fit(records, y)
        names_of_two, y = [False, True], y == "sick"
    clf.fit(records, y)
    table = clf.predict_windows(records)
    names = {"binary": names_of_two, "multiclass": [5, 6, 7], "multilabel": ["MI", "CD"]}
    assert list(table.columns) == names[kind]
    probability = clf.predict_proba(records)
    for i in range(12):
        part = table.loc[i].to_numpy()
        if kind == "binary":
            positive = slow_rule(aggregate, part[:, 1])
            expected = np.array([1 - positive, positive])
        else:
            expected = np.array([slow_rule(aggregate, column) for column in part.T])
        if kind == "multiclass":
            expected /= expected.sum()
        np.testing.assert_allclose(probability[i], expected, rtol=1e-10)
    predicted = clf.predict(records)
    if kind == "multilabel":
        np.testing.assert_array_equal(predicted, probability > 0.5)
    else:
        np.testing.assert_array_equal(predicted, clf.classes_[probability.argmax(axis=1)])


def test_functions_aggregate(data):
    records, y = data

    def last(probability):
        return probability[-1]

    clf = WindowedClassifier(Spy(), 0.4, sampling_rate=100, aggregate=last).fit(records, y)
    table = clf.predict_windows(records)
    expected = table.groupby(level="record").last().to_numpy()
    np.testing.assert_array_equal(clf.predict_proba(records), expected)
    for wrong, message in (
        (lambda p: p, "shape"),
        (lambda p: p.sum(axis=0) + 1, "between 0 and 1"),
        (lambda p: p[0] / 2, "add up to 1"),
        (lambda p: np.array([np.nan, np.nan]), "between 0 and 1"),
    ):
        with pytest.raises(ValueError, match=f"aggregate must return .*{message}"):
            clf.set_params(aggregate=wrong).predict(records)


def test_lists_of_probabilities(data):
    """A forest returns a list of arrays for a multilabel y."""
    y = TARGETS["multilabel"].to_numpy()
    forest = make_pipeline(FunctionTransformer(flat), RandomForestClassifier(3, random_state=0))
    clf = WindowedClassifier(forest, 0.4, sampling_rate=100).fit(data[0], y)
    cut = np.stack([w for _, _, w in slow_windows(data[0][:1], 40, 40)])
    of_windows = np.column_stack([p[:, 1] for p in clf.estimator_.predict_proba(cut)])
    np.testing.assert_allclose(clf.predict_proba(data[0])[0], of_windows.mean(axis=0))


def test_probabilities_that_are_none(data):
    class Broken(Spy):
        def predict_proba(self, X):
            return np.full((len(X), 2), np.nan)

    with pytest.raises(ValueError, match="NaN or not between 0 and 1"):
        WindowedClassifier(Broken(), 0.4, sampling_rate=100).fit(*data).predict(data[0])


def test_fitted_classifier(data):
    records, y = data
    cut = np.stack([record[:, :50] for record in records])
    frozen = FrozenEstimator(linear().fit(cut, y))
    clf = WindowedClassifier(frozen, 0.5, sampling_rate=100, weighting="windows").fit(records, y)
    expected = frozen.predict_proba(
        np.stack([records[8][:, s : s + 50] for s in range(0, 400, 50)])
    )
    np.testing.assert_allclose(clf.predict_proba(records)[8], expected.mean(axis=0))
    with pytest.raises(ValueError, match="y has the classes.*fitted on the same classes"):
        clf.fit(records, y + 3)
    labels = np.column_stack([y, 1 - y, y])
    clf.set_params(estimator=FrozenEstimator(OneVsRestClassifier(linear()).fit(cut, labels)))
    with pytest.raises(ValueError, match=r"fitted on 3 label\(s\), but y has 2"):
        clf.fit(records, labels[:, 1:])


# --------------------------------------------------------------------------------------------------
# Frames, chunks, tools
# --------------------------------------------------------------------------------------------------


def test_frames_keep_names_index_and_notes(data):
    records, y = data
    frame = as_arrow_frame(records).set_axis(["i", "v1"], axis=1)
    frame.index = pd.Index([f"r{i}" for i in range(len(y))], name="ecg")
    frame.attrs.update(sampling_rate=100, units="mV")
    clf = WindowedClassifier(Spy(), 0.5).fit(frame, pd.Series(y, index=frame.index))
    seen = clf.estimator_.X_
    assert list(seen.columns) == ["i", "v1"]
    assert seen.attrs == {"sampling_rate": 100, "units": "mV"}
    assert list(seen.index[:4]) == ["r0", "r0", "r1", "r1"]
    assert (clf.sampling_rate_in_, clf.units_in_) == (100, "mV")
    assert clf.lead_names_in_ == ("I", "V1")
    assert list(clf.feature_names_in_) == ["i", "v1"]
    assert clf.predict_windows(frame).loc["r8"].index.tolist() == [i / 2 for i in range(8)]
    with pytest.raises(ValueError, match="same but in another order"):
        clf.predict(frame[["v1", "i"]])
    frame.attrs["sampling_rate"] = 250
    with pytest.raises(ValueError, match="250.*was fitted on records of 100"):
        clf.predict(frame)
    with pytest.raises(ValueError, match="sampling_rate=100, but X.attrs"):
        clf.set_params(sampling_rate=100).fit(frame, y)


def test_columns_by_name(data):
    records, y = data
    frame = as_object_frame(records)
    columns = make_column_transformer((FunctionTransformer(lead_mean), ["V1"]))
    clf = WindowedClassifier(make_pipeline(columns, LogisticRegression()), 0.5, sampling_rate=100)
    assert clf.fit(frame, y).score(frame, y) > 0.9


def lead_mean(frame):
    return to_lead_array(frame).mean(axis=2)


def test_chunks_do_not_change_predictions(data, monkeypatch):
    records, y = data
    clf = WindowedClassifier(Spy(), 0.5, 0.1, sampling_rate=100).fit(records, y)
    whole = clf.predict_windows(records)
    clf.estimator_.n_predicted_.clear()
    monkeypatch.setattr(_windowed_classifier, "WINDOWS", ChunkBudget(7 * 2 * 50))
    pd.testing.assert_frame_equal(clf.predict_windows(records), whole)
    assert max(clf.estimator_.n_predicted_) <= 7 < len(whole)


def test_holter_is_read_in_parts(tmp_path, monkeypatch):
    """Windows of a memory map are cut lazily: no array has the length of the record."""
    long = np.lib.format.open_memmap(
        tmp_path / "long.npy", mode="w+", dtype="i2", shape=(2, 1, 400_000)
    )
    long[1] = 1
    long[0, 0, 250_000:250_100] = 3
    clf = WindowedClassifier(Spy(), 10, sampling_rate=100, max_windows=20, aggregate="max")
    clf.fit(long, [0, 1])
    assert clf.estimator_.X_.shape == (40, 1, 1000)
    monkeypatch.setattr(_windowed_classifier, "WINDOWS", ChunkBudget(16 * 1000))
    table = clf.predict_windows(long[:1])
    assert max(clf.estimator_.n_predicted_) <= 16
    assert table[1].idxmax() == (0, 2500.0) and len(table) == 400


def test_tools(data, tmp_path):
    records, y = data
    clf = WindowedClassifier(linear(), 0.5, sampling_rate=100)
    options = {"cv": StratifiedGroupKFold(2), "groups": np.arange(len(y)) // 2}
    for X in (records, as_array_of_records(records), as_arrow_frame(records)):
        probability = cross_val_predict(clf, X, y, method="predict_proba", **options)
        assert probability.shape == (len(y), 2)
    scores = cross_validate(clf, records, y, scoring="roc_auc", **options)
    assert (scores["test_score"] > 0.9).all()
    search = GridSearchCV(clf, {"duration": [0.25, 0.5], "estimator__logisticregression__C": [1]})
    search.fit(records, y)
    assert search.predict(records).shape == y.shape
    calibrated = CalibratedClassifierCV(clf, cv=2).fit(records, y)
    assert calibrated.predict_proba(records).shape == (len(y), 2)
    by_patient = MultilabelCalibratedClassifierCV(clf, cv=2).fit(
        records, y, groups=np.arange(len(y)) // 2
    )
    assert by_patient.predict_proba(records).shape == (len(y), 2)
    frame = as_arrow_frame(records)
    bagging = BaggingClassifier(clf, 2, max_features=1.0, random_state=0)
    assert bagging.fit(frame, y).predict_proba(frame).shape == (len(y), 2)


def test_copies(data, tmp_path):
    records, y = data
    inner = make_pipeline(StackedRows(), LogisticRegression())
    clf = WindowedClassifier(inner, 0.5, sampling_rate=100, aggregate="median").fit(records, y)
    expected = clf.predict_proba(records)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(records), expected)
    assert clone(clf).get_params()["aggregate"] == "median"
    rows = np.stack([record[:, :100].ravel() for record in records])
    clf = WindowedClassifier(LogisticRegression(), 25, n_leads=2, sampling_rate=1).fit(rows, y)
    save(clf, tmp_path / "model.ecg")
    loaded = load(tmp_path / "model.ecg")
    np.testing.assert_array_equal(loaded.predict_proba(rows), clf.predict_proba(rows))
    pd.testing.assert_frame_equal(loaded.predict_windows(rows), clf.predict_windows(rows))


class StackedRows(FunctionTransformer):
    def __init__(self):
        super().__init__(flat)


def test_networks_and_early_stopping(data):
    records, y = data
    network = MSAICNetClassifier(
        filters=(4,),
        dilations=(1,),
        embedding_dim=4,
        max_epochs=2,
        early_stopping=True,
        validation_fraction=0.3,
        random_state=0,
    )
    clf = WindowedClassifier(network, 0.5, sampling_rate=100).fit(records, y)
    first = clf.predict_proba(records)
    np.testing.assert_array_equal(clf.fit(records, y).predict_proba(records), first)


# --------------------------------------------------------------------------------------------------
# Bad input
# --------------------------------------------------------------------------------------------------

RECORDS = [RNG.randn(2, 60) for _ in range(4)]


@pytest.mark.parametrize(
    "X, message",
    [
        ([*RECORDS[:3], RNG.randn(3, 60)], r"X\[0\] has 2 leads, but X\[3\] has 3"),
        ([*RECORDS[:3], RNG.randn(60)], r"X\[3\] is not a record"),
        ([*RECORDS[:3], [[1.0, 2.0], [3.0]]], r"X\[3\] has leads of different lengths"),
        ([record.T for record in RECORDS], "transpose"),
        ([pd.DataFrame(record) for record in RECORDS], r"X\[0\] is not a record: got DataFrame"),
        ([record.astype(str) for record in RECORDS], r"X\[0\] is not a record"),
        ([], r"shape \(0,\)"),
        (RECORDS[0][0], "1D array"),
        (pd.DataFrame({"I": [np.ones(9)] * 4, "V1": [np.ones(8)] * 4}), "same length.*'V1'"),
        (pd.DataFrame({"I": [np.ones(9)] * 4, "V1": [np.ones(9)] * 3 + [None]}), "is null"),
    ],
)
def test_bad_records(X, message):
    with pytest.raises(ValueError, match=message):
        WindowedClassifier(Spy(), 5, sampling_rate=1).fit(X, [0, 1, 0, 1])


@pytest.mark.parametrize(
    "params, message",
    [
        ({"sampling_rate": None}, "needs sampling_rate"),
        ({"duration": 0.001}, "duration=0.001 s is less than one time point"),
        ({"step": 0.001}, "step=0.001 s is less than one time point"),
        ({"duration": -1}, "duration"),
        ({"aggregate": "sum"}, "aggregate"),
        ({"shorter": "drop"}, "shorter"),
        ({"weighting": "none"}, "weighting"),
        ({"max_windows": 0}, "max_windows"),
        ({"lead_names": ["I"]}, "lead_names has 1 names"),
        ({"n_leads": 3}, "n_leads=3"),
        ({"estimator": FunctionTransformer()}, "estimator"),
    ],
)
def test_bad_parameters(params, message):
    params = {"estimator": Spy(), "duration": 5, "sampling_rate": 1, **params}
    with pytest.raises(ValueError, match=message):
        WindowedClassifier(**params).fit(RECORDS, [0, 1, 0, 1])


def test_other_leads_in_predict():
    clf = WindowedClassifier(Spy(), 5, sampling_rate=1).fit(RECORDS, [0, 1, 0, 1])
    with pytest.raises(ValueError, match="X has 1 leads, but WindowedClassifier was fitted on 2"):
        clf.predict([record[:1] for record in RECORDS])
    with pytest.raises(ValueError, match="X has 1 leads"):
        clf.predict(np.ones((3, 1, 60)))
    assert len(clf.predict(np.ones((3, 2, 17)))) == 3
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clf.fit(RECORDS, [0, 1, 0])


SKLEARN_CASES = [
    pytest.param(instance, check, id=check.func.__name__)
    for instance, check in estimator_checks_generator(
        WindowedClassifier(LogisticRegression(), None, n_leads=1)
    )
    if check.func.__name__ != "check_array_api_input"
]


@pytest.mark.filterwarnings("ignore:X has shape")
@pytest.mark.parametrize("estimator, check", SKLEARN_CASES)
def test_sklearn_checks(estimator, check):
    check(estimator)


def test_enough_sklearn_checks_run():
    assert len(SKLEARN_CASES) >= 50

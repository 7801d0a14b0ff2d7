"""Calibration per label: equal to scikit-learn's where it has it, and by patient."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    StratifiedGroupKFold,
    cross_val_predict,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.fixes import parse_version

from sklearn_ecg import (
    MSAICNetClassifier,
    MultilabelCalibratedClassifierCV,
    MultilabelTunedThresholdClassifierCV,
    PriorCorrectedClassifier,
    to_lead_frame,
)
from sklearn_ecg.model_selection import MultilabelStratifiedGroupKFold

METHODS = ["sigmoid", "isotonic", "temperature"]


def skip_if_new(method):
    if method == "temperature" and parse_version(sklearn.__version__) < parse_version("1.8"):
        pytest.skip("needs scikit-learn 1.8")


@pytest.fixture(scope="module")
def data():
    """Features, labels of each kind, weights and patients of two records each."""
    rng = np.random.RandomState(0)
    X = rng.randn(240, 4)
    score = X[:, 0] + rng.randn(240)
    y = {
        "binary": (score > 0.8).astype(int),
        "strings": np.where(score > 0.8, "sick", "healthy"),
        "multiclass": np.digitize(score, [-0.7, 0.7]),
        "multilabel": np.column_stack([score > 0.8, X[:, 1] + rng.randn(240) > 0]).astype(int),
    }
    return X, y, rng.randint(1, 4, 240).astype(float), np.arange(240) // 2


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["binary", "strings", "multiclass"])
@pytest.mark.parametrize("estimator", [LogisticRegression(), GaussianNB()], ids=["logits", "proba"])
def test_equals_scikit_learn_bit_by_bit(data, estimator, kind, method):
    skip_if_new(method)
    X, y, weight, _ = data
    for ensemble in (True, False):
        for sample_weight in (None, weight):
            options = {"method": method, "ensemble": ensemble, "cv": 3}
            theirs = CalibratedClassifierCV(estimator, **options).fit(X, y[kind], sample_weight)
            ours = MultilabelCalibratedClassifierCV(estimator, **options)
            ours.fit(X, y[kind], sample_weight)
            np.testing.assert_array_equal(ours.predict_proba(X), theirs.predict_proba(X))
            np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
            np.testing.assert_array_equal(ours.classes_, theirs.classes_)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_weights_that_add_up_to_one(data, kind, method):
    """Platt's targets would be those of a single record."""
    skip_if_new(method)
    X, y, weight, _ = data
    inner = LogisticRegression()
    inner = OneVsRestClassifier(inner) if kind == "multilabel" else inner
    fitted = FrozenEstimator(inner.fit(X, y[kind]))
    clf = MultilabelCalibratedClassifierCV(fitted, method=method)
    expected = clf.fit(X, y[kind], weight / weight.mean()).predict_proba(X)
    probability = clf.fit(X, y[kind], weight / weight.sum()).predict_proba(X)
    np.testing.assert_allclose(probability, expected, atol=1e-5)


def test_default_estimator_is_that_of_scikit_learn(data):
    X, y, *_ = data
    theirs = CalibratedClassifierCV().fit(X, y["binary"])
    ours = MultilabelCalibratedClassifierCV().fit(X, y["binary"])
    np.testing.assert_array_equal(ours.predict_proba(X), theirs.predict_proba(X))
    assert MultilabelCalibratedClassifierCV().fit(X, y["multilabel"]).predict(X).shape == (240, 2)


@pytest.mark.parametrize("ensemble", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_each_label_equals_a_binary_calibration(data, method, ensemble):
    """One classifier per label, so that the labels can be calibrated one by one."""
    skip_if_new(method)
    X, y, _, groups = data
    options = {"method": method, "ensemble": ensemble, "cv": GroupKFold(3)}
    clf = MultilabelCalibratedClassifierCV(OneVsRestClassifier(LogisticRegression()), **options)
    probability = clf.fit(X, y["multilabel"], groups=groups).predict_proba(X)
    assert len(clf.calibrated_classifiers_) == (3 if ensemble else 1)
    for label, column in zip(y["multilabel"].T, probability.T):
        splits = list(GroupKFold(3).split(X, label, groups))
        one = CalibratedClassifierCV(LogisticRegression(), **{**options, "cv": splits})
        np.testing.assert_allclose(column, one.fit(X, label).predict_proba(X)[:, 1], rtol=1e-12)
    np.testing.assert_array_equal(clf.predict(X), probability > 0.5)


@pytest.mark.parametrize(
    "estimator",
    [RandomForestClassifier(10, random_state=0), KNeighborsClassifier(15)],
    ids=["forest", "neighbors"],
)
def test_probabilities_in_lists_of_arrays(data, estimator):
    X, y, _, groups = data
    clf = MultilabelCalibratedClassifierCV(estimator, cv=3).fit(X, y["multilabel"], groups=groups)
    np.testing.assert_allclose(
        clf.predict_proba(X).mean(axis=0), y["multilabel"].mean(axis=0), atol=0.03
    )
    # Slow: scikit-learn's own calibration of the column of the value 1.
    expected = np.zeros((len(X), 2))
    splitter = MultilabelStratifiedGroupKFold(3)
    for train, test in splitter.split(X, y["multilabel"], groups):
        fitted = clone(estimator).fit(X[train], y["multilabel"][train])
        for i in range(2):
            one = CalibratedClassifierCV(FrozenEstimator(_Column(fitted, i)))
            one.fit(X[test], y["multilabel"][test, i])
            expected[:, i] += one.predict_proba(X)[:, 1] / 3
    np.testing.assert_allclose(clf.predict_proba(X), expected, rtol=1e-12)


class _Column(ClassifierMixin, BaseEstimator):
    """One label of a fitted multilabel classifier."""

    def __init__(self, fitted, label):
        self.fitted, self.label = fitted, label
        self.classes_ = np.array([0, 1])

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return self.fitted.predict_proba(X)[self.label]

    def predict(self, X):
        raise NotImplementedError


def test_groups_stay_together(data):
    X, y, _, groups = data
    seen = []

    class Spy(LogisticRegression):
        def fit(self, X, y):
            seen.append(X[:, 3])
            return super().fit(X, y)

    X = X.copy()
    X[:, 3] = groups
    MultilabelCalibratedClassifierCV(Spy(), cv=4).fit(X, y["binary"], groups=groups)
    expected = StratifiedGroupKFold(4).split(X, y["binary"], groups)
    for patients, (train, _) in zip(seen, expected, strict=True):
        np.testing.assert_array_equal(patients, groups[train])
    with pytest.raises(ValueError, match="Split 0 has group .* on both sides"):
        splits = list(KFold(3, shuffle=True, random_state=0).split(X))
        MultilabelCalibratedClassifierCV(Spy(), cv=splits).fit(X, y["binary"], groups=groups)


def test_groups_and_weights_reach_the_classifier(data):
    X, y, weight, groups = data
    calls = []

    class Spy(LogisticRegression):
        def fit(self, X, y, sample_weight=None, groups=None):
            calls.append((sample_weight, groups))
            return super().fit(X, y, sample_weight)

    odd = pd.Series(groups, index=np.arange(240)[::-1] * 7)
    MultilabelCalibratedClassifierCV(Spy(), cv=2).fit(X, y["binary"], weight, groups=odd)
    for (train, _), (sample_weight, patients) in zip(
        StratifiedGroupKFold(2).split(X, y["binary"], groups), calls, strict=True
    ):
        np.testing.assert_array_equal(patients, groups[train])
        np.testing.assert_array_equal(sample_weight, weight[train])


def test_metadata_routing(data):
    X, y, weight, groups = data
    with config_context(enable_metadata_routing=True):
        inner = LogisticRegression().set_fit_request(sample_weight=True)
        clf = MultilabelCalibratedClassifierCV(inner, cv=GroupKFold(3))
        routed = clf.fit(X, y["binary"], sample_weight=weight, groups=groups).predict_proba(X)
        refused = MultilabelCalibratedClassifierCV(LogisticRegression(), cv=3)
        with pytest.raises(ValueError, match="sample_weight.* not explicitly set"):
            refused.fit(X, y["binary"], sample_weight=weight)
    plain = MultilabelCalibratedClassifierCV(LogisticRegression(), cv=GroupKFold(3))
    plain.fit(X, y["binary"], sample_weight=weight, groups=groups)
    np.testing.assert_array_equal(routed, plain.predict_proba(X))


def test_arguments_of_steps_are_split(data):
    X, y, weight, _ = data
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    clf = MultilabelCalibratedClassifierCV(pipeline, cv=3)
    with pytest.warns(UserWarning, match="Pipeline does not accept sample_weight"):
        clf.fit(X, y["binary"], weight, logisticregression__sample_weight=weight)
    scaled = StandardScaler().fit_transform(X)
    one = MultilabelCalibratedClassifierCV(LogisticRegression(), cv=3)
    one.fit(scaled, y["binary"], weight)
    np.testing.assert_allclose(clf.predict_proba(X), one.predict_proba(scaled), atol=2e-3)


def test_frozen_classifier_is_not_trained(data):
    X, y, *_ = data
    for kind in ("binary", "multilabel"):
        fitted = OneVsRestClassifier(LogisticRegression()).fit(X[:120], y[kind][:120])
        clf = MultilabelCalibratedClassifierCV(FrozenEstimator(fitted)).fit(X[120:], y[kind][120:])
        (pair,) = clf.calibrated_classifiers_
        assert pair.estimator.estimator is fitted
    theirs = CalibratedClassifierCV(FrozenEstimator(LogisticRegression().fit(X, y["binary"])))
    ours = MultilabelCalibratedClassifierCV(theirs.estimator)
    np.testing.assert_array_equal(
        ours.fit(X, y["binary"]).predict_proba(X), theirs.fit(X, y["binary"]).predict_proba(X)
    )
    # A label with one positive record is enough without folds.
    rare = y["multilabel"][120:].copy()
    rare[1:, 0] = 0
    rare[0, 0] = 1
    assert clf.fit(X[120:], rare).predict_proba(X).shape == (240, 2)


def test_frozen_classifier_reads_the_records_in_place(data):
    X, y, *_ = data
    seen = []

    class Spy(LogisticRegression):
        def decision_function(self, X):
            seen.append(X)
            return super().decision_function(X)

    fitted = FrozenEstimator(Spy().fit(X, y["binary"]))
    MultilabelCalibratedClassifierCV(fitted).fit(X, y["binary"])
    assert all(np.shares_memory(part, X) for part in seen) and seen


@pytest.mark.filterwarnings("ignore:There are fewer records than:UserWarning")
def test_rare_label_is_named():
    rng = np.random.RandomState(0)
    X = rng.randn(60, 2)
    y = pd.DataFrame({"common": rng.randint(0, 2, 60), "rare": np.arange(60) == 7}).astype(int)
    estimator = OneVsRestClassifier(LogisticRegression())
    for ensemble, part in ((True, "training part of split 0"), (False, "training part of split 0")):
        clf = MultilabelCalibratedClassifierCV(estimator, ensemble=ensemble)
        with pytest.raises(ValueError, match=f"{part} has no positive records of label 'rare'"):
            clf.fit(X, y)
    y.loc[40, "rare"] = 1
    with pytest.raises(ValueError, match="'rare', of which there are 2 in all.*ensemble=False"):
        MultilabelCalibratedClassifierCV(estimator).fit(X, y)
    # The records of all folds are enough for one calibration.
    MultilabelCalibratedClassifierCV(estimator, ensemble=False).fit(X, y)
    # Records of weight 0 do not count.
    weight = np.ones(60)
    weight[40] = 0
    clf = MultilabelCalibratedClassifierCV(_WithWeights(estimator), ensemble=False)
    with pytest.raises(ValueError, match="label 'rare', of which there are 1 in all"):
        clf.fit(X, y, weight)


class _WithWeights(ClassifierMixin, BaseEstimator):
    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y, sample_weight=None):
        self.estimator_ = clone(self.estimator).fit(X, y)
        self.classes_ = self.estimator_.classes_
        return self

    def decision_function(self, X):
        return self.estimator_.decision_function(X)


@pytest.mark.parametrize(
    "options, y, message",
    [
        ({}, [0] * 60, "at least 2 classes, got 1 class: 0"),
        ({}, [0] * 57 + [1] * 3, "5-fold cross-validation, but class 1 has only 3"),
        ({}, [np.nan] * 60, "Input y contains NaN"),
        ({}, [0, 1] * 29, "inconsistent numbers of samples"),
        ({"method": "beta"}, [0, 1] * 30, "The 'method' parameter"),
        ({"ensemble": False, "cv": GroupShuffleSplit(2)}, [0, 1] * 30, "exactly one test part"),
    ],
)
def test_bad_input(options, y, message):
    X = np.random.RandomState(0).randn(60, 2)
    clf = MultilabelCalibratedClassifierCV(LogisticRegression(), **options)
    groups = np.arange(len(y)) if "cv" in options else None
    with pytest.raises(ValueError, match=message):
        clf.fit(X, y, groups=groups)


def test_classifier_without_columns_per_label(data):
    class Vector(GaussianNB):
        def fit(self, X, y):
            return super().fit(X, y[:, 0])

        def predict_proba(self, X):
            return super().predict_proba(X)[:, 1]

    X, y, *_ = data
    with pytest.raises(ValueError, match="one column for each label .*, got shape"):
        MultilabelCalibratedClassifierCV(Vector(), cv=2).fit(X, y["multilabel"])


def test_temperature_needs_a_new_scikit_learn(monkeypatch, data):
    monkeypatch.setattr("sklearn.__version__", "1.7.2")
    X, y, *_ = data
    clf = MultilabelCalibratedClassifierCV(LogisticRegression(), method="temperature")
    with pytest.raises(ValueError, match="needs scikit-learn 1.8, and 1.7.2 is installed"):
        clf.fit(X, y["binary"])


def wrapped(estimator):
    yield MultilabelCalibratedClassifierCV(estimator, cv=2)
    yield MultilabelTunedThresholdClassifierCV(estimator, cv=2, sensitivity=0.8)
    yield PriorCorrectedClassifier(estimator, cv=2)


@pytest.fixture(scope="module")
def signals():
    rng = np.random.RandomState(0)
    y = np.random.RandomState(1).permutation(np.tile([[0, 0], [0, 1], [1, 0], [1, 1]], (10, 1)))
    X = rng.randn(40, 4, 20) + y[:, [0, 1, 0, 1], None] * 0.5
    X.flags.writeable = False
    frame = to_lead_frame(X, ["I", "II", "V1", "V2"])
    return {
        "3-D array": X,
        "lead frame": frame.set_index(np.arange(40)[::-1] * 3),
        "object array": frame.to_numpy(),
        "rows": X.reshape(40, -1),
        "numeric frame": pd.DataFrame(X.reshape(40, -1)).add_prefix("t"),
    }, {"binary": y[:, 0], "multiclass": y @ [1, 2], "multilabel": y}


# One epoch on a few records, and random labels in the checks of scikit-learn.
NO_SIGNAL = pytest.mark.filterwarnings("ignore:The probabilities .*do not rank:UserWarning")


@NO_SIGNAL
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize(
    "container", ["3-D array", "lead frame", "object array", "rows", "numeric frame"]
)
def test_containers_and_networks(signals, container, kind):
    containers, labels = signals
    X, y = containers[container], labels[kind]
    network = MSAICNetClassifier(
        filters=(2,),
        dilations=(1,),
        embedding_dim=4,
        projection_dim=2,
        max_epochs=1,
        n_leads=4,
        random_state=0,
    )
    for clf in wrapped(network):
        if kind == "multiclass" and isinstance(clf, MultilabelTunedThresholdClassifierCV):
            continue
        clf.fit(X, y, groups=np.arange(40) // 2)
        reference = clone(clf).fit(containers["3-D array"], y, groups=np.arange(40) // 2)
        probability = clf.predict_proba(X)
        np.testing.assert_allclose(
            probability, reference.predict_proba(containers["3-D array"]), atol=1e-5
        )
        assert clf.predict(X).shape == y.shape
        assert clf.n_features_in_ == (80 if container in ("rows", "numeric frame") else 4)
        assert hasattr(clf, "feature_names_in_") == ("frame" in container)


@NO_SIGNAL
def test_inside_tools(signals):
    containers, labels = signals
    X, y = containers["lead frame"], labels["binary"]
    pipeline = make_pipeline(
        FunctionTransformer(),
        MSAICNetClassifier(
            filters=(2,),
            dilations=(1,),
            embedding_dim=4,
            projection_dim=2,
            max_epochs=1,
            random_state=0,
        ),
    )
    for clf in wrapped(pipeline):
        assert cross_val_predict(clf, X, y, cv=2, method="predict_proba").shape == (40, 2)


SKLEARN_CASES = [
    pytest.param(instance, check, id=f"{type(instance).__name__}-{check.func.__name__}")
    for estimator in (
        MultilabelCalibratedClassifierCV(LogisticRegression(), cv=2),
        MultilabelTunedThresholdClassifierCV(LogisticRegression(), cv=2),
        PriorCorrectedClassifier(LogisticRegression(class_weight="balanced")),
        PriorCorrectedClassifier(LogisticRegression(), method="fitted", cv=2),
    )
    for instance, check in estimator_checks_generator(estimator)
    # Skipped by scikit-learn unless the environment variable SCIPY_ARRAY_API is set.
    if check.func.__name__ != "check_array_api_input"
]


@NO_SIGNAL
@pytest.mark.parametrize("estimator, check", SKLEARN_CASES)
def test_sklearn_checks(estimator, check):
    check(estimator)


def test_enough_sklearn_checks_run():
    assert len(SKLEARN_CASES) >= 4 * 50

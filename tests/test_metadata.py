"""Tests that weights, patients and class weights reach the estimators inside other estimators."""

from contextlib import nullcontext

import numpy as np
import pytest
import sklearn
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_validate,
)
from sklearn.pipeline import make_pipeline

from sklearn_ecg import (
    ECGNetClassifier,
    MSAICNetClassifier,
    MultilabelCalibratedClassifierCV,
    MultilabelTunedThresholdClassifierCV,
    PriorCorrectedClassifier,
    SequentialLeadSelector,
    to_lead_frame,
)
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.imbalance import RecordOverSampler
from sklearn_ecg.model_selection import DisjointGroupsCV
from sklearn_ecg.preprocessing import LeadScaler, LeadSelector

N_RECORDS = 60


class Spy(ClassifierMixin, BaseEstimator):
    """Records what it is given. The first time point of a record is its number."""

    calls = []

    def fit(self, X, y, sample_weight=None, groups=None):
        records = np.asarray(X)[:, 0, 0].astype(int)
        self.calls.append((records, sample_weight, groups))
        self.classes_ = np.unique(y)
        self.n_labels_ = 2 if np.ndim(y) == 1 else y.shape[1]
        return self

    def predict_proba(self, X):
        positive = np.asarray(X)[:, 0, 0] * 0.618 % 0.8 + 0.1
        if self.n_labels_ == 2:
            return np.column_stack([1 - positive, positive])
        return np.column_stack([positive] * self.n_labels_)

    def predict(self, X):
        probability = self.predict_proba(X)
        if self.n_labels_ > 2:
            return (probability > 0.5).astype(int)
        return self.classes_[probability.argmax(axis=1)]


@pytest.fixture
def data():
    Spy.calls.clear()
    rng = np.random.RandomState(0)
    X = np.repeat(np.arange(float(N_RECORDS)), 2 * 4).reshape(N_RECORDS, 2, 4)
    y = (np.arange(N_RECORDS) * 0.618 % 0.8 + 0.3 * rng.randn(N_RECORDS) > 0.4).astype(int)
    groups = rng.permutation(N_RECORDS) // 4
    return X, y, groups, rng.uniform(1, 2, N_RECORDS)


def requesting(estimator):
    return estimator.set_fit_request(sample_weight=True, groups=True)


def unweighted_scorer():
    return get_scorer("roc_auc").set_score_request(sample_weight=False)


def meta_estimators():
    """Each of these splits, or passes on, the records that it is given."""
    spy = requesting(Spy())
    identity = LeadSelector()
    cv = GroupKFold(3)
    # scikit-learn passes everything to the final estimator of a stack, which must accept groups.
    final = requesting(
        MultilabelCalibratedClassifierCV(
            LogisticRegression().set_fit_request(sample_weight=True), cv=3
        )
    )
    options = {"cv": cv, "scoring": unweighted_scorer()}
    return {
        "Pipeline": make_pipeline(identity, spy),
        "imblearn Pipeline": make_sampling_pipeline(identity, spy),
        "GridSearchCV": GridSearchCV(make_pipeline(identity, spy), {}, **options),
        "RandomizedSearchCV": RandomizedSearchCV(spy, {}, n_iter=1, **options),
        "StackingClassifier": StackingClassifier([("spy", spy)], final, cv=cv),
        "VotingClassifier": VotingClassifier([("a", spy), ("b", clone(spy))], voting="soft"),
        "CalibratedClassifierCV": CalibratedClassifierCV(spy, cv=cv).set_fit_request(
            sample_weight=True
        ),
        "TunedThresholdClassifierCV": TunedThresholdClassifierCV(spy, **options),
        "DisjointGroupsCV": GridSearchCV(
            spy, {}, cv=DisjointGroupsCV(cv, tolerance=None), scoring=unweighted_scorer()
        ),
        "MultilabelCalibratedClassifierCV": requesting(MultilabelCalibratedClassifierCV(spy, cv=3)),
        "MultilabelTunedThresholdClassifierCV": requesting(
            MultilabelTunedThresholdClassifierCV(spy, cv=3, scoring=unweighted_scorer())
        ),
        "PriorCorrectedClassifier": requesting(
            PriorCorrectedClassifier(spy, method="fitted", cv=3)
        ),
    }


with sklearn.config_context(enable_metadata_routing=True):
    META_ESTIMATORS = tuple(meta_estimators())


@pytest.mark.parametrize("name", META_ESTIMATORS)
def test_routing(name, data):
    """Weights and patients arrive with their records, and no patient is on both sides."""
    X, y, groups, weight = data
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = meta_estimators()[name]
        estimator.fit(X, y, sample_weight=weight, groups=groups)
    assert Spy.calls
    for records, given_weight, given_groups in Spy.calls:
        np.testing.assert_array_equal(given_weight, weight[records])
        np.testing.assert_array_equal(given_groups, groups[records])
        left_out = np.setdiff1d(np.arange(N_RECORDS), records)
        assert not set(groups[left_out]) & set(groups[records])
    splits = "Pipeline" not in name and name != "VotingClassifier"
    assert any(len(records) < N_RECORDS for records, _, _ in Spy.calls) == splits


@pytest.mark.parametrize("name", META_ESTIMATORS)
def test_routing_through_cross_validate(name, data):
    X, y, groups, weight = data
    with sklearn.config_context(enable_metadata_routing=True):
        cross_validate(
            meta_estimators()[name],
            X,
            y,
            params={"sample_weight": weight, "groups": groups},
            cv=GroupKFold(2),
            scoring=unweighted_scorer(),
        )
    for records, given_weight, given_groups in Spy.calls:
        np.testing.assert_array_equal(given_weight, weight[records])
        np.testing.assert_array_equal(given_groups, groups[records])
        assert len(records) <= N_RECORDS / 2 + 4


@pytest.mark.parametrize(
    "estimator, params",
    [
        (make_pipeline(LeadSelector(), Spy()), {"spy__sample_weight": 1, "spy__groups": 2}),
        (GridSearchCV(Spy(), {}, cv=GroupKFold(3)), {"sample_weight": 1, "groups": 2}),
        (MultilabelCalibratedClassifierCV(Spy(), cv=3), {"sample_weight": 1, "groups": 2}),
        (MultilabelTunedThresholdClassifierCV(Spy(), cv=3), {"sample_weight": 1, "groups": 2}),
        (PriorCorrectedClassifier(Spy(), method="fitted"), {"sample_weight": 1, "groups": 2}),
        (SequentialLeadSelector(Spy(), cv=3), {"sample_weight": 1, "groups": 2}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_without_routing(estimator, params, data):
    X, y, groups, weight = data
    values = {1: weight, 2: groups}
    estimator.fit(X, y, **{name: values[value] for name, value in params.items()})
    passes_groups = not isinstance(estimator, GridSearchCV)
    for records, given_weight, given_groups in Spy.calls:
        np.testing.assert_array_equal(given_weight, weight[records])
        if passes_groups:
            np.testing.assert_array_equal(given_groups, groups[records])
        left_out = np.setdiff1d(np.arange(N_RECORDS), records)
        assert not set(groups[left_out]) & set(groups[records])


# Networks


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(
        40,
        duration=1,
        prevalence=0.4,
        records_per_patient=2,
        sampling_rate=50,
        class_sep=np.inf,
        random_state=0,
    )


def make_network(**params):
    return MSAICNetClassifier(
        filters=(4,),
        dilations=(1,),
        embedding_dim=4,
        random_state=0,
        **{"max_epochs": 2, **params},
    )


def targets(ecg):
    y = ecg.target
    return {
        "binary": y,
        "multiclass": np.where(y, "MI", np.where(ecg.groups % 2, "NORM", "CD")),
        "multilabel": np.column_stack([y, ecg.groups % 3 == 0, 1 - y]).astype(int),
    }


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("routing", [True, False])
def test_weights_in_a_pipeline_are_those_of_the_network(kind, routing, ecg):
    y = targets(ecg)[kind]
    weight = np.random.RandomState(0).uniform(0, 2, len(y)).round()
    network = make_network(early_stopping=True, validation_fraction=0.3)
    X = LeadScaler().fit_transform(ecg.data)
    expected = clone(network).fit(X, y, sample_weight=weight, groups=ecg.groups)
    params = {"sample_weight": weight, "groups": ecg.groups}
    context = sklearn.config_context(enable_metadata_routing=True) if routing else nullcontext()
    with context:
        if routing:
            network.set_fit_request(sample_weight=True, groups=True)
        else:
            params = {f"msaicnetclassifier__{name}": value for name, value in params.items()}
        fitted = make_pipeline(LeadScaler(), network).fit(ecg.data, y, **params)
    probability = fitted.predict_proba(ecg.data)
    np.testing.assert_array_equal(probability, expected.predict_proba(X))
    unweighted = make_pipeline(LeadScaler(), clone(network)).fit(ecg.data, y)
    assert not np.allclose(probability, unweighted.predict_proba(ecg.data))


def test_weights_in_bagging(ecg):
    """Bagging draws records by their weights: those without weight have no influence."""
    X, y = to_lead_frame(ecg.data), ecg.target
    weight = (np.arange(len(y)) % 2).astype(float)
    bagging = BaggingClassifier(make_network(), n_estimators=2, random_state=0)
    expected = clone(bagging).fit(X, y, sample_weight=weight).predict_proba(X)
    other = X.copy()
    other.iloc[::2] = X.iloc[1::2].to_numpy()
    changed = bagging.fit(other, y, sample_weight=weight).predict_proba(X)
    np.testing.assert_array_equal(changed, expected)


CLASS_WEIGHTS = {
    "binary": {0: 1, 1: 30},
    "multiclass": {"MI": 30, "NORM": 1, "CD": 1},
    "multilabel": [{0: 1, 1: 30}, {}, {0: 30, 1: 1}],
}


@pytest.mark.parametrize("kind", CLASS_WEIGHTS)
def test_class_weights_in_a_search(kind, ecg):
    """A heavier class is predicted more often, in every tool that sets the parameter."""
    y = targets(ecg)[kind]
    grid = {"msaicnetclassifier__class_weight": [None, "balanced", CLASS_WEIGHTS[kind]]}
    network = make_network(learning_rate=3e-2, focal_gamma=0, max_epochs=6)
    pipeline = make_pipeline(LeadScaler(), network)
    search = GridSearchCV(pipeline, grid, cv=GroupKFold(2)).fit(ecg.data, y, groups=ecg.groups)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    means = []
    for class_weight in (None, CLASS_WEIGHTS[kind]):
        pipeline.set_params(msaicnetclassifier__class_weight=class_weight).fit(ecg.data, y)
        probability = pipeline.predict_proba(ecg.data)
        positive = list(pipeline.classes_).index("MI") if kind == "multiclass" else 1
        column = 0 if kind == "multilabel" else positive
        means.append(probability[:, column].mean())
    assert means[1] > means[0] + 0.03


def test_class_weights_by_column(ecg):
    """A dict of dicts is the list without the labels that are not weighted."""
    X, y = ecg.data, targets(ecg)["multilabel"]
    full = make_network(class_weight=[{}, {}, {0: 1, 1: 5}]).fit(X, y).predict_proba(X)
    short = make_network(class_weight={2: {1: 5}}).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(short, full)
    none = make_network(class_weight={}).fit(X, y).predict_proba(X)
    assert not np.allclose(none, full)
    ones = make_network(class_weight=[{0: 1, 1: 1}] * 3).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(none, ones)


@pytest.mark.parametrize(
    "class_weight", [{3: {1: 5}}, {0: 1, 1: 5}, {0: {2: 5}}, [{0: 1}], {"MI": {1: 5}}]
)
def test_class_weights_that_do_not_match_the_labels(class_weight, ecg):
    clf = ECGNetClassifier("cnn_lstm", class_weight=class_weight, max_epochs=0)
    with pytest.raises(ValueError, match="multilabel y of 3 labels.*as in {2: {0: 1, 1: 5}}"):
        clf.fit(ecg.data, targets(ecg)["multilabel"])


def test_prior_of_weights_by_column(ecg):
    y = targets(ecg)["multilabel"]
    network = make_network(class_weight={2: {1: 3}}, focal_gamma=0)
    corrected = PriorCorrectedClassifier(network, method="closed_form").fit(ecg.data, y)
    share = y.mean(axis=0)
    expected = [share[0], share[1], 3 * share[2] / (3 * share[2] + 1 - share[2])]
    np.testing.assert_allclose(corrected.effective_prevalence_, expected)


def test_weights_after_a_sampler_are_refused(ecg):
    """Weights of the original records do not match the resampled ones."""
    pipeline = make_sampling_pipeline(RecordOverSampler(random_state=0), make_network())
    weight = np.ones(len(ecg.target))
    weight[0] = 2
    with pytest.raises(ValueError, match="sample_weight"):
        pipeline.fit(ecg.data, ecg.target, msaicnetclassifier__sample_weight=weight)

"""Tests of the forward and backward selection of leads."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_ecg import MSAICNetClassifier, SequentialLeadSelector, to_lead_array, to_lead_frame
from sklearn_ecg.preprocessing import LeadScaler, LeadSelector

LEADS = ("I", "II", "V1", "V2", "V3", "V4")


def as_features(X):
    """One feature for each lead: its first time point."""
    if isinstance(X, pd.DataFrame):
        X = to_lead_array(X)
    return np.stack([[signal[0] for signal in record] for record in X])


def make_model(final=None):
    return make_pipeline(FunctionTransformer(as_features), final or LogisticRegression())


@pytest.fixture(scope="module")
def data():
    """Leads of different use for y, in order: V2, V1, II; the others are noise."""
    rng = np.random.RandomState(0)
    X = rng.randn(120, 6, 8)
    y = (X[:, 3, 0] + 0.6 * X[:, 2, 0] + 0.35 * X[:, 1, 0] + 0.3 * rng.randn(120) > 0).astype(int)
    return X, y


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("number", [1, 3, 5, 0.5, "auto"])
def test_selects_as_sklearn(direction, number, data):
    X, y = data
    cv = StratifiedKFold(3)
    expected = SequentialFeatureSelector(
        LogisticRegression(), n_features_to_select=number, direction=direction, cv=cv
    ).fit(X[:, :, 0], y)
    selector = SequentialLeadSelector(
        make_model(), n_leads_to_select=number, direction=direction, cv=cv
    ).fit(X, y)
    np.testing.assert_array_equal(selector.support_, expected.support_)
    np.testing.assert_array_equal(selector.transform(X), X[:, expected.support_])


def test_tolerance_stops_as_sklearn(data):
    X, y = data
    for tol in (0.001, 0.02, 0.2):
        expected = SequentialFeatureSelector(LogisticRegression(), tol=tol, cv=3)
        expected.fit(X[:, :, 0], y)
        selector = SequentialLeadSelector(make_model(), tol=tol, cv=3).fit(X, y)
        np.testing.assert_array_equal(selector.support_, expected.support_)


def test_backward_selection_starts_with_all_leads(data):
    """The first removal is compared with the score of all leads, unlike in scikit-learn."""
    X, y = data
    options = {"direction": "backward", "cv": 3, "scoring": "roc_auc"}
    kept = SequentialLeadSelector(make_model(), tol=1.0, **options).fit(X, y)
    assert kept.support_.all()
    assert kept.scores_.n_leads.tolist() == [6]
    expected = cross_val_score(make_model(), X, y, cv=3, scoring="roc_auc")
    assert kept.scores_.mean_test_score[0] == expected.mean()
    accepted = SequentialLeadSelector(make_model(), tol=-0.02, **options).fit(X, y)
    assert 1 <= accepted.support_.sum() < 6
    assert (accepted.scores_.mean_test_score.diff()[1:] >= -0.02).all()
    everything = SequentialLeadSelector(make_model(), tol=-1.0, **options).fit(X, y)
    assert everything.support_.sum() == 1


def test_path(data):
    """Every row is the score of its leads, and the best of the choices of its step."""
    X, y = data
    frame = to_lead_frame(X, LEADS)
    cv = KFold(3)
    selector = SequentialLeadSelector(
        make_model(), n_leads_to_select=6, cv=cv, scoring="roc_auc"
    ).fit(frame, y)
    path = selector.scores_
    assert path.n_leads.tolist() == [1, 2, 3, 4, 5, 6]
    assert path.changed.tolist()[:3] == ["V2", "V1", "II"] == selector.selected_groups_[:3]
    before = set()
    for _, row in path.iterrows():
        assert set(row.leads) == before | {row.changed}
        assert list(row.leads) == sorted(row.leads, key=LEADS.index)
        options = {}
        for lead in set(LEADS) - before:
            chosen = LeadSelector(sorted(before | {lead}, key=LEADS.index)).fit_transform(frame)
            options[lead] = cross_val_score(make_model(), chosen, y, cv=cv, scoring="roc_auc")
        assert row.mean_test_score == max(scores.mean() for scores in options.values())
        scores = options[row.changed]
        assert [row[f"split{i}_test_score"] for i in range(3)] == scores.tolist()
        assert row.std_test_score == scores.std()
        before = set(row.leads)


@pytest.mark.parametrize("container", ["array", "frame", "cells", "rows", "numeric frame"])
@pytest.mark.parametrize("labels", ["classes", "strings", "indicator"])
def test_containers(container, labels, data):
    X, y = data
    y = {"classes": y, "strings": np.where(y, "yes", "no"), "indicator": np.c_[y, 1 - y]}[labels]
    y = pd.DataFrame(y) if labels == "indicator" else pd.Series(y, index=np.arange(len(y)) + 7)
    params, network = {}, {}
    frame = to_lead_frame(X, LEADS, index=[f"r{i}" for i in range(len(X))], sampling_rate=100)
    if container in ("rows", "numeric frame"):
        params = network = {"n_leads": 6, "lead_names": LEADS}
        X = X.reshape(len(X), -1).copy()
        X.flags.writeable = False
        if container == "numeric frame":
            X = pd.DataFrame(X, index=frame.index, columns=[f"c{i}" for i in range(48)])
    elif container == "frame":
        X = frame
    elif container == "cells":
        X = frame.to_numpy()
    estimator = MSAICNetClassifier(
        filters=(2,), dilations=(1,), embedding_dim=2, max_epochs=0, random_state=0, **network
    )
    selector = SequentialLeadSelector(estimator, n_leads_to_select=2, cv=2, **params).fit(X, y)
    chosen = selector.transform(X)
    expected = LeadSelector(list(selector.positions_), **params).fit_transform(X)
    assert type(chosen) is type(X)
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_frame_equal(chosen, expected)
        assert chosen.attrs == X.attrs
    else:
        assert str(chosen.tolist()) == str(expected.tolist())
    named = container not in ("array", "cells")
    names = [LEADS[i] if named else i for i in selector.positions_]
    assert selector.selected_leads_ == names


def test_parameters_of_inner_steps_follow(data):
    """n_leads and lead_names of any step describe the leads that it is given."""
    X, y = data
    seen = []

    class Watch(LeadScaler):
        def fit(self, X, y=None):
            seen.append((self.n_leads, self.lead_names, np.shape(X)))
            return super().fit(X, y)

    steps = [Watch(n_leads=6, lead_names=LEADS), StandardScaler(), LogisticRegression()]
    model = make_pipeline(*steps)
    rows = X.reshape(len(X), -1)
    selector = SequentialLeadSelector(
        model, n_leads_to_select=2, cv=2, n_leads=6, lead_names=LEADS
    ).fit(rows, y)
    assert {(n, len(names), shape[1]) for n, names, shape in seen} == {(1, 1, 8), (2, 2, 16)}
    assert model[0].n_leads == 6
    chosen = selector.transform(rows)
    assert clone(model).set_params(watch__n_leads=2, watch__lead_names=None).fit(chosen, y)
    assert selector.get_feature_names_out()[0] == f"{selector.selected_leads_[0]}__t0"


def test_groups_of_leads(data):
    X, y = data
    frame = to_lead_frame(X, LEADS)
    groups = {"limb": ["I", "II"], "septal": ["V1", "V2"], "V3": [4]}
    selector = SequentialLeadSelector(
        make_model(), n_leads_to_select=2, lead_groups=groups, cv=3
    ).fit(frame, y)
    assert selector.selected_groups_ == ["septal", "limb"]
    assert selector.selected_leads_ == ["I", "II", "V1", "V2"]
    assert selector.scores_.changed.tolist() == ["septal", "limb"]
    # V4 is in no group.
    backward = SequentialLeadSelector(
        make_model(), n_leads_to_select=1, lead_groups=groups, cv=3, direction="backward"
    ).fit(frame, y)
    assert backward.selected_groups_ == ["septal"]
    assert backward.scores_.n_leads[0] == 5
    # Leads of two groups stay as long as one of them does.
    overlapping = {"a": ["V2", "V1"], "b": ["V2", "V3"]}
    backward = clone(backward).set_params(lead_groups=overlapping).fit(frame, y)
    assert backward.selected_leads_ == ["V1", "V2"]


def test_regions():
    rng = np.random.RandomState(0)
    X = rng.randn(60, 12, 20)
    y = (X[:, [1, 2, 5], 0].sum(axis=1) > 0).astype(int)
    selector = SequentialLeadSelector(
        make_model(), n_leads_to_select=1, lead_groups="regions", cv=3
    ).fit(X, y)
    assert selector.selected_groups_ == ["inferior"]
    assert selector.selected_leads_ == ["II", "III", "aVF"]


class Spy(ClassifierMixin, BaseEstimator):
    """Records what it is given."""

    calls = []

    def fit(self, X, y, sample_weight=None, groups=None):
        self.calls.append((np.asarray(X)[:, 0, 0].astype(int), sample_weight, groups))
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[np.arange(len(X)) % 2]


@pytest.fixture
def numbered():
    """Records whose first value is their number, with their patients."""
    rng = np.random.RandomState(0)
    X = np.repeat(np.arange(24.0), 2 * 3).reshape(24, 2, 3)
    Spy.calls.clear()
    return X, np.arange(24) % 4 // 2, np.sort(rng.randint(8, size=24)), rng.uniform(1, 2, 24)


@pytest.mark.parametrize("cv", [3, GroupKFold(3)])
def test_patients_stay_together(cv, numbered):
    X, y, groups, weight = numbered
    selector = SequentialLeadSelector(Spy(), n_leads_to_select=1, cv=cv)
    selector.fit(X, y, groups=groups, sample_weight=weight)
    assert len(Spy.calls) == 2 * 3
    for records, given_weight, given_groups in Spy.calls:
        np.testing.assert_array_equal(given_weight, weight[records])
        np.testing.assert_array_equal(given_groups, groups[records])
        rest = np.setdiff1d(np.arange(24), records)
        assert len(rest) and not set(groups[rest]) & set(groups[records])


@pytest.mark.parametrize("cv", [3, GroupKFold(3)])
def test_metadata_routing(cv, numbered):
    X, y, groups, weight = numbered
    with sklearn.config_context(enable_metadata_routing=True):
        spy = Spy().set_fit_request(sample_weight=True, groups=False)
        scorer = get_scorer("accuracy").set_score_request(sample_weight=True)
        selector = SequentialLeadSelector(spy, n_leads_to_select=1, cv=cv, scoring=scorer)
        selector.set_fit_request(groups=True)
        final = DummyClassifier().set_fit_request(sample_weight=True)
        flat = FunctionTransformer(lambda X: X.reshape(len(X), -1))
        pipeline = make_pipeline(selector, flat, final)
        params = {"groups": groups, "sample_weight": weight}
        cross_validate(pipeline, X, y, params=params, cv=GroupKFold(2), scoring=scorer)
    assert len(Spy.calls) == 2 * 2 * 3
    for records, given_weight, given_groups in Spy.calls:
        np.testing.assert_array_equal(given_weight, weight[records])
        assert given_groups is None
        assert len(set(groups[records])) < 8


def test_a_patient_on_both_sides(numbered):
    X, y, groups, _ = numbered
    with pytest.raises(ValueError, match="on both sides"):
        SequentialLeadSelector(Spy(), cv=list(KFold(3).split(X))).fit(X, y, groups=groups)


def test_multilabel_folds_by_patient(numbered):
    X, y, groups, _ = numbered
    indicator = np.c_[y, np.arange(24) % 3 == 0].astype(int)
    model = make_pipeline(
        FunctionTransformer(as_features), OneVsRestClassifier(LogisticRegression())
    )
    selector = SequentialLeadSelector(model, n_leads_to_select=1, cv=2, scoring="f1_macro")
    assert selector.fit(X, indicator, groups=groups).support_.sum() == 1


def test_random_splits_are_the_same_for_all_leads(numbered):
    X, y, _, _ = numbered
    SequentialLeadSelector(Spy(), n_leads_to_select=2, cv=ShuffleSplit(2)).fit(X, y)
    splits = [tuple(records) for records, _, _ in Spy.calls]
    assert len(splits) == 2 * (2 + 1)
    assert len(set(splits)) == 2


def test_regression_and_labels_that_are_ignored(data):
    X, _ = data
    selector = SequentialLeadSelector(make_model(Ridge()), n_leads_to_select=1, cv=3)
    selector.fit(X, X[:, 4, 0] * 2 + 1)
    assert selector.selected_leads_ == [4]
    groups = np.arange(len(X)) // 3
    assert selector.fit(X, X[:, 5, 0], groups=groups).selected_leads_ == [5]


def test_processes_give_the_same(data):
    X, y = data
    selector = SequentialLeadSelector(make_model(), n_leads_to_select=2, cv=3)
    expected = clone(selector).fit(X, y)
    selector.set_params(n_jobs=2).fit(X, y)
    pd.testing.assert_frame_equal(selector.scores_, expected.scores_)


@pytest.mark.parametrize(
    "params, message",
    [
        ({"n_leads_to_select": 7}, "n_leads_to_select=7, but X has 6 leads"),
        ({"n_leads_to_select": 2, "tol": 0.1}, "tol=0.1 requires n_leads_to_select='auto'"),
        ({"tol": -0.1}, "tol=-0.1 must be >= 0 for forward selection"),
        ({"lead_groups": "region"}, "lead_groups='region' is unknown"),
        ({"lead_groups": {"a": ["V9"]}}, "V9"),
        ({"n_leads_to_select": 3, "lead_groups": {"a": ["I"]}}, "X has 1 groups of leads"),
    ],
)
def test_errors(params, message, data):
    X, y = data
    selector = SequentialLeadSelector(make_model(), cv=3, **params)
    with pytest.raises(ValueError, match=message):
        selector.fit(to_lead_frame(X, LEADS), y)
    with pytest.raises(sklearn.exceptions.NotFittedError):
        selector.transform(X)


def test_scores_that_are_not_finite(data):
    X, y = data
    selector = SequentialLeadSelector(make_model(), cv=3, scoring=lambda *args: np.nan)
    with pytest.raises(ValueError, match=r"gave nan for the leads \[0\] in split 0"):
        selector.fit(X, y)


def test_errors_of_the_estimator_are_raised(data):
    X, y = data
    with pytest.raises(ValueError, match="n_leads=5 does not divide"):
        SequentialLeadSelector(MSAICNetClassifier(n_leads=5), cv=3, n_leads=6).fit(
            X.reshape(len(X), -1), y
        )


def test_nested_cross_validation_with_a_network(data):
    X, y = data
    network = MSAICNetClassifier(
        filters=(4,), dilations=(1,), embedding_dim=4, max_epochs=1, random_state=0
    )
    nested = make_pipeline(
        SequentialLeadSelector(network, n_leads_to_select=1, cv=2), clone(network)
    )
    scores = cross_validate(nested, X, y, cv=2, return_estimator=True)
    assert [fitted[-1].n_leads_in_ for fitted in scores["estimator"]] == [1, 1]

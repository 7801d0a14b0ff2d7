"""Tests of make_beat_classifier: targets, containers, the average, inspection, files."""

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import Pipeline

from sklearn_ecg import to_lead_frame
from sklearn_ecg.beats import BeatFeatures, make_beat_classifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import feature_groups, lead_importance
from sklearn_ecg.persistence import load, save

SMALL = {
    "classifier__estimator__boosting__max_iter": 20,
    "classifier__estimator__trees__extratreesclassifier__n_estimators": 20,
}


def make_small(**params):
    return make_beat_classifier(100, random_state=0, **params).set_params(**SMALL)


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(
        60,
        duration=5,
        prevalence=0.5,
        severity=0.5,
        records_per_patient=2,
        class_sep=np.inf,
        random_state=0,
    )


@pytest.fixture(scope="module")
def fitted(ecg):
    return make_small().fit(ecg.data[:40], ecg.target[:40])


def test_separates_infarctions(ecg, fitted):
    assert isinstance(fitted, Pipeline)
    assert is_classifier(fitted)
    assert fitted.score(ecg.data[40:], ecg.target[40:]) > 0.8
    scores = cross_val_score(
        make_small(), ecg.data, ecg.target, groups=ecg.groups, cv=GroupKFold(2), scoring="roc_auc"
    )
    assert scores.min() > 0.9


def test_is_the_average_of_three_models(ecg, fitted):
    table = BeatFeatures(100).fit(ecg.data[:40]).transform(ecg.data[40:])
    (average,) = fitted[-1].estimators_
    probability = fitted.predict_proba(ecg.data[40:])
    parts = [model.predict_proba(table) for model in average.estimators_]
    assert len(parts) == 3
    np.testing.assert_allclose(probability, np.average(parts, axis=0, weights=(2, 4, 1)), rtol=1e-6)
    # Each of them has an effect.
    assert min(part.std() for part in parts) > 0.01


@pytest.mark.parametrize("target", ["strings", "multiclass", "multilabel"])
def test_targets(ecg, target):
    number = np.arange(60) // 2 % 3
    y = {
        "strings": np.where(ecg.target == 1, "MI", "NORM"),
        "multiclass": np.where(ecg.target == 1, 7, number),
        "multilabel": np.column_stack([ecg.target, number == 1, number < 2]).astype(int),
    }[target]
    clf = make_small().fit(ecg.data, y)
    probability = clf.predict_proba(ecg.data)
    if target == "multilabel":
        assert probability.shape == y.shape
        np.testing.assert_array_equal(clf.predict(ecg.data), probability > 0.5)
        return
    np.testing.assert_array_equal(clf.classes_, np.unique(y))
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    np.testing.assert_array_equal(clf.predict(ecg.data), clf.classes_[probability.argmax(axis=1)])


def test_containers(ecg, fitted):
    frame = to_lead_frame(ecg.data, ecg.lead_names, sampling_rate=100)
    expected = fitted.predict_proba(ecg.data[40:])
    of_frame = make_small().fit(frame[:40], ecg.target[:40])
    np.testing.assert_array_equal(of_frame.predict_proba(frame[40:]), expected)
    rows = ecg.data.reshape(60, -1)
    of_rows = make_small(n_leads=12).fit(rows[:40], ecg.target[:40])
    np.testing.assert_array_equal(of_rows.predict_proba(rows[40:]), expected)
    leads = ["I", "V2"]
    X = ecg.data[:, [0, 7]]
    few = make_small(lead_names=leads).fit(X[:40], ecg.target[:40])
    assert few.score(X[:40], ecg.target[:40]) > 0.8
    assert few[0].lead_names_in_ == ("I", "V2")
    with pytest.raises(ValueError, match="sampling_rate"):
        make_beat_classifier(500).fit(frame, ecg.target)


def test_records_without_beats_and_missing_leads(ecg, fitted):
    X = ecg.data[40:].copy()
    X[0] = 0
    X[1, 1:] = np.nan
    probability = fitted.predict_proba(X)
    assert np.isfinite(probability).all()
    # The rounding of matrix products depends on their size.
    expected = fitted.predict_proba(ecg.data[42:])
    np.testing.assert_allclose(probability[2:], expected, rtol=1e-5)
    assert np.isfinite(make_small().fit(X, ecg.target[40:]).predict_proba(X)).all()


def test_few_records(ecg):
    chosen = np.r_[np.flatnonzero(ecg.target == 1)[:2], np.flatnonzero(ecg.target == 0)[:2]]
    clf = make_small().fit(ecg.data[chosen], ecg.target[chosen])
    assert np.isfinite(clf.predict_proba(ecg.data)).all()


def test_a_constant_label_gets_its_value_as_probability(ecg):
    y = np.column_stack([ecg.target, np.zeros(60, int)])[:20]
    with pytest.warns(UserWarning, match="is present in all training examples"):
        clf = make_small().fit(ecg.data[:20], y)
    probability = clf.predict_proba(ecg.data[:20])
    assert (probability[:, 1] == 0).all()
    expected = make_small().fit(ecg.data[:20], y[:, 0]).predict_proba(ecg.data[:20])[:, 1]
    np.testing.assert_array_equal(probability[:, 0], expected)


def test_class_weight(ecg):
    rare = np.r_[np.flatnonzero(ecg.target == 1)[:6], np.flatnonzero(ecg.target == 0)]
    X, y = ecg.data[rare], ecg.target[rare]
    plain = make_small().fit(X, y).predict_proba(ecg.data)[:, 1]
    balanced = make_small(class_weight="balanced").fit(X, y).predict_proba(ecg.data)[:, 1]
    assert balanced.mean() > plain.mean() + 0.02
    params = make_beat_classifier(100, class_weight="balanced").get_params()
    weights = {name: v for name, v in params.items() if name.endswith("class_weight")}
    assert len(weights) == 3
    assert set(weights.values()) == {"balanced"}


def test_seed_determines_the_result(ecg, fitted):
    probability = fitted.predict_proba(ecg.data)
    again = clone(fitted).fit(ecg.data[:40], ecg.target[:40])
    np.testing.assert_array_equal(again.predict_proba(ecg.data), probability)
    other = make_beat_classifier(100, random_state=1).set_params(**SMALL)
    other.fit(ecg.data[:40], ecg.target[:40])
    assert not np.array_equal(other.predict_proba(ecg.data), probability)
    seeds = [v for name, v in fitted.get_params().items() if name.endswith("random_state")]
    assert seeds.count(0) == 2


def test_leads_of_features_and_importance(ecg, fitted):
    groups = feature_groups(fitted[0].get_feature_names_out())
    assert set(groups) == {*ecg.lead_names, "no lead"}
    result = lead_importance(
        fitted, ecg.data[40:], ecg.target[40:], n_repeats=2, random_state=0, scoring="roc_auc"
    )
    assert len(result.importances_mean) == 12


def test_save_and_load(ecg, fitted, tmp_path):
    save(fitted, tmp_path / "model.ecg")
    loaded = load(tmp_path / "model.ecg")
    np.testing.assert_array_equal(loaded.predict_proba(ecg.data), fitted.predict_proba(ecg.data))


@pytest.mark.parametrize(
    "params, error, message",
    [
        ({"sampling_rate": None}, ValueError, "sampling_rate is missing"),
        ({"sampling_rate": 50}, ValueError, "sampling_rate must be from 100 to 1000 Hz"),
        ({"sampling_rate": "100"}, TypeError, "sampling_rate must be a number"),
        ({"class_weight": {0: 1, 1: 5}}, ValueError, "class_weight"),
        ({"random_state": "a"}, ValueError, "random_state"),
        ({"n_jobs": 1.5}, ValueError, "n_jobs"),
    ],
)
def test_invalid_parameters(params, error, message):
    with pytest.raises(error, match=message):
        make_beat_classifier(**{"sampling_rate": 100, **params})

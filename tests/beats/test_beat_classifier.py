"""Tests of make_beat_classifier: targets, containers, the average, inspection, files."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from sklearn_ecg import PatientAggregator, to_lead_frame
from sklearn_ecg.beats import BeatFeatures, make_beat_classifier
from sklearn_ecg.beats._averaged_models import RecordCountVotingClassifier
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
    assert fitted.score(ecg.data[40:], ecg.target[40:]) > 0.7
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
    n_rarer = np.bincount(ecg.target[:40]).min()
    weights = (8 * n_rarer / (n_rarer + 100), 4, 1)
    np.testing.assert_allclose(average.weights_, weights)
    np.testing.assert_allclose(probability, np.average(parts, axis=0, weights=weights), rtol=1e-6)
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


@pytest.mark.parametrize("y", [np.ones(20), np.full(20, "NORM"), np.zeros((20, 1), int)])
def test_a_single_class_is_an_error(ecg, y):
    with pytest.raises(ValueError, match="make_beat_classifier needs records of at least 2"):
        make_small().fit(ecg.data[:20], y.ravel())


def test_missing_labels_are_an_error(ecg):
    with pytest.raises(ValueError, match="1 label.s. are missing"):
        make_small().fit(ecg.data[:4], np.array(["MI", None, "NORM", "MI"], dtype=object))


@pytest.fixture(scope="module")
def table(ecg):
    """The measurements, and the classifier of them."""
    clf = make_small()
    return clf[0].fit_transform(ecg.data), clf[-1]


def test_weights_reach_every_model(ecg, table):
    X, clf = table
    y = np.random.RandomState(0).randint(2, size=60)
    weight = np.where(y == 1, 0.01, 1.0)
    plain = clone(clf).fit(X, y).estimators_[0]
    weighted = clone(clf).fit(X, y, sample_weight=weight).estimators_[0]
    for before, after in zip(plain.estimators_, weighted.estimators_):
        shift = before.predict_proba(X)[:, 1].mean() - after.predict_proba(X)[:, 1].mean()
        assert shift > 0.1
    means = [average.estimators_[2]["clippedscaler"].mean_ for average in (plain, weighted)]
    assert not np.allclose(*means)


@pytest.mark.parametrize("kind", ["binary", "multilabel"])
def test_weights_of_one_have_no_effect(ecg, table, kind):
    X, clf = table
    y = ecg.target
    if kind == "multilabel":
        y = np.column_stack([y, np.arange(60) % 3 == 0]).astype(int)
    expected = clone(clf).fit(X, y).predict_proba(X)
    probability = clone(clf).fit(X, y, sample_weight=np.ones(60)).predict_proba(X)
    # Rounding changes where L-BFGS stops, up to its tolerance.
    np.testing.assert_allclose(probability, expected, atol=1e-4)


@pytest.mark.parametrize("constant", [1 / 1024, 512.0])
def test_unit_of_weights_has_no_effect(ecg, table, constant):
    X, clf = table
    weight = np.arange(60) % 4 / 2
    expected = clone(clf).fit(X, ecg.target, sample_weight=weight).predict_proba(X)
    probability = clone(clf).fit(X, ecg.target, sample_weight=weight * constant).predict_proba(X)
    np.testing.assert_allclose(probability, expected, atol=1e-4)


def test_records_of_weight_zero_are_left_out(ecg, table):
    X, clf = table
    weight = np.where(np.arange(60) % 3 == 0, 0.0, np.arange(60) / 30)
    y = ecg.target.copy()
    y[weight == 0] = 7  # a class of its own
    X_changed = X.copy()
    X_changed[weight == 0] = 1e6
    kept = weight > 0
    expected = clone(clf).fit(X[kept], y[kept], sample_weight=weight[kept])
    fitted = clone(clf).fit(X_changed, y, sample_weight=weight)
    np.testing.assert_array_equal(fitted.classes_, [0, 1])
    np.testing.assert_array_equal(fitted.predict_proba(X), expected.predict_proba(X))


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame])
def test_measurements_of_records_of_weight_zero_only_are_not_used(ecg, table, container):
    X, clf = table
    X = X.copy()
    X[3:, 5] = np.nan
    weight = np.r_[np.zeros(3), np.ones(57)]
    fitted = clone(clf).fit(container(X), ecg.target, sample_weight=weight)
    expected = fitted.predict_proba(container(X))
    X[:, 5] = 1e3
    np.testing.assert_array_equal(fitted.predict_proba(container(X)), expected)


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame])
def test_measurements_that_no_record_has_are_not_used(ecg, table, container):
    X, clf = table
    X = X.copy()
    X[:, [5, 70]] = np.nan
    fitted = clone(clf).fit(container(X), ecg.target)
    expected = fitted.predict_proba(container(X))
    X[:, [5, 70]] = 1e3
    np.testing.assert_array_equal(fitted.predict_proba(container(X)), expected)


def test_weights_in_the_pipeline(ecg):
    weight = np.where(ecg.target == 1, 0.01, 1.0)
    by_name = make_small().fit(ecg.data, ecg.target, classifier__sample_weight=weight)
    plain = make_small().fit(ecg.data, ecg.target)
    probability = by_name.predict_proba(ecg.data)
    assert probability[:, 1].mean() < plain.predict_proba(ecg.data)[:, 1].mean() - 0.1
    frame = to_lead_frame(ecg.data, ecg.lead_names, sampling_rate=100)
    pandas = make_small().set_output(transform="pandas")
    pandas.fit(frame, ecg.target, classifier__sample_weight=pd.Series(weight, index=frame.index))
    np.testing.assert_allclose(pandas.predict_proba(frame), probability, rtol=1e-6)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = make_small().fit(ecg.data, ecg.target, sample_weight=weight)
        np.testing.assert_array_equal(routed.predict_proba(ecg.data), probability)
        np.testing.assert_array_equal(
            make_small().fit(ecg.data, ecg.target).predict_proba(ecg.data),
            plain.predict_proba(ecg.data),
        )


def test_weights_of_patients(ecg):
    """`PatientAggregator` finds the argument of the last step."""
    weight = np.where(ecg.target == 1, 0.01, 1.0)
    clf = PatientAggregator(make_small())
    plain = clone(clf).fit(ecg.data, ecg.target, groups=ecg.groups)
    weighted = clf.fit(ecg.data, ecg.target, groups=ecg.groups, sample_weight=weight)
    means = [c.predict_proba(ecg.data, groups=ecg.groups)[:, 1].mean() for c in (plain, weighted)]
    assert means[1] < means[0] - 0.1


@pytest.mark.parametrize(
    "weight, message",
    [
        (np.zeros(60), "at least one non-zero"),
        (np.full(60, -1.0), "Negative"),
        (np.ones(59), "59"),
        (np.full(60, np.nan), "NaN"),
        (np.array(["a"] * 60), "sample_weight"),
        (np.ma.masked_array(np.ones(60), np.arange(60) == 3), "masked"),
    ],
)
def test_invalid_weights(ecg, table, weight, message):
    X, clf = table
    with pytest.raises(ValueError, match=message):
        clone(clf).fit(X, ecg.target, sample_weight=weight)


def test_weights_that_leave_one_class(ecg, table):
    X, clf = table
    with pytest.raises(ValueError, match="without the records of weight 0, needs records of at"):
        clone(clf).fit(X, ecg.target, sample_weight=(ecg.target == 1).astype(float))


def test_weight_of_boosting_is_that_of_each_label(ecg, table):
    X, clf = table
    y = np.column_stack([ecg.target, np.arange(60) < 7]).astype(int)
    weight = np.linspace(0, 2, 60)
    fitted = clone(clf).fit(X, y, sample_weight=weight)
    for label, average in zip(y.T, fitted.estimators_):
        m = min(weight[label == 1].sum(), weight[label == 0].sum()) / weight[1:].mean()
        np.testing.assert_allclose(average.weights_, (8 * m / (m + 100), 4, 1))


@pytest.mark.parametrize("constant", [1e-3, 1e3])
def test_unit_of_weights_does_not_change_the_weight_of_boosting(constant):
    X, y = np.random.RandomState(0).randn(30, 2), np.arange(30) % 3 == 0
    models = [("a", LogisticRegression(C=1e6)), ("b", DecisionTreeClassifier(max_depth=1))]
    average = RecordCountVotingClassifier(models, weights=[8, 4], half_records=[100, 0])
    expected = clone(average).fit(X, y)
    fitted = average.fit(X, y, sample_weight=np.full(30, constant))
    np.testing.assert_allclose(fitted.weights_, expected.weights_, rtol=1e-12)
    np.testing.assert_allclose(expected.weights_, [8 * 10 / 110, 4])
    np.testing.assert_allclose(fitted.predict_proba(X), expected.predict_proba(X), atol=1e-3)


def test_a_model_can_be_left_out(ecg, table):
    X, clf = table
    fitted = clone(clf).set_params(estimator__boosting="drop").fit(X, ecg.target)
    (average,) = fitted.estimators_
    parts = [model.predict_proba(X) for model in average.estimators_]
    expected = np.average(parts, axis=0, weights=(4, 1))
    np.testing.assert_allclose(fitted.predict_proba(X), expected)
    with pytest.raises(ValueError, match="half_records must have one number for each of 3 models"):
        clone(clf).set_params(estimator__half_records=(1, 2)).fit(X, ecg.target)


def test_extreme_measurements_are_limited(ecg, table):
    X, clf = table
    (average,) = clone(clf).fit(X, ecg.target).estimators_
    linear = average.named_estimators_["linear"]
    scaled = linear[:-1].transform(X * 1e6)
    assert np.abs(scaled).max() == 3
    filled = linear[0].transform(X)
    z = (filled - filled.mean(axis=0)) / np.where(filled.std(axis=0) > 0, filled.std(axis=0), 1)
    np.testing.assert_allclose(linear[:-1].transform(X), z.clip(-3, 3), rtol=1e-4, atol=1e-5)


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


def test_class_weight_balances_the_weights(ecg, table):
    X, y = table[0], ecg.target
    weight = np.where(y == 1, 5.0, 1.0)
    repeated = np.concatenate([np.arange(len(y)), *[np.flatnonzero(y == 1)] * 4])
    balanced = make_small(class_weight="balanced")["classifier"]
    weighted = clone(balanced).fit(X, y, sample_weight=weight).estimators_[0]
    expected = clone(balanced).fit(X[repeated], y[repeated]).estimators_[0]
    for name in ("boosting", "trees", "linear"):
        mean, mean_of_repeated = (
            average.named_estimators_[name].predict_proba(X)[:, 1].mean()
            for average in (weighted, expected)
        )
        assert mean == pytest.approx(mean_of_repeated, abs=0.03), name


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
    weight = {"classifier__sample_weight": np.where(ecg.target == 1, 0.01, 1.0)}
    again, expected = (clone(clf).fit(ecg.data, ecg.target, **weight) for clf in (loaded, fitted))
    np.testing.assert_array_equal(again.predict_proba(ecg.data), expected.predict_proba(ecg.data))


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

"""Several records of a patient become one prediction."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    StratifiedGroupKFold,
    cross_val_predict,
    cross_validate,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from sklearn_ecg import PatientAggregator, WindowedClassifier
from sklearn_ecg.aggregation import aggregate_patients, patient_labels
from sklearn_ecg.persistence import load, save

RNG = np.random.RandomState(0)
PATIENTS = np.array(list("cabacddbaeffgghh"))
N = len(PATIENTS)
NUMBER = np.array([ord(patient) - ord("a") for patient in PATIENTS])
TARGETS = {
    "binary": np.array(["well", "sick"])[NUMBER % 2],
    "multiclass": NUMBER % 3 + 5,
    "multilabel": pd.DataFrame({"MI": NUMBER % 2, "CD": NUMBER % 3 // 2}),
}
X = RNG.randn(N, 3) + np.column_stack([NUMBER % 2, NUMBER % 3, NUMBER])


def classifier(kind):
    inner = LogisticRegression()
    return OneVsRestClassifier(inner) if kind == "multilabel" else inner


@pytest.mark.parametrize("aggregate", ["mean", "median", "max", "noisy_or", np.mean])
@pytest.mark.parametrize("kind", TARGETS)
def test_predictions(kind, aggregate):
    y = TARGETS[kind]
    if aggregate is np.mean:
        aggregate = mean_of_columns
    clf = PatientAggregator(classifier(kind), aggregate=aggregate)
    if kind == "multiclass" and aggregate in ("max", "noisy_or"):
        with pytest.raises(ValueError, match="more than two classes"):
            clf.fit(X, y, groups=PATIENTS)
        return
    if kind == "binary" and aggregate in ("max", "noisy_or"):
        with pytest.raises(ValueError, match="unknown for the classes 'sick' and 'well'"):
            clf.fit(X, y, groups=PATIENTS)
        changed = clone(clf).set_params(aggregate="mean").fit(X, y, groups=PATIENTS)
        with pytest.raises(ValueError, match="unknown for the classes 'sick' and 'well'"):
            changed.set_params(aggregate=aggregate).predict_proba(X, PATIENTS)
        y = y == "sick"
    clf.fit(X, y, groups=PATIENTS)
    p = clf.estimator_.predict_proba(X)
    table = clf.predict_patients(X, PATIENTS)
    assert table.index.tolist() == list("abcdefgh") and table.index.name == "patient"
    for patient, row in table.iterrows():
        part = p[patient == PATIENTS]
        expected = {
            "median": np.median(part, axis=0),
            "max": part.max(axis=0),
            "noisy_or": 1 - np.prod(1 - part, axis=0),
        }.get(aggregate if isinstance(aggregate, str) else "", part.mean(axis=0))
        if kind == "binary" and isinstance(aggregate, str):
            expected = np.array([1 - expected[1], expected[1]])
        if kind == "multiclass":
            expected = expected / expected.sum()
        np.testing.assert_allclose(row, expected)
    by_record = clf.predict_proba(X, PATIENTS)
    np.testing.assert_array_equal(by_record, table.loc[PATIENTS])
    if kind == "multilabel":
        assert list(table) == ["MI", "CD"]
        np.testing.assert_array_equal(clf.predict(X, PATIENTS), by_record > 0.5)
    else:
        assert list(table) == sorted(set(y))
        expected = clf.classes_[by_record.argmax(axis=1)]
        np.testing.assert_array_equal(clf.predict(X, PATIENTS), expected)


def mean_of_columns(probability):
    return probability.mean(axis=0)


def test_patients_in_the_index():
    y = TARGETS["binary"]
    frame = pd.DataFrame(X, columns=list("pqr"))
    frame.index = pd.MultiIndex.from_arrays([PATIENTS, range(N)], names=["patient", "ecg"])
    expected = PatientAggregator(LogisticRegression()).fit(X, y, groups=PATIENTS)
    expected = expected.predict_proba(X, PATIENTS)
    for level in ("patient", 0, -2):
        clf = PatientAggregator(LogisticRegression(), patient_level=level).fit(frame, y)
        np.testing.assert_allclose(clf.predict_proba(frame), expected)
        np.testing.assert_allclose(clf.predict_proba(frame, PATIENTS), expected)
    with pytest.raises(ValueError, match="groups differ from the level"):
        clf.predict(frame, np.arange(N))
    for wrong, got in ((frame.reset_index(drop=True), r"\[None\]"), (X, "ndarray")):
        with pytest.raises(ValueError, match=f"patient_level='patient'.*{got}"):
            clone(clf).set_params(patient_level="patient").fit(wrong, y)


def test_unknown_patients_are_reported():
    y = TARGETS["binary"]
    clf = PatientAggregator(LogisticRegression()).fit(X, y, groups=PATIENTS)
    with pytest.warns(UserWarning, match="each record is predicted as a patient of its own"):
        probability = clf.predict_proba(X)
    np.testing.assert_array_equal(probability, clf.estimator_.predict_proba(X))
    clf.fit(X, y)
    clf.predict_proba(X)  # no warning
    clf.fit(X, y, groups=np.arange(N)).predict(X)


def test_scores_of_some_of_the_classes():
    """A test part may be without a class, as for the classifiers of scikit-learn."""
    y = TARGETS["binary"]
    clf = PatientAggregator(LogisticRegression()).fit(X, y, groups=PATIENTS)
    sick = y == "sick"
    expected = (clf.predict_patients(X[sick], PATIENTS[sick])["sick"] > 0.5).mean()
    assert clf.score(X[sick], y[sick], groups=PATIENTS[sick]) == expected
    with pytest.raises(ValueError, match="y contains 'sicker', but .* classes .'sick', 'well'"):
        clf.score(X, np.where(sick, "sicker", y), groups=PATIENTS)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clf.score(X, y[:-1], groups=PATIENTS)
    multiclass = np.arange(len(y)) % 3
    clf = PatientAggregator(LogisticRegression(), label_conflicts="any").fit(X, multiclass)
    with pytest.raises(ValueError, match="'any' is not defined for more than two"):
        clf.score(X, multiclass % 2, groups=PATIENTS)


def test_scores():
    y = TARGETS["binary"]
    clf = PatientAggregator(LogisticRegression()).fit(X, y, groups=PATIENTS)
    table = clf.predict_patients(X, PATIENTS)
    labels = patient_labels(y, PATIENTS)
    assert labels.to_dict() == {p: ["well", "sick"][i % 2] for i, p in enumerate("abcdefgh")}
    expected = accuracy_score(labels, clf.classes_[table.to_numpy().argmax(axis=1)])
    assert clf.score(X, y, groups=PATIENTS) == expected
    assert clf.score_patients(X, y, PATIENTS) == expected
    auroc = clf.score_patients(X, y, PATIENTS, scoring="roc_auc")
    assert auroc == roc_auc_score(labels == "well", table["well"])
    with pytest.raises(ValueError, match="sample_weight is not supported in score"):
        clf.score(X, y, np.ones(N), PATIENTS)
    changed = y.copy()
    changed[0] = "sick"
    with pytest.raises(ValueError, match="first of them 'c' with .*'sick', 'well'"):
        clf.score(X, changed, groups=PATIENTS)
    # Of strings, the second in sorted order may be the finding or not.
    for score in (
        lambda: patient_labels(changed, PATIENTS, conflicts="any"),
        lambda: clf.set_params(label_conflicts="any").score(X, changed, groups=PATIENTS),
    ):
        with pytest.raises(ValueError, match="unknown for the classes 'sick' and 'well'"):
            score()
    numbers = (changed == "sick").astype(int)
    clf = PatientAggregator(LogisticRegression(), label_conflicts="any")
    clf.fit(X, (y == "sick").astype(int), groups=PATIENTS)
    labels = patient_labels(numbers, PATIENTS, conflicts="any")
    assert labels["c"] == 1
    expected = accuracy_score(labels, clf.predict_patients(X, PATIENTS)[1] > 0.5)
    assert clf.score(X, numbers, groups=PATIENTS) == expected


def test_score_of_two_labels():
    """The scorers of scikit-learn would take two labels for two classes."""
    y = TARGETS["multilabel"]
    clf = PatientAggregator(classifier("multilabel")).fit(X, y, groups=PATIENTS)
    table, labels = clf.predict_patients(X, PATIENTS), patient_labels(y, PATIENTS)
    pd.testing.assert_index_equal(table.index, labels.index)
    auroc = clf.score_patients(X, y, PATIENTS, scoring="roc_auc")
    assert auroc == pytest.approx(roc_auc_score(labels, table))
    expected = ((table.to_numpy() > 0.5) == labels.to_numpy()).all(axis=1).mean()
    assert clf.score(X, y, groups=PATIENTS) == expected


def score_auroc(clf, X, y):
    return clf.score_patients(X, y, scoring="roc_auc")


def test_three_ways_to_score_in_cross_validation():
    y = NUMBER % 2
    frame = pd.DataFrame(X, index=pd.Index(PATIENTS, name="patient")).add_prefix("x")
    cv = GroupKFold(2)
    options = {"cv": cv, "groups": PATIENTS}
    clf = PatientAggregator(LogisticRegression(), patient_level="patient")
    by_level = cross_validate(clf, frame, y, scoring=score_auroc, **options)["test_score"]
    probability = cross_val_predict(
        LogisticRegression(), frame, y, method="predict_proba", **options
    )
    np.testing.assert_allclose(
        cross_val_predict(clf, frame, y, method="predict_proba", **options),
        aggregate_patients(probability, PATIENTS).loc[PATIENTS],
    )
    for score, (_, test) in zip(by_level, cv.split(X, y, PATIENTS)):
        table = aggregate_patients(probability[test, 1], PATIENTS[test])
        labels = patient_labels(y[test], PATIENTS[test])
        assert score == roc_auc_score(labels, table[1])
    accuracy = cross_validate(clf, frame, y, **options)["test_score"]
    with sklearn.config_context(enable_metadata_routing=True):
        routed = PatientAggregator(LogisticRegression())
        routed.set_fit_request(groups=True).set_score_request(groups=True)
        scores = cross_validate(routed, X, y, cv=cv, params={"groups": PATIENTS})["test_score"]
    np.testing.assert_array_equal(scores, accuracy)


def test_groups_are_routed_to_predict():
    with sklearn.config_context(enable_metadata_routing=True):
        clf = PatientAggregator(LogisticRegression()).set_fit_request(groups=True)
        clf.set_predict_proba_request(groups=True)
        pipeline = make_pipeline(StandardScaler(), clf).fit(X, NUMBER % 2, groups=PATIENTS)
        probability = pipeline.predict_proba(X, groups=PATIENTS)
    assert len(np.unique(probability[:, 1])) == 8


class Spy(ClassifierMixin, BaseEstimator):
    """Classifier that keeps what it is given."""

    def fit(self, X, y, sample_weight=None, groups=None):
        self.sample_weight_, self.groups_ = sample_weight, groups
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), 2), 0.5)


def test_weights_and_groups():
    y, weight = NUMBER % 2, RNG.uniform(1, 2, N)
    spy = PatientAggregator(Spy()).fit(X, y, groups=PATIENTS).estimator_
    assert spy.sample_weight_ is None and (spy.groups_ == PATIENTS).all()
    clf = PatientAggregator(Spy(), weighting="patients").fit(X, y, weight, PATIENTS)
    counts = np.bincount(NUMBER)
    expected = weight / counts[NUMBER] * counts.mean()
    np.testing.assert_allclose(clf.estimator_.sample_weight_, expected)
    assert PatientAggregator(Spy()).fit(X, y).estimator_.groups_ is None
    with pytest.raises(ValueError, match="weighting='patients' needs the patients"):
        clf.fit(X, y)


def test_splits_of_patients_are_refused():
    clf = PatientAggregator(LogisticRegressionCV(cv=2))
    with pytest.raises(ValueError, match="LogisticRegressionCV splits the records of a patient"):
        clf.fit(X, NUMBER % 2, groups=PATIENTS)
    search = GridSearchCV(LogisticRegression(), {"C": [1, 10]}, cv=StratifiedGroupKFold(2))
    PatientAggregator(search).fit(X, NUMBER % 2, groups=PATIENTS)


def test_tools_and_copies(tmp_path):
    y = NUMBER % 2
    frame = pd.DataFrame(X, index=pd.Index(PATIENTS, name="patient")).add_prefix("x")
    clf = PatientAggregator(LogisticRegression(), patient_level="patient", aggregate="max")
    cv = list(GroupKFold(2).split(X, y, PATIENTS))
    search = GridSearchCV(clf, {"aggregate": ["mean", "max"]}, cv=cv, scoring=score_auroc)
    assert search.fit(frame, y).predict(frame).shape == (N,)
    calibrated = CalibratedClassifierCV(clf, cv=cv).fit(frame, y)
    probability = calibrated.predict_proba(frame)
    assert len(np.unique(probability[:, 1])) == 8
    clf.fit(frame, y)
    assert list(clf.feature_names_in_) == ["x0", "x1", "x2"]
    save(clf, tmp_path / "model.ecg")
    for copy in (load(tmp_path / "model.ecg"), pickle.loads(pickle.dumps(clf))):
        pd.testing.assert_frame_equal(copy.predict_patients(frame), clf.predict_patients(frame))


def test_windows_of_records_of_patients():
    records = [RNG.randn(1, n) + i for n, i in zip(range(20, 20 + N), NUMBER % 2)]
    windowed = WindowedClassifier(
        make_pipeline(Flat(), LogisticRegression()), 10, sampling_rate=1, weighting="windows"
    )
    clf = PatientAggregator(windowed).fit(records, NUMBER % 2, groups=PATIENTS)
    of_records = clf.estimator_.predict_proba(records)
    expected = [of_records[NUMBER == i].mean(axis=0) for i in range(8)]
    np.testing.assert_allclose(clf.predict_patients(records, PATIENTS), expected)


class Flat(BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X.reshape(len(X), -1)


@pytest.mark.parametrize(
    "y_proba, options, message",
    [
        (np.ones((3, 2)), {}, "do not add up to 1"),
        (np.ones((3, 2)), {"multilabel": True, "classes": ["a"]}, "classes has 1 names"),
        (np.ones((2, 3, 2)), {}, "must have shape"),
        ([0.5, 1.5, 0.1], {}, "y_proba must contain .* got values from 0.1 to 1.5"),
        ([0.5, np.nan, 0.1], {}, "y_proba contains NaN"),
        (np.eye(3), {"aggregate": "max"}, "more than two classes"),
        ([0.5, 0.5], {}, "inconsistent numbers of samples"),
    ],
)
def test_wrong_probabilities(y_proba, options, message):
    with pytest.raises(ValueError, match=message):
        aggregate_patients(y_proba, [1, 1, 2], **options)


def test_tables_of_probabilities():
    table = aggregate_patients(np.eye(3), [2, 1, 2], classes=["x", "y", "z"])
    assert table.to_dict("index") == {
        1: {"x": 0, "y": 1, "z": 0},
        2: {"x": 0.5, "y": 0, "z": 0.5},
    }
    labels = aggregate_patients(
        [[0.5, 1], [0.5, 0]], ["p", "p"], multilabel=True, aggregate="noisy_or"
    )
    np.testing.assert_allclose(labels, [[0.75, 1]])
    with pytest.raises(ValueError, match="groups has missing values"):
        patient_labels([0, 1], ["p", None])
    with pytest.raises(ValueError, match="'any' is not defined for more than two classes"):
        patient_labels([0, 1, 2], [1, 1, 2], conflicts="any")


SKLEARN_CASES = [
    pytest.param(instance, check, id=check.func.__name__)
    for instance, check in estimator_checks_generator(PatientAggregator(LogisticRegression()))
    if check.func.__name__ != "check_array_api_input"
]


@pytest.mark.parametrize("estimator, check", SKLEARN_CASES)
def test_sklearn_checks(estimator, check):
    check(estimator)


def test_enough_sklearn_checks_run():
    assert len(SKLEARN_CASES) >= 50

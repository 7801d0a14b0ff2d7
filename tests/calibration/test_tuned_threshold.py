"""Thresholds per label: equal to scikit-learn's where it has them, and for a wanted sensitivity."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import fbeta_score, make_scorer, recall_score
from sklearn.model_selection import (
    GroupShuffleSplit,
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    StratifiedShuffleSplit,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklearn_ecg import (
    MultilabelCalibratedClassifierCV,
    MultilabelTunedThresholdClassifierCV,
    PatientAggregator,
    PriorCorrectedClassifier,
)
from sklearn_ecg.model_selection import (
    MultilabelStratifiedGroupKFold,
    MultilabelStratifiedGroupShuffleSplit,
)


@pytest.fixture(scope="module")
def data():
    rng = np.random.RandomState(0)
    X = rng.randn(240, 4)
    score = X[:, 0] + rng.randn(240)
    y = {
        "binary": (score > 0.8).astype(int),
        "strings": np.where(score > 0.8, "sick", "healthy"),
        "multilabel": np.column_stack([score > 0.8, X[:, 1] + rng.randn(240) > 0]).astype(int),
    }
    return X, y, rng.randint(1, 4, 240).astype(float), np.arange(240) // 2


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"thresholds": 20, "store_cv_results": True},
        {"thresholds": [0.1, 0.2, 0.3, 0.6]},
        {"scoring": "accuracy", "cv": 3},
        {"cv": 0.3, "random_state": 0},
        {"cv": 0.3, "random_state": 0, "refit": False},
        {"cv": RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)},
    ],
    ids=lambda options: "-".join(options) or "default",
)
@pytest.mark.parametrize("kind", ["binary", "strings"])
@pytest.mark.parametrize("estimator", [LogisticRegression(), GaussianNB()], ids=["logits", "proba"])
def test_equals_scikit_learn(data, estimator, kind, options):
    X, y, *_ = data
    theirs = TunedThresholdClassifierCV(estimator, **options).fit(X, y[kind])
    ours = MultilabelTunedThresholdClassifierCV(estimator, **options).fit(X, y[kind])
    assert ours.best_threshold_ == theirs.best_threshold_
    assert ours.best_score_ == theirs.best_score_
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_array_equal(ours.predict_proba(X), theirs.predict_proba(X))
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    if "store_cv_results" in options:
        for key, values in theirs.cv_results_.items():
            np.testing.assert_array_equal(ours.cv_results_[key], values)


@pytest.mark.parametrize("pos_label", ["sick", "healthy"])
def test_scorer_with_a_positive_label(data, pos_label):
    X, y, *_ = data
    scoring = make_scorer(fbeta_score, beta=2, pos_label=pos_label)
    for estimator in (LogisticRegression(), LinearSVC(random_state=0)):
        options = {"scoring": scoring, "thresholds": 15, "cv": 3}
        theirs = TunedThresholdClassifierCV(estimator, **options).fit(X, y["strings"])
        ours = MultilabelTunedThresholdClassifierCV(estimator, **options)
        ours.fit(X, y["strings"])
        assert ours.best_threshold_ == theirs.best_threshold_
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


def test_prefit_equals_scikit_learn(data):
    X, y, *_ = data
    fitted = LogisticRegression().fit(X[:120], y["binary"][:120])
    options = {"cv": "prefit", "refit": False}
    theirs = TunedThresholdClassifierCV(fitted, **options).fit(X[120:], y["binary"][120:])
    ours = MultilabelTunedThresholdClassifierCV(fitted, **options).fit(X[120:], y["binary"][120:])
    assert ours.best_threshold_ == theirs.best_threshold_
    assert ours.estimator_ is fitted
    with pytest.raises(ValueError, match="refit cannot be True"):
        MultilabelTunedThresholdClassifierCV(fitted, cv="prefit").fit(X, y["binary"])
    with pytest.raises(NotFittedError, match="must be fitted"):
        MultilabelTunedThresholdClassifierCV(LogisticRegression(), **options).fit(X, y["binary"])


def test_each_label_equals_a_binary_search(data):
    X, y, _, groups = data
    clf = MultilabelTunedThresholdClassifierCV(
        OneVsRestClassifier(LogisticRegression()), scoring="f1", cv=3, store_cv_results=True
    ).fit(X, y["multilabel"], groups=groups)
    predicted = clf.predict(X)
    for i, label in enumerate(y["multilabel"].T):
        splits = list(MultilabelStratifiedGroupKFold(3).split(X, y["multilabel"], groups))
        one = TunedThresholdClassifierCV(LogisticRegression(), scoring="f1", cv=splits)
        one.fit(X, label)
        assert clf.best_threshold_[i] == pytest.approx(one.best_threshold_, rel=1e-12)
        assert clf.best_score_[i] == pytest.approx(one.best_score_, rel=1e-12)
        np.testing.assert_array_equal(predicted[:, i], one.predict(X))
        assert len(clf.cv_results_[i]["thresholds"]) == 100


def out_of_fold(estimator, X, y, groups, method):
    splitter = MultilabelStratifiedGroupKFold(3) if y.ndim > 1 else StratifiedGroupKFold(3)
    scores = np.empty(y.shape)
    for train, test in splitter.split(X, y, groups):
        score = getattr(estimator.fit(X[train], y[train]), method)(X[test])
        scores[test] = score[:, 1] if y.ndim == 1 and score.ndim == 2 else score
    return scores


@pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
@pytest.mark.parametrize("kind", ["binary", "multilabel"])
@pytest.mark.parametrize("wanted", [0.5, 0.9, 1.0])
@pytest.mark.parametrize("name", ["sensitivity", "specificity"])
@pytest.mark.parametrize("weighted", [False, True])
def test_wanted_sensitivity_or_specificity(data, name, wanted, kind, method, weighted):
    X, y, weight, groups = data
    y = y[kind]
    estimator = LogisticRegression()
    if kind == "multilabel":
        estimator = OneVsRestClassifier(estimator)
    clf = MultilabelTunedThresholdClassifierCV(
        estimator, cv=3, response_method=method, **{name: wanted}
    )
    if weighted:
        # Weights for the thresholds only.
        clf.set_params(estimator=_WithoutWeights(estimator))
        with pytest.warns(UserWarning, match="does not accept sample_weight"):
            clf.fit(X, y, weight, groups=groups)
    else:
        clf.fit(X, y, groups=groups)
    scores = out_of_fold(estimator, X, y, groups, method).reshape(240, -1)
    weight = weight if weighted else np.ones(240)
    for i, (score, label) in enumerate(zip(scores.T, y.reshape(240, -1).T)):
        threshold, sensitivity, specificity, best_score = (
            np.atleast_1d(getattr(clf, attribute))[i]
            for attribute in ("best_threshold_", "sensitivity_", "specificity_", "best_score_")
        )

        def shares(threshold):
            positive = score >= threshold
            return (
                weight[(label == 1) & positive].sum() / weight[label == 1].sum(),
                weight[(label == 0) & ~positive].sum() / weight[label == 0].sum(),
            )

        assert (sensitivity, specificity) == pytest.approx(shares(threshold))
        # Slow: the best of all scores that fulfill the wish.
        reached = [(t, *shares(t)) for t in [*np.unique(score), np.nextafter(score.max(), 9)]]
        if name == "sensitivity":
            best = max(t for t, sens, _ in reached if sens >= wanted - 1e-9)
            assert best_score == pytest.approx(specificity)
        else:
            best = min(t for t, _, spec in reached if spec >= wanted - 1e-9)
            assert best_score == pytest.approx(sensitivity)
        assert threshold == pytest.approx(best, rel=1e-12)


class _WithoutWeights(OneVsRestClassifier):
    """A classifier whose `fit` has no sample_weight, of any kind of target."""

    def fit(self, X, y):
        self.fitted_ = self.estimator.fit(X, y)
        self.classes_ = self.fitted_.classes_
        return self

    def predict_proba(self, X):
        return self.fitted_.predict_proba(X)

    def decision_function(self, X):
        return self.fitted_.decision_function(X)


def test_predict_uses_the_threshold(data):
    X, y, *_ = data
    clf = MultilabelTunedThresholdClassifierCV(LogisticRegression(), specificity=0.95)
    clf.fit(X, y["strings"] == "sick")
    positive = clf.predict_proba(X)[:, 1] >= clf.best_threshold_
    np.testing.assert_array_equal(clf.predict(X), positive)
    assert isinstance(clf.best_threshold_, float)
    clf = clf.set_params(specificity=None).fit(X, y["strings"])
    positive = clf.predict_proba(X)[:, 1] >= clf.best_threshold_
    np.testing.assert_array_equal(clf.predict(X), np.where(positive, "sick", "healthy"))


@pytest.mark.parametrize("wanted", ["sensitivity", "specificity"])
def test_sensitivity_of_an_unknown_class(data, wanted):
    X, y, *_ = data
    labels = np.where(y["strings"] == "sick", "MI", "NORM")
    clf = MultilabelTunedThresholdClassifierCV(LogisticRegression(), **{wanted: 0.95})
    for strings in (labels, labels.astype(object), pd.Series(labels)):
        with pytest.raises(ValueError, match=f"{wanted}=0.95 .* for the classes 'MI' and 'NORM'"):
            clf.fit(X, strings)
    for numbers in (labels == "MI", pd.Series((labels == "MI").astype(int)).astype("Int64")):
        assert getattr(clf.fit(X, numbers), f"{wanted}_") >= 0.95


def test_weights_of_training_and_scores(data):
    X, y, weight, _ = data
    ours = MultilabelTunedThresholdClassifierCV(LogisticRegression(), cv=3)
    ours.fit(X, y["binary"], sample_weight=weight)
    with config_context(enable_metadata_routing=True):
        scoring = make_scorer(recall_score).set_score_request(sample_weight=True)
        inner = LogisticRegression().set_fit_request(sample_weight=True)
        theirs = TunedThresholdClassifierCV(inner, scoring=scoring, cv=3)
        theirs.fit(X, y["binary"], sample_weight=weight)
        routed = MultilabelTunedThresholdClassifierCV(inner, scoring=scoring, cv=3)
        routed.fit(X, y["binary"], sample_weight=weight)
    assert routed.best_threshold_ == theirs.best_threshold_
    assert routed.best_score_ == theirs.best_score_
    assert (
        ours.best_threshold_
        != MultilabelTunedThresholdClassifierCV(LogisticRegression(), cv=3)
        .fit(X, y["binary"])
        .best_threshold_
    )

    def without_weights(y_true, y_pred):
        return np.mean(y_true == y_pred)

    clf = MultilabelTunedThresholdClassifierCV(
        LogisticRegression(), scoring=make_scorer(without_weights)
    )
    with pytest.raises(ValueError, match="does not accept weights"):
        clf.fit(X, y["binary"], sample_weight=weight)


@pytest.mark.parametrize(
    "kind, with_groups, splitter",
    [
        ("multilabel", True, MultilabelStratifiedGroupShuffleSplit),
        ("multilabel", False, MultilabelStratifiedGroupShuffleSplit),
        ("binary", True, GroupShuffleSplit),
        ("binary", False, StratifiedShuffleSplit),
    ],
)
def test_random_split_of_each_kind(kind, with_groups, splitter, data):
    X, y, _, groups = data
    groups = groups if with_groups else None
    expected = list(splitter(1, test_size=0.3, random_state=5).split(X, y[kind], groups))
    estimator = LogisticRegression()
    estimator = OneVsRestClassifier(estimator) if kind == "multilabel" else estimator
    thresholds = [
        MultilabelTunedThresholdClassifierCV(estimator, cv=cv, random_state=5)
        .fit(X, y[kind], groups=groups)
        .best_threshold_
        for cv in (0.3, expected)
    ]
    np.testing.assert_array_equal(*thresholds)


def test_weights_of_scores_are_repetitions(data):
    """With a fitted classifier, the weights are used for the scores only."""
    X, y, weight, _ = data
    fitted = LogisticRegression().fit(X[:120], y["binary"][:120])
    X, y = X[120:], y["binary"][120:]
    weight = np.where(y == 0, weight[120:] ** 3, 1)
    options = {"cv": "prefit", "refit": False, "scoring": "f1", "thresholds": 30}
    make = MultilabelTunedThresholdClassifierCV
    index = np.repeat(np.arange(120), weight.astype(int))
    weighted = make(fitted, **options).fit(X, y, sample_weight=weight)
    repeated = make(fitted, **options).fit(X[index], y[index])
    plain = make(fitted, **options).fit(X, y)
    for name in ("best_threshold_", "best_score_", "sensitivity_", "specificity_"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name), rel=1e-12)
        assert getattr(weighted, name) != getattr(plain, name)


@pytest.mark.parametrize(
    "make", [MultilabelCalibratedClassifierCV, MultilabelTunedThresholdClassifierCV]
)
def test_negative_weights_are_refused(make, data):
    X, y, weight, _ = data
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        make(LogisticRegression()).fit(X, y["binary"], sample_weight=weight - 2)


def test_training_part_without_positive_records_is_named(data):
    X, y, *_ = data
    positive = np.flatnonzero(y["binary"])
    negative = np.flatnonzero(y["binary"] == 0)
    splits = [(negative[:90], np.r_[negative[90:], positive])]
    clf = MultilabelTunedThresholdClassifierCV(LogisticRegression(), cv=splits)
    with pytest.raises(ValueError, match="training part of split 0 has no positive records"):
        clf.fit(X, y["binary"])


@pytest.mark.filterwarnings("ignore:There are fewer records than:UserWarning")
@pytest.mark.parametrize(
    "options, y, message",
    [
        ({"sensitivity": 0.9, "specificity": 0.9}, [0, 1] * 30, "exclude each other"),
        ({"sensitivity": 0.9, "scoring": "f1"}, [0, 1] * 30, "scoring='f1' is not used"),
        ({"sensitivity": 0.9, "store_cv_results": True}, [0, 1] * 30, "needs scoring"),
        ({"sensitivity": 1.01}, [0, 1] * 30, "'sensitivity' parameter"),
        ({"specificity": 1.01}, [0, 1] * 30, "'specificity' parameter"),
        ({"sensitivity": 0}, [0, 1] * 30, "'sensitivity' parameter"),
        ({"refit": False}, [0, 1] * 30, "several folds, refit cannot be False"),
        ({}, [0, 1, 2] * 20, "Only binary.*got 3 classes.*LabelBinarizer"),
        ({}, np.eye(60, 2, dtype=int), "has no positive records of label"),
    ],
)
def test_bad_input(options, y, message):
    X = np.random.RandomState(0).randn(60, 2)
    clf = MultilabelTunedThresholdClassifierCV(OneVsRestClassifier(LogisticRegression()), **options)
    with pytest.raises(ValueError, match=message):
        clf.fit(X, y)


def test_constant_scores_are_named():
    y = np.random.RandomState(0).randint(0, 2, (60, 2))
    X = np.zeros((60, 1))
    clf = MultilabelTunedThresholdClassifierCV(OneVsRestClassifier(LogisticRegression()))
    with pytest.raises(ValueError, match="constant predictions.*for label 0"):
        clf.fit(X, y)


FITTED = {
    "calibrated": lambda clf: MultilabelCalibratedClassifierCV(FrozenEstimator(clf)),
    "pooled": lambda clf: MultilabelCalibratedClassifierCV(
        make_pipeline(StandardScaler(), FrozenEstimator(clf)), ensemble=False
    ),
    "nested": lambda clf: MultilabelCalibratedClassifierCV(
        PriorCorrectedClassifier(FrozenEstimator(clf))
    ),
    "fitted": lambda clf: PriorCorrectedClassifier(FrozenEstimator(clf)),
    "closed form": lambda clf: PriorCorrectedClassifier(
        make_pipeline(StandardScaler(), FrozenEstimator(clf)),
        method="closed_form",
        effective_prevalence=[0.5, 0.5],
    ),
    "prefit": lambda clf: MultilabelTunedThresholdClassifierCV(clf, cv="prefit", refit=False),
    "frozen": lambda clf: MultilabelTunedThresholdClassifierCV(FrozenEstimator(clf)),
}


@pytest.mark.parametrize("wrapper", FITTED)
def test_fitted_classifier_of_other_classes_is_refused(wrapper):
    """Scores would be those of other labels, or of the other class, without any sign of it."""
    rng = np.random.RandomState(0)
    X = rng.randn(120, 3)
    multilabel = (X > [0, 0.3, 0.6]).astype(int)
    names = np.where(X[:, 0] > 0, "MI", "NORM")
    three = np.array(["A", "B", "C"])[np.digitize(X[:, 0], [-0.4, 0.4])]
    make = FITTED[wrapper]
    binary = LogisticRegression().fit(X, names)
    with pytest.raises(ValueError, match=r"\['MI', 'NORM'\], but y has \[0, 1\]"):
        make(binary).fit(X, multilabel[:, 0])
    with pytest.raises(ValueError, match=r"3 class.*\['A', 'B', 'C'\], but y has \['A', 'C'\]"):
        make(LogisticRegression().fit(X, three)).fit(X[three != "B"], three[three != "B"])
    assert make(binary).fit(X, names).classes_.tolist() == ["MI", "NORM"]
    for clf in (OneVsRestClassifier(LogisticRegression()), RandomForestClassifier(3)):
        with pytest.raises(ValueError, match=r"3 label\(s\), but y has 2 label\(s\) \[0, 1\]"):
            make(clf.fit(X, multilabel)).fit(X, multilabel[:, [0, 2]])


@pytest.mark.parametrize("wrapper", [*FITTED, "patients"])
def test_fitted_classifier_of_another_kind_is_refused(wrapper):
    """Two labels and two classes are both numbered 0 and 1."""
    X = np.random.RandomState(0).randn(120, 3)
    labels = (X[:, :2] > [0, 0.3]).astype(int)
    make = {**FITTED, "patients": lambda clf: PatientAggregator(FrozenEstimator(clf))}[wrapper]
    with pytest.raises(ValueError, match="on one class for each record, but y is an indicator"):
        make(LogisticRegression().fit(X, labels[:, 0])).fit(X, labels)
    clf = OneVsRestClassifier(LogisticRegression()).fit(X, labels)
    with pytest.raises(ValueError, match="on an indicator.*, but y is one class for each record"):
        make(clf).fit(X, labels[:, 0])
    assert make(clf).fit(X, labels).predict(X).shape == (120, 2)


def test_names_of_labels_of_a_fitted_classifier():
    X = np.random.RandomState(0).randn(60, 2)
    y = pd.DataFrame((X > 0).astype(int), columns=["MI", "NORM"])
    clf = OneVsRestClassifier(LogisticRegression()).fit(X, y)
    clf.classes_ = np.array(["NORM", "MI"])
    tuned = MultilabelTunedThresholdClassifierCV(clf, cv="prefit", refit=False)
    with pytest.raises(ValueError, match=r"\['NORM', 'MI'\], but y has 2 label\(s\) \['MI'"):
        tuned.fit(X, y)
    assert tuned.fit(X, y[["NORM", "MI"]].iloc[:, ::-1].to_numpy()).classes_.tolist() == [0, 1]

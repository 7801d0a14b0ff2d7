"""Tests of the metrics as scorers, and of their bootstrap intervals by patient."""

import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate
from sklearn.multiclass import OneVsRestClassifier

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.metrics import (
    auprc_score,
    auroc_score,
    bootstrap_difference,
    bootstrap_interval,
    brier_score,
    calibration_intercept,
    calibration_slope,
    challenge_score,
    expected_calibration_error,
    label_table,
    net_benefit,
    sensitivity_at_specificity,
    specificity_at_sensitivity,
)
from sklearn_ecg.model_selection import MultilabelStratifiedGroupKFold

FUNCTIONS = {
    "auroc": (auroc_score, {}),
    "auroc_micro": (auroc_score, {"average": "micro"}),
    "auprc": (auprc_score, {}),
    "sensitivity": (sensitivity_at_specificity, {"specificity": 0.8}),
    "specificity": (specificity_at_sensitivity, {"sensitivity": 0.8}),
    "slope": (calibration_slope, {}),
    "intercept": (calibration_intercept, {}),
    "brier": (brier_score, {}),
    "ece": (expected_calibration_error, {"strategy": "quantile", "n_bins": 5}),
    "net_benefit": (net_benefit, {"threshold": 0.2}),
}
METRICS = {name: partial(metric, **options) for name, (metric, options) in FUNCTIONS.items()}
SCORERS = {
    name: make_scorer(metric, response_method="predict_proba", **options)
    for name, (metric, options) in FUNCTIONS.items()
}


@pytest.fixture(scope="module")
def cohort():
    """Features, binary and multilabel targets, and patients."""
    rng = np.random.RandomState(0)
    patients = np.repeat(np.arange(100), 2)
    y = (rng.rand(100, 3) < [0.5, 0.3, 0.4])[patients].astype(int)
    return y + 1.2 * rng.randn(200, 3), y, patients


def check_scores(result, estimator, X, y, patients, cv, select=np.asarray):
    """Compare scores of cross_validate with the metrics of out-of-fold probabilities."""
    options = {"groups": patients, "cv": cv, "method": "predict_proba"}
    probability = select(cross_val_predict(estimator, X, y, **options))
    for name, metric in METRICS.items():
        expected = [
            metric(np.asarray(y)[test], probability[test]) for _, test in cv.split(X, y, patients)
        ]
        np.testing.assert_allclose(result[f"test_{name}"], expected, err_msg=name)


def test_binary_scorers(cohort):
    X, y, patients = cohort
    y = np.array(["healthy", "sick"])[y[:, 0]]
    cv = MultilabelStratifiedGroupKFold(3)
    clf = LogisticRegression()
    result = cross_validate(clf, X, y, groups=patients, cv=cv, scoring=SCORERS)
    check_scores(result, clf, X, y, patients, cv, select=lambda p: p[:, 1])


@pytest.mark.parametrize("as_frame", [False, True])
def test_multilabel_scorers(cohort, as_frame):
    X, y, patients = cohort
    if as_frame:
        y = pd.DataFrame(y, columns=["MI", "CD", "HYP"])
    cv = MultilabelStratifiedGroupKFold(3)
    clf = OneVsRestClassifier(LogisticRegression())
    result = cross_validate(clf, X, y, groups=patients, cv=cv, scoring=SCORERS)
    check_scores(result, clf, X, y, patients, cv)


def test_multiclass_scorers(cohort):
    X, y, patients = cohort
    target = np.array(["a", "b", "c"])[y[:, :2].sum(axis=1)]
    cv = MultilabelStratifiedGroupKFold(3)
    clf = LogisticRegression()
    result = cross_validate(clf, X, target, groups=patients, cv=cv, scoring=SCORERS)
    check_scores(result, clf, X, target, patients, cv)


def test_list_of_probabilities(cohort):
    """A forest returns one array per label."""
    X, y, patients = cohort
    forest = RandomForestClassifier(20, max_depth=3, random_state=0)
    cv = MultilabelStratifiedGroupKFold(3)
    result = cross_validate(forest, X, y, groups=patients, cv=cv, scoring=SCORERS)
    assert result["test_auroc"].min() > 0.6 and result["test_brier"].max() < 0.25


def test_two_labels(cohort):
    """The scorers of scikit-learn pass one column for two labels; the error names the way."""
    X, y, patients = cohort
    y = y[:, :2]
    clf = OneVsRestClassifier(LogisticRegression()).fit(X, y)
    for scorer in SCORERS.values():
        with pytest.raises(ValueError, match=r"use a function \(estimator, X, y\) that returns"):
            scorer(clf, X, y)

    def score(estimator, X, y):
        probability = estimator.predict_proba(X)
        return {name: metric(y, probability) for name, metric in METRICS.items()}

    cv = MultilabelStratifiedGroupKFold(3)
    result = cross_validate(clf, X, y, groups=patients, cv=cv, scoring=score)
    check_scores(result, clf, X, y, patients, cv)


def test_losses_in_a_search(cohort):
    X, y, patients = cohort
    scorer = make_scorer(brier_score, greater_is_better=False, response_method="predict_proba")
    search = GridSearchCV(
        OneVsRestClassifier(LogisticRegression()),
        {"estimator__C": [1e-4, 1]},
        scoring=scorer,
        cv=MultilabelStratifiedGroupKFold(3),
    )
    search.fit(X, y, groups=patients)
    assert search.best_params_ == {"estimator__C": 1} and search.best_score_ < 0


@pytest.mark.parametrize("multilabel", [False, True])
def test_scorers_of_a_network(multilabel):
    X, y = make_ecg(
        60, duration=1, prevalence=0.5, return_X_y=True, class_sep=np.inf, random_state=0
    )
    if multilabel:
        y = np.stack([y, np.arange(60) % 3 == 0, np.arange(60) % 4 == 0], axis=1).astype(int)
    net = MSAICNetClassifier(
        dilations=(1,),
        filters=(8,),
        embedding_dim=8,
        projection_dim=4,
        max_epochs=1,
        random_state=0,
    )
    names = ["N", "MI", "CD"]
    weights = pd.DataFrame(np.eye(3), index=names, columns=names)
    scorers = dict(SCORERS)
    if multilabel:
        scorers["challenge"] = make_scorer(
            challenge_score, weights=weights, classes=names, normal_class="N"
        )
    cv = MultilabelStratifiedGroupKFold(2)
    result = cross_validate(net, X, y, cv=cv, scoring=scorers, error_score="raise")
    for name in scorers:
        assert np.isfinite(result[f"test_{name}"]).all(), name


# Intervals


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("name", METRICS)
def test_intervals_by_patient(cohort, name, multilabel):
    X, y, patients = cohort
    probability = 1 / (1 + np.exp(1 - 2 * X))
    if not multilabel:
        y, probability = y[:, 0], probability[:, 0]
    metric = METRICS[name]
    options = {"groups": patients, "n_resamples": 30, "random_state": 0}
    interval = bootstrap_interval(metric, y, probability, **options)
    assert interval.score == pytest.approx(metric(y, probability))
    assert interval.low < interval.score < interval.high
    assert interval == bootstrap_interval(metric, y, probability, **options)
    same = bootstrap_difference(metric, y, probability, probability, **options)
    assert same == (0, 0, 0)


def test_named_metrics_are_fast_and_equal(cohort):
    """The functions are replaced by the metrics that are computed on all resamples at once."""
    X, y, patients = cohort
    options = {"groups": patients, "n_resamples": 30, "random_state": 0}
    for name, metric in (("roc_auc", auroc_score), ("average_precision", auprc_score)):
        fast = bootstrap_interval(metric, y, X, **options)
        assert fast == bootstrap_interval(name, y, X, **options)
        looped = bootstrap_interval(lambda *columns: metric(*columns), y, X, **options)
        assert looped == pytest.approx(fast, abs=1e-12)
    # Classes have to be looped over.
    three = np.stack([X[:, 0], X[:, 1], -X[:, 0]], axis=1)
    interval = bootstrap_interval(auroc_score, y[:, :2].sum(axis=1), three, **options)
    assert interval.low < interval.score < interval.high


def test_challenge_score_of_patients(cohort):
    _, y, patients = cohort
    names = ["N", "MI", "CD"]
    weights = pd.DataFrame(0.3 + 0.7 * np.eye(3), index=names, columns=names)
    metric = partial(challenge_score, weights=weights, classes=names, normal_class="N")
    predicted = np.where(np.random.RandomState(0).rand(200, 3) < 0.2, 1 - y, y)
    interval = bootstrap_interval(
        metric, y, predicted, groups=patients, n_resamples=30, random_state=0
    )
    assert interval.low < interval.score < interval.high < 1


def test_further_columns_of_the_label_table(cohort):
    X, y, patients = cohort
    probability = 1 / (1 + np.exp(1 - 2 * X))
    metrics = {"brier": brier_score, "slope": calibration_slope}
    options = {"groups": patients, "n_resamples": 30}
    table = label_table(y, probability, metrics=metrics, random_state=0, **options)
    assert table.columns.tolist()[3:] == [
        *("auroc", "auroc_low", "auroc_high", "auprc", "auprc_low", "auprc_high"),
        *("brier", "brier_low", "brier_high", "slope", "slope_low", "slope_high"),
        *("sensitivity", "specificity", "ppv", "npv"),
    ]
    without = label_table(y, probability, random_state=0, **options)
    pd.testing.assert_frame_equal(table[without.columns], without)
    first = label_table(y[:, 0], probability[:, 0], metrics=metrics, random_state=0, **options)
    for name, metric in metrics.items():
        np.testing.assert_allclose(table[name][:3], metric(y, probability, average=None))
        assert table[name]["macro"] == pytest.approx(metric(y, probability))
        assert (table[f"{name}_low"] < table[name]).all()
        assert (table[name] < table[f"{name}_high"]).all()
        interval = bootstrap_interval(metric, y[:, 0], probability[:, 0], random_state=0, **options)
        columns = [name, f"{name}_low", f"{name}_high"]
        assert tuple(first[columns].iloc[0]) == pytest.approx(interval)


def test_further_columns_of_a_label_with_one_value(cohort):
    X, y, _ = cohort
    y = np.column_stack([y, np.zeros(200, dtype=int)])
    probability = 1 / (1 + np.exp(-np.column_stack([X, X[:, 0]])))
    options = {"metrics": {"brier": brier_score}, "threshold": None, "n_resamples": 10}
    with pytest.warns(UserWarning, match="set to NaN. Its brier is set to NaN as well"):
        table = label_table(y, probability, random_state=0, **options)
    assert table["brier"].isna().tolist() == [False, False, False, True, False]
    assert table["brier"]["macro"] == pytest.approx(table["brier"][:3].mean())
    assert table["brier_low"]["macro"] < table["brier"]["macro"] < table["brier_high"]["macro"]


def test_macro_interval_that_is_undefined(cohort):
    """The ends are NaN as the warning says, not the mean of the ends of the labels."""
    y = np.eye(40, 20, dtype=int)
    score = np.random.RandomState(0).rand(40, 20) / 2 + 0.3 * y
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = label_table(y, score, metrics={"brier": brier_score}, n_resamples=3, random_state=0)
    assert any("macro average is undefined and set to NaN" in str(w.message) for w in caught)
    for name in ("auroc", "auprc", "brier"):
        assert np.isfinite(table[name]["macro"])
        assert np.isnan(table[f"{name}_low"]["macro"]) and np.isnan(table[f"{name}_high"]["macro"])


@pytest.mark.parametrize(
    "metrics, message",
    [
        ({"auroc": brier_score}, "metrics has the name 'auroc', which must be a str other than"),
        ({"npv": brier_score}, "metrics has the name 'npv'"),
        ({"b": brier_score, "b_low": brier_score}, "metrics has the name 'b_low'"),
        ({1: brier_score}, "metrics has the name 1"),
        ({"brier": "brier"}, r"metrics\['brier'\] must be callable, got 'brier'"),
    ],
)
def test_invalid_metrics_raise(cohort, metrics, message):
    X, y, _ = cohort
    with pytest.raises(ValueError, match=message):
        label_table(y, X, metrics=metrics)

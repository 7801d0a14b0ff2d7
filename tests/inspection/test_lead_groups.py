"""Tests of features grouped by the lead in their names, and of their importance."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline

from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import feature_groups, lead_importance, record_lead_importance
from sklearn_ecg.leads import REGIONS_12, STANDARD_LEADS
from sklearn_ecg.preprocessing import BeatFeatures


@pytest.fixture(scope="module")
def table():
    """Features of two leads and of no lead; only the second feature of V2 predicts the class."""
    rng = np.random.RandomState(0)
    columns = ["V1__st_level", "V2__st_level", "V2__t_amplitude", "global__qrs_axis"]
    X = pd.DataFrame(rng.randn(200, 4), columns=columns)
    y = (X["V2__t_amplitude"] + 0.2 * rng.randn(200) > 0).astype(int)
    return X, y


def test_lead_in_feature_names():
    names = ["beat__avf__j_level", "MLII__t17", "net__embedding0", "V3R__area", "global__x", "V1"]
    assert feature_groups(names) == {"aVF": [0], "II": [1], "V3R": [3], "no lead": [2, 4, 5]}


def test_regions():
    names = [f"{lead}__{m}" for lead in STANDARD_LEADS for m in ("q_amplitude", "st_level")]
    groups = feature_groups(names, "regions")
    assert list(groups) == list(REGIONS_12)
    assert groups["septal"] == [12, 13, 14, 15]
    with pytest.raises(ValueError, match="needs lead II, but the leads present are V1, V2"):
        feature_groups(names[12:16], "regions")


def test_features_of_several_leads():
    names = ["V1+V5__k0_d1_b0", "beat__V2+avf+lead7__k17_d4_b3", "V5__k1_d1_b0", "a+b__c", "V1+V2"]
    groups = feature_groups(names)
    assert groups == {"V1": [0], "V5": [0, 2], "V2": [1], "aVF": [1], "no lead": [3, 4]}
    groups = feature_groups(names, {"a": ["V5", "V1"], "b": ["V2"]})
    assert groups == {"a": [0, 2], "b": [1]}


def test_importance_of_features_of_several_leads():
    """A feature is exchanged with each of its leads."""
    X = pd.DataFrame(np.random.RandomState(0).randn(200, 3), columns=["V1+V5__a", "V5__b", "II__c"])
    y = (X["V1+V5__a"] > 0).astype(int)
    clf = LogisticRegression().fit(X, y)
    found = lead_importance(clf, X, y, scoring="roc_auc", random_state=0)
    assert found.names.tolist() == ["V1", "V5", "II"]
    assert (found.importances_mean[:2] > 0.3).all() and abs(found.importances_mean[2]) < 0.05
    together = lead_importance(clf, X, y, lead_groups={"chest": ["V5", "V1"]}, random_state=0)
    assert together.groups == {"chest": ["V1", "V5"]}


def test_equals_sklearn_if_each_lead_has_one_feature(table):
    X, y = table
    X = X[["V1__st_level", "V2__t_amplitude", "global__qrs_axis"]]
    clf = LogisticRegression().fit(X, y)
    expected = permutation_importance(clf, X, y, scoring="roc_auc", random_state=3)
    found = lead_importance(clf, X, y, scoring="roc_auc", random_state=3)
    assert found.names.tolist() == ["V1", "V2", "no lead"]
    np.testing.assert_array_equal(found.importances, expected.importances)


def test_features_of_a_lead_are_exchanged_together(table):
    X, y = table
    clf = LogisticRegression().fit(X, y)
    before = X.copy()
    found = lead_importance(clf, X, y, scoring="roc_auc", random_state=0)
    assert found.names.tolist() == ["V1", "V2", "no lead"]
    assert found.importances_mean.argmax() == 1 and found.importances_mean[1] > 0.4
    pd.testing.assert_frame_equal(X, before)
    groups = {"septal": ["V1", "V2"]}
    together = lead_importance(clf, X, y, lead_groups=groups, scoring="roc_auc", random_state=0)
    assert together.names.tolist() == ["septal"]
    assert record_lead_importance(clf, X, random_state=0).shape == (200, 3)


def test_gaussian_noise_requires_signals(table):
    X, y = table
    clf = LogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match="method='gaussian' replaces signals, but X is a table"):
        lead_importance(clf, X, y, method="gaussian")


@pytest.mark.parametrize("region", ["inferior", "anterior"])
def test_infarcted_region_ranks_first_in_features_and_in_signals(region):
    X, y = make_ecg(
        260,
        regions=region,
        prevalence=0.5,
        as_frame=True,
        return_X_y=True,
        class_sep=np.inf,
        random_state=0,
    )
    features = FeatureUnion([("beat", BeatFeatures(100))]).set_output(transform="pandas")
    clf = make_pipeline(features, HistGradientBoostingClassifier(max_iter=30, random_state=0))
    clf.fit(X[:160], y[:160])
    signals = lead_importance(
        clf, X[160:], y[160:], lead_groups="regions", scoring="roc_auc", random_state=0
    )
    table = lead_importance(
        clf[-1],
        features.transform(X[160:]),
        y[160:],
        lead_groups="regions",
        scoring="roc_auc",
        random_state=0,
    )
    for result in (signals, table):
        assert result.names[result.importances_mean.argmax()] == region


def test_regions_of_eight_leads():
    leads = ("II", "III", "V1", "V2", "V3", "V4", "V5", "V6")
    groups = feature_groups([f"{lead}__st_level" for lead in leads], "regions")
    assert groups == {"inferior": [0, 1], "septal": [2, 3], "anterior": [4, 5], "lateral": [6, 7]}


def test_positions_in_a_table_raise():
    with pytest.raises(TypeError, match="Group 'a' contains positions.*pass names of leads"):
        feature_groups(["V1__st_level"], {"a": [0]})


@pytest.mark.parametrize("second", [lambda y: 1 - y, lambda y: y], ids=["exclusive", "equal"])
def test_two_labels_are_two_columns(table, second):
    """For any sum of the probabilities."""
    X, y = table
    forest = RandomForestClassifier(10, random_state=0).fit(X, np.stack([y, second(y)], axis=1))
    assert record_lead_importance(forest, X, random_state=0).shape == (200, 3, 2)


def test_label_without_positive_records(table):
    X, y = table
    forest = RandomForestClassifier(10, random_state=0).fit(X, np.stack([y, 0 * y], axis=1))
    changes = record_lead_importance(forest, X, random_state=0)
    assert (changes[:, :, 1] == 0).all() and (changes[:, :, 0] != 0).any()

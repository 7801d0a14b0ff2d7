"""Scores with subsets of the leads, and their display."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, make_scorer, r2_score, roc_auc_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline

from sklearn_ecg import STANDARD_LEADS, MSAICNetClassifier, to_lead_frame
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import LeadSubsetDisplay, score_by_leads
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval
from sklearn_ecg.preprocessing import BeatFeatures

SUBSETS = ["12", "limb", "I+II+V2", ["V2"]]
FAST = {"n_resamples": 50, "random_state": 0}


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(
        100,
        duration=3,
        prevalence=0.5,
        records_per_patient=2,
        noise=0.1,
        class_sep=np.inf,
        random_state=0,
    )


@pytest.fixture(scope="module")
def clf(ecg):
    boosting = HistGradientBoostingClassifier(max_iter=8, random_state=0)
    return make_pipeline(BeatFeatures(100), boosting).fit(ecg.data[:50], ecg.target[:50])


@pytest.fixture(scope="module")
def test_part(ecg):
    return ecg.data[50:], ecg.target[50:], ecg.groups[50:]


def keep(X, leads, fill=np.nan):
    kept = np.full_like(X, fill)
    for lead in leads:
        kept[:, STANDARD_LEADS.index(lead)] = X[:, STANDARD_LEADS.index(lead)]
    return kept


LEADS = [STANDARD_LEADS, STANDARD_LEADS[:6], ("I", "II", "V2"), ("V2",)]


def test_values_are_those_of_the_bootstrap_functions(clf, test_part):
    X, y, groups = test_part
    before = X.copy()
    scores = score_by_leads(clf, X, y, subsets=SUBSETS, groups=groups, **FAST)
    np.testing.assert_array_equal(X, before)
    assert scores.index.tolist() == ["12", "limb", "I+II+V2", "V2"]
    assert scores.index.name == "leads" and scores["n_leads"].tolist() == [12, 6, 3, 1]
    predictions = [clf.predict_proba(keep(X, leads))[:, 1] for leads in LEADS]
    for (_, row), predicted in zip(scores.iterrows(), predictions):
        interval = bootstrap_interval("roc_auc", y, predicted, groups=groups, **FAST)
        np.testing.assert_allclose(row[["score", "low", "high"]], interval)
        difference = bootstrap_difference(
            "roc_auc", y, predicted, predictions[0], groups=groups, **FAST
        )
        np.testing.assert_allclose(
            row[["difference", "difference_low", "difference_high"]], difference, atol=1e-12
        )
    assert scores["score"].nunique() > 1 and scores["difference"].iloc[0] == 0


# The classifier was fitted on an array, and scikit-learn warns of frames.
@pytest.mark.filterwarnings("ignore:X has feature names:UserWarning")
@pytest.mark.parametrize("container", ["lead frame", "cells", "rows", "read-only"])
def test_containers(ecg, clf, test_part, container):
    X, y, _ = test_part
    expected = score_by_leads(clf, X, y, subsets=SUBSETS, **FAST)
    if container == "lead frame":
        X = to_lead_frame(X)
    elif container == "cells":
        X = to_lead_frame(X).to_numpy()
    elif container == "read-only":
        X = X.copy()
        X.flags.writeable = False
    else:
        X = X.reshape(len(X), -1)
        clf = clone(clf).set_params(beatfeatures__n_leads=12)
        clf.fit(ecg.data[:50].reshape(50, -1), ecg.target[:50])
    pd.testing.assert_frame_equal(score_by_leads(clf, X, y, subsets=SUBSETS, **FAST), expected)


@pytest.mark.parametrize("place", [0, 4, 12])
def test_frames_with_other_columns(ecg, place):
    frame = to_lead_frame(ecg.data, STANDARD_LEADS)
    frame.insert(place, "age", ecg.target * 20.0 + np.random.default_rng(0).normal(60, 20, 100))
    train, test = frame[:50], frame[50:]
    age = ("passthrough", ["age"])
    features = make_column_transformer((BeatFeatures(100), list(STANDARD_LEADS)), age)
    clf = make_pipeline(features, HistGradientBoostingClassifier(max_iter=8, random_state=0))
    clf.fit(train, ecg.target[:50])
    scores = score_by_leads(clf, test, ecg.target[50:], subsets=SUBSETS, scoring="roc_auc", **FAST)
    assert scores["n_leads"].tolist() == [12, 6, 3, 1]
    for score, leads in zip(scores["score"], LEADS):
        kept = to_lead_frame(keep(ecg.data[50:], leads), STANDARD_LEADS, index=test.index)
        kept.insert(place, "age", test["age"])
        assert score == roc_auc_score(ecg.target[50:], clf.predict_proba(kept)[:, 1])
    with pytest.raises(ValueError, match="has no lead age"):
        score_by_leads(clf, test, ecg.target[50:], subsets=["I+age"], **FAST)


@pytest.mark.filterwarnings("ignore:X has feature names:UserWarning")
def test_tables_of_features(clf, test_part):
    X, y, _ = test_part
    table = pd.DataFrame(clf[0].transform(X), columns=clf[0].get_feature_names_out())
    boosting = clf[-1]
    before = table.copy()
    scores = score_by_leads(boosting, table, y, **FAST)
    pd.testing.assert_frame_equal(table, before)
    assert scores.index.tolist() == ["12", "limb", "I+II+V2", "I"]
    few = table.copy()
    few.loc[:, [n for n in few if n.split("__")[0] not in ("I", "global")]] = np.nan
    needed = ("axis", "angle", "transition", "lyon", "cornell")
    few.loc[:, [name for name in few if name.startswith("global") and name.endswith(needed)]] = (
        np.nan
    )
    expected = roc_auc_score(y, boosting.predict_proba(few.to_numpy())[:, 1])
    assert scores.loc["I", "score"] == pytest.approx(expected)
    with pytest.raises(ValueError, match="fill='zero' replaces signals"):
        score_by_leads(boosting, table, y, fill="zero")
    with pytest.raises(ValueError, match="set_output"):
        score_by_leads(boosting, table.to_numpy(), y)


@pytest.mark.parametrize(
    "scoring, metric",
    [
        ("accuracy", accuracy_score),
        (make_scorer(f1_score, pos_label="mi"), lambda y, p: f1_score(y, p, pos_label="mi")),
    ],
)
def test_other_scores(ecg, test_part, scoring, metric):
    X, y, _ = test_part
    labels = np.where(y == 1, "mi", "no mi")
    clf = make_pipeline(BeatFeatures(100), HistGradientBoostingClassifier(max_iter=3))
    clf.fit(ecg.data[:50], np.where(ecg.target[:50] == 1, "mi", "no mi"))
    series = pd.Series(labels, index=np.arange(len(y))[::-1])
    scores = score_by_leads(clf, X, series, subsets={"one": "I"}, scoring=scoring, **FAST)
    predicted = clf.predict(keep(X, ["I"]))
    assert scores.loc["one", "score"] == pytest.approx(metric(labels, predicted))
    interval = bootstrap_interval(metric, labels, predicted, **FAST)
    np.testing.assert_allclose(scores.loc["one", ["low", "high"]].astype(float), interval[1:])


def test_losses_are_negative_and_multilabel(ecg, test_part):
    X, y, _ = test_part
    Y = np.stack([y, np.arange(len(y)) % 2], axis=1)
    clf = make_pipeline(
        BeatFeatures(100), MultiOutputClassifier(HistGradientBoostingClassifier(max_iter=3))
    )
    clf.fit(ecg.data[:50], np.stack([ecg.target[:50], np.arange(50) % 2], axis=1))
    scores = score_by_leads(clf, X, Y, subsets=["I"], **FAST)
    probability = np.stack([p[:, 1] for p in clf.predict_proba(keep(X, ["I"]))], axis=1)
    assert scores.loc["I", "score"] == pytest.approx(roc_auc_score(Y, probability))
    single = make_pipeline(BeatFeatures(100), HistGradientBoostingClassifier(max_iter=3))
    loss = score_by_leads(
        single.fit(ecg.data[:50], ecg.target[:50]), X, y, scoring="neg_brier_score", **FAST
    )
    assert (loss["score"] < 0).all()


def test_regressors(ecg, test_part):
    X, _, groups = test_part
    values = {"train": ecg.data[:50, 7].max(axis=1), "test": X[:, 7].max(axis=1)}
    reg = make_pipeline(BeatFeatures(100), HistGradientBoostingRegressor(max_iter=8))
    reg.fit(ecg.data[:50], values["train"])
    options = {"subsets": ["12", "I"], "groups": groups, **FAST}
    scores = score_by_leads(reg, X, values["test"], scoring="r2", **options)
    for (_, row), leads in zip(scores.iterrows(), [STANDARD_LEADS, ["I"]]):
        predicted = reg.predict(keep(X, leads))
        interval = bootstrap_interval(r2_score, values["test"], predicted, groups=groups, **FAST)
        np.testing.assert_allclose(row[["score", "low", "high"]], interval)
    with pytest.raises(ValueError, match="needs a classifier. Pass another, such as 'r2'"):
        score_by_leads(reg, X, values["test"], **options)


def test_networks_take_zeros(ecg, test_part):
    X, y, _ = test_part
    network = MSAICNetClassifier(dilations=(1,), filters=(4,), max_epochs=1, random_state=0)
    network.fit(ecg.data[:50], ecg.target[:50])
    with pytest.raises(ValueError, match="MSAICNetClassifier does not accept missing.*fill='zero'"):
        score_by_leads(network, X, y, **FAST)
    scores = score_by_leads(network, X, y, fill="zero", subsets=SUBSETS, **FAST)
    for leads, score in zip(LEADS, scores["score"]):
        predicted = network.predict_proba(keep(X, leads, 0))[:, 1]
        assert score == pytest.approx(roc_auc_score(y, predicted))


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"subsets": ["V7"]}, ValueError, "X has no lead V7"),
        ({"subsets": ["I", "I"]}, ValueError, "a subset twice"),
        ({"subsets": []}, ValueError, "subsets is empty"),
        ({"subsets": {}}, ValueError, "subsets is empty"),
        ({"subsets": "limb"}, (TypeError, ValueError), "subsets"),
        ({"scoring": accuracy_score}, TypeError, "make_scorer"),
        ({"scoring": "unknown"}, ValueError, "unknown"),
        ({"fill": "mean"}, ValueError, "'fill' parameter"),
        ({"y": np.zeros(3)}, ValueError, "y has 3 values, but X has 50 records"),
        ({"y": np.linspace(0, 1, 50)}, ValueError, "y is continuous"),
        ({"groups": np.zeros(3)}, ValueError, "inconsistent|groups"),
    ],
)
def test_errors(clf, test_part, options, error, message):
    X, y, _ = test_part
    options = {"y": y, **options}
    with pytest.raises(error, match=message):
        score_by_leads(clf, X, **options)


def test_unnamed_leads_raise(ecg, test_part):
    X, y, _ = test_part
    clf = make_pipeline(BeatFeatures(100), HistGradientBoostingClassifier(max_iter=2))
    clf.fit(ecg.data[:50, :3], ecg.target[:50])
    with pytest.raises(ValueError, match="3 leads of X have no names"):
        score_by_leads(clf, X[:, :3], y, subsets=["I"])


def test_a_step_that_refuses_nan(ecg, test_part):
    X, y, _ = test_part
    clf = make_pipeline(BeatFeatures(100), HistGradientBoostingClassifier(max_iter=2)).fit(
        ecg.data[:50], ecg.target[:50]
    )
    clf.steps[-1] = (
        "linear",
        LogisticRegression(C=1e-6, max_iter=10_000).fit(np.nan_to_num(clf[0].transform(X)), y),
    )
    with pytest.raises(ValueError, match="NaN"):
        score_by_leads(clf, X, y)


@pytest.mark.parametrize("kind", ["score", "difference"])
def test_display(clf, test_part, kind):
    X, y, _ = test_part
    scores = score_by_leads(clf, X, y, subsets=SUBSETS, **FAST)
    display = LeadSubsetDisplay.from_scores(scores, score_name="roc_auc", kind=kind)
    names = (
        ("score", "low", "high")
        if kind == "score"
        else ("difference", "difference_low", "difference_high")
    )
    np.testing.assert_array_equal(display.dots_.get_xdata(), scores[names[0]])
    for segment, (_, row) in zip(display.intervals_.get_segments(), scores.iterrows()):
        np.testing.assert_allclose(segment[:, 0], row[list(names[1:])].astype(float))
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert labels == ["12", "limb", "I+II+V2", "V2"]
    assert display.ax_.yaxis_inverted()  # the first subset is at the top
    reference = scores["score"].iloc[0] if kind == "score" else 0
    np.testing.assert_allclose(display.reference_.get_xdata(), reference)
    assert "AUROC" in display.ax_.get_xlabel()
    _, ax = plt.subplots()
    assert display.plot(ax, title="Leads").ax_ is ax and ax.get_title() == "Leads"
    plt.close("all")
    both = LeadSubsetDisplay.from_estimator(clf, X, y, subsets=SUBSETS, kind=kind, **FAST)
    pd.testing.assert_frame_equal(both.scores, scores)
    assert both.score_name == "roc_auc"
    plt.close("all")


def test_display_errors():
    plain = pd.DataFrame({"score": [0.9], "low": [0.8], "high": [1.0]}, index=["I"])
    assert LeadSubsetDisplay.from_scores(plain).reference_ is None
    for scores, kind, message in (
        (plain, "difference", "no column 'difference'"),
        (plain, "bars", "kind='bars' is unknown"),
        (plain.to_dict(), "score", "must be a DataFrame"),
        (plain[:0], "score", "no values"),
        (plain * np.nan, "score", "no values"),
    ):
        with pytest.raises(ValueError, match=message):
            LeadSubsetDisplay.from_scores(scores, kind=kind)
    plt.close("all")

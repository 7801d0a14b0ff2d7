"""Reliability diagrams: bins of scikit-learn, intervals of SciPy, patients."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from sklearn_ecg.inspection import ReliabilityDisplay


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def predictions():
    rng = np.random.RandomState(0)
    y_prob = rng.beta(1, 4, 600).round(2)  # with ties
    return (rng.rand(600) < y_prob).astype(int), y_prob


@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
@pytest.mark.parametrize("n_bins", [1, 4, 10])
def test_bins_and_intervals(predictions, n_bins, strategy):
    y, y_prob = predictions
    display = ReliabilityDisplay.from_predictions(
        y, y_prob, n_bins=n_bins, strategy=strategy, confidence_level=0.9
    )
    (curve,) = display.curves.values()
    expected = calibration_curve(y, y_prob, n_bins=n_bins, strategy=strategy)
    np.testing.assert_allclose(curve["prob_true"], expected[0])
    np.testing.assert_allclose(curve["prob_pred"], expected[1])
    assert curve["n_records"].sum() == 600
    for n, share, *ends in zip(*(curve[k] for k in ("n_records", "prob_true", "low", "high"))):
        test = binomtest(round(n * share), n)
        np.testing.assert_allclose(ends, test.proportion_ci(0.9, "wilson"), atol=1e-12)


def test_copies_of_a_record_add_nothing(predictions):
    """With the patient of each record, three copies of all records give the same intervals."""
    y, y_prob = predictions
    once = ReliabilityDisplay.from_predictions(y, y_prob, groups=np.arange(600), n_bins=4)
    thrice = ReliabilityDisplay.from_predictions(
        np.tile(y, 3), np.tile(y_prob, 3), groups=np.tile(np.arange(600), 3), n_bins=4
    )
    naive = ReliabilityDisplay.from_predictions(np.tile(y, 3), np.tile(y_prob, 3), n_bins=4)
    width = {}
    for name, display in {"once": once, "thrice": thrice, "naive": naive}.items():
        (curve,) = display.curves.values()
        width[name] = curve["high"] - curve["low"]
    np.testing.assert_allclose(width["once"], width["thrice"], rtol=2e-2)
    assert (width["naive"] < 0.65 * width["thrice"]).all()


def test_extreme_bins_have_intervals():
    y, y_prob = np.repeat([0, 1], 20), np.repeat([0.1, 0.9], 20)
    for groups in (None, np.arange(40) // 2):
        display = ReliabilityDisplay.from_predictions(
            y, y_prob, n_bins=2, strategy="uniform", groups=groups
        )
        curve = display.curves["1"]
        np.testing.assert_array_equal(curve["prob_true"], [0, 1])
        n = 20 if groups is None else 10
        expected = binomtest(0, n).proportion_ci(0.95, "wilson").high
        np.testing.assert_allclose([curve["high"][0], 1 - curve["low"][1]], expected)
        np.testing.assert_array_equal([curve["low"][0], curve["high"][1]], [0, 1])


@pytest.mark.parametrize("kind", ["binary", "strings", "multiclass", "multilabel"])
@pytest.mark.parametrize("estimator", [GaussianNB(), KNeighborsClassifier(9)])
def test_from_estimator(estimator, kind):
    rng = np.random.RandomState(0)
    X = rng.randn(120, 3)
    score = X[:, 0] + rng.randn(120)
    y = {
        "binary": (score > 0).astype(int),
        "strings": np.where(score > 0, "sick", "healthy"),
        "multiclass": np.digitize(score, [-0.5, 0.5]),
        "multilabel": pd.DataFrame({"MI": score > 0, "CD": score > 1}).astype(int),
    }[kind]
    if kind == "multilabel" and isinstance(estimator, GaussianNB):
        estimator = OneVsRestClassifier(estimator)
    estimator.fit(X, np.asarray(y))
    ax = plt.subplots()[1]
    display = ReliabilityDisplay.from_estimator(estimator, X, y, n_bins=3, ax=ax)
    names = {
        "binary": ["1"],
        "strings": ["sick"],
        "multiclass": ["0", "1", "2"],
        "multilabel": ["MI", "CD"],
    }[kind]
    assert list(display.curves) == list(display.lines_) == names
    assert display.ax_ is ax and display.figure_ is ax.figure
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["calibrated", *names]
    for name in names:
        line = display.lines_[name][0]
        np.testing.assert_array_equal(line.get_xdata(), display.curves[name]["prob_pred"])
        np.testing.assert_array_equal(line.get_ydata(), display.curves[name]["prob_true"])
    assert ax.get_xlim()[1] <= 1.03


@pytest.mark.parametrize(
    "y_prob, options, message",
    [
        ([0.5] * 20, {"label_names": ["a", "b"]}, r"must have 1 name\(s\), got \['a', 'b'\]"),
        ([1.5] * 20, {}, r"must be in \[0, 1\], got values from 1.5"),
        (np.full((20, 3), 0.3), {}, r"must have shape \(20, 1\)"),
        ([0.5] * 19, {}, "inconsistent numbers"),
        ([0.5] * 20, {"n_bins": 0}, "'n_bins' parameter"),
        ([0.5] * 20, {"groups": [np.nan] * 20}, "groups has missing values"),
    ],
)
def test_bad_input(y_prob, options, message):
    with pytest.raises(ValueError, match=message):
        ReliabilityDisplay.from_predictions([0, 1] * 10, y_prob, **options)
    assert not plt.get_fignums()


def test_classes_of_the_estimator():
    X = np.random.RandomState(0).randn(30, 2)
    clf = LogisticRegression().fit(X, np.arange(30) % 3)
    with pytest.raises(ValueError, match=r"it has \[0, 1\], the classifier \[0, 1, 2\]"):
        ReliabilityDisplay.from_estimator(clf, X, np.arange(30) % 2)


def test_columns_by_name_and_records_by_index():
    rng = np.random.RandomState(0)
    y_prob = pd.DataFrame({"MI": rng.beta(1, 6, 80), "NORM": rng.beta(6, 2, 80)})
    y = (rng.rand(80, 2) < y_prob).astype(int)
    draw = ReliabilityDisplay.from_predictions
    expected = draw(y, y_prob.to_numpy(), n_bins=3).curves
    swapped = y_prob[["NORM", "MI"]]
    for found in (
        draw(y, swapped, n_bins=3).curves,
        draw(y.to_numpy(), swapped, n_bins=3, label_names=["MI", "NORM"]).curves,
    ):
        for name in ("MI", "NORM"):
            for key, values in expected[name].items():
                np.testing.assert_array_equal(found[name][key], values)
    with pytest.raises(ValueError, match="columns of y_prob are not those of y_true: missing NORM"):
        draw(y, y_prob.rename(columns={"NORM": "AF"}))
    with pytest.raises(ValueError, match="metrics take the classes in sorted order"):
        draw(np.where(y["MI"] == 1, "NORM", "MI"), swapped)
    with pytest.raises(ValueError, match="indexes of y_true and y_prob are in different orders"):
        draw(y["MI"], y_prob["MI"].iloc[::-1])
    X = pd.DataFrame(rng.randn(80, 2))
    clf = LogisticRegression().fit(X, y["MI"])
    with pytest.raises(ValueError, match="indexes of X and y are in different orders"):
        ReliabilityDisplay.from_estimator(clf, X, y["MI"].iloc[::-1])

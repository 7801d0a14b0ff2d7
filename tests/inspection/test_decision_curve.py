"""Tests of the display of decision curves."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

from sklearn_ecg.inspection import DecisionCurveDisplay
from sklearn_ecg.metrics import net_benefit


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    y = (rng.rand(150, 2) < [0.4, 0.2]).astype(int)
    return y + rng.randn(150, 2), y


def test_curve_of_predictions(data):
    X, y = data
    probability = 1 / (1 + np.exp(-X[:, 0]))
    weight = np.random.RandomState(0).randint(0, 3, 150)
    names = np.array(["healthy", "sick"])[y[:, 0]]
    for target in (y[:, 0], names):
        display = DecisionCurveDisplay.from_predictions(target, probability, sample_weight=weight)
        thresholds = display.line_.get_xdata()
        assert thresholds[0] == 0 and thresholds[-1] == 0.99 and len(thresholds) == 100
        expected = net_benefit(y[:, 0], probability, threshold=thresholds, sample_weight=weight)
        np.testing.assert_allclose(display.line_.get_ydata(), expected)
        everyone = net_benefit(y[:, 0], np.ones(150), threshold=thresholds, sample_weight=weight)
        np.testing.assert_allclose(display.treat_all_.get_ydata(), everyone)
        assert (np.asarray(display.treat_none_.get_ydata()) == 0).all()
    few = DecisionCurveDisplay.from_predictions(y[:, 0], probability, thresholds=[0.1, 0.2])
    assert few.line_.get_xdata().tolist() == [0.1, 0.2]
    # Negative values, far below, do not change the limits.
    bottom, top = few.ax_.get_ylim()
    assert top == pytest.approx(1.1 * few.prevalence) and bottom == pytest.approx(-0.2 / 1.1 * top)


def test_curve_of_estimators(data):
    X, y = data
    binary = LogisticRegression().fit(X, y[:, 0])
    display = DecisionCurveDisplay.from_estimator(binary, X, y[:, 0])
    expected = net_benefit(y[:, 0], binary.predict_proba(X)[:, 1], threshold=display.thresholds)
    np.testing.assert_allclose(display.net_benefit, expected)
    assert display.line_.get_label() == display.name == "LogisticRegression"
    # Test records with a single class.
    few = y[:, 0] == 0
    display = DecisionCurveDisplay.from_estimator(binary, X[few], y[few, 0])
    assert display.prevalence == 0 and display.net_benefit.max() <= 0

    frame = pd.DataFrame(y, columns=["MI", "CD"])
    for clf in (OneVsRestClassifier(LogisticRegression()), RandomForestClassifier(5)):
        clf.set_params(**({"random_state": 0} if hasattr(clf, "random_state") else {}))
        clf.fit(X, y)
        probability = clf.predict_proba(X)
        if isinstance(probability, list):
            probability = np.stack([of_label[:, 1] for of_label in probability], axis=1)
        display = DecisionCurveDisplay.from_estimator(clf, X, frame, label="CD")
        expected = net_benefit(y[:, 1], probability[:, 1], threshold=display.thresholds)
        np.testing.assert_allclose(display.net_benefit, expected)
        by_number = DecisionCurveDisplay.from_estimator(clf, X, y, label=1)
        np.testing.assert_array_equal(by_number.net_benefit, display.net_benefit)

    classes = np.array(["a", "b", "c"])[y.sum(axis=1)]
    clf = LogisticRegression().fit(X, classes)
    display = DecisionCurveDisplay.from_estimator(clf, X, classes, label="b")
    probability = clf.predict_proba(X)[:, 1]
    expected = net_benefit(classes == "b", probability, threshold=display.thresholds)
    np.testing.assert_allclose(display.net_benefit, expected)


def test_several_classifiers_on_the_same_axes(data):
    X, y = data
    probability = 1 / (1 + np.exp(-X[:, 0]))
    first = DecisionCurveDisplay.from_predictions(y[:, 0], probability, name="A")
    second = DecisionCurveDisplay.from_predictions(y[:, 0], probability**2, name="B", ax=first.ax_)
    assert second.treat_all_ is None and second.figure_ is first.figure_
    labels = [text.get_text() for text in first.ax_.get_legend().get_texts()]
    assert labels == ["treat all", "treat none", "A", "B"]
    assert first.line_.get_color() != second.line_.get_color()
    assert first.line_.get_linestyle() != second.line_.get_linestyle()
    alone = DecisionCurveDisplay.from_predictions(y[:, 0], probability, ref_lines=False)
    assert alone.treat_all_ is None and len(alone.ax_.lines) == 1
    assert alone.plot(name="other").line_.get_label() == "other"


def test_errors(data):
    X, y = data
    probability = 1 / (1 + np.exp(-X))
    with pytest.raises(ValueError, match="label=None is not one of the labels 0, 1. A decision"):
        DecisionCurveDisplay.from_predictions(y, probability)
    frame = pd.DataFrame(y, columns=["MI", "CD"])
    with pytest.raises(ValueError, match="label='HYP' is not one of the labels 'MI', 'CD'"):
        DecisionCurveDisplay.from_predictions(frame, probability, label="HYP")
    with pytest.raises(ValueError, match="y_prob must hold probabilities"):
        DecisionCurveDisplay.from_predictions(y[:, 0], X[:, 0])
    with pytest.raises(ValueError, match=r"threshold must be in \[0, 1\)"):
        DecisionCurveDisplay.from_predictions(y[:, 0], probability[:, 0], thresholds=[0.5, 1])
    with pytest.raises(ValueError, match=r"same length, got shapes \(2,\) and \(3,\)"):
        DecisionCurveDisplay([0, 0.5], [1, 2, 3], prevalence=0.5).plot()
    with pytest.raises(NotFittedError):
        DecisionCurveDisplay.from_estimator(LogisticRegression(), X, y[:, 0])
    with pytest.raises(TypeError, match="LinearSVC has no predict_proba. A decision curve needs"):
        DecisionCurveDisplay.from_estimator(LinearSVC().fit(X, y[:, 0]), X, y[:, 0])
    assert not plt.get_fignums()


def test_label_that_was_never_positive_in_training(data):
    X, y = data
    forest = RandomForestClassifier(3, random_state=0)
    forest.fit(X, np.column_stack([y[:, 0], np.zeros(len(y), int)]))
    options = {"label": 1, "thresholds": [0.0, 0.1, 0.9]}
    display = DecisionCurveDisplay.from_estimator(forest, X, y, **options)
    # No record is treated, except at 0.
    np.testing.assert_allclose(display.net_benefit, [y[:, 1].mean(), 0, 0])
    with pytest.raises(ValueError, match="indexes of X and y are in different orders"):
        DecisionCurveDisplay.from_estimator(forest, pd.DataFrame(X), pd.DataFrame(y)[::-1], label=1)

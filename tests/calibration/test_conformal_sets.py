"""Conformal prediction sets of MAPIE on calibrated networks; skipped if MAPIE is not installed."""

import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from sklearn_ecg import MultilabelCalibratedClassifierCV, PriorCorrectedClassifier

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("wrapper", [MultilabelCalibratedClassifierCV, PriorCorrectedClassifier])
def test_coverage(wrapper):
    classification = pytest.importorskip("mapie.classification")
    rng = np.random.RandomState(0)
    X = rng.randn(1500, 3)
    y = (X[:, 0] + rng.randn(1500) > 1).astype(int)
    train, adjust, conformalize, test = np.split(np.arange(1500), [300, 500, 900])
    clf = LogisticRegression(class_weight="balanced").fit(X[train], y[train])
    calibrated = wrapper(FrozenEstimator(clf)).fit(X[adjust], y[adjust])
    conformal = classification.SplitConformalClassifier(calibrated, confidence_level=0.9)
    conformal.conformalize(X[conformalize], y[conformalize])
    _, sets = conformal.predict_set(X[test])
    # Four standard errors of the share of 600 test records and of 400 others.
    assert sets[np.arange(600), y[test], 0].mean() == pytest.approx(0.9, abs=0.077)


def test_example_runs(capsys):
    pytest.importorskip("mapie")
    runpy.run_path(str(ROOT / "examples" / "plot_unbalanced_cohort.py"))
    plt.close("all")
    assert "covered: 0.9" in capsys.readouterr().out

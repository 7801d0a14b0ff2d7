"""Importance of leads in a frame with leads and other columns, such as age and sex."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from sklearn_ecg import to_lead_array, to_lead_frame
from sklearn_ecg.inspection import lead_importance, record_lead_importance

LEADS = ["I", "II", "V1"]


def means(frame):
    return to_lead_array(frame).mean(axis=2)


@pytest.fixture(scope="module")
def data():
    rng = np.random.RandomState(0)
    y = np.arange(60) % 2
    X = rng.randn(60, 3, 20) + np.array([0, 0.5, 0])[:, None] * y[:, None, None]
    frame = to_lead_frame(X, LEADS, sampling_rate=10, index=[f"r{i}" for i in range(60)])
    # Other columns before, between and behind the leads.
    frame.insert(0, "age", 60 + 5 * y + 5 * rng.randn(60))
    frame.insert(2, "sex", rng.choice(["f", "m"], 60))
    frame["site"] = np.arange(60) // 2
    columns = make_column_transformer(
        (FunctionTransformer(means), LEADS),
        (StandardScaler(), ["age"]),
        (OneHotEncoder(drop="if_binary"), ["sex"]),
    )
    clf = make_pipeline(columns, LogisticRegression())
    return clf, frame, y


def test_equals_scikit_learn(data):
    clf, frame, y = data
    clf = clf.fit(frame[:30], y[:30])
    options = {"scoring": "neg_log_loss", "n_repeats": 3, "random_state": 0}
    X = frame[30:].copy()
    ours = lead_importance(clf, X, y[30:], **options)
    theirs = permutation_importance(clf, X, y[30:], **options)
    assert ours.names.tolist() == [*LEADS, "age", "sex", "site"]
    order = [list(frame.columns).index(name) for name in ours.names]
    np.testing.assert_allclose(ours.importances, theirs.importances[order])
    pd.testing.assert_frame_equal(X, frame[30:])
    assert (ours.importances[-1] == 0).all() and ours.importances_mean[1] > 0.1


def test_groups_and_noise(data):
    clf, frame, y = data
    clf = clf.fit(frame[:30], y[:30])
    options = {"scoring": "neg_log_loss", "random_state": 0}
    groups = lead_importance(
        clf, frame[30:], y[30:], lead_groups={"limb": ["I", "II"], "chest": ["V1"]}, **options
    )
    assert groups.groups == {"limb": ["I", "II"], "chest": ["V1"]}
    alone = lead_importance(clf, frame[30:], y[30:], **options)
    np.testing.assert_array_equal(groups.importances[1], alone.importances[2])
    noise = lead_importance(clf, frame[30:], y[30:], method="gaussian", **options)
    assert noise.names.tolist() == LEADS
    by_record = record_lead_importance(clf, frame[30:], random_state=0)
    assert by_record.shape == (30, 6) and (by_record[:, -1] == 0).all()
    with pytest.raises(ValueError, match="V9"):
        lead_importance(clf, frame[30:], y[30:], lead_groups={"x": ["V9"]}, **options)


def test_cross_validation_by_patient(data):
    clf, frame, y = data
    options = {"cv": StratifiedGroupKFold(3), "groups": frame["site"], "scoring": "roc_auc"}
    scores = cross_validate(clf, frame, y, error_score="raise", **options)["test_score"]
    assert scores.mean() > 0.8

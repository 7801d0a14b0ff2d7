"""Samplers in the pipelines of imbalanced-learn, with cross-validation and searches."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from imblearn.pipeline import make_pipeline
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_validate,
)
from sklearn.pipeline import make_pipeline as make_sklearn_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.augmentation import AmplitudeScale
from sklearn_ecg.imbalance import (
    AugmentationOverSampler,
    BeatSMOTE,
    RecordOverSampler,
    RecordUnderSampler,
)
from sklearn_ecg.leads import to_lead_array, to_lead_frame
from sklearn_ecg.preprocessing import BeatFeatures, MedianBeat

SAMPLERS = [
    RecordOverSampler(random_state=0),
    RecordUnderSampler(random_state=0),
    AugmentationOverSampler(AmplitudeScale(0.1), random_state=0),
    BeatSMOTE(100, random_state=0),
]
TINY = {
    "filters": (4,),
    "dilations": (1,),
    "embedding_dim": 8,
    "projection_dim": 4,
    "max_epochs": 2,
    "random_state": 0,
}
SEEN = {"fit": [], "predict": []}


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier that keeps the records on which it is fitted and scored."""

    def fit(self, X, y):
        SEEN["fit"].append((as_set(X), len(X), y))
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        SEEN["predict"].append(as_set(X))
        return np.repeat(self.classes_[:1], len(X), axis=0)

    def score(self, X, y):
        SEEN["predict"].append(as_set(X))
        return 0.0


def as_set(X):
    X = to_lead_array(X) if isinstance(X, pd.DataFrame) else X
    return {record.tobytes() for record in X}


@pytest.fixture
def seen():
    """What the recorder has seen in this test."""
    for calls in SEEN.values():
        calls.clear()
    return SEEN


@pytest.mark.parametrize("as_frame", [False, True])
@pytest.mark.parametrize("labels", ["classes", "indicator"])
@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: type(s).__name__)
def test_no_new_record_is_scored(sampler, labels, as_frame, ecg, indicator, seen):
    """Every record that is scored is an original one, bit for bit, and was not trained on."""
    y = ecg.target if labels == "classes" else indicator
    X = to_lead_frame(ecg.data, ["I", "II", "III", "V2"]) if as_frame else ecg.data
    original = as_set(X)
    assert len(original) == 60
    splits = list(StratifiedGroupKFold(3).split(ecg.data, ecg.target, ecg.groups))
    cross_validate(make_pipeline(sampler, Recorder()), X, y, cv=splits)
    assert len(seen["fit"]) == len(seen["predict"]) == 3
    is_synthetic = isinstance(sampler, (AugmentationOverSampler, BeatSMOTE))
    for (train, test), (trained, n_trained, _), scored in zip(splits, seen["fit"], seen["predict"]):
        assert scored == as_set(ecg.data[test])
        assert scored <= original
        assert not scored & trained
        # The test would notice a new record.
        if isinstance(sampler, RecordUnderSampler):
            assert n_trained < len(train) and trained <= as_set(ecg.data[train])
        else:
            assert n_trained > len(train)
            assert bool(trained - original) == is_synthetic


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: type(s).__name__)
def test_search_over_the_strategy(sampler, ecg, seen):
    pipeline = make_pipeline(clone(sampler), Recorder())
    name = type(sampler).__name__.lower() + "__sampling_strategy"
    search = GridSearchCV(pipeline, {name: [0.5, 1.0]}, cv=StratifiedKFold(2), refit=False)
    search.fit(ecg.data, ecg.target)
    shares = [np.mean(y) for _, _, y in seen["fit"]]
    np.testing.assert_allclose(shares, [1 / 3, 1 / 3, 1 / 2, 1 / 2])


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: type(s).__name__)
def test_networks_and_features(sampler, ecg):
    X, y = ecg.data, ecg.target
    frame = to_lead_frame(X, ["I", "II", "III", "V2"], sampling_rate=100, units="mV")
    network = MSAICNetClassifier(**TINY)
    rows = FunctionTransformer(lambda beats: to_lead_array(beats).reshape(len(beats), -1))
    imputer = SimpleImputer(keep_empty_features=True)
    regression = LogisticRegression(max_iter=500)
    steps = [
        [network],
        [MedianBeat(100), rows, StandardScaler(), regression],
        [BeatFeatures(100), imputer, StandardScaler(), regression],
    ]
    for rest in steps:
        pipeline = make_pipeline(clone(sampler), *rest)
        scores = cross_validate(
            pipeline, frame, y, groups=ecg.groups, cv=StratifiedGroupKFold(2), scoring="roc_auc"
        )
        assert np.isfinite(scores["test_score"]).all()
        # Resampling and fitting by hand is the same.
        X_new, y_new = clone(sampler).fit_resample(frame, y)
        by_hand = make_sklearn_pipeline(*map(clone, rest)).fit(X_new, y_new)
        np.testing.assert_array_equal(
            by_hand.predict_proba(frame), pipeline.fit(frame, y).predict_proba(frame)
        )


def test_multilabel_network(ecg, indicator):
    network = MSAICNetClassifier(**TINY)
    pipeline = make_pipeline(RecordOverSampler(random_state=0), network)
    assert pipeline.fit(ecg.data, indicator).predict_proba(ecg.data).shape == (60, 3)


def test_groups_in_a_pipeline(ecg, seen):
    """With metadata routing, they are passed to steps that request them."""
    direct = RecordUnderSampler(random_state=0)
    X, _ = direct.fit_resample(ecg.data, ecg.target, groups=ecg.groups)
    with sklearn.config_context(enable_metadata_routing=True):
        sampler = RecordUnderSampler(random_state=0).set_fit_resample_request(groups=True)
        pipeline = make_pipeline(sampler, Recorder())
        pipeline.fit(ecg.data, ecg.target, groups=ecg.groups)
        assert seen["fit"][-1][0] == as_set(X)
        cross_validate(
            pipeline,
            ecg.data,
            ecg.target,
            params={"groups": ecg.groups},
            cv=StratifiedGroupKFold(2),
            # scikit-learn 1.9 passes sample_weight to the method score, which imblearn refuses.
            scoring="accuracy",
        )
    patients = {record.tobytes(): group for record, group in zip(ecg.data, ecg.groups)}
    for trained, _, _ in seen["fit"][-2:]:
        count = np.bincount([patients[record] for record in trained])
        assert set(count.tolist()) == {0, 2}

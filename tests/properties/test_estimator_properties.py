"""Estimators: `fit` with any records and labels, and predictions for any records afterwards."""

import functools
import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcomes import Refused, attempt, covers
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from strategies import examples, groups, labels, make_signals, records, weights

from sklearn_ecg import (
    ACLECGClassifier,
    ACLECGEncoder,
    BeatFeatureClassifier,
    BeatFeatureEncoder,
    ECGNetClassifier,
    ECGNetRegressor,
    MSAICNetClassifier,
    MSAICNetRegressor,
    MultilabelCalibratedClassifierCV,
    MultilabelTunedThresholdClassifierCV,
    PriorCorrectedClassifier,
    SequentialLeadSelector,
    SimCardioNetClassifier,
    SimCardioNetEncoder,
)
from sklearn_ecg.augmentation import ColorJitter, GaussianNoise
from sklearn_ecg.nn import VGG1d

TRAINING = {"max_epochs": 1, "batch_size": 8, "random_state": 0}
ECG_NET = ECGNetClassifier(
    module_params={"width": 4, "n_blocks": 1, "embedding_dim": 4}, **TRAINING
)
ACL_ENCODER = ACLECGEncoder(
    backbone=partial(VGG1d, filters=(4,), n_convs=(1,)),
    augmentation=[GaussianNoise(0.1)],
    regions={"limb": ["I"]},
    projection_dim=4,
    **TRAINING,
)
FEATURE_ENCODER = BeatFeatureEncoder(filters=(4,), sampling_rate=100, **TRAINING)
IMAGE_ENCODER = SimCardioNetEncoder(
    image_size=(8, 8),
    filters=(4,),
    n_heads=0,
    projection_dim=4,
    augmentation=[ColorJitter()],
    **TRAINING,
)
NETWORKS = {
    MSAICNetClassifier: MSAICNetClassifier(
        filters=(4,), dilations=(1,), kernel_size=3, embedding_dim=4, projection_dim=4, **TRAINING
    ),
    ECGNetClassifier: ECG_NET,
    ACLECGClassifier: ACLECGClassifier(ACL_ENCODER, **TRAINING),
    BeatFeatureClassifier: BeatFeatureClassifier(FEATURE_ENCODER, **TRAINING),
    SimCardioNetClassifier: SimCardioNetClassifier(IMAGE_ENCODER, unfreeze_interval=0, **TRAINING),
}
REGRESSORS = {
    ECGNetRegressor: ECGNetRegressor(
        module_params={"width": 4, "n_blocks": 1, "embedding_dim": 4}, **TRAINING
    ),
    MSAICNetRegressor: MSAICNetRegressor(
        filters=(4,), dilations=(1,), kernel_size=3, embedding_dim=4, **TRAINING
    ),
}
ENCODERS = {
    ACLECGEncoder: ACL_ENCODER,
    BeatFeatureEncoder: FEATURE_ENCODER,
    SimCardioNetEncoder: IMAGE_ENCODER,
}
LINEAR = OneVsRestClassifier(LogisticRegression())
META = {
    MultilabelCalibratedClassifierCV: (
        MultilabelCalibratedClassifierCV(LINEAR, cv=2),
        MultilabelCalibratedClassifierCV(LINEAR, cv=2, method="isotonic", ensemble=False),
        MultilabelCalibratedClassifierCV(clone(ECG_NET).set_params(max_epochs=0), cv=2),
    ),
    MultilabelTunedThresholdClassifierCV: (
        MultilabelTunedThresholdClassifierCV(LogisticRegression(), cv=2, random_state=0),
        MultilabelTunedThresholdClassifierCV(LINEAR, cv=2, thresholds=5, random_state=0),
        MultilabelTunedThresholdClassifierCV(LINEAR, cv=2, sensitivity=0.8, random_state=0),
    ),
    PriorCorrectedClassifier: (
        PriorCorrectedClassifier(LINEAR, cv=2, random_state=0),
        PriorCorrectedClassifier(LINEAR, method="fitted", cv=2, random_state=0),
    ),
}
PATIENTS = ("none", "none", "records", "pairs", "strings", "nan", "length", "one")
CHECKED = {"predict", "predict_proba", "transform"}


def takes_images(cls):
    return cls in (SimCardioNetClassifier, SimCardioNetEncoder)


def draw_records(cls, data, **options):
    """Records of signals or, for networks of images, of the same numbers as images."""
    if not takes_images(cls):
        options = {"n_times": (50, 1, 2, 20, 0), **options}
        X = data.draw(records(n_leads=(3, 1, 12), **options))
        needs_names = cls in (ACLECGClassifier, ACLECGEncoder)
        if needs_names and X.signals is not None and X.kind != "lead frame" and X.shape[1] != 12:
            X.params["lead_names"] = ["I", "II", "III"][: X.shape[1]]
        return X
    options.pop("n_times", None)
    if options.get("plain"):
        options["kinds"] = ("array", "rows", "numeric frame")
    X = data.draw(records(n_leads=(8, 12, 1, 3), n_times=(8, 50, 1, 0), **options))
    X.params = {"image_shape": X.shape[1:]} if X.kind in ("rows", "numeric frame") else {}
    return X


def check_outputs(estimator, X, target, n_records):
    """Call all methods, and check shapes and ranges."""
    n_classes = len(estimator.classes_)
    multilabel = target == "multilabel"
    predicted = attempt(estimator.predict, X)
    if isinstance(predicted, Refused):
        for method in ("predict_proba", "transform", "decision_function", "predict_log_proba"):
            if hasattr(estimator, method):
                assert isinstance(attempt(getattr(estimator, method), X), Refused), method
        return predicted
    assert predicted.shape == ((n_records, n_classes) if multilabel else (n_records,))
    assert np.isin(predicted, [0, 1] if multilabel else estimator.classes_).all()
    if hasattr(estimator, "predict_proba"):
        proba = attempt(estimator.predict_proba, X)
        assert type(proba) is np.ndarray and proba.dtype.kind == "f"
        assert proba.shape == (n_records, n_classes)
        assert ((proba >= 0) & (proba <= 1)).all()
        if not multilabel:
            np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)
    if hasattr(estimator, "predict_log_proba"):
        log_proba = attempt(estimator.predict_log_proba, X)
        np.testing.assert_allclose(np.exp(log_proba), proba, atol=1e-5)
    if hasattr(estimator, "decision_function"):
        decision = attempt(estimator.decision_function, X)
        shape = (n_records,) if n_classes == 2 and not multilabel else (n_records, n_classes)
        assert decision.shape == shape and np.isfinite(decision).all()
    if hasattr(estimator, "transform"):
        embedding = attempt(estimator.transform, X)
        names = attempt(estimator.get_feature_names_out)
        assert embedding.shape == (n_records, len(names)) and np.isfinite(embedding).all()
    score = attempt(estimator.score, X, predicted)
    assert score == 1, score
    return predicted


@covers(*NETWORKS, *META)
@pytest.mark.parametrize("covered", [*NETWORKS, *META], ids=lambda c: c.__name__)
@examples(12)
@given(data=st.data())
def test_classifier(covered, data):
    is_network = covered in NETWORKS
    estimator = clone(
        NETWORKS[covered] if is_network else data.draw(st.sampled_from(META[covered]))
    )
    plain = data.draw(st.booleans())
    of_rows = {}
    if not is_network and not isinstance(estimator.estimator, ECGNetClassifier):
        # What linear models accept; they check it themselves.
        of_rows = {"kinds": ("rows", "numeric frame"), "n_times": (20, 1)}
    sizes = (12, 20) if plain else (12, 20, 4, 2, 1, 0)
    X = draw_records(covered, data, n_records=sizes, plain=plain, odd=not plain, **of_rows)
    n_records = 12 if X.signals is None else len(X.signals)
    target = data.draw(labels(n_records, faults=not plain))
    weight, is_valid = data.draw(weights(n_records, faults=not plain))
    patients, kind = data.draw(groups(n_records, kinds=PATIENTS))
    names = estimator.get_params()
    for name, value in X.params.items():
        prefix = name if is_network else f"estimator__{name}"
        if prefix in names:
            estimator.set_params(**{prefix: value})
    if is_network:
        estimator.set_params(early_stopping=data.draw(st.booleans()))
        estimator.set_params(class_weight=data.draw(st.sampled_from((None, "balanced"))))
    fitted = attempt(estimator.fit, X.X, target.y, sample_weight=weight, groups=patients)
    if hasattr(estimator, "fit_transform") and target.y is not None:
        attempt(estimator.fit_transform, X.X, target.y)
    if isinstance(fitted, Refused):
        usual = kind in ("none", "records") and target.label_type != "column"
        if is_network and X.is_plain and target.is_plain and usual and weight is None:
            assert takes_images(covered) and X.kind in ("array", "lead frame", "cells"), fitted
        return
    assert fitted is estimator and is_valid
    estimator = attempt(clone(estimator).fit, X.X, target.y, sample_weight=weight, groups=patients)
    out = check_outputs(estimator, X.X, target.target, n_records)
    assert not isinstance(out, Refused), out


NUMBERS = st.one_of(
    st.integers(-(10**9), 10**9),
    st.floats(-1e12, 1e12),
    st.sampled_from((0, 70.5, 1e300, -1e-300, np.nan, np.inf, None, "70", True, 1 + 2j)),
)


@covers(*REGRESSORS)
@pytest.mark.parametrize("covered", REGRESSORS, ids=lambda c: c.__name__)
@examples(12)
@given(data=st.data())
def test_regressor(covered, data):
    X = draw_records(covered, data, n_records=(12, 4, 2, 1, 0))
    n_records = 12 if X.signals is None else len(X.signals)
    n_targets = data.draw(st.sampled_from((None, 1, 3)))
    n_values = n_records * (n_targets or 1)
    finite = st.floats(-1e12, 1e12)
    values = data.draw(st.lists(st.one_of(finite, NUMBERS), min_size=n_values, max_size=n_values))
    y = np.array(values, dtype=object)
    is_valid = all(isinstance(v, (bool, int, float)) and np.isfinite(v) for v in values)
    if is_valid:
        y = y.astype(data.draw(st.sampled_from((float, object))))
    if n_targets:
        y = y.reshape(n_records, n_targets)
    weight, good_weight = data.draw(weights(n_records))
    estimator = clone(REGRESSORS[covered]).set_params(**X.params)
    estimator.set_params(early_stopping=data.draw(st.booleans()))
    fitted = attempt(estimator.fit, X.X, y, sample_weight=weight)
    attempt(estimator.fit_transform, X.X, y)
    if isinstance(fitted, Refused):
        huge = is_valid and np.abs(np.array(values, dtype=float)).max(initial=0) > 1e100
        assert not (X.is_plain and is_valid and good_weight and n_records > 1) or huge, fitted
        return
    assert is_valid and good_weight
    estimator = attempt(clone(estimator).fit, X.X, y, sample_weight=weight)
    predicted = attempt(estimator.predict, X.X)
    assert predicted.shape == y.shape and predicted.dtype == np.float64
    assert np.isfinite(predicted).all()
    embedding = attempt(estimator.transform, X.X)
    assert embedding.shape == (n_records, len(attempt(estimator.get_feature_names_out)))


@functools.cache
def fitted_network(cls):
    sizes = (8, 8) if takes_images(cls) else (3, 50)
    estimator = clone({**NETWORKS, **ENCODERS}[cls])
    if cls in (ACLECGClassifier, ACLECGEncoder):
        estimator.set_params(lead_names=["I", "II", "III"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return estimator.fit(make_signals("beats", 12, *sizes, 0), np.arange(12) % 3)


@pytest.mark.parametrize("cls", [*NETWORKS, *ENCODERS], ids=lambda c: c.__name__)
@examples(25)
@given(data=st.data())
def test_predictions_for_any_records(cls, data):
    estimator = fitted_network(cls)
    X = draw_records(cls, data)
    n_records = 0 if X.signals is None else len(X.signals)
    if cls in ENCODERS:
        out = attempt(estimator.transform, X.X)
        if not isinstance(out, Refused):
            assert out.shape[0] == n_records and np.isfinite(out).all()
    else:
        out = check_outputs(estimator, X.X, "multiclass", n_records)
    same = X.signals is not None and X.shape[1:] == ((8, 8) if takes_images(cls) else (3, 50))
    if isinstance(out, Refused):
        assert not (X.is_plain and same and X.kind == "array"), out
    else:
        assert same and X.is_finite


@covers(*ENCODERS)
@pytest.mark.parametrize("covered", ENCODERS, ids=lambda c: c.__name__)
@examples(10)
@given(data=st.data())
def test_encoder(covered, data):
    X = draw_records(covered, data, n_records=(8, 2, 1, 0))
    estimator = clone(ENCODERS[covered]).set_params(**X.params)
    if covered is ACLECGEncoder:
        estimator.set_params(normalize=data.draw(st.sampled_from(("record", "dataset", None))))
    embedding = attempt(estimator.fit_transform, X.X)
    fitted = attempt(estimator.fit, X.X)
    again = attempt(estimator.transform, X.X)
    if isinstance(fitted, Refused):
        assert isinstance(embedding, Refused) and isinstance(again, Refused)
        assert not X.is_plain or len(X.signals) == 1 or X.kind not in ("array", "rows"), fitted
        return
    names = attempt(estimator.get_feature_names_out)
    assert embedding.shape == (len(X.signals), len(names)) and np.isfinite(embedding).all()
    np.testing.assert_array_equal(again, embedding)


@covers(SequentialLeadSelector)
@examples(6)
@given(data=st.data())
def test_lead_selector(data):
    X = data.draw(records(n_records=(12, 4), n_leads=(3, 1), n_times=(20, 1, 0)))
    n_records = 12 if X.signals is None else len(X.signals)
    target = data.draw(labels(n_records, targets=("binary", "multiclass")))
    n_leads = data.draw(st.sampled_from(("auto", 1, 0.5, 2, 9, 0)))
    selector = SequentialLeadSelector(
        clone(ECG_NET).set_params(max_epochs=0),
        n_leads_to_select=n_leads,
        tol=0.1 if n_leads == "auto" else None,
        cv=2,
        **X.params,
    )
    out = attempt(selector.fit_transform, X.X, target.y)
    attempt(selector.fit, X.X, target.y)
    if not isinstance(out, Refused):
        names = attempt(selector.get_feature_names_out)
        assert len(out) == n_records and len(names)
        again = attempt(selector.transform, X.X)
        assert isinstance(out, pd.DataFrame) == isinstance(again, pd.DataFrame)

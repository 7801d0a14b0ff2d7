"""Checks of classifiers and regressors: labels, targets, weights and metadata routing."""

import warnings
from functools import partial

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.pipeline import Pipeline

from ._check_tools import _assert_outputs, _clone_with, _make_records, _raises


def check_label_types(estimator):
    """Predicted labels have the type of y, and the order of probabilities is that of classes_."""
    X, y = _make_records(n_classes=3)
    kinds = {
        "strings": np.array(["STTC", "MI", "NORM"])[y],
        "objects": np.array(["STTC", "MI", "NORM"], dtype=object)[y],
        "integers": np.array([7, -1, 3])[y],
        "floats": y.astype(float),
        "booleans": y == 1,
        "series": pd.Series(np.array(["STTC", "MI", "NORM"])[y], index=np.arange(len(y)) + 5),
        "list": y.tolist(),
    }
    for kind, labels in kinds.items():
        fitted = _clone_with(estimator).fit(X, labels)
        np.testing.assert_array_equal(fitted.classes_, np.unique(labels), err_msg=kind)
        probabilities = fitted.predict_proba(X)
        assert probabilities.shape == (len(X), len(fitted.classes_)), kind
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        np.testing.assert_array_equal(
            fitted.predict(X), fitted.classes_[probabilities.argmax(axis=1)], err_msg=kind
        )


def check_multilabel(estimator):
    """A multilabel indicator gives one probability per label, even without positive records."""
    X, y = _make_records(n_classes=3)
    Y = np.stack([y == 1, y >= 1, y == 0, y == 2], axis=1).astype(int)
    fitted = _clone_with(estimator).fit(X, Y)
    probabilities = fitted.predict_proba(X)
    assert isinstance(probabilities, np.ndarray)
    assert probabilities.shape == Y.shape
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    np.testing.assert_array_equal(fitted.predict(X), probabilities > 0.5)
    Y[:, 3] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert _clone_with(estimator).fit(X, Y).predict(X).shape == Y.shape


def check_bad_labels(estimator):
    """Unsuitable labels and weights raise an error that names the problem."""
    X, y = _make_records()
    fit = partial(_clone_with(estimator).fit, X)
    with _raises("1 class"):
        fit(np.full(len(X), "MI"))
    with _raises("missing.*record 2"):
        fit(np.where(np.arange(len(X)) == 2, np.nan, y))
    with _raises("missing.*record 2"):
        fit([None if i == 2 else "MI" if v else "NORM" for i, v in enumerate(y)])
    with _raises("continuous"):
        fit(np.linspace(0, 1, len(X)))
    with _raises("0 and 1 only"):
        fit(np.stack([y, -y], axis=1))
    with _raises("inconsistent numbers of samples"):
        fit(y[:-1])
    with _raises("positive sample_weight"):
        fit(y, sample_weight=(y == 1).astype(float))
    with _raises("at least one non-zero"):
        fit(y, sample_weight=np.zeros(len(y)))
    with _raises("[Nn]egative"):
        fit(y, sample_weight=-np.ones(len(y)))
    with _raises("inconsistent numbers of samples"):
        fit(y, groups=y[:-1])


def check_regression_targets(estimator):
    """Predictions have the shape of y and do not depend on its container; bad targets raise."""
    X, y = _make_records()
    y = 50 + 10 * y + np.arange(len(y)) % 3
    expected = _clone_with(estimator).fit(X, y).predict(X)
    assert expected.shape == y.shape
    for target in (y.tolist(), pd.Series(y, index=np.arange(len(y)) + 5), y.astype(float)):
        np.testing.assert_array_equal(_clone_with(estimator).fit(X, target).predict(X), expected)
    Y = np.column_stack([y, -y])
    assert _clone_with(estimator).fit(X, Y).predict(X).shape == Y.shape
    assert _clone_with(estimator).fit(X, Y[:, :1]).predict(X).shape == (len(y), 1)
    fit = partial(_clone_with(estimator).fit, X)
    with _raises("missing.*record 2"):
        fit(np.where(np.arange(len(X)) == 2, np.nan, y))
    with _raises("real numbers"):
        fit(np.full(len(X), "MI"))
    with _raises("inconsistent numbers of samples"):
        fit(y[:-1])


def check_two_records(estimator):
    """Two records, one of each class, are enough; one is not."""
    X, y = _make_records(n_records=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert _clone_with(estimator).fit(X, y).predict(X).shape == (2,)
    with _raises("1 class"):
        _clone_with(estimator).fit(X[:1], y[:1])


def check_zero_weight_is_removal(estimator):
    """Records of weight 0 have no effect."""
    X, y = _make_records(n_records=30)
    weight = np.random.RandomState(0).randint(1, 4, size=len(X)).astype(float)
    removed = np.arange(len(X)) % 5 == 0
    weight[removed] = 0
    X[removed] *= 1000
    weighted = _clone_with(estimator).fit(X, y, sample_weight=weight)
    kept = ~removed
    reduced = _clone_with(estimator).fit(X[kept], y[kept], sample_weight=weight[kept])
    _assert_outputs(reduced, weighted, X, exact=True)


def check_equal_weights_are_no_weights(estimator):
    """Equal weights have no effect, whatever their value."""
    X, y = _make_records()
    weighted = _clone_with(estimator).fit(X, y, sample_weight=np.full(len(X), 3.0))
    _assert_outputs(_clone_with(estimator).fit(X, y), weighted, X, exact=True)


def check_metadata_routing(estimator):
    """A Pipeline routes sample_weight and groups to `fit`, where they have an effect."""
    X, y = _make_records()
    metadata = {
        "sample_weight": np.where(np.arange(len(X)) < 6, 0.0, 1.0),
        "groups": np.arange(len(X)) // 4,
    }
    # Groups affect the validation split only.
    params = {"early_stopping": True, "validation_fraction": 0.34}
    params = {k: v for k, v in params.items() if k in estimator.get_params()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        direct = _clone_with(estimator, **params).fit(X, y, **metadata)
        with config_context(enable_metadata_routing=True):
            requesting = _clone_with(estimator, **params)
            requesting.set_fit_request(sample_weight=True, groups=True)
            routed = Pipeline([("clf", requesting)]).fit(X, y, **metadata)
        _assert_outputs(direct, routed, X, exact=True)
        for dropped in metadata if params else ["sample_weight"]:
            rest = {name: value for name, value in metadata.items() if name != dropped}
            other = _clone_with(estimator, **params).fit(X, y, **rest)
            method = "predict_proba" if hasattr(direct, "predict_proba") else "predict"
            same = np.array_equal(getattr(direct, method)(X), getattr(other, method)(X))
            assert not same, f"{dropped} has no effect"


_WEIGHT_CHECKS = [
    check_zero_weight_is_removal,
    check_equal_weights_are_no_weights,
    check_metadata_routing,
]
CLASSIFIER_CHECKS = [
    check_label_types,
    check_multilabel,
    check_bad_labels,
    check_two_records,
    *_WEIGHT_CHECKS,
]
REGRESSOR_CHECKS = [check_regression_targets, *_WEIGHT_CHECKS]

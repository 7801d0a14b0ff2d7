"""Tests of the lines that warnings name."""

import warnings

import pytest
from sklearn.pipeline import make_pipeline

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.metrics import bootstrap_interval


def fit_with_a_class_too_small_to_validate(wrap):
    X, y = make_ecg(20, duration=1, prevalence=0.5, return_X_y=True, random_state=0)
    net = MSAICNetClassifier(
        filters=(4,), dilations=(1,), max_epochs=1, early_stopping=True, validation_fraction=0.01
    )
    wrap(net).fit(X, y)


def bootstrap_one_patient():
    y = [0, 1, 0, 1]
    bootstrap_interval("roc_auc", y, [0.1, 0.4, 0.2, 0.9], groups=[0, 1, 0, 2], random_state=0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: fit_with_a_class_too_small_to_validate(lambda net: net),
        lambda: fit_with_a_class_too_small_to_validate(make_pipeline),
        bootstrap_one_patient,
    ],
)
def test_warnings_name_the_line_of_the_caller(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert caught
    assert {warning.filename for warning in caught} == {__file__}

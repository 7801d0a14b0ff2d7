"""Tests that the warnings of the metrics name the line of the caller."""

import warnings

import numpy as np
import pytest

from sklearn_ecg.metrics import (
    bootstrap_difference,
    bootstrap_interval,
    delong_test,
    label_table,
)

Y = np.arange(8) % 2
SCORE = np.arange(8) / 8
PATIENTS = np.where(Y, 1, np.arange(8))
RARE_LABELS = np.eye(20)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: bootstrap_interval("roc_auc", Y, SCORE, groups=PATIENTS), "A class has a single"),
        (
            lambda: bootstrap_difference("roc_auc", Y, SCORE, SCORE, groups=PATIENTS),
            "A class has a single",
        ),
        (lambda: delong_test(Y, Y, -Y), "DeLong's standard error is 0"),
        (lambda: label_table(0 * Y, SCORE), "Its AUROC and average precision are undefined"),
        (lambda: label_table(Y, SCORE, threshold=2), "no records predicted positive"),
        (
            lambda: label_table(RARE_LABELS, RARE_LABELS, n_resamples=2),
            "interval of the macro average is undefined",
        ),
    ],
    ids=["interval", "difference", "delong", "one_value", "none_predicted", "macro"],
)
def test_warnings_name_the_line_of_the_caller(call, message):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert any(message in str(warning.message) for warning in caught)
    assert {warning.filename for warning in caught} == {__file__}

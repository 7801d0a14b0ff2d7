"""Tests of data from which no interval can be computed: the ends are NaN, with a warning."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import accuracy_score

from sklearn_ecg.metrics import (
    bootstrap_difference,
    bootstrap_interval,
    label_table,
    score_by_group,
)

RNG = np.random.RandomState(0)
Y = (RNG.rand(60, 2) < 0.4).astype(int)
SCORE = Y + RNG.randn(60, 2)
OTHER = RNG.randn(60)
OPTIONS = {"n_resamples": 50, "random_state": 0}


@pytest.mark.parametrize(
    "call",
    [
        lambda groups: bootstrap_interval(
            "roc_auc", Y[:, 0], SCORE[:, 0], groups=groups, **OPTIONS
        ),
        lambda groups: bootstrap_interval(
            accuracy_score, Y[:, 0], SCORE[:, 0] > 0.5, groups=groups, **OPTIONS
        ),
        lambda groups: bootstrap_difference(
            "average_precision", Y[:, 0], SCORE[:, 0], OTHER, groups=groups, **OPTIONS
        ),
        lambda groups: bootstrap_interval("roc_auc", Y, SCORE, groups=groups, **OPTIONS),
    ],
    ids=["interval", "callable", "difference", "multilabel"],
)
def test_one_patient_has_no_interval(call):
    expected = call(np.arange(60))
    with pytest.warns(UndefinedMetricWarning, match="NaN: there is a single patient") as caught:
        result = call(np.zeros(60))
    assert len(caught) == 1 and caught[0].filename == __file__
    assert result.score == expected.score
    assert np.isnan([result.low, result.high]).all()
    assert np.isfinite(expected).all()
    assert str(result).endswith("[nan-nan]")


def test_one_patient_in_a_table():
    with pytest.warns(UndefinedMetricWarning) as caught:
        table = label_table(Y, SCORE, groups=np.zeros(60), **OPTIONS)
    messages = [str(warning.message) for warning in caught]
    assert [message.split(" is undefined")[0] for message in messages] == [
        "The interval of label 0",
        "The interval of label 1",
        "The interval of the macro average",
    ]
    ends = [f"{metric}_{end}" for metric in ("auroc", "auprc") for end in ("low", "high")]
    assert table[ends].isna().all(axis=None)
    assert table.drop(columns=[*ends, "n_positive"]).notna().all(axis=None)


@pytest.mark.parametrize(
    "y, score, groups",
    [
        (Y[:, 0], SCORE[:, 0], Y[:, 0]),
        ([0, 1], [0.1, 0.2], None),
        # Only a resample with both patients contains both values of each label.
        (Y, SCORE, np.where(np.arange(60) < 30, "a", "b")),
    ],
    ids=["patient of each class", "record of each class", "resamples that are drawn again"],
)
def test_equal_resamples_have_no_interval(y, score, groups):
    if np.ndim(y) == 2:
        y = np.repeat(np.eye(2, dtype=int), 30, axis=0)
    with pytest.warns(UndefinedMetricWarning, match="all resamples are equal"):
        result = bootstrap_interval("roc_auc", y, score, groups=groups, **OPTIONS)
    assert np.isfinite(result.score) and np.isnan([result.low, result.high]).all()


@pytest.mark.parametrize("n_patients, expected", [(3, True), (9, True), (10, False)])
def test_few_patients(n_patients, expected):
    groups = np.arange(60) % n_patients
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = bootstrap_interval("roc_auc", Y[:, 0], SCORE[:, 0], groups=groups, **OPTIONS)
    messages = [str(warning.message) for warning in caught]
    said = f"The interval is from {n_patients} patients: with fewer than 10, it is too narrow"
    assert any(message.startswith(said) for message in messages) == expected
    assert np.isfinite(result).all()


def test_few_patients_in_tables():
    groups = np.arange(60) % 5
    with pytest.warns(UserWarning, match="The interval is from 5 patients"):
        table = label_table(Y, SCORE, groups=groups, **OPTIONS)
    assert table[["auroc_low", "auroc_high"]].notna().all(axis=None)
    with pytest.warns(UserWarning, match="The interval is from 5 patients"):
        table = score_by_group(
            "roc_auc", Y[:, 0], SCORE[:, 0], groups < 2, groups=groups, **OPTIONS
        )
    assert table[["low", "high"]].notna().all(axis=None)


def test_few_patients_and_resamples_without_a_score():
    """An interval that is undefined is not called too narrow, and its reason remains."""

    def nan_without_patient_0(y, score):
        return score.mean() if (y == 0).any() else np.nan

    patients = np.arange(60) % 5
    age = np.where(patients == 0, 0, patients + 0.5)
    with pytest.warns(UndefinedMetricWarning, match="The metric is NaN for") as caught:
        result = bootstrap_interval(nan_without_patient_0, age, OTHER, groups=patients, **OPTIONS)
    assert len(caught) == 1 and np.isnan([result.low, result.high]).all()


def test_one_record_has_no_interval():
    with pytest.warns(UndefinedMetricWarning, match="NaN: there is a single record"):
        result = bootstrap_interval(accuracy_score, [1], [1], **OPTIONS)
    assert result.score == 1 and np.isnan([result.low, result.high]).all()


def test_one_resample_is_no_interval():
    with pytest.warns(UndefinedMetricWarning, match="n_resamples=1 is a single resample"):
        result = bootstrap_interval("roc_auc", Y[:, 0], SCORE[:, 0], n_resamples=1)
    assert np.isnan([result.low, result.high]).all()


def test_one_class_has_an_interval():
    result = bootstrap_interval(accuracy_score, np.ones(60), Y[:, 0], **OPTIONS)
    assert result.low < result.score < result.high


def test_metric_that_is_nan_for_a_resample():
    def metric(y, score):
        return score.mean() if score.max() == SCORE[:, 0].max() else np.nan

    with pytest.warns(UndefinedMetricWarning, match=r"metric is NaN for \d+ of 50 resamples"):
        result = bootstrap_interval(metric, Y[:, 0], SCORE[:, 0], **OPTIONS)
    assert np.isfinite(result.score) and np.isnan([result.low, result.high]).all()

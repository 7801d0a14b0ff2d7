"""Tests of the label table: values, macro row, undefined cells."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import (
    average_precision_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from sklearn_ecg.metrics import bootstrap_interval, label_table, net_benefit

NAMES = ["MI", "HYP", "CD"]


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    y = (rng.rand(150, 3) < [0.5, 0.3, 0.2]).astype(int)
    return y, 1 / (1 + np.exp(1 - 2 * y - rng.randn(150, 3)))


def test_values(data):
    y, score = data
    table = label_table(y, score, label_names=NAMES, n_resamples=50, random_state=0)
    assert table.index.tolist() == [*NAMES, "macro"] and table.index.name == "label"
    assert (table["n_records"] == 150).all()
    assert table["n_positive"].tolist()[:3] == y.sum(axis=0).tolist()
    assert table["n_positive"].isna().tolist() == [False] * 3 + [True]
    labels = table.loc[NAMES]
    predicted = score > 0.5
    for column, expected in {
        "prevalence": y.mean(axis=0),
        "auroc": roc_auc_score(y, score, average=None),
        "auprc": average_precision_score(y, score, average=None),
        "sensitivity": recall_score(y, predicted, average=None),
        "specificity": recall_score(1 - y, ~predicted, average=None),
        "ppv": precision_score(y, predicted, average=None),
        "npv": precision_score(1 - y, ~predicted, average=None),
    }.items():
        np.testing.assert_allclose(labels[column], expected, atol=1e-12, err_msg=column)
        assert table[column]["macro"] == pytest.approx(expected.mean(), abs=1e-12), column
        assert table[column].dtype == float
    for metric in ("auroc", "auprc"):
        assert (table[f"{metric}_low"] < table[metric]).all()
        assert (table[metric] < table[f"{metric}_high"]).all()


def test_intervals_equal_those_of_bootstrap_interval(data):
    y, score = data
    options = {"n_resamples": 40, "confidence_level": 0.8, "groups": np.arange(150) // 2}
    row = label_table(y[:, 1], score[:, 1], random_state=4, **options).iloc[0]
    for key, metric in (("auroc", "roc_auc"), ("auprc", "average_precision")):
        expected = bootstrap_interval(metric, y[:, 1], score[:, 1], random_state=4, **options)
        assert tuple(row[[key, f"{key}_low", f"{key}_high"]]) == pytest.approx(expected, abs=1e-12)
    macro = label_table(y, score, random_state=4, n_resamples=500).loc["macro"]
    expected = bootstrap_interval("roc_auc", y, score, random_state=0, n_resamples=500)
    assert tuple(macro[["auroc", "auroc_low", "auroc_high"]]) == pytest.approx(expected, abs=0.01)


def test_names_and_thresholds(data):
    y, score = data
    options = {"n_resamples": 5, "random_state": 0}
    frame = label_table(pd.DataFrame(y, columns=NAMES), score, threshold=None, **options)
    assert frame.index.tolist() == [*NAMES, "macro"]
    assert "sensitivity" not in frame
    assert label_table(y, score, **options).index.tolist() == [0, 1, 2, "macro"]
    strings = np.array(["normal", "sick"])[y[:, 0]]
    binary = label_table(strings, score[:, 0], threshold=0.3, **options)
    assert binary.index.tolist() == ["sick"]
    assert binary["sensitivity"].iloc[0] == recall_score(y[:, 0], score[:, 0] > 0.3)
    each = label_table(y, score, threshold=[0.2, 0.5, 0.7], **options)
    assert each["specificity"].iloc[2] == recall_score(1 - y[:, 2], score[:, 2] <= 0.7)


def test_scores_at_the_threshold_are_positive():
    """As in net_benefit, and as the thresholds of sensitivities are chosen."""
    y, score = np.array([0, 1, 0, 1, 1, 0]), np.array([0.1, 0.3, 0.3, 0.6, 0.3, 0.2])
    options = {"n_resamples": 5, "random_state": 0, "threshold": 0.3}
    row = label_table(y, score, **options).iloc[0]
    assert (row["sensitivity"], row["specificity"]) == (1, pytest.approx(2 / 3))
    assert net_benefit(y, score, threshold=0.3) == pytest.approx((3 - 1 * 3 / 7) / 6)


def test_label_with_one_value(data):
    y, score = data
    y[:, 1] = 0
    with pytest.warns(UndefinedMetricWarning) as caught:
        table = label_table(y, score, label_names=NAMES, n_resamples=20, random_state=0)
    messages = [str(warning.message) for warning in caught]
    assert messages[0].startswith("y_true: label 'HYP' has 0 positive records of 150. Its AUROC")
    assert messages[1].startswith("Label 'HYP' has no positive records. Its sensitivity")
    assert caught[0].filename == __file__
    for column in ("auroc", "auroc_low", "auprc", "auprc_high", "sensitivity"):
        assert np.isnan(table.loc["HYP", column])
    assert table.loc["HYP", "specificity"] == (score[:, 1] <= 0.5).mean()
    # The macro average is over the remaining labels.
    expected = roc_auc_score(y[:, [0, 2]], score[:, [0, 2]])
    assert table["auroc"]["macro"] == pytest.approx(expected, abs=1e-12)
    assert np.isfinite(table["auroc_low"]["macro"])
    with pytest.warns(UndefinedMetricWarning, match="label 1 has 0 positive"):
        table = label_table(np.zeros(9, int), np.arange(9) / 9, threshold=None)
    assert np.isnan(table["auroc"].iloc[0])


def test_rare_label():
    y, score = np.zeros((40, 2), int), np.arange(80).reshape(40, 2) / 80
    y[::2, 0], y[3, 1] = 1, 1
    with pytest.warns(UserWarning, match="Label 1 has a single patient") as caught:
        table = label_table(y, score, n_resamples=20, random_state=0)
    assert np.isfinite(table.loc[1, "auroc"])
    assert {warning.filename for warning in caught} == {__file__}


def test_no_record_predicted_positive(data):
    y, score = data
    with pytest.warns(UndefinedMetricWarning, match="no records predicted positive. Its ppv is un"):
        table = label_table(y[:, 0], score[:, 0], threshold=2, n_resamples=5, random_state=0)
    assert np.isnan(table["ppv"].iloc[0]) and table["specificity"].iloc[0] == 1


@pytest.mark.parametrize(
    "options, message",
    [
        ({"label_names": ["a"]}, r"label_names has 1 names, but y_true has 3 label\(s\)"),
        ({"threshold": [0.1, 0.2]}, r"threshold must be a number or have shape \(3,\)"),
        ({"groups": [1, 2]}, "inconsistent numbers of samples"),
        ({"y_score": np.ones((150, 2))}, r"y_score must have shape \(150, 3\)"),
        ({"y_score": np.full((150, 3), np.nan)}, "y_score contains NaN"),
        ({"y_true": np.full((150, 3), 2)}, "must be a multilabel indicator of 0 and 1"),
        ({"y_true": np.full(150, "a"), "y_score": np.ones(150)}, "must have two labels, got 1: a"),
    ],
    ids=str,
)
def test_invalid_input_raises(options, message, data):
    y, score = data
    with pytest.raises(ValueError, match=message):
        label_table(**{"y_true": y, "y_score": score, **options})

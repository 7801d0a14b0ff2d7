"""Tests of AUROC and average precision per label, and of what all metrics of labels share."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.preprocessing import label_binarize

from sklearn_ecg.metrics import (
    auprc_score,
    auroc_score,
    brier_score,
    calibration_intercept,
    calibration_slope,
    expected_calibration_error,
    net_benefit,
    sensitivity_at_specificity,
    specificity_at_sensitivity,
)

PAIRS = [(auroc_score, roc_auc_score), (auprc_score, average_precision_score)]
ALL = [
    auroc_score,
    auprc_score,
    sensitivity_at_specificity,
    specificity_at_sensitivity,
    calibration_slope,
    calibration_intercept,
    brier_score,
    expected_calibration_error,
    net_benefit,
]
WITH_UNDEFINED = ALL[:6]
AVERAGES = ["macro", "micro", "weighted", None]


@pytest.fixture
def data():
    """Labels, probabilities with ties, and weights."""
    rng = np.random.RandomState(0)
    y = (rng.rand(120, 3) < [0.5, 0.3, 0.15]).astype(int)
    score = (1 / (1 + np.exp(1 - 2 * y - rng.randn(120, 3)))).round(2)
    return y, score, rng.randint(0, 4, 120)


@pytest.mark.parametrize("ours, theirs", PAIRS)
@pytest.mark.parametrize("weighted", [False, True])
def test_values_of_sklearn(ours, theirs, weighted, data):
    y, score, weight = data
    options = {"sample_weight": weight if weighted else None}
    for average in AVERAGES:
        expected = theirs(y, score, average=average, **options)
        np.testing.assert_allclose(ours(y, score, average=average, **options), expected)
        # A binary target has a single value, whatever the average.
        found = ours(y[:, 1], score[:, 1], average=average, **options)
        assert isinstance(found, float)
        assert found == pytest.approx(theirs(y[:, 1], score[:, 1], **options))
    names = np.array(["healthy", "sick"])[y[:, 1]]
    assert ours(names, score[:, 1], **options) == pytest.approx(found)
    assert ours(1 - y[:, 1], -score[:, 1], labels=[0, 1], **options) == pytest.approx(
        theirs(1 - y[:, 1], -score[:, 1], **options)
    )


@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_multiclass_is_one_against_the_rest(ours, theirs, data):
    y, score, weight = data
    classes = np.array(["AF", "NSR", "other"])
    target, score = classes[np.minimum(y.sum(axis=1), 2)], score / score.sum(axis=1, keepdims=True)
    indicator = label_binarize(target, classes=classes)
    for average in AVERAGES:
        expected = theirs(indicator, score, average=average, sample_weight=weight)
        found = ours(target, score, average=average, sample_weight=weight)
        np.testing.assert_allclose(found, expected)
    if theirs is roc_auc_score:
        assert ours(target, score) == pytest.approx(
            theirs(target, score, multi_class="ovr", average="macro")
        )
    # A part of the records may not have all classes.
    few = target != "other"
    expected = theirs(indicator[few][:, :2], score[few][:, :2], average="macro")
    options = {"undefined": "skip"}
    assert ours(target[few], score[few], labels=classes, **options) == pytest.approx(expected)
    frame = pd.DataFrame(score[few], columns=classes)
    assert ours(target[few], frame, **options) == pytest.approx(expected)
    with pytest.raises(ValueError, match="has 3 columns, but y_true has 2 classes, 'AF', 'NSR'"):
        ours(target[few], score[few])


@pytest.mark.parametrize("metric", ALL, ids=lambda f: f.__name__)
def test_averages_are_those_of_the_labels(metric, data):
    y, score, weight = data
    each = metric(y, score, average=None, sample_weight=weight)
    single = [metric(y[:, i], score[:, i], sample_weight=weight) for i in range(3)]
    np.testing.assert_allclose(each, single)
    assert metric(y, score, sample_weight=weight) == pytest.approx(np.mean(single))
    weighted = metric(y, score, average="weighted", sample_weight=weight)
    assert weighted == pytest.approx(np.average(single, weights=weight @ y))
    pooled = metric(y.ravel(), score.ravel(), sample_weight=np.repeat(weight, 3))
    assert metric(y, score, average="micro", sample_weight=weight) == pytest.approx(pooled)


@pytest.mark.parametrize("metric", ALL, ids=lambda f: f.__name__)
def test_weights_are_repetitions(metric, data):
    y, score, weight = data
    repeated = np.repeat(np.arange(120), weight)
    expected = metric(y[repeated], score[repeated], average=None)
    found = metric(y, score, average=None, sample_weight=weight)
    np.testing.assert_allclose(found, expected, rtol=1e-7)
    # A record of weight 0 is ignored.
    y, score = np.r_[y, 1 - y[:5]], np.r_[score, score[:5]]
    padded = metric(y, score, average=None, sample_weight=np.r_[weight, np.zeros(5)])
    np.testing.assert_allclose(padded, found)


@pytest.mark.parametrize("metric", ALL, ids=lambda f: f.__name__)
def test_containers(metric, data):
    y, score, weight = data
    expected = metric(y, score, average=None, sample_weight=weight)
    index = np.random.RandomState(0).permutation(120)
    frames = [pd.DataFrame(part, columns=["MI", "CD", "HYP"], index=index) for part in (y, score)]
    frozen = [part.copy() for part in (y, score)]
    for part in frozen:
        part.flags.writeable = False
    for labels, scores in (
        frames,
        (frames[0], frames[1][["HYP", "MI", "CD"]]),  # matched by name
        (frames[0], score),
        (y.astype(bool), score.tolist()),
        frozen,
    ):
        found = metric(labels, scores, average=None, sample_weight=pd.Series(weight, index=index))
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    binary = metric(y[:, 0] == 1, score[:, 0])
    assert binary == metric(pd.Series(y[:, 0], index=index), pd.Series(score[:, 0], index=index))
    assert binary == metric(np.where(y[:, 0], "sick", "ok"), score[:, 0])
    score = score * 0.99 + 0.003  # not at the edges of bins, where rounding matters
    np.testing.assert_allclose(metric(y, score.astype(np.float32)), metric(y, score), rtol=1e-5)


@pytest.mark.parametrize("metric", WITH_UNDEFINED, ids=lambda f: f.__name__)
@pytest.mark.parametrize("value", [0, 1])
def test_label_with_one_value(metric, value, data):
    y, score, _ = data
    y[:, 2] = value
    frame = pd.DataFrame(y, columns=["MI", "CD", "HYP"])
    expected = metric(y[:, :2], score[:, :2])
    message = rf"is undefined for label 'HYP' \({120 * value} of 120 records are positive\)\. "
    with pytest.warns(UndefinedMetricWarning, match=message + "The average leaves them") as caught:
        assert metric(frame, score) == pytest.approx(expected)
    assert [warning.filename for warning in caught] == [__file__]
    with pytest.warns(UndefinedMetricWarning, match=message + "It is set to NaN"):
        each = metric(frame, score, average=None)
    np.testing.assert_allclose(each[:2], metric(y[:, :2], score[:, :2], average=None))
    assert np.isnan(each[2])
    with pytest.warns(UndefinedMetricWarning, match="for label 1 .* It is set to NaN"):
        assert np.isnan(metric(y[:, 2], score[:, 2]))
    with pytest.raises(ValueError, match=message + "Leave these labels out"):
        metric(frame, score, undefined="raise")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert metric(y, score, undefined="skip") == pytest.approx(expected)
        assert np.isfinite(metric(y, score, average="micro"))
        assert np.isnan(metric(y[:, 2:].repeat(2, axis=1), score[:, :2], undefined="skip"))


@pytest.mark.parametrize("metric", [brier_score, expected_calibration_error, net_benefit])
def test_metrics_that_are_always_defined(metric, data):
    y, score, _ = data
    zeros = np.zeros(120, dtype=int)
    assert np.isfinite(metric(zeros, score[:, 0]))
    assert metric(zeros, score[:, 0]) == metric(zeros == 1, score[:, 0])
    with pytest.raises(ValueError, match=r"single class, 'sick'. Pass labels=\[negative, pos"):
        metric(np.full(120, "sick"), score[:, 0])
    ones = metric(np.full(120, "sick"), score[:, 0], labels=["healthy", "sick"])
    assert ones == metric(zeros + 1, score[:, 0])
    none = metric(np.full(120, "healthy"), score[:, 0], labels=["healthy", "sick"])
    assert none == metric(zeros, score[:, 0])


@pytest.mark.parametrize("metric", ALL, ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "change, message",
    [
        (lambda y, p: (y[:-1], p, {}), "inconsistent numbers of samples"),
        (lambda y, p: (y, p[:, :2], {}), r"must have shape \(120, 3\), one score per label"),
        (lambda y, p: (y[:, 0], np.stack([1 - p[:, 0], p[:, 0]], axis=1), {}), r"\[:, 1\]"),
        (lambda y, p: (y + 1, p, {}), "must be a multilabel indicator of 0 and 1"),
        (lambda y, p: (y.astype(float) * np.nan, p, {}), "y_true has missing values"),
        (lambda y, p: (y, p * np.nan, {}), "contains NaN"),
        (lambda y, p: (y, p.astype(str), {}), "must hold numbers"),
        (lambda y, p: (y[:, 0], p[:, 0], {"labels": [1, 0]}), "different classes in sorted order"),
        (lambda y, p: (y[:, 0], p[:, 0], {"labels": [1, 2]}), "not among the labels, such as 0"),
        (lambda y, p: (y.sum(axis=1), p[:, 0], {}), "y_true has 4 classes, 0, 1, 2, 3, but"),
        (lambda y, p: (y, p, {"labels": [0, 1]}), "labels are the classes of a binary or multicl"),
        (lambda y, p: (y, p, {"sample_weight": -np.ones(120)}), "sample_weight must not be nega"),
        (lambda y, p: (y, p, {"sample_weight": np.zeros(120)}), "not 0 for all records"),
        (lambda y, p: (y, p, {"sample_weight": p}), "sample_weight must hold one number per"),
        (lambda y, p: (y, p, {"average": "mean"}), "The 'average' parameter of"),
        (
            lambda y, p: (
                pd.DataFrame(y, columns=list("abc")),
                pd.DataFrame(p, columns=list("abx")),
            ),
            "are not those of y_true: missing c; unexpected x",
        ),
        (
            lambda y, p: (pd.DataFrame(y, index=range(120, 0, -1)), pd.DataFrame(p, range(1, 121))),
            "are in different orders",
        ),
    ],
)
def test_invalid_input_raises(metric, change, message, data):
    y, score, _ = data
    y, score, *options = change(y, score)
    with pytest.raises(ValueError, match=message):
        metric(y, score, **(options[0] if options else {}))


@pytest.mark.parametrize("metric", ALL[4:], ids=lambda f: f.__name__)
@pytest.mark.parametrize("value", [-0.1, 1.5])
def test_scores_that_are_no_probabilities_raise(metric, value, data):
    y, score, _ = data
    score[5, 1] = value
    with pytest.raises(ValueError, match=f"y_prob must hold probabilities .* got {value}"):
        metric(y, score)
    weight = np.ones(120)
    weight[5] = 0
    metric(y, score, sample_weight=weight)

"""Tests of bootstrap intervals: coverage, patients, strata, named metrics, differences."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, average_precision_score, roc_auc_score

from sklearn_ecg.metrics import (
    ScoreInterval,
    bootstrap_difference,
    bootstrap_interval,
    delong_test,
    label_table,
)
from sklearn_ecg.metrics._ranking import RankingMetrics


def test_interval_of_a_proportion_is_binomial():
    """For accuracy, the percentile bootstrap is close to the normal interval of a proportion."""
    y_true = np.repeat([0, 1], [500, 500])
    y_pred = np.concatenate([np.arange(500) % 5 == 0, np.arange(500) % 5 != 0]).astype(int)
    result = bootstrap_interval(accuracy_score, y_true, y_pred, n_resamples=4000, random_state=0)
    margin = 1.96 * np.sqrt(0.8 * 0.2 / 1000)
    assert result.score == 0.8
    assert result.low == pytest.approx(0.8 - margin, abs=0.003)
    assert result.high == pytest.approx(0.8 + margin, abs=0.003)


def test_coverage():
    """A 90 % interval contains the true AUROC in about 90 % of the studies."""
    rng = np.random.RandomState(0)
    population = 0.7602499389065233  # of N(1, 1) against N(0, 1): Phi(1 / sqrt(2))
    y = np.arange(120) % 2
    hits = 0
    for study in range(100):
        result = bootstrap_interval(
            roc_auc_score,
            y,
            y + rng.randn(120),
            n_resamples=100,
            confidence_level=0.9,
            random_state=study,
        )
        hits += result.low <= population <= result.high
    assert 82 <= hits <= 98


def test_whole_groups_are_resampled():
    """Copies of a record in one group do not make the interval narrower."""
    rng = np.random.RandomState(0)
    y = np.arange(60) % 2
    score = y + rng.randn(60)
    once = bootstrap_interval(roc_auc_score, y, score, random_state=0)
    copies = [np.repeat(a, 5) for a in (y, score, np.arange(60))]
    grouped = bootstrap_interval(roc_auc_score, *copies[:2], groups=copies[2], random_state=0)
    assert grouped == pytest.approx(once, abs=1e-12)
    naive = bootstrap_interval(roc_auc_score, *copies[:2], random_state=0)
    assert naive.high - naive.low < 0.6 * (grouped.high - grouped.low)


def test_single_positive_is_in_every_resample_with_a_warning():
    y = np.zeros(50, dtype=int)
    y[3] = 1
    with pytest.warns(UserWarning, match="A class has a single patient"):
        result = bootstrap_interval(roc_auc_score, y, np.arange(50), n_resamples=50, random_state=0)
    assert np.isfinite(result).all()


def test_multilabel_interval_is_as_wide_as_the_interval_of_one_label():
    """Combinations of labels, each of which has few records, are not used as strata."""
    rng = np.random.RandomState(0)
    Y = (rng.rand(150, 8) < 0.4).astype(int)
    score = Y + rng.randn(150, 8)
    options = {"n_resamples": 200, "random_state": 1}
    together = bootstrap_interval(lambda y, s: roc_auc_score(y[:, 0], s[:, 0]), Y, score, **options)
    alone = bootstrap_interval(roc_auc_score, Y[:, 0], score[:, 0], **options)
    assert together.high - together.low == pytest.approx(alone.high - alone.low, rel=0.2)
    assert together == bootstrap_interval(
        lambda y, s: roc_auc_score(y[:, 0], s[:, 0]), Y, score, **options
    )


def test_label_too_rare_for_resamples():
    Y = np.zeros((30, 2), dtype=int)
    Y[::2, 0] = 1
    with pytest.raises(ValueError, match="label 1 is too rare"):
        bootstrap_interval(roc_auc_score, Y, Y + 0.5)


def test_invalid_input_raises():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        bootstrap_interval(roc_auc_score, [0, 1], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="'confidence_level' parameter"):
        bootstrap_interval(roc_auc_score, [0, 1], [0.1, 0.2], confidence_level=95)


# Named metrics, which are computed on all resamples at once


def make_scores(shape, seed=0, decimals=None):
    """Return labels, a third of which are positive, and scores that are correlated with them."""
    rng = np.random.RandomState(seed)
    y = (rng.rand(*np.atleast_1d(shape)) < 1 / 3).astype(int)
    score = y + rng.randn(*y.shape)
    return y, score if decimals is None else score.round(decimals)


METRICS = {"roc_auc": roc_auc_score, "average_precision": average_precision_score}


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("decimals", [None, 0], ids=["no ties", "ties"])
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("shape", [90, (90, 3)], ids=["binary", "multilabel"])
def test_named_metrics_equal_those_of_sklearn(name, decimals, grouped, shape):
    """One call of scikit-learn's function per resample gives the same scores."""
    y, score = make_scores(shape, decimals=decimals)
    options = {
        "groups": np.arange(90) // 2 if grouped else None,
        "n_resamples": 60,
        "random_state": 3,
    }
    metric = METRICS[name]
    resampled = []

    def recorded(y, score):
        resampled.append(metric(y, score))
        return resampled[-1]

    expected = bootstrap_interval(recorded, y, score, **options)
    assert len(resampled) == 61
    fast = bootstrap_interval(name, y, score, **options)
    assert fast == pytest.approx(expected, abs=1e-12)
    # Comparing several quantiles compares the scores of all resamples.
    for level in (0.1, 0.5, 0.8):
        ends = bootstrap_interval(name, y, score, confidence_level=level, **options)
        np.testing.assert_allclose(
            ends[1:], np.quantile(resampled[:60], [(1 - level) / 2, (1 + level) / 2]), atol=1e-12
        )
    # scikit-learn's own function is replaced by the named metric.
    assert bootstrap_interval(metric, y, score, **options) == fast


def test_sklearn_function_is_replaced_by_the_named_metric(monkeypatch):
    y, score = make_scores(50)
    calls = []
    monkeypatch.setattr(
        RankingMetrics, "roc_auc", lambda self, counts: calls.append(1) or counts[0]
    )
    bootstrap_interval(roc_auc_score, y, score, n_resamples=5)
    assert calls


def test_labels_of_any_type():
    y, score = make_scores(80)
    expected = bootstrap_interval("roc_auc", y, score, random_state=0)
    words = np.array(["MI", "NORM"])[y]
    assert bootstrap_interval("roc_auc", words, score, random_state=0) == expected
    assert bootstrap_interval(roc_auc_score, words, score, random_state=0) == expected
    expected = bootstrap_interval("average_precision", y, score, random_state=0)
    assert bootstrap_interval("average_precision", words, score, random_state=0) == expected
    with pytest.raises(ValueError, match="pos_label=1 is not a valid label"):
        bootstrap_interval(average_precision_score, words, score, random_state=0)


def test_resamples_in_smaller_chunks_give_a_similar_interval(monkeypatch):
    """The size of a chunk changes which resamples are drawn, but not their distribution."""
    y, score = make_scores(200)
    whole = bootstrap_interval("roc_auc", y, score, n_resamples=900, random_state=0)
    monkeypatch.setattr("sklearn_ecg.metrics._resampling._MAX_COUNTS", 1000)
    chunked = bootstrap_interval("roc_auc", y, score, n_resamples=900, random_state=0)
    assert chunked != whole
    assert chunked == pytest.approx(whole, abs=0.02)


def test_resamples_are_stratified():
    y, score = make_scores(60)

    def check(y_drawn, score_drawn):
        assert y_drawn.sum() == y.sum() and len(y_drawn) == 60
        assert set(score_drawn) <= set(score)
        return 0.0

    bootstrap_interval(check, y, score, n_resamples=20, random_state=0)


@pytest.mark.parametrize("dtype", [float, int])
@pytest.mark.parametrize("grouped", [False, True])
def test_continuous_targets_have_no_strata(dtype, grouped):
    """With strata, each resample would have the same ages, and their mean no interval."""
    age = np.random.RandomState(0).uniform(20, 80, size=100).astype(dtype)
    patients = None
    n_drawn = len(age)
    if grouped:
        age, patients = np.repeat(age, 3), np.repeat(np.arange(100), 3)
    interval = bootstrap_interval(
        lambda y, _: y.mean(), age, age, groups=patients, n_resamples=2000, random_state=0
    )
    half = 1.96 * age.std() / n_drawn**0.5
    assert interval.low == pytest.approx(age.mean() - half, abs=0.1 * half)
    assert interval.high == pytest.approx(age.mean() + half, abs=0.1 * half)


@pytest.mark.parametrize("classes", [(0.0, 1.0, 2.0), (0.5, 1.5), tuple("abc"), range(30)])
def test_classes_have_strata(classes):
    y = np.repeat(classes, 4)
    constant = bootstrap_interval(
        lambda y, _: np.mean(y == classes[0]), y, np.zeros(len(y)), random_state=0
    )
    assert constant == pytest.approx((1 / len(classes),) * 3)


def test_patients_with_both_labels():
    """A resample without one of the labels is drawn again."""
    patients = np.repeat(np.arange(10), 3)
    y = np.array(27 * [1] + [0, 0, 1])
    score = np.arange(30.0)
    result = bootstrap_interval("roc_auc", y, score, groups=patients, random_state=0)
    assert np.isfinite(result).all()


# Differences between two scores


@pytest.mark.parametrize("grouped", [False, True])
def test_difference_equals_the_interval_of_a_metric_that_subtracts(grouped):
    y, a = make_scores(90)
    b = a + np.random.RandomState(5).randn(90)
    options = {
        "groups": np.arange(90) // 3 if grouped else None,
        "n_resamples": 50,
        "random_state": 1,
    }

    def difference(y, both):
        return roc_auc_score(y, both[:, 0]) - roc_auc_score(y, both[:, 1])

    expected = bootstrap_interval(difference, y, np.column_stack([a, b]), **options)
    for metric in ("roc_auc", roc_auc_score, lambda y, score: roc_auc_score(y, score)):
        found = bootstrap_difference(metric, y, a, b, **options)
        assert found == pytest.approx(expected, abs=1e-12)


def test_interval_of_a_difference_is_narrower_than_that_of_a_score():
    """Variation that both scores share cancels."""
    y, a = make_scores(300)
    b = a + 0.1 * np.random.RandomState(5).randn(300)
    difference = bootstrap_difference("roc_auc", y, a, b, random_state=0)
    single = bootstrap_interval("roc_auc", y, a, random_state=0)
    assert difference.high - difference.low < 0.3 * (single.high - single.low)
    assert bootstrap_difference("roc_auc", y, a, a, random_state=0) == (0, 0, 0)


def test_difference_agrees_with_delong():
    """The two agree within the resampling error."""
    y, a = make_scores(600)
    b = a + np.random.RandomState(5).randn(600)
    difference = bootstrap_difference("roc_auc", y, a, b, n_resamples=4000, random_state=0)
    exact = delong_test(y, a, b)
    assert difference.score == pytest.approx(exact.difference, abs=1e-12)
    assert difference[1:] == pytest.approx((exact.low, exact.high), abs=0.004)


@pytest.mark.parametrize(
    "metric, y, score, message",
    [
        ("roc_auc", [0, 1, 2], [1, 2, 3], "y_true must have two labels, got 3: 0, 1, 2. For more"),
        ("roc_auc", [[0, 2], [1, 0]], [[1, 2], [1, 2]], "must be a multilabel indicator of 0 and"),
        ("roc_auc", [[0], [1]], [[1], [2]], r"shape \(n_records,\) or .*, got shape \(2, 1\)"),
        ("roc_auc", [0, 1], [[1, 2], [3, 4]], r"Pass the column .* y_score\[:, 1\]"),
        ("roc_auc", [0, 0, 1, 1], [1, 2, 3, np.nan], "y_score contains NaN"),
        ("auroc", [0, 1], [1, 2], "The 'metric' parameter .* a str among"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:A class has a single patient")
def test_named_metrics_refuse_invalid_input(metric, y, score, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(metric, y, score)


@pytest.mark.filterwarnings("ignore:A class has a single patient")
def test_error_for_a_difference_names_the_argument():
    with pytest.raises(ValueError, match=r"y_score_b\[:, 1\]"):
        bootstrap_difference("roc_auc", [0, 1], [1, 2], [[1, 2], [3, 4]])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        bootstrap_difference("roc_auc", [0, 1], [1, 2], [1, 2, 3])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint32, bool, np.int64, np.float32])
@pytest.mark.parametrize("metric", ["roc_auc", roc_auc_score])
def test_scores_of_any_dtype(dtype, metric):
    """Unsigned integers and booleans are converted before they are negated for sorting."""
    y = np.arange(60) % 2
    score = (y ^ (np.arange(60) % 5 == 0)).astype(dtype)
    expected = roc_auc_score(y, score.astype(float))
    found = bootstrap_interval(metric, y, score, n_resamples=20, random_state=0)
    assert found.score == pytest.approx(expected, abs=1e-12) and found.score > 0.7
    assert found.low <= found.score <= found.high
    table = label_table(y, score, n_resamples=20, random_state=0)
    assert table["auroc"].iloc[0] == pytest.approx(expected, abs=1e-12)
    assert delong_test(y, score, score).auroc_a == pytest.approx(expected, abs=1e-12)


def test_scores_must_be_numbers():
    y = np.arange(6) % 2
    with pytest.raises(ValueError, match="y_score must hold numbers, got dtype <U1"):
        bootstrap_interval("roc_auc", y, list("abcdef"))


@pytest.mark.parametrize("missing", [np.nan, None], ids=str)
def test_missing_patients_raise(missing):
    y, groups = np.arange(6) % 2, np.array([1, 1, 2, 2, missing, missing], dtype=object)
    with pytest.raises(ValueError, match="groups has missing values for 2 of 6 records"):
        bootstrap_interval("roc_auc", y, np.arange(6), groups=groups)


def test_str_of_an_interval_below_zero():
    assert str(ScoreInterval(-0.5, -0.7, -0.3)) == "-0.500 [-0.700, -0.300]"
    assert str(ScoreInterval(0.5, 0.3, 0.7)) == "0.500 [0.300-0.700]"

"""The bootstrap: coverage, patients, strata, metrics by name, differences."""

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
from sklearn_ecg.metrics._ranking import Ranking


def test_interval_of_a_proportion_is_binomial():
    """On accuracy the percentile bootstrap is close to the normal interval of a proportion."""
    y_true = np.repeat([0, 1], [500, 500])
    y_pred = np.concatenate([np.arange(500) % 5 == 0, np.arange(500) % 5 != 0]).astype(int)
    result = bootstrap_interval(accuracy_score, y_true, y_pred, n_resamples=4000, random_state=0)
    half = 1.96 * np.sqrt(0.8 * 0.2 / 1000)
    assert result.score == 0.8
    assert result.low == pytest.approx(0.8 - half, abs=0.003)
    assert result.high == pytest.approx(0.8 + half, abs=0.003)


def test_coverage():
    """A 90 % interval holds the true AUROC in about 90 % of the studies."""
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


def test_groups_are_drawn_whole():
    """Copies of a record, in one group, add no information."""
    rng = np.random.RandomState(0)
    y = np.arange(60) % 2
    score = y + rng.randn(60)
    once = bootstrap_interval(roc_auc_score, y, score, random_state=0)
    copies = [np.repeat(a, 5) for a in (y, score, np.arange(60))]
    grouped = bootstrap_interval(roc_auc_score, *copies[:2], groups=copies[2], random_state=0)
    assert grouped == pytest.approx(once, abs=1e-12)
    naive = bootstrap_interval(roc_auc_score, *copies[:2], random_state=0)
    assert naive.high - naive.low < 0.6 * (grouped.high - grouped.low)


def test_single_positive_is_kept_and_told():
    y = np.zeros(50, dtype=int)
    y[3] = 1
    with pytest.warns(UserWarning, match="A class has a single patient"):
        result = bootstrap_interval(roc_auc_score, y, np.arange(50), n_resamples=50, random_state=0)
    assert np.isfinite(result).all()


def test_multilabel_interval_is_as_wide_as_that_of_its_label():
    """Many label combinations, each with few records, are no strata."""
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
    with pytest.raises(ValueError, match="label 1 is so rare"):
        bootstrap_interval(roc_auc_score, Y, Y + 0.5)


def test_bad_input():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        bootstrap_interval(roc_auc_score, [0, 1], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="'confidence_level' parameter"):
        bootstrap_interval(roc_auc_score, [0, 1], [0.1, 0.2], confidence_level=95)


# Names of metrics: all resamples at once


def make_scores(shape, seed=0, decimals=None):
    """Labels, a third of them positive, and scores that know a little of them."""
    rng = np.random.RandomState(seed)
    y = (rng.rand(*np.atleast_1d(shape)) < 1 / 3).astype(int)
    score = y + rng.randn(*y.shape)
    return y, score if decimals is None else score.round(decimals)


METRICS = {"roc_auc": roc_auc_score, "average_precision": average_precision_score}


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("decimals", [None, 0], ids=["no ties", "ties"])
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("shape", [90, (90, 3)], ids=["binary", "multilabel"])
def test_names_give_what_sklearn_gives(name, decimals, grouped, shape):
    """The same resamples, one call of scikit-learn's function for each."""
    y, score = make_scores(shape, decimals=decimals)
    options = {
        "groups": np.arange(90) // 2 if grouped else None,
        "n_resamples": 60,
        "random_state": 3,
    }
    metric = METRICS[name]
    resampled = []

    def called(y, score):
        resampled.append(metric(y, score))
        return resampled[-1]

    expected = bootstrap_interval(called, y, score, **options)
    assert len(resampled) == 61
    fast = bootstrap_interval(name, y, score, **options)
    assert fast == pytest.approx(expected, abs=1e-12)
    # Every quantile agrees, so every resample does.
    for level in (0.1, 0.5, 0.8):
        ends = bootstrap_interval(name, y, score, confidence_level=level, **options)
        np.testing.assert_allclose(
            ends[1:], np.quantile(resampled[:60], [(1 - level) / 2, (1 + level) / 2]), atol=1e-12
        )
    # scikit-learn's own function takes the same way.
    assert bootstrap_interval(metric, y, score, **options) == fast


def test_sklearns_function_is_not_called(monkeypatch):
    y, score = make_scores(50)
    counted = []
    monkeypatch.setattr(Ranking, "roc_auc", lambda self, counts: counted.append(1) or counts[0])
    bootstrap_interval(roc_auc_score, y, score, n_resamples=5)
    assert counted


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


def test_many_resamples_are_made_in_parts(monkeypatch):
    """Parts differ in what they draw, not in what they are."""
    y, score = make_scores(200)
    whole = bootstrap_interval("roc_auc", y, score, n_resamples=900, random_state=0)
    monkeypatch.setattr("sklearn_ecg.metrics._resampling._COUNTS_AT_ONCE", 1000)
    parts = bootstrap_interval("roc_auc", y, score, n_resamples=900, random_state=0)
    assert parts != whole
    assert parts == pytest.approx(whole, abs=0.02)


def test_resamples_are_stratified():
    y, score = make_scores(60)

    def check(y_drawn, score_drawn):
        assert y_drawn.sum() == y.sum() and len(y_drawn) == 60
        assert set(score_drawn) <= set(score)
        return 0.0

    bootstrap_interval(check, y, score, n_resamples=20, random_state=0)


def test_patients_with_both_labels():
    """A resample without one of the labels is drawn again."""
    patients = np.repeat(np.arange(4), 3)
    y = np.array([1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1])
    score = np.arange(12.0)
    result = bootstrap_interval("roc_auc", y, score, groups=patients, random_state=0)
    assert np.isfinite(result).all()


# The difference of two


@pytest.mark.parametrize("grouped", [False, True])
def test_difference_by_hand(grouped):
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


def test_difference_is_narrower_than_its_parts():
    """What the two scores share cancels."""
    y, a = make_scores(300)
    b = a + 0.1 * np.random.RandomState(5).randn(300)
    difference = bootstrap_difference("roc_auc", y, a, b, random_state=0)
    single = bootstrap_interval("roc_auc", y, a, random_state=0)
    assert difference.high - difference.low < 0.3 * (single.high - single.low)
    assert bootstrap_difference("roc_auc", y, a, a, random_state=0) == (0, 0, 0)


def test_difference_agrees_with_delong():
    """Within resampling error."""
    y, a = make_scores(600)
    b = a + np.random.RandomState(5).randn(600)
    difference = bootstrap_difference("roc_auc", y, a, b, n_resamples=4000, random_state=0)
    exact = delong_test(y, a, b)
    assert difference.score == pytest.approx(exact.difference, abs=1e-12)
    assert difference[1:] == pytest.approx((exact.low, exact.high), abs=0.004)


@pytest.mark.parametrize(
    "metric, y, score, message",
    [
        ("roc_auc", [0, 1, 2], [1, 2, 3], "y_true must have two labels, got 3: 0, 1, 2. Of sever"),
        ("roc_auc", [[0, 2], [1, 0]], [[1, 2], [1, 2]], "must be a multilabel indicator of 0 and"),
        ("roc_auc", [[0], [1]], [[1], [2]], r"shape \(n_records,\) or .*, got \(2, 1\)"),
        ("roc_auc", [0, 1], [[1, 2], [3, 4]], r"Pass the column .* y_score\[:, 1\]"),
        ("roc_auc", [0, 0, 1, 1], [1, 2, 3, np.nan], "y_score contains NaN"),
        ("auroc", [0, 1], [1, 2], "The 'metric' parameter .* a str among"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:A class has a single patient")
def test_bad_names(metric, y, score, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(metric, y, score)


@pytest.mark.filterwarnings("ignore:A class has a single patient")
def test_errors_of_a_difference_name_the_score():
    with pytest.raises(ValueError, match=r"y_score_b\[:, 1\]"):
        bootstrap_difference("roc_auc", [0, 1], [1, 2], [[1, 2], [3, 4]])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        bootstrap_difference("roc_auc", [0, 1], [1, 2], [1, 2, 3])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint32, bool, np.int64, np.float32])
@pytest.mark.parametrize("metric", ["roc_auc", roc_auc_score])
def test_scores_of_any_dtype(dtype, metric):
    """Unsigned numbers and booleans have no negatives to sort by."""
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


@pytest.mark.parametrize("unknown", [np.nan, None], ids=str)
def test_unknown_patients_are_refused(unknown):
    y, groups = np.arange(6) % 2, np.array([1, 1, 2, 2, unknown, unknown], dtype=object)
    with pytest.raises(ValueError, match="groups: the patient of 2 of 6 records is missing"):
        bootstrap_interval("roc_auc", y, np.arange(6), groups=groups)


def test_an_end_below_zero_is_no_dash():
    assert str(ScoreInterval(-0.5, -0.7, -0.3)) == "-0.500 [-0.700, -0.300]"
    assert str(ScoreInterval(0.5, 0.3, 0.7)) == "0.500 [0.300-0.700]"

"""The bootstrap interval: coverage, patients, strata."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from sklearn_ecg.metrics import bootstrap_interval


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
            roc_auc_score, y, y + rng.randn(120), n_resamples=100, confidence_level=0.9,
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
    with pytest.warns(UserWarning, match="single patient"):
        result = bootstrap_interval(
            roc_auc_score, y, np.arange(50), n_resamples=50, random_state=0
        )
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

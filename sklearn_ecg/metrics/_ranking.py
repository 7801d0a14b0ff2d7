"""AUROC and average precision of many resamples of the same records at once."""

import numpy as np
from sklearn.utils import assert_all_finite


class RankingMetrics:
    """Metrics of records that are sorted by their scores only once.

    Parameters
    ----------
    positive : bool ndarray of shape (n_records,)
    score : ndarray of shape (n_records,)
        Finite.
    """

    def __init__(self, positive, score):
        self.order = np.argsort(-score, kind="stable")
        ordered = score[self.order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        self.tie_starts = None if len(starts) == len(score) else starts
        self.positive = positive[self.order].astype(float)[:, None]

    def _counts_by_threshold(self, counts):
        """Return the numbers of positives and negatives at each score, highest score first."""
        total = counts[self.order]
        positive = total * self.positive
        negative = np.subtract(total, positive, out=total)
        if self.tie_starts is None:
            return positive, negative
        return (np.add.reduceat(part, self.tie_starts, axis=0) for part in (positive, negative))

    def rates(self, counts):
        """Return the sensitivity and specificity at each threshold, the highest one first.

        At the first threshold, which is above all scores, no record is predicted positive.
        """
        true, false = (
            np.insert(np.cumsum(part, axis=0), 0, 0, axis=0)
            for part in self._counts_by_threshold(counts)
        )
        return true / true[-1], (false[-1] - false) / false[-1]

    def roc_auc(self, counts):
        """Return the area under the ROC curve for each column of counts (n_records, n_resamples).

        Sums of counts and of halves are exact in float64; only the division is rounded.
        """
        positive, negative = self._counts_by_threshold(counts)
        cumulative = np.cumsum(negative, axis=0)
        n_negative = cumulative[-1]
        # A tie between a positive and a negative counts one half.
        n_below = n_negative - cumulative + negative / 2
        concordant = np.einsum("ij,ij->j", positive, n_below)
        return _divide_or_nan(concordant, positive.sum(axis=0) * n_negative)

    def average_precision(self, counts):
        """Return the average precision for each column of counts (n_records, n_resamples)."""
        positive, negative = self._counts_by_threshold(counts)
        true_positives = np.cumsum(positive, axis=0)
        n_positive = true_positives[-1]
        predicted = true_positives + np.cumsum(negative, axis=0)
        precision = np.divide(
            true_positives, predicted, out=np.zeros_like(true_positives), where=predicted > 0
        )
        return _divide_or_nan(np.einsum("ij,ij->j", positive, precision), n_positive)


def _divide_or_nan(numerator, denominator):
    """Return the quotient, with NaN where the denominator is 0 because a class is missing."""
    undefined = np.full_like(numerator, np.nan)
    return np.divide(numerator, denominator, out=undefined, where=denominator > 0)


class MacroRankingMetric:
    """Mean over labels of AUROC or average precision; a binary target has one label.

    Parameters
    ----------
    name : {"roc_auc", "average_precision"}
    positive : bool ndarray of shape (n_records, n_labels)
    score : ndarray of shape (n_records, n_labels)
    """

    def __init__(self, name, positive, score):
        assert_all_finite(score, input_name="y_score")
        self.name = name
        self.labels = [RankingMetrics(*columns) for columns in zip(positive.T, score.T)]

    def __call__(self, counts):
        """Return the score for each column of counts (n_records, n_resamples)."""
        return sum(getattr(label, self.name)(counts) for label in self.labels) / len(self.labels)

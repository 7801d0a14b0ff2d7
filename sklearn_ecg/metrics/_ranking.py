"""AUROC and average precision of many weightings of the same records at once."""

import numpy as np
from sklearn.utils import assert_all_finite


class Ranking:
    """Records in the order of their scores, sorted once.

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
        self.starts = None if len(starts) == len(score) else starts
        self.positive = positive[self.order].astype(float)[:, None]

    def _by_threshold(self, counts):
        """Positives and negatives at each threshold, the highest first."""
        both = counts[self.order]
        positive = both * self.positive
        negative = np.subtract(both, positive, out=both)
        if self.starts is None:
            return positive, negative
        return (np.add.reduceat(part, self.starts, axis=0) for part in (positive, negative))

    def roc_auc(self, counts):
        """Area under the ROC curve of each column of counts (n_records, n_resamples).

        Sums of counts and of halves are exact, so that the division alone is rounded.
        """
        positive, negative = self._by_threshold(counts)
        above = np.cumsum(negative, axis=0)
        n_negative = above[-1]
        below = n_negative - above + negative / 2  # a tie is half a success
        concordant = np.einsum("ij,ij->j", positive, below)
        return _ratio(concordant, positive.sum(axis=0) * n_negative)

    def average_precision(self, counts):
        """Average precision of each column of counts (n_records, n_resamples)."""
        positive, negative = self._by_threshold(counts)
        above = np.cumsum(positive, axis=0)
        n_positive = above[-1]
        flagged = above + np.cumsum(negative, axis=0)
        precision = np.divide(above, flagged, out=np.zeros_like(above), where=flagged > 0)
        return _ratio(np.einsum("ij,ij->j", positive, precision), n_positive)


def _ratio(numerator, denominator):
    """The quotient, NaN where a class is missing."""
    missing = np.full_like(numerator, np.nan)
    return np.divide(numerator, denominator, out=missing, where=denominator > 0)


class MacroRanking:
    """Mean over labels of AUROC or average precision; one label for a binary target.

    Parameters
    ----------
    name : {"roc_auc", "average_precision"}
    positive : bool ndarray of shape (n_records, n_labels)
    score : ndarray of shape (n_records, n_labels)
    """

    def __init__(self, name, positive, score):
        assert_all_finite(score, input_name="y_score")
        self.name = name
        self.rankings = [Ranking(*columns) for columns in zip(positive.T, score.T)]

    def __call__(self, counts):
        """Scores of each column of counts (n_records, n_resamples)."""
        return sum(getattr(ranking, self.name)(counts) for ranking in self.rankings) / len(
            self.rankings
        )

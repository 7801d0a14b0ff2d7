"""A linear model of the difference between a record and the same record after a swap."""

import math

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, Ridge

from ._swap_features import N_PREDICTED, LeadLayout

_RIDGE = 0.1  # penalty per record, for standardized measurements
_STRENGTH = 0.01  # C of the logistic regression
_LARGEST = 5.0  # standard deviations; larger differences are clipped


class SwapModel(BaseEstimator):
    """Score swaps by logistic regression on what they would change.

    For each swap, the features are the measurements of the record minus those of the record after
    the swap. A record and its swapped copy have opposite features, so that the regression has no
    intercept and the scores of the two are opposite as well. Features are the measurements, the
    correlations between the chest leads, and the absolute differences of the measurements from
    those that ridge regressions predict from the other leads.

    Parameters
    ----------
    lead_names : sequence of str
    swaps : sequence of str
    """

    def __init__(self, lead_names, swaps):
        self.lead_names = lead_names
        self.swaps = swaps

    @property
    def layout(self):
        """The leads that are measured."""
        return LeadLayout(self.lead_names)

    def fit(self, measures):
        """Learn from the measurements of records whose electrodes are in place.

        Parameters
        ----------
        measures : BeatMeasures
            Of at least one record.

        Returns
        -------
        self : object
        """
        waves = self._waves(measures)
        self.mean_, self.scale_ = waves.mean(axis=0), waves.std(axis=0)
        self.scale_ = np.where(self.scale_ > 0, self.scale_, 1)
        waves = (waves - self.mean_) / self.scale_
        self.predictors_ = []
        blocks = self.layout.blocks()
        for block in blocks if len(blocks) > 1 else ():
            others = self._columns(blocks, without=block)
            ridge = Ridge(alpha=_RIDGE * len(waves))
            own = self._columns([block])
            self.predictors_.append(ridge.fit(waves[:, others], waves[:, own]))
        reference = self._features(measures)
        self.scales_, self.models_ = [], []
        label = np.repeat([0, 1], len(reference))
        for swap in self.swaps:
            change = reference - self._features(measures.after(swap, self.layout))
            scale = np.sqrt(np.square(change).mean(axis=0))
            scale = np.where(scale > 0, scale, 1)
            change = np.clip(change / scale, -_LARGEST, _LARGEST)
            model = LogisticRegression(C=_STRENGTH, fit_intercept=False, max_iter=1000)
            self.models_.append(model.fit(np.concatenate([change, -change]), label))
            self.scales_.append(scale)
        return self

    def decision_function(self, measures):
        """Return the scores of the swaps, of shape (n_records, n_swaps)."""
        scores = np.zeros((len(measures.values), len(self.swaps)))
        if len(scores) == 0:
            return scores
        reference = self._features(measures)
        for i, (swap, scale, model) in enumerate(zip(self.swaps, self.scales_, self.models_)):
            change = (reference - self._features(measures.after(swap, self.layout))) / scale
            scores[:, i] = np.clip(change, -_LARGEST, _LARGEST) @ model.coef_[0]
        return scores

    def _features(self, measures):
        first, second = np.triu_indices(measures.correlation.shape[1], k=1)
        alike = measures.correlation[:, first, second]
        n_records = len(measures.values)
        parts = [
            measures.values[:, self.layout.upright].reshape(n_records, -1),
            alike.reshape(n_records, -1),
        ]
        waves = (self._waves(measures) - self.mean_) / self.scale_
        blocks = self.layout.blocks()
        for block, ridge in zip(blocks, self.predictors_):
            others = self._columns(blocks, without=block)
            expected = ridge.predict(waves[:, others]).reshape(n_records, -1)
            parts.append(np.abs(waves[:, self._columns([block])] - expected))
        return np.concatenate(parts, axis=1).astype(np.float64)

    def name_swaps(self, measures, candidates):
        """Choose between swaps: the one after whose repair no swap is likely.

        Parameters
        ----------
        measures : BeatMeasures
        candidates : ndarray of shape (n_records, n_swaps), bool
            At least one per record.

        Returns
        -------
        swap : ndarray of shape (n_records,), int
            Positions in ``swaps``.
        """
        remaining = np.full(candidates.shape, np.inf)
        for i, swap in enumerate(self.swaps):
            records = np.flatnonzero(candidates[:, i])
            repaired = measures.select(records).after(swap, self.layout)
            if len(records):
                remaining[records, i] = self.decision_function(repaired).max(axis=1)
        return remaining.argmin(axis=1)

    def _columns(self, blocks, without=None):
        """Return the columns of the waves of some leads."""
        leads = [lead for block in blocks if block is not without for lead in block]
        return np.concatenate([np.arange(N_PREDICTED) + lead * N_PREDICTED for lead in leads])

    def _waves(self, measures):
        """Return square roots, with the sign, of the measurements that are predicted."""
        values = measures.values[:, self.layout.upright, :N_PREDICTED].astype(np.float64)
        return (np.sign(values) * np.sqrt(np.abs(values))).reshape(len(values), -1)


def choose_thresholds(logits, folds, rate):
    """Choose the thresholds of the swaps for a rate of false alarms.

    Parameters
    ----------
    logits : ndarray of shape (n_records, n_swaps)
        Of correct records. Those of the swapped copies are the negatives of these.
    folds : list of (ndarray, ndarray)
        Positions of records to choose from, and of others, which cover all records.
    rate : float
        Of correct records that exceed a threshold.

    Returns
    -------
    thresholds : ndarray of shape (n_swaps,)
        At least zero.
    """
    # Thresholds that fit the records too well are exceeded by too many others.
    excess = np.empty(len(logits))
    for train, test in folds:
        chosen = divide_alarms(logits[train], count_alarms(len(train), rate))
        excess[test] = (logits[test] - chosen).max(axis=1)
    shift = -np.sort(-excess)[count_alarms(len(logits), rate)]
    return np.maximum(divide_alarms(logits, count_alarms(len(logits), rate)) + shift, 0)


def count_alarms(n_records, rate):
    """Return how many of the records may exceed a limit for a rate of at most this in others."""
    # The k-th highest of n values is exceeded by a further one with the probability k / (n + 1).
    return max(math.floor((n_records + 1) * rate + 1e-9) - 1, 0)


def divide_alarms(logits, n_alarms):
    """Divide false alarms among the swaps, such that most swapped copies are found.

    Parameters
    ----------
    logits : ndarray of shape (n_records, n_swaps)
    n_alarms : int
        How many records may exceed the limit of a swap.

    Returns
    -------
    limits : ndarray of shape (n_swaps,)
        With the largest sum over the swaps of the share of swapped copies that exceed the limit, if
        no record exceeds several limits. At least zero.
    """
    ordered = -np.sort(-logits, axis=0)
    n_alarms = min(n_alarms, len(ordered) - 1)
    # found[k, swap]: the share that is found if k correct records exceed the limit.
    options = np.maximum(ordered[: n_alarms + 1], 0)
    found = np.mean(-logits[:, None] > options, axis=0)
    # Dynamic programming over the swaps: the best sum for each number of alarms in all.
    best = np.zeros(n_alarms + 1)
    choices = []
    for share in found.T:
        sums = np.full((n_alarms + 1, n_alarms + 1), -np.inf)
        for k in range(n_alarms + 1):
            sums[k:, k] = best[: n_alarms + 1 - k] + share[k]
        choices.append(sums.argmax(axis=1))
        best = sums.max(axis=1)
    left, limits = n_alarms, np.empty(len(choices))
    for swap in reversed(range(len(choices))):
        k = choices[swap][left]
        limits[swap] = options[k, swap]
        left -= k
    return limits

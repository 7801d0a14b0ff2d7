"""Parts of `make_beat_classifier`: an average of models by records, boosting, and a scaler."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

# Standard deviations from the mean.
_LIMIT = 3.0


class RecordCountVotingClassifier(VotingClassifier):
    """Average probabilities with weights that grow with the number of records.

    A model with weight ``w`` and ``half_records`` of ``h`` gets the weight ``w * m / (m + h)``,
    where ``m`` is the number of records of the rarer class: half of its weight with ``h`` records,
    and hardly any with few. With ``sample_weight``, ``m`` is the sum of the weights of these
    records, after all weights are divided by the mean of those above 0, so that their unit has no
    effect.

    Parameters
    ----------
    estimators : list of (str, classifier)
        Models, of which ``"drop"`` leaves one out.
    weights : sequence of float
        Weight of each model with many records.
    half_records : sequence of float
        Number of records of the rarer class with which each model has half of its weight. 0 for a
        constant weight.
    n_jobs : int or None, default=None
        Number of models that are fitted at the same time.

    Attributes
    ----------
    weights_ : ndarray of shape (n_models,)
        Weights of the models that are not left out.
    """

    _parameter_constraints = {
        **VotingClassifier._parameter_constraints,
        "weights": ["array-like"],
        "half_records": ["array-like"],
    }

    def __init__(self, estimators, *, weights, half_records, n_jobs=None):
        super().__init__(estimators, voting="soft", weights=weights, n_jobs=n_jobs)
        self.half_records = half_records

    def fit(self, X, y, **fit_params):
        """Fit all models, and determine their weights."""
        if len(self.half_records) != len(self.estimators):
            raise ValueError(
                f"half_records must have one number for each of {len(self.estimators)} models, got "
                f"{self.half_records!r}."
            )
        super().fit(X, y, **fit_params)
        weight = fit_params.get("sample_weight")
        if weight is not None:
            weight = np.asarray(weight, dtype=float)
            weight = weight / weight[weight > 0].mean()
        counts = np.bincount(self.le_.transform(y), weights=weight)
        half = np.asarray(self.half_records, dtype=float)
        weights = np.asarray(self.weights) * counts.min() / (counts.min() + half)
        self.weights_ = weights[[model != "drop" for _, model in self.estimators]]
        return self

    def predict_proba(self, X):
        """Return the averaged probabilities of shape (n_records, n_classes)."""
        check_is_fitted(self)
        parts = [model.predict_proba(X) for model in self.estimators_]
        return np.average(parts, axis=0, weights=self.weights_)


class BalancedWeightBoosting(HistGradientBoostingClassifier):
    """Gradient boosting whose ``class_weight="balanced"`` balances ``sample_weight``.

    Both classes then have the same total weight, as in other classifiers. The class of scikit-learn
    balances the numbers of records.
    """

    def fit(self, X, y, sample_weight=None):
        """Fit the trees."""
        if sample_weight is not None and isinstance(self.class_weight, str):
            weight = np.asarray(sample_weight, dtype=float)
            _, numbers = np.unique(y, return_inverse=True)
            # Each class gets the share of the weight that it has of the records.
            wanted = np.bincount(numbers) * weight.sum() / len(weight)
            sample_weight = weight * (wanted / np.bincount(numbers, weights=weight))[numbers]
        return super().fit(X, y, sample_weight)


class ClippedScaler(StandardScaler):
    """Standardize features, and limit them to three standard deviations from the mean."""

    def transform(self, X, copy=None):
        """Return the standardized features, from -3 to 3."""
        return np.clip(super().transform(X, copy=copy), -_LIMIT, _LIMIT)

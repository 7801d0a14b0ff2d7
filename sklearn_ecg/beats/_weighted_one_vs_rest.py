"""One-vs-rest classification with weights of the records."""

import numpy as np
from sklearn import config_context
from sklearn.multiclass import OneVsRestClassifier
from sklearn.utils import _safe_indexing
from sklearn.utils.metadata_routing import UNUSED

from .._validation import Target
from .._validation._samples import check_not_masked, check_weights


class WeightedOneVsRestClassifier(OneVsRestClassifier):
    """Fit a classifier for each class or label, with weights of the records.

    `OneVsRestClassifier` passes on weights only if metadata routing is enabled, trains on a single
    class without an error, and lets records of weight 0 decide which values are imputed.

    Parameters
    ----------
    estimator : classifier
        All its parts that have weights must request them: see `request_weights`.
    n_jobs : int or None, default=None
        Number of classes or labels that are fitted at the same time.
    verbose : int, default=0
        See `OneVsRestClassifier`.
    """

    # `sample_weight` is an argument of this class, and not only passed on.
    __metadata_request__fit = {"sample_weight": UNUSED}

    def fit(self, X, y, sample_weight=None):
        """Fit one classifier for each class or label.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_records, n_features)
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Classes, or a multilabel indicator of 0 and 1.
        sample_weight : array-like of shape (n_records,), default=None
            Weights >= 0 of the records. Records of weight 0 are left out, and the other weights are
            divided by their mean.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the records of positive weight have a single class, or a weight is invalid.
        """
        name = "make_beat_classifier"
        if sample_weight is None:
            return super().fit(_without_empty_columns(X), Target.from_labels(y, name).labels)
        check_not_masked(sample_weight, "sample_weight")
        weights = check_weights(sample_weight, len(X))
        kept = np.flatnonzero(weights)
        if not len(kept):  # older versions of scikit-learn accept this
            raise ValueError("Sample weights must contain at least one non-zero number.")
        target = Target.from_labels(y, name)
        name += ", without the records of weight 0,"
        labels = Target.from_labels(target.labels[kept], name).labels
        X = _without_empty_columns(_safe_indexing(X, kept))
        # Weights that add up to 1 would be a strong regularization.
        weights = weights[kept] / weights[kept].mean()
        with config_context(enable_metadata_routing=True):
            return super().fit(X, labels, sample_weight=weights)


def _without_empty_columns(X):
    """Return X with zeros in the columns that are wholly NaN, which no model then uses.

    Gradient boosting cannot bin such columns. No record has these measurements, or only records
    of weight 0 have them.
    """
    empty = np.isnan(np.asarray(X)).all(axis=0)
    if not empty.any():
        return X
    X = X.copy()
    if hasattr(X, "columns"):
        X[X.columns[empty]] = 0.0
    else:
        X[:, empty] = 0.0
    return X


def request_weights(estimator):
    """Return an estimator that requests weights of the records in `fit`."""
    with config_context(enable_metadata_routing=True):
        return estimator.set_fit_request(sample_weight=True)

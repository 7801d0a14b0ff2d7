"""Scores of a classifier as one array, and a classifier that returns given scores."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if


def find_response_method(estimator, names):
    """Return the first of these methods that an estimator has, or raise."""
    for name in names:
        if hasattr(estimator, name):
            return name
    raise AttributeError(
        f"estimator={type(estimator).__name__} has none of the methods {', '.join(names)}. Pass a "
        "classifier with scores or probabilities."
    )


def label_scores(estimator, X, method, kind):
    """Return the scores of records in one array, whatever form the classifier gives them.

    Parameters
    ----------
    estimator : classifier
        Fitted.
    X : array-like, DataFrame or lead frame
    method : {"decision_function", "predict_proba"}
    kind : {"binary", "multiclass", "multilabel"}

    Returns
    -------
    scores : ndarray of shape (n_records,), (n_records, n_classes) or (n_records, n_labels)
        For a multilabel target, the probability (or the decision) that each label is 1, from an
        array or, as of random forests, from a list of arrays (n_records, n_values) of each label.
    """
    scores = getattr(estimator, method)(X)
    if kind != "multilabel":
        return np.asarray(scores)
    if isinstance(scores, list):
        columns = zip(scores, estimator.classes_)
        scores = np.column_stack([_probability_of_one(*column) for column in columns])
    scores = np.asarray(scores)
    if scores.ndim != 2:
        raise ValueError(
            f"{method} of {type(estimator).__name__} must return one column for each label of a "
            f"multilabel y, got shape {scores.shape}. Wrap the classifier in OneVsRestClassifier "
            "of scikit-learn."
        )
    return scores


def _probability_of_one(probability, values):
    """Return the column of the value 1, which a label without positive records does not have."""
    is_one = np.asarray(values) == 1
    return probability[:, is_one].sum(axis=1)


class PrecomputedScores(ClassifierMixin, BaseEstimator):
    """Classifier whose X are the scores that it returns.

    The calibrators and the threshold search of scikit-learn are run on it, once for each label,
    so that the network behind the scores is trained and applied only once.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
    method : {"decision_function", "predict_proba"}
        The method that returned the scores, the only one that this classifier has.
    """

    def __init__(self, classes, method):
        self.classes = classes
        self.method = method

    def fit(self, X, y, sample_weight=None):
        self.classes_ = self.classes
        return self

    @available_if(lambda self: self.method == "decision_function")
    def decision_function(self, X):
        return X[:, 0] if X.shape[1] == 1 else X

    @available_if(lambda self: self.method == "predict_proba")
    def predict_proba(self, X):
        return X

    def predict(self, X):  # scikit-learn's tools for classifiers expect it
        raise NotImplementedError("PrecomputedScores has scores only")

    @staticmethod
    def columns(scores, kind, method):
        """Return the X of this classifier for each label, or a single one without labels."""
        if kind != "multilabel":
            return [scores[:, None] if scores.ndim == 1 else scores]
        if method == "predict_proba":
            return [np.column_stack([1 - score, score]) for score in scores.T]
        return list(scores.T[:, :, None])

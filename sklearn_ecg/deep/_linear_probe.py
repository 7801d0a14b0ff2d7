"""Linear classifiers on an embedding: logistic regression with an L2 penalty, by L-BFGS."""

import warnings

import numpy as np
import torch
from scipy.special import logit, logsumexp
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from ..utils._warnings import warn

_TOLERANCE, _MAX_ITER = 1e-8, 5000


def fit_linear_probe(embedding, target, *, C, class_weight=None, balanced=False, weights=None):
    """Fit logistic regressions to a standardized embedding: one, or one for each label.

    Parameters
    ----------
    embedding : ndarray of shape (n_records, n_features), float64
    target : Target
        The encoded labels of the records.
    C : float
        Inverse strength of the penalty, as in `sklearn.linear_model.LogisticRegression`.
    class_weight : ndarray of shape (2, n_labels) or (n_classes,) or None, default=None
        Weights of the classes, see `class_weights`.
    balanced : bool, default=False
        Whether the weights of the classes are scaled to a mean of 1 over the records, so that they
        are those of ``class_weight="balanced"`` in scikit-learn.
    weights : ndarray of shape (n_records,) or None, default=None
        Weights of the records.

    Returns
    -------
    coef : ndarray of shape (n_outputs, n_features)
    intercept : ndarray of shape (n_outputs,)
    n_iter : int
        Largest number of iterations of L-BFGS.
    """
    weights = np.ones(len(embedding)) if weights is None else np.asarray(weights, dtype=float)
    columns = target.values if target.kind == "multilabel" else target.values[:, None]
    if class_weight is not None and np.ndim(class_weight) == 1:
        class_weight = np.asarray(class_weight)[:, None]
    fits = []
    for j, values in enumerate(columns.T):
        of_records = weights
        if class_weight is not None:
            factor = np.asarray(class_weight, dtype=float)[:, j][values]
            mean = np.average(factor, weights=weights)
            of_records = weights * (factor / mean if balanced and mean > 0 else factor)
        if target.kind == "multiclass":
            fits.append(_fit_multiclass(embedding, values, len(target.classes), C, of_records))
        else:
            fits.append(_fit_binary(embedding, values, C, of_records))
    coef, intercept, n_iter = (list(parts) for parts in zip(*fits))
    return np.concatenate(coef), np.concatenate(intercept), max(n_iter)


def _fit_binary(embedding, values, C, weights):
    """Return the weights, the intercept and the number of iterations for two classes."""
    totals = np.bincount(values, weights=weights, minlength=2)
    if not totals.all():
        # Without a second class the intercept would be infinite. With half a record of each class
        # more, the probability is finite.
        share = (totals[1] + 0.5) / (totals.sum() + 1)
        return np.zeros((1, embedding.shape[1])), np.array([logit(share)]), 0
    model, n_iter = _solve(embedding, values, C, weights)
    return model.coef_, model.intercept_, n_iter


def _fit_multiclass(embedding, values, n_classes, C, weights):
    """Return the weights, the intercepts and the number of iterations for several classes."""
    totals = np.bincount(values, weights=weights, minlength=n_classes)
    present = np.flatnonzero(totals)
    coef, intercept = np.zeros((n_classes, embedding.shape[1])), np.zeros(n_classes)
    n_iter = 0
    if len(present) > 1:
        model, n_iter = _solve(embedding, values, C, weights)
        if len(present) == 2:
            coef[present] = np.concatenate([-model.coef_, model.coef_]) / 2
            intercept[present] = np.concatenate([-model.intercept_, model.intercept_]) / 2
        else:
            coef[present], intercept[present] = model.coef_, model.intercept_
    if len(present) < n_classes:
        # A class without records would have an intercept of minus infinity. With half a record,
        # its probability is finite.
        logits = embedding @ coef[present].T + intercept[present]
        level = np.average(logsumexp(logits, axis=1), weights=weights)
        intercept[totals == 0] = level + np.log(0.5 / totals.sum())
    return coef, intercept, n_iter


def _solve(embedding, values, C, weights):
    """Return a fitted `LogisticRegression` and its number of iterations."""
    model = LogisticRegression(C=C, tol=_TOLERANCE, max_iter=_MAX_ITER)
    used = weights > 0
    # With the number of threads of the network, on which the last digits depend.
    with warnings.catch_warnings(record=True) as caught, threadpool_limits(torch.get_num_threads()):
        warnings.simplefilter("always")
        model.fit(embedding[used], values[used], sample_weight=weights[used])
    if any(issubclass(warning.category, ConvergenceWarning) for warning in caught):
        warn(
            f"The linear classifier has not converged after {_MAX_ITER} iterations of L-BFGS. "
            f"Pass a smaller probe_C than {C:g}.",
            ConvergenceWarning,
        )
    return model, int(model.n_iter_.max())

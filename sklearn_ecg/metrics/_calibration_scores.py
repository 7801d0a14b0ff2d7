"""Calibration of probabilities: slope, intercept, Brier score, expected calibration error."""

from numbers import Integral

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from ._label_columns import (
    LABEL_METRIC_CONSTRAINTS,
    UNDEFINED_CONSTRAINT,
    Undefined,
    average_over_labels,
    check_both_values,
    check_probabilities,
    read_label_columns,
)

_CONSTRAINTS = {**LABEL_METRIC_CONSTRAINTS, "y_prob": ["array-like"]}
_MAX_ITER = 200


@validate_params({**_CONSTRAINTS, **UNDEFINED_CONSTRAINT}, prefer_skip_nested_validation=True)
def calibration_slope(
    y_true,
    y_prob,
    *,
    average: str | None = "macro",
    undefined="warn",
    labels=None,
    sample_weight=None,
):
    """Compute the calibration slope of probabilities by logistic recalibration.

    The slope is the coefficient of a logistic regression, without penalty, of the label on the
    logit of the predicted probability [1]_ [2]_. It is 1 for calibrated probabilities, less than 1
    if they are too extreme, as those of an overfitted classifier, and more than 1 if they are not
    extreme enough.

    Parameters
    ----------
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        Classes, or a multilabel indicator of 0 and 1. In a binary target, the larger class is
        positive.
    y_prob : array-like of shape (n_records,), (n_records, n_labels) or (n_records, n_classes)
        Probabilities in [0, 1] of the positive class, of each label, or of each class of a
        multiclass target, which is then compared with all others. As in
        `sklearn.metrics.log_loss`, probabilities are clipped to [eps, 1 - eps], where ``eps`` is
        the relative precision of the dtype, 1.2e-7 in float32. Columns of DataFrames are matched by
        name, as in `auroc_score`.
    average : {"macro", "micro", "weighted"} or None, default="macro"
        Average over labels, as in `auroc_score`.
    undefined : {"raise", "warn", "skip"}, default="warn"
        What to do with a label for which the slope is undefined, as in `auroc_score`: a label that
        is positive, or negative, in all records; whose probabilities are all equal; or whose
        probabilities separate the positive and the negative records, so that the slope is infinite.
    labels : array-like of shape (n_classes,), default=None
        The classes of a binary or multiclass target, in sorted order.
    sample_weight : array-like of shape (n_records,), default=None
        Weights of the records, >= 0. Records of weight 0 are ignored.

    Returns
    -------
    slope : float or ndarray of shape (n_labels,)
        Calibration slope.

    Raises
    ------
    ValueError
        If probabilities are not in [0, 1], and as in `auroc_score`.

    Warns
    -----
    UndefinedMetricWarning
        If the slope of a label is undefined, and ``undefined="warn"``.

    See Also
    --------
    calibration_intercept : Whether probabilities are too high or too low on average.
    expected_calibration_error : Mean difference between probabilities and frequencies.

    Notes
    -----
    The slope is not a score that is to be maximized: the best value is 1.

    References
    ----------
    .. [1] Cox (1958). Two further applications of a model for binary regression. Biometrika 45.
    .. [2] Van Calster et al. (2019). Calibration: the Achilles heel of predictive analytics. BMC
       Medicine 17:230. doi:10.1186/s12916-019-1466-7

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.metrics import calibration_intercept, calibration_slope
    >>> rng = np.random.RandomState(0)
    >>> logit = 1.5 * rng.randn(5000) - 1
    >>> y = (rng.rand(5000) < 1 / (1 + np.exp(-logit))).astype(int)
    >>> round(calibration_slope(y, 1 / (1 + np.exp(-logit))), 1)
    1.0
    >>> overconfident = 1 / (1 + np.exp(-2 * logit))
    >>> round(calibration_slope(y, overconfident), 1)
    0.5
    """
    columns = _read_probabilities(y_true, y_prob, labels, sample_weight)
    eps = _precision(y_prob)

    def metric(positive, probability, weight):
        check_both_values(positive)
        return _recalibration_slope(positive, _clipped_logit(probability, eps), weight)

    return average_over_labels(
        metric, columns, average, undefined=undefined, score_name="The calibration slope"
    )


@validate_params({**_CONSTRAINTS, **UNDEFINED_CONSTRAINT}, prefer_skip_nested_validation=True)
def calibration_intercept(
    y_true,
    y_prob,
    *,
    average: str | None = "macro",
    undefined="warn",
    labels=None,
    sample_weight=None,
):
    """Compute the calibration intercept of probabilities, calibration-in-the-large.

    This is the intercept of a logistic regression of the label on the logit of the predicted
    probability with the slope fixed at 1 [1]_. It is 0 if the mean probability fits the frequency
    of the label, less than 0 if probabilities are too high, and more than 0 if they are too low.

    Parameters
    ----------
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        Classes, or a multilabel indicator of 0 and 1. In a binary target, the larger class is
        positive.
    y_prob : array-like of shape (n_records,), (n_records, n_labels) or (n_records, n_classes)
        Probabilities in [0, 1], as in `calibration_slope`.
    average : {"macro", "micro", "weighted"} or None, default="macro"
        Average over labels, as in `auroc_score`. Intercepts of different signs cancel in a mean:
        also look at the labels with None.
    undefined : {"raise", "warn", "skip"}, default="warn"
        What to do with a label that is positive, or negative, in all records, as in `auroc_score`.
    labels : array-like of shape (n_classes,), default=None
        The classes of a binary or multiclass target, in sorted order.
    sample_weight : array-like of shape (n_records,), default=None
        Weights of the records, >= 0. Records of weight 0 are ignored.

    Returns
    -------
    intercept : float or ndarray of shape (n_labels,)
        Calibration intercept, a difference of logits.

    Raises
    ------
    ValueError
        If probabilities are not in [0, 1], and as in `auroc_score`.

    Warns
    -----
    UndefinedMetricWarning
        As in `auroc_score`.

    See Also
    --------
    calibration_slope : Whether probabilities are too extreme.

    References
    ----------
    .. [1] Van Calster et al. (2019). Calibration: the Achilles heel of predictive analytics. BMC
       Medicine 17:230. doi:10.1186/s12916-019-1466-7

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.metrics import calibration_intercept
    >>> y = np.array([0, 0, 0, 1])
    >>> round(calibration_intercept(y, np.full(4, 0.25)), 6)
    0.0
    >>> round(calibration_intercept(y, np.full(4, 0.5)), 6)  # log(0.25 / 0.75)
    -1.098612
    """
    columns = _read_probabilities(y_true, y_prob, labels, sample_weight)
    eps = _precision(y_prob)

    def metric(positive, probability, weight):
        check_both_values(positive)
        return _recalibration_intercept(positive, _clipped_logit(probability, eps), weight)

    return average_over_labels(
        metric, columns, average, undefined=undefined, score_name="The calibration intercept"
    )


@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def brier_score(y_true, y_prob, *, average: str | None = "macro", labels=None, sample_weight=None):
    """Compute the Brier score of a label, or its average over labels.

    This is the mean squared difference between the probability and the label, 0 or 1. For a binary
    target, it equals `sklearn.metrics.brier_score_loss`. Lower values are better.

    Parameters
    ----------
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        Classes, or a multilabel indicator of 0 and 1. In a binary target, the larger class is
        positive.
    y_prob : array-like of shape (n_records,), (n_records, n_labels) or (n_records, n_classes)
        Probabilities in [0, 1] of the positive class, of each label, or of each class of a
        multiclass target. Columns of DataFrames are matched by name, as in `auroc_score`.
    average : {"macro", "micro", "weighted"} or None, default="macro"
        Average over labels, as in `auroc_score`. For a multiclass target, "macro" is the mean over
        classes; scikit-learn's function returns the sum.
    labels : array-like of shape (n_classes,), default=None
        The classes of a binary or multiclass target, in sorted order.
    sample_weight : array-like of shape (n_records,), default=None
        Weights of the records, >= 0. Records of weight 0 are ignored.

    Returns
    -------
    score : float or ndarray of shape (n_labels,)
        Brier score, in [0, 1]. It is defined for labels without positive records, too.

    Raises
    ------
    ValueError
        If probabilities are not in [0, 1], and as in `auroc_score`.

    See Also
    --------
    expected_calibration_error : Calibration only, whereas the Brier score includes discrimination.

    References
    ----------
    Brier (1950). Verification of forecasts expressed in terms of probability. Monthly Weather
    Review 78.

    Examples
    --------
    >>> from sklearn_ecg.metrics import brier_score
    >>> round(brier_score([0, 1, 1], [0.1, 0.8, 0.6]), 2)
    0.07
    """
    columns = _read_probabilities(y_true, y_prob, labels, sample_weight)

    def metric(positive, probability, weight):
        return float(np.average((probability - positive) ** 2, weights=weight))

    return average_over_labels(metric, columns, average)


@validate_params(
    {
        **_CONSTRAINTS,
        "n_bins": [Interval(Integral, 1, None, closed="left")],
        "strategy": [StrOptions({"uniform", "quantile"})],
    },
    prefer_skip_nested_validation=True,
)
def expected_calibration_error(
    y_true,
    y_prob,
    *,
    n_bins=10,
    strategy="uniform",
    average: str | None = "macro",
    labels=None,
    sample_weight=None,
):
    """Compute the expected calibration error of a label, or its average over labels.

    Records are divided into bins of similar probability. The error is the mean over bins, weighted
    by their number of records, of the absolute difference between the mean probability and the
    frequency of the label [1]_. Lower values are better.

    Parameters
    ----------
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        Classes, or a multilabel indicator of 0 and 1. In a binary target, the larger class is
        positive.
    y_prob : array-like of shape (n_records,), (n_records, n_labels) or (n_records, n_classes)
        Probabilities in [0, 1] of the positive class, of each label, or of each class of a
        multiclass target. Columns of DataFrames are matched by name, as in `auroc_score`.
    n_bins : int, default=10
        Number of bins, >= 1.
    strategy : {"uniform", "quantile"}, default="uniform"
        "uniform" divides [0, 1] into bins of equal width, as in
        `sklearn.calibration.calibration_curve`. "quantile" makes bins with the same number of
        records; records with equal probabilities share a bin.
    average : {"macro", "micro", "weighted"} or None, default="macro"
        Average over labels, as in `auroc_score`.
    labels : array-like of shape (n_classes,), default=None
        The classes of a binary or multiclass target, in sorted order.
    sample_weight : array-like of shape (n_records,), default=None
        Weights of the records, >= 0. Records of weight 0 are ignored.

    Returns
    -------
    error : float or ndarray of shape (n_labels,)
        Expected calibration error, in [0, 1].

    Raises
    ------
    ValueError
        If probabilities are not in [0, 1], and as in `auroc_score`.

    See Also
    --------
    calibration_slope : Does not depend on bins.

    Notes
    -----
    The error depends on the bins, and it is biased: with few records, it is greater than 0 for
    calibrated probabilities, too. A bootstrap interval adds to this bias, and may even lie above
    the value of all records; consider `calibration_slope` instead. For a multiclass target, the
    average over classes is the class-wise error, not the error of the most probable class.

    References
    ----------
    .. [1] Naeini, Cooper, Hauskrecht (2015). Obtaining well calibrated probabilities using Bayesian
       binning. AAAI 2015.

    Examples
    --------
    >>> from sklearn_ecg.metrics import expected_calibration_error
    >>> y, probability = [0, 0, 1, 0, 1, 1], [0.1, 0.1, 0.1, 0.7, 0.7, 0.7]
    >>> round(expected_calibration_error(y, probability), 3)
    0.133
    """
    columns = _read_probabilities(y_true, y_prob, labels, sample_weight)
    edges = np.linspace(0, 1, n_bins + 1)[1:-1]

    def metric(positive, probability, weight):
        inner = edges
        if strategy == "quantile":
            inner = _weighted_quantiles(probability, weight, edges)
        # A probability on an edge is in the lower bin, as in calibration_curve.
        number = np.searchsorted(inner, probability)
        difference = np.bincount(number, weight * (positive - probability))
        return float(np.abs(difference).sum() / weight.sum())

    return average_over_labels(metric, columns, average)


def _read_probabilities(y_true, y_prob, labels, sample_weight):
    columns = read_label_columns(
        y_true, y_prob, labels=labels, sample_weight=sample_weight, argument="y_prob"
    )
    return check_probabilities(columns, "y_prob")


def _precision(y_prob):
    """Return the relative precision of the dtype of the probabilities."""
    dtype = np.asarray(y_prob).dtype
    return np.finfo(dtype if dtype.kind == "f" else np.float64).eps


def _clipped_logit(probability, eps):
    return logit(np.clip(probability, eps, 1 - eps))


def _recalibration_slope(positive, x, weight):
    """Return the coefficient of x in a logistic regression of a label, by Newton's method.

    The estimate is finite if and only if the values of the positive and negative records overlap.
    """
    low, high = (x[positive].min(), x[positive].max()), (x[~positive].min(), x[~positive].max())
    if x.min() == x.max():
        raise Undefined("all probabilities are equal")
    if low[0] >= high[1] or high[0] >= low[1]:
        raise Undefined("its probabilities separate positive and negative records")
    weight = weight / weight.sum()
    center = weight @ x
    scale = np.sqrt(weight @ (x - center) ** 2)
    design = np.stack([np.ones_like(x), (x - center) / scale], axis=1)

    def log_likelihood(coefficients):
        linear = design @ coefficients
        return weight @ (positive * linear - np.logaddexp(0, linear))

    coefficients = np.array([logit(weight @ positive), 0.0])
    current = log_likelihood(coefficients)
    for _ in range(_MAX_ITER):
        p = expit(design @ coefficients)
        gradient = design.T @ (weight * (positive - p))
        hessian = (design * (weight * p * (1 - p))[:, None]).T @ design
        step = np.linalg.lstsq(hessian, gradient, rcond=None)[0]
        if np.abs(step).max() <= 1e-10 * (1 + np.abs(coefficients).max()):
            return float(coefficients[1] / scale)
        while (proposed := log_likelihood(coefficients + step)) < current - 1e-14:
            step /= 2
        coefficients, current = coefficients + step, proposed
    raise Undefined("the logistic regression did not converge")


def _recalibration_intercept(positive, x, weight):
    """Return the intercept for which the mean probability is the frequency of the label."""
    frequency = np.average(positive, weights=weight)
    low, high = logit(frequency) - x.max(), logit(frequency) - x.min()
    if high - low < 1e-12:
        return float((low + high) / 2)

    def excess(intercept):
        return frequency - np.average(expit(intercept + x), weights=weight)

    # Rounding may change the sign at the ends.
    return float(brentq(excess, low - 1e-9, high + 1e-9, xtol=1e-12))


def _weighted_quantiles(values, weight, levels):
    """Return the smallest values up to which at least these shares of the weight lie."""
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weight[order])
    positions = np.searchsorted(cumulative, levels * cumulative[-1] * (1 - 1e-12))
    return values[order][np.minimum(positions, len(values) - 1)]

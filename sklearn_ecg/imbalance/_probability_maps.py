"""Maps of probabilities that keep the order of the records: to another prevalence, and fitted."""

from numbers import Real

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, validate_params

from .._validation._samples import weights_as_counts

# Probabilities at the ends would have infinite logits.
_SMALLEST = 1e-15
# Limits of the logarithm of the slope.
_MAX_LOG_SLOPE = 5.0


@validate_params(
    {
        "y_prob": ["array-like"],
        "effective_prevalence": ["array-like", Interval(Real, 0, 1, closed="neither")],
        "target_prevalence": ["array-like", Interval(Real, 0, 1, closed="neither")],
        "multilabel": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def correct_prevalence(y_prob, effective_prevalence, target_prevalence, *, multilabel=False):
    r"""Map probabilities from the prevalence of the training to another prevalence.

    If only the prevalence differs, and not the records of a class, the posterior probability of
    class :math:`k` becomes :math:`p'_k \propto p_k \, \pi_k / \tilde\pi_k` with the prevalence
    :math:`\tilde\pi` that the classifier was trained at and the prevalence :math:`\pi` of the
    population [1]_ [2]_. For two classes, the odds are multiplied by a constant, which keeps the
    order of the records. For random undersampling, this is the formula of [3]_.

    Parameters
    ----------
    y_prob : array-like of shape (n_records,), (n_records, n_classes) or (n_records, n_labels)
        Probabilities: of the positive class, of all classes, or that each label is positive.
    effective_prevalence : float or array-like of shape (n_classes,) or (n_labels,)
        Prevalence that the classifier was trained at, in (0, 1): 0.5 after balanced class weights.
        A float is the prevalence of the positive class or, with ``multilabel``, of every label.
    target_prevalence : float or array-like of shape (n_classes,) or (n_labels,)
        Prevalence of the population, in the same form.
    multilabel : bool, default=False
        Whether the columns of a 2-D ``y_prob`` are labels, each on its own, rather than classes
        whose probabilities add up to 1.

    Returns
    -------
    corrected : ndarray of the shape of y_prob
        Probabilities at ``target_prevalence``. Those of 0 and 1 do not change.

    Raises
    ------
    ValueError
        If probabilities are outside [0, 1], or those of all classes of a record are 0, or if a
        prevalence has another length, is outside (0, 1) or, for classes, does not add up to 1.

    See Also
    --------
    PriorCorrectedClassifier : Classifier whose probabilities are corrected.

    References
    ----------
    .. [1] Elkan (2001). The foundations of cost-sensitive learning. IJCAI.
    .. [2] Saerens, Latinne, Decaestecker (2002). Adjusting the outputs of a classifier to new a
       priori probabilities. Neural Computation 14:21-41.
    .. [3] Dal Pozzolo et al. (2015). Calibrating probability with undersampling for unbalanced
       classification. IEEE SSCI.

    Examples
    --------
    >>> from sklearn_ecg.imbalance import correct_prevalence
    >>> correct_prevalence([0.2, 0.5, 0.9], effective_prevalence=0.5, target_prevalence=0.1)
    array([0.027..., 0.1       , 0.5       ])
    """
    y_prob = check_array(y_prob, ensure_2d=False, dtype=np.float64, input_name="y_prob")
    if y_prob.size and not (y_prob.min() >= 0 and y_prob.max() <= 1 + 1e-9):
        raise ValueError(
            f"y_prob must be probabilities in [0, 1], got values from {y_prob.min():g} to "
            f"{y_prob.max():g}. Pass the result of predict_proba."
        )
    is_vector = y_prob.ndim == 1
    single = is_vector or multilabel
    n_columns = 1 if is_vector else y_prob.shape[1]
    effective, wanted = (
        _check_prevalence(name, value, n_columns, single)
        for name, value in (
            ("effective_prevalence", effective_prevalence),
            ("target_prevalence", target_prevalence),
        )
    )
    if single:
        # Equal to the general formula for two classes.
        columns = y_prob[:, None] if is_vector else y_prob
        positive = columns * (wanted / effective)
        negative = (1 - columns) * ((1 - wanted) / (1 - effective))
        return (positive / (positive + negative)).reshape(y_prob.shape)
    corrected = y_prob * (wanted / effective)
    total = corrected.sum(axis=1, keepdims=True)
    if not total.all():
        raise ValueError(
            f"y_prob must add up to 1 in each record, but is 0 for all classes in record "
            f"{np.flatnonzero(total == 0)[0]}. If the columns are labels, pass multilabel=True."
        )
    return corrected / total


def _check_prevalence(name, value, n_columns, single):
    """Return a prevalence as an array with one value for each column of probabilities."""
    prevalence = np.asarray(value, dtype=np.float64)
    if prevalence.ndim == 0 and not single:
        if n_columns != 2:
            raise ValueError(
                f"{name}={value!r} is a single number, but y_prob has {n_columns} columns. Pass "
                "one prevalence for each class, or multilabel=True."
            )
        prevalence = np.array([1 - prevalence, prevalence])
    if prevalence.ndim == 0:
        prevalence = np.full(n_columns, prevalence)
    if prevalence.shape != (n_columns,) or not ((prevalence > 0) & (prevalence < 1)).all():
        raise ValueError(
            f"{name} must be in (0, 1) and have one value for each of {n_columns} column(s), got "
            f"{value!r}."
        )
    if not single and abs(prevalence.sum() - 1) > 1e-6:
        raise ValueError(
            f"{name} of all classes must add up to 1, got {prevalence.sum():g}. If the columns are "
            "labels, pass multilabel=True."
        )
    return prevalence


class MonotoneMap:
    r"""Fitted map of the probabilities of classes, :math:`p'_k \propto e^{a_k} p_k^b`.

    For two classes this is a logistic regression on the logit of the probability with a positive
    slope, and the fit is Platt's with his smoothed targets; in general it is temperature scaling
    with intercepts (Alexandari et al. 2020). The order of the records is kept for two classes.

    Parameters
    ----------
    y_prob : ndarray of shape (n_records, n_classes)
        Probabilities of held-out records.
    membership : ndarray of shape (n_records, n_classes)
        1 for the class of each record, otherwise 0.
    sample_weight : ndarray of shape (n_records,) or None
    fit_slope : bool, default=True
        False leaves the slope :math:`b` at 1, and does not smooth the targets: the mean of the
        mapped probabilities is then the share of each class.

    Attributes
    ----------
    slope : float
    intercepts : ndarray of shape (n_classes,)
        The first one is 0.
    is_at_limit : bool
        Whether the slope is at its lower limit: the probabilities do not rank the records.
    """

    def __init__(self, y_prob, membership, sample_weight=None, *, fit_slope=True):
        log_prob = _log(y_prob)
        n_records, n_classes = log_prob.shape
        weight = np.ones(n_records)
        if sample_weight is not None:
            weight = weights_as_counts(np.asarray(sample_weight, float))
        counts = weight @ membership
        targets = membership = np.asarray(membership, dtype=bool)
        if fit_slope:
            # Platt's targets, (n + 1) / (n + 2) for the own class.
            missed = 1 / (counts + 2)
            own = np.where(membership, 1 - missed, 0).sum(axis=1, keepdims=True)
            targets = np.where(membership, own, (1 - own) / (n_classes - 1))
        total = weight.sum()
        prior = (counts + 1) / (total + n_classes)

        def loss(params):
            log_slope, intercepts = params[0], np.r_[0, params[1:]]
            slope = np.exp(log_slope)
            log_mapped = log_softmax(slope * log_prob + intercepts, axis=1)
            residual = weight[:, None] * (np.exp(log_mapped) - targets)
            gradient = np.r_[(residual * log_prob).sum() * slope, residual.sum(axis=0)[1:]]
            if not fit_slope:
                gradient[0] = 0
            return -(weight[:, None] * targets * log_mapped).sum() / total, gradient / total

        limit = _MAX_LOG_SLOPE if fit_slope else 0
        # From the intercepts that fit the prevalence best if the probabilities carry nothing.
        mean = np.average(y_prob, axis=0, weights=weight)
        start = np.log(prior) - np.log(np.clip(mean, _SMALLEST, None))
        result = minimize(
            loss,
            np.r_[0, start[1:] - start[0]],
            jac=True,
            method="L-BFGS-B",
            bounds=[(-limit, limit)] + [(-60, 60)] * (n_classes - 1),
            options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1000},
        )
        self.slope = float(np.exp(result.x[0])) if fit_slope else 1.0
        self.intercepts = np.r_[0, result.x[1:]]
        self.is_at_limit = fit_slope and result.x[0] < -limit + 0.1

    def __call__(self, y_prob):
        """Return the mapped probabilities (n_records, n_classes)."""
        return softmax(self.slope * _log(y_prob) + self.intercepts, axis=1)


def _log(y_prob):
    return np.log(np.clip(y_prob, _SMALLEST, None))

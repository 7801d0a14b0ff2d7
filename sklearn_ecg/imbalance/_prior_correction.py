"""A classifier whose probabilities are those of a wanted prevalence."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._validation import check_positive_class
from ..calibration._base import CrossFittedClassifier
from ..calibration._cross_fitting import (
    check_parts_have_both_values,
    check_same_classes,
    cross_fit,
    is_frozen,
    make_splits,
)
from ..calibration._label_scores import label_scores
from ..utils._warnings import warn
from ._probability_maps import MonotoneMap, correct_prevalence
from ._training_prior import (
    effective_prevalence,
    find_weights,
    fit_recorded,
    prevalence_of,
    training_tilt,
)


class PriorCorrectedClassifier(CrossFittedClassifier):
    r"""Correct the probabilities of a classifier that was trained at another prevalence.

    Class weights and samplers train a classifier as if the classes had another prevalence, and its
    probabilities are those of that prevalence. A focal loss makes them less extreme. This
    meta-estimator maps them back to the prevalence of the training records, or to that of another
    population, and keeps the order of the records: for two classes and for each label, the AUROC
    does not change.

    Parameters
    ----------
    estimator : classifier
        Classifier with ``predict_proba``, or a Pipeline that ends in one, also with samplers of
        imbalanced-learn (`imblearn.pipeline.Pipeline`). X may be any container that it accepts. A
        fitted classifier in a `sklearn.frozen.FrozenEstimator` is not trained again.
    method : {"auto", "closed_form", "fitted"}, default="auto"
        "closed_form" multiplies the probabilities of the classes by the ratio of the prevalences,
        as `correct_prevalence` does. The effective prevalence follows from ``class_weight`` and
        ``logit_adjustment`` of the classifier and from the labels that the samplers of a Pipeline
        give to it. "fitted" fits a logistic map with a positive slope to probabilities of held-out
        records, in cross-validation with ``cv``, which trains one more classifier for each split.
        "auto" is "closed_form" if the effective prevalence is given or can be computed, and
        "fitted" for a focal loss (``focal_gamma`` > 0), for class weights and samplers inside other
        estimators, for a `FrozenEstimator` without balanced weights, for gradient boosting with
        balanced weights and ``sample_weight``, and for networks of this package with class weights,
        logit adjustment or samplers, for which the closed form is rough.
    target_prevalence : float, dict, array-like or None, default=None
        Prevalence of the population, each in (0, 1). None is that of the training records. For two
        classes, a float is the prevalence of ``classes_[1]``, unless the classes are strings; a
        dict ``{class: prevalence}`` or an array in the order of ``classes_`` has all classes and
        adds up to 1. For a multilabel target, the prevalence of each label, in an array or a dict.
    effective_prevalence : float, dict, array-like or None, default=None
        Prevalence that the classifier was trained at, in the same form, for "closed_form". None
        computes it.
    cv : int, float, splitter, iterable or None, default=None
        Splits for "fitted". None is 5 folds, an int the number of folds, a float in (0, 1) the
        share of the records (with ``groups``, of the patients) that a single random split sets
        aside. The folds are those of `MultilabelCalibratedClassifierCV`. Not used for a
        `FrozenEstimator`: all records given to `fit` are then held-out records.
    n_jobs : int or None, default=None
        Number of splits that are fitted at the same time. None is 1.
    random_state : int, RandomState instance or None, default=None
        Seed of the split if ``cv`` is a float.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or (n_labels,)
        Class labels; for a multilabel target, the numbers of its columns.
    estimator_ : classifier
        The classifier, trained on all records.
    method_ : {"closed_form", "fitted"}
        The method that was used.
    training_prevalence_ : ndarray of shape (n_classes,) or (n_labels,)
        Share of the training records of each class, or that are positive for each label, with
        ``sample_weight``.
    effective_prevalence_ : ndarray of shape (n_classes,) or (n_labels,)
        Prevalence at which the classifier was trained. With "fitted", the prevalence at which
        "closed_form" would make the mean probability of the held-out records equal to their
        prevalence.
    target_prevalence_ : ndarray of shape (n_classes,) or (n_labels,)
        Prevalence of the corrected probabilities.
    maps_ : list of object or None
        With "fitted", the fitted maps, with ``slope`` and ``intercepts``, one for each label of a
        multilabel target. A slope of 1 means that the closed form would have been enough.
    n_features_in_ : int
        Number of features seen during `fit`. Only defined if the classifier has it.
    feature_names_in_ : ndarray of str
        Names of the columns of X. Only defined if the classifier has it.

    See Also
    --------
    correct_prevalence : The closed form, for given probabilities.
    sklearn_ecg.MultilabelCalibratedClassifierCV : Calibrate probabilities.

    Notes
    -----
    The closed form is exact if the classifier estimates posterior probabilities at the effective
    prevalence [1]_ [2]_ [3]_. It does not correct a network that is too confident, or that has been
    trained too briefly to reach that prevalence. For SMOTE and other samplers that change the
    records of a class, it is an approximation.

    ``sample_weight`` is a number of repetitions of a record, as in scikit-learn, and part of the
    training prevalence. If weights are meant to balance the classes, pass the true prevalence as
    ``target_prevalence``.

    The fitted map is :math:`p'_k \propto e^{a_k} p_k^b` with :math:`b > 0`: a logistic regression
    on the logit for two classes, temperature scaling with intercepts for more [4]_. With three or
    more classes, the corrections of both methods keep the order of the records in the ratio of any
    two classes.

    References
    ----------
    .. [1] Elkan (2001). The foundations of cost-sensitive learning. IJCAI.
    .. [2] Saerens, Latinne, Decaestecker (2002). Adjusting the outputs of a classifier to new a
       priori probabilities. Neural Computation 14:21-41.
    .. [3] Dal Pozzolo et al. (2015). Calibrating probability with undersampling for unbalanced
       classification. IEEE SSCI.
    .. [4] Alexandari, Kundaje, Shrikumar (2020). Maximum likelihood with bias-corrected calibration
       is hard-to-beat at label shift adaptation. ICML. arXiv:1901.06852

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_ecg import PriorCorrectedClassifier
    >>> rng = np.random.RandomState(0)
    >>> X = rng.randn(2000, 2)
    >>> y = (X[:, 0] + rng.randn(2000) > 2).astype(int)
    >>> weighted = LogisticRegression(class_weight="balanced")
    >>> float(weighted.fit(X, y).predict_proba(X)[:, 1].mean().round(3)), float(y.mean().round(3))
    (0.294, 0.07)
    >>> clf = PriorCorrectedClassifier(weighted).fit(X, y)
    >>> clf.method_, clf.effective_prevalence_
    ('closed_form', array([0.5, 0.5]))
    >>> float(clf.predict_proba(X)[:, 1].mean().round(3))
    0.074

    The probabilities in a population where two in a hundred have the disease:

    >>> screening = PriorCorrectedClassifier(weighted, target_prevalence=0.02).fit(X, y)
    >>> float(screening.predict_proba(X)[:, 1].mean().round(3))
    0.031
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "method": [StrOptions({"auto", "closed_form", "fitted"})],
        "target_prevalence": [
            Interval(Real, 0, 1, closed="neither"),
            dict,
            "array-like",
            None,
        ],
        "effective_prevalence": [
            Interval(Real, 0, 1, closed="neither"),
            dict,
            "array-like",
            None,
        ],
        "cv": ["cv_object", Interval(RealNotInt, 0.0, 1.0, closed="neither")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator,
        *,
        method="auto",
        target_prevalence=None,
        effective_prevalence=None,
        cv=None,
        n_jobs=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.method = method
        self.target_prevalence = target_prevalence
        self.effective_prevalence = effective_prevalence
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None, groups=None, **fit_params):
        """Fit the classifier and find the correction.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records in any container that the classifier accepts.
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Class labels of any type, or a multilabel indicator of 0 and 1.
        sample_weight : array-like of shape (n_records,), default=None
            Weights >= 0 of the records. A record of weight 2 has the effect of two records. With
            ``method="fitted"``, weights that add up to less than the number of records are scaled
            up to it.
        groups : array-like of shape (n_records,), default=None
            Patients. With ``method="fitted"``, all records of a patient are on the same side of a
            split.
        **fit_params : dict
            Further arguments of `fit` of the classifier. Those with one value per record are split
            like the records.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a prevalence is outside (0, 1), or not given for each class or label; if the
            effective prevalence cannot be computed for ``method="closed_form"``; if a patient is on
            both sides of a split; if a label is constant; if the classes or the number of labels of
            a frozen classifier are not those of y.
        TypeError
            If X contains objects that are neither numbers nor signals.
        """
        self._validate_params()
        if self.effective_prevalence is not None and self.method == "fitted":
            raise ValueError(
                "effective_prevalence is used by method='closed_form' only. Pass that method, or "
                "effective_prevalence=None."
            )
        data = self._validate(X, y, sample_weight, groups, fit_params)
        target = data.target
        training = prevalence_of(target, data.sample_weight)
        self._check_not_constant(data, training)
        wanted = self._read_prevalence("target_prevalence", data)
        effective = self._read_prevalence("effective_prevalence", data)
        estimator_, computed, unknown, is_network = self._fit_estimator(data)
        method = self.method
        if method == "auto":
            # Regularized networks do not reach the prevalence that their weights ask for.
            is_rough = unknown or (is_network and not np.allclose(computed, training))
            method = "fitted" if is_rough and effective is None else "closed_form"
        if method == "closed_form" and effective is None:
            if unknown:
                raise ValueError(
                    "The prevalence that the classifier was trained at cannot be computed, because "
                    f"of {unknown}. Pass effective_prevalence, or method='fitted'."
                )
            effective = computed
        maps = None
        if method == "fitted":
            maps, effective = self._fit_maps(data, training)
        self.classes_, self._target_kind = target.classes, target.kind
        self.estimator_, self.method_, self.maps_ = estimator_, method, maps
        self.training_prevalence_, self.effective_prevalence_ = training, effective
        self.target_prevalence_ = training if wanted is None else wanted
        self._set_input_attributes(estimator_)
        return self

    def _check_not_constant(self, data, training):
        constant = np.flatnonzero((training <= 0) | (training >= 1))
        if len(constant):
            kind = "label" if data.target.kind == "multilabel" else "class"
            raise ValueError(
                f"y: {kind} {data.names[constant[0]]!r} has the prevalence "
                f"{training[constant[0]]:g} in the records of positive weight, and its "
                "probabilities cannot be corrected. Pass more records, or leave it out, and train "
                "the classifier without it if it is already fitted."
            )

    def _read_prevalence(self, argument, data):
        """Return a prevalence that was given as a parameter, in the order of the classes."""
        value = getattr(self, argument)
        if value is None:
            return None
        is_multilabel = data.target.kind == "multilabel"
        names = data.names
        what = "label" if is_multilabel else "class"
        if isinstance(value, dict):
            if set(value) != set(names):
                raise ValueError(
                    f"{argument} must have one prevalence for each {what}, {names}, got {value!r}."
                )
            value = [value[name] for name in names]
        elif isinstance(value, Real):
            if data.target.kind != "binary":
                raise ValueError(
                    f"{argument}={value!r} is a single number, but y has {len(names)} {what}"
                    f"{'s' if is_multilabel else 'es'}. Pass a dict with one prevalence for each: "
                    f"{names[:5]}."
                )
            advice = "Pass a dict with the prevalence of both, which adds up to 1."
            check_positive_class(data.target.kind, names, f"{argument}={value!r}", advice)
            value = [1 - value, value]
        prevalence = np.asarray(value, dtype=float)
        if prevalence.shape != (len(names),):
            raise ValueError(
                f"{argument} must have one prevalence for each of {len(names)} {what}"
                f"{'s' if is_multilabel else 'es'}, got {value!r}."
            )
        if not ((prevalence > 0) & (prevalence < 1)).all():
            raise ValueError(f"{argument} must be in (0, 1), got {value!r}.")
        if not is_multilabel and abs(prevalence.sum() - 1) > 1e-6:
            raise ValueError(
                f"{argument} of all classes must add up to 1, got {prevalence.sum():g}."
            )
        return prevalence

    def _fit_estimator(self, data):
        """Fit the classifier to all records.

        Returns
        -------
        estimator_ : classifier
        effective : ndarray
            The prevalence that it was trained at.
        unknown : str or None
            Why this prevalence is unknown.
        is_network : bool
        """
        estimator = clone(self.estimator)
        target, y = data.target, data.target.labels
        seen, weight = target, find_weights(estimator, data.fit_params)
        # Samplers change the labels, and weights may be given to the last step.
        recorded = isinstance(estimator, Pipeline)
        if recorded:
            seen, weight = fit_recorded(estimator, data.X, y, data.fit_params)
        else:
            estimator.fit(data.X, y, **data.fit_params)
        check_same_classes(estimator, target, data.names, data.X)
        tilt = training_tilt(estimator, target.kind, recorded=recorded, weighted=weight is not None)
        effective = effective_prevalence(
            prevalence_of(seen, weight), tilt, target.kind, target.classes
        )
        unknown = tilt.unknown
        if unknown is None and not ((effective > 0) & (effective < 1)).all():
            unknown = "a class without records after the sampler, or of weight 0"
        return estimator, effective, unknown, tilt.is_network

    def _fit_maps(self, data, training):
        """Fit the monotone maps to probabilities of held-out records."""
        target = data.target
        records = np.arange(len(target.values))
        splits = [(records, records)]
        frozen = is_frozen(self.estimator)
        if not frozen:
            splits = make_splits(
                self.cv, data.X, target, data.groups, data.split_params, self.random_state
            )
        held_out = np.concatenate([test for _, test in splits])
        parts = (
            [] if frozen else [(f"training part of split {i}", s[0]) for i, s in enumerate(splits)]
        )
        check_parts_have_both_values(
            target,
            data.names,
            [*parts, ("held-out part", held_out)],
            data.sample_weight,
            "Pass fewer folds, a larger part, or a cv that spreads the positive records over the "
            "folds, or leave the label out, and train the classifier without it if it is already "
            "fitted.",
        )
        _, scores = cross_fit(
            self.estimator,
            data.X,
            target,
            data.names,
            splits,
            data.fit_params,
            "predict_proba",
            self.n_jobs,
        )
        membership = target.membership[held_out]
        weight = None if data.sample_weight is None else data.sample_weight[held_out]
        # Maps and shifts lead to the prevalence of the held-out records.
        self._held_out_prevalence = np.average(membership, axis=0, weights=weight)
        maps, effective = [], []
        for probability, values, share in zip(
            _classes_of_labels(np.concatenate(scores), target.kind),
            _classes_of_labels(membership.astype(int), target.kind),
            _classes_of_labels(self._held_out_prevalence[None], target.kind),
            strict=True,
        ):
            maps.append(MonotoneMap(probability, values, weight))
            shift = MonotoneMap(probability, values, weight, fit_slope=False)
            odds = share[0] * np.exp(-shift.intercepts)
            effective.append(odds / odds.sum())
        effective = np.array(effective)
        effective = effective[:, 1] if target.kind == "multilabel" else effective[0]
        useless = [name for name, fitted in zip(data.names, maps) if fitted.is_at_limit]
        if useless:
            which = f"of label {useless} " if target.kind == "multilabel" else ""
            warn(
                f"The probabilities {which}do not rank held-out records better than chance. Their "
                "corrected probabilities are close to the prevalence.",
                UserWarning,
            )
        return maps, effective

    def predict_proba(self, X):
        """Predict corrected probabilities.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_records, n_classes) or (n_records, n_labels)
            Columns in the order of ``classes_``. For a multilabel target, the probability of each
            label.
        """
        check_is_fitted(self)
        probability = label_scores(self.estimator_, X, "predict_proba", self._target_kind)
        is_multilabel = self._target_kind == "multilabel"
        prevalence = self.effective_prevalence_
        if self.maps_ is not None:
            prevalence = self._held_out_prevalence
            columns = _classes_of_labels(probability, self._target_kind)
            mapped = [fitted(column) for fitted, column in zip(self.maps_, columns, strict=True)]
            probability = np.stack(mapped)[:, :, 1].T if is_multilabel else mapped[0]
        if np.array_equal(prevalence, self.target_prevalence_):
            return probability
        return correct_prevalence(
            probability, prevalence, self.target_prevalence_, multilabel=is_multilabel
        )


def _classes_of_labels(values, kind):
    """Return arrays with a column per class: one for each label, or one in all without labels."""
    if kind != "multilabel":
        return [values]
    return [np.column_stack([1 - column, column]) for column in values.T]

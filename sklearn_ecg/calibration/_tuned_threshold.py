"""Thresholds of each label: those of the best score, or for a wanted sensitivity or specificity."""

from collections.abc import Callable, MutableMapping, Sequence
from copy import deepcopy
from inspect import signature
from numbers import Integral, Real

import numpy as np
from sklearn import config_context
from sklearn.exceptions import NotFittedError
from sklearn.metrics import check_scoring, get_scorer_names, roc_curve
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt, StrOptions
from sklearn.utils.metadata_routing import MethodMapping
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ._base import CrossFittedClassifier
from ._cross_fitting import (
    check_parts_have_both_values,
    check_same_classes,
    cross_fit,
    fit_on,
    make_splits,
)
from ._label_scores import PrecomputedScores, find_response_method, label_scores

# Thresholds prefer probabilities, as in scikit-learn.
_METHODS = ("predict_proba", "decision_function")

# Shares are quotients of sums of weights, which are rounded.
_TOLERANCE = 1e-9


def _estimator_has(method):
    return lambda self: hasattr(getattr(self, "estimator_", self.estimator), method)


class MultilabelTunedThresholdClassifierCV(CrossFittedClassifier):
    """Choose the decision threshold of a binary target, or of each label, on held-out records.

    This is `sklearn.model_selection.TunedThresholdClassifierCV` for multilabel targets as well,
    with ``groups`` in `fit`, which keep the records of a patient on one side of the internal split,
    and with thresholds for a wanted sensitivity or specificity. The classifier is fitted once per
    split for all labels. On a binary target, the threshold equals that of scikit-learn if the
    splits are the same.

    Parameters
    ----------
    estimator : classifier
        Classifier, or Pipeline that ends in one, with ``predict_proba`` or ``decision_function``. X
        may be any container that it accepts.
    scoring : str or callable, default="balanced_accuracy"
        Score of predicted classes to maximize: a name or a scorer of scikit-learn. It is not used
        with ``sensitivity`` or ``specificity``.
    response_method : {"auto", "decision_function", "predict_proba"}, default="auto"
        Method that gives the scores. "auto" is ``predict_proba`` if the classifier has it,
        otherwise ``decision_function``.
    thresholds : int or array-like, default=100
        Number of thresholds to try between the lowest and the highest score, or the thresholds
        themselves. With ``sensitivity`` or ``specificity``, all scores are candidates instead.
    cv : int, float, splitter, iterable, "prefit" or None, default=None
        Splits into records for training and records for choosing the threshold. None is 5 folds, an
        int the number of folds, a float in (0, 1) the share of the records (with ``groups``, of the
        patients) that a single random split sets aside. The folds are those of
        `MultilabelCalibratedClassifierCV`. "prefit" uses a fitted classifier as it is, and all
        records, which must not be those that it was trained on.
    refit : bool, default=True
        Whether to train the classifier on all records in the end. False keeps that of a single
        split; it is required for ``cv="prefit"``.
    n_jobs : int or None, default=None
        Number of splits that are fitted at the same time. None is 1.
    random_state : int, RandomState instance or None, default=None
        Seed of the split if ``cv`` is a float.
    store_cv_results : bool, default=False
        Whether to keep the scores of all thresholds in ``cv_results_``. Only for ``scoring``.
    sensitivity : float or None, default=None
        Wanted sensitivity, in (0, 1], for ``classes_[1]``, a number, or each label. The threshold
        is the highest with at least this sensitivity in the held-out records of all splits.
    specificity : float or None, default=None
        Wanted specificity, in (0, 1], for ``classes_[1]``, a number, or each label. The threshold
        is the lowest with at least this specificity.

    Attributes
    ----------
    best_threshold_ : float or ndarray of shape (n_labels,)
        Threshold of a binary target, or of each label. A record is positive if its score is at
        least the threshold.
    best_score_ : float or ndarray of shape (n_labels,)
        Mean score over the splits at the threshold. With a wanted sensitivity, the specificity at
        the threshold; with a wanted specificity, the sensitivity.
    sensitivity_, specificity_ : float or ndarray of shape (n_labels,)
        Sensitivity and specificity at the threshold in the held-out records of all splits together,
        for ``classes_[1]``. They are optimistic: the threshold was chosen on the same records.
    cv_results_ : dict or list of dict
        "thresholds" and their "scores", in a list for a multilabel target. Only with
        ``store_cv_results=True``.
    estimator_ : classifier
        The fitted classifier.
    classes_ : ndarray of shape (n_classes,) or (n_labels,)
        Class labels; for a multilabel target, the numbers of its columns.
    n_features_in_ : int
        Number of features seen during `fit`. Only defined if the classifier has it.
    feature_names_in_ : ndarray of str
        Names of the columns of X. Only defined if the classifier has it.

    See Also
    --------
    MultilabelCalibratedClassifierCV : Calibrate the probabilities of each label.

    Notes
    -----
    With few positive records, a threshold for a wanted sensitivity is uncertain: of 20 positive
    records, one is 5 % of sensitivity. Report sensitivity and specificity of records that were not
    used in `fit`.

    `fit` raises an error that names the label if a label has no positive or no negative records in
    a part of a split.

    ``sample_weight`` is used for training, if the classifier accepts it, and for the scores. With
    metadata routing, the requests of the classifier and of the scorer decide.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.multiclass import OneVsRestClassifier
    >>> from sklearn_ecg import MultilabelTunedThresholdClassifierCV
    >>> rng = np.random.RandomState(0)
    >>> X = rng.randn(300, 4)
    >>> y = (X[:, :2] + rng.randn(300, 2) > 1).astype(int)
    >>> patients = np.arange(300) // 3
    >>> clf = MultilabelTunedThresholdClassifierCV(
    ...     OneVsRestClassifier(LogisticRegression()), sensitivity=0.9
    ... ).fit(X, y, groups=patients)
    >>> clf.best_threshold_.round(1)
    array([0.1, 0.1])
    >>> bool((clf.sensitivity_ >= 0.9).all())
    True
    """

    _parameter_constraints = {
        "estimator": [
            HasMethods(["fit", "predict_proba"]),
            HasMethods(["fit", "decision_function"]),
        ],
        "scoring": [StrOptions(set(get_scorer_names())), callable, MutableMapping],
        "response_method": [StrOptions({"auto", "predict_proba", "decision_function"})],
        "thresholds": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "cv": [
            "cv_object",
            StrOptions({"prefit"}),
            Interval(RealNotInt, 0.0, 1.0, closed="neither"),
        ],
        "refit": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "store_cv_results": ["boolean"],
        "sensitivity": [Interval(Real, 0, 1, closed="right"), None],
        "specificity": [Interval(Real, 0, 1, closed="right"), None],
    }

    def __init__(
        self,
        estimator,
        *,
        scoring: str | Callable = "balanced_accuracy",
        response_method="auto",
        thresholds: int | Sequence[float] | np.ndarray = 100,
        cv=None,
        refit=True,
        n_jobs=None,
        random_state=None,
        store_cv_results=False,
        sensitivity=None,
        specificity=None,
    ):
        self.estimator = estimator
        self.scoring = scoring
        self.response_method = response_method
        self.thresholds = thresholds
        self.cv = cv
        self.refit = refit
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.store_cv_results = store_cv_results
        self.sensitivity = sensitivity
        self.specificity = specificity

    def fit(self, X, y, sample_weight=None, groups=None, **fit_params):
        """Fit the classifier and choose the thresholds.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records in any container that the classifier accepts.
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Labels of two classes, of any type, or a multilabel indicator of 0 and 1.
        sample_weight : array-like of shape (n_records,), default=None
            Weights >= 0 of the records.
        groups : array-like of shape (n_records,), default=None
            Patients. All records of a patient are on the same side of a split.
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
            If y is multiclass, or of strings with a wanted sensitivity or specificity; if
            parameters exclude each other; if a patient is on both sides of a split; if a label has
            no positive or no negative records in a part, or all the same score; if the classes or
            labels of a fitted classifier (``cv="prefit"`` or frozen) are not those of y.
        TypeError
            If X contains objects that are neither numbers nor signals.
        """
        self._validate_params()
        self._check_parameters()
        data = self._validate(X, y, sample_weight, groups, fit_params)
        target = data.target
        if target.kind == "multiclass":
            raise ValueError(
                f"{type(self).__name__} chooses thresholds of binary and multilabel targets. Only "
                f"binary classification is supported for a 1-D y, got {len(target.classes)} "
                "classes. Pass an indicator with a column for each class: "
                "LabelBinarizer().fit_transform(y)."
            )
        self._response = self.response_method
        if self._response == "auto":
            self._response = find_response_method(self.estimator, _METHODS)
        self._check_positive_class(target, "sensitivity", "specificity")
        records = np.arange(len(target.values))
        if isinstance(self.cv, str):
            splits, fitted = [(None, records)], [self.estimator]
            check_same_classes(self.estimator, target, data.names, data.X, is_trained=False)
            self._check_parts(data, splits)
            self.estimator_ = self.estimator
            scores = [label_scores(self.estimator, data.X, self._response, target.kind)]
        else:
            splits = make_splits(
                self.cv, data.X, target, data.groups, data.split_params, self.random_state
            )
            if not self.refit and len(splits) > 1:
                raise ValueError("When cv has several folds, refit cannot be False.")
            self._check_parts(data, splits)
            parts = (self.estimator, data.X, target, data.names, splits, data.fit_params)
            fitted, scores = cross_fit(*parts, self._response, self.n_jobs)
            self.estimator_ = fitted[0]
            if self.refit:
                self.estimator_ = fit_on(
                    self.estimator, data.X, target.labels, records, data.fit_params
                )
        self.classes_, self._target_kind = target.classes, target.kind
        self._choose_thresholds(data, scores, [test for _, test in splits])
        self._set_input_attributes(self.estimator_)
        return self

    def _check_parameters(self):
        wanted = {"sensitivity": self.sensitivity, "specificity": self.specificity}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        if len(wanted) == 2:
            raise ValueError(
                f"sensitivity={self.sensitivity} and specificity={self.specificity} exclude each "
                "other. Pass one of them, and read the other one from sensitivity_ or specificity_."
            )
        if wanted and self.scoring != "balanced_accuracy":
            raise ValueError(
                f"scoring={self.scoring!r} is not used with {', '.join(wanted)}. Pass one of them."
            )
        if wanted and self.store_cv_results:
            raise ValueError("store_cv_results=True needs scoring, without a wanted sensitivity.")
        if isinstance(self.cv, str):
            if self.refit:
                raise ValueError("When cv='prefit', refit cannot be True.")
            try:
                check_is_fitted(self.estimator, "classes_")
            except NotFittedError as error:
                raise NotFittedError("When cv='prefit', `estimator` must be fitted.") from error

    def _check_parts(self, data, splits):
        parts = []
        for number, (train, test) in enumerate(splits):
            parts += [] if train is None else [(f"training part of split {number}", train)]
            parts += [(f"test part of split {number}", test)]
        check_parts_have_both_values(
            data.target,
            data.names,
            parts,
            data.sample_weight,
            "Pass fewer folds or a cv that spreads the positive records over the folds, or leave "
            "the label out, and train the classifier without it if it is already fitted.",
        )

    def _choose_thresholds(self, data, scores, tests):
        """Choose a threshold for each label from the scores of the test parts."""
        target = data.target
        ends = np.cumsum([len(test) for test in tests])
        # The test parts one below the other: repeated splits have records several times.
        parts = [np.arange(end - len(test), end) for end, test in zip(ends, tests)]
        index = np.concatenate(tests)
        columns = PrecomputedScores.columns(np.concatenate(scores), target.kind, self._response)
        labels = target.labels[index]
        is_multilabel = target.kind == "multilabel"
        names = data.names if is_multilabel else ["y"]
        classes = np.array([0, 1]) if is_multilabel else target.classes
        self._tuners, results = [], []
        for name, column, y in zip(
            names, columns, labels.T if is_multilabel else [labels], strict=True
        ):
            self._check_not_constant(name, column, parts)
            if self.sensitivity is None and self.specificity is None:
                tuner, threshold, score = self._best_threshold(
                    column, y, classes, parts, data.score_params, index
                )
            else:
                tuner = None
                threshold, score = self._threshold_at(
                    column[:, -1],
                    y == classes[1],
                    None if data.sample_weight is None else data.sample_weight[index],
                )
            self._tuners.append(tuner)
            predicted = _predict(tuner, threshold, column, classes) == classes[1]
            shares = [
                np.average(
                    (predicted == is_positive)[part],
                    weights=None if data.sample_weight is None else data.sample_weight[index][part],
                )
                for is_positive, part in ((True, y == classes[1]), (False, y != classes[1]))
            ]
            results.append((threshold, score, *shares))
        columns = np.array(results).T if is_multilabel else map(float, results[0])
        self.best_threshold_, self.best_score_, self.sensitivity_, self.specificity_ = columns
        self._score_classes = classes
        if self.store_cv_results:
            stored = [tuner.cv_results_ for tuner in self._tuners]
            self.cv_results_ = stored if is_multilabel else stored[0]

    def _check_not_constant(self, name, column, parts):
        for number, part in enumerate(parts):
            score = column[part, -1]
            if np.isclose(score.min(), score.max(), rtol=1e-12, atol=0):
                raise ValueError(
                    "The provided estimator makes constant predictions. Therefore, it is "
                    "impossible to optimize the decision threshold: in the test part of split "
                    f"{number}, all records have the score {score[0]:.6g} for label {name!r}."
                )

    def _best_threshold(self, column, y, classes, parts, score_params, index):
        """Return scikit-learn's fitted search, and its threshold and score."""
        params = {name: _safe_indexing(value, index) for name, value in score_params.items()}
        with config_context(enable_metadata_routing=True):
            classifier = PrecomputedScores(classes, self._response)
            scorer = deepcopy(check_scoring(classifier, scoring=self.scoring))
            if "sample_weight" in params:
                _check_scorer_accepts_weights(scorer, self.scoring)
            if params:
                scorer.set_score_request(**dict.fromkeys(params, True))
            tuner = TunedThresholdClassifierCV(
                classifier.set_fit_request(sample_weight=False),
                scoring=scorer,
                response_method=self._response,
                thresholds=self.thresholds,
                cv=[(part, part) for part in parts],
                store_cv_results=self.store_cv_results,
            ).fit(column, y, **params)
        return tuner, tuner.best_threshold_, tuner.best_score_

    def _threshold_at(self, score, is_positive, sample_weight):
        """Return the threshold for the wanted sensitivity or specificity, and the other one."""
        false_positive, true_positive, thresholds = roc_curve(
            is_positive, score, sample_weight=sample_weight, drop_intermediate=False
        )
        if self.sensitivity is not None:
            best = np.flatnonzero(true_positive >= self.sensitivity - _TOLERANCE)[0]
            return thresholds[best], 1 - false_positive[best]
        best = np.flatnonzero(1 - false_positive >= self.specificity - _TOLERANCE)[-1]
        threshold = thresholds[best]
        if np.isinf(threshold):
            # No record is positive.
            threshold = np.nextafter(np.max(score), np.inf)
        return threshold, true_positive[best]

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X):
        """Predict the probabilities of the classifier, which the thresholds do not change.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_records, n_classes) or (n_records, n_labels)
            As returned by the classifier.
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    @available_if(_estimator_has("predict_log_proba"))
    def predict_log_proba(self, X):
        """Predict the logarithms of the probabilities of the classifier.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`.

        Returns
        -------
        log_probabilities : ndarray of shape (n_records, n_classes) or (n_records, n_labels)
            As returned by the classifier.
        """
        check_is_fitted(self)
        return self.estimator_.predict_log_proba(X)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X):
        """Compute the decisions of the classifier, which the thresholds do not change.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`.

        Returns
        -------
        decisions : ndarray of shape (n_records,) or (n_records, n_labels)
            As returned by the classifier.
        """
        check_is_fitted(self)
        return self.estimator_.decision_function(X)

    def predict(self, X):
        """Predict classes or labels with the chosen thresholds.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`.

        Returns
        -------
        y : ndarray of shape (n_records,) or (n_records, n_labels)
            Class labels, or a multilabel indicator.
        """
        check_is_fitted(self)
        scores = label_scores(self.estimator_, X, self._response, self._target_kind)
        columns = PrecomputedScores.columns(scores, self._target_kind, self._response)
        thresholds = np.atleast_1d(self.best_threshold_)
        predicted = [
            _predict(tuner, threshold, column, self._score_classes)
            for tuner, threshold, column in zip(self._tuners, thresholds, columns, strict=True)
        ]
        return np.column_stack(predicted) if self._target_kind == "multilabel" else predicted[0]

    def get_metadata_routing(self):
        """Get the metadata routing of this object.

        Returns
        -------
        routing : MetadataRouter
            See the user guide of scikit-learn on metadata routing.
        """
        return (
            super()
            .get_metadata_routing()
            .add(
                scorer=check_scoring(self.estimator, scoring=self.scoring),
                method_mapping=MethodMapping().add(caller="fit", callee="score"),
            )
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def _predict(tuner, threshold, column, classes):
    """Return the class of each record, with scikit-learn's search if there is one."""
    if tuner is not None:
        return tuner.predict(column)
    return classes[(column[:, -1] >= threshold).astype(np.intp)]


def _check_scorer_accepts_weights(scorer, scoring):
    parameters = signature(scorer._score_func).parameters.values()
    if not any(p.name == "sample_weight" or p.kind == p.VAR_KEYWORD for p in parameters):
        raise ValueError(
            f"sample_weight was given, but scoring={scoring!r} does not accept weights. Pass "
            "another scoring, or enable metadata routing to use the weights for training only."
        )

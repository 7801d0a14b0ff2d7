"""Calibration of the probabilities of each label."""

from numbers import Integral

import numpy as np
import sklearn
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.fixes import parse_version
from sklearn.utils.validation import check_is_fitted

from .._validation._samples import weights_as_counts
from ._base import CrossFittedClassifier
from ._cross_fitting import (
    check_parts_have_both_values,
    cross_fit,
    fit_on,
    is_frozen,
    make_splits,
)
from ._label_scores import PrecomputedScores, find_response_method, label_scores

# Calibrators prefer decisions, as in scikit-learn.
_METHODS = ("decision_function", "predict_proba")

_ADVICE = (
    "Pass fewer folds, a cv that spreads the positive records over the folds, or ensemble=False, "
    "which calibrates once with the records of all folds; or leave the label out, and train the "
    "classifier without it if it is already fitted."
)
_ADVICE_POOLED = (
    "Pass fewer folds or a cv that spreads the positive records over the folds, or leave the label "
    "out, and train the classifier without it if it is already fitted."
)


class MultilabelCalibratedClassifierCV(CrossFittedClassifier):
    """Calibrate probabilities of binary, multiclass and multilabel targets, by patient.

    This is `sklearn.calibration.CalibratedClassifierCV` for multilabel targets as well, and with
    ``groups`` in `fit`, which keep the records of a patient on one side of the internal split. Each
    label of a multilabel target has its own calibrator of scikit-learn, on a classifier that is
    fitted once for all labels. On a binary or multiclass target, the results equal those of
    scikit-learn if the splits are the same.

    Parameters
    ----------
    estimator : classifier or None, default=None
        Classifier, or Pipeline that ends in one, with ``decision_function`` or ``predict_proba``;
        the former is used if it has both. X may be any container that it accepts. None is
        ``LinearSVC(random_state=0)``, for a multilabel target one for each label. A fitted
        classifier in a `sklearn.frozen.FrozenEstimator` is not trained: all records are then used
        for the calibration, and must not be those that it was trained on.
    method : {"sigmoid", "isotonic", "temperature"}, default="sigmoid"
        "sigmoid" is Platt's logistic function with an intercept, which also corrects a prevalence
        that class weights have changed. "isotonic" is a step function, which needs about a thousand
        records. "temperature" is a single factor of the logits; it needs scikit-learn 1.8.
    cv : int, splitter, iterable or None, default=None
        Splits into records for training and records for calibration. None is 5 folds, an int the
        number of folds: those of `MultilabelStratifiedGroupKFold` for a multilabel target,
        otherwise those of `StratifiedKFold` or, with ``groups``, `StratifiedGroupKFold`.
    n_jobs : int or None, default=None
        Number of splits that are fitted at the same time. None is 1.
    ensemble : bool or "auto", default="auto"
        If True, a classifier and its calibrators are fitted for each split, and probabilities are
        averaged. If False, the calibrators are fitted once, on the predictions of all splits, and
        applied to a classifier that is trained on all records; ``cv`` must then have each record in
        one test part. "auto" is False for a `FrozenEstimator`, otherwise True.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or (n_labels,)
        Class labels; for a multilabel target, the numbers of its columns.
    calibrated_classifiers_ : list of object
        The pairs of a fitted classifier, ``estimator``, and its ``calibrators``, one for each label
        of a multilabel target. One pair for each split, or one in all with ``ensemble=False``.
    n_features_in_ : int
        Number of features seen during `fit`. Only defined if the classifier has it.
    feature_names_in_ : ndarray of str
        Names of the columns of X. Only defined if the classifier has it.

    See Also
    --------
    MultilabelTunedThresholdClassifierCV : Choose a threshold for each label.
    sklearn_ecg.PriorCorrectedClassifier : Correct the prevalence only.
    sklearn_ecg.inspection.ReliabilityDisplay : Draw reliability diagrams.

    Notes
    -----
    `fit` raises an error that names the label if a label has no positive or no negative records in
    a part that needs both, where scikit-learn would fit a calibrator to a constant.

    Weights are used for training, if the classifier accepts ``sample_weight``, and for calibration.
    Without metadata routing, ``groups`` are also passed to classifiers whose `fit` accepts them,
    such as the networks of this package.

    References
    ----------
    Platt (1999). Probabilistic outputs for support vector machines.

    Niculescu-Mizil, Caruana (2005). Predicting good probabilities with supervised learning. ICML.

    Guo et al. (2017). On calibration of modern neural networks. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.multiclass import OneVsRestClassifier
    >>> from sklearn_ecg import MultilabelCalibratedClassifierCV
    >>> rng = np.random.RandomState(0)
    >>> X = rng.randn(300, 4)
    >>> y = (X[:, :2] + rng.randn(300, 2) > 1).astype(int)
    >>> patients = np.arange(300) // 3
    >>> weighted = OneVsRestClassifier(LogisticRegression(class_weight="balanced"))
    >>> clf = MultilabelCalibratedClassifierCV(weighted, cv=3).fit(X, y, groups=patients)
    >>> y.mean(axis=0).round(2)
    array([0.23, 0.22])
    >>> clf.predict_proba(X).mean(axis=0).round(2)
    array([0.23, 0.22])
    >>> weighted.fit(X, y).predict_proba(X).mean(axis=0).round(2)
    array([0.41, 0.42])
    """

    _parameter_constraints = {
        "estimator": [
            HasMethods(["fit", "predict_proba"]),
            HasMethods(["fit", "decision_function"]),
            None,
        ],
        "method": [StrOptions({"isotonic", "sigmoid", "temperature"})],
        "cv": ["cv_object"],
        "n_jobs": [Integral, None],
        "ensemble": ["boolean", StrOptions({"auto"})],
    }

    def __init__(
        self,
        estimator=None,
        *,
        method="sigmoid",
        cv=None,
        n_jobs=None,
        ensemble: bool | str = "auto",
    ):
        self.estimator = estimator
        self.method = method
        self.cv = cv
        self.n_jobs = n_jobs
        self.ensemble = ensemble

    def _get_estimator(self, target=None):
        if self.estimator is not None:
            return self.estimator
        estimator = LinearSVC(random_state=0)
        if sklearn.get_config()["enable_metadata_routing"]:
            estimator.set_fit_request(sample_weight=True)
        is_multilabel = target is not None and target.kind == "multilabel"
        return OneVsRestClassifier(estimator) if is_multilabel else estimator

    def fit(self, X, y, sample_weight=None, groups=None, **fit_params):
        """Fit the classifier and its calibrators.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records in any container that the classifier accepts.
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Class labels of any type, or a multilabel indicator of 0 and 1.
        sample_weight : array-like of shape (n_records,), default=None
            Weights >= 0 of the records. The calibrators scale weights that add up to less than the
            number of records up to it.
        groups : array-like of shape (n_records,), default=None
            Patients. All records of a patient are on the same side of a split.
        **fit_params : dict
            Further arguments of `fit` of the classifier, such as ``clf__sample_weight`` for a step
            of a Pipeline. Those with one value per record are split like the records.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If labels are missing or of one class only; if a patient is on both sides of a split; if
            a label has no positive or no negative records in a part that needs both; if the classes
            or the number of labels of a frozen classifier are not those of y.
        TypeError
            If X contains objects that are neither numbers nor signals.
        """
        self._validate_params()
        _check_method(self.method)
        data = self._validate(X, y, sample_weight, groups, fit_params)
        target = data.target
        estimator = self._get_estimator(target)
        method = find_response_method(estimator, _METHODS)
        ensemble = not is_frozen(estimator) if self.ensemble == "auto" else self.ensemble
        self.classes_, self._target_kind = target.classes, target.kind
        records = np.arange(len(target.values))
        splits = [(records, records)]
        if ensemble or not is_frozen(estimator):
            splits = make_splits(self.cv, data.X, target, data.groups, data.split_params)
        self._check_parts(data, splits, ensemble, is_frozen(estimator))
        fitted, scores = cross_fit(
            estimator,
            data.X,
            target,
            data.names,
            splits,
            data.fit_params,
            method,
            self.n_jobs,
        )
        if ensemble:
            parts = [(clf, part, test) for clf, part, (_, test) in zip(fitted, scores, splits)]
        else:
            final = fitted[0]
            if not is_frozen(estimator):
                final = fit_on(estimator, data.X, target.labels, records, data.fit_params)
            order = np.argsort(np.concatenate([test for _, test in splits]))
            parts = [(final, np.concatenate(scores)[order], records)]
        self.calibrated_classifiers_ = [
            _CalibratedClassifier(clf, method, self.method, data, part, index)
            for clf, part, index in parts
        ]
        self._set_input_attributes(self.calibrated_classifiers_[0].estimator)
        return self

    def _check_parts(self, data, splits, ensemble, frozen):
        """Raise if a label is constant in records that a classifier or calibrator needs."""
        parts = []
        for number, (train, test) in enumerate(splits):
            parts += [] if frozen else [(f"training part of split {number}", train)]
            parts += [(f"calibration part of split {number}", test)] if ensemble else []
        if not ensemble:
            tested = np.concatenate([test for _, test in splits])
            if not np.array_equal(np.sort(tested), np.arange(len(data.target.values))):
                raise ValueError(
                    "ensemble=False requires a cv that has each record in exactly one test part, "
                    "such as KFold or GroupKFold. Pass such a cv, or ensemble=True."
                )
            parts.append(("calibration part", tested))
        check_parts_have_both_values(
            data.target,
            data.names,
            parts,
            data.sample_weight,
            _ADVICE if ensemble else _ADVICE_POOLED,
        )

    def predict_proba(self, X):
        """Predict calibrated probabilities.

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
        first, *others = (pair.predict_proba(X) for pair in self.calibrated_classifiers_)
        total = sum(others, first)
        return total / len(self.calibrated_classifiers_)


class _CalibratedClassifier:
    """A fitted classifier with a calibrator for each label, or for all classes together.

    Parameters
    ----------
    estimator : classifier
        Fitted.
    response_method : {"decision_function", "predict_proba"}
    calibration : {"sigmoid", "isotonic", "temperature"}
    data : FitData
    scores : ndarray of shape (n_calibration, ...)
        Scores of the records for calibration, which the classifier was not trained on.
    index : ndarray of int
        Positions of these records.
    """

    def __init__(self, estimator, response_method, calibration, data, scores, index):
        self.estimator = estimator
        self.response_method = response_method
        self.kind = data.target.kind
        columns = PrecomputedScores.columns(scores, self.kind, response_method)
        # Numbers of classes, not names: the temperature calibrator requires numbers.
        values = data.target.values[index]
        values = values.T if self.kind == "multilabel" else [values]
        n_classes = 2 if self.kind == "multilabel" else len(data.target.classes)
        weight = None if data.sample_weight is None else data.sample_weight[index]
        self.calibrators = [
            _fit_calibrator(column, value, n_classes, weight, response_method, calibration)
            for column, value in zip(columns, values, strict=True)
        ]

    def predict_proba(self, X):
        scores = label_scores(self.estimator, X, self.response_method, self.kind)
        columns = PrecomputedScores.columns(scores, self.kind, self.response_method)
        probabilities = [
            calibrator.predict_proba(column)
            for calibrator, column in zip(self.calibrators, columns, strict=True)
        ]
        if self.kind == "multilabel":
            return np.column_stack([probability[:, 1] for probability in probabilities])
        return probabilities[0]


def _fit_calibrator(scores, y, n_classes, sample_weight, response_method, calibration):
    """Fit a calibrator of scikit-learn to given scores."""
    if sample_weight is not None:
        sample_weight = weights_as_counts(sample_weight)
    records = np.arange(len(scores))
    calibrator = CalibratedClassifierCV(
        PrecomputedScores(np.arange(n_classes), response_method),
        method=calibration,
        # The scores are those of held-out records already.
        cv=[(records, records)],
        ensemble=False,
    )
    with config_context(enable_metadata_routing=False):
        return calibrator.fit(scores, y, sample_weight)


def _check_method(method):
    if method == "temperature" and parse_version(sklearn.__version__) < parse_version("1.8"):
        raise ValueError(
            f"method='temperature' needs scikit-learn 1.8, and {sklearn.__version__} is installed. "
            "Pass method='sigmoid', or install a newer scikit-learn."
        )

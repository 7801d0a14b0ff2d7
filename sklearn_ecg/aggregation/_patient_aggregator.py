"""A classifier that is trained on records, and predicts patients."""

from collections.abc import Callable
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.metrics import get_scorer
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.validation import _num_samples, check_is_fitted

from .._validation._samples import check_groups
from ..utils._warnings import warn
from ._base import AggregatingClassifier
from ._fit_arguments import check_inner_splits
from ._patients import label_patients, level_of_index, number_patients
from ._rules import NAMED_RULES, aggregate_rows, check_rule


class PatientAggregator(AggregatingClassifier):
    """Train a classifier on records, and aggregate its probabilities by patient.

    A patient with several records gets one prediction, in `predict_patients`. `predict_proba` and
    `predict` return it for each record of the patient, so that the tools of scikit-learn work.

    Parameters
    ----------
    estimator : classifier
        Classifier with ``predict_proba``, a Pipeline that ends in one, or a `WindowedClassifier`.
        X may be any container that it accepts.
    aggregate : {"mean", "median", "max", "noisy_or"} or callable, default="mean"
        How the probabilities of the records of a patient become one: "mean"; "median", for more
        than two classes divided by the sum of the medians; "max" or "noisy_or" of ``classes_[1]``
        or of each label, not for more than two classes nor for two strings; or a function of an
        array of shape (n_records, n_classes) or (n_records, n_labels) that returns an array of
        shape (n_classes,) or (n_labels,). See `WindowedClassifier`.
    patient_level : str, int or None, default=None
        Level of the index of a frame X that has the patients, by name or number. The patients are
        then known in all methods and in every tool of scikit-learn. With None, pass ``groups``.
    weighting : {"records", "patients"}, default="records"
        With "records", each record has the same influence in `fit`. With "patients", the records of
        a patient share the weight of one record, times the mean number of records of a patient.
    label_conflicts : {"raise", "any"}, default="raise"
        What to do in `score` and `score_patients` if the records of a patient have different
        labels: raise an error, or "any": the patient has ``classes_[1]``, a number, or a label, if
        one of the records has it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or (n_labels,)
        Class labels; for a multilabel target, the numbers of its columns.
    estimator_ : classifier
        The fitted classifier.
    n_features_in_ : int
        Number of features seen during `fit`. Only defined if the classifier has it.
    feature_names_in_ : ndarray of str
        Names of the columns of X. Only defined if the classifier has it.

    See Also
    --------
    WindowedClassifier : Aggregate the probabilities of the windows of a record.
    sklearn_ecg.aggregation.aggregate_patients : Aggregate probabilities of cross-validation.

    Notes
    -----
    Without ``groups`` and `patient_level`, each record is a patient of its own in predictions. A
    warning is raised if patients had several records in `fit`.

    `fit` trains the classifier on records. Patients are passed on as ``groups`` if its `fit`, or
    that of the last step of a Pipeline, accepts them, so that they stay on one side of an internal
    split. A classifier that splits its training records and does not use groups raises an error if
    patients have several records.

    There are three ways to score patients in cross-validation, all of them with a splitter by
    patient such as `sklearn.model_selection.StratifiedGroupKFold`:

    - With `patient_level`, pass a function as ``scoring``, as in the example below.
    - With metadata routing of scikit-learn, ``set_score_request(groups=True)`` and
      ``set_fit_request(groups=True)`` bring ``params={"groups": patients}`` of `cross_validate` to
      `score`, the accuracy over patients.
    - Aggregate the probabilities that `cross_val_predict` returns for the classifier itself with
      `sklearn_ecg.aggregation.aggregate_patients`.

    Scores of scikit-learn's scorers, such as ``scoring="roc_auc"``, count each record of a patient.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import StratifiedGroupKFold, cross_validate
    >>> from sklearn_ecg import PatientAggregator
    >>> rng = np.random.RandomState(0)
    >>> patients = np.arange(120) // 3
    >>> y = patients % 2
    >>> X = pd.DataFrame(rng.randn(120, 2) + y[:, None], columns=["st", "qrs"])
    >>> X.index = pd.Index(patients, name="patient")
    >>> clf = PatientAggregator(LogisticRegression(), patient_level="patient").fit(X, y)
    >>> clf.predict_patients(X).shape
    (40, 2)
    >>> def auroc(clf, X, y):
    ...     return clf.score_patients(X, y, scoring="roc_auc")
    >>> cv = StratifiedGroupKFold(5)
    >>> options = {"groups": patients, "cv": cv}
    >>> scores = cross_validate(clf, X, y, scoring=auroc, **options)["test_score"]
    >>> of_records = cross_validate(LogisticRegression(), X, y, scoring="roc_auc", **options)
    >>> float(scores.mean().round(3)), float(of_records["test_score"].mean().round(3))
    (0.912, 0.829)
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "aggregate": [StrOptions(set(NAMED_RULES)), callable],
        "patient_level": [str, Integral, None],
        "weighting": [StrOptions({"records", "patients"})],
        "label_conflicts": [StrOptions({"raise", "any"})],
    }

    def __init__(
        self,
        estimator,
        *,
        aggregate: str | Callable = "mean",
        patient_level=None,
        weighting="records",
        label_conflicts="raise",
    ):
        self.estimator = estimator
        self.aggregate = aggregate
        self.patient_level = patient_level
        self.weighting = weighting
        self.label_conflicts = label_conflicts

    def fit(self, X, y, sample_weight=None, groups=None, **fit_params):
        """Fit the classifier to the records.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records in any container that the classifier accepts.
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Class labels of any type, or a multilabel indicator of 0 and 1.
        sample_weight : array-like of shape (n_records,), default=None
            Weights >= 0 of the records. Passed on if the `fit` of the classifier, or of the last
            step of a Pipeline, accepts weights.
        groups : array-like of shape (n_records,), default=None
            Patients, unless `patient_level` names them.
        **fit_params : dict
            Further arguments of `fit` of the classifier.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        TypeError
            If X is not array-like.
        ValueError
            If patients are missing, or given twice and different; if the aggregation is not defined
            for more than two classes; if the classifier would split the records of a patient.
        """
        self._validate_params()
        # If fit fails, the estimator is not fitted.
        vars(self).pop("estimator_", None)
        n_records = _num_samples(X)
        groups = self._read_patients(X, groups)
        data = self._validate_records(n_records, y, sample_weight, groups, fit_params)
        check_rule(self.aggregate, data.target.kind, data.target.classes)
        factor, repeated = None, False
        if data.groups is not None:
            members, patients = number_patients(data.groups)
            counts = np.bincount(members)
            repeated = len(patients) < n_records
            if self.weighting == "patients" and (counts != counts[0]).any():
                factor = (counts.mean() / counts)[members]
        elif self.weighting == "patients":
            raise ValueError(
                "weighting='patients' needs the patients. Pass groups to fit, or patient_level."
            )
        name = type(self).__name__
        if repeated:
            check_inner_splits(
                self.estimator, n_records, meta=name, rows="the records of a patient"
            )
        arguments = self._fit_arguments(
            data,
            np.arange(n_records),
            data.groups,
            factor,
            "Patients have different numbers of records, and those with more records have more "
            "influence. Pass weighting='records' if that is intended.",
        )
        self.estimator_ = clone(self.estimator).fit(X, data.target.labels, **arguments)
        self._set_classes(data, X)
        self._has_repeated_patients = repeated
        for attribute in ("n_features_in_", "feature_names_in_"):
            vars(self).pop(attribute, None)
            if hasattr(self.estimator_, attribute):
                setattr(self, attribute, getattr(self.estimator_, attribute))
        return self

    def _read_patients(self, X, groups):
        """Return the patient of each record, or None if they are unknown."""
        if groups is not None:
            groups = check_groups(groups, _num_samples(X))
        if self.patient_level is None:
            return groups
        patients = check_groups(level_of_index(X, self.patient_level), _num_samples(X))
        if groups is not None and not np.array_equal(groups, patients):
            raise ValueError(
                f"groups differ from the level patient_level={self.patient_level!r} of the index "
                "of X. Pass one of them only."
            )
        return patients

    def _predict(self, X, groups):
        """Return the probabilities of the patients, the patient of each record, and the index."""
        check_is_fitted(self, "estimator_")
        n_records = _num_samples(X)
        groups = self._read_patients(X, groups)
        if groups is None:
            if self._has_repeated_patients:
                warn(
                    "The patients are unknown, and each record is predicted as a patient of its "
                    "own. Pass groups, or name the level of the index of X with the patients: "
                    f"{type(self).__name__}(..., patient_level='patient').",
                    UserWarning,
                )
            groups = np.arange(n_records)
        members, patients = number_patients(groups)
        probability = aggregate_rows(
            self._predict_rows(X),
            members,
            len(patients),
            self.aggregate,
            self._target_kind,
            self.classes_,
        )
        return probability, members, patients

    def predict_proba(self, X, groups=None):
        """Predict the probabilities of the patient of each record.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`.
        groups : array-like of shape (n_records,), default=None
            Patients, unless `patient_level` names them.

        Returns
        -------
        probabilities : ndarray of shape (n_records, n_classes) or (n_records, n_labels)
            Columns in the order of ``classes_``. All records of a patient have the same ones.
        """
        probability, members, _ = self._predict(X, groups)
        return probability[members]

    def predict(self, X, groups=None):
        """Predict the class, or the labels, of the patient of each record.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`.
        groups : array-like of shape (n_records,), default=None
            Patients, unless `patient_level` names them.

        Returns
        -------
        y : ndarray of shape (n_records,) or (n_records, n_labels)
            Class labels, or a multilabel indicator. All records of a patient have the same ones.
        """
        return self._label(self.predict_proba(X, groups))

    def predict_patients(self, X, groups=None):
        """Predict the probabilities of each patient.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`.
        groups : array-like of shape (n_records,), default=None
            Patients, unless `patient_level` names them.

        Returns
        -------
        table : DataFrame of shape (n_patients, n_classes) or (n_patients, n_labels)
            Probabilities, indexed by patient, in sorted order. The columns are the classes or, for
            a multilabel target, the names of the columns of y if it was a DataFrame, otherwise
            their numbers.
        """
        probability, _, patients = self._predict(X, groups)
        return pd.DataFrame(probability, index=patients, columns=self._names)

    def score_patients(self, X, y, groups=None, *, scoring: str | Callable = "accuracy"):
        """Score the predictions of patients, each of which counts once.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`.
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Labels of the records. Those of the patients follow from them, see `label_conflicts`.
        groups : array-like of shape (n_records,), default=None
            Patients, unless `patient_level` names them.
        scoring : str or callable, default="accuracy"
            Name of a scorer of scikit-learn that uses ``predict`` or ``predict_proba``, such as
            "roc_auc", or a scorer of `sklearn.metrics.make_scorer`.

        Returns
        -------
        score : float
            The score over patients.

        Raises
        ------
        ValueError
            If the records of a patient have different labels, unless ``label_conflicts="any"``; if
            y contains classes that were not in `fit`.
        """
        probability, members, patients = self._predict(X, groups)
        target = self._read_labels(y, "score_patients")
        check_consistent_length(members, target.values)
        labels = label_patients(target, members, patients, self.label_conflicts)
        table = _PatientTable(self).fit(probability, labels)
        return get_scorer(scoring)(table, probability, labels)

    def score(self, X, y, sample_weight=None, groups=None):
        """Return the accuracy over patients.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`.
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Labels of the records.
        sample_weight : None
            Not supported: each patient counts once.
        groups : array-like of shape (n_records,), default=None
            Patients, unless `patient_level` names them.

        Returns
        -------
        score : float
            Accuracy; for a multilabel target, the share of patients with all labels correct.

        Raises
        ------
        ValueError
            If weights are given, the records of a patient have different labels, or y contains
            classes that were not in `fit`.
        """
        if sample_weight is not None:
            raise ValueError(
                "sample_weight is not supported in score, where each patient counts once. Pass "
                "None, or score the predictions of predict_patients."
            )
        return self.score_patients(X, y, groups)


class _PatientTable(ClassifierMixin, BaseEstimator):
    """Classifier whose X are the probabilities that it returns, for scorers."""

    def __init__(self, aggregator):
        self.aggregator = aggregator

    def fit(self, X, y):
        self.classes_ = self.aggregator.classes_
        if self.aggregator._target_kind == "multilabel":
            # As of a forest, so that two labels are not taken for two classes.
            self.classes_ = [np.array([0, 1])] * X.shape[1]
        return self

    def predict_proba(self, X):
        return X

    def predict(self, X):
        return self.aggregator._label(X)

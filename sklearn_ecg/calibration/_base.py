"""What meta-estimators share that fit a classifier on internal splits."""

from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import get_tags, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import has_fit_parameter

from .._validation import Target, check_positive_class
from .._validation._samples import check_groups, check_weights
from ..utils._documentation_links import DocumentationLinkMixin
from ..utils._warnings import warn
from ._cross_fitting import is_frozen


class FitData(NamedTuple):
    """The validated arguments of `fit`.

    Parameters
    ----------
    X : array-like, DataFrame or lead frame
    target : Target
    names : list
        The classes, or the names of the labels: columns of a DataFrame, otherwise numbers.
    sample_weight : ndarray of shape (n_records,) or None
    groups : ndarray of shape (n_records,) or None
    fit_params, split_params, score_params : dict
        Arguments of `fit` of the classifier, of the splitter, and of the scorer.
    """

    X: Any
    target: Target
    names: list
    sample_weight: np.ndarray | None
    groups: np.ndarray | None
    fit_params: dict
    split_params: dict
    score_params: dict


class CrossFittedClassifier(
    DocumentationLinkMixin, ClassifierMixin, MetaEstimatorMixin, BaseEstimator
):
    """Base class of meta-estimators that fit a classifier on internal splits by patient."""

    def _get_estimator(self, target=None):
        return self.estimator

    def _validate(self, X, y, sample_weight, groups, params):
        """Check the arguments of `fit`, and find out which of them go where."""
        name = type(self).__name__
        target = Target.from_labels(y, name)
        X, _ = indexable(X, target.values)
        n_records = len(target.values)
        names = target.classes.tolist()
        if target.kind == "multilabel" and hasattr(y, "columns"):
            names = list(y.columns)
        if groups is not None:
            groups = check_groups(groups, n_records)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, n_records)
        given = {"sample_weight": sample_weight, "groups": groups}
        given = {name: value for name, value in given.items() if value is not None}
        estimator = self._get_estimator(target)
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, "fit", **params, **given)
            scorer = routed["scorer"].score if "scorer" in routed else {}
            split = [dict(routed.estimator.fit), dict(routed.splitter.split), dict(scorer)]
        else:
            accepted = {key: given[key] for key in given if has_fit_parameter(estimator, key)}
            if "sample_weight" in given.keys() - accepted.keys() and not is_frozen(estimator):
                warn(
                    f"{type(estimator).__name__} does not accept sample_weight in fit, so that "
                    f"only {name} itself uses the weights. For a Pipeline, pass them to its step, "
                    "as in clf__sample_weight, too.",
                    UserWarning,
                )
            split = [{**params, **accepted}, {} if groups is None else {"groups": groups}]
            split += [{} if sample_weight is None else {"sample_weight": sample_weight}]
        return FitData(X, target, names, sample_weight, groups, *split)

    def _check_positive_class(self, target, *parameters):
        """Raise if a parameter is for the positive one of two classes, and that is unknown."""
        for name in parameters:
            value = getattr(self, name)
            if value is not None:
                check_positive_class(target.kind, target.classes, f"{name}={value!r}")

    def _set_input_attributes(self, fitted):
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(fitted, name):
                setattr(self, name, getattr(fitted, name))

    def predict(self, X):
        """Predict the most probable class, or the labels with a probability above 0.5.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records like those given to `fit`.

        Returns
        -------
        y : ndarray of shape (n_records,) or (n_records, n_labels)
            Class labels, or a multilabel indicator.
        """
        probability = self.predict_proba(X)
        if self._target_kind == "multilabel":
            return (probability > 0.5).astype(np.int64)
        return self.classes_[probability.argmax(axis=1)]

    def get_metadata_routing(self):
        """Get the metadata routing of this object.

        Returns
        -------
        routing : MetadataRouter
            See the user guide of scikit-learn on metadata routing.
        """
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(
                estimator=self._get_estimator(),
                method_mapping=MethodMapping().add(caller="fit", callee="fit"),
            )
            .add(
                splitter=self.cv,
                method_mapping=MethodMapping().add(caller="fit", callee="split"),
            )
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        of_estimator = get_tags(self._get_estimator())
        tags.input_tags = deepcopy(of_estimator.input_tags)
        tags.classifier_tags = deepcopy(of_estimator.classifier_tags)
        return tags

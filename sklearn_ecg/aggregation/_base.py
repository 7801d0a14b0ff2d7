"""What the meta-estimators that aggregate probabilities share."""

from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import check_consistent_length, column_or_1d, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import _check_method_params

from .._validation import Target
from .._validation._samples import check_groups, check_weights
from ..calibration._cross_fitting import check_same_classes, check_same_kind
from ..calibration._label_scores import label_scores
from ..utils._documentation_links import DocumentationLinkMixin
from ..utils._warnings import warn
from ._fit_arguments import find_argument


class RecordData(NamedTuple):
    """The validated arguments of `fit`, per record.

    Parameters
    ----------
    target : Target
    names : list
        The classes, or the names of the labels: columns of a DataFrame, otherwise numbers.
    sample_weight : ndarray of shape (n_records,) or None
    groups : ndarray of shape (n_records,) or None
    fit_params : dict
        Further arguments of `fit` of the classifier, without weights and groups.
    """

    target: Target
    names: list
    sample_weight: Any
    groups: Any
    fit_params: dict


class AggregatingClassifier(
    DocumentationLinkMixin, ClassifierMixin, MetaEstimatorMixin, BaseEstimator
):
    """Base class of meta-estimators that aggregate the probabilities of a classifier."""

    def _validate_records(self, n_records, y, sample_weight, groups, params):
        """Check the arguments of `fit` that have one value per record."""
        target = Target.from_labels(y, type(self).__name__)
        check_consistent_length(range(n_records), target.values)
        names = target.classes.tolist()
        if target.kind == "multilabel" and hasattr(y, "columns"):
            names = list(y.columns)
        if groups is not None:
            groups = check_groups(groups, n_records)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, n_records)
        if get_config()["enable_metadata_routing"]:
            given = {"sample_weight": sample_weight, "groups": groups}
            given = {name: value for name, value in given.items() if value is not None}
            routed = process_routing(self, "fit", **params, **given)
            params = {name: v for name, v in routed.estimator.fit.items() if name not in given}
        return RecordData(target, names, sample_weight, groups, params)

    def _fit_arguments(self, data, members, groups, relative_weight, what):
        """Return the arguments of `fit` of the classifier, for rows made from the records.

        Parameters
        ----------
        data : RecordData
        members : ndarray of shape (n_rows,), int
            The record of each row.
        groups : ndarray of shape (n_records,) or None
            Groups that are passed on.
        relative_weight : ndarray of shape (n_records,) or None
            Factor of the weight of a record's rows. None is 1.
        what : str
            Why there are weights that the user has not passed, for the warning.
        """
        n_records = len(data.target.values)
        names = np.empty((n_records, 1))
        arguments = _check_method_params(names, data.fit_params, indices=members)
        weight = data.sample_weight
        if relative_weight is not None:
            weight = relative_weight if weight is None else weight * relative_weight
        for name, values in (("sample_weight", weight), ("groups", groups)):
            argument = find_argument(self.estimator, name)
            if values is not None and argument is not None and argument not in arguments:
                arguments[argument] = values[members]
            elif name == "sample_weight" and values is not None and argument is None:
                reason = "" if data.sample_weight is not None else f" {what}"
                warn(
                    f"{type(self.estimator).__name__} does not accept sample_weight in fit, so "
                    f"that weights are ignored.{reason}",
                    UserWarning,
                )
        return arguments

    def _set_classes(self, data, X):
        """Set ``classes_``, which must be those of y in the same order; X is what was fitted."""
        self.classes_, self._target_kind = data.target.classes, data.target.kind
        self._names = list(data.names)
        fitted = getattr(self.estimator_, "classes_", None)
        if fitted is None:
            return
        if data.target.kind == "multilabel":
            check_same_classes(self.estimator_, data.target, data.names, X)
            return
        check_same_kind(self.estimator_, data.target.kind, X)
        if set(fitted.tolist()) - set(self.classes_.tolist()):
            raise ValueError(
                f"y has the classes {self.classes_.tolist()}, but the fitted classifier has "
                f"{fitted.tolist()}. Pass a classifier that was fitted on the same classes."
            )
        # A network may have left out a class of records without labels.
        self.classes_, self._names = fitted, fitted.tolist()
        self._target_kind = "binary" if len(fitted) == 2 else "multiclass"

    def _read_labels(self, y, method):
        """Encode labels with the classes of `fit`, of which y may contain some only."""
        if self._target_kind != "multilabel":
            # Not LabelEncoder, which shortens strings to the length of the longest class.
            labels = column_or_1d(y).tolist()
            positions = {label: i for i, label in enumerate(self.classes_.tolist())}
            unknown = [label for label in labels if label not in positions]
            if unknown:
                raise ValueError(
                    f"y contains {unknown[0]!r}, but {type(self).__name__} was fitted on the "
                    f"classes {list(positions)}. Leave such records out."
                )
            values = np.array([positions[label] for label in labels], dtype=np.int64)
            return Target(self._target_kind, self.classes_, values)
        target = Target.from_labels(y, f"{type(self).__name__}.{method}")
        if target.kind != "multilabel" or len(target.classes) != len(self.classes_):
            raise ValueError(
                f"y has {len(target.classes)} classes or labels, but {type(self).__name__} was "
                f"fitted on {len(self.classes_)} labels. Pass an indicator with these columns."
            )
        return target

    def _predict_rows(self, X):
        """Return the probabilities of the wrapped classifier as one array."""
        return label_scores(self.estimator_, X, "predict_proba", self._target_kind)

    def _label(self, probability):
        """Return the most probable class, or the labels with a probability above 0.5."""
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
                estimator=self.estimator,
                method_mapping=MethodMapping().add(caller="fit", callee="fit"),
            )
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        of_estimator = get_tags(self.estimator)
        tags.input_tags = deepcopy(of_estimator.input_tags)
        tags.classifier_tags = deepcopy(of_estimator.classifier_tags)
        return tags

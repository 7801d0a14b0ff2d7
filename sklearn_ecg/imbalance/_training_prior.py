"""The prevalence that a classifier was trained at, from its parameters and what `fit` was given."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection._search import BaseSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

from .._validation import Target

# Parameters that change or calibrate probabilities in other ways, with the value that does not: of
# naive Bayes classifiers, discriminant analysis, SVC and gradient boosting libraries.
_OTHER_PARAMS = {
    "auto_class_weights": None,
    "class_prior": None,
    "fit_prior": True,
    "is_unbalance": False,
    "priors": None,
    "probability": False,
}

# Classifiers whose class_weight="balanced" balances the sums of sample_weight.
_BALANCE_WEIGHTS = {
    "ExtraTreesClassifier",
    "LogisticRegression",
    "LogisticRegressionCV",
    "RandomForestClassifier",
}


class TrainingTilt(NamedTuple):
    """What a fitted classifier was trained with that changes its probabilities.

    Parameters
    ----------
    class_weight : {"balanced"}, dict, list of dict or None
    unknown : str or None
        A reason why the prevalence cannot be computed in closed form.
    logit_adjustment : float
        As in `MSAICNetClassifier`.
    is_network : bool
        Whether the classifier is a network of this package, for which the closed form is rough.
    """

    class_weight: Any = None
    unknown: str | None = None
    logit_adjustment: float = 0.0
    is_network: bool = False


def training_tilt(estimator, kind, *, recorded, weighted):
    """Return what a fitted classifier was trained with.

    Parameters
    ----------
    estimator : classifier
        Fitted.
    kind : {"binary", "multiclass", "multilabel"}
    recorded : bool
        Whether the labels that the last step of this Pipeline was trained on are known, after the
        samplers.
    weighted : bool
        Whether it was given ``sample_weight``.

    Returns
    -------
    tilt : TrainingTilt
    """
    classifier, one_per_label, is_frozen = estimator, False, False
    while True:
        if isinstance(classifier, Pipeline):
            if not recorded and any(hasattr(step, "fit_resample") for _, step in classifier.steps):
                return TrainingTilt(unknown="a sampler inside another estimator")
            recorded = False
            classifier = classifier.steps[-1][1]
        elif isinstance(classifier, FrozenEstimator):
            classifier, recorded, is_frozen = classifier.estimator, False, True
        elif isinstance(classifier, BaseSearchCV):
            classifier, recorded = (
                getattr(classifier, "best_estimator_", classifier.estimator),
                False,
            )
        elif isinstance(classifier, (OneVsRestClassifier, MultiOutputClassifier)):
            classifier, one_per_label, recorded = classifier.estimator, True, False
        else:
            break
    name = type(classifier).__name__
    if type(classifier).__module__.startswith("imblearn."):
        return TrainingTilt(unknown=f"{name} resamples inside")
    params = classifier.get_params(deep=True)
    for param, value in params.items():
        last = param.rpartition("__")[2]
        if last == "focal_gamma" and value:
            return TrainingTilt(unknown=f"the focal loss of {name}, {param}={value!r}")
        is_nested = "__" in param
        if is_nested and (
            (last in ("class_weight", "scale_pos_weight") and value is not None)
            or (last == "logit_adjustment" and value)
        ):
            return TrainingTilt(unknown=f"{param}={value!r} inside {name}")
        if last in _OTHER_PARAMS and value is not None and value is not _OTHER_PARAMS[last]:
            return TrainingTilt(unknown=f"{param}={value!r} of {name}")
        if hasattr(value, "fit_resample"):
            return TrainingTilt(unknown=f"the sampler {param} inside {name}")
    class_weight = params.get("class_weight")
    if is_frozen and not isinstance(class_weight, str):
        # Balanced weights lead to the same prevalence for any training records.
        return TrainingTilt(unknown="a FrozenEstimator, whose training labels are not known")
    is_ours = type(classifier).__module__.startswith("sklearn_ecg.")
    if weighted and isinstance(class_weight, str) and not (is_ours or name in _BALANCE_WEIGHTS):
        # Others balance the numbers of records, and multiply by their weights.
        return TrainingTilt(
            unknown=f"class_weight={class_weight!r} of {name} together with sample_weight"
        )
    if one_per_label and kind == "binary" and isinstance(class_weight, dict):
        # The classifier inside is trained on 0 and 1, whatever the classes are.
        class_weight = [class_weight.get(0, 1), class_weight.get(1, 1)]
    if params.get("scale_pos_weight") is not None and kind == "binary":
        return TrainingTilt([1.0, float(params["scale_pos_weight"])])
    adjustment = params.get("logit_adjustment", 0.0)
    if class_weight is None:
        return TrainingTilt(logit_adjustment=adjustment, is_network=is_ours)
    if one_per_label and kind == "multiclass":
        return TrainingTilt(unknown=f"class_weight of one {name} for each class")
    if kind == "multilabel" and not (one_per_label or is_ours):
        return TrainingTilt(unknown=f"class_weight of {name}, which multiplies those of the labels")
    if isinstance(class_weight, str) and class_weight not in ("balanced", "balanced_subsample"):
        return TrainingTilt(unknown=f"class_weight={class_weight!r} of {name}")
    return TrainingTilt(class_weight, logit_adjustment=adjustment, is_network=is_ours)


def effective_prevalence(prevalence, tilt, kind, classes):
    """Return the prevalence that class weights and logit adjustment make of a prevalence.

    Logit adjustment of strength tau has the effect of weights that are the prevalences to the power
    of -tau.

    Parameters
    ----------
    prevalence : ndarray of shape (n_classes,) or (n_labels,)
    tilt : TrainingTilt
    kind : {"binary", "multiclass", "multilabel"}
    classes : ndarray of shape (n_classes,) or (n_labels,)

    Returns
    -------
    prevalence : ndarray of shape (n_classes,) or (n_labels,)
    """
    effective = _weighted_prevalence(prevalence, tilt.class_weight, kind, classes)
    if not tilt.logit_adjustment:
        return effective
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = prevalence**-tilt.logit_adjustment
        if kind == "multilabel":
            positive = effective * factor
            negative = (1 - effective) * (1 - prevalence) ** -tilt.logit_adjustment
            return positive / (positive + negative)
        return effective * factor / np.sum(effective * factor)


def _weighted_prevalence(prevalence, class_weight, kind, classes):
    """Return the prevalence that class weights make of a prevalence.

    Parameters
    ----------
    prevalence : ndarray of shape (n_classes,) or (n_labels,)
    class_weight : "balanced", dict, list of dict, dict of dict, list of float or None
    kind : {"binary", "multiclass", "multilabel"}
    classes : ndarray of shape (n_classes,) or (n_labels,)

    Returns
    -------
    prevalence : ndarray of shape (n_classes,) or (n_labels,)
    """
    if class_weight is None:
        return prevalence
    if isinstance(class_weight, str):
        return np.full(len(prevalence), 0.5 if kind == "multilabel" else 1 / len(prevalence))
    if kind == "multilabel":
        per_label = class_weight
        if isinstance(class_weight, dict):
            by_column = all(isinstance(weight, dict) for weight in class_weight.values())
            per_label = [
                class_weight.get(label, {}) if by_column else class_weight
                for label in classes.tolist()
            ]
        positive = prevalence * [weight.get(1, 1) for weight in per_label]
        negative = (1 - prevalence) * [weight.get(0, 1) for weight in per_label]
        return positive / (positive + negative)
    if isinstance(class_weight, dict):
        class_weight = [class_weight.get(label, 1) for label in classes.tolist()]
    weighted = prevalence * class_weight
    return weighted / weighted.sum()


def prevalence_of(target, sample_weight=None):
    """Return the share of the records of each class, or that are positive for each label."""
    return np.average(target.membership, axis=0, weights=sample_weight)


def fit_recorded(pipeline, X, y, fit_params):
    """Fit a Pipeline and record the labels and weights that reach its last step.

    Parameters
    ----------
    pipeline : Pipeline
        Unfitted; it is fitted in place.
    X : array-like, DataFrame or lead frame
    y : ndarray
    fit_params : dict

    Returns
    -------
    seen : Target
        Labels after the samplers.
    sample_weight : ndarray or None
        The weights that the last step was given.
    """
    name, classifier = pipeline.steps[-1]
    recorder = _Recorder(classifier)
    pipeline.steps[-1] = (name, recorder)
    try:
        pipeline.fit(X, y, **fit_params)
    finally:
        pipeline.steps[-1] = (name, classifier)
    seen = Target.from_labels(recorder.y_, type(classifier).__name__)
    return seen, recorder.sample_weight_


def find_weights(classifier, fit_params):
    """Return the weights that the classifier inside searches and Pipelines is given, or None.

    Parameters
    ----------
    classifier : classifier
    fit_params : dict
        Arguments of its `fit`, such as ``clf__sample_weight`` for a search over a Pipeline.
    """
    while "sample_weight" not in fit_params:
        if isinstance(classifier, BaseSearchCV):
            classifier = classifier.estimator
        elif isinstance(classifier, Pipeline):
            name, classifier = classifier.steps[-1]
            start = f"{name}__"
            fit_params = {
                key.removeprefix(start): value
                for key, value in fit_params.items()
                if key.startswith(start)
            }
        else:
            return None
    return fit_params["sample_weight"]


class _Recorder(BaseEstimator):
    """Last step of a Pipeline that keeps the labels and weights that it is trained on.

    Parameters
    ----------
    estimator : classifier
        It is fitted in place.
    """

    _estimator_type = "classifier"

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y, **fit_params):
        self.y_ = np.asarray(y)
        self.sample_weight_ = find_weights(self.estimator, fit_params)
        self.estimator.fit(X, y, **fit_params)
        return self

    def get_metadata_routing(self):
        return get_routing_for_object(self.estimator)

    def __sklearn_tags__(self):
        return self.estimator.__sklearn_tags__()

"""Find what is inside an estimator: networks, renderers and what they know about leads.

Pipelines, searches, frozen, thresholded and calibrated estimators are opened only in this file.
"""

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics._scorer import _BaseScorer, _MultimetricScorer, _PassthroughScorer
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.model_selection._search import BaseSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline

from ..leads import STANDARD_LEADS
from ..paper import ECGImageRenderer


def inner_estimators(estimator):
    """Yield an estimator and all estimators inside it, outer ones and earlier steps first.

    Of several copies of one estimator, such as those of a calibrated classifier or an ensemble,
    only the first is opened.
    """
    yield estimator
    for attribute in ("best_estimator_", "estimator_", "estimator"):
        if hasattr(estimator, attribute):
            yield from inner_estimators(getattr(estimator, attribute))
            break
    for attribute in ("calibrated_classifiers_", "estimators_"):
        copies = getattr(estimator, attribute, None)
        if isinstance(copies, list) and copies:
            yield from inner_estimators(copies[0])
    for attribute in ("steps", "transformer_list"):
        for _, step in getattr(estimator, attribute, ()):
            yield from inner_estimators(step)


def final_step(estimator):
    """Return the estimator that makes the prediction: a network, or any other."""
    return list(_steps(estimator))[-1]


def steps_in_order(estimator):
    """Return the estimators through which X passes, the one that makes the prediction last."""
    return list(_steps(estimator))


def final_step_and_input(estimator, X):
    """Return the estimator that makes the prediction, and what it is given for X."""
    *transformers, last = _steps(estimator)
    for transformer in transformers:
        X = transformer.transform(X)
    return last, X


def first_network(estimator):
    """Return the network of this package that is given X unchanged and alone, or None."""
    while True:
        if isinstance(estimator, Pipeline):
            inner = estimator.steps[0][1]
        else:
            inner = _wrapped(estimator)
        if inner is None:
            return estimator if is_network(estimator) and not takes_images(estimator) else None
        estimator = inner


def transforming_part(estimator):
    """Return an estimator without a final step, or a wrapper, that cannot transform."""
    while not hasattr(estimator, "transform"):
        if isinstance(estimator, Pipeline) and len(estimator) > 1:
            return estimator[:-1]
        inner = _wrapped(estimator)
        if inner is None:
            break
        estimator = inner
    return estimator


def displayed_images(estimator, X):
    """Return the images over which a heat map of a network of images is drawn.

    These are the pages that an `ECGImageRenderer` among the steps draws of X, if later steps keep
    their height and width, and otherwise the images that the network is given.

    Returns
    -------
    images : ndarray of shape (n_images, height, width, n_channels)
    """
    *transformers, network = _steps(estimator)
    pages = None
    for transformer in transformers:
        X = transformer.transform(X)
        if isinstance(transformer, ECGImageRenderer):
            height, width = transformer.image_shape_[:2]
            pages = np.asarray(X).reshape(len(X), height, width, -1)
    images = np.asarray(X).reshape(-1, *network.image_shape_in_)
    if pages is not None and pages.shape[:3] == images.shape[:3]:
        return pages
    return images


def is_network(estimator):
    """Whether an estimator is one of the networks of this package."""
    return hasattr(estimator, "_input")


def takes_images(estimator):
    """Whether an estimator is one of the networks of this package, for images."""
    return is_network(estimator) and estimator._input.is_image


def known_target_kind(estimator):
    """Return the kind of target of an estimator, or None if neither it nor its parts know it.

    The outermost part that knows it decides: the networks inside a `OneVsRestClassifier` are
    binary, whatever its target is.
    """
    for part in inner_estimators(estimator):
        kind = getattr(part, "_target_kind", None)
        if kind is None and isinstance(part, OneVsRestClassifier):
            kind = "binary" if len(part.classes_) == 2 else "multiclass"
            kind = "multilabel" if part.multilabel_ else kind
        if kind is not None:
            return kind
    return None


def known_history(estimator):
    """Return the training history of the network inside an estimator, or None."""
    return first_attribute(estimator, "history_")


def first_attribute(estimator, attribute):
    """Return an attribute of the first estimator inside an estimator for which it is not None."""
    for part in inner_estimators(estimator):
        if getattr(part, attribute, None) is not None:
            return getattr(part, attribute)
    return None


def known_n_leads(estimator, X):
    """Return the number of leads of arrays such as X according to an estimator, or None."""
    shape = np.shape(X)
    for part in inner_estimators(estimator):
        n_leads, n_times = (getattr(part, name, None) for name in ("n_leads_in_", "n_times_in_"))
        if None in (n_leads, n_times):
            continue
        if shape[1:] in ((n_leads * n_times,), (n_leads, n_times)):
            return n_leads
    return None


def known_lead_names(estimator, n_leads):
    """Return the names of the leads according to an estimator.

    Twelve leads of which nothing is known are in standard order; otherwise None is returned.
    """
    for part in inner_estimators(estimator):
        names = getattr(part, "lead_names_in_", None)
        if names is not None and len(names) == n_leads:
            return tuple(names)
    return STANDARD_LEADS if n_leads == len(STANDARD_LEADS) else None


def only_predicts(scorer, estimator):
    """Whether a scorer passes X to the estimator only. A user's function may look at X."""
    if isinstance(scorer, dict):
        scorers = scorer.values()
    elif isinstance(scorer, _MultimetricScorer):
        scorers = scorer._scorers.values()
    elif isinstance(scorer, _PassthroughScorer) and isinstance(estimator, BaseSearchCV):
        return only_predicts(estimator.scorer_, estimator.best_estimator_)
    else:
        return isinstance(scorer, (_BaseScorer, _PassthroughScorer))
    return all(only_predicts(scorer, estimator) for scorer in scorers)


def _wrapped(estimator):
    """Return the single estimator to which a meta-estimator passes X unchanged, or None."""
    if isinstance(estimator, BaseSearchCV):
        return estimator.best_estimator_
    if isinstance(estimator, FrozenEstimator):
        return estimator.estimator
    if isinstance(estimator, (FixedThresholdClassifier, TunedThresholdClassifierCV)):
        return getattr(estimator, "estimator_", estimator.estimator)
    return None


def _steps(estimator):
    """Yield the estimators through which X passes, the one that makes the prediction last."""
    inner = _wrapped(estimator)
    if isinstance(estimator, CalibratedClassifierCV):
        # Of several calibrated copies none is the one that makes the prediction.
        copies = estimator.calibrated_classifiers_
        inner = copies[0].estimator if len(copies) == 1 else None
    if inner is not None:
        yield from _steps(inner)
    elif isinstance(estimator, Pipeline):
        for _, step in estimator.steps:
            if step is not None and not isinstance(step, str):
                yield from _steps(step)
    else:
        yield estimator

"""Where weights and groups go in the wrapped classifier, and whether its splits respect them."""

from sklearn import get_config
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from ..calibration._base import CrossFittedClassifier

# HistGradientBoosting stops early by default with more records.
_MANY_RECORDS = 10_000


def find_argument(estimator, name):
    """Return the argument of `fit` that brings weights or groups to a classifier, or None.

    Parameters
    ----------
    estimator : classifier
        Or a Pipeline, whose last step gets them.
    name : {"sample_weight", "groups"}
    """
    if isinstance(estimator, FrozenEstimator):
        return None
    if get_config()["enable_metadata_routing"]:
        consumed = get_routing_for_object(estimator).consumes("fit", params=[name])
        return name if name in consumed else None
    if isinstance(estimator, Pipeline):
        step, last = estimator.steps[-1]
        if any(hasattr(transformer, "fit_resample") for _, transformer in estimator.steps):
            return None  # a sampler changes the number of records
        if not hasattr(last, "fit"):
            return None
        argument = find_argument(last, name)
        return None if argument is None else f"{step}__{argument}"
    if isinstance(estimator, BaseSearchCV):
        if name == "groups":
            return name if _uses_groups(estimator.cv) else None
        return find_argument(estimator.estimator, name)
    return name if has_fit_parameter(estimator, name) else None


def _uses_groups(cv):
    """Return whether a splitter requires or accepts groups."""
    if not hasattr(cv, "split"):
        return False
    return "groups" in get_routing_for_object(cv).consumes("split", params=["groups"])


def check_inner_splits(estimator, n_rows, *, meta, rows):
    """Raise if an estimator splits windows or records without regard to their groups.

    Parameters
    ----------
    estimator : classifier
    n_rows : int
        Number of windows or records that it is fitted to.
    meta : str
        Name of the meta-estimator.
    rows : str
        What it is fitted to, for the message.
    """
    for owner, has_groups in _walk(estimator, find_argument(estimator, "groups") is not None):
        params = owner.get_params(deep=False)
        if has_groups or isinstance(params.get("estimator"), FrozenEstimator):
            continue
        name = type(owner).__name__
        splits, instead = _splitting_parameter(params, n_rows)
        if splits is None:
            continue
        if splits == "cv":
            instead = f"{name}({meta}(...))"
        or_cv = ""
        if isinstance(owner, BaseSearchCV):
            or_cv = ", or a cv that uses groups, such as StratifiedGroupKFold"
        raise ValueError(
            f"{name} splits {rows} with {splits}={params[splits]!r:.60}, and does not "
            f"get the groups: {rows} would be on both sides of its split. Pass {instead}{or_cv}."
        )


def _splitting_parameter(params, n_rows):
    """Return the parameter with which a classifier splits its records, and what to pass instead."""
    if "cv" in params and not isinstance(params["cv"], str):
        return "cv", None
    early = params.get("early_stopping")
    if early is True or (early == "auto" and n_rows > _MANY_RECORDS):
        return "early_stopping", "early_stopping=False"
    # Of gradient boosting; elsewhere it belongs to early_stopping.
    if "early_stopping" not in params and "validation_fraction" in params:
        if params.get("n_iter_no_change") is not None:
            return "n_iter_no_change", "n_iter_no_change=None"
    if params.get("oob_score"):
        return "oob_score", "oob_score=False"
    if params.get("probability") is True:  # of SVC and NuSVC
        return "probability", "probability=False inside MultilabelCalibratedClassifierCV"
    return None, None


def _walk(estimator, has_groups):
    """Yield an estimator and those inside of it, with whether they get the groups."""
    if isinstance(estimator, FrozenEstimator):
        return
    yield estimator, has_groups
    routes = get_config()["enable_metadata_routing"]
    for child, is_last in _children(estimator):
        if routes:
            reached = find_argument(child, "groups") is not None
        else:
            passes = isinstance(estimator, CrossFittedClassifier)
            passes |= isinstance(estimator, Pipeline) and is_last
            reached = has_groups and passes and find_argument(child, "groups") is not None
        yield from _walk(child, reached)


def _children(estimator):
    """Return the estimators among the parameters, with whether they are the last of a list."""
    children = []
    for value in estimator.get_params(deep=False).values():
        values = [value]
        if isinstance(value, (list, tuple)):
            values = [part[1] if _is_named(part) else part for part in value]
        found = [part for part in values if _is_estimator(part)]
        children += [(part, part is values[-1]) for part in found]
    return children


def _is_named(part):
    return isinstance(part, tuple) and len(part) > 1 and isinstance(part[0], str)


def _is_estimator(value):
    return hasattr(value, "get_params") and hasattr(value, "fit") and not isinstance(value, type)

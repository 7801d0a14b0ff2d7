"""Parts of scikit-learn that compiled code reads without checks: trees, and losses of boosting.

A node that points outside the arrays would make `predict` read memory that is not its own, so trees
are checked when they are loaded.
"""

import numpy as np
from sklearn.base import BaseEstimator

from ..utils._container import PersistenceError


def _pack(nodes):
    """Return the fields of a structured array, and its records without padding as bytes."""
    fields = [[name, nodes.dtype[name].str] for name in nodes.dtype.names]
    packed = nodes.astype([tuple(field) for field in fields])
    return {"fields": fields, "records": np.frombuffer(packed.tobytes(), np.uint8)}


def _unpack(state, dtype):
    """Return a structured array of this dtype, which must have the same fields."""
    fields = [[name, dtype[name].str] for name in dtype.names]
    if state["fields"] != fields:
        raise PersistenceError("a tree has other fields than the installed scikit-learn expects")
    packed, records = np.dtype([tuple(field) for field in fields]), state["records"]
    if records.dtype != np.uint8 or records.ndim != 1 or len(records) % packed.itemsize:
        raise PersistenceError("the nodes of a tree have another dtype or shape")
    return np.frombuffer(records.tobytes(), packed).astype(dtype)


def _check_children(left, right, is_inner):
    """Raise unless children follow their parents, so that each path from the root ends."""
    n_nodes = len(left)
    if not n_nodes:
        raise PersistenceError("a tree has no nodes")
    positions = np.arange(n_nodes)[is_inner]
    for children in (left[is_inner].astype(np.int64), right[is_inner].astype(np.int64)):
        if np.any(children <= positions) or np.any(children >= n_nodes):
            raise PersistenceError("a tree has nodes that point outside of it, or back")


def _predictor_to_state(predictor):
    if predictor.nodes["is_categorical"].any():
        raise PersistenceError(
            "a HistGradientBoosting estimator with categorical features cannot be saved. Encode "
            "them first, as with OneHotEncoder, and pass categorical_features=None."
        )
    return _pack(predictor.nodes)


def _predictor_from_state(cls, state):
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

    nodes = _unpack(state, PREDICTOR_RECORD_DTYPE)
    if nodes["is_categorical"].any():
        raise PersistenceError("a tree of HistGradientBoosting has categorical features")
    _check_children(nodes["left"], nodes["right"], nodes["is_leaf"] == 0)
    if (nodes["feature_idx"] < 0).any():
        raise PersistenceError("a tree has a negative feature")
    return cls(nodes, np.zeros((0, 8), np.uint32), np.zeros((0, 8), np.uint32))


def _tree_to_state(tree):
    state = tree.__getstate__()
    n_nodes = tree.node_count
    return {
        "n_features": tree.n_features,
        "n_classes": np.asarray(tree.n_classes),
        "max_depth": tree.max_depth,
        "nodes": _pack(state["nodes"][:n_nodes]),
        "values": np.ascontiguousarray(state["values"][:n_nodes]),
    }


def _tree_from_state(cls, state):
    from sklearn.tree._tree import NODE_DTYPE

    nodes, n_classes = _unpack(state["nodes"], NODE_DTYPE), state["n_classes"]
    n_features, values = state["n_features"], state["values"]
    is_count = n_classes.dtype == np.intp and n_classes.ndim == 1 and len(n_classes)
    if type(n_features) is not int or not is_count or n_classes.min() < 1:
        raise PersistenceError("a tree has invalid numbers of features or classes")
    if values.dtype != np.float64 or values.shape != (len(nodes), len(n_classes), n_classes.max()):
        raise PersistenceError("a tree has values of another dtype or shape")
    # -1 is no child in both fields; the compiled code looks at the left one.
    is_inner = nodes["left_child"] != -1
    _check_children(nodes["left_child"], nodes["right_child"], is_inner)
    features = nodes["feature"][is_inner]
    if np.any(features < 0) or np.any(features >= n_features):
        raise PersistenceError("a tree has a feature that does not exist")
    if not np.array_equal(is_inner, nodes["right_child"] != -1):
        raise PersistenceError("a tree has nodes with one child")
    tree = cls(n_features, n_classes, len(n_classes))
    tree.__setstate__(
        {
            "max_depth": state["max_depth"],
            "node_count": len(nodes),
            "nodes": nodes,
            "values": np.ascontiguousarray(values),
        }
    )
    return tree


def _loss_to_state(loss):
    state = {"n_classes": loss.n_classes} if type(loss).__name__ == "HalfMultinomialLoss" else {}
    if type(loss).__name__ == "PinballLoss":
        state["quantile"] = float(loss.closs.quantile)
    return state | {"constant_hessian": bool(loss.constant_hessian)}


def _loss_from_state(cls, state):
    constant_hessian = state.pop("constant_hessian")
    if state.get("n_classes", 2) > 10**6:
        raise PersistenceError("a loss has too many classes")
    loss = cls(**state)
    loss.constant_hessian = constant_hessian
    return loss


_LOSS = (_loss_to_state, _loss_from_state)

#: Functions to the state of an object, and from it, by the name of the class.
SPECIAL_CODECS = {
    "TreePredictor": (_predictor_to_state, _predictor_from_state),
    "Tree": (_tree_to_state, _tree_from_state),
    "AbsoluteError": _LOSS,
    "HalfBinomialLoss": _LOSS,
    "HalfGammaLoss": _LOSS,
    "HalfMultinomialLoss": _LOSS,
    "HalfPoissonLoss": _LOSS,
    "HalfSquaredError": _LOSS,
    "PinballLoss": _LOSS,
}


TUNED_THRESHOLD = "sklearn.model_selection.TunedThresholdClassifierCV"

#: Attributes that predictions do not need, or that are made from the parameters again.
NOT_SAVED = {
    TUNED_THRESHOLD: ("_curve_scorer",),
    # What early stopping with a score needs during fit.
    "sklearn.ensemble.HistGradientBoostingClassifier": ("_raw_predict", "_scorer"),
    "sklearn.ensemble.HistGradientBoostingRegressor": ("_raw_predict", "_scorer"),
    "sklearn_ecg.beats._averaged_models.BalancedWeightBoosting": ("_raw_predict", "_scorer"),
}


def check_estimator(estimator, where):
    """Raise if an estimator cannot be saved or loaded, although its parts can.

    Parameters
    ----------
    estimator : object
    where : str
        What it is, for the error message.
    """
    kind = type(estimator)
    if kind.__name__ == "Pipeline" and estimator.memory is not None:
        raise PersistenceError(
            f"{where} has memory={estimator.memory!r}, a folder of pickles, which is not saved. "
            "Set it to None with set_params(memory=None)."
        )
    is_boosting = any(base.__name__.startswith("HistGradientBoosting") for base in kind.__mro__)
    if is_boosting and hasattr(estimator, "_predictors"):
        _check_boosting(estimator, where)
    if not kind.__module__.startswith("sklearn."):
        return
    trees = getattr(estimator, "estimators_", None)
    if kind.__name__ in ("RandomForestClassifier", "ExtraTreesClassifier") and trees is not None:
        for tree in trees:
            is_tree = isinstance(tree, BaseEstimator) and hasattr(tree, "tree_")
            if not is_tree or tree.n_features_in_ != estimator.n_features_in_:
                raise PersistenceError(f"{where} has a tree for other features")
    if hasattr(estimator, "tree_"):
        tree = estimator.tree_
        if type(tree).__name__ != "Tree" or tree.n_features != estimator.n_features_in_:
            raise PersistenceError(f"{where} has a tree for other features")


def _check_boosting(estimator, where):
    if getattr(estimator, "_preprocessor", None) is not None:
        raise PersistenceError(
            f"{where} has categorical features, which cannot be saved. Encode them first, as with "
            "OneHotEncoder, and pass categorical_features=None."
        )
    if estimator.is_categorical_ is not None or estimator._bin_mapper.is_categorical_.any():
        raise PersistenceError(f"{where} has categorical features, which cannot be saved.")
    for predictors in estimator._predictors:
        for predictor in predictors:
            inner = predictor.nodes[predictor.nodes["is_leaf"] == 0]
            if np.any(inner["feature_idx"] >= estimator.n_features_in_):
                raise PersistenceError(f"{where} has a tree with a feature that does not exist")

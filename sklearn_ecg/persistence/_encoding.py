"""Values as JSON and arrays, by a fixed grammar.

None, bool, int, finite float, str and list are themselves in JSON. Everything else is an object
with one key, which names the kind of value. Objects and arrays that occur several times are
described once: ``{"ref": n}`` is the nth of them, counted in the order in which they are complete.
"""

import functools
import math
import types
from collections import OrderedDict, UserList

import numpy as np
from scipy import sparse
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import Bunch

from ..utils._container import PersistenceError
from ._classes import ESTIMATORS, OBJECTS, SPECIAL, VALUES, find_metric, name_of_class
from ._networks import NETWORK_ATTRIBUTES, describe_network, is_deep
from ._trees import NOT_SAVED, SPECIAL_CODECS, check_estimator

# Methods for which an estimator can request metadata.
_METHODS = ("fit", "partial_fit", "predict", "predict_proba", "predict_log_proba")
_METHODS += ("decision_function", "score", "split", "transform", "inverse_transform")

_MAX_DEPTH = 60

# Arrays of these kinds are stored as they are; others as integers or floats of the same memory.
_PLAIN_KINDS = "biuf"


class Encoder:
    """Describes a value, and collects its arrays.

    Attributes
    ----------
    arrays : list of ndarray
    functions : dict of str to callable
        Classes and functions of the user, by name.
    deep : list
        The fitted deep estimators, in the order in which they are complete.
    """

    def __init__(self):
        self.arrays = []
        self.functions = {}
        self.deep = []
        self._done = {}
        self._begun = set()
        self._depth = 0

    def encode(self, value, where):
        """Return the description of a value; ``where`` is its path for error messages."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise PersistenceError(f"{where} is nested too deeply, or contains itself.")
        try:
            return self._encode(value, where)
        finally:
            self._depth -= 1

    def _encode(self, value, where):
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if kind is float:
            return value if math.isfinite(value) else {"float": str(value)}
        if kind is bytes:
            return {"bytes": value.hex()}
        if isinstance(value, UserList):
            # Lists of columns, which warn in older versions of scikit-learn when they are read.
            value, kind = value.data, list
        if kind is list:
            return [self.encode(v, f"{where}[{i}]") for i, v in enumerate(value)]
        if kind is tuple:
            return {"tuple": [self.encode(v, f"{where}[{i}]") for i, v in enumerate(value)]}
        if kind in (set, frozenset):
            items = sorted(value, key=lambda item: (str(type(item)), str(item)))
            return {kind.__name__: [self.encode(v, where) for v in items]}
        if kind in (dict, OrderedDict, Bunch):
            pairs = [
                [self.encode(k, where), self.encode(v, f"{where}[{k!r}]")] for k, v in value.items()
            ]
            return {kind.__name__.lower(): pairs}
        if kind is slice:
            parts = (value.start, value.stop, value.step)
            return {"slice": [self.encode(v, where) for v in parts]}
        if kind is range:
            return {"range": [value.start, value.stop, value.step]}
        if kind is np.str_ or isinstance(value, (np.number, np.bool_)):
            return self._encode_scalar(value, where)
        if isinstance(value, np.dtype):
            if value.hasobject and value != np.dtype(object) or value.names:
                raise PersistenceError(f"{where} is the dtype {value}, which cannot be saved.")
            return {"dtype": value.str}
        if isinstance(value, functools.partial):
            return self._encode_partial(value, where)
        if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
            return self._encode_function(value, where)
        if kind.__name__ == "device" and kind.__module__ == "torch":
            return {"device": str(value)}
        return self._encode_once(value, where)

    def _encode_once(self, value, where):
        """Describe an object or an array, or refer to its description."""
        if id(value) in self._done:
            return {"ref": self._done[id(value)][0]}
        if id(value) in self._begun:
            raise PersistenceError(f"{where} contains itself, which cannot be saved.")
        self._begun.add(id(value))
        if type(value) in (np.ndarray, np.memmap):
            description = self._encode_array(value, where)
        elif sparse.issparse(value):
            description = self._encode_sparse(value, where)
        elif type(value) is np.random.RandomState:
            state = self.encode(value.get_state(legacy=False), where)
            description = {"random_state": state}
        elif type(value) is np.random.Generator:
            description = {"generator": self.encode(value.bit_generator.state, where)}
        else:
            description = self._encode_object(value, where)
        # The value is kept, so that its id is not used again.
        self._done[id(value)] = len(self._done), value
        return description

    # ----------------------------------------------------------------------------------------------
    # Arrays
    # ----------------------------------------------------------------------------------------------

    def add_array(self, array):
        """Store an array of numbers, and return its description.

        The memory order is kept: products of matrices in another order may differ in the last bit.
        """
        if not array.size:
            return {"empty": [array.dtype.str, list(array.shape)]}
        description = {"array": len(self.arrays)}
        if not array.flags.c_contiguous and array.flags.f_contiguous:
            array, description["order"] = array.T, "F"
        if array.dtype.str[0] == ">":
            description["dtype"] = array.dtype.str
        self.arrays.append(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")))
        # np.ascontiguousarray makes scalars arrays.
        self.arrays[-1] = self.arrays[-1].reshape(array.shape)
        return description

    def _encode_array(self, value, where):
        value, dtype = np.asarray(value), value.dtype
        if dtype.kind in _PLAIN_KINDS and dtype.itemsize <= 8:
            return self.add_array(value)
        if dtype.kind == "U" and value.size and dtype.itemsize and dtype.isnative:
            return {"strings": self._add_strings(value)}
        if dtype.kind in "Mm" and dtype.isnative:
            return {"times": [dtype.str, self.add_array(value.view(np.int64))]}
        if dtype.kind == "O":
            if value.size and all(type(v) is str for v in value.flat):
                # Many names, as of the columns of a frame, would make a large header.
                strings = value.astype("U")
                if strings.dtype.itemsize and (strings.astype(object) == value).all():
                    return {"texts": self._add_strings(strings)}
            items = [self.encode(v, f"{where}[{i}]") for i, v in enumerate(value.ravel())]
            return {"objects": [list(value.shape), items]}
        if not value.size and not dtype.names:
            return {"empty": [dtype.str, list(value.shape)]}
        raise PersistenceError(f"{where} is an array of {dtype}, which cannot be saved.")

    def _add_strings(self, strings):
        """Store an array of strings as numbers of Unicode, one more dimension."""
        codes = np.ascontiguousarray(strings).reshape(strings.shape)
        return self.add_array(codes[..., None].view(np.uint32))

    def _encode_scalar(self, value, where):
        if isinstance(value, np.str_):
            return {"numpy_str": str(value)}
        if value.dtype.kind not in _PLAIN_KINDS or value.dtype.itemsize > 8:
            raise PersistenceError(f"{where} is a number of {value.dtype}, which cannot be saved.")
        return {"scalar": self.add_array(np.asarray(value))}

    def _encode_sparse(self, value, where):
        if value.format not in ("csr", "csc"):
            raise PersistenceError(
                f"{where} is a sparse matrix in the format {value.format}, which cannot be saved. "
                "Convert it with tocsr()."
            )
        kind = f"{value.format}_{'matrix' if sparse.isspmatrix(value) else 'array'}"
        parts = [self._encode_array(v, where) for v in (value.data, value.indices, value.indptr)]
        return {"sparse": [kind, list(value.shape), *parts]}

    # ----------------------------------------------------------------------------------------------
    # Functions and objects
    # ----------------------------------------------------------------------------------------------

    def _encode_function(self, value, where):
        if isinstance(value, type):
            name = name_of_class(value, VALUES)
            if name is not None:
                return {"class": name}
        name = value.__name__
        if value is find_metric(name):
            return {"metric": name}
        if not name.isidentifier():
            raise PersistenceError(
                f"{where} is a function without a name, {value!r}. Define it with def, and pass it "
                "to load as modules={name: function}."
            )
        if self.functions.setdefault(name, value) is not value:
            raise PersistenceError(f"{where} is one of two different functions called {name}.")
        return {"function": name}

    def _encode_partial(self, value, where):
        if type(value) is not functools.partial or vars(value):
            raise PersistenceError(f"{where} is {value!r}, which cannot be saved.")
        parts = (value.func, list(value.args), dict(value.keywords))
        return {"partial": [self.encode(v, f"{where}.func") for v in parts]}

    def _encode_object(self, value, where):
        kind = type(value)
        name = name_of_class(kind, SPECIAL)
        if name is not None:
            to_state, _ = SPECIAL_CODECS[name.rpartition(".")[2]]
            state = self.encode(to_state(value), where)
            return {"special": [name, state]}
        name = name_of_class(kind, OBJECTS)
        if name is not None:
            return {"object": [name, self._encode_attributes(vars(value), where)]}
        name = name_of_class(kind, ESTIMATORS)
        if name is None and isinstance(value, BaseSearchCV):
            raise PersistenceError(
                f"{where} is a {kind.__name__}, which cannot be saved. Save its best estimator, "
                "`search.best_estimator_`."
            )
        if name is None:
            raise PersistenceError(
                f"{where} is a {kind.__module__}.{kind.__qualname__}, which cannot be saved. Only "
                "estimators of sklearn_ecg and common ones of scikit-learn can be: see the "
                "documentation of sklearn_ecg.persistence.save."
            )
        return self._encode_estimator(value, name, where)

    def _encode_estimator(self, value, name, where):
        check_estimator(value, where)
        names = value._get_param_names()
        params = {key: getattr(value, key) for key in names}
        if is_deep(value):
            params["checkpoint"] = None  # a folder of this machine
        state = value.__getstate__() if not is_deep(value) else dict(vars(value))
        fitted = {key: v for key, v in state.items() if key not in names}
        fitted.pop("_sklearn_version", None)
        network = None
        if is_deep(value):
            fitted = {key: v for key, v in fitted.items() if key not in NETWORK_ATTRIBUTES}
            if value.__sklearn_is_fitted__():
                network = describe_network(value, where)
        for attribute in NOT_SAVED.get(name, ()):
            fitted.pop(attribute, None)
        description = {
            "estimator": [
                name,
                self._encode_attributes(params, where),
                self._encode_attributes(fitted, where),
            ]
        }
        if network is not None:
            description["estimator"].append(self.encode(network, f"{where}.net_"))
            self.deep.append(value)
        return description

    def _encode_attributes(self, attributes, where):
        described = {}
        for key, value in sorted(attributes.items()):
            if key == "_metadata_request":
                # It refers to the estimator, which makes a new one.
                value = {method: dict(getattr(value, method).requests) for method in _METHODS}
            described[key] = self.encode(value, f"{where}.{key}")
        return described

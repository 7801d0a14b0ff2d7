"""Values from JSON and arrays, by the grammar that `_encoding` describes."""

import functools
import inspect
import math
from collections import OrderedDict

import numpy as np
import torch
from scipy import sparse
from sklearn.utils import Bunch

from ..utils._container import PersistenceError
from ._classes import ESTIMATORS, OBJECTS, SPECIAL, VALUES, find_class, find_metric
from ._networks import is_deep, restore_network
from ._trees import SPECIAL_CODECS, TUNED_THRESHOLD, check_estimator

# Keys of a dict, or items of a set, that are not strings.
_MAX_KEYS = 2000


class Decoder:
    """Makes values from their descriptions.

    Parameters
    ----------
    arrays : list of ndarray
    functions : dict of str to callable
        Classes and functions that the user passed.
    version : str
        Version of scikit-learn that wrote the file.
    """

    def __init__(self, arrays, functions, version):
        self._arrays = arrays
        self._functions = functions
        self._version = version
        self.deep = []
        self._done = []

    def decode(self, value):
        """Return the value of a description."""
        if value is None or type(value) in (bool, int, float, str):
            return value
        if type(value) is list:
            return [self.decode(v) for v in value]
        if type(value) is dict and set(value) - {"order", "dtype"} == {"array"}:
            return self._remember(self._make_array(value))
        if type(value) is not dict or len(value) != 1:
            raise PersistenceError(f"it contains {str(value)[:80]}, which is no value")
        ((kind, content),) = value.items()
        make = self._MAKERS.get(kind)
        if make is None:
            raise PersistenceError(f"it contains a value of the unknown kind {kind[:40]!r}")
        made = make(self, content)
        return self._remember(made) if kind in self._REMEMBERED else made

    def _remember(self, value):
        self._done.append(value)
        return value

    def _make_ref(self, content):
        if type(content) is not int or not 0 <= content < len(self._done):
            raise PersistenceError(f"it refers to value {content!r}, which it does not contain")
        return self._done[content]

    def _make_float(self, content):
        if content not in ("nan", "inf", "-inf"):
            raise PersistenceError(f"it contains the number {str(content)[:40]!r}")
        return float(content)

    def _make_bytes(self, content):
        return bytes.fromhex(content)

    def _make_list(self, content):
        if type(content) is not list:
            raise PersistenceError(f"it contains {str(content)[:80]} in place of a list")
        return [self.decode(v) for v in content]

    def _make_tuple(self, content):
        return tuple(self._make_list(content))

    def _make_set(self, content):
        return set(_check_keys(self._make_list(content)))

    def _make_frozenset(self, content):
        return frozenset(_check_keys(self._make_list(content)))

    def _make_dict(self, content):
        pairs = self._make_list(content)
        _check_keys([key for key, _ in pairs])
        made = {key: value for key, value in pairs}
        if len(made) < len(pairs):
            raise PersistenceError("a key of a dict is repeated")
        return made

    def _make_ordereddict(self, content):
        return OrderedDict(self._make_dict(content))

    def _make_bunch(self, content):
        return Bunch(**self._make_dict(content))

    def _make_slice(self, content):
        start, stop, step = self._make_list(content)
        return slice(start, stop, step)

    def _make_range(self, content):
        start, stop, step = self._make_list(content)
        return range(start, stop, step)

    def _make_array(self, description):
        number = description["array"]
        if type(number) is not int or not 0 <= number < len(self._arrays):
            raise PersistenceError(f"it refers to array {number!r}, which it does not contain")
        array = self._arrays[number]
        if "dtype" in description:
            dtype = np.dtype(description["dtype"])
            if dtype != array.dtype.newbyteorder(">"):
                raise PersistenceError(f"array {number} cannot have the dtype {dtype}")
            array = array.astype(dtype)
        if "order" in description:
            if description["order"] != "F":
                raise PersistenceError(f"array {number} has an unknown memory order")
            array = array.T
        return array

    def _numbers(self, description):
        """Return the array of a description that is part of another one."""
        if type(description) is not dict:
            raise PersistenceError(f"it contains {str(description)[:80]} in place of an array")
        if set(description) == {"empty"}:
            return self._make_empty(description["empty"])
        if set(description) - {"order", "dtype"} != {"array"}:
            raise PersistenceError(f"it contains {str(description)[:80]} in place of an array")
        return self._make_array(description)

    def _make_empty(self, content):
        dtype, shape = content
        dtype = np.dtype(_checked_dtype(dtype))
        if 0 not in shape:
            raise PersistenceError("an array without values has no dimension of length 0")
        return np.empty(shape, dtype)

    def _make_strings(self, content):
        codes = self._numbers(content)
        if codes.dtype != np.uint32 or not codes.ndim or codes.max() > 0x10FFFF:
            raise PersistenceError("an array of strings is invalid")
        codes = np.ascontiguousarray(codes)
        return codes.view(f"U{codes.shape[-1]}")[..., 0]

    def _make_texts(self, content):
        return self._make_strings(content).astype(object)

    def _make_times(self, content):
        dtype, numbers = content
        dtype = np.dtype(_checked_dtype(dtype))
        if dtype.kind not in "Mm":
            raise PersistenceError(f"the dtype {dtype} is none of times")
        return self._numbers(numbers).view(dtype)

    def _make_objects(self, content):
        shape, items = content
        made = np.empty(len(items), dtype=object)
        for i, item in enumerate(items):
            made[i] = self.decode(item)
        if any(type(n) is not int or n < 0 for n in shape) or math.prod(shape) != len(items):
            raise PersistenceError(f"an array of {len(items)} objects has the shape {shape}")
        return made.reshape(shape)

    def _make_scalar(self, content):
        array = self._numbers(content)
        if array.ndim:
            raise PersistenceError("a number is an array")
        return array[()]

    def _make_numpy_str(self, content):
        if type(content) is not str:
            raise PersistenceError("a string is none")
        return np.str_(content)

    def _make_sparse(self, content):
        kind, shape, *parts = content
        kinds = ("csr_matrix", "csc_matrix", "csr_array", "csc_array")
        if kind not in kinds:
            raise PersistenceError(f"it contains a sparse matrix of the kind {str(kind)[:40]!r}")
        data, indices, indptr = (self._numbers(part) for part in parts)
        matrix = getattr(sparse, kind)((data, indices, indptr), shape=tuple(shape))
        matrix.check_format(full_check=True)
        return matrix

    def _make_random_state(self, content):
        state = self.decode(content)
        if not 0 <= state["state"]["pos"] <= 624:
            raise PersistenceError("a random state is invalid")
        made = np.random.RandomState()
        made.set_state(state)
        return made

    def _make_generator(self, content):
        state = self.decode(content)
        if state["bit_generator"] != "PCG64":
            raise PersistenceError("a random generator is not of the kind PCG64")
        generator = np.random.PCG64(0)
        generator.state = state
        return np.random.Generator(generator)

    def _make_dtype(self, content):
        return np.dtype(_checked_dtype(content))

    def _make_device(self, content):
        return torch.device(content)

    def _make_class(self, content):
        return find_class(content, VALUES)

    def _make_metric(self, content):
        found = find_metric(content)
        if found is None:
            raise PersistenceError(f"it uses the unknown metric {str(content)[:80]!r}")
        return found

    def _make_function(self, content):
        if content not in self._functions:
            raise PersistenceError(
                f"it uses {str(content)[:80]!r}, which is not part of a library. Pass it, as in "
                f"load(path, modules={{{str(content)[:80]!r}: ...}})"
            )
        return self._functions[content]

    def _make_partial(self, content):
        function, args, keywords = self._make_list(content)
        return functools.partial(function, *args, **keywords)

    def _make_special(self, content):
        name, state = content
        cls = find_class(name, SPECIAL)
        _, from_state = SPECIAL_CODECS[name.rpartition(".")[2]]
        return from_state(cls, self.decode(state))

    def _make_object(self, content):
        name, attributes = content
        cls = find_class(name, OBJECTS)
        made = cls.__new__(cls)
        vars(made).update(self._decode_attributes(cls, attributes))
        _restore_metadata_request(made)
        return made

    def _make_estimator(self, content):
        name, params, fitted, *network = content
        cls = find_class(name, ESTIMATORS)
        made = cls.__new__(cls)
        names = cls._get_param_names()
        unknown = sorted(set(params) - set(names))
        if unknown or set(names) & set(fitted):
            raise PersistenceError(
                f"the installed version of {name} has no parameter {', '.join(unknown)[:200]}"
            )
        state = {key: self.decode(value) for key, value in sorted(params.items())}
        state |= _defaults_of_new_parameters(cls, state)
        state |= self._decode_attributes(cls, fitted)
        if is_deep(made):
            vars(made).update(state)
            if network:
                restore_network(made, *map(self.decode, network))
                self.deep.append(made)
        elif cls.__module__.startswith("sklearn."):
            made.__setstate__({**state, "_sklearn_version": self._version})
        else:
            vars(made).update(state)
        _restore_metadata_request(made)
        if name == TUNED_THRESHOLD and "estimator_" in fitted:
            made._curve_scorer = made._get_curve_scorer()
        check_estimator(made, name)
        return made

    def _decode_attributes(self, cls, attributes):
        """Return attributes, none of which can hide a method of the class."""
        for name in attributes:
            if not name.isidentifier() or name.startswith("__") or hasattr(cls, name):
                raise PersistenceError(f"{cls.__name__} cannot have the attribute {name[:80]!r}")
        return {name: self.decode(value) for name, value in sorted(attributes.items())}

    _MAKERS = {
        "ref": _make_ref,
        "float": _make_float,
        "bytes": _make_bytes,
        "tuple": _make_tuple,
        "set": _make_set,
        "frozenset": _make_frozenset,
        "dict": _make_dict,
        "ordereddict": _make_ordereddict,
        "bunch": _make_bunch,
        "slice": _make_slice,
        "range": _make_range,
        "empty": _make_empty,
        "strings": _make_strings,
        "texts": _make_texts,
        "times": _make_times,
        "objects": _make_objects,
        "scalar": _make_scalar,
        "numpy_str": _make_numpy_str,
        "sparse": _make_sparse,
        "random_state": _make_random_state,
        "generator": _make_generator,
        "dtype": _make_dtype,
        "device": _make_device,
        "class": _make_class,
        "metric": _make_metric,
        "function": _make_function,
        "partial": _make_partial,
        "special": _make_special,
        "object": _make_object,
        "estimator": _make_estimator,
    }
    # The kinds that the encoder counts, besides arrays.
    _REMEMBERED = {"empty", "strings", "texts", "times", "objects", "sparse"}
    _REMEMBERED |= {"random_state", "generator", "special", "object", "estimator"}


def _check_keys(keys):
    """Return keys of a dict or items of a set, which are not too many numbers.

    Numbers can be chosen so that all have one hash, with which a dict takes quadratic time.
    """
    if sum(type(key) is not str for key in keys) > _MAX_KEYS:
        raise PersistenceError(f"a dict or set has more than {_MAX_KEYS} keys that are not strings")
    return keys


def _checked_dtype(text):
    """Return the text of a dtype of numbers, strings, times or objects."""
    if type(text) is not str or len(text) > 40:
        raise PersistenceError(f"it contains the dtype {str(text)[:40]!r}")
    dtype = np.dtype(text)
    if dtype.kind not in "biufcUSMmO" or dtype.names or dtype.subdtype:
        raise PersistenceError(f"it contains the dtype {text!r}")
    return text


def _restore_metadata_request(made):
    """Replace what was saved of the requests by an object that refers to its owner."""
    saved = vars(made).pop("_metadata_request", None)
    if saved is None:
        return
    request = made._get_metadata_request()
    for method, requests in saved.items():
        found = getattr(request, method)
        found.requests.clear()
        for param, alias in requests.items():
            found.add_request(param=param, alias=alias)
    made._metadata_request = request


def _defaults_of_new_parameters(cls, params):
    """Return the defaults of parameters that the class got after the file was written."""
    signature = inspect.signature(cls.__init__).parameters
    missing = [name for name in cls._get_param_names() if name not in params]
    if any(signature[name].default is inspect.Parameter.empty for name in missing):
        raise PersistenceError(f"it has no {', '.join(missing)} of {cls.__name__}")
    return {name: signature[name].default for name in missing}

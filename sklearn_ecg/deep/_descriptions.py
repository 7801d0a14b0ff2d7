"""Descriptions of values, which are equal in different processes if the values are equal."""

import functools
import hashlib
import json
import types
from collections.abc import Mapping, Set
from pathlib import PurePath

import numpy as np
import torch
from sklearn.base import BaseEstimator

# Parameters of deep estimators that do not change the result of `fit`, or are described otherwise:
# callbacks without those that only report, and the device by its type.
WITHOUT_EFFECT = {"callbacks", "checkpoint", "checkpoint_every", "device", "verbose"}

# Packages whose code is described by their version.
_VERSIONED = {"builtins", "imblearn", "numpy", "pandas", "scipy", "skorch"}
_VERSIONED |= {"sklearn", "sklearn_ecg", "torch"}

# Attributes of classes that Python itself sets.
_OF_PYTHON = {"__annotations__", "__dict__", "__doc__", "__firstlineno__", "__module__"}
_OF_PYTHON |= {"__static_attributes__", "__weakref__", "__abstractmethods__", "_abc_impl"}

_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, np.ufunc, type)


def description(value, where, lenient=False):
    """Return a short text that differs between values that differ.

    Functions and classes of the user are described by their code as well, but not by the code of
    other functions that they call.

    Parameters
    ----------
    value : object
    where : str
        What the value is, for error messages.
    lenient : bool, default=False
        Whether objects that cannot be described are described by their types.

    Raises
    ------
    ValueError
        If the value, or a part of it, cannot be described.
    """
    described = _Describer(where, lenient).describe(value)
    return shorten(json.dumps(described, sort_keys=True, allow_nan=True))


def shorten(text):
    """Return a text of at most about 100 characters, with the digest of what it leaves out."""
    if len(text) <= 80:
        return text
    return f"{text[:40]}... {hashlib.sha256(text.encode()).hexdigest()}"


def array_digest(array, parts=(slice(None),)):
    """Return the digest of an array with its dtype and shape, computed in parts."""
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    for part in parts:
        digest.update(np.asarray(array[part] if array.ndim else array).tobytes())
    return digest.hexdigest()


def tensor_digest(tensor):
    """Return the digest of a tensor with its dtype and shape."""
    tensor = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
    digest = hashlib.sha256(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
    digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def network_digest(network):
    """Return the digest of the parameters and buffers of a network."""
    digest = hashlib.sha256()
    for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
        digest.update(f"{name} {tensor_digest(tensor)} ".encode())
    return digest.hexdigest()


class _Describer:
    """Describes a value by lists, numbers and strings."""

    def __init__(self, where, lenient):
        self._where, self._lenient = where, lenient
        self._begun = []

    def describe(self, value):
        if value is None or isinstance(value, (bool, int, float, str)):
            return value.item() if isinstance(value, np.generic) else value
        if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind != "O":
            item = None if isinstance(value, np.ndarray) else value.item()
            is_plain = isinstance(item, (bool, int, float, complex))
            return self.describe(item) if is_plain else self._array(value)
        if isinstance(value, torch.Tensor):
            return ["tensor", tensor_digest(value)]
        if isinstance(value, (bytes, complex, range, slice, type(...), PurePath)):
            return [type(value).__name__, str(value)]
        if isinstance(value, (np.dtype, torch.dtype, torch.device, torch.memory_format)):
            return [type(value).__name__, str(value)]
        if any(value is other for other in self._begun):
            return ["cycle"]
        self._begun.append(value)
        try:
            return self._describe_parts(value)
        finally:
            self._begun.pop()

    def _array(self, value):
        value = np.asarray(value)
        return ["array", value.dtype.str, list(value.shape), array_digest(value)]

    def _describe_parts(self, value):
        if isinstance(value, (list, tuple)):
            return [self.describe(v) for v in value]
        if isinstance(value, np.ndarray):
            return ["objects", list(value.shape), [self.describe(v) for v in value.flat]]
        if isinstance(value, Mapping):
            # In order, because that of regions, for example, matters.
            pairs = [[self.describe(k), self.describe(v)] for k, v in value.items()]
            return ["mapping", pairs]
        if isinstance(value, Set):
            return ["set", *sorted(json.dumps(self.describe(v)) for v in value)]
        if isinstance(value, functools.partial):
            parts = [value.func, value.args, value.keywords]
            return ["partial", *map(self.describe, parts)]
        if isinstance(value, types.MethodType):
            return ["method", self.describe(value.__func__), self.describe(value.__self__)]
        if isinstance(value, _FUNCTIONS):
            return ["code", _name(value), None if self._lenient else self._code(value)]
        if isinstance(value, np.random.RandomState):
            return ["random state", self.describe(value.get_state(legacy=False))]
        if isinstance(value, np.random.Generator):
            return ["generator", self.describe(value.bit_generator.state)]
        if isinstance(value, torch.Generator):
            return ["generator", self.describe(value.get_state())]
        return [self.describe(type(value)), self._attributes(value)]

    def _attributes(self, value):
        if self._lenient and len(self._begun) > 1:
            return None
        if isinstance(value, BaseEstimator):
            attributes = self._of_estimator(value)
        elif hasattr(value, "__dict__"):
            attributes = vars(value)
            if self._lenient:
                attributes = {k: v for k, v in attributes.items() if not k.endswith("_")}
        elif self._lenient:
            attributes = {}
        else:
            raise ValueError(
                f"{self._where} contains a {_name(type(value))}, {value!r}, which cannot be "
                "compared with that of an interrupted fit. Pass checkpoint=None, or use an object "
                "of a class of your own with its state in attributes."
            )
        return [[name, self.describe(v)] for name, v in sorted(attributes.items())]

    def _of_estimator(self, estimator):
        """Return the parameters and fitted attributes of an estimator."""
        params = estimator.get_params(deep=False)
        if not hasattr(estimator, "checkpoint_every"):
            fitted = {k: v for k, v in vars(estimator).items() if k.endswith("_")}
            return {**params, **fitted}
        # Threads change the rounding only.
        without = WITHOUT_EFFECT | ({"n_threads"} if self._lenient else set())
        params = {name: v for name, v in params.items() if name not in without}
        if hasattr(estimator, "net_"):
            params["net_"] = network_digest(estimator.net_.module_)
            params["normalizer_"] = estimator.normalizer_
        return params

    def _code(self, value):
        """Return what functions and classes of the user do, from their compiled code."""
        package = (getattr(value, "__module__", None) or "builtins").partition(".")[0]
        if package in _VERSIONED or isinstance(value, (types.BuiltinFunctionType, np.ufunc)):
            return None
        if isinstance(value, types.FunctionType):
            cells = [cell.cell_contents for cell in value.__closure__ or () if _is_filled(cell)]
            defaults = [value.__defaults__, value.__kwdefaults__, cells]
            return [self._compiled(value.__code__), *map(self.describe, defaults)]
        attributes = []
        for name, attribute in sorted(vars(value).items()):
            if name in _OF_PYTHON or isinstance(attribute, types.MemberDescriptorType):
                continue
            if isinstance(attribute, (staticmethod, classmethod)):
                attribute = attribute.__func__
            elif isinstance(attribute, property):
                attribute = [attribute.fget, attribute.fset]
            attributes.append([name, self._describe_or_name(attribute)])
        return [attributes, [self.describe(base) for base in value.__bases__]]

    def _describe_or_name(self, attribute):
        """Return the description of an attribute of a class, or its type."""
        try:
            return self.describe(attribute)
        except ValueError:
            return _name(type(attribute))

    def _compiled(self, code):
        constants = [
            self._compiled(c) if isinstance(c, types.CodeType) else self.describe(c)
            for c in code.co_consts
        ]
        return [code.co_code.hex(), constants, list(code.co_names), list(code.co_varnames)]


def _is_filled(cell):
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _name(value):
    """Return the name of a class or function with its module."""
    module = getattr(value, "__module__", None) or "builtins"
    module = "__main__" if module == "__mp_main__" else module
    return f"{module}.{getattr(value, '__qualname__', getattr(value, '__name__', ''))}"

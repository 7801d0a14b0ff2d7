"""Type checkers infer the type of a parameter from its default, unless it is annotated."""

import importlib
import inspect
import re

import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc

MODULES = (
    *("aggregation", "augmentation", "beats", "calibration", "datasets", "feature_selection"),
    *("imbalance", "inspection", "leads", "metrics", "model_selection", "nn", "paper"),
    *("persistence", "preprocessing", "reporting"),
)


def public_objects():
    """Return the public classes and functions, by name."""
    names = ["sklearn_ecg", *(f"sklearn_ecg.{name}" for name in MODULES)]
    modules = [importlib.import_module(name) for name in names]
    found = {name: getattr(module, name) for module in modules for name in module.__all__}
    return {name: value for name, value in sorted(found.items()) if callable(value)}


def documented_functions(value):
    """Return (function, documentation) of a function, or of a class and its methods."""
    if not inspect.isclass(value):
        return [(value, FunctionDoc(value))]
    found = [(value.__init__, ClassDoc(value))]
    for name, method in vars(value).items():
        method = method.__func__ if isinstance(method, (classmethod, staticmethod)) else method
        if inspect.isfunction(method) and not name.startswith("_"):
            found.append((method, FunctionDoc(method)))
    return found


def is_inferred(default, documented):
    """Return whether the documented type is the one that is inferred from the default."""
    documented = re.sub(r",? ?default=.*", "", documented)
    if isinstance(default, str):
        return documented == "str" or re.fullmatch(r'\{"[^{}]*"\}', documented) is not None
    if isinstance(default, int) and not isinstance(default, bool):
        return documented == "int" or re.fullmatch(r"\{[\d, ]+\}", documented) is not None
    return documented.rpartition(".")[2] == type(default).__name__


def find_wrongly_inferred(value):
    found = []
    for function, documentation in documented_functions(value):
        if not getattr(inspect.unwrap(function), "__module__", "").startswith("sklearn_ecg"):
            continue
        types = {
            name.strip(): parameter.type
            for parameter in documentation["Parameters"]
            for name in parameter.name.split(",")
        }
        for parameter in inspect.signature(function).parameters.values():
            has_type = parameter.annotation is not inspect.Parameter.empty
            if has_type or parameter.default in (None, inspect.Parameter.empty):
                continue
            documented = types.get(parameter.name)
            if documented is not None and not is_inferred(parameter.default, documented):
                found.append(f"{function.__qualname__}: {parameter.name} : {documented}")
    return found


@pytest.mark.parametrize("name", public_objects())
def test_parameters_accept_what_is_documented(name):
    assert find_wrongly_inferred(public_objects()[name]) == []


def test_a_missing_annotation_is_found():
    def function(size=1, rate: float = 1, mode="mean"):
        """Do nothing.

        Parameters
        ----------
        size : int or (int, int), default=1
        rate : float, default=1
        mode : {"mean", "max"} or callable, default="mean"
        """

    function.__module__ = "sklearn_ecg"
    names = [text.split(": ")[1].split(" ")[0] for text in find_wrongly_inferred(function)]
    assert names == ["size", "mode"]

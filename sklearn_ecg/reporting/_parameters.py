"""Parameters of an estimator and of everything inside it, and the versions of the libraries."""

import platform
import re
from functools import partial
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pandas as pd

from .. import __version__

_MAX_LENGTH = 160
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_PACKAGES = ("numpy", "scipy", "pandas", "scikit-learn", "imbalanced-learn", "skorch", "torch")
# Attributes that a fit has chosen, and that change predictions as parameters do.
_CHOSEN = ("best_params_", "best_threshold_", "thresholds_", "method_", "effective_prevalence_")


def parameter_table(estimator):
    """Return a DataFrame with one row per parameter of an estimator and of its parts."""
    rows = []
    _add_rows(estimator, type(estimator).__name__, rows)
    return pd.DataFrame(rows, columns=["part", "class", "parameter", "value"])


def iter_parts(estimator):
    """Yield an estimator and the estimators among its parameters, as given to its constructor."""
    yield estimator
    for value in estimator.get_params(deep=False).values():
        for _, part in _estimators_in(value):
            yield from iter_parts(part)


def versions():
    """Return the versions of Python and of the libraries, without importing them."""
    found = {"Python": platform.python_version(), "sklearn_ecg": __version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _add_rows(estimator, part, rows):
    name = type(estimator).__name__
    n_before = len(rows)
    inside = []
    for parameter, value in estimator.get_params(deep=False).items():
        found = list(_estimators_in(value))
        if found:
            inside += [(".".join(filter(None, (part, key))), one) for key, one in found]
            if _is_estimator(value):
                inside[-1] = (f"{part}.{parameter}", value)
        else:
            rows.append((part, name, parameter, describe(value)))
    for attribute in _CHOSEN:
        value = getattr(estimator, attribute, None)
        if value is not None:
            rows.append((part, name, f"{attribute} (fitted)", describe(value)))
    if len(rows) == n_before:
        rows.append((part, name, "", "no parameters"))
    for path, one in inside:
        _add_rows(one, path, rows)


def _estimators_in(value):
    """Yield the name and the estimator of each estimator that a parameter is or contains."""
    if _is_estimator(value):
        yield "", value
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            if _is_estimator(item):
                yield str(i), item
            elif isinstance(item, (list, tuple)) and len(item) > 1 and _is_estimator(item[1]):
                yield str(item[0]), item[1]


def _is_estimator(value):
    return hasattr(value, "get_params") and not isinstance(value, type)


def describe(value):
    """Return a value as a short text that is the same in every process."""
    if isinstance(value, partial):
        arguments = [*map(describe, value.args)]
        arguments += [f"{key}={describe(item)}" for key, item in value.keywords.items()]
        return f"partial({', '.join([describe(value.func), *arguments])})"
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, (np.ndarray, pd.Series, pd.DataFrame)) and value.size > 12:
        kind = type(value).__name__
        return f"{kind} of shape {value.shape}"
    if isinstance(value, np.ndarray):
        value = value.tolist()
    elif isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        text = ", ".join(f"{describe(key)}: {describe(item)}" for key, item in value.items())
        text = f"{{{text}}}"
    else:
        text = _ADDRESS.sub("", " ".join(repr(value).split()))
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}..."

"""What a call with arbitrary arguments may do: return a result, or raise a documented error.

An error is acceptable if

- its type is in the section "Raises" of the function, or, for a method, of its class or `fit`;
- a ``raise`` statement of this library, of scikit-learn or of imbalanced-learn raises it, rather
  than NumPy, torch, or an expression that happens to fail;
- its message names an argument or something else that the user gave.

A result is acceptable if arguments are not modified, and no warning comes from NumPy, SciPy or
torch, such as one of an overflow.
"""

import copy
import dis
import functools
import inspect
import re
import warnings
from pathlib import Path

import imblearn
import numpy as np
import pandas as pd
import sklearn
import torch
from numpydoc.docscrape import NumpyDocString
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, UndefinedMetricWarning

import sklearn_ecg

LIBRARY = str(Path(sklearn_ecg.__file__).parent)
# Folders whose `raise` statements are acceptable: validation, and the splits and metrics that the
# documentation refers to.
ORIGINS = (
    LIBRARY,
    *(
        str(Path(sklearn.__file__).parent / part)
        for part in ("utils", "base.py", "model_selection", "metrics")
    ),
    str(Path(imblearn.__file__).parent),
)
# What users give, apart from arguments. Messages of scikit-learn say sample, feature and array.
NOUNS = (
    "record(s)? lead(s)? label(s)? class(es)? array sample(s)? feature(s)? fitted estimator(s)? "
    "group(s)? signal(s)? patient(s)? cell(s)? weight(s)? seed "
    "split(s)? data input transform batch file(s)? folder(s)? url score(s)?"
)
FOREIGN = (RuntimeWarning, DeprecationWarning, FutureWarning, PendingDeprecationWarning)
EXPECTED_WARNINGS = (
    UserWarning,
    ConvergenceWarning,
    DataConversionWarning,
    UndefinedMetricWarning,
)


class Refused:
    """A documented error instead of a result; false where a result is true.

    Parameters
    ----------
    error : Exception
    """

    def __init__(self, error):
        self.error = error

    def __bool__(self):
        return False

    def __repr__(self):
        return f"Refused({type(self.error).__name__}: {self.error!s:.500})"


def _owner(function):
    """Return the instance or the class that a method or a callable object belongs to, or None."""
    owner = getattr(function, "__self__", None)
    if owner is None and not inspect.isroutine(function):
        owner = function
    return owner


@functools.cache
def _section(obj):
    """Return the names in the section "Raises" of an object."""
    text = inspect.getdoc(obj)
    if not text:
        return frozenset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        entries = NumpyDocString(text)["Raises"]
    return frozenset(
        name.strip(" `~.") for entry in entries for name in (entry.type or entry.name).split(",")
    )


def documented_errors(function):
    """Return the names of the errors that a function or a method documents."""
    names = set()
    if inspect.isroutine(function):
        names |= _section(getattr(function, "__func__", function))
    owner = _owner(function)
    if owner is not None:
        owner = owner if inspect.isclass(owner) else type(owner)
        names |= _section(owner)
        for method in ("fit", "fit_resample", "__call__", "forward"):
            if hasattr(owner, method):
                names |= _section(getattr(owner, method))
    return names


def _argument_names(function):
    """Return the names of the arguments of a function, and of the parameters of its class."""
    names = set(inspect.signature(function).parameters)
    owner = _owner(function)
    if isinstance(owner, BaseEstimator):
        names |= set(owner.get_params(deep=True))
    elif inspect.isclass(owner):
        names |= set(inspect.signature(owner).parameters)
    elif owner is not None:
        names |= set(vars(owner))
    return {part for name in names for part in (name, name.rpartition("__")[2])}


def check_error(error, function):
    """Assert that an error is documented, raised on purpose, and names what the user gave."""
    name = getattr(function, "__qualname__", function)
    where = f"{name} raised {type(error).__name__}: {error!s:.500}"
    types = {parent.__name__ for parent in type(error).__mro__}
    documented = documented_errors(function)
    assert types & documented, f"{where}\nDocumented: {sorted(documented)}."
    if isinstance(error, OSError):
        # Of the operating system, which names the file.
        return
    frame = error.__traceback__
    while frame.tb_next is not None:
        frame = frame.tb_next
    code = frame.tb_frame.f_code
    place = f"{code.co_filename}:{frame.tb_lineno}"
    on_purpose = dis.opname[code.co_code[frame.tb_lasti]] == "RAISE_VARARGS"
    assert on_purpose, f"{where}\nNot by a raise statement, but at {place}."
    assert code.co_filename.startswith(ORIGINS), f"{where}\nRaised by {place}."
    words = "|".join(map(re.escape, _argument_names(function))) + "|" + NOUNS.replace(" ", "|")
    found = re.search(rf"(?<!\w)(?:{words})(?!\w)", str(error), re.IGNORECASE)
    assert found, f"{where}\nIt names nothing that the user gave."


def _check_warnings(caught, function):
    for warning in caught:
        if issubclass(warning.category, ResourceWarning):
            continue
        # Warnings of scikit-learn, such as that a metric is undefined, are its interface.
        good = issubclass(warning.category, EXPECTED_WARNINGS) and not issubclass(
            warning.category, FOREIGN
        )
        assert good, (
            f"{getattr(function, '__qualname__', function)} warns: {warning.category.__name__}: "
            f"{warning.message} ({warning.filename}:{warning.lineno})"
        )


def attempt(function, *args, **kwargs):
    """Call a function, and return its result (for a generator, a list) or `Refused`.

    Assert that arguments are not modified, that an error is a documented one, and that no warning
    is foreign.
    """
    _note_call(function)
    before = [(value, snapshot(value)) for value in (*args, *kwargs.values())]
    # The numbers of the generator, and the position of the next one.
    state = [np.copy(part) for part in np.random.get_state()[1:3]]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args, **kwargs)
            result = list(result) if inspect.isgenerator(result) else result
        except Exception as error:
            check_error(error, function)
            result = Refused(error)
    _check_warnings(caught, function)
    for value, old in before:
        assert is_same(value, old), f"{function} modified an argument"
    for part, old in zip(np.random.get_state()[1:3], state):
        np.testing.assert_array_equal(part, old)
    return result


def snapshot(value):
    """Return a copy that later changes of a value do not reach."""
    if isinstance(value, np.ndarray):
        return copy.deepcopy(np.array(value, subok=not isinstance(value, np.memmap)))
    if isinstance(value, (list, dict, pd.DataFrame, pd.Series)):
        return copy.deepcopy(value)
    return value


def is_same(value, old):
    """Return whether a value equals its snapshot."""
    if value is old:
        return True
    if isinstance(value, (pd.DataFrame, pd.Series)):
        same = value.index.equals(old.index) and value.attrs == old.attrs
        return same and is_same(value.to_numpy(), old.to_numpy())
    if isinstance(value, np.ndarray):
        if value.dtype != old.dtype or value.shape != old.shape:
            return False
        if value.dtype == object:
            return all(is_same(a, b) for a, b in zip(value.ravel(), old.ravel()))
        if np.ma.isMaskedArray(value):
            return is_same(value.mask, old.mask) and is_same(value.data, old.data)
        return np.array_equal(value, old, equal_nan=value.dtype.kind in "fc")
    if isinstance(value, dict):
        return list(value) == list(old) and all(is_same(value[key], old[key]) for key in value)
    if isinstance(value, (list, tuple)):
        return len(value) == len(old) and all(map(is_same, value, old))
    return bool(value == old) or (value != value and old != old)


# --------------------------------------------------------------------------------------------------
# What the tests cover
# --------------------------------------------------------------------------------------------------

# Public objects that a test covers, and the functions and methods that `attempt` has called.
COVERED = set()
CALLED = set()
# Methods that scikit-learn defines for all estimators.
INHERITED = {"get_params", "set_params", "get_metadata_routing", "set_output", "set_callbacks"}


def covers(*objects):
    """Declare the public classes and functions that a test covers.

    A fixture in conftest.py checks after the test that it has called them with `attempt`: of a
    class, all public methods. A parameter ``covered`` of the test is the one that it covers.
    """

    def declare(test):
        COVERED.update(objects)
        test.covers = objects
        return test

    return declare


def public_methods(cls):
    """Return the names of the public methods of a class that do something with data."""
    return {
        name
        for name in dir(cls)
        if not name.startswith("_")
        and callable(getattr(cls, name, None))
        and name not in INHERITED
        and not name.endswith("_request")
        and _defined_in(getattr(cls, name)).startswith(("sklearn_ecg", "sklearn", "imblearn"))
    }


def _defined_in(method):
    return getattr(method, "__module__", None) or ""


def missing_calls(obj, except_for=()):
    """Return what of a public object `attempt` has not called."""
    if not inspect.isclass(obj) or issubclass(obj, (torch.nn.Module, Exception)):
        return set() if obj in CALLED else {obj.__name__}
    names = public_methods(obj) - set(except_for)
    missing = {name for name in names if (obj, name) not in CALLED}
    return missing if names else ({obj.__name__} if obj not in CALLED else set())


def _note_call(function):
    owner = getattr(function, "__self__", None)
    if owner is not None:
        owner = owner if inspect.isclass(owner) else type(owner)
        for parent in owner.__mro__:
            CALLED.add((parent, function.__name__))
    elif inspect.isclass(function) or inspect.isfunction(function):
        CALLED.add(function)
    else:
        CALLED.add(type(function))

"""NumPy integers in the parameters of networks."""

import functools

import numpy as np


def python_numbers(value):
    """Replace NumPy integers in a value and in its parts, which may be dicts, lists and tuples.

    Layers of torch refuse some of them, and products of small integers overflow:
    ``4 * np.int8(64)`` is 0.
    """
    if isinstance(value, np.integer):
        return int(value)
    if type(value) is dict:
        return {key: python_numbers(part) for key, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(python_numbers, value))
    return value


def accept_numpy_integers(init):
    """Decorate the ``__init__`` of a network, which then gets integers of Python in any case."""

    @functools.wraps(init)
    def wrapper(self, *args, **params):
        args = [_convert(value) for value in args]
        init(self, *args, **{name: _convert(value) for name, value in params.items()})

    return wrapper


def _convert(value):
    """Replace NumPy integers in a parameter, which may also be an array of integers."""
    is_array = isinstance(value, np.ndarray) and value.dtype.kind in "iu"
    return value.tolist() if is_array else python_numbers(value)

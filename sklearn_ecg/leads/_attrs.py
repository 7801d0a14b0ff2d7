"""What the ``attrs`` of a frame may note: a sampling rate and a unit."""

import math
from numbers import Real


def missing_as_none(note):
    """Return None for NaN, as in a table of records, and other notes as they are."""
    return None if isinstance(note, float) and math.isnan(note) else note


def check_rate_note(rate, name):
    """Return a sampling rate in Hz as a number of Python, which can be written as JSON.

    Parameters
    ----------
    rate : object
    name : str
        What the rate is, for the error message.

    Raises
    ------
    ValueError
        If it is not a positive number.
    """
    if isinstance(rate, bool) or not isinstance(rate, Real) or not 0 < rate < math.inf:
        raise ValueError(
            f"{name} must be a positive number in Hz, got {rate!r}. Correct it, or leave it out if "
            "the sampling rate is unknown."
        )
    return rate.item() if hasattr(rate, "item") else rate


def check_unit_note(unit, name):
    """Return the name of a unit, which must be a string that is not blank.

    Parameters
    ----------
    unit : object
    name : str
        What the unit is, for the error message.

    Raises
    ------
    ValueError
        If it is not.
    """
    if not isinstance(unit, str) or not unit.strip():
        raise ValueError(
            f"{name} must be the name of a unit, such as 'mV', got {unit!r}. Correct it, or leave "
            "it out if the unit is unknown."
        )
    return str(unit)

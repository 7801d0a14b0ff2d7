"""The sampling rate and the unit that a frame notes in its ``attrs``.

One rule for all of them: what is noted is compared wherever it matters, and a difference is an
error. Nothing is converted silently. What is not noted is unknown, and unknown is never an error:
arrays, object arrays and frames without notes are accepted as before.
"""

from numbers import Real

from ..leads._attrs import check_rate_note, check_unit_note, missing_as_none
from ..utils._units import millivolts_per_unit, standard_unit

# Rates that differ less are equal except for rounding.
_ROUNDING = 1e-9


def noted_rate(X):
    """Return the sampling rate in the ``attrs`` of X in Hz, or None if there is none."""
    rate = _note(X, "sampling_rate")
    return None if rate is None else check_rate_note(rate, "X.attrs['sampling_rate']")


def noted_unit(X):
    """Return the unit in the ``attrs`` of X, "mV" however it is spelled, or None."""
    unit = _note(X, "units")
    return None if unit is None else standard_unit(check_unit_note(unit, "X.attrs['units']"))


def check_noted_rate(X, sampling_rate, *, name):
    """Compare the sampling rate that X notes with the one that a caller is given.

    Parameters
    ----------
    X : array, DataFrame or lead frame
    sampling_rate : float or None
        The parameter of the caller. If it is None, it is unknown.
    name : str
        Name of the caller, for the error message.
    """
    noted = noted_rate(X)
    if noted is None or not isinstance(sampling_rate, Real) or _is_equal(noted, sampling_rate):
        return
    raise ValueError(
        f"{name} has sampling_rate={sampling_rate!r}, but X.attrs['sampling_rate'] is {noted!r}. "
        f"Pass sampling_rate={noted!r}, or resample the records."
    )


def check_noted_millivolts(X, *, name):
    """Raise if X notes another unit than mV.

    Parameters
    ----------
    X : array, DataFrame or lead frame
    name : str
        Name of the caller, for the error message.
    """
    noted = noted_unit(X)
    if noted not in (None, "mV"):
        raise ValueError(
            f"The unit in X.attrs['units'] is {_note(X, 'units')!r}, but {name} needs mV."
            f"{_how_to_convert(noted, 'mV')}"
        )


def check_notes(estimator, X, *, reset):
    """Compare the sampling rate and the unit that X notes with those of an estimator.

    Parameters
    ----------
    estimator : estimator
        With ``reset=True``, its attributes ``sampling_rate_in_`` and ``units_in_`` are set, to
        None if unknown. Its class attribute ``_needs_millivolts`` says whether another unit than
        mV is an error.
    X : array, DataFrame or lead frame
    reset : bool
        True in ``fit``, False in every other method.
    """
    name = type(estimator).__name__
    given = getattr(estimator, "sampling_rate", None)
    check_noted_rate(X, given, name=name)
    if getattr(estimator, "_needs_millivolts", False):
        check_noted_millivolts(X, name=name)
    rate, unit = noted_rate(X), noted_unit(X)
    if reset:
        estimator.sampling_rate_in_ = given if rate is None else rate
        estimator.units_in_ = unit
        return
    fitted_rate = getattr(estimator, "sampling_rate_in_", None)
    if None not in (rate, fitted_rate) and not _is_equal(rate, fitted_rate):
        raise ValueError(
            f"X.attrs['sampling_rate'] is {rate!r}, but {name} was fitted on records of "
            f"{fitted_rate!r} Hz. Resample the records: Resampler({fitted_rate!r}, "
            f"sampling_rate={rate!r})."
        )
    fitted_unit = getattr(estimator, "units_in_", None)
    if None not in (unit, fitted_unit) and unit != fitted_unit:
        raise ValueError(
            f"The unit in X.attrs['units'] is {_note(X, 'units')!r}, but {name} was fitted on "
            f"records in {fitted_unit!r}.{_how_to_convert(unit, fitted_unit)}"
        )


def check_same_notes(estimator, other, *, other_name):
    """Raise if two fitted estimators, of which one uses the other, know different notes.

    Parameters
    ----------
    estimator, other : estimator
        With the attributes that `check_notes` sets.
    other_name : str
        What `other` is, for the error message.
    """
    name = type(estimator).__name__
    rate, other_rate = (getattr(one, "sampling_rate_in_", None) for one in (estimator, other))
    if None not in (rate, other_rate) and not _is_equal(rate, other_rate):
        raise ValueError(
            f"The sampling rate is {rate!r} Hz for {name}, but {other_rate!r} Hz for "
            f"{other_name}. Pass the same sampling_rate to both, or resample the records."
        )
    unit, other_unit = (getattr(one, "units_in_", None) for one in (estimator, other))
    if None not in (unit, other_unit) and unit != other_unit:
        raise ValueError(
            f"The unit of X is {unit!r} for {name}, but {other_unit!r} for {other_name}."
            f"{_how_to_convert(unit, other_unit)}"
        )


def _note(X, key):
    """Return a note of X, or None if it is absent or missing."""
    attrs = getattr(X, "attrs", None)
    return missing_as_none(attrs.get(key) if hasattr(attrs, "get") else None)


def _is_equal(rate, other):
    return abs(rate - other) <= _ROUNDING * max(abs(rate), abs(other))


def _how_to_convert(unit, wanted):
    """Return a sentence that says how to convert a lead frame to another unit."""
    per_unit, per_wanted = millivolts_per_unit(unit), millivolts_per_unit(wanted)
    if None in (per_unit, per_wanted):
        return f" Convert the signals to {wanted}, and update the note."
    factor = per_unit / per_wanted
    operation = f"* {factor:g}" if factor > 1 else f"/ {1 / factor:g}"
    return (
        f" Convert the signals: to_lead_frame(to_lead_array(X) {operation}, X.columns, "
        f"index=X.index, sampling_rate=..., units={wanted!r})."
    )

"""Checks of records as such, whether they are signals or images, and of their groups."""

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionDtype
from sklearn.utils import column_or_1d
from sklearn.utils.validation import _check_sample_weight

from ..leads import is_lead_frame, stack_signals, to_lead_array
from ..leads._record_columns import read_column
from ._containers import SINGLE_RECORD, as_array, check_container, refuse_other_objects

# Width of the strings to which NumPy converts numbers, as in ``numpy.array(["a", numpy.nan])``.
_WIDTH_OF_FLOATS = np.result_type("U1", np.float64)


def check_records(X):
    """Return signals or images of any container as an array with one record per row.

    For functions that compare records value by value and need not know what the values are.
    Memory maps and numeric arrays are not copied.

    Parameters
    ----------
    X : array-like, DataFrame or lead frame

    Returns
    -------
    records : ndarray of shape (n_records, ...)

    Raises
    ------
    ValueError
        If X does not hold one record of numbers per row.
    """
    X = read_column(X)
    check_container(X)
    X = to_lead_array(X) if is_lead_frame(X) else as_array(X)
    if X.dtype == object and X.ndim == 2 and X.size and np.ndim(X.flat[0]) == 1:
        X = stack_signals(X)
    if X.ndim < 2 or X.dtype.kind not in "fiub":
        raise ValueError(
            "X must be an array of signals or images with one record of numbers per row, got "
            f"shape {X.shape} and dtype {X.dtype}."
        )
    if len(X) and not X.size:
        raise ValueError(f"X has records without values: its shape is {X.shape}.")
    return X


def check_groups(groups, n_records):
    """Return the patient of each record as an array, after checking that none is missing.

    Parameters
    ----------
    groups : array-like of shape (n_records,)
    n_records : int

    Returns
    -------
    groups : ndarray of shape (n_records,)

    Raises
    ------
    ValueError
        If the shape is not (n_records,), a patient is missing, is given as a number and as text, or
        is a float that is too large to be exact.
    """
    if np.ndim(groups) != 1 and np.shape(groups)[1:] != (1,):
        raise ValueError(
            f"groups must have shape (n_records,), got shape {np.shape(groups)}. Pass one patient "
            "for each record, as a number or a string."
        )
    check_not_masked(groups, "groups")
    n_missing = np.count_nonzero(find_missing(groups))
    if isinstance(groups, pd.DataFrame):
        groups = groups.iloc[:, 0]
    if not n_missing and isinstance(getattr(groups, "dtype", None), ExtensionDtype):
        # scikit-learn converts integers of pandas to float, in which large ones become equal.
        if groups.dtype.kind in "iu":
            groups = groups.to_numpy(dtype=np.dtype(f"{groups.dtype.kind}8"))
    groups = column_or_1d(groups)
    if len(groups) != n_records:
        hint = f" {SINGLE_RECORD}." if len(groups) == 1 else ""
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: groups has length "
            f"{len(groups)}, for {n_records} records. Pass the patient of each record.{hint}"
        )
    if n_missing:
        raise ValueError(
            f"groups has missing values for {n_missing} of {len(groups)} records. Give each "
            "record of an unknown patient a group of its own."
        )
    is_float = groups.dtype.kind == "f"
    if is_float and np.abs(groups).max(initial=0) >= 2.0 ** (np.finfo(groups.dtype).nmant + 1):
        raise ValueError(
            f"groups has floats such as {np.abs(groups).max():.17g}, too large to be exact: "
            "different patients may have become equal. Pass integers or strings."
        )
    if groups.dtype == object:
        texts = {group for group in groups if isinstance(group, str)}
        both = texts.intersection(str(group) for group in groups if not isinstance(group, str))
        if both:
            raise ValueError(
                f"groups has {min(both)!r} as text and as a number, which would be two patients. "
                "Convert all groups to one type, as with groups.astype(str)."
            )
    return groups


def check_weights(sample_weight, n_records):
    """Return the weights of the records as an array, after checking that they are not negative.

    Parameters
    ----------
    sample_weight : array-like of shape (n_records,)
    n_records : int

    Returns
    -------
    sample_weight : ndarray of shape (n_records,)

    Raises
    ------
    ValueError
        If the shape is not (n_records,), or a weight is negative, NaN, infinite or not a number.
    """
    with refuse_other_objects("sample_weight"):
        return _check_sample_weight(
            sample_weight, np.empty((n_records, 1)), ensure_non_negative=True
        )


def weights_as_counts(sample_weight):
    """Return weights that add up to the number of records of a weight above 0, or to more.

    Smoothed targets, such as Platt's, take the sum of the weights for a number of records. Weights
    that add up to 1 would be one record.

    Parameters
    ----------
    sample_weight : ndarray of shape (n_records,)
        Weights >= 0, one of them above 0.
    """
    return sample_weight * max(1.0, np.count_nonzero(sample_weight) / sample_weight.sum())


def check_not_masked(values, argument):
    """Raise for a masked array, whose mask `numpy.asarray` would ignore."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(
            f"{argument} is an array with {np.ma.count_masked(values)} masked values, which would "
            "be used as if they were not masked. Leave these records out, or fill the values."
        )


def check_one_type(labels, argument="y"):
    """Raise for labels that cannot be sorted, such as numbers and strings in one array."""
    labels = np.asarray(labels)
    if labels.dtype == object:
        try:
            np.unique(labels)
        except TypeError as error:
            raise ValueError(
                f"{argument} contains labels of different types ({error}). Convert all of them to "
                "strings or to numbers."
            ) from error


def find_missing(values):
    """Return a mask of NaN, None and ``pd.NA``, in lists and arrays of strings too.

    Parameters
    ----------
    values : array-like

    Returns
    -------
    missing : bool ndarray
    """
    if isinstance(values, (list, tuple)):
        # As an array of strings, a missing value would be the string "nan" or "None".
        values = np.array(values, dtype=object)
    missing = np.asarray(pd.isna(values if hasattr(values, "iloc") else np.asarray(values)))
    values = np.asarray(values)
    if values.dtype.kind == "U" and values.dtype >= _WIDTH_OF_FLOATS:
        # The texts "nan" of a narrower array were given as such.
        missing = missing | (values == "nan")
    return missing


def number_groups(groups):
    """Return the number of each group, in sorted order if groups can be sorted, and their count.

    Parameters
    ----------
    groups : ndarray of shape (n_records,)

    Returns
    -------
    numbers : ndarray of shape (n_records,), int
    n_groups : int
    """
    try:
        patients, numbers = np.unique(groups, return_inverse=True)
    except TypeError:  # numbers and strings
        numbers, patients = pd.factorize(groups)
    return numbers, len(patients)

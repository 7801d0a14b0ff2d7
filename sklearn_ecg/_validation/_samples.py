"""Checks of records as such, whether they are signals or images, and of their groups."""

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length, column_or_1d

from ..leads import is_lead_frame, stack_signals, to_lead_array
from ._containers import check_container


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
    check_container(X)
    X = to_lead_array(X) if is_lead_frame(X) else np.asarray(X)
    if X.dtype == object and X.ndim == 2 and X.size and np.ndim(X.flat[0]) == 1:
        X = stack_signals(X)
    if X.ndim < 2 or X.dtype.kind not in "fiub":
        raise ValueError(
            "X must be an array of signals or images with one record of numbers per row, got "
            f"shape {X.shape} and dtype {X.dtype}."
        )
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
        If the length differs from `n_records`, or a patient is missing.
    """
    groups = column_or_1d(groups)
    check_consistent_length(groups, range(n_records))
    n_missing = np.count_nonzero(pd.isna(groups))
    if n_missing:
        raise ValueError(
            f"groups has missing values for {n_missing} of {len(groups)} records. Give each "
            "record of an unknown patient a group of its own."
        )
    return groups

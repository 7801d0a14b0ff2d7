"""Labels of records and of patients, for splitters and for the report of their balance."""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.multiclass import type_of_target

from .._validation._samples import (
    check_groups,
    check_not_masked,
    check_one_type,
    find_missing,
    number_groups,
)


def read_labels(y, n_records):
    """Return the labels of each record as an indicator, and their names.

    Parameters
    ----------
    y : array-like of shape (n_records,) or (n_records, n_labels)
        Classes, or a multilabel indicator.
    n_records : int

    Returns
    -------
    indicator : ndarray of shape (n_records, n_labels), int
        One column per class, or per label of a multilabel target.
    names : list
    is_multilabel : bool

    Raises
    ------
    ValueError
        If y is missing, has missing values, or is neither a class per record nor an indicator.
    """
    if y is None:
        raise ValueError("y is None. Pass the labels, which the splits are to balance.")
    if issparse(y):
        y = y.toarray()
    check_not_masked(y, "y")
    values = np.asarray(y)
    if values.ndim == 0 or len(values) != n_records:
        raise ValueError(
            f"y must have one row for each of {n_records} records, got shape {values.shape}."
        )
    if not values.size:
        raise ValueError(f"y is empty: got shape {values.shape}. Pass some records.")
    n_missing = np.count_nonzero(find_missing(y).reshape(n_records, -1).any(axis=1))
    if n_missing:
        raise ValueError(
            f"y has missing values for {n_missing} of {n_records} records. Leave these records out."
        )
    if values.ndim == 2 and values.shape[1] > 1:
        if not np.isin(values, (0, 1)).all():
            raise ValueError(
                "y of shape (n_records, n_labels) must be a multilabel indicator of 0 and 1, got "
                f"other values, such as {values[~np.isin(values, (0, 1))][0]}. Leave out records "
                "without labels, and pass a single column for classes."
            )
        names = list(y.columns) if hasattr(y, "columns") else list(range(values.shape[1]))
        return values.astype(np.intp), names, True
    if values.ndim == 2:
        values = values.reshape(n_records, -1)[:, 0] if values.shape[1] else values
    check_one_type(values)
    kind = type_of_target(values) if values.ndim == 1 else f"shape {values.shape}"
    if kind not in ("binary", "multiclass"):
        raise ValueError(
            "y must be binary, multiclass or a multilabel indicator, one row per record, got "
            f"{kind}. Continuous values can be cut into classes, for example with pandas.qcut."
        )
    classes, codes = np.unique(values, return_inverse=True)
    return np.eye(len(classes), dtype=np.intp)[codes], classes.tolist(), False


def number_patients(groups, n_records):
    """Return the number of the patient of each record, and the number of patients.

    Without groups, each record is a patient of its own.
    """
    if groups is None:
        return np.arange(n_records), n_records
    return number_groups(check_groups(groups, n_records))


def count_per_patient(indicator, patients, n_patients):
    """Return the number of records of each patient, and of those with each label.

    Parameters
    ----------
    indicator : ndarray of shape (n_records, n_labels), int
    patients : ndarray of shape (n_records,), int
    n_patients : int

    Returns
    -------
    counts : ndarray of shape (n_patients, 1 + n_labels), int
    """
    columns = [None, *indicator.T]
    counts = [np.bincount(patients, weights=column, minlength=n_patients) for column in columns]
    return np.stack(counts, axis=1).astype(np.intp)

"""The target of a sampler, classes or a multilabel indicator, and the units that are drawn."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from .._validation._samples import check_not_masked, check_one_type, find_missing


class SamplerTarget(NamedTuple):
    """A checked target.

    Parameters
    ----------
    is_multilabel : bool
    values : ndarray
        The class of each record, of shape (n_records,), or a multilabel indicator of 0 and 1, of
        shape (n_records, n_labels).
    """

    is_multilabel: bool
    values: np.ndarray


def check_target(y, X, name):
    """Check the target of a sampler.

    An indicator in which each record has exactly one label is a multiclass target, whose classes
    are the numbers of the columns, as in imbalanced-learn.

    Parameters
    ----------
    y : array-like or sparse matrix of shape (n_records,), (n_records, 1) or (n_records, n_labels)
    X : array-like of n_records
    name : str
        Name of the sampler, for error messages.

    Returns
    -------
    SamplerTarget

    Raises
    ------
    ValueError
        If y is None, has missing labels, is continuous, has one class or no positive label, or has
        several columns with other values than 0 and 1.
    """
    if y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None.")
    if issparse(y):
        y = y.toarray()
    check_not_masked(y, "y")
    missing = find_missing(y)
    if missing.any():
        raise ValueError(
            f"Input y contains NaN: {np.count_nonzero(missing)} label(s) are missing, the first "
            f"for record {np.argwhere(missing)[0][0]}. Remove these records."
        )
    values = np.asarray(y)
    if values.ndim == 2 and values.shape[1] > 1:
        target = _check_indicator(values)
    else:
        check_one_type(values)
        check_classification_targets(values)
        target = SamplerTarget(False, column_or_1d(values))
    check_consistent_length(X, values)
    if not target.is_multilabel:
        classes = np.unique(target.values)
        if len(classes) < 2:
            raise ValueError(
                f"{name} needs records of at least 2 classes, got 1 class: {classes.tolist()[0]!r}."
            )
    return target


def patient_units(members, groups):
    """Split records by their patients, in the order of the first record of each.

    Parameters
    ----------
    members : ndarray of int
        Positions of records, ascending.
    groups : ndarray of shape (n_records,) or None
        None makes each record a unit.

    Returns
    -------
    units : list of ndarray of int
    """
    if groups is None or len(members) == 0:
        return list(members[:, np.newaxis])
    numbers = groups[members]
    order = np.argsort(numbers, kind="stable")
    bounds = np.flatnonzero(np.diff(numbers[order])) + 1
    return sorted(np.split(members[order], bounds), key=lambda unit: unit[0])


def _check_indicator(values):
    if values.dtype.kind not in "biuf" or not np.isin(values, (0, 1)).all():
        raise ValueError(
            f"y has {values.shape[1]} columns. It must then be a multilabel indicator of 0 and 1, "
            f"got the values {np.unique(values.astype(str))[:5].tolist()}. Multioutput targets are "
            "not supported: pass one column."
        )
    values = values.astype(np.int64)
    if not values.any():
        raise ValueError("y is a multilabel indicator without any 1: no record has a label.")
    if (values.sum(axis=1) == 1).all():
        return SamplerTarget(False, values.argmax(axis=1))
    return SamplerTarget(True, values)

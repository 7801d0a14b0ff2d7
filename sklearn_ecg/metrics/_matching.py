"""Match the columns of scores with those of labels by name, and compare the order of records."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from .._validation._samples import check_not_masked, check_one_type, find_missing


def column_names(frame):
    """Return the names of the columns of a frame as a list, or None if they have no names.

    Columns that pandas numbered from 0 have no names.
    """
    if np.ndim(frame) != 2 or not hasattr(frame, "columns"):
        return None
    names = list(frame.columns)
    return None if names == list(range(len(names))) else names


def match_columns(y_true, y_score, argument="y_score", *, label_names=None):
    """Return scores with the columns in the order of the labels.

    Columns without names are taken to be in the order of the labels.

    Parameters
    ----------
    y_true, y_score : array-like or DataFrame
    argument : str, default="y_score"
        Name of the scores, for error messages.
    label_names : sequence or None, default=None
        Names of the columns of `y_true` if it has none.

    Returns
    -------
    y_score : same type as given

    Raises
    ------
    ValueError
        If both have names, and these are not the same.
    """
    given = column_names(y_score)
    if given is None:
        return y_score
    known_as, expected = "y_true", column_names(y_true)
    if expected is None and label_names is not None:
        known_as, expected = "label_names", list(label_names)
    if expected is None and np.ndim(y_true) == 1:
        _check_order_of_classes(y_true, given, argument)
    if expected is None or given == expected:
        return y_score
    order = _positions(given, expected)
    if order is None:
        raise ValueError(
            f"The columns of {argument} are not those of {known_as}: "
            f"{_differences(given, expected)}. Use the same names in both. If only the names "
            f"differ, and not the order, pass {argument}.to_numpy()."
        )
    return y_score.iloc[:, order] if hasattr(y_score, "iloc") else y_score[expected]


def check_same_columns(y_true, y_scores):
    """Raise if several scores have the columns in different orders, and `y_true` has no names.

    Parameters
    ----------
    y_true : array-like or DataFrame
    y_scores : dict of str to array-like or DataFrame
    """
    if column_names(y_true) is not None:
        return
    named = {argument: column_names(scores) for argument, scores in y_scores.items()}
    named = {argument: names for argument, names in named.items() if names is not None}
    if len({tuple(names) for names in named.values()}) > 1:
        found = " and ".join(f"those of {name} {_listed(names)}" for name, names in named.items())
        raise ValueError(
            f"The columns differ: {found}. Pass y_true as a DataFrame with these names, or the "
            "columns in the same order."
        )


def match_values(values, names, argument):
    """Return one value for each label: those of a Series or a mapping are matched by name."""
    has_names = isinstance(values, Mapping)
    if has_names:
        values = pd.Series(dict(values))
    if not hasattr(values, "index") or not hasattr(values, "iloc"):
        return values
    given = list(values.index)
    # The keys of a mapping are names in any case, numbers as well.
    if given == list(names) or (not has_names and given == list(range(len(given)))):
        return values
    order = _positions(given, list(names))
    if order is None:
        raise ValueError(
            f"The names of {argument} are not those of the labels: "
            f"{_differences(given, list(names))}. Use the same names in both."
        )
    return values.iloc[order]


def check_renaming(names, label_names):
    """Raise if `label_names` has a name of another column of `y_true`."""
    for name, column in zip(label_names, names):
        if name != column and name in names:
            raise ValueError(
                f"label_names has {name!r} in the place of the column {column!r} of y_true, which "
                f"has another column {name!r}. Pass names in the order of the columns, "
                f"{_listed(names)}, or leave label_names out."
            )


def check_same_records(**arguments):
    """Raise if the index of pandas objects shows that the records are in different orders.

    As in scikit-learn, records are matched by position. An index is compared with another one only
    if both identify records, that is if they have no value twice and have values in common: two
    orders of the same values, or two sets of records that overlap. An index that was numbered from
    0 may be unrelated to the other one, and may be a different set.

    Parameters
    ----------
    **arguments : array-like, Series, DataFrame or None
    """
    indexes = {
        argument: values.index
        for argument, values in arguments.items()
        if isinstance(values, (pd.Series, pd.DataFrame)) and values.index.is_unique
    }
    (first, index), *others = indexes.items() or [(None, None)]
    for argument, other in others:
        if len(index) != len(other) or index.equals(other):
            continue
        n_shared = len(index.intersection(other))
        is_numbered = any(part.equals(pd.RangeIndex(len(part))) for part in (index, other))
        if n_shared == len(index) or (n_shared and not is_numbered):
            what = "are in different orders" if n_shared == len(index) else "overlap, but differ"
            raise ValueError(
                f"The indexes of {first} and {argument} {what}, so that their records may not be "
                f"the same. Select the same records by index, as in {argument}.loc[{first}.index], "
                f"or pass {argument}.to_numpy() if the records are already in the same order."
            )


def as_array(values, argument):
    """Return an array of labels or scores, without names.

    Raises
    ------
    ValueError
        If values are masked, which `numpy.asarray` would ignore.
    """
    check_not_masked(values, argument)
    if issparse(values):
        raise ValueError(f"{argument} is a sparse matrix. Pass an array: {argument}.toarray().")
    array = np.asarray(values)
    if array.dtype == object and isinstance(values, (pd.Series, pd.DataFrame)):
        # Numbers of pandas' own dtypes, where a missing value is pd.NA.
        if all(map(pd.api.types.is_numeric_dtype, np.atleast_1d(values.dtypes))):
            array = values.to_numpy(dtype=np.float64, na_value=np.nan)
    return array


def as_label_array(y_true, argument="y_true"):
    """Return an array of labels, after checking that they are classes and none is missing."""
    labels = as_array(y_true, argument)
    if labels.size == 0:
        raise ValueError(f"{argument} is empty: its shape is {labels.shape}. Pass some records.")
    if labels.ndim not in (1, 2):
        raise ValueError(
            f"{argument} must have shape (n_records,) or (n_records, n_labels), got shape "
            f"{labels.shape}."
        )
    n_missing = np.count_nonzero(find_missing(y_true).reshape(len(labels), -1).any(axis=1))
    if n_missing:
        raise ValueError(
            f"{argument} has missing values for {n_missing} of {len(labels)} records. Leave these "
            "records out."
        )
    if labels.dtype.kind in "mMc":
        raise ValueError(
            f"{argument} must contain classes, got dtype {labels.dtype}. Pass numbers, strings or "
            "booleans."
        )
    check_one_type(labels, argument)
    return labels


def _check_order_of_classes(y_true, names, argument):
    """Raise if columns are the classes of `y_true` and others, but not in sorted order."""
    classes = pd.unique(pd.Series(np.asarray(y_true))).tolist()
    if not set(classes) <= set(names):
        return
    try:
        ordered = sorted(names)
    except TypeError:  # names of different types
        return
    if names != ordered:
        raise ValueError(
            f"The columns of {argument} are {_listed(names)}, but metrics take the classes in "
            f"sorted order. Pass {argument}[sorted({argument}.columns)]."
        )


def _positions(given, expected):
    """Return the position among the given names of each expected one, or None if they differ."""
    if len(set(given)) < len(given) or len(given) != len(expected) or set(given) != set(expected):
        return None
    return [given.index(name) for name in expected]


def _differences(given, expected):
    """Return which names are missing, unexpected or repeated."""
    parts = {
        "missing": [name for name in expected if name not in given],
        "unexpected": [name for name in given if name not in expected],
        "repeated": [name for name in dict.fromkeys(given) if given.count(name) > 1],
    }
    return "; ".join(f"{what} {_listed(names)}" for what, names in parts.items() if names)


def _listed(names):
    shown = ", ".join(map(str, names[:12]))
    return f"{shown}, ..." if len(names) > 12 else shown

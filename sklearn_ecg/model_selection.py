"""Splits that do not leak: records that are the same signal, and groups that cross a split.

Nothing here imports torch.
"""

import warnings
from hashlib import blake2b
from numbers import Real

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree
from sklearn.model_selection import check_cv
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils._param_validation import Interval, validate_params
from sklearn.utils.multiclass import type_of_target

from .leads import is_lead_frame, stack_signals, to_lead_array
from .utils._chunks import TRANSFORM, record_chunks

__all__ = ["check_disjoint_groups", "duplicate_groups"]

# Blocks of a record, each of which gives its mean, maximum and minimum.
_BLOCKS = 6


@validate_params(
    {
        "X": ["array-like"],
        "tolerance": [Interval(Real, 0, None, closed="left")],
        "groups": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def duplicate_groups(X, *, tolerance=0.0, groups=None):
    """Number records so that those which are the same signal, or image, have one number.

    The same ECG twice in a data set, once in training and once in testing, makes scores too good.
    Pass the result as ``groups`` to a splitter that reads them, such as
    `sklearn.model_selection.StratifiedGroupKFold`.

    Parameters
    ----------
    X : array-like, DataFrame or lead frame
        Signals in any container, rows included: ``n_leads`` is not needed. Or images, of shape
        (n_records, height, width) or (n_records, height, width, channels). Numbers of any kind.
    tolerance : float, default=0.0
        Two records are the same if no value of one differs from that of the other by more than
        this, in the unit of X, >= 0. With 0 they are equal value by value. NaN equals NaN.
    groups : array-like of shape (n_records,), default=None
        Patients. Records of one patient then have one number too: patients of whom two share a
        record become one group.

    Returns
    -------
    numbers : ndarray of shape (n_records,), int
        Counted from 0 in order of appearance. What is the same as the same is the same: with a
        tolerance, the ends of a chain of records have one number, though they may differ by more.

    Raises
    ------
    ValueError
        When X is no array of numbers, the lengths differ, or a patient is missing.

    Notes
    -----
    Equal records are found by a hash of 128 bits of their values. For a tolerance, one of each
    set of equal records is described by the means, maxima and minima of six blocks of its values.
    No such number of two records differs by more than their values do, so that neighbours in
    these numbers, found with a k-d tree, are the only candidates; each is then compared value by
    value, in float64. Memory is linear in the number of records, and time is n log n, as long as
    most records have few neighbours within the tolerance that are not the same.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.model_selection import duplicate_groups
    >>> X = np.random.RandomState(0).randn(6, 12, 100)
    >>> X[4] = X[1]
    >>> X[5] = X[0] + 0.001
    >>> duplicate_groups(X)
    array([0, 1, 2, 3, 1, 4])
    >>> duplicate_groups(X, tolerance=0.002)
    array([0, 1, 2, 3, 1, 0])
    >>> duplicate_groups(X, groups=["a", "a", "b", "c", "d", "d"])
    array([0, 0, 1, 2, 0, 0])
    """
    X = _as_records(X)
    if len(X) == 0:
        return np.empty(0, dtype=np.intp)
    numbers = _exact_groups(X)
    if tolerance > 0:
        first = np.unique(numbers, return_index=True)[1]
        pairs = _near_pairs(X, first, tolerance)
        numbers = _connect(len(first), pairs)[numbers]
    if groups is not None:
        groups = _check_patients(groups, X)
        patients = np.unique(groups, return_inverse=True)[1]
        # A record ties its signal to its patient.
        pairs = np.stack([numbers, patients + len(X)], axis=1)
        numbers = _connect(2 * len(X), pairs)[numbers]
    # In order of appearance.
    _, first, numbers = np.unique(numbers, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[numbers]


@validate_params(
    {
        "cv": ["cv_object"],
        "X": ["array-like"],
        "y": ["array-like", None],
        "groups": ["array-like", None],
        "tolerance": [Interval(Real, 0, None, closed="left"), None],
    },
    prefer_skip_nested_validation=True,
)
def check_disjoint_groups(cv, X, y=None, groups=None, *, tolerance=0.0):
    """Raise when a patient, or the same signal twice, is on both sides of a split.

    Parameters
    ----------
    cv : int, splitter or iterable of (train, test)
        As for `sklearn.model_selection.cross_validate`; a number stands for (stratified) k-fold.
    X : array-like, DataFrame or lead frame
        Signals or images, as for `duplicate_groups`.
    y : array-like of shape (n_records,) or (n_records, n_labels), default=None
        Labels, for splitters that read them.
    groups : array-like of shape (n_records,), default=None
        Patients. They are handed to the splitter as well. None checks duplicates only.
    tolerance : float or None, default=0.0
        Of `duplicate_groups`. None looks for no duplicates.

    Raises
    ------
    ValueError
        For the first split that has a patient or a signal on both sides, with its number, the
        group and the records. When a patient is missing, or `cv` is an iterator, which can be read
        only once.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import GroupKFold
    >>> from sklearn_ecg.model_selection import check_disjoint_groups, duplicate_groups
    >>> X = np.random.RandomState(0).randn(6, 12, 100)
    >>> X[5] = X[1]
    >>> patients = np.array(["a", "b", "c", "d", "e", "f"])
    >>> check_disjoint_groups(GroupKFold(3), X, groups=patients)
    Traceback (most recent call last):
        ...
    ValueError: Split 0 has the same signal on both sides: record 1 in training and record 5 in
    testing ...
    >>> groups = duplicate_groups(X, groups=patients)
    >>> check_disjoint_groups(GroupKFold(3), X, groups=groups)
    """
    X = _as_records(X)
    check_consistent_length(X, y, groups)
    if groups is not None:
        groups = _check_patients(groups, X)
    if hasattr(cv, "__next__"):
        raise ValueError(
            "cv is an iterator, which can be read only once. Pass list(cv), here and to what "
            "follows."
        )
    classify = y is not None and type_of_target(y) in ("binary", "multiclass")
    cv = check_cv(cv, y, classifier=classify)
    duplicates = None if tolerance is None else duplicate_groups(X, tolerance=tolerance)
    with warnings.catch_warnings():
        # Whether a splitter that ignores groups does harm is told below.
        warnings.filterwarnings("ignore", "The groups parameter is ignored", UserWarning)
        # Splitters look at the length of X alone.
        splits = list(cv.split(np.zeros((len(X), 1)), y, groups))
    for number, (train, test) in enumerate(splits):
        train, test = (np.arange(len(X))[part] for part in (train, test))
        if groups is not None:
            _check_split(number, groups, train, test, patients=True)
        if duplicates is not None:
            _check_split(number, duplicates, train, test, patients=False)


def _check_patients(groups, X):
    """Patients as an array, all of them known."""
    groups = column_or_1d(groups)
    check_consistent_length(X, groups)
    unknown = np.count_nonzero(pd.isna(groups))
    if unknown:
        raise ValueError(
            f"groups: the patient of {unknown} of {len(groups)} records is missing. Give each "
            "unknown patient a number of its own."
        )
    return groups


def _check_split(number, groups, train, test, patients):
    crossing = np.intersect1d(groups[train], groups[test])
    if len(crossing) == 0:
        return
    group = crossing[0]
    sides = [part[groups[part] == group] for part in (train, test)]
    in_train, in_test = (f"record{'s' * (len(side) > 1)} {_list(side)}" for side in sides)
    if patients:
        raise ValueError(
            f"Split {number} has group {group} on both sides: {in_train} in training and "
            f"{in_test} in testing ({len(crossing)} groups in all). Use a splitter that keeps "
            "groups together, such as StratifiedGroupKFold, and pass it groups."
        )
    raise ValueError(
        f"Split {number} has the same signal on both sides: {in_train} in training and {in_test} "
        f"in testing ({len(crossing)} signals in all). Pass groups=duplicate_groups(X, "
        "groups=patients) to a splitter that keeps groups together, such as StratifiedGroupKFold."
    )


def _list(records):
    shown = ", ".join(str(record) for record in records[:5])
    return f"{shown} and {len(records) - 5} more" if len(records) > 5 else shown


def _as_records(X):
    """Records as rows of numbers; memory maps and other arrays without a copy where possible."""
    if is_lead_frame(X):
        X = to_lead_array(X)
    else:
        X = np.asarray(X)
    if X.dtype == object and X.ndim == 2 and X.size and np.ndim(X.flat[0]) == 1:
        X = stack_signals(X)
    if X.ndim < 2 or X.dtype.kind not in "fiub":
        raise ValueError(
            f"X must be signals or images, an array of numbers with a record per row, got shape "
            f"{X.shape} and dtype {X.dtype}."
        )
    return X


def _exact_groups(X):
    """Numbers of records by their values, from 0 on."""
    known = {}
    numbers = np.empty(len(X), dtype=np.intp)
    for i, record in enumerate(X):
        if record.dtype.kind == "f":
            # One zero and one NaN: -0.0 + 0.0 is 0.0.
            record = record + record.dtype.type(0)
            record[np.isnan(record)] = np.nan
        digest = blake2b(np.ascontiguousarray(record), digest_size=16).digest()
        numbers[i] = known.setdefault(digest, len(known))
    return numbers


def _describe(X):
    """Means, maxima and minima of blocks: none differs by more than the values do."""
    X = X.reshape(len(X), -1).astype(np.float64)
    # Records match only where both have them.
    X[~np.isfinite(X)] = 0
    blocks = np.array_split(X, min(_BLOCKS, X.shape[1]), axis=1)
    kinds = (np.mean, np.max, np.min)
    return np.stack([kind(block, axis=1) for block in blocks for kind in kinds], axis=1)


def _near_pairs(X, chosen, tolerance):
    """Pairs of positions in `chosen` that suffice to connect all records within a tolerance."""
    parts = record_chunks(len(chosen), X[0].size, TRANSFORM)
    described = np.concatenate([_describe(X[chosen[part]]) for part in parts])
    # Means are rounded.
    radius = tolerance + 1e-9 * (tolerance + np.abs(described).max())
    tree = KDTree(described)
    # The set that each record is in, and the members of each set.
    label = np.arange(len(chosen))
    members = [[i] for i in range(len(chosen))]
    pairs = []
    counts = np.concatenate(
        [
            tree.query_ball_point(described[i : i + 4096], radius, p=np.inf, return_length=True)
            for i in range(0, len(described), 4096)
        ]
    )
    for i in np.flatnonzero(counts > 1):
        near = np.asarray(tree.query_ball_point(described[i], radius, p=np.inf))
        # What is connected already need not be compared, before as well as after each step.
        for j in near[(near > i) & (label[near] != label[i])]:
            if label[i] == label[j] or not _is_near(X[chosen[i]], X[chosen[j]], tolerance):
                continue
            pairs.append((i, j))
            small, large = sorted((label[i], label[j]), key=lambda k: len(members[k]))
            label[members[small]] = large
            members[large] += members[small]
            members[small] = []
    return np.asarray(pairs, dtype=np.intp).reshape(-1, 2)


def _is_near(record, other, tolerance):
    record, other = record.astype(np.float64), other.astype(np.float64)
    with np.errstate(invalid="ignore"):
        near = np.abs(record - other) <= tolerance
    near |= (record == other) | (np.isnan(record) & np.isnan(other))
    return bool(near.all())


def _connect(n_nodes, pairs):
    graph = coo_array((np.ones(len(pairs), dtype=bool), pairs.T), shape=(n_nodes, n_nodes))
    return connected_components(graph, directed=False)[1]

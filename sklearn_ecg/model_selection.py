"""Splits without leaks: detection of duplicate records, and of groups on both sides of a split.

This module does not import torch.
"""

import warnings
from hashlib import blake2b
from numbers import Real

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree
from sklearn.model_selection import check_cv
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import Interval, validate_params
from sklearn.utils.multiclass import type_of_target

from ._validation._samples import check_groups, check_records, number_groups
from .utils._chunks import TRANSFORM, record_chunks

__all__ = ["check_disjoint_groups", "duplicate_groups"]

# Blocks of a record that are summarized by their mean, maximum and minimum.
_N_BLOCKS = 6
# Queries of the k-d tree at once, which bounds the memory of its answer.
_N_QUERIES = 4096


@validate_params(
    {
        "X": ["array-like"],
        "tolerance": [Interval(Real, 0, None, closed="left")],
        "groups": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def duplicate_groups(X, *, tolerance=0.0, groups=None):
    """Assign the same group to records that are the same signal or image.

    If an ECG is in a data set twice, once in the training set and once in the test set, scores are
    too optimistic. Pass the result as ``groups`` to a splitter that uses groups, such as
    `sklearn.model_selection.StratifiedGroupKFold`.

    Parameters
    ----------
    X : array-like, DataFrame or lead frame
        Signals in any container, including 2-D rows, for which ``n_leads`` is not needed; or images
        of shape (n_records, height, width) or (n_records, height, width, channels). The values may
        have any numeric dtype.
    tolerance : float, default=0.0
        Largest absolute difference, in the unit of X, between corresponding values of two records
        that are considered the same, >= 0. With 0, records must be equal. NaN equals NaN.
    groups : array-like of shape (n_records,), default=None
        Patient of each record. If given, the records of a patient share a group as well, and two
        patients who share a record become one group.

    Returns
    -------
    numbers : ndarray of shape (n_records,), int
        Group of each record, numbered from 0 in order of appearance. Sameness is transitive: with
        a tolerance, the first and last records of a chain of similar records share a group even if
        they differ by more than the tolerance.

    Raises
    ------
    ValueError
        If X does not hold one record of numbers per row, if the lengths differ, or if a patient is
        missing.

    See Also
    --------
    check_disjoint_groups : Check that no split separates the records of a group.

    Notes
    -----
    Equal records are found by a 128-bit hash of their values. With a tolerance, one record of each
    set of equal records is summarized by the means, maxima and minima of six blocks of its values.
    These summaries never differ by more than the values themselves, so only neighbors among the
    summaries, found with a k-d tree, are candidates, which are then compared value by value in
    float64. Memory is linear in the number of records, and time is O(n log n) as long as most
    records have few distinct neighbors within the tolerance.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import duplicate_groups
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
    X = check_records(X)
    if len(X) == 0:
        return np.empty(0, dtype=np.intp)
    numbers = _number_equal_records(X)
    if tolerance > 0:
        first = np.unique(numbers, return_index=True)[1]
        pairs = _similar_pairs(X, first, tolerance)
        numbers = _connected_components(len(first), pairs)[numbers]
    if groups is not None:
        groups = check_groups(groups, len(X))
        patients, _ = number_groups(groups)
        # In this graph, each record is an edge between its signal and its patient.
        pairs = np.stack([numbers, patients + len(X)], axis=1)
        numbers = _connected_components(2 * len(X), pairs)[numbers]
    # Renumber the groups in order of appearance.
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
    """Check that no patient and no duplicate record is on both sides of a split.

    Parameters
    ----------
    cv : int, splitter or iterable of (train, test)
        As in `sklearn.model_selection.cross_validate`; an int is the number of folds of a
        (stratified) k-fold.
    X : array-like, DataFrame or lead frame
        Signals or images, as in `duplicate_groups`.
    y : array-like of shape (n_records,) or (n_records, n_labels), default=None
        Labels, which are passed to the splitter.
    groups : array-like of shape (n_records,), default=None
        Patient of each record, which is also passed to the splitter. If None, only duplicates are
        checked.
    tolerance : float or None, default=0.0
        Tolerance of `duplicate_groups`. If None, duplicates are not checked.

    Raises
    ------
    ValueError
        For the first split with a patient or a signal on both sides; the message names the split,
        the group and the records. Also if a patient is missing, or if `cv` is an iterator, which
        could be used only once.

    See Also
    --------
    duplicate_groups : Find duplicate records.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import GroupKFold
    >>> from sklearn_ecg import check_disjoint_groups, duplicate_groups
    >>> X = np.random.RandomState(0).randn(6, 12, 100)
    >>> X[5] = X[1]
    >>> patients = np.array(["a", "b", "c", "d", "e", "f"])
    >>> check_disjoint_groups(GroupKFold(3), X, groups=patients)
    Traceback (most recent call last):
        ...
    ValueError: Split 0 has the same signal on both sides: record 1 in the training set and record
    5 in the test set ...
    >>> groups = duplicate_groups(X, groups=patients)
    >>> check_disjoint_groups(GroupKFold(3), X, groups=groups)
    """
    X = check_records(X)
    check_consistent_length(X, y, groups)
    if groups is not None:
        groups = check_groups(groups, len(X))
    if hasattr(cv, "__next__"):
        raise ValueError(
            "cv is an iterator, which can be used only once. Make a list, splits = list(cv), and "
            "pass it both to this function and to the evaluation that follows."
        )
    classifier = y is not None and type_of_target(y) in ("binary", "multiclass")
    cv = check_cv(cv, y, classifier=classifier)
    duplicates = None if tolerance is None else duplicate_groups(X, tolerance=tolerance)
    with warnings.catch_warnings():
        # The checks below find out whether ignoring the groups does harm.
        warnings.filterwarnings("ignore", "The groups parameter is ignored", UserWarning)
        # Splitters use only the length of X.
        splits = list(cv.split(np.zeros((len(X), 1)), y, groups))
    for number, (train, test) in enumerate(splits):
        # Splits may be boolean masks.
        train, test = (np.arange(len(X))[part] for part in (train, test))
        if groups is not None:
            _check_split(number, groups, train, test, kind="patients")
        if duplicates is not None:
            _check_split(number, duplicates, train, test, kind="duplicates")


def _check_split(number, groups, train, test, kind):
    """Raise if a group, of kind "patients" or "duplicates", is on both sides of a split."""
    shared = np.intersect1d(groups[train], groups[test])
    if len(shared) == 0:
        return
    group = shared[0]
    sides = [part[groups[part] == group] for part in (train, test)]
    in_train, in_test = (f"record{'s' * (len(side) > 1)} {_format_list(side)}" for side in sides)
    place = f"{in_train} in the training set and {in_test} in the test set"
    if kind == "patients":
        raise ValueError(
            f"Split {number} has group {group} on both sides: {place} (shared groups: "
            f"{len(shared)}). Use a splitter that keeps groups together, such as "
            "StratifiedGroupKFold, and pass it groups."
        )
    raise ValueError(
        f"Split {number} has the same signal on both sides: {place} (shared signals: "
        f"{len(shared)}). Pass groups=duplicate_groups(X, groups=patients) to a splitter that "
        "keeps groups together, such as StratifiedGroupKFold."
    )


def _format_list(records):
    shown = ", ".join(str(record) for record in records[:5])
    return f"{shown} and {len(records) - 5} more" if len(records) > 5 else shown


def _number_equal_records(X):
    """Return a number for each record, from 0, that equal records share."""
    known = {}
    numbers = np.empty(len(X), dtype=np.intp)
    for i, record in enumerate(X):
        if record.dtype.kind == "f":
            # Equal values must have equal bytes: -0.0 + 0.0 is 0.0, and all NaN become the same.
            record = record + record.dtype.type(0)
            record[np.isnan(record)] = np.nan
        digest = blake2b(np.ascontiguousarray(record), digest_size=16).digest()
        numbers[i] = known.setdefault(digest, len(known))
    return numbers


def _summarize(X):
    """Return means, maxima and minima of blocks, which differ by no more than the values do."""
    X = X.reshape(len(X), -1).astype(np.float64)
    # Records that are the same have NaN and infinity at the same places.
    X[~np.isfinite(X)] = 0
    blocks = np.array_split(X, min(_N_BLOCKS, X.shape[1]), axis=1)
    statistics = (np.mean, np.max, np.min)
    return np.stack([statistic(b, axis=1) for b in blocks for statistic in statistics], axis=1)


def _similar_pairs(X, chosen, tolerance):
    """Return pairs of positions in `chosen` that connect all records within the tolerance.

    Pairs that are connected by others are left out, so that their number stays below that of the
    records.
    """
    chunks = record_chunks(len(chosen), X[0].size, TRANSFORM)
    summaries = np.concatenate([_summarize(X[chosen[chunk]]) for chunk in chunks])
    # Means are rounded, so the radius is a little larger than the tolerance.
    radius = tolerance + 1e-9 * (tolerance + np.abs(summaries).max())
    tree = KDTree(summaries)
    queries = (summaries[i : i + _N_QUERIES] for i in range(0, len(summaries), _N_QUERIES))
    n_neighbors = np.concatenate(
        [tree.query_ball_point(query, radius, p=np.inf, return_length=True) for query in queries]
    )
    # Sets of connected records: the set of each record, and the members of each set.
    set_of = np.arange(len(chosen))
    members = [[i] for i in range(len(chosen))]
    pairs = []
    for i in np.flatnonzero(n_neighbors > 1):
        candidates = np.asarray(tree.query_ball_point(summaries[i], radius, p=np.inf))
        for j in candidates[(candidates > i) & (set_of[candidates] != set_of[i])]:
            # An earlier candidate may have connected the two.
            if set_of[i] == set_of[j] or not _is_similar(X[chosen[i]], X[chosen[j]], tolerance):
                continue
            pairs.append((i, j))
            small, large = sorted((set_of[i], set_of[j]), key=lambda k: len(members[k]))
            set_of[members[small]] = large
            members[large] += members[small]
            members[small] = []
    return np.asarray(pairs, dtype=np.intp).reshape(-1, 2)


def _is_similar(record, other, tolerance):
    """Return whether two records differ by no more than the tolerance; NaN equals NaN."""
    record, other = record.astype(np.float64), other.astype(np.float64)
    with np.errstate(invalid="ignore"):
        similar = np.abs(record - other) <= tolerance
    similar |= (record == other) | (np.isnan(record) & np.isnan(other))
    return bool(similar.all())


def _connected_components(n_nodes, pairs):
    """Return the number of the connected component of each node."""
    # Indices of 64 bits give wrong components with SciPy 1.11.
    indices = pairs.T.astype(np.int32)
    graph = coo_array((np.ones(len(pairs), dtype=bool), indices), shape=(n_nodes, n_nodes))
    return connected_components(graph, directed=False)[1]

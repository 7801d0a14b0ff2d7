"""Checks that no patient and no duplicate record is on both sides of a split."""

import warnings
from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.model_selection import BaseCrossValidator, check_cv
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import Interval, validate_params
from sklearn.utils.multiclass import type_of_target

from .._validation._samples import (
    check_groups,
    check_one_type,
    check_records,
    find_missing,
    number_groups,
)
from ._duplicates import CORRELATION_CONSTRAINT, duplicate_groups


@validate_params(
    {
        "cv": ["cv_object"],
        "X": ["array-like"],
        "y": ["array-like", "sparse matrix", None],
        "groups": ["array-like", None],
        "tolerance": [Interval(Real, 0, None, closed="left"), None],
        "thumbnail_correlation": CORRELATION_CONSTRAINT,
    },
    prefer_skip_nested_validation=True,
)
def check_disjoint_groups(
    cv, X, y=None, groups=None, *, tolerance: float | None = 0.0, thumbnail_correlation=None
):
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
        Tolerance of `duplicate_groups`. If None, duplicates are not checked, and X may be anything
        with a length.
    thumbnail_correlation : float or None, default=None
        For images, the correlation of `duplicate_groups` from which they are considered the same.

    Raises
    ------
    ValueError
        For the first split with a patient or a signal on both sides; the message names the split,
        the group and the records. Also if a patient is missing, if `cv` has no splits or
        indices that are not in X, or if it is an iterator, which could be used only once.

    See Also
    --------
    DisjointGroupsCV : Splitter that makes this check itself.
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
    X = X if tolerance is None else check_records(X)
    check_consistent_length(X, y, groups)
    duplicates = find_duplicates(X, tolerance, thumbnail_correlation)
    n_records = X.shape[0] if hasattr(X, "shape") else len(X)
    list_disjoint_splits(cv, n_records, y, groups, duplicates)


class DisjointGroupsCV(BaseCrossValidator):
    """Splitter that raises if another splitter separates the records of a patient or a duplicate.

    The splits are those of ``cv``. All of them are checked, as by `check_disjoint_groups`, before
    the first one is returned. Use it wherever a splitter is accepted, such as in `cross_validate
    <sklearn.model_selection.cross_validate>` or a search, so that no score is computed from splits
    that leak.

    Parameters
    ----------
    cv : int, splitter or iterable of (train, test), default=5
        The splitter to check. An int is the number of folds of a (stratified) k-fold.
    require_groups : bool, default=True
        Whether to raise an error if no groups are passed to `split`. With False, only duplicates
        are checked in that case.
    tolerance : float or None, default=0.0
        Tolerance of `duplicate_groups`, in the unit of X, >= 0. If None, duplicates are not
        checked, and X may be anything with a length.
    thumbnail_correlation : float or None, default=None
        For images, the correlation of `duplicate_groups` from which they are considered the same.

    See Also
    --------
    check_disjoint_groups : The same check, as a function.
    MultilabelStratifiedGroupKFold : Splitter that keeps the records of a patient together.

    Notes
    -----
    Duplicates are searched for in each call of `split`, which takes about as long as one pass over
    the records. To search only once, pass ``duplicate_groups(X, groups=patients)`` as groups and
    set ``tolerance=None``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.model_selection import GroupKFold, KFold, cross_validate
    >>> from sklearn_ecg.model_selection import DisjointGroupsCV
    >>> X = np.random.RandomState(0).randn(6, 2, 100)
    >>> y, patients = [0, 1, 0, 1, 0, 1], ["a", "a", "b", "b", "b", "c"]
    >>> cv = DisjointGroupsCV(GroupKFold(3))
    >>> result = cross_validate(DummyClassifier(), X, y, groups=patients, cv=cv)
    >>> result["test_score"].shape
    (3,)
    >>> leaking = DisjointGroupsCV(KFold(3))
    >>> cross_validate(DummyClassifier(), X, y, groups=patients, cv=leaking)
    Traceback (most recent call last):
        ...
    ValueError: Split 1 has group b on both sides: record 4 in the training set and records 2, 3 in
    the test set ...
    """

    __metadata_request__split = {"groups": True}

    def __init__(
        self,
        cv: Any = 5,
        *,
        require_groups=True,
        tolerance: float | None = 0.0,
        thumbnail_correlation=None,
    ):
        self.cv = cv
        self.require_groups = require_groups
        self.tolerance = tolerance
        self.thumbnail_correlation = thumbnail_correlation

    def split(self, X, y=None, groups=None):
        """Generate the indices of the splits of ``cv``, after checking them.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals or images, as in `duplicate_groups`.
        y : array-like of shape (n_records,) or (n_records, n_labels), default=None
            Labels, which are passed to ``cv``.
        groups : array-like of shape (n_records,), default=None
            Patient of each record, which is also passed to ``cv``.

        Yields
        ------
        train : ndarray
            Indices of the training set.
        test : ndarray
            Indices of the test set.

        Raises
        ------
        ValueError
            For the first split with a patient or a signal on both sides; the message names the
            split, the group and the records. Also if groups are missing but required, if there is
            nothing to check, if ``cv`` has no splits or indices that are not in X, or if it is an
            iterator, which could be used only once.
        """
        if groups is None and self.require_groups:
            raise ValueError(
                "DisjointGroupsCV checks that no patient is on both sides of a split, but groups "
                "is None. Pass groups to cross_validate or to fit, or create "
                "DisjointGroupsCV(cv, require_groups=False) to check only duplicates."
            )
        if groups is None and self.tolerance is None:
            raise ValueError(
                "There is nothing to check: groups is None, and tolerance=None does not check "
                "duplicates. Pass groups, or tolerance=0.0."
            )
        check_consistent_length(X, y, groups)
        duplicates = find_duplicates(X, self.tolerance, self.thumbnail_correlation)
        n_records = X.shape[0] if hasattr(X, "shape") else len(X)
        yield from list_disjoint_splits(self.cv, n_records, y, groups, duplicates)

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of splits of ``cv``.

        Parameters
        ----------
        X : array-like of shape (n_records, ...), default=None
            Records, which are passed to ``cv``.
        y : array-like of shape (n_records,) or (n_records, n_labels), default=None
            Labels, which are passed to ``cv``.
        groups : array-like of shape (n_records,), default=None
            Patient of each record, which is passed to ``cv``.

        Returns
        -------
        n_splits : int
            Number of splits.

        Raises
        ------
        ValueError
            If ``cv`` is not a splitter, or an iterator, which could be used only once.
        """
        y = y.toarray() if issparse(y) else y
        return int(as_splitter(self.cv, y).get_n_splits(X, y, groups))


def as_splitter(cv, y):
    """Return a splitter for a number of folds, a splitter or a list of splits.

    Raises
    ------
    ValueError
        If cv is an iterator, or y has missing labels.
    """
    if hasattr(cv, "__next__"):
        raise ValueError(
            "cv is an iterator, which can be used only once. Make a list, splits = list(cv), and "
            "pass it both to this function and to the evaluation that follows."
        )
    n_missing = 0 if y is None else np.count_nonzero(find_missing(y))
    if n_missing:
        raise ValueError(f"y has {n_missing} missing values. Leave these records out.")
    if y is not None:
        check_one_type(y)
    classifier = y is not None and type_of_target(y) in ("binary", "multiclass")
    return check_cv(cv, y, classifier=classifier)


def list_splits(cv, n_records, y, groups):
    """Return the splits as a list of arrays of indices, whether or not cv uses the groups."""
    groups = None if groups is None else _sortable_groups(groups)
    with warnings.catch_warnings():
        # The checks find out whether ignoring the groups does harm.
        warnings.filterwarnings("ignore", "The groups parameter is ignored", UserWarning)
        y = y.toarray() if issparse(y) else y
        splitter = as_splitter(cv, y)
        if isinstance(cv, Iterable) and not hasattr(cv, "split"):
            splits = list(cv)
        else:
            # Splitters use only the length of X.
            splits = list(splitter.split(np.zeros((n_records, 1)), y, groups))
    if not splits:
        raise ValueError("cv has no splits. Pass a splitter, or a list of (train, test).")
    return [_check_indices(number, split, n_records) for number, split in enumerate(splits)]


def _check_indices(number, split, n_records):
    """Return the training set and the test set of a split as arrays of indices."""
    try:
        # They may be boolean masks.
        train, test = (np.arange(n_records)[part] for part in split)
        if train.ndim != 1 or test.ndim != 1:
            raise IndexError("its parts are not one-dimensional")
    except (IndexError, TypeError, ValueError) as error:
        raise ValueError(
            f"Split {number} of cv is not (train, test) with indices or masks of the {n_records} "
            f"records: {error}."
        ) from error
    return train, test


def _sortable_groups(groups):
    """Return groups as they are, or their numbers if they are both numbers and strings."""
    try:
        np.unique(groups)
    except TypeError:
        return number_groups(np.asarray(groups))[0]
    return groups


def list_disjoint_splits(cv, n_records, y, groups, duplicates):
    """Return the splits as a list, after checking that no group and no duplicate is separated."""
    if groups is not None:
        groups = _sortable_groups(check_groups(groups, n_records))
    splits = list_splits(cv, n_records, y, groups)
    for number, (train, test) in enumerate(splits):
        if groups is not None:
            _check_split(number, groups, train, test, kind="patients")
        if duplicates is not None:
            _check_split(number, duplicates, train, test, kind="duplicates")
    return splits


def find_duplicates(X, tolerance, thumbnail_correlation):
    """Return the groups of duplicates, or None if tolerance is None."""
    if tolerance is not None:
        return duplicate_groups(X, tolerance=tolerance, thumbnail_correlation=thumbnail_correlation)
    if thumbnail_correlation is not None:
        raise ValueError(
            "tolerance=None does not check duplicates, but thumbnail_correlation="
            f"{thumbnail_correlation!r} was given. Pass tolerance=0.0."
        )
    return None


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
            "StratifiedGroupKFold or MultilabelStratifiedGroupKFold, and pass it groups."
        )
    raise ValueError(
        f"Split {number} has the same signal on both sides: {place} (shared signals: "
        f"{len(shared)}). Pass groups=duplicate_groups(X, groups=patients) to a splitter that "
        "keeps groups together, such as StratifiedGroupKFold."
    )


def _format_list(records):
    shown = ", ".join(str(record) for record in records[:5])
    return f"{shown} and {len(records) - 5} more" if len(records) > 5 else shown

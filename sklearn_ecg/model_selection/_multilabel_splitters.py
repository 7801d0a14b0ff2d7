"""Splitters that keep patients together and the frequency of every label the same."""

from numbers import Integral, Real

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_consistent_length, check_random_state

from ..utils._warnings import warn
from ._group_assignment import assign_groups
from ._label_counts import count_per_patient, number_patients, read_labels

_MAX_NAMES = 10


class MultilabelStratifiedGroupKFold(BaseCrossValidator):
    """K-fold that keeps patients together, with the frequency of every label in each fold.

    Every record is in one test set, and the records of a patient are in the same one. The folds
    have nearly the same number of records, and nearly the same number of records with each class of
    a binary or multiclass target, or with each label of a multilabel target.

    Without groups, this is a stratified k-fold for several labels.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, >= 2.
    shuffle : bool, default=False
        Whether to choose at random between solutions that are equally good. With False, the folds
        depend only on the labels and the groups: in other orders of the records, patients have the
        same folds.
    random_state : int, RandomState instance or None, default=None
        Determines the folds if ``shuffle=True``. Pass an int for reproducible folds.

    Raises
    ------
    ValueError
        If `n_splits` is not an int of at least 2, or `random_state` is given without
        ``shuffle=True``.
    TypeError
        If `shuffle` is not a bool.

    See Also
    --------
    MultilabelStratifiedGroupShuffleSplit : One or several random splits of a given size.
    fold_balance : Report the balance of the labels.
    sklearn.model_selection.StratifiedGroupKFold : For binary and multiclass targets only.

    Notes
    -----
    Patients are assigned to folds as in iterative stratification [1]_, with patients instead of
    records: those that are most difficult to place, because of rare labels or many records, are
    assigned first, each to the fold that needs its labels most. Patients with the same labels are
    divided equally, which also balances combinations of labels [2]_. At the end, patients are
    moved and exchanged as long as this improves the balance.

    References
    ----------
    .. [1] Sechidis, Tsoumakas, Vlahavas (2011). On the stratification of multi-label data. ECML
       PKDD 2011.
    .. [2] Szymański, Kajdanowicz (2017). A network perspective on stratification of multi-label
       data. Proceedings of Machine Learning Research 74.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.model_selection import MultilabelStratifiedGroupKFold
    >>> y = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 0], [1, 1], [0, 0], [1, 1]])
    >>> patients = np.array(["a", "b", "c", "d", "e", "e", "f", "f"])
    >>> cv = MultilabelStratifiedGroupKFold(n_splits=2)
    >>> for train, test in cv.split(np.zeros((8, 1)), y, patients):
    ...     print(test, np.unique(patients[test]), y[test].mean(axis=0))
    [0 2 4 5] ['a' 'c' 'e'] [0.5 0.5]
    [1 3 6 7] ['b' 'd' 'f'] [0.5 0.5]
    """

    __metadata_request__split = {"groups": True}

    def __init__(self, n_splits=5, *, shuffle=False, random_state=None):
        _check_n_splits(n_splits, 2)
        if not isinstance(shuffle, (bool, np.bool_)):
            raise TypeError(f"shuffle must be True or False, got {shuffle!r}.")
        if not shuffle and random_state is not None:
            raise ValueError(
                f"random_state={random_state!r} has no effect with shuffle=False. Leave it out, or "
                "pass shuffle=True."
            )
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state

    def split(self, X, y, groups=None):
        """Generate indices of the training set and the test set of each split.

        Parameters
        ----------
        X : array-like of shape (n_records, ...)
            Records, of which only the number is used.
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Classes, or a multilabel indicator of 0 and 1.
        groups : array-like of shape (n_records,), default=None
            Patient of each record. If None, each record is a patient of its own.

        Yields
        ------
        train : ndarray
            Indices of the training set.
        test : ndarray
            Indices of the test set.

        Raises
        ------
        ValueError
            If there are fewer patients than folds, a label or a patient is missing, lengths differ,
            or y has another type.

        Warns
        -----
        UserWarning
            If a class or label has fewer patients than there are folds, so that some test sets do
            not have it.
        """
        counts, patients = _count(X, y, groups, self.n_splits, f"{self.n_splits} folds")
        rng = check_random_state(self.random_state) if self.shuffle else None
        fold = assign_groups(counts, np.full(self.n_splits, 1 / self.n_splits), rng)[patients]
        for number in range(self.n_splits):
            yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds.

        Parameters
        ----------
        X : object
            Ignored.
        y : object
            Ignored.
        groups : object
            Ignored.

        Returns
        -------
        n_splits : int
            Number of folds.
        """
        return self.n_splits


class MultilabelStratifiedGroupShuffleSplit(BaseCrossValidator):
    """Random splits that keep patients together, with the frequency of every label.

    In each split, a patient is in the training set or in the test set, and both have nearly the
    same frequency of each class of a binary or multiclass target, or of each label of a multilabel
    target. For a single split, use ``n_splits=1``.

    Parameters
    ----------
    n_splits : int, default=5
        Number of splits, >= 1. The test sets of different splits may overlap.
    test_size : float, int or None, default=None
        Size of the test set: a share of the records in (0, 1), or a number of **records**. As
        patients stay together, it is reached approximately. None is the complement of
        ``train_size``, or 0.2.
    train_size : float, int or None, default=None
        Size of the training set. None is the complement of ``test_size``. If both are given and
        their sum is less than all records, the rest of the records is not used.
    random_state : int, RandomState instance or None, default=None
        Determines the splits. Pass an int for reproducible splits.

    Raises
    ------
    ValueError
        If `n_splits` is not an int of at least 1.

    See Also
    --------
    MultilabelStratifiedGroupKFold : Each record is in one test set.
    fold_balance : Report the balance of the labels.

    Notes
    -----
    Patients are assigned as in `MultilabelStratifiedGroupKFold`. In
    `sklearn.model_selection.GroupShuffleSplit`, by contrast, the sizes are shares of the groups.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.model_selection import MultilabelStratifiedGroupShuffleSplit
    >>> rng = np.random.RandomState(0)
    >>> y = (rng.rand(500, 3) < [0.5, 0.2, 0.06]).astype(int)
    >>> X, patients = np.zeros((500, 1)), rng.randint(400, size=500)
    >>> cv = MultilabelStratifiedGroupShuffleSplit(n_splits=1, test_size=0.2, random_state=0)
    >>> train, test = next(cv.split(X, y, patients))
    >>> len(train), len(test), np.intersect1d(patients[train], patients[test]).size
    (400, 100, 0)
    >>> y[train].mean(axis=0).round(2), y[test].mean(axis=0).round(2)
    (array([0.5 , 0.2 , 0.05]), array([0.5 , 0.2 , 0.05]))
    """

    __metadata_request__split = {"groups": True}

    def __init__(self, n_splits=5, *, test_size=None, train_size=None, random_state=None):
        _check_n_splits(n_splits, 1)
        self.n_splits = n_splits
        self.test_size = test_size
        self.train_size = train_size
        self.random_state = random_state

    def split(self, X, y, groups=None):
        """Generate indices of the training set and the test set of each split.

        Parameters
        ----------
        X : array-like of shape (n_records, ...)
            Records, of which only the number is used.
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Classes, or a multilabel indicator of 0 and 1.
        groups : array-like of shape (n_records,), default=None
            Patient of each record. If None, each record is a patient of its own.

        Yields
        ------
        train : ndarray
            Indices of the training set.
        test : ndarray
            Indices of the test set.

        Raises
        ------
        ValueError
            If a size is not possible, a label or a patient is missing, lengths differ, or y has
            another type.

        Warns
        -----
        UserWarning
            If a class or label has too few patients, so that one of the sets may not have it.
        """
        n_records = X.shape[0] if hasattr(X, "shape") else len(X)
        shares = _shares(self.test_size, self.train_size, n_records)
        counts, patients = _count(X, y, groups, len(shares), f"{len(shares)} parts of a split")
        rng = check_random_state(self.random_state)
        for _ in range(self.n_splits):
            part = assign_groups(counts, shares, rng)[patients]
            yield np.flatnonzero(part == 1), np.flatnonzero(part == 0)

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of splits.

        Parameters
        ----------
        X : object
            Ignored.
        y : object
            Ignored.
        groups : object
            Ignored.

        Returns
        -------
        n_splits : int
            Number of splits.
        """
        return self.n_splits


def _check_n_splits(n_splits, smallest):
    if not isinstance(n_splits, Integral) or isinstance(n_splits, bool) or n_splits < smallest:
        raise ValueError(f"n_splits must be an int >= {smallest}, got {n_splits!r}.")


def _count(X, y, groups, n_parts, parts):
    """Return the counts of each patient, and the patient of each record."""
    check_consistent_length(X, y, groups)
    n_records = X.shape[0] if hasattr(X, "shape") else len(X)
    indicator, names, is_multilabel = read_labels(y, n_records)
    patients, n_patients = number_patients(groups, n_records)
    unit = "records" if groups is None else "patients"
    if n_patients < n_parts:
        raise ValueError(
            f"There are {n_patients} {unit}, which is fewer than the {parts} require. Pass more "
            f"{unit}{' or a smaller n_splits' if n_parts > 3 else ''}."
        )
    counts = count_per_patient(indicator, patients, n_patients)
    n_positive = (counts[:, 1:] > 0).sum(axis=0)
    kind = "label" if is_multilabel else "class"
    rare = [f"{kind} {name!r} has {n}" for name, n in zip(names, n_positive) if n < n_parts]
    if is_multilabel:
        n_negative = (counts[:, 1:] < counts[:, :1]).sum(axis=0)
        rare += [
            f"{kind} {name!r} is absent in {n}" for name, n in zip(names, n_negative) if n < n_parts
        ]
    if rare:
        shown = ", ".join(rare[:_MAX_NAMES])
        more = f", and {len(rare) - _MAX_NAMES} more" if len(rare) > _MAX_NAMES else ""
        warn(
            f"There are fewer {unit} than the {parts} require: {shown}{more}. Scores of such a "
            "label are undefined where it does not occur."
        )
    return counts, patients


def _shares(test_size, train_size, n_records):
    """Return the shares of the test set, the training set and, if any, of the rest."""
    sizes = {"test_size": test_size, "train_size": train_size}
    shares = {}
    for name, size in sizes.items():
        if size is None:
            continue
        is_number = isinstance(size, Real) and not isinstance(size, (bool, np.bool_))
        whole = isinstance(size, Integral)
        if not is_number or not 0 < size < (n_records if whole else 1):
            raise ValueError(
                f"{name}={size!r} must be a share in (0, 1) or a number of records, >= 1 and less "
                f"than {n_records}."
            )
        shares[name] = size / n_records if whole else float(size)
    if not shares:
        shares["test_size"] = 0.2
    for name, other in (("test_size", "train_size"), ("train_size", "test_size")):
        shares.setdefault(name, 1 - shares.get(other, 0))
    rest = 1 - sum(shares.values())
    if rest < -1e-9:
        raise ValueError(
            f"test_size={test_size!r} and train_size={train_size!r} are more than all "
            f"{n_records} records. Make one of them smaller."
        )
    parts = [shares["test_size"], shares["train_size"]]
    return np.array([*parts, rest] if rest > 1e-9 else parts)

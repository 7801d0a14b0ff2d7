"""The split that early stopping watches."""

import warnings

import numpy as np
from sklearn.model_selection import (
    GroupShuffleSplit,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedShuffleSplit,
)


def validation_split(stratum, groups, fraction, random_state):
    """Split records into a training and a validation part.

    Parameters
    ----------
    stratum : integer ndarray of shape (n_records,)
        Classes to be represented alike on both sides.
    groups : ndarray of shape (n_records,) or None
        Records of one group (patient) stay on one side.
    fraction : float
        Share of the records, with groups of about that share, in (0, 1).
    random_state : int

    Returns
    -------
    train, valid : integer ndarrays, sorted
        ``valid`` is None, with a warning, when there are too few records or groups
        to set any aside. A class too small to be on both sides makes
        the split unstratified, with a warning.
    """
    n_units = len(stratum) if groups is None else len(np.unique(groups))
    n_valid = round(fraction * n_units)
    if n_valid < 1 or n_units - n_valid < 2:
        what = "records" if groups is None else "groups"
        warnings.warn(
            f"validation_fraction={fraction} of {n_units} {what} leaves nothing to validate "
            "or to train on: early stopping is off, all records are used for training.",
            UserWarning,
            stacklevel=4,
        )
        return np.arange(len(stratum)), None
    _, counts = np.unique(stratum, return_counts=True)
    stratified = counts.min() >= 2 and n_valid >= len(counts) and n_units - n_valid >= len(counts)
    if groups is not None:
        # The number of folds gives the fraction; it must not exceed the smallest class.
        n_splits = max(2, round(1 / min(fraction, 0.5)))
        stratified = stratified and counts.min() >= n_splits and n_units >= n_splits
    if not stratified:
        warnings.warn(
            f"The validation split is not stratified: the smallest class has {counts.min()} "
            f"record(s), too few for validation_fraction={fraction}. Pass more records of it, "
            "or set early_stopping=False.",
            UserWarning,
            stacklevel=4,
        )
    options = {"random_state": random_state}
    if groups is None:
        kind = StratifiedShuffleSplit if stratified else ShuffleSplit
        splitter = kind(n_splits=1, test_size=n_valid, **options)
    elif stratified:
        splitter = StratifiedGroupKFold(n_splits=n_splits, shuffle=True, **options)
    else:
        splitter = GroupShuffleSplit(n_splits=1, test_size=n_valid, **options)
    train, valid = next(splitter.split(np.zeros(len(stratum)), stratum, groups))
    return np.sort(train), np.sort(valid)

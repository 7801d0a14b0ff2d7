"""The split that early stopping watches."""

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit

from ...utils._warnings import warn

# Random splits of groups, of which the first with balanced classes is taken.
_N_DRAWS = 50


def validation_split(stratum, groups, fraction, random_state):
    """Split records into a training and a validation part.

    Parameters
    ----------
    stratum : integer ndarray of shape (n_records,)
        Classes to be represented alike on both sides.
    groups : ndarray of shape (n_records,) or None
        Records of one group (patient) stay on one side.
    fraction : float
        Share of the records, or of the groups, in (0, 1).
    random_state : int

    Returns
    -------
    train, valid : integer ndarrays
        ``train`` is sorted, ``valid`` is in random order: records are often sorted by class,
        and batches of one class would say little of the contrastive loss. It is None, with a
        warning, when there are too few records or groups to set any aside. A class that is not
        on both sides is told in a warning.
    """
    n_units = len(stratum) if groups is None else len(np.unique(groups))
    n_valid = round(fraction * n_units)
    if n_valid < 1 or n_units - n_valid < 2:
        what = "records" if groups is None else "groups"
        warn(
            f"validation_fraction={fraction} of {n_units} {what} leaves nothing to validate "
            "or to train on: early stopping is off, all records are used for training.",
            UserWarning,
        )
        return np.arange(len(stratum)), None
    splits = _random_splits(stratum, groups, n_valid, random_state)
    counts = np.bincount(stratum)
    present = counts > 0

    def imbalance(split):
        """How far the share of each class that is set aside lies from the fraction."""
        share = np.bincount(stratum[split[1]], minlength=len(counts))[present] / counts[present]
        return np.abs(share - fraction)

    # The first split that is good enough, not the best: that would never hold a patient with
    # more records than others.
    slack = np.maximum(0.25 * min(fraction, 1 - fraction), 2 / counts[present])
    good = [split for split in splits if (imbalance(split) <= slack).all()]
    train, valid = good[0] if good else min(splits, key=lambda split: imbalance(split).max())
    missing = [
        side
        for side, part in (("training", train), ("validation", valid))
        if len(np.unique(stratum[part])) < present.sum()
    ]
    if missing:
        warn(
            f"A class is missing in the {' and the '.join(missing)} part of the split for early "
            f"stopping: the smallest class has {counts[present].min()} record(s), too few for "
            f"validation_fraction={fraction}. Pass more records of it, or early_stopping=False.",
            UserWarning,
        )
    return np.sort(train), np.random.RandomState(random_state).permutation(valid)


def _random_splits(stratum, groups, n_valid, random_state):
    """One stratified split of records where there are enough; else random ones to choose from.

    Groups are not cut into folds: the largest would always fall into the same one.
    """
    counts = np.bincount(stratum)
    counts = counts[counts > 0]
    n_records, n_classes = len(stratum), len(counts)
    X = np.empty((n_records, 0))
    if groups is None and counts.min() >= 2 and n_classes <= min(n_valid, n_records - n_valid):
        splitter = StratifiedShuffleSplit(1, test_size=n_valid, random_state=random_state)
    elif groups is None:
        splitter = ShuffleSplit(_N_DRAWS, test_size=n_valid, random_state=random_state)
    else:
        splitter = GroupShuffleSplit(_N_DRAWS, test_size=n_valid, random_state=random_state)
    return list(splitter.split(X, stratum, groups))

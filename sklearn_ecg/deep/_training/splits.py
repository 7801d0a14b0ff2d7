"""The validation split for early stopping."""

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit

from ...utils._warnings import warn

# Number of random splits, of which the first with balanced classes is taken.
_N_DRAWS = 50


def validation_split(labels, groups, fraction, random_state):
    """Split records into a training and a validation part.

    Parameters
    ----------
    labels : integer ndarray of shape (n_records,)
        Classes, which have about the same share of both parts.
    groups : ndarray of shape (n_records,) or None
        All records of a group (patient) are in the same part.
    fraction : float
        Fraction of the records, or of the groups, in (0, 1).
    random_state : int

    Returns
    -------
    train, valid : integer ndarrays
        ``train`` is sorted. ``valid`` is in random order: records are often sorted by class, and
        the contrastive loss of batches of one class is not informative. With too few records or
        groups, ``valid`` is None and a warning is raised. A warning is also raised if a class is
        missing in one of the parts.
    """
    n_units = len(labels) if groups is None else len(np.unique(groups))
    n_valid = round(fraction * n_units)
    if n_valid < 1 or n_units - n_valid < 2:
        what = "records" if groups is None else "groups"
        warn(
            f"validation_fraction={fraction} of {n_units} {what} leaves no records for "
            "validation or for training. Early stopping is switched off, and all records are used "
            "for training.",
            UserWarning,
        )
        return np.arange(len(labels)), None
    splits = _random_splits(labels, groups, n_valid, random_state)
    counts = np.bincount(labels)
    present = counts > 0

    def imbalance(split):
        """Return how much the fraction set aside of each class differs from ``fraction``."""
        share = np.bincount(labels[split[1]], minlength=len(counts))[present] / counts[present]
        return np.abs(share - fraction)

    # The first split that is good enough, not the best one, whose validation part would never
    # contain a patient with more records than others.
    slack = np.maximum(0.25 * min(fraction, 1 - fraction), 2 / counts[present])
    good = [split for split in splits if (imbalance(split) <= slack).all()]
    train, valid = good[0] if good else min(splits, key=lambda split: imbalance(split).max())
    missing = [
        side
        for side, part in (("training", train), ("validation", valid))
        if len(np.unique(labels[part])) < present.sum()
    ]
    if missing:
        warn(
            f"A class is missing in the {' and the '.join(missing)} part of the split for early "
            f"stopping: the smallest class has {counts[present].min()} record(s), too few for "
            f"validation_fraction={fraction}. Pass more records of it, or early_stopping=False.",
            UserWarning,
        )
    return np.sort(train), np.random.RandomState(random_state).permutation(valid)


def _random_splits(labels, groups, n_valid, random_state):
    """Return one stratified split if there are enough records, otherwise several random splits.

    Groups are not distributed over folds: the largest group would always be in the same fold.
    """
    counts = np.bincount(labels)
    counts = counts[counts > 0]
    n_records, n_classes = len(labels), len(counts)
    X = np.empty((n_records, 0))
    if groups is None and counts.min() >= 2 and n_classes <= min(n_valid, n_records - n_valid):
        splitter = StratifiedShuffleSplit(1, test_size=n_valid, random_state=random_state)
    elif groups is None:
        splitter = ShuffleSplit(_N_DRAWS, test_size=n_valid, random_state=random_state)
    else:
        splitter = GroupShuffleSplit(_N_DRAWS, test_size=n_valid, random_state=random_state)
    return list(splitter.split(X, labels, groups))

"""Random resampling of multilabel records: ML-ROS and ML-RUS with a stopping rule.

F. Charte, A. J. Rivera, M. J. del Jesus, F. Herrera, "Addressing imbalance in multilabel
classification: measures and random resampling algorithms", Neurocomputing 163, 2015.

The imbalance ratio of a label is the number of records of the most frequent label divided by its
own. Labels with a ratio above a limit are rare: the mean ratio of all labels, as in the paper, or
``1 / sampling_strategy``. The paper repeats or removes a given share of the records; here, records
are resampled until no label is rare.
"""

import numbers

import numpy as np

from ..utils._warnings import warn
from ._targets import patient_units


def draw_rare_labels(indicator, strategy, random_state, groups):
    """Draw records of rare labels in turn until no label is rare; see `draw_new_records`."""
    counts = indicator.sum(axis=0)
    limit = _largest_ratio(counts, strategy)
    units = {}
    drawn = {}
    new = []
    n_new = 0
    while n_new < len(indicator) and (rare := _find_rare(counts, limit)):
        for label in rare:
            if label not in units:
                units[label] = patient_units(np.flatnonzero(indicator[:, label]), groups)
            unit = units[label][random_state.randint(len(units[label]))]
            new.append(unit)
            n_new += len(unit)
            drawn[label] = drawn.get(label, 0) + len(unit)
            counts += indicator[unit].sum(axis=0)
    _warn_of_rare(counts, limit, "as many new records as there were records")
    return np.concatenate([np.empty(0, dtype=np.intp), *new]), drawn


def drop_frequent_labels(indicator, strategy, random_state, groups):
    """Drop records of frequent labels until no label is rare; see `draw_kept_records`."""
    counts = indicator.sum(axis=0)
    limit = _largest_ratio(counts, strategy)
    fewest = counts[counts > 0].min()
    kept = np.ones(len(indicator), dtype=bool)
    # As the most frequent label loses records, others are no longer rare and lose records, too.
    n_kept = len(indicator) + 1
    while n_kept > kept.sum() and (rare := _find_rare(counts, limit)):
        n_kept = kept.sum()
        units = patient_units(np.flatnonzero(kept & ~indicator[:, rare].any(axis=1)), groups)
        for i in random_state.permutation(len(units)):
            lost = indicator[units[i]].sum(axis=0)
            is_too_frequent = (counts > limit * fewest) & (lost > 0)
            is_rare_without = (counts - lost < fewest) & (lost > 0)
            if is_too_frequent.any() and not is_rare_without.any():
                kept[units[i]] = False
                counts -= lost
    _warn_of_rare(counts, limit, "all records without them that could be removed")
    changed = np.flatnonzero(counts < indicator.sum(axis=0)).tolist()
    return np.flatnonzero(kept), {label: int(counts[label]) for label in changed}


def _largest_ratio(counts, strategy):
    """Return the largest imbalance ratio of a label that is not rare."""
    if isinstance(strategy, numbers.Real):
        return 1 / strategy
    if isinstance(strategy, str) and strategy == "auto":
        return (counts.max() / counts[counts > 0]).mean()
    raise ValueError(
        f"sampling_strategy={strategy!r} is for classes, but y is a multilabel indicator. Pass "
        "'auto', or the ratio of the rarest to the most frequent label as a float in (0, 1]."
    )


def _find_rare(counts, limit):
    return np.flatnonzero((counts > 0) & (counts.max() > limit * counts)).tolist()


def _warn_of_rare(counts, limit, resampled):
    left = _find_rare(counts, limit)
    if left:
        warn(
            f"The labels in columns {left} of y are still rarer than sampling_strategy asks for, "
            f"after resampling {resampled}: their records have frequent labels, too. Pass a "
            "smaller sampling_strategy.",
            UserWarning,
        )

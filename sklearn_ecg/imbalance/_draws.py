"""Which records a sampler repeats or keeps, as positions.

The records of each class, or of each rare label, are drawn in units: single records or, with
groups, all records of a patient that have this class or label.
"""

from collections.abc import Mapping

import numpy as np
from imblearn.over_sampling import RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from imblearn.utils import check_sampling_strategy

from ._label_draws import draw_rare_labels, drop_frequent_labels
from ._targets import patient_units


def draw_new_records(target, strategy, random_state, groups=None):
    """Draw the records to repeat, with replacement.

    Parameters
    ----------
    target : SamplerTarget
    strategy : float, str, dict or callable
        As ``sampling_strategy`` of the samplers.
    random_state : RandomState
    groups : ndarray of shape (n_records,) or None, default=None

    Returns
    -------
    new : ndarray of int
        Positions of the records, in the order of the classes.
    strategy : dict
        Number of new records that were wanted for each class, or drawn for each rare label.
    """
    if target.is_multilabel:
        return draw_rare_labels(target.values, strategy, random_state, groups)
    _check_classes_of(strategy, target.values)
    if groups is None:
        sampler = RandomOverSampler(sampling_strategy=strategy, random_state=random_state)
        sampler.fit_resample(np.arange(len(target.values))[:, np.newaxis], target.values)
        return sampler.sample_indices_[len(target.values) :], sampler.sampling_strategy_
    wanted = check_sampling_strategy(strategy, target.values, "over-sampling")
    new = []
    for label, n_new in wanted.items():
        units = patient_units(np.flatnonzero(target.values == label), groups)
        drawn = random_state.choice(len(units), size=n_new, replace=True)
        new += _until_nearest([units[i] for i in drawn], n_new)
    return np.concatenate([np.empty(0, dtype=np.intp), *new]), wanted


def draw_kept_records(target, strategy, random_state, groups=None):
    """Draw the records to keep, without replacement.

    Parameters
    ----------
    target : SamplerTarget
    strategy : float, str, dict or callable
        As ``sampling_strategy`` of the samplers.
    random_state : RandomState
    groups : ndarray of shape (n_records,) or None, default=None

    Returns
    -------
    kept : ndarray of int
        Positions of the records, in the order of the classes.
    strategy : dict
        Number of records that were wanted for each class, or are left of each frequent label.
    """
    if target.is_multilabel:
        return drop_frequent_labels(target.values, strategy, random_state, groups)
    _check_classes_of(strategy, target.values)
    if groups is None:
        sampler = RandomUnderSampler(sampling_strategy=strategy, random_state=random_state)
        sampler.fit_resample(np.arange(len(target.values))[:, np.newaxis], target.values)
        return sampler.sample_indices_, sampler.sampling_strategy_
    wanted = check_sampling_strategy(strategy, target.values, "under-sampling")
    kept = []
    for label in np.unique(target.values):
        members = np.flatnonzero(target.values == label)
        if label not in wanted:
            kept.append(members)
            continue
        units = patient_units(members, groups)
        order = random_state.permutation(len(units))
        kept += _until_nearest([units[i] for i in order], wanted[label])
    return np.concatenate(kept), wanted


def _until_nearest(units, n_records):
    """Return the first units, as many as have the number of records nearest to the one given."""
    total = np.cumsum([0, *map(len, units)])
    n_units = int(np.argmin(np.abs(total - n_records)))
    return units[: n_units if n_records == 0 else max(n_units, 1)]


def _check_classes_of(strategy, values):
    """Raise if a dict has classes that y does not have."""
    if isinstance(strategy, Mapping):
        present = np.unique(values).tolist()
        absent = [label for label in strategy if label not in present]
        if absent:
            raise ValueError(
                f"sampling_strategy has the classes {absent!r}, which are not present in the data: "
                f"the classes of y are {present!r}."
            )

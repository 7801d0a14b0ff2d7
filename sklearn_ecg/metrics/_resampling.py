"""Bootstrap resamples of records or patients, as counts."""

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length, column_or_1d

from ..utils._warnings import warn

# Draws of a resample before a label counts as too rare.
_MAX_DRAWS = 100

# Counts made at once, records times resamples: few enough for the processor's cache.
_COUNTS_AT_ONCE = 200_000


class Resamples:
    """Resamples of records, stratified by label, of whole patients where groups are given.

    Iterating gives arrays (n_records, n_resamples of this part): how often each record was drawn.

    Parameters
    ----------
    y_true : ndarray of shape (n_records,) or (n_records, n_labels)
    groups : array-like of shape (n_records,) or None
    n_resamples : int
    rng : RandomState
    what : str
        Whose positives or negatives may be a single patient's, for the warning about it.
    """

    def __init__(self, y_true, groups, n_resamples, rng, *, what="A class"):
        check_consistent_length(y_true, groups)
        self.n_records = len(y_true)
        self.n_resamples = n_resamples
        self.rng = rng
        self.unit_of_record = None
        n_units = self.n_records
        if groups is not None:
            groups = column_or_1d(groups)
            unknown = np.count_nonzero(pd.isna(groups))
            if unknown:
                raise ValueError(
                    f"groups: the patient of {unknown} of {len(groups)} records is missing. Give "
                    "each unknown patient a number of its own."
                )
            names, self.unit_of_record = np.unique(groups, return_inverse=True)
            n_units = len(names)
        if y_true.ndim > 1:
            self.strata = [np.arange(n_units)]
            self._check = _BothValues(y_true)
            return
        _, label = np.unique(y_true, return_inverse=True)
        label_of_unit = label
        self._check = None
        if groups is not None:
            label_of_unit = np.zeros(n_units, dtype=label.dtype)
            np.maximum.at(label_of_unit, self.unit_of_record, label)
            if (label_of_unit[self.unit_of_record] != label).any():
                self._check = _EveryLabel(label)
        self.strata = [np.flatnonzero(label_of_unit == value) for value in np.unique(label_of_unit)]
        if len(self.strata) > 1 and min(map(len, self.strata)) == 1:
            warn(
                f"{what} has a single patient (or record) of one value. It is in every resample, "
                "and the interval does not show how much the score depends on it.",
                UserWarning,
            )

    def __iter__(self):
        n_units = sum(map(len, self.strata))
        # Units are drawn in parts that do not depend on how many records they have.
        drawn_at_once = max(1, _COUNTS_AT_ONCE // n_units)
        at_once = max(1, _COUNTS_AT_ONCE // self.n_records)
        for start in range(0, self.n_resamples, drawn_at_once):
            counts = self._draw(min(drawn_at_once, self.n_resamples - start))
            for first in range(0, counts.shape[1], at_once):
                yield self._redraw(self._of_records(counts[:, first : first + at_once]))

    def _draw(self, n_resamples):
        """How often each unit is in each resample."""
        counts = np.empty((sum(map(len, self.strata)), n_resamples))
        resample = np.arange(n_resamples)
        for members in self.strata:
            size = (len(members), n_resamples)
            drawn = self.rng.randint(len(members), size=size) * n_resamples + resample
            counts[members] = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(size)
        return counts

    def _of_records(self, counts):
        return counts if self.unit_of_record is None else counts[self.unit_of_record]

    def _redraw(self, counts):
        """Draw the resamples again that lack a label."""
        if self._check is None:
            return counts
        missing = np.flatnonzero(~self._check(counts))
        for _ in range(_MAX_DRAWS - 1):
            if not len(missing):
                break
            counts[:, missing] = self._of_records(self._draw(len(missing)))
            missing = missing[~self._check(counts[:, missing])]
        if len(missing):
            raise ValueError(
                f"y_true: label {self._check.rarest} is so rare that {_MAX_DRAWS} resamples lacked "
                "one of its values. Leave it out, or pass more records."
            )
        return counts


class _BothValues:
    """Whether resamples hold both values of every label of a multilabel target."""

    def __init__(self, y_true):
        self.positive = (y_true != y_true.min(axis=0)).astype(float).T
        share = self.positive.mean(axis=1)
        self.rarest = int(np.argmin(np.minimum(share, 1 - share)))

    def __call__(self, counts):
        n_positive = self.positive @ counts
        return ((n_positive > 0) & (n_positive < counts.sum(axis=0))).all(axis=0)


class _EveryLabel:
    """Whether resamples of patients whose records differ hold every label."""

    def __init__(self, label):
        self.order = np.argsort(label, kind="stable")
        sizes = np.bincount(label)
        self.starts = np.cumsum(sizes) - sizes
        self.rarest = int(np.argmin(sizes))

    def __call__(self, counts):
        return (np.add.reduceat(counts[self.order], self.starts, axis=0) > 0).all(axis=0)

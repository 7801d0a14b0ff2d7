"""Bootstrap resamples of records or patients, as counts per record."""

import numpy as np
from sklearn.utils import check_consistent_length

from .._validation._samples import check_groups
from ..utils._warnings import warn

# Attempts at a resample that contains every label, after which a label is reported as too rare.
_MAX_ATTEMPTS = 100

# Records times resamples in one array of counts, small enough for the processor's cache. The size
# of a chunk decides in which order random numbers are used: another one gives other resamples.
_MAX_COUNTS = 200_000


class Resamples:
    """Resamples of records or, if groups are given, of whole patients, stratified by label.

    Iterating yields arrays (n_records, n_resamples in this chunk) of how often each record was
    drawn.

    Parameters
    ----------
    y_true : ndarray of shape (n_records,) or (n_records, n_labels)
    groups : array-like of shape (n_records,) or None
    n_resamples : int
    rng : RandomState
    subject : str, default="A class"
        Subject of the warning that is raised if a class has a single patient.
    """

    def __init__(self, y_true, groups, n_resamples, rng, *, subject="A class"):
        check_consistent_length(y_true, groups)
        self.n_records = len(y_true)
        self.n_resamples = n_resamples
        self.rng = rng
        # A unit is what is drawn: a patient, or a record without groups.
        self.unit_of_record = None
        n_units = self.n_records
        if groups is not None:
            groups = check_groups(groups, self.n_records)
            patients, self.unit_of_record = np.unique(groups, return_inverse=True)
            n_units = len(patients)
        self._labels_present = None
        if y_true.ndim > 1:
            self.strata = [np.arange(n_units)]
            self._labels_present = _BothValuesPresent(y_true)
            return
        _, label = np.unique(y_true, return_inverse=True)
        label_of_unit = label
        if groups is not None:
            label_of_unit = np.zeros(n_units, dtype=label.dtype)
            np.maximum.at(label_of_unit, self.unit_of_record, label)
            if (label_of_unit[self.unit_of_record] != label).any():
                self._labels_present = _EveryClassPresent(label)
        self.strata = [np.flatnonzero(label_of_unit == value) for value in np.unique(label_of_unit)]
        if len(self.strata) > 1 and min(map(len, self.strata)) == 1:
            warn(
                f"{subject} has a single patient (or record) of one value. It is part of every "
                "resample, and the interval does not show how much the score depends on it.",
                UserWarning,
            )

    def __iter__(self):
        n_units = sum(map(len, self.strata))
        # Units are drawn in chunks that do not depend on the number of their records.
        n_drawn = max(1, _MAX_COUNTS // n_units)
        n_checked = max(1, _MAX_COUNTS // self.n_records)
        for start in range(0, self.n_resamples, n_drawn):
            counts = self._draw(min(n_drawn, self.n_resamples - start))
            for first in range(0, counts.shape[1], n_checked):
                yield self._redraw_incomplete(
                    self._record_counts(counts[:, first : first + n_checked])
                )

    def _draw(self, n_resamples):
        """Return how often each unit is drawn in each resample."""
        counts = np.empty((sum(map(len, self.strata)), n_resamples))
        resample = np.arange(n_resamples)
        for members in self.strata:
            size = (len(members), n_resamples)
            drawn = self.rng.randint(len(members), size=size) * n_resamples + resample
            counts[members] = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(size)
        return counts

    def _record_counts(self, unit_counts):
        return unit_counts if self.unit_of_record is None else unit_counts[self.unit_of_record]

    def _redraw_incomplete(self, counts):
        """Draw the resamples again that do not contain every label."""
        if self._labels_present is None:
            return counts
        incomplete = np.flatnonzero(~self._labels_present(counts))
        for _ in range(_MAX_ATTEMPTS - 1):
            if not len(incomplete):
                break
            counts[:, incomplete] = self._record_counts(self._draw(len(incomplete)))
            incomplete = incomplete[~self._labels_present(counts[:, incomplete])]
        if len(incomplete):
            raise ValueError(
                f"y_true: label {self._labels_present.rarest} is too rare: {_MAX_ATTEMPTS} "
                "resamples in a row did not contain every label. Leave this label out, or pass "
                "more records."
            )
        return counts


class _BothValuesPresent:
    """Whether resamples contain both values of every label of a multilabel target."""

    def __init__(self, y_true):
        self.positive = (y_true != y_true.min(axis=0)).astype(float).T
        prevalence = self.positive.mean(axis=1)
        self.rarest = int(np.argmin(np.minimum(prevalence, 1 - prevalence)))

    def __call__(self, counts):
        n_positive = self.positive @ counts
        return ((n_positive > 0) & (n_positive < counts.sum(axis=0))).all(axis=0)


class _EveryClassPresent:
    """Whether resamples of patients whose records have different labels contain every class."""

    def __init__(self, label):
        self.order = np.argsort(label, kind="stable")
        sizes = np.bincount(label)
        self.starts = np.cumsum(sizes) - sizes
        self.rarest = int(np.argmin(sizes))

    def __call__(self, counts):
        return (np.add.reduceat(counts[self.order], self.starts, axis=0) > 0).all(axis=0)

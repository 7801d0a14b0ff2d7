"""Bootstrap resamples of records or patients, as counts per record."""

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import check_consistent_length

from .._validation._samples import check_groups, number_groups
from ..utils._warnings import warn

# Attempts at a resample that contains every label, after which a label is reported as too rare.
_MAX_ATTEMPTS = 100

# Records times resamples in one array of counts, small enough for the processor's cache. The size
# of a chunk decides in which order random numbers are used: another one gives other resamples.
_MAX_COUNTS = 200_000

# Resamples of fewer patients show too little of how much patients differ.
_FEW_PATIENTS = 10

# More different numbers than this are a continuous target, such as ages in whole years.
_MAX_CLASSES = 30


class Resamples:
    """Resamples of records or, if groups are given, of whole patients, stratified by class.

    There are no strata for a multilabel or a continuous target.

    Iterating yields arrays (n_records, n_resamples in this chunk) of how often each record was
    drawn.

    Parameters
    ----------
    y_true : ndarray of shape (n_records,) or (n_records, n_labels)
    groups : array-like of shape (n_records,) or None
    n_resamples : int
    rng : RandomState
    label : str or None, default=None
        The label in `y_true`, for warnings.
    continuous : bool or None, default=None
        Whether `y_true` has numbers of a continuous target. None decides by its values.

    Attributes
    ----------
    differ : bool
        Whether any of the resamples that were iterated differs from the first one.
    """

    def __init__(self, y_true, groups, n_resamples, rng, *, label=None, continuous=None):
        check_consistent_length(y_true, groups)
        self.label = label
        self.differ = False
        self.n_records = len(y_true)
        self.n_resamples = n_resamples
        self.rng = rng
        # A unit is what is drawn: a patient, or a record without groups.
        self.unit_of_record = None
        n_units = self.n_records
        if groups is not None:
            groups = check_groups(groups, self.n_records)
            self.unit_of_record, n_units = number_groups(groups)
        self._labels_present = None
        if y_true.ndim > 1:
            self.strata = [np.arange(n_units)]
            self._labels_present = _BothValuesPresent(y_true)
            return
        values, value = np.unique(y_true, return_inverse=True)
        if are_continuous(values) if continuous is None else continuous:
            self.strata = [np.arange(n_units)]
            return
        value_of_unit = value
        if groups is not None:
            value_of_unit = np.zeros(n_units, dtype=value.dtype)
            np.maximum.at(value_of_unit, self.unit_of_record, value)
            if (value_of_unit[self.unit_of_record] != value).any():
                self._labels_present = _EveryClassPresent(value)
        self.strata = [np.flatnonzero(value_of_unit == i) for i in np.unique(value_of_unit)]
        if min(map(len, self.strata)) == 1 < max(map(len, self.strata)):
            warn(
                f"{'A class' if label is None else label} has a single patient (or record) of one "
                "value. It is part of every resample, and the interval does not show how much the "
                "score depends on it.",
                UserWarning,
            )

    def warn_if_equal(self):
        """Warn if all resamples that were iterated are equal, so that they give no interval."""
        if self.differ:
            return
        unit = "record" if self.unit_of_record is None else "patient"
        if self.n_resamples == 1:
            reason = "n_resamples=1 is a single resample"
        elif self._n_units == 1:
            reason = f"there is a single {unit}, and all resamples are equal"
        else:
            reason = f"there are so few {unit}s of each class that all resamples are equal"
        of_label = "" if self.label is None else f" of {self.label[0].lower()}{self.label[1:]}"
        warn(
            f"The interval{of_label} is undefined and set to NaN: {reason}.",
            UndefinedMetricWarning,
        )

    def warn_if_few(self):
        """Warn if there are few patients."""
        if self.unit_of_record is not None and self._n_units < _FEW_PATIENTS:
            warn(
                f"The interval is from {self._n_units} patients: with fewer than {_FEW_PATIENTS}, "
                "it is too narrow, and its ends depend on single patients.",
                UserWarning,
            )

    @property
    def _n_units(self):
        return sum(map(len, self.strata))

    def __iter__(self):
        n_units = self._n_units
        # Units are drawn in chunks that do not depend on the number of their records.
        n_drawn = max(1, _MAX_COUNTS // n_units)
        n_checked = max(1, _MAX_COUNTS // self.n_records)
        reference = None
        for start in range(0, self.n_resamples, n_drawn):
            drawn = self._draw(min(n_drawn, self.n_resamples - start))
            for first in range(0, drawn.shape[1], n_checked):
                counts = self._redraw_incomplete(
                    self._record_counts(drawn[:, first : first + n_checked])
                )
                if not self.differ:
                    reference = counts[:, :1].copy() if reference is None else reference
                    self.differ = bool((counts != reference).any())
                yield counts

    def _draw(self, n_resamples):
        """Return how often each unit is drawn in each resample."""
        counts = np.empty((self._n_units, n_resamples))
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


def are_continuous(values):
    """Return whether different values are numbers of a continuous target instead of classes."""
    if values.dtype.kind not in "iuf" or len(values) < 3:
        return False
    return len(values) > _MAX_CLASSES or bool((values != np.floor(values)).any())


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

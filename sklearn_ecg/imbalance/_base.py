"""What the samplers of records share: checks, parameters and the containers of their results."""

from abc import abstractmethod

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils import check_random_state
from sklearn.utils.validation import _num_samples, validate_data

from .._validation import SINGLE_RECORD, check_container, check_signals, read_container
from .._validation._containers import as_array
from .._validation._samples import check_groups, number_groups
from ..base import fill_lead_names
from ..leads import LazyRecords, to_lead_frame
from ..leads._record_columns import read_column
from ..utils._documentation_links import DocumentationLinkMixin
from ._draws import draw_new_records
from ._targets import check_target


class RecordSampler(DocumentationLinkMixin):
    """Mixin for samplers of records, to be placed before a base class of imbalanced-learn.

    A subclass implements `_check_X`, which sets the attributes of X and returns what the other
    hooks use; `_draw`, which returns positions of records and ``sampling_strategy_``; and
    `_resample`, which returns the resampled X and sets ``sample_indices_``.
    """

    @abstractmethod
    def _check_X(self, X):
        """Check X, and return it or its signals."""

    @abstractmethod
    def _draw(self, target, random_state, groups):
        """Return positions of records, and ``sampling_strategy_``."""

    @abstractmethod
    def _resample(self, X, checked, drawn, target, random_state, groups):
        """Return the resampled X, and set ``sample_indices_``."""

    def fit(self, X, y):
        """Check the records and the labels. Use `fit_resample` to resample them.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records.
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Labels, or a multilabel indicator.

        Returns
        -------
        self : object
            The sampler.

        Raises
        ------
        ValueError
            If a parameter or an argument is invalid.
        TypeError
            If X contains objects that are neither numbers nor signals.
        """
        _, target, _ = self._check(X, y)
        # Not the random state of `fit_resample`, which may be an instance.
        _, self.sampling_strategy_ = self._draw(target, np.random.RandomState(0), None)
        return self

    def fit_resample(self, X, y, *, groups=None):
        """Resample the records.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Records, in any container of signals.
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Labels, or a multilabel indicator.
        groups : array-like of shape (n_records,) or None, default=None
            The patient of each record; the notes of the class describe how they are used. In a
            pipeline, request them with ``set_fit_resample_request(groups=True)`` and enable
            metadata routing. Otherwise imbalanced-learn ignores them.

        Returns
        -------
        X_resampled : array, DataFrame or lead frame
            Resampled records in the container of X. A frame keeps its columns and its ``attrs``.
        y_resampled : array, Series or DataFrame
            Their labels in the container of y.

        Raises
        ------
        ValueError
            If a parameter or an argument is invalid.
        TypeError
            If X contains objects that are neither numbers nor signals.
        """
        checked, target, groups = self._check(X, y, groups)
        random_state = check_random_state(self.random_state)
        drawn, self.sampling_strategy_ = self._draw(target, random_state, groups)
        X_new = self._resample(X, checked, drawn, target, random_state, groups)
        return X_new, take_labels(y, self.sample_indices_, X_new)

    def _fit_resample(self, X, y, **params):
        # Abstract in imbalanced-learn, whose fit_resample is replaced.
        return self.fit_resample(X, y, **params)

    def _check(self, X, y, groups=None):
        self._validate_params()
        name = type(self).__name__
        if issparse(X):
            raise TypeError(f"X is a sparse matrix, but {name} needs dense records: X.toarray().")
        checked = self._check_X(X)
        target = check_target(y, X, name)
        if groups is not None:
            groups, _ = number_groups(check_groups(groups, _num_samples(X)))
        return checked, target, groups

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.three_d_array = True
        tags.sampler_tags.sample_indices = True
        return tags


class SignalOverSampler(RecordSampler):
    """Mixin for over-samplers that compute new signals.

    A subclass has the parameters ``n_leads`` and ``lead_names``, and implements `_make_signals`.
    """

    @abstractmethod
    def _make_signals(self, signals, sources, target, random_state, groups):
        """Return new signals of shape (n_new, n_leads, n_times) from their source records."""

    def _check_X(self, X):
        signals, _ = check_signals(self, X, reset=True, dtype=[np.float32, np.float64])
        return np.asarray(signals)

    def _draw(self, target, random_state, groups):
        return draw_new_records(target, self.sampling_strategy, random_state, groups)

    def _resample(self, X, checked, drawn, target, random_state, groups):
        signals = self._make_signals(checked, drawn, target, random_state, groups)
        self.sample_indices_ = np.concatenate([np.arange(len(checked)), drawn])
        return append_records(X, checked, signals.astype(checked.dtype, copy=False), self)


def check_any_records(estimator, X):
    """Check records of any container, signals or images, that are not looked into.

    Sets the attributes ``n_features_in_`` and, for frames, ``feature_names_in_``.
    """
    X = read_column(X)
    check_container(X)
    name = type(estimator).__name__
    shape = getattr(X, "shape", None) or as_array(X).shape
    if len(shape) < 2:
        raise ValueError(
            f"Expected 2D array or records of any other container, got {len(shape)}D array instead "
            f"(shape={shape}). {SINGLE_RECORD}."
        )
    if 0 in shape[:2]:
        what = "sample(s)" if shape[0] == 0 else "feature(s)"
        raise ValueError(
            f"Found array with 0 {what} (shape={shape}) while a minimum of 1 is required by {name}."
        )
    validate_data(estimator, X=X, reset=True, skip_check_array=True)
    return X


def take_records(X, positions, *, reset_index):
    """Return records of X, in its container."""
    if hasattr(X, "iloc"):
        taken = X.take(positions)
        return taken.reset_index(drop=True) if reset_index else taken
    if isinstance(X, (list, tuple)):
        return type(X)(X[i] for i in positions)
    return X[positions] if isinstance(X, LazyRecords) else np.asarray(X)[positions]


def take_labels(y, positions, X_new):
    """Return the labels of resampled records, in the container of y.

    Their index is that of the records if these are a frame, otherwise a range, as in
    imbalanced-learn.
    """
    if hasattr(y, "iloc"):
        taken = y.take(positions)
        taken.index = X_new.index if hasattr(X_new, "iloc") else pd.RangeIndex(len(positions))
        return taken
    if issparse(y):
        return y.tocsr()[positions].asformat(y.format)
    if isinstance(y, (list, tuple)):
        return type(y)(y[i] for i in positions)
    y = np.asarray(y)
    return (y.ravel() if y.ndim == 2 and y.shape[1] == 1 else y)[positions]


def append_records(X, signals, new, estimator):
    """Return the records of X, unchanged, followed by new ones, in the container of X.

    Parameters
    ----------
    X : array, DataFrame or lead frame
    signals, new : ndarray of shape (n_records, n_leads, n_times)
        The signals of X, and those of the new records.
    estimator : estimator
        With ``n_leads_in_`` and ``lead_names_in_``.

    Returns
    -------
    X_resampled : array, DataFrame or lead frame
        The index of a frame is a range.
    """
    name, n_leads = type(estimator).__name__, estimator.n_leads_in_
    _, kind, _, _ = read_container(X, name=name, n_leads=n_leads)
    if kind == "cells":
        cells = np.empty(new.shape[:2], dtype=object)
        for place in np.ndindex(cells.shape):
            cells[place] = new[place]
        return np.concatenate([X, cells])
    both = np.concatenate([signals, new])
    if kind == "lead frame":
        frame = to_lead_frame(both, fill_lead_names(estimator.lead_names_in_, n_leads))
        frame.columns = X.columns
    else:
        is_3d = kind == "array"
        both = both if is_3d else both.reshape(len(both), -1)
        if isinstance(X, (list, tuple)):
            return both.tolist()
        if kind != "numeric frame":
            return both
        frame = pd.DataFrame(both, columns=X.columns)
    frame.attrs.update(X.attrs)
    return frame

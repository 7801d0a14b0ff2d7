"""Base classes of the transformers of signals.

They validate X, resolve the lead names, and define the tags. `SignalTransformer` is the base of
all of them, `SignalToSignalTransformer` of those that return the container that they were given.
"""

import copy
from abc import ABCMeta, abstractmethod
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn import get_config
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from ._validation import check_signals, read_container, was_fitted_on_rows
from .leads import LazyRecords, to_lead_frame
from .utils._chunks import LAZY, TRANSFORM, array_chunks
from .utils._documentation_links import DocumentationLinkMixin
from .utils._fit_callbacks import CallbackSupportMixin, as_one_task
from .utils._parallel import compute_parts

__all__ = ["SignalToSignalTransformer", "SignalTransformer"]


class SignalTransformer(
    CallbackSupportMixin,
    DocumentationLinkMixin,
    TransformerMixin,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """Base class of the transformers of signals.

    A subclass has the parameters ``n_leads`` and ``lead_names``, implements `_fit`, and calls
    `_validate_signals` or, for lazy records, `_compute_in_parts` in its other methods. It is fitted
    if `_fit` raises no error.
    """

    _parameter_constraints = {
        "n_leads": [Interval(Integral, 1, None, closed="left"), None],
        "lead_names": ["array-like", None],
    }
    # Whether X may contain NaN; "leads": only leads that are NaN at all time points of a record.
    _allow_nan = False
    # Whether signals must be in mV, and what `check_millivolts` raises errors for.
    _needs_millivolts = False
    _scale_errors = ()
    # Whether `_fit` accepts lazy records, of which it uses the shape and converts parts to arrays.
    _fits_lazy_records = False
    # Dtypes of the validated signals. X is converted to the first unless it has one of them.
    _dtypes = [np.float32, np.float64]

    @abstractmethod
    def _fit(self, signals):
        """Learn from the training records, of shape (n_records, n_leads, n_times)."""

    @as_one_task
    def fit(self, X, y=None):
        """Check the signals, and learn from them if there is anything to learn.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of
            signals or, with ``n_leads``, rows of shape (n_records, n_leads * n_times).
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter is invalid, alone or for these signals, or if X is ambiguous or contains
            invalid values.
        TypeError
            If X contains objects that are neither numbers nor signals.
        """
        self._fit(self._start_fit(X))
        self._is_fitted = True
        return self

    def _start_fit(self, X):
        """Validate the parameters and X, and return the signals."""
        self._validate_params()
        # If fit fails, the estimator is not fitted, not even with its previous parameters.
        vars(self).pop("_is_fitted", None)
        signals = self._validate_lazily(X, reset=True)
        return signals if self._fits_lazy_records else np.asarray(signals)

    def _validate_signals(self, X, reset):
        """Return the checked signals as an array."""
        return np.asarray(self._validate_lazily(X, reset))

    def _validate_lazily(self, X, reset):
        """Return the checked signals as an array, and lazy records as lazy records."""
        signals, _ = check_signals(
            self, X, reset=reset, dtype=self._dtypes, allow_nan=self._allow_nan
        )
        # For a memory map, its array: results computed from it are not memory maps.
        return signals if isinstance(signals, LazyRecords) else np.asarray(signals)

    def _compute_in_parts(self, X, function):
        """Return ``function(signals)`` of checked records, of lazy records part by part.

        ``function`` returns an array with a row for each record, which depends on it only.
        """
        signals = self._validate_lazily(X, reset=False)
        if isinstance(signals, np.ndarray):
            return function(signals)
        parts = array_chunks(signals, LAZY)
        return np.concatenate([function(np.asarray(signals[part])) for part in parts])

    def _compute_in_processes(self, X, function):
        """Return the same, of parts of the records that ``n_jobs`` processes compute.

        Rounding depends on the parts, which are therefore the same for any ``n_jobs``.
        """
        signals = self._validate_lazily(X, reset=False)
        parts = array_chunks(signals, TRANSFORM)
        return np.concatenate(compute_parts(function, signals, parts, n_jobs=self.n_jobs))

    def _require_sampling_rate(self):
        """Return `sampling_rate`, which must not be None."""
        if self.sampling_rate is None:
            name, rate = type(self).__name__, getattr(self, "sampling_rate_in_", None)
            noted = "" if rate is None else f", but X.attrs['sampling_rate'] is {rate!r}"
            raise ValueError(
                f"{name} needs sampling_rate, the number of time points per second (Hz), which is "
                f"None{noted}. Pass it, as in {name}(sampling_rate={rate or 100!r})."
            )
        return self.sampling_rate

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_is_fitted")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self._allow_nan is True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class SignalToSignalTransformer(SignalTransformer, auto_wrap_output_keys=None):
    """Base class of the transformers that return signals.

    The result is in the same kind of container as X: an array, a lead frame with the same index, an
    object array of signals, lead-major rows, a numeric frame, or lazy records, which are
    transformed when they are read. float64 stays float64; everything
    else becomes float32. Signals are never changed in place.

    A subclass implements `_transform`, which transforms each record independently of the others,
    and must not return memory of the signals that it was given. It overrides `_fit`,
    `_output_n_times`, `_output_lead_names` and `_output_attrs` if necessary.
    """

    def __init_subclass__(cls, **kwargs):
        # Otherwise, fit_transform would wrap signals if a global configuration asks for frames.
        super().__init_subclass__(auto_wrap_output_keys=None, **kwargs)

    def _fit(self, signals):
        pass

    @abstractmethod
    def _transform(self, signals):
        """Return new signals of shape (n_records, n_output_leads, n_output_times)."""

    def _output_n_times(self):
        """Return the length of the transformed signals, in time points."""
        return self.n_times_in_

    def _output_lead_names(self):
        """Return the names of the output leads, or None if they are the unnamed input leads."""
        return self.lead_names_in_

    def _output_attrs(self, attrs):
        """Return the ``attrs`` (sampling rate, units) of a transformed frame."""
        return attrs

    def transform(self, X):
        """Transform signals.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals with the leads and the length of those passed to `fit`.

        Returns
        -------
        X_new : array, DataFrame, lead frame or LazyRecords
            The transformed signals in the same kind of container, with the same index.
        """
        check_is_fitted(self)
        signals = self._validate_lazily(X, reset=False)
        if isinstance(signals, LazyRecords):
            # A copy, because this estimator may be fitted again before the records are read.
            transformed = signals.apply(
                copy.deepcopy(self)._transform,
                lead_names=self._output_lead_names(),
                attrs=self._output_attrs(signals.attrs),
            )
            return transformed if isinstance(X, LazyRecords) else transformed.to_column()
        return self._to_container(self._transform(signals), X)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the output leads, or of the output columns if fitted on rows.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            If given, it must be equal to the names seen in `fit`.

        Returns
        -------
        names : ndarray of str objects
            Leads without names are called lead0, lead1, and so on. The name of a column consists of
            its lead and its time point, as in ``V1__t17``.
        """
        check_is_fitted(self)
        _check_feature_names_in(self, input_features)
        names = fill_lead_names(self._output_lead_names(), self.n_leads_in_)
        if was_fitted_on_rows(self):
            names = name_columns(names, self._output_n_times())
        return np.asarray(names, dtype=object)

    def set_output(self, *, transform=None):
        """Do nothing: the output container always follows the input container.

        This method exists so that a Pipeline can set the output of all its steps.

        Parameters
        ----------
        transform : {"default", "pandas"} or None, default=None
            Ignored.

        Returns
        -------
        self : object
            The transformer itself.

        Raises
        ------
        ValueError
            If `transform` is another container, such as "polars".
        """
        self._check_output(transform, "transform")
        return self

    def _check_output(self, transform, name):
        """Raise if another container than that of X is asked for."""
        if transform not in (None, "default", "pandas"):
            raise ValueError(
                f"{name}={transform!r} is not supported by {type(self).__name__}: signals are "
                "returned in the container of X, an array or a DataFrame of pandas. Set the output "
                "of the steps that return features only."
            )

    def _to_container(self, signals, X, index=None):
        """Return signals in the kind of container of X, by default with its index."""
        _, kind, _, _ = read_container(X, name=type(self).__name__, n_leads=self.n_leads_in_)
        names = fill_lead_names(self._output_lead_names(), signals.shape[1])
        if "frame" in kind:
            # With `set_output` or for the whole program: frames are frames of pandas.
            self._check_output(get_config()["transform_output"], "transform_output")
            index = X.index if index is None else index
        if kind == "lead frame":
            frame = to_lead_frame(signals, names, index=index)
            frame.attrs.update(self._output_attrs(X.attrs))
            return frame
        if kind == "cells":
            cells = np.empty(signals.shape[:2], dtype=object)
            for place in np.ndindex(cells.shape):
                cells[place] = signals[place]
            return cells
        if kind == "array":
            return signals
        rows = signals.reshape(len(signals), -1)
        if kind == "rows":
            return rows
        frame = pd.DataFrame(rows, columns=name_columns(names, signals.shape[2]), index=index)
        frame.attrs.update(self._output_attrs(X.attrs))
        return frame


def fill_lead_names(lead_names, n_leads):
    """Return the lead names as a list; without names, lead0, lead1, and so on."""
    return [f"lead{i}" for i in range(n_leads)] if lead_names is None else list(lead_names)


def name_columns(lead_names, n_times):
    """Return the names of the columns of lead-major rows, such as V1__t17."""
    return [f"{lead}__t{i}" for lead in lead_names for i in range(n_times)]

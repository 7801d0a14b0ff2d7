"""What all transformers of signals share: any container in, the same container out."""

from abc import ABCMeta, abstractmethod
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from ._validation import check_signals, read_container, was_fitted_on_rows
from .leads import to_lead_frame

_FLOATS = [np.float32, np.float64]


class SignalTransformer(
    TransformerMixin, BaseEstimator, metaclass=ABCMeta, auto_wrap_output_keys=None
):
    """Base of the transformers from signals to signals.

    The container that comes out is of the kind that went in: an array, a lead frame with the same
    index, an object array of signals, lead-major rows, or a numeric frame. float64 stays
    float64; everything else becomes float32. Signals are never changed in place.

    A subclass assigns its parameters in ``__init__``, ``n_leads`` and ``lead_names`` among them,
    and implements `_transform`; where needed `_fit`, `_n_times_out`, `_leads_out` and `_attrs_out`.
    What it
    returns from `_transform` must not share memory with the signals that it got.
    """

    _parameter_constraints = {
        "n_leads": [Interval(Integral, 1, None, closed="left"), None],
        "lead_names": ["array-like", None],
    }
    # Whether NaN may be in X.
    _allow_nan = False

    def _fit(self, signals):
        """Learn from the training records, (n_records, n_leads, n_times)."""

    @abstractmethod
    def _transform(self, signals):
        """New signals of shape (n_records, n_leads_out, n_times_out)."""

    def _n_times_out(self):
        """Length of the signals that come out."""
        return self.n_times_in_

    def _attrs_out(self, attrs):
        """What a lead frame that comes out notes of sampling rate and units."""
        return attrs

    def _leads_out(self):
        """Names of the leads that come out; None if they are as many as before, without names."""
        return self.lead_names_in_

    def fit(self, X, y=None):
        """Check the signals and learn what there is to learn from them.

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

        Raises
        ------
        ValueError
            For signals that cannot be read without guessing, or hold NaN or infinity.
        """
        self._validate_params()
        # A failed fit leaves an unfitted estimator, not one of two halves.
        vars(self).pop("_columns_per_lead", None)
        signals = self._check(X, reset=True)
        self._fit(signals)
        rows = was_fitted_on_rows(self)
        self._columns_per_lead = self._n_times_out() if rows else None
        return self

    def transform(self, X):
        """Transform signals.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals with the leads and the length of those given to `fit`.

        Returns
        -------
        X_new : array, DataFrame or lead frame
            The same container, with the same index.
        """
        check_is_fitted(self, "_columns_per_lead")
        return self._like(X, self._transform(self._check(X, reset=False)))

    def get_feature_names_out(self, input_features=None):
        """Names of the leads that come out; of an estimator fitted on rows, of the columns.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Held against the names seen in `fit`, as everywhere in scikit-learn.

        Returns
        -------
        names : ndarray of str objects
            Leads without a name are called lead0, lead1, and so on; a column is called after its
            lead and its time point, as in ``V1__t17``.
        """
        check_is_fitted(self, "_columns_per_lead")
        _check_feature_names_in(self, input_features)
        names = name_leads(self._leads_out(), self.n_leads_in_)
        if self._columns_per_lead is not None:
            names = _name_columns(names, self._columns_per_lead)
        return np.asarray(names, dtype=object)

    def set_output(self, *, transform=None):
        """Do nothing: the output is always of the kind of the input.

        A Pipeline can so set the output of all its steps.

        Parameters
        ----------
        transform : any
            Ignored.

        Returns
        -------
        self : object
        """
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_columns_per_lead")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self._allow_nan
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _check_sampling_rate(self):
        """The sampling rate, which must have been given."""
        if self.sampling_rate is None:
            name = type(self).__name__
            raise ValueError(
                f"{name} needs sampling_rate, the time points per second of the records (Hz), "
                f"which is None. Pass it, as in {name}(sampling_rate=100)."
            )
        return self.sampling_rate

    def _check(self, X, reset):
        signals, _ = check_signals(self, X, reset=reset, dtype=_FLOATS, allow_nan=self._allow_nan)
        # Of a memory map an array: what is calculated from it is none.
        return np.asarray(signals)

    def _like(self, X, signals, index=None):
        """The signals in the container of X; frames get its index unless another is given."""
        _, kind, _, _ = read_container(X, name=type(self).__name__, n_leads=self.n_leads_in_)
        names = name_leads(self._leads_out(), signals.shape[1])
        if index is None and "frame" in kind:
            index = X.index
        if kind == "lead frame":
            frame = to_lead_frame(signals, names, index=index)
            frame.attrs.update(self._attrs_out(X.attrs))
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
        return pd.DataFrame(rows, columns=_name_columns(names, signals.shape[2]), index=index)


def name_leads(names, n_leads):
    """Names of the leads, or lead0, lead1 and so on."""
    return [f"lead{i}" for i in range(n_leads)] if names is None else list(names)


def _name_columns(names, n_times):
    return [f"{name}__t{i}" for name in names for i in range(n_times)]

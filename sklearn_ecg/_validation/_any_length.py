"""The input contract for records of different lengths.

Only estimators that cut records into windows accept them. Everywhere else, all records have one
length, see `check_signals`. The containers are those of `check_signals`, and lists:

=====================  =======================================  ===========================
container              shape                                    lengths
=====================  =======================================  ===========================
list or object array   (n_records,), each (n_leads, n_times)    may differ
lead frame             (n_records, n_leads), a signal per cell  may differ between records
object array           (n_records, n_leads), a signal per cell  may differ between records
3-D array              (n_records, n_leads, n_times)            one, or padded with NaN
`LazyRecords`          (n_records, n_leads, n_times)            one, or padded with NaN
rows, numeric frame    (n_records, n_leads * n_times)           one, that seen in `fit`
=====================  =======================================  ===========================
"""

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from sklearn.utils.validation import validate_data

from ..leads import LazyRecords, is_lead_frame
from ..leads._record_columns import read_column
from ._containers import check_container
from ._notes import check_notes
from ._signals import (
    _check_given_leads,
    _check_lead_columns,
    _check_lead_count,
    _check_not_transposed,
    _check_numeric,
    _resolve_lead_names,
    check_lazy,
    is_signal_table,
    was_fitted_on_rows,
)

_DTYPES = [np.float32, np.float64]


class SignalRecords:
    """Records that are read in parts, whatever container they are in.

    Parameters
    ----------
    kind : {"array", "lead frame", "rows", "numeric frame"}
        The kind of container for parts of the records. Lists and object arrays are "array".
    lengths : ndarray of shape (n_records,), int
        Time points of each record.
    n_leads : int
    is_double : bool
        Whether the values are float64 rather than float32.
    read : callable
        Returns the time points from ``start`` to ``stop`` of a record, given all three.
    """

    def __init__(self, kind, lengths, n_leads, is_double, read):
        self.kind = kind
        self.lengths = lengths
        self.n_leads = n_leads
        self.dtype = np.dtype(np.float64 if is_double else np.float32)
        self._read = read

    def __len__(self):
        return len(self.lengths)

    def read(self, record, start, stop):
        """Return time points of a record, of shape (n_leads, stop - start)."""
        return np.asarray(self._read(record, start, stop), dtype=self.dtype)


def check_signals_of_any_length(estimator, X, *, reset):
    """Identify the records of X, and compare their leads with the fitted ones.

    Values are checked for infinity when they are read, see `sklearn_ecg.aggregation`. They may be
    NaN.

    Parameters
    ----------
    estimator : estimator
        With the parameters ``n_leads`` and ``lead_names``. With ``reset=True``, its attributes
        ``n_features_in_``, ``feature_names_in_`` (for named columns only), ``n_leads_in_``,
        ``lead_names_in_``, ``sampling_rate_in_`` and ``units_in_`` are set.
    X : list, array, DataFrame or lead frame
        See the table at the top of this module.
    reset : bool
        True in ``fit``, False in every other method.

    Returns
    -------
    records : SignalRecords

    Raises
    ------
    ValueError
        If X is ambiguous, the leads of a record differ in length, or the leads differ from the
        fitted ones.
    """
    X = read_column(X)
    check_container(X)
    columns = None
    if _is_list_of_records(X):
        records = _read_list(estimator, X)
        if reset:
            estimator.n_features_in_ = records.n_leads
            vars(estimator).pop("feature_names_in_", None)
    elif is_lead_frame(X) or is_signal_table(X):
        if hasattr(X, "columns"):
            columns = [str(column) for column in X.columns]
            if not reset:
                _check_lead_columns(estimator, columns)
        elif not reset:
            _check_lead_count(estimator, X.shape[1])
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        records = _read_cells(X)
    elif isinstance(X, LazyRecords):
        columns = None if X.lead_names is None else list(X.lead_names)
        records = _read_lazy(estimator, X, reset, columns)
    else:
        records = _read_array(estimator, X, reset)
    if not len(records):
        raise ValueError(
            "Found array with 0 sample(s) (X has no records) while a minimum of 1 is required by "
            f"{type(estimator).__name__}."
        )
    _check_given_leads(records.n_leads, estimator.n_leads)
    is_nameless = reset and is_signal_table(X)
    lead_names = _resolve_lead_names(estimator, records.n_leads, columns, is_nameless)
    if reset:
        estimator.n_leads_in_ = records.n_leads
        estimator.lead_names_in_ = lead_names
    else:
        _check_lead_count(estimator, records.n_leads)
    check_notes(estimator, X, reset=reset)
    return records


def _is_list_of_records(X):
    """Return whether X is a list or an object array of arrays of shape (n_leads, n_times)."""
    is_list = isinstance(X, (list, tuple))
    is_list |= isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1
    if not is_list or not len(X):
        return False
    first = X[0]
    if hasattr(first, "ndim"):
        return first.ndim == 2
    return isinstance(first, (list, tuple)) and any(
        isinstance(signal, (list, tuple, np.ndarray)) for signal in first
    )


def _read_list(estimator, X):
    arrays = []
    for i, record in enumerate(X):
        try:
            array = np.asarray(record)
        except ValueError as error:
            raise ValueError(
                f"X[{i}] has leads of different lengths ({error}). Each record must be an array of "
                "shape (n_leads, n_times)."
            ) from error
        if isinstance(record, pd.DataFrame) or array.ndim != 2 or array.dtype.kind not in "fiub":
            raise ValueError(
                f"X[{i}] is not a record: got {type(record).__name__} of shape {array.shape} and "
                f"dtype {array.dtype}. Each record must be an array of numbers of shape (n_leads, "
                "n_times)."
            )
        if array.shape[0] != len(arrays[0] if arrays else array):
            raise ValueError(
                f"X[0] has {len(arrays[0])} leads, but X[{i}] has {len(array)}. All records must "
                "have the same leads, in the same order."
            )
        _check_not_transposed((1, *array.shape), estimator.n_leads)
        arrays.append(array)
    return SignalRecords(
        "array",
        np.array([array.shape[1] for array in arrays]),
        len(arrays[0]),
        any(_is_double(array.dtype) for array in arrays),
        lambda record, start, stop: arrays[record][:, start:stop],
    )


def _read_array(estimator, X, reset):
    """Read a 3-D array, lead-major rows or a numeric frame."""
    kind = "numeric frame" if hasattr(X, "columns") else "rows"
    if getattr(X, "ndim", None) == 3 and X.dtype.kind in "fiub":
        # Memory maps of integers are not converted as a whole.
        kind, signals = "array", X
        if not reset:
            _check_lead_count(estimator, X.shape[1])
        if reset or not was_fitted_on_rows(estimator):
            validate_data(estimator, X, reset=reset, skip_check_array=True)
    else:
        signals, _ = _check_numeric(estimator, X, reset, _DTYPES, estimator.n_leads)
        if getattr(X, "ndim", None) == 3:
            kind = "array"
    _check_not_transposed(signals.shape, estimator.n_leads)
    return SignalRecords(
        kind,
        np.full(len(signals), signals.shape[2]),
        signals.shape[1],
        _is_double(signals.dtype),
        lambda record, start, stop: signals[record, :, start:stop],
    )


def _read_lazy(estimator, X, reset, columns):
    """Read lazy records, each as a whole."""
    signals = check_lazy(estimator, X, reset, _DTYPES, columns)
    _check_not_transposed(signals.shape, estimator.n_leads)
    return SignalRecords(
        "array",
        np.full(len(signals), signals.shape[2]),
        signals.shape[1],
        _is_double(signals.dtype),
        lambda record, start, stop: signals[record][:, start:stop],
    )


def _read_cells(X):
    """Read a lead frame, or an object array whose cells are signals."""
    is_frame = hasattr(X, "iloc")
    names = [repr(name) for name in X.columns] if is_frame else range(X.shape[1])
    columns = [_read_column(X.iloc[:, j] if is_frame else X[:, j]) for j in range(X.shape[1])]
    lengths = np.stack([column[0] for column in columns], axis=1)
    for record, lead in np.argwhere((lengths < 0) | (lengths != lengths[:, :1])):
        if lengths[record, lead] < 0:
            raise ValueError(
                f"The signal of record {record}, lead {names[lead]} is null or not a signal. Leave "
                "out such records or leads, or fill them with NaN."
            )
        raise ValueError(
            f"The leads of a record must have the same length, but record {record} has "
            f"{lengths[record, 0]} time points in lead {names[0]} and {lengths[record, lead]} in "
            f"lead {names[lead]}. Crop or pad the signals."
        )
    return SignalRecords(
        "lead frame" if is_frame else "array",
        lengths[:, 0],
        X.shape[1],
        any(column[1] for column in columns),
        lambda record, start, stop: [column[2](record, start, stop) for column in columns],
    )


def _read_column(column):
    """Return the lengths of the signals of a lead, whether they are float64, and a reader."""
    if isinstance(getattr(column, "dtype", None), pd.ArrowDtype):
        signals = column.array.__arrow_array__()
        lengths = pc.list_value_length(signals).fill_null(-1).to_numpy().astype(int)
        is_double = _is_double(np.dtype(signals.type.value_type.to_pandas_dtype()))

        def read(record, start, stop):
            values = signals[int(record)].values.slice(start, stop - start)
            return values.to_numpy(zero_copy_only=False)

        return lengths, is_double, read
    cells = [np.asarray(cell) for cell in column]
    are_signals = [cell.ndim == 1 and cell.dtype.kind in "fiub" for cell in cells]
    return (
        np.array([len(cell) if good else -1 for cell, good in zip(cells, are_signals)]),
        any(_is_double(cell.dtype) for cell in cells if cell.ndim),
        lambda record, start, stop: cells[record][start:stop],
    )


def _is_double(dtype):
    return dtype.kind == "f" and dtype.itemsize > 4

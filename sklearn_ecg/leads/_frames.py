"""Lead frames and their conversion from and to arrays."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ._attrs import check_rate_note, check_unit_note, missing_as_none
from ._lead_order import check_standard_order
from ._names import STANDARD_LEADS, normalize_lead_names


def to_lead_frame(X, leads=None, *, index=None, sampling_rate=None, units=None):
    """Convert an array to a lead frame, with one column per lead and one signal per cell.

    Parameters
    ----------
    X : array of shape (n_records, n_leads, n_times)
        Signals. float64 stays float64; all other real numbers become float32, which is exact for
        integers of up to 24 bits.
    leads : iterable of str, default=None
        Names of the leads, in the order of `X`. Known leads get their standard names; other names
        are kept. None means `STANDARD_LEADS`, in that order, if there are twelve leads.
    index : array-like of shape (n_records,), default=None
        Index of the frame, such as the IDs of the records. None means a range starting at 0.
    sampling_rate : float, default=None
        Time points per second (Hz), > 0, stored in ``frame.attrs["sampling_rate"]``. None and
        NaN mean unknown.
    units : str, default=None
        Unit of the signals, such as "mV", stored in ``frame.attrs["units"]``. None means unknown.

    Returns
    -------
    frame : DataFrame of shape (n_records, n_leads)
        The dtype of the columns is ``pd.ArrowDtype(pa.list_(pa.float32(), n_times))``, or the same
        with ``pa.float64()``. The frame does not share memory with `X`.

    Raises
    ------
    TypeError
        If `X` does not contain real numbers, a name is not a string, or `index` is not a list.
    ValueError
        If `X` does not have three dimensions or has no time points, `leads` is None and there are
        not twelve leads, or the number of names or of index labels does not match `X`. Also if
        `sampling_rate` is not a positive number, or `units` is not the name of a unit.

    Warns
    -----
    UserWarning
        If `leads` is None and, by the identities of Einthoven and Goldberger, the limb leads are
        plainly in other places than in standard order.

    See Also
    --------
    to_lead_array : Convert a lead frame to an array.
    read_lead_frame : Read a lead frame from a Parquet file.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import to_lead_frame
    >>> X = np.zeros((5, 2, 1000), dtype=np.float32)
    >>> frame = to_lead_frame(X, ["I", "AVF"])
    >>> frame.shape, list(frame.columns)
    ((5, 2), ['I', 'aVF'])
    >>> frame.dtypes["I"]
    fixed_size_list<item: float>[1000][pyarrow]
    >>> to_lead_frame(X)
    Traceback (most recent call last):
        ...
    ValueError: X has 2 leads without names. ...
    """
    sampling_rate, units = missing_as_none(sampling_rate), missing_as_none(units)
    if sampling_rate is not None:
        sampling_rate = check_rate_note(sampling_rate, "sampling_rate")
    if units is not None:
        units = check_unit_note(units, "units")
    X = check_signal_array(X)
    _, n_leads, n_times = X.shape
    if n_times == 0:
        raise ValueError(f"X has no time points: its shape is {X.shape}.")
    if leads is None:
        if n_leads != len(STANDARD_LEADS):
            hint = ""
            if n_times == len(STANDARD_LEADS):
                hint = (
                    f" If the shape {X.shape} is (n_records, n_times, n_leads), pass "
                    "X.transpose(0, 2, 1)."
                )
            raise ValueError(
                f"X has {n_leads} leads without names. Only twelve leads are assumed to be in "
                f"standard order: pass leads, a list of {n_leads} names.{hint}"
            )
        leads = STANDARD_LEADS
        if len(X):
            check_standard_order(X, name="to_lead_frame")
    leads = check_leads(X, leads)
    if index is not None and not hasattr(index, "__len__"):
        raise TypeError(f"index must be a list of labels, got {index!r}.")
    if index is not None and len(index) != len(X):
        raise ValueError(f"index has {len(index)} labels, but X has {len(X)} records.")
    frame = _build_frame(X, leads, index)
    attrs = {"sampling_rate": sampling_rate, "units": units}
    frame.attrs.update({name: value for name, value in attrs.items() if value is not None})
    return frame


def to_lead_array(frame, *, dtype=None):
    """Convert a lead frame to an array.

    Parameters
    ----------
    frame : DataFrame of shape (n_records, n_leads)
        A lead frame. Its cells are Arrow lists, of fixed or variable length, or, in columns of
        dtype object, lists or one-dimensional arrays. A null within a signal becomes NaN.
    dtype : dtype, default=None
        Data type of the array. None means the common dtype of all columns.

    Returns
    -------
    X : ndarray of shape (n_records, n_leads, n_times)
        Signals in C order, with the leads in the order of the columns.

    Raises
    ------
    TypeError
        If `frame` is not a DataFrame.
    ValueError
        If a column does not contain signals, a cell is null, the signals differ in length, or there
        are no records and the length is unknown.

    See Also
    --------
    to_lead_frame : Convert an array to a lead frame.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import to_lead_array, to_lead_frame
    >>> X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    >>> frame = to_lead_frame(X, ["I", "II", "V1"])
    >>> to_lead_array(frame[["V1", "I"]])[0]
    array([[ 8.,  9., 10., 11.],
           [ 0.,  1.,  2.,  3.]], dtype=float32)
    """
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(
            f"frame must be a pandas DataFrame with one column per lead, got "
            f"{type(frame).__name__}. Use to_lead_frame to convert an array."
        )
    if not all(_is_signal_dtype(dtype) for dtype in frame.dtypes):
        if len(frame) and not is_lead_frame(frame):
            raise ValueError(
                "frame is not a lead frame: its cells are not signals. Pass a "
                "frame with one column per lead, whose cells are the records' signals."
            )
        return _stack_cells(frame.to_numpy(dtype=object), frame.columns, frame.index, dtype)
    if frame.shape[1] == 0:
        raise ValueError("frame has no columns. Pass a frame with one column per lead.")

    columns = [frame.iloc[:, j].array.__arrow_array__() for j in range(frame.shape[1])]
    if len(frame) == 0:
        lengths = np.array([[getattr(column.type, "list_size", -1) for column in columns]])
        if (lengths < 0).any():
            _raise_unknown_length()
    else:
        lengths = np.stack(
            [pc.list_value_length(column).fill_null(-1).to_numpy() for column in columns], axis=1
        )
    _check_lengths(lengths, frame.columns, frame.index)

    if dtype is None:
        dtype = np.result_type(*(column.type.value_type.to_pandas_dtype() for column in columns))
    X = np.empty((*frame.shape, lengths[0, 0]), dtype=dtype)
    for position, column in enumerate(columns):
        start = 0
        # Concatenated frames have several chunks, and combining them would require a copy.
        for chunk in column.chunks:
            stop = start + len(chunk)
            values = chunk.flatten().to_numpy(zero_copy_only=False)
            X[start:stop, position] = values.reshape(len(chunk), X.shape[2])
            start = stop
    return X


def stack_signals(cells, *, dtype=None):
    """Convert an object array of signals to a numeric array.

    Meta-estimators of scikit-learn convert lead frames to such object arrays, as does
    ``frame.to_numpy()``.

    Parameters
    ----------
    cells : ndarray of shape (n_records, n_leads) and dtype object
        Each cell is one lead of one record: a list or a one-dimensional array of numbers.
    dtype : dtype, default=None
        Data type of the result. None means the common dtype of all cells.

    Returns
    -------
    X : ndarray of shape (n_records, n_leads, n_times)
        Signals in C order.

    Raises
    ------
    ValueError
        If `cells` is not a two-dimensional object array or has no cells, a cell is not a signal,
        or the signals differ in length.

    See Also
    --------
    to_lead_array : Convert a lead frame to an array.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import stack_signals, to_lead_frame
    >>> frame = to_lead_frame(np.zeros((5, 2, 1000)), ["I", "II"])
    >>> cells = frame.to_numpy()
    >>> cells.shape, stack_signals(cells).shape
    ((5, 2), (5, 2, 1000))
    """
    try:
        cells = np.asarray(cells)
    except ValueError as error:
        raise ValueError(
            f"cells must be an object array of shape (n_records, n_leads), got lists: {error}."
        ) from error
    if cells.ndim != 2 or cells.dtype != object:
        raise ValueError(
            "cells must be an object array of shape (n_records, n_leads) whose cells are signals, "
            f"got shape {cells.shape} and dtype {cells.dtype}."
        )
    return _stack_cells(cells, range(cells.shape[1]), None, dtype)


def is_lead_frame(obj):
    """Return whether an object is a lead frame, a DataFrame whose cells are signals.

    In columns of dtype object, only the first cell that is not null is checked.

    Parameters
    ----------
    obj : object
        Any object.

    Returns
    -------
    result : bool
        True for a DataFrame in which all columns contain signals. False for a DataFrame in which no
        column does, and for any other object.

    Raises
    ------
    ValueError
        If some columns contain signals and others do not.

    See Also
    --------
    to_lead_frame : Convert an array to a lead frame.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import is_lead_frame, to_lead_frame
    >>> frame = to_lead_frame(np.zeros((5, 2, 1000)), ["I", "II"])
    >>> is_lead_frame(frame), is_lead_frame(np.zeros((5, 2, 1000)))
    (True, False)
    >>> is_lead_frame(frame.assign(age=50))
    Traceback (most recent call last):
        ...
    ValueError: Some columns of the frame contain signals, but these do not: 'age'. ...
    """
    if not isinstance(obj, pd.DataFrame) or obj.shape[1] == 0:
        return False
    if not any(d == np.dtype(object) or _is_signal_dtype(d) for d in set(obj.dtypes)):
        return False
    of_signals = [_is_signal_column(obj.iloc[:, j]) for j in range(obj.shape[1])]
    if any(of_signals) and not all(of_signals):
        others = [
            str(column) for column, is_signal in zip(obj.columns, of_signals) if not is_signal
        ]
        raise ValueError(
            "Some columns of the frame contain signals, but these do not: "
            f"{', '.join(map(repr, others))}. Pass only the columns of leads, or use a "
            "ColumnTransformer for the others."
        )
    return all(of_signals)


def find_signal_columns(frame):
    """Return the positions of the columns of a DataFrame whose cells are signals.

    Parameters
    ----------
    frame : DataFrame

    Returns
    -------
    positions : list of int
    """
    return [j for j in range(frame.shape[1]) if _is_signal_column(frame.iloc[:, j])]


# --------------------------------------------------------------------------------------------------
# Helpers
# --------------------------------------------------------------------------------------------------


def float_dtype(dtype):
    """Return the dtype of a lead frame made from an array of the given dtype."""
    return np.float64 if dtype.kind == "f" and dtype.itemsize > 4 else np.float32


def as_array(X):
    """Return a nested list as an array, and an array as it is.

    Raises
    ------
    ValueError
        If the parts of the list differ in length.
    """
    try:
        return np.asarray(X)
    except ValueError as error:
        raise ValueError(
            f"X is a nested list whose parts differ in length ({error}). All signals must have the "
            "same length: crop or pad them."
        ) from error


def check_signal_array(X):
    """Return X as an array, which must have three dimensions and contain real numbers."""
    X = as_array(X)
    if X.dtype == object and X.ndim == 2:
        raise ValueError(
            f"X is an object array of shape {X.shape}. Convert it to an array of shape (n_records, "
            "n_leads, n_times) with stack_signals."
        )
    if X.ndim != 3:
        raise ValueError(
            f"X must be an array of shape (n_records, n_leads, n_times), got shape {X.shape}."
        )
    if X.dtype.kind not in "fiub":
        raise TypeError(f"X must contain real numbers, got dtype {X.dtype}.")
    return X


def check_leads(X, leads):
    """Return the standard names of the leads of X."""
    leads = normalize_lead_names(leads, strict=False)
    if len(leads) != X.shape[1]:
        raise ValueError(
            f"leads has {len(leads)} names, but X of shape {X.shape} has {X.shape[1]} leads."
        )
    return leads


def _build_frame(X, leads, index):
    """Build a lead frame from a checked array."""
    dtype = float_dtype(X.dtype)
    columns = {}
    for position, lead in enumerate(leads):
        # A copy, so that later changes of the array do not change the frame.
        values = X[:, position].astype(dtype, order="C", copy=True).ravel()
        signals = pa.FixedSizeListArray.from_arrays(pa.array(values), X.shape[2])
        columns[lead] = pd.arrays.ArrowExtensionArray(signals)
    return pd.DataFrame(columns, index=index)


def _is_signal_type(arrow_type):
    is_list = (
        pa.types.is_fixed_size_list(arrow_type)
        or pa.types.is_list(arrow_type)
        or pa.types.is_large_list(arrow_type)
    )
    if not is_list:
        return False
    value_type = arrow_type.value_type
    return pa.types.is_floating(value_type) or pa.types.is_integer(value_type)


def _is_signal_dtype(dtype):
    return isinstance(dtype, pd.ArrowDtype) and _is_signal_type(dtype.pyarrow_dtype)


def _is_signal_cell(cell):
    if isinstance(cell, (np.ndarray, pd.Series)):
        return cell.ndim == 1
    return isinstance(cell, (list, tuple))


def _is_null(cell):
    # pd.isna of a signal would check every value.
    return np.ndim(cell) == 0 and pd.isna(cell)


def _is_signal_column(column):
    if column.dtype != object:
        return _is_signal_dtype(column.dtype)
    first = next((cell for cell in column if not _is_null(cell)), None)
    return _is_signal_cell(first)


def _describe_cell(record, lead, leads, index):
    """Describe the position of a cell for error messages."""
    label = "" if index is None or index[record] == record else f" (index {index[record]})"
    return f"record {record}{label}, lead {leads[lead]!r}"


def _check_lengths(lengths, leads, index):
    """Raise if the lengths, of shape (n_records, n_leads), differ, or are -1 for a null cell."""
    leads = list(leads)
    nulls = np.argwhere(lengths < 0)
    if len(nulls):
        raise ValueError(
            f"The signal of {_describe_cell(*nulls[0], leads, index)} is null ({len(nulls)} null "
            "cells in all). Leave out such records or leads."
        )
    different = np.argwhere(lengths != lengths[0, 0])
    if len(different):
        record, lead = different[0]
        raise ValueError(
            f"All signals must have the same length, but {_describe_cell(0, 0, leads, index)} has "
            f"{lengths[0, 0]} time points and {_describe_cell(record, lead, leads, index)} has "
            f"{lengths[record, lead]}. Crop or pad the signals."
        )


def _raise_unknown_length():
    raise ValueError(
        "There are no records, and the length of their signals is unknown. Pass at least one "
        "record."
    )


def _stack_cells(cells, leads, index, dtype):
    """Convert an object array of signals to a numeric array."""
    if cells.size == 0:
        _raise_unknown_length()
    leads = list(leads)
    lengths = np.full(cells.shape, -1)
    signals = []
    for record, lead in np.ndindex(cells.shape):
        cell = cells[record, lead]
        if _is_null(cell):
            continue
        if np.ma.is_masked(cell):
            raise ValueError(
                f"The signal of {_describe_cell(record, lead, leads, index)} has masked values. "
                "Fill them, as with cell.filled(0), or leave out the record."
            )
        signal = np.asarray(cell)
        if signal.ndim != 1 or (signal.dtype.kind not in "fiub" and signal.size):
            raise ValueError(
                f"The cell of {_describe_cell(record, lead, leads, index)} is not a signal: got "
                f"{type(cell).__name__} of shape {signal.shape} and dtype {signal.dtype}. Each "
                "cell must be a one-dimensional list or array of numbers."
            )
        lengths[record, lead] = len(signal)
        signals.append(signal)
    _check_lengths(lengths, leads, index)
    # The dtype may be narrower than that of the cells.
    X = np.stack(signals, dtype=dtype, casting="unsafe")
    return X.reshape(*cells.shape, lengths[0, 0])

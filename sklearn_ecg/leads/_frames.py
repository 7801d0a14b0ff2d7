"""Lead frames, and the way from there to arrays and back."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ._names import STANDARD_LEADS, normalize_lead_names


def to_lead_frame(X, leads=None, *, index=None, sampling_rate=None, units=None):
    """Make a lead frame from an array: one column per lead, each cell a record's signal.

    Parameters
    ----------
    X : array of shape (n_records, n_leads, n_times)
        Signals. float64 stays float64; all other real numbers become float32, which is exact for
        integers of up to 24 bits.
    leads : iterable of str, default=None
        The leads' names, in the order of ``X``. Known leads get their standard names, other names
        are kept. None stands for `STANDARD_LEADS`, in that order, if there are twelve leads.
    index : array-like of shape (n_records,), default=None
        The frame's index, such as the records' ids. None counts from 0.
    sampling_rate : float, default=None
        Time points per second (Hz), to be kept in ``frame.attrs["sampling_rate"]``.
    units : str, default=None
        The unit of the signals, such as "mV", to be kept in ``frame.attrs["units"]``.

    Returns
    -------
    DataFrame of shape (n_records, n_leads)
        The columns' dtype is ``pd.ArrowDtype(pa.list_(pa.float32(), n_times))``, or the same with
        ``pa.float64()``. The frame does not share memory with `X`.

    Raises
    ------
    TypeError
        If `X` does not hold real numbers, or a name is not a string.
    ValueError
        If `X` does not have three dimensions or has no time points, if `leads` is None and there
        are not twelve leads, or if the number of names or of index labels does not fit.

    See Also
    --------
    to_lead_array : The way back.
    read_lead_frame : Read a lead frame from a Parquet file.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.leads import to_lead_frame
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
    X = check_signal_array(X)
    _, n_leads, n_times = X.shape
    if n_times == 0:
        raise ValueError(f"X has no time points: its shape is {X.shape}.")
    if leads is None:
        if n_leads != len(STANDARD_LEADS):
            hint = ""
            if n_times == len(STANDARD_LEADS):
                hint = (
                    f" Or is the shape {X.shape} (n_records, n_times, n_leads)? Then pass "
                    "X.transpose(0, 2, 1)."
                )
            raise ValueError(
                f"X has {n_leads} leads without names. Only twelve leads are taken to be in "
                f"standard order: pass leads, a list of {n_leads} names.{hint}"
            )
        leads = STANDARD_LEADS
    leads = check_leads(X, leads)
    if index is not None and len(index) != len(X):
        raise ValueError(f"index has {len(index)} labels, but X has {len(X)} records.")
    frame = _build_frame(X, leads, index)
    notes = {"sampling_rate": sampling_rate, "units": units}
    frame.attrs.update({name: note for name, note in notes.items() if note is not None})
    return frame


def to_lead_array(frame, *, dtype=None):
    """Make an array from a lead frame.

    Parameters
    ----------
    frame : DataFrame of shape (n_records, n_leads)
        A lead frame. Its cells are Arrow lists, of fixed or of variable length, or, in columns of
        dtype object, lists or one-dimensional arrays. A null *within* a signal becomes NaN.
    dtype : dtype, default=None
        The array's dtype. None takes the one that holds all columns.

    Returns
    -------
    ndarray of shape (n_records, n_leads, n_times)
        The signals, in C order, the leads in the order of the columns.

    Raises
    ------
    TypeError
        If `frame` is not a DataFrame.
    ValueError
        If a column does not hold signals, a cell is null, the signals differ in length, or there
        are no records and the columns' dtype does not tell the length.

    See Also
    --------
    to_lead_frame : The way back.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.leads import to_lead_array, to_lead_frame
    >>> X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    >>> frame = to_lead_frame(X, ["I", "II", "V1"])
    >>> to_lead_array(frame[["V1", "I"]])[0]
    array([[ 8.,  9., 10., 11.],
           [ 0.,  1.,  2.,  3.]], dtype=float32)
    """
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(
            f"frame must be a pandas DataFrame with one column per lead, got "
            f"{type(frame).__name__}. to_lead_frame makes one from an array."
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
        # Chunk by chunk: a frame made by concat has several, and to combine them costs a copy.
        for chunk in column.chunks:
            stop = start + len(chunk)
            values = chunk.flatten().to_numpy(zero_copy_only=False)
            X[start:stop, position] = values.reshape(len(chunk), X.shape[2])
            start = stop
    return X


def stack_signals(cells, *, dtype=None):
    """Make an array from a table of signals.

    Such an object array is what scikit-learn's meta-estimators make of a lead frame, and what
    ``frame.to_numpy()`` gives.

    Parameters
    ----------
    cells : ndarray of shape (n_records, n_leads) and dtype object
        Each cell is one lead of one record: a list or a one-dimensional array of numbers.
    dtype : dtype, default=None
        The array's dtype. None takes the one that holds all cells.

    Returns
    -------
    ndarray of shape (n_records, n_leads, n_times)
        The signals, in C order.

    Raises
    ------
    ValueError
        If `cells` is not a two-dimensional object array, has no cells, a cell is not a signal, or
        the signals differ in length.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.leads import stack_signals, to_lead_frame
    >>> frame = to_lead_frame(np.zeros((5, 2, 1000)), ["I", "II"])
    >>> cells = frame.to_numpy()
    >>> cells.shape, stack_signals(cells).shape
    ((5, 2), (5, 2, 1000))
    """
    cells = np.asarray(cells)
    if cells.ndim != 2 or cells.dtype != object:
        raise ValueError(
            "cells must be an object array of shape (n_records, n_leads) whose cells are signals, "
            f"got shape {cells.shape} and dtype {cells.dtype}."
        )
    return _stack_cells(cells, range(cells.shape[1]), None, dtype)


def is_lead_frame(obj):
    """Tell whether an object is a lead frame: a DataFrame whose cells are signals.

    Columns of dtype object are judged by their first cell that is not null.

    Parameters
    ----------
    obj : object
        Anything.

    Returns
    -------
    bool
        True for a DataFrame whose columns all hold signals; False for a DataFrame none of whose
        columns does, and for anything else.

    Raises
    ------
    ValueError
        If some columns hold signals and others do not.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.leads import is_lead_frame, to_lead_frame
    >>> frame = to_lead_frame(np.zeros((5, 2, 1000)), ["I", "II"])
    >>> is_lead_frame(frame), is_lead_frame(np.zeros((5, 2, 1000)))
    (True, False)
    >>> is_lead_frame(frame.assign(age=50))
    Traceback (most recent call last):
        ...
    ValueError: Some columns of the frame hold signals, but these do not: 'age'. ...
    """
    if not isinstance(obj, pd.DataFrame) or obj.shape[1] == 0:
        return False
    if not any(d == np.dtype(object) or _is_signal_dtype(d) for d in set(obj.dtypes)):
        return False
    holds_signals = [_is_signal_column(obj.iloc[:, j]) for j in range(obj.shape[1])]
    if any(holds_signals) and not all(holds_signals):
        others = [str(c) for c, holds in zip(obj.columns, holds_signals) if not holds]
        raise ValueError(
            "Some columns of the frame hold signals, but these do not: "
            f"{', '.join(map(repr, others))}. Pass only the leads' columns, or treat the others "
            "apart, with a ColumnTransformer."
        )
    return all(holds_signals)


def read_lead_frame(path, columns=None):
    """Read a lead frame from a Parquet file.

    ``frame.to_parquet(path)`` writes one; plain ``pandas.read_parquet`` cannot read it back with
    the dtypes that it was written with.

    Parameters
    ----------
    path : str or path-like
        The Parquet file.
    columns : list of str, default=None
        The columns to read, all of them leads. None reads all.

    Returns
    -------
    DataFrame of shape (n_records, n_leads)
        A lead frame of the same values, dtypes, index and ``attrs`` (sampling rate and units) as
        `to_lead_frame` made. Signals stored as lists of variable length get the fixed length that
        they share.

    Raises
    ------
    ValueError
        If a column does not hold signals or is not in the file, a cell is null, or the signals
        differ in length.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sklearn_ecg.leads import read_lead_frame, to_lead_frame
    >>> X = np.zeros((5, 2, 1000))
    >>> frame = to_lead_frame(X, ["I", "II"], sampling_rate=100, units="mV")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     frame.to_parquet(Path(folder) / "records.parquet")
    ...     same = read_lead_frame(Path(folder) / "records.parquet")
    >>> same.equals(frame), same.attrs
    (True, {'sampling_rate': 100, 'units': 'mV'})
    """
    if columns is not None:
        columns = list(columns)
        stored = pq.read_schema(path).names
        missing = [column for column in columns if column not in stored]
        if missing:
            raise ValueError(
                f"columns not found in the file: {missing}. It holds {', '.join(stored)}."
            )
    # With pandas' metadata the index comes along, even when columns does not name it.
    table = pq.read_table(path, columns=columns, use_pandas_metadata=True)
    table = _forget_list_dtypes(table)
    frame = table.to_pandas(types_mapper=lambda t: pd.ArrowDtype(t) if _is_signal_type(t) else None)
    if columns is not None:
        frame = frame[columns]
    others = [str(name) for name, dtype in frame.dtypes.items() if not _is_signal_dtype(dtype)]
    if others:
        raise ValueError(
            f"These columns of the file do not hold signals: {', '.join(map(repr, others))}. Pass "
            "columns, the list of the leads to read."
        )
    if frame.shape[1] == 0:
        raise ValueError("The file has no columns that hold signals.")
    # Parquet renames the field of the lists, by which pandas tells dtypes apart: build them anew.
    attrs = frame.attrs
    frame = _build_frame(to_lead_array(frame), frame.columns, frame.index)
    # pandas writes attrs as JSON, and gives them back only from its own read_parquet.
    metadata = table.schema.metadata or {}
    frame.attrs.update(attrs or json.loads(metadata.get(b"PANDAS_ATTRS", b"{}")))
    return frame


# --------------------------------------------------------------------------------------------------
# Helpers
# --------------------------------------------------------------------------------------------------


def float_dtype(dtype):
    return np.float64 if dtype.kind == "f" and dtype.itemsize > 4 else np.float32


def check_signal_array(X):
    X = np.asarray(X)
    if X.dtype == object and X.ndim == 2:
        raise ValueError(
            f"X is an object array of shape {X.shape}. Make it an array of shape (n_records, "
            "n_leads, n_times) with stack_signals."
        )
    if X.ndim != 3:
        raise ValueError(
            f"X must be an array of shape (n_records, n_leads, n_times), got shape {X.shape}."
        )
    if X.dtype.kind not in "fiub":
        raise TypeError(f"X must hold real numbers, got dtype {X.dtype}.")
    return X


def check_leads(X, leads):
    leads = normalize_lead_names(leads, strict=False)
    if len(leads) != X.shape[1]:
        raise ValueError(
            f"leads has {len(leads)} names, but X of shape {X.shape} has {X.shape[1]} leads."
        )
    return leads


def _build_frame(X, leads, index):
    dtype = float_dtype(X.dtype)
    columns = {}
    for position, lead in enumerate(leads):
        # astype copies, which keeps the frame unchanged when the array is written to later.
        values = X[:, position].astype(dtype, order="C", copy=True).ravel()
        signals = pa.FixedSizeListArray.from_arrays(pa.array(values), X.shape[2])
        columns[lead] = pd.arrays.ArrowExtensionArray(signals)
    return pd.DataFrame(columns, index=index)


def _forget_list_dtypes(table):
    # pandas notes its dtypes by name, and cannot parse its own name of a list's dtype.
    metadata = table.schema.metadata or {}
    if b"pandas" not in metadata:
        return table
    notes = json.loads(metadata[b"pandas"])
    notes["columns"] = [note for note in notes["columns"] if "list<" not in note["numpy_type"]]
    return table.replace_schema_metadata({**metadata, b"pandas": json.dumps(notes)})


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
    # pd.isna of a signal would look at each of its numbers.
    return np.ndim(cell) == 0 and pd.isna(cell)


def _is_signal_column(column):
    if column.dtype != object:
        return _is_signal_dtype(column.dtype)
    first = next((cell for cell in column if not _is_null(cell)), None)
    return _is_signal_cell(first)


def _describe(record, lead, leads, index):
    label = "" if index is None or index[record] == record else f" (index {index[record]})"
    return f"record {record}{label}, lead {leads[lead]!r}"


def _check_lengths(lengths, leads, index):
    """Check an array (n_records, n_leads) of lengths, in which -1 marks a null cell."""
    leads = list(leads)
    nulls = np.argwhere(lengths < 0)
    if len(nulls):
        raise ValueError(
            f"The signal of {_describe(*nulls[0], leads, index)} is null ({len(nulls)} null cells "
            "in all). Leave out such records or leads."
        )
    different = np.argwhere(lengths != lengths[0, 0])
    if len(different):
        record, lead = different[0]
        raise ValueError(
            f"All signals must have one length, but {_describe(0, 0, leads, index)} has "
            f"{lengths[0, 0]} time points and {_describe(record, lead, leads, index)} has "
            f"{lengths[record, lead]}. Crop or pad the signals to one length."
        )


def _raise_unknown_length():
    raise ValueError(
        "There are no records, and nothing tells the length of their signals. Pass at least one "
        "record."
    )


def _stack_cells(cells, leads, index, dtype):
    if cells.size == 0:
        _raise_unknown_length()
    leads = list(leads)
    lengths = np.full(cells.shape, -1)
    signals = []
    for record, lead in np.ndindex(cells.shape):
        cell = cells[record, lead]
        if _is_null(cell):
            continue
        signal = np.asarray(cell)
        if signal.ndim != 1 or (signal.dtype.kind not in "fiub" and signal.size):
            raise ValueError(
                f"The cell of {_describe(record, lead, leads, index)} is not a signal: got "
                f"{type(cell).__name__} of shape {signal.shape} and dtype {signal.dtype}. Each "
                "cell must be a one-dimensional list or array of numbers."
            )
        lengths[record, lead] = len(signal)
        signals.append(signal)
    _check_lengths(lengths, leads, index)
    # casting matters for a dtype narrower than the cells', as astype would cast.
    X = np.stack(signals, dtype=dtype, casting="unsafe")
    return X.reshape(*cells.shape, lengths[0, 0])

"""Lead frames in Parquet files."""

import json
import os
from collections import Counter
from collections.abc import Iterable

import pandas as pd
import pyarrow.parquet as pq

from ..utils._paths import expand_path
from ._attrs import check_rate_note, check_unit_note
from ._frames import _build_frame, _is_signal_dtype, _is_signal_type, to_lead_array


def read_lead_frame(path, *, columns=None):
    """Read a lead frame from a Parquet file.

    ``frame.to_parquet(path)`` writes such a file. ``pandas.read_parquet`` cannot restore its
    dtypes.

    Parameters
    ----------
    path : str or path-like
        The Parquet file.
    columns : list of str, default=None
        The columns to read, all of them leads. None reads all.

    Returns
    -------
    frame : DataFrame of shape (n_records, n_leads)
        A lead frame with the values, dtypes, index and ``attrs`` (sampling rate and units) that
        `to_lead_frame` returned. Lists of variable length become lists of fixed length.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If `columns` is a single name.
    ValueError
        If the file is damaged, a column does not contain signals, is not in the file or is in it
        twice, a cell is null, or the signals differ in length. The message names the file.

    See Also
    --------
    to_lead_frame : Convert an array to a lead frame.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sklearn_ecg import read_lead_frame, to_lead_frame
    >>> X = np.zeros((5, 2, 1000))
    >>> frame = to_lead_frame(X, ["I", "II"], sampling_rate=100, units="mV")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     frame.to_parquet(Path(folder) / "records.parquet")
    ...     same = read_lead_frame(Path(folder) / "records.parquet")
    >>> same.equals(frame), same.attrs
    (True, {'sampling_rate': 100, 'units': 'mV'})
    """
    name = "The file"
    if isinstance(path, (str, os.PathLike)):
        path = expand_path(path, "path")
        if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
            raise ValueError(f"path={path!r} is not a regular file. Pass a Parquet file.")
        name = os.path.basename(path) or path
    if columns is not None:
        if isinstance(columns, (str, bytes)) or not isinstance(columns, Iterable):
            raise TypeError(f"columns must be a list of columns, got {columns!r}.")
        columns = list(columns)
        repeated = [column for column, n in Counter(columns).items() if n > 1]
        if repeated:
            raise ValueError(f"columns has {repeated[0]!r} more than once. Pass each column once.")
    table = _read_table(path, name, columns)
    try:
        # pandas cannot parse the names of the dtypes of lists.
        table = _drop_list_dtypes(table)
        frame = table.to_pandas(
            types_mapper=lambda t: pd.ArrowDtype(t) if _is_signal_type(t) else None
        )
        # pandas writes attrs as JSON, but restores them in pandas.read_parquet only.
        metadata = table.schema.metadata or {}
        attrs = frame.attrs or json.loads(metadata.get(b"PANDAS_ATTRS", b"{}"))
    except Exception as error:
        raise ValueError(
            f"{name}: the metadata of pandas in the file is damaged ({type(error).__name__}: "
            f"{error}). Write the lead frame again, or read the columns with pyarrow."
        ) from error
    _check_attrs(attrs, name)
    if columns is not None:
        frame = frame[columns]
    others = [str(column) for column, dtype in frame.dtypes.items() if not _is_signal_dtype(dtype)]
    if others:
        raise ValueError(
            f"{name}: these columns do not contain signals: {', '.join(map(repr, others))}. "
            "Pass columns, the list of the leads to read."
        )
    if frame.shape[1] == 0:
        raise ValueError(f"{name} has no columns that contain signals.")
    try:
        # Parquet renames the field of the lists, which is part of the dtype: rebuild the columns.
        frame = _build_frame(to_lead_array(frame), frame.columns, frame.index)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    frame.attrs.update(attrs)
    return frame


def _read_table(path, name, columns):
    """Return the columns of a Parquet file as an Arrow table; errors name the file and column."""
    try:
        stored = pq.read_schema(path).names
    except (FileNotFoundError, IsADirectoryError, PermissionError, TypeError):
        raise
    except Exception as error:
        raise ValueError(
            f"{name} is not a Parquet file, or is damaged ({type(error).__name__}: {error}). Write "
            "the lead frame again."
        ) from error
    _rewind(path)
    twice = [column for column, n in Counter(stored).items() if n > 1]
    if twice and (columns is None or twice[0] in columns):
        raise ValueError(f"{name} has the column {twice[0]!r} more than once. Rename one of them.")
    if columns is not None:
        missing = [column for column in columns if column not in stored]
        if missing:
            raise ValueError(
                f"{name}: columns not found in the file: {missing}. It contains "
                f"{', '.join(stored)}."
            )
    try:
        # With pandas' metadata, the index is read as well, even if it is not in columns.
        return pq.read_table(path, columns=columns, use_pandas_metadata=True)
    except Exception as error:
        damaged = _find_damaged_column(path, stored if columns is None else columns)
        where = "" if damaged is None else f", column {damaged!r}"
        raise ValueError(
            f"{name}{where}: it is damaged ({type(error).__name__}: {error}). Write the lead frame "
            "again, or pass other columns."
        ) from error


def _find_damaged_column(path, columns):
    """Return the first column that cannot be read, or None."""
    for column in columns:
        _rewind(path)
        try:
            pq.read_table(path, columns=[column], use_pandas_metadata=False)
        except Exception:
            return column
    return None


def _rewind(path):
    """Go back to the start of an open file."""
    if hasattr(path, "seek"):
        path.seek(0)


def _check_attrs(attrs, name):
    """Raise unless the sampling rate and the unit of a file are such."""
    if not isinstance(attrs, dict):
        raise ValueError(f"{name}: its attrs must be a dict, got {attrs!r}. Write it again.")
    checks = {"sampling_rate": check_rate_note, "units": check_unit_note}
    for key, check in checks.items():
        if attrs.get(key) is not None:
            check(attrs[key], f"{name}: attrs['{key}']")


def _drop_list_dtypes(table):
    """Remove the dtypes of lists from pandas' metadata, since pandas cannot parse their names."""
    metadata = table.schema.metadata or {}
    if b"pandas" not in metadata:
        return table
    dtypes = json.loads(metadata[b"pandas"])
    dtypes["columns"] = [one for one in dtypes["columns"] if "list<" not in one["numpy_type"]]
    return table.replace_schema_metadata({**metadata, b"pandas": json.dumps(dtypes)})

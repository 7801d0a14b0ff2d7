"""Containers that are refused, with a message that says how to convert them."""

import re
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from ..leads._frames import as_array

__all__ = ["SINGLE_RECORD", "as_array", "check_container", "refuse_other_objects"]

SINGLE_RECORD = "A single record is X[[0]], not X[0], or frame.iloc[[0]], not frame.iloc[0]"


def check_container(X):
    """Raise for containers of signals or images that are not supported.

    These are dictionaries, other data frames than those of pandas, one row of a frame, text, dates,
    arrays with masked values, and cells that are neither numbers nor signals.

    Raises
    ------
    ValueError
        For any of them.
    """
    if type(X) is np.ndarray and X.dtype.kind in "biuf":
        return  # nearly always, and the following takes longer than the rest of the validation
    if X is None or isinstance(X, (str, bytes)):
        raise ValueError(
            f"X must be an array, a lead frame or a DataFrame, got {X!r:.80}. Load the records "
            "first: see sklearn_ecg.datasets."
        )
    # Sparse matrices of some formats are mappings; scikit-learn refuses them.
    if isinstance(X, (Mapping, Iterator, Set)) and not issparse(X):
        hint = "list(X)"
        if isinstance(X, Mapping):
            hint = "X.data" if hasattr(X, "data") else "np.stack(list(X.values()), axis=1)"
        raise ValueError(
            f"X must be an array, a lead frame or a DataFrame, got {type(X).__name__}. Pass its "
            f"signals, as in {hint}."
        )
    if np.ma.is_masked(X):
        raise ValueError(
            f"X is a masked array with {np.ma.count_masked(X)} masked values, and the mask would "
            "be lost. Leave out the records with masked values, or fill these: X.filled(0), for "
            "example, or X.filled(np.nan) for transformers that accept NaN."
        )
    if isinstance(X, pd.Series):
        raise ValueError(
            "Expected 3D array or a DataFrame, got 1D array instead: X is a Series, such as one "
            f"row or one column of a frame. {SINGLE_RECORD}; a single lead is frame[['II']]."
        )
    if not isinstance(X, pd.DataFrame):
        if getattr(getattr(X, "dtype", None), "kind", None) in ("M", "m"):
            raise ValueError(f"X must contain numbers, got dtype {X.dtype}.")
        package = type(X).__module__.partition(".")[0]
        if package == "polars" or hasattr(X, "__dataframe__"):
            collect = ".collect()" if hasattr(X, "collect") else ""
            raise ValueError(
                f"X is a {type(X).__name__} of {package}. Lead frames and numeric frames are "
                f"DataFrames of pandas: pass X{collect}.to_pandas(), or an array."
            )
    elif X.shape[1] == 0:
        # scikit-learn would look for the common dtype of its columns.
        raise ValueError(f"X is a frame of shape {X.shape}: it has no columns.")
    _check_cells(X)


def _check_cells(X):
    """Raise if the first cells of a table of objects are neither numbers nor signals."""
    if isinstance(X, pd.DataFrame):
        columns = [X.iloc[:, j] for j, dtype in enumerate(X.dtypes) if _may_contain_text(dtype)]
        named = [(repr(column.name), column) for column in columns]
    elif isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 2:
        named = [(j, X[:, j]) for j in range(X.shape[1])]
    else:
        return
    for name, column in named:
        cell = next((c for c in column if np.ndim(c) > 0 or not pd.isna(c)), None)
        if isinstance(cell, (str, bytes)) and not _is_number(cell):
            raise ValueError(
                f"The cells of column {name} are not signals: got {type(cell).__name__}, "
                f"{cell[:30]!r}. Text files do not keep signals: parse the text into arrays of "
                "numbers, and save lead frames with to_parquet (read_lead_frame reads them)."
            )
        shape = getattr(cell, "shape", ())
        is_row = isinstance(cell, (list, tuple, np.ndarray)) and np.ndim(cell) == 1
        is_series = isinstance(cell, pd.Series) and isinstance(X, pd.DataFrame)
        if len(shape) and not is_row and not is_series:
            hint = "cell.ravel()" if isinstance(cell, np.ndarray) else "np.asarray(cell)"
            raise ValueError(
                f"The cells of column {name} are not signals: got {type(cell).__name__} of shape "
                f"{tuple(shape)}. Each cell must be a one-dimensional list or array of numbers: "
                f"convert the cells, as with {hint}."
            )


@contextmanager
def refuse_other_objects(argument="X"):
    """Name the argument in errors of NumPy and scikit-learn for values that are not numbers."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if "Complex data not supported" in str(error):
            # scikit-learn's message shows all values.
            raise ValueError(
                f"Complex data not supported: {argument} must contain real numbers, such as "
                f"{argument}.real."
            ) from None
        if not re.search("could not convert|setting an array element|must be a string", str(error)):
            raise
        raise type(error)(
            f"{argument} contains values that are not numbers: {error}. Pass an array of numbers."
        ) from error


def _may_contain_text(dtype):
    is_object = isinstance(dtype, np.dtype) and dtype.kind == "O"
    return is_object or isinstance(dtype, pd.StringDtype)


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True

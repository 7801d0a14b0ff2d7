"""Tables in CSV files, with errors that name the file and the row."""

import csv
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from ._records import read_regular_file

_SAVE_AS = "Save it as CSV with commas, in UTF-8."
_MAX_SIZE = 2**27  # bytes; that of PTB-XL has 6 MB, and one with a million images about 100 MB


def read_table(path, **options):
    """Read a CSV file that is separated by commas.

    Parameters
    ----------
    path : str or path-like
    **options
        Passed to :func:`pandas.read_csv`.

    Returns
    -------
    DataFrame

    Raises
    ------
    ValueError
        If the file is not a regular file, is too large, is not in UTF-8, is separated by other
        characters, has two columns of one name, or is damaged. The message names the file and,
        where it is known, the row: row 1 has the names of the columns.
    """
    name = Path(path).name
    try:
        content = read_regular_file(path, _MAX_SIZE)
    except PermissionError:
        raise
    except OSError as error:
        raise ValueError(
            f"{name} cannot be read as a table ({error.strerror}). Replace it by a CSV file."
        ) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        raise ValueError(
            f"{name}, row {row}: the byte {content[error.start]:#04x} is not UTF-8. {_SAVE_AS}"
        ) from error
    if "\0" in text:
        row = text[: text.index("\0")].count("\n") + 1
        raise ValueError(f"{name}, row {row}: it has a null character. {_SAVE_AS}")
    first = text.lstrip("\r\n").partition("\n")[0]
    separators = [separator for separator in ";\t|" if separator in first]
    if separators and "," not in first:
        raise ValueError(
            f"{name}, row 1: the columns are separated by {separators[0]!r} instead of ','. "
            f"{_SAVE_AS}"
        )
    _check_cells(name, text)
    try:
        return pd.read_csv(io.StringIO(text.strip("\r\n")), **options)
    except pd.errors.EmptyDataError as error:
        raise ValueError(f"{name} is empty. Pass a table with a row of column names.") from error
    except (pd.errors.ParserError, ValueError) as error:
        raise ValueError(f"{name} cannot be read as a table ({error}). {_SAVE_AS}") from error


def _check_cells(name, text):
    """Raise for two columns of one name, and a row that has more cells than there are columns.

    pandas would rename the second column, and take the first one for an index if all rows have more
    cells.
    """
    try:
        rows = csv.reader(io.StringIO(text, newline=""))
        n_columns = None
        for row in rows:
            if n_columns is None:
                n_columns = len(row) or None
                twice = [column for column, n in Counter(row).items() if n > 1 and column]
                if twice:
                    raise ValueError(
                        f"{name}, row {rows.line_num}: it has the column {twice[0]!r} more than "
                        "once. Rename or remove one of them."
                    )
            elif len(row) > n_columns:
                raise ValueError(
                    f"{name}, row {rows.line_num}: it has {len(row)} cells, but there are "
                    f"{n_columns} columns. Put cells with commas in quotes."
                )
    except csv.Error as error:
        raise ValueError(
            f"{name}, row {rows.line_num}: it cannot be read ({error}). {_SAVE_AS}"
        ) from error


def check_integers(table, column, name, rows=None):
    """Return a column as integers; raise and name the first row that has none.

    Parameters
    ----------
    table : DataFrame
    column : str
    name : str
        Name of the file.
    rows : str, default=None
        The column that identifies rows in the message. None counts them from 1, the names of the
        columns.
    """
    numbers = pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=float)
    # Larger ones are not exact as float.
    wrong = np.flatnonzero(~((numbers == np.rint(numbers)) & (np.abs(numbers) < 2**53)))
    if len(wrong):
        row = f"row {wrong[0] + 2}"
        if rows is not None and rows != column:
            row = f"{rows} {table[rows].iloc[wrong[0]]}"
        value = table[column].iloc[wrong[0]]
        value = value.item() if isinstance(value, np.generic) else value
        raise ValueError(
            f"{name} has the {column} {value!r} in {row}, which is not an "
            "integer. Pass a folder with the file as published."
        )
    return numbers.astype(int)

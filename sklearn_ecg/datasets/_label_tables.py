"""Tables with the labels and the patients of files: images, or records."""

import os
import re
from collections import Counter
from decimal import Decimal

import numpy as np
import pandas as pd

from ..utils._paths import expand_path
from ._csv_tables import read_table

# Numbers that are the same when they are written again, and those that lose zeros.
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d*)?", re.ASCII)
_LEADING_ZERO = re.compile(r"0\d+", re.ASCII)


def read_label_table(labels, columns, *, what, keywords=()):
    """Return a table of labels, after a check of its columns.

    Parameters
    ----------
    labels : DataFrame, str or path-like
    columns : dict of str to (str or None)
        The columns, by the argument that names them. The first one has the names of the files and
        must not be None.
    what : str
        What a row is, for error messages: "image" or "record".
    keywords : sequence of str, default=()
        Other values of `labels`, for error messages.
    """
    file_argument, file_column = next(iter(columns.items()))
    if isinstance(labels, pd.DataFrame):
        table = labels
    elif isinstance(labels, (str, os.PathLike)):
        labels = expand_path(labels, "labels")
        if not os.path.lexists(labels):
            raise FileNotFoundError(
                f"labels={str(labels)!r} does not exist. Pass the path of a CSV file, a DataFrame"
                f"{''.join(f', {keyword!r}' for keyword in keywords)} or None."
            )
        # As a number, 00017 would be 17. With low_memory=False, the cells of a long column have one
        # type, so that patient 17 is not two patients, 17 and "17".
        dtype = {file_column: str} if isinstance(file_column, str) else None
        table = read_table(labels, low_memory=False, dtype=dtype)
        written = read_table(labels, dtype=str, keep_default_na=False)
        _check_texts_of_missing(table, written, columns.get("label_column"))
        names = [column for column in columns.values() if isinstance(column, str)]
        _restore_texts(table, written, names)
    else:
        raise TypeError(
            f"labels must be {''.join(f'{keyword!r}, ' for keyword in keywords)}a DataFrame, the "
            f"path of a CSV file or None, got {type(labels).__name__}."
        )
    for argument, column in columns.items():
        if column is None and argument != file_argument:
            continue
        # A list is not the name of a column, and cannot be looked up.
        n_columns = list(table.columns).count(column)
        if n_columns == 0:
            raise ValueError(
                f"{argument}={column!r} is not a column of the table. Its columns are "
                f"{', '.join(map(str, table.columns))}."
            )
        if n_columns > 1:
            raise ValueError(
                f"{argument}={column!r} is the name of {n_columns} columns of the table. Rename or "
                "remove one of them."
            )
    if len(table) == 0:
        raise ValueError(f"The table has no rows. Pass one with a row per {what}.")
    empty = table[file_column].map(is_empty)
    if empty.any():
        row = int(np.flatnonzero(empty)[0])
        kind = "file" if what == "image" else what
        raise ValueError(
            f"Row {row} of the table (counted from 0) has no {kind} in column {file_column!r}. "
            "Fill it in, or remove the row."
        )
    if columns.get("group_column") is not None:
        group_column = columns["group_column"]
        _check_spelling(pd.unique(table[group_column]), "patients", group_column)
    return table


def _check_texts_of_missing(table, written, label_column):
    """Raise for the label "None", which pandas reads as a missing value."""
    if not isinstance(label_column, str) or not pd.isna(table.get(label_column, [])).any():
        return
    rows = np.flatnonzero(written[label_column].str.strip() == "None")
    if len(rows):
        raise ValueError(
            f"Row {rows[0]} of the table (counted from 0) has 'None' in column {label_column!r}, "
            "which is a label or a missing value. If it is missing, leave the cell empty. "
            "Otherwise, pass a DataFrame: pandas.read_csv(path, keep_default_na=False)."
        )


def _restore_texts(table, written, names):
    """Replace columns of numbers by the texts of the file if numbers are not all that is written.

    Labels and patients such as 00123 and 12E3 are texts, and so is any column with a 00123.

    Parameters
    ----------
    table : DataFrame
        As it was read; changed in place.
    written : DataFrame
        The texts of all cells.
    names : list of str
        The columns with labels and patients.
    """
    for column in table.columns[[dtype.kind in "iuf" for dtype in table.dtypes]]:
        known = written[column].where(table[column].notna())
        texts = {text.strip() for text in known.dropna().unique()}
        is_text = any(map(_LEADING_ZERO.fullmatch, texts))
        if column in names:
            _check_equal_numbers(texts, column)
            is_text |= not all(map(_NUMBER.fullmatch, texts))
            is_text |= table[column].nunique() < len(texts)  # too large for a float
        if is_text:
            table[column] = known


def _check_equal_numbers(texts, column):
    """Raise for two texts that are the same number: the same patient or not, or the same label."""
    spelled = {}
    for text in sorted(texts):
        other = spelled.setdefault(Decimal(text), text)
        if other != text:
            raise ValueError(
                f"Column {column!r} of the table has {other!r} and {text!r}, which are equal as "
                "numbers, but not as texts. Write one of them, or pass a DataFrame with a column "
                f"of texts, as in labels=pd.read_csv(..., dtype={{{column!r}: str}})."
            )


def is_empty(cell):
    """Whether a cell is missing, or is a text of spaces only."""
    return not cell.strip() if isinstance(cell, str) else bool(np.all(pd.isna(cell)))


def check_not_repeated(names, what, kind):
    """Raise if a file is in more than one row of a table."""
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ValueError(
            f"The table has {len(repeated)} {kind}(s) in more than one row, the first of them "
            f"{repeated[0]!r}. Keep one row per {what}."
        )


def list_classes(table, label_column):
    """Return the sorted labels of a table."""
    labels = table[label_column]
    try:
        names = sorted(pd.unique(labels[~labels.map(is_empty)]).tolist())
    except TypeError as error:
        raise ValueError(
            f"The labels in column {label_column!r} are of different types ({error}). Make all "
            "of them strings, or all numbers."
        ) from error
    _check_spelling(names, "labels", label_column)
    return names


def _check_spelling(names, what, column):
    """Raise for two labels or patients that differ in spaces at their ends only."""
    spelled = {}
    for name in names:
        if isinstance(name, str) and spelled.setdefault(name.strip(), name) != name:
            raise ValueError(
                f"The {what} {spelled[name.strip()]!r} and {name!r} in column {column!r} "
                "differ in spaces only. Remove the spaces."
            )

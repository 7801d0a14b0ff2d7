"""Listing the files of a table with their labels."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from ...utils._paths import expand_path
from .._csv_tables import read_table
from ._listing import list_image_files, make_report_row


def read_label_table(labels, file_column, label_column, group_column):
    """Return the table of labels, after a check of its columns."""
    if isinstance(labels, pd.DataFrame):
        table = labels
    elif isinstance(labels, (str, os.PathLike)):
        labels = expand_path(labels, "labels")
        if not os.path.lexists(labels):
            raise FileNotFoundError(
                f"labels={str(labels)!r} does not exist. Pass the path of a CSV file, a DataFrame, "
                "'folders' or None."
            )
        table = read_table(labels)
    else:
        raise TypeError(
            "labels must be 'folders', a DataFrame, the path of a CSV file or None, got "
            f"{type(labels).__name__}."
        )
    for name, column in (
        ("file_column", file_column),
        ("label_column", label_column),
        ("group_column", group_column),
    ):
        if column is None and name != "file_column":
            continue
        # A list is not the name of a column, and cannot be looked up.
        n_columns = list(table.columns).count(column)
        if n_columns == 0:
            raise ValueError(
                f"{name}={column!r} is not a column of the table. Its columns are "
                f"{', '.join(map(str, table.columns))}."
            )
        if n_columns > 1:
            raise ValueError(
                f"{name}={column!r} is the name of {n_columns} columns of the table. Rename or "
                "remove one of them."
            )
    if len(table) == 0:
        raise ValueError("The table has no rows. Pass one with a row per image.")
    is_empty = table[file_column].map(_is_empty)
    if is_empty.any():
        row = int(np.flatnonzero(is_empty)[0])
        raise ValueError(
            f"Row {row} of the table (counted from 0) has no file in column {file_column!r}. Fill "
            "it in, or remove the row."
        )
    return table


def _is_empty(cell):
    """Whether a cell is missing, or is a text of spaces only."""
    return not cell.strip() if isinstance(cell, str) else bool(np.all(pd.isna(cell)))


def list_table_files(root, table, file_column, label_column):
    """Return a row for each file of the table, then for the other files, and the classes."""
    rows = []
    for number, name in enumerate(table[file_column]):
        row = make_report_row(Path(str(name)).as_posix())
        row["row"] = number
        if label_column is not None:
            label = table[label_column].iloc[number]
            row["label"] = label
            if _is_empty(label):
                reason = f"column {label_column!r} is empty"
                row.update(status="no label", reason=reason, label=None)
        rows.append(row)
    counts = Counter(row["record"] for row in rows)
    repeated = [name for name, count in counts.items() if count > 1]
    if repeated:
        raise ValueError(
            f"The table has {len(repeated)} file(s) in more than one row, the first of them "
            f"{repeated[0]!r}. Keep one row per image."
        )
    names = None
    if label_column is not None:
        labels = table[label_column]
        try:
            names = sorted(pd.unique(labels[~labels.map(_is_empty)]).tolist())
        except TypeError as error:
            raise ValueError(
                f"The labels in column {label_column!r} are of different types ({error}). Make all "
                "of them strings, or all numbers."
            ) from error
        _check_spelling(names, label_column)
    in_table = {os.path.normpath(row["record"]) for row in rows}
    for row in list_image_files(root):
        if os.path.normpath(row["record"]) in in_table:
            continue
        if row["status"] is None:
            is_image = not row["optional"]
            row["status"] = "not in table" if is_image else "no image"
            row["reason"] = "in no row of the table"
        rows.append(row)
    return rows, names


def _check_spelling(names, label_column):
    """Raise for two labels that differ in spaces at their ends only."""
    spelled = {}
    for name in names:
        if isinstance(name, str) and spelled.setdefault(name.strip(), name) != name:
            raise ValueError(
                f"The labels {spelled[name.strip()]!r} and {name!r} in column {label_column!r} "
                "differ in spaces only. Remove the spaces."
            )

"""Labels and patients of records, from a table with a row per record."""

import os
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..utils._warnings import warn
from ._label_tables import check_not_repeated, is_empty, list_classes, read_label_table

_EXTENSIONS = (".hea", ".dat", ".mat")
_RESERVED = ("record", "start")


class RecordTable(NamedTuple):
    """A table of records.

    Parameters
    ----------
    table : DataFrame
    names : list of str
        The records to read, in the order of the table.
    rows : list of int
        The row of the table of each of these records.
    unread : list of (status, name, reason)
        Records that are not read.
    classes : list or None
        The sorted labels.
    columns : tuple of (str, str or None, str or None)
        The columns with the records, the labels and the patients.
    """

    table: pd.DataFrame
    names: list
    rows: list
    unread: list
    classes: list | None
    columns: tuple


def read_record_table(labels, names, *, record_column, label_column, group_column):
    """Read a table, and choose the records that are in it.

    Parameters
    ----------
    labels : DataFrame, str or path-like
    names : list of str
        The records of the folder or the list.
    record_column : str
    label_column, group_column : str or None

    Returns
    -------
    RecordTable
    """
    columns = {
        "record_column": record_column,
        "label_column": label_column,
        "group_column": group_column,
    }
    table = read_label_table(labels, columns, what="record")
    taken = [name for name in _RESERVED if name in table.columns and name != record_column]
    if taken:
        raise ValueError(
            f"The table has a column {taken[0]!r}, which is a column of the metadata. Rename it."
        )
    in_table = [_strip_extension(str(name)) for name in table[record_column]]
    check_not_repeated([os.path.normpath(name) for name in in_table], "record", "record")
    if group_column is not None:
        empty = np.flatnonzero(table[group_column].map(is_empty))
        if len(empty):
            raise ValueError(
                f"Row {empty[0]} of the table (counted from 0) has no patient in column "
                f"{group_column!r}. Give each record of an unknown patient a group of its own."
            )
    found = {os.path.normpath(name): name for name in names}
    to_read, rows, unread = [], [], []
    for row, name in enumerate(in_table):
        # A record that does not exist fails when it is read.
        name = found.pop(os.path.normpath(name), name)
        if label_column is not None and is_empty(table[label_column].iloc[row]):
            unread.append(("no label", name, f"column {label_column!r} is empty"))
        else:
            to_read.append(name)
            rows.append(row)
    unread += [("not in table", name, "in no row of the table") for name in found.values()]
    if not to_read:
        raise ValueError(
            f"No record has a label in column {label_column!r} of the table. Fill it in, or pass "
            "label_column=None."
        )
    classes = None if label_column is None else list_classes(table, label_column)
    return RecordTable(
        table, to_read, rows, unread, classes, (record_column, label_column, group_column)
    )


def _strip_extension(name):
    return name[:-4] if name.endswith(_EXTENSIONS) else name


def warn_of_unlabeled_records(records):
    """Issue one warning about the records without a label."""
    n_unlabeled = sum(status == "no label" for status, _, _ in records.unread)
    if n_unlabeled:
        warn(
            f"{n_unlabeled} of {len(records.table)} records of the table were left out, because "
            "they have no label. The reasons are in report.",
            UserWarning,
        )


def add_table(bunch, records, positions, as_frame):
    """Add target, groups and the columns of the table to a bunch.

    Parameters
    ----------
    bunch : Bunch
        Of `make_bunch`, which is changed.
    records : RecordTable
    positions : ndarray of shape (n_rows,), int
        The record of each row of the data, as its position among the names.
    as_frame : bool
    """
    record_column, label_column, group_column = records.columns
    rows = records.table.iloc[np.asarray(records.rows)[positions]]
    bunch.target, bunch.target_names = None, records.classes
    if label_column is not None:
        numbers = {label: number for number, label in enumerate(records.classes)}
        bunch.target = np.array([numbers[label] for label in rows[label_column].tolist()])
        if as_frame:
            bunch.target = pd.Series(
                bunch.target, index=bunch.metadata.index, name=label_column, dtype=int
            )
    if group_column is not None:
        bunch.groups = rows[group_column].to_numpy()
    for column in records.table.columns:
        if column != record_column:
            bunch.metadata[column] = rows[column].array

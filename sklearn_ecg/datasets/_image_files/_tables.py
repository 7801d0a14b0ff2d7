"""Listing the files of a table with their labels."""

import os
from pathlib import Path

from .._label_tables import check_not_repeated, is_empty, list_classes
from ._listing import list_image_files, make_report_row


def list_table_files(root, table, file_column, label_column):
    """Return a row for each file of the table, then for the other files, and the classes."""
    rows = []
    for number, name in enumerate(table[file_column]):
        row = make_report_row(Path(str(name)).as_posix())
        row["row"] = number
        if label_column is not None:
            label = table[label_column].iloc[number]
            row["label"] = label
            if is_empty(label):
                reason = f"column {label_column!r} is empty"
                row.update(status="no label", reason=reason, label=None)
        rows.append(row)
    check_not_repeated([row["record"] for row in rows], "image", "file")
    names = None if label_column is None else list_classes(table, label_column)
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

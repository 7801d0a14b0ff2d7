"""Which pictures there are, and their labels: by folder, or by a table."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from ._records import natural_order, walk_folders

# Files that are taken for pictures by name, those that cannot be read among them.
_ENDINGS = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp")
_ENDINGS += (".gif", ".webp", ".heic", ".jp2")
# What systems leave in folders, beside names that begin with a dot.
_HIDDEN = ("thumbs.db", "desktop.ini", "__macosx", "ehthumbs.db")


def _row(record, status=None, reason="", label=None, optional=False):
    """A row of the report; files without a status are to be read."""
    row = {"record": record, "status": status, "reason": reason, "label": label}
    return {**row, "shape": None, "mode": None, "optional": optional, "row": None}


def _list_files(root):
    """Rows of all files: hidden ones have their status already."""
    rows = []
    for prefix, files in walk_folders(root):
        rows += [_row(prefix + file) for file in files]
    rows.sort(key=lambda row: natural_order(row["record"]))
    for row in rows:
        name = row["record"]
        if any(part.startswith(".") or part.lower() in _HIDDEN for part in name.split("/")):
            row.update(status="hidden", reason="a file of the system")
        row["optional"] = not name.lower().endswith(_ENDINGS)
    return rows


def list_all(root):
    """All files, without labels."""
    return _list_files(root), None, None


def list_classes(root):
    """The files, with the folders as labels, and the classes."""
    rows = _list_files(root)
    found = [entry.name for entry in os.scandir(root) if entry.is_dir()]
    names = [name for name in found if not name.startswith(".") and name.lower() not in _HIDDEN]
    names.sort(key=natural_order)
    if not names:
        raise ValueError(
            f"{str(root)!r} holds no folders, which would be the classes. Pass labels, a table "
            "with a row per picture, or labels=None to load pictures without labels."
        )
    for row in rows:
        name, slash, _ = row["record"].partition("/")
        if slash:
            row["label"] = name if name in names else None
        elif row["status"] is None:
            is_image = not row["optional"]
            row["status"] = "no class" if is_image else "no image"
            row["reason"] = "beside the folders of the classes" if is_image else "not a picture"
    return rows, names, None


def list_table(root, table, file_column, label_column):
    """The files of the table, and those that it does not name; and the classes."""
    rows = []
    for number, name in enumerate(table[file_column]):
        row = _row(Path(str(name)).as_posix())
        row["row"] = number
        if label_column is not None:
            label = table[label_column].iloc[number]
            row["label"] = label
            if pd.isna(label):
                reason = f"column {label_column!r} is empty"
                row.update(status="no label", reason=reason, label=None)
        rows.append(row)
    twice = [name for name, count in Counter(row["record"] for row in rows).items() if count > 1]
    if twice:
        raise ValueError(
            f"The table names {twice[0]!r} twice ({len(twice)} such file(s) in all). Each picture "
            "must have one row: remove the others."
        )
    names = None
    if label_column is not None:
        names = pd.unique(table[label_column].dropna()).tolist()
        try:
            names = sorted(names)
        except TypeError as error:
            raise ValueError(
                f"The labels in column {label_column!r} are of several kinds ({error}). Make all "
                "of them strings, or all numbers."
            ) from error
    named = {os.path.normpath(row["record"]) for row in rows}
    for row in _list_files(root):
        if os.path.normpath(row["record"]) in named:
            continue
        if row["status"] is None:
            is_image = not row["optional"]
            row["status"] = "not in table" if is_image else "no image"
            row["reason"] = "no row names it"
        rows.append(row)
    return rows, names


def read_table(labels, file_column, label_column, group_column):
    """The table, which has these columns."""
    if isinstance(labels, pd.DataFrame):
        table = labels
    elif isinstance(labels, (str, os.PathLike)):
        if not Path(labels).is_file():
            raise FileNotFoundError(
                f"labels={str(labels)!r} is not there. Pass the path of a CSV file, a DataFrame, "
                "'folders' or None."
            )
        table = pd.read_csv(labels)
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
        if column not in table.columns and not (column is None and name != "file_column"):
            raise ValueError(
                f"{name}={column!r} is not a column of the table, which has "
                f"{', '.join(map(str, table.columns))}."
            )
    if len(table) == 0:
        raise ValueError("The table has no rows. Pass one with a row per picture.")
    if table[file_column].isna().any():
        row = int(np.flatnonzero(table[file_column].isna())[0])
        raise ValueError(
            f"Row {row} of the table (counted from 0) has no file in column {file_column!r}. Fill "
            "it in, or remove the row."
        )
    return table

"""Listing the files of a folder, with the names of subfolders as labels."""

import os

from .._records import find_name_fault, is_folder, is_hidden, natural_order, walk_folders

# Files with these extensions are images by name, even if they cannot be read.
_IMAGE_EXTENSIONS = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp")
_IMAGE_EXTENSIONS += (".gif", ".webp", ".heic", ".jp2", ".pdf")


def make_report_row(record, status=None, reason="", label=None, optional=False):
    """Return a row of the report; a file whose status is None is to be read."""
    row = {"record": record, "status": status, "reason": reason, "label": label}
    return {**row, "page": 1, "shape": None, "mode": None, "optional": optional, "row": None}


def list_image_files(root):
    """Return a row for each file of a folder; only hidden files have a status."""
    rows = []
    for prefix, files in walk_folders(root):
        rows += [make_report_row(prefix + file) for file in files]
    rows.sort(key=lambda row: natural_order(row["record"]))
    for row in rows:
        name = row["record"]
        if is_hidden(name):
            row.update(status="hidden", reason="hidden file of the operating system")
        row["optional"] = not name.lower().endswith(_IMAGE_EXTENSIONS)
    return rows


def list_class_folders(root):
    """Return a row for each file, labeled by its folder, and the names of the classes."""
    rows = list_image_files(root)
    names = [entry.name for entry in os.scandir(root) if is_folder(entry)]
    names = sorted((name for name in names if _can_be_class(name)), key=natural_order)
    if not names:
        raise ValueError(
            f"{str(root)!r} has no subfolders, which would be the classes. Pass labels, a table "
            "with a row per image, or labels=None to load images without labels."
        )
    for row in rows:
        name, slash, _ = row["record"].partition("/")
        if slash:
            row["label"] = name if name in names else None
        elif row["status"] is None:
            is_image = not row["optional"]
            row["status"] = "no class" if is_image else "no image"
            row["reason"] = "not in the folder of a class" if is_image else "not an image"
    return rows, names


def _can_be_class(name):
    return not is_hidden(name) and find_name_fault(name) is None

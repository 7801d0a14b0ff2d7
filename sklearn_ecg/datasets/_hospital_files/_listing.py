"""Which files of a folder are records."""

import os
from pathlib import Path

from ...utils._paths import expand_path
from .._records import (
    find_file_fault,
    is_hidden,
    natural_order,
    open_regular_file,
    show_name,
    walk_folders,
)

# Files with these names are records, also of formats that are not read: the reason is then in the
# report. DICOM files often have no extension and are known by their start.
_EXTENSIONS = (".csv", ".dcm", ".edf", ".scp", ".xml")
_EXTENSIONS += (".bdf", ".ecg", ".hea", ".mfer", ".mwf")

_OTHER_FILE = "not a file of a format that is read, by its name"


def find_record_files(folder_or_records):
    """Return a folder, its files, its other files for the report, and a description.

    Names are relative to the folder, which is "" for a list of files. Other files are tuples of
    status, name and reason.
    """
    if isinstance(folder_or_records, (str, os.PathLike)):
        return _find_in_folder(Path(expand_path(folder_or_records, "folder_or_records")))
    try:
        names = [expand_path(file, "A file in folder_or_records") for file in folder_or_records]
    except TypeError as error:
        raise TypeError(
            "folder_or_records must be a folder, or a list of files as str or path, got "
            f"{folder_or_records!r}."
        ) from error
    if not names:
        raise ValueError("The list of files is empty. Pass at least one, or a folder.")
    seen = {}
    for name in names:
        first = seen.setdefault(os.path.normcase(os.path.realpath(name)), name)
        if first is not name:
            raise ValueError(
                f"The list of files has {name!r} twice (first as {first!r}). Pass each file once, "
                "because each becomes a row and a group."
            )
    return "", names, [], "a list"


def _find_in_folder(folder):
    if not folder.is_dir():
        reason = "it is not a folder" if folder.exists() else "it does not exist"
        hint = f" To load one file, pass a list: [{str(folder)!r}]." if folder.exists() else ""
        raise FileNotFoundError(
            f"{str(folder)!r} is not a folder of records: {reason}. Pass a folder, or a list of "
            f"files.{hint}"
        )
    names, others = [], []
    for prefix, files in walk_folders(folder):
        for file in files:
            path = prefix + file
            if is_hidden(path):
                others.append(("hidden", path, "hidden file, which a system or an editor made"))
            elif file.lower().endswith((*_EXTENSIONS, "/")) or _is_dicom(str(folder), path):
                names.append(path)
            else:
                others.append(("other file", path, _OTHER_FILE))
    if not names:
        found = f"; there are other files, such as {show_name(others[0][1])}" if others else ""
        raise FileNotFoundError(
            f"{str(folder)!r} has no files of records in it or its subfolders{found}. Pass the "
            "folder of the records, or a list of files."
        )
    names.sort(key=natural_order)
    others.sort(key=lambda other: natural_order(other[1]))
    return str(folder), names, others, repr(str(folder))


def _is_dicom(root, name):
    """Whether a file starts as DICOM files do."""
    if find_file_fault(root, name) is not None:
        return False
    try:
        with open_regular_file(os.path.join(root, name)) as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False

"""The files of a record: those that its headers name, and whether they may be opened."""

import os

from ...utils._record_error import RecordError
from ...utils._regular_files import (
    MAX_HEADER_SIZE,
    find_file_fault,
    find_folder_fault,
    find_name_fault,
    read_regular_file,
    show_name,
)
from ._headers import list_named_files, read_header_lines


def scan_record_files(root, name):
    """Yield (file, fault) for each file of a record, without wfdb and without opening signals.

    Yields
    ------
    file : str
        A header or signal file, relative to `root`; missing files are included, those outside the
        folder of the record are not.
    fault : str or None
        Why it must not be opened; or, after a header, that it names a file outside the folder.
    """
    if name.endswith("/"):
        yield name, find_folder_fault(root, name)
        return
    headers, found = [f"{name}.hea"], set()
    while headers:
        header = headers.pop(0)
        if header in found:
            continue
        found.add(header)
        fault = find_file_fault(root, header)
        yield header, fault
        lines = [] if fault else _read_lines(root, header)
        words = [line.split()[0] for line in lines[1:]]
        for word in dict.fromkeys(words):
            fault = find_name_fault(word)
            if fault is not None:
                yield header, f"names {show_name(word)!r}, which {fault}"
        words = [word for word in words if find_name_fault(word) is None]
        files, has_segments = list_named_files(header.removesuffix(".hea"), lines[:1] + words)
        for file in dict.fromkeys(files):
            if has_segments:
                headers.append(f"{file}.hea")
            elif file not in found:
                found.add(file)
                yield file, find_file_fault(root, file)


def check_record_files(root, name):
    """Raise for a file of a record that must not be opened."""
    for file, fault in scan_record_files(root, name):
        if fault is not None:
            raise _make_error(name, file, fault)


def _make_error(name, file, fault):
    advice = "Replace it by the file itself, leave it out, or pass on_error='skip'."
    field = "header" if file.endswith(".hea") else "signal file"
    if file.endswith("/"):
        field, advice = "folder", "Make it readable, remove it, or pass on_error='skip'."
    elif "not UTF-8" in fault:
        advice = "Rename it, or pass on_error='skip'."
    elif "outside" in fault and field == "header":
        advice = "Copy the files into the folder, correct the header, or pass on_error='skip'."
    elif "bytes" in fault:
        advice = "It is not a header: leave it out, or pass on_error='skip'."
    return RecordError(show_name(name), field, f"{show_name(file)} {fault}.", advice)


def _read_lines(root, header):
    """Return the lines of a header, and those that wfdb finds besides, but no comments.

    wfdb ends lines at control characters as well, and skips letters that are not ASCII.
    """
    lines = read_header_lines(root, header)
    try:
        content = read_regular_file(os.path.join(root, header), MAX_HEADER_SIZE)
    except OSError:
        return lines
    others = [line.strip() for line in content.decode("ascii", "ignore").splitlines()]
    others = [line for line in others if line and not line.startswith("#")]
    return lines + [line for line in others[1:] if line not in lines]

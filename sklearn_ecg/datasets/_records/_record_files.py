"""The files of a record: those that its headers name, and whether they may be opened."""

import os
import re

from ._errors import RecordError
from ._headers import folder_of, is_multi_segment
from ._regular_files import (
    MAX_HEADER_SIZE,
    find_file_fault,
    find_folder_fault,
    find_name_fault,
    read_regular_file,
    show_name,
)


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
    prefix = folder_of(name)
    while headers:
        header = headers.pop(0)
        if header in found:
            continue
        found.add(header)
        fault = find_file_fault(root, header)
        yield header, fault
        lines = [] if fault else _read_wfdb_lines(root, header)
        is_whole = is_multi_segment(lines)
        if is_whole and len(found) > 1:
            yield header, "is a segment that has segments itself"
            return
        for word in dict.fromkeys(line.split()[0] for line in lines[1:]):
            file = f"{prefix}{word}.hea" if is_whole else prefix + word
            fault = find_name_fault(word)
            if fault is None and is_whole and file == header:
                fault = "is the record itself"
            if fault is not None:
                yield header, f"names {show_name(word)!r}, which {fault}"
            elif word == "~" or file in found:
                continue
            elif is_whole:
                headers.append(file)
            else:
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


def _read_wfdb_lines(root, header):
    """Return the lines of a header that are not comments, where wfdb sees their ends."""
    try:
        content = read_regular_file(os.path.join(root, header), MAX_HEADER_SIZE)
    except OSError:
        return []
    # wfdb ends lines at control characters, too. Its names of files are ASCII.
    lines = re.split(r"[\r\n\v\f\x1c-\x1e]", content.decode("utf-8", "replace"))
    lines = [line.strip() for line in lines]
    return [line for line in lines if line and not line.startswith("#")]

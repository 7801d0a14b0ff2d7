"""The state of a record's files, by which the cache notices that a file has changed."""

import hashlib
import os

from ._headers import (
    folder_of,
    is_multi_segment,
    read_header_lines,
    read_segment_headers,
    record_files,
)

_NOT_STAMPED = ("not stamped",)


def record_states(root, name, files=None, stamps=None):
    """Return the state of each file of a record: path, size, time and content.

    Parameters
    ----------
    root, name : str
        The folder, and the record relative to it.
    files : list of str, default=None
        The files. By default, those that the header names, including missing ones: the record has
        changed when one of them appears.
    stamps : dict, default=None
        Stamps of the files from before they were read, by name.
    """
    if files is None:
        try:
            files = record_files(name, read_segment_headers(root, name)[1])
        except Exception:
            # One of the headers may be missing: use those that the others name.
            files = list(stamp_record_files(root, name))
    stamps = stamps or {}
    return [file_state(root, file, stamps.get(file, _NOT_STAMPED)) for file in files]


def file_state(root, file, stamp=_NOT_STAMPED):
    """Return [path, size, mtime in ns, SHA-256] of a file; all but the path are None if missing.

    Parameters
    ----------
    stamp : tuple
        Stamp of the file from before it was read. If the current stamp differs, the content that
        was read is unknown. Size and time are then -1, which no file ever has.
    """
    path = os.path.join(root, file)
    try:
        stat = os.stat(path)
        with open(path, "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        state = [file, stat.st_size, stat.st_mtime_ns, digest]
    except OSError:
        state = [file, None, None, None]
    if stamp is not _NOT_STAMPED and file_stamp(root, file) != stamp:
        return [file, -1, -1, None]
    return state


def file_stamp(root, file):
    """Return what distinguishes a file from one that replaces it; None if it is missing.

    Stamps are only compared with other stamps of the same file, never with the clock: times may lie
    in the future, and a file may be replaced by an older one.
    """
    try:
        stat = os.stat(os.path.join(root, file))
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def stamp_record_files(root, name):
    """Return the stamps of a record's files by name; the headers are scanned without wfdb."""
    stamps, headers = {}, [f"{name}.hea"]
    while headers:
        file = headers.pop(0)
        if file in stamps:
            continue
        stamps[file] = file_stamp(root, file)
        lines = read_header_lines(root, file)
        if not lines:
            continue
        prefix = folder_of(name)
        named = [prefix + line.split()[0] for line in lines[1:] if line.split()[0] != "~"]
        if is_multi_segment(lines):
            headers += [f"{segment}.hea" for segment in named]
        else:
            stamps.update((signals, file_stamp(root, signals)) for signals in dict.fromkeys(named))
    return stamps

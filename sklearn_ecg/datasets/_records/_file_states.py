"""The state of a record's files, by which the cache notices that a file has changed."""

import hashlib
import os

from ...utils._regular_files import find_file_fault, open_regular_file
from ._record_files import scan_record_files

_NOT_STAMPED = ("not stamped",)
_MAX_HASHED = 2**30  # bytes of a file, which may be nearly endless


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
        files = list(stamp_record_files(root, name))
    stamps = stamps or {}
    return [file_state(root, file, stamps.get(file, _NOT_STAMPED)) for file in files]


def file_state(root, file, stamp=_NOT_STAMPED):
    """Return [path, size, mtime in ns, SHA-256] of a file.

    All but the path are None if it is missing or is not a regular file inside the folder, which is
    never opened.

    Parameters
    ----------
    stamp : tuple
        Stamp of the file from before it was read. If the current stamp differs, the content that
        was read is unknown. Size and time are then -1, which no file ever has.
    """
    path = os.path.join(root, file)
    state = [file, None, None, None]
    if find_file_fault(root, file) is None:
        try:
            stat = os.stat(path)
            with open_regular_file(path) as stream:
                digest = _hash_start(stream)
            state = [file, stat.st_size, stat.st_mtime_ns, digest]
        except OSError:
            pass
    if stamp is not _NOT_STAMPED and file_stamp(root, file) != stamp:
        return [file, -1, -1, None]
    return state


def _hash_start(stream):
    """Return the SHA-256 of at most `_MAX_HASHED` bytes of a file."""
    digest, left = hashlib.sha256(), _MAX_HASHED
    while content := stream.read(min(left, 2**20)):
        digest.update(content)
        left -= len(content)
    return digest.hexdigest()


def file_stamp(root, file):
    """Return what distinguishes a file from one that replaces it.

    It is None if the file is missing or is not a regular file inside the folder.

    Stamps are only compared with other stamps of the same file, never with the clock: times may lie
    in the future, and a file may be replaced by an older one.
    """
    if find_file_fault(root, file) is not None:
        return None
    try:
        stat = os.stat(os.path.join(root, file))
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def stamp_record_files(root, name):
    """Return the stamps of a record's files by name; the headers are scanned without wfdb."""
    files = dict.fromkeys(file for file, _ in scan_record_files(root, name))
    return {file: file_stamp(root, file) for file in files}

"""The cache of loaders: arrays on disk that are mapped into memory.

Each array has two files. ``<loader>-<key>-<content>.npy`` is the array. ``<loader>-<key>.json`` is
its manifest: the parameters, the state of every source file, and the other results of the loader.
The key is a hash of the parameters. The manifest is written last and in one step, so an array whose
writing was interrupted has none and is never used. The array's name contains the hash of its
values, so two processes that build the same array at the same time write the same file.

A manifest starts with the hash of its other content. A cache that cannot be read, for whatever
reason, is treated as if it did not exist.
"""

import hashlib
import io
import json
import math
import os
import re
import time
import uuid
from pathlib import Path

import numpy as np

from .. import __version__
from ..utils._paths import expand_path
from ._records import file_stamp, file_state, open_regular_file
from ._write_errors import explain_write_errors

_FORMAT = 2
_HEADER_SIZE = 128  # bytes; holds for float32 arrays with fewer than 1e20 rows
_SECONDS_PER_DAY = 86_400
_DIGEST_START = b'{"digest": "'
_PARTIAL_NAME = re.compile(r"\..+-[0-9a-f]{16}-[0-9a-f]{32}\.partial")


class MemoryRows:
    """Array of rows of one shape that grows in place.

    Parameters
    ----------
    expected : int
        Expected number of rows.
    """

    def __init__(self, expected):
        self.expected = expected
        self.array = None
        self.n_rows = 0

    def append(self, rows):
        if self.array is None:
            self.array = self._allocate(rows)
        stop = self.n_rows + len(rows)
        if stop > len(self.array):
            self._resize(stop + stop // 2)
        self.array[self.n_rows : stop] = rows
        self.n_rows = stop

    def _allocate(self, rows):
        try:
            return np.empty((self.expected, *rows.shape[1:]), dtype=np.float32)
        except (MemoryError, ValueError):
            # The first record may be the only one that is so long.
            return np.empty(rows.shape, dtype=np.float32)

    def finish(self):
        if self.array is not None and self.n_rows != len(self.array):
            self._resize(self.n_rows)
        return self.array

    def _resize(self, n_rows):
        # In place, because a copy would need twice the memory. No one else has a reference yet.
        self.array.resize((n_rows, *self.array.shape[1:]), refcheck=False)


def _explain_errors(folder):
    """Say in errors that the cache cannot be written, and what to do."""
    return explain_write_errors(f"cache={str(folder)!r}", "another folder, or None")


class FileRows:
    """Rows of one shape in an .npy file, whose header is written last.

    Parameters
    ----------
    path : Path
        A file that does not exist.
    """

    def __init__(self, path):
        self.path = path
        with _explain_errors(path.parent):
            self.file = open(path, "xb", buffering=0)
            self._write(bytes(_HEADER_SIZE))
        self.hash = hashlib.sha256()
        self.shape = None

    def append(self, rows):
        rows = np.ascontiguousarray(rows, dtype="<f4")
        with _explain_errors(self.path.parent):
            self._write(rows.data.cast("B") if rows.size else b"")
        self.hash.update(rows)
        n_rows = self.shape[0] if self.shape else 0
        self.shape = (n_rows + len(rows), *rows.shape[1:])

    def finish(self):
        """Write the header, and return the shape and the hash of the array."""
        header = _array_header(self.shape)
        with _explain_errors(self.path.parent):
            self.file.seek(0)
            self._write(header)
            os.fsync(self.file.fileno())
            self.file.close()
        return self.shape, self.hash.hexdigest()

    def _write(self, content):
        # Without a buffer, so that a full disk raises here. A call may write only a part.
        while len(content):
            content = content[self.file.write(content) :]


def _array_header(shape):
    """Return the header of an .npy file."""
    header = io.BytesIO()
    description = {"descr": "<f4", "fortran_order": False, "shape": tuple(shape)}
    np.lib.format.write_array_header_1_0(header, description)
    assert len(header.getvalue()) == _HEADER_SIZE
    return header.getvalue()


def _map_array(path, shape):
    """Map an array of a known shape into memory, after a check of the file's header and size."""
    with open_regular_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        if file.read(_HEADER_SIZE) != _array_header(shape):
            raise ValueError("The array has another header.")
        if size != _HEADER_SIZE + 4 * math.prod(shape):
            raise ValueError("The array has another size.")
    # By its path, with which joblib shares it between processes.
    return np.memmap(path, dtype="<f4", mode="r", offset=_HEADER_SIZE, shape=tuple(shape))


def load_or_build(folder, loader, params, build, *, root, check_content=False):
    """Read an array from the cache, or build it and write it there.

    Parameters
    ----------
    folder : str or path-like
        The cache. It is created if it does not exist.
    loader : str
        The loader's name, with which the names of the files start.
    params : dict
        Everything besides the source files that the array depends on, as JSON types.
    build : callable
        Appends rows to the given `FileRows` or `MemoryRows` and returns ``(payload, states)``:
        other results, as JSON types, and the states of the source files (see `file_state`).
    root : str or path-like
        The folder that the paths of the source files are relative to.
    check_content : bool, default=False
        Whether to compare the contents of the source files and of the array, rather than sizes and
        modification times.

    Returns
    -------
    array : memmap, read-only
    payload : dict
    """
    folder = Path(expand_path(folder, "cache"))
    with _explain_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    params = json.loads(json.dumps({"format": _FORMAT, "version": __version__, **params}))
    key = hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()[:16]
    manifest = folder / f"{loader}-{key}.json"
    cached = _read_cached(manifest, params, root, check_content)
    if cached is None:
        cached = _build_and_write(manifest, params, build)
    return cached


def _read_cached(path, params, root, check_content):
    """Return array and payload of a manifest; None if it is missing, damaged or out of date."""
    try:
        manifest = _read_manifest(path)
        if manifest["params"] != params:
            return None
        if not _is_up_to_date(manifest["sources"], root, check_content):
            return None
        array = _map_array(path.with_name(manifest["array"]), manifest["shape"])
        if check_content and hashlib.sha256(array).hexdigest() != manifest["sha256"]:
            return None
        return array, manifest["payload"]
    except Exception:
        # Missing, damaged, not written by this module, unreadable, or removed in the meantime.
        return None


def _read_manifest(path):
    """Return the content of a manifest; raise an error of any type if it is damaged."""
    with open_regular_file(path) as file:
        start, digest = file.read(len(_DIGEST_START)), file.read(64)
        # Before the rest is read, which may be as large as the disk.
        rest = file.read() if start == _DIGEST_START else b""
    if hashlib.sha256(rest).hexdigest().encode() != digest:
        raise ValueError("The manifest is damaged.")
    return json.loads(start + digest + rest)


def _is_up_to_date(states, root, check_content):
    """Whether all source files are as they were when the array was built."""
    root = os.path.join(root, "")
    if check_content:
        return all(
            state[:2] + state[3:] == found[:2] + found[3:]
            for state, found in ((state, file_state(root, state[0])) for state in states)
        )
    for name, size, mtime, _ in states:
        if size is None:
            # Missing then, or not a regular file inside the folder.
            if file_stamp(root, name) is not None:
                return False
            continue
        try:
            found = os.stat(root + name)
        except OSError:
            return False
        if found.st_size != size or found.st_mtime_ns != mtime:
            return False
    return True


def _build_and_write(path, params, build):
    _remove_abandoned_files(path.parent)
    partial = path.with_name(f".{path.stem}-{uuid.uuid4().hex}.partial")
    try:
        rows = FileRows(partial)
        try:
            payload, states = build(rows)
            shape, digest = rows.finish()
        finally:
            rows.file.close()
        array_path = path.with_name(f"{path.stem}-{digest[:16]}.npy")
        with _explain_errors(path.parent):
            os.replace(partial, array_path)
            # Mapped before the manifest exists, so that no other process replaces the array first.
            array = _map_array(array_path, shape)
        manifest = {
            "params": params,
            "array": array_path.name,
            "shape": shape,
            "sha256": digest,
            "sources": states,
            "payload": payload,
        }
        superseded = _read_array_name(path)
        with _explain_errors(path.parent):
            partial.write_bytes(_add_digest(manifest))
            os.replace(partial, path)
    except BaseException:
        # Also after Ctrl-C, no partial file is left behind.
        partial.unlink(missing_ok=True)
        raise
    if superseded is not None and superseded != array_path.name:
        _remove_if_possible(path.with_name(superseded))
    return array, json.loads(json.dumps(payload))


def _add_digest(manifest):
    """Return a manifest as JSON, whose first item is the hash of what follows it."""
    rest = b'", ' + json.dumps(manifest).encode()[1:]
    return _DIGEST_START + hashlib.sha256(rest).hexdigest().encode() + rest


def _read_array_name(path):
    """Return the array's file name in a manifest, or None, also if it is that of another array."""
    try:
        name = _read_manifest(path)["array"]
        return name if re.fullmatch(rf"{re.escape(path.stem)}-[0-9a-f]{{16}}\.npy", name) else None
    except Exception:
        return None


def _remove_abandoned_files(folder):
    """Remove partial files that killed processes left at least a day ago."""
    try:
        partials = [path for path in folder.iterdir() if _PARTIAL_NAME.fullmatch(path.name)]
    except OSError:
        return
    for partial in partials:
        try:
            if time.time() - partial.lstat().st_mtime > _SECONDS_PER_DAY:
                _remove_if_possible(partial)
        except OSError:
            continue


def _remove_if_possible(path):
    try:
        path.unlink()
    except OSError:
        # Removed already, or on Windows still mapped by another process.
        pass

"""The cache of loaders: arrays on disk that are mapped into memory.

Each array has two files. ``<loader>-<key>-<content>.npy`` is the array. ``<loader>-<key>.json`` is
its manifest: the parameters, the state of every source file, and the other results of the loader.
The key is a hash of the parameters. The manifest is written last and in one step, so an array whose
writing was interrupted has none and is never used. The array's name contains the hash of its
values, so two processes that build the same array at the same time write the same file.
"""

import hashlib
import io
import json
import os
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from .. import __version__
from ._records import file_state

_FORMAT = 1
_HEADER_SIZE = 128  # bytes; holds for float32 arrays with fewer than 1e20 rows
_SECONDS_PER_DAY = 86_400


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
            self.array = np.empty((self.expected, *rows.shape[1:]), dtype=np.float32)
        stop = self.n_rows + len(rows)
        if stop > len(self.array):
            self._resize(stop + stop // 2)
        self.array[self.n_rows : stop] = rows
        self.n_rows = stop

    def finish(self):
        if self.array is not None and self.n_rows != len(self.array):
            self._resize(self.n_rows)
        return self.array

    def _resize(self, n_rows):
        # In place, because a copy would need twice the memory. No one else has a reference yet.
        self.array.resize((n_rows, *self.array.shape[1:]), refcheck=False)


@contextmanager
def _name_cache_in_errors(folder):
    """Say in errors that the cache cannot be written."""
    try:
        yield
    except OSError as error:
        raise type(error)(
            error.errno,
            f"cache={str(folder)!r} cannot be written to ({error.strerror}). Free some space "
            "or change its permissions, pass another folder, or None",
        ) from error


class FileRows:
    """Rows of one shape in an .npy file, whose header is written last.

    Parameters
    ----------
    path : Path
        A file that does not exist.
    """

    def __init__(self, path):
        self.path = path
        with _name_cache_in_errors(path.parent):
            self.file = open(path, "xb", buffering=0)
            self._write(bytes(_HEADER_SIZE))
        self.hash = hashlib.sha256()
        self.shape = None

    def append(self, rows):
        rows = np.ascontiguousarray(rows, dtype="<f4")
        with _name_cache_in_errors(self.path.parent):
            self._write(rows.data.cast("B") if rows.size else b"")
        self.hash.update(rows)
        n_rows = self.shape[0] if self.shape else 0
        self.shape = (n_rows + len(rows), *rows.shape[1:])

    def finish(self):
        """Write the header, and return the shape and the hash of the array."""
        header = io.BytesIO()
        description = {"descr": "<f4", "fortran_order": False, "shape": self.shape}
        np.lib.format.write_array_header_1_0(header, description)
        assert len(header.getvalue()) == _HEADER_SIZE
        with _name_cache_in_errors(self.path.parent):
            self.file.seek(0)
            self._write(header.getvalue())
            os.fsync(self.file.fileno())
            self.file.close()
        return self.shape, self.hash.hexdigest()

    def _write(self, content):
        # Without a buffer, so that a full disk raises here. A call may write only a part.
        while len(content):
            content = content[self.file.write(content) :]


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
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(
            error.errno,
            f"cache={str(folder)!r} cannot be created ({error.strerror}). Pass a writable "
            "folder, or None.",
        ) from error
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
        manifest = json.loads(path.read_bytes())
        array_path = path.with_name(manifest["array"])
        if manifest["params"] != params:
            return None
        if array_path.stat().st_size != manifest["size"]:
            return None
        if not _is_up_to_date(manifest["sources"], root, check_content):
            return None
        array = np.load(array_path, mmap_mode="r")
        if list(array.shape) != manifest["shape"] or array.dtype != np.float32:
            return None
        if check_content and hashlib.sha256(array).hexdigest() != manifest["sha256"]:
            return None
        return array, manifest["payload"]
    except (OSError, ValueError, KeyError, TypeError):
        # Not JSON, not written by this module, or removed by another process in the meantime.
        return None


def _is_up_to_date(states, root, check_content):
    """Whether all source files are as they were when the array was built."""
    root = os.path.join(root, "")
    if check_content:
        return all(
            state[:2] + state[3:] == found[:2] + found[3:]
            for state, found in ((state, file_state(root, state[0])) for state in states)
        )
    for name, size, mtime, _ in states:
        try:
            found = os.stat(root + name)
        except OSError:
            if size is not None:
                return False
        else:
            if found.st_size != size or found.st_mtime_ns != mtime:
                return False
    return True


def _build_and_write(path, params, build):
    _remove_abandoned_files(path)
    partial = path.with_name(f".{path.stem}-{uuid.uuid4().hex}.partial")
    try:
        rows = FileRows(partial)
        try:
            payload, states = build(rows)
            shape, digest = rows.finish()
        finally:
            rows.file.close()
        array_path = path.with_name(f"{path.stem}-{digest[:16]}.npy")
        size = partial.stat().st_size
        os.replace(partial, array_path)
        # Mapped before the manifest exists, so that no other process replaces the array first.
        array = np.load(array_path, mmap_mode="r")
        manifest = {
            "params": params,
            "array": array_path.name,
            "shape": shape,
            "size": size,
            "sha256": digest,
            "sources": states,
            "payload": payload,
        }
        superseded = _read_array_name(path)
        content = json.dumps(manifest)
        with _name_cache_in_errors(path.parent):
            partial.write_text(content)
        os.replace(partial, path)
    except BaseException:
        # Also after Ctrl-C, no partial file is left behind.
        partial.unlink(missing_ok=True)
        raise
    if superseded not in (None, array_path.name):
        _remove_if_possible(path.with_name(superseded))
    return array, json.loads(json.dumps(payload))


def _read_array_name(path):
    """Return the array's file name in a manifest, or None."""
    try:
        return json.loads(path.read_bytes())["array"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remove_abandoned_files(path):
    """Remove partial files that killed processes left at least a day ago."""
    for partial in path.parent.glob(f".{path.stem}-*.partial"):
        try:
            if time.time() - partial.stat().st_mtime > _SECONDS_PER_DAY:
                _remove_if_possible(partial)
        except OSError:
            continue


def _remove_if_possible(path):
    try:
        path.unlink()
    except OSError:
        # Removed already, or on Windows still mapped by another process.
        pass

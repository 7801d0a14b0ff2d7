"""The cache of loaders: an array on disk, mapped into memory, and what it was made from.

Of each array there are two files. ``<loader>-<key>-<content>.npy`` is the array; ``<loader>-<key>.
json`` is its manifest: the parameters, the state of every source file and whatever else the loader
returned. The key is a hash of the parameters. The manifest is written last and in one step, so a
cache without one does not exist, whatever stopped its writing; and because the array's name holds
the hash of its values, two processes that build the same cache at once write the same file.
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
_HEADER = 128  # bytes; of all .npy headers of float32 arrays with fewer than 1e20 rows
_A_DAY = 86_400  # s


class MemoryRows:
    """Collects rows of one shape in an array that grows in place."""

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
        # In place: to copy would need twice the memory. Nobody else has seen the array.
        self.array.resize((n_rows, *self.array.shape[1:]), refcheck=False)


@contextmanager
def _writing_to(folder):
    """Say that it is the cache which cannot be written."""
    try:
        yield
    except OSError as error:
        raise type(error)(
            error.errno,
            f"cache={str(folder)!r} cannot be written to ({error.strerror}). Make room or get "
            "permission, pass another folder, or None",
        ) from error


class FileRows:
    """Collects rows of one shape in an .npy file, whose header is written last."""

    def __init__(self, path):
        self.path = path
        with _writing_to(path.parent):
            self.file = open(path, "xb", buffering=0)
            self._write(bytes(_HEADER))
        self.hash = hashlib.sha256()
        self.shape = None

    def append(self, rows):
        rows = np.ascontiguousarray(rows, dtype="<f4")
        with _writing_to(self.path.parent):
            self._write(rows.data.cast("B") if rows.size else b"")
        self.hash.update(rows)
        n_rows = self.shape[0] if self.shape else 0
        self.shape = (n_rows + len(rows), *rows.shape[1:])

    def finish(self):
        """The shape and the hash of the array."""
        header = io.BytesIO()
        description = {"descr": "<f4", "fortran_order": False, "shape": self.shape}
        np.lib.format.write_array_header_1_0(header, description)
        assert len(header.getvalue()) == _HEADER
        with _writing_to(self.path.parent):
            self.file.seek(0)
            self._write(header.getvalue())
            os.fsync(self.file.fileno())
            self.file.close()
        return self.shape, self.hash.hexdigest()

    def _write(self, content):
        # Without a buffer, so that a full disk is heard of here; a system may write a part at once.
        while len(content):
            content = content[self.file.write(content) :]


def load_or_build(folder, loader, params, build, *, root, check_content=False):
    """Read an array from the cache, or build it and put it there.

    Parameters
    ----------
    folder : str or path-like
        The cache. It is made if it is not there.
    loader : str
        The loader's name, with which the files' names begin.
    params : dict
        All that the array depends on, besides the source files; JSON can hold it.
    build : callable
        Given a collector of rows it appends them and returns ``(payload, sources)``: what else is
        to be kept, as JSON can hold it, and the states of the source files (`file_state`).
    root : str or path-like
        The folder that the paths of the sources are relative to.
    check_content : bool, default=False
        Whether to compare the content of the sources and of the array, rather than size and
        time of the sources and size of the array.

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
            f"cache={str(folder)!r} cannot be made a folder ({error.strerror}). Pass "
            "a folder that can be written to, or None.",
        ) from error
    params = json.loads(json.dumps({"format": _FORMAT, "version": __version__, **params}))
    key = hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()[:16]
    manifest = folder / f"{loader}-{key}.json"
    found = _read(manifest, params, root, check_content)
    if found is None:
        found = _build(manifest, params, build)
    return found


def _read(path, params, root, check_content):
    """The array and payload of a manifest; None if it is not there, damaged or out of date."""
    try:
        manifest = json.loads(path.read_bytes())
        array_path = path.with_name(manifest["array"])
        if manifest["params"] != params:
            return None
        if array_path.stat().st_size != manifest["size"]:
            return None
        if not _is_current(manifest["sources"], root, check_content):
            return None
        array = np.load(array_path, mmap_mode="r")
        if list(array.shape) != manifest["shape"] or array.dtype != np.float32:
            return None
        if check_content and hashlib.sha256(array).hexdigest() != manifest["sha256"]:
            return None
        return array, manifest["payload"]
    except (OSError, ValueError, KeyError, TypeError):
        # Not JSON, or not what this module writes, or removed by another process meanwhile.
        return None


def _is_current(sources, root, check_content):
    root = os.path.join(root, "")
    if check_content:
        return all(
            state[:2] + state[3:] == found[:2] + found[3:]
            for state, found in ((state, file_state(root, state[0])) for state in sources)
        )
    for name, size, mtime, _ in sources:
        try:
            found = os.stat(root + name)
        except OSError:
            if size is not None:
                return False
        else:
            if found.st_size != size or found.st_mtime_ns != mtime:
                return False
    return True


def _build(path, params, build):
    _remove_leftovers(path)
    partial = path.with_name(f".{path.stem}-{uuid.uuid4().hex}.partial")
    try:
        rows = FileRows(partial)
        try:
            payload, sources = build(rows)
            shape, digest = rows.finish()
        finally:
            rows.file.close()
        array_path = path.with_name(f"{path.stem}-{digest[:16]}.npy")
        size = partial.stat().st_size
        os.replace(partial, array_path)
        # Mapped before anyone else can know of it and replace it.
        array = np.load(array_path, mmap_mode="r")
        manifest = {
            "params": params,
            "array": array_path.name,
            "shape": shape,
            "size": size,
            "sha256": digest,
            "sources": sources,
            "payload": payload,
        }
        superseded = _array_of(path)
        content = json.dumps(manifest)
        with _writing_to(path.parent):
            partial.write_text(content)
        os.replace(partial, path)
    except BaseException:
        # Ctrl-C among them: nothing half written stays behind.
        partial.unlink(missing_ok=True)
        raise
    if superseded not in (None, array_path.name):
        _unlink(path.with_name(superseded))
    return array, json.loads(json.dumps(payload))


def _array_of(path):
    try:
        return json.loads(path.read_bytes())["array"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remove_leftovers(path):
    """Remove what processes that were killed left a day ago or more."""
    for partial in path.parent.glob(f".{path.stem}-*.partial"):
        try:
            if time.time() - partial.stat().st_mtime > _A_DAY:
                _unlink(partial)
        except OSError:
            continue


def _unlink(path):
    try:
        path.unlink()
    except OSError:
        # Gone already, or on Windows still mapped by another process.
        pass

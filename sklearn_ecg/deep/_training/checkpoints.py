"""The file in which the state of a fit is saved, so that it can be continued."""

import glob
import hashlib
import json
import os
from contextlib import suppress

from ...utils._container import PersistenceError, pack, unpack
from ...utils._files import read_file, reserve_file, write_file
from ...utils._warnings import warn
from .net_state import get_state, set_state
from .numerics import DivergenceError

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None

_COMPLETE, _PARTIAL = ".ckpt", ".partial.ckpt"


def remove_temporary_files(folder, name):
    """Remove what `reserve_file` made for a file and was not moved to its place."""
    for path in glob.glob(os.path.join(glob.escape(folder), f".{name}.*.tmp")):
        with suppress(FileNotFoundError):
            os.remove(path)


class FitCheckpoint:
    """The checkpoint of one fit in a folder that several fits share.

    The name of the file contains the digest of the identity of the fit. While the fit is running,
    it shares a lock with equal fits, by which other fits can distinguish it from one that was
    killed.

    Parameters
    ----------
    folder : str
        A folder that exists.
    name : str
        Name of the class of the estimator.
    identity : dict of str to str
        Fits with an equal identity have the same result.
    every : int
        Number of epochs between two files.
    """

    def __init__(self, folder, name, identity, *, every):
        self._folder, self._name, self._identity, self._every = folder, name, identity, every
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        self._stem = os.path.join(folder, f"{name}-{digest[:32]}")

    def __enter__(self):
        self._lock = _Lock(_lock_path(self._stem))
        if self._lock.is_exclusive:
            # Left by a process that was killed while it was writing: no equal fit is running.
            remove_temporary_files(self._folder, os.path.basename(self._stem))
        self._lock.share()
        return self

    def __exit__(self, kind, error, traceback):
        if isinstance(error, DivergenceError):
            # The same fit would diverge again.
            self._remove_partial()
        self._lock.release(is_needed=os.path.exists(self._stem + _PARTIAL))

    def restore(self, net):
        """Restore the net and return whether the training is complete.

        Without a checkpoint of this fit, the initial state is saved, so that a full disk is found
        before the training. Then, a warning is issued if the folder contains a fit that was not
        completed and cannot be continued.
        """
        for end in (_COMPLETE, _PARTIAL):
            path = self._stem + end
            if os.path.exists(path):
                header = self._set_state(net, path)
                if end == _COMPLETE:
                    self._remove_partial()
                return header["complete"]
        self._warn_of_others()
        self._write(net, is_complete=not net.max_epochs)
        return not net.max_epochs

    def end_epoch(self, net, *, is_last):
        """Save the state after an epoch if it is due."""
        if is_last or len(net.history) % self._every == 0:
            self._write(net, is_complete=is_last)

    def _set_state(self, net, path):
        header, arrays = _read(path)
        different = describe_differences(header["identity"], self._identity)
        if different:
            raise PersistenceError(
                f"The checkpoint {path} was renamed: it belongs to another fit, which differs "
                f"in {different}. Delete it, or restore its name."
            )
        with _named_errors(path):
            set_state(net, header["state"], arrays)
        return header

    def _write(self, net, *, is_complete):
        arrays = []
        state = get_state(net, arrays)
        header = {
            "checkpoint": self._name,
            "complete": is_complete,
            "identity": self._identity,
            "state": state,
        }
        path = self._stem + (_COMPLETE if is_complete else _PARTIAL)
        reserved = None
        try:
            reserved = reserve_file(self._stem)
            write_file(reserved, path, pack(header, arrays))
        except OSError as error:
            raise type(error)(
                error.errno,
                f"The checkpoint after epoch {len(net.history)} could not be written "
                f"({error.strerror or error}). The one before it, if any, is intact. Free space or "
                "make the folder of checkpoint writable, and fit again to continue",
                path,
            ) from error
        finally:
            if reserved is not None and os.path.exists(reserved):
                os.remove(reserved)
        if is_complete:
            self._remove_partial()

    def _remove_partial(self):
        with suppress(FileNotFoundError):
            os.remove(self._stem + _PARTIAL)

    def _warn_of_others(self):
        """Warn of fits in the folder that were not completed and are not running."""
        pattern = os.path.join(glob.escape(self._folder), f"{self._name}-*{_PARTIAL}")
        others = []
        for path in sorted(glob.glob(pattern)):
            stem = path.removesuffix(_PARTIAL)
            if not os.path.exists(stem + _COMPLETE) and _Lock.is_free(_lock_path(stem)):
                try:
                    header, _ = _read(path)
                except (OSError, PersistenceError):  # removed meanwhile, or damaged
                    continue
                others.append((_differences(header["identity"], self._identity), path))
        if not others:
            return
        different, path = min(others, key=lambda other: len(other[0]))
        warn(
            f"checkpoint={self._folder!r} contains an interrupted fit of {self._name} that "
            f"differs from this one in {_join(different)}. It is not continued, and this fit "
            "starts from the beginning. To continue the interrupted fit, pass the same parameters "
            f"and data as before. If it is not needed, delete {path}.",
            UserWarning,
        )


def _read(path):
    with _named_errors(path):
        header, arrays = unpack(read_file(path, 2**63), os.path.basename(path))
        if not isinstance(header, dict) or "checkpoint" not in header:
            raise PersistenceError("it is not a checkpoint")
        return header, arrays


class _named_errors:
    """Raise errors about the content of a file with its path, and what to do."""

    def __init__(self, path):
        self._path = path

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if isinstance(error, Exception) and not isinstance(error, OSError):
            raise PersistenceError(
                f"The checkpoint {self._path} cannot be continued: {error} Delete it, and fit "
                "again to train from the beginning."
            ) from error


def describe_differences(there, here):
    """Return a text about what differs between two fits, which is empty if they are equal."""
    return _join(_differences(there, here))


def _differences(there, here):
    """Return what differs between two fits."""
    different = []
    for name in dict.fromkeys([*here, *there]):
        if there.get(name) != here.get(name):
            values = [_in_python(identity.get(name, "null")) for identity in (there, here)]
            is_value = " " not in name or name.startswith("the version of")
            is_short = all(len(v) <= 100 and '["' not in v for v in values)
            details = f" ({values[0]} there, {values[1]} here)" if is_value and is_short else ""
            different.append(f"{name}{details}")
    return different


def _in_python(text):
    return {"null": "None", "true": "True", "false": "False"}.get(text, text)


def _join(texts):
    if len(texts) > 5:
        texts = [*texts[:4], f"{len(texts) - 4} other differences"]
    return " and ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))


def _lock_path(stem):
    folder, name = os.path.split(stem)
    return os.path.join(folder, f".{name}.lock")


class _Lock:
    """A lock that the operating system releases when the process ends, in whatever way.

    It is exclusive at first if nobody else has it, and shared otherwise.

    Where there are no such locks, fits cannot be distinguished from those that were killed, and
    all count as running.
    """

    def __init__(self, path):
        self._path = path
        while True:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            self.is_exclusive = _try_lock(self._descriptor)
            if not self.is_exclusive:
                self.share()
            if self._is_at_path():
                break
            # A fit that ended has removed the file after it was opened here.
            os.close(self._descriptor)

    def share(self):
        """Let equal fits have the lock as well."""
        if fcntl is not None:
            # Waits only while another fit looks for others.
            with suppress(OSError):
                fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def release(self, *, is_needed):
        """Release the lock, and remove its file if it is not needed and nobody else has it."""
        if not is_needed and _try_lock(self._descriptor) and self._is_at_path():
            os.remove(self._path)
        os.close(self._descriptor)

    def _is_at_path(self):
        try:
            return fcntl is None or os.path.samestat(
                os.stat(self._path), os.fstat(self._descriptor)
            )
        except FileNotFoundError:
            return False

    @staticmethod
    def is_free(path):
        """Return whether no process holds the lock."""
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return fcntl is not None
        except OSError:
            return False
        try:
            return _try_lock(descriptor)
        finally:
            os.close(descriptor)


def _try_lock(descriptor):
    """Return whether nobody else has the lock, which is then exclusive."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

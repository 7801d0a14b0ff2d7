"""Files that are read with a limit, and written so that they are complete or unchanged."""

import os
import secrets
import stat
from numbers import Integral

from ._container import MAGIC, START, PersistenceError, disassemble


def read_file(path, max_bytes):
    """Return the content of a regular file."""
    if isinstance(max_bytes, bool) or not isinstance(max_bytes, Integral) or max_bytes < 1:
        raise ValueError(f"max_bytes must be an integer >= 1, got {max_bytes!r}.")
    name = os.path.basename(os.fspath(path))
    # Without O_NONBLOCK, opening a named pipe would wait for its other end.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise PersistenceError(f"{name} is not a regular file.")
    with os.fdopen(descriptor, "rb") as file:
        if found.st_size > max_bytes:
            raise PersistenceError(
                f"{name} has {found.st_size} bytes, more than max_bytes={max_bytes}. Pass a larger "
                "max_bytes if the file is trusted and fits into memory three times."
            )
        # The start first: a large file of another kind is not read to its end.
        start = file.read(START)
        if start[: len(MAGIC)] != MAGIC:
            disassemble(start, name)
        return start + file.read(found.st_size - len(start))


def reserve_file(path):
    """Return the path of a new file in the folder of a path, which is thereby writable.

    Raises
    ------
    OSError
        If the folder does not exist or no file can be created in it, or if the path is a folder.
    """
    path = os.path.realpath(path)
    folder, name = os.path.split(path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"The folder of path does not exist: {folder}. Create it first.")
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(f"path={path!r} is not a regular file. Pass the path of a file.")
    reserved = os.path.join(folder, f".{name[:100]}.{secrets.token_hex(8)}.tmp")
    try:
        # Not with the module tempfile, whose files nobody else can read.
        os.close(os.open(reserved, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    except OSError as error:
        raise type(error)(
            error.errno,
            f"No file can be written in the folder of path ({error.strerror}). Pass a path in a "
            "writable folder",
            folder,
        ) from error
    return reserved


def write_file(reserved, path, content):
    """Replace a file by new content, which is complete on the disk before."""
    path = os.path.realpath(path)
    with open(reserved, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if os.path.exists(path):
        os.chmod(reserved, stat.S_IMODE(os.stat(path).st_mode))
    os.replace(reserved, path)
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

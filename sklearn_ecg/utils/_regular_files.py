"""Which entries of a folder may be opened: regular files inside it.

A folder may contain anything: named pipes, which block whoever opens them, devices, links to files
elsewhere, names that are not text. Links to folders are followed, because users keep data behind
them; a link to a file has to stay inside the folder.
"""

import errno
import os
import re
import stat

MAX_HEADER_SIZE = 2**20  # bytes; a header with 50,000 segments has about as many

_KINDS = (
    (stat.S_ISDIR, "is a folder, not a file"),
    (stat.S_ISFIFO, "is a named pipe, not a regular file"),
    (stat.S_ISSOCK, "is a socket, not a regular file"),
    (stat.S_ISCHR, "is a device, not a regular file"),
    (stat.S_ISBLK, "is a device, not a regular file"),
)


def find_name_fault(name):
    """Return why a path that a file or a table states must not be opened, or None.

    It has to be text, relative, and without "..".
    """
    if not isinstance(name, str):
        return f"is not a path ({type(name).__name__})"
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return "has a name that is not UTF-8"
    if "\0" in name:
        return "has a null character in its name"
    parts = re.split(r"[/\\]" if os.name == "nt" else "/", name)
    if os.path.isabs(name) or os.path.splitdrive(name)[0] or ".." in parts:
        return "is outside the folder"
    return None


def find_file_fault(root, name, max_size=None):
    """Return why a file must not be opened, or None.

    Missing files are no fault: opening them raises an error, and does no harm.

    Parameters
    ----------
    root, name : str
        The folder, and the file relative to it. If `root` is "", the user has chosen the folder of
        the file, and links have to stay in that.
    max_size : int, default=None
        In bytes. By default, only headers have a limit, `MAX_HEADER_SIZE`.

    Returns
    -------
    fault : str or None
        A predicate, to which the name of the file is the subject.
    """
    fault = find_name_fault(name)
    if fault is not None and not (root == "" and fault == "is outside the folder"):
        return fault
    path = os.path.join(root, name)
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            status = os.stat(path)
            if not _is_link_inside(root, name):
                return "is a link to a file outside the folder"
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "is a link that leads to itself"
        return f"cannot be accessed ({error.strerror})"
    if not stat.S_ISREG(status.st_mode):
        return next((fault for is_kind, fault in _KINDS if is_kind(status.st_mode)), _KINDS[-1][1])
    if max_size is None and name.endswith(".hea"):
        max_size = MAX_HEADER_SIZE
    if max_size is not None and status.st_size > max_size:
        return f"has {status.st_size:,} bytes; at most {max_size:,} are read"
    return None


def find_folder_fault(root, name):
    """Return why a subfolder cannot be searched, or None."""
    fault = find_name_fault(name)
    if fault is not None:
        return fault
    path = os.path.join(root, name)
    if is_link_upwards(root, path):
        return "is a link to a folder that contains the folder to load"
    try:
        with os.scandir(path):
            return None
    except OSError as error:
        return f"cannot be searched ({error.strerror})"


def is_link_upwards(root, path):
    """Whether a path leads to a folder that contains the root, and so leads out of it."""
    return _is_inside(os.path.realpath(root), os.path.realpath(path))


def _is_link_inside(root, name):
    """Whether the target of a link is in the folder, or in one that a link of a folder leads to."""
    target = os.path.realpath(os.path.join(root, name))
    parent = os.path.dirname(name)
    folders = [os.path.join(root, parent)]
    while root != "" and parent:
        parent = os.path.dirname(parent)
        folders.append(os.path.join(root, parent))
    return any(_is_inside(target, os.path.realpath(folder)) for folder in folders)


def _is_inside(path, folder):
    """Whether a real path is below a real folder."""
    return path.startswith(os.path.join(folder, "")) and path != folder


def open_regular_file(path):
    """Open a regular file for reading in binary mode.

    Raises
    ------
    OSError
        If it cannot be opened, or is not a regular file. The call never blocks.
    """
    # Before it is opened, because opening a device may have an effect.
    _check_regular(path, os.stat(path))
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    file = open(path, "rb", opener=lambda path, _: os.open(path, flags))
    try:
        _check_regular(path, os.fstat(file.fileno()))
    except OSError:
        file.close()
        raise
    return file


def _check_regular(path, status):
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "It is not a regular file", path)


def read_regular_file(path, max_size):
    """Return the content of a regular file; raise OSError for one of more than `max_size` bytes."""
    with open_regular_file(path) as file:
        content = file.read(max_size + 1)
    if len(content) > max_size:
        raise OSError(errno.EFBIG, f"It has more than {max_size:,} bytes", path)
    return content


def show_name(name):
    """Return a name as text that can be printed and written to a table."""
    return str(name).encode("utf-8", "backslashreplace").decode("utf-8")

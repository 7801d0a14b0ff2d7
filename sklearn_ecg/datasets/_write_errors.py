"""Errors about files that cannot be written, with the advice that fits the cause."""

import errno
from contextlib import contextmanager

_ADVICE = {
    errno.EROFS: "The disk is read-only: pass {instead}",
    errno.ENOSPC: "Free some space, or pass {instead}",
    getattr(errno, "EDQUOT", errno.ENOSPC): "Free some space, or pass {instead}",
    errno.EACCES: "Change its permissions, or pass {instead}",
    errno.EPERM: "Change its permissions, or pass {instead}",
    errno.EISDIR: "A folder has the name of one of its files: remove it, or pass {instead}",
    errno.EEXIST: "It is a file, not a folder: pass {instead}",
    errno.ENOTDIR: "A part of its path is a file, not a folder: pass {instead}",
}
_OTHER_ADVICE = "Check the disk, or pass {instead}"


@contextmanager
def explain_write_errors(what, instead):
    """Say in errors what cannot be written to, and what to do.

    Parameters
    ----------
    what : str
        The folder, as it is named in the error.
    instead : str
        What to pass instead.
    """
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno, _OTHER_ADVICE).format(instead=instead)
        raise type(error)(
            error.errno, f"{what} cannot be written to ({error.strerror}). {advice}"
        ) from error

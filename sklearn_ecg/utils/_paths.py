"""Paths that users pass."""

import os


def expand_path(path):
    """Return a path with "~" replaced by the home folder.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    str
    """
    return os.path.expanduser(os.fsdecode(path))

"""Paths that users pass."""

import os


def expand_path(path, argument="The path"):
    """Return a path with "~" replaced by the home folder.

    Parameters
    ----------
    path : str, bytes or path-like
    argument : str, default="The path"
        Name of the argument, for errors.

    Returns
    -------
    str

    Raises
    ------
    TypeError
        If it is not a path.
    ValueError
        If it is empty, which would be the current folder, or has a null character.
    """
    try:
        expanded = os.path.expanduser(os.fsdecode(path))
    except TypeError as error:
        raise TypeError(f"{argument} must be a str or a path, got {path!r}.") from error
    if not expanded:
        raise ValueError(f"{argument} is an empty path. Pass '.' if you mean the current folder.")
    if "\0" in expanded:
        raise ValueError(f"{argument} has a null character, got {path!r}. Pass another path.")
    return expanded

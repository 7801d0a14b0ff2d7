"""Memory maps of files, which are larger than the memory or shared by processes."""

import mmap
import os

import numpy as np


def is_memory_map(array):
    """Whether an array is a memory map of a file, or a view of one."""
    while array is not None:
        if isinstance(array, (np.memmap, mmap.mmap)):
            return True
        array = getattr(array, "base", None)
    return False


def find_in_file(array):
    """Return the path of the file that an array is mapped from, and its offset in bytes.

    Parameters
    ----------
    array : ndarray

    Returns
    -------
    found : (str, int) or None
        None if the array is not a memory map in C-order, if its changes stay in memory, or if it
        has no file of its own.
    """
    root = array
    while isinstance(getattr(root, "base", None), np.ndarray):
        root = root.base
    filename = getattr(root, "filename", None)
    if filename is None or not isinstance(root, np.memmap) or root.mode == "c":
        return None
    if not array.flags.c_contiguous:
        return None
    start, root_start = (part.__array_interface__["data"][0] for part in (array, root))
    return os.path.abspath(filename), root.offset + start - root_start


def open_copy_on_write(array):
    """Return the same values as a new map of the same file, whose changes stay in memory.

    Only pages that are changed take memory.

    Parameters
    ----------
    array : ndarray

    Returns
    -------
    copy : memmap or None
        None if `find_in_file` returns None, or the file cannot be opened.
    """
    found = find_in_file(array)
    if found is None:
        return None
    path, offset = found
    try:
        return np.memmap(path, array.dtype, "c", offset, shape=array.shape)
    except (OSError, ValueError):
        return None

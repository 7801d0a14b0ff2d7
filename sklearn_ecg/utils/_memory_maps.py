"""Memory maps of files, which are larger than the memory or shared by processes."""

import mmap

import numpy as np


def is_memory_map(array):
    """Whether an array is a memory map of a file, or a view of one."""
    while array is not None:
        if isinstance(array, (np.memmap, mmap.mmap)):
            return True
        array = getattr(array, "base", None)
    return False


def open_copy_on_write(array):
    """Return the same values as a new map of the same file, whose changes stay in memory.

    Only pages that are changed take memory.

    Parameters
    ----------
    array : ndarray

    Returns
    -------
    copy : memmap or None
        None if the array is not a memory map in C-order, or its file cannot be opened.
    """
    root = array
    while isinstance(root.base, np.ndarray):
        root = root.base
    filename = getattr(root, "filename", None)
    if filename is None or not isinstance(root, np.memmap) or not array.flags.c_contiguous:
        return None
    start, root_start = (part.__array_interface__["data"][0] for part in (array, root))
    try:
        return np.memmap(
            filename, array.dtype, "c", root.offset + start - root_start, shape=array.shape
        )
    except (OSError, ValueError):
        return None

"""Distances that are known up to a period, followed from block to block."""

import heapq

import numpy as np


def follow_phases(values, period, quality):
    """Add whole periods, so that blocks next to each other differ by less than half a period.

    The most certain blocks are followed first [Ghiglia and Pritt, Two-Dimensional Phase Unwrapping,
    1998], so that text and folds are passed around.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        Known up to a period.
    period : float
    quality : ndarray of shape (n_rows, n_columns)
        How certain they are.

    Returns
    -------
    followed : ndarray of shape (n_rows, n_columns)
        The block of the highest quality is unchanged.
    """
    n_rows, n_columns = values.shape
    cycles = (values / period).ravel().tolist()
    certain = quality.ravel().tolist()
    first = int(np.argmax(quality))
    known = [False] * len(cycles)
    # Blocks with the one that they are compared with.
    waiting = [(-certain[first], first, first)]
    while waiting:
        _, block, before = heapq.heappop(waiting)
        if known[block]:
            continue
        known[block] = True
        cycles[block] += round(cycles[before] - cycles[block])
        row, column = divmod(block, n_columns)
        for near, inside in (
            (block - n_columns, row > 0),
            (block + n_columns, row < n_rows - 1),
            (block - 1, column > 0),
            (block + 1, column < n_columns - 1),
        ):
            if inside and not known[near]:
                heapq.heappush(waiting, (-min(certain[near], certain[block]), near, block))
    return np.reshape(cycles, values.shape) * period

"""Distances that are known up to a period, followed from block to block."""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree


def follow_phases(values, period, quality):
    """Add whole periods, so that blocks next to each other differ by less than half a period.

    The most certain blocks are followed first [Ghiglia and Pritt, Two-Dimensional Phase Unwrapping,
    1998], so that text and folds are passed around.

    Parameters
    ----------
    values : ndarray of shape (..., n_rows, n_columns)
        Known up to a period.
    period : float
    quality : ndarray of shape (n_rows, n_columns)
        How certain they are.

    Returns
    -------
    followed : ndarray of shape (..., n_rows, n_columns)
        The block of the highest quality is unchanged.
    """
    order, before = _most_certain_paths(quality)
    cycles = np.reshape(np.asarray(values) / period, (-1, quality.size))
    # Whole periods between each block and the one that it is compared with.
    steps = np.round(cycles[:, before] - cycles)
    for row, step in zip(cycles, steps):
        whole = step.tolist()
        for block, last in zip(order, before[order].tolist()):
            whole[block] += whole[last]
        row += whole
    return cycles.reshape(np.shape(values)) * period


def _most_certain_paths(quality):
    """Return blocks in an order in which the one before each of them comes first, and these."""
    number = np.arange(quality.size).reshape(quality.shape)
    edges = np.concatenate(
        [
            np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()], axis=1),
            np.stack([number[:-1].ravel(), number[1:].ravel()], axis=1),
        ]
    )
    # An edge is as certain as the less certain block. Weights of 0 would be no edges.
    weights = 1 + quality.max() - quality.ravel()[edges].min(axis=1)
    graph = coo_array((weights, edges.T), shape=(quality.size, quality.size)).tocsr()
    first = int(np.argmax(quality))
    tree = minimum_spanning_tree(graph)
    order, before = breadth_first_order(tree, first, directed=False)
    before[first] = first
    return order[1:].tolist(), before

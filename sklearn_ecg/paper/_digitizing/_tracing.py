"""The path of the trace of each row through the strokes of a page, by dynamic programming."""

from dataclasses import dataclass

import numpy as np

# Strokes of a column that are considered for a row.
_MAX_STROKES = 6
# Costs in mm. 1 mm of columns without a stroke that fits costs as much as a gap of this height.
_SKIP = 4.0
# Cost of 1 mm between the baseline and a stroke, and of 1 mm between the middles of strokes.
_DISTANCE, _BEND = 0.005, 0.02


@dataclass
class Path:
    """The strokes of a row.

    Attributes
    ----------
    left : int
        The first pixel column.
    top, bottom : ndarray of shape (n_columns,)
        Ends of the stroke in each column, in pixels. NaN where there is none.
    """

    left: int
    top: np.ndarray
    bottom: np.ndarray


def trace_rows(strokes, rows, scale):
    """Follow the traces of all rows.

    Parameters
    ----------
    strokes : Strokes
    rows : list of Row
    scale : int
        Pixels per mm.

    Returns
    -------
    paths : list of Path
        One per row, over all pixel columns of the page.
    """
    n_rows, n_columns = len(rows), len(strokes.starts) - 1
    tops, bottoms, ids = _candidates(strokes, rows, scale)
    k = _MAX_STROKES + 1
    middles = (tops + bottoms) / 2
    baseline = np.array([row.baseline for row in rows])[:, None, None] / scale
    node_cost = _DISTANCE * np.abs(middles / scale - baseline)
    node_cost[ids < 0] = np.inf
    top, bottom = tops / scale, bottoms / scale
    # State: the strokes of the column, and at the end the last stroke of a path in a gap.
    cost = np.full((n_rows, k), np.inf)
    cost[:, -1] = 0.0
    last_top = np.repeat(baseline[:, :, 0], k, axis=1)
    last_bottom = last_top.copy()
    back = np.zeros((n_columns, n_rows, k), dtype=np.int8)
    index = np.arange(n_rows)
    skip = _SKIP / scale
    for x in range(n_columns):
        # From each previous state (axis 2) to each stroke of this column (axis 1).
        new_top, new_bottom = top[:, x, :, None], bottom[:, x, :, None]
        old_top, old_bottom = last_top[:, None, :], last_bottom[:, None, :]
        gap = np.maximum(old_top - new_bottom, new_top - old_bottom)
        np.maximum(gap, 0, out=gap)
        bend = np.abs(new_top + new_bottom - old_top - old_bottom)
        total = cost[:, None, :] + gap + (0.5 * _BEND) * bend
        best = total.argmin(axis=2)
        strokes_cost = np.take_along_axis(total, best[:, :, None], 2)[:, :, 0] + node_cost[:, x]
        rest = cost.argmin(axis=1)
        back[x, :, :-1] = best
        back[x, :, -1] = rest
        carried = cost[index, rest] + skip
        carried_top, carried_bottom = last_top[index, rest], last_bottom[index, rest]
        cost = np.concatenate([strokes_cost, carried[:, None]], axis=1)
        last_top = np.concatenate([top[:, x], carried_top[:, None]], axis=1)
        last_bottom = np.concatenate([bottom[:, x], carried_bottom[:, None]], axis=1)
    state = cost.argmin(axis=1)
    chosen = np.full((n_rows, n_columns), -1)
    for x in range(n_columns - 1, -1, -1):
        chosen[:, x] = np.where(state < _MAX_STROKES, ids[index, x, state % _MAX_STROKES], -1)
        chosen[state == _MAX_STROKES, x] = -1
        state = back[x, index, state]
    paths = []
    for row in range(n_rows):
        found = chosen[row] >= 0
        path_top, path_bottom = np.full((2, n_columns), np.nan)
        path_top[found] = strokes.top[chosen[row, found]]
        path_bottom[found] = strokes.bottom[chosen[row, found]]
        paths.append(Path(0, path_top, path_bottom))
    return paths


def _candidates(strokes, rows, scale):
    """Return ends and numbers of the strokes near each row, (n_rows, n_columns, _MAX_STROKES)."""
    n_columns = len(strokes.starts) - 1
    counts = np.diff(strokes.starts)
    column = np.repeat(np.arange(n_columns), counts)
    shape = (len(rows), n_columns, _MAX_STROKES)
    # The costs of empty places are infinite.
    tops, bottoms = np.full(shape, 1e6), np.full(shape, 1e6)
    ids = np.full(shape, -1)
    for i, row in enumerate(rows):
        # Strokes that reach into the limits of the row.
        near = np.flatnonzero((strokes.bottom > row.top) & (strokes.top < row.bottom))
        of = column[near]
        distance = np.maximum(
            np.maximum(strokes.top[near] - row.baseline, row.baseline - strokes.bottom[near]), 0
        )
        order = np.lexsort((distance, of))
        near, of = near[order], of[order]
        rank = np.arange(len(of)) - np.searchsorted(of, of)
        kept = rank < _MAX_STROKES
        near, of, rank = near[kept], of[kept], rank[kept]
        tops[i, of, rank] = strokes.top[near]
        bottoms[i, of, rank] = strokes.bottom[near]
        ids[i, of, rank] = near
    return tops, bottoms, ids

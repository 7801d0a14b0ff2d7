"""The path of the trace of each row through the strokes of a page, by dynamic programming."""

from dataclasses import dataclass

import numpy as np

from ._strokes import INK

# Strokes of a column that are considered for a row.
_MAX_STROKES = 5
# Costs in mm. 1 mm of columns without a stroke that fits costs as much as a gap of this height.
_SKIP = 4.0
# Cost of 1 mm between the baseline and a stroke, and of 1 mm between the middles of strokes.
_DISTANCE, _BEND = 0.005, 0.02
# Cost of 1 mm of faint ink, such as a crease, per missing strength.
_FAINT_INK, _CLEAR = 0.6, 1.0
# Ink at the ends of a trace whose strength is below this share is none of it, up to a length in mm,
# and neither is ink from which the path jumps by these mm, or a line of less than this width. mm
# between two pieces of ink.
_FAINT_END, _LONGEST_END, _END_JUMP, _SHORTEST_END, _END_GAP = 0.75, 20.0, 5.0, 2.0, 0.4
# Parts of the columns whose paths are found at once, and mm by which they overlap on each side.
_PARTS, _OVERLAP = 16, 7.0
# mm: longest continuation of a piece of a path, and gap between its strokes.
_EXTENSION, _EXTENSION_GAP = 1.5, 0.5
# Largest ratio of the horizontal and the vertical width of a line.
_ROUND = 1.3
# Pixels: widest stroke that is measured.
_MAX_WIDTH = 10


@dataclass
class Path:
    """The strokes of a row.

    Attributes
    ----------
    top, bottom : ndarray of shape (n_columns,)
        Ends of the stroke in each column, in pixels. NaN where there is none.
    stroke : ndarray of shape (n_columns,), int
        Number of the stroke in each column, -1 where there is none.
    """

    top: np.ndarray
    bottom: np.ndarray
    stroke: np.ndarray


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
    # Columns first, in mm. A stroke is its middle and half its height.
    ends = np.stack([tops + bottoms, bottoms - tops]).transpose(2, 0, 1, 3)
    ends = ends / np.float32(2 * scale)
    baselines = np.array([row.baseline for row in rows], dtype=np.float32) / scale
    costs = _DISTANCE * np.abs(ends[:, 0] - baselines[:, None])
    ink = np.where(ids >= 0, strokes.ink[ids], 0).transpose(1, 0, 2)
    costs += _FAINT_INK * np.maximum(_CLEAR - ink, 0)
    costs[ids.transpose(1, 0, 2) < 0] = np.inf
    states = _choose_by_parts(ends, costs, baselines, scale)
    ids = np.concatenate([ids, np.full((n_rows, n_columns, 1), -1)], axis=2)
    chosen = np.take_along_axis(ids, states[:, :, None], axis=2)[:, :, 0]
    paths = []
    for row in range(n_rows):
        _remove_ends(chosen[row], strokes, scale)
        _extend(chosen[row], strokes, int(_EXTENSION * scale), max(1, _EXTENSION_GAP * scale))
        found = chosen[row] >= 0
        path_top, path_bottom = np.full((2, n_columns), np.nan)
        path_top[found] = strokes.top[chosen[row, found]]
        path_bottom[found] = strokes.bottom[chosen[row, found]]
        paths.append(Path(path_top, path_bottom, chosen[row]))
    return paths


def _choose_by_parts(ends, costs, baselines, scale):
    """Return the states of `_choose_strokes`, computed for parts of the columns at once.

    Each part begins and stops in the part next to it, where its path soon joins the best one.
    """
    n_columns = len(ends)
    overlap = int(_OVERLAP * scale)
    bounds = np.linspace(0, n_columns, _PARTS + 1).astype(int)
    length = int(np.diff(bounds).max()) + 2 * overlap
    if length > n_columns / 2:
        return _choose_strokes(ends, costs, baselines, scale)
    firsts = np.clip(bounds[:-1] - overlap, 0, n_columns - length)
    found = _choose_strokes(
        np.concatenate([ends[first : first + length] for first in firsts], axis=2),
        np.concatenate([costs[first : first + length] for first in firsts], axis=1),
        np.tile(baselines, _PARTS),
        scale,
    )
    parts = found.reshape(_PARTS, len(baselines), length)
    states = np.empty((len(baselines), n_columns), dtype=int)
    for i in range(_PARTS):
        start, stop = bounds[i], bounds[i + 1]
        states[:, start:stop] = parts[i][:, start - firsts[i] : stop - firsts[i]]
        before = parts[i - 1][:, start - firsts[i - 1]] if i else states[:, start]
        if (states[:, start] != before).any():
            # The parts differ where they meet.
            return _choose_strokes(ends, costs, baselines, scale)
    return states


def _choose_strokes(ends, costs, baselines, scale):
    """Return the stroke of each row in each column, by dynamic programming.

    Parameters
    ----------
    ends : ndarray of shape (n_columns, 2, n_rows, _MAX_STROKES)
        Middle of each stroke and half of its height, in mm.
    costs : ndarray of shape (n_columns, n_rows, _MAX_STROKES)
        Infinite where there is no stroke.
    baselines : ndarray of shape (n_rows,)
        In mm.
    scale : float
        Pixels per mm.

    Returns
    -------
    states : ndarray of shape (n_rows, n_columns), int
        Which of the strokes, or _MAX_STROKES in a gap.
    """
    n_columns, _, n_rows, k = ends.shape
    # Rows last: (n_columns, k, n_rows).
    middles, halves, costs = (
        np.ascontiguousarray(part.transpose(0, 2, 1)) for part in (ends[:, 0], ends[:, 1], costs)
    )
    # From each stroke of a column (axis 1), and from a gap, to each stroke of the next (axis 2).
    steps = np.full((n_columns, k + 1, k, n_rows), np.inf, dtype=ends.dtype)
    steps[1:, :-1] = _step_costs(
        middles[1:, None], halves[1:, None], middles[:-1, :, None], halves[:-1, :, None]
    )
    # Costs of the best path to each state; the last one is a gap, which starts at the baseline and
    # remembers its last stroke.
    best = np.full((n_columns + 1, k + 1, n_rows), np.inf, dtype=ends.dtype)
    best[0, -1] = 0.0
    last_middle, last_half = baselines, np.zeros(n_rows, dtype=ends.dtype)
    index = np.arange(n_rows)
    # Costs of no stroke in one column.
    skip = _SKIP / scale
    total = np.empty((k + 1, k, n_rows), dtype=ends.dtype)
    for x in range(n_columns):
        cost, step = best[x], steps[x]
        step[-1] = _step_costs(middles[x], halves[x], last_middle, last_half)
        np.add(step, cost[:, None], out=total)
        np.add(total.min(axis=0), costs[x], out=best[x + 1, :-1])
        rest = cost.argmin(axis=0)
        np.add(cost[rest, index], skip, out=best[x + 1, -1])
        begins = rest < k
        if begins.any():
            rest[~begins] = 0
            last_middle = np.where(begins, middles[x - 1, rest, index], last_middle)
            last_half = np.where(begins, halves[x - 1, rest, index], last_half)
    # Where each state came from.
    steps += best[:-1, :, None]
    back = np.empty((n_columns, k + 1, n_rows), dtype=np.int8)
    back[:, :-1] = _smallest(steps)
    back[:, -1] = _smallest(best[:-1])
    states = np.empty((n_rows, n_columns), dtype=int)
    state = best[-1].argmin(axis=0)
    for x in range(n_columns - 1, -1, -1):
        states[:, x] = state
        state = back[x, state, index]
    return states


def _smallest(costs):
    """Return the first of the smallest costs along axis 1, which is short."""
    smallest = costs[:, 0].copy()
    found = np.zeros(smallest.shape, dtype=np.int8)
    for i in range(1, costs.shape[1]):
        is_smaller = costs[:, i] < smallest
        np.copyto(smallest, costs[:, i], where=is_smaller)
        found[is_smaller] = i
    return found


def _step_costs(middle, half, other_middle, other_half):
    """Return the costs of steps between strokes, in mm: the gap and the bend between them."""
    distance = np.abs(middle - other_middle)
    total = distance - half
    total -= other_half
    np.maximum(total, 0, out=total)
    distance *= _BEND
    total += distance
    return total


def _remove_ends(chosen, strokes, scale):
    """Remove what is no trace at the ends of one, such as lines of the grid and edges, in place."""
    found = np.flatnonzero(chosen >= 0)
    if len(found) == 0:
        return
    top, bottom = strokes.top[chosen[found]], strokes.bottom[chosen[found]]
    ink = strokes.ink[chosen[found]]
    limit = _FAINT_END * np.median(ink)
    jumps = np.maximum(top[1:] - bottom[:-1], top[:-1] - bottom[1:]) > _END_JUMP * scale
    breaks = np.flatnonzero((np.diff(found) > max(2, _END_GAP * scale)) | jumps) + 1
    pieces = np.split(np.arange(len(found)), breaks)
    for ordered, side in ((pieces, -1), (pieces[::-1], 0)):
        for piece in ordered[:-1]:
            # Where the piece is next to the others.
            after = piece[-1] if side else piece[0] - 1
            is_far = jumps[after]
            is_faint = ink[piece].mean() < limit
            is_line = len(piece) < _SHORTEST_END * scale
            if len(piece) > _LONGEST_END * scale or not (is_far or is_faint or is_line):
                break
            chosen[found[piece]] = -1


def _extend(chosen, strokes, n_columns, max_gap):
    """Continue pieces of a path with strokes that nearly touch their ends, in place.

    A path begins with a low stroke if that saves the way to a high one.
    """
    known = np.concatenate([[False], chosen >= 0, [False]])
    starts = np.flatnonzero(known[1:-1] & ~known[:-2])
    stops = np.flatnonzero(known[1:-1] & ~known[2:])
    for ends, step in ((starts, -1), (stops, 1)):
        for end in ends:
            top, bottom = strokes.top[chosen[end]], strokes.bottom[chosen[end]]
            for x in range(end, end + step * (n_columns + 1), step):
                if not 0 <= x < len(chosen) or (x != end and chosen[x] >= 0):
                    break
                near = np.arange(strokes.starts[x], strokes.starts[x + 1])
                gap = np.maximum(strokes.top[near] - bottom, top - strokes.bottom[near])
                near = near[gap <= max_gap]
                if len(near) == 0:
                    break
                # Noise may divide a steep stroke.
                top, bottom = strokes.top[near].min(), strokes.bottom[near].max()
                if x != end:
                    chosen[x] = near[np.argmax(strokes.bottom[near] - strokes.top[near])]


def _candidates(strokes, rows, scale):
    """Return ends and numbers of the strokes near each row, (n_rows, n_columns, _MAX_STROKES)."""
    n_columns = len(strokes.starts) - 1
    counts = np.diff(strokes.starts)
    column = np.repeat(np.arange(n_columns), counts)
    shape = (len(rows), n_columns, _MAX_STROKES)
    # The costs of empty places are infinite.
    tops, bottoms = np.full((2, *shape), 1e6, dtype=np.float32)
    ids = np.full(shape, -1)
    for i, row in enumerate(rows):
        # Strokes that reach into the limits of the row.
        near = np.flatnonzero((strokes.bottom > row.top) & (strokes.top < row.bottom))
        of = column[near]
        distance = np.maximum(
            np.maximum(strokes.top[near] - row.baseline, row.baseline - strokes.bottom[near]), 0
        )
        # Fragments next to a steep stroke do not replace it.
        order = np.lexsort((distance - (strokes.bottom[near] - strokes.top[near]), of))
        near, of = near[order], of[order]
        rank = np.arange(len(of)) - np.searchsorted(of, of)
        kept = rank < _MAX_STROKES
        near, of, rank = near[kept], of[kept], rank[kept]
        tops[i, of, rank] = strokes.top[near]
        bottoms[i, of, rank] = strokes.bottom[near]
        ids[i, of, rank] = near
    return tops, bottoms, ids


def measure_stroke_width(strength, paths, line_height):
    """Return the horizontal width of steep strokes in pixels.

    Parameters
    ----------
    strength : ndarray of shape (height, width), uint8
        `INK` in the middle of a trace.
    paths : list of Path
    line_height : float
        Vertical width of the line in pixels. Strokes of four times this height are steep.

    Returns
    -------
    width : float
        At least 1.
    """
    x, y = [], []
    for path in paths:
        steep = np.flatnonzero(path.bottom - path.top > 4 * line_height)
        x.append(steep)
        y.append(((path.top + path.bottom) / 2)[steep].astype(int))
    x, y = np.concatenate(x), np.concatenate(y)
    if len(x) < 10:
        return max(1.0, line_height)
    n_columns = strength.shape[1]
    widths = np.zeros(len(x))
    for direction in (-1, 1):
        inside = np.ones(len(x), dtype=bool)
        before = strength[y, x] / np.float32(INK)
        for step in range(1, _MAX_WIDTH + 1):
            at = x + direction * step
            value = strength[y, np.clip(at, 0, n_columns - 1)] / np.float32(INK)
            value = np.where((at >= 0) & (at < n_columns), value, np.float32(0))
            # Up to where the ink crosses the threshold.
            ends = inside & (value <= 0.5)
            part = (before - 0.5) / np.maximum(before - value, 1e-6) - 0.5
            widths[ends] += part[ends]
            inside &= value > 0.5
            widths += inside
            before = value
    # Blots and dark areas around the paper are no strokes: a pen is about as wide as it is high.
    width = float(np.percentile(widths + 1, 25))
    return float(np.clip(width, 1.0, _ROUND * line_height + 1.0))

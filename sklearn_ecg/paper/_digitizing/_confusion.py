"""Traces that were confused with each other, or with something that is no trace."""

import numpy as np

from ._layouts import COLUMN_SECONDS
from ._refusal import PageRefusedError

# Share of the energy of a lead that may be in strokes which belong to another row, too.
MAX_SHARED_ENERGY = 0.3
# mm without ink that a trace may jump up or down. No steep stroke is that faint.
MAX_JUMP = 11.0
# mm: what is beyond a jump from the first number in the first or the last mm of a row is cut off.
_END_JUMP, _END = 1.5, 5.0
# mm: sum of the jumps of all leads from 0.5 mm. Above it, the tips of QRS complexes are too faint.
MAX_JUMPS = 25.0
_LEAST_JUMP = 0.5
# Share of the pixel columns of a lead in which it may reach a border, and its distance in pixels.
MAX_CUT_OFF = 0.01
_BORDER = 2
# Strokes of a level trace are not higher than this, as a multiple of the width of the line.
_LEVEL = 1.6
# mm: the limits of columns of leads are known up to this.
_MARGIN = 1.5


def cut_ends(paths, axis, scale):
    """Remove what is before time 0 and after the end, in place, and ends of traces beyond a jump.

    They may be something else, such as a pulse or an edge of the paper.

    Parameters
    ----------
    paths : list of Path
    axis : TimeAxis
    scale : float
        Pixels per mm.
    """
    first = max(0, int(axis.start))
    last = round(axis.start + axis.seconds * axis.per_second)
    for path in paths:
        found = np.flatnonzero(path.stroke[first:last] >= 0) + first
        gaps = _jumps(path.top[first:last], path.bottom[first:last])
        after = found[1:][gaps > _END_JUMP * scale]
        start = after[after < first + _END * scale].max(initial=first)
        stop = after[after > last - _END * scale].min(initial=last)
        for side in (slice(0, start), slice(stop, None)):
            path.top[side] = path.bottom[side] = np.nan
            path.stroke[side] = -1


def mark_removed(paths, curves, removed):
    """Make curves unknown where vertical lines were removed, in place, unless they are level there.

    A crease or a line between columns hides the beat that it passes through.

    Parameters
    ----------
    paths : list of Path
    curves : list of Curve
        Those of the paths.
    removed : list of (int, int)
        First and last + 1 pixel column of each line.
    """
    for path, curve in zip(paths, curves):
        n_columns = len(path.stroke)
        height = path.bottom - path.top
        level = np.nan_to_num(height, nan=np.inf) <= _LEVEL * curve.line_width
        for first, stop in removed:
            left, right = max(0, first - _BORDER), min(n_columns, stop + _BORDER)
            # Without ink next to the line, this is no level trace.
            sides = [x for x in range(left, right) if not first <= x < stop]
            tops = path.top[sides]
            is_level = level[sides].all() and np.ptp(tops) <= curve.line_width
            if not is_level:
                curve.unknown.append((left, right))


def check_confusion(paths, places, axis, scale, facts):
    """Raise if a lead consists of strokes of two rows to a large part, or if leads jump.

    Where two traces cross, the path of both contains the same stroke, from the upper end of one
    trace to the lower end of the other. If most of the height of a lead is in such strokes, its
    signal is that of both.

    Parameters
    ----------
    paths : list of Path
    places : list of LeadPlace
    axis : TimeAxis
    scale : float
        Pixels per mm.
    facts : dict
        Gets "shared_energy", "largest_jump" and "total_jumps".
    """
    shared, jumps = {}, {}
    for place in places:
        first, last = _columns(place, axis)
        others = [path.stroke[first:last] for i, path in enumerate(paths) if i != place.row]
        path = paths[place.row]
        top, bottom = path.top[first:last], path.bottom[first:last]
        shared[place.name] = _shared_energy(top, bottom, path.stroke[first:last], others)
        # Between two columns of leads, a row may jump.
        inner = slice(
            int(_MARGIN * scale) if place.column else 0,
            -int(_MARGIN * scale) if place.column < place.n_columns - 1 else None,
        )
        jumps[place.name] = _jumps(top[inner], bottom[inner]) / scale
    largest = {name: float(jump.max(initial=0.0)) for name, jump in jumps.items()}
    worst, furthest = max(shared, key=shared.get), max(largest, key=largest.get)
    total = float(sum(jump[jump >= _LEAST_JUMP].sum() for jump in jumps.values()))
    facts.update(shared_energy=shared[worst], largest_jump=largest[furthest], total_jumps=total)
    if shared[worst] > MAX_SHARED_ENERGY:
        raise PageRefusedError(
            "traces",
            f"the trace of {worst} crosses that of another row, so that {shared[worst]:.0%} of its "
            "energy may belong to the other one",
        )
    if largest[furthest] > MAX_JUMP:
        raise PageRefusedError(
            "traces",
            f"the trace of {furthest} jumps by {largest[furthest]:.0f} mm without ink, so that it "
            "may be something else",
        )
    if total > MAX_JUMPS:
        raise PageRefusedError(
            "traces",
            f"the traces jump by {total:.0f} mm in total without ink: their steep strokes are too "
            "faint",
        )


def has_large_jump(paths, place, axis, scale):
    """Whether a lead or a rhythm strip jumps without ink, so that it may be something else.

    Parameters
    ----------
    paths : list of Path
    place : LeadPlace
    axis : TimeAxis
    scale : float
        Pixels per mm.
    """
    columns, path = slice(*_columns(place, axis)), paths[place.row]
    jumps = _jumps(path.top[columns], path.bottom[columns])
    return jumps.max(initial=0.0) > MAX_JUMP * scale


def check_borders(paths, places, axis, scale, outside, facts):
    """Raise if traces reach the border of the image or of the grid, so that they may be cut off.

    Parameters
    ----------
    paths : list of Path
    places : list of LeadPlace
    axis : TimeAxis
    scale : float
        Pixels per mm.
    outside : ndarray of shape (height, width), bool
        Pixels that are not in the image, or not on the grid.
    facts : dict
        Gets "cut_off".
    """
    height = len(outside)
    cut = {}
    for place in places:
        first, last = _columns(place, axis)
        # Where a page ends, its border is next to the traces.
        first, last = first + int(_MARGIN * scale), last - int(_MARGIN * scale)
        path = paths[place.row]
        x = np.flatnonzero(path.stroke[first:last] >= 0) + first
        above = np.floor(path.top[x]).astype(int) - _BORDER
        below = np.ceil(path.bottom[x]).astype(int) + _BORDER - 1
        is_cut = (above < 0) | (below >= height)
        is_cut |= outside[np.clip(above, 0, height - 1), x]
        is_cut |= outside[np.clip(below, 0, height - 1), x]
        cut[place.name] = float(is_cut.mean()) if len(x) else 0.0
    worst = max(cut, key=cut.get)
    facts["cut_off"] = cut[worst]
    if cut[worst] > MAX_CUT_OFF:
        raise PageRefusedError(
            "traces", f"the trace of {worst} reaches the border of the image or of the grid"
        )


def _columns(place, axis):
    """Return the first and the last + 1 pixel column of a lead."""
    seconds = COLUMN_SECONDS[place.n_columns]
    first = axis.start + place.column * seconds * axis.per_second
    return max(0, int(first)), int(first + seconds * axis.per_second)


def _shared_energy(top, bottom, stroke, others):
    """Return the share of the energy of a trace in strokes that are in other rows, too."""
    known = stroke >= 0
    if not known.any():
        return 0.0
    level = np.median((top[known] + bottom[known]) / 2)
    line_height = np.percentile(bottom[known] - top[known], 30)
    reach = np.maximum(level - top[known], bottom[known] - level) - line_height / 2
    energy = np.maximum(reach, 0) ** 2
    is_shared = np.zeros(known.sum(), dtype=bool)
    for other in others:
        is_shared |= other[known] == stroke[known]
    total = energy.sum()
    return float(energy[is_shared].sum() / total) if total > 0 else 0.0


def _jumps(top, bottom):
    """Return the vertical gaps in pixels between each stroke and the next one."""
    known = ~np.isnan(top)
    top, bottom = top[known], bottom[known]
    gaps = np.maximum(top[1:] - bottom[:-1], top[:-1] - bottom[1:])
    return np.maximum(gaps, 0.0)

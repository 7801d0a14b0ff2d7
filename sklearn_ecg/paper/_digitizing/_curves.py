"""The curve of a trace with fractions of pixels, from the strokes that it left."""

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import median_filter

# mm: width of the window whose median shows no QRS complex.
_QRS = 6.0
# mm: wider gaps end a piece of a trace; shorter pieces are dirt.
_GAP = 1.5
_PIECE = 4.0
# Columns by which a steep stroke reaches further than half of its measured width.
_REACH = 0.33


@dataclass
class Curve:
    """A trace as a polygonal chain.

    Attributes
    ----------
    x, y : ndarray of shape (n_knots,)
        Knots in pixels, x ascending. y is NaN in gaps.
    middle : ndarray of shape (n_columns,)
        Middle of the stroke in each pixel column, NaN where there is none.
    height : ndarray of shape (n_columns,)
        Height of the stroke in each pixel column, without the width of the line.
    line_width : float
        Width of the line in pixels.
    pieces : list of (int, int)
        First and last + 1 pixel column of the pieces between wide gaps.
    unknown : list of (int, int)
        First and last + 1 pixel column of what is NaN although the gap is narrow.
    """

    x: np.ndarray
    y: np.ndarray
    middle: np.ndarray
    height: np.ndarray
    line_width: float
    pieces: list
    unknown: list = field(default_factory=list)


def make_curve(path, scale, stroke_width):
    """Return the curve through the strokes of a row.

    A stroke covers what the curve covers within the width of a stroke, plus half the width of the
    line at both ends: its upper ends are a dilation of the curve, and its lower ends an erosion.
    The opposite operation gives the curve, except in troughs and on peaks that are narrower than a
    stroke. The upper ends give peaks exactly, the lower ends troughs.

    Parameters
    ----------
    path : Path
    scale : float
        Pixels per mm.
    stroke_width : float
        Horizontal width in pixels of steep strokes, at least 1.

    Returns
    -------
    curve : Curve or None
        None without strokes.
    """
    top, bottom = path.top, path.bottom
    found = np.flatnonzero(~np.isnan(top))
    if len(found) < 2:
        return None
    heights = bottom[found] - top[found]
    line_width = float(np.percentile(heights, 30))
    upper, lower = top + line_width / 2, bottom - line_width / 2
    middle = (top + bottom) / 2
    thin = upper > lower
    upper[thin] = lower[thin] = middle[thin]

    # Edges between the columns x - 1 and x. y increases downward.
    n = len(middle)
    reach = max(1.0, stroke_width / 2 + _REACH)
    # In gaps, the ends do not limit anything.
    peaks = _sliding(np.where(np.isnan(upper), -np.inf, upper), reach, np.max)
    troughs = _sliding(np.where(np.isnan(lower), np.inf, lower), reach, np.min)
    smooth = _smooth_line(middle, found, scale)
    with np.errstate(invalid="ignore"):
        edges = (peaks + troughs) / 2
        narrow = troughs - peaks > 0.5
        is_peak = narrow & (np.abs(peaks - smooth) > np.abs(troughs - smooth))
    edges = np.where(is_peak, peaks, np.where(narrow, troughs, edges))
    known = ~np.isnan(middle)
    between = np.zeros(n + 1, dtype=bool)
    between[1:-1] = known[:-1] & known[1:]
    edges[~between] = np.nan
    # At the ends of pieces, the curve continues as in the middle of the column.
    starts = known & ~between[:-1]
    edges[:-1][starts] = middle[starts]
    stops = known & ~between[1:]
    edges[1:][stops] = middle[stops]

    low, high = np.fmin(edges[:-1], edges[1:]), np.fmax(edges[:-1], edges[1:])
    tolerance = 0.35
    with np.errstate(invalid="ignore"):
        reaches_up, reaches_down = upper < low - tolerance, lower > high + tolerance
    column = np.arange(n)
    both = reaches_up & reaches_down
    rising = edges[:-1] > edges[1:]
    up_at = np.where(both, np.where(rising, 0.67, 0.33), 0.5)
    down_at = np.where(both, np.where(rising, 0.33, 0.67), 0.5)
    x = np.concatenate(
        [
            np.arange(n + 1, dtype=float),
            column[reaches_up] + up_at[reaches_up],
            column[reaches_down] + down_at[reaches_down],
        ]
    )
    y = np.concatenate([edges, upper[reaches_up], lower[reaches_down]])
    order = np.argsort(x, kind="stable")
    return Curve(
        x=x[order],
        y=y[order],
        middle=middle,
        height=lower - upper,
        line_width=line_width,
        pieces=_find_pieces(found, scale),
    )


def _sliding(values, reach, function):
    """Return the extreme value within `reach` columns of each edge, linear between whole ones."""
    whole = int(reach)
    fill = values.dtype.type(-np.inf if function is np.max else np.inf)
    padded = np.concatenate([np.full(whole + 1, fill), values, np.full(whole + 1, fill)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * whole + 2)
    inner = function(windows[:, 1:-1], axis=1)
    share = values.dtype.type(reach - whole)
    if share == 0:
        return inner
    outer = function(windows[:, [0, -1]], axis=1)
    # Infinite where there is no trace.
    with np.errstate(invalid="ignore"):
        return inner + share * (function([inner, outer], axis=0) - inner)


def _smooth_line(middle, found, scale):
    """Return the height of the trace without its QRS complexes, at the edges of columns."""
    filled = np.interp(np.arange(len(middle)), found, middle[found])
    smooth = median_filter(filled, int(_QRS * scale) // 2 * 2 + 1, mode="nearest")
    return np.concatenate([smooth[:1], (smooth[1:] + smooth[:-1]) / 2, smooth[-1:]])


def _find_pieces(found, scale):
    breaks = np.flatnonzero(np.diff(found) > _GAP * scale)
    firsts = np.concatenate([[found[0]], found[breaks + 1]])
    lasts = np.concatenate([found[breaks], [found[-1]]]) + 1
    return [
        (int(first), int(last))
        for first, last in zip(firsts, lasts)
        if last - first >= _PIECE * scale
    ]


def sample_curve(curve, positions, max_gap):
    """Return the height of a curve at positions, NaN in gaps wider than `max_gap` pixels.

    Parameters
    ----------
    curve : Curve
    positions : ndarray of float
        x in pixels.
    max_gap : float

    Returns
    -------
    values : ndarray of float
        y in pixels.
    """
    known = ~np.isnan(curve.y)
    x, y = curve.x[known], curve.y[known]
    values = np.interp(positions, x, y, left=np.nan, right=np.nan)
    after = np.clip(np.searchsorted(x, positions), 1, len(x) - 1)
    values[x[after] - x[after - 1] > max_gap] = np.nan
    for first, stop in curve.unknown:
        values[(positions > first) & (positions < stop)] = np.nan
    return values

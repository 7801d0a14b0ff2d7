"""The curve of a trace with fractions of pixels, from the strokes that it left."""

from dataclasses import dataclass

import numpy as np

# mm: wider gaps end a piece of a trace; shorter pieces are dirt.
_GAP = 1.5
_PIECE = 4.0


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
    """

    x: np.ndarray
    y: np.ndarray
    middle: np.ndarray
    height: np.ndarray
    line_width: float
    pieces: list


def make_curve(path, scale):
    """Return the curve through the strokes of a row.

    A stroke covers what the curve covers in its column, plus half the width of the line at both
    ends. Between two columns the curve is where both strokes overlap, and at a peak it reaches the
    end of the stroke.

    Parameters
    ----------
    path : Path
    scale : int
        Pixels per mm.

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

    # Edges between the columns x - 1 and x.
    first = np.maximum(upper[:-1], upper[1:])
    last = np.minimum(lower[:-1], lower[1:])
    edge = (first + last) / 2
    before, after = np.roll(middle, 1)[:-1], np.roll(middle, -1)[1:]
    wide = last - first > 0.5
    # y increases downward: at a peak, both sides are below.
    is_peak = wide & (before > edge) & (after > edge)
    is_trough = wide & (before < edge) & (after < edge)
    edge = np.where(is_peak, first, np.where(is_trough, last, edge))
    n = len(middle)
    edges = np.full(n + 1, np.nan)
    edges[1:-1] = edge
    # At the ends of pieces, the curve continues as in the middle of the column.
    starts = ~np.isnan(middle) & np.isnan(edges[:-1])
    edges[:-1][starts] = middle[starts]
    stops = ~np.isnan(middle) & np.isnan(edges[1:])
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
    return values

"""The traces of a page whose scale is known: its ink, its rows, and a path along each of them."""

from dataclasses import dataclass

import numpy as np

from ._curves import make_curve
from ._ink import UprightPage, remove_blots, remove_rulings, separate_ink
from ._layouts import possible_layouts
from ._refusal import PageRefusedError
from ._rows import find_rows
from ._strokes import INK, find_strokes
from ._tracing import measure_stroke_width, trace_rows

# Largest width of steep strokes, as a share of the height of level ones, on pages that were turned.
_STEEP_WIDTH = 0.65


@dataclass
class Traces:
    """The traces of a page.

    Attributes
    ----------
    upright : UprightPage
    rows : list of Row
        From the top to the bottom.
    layouts : list of str
        The layouts with as many rows.
    rulings : ndarray of float
        Pixel columns of vertical lines between columns of leads.
    removed : list of (int, int)
        First and last + 1 pixel column of what was removed with them.
    paths : list of Path
        The strokes of each row.
    stroke_width : float
        Horizontal width in pixels of steep strokes.
    """

    upright: UprightPage
    rows: list
    layouts: list
    rulings: np.ndarray
    removed: list
    paths: list
    stroke_width: float

    def make_curves(self):
        """Return the curve of each row, from the present strokes of its path."""
        curves = [make_curve(path, self.upright.scale, self.stroke_width) for path in self.paths]
        if any(curve is None or not curve.pieces for curve in curves):
            raise PageRefusedError("traces", "a row has no continuous trace")
        return curves


def follow_traces(page, grid, layout, steps, *, enlarge=True):
    """Separate the ink of a page from its grid, and follow the trace of each row.

    Parameters
    ----------
    page : Page
    grid : Grid
    layout : str or None
        As the parameter of `ECGImageDigitizer`. None accepts any number of rows.
    steps : dict
        Gets what is found, in place: also what a refused page has shown until then.
    enlarge : bool, default=True
        See `separate_ink`.

    Returns
    -------
    traces : Traces
    """
    steps["upright"] = upright = separate_ink(page, grid, enlarge=enlarge)
    remove_blots(upright)
    rulings, removed = remove_rulings(upright)
    steps["rows"] = rows = find_rows(upright, grid.sheet.area)
    if grid.n_rows and len(rows) != grid.n_rows:
        raise PageRefusedError(
            "layout",
            f"there is no grid, and of the {grid.n_rows} rows of the page, {len(rows)} are near "
            "those with calibration pulses",
        )
    layouts = [] if layout is None else possible_layouts(layout, len(rows))
    strokes = find_strokes(upright.strength, INK, upright.ink)
    steps["paths"] = paths = trace_rows(strokes, rows, upright.scale)
    _cut_to_grid(paths, upright, grid.sheet.area)
    heights = np.concatenate([path.bottom - path.top for path in paths])
    line_height = float(np.nanpercentile(heights, 30)) if (heights > 0).any() else 1.0
    width = measure_stroke_width(upright.strength, paths, line_height)
    if upright.grid is not None:
        # Both strokes of a narrow beat may have become one.
        width = max(1.0, min(width, _STEEP_WIDTH * line_height))
    return Traces(upright, rows, layouts, rulings, removed, paths, width)


def _cut_to_grid(paths, upright, area):
    """Remove what is to the left and to the right of the grid, in place: it is no trace."""
    first = max(0, int((area[2] - upright.origin[0]) * upright.scales[0]))
    stop = max(0, int((area[3] - upright.origin[0]) * upright.scales[0]))
    for path in paths:
        for ends in (path.top, path.bottom):
            ends[:first] = np.nan
            ends[stop:] = np.nan
        path.stroke[:first] = path.stroke[stop:] = -1

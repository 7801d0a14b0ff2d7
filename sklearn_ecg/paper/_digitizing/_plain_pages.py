"""Pages without a grid: rotation from the lines of traces, scale from the calibration pulses."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import find_objects, label

from ._grids import Grid, paper_bounds
from ._ink import halve, measure_darkness
from ._pages import reduce_page
from ._pulses import find_pulses
from ._refusal import PageRefusedError
from ._sheets import Sheet
from ._traces import follow_traces
from ._windows import quantiles

# Pixels: longest side of the image in which the traces are searched.
_MAX_SIDE = 1000
# Darkness of ink, as a share of that of the darkest lines.
_INK = 0.4
# Degrees that are tried, and the finest step between them. Smaller rotations are none.
_MAX_DEGREES, _FINEST, _LEAST_DEGREES = 8.0, 0.1, 0.08
# Width of the components that are traces, as a share of the width of the image.
_TRACE_WIDTH = 0.08
# Usual seconds of the rows, with or without their pulses.
_SECONDS = 10.3
# Seconds of a pulse, and the tolerance of its shape, as a ratio.
_PULSE_SECONDS, _SHAPE_TOLERANCE = 0.2, 0.15
# Tolerance of the first guess of the pitch, as a ratio.
_GUESS_TOLERANCE = 0.25
# Differences of the heights of pulses, as ratios, in the first measurement and in the second one,
# at the pitch and the rotation of the first. mm by which pulses may be beyond their line.
_SPREADS, _MAX_OFFSET = (0.03, 0.012), 0.6
# Pixels by which the heights of pulses differ on images of two levels, and their usual error.
_ROUNDING, _PULSE_ERROR = 1.1, 0.15
# mm by which the lengths of most rows may differ from their median, degrees between the first and
# the last row, and between all rows and the direction across the line through the pulses: more is
# perspective or bent paper.
_MAX_NARROWING, _MAX_CONVERGENCE, _MAX_SHEAR = 0.4, 0.7, 0.45
# Parts of a row whose median heights give its rotation.
_PARTS = 8
# mm around the rows in which traces may be: above and below the outer rows, and outside of the
# pulses.
_ABOVE, _BEYOND = 35.0, 6.0
# mm: lines without a pulse that are closer to the upper or the lower edge of the image are no rows.
_EDGE = 6.0
# mm: ends of rows that are closer to the border of the image may be cut off. mm between the rows.
_CUT_OFF, _LEAST_DISTANCE = 1.0, 5.0
# Pixels per mm above which half the size is enough to measure pulses, and below which they are too
# small. Side of the blocks of the sheet in mm.
_FINE_PITCH, _MIN_PITCH = 6.0, 3.0
_BLOCK = 5.0
_REASON = (
    "no grid was found, and no calibration pulses of one height and of 0.2 s in at least half of "
    "the rows, so that the scale is unknown"
)


def scale_by_pulses(page, options, steps):
    """Return the plane sheet of a page without a grid.

    Parameters
    ----------
    page : Page
    options : PageOptions
    steps : dict
        Gets what is found, in place, as in `follow_traces`.

    Returns
    -------
    grid : Grid
        Without perspective, which the traces do not show.

    Raises
    ------
    PageRefusedError
        If the pulses do not give the scale.
    """
    degrees, extent = _find_traces(page)
    pitch = extent / (_SECONDS * options.paper_speed)
    # Pulses are measured as well at half the size, in a quarter of the time.
    reduction = 2 if pitch > _FINE_PITCH else 1
    part = reduce_page(page, reduction)
    for spread in _SPREADS:
        sheet = _make_sheet(part, degrees, pitch / reduction)
        rows = _find_measured_rows(part, sheet, options, spread, steps, reduction == 1)
        pitch *= float(rows.height.mean()) / options.gain
        degrees -= _turn(rows.foot, rows.middle)
    if pitch * page.reduction < _MIN_PITCH:
        raise PageRefusedError(
            "grid",
            f"there is no grid, and {pitch * page.reduction:.1f} pixels per mm are too few for an "
            f"exact scale; at least {_MIN_PITCH:g} are needed",
        )
    _check_perspective(rows)
    if rows.is_cut_off:
        raise PageRefusedError(
            "traces", "the rows reach the border of the image, so that they may be cut off"
        )
    if abs(degrees) < _LEAST_DEGREES:
        degrees = 0.0
    error = _PULSE_ERROR * reduction / (options.gain * pitch)
    return replace(_make_sheet(page, degrees, pitch, rows), scale_error=error)


@dataclass
class _MeasuredRows:
    """The rows of a page, with one value for each row that has a pulse.

    Attributes
    ----------
    height : ndarray
        Height of the pulse in mm.
    foot, middle : ndarray
        Pixel row of the foot of the pulse, and pixel column of its middle.
    length : ndarray
        mm from the middle of the pulse to the end of the row without a pulse.
    turn : ndarray
        Rotation of the trace in degrees.
    n_rows : int
        Number of all rows, without lines along the edges of the image.
    bounds : tuple of float
        Left, top, right and bottom in mm of the part of the paper where the traces may be.
    is_cut_off : bool
        Whether most rows end at the border of the image.
    """

    height: np.ndarray
    foot: np.ndarray
    middle: np.ndarray
    length: np.ndarray
    turn: np.ndarray
    n_rows: int
    bounds: tuple
    is_cut_off: bool


def _find_measured_rows(page, sheet, options, spread, steps, enlarge):
    """Return the rows of a page, whose pulses have to be of one size and below each other."""
    try:
        traces = follow_traces(page, sheet, None, steps, enlarge=enlarge)
        curves = traces.make_curves()
    except PageRefusedError:
        raise PageRefusedError("grid", _REASON) from None
    upright, scales = traces.upright, traces.upright.scales
    found = find_pulses(curves, *scales)
    has_pulse = [pulse is not None and _is_usual(pulse, scales, options) for pulse in found]
    is_row = np.logical_or(has_pulse, ~_are_edges(traces.rows, page, upright, sheet.pitch[1]))
    if sum(has_pulse) < max(2, is_row.sum() / 2):
        raise PageRefusedError("grid", _REASON)
    pulses = [pulse for pulse, good in zip(found, has_pulse) if good]
    with_pulse = [curve for curve, good in zip(curves, has_pulse) if good]
    foot = np.array([pulse.foot for pulse in pulses])
    # The mean of both ends has half the error of one.
    middle = np.array([(pulse.left + pulse.right) / 2 for pulse in pulses])
    stop = np.array([_other_end(*pair) for pair in zip(pulses, with_pulse)])
    x, _ = upright.to_image(stop, foot)
    beyond = np.minimum(x, page.lightest.width * page.reduction - x) / sheet.pitch[0]
    baselines = np.array([row.baseline for row in traces.rows])[is_row]
    rows = _MeasuredRows(
        height=np.array([pulse.height for pulse in pulses]),
        foot=foot,
        middle=middle,
        length=np.abs(stop - middle) / scales[0],
        turn=np.array([_measure_turn(curve) for curve in with_pulse]),
        n_rows=int(is_row.sum()),
        bounds=_find_bounds(pulses, baselines, upright),
        is_cut_off=bool((beyond < _CUT_OFF).mean() > 0.5),
    )
    line = np.polyval(np.polyfit(foot, middle, 1), foot)
    if (
        np.ptp(rows.height) > max(spread * rows.height.mean(), _ROUNDING / scales[1])
        or np.abs(middle - line).max() > _MAX_OFFSET * scales[0]
        # Two rows whose paths join.
        or np.diff(np.sort(foot)).min() < _LEAST_DISTANCE * scales[1]
    ):
        raise PageRefusedError("grid", _REASON)
    return rows


def _are_edges(rows, page, upright, pitch):
    """Return which rows are lines along the upper or the lower edge of the image."""
    baselines = np.array([row.baseline for row in rows])
    middle = np.full(len(rows), upright.strength.shape[1] / 2)
    _, y = upright.to_image(middle, baselines)
    distance = np.minimum(y, page.lightest.height * page.reduction - y)
    return distance < _EDGE * pitch


def _other_end(pulse, curve):
    """Return where a row ends that begins with a pulse, or begins if it ends with one."""
    return curve.pieces[-1][1] if pulse.side == "left" else curve.pieces[0][0]


def _find_bounds(pulses, baselines, upright):
    """Return the part of the paper around the rows; edges of the paper are outside of it."""
    left, top = upright.origin
    right = left + upright.strength.shape[1] / upright.scales[0]
    height = baselines / upright.scales[1] + top
    if pulses[0].side == "left":
        left += min(pulse.left for pulse in pulses) / upright.scales[0] - _BEYOND
    else:
        right = left + max(pulse.right for pulse in pulses) / upright.scales[0] + _BEYOND
    return float(left), float(height.min() - _ABOVE), float(right), float(height.max() + _ABOVE)


def _measure_turn(curve):
    """Return the rotation of a trace in degrees: the medians of its parts are on a line."""
    known = np.flatnonzero(~np.isnan(curve.middle))
    parts = np.array_split(known, _PARTS)
    x, y = np.array([(part.mean(), np.median(curve.middle[part])) for part in parts]).T
    return _turn(x, y)


def _turn(along, across):
    """Return the degrees between the median line through points and an axis."""
    return float(np.degrees(np.arctan(_median_slope(along, across))))


def _median_slope(along, across):
    """Return the median slope of the lines through two of several points."""
    first, second = np.triu_indices(len(along), 1)
    return np.median((across[second] - across[first]) / (along[second] - along[first]))


def _check_perspective(rows):
    """Raise if the rows or their ends are not parallel, as on a photograph at an angle."""
    # Some rows may be longer than others, or cut off.
    is_usual = np.abs(rows.length - np.median(rows.length)) <= _MAX_NARROWING
    converges = abs(_median_slope(rows.foot, rows.turn) * np.ptp(rows.foot))
    if (
        is_usual.mean() <= 0.5
        or converges > _MAX_CONVERGENCE
        or abs(np.mean(rows.turn)) > _MAX_SHEAR
    ):
        raise PageRefusedError(
            "perspective",
            "there is no grid, and the rows or their ends are not parallel: perspective can be "
            "corrected by a grid only",
        )


def _is_usual(pulse, scales, options):
    """Whether a pulse may be 1 mV high and 0.2 s wide."""
    width = (pulse.right - pulse.left) / scales[0]
    shape = width / pulse.height * options.gain / (_PULSE_SECONDS * options.paper_speed)
    is_high = abs(pulse.height / options.gain - 1) < _GUESS_TOLERANCE
    return is_high and abs(shape - 1) < _SHAPE_TOLERANCE


def _find_traces(page):
    """Return the rotation of a page in degrees, and the pixels of the page that its rows span."""
    reduction = -(-max(page.lightest.size) // _MAX_SIDE)
    image = page.lightest.reduce(reduction) if reduction > 1 else page.lightest
    darkness = measure_darkness(image)
    strong = quantiles(darkness[::2, ::2], [0.996])[0]
    is_ink = darkness > max(_INK * strong, 1)
    y, x = np.nonzero(is_ink)
    if len(x) == 0:
        raise PageRefusedError("traces", "there is no ink on the page")
    degrees = _find_rotation(x, y)
    # Thin lines may have gaps of a pixel.
    labels, _ = label(halve(is_ink), structure=np.ones((3, 3), dtype=int))
    least = _TRACE_WIDTH * labels.shape[1]
    spans = [
        (columns.start, columns.stop)
        for _, columns in find_objects(labels)
        if columns.stop - columns.start >= least
    ]
    if not spans:
        raise PageRefusedError("traces", "there are no traces on the page")
    first, last = np.min(spans, axis=0)[0], np.max(spans, axis=0)[1]
    return degrees, 2 * (last - first) * reduction / np.cos(np.radians(degrees))


def _find_rotation(x, y):
    """Return the degrees by which the lines of traces are turned clockwise.

    In the direction of the lines, most ink is in few rows of pixels.
    """

    def score(degrees):
        rows = y - np.tan(np.radians(degrees)) * x
        counts = np.bincount((rows - rows.min()).astype(np.intp))
        return float((counts.astype(float) ** 2).sum())

    best, reach = 0.0, _MAX_DEGREES
    for step in (5 * _FINEST, _FINEST):
        tried = best + np.arange(-reach, reach + step / 2, step)
        best = float(tried[np.argmax([score(degrees) for degrees in tried])])
        reach = step
    return best


def _make_sheet(page, degrees, pitch, rows=None):
    """Return a plane sheet of paper: the part around rows, or as much as the image shows."""
    width, height = page.lightest.size
    angle = np.radians(degrees)
    to_paper = np.eye(3)
    to_paper[:2, :2] = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    to_paper[:2] /= pitch
    image = paper_bounds(to_paper, width, height)
    # Of the image, nothing is outside of the sheet.
    low, high = np.array(image[:2]) - _BLOCK, np.array(image[2:]) + _BLOCK
    if rows is not None:
        low, high = np.maximum(low, rows.bounds[:2]), np.minimum(high, rows.bounds[2:])
    n_columns, n_rows = np.ceil((high - low) / _BLOCK).astype(int).tolist()
    origin = tuple(float(side + _BLOCK / 2) for side in low)
    return Grid(
        to_paper=to_paper,
        pitch=(pitch * page.reduction, pitch * page.reduction),
        rotation=float(degrees),
        perspective=0.0,
        share=1.0,
        sheet=Sheet(np.ones((n_rows, n_columns), dtype=bool), origin, _BLOCK),
        bend=None,
        n_rows=0 if rows is None else rows.n_rows,
    )

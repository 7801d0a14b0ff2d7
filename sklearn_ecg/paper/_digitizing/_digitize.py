"""All steps from the image of a page to its signals, with a report."""

from dataclasses import dataclass, field, replace

import numpy as np

from ...leads import STANDARD_LEADS
from ._assembly import check_length, find_time_axis, read_lead
from ._confusion import (
    check_borders,
    check_confusion,
    cut_ends,
    has_large_jump,
    mark_removed,
)
from ._grid_fit import fit_grid
from ._grid_removal import check_levels
from ._layouts import (
    COLUMN_SECONDS,
    MAX_LIMB_RESIDUAL,
    READABLE_LAYOUTS,
    check_second_column,
    limb_residual,
    places_of,
)
from ._pages import split_channels
from ._plain_pages import scale_by_pulses
from ._refusal import PageRefusedError
from ._strips import fill_from_strips
from ._traces import follow_traces

# Share of the grid that has to agree with a perspective, if the pitch varies by more than this.
_MIN_SHARE, _PERSPECTIVE = 0.85, 0.02
# Share of a lead that must be recovered.
_MIN_RECOVERED = 0.7
# Tolerance of the height of the pulse, as a ratio.
_PULSE_TOLERANCE = 0.08
# Pulses on a page whose grid is as dark as ink; one or two may begin along a line.
_LEAST_PULSES = 3
# mm: pulses of at least this width are those of 0.2 s at 50 mm/s. At 25 mm/s, they have 5 mm.
_FAST_PULSE = 7.5
# Seconds by which the length of rows may differ from that of the layout before time 0 is checked,
# the places of time 0 that are tried, as shares of this difference, and how much better and how
# many times better the limb leads have to agree with one of them for time 0 to be doubtful.
_LENGTH_DIFFERENCE, _OTHER_STARTS = 0.1, (0.25, 0.5, 0.75, 1.0)
_RESIDUAL_GAIN, _RESIDUAL_RATIO = 0.01, 2.0
# Hz at which limb leads are compared, so that refusals do not depend on the rate of the signals.
_CHECKED_RATE = 100
# mm by which the starts of rows may differ.
_MAX_SPREAD = 1.5


@dataclass
class PageReading:
    """What was found on a page; the fields after `reason` are None if it was refused before."""

    signals: np.ndarray
    status: str = "digitized"
    kind: str = ""
    reason: str = ""
    facts: dict = field(default_factory=dict)


@dataclass
class PageOptions:
    """How pages are digitized: the parameters of `ECGImageDigitizer`."""

    sampling_rate: float
    n_times: int
    layout: str
    paper_speed: float
    gain: float
    rhythm_strip: str


def digitize_page(image, options, given, steps=None):
    """Digitize the image of a page.

    Parameters
    ----------
    image : Image
        Of mode L or RGB.
    options : PageOptions
    given : ImageFacts
        Of the image that was given.
    steps : dict, default=None
        Gets what each step finds, in place. Of a refused page, it has what was found before.

    Returns
    -------
    reading : PageReading
        With signals of NaN if the page is refused.
    """
    empty = np.full((len(STANDARD_LEADS), options.n_times), np.nan, dtype=np.float32)
    reading = PageReading(empty)
    reading.facts.update(zip(("height", "width"), given.shape))
    try:
        reading.signals = _digitize(
            image, options, reading.facts, given.reduction, {} if steps is None else steps
        )
    except PageRefusedError as refusal:
        reading.status, reading.kind, reading.reason = "refused", refusal.kind, refusal.reason
    return reading


def _digitize(image, options, facts, reduction, steps):
    steps["page"] = page = split_channels(image, reduction)
    facts["reduction"] = page.reduction
    grid = fit_grid(page, options.paper_speed)
    if grid is None:
        grid = scale_by_pulses(page, options, steps)
    steps["grid"] = grid
    facts.update(
        scale_from="grid" if grid.has_lines else "pulses",
        pixels_per_mm_x=grid.pitch[0],
        pixels_per_mm_y=grid.pitch[1],
        rotation=grid.rotation,
    )
    if grid.has_lines:
        facts.update(perspective=grid.perspective, grid_share=grid.share)
    _check_grid(grid)
    check_levels(page, grid)
    traces = follow_traces(page, grid, options.layout, steps)
    upright, paths, scale = traces.upright, traces.paths, traces.upright.scale
    curves = traces.make_curves()
    axis = find_time_axis(
        curves,
        upright.scales,
        options.paper_speed,
        traces.rulings,
        scale_error=grid.scale_error,
    )
    _check_pulses(axis, options, facts)
    _check_dark_lines(upright, facts)
    facts.update(seconds=axis.printed_seconds, start_spread=axis.spread)
    cut_ends(paths, axis, scale)
    # What was removed does not limit the curves.
    curves = traces.make_curves()
    mark_removed(paths, curves, traces.removed)
    best = None
    n_times = round(options.n_times * _CHECKED_RATE / options.sampling_rate)
    checked = replace(options, sampling_rate=_CHECKED_RATE, n_times=n_times)
    for layout in traces.layouts:
        candidate = _read_leads(layout, curves, axis, checked, upright.scales)
        residual = max(candidate["residuals"])
        if best is None or residual < best[0]:
            best = residual, layout, candidate
    _, layout, candidate = best
    if options.sampling_rate != _CHECKED_RATE:
        candidate = _read_leads(layout, curves, axis, options, upright.scales)
    facts.update(
        layout=layout,
        lead_order="standard, by position",
        limb_residual=best[0],
        recovered=candidate["recovered"],
        lead_boxes=_to_image(candidate["boxes"], upright),
    )
    steps["lead_lines"] = {
        name: np.stack(upright.to_image(*line), axis=1) for name, line in candidate["lines"].items()
    }
    check_length(axis, READABLE_LAYOUTS[layout][1])
    if not best[0] <= MAX_LIMB_RESIDUAL:
        raise PageRefusedError(
            "leads",
            f"the limb leads contradict II = I + III or aVR + aVL + aVF = 0 (residual "
            f"{best[0]:.2f}): the leads are in other places, or traces were confused",
        )
    check_second_column(layout, dict(zip(STANDARD_LEADS, candidate["signals"])))
    _check_start(layout, curves, axis, checked, upright.scales)
    poor = [name for name, share in candidate["recovered"].items() if share < _MIN_RECOVERED]
    if poor:
        raise PageRefusedError("traces", f"the traces of {', '.join(poor)} are incomplete")
    signals = candidate["signals"]
    places, strips = places_of(layout)
    check_confusion(paths, places, axis, scale, facts)
    check_borders(paths, places, axis, scale, upright.outside, facts)
    is_doubtful = [has_large_jump(paths, strip, axis, scale) for strip in strips]
    candidate["strips"][is_doubtful] = np.nan
    facts["rhythm_leads"] = fill_from_strips(
        signals, candidate["strips"], fill=options.rhythm_strip == "fill"
    )
    if axis.spread > _MAX_SPREAD:
        raise PageRefusedError(
            "time",
            f"the rows begin at places that differ by {axis.spread:.1f} mm, so that time 0 is "
            "unknown",
        )
    facts["confidence"] = _confidence(grid, axis, best[0], candidate["recovered"])
    return signals.astype(np.float32)


def _check_grid(grid):
    """Raise if a page in perspective agrees with too little of its grid.

    Where the grid is not legible, the map to the paper is a guess, and so is the time.
    """
    if grid.perspective > _PERSPECTIVE and grid.share < _MIN_SHARE:
        raise PageRefusedError(
            "grid",
            f"the page is in perspective, and only {grid.share:.0%} of its grid agrees with that: "
            "parts of the grid are not legible",
        )


def _check_pulses(axis, options, facts):
    """Raise if the calibration pulses contradict the gain or the paper speed."""
    pulses = [pulse for pulse in axis.pulses if pulse is not None]
    heights = np.array([pulse.height for pulse in pulses])
    facts["n_pulses"] = len(heights)
    facts["pulse_height"] = float(np.median(heights)) if pulses else None
    if not pulses:
        return
    # One of several may be something else.
    if (np.abs(heights / options.gain - 1) > _PULSE_TOLERANCE).all():
        raise PageRefusedError(
            "scale",
            f"the calibration pulse is {facts['pulse_height']:.1f} mm high, but "
            f"gain={options.gain:g} mm/mV",
        )
    per_mm = axis.per_second / options.paper_speed
    width = float(np.median([pulse.right - pulse.left for pulse in pulses])) / per_mm
    if options.paper_speed == 25 and len(pulses) > 1 and width >= _FAST_PULSE:
        raise PageRefusedError(
            "time",
            f"the calibration pulse is {width:.0f} mm wide, as at 50 mm/s, but paper_speed=25",
        )


def _check_dark_lines(upright, facts):
    """Raise if lines as dark as ink hide most pulses: time 0 would depend on a few of them."""
    if upright.has_dark_lines and 0 < facts["n_pulses"] < _LEAST_PULSES:
        raise PageRefusedError(
            "time",
            "the lines of the grid are as dark as the traces, and few calibration pulses are "
            "legible, so that time 0 is unknown",
        )


def _check_start(layout, curves, axis, options, scales):
    """Raise if the limb leads agree much better when time 0 is elsewhere.

    A page whose left side is cut off begins later than time 0. The columns of leads are then
    elsewhere, and the last part of each lead is that of the next one.
    """
    n_columns = READABLE_LAYOUTS[layout][1]
    missing = n_columns * COLUMN_SECONDS[n_columns] - axis.seconds
    if n_columns == 1 or abs(missing) <= _LENGTH_DIFFERENCE:
        return

    def residual(share):
        start = axis.start - share * missing * axis.per_second
        moved = replace(axis, start=start, seconds=axis.seconds + share * missing)
        return sum(_read_leads(layout, curves, moved, options, scales)["residuals"])

    current, best = residual(0.0), min(map(residual, _OTHER_STARTS))
    if current > max(best + _RESIDUAL_GAIN, _RESIDUAL_RATIO * best):
        raise PageRefusedError(
            "time",
            f"the rows show {axis.seconds:.1f} s, and the limb leads agree much better if time 0 "
            "is elsewhere: the left side of the page may be cut off",
        )


def _read_leads(layout, curves, axis, options, scales):
    """Read all leads of a page as if it had a layout."""
    places, strips = places_of(layout)
    result = {"recovered": {}, "boxes": {}, "lines": {}}
    # With the foot of its pulse, a row has an absolute zero.
    zeros = [None if pulse is None else pulse.foot for pulse in axis.pulses]
    signals = []
    for place in [*places, *strips]:
        signal, recovered, box, line = read_lead(
            curves[place.row],
            place,
            axis,
            zero=zeros[place.row],
            per_millivolt=scales[1] * options.gain,
            sampling_rate=options.sampling_rate,
            n_times=options.n_times,
            scale=scales[0],
        )
        signals.append(signal)
        if not place.name.startswith("strip"):
            result["recovered"][place.name] = recovered
            result["boxes"][place.name] = box
            result["lines"][place.name] = line
    result["signals"] = np.array(signals[: len(places)])
    result["strips"] = np.array(signals[len(places) :]).reshape(len(strips), options.n_times)
    by_name = dict(zip(STANDARD_LEADS, result["signals"]))
    residuals = [value for value in limb_residual(by_name) if not np.isnan(value)]
    result["residuals"] = residuals or [np.inf]
    return result


def _to_image(boxes, upright):
    """Return the boxes of leads in pixels of the image that was given."""
    found = {}
    for name, box in boxes.items():
        if box is None:
            found[name] = None
            continue
        top, bottom, left, right = box
        x, y = upright.to_image(
            np.array([left, right, left, right]), np.array([top, top, bottom, bottom])
        )
        found[name] = tuple(
            int(value)
            for value in (np.floor(y.min()), np.ceil(y.max()), np.floor(x.min()), np.ceil(x.max()))
        )
    return found


def _confidence(grid, axis, residual, recovered):
    """Return a number from 0 to 1: the weakest of the checks."""
    return float(
        min(
            grid.share,
            1 - residual,
            np.nanmin(list(recovered.values())),
            1 - min(axis.spread / 10, 1.0),
        )
    )

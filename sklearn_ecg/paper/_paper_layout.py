"""A page of ECG paper: where each lead is drawn, and what stands on it before any is."""

from dataclasses import dataclass
from functools import partial
from math import ceil, floor

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..leads import STANDARD_LEADS
from ._rasterize import draw_traces

# Rows and columns of the layouts, the leads down the columns. "12x1" takes any leads.
LAYOUTS = {"3x4": (3, 4), "6x2": (6, 2), "12x1": (12, 1)}

# Seconds, left and right of the traces: the pulse needs the first.
_LEFT, _RIGHT = 0.52, 0.08
_PULSE = (-0.36, -0.16)  # s, of 1 mV, with 0.08 s of zero before and after
_PULSE_EDGE = 0.08
# mV, what a row has room for at least. Of a lower one R-peaks would be cut off too often.
_ROW = 2.5
_TOP = 1.0  # mV, above the first of rows that are low
_SQUARE = 5.0  # mm, of the bold lines
_LABEL, _SMALLEST_LABEL = 3.5, 8  # mm and pixels, height of the letters' line
_TICK = 2.5  # mm, half the height of what parts two leads
_SHORTEST_TICK = 4  # pixels, below which it would look like a wave
_LINE = 0.3  # mm, of a trace that is no thinner than a pixel
# Panels of fewer pixels show nothing.
_LOWEST_ROW, _NARROWEST_COLUMN = 4, 8

_PAPER = (255, 255, 255)
# Lines of 1 mm and of 5 mm: colour and width in mm.
_GRID = ((1.0, (248, 214, 208), 0.1), (_SQUARE, (235, 167, 159), 0.15))
# Pixels between lines, from where they begin to show to where they do in full. Closer lines would
# make patterns with the pixels.
_FADE = (2.5, 7.0)


@dataclass(frozen=True)
class Panel:
    """A lead, or the rhythm strip, on the page. Pixels are counted from the upper left corner."""

    name: str
    lead: int | None  # position among the signals; None is an empty panel
    row: int
    column: int
    box: tuple  # top, bottom, left, right, whole pixels
    x: float  # where its time begins
    zero: float  # where 0 mV is
    limits: tuple  # upper and lower end of what a trace may take
    label: tuple | None  # box of the label


@dataclass(frozen=True)
class Page:
    """Panels, and the scale that all of the page has."""

    size: tuple  # height, width
    scale: float  # pixels per mm
    speed: float  # mm/s
    gain: float  # mm/mV
    n_columns: int
    letters: int  # height of the labels' line
    panels: tuple
    strip: Panel | None

    @property
    def per_second(self):
        return self.scale * self.speed

    @property
    def per_millivolt(self):
        return self.scale * self.gain

    @property
    def line_width(self):
        return max(1.0, _LINE * self.scale)

    @property
    def amplitudes(self):
        """How far from 0 every panel has room, upwards and downwards, in mV."""
        return min(min(-low, high) for low, high in map(self.room, self.every))

    @property
    def every(self):
        """All panels, the strip among them."""
        return self.panels if self.strip is None else (*self.panels, self.strip)

    def room(self, panel):
        """The lowest and the highest value that a panel has room for, in mV."""
        upper, lower = panel.limits
        half = self.line_width / 2
        return (
            (panel.zero - lower + half) / self.per_millivolt,
            (panel.zero - upper - half) / self.per_millivolt,
        )


def lay_out(places, n_rows, strip, *, size, speed, gain, duration, overlap):
    """Lay out a page.

    Parameters
    ----------
    places : list of (name, lead), with None for a lead that is not there
        Down the columns.
    n_rows : int
        Of these places.
    strip : (name, lead) or None
        The rhythm strip.
    size : (int, int)
        Height and width in pixels.
    speed, gain, duration : float
        mm/s, mm/mV and s.
    overlap : bool
        Whether traces may reach through the rows above and below.

    Returns
    -------
    page : Page
    """
    height, width = size
    n_columns = ceil(len(places) / n_rows)
    n_all = n_rows + (strip is not None)
    smallest = (_LOWEST_ROW * n_all, _NARROWEST_COLUMN * n_columns)
    if height < smallest[0] or width < smallest[1]:
        raise ValueError(
            f"image_size={size} (height, width) is too small for {n_all} row(s) and {n_columns} "
            f"column(s) of leads, which need {smallest}. Pass a larger image_size, or fewer leads."
        )
    page_width = (_LEFT + duration + _RIGHT) * speed
    lowest = _SQUARE * ceil(_ROW * gain / _SQUARE)
    extra = _TOP * gain if n_columns == 1 else 0.0
    scale = min(width / page_width, height / (n_all * lowest + extra))
    # Labels stand above the traces in columns, and left of them in rows as wide as the page.
    letters = max(_SMALLEST_LABEL, round(_LABEL * scale))
    names = [name for name, _ in places]
    above = beside = 0
    if n_columns > 1:
        above = _fits(letters + 1, 0.35 * height / n_all)
        scale = min(scale, (height - n_all * above) / (n_all * lowest))
    else:
        beside = _fits(ceil(_widest(names, letters)) + 2, 0.25 * width)
        beside = beside if letters <= height / n_all else 0
        scale = min(scale, (width - beside) / page_width)

    # Zero lines are on bold lines of the grid: so many squares apart, all of one height.
    square = _SQUARE * scale
    pitch = square * floor((height - extra * scale) / n_all / square + 1e-9)
    top = (height + extra * scale - n_all * pitch) / 2
    start = (width - beside - page_width * scale) / 2 + beside + _LEFT * speed * scale
    column = duration / n_columns * speed * scale
    edges = [round(start + i * column) for i in range(n_columns + 1)]
    rows = [round(top + i * pitch) for i in range(n_all + 1)]

    def panel(row, column_number, left, right, name, lead):
        upper = top + row * pitch + above
        lower = top + (row + 1) * pitch
        zero = (upper + lower) / 2
        if overlap:
            # A pixel less, so that every third row shares none.
            reach = max(0.0, pitch - 1)
            upper, lower = top + row * pitch - reach, lower + reach
            upper, lower = max(0.0, upper), min(float(height), lower)
        label = None
        if above:
            label = (rows[row], rows[row] + above, left, right)
        elif beside:
            margin = round(start - _LEFT * speed * scale) - beside
            label = (rows[row], rows[row + 1], margin, margin + beside)
        return Panel(
            name,
            lead,
            row,
            column_number,
            (rows[row], rows[row + 1], left, right),
            start + column_number * column,
            zero,
            (upper, lower),
            label,
        )

    panels = tuple(
        panel(i % n_rows, i // n_rows, edges[i // n_rows], edges[i // n_rows + 1], *place)
        for i, place in enumerate(places)
    )
    if strip is not None:
        strip = panel(n_rows, 0, edges[0], edges[-1], *strip)
    return Page(size, scale, speed, gain, n_columns, letters, panels, strip)


def draw_background(page, *, grid, calibration, labels, color):
    """Paper, labels and calibration pulses: (height, width) or (height, width, 3), uint8."""
    picture = np.empty((*page.size, 3), dtype=np.float32)
    picture[:] = _PAPER
    if grid:
        for millimetres, ink, line in _GRID:
            _draw_grid(picture, page, millimetres, ink, line)
    if labels:
        for panel in page.every:
            if panel.label is not None:
                _draw_label(picture, panel, page.letters)
            if panel.column > 0 and _TICK * page.scale >= _SHORTEST_TICK:
                _draw_tick(picture, page, panel)
    picture = np.rint(picture).astype(np.uint8)
    if color == "grey":
        picture = np.array(Image.fromarray(picture).convert("L"))
    if calibration:
        # One for each row.
        _draw_pulses(picture, page, [panel for panel in page.every if panel.column == 0])
    return picture


def _fits(pixels, room):
    return pixels if pixels <= room else 0


def _font(letters):
    return ImageFont.load_default(letters)


def _widest(names, letters):
    return max(_font(letters).getlength(name) for name in names)


def _draw_grid(picture, page, millimetres, ink, line):
    """Lines that cover parts of pixels, through time 0 and 0 mV of the first panel."""
    pitch = millimetres * page.scale
    strength = np.clip((pitch - _FADE[0]) / (_FADE[1] - _FADE[0]), 0, 1)
    if strength == 0:
        return
    first = page.panels[0]
    covered = partial(_cover, pitch=pitch, width=max(1.0, line * page.scale))
    rows = covered(page.size[0], first.zero)
    columns = covered(page.size[1], first.x)
    cover = np.float32(strength) * np.maximum(rows[:, None], columns)[:, :, None]
    picture += cover * (np.asarray(ink, dtype=np.float32) - picture)


def _cover(n_pixels, origin, pitch, width):
    """The part of each pixel that lines cover."""
    edges = np.arange(n_pixels + 1) - (origin - width / 2)
    # What lines cover from the first edge of all on.
    whole, rest = np.divmod(edges, pitch)
    return np.diff(whole * width + np.minimum(rest, width)).astype(np.float32)


def _draw_label(picture, panel, letters):
    top, bottom, left, right = panel.label
    mask = Image.new("L", (right - left, bottom - top))
    # Of one height for all letters, whatever parts they have.
    ImageDraw.Draw(mask).text((1, (bottom - top) / 2), panel.name, 255, _font(letters), "lm")
    cover = np.asarray(mask, dtype=np.float32)[:, :, None] / 255
    picture[top:bottom, left:right] *= 1 - cover


def _draw_tick(picture, page, panel):
    """Where one lead ends and the next begins."""
    top, bottom = (round(panel.zero + side * _TICK * page.scale) for side in (-1, 1))
    picture[max(top, 0) : bottom, panel.box[2]] = 0


def _draw_pulses(picture, page, panels):
    """1 mV for 0.2 s before each row."""
    first, last = _PULSE[0] - _PULSE_EDGE, _PULSE[1] + _PULSE_EDGE
    # So many points that the edges are upright.
    rate = 64 * page.per_second
    seconds = first + np.arange(round((last - first) * rate) + 1) / rate
    pulse = ((seconds >= _PULSE[0]) & (seconds < _PULSE[1])).astype(np.float32)
    left = round(panels[0].x + first * page.per_second)
    right = round(panels[0].x + last * page.per_second)
    positions = (np.arange(left, right + 1) - panels[0].x) / page.per_second
    edges = np.clip((positions - first) * rate, 0, len(pulse) - 1)
    draw_traces(
        picture[np.newaxis],
        np.broadcast_to(pulse, (1, len(panels), len(pulse))),
        edges,
        left,
        zeros=[panel.zero for panel in panels],
        limits=[panel.limits for panel in panels],
        per_millivolt=page.per_millivolt,
        line_width=page.line_width,
    )


def choose_places(layout, names, missing_leads):
    """The leads of a layout in their places, as `lay_out` takes them, and the number of rows.

    Parameters
    ----------
    layout : str
    names : tuple of str or None
        Of the signals.
    missing_leads : {"raise", "empty"}

    Returns
    -------
    places : list of (str, int or None)
    n_rows : int
    """
    rank = {lead: position for position, lead in enumerate(STANDARD_LEADS)}
    if layout == "12x1":
        # sorted is stable: leads of no rank keep their order.
        ordered = sorted(names, key=lambda name: rank.get(name, len(rank)))
        return [(name, names.index(name)) for name in ordered], len(names)
    further = [name for name in names if name not in rank]
    if further:
        raise ValueError(
            f"layout={layout!r} has no panel for the lead(s) {', '.join(further)}. Pass "
            "layout='12x1', which draws any leads, or leave them out with LeadSelector."
        )
    missing = [lead for lead in STANDARD_LEADS if lead not in names]
    if missing and missing_leads == "raise":
        raise ValueError(
            f"layout={layout!r} has panels for the twelve standard leads, but {', '.join(missing)} "
            "missing. Pass missing_leads='empty' to leave their panels empty, layout='12x1', or "
            "derive limb leads with LeadDeriver."
        )
    places = [(lead, names.index(lead) if lead in names else None) for lead in STANDARD_LEADS]
    return places, LAYOUTS[layout][0]

"""The background of a page: the grid, the labels of the leads and the calibration pulses."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from ._paper_layout import BOLD_STEP, FINE_STEP, PULSE_EDGE, PULSE_END, PULSE_START, TICK
from ._pixel_page import TEXT_LINE
from ._print_style import ink_of_channels, load_font
from ._rasterize import Trace, TraceGroup

# Width of the lines of 1 mm, as a fraction of those of 5 mm.
_FINE_WIDTH = 0.1 / 0.15
# Pixels between lines: closer ones fade, and are left out below the first number. They would make
# moiré patterns with the pixels.
_FADE = (2.5, 7.0)
# Pixels: a shorter tick would look like a wave.
_MIN_TICK = 4


# Records are often rendered one by one or batch by batch, on the same page.
@lru_cache(maxsize=2)
def draw_background(page, style, *, color):
    """Draw everything but the traces.

    Parameters
    ----------
    page : PixelPage
    style : PrintStyle
    color : {"gray", "rgb"}

    Returns
    -------
    image : ndarray of shape (height, width) or (height, width, 3), uint8
        Read-only, because the next call returns the same array.
    """
    image = np.empty((*page.size, 3), dtype=np.float32)
    image[:] = style.paper
    if style.grid:
        dots = style.grid == "dots"
        fine_width = _FINE_WIDTH * style.grid_width
        _blend_grid(image, page, FINE_STEP, style.fine, fine_width, dots=dots)
        _blend_grid(image, page, BOLD_STEP, style.bold, style.grid_width)
    font = load_font(style.font, page.label_height)
    for panel in page.all_panels:
        if style.labels and panel.label is not None:
            _write(image, panel.name, panel.label, font, style.ink)
        if panel.column > 0:
            _draw_separator(image, page, panel, style)
    for text, box in ((style.header, page.header), (style.footer, page.footer)):
        if text:
            _write_lines(image, text, box, page.label_height, font, style.ink)
    image = np.rint(image).astype(np.uint8)
    if color == "gray":
        image = np.array(Image.fromarray(image).convert("L"))
    if style.calibration:
        # One pulse for each row.
        panels = [panel for panel in page.all_panels if panel.column == 0]
        _draw_pulses(image, page, panels, ink_of_channels(style.ink, color))
    image.flags.writeable = False
    return image


def _blend_grid(image, page, step, color, width, *, dots=False):
    """Draw lines ``step`` mm apart, through time 0 and 0 mV of the first panel.

    Dots are drawn where lines would cross.
    """
    distance = step * page.scale
    strength = np.clip((distance - _FADE[0]) / (_FADE[1] - _FADE[0]), 0, 1)
    if strength == 0:
        return
    first = page.panels[0]
    width = max(1.0, width * page.scale)
    rows = _coverage(page.size[0], first.zero, distance, width)
    columns = _coverage(page.size[1], first.x, distance, width)
    combine = np.multiply if dots else np.maximum
    alpha = np.float32(strength) * combine(rows[:, None], columns)[:, :, None]
    image += alpha * (np.asarray(color, dtype=np.float32) - image)


def _coverage(n_pixels, origin, distance, width):
    """Return the part of each pixel that is covered by lines."""
    edges = np.arange(n_pixels + 1) - (origin - width / 2)
    # The width covered between the first edge and each edge.
    n_lines, rest = np.divmod(edges, distance)
    return np.diff(n_lines * width + np.minimum(rest, width)).astype(np.float32)


def _write(image, text, box, font, ink):
    """Write one line of text in a box of the page; the part outside the box is cut off."""
    top, bottom, left, right = box
    mask = Image.new("L", (right - left, bottom - top))
    # The anchor "lm" puts all names on one height, with or without descenders.
    position = (1, (bottom - top) / 2)
    ImageDraw.Draw(mask).text(position, text, 255, font, "lm")
    alpha = np.asarray(mask, dtype=np.float32)[:, :, None] / 255
    image[top:bottom, left:right] *= 1 - alpha
    image[top:bottom, left:right] += alpha * np.asarray(ink, dtype=np.float32)


def _write_lines(image, text, box, height, font, ink):
    top, _, left, right = box
    line_height = round(TEXT_LINE * height)
    for line in text.splitlines():
        _write(image, line, (top, top + line_height, left, right), font, ink)
        top += line_height


def _draw_separator(image, page, panel, style):
    """Mark where one lead ends and the next one begins."""
    top, bottom, left, _ = panel.box
    if style.separators == "lines":
        image[top:bottom, left : left + round(page.line_width)] = style.ink
    elif style.separators == "ticks" and style.labels and TICK * page.scale >= _MIN_TICK:
        top, bottom = (round(panel.zero + side * TICK * page.scale) for side in (-1, 1))
        image[max(top, 0) : bottom, left] = style.ink


def _draw_pulses(image, page, panels, ink):
    """Draw 1 mV for 0.2 s before or after each row."""
    start, stop = PULSE_START, PULSE_END
    if page.pulse_after is not None:
        start, stop = page.pulse_after - PULSE_END, page.pulse_after - PULSE_START
    first, last = start - PULSE_EDGE, stop + PULSE_EDGE
    # Enough points for vertical edges.
    rate = 64 * page.per_second
    seconds = first + np.arange(round((last - first) * rate) + 1) / rate
    pulse = ((seconds >= start) & (seconds < stop)).astype(np.float32)
    left = round(panels[0].x + first * page.per_second)
    right = round(panels[0].x + last * page.per_second)
    positions = (np.arange(left, right + 1) - panels[0].x) / page.per_second
    edges = np.clip((positions - first) * rate, 0, len(pulse) - 1)
    traces = [Trace(edges, len(pulse), left, panel.zero, panel.limits) for panel in panels]
    group = TraceGroup(traces, per_millivolt=page.per_millivolt, line_width=page.line_width)
    group.draw(image[np.newaxis], np.tile(pulse, (1, len(panels))), ink)

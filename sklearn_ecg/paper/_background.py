"""The background of a page: the grid, the labels of the leads and the calibration pulses."""

import numpy as np
from PIL import Image, ImageDraw

from ._paper_layout import (
    BOLD_COLOR,
    BOLD_STEP,
    FINE_COLOR,
    FINE_STEP,
    PULSE_EDGE,
    PULSE_END,
    PULSE_START,
    TICK,
)
from ._pixel_page import label_font
from ._rasterize import draw_traces

_PAPER_COLOR = (255, 255, 255)
# Distance, color and width in mm of the grid's lines.
_GRID_IN_MM = ((FINE_STEP, FINE_COLOR, 0.1), (BOLD_STEP, BOLD_COLOR, 0.15))
# Pixels between lines: closer ones fade, and are left out below the first number. They would make
# moiré patterns with the pixels.
_FADE = (2.5, 7.0)
# Pixels: a shorter tick would look like a wave.
_MIN_TICK = 4


def draw_background(page, *, grid, calibration, labels, color):
    """Draw everything but the traces.

    Parameters
    ----------
    page : PixelPage
    grid, calibration, labels : bool
        What to draw on the paper.
    color : {"gray", "rgb"}

    Returns
    -------
    image : ndarray of shape (height, width) or (height, width, 3), uint8
    """
    image = np.empty((*page.size, 3), dtype=np.float32)
    image[:] = _PAPER_COLOR
    if grid:
        for step, line_color, width in _GRID_IN_MM:
            _blend_grid(image, page, step, line_color, width)
    if labels:
        for panel in page.all_panels:
            if panel.label is not None:
                _write_label(image, panel, page.label_height)
            if panel.column > 0 and TICK * page.scale >= _MIN_TICK:
                _draw_tick(image, page, panel)
    image = np.rint(image).astype(np.uint8)
    if color == "gray":
        image = np.array(Image.fromarray(image).convert("L"))
    if calibration:
        # One pulse for each row.
        _draw_pulses(image, page, [panel for panel in page.all_panels if panel.column == 0])
    return image


def _blend_grid(image, page, step, color, width):
    """Draw lines ``step`` mm apart, through time 0 and 0 mV of the first panel."""
    distance = step * page.scale
    strength = np.clip((distance - _FADE[0]) / (_FADE[1] - _FADE[0]), 0, 1)
    if strength == 0:
        return
    first = page.panels[0]
    width = max(1.0, width * page.scale)
    rows = _coverage(page.size[0], first.zero, distance, width)
    columns = _coverage(page.size[1], first.x, distance, width)
    alpha = np.float32(strength) * np.maximum(rows[:, None], columns)[:, :, None]
    image += alpha * (np.asarray(color, dtype=np.float32) - image)


def _coverage(n_pixels, origin, distance, width):
    """Return the part of each pixel that is covered by lines."""
    edges = np.arange(n_pixels + 1) - (origin - width / 2)
    # The width covered between the first edge and each edge.
    n_lines, rest = np.divmod(edges, distance)
    return np.diff(n_lines * width + np.minimum(rest, width)).astype(np.float32)


def _write_label(image, panel, label_height):
    top, bottom, left, right = panel.label
    mask = Image.new("L", (right - left, bottom - top))
    # The anchor "lm" puts all names on one height, with or without descenders.
    position = (1, (bottom - top) / 2)
    ImageDraw.Draw(mask).text(position, panel.name, 255, label_font(label_height), "lm")
    alpha = np.asarray(mask, dtype=np.float32)[:, :, None] / 255
    image[top:bottom, left:right] *= 1 - alpha


def _draw_tick(image, page, panel):
    """Mark where one lead ends and the next one begins."""
    top, bottom = (round(panel.zero + side * TICK * page.scale) for side in (-1, 1))
    image[max(top, 0) : bottom, panel.box[2]] = 0


def _draw_pulses(image, page, panels):
    """Draw 1 mV for 0.2 s before each row."""
    first, last = PULSE_START - PULSE_EDGE, PULSE_END + PULSE_EDGE
    # Enough points for vertical edges.
    rate = 64 * page.per_second
    seconds = first + np.arange(round((last - first) * rate) + 1) / rate
    pulse = ((seconds >= PULSE_START) & (seconds < PULSE_END)).astype(np.float32)
    left = round(panels[0].x + first * page.per_second)
    right = round(panels[0].x + last * page.per_second)
    positions = (np.arange(left, right + 1) - panels[0].x) / page.per_second
    edges = np.clip((positions - first) * rate, 0, len(pulse) - 1)
    draw_traces(
        image[np.newaxis],
        np.broadcast_to(pulse, (1, len(panels), len(pulse))),
        edges,
        left,
        zeros=[panel.zero for panel in panels],
        limits=[panel.limits for panel in panels],
        per_millivolt=page.per_millivolt,
        line_width=page.line_width,
    )

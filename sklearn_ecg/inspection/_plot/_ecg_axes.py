"""ECG paper on matplotlib axes, in seconds and mV."""

from typing import NamedTuple

import numpy as np

from ...leads import STANDARD_LEADS
from ...paper._paper_layout import (
    BOLD_COLOR,
    BOLD_STEP,
    FINE_COLOR,
    FINE_STEP,
    LAYOUTS,
    LEFT_MARGIN,
    MM_PER_MILLIVOLT,
    MM_PER_SECOND,
    RIGHT_MARGIN,
    TICK,
    calibration_pulse,
    lay_out_panels,
    stack_rows,
)
from ._plot_style import BLUE, VERMILION, check_option

# A longer or higher page is drawn at a smaller scale.
_MAX_PAGE_MM = 450.0
# Seconds: the text below the axes needs this width.
_MIN_WIDTH = 1.8
# Seconds of each lead that a column shows at least, when the layout is given and when it is not.
_MIN_PART, _MIN_DEFAULT_PART = 0.5, 1.0
# mV of room above a trace for the name of its lead, above that for R-peaks, and above the first
# row for a note.
_NAME_ROOM, _PEAK_ROOM, _NOTE_ROOM = 0.4, 0.35, 0.4
# Distance, color and width in points of the grid's lines.
_GRID_IN_POINTS = ((FINE_STEP, FINE_COLOR, 0.4), (BOLD_STEP, BOLD_COLOR, 0.6))


class Rows(NamedTuple):
    """The rows of a page, from the top to the bottom, on a y-axis in mV.

    Attributes
    ----------
    zero_lines : list of float
        Height of 0 mV.
    names : list of float
        Height of the names of the leads.
    areas : list of (float, float)
        Lower and upper end.
    low, high : float
        Limits of the y-axis.
    """

    zero_lines: list
    names: list
    areas: list
    low: float
    high: float


def choose_layout(layout, rhythm_lead, lead_names, seconds):
    """Lay out a record, by default in as many columns as are readable."""
    is_standard = set(lead_names) == set(STANDARD_LEADS)
    part = {layout: seconds / n_columns for layout, (_, n_columns) in LAYOUTS.items()}
    if layout is None:
        readable = [layout for layout in LAYOUTS if part[layout] >= _MIN_DEFAULT_PART]
        layout = [*readable, "12x1"][0] if is_standard else "12x1"
    check_option("layout", layout, LAYOUTS)
    if layout != "12x1" and not is_standard:
        raise ValueError(
            f"layout={layout!r} requires the twelve standard leads, but the record has "
            f"{', '.join(lead_names)}. Pass layout='12x1'."
        )
    if layout != "12x1" and part[layout] < _MIN_PART:
        raise ValueError(
            f"layout={layout!r} shows {part[layout]:g} s of each lead of this record of "
            f"{seconds:g} s, which is too short. Pass layout='12x1', or None."
        )
    return lay_out_panels(layout, lead_names, rhythm_lead=rhythm_lead, standard_order=False)


def panels_with_times(layout, n_times):
    """Return the panels row by row, each with the time points that it shows, as a slice."""
    panels = sorted(layout.panels, key=lambda panel: (panel.row, panel.column))
    panels += layout.strips
    return [(panel, slice(*map(int, panel.time_span(n_times)))) for panel in panels]


def fit_rows(signals, panels, *, rows_with_peaks, has_note):
    """Make each row as high as its signals require.

    Parameters
    ----------
    signals : ndarray of shape (n_leads, n_times)
    panels : list of (Panel, slice)
    rows_with_peaks : sequence of int
    has_note : bool
        Whether there is a note above the first row.

    Returns
    -------
    rows : Rows
    """
    n_rows = panels[-1][0].row + 1
    above, below = np.full(n_rows, 1.1), np.full(n_rows, 0.3)
    for panel, times in panels:
        values = signals[panel.lead, times]
        values = values[np.isfinite(values)]
        highest, lowest = (values.max(), values.min()) if len(values) else (0.0, 0.0)
        above[panel.row] = max(above[panel.row], highest + _NAME_ROOM)
        below[panel.row] = max(below[panel.row], 0.1 - lowest)
    names = above.copy()
    above[list(rows_with_peaks)] += _PEAK_ROOM
    zero_lines = stack_rows(above, below)
    low = zero_lines[-1] - below[-1] - 0.1
    high = above[0] + 0.2 + _NOTE_ROOM * has_note
    # Areas of adjacent rows meet halfway between their zero lines.
    borders = [high, *np.add(zero_lines[:-1], zero_lines[1:]) / 2, low]
    return Rows(
        zero_lines,
        np.add(zero_lines, names).tolist(),
        list(zip(borders[1:], borders)),
        float(low),
        float(high),
    )


class PaperAxes:
    """ECG paper on axes that are given, or on those of a new figure to scale.

    Parameters
    ----------
    ax : matplotlib Axes or None
    rows : Rows
    seconds : float
        Duration of the record.
    has_title, has_colorbar : bool
        Whether a new figure has room for them.

    Attributes
    ----------
    ax : matplotlib Axes
    is_to_scale : bool
        Whether a second is 25 mm and a millivolt 10 mm.
    shrink : float
        Factor of the size of letters and lines, below 1 on small axes.
    """

    def __init__(self, ax, rows, seconds, *, has_title, has_colorbar):
        right = max(seconds + RIGHT_MARGIN, _MIN_WIDTH)
        width = (LEFT_MARGIN + right) * MM_PER_SECOND
        height = (rows.high - rows.low) * MM_PER_MILLIVOLT
        is_given = ax is not None
        if not is_given:
            ax = _new_page(width, height, has_title=has_title, has_colorbar=has_colorbar)
        ax.set(
            xlim=(-LEFT_MARGIN, right),
            ylim=(rows.low, rows.high),
            aspect=MM_PER_MILLIVOLT / MM_PER_SECOND,
        )
        # The scale as far as it is known before the figure is drawn.
        size = ax.figure.get_size_inches() * ax.get_position(original=True).size * 25.4
        scale = min(size[0] / width, size[1] / height)
        self.ax = ax
        # The size of given axes may change until they are drawn.
        self.is_to_scale = scale > 0.99 and not is_given
        self.shrink = float(np.clip(1.5 * scale, 0.6, 1.0))
        self.line_width = 0.8 * self.shrink
        self._draw_grid(fine=scale > 0.5)
        self._draw_pulses(rows.zero_lines)

    def _draw_grid(self, *, fine):
        """Draw lines of 5 mm and, if they are far enough apart, of 1 mm."""
        ax = self.ax
        (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
        for step, rgb, width in _GRID_IN_POINTS:
            if step == FINE_STEP and not fine:
                continue
            color = tuple(value / 255 for value in rgb)
            options = {"colors": [color], "linewidths": width * self.shrink, "zorder": 0.5}
            ax.vlines(_multiples(step / MM_PER_SECOND, left, right), low, high, **options)
            ax.hlines(_multiples(step / MM_PER_MILLIVOLT, low, high), left, right, **options)
        ax.set(xlim=(left, right), ylim=(low, high))
        for spine in ax.spines.values():
            spine.set_color(tuple(value / 255 for value in BOLD_COLOR))

    def _draw_pulses(self, zero_lines):
        for zero in zero_lines:
            seconds, millivolts = calibration_pulse().T
            self.ax.plot(seconds, millivolts + zero, color="black", linewidth=self.line_width)

    def draw_trace(self, seconds, trace, is_clipped, **line_options):
        """Draw a trace, and mark where it is clipped."""
        options = {
            "color": "black",
            "linewidth": self.line_width,
            "solid_joinstyle": "round",
            **line_options,
        }
        (line,) = self.ax.plot(seconds, trace, **options)
        if is_clipped.any():
            self.ax.plot(
                seconds[is_clipped],
                trace[is_clipped],
                linestyle="none",
                marker="s",
                markersize=2.5,
                color=VERMILION,
            )
        return line

    def draw_name(self, start, height, name):
        """Draw the name of a lead above its trace."""
        self.ax.text(start + 0.06, height, name, va="top", weight="bold", fontsize=9 * self.shrink)

    def draw_tick(self, start, zero):
        """Mark where one lead ends and the next one begins."""
        ends = [zero - TICK / MM_PER_MILLIVOLT, zero + TICK / MM_PER_MILLIVOLT]
        self.ax.plot([start, start], ends, color="black", linewidth=self.line_width)

    def draw_peaks(self, seconds, heights):
        """Mark R-peaks at each of the heights."""
        (marks,) = self.ax.plot(
            np.tile(seconds, len(heights)),
            np.repeat(heights, len(seconds)),
            linestyle="none",
            marker="v",
            markersize=5 * self.shrink,
            color=BLUE,
        )
        return marks

    def draw_heat(self, values, start, stop, area, colors):
        """Draw the part of a heat map that belongs to a panel, in the colors of `heat_colors`."""
        colormap, low, high = colors
        return self.ax.imshow(
            values[np.newaxis],
            extent=(start, stop, *area),
            aspect=self.ax.get_aspect(),
            cmap=colormap,
            vmin=low,
            vmax=high,
            interpolation="nearest",
            zorder=1,
        )

    def draw_span(self, start, stop, area):
        """Shade a span of time of a panel."""
        from matplotlib.patches import Rectangle

        span = Rectangle(
            (start, area[0]),
            stop - start,
            area[1] - area[0],
            facecolor=BLUE,
            alpha=0.18,
            linewidth=0,
            zorder=1.5,
        )
        return self.ax.add_patch(span)

    def draw_note(self, text):
        """Draw a note above the first row."""
        self.ax.annotate(
            text,
            (0, 1),
            (4, -3),
            xycoords="axes fraction",
            textcoords="offset points",
            va="top",
            fontsize=9 * self.shrink,
            color=VERMILION,
        )

    def add_colorbar_axes(self):
        """Return axes for a color bar to the right of the page."""
        # At least 5 points wide: on small axes, a share of their width would be a line.
        ax = self.ax
        width = max(0.012, 5 / (ax.bbox.width * 72 / ax.figure.dpi))
        return ax.inset_axes([1 + width, 0.0, width, 1.0])

    def draw_scales(self, seconds):
        """Draw the time axis and the scale of the page."""
        ax = self.ax
        ax.set_xticks(np.arange(0, int(seconds) + 1, max(1, int(seconds) // 20)))
        ax.set_yticks([])
        ax.set_xlabel("Time (s)", loc="left")
        ax.annotate(
            f"{MM_PER_SECOND:g} mm/s, {MM_PER_MILLIVOLT:g} mm/mV"
            if self.is_to_scale
            else f"squares: {BOLD_STEP / MM_PER_SECOND:g} s, {BOLD_STEP / MM_PER_MILLIVOLT:g} mV",
            (1, 0),
            (0, -26),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=8,
        )


def _new_page(width, height, *, has_title, has_colorbar):
    """Return axes of this size in mm in a new figure, or smaller ones in proportion."""
    import matplotlib.pyplot as plt

    scale = min(1.0, _MAX_PAGE_MM / width, _MAX_PAGE_MM / height)
    width, height = width * scale, height * scale
    left, right = 4.0, 20.0 if has_colorbar else 4.0
    bottom, top = 13.0, 10.0 if has_title else 3.0
    full_width, full_height = left + width + right, bottom + height + top
    figure = plt.figure(figsize=(full_width / 25.4, full_height / 25.4))
    return figure.add_axes(
        [left / full_width, bottom / full_height, width / full_width, height / full_height]
    )


def _multiples(step, low, high):
    return np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step

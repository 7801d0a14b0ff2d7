"""A page of ECG paper in pixels: where the panels of a layout are in an image of given size."""

from dataclasses import asdict, dataclass
from math import ceil, floor

from ._paper_layout import BOLD_STEP, LEFT_MARGIN, RIGHT_MARGIN, Panel, PaperLayout
from ._print_style import load_font

# mV that a row has room for at least. Lower rows would cut off too many R-peaks.
_MIN_ROW = 2.5
# The same where the page fills its image and traces do not extend into other rows.
_MIN_CLIPPED_ROW = 5.0
# mV of room above the first row, where rows are as wide as the page and therefore low.
_TOP_MARGIN = 1.0
# mV of room above the first row and below the last one of a page that fills its image: the traces
# of these rows extend into no other row.
_FILLED_MARGINS = (2.0, 1.0)
# mm/mV of usual pages.
_USUAL_GAIN = 10.0
# Pixels per mm below which "auto" fills the image. The squares of the paper are not visible then.
_SMALLEST_USUAL_SCALE = 1.0
# Largest share of a row that names above the traces may take: of usual pages, and of those that
# fill their image, which are for networks.
_LABEL_SHARE, _FILLED_LABEL_SHARE = 0.35, 0.2
# Pixels: smallest height of a label.
_MIN_LABEL_HEIGHT = 8
# mm: distance of a label from the zero line, above and below it.
_LABEL_ABOVE, _LABEL_BELOW = 1.0, 2.0
# Distance of lines of text, as a multiple of the height of labels.
TEXT_LINE = 1.4
# Pixels: a smaller panel would show nothing.
_MIN_ROW_HEIGHT, _MIN_COLUMN_WIDTH = 4, 8


@dataclass(frozen=True)
class PixelPanel(Panel):
    """A panel in pixels, counted from the upper left corner of the image.

    Attributes
    ----------
    box : tuple of int
        Top, bottom, left and right.
    x : float
        Where the time of the panel begins.
    zero : float
        Where 0 mV is.
    limits : tuple of float
        Upper and lower end of what a trace may cover.
    label : tuple of int or None
        Box of the label.
    """

    box: tuple
    x: float
    zero: float
    limits: tuple
    label: tuple | None


@dataclass(frozen=True)
class PixelPage(PaperLayout):
    """A layout in pixels.

    Attributes
    ----------
    size : tuple of int
        Height and width.
    scale : float
        Pixels per mm.
    speed, gain : float
        mm per second and mm per mV.
    label_height : int
        Height of a label.
    trace_width : float
        Width of a trace in mm.
    pulse_after : float or None
        End of the rows in seconds, if the pulses are after them. None is before them.
    header, footer : tuple of int or None
        Boxes of the texts: top, bottom, left and right.
    """

    size: tuple
    scale: float
    speed: float
    gain: float
    label_height: int
    trace_width: float
    pulse_after: float | None
    header: tuple | None
    footer: tuple | None

    @property
    def per_second(self):
        """Pixels per second."""
        return self.scale * self.speed

    @property
    def per_millivolt(self):
        """Pixels per mV."""
        return self.scale * self.gain

    @property
    def line_width(self):
        """Width of a trace, which is at least one pixel."""
        return max(1.0, self.trace_width * self.scale)

    @property
    def max_amplitude(self):
        """The amplitude in mV for which every panel has room, upward and downward."""
        return min(min(-low, high) for low, high in map(self.amplitude_range, self.all_panels))

    def amplitude_range(self, panel):
        """Return the lowest and the highest value in mV for which a panel has room."""
        upper, lower = panel.limits
        half = self.line_width / 2
        return (
            (panel.zero - lower + half) / self.per_millivolt,
            (panel.zero - upper - half) / self.per_millivolt,
        )


def place_panels(
    layout,
    *,
    size,
    speed,
    gain,
    duration,
    overlap,
    trace_width,
    label_height,
    font,
    label_position,
    pulses_after,
    n_text_lines,
):
    """Place the panels of a layout in an image.

    Parameters
    ----------
    layout : PaperLayout
    size : tuple of int
        Height and width of the image.
    speed, duration : float
        mm per second, and seconds.
    gain : float or {"auto", "fill"}
        mm per mV. "fill" is the highest whole number for which the rows fit, at least 10. "auto"
        is 10, or "fill" on images of less than a pixel per mm.
    overlap : bool
        Whether traces may extend into the rows above and below.
    trace_width, label_height : float
        In mm.
    font : FontFile or None
        Font of the labels.
    label_position : {"outside", "above", "below"}
        "outside" reserves room for the labels.
    pulses_after : bool
        Whether the pulses are after the rows instead of before them.
    n_text_lines : tuple of int
        Number of lines of the header and of the footer.

    Returns
    -------
    page : PixelPage
    """
    height, width = size
    n_rows, n_columns = layout.n_rows, layout.n_columns
    smallest = (_MIN_ROW_HEIGHT * n_rows, _MIN_COLUMN_WIDTH * n_columns)
    if height < smallest[0] or width < smallest[1]:
        raise ValueError(
            f"image_size={size} (height, width) is too small for {n_rows} row(s) and {n_columns} "
            f"column(s) of leads, which need {smallest}. Pass a larger image_size, or fewer leads."
        )
    margins = (RIGHT_MARGIN, LEFT_MARGIN) if pulses_after else (LEFT_MARGIN, RIGHT_MARGIN)
    page_width = (margins[0] + duration + margins[1]) * speed
    # mV of room above the first row and below the last one.
    margins_of_rows = (_TOP_MARGIN if n_columns == 1 else 0.0, 0.0)
    fill = gain == "fill"
    if isinstance(gain, str):
        usual = _USUAL_GAIN
        scale = min(width / page_width, height / _height_of_rows(n_rows, usual, margins_of_rows))
        fill = fill or scale < _SMALLEST_USUAL_SCALE
        gain = usual
    # mm that the rows need at least, with the room above them.
    least = _height_of_rows(n_rows, gain, margins_of_rows)
    scale = min(width / page_width, height / least)
    # Labels are above the traces of columns, and to the left of rows that span the page.
    label_height = max(_MIN_LABEL_HEIGHT, round(label_height * scale))
    font = load_font(font, label_height)
    text_rows = [n_lines * round(TEXT_LINE * label_height) for n_lines in n_text_lines]
    # The rows are between the header and the footer.
    height -= sum(text_rows)
    if height < smallest[0]:
        raise ValueError(
            f"The header and footer of {sum(n_text_lines)} line(s) leave {max(height, 0)} of "
            f"{size[0]} pixels for the leads, which need {smallest[0]}. Pass fewer lines, a "
            "smaller label_height, or a larger image_size."
        )
    scale = min(scale, height / least)
    label_above = label_left = 0
    if label_position != "outside":
        pass
    elif n_columns > 1:
        share = _FILLED_LABEL_SHARE if fill else _LABEL_SHARE
        label_above = _if_it_fits(label_height + 1, share * height / n_rows)
        scale = min(scale, (height - n_rows * label_above) / least)
    else:
        widest = _widest([panel.name for panel in layout.panels], font)
        label_left = _if_it_fits(ceil(widest) + 2, 0.25 * width)
        label_left = label_left if label_height <= height / n_rows else 0
        scale = min(scale, (width - label_left) / page_width)

    # The zero lines are on bold lines of the grid: all rows have the same number of squares.
    square = BOLD_STEP * scale
    if fill:
        filled = _highest_gain(n_rows, height, scale, label_above, overlap)
        if filled > gain:
            gain, margins_of_rows = filled, _FILLED_MARGINS
    above, below = (margin * gain * scale for margin in margins_of_rows)
    row_height = _whole_squares((height - above - below) / n_rows, square)
    top = text_rows[0] + (height + above - below - n_rows * row_height) / 2
    page_left = (width - label_left - page_width * scale) / 2 + label_left
    start = page_left + margins[0] * speed * scale
    column_width = duration / n_columns * speed * scale
    edges = [round(start + i * column_width) for i in range(n_columns + 1)]
    rows = [round(top + i * row_height) for i in range(n_rows + 1)]

    def place(panel, left, right):
        row = panel.row
        upper = top + row * row_height + label_above
        lower = top + (row + 1) * row_height
        zero = (upper + lower) / 2
        if overlap:
            # One pixel less than a row, so that rows r and r + 3 have no pixel in common.
            reach = max(0.0, row_height - 1)
            upper, lower = top + row * row_height - reach, lower + reach
            upper, lower = max(0.0, upper), min(float(size[0]), lower)
        x = start + panel.column * column_width
        label = None
        if label_above:
            label = (rows[row], rows[row] + label_above, left, right)
        elif label_left:
            label_start = round(start - margins[0] * speed * scale) - label_left
            label = (rows[row], rows[row + 1], label_start, label_start + label_left)
        elif label_position != "outside" and label_height <= 0.35 * row_height:
            label_top = zero - _LABEL_ABOVE * scale - label_height
            if label_position == "below":
                label_top = zero + _LABEL_BELOW * scale
            label_top = min(max(round(label_top), 0), size[0] - label_height)
            label_right = min(round(x) + ceil(_widest([panel.name], font)) + 2, width)
            label = (label_top, label_top + label_height, round(x), label_right)
        return PixelPanel(
            **asdict(panel),
            box=(rows[row], rows[row + 1], left, right),
            x=x,
            zero=zero,
            limits=(upper, lower),
            label=label,
        )

    panels = tuple(
        place(panel, edges[panel.column], edges[panel.column + 1]) for panel in layout.panels
    )
    strips = tuple(place(strip, edges[0], edges[-1]) for strip in layout.strips)
    sides = (max(0, round(page_left)), width)
    header, footer = (0, text_rows[0], *sides), (size[0] - text_rows[1], size[0], *sides)
    return PixelPage(
        n_rows,
        n_columns,
        panels,
        strips,
        size=tuple(size),
        scale=scale,
        speed=speed,
        gain=gain,
        label_height=label_height,
        trace_width=trace_width,
        pulse_after=duration if pulses_after else None,
        header=header if text_rows[0] else None,
        footer=footer if text_rows[1] else None,
    )


def _height_of_rows(n_rows, gain, margins):
    """Return the mm that rows of whole squares need, with margins in mV above and below them."""
    return n_rows * BOLD_STEP * ceil(_MIN_ROW * gain / BOLD_STEP) + sum(margins) * gain


def _highest_gain(n_rows, height, scale, label_above, overlap):
    """Return the whole mm/mV for which rows of whole squares fill the height of an image."""
    row, margins = _MIN_ROW if overlap else _MIN_CLIPPED_ROW, sum(_FILLED_MARGINS)
    per_millivolt = (height - n_rows * label_above) / (n_rows * row + margins)
    row_height = _whole_squares((height - margins * per_millivolt) / n_rows, BOLD_STEP * scale)
    return float(floor((row_height - label_above) / row / scale + 1e-9))


def _whole_squares(height, square):
    """Return the largest multiple of the side of a square that fits in a height."""
    return square * floor(height / square + 1e-9)


def _if_it_fits(pixels, room):
    return pixels if pixels <= room else 0


def _widest(names, font):
    return max(font.getlength(name) for name in names)

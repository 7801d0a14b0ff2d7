"""A page of ECG paper in pixels: where the panels of a layout are in an image of given size."""

from dataclasses import asdict, dataclass
from math import ceil, floor

from PIL import ImageFont

from ._paper_layout import BOLD_STEP, LEFT_MARGIN, RIGHT_MARGIN, Panel, PaperLayout

# mV that a row has room for at least. Lower rows would cut off too many R-peaks.
_MIN_ROW = 2.5
# mV of room above the first row, where rows are as wide as the page and therefore low.
_TOP_MARGIN = 1.0
# mm and pixels: height of a label.
_LABEL_HEIGHT, _MIN_LABEL_HEIGHT = 3.5, 8
# mm: width of a trace, which is at least one pixel.
_TRACE_WIDTH = 0.3
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
    """

    size: tuple
    scale: float
    speed: float
    gain: float
    label_height: int

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
        """Width of a trace."""
        return max(1.0, _TRACE_WIDTH * self.scale)

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


def place_panels(layout, *, size, speed, gain, duration, overlap):
    """Place the panels of a layout in an image.

    Parameters
    ----------
    layout : PaperLayout
    size : tuple of int
        Height and width of the image.
    speed, gain, duration : float
        mm per second, mm per mV, and seconds.
    overlap : bool
        Whether traces may extend into the rows above and below.

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
    page_width = (LEFT_MARGIN + duration + RIGHT_MARGIN) * speed
    lowest_row = BOLD_STEP * ceil(_MIN_ROW * gain / BOLD_STEP)
    extra = _TOP_MARGIN * gain if n_columns == 1 else 0.0
    scale = min(width / page_width, height / (n_rows * lowest_row + extra))
    # Labels are above the traces of columns, and to the left of rows that span the page.
    label_height = max(_MIN_LABEL_HEIGHT, round(_LABEL_HEIGHT * scale))
    label_above = label_left = 0
    if n_columns > 1:
        label_above = _if_it_fits(label_height + 1, 0.35 * height / n_rows)
        scale = min(scale, (height - n_rows * label_above) / (n_rows * lowest_row))
    else:
        widest = _widest([panel.name for panel in layout.panels], label_height)
        label_left = _if_it_fits(ceil(widest) + 2, 0.25 * width)
        label_left = label_left if label_height <= height / n_rows else 0
        scale = min(scale, (width - label_left) / page_width)

    # The zero lines are on bold lines of the grid: all rows have the same number of squares.
    square = BOLD_STEP * scale
    row_height = square * floor((height - extra * scale) / n_rows / square + 1e-9)
    top = (height + extra * scale - n_rows * row_height) / 2
    start = (width - label_left - page_width * scale) / 2 + label_left + LEFT_MARGIN * speed * scale
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
            upper, lower = max(0.0, upper), min(float(height), lower)
        label = None
        if label_above:
            label = (rows[row], rows[row] + label_above, left, right)
        elif label_left:
            margin = round(start - LEFT_MARGIN * speed * scale) - label_left
            label = (rows[row], rows[row + 1], margin, margin + label_left)
        return PixelPanel(
            **asdict(panel),
            box=(rows[row], rows[row + 1], left, right),
            x=start + panel.column * column_width,
            zero=zero,
            limits=(upper, lower),
            label=label,
        )

    panels = tuple(
        place(panel, edges[panel.column], edges[panel.column + 1]) for panel in layout.panels
    )
    strip = None if layout.strip is None else place(layout.strip, edges[0], edges[-1])
    return PixelPage(
        n_rows, n_columns, panels, strip, tuple(size), scale, speed, gain, label_height
    )


def label_font(height):
    """Return the font of labels of this height in pixels."""
    return ImageFont.load_default(height)


def _if_it_fits(pixels, room):
    return pixels if pixels <= room else 0


def _widest(names, label_height):
    font = label_font(label_height)
    return max(font.getlength(name) for name in names)

"""How a page is printed: the colors of paper, grid and ink, and the texts."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageColor

from ._paper_layout import BOLD_COLOR, FINE_COLOR

#: Colors of the fine and the bold lines of usual papers.
GRID_COLORS = {
    "pink": (FINE_COLOR, BOLD_COLOR),
    "red": ((250, 196, 186), (232, 112, 100)),
    "orange": ((250, 222, 190), (238, 176, 112)),
    "green": ((204, 232, 208), (140, 196, 150)),
    "blue": ((206, 222, 246), (140, 172, 222)),
    "gray": ((222, 222, 222), (176, 176, 176)),
}
# How much the fine lines differ from the paper, as a fraction of the bold lines.
_FINE_STRENGTH = 0.5


@dataclass(frozen=True)
class PrintStyle:
    """The colors and the texts of a page.

    Attributes
    ----------
    grid : bool or "dots"
        Whether lines of 1 mm and 5 mm are drawn, or dots every 1 mm instead of the former.
    paper, fine, bold, ink : tuple of int
        Colors of the paper, of the lines of 1 mm and 5 mm, and of traces and texts, RGB.
    calibration : bool
    labels : bool
    separators : {"ticks", "lines"} or None
        What is drawn between columns.
    header, footer : str or None
    """

    grid: object
    paper: tuple
    fine: tuple
    bold: tuple
    ink: tuple
    calibration: bool
    labels: bool
    separators: str | None
    header: str | None
    footer: str | None


def read_style(renderer):
    """Return the style that the parameters of a renderer describe."""
    paper = read_color(renderer.paper_color, "paper_color")
    if renderer.grid_color in GRID_COLORS:
        fine, bold = GRID_COLORS[renderer.grid_color]
    else:
        bold = read_color(renderer.grid_color, "grid_color", also=GRID_COLORS)
        fine = tuple(round(p + _FINE_STRENGTH * (b - p)) for p, b in zip(paper, bold))
    return PrintStyle(
        grid=renderer.grid,
        paper=paper,
        fine=fine,
        bold=bold,
        ink=read_color(renderer.trace_color, "trace_color"),
        calibration=bool(renderer.calibration),
        labels=renderer.lead_labels,
        separators=renderer.separators,
        header=renderer.header,
        footer=renderer.footer,
    )


def read_color(color, name, also=()):
    """Return a color that Pillow knows, as numbers from 0 to 255."""
    try:
        return ImageColor.getrgb(color)[:3]
    except ValueError:
        known = f"one of {', '.join(map(repr, also))}, or " if also else ""
        raise ValueError(
            f"{name} must be {known}a color that Pillow knows, such as 'black' or '#203060', got "
            f"{color!r}."
        ) from None


def ink_of_channels(ink, color):
    """Return the value of a color in each channel of a gray or an RGB image."""
    if color == "rgb":
        return ink
    pixel = np.array([[ink]], dtype=np.uint8)
    return (int(np.asarray(Image.fromarray(pixel).convert("L"))[0, 0]),)

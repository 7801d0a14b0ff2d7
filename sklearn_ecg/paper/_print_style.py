"""How a page is printed: the colors of paper, grid and ink, the texts and their font."""

import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageColor, ImageFont

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
class FontFile:
    """A file with a font. Its size and time identify its content, for the cache of pages.

    Attributes
    ----------
    path : str
    size : int
    modified : int
        Time of the last change in ns.
    """

    path: str
    size: int
    modified: int


@dataclass(frozen=True)
class PrintStyle:
    """The colors and the texts of a page, which identify its background.

    Attributes
    ----------
    grid : bool or "dots"
        Whether lines of 1 mm and 5 mm are drawn, or dots every 1 mm instead of the former.
    paper, fine, bold, ink : tuple of int
        Colors of the paper, of the lines of 1 mm and 5 mm, and of traces and texts, RGB.
    grid_width : float
        Width of the lines of 5 mm, in mm.
    calibration : bool
    labels : bool
    font : FontFile or None
        None is the default font of Pillow.
    separators : {"ticks", "lines"} or None
        What is drawn between columns.
    header, footer : str or None
    """

    grid: object
    paper: tuple
    fine: tuple
    bold: tuple
    ink: tuple
    grid_width: float
    calibration: bool
    labels: bool
    font: FontFile | None
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
        grid_width=float(renderer.grid_width),
        calibration=bool(renderer.calibration),
        labels=renderer.lead_labels,
        font=find_font(renderer.font),
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


def find_font(font):
    """Return the file of a font, given by its path or name; None is the default font."""
    if font is None:
        return None
    with font_errors(font):
        if os.path.dirname(font) or os.path.exists(font) or "\0" in font:
            path = os.path.abspath(font)
        else:
            path = _search_font(font)
        # FreeType would wait for the end of a device or pipe.
        if not os.path.isfile(path):
            raise FileNotFoundError(f"{path!r} is no file")
        stat = os.stat(path)
        return FontFile(path, stat.st_size, stat.st_mtime_ns)


# Pillow lists the system's folders of fonts for each search.
@lru_cache(maxsize=8)
def _search_font(name):
    """Return the path of a font with this name in the system's folders of fonts."""
    return ImageFont.truetype(name).path


def load_font(font, height):
    """Return a font in this height in pixels, for Pillow."""
    if font is None:
        return ImageFont.load_default(height)
    # The layout that the default font has, and that does not depend on installed libraries.
    return ImageFont.truetype(font.path, height, layout_engine=ImageFont.Layout.BASIC)


@contextmanager
def font_errors(font):
    """Replace errors of Pillow and of the file system by one that names the parameter."""
    try:
        yield
    except OSError as error:
        raise ValueError(
            "font must be None or the path or name of a TrueType or OpenType font that Pillow can "
            f"read, such as 'DejaVuSans.ttf', got {font!r}: {error}. Pass the path of such a file, "
            "or None for the default font of Pillow."
        ) from error


def ink_of_channels(ink, color):
    """Return the value of a color in each channel of a gray or an RGB image."""
    if color == "rgb":
        return ink
    pixel = np.array([[ink]], dtype=np.uint8)
    return (int(np.asarray(Image.fromarray(pixel).convert("L"))[0, 0]),)

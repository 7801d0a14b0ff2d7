"""The steps that turn the image of a page into signals, one file per step."""

from ._digitize import PageOptions
from ._files import open_and_digitize
from ._grids import find_lines
from ._layouts import READABLE_LAYOUTS
from ._strokes import INK

__all__ = ["INK", "READABLE_LAYOUTS", "PageOptions", "find_lines", "open_and_digitize"]

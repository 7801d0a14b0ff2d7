"""The steps that turn the image of a page into signals, one file per step."""

from ._digitize import PageOptions, digitize_page
from ._layouts import READABLE_LAYOUTS
from ._pages import as_image

__all__ = ["READABLE_LAYOUTS", "PageOptions", "as_image", "digitize_page"]

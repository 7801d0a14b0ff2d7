"""The steps that turn the image of a page into signals, one file per step."""

from ._digitize import PageOptions
from ._files import open_and_digitize
from ._layouts import READABLE_LAYOUTS

__all__ = ["READABLE_LAYOUTS", "PageOptions", "open_and_digitize"]

"""Image files and pages of PDF files as images, within limits, with errors that say what to do."""

from ._modes import put_on_white
from ._opening import open_image_file, open_image_path
from ._pdf import count_pages
from ._reading import (
    ImageFacts,
    describe_decoding_error,
    find_reduction,
    read_image,
    read_opened_image,
    record_warnings,
)

__all__ = [
    "ImageFacts",
    "count_pages",
    "describe_decoding_error",
    "find_reduction",
    "open_image_file",
    "open_image_path",
    "put_on_white",
    "read_image",
    "read_opened_image",
    "record_warnings",
]

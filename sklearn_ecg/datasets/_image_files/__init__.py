"""Image files: which ones there are, their labels, and their pixels."""

from ._decoding import decode_image
from ._listing import list_class_folders, list_image_files
from ._tables import list_table_files

__all__ = [
    "decode_image",
    "list_class_folders",
    "list_image_files",
    "list_table_files",
]

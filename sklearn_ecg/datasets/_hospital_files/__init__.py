"""Files of hospitals and recorders, one record in each: which ones there are, and their signals."""

from ._listing import find_record_files
from ._opening import FORMATS, HEADER_FIELDS, file_source

__all__ = ["FORMATS", "HEADER_FIELDS", "file_source", "find_record_files"]

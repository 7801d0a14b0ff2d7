"""One WFDB record: its files, its headers and its signals."""

from ._errors import RecordError
from ._file_states import file_stamp, file_state, record_states, stamp_record_files
from ._files import (
    find_records,
    list_headerless_files,
    list_records,
    natural_order,
    walk_folders,
)
from ._headers import UNIT_NOT_STATED, find_segments, wfdb
from ._record import Record, describe_header, millivolts_per_unit, read_record

__all__ = [
    "UNIT_NOT_STATED",
    "Record",
    "RecordError",
    "describe_header",
    "file_stamp",
    "file_state",
    "find_records",
    "find_segments",
    "list_headerless_files",
    "list_records",
    "millivolts_per_unit",
    "natural_order",
    "read_record",
    "record_states",
    "stamp_record_files",
    "walk_folders",
    "wfdb",
]

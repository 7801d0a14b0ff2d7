"""One WFDB record: its files, its headers and its signals."""

from ._errors import RecordError
from ._file_states import file_stamp, file_state, record_states, stamp_record_files
from ._files import (
    find_records,
    is_hidden,
    list_headerless_files,
    list_hidden_files,
    list_records,
    natural_order,
    walk_folders,
)
from ._header_fields import UNIT_NOT_STATED
from ._headers import find_segments
from ._record import Record, describe_header, read_record
from ._signal_files import ALL_CHECKSUMS_DIFFER
from ._wfdb_calls import wfdb

__all__ = [
    "ALL_CHECKSUMS_DIFFER",
    "UNIT_NOT_STATED",
    "Record",
    "RecordError",
    "describe_header",
    "file_stamp",
    "file_state",
    "find_records",
    "find_segments",
    "is_hidden",
    "list_headerless_files",
    "list_hidden_files",
    "list_records",
    "natural_order",
    "read_record",
    "record_states",
    "stamp_record_files",
    "walk_folders",
    "wfdb",
]

"""One WFDB record: its files, its headers and its signals."""

from ...utils._record_error import RecordError
from ...utils._regular_files import (
    find_file_fault,
    find_folder_fault,
    find_name_fault,
    open_regular_file,
    read_regular_file,
    show_name,
)
from ._file_states import file_stamp, file_state, record_states, stamp_record_files
from ._files import (
    find_records,
    is_folder,
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
from ._record_files import check_record_files
from ._signal_files import ALL_CHECKSUMS_DIFFER
from ._sizes import check_size
from ._wfdb_calls import wfdb

__all__ = [
    "ALL_CHECKSUMS_DIFFER",
    "UNIT_NOT_STATED",
    "Record",
    "RecordError",
    "check_record_files",
    "check_size",
    "describe_header",
    "file_stamp",
    "file_state",
    "find_file_fault",
    "find_folder_fault",
    "find_name_fault",
    "find_records",
    "find_segments",
    "is_folder",
    "is_hidden",
    "list_headerless_files",
    "list_hidden_files",
    "list_records",
    "natural_order",
    "open_regular_file",
    "read_record",
    "read_regular_file",
    "record_states",
    "show_name",
    "stamp_record_files",
    "walk_folders",
    "wfdb",
]

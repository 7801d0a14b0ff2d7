"""Reading many records: in parallel, harmonized, and with a report."""

from ._batch_reader import RecordBatch, RecordSource, check_lazy, make_bunch, read_records
from ._harmonize import Policies, check_leads_argument, check_option, make_policies
from ._parallel import run_parallel
from ._reports import (
    add_note,
    count_failed_fields,
    summarize_reasons,
    warn_of_failed_records,
)

__all__ = [
    "Policies",
    "RecordBatch",
    "RecordSource",
    "add_note",
    "check_lazy",
    "check_leads_argument",
    "check_option",
    "count_failed_fields",
    "make_bunch",
    "make_policies",
    "read_records",
    "run_parallel",
    "summarize_reasons",
    "warn_of_failed_records",
]

"""The input contract: convert every container of signals or images to one array.

Estimators call `check_signals` or `check_images`, those that accept records of different lengths
`check_signals_of_any_length`, functions `read_signals` or `read_container`.
No other module of the package inspects the number of dimensions of X, except the conversions of
`sklearn_ecg.leads`, on which this one is built.
"""

from ._any_length import SignalRecords, check_signals_of_any_length
from ._containers import SINGLE_RECORD, check_container
from ._finite import check_finite, is_in_range
from ._image_lists import is_path, list_images
from ._images import check_image_size, check_images
from ._millivolts import check_millivolts, check_same_scale, find_scale_fault
from ._missing_leads import (
    group_by_missing_leads,
    leads_with_gaps,
    missing_leads,
    take_group,
    take_names,
)
from ._notes import check_noted_millivolts, check_noted_rate, check_same_notes
from ._signals import (
    check_signals,
    read_container,
    read_signals,
    was_fitted_on_rows,
)
from ._target import RegressionTarget, Target, check_positive_class

__all__ = [
    "SINGLE_RECORD",
    "RegressionTarget",
    "SignalRecords",
    "Target",
    "check_container",
    "check_finite",
    "is_in_range",
    "is_path",
    "list_images",
    "check_image_size",
    "check_images",
    "check_millivolts",
    "check_noted_millivolts",
    "check_noted_rate",
    "check_positive_class",
    "check_same_notes",
    "check_same_scale",
    "check_signals",
    "check_signals_of_any_length",
    "find_scale_fault",
    "group_by_missing_leads",
    "leads_with_gaps",
    "missing_leads",
    "read_container",
    "read_signals",
    "take_group",
    "take_names",
    "was_fitted_on_rows",
]

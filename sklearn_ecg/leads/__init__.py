"""Leads: their names, their regions, and lead frames.

In scikit-learn, features are columns; the features of an ECG are its leads. A **lead frame** is a
pandas DataFrame with one column per lead, in which each cell is the signal of one record. The
columns contain Arrow lists of fixed length: a frame is as compact as the corresponding array, and
everything that works on columns (``ColumnTransformer``, ``permutation_importance``,
``feature_names_in_``, Parquet files) works on leads by name.

`LazyRecords` are records in a file, for data that are larger than the memory.

This subpackage does not import scikit-learn or torch.
"""

from ._derived import derive_leads
from ._frames import is_lead_frame, stack_signals, to_lead_array, to_lead_frame
from ._lazy_records import LazyRecords
from ._names import (
    REGIONS_8,
    REGIONS_12,
    STANDARD_LEADS,
    lead_regions,
    normalize_lead_name,
    normalize_lead_names,
)
from ._parquet import read_lead_frame

__all__ = [
    "LazyRecords",
    "REGIONS_12",
    "REGIONS_8",
    "STANDARD_LEADS",
    "derive_leads",
    "is_lead_frame",
    "lead_regions",
    "normalize_lead_name",
    "normalize_lead_names",
    "read_lead_frame",
    "stack_signals",
    "to_lead_array",
    "to_lead_frame",
]

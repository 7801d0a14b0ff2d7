"""Loaders of public ECG databases, and synthetic records."""

from ._ptbxl import load_ptbxl
from ._records import RecordError
from ._synthetic import make_ecg
from ._wfdb import load_wfdb

__all__ = ["RecordError", "load_ptbxl", "load_wfdb", "make_ecg"]

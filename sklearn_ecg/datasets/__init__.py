"""Loaders of public ECG databases and of pictures, and synthetic records."""

from ._challenge import load_challenge
from ._fetch import DownloadError, fetch_ptbxl
from ._images import load_ecg_images
from ._ludb import load_ludb
from ._ptbxl import load_ptbxl
from ._records import RecordError
from ._synthetic import make_ecg
from ._wfdb import load_wfdb

__all__ = [
    "DownloadError",
    "RecordError",
    "fetch_ptbxl",
    "load_challenge",
    "load_ecg_images",
    "load_ludb",
    "load_ptbxl",
    "load_wfdb",
    "make_ecg",
]

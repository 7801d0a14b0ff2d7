"""Loaders of public ECG databases and of images, and synthetic records."""

from ._challenge import load_challenge
from ._download import DownloadError, download_ptbxl
from ._ecg_images import load_ecg_images
from ._ludb import load_ludb
from ._ptbxl import load_ptbxl
from ._record_folders import load_records
from ._records import RecordError
from ._synthetic import make_ecg
from ._wfdb import load_wfdb

__all__ = [
    "DownloadError",
    "RecordError",
    "download_ptbxl",
    "load_challenge",
    "load_ecg_images",
    "load_ludb",
    "load_ptbxl",
    "load_records",
    "load_wfdb",
    "make_ecg",
]

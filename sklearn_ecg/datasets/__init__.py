"""Loaders of public ECG databases, and synthetic records."""

from ._ptbxl import load_ptbxl
from ._synthetic import make_ecg

__all__ = ["load_ptbxl", "make_ecg"]

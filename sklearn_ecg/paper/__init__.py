"""ECG paper: its layout, and images of records on it."""

from ._renderer import ECGImageRenderer

__all__ = ["ECGImageRenderer"]

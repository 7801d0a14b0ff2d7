"""ECG paper: its layout, images of records on it, and signals from such images."""

from ._digitizer import ECGImageDigitizer
from ._renderer import ECGImageRenderer

__all__ = ["ECGImageDigitizer", "ECGImageRenderer"]

"""Transformers of signals: scikit-learn's form, every container in, the same container out."""

from ._baseline import BaselineRemover
from ._crop import Clipper, Cropper, windows
from ._filters import BandpassFilter, NotchFilter
from ._leads import LeadDeriver, LeadSelector
from ._quality import SignalQuality
from ._resample import Resampler
from ._scale import LeadScaler

__all__ = [
    "BandpassFilter",
    "BaselineRemover",
    "Clipper",
    "Cropper",
    "LeadDeriver",
    "LeadScaler",
    "LeadSelector",
    "NotchFilter",
    "Resampler",
    "SignalQuality",
    "windows",
]

"""Transformers of signals: scikit-learn's form, every container in, the same container out.

`ECGImageRenderer` gives pictures instead, and `BeatFeatures` and `SignalQuality` features.
"""

from ..beats import BeatFeatures, MedianBeat
from ..paper import ECGImageRenderer
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
    "BeatFeatures",
    "Clipper",
    "Cropper",
    "ECGImageRenderer",
    "LeadDeriver",
    "LeadScaler",
    "LeadSelector",
    "MedianBeat",
    "NotchFilter",
    "Resampler",
    "SignalQuality",
    "windows",
]

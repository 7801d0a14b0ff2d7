"""Transformers of signals.

Most of them return signals in the same kind of container as X. `BeatFeatures`,
`RandomConvolutionFeatures` and `SignalQuality` return features. `ECGImageRenderer` returns images,
and `ECGImageDigitizer` turns images into signals.
"""

from ..beats import BeatFeatures, MedianBeat
from ..paper import ECGImageDigitizer, ECGImageRenderer
from ._baseline import BaselineRemover
from ._crop import Clipper, Cropper, windows
from ._electrode_swaps import ElectrodeSwapDetector
from ._filters import BandpassFilter, NotchFilter
from ._leads import LeadDeriver, LeadSelector
from ._quality import SignalQuality
from ._random_convolutions import RandomConvolutionFeatures
from ._resample import Resampler
from ._scale import LeadScaler

__all__ = [
    "BandpassFilter",
    "BaselineRemover",
    "BeatFeatures",
    "Clipper",
    "Cropper",
    "ECGImageDigitizer",
    "ECGImageRenderer",
    "ElectrodeSwapDetector",
    "LeadDeriver",
    "LeadScaler",
    "LeadSelector",
    "MedianBeat",
    "NotchFilter",
    "RandomConvolutionFeatures",
    "Resampler",
    "SignalQuality",
    "windows",
]

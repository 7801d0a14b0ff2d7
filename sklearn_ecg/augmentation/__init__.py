"""Random transforms of signals and of images, applied to a whole batch at once.

All transforms are called as ``transform(x, peaks=None, random_state=None)`` and return signals of
the same shape. R-peaks, if they are passed, are moved together with the signals. Transforms of
images take images of shape (n_images, n_channels, height, width) instead of signals.

Pass one transform or a list of them as the ``augmentation`` of an estimator. Its ``random_state``
seeds them. Signals are normalized before they are transformed, so that amplitudes are in standard
deviations unless ``normalize=None``; images are normalized afterwards. Transforms with parameters
in seconds or Hz need ``sampling_rate``. The default ranges are choices of this library.
"""

from ._amplitude_transforms import (
    AmplitudeScale,
    BaselineWander,
    GaussianNoise,
    LeadDropout,
    PowerlineNoise,
)
from ._base import Compose, RandomApply
from ._image_transforms import (
    ColorJitter,
    GaussianBlur,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomRotation,
)
from ._paper_effects import (
    JPEGCompression,
    PaperFolds,
    PaperStains,
    SensorNoise,
    UnevenLight,
)
from ._scan_transforms import RandomPerspective, RandomPhoto, RandomScan
from ._time_transforms import (
    CardiacCycleMask,
    RandomScaleCrop,
    TemporalShift,
    TimeMask,
    pad_peaks,
)

__all__ = [
    "AmplitudeScale",
    "BaselineWander",
    "CardiacCycleMask",
    "ColorJitter",
    "Compose",
    "GaussianBlur",
    "GaussianNoise",
    "JPEGCompression",
    "LeadDropout",
    "PaperFolds",
    "PaperStains",
    "PowerlineNoise",
    "RandomApply",
    "RandomHorizontalFlip",
    "RandomPerspective",
    "RandomPhoto",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomScaleCrop",
    "RandomScan",
    "SensorNoise",
    "TemporalShift",
    "TimeMask",
    "UnevenLight",
    "pad_peaks",
]

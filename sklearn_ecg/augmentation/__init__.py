"""Random views of signals and of images, made for a whole batch at once.

Every view is called alike, ``view(x, peaks=None, random_state=None)``: signals in, signals of the
same shape out, and R-peaks, where they are given, moved with the time of their records. Views of
images take images ``(n_images, n_channels, height, width)`` in the same way.
Training passes tensors and draws from torch's generator, which the estimator's ``random_state``
seeds. Views of signals act on normalised signals, so amplitudes are in standard deviations unless
``normalize=None``; views of images act before normalisation. The ranges are defaults of this
library, not of a paper.
"""

from ._base import Compose, RandomApply
from ._images import (
    ColorJitter,
    GaussianBlur,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomRotation,
)
from ._signals import (
    AmplitudeScale,
    BaselineWander,
    CardiacCycleMask,
    GaussianNoise,
    LeadDropout,
    PowerlineNoise,
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
    "LeadDropout",
    "PowerlineNoise",
    "RandomApply",
    "RandomHorizontalFlip",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomScaleCrop",
    "TemporalShift",
    "TimeMask",
    "pad_peaks",
]

"""R-peaks, rhythm, and one beat per record with its measurements."""

from ._beat_classifier import make_beat_classifier
from ._beat_features import BeatFeatures
from ._median_beat import MedianBeat
from ._r_peaks import RPeaks
from ._rhythm import detect_r_peaks

__all__ = ["BeatFeatures", "MedianBeat", "RPeaks", "detect_r_peaks", "make_beat_classifier"]

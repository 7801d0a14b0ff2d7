"""Transformers of signals: scikit-learn's form, every container in, the same container out."""

from ._beat_features import BeatFeatures
from ._median_beat import MedianBeat

__all__ = ["BeatFeatures", "MedianBeat"]

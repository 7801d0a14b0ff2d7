"""Calibrated probabilities and decision thresholds of each label, with splits by patient."""

from ._calibrated_classifier import MultilabelCalibratedClassifierCV
from ._tuned_threshold import MultilabelTunedThresholdClassifierCV

__all__ = ["MultilabelCalibratedClassifierCV", "MultilabelTunedThresholdClassifierCV"]

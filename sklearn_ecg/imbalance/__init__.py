"""Unbalanced outcomes: correction of the prevalence that probabilities belong to."""

from ._prior_correction import PriorCorrectedClassifier
from ._probability_maps import correct_prevalence

__all__ = ["PriorCorrectedClassifier", "correct_prevalence"]

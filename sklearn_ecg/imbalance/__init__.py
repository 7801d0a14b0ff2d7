"""Unbalanced outcomes: samplers of records, and the prevalence that probabilities belong to.

The samplers have the interface of imbalanced-learn, take every container of signals and binary,
multiclass and multilabel targets, and are steps of ``imblearn.pipeline.Pipeline``, which applies
them to the training records only. Resampling changes the prevalence, and with it all predicted
probabilities; `PriorCorrectedClassifier` corrects them.
"""

from ._augmentation_over_sampler import AugmentationOverSampler
from ._beat_smote import BeatSMOTE
from ._prior_correction import PriorCorrectedClassifier
from ._probability_maps import correct_prevalence
from ._record_samplers import RecordOverSampler, RecordUnderSampler

__all__ = [
    "AugmentationOverSampler",
    "BeatSMOTE",
    "PriorCorrectedClassifier",
    "RecordOverSampler",
    "RecordUnderSampler",
    "correct_prevalence",
]

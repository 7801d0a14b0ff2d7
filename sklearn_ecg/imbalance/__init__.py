"""Samplers of records for unbalanced outcomes, with the interface of imbalanced-learn.

They take every container of signals and binary, multiclass and multilabel targets, and are steps of
``imblearn.pipeline.Pipeline``, which applies them to the training records only. Resampling changes
the prevalence, and with it all predicted probabilities.
"""

from ._augmentation_over_sampler import AugmentationOverSampler
from ._beat_smote import BeatSMOTE
from ._record_samplers import RecordOverSampler, RecordUnderSampler

__all__ = [
    "AugmentationOverSampler",
    "BeatSMOTE",
    "RecordOverSampler",
    "RecordUnderSampler",
]

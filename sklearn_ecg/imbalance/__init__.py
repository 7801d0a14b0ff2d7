"""Unbalanced outcomes: samplers of records, and correction of the prevalence of probabilities.

The samplers have the interface of imbalanced-learn. They take every container of signals and
binary, multiclass and multilabel targets, and are steps of ``imblearn.pipeline.Pipeline``, which
applies them to the training records only. Resampling changes the prevalence, and with it all
predicted probabilities; `PriorCorrectedClassifier` corrects them. `FeatureLeadDropout` has the same
interface, adds copies of all records, and leaves the prevalence unchanged.
"""

from ._augmentation_over_sampler import AugmentationOverSampler
from ._beat_smote import BeatSMOTE
from ._feature_lead_dropout import FeatureLeadDropout
from ._prior_correction import PriorCorrectedClassifier
from ._probability_maps import correct_prevalence
from ._record_samplers import RecordOverSampler, RecordUnderSampler

__all__ = [
    "AugmentationOverSampler",
    "BeatSMOTE",
    "FeatureLeadDropout",
    "PriorCorrectedClassifier",
    "RecordOverSampler",
    "RecordUnderSampler",
    "correct_prevalence",
]

"""Which leads and which times a fitted estimator relies on, and figures of it."""

from ._displays.ecg import ECGDisplay
from ._displays.embedding import EmbeddingDisplay
from ._displays.grad_cam import GradCAMDisplay
from ._displays.history import TrainingHistoryDisplay
from ._displays.lead_importance import LeadImportanceDisplay
from ._feature_groups import feature_groups
from ._grad_cam import grad_cam
from ._lead_importance import lead_importance, record_lead_importance

__all__ = [
    "ECGDisplay",
    "EmbeddingDisplay",
    "GradCAMDisplay",
    "LeadImportanceDisplay",
    "TrainingHistoryDisplay",
    "feature_groups",
    "grad_cam",
    "lead_importance",
    "record_lead_importance",
]

"""Importance of leads, heat maps over time and over images, and displays of results."""

from ._grad_cam import grad_cam
from ._lead_groups import feature_groups
from ._lead_importance import lead_importance, record_lead_importance
from ._lead_subsets import score_by_leads
from ._plot.decision_curve import DecisionCurveDisplay
from ._plot.digitized_page import DigitizedPageDisplay
from ._plot.ecg import ECGDisplay
from ._plot.embedding import EmbeddingDisplay
from ._plot.grad_cam import GradCAMDisplay
from ._plot.history import TrainingHistoryDisplay
from ._plot.lead_importance import LeadImportanceDisplay
from ._plot.lead_subsets import LeadSubsetDisplay
from ._plot.reliability import ReliabilityDisplay

__all__ = [
    "DecisionCurveDisplay",
    "DigitizedPageDisplay",
    "ECGDisplay",
    "EmbeddingDisplay",
    "GradCAMDisplay",
    "LeadImportanceDisplay",
    "LeadSubsetDisplay",
    "ReliabilityDisplay",
    "TrainingHistoryDisplay",
    "feature_groups",
    "grad_cam",
    "lead_importance",
    "record_lead_importance",
    "score_by_leads",
]

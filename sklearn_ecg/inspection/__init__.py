"""Which leads a fitted estimator relies on."""

from ._lead_importance import lead_importance, record_lead_importance

__all__ = ["lead_importance", "record_lead_importance"]

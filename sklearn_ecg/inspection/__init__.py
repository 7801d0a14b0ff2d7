"""Which leads a fitted estimator relies on."""

from ._feature_groups import feature_groups
from ._lead_importance import lead_importance, record_lead_importance

__all__ = ["feature_groups", "lead_importance", "record_lead_importance"]

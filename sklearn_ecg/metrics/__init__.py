"""Scores of labels, their confidence intervals, tests of differences, and diagnostics.

The diagnostics measure whether embeddings keep records, and classes, apart.
"""

from ._bootstrap import ScoreInterval, bootstrap_difference, bootstrap_interval
from ._calibration_scores import (
    brier_score,
    calibration_intercept,
    calibration_slope,
    expected_calibration_error,
)
from ._challenge_score import challenge_score
from ._class_alignment import class_alignment_consistency, sample_alignment_accuracy
from ._delong import DeLongResult, delong_interval, delong_test
from ._label_table import label_table
from ._net_benefit import net_benefit
from ._operating_points import sensitivity_at_specificity, specificity_at_sensitivity
from ._ranking_scores import auprc_score, auroc_score
from ._subgroup_table import score_by_group

__all__ = [
    "DeLongResult",
    "ScoreInterval",
    "auprc_score",
    "auroc_score",
    "bootstrap_difference",
    "bootstrap_interval",
    "brier_score",
    "calibration_intercept",
    "calibration_slope",
    "challenge_score",
    "class_alignment_consistency",
    "delong_interval",
    "delong_test",
    "expected_calibration_error",
    "label_table",
    "net_benefit",
    "sample_alignment_accuracy",
    "score_by_group",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
]

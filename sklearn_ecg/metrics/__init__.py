"""Scores of labels, their confidence intervals, and tests of the difference between two scores."""

from ._bootstrap import ScoreInterval, bootstrap_difference, bootstrap_interval
from ._calibration_scores import (
    brier_score,
    calibration_intercept,
    calibration_slope,
    expected_calibration_error,
)
from ._challenge_score import challenge_score
from ._delong import DeLongResult, delong_interval, delong_test
from ._label_table import label_table
from ._net_benefit import net_benefit
from ._operating_points import sensitivity_at_specificity, specificity_at_sensitivity
from ._ranking_scores import auprc_score, auroc_score

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
    "delong_interval",
    "delong_test",
    "expected_calibration_error",
    "label_table",
    "net_benefit",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
]

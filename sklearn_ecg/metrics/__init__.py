"""Confidence intervals of scores, tests of the difference between two scores, and diagnostics.

The diagnostics measure whether embeddings keep records, and classes, apart.
"""

from ._bootstrap import ScoreInterval, bootstrap_difference, bootstrap_interval
from ._class_alignment import class_alignment_consistency, sample_alignment_accuracy
from ._delong import DeLongResult, delong_interval, delong_test
from ._label_table import label_table

__all__ = [
    "DeLongResult",
    "ScoreInterval",
    "bootstrap_difference",
    "bootstrap_interval",
    "class_alignment_consistency",
    "delong_interval",
    "delong_test",
    "label_table",
    "sample_alignment_accuracy",
]

"""Confidence intervals of scores, and tests of the difference between two scores."""

from ._bootstrap import ScoreInterval, bootstrap_difference, bootstrap_interval
from ._delong import DeLongResult, delong_interval, delong_test
from ._label_table import label_table

__all__ = [
    "DeLongResult",
    "ScoreInterval",
    "bootstrap_difference",
    "bootstrap_interval",
    "delong_interval",
    "delong_test",
    "label_table",
]

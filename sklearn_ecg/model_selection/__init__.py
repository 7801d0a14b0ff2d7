"""Splits without leaks: patients stay together, labels stay balanced, duplicates are found."""

from ._disjoint import DisjointGroupsCV, check_disjoint_groups
from ._duplicates import duplicate_groups
from ._fold_balance import fold_balance
from ._multilabel_splitters import (
    MultilabelStratifiedGroupKFold,
    MultilabelStratifiedGroupShuffleSplit,
)

__all__ = [
    "DisjointGroupsCV",
    "MultilabelStratifiedGroupKFold",
    "MultilabelStratifiedGroupShuffleSplit",
    "check_disjoint_groups",
    "duplicate_groups",
    "fold_balance",
]

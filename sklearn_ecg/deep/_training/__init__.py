"""Training of networks: batches, validation splits and a private skorch net.

No other module of the package imports skorch.
"""

from .batches import (
    Batches,
    PairBatches,
    recompute_batch_norm_statistics,
    stratification_labels,
)
from .checkpoints import FitCheckpoint, describe_differences, remove_temporary_files
from .lazy_records import to_training_records
from .net import ParameterGroup, restored_net, train_network
from .numerics import divergence_advice, named_memory_errors
from .processes import training_processes
from .splits import validation_split

__all__ = [
    "Batches",
    "FitCheckpoint",
    "PairBatches",
    "ParameterGroup",
    "describe_differences",
    "divergence_advice",
    "named_memory_errors",
    "recompute_batch_norm_statistics",
    "remove_temporary_files",
    "restored_net",
    "stratification_labels",
    "to_training_records",
    "train_network",
    "training_processes",
    "validation_split",
]

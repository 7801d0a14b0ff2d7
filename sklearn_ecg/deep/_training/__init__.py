"""Training of networks: batches, validation splits and a private skorch net.

The only room that knows skorch.
"""

from .batches import Batches, PairBatches, settle_batch_norm, strata
from .net import ParameterGroup, train_network
from .splits import validation_split

__all__ = [
    "Batches",
    "PairBatches",
    "ParameterGroup",
    "settle_batch_norm",
    "strata",
    "train_network",
    "validation_split",
]

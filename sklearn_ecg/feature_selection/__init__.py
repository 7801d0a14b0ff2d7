"""Selection of leads by the score of an estimator."""

from ._sequential import SequentialLeadSelector

__all__ = ["SequentialLeadSelector"]

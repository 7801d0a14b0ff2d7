"""Estimators that train a network, and the base classes for methods of your own."""

from ._base import DeepECG, DeepECGClassifier
from ._pretraining import FineTunedClassifier, SelfSupervisedEncoder

__all__ = ["DeepECG", "DeepECGClassifier", "FineTunedClassifier", "SelfSupervisedEncoder"]

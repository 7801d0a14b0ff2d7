"""Estimators that train a network, and the base classes for further methods."""

from ._base import DeepECG
from ._classifier import DeepECGClassifier
from ._pretraining import FineTunedClassifier, SelfSupervisedEncoder
from ._regressor import DeepECGRegressor

__all__ = [
    "DeepECG",
    "DeepECGClassifier",
    "DeepECGRegressor",
    "FineTunedClassifier",
    "SelfSupervisedEncoder",
]

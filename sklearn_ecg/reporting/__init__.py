"""Reports on fitted classifiers: model cards."""

from ._card import ModelCard
from ._model_card import model_card

__all__ = ["ModelCard", "model_card"]

"""Transformers of signals: scikit-learn's form, every container in, the same container out."""

from ._filters import BandpassFilter

__all__ = ["BandpassFilter"]

"""Transformers of signals: scikit-learn's form, every container in, the same container out."""

__all__ = []

"""Probabilities of records from those of their windows, and of patients from their records."""

from ._patient_aggregator import PatientAggregator
from ._patients import aggregate_patients, patient_labels
from ._windowed_classifier import WindowedClassifier

__all__ = ["PatientAggregator", "WindowedClassifier", "aggregate_patients", "patient_labels"]

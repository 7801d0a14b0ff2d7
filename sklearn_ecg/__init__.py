"""scikit-learn estimators for multi-lead ECG."""

import importlib
import os

__version__ = "0.1.0"

# Threads of OpenMP that wait for each other keep their processor busy for milliseconds. If other
# programs use the processors, training on several threads then takes many times as long. With a
# shorter wait they sleep earlier. With a much shorter wait, such as 1000, training on free
# processors takes longer. This is read when torch is loaded, and does not change results.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")

# Public names and the modules that define them. They are imported on first use, so that reading
# data does not import torch.
_MODULE_OF_NAME = {
    "ACLECGClassifier": "deep._acl_ecg_classifier",
    "ACLECGEncoder": "deep._acl_ecg",
    "BeatFeatureClassifier": "deep._beat_feature_classifier",
    "BeatFeatureEncoder": "deep._beat_feature_encoder",
    "ECGNetClassifier": "deep._ecg_net",
    "ECGNetRegressor": "deep._ecg_net_regressor",
    "LazyRecords": "leads",
    "MSAICNetClassifier": "deep._msaic_net",
    "MSAICNetRegressor": "deep._msaic_net_regressor",
    "MultilabelCalibratedClassifierCV": "calibration",
    "MultilabelTunedThresholdClassifierCV": "calibration",
    "PatientAggregator": "aggregation",
    "PriorCorrectedClassifier": "imbalance",
    "REGIONS_12": "leads",
    "REGIONS_8": "leads",
    "STANDARD_LEADS": "leads",
    "SequentialLeadSelector": "feature_selection",
    "SimCardioNetClassifier": "deep._simcardionet_classifier",
    "SimCardioNetEncoder": "deep._simcardionet",
    "WindowedClassifier": "aggregation",
    "check_disjoint_groups": "model_selection",
    "derive_leads": "leads",
    "detect_r_peaks": "beats",
    "duplicate_groups": "model_selection",
    "is_lead_frame": "leads",
    "lead_regions": "leads",
    "normalize_lead_name": "leads",
    "normalize_lead_names": "leads",
    "read_lead_frame": "leads",
    "stack_signals": "leads",
    "to_lead_array": "leads",
    "to_lead_frame": "leads",
}
_SUBPACKAGES = (
    "aggregation",
    "augmentation",
    "base",
    "beats",
    "calibration",
    "datasets",
    "deep",
    "feature_selection",
    "imbalance",
    "inspection",
    "leads",
    "metrics",
    "model_selection",
    "nn",
    "paper",
    "persistence",
    "preprocessing",
    "reporting",
    "utils",
)

__all__ = sorted(_MODULE_OF_NAME)


def __getattr__(name):
    if name in _MODULE_OF_NAME:
        module = importlib.import_module(f"{__name__}.{_MODULE_OF_NAME[name]}")
        value = globals()[name] = getattr(module, name)
        return value
    if name in _SUBPACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_MODULE_OF_NAME, *_SUBPACKAGES])

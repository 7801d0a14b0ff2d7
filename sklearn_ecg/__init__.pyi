# What type checkers and editors read: __init__.py imports these names on first use.

from . import aggregation as aggregation
from . import augmentation as augmentation
from . import base as base
from . import beats as beats
from . import calibration as calibration
from . import datasets as datasets
from . import deep as deep
from . import feature_selection as feature_selection
from . import imbalance as imbalance
from . import inspection as inspection
from . import leads as leads
from . import metrics as metrics
from . import model_selection as model_selection
from . import nn as nn
from . import paper as paper
from . import persistence as persistence
from . import preprocessing as preprocessing
from . import reporting as reporting
from . import utils as utils
from .aggregation import PatientAggregator as PatientAggregator
from .aggregation import WindowedClassifier as WindowedClassifier
from .beats import detect_r_peaks as detect_r_peaks
from .calibration import MultilabelCalibratedClassifierCV as MultilabelCalibratedClassifierCV
from .calibration import (
    MultilabelTunedThresholdClassifierCV as MultilabelTunedThresholdClassifierCV,
)
from .deep._acl_ecg import ACLECGEncoder as ACLECGEncoder
from .deep._acl_ecg_classifier import ACLECGClassifier as ACLECGClassifier
from .deep._beat_feature_classifier import BeatFeatureClassifier as BeatFeatureClassifier
from .deep._beat_feature_encoder import BeatFeatureEncoder as BeatFeatureEncoder
from .deep._ecg_net import ECGNetClassifier as ECGNetClassifier
from .deep._ecg_net_regressor import ECGNetRegressor as ECGNetRegressor
from .deep._msaic_net import MSAICNetClassifier as MSAICNetClassifier
from .deep._msaic_net_regressor import MSAICNetRegressor as MSAICNetRegressor
from .deep._simcardionet import SimCardioNetEncoder as SimCardioNetEncoder
from .deep._simcardionet_classifier import SimCardioNetClassifier as SimCardioNetClassifier
from .feature_selection import SequentialLeadSelector as SequentialLeadSelector
from .imbalance import PriorCorrectedClassifier as PriorCorrectedClassifier
from .leads import REGIONS_8 as REGIONS_8
from .leads import REGIONS_12 as REGIONS_12
from .leads import STANDARD_LEADS as STANDARD_LEADS
from .leads import LazyRecords as LazyRecords
from .leads import derive_leads as derive_leads
from .leads import is_lead_frame as is_lead_frame
from .leads import lead_regions as lead_regions
from .leads import normalize_lead_name as normalize_lead_name
from .leads import normalize_lead_names as normalize_lead_names
from .leads import read_lead_frame as read_lead_frame
from .leads import stack_signals as stack_signals
from .leads import to_lead_array as to_lead_array
from .leads import to_lead_frame as to_lead_frame
from .model_selection import check_disjoint_groups as check_disjoint_groups
from .model_selection import duplicate_groups as duplicate_groups

__version__: str

__all__ = [
    "ACLECGClassifier",
    "ACLECGEncoder",
    "BeatFeatureClassifier",
    "BeatFeatureEncoder",
    "ECGNetClassifier",
    "ECGNetRegressor",
    "LazyRecords",
    "MSAICNetClassifier",
    "MSAICNetRegressor",
    "MultilabelCalibratedClassifierCV",
    "MultilabelTunedThresholdClassifierCV",
    "PatientAggregator",
    "PriorCorrectedClassifier",
    "REGIONS_12",
    "REGIONS_8",
    "STANDARD_LEADS",
    "SequentialLeadSelector",
    "SimCardioNetClassifier",
    "SimCardioNetEncoder",
    "WindowedClassifier",
    "check_disjoint_groups",
    "derive_leads",
    "detect_r_peaks",
    "duplicate_groups",
    "is_lead_frame",
    "lead_regions",
    "normalize_lead_name",
    "normalize_lead_names",
    "read_lead_frame",
    "stack_signals",
    "to_lead_array",
    "to_lead_frame",
]

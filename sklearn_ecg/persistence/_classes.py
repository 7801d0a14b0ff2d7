"""The fixed table of the classes that a file can contain.

A name in a file is only looked up here: it is never imported, and never part of a path.
"""

import importlib
import types

from sklearn import metrics

from ..utils._container import PersistenceError


def _names(module, names):
    return {f"{module}.{name}": module for name in names.split()}


#: Estimators, described by their parameters and fitted attributes: name to module.
ESTIMATORS = {
    **_names(
        "sklearn_ecg",
        "ACLECGClassifier ACLECGEncoder BeatFeatureClassifier BeatFeatureEncoder "
        "ECGNetClassifier ECGNetRegressor MSAICNetClassifier MSAICNetRegressor "
        "MultilabelCalibratedClassifierCV MultilabelTunedThresholdClassifierCV "
        "PatientAggregator PriorCorrectedClassifier SimCardioNetClassifier SimCardioNetEncoder "
        "WindowedClassifier",
    ),
    **_names(
        "sklearn_ecg.preprocessing",
        "BandpassFilter BaselineRemover BeatFeatures Clipper Cropper ECGImageDigitizer "
        "ECGImageRenderer ElectrodeSwapDetector LeadDeriver LeadScaler LeadSelector MedianBeat "
        "NotchFilter RandomConvolutionFeatures Resampler SignalQuality",
    ),
    **_names(
        "sklearn_ecg.augmentation",
        "AmplitudeScale BaselineWander CardiacCycleMask ColorJitter Compose GaussianBlur "
        "GaussianNoise JPEGCompression LeadDropout PaperFolds PaperStains PowerlineNoise "
        "RandomApply RandomHorizontalFlip RandomPerspective RandomPhoto RandomResizedCrop "
        "RandomRotation RandomScaleCrop RandomScan SensorNoise TemporalShift TimeMask UnevenLight",
    ),
    **_names(
        "sklearn_ecg.imbalance",
        "AugmentationOverSampler BeatSMOTE FeatureLeadDropout RecordOverSampler RecordUnderSampler",
    ),
    **_names("sklearn.pipeline", "FeatureUnion Pipeline"),
    **_names("imblearn.pipeline", "Pipeline"),
    **_names("imblearn.under_sampling", "RandomUnderSampler"),
    **_names("imblearn.over_sampling", "RandomOverSampler"),
    **_names("sklearn.compose", "ColumnTransformer"),
    **_names("sklearn.frozen", "FrozenEstimator"),
    **_names(
        "sklearn.preprocessing",
        "FunctionTransformer LabelBinarizer LabelEncoder MaxAbsScaler MinMaxScaler Normalizer "
        "OneHotEncoder OrdinalEncoder PowerTransformer QuantileTransformer RobustScaler "
        "StandardScaler",
    ),
    **_names("sklearn.impute", "MissingIndicator SimpleImputer"),
    **_names("sklearn.decomposition", "PCA"),
    **_names("sklearn.dummy", "DummyClassifier"),
    **_names(
        "sklearn.linear_model", "LogisticRegression LogisticRegressionCV Ridge RidgeClassifier"
    ),
    **_names("sklearn.isotonic", "IsotonicRegression"),
    **_names("sklearn.calibration", "CalibratedClassifierCV"),
    **_names("sklearn.model_selection", "FixedThresholdClassifier TunedThresholdClassifierCV"),
    **_names("sklearn.multiclass", "OneVsRestClassifier"),
    **_names("sklearn.multioutput", "MultiOutputClassifier"),
    **_names(
        "sklearn.ensemble",
        "ExtraTreesClassifier HistGradientBoostingClassifier HistGradientBoostingRegressor "
        "RandomForestClassifier VotingClassifier",
    ),
    **_names(
        "sklearn.tree",
        "DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier",
    ),
    # Parts of the estimators above.
    **_names(
        "sklearn_ecg.beats._averaged_models",
        "BalancedWeightBoosting ClippedScaler RecordCountVotingClassifier",
    ),
    **_names("sklearn_ecg.beats._weighted_one_vs_rest", "WeightedOneVsRestClassifier"),
    **_names("sklearn_ecg.calibration._label_scores", "PrecomputedScores"),
    **_names("sklearn_ecg.preprocessing._swap_model", "SwapModel"),
    **_names("sklearn.calibration", "_SigmoidCalibration _TemperatureScaling"),
    **_names("sklearn.ensemble._hist_gradient_boosting.binning", "_BinMapper"),
    **_names("sklearn.multiclass", "_ConstantPredictor"),
}

#: Other objects, described by their attributes.
OBJECTS = {
    **_names("sklearn.calibration", "_CalibratedClassifier"),
    **_names("sklearn.metrics._scorer", "_Scorer"),
    **_names("sklearn_ecg.calibration._calibrated_classifier", "_CalibratedClassifier"),
    **_names("sklearn_ecg.paper._paper_layout", "Panel"),
    **_names("sklearn_ecg.paper._pixel_page", "PixelPage PixelPanel"),
    **_names(
        "sklearn.model_selection",
        "GroupKFold GroupShuffleSplit KFold RepeatedStratifiedKFold ShuffleSplit "
        "StratifiedGroupKFold StratifiedKFold StratifiedShuffleSplit",
    ),
    **_names(
        "sklearn_ecg.model_selection",
        "DisjointGroupsCV MultilabelStratifiedGroupKFold MultilabelStratifiedGroupShuffleSplit",
    ),
}

#: Classes and types that are values themselves, as the module of `ECGNetClassifier`.
VALUES = {
    **_names(
        "sklearn_ecg.nn",
        "CNNLSTM InceptionTime LSTM ResNet1dWang StridedCNN TransformerEncoder VGG1d XResNet1d",
    ),
    **_names("builtins", "bool float int object str"),
    **_names(
        "numpy",
        "float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64",
    ),
}

#: Objects that need more care than their attributes, see `_trees`.
SPECIAL = {
    **_names("sklearn.ensemble._hist_gradient_boosting.predictor", "TreePredictor"),
    **_names("sklearn.tree._tree", "Tree"),
    **_names(
        "sklearn._loss.loss",
        "AbsoluteError HalfBinomialLoss HalfGammaLoss HalfMultinomialLoss HalfPoissonLoss "
        "HalfSquaredError PinballLoss",
    ),
}


def find_metric(name):
    """Return a public function of `sklearn.metrics` by name, or None."""
    found = getattr(metrics, name, None) if name in metrics.__all__ else None
    return found if isinstance(found, types.FunctionType) else None


def find_class(name, table):
    """Return a class of a table by its name in files.

    Raises
    ------
    PersistenceError
        If the table does not contain the name, or the installed libraries not the class.
    """
    if not isinstance(name, str) or name not in table:
        raise PersistenceError(
            f"it contains {str(name)[:100]!r}, which is not one of the classes that files can "
            "contain here"
        )
    found = getattr(importlib.import_module(table[name]), name.rpartition(".")[2], None)
    if not isinstance(found, type):
        raise PersistenceError(f"it contains {name}, which the installed version does not have")
    return found


def name_of_class(cls, table):
    """Return the name of a class in files, or None if the table does not contain it."""
    for name in _by_last_part(table).get(cls.__name__, ()):
        # Only the home of a library that is imported already can have made the class.
        if find_class_or_none(name, table) is cls:
            return name
    return None


def find_class_or_none(name, table):
    """Return a class of a table, or None if the installed libraries do not have it."""
    try:
        return find_class(name, table)
    except (PersistenceError, ImportError):
        return None


def _by_last_part(table):
    names = {}
    for name in table:
        names.setdefault(name.rpartition(".")[2], []).append(name)
    return names

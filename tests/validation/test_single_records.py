"""A single record, such as X[0] or one row of a lead frame: the error says how to pass it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor

import sklearn_ecg
from sklearn_ecg import (
    ACLECGClassifier,
    ACLECGEncoder,
    BeatFeatureClassifier,
    BeatFeatureEncoder,
    ECGNetClassifier,
    ECGNetRegressor,
    MSAICNetClassifier,
    MSAICNetRegressor,
    MultilabelCalibratedClassifierCV,
    MultilabelTunedThresholdClassifierCV,
    PatientAggregator,
    PriorCorrectedClassifier,
    SequentialLeadSelector,
    SimCardioNetClassifier,
    SimCardioNetEncoder,
    WindowedClassifier,
    imbalance,
    preprocessing,
    to_lead_frame,
)
from sklearn_ecg.augmentation import GaussianNoise
from sklearn_ecg.imbalance import (
    AugmentationOverSampler,
    BeatSMOTE,
    FeatureLeadDropout,
    RecordOverSampler,
    RecordUnderSampler,
)
from sklearn_ecg.preprocessing import (
    BandpassFilter,
    BaselineRemover,
    BeatFeatures,
    Clipper,
    Cropper,
    ECGImageRenderer,
    ElectrodeSwapDetector,
    LeadDeriver,
    LeadScaler,
    LeadSelector,
    MedianBeat,
    NotchFilter,
    RandomConvolutionFeatures,
    Resampler,
    SignalQuality,
)

LEADS = ["I", "II", "V2", "V5"]
# With n_leads=4, X[0] of shape (4, 48) might be four records of 12 time points.
SIGNALS = np.random.RandomState(0).normal(size=(8, 4, 48)).astype(np.float32)
IMAGES = np.random.RandomState(0).randint(0, 256, size=(8, 8, 12), dtype=np.uint8)
Y = np.arange(8) % 2
PATIENTS = np.arange(8)

TINY = {"filters": (4,), "max_epochs": 0, "random_state": 0}
NET = MSAICNetClassifier(**TINY, dilations=(1,), embedding_dim=4)
ENCODER = ACLECGEncoder(
    regions={"limb": ["I", "II"], "chest": ["V2"]},
    augmentation=[GaussianNoise(0.1)],
    max_epochs=0,
    random_state=0,
)
FEATURE_ENCODER = BeatFeatureEncoder(sampling_rate=100, max_epochs=0, random_state=0)
IMAGE_ENCODER = SimCardioNetEncoder(image_size=8, n_heads=0, **TINY)

ESTIMATORS = [
    NET,
    ECGNetClassifier("lstm", module_params={"hidden_size": 4}, max_epochs=0, random_state=0),
    ENCODER,
    ACLECGClassifier(ENCODER, max_epochs=0, random_state=0),
    BeatFeatureClassifier(FEATURE_ENCODER, max_epochs=0, random_state=0),
    ECGNetRegressor("lstm", module_params={"hidden_size": 4}, max_epochs=0, random_state=0),
    FEATURE_ENCODER,
    MSAICNetRegressor(**TINY, dilations=(1,), embedding_dim=4),
    IMAGE_ENCODER,
    SimCardioNetClassifier(IMAGE_ENCODER, max_epochs=0, unfreeze_interval=1, random_state=0),
    MultilabelCalibratedClassifierCV(NET, cv=2),
    MultilabelTunedThresholdClassifierCV(NET, cv=2),
    PatientAggregator(NET),
    PriorCorrectedClassifier(NET, cv=2),
    WindowedClassifier(NET, 0.2, sampling_rate=100),
    SequentialLeadSelector(NET, n_leads_to_select=3, cv=2),
    BandpassFilter(sampling_rate=100),
    BaselineRemover(sampling_rate=100),
    BeatFeatures(sampling_rate=100, drop_empty=False),
    Clipper(),
    Cropper(8),
    ECGImageRenderer(sampling_rate=100, layout="12x1", image_size=(32, 32)),
    ElectrodeSwapDetector(100),
    LeadDeriver(["III"]),
    LeadScaler(),
    LeadSelector(["I"]),
    MedianBeat(sampling_rate=100, window=(-0.1, 0.1), unreliable="record_average"),
    NotchFilter(sampling_rate=500),
    RandomConvolutionFeatures(336),
    Resampler(50, sampling_rate=100),
    SignalQuality(sampling_rate=100),
]
SAMPLERS = [
    AugmentationOverSampler(GaussianNoise(0.1)),
    BeatSMOTE(sampling_rate=100),
    FeatureLeadDropout(),
    RecordOverSampler(),
    RecordUnderSampler(),
]
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform")
SENTENCE = r"[Aa] single (record|image) is X\[\[0\]\], not X\[0\]"


def containers_of(estimator):
    """Return the containers in which an estimator can recognize a single record.

    X[0] of a `WindowedClassifier` with n_leads might be four records of another length.
    """
    containers = ["array", "lead frame"]
    if "n_leads" in estimator.get_params() and not isinstance(estimator, WindowedClassifier):
        containers.append("array with n_leads")
    return containers


def records(estimator, container):
    """Return records and one of them."""
    if hasattr(estimator, "image_shape"):
        return IMAGES, IMAGES[0]
    if container == "lead frame":
        frame = to_lead_frame(SIGNALS, LEADS)
        return frame, frame.iloc[0]
    return SIGNALS, SIGNALS[0]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "container"),
    [
        pytest.param(estimator, container, id=f"{type(estimator).__name__}-{container}")
        for estimator in ESTIMATORS
        for container in containers_of(estimator)
    ],
)
def test_of_a_fitted_estimator(estimator, container):
    X, one = records(estimator, container)
    estimator = clone(estimator)
    names = {"lead_names": None if container == "lead frame" else LEADS}
    if "estimator__lead_names" in estimator.get_params():
        names = {f"estimator__{name}": value for name, value in names.items()}
    if set(names) <= set(estimator.get_params()):
        estimator.set_params(**names)
    if container == "array with n_leads":
        estimator.set_params(n_leads=4)
    params = {}
    if isinstance(estimator, PatientAggregator):
        params = {"groups": PATIENTS[:1]}
        estimator.fit(X, Y, groups=PATIENTS)
    else:
        estimator.fit(X, Y)
    methods = [name for name in METHODS if hasattr(estimator, name)]
    assert methods
    for name in methods:
        with pytest.raises(ValueError, match=SENTENCE):
            getattr(estimator, name)(one, **params)
        kept = X.iloc[[0]] if isinstance(X, pd.DataFrame) else X[[0]]
        assert len(getattr(estimator, name)(kept, **params)) == 1


@pytest.mark.parametrize("container", ["array", "lead frame"])
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_in_fit(estimator, container):
    """A classifier may first report that the labels of one record are of one class."""
    _, one = records(estimator, container)
    if is_classifier(estimator):
        with pytest.raises(ValueError, match=rf"{SENTENCE}|2 classes, got 1 class"):
            clone(estimator).fit(one, Y[:1])
    else:
        y = Y[:1] if is_regressor(estimator) else None
        with pytest.raises(ValueError, match=SENTENCE):
            clone(estimator).fit(one, y)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: type(s).__name__)
def test_of_a_sampler(sampler):
    frame = to_lead_frame(SIGNALS, LEADS)
    with pytest.raises(ValueError, match=SENTENCE):
        sampler.fit_resample(frame.iloc[0], Y[:4])


def test_every_estimator_is_tested():
    tested = {type(estimator).__name__ for estimator in ESTIMATORS + SAMPLERS}
    public = {
        name
        for module in (sklearn_ecg, preprocessing, imbalance)
        for name in module.__all__
        if hasattr(getattr(module, name), "get_params")
    }
    # A single page is an image of another kind: tests/paper/test_digitizer.py.
    assert tested == public - {"ECGImageDigitizer"}

"""Tests of all estimators with the checks of scikit-learn and of this library."""

from functools import partial

import pytest
import torch
from sklearn.base import is_classifier
from sklearn.utils.estimator_checks import estimator_checks_generator
from torch import nn

from sklearn_ecg import (
    ACLECGClassifier,
    ACLECGEncoder,
    ECGNetClassifier,
    MSAICNetClassifier,
    SimCardioNetClassifier,
    SimCardioNetEncoder,
)
from sklearn_ecg.augmentation import ColorJitter, GaussianNoise
from sklearn_ecg.nn import VGG1d
from sklearn_ecg.preprocessing import (
    BandpassFilter,
    BaselineRemover,
    BeatFeatures,
    Clipper,
    Cropper,
    ECGImageRenderer,
    LeadDeriver,
    LeadScaler,
    LeadSelector,
    MedianBeat,
    NotchFilter,
    Resampler,
    SignalQuality,
)
from sklearn_ecg.utils.estimator_checks import ecg_checks, parametrize_with_ecg_checks


class UserNet(nn.Module):
    """A module of a user, without BatchNorm, that returns logits and an embedding."""

    def __init__(self, n_leads, n_outputs, width=4):
        super().__init__()
        self.conv = nn.Conv1d(n_leads, width, 3, padding="same")
        self.linear = nn.Linear(2 * width, n_outputs)

    def forward(self, x):
        x = self.conv(x).relu()
        embedding = torch.cat([x.mean(2), x.amax(2)], dim=1)
        return self.linear(embedding), embedding


TINY = {"filters": (8,), "dilations": (1, 2), "kernel_size": 3, "embedding_dim": 8}

ENCODER = {
    "backbone": partial(VGG1d, filters=(8,), n_convs=(1,)),
    "augmentation": [GaussianNoise(0.1)],
    "projection_dim": 4,
    "max_epochs": 2,
}
ENCODER_OF_ROWS = ACLECGEncoder(
    **{**ENCODER, "backbone": partial(VGG1d, filters=(32,), n_convs=(1,))},
    regions={"limb": ["I"]},
    normalize="dataset",
    lead_names=["I"],
    n_leads=1,
    precision="float64",
    random_state=0,
)

# The rows in the checks of scikit-learn are images with one row of pixels.
IMAGE_ENCODER = SimCardioNetEncoder(
    image_shape=(1, -1),
    image_size=None,
    filters=(16,),
    n_heads=0,
    projection_dim=4,
    augmentation=[ColorJitter()],
    max_epochs=2,
    precision="float64",
    random_state=0,
)

# Small float64 instances, because scikit-learn compares results with a tolerance of 1e-7.
SKLEARN_INSTANCES = [
    MSAICNetClassifier(
        **{**TINY, "embedding_dim": 16},
        stride=1,
        projection_dim=8,
        dropout=0,
        n_leads=1,
        precision="float64",
        max_epochs=40,
        learning_rate=1e-2,
        batch_size=16,
        random_state=0,
    ),
    ECGNetClassifier(
        module_params={"width": 8, "n_blocks": 1, "embedding_dim": 16, "dropout": 0},
        n_leads=1,
        precision="float64",
        max_epochs=40,
        learning_rate=1e-2,
        batch_size=16,
        random_state=0,
    ),
    ENCODER_OF_ROWS,
    ACLECGClassifier(
        ENCODER_OF_ROWS,
        encoder_learning_rate=1e-2,
        lead_names=["I"],
        n_leads=1,
        precision="float64",
        max_epochs=40,
        learning_rate=1e-2,
        batch_size=16,
        random_state=0,
    ),
    IMAGE_ENCODER,
    SimCardioNetClassifier(
        IMAGE_ENCODER,
        image_shape=(1, -1),
        unfreeze_interval=0,
        encoder_learning_rate=1e-2,
        precision="float64",
        max_epochs=40,
        learning_rate=1e-2,
        batch_size=16,
        random_state=0,
    ),
    BandpassFilter(sampling_rate=100, n_leads=1),
    BaselineRemover(sampling_rate=100, n_leads=1),
    BeatFeatures(sampling_rate=100, drop_empty=False, n_leads=1),
    Clipper(-1, 1, n_leads=1),
    Cropper(1, position="random", n_leads=1),
    ECGImageRenderer(sampling_rate=100, layout="12x1", image_size=(16, 24), n_leads=1),
    LeadDeriver((), lead_names=["I"], n_leads=1),
    LeadScaler(n_leads=1),
    LeadSelector(["I"], lead_names=["I"], n_leads=1),
    MedianBeat(sampling_rate=100, window=(-0.01, 0.01), unreliable="record_average", n_leads=1),
    NotchFilter(sampling_rate=500, n_leads=1),
    Resampler(40, sampling_rate=100, n_leads=1),
    SignalQuality(sampling_rate=100, n_leads=1),
]

ECG_INSTANCES = [
    MSAICNetClassifier(**TINY, projection_dim=4, max_epochs=2, batch_size=8),
    ECGNetClassifier(
        module_params={"width": 8, "n_blocks": 2, "embedding_dim": 8},
        max_epochs=2,
        batch_size=8,
    ),
    ECGNetClassifier(UserNet, max_epochs=2, batch_size=8),
    ACLECGEncoder(
        **ENCODER,
        regions={"limb": ["II", "I"], "chest": ["V2"]},
        lead_names=["I", "II", "V2", "V5"],
    ),
    ACLECGClassifier(
        ACLECGEncoder(**ENCODER, regions={"limb": ["II", "I"], "chest": ["V2"]}),
        lead_names=["I", "II", "V2", "V5"],
        max_epochs=2,
        batch_size=8,
    ),
    SimCardioNetEncoder(image_size=(8, 32), filters=(4, 8), n_heads=2, max_epochs=2),
    SimCardioNetClassifier(
        SimCardioNetEncoder(image_size=(8, 32), filters=(4, 8), n_heads=2, max_epochs=1),
        unfreeze_interval=1,
        max_epochs=3,
        batch_size=8,
    ),
    BandpassFilter(sampling_rate=100),
    BaselineRemover("median", sampling_rate=100),
    BeatFeatures(sampling_rate=100),
    Clipper(-0.5, 0.5),
    Cropper(4, position="random"),
    # One of the checks has 50 leads, which need as many rows of pixels.
    ECGImageRenderer(sampling_rate=100, layout="12x1", image_size=(200, 40), color="rgb"),
    LeadDeriver(["III", "aVF"], lead_names=["I", "II", "V2", "V5"]),
    LeadScaler("record"),
    LeadSelector(["V2", "I"], lead_names=["I", "II", "V2", "V5"]),
    MedianBeat(sampling_rate=100, window=(-0.02, 0.02), unreliable="record_average"),
    NotchFilter(sampling_rate=500),
    Resampler(40, sampling_rate=100),
    SignalQuality(sampling_rate=100),
]

# At most one per estimator.
MINIBATCHES = (
    "check_sample_weight_equivalence_on_dense_data",
    "a weight scales the loss of a record, whereas a repeated record is in more minibatches",
)
EXPECTED_FAILURES = {
    "ACLECGClassifier": MINIBATCHES,
    "ECGNetClassifier": MINIBATCHES,
    "MSAICNetClassifier": MINIBATCHES,
    "SimCardioNetClassifier": MINIBATCHES,
    "MedianBeat": (
        "check_fit2d_1feature",
        "a beat has at least two time points; the error for shorter records names their length",
    ),
}

# Skipped by scikit-learn unless the environment variable SCIPY_ARRAY_API is set.
NEEDS_ARRAY_API = "check_array_api_input"


def sklearn_cases():
    for estimator in SKLEARN_INSTANCES:
        for instance, check in estimator_checks_generator(estimator):
            name = check.func.__name__
            if name == NEEDS_ARRAY_API:
                continue
            marks = ()
            failing, reason = EXPECTED_FAILURES.get(type(estimator).__name__, (None, None))
            if name == failing:
                marks = pytest.mark.xfail(reason=reason, strict=True)
            yield pytest.param(
                instance, check, marks=marks, id=f"{type(estimator).__name__}-{name}"
            )


SKLEARN_CASES = list(sklearn_cases())


@pytest.mark.parametrize("estimator, check", SKLEARN_CASES)
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_sklearn_checks(estimator, check):
    check(estimator)


@parametrize_with_ecg_checks(ECG_INSTANCES)
def test_ecg_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", SKLEARN_INSTANCES, ids=lambda e: type(e).__name__)
def test_enough_sklearn_checks_run(estimator):
    names = [
        check.func.__name__
        for case, check in (case.values for case in SKLEARN_CASES)
        if type(case) is type(estimator)
    ]
    assert len(names) >= (60 if is_classifier(estimator) else 45)


@pytest.mark.parametrize("estimator", ECG_INSTANCES, ids=lambda e: type(e).__name__)
def test_enough_ecg_checks_run(estimator):
    fewest = 20 if hasattr(estimator, "image_shape") else 23
    assert len(ecg_checks(estimator)) >= fewest + (2 if is_classifier(estimator) else 0)

"""Tests of all estimators with the checks of scikit-learn and of this library."""

import inspect
import warnings
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator
from torch import nn

from sklearn_ecg import (
    ACLECGClassifier,
    ACLECGEncoder,
    BeatFeatureClassifier,
    BeatFeatureEncoder,
    ECGNetClassifier,
    ECGNetRegressor,
    MSAICNetClassifier,
    MSAICNetRegressor,
    SequentialLeadSelector,
    SimCardioNetClassifier,
    SimCardioNetEncoder,
)
from sklearn_ecg.augmentation import ColorJitter, GaussianNoise
from sklearn_ecg.nn import CNNLSTM, LSTM, InceptionTime, ResNet1dWang, VGG1d, XResNet1d
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
    windows,
)
from sklearn_ecg.utils._check_tools import _assert_outputs, _clone_with, _make_records
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


class RepeatedConvolutionFeatures(RandomConvolutionFeatures):
    """Repeats the rows in the checks of scikit-learn, most of which are shorter than a kernel."""

    def _validate_lazily(self, X, reset):
        return np.tile(super()._validate_lazily(X, reset), 9)


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

FEATURE_ENCODER_OF_ROWS = BeatFeatureEncoder(
    filters=(16,),
    sampling_rate=100,
    max_epochs=2,
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
    MSAICNetRegressor(
        **{**TINY, "embedding_dim": 16},
        stride=1,
        dropout=0,
        n_leads=1,
        precision="float64",
        max_epochs=40,
        learning_rate=1e-2,
        batch_size=16,
        random_state=0,
    ),
    ECGNetRegressor(
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
    FEATURE_ENCODER_OF_ROWS,
    BeatFeatureClassifier(
        FEATURE_ENCODER_OF_ROWS,
        encoder_learning_rate=1e-2,
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
    ElectrodeSwapDetector(100, lead_names=["I"], n_leads=1),
    LeadDeriver((), lead_names=["I"], n_leads=1),
    LeadScaler(n_leads=1),
    LeadSelector(["I"], lead_names=["I"], n_leads=1),
    MedianBeat(sampling_rate=100, window=(-0.01, 0.01), unreliable="record_average", n_leads=1),
    NotchFilter(sampling_rate=500, n_leads=1),
    RepeatedConvolutionFeatures(84, n_leads=1),
    Resampler(40, sampling_rate=100, n_leads=1),
    SequentialLeadSelector(LogisticRegression(), cv=2, n_leads=1),
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
    MSAICNetRegressor(**TINY, max_epochs=2, batch_size=8),
    ECGNetRegressor(UserNet, max_epochs=2, batch_size=8),
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
    BeatFeatureEncoder(filters=(4, 8), sampling_rate=100, max_epochs=2, batch_size=8),
    BeatFeatureClassifier(
        BeatFeatureEncoder(filters=(4, 8), sampling_rate=100, max_epochs=1),
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
    ElectrodeSwapDetector(100, lead_names=["I", "II", "V2", "V5"]),
    LeadDeriver(["III", "aVF"], lead_names=["I", "II", "V2", "V5"]),
    LeadScaler("record"),
    LeadSelector(["V2", "I"], lead_names=["I", "II", "V2", "V5"]),
    MedianBeat(sampling_rate=100, window=(-0.02, 0.02), unreliable="record_average"),
    NotchFilter(sampling_rate=500),
    RandomConvolutionFeatures(5000),
    RandomConvolutionFeatures(100, across_leads=True),
    Resampler(40, sampling_rate=100),
    SequentialLeadSelector(
        MSAICNetClassifier(**TINY, max_epochs=0, random_state=0), n_leads_to_select=0.5, cv=2
    ),
    SignalQuality(sampling_rate=100),
]

# One per estimator, or several with the same reason.
MINIBATCHES = (
    ("check_sample_weight_equivalence_on_dense_data",),
    "a weight scales the loss of a record, whereas a repeated record is in more minibatches",
)
EXPECTED_FAILURES = {
    "ACLECGClassifier": MINIBATCHES,
    "BeatFeatureClassifier": MINIBATCHES,
    "ECGNetClassifier": MINIBATCHES,
    "ECGNetRegressor": MINIBATCHES,
    "MSAICNetClassifier": MINIBATCHES,
    "MSAICNetRegressor": MINIBATCHES,
    "SimCardioNetClassifier": MINIBATCHES,
    "ElectrodeSwapDetector": (
        (
            "check_estimators_pickle",
            "check_fit_idempotent",
            "check_methods_sample_order_invariance",
            "check_methods_subset_invariance",
        ),
        "predict returns the names of swaps, but the check subtracts them from each other",
    ),
    "MedianBeat": (
        ("check_fit2d_1feature",),
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
            failing, reason = EXPECTED_FAILURES.get(type(estimator).__name__, ((), None))
            if name in failing:
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
    fewest = 60 if is_classifier(estimator) else 45
    # scikit-learn checks that NaN raises an error, unless it is accepted.
    assert len(names) >= fewest - get_tags(estimator).input_tags.allow_nan


@pytest.mark.parametrize("estimator", ECG_INSTANCES, ids=lambda e: type(e).__name__)
def test_enough_ecg_checks_run(estimator):
    fewest = 20 if hasattr(estimator, "image_shape") else 23
    assert len(ecg_checks(estimator)) >= fewest + (2 if is_classifier(estimator) else 0)


def _as_numpy(value, integer):
    """Return a parameter with NumPy numbers in place of those of Python."""
    if isinstance(value, (list, tuple)):
        return type(value)(_as_numpy(part, integer) for part in value)
    if isinstance(value, bool):
        return np.bool_(value)
    if isinstance(value, int):
        return integer(value) if value <= np.iinfo(integer).max else np.int64(value)
    return np.float64(value) if isinstance(value, float) else value


@pytest.mark.parametrize("integer", [np.int64, np.uint8])
@pytest.mark.parametrize("estimator", ECG_INSTANCES, ids=lambda e: type(e).__name__)
def test_numpy_numbers_are_numbers(estimator, integer):
    """Also small integers, whose products would overflow."""
    X, y = _make_records()
    if hasattr(estimator, "image_shape"):
        X = (255 * np.clip(X, 0, 1)).astype(np.uint8)
    estimator = _clone_with(estimator)
    if hasattr(estimator, "early_stopping"):
        estimator.set_params(early_stopping=True)
    params = {name: _as_numpy(v, integer) for name, v in estimator.get_params().items()}
    other = clone(estimator).set_params(**params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        _assert_outputs(estimator.fit(X, y), other.fit(X, y), X, exact=True)


@pytest.mark.parametrize("module", [LSTM, CNNLSTM, InceptionTime, ResNet1dWang, XResNet1d])
def test_networks_take_numpy_integers(module):
    arguments = inspect.signature(module).parameters
    params = {
        name: _as_numpy(p.default, np.int64)
        for name, p in arguments.items()
        if p.default is not p.empty
    }
    network = module(np.int64(2), np.int64(3), **params)
    assert network(torch.zeros(2, 2, 64)).shape == (2, 3)


def test_module_params_take_numpy_integers():
    X, y = _make_records()
    clf = ECGNetClassifier("lstm", module_params={"hidden_size": np.int64(4)}, max_epochs=0)
    assert clf.fit(X, y).net_.module_.lstm.hidden_size == 4


def test_crops_take_small_numpy_integers():
    X = np.arange(2 * 400.0).reshape(2, 1, 400)
    for position, start in ((np.uint8(200), 200), ("center", 100), ("end", 200)):
        cropped = Cropper(np.uint8(200), position=position).fit_transform(X)
        np.testing.assert_array_equal(cropped, X[:, :, start : start + 200])
    cut, _ = windows(X, np.uint8(200), step=np.uint8(100))
    np.testing.assert_array_equal(cut[:3, 0, 0], [0, 100, 200])

"""A GPU is not waited for in each batch, which the device "meta" shows on any machine."""

import importlib
import traceback
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

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
    SimCardioNetClassifier,
    SimCardioNetEncoder,
    augmentation,
)
from sklearn_ecg.augmentation import (
    AmplitudeScale,
    BaselineWander,
    CardiacCycleMask,
    ColorJitter,
    Compose,
    GaussianBlur,
    GaussianNoise,
    LeadDropout,
    PaperFolds,
    PaperStains,
    PowerlineNoise,
    RandomApply,
    RandomHorizontalFlip,
    RandomPerspective,
    RandomResizedCrop,
    RandomRotation,
    RandomScaleCrop,
    SensorNoise,
    TemporalShift,
    TimeMask,
    UnevenLight,
)
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.deep._ecg_net_module import NETWORKS
from sklearn_ecg.deep._training import batches as batches_module
from sklearn_ecg.nn import StridedCNN
from sklearn_ecg.utils import _torch

# Values that are read are ones.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The embedding has collapsed"),
    pytest.mark.filterwarnings("ignore:The last of 2 stages would be unfrozen"),
]

aten = torch.ops.aten
PACKAGE = str(Path(sklearn_ecg.__file__).parent)

# Operations that need values of a GPU on the CPU.
WAITING = {
    aten._local_scalar_dense.default,
    aten._linalg_check_errors.default,
    aten._linalg_eigh.default,
    aten._linalg_svd.default,
    aten.bincount.default,
    aten.equal.default,
    aten.masked_select.default,
    aten.nonzero.default,
    aten.repeat_interleave.Tensor,
}
INDEXING = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default}


class Synchronizations(TorchDispatchMode):
    """Count the operations for which a GPU in place of the device "meta" would be waited for.

    Values that are read are ones.
    """

    def __init__(self):
        super().__init__()
        self.counts = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = [value for value in tree_leaves((args, kwargs)) if torch.is_tensor(value)]
        on_device = [tensor for tensor in tensors if tensor.is_meta]
        from_device = bool(on_device) and torch.device(kwargs.get("device") or "meta").type == "cpu"
        if func is aten.copy_.default:
            from_device = args[1].is_meta and not args[0].is_meta
        if self._waits(func, args, kwargs, tensors, on_device) or from_device:
            self.count(func)
        if func is aten._local_scalar_dense.default and on_device:
            return args[0].dtype.is_floating_point + 0.0 or True
        if from_device and func is aten.copy_.default:
            return args[0].fill_(1)
        if from_device:
            return torch.ones(args[0].shape, dtype=kwargs.get("dtype") or args[0].dtype)
        return func(*args, **kwargs)

    def count(self, func):
        lines = [f for f in traceback.extract_stack() if f.filename.startswith(PACKAGE)]
        self.counts[str(func), Path(lines[-1].filename).name, lines[-1].lineno] += 1

    def _waits(self, func, args, kwargs, tensors, on_device):
        """Return whether a GPU is waited for, unless its values are copied."""
        to_device = torch.device(kwargs.get("device") or "cpu").type == "meta"
        # Scalars of the CPU are arguments of the GPU's functions.
        on_cpu = any(tensor.ndim and not tensor.is_meta for tensor in tensors)
        if on_cpu and (on_device or to_device):
            return True
        if not on_device:
            return False
        if func in INDEXING:
            return any(torch.is_tensor(i) and i.dtype == torch.bool for i in tree_leaves(args[1]))
        # torch.tensor copies numbers to the device before it calls this.
        return func in WAITING or func is aten.lift_fresh.default


class IndexingByNumbers(TorchFunctionMode):
    """Count indexing by lists and arrays, which are copied to a GPU without a visible operation."""

    def __init__(self, synchronizations):
        super().__init__()
        self.synchronizations = synchronizations

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in (torch.Tensor.__getitem__, torch.Tensor.__setitem__) and args[0].is_meta:
            index = args[1] if isinstance(args[1], tuple) else (args[1],)
            if any(isinstance(part, (list, tuple, range, np.ndarray)) for part in index):
                self.synchronizations.count(func)
        return func(*args, **(kwargs or {}))


@pytest.fixture(autouse=True)
def gpu_of_unlimited_memory(monkeypatch):
    monkeypatch.setattr(batches_module, "_free_memory", lambda device: 2**40)
    # What torch supports on GPUs, but not on the device "meta".
    adam = importlib.import_module("torch.optim.adam")
    monkeypatch.setattr(adam, "_device_dtype_check_for_fused", lambda *args, **_: None)
    monkeypatch.setattr(_torch, "_usual_modes", lambda device: nullcontext())


@pytest.fixture(scope="module")
def signals():
    return make_ecg(16, duration=2, prevalence=0.5, return_X_y=True, random_state=0)


@pytest.fixture(scope="module")
def images():
    return np.random.RandomState(0).randint(0, 256, (16, 32, 32, 3)).astype(np.uint8)


def count_more(estimator, *args, device="meta", **fit_params):
    """Count by how much twice as many batches increase the synchronizations."""
    counts = []
    for batch_size in (8, 4):
        estimator.set_params(max_epochs=1, batch_size=batch_size, device=device, random_state=0)
        with Synchronizations() as found, IndexingByNumbers(found):
            estimator.fit(*args, **fit_params)
        counts.append(found.counts)
    assert counts[0]
    return counts[1] - counts[0]


def check(estimator, *args, **params):
    """Raise if the number of synchronizations depends on the number of batches."""
    assert count_more(estimator, *args, **params) == Counter()


def make_backbone(n_leads):
    return StridedCNN(n_leads, filters=(4,))


TINY = {"filters": (4,), "dilations": (1,), "embedding_dim": 8}
TWO_LEADS = {"regions": {"a": ["I"], "b": ["V2"]}, "backbone": make_backbone}
AUGMENTATIONS_OF_SIGNALS = [
    AmplitudeScale(),
    BaselineWander(sampling_rate=100),
    CardiacCycleMask(sampling_rate=100),
    GaussianNoise(),
    LeadDropout(),
    PowerlineNoise(frequency=(40, 50), sampling_rate=100),
    RandomApply(GaussianNoise()),
    RandomScaleCrop(),
    TemporalShift(sampling_rate=100),
    TimeMask(),
]
AUGMENTATIONS_OF_IMAGES = [
    ColorJitter(saturation=0.5),
    GaussianBlur(),
    PaperFolds(),
    PaperStains(),
    RandomHorizontalFlip(),
    RandomPerspective(),
    RandomPerspective(fill=0.5),
    RandomResizedCrop(),
    RandomRotation(),
    SensorNoise(),
    UnevenLight(),
]
# Pillow compresses images on the CPU.
COMPRESSING = {"JPEGCompression", "RandomPhoto", "RandomScan"}


def test_all_augmentations_are_tested():
    tested = {type(a).__name__ for a in AUGMENTATIONS_OF_SIGNALS + AUGMENTATIONS_OF_IMAGES}
    assert tested | COMPRESSING | {"Compose", "pad_peaks"} == set(augmentation.__all__)


@pytest.mark.parametrize("transform", AUGMENTATIONS_OF_SIGNALS, ids=str)
def test_augmentation_of_signals(transform, signals):
    check(MSAICNetClassifier(**TINY, augmentation=transform), *signals)


@pytest.mark.parametrize("transform", AUGMENTATIONS_OF_SIGNALS, ids=str)
def test_augmentation_of_pairs_of_signals(transform, signals):
    # With R-peaks, whether the transform itself needs them or not.
    both = Compose([transform, CardiacCycleMask(sampling_rate=100)])
    check(ACLECGEncoder(**TWO_LEADS, augmentation=both, sampling_rate=100), signals[0])


@pytest.mark.parametrize("transform", AUGMENTATIONS_OF_IMAGES, ids=str)
def test_augmentation_of_images(transform, images):
    encoder = SimCardioNetEncoder(filters=(4, 4), n_heads=1, image_size=16, augmentation=transform)
    check(encoder, images)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("binary", {}),
        ("multiclass", {}),
        ("multilabel", {}),
        ("binary", {"balanced_batches": False, "contrastive_gamma": 0.0, "focal_gamma": 0.0}),
        ("binary", {"logit_adjustment": 1.0, "class_weight": None}),
        ("multiclass", {"logit_adjustment": 1.0, "class_weight": None}),
        ("multiclass", {"contrastive_weight": 0.0, "focal_gamma": 0.0, "class_weight": None}),
        ("multiclass", {"contrastive_loss": "balanced"}),
        ("binary", {"contrastive_loss": "class_supcon", "augmentation": GaussianNoise()}),
        ("binary", {"contrastive_loss": "prototype", "augmentation": GaussianNoise()}),
        ("binary", {"early_stopping": True, "gradient_clip": 1.0, "normalize": "record"}),
    ],
    ids=str,
)
def test_classification(kind, params, signals):
    X, y = signals
    if kind == "multiclass":
        y = np.arange(len(y)) % 3
    elif kind == "multilabel":
        y = np.column_stack([y, np.arange(len(y)) % 2])
    clf = MSAICNetClassifier(**{**TINY, **params})
    check(clf, X, y)
    check(clf, X, y, sample_weight=np.linspace(0.5, 1.5, len(y)))


def test_regression(signals):
    X, y = signals
    check(MSAICNetRegressor(**TINY), X, y + 0.5, sample_weight=np.linspace(0.5, 1.5, len(y)))
    check(ECGNetRegressor("cnn_lstm"), X[:, :2, :40], y + 0.5)


@pytest.mark.parametrize("network", NETWORKS)
def test_networks(network, signals):
    check(ECGNetClassifier(network), signals[0][:, :2, :20], signals[1])


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"inter": "separate"},
        {"objective": "simclr"},
        {"objective": "clocs"},
        {"objective": "lfbt"},
        {"regions": {"a": ["I"], "b": ["V2", "V3"], "c": ["V5"]}, "shared_encoder": True},
    ],
    ids=str,
)
def test_pretraining(params, signals):
    check(ACLECGEncoder(**{**TWO_LEADS, "sampling_rate": 100, **params}), signals[0])


@pytest.mark.parametrize("frozen", [False, True])
def test_fine_tuning(frozen, signals, images):
    X, y = signals
    weights = np.linspace(0.5, 1.5, len(y))
    options = {"max_epochs": 1, "random_state": 0, "device": "meta"}
    encoder = ACLECGEncoder(**TWO_LEADS, **options)
    check(ACLECGClassifier(encoder, sampling_rate=100, frozen=frozen), X, y, sample_weight=weights)
    encoder = BeatFeatureEncoder(filters=(4,), **options)
    check(BeatFeatureClassifier(encoder, sampling_rate=100, frozen=frozen), X, y)
    encoder = SimCardioNetEncoder(filters=(4, 4), n_heads=1, image_size=16, **options)
    check(SimCardioNetClassifier(encoder, frozen=frozen), images, y)


def test_number_of_the_device(signals):
    """The device of a tensor on "cuda" is "cuda:0", which is not equal."""
    check(MSAICNetClassifier(**TINY), *signals, device="meta:0")


def test_measurements(signals):
    check(BeatFeatureEncoder(filters=(4,), sampling_rate=100), signals[0])


def test_images(images):
    for normalize in ("dataset", "record"):
        check(
            SimCardioNetEncoder(filters=(4, 4), n_heads=1, image_size=16, normalize=normalize),
            images,
        )


def test_records_that_do_not_fit_are_copied_once_per_batch(signals, monkeypatch):
    monkeypatch.setattr(batches_module, "_free_memory", lambda device: 0)
    ((func, file_name, _),) = count_more(MSAICNetClassifier(**TINY), *signals)
    assert (func, file_name) == ("aten._to_copy.default", "batches.py")


@pytest.mark.parametrize("index", [[0, 1], (0, 1), range(2), np.arange(2)], ids=str)
def test_indexing_by_numbers_is_found(index):
    found = Synchronizations()
    found.count = lambda func: found.counts.update([str(func)])
    with IndexingByNumbers(found):
        torch.empty(3, 4, device="meta")[:, index]
        torch.empty(3, 4)[:, index]
    assert found.counts.total() == 1

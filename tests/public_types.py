"""What type checkers know about the public names; `make lint` runs mypy on this file."""

from types import ModuleType
from typing import assert_type

import sklearn_ecg
from sklearn_ecg import (
    STANDARD_LEADS,
    ACLECGClassifier,
    ECGNetClassifier,
    MSAICNetClassifier,
    SimCardioNetEncoder,
    WindowedClassifier,
)
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.metrics import bootstrap_interval
from sklearn_ecg.preprocessing import BandpassFilter, BeatFeatures

assert_type(sklearn_ecg.__version__, str)
modules: list[ModuleType] = [sklearn_ecg.datasets, sklearn_ecg.inspection, sklearn_ecg.persistence]
leads: tuple[str, ...] = STANDARD_LEADS

# Classes, not modules or objects of any type.
assert_type(MSAICNetClassifier(max_epochs=2), MSAICNetClassifier)
assert_type(ACLECGClassifier(encoder=None), ACLECGClassifier)
assert_type(ECGNetClassifier("resnet1d_wang"), ECGNetClassifier)
assert_type(SimCardioNetEncoder(image_size=64), SimCardioNetEncoder)
assert_type(BandpassFilter(0.5, 40, sampling_rate=100), BandpassFilter)
assert_type(BeatFeatures(sampling_rate=100), BeatFeatures)
windowed: WindowedClassifier = WindowedClassifier(MSAICNetClassifier(), duration=10)

# A loader returns a Bunch, or X and y.
ecg = make_ecg(10)
n_records = len(ecg.data)
X, y = make_ecg(10, return_X_y=True)
bootstrap_interval("roc_auc", y, y, groups=ecg.groups)

# What is documented is accepted, even where the default is of another type.
make_ecg(10, records_per_patient=(1, 3), prevalence={"inferior": 0.2}, regions="inferior")
MSAICNetClassifier(filters=[8], dilations=(1,), normalize=None, class_weight={0: 1, 1: 5})
ECGNetClassifier(lambda n_leads, n_outputs: None, n_threads=None)
SimCardioNetEncoder(image_size=(64, 96), augmentation=[])
BandpassFilter(None, 40, sampling_rate=100)

# mypy reports an error that is expected and missing as unused.
MSAICNetClassifier(n_epochs=2)  # type: ignore[call-arg]
sklearn_ecg.MSAICNet  # type: ignore[attr-defined]  # noqa: B018

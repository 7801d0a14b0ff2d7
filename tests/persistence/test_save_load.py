"""Saved estimators give the same predictions, bit for bit, and refuse what they cannot save."""

import functools
import importlib
import subprocess
import sys
from collections import UserList

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.frozen import FrozenEstimator
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier
from torch import nn

import sklearn_ecg
from sklearn_ecg import (
    ACLECGClassifier,
    ACLECGEncoder,
    BeatFeatureClassifier,
    BeatFeatureEncoder,
    ECGNetClassifier,
    MSAICNetClassifier,
    MultilabelCalibratedClassifierCV,
    MultilabelTunedThresholdClassifierCV,
    PriorCorrectedClassifier,
    SimCardioNetClassifier,
    SimCardioNetEncoder,
)
from sklearn_ecg.augmentation import ColorJitter, GaussianNoise, LeadDropout
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.imbalance import BeatSMOTE
from sklearn_ecg.leads import to_lead_frame
from sklearn_ecg.model_selection import MultilabelStratifiedGroupKFold
from sklearn_ecg.nn import ResNet1dWang, VGG1d
from sklearn_ecg.persistence import PersistenceError, load, read_info, save
from sklearn_ecg.persistence._classes import ESTIMATORS, OBJECTS, SPECIAL, VALUES, find_class
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

X, Y = make_ecg(24, duration=2, random_state=0, return_X_y=True)
NAMES = np.array(["normal", "Infarkt, früh", "andere"])[np.arange(24) % 3]
MULTILABEL = (np.arange(24)[:, None] % np.array([2, 3, 5]) == 0).astype(int)
IMAGES = np.random.default_rng(0).integers(0, 256, (24, 8, 32), dtype=np.uint8)
TINY = {"max_epochs": 1, "random_state": 0}
RESNET = {"width": 8, "n_blocks": 1, "embedding_dim": 8}
MSAIC = {"filters": (8,), "dilations": (1, 2), "embedding_dim": 8, "projection_dim": 4}
ACL = ACLECGEncoder(
    backbone=functools.partial(VGG1d, filters=(8,), n_convs=(1,)),
    augmentation=[GaussianNoise(0.1)],
    projection_dim=4,
    **TINY,
)
BEAT_FEATURES = BeatFeatureEncoder(filters=(4, 8), sampling_rate=100, **TINY)
SIM = SimCardioNetEncoder(
    image_size=(8, 32), filters=(4, 8), n_heads=2, augmentation=[ColorJitter()], **TINY
)


class UserNet(nn.Module):
    """Has a lazy layer, tied weights, a buffer, a parametrization and a complex weight."""

    def __init__(self, n_leads, n_outputs, width=4):
        super().__init__()
        self.conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(n_leads, width, 3))
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)
        self.second.weight = self.first.weight
        self.register_buffer("offset", torch.full((width,), 0.1))
        self.phase = nn.Parameter(torch.ones(width, dtype=torch.complex64))
        self.last = nn.LazyLinear(n_outputs)

    def forward(self, x):
        x = self.conv(x).relu().mean(2) + self.offset
        x = self.second(self.first(x).relu())
        return self.last((x * self.phase).real)


class Keeps(UserNet):
    """Keeps a number in an attribute."""

    def forward(self, x):
        self.largest = max(getattr(self, "largest", 0.0), float(x.abs().max()))
        return super().forward(x)


def make_net(n_leads, n_outputs):
    return UserNet(n_leads, n_outputs, width=3)


def round_trip(estimator, tmp_path, modules=None):
    save(estimator, tmp_path / "model.ecg")
    return load(tmp_path / "model.ecg", modules)


def assert_equal_outputs(first, second, records):
    methods = ("predict_proba", "decision_function", "predict", "transform")
    methods = [method for method in methods if hasattr(first, method)]
    assert methods and methods == [method for method in methods if hasattr(second, method)]
    for method in methods:
        expected, found = getattr(first, method)(records), getattr(second, method)(records)
        for a, b in zip(*map(_arrays, (expected, found)), strict=True):
            assert state(a) == state(b), method


def _arrays(outputs):
    outputs = outputs if isinstance(outputs, list) else [outputs]
    outputs = [o.toarray() if hasattr(o, "toarray") else o for o in outputs]
    return [np.ascontiguousarray(o) for o in outputs]


def state(value):
    """Return all attributes of an estimator and of those in it, as text."""
    if isinstance(value, nn.Module):
        return state({name: v.numpy() for name, v in value.state_dict().items()})
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, np.ndarray):
        return "objects", value.shape, [state(v) for v in value.ravel()]
    if isinstance(value, dict):
        return {key: state(v) for key, v in value.items()}
    if isinstance(value, UserList):  # lists of columns, in older versions
        value = value.data
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [state(v) for v in value]
    if isinstance(value, BaseEstimator):
        left_out = ("net_", "callbacks_", "_curve_scorer", "_raw_predict", "_scorer")
        attributes = {k: v for k, v in vars(value).items() if k not in left_out}
        return type(value).__name__, state(dict(sorted(attributes.items())))
    return repr(value) if "at 0x" not in repr(value) else type(value).__name__


DEEP = {
    "MSAIC-Net, strings": (MSAICNetClassifier(**MSAIC, **TINY), X, NAMES),
    "MSAIC-Net, multilabel": (MSAICNetClassifier(**MSAIC, **TINY), X, MULTILABEL),
    "ResNet, binary, float64": (
        ECGNetClassifier(module_params=RESNET, precision="float64", **TINY),
        X,
        Y,
    ),
    "ResNet as a class, mixed": (
        ECGNetClassifier(
            ResNet1dWang, module_params=RESNET, precision="mixed", normalize="record", **TINY
        ),
        X,
        Y.astype(bool),
    ),
    "ACL-ECG encoder": (ACL, X, None),
    "ACL-ECG, strided": (clone(ACL).set_params(backbone="strided"), X, None),
    "ACL-ECG, frozen": (ACLECGClassifier(ACL, frozen=True, **TINY), X, NAMES),
    "ACL-ECG, fine-tuned": (
        ACLECGClassifier(FrozenEstimator(clone(ACL).fit(X)), **TINY),
        X,
        NAMES.astype(object),
    ),
    "beat features, encoder": (BEAT_FEATURES, X, None),
    "beat features": (BeatFeatureClassifier(BEAT_FEATURES, min_steps=3, **TINY), X, NAMES),
    "SimCardioNet encoder": (SIM, IMAGES, None),
    "SimCardioNet": (SimCardioNetClassifier(SIM, unfreeze_interval=0, **TINY), IMAGES, NAMES),
    "early stopping": (
        MSAICNetClassifier(
            **MSAIC, early_stopping=True, class_weight="balanced", augmentation=LeadDropout(0.1),
            **TINY,
        ),
        X,
        Y,
    ),
    "baselines": (ECGNetClassifier("transformer", **TINY), X[:, :, :50], Y),
}  # fmt: skip


@pytest.mark.parametrize("name", DEEP)
def test_deep_estimators(name, tmp_path):
    estimator, records, y = DEEP[name]
    fitted = clone(estimator).fit(records, y)
    loaded = round_trip(fitted, tmp_path)
    assert_equal_outputs(fitted, loaded, records)
    assert state(fitted) == state(loaded)
    assert loaded.net_.module_.training is False
    for a, b in zip(fitted.net_.module_.parameters(), loaded.net_.module_.parameters()):
        assert a.requires_grad == b.requires_grad and a.stride() == b.stride()
    # A second generation is the same file.
    save(loaded, tmp_path / "again.ecg")
    assert (tmp_path / "again.ecg").read_bytes() == (tmp_path / "model.ecg").read_bytes()


SIGNALS = [
    BandpassFilter(sampling_rate=100),
    BaselineRemover(sampling_rate=100),
    BeatFeatures(sampling_rate=100),
    Clipper(-0.5, 0.5),
    Cropper(150, position="random", random_state=3),
    ECGImageRenderer(
        sampling_rate=100, duration=2, image_size=(120, 160), color="rgb", grid_width=0.3
    ),
    ElectrodeSwapDetector(sampling_rate=100, false_alarm_rate=0.1),
    LeadDeriver(["III"]),
    LeadScaler(),
    LeadSelector(["V2", "I"]),
    MedianBeat(sampling_rate=100, window=(-0.2, 0.3), unreliable="record_average"),
    NotchFilter(50, sampling_rate=101),
    Resampler(40, sampling_rate=100),
    RandomConvolutionFeatures(1200, random_state=0),
    RandomConvolutionFeatures(100, across_leads=True, random_state=0),
    SignalQuality(sampling_rate=100),
]


@pytest.mark.parametrize("transformer", SIGNALS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("container", ["array", "lead frame", "rows"])
def test_transformers(transformer, container, tmp_path):
    records, fitted = X, clone(transformer)
    if container == "lead frame":
        records = to_lead_frame(X, sklearn_ecg.STANDARD_LEADS)
    elif container == "rows":
        records, fitted = X.reshape(len(X), -1), fitted.set_params(n_leads=12)
    fitted.fit(records)
    loaded = round_trip(fitted, tmp_path)
    expected, found = fitted.transform(records), loaded.transform(records)
    if isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(expected, found, check_exact=True)
    else:
        assert expected.tobytes() == found.tobytes()
    assert fitted.get_feature_names_out().tolist() == loaded.get_feature_names_out().tolist()
    assert state(fitted) == state(loaded)


FEATURES = np.random.default_rng(0).standard_normal((90, 4))
FEATURES[::7, 1] = np.nan
BINARY = np.array(["no", "yes"])[(FEATURES[:, 0] > 0).astype(int)]
CLASSES = np.array(["a", "b", "c"])[np.arange(90) % 3]
LABELS = (np.random.default_rng(1).random((90, 3)) < 0.4).astype(int)
LINEAR = LogisticRegression(max_iter=200)
BOOSTING = HistGradientBoostingClassifier(max_iter=3, random_state=0)


def imputed(classifier):
    return make_pipeline(SimpleImputer(add_indicator=True), StandardScaler(), classifier)


def frame_steps():
    steps = [("s", StandardScaler(), ["a", "b"]), ("p", "passthrough", ["c"])]
    return ColumnTransformer(steps, remainder=MinMaxScaler())


SKLEARN = {
    "logistic regression": (imputed(LINEAR), CLASSES),
    "boosting": (BOOSTING, CLASSES),
    "boosting with early stopping": (
        clone(BOOSTING).set_params(early_stopping=True, scoring="accuracy"),
        BINARY,
    ),
    "regression": (HistGradientBoostingRegressor(loss="quantile", quantile=0.3, max_iter=3), None),
    "sigmoid": (CalibratedClassifierCV(imputed(LINEAR), cv=3), BINARY),
    "isotonic": (CalibratedClassifierCV(BOOSTING, method="isotonic", ensemble=False), CLASSES),
    "tuned threshold": (
        TunedThresholdClassifierCV(
            imputed(LINEAR), cv=StratifiedKFold(3, shuffle=True, random_state=0)
        ),
        BINARY,
    ),
    "tuned threshold with a scorer": (
        TunedThresholdClassifierCV(
            imputed(LINEAR), scoring=make_scorer(fbeta_score, beta=2, pos_label="yes")
        ),
        BINARY,
    ),
    "fixed threshold": (
        FixedThresholdClassifier(BOOSTING, threshold=0.3, pos_label="yes"),
        BINARY,
    ),
    "forest": (RandomForestClassifier(3, random_state=0), CLASSES),
    "forest, multilabel": (ExtraTreesClassifier(3, random_state=0), LABELS),
    "tree": (DecisionTreeClassifier(random_state=0), CLASSES),
    "one versus rest": (imputed(OneVsRestClassifier(LINEAR)), LABELS),
    "multioutput": (imputed(MultiOutputClassifier(LINEAR)), LABELS),
    "voting": (
        VotingClassifier([("a", imputed(LINEAR)), ("b", BOOSTING)], voting="soft"),
        BINARY,
    ),
    "scalers": (
        imputed(
            make_pipeline(PowerTransformer(), PCA(3), QuantileTransformer(n_quantiles=9), LINEAR)
        ),
        BINARY,
    ),
    "ridge": (imputed(RidgeClassifier()), CLASSES),
    "columns": (make_pipeline(frame_steps(), SimpleImputer(), LINEAR), BINARY),
    "union": (
        make_pipeline(FeatureUnion([("i", SimpleImputer()), ("m", MissingIndicator())]), LINEAR),
        BINARY,
    ),
    "one-hot": (make_pipeline(OneHotEncoder(handle_unknown="ignore"), LINEAR), BINARY),
    "label calibration": (
        MultilabelCalibratedClassifierCV(
            imputed(OneVsRestClassifier(LINEAR)), cv=MultilabelStratifiedGroupKFold(3)
        ),
        LABELS,
    ),
    "label thresholds": (
        MultilabelTunedThresholdClassifierCV(
            imputed(OneVsRestClassifier(LINEAR)), cv=3, store_cv_results=True
        ),
        LABELS,
    ),
    "prior": (PriorCorrectedClassifier(imputed(LINEAR)), BINARY),
}


@pytest.mark.parametrize("name", SKLEARN)
def test_scikit_learn(name, tmp_path):
    estimator, y = SKLEARN[name]
    features = pd.DataFrame(FEATURES, columns=list("abcd")) if name == "columns" else FEATURES
    fitted = clone(estimator).fit(features, np.arange(90.0) if y is None else y)
    loaded = round_trip(fitted, tmp_path)
    assert_equal_outputs(fitted, loaded, features)
    assert state(fitted) == state(loaded)


def test_pipeline_of_signals_and_features(tmp_path):
    """Two branches, one of images and one of measurements, are calibrated together."""
    signals, y = make_ecg(24, duration=10, random_state=0, return_X_y=True)
    renderer = ECGImageRenderer(sampling_rate=100, image_size=(120, 160))
    encoder = SimCardioNetEncoder(image_size=(8, 32), filters=(4, 8), **TINY)
    classifier = SimCardioNetClassifier(encoder, unfreeze_interval=0, **TINY)
    beats = BeatFeatures(sampling_rate=100)
    branches = [
        ("images", make_pipeline(renderer, classifier)),
        ("beats", make_pipeline(beats, clone(BOOSTING))),
    ]
    model = VotingClassifier(branches, voting="soft").fit(signals, y)
    model = CalibratedClassifierCV(FrozenEstimator(model)).fit(signals, y)
    loaded = round_trip(model, tmp_path)
    assert_equal_outputs(model, loaded, signals)
    info = read_info(tmp_path / "model.ecg")
    assert (info["class"], info["classes"]) == ("CalibratedClassifierCV", [0, 1])
    assert info["lead_names"] == list(sklearn_ecg.STANDARD_LEADS)


def test_other_process_gives_the_same_bits(tmp_path):
    fitted = ECGNetClassifier(module_params=RESNET, **TINY).fit(X, Y)
    save(fitted, tmp_path / "model.ecg")
    code = f"""
import sys
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.persistence import load
X, _ = make_ecg(24, duration=2, random_state=0, return_X_y=True)
sys.stdout.write(load({str(tmp_path / "model.ecg")!r}).predict_proba(X).tobytes().hex())
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout == fitted.predict_proba(X).tobytes().hex()


@pytest.mark.parametrize("seed", [0, np.random.RandomState(1)], ids=["int", "RandomState"])
def test_fit_goes_on_like_the_original(seed, tmp_path):
    """warm_start continues, and a RandomState draws what it would have drawn."""
    model = MSAICNetClassifier(**MSAIC, max_epochs=1, warm_start=True, random_state=seed)
    model.fit(X, Y)
    loaded = round_trip(model, tmp_path)
    for estimator in (model, loaded):
        estimator.fit(X, Y)
    assert model.predict_proba(X).tobytes() == loaded.predict_proba(X).tobytes()
    assert clone(loaded).get_params()["filters"] == (8,)


# --------------------------------------------------------------------------------------------------
# Modules and functions of the user
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("modules", [UserNet, {"UserNet": UserNet}])
def test_module_of_the_user(modules, tmp_path):
    fitted = ECGNetClassifier(UserNet, module_params={"width": 5}, **TINY).fit(X, NAMES)
    loaded = round_trip(fitted, tmp_path, modules)
    assert_equal_outputs(fitted, loaded, X)
    module = loaded.net_.module_.module
    assert module.first.weight is module.second.weight
    assert read_info(tmp_path / "model.ecg")["functions"] == ["UserNet"]
    with pytest.raises(PersistenceError, match=r"uses 'UserNet'.*modules=\{'UserNet': ...\}"):
        load(tmp_path / "model.ecg")


def test_functions_of_the_user(tmp_path):
    fitted = ECGNetClassifier(make_net, **TINY).fit(X, Y)
    assert_equal_outputs(fitted, round_trip(fitted, tmp_path, make_net), X)
    with pytest.raises(PersistenceError, match="the weights differ"):
        load(tmp_path / "model.ecg", {"make_net": UserNet})
    log = make_pipeline(FunctionTransformer(np.square), LINEAR).fit(FEATURES[:, :1], BINARY)
    with pytest.raises(PersistenceError, match="func is a numpy.ufunc"):
        save(log, tmp_path / "log.ecg")


def test_modules_are_checked(tmp_path):
    save(LeadScaler(), tmp_path / "model.ecg")
    for wrong in ("UserNet", [UserNet], {"UserNet": "UserNet"}, {1: UserNet}):
        with pytest.raises(ValueError, match="modules must be a class or function"):
            load(tmp_path / "model.ecg", wrong)


def test_state_outside_the_weights_is_refused(tmp_path):
    fitted = ECGNetClassifier(Keeps, **TINY).fit(X, Y)
    with pytest.raises(PersistenceError, match=r"differs from .* in net_.module_.module.largest"):
        save(fitted, tmp_path / "model.ecg")


# --------------------------------------------------------------------------------------------------
# What cannot be saved
# --------------------------------------------------------------------------------------------------


class OwnScaler(StandardScaler):
    """A subclass, which could do anything."""


def refused():
    net = ECGNetClassifier(module_params=RESNET, **TINY).fit(X, Y)
    boosting = clone(BOOSTING).set_params(categorical_features=[1])
    inside = make_pipeline(StandardScaler(), KNeighborsClassifier(3))
    values = np.nan_to_num(FEATURES)
    return {
        "other estimator": (
            inside.fit(values, BINARY),
            r"Pipeline.steps\[1\]\[1\] is a sklearn.neighbors.*KNeighborsClassifier",
        ),
        "search": (
            GridSearchCV(StandardScaler(), {"with_mean": [True]}),
            "GridSearchCV is a GridSearchCV, .* Save its best estimator, `search.best_estimator_`",
        ),
        "random search": (
            RandomizedSearchCV(StandardScaler(), {"with_mean": [True]}),
            "RandomizedSearchCV is a .* Save its best estimator, `search.best_estimator_`",
        ),
        "subclass": (OwnScaler().fit(values), "OwnScaler is a .*OwnScaler, which cannot be saved"),
        "lambda": (FunctionTransformer(lambda x: x), "func is a function without a name"),
        "memory": (make_pipeline(LINEAR, memory="/dev/zero"), "has memory='/dev/zero'"),
        "callbacks": (clone(net).set_params(callbacks=[]).fit(X, Y), None),
        "categories": (boosting.fit(np.abs(values).astype(int), BINARY), "categorical features"),
        "changed precision": (clone(net).fit(X, Y).set_params(precision="float64"), None),
        "changed network": (
            clone(net).fit(X, Y).set_params(module_params={**RESNET, "width": 16}),
            "larger weights|the weights differ.*changed after fit",
        ),
        "dtype": (StandardScaler().set_params(copy=np.zeros(1, "i4,f4")), "copy is an array of"),
        "no estimator": ([StandardScaler()], "must be an estimator, got list"),
        "class": (StandardScaler, "must be an estimator"),
    }


def test_refused(tmp_path):
    for name, (estimator, message) in refused().items():
        if message is None:
            save(estimator, tmp_path / "model.ecg")
            (tmp_path / "model.ecg").unlink()
            continue
        with pytest.raises(PersistenceError, match=message):
            save(estimator, tmp_path / "model.ecg")
        assert list(tmp_path.iterdir()) == [], name


def test_callbacks_are_refused(tmp_path):
    from skorch.callbacks import EpochTimer

    fitted = ECGNetClassifier(module_params=RESNET, callbacks=[EpochTimer()], **TINY).fit(X, Y)
    with pytest.raises(PersistenceError, match=r"set_params\(callbacks=None\)"):
        save(fitted, tmp_path / "model.ecg")
    loaded = round_trip(fitted.set_params(callbacks=None), tmp_path)
    assert_equal_outputs(fitted, loaded, X)
    assert loaded.callbacks_ == []


def test_changed_weights_are_saved_as_they_are(tmp_path):
    fitted = ECGNetClassifier(module_params=RESNET, **TINY).fit(X, Y)
    with torch.no_grad():
        next(fitted.net_.module_.parameters()).mul_(2)
    assert_equal_outputs(fitted, round_trip(fitted, tmp_path), X)


def test_changed_module_is_refused(tmp_path):
    fitted = ECGNetClassifier(module_params=RESNET, **TINY).fit(X, Y)
    norm = next(m for m in fitted.net_.module_.modules() if isinstance(m, nn.BatchNorm2d))
    norm.eps = 0.1
    with pytest.raises(PersistenceError, match=r"in net_.module_.stem.1.eps\. Were parameters or"):
        save(fitted, tmp_path / "model.ecg")


def test_cycle_is_refused(tmp_path):
    scaler = StandardScaler()
    scaler.copy = [scaler]
    with pytest.raises(PersistenceError, match="contains itself"):
        save(scaler, tmp_path / "model.ecg")
    scaler.copy = []
    scaler.copy.append(scaler.copy)
    with pytest.raises(PersistenceError, match="contains itself"):
        save(scaler, tmp_path / "model.ecg")


# --------------------------------------------------------------------------------------------------
# Values
# --------------------------------------------------------------------------------------------------

VALUES_TO_KEEP = [
    np.float32(0.1), np.int64(-3), np.bool_(True), np.str_("q"), float("nan"), float("-inf"), -0.0,
    10**30, "\ud800 \0 Ł", b"\0\xff", (1, [2, (3,)]), {1: "a", (2, "b"): None}, {3, 1},
    range(1, 9, 2), frozenset("ab"), slice(None, 3), np.dtype(">f4"), np.dtype("U3"), np.float64,
    np.dtype(object),
    bool, np.array([["I", "aVR"]], dtype=object), np.array(["a\0", "b"], dtype=object),
    np.arange(6).reshape(2, 3).T, np.zeros((0, 3), np.float16), np.array(["", "é\0x", "abc"]),
    np.array(["a", None, 1.5], dtype=object), np.array([1.5, 2], ">f8"), np.array(3, np.uint8),
    np.array(["2020-01-01", "NaT"], "M8[D]"), np.array([[True], [False]]), np.array([""]),
    np.array([], dtype=object), np.array([], dtype="U4"), np.arange(10.0)[::3], torch.device("cpu"),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["?", *np.typecodes["AllInteger"], "e", "f", "d"])
def test_numbers_of_every_type(dtype, tmp_path):
    value = np.array([[0, 1], [1, 0]], dtype)
    found = round_trip(StandardScaler().set_params(copy=value), tmp_path).copy
    assert found.dtype == value.dtype and (found == value).all()


@pytest.mark.parametrize("value", VALUES_TO_KEEP, ids=lambda value: type(value).__name__)
def test_values(value, tmp_path):
    found = round_trip(StandardScaler().set_params(copy=value), tmp_path).copy
    assert type(found) is type(value)
    assert found == value if isinstance(value, (set, frozenset)) else repr(found) == repr(value)
    if isinstance(value, np.ndarray):
        assert found.dtype == value.dtype and found.shape == value.shape
        assert found.flags.f_contiguous == np.ascontiguousarray(value).flags.f_contiguous or (
            value.flags.f_contiguous == found.flags.f_contiguous
        )


@pytest.mark.parametrize(
    "value",
    [
        np.complex128(1), np.longdouble(1), np.ones(2, complex), np.dtype("i4,f4"), object(),
        np.ma.masked_array([1]), np.datetime64("2020"), pd.Series([1]), type("Partial", (), {}),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_other_values_are_refused(value, tmp_path):
    with pytest.raises(PersistenceError, match="StandardScaler.copy is|uses 'Partial'") as info:
        round_trip(StandardScaler().set_params(copy=value), tmp_path)
    assert "StandardScaler" in str(info.value) or "modules=" in str(info.value)


def test_two_functions_of_one_name(tmp_path):
    def make(number):
        def function():
            return number

        return function

    with pytest.raises(PersistenceError, match="two different functions called function"):
        save(StandardScaler().set_params(copy=[make(1), make(2)]), tmp_path / "model.ecg")


def test_sparse_and_random_values(tmp_path):
    from scipy import sparse

    for kind in (sparse.csr_matrix, sparse.csc_array):
        value = kind(np.eye(3)[:, :2])
        found = round_trip(StandardScaler().set_params(copy=value), tmp_path).copy
        assert type(found) is kind and (found.toarray() == value.toarray()).all()
    with pytest.raises(PersistenceError, match="tocsr"):
        save(StandardScaler().set_params(copy=sparse.coo_matrix(np.eye(2))), tmp_path / "m")
    for value in (np.random.RandomState(3), np.random.default_rng(3)):
        found = round_trip(StandardScaler().set_params(copy=value), tmp_path).copy
        assert (found.normal(size=5) == value.normal(size=5)).all()


def test_objects_stay_shared(tmp_path):
    scaler = StandardScaler().fit(FEATURES)
    pipeline = make_pipeline(scaler, FrozenEstimator(scaler))
    loaded = round_trip(pipeline, tmp_path)
    assert loaded[0] is loaded[1].estimator
    assert loaded[0].mean_ is not loaded[0].var_


def test_parts_that_are_shared_often_take_no_time(tmp_path):
    """Each one occurs twice in the next, so that there are 2**25 ways to the first one."""
    scaler = StandardScaler()
    for _ in range(25):
        scaler = StandardScaler().set_params(copy=[scaler, scaler])
    save(scaler, tmp_path / "model.ecg")
    found = load(tmp_path / "model.ecg")
    assert found.copy[0] is found.copy[1] and found.copy[0].copy[0] is found.copy[1].copy[1]


def test_metadata_requests_are_kept(tmp_path):
    with sklearn_config():
        model = imputed(clone(LINEAR).set_fit_request(sample_weight="weight"))
        loaded = round_trip(model, tmp_path)
        expected = model[-1].get_metadata_routing().fit.requests
        assert loaded[-1].get_metadata_routing().fit.requests == expected
        assert expected == {"sample_weight": "weight"}


def sklearn_config():
    from sklearn import config_context

    return config_context(enable_metadata_routing=True)


# --------------------------------------------------------------------------------------------------
# The input contract after loading
# --------------------------------------------------------------------------------------------------


def frame(leads=sklearn_ecg.STANDARD_LEADS, rate=100, unit="mV"):
    records = to_lead_frame(X, leads, sampling_rate=rate)
    records.attrs["units"] = unit
    return records


@pytest.mark.parametrize("kind", ["network", "pipeline"])
def test_loaded_model_refuses_other_leads_rates_and_units(kind, tmp_path):
    model = ECGNetClassifier(module_params=RESNET, **TINY)
    if kind == "pipeline":
        model = make_pipeline(LeadScaler("record"), model)
    model.fit(frame(), NAMES)
    loaded = round_trip(model, tmp_path)
    assert_equal_outputs(model, loaded, frame())
    info = read_info(tmp_path / "model.ecg")
    assert info["lead_names"] == list(sklearn_ecg.STANDARD_LEADS)
    assert (info["sampling_rate"], info["unit"]) == (100, "mV")
    assert info["classes"] == sorted(set(NAMES))
    assert info["versions"]["sklearn_ecg"] == sklearn_ecg.__version__
    libraries = {"sklearn_ecg", "scikit-learn", "torch", "numpy", "scipy", "python"}
    assert info["versions"].keys() == libraries
    swapped = list(sklearn_ecg.STANDARD_LEADS)
    swapped[:2] = swapped[1::-1]
    for other in (frame(swapped), frame(rate=500), frame(unit="uV"), frame()[["I", "II"]]):
        with pytest.raises(ValueError) as expected:
            model.predict(other)
        with pytest.raises(ValueError) as found:
            loaded.predict(other)
        assert str(found.value) == str(expected.value)
    with pytest.raises(ValueError, match="time points"):
        loaded.predict(frame().map(lambda signal: signal[:50]))


def test_loading_leaves_random_states_alone(tmp_path):
    save(ECGNetClassifier(module_params=RESNET, **TINY).fit(X, Y), tmp_path / "model.ecg")
    torch.manual_seed(1)
    np.random.seed(1)
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy(), torch.get_num_threads()
    load(tmp_path / "model.ecg")
    assert (torch.random.get_rng_state() == before[0]).all()
    assert (np.random.get_state()[1] == before[1]).all()
    assert torch.get_num_threads() == before[2] and torch.is_grad_enabled()


def test_settings_of_the_program_do_not_matter(tmp_path):
    fitted = ECGNetClassifier(module_params=RESNET, **TINY).fit(X, Y)
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"), torch.inference_mode(), np.errstate(all="raise"):
            loaded = round_trip(fitted, tmp_path)
    finally:
        torch.set_default_dtype(torch.float32)
    assert_equal_outputs(fitted, loaded, X)
    # Weights from inference mode could not be trained.
    assert not any(p.is_inference() for p in loaded.net_.module_.parameters())


def test_other_version_of_scikit_learn_is_reported(tmp_path, monkeypatch):
    save(StandardScaler().fit(FEATURES), tmp_path / "model.ecg")
    monkeypatch.setattr("sklearn.base.__version__", "99.0")
    with pytest.warns(InconsistentVersionWarning, match="version 99.0"):
        load(tmp_path / "model.ecg")


def test_every_estimator_of_the_library_is_in_the_table():
    known = {name.rpartition(".")[2] for name in ESTIMATORS}
    # Its scores are a DataFrame. A LeadSelector with the selected names can be saved.
    known.add("SequentialLeadSelector")
    for room in ("sklearn_ecg", "preprocessing", "augmentation", "imbalance", "calibration"):
        module = sklearn_ecg
        if room != "sklearn_ecg":
            module = importlib.import_module(f"sklearn_ecg.{room}")
        for name in module.__all__:
            value = getattr(module, name)
            if isinstance(value, type) and issubclass(value, BaseEstimator):
                assert name in known, f"{name} cannot be saved: add it to _classes.ESTIMATORS"


@pytest.mark.parametrize("table", [ESTIMATORS, OBJECTS, SPECIAL, VALUES])
def test_classes_of_the_table_exist(table):
    newer = {"sklearn.calibration._TemperatureScaling"}
    for name in table:
        if name not in newer:
            assert find_class(name, table).__name__ == name.rpartition(".")[2]


def test_sampler_in_a_pipeline(tmp_path):
    from imblearn.pipeline import make_pipeline as make_sampling_pipeline

    sampler = BeatSMOTE(sampling_rate=100, random_state=0)
    model = make_sampling_pipeline(sampler, ECGNetClassifier(module_params=RESNET, **TINY))
    loaded = round_trip(model.fit(X, np.arange(24) < 6), tmp_path)
    assert_equal_outputs(model, loaded, X)

"""ONNX files compute what the estimators compute, and what cannot be exported is refused."""

import copy
import functools
import importlib.util
import json
import logging
import os
import random
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

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
    to_lead_frame,
)
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.imbalance import RecordOverSampler
from sklearn_ecg.leads import STANDARD_LEADS
from sklearn_ecg.nn import VGG1d
from sklearn_ecg.nn._normalizers import ImageNormalizer
from sklearn_ecg.persistence import PersistenceError, _onnx, export_onnx, load, save
from sklearn_ecg.persistence._onnx_modules import ImageInput
from sklearn_ecg.persistence._onnx_parts import ExportableParts
from sklearn_ecg.preprocessing import (
    BandpassFilter,
    BaselineRemover,
    Clipper,
    Cropper,
    ECGImageRenderer,
    LeadDeriver,
    LeadScaler,
    LeadSelector,
    MedianBeat,
    NotchFilter,
    Resampler,
)

# The package has no ONNX without this extra, which the extra `test` contains.
onnx = pytest.importorskip("onnx", reason="needs the extra onnx: pip install 'sklearn_ecg[onnx]'")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra onnx")
pytest.importorskip("onnxscript", reason="needs the extra onnx")

N, LENGTH = 48, 100
RNG = np.random.RandomState(0)
X = make_ecg(N, duration=LENGTH / 100, random_state=0).data
TARGETS = {
    "binary": np.array(["normal", "infarction"])[np.arange(N) % 2],
    "multiclass": np.array(["c", "a", "b"])[np.arange(N) % 3],
    "multilabel": (RNG.rand(N, 3) < 0.4).astype(int),
}
# So that networks learn something: an offset in one lead for each class and label.
is_member = [np.equal.outer(TARGETS[kind], np.unique(TARGETS[kind])) for kind in TARGETS]
is_member = np.hstack([*is_member[:2], TARGETS["multilabel"]])
X[:, : is_member.shape[1]] += 0.3 * is_member[:, :, None]
X = X.astype(np.float32)
IMAGES = RNG.randint(0, 256, (N, 20, 28)).astype(np.uint8)


def small(**params):
    defaults = {"filters": (4,), "dilations": (2,), "embedding_dim": 6, "projection_dim": 4}
    defaults.update(max_epochs=15, learning_rate=0.02, contrastive_weight=0.1, random_state=0)
    return MSAICNetClassifier(**{**defaults, **params})


@pytest.fixture(scope="module")
def networks():
    """A trained network for each kind of target."""
    return {kind: small().fit(X, y) for kind, y in TARGETS.items()}


def start(path, **options):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"], **options)


def run(path, records):
    session = start(path)
    (graph_input,), (output,) = session.get_inputs(), session.get_outputs()
    (values,) = session.run([output.name], {graph_input.name: records})
    return values


def metadata(path):
    found = start(path).get_modelmeta().custom_metadata_map
    return {key: json.loads(value) for key, value in found.items()}


def tiny_image_network(**params):
    params = {"max_epochs": 1, **params}
    return SimCardioNetEncoder(
        filters=(4, 8), n_heads=2, projection_dim=4, random_state=0, **params
    )


def estimators():
    """Yield name, estimator, records, target and task of all deep estimators."""
    encoder = ACLECGEncoder(
        backbone=functools.partial(VGG1d, filters=(3, 4), n_convs=(1, 1)),
        regions={"limb": ["I", "II"], "chest": ["V1"]},
        sampling_rate=100,
        projection_dim=4,
        max_epochs=1,
        batch_size=16,
        random_state=0,
    )
    frame = to_lead_frame(X, STANDARD_LEADS, sampling_rate=100, units="mV")
    floats = (IMAGES / 255).astype(np.float32)[:, :16, :16]
    yield "MSAIC-Net", small(normalize="record"), frame, "binary"
    yield "ECG network", ECGNetClassifier(TwoOutputs, max_epochs=1), X, "multilabel"
    yield "ACL-ECG encoder", encoder, frame, None
    yield "ACL-ECG", ACLECGClassifier(encoder, max_epochs=1, random_state=0), frame, "binary"
    features = BeatFeatureEncoder(filters=(4, 8), sampling_rate=100, max_epochs=1, random_state=0)
    yield "beat features, encoder", features, frame, None
    probe = BeatFeatureClassifier(features, frozen=True, random_state=0)
    yield "beat features, frozen", probe, frame, "multiclass"
    yield "SimCardioNet encoder", tiny_image_network(image_size=(16, 24)), IMAGES, None
    yield (
        "SimCardioNet",
        SimCardioNetClassifier(
            tiny_image_network(image_size=None, normalize="record"),
            unfreeze_interval=0,
            max_epochs=1,
            random_state=0,
        ),
        floats,
        "multiclass",
    )


class TwoOutputs(torch.nn.Module):
    """A module of the user's own."""

    def __init__(self, n_leads, n_outputs):
        super().__init__()
        self.conv = torch.nn.Conv1d(n_leads, 4, 9)
        self.linear = torch.nn.LazyLinear(n_outputs)

    def forward(self, x):
        embedding = self.conv(x).relu().flatten(1)
        return self.linear(embedding), embedding


@pytest.mark.parametrize(
    "estimator, records, kind", [e[1:] for e in estimators()], ids=[e[0] for e in estimators()]
)
def test_all_estimators(estimator, records, kind, tmp_path):
    path = tmp_path / "model.onnx"
    estimator = estimator.fit(records, TARGETS.get(kind))
    difference = export_onnx(estimator, path)
    expected = estimator.transform(records) if kind is None else estimator.predict_proba(records)
    array = as_input(estimator, records)
    limit = 1e-5 * max(1, np.abs(expected).max())
    for part in (slice(None), slice(1), slice(5, 8)):
        found = run(path, array[part])
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected[part], rtol=0, atol=limit)
    assert 0 <= difference < limit
    # The comparison would not find a difference between equal results.
    assert np.ptp(expected, axis=0).max() > 1e-3

    found = metadata(path)
    assert found["task"] == ("embedding" if kind is None else kind)
    assert found["classes"] == (None if kind is None else estimator.classes_.tolist())
    assert found["lead_names"] == (None if array.ndim == 4 else list(STANDARD_LEADS))
    is_noted = isinstance(records, pd.DataFrame)
    assert found["sampling_rate"] == (100 if is_noted else None)
    assert found["units"] == ("mV" if is_noted else None)
    assert found["estimator"] == type(estimator).__name__
    assert found["sklearn_ecg_version"] == sklearn_ecg.__version__
    assert os.fsencode(os.path.dirname(sklearn_ecg.__file__)) not in path.read_bytes()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "module, params",
    [
        ("resnet1d_wang", {"width": 4}),
        ("xresnet1d101", {"layers": (1, 1), "width": 4}),
        ("inception_time", {"filters": 2, "depth": 3}),
        ("cnn_lstm", {"filters": (4, 4), "hidden_size": 4}),
        ("transformer", {"filters": (4, 8), "n_heads": 2, "n_layers": 1}),
    ],
)
def test_networks_by_name(module, params, tmp_path):
    records = X[..., :51]
    clf = ECGNetClassifier(module, module_params=params, max_epochs=1, random_state=0)
    clf.fit(records, TARGETS["binary"])
    assert export_onnx(clf, tmp_path / "model.onnx", records) < 1e-5


def as_input(estimator, records):
    """Return records as the array that the file takes."""
    return _onnx._validated(ExportableParts(estimator), records)


def assert_same(estimator, records=X):
    """Compare what would be exported with the estimator, in torch."""
    parts = ExportableParts(estimator)
    with torch.no_grad():
        outputs = parts.model.eval()(torch.from_numpy(as_input(estimator, records)))
    expected = estimator.predict_proba(records)
    np.testing.assert_allclose(outputs.probability.numpy(), expected, rtol=0, atol=2e-6)
    assert np.ptp(expected, axis=0).max() > 1e-3
    return parts


METHODS = ("sigmoid", "isotonic", "temperature")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_calibration_of_scikit_learn(method, kind, networks):
    y, frozen = TARGETS[kind], FrozenEstimator(networks[kind])
    assert_same(CalibratedClassifierCV(frozen, method=method).fit(X, y))
    # A classifier without decision_function: its probabilities are calibrated.
    corrected = PriorCorrectedClassifier(frozen, method="fitted").fit(X, y)
    assert_same(CalibratedClassifierCV(FrozenEstimator(corrected), method=method).fit(X, y))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", TARGETS)
def test_calibration_of_each_label(method, kind, networks):
    y, frozen = TARGETS[kind], FrozenEstimator(networks[kind])
    calibrated = MultilabelCalibratedClassifierCV(frozen, method=method).fit(X, y)
    assert_same(calibrated)
    corrected = PriorCorrectedClassifier(frozen, method="fitted").fit(X, y)
    calibrated = MultilabelCalibratedClassifierCV(FrozenEstimator(corrected), method=method)
    assert_same(calibrated.fit(X, y))


def test_ensembles():
    parts = assert_same(MultilabelCalibratedClassifierCV(small(), cv=2).fit(X, TARGETS["binary"]))
    assert len(parts.networks) == 2
    parts = assert_same(CalibratedClassifierCV(small(), cv=2).fit(X, TARGETS["multiclass"]))
    assert len(parts.networks) == 2


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize(
    "params",
    [
        {"method": "fitted"},
        {"method": "fitted", "target_prevalence": True},
        {"method": "closed_form", "target_prevalence": True},
        {"method": "closed_form"},
    ],
    ids=["fitted", "fitted, other population", "other population", "unchanged"],
)
def test_prior_correction(kind, params, networks):
    y = TARGETS[kind]
    if "target_prevalence" in params:
        binary = {"infarction": 0.03, "normal": 0.97}
        prevalence = {"binary": binary, "multiclass": [0.9, 0.09, 0.01], "multilabel": [0.01] * 3}
        params = {**params, "target_prevalence": prevalence[kind]}
    if params["method"] == "closed_form":
        binary = {"infarction": 0.5, "normal": 0.5}
        share = {"binary": binary, "multiclass": [1 / 3] * 3, "multilabel": [0.4, 0.3, 0.5]}
        params = {**params, "effective_prevalence": share[kind]}
    frozen = FrozenEstimator(networks[kind])
    assert_same(PriorCorrectedClassifier(frozen, **params).fit(X, y))


STEPS = {
    "LeadScaler": LeadScaler(),
    "LeadScaler, record": LeadScaler("record"),
    "LeadScaler, record_lead": LeadScaler("record_lead"),
    "LeadScaler, None": LeadScaler(None),
    "LeadScaler, zero": LeadScaler(fill="zero"),
    "LeadSelector": LeadSelector(["V2", "I"]),
    "LeadDeriver": LeadDeriver(lead_names=["II", "I", "V1"]),
    "LeadDeriver, nothing": LeadDeriver([], lead_names=["II", "V2", "V1"]),
    "Clipper": Clipper(-0.05, 0.2),
    "Clipper, one limit": Clipper(None, 0.2),
    "Cropper": Cropper(60),
    "Cropper, position": Cropper(60, position=3),
    "Cropper, end": Cropper(60, position="end"),
    "BandpassFilter": BandpassFilter(0.5, 40, sampling_rate=100),
    "NotchFilter": NotchFilter(20, sampling_rate=100),
    "BaselineRemover": BaselineRemover(sampling_rate=100),
    "Resampler": Resampler(64, sampling_rate=100),
}


@pytest.mark.parametrize("name", STEPS)
def test_steps_before_the_network(name):
    records = X[:, [1, 0, 6]] if name.startswith("LeadDeriver") else X.copy()
    if name.endswith("zero"):
        records[3, 1] = np.nan
    pipeline = make_pipeline(copy.deepcopy(STEPS[name]), small(lead_names=None))
    assert_same(pipeline.fit(records, TARGETS["multilabel"]), records)


def test_pipeline_as_a_file(tmp_path):
    """Filters, samplers and isotonic calibration, with what onnxruntime makes of them."""
    frame = to_lead_frame(X, STANDARD_LEADS, sampling_rate=100, units="uV")
    pipeline = make_pipeline(
        BandpassFilter(1, 40, sampling_rate=100),
        LeadSelector(["V1", "II", "V5"]),
        LeadScaler("record"),
        Cropper(80),
        small(),
    )
    y = TARGETS["multiclass"]
    calibrated = MultilabelCalibratedClassifierCV(pipeline, method="isotonic", cv=2).fit(frame, y)
    path = tmp_path / "model.onnx"
    export_onnx(calibrated, path, frame)
    # A few records are on a step of a calibrator.
    difference = np.abs(run(path, X) - calibrated.predict_proba(frame)).max(axis=1)
    assert np.median(difference) < 1e-6 and difference.max() < 0.01
    found = metadata(path)
    assert found["lead_names"] == list(STANDARD_LEADS)
    assert (found["sampling_rate"], found["units"]) == (100, "uV")
    assert found["task"] == "multiclass" and found["classes"] == ["a", "b", "c"]


def test_thresholds_and_prior_as_a_file(tmp_path, networks):
    y = TARGETS["multilabel"]
    corrected = PriorCorrectedClassifier(FrozenEstimator(networks["multilabel"]), method="fitted")
    tuned = MultilabelTunedThresholdClassifierCV(corrected, cv=2).fit(X, y)
    path = tmp_path / "model.onnx"
    assert export_onnx(tuned, path, X, sampling_rate=100, units="millivolt") < 1e-5
    found = metadata(path)
    np.testing.assert_array_equal(found["thresholds"], tuned.best_threshold_)
    assert (found["sampling_rate"], found["units"]) == (100, "mV")
    is_near = np.abs(tuned.predict_proba(X) - tuned.best_threshold_) < 1e-5
    is_positive = run(path, X) >= found["thresholds"]
    assert ((is_positive == tuned.predict(X)) | is_near).all()
    assert is_near.mean() < 0.1


def test_thresholds():
    y = TARGETS["binary"]
    frozen = FrozenEstimator(small().fit(X, y))
    fixed = FixedThresholdClassifier(frozen, threshold=0.3).fit(X, y)
    assert assert_same(fixed).thresholds == 0.3
    assert assert_same(FixedThresholdClassifier(frozen).fit(X, y)).thresholds == 0.5
    scoring = make_scorer(f1_score, pos_label="normal")
    tuned = TunedThresholdClassifierCV(frozen, scoring=scoring, cv="prefit", refit=False)
    assert assert_same(tuned.fit(X, y)).thresholds == tuned.best_threshold_
    # Those inside a calibrated classifier are not used.
    calibrated = CalibratedClassifierCV(FrozenEstimator(fixed)).fit(X, y)
    assert assert_same(calibrated).thresholds is None

    for pos_label in ({"pos_label": "infarction"}, {"response_method": "decision_function"}):
        other = FixedThresholdClassifier(frozen, threshold=0.3, **pos_label).fit(X, y)
        with pytest.raises(PersistenceError, match="threshold of .* Export its estimator_|Fit it"):
            ExportableParts(other)


def test_search_and_sampler():
    sampler = make_imblearn_pipeline(RecordOverSampler(random_state=0), LeadScaler(), small())
    search = GridSearchCV(sampler, {"msaicnetclassifier__filters": [(4,)]}, cv=2)
    parts = assert_same(search.fit(X, TARGETS["binary"]))
    assert [type(part).__name__ for part in parts.chain] == ["LeadScaler", "MSAICNetClassifier"]


@pytest.mark.parametrize("container", ["rows", "numeric frame", "lead frame"])
def test_containers(container):
    """The records of the comparison are in the container that the estimator was fitted on."""
    rows = X.reshape(N, -1)
    given = {
        "rows": rows,
        "numeric frame": pd.DataFrame(rows).rename(columns=str),
        "lead frame": to_lead_frame(X, STANDARD_LEADS),
    }[container]
    estimator = make_pipeline(LeadScaler(n_leads=12), small(n_leads=12))
    estimator.fit(given, TARGETS["binary"])
    parts = ExportableParts(estimator)
    array = _onnx._validated(parts, given)
    np.testing.assert_array_equal(array, X)
    X_again = _onnx._container(parts.chain[0], array)
    assert type(X_again) is type(given)
    np.testing.assert_array_equal(estimator.predict_proba(X_again), estimator.predict_proba(given))
    expected, _ = _onnx._expected(estimator, parts, _onnx._synthetic_records(parts), True)
    assert expected.shape == (9, 2) and np.ptp(expected, axis=0).max() > 1e-4


@pytest.mark.parametrize("before, after", [((30, 41), (16, 16)), ((9, 7), (20, 30))])
@pytest.mark.parametrize("is_bytes", [True, False])
@pytest.mark.parametrize("mode", ["dataset", "record", None])
def test_images_are_resized_as_by_torch(before, after, is_bytes, mode):
    images = RNG.randint(0, 256, (3, *before, 3)).astype(np.uint8)
    images = images if is_bytes else (images / 255).astype(np.float32)
    normalizer = ImageNormalizer(mode, after, 3).fit(torch.from_numpy(images))
    found = ImageInput(normalizer, images.shape[1:], is_bytes)(torch.from_numpy(images))
    expected = normalizer(torch.from_numpy(images))
    # Bytes are rounded in the same way; otherwise, the difference is 1/255 or more.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 if is_bytes else 1e-5)


@pytest.fixture(scope="module")
def exported(tmp_path_factory, networks):
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    export_onnx(networks["multiclass"], path)
    return path


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_give_nan(exported, value):
    records = X[:4].copy()
    records[2, 5, 50] = value
    found = run(exported, records)
    assert np.isnan(found[2]).all()
    np.testing.assert_array_equal(np.isnan(found).any(axis=1), [False, False, True, False])


@pytest.mark.parametrize("shape", [(1, 12, 99), (1, 11, 100), (1, 100, 12), (12, 100)])
def test_other_shapes_are_refused(exported, shape):
    with pytest.raises(Exception, match="(?i)invalid (dimension|rank)"):
        run(exported, np.zeros(shape, np.float32))


def test_other_numbers_are_refused(exported):
    with pytest.raises(Exception, match="Unexpected input data type"):
        run(exported, X.astype(np.float64))


def test_is_valid_and_complete(exported):
    content = onnx.load(exported)
    onnx.checker.check_model(content, full_check=True)
    assert [output.name for output in content.graph.output] == ["probabilities"]
    shape = content.graph.input[0].type.tensor_type.shape.dim
    assert [dim.dim_param or dim.dim_value for dim in shape] == ["n_records", 12, LENGTH]
    assert not any(tensor.external_data for tensor in content.graph.initializer)
    assert not any(node.doc_string or node.metadata_props for node in content.graph.node)


def program_state():
    return (
        torch.get_rng_state().tolist(),
        np.random.get_state()[1].tolist(),
        random.getstate(),
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        list(warnings.filters),
        list(logging.getLogger("torch.onnx._internal.exporter._registration").filters),
    )


def test_is_the_same_again(exported, networks, tmp_path):
    """Also after the network was saved and loaded. The state of the program does not change."""
    save(networks["multiclass"], tmp_path / "model.ecg")
    before = program_state()
    export_onnx(load(tmp_path / "model.ecg"), tmp_path / "model.onnx")
    assert program_state() == before
    assert (tmp_path / "model.onnx").read_bytes() == exported.read_bytes()


# Steps that cannot be exported, and what the message must say.
REFUSED_STEPS = {
    "median": (BaselineRemover("median", sampling_rate=100), "method='median'"),
    "scaler": (LeadScaler("record", fill="zero"), "normalize='dataset' or fill='nan'"),
    "random crop": (Cropper(50, position="random", random_state=0), "position='random'"),
    "function": (FunctionTransformer(), r"\[1:\], and apply this step before inference"),
    "median beat": (MedianBeat(sampling_rate=100), "MedianBeat, which cannot be exported"),
}


@pytest.mark.parametrize("name", REFUSED_STEPS)
def test_other_steps_are_refused(name):
    step, message = REFUSED_STEPS[name]
    records = np.tile(X, 5) if name == "median beat" else X
    pipeline = make_pipeline(step, small()).fit(records, TARGETS["binary"])
    with pytest.raises(PersistenceError, match=rf"Pipeline.steps\[0\] .*{message}"):
        ExportableParts(pipeline)


def test_other_estimators_are_refused(networks):
    y = TARGETS["binary"]
    network = networks["binary"]
    renderer = ECGImageRenderer(sampling_rate=100, image_size=64)
    encoder = make_pipeline(renderer, tiny_image_network(image_size=None, max_epochs=0)).fit(X)
    with pytest.raises(PersistenceError, match=r"Pipeline\[1:\], and .* takes images"):
        ExportableParts(encoder)
    with pytest.raises(PersistenceError, match="VotingClassifier, which cannot be exported"):
        ExportableParts(VotingClassifier([("a", network)], voting="soft").fit(X, y))
    probe = make_pipeline(LeadScaler(), network, LogisticRegression()).fit(X, y)
    with pytest.raises(PersistenceError, match=r"Export Pipeline\[:2\], .*frozen=True"):
        ExportableParts(probe)
    with pytest.raises(PersistenceError, match="would take 763 MiB"):
        step = BandpassFilter(sampling_rate=500).fit(np.zeros((1, 1, 10_000)))
        ExportableParts(make_pipeline(step, FrozenEstimator(network)))
    mixed = small(precision="mixed").fit(X, y)
    with pytest.raises(PersistenceError, match="mixed_precision to False"):
        ExportableParts(mixed)
    mixed.net_.mixed_precision = False
    assert_same(mixed)


def test_precision_is_float32():
    assert_same(small(precision="float64").fit(X, TARGETS["binary"]))


class ReadsValues(TwoOutputs):
    """A module that torch cannot export."""

    def forward(self, x):
        return super().forward(-x if x.sum() > 0 else x)


def test_failed_export_keeps_the_old_file(tmp_path, networks, monkeypatch):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    with pytest.raises(NotFittedError):
        export_onnx(MSAICNetClassifier(), path)
    clf = ECGNetClassifier(ReadsValues, max_epochs=1).fit(X, TARGETS["binary"])
    with pytest.raises(PersistenceError, match="torch cannot export the network of ECGNetClass"):
        export_onnx(clf, path)
    with pytest.raises(ValueError, match="NaN"):
        export_onnx(networks["binary"], path, np.full_like(X, np.nan))
    with pytest.raises(FileNotFoundError, match="folder of path does not exist"):
        export_onnx(networks["binary"], tmp_path / "missing" / "model.onnx")
    monkeypatch.setattr(torch, "__version__", "2.8.1")
    with pytest.raises(ImportError, match=r"needs torch 2\.9 or later, and 2\.8\.1"):
        export_onnx(networks["binary"], path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"onnx, onnxruntime, onnxscript.*\[onnx\]"):
        export_onnx(networks["binary"], path)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_paths_are_those_of_save(tmp_path, networks, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    export_onnx(networks["binary"], "~/model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    for path, error in (("", ValueError), (1, TypeError), (None, TypeError)):
        with pytest.raises(error, match="path (is an empty path|must be a str or a path)"):
            export_onnx(networks["binary"], path)


@pytest.mark.parametrize(
    "params, message",
    [
        ({"sampling_rate": 0}, "sampling_rate must be a positive number"),
        ({"sampling_rate": 500}, "sampling_rate=500 was given, but MSAICNetClassifier was fitted"),
        ({"units": "uV"}, "units='uV' was given, but MSAICNetClassifier was fitted on .* 'mV'"),
        ({"units": ""}, "units must be the name of a unit"),
    ],
)
def test_metadata_errors(params, message):
    frame = to_lead_frame(X, STANDARD_LEADS, sampling_rate=100, units="mV")
    clf = small(max_epochs=0).fit(frame, TARGETS["binary"])
    parts = ExportableParts(clf)
    with pytest.raises(ValueError, match=message):
        _onnx._metadata(clf, parts, **{"sampling_rate": None, "units": None, **params})
    images = tiny_image_network(image_size=None, max_epochs=0).fit(IMAGES[:8])
    with pytest.raises(ValueError, match="describe signals, but the network takes images"):
        _onnx._metadata(images, ExportableParts(images), **{"sampling_rate": 1, "units": None})


@pytest.fixture(scope="module")
def prepared(networks):
    """A network whose logits are so large that most probabilities are 0 and 1."""
    clf = copy.deepcopy(networks["binary"])
    with torch.no_grad():
        clf.net_.module_.classifier.weight *= 3000
    parts = ExportableParts(clf)
    return clf, parts, _onnx._to_proto(parts, X[:1], {})


def check_file(prepared):
    clf, parts, proto = prepared
    return _onnx._checked_content(clf, parts, copy.deepcopy(proto), X, False)


def test_equal_network_passes(prepared):
    assert check_file(prepared)[1] < 1e-5


def test_a_difference_of_the_logits_is_found(prepared):
    """The probabilities are 0 and 1, and do not show it."""
    clf = prepared[0]
    probability = clf.predict_proba(X)
    is_saturated = np.abs(clf.decision_function(X)) > 30
    assert is_saturated.mean() > 0.5
    bias = clf.net_.module_.classifier.bias.detach() + 0.1
    records = X[is_saturated]
    assert np.array_equal(probability[is_saturated], clf.predict_proba(records))
    _, parts, proto = prepared
    other = copy.deepcopy(clf)
    other.net_.module_.classifier.bias = torch.nn.Parameter(bias)
    with pytest.raises(PersistenceError, match="from the logits of MSAICNetClassifier by"):
        _onnx._checked_content(other, parts, copy.deepcopy(proto), records, False)


def test_a_difference_of_the_probabilities_is_found(prepared):
    clf, parts, proto = prepared
    other = copy.copy(clf)
    other.predict_proba = lambda X: clf.predict_proba(X) + 1e-3
    with pytest.raises(PersistenceError, match="from MSAICNetClassifier by 0.001 .* of X, more"):
        _onnx._checked_content(other, parts, copy.deepcopy(proto), X, False)


def test_embeddings_may_differ_by_a_share_of_their_largest_value():
    encoder = ACLECGEncoder(sampling_rate=100, max_epochs=0, random_state=0)
    parts = ExportableParts(encoder.fit(X))
    allowed = _onnx._allowed(parts, X[:2], np.array([[0.01, -30.0], [0.01, 0.5]]))
    np.testing.assert_allclose(allowed, [[3e-4, 3e-4], [1e-5, 1e-5]])


def test_steps_of_isotonic_calibrators_are_allowed():
    """Where the score is at a step, the probability may differ by the height of the step."""
    y = TARGETS["binary"]
    frozen = FrozenEstimator(small().fit(X, y))
    calibrated = CalibratedClassifierCV(frozen, method="isotonic").fit(X, y)
    parts = ExportableParts(calibrated)
    (isotonic,) = calibrated.calibrated_classifiers_[0].calibrators
    # A step of height 1 at the score of the first record.
    score = calibrated.calibrated_classifiers_[0].estimator.decision_function(X[:1])[0]
    map_ = parts.model.maps[0].calibrators[0]
    map_.first, map_.lengths = 0.0, torch.tensor([1e-9], dtype=torch.float64)
    map_.starts, map_.rises = torch.tensor([score + 1e-6]).double(), torch.ones(1).double()
    allowed = _onnx._allowed(parts, X, calibrated.predict_proba(X))
    assert allowed[0].min() > 1
    far = np.abs(frozen.decision_function(X) - score) > 1e-4
    assert far.sum() > N / 2 and allowed[far].max() == pytest.approx(1e-5)
    assert isotonic.X_thresholds_.size > 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is available")
def test_networks_on_a_gpu_are_compared_on_the_cpu(networks):
    clf = copy.deepcopy(networks["binary"])
    clf.net_.device = "cuda"
    with pytest.warns(UserWarning, match="not available here. It predicts on the CPU"):
        expected, logits = _onnx._expected(clf, ExportableParts(clf), X, False)
    np.testing.assert_array_equal(expected, networks["binary"].predict_proba(X))
    np.testing.assert_array_equal(logits, networks["binary"].decision_function(X))


def test_too_large_files_are_refused(prepared, monkeypatch):
    monkeypatch.setattr(_onnx, "_MAX_BYTES", 1000)
    with pytest.raises(PersistenceError, match="bytes, more than the 2 GiB"):
        check_file(prepared)

"""Public functions and classes leave random states and settings of the program as they were.

The estimators of `test_estimators.py` are checked by `check_program_state_untouched`. The rest is
here, with fits and predictions that fail halfway. With ``random_state=None``, NumPy's global random
state is used, as in scikit-learn.
"""

import importlib
import inspect
import pickle
import random

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, KFold
from skorch.callbacks import Callback

import sklearn_ecg
from sklearn_ecg import (
    aggregation,
    beats,
    calibration,
    datasets,
    imbalance,
    inspection,
    leads,
    metrics,
    model_selection,
    persistence,
    preprocessing,
    reporting,
)
from sklearn_ecg import augmentation as aug
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.utils._check_tools import _program_state

ROOMS = (
    "aggregation",
    "augmentation",
    "beats",
    "calibration",
    "datasets",
    "feature_selection",
    "imbalance",
    "inspection",
    "leads",
    "metrics",
    "model_selection",
    "paper",
    "persistence",
    "preprocessing",
    "reporting",
)

PAGES = np.full((1, 600, 800), 255, dtype=np.uint8)
ECG = make_ecg(24, duration=2, prevalence=0.5, records_per_patient=2, random_state=0)
X, Y, GROUPS = ECG.data, ECG.target, ECG.groups
LABELS = np.c_[Y, np.arange(24) % 3 == 0, np.arange(24) % 4 < 2].astype(int)
SCORES = np.random.RandomState(0).uniform(0.05, 0.95, 24)
SCORE_TABLE = np.random.RandomState(1).uniform(0.05, 0.95, (24, 3))
TABLE = X[:, :3].mean(axis=2)
NOT_FINITE = np.full_like(X, np.inf)
TINY = {
    "filters": (4,),
    "kernel_size": 7,
    "dilations": (1,),
    "max_epochs": 1,
    "random_state": 0,
}
NETWORK = sklearn_ecg.MSAICNetClassifier(**TINY)
RATE = {"sampling_rate": 100}
RESAMPLES = {"n_resamples": 20, "random_state": 0}
REPEATS = {"n_repeats": 1, "random_state": 0}


@pytest.fixture(scope="module")
def fitted():
    return clone(NETWORK).fit(X, Y)


@pytest.fixture
def strange_program():
    """A program with random states and settings of its own."""
    before = _program_state()
    random.seed(7)
    np.random.seed(7)
    torch.manual_seed(7)
    torch.set_num_threads(3)
    torch.set_default_dtype(torch.float64)
    torch.set_float32_matmul_precision("medium")
    torch.backends.cudnn.benchmark = True
    with np.errstate(over="ignore"):
        yield
    torch.backends.cudnn.benchmark = before["torch.backends.cudnn"][2]
    torch.set_float32_matmul_precision("highest")
    torch.set_default_dtype(torch.float32)
    torch.set_num_threads(before["the number of threads of torch"])


def transform(name, *args, images=False, peaks=None, **params):
    """Return a call of a random transform, and a call that fails."""
    transform = getattr(aug, name)(*args, **params)
    x = torch.rand(4, 3, 32, 40) if images else torch.from_numpy(X[:4])
    options = {} if peaks is None else {"peaks": peaks}
    return (
        lambda **_: transform(x, **options, random_state=0),
        lambda **_: transform(x[0, 0], random_state=0),
    )


def resample(sampler):
    return (
        lambda **_: clone(sampler).fit_resample(X, Y > 0),
        lambda **_: clone(sampler).fit_resample(X, np.zeros(24)),
    )


def splits(splitter):
    return (
        lambda **_: list(splitter.split(X, LABELS, GROUPS)),
        lambda **_: list(splitter.split(X, LABELS, GROUPS[:3])),
    )


def score(name, multilabel=False, **params):
    function = getattr(metrics, name)
    return (
        lambda **_: function(Y, SCORES, **params),
        lambda **_: function(Y, SCORES[:3], **params),
    )


def fails(function, *args, **params):
    return None, lambda **_: function(*args, **params)


def fit_twice(estimator, data, y):
    """Return a call that fits and predicts, and a call of `fit` that fails."""

    def use(**_):
        model = clone(estimator).fit(data, y)
        return model.predict_proba(data), model.predict(data)

    return use, lambda **_: clone(estimator).fit(data, y[:3])


def use_files(fitted, tmp_path):
    persistence.save(fitted, tmp_path / "model.ecg")
    persistence.read_info(tmp_path / "model.ecg")
    return persistence.load(tmp_path / "model.ecg").predict(X)


def read_damaged(tmp_path, **_):
    (tmp_path / "model.ecg").write_bytes(b"damaged" * 100)
    persistence.load(tmp_path / "model.ecg")


def use_frame(tmp_path, **_):
    frame = leads.to_lead_frame(X, sampling_rate=100)
    frame.to_parquet(tmp_path / "records.parquet")
    read = leads.read_lead_frame(tmp_path / "records.parquet")
    return (
        leads.to_lead_array(read),
        leads.stack_signals(read.to_numpy()),
        leads.is_lead_frame(read),
    )


def use_lazy_records(fitted, tmp_path):
    np.save(tmp_path / "X.npy", X)
    records = leads.LazyRecords(tmp_path / "X.npy", sampling_rate=100)
    clone(fitted).fit(records, Y)
    return fitted.predict(records), records.save(tmp_path / "copy.npy")


def embed(fitted, **_):
    import matplotlib.pyplot as plt

    display = inspection.EmbeddingDisplay.from_estimator(fitted, X, Y)
    plt.close("all")
    return display


LOGISTIC = LogisticRegression()
AGGREGATOR = aggregation.PatientAggregator(NETWORK)
FEATURES = pd.DataFrame(X[:, :3].mean(axis=2), columns=["I__mean", "II__mean", "III__mean"])
MISSING_LEADS = HistGradientBoostingClassifier(random_state=0).fit(FEATURES, Y)
LEAD_DROPOUT = imbalance.FeatureLeadDropout(random_state=0)
#: A call and a call that fails, by name. Only the ones that read files from outside have no first.
CASES = {
    "AmplitudeScale": transform("AmplitudeScale"),
    "BaselineWander": transform("BaselineWander", **RATE),
    "CardiacCycleMask": transform("CardiacCycleMask", **RATE, peaks=torch.full((4, 2), 50.0)),
    "ColorJitter": transform("ColorJitter", images=True),
    "Compose": transform("Compose", [aug.GaussianNoise(), aug.TimeMask()]),
    "GaussianBlur": transform("GaussianBlur", images=True),
    "GaussianNoise": transform("GaussianNoise"),
    "JPEGCompression": transform("JPEGCompression", images=True),
    "LeadDropout": transform("LeadDropout", 0.5),
    "PaperFolds": transform("PaperFolds", images=True),
    "PaperStains": transform("PaperStains", images=True),
    "PowerlineNoise": transform("PowerlineNoise", sampling_rate=500),
    "RandomApply": transform("RandomApply", aug.GaussianNoise()),
    "RandomHorizontalFlip": transform("RandomHorizontalFlip", images=True),
    "RandomPerspective": transform("RandomPerspective", images=True),
    "RandomPhoto": transform("RandomPhoto", images=True),
    "RandomResizedCrop": transform("RandomResizedCrop", images=True),
    "RandomRotation": transform("RandomRotation", images=True),
    "RandomScaleCrop": transform("RandomScaleCrop"),
    "RandomScan": transform("RandomScan", images=True),
    "SensorNoise": transform("SensorNoise", images=True),
    "TemporalShift": transform("TemporalShift", **RATE),
    "TimeMask": transform("TimeMask"),
    "UnevenLight": transform("UnevenLight", images=True),
    "pad_peaks": (lambda **_: aug.pad_peaks([[1, 2], [3]]), lambda **_: aug.pad_peaks(3)),
    "detect_r_peaks": (
        lambda **_: sklearn_ecg.detect_r_peaks(X, 100),
        lambda **_: sklearn_ecg.detect_r_peaks(NOT_FINITE, 100),
    ),
    "make_beat_classifier": fit_twice(beats.make_beat_classifier(100, random_state=0), X, Y),
    "ECGImageDigitizer": (
        lambda **_: preprocessing.ECGImageDigitizer(100, on_error="nan").fit_transform(PAGES),
        lambda **_: preprocessing.ECGImageDigitizer(100).transform(PAGES),
    ),
    "MultilabelCalibratedClassifierCV": fit_twice(
        calibration.MultilabelCalibratedClassifierCV(NETWORK, cv=2), X, LABELS
    ),
    "MultilabelTunedThresholdClassifierCV": fit_twice(
        calibration.MultilabelTunedThresholdClassifierCV(NETWORK, cv=2, random_state=0), X, LABELS
    ),
    "PriorCorrectedClassifier": fit_twice(
        imbalance.PriorCorrectedClassifier(NETWORK, cv=2, random_state=0), X, Y
    ),
    "correct_prevalence": (
        lambda **_: imbalance.correct_prevalence(np.c_[1 - SCORES, SCORES], 0.5, 0.1),
        lambda **_: imbalance.correct_prevalence(np.c_[1 - SCORES, SCORES], 2, 0.1),
    ),
    "AugmentationOverSampler": resample(
        imbalance.AugmentationOverSampler(
            [aug.GaussianNoise(), aug.CardiacCycleMask(**RATE)],
            sampling_strategy={1: 40},
            random_state=0,
            **RATE,
        )
    ),
    "BeatSMOTE": resample(
        imbalance.BeatSMOTE(sampling_strategy={1: 20}, random_state=0, k_neighbors=2, **RATE)
    ),
    "RecordOverSampler": resample(
        imbalance.RecordOverSampler(sampling_strategy={1: 40}, random_state=0)
    ),
    "RecordUnderSampler": resample(
        imbalance.RecordUnderSampler(sampling_strategy={1: 4}, random_state=0)
    ),
    "SequentialLeadSelector": fails(
        sklearn_ecg.SequentialLeadSelector(NETWORK, n_leads_to_select=1).fit, NOT_FINITE, Y
    ),
    "make_ecg": (lambda **_: make_ecg(5, random_state=0), lambda **_: make_ecg(5, prevalence=2)),
    "download_ptbxl": fails(datasets.download_ptbxl, n_retries=-1),
    "load_challenge": fails(datasets.load_challenge, "missing"),
    "load_ecg_images": fails(datasets.load_ecg_images, "missing"),
    "load_ludb": fails(datasets.load_ludb, "missing"),
    "load_ptbxl": fails(datasets.load_ptbxl, "missing"),
    "load_wfdb": fails(datasets.load_wfdb, "missing"),
    "EmbeddingDisplay": (
        embed,
        lambda fitted, **_: inspection.EmbeddingDisplay.from_estimator(fitted, NOT_FINITE, Y),
    ),
    "feature_groups": (
        lambda **_: inspection.feature_groups(["I__mean", "II__mean"]),
        lambda **_: inspection.feature_groups(3),
    ),
    "grad_cam": (
        lambda fitted, **_: inspection.grad_cam(fitted, X),
        lambda fitted, **_: inspection.grad_cam(fitted, X, target=5),
    ),
    "lead_importance": (
        lambda fitted, **_: inspection.lead_importance(fitted, X, Y, max_samples=0.5, **REPEATS),
        lambda fitted, **_: inspection.lead_importance(fitted, X, Y[:3]),
    ),
    "record_lead_importance": (
        lambda fitted, **_: inspection.record_lead_importance(
            fitted, X, method="gaussian", **REPEATS
        ),
        lambda fitted, **_: inspection.record_lead_importance(fitted, NOT_FINITE, **REPEATS),
    ),
    "LazyRecords": (
        use_lazy_records,
        lambda tmp_path, **_: leads.LazyRecords(tmp_path / "missing.npy"),
    ),
    "describe_lead_frame": (
        lambda **_: leads.describe_lead_frame(sklearn_ecg.to_lead_frame(X)),
        lambda **_: leads.describe_lead_frame(3),
    ),
    "derive_leads": (
        lambda **_: leads.derive_leads(X[:, :2], ["I", "II"]),
        lambda **_: leads.derive_leads(X[:, :2], ["I", "V2"]),
    ),
    "lead_regions": (
        lambda **_: leads.lead_regions(leads.STANDARD_LEADS),
        lambda **_: leads.lead_regions(["I"], {"other": ["V9"]}),
    ),
    "normalize_lead_name": (
        lambda **_: leads.normalize_lead_name("avr"),
        lambda **_: leads.normalize_lead_name(3),
    ),
    "normalize_lead_names": (
        lambda **_: leads.normalize_lead_names(["avr"]),
        lambda **_: leads.normalize_lead_names(["unknown"]),
    ),
    "read_lead_frame": (use_frame, lambda **_: leads.read_lead_frame("missing")),
    "to_lead_frame": (
        lambda **_: leads.to_lead_frame(X),
        lambda **_: leads.to_lead_frame(X, ["I"]),
    ),
    "windows": (
        lambda **_: preprocessing.windows(X, 50),
        lambda **_: preprocessing.windows(X, 500),
    ),
    **{
        name: score(name)
        for name in (
            "auprc_score",
            "auroc_score",
            "brier_score",
            "calibration_intercept",
            "calibration_slope",
            "delong_interval",
            "expected_calibration_error",
            "net_benefit",
            "sensitivity_at_specificity",
            "specificity_at_sensitivity",
        )
    },
    "bootstrap_difference": (
        lambda **_: metrics.bootstrap_difference(
            metrics.auroc_score,
            Y,
            SCORES,
            1 - SCORES,
            groups=GROUPS,
            n_resamples=20,
            random_state=0,
        ),
        lambda **_: metrics.bootstrap_difference(len, Y, SCORES, SCORES, **RESAMPLES),
    ),
    "bootstrap_interval": (
        lambda **_: metrics.bootstrap_interval(metrics.auroc_score, Y, SCORES, **RESAMPLES),
        lambda **_: metrics.bootstrap_interval(len, Y, SCORES, **RESAMPLES),
    ),
    "challenge_score": (
        lambda **_: metrics.challenge_score(
            LABELS,
            LABELS,
            weights=pd.DataFrame(np.eye(3), list("abc"), list("abc")),
            classes=list("abc"),
            normal_class="a",
        ),
        lambda **_: metrics.challenge_score(LABELS, LABELS, weights=np.eye(2)),
    ),
    "class_alignment_consistency": (
        lambda **_: metrics.class_alignment_consistency(TABLE, Y, neighborhood=0.2),
        lambda **_: metrics.class_alignment_consistency(TABLE, Y[:3]),
    ),
    "delong_test": (
        lambda **_: metrics.delong_test(Y, SCORES, 1 - SCORES),
        lambda **_: metrics.delong_test(Y, SCORES, SCORES[:3]),
    ),
    "label_table": (
        lambda **_: metrics.label_table(LABELS, SCORE_TABLE, **RESAMPLES),
        lambda **_: metrics.label_table(LABELS, SCORE_TABLE[:3]),
    ),
    "sample_alignment_accuracy": (
        lambda **_: metrics.sample_alignment_accuracy(TABLE, TABLE + 0.1, Y),
        lambda **_: metrics.sample_alignment_accuracy(TABLE, TABLE[:3], Y),
    ),
    "DisjointGroupsCV": splits(model_selection.DisjointGroupsCV(GroupKFold(2))),
    "MultilabelStratifiedGroupKFold": splits(
        model_selection.MultilabelStratifiedGroupKFold(2, shuffle=True, random_state=0)
    ),
    "MultilabelStratifiedGroupShuffleSplit": splits(
        model_selection.MultilabelStratifiedGroupShuffleSplit(2, random_state=0)
    ),
    "check_disjoint_groups": (
        lambda **_: model_selection.check_disjoint_groups(GroupKFold(2), X, Y, GROUPS),
        lambda **_: model_selection.check_disjoint_groups(KFold(3), X, Y, GROUPS * 0),
    ),
    "duplicate_groups": (
        lambda **_: model_selection.duplicate_groups(X, tolerance=0.01),
        lambda **_: model_selection.duplicate_groups(X, tolerance=-1),
    ),
    "fold_balance": (
        lambda **_: model_selection.fold_balance(KFold(2), X, LABELS),
        lambda **_: model_selection.fold_balance(KFold(2), X, LABELS[:3]),
    ),
    "score_by_group": (
        lambda **_: metrics.score_by_group(
            metrics.auroc_score, Y, SCORES, np.resize(["f", "m"], len(Y)), **RESAMPLES
        ),
        lambda **_: metrics.score_by_group(metrics.auroc_score, Y, SCORES[:3], Y),
    ),
    "model_card": (
        lambda fitted, **_: reporting.model_card(fitted, X, Y, **RESAMPLES).to_html(),
        lambda fitted, **_: reporting.model_card(fitted, X, Y[:3]),
    ),
    "export_onnx": (
        lambda fitted, tmp_path: persistence.export_onnx(fitted, tmp_path / "model.onnx", X),
        lambda fitted, tmp_path: persistence.export_onnx(fitted, tmp_path / "model.onnx", X[:, :1]),
    ),
    "PatientAggregator": (
        lambda **_: clone(AGGREGATOR).fit(X, Y, groups=GROUPS).predict_patients(X, groups=GROUPS),
        lambda **_: clone(AGGREGATOR).fit(X, Y[:3], groups=GROUPS),
    ),
    "aggregate_patients": (
        lambda **_: aggregation.aggregate_patients(SCORES, GROUPS),
        lambda **_: aggregation.aggregate_patients(SCORES, GROUPS[:3]),
    ),
    "patient_labels": (
        lambda **_: aggregation.patient_labels(Y, GROUPS, conflicts="any"),
        lambda **_: aggregation.patient_labels(Y, GROUPS[:3]),
    ),
    "WindowedClassifier": fit_twice(
        aggregation.WindowedClassifier(NETWORK, duration=1, sampling_rate=100), X, Y
    ),
    "FeatureLeadDropout": (
        lambda **_: clone(LEAD_DROPOUT).fit_resample(FEATURES, Y),
        lambda **_: clone(LEAD_DROPOUT).fit_resample(FEATURES, Y[:3]),
    ),
    "score_by_leads": (
        lambda **_: inspection.score_by_leads(
            MISSING_LEADS, FEATURES, Y, subsets=[["I"]], **RESAMPLES
        ),
        lambda **_: inspection.score_by_leads(MISSING_LEADS, FEATURES, Y[:3], subsets=[["I"]]),
    ),
    "load_records": fails(datasets.load_records, "missing"),
    "load": (lambda fitted, tmp_path: use_files(fitted, tmp_path), read_damaged),
}
# Names that a case of another name uses.
USED = {
    "ModelCard": "model_card",
    "is_lead_frame": "read_lead_frame",
    "read_info": "load",
    "save": "load",
    "stack_signals": "read_lead_frame",
    "to_lead_array": "read_lead_frame",
}
# These only draw the arrays that they are given.
DRAW = {
    "DecisionCurveDisplay",
    "DigitizedPageDisplay",
    "ECGDisplay",
    "GradCAMDisplay",
    "LeadImportanceDisplay",
    "LeadSubsetDisplay",
    "ReliabilityDisplay",
    "TrainingHistoryDisplay",
}
# Results of functions.
RESULTS = {"DeLongResult", "RPeaks", "ScoreInterval"}


def test_every_public_name_has_a_case():
    from test_estimators import ECG_INSTANCES

    known = {type(estimator).__name__ for estimator in ECG_INSTANCES} | {*CASES, *USED}
    for room in ("", *ROOMS):
        module = importlib.import_module(f"sklearn_ecg.{room}" if room else "sklearn_ecg")
        for name in set(module.__all__) - known - DRAW - RESULTS:
            value = getattr(module, name)
            is_error = inspect.isclass(value) and issubclass(value, Exception)
            assert is_error or not callable(value), f"add a case for {room}.{name}"


def state():
    return {name: pickle.dumps(value) for name, value in _program_state().items()}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.usefixtures("strange_program")
@pytest.mark.parametrize("name", CASES)
def test_state_of_the_program_is_unchanged(name, fitted, tmp_path):
    call, failing_call = CASES[name]
    options = {"fitted": fitted, "tmp_path": tmp_path}
    before = state()
    if call is not None:
        call(**options)
        assert state() == before
    with pytest.raises((ValueError, TypeError, OSError, persistence.PersistenceError)):
        failing_call(**options)
    assert state() == before


class FailInBatch(Callback):
    """Fail in the middle of the training, after numbers were drawn."""

    def on_batch_end(self, net, **kwargs):
        torch.rand(3)
        raise RuntimeError("stopped")


def images(n_records=24):
    return np.random.RandomState(0).randint(0, 256, (n_records, 8, 16)).astype(np.uint8)


SIGNAL_ENCODER = sklearn_ecg.ACLECGEncoder(max_epochs=1, regions={"limb": ["I"]}, **RATE)
FEATURE_ENCODER = sklearn_ecg.BeatFeatureEncoder(filters=(4,), max_epochs=1, **RATE)
IMAGE_ENCODER = sklearn_ecg.SimCardioNetEncoder(image_size=8, filters=(4,), n_heads=0, max_epochs=1)
DEEP = {
    "MSAICNetClassifier": (NETWORK, X),
    "ECGNetClassifier": (sklearn_ecg.ECGNetClassifier("lstm", max_epochs=1), X),
    "ECGNetRegressor": (sklearn_ecg.ECGNetRegressor("lstm", max_epochs=1), X),
    "MSAICNetRegressor": (sklearn_ecg.MSAICNetRegressor(filters=(4,), max_epochs=1), X),
    "ACLECGEncoder": (SIGNAL_ENCODER, X[:, :1]),
    "ACLECGClassifier": (sklearn_ecg.ACLECGClassifier(SIGNAL_ENCODER, max_epochs=1), X[:, :1]),
    "BeatFeatureEncoder": (FEATURE_ENCODER, X),
    "BeatFeatureClassifier": (
        sklearn_ecg.BeatFeatureClassifier(FEATURE_ENCODER, max_epochs=1),
        X,
    ),
    "SimCardioNetEncoder": (IMAGE_ENCODER, images()),
    "SimCardioNetClassifier": (
        sklearn_ecg.SimCardioNetClassifier(IMAGE_ENCODER, unfreeze_interval=0, max_epochs=1),
        images(),
    ),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.usefixtures("strange_program")
@pytest.mark.parametrize("name", DEEP)
def test_errors_halfway_leave_the_state_unchanged(name, monkeypatch):
    estimator, records = DEEP[name]
    options = {"random_state": 0}
    if name.startswith("ACL"):
        options["lead_names"] = ["I"]
    before = state()
    failing = clone(estimator).set_params(callbacks=[FailInBatch()], **options)
    with pytest.raises(RuntimeError, match="stopped"):
        failing.fit(records, Y)
    assert state() == before
    if "encoder" in failing.get_params():
        failing = clone(estimator).set_params(encoder__callbacks=[FailInBatch()], **options)
        with pytest.raises(RuntimeError, match="stopped"):
            failing.fit(records, Y)
        assert state() == before
    fitted = clone(estimator).set_params(**options).fit(records, Y)

    assert state() == before
    monkeypatch.setattr(fitted.net_.module_, "embed", lambda x: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fitted.transform(records)
    assert state() == before

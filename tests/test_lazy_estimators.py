"""Lazy records in every kind of tool: the results of arrays, in bounded memory."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from imblearn.ensemble import BalancedBaggingClassifier, EasyEnsembleClassifier
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from imblearn.under_sampling import RandomUnderSampler
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_ecg import (
    ACLECGClassifier,
    ACLECGEncoder,
    LazyRecords,
    MSAICNetClassifier,
    PatientAggregator,
    WindowedClassifier,
    detect_r_peaks,
    duplicate_groups,
    to_lead_frame,
)
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.imbalance import RecordOverSampler, RecordUnderSampler
from sklearn_ecg.inspection import grad_cam, lead_importance, record_lead_importance, score_by_leads
from sklearn_ecg.leads._record_columns import read_column
from sklearn_ecg.preprocessing import (
    BandpassFilter,
    BaselineRemover,
    BeatFeatures,
    Clipper,
    Cropper,
    LeadDeriver,
    LeadScaler,
    LeadSelector,
    MedianBeat,
    NotchFilter,
    RandomConvolutionFeatures,
    Resampler,
    SignalQuality,
)
from sklearn_ecg.utils import _chunks

TINY = {"filters": (4,), "dilations": (1,), "max_epochs": 2, "batch_size": 16, "random_state": 0}


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Read a few records at once, so that there are several parts."""
    small = _chunks.ChunkBudget(7 * 12 * 200)
    for module in list(sys.modules.values()):
        if module.__name__.startswith("sklearn_ecg") and hasattr(module, "LAZY"):
            monkeypatch.setattr(module, "LAZY", small)


@pytest.fixture(scope="module")
def data():
    return make_ecg(40, duration=2, prevalence=0.5, return_X_y=True, random_state=0)


@pytest.fixture(scope="module")
def lazy(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("lazy") / "X.npy"
    np.save(path, data[0])
    return LazyRecords(path, sampling_rate=100, units="mV")


# --------------------------------------------------------------------------------------------------
# Networks
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("normalize", ["dataset", "record", "record_lead", None])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_networks_are_equal_bit_by_bit(normalize, early_stopping, data, lazy):
    X, y = data
    clf = MSAICNetClassifier(normalize=normalize, early_stopping=early_stopping, **TINY)
    # A record of weight 0 is left out.
    weights = np.where(np.arange(len(y)) % 7, 1.0, 0.0)
    expected = clf.fit(X, y, sample_weight=weights)
    results = expected.predict_proba(X), expected.transform(X), expected.history_["train_loss"]
    clf.fit(lazy, y, sample_weight=weights)
    assert clf.sampling_rate_in_ == 100 and clf.units_in_ == "mV"
    found = clf.predict_proba(lazy), clf.transform(lazy), clf.history_["train_loss"]
    for one, other in zip(results, found):
        assert_array_equal(one, other)


def test_pretraining_is_equal_bit_by_bit(data, lazy):
    X, y = data
    cropper = Cropper(100).fit(X)
    X, lazy = cropper.transform(X), cropper.transform(lazy)
    encoder = ACLECGEncoder(max_epochs=1, batch_size=16, sampling_rate=100, random_state=0)
    expected = encoder.fit(X).transform(X)
    assert_array_equal(encoder.fit(lazy).transform(lazy), expected)
    # Unlabeled records are left out by their positions.
    some = np.where(np.arange(len(y)) < 20, -1, y)
    clf = ACLECGClassifier(
        FrozenEstimator(encoder), unlabeled=-1, max_epochs=1, batch_size=16, random_state=0
    )
    for frozen in (False, True):
        clf.set_params(frozen=frozen)
        expected = clf.fit(X, some).predict_proba(X)
        assert_array_equal(clf.fit(lazy, some).predict_proba(lazy), expected)


def test_interrupted_training_stops_the_thread_that_reads(data, lazy):
    X, y = data
    with pytest.raises(ValueError, match="loss became nan in epoch 1"):
        MSAICNetClassifier(**{**TINY, "learning_rate": 1e30}).fit(lazy, y)


def test_checkpoints_are_those_of_arrays(data, lazy, tmp_path):
    X, y = data
    clf = MSAICNetClassifier(**TINY, checkpoint=tmp_path)
    # Lazy records state a rate, which is a part of the identity.
    clf.fit(LazyRecords(lazy._source.path), y)
    files = sorted(tmp_path.iterdir())
    clf.fit(X, y)
    assert sorted(tmp_path.iterdir()) == files


# --------------------------------------------------------------------------------------------------
# Transformers
# --------------------------------------------------------------------------------------------------

SIGNAL_TRANSFORMERS = (
    BandpassFilter(0.5, 40, sampling_rate=100),
    BaselineRemover(sampling_rate=100),
    Clipper(-1, 1),
    Cropper(100, position="random", random_state=0),
    LeadDeriver(derive=["aVR"]),
    LeadScaler(),
    LeadScaler("record"),
    LeadSelector(["V1", "I"]),
    MedianBeat(100, unreliable="nan"),
    NotchFilter(30, sampling_rate=100),
    Resampler(50, sampling_rate=100),
)


@pytest.mark.parametrize("transformer", SIGNAL_TRANSFORMERS, ids=str)
def test_transformers_of_signals_stay_lazy(transformer, data, lazy):
    X, _ = data
    frame = to_lead_frame(X, sampling_rate=100, units="mV")
    expected = transformer.fit_transform(X)
    transformed = transformer.fit_transform(lazy)
    assert isinstance(transformed, LazyRecords)
    assert_array_equal(transformed, expected, strict=True)
    assert_array_equal(transformed[[5, 1]], expected[[5, 1]])
    noted = transformer.fit(frame).transform(frame)
    assert transformed.lead_names == tuple(noted.columns) and transformed.attrs == noted.attrs
    # A later fit does not change what was transformed before.
    transformer.fit(X[:20] / 2)
    assert_array_equal(transformed[3], expected[3])


@pytest.mark.parametrize(
    "transformer",
    [
        BeatFeatures(100),
        SignalQuality(sampling_rate=100),
        RandomConvolutionFeatures(n_features=1008, random_state=0),
    ],
    ids=str,
)
def test_features_are_equal(transformer, data, lazy):
    X, _ = data
    assert_array_equal(transformer.fit_transform(lazy), transformer.fit_transform(X), strict=True)
    assert_array_equal(transformer.transform(lazy[::-1]), transformer.transform(X[::-1]))
    if isinstance(transformer, SignalQuality):
        assert_array_equal(transformer.mask(lazy), transformer.mask(X))
        assert transformer.report(lazy).equals(transformer.report(X))


def test_missing_leads(data, tmp_path):
    X = data[0].copy()
    X[3, 2] = X[30, 5] = np.nan
    X[7, 1:4, 30:60] = X[31, :, :5] = np.nan
    np.save(tmp_path / "X.npy", X)
    lazy = LazyRecords(tmp_path / "X.npy")
    for transformer in (LeadScaler(), BeatFeatures(100)):
        assert_array_equal(
            np.asarray(transformer.fit_transform(lazy)), transformer.fit_transform(X)
        )


# --------------------------------------------------------------------------------------------------
# Validation
# --------------------------------------------------------------------------------------------------


def test_errors_name_the_record(data, tmp_path):
    X, y = data
    X = X.copy()
    X[33, 1, 7] = np.nan
    np.save(tmp_path / "X.npy", X)
    lazy = LazyRecords(tmp_path / "X.npy")
    with pytest.raises(ValueError, match="first in record 33, lead II, time point 7"):
        MSAICNetClassifier(**TINY).fit(lazy, y)
    clf = MSAICNetClassifier(**TINY).fit(lazy[:33], y[:33])
    with pytest.raises(ValueError, match="X has 11 leads, but MSAICNetClassifier was fitted on 12"):
        clf.predict(lazy[:33, 1:])
    with pytest.raises(ValueError, match="fitted on 200 time points"):
        clf.predict(Cropper(100).fit_transform(lazy[:33]))


def test_names_and_notes_are_compared(data, lazy):
    X, y = data
    path = lazy._source.path
    clf = MSAICNetClassifier(**TINY).fit(lazy, y)
    names = ("II", "I", *clf.lead_names_in_[2:])
    with pytest.raises(ValueError, match="same but in another order"):
        clf.predict(LazyRecords(path, lead_names=names))
    with pytest.raises(ValueError, match="fitted on records of 100 Hz"):
        clf.predict(LazyRecords(path, sampling_rate=500))
    with pytest.raises(ValueError, match="is 'uV', but BeatFeatures needs mV"):
        BeatFeatures(100).fit(LazyRecords(path, units="uV"))
    # Fitted on a frame with names, and on a frame of the same leads.
    clf.fit(to_lead_frame(X), y)
    named = LazyRecords(path, lead_names=clf.lead_names_in_)
    assert_array_equal(clf.predict_proba(named), clf.predict_proba(to_lead_frame(X)))


def test_scale_faults_are_found(data, tmp_path):
    np.save(tmp_path / "X.npy", data[0] * 1000)
    with pytest.raises(ValueError, match="X is not in mV"):
        BeatFeatures(100).fit(LazyRecords(tmp_path / "X.npy"))
    np.save(tmp_path / "int.npy", (data[0] * 1000).astype(np.int16))
    assert BeatFeatures(100).fit_transform(LazyRecords(tmp_path / "int.npy", scale=0.001)).any()


def test_fitted_on_rows(data, lazy):
    X, y = data
    clf = MSAICNetClassifier(**TINY, n_leads=12).fit(X.reshape(len(X), -1), y)
    assert_array_equal(clf.predict_proba(lazy), clf.predict_proba(X))


# --------------------------------------------------------------------------------------------------
# Tools
# --------------------------------------------------------------------------------------------------


def means(X):
    return np.asarray(X).mean(axis=2)


PIPELINES = {
    "filter and network": make_pipeline(
        BandpassFilter(0.5, 40, sampling_rate=100), MSAICNetClassifier(**TINY)
    ),
    "median beat and network": make_pipeline(
        MedianBeat(100, unreliable="record_average"), MSAICNetClassifier(**TINY)
    ),
    "features": make_pipeline(
        BeatFeatures(100), HistGradientBoostingClassifier(max_iter=5, random_state=0)
    ),
    "under-sampling": make_sampling_pipeline(
        RecordUnderSampler(random_state=0), MSAICNetClassifier(**TINY)
    ),
    "over-sampling": make_sampling_pipeline(
        RecordOverSampler(random_state=0), MSAICNetClassifier(**TINY)
    ),
    "windows": WindowedClassifier(MSAICNetClassifier(**TINY), duration=1, sampling_rate=100),
    "any function": make_pipeline(FunctionTransformer(means), LogisticRegression()),
    "none": DummyClassifier(),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_cross_validation(name, data, lazy):
    X, y = data
    options = {"cv": 2, "scoring": "neg_log_loss", "error_score": "raise"}
    expected = cross_validate(PIPELINES[name], X, y, **options)["test_score"]
    found = cross_validate(PIPELINES[name], lazy, y, **options)["test_score"]
    assert_array_equal(found, expected)


def test_grid_search_in_processes(data, lazy):
    X, y = data
    grid = {"learning_rate": [1e-3, 1e-2]}
    searches = [
        GridSearchCV(MSAICNetClassifier(**TINY), grid, cv=2, n_jobs=n_jobs, scoring="neg_log_loss")
        for n_jobs in (1, 2)
    ]
    expected, found = searches[0].fit(X, y), searches[1].fit(lazy, y)
    assert_array_equal(
        found.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )
    assert_array_equal(found.predict_proba(lazy), expected.predict_proba(X))


def test_samplers_select_by_position(data, lazy):
    X, y = data
    y = np.where(np.arange(len(y)) < 30, 0, 1)
    for sampler in (RecordUnderSampler(random_state=0), RecordOverSampler(random_state=0)):
        taken, labels = sampler.fit_resample(lazy, y)
        assert isinstance(taken, LazyRecords)
        expected, expected_labels = sampler.fit_resample(X, y)
        assert_array_equal(taken, expected)
        assert_array_equal(labels, expected_labels)
        taken, _ = sampler.fit_resample(lazy.to_column(), y)
        assert_array_equal(read_column(taken), expected)


def test_tools_that_select_rows_take_a_column(data, lazy, monkeypatch):
    """Nothing is read before the network is trained."""
    X, y = data
    y = np.where(np.arange(len(y)) < 30, 0, 1)
    rows = np.arange(len(y))[:, np.newaxis]
    cropper, clf = Cropper(100).fit(X), MSAICNetClassifier(**{**TINY, "max_epochs": 1})
    column, X = cropper.transform(lazy.to_column()), cropper.transform(X)
    for sampler in (RandomUnderSampler(random_state=0), RandomOverSampler(random_state=0)):
        with monkeypatch.context() as context:
            context.setattr(LazyRecords, "_read", None)
            taken, labels = sampler.fit_resample(column, y)
        positions, expected_labels = sampler.fit_resample(rows, y)
        assert_array_equal(labels, expected_labels)
        assert_array_equal(read_column(taken), X[positions[:, 0]])
        expected = clf.fit(X[positions[:, 0]], labels).predict_proba(X)
        # Within a Pipeline, before and after other steps.
        for steps in ((sampler, cropper, clf), (cropper, sampler, clf)):
            pipeline = make_sampling_pipeline(*steps).fit(lazy.to_column(), y)
            assert_array_equal(pipeline.predict_proba(lazy.to_column()), expected)
            assert_array_equal(pipeline.predict_proba(lazy), expected)
    scores = [
        cross_validate(make_sampling_pipeline(sampler, clf), column, y, cv=2, n_jobs=n_jobs)
        for n_jobs in (1, 2)
    ]
    assert_array_equal(*(score["test_score"] for score in scores))
    for ensemble in (
        BaggingClassifier(clf, 2, random_state=0),
        BalancedBaggingClassifier(clf, 2, random_state=0),
        EasyEnsembleClassifier(2, estimator=clf, random_state=0),
    ):
        assert ensemble.fit(column, y).predict_proba(column).shape == (len(y), 2)


def test_windows_of_a_column(data, lazy):
    X, y = data
    clf = WindowedClassifier(MSAICNetClassifier(**TINY), duration=1, sampling_rate=100)
    expected = clf.fit(X, y).predict_proba(X)
    column = lazy.to_column()
    assert_array_equal(clf.fit(column, y).predict_proba(column), expected)


def test_errors_of_columns(data, lazy):
    X, y = data
    y = np.where(np.arange(len(y)) < 30, 0, 1)
    with pytest.raises(TypeError, match="computes with the values of X: pass the records as an ar"):
        SMOTE().fit_resample(lazy.to_column(), y)
    # Arrays of three dimensions are refused as well.
    for records in (X, lazy):
        with pytest.raises(ValueError, match="dim 3"):
            RandomUnderSampler().fit_resample(records, y)
    for other in (lazy[:5].to_column(), np.full((5, 1), None, dtype=object)):
        both = np.concatenate([lazy[:5].to_column(), other])
        with pytest.raises(ValueError, match="records of several sources or other objects"):
            MSAICNetClassifier(**TINY).fit(both, y[:10])


def test_other_tools(data, lazy):
    X, y = data
    cropper, clf = Cropper(100).fit(X), MSAICNetClassifier(**{**TINY, "max_epochs": 1})
    X, lazy = cropper.transform(X), cropper.transform(lazy)
    for tool in (
        lambda X: CalibratedClassifierCV(clf, cv=2).fit(X, y).predict_proba(X),
        lambda X: VotingClassifier([("net", clf)], voting="soft").fit(X, y).predict_proba(X),
        lambda X: cross_val_predict(clf, X, y, cv=2, method="predict_proba"),
        lambda X: grad_cam(clf.fit(X, y), X),
        lambda X: duplicate_groups(X),
    ):
        assert_array_equal(tool(lazy), tool(X))


def test_patients(data, lazy):
    X, y = data
    groups = np.arange(len(y)) // 2
    labels = y[groups * 2]
    clf = PatientAggregator(MSAICNetClassifier(**TINY))
    expected = clf.fit(X, labels, groups=groups).predict_proba(X, groups=groups)
    assert_array_equal(
        clf.fit(lazy, labels, groups=groups).predict_proba(lazy, groups=groups), expected
    )


def test_functions_of_signals(data, lazy):
    for found, expected in zip(detect_r_peaks(lazy, 100).peaks, detect_r_peaks(data[0], 100).peaks):
        assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["filter and network", "network", "features"])
def test_lead_importance(name, data, lazy):
    X, y = data
    clf = MSAICNetClassifier(**TINY) if name == "network" else PIPELINES[name]
    clf.fit(X, y)
    for method in ("shuffle", "gaussian"):
        options = {"method": method, "n_repeats": 2, "random_state": 0}
        scored = {
            **options,
            "scoring": "neg_log_loss",
            "lead_groups": {"a": ["I", "II"], "b": ["V1"]},
        }
        expected = lead_importance(clf, X, y, **scored).importances
        found = lead_importance(clf, lazy, y, **scored).importances
        of_records = [record_lead_importance(clf, part[:9], **options) for part in (X, lazy)]
        if method == "shuffle":
            assert_array_equal(found, expected)
            assert_array_equal(*of_records)
        else:
            # The noise is that of signals before or after the normalization.
            assert_allclose(found, expected, atol=1e-5)
            assert_allclose(*of_records, atol=1e-5)
    scored["max_samples"] = 20
    assert_allclose(
        lead_importance(clf, lazy, y, **scored).importances,
        lead_importance(clf, X, y, **scored).importances,
        atol=1e-5,
    )


def test_scores_by_leads(data, lazy):
    X, y = data
    clf = MSAICNetClassifier(**TINY).fit(X, y)
    options = {"subsets": ["12", "limb"], "fill": "zero", "n_resamples": 10, "random_state": 0}
    assert score_by_leads(clf, lazy, y, **options).equals(score_by_leads(clf, X, y, **options))


# --------------------------------------------------------------------------------------------------
# Memory
# --------------------------------------------------------------------------------------------------

MEMORY = """
import sys
from pathlib import Path
import numpy as np
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn_ecg import LazyRecords, MSAICNetClassifier
from sklearn_ecg.inspection import lead_importance
from sklearn_ecg.preprocessing import BeatFeatures, Cropper

def peak():
    (line,) = [l for l in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in l]
    return int(line.split()[1]) / 1024

path, n = sys.argv[1], int(sys.argv[2])
records = LazyRecords(np.memmap(path, np.float32, "r", shape=(n, 12, 1000)))
y = np.arange(n) % 2
clf = MSAICNetClassifier(filters=(2,), dilations=(1,), max_epochs=1, batch_size=128)
features = BeatFeatures(100, drop_empty=False)
small = np.arange(0, n, n // 256)

def run(X, y):
    cross_validate(make_pipeline(Cropper(100), clf), X, y, cv=2, error_score="raise")
    lead_importance(clf.fit(X[:99], y[:99]), X, y, n_repeats=1, lead_groups={"a": ["I"]})
    features.fit(X).transform(X[:300])

run(records[small], y[small])
before = peak()
run(records, y)
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="memory is read from /proc")
def test_memory_is_bounded(tmp_path):
    """Several copies of a part of 16 MB are needed; all records have 288 MB."""
    n_records = 6000
    with open(tmp_path / "records.dat", "wb") as file:
        file.truncate(n_records * 12 * 1000 * 4)
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEMORY, tmp_path / "records.dat", str(n_records)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) < 180

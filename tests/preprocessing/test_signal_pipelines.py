"""Tests of the transformers of signals in combination with scikit-learn's tools."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_validate
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg._validation import check_signals
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.leads import (
    REGIONS_12,
    STANDARD_LEADS,
    is_lead_frame,
    stack_signals,
    to_lead_array,
    to_lead_frame,
)
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
    Resampler,
    SignalQuality,
    windows,
)


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(
        90,
        duration=2,
        prevalence=0.4,
        records_per_patient=2,
        heart_rate=(75, 100),
        noise=0.005,
        baseline_wander=0.05,
        class_sep=np.inf,
        random_state=0,
    )


def containers(ecg):
    frame = to_lead_frame(ecg.data, ecg.lead_names)
    rows = ecg.data.reshape(len(ecg.data), -1)
    return {
        "3-D array": (ecg.data, None),
        "lead frame": (frame, None),
        "object array": (frame.to_numpy(), None),
        "2-D rows": (rows, 12),
        "numeric frame": (pd.DataFrame(rows).rename(columns="t{}".format), 12),
    }


def make_network(**params):
    return MSAICNetClassifier(
        filters=(4,),
        dilations=(1,),
        embedding_dim=8,
        projection_dim=4,
        dropout=0,
        max_epochs=10,
        batch_size=16,
        learning_rate=2e-2,
        random_state=0,
        **params,
    )


@pytest.mark.parametrize(
    "container", ["3-D array", "lead frame", "object array", "2-D rows", "numeric frame"]
)
def test_filter_scaler_and_network(ecg, container):
    X, n_leads = containers(ecg)[container]
    pipeline = make_pipeline(
        BandpassFilter(sampling_rate=100, n_leads=n_leads),
        LeadScaler(n_leads=n_leads),
        make_network(n_leads=n_leads, normalize=None),
    )
    folds = StratifiedGroupKFold(3, shuffle=True, random_state=0)
    scores = cross_validate(
        pipeline, X, ecg.target, groups=ecg.groups, cv=folds, scoring="roc_auc", error_score="raise"
    )["test_score"]
    assert scores.shape == (3,) and scores.mean() > 0.8
    # The predictions for every container are those for the array.
    expected = make_pipeline(
        BandpassFilter(sampling_rate=100), LeadScaler(), make_network(normalize=None)
    )
    fitted = pipeline.fit(X, ecg.target)
    np.testing.assert_array_equal(
        fitted.predict_proba(X), expected.fit(ecg.data, ecg.target).predict_proba(ecg.data)
    )


@pytest.mark.parametrize("output", ["pandas", "default"])
def test_filters_per_region(ecg, output):
    frame = containers(ecg)["lead frame"][0]
    chest = [*REGIONS_12["septal"], *REGIONS_12["anterior"]]
    rest = [lead for lead in STANDARD_LEADS if lead not in chest]
    transformer = ColumnTransformer(
        [
            ("chest", BandpassFilter(0.5, 40, sampling_rate=100), chest),
            ("rest", BandpassFilter(1, 20, sampling_rate=100), rest),
        ],
        verbose_feature_names_out=False,
    ).set_output(transform=output)
    out = transformer.fit_transform(frame)
    positions = [STANDARD_LEADS.index(lead) for lead in chest + rest]
    X = ecg.data[:, positions]
    expected = np.concatenate(
        [
            BandpassFilter(0.5, 40, sampling_rate=100).fit_transform(X[:, :4]),
            BandpassFilter(1, 20, sampling_rate=100).fit_transform(X[:, 4:]),
        ],
        axis=1,
    )
    assert list(transformer.get_feature_names_out()) == chest + rest
    if output == "pandas":
        assert is_lead_frame(out) and list(out.columns) == chest + rest
        np.testing.assert_array_equal(to_lead_array(out), expected)
    else:
        np.testing.assert_array_equal(stack_signals(out), expected)
    pipeline = make_pipeline(transformer, make_network()).fit(frame, ecg.target)
    assert roc_auc_score(ecg.target, pipeline.predict_proba(frame)[:, 1]) > 0.8


def test_a_long_pipeline_keeps_names_and_index(ecg):
    frame = containers(ecg)["lead frame"][0][["V1", "II", "I", "V5"]]
    frame.index = [f"record{i}" for i in range(len(frame))]
    chain = make_pipeline(
        LeadDeriver(["III", "aVF"]),
        BaselineRemover(sampling_rate=100),
        Resampler(50, sampling_rate=100),
        Clipper(-3, 3),
        Cropper(80),
        LeadSelector(["V5", "III"]),
        LeadScaler("record"),
    ).set_output(transform="pandas")
    out = chain.fit_transform(frame)
    assert is_lead_frame(out) and list(out.index) == list(frame.index)
    assert list(out.columns) == ["V5", "III"] == list(chain.get_feature_names_out())
    assert to_lead_array(out).shape == (90, 2, 80)


def test_filter_parameters_can_be_searched(ecg):
    pipeline = make_pipeline(
        BandpassFilter(sampling_rate=100), make_network().set_params(max_epochs=1)
    )
    search = GridSearchCV(pipeline, {"bandpassfilter__low": [0.5, 1.0, None]}, cv=2)
    search.fit(ecg.data, ecg.target)
    assert len(search.cv_results_["params"]) == 3
    assert search.best_estimator_[0].low == search.best_params_["bandpassfilter__low"]


def test_union_of_signal_quality_and_embedding(ecg):
    features = make_union(SignalQuality(sampling_rate=100), make_network().set_params(max_epochs=1))
    pipeline = make_pipeline(features, StandardScaler(), LogisticRegression(C=0.01))
    frame = containers(ecg)["lead frame"][0]
    pipeline.fit(frame, ecg.target)
    names = pipeline[:-1].get_feature_names_out()
    assert "signalquality__V1__noise" in names
    assert len(names) == 12 * 9 + 19 + 8


@pytest.mark.parametrize(
    "transformer",
    [
        BandpassFilter(sampling_rate=100),
        Cropper(),
        Clipper(),
        LeadScaler(),
        LeadScaler(None),
        LeadSelector(),
        LeadDeriver(),
        Resampler(100, sampling_rate=100),
    ],
    ids=str,
)
def test_memory_maps_are_not_changed(ecg, transformer, tmp_path):
    np.save(tmp_path / "X.npy", ecg.data)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r+")
    out = transformer.fit(mapped).transform(mapped)
    assert type(out) is np.ndarray
    np.testing.assert_array_equal(out, transformer.fit_transform(ecg.data))
    out[:] = 7
    np.testing.assert_array_equal(mapped, ecg.data)


def test_windows_of_a_record_stay_in_one_fold(ecg):
    X, records = windows(ecg.data, 100)
    groups, y = ecg.groups[records], ecg.target[records]
    folds = StratifiedGroupKFold(3, shuffle=True, random_state=0)
    for train, test in folds.split(X, y, groups):
        assert not set(records[train]) & set(records[test])
    scores = cross_validate(make_network(), X, y, groups=groups, cv=folds, scoring="roc_auc")
    assert scores["test_score"].mean() > 0.7


def test_frames_keep_their_attrs():
    """Sampling rate and units are kept, unless the transformer changes them."""
    X = to_lead_frame(
        make_ecg(3, class_sep=np.inf, random_state=0).data, sampling_rate=100, units="mV"
    )
    filtered = BandpassFilter(sampling_rate=100).fit_transform(X)
    assert filtered.attrs == {"sampling_rate": 100, "units": "mV"}
    assert Resampler(50, sampling_rate=100).fit_transform(X).attrs["sampling_rate"] == 50
    assert LeadScaler(None).fit_transform(X).attrs == X.attrs
    scaled = {"sampling_rate": 100, "units": "standard deviations"}
    assert LeadScaler().fit_transform(X).attrs == scaled
    assert X.attrs == {"sampling_rate": 100, "units": "mV"}


@pytest.mark.parametrize(
    "estimator", [BandpassFilter(sampling_rate=500), BeatFeatures(500), MedianBeat(500)], ids=str
)
def test_sampling_rates_of_estimator_and_frame_must_agree(estimator):
    X = to_lead_frame(make_ecg(3, class_sep=np.inf, random_state=0).data, sampling_rate=100)
    with pytest.raises(
        ValueError, match=r"sampling_rate=500, but X.attrs\['sampling_rate'\] is 100"
    ):
        estimator.fit(X)


@pytest.mark.parametrize(
    "estimator", [MedianBeat(100), BeatFeatures(100), SignalQuality(sampling_rate=100)], ids=str
)
def test_signals_are_validated_once(estimator, monkeypatch):
    calls = []

    def check_once(*args, **kwargs):
        calls.append(args)
        return check_signals(*args, **kwargs)

    X = make_ecg(3, class_sep=np.inf, random_state=0).data
    monkeypatch.setattr("sklearn_ecg.base.check_signals", check_once)
    monkeypatch.delattr("sklearn_ecg.beats._rhythm.read_signals")
    estimator.fit(X)
    assert len(calls) == 1
    estimator.transform(X)
    assert len(calls) == 2


def test_signals_are_not_wrapped_if_pandas_output_is_the_global_default():
    X = make_ecg(3, class_sep=np.inf, random_state=0).data
    bandpass = BandpassFilter(sampling_rate=100)
    expected = bandpass.fit_transform(X)
    with config_context(transform_output="pandas"):
        np.testing.assert_array_equal(bandpass.fit_transform(X), expected)
        assert isinstance(BeatFeatures(100).fit_transform(X), pd.DataFrame)

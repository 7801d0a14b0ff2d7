"""Leads that are NaN at all time points of a record, in the transformers of signals."""

import numpy as np
import pytest

from sklearn_ecg import STANDARD_LEADS, MSAICNetClassifier, to_lead_array, to_lead_frame
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.preprocessing import (
    BandpassFilter,
    BaselineRemover,
    Clipper,
    Cropper,
    LeadDeriver,
    LeadScaler,
    LeadSelector,
    NotchFilter,
    RandomConvolutionFeatures,
    Resampler,
    SignalQuality,
)


@pytest.fixture(scope="module")
def complete():
    return make_ecg(4, duration=3, noise=0.02, random_state=0).data


@pytest.fixture(scope="module")
def incomplete(complete):
    X = complete.copy()
    X[1, 7] = X[2, :6] = X[3] = np.nan
    return X


PER_LEAD = [
    BandpassFilter(sampling_rate=100),
    BaselineRemover(sampling_rate=100),
    BaselineRemover("median", sampling_rate=100),
    NotchFilter(30, sampling_rate=100),
    Resampler(50, sampling_rate=100),
    Cropper(100),
    Clipper(-0.5, 0.5),
    LeadSelector(region="septal"),
    LeadScaler("record_lead"),
    LeadScaler(None),
]


@pytest.mark.parametrize("transformer", PER_LEAD, ids=str)
def test_other_leads_are_unchanged(transformer, complete, incomplete):
    """Also if the estimator is fitted on incomplete records."""
    expected = transformer.fit_transform(complete)
    found = transformer.fit_transform(incomplete)
    position = [STANDARD_LEADS.index(lead) for lead in transformer.get_feature_names_out()]
    missing = np.isnan(incomplete).all(axis=2)[:, position]
    assert np.isnan(found[missing]).all()
    np.testing.assert_array_equal(found[~missing], expected[~missing])


def test_derived_leads_need_i_and_ii(complete, incomplete):
    X = incomplete[:, [0, 1, 7]].copy()
    X[1] = complete[1, [0, 1, 7]]
    X[1, 1] = np.nan
    derived = LeadDeriver(lead_names=["I", "II", "V2"]).fit_transform(X)
    np.testing.assert_array_equal(np.isnan(derived[1]).all(axis=1), [False] + 5 * [True] + [False])
    assert np.isfinite(derived[0]).all()


def test_scaler_uses_the_leads_that_are_present(complete, incomplete):
    scaler = LeadScaler().fit(incomplete)
    flat = incomplete.astype(np.float64).transpose(1, 0, 2).reshape(12, -1)
    np.testing.assert_allclose(scaler.mean_, np.nanmean(flat, axis=1), rtol=1e-6)
    np.testing.assert_allclose(scaler.scale_, np.nanstd(flat, axis=1), rtol=1e-6)
    scaled = scaler.transform(incomplete)
    np.testing.assert_array_equal(np.isnan(scaled), np.isnan(incomplete))
    by_record = LeadScaler("record").fit_transform(incomplete)
    np.testing.assert_allclose(
        by_record[2, 6:], LeadScaler("record").fit_transform(complete[2:3, 6:])[0], rtol=1e-5
    )
    np.testing.assert_array_equal(np.isnan(by_record), np.isnan(incomplete))
    np.testing.assert_array_equal(by_record[0], LeadScaler("record").fit_transform(complete[:1])[0])


@pytest.mark.parametrize("normalize", ["dataset", "record", "record_lead", None])
def test_scaler_fills_with_zero(complete, incomplete, normalize):
    X = incomplete.copy()
    X[1, 3, 40:90] = np.nan
    scaled = LeadScaler(normalize).fit(X).transform(X)
    filled = LeadScaler(normalize, fill="zero").fit(X).transform(X)
    assert filled.dtype == X.dtype
    np.testing.assert_array_equal(filled, np.where(np.isnan(X), 0, scaled))
    frame = LeadScaler(normalize, fill="zero").fit_transform(to_lead_frame(X, STANDARD_LEADS))
    np.testing.assert_array_equal(to_lead_array(frame), filled)


def test_scaler_needs_each_lead_once(complete):
    X = complete.copy()
    X[:, 8] = np.nan
    with pytest.raises(ValueError, match="Lead V3 is missing .* LeadSelector"):
        LeadScaler().fit(X)
    assert np.isnan(LeadScaler("record").fit_transform(X)[:, 8]).all()


def test_quality_of_the_other_leads(complete, incomplete):
    quality = SignalQuality(sampling_rate=100).fit(incomplete)
    names = quality.get_feature_names_out().tolist()
    table = dict(zip(names, quality.transform(incomplete).T))
    whole = dict(zip(names, quality.transform(complete).T))
    np.testing.assert_array_equal(table["V2__missing"], [0, 1, 0, 1])
    for measure in ("flat", "range", "noise", "kurtosis"):
        np.testing.assert_array_equal(np.isnan(table[f"V2__{measure}"]), [False, True, False, True])
        np.testing.assert_array_equal(
            table[f"V2__{measure}"][[0, 2]], whole[f"V2__{measure}"][[0, 2]]
        )
        chest = [whole[f"V{i}__{measure}"][2] for i in range(1, 7)]
        assert table[f"record__lowest_{measure}"][2] == min(chest)
        assert table[f"record__highest_{measure}"][2] == max(chest)
        assert np.isnan(table[f"record__lowest_{measure}"][3])
    np.testing.assert_array_equal(table["record__highest_missing"], [0, 1, 1, 1])
    chest = SignalQuality(sampling_rate=100, lead_names=STANDARD_LEADS[6:])
    expected = chest.fit(complete[:, 6:]).transform(complete[:, 6:])[2, -1]
    assert table["record__reliability"][2] == pytest.approx(expected, rel=1e-5)
    assert table["record__reliability"][3] == 0


def test_mask_of_missing_leads(incomplete):
    missing = np.isnan(incomplete).all(axis=2)
    mask = SignalQuality(sampling_rate=100).fit(incomplete).mask(incomplete)
    assert not mask[missing].any()
    lenient = {"max_missing": 1, "max_noise": 9, "max_flat": 1, "max_saturated": 1}
    quality = SignalQuality(sampling_rate=100, max_baseline=9, **lenient).fit(incomplete)
    assert quality.mask(incomplete).all()


@pytest.mark.parametrize(
    "transformer",
    [BandpassFilter(sampling_rate=100), Resampler(50, sampling_rate=100)],
    ids=str,
)
def test_gaps_within_a_lead_are_errors(transformer, incomplete):
    X = incomplete.copy()
    X[1, 8, 3] = np.nan
    message = "NaN, in 1 of 4 records; first in record 1, lead V3, time point 3.*Only whole leads"
    with pytest.raises(ValueError, match=message):
        transformer.fit(X)
    X[1, 8, 3] = np.inf
    with pytest.raises(ValueError, match="infinity .* record 1, lead V3, time point 3"):
        transformer.fit(X)


def test_networks_say_what_to_do(complete, incomplete):
    clf = MSAICNetClassifier(max_epochs=1)
    with pytest.raises(ValueError, match="whole lead is missing.*LeadScaler.*LeadDropout"):
        clf.fit(incomplete, [0, 1, 0, 1])
    gap = complete.copy()
    gap[1, 8, 3] = np.nan
    with pytest.raises(ValueError, match="lead V3, time point 3.*MedianBeat.*LeadScaler.*None"):
        clf.fit(gap, [0, 1, 0, 1])


@pytest.mark.parametrize("normalize", ["dataset", "record", "record_lead", None])
def test_scaling_with_gaps(complete, normalize):
    """Compared with the mean and standard deviation of the values that are not NaN."""
    X = complete.astype(np.float64) + 0.3
    X[0, 3, 100:300] = np.nan
    X[0, 5] = np.nan
    X[2, :, :400] = np.nan
    axis = {"dataset": (0, 2), "record": (1, 2), "record_lead": 2, None: ()}[normalize]
    expected = X
    if normalize is not None:
        counted = np.ma.masked_invalid(X)
        mean = counted.mean(axis=axis, keepdims=True)
        expected = (counted - mean) / counted.std(axis=axis, keepdims=True)
        expected = expected.filled(np.nan)
    scaler = LeadScaler(normalize).fit(X)
    np.testing.assert_allclose(scaler.transform(X), expected, rtol=1e-6, atol=1e-9)
    # Other records are scaled as without gaps, bit for bit.
    if normalize != "dataset":
        without = LeadScaler(normalize).fit_transform(complete.astype(np.float64) + 0.3)
        np.testing.assert_array_equal(scaler.transform(X)[[1, 3]], without[[1, 3]])


def test_convolutions_of_the_other_leads(complete, incomplete):
    features = RandomConvolutionFeatures(84 * 12, random_state=0).fit(complete)
    expected, found = features.transform(complete), features.transform(incomplete)
    missing = np.isnan(incomplete).all(axis=2) @ features.feature_leads_.T
    assert np.isnan(found[missing]).all()
    np.testing.assert_array_equal(found[~missing], expected[~missing])

"""Tests of SignalQuality."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kurtosis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_ecg.beats import detect_r_peaks
from sklearn_ecg.datasets import load_ptbxl, make_ecg
from sklearn_ecg.leads import STANDARD_LEADS, to_lead_frame
from sklearn_ecg.model_selection import duplicate_groups
from sklearn_ecg.preprocessing import SignalQuality

RATE = 100
MEASURES = [
    "missing", "flat", "saturated", "range", "jump", "baseline", "noise", "kurtosis", "qrs_power"
]  # fmt: skip


@pytest.fixture(scope="module")
def clean():
    return make_ecg(4, noise=0.005, class_sep=np.inf, random_state=0).data.astype(np.float64)


def measure(X, lead=6, rate=RATE):
    """Return the measures of one lead, with a row per record."""
    features = pd.DataFrame(
        SignalQuality(sampling_rate=rate).fit(X).transform(X),
        columns=SignalQuality(sampling_rate=rate).fit(X).get_feature_names_out(),
    )
    return features.filter(regex=f"^{STANDARD_LEADS[lead]}__").rename(
        columns=lambda name: name.split("__")[1]
    )


def test_names(clean):
    quality = SignalQuality(sampling_rate=RATE).fit(clean)
    names = list(quality.get_feature_names_out())
    assert names[:9] == [f"I__{measure}" for measure in MEASURES]
    assert names[-19:] == [
        *(f"record__highest_{measure}" for measure in MEASURES),
        *(f"record__lowest_{measure}" for measure in MEASURES),
        "record__reliability",
    ]
    assert quality.transform(clean).shape == (4, len(names)) == (4, 9 * 12 + 19)


def test_clean_records(clean):
    found = measure(clean)
    assert (found[["missing", "flat", "saturated"]] == 0).all(axis=None)
    assert SignalQuality(sampling_rate=RATE).fit(clean).mask(clean).all()


def test_missing(clean):
    X = clean.copy()
    X[0, 6, 100:300] = np.nan
    X[1, 6] = np.nan
    found = measure(X)
    np.testing.assert_allclose(found["missing"], [0.2, 1, 0, 0])
    # V1 of record 1 has no other measures, as it is missing as a whole.
    np.testing.assert_array_equal(found["flat"], [0, np.nan, 0, 0])
    features = SignalQuality(sampling_rate=RATE).fit(X).transform(X)
    assert np.isfinite(features[[0, 2, 3]]).all() and np.isnan(features[1]).sum() == 8
    usable = SignalQuality(sampling_rate=RATE).fit(X).mask(X)
    assert np.argwhere(~usable).tolist() == [[0, 6], [1, 6]]
    assert SignalQuality(sampling_rate=RATE, max_missing=0.3).fit(X).mask(X)[0, 6]


def test_flat(clean):
    X = clean.copy()
    X[0, 6] = 1.5
    X[1, 6, 200:500] = X[1, 6, 200]
    X[2, 6, 200:249] = X[2, 6, 200]
    np.testing.assert_allclose(measure(X)["flat"], [1, 0.3, 0, 0])
    usable = SignalQuality(sampling_rate=RATE).fit(X).mask(X)
    assert np.argwhere(~usable).tolist() == [[0, 6], [1, 6]]


@pytest.mark.parametrize("rate", [100, 250, 500])
def test_flat_is_measured_in_seconds(rate):
    X = make_ecg(2, sampling_rate=rate, duration=5, class_sep=np.inf, random_state=0).data
    X[0, 6, : rate // 2] = X[1, 6, : rate // 2 - 1] = 0.2
    np.testing.assert_allclose(measure(X, rate=rate)["flat"], [0.1, 0], atol=1e-6)


def test_saturated(clean):
    X = clean.copy()
    X[0, 6, 300:] += 6
    X[1, 6] = np.clip(X[1, 6], -0.02, 0.02)
    X[2, 6] = -7
    found = measure(X)["saturated"]
    assert found[0] == pytest.approx(0.7, abs=0.02)
    assert 0.3 < found[1] <= 1
    assert found[2] == 1 and found[3] == 0
    # Time points that are both beyond the limit and at the highest value count once.
    X[3, 6, 100:130], X[3, 6, 200:210] = 5, -1.5
    assert measure(X)["saturated"][3] == pytest.approx(0.04)
    # With a higher limit, the step is within the range.
    wide = SignalQuality(sampling_rate=RATE, saturation=20).fit(X)
    assert wide.transform(X)[0, 6 * 9 + 2] == 0


def test_amplitudes(clean):
    X = clean.copy()
    t = np.arange(1000) / RATE
    X[0, 6] = np.sin(2 * np.pi * 5 * t)
    X[1, 6] += 0.7 * np.sin(2 * np.pi * 0.2 * t)
    X[2, 6] += 0.2 * np.random.RandomState(0).randn(1000)
    X[3, 6, 400] += 3
    before, after = measure(clean), measure(X)
    assert after["range"][0] == pytest.approx(2, abs=0.02)
    assert after["baseline"][1] == pytest.approx(0.7 / np.sqrt(2), abs=0.02)
    # Half of white noise is above 25 Hz.
    assert after["noise"][2] == pytest.approx(0.2 / np.sqrt(2), rel=0.1)
    assert after["jump"][3] == pytest.approx(3, abs=0.3)
    assert before["noise"].max() < 0.03 and before["baseline"].max() < 0.2
    usable = SignalQuality(sampling_rate=RATE, max_baseline=0.4).fit(X).mask(X)
    assert np.argwhere(~usable).tolist() == [[1, 6], [2, 6]]


@pytest.mark.parametrize("rate", [100, 128, 250, 257, 360, 500, 999.9])
def test_jump_does_not_depend_on_the_rate(rate):
    """Changes of a sine and of a step within 10 ms, also if these are 2.5 time points."""
    t = np.arange(round(4 * rate)) / rate
    X = np.stack([np.sin(2 * np.pi * 5 * t), np.where(t < 2, 0, 1.5), 0 * t])[:, np.newaxis]
    quality = SignalQuality(sampling_rate=rate).fit(X)
    jump = quality.transform(X)[:, list(quality.get_feature_names_out()).index("lead0__jump")]
    np.testing.assert_allclose(jump, [2 * np.sin(np.pi * 0.05), 1.5, 0], rtol=0.03)


def test_invariance_to_offsets(clean):
    found, expected = measure(clean + 3), measure(clean)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_kurtosis_and_qrs_power(clean):
    X = clean.copy()
    X[0, 6] = np.random.RandomState(0).randn(1000)
    t = np.arange(1000) / RATE
    X[1, 6] = np.sin(2 * np.pi * 10 * t) + np.sin(2 * np.pi * 30 * t)
    found = measure(X)
    spectrum = np.fft.rfft(X[0, 6])
    spectrum[:5] = 0
    steady = np.fft.irfft(spectrum, 1000)
    assert found["kurtosis"][0] == pytest.approx(kurtosis(steady, fisher=False))
    assert found["qrs_power"][1] == pytest.approx(0.5, abs=0.01)
    assert found["kurtosis"][2] > 5


def test_record_features(clean):
    X = clean.copy()
    X[0, 6] = 0
    features = SignalQuality(sampling_rate=RATE).fit(X).transform(X)
    of_leads = features[:, :-19].reshape(4, 12, 9)
    np.testing.assert_array_equal(features[:, -19:-10], of_leads.max(axis=1))
    np.testing.assert_array_equal(features[:, -10:-1], of_leads.min(axis=1))
    np.testing.assert_array_equal(features[:, -1], detect_r_peaks(X, RATE).reliability)


def test_reliability_follows_the_names_of_the_leads(clean):
    order = [6, 0, 8, 1, 2, 3, 4, 5, 7, 9, 10, 11]
    frame = to_lead_frame(clean, STANDARD_LEADS)
    shuffled = frame[[STANDARD_LEADS[i] for i in order]]
    first = SignalQuality(sampling_rate=RATE).fit_transform(frame)
    second = SignalQuality(sampling_rate=RATE).fit_transform(shuffled)
    np.testing.assert_allclose(second[:, -1], first[:, -1], atol=1e-5)


@pytest.mark.parametrize(
    "params, message",
    [
        ({}, "SignalQuality needs sampling_rate"),
        ({"sampling_rate": 50}, "sampling_rate must be from 100 to 1000 Hz, got 50"),
        ({"sampling_rate": 100, "max_flat": 2}, "The 'max_flat' parameter of SignalQuality"),
        ({"sampling_rate": 100, "saturation": 0}, "The 'saturation' parameter of SignalQuality"),
    ],
)
def test_errors(params, message):
    with pytest.raises(ValueError, match=message):
        SignalQuality(**params).fit(np.zeros((3, 2, 100)))


def test_infinity_raises_in_transform_and_mask(clean):
    quality = SignalQuality(sampling_rate=RATE).fit(clean)
    X = clean.copy()
    X[1, 2, 3] = np.inf
    for method in (quality.mask, quality.transform):
        with pytest.raises(ValueError, match="infinity.*record 1, lead III, time point 3"):
            method(X)


@pytest.fixture(scope="module")
def challenge(data_folder):
    """Return the signals in mV and the table of the PhysioNet Challenge 2011."""
    folder = data_folder / "challenge2011"
    stored = np.load(folder / "X_100hz_int16_5uV.npz")
    labels = pd.read_csv(folder / "labels.csv", dtype={"record": str, "dup_of": str})
    assert (stored["record"] == labels["record"]).all()
    X = np.ascontiguousarray(stored["X"].transpose(0, 2, 1), dtype=np.float32)
    X *= np.float32(stored["uV_per_unit"] / 1000)
    return X, labels


def test_duplicates_agree_with_the_table(challenge):
    X, labels = challenge
    first = labels["dup_of"].str.replace(".0", "").fillna(labels["record"])
    expected = pd.factorize(first)[0]
    for tolerance in (0, 0.001):
        np.testing.assert_array_equal(duplicate_groups(X, tolerance=tolerance), expected)


def test_flat_leads_agree_with_the_table(challenge):
    X, labels = challenge
    quality = SignalQuality(sampling_rate=RATE).fit(X)
    names = [f"{lead}__flat" for lead in STANDARD_LEADS]
    features = pd.DataFrame(quality.transform(X), columns=quality.get_feature_names_out())
    flat = (features[names] == 1).to_numpy()
    listed = labels["flat_leads"].fillna("").str.split(";")
    expected = [[lead in leads for lead in STANDARD_LEADS] for leads in listed]
    np.testing.assert_array_equal(flat, expected)


def test_unacceptable_records_are_classified(challenge):
    """The value in the documentation, from the second half only, is that of the benchmark."""
    X, labels = challenge
    labeled = (labels["quality"] != "unlabelled").to_numpy()
    y = (labels["quality"] == "unacceptable").to_numpy()[labeled]
    groups = duplicate_groups(X)[labeled]
    features = SignalQuality(sampling_rate=RATE).fit_transform(X[labeled])
    classifier = make_pipeline(
        FunctionTransformer(np.log1p), StandardScaler(), LogisticRegression(C=0.01, max_iter=5000)
    )
    folds = StratifiedGroupKFold(5)
    score = cross_val_predict(
        classifier, features, y, groups=groups, cv=folds, method="decision_function"
    )
    assert roc_auc_score(y, score) > 0.94


def limb_report(X, leads=STANDARD_LEADS, **params):
    quality = SignalQuality(sampling_rate=RATE, lead_names=leads, **params)
    return quality.fit(X).report(X)


def take(X, leads):
    return X[:, [STANDARD_LEADS.index(lead) for lead in leads]]


LIMBS = STANDARD_LEADS[:6]


def test_consistent_limb_leads(clean):
    report = limb_report(clean)
    assert (report["limb_leads"] == "consistent").all()
    assert (report["limb_error"] < 1e-6).all()
    assert (report["unusable_leads"] == "").all()
    # Swapped electrodes satisfy the identities: here RA and LA.
    X = clean.copy()
    X[:, 0] *= -1
    X[:, [1, 2, 3, 4]] = clean[:, [2, 1, 4, 3]]
    assert (limb_report(X)["limb_leads"] == "consistent").all()


@pytest.mark.parametrize("lead", range(6))
def test_fault_of_one_limb_lead(clean, lead):
    X, name = clean.copy(), LIMBS[lead]
    X[0, lead] *= -1
    X[1, lead] *= 2
    X[2, lead] *= -0.5
    X[3, lead] = 0.3
    assert limb_report(X)["limb_leads"].tolist() == [
        f"{name} inverted",
        f"{name} scaled by 2",
        f"{name} inverted and scaled by 0.5",
        f"{name} flat",
    ]


@pytest.mark.parametrize("pair", list(combinations(range(6), 2)))
def test_exchanged_limb_leads(clean, pair):
    X = clean.copy()
    X[:, pair] = clean[:, pair[::-1]]
    first, second = (LIMBS[lead] for lead in pair)
    assert (limb_report(X)["limb_leads"] == f"{first} and {second} exchanged").all()


def test_fewer_limb_leads(clean):
    X = clean.copy()
    X[:, 0] *= -1
    three = limb_report(take(X, ["I", "II", "III"]), ["I", "II", "III"])["limb_leads"]
    assert (three == "II and III exchanged, or I inverted").all()
    five = limb_report(take(X, LIMBS[:5]), LIMBS[:5])["limb_leads"]
    assert (five == "I inverted").all()
    for leads in (["I", "II"], ["V1", "V2"], ["aVR"]):
        report = limb_report(take(X, leads), leads)
        assert (report["limb_leads"] == "not checked").all() and report["limb_error"].isna().all()


def test_several_faults_are_inconsistent(clean):
    X = clean.copy()
    X[:, 0] *= -1
    X[:, 4] *= 3
    X[1, 3] = np.random.default_rng(0).normal(size=1000)
    assert (limb_report(X)["limb_leads"] == "inconsistent").all()


def test_limb_error_is_the_distance_from_the_identities(clean):
    rng = np.random.default_rng(0)
    X = clean + 0.05 * rng.normal(size=clean.shape)
    basis = np.array([[1, 0], [0, 1], [-1, 1], [-0.5, -0.5], [1, -0.5], [-0.5, 1]])
    expected = []
    for record in X[:, :6]:
        record = record - record.mean(axis=1, keepdims=True)
        closest = basis @ np.linalg.lstsq(basis, record, rcond=None)[0]
        expected.append(np.sqrt(np.mean((record - closest) ** 2)))
    report = limb_report(X)
    np.testing.assert_allclose(report["limb_error"], expected, rtol=1e-9)
    assert (report["limb_leads"] == "inconsistent").all()
    assert (limb_report(X, limb_tolerance=0.1)["limb_leads"] == "consistent").all()


def test_offsets_gaps_and_rounding_of_limb_leads(clean):
    X = np.round(clean / 0.005) * 0.005 + np.arange(12)[:, None]
    X[0, 2, 100:200] = np.nan
    X[1, 3] = np.nan
    X[2, :6, 300:] = np.nan
    assert (limb_report(X, saturation=50)["limb_leads"] == "consistent").all()
    X[:, 0] *= -1
    assert (limb_report(X, saturation=50)["limb_leads"] == "I inverted").all()
    X[0, :4], X[1] = np.nan, np.nan
    X[2, 0, :999], X[2, 1, 1:] = np.nan, np.nan
    expected = ["not checked", "not checked", "not checked", "I inverted"]
    assert limb_report(X, saturation=50)["limb_leads"].tolist() == expected


def test_report_keeps_the_index_and_lists_unusable_leads(clean):
    X = clean.copy()
    X[1, [6, 8]] = 0
    frame = to_lead_frame(X, STANDARD_LEADS, index=[4, 2, 9, 7])
    report = SignalQuality(sampling_rate=RATE).fit(frame).report(frame)
    assert report.index.tolist() == [4, 2, 9, 7]
    assert report["unusable_leads"].tolist() == ["", "V1 V3", "", ""]


def test_limb_leads_of_real_records(challenge, data_folder):
    """PTB-XL is consistent; in this copy of the Challenge, two leads have each other's name."""
    X, labels = challenge
    status = limb_report(X[(labels["n_flat_leads"] == 0).to_numpy()])["limb_leads"]
    assert (status == "aVL and aVF exchanged").mean() > 0.95
    ecg = load_ptbxl(data_folder / "ptbxl", task="all", folds=[9])
    assert (limb_report(ecg.data)["limb_leads"] == "consistent").all()

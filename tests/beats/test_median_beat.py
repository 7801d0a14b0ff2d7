"""Tests of MedianBeat."""

import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import permutation_importance
from sklearn.pipeline import Pipeline

from sklearn_ecg import REGIONS_12, STANDARD_LEADS, detect_r_peaks, to_lead_frame
from sklearn_ecg.datasets import load_ptbxl, make_ecg
from sklearn_ecg.preprocessing import MedianBeat

CLEAN = dict(noise=0, baseline_wander=0, respiration=0, heart_rate_variability=0)
LEAD = {name: i for i, name in enumerate(STANDARD_LEADS)}


def assert_limb_leads_agree(beats, tolerance):
    i, ii = beats[:, LEAD["I"]], beats[:, LEAD["II"]]
    np.testing.assert_allclose(beats[:, LEAD["III"]], ii - i, atol=tolerance)
    np.testing.assert_allclose(beats[:, LEAD["aVR"]], -(i + ii) / 2, atol=tolerance)
    np.testing.assert_allclose(beats[:, LEAD["aVL"]], i - ii / 2, atol=tolerance)
    np.testing.assert_allclose(beats[:, LEAD["aVF"]], ii - i / 2, atol=tolerance)


@pytest.mark.parametrize("average", ["median", "trimmed_mean"])
def test_noise_is_averaged_out(average):
    noisy = make_ecg(20, sampling_rate=500, class_sep=np.inf, random_state=0)
    clean = make_ecg(
        20, sampling_rate=500, class_sep=np.inf, random_state=0, noise=0, baseline_wander=0
    )
    transformer = MedianBeat(500, average=average).fit(noisy.data)
    beats, truth = transformer.transform(noisy.data), transformer.transform(clean.data)
    assert beats.shape == (20, 12, 400) and beats.dtype == np.float32
    error = np.sqrt(np.mean((beats - truth) ** 2, axis=(1, 2)))
    assert np.median(error) < 0.015  # noise of a single beat: 0.012, wander: 0.04
    assert_limb_leads_agree(beats, 1e-4)


def test_pr_segment_is_zero():
    X = make_ecg(10, sampling_rate=500, class_sep=np.inf, random_state=0).data + 3
    beats = MedianBeat(500).fit(X).transform(X)
    before_qrs = beats[:, :, 150 - 32 : 150 - 26]  # 64 to 52 ms before the R-peak
    assert np.abs(before_qrs.mean(axis=2)).max() < 0.03


def test_position_of_the_r_peak():
    X = make_ecg(10, random_state=0, **CLEAN).data
    beats = MedianBeat(100, window=(-0.25, 0.4)).fit(X).transform(X)
    energy = np.square(beats).sum(axis=1)
    assert np.abs(energy.argmax(axis=1) - 25).max() <= 1


def test_beats_are_aligned_to_a_fraction_of_a_time_point():
    """At 100 Hz, R-peaks are between time points; the median beat preserves their height."""
    fine = make_ecg(
        20, sampling_rate=500, class_sep=np.inf, random_state=0, noise=0, baseline_wander=0
    )
    coarse = make_ecg(
        20, sampling_rate=100, class_sep=np.inf, random_state=0, noise=0, baseline_wander=0
    )
    high = np.ptp(MedianBeat(500).fit_transform(fine.data)[:, LEAD["V5"]], axis=1)
    low = np.ptp(MedianBeat(100).fit_transform(coarse.data)[:, LEAD["V5"]], axis=1)
    assert np.abs(low / high - 1).mean() < 0.12  # about 0.2 without this alignment


def test_invariance_to_shifts_in_time():
    X = make_ecg(
        10, duration=12, sampling_rate=250, heart_rate=60, class_sep=np.inf, random_state=0
    ).data
    transformer = MedianBeat(250).fit(X[:, :, :2500])
    first, second = X[:, :, :2500], X[:, :, 10:2510]
    same = transformer.report(first)["beats_used"] == transformer.report(second)["beats_used"]
    assert same.sum() >= 7
    difference = transformer.transform(first) - transformer.transform(second)
    # R-peaks are detected at half the rate, so that beats may differ by one time point.
    assert np.sqrt(np.mean(np.square(difference[same.to_numpy()]))) < 0.03


def test_ectopic_and_noisy_beats_are_left_out():
    ecg = make_ecg(1, heart_rate=60, class_sep=np.inf, random_state=0)
    clean = MedianBeat(100).fit(ecg.data)
    expected = clean.report(ecg.data).iloc[0]
    disturbed = ecg.data.copy()
    peak = detect_r_peaks(ecg.data, 100).peaks[0][4]
    disturbed[0, :, peak + 15 : peak + 40] += 2 * np.random.RandomState(0).randn(12, 25)
    found = clean.report(disturbed).iloc[0]
    assert found.beats_used == expected.beats_used - 1
    difference = clean.transform(disturbed) - clean.transform(ecg.data)
    assert np.abs(difference).max() < 0.05


def test_identities_hold_as_far_as_in_the_record():
    """A derived lead that does not agree with leads I and II is still averaged correctly."""
    X = make_ecg(3, class_sep=np.inf, random_state=0).data
    X[:, LEAD["aVR"]] *= 2
    beats = MedianBeat(100).fit_transform(X)
    expected = -(beats[:, LEAD["I"]] + beats[:, LEAD["II"]])
    np.testing.assert_allclose(beats[:, LEAD["aVR"]], expected, atol=0.02)


def test_invariance_to_the_order_of_leads():
    X = make_ecg(5, class_sep=np.inf, random_state=0).data
    order = np.random.RandomState(0).permutation(12)
    names = [STANDARD_LEADS[i] for i in order]
    beats = MedianBeat(100, lead_names=names).fit_transform(X[:, order])
    np.testing.assert_allclose(beats, MedianBeat(100).fit_transform(X)[:, order], atol=1e-4)


# Records without reliable beats


@pytest.fixture
def with_noise():
    X = make_ecg(6, class_sep=np.inf, random_state=0).data
    X[2] = 0.2 * np.random.RandomState(0).randn(*X[2].shape)
    X[4] = 0
    return X


def test_unreliable_records_raise(with_noise):
    transformer = MedianBeat(100).fit(with_noise)
    with pytest.raises(ValueError, match=r"2 of 6 records .* record 2 \(.*report\(X\).*'nan'"):
        transformer.transform(with_noise)


def test_unreliable_records_become_nan(with_noise):
    beats = MedianBeat(100, unreliable="nan").fit_transform(with_noise)
    assert np.isnan(beats[[2, 4]]).all() and np.isfinite(beats[[0, 1, 3, 5]]).all()


def test_unreliable_records_become_their_average(with_noise):
    transformer = MedianBeat(100, unreliable="record_average").fit(with_noise)
    beats = transformer.transform(with_noise)
    assert np.isfinite(beats).all()
    np.testing.assert_array_equal(beats[4], 0)
    windows = with_noise[2, :, :960].reshape(12, 12, 80).mean(axis=1)
    windows -= windows.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(beats[2], windows, atol=1e-5)
    np.testing.assert_array_equal(
        beats[:2], MedianBeat(100).fit(with_noise).transform(with_noise[:2])
    )


def test_report(with_noise):
    frame = to_lead_frame(with_noise, index=list("abcdef"))
    report = MedianBeat(100).fit(frame).report(frame)
    assert list(report.index) == list("abcdef")
    assert list(report.columns) == [
        "beats_found",
        "beats_used",
        "spikes_removed",
        "reliability",
        "status",
    ]
    assert report.loc[["c", "e"], "status"].tolist() == ["unreliable beats"] * 2
    assert (report["status"] == "ok").sum() == 4
    assert (report["beats_used"] <= report["beats_found"]).all()


@pytest.mark.parametrize(
    "params, message",
    [
        ({"sampling_rate": None}, "sampling_rate is missing"),
        ({"window": (0.1, 0.5)}, "start < 0 < stop, got"),
        ({"window": (-0.3,)}, "start < 0 < stop, got"),
        ({"window": (-0.001, 0.5)}, "no time point on one side"),
        ({"window": (-6, 6)}, "1200 time points at 100 Hz, more than the 1000 time points of X"),
        ({"average": "mean"}, "'average' parameter"),
        ({"unreliable": "drop"}, "'unreliable' parameter"),
    ],
)
def test_invalid_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        MedianBeat(**{"sampling_rate": 100, **params}).fit(np.zeros((2, 12, 1000)))


# In combination with other tools


def test_importance_per_lead_through_a_pipeline(small_network):
    X, y = make_ecg(
        220,
        regions="anterior",
        prevalence=0.5,
        as_frame=True,
        return_X_y=True,
        class_sep=np.inf,
        random_state=0,
    )
    # Permuted leads do not beat together.
    beat = MedianBeat(100, unreliable="record_average")
    clf = Pipeline([("beat", beat), ("clf", small_network(max_epochs=15))])
    clf.fit(X[:150], y[:150])
    assert clf.score(X[150:], y[150:]) > 0.9
    drop = permutation_importance(
        clf, X[150:], y[150:], scoring="roc_auc", n_repeats=3, random_state=0
    )
    first = set(X.columns[np.argsort(drop.importances_mean)[-2:]])
    assert first <= set(REGIONS_12["anterior"]) | {"V2"}


def test_frames_keep_their_index():
    X = make_ecg(4, as_frame=True, class_sep=np.inf, random_state=0).data.set_axis([7, 3, 5, 1])
    pipeline = Pipeline([("beat", MedianBeat(100))]).set_output(transform="pandas")
    beats = pipeline.fit_transform(X)
    assert isinstance(beats, pd.DataFrame) and list(beats.index) == [7, 3, 5, 1]
    assert list(pipeline.get_feature_names_out()) == list(STANDARD_LEADS)


def test_ptbxl(data_folder):
    ecg = load_ptbxl(data_folder / "ptbxl", task="superclass", folds=[1])
    transformer = MedianBeat(100, unreliable="nan").fit(ecg.data)
    report = transformer.report(ecg.data)
    beats = transformer.transform(ecg.data)
    np.testing.assert_array_equal(np.isnan(beats).any(axis=(1, 2)), report["status"] != "ok")
    assert (report["status"] == "ok").mean() > 0.99
    assert_limb_leads_agree(beats[report["status"] == "ok"], 5e-3)  # files are rounded to 1 uV

"""Tests of BeatFeatures, on waves that are known exactly, synthetic and real records."""

import numpy as np
import pytest
from scipy.optimize import brentq
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from sklearn_ecg import STANDARD_LEADS, derive_leads, detect_r_peaks, to_lead_frame
from sklearn_ecg.datasets import load_ludb, load_ptbxl, make_ecg
from sklearn_ecg.preprocessing import BeatFeatures, MedianBeat

RATE = 500
# Height in mV of each lead, center and width (standard deviation) in ms from the R-peak.
WAVES = {
    "P": ([0.08, 0.15, 0.04, 0.06, 0.05, 0.06, 0.07, 0.06], -150, 20),
    "Q": ([-0.12, -0.18, 0, 0, 0, -0.08, -0.15, -0.14], -32, 6),
    "R": ([0.70, 1.10, 0.25, 0.45, 0.80, 1.40, 1.20, 0.90], 0, 9),
    "S": ([-0.15, -0.25, -1.00, -1.30, -0.90, -0.40, -0.20, -0.10], 34, 8),
    "T": ([0.20, 0.35, 0.10, 0.45, 0.50, 0.45, 0.35, 0.25], 260, 40),
}
INDEPENDENT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
FINE = np.arange(-400, 600, 0.05)  # ms


def wave(time, names="PQRST"):
    """Return the independent leads of one beat from its formula, (8, n_times)."""
    parts = [np.outer(h, np.exp(-0.5 * ((time - c) / w) ** 2)) for h, c, w in map(WAVES.get, names)]
    return sum(parts)


def make_record(noise=0.01, wander=0.1, seed=0, n_beats=12, rr=900):
    """Make a record of 12 leads at 500 Hz whose R-peaks are between time points."""
    rng = np.random.RandomState(seed)
    centers = 500 + rr * np.arange(n_beats) + rng.uniform(-25, 25, n_beats)
    time = np.arange(round((centers[-1] + 500) * RATE / 1000)) * 1000 / RATE
    signals = sum(wave(time - center) for center in centers)
    signals += noise * rng.randn(*signals.shape)
    phases = rng.uniform(0, 2 * np.pi, (8, 1))
    signals += wander * np.sin(2 * np.pi * 0.25 * time / 1000 + phases)
    return derive_leads(signals[None].astype(np.float32), INDEPENDENT)[0]


def measure(X, rate=RATE, **params):
    features = BeatFeatures(rate, drop_empty=False, **params).fit(X)
    return dict(zip(features.get_feature_names_out(), features.transform(X).T))


def peak_of(lead, low, high, sign):
    """Return the extremum of the formula in a lead, relative to the PR segment."""
    part = sign * wave(FINE)[lead]
    level = wave(np.array([-70.0]))[lead, 0]
    return sign * part[(FINE > low) & (FINE < high)].max() - level


def flank(curve, rising, low, high):
    """Return where the tangent to the steepest part of a curve between two times is zero."""
    slope = np.gradient(curve, FINE)
    inside = (FINE > low) & (FINE < high)
    place = np.where(inside, slope if rising else -slope, -np.inf).argmax()
    return FINE[place] - curve[place] / slope[place]


def true_intervals():
    """Compute the intervals of the docstring from the formula on a fine grid."""
    slope = np.gradient(wave(FINE), FINE, axis=1)
    speed = np.sqrt(np.sum(slope**2, axis=0))
    core = np.abs(FINE) < 100  # T waves exceed this limit as well
    fast = np.flatnonzero(core & (speed > 0.05 * speed[core].max()))
    onset, offset = FINE[fast[0]], FINE[fast[-1]]
    p = np.sqrt(np.mean(wave(FINE, "P") ** 2, axis=0))
    p_onset, p_offset = flank(p, True, -220, -150), flank(p, False, -150, -90)
    ends = [flank(lead, False, 260, 400) for lead in wave(FINE, "T")]
    return {
        "p_duration": p_offset - p_onset,
        "pr_interval": onset - p_onset,
        "qrs_duration": offset - onset,
        "qt_interval": np.median(ends) - onset,
        "t_peak_end": np.median(ends) - WAVES["T"][1],
    }


@pytest.mark.parametrize("seed", range(3))
def test_intervals_are_accurate_within_one_time_point(seed):
    found = measure(make_record(noise=0.005, seed=seed))
    for name, value in true_intervals().items():
        assert abs(found[f"global__{name}"][0] - value) <= 1000 / RATE, name
    assert found["global__heart_rate"][0] == pytest.approx(60 / 0.9, rel=0.02)
    rr = found["global__qt_interval"][0]
    assert found["global__qtc_bazett"][0] == pytest.approx(rr / np.sqrt(0.9), rel=0.02)
    assert found["global__qtc_fridericia"][0] == pytest.approx(rr / np.cbrt(0.9), rel=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_amplitudes_are_accurate_within_five_percent(seed):
    found = measure(make_record(seed=seed))
    ranges = {
        "p": (-200, -100, 1),
        "q": (-60, -15, -1),
        "r": (-15, 15, 1),
        "s": (15, 60, -1),
        "t": (200, 320, 1),
    }
    for lead, name in enumerate(INDEPENDENT):
        for letter, where in ranges.items():
            value = peak_of(lead, *where)
            if abs(value) > 0.06:
                amplitude = found[f"{name}__{letter}_amplitude"][0]
                assert amplitude == pytest.approx(value, rel=0.05, abs=0.006), (name, letter)
    for name in ("V1", "V2", "V3"):  # leads without Q waves
        assert np.isnan(found[f"{name}__q_amplitude"][0])
        assert np.isnan(found[f"{name}__q_duration"][0])


def test_q_duration_is_the_time_below_zero():
    found = measure(make_record(noise=0.002, wander=0))
    lead = INDEPENDENT.index("II")
    level = wave(np.array([-70.0]))[lead, 0]

    def value(time):
        return wave(np.array([time]))[lead, 0] - level

    end = brentq(value, -32, -10)
    slope = np.abs(np.gradient(wave(FINE)[lead], FINE))
    start = FINE[np.flatnonzero((slope > 0.05 * slope.max()) & (FINE > -80))[0]]
    assert found["II__q_duration"][0] == pytest.approx(end - start, abs=3)


def test_hundred_hertz_agrees_with_five_hundred():
    high = make_ecg(
        20, sampling_rate=500, noise=0, baseline_wander=0, class_sep=np.inf, random_state=0
    )
    low = make_ecg(
        20, sampling_rate=100, noise=0, baseline_wander=0, class_sep=np.inf, random_state=0
    )
    fine, coarse = measure(high.data), measure(low.data, 100)
    for name, limit in (("pr_interval", 10), ("qrs_duration", 12), ("qt_interval", 10)):
        error = coarse[f"global__{name}"] - fine[f"global__{name}"]
        assert np.abs(np.median(error)) < limit / 2 and np.abs(error).max() < limit, name
    for lead in ("II", "V2", "V5"):
        ratio = coarse[f"{lead}__r_amplitude"] / fine[f"{lead}__r_amplitude"]
        assert np.abs(ratio - 1).max() < 0.06


@pytest.mark.parametrize("region", ["inferior", "lateral", "septal", "anterior"])
def test_infarction_elevates_st_in_its_region(region):
    leads = {
        "inferior": {"II", "III", "aVF"},
        "lateral": {"I", "aVL", "V5", "V6"},
        "septal": {"V1", "V2"},
        "anterior": {"V3", "V4"},
    }[region]
    ecg = make_ecg(60, regions=region, prevalence=0.5, class_sep=np.inf, random_state=0)
    found = measure(ecg.data, 100)
    rise = {}
    for lead in STANDARD_LEADS:
        level = found[f"{lead}__st_level"]
        rise[lead] = level[ecg.target == 1].mean() - level[ecg.target == 0].mean()
    first = sorted(rise, key=rise.get, reverse=True)[: len(leads)]
    assert set(first) == leads
    assert min(rise[lead] for lead in leads) > 0.05


# Properties


@pytest.fixture(scope="module")
def records():
    return make_ecg(30, sampling_rate=250, prevalence=0.5, class_sep=np.inf, random_state=3).data


def test_scaling_changes_amplitudes_but_not_durations(records):
    plain, doubled = measure(records, 250), measure(2 * records, 250)
    for name, values in plain.items():
        measured = name.split("__")[1]
        both = np.isfinite(values) & np.isfinite(doubled[name])
        # Deflections just below the minimum height of a wave may become waves.
        assert both.sum() >= 0.7 * np.isfinite(values).sum(), name
        if not both.any():
            continue
        in_mv = measured.endswith(("level", "slope", "area", "amplitude", "cornell", "lyon"))
        expected = (2 if in_mv else 1) * values[both]
        same = np.isclose(doubled[name][both], expected, rtol=1e-3, atol=1e-3)
        # Waves may be named differently if one of them was not detected before scaling.
        depends = ("q_", "r_", "s_", "r2_", "rs_", "cornell", "sokolow", "t_polarity")
        assert same.mean() > 0.75 if measured.startswith(depends) else same.all(), name


def test_invariance_to_the_order_of_named_leads(records):
    order = np.random.RandomState(0).permutation(12)
    names = [STANDARD_LEADS[i] for i in order]
    plain = measure(to_lead_frame(records), 250)
    permuted = measure(to_lead_frame(records[:, order], names), 250)
    by_name = measure(records[:, order], 250, lead_names=names)
    assert set(plain) == set(permuted) == set(by_name)
    for name, values in plain.items():
        np.testing.assert_allclose(permuted[name], values, rtol=1e-3, atol=1e-3, err_msg=name)
        np.testing.assert_array_equal(by_name[name], permuted[name])


def test_shift_in_time_changes_beats_at_the_ends_only(records):
    """Crops that contain the same beats have the same measurements."""
    long = make_ecg(
        20, sampling_rate=250, duration=12, heart_rate=60, class_sep=np.inf, random_state=0
    )
    first, second = long.data[:, :, :2500], long.data[:, :, 10:2510]
    features = BeatFeatures(250).fit(first)
    names = features.get_feature_names_out()
    a, b = features.transform(first), features.transform(second)
    n_beats = list(names).index("global__n_beats")
    same = a[:, n_beats] == b[:, n_beats]
    assert same.sum() > 15
    both = np.isfinite(a) & np.isfinite(b)
    assert both[same].mean() > 0.98 * np.isfinite(a[same]).mean()
    for i, name in enumerate(names):
        rows = same & both[:, i]
        if name.endswith(("level", "amplitude")) and rows.any():
            assert np.abs(a[rows, i] - b[rows, i]).max() < 0.02, name
        if name in ("global__qt_interval", "global__qrs_duration", "global__pr_interval"):
            assert np.abs(a[rows, i] - b[rows, i]).max() <= 4, name


def test_records_do_not_depend_on_each_other(records):
    features = BeatFeatures(250).fit(records)
    everything = features.transform(records)
    np.testing.assert_allclose(features.transform(records[::-1])[::-1], everything, rtol=1e-5)
    single = np.concatenate([features.transform(record[None]) for record in records])
    np.testing.assert_allclose(single, everything, rtol=1e-4, atol=1e-4)


# Names, few leads, unusable records


def test_names():
    X = make_ecg(3, duration=4, class_sep=np.inf, random_state=0).data
    names = BeatFeatures(100, drop_empty=False).fit(X).get_feature_names_out()
    for name in ("V2__st_level", "V2__q_duration", "global__qrs_axis", "global__qtc_bazett"):
        assert name in names
    assert len(names) == len(set(names)) == 12 * 19 + 20
    two = BeatFeatures(100).fit(to_lead_frame(X[:, [0, 6]], ["I", "V1"]))
    two = two.get_feature_names_out()
    assert {name.split("__")[0] for name in two} == {"I", "V1", "global"}
    assert "global__qrs_axis" not in two
    unnamed = BeatFeatures(100).fit(X[:, :3]).get_feature_names_out()
    assert unnamed[0] == "lead0__p_amplitude"


def test_leads_without_names_are_not_combined():
    X = make_ecg(3, duration=5, random_state=0).data
    bare = BeatFeatures(100, drop_empty=False)
    with pytest.warns(UserWarning, match="features of several leads are left out"):
        bare.fit(to_lead_frame(X).to_numpy())
    named = BeatFeatures(100, drop_empty=False).fit(X)
    left_out = set(named.get_feature_names_out()) - set(bare.get_feature_names_out())
    assert "global__qrs_axis" in left_out


def test_empty_features_are_left_out():
    """scikit-learn's gradient boosting fails on columns of NaN."""
    X, y = make_ecg(40, prevalence=0.5, return_X_y=True, class_sep=np.inf, random_state=0)
    features = BeatFeatures(100)
    table = features.fit_transform(X)
    assert np.isfinite(table).any(axis=0).all()
    assert table.shape[1] == len(features.get_feature_names_out()) < 12 * 19 + 20
    np.testing.assert_array_equal(features.transform(X), table)
    np.testing.assert_array_equal(BeatFeatures(100).fit(X).transform(X), table)
    complete = BeatFeatures(100, drop_empty=False).fit_transform(X)
    np.testing.assert_array_equal(complete[:, np.isfinite(complete).any(axis=0)], table)
    clf = make_pipeline(BeatFeatures(100), HistGradientBoostingClassifier(random_state=0))
    assert clf.fit(X, y).score(X, y) > 0.9


def test_qrs_axis():
    """The axis follows from leads I and aVF in the hexaxial reference system."""
    X = make_ecg(5, noise=0, baseline_wander=0, class_sep=np.inf, random_state=0).data
    for factors, axis in (((1, 0), -30), ((0, 1), 90), ((1, 1), 30), ((-1, 0), 150)):
        signals = X.copy()
        signals[:, 0], signals[:, 1] = factors[0] * X[:, 10], factors[1] * X[:, 10]
        limbs, names = derive_leads(signals[:, :2], ("I", "II"))
        found = measure(to_lead_frame(limbs, names), 100)["global__qrs_axis"]
        np.testing.assert_allclose(found, axis, atol=0.5)
        without = measure(to_lead_frame(limbs[:, :2], ("I", "II")), 100)["global__qrs_axis"]
        # If one of two leads is flat, it may not be connected.
        np.testing.assert_allclose(without, axis if all(factors) else np.nan, atol=0.5)


def test_unreliable_records_are_nan_except_their_reliability():
    X = make_ecg(4, class_sep=np.inf, random_state=0).data
    X[1] = 0
    X[2] = np.random.RandomState(0).randn(*X[2].shape)
    found = measure(X, 100)
    for name, values in found.items():
        if name == "global__reliability":
            assert values[1] == 0 and values[2] < 0.3 and values[0] > 0.9
        elif name != "global__n_beats":
            assert np.isnan(values[[1, 2]]).all(), name
    assert np.isfinite(found["V2__st_level"][[0, 3]]).all()


def test_wrong_sampling_rate():
    X = make_ecg(10, sampling_rate=500, duration=8, heart_rate=65, random_state=0).data
    message = "With sampling_rate=250 in {}, the median heart rate of 10 of 10 records is 3[0-7]"
    BeatFeatures(500).fit(X)
    MedianBeat(500).fit_transform(X)
    with pytest.warns(UserWarning, match=message.format("BeatFeatures")):
        BeatFeatures(250).fit(X)
    with pytest.warns(UserWarning, match=message.format("BeatFeatures")):
        BeatFeatures(250, drop_empty=False).fit_transform(X)
    with pytest.warns(UserWarning, match=message.format("MedianBeat")):
        MedianBeat(250).fit_transform(X)
    with pytest.warns(UserWarning, match=message.format("detect_r_peaks")):
        detect_r_peaks(X, 250)
    # Single records may be of slow hearts.
    BeatFeatures(250).fit(X[:9])


def test_measurements_of_waves_of_a_flat_lead_are_nan():
    X = make_ecg(4, class_sep=np.inf, random_state=0).data
    X[:, 7] = 0.3
    found = measure(X, 100)
    assert np.isnan(found["V2__r_amplitude"]).all()
    assert np.isnan(found["V2__signal_quality"]).all()
    np.testing.assert_allclose(found["V2__st_level"], 0, atol=1e-6)
    assert np.isfinite(found["V3__r_amplitude"]).all()


@pytest.mark.parametrize(
    "params, message",
    [
        ({}, "sampling_rate is missing"),
        ({"sampling_rate": 50}, "must be from 100 to 1000 Hz, got 50"),
        ({"sampling_rate": 100, "min_reliability": 2}, "'min_reliability' parameter"),
    ],
)
def test_invalid_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        BeatFeatures(**params).fit(np.zeros((2, 12, 1000)))


def test_ptbxl(data_folder):
    """Medians of normal records are in the normal range; unmeasured records are unreliable."""
    ecg = load_ptbxl(data_folder / "ptbxl", task="superclass", folds=[1])
    found = measure(ecg.data, 100)
    normal = np.asarray(ecg.target)[:, list(ecg.target_names).index("NORM")] == 1
    for name, low, high in (
        ("pr_interval", 120, 200),
        ("qrs_duration", 70, 105),
        ("qtc_fridericia", 360, 430),
        ("qrs_axis", -30, 90),
        ("heart_rate", 55, 85),
        ("r_transition", 2, 5),
    ):
        assert low < np.nanmedian(found[f"global__{name}"][normal]) < high, name
    assert np.nanmedian(found["aVR__p_amplitude"][normal]) < 0
    assert np.nanmedian(found["II__t_amplitude"][normal]) > 0.15
    measured = np.isfinite(found["II__qrs_amplitude"])
    assert (found["global__reliability"][~measured] < 0.3).all()
    assert measured.mean() > 0.99


def test_intervals_at_both_rates_of_real_records(data_folder):
    """Quantiles of 5, 50 and 95 % of the differences in ms, slightly wider than measured."""
    options = {"missing": "drop", "on_error": "skip"}
    high = load_ptbxl(data_folder / "ptbxl", sampling_rate=500, **options)
    low = load_ptbxl(data_folder / "ptbxl", sampling_rate=100, **options)
    _, rows, columns = np.intersect1d(high.metadata.index, low.metadata.index, return_indices=True)
    fine, coarse = measure(high.data[rows]), measure(low.data[columns], 100)
    # At 100 Hz, the QRS rings before its onset and after its offset.
    limits = {
        "p_duration": (-9, -2, 2, 9),
        "pr_interval": (-16, -4, 0, 5),
        "qrs_duration": (-2, 5, 10, 24),
        "qt_interval": (-4, 1, 4, 13),
    }
    for name, (lowest, least, most, highest) in limits.items():
        difference = np.asarray(coarse[f"global__{name}"] - fine[f"global__{name}"])
        found = np.nanquantile(difference, [0.05, 0.5, 0.95])
        assert least < found[1] < most, name
        assert lowest < found[0] and found[2] < highest, name


def test_voltages_separate_hypertrophy(data_folder):
    """The values of docs/beats.rst; without QS complexes, that of Sokolow-Lyon is .1 lower."""
    ecg = load_ptbxl(data_folder / "ptbxl", task="superclass", folds=range(1, 10))
    found = measure(ecg.data, 100)
    hypertrophy = np.asarray(ecg.target)[:, list(ecg.target_names).index("HYP")]
    for name, auroc in (("sokolow_lyon", 0.807), ("cornell", 0.726)):
        voltage = np.asarray(found[f"global__{name}"])
        measured = np.isfinite(voltage)
        score = roc_auc_score(hypertrophy[measured], voltage[measured])
        assert score == pytest.approx(auroc, abs=0.005), name


def test_intervals_agree_with_ludb(data_folder):
    """Bias and limits of agreement (1.96 SD) are in ms, slightly wider than measured."""
    ludb = load_ludb(data_folder / "ludb", n_jobs=2)
    found = measure(ludb.data)
    waves = ludb.annotations.astype({"onset": float, "offset": float})
    before = waves.groupby(["record", "lead"]).shift(1)
    of_wave = {wave: waves["wave"] == wave for wave in ("P", "QRS", "T")}
    after_qrs, after_p = before["wave"] == "QRS", before["wave"] == "P"
    annotated = {
        "p_duration": (waves["offset"] - waves["onset"])[of_wave["P"]],
        "qrs_duration": (waves["offset"] - waves["onset"])[of_wave["QRS"]],
        "pr_interval": (waves["onset"] - before["onset"])[of_wave["QRS"] & after_p],
        "qt_interval": (waves["offset"] - before["onset"])[of_wave["T"] & after_qrs],
    }
    limits = {
        "p_duration": (5, 42),
        "qrs_duration": (5, 35),
        "pr_interval": (4, 22),
        "qt_interval": (20, 34),
    }
    for name, values in annotated.items():
        truth = 2 * values.groupby(waves["record"]).median()  # in ms, at 500 Hz
        error = (found[f"global__{name}"][truth.index] - truth).dropna()
        assert len(error) >= 0.95 * len(truth)
        bias, spread = limits[name]
        assert abs(error.mean()) < bias and 1.96 * error.std() < spread, name

"""Tests of R-peak detection and rhythm, on synthetic and real records."""

import numpy as np
import pandas as pd
import pytest
from scipy.signal import resample_poly

from sklearn_ecg import STANDARD_LEADS, detect_r_peaks, to_lead_frame
from sklearn_ecg.beats import RPeaks
from sklearn_ecg.datasets import load_ludb, load_ptbxl, load_wfdb, make_ecg
from sklearn_ecg.utils._chunks import ChunkBudget


def nearest(truth, found):
    """Return the distance from each true beat to the nearest beat found."""
    return np.abs(truth[:, None] - found).min(axis=1) if len(found) else np.full(len(truth), np.inf)


def count_matches(truth, found, tolerance):
    """Count true positives, missed and false beats between the first and the last true beat."""
    found = found[(found >= truth[0] - tolerance) & (found <= truth[-1] + tolerance)]
    hits = np.count_nonzero(nearest(truth, found) <= tolerance)
    return np.array([hits, len(truth) - hits, len(found) - hits])


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(12, class_sep=np.inf, random_state=3)


# --------------------------------------------------------------------------------------------------
# Synthetic truth
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [100, 125, 250, 360, 500, 1000])
@pytest.mark.parametrize("heart_rate", [35, 75, 150])
def test_peaks_are_accurate(rate, heart_rate):
    """Every beat away from the ends is found within one time point (at 1000 Hz, two)."""
    ecg = make_ecg(8, sampling_rate=rate, heart_rate=heart_rate, class_sep=np.inf, random_state=0)
    rhythm = detect_r_peaks(ecg.data, rate)
    for truth, found in zip(ecg.r_peaks, rhythm.peaks):
        margin = 0.06 * rate
        inner = truth[(truth > margin) & (truth < 10 * rate - margin)]
        assert nearest(inner, found).max() <= (2 if rate == 1000 else 1)
        assert nearest(found, truth).max() <= max(2, 0.05 * rate)
    assert rhythm.reliability.min() > 0.9


@pytest.mark.parametrize("noise, least", [(0.05, 0.999), (0.15, 0.99), (0.3, 0.85)])
def test_f1_score_with_noise(noise, least):
    ecg = make_ecg(30, noise=noise, baseline_wander=0.2, class_sep=np.inf, random_state=1)
    counts = sum(
        count_matches(truth[(truth > 6) & (truth < 994)], found, 5)
        for truth, found in zip(ecg.r_peaks, detect_r_peaks(ecg.data, 100).peaks)
    )
    assert 2 * counts[0] / (2 * counts[0] + counts[1] + counts[2]) > least


def test_reliability_decreases_with_noise():
    means = [
        detect_r_peaks(
            make_ecg(20, noise=noise, class_sep=np.inf, random_state=0).data, 100
        ).reliability.mean()
        for noise in (0.01, 0.3, 1.0)
    ]
    assert means[0] > 0.95 and means[0] > means[1] > means[2] and means[2] < 0.1


def test_one_lead_and_any_number_of_leads(ecg):
    for leads in ([1], [7], [0, 1], range(6), range(11)):
        rhythm = detect_r_peaks(ecg.data[:, list(leads)], 100)
        for truth, found in zip(ecg.r_peaks, rhythm.peaks):
            inner = truth[(truth > 6) & (truth < 994)]
            assert nearest(inner, found).max() <= 5  # the QRS peak of a single lead may differ


def test_bad_leads_have_little_influence(ecg):
    rng = np.random.default_rng(0)
    corrupted = ecg.data.copy()
    corrupted[:, 6] = 0
    corrupted[:, 7] = 5
    corrupted[:, 8] = rng.normal(scale=2, size=corrupted[:, 8].shape)
    corrupted[:, 9, 400:450] += 20
    clean, rhythm = detect_r_peaks(ecg.data, 100), detect_r_peaks(corrupted, 100)
    for before, after in zip(clean.peaks, rhythm.peaks):
        assert len(before) == len(after)
        assert np.abs(before - after).max() <= 8  # where the artifact coincides with a beat
        assert np.median(np.abs(before - after)) == 0


# --------------------------------------------------------------------------------------------------
# Invariance
# --------------------------------------------------------------------------------------------------


def assert_same(a, b):
    assert len(a.peaks) == len(b.peaks)
    for one, other in zip(a.peaks, b.peaks):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(a.reliability, b.reliability, atol=1e-3)


@pytest.mark.parametrize("factor", [1e-12, 1e-3, 7.3, 1000, 1e12])
def test_invariance_to_scale(ecg, factor):
    assert_same(detect_r_peaks(ecg.data, 100), detect_r_peaks(ecg.data * factor, 100))


def test_invariance_to_sign(ecg):
    assert_same(detect_r_peaks(ecg.data, 100), detect_r_peaks(-ecg.data, 100))


@pytest.mark.parametrize("rate", [100, 500])
def test_invariance_to_offsets_of_leads(rate):
    X = make_ecg(6, sampling_rate=rate, class_sep=np.inf, random_state=3).data
    offset = np.linspace(-5, 5, 12, dtype=np.float32)[:, None]
    assert_same(detect_r_peaks(X, rate), detect_r_peaks(X + offset, rate))


def test_shift_in_time_shifts_peaks(ecg):
    longer = detect_r_peaks(ecg.data, 100).peaks
    shorter = detect_r_peaks(ecg.data[..., 7:], 100).peaks
    for one, other in zip(longer, shorter):
        np.testing.assert_array_equal(one[one > 20], other[other > 13] + 7)


def test_records_do_not_depend_on_each_other(ecg, monkeypatch):
    together = detect_r_peaks(ecg.data, 100)
    alone = [detect_r_peaks(ecg.data[i : i + 1], 100).peaks[0] for i in range(12)]
    monkeypatch.setattr("sklearn_ecg.beats._rhythm.R_PEAKS", ChunkBudget(300))
    monkeypatch.setattr("sklearn_ecg.beats._qrs.BEAT_CURVE", ChunkBudget(20_000))
    in_parts = detect_r_peaks(ecg.data, 100)
    for a, b, c in zip(together.peaks, alone, in_parts.peaks):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)


def test_containers_and_dtypes(ecg):
    expected = detect_r_peaks(ecg.data, 100)
    frame = to_lead_frame(ecg.data)
    assert_same(expected, detect_r_peaks(frame, 100))
    assert_same(expected, detect_r_peaks(frame[frame.columns[::-1]], 100))
    assert_same(expected, detect_r_peaks(frame.to_numpy(), 100, lead_names=STANDARD_LEADS))
    assert_same(expected, detect_r_peaks(ecg.data.astype(np.float64), 100.0))
    counts = np.rint(ecg.data * 2000).astype(np.int16)
    for one, other in zip(expected.peaks, detect_r_peaks(counts, 100).peaks):
        assert np.abs(one - other).max() <= 1


def test_x_is_not_changed(ecg):
    X = ecg.data.copy()
    X.flags.writeable = False
    detect_r_peaks(X, 100)
    np.testing.assert_array_equal(X, ecg.data)


# --------------------------------------------------------------------------------------------------
# Records without an ECG, with few beats, or of unusual length
# --------------------------------------------------------------------------------------------------


def make_records_without_ecg():
    rng = np.random.default_rng(0)
    white = rng.normal(size=(5, 12, 1000)).astype(np.float32)
    times = np.arange(1000) / 100
    saturated = np.sign(np.cumsum(white, axis=2)) * 5
    return {
        "zero": np.zeros((5, 12, 1000)),
        "constant": np.full((5, 12, 1000), 3.3),
        "white noise": white,
        "random walk": np.cumsum(white, axis=2),
        "one lead of noise": white[:, :1],
        "saturated": saturated,
        "power line": np.sin(2 * np.pi * 50.3 * times) + 0 * white,
        "slow wave": np.sin(2 * np.pi * times) + 0.01 * white,
    }


@pytest.mark.parametrize("name", make_records_without_ecg())
def test_records_without_ecg_are_not_reliable(name):
    rhythm = detect_r_peaks(make_records_without_ecg()[name], 100)
    assert rhythm.reliability.max() < 0.1
    if name in ("zero", "constant"):
        assert [len(peaks) for peaks in rhythm.peaks] == [0] * 5
        assert np.isnan(rhythm.heart_rate()).all()
        assert [len(marks) for marks in rhythm.ectopic()] == [0] * 5
        assert [cycle.shape for cycle in rhythm.cycles()] == [(0, 2)] * 5


@pytest.mark.parametrize("rate", [100, 199.9, 257.3, 1000])
def test_minimum_distance_of_peaks_in_noise(rate):
    rng = np.random.default_rng(0)
    for smooth in (1, 5):
        X = np.cumsum(rng.normal(size=(20, 2, 3000)), axis=2)
        for peaks in detect_r_peaks(X[..., smooth:] - X[..., :-smooth], rate).peaks:
            assert (np.diff(peaks) > 0.07 * rate).all()


def test_a_single_beat_is_not_reliable(ecg):
    X = np.zeros((1, 12, 1000), dtype=np.float32)
    peak = ecg.r_peaks[0][4]
    X[..., 500:560] = ecg.data[:1, :, peak - 25 : peak + 35] - ecg.data[:1, :, peak - 25, None]
    rhythm = detect_r_peaks(X, 100)
    assert 525 in rhythm.peaks[0]
    assert rhythm.reliability[0] < 0.1


def test_lost_signal_lowers_reliability(ecg):
    X = ecg.data.copy()
    X[..., 300:] = 0
    rhythm = detect_r_peaks(X, 100)
    assert (rhythm.reliability > 0).all() and (rhythm.reliability < 0.35).all()
    for truth, found in zip(ecg.r_peaks, rhythm.peaks):
        inner = truth[(truth > 6) & (truth < 290)]
        assert nearest(inner, found).max() <= 1


@pytest.mark.parametrize("n_times", [12, 13, 20, 30, 59, 99, 150, 215])
@pytest.mark.parametrize("rate", [100, 1000])
def test_short_records(ecg, n_times, rate):
    rhythm = detect_r_peaks(ecg.data[..., 100 : 100 + n_times], rate)
    assert len(rhythm.peaks) == len(rhythm.ectopic()) == len(rhythm.cycles()) == 12
    assert ((rhythm.reliability >= 0) & (rhythm.reliability <= 1)).all()
    for peaks in rhythm.peaks:
        assert peaks.dtype.kind == "i"
        assert ((peaks > 0) & (peaks < n_times - 1)).all()


def test_long_record():
    """Five minutes in which the amplitude increases eightfold and 30 s are missing."""
    ecg = make_ecg(1, duration=300, heart_rate=70, class_sep=np.inf, random_state=0)
    X = ecg.data * np.linspace(0.25, 2, 30000, dtype=np.float32)
    X[..., 10000:13000] = 0
    X += np.random.default_rng(0).normal(scale=0.003, size=X.shape).astype(np.float32)
    rhythm = detect_r_peaks(X, 100)
    truth = ecg.r_peaks[0]
    truth = truth[((truth > 20) & (truth < 9990)) | ((truth > 13010) & (truth < 29980))]
    assert nearest(truth, rhythm.peaks[0]).max() <= 1
    assert abs(len(rhythm.peaks[0]) - len(truth)) <= 2
    assert 0.7 < rhythm.reliability[0] < 0.95


# --------------------------------------------------------------------------------------------------
# Intervals, cycles, ectopic beats
# --------------------------------------------------------------------------------------------------


def test_intervals_and_heart_rate():
    peaks = [np.array([50, 150, 270]), np.array([80]), np.array([], dtype=int)]
    rhythm = RPeaks(peaks, np.ones(3), 200.0, 400)
    first, second, third = rhythm.rr_intervals()
    np.testing.assert_allclose(first, [np.nan, 0.5, 0.6])
    assert len(second) == 1 and np.isnan(second[0])
    assert len(third) == 0
    np.testing.assert_allclose(rhythm.heart_rate(), [60 / 0.55, np.nan, np.nan])
    # Without the lowest and the highest quarter: one of 3 to 6 intervals, two of 7 to 10.
    for intervals, expected in (
        ([100, 300, 90], 100),
        ([100, 96, 50, 103, 198, 101], (96 + 100 + 101 + 103) / 4),
        ([40, 100, 96, 50, 103, 198, 101], (96 + 100 + 101) / 3),
    ):
        few = RPeaks([np.cumsum([0, *intervals])], np.ones(1), 100.0, 1000)
        assert few.heart_rate()[0] == pytest.approx(6000 / expected)


def test_cycles():
    peaks = [np.array([100, 190, 310, 400]), np.array([80, 160]), np.array([], dtype=int)]
    first, second, third = RPeaks(peaks, np.ones(3), 100.0, 500).cycles()
    np.testing.assert_array_equal(first, [[-1, -1], [160, 270], [270, 370], [-1, -1]])
    np.testing.assert_array_equal(second, [[-1, -1], [-1, -1]])
    assert third.shape == (0, 2)
    with pytest.raises(ValueError, match=r"before must be in \(0, 1\), got 1.5"):
        RPeaks(peaks, np.ones(3), 100.0, 500).cycles(before=1.5)


def test_premature_beats_are_ectopic():
    regular = np.array([100.0] * 12)
    premature = regular.copy()
    premature[[4, 5]] = 60, 140  # with a compensatory pause
    slowing = np.linspace(80, 130, 12)
    fibrillating = np.array([60, 95, 70, 120, 85, 65, 110, 75, 130, 62, 90, 105.0])
    peaks = [np.cumsum(rr).astype(int) for rr in (regular, premature, slowing, fibrillating)]
    marks = RPeaks(peaks, np.ones(4), 100.0, 2000).ectopic()
    assert [np.flatnonzero(mark).tolist() for mark in marks] == [[], [4], [], []]


def test_beats_of_a_different_shape_are_ectopic(ecg):
    """A QRS is replaced by a broad one at the same time, so that only its shape differs."""
    X = ecg.data.copy()
    times = np.arange(-25, 35)
    broad = 1.5 * np.exp(-((times / 7) ** 2)) - 1.2 * np.exp(-(((times - 14) / 7) ** 2))
    for record, truth in enumerate(ecg.r_peaks):
        peak = truth[4]
        X[record, :, peak - 25 : peak + 35] = broad * np.linspace(-1, 1.2, 12)[:, None]
    rhythm = detect_r_peaks(X, 100)
    for truth, peaks, marks in zip(ecg.r_peaks, rhythm.peaks, rhythm.ectopic()):
        marked = peaks[marks]
        assert abs(marked[0] - truth[4]) <= 16
        # Its R-peak may be so late that the next beat seems premature.
        assert len(marked) == 1 or marked.tolist() == peaks[[4, 5]].tolist()


def test_normal_beats_are_not_ectopic():
    ecg = make_ecg(40, heart_rate_variability=0.03, class_sep=np.inf, random_state=5)
    marks = np.concatenate(detect_r_peaks(ecg.data, 100).ectopic())
    assert marks.mean() < 0.01


def test_containers_agree():
    X = make_ecg(5, class_sep=np.inf, random_state=0).data
    expected = detect_r_peaks(X, 100).peaks
    frame = to_lead_frame(X)
    rows = X.reshape(5, -1)
    for container, params in [
        (frame, {}),
        (frame.to_numpy(), {"lead_names": STANDARD_LEADS}),
        (rows, {"n_leads": 12}),
        (pd.DataFrame(rows).add_prefix("t"), {"n_leads": 12}),
    ]:
        found = detect_r_peaks(container, 100, **params).peaks
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)


# --------------------------------------------------------------------------------------------------
# Errors
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "X, rate, error, message",
    [
        (np.zeros((12, 1000)), 100, ValueError, r"shape \(12, 1000\).*n_leads=12"),
        (np.zeros(1000), 100, ValueError, r"1D array with shape .* X\[\[0\]\]"),
        (np.zeros((2, 1000, 12)), 100, ValueError, r"pass X.transpose\(0, 2, 1\)"),
        (np.zeros((0, 12, 1000)), 100, ValueError, r"X is empty: its shape is \(0, 12, 1000\)"),
        (np.zeros((2, 12, 1000), dtype=complex), 100, TypeError, "real numbers, got dtype complex"),
        (np.full((2, 12, 1000), "a"), 100, TypeError, "real numbers"),
        (np.zeros((2, 12, 1000)), 50, ValueError, "from 100 to 1000 Hz, got 50. Resample"),
        (np.zeros((2, 12, 1000)), 2000, ValueError, "from 100 to 1000 Hz, got 2000"),
        (np.zeros((2, 12, 1000)), np.nan, ValueError, "from 100 to 1000 Hz, got nan"),
        (np.zeros((2, 12, 1000)), "100", TypeError, "must be a number in Hz, got '100'"),
        (np.zeros((2, 12, 1000)), None, ValueError, "sampling_rate is missing"),
    ],
)
def test_errors(X, rate, error, message):
    with pytest.raises(error, match=message):
        detect_r_peaks(X, rate)


@pytest.mark.parametrize("n_times", [15, 1000, 1003])
@pytest.mark.parametrize("lead", [0, 1, 11])
def test_infinity_raises_and_nan_does_not_at_any_position(n_times, lead):
    rate = 500
    for time in (0, n_times // 2, n_times - 1):
        X = np.random.default_rng(0).normal(size=(3, 12, n_times))
        complete = detect_r_peaks(X, rate)
        X[1, lead, time] = np.nan
        rhythm = detect_r_peaks(X, rate)
        for record in (0, 2):
            assert rhythm.peaks[record].tolist() == complete.peaks[record].tolist()
        X[1, lead, time] = -np.inf
        with pytest.raises(ValueError, match=f"infinity.*first in record 1, lead .*point {time}"):
            detect_r_peaks(X, rate)


def test_too_large_values_raise():
    with pytest.raises(ValueError, match="too large for float32"):
        detect_r_peaks(np.random.default_rng(0).normal(size=(2, 12, 1000)) * 1e200, 100)


# --------------------------------------------------------------------------------------------------
# Real records
# --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ludb(data_folder):
    """Return the 12-lead records at 500 Hz, and the R-peaks annotated in lead II."""
    ludb = load_ludb(data_folder / "ludb", annotated_leads=["II"])
    beats = ludb.annotations[ludb.annotations["wave"] == "QRS"]
    peaks = [beats["peak"][beats["record"] == row].to_numpy(int) for row in range(len(ludb.data))]
    return ludb.data, peaks


@pytest.mark.parametrize("rate", [100, 250, 500])
def test_ludb(ludb, rate):
    """903 beats of 100 subjects; the measured F1 scores were 1.000, .999 and 1.000."""
    X, annotated = ludb
    if rate != 500:
        X = resample_poly(X, rate, 500, axis=2)
    rhythm = detect_r_peaks(X, rate)
    counts = sum(
        count_matches(truth * rate / 500, found, 0.1 * rate)
        for truth, found in zip(annotated, rhythm.peaks)
    )
    assert counts[:2].sum() == 903
    assert 2 * counts[0] / (2 * counts[0] + counts[1] + counts[2]) >= 0.998
    assert np.mean(rhythm.reliability > 0.5) >= 0.95


def test_rates_agree_on_ptbxl(data_folder):
    """The same records at 100 and 500 Hz give the same beats."""
    folder = data_folder / "ptbxl"
    high = load_ptbxl(folder, sampling_rate=500, missing="drop", task="superclass")
    fast = detect_r_peaks(high.data, 500)
    slow = detect_r_peaks(resample_poly(high.data, 1, 5, axis=2), 100)
    counts = sum(
        count_matches(peaks / 5, found, 3)
        for peaks, found in zip(fast.peaks, slow.peaks)
        if len(peaks)
    )
    assert 2 * counts[0] / (2 * counts[0] + counts[1] + counts[2]) > 0.99
    assert np.mean(fast.reliability > 0.5) > 0.95


def test_flat_saturated_and_noisy_records(data_folder):
    """Flat records are not reliable."""
    records = load_wfdb(data_folder / "challenge2011" / "wfdb500_awkward")
    X = records.data
    rhythm = detect_r_peaks(X, 500)
    flat = np.ptp(X, axis=2).max(axis=1) == 0
    assert flat.any()
    assert (rhythm.reliability[flat] == 0).all()
    assert ((rhythm.reliability >= 0) & (rhythm.reliability <= 1)).all()
    reliable = set(records.metadata["record"][rhythm.reliability > 0.5])
    assert {
        "1028102",
        "1052879",
        "1068152",
        "1072620",
    } <= reliable  # only a few leads are not clean
    assert not reliable & {"1002603", "1003574", "1030943", "1063073", "1363712"}


# --------------------------------------------------------------------------------------------------
# R-peaks of other detectors
# --------------------------------------------------------------------------------------------------

GOOD = {
    "peaks": [np.array([10, 20]), np.array([5])],
    "reliability": np.ones(2),
    "sampling_rate": 100,
    "n_times": 100,
}


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"peaks": np.array([10, 20])}, r"1-D array for each record.*For a single record"),
        ({"peaks": 3}, "peaks must be a list with an array for each record, got 3"),
        ({"peaks": [[20, 10], [5]]}, "strictly ascending, got 20 before 10 in record 0"),
        ({"peaks": [[10], [5, 5]]}, "strictly ascending, got 5 before 5 in record 1.*np.unique"),
        ({"peaks": [[10], [-1, 5]]}, r"peaks must be in \[0, n_times=100\), got -1 in record 1"),
        ({"peaks": [[10, 100], [5]]}, "got 100 in record 0. Pass time points"),
        ({"peaks": [[10], [0.05]]}, "must be integers.*dtype float64 for record 1. Round times"),
        ({"peaks": [[10], [5, np.nan]]}, "peaks contains NaN in record 1. Leave these beats out"),
        ({"peaks": [[True], [5]]}, "must be integers.*dtype bool"),
        ({"peaks": [["a"], [5]]}, "must be integers"),
        ({"reliability": np.ones(3)}, r"each of the 2 records in peaks, got shape \(3,\)"),
        ({"reliability": 1}, "reliability must have one number for each"),
        ({"reliability": [1, 1.5]}, r"reliability must be in \[0, 1\], got 1.5 for record 1"),
        ({"reliability": [np.nan, 1]}, r"got nan for record 0. Pass 1 if it is unknown"),
        ({"sampling_rate": 0}, "sampling_rate must be a positive number in Hz, got 0"),
        ({"sampling_rate": np.nan}, "sampling_rate must be a positive number in Hz, got nan"),
        ({"sampling_rate": "100"}, "sampling_rate must be a positive number in Hz, got '100'"),
        ({"n_times": 99.5}, "n_times must be a number of time points, got 99.5"),
        ({"similarity": [[1, 1]]}, "similarity must be a list with an array for each of 2 records"),
        ({"similarity": [[1], [1]]}, "one value per R-peak, got shape .* 2 R-peaks of record 0"),
        ({"similarity": [[1, 1], [3]]}, r"similarity must be in \[-1, 1\] or NaN.*record 1"),
        ({"spikes": [[1]]}, "spikes has 1 records, but peaks has 2"),
        (
            {"spikes": [[1], [3, 2]]},
            "spikes must be strictly ascending, got 3 before 2 in record 1",
        ),
    ],
)
def test_errors_of_r_peaks(changes, message):
    RPeaks(**GOOD)
    with pytest.raises(ValueError, match=message):
        RPeaks(**{**GOOD, **changes})


def test_r_peaks_takes_lists_and_no_beats():
    rhythm = RPeaks([[10, 20, 31], []], [1, 0], 100, 100, similarity=[[1, np.nan, 0.5], []])
    assert [peaks.dtype.kind for peaks in rhythm.peaks] == ["i", "i"]
    assert [len(marks) for marks in rhythm.ectopic()] == [3, 0]
    assert np.isnan(rhythm.heart_rate()[1])
    assert RPeaks([], [], 100, 100).rr_intervals() == []

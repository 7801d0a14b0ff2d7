"""Pacemaker spikes: R-peaks, median beats and features are those of the complexes."""

import numpy as np
import pytest

from sklearn_ecg import detect_r_peaks
from sklearn_ecg.beats._spikes import remove_spikes
from sklearn_ecg.datasets import load_ludb, load_ptbxl, make_ecg
from sklearn_ecg.preprocessing import BeatFeatures, MedianBeat


def bump(times, start, stop):
    phase = np.clip((times - start) / (stop - start), 0, 1)
    return 0.5 - 0.5 * np.cos(2 * np.pi * phase)


def paced_record(rate, spike, *, chambers="V", width=0.001, n_leads=12, wide=True, seed=0):
    """Ten seconds of paced beats.

    Returns the signals with and without spikes, the middle of each QRS and the spikes, the last
    two in time points. An atrial spike comes before the P wave, a ventricular one before the QRS.
    """
    rng = np.random.default_rng(seed)
    times = np.arange(10 * rate) / rate
    middle = np.arange(0.5, 9.7, 60 / rng.uniform(55, 95))
    qrs, spread = (0.16, 0.4) if wide else (0.08, 0)
    wave = np.zeros(len(times))
    p_wave = np.zeros(len(times))
    spikes = []
    for time in middle:
        wave += bump(times, time - qrs / 2, time + qrs / 2)
        wave += spread * bump(times, time - 0.1 * qrs, time + qrs / 2)
        wave += (-0.4 if wide else 0.3) * bump(times, time + 0.2, time + 0.42)
        p_wave += 0.12 * bump(times, time - qrs / 2 - 0.18, time - qrs / 2 - 0.08)
        spikes += [time - qrs / 2 - {"A": 0.21, "V": 0.03}[chamber] for chamber in chambers]
    heights = rng.uniform(0.6, 1.6, n_leads) * rng.choice([-1, 1], n_leads)
    clean = heights[:, None] * wave + ("A" in chambers) * p_wave
    clean += rng.normal(0, 0.01, clean.shape)
    gains = rng.uniform(0.3, 1, n_leads) * rng.choice([-1, 1], n_leads)
    gains[0] = 1
    spikes = np.ceil(np.sort(spikes) * rate).astype(int)
    signals = clean.copy()
    for shift in range(max(1, round(width * rate))):
        signals[:, spikes + shift] += spike * gains[:, None]
    return signals, clean, middle * rate, spikes


RATES = (100, 125, 250, 360, 500, 1000)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("chambers", ["V", "A", "AV"])
@pytest.mark.parametrize("wide", [True, False])
def test_r_peaks_are_on_the_complexes(rate, chambers, wide):
    wrong = 0
    for spike in (2, 5, 10, 20):
        for width in (0.001, 0.002):
            X, middle, spikes = [], [], []
            for seed in range(3):
                record = paced_record(
                    rate, spike, chambers=chambers, width=width, wide=wide, seed=seed
                )
                X.append(record[0])
                middle.append(record[2])
                spikes.append(record[3])
            rhythm = detect_r_peaks(np.array(X), rate)
            for true, at, found in zip(middle, spikes, rhythm.peaks):
                distance = np.abs(true[:, None] - found)
                right = len(found) == len(true) and distance.min(axis=1).max() <= 0.1 * rate
                right &= np.abs(found[:, None] - at).min() > 0.002 * rate
                wrong += not right
    assert wrong <= 1  # of 24


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("n_leads", [1, 12])
@pytest.mark.parametrize("spike, width", [(2, 0.001), (20, 0.001), (5, 0.002)])
def test_spikes_are_removed_and_nothing_else(rate, n_leads, spike, width):
    signals, clean, _, spikes = paced_record(
        rate, spike, chambers="AV", width=width, n_leads=n_leads
    )
    removed, record, time = remove_spikes(signals[None], rate)
    assert len(time) == len(spikes) and (record == 0).all()
    assert np.abs(time - spikes).max() <= max(1, 0.002 * rate)
    changed = np.flatnonzero((removed[0] != signals).any(axis=0))
    assert np.abs(changed[:, None] - spikes).min(axis=1).max() <= max(1, 0.005 * rate)
    assert np.abs(removed[0] - clean).max() < 0.1 + 0.02 * (rate == 100)


def test_detector_lists_the_spikes():
    signals, _, _, spikes = paced_record(500, 20)
    normal = make_ecg(1, sampling_rate=500, class_sep=np.inf, random_state=0).data[0]
    rhythm = detect_r_peaks(np.array([normal, signals, normal]), 500)
    assert [len(times) for times in rhythm.spikes] == [0, len(spikes), 0]
    assert np.abs(rhythm.spikes[1] - spikes).max() <= 1
    alone = detect_r_peaks(normal[None], 500)
    for record in (0, 2):
        np.testing.assert_array_equal(rhythm.peaks[record], alone.peaks[0])
        assert rhythm.reliability[record] == alone.reliability[0]


@pytest.mark.parametrize("make", [make_ecg])
@pytest.mark.parametrize("rate", RATES)
def test_normal_records_have_no_spikes(make, rate):
    for noise in (0.01, 0.1):
        X = make(10, sampling_rate=rate, noise=noise, random_state=0).data
        same, record, _ = remove_spikes(X, rate)
        assert same is X and len(record) == 0


@pytest.mark.parametrize("rate", [100, 250, 500, 1000])
@pytest.mark.parametrize("chambers", ["V", "A", "AV"])
def test_median_beat_and_features_are_those_without_spikes(rate, chambers):
    signals, clean, _, spikes = paced_record(rate, 10, chambers=chambers)
    beat = MedianBeat(rate).fit(clean[None])
    np.testing.assert_allclose(
        beat.transform(signals[None]), beat.transform(clean[None]), atol=0.03 if rate > 100 else 0.1
    )
    report = beat.report(signals[None])
    assert report["spikes_removed"][0] == len(spikes)
    assert beat.report(clean[None])["spikes_removed"][0] == 0
    features = BeatFeatures(rate, drop_empty=False).fit(clean[None])
    names = list(features.get_feature_names_out())
    with_spikes, without = features.transform(signals[None])[0], features.transform(clean[None])[0]
    for name in ("V1__qrs_amplitude", "V5__qrs_amplitude", "global__heart_rate"):
        place = names.index(name)
        assert with_spikes[place] == pytest.approx(without[place], rel=0.05), name
    place = names.index("global__qrs_duration")
    assert with_spikes[place] == pytest.approx(without[place], abs=12)


def test_short_records_have_no_spikes():
    for n_times in (1, 4, 5, 13, 30):
        X = np.zeros((2, 3, n_times))
        assert remove_spikes(X, 500)[0] is X


def test_real_records(data_folder):
    """All records of LUDB with spikes are of patients with a pacemaker."""
    ludb = load_ludb(data_folder / "ludb")
    _, record, time = remove_spikes(ludb.data, 500)
    assert len(np.unique(record)) == 7 and len(time) > 35
    X = load_ptbxl(data_folder / "ptbxl", folds=[1, 2]).data
    assert remove_spikes(X, 100)[0] is X

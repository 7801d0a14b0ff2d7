"""BeatSMOTE, and the interpolation between two records."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.interpolate import CubicSpline

from sklearn_ecg import detect_r_peaks
from sklearn_ecg.beats._beat_averaging import derived_leads
from sklearn_ecg.datasets import load_ptbxl, make_ecg
from sklearn_ecg.imbalance import BeatSMOTE, RecordOverSampler
from sklearn_ecg.imbalance._beat_warp import BeatTimes, interpolate_records, match_beats
from sklearn_ecg.leads import to_lead_frame
from sklearn_ecg.preprocessing import BeatFeatures

LEADS = ["I", "II", "III", "V2"]
RATE = 100


def make_record(peaks, shape, n_times=1000, offset=0):
    """Two leads of P waves, QRS complexes and T waves of given heights at known times.

    The T wave is where the square root of the RR interval puts it.
    """
    time = np.arange(n_times)
    record = np.full((2, n_times), float(offset))
    intervals = np.diff(peaks, append=2 * peaks[-1] - peaks[-2])
    for peak, interval in zip(peaks, intervals):
        t_wave = peak + 0.30 * np.sqrt(interval / RATE) * RATE
        for lead, (p, qrs, t) in enumerate(shape):
            record[lead] += p * np.exp(-(((time - peak + 15) / 2) ** 2))
            record[lead] += qrs * np.exp(-(((time - peak) / 2) ** 2))
            record[lead] += t * np.exp(-(((time - t_wave) / 4) ** 2))
    return record


def beats_of(peaks, ectopic=()):
    peaks = np.asarray(peaks)
    return BeatTimes.from_peaks(peaks, np.isin(np.arange(len(peaks)), ectopic))


def slow_interpolation(record, neighbor, peaks, other_peaks, matched, gap):
    """The formulas for one time point after another, for records without ectopic beats."""

    def level(values, peaks, time):
        """The value at a time of the lines through the PR segments."""
        windows = [range(peak - 9, peak - 6) for peak in peaks if peak >= 9]
        means = [np.mean([values[t] for t in window]) for window in windows]
        return np.interp(time, [window[1] for window in windows], means)

    def intervals(peaks, i):
        before = peaks[i] - peaks[i - 1] if i > 0 else peaks[1] - peaks[0]
        after = peaks[i + 1] - peaks[i] if i + 1 < len(peaks) else peaks[-1] - peaks[-2]
        return before, after

    n_times = record.shape[1]
    new = record.astype(float).copy()
    for lead in range(len(record)):
        leveled = [
            neighbor[lead, t] - level(neighbor[lead], other_peaks, t) for t in range(n_times)
        ]
        spline = CubicSpline(range(n_times), leveled)
        for t in range(n_times):
            own = record[lead, t] - level(record[lead], peaks, t)
            for i, j in enumerate(matched):
                (before, after), (other_before, other_after) = (
                    intervals(peaks, i),
                    intervals(other_peaks, j),
                )
                from_peak = t - peaks[i]
                start, stop = -before / 3, 2 * after / 3
                other_start, other_stop = -other_before / 3, 2 * other_after / 3
                p_start = -min(20, 0.9 * -start, 0.9 * -other_start)
                qrs_end = min(6, 0.3 * stop, 0.3 * other_stop)
                t_end = min(0.36 * np.sqrt(after / 100) * 100, 0.9 * stop)
                other_t_end = min(0.36 * np.sqrt(other_after / 100) * 100, 0.9 * other_stop)

                def between(a, b, c, d):
                    return c + (from_peak - a) / (b - a) * (d - c)

                if from_peak < start:
                    other = other_start + from_peak - start
                elif from_peak < p_start:
                    other = between(start, p_start, other_start, p_start)
                elif from_peak < qrs_end:
                    other = from_peak
                elif from_peak < t_end:
                    other = between(qrs_end, t_end, qrs_end, other_t_end)
                elif from_peak < stop:
                    other = between(t_end, stop, other_t_end, other_stop)
                else:
                    other = other_stop + from_peak - stop
                rise = min(max((from_peak - start + 2) / 4, 0), 1)
                fall = min(max((stop + 2 - from_peak) / 4, 0), 1)
                place = min(max(other_peaks[j] + other, 0), n_times - 1)
                if rise * fall > 0:
                    new[lead, t] += gap * rise * fall * (spline(place) - own)
    return new


def test_interpolation_is_that_of_a_slow_loop():
    rng = np.random.RandomState(0)
    peaks = np.array([20, 95, 180, 250, 340])
    other_peaks = np.array([5, 70, 150, 230, 290, 370])
    record, neighbor = rng.normal(size=(2, 2, 400))
    matched = match_beats(beats_of(peaks), beats_of(other_peaks))
    fast = interpolate_records(record, neighbor, beats_of(peaks), beats_of(other_peaks), 0.3, RATE)
    slow = slow_interpolation(record, neighbor, peaks, other_peaks, matched, 0.3)
    np.testing.assert_allclose(fast, slow, atol=1e-9)


def test_beats_at_other_times_are_interpolated_as_if_they_coincided():
    """With the same heart rate, the result is a record of the interpolated waves."""
    peaks, other_peaks = np.arange(40, 1000, 80), np.arange(71, 1000, 80)
    shape, other_shape = [(0.1, 1, 0.3), (0.05, -0.5, 0.2)], [(0.2, 2, -0.1), (0, 0.5, 0.4)]
    record = make_record(peaks, shape)
    neighbor = make_record(other_peaks, other_shape, offset=3)
    new = interpolate_records(record, neighbor, beats_of(peaks), beats_of(other_peaks), 0.25, RATE)
    expected = make_record(peaks, 0.75 * np.array(shape) + 0.25 * np.array(other_shape))
    np.testing.assert_allclose(new[:, 30:980], expected[:, 30:980], atol=0.002)
    # The average of time points, as in SMOTE, has two QRS complexes per beat.
    assert np.abs((0.75 * record + 0.25 * (neighbor - 3) - expected)[0]).max() > 0.2


@pytest.mark.parametrize("other_rr", [60, 110])
def test_other_heart_rates(other_rr):
    """P and QRS keep their width, and the T wave is where the RR interval of the record puts it."""
    peaks, other_peaks = np.arange(40, 1000, 80), np.arange(50, 1000, other_rr)
    shape = [(0.1, 1, 0.3), (0.05, -0.5, 0.2)]
    record, neighbor = make_record(peaks, shape), make_record(other_peaks, shape)
    new = interpolate_records(record, neighbor, beats_of(peaks), beats_of(other_peaks), 1, RATE)
    for peak in peaks[1:-1]:
        qrs = slice(peak - 18, peak + 7)
        np.testing.assert_allclose(new[:, qrs], record[:, qrs], atol=0.003)
        t_wave = slice(peak + 10, peak + 40)
        assert abs(new[0, t_wave].argmax() - record[0, t_wave].argmax()) <= 1
    # Nothing jumps where the beats of the neighbor start again, or at their ends.
    assert np.abs(np.diff(new)).max() < 1.05 * np.abs(np.diff(record)).max()


def test_ectopic_beats_and_ends_are_kept():
    peaks, other_peaks = np.arange(100, 880, 80), np.arange(60, 1000, 80)
    record = make_record(peaks, [(0.1, 1, 0.3), (0, 1, 0)])
    neighbor = make_record(other_peaks, [(0, -1, 0), (0, 2, 0)])
    beats = beats_of(peaks, ectopic=[4])
    new = interpolate_records(record, neighbor, beats, beats_of(other_peaks), 1, RATE)
    kept = slice(peaks[4] - 24, peaks[4] + 50)
    np.testing.assert_array_equal(new[:, kept], record[:, kept])
    np.testing.assert_array_equal(new[:, :70], record[:, :70])
    np.testing.assert_array_equal(new[:, 880:], record[:, 880:])
    assert np.abs(new - record)[0, peaks[5]] > 1.9
    # Nor are the ectopic beats of the other record used.
    other = beats_of(other_peaks, ectopic=[3, 4])
    used = match_beats(beats, other)
    assert set(used) <= {1, 2, *range(5, 11)} and len(used) == 9


def test_no_gap_changes_nothing():
    rng = np.random.RandomState(0)
    record, neighbor = rng.normal(size=(2, 2, 400))
    peaks = np.arange(20, 400, 70)
    new = interpolate_records(record, neighbor, beats_of(peaks), beats_of(peaks), 0, RATE)
    np.testing.assert_array_equal(new, record)


@pytest.mark.parametrize("rounding", [0, 0.001])
def test_identities_of_the_limb_leads(rounding):
    rng = np.random.RandomState(0)
    names = ("I", "II", "III", "aVR", "aVL", "aVF")
    weights = np.array([[1, 0], [0, 1], [-1, 1], [-0.5, -0.5], [1, -0.5], [-0.5, 1]])
    limb = np.einsum("lk,rkt->rlt", weights, rng.normal(size=(2, 2, 400)).cumsum(axis=2))
    if rounding:
        limb = np.round(limb / rounding) * rounding
    peaks, other_peaks = np.arange(20, 400, 70), np.arange(33, 400, 62)
    new = interpolate_records(
        *limb, beats_of(peaks), beats_of(other_peaks), 0.6, RATE, derived_leads(names)
    )

    def deviation(record):
        return record - weights @ record[:2]

    assert np.abs(new - limb[0]).max() > 1
    np.testing.assert_allclose(deviation(new), deviation(limb[0]), atol=1e-12)


def test_leads_without_identities_are_interpolated_as_they_are():
    """Standardized leads, for example, are only named like limb leads."""
    rng = np.random.RandomState(0)
    record, neighbor = rng.normal(size=(2, 3, 400))
    peaks = np.arange(20, 400, 70)
    arguments = record, neighbor, beats_of(peaks), beats_of(peaks + 5), 0.6, RATE
    plain = interpolate_records(*arguments)
    named = interpolate_records(*arguments, derived_leads(("I", "II", "III")))
    np.testing.assert_array_equal(plain, named)


# The sampler


def resample(ecg, groups=None, y=None, **params):
    sampler = BeatSMOTE(RATE, **{"random_state": 0, "lead_names": LEADS, **params})
    X, y = sampler.fit_resample(ecg.data, ecg.target if y is None else y, groups=groups)
    return sampler, X, y


def test_new_records(ecg):
    sampler, X, y = resample(ecg)
    np.testing.assert_array_equal(X[:60], ecg.data)
    assert X.dtype == ecg.data.dtype and np.isfinite(X).all()
    assert np.bincount(y).tolist() == [48, 48]
    np.testing.assert_array_equal(y, ecg.target[sampler.sample_indices_])
    sources, neighbors = sampler.sample_indices_[60:], sampler.neighbor_indices_[60:]
    gaps = sampler.gaps_[60:]
    assert (ecg.target[neighbors] == 1).all() and (sources != neighbors).all()
    assert ((gaps >= 0) & (gaps < 1)).all() and len(np.unique(gaps)) == 36
    assert (sampler.neighbor_indices_[:60] == -1).all() and not sampler.gaps_[:60].any()
    rhythm = detect_r_peaks(ecg.data, RATE, lead_names=LEADS)
    ectopic = rhythm.ectopic()
    for new, source, neighbor, gap in zip(X[60:], sources, neighbors, gaps):
        beats = [BeatTimes.from_peaks(rhythm.peaks[i], ectopic[i]) for i in (source, neighbor)]
        expected = interpolate_records(
            ecg.data[source], ecg.data[neighbor], *beats, gap, RATE, derived_leads(LEADS)
        )
        np.testing.assert_allclose(new, expected, atol=1e-6)
    # R-peaks are where they were.
    found = detect_r_peaks(X[60:], RATE, lead_names=LEADS)
    for peaks, source in zip(found.peaks, sources):
        # Near the ends of the record, beats may be missed.
        peaks, expected = (p[(p > 20) & (p < 380)] for p in (peaks, rhythm.peaks[source]))
        assert len(peaks) == len(expected) and np.abs(peaks - expected).max() <= 1
    lead_i, lead_ii, lead_iii, _ = X.transpose(1, 0, 2)
    assert np.abs(lead_ii - lead_i - lead_iii).max() < 1e-5


def test_neighbors_are_the_nearest(ecg):
    """By the median beats, over the leads that are not derived."""
    from sklearn_ecg.beats._beat_averaging import average_beats

    sampler, _, _ = resample(ecg, k_neighbors=3)
    beats = average_beats(ecg.data, tuple(LEADS), float(RATE), -30, 50).beats[:, [0, 1, 3]]
    members = np.flatnonzero(ecg.target == 1)
    used = {}
    for source, neighbor in zip(sampler.sample_indices_[60:], sampler.neighbor_indices_[60:]):
        distances = {
            other: np.linalg.norm(beats[source] - beats[other])
            for other in members
            if other != source
        }
        nearest = sorted(distances, key=distances.get)[:3]
        assert neighbor in nearest
        used.setdefault(source, set()).add(nearest.index(neighbor))
    assert set().union(*used.values()) == {0, 1, 2}


def test_draws_are_those_of_record_over_sampler(ecg, indicator):
    for y in (ecg.target, indicator):
        plain = RecordOverSampler(random_state=4)
        plain.fit_resample(ecg.data, y)
        sampler, _, _ = resample(ecg, y=y, random_state=4)
        np.testing.assert_array_equal(sampler.sample_indices_, plain.sample_indices_)
        assert sampler.sampling_strategy_ == plain.sampling_strategy_


def test_neighbors_are_of_other_patients(ecg):
    sampler, _, _ = resample(ecg, groups=ecg.groups)
    new = sampler.neighbor_indices_[60:]
    assert (new >= 0).all()
    assert (ecg.groups[new] != ecg.groups[sampler.sample_indices_[60:]]).all()
    without, _, _ = resample(ecg)
    same = ecg.groups[without.neighbor_indices_[60:]] == ecg.groups[without.sample_indices_[60:]]
    assert same.any()


def test_neighbors_have_similar_heart_rates():
    slow = make_ecg(
        20, heart_rate=(45, 55), duration=6, regions="anterior", class_sep=np.inf, random_state=0
    )
    fast = make_ecg(
        20, heart_rate=(120, 140), duration=6, regions="anterior", class_sep=np.inf, random_state=1
    )
    X = np.concatenate([slow.data[:4], fast.data[:4], slow.data[4:]])
    y = np.repeat([1, 0], [8, 16])
    sampler = BeatSMOTE(RATE, k_neighbors=7, random_state=0)
    sampler.fit_resample(X, y)
    sources, neighbors = sampler.sample_indices_[24:], sampler.neighbor_indices_[24:]
    assert set(neighbors) <= set(range(8))
    np.testing.assert_array_equal(sources < 4, neighbors < 4)


def test_a_class_of_one_patient_is_repeated(ecg):
    groups = np.where(ecg.target == 1, -1, np.arange(60))
    with pytest.warns(UserWarning, match="36 of 36 new records are repeated unchanged"):
        sampler, X, _ = resample(ecg, groups=groups)
    np.testing.assert_array_equal(X, ecg.data[sampler.sample_indices_])


def test_multilabel(ecg, indicator):
    sampler, X, y = resample(ecg, y=indicator)
    new, neighbors = sampler.sample_indices_[60:], sampler.neighbor_indices_[60:]
    np.testing.assert_array_equal(y, indicator[sampler.sample_indices_])
    known = neighbors >= 0
    assert known.any()
    np.testing.assert_array_equal(indicator[neighbors[known]], indicator[new[known]])
    # Records that are alone with their labels are repeated.
    same = (indicator[new][:, np.newaxis] == indicator).all(axis=2).sum(axis=1)
    np.testing.assert_array_equal(known, same > 1)
    np.testing.assert_array_equal(X[60:][~known], ecg.data[new[~known]])


def test_unreliable_records_are_repeated(ecg):
    X = ecg.data.copy()
    flat, noise = np.flatnonzero(ecg.target == 1)[:2]
    X[flat] = 0
    X[noise] = np.random.RandomState(0).normal(size=X[noise].shape)
    sampler = BeatSMOTE(RATE, random_state=0)
    X_new, _ = sampler.fit_resample(X, ecg.target)
    new = sampler.sample_indices_[60:]
    repeated = np.isin(new, [flat, noise])
    assert repeated.any()
    np.testing.assert_array_equal(sampler.neighbor_indices_[60:] == -1, repeated)
    assert not np.isin(sampler.neighbor_indices_, [flat, noise]).any()
    np.testing.assert_array_equal(X_new[60:][repeated], X[new[repeated]])
    message = f"2 of 12 records .* have no reliable normal beats: records \\[{flat}, {noise}\\]"
    with pytest.raises(ValueError, match=message):
        BeatSMOTE(RATE, unreliable="raise").fit_resample(X, ecg.target)


def test_records_of_other_classes_may_be_unreliable(ecg):
    X = np.where(ecg.target[:, np.newaxis, np.newaxis] == 0, 0, ecg.data)
    sampler = BeatSMOTE(RATE, unreliable="raise")
    sampler.fit_resample(X, ecg.target)
    assert (sampler.neighbor_indices_[60:] >= 0).all()


def test_short_records_are_repeated(ecg):
    with pytest.warns(UserWarning, match="Check sampling_rate=100"):
        X, _ = BeatSMOTE(RATE).fit_resample(ecg.data[:, :, :50], ecg.target)
    assert X.shape == (96, 4, 50)


def test_every_container(container, ecg, as_rows):
    X, params = container
    sampler = BeatSMOTE(RATE, random_state=0, **params)
    X_new, y_new = sampler.fit_resample(X, ecg.target)
    assert type(X_new) is type(X)
    _, expected, y_expected = resample(ecg)
    np.testing.assert_allclose(as_rows(X_new), as_rows(expected), atol=1e-5)
    np.testing.assert_array_equal(as_rows(X_new)[:60], as_rows(ecg.data))
    np.testing.assert_array_equal(y_new, y_expected)
    if isinstance(X, pd.DataFrame):
        assert X_new.columns.equals(X.columns)
        assert list(X_new.dtypes) == list(X.dtypes)
        assert X_new.attrs == X.attrs


def test_random_state(ecg):
    _, first, _ = resample(ecg)
    _, same, _ = resample(ecg, random_state=np.random.RandomState(0))
    _, other, _ = resample(ecg, random_state=1)
    np.testing.assert_array_equal(first, same)
    assert (first[60:] != other[60:]).any(axis=(1, 2)).all()


def test_measurements_of_new_records_are_between_those_of_their_sources():
    """As measured by another part of the library."""
    ecg = make_ecg(60, prevalence=0.3, noise=0.01, class_sep=np.inf, random_state=1)
    sampler = BeatSMOTE(RATE, random_state=0)
    X, _ = sampler.fit_resample(ecg.data, ecg.target)
    measured = BeatFeatures(sampling_rate=RATE, drop_empty=False).set_output(transform="pandas")
    features = measured.fit_transform(X)
    sources, neighbors = sampler.sample_indices_[60:], sampler.neighbor_indices_[60:]
    gap = sampler.gaps_[60:]
    # Amplitudes nearly so. Durations are no linear functions of the signal.
    tolerances = {
        "V2__s_amplitude": 0.02,
        "V5__r_amplitude": 0.03,
        "V5__t_amplitude": 0.005,
        "global__qrs_duration": 5,
    }
    for name, tolerance in tolerances.items():
        values = features[name].to_numpy()
        expected = (1 - gap) * values[sources] + gap * values[neighbors]
        error = np.abs(values[60:] - expected)
        assert np.nanmedian(error) < tolerance < np.nanstd(values[:60]), name


ERRORS = [
    ({"sampling_rate": None}, {}, "sampling_rate is missing"),
    ({"sampling_rate": 50}, {}, "sampling_rate must be from 100 to 1000 Hz, got 50"),
    ({"sampling_rate": "100"}, {}, "The 'sampling_rate' parameter of BeatSMOTE"),
    ({"k_neighbors": 0}, {}, "The 'k_neighbors' parameter of BeatSMOTE"),
    ({"k_neighbors": 12}, {}, "Class 1 has 12 records, but k_neighbors=12 needs at least 13"),
    ({"unreliable": "drop"}, {}, "The 'unreliable' parameter of BeatSMOTE"),
    ({}, {"X": np.full((60, 4, 400), np.nan)}, "Input X contains NaN"),
    ({}, {"X": np.full((60, 4, 400), np.inf)}, "Input X contains infinity"),
    ({"lead_names": None}, {"X": np.zeros((60, 400))}, "pass the number of leads to BeatSMOTE"),
    ({}, {"y": np.zeros(60)}, "needs records of at least 2 classes"),
    ({}, {"y": np.zeros(59)}, "inconsistent numbers of samples"),
    ({}, {"groups": np.zeros(59)}, "inconsistent numbers of samples"),
]


@pytest.mark.parametrize("params, arguments, message", ERRORS, ids=lambda v: str(v)[:40])
def test_errors(params, arguments, message, ecg):
    sampler = BeatSMOTE(**{"sampling_rate": RATE, "lead_names": LEADS, **params})
    arguments = {"X": ecg.data, "y": ecg.target, **arguments}
    # Only fit_resample takes groups.
    for method in [sampler.fit_resample] + [sampler.fit] * ("groups" not in arguments):
        with pytest.raises(ValueError, match=re.escape(message)):
            method(**arguments)


def test_sampling_rate_of_a_frame_is_compared(ecg):
    frame = to_lead_frame(ecg.data, LEADS, sampling_rate=500)
    with pytest.raises(ValueError, match="BeatSMOTE has sampling_rate=100, but X.attrs"):
        BeatSMOTE(RATE).fit_resample(frame, ecg.target)


def test_real_infarctions(data_folder):
    """PTB-XL is rounded to 1 uV, so that its limb leads deviate by up to 1.5 uV."""
    bunch = load_ptbxl(data_folder / "ptbxl", task="mi", folds=[1, 2, 3])
    X, n = bunch.data, len(bunch.data)
    sampler = BeatSMOTE(RATE, random_state=0)
    X_new, y_new = sampler.fit_resample(X, bunch.target, groups=bunch.groups)
    assert np.isfinite(X_new).all() and np.ptp(np.bincount(y_new)) == 0
    lead_i, lead_ii, lead_iii, avr, avl, avf = X_new[:, :6].astype(float).transpose(1, 0, 2)
    deviations = [
        lead_ii - lead_i - lead_iii,
        avr + (lead_i + lead_ii) / 2,
        avl - (lead_i - lead_iii) / 2,
        avf - (lead_ii + lead_iii) / 2,
    ]
    for deviation in deviations:
        # To 1e-3 uV, those of the records that they start from.
        source = deviation[sampler.sample_indices_[n:]]
        np.testing.assert_allclose(deviation[n:], source, atol=1e-6)
        assert np.abs(deviation).max() < 0.0016
    interpolated = sampler.neighbor_indices_[n:] >= 0
    assert interpolated.mean() > 0.95
    rhythm = detect_r_peaks(X, RATE)
    found = detect_r_peaks(X_new[n:][interpolated], RATE)
    sources = sampler.sample_indices_[n:][interpolated]
    same = [len(p) == len(rhythm.peaks[i]) for p, i in zip(found.peaks, sources)]
    assert np.mean(same) > 0.97

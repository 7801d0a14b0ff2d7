"""Records with NaN at some time points of a lead, as those of printed pages."""

import numpy as np
import pytest

from sklearn_ecg import STANDARD_LEADS, detect_r_peaks, to_lead_frame
from sklearn_ecg.beats import RPeaks
from sklearn_ecg.beats._gaps import (
    Window,
    choose_windows_in_time,
    cover_with_windows,
    number_stretches,
)
from sklearn_ecg.datasets import load_ptbxl, make_ecg
from sklearn_ecg.preprocessing import BeatFeatures, ECGImageRenderer, MedianBeat

RATE = 100
PAGE = {"layout": "3x4", "rhythm_lead": None}
PAGE_WITH_STRIP = {"layout": "3x4+1"}


@pytest.fixture(scope="module")
def X():
    return make_ecg(8, noise=0.02, heart_rate=75, class_sep=np.inf, random_state=0).data


def printed(X, params=PAGE):
    return ECGImageRenderer(RATE, **params).fit(X).visible_signals(X)


# --------------------------------------------------------------------------------------------------
# Windows
# --------------------------------------------------------------------------------------------------


def windows_of(*present, n_times=1000):
    """Return the windows of a record whose leads are present from start to stop."""
    record = np.full((len(present), n_times), np.nan)
    for lead, spans in enumerate(present):
        for start, stop in spans:
            record[lead, start:stop] = 0
    (windows,) = cover_with_windows(record[None], RATE)
    return windows


def test_windows():
    first, second = (0, 500), (500, 1000)
    # Two columns of a page, and a strip.
    assert windows_of([first], [first], [second]) == [(0, 500, (0, 1)), (500, 1000, (2,))]
    assert windows_of([first], [(0, 1000)], [second]) == [
        (0, 1000, (1,)),
        (0, 500, (0, 1)),
        (500, 1000, (1, 2)),
    ]
    # Leads whose ends differ a little are in one window.
    assert windows_of([(10, 490)], [(0, 500)]) == [(0, 500, (0, 1))]
    # Short gaps are in it, long ones divide it.
    assert windows_of([(0, 400), (410, 1000)]) == [(0, 1000, (0,))]
    assert windows_of([(0, 400), (411, 1000)]) == [(411, 1000, (0,)), (0, 400, (0,))]
    # Less than a second is left out.
    assert windows_of([(0, 99)], [(200, 300)]) == [(200, 300, (1,))]
    assert windows_of([]) == []


def test_one_window_for_each_time_point():
    windows = windows_of([(0, 500)], [(0, 1000)], [(500, 1000)])
    chosen, owner = choose_windows_in_time(windows, 1000)
    assert chosen == windows[:1] and (owner == 0).all()
    chosen, owner = choose_windows_in_time(windows[::-1], 1000)
    assert chosen == [windows[2], windows[1]]
    np.testing.assert_array_equal(owner, np.repeat([1, 0], 500))


# --------------------------------------------------------------------------------------------------
# R-peaks
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("params", [PAGE, PAGE_WITH_STRIP, {"layout": "6x2", "rhythm_lead": None}])
def test_r_peaks_of_a_page_are_those_of_the_record(X, params):
    complete, found = detect_r_peaks(X, RATE), detect_r_peaks(printed(X, params), RATE)
    assert (found.reliability > 0.5).all()
    for expected, peaks in zip(complete.peaks, found.peaks):
        distance = np.abs(peaks[:, None] - expected).min(axis=1)
        assert distance.max() <= 3
        # Peaks next to the border of two windows may be missed.
        assert len(peaks) >= len(expected) - 3
    np.testing.assert_allclose(found.heart_rate(), complete.heart_rate(), rtol=0.03)


def test_intervals_between_windows_are_unknown(X):
    rhythm = detect_r_peaks(printed(X), RATE)
    for peaks, mark, intervals in zip(rhythm.peaks, rhythm.after_gap, rhythm.rr_intervals()):
        column = peaks // 250
        np.testing.assert_array_equal(mark, np.diff(column, prepend=column[0]) > 0)
        assert np.isnan(intervals[mark]).all() and np.isnan(intervals[0])
        known = ~mark
        known[0] = False
        np.testing.assert_allclose(intervals[known], np.diff(peaks)[known[1:]] / RATE)
    # A strip is one window.
    assert not np.concatenate(detect_r_peaks(printed(X, PAGE_WITH_STRIP), RATE).after_gap).any()


def test_signals_that_are_lost_for_a_while(X):
    """All leads are lost: beats before and after are those of the parts."""
    lost = X.copy()
    lost[:, :, 420:580] = np.nan
    rhythm = detect_r_peaks(lost, RATE)
    before, after = detect_r_peaks(X[:, :, :420], RATE), detect_r_peaks(X[:, :, 580:], RATE)
    for record in range(len(X)):
        expected = np.concatenate([before.peaks[record], after.peaks[record] + 580])
        np.testing.assert_array_equal(rhythm.peaks[record], expected)
        assert rhythm.after_gap[record].sum() == 1
        assert rhythm.reliability[record] == pytest.approx(
            (before.reliability[record] + after.reliability[record]) / 2
        )
    # The interval across the gap, of about three beats, does not change the heart rate.
    np.testing.assert_allclose(rhythm.heart_rate(), detect_r_peaks(X, RATE).heart_rate(), rtol=0.03)


def test_a_gap_in_one_lead_changes_no_peaks(X):
    """The others are complete, and used alone."""
    gap = X.copy()
    gap[2, 7, 300:420] = np.nan
    expected = X.copy()
    expected[2, 7] = np.nan
    found, other = detect_r_peaks(gap, RATE), detect_r_peaks(expected, RATE)
    np.testing.assert_array_equal(found.peaks[2], other.peaks[2])
    assert not found.after_gap[2].any()


def test_the_window_with_more_leads_is_used_if_it_is_more_reliable(X):
    pages = printed(X, PAGE_WITH_STRIP)
    noise = np.random.RandomState(0).randn(len(X), 1000).astype(np.float32)
    pages[:, 1] = 0.3 * noise
    rhythm = detect_r_peaks(pages, RATE)
    assert (rhythm.reliability > 0.5).all()
    assert all(mark.sum() == 3 for mark in rhythm.after_gap)


def test_too_little_signal():
    X = make_ecg(3, class_sep=np.inf, random_state=0).data
    X[0, :, 90:] = np.nan
    X[1, :, ::50] = np.nan
    rhythm = detect_r_peaks(X, RATE)
    assert len(rhythm.peaks[0]) == 0 and rhythm.reliability[0] == 0
    assert len(rhythm.peaks[1]) > 5
    features = BeatFeatures(RATE, drop_empty=False).fit(X).transform(X)
    assert np.isfinite(features[0]).sum() == 2
    # Every beat contains a gap.
    report = MedianBeat(RATE).fit(X).report(X)
    assert report["status"].tolist() == ["unreliable beats", "no usable beat", "ok"]


# --------------------------------------------------------------------------------------------------
# Beats and features
# --------------------------------------------------------------------------------------------------


def test_records_without_gaps_are_as_before(X):
    """A record with gaps among them changes nothing, bit for bit."""
    mixed = X.copy()
    mixed[3] = printed(X)[3]
    others = np.delete(np.arange(8), 3)
    np.testing.assert_array_equal(
        MedianBeat(RATE).fit_transform(mixed)[others], MedianBeat(RATE).fit_transform(X)[others]
    )
    measure = BeatFeatures(RATE, drop_empty=False).fit(X)
    np.testing.assert_array_equal(measure.transform(mixed)[others], measure.transform(X)[others])
    first, second = detect_r_peaks(mixed, RATE), detect_r_peaks(X, RATE)
    for record in others:
        np.testing.assert_array_equal(first.peaks[record], second.peaks[record])
        assert first.reliability[record] == second.reliability[record]
        assert not first.after_gap[record].any()
    # And a record with gaps does not depend on the others.
    alone = MedianBeat(RATE).fit_transform(mixed[[3]])
    np.testing.assert_array_equal(MedianBeat(RATE).fit_transform(mixed)[[3]], alone)


def test_beats_that_contain_a_gap_are_left_out_of_their_lead(X):
    """As if these beats were not in the record: compared with a mean over the others."""
    gap = X.copy()
    gap[0, 4, 500:520] = np.nan
    window = (-0.3, 0.5)
    transformer = MedianBeat(RATE, window=window).fit(gap)
    complete = MedianBeat(RATE, window=window).fit_transform(X)
    beats = transformer.transform(gap)
    assert np.isfinite(beats).all()
    # Leads that are complete have the same beats, up to the alignment without the other lead.
    others = np.delete(np.arange(12), 4)
    np.testing.assert_allclose(beats[0, others], complete[0, others], atol=0.03)
    np.testing.assert_allclose(beats[0, 4], complete[0, 4], atol=0.06)
    assert not np.array_equal(beats[0, 4], complete[0, 4])
    # The number of beats of each lead.
    average = transformer._average(gap)
    peaks = average.rhythm.peaks[0]
    touched = (peaks + 54 > 500) & (peaks - 34 < 520)
    n_complete = average.n_used_by_lead[0, others]
    assert (n_complete == average.n_used[0]).all()
    assert touched.any() and average.n_used_by_lead[0, 4] >= n_complete[0] - touched.sum()
    assert average.n_used_by_lead[0, 4] < n_complete[0]


@pytest.mark.parametrize("average", ["median", "trimmed_mean"])
def test_beats_of_a_page_are_those_of_its_parts(X, average):
    """Each column of a page is a record of 2.5 s with three leads."""
    options = {"average": average, "unreliable": "nan", "min_reliability": 0}
    beats = MedianBeat(RATE, **options).fit_transform(printed(X))
    for column in range(4):
        leads = np.arange(3 * column, 3 * column + 3)
        part = X[:, leads, 250 * column : 250 * (column + 1)]
        names = [STANDARD_LEADS[lead] for lead in leads]
        expected = MedianBeat(RATE, **options, lead_names=names).fit_transform(part)
        # What is ectopic, and where the QRS starts, is decided for the record.
        expected -= expected.mean(axis=2, keepdims=True)
        found = beats[:, leads] - beats[:, leads].mean(axis=2, keepdims=True)
        np.testing.assert_allclose(found, expected, atol=2e-3)


def test_einthoven_holds_for_leads_with_the_same_beats(X):
    beats = MedianBeat(RATE).fit_transform(printed(X))
    np.testing.assert_allclose(beats[:, 2], beats[:, 1] - beats[:, 0], atol=1e-4)


def test_features_of_a_page(X):
    measure = BeatFeatures(RATE, drop_empty=False).set_output(transform="pandas").fit(X)
    complete, found = measure.transform(X), measure.transform(printed(X, PAGE_WITH_STRIP))
    for name, atol in (
        ("global__heart_rate", 3),
        ("global__qrs_axis", 6),
        ("II__r_amplitude", 0.03),
        ("V2__s_amplitude", 0.1),
        ("V5__r_amplitude", 0.1),
        ("V5__st_level", 0.05),
    ):
        np.testing.assert_allclose(found[name], complete[name], atol=atol, err_msg=name)
    assert (found["global__n_beats"] >= 6).all()


def test_containers(X):
    page = printed(X)
    features = BeatFeatures(RATE, drop_empty=False).fit_transform(page)
    for container, params in (
        (to_lead_frame(page), {}),
        (to_lead_frame(page).to_numpy(), {"lead_names": STANDARD_LEADS}),
        (page.reshape(8, -1), {"n_leads": 12}),
    ):
        other = BeatFeatures(RATE, drop_empty=False, **params).fit_transform(container)
        np.testing.assert_array_equal(other, features)
    page.flags.writeable = False
    before = page.copy()
    BeatFeatures(RATE).fit(page)
    MedianBeat(RATE).fit(page).transform(page)
    np.testing.assert_array_equal(page, before)


def test_spikes_are_removed_from_windows(X):
    paced = X.copy()
    paced[:, :, 40::97] += 3
    transformer = MedianBeat(RATE, unreliable="nan").fit(X)
    report = transformer.report(printed(paced))
    assert (report["spikes_removed"] >= 9).all()
    beats, expected = (transformer.transform(printed(signals)) for signals in (paced, X))
    # Spikes on a QRS complex may change it, but no spike of 3 mV remains.
    assert np.nanmax(np.abs(beats - expected)) < 1.5
    assert np.nanquantile(np.abs(beats - expected), 0.99) < 0.1


def test_record_average_leaves_gaps_out(X):
    flat = np.zeros_like(X)
    flat[:, :, 80:160] = 1
    flat[0, 3, :80] = np.nan
    flat[1, 3] = np.nan
    averages = MedianBeat(RATE, unreliable="record_average").fit_transform(flat)
    assert np.isnan(averages[1, 3]).all()
    assert np.isfinite(np.delete(averages.reshape(-1, 80), 15, axis=0)).all()
    # Windows of 80 time points: the first one of this lead is unknown, the second one is 1.
    values = flat[0, 3, :960].reshape(12, 80)
    expected = np.nanmean(values, axis=0) - np.nanmean(values)
    np.testing.assert_allclose(averages[0, 3], expected, atol=1e-2)


# --------------------------------------------------------------------------------------------------
# RPeaks with gaps
# --------------------------------------------------------------------------------------------------


def test_rhythm_with_gaps():
    peaks = np.array([100, 200, 300, 700, 800, 900])
    mark = np.array([False, False, False, True, False, False])
    rhythm = RPeaks([peaks], np.ones(1), 100, 1000, after_gap=[mark])
    np.testing.assert_array_equal(rhythm.rr_intervals()[0], [np.nan, 1, 1, np.nan, 1, 1])
    assert rhythm.heart_rate()[0] == 60
    assert not rhythm.ectopic()[0].any()
    windows = rhythm.cycles()[0]
    np.testing.assert_array_equal(windows[:, 0] == -1, [True, False, True, True, False, True])
    without = RPeaks([peaks], np.ones(1), 100, 1000).cycles()[0]
    np.testing.assert_array_equal(windows[[1, 4]], without[[1, 4]])
    # A shorter interval across the gap is used for the heart rate.
    close = RPeaks([peaks[[0, 1, 2]] + [0, 0, 10]], [1], 100, 1000, after_gap=[mark[[0, 1, 3]]])
    assert close.heart_rate()[0] == pytest.approx(60 / 1.05)


@pytest.mark.parametrize("n_left", [0, 1])
def test_beat_in_an_interpolated_gap_is_no_rr_interval(X, n_left):
    (peaks,) = detect_r_peaks(X[:1], RATE).peaks
    record = X[:1].copy()
    record[:, : 12 - n_left, peaks[4] - 4 : peaks[4] + 4] = np.nan
    rhythm = detect_r_peaks(record, RATE)
    # The gap is shorter than 0.1 s, so that there is one window, in which the beat is missed.
    np.testing.assert_allclose(rhythm.peaks[0], np.delete(peaks, 4), atol=1)
    np.testing.assert_array_equal(np.flatnonzero(rhythm.after_gap[0]), [4])
    assert np.isnan(rhythm.rr_intervals()[0][4])
    # Single lost values hide no beat.
    record = X[:1].copy()
    record[:, :, ::4] = np.nan
    assert not detect_r_peaks(record, RATE).after_gap[0].any()


def test_stretches():
    record = np.zeros((4, 1000))
    record[:2, 100:104] = record[:, 200:203] = record[0, 300:350] = np.nan
    chosen = [Window(300, 600, (2, 3)), Window(0, 1000, (0, 1, 2, 3))]
    owner = np.repeat([1, 0, 1, -1], [300, 300, 300, 100])
    stretch = number_stretches(record, chosen, owner, RATE)
    # The time around the first window is not continuous, although it is of one window.
    np.testing.assert_array_equal(np.flatnonzero(np.diff(stretch)) + 1, [100, 104, 300, 600, 900])


def test_heart_rate_of_few_beats_between_gaps():
    # Two beats, a gap of two beats, and so on: half of the intervals are across a gap.
    peaks = np.array([0, 100, 400, 500, 800])
    mark = np.array([False, False, True, False, True])
    rhythm = RPeaks(
        [peaks, peaks[:1], peaks[1:3]], np.ones(3), 100, 1000, after_gap=[mark, mark[:1], mark[1:3]]
    )
    np.testing.assert_array_equal(rhythm.heart_rate(), [60, np.nan, np.nan])


def test_similarity_is_compared_within_stretches():
    # Five beats in some leads, two in others, which are less similar to each other.
    peaks = np.arange(50, 750, 100)
    mark = np.array([False, False, False, False, False, True, False])

    def shapes(*last):
        similarity = [np.array([0.98, 0.98, 0.7, 0.98, 0.98, *last])]
        return RPeaks([peaks], [1], 100, 800, similarity, after_gap=[mark]).ectopic()[0]

    np.testing.assert_array_equal(np.flatnonzero(shapes(0.7, 0.7)), [2])
    # Two different beats, none of which is known to be normal.
    np.testing.assert_array_equal(np.flatnonzero(shapes(0.3, 0.3)), [2, 5, 6])
    # Beats that are not completely inside their window.
    np.testing.assert_array_equal(np.flatnonzero(shapes(np.nan, np.nan)), [2])


@pytest.mark.parametrize(
    "after_gap, message",
    [
        ([[True], []], "after_gap must be a list with an array for each of 1 records"),
        ([[True]], "one Boolean per R-peak.* 2 R-peaks of record 0"),
        ([[0, 1]], "one Boolean per R-peak"),
    ],
)
def test_invalid_marks(after_gap, message):
    with pytest.raises(ValueError, match=message):
        RPeaks([[10, 20]], [1], 100, 100, after_gap=after_gap)


# --------------------------------------------------------------------------------------------------
# Real records
# --------------------------------------------------------------------------------------------------


def test_real_records(data_folder):
    ecg = load_ptbxl(data_folder / "ptbxl", folds=[9], missing="drop")
    X = ecg.data[:60]
    complete = detect_r_peaks(X, RATE)
    for params, share in ((PAGE, 0.9), (PAGE_WITH_STRIP, 0.97)):
        page = printed(X, params)
        rhythm = detect_r_peaks(page, RATE)
        assert (rhythm.reliability >= 0.3).mean() >= share
        close = np.abs(rhythm.heart_rate() / complete.heart_rate() - 1) < 0.05
        assert close.mean() >= share
        beats = MedianBeat(RATE, unreliable="nan").fit_transform(page)
        assert np.isfinite(beats).all(axis=2).mean() > 0.85

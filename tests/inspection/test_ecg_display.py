"""Tests of ECGDisplay: geometry, layouts, and what is drawn over the record."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from sklearn_ecg.beats import detect_r_peaks
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import ECGDisplay
from sklearn_ecg.leads import STANDARD_LEADS, to_lead_frame


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def records():
    return make_ecg(3, random_state=0).data


# Geometry


def test_paper_speed(records):
    """A second is 25 mm and a millivolt 10 mm in a new figure."""
    for layout in ("3x4", "6x2", "12x1"):
        for title in (None, "A"):
            display = ECGDisplay(records[0], sampling_rate=100).plot(layout=layout, title=title)
            ax, figure = display.ax_, display.figure_
            figure.canvas.draw()
            origin, second, millivolt = ax.transData.transform([(0, 0), (1, 0), (0, 1)])
            mm = 25.4 / figure.dpi
            assert (second - origin)[0] * mm == pytest.approx(25, rel=1e-6)
            assert (millivolt - origin)[1] * mm == pytest.approx(10, rel=1e-6)


def test_proportion_on_given_axes(records):
    figure, ax = plt.subplots(figsize=(4, 3))
    ECGDisplay(records[0], sampling_rate=100).plot(ax)
    figure.canvas.draw()
    origin, second, millivolt = ax.transData.transform([(0, 0), (1, 0), (0, 1)])
    assert (second - origin)[0] / (millivolt - origin)[1] == pytest.approx(2.5)
    # The scale at which given axes will be drawn is unknown.
    for size in ((4, 3), (30, 20)):
        figure, ax = plt.subplots(figsize=size)
        ECGDisplay(records[0], sampling_rate=100).plot(ax)
        assert [text.get_text() for text in ax.texts][-1] == "squares: 0.2 s, 0.5 mV"
        plt.close(figure)
    own = ECGDisplay(records[0], sampling_rate=100).plot()
    assert [text.get_text() for text in own.ax_.texts][-1] == "25 mm/s, 10 mm/mV"
    # A long record is drawn smaller, in the same proportion.
    long = ECGDisplay(np.zeros((1, 6000)), sampling_rate=100).plot()
    assert long.figure_.get_size_inches()[0] < 20
    assert long.ax_.get_aspect() == 0.4


@pytest.mark.parametrize("layout", ["3x4", "6x2", "12x1"])
def test_traces_are_the_signals(layout, records):
    signals = records[0]
    display = ECGDisplay(signals, sampling_rate=100).plot(layout=layout)
    n_rows, n_columns = map(int, layout.split("x"))
    for i, (lead, signal) in enumerate(zip(STANDARD_LEADS, signals)):
        seconds, values = display.lines_[lead].get_data()
        column, width = i // n_rows, 1000 // n_columns
        part = slice(column * width, (column + 1) * width)
        np.testing.assert_allclose(seconds, np.arange(1000)[part] / 100)
        np.testing.assert_allclose(values - display.baselines_[lead], signal[part], atol=1e-6)
    # Rows from top to bottom, baselines on bold lines of the grid.
    first_column = [display.baselines_[lead] for lead in STANDARD_LEADS[:n_rows]]
    assert (np.diff(first_column) < 0).all() and not np.mod(np.array(first_column) * 2, 1).any()
    if layout == "12x1":
        assert display.rhythm_line_ is None
    else:
        seconds, values = display.rhythm_line_.get_data()
        assert len(seconds) == 1000
        expected = signals[1] - signals[1].mean()
        np.testing.assert_allclose(values - values.mean(), expected, atol=1e-6)


def test_rows_do_not_touch():
    """For waves of any height."""
    rng = np.random.RandomState(0)
    for scale in (0.1, 1, 5):
        display = ECGDisplay(rng.randn(12, 500) * scale, sampling_rate=100).plot(layout="12x1")
        lines = [display.lines_[lead].get_ydata() for lead in STANDARD_LEADS]
        for above, below in zip(lines, lines[1:]):
            assert above.min() > below.max()
        low, high = display.ax_.get_ylim()
        assert low < lines[-1].min() and lines[0].max() < high


def test_artifacts_do_not_make_high_pages(records):
    """Values beyond the limit are drawn at it, marked and counted; a note names the leads."""
    signals = records[0].copy()
    signals[7, 600:610] = 28
    signals[7, 20] = -28  # not shown in the layout 3x4
    signals[8, 999] = -9
    plain = ECGDisplay(records[0], sampling_rate=100).plot()
    display = ECGDisplay(signals, sampling_rate=100).plot()
    assert display.cut_ == {"V2": 10} and plain.cut_ == {}
    low, high = display.ax_.get_ylim()
    assert high - low < 10 + np.ptp(plain.ax_.get_ylim())
    trace = display.lines_["V2"].get_ydata() - display.baselines_["V2"]
    np.testing.assert_allclose(trace[100:110], 5)
    np.testing.assert_allclose(trace[:100], signals[7, 500:600], atol=1e-6)
    (marks,) = [line for line in display.ax_.lines if line.get_color() == "#D55E00"]
    np.testing.assert_allclose(marks.get_xdata(), np.arange(600, 610) / 100)
    assert "cut at 5 mV: V2" in [text.get_text() for text in display.ax_.texts]
    rows = ECGDisplay.from_record(signals[None], 100, layout="12x1")
    assert rows.cut_ == {"V2": 11, "V3": 1}
    assert "cut at 5 mV: V2, V3" in [text.get_text() for text in rows.ax_.texts]
    whole = ECGDisplay.from_record(signals[None], 100, layout="12x1", max_amplitude=None)
    assert whole.cut_ == {} and np.ptp(whole.lines_["V2"].get_ydata()) == pytest.approx(56)
    tight = ECGDisplay.from_record(signals[None], 100, max_amplitude=0.1)
    assert "cut at 0.1 mV: 12 leads" in [text.get_text() for text in tight.ax_.texts]
    # With artifacts in all leads, the page is drawn at a smaller scale, with a note.
    for max_amplitude in (5, None):
        tall = ECGDisplay(np.tile([[-28.0, 28.0]], (12, 500)), sampling_rate=100)
        tall.plot(layout="12x1", max_amplitude=max_amplitude)
        assert tall.figure_.get_size_inches()[1] < 20
        assert tall.ax_.get_aspect() == 0.4
        assert [text.get_text() for text in tall.ax_.texts if "squares" in text.get_text()]


def test_cut_record_with_gaps():
    signals = np.full((1, 200), np.nan)
    signals[0, 50:100] = 7
    display = ECGDisplay(signals, sampling_rate=100).plot()
    assert display.cut_ == {"lead 0": 50}
    assert np.isnan(display.lines_["lead 0"].get_ydata()).sum() == 150


@pytest.mark.parametrize(
    "seconds, layout",
    [(10, "3x4"), (4, "3x4"), (3.99, "6x2"), (2, "6x2"), (1.99, "12x1"), (0.1, "12x1")],
)
def test_layout_of_short_records(seconds, layout, records):
    """Columns show at least a second of each lead, or there is one column. Texts do not overlap."""
    signals = records[0][:, : round(seconds * 100)]
    display = ECGDisplay(signals, sampling_rate=100).plot()
    same = ECGDisplay(signals, sampling_rate=100).plot(layout=layout)
    assert display.baselines_ == same.baselines_
    display.figure_.canvas.draw()
    texts = [text for text in display.ax_.texts if text.get_text()]
    boxes = [text.get_window_extent() for text in [*texts, display.ax_.xaxis.label]]
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[i + 1 :])
        assert box.x1 < display.figure_.bbox.x1


def test_columns_of_short_records_raise(records):
    for n_times, layout in ((199, "3x4"), (99, "6x2")):
        display = ECGDisplay(records[0][:, :n_times], sampling_rate=100)
        with pytest.raises(ValueError, match=f"layout='{layout}' shows .* s of each lead of this "):
            display.plot(layout=layout)
        assert not plt.get_fignums()
        ECGDisplay(records[0][:, : n_times + 1], sampling_rate=100).plot(layout=layout)
        plt.close("all")


def test_calibration_pulse(records):
    """1 mV high, before every row."""
    display = ECGDisplay(records[0], sampling_rate=100).plot()
    pulses = [line.get_ydata() for line in display.ax_.lines if max(line.get_xdata()) < 0]
    assert [np.ptp(pulse) for pulse in pulses] == [1] * 4


def test_empty_r_peaks(records):
    display = ECGDisplay(records[0], sampling_rate=100, r_peaks=[]).plot()
    assert len(display.peaks_.get_xdata()) == 0


def test_layouts_of_other_leads(records):
    display = ECGDisplay(
        records[0][:3], sampling_rate=100, lead_names=["v1", "Lead II", "RESP"]
    ).plot()
    assert list(display.lines_) == ["V1", "II", "RESP"]
    unnamed = ECGDisplay(records[0][:2], sampling_rate=100).plot()
    assert list(unnamed.lines_) == ["lead 0", "lead 1"]
    # The standard leads in another order are in the usual panels.
    order = np.arange(12)[::-1]
    names = [STANDARD_LEADS[i] for i in order]
    shuffled = ECGDisplay(records[0][order], sampling_rate=100, lead_names=names).plot()
    standard = ECGDisplay(records[0], sampling_rate=100).plot()
    for lead in STANDARD_LEADS:
        np.testing.assert_array_equal(
            shuffled.lines_[lead].get_data(), standard.lines_[lead].get_data()
        )
    without = ECGDisplay(records[0], sampling_rate=100).plot(rhythm_lead=None)
    assert without.rhythm_line_ is None
    v1 = ECGDisplay(records[0], sampling_rate=100).plot(rhythm_lead="v1")
    assert np.ptp(v1.rhythm_line_.get_ydata()) == pytest.approx(np.ptp(records[0][6]), rel=1e-5)


def test_gaps_and_flat_records():
    signals = np.zeros((12, 300))
    signals[3, 50:90] = np.nan
    signals[4] = np.nan
    display = ECGDisplay(signals, sampling_rate=100).plot(layout="12x1")
    assert np.isnan(display.lines_["aVR"].get_ydata()).sum() == 40
    display.figure_.canvas.draw()


# What is drawn over the record


def test_marks_of_r_peaks(records):
    rhythm = detect_r_peaks(records, 100)
    for layout, n_rows in (("3x4", 2), ("12x1", 1)):
        display = ECGDisplay.from_record(records, 100, record=1, r_peaks=rhythm, layout=layout)
        seconds = display.peaks_.get_xdata()
        np.testing.assert_allclose(seconds, np.tile(rhythm.peaks[1] / 100, n_rows))
        detected = ECGDisplay.from_record(records, 100, record=1, r_peaks="detect", layout=layout)
        np.testing.assert_array_equal(detected.peaks_.get_xdata(), seconds)
        # Above the trace.
        assert display.peaks_.get_ydata().max() > display.lines_["I"].get_ydata().max()
    given = ECGDisplay.from_record(records, 100, r_peaks=[100, 300], rhythm_lead=None)
    np.testing.assert_array_equal(given.peaks_.get_xdata(), [1, 3])


def test_intervals(records):
    """Each panel shows its own part of an interval."""
    intervals = [(1, 3), (6, 6.5, "V1"), (0, 1, ["V4"])]
    display = ECGDisplay(records[0], sampling_rate=100, intervals=intervals).plot(rhythm_lead=None)
    spans = [(span.get_x(), span.get_width()) for span in display.spans_]
    assert sorted(spans) == sorted([(1, 1.5)] * 3 + [(2.5, 0.5)] * 3 + [(6, 0.5)])
    (v1,) = [span for span in display.spans_ if span.get_x() == 6]
    assert v1.get_y() < display.baselines_["V1"] < v1.get_y() + v1.get_height()
    rows = ECGDisplay(records[0], sampling_rate=100, intervals=intervals).plot(layout="12x1")
    assert len(rows.spans_) == 12 + 1 + 1


def test_heat_map_is_at_its_time(records):
    heat = np.zeros(10)
    heat[6] = 1  # the seventh second, where V1, V2 and V3 are drawn
    display = ECGDisplay(records[0], sampling_rate=100, heat_map=heat).plot(rhythm_lead=None)
    for image in display.heat_:
        values, (left, right, _, _) = image.get_array()[0], image.get_extent()
        assert right - left == 2.5 and len(values) == 250
        assert values.max() == pytest.approx(1 if left == 5 else 0, abs=0.01)
        if left == 5:
            assert values.argmax() == pytest.approx(150, abs=1)
    assert display.colorbar_.mappable.get_clim() == (0, 1)
    per_lead = np.zeros((12, 1000))
    per_lead[7] = 3
    display = ECGDisplay(records[0], sampling_rate=100, heat_map=per_lead).plot(layout="12x1")
    assert [image.get_array().max() for image in display.heat_] == [3 * (i == 7) for i in range(12)]


def test_leads_in_another_order_than_assumed(records):
    with pytest.warns(UserWarning, match="ECGDisplay assumes .* lead 8 is lead 7 minus lead 6"):
        ECGDisplay(np.roll(records[0], 6, axis=0), sampling_rate=100).plot()


def test_containers(records):
    rows = records.reshape(3, -1)
    frame = to_lead_frame(records)
    for X, options in (
        (records, {}),
        (frame, {}),
        (frame.to_numpy(), {}),
        (rows, {"n_leads": 12}),
        (pd.DataFrame(rows), {"n_leads": 12}),
    ):
        for record in (1, -2):
            display = ECGDisplay.from_record(X, 100, record=record, **options)
            np.testing.assert_allclose(display.signals, records[1], atol=1e-6)
    named = ECGDisplay.from_record(frame[["V1", "II"]], 100)
    assert list(named.lines_) == ["V1", "II"]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"signals": np.zeros((2, 12, 100))}, "one record, .* For several records use ECGDisplay"),
        (
            {"signals": np.full((12, 100), 1500.0)},
            "an offset of 1500 mV, but ECGDisplay needs signals around 0 mV. Remove it",
        ),
        ({"signals": np.full((12, 100), np.inf)}, "signals contains infinity"),
        ({"lead_names": ["V1"]}, "lead_names has 1 names, but the record has 12 leads"),
        ({"sampling_rate": 0}, "sampling_rate must be a positive number in Hz, got 0"),
        ({"heat_map": np.zeros((3, 50))}, r"heat_map must have the shape \(n_points,\) or \(12"),
        ({"r_peaks": [0.5, 1.5]}, "r_peaks must be time points, integers from 0 to 999, got array"),
        ({"r_peaks": [10, 1000]}, "Multiply seconds by the sampling rate and round"),
        ({"heat_map": [np.nan]}, "heat_map contains NaN or infinity"),
        ({"intervals": [(2, 1)]}, r"intervals must be a list of \(start, stop\) .* got \(2, 1\)"),
        ({"intervals": [(50, 60)]}, r"The interval \(50, 60\) is outside the record, which has"),
        ({"r_peaks": "detect"}, "r_peaks must be the time points .* got 'detect'. .*from_record"),
        ({"r_peaks": 5}, "r_peaks must be the time points of one record, .* got 5"),
        ({"r_peaks": ["a"]}, "r_peaks must be time points, integers from 0 to 999, got array"),
        ({"heat_map": "a"}, "heat_map must be an array of real numbers, got 'a'"),
        ({"heat_map": [[1], [1, 2]]}, "heat_map must be an array of real numbers"),
        ({"heat_map": []}, r"heat_map must have the shape \(n_points,\) or \(12, n_points\), got"),
        (
            {"intervals": (1, 2)},
            r"intervals must be a list of \(start, .* got 1 in it. Pass a list for",
        ),
        ({"intervals": 5}, r"intervals must be a list of \(start, stop\) .* got 5"),
        ({"intervals": "ab"}, "intervals must be a list of .* got 'ab'"),
        ({"intervals": ["ab"]}, "intervals must be a list of .* got 'ab' in it"),
        ({"intervals": [("a", 2)]}, r"intervals must be a list of .* got \('a', 2\)"),
        ({"intervals": [(0, np.nan)]}, "intervals must be a list of .* and with start < stop"),
        ({"intervals": [(1, 2, "V9")]}, "lead of an interval='V9' is unknown. Pass one of 'I'"),
    ],
    ids=str,
)
def test_invalid_records(options, message, records):
    options = {"signals": records[0], "sampling_rate": 100, **options}
    with pytest.raises(ValueError, match=message):
        ECGDisplay(options.pop("signals"), **options).plot()


def test_invalid_options(records):
    display = ECGDisplay(records[0][:3], sampling_rate=100)
    with pytest.raises(ValueError, match="layout='3x4' requires the twelve standard leads, .*12x1"):
        display.plot(layout="3x4")
    with pytest.raises(ValueError, match="layout='4x3' is unknown. Pass one of '3x4', '6x2'"):
        display.plot(layout="4x3")
    with pytest.raises(ValueError, match="rhythm_lead='V9' is not among the leads I, II"):
        ECGDisplay(records[0], sampling_rate=100).plot(rhythm_lead="V9")
    with pytest.raises(ValueError, match="r_peaks='find' is unknown. Pass one of 'detect'"):
        ECGDisplay.from_record(records, 100, r_peaks="find")
    for max_amplitude in (0, "5", np.nan):
        with pytest.raises(ValueError, match="max_amplitude must be a positive number in mV or No"):
            display.plot(max_amplitude=max_amplitude)
    rhythm = detect_r_peaks(records[:2], 100)
    with pytest.raises(ValueError, match="r_peaks has the peaks of 2 records, but X has 3. Pass"):
        ECGDisplay.from_record(records, 100, r_peaks=rhythm)
    with pytest.raises(ValueError, match="record=3 is not in X, which holds 3 records"):
        ECGDisplay.from_record(records, 100, record=3)
    with pytest.raises(ValueError, match="(?s)ECGDisplay.from_record.*n_leads="):
        ECGDisplay.from_record(records.reshape(3, -1), 100)

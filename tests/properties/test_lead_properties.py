"""Lead names, lead frames and R-peaks: the documented result or error for any arguments."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcomes import Refused, attempt, covers
from strategies import examples, make_signals, records, seeds

from sklearn_ecg import (
    STANDARD_LEADS,
    derive_leads,
    detect_r_peaks,
    is_lead_frame,
    lead_regions,
    normalize_lead_name,
    normalize_lead_names,
    read_lead_frame,
    stack_signals,
    to_lead_array,
    to_lead_frame,
)
from sklearn_ecg.beats import RPeaks

NAMES = (
    "I",
    "II",
    "III",
    "aVR",
    "avl",
    "V1",
    "lead ii",
    "MLII",
    "V9",
    "RESP",
    "",
    " ",
    "é",
    "-aVR",
)
names = st.sampled_from(NAMES) | st.text(max_size=4)
odd_names = st.sampled_from([None, 3, 1.5, b"I", ["I"], np.nan, ("I", "II"), np.str_("v1")])
LIMB = {"III": (-1, 1), "aVR": (-0.5, -0.5), "aVL": (1, -0.5), "aVF": (-0.5, 1)}


@covers(normalize_lead_name)
@examples(80)
@given(names | odd_names)
def test_normalize_lead_name(name):
    lead = attempt(normalize_lead_name, name)
    if not isinstance(lead, Refused):
        assert normalize_lead_name(lead) == lead
        assert normalize_lead_name(name.lower()) == lead


lists_of_names = (
    st.lists(names, max_size=5)
    | st.lists(names | odd_names, max_size=3)
    | st.sampled_from(["I", None, 3, {"I": 0}, np.array(["I", "V1"]), pd.Index(["II"])])
)


@covers(normalize_lead_names)
@examples(80)
@given(lists_of_names, st.booleans())
def test_normalize_lead_names(given_names, strict):
    leads = attempt(normalize_lead_names, given_names, strict=strict)
    if not isinstance(leads, Refused):
        assert len(set(leads)) == len(leads) == len(list(given_names))
        assert normalize_lead_names(leads, strict=strict) == leads


regions = st.sampled_from(
    [
        "twelve",
        "eight",
        "nine",
        {"a": ["I"]},
        {"a": []},
        {},
        {"a": "I"},
        {"a": ["V1", "II"]},
        7,
        ["I"],
    ]
)


@covers(lead_regions)
@examples(80)
@given(lists_of_names | st.just(list(STANDARD_LEADS)), regions)
def test_lead_regions(given_names, regions):
    positions = attempt(lead_regions, given_names, regions)
    if not isinstance(positions, Refused):
        present = normalize_lead_names(given_names, strict=False)
        for members in positions.values():
            assert members and all(0 <= member < len(present) for member in members)


@covers(to_lead_frame, to_lead_array, is_lead_frame, stack_signals)
@examples(80)
@given(data=st.data())
def test_lead_frames(data):
    X = data.draw(records(kinds=("array",)))
    n_leads = 3 if X.signals is None else X.shape[1]
    leads = (
        list(STANDARD_LEADS[:n_leads]) if data.draw(st.booleans()) else data.draw(lists_of_names)
    )
    rate = data.draw(
        st.sampled_from([None, 100, None, 250, None, 2.5, 0, -1, np.nan, np.inf, "100"])
    )
    units = data.draw(st.sampled_from([None, "mV", None, "uV", "", 3]))
    index = data.draw(st.sampled_from([None, None, None, list("abcd"), [], 5]))
    frame = attempt(to_lead_frame, X.X, leads, index=index, sampling_rate=rate, units=units)
    if isinstance(frame, Refused):
        return
    assert attempt(is_lead_frame, frame) == bool(n_leads)
    assert list(frame.columns) == list(normalize_lead_names(leads, strict=False))
    dtype = np.float64 if X.dtype == "float64" else np.float32
    array = attempt(to_lead_array, frame)
    if isinstance(array, Refused):
        assert X.signals.size == 0
        return
    assert array.dtype == dtype
    np.testing.assert_array_equal(array, X.signals.astype(dtype))
    stacked = attempt(stack_signals, frame.to_numpy())
    if X.signals.size:
        np.testing.assert_array_equal(stacked, array)


@covers(to_lead_array, is_lead_frame, stack_signals)
@examples(80)
@given(data=st.data())
def test_any_container_as_leads(data):
    X = data.draw(records()).X
    array = attempt(to_lead_array, X)
    result = attempt(is_lead_frame, X)
    assert isinstance(result, (bool, Refused))
    assert result or not isinstance(array, np.ndarray)
    cells = attempt(stack_signals, X)
    if isinstance(cells, np.ndarray):
        assert cells.ndim == 3 and cells.dtype.kind in "fiub"


@covers(derive_leads)
@examples(60)
@given(data=st.data())
def test_derive_leads(data):
    X = data.draw(records(kinds=("array",)))
    n_leads = 3 if X.signals is None else X.shape[1]
    leads = (
        list(STANDARD_LEADS[:n_leads]) if data.draw(st.booleans()) else data.draw(lists_of_names)
    )
    derive = data.draw(st.sampled_from([list(LIMB), ["aVF"], [], ["V1"], "III", None, ["IV"]]))
    out = attempt(derive_leads, X.X, leads, derive=derive)
    if isinstance(out, Refused):
        return
    X_new, names_new = out
    assert X_new.shape == (X.shape[0], len(names_new), X.shape[2])
    assert set(derive) <= set(names_new)
    present = normalize_lead_names(leads, strict=False)
    signals = X.signals.astype(X_new.dtype)
    for lead in present:
        np.testing.assert_array_equal(
            X_new[:, names_new.index(lead)], signals[:, present.index(lead)]
        )


@covers(read_lead_frame)
@examples(20)
@given(data=st.data())
def test_read_lead_frame(data):
    X = data.draw(records(kinds=("lead frame", "numeric frame"), odd=False, n_times=(2, 5, 50)))
    columns = data.draw(st.sampled_from([None, ["I"], ["V9"], [], "I", ["I", "I"], 3]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "X.parquet"
        frame = X.X.rename(index=str)
        try:
            frame.to_parquet(path)
        except Exception:  # object columns that pandas cannot write
            return
        read = attempt(read_lead_frame, path, columns=columns)
        missing = attempt(read_lead_frame, path.with_name("y"), columns=columns)
        folders = attempt(read_lead_frame, folder)
    assert isinstance(missing, Refused) and isinstance(folders, Refused)
    if not isinstance(read, Refused):
        assert is_lead_frame(read) and X.kind == "lead frame"
        wanted = list(frame.columns) if columns is None else columns
        assert list(read.columns) == wanted and read.index.equals(frame.index)


@covers(detect_r_peaks)
@examples(40)
@given(data=st.data())
def test_detect_r_peaks(data):
    X = data.draw(records())
    rate = data.draw(st.sampled_from([100, 500, 100.5, 1000, 50, 0, None, "100", np.nan, True]))
    lead_names = data.draw(st.sampled_from([None, None, ["I", "II", "V1"], ["I", "I"], "I", [3]]))
    rhythm = attempt(detect_r_peaks, X.X, rate, lead_names=lead_names, **X.params)
    if isinstance(rhythm, Refused):
        is_valid = rate in (100, 500, 100.5, 1000) and rate is not True and lead_names is None
        assert not (X.is_plain and is_valid), rhythm
        return
    assert len(rhythm.peaks) == len(rhythm.reliability) == len(X.signals)
    assert (rhythm.reliability >= 0).all() and (rhythm.reliability <= 1).all()
    for peaks, similarity in zip(rhythm.peaks, rhythm.similarity):
        assert peaks.dtype.kind == "i" and (np.diff(peaks) > 0).all()
        assert ((peaks >= 0) & (peaks < X.shape[2])).all()
        assert len(similarity) == len(peaks)
        assert (np.abs(similarity[np.isfinite(similarity)]) <= 1 + 1e-6).all()
    _check_methods(rhythm)


def _check_methods(rhythm):
    intervals = attempt(rhythm.rr_intervals)
    rates = attempt(rhythm.heart_rate)
    for record, peaks in enumerate(rhythm.peaks):
        assert len(intervals[record]) == len(peaks)
        is_known = intervals[record] > 0
        after_gap = np.zeros(len(peaks), dtype=bool)
        if rhythm.after_gap is not None:
            after_gap = rhythm.after_gap[record]
        np.testing.assert_array_equal(is_known, ~after_gap & (np.arange(len(peaks)) > 0))
        assert np.isnan(intervals[record][~is_known]).all()
        assert np.isnan(rates[record]) == (len(peaks) < 2)
        cycles = attempt(rhythm.cycles)[record]
        assert cycles.shape == (len(peaks), 2) and (cycles < rhythm.n_times).all()
        assert attempt(rhythm.ectopic)[record].shape == (len(peaks),)


peaks = st.sampled_from(
    [
        [1, 5, 9],
        [5],
        [],
        [5, 1],
        [-1, 4],
        [1.5],
        np.array([0, 3], np.uint8),
        np.array([2.0, np.nan]),
        "12",
        [[1], [2]],
        None,
        np.array([[1, 2]]),
        [10**12],
        [True, False],
    ]
)


@covers(RPeaks)
@examples(80)
@given(
    st.lists(peaks, max_size=3) | peaks,
    st.sampled_from([np.ones(1), [1, 0.5], [2], [np.nan], "1", None, [], [0.5] * 3]),
    st.sampled_from([100, 0, -1, None, np.nan, "a", 0.5]),
    st.sampled_from([10, 0, -1, None, 2.5, 10**6]),
    st.sampled_from([None, [[0.5] * 3], [np.nan], [[2.0]], "a", [[0.1], [0.2]]]),
    st.sampled_from([None, [[3]], [[]], [[99]], 4]),
    st.sampled_from([1 / 3, 0, 1, -1, None, "a", np.nan, 0.999]),
)
def test_r_peaks(peaks, reliability, rate, n_times, similarity, spikes, before):
    rhythm = attempt(RPeaks, peaks, reliability, rate, n_times, similarity, spikes)
    valid = RPeaks([np.array([1, 5, 9])], np.ones(1), 100, 10)
    _check_methods(valid)
    attempt(valid.cycles, before=before)
    if not isinstance(rhythm, Refused):
        _check_methods(rhythm)


@pytest.mark.parametrize("kind", ["rows", "array"])
@examples(10)
@given(seed=seeds)
def test_one_time_point_keeps_the_kind_of_names(kind, seed):
    """Records of one time point look alike as rows and as an array; only rows have columns."""
    from sklearn_ecg.preprocessing import LeadScaler

    X = make_signals("noise", 4, 3, 1, seed)
    X = X.reshape(4, 3) if kind == "rows" else X
    found = LeadScaler(n_leads=3).fit(X).get_feature_names_out()
    assert list(found) == [f"lead{i}{'__t0' if kind == 'rows' else ''}" for i in range(3)]

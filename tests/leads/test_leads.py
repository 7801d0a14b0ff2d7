"""Tests of lead names, regions, lead frames and derived leads."""

import copy
import itertools
import json
import pickle
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ecg.leads import (
    REGIONS_8,
    REGIONS_12,
    STANDARD_LEADS,
    _names,
    derive_leads,
    is_lead_frame,
    lead_regions,
    normalize_lead_name,
    normalize_lead_names,
    read_lead_frame,
    stack_signals,
    to_lead_array,
    to_lead_frame,
)


@pytest.fixture
def X():
    """Return six records of twelve leads whose values are all different."""
    return np.arange(6 * 12 * 10, dtype=np.float32).reshape(6, 12, 10)


@pytest.fixture
def frame(X):
    return to_lead_frame(X)


def object_frame(cells, names=("I", "II")):
    """Make a frame of dtype object from rows of cells."""
    table = np.empty((len(cells), len(names)), dtype=object)
    for position in np.ndindex(table.shape):
        table[position] = cells[position[0]][position[1]]
    return pd.DataFrame(table, columns=list(names))


# --------------------------------------------------------------------------------------------------
# Names
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, lead",
    [
        ("AVR", "aVR"),
        ("avr", "aVR"),
        ("aVR", "aVR"),
        ("a VR", "aVR"),
        ("aV-F", "aVF"),
        ("Lead II", "II"),
        ("lead_ii", "II"),
        ("LEAD-II", "II"),
        ("leadII", "II"),
        ("ECG II", "II"),
        ("ECG", None),
        ("EKG lead aVL", "aVL"),
        ("MDC_ECG_LEAD_V3", "V3"),
        ("MLI", "I"),
        ("MLII", "II"),
        ("ML II", "II"),
        ("MLIII", "III"),
        ("MV2", "V2"),
        ("DIII", "III"),
        ("v1", "V1"),
        ("V1 ", "V1"),
        ("V 1", "V1"),
        ("v_6", "V6"),
        ("V-6", "V6"),
        ("iii", "III"),
        ("v9", "V9"),
        ("v4r", "V4R"),
        ("vx", "X"),
        ("Lead Z", "Z"),
        # Inverted leads, differences of leads, and names that are not leads.
        ("-aVR", None),
        ("Lead -aVR", None),
        ("-I", None),
        ("I-II", None),
        ("I II", None),
        ("II-", None),
        ("", None),
        (" ", None),
        ("V", None),
        ("V10", None),
        ("1", None),
        ("RESP", None),
    ],
)
def test_normalize_lead_name(name, lead):
    if lead is not None:
        assert normalize_lead_name(name) == lead
        return
    with pytest.raises(ValueError) as info:
        normalize_lead_name(name)
    message = str(info.value)
    assert message.startswith(f"{name!r} is not a known lead.")
    assert "I, II, III, aVR, aVL, aVF, V1" in message
    assert "Rename it" in message


def test_every_alias_in_every_spelling_gives_its_lead():
    prefixes = ["", "Lead ", "lead_", "ECG-", "MDC_ECG_LEAD_", "  "]
    cases = [str.upper, str.lower, str.title, str.swapcase]
    for (alias, lead), prefix, case in itertools.product(_names._ALIASES.items(), prefixes, cases):
        assert normalize_lead_name(prefix + case(alias)) == lead


def test_standard_names_do_not_change():
    assert normalize_lead_names(_names.KNOWN_LEADS) == _names.KNOWN_LEADS
    assert STANDARD_LEADS == _names.KNOWN_LEADS[:12]


@pytest.mark.parametrize("name", [1, None, b"II", 2.0])
def test_name_must_be_a_string(name):
    with pytest.raises(TypeError, match="must be a str, got"):
        normalize_lead_name(name)
    with pytest.raises(TypeError, match="must be a str, got"):
        normalize_lead_names(["I", name], strict=False)


def test_names_must_not_be_one_string():
    with pytest.raises(TypeError, match="got the single str 'II'"):
        normalize_lead_names("II")


def test_unknown_names_raise_only_if_strict():
    with pytest.raises(ValueError, match="'RESP' is not a known lead"):
        normalize_lead_names(["I", "RESP"])
    assert normalize_lead_names(["i", " RESP"], strict=False) == ("I", " RESP")


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("pair", [("aVR", "AVR"), ("II", "MLII"), ("V1", "V1")])
def test_duplicate_names_raise(pair, strict):
    with pytest.raises(ValueError, match=f"leads '{pair[0]}' and '{pair[1]}' are both lead"):
        normalize_lead_names(["III", *pair], strict=strict)


def test_duplicate_unknown_names_raise():
    with pytest.raises(ValueError, match="'RESP' and 'RESP'"):
        normalize_lead_names(["RESP", "RESP"], strict=False)


# --------------------------------------------------------------------------------------------------
# Regions
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("regions", [REGIONS_12, REGIONS_8])
def test_region_constants_are_immutable_and_can_be_copied(regions):
    with pytest.raises(TypeError):
        regions["inferior"] = ("I",)
    assert all(isinstance(region, tuple) for region in regions.values())
    # clone and joblib copy and pickle an estimator's parameters.
    assert copy.deepcopy(regions) == regions == dict(regions)
    assert pickle.loads(pickle.dumps(regions)) == regions
    assert repr(regions) == repr(dict(regions))


def test_region_constants():
    in_a_region = [lead for region in REGIONS_12.values() for lead in region]
    assert sorted([*in_a_region, "aVR"]) == sorted(STANDARD_LEADS)
    assert sorted(lead for region in REGIONS_8.values() for lead in region) == sorted(
        ["II", "III", "V1", "V2", "V3", "V4", "V5", "V6"]
    )


def test_lead_regions_of_twelve_and_eight():
    assert lead_regions(STANDARD_LEADS) == {
        "inferior": [1, 2, 5],
        "lateral": [0, 4, 10, 11],
        "septal": [6, 7],
        "anterior": [8, 9],
    }
    eight = ["II", "III", "V1", "V2", "V3", "V4", "V5", "V6"]
    expected = {"inferior": [0, 1], "septal": [2, 3], "anterior": [4, 5], "lateral": [6, 7]}
    assert lead_regions(eight, "eight") == expected
    assert lead_regions(eight, REGIONS_8) == expected


def test_lead_regions_follow_names_not_positions():
    names = np.random.default_rng(0).permutation(STANDARD_LEADS)
    for region, positions in lead_regions([str(name).upper() for name in names]).items():
        assert tuple(names[positions]) == REGIONS_12[region]


def test_lead_regions_of_a_mapping_with_aliases_and_unknown_names():
    assert lead_regions(["AVF", "ch1"], {"a": ["ch1", "avf"]}) == {"a": [1, 0]}


@pytest.mark.parametrize(
    "names, regions, error, message",
    [
        (None, "twelve", ValueError, "lead_names=None.*Pass a lead frame.*or lead_names"),
        (["II", "V1"], "twelve", ValueError, "'inferior' needs lead III.*present are II, V1"),
        (["II"], "four", ValueError, "regions='four' is unknown.*'twelve', 'eight' or a mapping"),
        (["II"], [["II"]], TypeError, "regions must be .* got list"),
        (["II"], {}, ValueError, "empty mapping"),
        (["II"], {"a": []}, ValueError, "Region 'a' has no leads"),
        (["II"], {"a": "II"}, TypeError, r"Region 'a' must be a list.*Pass \['II'\]"),
    ],
)
def test_lead_regions_errors(names, regions, error, message):
    with pytest.raises(error, match=message):
        lead_regions(names, regions)


# --------------------------------------------------------------------------------------------------
# Arrays to frames
# --------------------------------------------------------------------------------------------------


def test_frame_has_a_column_of_fixed_size_lists_per_lead(X):
    frame = to_lead_frame(X, index=range(100, 106))
    assert frame.shape == (6, 12)
    assert tuple(frame.columns) == STANDARD_LEADS
    assert (frame.dtypes == pd.ArrowDtype(pa.list_(pa.float32(), 10))).all()
    assert list(frame.index) == list(range(100, 106))
    assert_array_equal(frame.loc[102, "aVR"], X[2, 3])


@pytest.mark.parametrize(
    "dtype, expected",
    [
        (np.float64, np.float64),
        (np.float32, np.float32),
        (np.float16, np.float32),
        (np.int16, np.float32),
        (np.int64, np.float32),
        (bool, np.float32),
        (">f4", np.float32),
        (">f8", np.float64),
    ],
)
def test_dtypes(X, dtype, expected):
    X = (X % 2).astype(dtype)
    array = to_lead_array(to_lead_frame(X))
    assert array.dtype == expected
    assert_array_equal(array, X)


def test_frame_keeps_names_and_nan():
    X = np.full((2, 2, 3), np.nan)
    frame = to_lead_frame(X, ["MLII", "RESP"])
    assert list(frame.columns) == ["II", "RESP"]
    assert_array_equal(to_lead_array(frame), X)


@pytest.mark.parametrize("n_leads", [1, 12])
def test_frame_does_not_share_memory_with_the_array(n_leads):
    X = np.ones((2, n_leads, 3), dtype=np.float32)
    frame = to_lead_frame(X, [f"lead{i}" for i in range(n_leads)])
    X[:] = 0
    assert (to_lead_array(frame) == 1).all()


def test_frame_of_a_memmap_and_of_strided_arrays(X, tmp_path):
    mapped = np.memmap(tmp_path / "X.dat", dtype=np.float32, mode="w+", shape=X.shape)
    mapped[:] = X
    assert_array_equal(to_lead_array(to_lead_frame(mapped)), X)
    assert_array_equal(to_lead_array(to_lead_frame(X[::-2, :, ::3])), X[::-2, :, ::3])
    time_major = np.ascontiguousarray(X.transpose(0, 2, 1)).transpose(0, 2, 1)
    assert_array_equal(to_lead_array(to_lead_frame(time_major)), X)


@pytest.mark.parametrize(
    "shape, kwargs, error, message",
    [
        ((3, 8, 20), {}, ValueError, "X has 8 leads without names.*a list of 8 names"),
        ((3, 20, 12), {}, ValueError, r"20 leads without names.*pass X.transpose\(0, 2, 1\)"),
        ((3, 20), {}, ValueError, r"\(n_records, n_leads, n_times\), got shape \(3, 20\)"),
        ((3, 12, 0), {}, ValueError, "no time points"),
        ((3, 2, 5), {"leads": ["I"]}, ValueError, "leads has 1 names, but X .* has 2 leads"),
        ((3, 2, 5), {"leads": ["II", "MLII"]}, ValueError, "'II' and 'MLII' are both lead II"),
        ((3, 2, 5), {"leads": [0, 1]}, TypeError, "must be a str, got 0"),
        ((3, 12, 5), {"index": [1, 2]}, ValueError, "index has 2 labels, but X has 3 records"),
    ],
)
def test_to_lead_frame_errors(shape, kwargs, error, message):
    with pytest.raises(error, match=message):
        to_lead_frame(np.zeros(shape), **kwargs)


def test_to_lead_frame_requires_numbers(frame):
    with pytest.raises(TypeError, match="real numbers, got dtype complex128"):
        to_lead_frame(np.zeros((1, 12, 2), dtype=complex))
    with pytest.raises(ValueError, match="stack_signals"):
        to_lead_frame(frame.to_numpy())


# --------------------------------------------------------------------------------------------------
# Frames to arrays
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_round_trip_of_permuted_leads_in_any_spelling(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(4, 12, 7))
    order = rng.permutation(12)
    spell = [str.upper, str.lower, "Lead {}".format, "mdc_ecg_lead_{}".format]
    names = [spell[rng.integers(4)](STANDARD_LEADS[i]) for i in order]
    frame = to_lead_frame(X[:, order], names)
    assert_array_equal(to_lead_array(frame), X[:, order])
    assert_array_equal(to_lead_array(frame[list(STANDARD_LEADS)]), X)


@pytest.mark.parametrize(
    "select",
    [
        lambda data: data[2:5],
        lambda data: data[1::2],
        lambda data: data[::-1],
        lambda data: data[:0],
        lambda data: data[np.array([True, False, True, True, False, False])],
        lambda data: data[np.array([5, 0, 0, 3])],
        lambda data: data[2:][:3][1:],
    ],
)
@pytest.mark.parametrize("variable_length", [False, True])
def test_selected_records(X, frame, select, variable_length):
    if variable_length:
        frame = frame.astype(pd.ArrowDtype(pa.list_(pa.float32())))
    selected = select(frame.iloc)
    expected = select(X)
    if variable_length and len(expected) == 0:
        with pytest.raises(
            ValueError, match="no records, and the length of their signals is unknown"
        ):
            to_lead_array(selected)
        return
    array = to_lead_array(selected)
    assert array.shape == expected.shape
    assert array.dtype == np.float32
    assert array.flags.c_contiguous
    assert_array_equal(array, expected)


def test_take_and_selection_by_name(X, frame):
    assert_array_equal(to_lead_array(frame.take([4, 1])), X[[4, 1]])
    assert_array_equal(to_lead_array(frame[["V6", "aVR"]]), X[:, [11, 3]])
    assert_array_equal(to_lead_array(frame.iloc[1:3, ::-4]), X[1:3, ::-4])


def test_concatenated_frames_have_several_chunks(X, frame):
    both = pd.concat([frame.iloc[3:], frame.iloc[:0], frame.iloc[:4]])
    assert both["I"].array.__arrow_array__().num_chunks > 1
    assert_array_equal(to_lead_array(both), np.concatenate([X[3:], X[:4]]))


def test_large_lists_and_integers(X):
    column = pd.Series(X[:, 0].tolist(), dtype=pd.ArrowDtype(pa.large_list(pa.int16())))
    array = to_lead_array(pd.DataFrame({"I": column}))
    assert array.dtype == np.int16
    assert_array_equal(array[:, 0], X[:, 0])


def test_columns_of_different_dtypes_get_the_wider_one(X):
    frame = pd.concat(
        [to_lead_frame(X[:, :1], ["I"]), to_lead_frame(X[:, 1:2].astype(float), ["II"])], axis=1
    )
    assert to_lead_array(frame).dtype == np.float64
    assert to_lead_array(frame, dtype=np.float32).dtype == np.float32
    assert_array_equal(to_lead_array(frame), X[:, :2])


def test_null_within_a_signal_becomes_nan():
    column = pd.Series([[1.0, None], [2.0, 3.0]], dtype=pd.ArrowDtype(pa.list_(pa.float32(), 2)))
    assert_array_equal(to_lead_array(pd.DataFrame({"I": column})), [[[1, np.nan]], [[2, 3]]])


@pytest.mark.parametrize("make", [list, tuple, np.array, pd.Series], ids=lambda make: make.__name__)
def test_object_cells(make):
    frame = object_frame([[make([1.0, 2.0]), make([3.0, 4.0])]] * 3)
    assert is_lead_frame(frame)
    array = to_lead_array(frame)
    assert array.flags.c_contiguous
    assert_array_equal(array, [[[1, 2], [3, 4]]] * 3)
    assert to_lead_array(frame, dtype=np.float32).dtype == np.float32


def test_object_and_arrow_columns_together(X, frame):
    frame["I"] = frame["I"].astype(object)
    assert frame["I"].dtype == object
    assert is_lead_frame(frame)
    assert_array_equal(to_lead_array(frame), X)


@pytest.mark.parametrize("kind", ["fixed", "variable", "object"])
def test_null_cell_raises(kind):
    cells = [[[1.0, 2.0], [1.0, 2.0]], [[1.0, 2.0], None]]
    frame = object_frame(cells)
    if kind != "object":
        size = 2 if kind == "fixed" else -1
        frame = frame.astype(pd.ArrowDtype(pa.list_(pa.float32(), size)))
    frame.index = [7, 8]
    with pytest.raises(ValueError, match=r"record 1 \(index 8\), lead 'II' is null \(1 null cells"):
        to_lead_array(frame)


@pytest.mark.parametrize("null", [None, np.nan, np.float32("nan"), pd.NA, pd.NaT])
def test_null_of_any_kind(null):
    with pytest.raises(ValueError, match="record 0, lead 'II' is null"):
        to_lead_array(object_frame([[[1.0], null], [[1.0], [1.0]]]))


@pytest.mark.parametrize("kind", ["variable", "object"])
def test_cells_of_different_lengths_raise(kind):
    frame = object_frame([[[1.0, 2.0], [1.0, 2.0]], [[1.0, 2.0], [1.0, 2.0, 3.0]]])
    if kind == "variable":
        frame = frame.astype(pd.ArrowDtype(pa.list_(pa.float32())))
    message = "record 0, lead 'I' has 2 time points and record 1, lead 'II' has 3"
    with pytest.raises(ValueError, match=message):
        to_lead_array(frame)


def test_columns_and_chunks_of_different_lengths_raise(X, frame):
    wide = pd.concat([frame[["I"]], to_lead_frame(X[:, 1:2, :4], ["II"])], axis=1)
    with pytest.raises(ValueError, match="'I' has 10 time points and record 0, lead 'II' has 4"):
        to_lead_array(wide)
    long = pd.concat([frame, to_lead_frame(X[..., :4])], ignore_index=True)
    with pytest.raises(ValueError, match="'I' has 10 time points and record 6, lead 'I' has 4"):
        to_lead_array(long)


def test_empty_frame_has_a_length(frame):
    array = to_lead_array(frame.iloc[:0])
    assert array.shape == (0, 12, 10)
    assert array.dtype == np.float32


@pytest.mark.parametrize(
    "frame, error, message",
    [
        (np.zeros((2, 2, 2)), TypeError, "must be a pandas DataFrame.*got ndarray"),
        (pd.DataFrame({"I": [1.0]}), ValueError, "not a lead frame"),
        (pd.DataFrame({"I": [[1.0]], "age": [3]}), ValueError, "signals, but these do not: 'age'"),
        (pd.DataFrame({"I": ["abc"]}), ValueError, "not a lead frame"),
        (pd.DataFrame(index=[0, 1]), ValueError, "no columns"),
        (pd.DataFrame({"I": []}, dtype=object), ValueError, "no records"),
        (object_frame([[[1.0], [[1.0]]]]), ValueError, r"lead 'II' is not a signal.*\(1, 1\)"),
        (object_frame([[[1.0], [1.0]], [3.0, [1.0]]]), ValueError, "record 1, lead 'I' is not a s"),
        (object_frame([[["a"], [1.0]]]), ValueError, "lead 'I' is not a signal: got list"),
    ],
)
def test_to_lead_array_errors(frame, error, message):
    with pytest.raises(error, match=message):
        to_lead_array(frame)


def test_to_lead_array_is_fast():
    frame = to_lead_frame(np.zeros((1000, 12, 1000), dtype=np.float32))
    seconds = []
    for _ in range(3):
        start = time.process_time()
        to_lead_array(frame)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.2


# --------------------------------------------------------------------------------------------------
# Object arrays, and recognition of lead frames
# --------------------------------------------------------------------------------------------------


def test_stack_signals_inverts_to_numpy(X, frame):
    cells = frame.to_numpy()
    assert cells.dtype == object and cells.shape == (6, 12)
    stacked = stack_signals(cells)
    assert stacked.dtype == np.float32
    assert stacked.flags.c_contiguous
    assert_array_equal(stacked, X)
    assert stack_signals(cells, dtype=np.float64).dtype == np.float64
    assert stack_signals(cells, dtype=np.int16).dtype == np.int16


def test_stack_signals_errors(frame):
    cells = frame.to_numpy()
    for wrong in (cells[0], np.zeros((2, 3)), np.zeros((2, 3, 4))):
        with pytest.raises(ValueError, match="object array of shape .n_records, n_leads. whose"):
            stack_signals(wrong)
    with pytest.raises(ValueError, match="no records"):
        stack_signals(cells[:0])
    cells[2, 3] = cells[2, 3][:-1]
    with pytest.raises(ValueError, match="record 0, lead 0 has 10 .* record 2, lead 3 has 9"):
        stack_signals(cells)
    cells[1, 1] = None
    with pytest.raises(ValueError, match="record 1, lead 1 is null"):
        stack_signals(cells)


def test_is_lead_frame(frame):
    assert is_lead_frame(frame)
    assert is_lead_frame(frame.iloc[:0])
    assert is_lead_frame(frame.astype(pd.ArrowDtype(pa.list_(pa.float32()))))
    assert is_lead_frame(object_frame([[None, [1.0]], [[1.0], [1.0]]]))
    for other in (
        pd.DataFrame({"a": [1.0], "b": [2]}),
        pd.DataFrame({"a": [1.0]}, dtype="float64[pyarrow]"),
        pd.DataFrame({"a": ["text"]}),
        pd.DataFrame({"a": ["text"]}, dtype=object),
        pd.DataFrame({"a": [["text"]]}, dtype=pd.ArrowDtype(pa.list_(pa.string()))),
        pd.DataFrame({"a": [None]}, dtype=object),
        pd.DataFrame({"a": [np.zeros((2, 2))]}),
        pd.DataFrame(index=[1, 2]),
        frame["I"],
        frame.to_numpy(),
        [[1.0]],
        None,
    ):
        assert is_lead_frame(other) is False


def test_is_lead_frame_raises_for_other_columns(frame):
    with pytest.raises(ValueError, match="these do not: 'age', 'sex'"):
        is_lead_frame(frame.assign(age=1, sex="f"))


# --------------------------------------------------------------------------------------------------
# Parquet
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index", [None, [5, 3, 8, 1, 2, 9], list("abcdef")])
def test_parquet_round_trip_is_exact(X, tmp_path, dtype, index):
    frame = to_lead_frame((X / 7).astype(dtype), index=index)
    frame.to_parquet(tmp_path / "records.parquet")
    same = read_lead_frame(tmp_path / "records.parquet")
    pd.testing.assert_frame_equal(same, frame, check_exact=True)
    assert (same.dtypes == frame.dtypes).all()
    assert_array_equal(to_lead_array(same), to_lead_array(frame))


def test_parquet_keeps_sampling_rate_and_units(X, tmp_path):
    path = tmp_path / "records.parquet"
    frame = to_lead_frame(X, sampling_rate=257.5, units="mV", index=list("abcdef"))
    assert frame.attrs == {"sampling_rate": 257.5, "units": "mV"}
    frame.to_parquet(path)
    assert read_lead_frame(path).attrs == frame.attrs
    assert read_lead_frame(path, columns=["V1"]).attrs == frame.attrs
    assert to_lead_frame(X).attrs == {}
    to_lead_frame(X).to_parquet(path)
    assert read_lead_frame(path).attrs == {}


def test_pandas_read_parquet_of_a_lead_frame(frame, tmp_path):
    """The user guide describes this behavior of pandas."""
    path = tmp_path / "records.parquet"
    frame.attrs["units"] = "mV"
    frame.to_parquet(path)
    with pytest.raises(NotImplementedError, match="pyarrow type specific parameters"):
        pd.read_parquet(path)
    plain = pd.read_parquet(path, dtype_backend="pyarrow")
    assert plain.attrs == {"units": "mV"}
    assert is_lead_frame(plain)
    assert_array_equal(to_lead_array(plain), to_lead_array(frame))


def test_parquet_for_other_tools(X, tmp_path):
    """The file is a table with a column of lists for each lead, and JSON in the metadata."""
    path = tmp_path / "records.parquet"
    to_lead_frame(X, sampling_rate=257.5, units="mV").to_parquet(path)
    table = pq.read_table(path)
    assert table.column_names == list(to_lead_frame(X).columns)
    assert table.column("II").to_pylist() == X[:, 1].astype(np.float32).tolist()
    notes = json.loads(pq.read_metadata(path).metadata[b"PANDAS_ATTRS"])
    assert notes == {"sampling_rate": 257.5, "units": "mV"}


def test_parquet_without_records_and_with_unknown_names(X, frame, tmp_path):
    path = tmp_path / "records.parquet"
    frame.iloc[:0].to_parquet(path)
    pd.testing.assert_frame_equal(read_lead_frame(path), frame.iloc[:0])
    # Names are read as they are stored, even if they have a standard spelling.
    frame.columns = frame.columns.str.upper()
    frame.to_parquet(path)
    pd.testing.assert_frame_equal(read_lead_frame(path), frame)


def test_parquet_columns(frame, tmp_path):
    path = tmp_path / "records.parquet"
    frame.index = list("abcdef")
    frame.assign(age=50, sex="f").to_parquet(path)
    with pytest.raises(ValueError, match="do not contain signals: 'age', 'sex'. Pass columns"):
        read_lead_frame(path)
    with pytest.raises(ValueError, match=r"not found in the file: \['V7'\]. It contains I, II"):
        read_lead_frame(path, columns=["I", "V7"])
    selected = read_lead_frame(path, columns=["V1", "I"])
    pd.testing.assert_frame_equal(selected, frame[["V1", "I"]])


def test_parquet_lists_of_variable_length_become_fixed(frame, tmp_path):
    path = tmp_path / "records.parquet"
    frame.astype(pd.ArrowDtype(pa.list_(pa.float32()))).to_parquet(path)
    pd.testing.assert_frame_equal(read_lead_frame(path), frame)


def test_parquet_without_columns(tmp_path):
    path = tmp_path / "records.parquet"
    pd.DataFrame(index=[0, 1]).to_parquet(path)
    with pytest.raises(ValueError, match="no columns that contain signals"):
        read_lead_frame(path)


# --------------------------------------------------------------------------------------------------
# Derived leads
# --------------------------------------------------------------------------------------------------


def test_derive_leads_by_definition():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3, 8, 5))
    names = ["V6", "V5", "V4", "V3", "V2", "V1", "II", "I"]
    X_new, leads_new = derive_leads(X, names)
    assert leads_new == STANDARD_LEADS
    assert X_new.flags.c_contiguous and X_new.dtype == np.float64
    first, second = X[:, 7], X[:, 6]
    assert_allclose(X_new[:, 2], second - first)
    assert_allclose(X_new[:, 3], -(first + second) / 2)
    assert_allclose(X_new[:, 4], first - second / 2)
    assert_allclose(X_new[:, 5], second - first / 2)
    assert_array_equal(X_new[:, 6:], X[:, 5::-1])
    # Einthoven's and Goldberger's laws.
    assert_allclose(X_new[:, 3:6].sum(axis=1), 0, atol=1e-12)


def test_derive_leads_keeps_leads_that_are_present():
    X = np.arange(8.0).reshape(1, 4, 2)
    X_new, leads_new = derive_leads(X, ["RESP", "avr", "II", "I"], derive=["aVR"])
    assert leads_new == ("I", "II", "aVR", "RESP")
    assert_array_equal(X_new, X[:, [3, 2, 1, 0]])
    X_new[:] = 0
    assert X[0, 0, 1] == 1
    # Nothing to derive: lead I is not needed.
    assert derive_leads(X[:, :2], ["II", "III"], derive=["III"])[1] == ("II", "III")


def test_derive_leads_of_integers_does_not_round():
    X_new, _ = derive_leads(np.array([[[1], [2]]], dtype=np.int16), ["I", "II"])
    assert X_new.dtype == np.float32
    assert_array_equal(X_new[0, :, 0], [1, 2, 1, -1.5, 0, 1.5])


@pytest.mark.parametrize(
    "names, derive, message",
    [
        (["I", "V1"], ["III"], "Deriving III requires leads I and II, but II is missing"),
        (["V2", "V1"], ["aVR"], "but I and II are missing. The leads present are V2, V1"),
        (["I", "II"], ["V1"], r"derive=\['V1'\] cannot be derived.*only III, aVR, aVL, aVF can"),
        (["I"], ["III"], "leads has 1 names"),
    ],
)
def test_derive_leads_errors(names, derive, message):
    with pytest.raises(ValueError, match=message):
        derive_leads(np.zeros((1, 2, 3)), names, derive=derive)


# --------------------------------------------------------------------------------------------------
# In combination with scikit-learn
# --------------------------------------------------------------------------------------------------


def test_train_test_split(X, frame):
    from sklearn.model_selection import train_test_split

    train, test, rows_train, rows_test = train_test_split(frame, np.arange(6), random_state=0)
    assert_array_equal(to_lead_array(train), X[rows_train])
    assert_array_equal(to_lead_array(test), X[rows_test])


def test_column_transformer_selects_leads_by_name(X, frame):
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import FunctionTransformer

    means = FunctionTransformer(lambda frame: to_lead_array(frame).mean(axis=2))
    transformer = ColumnTransformer([("septal", means, list(REGIONS_12["septal"]))])
    assert_allclose(transformer.fit_transform(frame), X[:, 6:8].mean(axis=2))


def test_permutation_importance_is_per_lead():
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.inspection import permutation_importance

    class SignOfV1(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def predict(self, X):
            return (to_lead_array(X[["V1"]]).mean(axis=(1, 2)) > 0).astype(int)

    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = rng.normal(size=(40, 12, 5)) + 10 * (2 * y - 1)[:, np.newaxis, np.newaxis]
    frame = to_lead_frame(X)
    result = permutation_importance(SignOfV1().fit(frame, y), frame, y, random_state=0)
    important = result.importances_mean > 0
    assert [lead for lead, is_so in zip(STANDARD_LEADS, important) if is_so] == ["V1"]


def test_leads_imports_neither_sklearn_nor_torch():
    code = (
        "import sys; import sklearn_ecg.leads; "
        "sys.exit(any(m in sys.modules for m in ('sklearn', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_nested_lists_of_different_lengths():
    with pytest.raises(ValueError, match="X is a nested list whose parts differ in length"):
        to_lead_frame([[[1.0, 2.0]], [[1.0]]], ["I"])

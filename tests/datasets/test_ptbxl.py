"""Tests of load_ptbxl on a miniature folder, and on PTB-XL if it is available."""

import subprocess
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ecg.datasets import RecordError, _ptbxl, _records, load_ptbxl
from sklearn_ecg.leads import STANDARD_LEADS, LazyRecords, is_lead_frame, to_lead_array

# Not imported here, because the import of wfdb warns with pandas 3.1, and warnings are errors.
wfdb = _records.wfdb

# --------------------------------------------------------------------------------------------------
# A miniature folder
# --------------------------------------------------------------------------------------------------

SCP_CODES = {
    1: {"NORM": 100.0, "SR": 0.0},
    2: {"IMI": 35.0, "NDT": 0.0},
    3: {"ASMI": 0.0, "LAFB": 100.0},
    4: {"SR": 0.0},
    7: {"NORM": 80.0, "LVH": 50.0},
    9: {"NORM": 15.0, "IMI": 50.0},
}
FOLDS = {1: 1, 2: 1, 3: 2, 4: 2, 7: 10, 9: 10}
PATIENTS = {1: 50, 2: 50, 3: 60, 4: 61, 7: 70, 9: 71}
DIAGNOSTIC_CLASS = {
    "NORM": "NORM",
    "IMI": "MI",
    "ASMI": "MI",
    "NDT": "STTC",
    "LAFB": "CD",
    "LVH": "HYP",
}
SUBCLASS = {
    "NORM": "NORM",
    "IMI": "IMI",
    "ASMI": "AMI",
    "NDT": "STTC",
    "LAFB": "LAFB/LPFB",
    "LVH": "LVH",
}


def write_record(folder, name, signal, *, fs=100, names=STANDARD_LEADS, unit="mV", seed=0):
    """Write a record with its leads shuffled and in upper case."""
    order = np.random.default_rng(seed).permutation(len(names))
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # As on its import, wfdb 4.3 calls functions that pandas 3.1 deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        wfdb.wrsamp(
            path.name,
            fs=fs,
            units=[unit] * len(names),
            sig_name=[names[i].upper() for i in order],
            d_signal=signal[order].T,
            fmt=["16"] * len(names),
            adc_gain=[1000.0] * len(names),
            baseline=[0] * len(names),
            write_dir=str(path.parent),
        )


def digital_signal(ecg_id, n_times):
    return np.random.default_rng(ecg_id).integers(-2000, 2000, (12, n_times))


@pytest.fixture
def folder(tmp_path):
    """Six records in PTB-XL's layout; those of folds 1 and 2 also at 500 Hz."""
    database = pd.DataFrame(
        {
            "patient_id": pd.Series(PATIENTS).astype(float),
            "scp_codes": pd.Series(SCP_CODES).map(str),
            "strat_fold": pd.Series(FOLDS),
            "filename_lr": [f"records100/00000/{i:05}_lr" for i in SCP_CODES],
            "filename_hr": [f"records500/00000/{i:05}_hr" for i in SCP_CODES],
        }
    )
    database.to_csv(tmp_path / "ptbxl_database.csv", index_label="ecg_id")
    statements = pd.DataFrame(
        {
            "diagnostic": 1.0,
            "diagnostic_class": pd.Series(DIAGNOSTIC_CLASS),
            "diagnostic_subclass": pd.Series(SUBCLASS),
        },
    )
    statements.loc["SR"] = [np.nan, None, None]
    statements.loc["NDT", "form"] = 1.0
    statements.loc["SR", "rhythm"] = 1.0
    statements.to_csv(tmp_path / "scp_statements.csv")
    for ecg_id, row in database.iterrows():
        write_record(tmp_path, row.filename_lr, digital_signal(ecg_id, 50), seed=ecg_id)
        if row.strat_fold < 10:
            signal = digital_signal(ecg_id, 250)
            write_record(tmp_path, row.filename_hr, signal, fs=500, seed=ecg_id)
    return tmp_path


def edit_database(folder, edit):
    path = folder / "ptbxl_database.csv"
    edit(pd.read_csv(path)).to_csv(path, index=False)


def expected_signals(ecg_ids, n_times=50):
    return np.stack([digital_signal(i, n_times) for i in ecg_ids]) / np.float32(1000)


def test_bunch(folder):
    bunch = load_ptbxl(folder)
    assert bunch.data.shape == (5, 12, 50)
    assert bunch.data.dtype == np.float32
    assert bunch.data.flags.c_contiguous
    assert_allclose(bunch.data, expected_signals([1, 2, 3, 7, 9]), rtol=1e-6)
    assert bunch.target_names == ["NORM", "MI", "STTC", "CD", "HYP"]
    assert bunch.target.dtype == int
    assert_array_equal(
        bunch.target,
        [[1, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0, 1, 0, 1, 0], [1, 0, 0, 0, 1], [1, 1, 0, 0, 0]],
    )
    assert bunch.lead_names == list(STANDARD_LEADS)
    assert_array_equal(bunch.groups, [50, 50, 60, 70, 71])
    assert bunch.groups.dtype == int
    assert_array_equal(bunch.folds, [1, 1, 2, 10, 10])
    assert_array_equal(bunch.ecg_id, [1, 2, 3, 7, 9])
    assert bunch.sampling_rate == 100
    assert list(bunch.metadata.index) == [1, 2, 3, 7, 9]
    assert bunch.metadata.loc[2, "scp_codes"] == {"IMI": 35.0, "NDT": 0.0}
    assert bunch.dropped.to_dict() == {4: "no label for task 'superclass'"}
    assert "CC BY 4.0" in bunch.DESCR and "Wagner" in bunch.DESCR


@pytest.mark.parametrize(
    "column, value, message",
    [
        ("ecg_id", 1, "ecg_id 1 in more than one row"),
        ("patient_id", None, "no patient_id for 1 record.*ecg_id 2"),
        ("strat_fold", None, "no strat_fold for 1 record.*ecg_id 2"),
        ("scp_codes", None, "no scp_codes for 1 record.*ecg_id 2"),
        ("scp_codes", "garbage(", "scp_codes 'garbage.' for ecg_id 2, which is not a dict"),
        ("scp_codes", "['NORM']", "ptbxl_database.csv has scp_codes .* for ecg_id 2, which is not"),
        ("scp_codes", "{'NORM': '100'}", "scp_codes .* for ecg_id 2, which is not a dict"),
        ("scp_codes", "{'NORM': None}", "scp_codes .* for ecg_id 2, which is not a dict"),
        ("scp_codes", "{'NORM': True}", "scp_codes .* for ecg_id 2, which is not a dict"),
        ("scp_codes", "{'NORM': NaN}", "scp_codes .* for ecg_id 2, which is not a dict"),
        ("scp_codes", "{'NORM': 101}", "scp_codes .* for ecg_id 2, .* likelihoods from 0 to 100"),
        ("scp_codes", "{1: 100.0}", "scp_codes .* for ecg_id 2, which is not a dict"),
        ("scp_codes", "5", "scp_codes '?5'? for ecg_id 2, which is not a dict"),
        ("scp_codes", "NORM", "scp_codes 'NORM' for ecg_id 2, which is not a dict"),
        ("scp_codes", "[" * 5000, "for ecg_id 2, which is not a dict"),
        ("patient_id", 1.5, "patient_id .*1.5.* in ecg_id 2, which is not an integer"),
        ("patient_id", "x", "patient_id 'x' in ecg_id 2, which is not an integer"),
        ("strat_fold", 1.5, "strat_fold .*1.5.* in ecg_id 2, which is not an integer"),
        ("strat_fold", 2, r"records of patient_id 50 in the folds \[1, 2\]"),
        ("ecg_id", 2.5, "ecg_id .*2.5.* in row 3, which is not an integer"),
        ("ecg_id", 8, "filename_lr 'records100/00000/00002_lr' for ecg_id 8, which is the file of"),
        ("filename_lr", "records100/00000/00001_lr", "filename_lr .* in more than one row.*id 2"),
    ],
)
def test_damaged_rows_are_named(folder, column, value, message):
    path = folder / "ptbxl_database.csv"
    database = pd.read_csv(path)
    database[column] = database[column].astype(object)
    database.loc[1, column] = value
    database.to_csv(path, index=False)
    with pytest.raises(ValueError, match=message):
        load_ptbxl(folder)


@pytest.mark.parametrize("name", ["ptbxl_database.csv", "scp_statements.csv"])
def test_tables_saved_by_other_programs(folder, name):
    path = folder / name
    text = path.read_text()
    path.write_text(text, encoding="utf-8-sig")
    assert_array_equal(load_ptbxl(folder).ecg_id, [1, 2, 3, 7, 9])
    path.write_bytes((text + "ü").encode("latin-1"))
    with pytest.raises(ValueError, match=f"{name}, row .: the byte 0xfc is not UTF-8"):
        load_ptbxl(folder)
    path.write_text(text.replace(",", ";"))
    with pytest.raises(ValueError, match=f"{name}, row 1: the columns are separated by ';'"):
        load_ptbxl(folder)


@pytest.mark.parametrize(
    "column, value, message",
    [
        ("diagnostic_class", "M", "diagnostic_class 'M' for the diagnostic statement 'IMI'"),
        ("diagnostic_class", None, "diagnostic_class nan for the diagnostic statement 'IMI'"),
        ("diagnostic_subclass", None, "no diagnostic_subclass for the diagnostic statement 'IMI'"),
        ("code", "NORM", "scp_statements.csv has the statement 'NORM' in more than one row"),
    ],
)
def test_damaged_statements_are_named(folder, column, value, message):
    path = folder / "scp_statements.csv"
    statements = pd.read_csv(path).rename(columns={"Unnamed: 0": "code"})
    statements.loc[statements["code"] == "IMI", column] = value
    statements.to_csv(path, index=False)
    with pytest.raises(ValueError, match=message):
        load_ptbxl(folder)


def test_hidden_files_and_home_folder(folder, monkeypatch):
    """Hidden files are in the report only, after the records."""
    hidden = ["__MACOSX/._x.hea", "records100/00000/._00001_lr.hea"]
    for name in hidden:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(bytes(9))
    path = folder / "records100/00000/00003_lr.dat"
    path.write_bytes(path.read_bytes()[:-1])
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(folder.parent))
    with pytest.warns(UserWarning, match="1 of 5 records were left out"):
        bunch = load_ptbxl(f"~/{folder.name}", on_error="skip", cache=f"~/{folder.name}/cache")
    assert_array_equal(bunch.ecg_id, [1, 2, 7, 9])
    assert list(bunch.dropped.index) == [3, 4]
    assert bunch.report["record"].tolist()[5:] == hidden
    assert bunch.report["status"].tolist()[5:] == ["hidden", "hidden"]
    assert (folder / "cache").is_dir()


def test_a_first_record_at_a_wrong_rate_does_not_fail_the_others(folder):
    write_record(folder, "records100/00000/00001_lr", digital_signal(1, 50), fs=120)
    with pytest.warns(UserWarning, match="1 of 5 records .* .sampling rate 1"):
        bunch = load_ptbxl(folder, on_error="skip")
    assert_array_equal(bunch.ecg_id, [2, 3, 7, 9])
    assert bunch.dropped[1] == "sampling rate: it has 120 Hz instead of 100 Hz."


def test_task_mi_leaves_out_both_and_neither(folder):
    bunch = load_ptbxl(folder, task="mi")
    assert bunch.target_names == ["NORM", "MI"]
    assert_array_equal(bunch.ecg_id, [1, 2, 3, 7])
    assert_array_equal(bunch.target, [0, 1, 1, 0])
    assert bunch.dropped.index.tolist() == [4, 9]
    assert_allclose(bunch.data, expected_signals([1, 2, 3, 7]), rtol=1e-6)


TASKS = {
    # task: the names that occur, and the records that have one of them
    "all": (["ASMI", "IMI", "LAFB", "LVH", "NDT", "NORM", "SR"], [1, 2, 3, 4, 7, 9]),
    "diagnostic": (["ASMI", "IMI", "LAFB", "LVH", "NDT", "NORM"], [1, 2, 3, 7, 9]),
    "subclass": (["AMI", "IMI", "LAFB/LPFB", "LVH", "NORM", "STTC"], [1, 2, 3, 7, 9]),
    "form": (["NDT"], [2]),
    "rhythm": (["SR"], [1, 4]),
}


@pytest.mark.parametrize("task", TASKS)
def test_tasks_of_the_benchmark(folder, task):
    names, ecg_ids = TASKS[task]
    bunch = load_ptbxl(folder, task=task)
    assert bunch.target_names == names
    assert_array_equal(bunch.ecg_id, ecg_ids)
    assert sorted([*bunch.ecg_id, *bunch.dropped.index]) == sorted(SCP_CODES)
    label_of = SUBCLASS if task == "subclass" else {code: code for code in SUBCLASS | {"SR": ""}}
    for ecg_id, row in zip(bunch.ecg_id, bunch.target):
        expected = {label_of.get(code) for code in SCP_CODES[ecg_id]}
        assert {name for name, value in zip(names, row) if value} == expected & set(names)
    # The columns do not depend on the loaded records.
    if 1 in ecg_ids:
        assert load_ptbxl(folder, task=task, folds=[1]).target_names == names


def test_likelihoods_are_for_diagnostic_statements(folder):
    """NDT is on form, but also diagnostic; SR is only on rhythm and has no likelihood."""
    bunch = load_ptbxl(folder, task="all", min_likelihood=50)
    found = {
        ecg_id: [name for name, value in zip(bunch.target_names, row) if value]
        for ecg_id, row in zip(bunch.ecg_id, bunch.target)
    }
    assert found == {1: ["NORM", "SR"], 3: ["LAFB"], 4: ["SR"], 7: ["LVH", "NORM"], 9: ["IMI"]}


def test_unknown_statement(folder):
    edit_database(
        folder,
        lambda database: database.assign(
            scp_codes=database.scp_codes.where(database.ecg_id != 7, "{'ODD': 100.0}")
        ),
    )
    with pytest.raises(
        ValueError, match="has the statement 'ODD' for ecg_id 7, which is missing in scp_statem"
    ):
        load_ptbxl(folder)


def test_cache(folder, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    plain = load_ptbxl(folder)
    for task in ("superclass", "subclass"):  # same records, so one array
        cached = load_ptbxl(folder, task=task, cache=cache)
        assert isinstance(cached.data, np.memmap)
        assert_array_equal(cached.data, plain.data)
        assert cached.metadata.equals(plain.metadata)
    assert len(list(cache.glob("*.npy"))) == 1
    assert_array_equal(load_ptbxl(folder, folds=[1], cache=cache).data, plain.data[:2])
    assert len(list(cache.glob("*.npy"))) == 2
    write_record(folder, "records100/00000/00003_lr", digital_signal(5, 50))
    changed = load_ptbxl(folder, cache=cache, check_content=True).data
    assert_array_equal(changed, load_ptbxl(folder).data)
    assert not np.array_equal(changed, plain.data)


def test_min_likelihood(folder):
    # 0 means an unknown likelihood, which only counts by default.
    bunch = load_ptbxl(folder, min_likelihood=50)
    assert_array_equal(bunch.ecg_id, [1, 3, 7, 9])
    assert_array_equal(
        bunch.target, [[1, 0, 0, 0, 0], [0, 0, 0, 1, 0], [1, 0, 0, 0, 1], [0, 1, 0, 0, 0]]
    )
    assert bunch.dropped.index.tolist() == [2, 4]


@pytest.mark.parametrize(
    "folds", [[1, 10], (10, 1), range(1, 11, 9), np.array([1, 10]), {1, 10}, np.array([1.0, 10.0])]
)
def test_folds(folder, folds):
    bunch = load_ptbxl(folder, folds=folds)
    assert_array_equal(bunch.ecg_id, [1, 2, 7, 9])
    assert len(bunch.dropped) == 0


def test_return_X_y(folder):
    bunch = load_ptbxl(str(folder))
    X, y = load_ptbxl(folder, return_X_y=True)
    assert_array_equal(X, bunch.data)
    assert_array_equal(y, bunch.target)


def test_lazy_records(folder, tmp_path):
    expected = load_ptbxl(folder)
    X, y = load_ptbxl(folder, lazy=True, cache=tmp_path / "cache", return_X_y=True)
    assert isinstance(X, LazyRecords) and X.lead_names == STANDARD_LEADS
    assert X.attrs == {"sampling_rate": 100, "units": "mV"}
    assert_array_equal(X, expected.data)
    assert_array_equal(y, expected.target)


@pytest.mark.parametrize("task", ["superclass", "mi"])
def test_as_frame(folder, task):
    bunch = load_ptbxl(folder, task=task)
    framed = load_ptbxl(folder, task=task, as_frame=True)
    assert is_lead_frame(framed.data)
    assert tuple(framed.data.columns) == STANDARD_LEADS
    assert framed.data.attrs == {"sampling_rate": 100, "units": "mV"}
    assert_array_equal(to_lead_array(framed.data), bunch.data)
    assert_array_equal(framed.target, bunch.target)
    assert isinstance(framed.target, pd.Series if task == "mi" else pd.DataFrame)
    for part in (framed.data, framed.target, framed.metadata):
        assert part.index.name == "ecg_id"
        assert_array_equal(part.index, bunch.ecg_id)
    if task == "superclass":
        assert list(framed.target.columns) == framed.target_names


def test_500_hz(folder):
    bunch = load_ptbxl(folder, sampling_rate=500, folds=[1, 2])
    assert bunch.sampling_rate == 500
    assert_allclose(bunch.data, expected_signals([1, 2, 3], 250), rtol=1e-6)


@pytest.mark.parametrize("empty_name", [False, True])
def test_missing_records(folder, empty_name):
    where = "records500/00000/00007_hr"
    if empty_name:
        edit_database(
            folder,
            lambda database: database.assign(
                filename_hr=database.filename_hr.where(database.strat_fold < 10)
            ),
        )
        where = "no filename_hr in ptbxl_database.csv"
    with pytest.raises(FileNotFoundError) as info:
        load_ptbxl(folder, sampling_rate=500)
    message = str(info.value)
    assert message.startswith("2 of 5 records are not in")
    assert f"at 500 Hz, the first of them ecg_id=7 ({where})" in message
    assert "missing='drop'" in message

    bunch = load_ptbxl(folder, sampling_rate=500, missing="drop")
    assert_array_equal(bunch.ecg_id, [1, 2, 3])
    assert bunch.target.shape == (3, 5) and bunch.data.shape == (3, 12, 250)
    assert bunch.dropped.to_dict() == {
        4: "no label for task 'superclass'",
        7: "no files at 500 Hz",
        9: "no files at 500 Hz",
    }


@pytest.mark.parametrize("end", [".hea", ".dat"])
def test_one_file_of_a_record_missing(folder, end):
    (folder / f"records100/00000/00003_lr{end}").unlink()
    with pytest.raises(FileNotFoundError, match="1 of 5 records .* ecg_id=3"):
        load_ptbxl(folder)


def test_records_that_are_not_requested_may_be_missing(folder):
    (folder / "records100/00000/00004_lr.dat").unlink()  # has no label
    (folder / "records100/00000/00009_lr.dat").unlink()  # is in fold 10
    assert_array_equal(load_ptbxl(folder, folds=[1, 2]).ecg_id, [1, 2, 3])


@pytest.mark.parametrize(
    "kwargs, error, message",
    [
        ({"sampling_rate": 250}, ValueError, "sampling_rate=250 .* at 100 and at 500 Hz"),
        (
            {"task": "rhythms"},
            ValueError,
            "task='rhythms' is unknown. Pass one of 'all', .* 'rhythm', 'mi'",
        ),
        ({"folds": [1, 3]}, ValueError, r"folds=\[1, 3\]: pass some of .* \[1, 2, 10\]"),
        ({"folds": []}, ValueError, r"folds=\[\]: pass some of"),
        ({"folds": 9}, TypeError, r"folds must be an iterable of int, such as \[9\], got 9"),
        ({"folds": "test"}, TypeError, "folds must be an iterable of int"),
        ({"folds": "12"}, TypeError, "folds must be an iterable of int, .*, got '12'"),
        ({"folds": b"1"}, TypeError, "folds must be an iterable of int"),
        ({"folds": [1.5]}, TypeError, r"folds must be an iterable of int, .*, got \[1.5\]"),
        ({"folds": ["1"]}, TypeError, "folds must be an iterable of int"),
        ({"folds": [True]}, TypeError, "folds must be an iterable of int"),
        (
            {"min_likelihood": 101},
            ValueError,
            "min_likelihood=101 must be a percentage from 0 to 100",
        ),
        ({"missing": "skip"}, ValueError, "missing='skip' is unknown. Pass one of 'raise', 'drop'"),
        (
            {"sampling_rate": 500, "folds": [10], "missing": "drop"},
            ValueError,
            "No records are left: 2 of 2 records were dropped .*no files at 500 Hz': 2",
        ),
    ],
)
def test_parameter_errors(folder, kwargs, error, message):
    with pytest.raises(error, match=message):
        load_ptbxl(folder, **kwargs)


def test_folder_errors(folder):
    message = "is not a PTB-XL folder: {}. Pass the folder with ptbxl_database.csv"
    with pytest.raises(FileNotFoundError, match=message.format("it does not exist")):
        load_ptbxl(folder / "nowhere")
    with pytest.raises(FileNotFoundError, match=message.format("it is not a folder")):
        load_ptbxl(folder / "scp_statements.csv")
    (folder / "scp_statements.csv").unlink()
    with pytest.raises(
        FileNotFoundError, match=message.format("it does not contain scp_stat.*csv")
    ):
        load_ptbxl(folder)
    edit_database(folder, lambda database: database.drop(columns=["strat_fold", "patient_id"]))
    (folder / "scp_statements.csv").touch()
    (folder / "scp_statements.csv").write_text("code,diagnostic,diagnostic_class\nNORM,1,NORM\n")
    with pytest.raises(ValueError, match="csv has no column patient_id, strat_fold. Pass a folder"):
        load_ptbxl(folder)


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"fs": 120}, "sampling rate: it has 120 Hz, but record records100/.*/00001_lr has 100 Hz"),
        ({"unit": "bpm"}, "units: lead I is in 'bpm', which is not a voltage"),
        ({"n_times": 40}, "length: it has 40 time points, but record .*00001_lr has 50"),
        ({"names": (*STANDARD_LEADS[:11], "V7")}, "leads: V6 missing; the channels are .*V7"),
        ({"names": STANDARD_LEADS[:11]}, "leads: V6 missing; the channels are"),
        ({"names": (*STANDARD_LEADS[:11], "RESP")}, "leads: V6 missing; .*RESP"),
        ({"names": (*STANDARD_LEADS[:11], "MLII")}, "leads: .* are both lead II"),
        ({"invalid": True}, "missing values: 1 of 50 in aVL"),
    ],
)
def test_unusual_records_are_named(folder, kwargs, message):
    name = "records100/00000/00003_lr"
    options = dict(kwargs)
    signal = digital_signal(3, options.pop("n_times", 50))
    if options.pop("invalid", False):
        signal[4, 7] = -(2**15)  # WFDB's mark of an invalid value in format 16
    signal = signal[: len(options.get("names", STANDARD_LEADS))]
    write_record(folder, name, signal, **options)
    advice = "The record is unlike those of PTB-XL: download it again"
    with pytest.raises(RecordError, match=f"(?i)Record {name}, {message}.*{advice}"):
        load_ptbxl(folder)


def test_all_records_at_a_wrong_rate(folder):
    name = "records100/00000/00007_lr"
    write_record(folder, name, digital_signal(7, 50), fs=120)
    with pytest.raises(RecordError, match=f"Record {name}, .* 120 Hz instead of 100 Hz"):
        load_ptbxl(folder, folds=[10], task="mi")


def test_a_record_in_microvolts(folder):
    write_record(folder, "records100/00000/00003_lr", digital_signal(3, 50), unit="uV")
    assert_allclose(load_ptbxl(folder).data[2], expected_signals([3])[0] / 1000, rtol=1e-6)


def test_a_truncated_file_is_named(folder):
    path = folder / "records100/00000/00003_lr.dat"
    path.write_bytes(path.read_bytes()[:-100])
    message = (
        "Record records100/00000/00003_lr, signal file: records100/00000/00003_lr.dat has 1100 "
        "bytes, but its header requires 1200: the file is truncated"
    )
    with pytest.raises(RecordError, match=message):
        load_ptbxl(folder)


def test_a_record_that_cannot_be_read_can_be_skipped(folder, tmp_path_factory):
    path = folder / "records100/00000/00003_lr.dat"
    path.write_bytes(path.read_bytes()[:1100])
    cache = tmp_path_factory.mktemp("cache")
    for _ in range(2):
        message = "1 of 5 records were left out, because they failed .signal file 1"
        with pytest.warns(UserWarning, match=message):
            bunch = load_ptbxl(folder, on_error="skip", cache=cache)
        assert bunch.ecg_id.tolist() == [1, 2, 7, 9] == bunch.metadata.index.tolist()
        assert_allclose(bunch.data, expected_signals([1, 2, 7, 9]), rtol=1e-6)
        assert bunch.target.shape == (4, 5) and bunch.groups.tolist() == [50, 50, 70, 71]
        assert bunch.dropped[3].startswith("signal file: records100/00000/00003_lr.dat has 1100")
        assert bunch.report["status"].tolist() == ["loaded"] * 2 + ["failed"] + ["loaded"] * 2
    with pytest.raises(ValueError, match="on_error='drop' is unknown. Pass one of 'raise', 'skip'"):
        load_ptbxl(folder, on_error="drop")


def test_progress_bar(folder, capsys):
    load_ptbxl(folder)
    assert capsys.readouterr().err == ""
    load_ptbxl(folder, verbose=1)
    assert "5/5" in capsys.readouterr().err


def test_reading_data_does_not_import_torch():
    code = (
        "import sys; import sklearn_ecg.datasets; sklearn_ecg.datasets.load_ptbxl; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# --------------------------------------------------------------------------------------------------
# All of PTB-XL
# --------------------------------------------------------------------------------------------------


def read_no_signals(folder, names, *args):
    report = pd.DataFrame({"status": ["loaded"] * len(names), "reason": ""})
    return SimpleNamespace(data=None, records=np.arange(len(names)), report=report)


@pytest.fixture(scope="session")
def ptbxl_folder(data_folder):
    return data_folder / "ptbxl"


@pytest.fixture(scope="session")
def ptbxl(ptbxl_folder):
    return load_ptbxl(ptbxl_folder, n_jobs=2)


def test_counts_of_ptbxl(ptbxl, ptbxl_folder, monkeypatch):
    assert len(ptbxl.target) + len(ptbxl.dropped) == 1732
    assert len(ptbxl.dropped) == 19
    assert ptbxl.data.shape == (1713, 12, 1000)
    assert_array_equal(ptbxl.target.sum(axis=0), [912, 321, 414, 369, 189])
    database = pd.read_csv(ptbxl_folder / "ptbxl_database.csv", index_col="ecg_id")
    assert database.patient_id.nunique() == 1611
    assert sorted([*ptbxl.ecg_id, *ptbxl.dropped.index]) == sorted(database.index)
    assert_array_equal(ptbxl.groups, database.loc[ptbxl.ecg_id, "patient_id"])

    # Only the labels; the signals are the same as above.
    monkeypatch.setattr(_ptbxl, "_read_ptbxl_records", read_no_signals)
    mi = load_ptbxl(ptbxl_folder, task="mi", folds=range(1, 10))
    assert_array_equal(np.bincount(mi.target), [912, 321])
    assert len(mi.target) + len(mi.dropped) == 1732


@pytest.mark.parametrize(
    "task, n_labels, n_records",
    [
        ("all", 71, 1732),
        ("diagnostic", 44, 1713),
        ("subclass", 23, 1713),
        ("form", 19, 617),
        ("rhythm", 12, 1640),
    ],
)
def test_tasks_of_ptbxl(ptbxl_folder, monkeypatch, task, n_labels, n_records):
    """The numbers of labels are those of Strodthoff et al. (2021)."""
    monkeypatch.setattr(_ptbxl, "_read_ptbxl_records", read_no_signals)
    bunch = load_ptbxl(ptbxl_folder, task=task)
    assert bunch.target.shape == (n_records, n_labels)
    assert len(set(bunch.target_names)) == n_labels
    assert bunch.target.any(axis=1).all()


def test_signals_of_ptbxl_are_in_mv(ptbxl):
    assert np.isfinite(ptbxl.data).all()
    assert 0.05 < ptbxl.data.std() < 1  # mV


def test_some_records_of_ptbxl_equal_wfdb(ptbxl, ptbxl_folder):
    for position in (0, 1, 500, 1712):
        path = ptbxl_folder / ptbxl.metadata["filename_lr"].iloc[position]
        record = wfdb.rdrecord(str(path))
        assert [name.upper() for name in STANDARD_LEADS] == [n.upper() for n in record.sig_name]
        assert_array_equal(ptbxl.data[position], record.p_signal.T.astype(np.float32))


def test_leads_of_ptbxl_obey_einthoven(ptbxl):
    first, second, third, avr, avl, avf = ptbxl.data[:, :6].transpose(1, 0, 2)
    # Each lead was rounded to 1 µV separately, and resampled from 500 Hz.
    for residual in (
        second - first - third,
        avr + (first + second) / 2,
        avl - first + second / 2,
        avf - second + first / 2,
    ):
        assert np.median(np.abs(residual)) <= 0.0015
        assert np.quantile(np.abs(residual), 0.99) <= 0.01


def test_patients_of_ptbxl_never_cross_folds(ptbxl):
    folds_of_patient = pd.Series(ptbxl.folds).groupby(ptbxl.groups).nunique()
    assert folds_of_patient.max() == 1


def test_folds_of_ptbxl(ptbxl, ptbxl_folder):
    X, y = load_ptbxl(ptbxl_folder, folds=[2], return_X_y=True)
    assert_array_equal(X, ptbxl.data[ptbxl.folds == 2])
    assert_array_equal(y, ptbxl.target[ptbxl.folds == 2])
    with pytest.raises(ValueError, match=r"folds=\[10\]: pass some of"):
        load_ptbxl(ptbxl_folder, folds=[10])


def test_500_hz_of_ptbxl(ptbxl, ptbxl_folder):
    with pytest.raises(FileNotFoundError, match="1550 of 1713 records are not in .* at 500 Hz"):
        load_ptbxl(ptbxl_folder, sampling_rate=500)
    fast = load_ptbxl(ptbxl_folder, sampling_rate=500, missing="drop")
    assert fast.data.shape == (163, 12, 5000)
    assert len(fast.dropped) == 1732 - 163
    # Both versions show the same beats.
    slow = ptbxl.data[np.isin(ptbxl.ecg_id, fast.ecg_id)]
    means = fast.data.reshape(163, 12, 1000, 5).mean(axis=3)
    for record in range(0, 163, 20):
        assert np.corrcoef(slow[record, 1], means[record, 1])[0, 1] > 0.9

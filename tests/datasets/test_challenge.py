"""Tests of load_challenge on records that the tests write, and on those of the Challenge."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from sklearn_ecg import LazyRecords
from sklearn_ecg.datasets import RecordError, load_challenge

# The message of this warning has a test of its own.
pytestmark = pytest.mark.filterwarnings("ignore:.* records were left out, because:UserWarning")

SCORED = (
    "AF AFL BBB Brady CLBBB|LBBB CRBBB|RBBB IAVB IRBBB LAD LAnFB LQRSV NSIVCB NSR PAC|SVPB PR PRWP "
    "PVC|VPB LPR LQT QAb RAD SA SB STach TAb TInv"
).split()


@pytest.fixture
def write(tmp_path, write_wfdb):
    def write(name, dx, age="60", sex="Male", seed=0, n_times=500):
        values = np.random.default_rng(seed).integers(-999, 999, (2, n_times))
        comments = [f"Age: {age}", f"Sex: {sex}", *([] if dx is None else [f"Dx: {dx}"])]
        write_wfdb(tmp_path, name, values, ["I", "II"], rate=500, comments=comments)

    return write


def load(folder, **kwargs):
    return load_challenge(folder, **{"leads": ["I", "II"], **kwargs})


def names_of(bunch, row=0):
    return [name for name, value in zip(bunch.target_names, bunch.target[row]) if value == 1]


def test_bunch(write, tmp_path):
    write("A0001", "RBBB", age="74")
    write("E00002", "426177001,55827005", sex="Female", seed=1)
    bunch = load(tmp_path)
    assert bunch.target_names == SCORED and len(SCORED) == 26
    assert bunch.target.shape == (2, 26) and bunch.target.dtype == int
    assert [names_of(bunch, row) for row in range(2)] == [["CRBBB|RBBB"], ["SB"]]
    assert bunch.unused.to_dict() == {"55827005": 1}
    assert list(bunch.metadata) == ["record", "start", "age", "sex", "dx", "source"]
    assert bunch.metadata.iloc[1].to_list() == [
        "E00002",
        0.0,
        60.0,
        "female",
        ("426177001", "55827005"),
        "Georgia",
    ]
    assert bunch.data.shape == (2, 2, 500) and bunch.sampling_rate == 500
    assert bunch.report["status"].tolist() == ["loaded", "loaded"]
    assert "CC BY 4.0" in bunch.DESCR and "Reyna" in bunch.DESCR
    X, y = load(tmp_path, return_X_y=True)
    assert_array_equal(X, bunch.data)
    assert_array_equal(y, bunch.target)


@pytest.mark.parametrize(
    "dx, names, unused",
    [
        ("Normal", ["NSR"], {}),
        ("AF", ["AF"], {}),
        ("I-AVB", ["IAVB"], {}),
        ("LBBB", ["CLBBB|LBBB"], {}),
        ("rbbb,PAC", ["CRBBB|RBBB", "PAC|SVPB"], {}),
        ("PVC", ["PVC|VPB"], {}),
        ("STD", [], {"429622005": 1}),
        ("STE", [], {"164931005": 1}),
        ("T wave inversion, Poor R wave Progression", ["PRWP", "TInv"], {}),
        ("733534002", ["CLBBB|LBBB"], {}),
        ("164909002,733534002", ["CLBBB|LBBB"], {}),
        ("713427006", ["CRBBB|RBBB"], {}),
        ("63593006", ["PAC|SVPB"], {}),
        ("284470004", ["PAC|SVPB"], {}),
        ("17338001", ["PVC|VPB"], {}),
        ("427172004", ["PVC|VPB"], {}),
        ("gallop,164889003", ["AF"], {"gallop": 1}),
    ],
)
def test_codes_and_words(write, tmp_path, dx, names, unused):
    write("A0001", dx)
    bunch = load(tmp_path)
    assert names_of(bunch) == names
    assert bunch.unused.to_dict() == unused


@pytest.mark.parametrize(
    "age, sex, expected",
    [
        ("NaN", "Unknown", [np.nan, "unknown"]),
        ("Unknown", "F", [np.nan, "female"]),
        ("-1", "M", [np.nan, "male"]),
        ("0.5", "Female", [0.5, "female"]),
    ],
)
def test_age_and_sex(write, tmp_path, age, sex, expected):
    write("A0001", "AF", age=age, sex=sex)
    found = load(tmp_path).metadata.loc[0]
    assert found["age"] == pytest.approx(expected[0], nan_ok=True)
    assert found["sex"] == expected[1]


def test_labels(write, tmp_path):
    write("A0001", "164889003,55827005")
    write("A0002", "6374002,gallop")
    bunch = load(tmp_path, labels="all")
    assert bunch.target_names == ["6374002", "55827005", "164889003", "gallop"]
    assert_array_equal(bunch.target, [[0, 1, 1, 0], [1, 0, 0, 1]])
    assert len(bunch.unused) == 0
    some = load(tmp_path, labels=["AF", "55827005", "PR"])
    assert some.target_names == ["AF", "55827005", "PR"]
    assert_array_equal(some.target, [[1, 1, 0], [0, 0, 0]])
    assert some.unused.to_dict() == {"6374002": 1, "gallop": 1}


@pytest.mark.parametrize("dx", [None, "Unknown", ""])
def test_records_without_a_diagnosis(write, tmp_path, dx):
    write("A0001", "AF")
    write("A0002", dx, seed=1)
    with pytest.raises(
        RecordError,
        match=r"Record A0002, labels: its header has no diagnosis "
        r"\(Dx\). Pass unlabeled='drop_record' or 'keep'",
    ):
        load(tmp_path)
    kept = load(tmp_path, unlabeled="keep")
    assert (kept.target[1] == -1).all() and len(kept.data) == 2
    dropped = load(tmp_path, unlabeled="drop_record")
    assert dropped.data.shape == (1, 2, 500) and dropped.target.shape == (1, 26)
    assert dropped.report["status"].tolist() == ["loaded", "dropped"]
    assert dropped.report.loc[1, "reason"] == "labels: its header has no diagnosis (Dx)."
    skipped = load(tmp_path, on_error="skip")
    assert skipped.report["status"].tolist() == ["loaded", "failed"]
    (tmp_path / "A0001.hea").unlink()
    with pytest.raises(ValueError, match="None of 1 records has a diagnosis"):
        load(tmp_path, unlabeled="drop_record")


def test_windows_share_the_labels_of_their_record(write, tmp_path):
    write("A0001", "AF,55827005", n_times=1500)
    write("A0002", "PVC", seed=1)
    bunch = load(tmp_path, duration=1, longer="windows")
    assert_array_equal(bunch.groups, [0, 0, 0, 1])
    assert [names_of(bunch, row) for row in range(4)] == [["AF"], ["AF"], ["AF"], ["PVC|VPB"]]
    assert bunch.unused.to_dict() == {"55827005": 1}


def test_lazy_records_without_unlabeled_ones(write, tmp_path):
    folder = tmp_path / "sub"
    folder.mkdir()
    write("sub/A0001", "AF")
    write("sub/A0002", None)
    write("sub/A0003", "AF", seed=1)
    options = {"unlabeled": "drop_record", "on_error": "skip"}
    expected = load(folder, **options)
    bunch = load(folder, lazy=True, cache=tmp_path / "cache", **options)
    assert isinstance(bunch.data, LazyRecords) and len(bunch.data) == 2
    assert_array_equal(bunch.data, expected.data)
    assert_array_equal(bunch.target, expected.target)


def test_as_frame_and_cache(write, tmp_path):
    folder = tmp_path / "sub"
    folder.mkdir()
    write("sub/A0001", "AF")
    for _ in range(2):
        bunch = load(folder, as_frame=True, cache=tmp_path / "cache")
        assert isinstance(bunch.target, pd.DataFrame)
        assert list(bunch.data.columns) == ["I", "II"]
        assert bunch.data.attrs == {"sampling_rate": bunch.sampling_rate, "units": "mV"}
        assert bunch.target.loc["A0001", "AF"] == 1
        assert bunch.target.index.equals(bunch.data.index)
    assert isinstance(load(folder, cache=tmp_path / "cache").data, np.memmap)


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"labels": "some"}, "labels='some' is unknown. Pass 'scored', 'all' or a list"),
        ({"labels": []}, "labels is empty"),
        ({"labels": ["AF", "afib"]}, "'afib' is neither a SNOMED CT code nor a scored diagnosis"),
        ({"labels": ["AF", "164889003"]}, "a code of 'AF' occurs more than once"),
        ({"unlabeled": "skip"}, "unlabeled='skip' is unknown. Pass one of 'raise', 'drop_record'"),
    ],
)
def test_parameter_errors(write, tmp_path, kwargs, message):
    write("A0001", "AF")
    with pytest.raises(ValueError, match=message):
        load(tmp_path, **kwargs)


def test_real_challenge_records(data_folder):
    bunch = load_challenge(data_folder / "challenge2021", duration=10, longer="windows")
    assert bunch.data.shape == (31, 12, 5000)
    assert bunch.metadata["source"].value_counts().to_dict() == {
        "Chapman-Shaoxing and Ningbo": 10,
        "Georgia": 10,
        "CPSC 2018": 6,
        "PTB-XL": 5,
    }
    counts = dict(zip(bunch.target_names, bunch.target.sum(axis=0).tolist()))
    assert {name: count for name, count in counts.items() if count} == {
        "AF": 3,
        "CRBBB|RBBB": 2,
        "IRBBB": 1,
        "NSIVCB": 5,
        "NSR": 7,
        "PAC|SVPB": 10,
        "PVC|VPB": 5,
        "LQT": 1,
        "SA": 1,
        "SB": 5,
        "STach": 10,
        "TAb": 6,
        "TInv": 3,
    }
    assert bunch.unused.sum() == 10 and bunch.unused["55930002"] == 2
    assert bunch.metadata["age"].between(5, 89).all()
    assert set(bunch.metadata["sex"]) == {"male", "female"}
    in_words = bunch.metadata.set_index("record")["dx"]
    assert in_words["A0001"] == ("59118001",) and in_words["A0003"] == ("164889003",)


def test_names_of_scored_columns_can_be_passed_as_labels():
    from sklearn_ecg.datasets._challenge import _check_labels, _make_diagnosis_target

    codes = [("733534002",), ("164909002", "59118001"), ("164889003",)]
    scored, names, _ = _make_diagnosis_target(codes, [0, 1, 2], "scored")
    _check_labels(names)
    target, same, unused = _make_diagnosis_target(codes, [0, 1, 2], names)
    assert same == names and unused.empty and (target == scored).all()
    with pytest.raises(ValueError, match="a code of '(CLBBB.)?LBBB' occurs more than once"):
        _check_labels(["CLBBB|LBBB", "LBBB"])

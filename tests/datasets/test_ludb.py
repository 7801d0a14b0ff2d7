"""Tests of load_ludb on records that the tests write, and on LUDB."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from sklearn_ecg.datasets import RecordError, load_ludb
from sklearn_ecg.datasets._ludb_annotations import _pair_waves
from sklearn_ecg.datasets._records import wfdb

# The message of this warning has a test of its own.
pytestmark = pytest.mark.filterwarnings("ignore:.* records were left out, because:UserWarning")


@pytest.mark.parametrize(
    "symbols, waves",
    [
        ("( p ) ( N ) ( t )", [(0, 0, 1, 2), (1, 3, 4, 5), (2, 6, 7, 8)]),
        ("N ) ( t )", [(1, None, 0, 1), (2, 2, 3, 4)]),  # no onset
        ("( N ( t )", [(1, 0, 1, None), (2, 2, 3, 4)]),  # no offset
        ("N ( ) ( t )", [(1, 1, 0, 2), (2, 3, 4, 5)]),  # onset after the peak
        ("( N ) ( ) ( t )", [(1, 0, 1, 2), (3, 3, None, 4), (2, 5, 6, 7)]),  # no peak
        ("( ) N", [(3, 0, None, 1), (1, None, 2, None)]),
        (") ( N )", [(1, 1, 2, 3)]),
        ("", []),
    ],
)
def test_pair_waves(symbols, waves):
    symbols = symbols.split()
    found = _pair_waves(range(len(symbols)), symbols)
    assert found.shape == (len(waves), 4)
    assert_array_equal(found, np.array(waves, dtype=float).reshape(-1, 4))


@pytest.fixture
def folder(tmp_path, write_wfdb):
    """Three records of two leads; the last record has no annotations of lead ii."""
    comments = ["<age>: 51", "<sex>: F", "<diagnoses>:", "Rhythm: Sinus bradycardia.", "Pause. "]
    for number in (1, 2, 10):
        values = np.random.default_rng(number).integers(-999, 999, (2, 500))
        write_wfdb(tmp_path, f"data/{number}", values, ["i", "ii"], rate=500, comments=comments)
        for lead in ("i", "ii")[: 1 if number == 10 else 2]:
            write_annotations(tmp_path / "data", str(number), lead, shift=number)
    (tmp_path / "ludb.csv").write_text(
        'ID,Sex,Age,Rhythms,Other states\n1,"F\n","51\n","Sinus\nPause",\n2,"F\n","51\n",Sinus,\n'
    )
    return tmp_path


def write_annotations(
    folder, name, lead, shift, samples=(10, 20, 30, 50, 60, 70), symbols="(p)(N)"
):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        wfdb.wrann(
            name,
            lead,
            np.array(samples) + shift,
            symbol=list(symbols),
            write_dir=str(folder),
        )


def load(folder, **kwargs):
    return load_ludb(folder, **{"leads": ["I", "II"], "on_error": "skip", **kwargs})


@pytest.mark.parametrize("cached", [False, True])
def test_bunch(folder, cached):
    for _ in range(2):
        bunch = load(folder, cache=folder / "cache" if cached else None)
        assert bunch.data.shape == (3, 2, 500) and bunch.sampling_rate == 500
        assert isinstance(bunch.data, np.memmap) == cached
        assert_array_equal(bunch.groups, [1, 2, 10])
        waves = bunch.annotations
        assert list(waves) == ["record", "lead", "wave", "onset", "peak", "offset"]
        assert len(waves) == 10
        assert waves.iloc[3].to_list() == [0, "II", "QRS", 51, 61, 71]
        assert waves.iloc[-1].to_list() == [2, "I", "QRS", 60, 70, 80]
        assert waves.dtypes["onset"] == pd.Int64Dtype()
        notes = ["", "", "no annotations of lead II; in no row of ludb.csv"]
        assert bunch.report["reason"].tolist() == notes
        metadata = bunch.metadata
        assert metadata["record"].tolist() == ["1", "2", "10"]
        assert metadata["age"].tolist() == [51, 51, 51]
        assert metadata.loc[0, "diagnoses"] == ("Rhythm: Sinus bradycardia", "Pause")
        assert metadata["Rhythms"].fillna("-").tolist() == ["Sinus; Pause", "Sinus", "-"]
        assert "range of 1" in bunch.DESCR and "ODC-BY" in bunch.DESCR


def test_options(folder):
    waves = load(folder, leads=["II", "I"]).annotations
    assert waves["lead"].tolist()[:4] == ["II", "II", "I", "I"]
    assert set(load(folder, annotated_leads=["i"]).annotations["lead"]) == {"I"}
    (folder / "ludb.csv").unlink()
    assert list(load(folder / "data").metadata) == ["record", "sex", "age", "diagnoses"]
    frame = load(folder, as_frame=True)
    assert frame.data.index.tolist() == frame.metadata.index.tolist() == ["1", "2", "10"]
    assert frame.data.attrs == {"sampling_rate": 500}


def test_changed_annotations_are_noticed(folder, tmp_path):
    load(folder, cache=tmp_path / "cache")
    write_annotations(folder / "data", "10", "ii", shift=200)
    waves = load(folder, cache=tmp_path / "cache").annotations
    assert waves.iloc[-1].to_list() == [2, "II", "QRS", 250, 260, 270]


@pytest.mark.parametrize(
    "samples, symbols, cut, problem",
    [
        ([10, 20, 30], "(N)", slice(-2), "truncated or damaged"),
        ([10, 20, 30], "(N)", slice(-3), "truncated or damaged"),
        ([10, 20, 30], "(N)", slice(0), "truncated or damaged"),
        ([10, 20, 500], "(N)", slice(None), "time point 500 is outside the record, which has 500"),
        ([10, 20, 30], "(V)", slice(None), "LUDB has no annotations 'V'"),
    ],
)
def test_damaged_annotations(folder, samples, symbols, cut, problem):
    write_annotations(folder / "data", "2", "ii", 0, samples=samples, symbols=symbols)
    path = folder / "data" / "2.ii"
    path.write_bytes(path.read_bytes()[cut])
    write_annotations(folder / "data", "10", "ii", 0)
    message = f"Record 2, annotations: 2.ii, the annotations of lead II, .*{problem}.* Replace"
    with pytest.raises(RecordError, match=message):
        load(folder, on_error="raise")
    for cache in (None, folder / "cache", folder / "cache"):
        with pytest.warns(UserWarning, match="Some annotations of 1 of 3 records were left out"):
            bunch = load(folder, cache=cache)
        assert bunch.report.loc[1, "reason"].startswith("no annotations of lead II (")
        assert problem in bunch.report.loc[1, "reason"]
        assert not ((bunch.annotations.record == 1) & (bunch.annotations.lead == "II")).any()
        assert len(bunch.annotations) == 10


def test_annotations_at_another_rate(folder):
    header = folder / "data" / "2.hea"
    header.write_text(header.read_text().replace("2 2 500 500", "2 2 250 500"))
    with pytest.warns(UserWarning, match="records were left out"):
        bunch = load(folder)
    assert bunch.report["status"].tolist() == ["loaded", "failed", "loaded"]


def test_table_and_headers_are_compared(folder):
    table = folder / "ludb.csv"
    table.write_text('ID,Sex,Age,Rhythms\n1,"M\n","52\n",Sinus\n2,F,>89,Sinus\n')
    reasons = load(folder).report["reason"].tolist()
    assert reasons[:2] == [
        "sex 'F' in the header, 'M' in ludb.csv; age 51 in the header, 52 in ludb.csv",
        "",
    ]
    table.write_text("ID,Sex\n1.0,F\n2.0,F\n")
    with pytest.raises(
        ValueError, match="ludb.csv has none of the 3 records in column ID. Replace"
    ):
        load(folder)
    table.write_text("ID;Sex\n1;F\n")
    with pytest.raises(ValueError, match="ludb.csv, row 1: the columns are separated by ';'"):
        load(folder)


def test_hidden_files_and_home_folder(folder, monkeypatch):
    (folder / "data" / "._1.hea").write_bytes(bytes(9))
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(folder.parent))
    bunch = load(f"~/{folder.name}", cache=f"~/{folder.name}/cache")
    assert bunch.report["record"].tolist() == ["1", "2", "10", "._1.hea"]
    assert bunch.report["status"].tolist() == ["loaded", "loaded", "loaded", "hidden"]
    assert bunch.data.shape == (3, 2, 500) and (folder / "cache").is_dir()


def test_errors(folder):
    with pytest.raises(
        RecordError,
        match="Record 10, annotations: 10.ii, the annotations of lead II, cannot"
        " be read. Download LUDB again, or pass on_error='skip'",
    ):
        load(folder, on_error="raise")
    (folder / "data" / "2.dat").unlink()
    with pytest.raises(
        RecordError,
        match="Record 2, signal file: 2.dat is missing. The record is "
        "unlike those of LUDB: download it again",
    ):
        load(folder, on_error="raise")
    with pytest.raises(FileNotFoundError, match="is not a folder of LUDB: there is no .hea file"):
        (folder / "empty").mkdir()
        load(folder / "empty")
    (folder / "ludb.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="ludb.csv has no column ID"):
        load(folder)


def test_real_ludb(data_folder):
    bunch = load_ludb(data_folder / "ludb")
    assert bunch.data.shape == (100, 12, 5000)
    assert_array_equal(bunch.groups, range(1, 101))
    waves = bunch.annotations
    assert waves["wave"].value_counts().to_dict() == {
        "QRS": 10829,
        "T": 9653,
        "P": 8001,
        "unknown": 2,
    }
    assert waves["record"].nunique() == 100
    assert len(waves.query("lead == 'II' and wave == 'QRS'")) == 903
    assert (waves["onset"] < waves["offset"]).all()
    assert (waves["onset"] <= waves["peak"] + 3).all() and (waves["peak"] < waves["offset"]).all()
    # Amplitudes are normalized, as in the description.
    assert np.ptp(bunch.data, axis=2) == pytest.approx(1, abs=1e-3)
    # Slopes are steepest near the R-peaks.
    qrs = waves.query("lead == 'II' and wave == 'QRS'")
    slopes = np.abs(np.diff(bunch.data[:, 1], axis=1))
    near = [slopes[r, max(p - 30, 0) : p + 30].max() for r, p in zip(qrs["record"], qrs["peak"])]
    assert np.median(near) > 5 * np.median(slopes)
    assert bunch.metadata["sex"].value_counts().to_dict() == {"M": 59, "F": 41}
    assert bunch.metadata["Rhythms"].str.startswith("Sinus rhythm").sum() > 50


def test_lead_errors(tmp_path):
    for argument in ("leads", "annotated_leads"):
        with pytest.raises(ValueError, match=f"^{argument}: LUDB has no lead 'V9'. Pass some of I"):
            load_ludb(tmp_path, **{argument: ["V9"]})
    with pytest.raises(TypeError, match="annotated_leads must be a list of lead names, got .*'II'"):
        load_ludb(tmp_path, annotated_leads="II")
    (tmp_path / "file").touch()
    with pytest.raises(FileNotFoundError, match="is not a folder of LUDB: it is not a folder"):
        load_ludb(tmp_path / "file")


def test_annotations_that_are_only_an_end(folder):
    """A valid file without annotations is one that ended early."""
    (folder / "data" / "2.ii").write_bytes(b"\0\0")
    (folder / "data" / "10.ii").write_bytes(b"\0\0")
    with pytest.warns(UserWarning, match="annotations of 2 of 3 records were left out"):
        report = load(folder, on_error="skip").report
    reason = "no annotations of lead II (the file has no annotations)"
    assert reason in report["reason"][1] and reason in report["reason"][2]

"""Tests of age, sex and diagnoses that are repeated, garbled or implausible, in all loaders."""

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg.datasets import load_challenge, load_ludb, load_ptbxl
from sklearn_ecg.leads import STANDARD_LEADS


def load_challenge_record(folder, write_wfdb, comments, cache):
    write_wfdb(folder, "r", np.ones((1, 500), dtype=int), ["II"], rate=500, comments=comments)
    return load_challenge(folder, leads=["II"], labels="all", cache=cache)


def load_ludb_record(folder, write_wfdb, comments, cache):
    comments = [f"<{key.lower()}>:{text}" for key, _, text in (c.partition(":") for c in comments)]
    write_wfdb(folder, "data/1", np.ones((1, 500), dtype=int), ["ii"], rate=500, comments=comments)
    return load_ludb(folder, leads=["II"], annotated_leads=[], cache=cache)


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("load", [load_challenge_record, load_ludb_record])
@pytest.mark.parametrize(
    "ages, age, note",
    [
        (["56"], 56, ""),
        (["56.5"], 56.5, ""),
        (["0"], 0, ""),
        (["NaN"], None, ""),
        (["unknown"], None, ""),
        (["56", "56"], 56, ""),
        (["56", "NaN"], 56, ""),
        (["56", "65"], None, "age '56' and '65' in the header, neither of them is used"),
        (["-5"], None, "age '-5' in the header is not a number of years from 0 to 120"),
        (["999"], None, "age '999' in the header"),
        (["1e1"], None, "age '1e1' in the header"),
        (["5_6"], None, "age '5_6' in the header"),
        (["56 years"], None, "age '56 years' in the header"),
        (["５６"], None, "age '５６' in the header"),
    ],
)
def test_ages_of_headers(tmp_path, write_wfdb, load, ages, age, note, cached):
    comments = [*(f"Age: {text}" for text in ages), "Sex: F", "Dx: 426783006"]
    cache = tmp_path / "cache" if cached else None
    for _ in range(2):
        bunch = load(tmp_path / "records", write_wfdb, comments, cache)
        found = bunch.metadata["age"][0]
        assert np.isnan(found) if age is None else found == age
        assert bunch.metadata["sex"][0] in ("F", "female")
        reason = bunch.report["reason"][0]
        assert reason.startswith(note) and bool(note) == bool(reason)


@pytest.mark.parametrize("load", [load_challenge_record, load_ludb_record])
@pytest.mark.parametrize(
    "sexes, is_known, note",
    [
        (["Female"], True, ""),
        (["F", "f"], True, ""),
        (["F", "M"], False, "sex 'F' and 'M' in the header, neither of them is used"),
        (["Femal"], False, "sex 'Femal' in the header is not known"),
        (["Unknown"], False, ""),
    ],
)
def test_sexes_of_headers(tmp_path, write_wfdb, load, sexes, is_known, note):
    comments = ["Age: 56", *(f"Sex: {text}" for text in sexes), "Dx: 426783006"]
    bunch = load(tmp_path, write_wfdb, comments, None)
    assert (bunch.metadata["sex"][0] in ("F", "female")) == is_known
    assert bunch.report["reason"][0] == note


@pytest.mark.parametrize(
    "comments, codes, note",
    [
        (["Dx: 426783006", "Dx: 164889003"], ("426783006", "164889003"), "2 different comments"),
        (["DX: AF", "dx : 164890007"], ("164889003", "164890007"), "2 different comments Dx"),
        (["Dx: 426783006", "Dx: 426783006"], ("426783006",), ""),
        (["Dx: 426783006;164889003"], ("426783006", "164889003"), ""),
        (["Dx: 426783006", "Hx: see Dx: 164889003"], ("426783006",), ""),
        (["Dx: 426783006 164889003"], ("426783006 164889003",), "Dx '426783006 164889003' in the"),
        (["Dx: 426783006.0"], ("426783006.0",), "Dx '426783006.0' in the header is not a SNOMED"),
        (["Dx: 0426783006,AF"], ("0426783006", "164889003"), "Dx '0426783006' in the header is"),
        (["Dx: ²"], ("²",), "Dx '²' in the header is not a SNOMED CT code"),
    ],
)
def test_diagnoses_of_headers(tmp_path, write_wfdb, comments, codes, note):
    bunch = load_challenge_record(tmp_path, write_wfdb, comments, None)
    assert bunch.metadata["dx"][0] == codes
    assert bunch.target.tolist() == [[1] * len(codes)]
    reason = bunch.report["reason"][0]
    assert reason.startswith(note) and bool(note) == bool(reason)


def test_windows_of_a_doubtful_record_have_one_note(tmp_path, write_wfdb):
    comments = ["Age: -1", "Dx: AF"]
    write_wfdb(tmp_path, "r", np.ones((1, 500), dtype=int), ["II"], rate=500, comments=comments)
    bunch = load_challenge(tmp_path, leads=["II"], duration=0.2, longer="windows")
    assert len(bunch.data) == 5
    assert bunch.report["reason"][0].count("age") == 1


@pytest.mark.parametrize("cached", [False, True])
def test_ages_and_sexes_of_ptbxl(tmp_path, write_wfdb, cached):
    """An age of 300 is published for patients of more than 89 years."""
    folder = tmp_path / "records"
    for number in range(1, 7):
        values = np.ones((12, 1000), dtype=int)
        write_wfdb(folder, f"records100/{number:05}_lr", values, STANDARD_LEADS, rate=100)
    write_statements(folder)
    table = make_database(6)
    table["age"] = ["56", "300", "", "-5", "999", "x"]
    table["sex"] = [0, 1, None, 2, 0, 1]
    table.to_csv(folder / "ptbxl_database.csv", index=False)
    for _ in range(2):
        bunch = load_ptbxl(folder, cache=tmp_path / "cache" if cached else None)
        notes = [reason.replace(" in ptbxl_database.csv", "") for reason in bunch.report["reason"]]
        assert notes == [
            "",
            "",
            "",
            "age -5, which cannot be right; sex 2.0, which cannot be right",
            "age 999, which cannot be right",
            "age x, which cannot be right",
        ]


def write_statements(folder, **columns):
    table = pd.DataFrame(
        {"diagnostic": [1.0, None], "form": [None, None], "rhythm": [None, 1.0]},
        index=["NORM", "SR"],
    )
    table["diagnostic_class"] = table["diagnostic_subclass"] = ["NORM", None]
    table.assign(**columns).to_csv(folder / "scp_statements.csv")


def make_database(n_records):
    numbers = np.arange(1, n_records + 1)
    return pd.DataFrame(
        {
            "ecg_id": numbers,
            "patient_id": numbers,
            "scp_codes": "{'NORM': 100.0, 'SR': 0.0}",
            "strat_fold": numbers,
            "filename_lr": [f"records100/{number:05}_lr" for number in numbers],
        }
    )


@pytest.mark.parametrize("column", ["diagnostic", "form", "rhythm"])
@pytest.mark.parametrize("cell", [2, -1, 0.5, "yes", "True"])
def test_statements_that_are_neither_selected_nor_not(tmp_path, column, cell):
    """Such a statement would be left out of every target."""
    write_statements(tmp_path, **{column: [1, cell]})
    make_database(1).to_csv(tmp_path / "ptbxl_database.csv", index=False)
    with pytest.raises(ValueError, match=f"scp_statements.csv has the {column} .* statement 'SR'"):
        load_ptbxl(tmp_path, task="all")


@pytest.mark.parametrize(
    "column, cell, message",
    [
        ("strat_fold", 0, "strat_fold 0 for ecg_id 2, but PTB-XL has the folds 1 to 10"),
        ("strat_fold", 11, "strat_fold 11 for ecg_id 2"),
        ("strat_fold", -3, "strat_fold -3 for ecg_id 2"),
        ("patient_id", 1.5, "patient_id 1.5 in ecg_id 2, which is not an integer"),
        ("ecg_id", None, r"has no ecg_id for 1 record\(s\), the first of them row 3"),
        ("scp_codes", "{'NORM': 100.0, 'NORM': 5.0}", "ecg_id 2, .* a dict of different codes"),
        ("scp_codes", "{'NORM': 1., 'NORM': 5.0}", "ecg_id 2, .* a dict of different codes"),
    ],
)
def test_cells_of_ptbxl(tmp_path, column, cell, message):
    write_statements(tmp_path)
    table = make_database(3)
    table[column] = table[column].astype(object)
    table.loc[1, column] = cell
    table.to_csv(tmp_path / "ptbxl_database.csv", index=False)
    with pytest.raises(ValueError, match=message):
        load_ptbxl(tmp_path)


@pytest.mark.parametrize(
    "table, message",
    [
        ("ID,Sex,Sex\n1,F,F\n", "ludb.csv, row 1: it has the column 'Sex' more than once"),
        ("ID,record\n1,2\n", "ludb.csv has a column 'record', unlike the published file"),
        ("ID,age\n1,2\n", "ludb.csv has a column 'age', unlike the published file"),
    ],
)
def test_columns_of_ludb(tmp_path, write_wfdb, table, message):
    (tmp_path / "ludb.csv").write_text(table)
    with pytest.raises(ValueError, match=message):
        load_ludb_record(tmp_path, write_wfdb, ["Age: 56"], None)


def test_records_of_ludb_without_a_row_or_with_an_implausible_one(tmp_path, write_wfdb):
    for number in (1, 2):
        write_wfdb(tmp_path, f"data/{number}", np.ones((1, 500), dtype=int), ["ii"], rate=500)
    (tmp_path / "ludb.csv").write_text("ID,Age\n1,-4\n")
    bunch = load_ludb_record(tmp_path, write_wfdb, [], None)
    assert bunch.report["reason"].tolist() == [
        "age -4 in ludb.csv is not plausible",
        "in no row of ludb.csv",
    ]
    # With the age of the header, both are reported.
    bunch = load_ludb_record(tmp_path, write_wfdb, ["Age: 4"], None)
    assert bunch.report["reason"][0] == "age 4 in the header, -4 in ludb.csv"


def test_ludb_is_at_500_hz(tmp_path, write_wfdb):
    """Also if the first record is not."""
    for number, rate in ((1, 250), (2, 500)):
        write_wfdb(tmp_path, f"data/{number}", np.ones((1, 500), dtype=int), ["ii"], rate=rate)
    options = {"leads": ["II"], "annotated_leads": [], "on_error": "skip"}
    with pytest.warns(UserWarning, match="1 of 2 records were left out"):
        bunch = load_ludb(tmp_path, **options)
    assert bunch.report["reason"].tolist() == [
        "sampling rate: it has 250 Hz instead of 500 Hz.",
        "",
    ]


def test_segments_and_stray_files_of_ludb(tmp_path, write_wfdb):
    for name in ("data/1", "data/part"):
        write_wfdb(tmp_path, name, np.ones((1, 500), dtype=int), ["ii"], rate=500)
    (tmp_path / "data" / "2.hea").write_text("2/1 1 500 500\npart 500\n")
    (tmp_path / "data" / "3.dat").write_bytes(b"")
    bunch = load_ludb(tmp_path, leads=["II"], annotated_leads=[])
    statuses = bunch.report.set_index("record")["status"].to_dict()
    assert statuses == {"1": "loaded", "2": "loaded", "part": "segment", "3.dat": "no header"}

"""Names of leads that users give, and tables with labels and patients of records."""

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg.datasets import RecordError, load_challenge, load_wfdb

VALUES = np.arange(1, 4)[:, None] * 100 * np.ones((3, 50), dtype=int)


@pytest.fixture
def folder(tmp_path, write_wfdb):
    folder = tmp_path / "records"
    write_wfdb(folder, "00017", VALUES[:2], ["D1", "C1"])
    write_wfdb(folder, "a/x", VALUES, ["D1", "-aVR", "RESP"])
    write_wfdb(folder, "b", VALUES[:2], ["I", "MCL1"])
    write_wfdb(folder, "c", VALUES[:2], ["Lead I", "V1"])
    return folder


ALIASES = {"d1 ": "I", "C1": "v1", "MCL1": "V1"}


def test_aliases(folder):
    names = ["00017", "b", "c"]
    records = [folder / name for name in names]
    aliases = {name: ALIASES[name] for name in ("d1 ", "C1", "MCL1")}
    bunch = load_wfdb(records, leads=["V1", "I"], lead_aliases=aliases)
    np.testing.assert_allclose(bunch.data[:, :, 0], [[0.2, 0.1]] * 3, rtol=1e-6)
    assert bunch.report["reason"].tolist() == [
        "C1 loaded as V1; D1 loaded as I",
        "MCL1 loaded as V1",
        "",
    ]
    with pytest.raises(RecordError, match="V1 missing; the channels are D1, C1"):
        load_wfdb(records, leads=["V1", "I"], lead_aliases={"D1": "I"})


def test_a_minus_inverts(folder):
    bunch = load_wfdb(
        [folder / "a/x"], leads=["I", "aVR"], lead_aliases={"D1": "-I", "-AVR": "-avr"}
    )
    np.testing.assert_allclose(bunch.data[0, :, 0], [-0.1, -0.2], rtol=1e-6)
    assert bunch.report["reason"][0] == "D1 loaded as inverted I; -aVR loaded as inverted aVR"
    # The other limb leads are derived from the inverted ones.
    derived = load_wfdb(
        [folder / "a/x"],
        leads=["II"],
        lead_aliases={"D1": "I", "-aVR": "-aVR"},
        missing_leads="derive",
    )
    np.testing.assert_allclose(derived.data[0, 0, 0], -2 * -0.2 - 0.1, rtol=1e-6)


def test_leads_are_exchanged(folder):
    aliases = {"Lead I": "V1", "V1": "I"}
    bunch = load_wfdb([folder / "c"], leads=["I", "V1"], lead_aliases=aliases)
    np.testing.assert_allclose(bunch.data[0, :, 0], [0.2, 0.1], rtol=1e-6)
    with pytest.raises(RecordError, match="'Lead I' and 'V1' are both lead V1"):
        load_wfdb([folder / "c"], leads=["V1"], lead_aliases={"Lead I": "V1"})


def test_other_names_and_the_challenge(tmp_path, write_wfdb):
    write_wfdb(tmp_path, "r", VALUES, ["ECG 1", "D2", "C1"], comments=["Dx: 426783006"])
    bunch = load_wfdb(tmp_path, leads=["Holter"], lead_aliases={"ECG 1": "Holter"})
    assert bunch.data[0, 0, 0] == np.float32(0.1)
    bunch = load_challenge(tmp_path, leads=["II", "V1"], lead_aliases={"D2": "II", "C1": "V1"})
    np.testing.assert_allclose(bunch.data[0, :, 0], [0.2, 0.3], rtol=1e-6)


def test_aliases_and_the_cache(folder, tmp_path):
    options = {"leads": ["I"], "cache": tmp_path / "cache"}
    records = [folder / "00017"]
    for aliases, value in (({"D1": "I"}, 0.1), ({"D1": "-I"}, -0.1), ({"C1": "I"}, 0.2)):
        for _ in range(2):
            bunch = load_wfdb(records, lead_aliases=aliases, **options)
            assert bunch.data[0, 0, 0] == np.float32(value)


@pytest.mark.parametrize(
    "aliases, error, message",
    [
        ({"D9": "I"}, ValueError, r"no record has a channel 'D9'.*D1, C1"),
        ({"D1": "V11"}, ValueError, r"lead_aliases\['D1'\]='V11' is neither a known lead"),
        ({"-aVR": "aVR"}, ValueError, r"ambiguous.*Pass \{'-aVR': '-aVR'\}"),
        ({"D1": "I", "d1": "I"}, ValueError, "'d1' twice"),
        ({"D1": 1}, TypeError, "'D1': 1"),
        ({"D1": "-"}, TypeError, "'D1': '-'"),
        ([("D1", "I")], TypeError, "must be a dict .* got list"),
        ("D1", TypeError, "got str"),
    ],
)
def test_wrong_aliases(folder, aliases, error, message):
    with pytest.raises(error, match=message):
        load_wfdb([folder / "00017"], leads=["C1"], lead_aliases=aliases)


# --------------------------------------------------------------------------------------------------
# Tables
# --------------------------------------------------------------------------------------------------

TABLE = pd.DataFrame(
    {
        "ecg": ["c.hea", "00017", "./b", "a/x"],
        "finding": ["MI", "NORM", "MI", None],
        "patient": ["p2", "p1", "p2", "p3"],
        "age": [60, 50, 61, 70],
    }
)
COLUMNS = {"record_column": "ecg", "label_column": "finding", "group_column": "patient"}
OPTIONS = {"leads": ["V1"], "lead_aliases": {"C1": "V1", "MCL1": "V1"}}


@pytest.mark.parametrize("as_file", [False, True])
@pytest.mark.parametrize("as_frame", [False, True])
def test_a_table(folder, tmp_path, as_file, as_frame):
    labels = TABLE.set_axis([9, 3, 7, 5])
    if as_file:
        labels = tmp_path / "labels.csv"
        TABLE.to_csv(labels, index=False)
    with pytest.warns(UserWarning, match="1 of 4 records of the table .* no label"):
        bunch = load_wfdb(
            folder,
            labels=labels,
            duration=0.1,
            longer="windows",
            as_frame=as_frame,
            **COLUMNS,
            **OPTIONS,
        )
    assert bunch.metadata["record"].tolist() == ["c", "c", "00017", "00017", "b", "b"]
    assert np.asarray(bunch.target).tolist() == [0, 0, 1, 1, 0, 0]
    assert isinstance(bunch.target, pd.Series) == as_frame
    assert bunch.target_names == ["MI", "NORM"]
    assert bunch.groups.tolist() == ["p2", "p2", "p1", "p1", "p2", "p2"]
    assert bunch.metadata["age"].tolist() == [60, 60, 50, 50, 61, 61]
    assert list(bunch.metadata) == ["record", "start", "finding", "patient", "age"]
    if as_frame:
        assert bunch.target.index.equals(bunch.data.index)
        assert bunch.metadata.index.equals(bunch.data.index)
    status = bunch.report.set_index("record")["status"].to_dict()
    assert status == {"c": "loaded", "00017": "loaded", "b": "loaded", "a/x": "no label"}


def test_records_outside_the_table(folder):
    bunch = load_wfdb(
        folder,
        labels=TABLE[1:3],
        leads=["V1"],
        lead_aliases={"C1": "V1"},
        label_column=None,
        record_column="ecg",
        missing_leads="drop_record",
    )
    assert bunch.target is None and bunch.target_names is None
    assert bunch.groups.tolist() == [0]
    status = bunch.report.set_index("record")["status"].to_dict()
    assert status == {
        "00017": "loaded",
        "b": "dropped",
        "a/x": "not in table",
        "c": "not in table",
    }


def test_records_that_do_not_exist(folder):
    table = pd.DataFrame({"record": ["c", "d"], "label": [5, 3]})
    with pytest.raises(RecordError, match="Record d"):
        load_wfdb(folder, labels=table, leads=["V1"])
    with pytest.warns(UserWarning, match="1 of 2 records were left out"):
        bunch = load_wfdb(folder, labels=table, leads=["V1"], on_error="skip")
    assert bunch.target.tolist() == [1] and bunch.target_names == [3, 5]
    assert bunch.report.set_index("record").loc["d", "status"] == "failed"


def test_a_list_of_records_and_the_cache(folder, tmp_path):
    records = [str(folder / "b"), str(folder / "c.hea")]
    table = pd.DataFrame({"record": records[::-1], "label": ["x", "y"]})
    for _ in range(2):
        bunch = load_wfdb(records, labels=table, leads=["I"], cache=tmp_path / "cache")
        assert bunch.target.tolist() == [0, 1]
        assert [name[-1] for name in bunch.metadata["record"]] == ["c", "b"]


@pytest.mark.parametrize(
    "change, options, error, message",
    [
        ({}, {"record_column": "name"}, ValueError, "record_column='name' is not a column"),
        ({}, {"label_column": "y"}, ValueError, "label_column='y' is not a column"),
        ({}, {"group_column": "y"}, ValueError, "group_column='y' is not a column"),
        (
            {"ecg": ["c", "c.dat", "./c", "b"]},
            {},
            ValueError,
            r"1 record\(s\) in more than one row",
        ),
        ({"ecg": ["c", None, "b", "a/x"]}, {}, ValueError, "Row 1 .* no record in column 'ecg'"),
        ({"patient": [1, 2, np.nan, 3]}, {}, ValueError, "Row 2 .* no patient in column"),
        ({"finding": [None] * 4}, {}, ValueError, "No record has a label"),
        ({"finding": ["MI", 1, 2, 3]}, {}, ValueError, "of different types"),
        ({"finding": ["MI", "MI ", 2, 3]}, {}, ValueError, "different types|spaces"),
        ({"start": [0] * 4}, {}, ValueError, "column 'start'.*Rename it"),
        ({}, {"labels": 5}, TypeError, "labels must be a DataFrame, the path .* got int"),
        ({}, {"labels": "no.csv"}, FileNotFoundError, "labels='no.csv' does not exist"),
    ],
)
def test_wrong_tables(folder, change, options, error, message):
    options = {"labels": TABLE.assign(**change), **COLUMNS, **options}
    with pytest.raises(error, match=message):
        load_wfdb(folder, leads=["V1"], **options)


def test_the_label_none_in_a_file_is_ambiguous(folder, tmp_path):
    """It would be read as a missing value, and all records of this class would be left out."""
    table = TABLE[:3].assign(finding=["MI", "None", "MI"])
    path = tmp_path / "labels.csv"
    table.to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"Row 1 .* 'None' in column 'finding'.*pass a DataFrame"):
        load_wfdb(folder, labels=path, **COLUMNS, **OPTIONS)
    again = pd.read_csv(path, keep_default_na=False)
    bunch = load_wfdb(folder, labels=again, **COLUMNS, **OPTIONS)
    assert bunch.target_names == ["MI", "None"] and bunch.target.tolist() == [0, 1, 0]
    columns = {**COLUMNS, "label_column": None}
    assert load_wfdb(folder, labels=path, **columns, **OPTIONS).target is None


IDS = "ecg,finding,patient,age,site\nb,{},{},60,007\n00017,{},{},50,12\nc,{},{},,3\n"


@pytest.mark.parametrize(
    ("labels", "patients", "expected_labels", "expected_patients"),
    [
        (("1", "0", "1"), ("7", "12", "7"), [0, 1], [7, 12, 7]),
        (("1.5", "0", "1.50"), ("7", "8", "9"), None, None),
        (("01", "10", "01"), ("00123", "124", "00123"), ["01", "10"], ["00123", "124", "00123"]),
        (("1E3", "0", "1E3"), ("12E3", "2E05", "9"), ["0", "1E3"], ["12E3", "2E05", "9"]),
        (
            ("A", "B", "A"),
            ("9007199254740993.0", "9007199254740992.0", "1.0"),
            ["A", "B"],
            ["9007199254740993.0", "9007199254740992.0", "1.0"],
        ),
        (("A", "B", "A"), ("00123", "123", "5"), None, None),
        (("A", "B", "A"), ("12E3", "12000", "5"), None, None),
        (("A", "B", "A"), ("P1", "P1 ", "P2"), None, None),
    ],
)
def test_numbers_and_texts(labels, patients, expected_labels, expected_patients, folder, tmp_path):
    """As a number, patient 00123 would be patient 123, and label 01 label 1."""
    path = tmp_path / "labels.csv"
    path.write_text(IDS.format(*(cell for row in zip(labels, patients) for cell in row)))
    options = {"labels": path, **COLUMNS, **OPTIONS}
    if expected_labels is None:
        with pytest.raises(ValueError, match="equal as numbers, but not as texts|in spaces only"):
            load_wfdb(folder, on_error="skip", **options)
        return
    bunch = load_wfdb(folder, on_error="skip", **options)
    assert bunch.target_names == expected_labels
    assert [expected_labels[i] for i in bunch.target] == [
        label if isinstance(expected_labels[0], str) else int(label) for label in labels
    ]
    assert bunch.groups.tolist() == expected_patients
    assert bunch.metadata["site"].tolist() == ["007", "12", "3"]
    np.testing.assert_array_equal(bunch.metadata["age"], [60, 50, np.nan])

"""Tests of reading Parquet files that are damaged, or in the home folder."""

import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sklearn_ecg.leads import read_lead_frame, to_lead_frame


@pytest.fixture
def frame():
    X = np.random.default_rng(0).normal(size=(50, 2, 40))
    return to_lead_frame(X, ["I", "II"], sampling_rate=100, units="mV")


def replace_metadata(path, **metadata):
    """Replace metadata of a file, whose keys are given as names; older pandas has attrs only."""
    table = pq.read_table(path)
    stored = dict(table.schema.metadata)
    stored[b"pandas"] = json.dumps({**json.loads(stored[b"pandas"]), "attributes": {}}).encode()
    stored.update({key.encode(): value for key, value in metadata.items()})
    pq.write_table(table.replace_schema_metadata(stored), path)


@pytest.mark.parametrize("change", [lambda x: x[:50], lambda x: x[:-9], lambda x: b""])
def test_files_that_are_not_parquet(frame, tmp_path, change):
    path = tmp_path / "records.parquet"
    frame.to_parquet(path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match="^records.parquet"):
        read_lead_frame(path)


def test_damaged_columns_are_named(frame, tmp_path):
    path = tmp_path / "records.parquet"
    frame.to_parquet(path, compression="gzip")
    column = pq.ParquetFile(path).metadata.row_group(0).column(1)
    start = column.dictionary_page_offset or column.data_page_offset
    content = bytearray(path.read_bytes())
    content[start : start + column.total_compressed_size] = bytes(column.total_compressed_size)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="^records.parquet, column 'II': it is damaged"):
        read_lead_frame(path)
    assert list(read_lead_frame(path, columns=["I"])) == ["I"]


@pytest.mark.parametrize("metadata", [b"{", b"[]", b"5", b'{"columns": 3}', b"\xff"])
def test_damaged_metadata_of_pandas(frame, tmp_path, metadata):
    path = tmp_path / "records.parquet"
    frame.to_parquet(path)
    replace_metadata(path, pandas=metadata)
    with pytest.raises(ValueError, match="^records.parquet"):
        read_lead_frame(path)


@pytest.mark.parametrize(
    "attrs, message",
    [
        (b"{", "the metadata of pandas in the file is damaged"),
        (b"[1]", r"its attrs must be a dict, got \[1\]"),
        *(
            (json.dumps({"sampling_rate": rate}).encode(), r"attrs\['sampling_rate'\] must be a po")
            for rate in (0, -1, "100", True, float("nan"), float("inf"))
        ),
        (b'{"units": 5}', r"attrs\['units'\] must be the name of a unit, such as 'mV', got 5"),
        (b'{"units": ""}', r"attrs\['units'\] must be the name of a unit, such as 'mV', got ''"),
    ],
)
def test_damaged_attrs(frame, tmp_path, attrs, message):
    path = tmp_path / "records.parquet"
    frame.to_parquet(path)
    replace_metadata(path, PANDAS_ATTRS=attrs)
    with pytest.raises(ValueError, match=f"^records.parquet: {message}"):
        read_lead_frame(path)


def test_columns_and_cells_are_named_with_the_file(frame, tmp_path):
    path = tmp_path / "records.parquet"
    table = pa.table([pa.array([[1.0, 2.0]])] * 2, names=["I", "I"])
    pq.write_table(table, path)
    with pytest.raises(ValueError, match="^records.parquet.*'?I'?"):
        read_lead_frame(path)
    pq.write_table(pa.table({"I": pa.array([[1.0, 2.0], None])}), path)
    with pytest.raises(ValueError, match="^records.parquet: The signal of record 1, lead 'I' is n"):
        read_lead_frame(path)


def test_paths(frame, tmp_path, monkeypatch):
    frame.to_parquet(tmp_path / "records.parquet")
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    pd.testing.assert_frame_equal(read_lead_frame("~/records.parquet"), frame)
    content = io.BytesIO((tmp_path / "records.parquet").read_bytes())
    pd.testing.assert_frame_equal(read_lead_frame(content, columns=["I", "II"]), frame)
    with pytest.raises(FileNotFoundError):
        read_lead_frame(tmp_path / "nowhere.parquet")

"""Tests of arguments of loaders that are of the wrong type, empty, or given twice."""

import os
from pathlib import Path

import numpy as np
import pytest

from sklearn_ecg.datasets import (
    download_ptbxl,
    load_challenge,
    load_ecg_images,
    load_ludb,
    load_ptbxl,
    load_wfdb,
)
from sklearn_ecg.leads import read_lead_frame, to_lead_frame

LOADERS = {
    load_wfdb: "folder_or_records",
    load_challenge: "folder",
    load_ludb: "folder",
    load_ptbxl: "folder",
    load_ecg_images: "folder",
    download_ptbxl: "data_home",
    read_lead_frame: "path",
}


@pytest.fixture
def folder(tmp_path, write_wfdb):
    values = np.ones((1, 500), dtype=int)
    write_wfdb(tmp_path / "records", "r", values, ["II"], rate=500, comments=["Dx: AF"])
    return tmp_path / "records"


@pytest.mark.parametrize(
    "load, argument", LOADERS.items(), ids=lambda value: getattr(value, "__name__", value)
)
def test_paths_that_are_no_paths(load, argument):
    with pytest.raises(ValueError, match=f"{argument} is an empty path. Pass '.' if you mean"):
        load("")
    with pytest.raises(ValueError, match=f"{argument} has a null character"):
        load("a\0b")
    if load is not read_lead_frame:  # which reads open files as well
        with pytest.raises(TypeError, match=f"{argument} must be .*, got 5"):
            load(5)


@pytest.mark.parametrize("load", [load_wfdb, load_challenge, load_ludb])
def test_caches_that_are_no_paths(folder, load, monkeypatch, tmp_path):
    """An empty path would fill the current folder."""
    monkeypatch.chdir(tmp_path)
    options = {"leads": ["II"], **({"annotated_leads": []} if load is load_ludb else {})}
    with pytest.raises(ValueError, match="cache is an empty path"):
        load(folder, cache="", **options)
    with pytest.raises(TypeError, match="cache must be a str or a path, got True"):
        load(folder, cache=True, **options)
    assert os.listdir(tmp_path) == ["records"]
    assert load(folder, cache=b"cache", **options).data.shape == (1, 1, 500)


def test_labels_of_images_that_are_no_path(folder):
    with pytest.raises(ValueError, match="labels is an empty path"):
        load_ecg_images(folder, labels="")


@pytest.mark.parametrize("load", [load_wfdb, load_challenge, load_ludb])
@pytest.mark.parametrize("leads", ["II", b"II", None, 5])
def test_leads_that_are_no_list(folder, load, leads):
    with pytest.raises(TypeError, match="leads must be a list of lead names, got"):
        load(folder, leads=leads)
    if load is load_ludb and leads is not None:
        with pytest.raises(TypeError, match="annotated_leads must be a list of lead names, got"):
            load(folder, annotated_leads=leads)


@pytest.mark.parametrize("labels", [None, 5, b"all"])
def test_labels_of_the_challenge_that_are_no_list(folder, labels):
    with pytest.raises(TypeError, match="labels=.* must be 'scored', 'all' or a list of codes"):
        load_challenge(folder, labels=labels)


@pytest.mark.parametrize("label", ["²", "0164889003", "４"])
def test_labels_of_the_challenge_that_are_no_codes(folder, label):
    with pytest.raises(ValueError, match="is neither a SNOMED CT code nor a scored diagnosis"):
        load_challenge(folder, labels=[label])


@pytest.mark.parametrize("load", [load_wfdb, load_challenge])
def test_records_that_are_twice_in_a_list(folder, load):
    """The same object, another spelling, and a link to the folder or to the header."""
    record = str(folder / "r")
    (folder.parent / "link").symlink_to(folder)
    (folder / "copy.hea").symlink_to("r.hea")
    spellings = [record, f"{record}.hea", Path(record), os.path.join(folder, "..", "records", "r")]
    for again in [*spellings, folder.parent / "link" / "r", folder / "copy"]:
        with pytest.raises(ValueError, match="The list of records has .* twice"):
            load([record, again], leads=["II"])
    assert len(load([record], leads=["II"]).data) == 1


@pytest.mark.parametrize("load", [load_wfdb, load_challenge])
def test_advice_on_lists_and_files(folder, load):
    with pytest.raises(ValueError, match="It is a folder: pass it by itself, not in a list"):
        load([folder], leads=["II"])
    for ending in ("", ".hea", ".dat"):
        with pytest.raises(FileNotFoundError, match="To load one record, pass a list"):
            load(folder / f"r{ending}", leads=["II"])


@pytest.mark.parametrize("rate", ["100", None, [100], True, 250])
def test_sampling_rates_of_ptbxl(tmp_path, rate):
    with pytest.raises(ValueError, match="sampling_rate=.* is not available. Pass 100 or 500"):
        load_ptbxl(tmp_path, sampling_rate=rate)


@pytest.mark.parametrize("value", ["50", None, [50], True, np.nan, 101])
def test_likelihoods_of_ptbxl(tmp_path, value):
    with pytest.raises(ValueError, match="min_likelihood=.* must be a percentage from 0 to 100"):
        load_ptbxl(tmp_path, min_likelihood=value)


@pytest.mark.parametrize(
    "argument, values",
    [
        ("sampling_rates", ["100", None, True, [], [[100]], np.array(250)]),
        ("n_connections", [0, 1.5, "2", None, True]),
        ("n_retries", [-1, 1.5, "2", None]),
        ("timeout", [0, -1, "x", None, np.nan, np.inf, True]),
        ("url", ["example.org", "ftp://example.org/", "file:///", "", None, 5]),
    ],
)
def test_arguments_of_downloads(tmp_path, argument, values):
    for value in values:
        with pytest.raises(ValueError, match=f"{argument}="):
            download_ptbxl(tmp_path, **{argument: value})
    assert not os.listdir(tmp_path)


def test_columns_of_a_lead_frame(tmp_path):
    path = tmp_path / "frame.parquet"
    to_lead_frame(np.zeros((2, 2, 10)), ["I", "II"]).to_parquet(path)
    for columns in ("I", "II", b"II", 5):
        with pytest.raises(TypeError, match="columns must be a list of columns, got"):
            read_lead_frame(path, columns=columns)
    with pytest.raises(ValueError, match="columns has 'I' more than once"):
        read_lead_frame(path, columns=["I", "I"])


@pytest.mark.skipif(os.name == "nt", reason="needs named pipes")
def test_a_lead_frame_that_is_a_pipe(tmp_path):
    """Opening it would block."""
    os.mkfifo(tmp_path / "frame.parquet")
    with pytest.raises(ValueError, match="frame.parquet' is not a regular file"):
        read_lead_frame(tmp_path / "frame.parquet")

"""Tests that the warnings of loaders name the file of the caller."""

import warnings

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sklearn_ecg.datasets import (
    load_challenge,
    load_ecg_images,
    load_ludb,
    load_ptbxl,
    load_wfdb,
)

SKIP = {"leads": ["I"], "on_error": "skip"}


@pytest.fixture
def records(tmp_path, write_wfdb):
    """Two records, one of which has no signal file, with tables as in PTB-XL."""
    for name in ("data/1", "data/2"):
        values = np.random.default_rng(0).integers(-999, 999, (12, 100))
        leads = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
        write_wfdb(tmp_path, name, values, leads, rate=500, comments=["Dx: AF"])
    database = pd.DataFrame({"ecg_id": [1, 2], "patient_id": [1, 2], "strat_fold": [1, 1]})
    database["scp_codes"] = "{'NORM': 100.0}"
    database["filename_hr"] = ["data/1", "data/2"]
    database.to_csv(tmp_path / "ptbxl_database.csv", index=False)
    (tmp_path / "scp_statements.csv").write_text(
        ",diagnostic,diagnostic_class,diagnostic_subclass\nNORM,1.0,NORM,NORM\n"
    )
    (tmp_path / "data" / "2.dat").write_bytes(b"")
    return tmp_path


@pytest.fixture
def images(tmp_path):
    """An image with a class, one without, one without a label, and one that is damaged."""
    (tmp_path / "mi").mkdir()
    for name in ("mi/a.png", "b.png"):
        Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(tmp_path / name)
    (tmp_path / "mi" / "damaged.png").write_bytes(b"x")
    return tmp_path


def assert_warnings_name_this_file(call, match):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert [match in str(warning.message) for warning in caught] == [True]
    assert caught[0].filename == __file__


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize(
    "load",
    [
        lambda folder, cache: load_wfdb(folder, cache=cache, **SKIP),
        lambda folder, cache: load_challenge(folder, cache=cache, **SKIP),
        lambda folder, cache: load_ludb(folder, annotated_leads=[], cache=cache, **SKIP),
        lambda folder, cache: load_ptbxl(folder, sampling_rate=500, on_error="skip", cache=cache),
    ],
    ids=["load_wfdb", "load_challenge", "load_ludb", "load_ptbxl"],
)
def test_records_that_failed(records, load, cached):
    cache = records / "cache" if cached else None
    for _ in range(2):
        assert_warnings_name_this_file(
            lambda: load(records, cache), "1 of 2 records were left out, because they failed"
        )


@pytest.mark.parametrize(
    "labels, match",
    [
        ("folders", "1 of 3 images were left out, because they failed (format 1). 1 of 3"),
        ({"file": ["mi/a.png", "b.png"], "label": ["mi", None]}, "because they have no label"),
    ],
    ids=["failed_and_no_class", "no_label"],
)
def test_images_that_were_left_out(images, labels, match):
    labels = pd.DataFrame(labels) if isinstance(labels, dict) else labels
    assert_warnings_name_this_file(
        lambda: load_ecg_images(images, labels=labels, on_error="skip"), match
    )

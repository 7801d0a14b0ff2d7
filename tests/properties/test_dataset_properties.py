"""Loaders and model files: any argument gives the documented result or a documented error."""

import functools
import inspect
import pickle
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcomes import Refused, attempt, covers
from PIL import Image
from sklearn.base import clone
from strategies import as_rows, examples, make_signals
from test_estimator_properties import ECG_NET
from wfdb import wrsamp

from sklearn_ecg.datasets import (
    DownloadError,
    RecordError,
    download_ptbxl,
    load_challenge,
    load_ecg_images,
    load_ludb,
    load_ptbxl,
    load_wfdb,
    make_ecg,
)
from sklearn_ecg.leads import STANDARD_LEADS, is_lead_frame
from sklearn_ecg.persistence import PersistenceError, load, read_info, save
from sklearn_ecg.preprocessing import BandpassFilter, Clipper

SCALARS = st.sampled_from((0.1, 0, 1, -1, None, "a", np.nan, np.inf, True, (50, 100), (9,), 200))


@covers(make_ecg)
@examples(40)
@given(data=st.data())
def test_make_ecg(data):
    n_records = data.draw(st.sampled_from((3, 1, 0, -1, 2.5, "a", None)))
    params = {
        "sampling_rate": data.draw(st.sampled_from((100, 500, 250.5, 0, None, "a", 1e9, np.nan))),
        "duration": data.draw(st.sampled_from((1.0, 2, 0, -1, None, "a", 1e-3, np.inf))),
        "task": data.draw(st.sampled_from(("infarction", "region", "multilabel", "x", None))),
        "regions": data.draw(
            st.sampled_from(
                (("anterior",), ("inferior", "lateral"), (), "anterior", None, ("x",), 3)
            )
        ),
        "return_X_y": data.draw(st.booleans()),
        "as_frame": data.draw(st.booleans()),
        "random_state": data.draw(st.sampled_from((0, 7, "a"))),
    }
    names = (
        "prevalence",
        "severity",
        "class_sep",
        "records_per_patient",
        "heart_rate",
        "respiration",
        "noise",
        "baseline_wander",
        "heart_rate_variability",
    )
    for name in data.draw(st.lists(st.sampled_from(names), max_size=2)):
        params[name] = data.draw(SCALARS)
    out = attempt(make_ecg, n_records, **params)
    if isinstance(out, Refused):
        return
    X, y = out if params["return_X_y"] else (out.data, out.target)
    rows = as_rows(X)
    assert len(rows) == len(y) == n_records and np.isfinite(rows).all()
    assert is_lead_frame(X) == params["as_frame"]
    n_times = rows.shape[1] / 12
    assert abs(n_times - params["duration"] * params["sampling_rate"]) <= 1


@functools.cache
def folder_of_records():
    """A folder with two records of WFDB and two images, which is removed at the end."""
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    for i in range(2):
        signal = make_signals("beats", 1, 12, 100, i)[0].T
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wrsamp(
                f"r{i}",
                fs=100,
                units=["mV"] * 12,
                sig_name=list(STANDARD_LEADS),
                p_signal=signal,
                fmt=["16"] * 12,
                write_dir=folder.name,
                comments=["Age: 50", "Sex: Male", "Dx: 426783006"],
            )
    for label in ("a", "b"):
        path = Path(folder.name, "images", label)
        path.mkdir(parents=True)
        Image.fromarray(np.full((20, 30), 200, dtype=np.uint8)).save(path / "x.png")
    return folder


LEADS = st.sampled_from(
    (STANDARD_LEADS, ("I", "II"), ("V9",), (), "II", None, 3, ("I", "I"), [None])
)
OPTIONS = {
    "leads": LEADS,
    "missing_leads": st.sampled_from(("raise", "nan", "zero", "x", None)),
    "missing_values": st.sampled_from(("raise", "keep", "interpolate", "x", None)),
    "duration": st.sampled_from((None, 1, 0.5, 2, 0, -1, "a", np.nan)),
    "longer": st.sampled_from(("raise", "crop", "x")),
    "shorter": st.sampled_from(("raise", "pad", "x")),
    "resample_to": st.sampled_from((None, 50, 100, 0, "a", np.nan, -5)),
    "on_error": st.sampled_from(("raise", "warn", "skip", "x")),
    "n_jobs": st.sampled_from((None, 1, "a", 1.5)),
    "verbose": st.sampled_from((0, 0, "a")),
    "check_content": st.sampled_from((False, True, "a")),
    "as_frame": st.sampled_from((False, True, "a")),
    "cache": st.sampled_from((None, None, 3)),
    # Of single loaders.
    "assume_units": st.sampled_from((None, "mV", "x", 3)),
    "labels": st.sampled_from(("scored", "all", "x", None, ["426783006"], "folders", 3)),
    "unlabeled": st.sampled_from(("raise", "keep", "drop", "x")),
    "return_X_y": st.sampled_from((False, True, "a")),
    "annotated_leads": st.sampled_from((None, ("I",), "x", 3)),
    "sampling_rate": st.sampled_from((100, 500, 7, "a")),
    "task": st.sampled_from(("superclass", "x", None)),
    "folds": st.sampled_from((None, [1], [99], "a", 3, [])),
    "min_likelihood": st.sampled_from((0, 100, -1, "a")),
    "missing": st.sampled_from(("raise", "skip", "x")),
    "image_size": st.sampled_from((8, (4, 6), 0, None, "a", (1,))),
    "aspect": st.sampled_from(("pad", "stretch", "x")),
    "color": st.sampled_from(("gray", "rgb", "x")),
    "file_column": st.sampled_from(("file", 3)),
}
FOLDERS = ("", "", "images", "missing", "r0.hea", "r0.dat", "../x", "x\0y", None, 3, ["r0"], [])


@covers(load_wfdb, load_challenge, load_ludb, load_ptbxl, load_ecg_images)
@pytest.mark.parametrize(
    "covered",
    [load_wfdb, load_challenge, load_ludb, load_ptbxl, load_ecg_images],
    ids=lambda f: f.__name__,
)
@examples(25)
@given(data=st.data())
def test_loader(covered, data):
    root = Path(folder_of_records().name)
    names = [name for name in inspect.signature(covered).parameters if name in OPTIONS]
    chosen = data.draw(st.lists(st.sampled_from(names), max_size=3, unique=True))
    params = {name: data.draw(OPTIONS[name]) for name in chosen}
    folder = data.draw(st.sampled_from(FOLDERS))
    if covered is load_ecg_images and folder == "":
        folder = "images"
    folder = str(root / folder) if isinstance(folder, str) else folder
    folder = [str(root / part) for part in folder] if isinstance(folder, list) else folder
    out = attempt(covered, folder, **params)
    if isinstance(out, Refused):
        return
    X = out[0] if params.get("return_X_y") is True else out.data
    array = as_rows(X)
    assert len(array) in (0, 1, 2)
    if params.get("missing_leads") != "nan" and params.get("missing_values") != "keep":
        assert np.isfinite(array).all()


@covers(download_ptbxl)
@examples(15)
@given(data=st.data())
def test_download_refuses(data):
    """Of wrong parameters; nothing is downloaded."""
    wrong = {
        "sampling_rates": ((), (7,), "a", None, 7),
        "url": ("file:///x/", "x", None, 3, "ftp://a/"),
        "n_connections": (0, -1, "a", 1.5),
        "n_retries": (-1, "a"),
        "timeout": (0, -1, "a", np.nan, 1e9),
    }
    name = data.draw(st.sampled_from(sorted(wrong)))
    value = data.draw(st.sampled_from(wrong[name]))
    with tempfile.TemporaryDirectory() as folder:
        out = attempt(download_ptbxl, folder, **{name: value})
        assert isinstance(out, Refused), (name, value)
        assert not list(Path(folder).iterdir())


@covers(DownloadError, RecordError, PersistenceError)
@examples(10)
@given(st.text(max_size=5), st.sampled_from(("x", 3, None, "")))
def test_errors_are_shown(text, other):
    errors = (
        attempt(DownloadError, text, other),
        attempt(RecordError, text, other, text, other),
        attempt(PersistenceError, text),
    )
    for error in errors:
        assert isinstance(str(error), str)
        copied = pickle.loads(pickle.dumps(error))
        assert type(copied) is type(error) and str(copied) == str(error)


SAVED = (
    BandpassFilter(sampling_rate=100),
    Clipper(-1, np.float64(1)),
    Clipper(lead_names=["I", "II", "III"]),
    clone(ECG_NET),
    object(),
    None,
    3,
    BandpassFilter,
    Clipper(low=object()),
    Clipper(low=np.nan),
)


@covers(save, load, read_info)
@examples(25)
@given(data=st.data())
def test_save_and_load(data):
    estimator = data.draw(st.sampled_from(SAVED))
    X = make_signals("beats", 8, 3, 40, 0)
    if data.draw(st.booleans()) and isinstance(estimator, (BandpassFilter, type(ECG_NET))):
        estimator = clone(estimator).fit(X, np.arange(8) % 2)
    with tempfile.TemporaryDirectory() as folder:
        name = data.draw(st.sampled_from(("a.ecg", "é b", "", "x/y", "a\0b", None, 3)))
        path = str(Path(folder, name)) if isinstance(name, str) else name
        saved = attempt(save, estimator, path)
        limit = data.draw(st.sampled_from((2**32, 2**20, 10, 0, -1, "a", None)))
        info = attempt(read_info, path, max_bytes=limit)
        loaded = attempt(load, path, max_bytes=limit)
        if isinstance(loaded, Refused):
            assert isinstance(saved, Refused) or limit not in (2**32, 2**20), loaded
            return
        assert saved is None and not isinstance(info, Refused)
    assert type(loaded) is type(estimator)
    if hasattr(estimator, "n_times_in_"):
        method = "predict_proba" if hasattr(estimator, "predict_proba") else "transform"
        np.testing.assert_array_equal(getattr(loaded, method)(X), getattr(estimator, method)(X))

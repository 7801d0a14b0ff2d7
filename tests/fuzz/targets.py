"""What is fuzzed: each target writes intact files, damages one of them, and loads the folder.

A target yields nothing and raises nothing if the loader does what it promises. It raises Fault if a
value is wrong without a note; any other exception is a fault as well.
"""

import contextlib
import functools
import json
import shutil
import struct
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import wfdb
from mutations import mutate, mutate_json
from PIL import Image
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import ECGNetClassifier
from sklearn_ecg.datasets import (
    RecordError,
    load_ecg_images,
    load_ludb,
    load_ptbxl,
    load_wfdb,
    make_ecg,
)
from sklearn_ecg.leads import STANDARD_LEADS, read_lead_frame, to_lead_frame
from sklearn_ecg.persistence import PersistenceError, load, save
from sklearn_ecg.preprocessing import ECGImageRenderer, LeadScaler
from sklearn_ecg.utils import _container


class Fault(Exception):
    """Raised for a value that is wrong."""


def expect(condition, message):
    """Raise a Fault unless a condition holds."""
    if not condition:
        raise Fault(message)


def damage(rng, folder, names):
    """Damage one of some files, and return its name."""
    name = names[rng.integers(len(names))]
    path = folder / name
    path.write_bytes(mutate(rng, path.read_bytes()))
    return name


def write_signals(folder, name, digits, *, fmt="16", rate=100, leads=("I", "II")):
    """Write a record with the checksums of its signals."""
    wfdb.wrsamp(
        name,
        fs=rate,
        units=["mV"] * len(digits),
        sig_name=list(leads),
        d_signal=digits.T,
        fmt=[fmt] * len(digits),
        adc_gain=[200.0] * len(digits),
        baseline=[0] * len(digits),
        write_dir=str(folder),
    )


def digits(seed, n_leads=2, n_times=200):
    """Return random digits."""
    return np.random.default_rng(seed).integers(-500, 500, (n_leads, n_times))


# --------------------------------------------------------------------------------------------------
# WFDB records
# --------------------------------------------------------------------------------------------------

_POLICIES = (
    {},
    {"missing_leads": "nan", "missing_values": "nan"},
    {"resample_to": 50, "missing_values": "interpolate", "missing_leads": "derive"},
    {"duration": 1.0, "longer": "windows", "shorter": "pad", "missing_values": "nan"},
    {"duration": 1.0, "longer": "crop_center", "shorter": "pad", "resample_to": 33.3},
    {"assume_units": "mV", "missing_leads": "drop_record", "missing_values": "drop_record"},
)


def _load_records(rng, folder, policies):
    """Load a folder of which only "good" is known to be intact."""
    options = {"leads": ["I", "II"], "on_error": "skip", **policies}
    if rng.random() < 0.3:
        options["cache"] = folder.parent / "cache"
    bunch = load_wfdb(folder, **options)
    report = bunch.report.set_index("record")
    expect(report.loc["a_good", "status"] == "loaded", "the intact record is not loaded")
    expect(bunch.data.dtype == np.float32, "the data are not float32")
    if "nan" not in policies.values():
        expect(np.isfinite(bunch.data).all(), "the data are not finite")
    if not policies:
        rows = bunch.data[(bunch.metadata["record"] == "a_good").to_numpy()]
        expect(np.abs(rows[0] - digits(0) / 200).max() < 1e-6, "the intact record has changed")
    return bunch


def headers(rng, folder):
    """Damage a header of a record, of a multi-segment record, or of a segment."""
    write_signals(folder, "a_good", digits(0))
    for name in ("record", "part1", "part2"):
        write_signals(folder, name, digits(1))
    (folder / "whole.hea").write_text("whole/2 2 100 400\npart1 200\npart2 200\n")
    damage(rng, folder, ["record.hea", "whole.hea", "part1.hea"])
    _load_records(rng, folder, _POLICIES[rng.integers(len(_POLICIES))])


def signals(rng, folder):
    """Damage a signal file; its checksums are in the header."""
    write_signals(folder, "a_good", digits(0))
    fmt = ("16", "212", "24", "32", "80")[rng.integers(5)]
    values = digits(1) if fmt != "80" else digits(1) // 8
    write_signals(folder, "record", values, fmt=fmt)
    damage(rng, folder, ["record.dat"])
    bunch = _load_records(rng, folder, {})
    row = bunch.report.set_index("record").loc["record"]
    if row["status"] == "loaded" and not row["reason"]:
        loaded = bunch.data[(bunch.metadata["record"] == "record").to_numpy()][0]
        difference = np.rint(loaded * 200).astype(int) - values
        # Changes that leave the sum as it is cannot be known.
        known = (difference.sum(axis=1) % 65536 != 0) & (difference != 0).any(axis=1)
        expect(not known.any(), "a signal differs from its checksum without a note")


def annotations(rng, folder):
    """Damage a file of LUDB's annotations."""
    data = folder / "data"
    data.mkdir()
    for name in ("1", "2"):
        write_signals(data, name, digits(2, 1, 5000), rate=500, leads=["ii"])
        wfdb.wrann(
            name,
            "ii",
            np.array([100, 120, 140, 300, 340, 380, 700, 760, 820]),
            list("(p)(N)(t)"),
            write_dir=str(data),
        )
    damage(rng, data, ["2.ii"])
    bunch = load_ludb(folder, leads=["II"], on_error="skip")
    expect(len(bunch.data) == 2, "a record is missing")
    times = bunch.annotations[["onset", "peak", "offset"]].stack()
    expect(((times >= 0) & (times < 5000)).all(), "a time is outside the record")
    intact = bunch.annotations.query("record == 0")["peak"].tolist()
    expect(intact == [120, 340, 760], "the intact annotations have changed")


def cache(rng, folder):
    """Damage a file of a cache."""
    for number in range(2):
        write_signals(folder, f"r{number}", digits(number))
    options = {"leads": ["I", "II"], "cache": folder.parent / "cache"}
    load_wfdb(folder, **options)
    names = [path.name for path in (folder.parent / "cache").iterdir()]
    name = damage(rng, folder.parent / "cache", names)
    if name.endswith(".npy"):
        # The values are only compared on request.
        options["check_content"] = True
    bunch = load_wfdb(folder, **options)
    expected = np.stack([digits(0), digits(1)]) / 200
    expect(bunch.data.shape == expected.shape, "the shape has changed")
    expect(np.abs(bunch.data - expected).max() < 1e-6, "the values have changed")
    expect(bunch.metadata["record"].tolist() == ["r0", "r1"], "the names have changed")


# --------------------------------------------------------------------------------------------------
# Tables
# --------------------------------------------------------------------------------------------------


def tables(rng, folder):
    """Damage a table of PTB-XL."""
    (folder / "records100").mkdir()
    for number in range(3):
        values = digits(number, 12, 1000)
        write_signals(folder / "records100", f"{number}_lr", values, leads=STANDARD_LEADS)
    pd.DataFrame(
        {
            "ecg_id": [1, 2, 3],
            "patient_id": [11.0, 12.0, 13.0],
            "scp_codes": ["{'NORM': 100.0, 'SR': 0.0}", "{'IMI': 80.0}", "{'LVH': 50.0}"],
            "strat_fold": [1, 2, 10],
            "filename_lr": [f"records100/{number}_lr" for number in range(3)],
            "filename_hr": [f"records500/{number}_hr" for number in range(3)],
        }
    ).to_csv(folder / "ptbxl_database.csv", index=False)
    pd.DataFrame(
        {
            "diagnostic": [1.0, 1.0, 1.0, None],
            "form": [None, None, None, None],
            "rhythm": [None, None, None, 1.0],
            "diagnostic_class": ["NORM", "MI", "HYP", None],
            "diagnostic_subclass": ["NORM", "IMI", "LVH", None],
        },
        index=["NORM", "IMI", "LVH", "SR"],
    ).to_csv(folder / "scp_statements.csv")
    name = damage(rng, folder, ["ptbxl_database.csv", "scp_statements.csv"])
    task = ("superclass", "all", "mi", "rhythm")[rng.integers(4)]
    try:
        bunch = load_ptbxl(folder, task=task, on_error="skip", missing="drop")
    except ValueError as error:
        # The table cannot be used, and the error says so. Subclasses are errors of other libraries.
        expect(type(error) in (ValueError, RecordError), f"{type(error).__name__} of {name}")
        return
    expect(len(bunch.data) == len(bunch.target) == len(bunch.groups), "lengths differ")
    expect(np.isfinite(bunch.data).all(), "the data are not finite")


# --------------------------------------------------------------------------------------------------
# Images and Parquet
# --------------------------------------------------------------------------------------------------


def images(rng, folder):
    """Damage an image."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 4), dtype=np.uint8)
    rgba = Image.fromarray(pixels)
    wide = Image.fromarray(np.random.default_rng(1).integers(0, 65536, (30, 40), dtype=np.uint16))
    files = {
        "rgba.png": rgba,
        "palette.png": rgba.convert("RGB").convert("P"),
        "gray16.png": wide,
        "rgb.jpg": rgba.convert("RGB"),
        "cmyk.jpg": rgba.convert("CMYK"),
        "rgb.bmp": rgba.convert("RGB"),
        "lzw.tif": rgba,
        "raw.tif": rgba.convert("L"),
        "fax.tif": rgba.convert("1"),
    }
    compression = {"lzw.tif": "tiff_lzw", "fax.tif": "group4"}
    name = list(files)[rng.integers(len(files))]
    Image.fromarray(pixels[..., 0]).save(folder / "good.png")
    options = {"compression": compression[name]} if name in compression else {}
    files[name].save(folder / name, **options)
    damage(rng, folder, [name])
    bunch = load_ecg_images(
        folder,
        labels=None,
        image_size=(30, 40),
        color=("gray", "rgb")[rng.integers(2)],
        on_error="skip",
    )
    good = bunch.data[bunch.filenames == "good.png"][0].reshape(30, 40, -1)
    expect((good == pixels[..., :1]).all(), "the intact image has changed")
    if name == "rgba.png" and len(bunch.data) == 2:
        # Each part of a PNG file has a checksum; what remains readable is the intact image, unless
        # parts without which it can be read were damaged.
        shape = bunch.report.set_index("record").loc[name, "shape"]
        expect(shape == (30, 40), "a damaged PNG file has another shape")


def parquet(rng, folder):
    """Damage a Parquet file."""
    frame = to_lead_frame(make_ecg(3, duration=1, random_state=0).data, sampling_rate=100)
    frame.to_parquet(folder / "records.parquet")
    damage(rng, folder, ["records.parquet"])
    try:
        read = read_lead_frame(folder / "records.parquet")
    except ValueError as error:
        expect(type(error) is ValueError, type(error).__name__)
        expect("records.parquet" in str(error), "the error does not name the file")
        return
    expect(len(read) >= 0 and read.shape[1] >= 1, "the frame is empty")


# --------------------------------------------------------------------------------------------------
# Models
# --------------------------------------------------------------------------------------------------


@functools.cache
def _models():
    """Return the contents of model files by name, with the inputs of their predictions."""
    X, y = make_ecg(20, duration=2, random_state=0, return_X_y=True)
    features = np.random.default_rng(0).standard_normal((60, 4))
    features[::7, 0] = np.nan
    classes = np.array(["no", "yes"])[(features[:, 1] > 0).astype(int)]
    linear = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())
    boosting = HistGradientBoostingClassifier(max_iter=2, max_leaf_nodes=4, random_state=0)
    net = {"module_params": {"width": 8, "n_blocks": 1, "embedding_dim": 4}, "max_epochs": 0}
    estimators = {
        "network": (make_pipeline(LeadScaler(), ECGNetClassifier(**net, random_state=0)), X, y),
        "linear": (CalibratedClassifierCV(linear, cv=2), features, classes),
        "boosting": (boosting, features, classes),
        "forest": (RandomForestClassifier(2, max_depth=3, random_state=0), features, classes),
        "renderer": (ECGImageRenderer(sampling_rate=100, image_size=(60, 90)), X, None),
    }
    contents = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (estimator, records, target) in estimators.items():
            save(estimator.fit(records, target), Path(folder, "model"))
            contents[name] = Path(folder, "model").read_bytes(), records
    return contents


def models(rng, folder):
    """Damage a model file: it is refused, or has not changed."""
    names = sorted(_models())
    content, _ = _models()[names[rng.integers(len(names))]]
    other, _ = _models()[names[rng.integers(len(names))]]
    cut = int(rng.integers(min(len(content), len(other))))
    changed = (mutate(rng, content), content[:cut] + other[cut:])[int(rng.random() < 0.1)]
    (folder / "model.ecg").write_bytes(changed)
    try:
        load(folder / "model.ecg")
    except PersistenceError as error:
        expect("model.ecg" in str(error), "the error does not name the file")
        expect(changed != content, "the intact file is refused")
        return
    expect(changed in (content, other), "a changed file is loaded")


def hostile_models(rng, folder):
    """Change a model and sign the file again: a named error, or a model, but no harm."""
    names = sorted(_models())
    name = names[rng.integers(len(names))]
    content, records = _models()[name]
    header, arrays = _container.disassemble(content, "model")
    arrays = bytes(arrays)
    choice = rng.random()
    if choice < 0.6:
        header = json.dumps(mutate_json(rng, json.loads(header))).encode()
    elif choice < 0.75:
        header = mutate(rng, header)
    elif choice < 0.9:
        arrays = mutate(rng, arrays)
    else:
        (n_bytes,) = struct.unpack_from("<Q", arrays)
        table = json.dumps(mutate_json(rng, json.loads(arrays[8 : 8 + n_bytes]))).encode()
        arrays = struct.pack("<Q", len(table)) + table + arrays[8 + n_bytes :]
    (folder / "model.ecg").write_bytes(_container.assemble(header, arrays))
    try:
        loaded = load(folder / "model.ecg")
    except PersistenceError as error:
        expect("model.ecg" in str(error), "the error does not name the file")
        return
    if name in ("boosting", "forest"):
        # Compiled code follows the nodes of trees. Its errors are no fault, but a crash is.
        with contextlib.suppress(Exception):
            loaded.predict_proba(records)


TARGETS = {
    function.__name__: function
    for function in (
        headers,
        signals,
        annotations,
        tables,
        images,
        parquet,
        cache,
        models,
        hostile_models,
    )
}


def run_target(name, seed, scratch):
    """Run a target with one seed in an empty folder."""
    scratch = Path(scratch)
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "files").mkdir(parents=True)
    rng = np.random.default_rng([seed, sorted(TARGETS).index(name)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        TARGETS[name](rng, scratch / "files")

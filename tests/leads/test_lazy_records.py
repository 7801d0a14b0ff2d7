"""Tests of lazy records: every selection equals that of the array."""

import os
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing

from sklearn_ecg import LazyRecords
from sklearn_ecg.leads import _lazy_records
from sklearn_ecg.utils._memory_maps import open_copy_on_write

N_RECORDS, N_LEADS, N_TIMES = SHAPE = (40, 3, 20)


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)


@pytest.fixture
def path(X, tmp_path):
    np.save(tmp_path / "X.npy", X)
    return tmp_path / "X.npy"


@pytest.fixture
def lazy(path):
    return LazyRecords(path, lead_names=["i", "II", "v1"], sampling_rate=100, units="mV")


KEYS = [
    slice(None),
    slice(5, 20, 3),
    slice(None, None, -2),
    slice(30, 10),
    [3, 1, 1, -1],
    np.array([7, 8, 9, 2], dtype=np.uint8),
    [],
    np.arange(N_RECORDS) % 3 == 0,
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_selections_equal_those_of_the_array(key, X, lazy):
    selected = lazy[key]
    assert isinstance(selected, LazyRecords)
    assert selected.shape == X[key].shape and len(selected) == len(X[key])
    assert selected.size == X[key].size and selected.nbytes == X[key].nbytes
    assert_array_equal(np.asarray(selected), X[key], strict=True)
    assert_array_equal(lazy[key, ...], X[key], strict=True)
    # Selections of selections, and leads.
    again = np.arange(len(X[key]))[::-2]
    assert_array_equal(selected[again], X[key][again], strict=True)
    leads = lazy[key][:, [2, 0]]
    assert leads.lead_names == ("V1", "I") and leads.attrs == {"sampling_rate": 100, "units": "mV"}
    assert_array_equal(leads, X[key][:, [2, 0]], strict=True)
    assert_array_equal(leads[:, 1:][again], X[key][:, [0]][again], strict=True)
    assert_array_equal(pickle.loads(pickle.dumps(leads)), leads, strict=True)
    assert_array_equal(list(selected), list(X[key]))


def test_an_integer_returns_the_record(X, lazy):
    for position in (0, np.int64(7), -1, np.array(3)):
        assert_array_equal(lazy[position], X[int(position)], strict=True)
    assert_array_equal(lazy[4, [1]], X[4, [1]], strict=True)
    with pytest.raises(IndexError):
        lazy[N_RECORDS]


@pytest.mark.parametrize(
    "key, message",
    [
        ((slice(None), slice(None), slice(0, 5)), r"got \[:, :, 0:5\]. Select time points with"),
        ((slice(None), 1), r"as in \[:, \[0\]\], got \[:, 1\]"),
        ((Ellipsis, 1), r"indexed by records and leads, got \[..., 1\]"),
        ([3, N_RECORDS], "Position 40 is out of bounds"),
        ([-N_RECORDS - 1], "Position -41 is out of bounds"),
        ([0.5], "must be integers or a mask of 40 values, got .* dtype float64"),
        (np.ones(3, bool), "or a mask of 40 values"),
        ((slice(None), [3]), "Position 3 is out of bounds for 3 records or leads"),
        (([0, 1], [0]), r"be pairs in NumPy, got \[\[0, 1\], \[0\]\]. Select one after the other"),
        (True, "selected by an integer, got True"),
    ],
)
def test_other_keys_are_refused(key, message, lazy):
    with pytest.raises(IndexError, match=message):
        lazy[key]


def test_pickles_are_small(lazy, X):
    assert len(pickle.dumps(lazy)) < 1000 < X.nbytes
    # As caches of pipelines do.
    assert joblib.hash(lazy) == joblib.hash(lazy[:]) != joblib.hash(lazy[1:])


def test_caches_distinguish_a_changed_file(path, X):
    before = joblib.hash(LazyRecords(path))
    np.save(path, np.r_[X, X])
    assert joblib.hash(LazyRecords(path)) != before


def test_tools_of_sklearn_select_without_reading(lazy, X, monkeypatch):
    def fail(self, *args, **kwargs):
        raise AssertionError("the records were read")

    with monkeypatch.context() as patch:
        patch.setattr(LazyRecords, "__array__", fail)
        patch.setattr(LazyRecords, "_read", fail)
        train, test = train_test_split(lazy, random_state=0)
        part = _safe_indexing(lazy, [4, 2])
        _safe_indexing(lazy, np.arange(N_RECORDS) > 3)
    for found, expected in zip((train, test), train_test_split(X, random_state=0)):
        assert_array_equal(found, expected)
    assert_array_equal(part, X[[4, 2]])


def test_stored_integers_are_scaled(tmp_path):
    stored = np.random.default_rng(0).integers(-3000, 3000, SHAPE).astype(np.int16)
    array = np.memmap(tmp_path / "X.dat", "<i2", "w+", offset=16, shape=SHAPE)
    array[:] = stored
    expected = stored.astype(np.float32) * np.float32(0.001)
    lazy = LazyRecords(array, scale=0.001)
    assert lazy.dtype == np.float32
    assert_array_equal(lazy, expected, strict=True)
    # A part of a map, and a factor for each lead.
    scale = np.array([1, -2, 0.5], dtype=np.float32)
    part = LazyRecords(np.asarray(array[5:]), scale=scale)[:, [2, 1]][[3, 0]]
    assert_array_equal(part, (stored * scale[:, None])[5:][[3, 0]][:, [2, 1]])
    unscaled = LazyRecords(array)
    assert unscaled.dtype == np.int16
    assert_array_equal(unscaled, stored)
    assert_array_equal(unscaled.astype(np.float64)[2:4], stored[2:4].astype(float), strict=True)


def test_other_byte_order(X, tmp_path):
    np.save(tmp_path / "X.npy", X.astype(">f4"))
    assert_array_equal(LazyRecords(tmp_path / "X.npy")[[3, 1]], X[[3, 1]], strict=True)


def test_apply_is_computed_when_records_are_read(lazy, X):
    calls = []

    def double(signals):
        calls.append(len(signals))
        return 2 * signals[:, :2, ::2]

    applied = lazy[10:].apply(double, attrs={"units": "uV"})
    assert calls == [1]
    assert applied.shape == (30, 2, 10) and applied.attrs == {"units": "uV"}
    # The names of three leads say nothing of two others.
    assert applied.lead_names is None
    assert lazy.apply(double, lead_names=["II", "V5"]).lead_names == ("II", "V5")
    assert_array_equal(applied[[5, 2]][:, [1]], 2 * X[10:, 1:2, ::2][[5, 2]])
    assert lazy.apply(np.square).lead_names == lazy.lead_names

    def fail(signals):
        if (signals == X[7]).all():
            raise ValueError("Record 0 has no beats.")
        return signals

    assert_array_equal(lazy.apply(fail)[8:], X[8:])
    with pytest.raises(ValueError, match=r"no beats. \(In this message, .* counted from record 7"):
        np.asarray(lazy.apply(fail)[7:8])
    with pytest.raises(ValueError, match="must return an array of 1 records, got float"):
        lazy.apply(np.mean)
    with pytest.raises(ValueError, match=r"\(n_records, n_leads, n_times\), got shape \(1, 3\)"):
        lazy.apply(lambda signals: signals.mean(axis=2))
    with pytest.raises(ValueError, match="lead_names has 1 names, but function returned 3"):
        lazy.apply(np.square, lead_names=["II"])
    with pytest.raises(ValueError, match="There are no records"):
        lazy[:0].apply(np.square)
    shorter = lazy.apply(lambda signals: signals[:, :, : 5 + len(signals)])
    with pytest.raises(ValueError, match="of one shape"):
        np.asarray(shorter)


def test_replaced_leads(lazy, X):
    order = np.random.default_rng(0).permutation(N_RECORDS)
    expected = X.copy()
    expected[:, [2, 0]] = X[order][:, [0, 1]]
    for values in (lazy[order][:, [0, 1]], X[order][:, [0, 1]]):
        replaced = lazy.replace_leads([2, 0], values)
        assert replaced.lead_names == lazy.lead_names
        assert_array_equal(replaced, expected)
        assert_array_equal(replaced[[9, 3]][:, [2]], expected[[9, 3]][:, [2]])
    assert_array_equal(lazy, X)
    with pytest.raises(ValueError, match=r"values must have shape \(40, 1, 20\), got \(40, 2, 20"):
        lazy.replace_leads([1], X[:, :2])
    with pytest.raises(IndexError, match="Position 5"):
        lazy.replace_leads([5], X[:, :1])


def test_save(lazy, X, tmp_path, monkeypatch):
    monkeypatch.setattr(_lazy_records, "record_chunks", lambda n, *_: [slice(0, 7), slice(7, n)])
    saved = lazy[::-1][:, [2, 1]].save(tmp_path / "new.npy")
    assert_array_equal(np.load(tmp_path / "new.npy"), X[::-1][:, [2, 1]], strict=True)
    assert_array_equal(saved, X[::-1][:, [2, 1]])
    assert saved.lead_names == ("V1", "II") and saved.attrs == lazy.attrs
    with pytest.raises(FileExistsError):
        lazy.save(tmp_path / "new.npy")

    def fail(signals):
        if len(signals) > 1:
            raise OSError("broken")
        return signals

    with pytest.raises(OSError, match="broken"):
        lazy.apply(fail).save(tmp_path / "other.npy")
    assert not (tmp_path / "other.npy").exists()


def test_reading_in_parts(lazy, X, monkeypatch):
    monkeypatch.setattr(_lazy_records, "record_chunks", lambda n, *_: [slice(0, 7), slice(7, n)])
    assert_array_equal(lazy, X, strict=True)
    assert_array_equal(list(lazy), X)


def test_large_records_warn(lazy, monkeypatch):
    monkeypatch.setattr(_lazy_records, "_LARGE", 4000)
    np.asarray(lazy[:10])
    with pytest.warns(UserWarning, match=r"of shape \(40, 3, 20\) are read as a whole"):
        np.asarray(lazy)
    with pytest.raises(ValueError, match="copy=None or True"):
        np.array(lazy, copy=False)


def test_conversions(lazy, X):
    assert_array_equal(np.array(lazy, dtype=np.float64), X.astype(float), strict=True)
    assert np.shape(lazy) == SHAPE and np.ndim(lazy) == 3
    assert repr(lazy[:2]) == (
        "LazyRecords(shape=(2, 3, 20), dtype=float32, lead_names=('I', 'II', 'V1'), "
        "sampling_rate=100, units='mV')"
    )


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"lead_names": ["I"]}, ValueError, r"lead_names has 1 names, but .* have 3 leads"),
        ({"scale": [1, 2]}, ValueError, r"one for each of 3 leads, got shape \(2,\)"),
        ({"scale": 0}, ValueError, "scale must be finite and not 0, got 0.0"),
        ({"scale": np.nan}, ValueError, "scale must be finite"),
        ({"scale": "x"}, TypeError, "scale must be a number"),
        ({"sampling_rate": -1}, ValueError, "sampling_rate must be a positive number"),
        ({"units": ""}, ValueError, "units must be the name of a unit"),
    ],
)
def test_wrong_parameters(options, error, message, path):
    with pytest.raises(error, match=message):
        LazyRecords(path, **options)


def test_wrong_records(X, path, tmp_path):
    with pytest.raises(TypeError, match="path of an .npy file or a memory map, got list"):
        LazyRecords(X.tolist())
    with pytest.raises(ValueError, match="must be a memory map of a file in C-order"):
        LazyRecords(X)
    array = np.load(path, mmap_mode="r")
    for other in (array[:, ::2], array[[3, 1]], np.load(path, mmap_mode="c")):
        with pytest.raises(ValueError, match="must be a memory map of a file in C-order"):
            LazyRecords(other)
    with pytest.raises(ValueError, match=r"got shape \(40, 60\). Reshape rows"):
        LazyRecords(array.reshape(40, 60))
    np.save(tmp_path / "text.npy", np.full(SHAPE, "a"))
    with pytest.raises(TypeError, match="real numbers, got dtype <U1"):
        LazyRecords(tmp_path / "text.npy")
    np.save(tmp_path / "objects.npy", np.full(SHAPE, None))
    (tmp_path / "text").write_text("no array")
    (tmp_path / "short.npy").write_bytes(path.read_bytes()[:-1])
    for name in ("objects.npy", "text", "short.npy"):
        with pytest.raises(ValueError, match=f"{name}' is not an .npy file of numbers"):
            LazyRecords(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        LazyRecords(tmp_path / "none.npy")


def test_a_file_that_became_shorter(path, lazy):
    with open(path, "rb+") as file:
        file.truncate(path.stat().st_size - 4)
    with pytest.raises(ValueError, match="has changed since it was opened: it had 9728 bytes and"):
        lazy[0]


def test_a_file_that_was_written_again(path, lazy, X):
    pickled = pickle.dumps(lazy[5:])
    time = path.stat().st_mtime_ns
    os.utime(path, ns=(time, time // 10**9 * 10**9))  # as a copy that keeps whole seconds
    assert_array_equal(pickle.loads(pickled), X[5:])
    np.save(path, X + 1)
    os.utime(path, ns=(time, time + 5 * 10**9))
    for records in (lazy, pickle.loads(pickled)):
        with pytest.raises(ValueError, match="modification time differs by 5 s. Open it again"):
            np.asarray(records)
    assert_array_equal(LazyRecords(path), X + 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_positions_of_small_integers(dtype, tmp_path):
    """Positions are computed with large integers."""
    X = np.arange(300.0).reshape(300, 1, 1)
    np.save(tmp_path / "X.npy", X)
    lazy = LazyRecords(tmp_path / "X.npy")
    key = np.array([120, 100, 5], dtype=dtype)
    for part in (slice(None), slice(None, None, 2), slice(None, None, -1)):
        assert_array_equal(lazy[part][key], X[part][key])


def test_changes_in_memory_are_not_lost(path):
    """A map whose changes stay in memory is not reopened from its file."""
    changed = np.load(path, mmap_mode="c")
    changed[0] = 5
    assert open_copy_on_write(changed) is None

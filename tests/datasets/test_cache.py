"""Tests of the cache of loaders."""

import errno
import json
import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator

from sklearn_ecg._validation import check_signals
from sklearn_ecg.datasets import RecordError, _cache, load_wfdb
from sklearn_ecg.datasets._reading import _batch_reader
from sklearn_ecg.datasets._records import _file_states

# The message of this warning has a test of its own.
pytestmark = pytest.mark.filterwarnings("ignore:.* records were left out, because:UserWarning")


def digits(seed, n_times=500):
    return np.random.default_rng(seed).integers(-2000, 2000, (2, n_times))


@pytest.fixture
def folder(tmp_path, write_wfdb):
    for number in range(4):
        write_wfdb(tmp_path / "records", f"r{number}", digits(number), ["I", "II"])
    return tmp_path / "records"


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def reads(monkeypatch):
    """Collect the names of records that are read from their files."""
    reads = []
    original = _batch_reader.read_record
    monkeypatch.setattr(
        _batch_reader, "read_record", lambda root, name: reads.append(name) or original(root, name)
    )
    return reads


def load(folder, cache, **kwargs):
    return load_wfdb(folder, **{"leads": ["I", "II"], "cache": cache, **kwargs})


def age(folder):
    """Make all files older than the cache."""
    for path in folder.iterdir():
        os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns - 10**9))


def test_second_call_reads_no_record(folder, cache, reads):
    plain = load(folder, None)
    cold = load(folder, cache)
    assert len(reads) == 8
    warm = load(folder, cache)
    assert len(reads) == 8
    for bunch in (cold, warm):
        assert isinstance(bunch.data, np.memmap) and not bunch.data.flags.writeable
        assert bunch.data.dtype == np.float32
        assert_array_equal(bunch.data, plain.data)
        assert_array_equal(bunch.groups, plain.groups)
        assert bunch.report.equals(plain.report)
        assert bunch.metadata.equals(plain.metadata)
        assert bunch.comments == plain.comments
        assert bunch.sampling_rate == plain.sampling_rate
    assert len(list(cache.iterdir())) == 2
    # The array is an ordinary NumPy file.
    (array,) = cache.glob("*.npy")
    assert_array_equal(np.load(array), plain.data)


def test_failed_records_stay_in_the_report(folder, cache, reads):
    (folder / "r2.dat").unlink()
    for _ in range(2):
        bunch = load(folder, cache, on_error="skip")
        assert bunch.report["status"].tolist() == ["loaded", "loaded", "failed", "loaded"]
        assert bunch.report.loc[2, "reason"] == "signal file: r2.dat is missing."
    assert len(reads) == 4


@pytest.mark.parametrize(
    "options",
    [{"leads": ["II", "I"]}, {"duration": 1, "longer": "crop_start"}, {"resample_to": 100}],
)
def test_other_parameters_have_their_own_array(folder, cache, reads, options):
    load(folder, cache)
    assert_array_equal(load(folder, cache, **options).data, load(folder, None, **options).data)
    count = len(reads)
    load(folder, cache)
    load(folder, cache, **options)
    assert len(reads) == count


def change_value(folder):
    values = np.fromfile(folder / "r1.dat", dtype="<i2")
    values[0] += 1
    values.tofile(folder / "r1.dat")


def change_gain(folder):
    path = folder / "r1.hea"
    path.write_text(path.read_text().replace("1000/mV", "2000/mV"))


def swap_names(folder):
    for suffix in (".hea", ".dat"):
        content = (folder / f"r1{suffix}").read_bytes()
        (folder / f"r2{suffix}").write_bytes(content.replace(b"r1", b"r2"))


def remove_record(folder):
    for suffix in (".hea", ".dat"):
        (folder / f"r1{suffix}").unlink()


@pytest.mark.parametrize("change", [change_value, change_gain, swap_names, remove_record])
def test_changed_source_is_noticed(folder, cache, change):
    age(folder)
    old = load(folder, cache).data.copy()
    change(folder)
    new = load(folder, cache).data
    assert not np.array_equal(new, old)
    assert_array_equal(new, load(folder, None).data)


def test_a_new_record_is_noticed(folder, cache, write_wfdb):
    load(folder, cache)
    write_wfdb(folder, "r9", digits(9), ["I", "II"])
    assert len(load(folder, cache).data) == 5


def test_a_file_that_appears_is_noticed(folder, cache):
    content = (folder / "r2.dat").read_bytes()
    (folder / "r2.dat").unlink()
    assert len(load(folder, cache, on_error="skip").data) == 3
    (folder / "r2.dat").write_bytes(content)
    assert len(load(folder, cache, on_error="skip").data) == 4


def test_a_segment_that_changes_is_noticed(tmp_path, cache, write_wfdb):
    folder = tmp_path / "segments"
    for number in range(2):
        write_wfdb(folder, f"m_{number}", digits(number), ["I", "II"])
    (folder / "m.hea").write_text("m/2 2 250 1000\nm_0 500\nm_1 500\n")
    age(folder)
    load(folder, cache)
    write_wfdb(folder, "m_1", digits(7), ["I", "II"])
    assert_array_equal(load(folder, cache).data, load(folder, None).data)


def test_change_of_content_with_the_same_size_and_time(folder, cache):
    """Only check_content finds such a change."""
    age(folder)
    old = load(folder, cache).data.copy()
    path = folder / "r1.dat"
    stat = path.stat()
    change_value(folder)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert_array_equal(load(folder, cache).data, old)
    assert_array_equal(load(folder, cache, check_content=True).data, load(folder, None).data)
    assert_array_equal(load(folder, cache).data, load(folder, None).data)


def test_an_update_of_the_package_rebuilds_the_array(folder, cache, reads, monkeypatch):
    load(folder, cache)
    monkeypatch.setattr(_cache, "__version__", "999.0")
    for _ in range(2):
        load(folder, cache)
    assert len(reads) == 8


@pytest.mark.parametrize("most, noticed", [(900, False), (2**30, True)])
def test_check_content_reads_the_start_of_a_file(folder, cache, reads, monkeypatch, most, noticed):
    monkeypatch.setattr(_file_states, "_MAX_HASHED", most)
    age(folder)
    load(folder, cache)
    path = folder / "r1.dat"
    stat = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    load(folder, cache, check_content=True)
    assert len(reads) == (8 if noticed else 4)


def test_check_content_ignores_the_time_of_a_file(folder, cache, reads):
    age(folder)
    load(folder, cache)
    os.utime(folder / "r1.dat")
    load(folder, cache, check_content=True)
    assert len(reads) == 4


def test_file_that_changes_while_it_is_read(folder, cache, monkeypatch):
    """It is read again by the next call, because the content that was read is unknown."""
    age(folder)
    original = _batch_reader.read_record

    def read_record(root, name):
        found = original(root, name)
        if name == "r1":
            change_value(folder)
        return found

    monkeypatch.setattr(_batch_reader, "read_record", read_record)
    load(folder, cache)
    monkeypatch.undo()
    assert_array_equal(load(folder, cache).data, load(folder, None).data)


def test_file_that_is_replaced_by_an_older_one_while_it_is_read(folder, cache, monkeypatch):
    original = _batch_reader.read_record

    def read_record(root, name):
        found = original(root, name)
        if name == "r1":
            change_value(folder)
            age(folder)
        return found

    monkeypatch.setattr(_batch_reader, "read_record", read_record)
    load(folder, cache)
    monkeypatch.undo()
    assert_array_equal(load(folder, cache).data, load(folder, None).data)
    assert_array_equal(load(folder, cache, check_content=True).data, load(folder, None).data)


def test_files_with_times_in_the_future(folder, cache, reads):
    for path in folder.iterdir():
        os.utime(path, (2**32, 2**32))
    load(folder, cache)
    load(folder, cache)
    assert len(reads) == 4


@pytest.mark.parametrize("check_content", [False, True])
def test_a_missing_segment_that_appears_is_noticed(tmp_path, cache, write_wfdb, check_content):
    folder = tmp_path / "segments"
    write_wfdb(folder, "a", digits(5, 1000), ["I", "II"])
    write_wfdb(folder, "m_0", digits(0), ["I", "II"])
    (folder / "m.hea").write_text("m/2 2 250 1000\nm_0 500\nm_1 500\n")
    records = [folder / "a", folder / "m"]
    age(folder)
    options = {"on_error": "skip", "check_content": check_content}
    assert len(load(records, cache, **options).data) == 1
    write_wfdb(folder, "m_1", digits(1), ["I", "II"])
    assert len(load(records, cache, **options).data) == 2


def test_parameters_of_numpy(folder, cache, reads):
    for number in (np.float32, np.int64, int):
        bunch = load(folder, cache, resample_to=number(100), duration=number(2))
        assert bunch.data.shape == (4, 2, 200) and bunch.sampling_rate == 100
    assert len(reads) == 4


def truncate_array(cache):
    (array,) = cache.glob("*.npy")
    array.write_bytes(array.read_bytes()[:-100])


def remove_array(cache):
    (array,) = cache.glob("*.npy")
    array.unlink()


def truncate_manifest(cache):
    (manifest,) = cache.glob("*.json")
    manifest.write_bytes(manifest.read_bytes()[:-100])


def empty_manifest(cache):
    (manifest,) = cache.glob("*.json")
    manifest.write_text("{}")


def list_manifest(cache):
    (manifest,) = cache.glob("*.json")
    manifest.write_text("[1]")


def other_version(cache):
    (manifest,) = cache.glob("*.json")
    content = json.loads(manifest.read_text())
    content["params"]["version"] = "0.0.0"
    del content["digest"]
    manifest.write_bytes(_cache._add_digest(content))


def change_number_in_manifest(cache):
    """Still JSON, with other starts of the rows."""
    (manifest,) = cache.glob("*.json")
    content = manifest.read_text()
    assert '"starts": [0.0' in content
    manifest.write_text(content.replace('"starts": [0.0', '"starts": [9.0'))


def other_digest(cache):
    (manifest,) = cache.glob("*.json")
    content = manifest.read_bytes()
    manifest.write_bytes(content[:12] + b"0" * 64 + content[76:])


def change_header_of_array(cache, start=10, content=b"{'descr': '|O"):
    (array,) = cache.glob("*.npy")
    with open(array, "r+b") as file:
        file.seek(start)
        file.write(content)


def nest_header_of_array(cache):
    """Python's parser runs out of memory or depth."""
    change_header_of_array(cache, 10, b"(" * 100)


def long_header_of_array(cache):
    change_header_of_array(cache, 8, b"\xff\xff")


def other_magic_of_array(cache):
    change_header_of_array(cache, 0, b"PK\x03\x04")


def pipe_as_manifest(cache):
    (manifest,) = cache.glob("*.json")
    manifest.unlink()
    os.mkfifo(manifest)


def pipe_as_array(cache):
    (array,) = cache.glob("*.npy")
    array.unlink()
    os.mkfifo(array)


def array_in_another_folder(cache):
    (manifest,) = cache.glob("*.json")
    content = json.loads(manifest.read_text())
    content["array"] = f"../{content['array']}"
    del content["digest"]
    manifest.write_bytes(_cache._add_digest(content))


def shape_that_is_not_one(cache):
    (manifest,) = cache.glob("*.json")
    content = json.loads(manifest.read_text())
    content["shape"] = ["4", -2, None]
    del content["digest"]
    manifest.write_bytes(_cache._add_digest(content))


HARMS = [
    truncate_array,
    remove_array,
    truncate_manifest,
    empty_manifest,
    list_manifest,
    other_version,
    change_number_in_manifest,
    other_digest,
    change_header_of_array,
    nest_header_of_array,
    long_header_of_array,
    other_magic_of_array,
    array_in_another_folder,
    shape_that_is_not_one,
]
if hasattr(os, "mkfifo"):
    HARMS += [pipe_as_manifest, pipe_as_array]


@pytest.mark.parametrize("harm", HARMS)
def test_damaged_cache_is_rebuilt(folder, cache, reads, harm):
    truth = load(folder, cache).data.copy()
    harm(cache)
    assert_array_equal(load(folder, cache).data, truth)
    assert len(reads) == 8
    load(folder, cache)
    assert len(reads) == 8


def test_damaged_manifest_removes_no_other_array(folder, cache):
    load(folder, cache)
    load(folder, cache, resample_to=100)
    manifest, other = sorted(cache.glob("*.json"))
    manifest.write_bytes(other.read_bytes())
    load(folder, cache)
    load(folder, cache, resample_to=100)
    assert len(list(cache.glob("*.npy"))) == 2


def test_check_content_finds_wrong_values_in_the_cache(folder, cache):
    truth = load(folder, cache).data.copy()
    (array,) = cache.glob("*.npy")
    content = bytearray(array.read_bytes())
    content[-1] ^= 1
    array.write_bytes(content)
    assert_array_equal(load(folder, cache, check_content=True).data, truth)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_interrupt_leaves_no_files(folder, cache, monkeypatch, error):
    original = _batch_reader.harmonize

    def harmonize(record, policies):
        if record.name == "r2":
            raise error
        return original(record, policies)

    monkeypatch.setattr(_batch_reader, "harmonize", harmonize)
    with pytest.raises(error):
        load(folder, cache)
    assert list(cache.iterdir()) == []
    monkeypatch.undo()
    assert_array_equal(load(folder, cache).data, load(folder, None).data)


def raise_interrupt(*args):
    raise KeyboardInterrupt


def test_interrupt_keeps_the_existing_cache(folder, cache, monkeypatch):
    load(folder, cache)
    before = {path.name: path.read_bytes() for path in cache.iterdir()}
    change_value(folder)

    monkeypatch.setattr(_cache.os, "replace", raise_interrupt)
    with pytest.raises(KeyboardInterrupt):
        load(folder, cache)
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == before
    assert_array_equal(load(folder, cache).data, load(folder, None).data)


def test_record_error_leaves_no_files(folder, cache):
    (folder / "r2.dat").unlink()
    with pytest.raises(RecordError):
        load(folder, cache)
    assert list(cache.iterdir()) == []


def test_partial_files_are_removed_after_a_day(folder, cache):
    load(folder, cache)
    (manifest,) = cache.glob("*.json")
    # Of any array: the one that was to replace it may never be built again.
    young = cache / f".{manifest.stem}-{'0' * 32}.partial"
    old = cache / f".LUDB-{'1' * 16}-{'0' * 32}.partial"
    for path in (old, young):
        path.touch()
    os.utime(old, (0, 0))
    change_value(folder)
    load(folder, cache)
    assert not old.exists() and young.exists()


def test_partial_file_of_a_killed_process(folder, cache, monkeypatch):
    """Its name is as documented, and nothing but partial and replaced files is ever removed."""
    load(folder, cache, resample_to=100)
    (cache / "notes.txt").write_text("mine")
    (cache / "other.partial").write_text("mine")
    before = set(cache.iterdir())
    # The process has no time to remove it.
    monkeypatch.setattr(_cache.Path, "unlink", lambda self, missing_ok=False: None)
    monkeypatch.setattr(_cache.os, "replace", raise_interrupt)
    with pytest.raises(KeyboardInterrupt):
        load(folder, cache)
    monkeypatch.undo()
    (partial,) = set(cache.iterdir()) - before
    assert partial.name.startswith(".") and partial.name.endswith(".partial")
    for path in cache.iterdir():
        os.utime(path, (0, 0))
    load(folder, cache)
    assert not partial.exists() and before < set(cache.iterdir())


def test_superseded_array_is_removed(folder, cache):
    age(folder)
    old = load(folder, cache).data
    values = old.copy()
    change_value(folder)
    load(folder, cache)
    assert len(list(cache.iterdir())) == 2
    # The array stays readable where it is still open.
    assert_array_equal(old, values)


def test_two_processes_build_the_same_array(folder, cache):
    code = (
        "import sys, time, numpy as np; from sklearn_ecg.datasets import load_wfdb; "
        "sys.stdin.readline(); "
        "X = load_wfdb(sys.argv[1], leads=['I', 'II'], cache=sys.argv[2]).data; "
        "print(float(np.abs(X, dtype=float).sum()))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, folder, cache],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    expected = np.abs(load(folder, None).data, dtype=float).sum()
    for process in processes:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        assert float(out) == pytest.approx(expected)
    assert len(list(cache.iterdir())) == 2
    assert_array_equal(load(folder, cache).data, load(folder, None).data)


def test_another_process_between_array_and_manifest(folder, cache, monkeypatch):
    """Another process builds the same array and replaces both files: both arrays stay valid."""
    original = _cache._read_array_name
    others = []

    def build_meanwhile(path):
        if not others:
            others.append(None)
            others[0] = load(folder, cache)
        return original(path)

    monkeypatch.setattr(_cache, "_read_array_name", build_meanwhile)
    mine = load(folder, cache)
    assert_array_equal(mine.data, others[0].data)
    assert len(list(cache.iterdir())) == 2
    assert_array_equal(load(folder, cache).data, mine.data)


def test_validation_does_not_copy_a_cached_array(tmp_path, cache, write_wfdb):
    for number in range(4):
        write_wfdb(tmp_path / "long", f"r{number}", digits(number, 250_000), ["I", "II"])
    data = load(tmp_path / "long", cache).data

    tracemalloc.start()
    signals, _ = check_signals(BaseEstimator(), data, reset=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.shares_memory(signals, data)
    assert data.nbytes > 7_000_000 and peak < data.nbytes / 10


@pytest.mark.parametrize("failing", ["open", "write"])
def test_full_disk(folder, cache, monkeypatch, failing):
    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    if failing == "open":
        monkeypatch.setattr(_cache, "open", fail, raising=False)
    else:
        monkeypatch.setattr(_cache.os, "fsync", fail)
    with pytest.raises(OSError, match="cache=.* cannot be written to .No space .* or None"):
        load(folder, cache)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    "error, advice",
    [
        (errno.EROFS, "The disk is read-only: pass another folder, or None"),
        (errno.EACCES, "Change its permissions, or pass another folder, or None"),
        (errno.EIO, "Check the disk, or pass another folder, or None"),
    ],
)
@pytest.mark.parametrize("failing", ["mkdir", "open"])
def test_cache_that_cannot_be_written(folder, cache, monkeypatch, failing, error, advice):
    def refuse(*args, **kwargs):
        raise OSError(error, os.strerror(error))

    if failing == "open":
        monkeypatch.setattr(_cache, "open", refuse, raising=False)
    else:
        monkeypatch.setattr(_cache.Path, "mkdir", refuse)
    with pytest.raises(
        OSError, match=f"cache=.* cannot be written to .{os.strerror(error)}"
    ) as info:
        load(folder, cache)
    assert advice in str(info.value)


def test_an_existing_cache_on_a_read_only_disk(folder, cache, monkeypatch):
    """It is read, because nothing has to be written."""
    truth = load(folder, cache).data

    def refuse(*args, **kwargs):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(_cache, "open", refuse, raising=False)
    monkeypatch.setattr(_cache.os, "replace", refuse)
    assert_array_equal(load(folder, cache).data, truth)


def test_cache_that_is_a_file(folder):
    with pytest.raises(OSError, match="cache=.*r1.dat' .* It is a file, .* or None"):
        load(folder, folder / "r1.dat")


@pytest.mark.parametrize("ending", [".npy", ".json"])
def test_a_folder_with_the_name_of_a_file(folder, cache, ending):
    load(folder, cache)
    (path,) = cache.glob(f"*{ending}")
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError, match="A folder has the name of one of its files: remove it, or"):
        load(folder, cache)
    path.rmdir()
    assert len(load(folder, cache).data) == 4


def test_files_that_are_no_manifests_are_not_read(folder, cache, monkeypatch):
    """They may be as large as the disk."""
    load(folder, cache)
    (path,) = cache.glob("*.json")
    path.write_bytes(b"")
    os.truncate(path, 2**34)
    sizes = []
    loads = _cache.json.loads
    monkeypatch.setattr(_cache.json, "loads", lambda text: sizes.append(len(text)) or loads(text))
    assert len(load(folder, cache).data) == 4
    assert max(sizes) < 10_000

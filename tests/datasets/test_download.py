"""Tests of download_ptbxl with a local server that drops, damages and refuses files."""

import errno
import hashlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pooch
import pytest

from sklearn_ecg.datasets import DownloadError, _download, download_ptbxl
from sklearn_ecg.datasets._download import _get_data_home

FILES = {
    "ptbxl_database.csv": b"ecg_id,patient_id\n" * 1000,
    "LICENSE.txt": b"CC BY 4.0",
    "records100/00000/00001_lr.hea": b"00001_lr 12 100 1000\n",
    "records100/00000/00001_lr.dat": np.random.default_rng(0).bytes(200_000),
    "records100/00000/00002_lr.dat": np.random.default_rng(1).bytes(24_000),
    "records500/00000/00001_hr.dat": np.random.default_rng(2).bytes(24_000),
}

LIMIT = (
    300  # seconds, for what takes less than one; a failing test ends, however slow the machine is
)
WAIT_FACTOR = 50  # by which the fixture shortens the pauses between attempts


class Server(ThreadingHTTPServer):
    """Serves FILES; the tests set what goes wrong with which file."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = dict(FILES)
        self.checksums = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
        self.drop = Counter()  # how often the connection breaks in the middle of a file
        self.damage = Counter()  # how often a file is sent with a wrong byte
        self.refuse = {}  # HTTP statuses to answer before a file is sent
        self.barrier = None  # at which requests for records wait
        self.slow = {}  # files that are sent slowly, and the events of their start
        self.silent = {}  # files that are never sent, and the events of their start
        self.release = threading.Event()  # ends the silence
        self.requests = []
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/ptb-xl/1.0.3/"

    def handle_error(self, request, address):
        """Ignore clients that close a connection early."""


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        server = self.server
        name = self.path.removeprefix("/ptb-xl/1.0.3/")
        with server.lock:
            server.requests.append(name)
            status = server.refuse[name].pop(0) if server.refuse.get(name) else None
            drop, damage = server.drop[name] > 0, server.damage[name] > 0
            server.drop[name] -= drop
            server.damage[name] -= damage and not drop
        if name == "SHA256SUMS.txt":
            data = server.checksums
            if not isinstance(data, str):
                data = "".join(f"{digest} {file}\n" for file, digest in data.items())
            data = data.encode()
        elif name in server.files:
            data = server.files[name]
        else:
            status = 404
        if status is not None:
            self.send_error(status)
            return
        if damage:
            data = bytes([data[0] ^ 1]) + data[1:]
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if server.barrier is not None and name.endswith(".dat"):
            server.barrier.wait()
        if name in server.silent:
            server.silent[name].set()
            server.release.wait()
        elif name in server.slow:
            server.slow[name].set()
            for start in range(0, len(data), 4096):
                self.wfile.write(data[start : start + 4096])
                time.sleep(0.3)
        elif drop:
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            self.connection.close()
        else:
            self.wfile.write(data)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(_download, "_BYTES_PER_READ", 1 << 12)
    with Server() as server:
        # Shorten the pauses between attempts.
        wait = threading.Event.wait
        monkeypatch.setattr(
            threading.Event,
            "wait",
            lambda self, timeout=None: wait(self, timeout and timeout / WAIT_FACTOR),
        )
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def download(server, folder, **kwargs):
    return download_ptbxl(folder, url=server.url, **{"verbose": 0, "timeout": LIMIT, **kwargs})


def files_in(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS.txt"
    }


def wanted(*prefixes):
    return {name: data for name, data in FILES.items() if not name.startswith(prefixes)}


def test_files_arrive_in_their_layout(server, tmp_path):
    folder = download(server, tmp_path)
    assert folder == tmp_path / "ptb-xl-1.0.3"
    assert files_in(folder) == wanted("records500")


def test_sampling_rates(server, tmp_path):
    folder = download(server, tmp_path, sampling_rates=[500])
    assert files_in(folder) == wanted("records100")
    assert files_in(download(server, tmp_path, sampling_rates=(100, 500))) == FILES


def test_existing_files_are_not_downloaded_again(server, tmp_path):
    folder = download(server, tmp_path)
    (folder / "LICENSE.txt").write_bytes(b"changed")
    (folder / "records100/00000/00001_lr.hea").unlink()
    server.requests.clear()
    download(server, tmp_path)
    assert sorted(server.requests) == [
        "LICENSE.txt",
        "SHA256SUMS.txt",
        "records100/00000/00001_lr.hea",
    ]
    assert files_in(folder) == wanted("records500")


def test_dropped_connections_are_retried(server, tmp_path):
    name = "records100/00000/00001_lr.dat"
    server.drop[name] = 3
    folder = download(server, tmp_path)
    assert files_in(folder) == wanted("records500")
    assert server.requests.count(name) == 4


def test_a_failed_download_leaves_no_partial_file(server, tmp_path):
    name = "records100/00000/00001_lr.dat"
    server.drop[name] = 1
    with pytest.raises(DownloadError, match=f"{name}: the connection failed 1 times.*Call again"):
        download(server, tmp_path, n_retries=0)
    assert name not in files_in(tmp_path / "ptb-xl-1.0.3")
    assert files_in(tmp_path / "ptb-xl-1.0.3").items() <= FILES.items()
    server.requests.clear()
    folder = download(server, tmp_path, n_retries=0)
    assert server.requests.count(name) == 1
    assert files_in(folder) == wanted("records500")


def test_a_file_that_is_damaged_once(server, tmp_path):
    name = "records100/00000/00002_lr.dat"
    server.damage[name] = 1
    assert files_in(download(server, tmp_path)) == wanted("records500")
    assert server.requests.count(name) == 2


def test_a_file_that_is_always_damaged(server, tmp_path):
    name = "records100/00000/00002_lr.dat"
    server.damage[name] = 100
    message = (
        f"{name}: its SHA-256 differed from the published one 3 times. The file is damaged on the "
        "server or on the way: try again later, or pass another url"
    )
    with pytest.raises(DownloadError, match=message) as info:
        download(server, tmp_path, n_retries=2)
    assert info.value.url == server.url + name
    assert server.checksums[name] in str(info.value.__cause__)
    assert isinstance(info.value, OSError)
    assert files_in(tmp_path / "ptb-xl-1.0.3").items() <= FILES.items()


def test_several_files_at_once(server, tmp_path):
    """Two requests wait for one another."""
    server.barrier = threading.Barrier(2, timeout=LIMIT)
    assert files_in(download(server, tmp_path, n_connections=2)) == wanted("records500")


def test_files_can_be_read_by_others(server, tmp_path):
    """Temporary files can not, whatever the umask is."""
    folder = download(server, tmp_path)
    (tmp_path / "ordinary").touch()
    mode = (tmp_path / "ordinary").stat().st_mode
    assert {path.stat().st_mode for path in folder.rglob("*") if path.is_file()} == {mode}


@pytest.mark.parametrize("status", [503, 429, 500])
def test_a_busy_server(server, tmp_path, status):
    server.refuse["LICENSE.txt"] = [status, status]
    assert files_in(download(server, tmp_path)) == wanted("records500")


def test_a_file_that_is_not_on_the_server(server, tmp_path):
    del server.files["LICENSE.txt"]
    with pytest.raises(DownloadError, match="LICENSE.txt: the server answered 404 Not Found"):
        download(server, tmp_path)
    assert server.requests.count("LICENSE.txt") == 1


def test_no_server(tmp_path):
    with pytest.raises(DownloadError, match="SHA256SUMS.txt: the connection failed 1 times"):
        download_ptbxl(tmp_path, url="http://127.0.0.1:9/", n_retries=0, verbose=0)


@pytest.mark.parametrize("name", ["../outside.csv", "/etc/outside.csv", "a\\b", "", "C:x"])
def test_files_outside_the_folder_are_rejected(server, tmp_path, name):
    server.checksums[name] = "0" * 64
    with pytest.raises(DownloadError, match="SHA256SUMS.txt: the line .* is not a SHA-256 and a"):
        download(server, tmp_path)


def test_interrupt_stops_all_connections(server, tmp_path, monkeypatch):
    """A download that has started ends at its next read, and leaves no file."""
    get = _download._get_interruptibly

    def interrupt(results):
        if "LICENSE.txt" not in server.requests:
            return get(results)  # the list of files
        assert started.wait(LIMIT * WAIT_FACTOR)
        raise KeyboardInterrupt

    name = "records100/00000/00001_lr.dat"
    started = server.slow[name] = threading.Event()
    monkeypatch.setattr(_download, "_get_interruptibly", interrupt)
    with pytest.raises(KeyboardInterrupt):
        download(server, tmp_path, n_connections=8)
    assert files_in(tmp_path / "ptb-xl-1.0.3").items() <= FILES.items()
    assert name not in files_in(tmp_path / "ptb-xl-1.0.3")
    monkeypatch.undo()
    server.slow.clear()
    assert files_in(download(server, tmp_path)) == wanted("records500")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for a single process")
@pytest.mark.parametrize("name", ["SHA256SUMS.txt", "records100/00000/00001_lr.dat"])
def test_interrupt_while_the_server_is_silent(server, tmp_path, name):
    """The process ends although its threads wait for the server, and leaves no file."""
    server.silent[name] = threading.Event()
    code = (
        "import sys; from sklearn_ecg.datasets import download_ptbxl; "
        "download_ptbxl(sys.argv[1], url=sys.argv[2], timeout=3000, verbose=0)"
    )
    command = [sys.executable, "-c", code, tmp_path, server.url]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert server.silent[name].wait(LIMIT * WAIT_FACTOR)
            process.send_signal(signal.SIGINT)
            # Much less than the timeout of the connection.
            _, errors = process.communicate(timeout=LIMIT)
        finally:
            process.kill()
            server.release.set()
    assert "KeyboardInterrupt" in errors
    assert files_in(tmp_path).items() <= {f"ptb-xl-1.0.3/{k}": v for k, v in FILES.items()}.items()


def test_two_downloads_into_one_folder(server, tmp_path):
    """Both download every file; each file is written in one step."""
    server.barrier = threading.Barrier(2, timeout=LIMIT)
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(download, server, tmp_path, n_connections=1) for _ in range(2)]
        folders = [future.result() for future in futures]
    assert files_in(folders[0]) == files_in(folders[1]) == wanted("records500")
    assert max(Counter(server.requests).values()) == 2


@pytest.mark.parametrize("content", ["", "\n", " \n\n"])
def test_empty_list_of_files(server, tmp_path, content):
    server.checksums = content
    with pytest.raises(DownloadError, match="SHA256SUMS.txt: the list of files is empty. Check"):
        download(server, tmp_path)


def test_list_without_files_at_the_sampling_rate(server, tmp_path):
    server.checksums = {"records500/00000/00001_hr.dat": "0" * 64}
    with pytest.raises(DownloadError, match=r"it has no files at \[100\] Hz. Check url"):
        download(server, tmp_path)


@pytest.mark.parametrize(
    "name, limit, size",
    [
        ("records100/00000/00001_lr.dat", "_MAX_FILE_SIZE", 100_000),
        ("SHA256SUMS.txt", "_MAX_CHECKSUMS_SIZE", 100),
    ],
)
def test_files_that_are_too_large(server, tmp_path, monkeypatch, name, limit, size):
    """They are not downloaded to the end, and not again."""
    monkeypatch.setattr(_download, limit, size)
    with pytest.raises(DownloadError, match=f"{name}: the file has more than {size:,} bytes. Ch"):
        download(server, tmp_path, n_connections=1)
    assert server.requests.count(name) == 1
    assert files_in(tmp_path / "ptb-xl-1.0.3").items() <= FILES.items()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_with_the_name_of_a_file(server, tmp_path):
    (tmp_path / "ptb-xl-1.0.3").mkdir()
    os.mkfifo(tmp_path / "ptb-xl-1.0.3" / "LICENSE.txt")
    with pytest.raises(OSError, match="LICENSE.txt' is not a regular file. Remove it"):
        download(server, tmp_path)


def test_partial_files_are_removed_after_a_day(server, tmp_path):
    folder = tmp_path / "ptb-xl-1.0.3" / "records100" / "00000"
    folder.mkdir(parents=True)
    old, young, other = (folder / name for name in ("tmpab12cd_9", "tmpab12cd_8", "tmp"))
    for path in (old, young, other):
        path.touch()
    for path in (old, other):
        os.utime(path, (0, 0))
    download(server, tmp_path)
    assert not old.exists() and young.exists() and other.exists()


def test_read_only_disk(server, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(OSError, match="The disk is read-only: pass another data_home"):
        download(server, tmp_path)


def test_progress_bar(server, tmp_path, capsys):
    download(server, tmp_path, verbose=1)
    assert "5/5" in capsys.readouterr().err


def test_data_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv("SKLEARN_ECG_DATA_HOME", raising=False)
    assert _get_data_home() == tmp_path / "sklearn_ecg_data"
    monkeypatch.setenv("SKLEARN_ECG_DATA_HOME", str(tmp_path / "there"))
    assert _get_data_home() == tmp_path / "there"
    assert _get_data_home("~/here") == tmp_path / "here"


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"sampling_rates": [250]}, r"sampling_rates=\[250\]: PTB-XL has each record at 100 and"),
        ({"sampling_rates": []}, r"sampling_rates=\[\]"),
        ({"n_connections": 0}, "n_connections=0 must be an integer of at least 1"),
        ({"n_retries": -1}, "n_retries=-1 must be an integer of at least 0"),
    ],
)
def test_parameter_errors(tmp_path, kwargs, message):
    with pytest.raises(ValueError, match=message):
        download_ptbxl(tmp_path, **kwargs)


def test_single_sampling_rate(tmp_path):
    with pytest.raises(ValueError, match="sampling_rates=250: PTB-XL has each record at"):
        download_ptbxl(tmp_path, sampling_rates=250)


def test_data_home_that_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="the folder .*file.* cannot be written to .* data_home"):
        download_ptbxl(tmp_path / "file", sampling_rates=100)


def test_full_disk(server, tmp_path, monkeypatch):
    """It is not a failed connection, so there is no other attempt."""

    class FullFile:
        def write(self, content):
            raise OSError(28, "No space left on device")

        def __enter__(self):
            return self

        def __exit__(self, *args):
            return False

    monkeypatch.setattr(_download, "open", lambda *args, **kwargs: FullFile(), raising=False)
    with pytest.raises(OSError, match="cannot be written to .No space left on dev") as info:
        download(server, tmp_path, n_connections=1)
    assert not isinstance(info.value, DownloadError)
    assert max(Counter(server.requests).values()) == 1


def test_pooch_does_not_log_every_file(server, tmp_path, capsys):
    download(server, tmp_path)
    assert "Downloading" not in capsys.readouterr().err
    assert pooch.get_logger().level != logging.WARNING


def test_list_with_blank_lines(server, tmp_path):
    lines = [f"{digest}  {name}" for name, digest in server.checksums.items()]
    server.checksums = "\n\n".join(lines) + "\n \n"
    assert files_in(download(server, tmp_path)) == wanted("records500")


@pytest.mark.parametrize("is_same", [False, True])
def test_list_with_a_file_twice(server, tmp_path, is_same):
    lines = [f"{digest} {name}" for name, digest in server.checksums.items()]
    again = lines[0] if is_same else "0" * 64 + lines[0][64:]
    server.checksums = "\n".join([*lines, again])
    if is_same:
        assert files_in(download(server, tmp_path)) == wanted("records500")
        return
    with pytest.raises(DownloadError, match="SHA256SUMS.txt: it has two SHA-256 of the file"):
        download(server, tmp_path)


@pytest.mark.parametrize("rates", [np.int64(100), 100.0, np.array([100]), {100}, range(100, 101)])
def test_sampling_rates_of_other_types(server, tmp_path, rates):
    folder = download(
        server, tmp_path, sampling_rates=rates, n_connections=np.int64(2), n_retries=np.int8(0)
    )
    assert files_in(folder) == wanted("records500")

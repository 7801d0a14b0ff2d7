"""Tests of fetch_ptbxl against a server on this machine that drops, damages and refuses files."""

import hashlib
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from sklearn_ecg.datasets import DownloadError, _fetch, fetch_ptbxl
from sklearn_ecg.datasets._fetch import get_data_home

FILES = {
    "ptbxl_database.csv": b"ecg_id,patient_id\n" * 1000,
    "LICENSE.txt": b"CC BY 4.0",
    "records100/00000/00001_lr.hea": b"00001_lr 12 100 1000\n",
    "records100/00000/00001_lr.dat": np.random.default_rng(0).bytes(200_000),
    "records100/00000/00002_lr.dat": np.random.default_rng(1).bytes(24_000),
    "records500/00000/00001_hr.dat": np.random.default_rng(2).bytes(24_000),
}


class Server(ThreadingHTTPServer):
    """Serves FILES; what goes wrong with which file is set by the tests."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = dict(FILES)
        self.checksums = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
        self.drop = Counter()  # how often the connection of a file is cut in its middle
        self.damage = Counter()  # how often a file is sent with a wrong byte
        self.refuse = {}  # the statuses that a file is answered with before it is sent
        self.knows_ranges = True
        self.requests = []
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/ptb-xl/1.0.3/"

    def requested(self, name):
        return [start for path, start in self.requests if path == name]


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        server = self.server
        name = self.path.removeprefix("/ptb-xl/1.0.3/")
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked and server.knows_ranges else 0
        with server.lock:
            server.requests.append((name, start))
            status = server.refuse[name].pop(0) if server.refuse.get(name) else None
            drop, damage = server.drop[name] > 0, server.damage[name] > 0
            server.drop[name] -= drop
            server.damage[name] -= damage and not drop
        if name == "SHA256SUMS.txt":
            data = "".join(f"{digest} {file}\n" for file, digest in server.checksums.items())
            data = data.encode()
        elif name in server.files:
            data = server.files[name]
        else:
            status = 404
        if status is None and start and start >= len(data):
            status = 416
        if status is not None:
            self.send_error(status)
            return
        body = data[start:]
        if damage:
            body = bytes([body[0] ^ 1]) + body[1:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if drop:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.connection.close()
        else:
            self.wfile.write(body)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(_fetch, "_CHUNK", 1 << 12)
    with Server() as server:
        # Pauses between tries are not what is tested.
        wait = threading.Event.wait
        monkeypatch.setattr(
            threading.Event, "wait", lambda self, timeout=None: wait(self, timeout and timeout / 50)
        )
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def fetch(server, folder, **kwargs):
    return fetch_ptbxl(folder, url=server.url, **{"verbose": 0, "timeout": 5, **kwargs})


def files_in(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS.txt"
    }


def wanted(*prefixes):
    return {name: data for name, data in FILES.items() if not name.startswith(prefixes)}


def test_files_arrive_in_their_layout(server, tmp_path):
    folder = fetch(server, tmp_path)
    assert folder == tmp_path / "ptb-xl-1.0.3"
    assert files_in(folder) == wanted("records500")


def test_sampling_rates(server, tmp_path):
    folder = fetch(server, tmp_path, sampling_rates=[500])
    assert files_in(folder) == wanted("records100")
    assert files_in(fetch(server, tmp_path, sampling_rates=(100, 500))) == FILES


def test_what_is_there_is_not_downloaded_again(server, tmp_path):
    folder = fetch(server, tmp_path)
    (folder / "LICENSE.txt").write_bytes(b"changed")
    (folder / "records100/00000/00001_lr.hea").unlink()
    server.requests.clear()
    fetch(server, tmp_path)
    assert sorted(name for name, _ in server.requests) == [
        "LICENSE.txt",
        "SHA256SUMS.txt",
        "records100/00000/00001_lr.hea",
    ]
    assert files_in(folder) == wanted("records500")


def test_a_dropped_connection_is_resumed(server, tmp_path):
    name = "records100/00000/00001_lr.dat"
    server.drop[name] = 3
    folder = fetch(server, tmp_path)
    assert files_in(folder) == wanted("records500")
    starts = server.requested(name)
    assert len(starts) == 4 and starts[0] == 0
    assert sorted(starts) == starts and starts[1] > 0


def test_a_dropped_connection_of_a_server_without_ranges(server, tmp_path):
    name = "records100/00000/00001_lr.dat"
    server.drop[name] = 2
    server.knows_ranges = False
    assert files_in(fetch(server, tmp_path)) == wanted("records500")
    assert server.requested(name) == [0, 0, 0]


def test_a_later_call_goes_on_where_the_first_stopped(server, tmp_path):
    name = "records100/00000/00001_lr.dat"
    server.drop[name] = 1
    with pytest.raises(DownloadError, match=f"{name}: the connection failed 1 times.*Call again"):
        fetch(server, tmp_path, n_retries=0)
    partial = tmp_path / "ptb-xl-1.0.3" / f"{name}.part"
    size = partial.stat().st_size
    assert 0 < size < len(FILES[name])
    folder = fetch(server, tmp_path, n_retries=0)
    assert server.requested(name) == [0, size]
    assert files_in(folder) == wanted("records500")


def test_a_complete_partial_file_is_taken(server, tmp_path):
    name = "records100/00000/00002_lr.dat"
    partial = tmp_path / "ptb-xl-1.0.3" / f"{name}.part"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(FILES[name])
    assert files_in(fetch(server, tmp_path)) == wanted("records500")


def test_a_damaged_partial_file_is_downloaded_anew(server, tmp_path):
    name = "records100/00000/00002_lr.dat"
    partial = tmp_path / "ptb-xl-1.0.3" / f"{name}.part"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"x" * 1000)
    assert files_in(fetch(server, tmp_path)) == wanted("records500")
    assert server.requested(name) == [1000, 0]


def test_a_file_that_is_damaged_once(server, tmp_path):
    name = "records100/00000/00002_lr.dat"
    server.damage[name] = 1
    assert files_in(fetch(server, tmp_path)) == wanted("records500")
    assert server.requested(name) == [0, 0]


def test_a_file_that_stays_damaged(server, tmp_path):
    name = "records100/00000/00002_lr.dat"
    server.damage[name] = 100
    with pytest.raises(DownloadError) as info:
        fetch(server, tmp_path, n_retries=2)
    assert info.value.url == server.url + name
    assert re.search(
        f"{name}: its SHA-256 is [0-9a-f]{{64}} instead of {server.checksums[name]}, 3 times.*"
        "is damaged: try again later, or pass another url",
        str(info.value),
    )
    assert isinstance(info.value, OSError)
    assert not (tmp_path / "ptb-xl-1.0.3" / name).exists()


@pytest.mark.parametrize("status", [503, 429, 500])
def test_a_busy_server(server, tmp_path, status):
    server.refuse["LICENSE.txt"] = [status, status]
    assert files_in(fetch(server, tmp_path)) == wanted("records500")


def test_a_file_that_is_not_on_the_server(server, tmp_path):
    del server.files["LICENSE.txt"]
    with pytest.raises(DownloadError, match="LICENSE.txt: the server said 404 Not Found"):
        fetch(server, tmp_path)
    assert len(server.requested("LICENSE.txt")) == 1


def test_no_server(tmp_path):
    with pytest.raises(DownloadError, match="SHA256SUMS.txt: the connection failed 1 times"):
        fetch_ptbxl(tmp_path, url="http://127.0.0.1:9/", n_retries=0, verbose=0)


@pytest.mark.parametrize("name", ["../outside.csv", "/etc/outside.csv", "a\\b", "", "C:x"])
def test_checksums_never_lead_out_of_the_folder(server, tmp_path, name):
    server.checksums[name] = "0" * 64
    with pytest.raises(DownloadError, match="SHA256SUMS.txt: the line .* is not a SHA-256 and a"):
        fetch(server, tmp_path)


def test_an_interrupt_stops_all_connections(server, tmp_path, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(_fetch, "as_completed", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch(server, tmp_path)
    monkeypatch.undo()
    assert files_in(fetch(server, tmp_path)) == wanted("records500")


def test_progress_bar(server, tmp_path, capsys):
    fetch(server, tmp_path, verbose=1)
    assert "5/5" in capsys.readouterr().err


def test_data_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv("SKLEARN_ECG_DATA_HOME", raising=False)
    assert get_data_home() == tmp_path / "sklearn_ecg_data"
    monkeypatch.setenv("SKLEARN_ECG_DATA_HOME", str(tmp_path / "there"))
    assert get_data_home() == tmp_path / "there"
    assert get_data_home("~/here") == tmp_path / "here"


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"sampling_rates": [250]}, r"sampling_rates=\[250\]: PTB-XL holds each record at 100 and"),
        ({"sampling_rates": []}, r"sampling_rates=\[\]"),
        ({"n_connections": 0}, "n_connections=0 must be at least 1"),
        ({"n_retries": -1}, "n_retries=-1 must be at least 0"),
    ],
)
def test_parameter_errors(tmp_path, kwargs, message):
    with pytest.raises(ValueError, match=message):
        fetch_ptbxl(tmp_path, **kwargs)


def test_a_rate_by_itself(tmp_path):
    with pytest.raises(ValueError, match=r"sampling_rates=\[250\]: PTB-XL holds each record at"):
        fetch_ptbxl(tmp_path, sampling_rates=250)


def test_a_data_home_that_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="the folder .*file.* cannot be written to .* data_home"):
        fetch_ptbxl(tmp_path / "file", sampling_rates=100)


def test_a_full_disk_is_no_failed_connection(server, tmp_path, monkeypatch):
    class Full:
        def write(self, content):
            raise OSError(28, "No space left on device")

        def __enter__(self):
            return self

        def __exit__(self, *args):
            return False

    monkeypatch.setattr(_fetch, "open", lambda *args, **kwargs: Full(), raising=False)
    with pytest.raises(OSError, match="cannot be written to .No space left on dev") as info:
        fetch_ptbxl(tmp_path, url=server.url, verbose=0)
    assert not isinstance(info.value, DownloadError)
    assert len(server.requests) == 1

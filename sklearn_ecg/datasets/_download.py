"""Downloads with pooch: in parallel, and checked against published checksums."""

import errno
import functools
import io
import logging
import os
import queue
import re
import stat
import threading
import time
import uuid
from contextlib import ExitStack, closing
from numbers import Integral, Real
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from tqdm import tqdm

from .. import __version__
from ..utils._paths import expand_path
from ._write_errors import explain_write_errors

_PTBXL_URL = "https://physionet.org/files/ptb-xl/1.0.3/"
_PTBXL_FOLDER = "ptb-xl-1.0.3"
_CHECKSUMS_FILE = "SHA256SUMS.txt"
_RECORD_FOLDERS = {100: "records100/", 500: "records500/"}
_BYTES_PER_READ = 2**16  # small, so that Ctrl-C and errors of other files take effect soon
_MAX_FILE_SIZE = 2**28  # bytes; the largest file of PTB-XL has 7 MB
_MAX_CHECKSUMS_SIZE = 2**26  # bytes; the list of PTB-XL has 5 MB
_SECONDS_TO_STOP = 1.0  # that threads have to end by themselves
_SECONDS_PER_DAY = 86_400
_MAX_TIMEOUT = 86_400  # s
# The names of temporary files of pooch.
_TEMPORARY_NAME = re.compile(r"tmp[a-z0-9_]{8}")


class DownloadError(OSError):
    """Error raised when a file cannot be downloaded, or does not have the published checksum.

    Parameters
    ----------
    url : str
        The address of the file.
    reason : str
        What went wrong, and what to do about it.

    Attributes
    ----------
    url, reason : str
        The parameters.

    Examples
    --------
    >>> from sklearn_ecg.datasets import DownloadError
    >>> print(DownloadError("https://example.org/a.dat", "the server answered 404."))
    https://example.org/a.dat: the server answered 404.
    """

    def __init__(self, url, reason):
        super().__init__(url, reason)
        self.url, self.reason = url, reason

    def __str__(self):
        return f"{self.url}: {self.reason}"


# Tracebacks then show the name that users import.
DownloadError.__module__ = "sklearn_ecg.datasets"


def download_ptbxl(
    data_home=None,
    *,
    sampling_rates: Any = (100,),
    url=_PTBXL_URL,
    n_connections=8,
    n_retries=5,
    timeout=30.0,
    verbose=1,
):
    """Download PTB-XL from PhysioNet, or the files of it that are missing.

    Every file is checked against the SHA-256 that PhysioNet publishes. A file that already exists
    with the right SHA-256 is not downloaded again, so a download that was interrupted continues
    with the first file that is missing. A file is written under its final name only when it is
    complete and has the right SHA-256; a partial file is deleted, not continued. Partial files of
    a process that was killed have names like "tmpab12cd_9"; a later call deletes them when they are
    a day old. Two processes may download into one folder at the same time.

    Parameters
    ----------
    data_home : str or path-like, default=None
        The folder for data sets. PTB-XL is written to its subfolder "ptb-xl-1.0.3". None means the
        environment variable SKLEARN_ECG_DATA_HOME, or "~/sklearn_ecg_data" if it is not set.
    sampling_rates : {100, 500} or iterable of {100, 500}, default=(100,)
        The versions of the records to download, in Hz: about 0.6 GB for 100 Hz, 2.5 GB for 500 Hz.
    url : str, default="https://physionet.org/files/ptb-xl/1.0.3/"
        The address of the files. A mirror must have the file SHA256SUMS.txt.
    n_connections : int, default=8
        Number of files to download at the same time, at least 1.
    n_retries : int, default=5
        Number of further attempts for each file if a connection fails or a file has a wrong
        SHA-256, at least 0. The pause between attempts grows.
    timeout : float, default=30.0
        Time in seconds without an answer from the server after which a connection has failed, at
        most a day.
    verbose : int, default=1
        Whether to show a progress bar.

    Returns
    -------
    pathlib.Path
        The folder of PTB-XL, the first parameter of :func:`load_ptbxl`.

    Raises
    ------
    DownloadError
        If a file cannot be downloaded, has more than 256 MiB, or has a wrong SHA-256 at every
        attempt, or if there are no files to download. It is an OSError.
    OSError
        If a file cannot be written, or something that is not a file has its name.
    ValueError
        If a parameter is out of its range.

    See Also
    --------
    load_ptbxl : Load PTB-XL from its folder.

    Examples
    --------
    This example is not run as a test, because it downloads 0.6 GB.

    >>> from sklearn_ecg.datasets import download_ptbxl, load_ptbxl
    >>> folder = download_ptbxl()  # doctest: +SKIP
    >>> ptbxl = load_ptbxl(folder)  # doctest: +SKIP
    """
    rates = list(sampling_rates) if _is_list(sampling_rates) else [sampling_rates]
    if not rates or any(
        not isinstance(rate, Real) or rate not in _RECORD_FOLDERS for rate in rates
    ):
        raise ValueError(
            f"sampling_rates={sampling_rates!r}: PTB-XL has each record at 100 and at 500 Hz. Pass "
            "one of them, or both."
        )
    for name, value, lowest in (("n_connections", n_connections, 1), ("n_retries", n_retries, 0)):
        if not isinstance(value, Integral) or isinstance(value, bool) or value < lowest:
            raise ValueError(f"{name}={value!r} must be an integer of at least {lowest}.")
    is_number = isinstance(timeout, Real) and not isinstance(timeout, bool)
    if not is_number or not 0 < timeout <= _MAX_TIMEOUT:
        raise ValueError(
            f"timeout={timeout!r} must be a number of seconds, > 0 and <= {_MAX_TIMEOUT}."
        )
    if not isinstance(url, str) or not re.match("https?://.", url):
        raise ValueError(f"url={url!r} must be an address that starts with https:// or http://.")
    folder = _get_data_home(data_home) / _PTBXL_FOLDER
    download = _Download(url, folder, int(n_retries), float(timeout))
    unwanted = tuple(path for rate, path in _RECORD_FOLDERS.items() if rate not in rates)
    checksums = {
        name: digest
        for name, digest in download.fetch_checksums().items()
        if not name.startswith(unwanted)
    }
    if not checksums:
        raise DownloadError(download.checksums_url, f"it has no files at {rates} Hz. Check url.")
    download.fetch_all(checksums, n_connections, verbose)
    return folder


def _is_list(value):
    return np.iterable(value) and not isinstance(value, (str, bytes))


def _get_data_home(data_home=None):
    """Return the folder for data sets."""
    if data_home is None:
        data_home = os.environ.get("SKLEARN_ECG_DATA_HOME") or Path("~") / "sklearn_ecg_data"
    return Path(expand_path(data_home, "data_home"))


class _DownloadStopped(Exception):
    """Raised in a thread after another file has failed, or after Ctrl-C."""


class _LimitedFile:
    """A file whose `write` raises once a download has been stopped, or has too many bytes."""

    def __init__(self, file, stop, url, max_size):
        self.file = file
        self.stop = stop
        self.url = url
        self.left = self.max_size = max_size

    def write(self, content):
        if self.stop.is_set():
            raise _DownloadStopped
        self.left -= len(content)
        if self.left < 0:
            raise DownloadError(
                self.url, f"the file has more than {self.max_size:,} bytes. Check url."
            )
        self.file.write(content)

    def flush(self):
        self.file.flush()


class _Download:
    """Files below one address, and the folder that they are written to."""

    def __init__(self, url, folder, n_retries, timeout):
        # Imported here, because pooch and requests would delay the import of all loaders.
        import pooch

        self.folder = folder
        self.n_retries = n_retries
        self.timeout = timeout
        self.stop = threading.Event()
        # Attempts are repeated by _try_repeatedly, which Ctrl-C interrupts; pooch would sleep.
        self.files = pooch.create(folder, url.rstrip("/") + "/", retry_if_failed=0)
        self.checksums_url = self.files.base_url + _CHECKSUMS_FILE
        self.partial = set()  # paths of files that are being written
        self.mode = None  # of the files

    def fetch_checksums(self):
        """Download the list of files, and return the SHA-256 of each."""
        url = self.checksums_url
        with _name_folder_in_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)

        def fetch_list():
            buffer = io.BytesIO()
            self._receive(url, _LimitedFile(buffer, self.stop, url, _MAX_CHECKSUMS_SIZE))
            return buffer.getvalue()

        # Always downloaded, because it decides which files are good.
        (content,) = self._run_in_threads([lambda: self._try_repeatedly(fetch_list, url)], 1)
        if not content.strip():
            raise DownloadError(url, "the list of files is empty. Check url, or try again later.")
        checksums = {}
        for line in content.decode("utf-8", errors="replace").splitlines():
            if not line.strip():
                continue
            digest, _, name = line.strip().partition(" ")
            name = name.strip().lstrip("*")
            path = PurePosixPath(name)
            is_inside = bool(path.parts) and not path.is_absolute() and ".." not in path.parts
            is_plain = name.isprintable() and not set(name).intersection('\\:*?"<>|')
            if not re.fullmatch("[0-9a-fA-F]{64}", digest) or not is_inside or not is_plain:
                raise DownloadError(
                    url,
                    f"the line {line[:100]!r} is not a SHA-256 and a file in this folder. Check "
                    "url.",
                )
            if checksums.setdefault(name, digest.lower()) != digest.lower():
                raise DownloadError(url, f"it has two SHA-256 of the file {name!r}. Check url.")
        with _name_folder_in_errors(self.folder):
            self._write_checksums(content)
        return checksums

    def _write_checksums(self, content):
        """Replace the list of files in one step, and find out which mode new files have."""
        partial = self.folder / f".{_CHECKSUMS_FILE}-{uuid.uuid4().hex}.partial"
        try:
            partial.write_bytes(content)
            self.mode = stat.S_IMODE(partial.stat().st_mode)
            os.replace(partial, self.folder / _CHECKSUMS_FILE)
        finally:
            partial.unlink(missing_ok=True)

    def fetch_all(self, checksums, n_connections, verbose):
        """Download all files; the first one that fails stops the others."""
        self.files.registry.update(checksums)
        self._remove_abandoned_files(checksums)
        calls = [functools.partial(self._fetch_file, name) for name in checksums]
        with _QUIET_POOCH, closing(self._run_in_threads(calls, n_connections)) as results:
            progress = tqdm(
                results, total=len(calls), desc=_PTBXL_FOLDER, unit="file", disable=not verbose
            )
            for _ in progress:
                pass

    def _run_in_threads(self, calls, n_threads):
        """Yield the results of calls as they come; stop all of them after an error or Ctrl-C.

        A thread may wait for the server until the timeout. It is then left behind: Python does not
        wait for daemon threads, as it does for those of an executor.
        """
        waiting, results = queue.SimpleQueue(), queue.SimpleQueue()
        for call in calls:
            waiting.put(call)

        def work():
            while not self.stop.is_set():
                try:
                    call = waiting.get_nowait()
                except queue.Empty:
                    return
                try:
                    results.put((call(), None))
                except BaseException as error:
                    results.put((None, error))

        threads = [threading.Thread(target=work, daemon=True) for _ in range(n_threads)]
        try:
            for thread in threads:
                thread.start()
            for _ in calls:
                result, error = _get_interruptibly(results)
                if error is not None:
                    raise error
                yield result
        except BaseException:
            self.stop.set()
            deadline = time.monotonic() + _SECONDS_TO_STOP
            for thread in threads:
                if thread.ident is not None:
                    thread.join(max(0, deadline - time.monotonic()))
            for path in list(self.partial):
                _remove_if_possible(path)
            raise

    def _remove_abandoned_files(self, checksums):
        """Remove temporary files that killed processes left at least a day ago."""
        folders = {self.folder / PurePosixPath(name).parent for name in checksums}
        for folder in folders:
            try:
                partial = [entry for entry in folder.iterdir() if _is_temporary_name(entry.name)]
                ages = [time.time() - entry.lstat().st_mtime for entry in partial]
            except OSError:
                continue
            for entry, age in zip(partial, ages):
                if age > _SECONDS_PER_DAY:
                    _remove_if_possible(entry)

    def _fetch_file(self, name):
        """Download a file unless it exists with the right SHA-256."""
        path = self.folder / name
        with _name_folder_in_errors(self.folder):
            # Several threads may create the same folder, which pooch does not expect.
            path.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(path) and not path.is_file():
            raise FileExistsError(
                errno.EEXIST, f"{str(path)!r} is not a regular file. Remove it, and call again"
            )
        self._try_repeatedly(
            lambda: self.files.fetch(name, downloader=self._write_response),
            self.files.get_url(name),
        )

    def _write_response(self, url, path, _):
        """Write the file at an address to pooch's temporary file."""
        self.partial.add(path)
        try:
            # Temporary files can be read by their owner only.
            os.chmod(path, self.mode)
            with open(path, "wb") as file:
                self._receive(url, _LimitedFile(file, self.stop, url, _MAX_FILE_SIZE))
        finally:
            self.partial.discard(path)

    def _receive(self, url, file):
        """Write the content of an address to an open file."""
        import pooch

        with ExitStack() as stack:

            def close_at_exit(response, **_):
                # pooch leaves the connection open after an error.
                stack.callback(response.close)

            # Some servers refuse the default user agent of requests.
            headers = {"User-Agent": f"sklearn_ecg/{__version__}"}
            download = pooch.HTTPDownloader(
                chunk_size=_BYTES_PER_READ,
                timeout=self.timeout,
                headers=headers,
                hooks={"response": close_at_exit},
            )
            download(url, file, None)

    def _try_repeatedly(self, attempt, url):
        """Call a function until it succeeds, at most ``n_retries + 1`` times."""
        import requests

        for number in range(self.n_retries + 1):
            if number and self.stop.wait(min(0.1 * 2**number, 10)):
                raise _DownloadStopped
            try:
                return attempt()
            except requests.HTTPError as error:
                response = error.response
                if not _is_temporary(response.status_code):
                    raise DownloadError(
                        url,
                        f"the server answered {response.status_code} {response.reason}. Check url.",
                    ) from error
                last = error
            except (requests.RequestException, ValueError) as error:
                last = error
            except DownloadError:
                raise
            except OSError as error:
                with _name_folder_in_errors(self.folder):
                    raise error
        if isinstance(last, requests.RequestException):
            raise DownloadError(
                url,
                f"the connection failed {self.n_retries + 1} times, the last time with {last!r}. "
                "Call again to continue with the missing files, or increase timeout or n_retries.",
            ) from last
        raise DownloadError(
            url,
            f"its SHA-256 differed from the published one {self.n_retries + 1} times. The file is "
            "damaged on the server or on the way: try again later, or pass another url.",
        ) from last


def _name_folder_in_errors(folder):
    """Say in errors that the data home cannot be written, and what to do."""
    return explain_write_errors(f"the folder {str(folder)!r}", "another data_home")


class _QuietPooch:
    """Keeps pooch from logging every file as long as at least one download is running."""

    def __init__(self):
        self.lock = threading.Lock()
        self.n_downloads = 0
        self.level = None

    def __enter__(self):
        import pooch

        with self.lock:
            if self.n_downloads == 0:
                self.level = pooch.get_logger().level
                pooch.get_logger().setLevel(logging.WARNING)
            self.n_downloads += 1

    def __exit__(self, *error):
        import pooch

        with self.lock:
            self.n_downloads -= 1
            if self.n_downloads == 0:
                pooch.get_logger().setLevel(self.level)


_QUIET_POOCH = _QuietPooch()


def _get_interruptibly(results):
    """Return the next item of a queue; Ctrl-C interrupts the wait on all systems."""
    while True:
        try:
            return results.get(timeout=0.2)
        except queue.Empty:
            continue


def _is_temporary_name(name):
    return bool(_TEMPORARY_NAME.fullmatch(name)) or (
        name.startswith(f".{_CHECKSUMS_FILE}-") and name.endswith(".partial")
    )


def _remove_if_possible(path):
    try:
        os.unlink(path)
    except OSError:
        pass


def _is_temporary(status):
    """Whether to try again after an HTTP status."""
    return status in (408, 425, 429) or status >= 500

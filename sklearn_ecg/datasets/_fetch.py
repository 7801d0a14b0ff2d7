"""Downloads: in parallel, resumable, and checked against published checksums."""

import hashlib
import http.client
import os
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from .. import __version__

_URL = "https://physionet.org/files/ptb-xl/1.0.3/"
_FOLDER = "ptb-xl-1.0.3"
_CHECKSUMS = "SHA256SUMS.txt"
_RECORDS = {100: "records100/", 500: "records500/"}
_CHUNK = 1 << 16  # bytes; small, so that Ctrl-C and other files' errors are heard soon


class DownloadError(OSError):
    """A file that cannot be downloaded, or does not have the published checksum.

    Parameters
    ----------
    url : str
        The file.
    reason : str
        What went wrong, and what to do.

    Attributes
    ----------
    url, reason : str
        As given.

    Examples
    --------
    >>> from sklearn_ecg.datasets import DownloadError
    >>> print(DownloadError("https://example.org/a.dat", "the server said 404."))
    https://example.org/a.dat: the server said 404.
    """

    def __init__(self, url, reason):
        super().__init__(url, reason)
        self.url, self.reason = url, reason

    def __str__(self):
        return f"{self.url}: {self.reason}"


def fetch_ptbxl(
    data_home=None,
    *,
    sampling_rates=(100,),
    url=_URL,
    n_connections=8,
    n_retries=5,
    timeout=30.0,
    verbose=1,
):
    """Download PTB-XL from PhysioNet, or what of it is not yet there.

    Every file is checked against the SHA-256 that PhysioNet publishes, those that are there already
    as well. A download that was interrupted, whenever it was, goes on where it stopped.

    Parameters
    ----------
    data_home : str or path-like, default=None
        The folder for data sets, in which PTB-XL gets the folder "ptb-xl-1.0.3". None takes the
        environment variable SKLEARN_ECG_DATA_HOME, and "~/sklearn_ecg_data" where it is not set.
    sampling_rates : {100, 500} or iterable of them, default=(100,)
        Which versions of the records to download: about 0.6 GB at 100 Hz, 2.5 GB at 500 Hz.
    url : str
        Where the files are, by default on PhysioNet, version 1.0.3. A mirror must hold
        SHA256SUMS.txt.
    n_connections : int, default=8
        The number of files to download at once.
    n_retries : int, default=5
        How often to try again when a connection fails or a file has another checksum, for each
        file; with a growing pause in between.
    timeout : float, default=30.0
        Seconds without an answer after which a connection counts as failed.
    verbose : int, default=1
        Whether to show a progress bar.

    Returns
    -------
    pathlib.Path
        The folder, to be passed to :func:`load_ptbxl`.

    Raises
    ------
    DownloadError
        If a file cannot be downloaded, or has another checksum at every try. It is an OSError.
    ValueError
        If a parameter has a value that makes no sense.

    See Also
    --------
    load_ptbxl : Load it.

    Examples
    --------
    The example is not run as a test, because it downloads 0.6 GB.

    >>> from sklearn_ecg.datasets import fetch_ptbxl, load_ptbxl
    >>> ptbxl = load_ptbxl(fetch_ptbxl())  # doctest: +SKIP
    """
    sampling_rates = [sampling_rates] if isinstance(sampling_rates, int) else list(sampling_rates)
    unknown = [rate for rate in sampling_rates if rate not in _RECORDS]
    if unknown or not sampling_rates:
        raise ValueError(
            f"sampling_rates={sampling_rates}: PTB-XL holds each record at 100 and at 500 Hz. Pass "
            "one of them, or both."
        )
    for name, value, least in (("n_connections", n_connections, 1), ("n_retries", n_retries, 0)):
        if value < least:
            raise ValueError(f"{name}={value!r} must be at least {least}.")
    folder = get_data_home(data_home) / _FOLDER
    with _writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
    url = url.rstrip("/") + "/"
    download = _Download(url, folder, n_retries, timeout)
    unwanted = tuple(path for rate, path in _RECORDS.items() if rate not in sampling_rates)
    checksums = {
        name: digest
        for name, digest in download.get_checksums().items()
        if not name.startswith(unwanted)
    }
    download.get_all(checksums, n_connections, verbose)
    return folder


def get_data_home(data_home=None):
    """The folder for data sets."""
    if data_home is None:
        data_home = os.environ.get("SKLEARN_ECG_DATA_HOME") or Path("~") / "sklearn_ecg_data"
    return Path(data_home).expanduser()


class _LocalError(Exception):
    """A file cannot be written here; nothing is wrong with the connection."""


@contextmanager
def _writing_to(folder):
    try:
        yield
    except OSError as error:
        raise type(error)(
            error.errno,
            f"the folder {str(folder)!r} cannot be written to ({error.strerror}). Make room or get "
            "permission, or pass another data_home",
        ) from error


class _Stopped(Exception):
    """Another file failed, or Ctrl-C was pressed."""


class _Download:
    """Files below one address, into one folder."""

    def __init__(self, url, folder, n_retries, timeout):
        self.url = url
        self.folder = folder
        self.n_retries = n_retries
        self.timeout = timeout
        self.stop = threading.Event()

    def get_checksums(self):
        """Every file and its SHA-256, as published."""
        path = self.folder / _CHECKSUMS
        # Always anew: it is small, and it decides what a good file is.
        self._get(_CHECKSUMS, None)
        checksums = {}
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            digest, _, name = line.strip().partition(" ")
            name = name.strip().lstrip("*")
            parts = PurePosixPath(name)
            is_safe = bool(name) and not parts.is_absolute() and ".." not in parts.parts
            if len(digest) != 64 or not is_safe or "\\" in name or ":" in name:
                raise DownloadError(
                    self.url + _CHECKSUMS,
                    f"the line {line[:100]!r} is not a SHA-256 and a file in this folder. Check "
                    "url.",
                )
            checksums[name] = digest.lower()
        return checksums

    def get_all(self, checksums, n_connections, verbose):
        """Download all files; the first that fails stops the others."""
        with ThreadPoolExecutor(n_connections) as pool:
            futures = [pool.submit(self._get, name, digest) for name, digest in checksums.items()]
            try:
                done = tqdm(
                    as_completed(futures),
                    total=len(futures),
                    desc=_FOLDER,
                    unit="file",
                    disable=not verbose,
                )
                for future in done:
                    future.result()
            except BaseException:
                self.stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _get(self, name, digest):
        """Download one file unless it is there, and check it."""
        path = self.folder / name
        partial = path.with_name(f"{path.name}.part")
        if digest is not None and path.is_file() and _digest(path) == digest:
            return
        with _writing_to(self.folder):
            path.parent.mkdir(parents=True, exist_ok=True)
        if digest is None:
            partial.unlink(missing_ok=True)
        for attempt in range(self.n_retries + 1):
            if attempt and self.stop.wait(min(0.1 * 2**attempt, 10)):
                raise _Stopped
            try:
                self._transfer(name, partial)
            except _LocalError as error:
                with _writing_to(self.folder):
                    raise error.__cause__ from None
            except (OSError, http.client.HTTPException) as error:
                if isinstance(error, urllib.error.HTTPError) and not _is_passing(error):
                    raise DownloadError(
                        self.url + name,
                        f"the server said {error.code} {error.reason}. Check url.",
                    ) from error
                problem = error
                continue
            found = _digest(partial)
            if digest is None or found == digest:
                os.replace(partial, path)
                return
            # From the start: nobody can tell which part is wrong.
            partial.unlink()
            problem = None
        if problem is not None:
            raise DownloadError(
                self.url + name,
                f"the connection failed {self.n_retries + 1} times, at last with {problem!r}. "
                "Call again to go on where it stopped, or raise timeout or n_retries.",
            ) from problem
        raise DownloadError(
            self.url + name,
            f"its SHA-256 is {found} instead of {digest}, {self.n_retries + 1} times. The file on "
            "the server, or something between here and there, is damaged: try again later, or "
            "pass another url.",
        )

    def _transfer(self, name, partial):
        """Append to what is there of a file until it is complete."""
        start = partial.stat().st_size if partial.exists() else 0
        request = urllib.request.Request(self.url + urllib.request.quote(name))
        # Servers may refuse urllib's own name.
        request.add_header("User-Agent", f"sklearn_ecg/{__version__}")
        if start:
            request.add_header("Range", f"bytes={start}-")
        try:
            response = urllib.request.urlopen(request, timeout=self.timeout)
        except urllib.error.HTTPError as error:
            if error.code == 416:
                # What is there is all there is; the checksum decides.
                error.close()
                return
            raise
        with response:
            # A server that knows no ranges sends all of the file.
            append = start and response.status == 206
            expected = response.length
            written = 0
            with _open(partial, "ab" if append else "wb") as write:
                while chunk := response.read(_CHUNK):
                    if self.stop.is_set():
                        raise _Stopped
                    write(chunk)
                    written += len(chunk)
        if expected is not None and written < expected:
            raise http.client.IncompleteRead(b"", expected - written)


@contextmanager
def _open(path, mode):
    """A function that writes to a file, and whose errors are told from those of a connection."""
    try:
        file = open(path, mode, buffering=0)
    except OSError as error:
        raise _LocalError from error

    def write(content):
        try:
            while content:
                content = content[file.write(content) :]
        except OSError as error:
            raise _LocalError from error

    with file:
        yield write


def _is_passing(error):
    """Whether to try again after an answer of the server."""
    error.close()
    return error.code in (408, 425, 429) or error.code >= 500


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

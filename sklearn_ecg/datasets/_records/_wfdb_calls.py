"""Reading signals with wfdb, which misreads or refuses some headers."""

import os
import shutil
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path

from ...utils._record_error import RecordError
from ._header_fields import DEFAULT_RATE
from ._headers import folder_of

with warnings.catch_warnings():
    # While it is imported, wfdb 4.3 calls functions that pandas 3.1 deprecates.
    warnings.simplefilter("ignore", DeprecationWarning)
    import wfdb


def read_with_wfdb(root, name, header, segments):
    """Read the signals of a record, each channel at its own rate.

    Averaging down to the slowest channel would ruin the ECG of polysomnographies and monitors.

    Parameters
    ----------
    root, name : str
        The folder, and the record relative to it.
    header : Header
    segments : list of (str, Header)

    Returns
    -------
    wfdb.Record

    Raises
    ------
    RecordError
        If wfdb cannot read the record, or reads its headers differently.
    """
    path = os.path.join(root, name)
    try:
        found = wfdb.rdrecord(path, smooth_frames=False)
        different = _find_difference(found, root, header, segments)
        if different is None:
            return found
        reason = f"wfdb misreads {different} of its header."
    except Exception as error:
        reason, cause = f"wfdb cannot read it ({type(error).__name__}: {error}).", error
    else:
        cause = None
    if not header.is_multi_segment:
        # Folders before names, dates and letters that wfdb does not accept: rewrite the header.
        try:
            with _plain_copy(root, name, header) as copy:
                found = wfdb.rdrecord(copy, smooth_frames=False)
            if _find_difference(found, root, header, segments) is None:
                return found
        except Exception as error:
            cause = error
    raise RecordError(
        name,
        "content",
        reason,
        "Its files have the right names and sizes. Convert them with other software, leave the "
        "record out, or pass on_error='skip'.",
    ) from cause


def _find_difference(found, root, header, segments):
    """Return what wfdb read differently from the words of the headers, or None."""
    pairs = [(found, header)]
    if header.is_multi_segment:
        pairs = [(wfdb.rdheader(os.path.join(root, name)), part) for name, part in segments]
        if found.fs != (header.fs or DEFAULT_RATE):
            return "the sampling rate"
    for read, stated in pairs:
        if abs(read.fs - (stated.fs or DEFAULT_RATE)) > 1e-7 * read.fs:
            return "the sampling rate"
        if read.n_sig != stated.n_sig or len(read.fmt) != stated.n_sig:
            return "the number of signals"
        if stated.sig_len is not None and read.sig_len != stated.sig_len:
            return "the number of time points"
        for field in ("fmt", "samps_per_frame", "skew", "byte_offset", "adc_gain", "baseline"):
            of_wfdb, of_words = getattr(read, field), getattr(stated, field)
            if [value or 0 for value in of_wfdb] != [value or 0 for value in of_words]:
                return f"the field {field}"
        if header.has_layout and list(read.sig_name) != list(stated.sig_name):
            return "the names of channels"
    return None


@contextmanager
def _plain_copy(root, name, header):
    """Yield the path of a record with the same signals and a header that wfdb understands."""
    folder = Path(root, folder_of(name))
    with tempfile.TemporaryDirectory() as copy:
        plain_name = {}
        for file in header.file_name:
            if file not in plain_name:
                plain_name[file] = f"s{len(plain_name)}.dat"
                _link_or_copy(folder / file, Path(copy, plain_name[file]))
        length = "" if header.sig_len is None else header.sig_len
        lines = [f"record {header.n_sig} {header.fs or DEFAULT_RATE!r} {length}"]
        for i, file in enumerate(header.file_name):
            fmt = f"{header.fmt[i]}x{header.samps_per_frame[i]}:{header.skew[i] or 0}"
            gain = f"{header.adc_gain[i]!r}({header.baseline[i]})/mV"
            lines.append(f"{plain_name[file]} {fmt}+{header.byte_offset[i] or 0} {gain}")
        Path(copy, "record.hea").write_text("\n".join(lines) + "\n", encoding="ascii")
        yield os.path.join(copy, "record")


def _link_or_copy(source, target):
    try:
        target.symlink_to(source.absolute())
    except OSError:
        shutil.copyfile(source, target)

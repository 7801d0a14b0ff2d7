"""One WFDB record: read through wfdb, in mV, with errors that say what is wrong with which file."""

import hashlib
import os
import re
import warnings
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..leads import normalize_lead_name

with warnings.catch_warnings():
    # wfdb 4.3 calls, while it is imported, what pandas 3.1 deprecates.
    warnings.simplefilter("ignore", DeprecationWarning)
    import wfdb

# Millivolts per unit, by the unit's name in lower case. Both signs of the micro are in use.
_MILLIVOLTS = {
    **dict.fromkeys(("v", "volt", "volts"), 1e3),
    **dict.fromkeys(("mv", "millivolt", "millivolts"), 1.0),
    **dict.fromkeys(("uv", "µv", "μv", "microvolt", "microvolts"), 1e-3),
    **dict.fromkeys(("nv", "nanovolt", "nanovolts"), 1e-6),
}

# Bytes per value of the formats whose files have a length that follows from the header.
_BYTES = {
    **dict.fromkeys(("8", "80"), 1),
    "212": 1.5,
    **dict.fromkeys(("310", "311"), 4 / 3),
    **dict.fromkeys(("16", "61", "160"), 2),
    "24": 3,
    "32": 4,
}

NO_UNIT = "no unit, mV by WFDB's definition"

# The value that stands for a missing one, by format.
_MISSING = {
    "80": -(2**7),
    **dict.fromkeys(("310", "311"), -(2**9)),
    "212": -(2**11),
    **dict.fromkeys(("16", "61", "160"), -(2**15)),
    "24": -(2**23),
    "32": -(2**31),
}


class RecordError(ValueError):
    """A record that cannot be loaded as asked.

    Parameters
    ----------
    record : str
        The record's name.
    field : str
        What is wrong: "header", "signal file", "leads", "units", "sampling rate", "length",
        "missing values" or "labels"; of a picture "file", "format", "content", "size", "pages" or
        "mode".
    reason : str
        What was found.
    advice : str
        What to do.

    Attributes
    ----------
    record, field, reason, advice : str
        As given.

    Examples
    --------
    >>> from sklearn_ecg.datasets import RecordError
    >>> error = RecordError("rec01", "units", "lead II is in mmHg.", "Pass leads without it.")
    >>> str(error)
    'Record rec01, units: lead II is in mmHg. Pass leads without it.'
    """

    def __init__(self, record, field, reason, advice):
        # All in args: what comes back from a worker process is made anew from them.
        super().__init__(record, field, reason, advice)
        self.record, self.field, self.reason, self.advice = record, field, reason, advice

    def __str__(self):
        return f"Record {self.record}, {self.field}: {self.reason} {self.advice}"


# Tracebacks then name where users import it from.
RecordError.__module__ = "sklearn_ecg.datasets"


@dataclass
class Record:
    """What a record's files hold; `signals` are as in the file, one array per channel."""

    name: str
    channels: list
    rates: list
    units: list
    signals: list = field(default_factory=list)
    comments: list = field(default_factory=list)
    remarks: dict = field(default_factory=dict)  # of channels whose header left something open
    unstated: set = field(default_factory=set)  # channels whose header gives no unit
    notes: list = field(default_factory=list)  # on the whole of it, for the report

    @property
    def shape(self):
        """Channels, and time points of the longest of them."""
        return len(self.channels), max((len(signal) for signal in self.signals), default=0)

    def find(self, lead):
        """The channel of a lead, or None; two channels of one lead are an error."""
        found = [i for i, channel in enumerate(self.channels) if standard_name(channel) == lead]
        if len(found) > 1:
            names = " and ".join(repr(self.channels[i]) for i in found)
            raise RecordError(
                self.name,
                "leads",
                f"the channels {names} are both lead {lead}.",
                "Rename or remove one of them in the header, or ask for other leads.",
            )
        return found[0] if found else None


_UNKNOWN = ("unknown",)


@lru_cache(maxsize=1024)
def standard_name(channel):
    """The standard name of a known lead; any other name as it is."""
    try:
        return normalize_lead_name(channel)
    except (TypeError, ValueError):
        return channel


def millivolts(unit, assume_units=None):
    """The factor that brings a unit to mV, or None for a unit that is not a voltage."""
    factor = _MILLIVOLTS.get(str(unit or "").strip().lower())
    if factor is None and assume_units is not None:
        factor = _MILLIVOLTS[assume_units.lower()]
    return factor


def read_record(root, name):
    """Read a record and say which files it was read from.

    Parameters
    ----------
    root : str or path-like
        The folder that `name` is relative to.
    name : str
        The record, without a file's ending.

    Returns
    -------
    record : Record
    files : list of str
        The files, relative to `root`.

    Raises
    ------
    RecordError
        If a file is missing, truncated or not what its header says.
    """
    path = os.path.join(root, name)
    try:
        # Each channel at its own rate: to average down to the slowest would lose the ECG of
        # polysomnographies and monitors.
        found = wfdb.rdrecord(path, smooth_frames=False)
    except Exception as error:
        raise _explain(root, name, error) from error
    if not found.n_sig or not found.sig_len:
        raise RecordError(
            name, "length", "it holds no signals.", "Leave it out, or pass on_error='skip'."
        )
    # What wfdb makes of several segments has no files of its own.
    header, parts = (found, [(name, found)]) if found.file_name else _segments(root, name)
    notes = _check_sizes(root, name, parts)
    remarks, unstated = _correct_units(root, name, parts)
    if header is found:
        notes += _check_sums(found)
    channels, units = parts[0][1].sig_name, parts[0][1].units
    if header is not found:
        of_channel = _check_segments(name, header, parts)
        if header.layout == "variable":
            # All names are ASCII, as was checked, so that wfdb's own are right.
            channels = found.sig_name
            units = [of_channel.get(channel, unit) for channel, unit in zip(channels, found.units)]
    record = Record(
        name,
        channels=[channel or f"unnamed {i}" for i, channel in enumerate(channels)],
        rates=[found.fs * n for n in found.samps_per_frame],
        units=list(units),
        signals=found.e_p_signal,
        comments=_read_comments(root, f"{name}.hea"),
        remarks={i: remarks[channel] for i, channel in enumerate(channels) if channel in remarks},
        unstated={i for i, channel in enumerate(channels) if channel in unstated},
        notes=notes,
    )
    return record, _files(name, parts)


def describe_header(root, name):
    """What a header says of a record that cannot be read: (shape, rate, units), or Nones."""
    try:
        header = wfdb.rdheader(os.path.join(root, name))
        shape = (header.n_sig, header.sig_len)
        return shape, header.fs, list(getattr(header, "units", None) or [])
    except Exception:
        return None, None, []


def sources_of(root, name, files=None, before=None):
    """The state of a record's files, for the cache: path, size, time and content of each.

    Without `files` those that the header names are looked for, missing ones included: when one
    of them appears the record has changed. `before` are the files' stamps before they were read.
    """
    if files is None:
        try:
            files = _files(name, _segments(root, name)[1])
        except Exception:
            # Each header that its lines name: one of them may be missing.
            files = list(stamp_files(root, name))
    before = before or {}
    return [file_state(root, file, before.get(file, _UNKNOWN)) for file in files]


def file_state(root, file, before=_UNKNOWN):
    """[path, size, mtime in ns, SHA-256] of a file; a file that is not there has no size.

    Parameters
    ----------
    before : tuple
        The file's stamp before it was read. If it has another one by now, nobody knows what was
        read, and the state is one that no file ever has: -1 for size and time.
    """
    path = os.path.join(root, file)
    try:
        stat = os.stat(path)
        with open(path, "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        state = [file, stat.st_size, stat.st_mtime_ns, digest]
    except OSError:
        state = [file, None, None, None]
    if before is not _UNKNOWN and stamp(root, file) != before:
        return [file, -1, -1, None]
    return state


def stamp(root, file):
    """What tells a file from one that takes its place; None if it is not there.

    Held against another stamp of the same file, and not against the clock: times may lie in the
    future, and a file that replaces another one may be older.
    """
    try:
        stat = os.stat(os.path.join(root, file))
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def stamp_files(root, name):
    """The stamps of a record's files by name, from a quick look at its headers without wfdb."""
    stamps, headers = {}, [f"{name}.hea"]
    while headers:
        file = headers.pop(0)
        if file in stamps:
            continue
        stamps[file] = stamp(root, file)
        lines = _header_lines(root, file)
        if not lines:
            continue
        named = [_prefix(name) + line.split()[0] for line in lines[1:] if line.split()[0] != "~"]
        if _names_segments(lines):
            headers += [f"{segment}.hea" for segment in named]
        else:
            stamps.update((signals, stamp(root, signals)) for signals in dict.fromkeys(named))
    return stamps


def _header_lines(root, file):
    """The lines of a header that are no comments; none if it cannot be read."""
    try:
        content = Path(os.path.join(root, file)).read_bytes()
    except OSError:
        return []
    lines = [line.strip() for line in _decode(content)]
    return [line for line in lines if line and not line.startswith("#")]


def _names_segments(lines):
    return bool(lines) and "/" in lines[0].split()[0]


def _decode(content):
    """The lines of a header, which may be in Latin-1."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    # Not splitlines, which takes letters such as U+0085 for the end of a line.
    return re.split(r"\r\n|\r|\n", text)


def list_records(folder):
    """All records of a folder and the folders in it, by name relative to it, rec2 before rec10."""
    names = []
    for prefix, files in walk_folders(folder):
        names += [prefix + file[:-4] for file in files if file.endswith(".hea")]
    return sorted(names, key=natural_order)


def list_strays(folder):
    """Files that look like parts of a record, but that no header of wfdb's spelling goes with.

    Signal files without a header of the same name beside them, and headers whose ending is not in
    lower case, which wfdb does not find.
    """
    strays = []
    for prefix, files in walk_folders(folder):
        stems = {file[:-4] for file in files if file.endswith(".hea")}
        for file in files:
            ending = file[-4:].lower()
            is_signal = ending in (".dat", ".mat") and file[:-4] not in stems
            if is_signal or (ending == ".hea" and not file.endswith(".hea")):
                strays.append(prefix + file)
    return sorted(strays, key=natural_order)


def walk_folders(folder):
    """The names of the files of each folder, after the folder's own name relative to `folder`.

    Links to folders are followed, after all folders that are none, and each folder is entered once.
    """
    folders, links, seen = [""], [], set()
    while folders or links:
        prefix = folders.pop() if folders else links.pop(0)
        path = os.path.join(folder, prefix)
        try:
            stat = os.stat(path)
            if (stat.st_dev, stat.st_ino) in seen:
                continue
            seen.add((stat.st_dev, stat.st_ino))
            with os.scandir(path) as entries:
                entries = sorted(entries, key=lambda entry: entry.name)
            files = []
            for entry in entries:
                if not entry.is_dir():
                    files.append(entry.name)
                else:
                    (links if entry.is_symlink() else folders).append(f"{prefix}{entry.name}/")
        except OSError as error:
            raise type(error)(
                error.errno,
                f"the folder {path!r} cannot be searched for records ({error.strerror}). Make it "
                "readable, or pass a list of records",
            ) from error
        yield prefix, files


def find_segments(folder, names):
    """For each record that is a segment of another one of `names`, that other.

    To load both would load the same signal twice.
    """
    parts = {}
    known = set(names)
    for name in names:
        lines = _header_lines(folder, f"{name}.hea")
        if not _names_segments(lines):
            continue
        prefix = _prefix(name)
        for line in lines[1:]:
            segment = prefix + line.split()[0]
            if segment in known and segment != name:
                parts[segment] = name
    return parts


def _check_sums(record):
    """Notes on channels whose values do not add up to the checksum in the header.

    A skew shifts values out of a record, and 0 is what many write who have no checksum.
    """
    if not record.checksum or any(record.skew or []):
        return []
    wrong = []
    for i, stated in enumerate(record.checksum):
        if not stated:
            continue
        signal = record.e_p_signal[i]
        missing = np.isnan(signal)
        # From the signal: wfdb 4.3 fails to return the digits of unsigned formats.
        digits = np.rint(signal * record.adc_gain[i] + record.baseline[i])[~missing]
        total = int(digits.astype(np.int64).sum())
        if missing.any():
            total += int(missing.sum()) * _MISSING.get(record.fmt[i], 0)
        if (total - stated) % 65536:
            wrong.append(record.sig_name[i] or f"unnamed {i}")
    if not wrong:
        return []
    return [f"checksum of {', '.join(wrong)} not that of the header: the signal may be damaged"]


# --------------------------------------------------------------------------------------------------
# Files
# --------------------------------------------------------------------------------------------------


def natural_order(name):
    """Sort key that puts rec2 before rec10."""
    parts = []
    for is_digit, text in _runs(name):
        parts.append((0, int(text), text) if is_digit else (1, 0, text))
    return parts


def _runs(text):
    start = 0
    for stop in range(1, len(text) + 1):
        # isdecimal, unlike isdigit, promises that int() reads it.
        if stop == len(text) or text[stop].isdecimal() != text[start].isdecimal():
            yield text[start].isdecimal(), text[start:stop]
            start = stop


def _segments(root, name):
    """A record's header, and the names and headers of its segments, or of the record itself."""
    header = wfdb.rdheader(os.path.join(root, name))
    if not isinstance(header, wfdb.MultiRecord):
        return header, [(name, header)]
    prefix = _prefix(name)
    stems = [prefix + segment for segment in header.seg_name if segment != "~"]
    return header, [(stem, wfdb.rdheader(os.path.join(root, stem))) for stem in stems]


def _prefix(name):
    """The folder that a record's files are in, which their names in the header leave out."""
    return name[: name.rfind("/") + 1]


def _files(name, parts):
    """Headers and signal files, each once; the layout of a variable record has no signal file."""
    files = [f"{name}.hea"]
    for stem, part in parts:
        files.append(f"{stem}.hea")
        files += [_prefix(name) + file for file in part.file_name or [] if file != "~"]
    return list(dict.fromkeys(files))


def _expected_sizes(part):
    """Bytes that each signal file must hold at least, by name."""
    values, sizes = Counter(), {}
    if part.sig_len is None:
        return sizes
    for file, per_frame in zip(part.file_name or [], part.samps_per_frame or []):
        values[file] += part.sig_len * (per_frame or 1)
    for file, fmt, offset in zip(part.file_name or [], part.fmt or [], part.byte_offset or []):
        if file != "~" and fmt in _BYTES:
            sizes[file] = int(np.ceil(values[file] * _BYTES[fmt] - 1e-6)) + (offset or 0)
    return sizes


def _check_sizes(root, name, parts):
    """Refuse signal files that are too short, and return notes on those that are too long."""
    notes = []
    prefix = _prefix(name)
    for _, part in parts:
        for file, expected in _expected_sizes(part).items():
            size = os.path.getsize(os.path.join(root, prefix + file))
            if size < expected:
                raise RecordError(
                    name,
                    "signal file",
                    f"{prefix}{file} holds {size} bytes, but its header promises {expected}: the "
                    "file is truncated.",
                    "Copy or download it again.",
                )
            # Packed formats are written in groups of values, the last of which may not be full.
            padding = 3 if {"212", "310", "311"}.intersection(part.fmt or []) else 0
            if size > expected + padding:
                notes.append(
                    f"{prefix}{file} holds {size} bytes, its header describes {expected}: the rest "
                    "was not read"
                )
    return notes


def _check_segments(name, header, parts):
    """The unit of each channel, which must be one throughout the segments, as must be its place.

    wfdb puts segments together without a look at either, nor at rates; it cuts a segment that is
    longer than the record's header says.
    """
    advice = "Load the segments one by one, as a list of records."
    lengths = [n for segment, n in zip(header.seg_name, header.seg_len) if segment != "~"]
    units = {}
    first_stem, first = parts[0]
    for (stem, part), length in zip(parts, lengths):
        if part.fs != header.fs:
            raise RecordError(
                name,
                "sampling rate",
                f"segment {stem} has {part.fs:g} Hz, but {name}.hea says {header.fs:g} Hz.",
                advice,
            )
        if part.sig_len is not None and part.sig_len != length:
            raise RecordError(
                name,
                "length",
                f"segment {stem} has {part.sig_len} time points, but {name}.hea says {length}.",
                advice,
            )
        if header.layout == "fixed" and part.sig_name != first.sig_name:
            raise RecordError(
                name,
                "leads",
                f"segment {stem} has the channels {', '.join(map(str, part.sig_name))}, but "
                f"segment {first_stem} has {', '.join(map(str, first.sig_name))}.",
                advice,
            )
        for i, (channel, unit) in enumerate(zip(part.sig_name or [], part.units or [])):
            if header.layout == "variable" and not str(channel).isascii():
                raise RecordError(
                    name,
                    "leads",
                    f"segment {stem} has the channel {channel!r}, whose letters outside ASCII "
                    "wfdb leaves out when it matches the channels of segments.",
                    f"{advice[:-1]}, or rename the channel in all their headers.",
                )
            key = i if header.layout == "fixed" else channel
            if units.setdefault(key, unit) != unit:
                raise RecordError(
                    name,
                    "units",
                    f"segment {stem} has {channel} in {unit}, an earlier one in {units[key]}.",
                    advice,
                )
    return units


def _correct_units(root, name, parts):
    """Put units and names of signals as they stand in the headers, and remark on what is not there.

    wfdb 4.3 passes over letters outside ASCII: it takes "µV" for "V" and a lead that is marked as
    inverted by a typographic minus for the lead itself.
    """
    remarks, unstated = {}, set()
    for stem, part in parts:
        lines = _header_lines(root, f"{stem}.hea")[1:]
        _check_lines(name, stem, lines, part)
        for i, line in enumerate(lines):
            words = line.split(None, 8)
            gain, _, unit = (words[2] if len(words) > 2 else "0").partition("/")
            if not line.isascii() and len(words) == 9:
                part.sig_name[i] = words[8].strip()
            if unit:
                part.units[i] = unit
            else:
                part.units[i] = "mV"
                unstated.add(part.sig_name[i])
            open_ = [] if unit else [NO_UNIT]
            if re.match(r"0*\.?0*(\(|$)", gain):
                open_.append("not calibrated, 200 steps per unit by WFDB's definition")
            if open_:
                remarks[part.sig_name[i]] = open_
    return remarks, unstated


def _check_lines(name, stem, lines, part):
    if len(lines) != part.n_sig:
        raise RecordError(
            name,
            "header",
            f"{stem}.hea says that there are {part.n_sig} signals, but describes {len(lines)}.",
            "Copy or download it again, or correct the header.",
        )


def _read_comments(root, file):
    """The comments of a header, as wfdb takes them, but with all their letters."""
    lines = [line.strip() for line in _decode(Path(os.path.join(root, file)).read_bytes())]
    return [line.strip(" \t#") for line in lines if line.startswith("#")]


def _explain(root, name, error):
    """A RecordError for what wfdb could not read."""
    header = os.path.join(root, f"{name}.hea")
    if not os.path.isfile(header):
        return RecordError(
            name, "header", f"{name}.hea is not there.", "Copy or download it again."
        )
    if not _header_lines(root, f"{name}.hea"):
        return RecordError(
            name,
            "header",
            f"{name}.hea cannot be read: it has no record line.",
            "Copy or download it again, or correct the header.",
        )
    try:
        record, parts = _segments(root, name)
        files = _files(name, parts)
    except FileNotFoundError as missing:
        absent = Path(missing.filename).name
        return RecordError(
            name,
            "header",
            f"{absent}, the header of one of its segments, is not there.",
            "Copy or download it again.",
        )
    except Exception as reason:
        return RecordError(
            name,
            "header",
            f"{name}.hea cannot be read ({type(reason).__name__}: {reason}).",
            "Copy or download it again, or correct the header.",
        )
    absent = [file for file in files if not os.path.isfile(os.path.join(root, file))]
    if absent:
        more = f" (and {len(absent) - 1} more)" if len(absent) > 1 else ""
        return RecordError(
            name,
            "signal file",
            f"{absent[0]}{more} is not there.",
            "Copy or download it again.",
        )
    try:
        _correct_units(root, name, parts)
        if isinstance(record, wfdb.MultiRecord):
            _check_segments(name, record, parts)
        _check_sizes(root, name, parts)
    except RecordError as found:
        return found
    if all(part.sig_len == 0 for _, part in parts):
        return RecordError(
            name,
            "length",
            "its header says that it has no time points: a layout, or an empty record.",
            "Leave it out, or pass on_error='skip'.",
        )
    return RecordError(
        name,
        "signal file",
        f"wfdb cannot read it ({type(error).__name__}: {error}).",
        "Copy or download it again, or correct the header.",
    )

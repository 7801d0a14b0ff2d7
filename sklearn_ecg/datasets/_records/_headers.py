"""WFDB headers: what wfdb misreads in them, and whether they agree with the files."""

import os
import re
import warnings
from collections import Counter

import numpy as np

from ._errors import RecordError
from ._regular_files import MAX_HEADER_SIZE, read_regular_file

with warnings.catch_warnings():
    # While it is imported, wfdb 4.3 calls functions that pandas 3.1 deprecates.
    warnings.simplefilter("ignore", DeprecationWarning)
    import wfdb

# Bytes per value of the formats for which the header determines the length of the file.
_BYTES_PER_VALUE = {
    **dict.fromkeys(("8", "80"), 1),
    "212": 1.5,
    **dict.fromkeys(("310", "311"), 4 / 3),
    **dict.fromkeys(("16", "61", "160"), 2),
    "24": 3,
    "32": 4,
}

UNIT_NOT_STATED = "no unit, mV by WFDB's definition"
_NOT_CALIBRATED = "not calibrated, 200 steps per unit by WFDB's definition"


# --------------------------------------------------------------------------------------------------
# Lines
# --------------------------------------------------------------------------------------------------


def read_header_lines(root, file):
    """Return the lines of a header that are not comments; none if it cannot be read."""
    try:
        content = read_regular_file(os.path.join(root, file), MAX_HEADER_SIZE)
    except (OSError, ValueError):
        return []
    lines = [line.strip() for line in _decode_lines(content)]
    return [line for line in lines if line and not line.startswith("#")]


def read_header_comments(root, file):
    """Return the comments of a header like wfdb, but with all their letters."""
    content = read_regular_file(os.path.join(root, file), MAX_HEADER_SIZE)
    lines = [line.strip() for line in _decode_lines(content)]
    return [line.strip(" \t#") for line in lines if line.startswith("#")]


def _decode_lines(content):
    """Return the lines of a header, which may be in Latin-1."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    # Not splitlines, which takes letters such as U+0085 for the end of a line.
    return re.split(r"\r\n|\r|\n", text)


def is_multi_segment(lines):
    """Whether the lines of a header are those of a multi-segment record."""
    return bool(lines) and "/" in lines[0].split()[0]


def folder_of(name):
    """Return the folder of a record with its slash; file names in the header are relative to it."""
    return name[: name.rfind("/") + 1]


# --------------------------------------------------------------------------------------------------
# Segments and files
# --------------------------------------------------------------------------------------------------


def find_segments(folder, names):
    """Map each record that is a segment of another one of `names` to that other record.

    Loading both would load the same signal twice.
    """
    whole_of = {}
    known = set(names)
    for name in names:
        lines = read_header_lines(folder, f"{name}.hea")
        if not is_multi_segment(lines):
            continue
        prefix = folder_of(name)
        for line in lines[1:]:
            segment = prefix + line.split()[0]
            if segment in known and segment != name:
                whole_of[segment] = name
    return whole_of


def read_segment_headers(root, name):
    """Return a record's header, and (name, header) of its segments, or of the record itself."""
    header = wfdb.rdheader(os.path.join(root, name))
    if not isinstance(header, wfdb.MultiRecord):
        return header, [(name, header)]
    prefix = folder_of(name)
    names = [prefix + segment for segment in header.seg_name if segment != "~"]
    return header, [(segment, wfdb.rdheader(os.path.join(root, segment))) for segment in names]


def record_files(name, segments):
    """List the headers and signal files of a record; a layout segment has no signal file."""
    files = [f"{name}.hea"]
    for segment, header in segments:
        files.append(f"{segment}.hea")
        files += [folder_of(name) + file for file in header.file_name or [] if file != "~"]
    return list(dict.fromkeys(files))


def check_segments(name, header, segments):
    """Check that segments agree, and return the unit of each channel.

    wfdb joins segments without comparing the order of their channels, their units or their rates,
    and cuts a segment that is longer than the record's header says.
    """
    advice = "Load the segments one by one, as a list of records."
    lengths = [n for segment, n in zip(header.seg_name, header.seg_len) if segment != "~"]
    units = {}
    first_name, first = segments[0]
    for (segment, part), length in zip(segments, lengths):
        if part.fs != header.fs:
            raise RecordError(
                name,
                "sampling rate",
                f"segment {segment} has {part.fs:g} Hz, but {name}.hea says {header.fs:g} Hz.",
                advice,
            )
        if part.sig_len is not None and part.sig_len != length:
            raise RecordError(
                name,
                "length",
                f"segment {segment} has {part.sig_len} time points, but {name}.hea says {length}.",
                advice,
            )
        if header.layout == "fixed" and part.sig_name != first.sig_name:
            raise RecordError(
                name,
                "leads",
                f"segment {segment} has the channels {', '.join(map(str, part.sig_name))}, but "
                f"segment {first_name} has {', '.join(map(str, first.sig_name))}.",
                advice,
            )
        for i, (channel, unit) in enumerate(zip(part.sig_name or [], part.units or [])):
            if header.layout == "variable" and not str(channel).isascii():
                raise RecordError(
                    name,
                    "leads",
                    f"segment {segment} has the channel {channel!r}, and wfdb ignores letters that "
                    "are not ASCII when it matches the channels of segments.",
                    f"{advice[:-1]}, or rename the channel in all their headers.",
                )
            key = i if header.layout == "fixed" else channel
            if units.setdefault(key, unit) != unit:
                raise RecordError(
                    name,
                    "units",
                    f"segment {segment} has {channel} in {unit}, an earlier segment has it in "
                    f"{units[key]}.",
                    advice,
                )
    return units


def check_file_sizes(root, name, segments):
    """Raise for signal files that are too short, and return notes on those that are too long."""
    notes = []
    prefix = folder_of(name)
    for _, header in segments:
        for file, expected in _expected_sizes(header).items():
            size = os.path.getsize(os.path.join(root, prefix + file))
            if size < expected:
                raise RecordError(
                    name,
                    "signal file",
                    f"{prefix}{file} has {size} bytes, but its header requires {expected}: the "
                    "file is truncated.",
                    "Copy or download it again.",
                )
            # Packed formats are written in groups of values, and the last group may not be full.
            padding = 3 if {"212", "310", "311"}.intersection(header.fmt or []) else 0
            if size > expected + padding:
                notes.append(
                    f"{prefix}{file} has {size} bytes, its header describes {expected}: the rest "
                    "was not read"
                )
    return notes


def _expected_sizes(header):
    """Return the minimum number of bytes of each signal file, by name."""
    values, sizes = Counter(), {}
    if header.sig_len is None:
        return sizes
    for file, per_frame in zip(header.file_name or [], header.samps_per_frame or []):
        values[file] += header.sig_len * (per_frame or 1)
    formats = zip(header.file_name or [], header.fmt or [], header.byte_offset or [])
    for file, fmt, offset in formats:
        if file != "~" and fmt in _BYTES_PER_VALUE:
            n_bytes = int(np.ceil(values[file] * _BYTES_PER_VALUE[fmt] - 1e-6))
            sizes[file] = n_bytes + (offset or 0)
    return sizes


# --------------------------------------------------------------------------------------------------
# Units and names
# --------------------------------------------------------------------------------------------------


def correct_units(root, name, segments):
    """Set units and names of channels as in the headers, and return what the headers leave open.

    wfdb 4.3 skips letters that are not ASCII: it takes "µV" for "V", and a lead that a typographic
    minus marks as inverted for the lead itself.

    Returns
    -------
    remarks : dict of str to list of str
        Remarks on channels without a unit or a gain.
    without_unit : set of str
        Channels without a unit.
    """
    remarks, without_unit = {}, set()
    for segment, header in segments:
        lines = read_header_lines(root, f"{segment}.hea")[1:]
        if len(lines) != header.n_sig:
            raise RecordError(
                name,
                "header",
                f"{segment}.hea declares {header.n_sig} signals, but describes {len(lines)}.",
                "Copy or download it again, or correct the header.",
            )
        for i, line in enumerate(lines):
            words = line.split(None, 8)
            gain, _, unit = (words[2] if len(words) > 2 else "0").partition("/")
            if not line.isascii() and len(words) == 9:
                header.sig_name[i] = words[8].strip()
            if unit:
                header.units[i] = unit
            else:
                header.units[i] = "mV"
                without_unit.add(header.sig_name[i])
            found = [] if unit else [UNIT_NOT_STATED]
            if re.match(r"0*\.?0*(\(|$)", gain):
                found.append(_NOT_CALIBRATED)
            if found:
                remarks[header.sig_name[i]] = found
    return remarks, without_unit

"""Signal files: whether their sizes, MATLAB headers and checksums agree with the header."""

import os
import struct
from collections import Counter

import numpy as np

from ...utils._record_error import RecordError
from ._headers import folder_of

# Bytes per value of the formats for which the header determines the length of the file.
_BYTES_PER_VALUE = {
    **dict.fromkeys(("8", "80"), 1),
    "212": 1.5,
    **dict.fromkeys(("310", "311"), 4 / 3),
    **dict.fromkeys(("16", "61", "160"), 2),
    "24": 3,
    "32": 4,
}

# The value that marks a missing one, by format.
_MISSING_VALUE = {
    "80": -(2**7),
    **dict.fromkeys(("310", "311"), -(2**9)),
    "212": -(2**11),
    **dict.fromkeys(("16", "61", "160"), -(2**15)),
    "24": -(2**23),
    "32": -(2**31),
}

# The type in a MATLAB 4 header, by format: 10 * precision, and 1000 for big-endian numbers.
_MATLAB_TYPE = {"16": 30, "32": 20, "61": 1030, "80": 50}
_MATLAB_HEADER_SIZE = 20  # bytes, followed by the name of the matrix

ALL_CHECKSUMS_DIFFER = "all checksums differ from the header"

_COPY_AGAIN = "Copy or download it again."


def check_signal_files(root, name, segments):
    """Raise for files that are missing or do not fit the header, and return notes on them."""
    prefix = folder_of(name)
    files = dict.fromkeys(file for _, header in segments for file in header.file_name)
    absent = [prefix + file for file in files if file != "~"]
    absent = [file for file in absent if not os.path.isfile(os.path.join(root, file))]
    if absent:
        more = f" and {len(absent) - 1} more are" if len(absent) > 1 else " is"
        raise RecordError(
            name,
            "signal file",
            f"{absent[0]}{more} missing.",
            _COPY_AGAIN if len(absent) == 1 else "Copy or download them again.",
        )
    notes = []
    for segment, header in segments:
        _check_groups(name, segment, header)
        notes += _check_sizes(root, name, header)
        for file in dict.fromkeys(header.file_name):
            if file.lower().endswith(".mat"):
                notes += _check_matlab_header(root, name, header, file)
    return notes


def _check_groups(name, segment, header):
    """Raise if the signals of one file have different formats or start at different bytes."""
    first = {}
    for i, file in enumerate(header.file_name):
        described = (header.fmt[i], header.byte_offset[i] or 0)
        before = first.setdefault(file, described)
        if file != "~" and (described[0] != before[0] or described[1] not in (0, before[1])):
            raise RecordError(
                name,
                "header",
                f"{segment}.hea has several formats or offsets for the file {file}.",
                "Correct the header, or leave the record out.",
            )


def _check_sizes(root, name, header):
    """Raise for signal files that are too short, and return notes on those that are too long."""
    notes = []
    prefix = folder_of(name)
    for file, expected in _expected_sizes(header).items():
        size = os.path.getsize(os.path.join(root, prefix + file))
        if size < expected:
            raise RecordError(
                name,
                "signal file",
                f"{prefix}{file} has {size} bytes, but its header requires {expected}: the "
                "file is truncated.",
                _COPY_AGAIN,
            )
        # Packed formats are written in groups of values, and the last group may not be full.
        padding = 3 if {"212", "310", "311"}.intersection(header.fmt) else 0
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
    for file, per_frame in zip(header.file_name, header.samps_per_frame):
        values[file] += header.sig_len * per_frame
    for file, fmt, offset in zip(header.file_name, header.fmt, header.byte_offset):
        if file != "~" and fmt in _BYTES_PER_VALUE and file not in sizes:
            n_bytes = int(np.ceil(values[file] * _BYTES_PER_VALUE[fmt] - 1e-6))
            sizes[file] = n_bytes + (offset or 0)
    return sizes


def _check_matlab_header(root, name, header, file):
    """Raise unless the header of a .mat file agrees with the WFDB header, or return notes."""
    first = header.file_name.index(file)
    offset, fmt = header.byte_offset[first] or 0, header.fmt[first]
    path = folder_of(name) + file
    with open(os.path.join(root, path), "rb") as stream:
        content = stream.read(128)

    def error(found, advice=_COPY_AGAIN):
        return RecordError(name, "signal file", f"{path} {found}.", advice)

    if content.startswith((b"MATLAB 5.0", b"MATLAB 7.3")):
        raise error(
            f"is a {content[:10].decode()} file, but WFDB reads version 4",
            "Save it with version 4 in MATLAB (save -v4), or download the record again.",
        )
    if len(content) < _MATLAB_HEADER_SIZE or fmt not in _MATLAB_TYPE:
        return []
    order = ">" if fmt == "61" else "<"
    kind, rows, columns, imaginary, n_letters = struct.unpack(
        f"{order}5i", content[:_MATLAB_HEADER_SIZE]
    )
    channels = [i for i, other in enumerate(header.file_name) if other == file]
    n_values = sum(header.samps_per_frame[i] for i in channels)
    fits = kind == _MATLAB_TYPE[fmt] and rows == n_values and imaginary == 0
    if offset == 0:
        if fits and columns == header.sig_len:
            raise error("starts with a MATLAB header, which the WFDB header does not skip")
        return []
    if kind != _MATLAB_TYPE[fmt] or imaginary:
        raise error(
            f"has type {kind} in its MATLAB header, but format {fmt} requires {_MATLAB_TYPE[fmt]}"
        )
    if offset != _MATLAB_HEADER_SIZE + n_letters:
        raise error(
            f"has a MATLAB header of {_MATLAB_HEADER_SIZE + n_letters} bytes, but the WFDB header "
            f"skips {offset}"
        )
    if rows != n_values:
        raise error(f"has {rows} rows of values, but the WFDB header describes {n_values}")
    if header.sig_len is not None and columns < header.sig_len:
        raise error(f"has {columns} columns, but the WFDB header {header.sig_len} time points")
    if header.sig_len is not None and columns > header.sig_len:
        return [
            f"{path} has {columns} columns, its header {header.sig_len} time points: the rest was "
            "not read"
        ]
    return []


def check_checksums(header, signals):
    """Return notes on channels whose values do not match the header.

    They are compared with the checksum, or with the first value if there is no checksum. A skew
    shifts values out of the record, and a 0 often means that there is neither.

    Parameters
    ----------
    header : Header
    signals : list of ndarray
        The signals in physical units.
    """
    if any(header.skew):
        return []
    wrong, other_start, n_stated = [], [], 0
    for i, stated in enumerate(header.checksum):
        if not stated:
            if _has_other_start(header, i, signals[i]):
                other_start.append(header.sig_name[i] or f"unnamed {i}")
            continue
        n_stated += 1
        missing = np.isnan(signals[i])
        # From the signal, because wfdb 4.3 fails to return the digits of unsigned formats.
        digits = np.rint(signals[i] * header.adc_gain[i] + header.baseline[i])[~missing]
        total = int(digits.astype(np.int64).sum())
        if missing.any():
            total += int(missing.sum()) * _MISSING_VALUE.get(header.fmt[i], 0)
        if (total - stated) % 65536:
            wrong.append(header.sig_name[i] or f"unnamed {i}")
    if not wrong and not other_start:
        return []
    if not wrong:
        names = ", ".join(other_start)
        return [f"first value of {names} differs from the header: the signal may be damaged"]
    if len(wrong) == n_stated:
        return [f"{ALL_CHECKSUMS_DIFFER}: the signal may be damaged, or of another record"]
    return [f"checksum of {', '.join(wrong)} differs from the header: the signal may be damaged"]


def _has_other_start(header, channel, signal):
    """Whether a channel starts with another value than its header states."""
    stated = header.init_value[channel]
    if not stated or header.samps_per_frame[channel] != 1 or not np.isfinite(signal[:1]).all():
        return False
    return round(signal[0] * header.adc_gain[channel] + header.baseline[channel]) != stated


def check_segment_checksums(header, segments, signals):
    """Return notes on segments whose values do not match their headers.

    Parameters
    ----------
    header : Header
        Of the record.
    segments : list of (str, Header)
    signals : list of ndarray
        The signals of the record in physical units, by channel of the first segment.
    """
    notes, start = [], 0
    channels = segments[0][1].sig_name
    remaining = iter(segments)
    for name, length in zip(header.seg_name, header.seg_len):
        stop = start + length
        part = next(remaining)[1] if name != "~" else None
        if part is not None and length:
            of_segment = []
            for i, (channel, per_frame) in enumerate(zip(part.sig_name, part.samps_per_frame)):
                joined = signals[channels.index(channel) if header.has_layout else i]
                of_segment.append(joined[start * per_frame : stop * per_frame])
            notes += [f"segment {name}: {note}" for note in check_checksums(part, of_segment)]
        start = stop
    return notes

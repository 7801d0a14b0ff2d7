"""WFDB headers: their lines, their segments, and whether they agree with each other."""

import os
import re
from collections import Counter

from ...utils._record_error import RecordError
from ...utils._regular_files import MAX_HEADER_SIZE, read_regular_file
from ._header_fields import DEFAULT_RATE, parse_header, split_record_word

_ONE_BY_ONE = "Load the segments one by one, as a list of records."

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
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    # Not splitlines, which takes letters such as U+0085 for the end of a line.
    return re.split(r"\r\n|\r|\n", text)


def folder_of(name):
    """Return the folder of a record with its slash; file names in the header are relative to it."""
    return name[: name.rfind("/") + 1]


# --------------------------------------------------------------------------------------------------
# Segments and files
# --------------------------------------------------------------------------------------------------


def list_named_files(name, lines):
    """Return the files that the lines of a header name, and whether they are segments.

    The lines may be damaged. Segments are returned without their extension.
    """
    if not lines:
        return [], False
    stem = os.path.basename(name)
    has_segments = split_record_word(lines[0].split()[0], stem)[2] is not None
    files = [line.split()[0] for line in lines[1:]]
    if not has_segments:
        files = [file.rpartition("/")[2] for file in files]
    prefix = folder_of(name)
    return [prefix + file for file in files if file not in ("~", "")], has_segments


def find_segments(folder, names):
    """Map each record that is a segment of another one of `names` to that other record.

    Loading both would load the same signal twice.
    """
    whole_of = {}
    known = set(names)
    for name in names:
        files, has_segments = list_named_files(name, read_header_lines(folder, f"{name}.hea"))
        if has_segments:
            whole_of.update((file, name) for file in files if file in known and file != name)
    return whole_of


def read_headers(root, name):
    """Return a record's header, and (name, header) of its segments, or of the record itself.

    Raises
    ------
    RecordError
        If a header is missing or not valid, or headers of segments contradict each other.
    """
    header = _read_header(root, name, name)
    if not header.is_multi_segment:
        return header, [(name, header)]
    prefix = folder_of(name)
    names = [prefix + segment for segment in header.seg_name if segment != "~"]
    segments = [(segment, _read_header(root, name, segment)) for segment in names]
    nested = [segment for segment, part in segments if part.is_multi_segment]
    if nested:
        raise RecordError(
            name,
            "header",
            f"its segment {nested[0]} consists of segments itself.",
            "Correct the header, or leave the record out.",
        )
    _check_segments(name, header, segments)
    return header, segments


def _read_header(root, record, name):
    """Parse the header `name` of a record, or of one of its segments."""
    path = os.path.join(root, f"{name}.hea")
    if not os.path.isfile(path):
        if name == record:
            missing = f"{name}.hea is missing."
            if os.path.isdir(os.path.join(root, name)):
                advice = "It is a folder: pass it by itself, not in a list of records."
                raise RecordError(record, "header", missing, advice)
        else:
            missing = f"{os.path.basename(path)}, the header of one of its segments, is missing."
        raise RecordError(record, "header", missing, "Copy or download it again.")
    return parse_header(record, name, read_header_lines(root, f"{name}.hea"))


def record_files(name, segments):
    """List the headers and signal files of a record; a layout segment has no signal file."""
    files = [f"{name}.hea"]
    for segment, header in segments:
        files.append(f"{segment}.hea")
        files += [folder_of(name) + file for file in header.file_name if file != "~"]
    return list(dict.fromkeys(files))


def _check_segments(name, header, segments):
    """Raise for segments that contradict each other or the header of the record.

    wfdb joins segments without comparing the order of their channels, their units or their rates,
    and cuts a segment that is longer than the record's header says.
    """
    if not segments:
        raise RecordError(
            name,
            "length",
            "it has no signals, only gaps.",
            "Leave it out, or pass on_error='skip'.",
        )
    if "~" in header.seg_name and not header.has_layout:
        raise RecordError(
            name,
            "length",
            "it has gaps between its segments, but no layout, which wfdb cannot read.",
            _ONE_BY_ONE,
        )
    lengths = [n for segment, n in zip(header.seg_name, header.seg_len) if segment != "~"]
    first_name, first = segments[0]
    layout = first.sig_name if header.has_layout else None
    if first.n_sig != header.n_sig:
        raise RecordError(
            name,
            "leads",
            f"segment {first_name} has {first.n_sig} signals, but {name}.hea says {header.n_sig}.",
            _ONE_BY_ONE,
        )
    for (segment, part), length in zip(segments, lengths):
        rates = [part.fs or DEFAULT_RATE, header.fs or DEFAULT_RATE]
        if rates[0] != rates[1]:
            raise RecordError(
                name,
                "sampling rate",
                f"segment {segment} has {rates[0]:g} Hz, but {name}.hea says {rates[1]:g} Hz.",
                _ONE_BY_ONE,
            )
        if part.sig_len is not None and part.sig_len != length:
            raise RecordError(
                name,
                "length",
                f"segment {segment} has {part.sig_len} time points, but {name}.hea says {length}.",
                _ONE_BY_ONE,
            )
        if layout is None and part.sig_name != first.sig_name:
            raise RecordError(
                name,
                "leads",
                f"segment {segment} has the channels {', '.join(map(str, part.sig_name))}, but "
                f"segment {first_name} has {', '.join(map(str, first.sig_name))}.",
                _ONE_BY_ONE,
            )
        if layout is not None:
            _check_layout(name, segment, part, first_name, layout)


def _check_layout(name, segment, part, layout_name, layout):
    """Raise for channels of a segment that wfdb would not find in the layout, or leave out."""
    for channel in part.sig_name:
        if not str(channel).isascii():
            raise RecordError(
                name,
                "leads",
                f"segment {segment} has the channel {channel!r}, and wfdb ignores letters that "
                "are not ASCII when it matches the channels of segments.",
                f"{_ONE_BY_ONE[:-1]}, or rename the channel in all their headers.",
            )
        if channel not in layout or part.sig_name.count(channel) > 1:
            problem = "is not in" if channel not in layout else "has it twice, unlike"
            raise RecordError(
                name,
                "leads",
                f"segment {segment} has the channel {channel!r}, but {problem} {layout_name}, the "
                "layout of the record.",
                _ONE_BY_ONE,
            )


def note_repeated_segments(header, segments):
    """Return notes on segments, and signal files of segments, that occur more than once."""
    counts = Counter(segment for segment in header.seg_name if segment != "~")
    notes = [f"segment {segment} occurs {n} times" for segment, n in counts.items() if n > 1]
    segment_of = {}
    for segment, part in segments:
        for file in dict.fromkeys(part.file_name):
            first = segment_of.setdefault(folder_of(segment) + file, segment)
            if first != segment and file != "~":
                notes.append(f"{file} is the signal file of the segments {first} and {segment}")
    return notes


def find_units(name, header, segments):
    """Return the unit of each channel; raise if it changes between segments.

    Keys are indices of channels, or their names if the record has a layout.
    """
    units = {}
    for segment, part in segments:
        for i, (channel, unit) in enumerate(zip(part.sig_name, part.units)):
            key = channel if header.has_layout else i
            if units.setdefault(key, unit) != unit:
                raise RecordError(
                    name,
                    "units",
                    f"segment {segment} has {channel} in {unit}, an earlier segment has it in "
                    f"{units[key]}.",
                    _ONE_BY_ONE,
                )
    return units

"""The fields of WFDB headers, parsed word by word.

wfdb 4.3 matches the start of each line and ignores what it does not understand: it takes "1e3" for
a sampling rate of 1 Hz, and "1E3/mV" for a gain of 1. Here, each word has to be valid as a whole.
"""

import math
import os
import re
from dataclasses import dataclass, field

from ...utils._record_error import RecordError

DEFAULT_RATE = 250.0  # Hz, by WFDB's definition
DEFAULT_GAIN = 200.0  # steps per unit, by WFDB's definition
UNIT_NOT_STATED = "no unit, mV by WFDB's definition"
_RATE_NOT_STATED = "no sampling rate, 250 Hz by WFDB's definition"
_NEGATIVE_GAIN = "negative gain, which turns the lead upside down"
_NOT_CALIBRATED = "not calibrated, 200 steps per unit by WFDB's definition"

# Formats of signal files that wfdb reads.
_FORMATS = ("8", "16", "24", "32", "61", "80", "160", "212", "310", "311", "508", "516", "524")

_COPY_OR_CORRECT = "Copy or download it again, or correct the header."
_CORRECT = "Correct the header if you know the right value, or leave the record out."

# Numbers have few digits, and only those of ASCII.
_COUNT = re.compile(r"\d{1,15}", re.ASCII)
_RATE = re.compile(r"(\d{1,15}\.?\d*|\.\d+)(?:[/(].*)?", re.ASCII)
_FORMAT = re.compile(r"(\d{1,9})(?:x(\d{1,9}))?(?::(\d{1,9}))?(?:\+(\d{1,15}))?", re.ASCII)
_GAIN = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,5})?)?(?:\(([+-]?\d{1,15})\))?(?:/(.*))?", re.ASCII
)
_SIGNAL_LINE = re.compile(r"(\S+)\s+(\S+)(?:\s+(\S+))?(.*)")
_INTEGER = re.compile(r"\s+(-?\d{1,15})(?=\s|$)", re.ASCII)


@dataclass
class Header:
    """Fields of a header, with the names that wfdb gives them; None if they are not stated."""

    record_name: str
    n_sig: int
    fs: float | None
    sig_len: int | None
    n_seg: int | None = None
    # Of each segment of a multi-segment record.
    seg_name: list = field(default_factory=list)
    seg_len: list = field(default_factory=list)
    # Of each signal.
    file_name: list = field(default_factory=list)
    fmt: list = field(default_factory=list)
    samps_per_frame: list = field(default_factory=list)
    skew: list = field(default_factory=list)
    byte_offset: list = field(default_factory=list)
    adc_gain: list = field(default_factory=list)
    baseline: list = field(default_factory=list)
    units: list = field(default_factory=list)
    init_value: list = field(default_factory=list)
    checksum: list = field(default_factory=list)
    sig_name: list = field(default_factory=list)
    # What the header leaves open: remarks on each signal, signals without a unit, and notes.
    remarks: list = field(default_factory=list)
    without_unit: set = field(default_factory=set)
    notes: list = field(default_factory=list)

    @property
    def is_multi_segment(self):
        """Whether the record consists of segments, each with a header of its own."""
        return self.n_seg is not None

    @property
    def has_layout(self):
        """Whether the first segment is a layout, and the channels of the others may differ."""
        return bool(self.seg_len) and self.seg_len[0] == 0


def split_record_word(word, stem):
    """Return folder, name and number of segments (or None) from the first word of a header.

    The folder in "folder/name" is where the file was when it was written. What looks like a number
    of segments is the name if the header's file is called like that.
    """
    folder, _, last = word.rpartition("/")
    if folder and _COUNT.fullmatch(last) and (last != stem or folder == stem):
        folder, _, name = folder.rpartition("/")
        return folder, name, int(last)
    return folder, last, None


def parse_header(record, header, lines):
    """Parse the lines of a header.

    Parameters
    ----------
    record : str
        The record that is loaded, for errors.
    header : str
        The record or segment of the header: its path without ``.hea``.
    lines : list of str
        The lines that are not comments.

    Returns
    -------
    Header

    Raises
    ------
    RecordError
        If a field is not valid.
    """
    stem = os.path.basename(header)

    def error(where, reason, advice=_CORRECT):
        return RecordError(record, where, f"{header}.hea {reason}", advice)

    if not lines:
        raise error("header", "cannot be read: it has no record line.", _COPY_OR_CORRECT)
    words = lines[0].split()
    folder, name, n_segments = split_record_word(words[0], stem)
    words += [None] * (4 - len(words))
    if words[1] is None or not _COUNT.fullmatch(words[1]):
        raise error(
            "header",
            f"cannot be read: its record line has {words[1]!r} as the number of signals.",
            _COPY_OR_CORRECT,
        )
    parsed = Header(name, int(words[1]), _parse_rate(words[2], error), None, n_segments)
    if parsed.fs is None:
        parsed.notes.append(_RATE_NOT_STATED)
    if words[3] is not None:
        if not _COUNT.fullmatch(words[3]):
            raise error("length", f"has {words[3]!r} as the number of time points.")
        parsed.sig_len = int(words[3])
    if name != stem:
        parsed.notes.append(f"{header}.hea is the header of a record {name!r}")
    if folder:
        parsed.notes.append(f"folder {folder!r} of the header ignored")
    if n_segments is None:
        _parse_signal_lines(parsed, lines[1:], error)
    else:
        _parse_segment_lines(parsed, lines[1:], error)
    return parsed


def _parse_rate(word, error):
    """Return a sampling rate in Hz, None if it is not stated."""
    if word is None:
        return None
    found = _RATE.fullmatch(word)
    if not found or not 0 < float(found[1]) < math.inf:
        raise error("sampling rate", f"has {word!r}, which is not a sampling rate in Hz.")
    return float(found[1])


def _parse_segment_lines(parsed, lines, error):
    advice = "Correct the header, or load the segments one by one, as a list of records."
    for line in lines:
        words = line.split()
        if len(words) < 2 or not _COUNT.fullmatch(words[1]):
            raise error("header", f"has {line!r}, which is not a name and a length.", advice)
        parsed.seg_name.append(words[0])
        parsed.seg_len.append(int(words[1]))
    if len(lines) != parsed.n_seg:
        raise error("header", f"declares {parsed.n_seg} segments, but lists {len(lines)}.", advice)
    total = sum(parsed.seg_len)
    if parsed.sig_len is None:
        raise error("length", "has segments, but not their total length.", advice)
    if total != parsed.sig_len:
        raise error(
            "length",
            f"declares {parsed.sig_len} time points, but its segments have {total}.",
            advice,
        )


def _parse_signal_lines(parsed, lines, error):
    if len(lines) != parsed.n_sig:
        raise error(
            "header",
            f"declares {parsed.n_sig} signals, but describes {len(lines)}.",
            _COPY_OR_CORRECT,
        )
    for number, line in enumerate(lines):
        found = _SIGNAL_LINE.fullmatch(line)
        if not found:
            raise error("header", f"cannot be read: {line!r} has no format.", _COPY_OR_CORRECT)
        file, format_word, gain_word, rest = found.groups()
        integers = []
        while len(integers) < 5 and (integer := _INTEGER.match(rest)):
            integers.append(int(integer[1]))
            rest = rest[integer.end() :]
        _, zero, init_value, checksum, _ = integers + [None] * (5 - len(integers))
        parsed.sig_name.append(rest.strip() or None)
        lead = f"lead {parsed.sig_name[-1] or number}"
        # wfdb reads files next to the header only.
        ignored, _, file = file.rpartition("/")
        parsed.file_name.append(file)
        note = f"folder {ignored!r} of the header ignored"
        if ignored not in ("", ".") and note not in parsed.notes:
            parsed.notes.append(note)
        _parse_format(parsed, format_word, lead, error)
        remarks = _parse_gain(parsed, gain_word, zero, lead, error)
        parsed.init_value.append(init_value)
        parsed.checksum.append(checksum)
        parsed.remarks.append(remarks)
        if UNIT_NOT_STATED in remarks:
            parsed.without_unit.add(number)


def _parse_format(parsed, word, lead, error):
    found = _FORMAT.fullmatch(word)
    if not found or found[2] is not None and int(found[2]) == 0:
        raise error("header", f"has the format {word!r} for {lead}, which is not valid.")
    fmt = str(int(found[1]))
    if fmt not in _FORMATS and parsed.file_name[-1] != "~":
        raise error(
            "header",
            f"has the format {fmt} for {lead}, which wfdb cannot read.",
            "Convert the record to format 16, for instance with xform of the WFDB software.",
        )
    parsed.fmt.append(fmt)
    parsed.samps_per_frame.append(int(found[2] or 1))
    parsed.skew.append(None if found[3] is None else int(found[3]))
    parsed.byte_offset.append(None if found[4] is None else int(found[4]))


def _parse_gain(parsed, word, zero, lead, error):
    """Append gain, baseline and unit, and return remarks on what is not stated."""
    found = _GAIN.fullmatch(word or "")
    if not found or "/" in (found[3] or "") and not found[3].strip("/"):
        raise error("units", f"has the gain {word!r} for {lead}, which is not valid.")
    number, baseline, unit = found.groups()
    gain = float(number or 0)
    is_zero = not re.search("[1-9]", re.split("[eE]", number or "")[0])
    if not math.isfinite(gain) or (gain == 0 and not is_zero):
        raise error("units", f"has the gain {word!r} for {lead}, which is not a usable number.")
    parsed.adc_gain.append(gain or DEFAULT_GAIN)
    parsed.baseline.append(int(baseline) if baseline is not None else zero or 0)
    parsed.units.append(unit or "mV")
    remarks = [] if unit else [UNIT_NOT_STATED]
    if gain < 0:
        remarks.append(_NEGATIVE_GAIN)
    return remarks + ([_NOT_CALIBRATED] if is_zero else [])

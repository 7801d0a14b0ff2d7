"""Reading one WFDB record with wfdb, with errors that say what is wrong with which file."""

import os
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...leads import normalize_lead_name
from ._errors import RecordError
from ._headers import (
    check_file_sizes,
    check_segments,
    correct_units,
    read_header_comments,
    read_header_lines,
    read_segment_headers,
    record_files,
    wfdb,
)
from ._record_files import check_record_files
from ._regular_files import find_file_fault
from ._sizes import check_declared_size

# Millivolts per unit, by the unit's name in lower case. Both micro signs of Unicode are in use.
_MILLIVOLTS = {
    **dict.fromkeys(("v", "volt", "volts"), 1e3),
    **dict.fromkeys(("mv", "millivolt", "millivolts"), 1.0),
    **dict.fromkeys(("uv", "µv", "μv", "microvolt", "microvolts"), 1e-3),
    **dict.fromkeys(("nv", "nanovolt", "nanovolts"), 1e-6),
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

_COPY_AGAIN = "Copy or download it again."
_COPY_OR_CORRECT = "Copy or download it again, or correct the header."


@dataclass
class Record:
    """Content of a record's files; `signals` are as in the file, one array per channel."""

    name: str
    channels: list
    rates: list
    units: list
    signals: list = field(default_factory=list)
    comments: list = field(default_factory=list)
    remarks: dict = field(default_factory=dict)  # on channels, by index
    without_unit: set = field(default_factory=set)  # indices of channels
    notes: list = field(default_factory=list)  # on the whole record, for the report

    @property
    def shape(self):
        """Number of channels, and of time points of the longest one."""
        return len(self.channels), max((len(signal) for signal in self.signals), default=0)

    def find(self, lead):
        """Return the index of the channel of a lead, or None; raise if two channels match."""
        found = [i for i, channel in enumerate(self.channels) if _standard_name(channel) == lead]
        if len(found) > 1:
            names = " and ".join(repr(self.channels[i]) for i in found)
            raise RecordError(
                self.name,
                "leads",
                f"the channels {names} are both lead {lead}.",
                "Rename or remove one of them in the header, or pass other leads.",
            )
        return found[0] if found else None


@lru_cache(maxsize=1024)
def _standard_name(channel):
    """Return the standard name of a known lead, and any other name unchanged."""
    try:
        return normalize_lead_name(channel)
    except (TypeError, ValueError):
        return channel


def millivolts_per_unit(unit, assume_units=None):
    """Return the factor that converts a unit to mV, or None if the unit is not a voltage."""
    factor = _MILLIVOLTS.get(str(unit or "").strip().lower())
    if factor is None and assume_units is not None:
        factor = _MILLIVOLTS[assume_units.lower()]
    return factor


def read_record(root, name):
    """Read a record, and list the files that it was read from.

    Parameters
    ----------
    root : str or path-like
        The folder that `name` is relative to.
    name : str
        The record, without a file extension.

    Returns
    -------
    record : Record
    files : list of str
        The files, relative to `root`.

    Raises
    ------
    RecordError
        If a file is missing, truncated, does not match its header, or must not be opened.
    """
    path = os.path.join(root, name)
    check_record_files(root, name)
    check_declared_size(root, name)
    try:
        # Each channel at its own rate: averaging down to the slowest one would ruin the ECG of
        # polysomnographies and monitors.
        found = wfdb.rdrecord(path, smooth_frames=False)
    except Exception as error:
        raise _diagnose_unreadable_record(root, name, error) from error
    if not found.n_sig or not found.sig_len:
        raise RecordError(
            name, "length", "it has no signals.", "Leave it out, or pass on_error='skip'."
        )
    # The record that wfdb joins from several segments has no files of its own.
    if found.file_name:
        header, segments = found, [(name, found)]
    else:
        header, segments = read_segment_headers(root, name)
    notes = check_file_sizes(root, name, segments)
    remarks, without_unit = correct_units(root, name, segments)
    if header is found:
        notes += _check_checksums(found)
    channels, units = segments[0][1].sig_name, segments[0][1].units
    if header is not found:
        unit_of_channel = check_segments(name, header, segments)
        if header.layout == "variable":
            # check_segments made sure that all names are ASCII, which wfdb reads correctly.
            channels = found.sig_name
            units = [
                unit_of_channel.get(channel, unit) for channel, unit in zip(channels, found.units)
            ]
    record = Record(
        name,
        channels=[channel or f"unnamed {i}" for i, channel in enumerate(channels)],
        rates=[found.fs * n for n in found.samps_per_frame],
        units=list(units),
        signals=found.e_p_signal,
        comments=read_header_comments(root, f"{name}.hea"),
        remarks={i: remarks[channel] for i, channel in enumerate(channels) if channel in remarks},
        without_unit={i for i, channel in enumerate(channels) if channel in without_unit},
        notes=notes,
    )
    return record, record_files(name, segments)


def describe_header(root, name):
    """Return shape, sampling rate and units by the header of a record that cannot be read."""
    if find_file_fault(root, f"{name}.hea") is not None:
        return None, None, []
    try:
        header = wfdb.rdheader(os.path.join(root, name))
        shape = (header.n_sig, header.sig_len)
        return shape, header.fs, list(getattr(header, "units", None) or [])
    except Exception:
        return None, None, []


def _check_checksums(record):
    """Return a note on channels whose values do not match the checksum in the header.

    A skew shifts values out of the record, and a checksum of 0 often means that there is none.
    """
    if not record.checksum or any(record.skew or []):
        return []
    wrong = []
    for i, stated in enumerate(record.checksum):
        if not stated:
            continue
        signal = record.e_p_signal[i]
        missing = np.isnan(signal)
        # From the signal, because wfdb 4.3 fails to return the digits of unsigned formats.
        digits = np.rint(signal * record.adc_gain[i] + record.baseline[i])[~missing]
        total = int(digits.astype(np.int64).sum())
        if missing.any():
            total += int(missing.sum()) * _MISSING_VALUE.get(record.fmt[i], 0)
        if (total - stated) % 65536:
            wrong.append(record.sig_name[i] or f"unnamed {i}")
    if not wrong:
        return []
    return [f"checksum of {', '.join(wrong)} differs from the header: the signal may be damaged"]


def _diagnose_unreadable_record(root, name, error):
    """Return a RecordError that says why wfdb could not read a record."""
    header = os.path.join(root, f"{name}.hea")
    if not os.path.isfile(header):
        return RecordError(name, "header", f"{name}.hea is missing.", _COPY_AGAIN)
    if not read_header_lines(root, f"{name}.hea"):
        return RecordError(
            name,
            "header",
            f"{name}.hea cannot be read: it has no record line.",
            _COPY_OR_CORRECT,
        )
    try:
        record, segments = read_segment_headers(root, name)
        files = record_files(name, segments)
    except FileNotFoundError as missing:
        return RecordError(
            name,
            "header",
            f"{Path(missing.filename).name}, the header of one of its segments, is missing.",
            _COPY_AGAIN,
        )
    except Exception as reason:
        return RecordError(
            name,
            "header",
            f"{name}.hea cannot be read ({type(reason).__name__}: {reason}).",
            _COPY_OR_CORRECT,
        )
    absent = [file for file in files if not os.path.isfile(os.path.join(root, file))]
    if len(absent) == 1:
        return RecordError(name, "signal file", f"{absent[0]} is missing.", _COPY_AGAIN)
    if absent:
        return RecordError(
            name,
            "signal file",
            f"{absent[0]} and {len(absent) - 1} more are missing.",
            "Copy or download them again.",
        )
    try:
        correct_units(root, name, segments)
        if isinstance(record, wfdb.MultiRecord):
            check_segments(name, record, segments)
        check_file_sizes(root, name, segments)
    except RecordError as found:
        return found
    if all(part.sig_len == 0 for _, part in segments):
        return RecordError(
            name,
            "length",
            "its header says that it has no time points: it is a layout, or empty.",
            "Leave it out, or pass on_error='skip'.",
        )
    return RecordError(
        name,
        "signal file",
        f"wfdb cannot read it ({type(error).__name__}: {error}).",
        _COPY_OR_CORRECT,
    )

"""Reading one WFDB record, with errors that say what is wrong with which file."""

from dataclasses import dataclass, field
from functools import lru_cache

from ...leads import normalize_lead_name
from ...utils._record_error import RecordError
from ._headers import (
    find_units,
    note_repeated_segments,
    read_header_comments,
    read_headers,
    record_files,
)
from ._record_files import check_record_files
from ._signal_files import check_checksums, check_segment_checksums, check_signal_files
from ._sizes import check_declared_size
from ._wfdb_calls import read_with_wfdb

_LEAVE_OUT = "Leave it out, or pass on_error='skip'."


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
    aliases: dict = field(default_factory=dict)  # lead and sign that the user gave, by index

    @property
    def shape(self):
        """Number of channels, and of time points of the longest one."""
        return len(self.channels), max((len(signal) for signal in self.signals), default=0)

    def find(self, lead):
        """Return the index of the channel of a lead, or None; raise if two channels match."""
        found = [i for i in range(len(self.channels)) if self.lead_of(i) == lead]
        if len(found) > 1:
            names = " and ".join(repr(self.channels[i]) for i in found)
            raise RecordError(
                self.name,
                "leads",
                f"the channels {names} are both lead {lead}.",
                "Rename or remove one of them in the header, or pass other leads.",
            )
        return found[0] if found else None

    def lead_of(self, channel):
        """Return the lead of a channel: that of an alias, or that of its name."""
        if channel in self.aliases:
            return self.aliases[channel][0]
        return _standard_name(self.channels[channel])


@lru_cache(maxsize=1024)
def _standard_name(channel):
    """Return the standard name of a known lead, and any other name unchanged."""
    try:
        return normalize_lead_name(channel)
    except (TypeError, ValueError):
        return channel


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
    check_record_files(root, name)
    header, segments = read_headers(root, name)
    if not header.n_sig:
        raise RecordError(name, "length", "it has no signals.", _LEAVE_OUT)
    unit_of_channel = find_units(name, header, segments)
    notes = header.notes + [note for _, part in segments for note in part.notes]
    notes = list(dict.fromkeys(notes)) + check_signal_files(root, name, segments)
    if header.sig_len == 0:
        raise RecordError(
            name,
            "length",
            "its header says that it has no time points: it is a layout, or empty.",
            _LEAVE_OUT,
        )
    check_declared_size(root, name, header, segments)
    found = read_with_wfdb(root, name, header, segments)
    if not found.sig_len:
        raise RecordError(name, "length", "it has no signals.", _LEAVE_OUT)
    if header.sig_len is None:
        header.sig_len = found.sig_len
        notes.append(f"no length, {found.sig_len} time points by the size of the signal file")
        notes += check_signal_files(root, name, segments)
    if header.is_multi_segment:
        notes += note_repeated_segments(header, segments)
        notes += check_segment_checksums(header, segments, found.e_p_signal)
    else:
        notes += check_checksums(header, found.e_p_signal)
    # The names that the layout gives to channels are those that wfdb joined them by.
    channels = segments[0][1].sig_name
    remarks, without_unit = {}, set()
    for _, part in segments:
        for i, channel in enumerate(part.sig_name):
            if part.remarks[i]:
                remarks[channel] = part.remarks[i]
            if i in part.without_unit:
                without_unit.add(channel)
    record = Record(
        name,
        channels=[channel or f"unnamed {i}" for i, channel in enumerate(channels)],
        rates=[found.fs * n for n in found.samps_per_frame],
        units=[
            unit_of_channel[channel if header.has_layout else i]
            for i, channel in enumerate(channels)
        ],
        signals=found.e_p_signal,
        comments=read_header_comments(root, f"{name}.hea"),
        remarks={i: remarks[channel] for i, channel in enumerate(channels) if channel in remarks},
        without_unit={i for i, channel in enumerate(channels) if channel in without_unit},
        notes=notes,
    )
    return record, record_files(name, segments)


def describe_header(root, name):
    """Return shape, sampling rate and units by the header of a record that cannot be read."""
    try:
        header, segments = read_headers(root, name)
    except RecordError:
        return None, None, []
    return (header.n_sig, header.sig_len), header.fs, segments[0][1].units

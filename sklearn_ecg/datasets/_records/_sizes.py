"""Whether the numbers of signals and time points that a header declares are plausible.

wfdb takes memory for what a header declares before it looks at the files.
"""

import os

from ...utils._record_error import RecordError
from ._headers import folder_of

# A day of twelve leads at 1000 Hz has 1.04e9 values, which take 8 GB.
MAX_VALUES = 2**30
# A record may have gaps of at most 100 times what was recorded, or of this many values.
_MAX_GAPS = 2**25
_GAPS_PER_VALUE = 100


def check_size(record, n_signals, n_times, field, what):
    """Raise if an array of float64 would be larger than that of any plausible record."""
    if not n_signals * n_times <= MAX_VALUES:
        raise RecordError(
            record,
            field,
            f"{what} {n_signals} x {n_times:.6g} values; at most {MAX_VALUES:,} are read.",
            "Correct the header, split the record, or leave it out.",
        )


def check_declared_size(root, name, header, segments):
    """Raise if headers declare more than any plausible record contains.

    Parameters
    ----------
    root, name : str
        The folder, and the record relative to it.
    header : Header
        Of the record, whose signal files are not truncated.
    segments : list of (str, Header)
    """
    recorded = 0
    for segment, part in segments:
        n_times = _count_time_points(root, segment, part)
        recorded += n_times * sum(part.samps_per_frame)
        skew = max((skew or 0 for skew in part.skew), default=0)
        if n_times and skew > n_times:
            raise RecordError(
                name,
                "header",
                f"{segment}.hea declares a skew of {skew}, but has {n_times} time points.",
                "Copy or download it again, or correct the header.",
            )
    check_size(name, 1, recorded, "length", "its header declares")
    if not header.is_multi_segment:
        return
    declared = header.n_sig * header.sig_len
    check_size(name, header.n_sig, header.sig_len, "length", "its header declares")
    if declared > max(_MAX_GAPS, _GAPS_PER_VALUE * recorded):
        raise RecordError(
            name,
            "length",
            f"its header declares {declared} values, but its segments have {recorded}: nearly all "
            "of it is a gap.",
            "Correct the header, or load the segments as a list of records.",
        )


def _count_time_points(root, name, header):
    """Return the number of time points, at most that of the first file's bytes if not declared."""
    if header.sig_len is not None or not header.file_name:
        return header.sig_len or 0
    first = header.file_name[0]
    values = zip(header.file_name, header.samps_per_frame)
    per_frame = sum(n for file, n in values if file == first)
    return os.path.getsize(os.path.join(root, folder_of(name) + first)) // per_frame

"""Whether the numbers of signals and time points that a header declares are plausible.

wfdb takes memory for what a header declares before it looks at the files.
"""

import os
import re

from ._errors import RecordError
from ._headers import (
    check_file_sizes,
    folder_of,
    is_multi_segment,
    read_header_lines,
    read_segment_headers,
    wfdb,
)

# A day of twelve leads at 1000 Hz has 1.04e9 values, which take 8 GB.
MAX_VALUES = 2**30
MAX_SIGNALS = 4096
# Headers that declare less are not checked before the signals are read.
_SMALL = 2**24
# A record may have gaps of at most 100 times what was recorded, or of this many values.
_MAX_GAPS = 2**25
_GAPS_PER_VALUE = 100
_COPY_OR_CORRECT = "Copy or download it again, or correct the header."


def check_size(record, n_signals, n_times, field, what):
    """Raise if an array of float64 would be larger than that of any plausible record."""
    if not n_signals * n_times <= MAX_VALUES:
        raise RecordError(
            record,
            field,
            f"{what} {n_signals} x {n_times:.6g} values; at most {MAX_VALUES:,} are read.",
            "Correct the header, split the record, or leave it out.",
        )


def check_declared_size(root, name):
    """Raise if a header declares more than its files, or than any plausible record, contain."""
    lines = read_header_lines(root, f"{name}.hea")
    if not lines or _is_small(root, name, lines):
        return
    n_lines = len(lines) - 1
    words = lines[0].split()
    if is_multi_segment(lines):
        _check_count(name, "segments", words[0].partition("/")[2], n_lines)
    elif len(words) > 1:
        _check_count(name, "signals", words[1], n_lines)
    try:
        header, segments = read_segment_headers(root, name)
        check_file_sizes(root, name, segments)
    except RecordError:
        raise
    except Exception:
        return  # diagnosed after wfdb has failed
    lengths = [_length(root, name, part) for _, part in segments]
    recorded = sum(
        length * sum(n or 1 for n in part.samps_per_frame or [])
        for length, (_, part) in zip(lengths, segments)
    )
    check_size(name, 1, recorded, "length", "its header declares")
    for length, (segment, part) in zip(lengths, segments):
        skew = max((skew or 0 for skew in part.skew or []), default=0)
        if skew > length:
            raise RecordError(
                name,
                "header",
                f"{segment}.hea declares a skew of {skew}, but has {length} time points.",
                _COPY_OR_CORRECT,
            )
    if not isinstance(header, wfdb.MultiRecord):
        return
    if not 0 < (header.n_sig or 0) <= MAX_SIGNALS:
        raise RecordError(name, "header", f"it declares {header.n_sig} signals.", _COPY_OR_CORRECT)
    n_times = max(header.sig_len or 0, sum(header.seg_len))
    check_size(name, header.n_sig, n_times, "length", "its header declares")
    if header.n_sig * n_times > max(_MAX_GAPS, _GAPS_PER_VALUE * recorded):
        raise RecordError(
            name,
            "length",
            f"its header declares {header.n_sig} x {n_times} values, but its segments have "
            f"{recorded}: nearly all of it is a gap.",
            "Correct the header, or load the segments as a list of records.",
        )


def _check_count(name, what, declared, found):
    declared = int(declared) if re.fullmatch(r"\d{1,15}", declared) else None
    if declared is not None and declared > max(found, MAX_SIGNALS):
        raise RecordError(
            name,
            "header",
            f"{name}.hea declares {declared} {what}, but describes {found}.",
            _COPY_OR_CORRECT,
        )


def _is_small(root, name, lines):
    """Whether a header declares little, by the largest number in each of its fields."""
    first, *others = [line.split() for line in lines]
    n_signals = max(_largest_number(first[1]) if len(first) > 1 else 0, 1)
    n_times = max(1, *map(_largest_number, first[2:4]))
    if is_multi_segment(lines):
        n_segments = _largest_number(first[0].partition("/")[2])
        n_times = max(n_times, sum(_largest_number(words[-1]) for words in others))
        return n_segments <= _SMALL and n_signals * n_times <= _SMALL
    per_frame = 0
    for words in others:
        # 16x2:10+24 is format 16 with two values per frame, a skew of 10, and 24 bytes to skip.
        numbers = re.findall(r"\d+", words[min(len(words) - 1, 1)].partition("+")[0])
        per_frame += max([1, *(int(number[:15]) for number in numbers[1:])])
    if len(first) < 4:
        # The length follows from the size of a file.
        files = {folder_of(name) + words[0] for words in others}
        paths = [os.path.join(root, file) for file in files]
        n_times = max(
            n_times, *(os.path.getsize(path) for path in paths if os.path.isfile(path)), 0
        )
    return max(n_signals, per_frame) * n_times <= _SMALL


def _largest_number(word):
    """Return the largest of the whole numbers in a word, cut to 15 digits."""
    return max((int(number[:15]) for number in re.findall(r"\d+", word)), default=0)


def _length(root, name, header):
    """Return the number of time points, from the size of the first file if it is not declared."""
    if header.sig_len is not None or not header.file_name:
        return header.sig_len or 0
    per_frame = sum(
        n or 1
        for file, n in zip(header.file_name, header.samps_per_frame)
        if file == header.file_name[0]
    )
    path = os.path.join(root, folder_of(name) + header.file_name[0])
    # At least a byte for each value: no format is denser.
    return os.path.getsize(path) // per_frame if os.path.isfile(path) else 0

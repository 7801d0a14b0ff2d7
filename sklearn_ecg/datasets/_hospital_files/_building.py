"""What the readers of all formats share: errors, sizes and the record that they return."""

import numpy as np

from .._records import Record, RecordError, check_size, read_regular_file

LEAVE_OUT = "Leave it out, or pass on_error='skip'."
EXPORT_AGAIN = "Export or copy it again, leave it out, or pass on_error='skip'."
NO_UNIT = "no unit"
_MAX_RESTING = 2**24  # twenty minutes of twelve leads at 1000 Hz

# Leads by their code in SCP-ECG, which DICOM and MDC use as well.
LEAD_CODES = {1: "I", 2: "II", 61: "III", 62: "aVR", 63: "aVL", 64: "aVF", 65: "-aVR"}
LEAD_CODES.update({2 + i: f"V{i}" for i in range(1, 8)})
LEAD_CODES.update({8 + i: f"V{i}R" for i in range(2, 8)})
LEAD_CODES.update({16: "X", 17: "Y", 18: "Z", 19: "CC5", 20: "CM5"})
LEAD_CODES.update({66: "V8", 67: "V9", 68: "V8R", 69: "V9R"})


def damaged(name, reason, field="content"):
    """Return the error of a file that is damaged, or contradicts itself."""
    return RecordError(name, field, reason, EXPORT_AGAIN)


def not_supported(name, reason):
    """Return the error of a file that is valid, but not read."""
    return RecordError(name, "format", reason, LEAVE_OUT)


def read_content(name, path, max_size):
    """Return the content of a file; raise a RecordError if it cannot be read, or is too large."""
    try:
        return read_regular_file(path, max_size)
    except OSError as error:
        reason = f"it cannot be read ({error.strerror})."
        raise RecordError(name, "file", reason, LEAVE_OUT) from error


def exact_rate(name, rate):
    """Return a sampling rate in Hz, an integer if it differs from one by rounding only."""
    if not 0 < rate < np.inf:
        raise damaged(name, f"its sampling rate is {rate:g} Hz.", "sampling rate")
    nearest = round(rate)
    return float(nearest) if nearest and abs(rate - nearest) < 1e-5 * nearest else float(rate)


def parse_number(name, text, what, field="header"):
    """Return a number that a file states as text; raise if it is none, or is not finite."""
    try:
        number = float(str(text).strip())
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise damaged(name, f"{what} is {str(text)[:40]!r}, which is not a number.", field)
    return number


def check_values(name, n_signals, n_times):
    """Raise for more values than any plausible record has, before memory is taken for them."""
    check_size(name, n_signals, n_times, "length", "it has")


def check_resting_values(name, n_signals, n_times):
    """Raise for more values than a resting ECG has, before they are decompressed."""
    if n_signals * n_times > _MAX_RESTING:
        raise RecordError(
            name,
            "length",
            f"it states {n_signals} x {n_times:.6g} values; of this format, at most "
            f"{_MAX_RESTING:,} are read.",
            LEAVE_OUT,
        )


def build_record(name, signals, header, notes=()):
    """Return a Record.

    Parameters
    ----------
    name : str
    signals : list of (str, float, str or None, ndarray)
        Name, sampling rate in Hz, unit and values of each channel. None is no unit.
    header : dict
        What is kept of the header, by the names in `HEADER_FIELDS`; None and "" are left out.
    notes : iterable of str
        For the report.
    """
    if not signals or not max(len(values) for *_, values in signals):
        raise RecordError(name, "length", "it has no signals.", LEAVE_OUT)
    lengths = {}
    for channel, rate, _, values in signals:
        lengths.setdefault(rate, {}).setdefault(len(values), channel)
    for found in lengths.values():
        if len(found) > 1:
            (n_first, first), (n_second, second), *_ = found.items()
            raise damaged(
                name, f"{first} has {n_first} values, but {second} has {n_second}.", "length"
            )
    header = {key: str(value).strip() for key, value in header.items() if value is not None}
    return Record(
        name,
        channels=[channel or f"unnamed {i}" for i, (channel, *_) in enumerate(signals)],
        rates=[rate for _, rate, _, _ in signals],
        units=[unit or NO_UNIT for _, _, unit, _ in signals],
        signals=[np.asarray(values, dtype=float) for *_, values in signals],
        comments=[f"{key}: {value}" for key, value in header.items() if value],
        without_unit={i for i, (_, _, unit, _) in enumerate(signals) if not unit},
        notes=list(notes),
    )

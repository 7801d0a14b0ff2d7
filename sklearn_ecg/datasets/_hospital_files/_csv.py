"""CSV with one column per lead."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from ...utils._units import millivolts_per_unit
from .._csv_tables import read_table
from .._records import RecordError
from ._building import build_record, damaged, exact_rate

# Seconds per unit of a column of times, by the unit.
_SECONDS = {"": 1.0, "s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6}
_TIME = re.compile(r"\s*(?:time|t)\s*[_\[(]?\s*(\w*)\s*[\])]?\s*", re.IGNORECASE)
_WITH_UNIT = re.compile(r"(.*?)\s*[\[(]\s*([^\[(\])]+?)\s*[\])]\s*")
_NO_VALUE = ("", "nan", "NaN", "NA")
_ROUNDING = 0.6  # of a step: times may be rounded to milliseconds
_RATES = (20, 50_000)  # Hz; of others, the times are in another unit, or count time points


def read_csv(name, path, sampling_rate):
    """Return the Record of a CSV file: a column per lead, and optionally one of times.

    Parameters
    ----------
    name, path : str
    sampling_rate : float or None
        In Hz, if there is no column of times.
    """
    file = Path(path).name
    try:
        # An empty line between others is a missing value, not one time point less.
        options = {"keep_default_na": False, "na_values": _NO_VALUE, "skip_blank_lines": False}
        table = read_table(path, dtype=str, **options)
    except RecordError:
        raise
    except (OSError, ValueError) as error:
        raise damaged(name, f"{error}", "file") from error
    if not len(table):
        raise damaged(name, "it has no row below the names of its columns.", "length")
    times, unit_of_times, signals = None, "", []
    for column in table.columns:
        match = _TIME.fullmatch(column)
        if match and match[1].lower() in _SECONDS:
            if times is not None:
                raise damaged(name, "it has two columns of times.", "header")
            times, unit_of_times = _to_numbers(name, table[column]), match[1].lower()
            continue
        channel, unit = _split_unit(column)
        signals.append((channel, unit, table[column]))
    if times is not None:
        rate = _rate_of_times(name, times * _SECONDS[unit_of_times])
        if not _RATES[0] <= rate <= _RATES[1]:
            raise RecordError(
                name,
                "sampling rate",
                f"in {unit_of_times or 's'}, its times are those of {rate:g} Hz, which is not a "
                "rate of ECGs.",
                "Name their unit, as in 'time (ms)'; or, if they count time points, remove the "
                "column and pass sampling_rate.",
            )
        if sampling_rate is not None and abs(rate - sampling_rate) > 1e-3 * sampling_rate:
            raise damaged(
                name,
                f"the times in {file} are those of {rate:g} Hz, but sampling_rate is "
                f"{sampling_rate:g} Hz.",
                "sampling rate",
            )
    elif sampling_rate is not None:
        rate = float(sampling_rate)
    else:
        raise RecordError(
            name,
            "sampling rate",
            "it has no column of times.",
            "Pass sampling_rate, add a column 'time' in seconds, or leave the file out.",
        )
    channels = [
        (channel, rate, unit, _to_numbers(name, values)) for channel, unit, values in signals
    ]
    return build_record(name, channels, {"format": "CSV"})


def _split_unit(column):
    """Return the lead and the unit of a column such as "II (mV)"; the unit may be None."""
    match = _WITH_UNIT.fullmatch(column)
    if match and millivolts_per_unit(match[2]) is not None:
        return match[1], match[2]
    return column.strip(), None


def _to_numbers(name, values):
    """Return a column as floats; empty cells are missing values."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
    wrong = np.flatnonzero(~np.isfinite(numbers) & values.notna().to_numpy())
    if len(wrong):
        raise damaged(
            name,
            f"row {wrong[0] + 2} has {str(values.iloc[wrong[0]])[:40]!r} in the column "
            f"{values.name!r}, which is not a number.",
        )
    return numbers


def _rate_of_times(name, times):
    """Return the sampling rate in Hz of times in s; raise if they are not evenly spaced."""
    steps = np.diff(times)
    if not len(steps) or not np.isfinite(times).all():
        raise damaged(name, "its times are missing, or there is only one.", "sampling rate")
    rate = len(steps) / (times[-1] - times[0]) if times[-1] > times[0] else np.nan
    uneven = (
        np.flatnonzero(~(np.abs(steps / np.median(steps) - 1) <= _ROUNDING)) if rate > 0 else [0]
    )
    if len(uneven):
        raise damaged(
            name,
            f"its times are not evenly spaced: {times[uneven[0]]:g} s is followed by "
            f"{times[uneven[0] + 1]:g} s.",
            "sampling rate",
        )
    # Of rounded times, the first and the last do not give the exact rate.
    nearest = round(rate)
    line = times[0] + np.arange(len(times)) / nearest if nearest else np.nan
    if np.all(np.abs(times - line) * rate <= _ROUNDING):
        return float(nearest)
    return exact_rate(name, rate)

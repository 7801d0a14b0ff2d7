"""The annotations of LUDB: files of wfdb, checked before they are trusted."""

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from ..utils._paths import expand_path
from ._cache import MemoryRows, load_or_build
from ._reading import run_parallel
from ._records import file_stamp, file_state, find_file_fault, read_regular_file, wfdb

_WAVE_NAMES = ("P", "QRS", "T", "unknown")
_WAVE_OF_SYMBOL = {"p": 0, "N": 1, "t": 2}

# Codes of 16-bit words in an annotation file that are followed by other data: the time of the next
# annotation in four bytes, and text.
_SKIP, _TEXT = 59, 63
_MAX_SIZE = 2**20  # bytes of a file; those of LUDB have fewer than 1,000


def load_annotations(root, records, leads, rate, *, n_jobs, verbose, cache, check_content):
    """Read the annotations of some leads of records.

    Parameters
    ----------
    root : path-like
    records : list of (str, int)
        The name and the number of time points of each record.
    leads : list of str
    rate : float
        The sampling rate of the records in Hz.
    n_jobs, verbose, cache, check_content
        See `load_ludb`.

    Returns
    -------
    annotations : DataFrame
    absent : list of [int, str, str or None]
        The position of a record, a lead without annotations, and what is wrong with its file, None
        if there is no file.
    """

    def build(rows):
        calls = [(str(root), name, n_times, rate, leads) for name, n_times in records]
        outcomes = run_parallel(
            _read_record_annotations, calls, n_jobs=n_jobs, verbose=verbose, name="annotations"
        )
        absent, states = [], []
        for row, (waves, missing, file_states) in enumerate(outcomes):
            rows.append(np.column_stack([np.full(len(waves), row), waves]))
            absent += [[row, *lead_and_reason] for lead_and_reason in missing]
            states += file_states
        return {"absent": absent}, states

    if cache is None:
        rows = MemoryRows(expected=400 * len(records))
        payload, _ = build(rows)
        table = rows.finish()
    else:
        # float32 represents all integers up to 2 ** 24, and NaN what was not annotated.
        params = {
            "root": str(Path(expand_path(root)).resolve()),
            "records": records,
            "rate": rate,
            "leads": leads,
        }
        table, payload = load_or_build(
            cache, "LUDB-annotations", params, build, root=root, check_content=check_content
        )
    frame = pd.DataFrame(
        {
            "record": table[:, 0].astype(int),
            "lead": np.array(leads, dtype=object)[table[:, 1].astype(int)],
            "wave": np.array(_WAVE_NAMES, dtype=object)[table[:, 2].astype(int)],
        }
    )
    for column, values in zip(("onset", "peak", "offset"), table[:, 3:].T):
        frame[column] = pd.array(values, dtype="Float32").astype("Int64")
    return frame, payload["absent"]


def _read_record_annotations(root, name, n_times, rate, leads):
    """Return waves (n_waves, 5) of a record, leads without annotations, and states of files."""
    waves, missing, states = [np.empty((0, 5))], [], []
    for position, lead in enumerate(leads):
        file = f"{name}.{lead.lower()}"
        stamp = file_stamp(root, file)
        fault = find_file_fault(root, file, _MAX_SIZE)
        try:
            if fault is not None:
                missing.append((lead, f"it {fault}"))
            elif stamp is None:
                missing.append((lead, None))
            else:
                found = _read_lead_annotations(root, name, lead.lower(), n_times, rate)
                waves.append(np.column_stack([np.full(len(found), position), found]))
        except Exception as error:
            missing.append((lead, str(error) or type(error).__name__))
        states.append(file_state(root, file, stamp))
    return np.concatenate(waves), missing, states


def _read_lead_annotations(root, name, extension, n_times, rate):
    """Return the waves of one lead; raise a ValueError if the file is damaged."""
    path = os.path.join(root, name)
    content = read_regular_file(f"{path}.{extension}", _MAX_SIZE)
    if _find_end(content) != len(content):
        raise ValueError("the file is truncated or damaged, it does not end with a mark")
    with warnings.catch_warnings():
        # wfdb 4.3 calls functions that pandas 3.1 deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        notes = wfdb.rdann(path, extension)
    times = np.asarray(notes.sample)
    if not len(times):
        raise ValueError("the file has no annotations")
    outside = times[(times < 0) | (times >= n_times)]
    if len(outside):
        raise ValueError(
            f"time point {outside[0]} is outside the record, which has {n_times} time points"
        )
    if (np.diff(times) < 0).any():
        raise ValueError("the annotations are not in order of time")
    unknown = sorted(set(notes.symbol).difference(_WAVE_OF_SYMBOL, "()"))
    if unknown:
        raise ValueError(f"LUDB has no annotations {unknown[0]!r}")
    if notes.fs is not None and notes.fs != rate:
        raise ValueError(f"the annotations are at {notes.fs:g} Hz, the record at {rate:g} Hz")
    return _pair_waves(times, notes.symbol)


def _find_end(content):
    """Return the number of bytes up to the mark that ends an annotation file; None without it."""
    words = np.frombuffer(content[: len(content) // 2 * 2], dtype="<u2").tolist()
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if word == 0:
            return 2 * position
        code, number = word >> 10, word & 0x3FF
        if code == _SKIP:
            position += 2
        elif code == _TEXT:
            position += (number + 1) // 2
    return None


def _pair_waves(times, symbols):
    """Return waves (wave, onset, peak, offset) of a sequence such as "( p ) ( N ) ( t )".

    A few waves have no onset, in a few the onset is after the peak, which is not changed, and one
    interval has no peak.
    """
    waves, onset = [], np.nan
    for time, symbol in zip(times, symbols):
        if symbol == "(":
            onset = time
        elif symbol in _WAVE_OF_SYMBOL:
            waves.append([_WAVE_OF_SYMBOL[symbol], onset, time, np.nan])
            onset = np.nan
        elif symbol == ")":
            is_open = bool(waves) and np.isnan(waves[-1][3])
            if np.isnan(onset):
                if is_open:
                    waves[-1][3] = time
            elif is_open and np.isnan(waves[-1][1]):
                waves[-1][1], waves[-1][3] = onset, time
            else:
                waves.append([_WAVE_NAMES.index("unknown"), onset, np.nan, time])
            onset = np.nan
    return np.array(waves, dtype=float).reshape(-1, 4)

"""Where lazy records come from: a file, or other records that are changed when they are read.

A source has a shape and a dtype, and ``read(positions, leads)`` returns records as a new array.
Sources are pickled without the records.
"""

import math
import os

import numpy as np

from ..utils._chunks import LAZY, record_chunks
from ..utils._memory_maps import find_in_file

# Modification times of one file, or of copies that keep them, differ by up to two seconds, the
# resolution of some file systems.
_TIME_RESOLUTION_NS = 2 * 10**9


class FileSource:
    """Records in a file, in C-order.

    They are read by ordinary reads rather than through a memory map, whose pages would count as
    memory of the process. A read opens the file, so that threads and processes can share a source.

    Parameters
    ----------
    array : memmap of shape (n_records, n_leads, n_times)
    scale : ndarray of shape (n_leads,) or None
        Factors of the leads. The result is then float32.

    Raises
    ------
    ValueError
        If the array is not a part of a file in C-order.
    """

    def __init__(self, array, scale=None):
        found = find_in_file(array)
        if found is None:
            raise ValueError(
                "records must be a memory map of a file in C-order, opened with another mode than "
                "'c'. Save the array with np.save, and pass the path of the file."
            )
        self.path, self.offset = found
        self.shape = array.shape
        self.stored_dtype = array.dtype
        self.dtype = array.dtype.newbyteorder("=") if scale is None else np.dtype(np.float32)
        self.scale = scale
        if getattr(array, "mode", None) in ("r+", "w+"):
            array.flush()
        # Caches that hash arguments, such as that of a Pipeline, distinguish changed files.
        self.stamp = _stamp(os.stat(self.path))

    def read(self, positions, leads=None):
        """Return records, or some of their leads."""
        n_leads, n_times = self.shape[1:]
        rows = positions
        if leads is not None:
            rows = (np.asarray(positions)[:, np.newaxis] * n_leads + leads).ravel()
        stored = np.empty(
            (len(positions), n_leads if leads is None else len(leads), n_times), self.stored_dtype
        )
        self._read_rows(rows, stored)
        if self.scale is None:
            return stored.astype(self.dtype, copy=False)
        scale = self.scale if leads is None else self.scale[leads]
        records = stored.astype(np.float32)
        records *= scale[:, np.newaxis]
        return records

    def _read_rows(self, rows, out):
        """Read rows of the file, records or leads, into an array."""
        if out.size == 0:
            return
        buffer = memoryview(out.reshape(-1).view(np.uint8))
        size = len(buffer) // len(rows)
        with open(self.path, "rb", buffering=0) as file:
            self._check_unchanged(file)
            for start, stop in _consecutive_runs(rows):
                file.seek(self.offset + int(rows[start]) * size)
                part = buffer[start * size : stop * size]
                while len(part):
                    n_read = file.readinto(part)
                    if not n_read:
                        raise ValueError(f"{self.path} became shorter while it was read.")
                    part = part[n_read:]

    def _check_unchanged(self, file):
        """Raise if the file is not that from which the shape and the dtype are known."""
        size, time = _stamp(os.fstat(file.fileno()))
        if size != self.stamp[0] or abs(time - self.stamp[1]) > _TIME_RESOLUTION_NS:
            raise ValueError(
                f"{self.path} has changed since it was opened: it had {self.stamp[0]} bytes and "
                f"has {size}, and its modification time differs by "
                f"{abs(time - self.stamp[1]) / 1e9:.0f} s. Open it again. A copy on another "
                "machine must keep the modification time."
            )


class AppliedSource:
    """The result of a function of records, which is computed when they are read.

    Parameters
    ----------
    records : LazyRecords
    function : callable
        Maps an array (n_records, n_leads, n_times) to one with the same number of records.
    """

    def __init__(self, records, function):
        self.records = records
        self.function = function
        first = self._apply(range(1))
        self.shape = (len(records), *first.shape[1:])
        self.dtype = first.dtype

    def read(self, positions, leads=None):
        """Return the results for records, or some of their leads."""
        n_leads = self.shape[1] if leads is None else len(leads)
        results = np.empty((len(positions), n_leads, self.shape[2]), self.dtype)
        # The records may be much larger than the results.
        for part in record_chunks(len(positions), math.prod(self.records.shape[1:]), LAZY):
            values = self._apply(positions[part])
            if values.shape[1:] != self.shape[1:] or values.dtype != self.dtype:
                raise ValueError(
                    f"function returned records of shape {values.shape[1:]} and dtype "
                    f"{values.dtype}, but {self.shape[1:]} and {self.dtype} for record 0. It must "
                    "return records of one shape and dtype."
                )
            results[part] = values if leads is None else values[:, leads]
        return results

    def _apply(self, positions):
        signals = np.asarray(self.records[positions])
        try:
            values = self.function(signals)
        except ValueError as error:
            raise ValueError(
                f"{error} (In this message, records are counted from record {positions[0]}.)"
            ) from error
        if not isinstance(values, np.ndarray) or values.shape[:1] != (len(signals),):
            raise ValueError(
                f"function must return an array of {len(signals)} records, got "
                f"{type(values).__name__} of shape {np.shape(values)}."
            )
        if values.ndim != 3 or values.dtype.kind not in "fiub":
            raise ValueError(
                "function must return numbers of shape (n_records, n_leads, n_times), got shape "
                f"{values.shape} and dtype {values.dtype}."
            )
        return values


class ReplacedLeadsSource:
    """Records in which some leads are those of other records.

    Parameters
    ----------
    records : LazyRecords
    replaced : ndarray of int
        Positions of the leads.
    values : LazyRecords or ndarray of shape (n_records, len(replaced), n_times)
    """

    def __init__(self, records, replaced, values):
        self.records = records
        self.replaced = replaced
        self.values = values
        self.shape = records.shape
        self.dtype = np.result_type(records.dtype, values.dtype)

    def read(self, positions, leads=None):
        """Return records, or some of their leads."""
        signals = np.asarray(self.records[positions]).astype(self.dtype, copy=False)
        signals[:, self.replaced] = np.asarray(self.values[positions])
        return signals if leads is None else signals[:, leads]


def _stamp(state):
    """Return the size and the modification time of a file."""
    return state.st_size, state.st_mtime_ns


def _consecutive_runs(rows):
    """Return start and stop of the runs in which each row follows the one before."""
    if isinstance(rows, range) and rows.step == 1:
        return [(0, len(rows))]
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    bounds = [0, *breaks.tolist(), len(rows)]
    return list(zip(bounds, bounds[1:]))

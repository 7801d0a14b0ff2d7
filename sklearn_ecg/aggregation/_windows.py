"""Windows of records: where they are, and how they are cut."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from ..base import fill_lead_names, name_columns
from ..leads import to_lead_frame
from ..utils._chunks import GAPS, chunk_size, record_chunks


class Windows(NamedTuple):
    """Positions of windows, in the order of the records and of time.

    Parameters
    ----------
    records : ndarray of shape (n_windows,), int
        The record of each window.
    starts : ndarray of shape (n_windows,), int
        The first time point of each window.
    stops : ndarray of shape (n_windows,), int
        The time point after the last one. It is before the end of the window if the record is
        padded.
    n_times : int
        Length of a window in time points.
    """

    records: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    n_times: int

    def __len__(self):
        return len(self.records)

    def take(self, index):
        """Return the windows at these positions, or in this slice."""
        return Windows(self.records[index], self.starts[index], self.stops[index], self.n_times)

    def counts(self, n_records):
        """Return the number of windows of each record."""
        return np.bincount(self.records, minlength=n_records)

    def chunks(self, n_leads, budget):
        """Yield the windows in slices that fit the budget."""
        for part in record_chunks(len(self), n_leads * self.n_times, budget):
            yield self.take(part)

    def limit(self, n_records, max_windows):
        """Return at most this number of windows of each record, evenly spaced."""
        counts = self.counts(n_records)
        firsts = np.cumsum(counts) - counts
        kept = [
            first + np.unique(np.rint(np.linspace(0, n - 1, min(n, max_windows))).astype(int))
            for first, n in zip(firsts, counts)
        ]
        return self.take(np.concatenate(kept))


def find_windows(records, n_times, step, *, shorter, rate, labels=None):
    """Find the windows without gaps of each record.

    A time point where all leads are NaN is a gap, as at the end of a padded record and between the
    segments of a recording. Windows that overlap a gap are left out.

    Parameters
    ----------
    records : SignalRecords
    n_times, step : int
        In time points.
    shorter : {"raise", "pad"}
        What to do with a record that is shorter than a window.
    rate : float
        In Hz, for error messages.
    labels : sequence or None, default=None
        Names of the records, for error messages.

    Returns
    -------
    windows : Windows

    Raises
    ------
    ValueError
        If a record has no window, or contains infinity.
    """
    found = []
    for record, length in enumerate(records.lengths):
        gaps = _find_gaps(records, record)
        if len(gaps) and gaps[-1, 1] == length:
            length = gaps[-1, 0]
        if length < n_times and shorter == "pad" and length and not (gaps[:, 0] < length).any():
            found.append((record, np.array([0]), np.array([length])))
            continue
        starts = np.arange(0, length - n_times + 1, step)
        # Gaps that start before the end of the window, except those that end before its start.
        overlaps = np.searchsorted(gaps[:, 0], starts + n_times, side="left")
        overlaps = overlaps - np.searchsorted(gaps[:, 1], starts, side="right")
        starts = starts[overlaps == 0]
        if not len(starts):
            _raise_no_window(record, length, len(gaps), n_times, shorter, rate, labels)
        found.append((record, starts, starts + n_times))
    counts = [len(starts) for _, starts, _ in found]
    return Windows(
        np.repeat([record for record, _, _ in found], counts),
        np.concatenate([starts for _, starts, _ in found]),
        np.concatenate([stops for _, _, stops in found]),
        n_times,
    )


def _find_gaps(records, record):
    """Return the starts and ends of the gaps of a record, of shape (n_gaps, 2), in order."""
    length = int(records.lengths[record])
    size = chunk_size(records.n_leads, GAPS)
    gaps = [np.empty((0, 2), dtype=int)]
    for start in range(0, length, size):
        part = records.read(record, start, min(start + size, length))
        if np.isfinite(part).all():
            continue
        if np.isinf(part).any():
            lead, time = np.argwhere(np.isinf(part))[0]
            raise ValueError(
                f"Input X contains infinity or a value too large for {part.dtype} in record "
                f"{record}, lead {lead}, time point {start + time}. Leave the record out, or "
                "correct it."
            )
        is_missing = np.isnan(part).all(axis=0)
        edges = np.flatnonzero(np.diff(is_missing.astype(np.int8), prepend=0, append=0))
        gaps.append(start + edges.reshape(-1, 2))
    gaps = np.concatenate(gaps)
    # A gap that goes on in the next part is one gap.
    is_apart = gaps[1:, 0] > gaps[:-1, 1]
    return (
        np.column_stack([gaps[np.r_[True, is_apart], 0], gaps[np.r_[is_apart, True], 1]])
        if (len(gaps))
        else gaps
    )


def _raise_no_window(record, length, n_gaps, n_times, shorter, rate, labels):
    name = f"record {record}"
    if labels is not None and labels[record] != record:
        name += f" ({labels[record]!r})"
    window = f"a window of {n_times} time points ({n_times / rate:g} s)"
    if length == 0:
        raise ValueError(f"X: {name} has no values. Leave it out.")
    if length < n_times and shorter == "raise":
        raise ValueError(
            f"X: {name} has {length} time points ({length / rate:g} s), which is shorter than "
            f"{window}. Pass a shorter duration, shorter='pad', or leave the record out."
        )
    raise ValueError(
        f"X: {name} has {n_gaps} gap(s) where all leads are NaN, and no part between them that "
        f"contains {window}. Pass a shorter duration or step, fill the gaps, or leave the record "
        "out."
    )


def cut_windows(records, windows):
    """Return windows as an array of shape (n_windows, n_leads, n_times), padded with zeros."""
    cut = np.zeros((len(windows), records.n_leads, windows.n_times), dtype=records.dtype)
    for out, record, start, stop in zip(cut, windows.records, windows.starts, windows.stops):
        out[:, : stop - start] = records.read(record, start, stop)
    return cut


def to_window_container(cut, windows, records, X):
    """Return windows in the kind of container of X, with its columns and notes.

    Parameters
    ----------
    cut : ndarray of shape (n_windows, n_leads, n_times)
    windows : Windows
    records : SignalRecords
    X : array, DataFrame or lead frame
    """
    if records.kind == "array":
        return cut
    if records.kind == "lead frame":
        frame = to_lead_frame(cut, X.columns.astype(str), index=X.index[windows.records])
        frame.columns = X.columns
        frame.attrs.update(X.attrs)
        return frame
    rows = cut.reshape(len(cut), -1)
    if records.kind == "rows":
        return rows
    names = name_columns(fill_lead_names(None, records.n_leads), windows.n_times)
    frame = pd.DataFrame(rows, columns=names, index=X.index[windows.records])
    frame.attrs.update(X.attrs)
    return frame

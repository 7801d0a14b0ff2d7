"""Records with gaps: leads that are NaN at some time points, as those of a printed page.

A record is covered with windows, each a stretch of time with the leads that have signals there.
"""

from typing import NamedTuple

import numpy as np

# Seconds: the shortest window, and the longest gap inside a window.
_SHORTEST_WINDOW, _SHORT_GAP = 1.0, 0.1
# Part of a window for which a lead of it must have signals.
_PRESENT = 0.95
# A beat may be hidden where this part of the leads, or more, is interpolated for these seconds.
_HIDING, _SHORTEST_HIDING_GAP = 0.5, 0.04


class Window(NamedTuple):
    """A stretch of time and its leads.

    Attributes
    ----------
    start, stop : int
        Time points.
    leads : tuple of int
    """

    start: int
    stop: int
    leads: tuple


def cover_with_windows(signals, rate):
    """Cover each record with windows.

    The first window of a record is the longest stretch of any lead without gaps of more than 0.1 s.
    All leads that have signals for at least 95 % of it belong to it. The next window is the longest
    stretch that remains, and so on. Stretches of less than a second are left out.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times)
    rate : float
        Sampling rate in Hz.

    Returns
    -------
    windows : list of list of Window
        For each record.
    """
    shortest, short_gap = _SHORTEST_WINDOW * rate, _SHORT_GAP * rate
    return [_cover(~np.isnan(record), shortest, short_gap) for record in signals]


def _cover(present, shortest, short_gap):
    n_times = present.shape[1]
    for lead, start, stop in zip(*_runs(~present)):
        if start > 0 and stop < n_times and stop - start <= short_gap:
            present[lead, start:stop] = True
    windows, remaining = [], present.copy()
    while True:
        _, start, stop = _runs(remaining)
        if len(start) == 0 or (stop - start).max() < shortest:
            return windows
        longest = (stop - start).argmax()
        start, stop = int(start[longest]), int(stop[longest])
        leads = np.flatnonzero(present[:, start:stop].mean(axis=1) >= _PRESENT)
        windows.append(Window(start, stop, tuple(leads.tolist())))
        remaining[leads, start:stop] = False


def _runs(mask):
    """Return row, start and stop of each run of true values along the last axis."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row, start = np.nonzero(edges == 1)
    return row, start, np.nonzero(edges == -1)[1]


def group_windows(windows):
    """Group the records that have the same window.

    Parameters
    ----------
    windows : list of list of Window

    Returns
    -------
    groups : dict of Window to list of int
    """
    groups = {}
    for record, of_record in enumerate(windows):
        for window in of_record:
            groups.setdefault(window, []).append(record)
    return groups


def choose_windows_in_time(windows, n_times):
    """Choose windows of a record for the detection of beats, at most one for each time point.

    A window that is covered for more than half of its time by the ones before is left out.

    Returns
    -------
    chosen : list of Window
    owner : ndarray of shape (n_times,), int
        For each time point, the position of its window in ``chosen``, or -1.
    """
    chosen, owner = [], np.full(n_times, -1)
    for window in windows:
        part = owner[window.start : window.stop]
        free = part < 0
        if 2 * np.count_nonzero(free) >= len(part):
            part[free] = len(chosen)
            chosen.append(window)
    return chosen, owner


def number_stretches(record, chosen, owner, rate):
    """Number the stretches of time of a record, such that beats of one have RR intervals.

    A new stretch begins with each change of the window, and at the start and the end of a gap of at
    least 0.04 s in half of the leads of a window: a beat may be hidden there.

    Parameters
    ----------
    record : ndarray of shape (n_leads, n_times)
    chosen, owner
        As returned by `choose_windows_in_time`.
    rate : float
        Sampling rate in Hz.

    Returns
    -------
    stretch : ndarray of shape (n_times,), int
    """
    hidden = np.zeros(len(owner), dtype=bool)
    for position, window in enumerate(chosen):
        times = slice(window.start, window.stop)
        absent = np.isnan(record[list(window.leads), times]).mean(axis=0)
        hidden[times] |= (absent >= _HIDING) & (owner[times] == position)
    for _, start, stop in zip(*_runs(hidden[np.newaxis])):
        if stop - start < _SHORTEST_HIDING_GAP * rate:
            hidden[start:stop] = False
    begins = np.diff(owner, prepend=owner[:1]) != 0
    begins |= np.diff(hidden, prepend=hidden[:1])
    return np.cumsum(begins)


def cut_window(signals, records, window):
    """Return the signals of a window of some records, without gaps.

    Short gaps are interpolated linearly; at the ends the nearest value is repeated.
    """
    cut = signals[np.ix_(records, window.leads)][:, :, window.start : window.stop]
    times = np.arange(cut.shape[2])
    absent = np.isnan(cut)
    for record, lead in np.argwhere(absent.any(axis=2)):
        gap, signal = absent[record, lead], cut[record, lead]
        signal[gap] = np.interp(times[gap], times[~gap], signal[~gap])
    return cut

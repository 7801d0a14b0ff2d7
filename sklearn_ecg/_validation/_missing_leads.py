"""Missing leads: leads of a record that are NaN at all time points."""

import numpy as np

from ..leads import LazyRecords
from ..utils._chunks import LAZY, array_chunks


def missing_leads(signals):
    """Find the leads that are NaN at all time points.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times) or LazyRecords

    Returns
    -------
    missing : ndarray of shape (n_records, n_leads), bool
    """
    if isinstance(signals, LazyRecords):
        parts = array_chunks(signals, LAZY)
        return np.concatenate([missing_leads(np.asarray(signals[part])) for part in parts])
    # Only leads whose first value is NaN are read further.
    missing = np.isnan(signals[:, :, 0])
    record, lead = np.nonzero(missing)
    for i, j in zip(record, lead):
        missing[i, j] = np.isnan(signals[i, j]).all()
    return missing


def group_by_missing_leads(signals):
    """Group records by the leads that they have.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times)

    Returns
    -------
    groups : list of (ndarray of int, ndarray of int)
        Positions of the records of each group, ascending, and of the leads that they have. A single
        group for records without missing leads.
    """
    missing = missing_leads(signals)
    if not missing.any():
        return [(np.arange(len(signals)), np.arange(signals.shape[1]))]
    patterns, member = np.unique(missing, axis=0, return_inverse=True)
    member = member.reshape(-1)
    return [
        (np.flatnonzero(member == number), np.flatnonzero(~pattern))
        for number, pattern in enumerate(patterns)
    ]


def take_group(signals, records, leads):
    """Return the signals of some records and leads; not a copy if these are all."""
    if len(records) < len(signals):
        signals = signals[records]
    return signals if len(leads) == signals.shape[1] else signals[:, leads]


def take_names(lead_names, leads):
    """Return the names of some leads, or None for leads without names."""
    return None if lead_names is None else tuple(lead_names[lead] for lead in leads)

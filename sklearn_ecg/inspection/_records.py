"""Private copies of records, in any container, whose leads can be replaced and put back.

All of them have ``X``, what the estimator is given, and the same methods: ``read(leads)`` gives the
leads at these positions, in a form that ``take(values, order)`` puts into another order of records
and ``write(leads, values)`` puts in place of the leads; ``signals(values)`` is their array
(n_records, len(leads), n_times), and ``from_signals(signals)`` the way back.
"""

import numpy as np

from ..leads import stack_signals, to_lead_array, to_lead_frame


def copy_records(X, kind, n_leads, *, real=False):
    """A private copy of X, of which `sklearn_ecg._validation.read_container` told the kind.

    Parameters
    ----------
    X : array, DataFrame or lead frame
    kind : str
    n_leads : int
    real : bool
        Whether the leads of an array of integers must be able to hold real numbers.
    """
    if kind == "lead frame":
        return _LeadFrame(X)
    if kind == "cells":
        return _Cells(X)
    return _Array(X, n_leads, real)


class _Records:
    """Leads are read as arrays (n_records, len(leads), n_times)."""

    def take(self, values, order):
        return values[order]

    def signals(self, values):
        return values

    def from_signals(self, signals):
        return signals


class _Array(_Records):
    """A 3-D array, lead-major rows or a numeric frame: all are views of one buffer."""

    def __init__(self, X, n_leads, real):
        buffer = np.array(X, order="C")
        if real and buffer.dtype.kind in "iub":
            buffer = buffer.astype(np.float64)
        self.X = buffer
        if hasattr(X, "iloc"):
            self.X = type(X)(buffer, index=X.index, columns=X.columns, copy=False)
        self._leads = buffer.reshape(len(buffer), n_leads, -1)

    def read(self, leads):
        return self._leads[:, leads]

    def write(self, leads, values):
        self._leads[:, leads] = values


class _Cells(_Array):
    """An object array: cells are exchanged, signals are not copied."""

    def __init__(self, X):
        self.X = self._leads = X.copy()

    def signals(self, values):
        return stack_signals(values)

    def from_signals(self, signals):
        cells = np.empty(signals.shape[:2], dtype=object)
        for position in np.ndindex(cells.shape):
            cells[position] = signals[position]
        return cells


class _LeadFrame:
    """A lead frame: columns are exchanged, and shared with the frame given until then."""

    def __init__(self, X):
        self.X = X.copy(deep=False)

    def read(self, leads):
        return self.X.iloc[:, leads]

    def write(self, leads, values):
        for position, lead in enumerate(leads):
            self.X.isetitem(lead, values.iloc[:, position].array)

    def take(self, values, order):
        return values.iloc[order]

    def signals(self, values):
        return to_lead_array(values)

    def from_signals(self, signals):
        return to_lead_frame(signals, [str(lead) for lead in range(signals.shape[1])])


class PreparedRecords(_Records):
    """Records checked and normalised once, for one of our own networks.

    Parameters
    ----------
    prepared : object
        What the network's ``_validate_input(X)`` returned.
    """

    def __init__(self, prepared):
        self.X = prepared

    def read(self, leads):
        return self.X.get_leads(leads)

    def write(self, leads, values):
        self.X.set_leads(leads, values)

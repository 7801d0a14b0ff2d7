"""A column of lazy records, for tools that need a table of rows and columns."""

import numpy as np


class LazyRecord:
    """One of several lazy records, a cell of `LazyRecords.to_column`.

    Parameters
    ----------
    records : LazyRecords
    position : int
    """

    __slots__ = ("position", "records")

    def __init__(self, records, position):
        self.records = records
        self.position = position

    def __repr__(self):
        _, n_leads, n_times = self.records.shape
        return f"LazyRecord({self.position}, shape=({n_leads}, {n_times}))"

    def __getstate__(self):
        return self.records, self.position

    def __setstate__(self, state):
        self.records, self.position = state

    def __float__(self):
        # NumPy calls this if a tool converts the column to numbers.
        raise TypeError(
            "A lazy record is not a number. This tool computes with the values of X: pass the "
            "records as an array, or use a sampler of sklearn_ecg.imbalance."
        )


def make_column(records):
    """Return lazy records as an object array of shape (n_records, 1)."""
    column = np.empty((len(records), 1), dtype=object)
    column[:, 0] = [LazyRecord(records, position) for position in range(len(records))]
    return column


def read_column(X):
    """Return the lazy records of a column, in its order, and any other object as it is.

    Raises
    ------
    ValueError
        If the cells are records of several sources, or some of them are something else.
    """
    is_column = isinstance(X, np.ndarray) and X.dtype == object and X.shape[1:] == (1,)
    if not is_column or not any(isinstance(cell, LazyRecord) for cell in X.flat):
        return X
    records = getattr(X[0, 0], "records", None)
    if any(not isinstance(cell, LazyRecord) or cell.records is not records for cell in X.flat):
        raise ValueError(
            "X is a column of lazy records (LazyRecords.to_column) with records of several sources "
            "or other objects. Pass records of one source."
        )
    return records[[cell.position for cell in X.flat]]

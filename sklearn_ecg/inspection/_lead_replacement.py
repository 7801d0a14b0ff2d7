"""Replace leads: copies of records, in any container, and what the leads are replaced by.

All copies have ``X``, which is passed to the estimator, and the same methods: ``get_leads(leads)``
returns the leads at these positions, ``take(values, order)`` returns them in another order of
records, ``set_leads(leads, values)`` puts them in place, and ``restore_leads(leads, values)`` puts
the original values back. ``to_signals(values)`` converts them
to an array (n_records, len(leads), n_times), and ``from_signals(signals)`` converts them back.
"""

import numpy as np

from ..leads import LazyRecords, stack_signals, to_lead_array, to_lead_frame
from ..utils._memory_maps import is_memory_map, open_copy_on_write


def copy_records(X, kind, n_leads, *, real=False):
    """Copy X so that its leads can be replaced.

    Parameters
    ----------
    X : array, DataFrame, lead frame or LazyRecords
    kind : str
        Kind of container, as returned by `sklearn_ecg._validation.read_container`.
    n_leads : int
    real : bool
        Whether leads of an array of integers will be replaced by real numbers.
    """
    if kind == "lead frame":
        return _FrameRecords(X)
    if kind == "cells":
        return _ObjectRecords(X)
    if isinstance(X, LazyRecords):
        return _LazyCopy(X)
    return _ArrayRecords(X, n_leads, real)


class _CopiedRecords:
    """Records whose leads are returned as arrays (n_records, len(leads), n_times)."""

    def restore_leads(self, leads, values):
        self.set_leads(leads, values)

    def take(self, values, order):
        return values[order]

    def to_signals(self, values):
        return values

    def from_signals(self, signals):
        return signals


class _ArrayRecords(_CopiedRecords):
    """A 3-D array, lead-major rows or a numeric frame, as views of one buffer.

    Of a memory map, only the parts that are changed are copied.
    """

    def __init__(self, X, n_leads, real):
        self._n_leads = n_leads
        self._map = None
        if is_memory_map(X) and not (real and X.dtype.kind in "iub"):
            self._map = X
            self._open_map()
        if self._map is not None:
            return
        buffer = np.array(X, order="C")
        if real and buffer.dtype.kind in "iub":
            buffer = buffer.astype(np.float64)
        self.X = buffer
        if hasattr(X, "iloc"):
            self.X = type(X)(buffer, index=X.index, columns=X.columns, copy=False)
            self.X.attrs.update(X.attrs)
        self._leads = buffer.reshape(len(buffer), n_leads, -1)

    def _open_map(self):
        self.X = open_copy_on_write(self._map)
        if self.X is None:
            self._map = None
        else:
            self._leads = self.X.reshape(len(self.X), self._n_leads, -1)

    def get_leads(self, leads):
        return self._leads[:, leads]

    def set_leads(self, leads, values):
        self._leads[:, leads] = values

    def restore_leads(self, leads, values):
        if self._map is None:
            self.set_leads(leads, values)
        else:
            # Pages that were changed would stay in memory.
            self._open_map()


class _ObjectRecords(_ArrayRecords):
    """An object array: cells are exchanged, signals are not copied."""

    def __init__(self, X):
        self.X = self._leads = X.copy()
        self._map = None

    def to_signals(self, values):
        return stack_signals(values)

    def from_signals(self, signals):
        cells = np.empty(signals.shape[:2], dtype=object)
        for position in np.ndindex(cells.shape):
            cells[position] = signals[position]
        return cells


class _FrameRecords:
    """A lead frame: columns are exchanged, and shared with the original until then."""

    def __init__(self, X):
        self.X = X.copy(deep=False)

    def get_leads(self, leads):
        return self.X.iloc[:, leads]

    def set_leads(self, leads, values):
        for position, lead in enumerate(leads):
            self.X.isetitem(lead, values.iloc[:, position].array)

    def restore_leads(self, leads, values):
        self.set_leads(leads, values)

    def take(self, values, order):
        return values.iloc[order]

    def to_signals(self, values):
        return to_lead_array(values)

    def from_signals(self, signals):
        return to_lead_frame(signals, [str(lead) for lead in range(signals.shape[1])])


class _LazyCopy(_CopiedRecords):
    """Lazy records: what leads are replaced by is read together with the records."""

    def __init__(self, X):
        self._original = self.X = X
        self._replaced = {}

    def get_leads(self, leads):
        return self._original[:, leads]

    def set_leads(self, leads, values):
        self._replaced[tuple(leads)] = values
        self._replace()

    def restore_leads(self, leads, values):
        del self._replaced[tuple(leads)]
        self._replace()

    def to_signals(self, values):
        return np.asarray(values)

    def _replace(self):
        self.X = self._original
        for leads, values in self._replaced.items():
            self.X = self.X.replace_leads(leads, values)


class NetworkRecords(_CopiedRecords):
    """Records that were checked once, for a network of this package.

    Parameters
    ----------
    network : estimator
    X : array-like, DataFrame or lead frame
    """

    def __init__(self, network, X):
        self.X = network._validate_input(X)

    def get_leads(self, leads):
        return self.X.get_leads(leads)

    def set_leads(self, leads, values):
        self.X.set_leads(leads, values)

    def restore_leads(self, leads, values):
        self.X.restore_leads(leads, values)


def check_can_shuffle(method, n_records, n_drawn=None):
    """Raise if records are too few to exchange leads.

    Parameters
    ----------
    method : {"shuffle", "gaussian"}
    n_records : int
    n_drawn : int or None, default=None
        Number of records that are drawn of them; None is all.
    """
    if method != "shuffle":
        return
    if n_records == 1:
        raise ValueError(
            "X has a single record, which cannot exchange leads with others. Pass "
            "method='gaussian', or more records."
        )
    if n_drawn == 1:
        raise ValueError(
            f"max_samples is a single one of the {n_records} records, which cannot exchange leads "
            "with others. Pass method='gaussian', or a larger max_samples."
        )


class LeadReplacement:
    """Values that leads are replaced by, repeat by repeat; the same for all groups.

    Parameters
    ----------
    method : {"shuffle", "gaussian"}
    rng : RandomState
        For the shuffles, in the state in which scikit-learn starts to shuffle.
    seed : int
        Seed of the noise.
    n_records, n_repeats : int
    """

    def __init__(self, method, rng, seed, n_records, n_repeats):
        self.method = method
        self.seed = seed
        self.n_repeats = n_repeats
        self.orders = []
        if method == "shuffle":
            # As in scikit-learn, each shuffle and each exchange is applied on top of the last one.
            shuffled, order = np.arange(n_records), np.arange(n_records)
            for _ in range(n_repeats):
                rng.shuffle(shuffled)
                order = order[shuffled]
                self.orders.append(order)

    def iter_values(self, records, values):
        """Yield what replaces these values of the leads, once per repeat."""
        if self.method == "shuffle":
            for order in self.orders:
                yield records.take(values, order)
            return
        signals = records.to_signals(values)
        mean, scale = _mean_and_scale(signals)
        rng = np.random.default_rng(self.seed)
        for _ in range(self.n_repeats):
            yield records.from_signals(mean + scale * _draw_noise(rng, signals))


class TiledLeadReplacement(LeadReplacement):
    """The same values in one array, for records that were tiled ``n_repeats`` times."""

    def iter_values(self, records, values):
        """Yield what replaces these values of the leads, once for all repeats."""
        if self.method == "shuffle":
            n_records = len(self.orders[0])
            orders = [order + i * n_records for i, order in enumerate(self.orders)]
            yield records.take(values, np.concatenate(orders))
            return
        signals = records.to_signals(values)
        mean, scale = _mean_and_scale(signals)
        rng = np.random.default_rng(self.seed)
        noise = [_draw_noise(rng, part) for part in np.split(signals, self.n_repeats)]
        yield records.from_signals(mean + scale * np.concatenate(noise))


def _mean_and_scale(signals):
    """Return mean and standard deviation of each signal, in the precision of the signals."""
    dtype = np.result_type(signals.dtype, np.float32)
    options = {"axis": 2, "dtype": np.float64, "keepdims": True}
    return signals.mean(**options).astype(dtype), signals.std(**options).astype(dtype)


def _draw_noise(rng, signals):
    # In the same precision for all containers, so that they give the same result.
    return rng.standard_normal(signals.shape, dtype=np.float32)

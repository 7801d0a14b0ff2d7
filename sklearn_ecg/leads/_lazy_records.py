"""Records that are read from a file when they are needed."""

import copy
import operator
import os

import numpy as np

from ..utils._chunks import LAZY, record_chunks
from ..utils._warnings import warn
from ._attrs import check_rate_note, check_unit_note
from ._names import normalize_lead_names
from ._record_columns import make_column
from ._record_sources import AppliedSource, FileSource, ReplacedLeadsSource

# Bytes of an array of which reading it as a whole raises a warning.
_LARGE = 2**30


class LazyRecords:
    """Records of signals in a file, which are read when they are needed.

    They have a shape, a dtype and a length as an array has, and are indexed in the same way:
    an integer returns a record, and a slice, a mask or positions return other lazy records,
    without reading the file. The tools of scikit-learn that select records, such as
    ``cross_validate``, ``GridSearchCV``, ``Pipeline`` and ``train_test_split``, therefore do not
    copy them. The estimators of this package read them in parts. For the samplers of
    imbalanced-learn, see `to_column`. Everything else converts them to an array, with a warning if
    it has 1 GiB or more.

    Pickles contain the path of the file and the positions of the records. Other processes read the
    same file. If it has changed since it was opened, which its size and its modification time show,
    reading it raises an error.

    Parameters
    ----------
    records : str, path-like or memmap of shape (n_records, n_leads, n_times)
        An ``.npy`` file, or a memory map of a file in C-order, of real numbers. Loaders return lazy
        records of their cache with ``lazy=True``.
    lead_names : iterable of str, default=None
        Names of the leads, in the order of `records`. Known leads get their standard names. None
        means unknown; estimators assume the standard order for twelve leads.
    scale : float or array-like of shape (n_leads,), default=None
        Factor by which stored numbers are multiplied, for all leads or for each of them, not 0. The
        records are then float32. For a file of int16 with 1000 steps per mV, it is 0.001.
    sampling_rate : float, default=None
        Time points per second (Hz), > 0, stored in ``attrs["sampling_rate"]``. None means unknown.
    units : str, default=None
        Unit of the records, such as "mV", stored in ``attrs["units"]``. None means unknown.

    Attributes
    ----------
    dtype : dtype
        Data type of the records when they are read.
    lead_names : tuple of str or None
        Names of the leads.
    attrs : dict
        The notes ``"sampling_rate"`` and ``"units"``, if they are known, which estimators compare
        with theirs, as those of a lead frame.

    Raises
    ------
    TypeError
        If `records` is neither a path nor a memory map, or does not contain real numbers.
    ValueError
        If `records` is not of shape (n_records, n_leads, n_times) or not a file in C-order, or if a
        parameter does not match it.

    See Also
    --------
    to_lead_frame : Convert an array to a frame, which is in memory.

    Notes
    -----
    Memory is bounded in `fit`, `transform` and `predict` of the networks and of the transformers,
    and in the functions for the importance of leads. Transformers of signals return lazy records:
    signals are transformed each time that they are read. `save` writes them to a new file, which is
    worthwhile if the transformation takes longer than reading.

    The file is read by ordinary reads. The pages of a memory map would count as memory of the
    process.

    Examples
    --------
    >>> import os
    >>> import tempfile
    >>> import numpy as np
    >>> from sklearn_ecg import LazyRecords
    >>> from sklearn_ecg.datasets import make_ecg
    >>> X, y = make_ecg(40, return_X_y=True, random_state=0)
    >>> path = os.path.join(tempfile.mkdtemp(), "records.npy")
    >>> np.save(path, X)
    >>> records = LazyRecords(path, sampling_rate=100, units="mV")
    >>> records.shape, records[10:20].shape, records[[3, 1]].shape
    ((40, 12, 1000), (10, 12, 1000), (2, 12, 1000))
    >>> bool((np.asarray(records[[3, 1]]) == X[[3, 1]]).all())
    True
    >>> bool((records[3] == X[3]).all())
    True

    Cross-validation reads the records of each fold in parts:

    >>> from sklearn.model_selection import cross_validate
    >>> from sklearn_ecg import MSAICNetClassifier
    >>> clf = MSAICNetClassifier(filters=(8,), dilations=(1,), max_epochs=2, random_state=0)
    >>> lazy = cross_validate(clf, records, y, cv=2)["test_score"]
    >>> bool((lazy == cross_validate(clf, X, y, cv=2)["test_score"]).all())
    True

    Time points cannot be selected:

    >>> records[:, :, :500]
    Traceback (most recent call last):
        ...
    IndexError: Lazy records are indexed by records and leads, got [:, :, :500]...
    """

    def __init__(self, records, *, lead_names=None, scale=None, sampling_rate=None, units=None):
        array = _open_map(records)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"records must contain real numbers, got dtype {array.dtype}.")
        if array.ndim != 3:
            raise ValueError(
                "records must be of shape (n_records, n_leads, n_times), got shape "
                f"{array.shape}. Reshape rows: array.reshape(len(array), n_leads, -1)."
            )
        source = FileSource(array, _check_scale(scale, array.shape[1]))
        self._set_source(source)
        if lead_names is not None:
            lead_names = normalize_lead_names(lead_names, strict=False)
            if len(lead_names) != array.shape[1]:
                raise ValueError(
                    f"lead_names has {len(lead_names)} names, but records of shape {array.shape} "
                    f"have {array.shape[1]} leads."
                )
        self.lead_names = lead_names
        self.attrs = {}
        if sampling_rate is not None:
            self.attrs["sampling_rate"] = check_rate_note(sampling_rate, "sampling_rate")
        if units is not None:
            self.attrs["units"] = check_unit_note(units, "units")

    def _set_source(self, source):
        self._source = source
        self._positions = range(source.shape[0])
        self._leads = None
        self.dtype = source.dtype

    @property
    def shape(self):
        """Numbers of records, leads and time points."""
        _, n_leads, n_times = self._source.shape
        n_leads = n_leads if self._leads is None else len(self._leads)
        return len(self._positions), n_leads, n_times

    @property
    def ndim(self):
        """Number of dimensions, 3."""
        return 3

    @property
    def size(self):
        """Number of values."""
        n_records, n_leads, n_times = self.shape
        return n_records * n_leads * n_times

    @property
    def nbytes(self):
        """Bytes that the records take when they are read."""
        return self.size * self.dtype.itemsize

    def __len__(self):
        return len(self._positions)

    def __iter__(self):
        for part in self._parts():
            yield from self[part]._read()

    def __repr__(self):
        names = "" if self.lead_names is None else f", lead_names={self.lead_names}"
        notes = "".join(f", {name}={value!r}" for name, value in self.attrs.items())
        return f"LazyRecords(shape={self.shape}, dtype={self.dtype}{names}{notes})"

    def __getitem__(self, key):
        records, leads = _split_key(key)
        if not isinstance(records, slice) and np.ndim(records) == 0:
            if isinstance(records, bool):
                raise IndexError(f"A record is selected by an integer, got {records}.")
            position = range(len(self))[operator.index(records)]
            return np.asarray(self[position : position + 1, leads])[0]
        selected = copy.copy(self)
        selected.attrs = dict(self.attrs)
        selected._positions = _select(self._positions, records)
        if not (isinstance(leads, slice) and leads == slice(None)):
            n_leads = self.shape[1]
            chosen = np.asarray(_select(range(n_leads), leads), dtype=np.intp)
            selected._leads = chosen if self._leads is None else self._leads[chosen]
            if self.lead_names is not None:
                selected.lead_names = tuple(self.lead_names[lead] for lead in chosen)
        return selected

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("Lazy records are read into a new array. Pass copy=None or True.")
        if self.nbytes >= _LARGE:
            warn(
                f"Lazy records of shape {self.shape} are read as a whole and take "
                f"{self.nbytes / 2**30:.1f} GiB of memory. Select fewer records, or pass them to a "
                "tool that reads them in parts: see the page Scale of the user guide.",
                UserWarning,
            )
        records = self._read()
        return records if dtype is None else records.astype(dtype, copy=False)

    def astype(self, dtype):
        """Return the same records, which are converted when they are read.

        Parameters
        ----------
        dtype : dtype
            Data type of real numbers.

        Returns
        -------
        records : LazyRecords
            Values that are too large for the data type become infinite.
        """
        converted = copy.copy(self)
        converted.attrs = dict(self.attrs)
        converted.dtype = np.dtype(dtype)
        return converted

    def apply(self, function, *, lead_names=None, attrs=None):
        """Return the result of a function of the records, computed when they are read.

        Parameters
        ----------
        function : callable
            Maps an array of shape (n_records, n_leads, n_times) to an array of signals with the
            same number of records, each of which depends on its record only. It is called with
            parts of the records and, to learn the shape of its result, with the first record.
        lead_names : iterable of str, default=None
            Names of the leads of the result. None means those of the records if there are as many
            leads as before, and otherwise unknown.
        attrs : dict, default=None
            Notes of the result, ``"sampling_rate"`` and ``"units"``. None means those of the
            records.

        Returns
        -------
        records : LazyRecords
            As many records as before.

        Raises
        ------
        ValueError
            If there are no records, or if the result is not an array of signals. Errors in other
            records than the first are raised when they are read.
        """
        if not len(self):
            raise ValueError("There are no records to apply a function to.")
        applied = copy.copy(self)
        applied._set_source(AppliedSource(self, function))
        if lead_names is not None:
            applied.lead_names = normalize_lead_names(lead_names, strict=False)
        if applied.lead_names is not None and len(applied.lead_names) != applied.shape[1]:
            if lead_names is not None:
                raise ValueError(
                    f"lead_names has {len(applied.lead_names)} names, but function returned "
                    f"{applied.shape[1]} leads."
                )
            applied.lead_names = None
        applied.attrs = dict(self.attrs if attrs is None else attrs)
        return applied

    def replace_leads(self, leads, values):
        """Return records in which some leads are replaced when they are read.

        Parameters
        ----------
        leads : array-like of int
            Positions of the leads.
        values : LazyRecords or ndarray of shape (n_records, len(leads), n_times)
            The signals that replace them, such as ``records[order][:, leads]`` for those of
            other records.

        Returns
        -------
        records : LazyRecords
            With the data type that both have in common.

        Raises
        ------
        ValueError
            If the shape of `values` does not match.
        IndexError
            If a lead is out of bounds.
        """
        leads = np.asarray(_select(range(self.shape[1]), leads), dtype=np.intp)
        expected = (len(self), len(leads), self.shape[2])
        if values.shape != expected:
            raise ValueError(f"values must have shape {expected}, got {values.shape}.")
        replaced = copy.copy(self)
        replaced.attrs = dict(self.attrs)
        replaced._set_source(ReplacedLeadsSource(self, leads, values))
        return replaced

    def to_column(self):
        """Return the records as a column of cells, for tools that need rows and columns.

        These are the samplers of imbalanced-learn that select records, and ensembles such as
        `sklearn.ensemble.BaggingClassifier`. They convert X to an array of two dimensions, as which
        lazy records would be read and refused.

        Returns
        -------
        column : ndarray of shape (n_records, 1), dtype object
            Each cell is one lazy record, which is not read. Estimators accept such a column, or
            some rows of it in any order, in place of the lazy records. Transformers of signals
            return a column.
        """
        return make_column(self)

    def save(self, path):
        """Write the records to a new ``.npy`` file, and return the lazy records of this file.

        Parameters
        ----------
        path : str or path-like
            A file that does not exist.

        Returns
        -------
        records : LazyRecords
            The same records with the same names and notes, which are read from the new file.

        Raises
        ------
        FileExistsError
            If the file exists.
        """
        path = os.fspath(path)
        with open(path, "xb") as file:
            try:
                header = {
                    "descr": np.lib.format.dtype_to_descr(self.dtype),
                    "fortran_order": False,
                    "shape": self.shape,
                }
                np.lib.format.write_array_header_1_0(file, header)
                for part in self._parts():
                    file.write(np.ascontiguousarray(self[part]._read()).data)
            except BaseException:
                os.unlink(path)
                raise
        return LazyRecords(path, lead_names=self.lead_names, **self.attrs)

    def _parts(self):
        """Return slices of the records that are read at once."""
        return record_chunks(len(self), self.size / max(1, len(self)), LAZY)

    def _read(self):
        """Return the records as an array, part by part."""
        parts = self._parts()
        if len(parts) == 1:
            return self._read_part(parts[0])
        records = np.empty(self.shape, self.dtype)
        for part in parts:
            records[part] = self._read_part(part)
        return records

    def _read_part(self, part):
        records = self._source.read(self._positions[part], self._leads)
        # Amplitudes beyond float32 become infinite, which estimators report.
        with np.errstate(over="ignore"):
            return records.astype(self.dtype, copy=False)


def _open_map(records):
    """Return a memory map of a path, and a memory map as it is."""
    if isinstance(records, np.ndarray):
        return records
    if not isinstance(records, (str, os.PathLike)):
        raise TypeError(
            "records must be the path of an .npy file or a memory map, got "
            f"{type(records).__name__}. Save an array with np.save, and pass its path."
        )
    path = os.path.expanduser(os.fspath(records))
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise ValueError(
            f"records={os.fspath(records)!r} is not an .npy file of numbers ({error}). Write it "
            "with np.save, or pass a memory map for another format."
        ) from error


def _check_scale(scale, n_leads):
    """Return the factor of each lead as float32, or None."""
    if scale is None:
        return None
    try:
        scale = np.asarray(scale, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise TypeError(f"scale must be a number, or one for each lead ({error}).") from error
    if scale.shape not in ((), (n_leads,)):
        raise ValueError(
            f"scale must be a number, or one for each of {n_leads} leads, got shape {scale.shape}."
        )
    if not np.isfinite(scale).all() or not scale.all():
        raise ValueError(f"scale must be finite and not 0, got {scale.tolist()}.")
    return np.broadcast_to(scale, n_leads).copy()


def _split_key(key):
    """Return the keys of records and of leads."""
    if not isinstance(key, tuple):
        return key, slice(None)
    parts = key[:-1] if key and key[-1] is Ellipsis else key
    if len(parts) == 3 and isinstance(parts[2], slice) and parts[2] == slice(None):
        parts = parts[:2]
    if not 1 <= len(parts) <= 2 or any(part is Ellipsis or part is None for part in parts):
        raise IndexError(
            f"Lazy records are indexed by records and leads, got [{_show_key(key)}]. Select time "
            "points with Cropper, or read the records: np.asarray(records)[...]."
        )
    leads = parts[1] if len(parts) == 2 else slice(None)
    if not isinstance(leads, slice) and np.ndim(leads) == 0:
        raise IndexError(
            f"Leads of lazy records are selected by a slice or a list, as in [:, [0]], got "
            f"[{_show_key(key)}]."
        )
    if np.ndim(parts[0]) and not isinstance(parts[0], slice) and not isinstance(leads, slice):
        raise IndexError(
            "Positions of records and of leads at once would be pairs in NumPy, got "
            f"[{_show_key(key)}]. Select one after the other: [records][:, leads]."
        )
    return parts[0], leads


def _show_key(key):
    """Return a key as it was written, as far as it is short."""
    parts = []
    for part in key:
        if isinstance(part, slice):
            bounds = ["" if bound is None else str(bound) for bound in (part.start, part.stop)]
            parts.append(":".join(bounds + ([] if part.step is None else [str(part.step)])))
        else:
            parts.append("..." if part is Ellipsis else f"{part!r:.40}")
    return ", ".join(parts)


def _select(positions, key):
    """Return some of the positions, a range or an array, as NumPy selects them."""
    if isinstance(key, slice):
        return positions[key]
    key = np.asarray(key)
    n = len(positions)
    if key.dtype == bool and key.shape == (n,):
        key = np.flatnonzero(key)
    elif key.size == 0 and key.ndim == 1:
        key = key.astype(np.intp)
    elif key.ndim != 1 or key.dtype.kind not in "iu":
        raise IndexError(
            f"Positions must be integers or a mask of {n} values, got an array of shape "
            f"{key.shape} and dtype {key.dtype}."
        )
    outside = key[(key < -n) | (key >= n)]
    if len(outside):
        raise IndexError(f"Position {outside[0]} is out of bounds for {n} records or leads.")
    key = key.astype(np.intp)  # smaller integers would overflow below
    key = np.where(key < 0, key + n, key)
    return (
        positions.start + positions.step * key if isinstance(positions, range) else positions[key]
    )

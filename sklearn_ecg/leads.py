"""Leads: their names, their regions, and the lead frame.

In scikit-learn a column is a feature; in an ECG the feature is the *lead*. A **lead frame** is a
pandas DataFrame with one column per lead, in which each cell is the signal of one record. The
columns hold Arrow lists of fixed length, so that a frame is as compact as the array it was made
from, while everything that works on columns (``ColumnTransformer``, ``permutation_importance``,
``feature_names_in_``, Parquet files) works on leads by name.

Nothing here imports scikit-learn or torch.
"""

import json
import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

__all__ = [
    "REGIONS_12",
    "REGIONS_8",
    "STANDARD_LEADS",
    "derive_leads",
    "is_lead_frame",
    "lead_regions",
    "normalize_lead_name",
    "normalize_lead_names",
    "read_lead_frame",
    "stack_signals",
    "to_lead_array",
    "to_lead_frame",
]

#: The twelve standard leads in standard order.
STANDARD_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


class _Regions(Mapping):
    """An immutable mapping from region to leads.

    Unlike ``types.MappingProxyType`` it can be copied and pickled, as ``clone`` and ``joblib`` do
    with an estimator's parameters.
    """

    def __init__(self, **regions):
        self._regions = regions

    def __getitem__(self, region):
        return self._regions[region]

    def __iter__(self):
        return iter(self._regions)

    def __len__(self):
        return len(self._regions)

    def __repr__(self):
        return repr(self._regions)


#: Regions of the twelve standard leads. aVR looks into the cavity and belongs to none.
REGIONS_12 = _Regions(
    inferior=("II", "III", "aVF"),
    lateral=("I", "aVL", "V5", "V6"),
    septal=("V1", "V2"),
    anterior=("V3", "V4"),
)

#: Regions of the eight leads II, III, V1 to V6 used by ACL-ECG.
REGIONS_8 = _Regions(
    inferior=("II", "III"),
    septal=("V1", "V2"),
    anterior=("V3", "V4"),
    lateral=("V5", "V6"),
)

_REGION_MAPS = {"twelve": REGIONS_12, "eight": REGIONS_8}

_FURTHER_LEADS = ("V7", "V8", "V9", "V3R", "V4R", "V5R", "V6R", "X", "Y", "Z")
_KNOWN_LEADS = STANDARD_LEADS + _FURTHER_LEADS

# The only place for aliases, in upper case. Case, separators and the prefixes below are taken care
# of by normalize_lead_name.
_ALIASES = {
    **{lead.upper(): lead for lead in _KNOWN_LEADS},
    # Modified leads of Holter recorders: electrodes on the torso, same direction.
    **{f"ML{lead}": lead for lead in ("I", "II", "III")},
    **{f"MV{number}": f"V{number}" for number in range(1, 7)},
    # Spanish and Portuguese: derivación.
    **{f"D{lead}": lead for lead in ("I", "II", "III")},
    # Frank's orthogonal leads.
    **{f"V{axis}": axis for axis in "XYZ"},
}

_PREFIXES = re.compile(r"(?:(?:MDC|ECG|EKG|LEAD)(?:[\s_.:]+|-)?)*(?P<rest>.+)")
# Separators go only after the letters of "V 1", "a VR" and "ML II". To remove them everywhere
# would turn the difference "I-II" into "III" and the inverted "-aVR" into "aVR".
_INNER_SEPARATORS = re.compile(r"(?<=[AVLD])[\s_-](?=[A-Z0-9])")

# Each derived lead as (weight of I, weight of II).
LIMB_LEAD_WEIGHTS = {
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}

# They add nothing where leads I and II are.
DERIVED_LEADS = tuple(LIMB_LEAD_WEIGHTS)


# --------------------------------------------------------------------------------------------------
# Names
# --------------------------------------------------------------------------------------------------


def normalize_lead_name(name):
    """Give a lead its standard name.

    Case, blanks around the name and the prefixes "Lead", "ECG", "EKG" and "MDC_ECG_LEAD" do not
    matter. The modified leads of Holter recorders are taken for the leads they stand for: "MLI",
    "MLII", "MLIII" for I, II, III and "MV1" to "MV6" for V1 to V6. An inverted lead ("-aVR") and
    a difference ("I-II") are *not* known leads.

    Parameters
    ----------
    name : str
        A lead's name as found in a file.

    Returns
    -------
    str
        One of the twelve `STANDARD_LEADS`, or a posterior lead (V7 to V9), a right-sided lead
        (V3R to V6R) or a Frank lead (X, Y, Z).

    Raises
    ------
    TypeError
        If `name` is not a string.
    ValueError
        If `name` is not a known lead.

    Examples
    --------
    >>> from sklearn_ecg.leads import normalize_lead_name
    >>> [normalize_lead_name(name) for name in ("AVR", "lead_ii", "MLII", "v1 ", "vx")]
    ['aVR', 'II', 'II', 'V1', 'X']
    >>> normalize_lead_name("RESP")
    Traceback (most recent call last):
        ...
    ValueError: 'RESP' is not a known lead. Known leads are I, II, III, aVR, ...
    """
    if not isinstance(name, str):
        raise TypeError(
            f"A lead's name must be a str, got {name!r} of type {type(name).__name__}. Pass names "
            "such as 'II' or 'aVR'."
        )
    key = _PREFIXES.sub(r"\g<rest>", name.strip().upper())
    key = _INNER_SEPARATORS.sub("", key)
    if key not in _ALIASES:
        raise ValueError(
            f"{name!r} is not a known lead. Known leads are {', '.join(_KNOWN_LEADS)}, in any case "
            "and with aliases such as 'Lead II' or 'MLII'. Rename it, or leave it out."
        )
    return _ALIASES[key]


def normalize_lead_names(names, *, strict=True):
    """Give several leads their standard names, which must then be unique.

    Parameters
    ----------
    names : iterable of str
        The leads' names, in the order of the signals.
    strict : bool, default=True
        Whether a name that is not a known lead is an error. With ``strict=False`` such a name is
        kept as it is.

    Returns
    -------
    tuple of str
        The names, in the order given.

    Raises
    ------
    TypeError
        If `names` is a single string, or one of the names is not a string.
    ValueError
        If two names mean the same lead, or, with ``strict=True``, a name is not a known lead.

    Examples
    --------
    >>> from sklearn_ecg.leads import normalize_lead_names
    >>> normalize_lead_names(["i", "AVF", "Lead V1"])
    ('I', 'aVF', 'V1')
    >>> normalize_lead_names(["MLII", "RESP"], strict=False)
    ('II', 'RESP')
    >>> normalize_lead_names(["aVR", "AVR"])
    Traceback (most recent call last):
        ...
    ValueError: The leads 'aVR' and 'AVR' are both lead aVR. ...
    """
    if isinstance(names, str):
        raise TypeError(f"names must be a list of lead names, got the single str {names!r}.")
    given = {}
    for name in names:
        try:
            lead = normalize_lead_name(name)
        except ValueError:
            if strict:
                raise
            lead = name
        if lead in given:
            raise ValueError(
                f"The leads {given[lead]!r} and {name!r} are both lead {lead}. Each lead must "
                "occur once: remove or rename one of them."
            )
        given[lead] = name
    return tuple(given)


def lead_regions(lead_names, regions="twelve"):
    """Find the positions of each region's leads.

    Parameters
    ----------
    lead_names : iterable of str
        The names of the leads that are present, in the order of the signals.
    regions : {"twelve", "eight"} or mapping of str to sequence of str, default="twelve"
        "twelve" is `REGIONS_12`, "eight" is `REGIONS_8`; any other grouping as a mapping from a
        region's name to its leads.

    Returns
    -------
    dict of str to list of int
        For each region the positions of its leads in `lead_names`, in the region's order.

    Raises
    ------
    TypeError
        If `regions` is neither a string nor a mapping, or a region's leads are a single string.
    ValueError
        If `lead_names` is None, the name of the regions is unknown, there are no regions or a
        region is empty, or a region's lead is not present.

    Examples
    --------
    >>> from sklearn_ecg.leads import STANDARD_LEADS, lead_regions
    >>> lead_regions(STANDARD_LEADS)["inferior"]
    [1, 2, 5]
    >>> lead_regions(["II", "V1", "V2"], {"limb": ["II"], "chest": ["V1", "V2"]})
    {'limb': [0], 'chest': [1, 2]}
    >>> lead_regions(["II", "V1", "V2"])
    Traceback (most recent call last):
        ...
    ValueError: Region 'inferior' needs lead III, but the leads present are II, V1, V2. ...
    """
    if lead_names is None:
        raise ValueError(
            "Regions need the names of the leads, which are unknown (lead_names=None). Pass a "
            "lead frame (see to_lead_frame), or lead_names."
        )
    if isinstance(regions, str):
        if regions not in _REGION_MAPS:
            raise ValueError(
                f"regions={regions!r} is unknown. Pass 'twelve', 'eight' or a mapping from a "
                "region's name to its leads."
            )
        regions = _REGION_MAPS[regions]
    if not isinstance(regions, Mapping):
        raise TypeError(
            "regions must be 'twelve', 'eight' or a mapping from a region's name to its leads, "
            f"got {type(regions).__name__}."
        )
    if not regions:
        raise ValueError("regions is an empty mapping. Pass at least one region.")

    present = normalize_lead_names(lead_names, strict=False)
    positions = {}
    for region, leads in regions.items():
        if isinstance(leads, str):
            raise TypeError(
                f"Region {region!r} must be a list of leads, got the str {leads!r}. Pass "
                f"[{leads!r}]."
            )
        leads = normalize_lead_names(leads, strict=False)
        if not leads:
            raise ValueError(f"Region {region!r} has no leads. Give it at least one.")
        for lead in leads:
            if lead not in present:
                raise ValueError(
                    f"Region {region!r} needs lead {lead}, but the leads present are "
                    f"{', '.join(present)}. Pass records with this lead, or other regions."
                )
        positions[region] = [present.index(lead) for lead in leads]
    return positions


# --------------------------------------------------------------------------------------------------
# Lead frames and arrays
# --------------------------------------------------------------------------------------------------


def to_lead_frame(X, leads=None, *, index=None, sampling_rate=None, units=None):
    """Make a lead frame from an array: one column per lead, each cell a record's signal.

    Parameters
    ----------
    X : array of shape (n_records, n_leads, n_times)
        Signals. float64 stays float64; all other real numbers become float32, which is exact for
        integers of up to 24 bits.
    leads : iterable of str, default=None
        The leads' names, in the order of ``X``. Known leads get their standard names, other names
        are kept. None stands for `STANDARD_LEADS`, in that order, if there are twelve leads.
    index : array-like of shape (n_records,), default=None
        The frame's index, such as the records' ids. None counts from 0.
    sampling_rate : float, default=None
        Time points per second (Hz), to be kept in ``frame.attrs["sampling_rate"]``.
    units : str, default=None
        The unit of the signals, such as "mV", to be kept in ``frame.attrs["units"]``.

    Returns
    -------
    DataFrame of shape (n_records, n_leads)
        The columns' dtype is ``pd.ArrowDtype(pa.list_(pa.float32(), n_times))``, or the same with
        ``pa.float64()``. The frame does not share memory with `X`.

    Raises
    ------
    TypeError
        If `X` does not hold real numbers, or a name is not a string.
    ValueError
        If `X` does not have three dimensions or has no time points, if `leads` is None and there
        are not twelve leads, or if the number of names or of index labels does not fit.

    See Also
    --------
    to_lead_array : The way back.
    read_lead_frame : Read a lead frame from a Parquet file.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.leads import to_lead_frame
    >>> X = np.zeros((5, 2, 1000), dtype=np.float32)
    >>> frame = to_lead_frame(X, ["I", "AVF"])
    >>> frame.shape, list(frame.columns)
    ((5, 2), ['I', 'aVF'])
    >>> frame.dtypes["I"]
    fixed_size_list<item: float>[1000][pyarrow]
    >>> to_lead_frame(X)
    Traceback (most recent call last):
        ...
    ValueError: X has 2 leads without names. ...
    """
    X = _check_signal_array(X)
    _, n_leads, n_times = X.shape
    if n_times == 0:
        raise ValueError(f"X has no time points: its shape is {X.shape}.")
    if leads is None:
        if n_leads != len(STANDARD_LEADS):
            hint = ""
            if n_times == len(STANDARD_LEADS):
                hint = (
                    f" Or is the shape {X.shape} (n_records, n_times, n_leads)? Then pass "
                    "X.transpose(0, 2, 1)."
                )
            raise ValueError(
                f"X has {n_leads} leads without names. Only twelve leads are taken to be in "
                f"standard order: pass leads, a list of {n_leads} names.{hint}"
            )
        leads = STANDARD_LEADS
    leads = _check_leads(X, leads)
    if index is not None and len(index) != len(X):
        raise ValueError(f"index has {len(index)} labels, but X has {len(X)} records.")
    frame = _build_frame(X, leads, index)
    notes = {"sampling_rate": sampling_rate, "units": units}
    frame.attrs.update({name: note for name, note in notes.items() if note is not None})
    return frame


def to_lead_array(frame, *, dtype=None):
    """Make an array from a lead frame.

    Parameters
    ----------
    frame : DataFrame of shape (n_records, n_leads)
        A lead frame. Its cells are Arrow lists, of fixed or of variable length, or, in columns of
        dtype object, lists or one-dimensional arrays. A null *within* a signal becomes NaN.
    dtype : dtype, default=None
        The array's dtype. None takes the one that holds all columns.

    Returns
    -------
    ndarray of shape (n_records, n_leads, n_times)
        The signals, in C order, the leads in the order of the columns.

    Raises
    ------
    TypeError
        If `frame` is not a DataFrame.
    ValueError
        If a column does not hold signals, a cell is null, the signals differ in length, or there
        are no records and the columns' dtype does not tell the length.

    See Also
    --------
    to_lead_frame : The way back.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.leads import to_lead_array, to_lead_frame
    >>> X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    >>> frame = to_lead_frame(X, ["I", "II", "V1"])
    >>> to_lead_array(frame[["V1", "I"]])[0]
    array([[ 8.,  9., 10., 11.],
           [ 0.,  1.,  2.,  3.]], dtype=float32)
    """
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(
            f"frame must be a pandas DataFrame with one column per lead, got "
            f"{type(frame).__name__}. to_lead_frame makes one from an array."
        )
    if not all(_is_signal_dtype(dtype) for dtype in frame.dtypes):
        if len(frame) and not is_lead_frame(frame):
            raise ValueError(
                "frame is not a lead frame: its cells are not signals. Pass a "
                "frame with one column per lead, whose cells are the records' signals."
            )
        return _stack_cells(frame.to_numpy(dtype=object), frame.columns, frame.index, dtype)
    if frame.shape[1] == 0:
        raise ValueError("frame has no columns. Pass a frame with one column per lead.")

    columns = [frame.iloc[:, j].array.__arrow_array__() for j in range(frame.shape[1])]
    if len(frame) == 0:
        lengths = np.array([[getattr(column.type, "list_size", -1) for column in columns]])
        if (lengths < 0).any():
            _raise_unknown_length()
    else:
        lengths = np.stack(
            [pc.list_value_length(column).fill_null(-1).to_numpy() for column in columns], axis=1
        )
    _check_lengths(lengths, frame.columns, frame.index)

    if dtype is None:
        dtype = np.result_type(*(column.type.value_type.to_pandas_dtype() for column in columns))
    X = np.empty((*frame.shape, lengths[0, 0]), dtype=dtype)
    for position, column in enumerate(columns):
        start = 0
        # Chunk by chunk: a frame made by concat has several, and to combine them costs a copy.
        for chunk in column.chunks:
            stop = start + len(chunk)
            values = chunk.flatten().to_numpy(zero_copy_only=False)
            X[start:stop, position] = values.reshape(len(chunk), X.shape[2])
            start = stop
    return X


def stack_signals(cells, *, dtype=None):
    """Make an array from a table of signals.

    Such an object array is what scikit-learn's meta-estimators make of a lead frame, and what
    ``frame.to_numpy()`` gives.

    Parameters
    ----------
    cells : ndarray of shape (n_records, n_leads) and dtype object
        Each cell is one lead of one record: a list or a one-dimensional array of numbers.
    dtype : dtype, default=None
        The array's dtype. None takes the one that holds all cells.

    Returns
    -------
    ndarray of shape (n_records, n_leads, n_times)
        The signals, in C order.

    Raises
    ------
    ValueError
        If `cells` is not a two-dimensional object array, has no cells, a cell is not a signal, or
        the signals differ in length.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.leads import stack_signals, to_lead_frame
    >>> frame = to_lead_frame(np.zeros((5, 2, 1000)), ["I", "II"])
    >>> cells = frame.to_numpy()
    >>> cells.shape, stack_signals(cells).shape
    ((5, 2), (5, 2, 1000))
    """
    cells = np.asarray(cells)
    if cells.ndim != 2 or cells.dtype != object:
        raise ValueError(
            "cells must be an object array of shape (n_records, n_leads) whose cells are signals, "
            f"got shape {cells.shape} and dtype {cells.dtype}."
        )
    return _stack_cells(cells, range(cells.shape[1]), None, dtype)


def is_lead_frame(obj):
    """Tell whether an object is a lead frame: a DataFrame whose cells are signals.

    Columns of dtype object are judged by their first cell that is not null.

    Parameters
    ----------
    obj : object
        Anything.

    Returns
    -------
    bool
        True for a DataFrame whose columns all hold signals; False for a DataFrame none of whose
        columns does, and for anything else.

    Raises
    ------
    ValueError
        If some columns hold signals and others do not.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.leads import is_lead_frame, to_lead_frame
    >>> frame = to_lead_frame(np.zeros((5, 2, 1000)), ["I", "II"])
    >>> is_lead_frame(frame), is_lead_frame(np.zeros((5, 2, 1000)))
    (True, False)
    >>> is_lead_frame(frame.assign(age=50))
    Traceback (most recent call last):
        ...
    ValueError: Some columns of the frame hold signals, but these do not: 'age'. ...
    """
    if not isinstance(obj, pd.DataFrame) or obj.shape[1] == 0:
        return False
    if not any(dtype == object or _is_signal_dtype(dtype) for dtype in set(obj.dtypes)):
        return False
    holds_signals = [_is_signal_column(obj.iloc[:, j]) for j in range(obj.shape[1])]
    if any(holds_signals) and not all(holds_signals):
        others = [str(c) for c, holds in zip(obj.columns, holds_signals) if not holds]
        raise ValueError(
            "Some columns of the frame hold signals, but these do not: "
            f"{', '.join(map(repr, others))}. Pass only the leads' columns, or treat the others "
            "apart, with a ColumnTransformer."
        )
    return all(holds_signals)


def read_lead_frame(path, columns=None):
    """Read a lead frame from a Parquet file.

    ``frame.to_parquet(path)`` writes one; plain ``pandas.read_parquet`` cannot read it back with
    the dtypes that it was written with.

    Parameters
    ----------
    path : str or path-like
        The Parquet file.
    columns : list of str, default=None
        The columns to read, all of them leads. None reads all.

    Returns
    -------
    DataFrame of shape (n_records, n_leads)
        A lead frame of the same values, dtypes, index and ``attrs`` (sampling rate and units) as
        `to_lead_frame` made. Signals stored as lists of variable length get the fixed length that
        they share.

    Raises
    ------
    ValueError
        If a column does not hold signals or is not in the file, a cell is null, or the signals
        differ in length.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sklearn_ecg.leads import read_lead_frame, to_lead_frame
    >>> X = np.zeros((5, 2, 1000))
    >>> frame = to_lead_frame(X, ["I", "II"], sampling_rate=100, units="mV")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     frame.to_parquet(Path(folder) / "records.parquet")
    ...     same = read_lead_frame(Path(folder) / "records.parquet")
    >>> same.equals(frame), same.attrs
    (True, {'sampling_rate': 100, 'units': 'mV'})
    """
    if columns is not None:
        columns = list(columns)
        stored = pq.read_schema(path).names
        missing = [column for column in columns if column not in stored]
        if missing:
            raise ValueError(
                f"columns not found in the file: {missing}. It holds {', '.join(stored)}."
            )
    # With pandas' metadata the index comes along, even when columns does not name it.
    table = pq.read_table(path, columns=columns, use_pandas_metadata=True)
    table = _forget_list_dtypes(table)
    frame = table.to_pandas(types_mapper=lambda t: pd.ArrowDtype(t) if _is_signal_type(t) else None)
    if columns is not None:
        frame = frame[columns]
    others = [str(name) for name, dtype in frame.dtypes.items() if not _is_signal_dtype(dtype)]
    if others:
        raise ValueError(
            f"These columns of the file do not hold signals: {', '.join(map(repr, others))}. Pass "
            "columns, the list of the leads to read."
        )
    if frame.shape[1] == 0:
        raise ValueError("The file has no columns that hold signals.")
    # Parquet renames the field of the lists, by which pandas tells dtypes apart: build them anew.
    attrs = frame.attrs
    frame = _build_frame(to_lead_array(frame), frame.columns, frame.index)
    # pandas writes attrs as JSON, and gives them back only from its own read_parquet.
    metadata = table.schema.metadata or {}
    frame.attrs.update(attrs or json.loads(metadata.get(b"PANDAS_ATTRS", b"{}")))
    return frame


def derive_leads(X, leads, derive=("III", "aVR", "aVL", "aVF")):
    """Add the limb leads that follow from leads I and II.

    III = II - I, aVR = -(I + II) / 2, aVL = I - II / 2 and aVF = II - I / 2.

    Parameters
    ----------
    X : array of shape (n_records, n_leads, n_times)
        Signals.
    leads : iterable of str
        The leads' names, in the order of ``X``.
    derive : iterable of str, default=("III", "aVR", "aVL", "aVF")
        The leads to add. One that is present already is kept as it is.

    Returns
    -------
    X_new : ndarray of shape (n_records, n_leads_new, n_times)
        The leads given and the leads derived. float64 stays float64, other numbers become float32.
    leads_new : tuple of str
        The leads of `X_new`: the standard ones in standard order, then posterior, right-sided and
        Frank leads, then any others in the order given.

    Raises
    ------
    TypeError
        If `X` does not hold real numbers, or a name is not a string.
    ValueError
        If a lead has to be derived and lead I or II is missing, a lead cannot be derived from I
        and II, or `X` and `leads` do not fit each other.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.leads import derive_leads
    >>> X = np.array([[[5.0, 5.0], [1.0, 2.0], [3.0, 2.0]]])
    >>> X_new, leads = derive_leads(X, ["V1", "I", "II"], derive=["III"])
    >>> leads
    ('I', 'II', 'III', 'V1')
    >>> X_new[0, 2]
    array([2., 0.])
    """
    X = _check_signal_array(X)
    leads = _check_leads(X, leads)
    derive = normalize_lead_names(derive, strict=False)
    impossible = [lead for lead in derive if lead not in LIMB_LEAD_WEIGHTS and lead not in leads]
    if impossible:
        raise ValueError(
            f"derive={impossible} cannot be derived from leads I and II; only "
            f"{', '.join(LIMB_LEAD_WEIGHTS)} can."
        )
    new = [lead for lead in derive if lead not in leads]
    missing = [lead for lead in ("I", "II") if lead not in leads]
    if new and missing:
        raise ValueError(
            f"To derive {', '.join(new)}, leads I and II are needed, but {' and '.join(missing)} "
            f"missing: the leads present are {', '.join(leads)}."
        )

    rank = {lead: position for position, lead in enumerate(_KNOWN_LEADS)}
    # sorted is stable: leads without a rank keep their order.
    leads_new = tuple(sorted(leads + tuple(new), key=lambda lead: rank.get(lead, len(rank))))
    X_new = np.empty((X.shape[0], len(leads_new), X.shape[2]), dtype=_float_dtype(X.dtype))
    for position, lead in enumerate(leads_new):
        if lead in leads:
            X_new[:, position] = X[:, leads.index(lead)]
    for lead in new:
        of_first, of_second = LIMB_LEAD_WEIGHTS[lead]
        X_new[:, leads_new.index(lead)] = (
            of_first * X_new[:, leads_new.index("I")] + of_second * X_new[:, leads_new.index("II")]
        )
    return X_new, leads_new


# --------------------------------------------------------------------------------------------------
# Helpers
# --------------------------------------------------------------------------------------------------


def _float_dtype(dtype):
    return np.float64 if dtype.kind == "f" and dtype.itemsize > 4 else np.float32


def _check_signal_array(X):
    X = np.asarray(X)
    if X.dtype == object and X.ndim == 2:
        raise ValueError(
            f"X is an object array of shape {X.shape}. Make it an array of shape (n_records, "
            "n_leads, n_times) with stack_signals."
        )
    if X.ndim != 3:
        raise ValueError(
            f"X must be an array of shape (n_records, n_leads, n_times), got shape {X.shape}."
        )
    if X.dtype.kind not in "fiub":
        raise TypeError(f"X must hold real numbers, got dtype {X.dtype}.")
    return X


def _check_leads(X, leads):
    leads = normalize_lead_names(leads, strict=False)
    if len(leads) != X.shape[1]:
        raise ValueError(
            f"leads has {len(leads)} names, but X of shape {X.shape} has {X.shape[1]} leads."
        )
    return leads


def _build_frame(X, leads, index):
    dtype = _float_dtype(X.dtype)
    columns = {}
    for position, lead in enumerate(leads):
        # astype copies, which keeps the frame unchanged when the array is written to later.
        values = X[:, position].astype(dtype, order="C", copy=True).ravel()
        signals = pa.FixedSizeListArray.from_arrays(pa.array(values), X.shape[2])
        columns[lead] = pd.arrays.ArrowExtensionArray(signals)
    return pd.DataFrame(columns, index=index)


def _forget_list_dtypes(table):
    # pandas notes its dtypes by name, and cannot parse its own name of a list's dtype.
    metadata = table.schema.metadata or {}
    if b"pandas" not in metadata:
        return table
    notes = json.loads(metadata[b"pandas"])
    notes["columns"] = [note for note in notes["columns"] if "list<" not in note["numpy_type"]]
    return table.replace_schema_metadata({**metadata, b"pandas": json.dumps(notes)})


def _is_signal_type(arrow_type):
    is_list = (
        pa.types.is_fixed_size_list(arrow_type)
        or pa.types.is_list(arrow_type)
        or pa.types.is_large_list(arrow_type)
    )
    if not is_list:
        return False
    value_type = arrow_type.value_type
    return pa.types.is_floating(value_type) or pa.types.is_integer(value_type)


def _is_signal_dtype(dtype):
    return isinstance(dtype, pd.ArrowDtype) and _is_signal_type(dtype.pyarrow_dtype)


def _is_signal_cell(cell):
    if isinstance(cell, (np.ndarray, pd.Series)):
        return cell.ndim == 1
    return isinstance(cell, (list, tuple))


def _is_null(cell):
    # pd.isna of a signal would look at each of its numbers.
    return np.ndim(cell) == 0 and pd.isna(cell)


def _is_signal_column(column):
    if column.dtype != object:
        return _is_signal_dtype(column.dtype)
    first = next((cell for cell in column if not _is_null(cell)), None)
    return _is_signal_cell(first)


def _describe(record, lead, leads, index):
    label = "" if index is None or index[record] == record else f" (index {index[record]})"
    return f"record {record}{label}, lead {leads[lead]!r}"


def _check_lengths(lengths, leads, index):
    """Check an array (n_records, n_leads) of lengths, in which -1 marks a null cell."""
    leads = list(leads)
    nulls = np.argwhere(lengths < 0)
    if len(nulls):
        raise ValueError(
            f"The signal of {_describe(*nulls[0], leads, index)} is null ({len(nulls)} null cells "
            "in all). Leave out such records or leads."
        )
    different = np.argwhere(lengths != lengths[0, 0])
    if len(different):
        record, lead = different[0]
        raise ValueError(
            f"All signals must have one length, but {_describe(0, 0, leads, index)} has "
            f"{lengths[0, 0]} time points and {_describe(record, lead, leads, index)} has "
            f"{lengths[record, lead]}. Crop or pad the signals to one length."
        )


def _raise_unknown_length():
    raise ValueError(
        "There are no records, and nothing tells the length of their signals. Pass at least one "
        "record."
    )


def _stack_cells(cells, leads, index, dtype):
    if cells.size == 0:
        _raise_unknown_length()
    leads = list(leads)
    lengths = np.full(cells.shape, -1)
    signals = []
    for record, lead in np.ndindex(cells.shape):
        cell = cells[record, lead]
        if _is_null(cell):
            continue
        signal = np.asarray(cell)
        if signal.ndim != 1 or (signal.dtype.kind not in "fiub" and signal.size):
            raise ValueError(
                f"The cell of {_describe(record, lead, leads, index)} is not a signal: got "
                f"{type(cell).__name__} of shape {signal.shape} and dtype {signal.dtype}. Each "
                "cell must be a one-dimensional list or array of numbers."
            )
        lengths[record, lead] = len(signal)
        signals.append(signal)
    _check_lengths(lengths, leads, index)
    # casting matters for a dtype narrower than the cells', as astype would cast.
    X = np.stack(signals, dtype=dtype, casting="unsafe")
    return X.reshape(*cells.shape, lengths[0, 0])

"""Reading many records into one array: in parallel, with a report, and through the cache.

`load_wfdb`, `load_challenge`, `load_ludb`, `load_ptbxl` and `load_records` share this.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from ...leads import LazyRecords, to_lead_frame
from .._cache import MemoryRows, load_or_build
from .._records import (
    RecordError,
    describe_header,
    find_segments,
    list_headerless_files,
    read_record,
    record_states,
    show_name,
    stamp_record_files,
)
from ._harmonize import HarmonizedRecord, Policies, RecordDropped, harmonize
from ._lead_aliases import apply_lead_aliases, check_aliases_found
from ._parallel import run_parallel
from ._reports import summarize_reasons

_REASON_HIDDEN = "hidden file, which a system or an editor made"
_REPORT_COLUMNS = ("record", "status", "reason", "shape", "sampling_rate", "units", "rows")


@dataclass
class RecordBatch:
    """The rows that were read, and the record that each of them comes from."""

    data: np.ndarray  # or LazyRecords, (n_rows, n_leads, n_times)
    records: np.ndarray  # (n_rows,), positions among the names
    starts: np.ndarray  # (n_rows,), s
    sampling_rate: float
    report: pd.DataFrame
    comments: list  # of each name


@dataclass(frozen=True)
class RecordSource:
    """The functions that read a record, which worker processes call."""

    read: Callable  # (root, name) -> Record, files
    describe: Callable  # (root, name) -> shape, sampling rate, units
    stamp: Callable  # (root, name) -> stamps of files
    states: Callable  # (root, name, files, stamps) -> states of files
    options: dict | None = None  # JSON types, which distinguish caches


@dataclass(frozen=True)
class _Request:
    """Records to read, and how to read them."""

    root: str
    names: list
    policies: Policies
    on_error: str
    n_jobs: int | None
    verbose: int
    loader: str
    is_folder: bool
    for_cache: bool
    unread: list  # names and reasons of files that are not read, for the report
    sampling_rate: float | None
    source: RecordSource


@dataclass
class _Outcome:
    """Result of reading one record; errors are kept here, because they come from a worker."""

    harmonized: HarmonizedRecord | None = None
    error: RecordError | None = None
    is_out_of_memory: bool = False  # the cause of the error
    dropped: str | None = None  # the reason
    comments: list = field(default_factory=list)
    description: tuple | None = None  # shape, sampling rate and units, for the report
    files: list = field(default_factory=list)
    states: list = field(default_factory=list)
    aliases: list = field(default_factory=list)  # names of channels that have an alias
    channels: list = field(default_factory=list)


def read_records(
    root,
    names,
    policies,
    *,
    on_error="raise",
    n_jobs=None,
    verbose=0,
    cache=None,
    check_content=False,
    loader="wfdb",
    is_folder=False,
    hidden=(),
    unread=(),
    sampling_rate=None,
    advice=None,
    source=None,
    lazy=False,
):
    """Read records with the same policies.

    Parameters
    ----------
    root : str or path-like
        The folder that the names are relative to.
    names : list of str
        The records, without a file extension.
    policies : Policies
    on_error : {"raise", "skip"}, default="raise"
    n_jobs, verbose, cache
        See the loaders.
    check_content : bool, default=False
        Whether the cache compares contents.
    loader : str
        Name in the progress bar and in the names of the cache's files.
    is_folder : bool, default=False
        Whether the names are all WFDB records of a folder. Segments of other records are then left
        out.
    hidden : list of str, default=()
        Hidden files, which are only listed in the report.
    unread : list of (status, name, reason), default=()
        Other records or files that are only listed in the report.
    sampling_rate : float, default=None
        The sampling rate in Hz that all records must have. None means that of the first one.
    advice : str, default=None
        Replaces the advice of errors, for loaders that do not offer all policies.
    source : RecordSource, default=None
        How a record is read. None means as WFDB.
    lazy : bool, default=False
        Whether the data are the `LazyRecords` of the cache.

    Returns
    -------
    RecordBatch

    Raises
    ------
    RecordError
        For the first record that cannot be loaded, with ``on_error="raise"``.
    ValueError
        If no record is loaded.
    """
    if not names:
        raise ValueError("There are no records to load.")
    if source is None:
        source = RecordSource(read_record, describe_header, stamp_record_files, record_states)
    request = _Request(
        root=root,
        names=names,
        policies=policies,
        on_error=on_error,
        n_jobs=n_jobs,
        verbose=verbose,
        loader=loader,
        is_folder=is_folder,
        for_cache=cache is not None,
        unread=[list(row) for row in unread]
        + [["hidden", file, _REASON_HIDDEN] for file in hidden],
        sampling_rate=sampling_rate,
        source=source,
    )
    if is_folder:
        request.unread[:0] = [
            ["no header", file, _reason_without_header(file)]
            for file in list_headerless_files(root)
        ]

    def build(rows):
        try:
            return _build_batch(request, rows)
        except RecordError as error:
            # A file that is intact, but cannot be read, is the same after another download.
            if advice is None or error.field == "content":
                raise
            raise RecordError(error.record, error.field, error.reason, advice) from error

    if cache is None:
        rows = MemoryRows(expected=len(names))
        payload, _ = build(rows)
        data = rows.finish()
    else:
        params = {
            "loader": loader,
            "root": str(Path(root).resolve()),
            "names": list(names),
            "policies": asdict(policies),
            "on_error": on_error,
            "is_folder": is_folder,
            "unread": request.unread,
            "sampling_rate": sampling_rate,
        }
        if source.options is not None:
            params["options"] = source.options
        data, payload = load_or_build(
            cache, loader, params, build, root=root, check_content=check_content
        )
    if lazy:
        rate = payload["sampling_rate"]
        data = LazyRecords(data, lead_names=policies.leads, sampling_rate=rate, units="mV")
    report = pd.DataFrame(payload["report"], columns=_REPORT_COLUMNS)
    report["shape"] = [None if shape is None else tuple(shape) for shape in report["shape"]]
    return RecordBatch(
        data,
        np.array(payload["records"], dtype=int),
        np.array(payload["starts"], dtype=float),
        payload["sampling_rate"],
        report,
        payload["comments"],
    )


def _build_batch(request, rows):
    """Append the rows of all records; return the rest of the batch as JSON types, and the states.

    Parameters
    ----------
    request : _Request
    rows : MemoryRows or FileRows

    Returns
    -------
    payload : dict
    states : list of list
        States of all files, for the cache.
    """
    names = request.names
    whole_of = find_segments(request.root, names) if request.is_folder else {}
    report = [
        [show_name(name), "segment", f"a part of {whole_of.get(name)}", None, None, None, 0]
        for name in names
    ]
    comments = [[] for _ in names]
    to_read = [position for position, name in enumerate(names) if name not in whole_of]
    calls = [
        (request.source, str(request.root), names[position], request.policies, request.for_cache)
        for position in to_read
    ]
    outcomes = run_parallel(
        _read_and_harmonize,
        calls,
        n_jobs=request.n_jobs,
        verbose=request.verbose,
        name=request.loader,
    )
    records, starts, states, files, reader_of = [], [], [], set(), {}
    aliases, channels = set(), {}
    first = None
    for position, outcome in zip(to_read, outcomes):
        name = names[position]
        states += outcome.states
        files.update(outcome.files)
        aliases.update(outcome.aliases)
        channels.update(dict.fromkeys(outcome.channels))
        harmonized, error = outcome.harmonized, outcome.error
        if harmonized is not None:
            if first is not None:
                error = _compare_with_first(name, harmonized, first)
            else:
                error = _compare_rates(name, harmonized, request.sampling_rate)
            if error is None and first is None:
                first = (name, harmonized.sampling_rate, harmonized.rows.shape[2])
        if error is not None and request.on_error == "raise":
            raise MemoryError(str(error)) if outcome.is_out_of_memory else error
        if error is not None:
            status, reason = "failed", f"{error.field}: {error.reason}"
        elif outcome.dropped is not None:
            status, reason = "dropped", outcome.dropped
        else:
            notes = harmonized.notes + _note_shared_files(name, outcome.files, reader_of)
            status, reason = "loaded", "; ".join(notes)
            rows.append(harmonized.rows)
            records += [position] * len(harmonized.rows)
            starts += harmonized.starts
        n_rows = len(harmonized.rows) if status == "loaded" else 0
        report[position] = [
            show_name(name),
            status,
            show_name(reason),
            *outcome.description,
            n_rows,
        ]
        comments[position] = outcome.comments
    check_aliases_found(request.policies.lead_aliases, aliases, channels)
    _explain_unread_segments(report, whole_of)
    if first is None:
        _raise_no_record_loaded(report)
    for status, file, reason in request.unread:
        if file not in files:
            report.append([show_name(file), status, reason, None, None, None, 0])
    payload = {
        "report": report,
        "records": records,
        "starts": starts,
        "sampling_rate": _int_if_whole(first[1]),
        "comments": comments,
    }
    return payload, states


def _read_and_harmonize(source, root, name, policies, for_cache):
    """Read a record in a worker process.

    Any exception is the failure of this record, and so is a MemoryError: a header may promise more
    values than fit into memory. With ``on_error="raise"`` it stays a MemoryError. KeyboardInterrupt
    and SystemExit end the whole load, and so does a MemoryError of the array of all records.
    """
    outcome = _Outcome()
    files, stamps = None, None
    try:
        if for_cache:
            stamps = source.stamp(root, name)
        record, files = source.read(root, name)
        outcome.comments = record.comments
        outcome.channels = record.channels if policies.lead_aliases else []
        outcome.aliases = apply_lead_aliases(record, policies.lead_aliases)
        outcome.description = _describe_record(record, policies)
        outcome.harmonized = harmonize(record, policies)
    except RecordDropped as reason:
        outcome.dropped = str(reason)
    except RecordError as error:
        outcome.error = error
    except Exception as error:
        outcome.error = _describe_foreign_error(name, error)
        outcome.is_out_of_memory = isinstance(error, MemoryError)
    outcome.files = files or []
    try:
        if outcome.description is None:
            shape, rate, units = source.describe(root, name)
            outcome.description = (shape, _int_if_whole(rate), _join_units(units))
    except Exception:
        outcome.description = (None, None, None)
    try:
        if for_cache:
            outcome.states = source.states(root, name, files, stamps)
    except Exception as error:
        outcome.harmonized, outcome.dropped = None, None
        outcome.error = outcome.error or _describe_foreign_error(name, error)
    return outcome


def _describe_foreign_error(name, error):
    """Return a RecordError for an exception that was not expected."""
    return RecordError(
        name,
        "content",
        f"it cannot be read or brought to the requested form ({type(error).__name__}: {error}).",
        "Leave it out, or pass on_error='skip'.",
    )


def _describe_record(record, policies):
    """Return shape, and rate and units of the requested leads as far as they exist."""
    try:
        channels = [record.find(lead) for lead in policies.leads]
    except RecordError:
        channels = []
    channels = [i for i in channels if i is not None] or range(len(record.channels))
    rate = max(record.rates[i] for i in channels)
    units = _join_units(record.units[i] for i in channels)
    return record.shape, _int_if_whole(rate), units


def _join_units(units):
    return ", ".join(dict.fromkeys(str(unit) for unit in units if unit)) or None


def _int_if_whole(rate):
    """Return 500 rather than 500.0."""
    if rate is None:
        return None
    return int(rate) if float(rate).is_integer() else float(rate)


def _compare_rates(name, harmonized, rate):
    """Return the error of a record whose rate is not the one that all records must have."""
    if rate is None or harmonized.sampling_rate == rate:
        return None
    return RecordError(
        name,
        "sampling rate",
        f"it has {harmonized.sampling_rate:g} Hz instead of {rate:g} Hz.",
        "Leave it out, or pass on_error='skip'.",
    )


def _compare_with_first(name, harmonized, first):
    """Return the error of a record whose rate or length differs from that of the first one."""
    first_name, rate, n_times = first
    if harmonized.sampling_rate != rate:
        return RecordError(
            name,
            "sampling rate",
            f"it has {harmonized.sampling_rate:g} Hz, but record {first_name} has {rate:g} Hz.",
            "Pass resample_to.",
        )
    found = harmonized.rows.shape[2]
    if len(harmonized.rows) and found != n_times:
        return RecordError(
            name,
            "length",
            f"it has {found} time points, but record {first_name} has {n_times}.",
            "Pass duration, and longer or shorter, to bring records to one length.",
        )
    return None


def _note_shared_files(name, files, reader_of):
    """Return notes on signal files that an earlier record was read from, too."""
    notes = []
    for file in files:
        first = reader_of.setdefault(file, name)
        if first != name and not file.endswith(".hea"):
            notes.append(f"{file} is also the signal file of record {first}")
    return notes


def _explain_unread_segments(report, whole_of):
    """Note in the report that segments of a record that was not loaded were not loaded either."""
    statuses = {row[0]: row[1] for row in report}
    for row in report:
        whole = whole_of.get(row[0])
        if whole is not None and statuses[whole] in ("failed", "dropped"):
            what = "failed" if statuses[whole] == "failed" else "was dropped"
            row[2] += f", which {what}: to load it, pass it in a list of records"


def _reason_without_header(file):
    if file.lower().endswith(".hea"):
        return "wfdb only finds headers that end in .hea in lower case: rename it"
    return "no .hea file describes it"


def _raise_no_record_loaded(report):
    counts = ", ".join(f"{n} {status}" for status, n in Counter(row[1] for row in report).items())
    rows = [row for row in report if row[1] != "segment"]
    reasons = summarize_reasons([row[0] for row in rows], [row[2] for row in rows])
    raise ValueError(
        f"None of {len(report)} records was loaded: {counts}. {reasons}. Pass leads that the "
        "records have, or other policies."
    )


def check_lazy(lazy, cache, as_frame):
    """Raise if lazy records are asked for, but there is no file to read them from."""
    if lazy and cache is None:
        raise ValueError(
            "lazy=True requires a cache, the file that the records are read from. Pass a folder, "
            "as in cache='cache'."
        )
    if lazy and as_frame:
        raise ValueError(
            "lazy=True and as_frame=True exclude each other: a frame is in memory. Pass one of "
            "them; lazy records have lead names, too."
        )


def make_bunch(batch, policies, as_frame):
    """Return the part of the result that all loaders of records share."""
    names = batch.report["record"].to_numpy()[batch.records]
    metadata = pd.DataFrame({"record": names, "start": batch.starts})
    data = batch.data
    if as_frame:
        index = pd.Index(names, name="record")
        data = to_lead_frame(
            data, policies.leads, index=index, sampling_rate=batch.sampling_rate, units="mV"
        )
        metadata.index = index
    loaded = batch.report["status"] == "loaded"
    return Bunch(
        data=data,
        lead_names=list(policies.leads),
        groups=batch.records,
        sampling_rate=batch.sampling_rate,
        metadata=metadata,
        report=batch.report,
        comments={
            name: comments
            for name, comments, is_loaded in zip(batch.report["record"], batch.comments, loaded)
            if is_loaded
        },
    )

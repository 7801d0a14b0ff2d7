"""Many WFDB records into one array: in parallel, with a report, from the cache where there is one.

What `load_wfdb`, `load_challenge`, `load_ludb` and `load_ptbxl` have in common.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm import tqdm

from ..datasets import _cache
from ..utils._warnings import warn
from ._policies import Dropped, prepare
from ._records import (
    RecordError,
    describe_header,
    find_segments,
    list_strays,
    read_record,
    sources_of,
    stamp_files,
)

_CHUNK = 256  # records; at 500 Hz about 60 MB for 10 s of twelve leads
_STRAY = (
    "no .hea file says what is in it",
    "wfdb finds headers by the ending .hea in lower case: rename it",
)
REPORT_COLUMNS = ("record", "status", "reason", "shape", "sampling_rate", "units", "rows")


@dataclass
class Reading:
    """What was read: rows of signals, and where each comes from."""

    data: np.ndarray  # (n_rows, n_leads, n_times)
    records: np.ndarray  # (n_rows,), positions among the names given
    starts: np.ndarray  # (n_rows,), s
    sampling_rate: float
    report: pd.DataFrame
    comments: list  # of each name given


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
    advice=None,
):
    """Read records by the same policies.

    Parameters
    ----------
    root : str or path-like
        The folder that the names are relative to.
    names : list of str
        Records, without a file's ending.
    policies : Policies
    on_error : {"raise", "skip"}, default="raise"
    n_jobs, verbose, cache
        As in the loaders.
    check_content : bool, default=False
        Whether the cache compares contents.
    loader : str
        For the names of the cache's files and of the progress bar.
    is_folder : bool, default=False
        Whether the names are all that a folder holds: segments of other records are then left out.
    advice : str, default=None
        What errors say to do, for loaders that do not offer all policies.

    Returns
    -------
    Reading

    Raises
    ------
    RecordError
        Of the first record that cannot be loaded, with ``on_error="raise"``.
    ValueError
        If no record is loaded.
    """
    if not names:
        raise ValueError("There are no records to load.")

    strays = list_strays(root) if is_folder else []

    def build(rows):
        try:
            return _read_all(
                root,
                names,
                policies,
                rows,
                on_error,
                n_jobs,
                verbose,
                loader,
                is_folder,
                strays,
                for_cache=cache is not None,
            )
        except RecordError as error:
            raise RecordError(
                error.record, error.field, error.reason, advice or error.advice
            ) from error

    if cache is None:
        rows = _cache.MemoryRows(expected=len(names))
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
            "strays": strays,
        }
        data, payload = _cache.load_or_build(
            cache, loader, params, build, root=root, check_content=check_content
        )
    report = pd.DataFrame(payload["report"], columns=REPORT_COLUMNS)
    report["shape"] = [None if shape is None else tuple(shape) for shape in report["shape"]]
    return Reading(
        data,
        np.array(payload["records"], dtype=int),
        np.array(payload["starts"], dtype=float),
        payload["sampling_rate"],
        report,
        payload["comments"],
    )


def _read_all(
    root, names, policies, rows, on_error, n_jobs, verbose, loader, is_folder, strays, for_cache
):
    """Append the rows of all records, and return all else that JSON can hold, and the sources."""
    segments = find_segments(root, names) if is_folder else {}
    report = [
        [name, "segment", f"a part of {segments.get(name)}", None, None, None, 0] for name in names
    ]
    comments = [[] for _ in names]
    whole = [position for position, name in enumerate(names) if name not in segments]
    calls = [(str(root), names[position], policies, for_cache) for position in whole]
    outcomes = run_parallel(_read_one, calls, n_jobs=n_jobs, verbose=verbose, name=loader)
    records, starts, sources, files = [], [], [], set()
    first = None
    for position, outcome in zip(whole, outcomes):
        name = names[position]
        sources += outcome["sources"]
        files.update(outcome["files"])
        prepared, error = outcome["prepared"], outcome["error"]
        if prepared is not None:
            if first is None:
                first = (name, prepared.sampling_rate, prepared.rows.shape[2])
            error = _differs(name, prepared, first)
        if error is not None and on_error == "raise":
            raise error
        if error is not None:
            status, reason = "failed", f"{error.field}: {error.reason}"
        elif outcome["dropped"] is not None:
            status, reason = "dropped", outcome["dropped"]
        else:
            status, reason = "loaded", "; ".join(prepared.notes)
            rows.append(prepared.rows)
            records += [position] * len(prepared.rows)
            starts += prepared.starts
        shape, rate, units = outcome["facts"]
        n_rows = len(prepared.rows) if status == "loaded" else 0
        report[position] = [name, status, reason, shape, rate, units, n_rows]
        comments[position] = outcome["comments"]
    _say_what_became_of_segments(report, segments)
    if first is None:
        _raise_nothing_loaded(report)
    report += [
        [file, "no header", _STRAY[file.lower().endswith(".hea")], None, None, None, 0]
        for file in strays
        if file not in files
    ]
    payload = {
        "report": report,
        "records": records,
        "starts": starts,
        "sampling_rate": _as_int(first[1]),
        "comments": comments,
    }
    return payload, sources


def warn_of_failed(report):
    """One warning of all records that were left out because they failed."""
    is_failed = report["status"] == "failed"
    if not is_failed.any():
        return
    n_records = (~report["status"].isin(["segment", "no header"])).sum()
    fields = report.loc[is_failed, "reason"].str.partition(": ")[0].value_counts()
    counts = ", ".join(f"{field} {count}" for field, count in fields.items())
    warn(
        f"{is_failed.sum()} of {n_records} records were left out, because they failed ({counts}). "
        "The reasons are in report.",
        UserWarning,
    )


def run_parallel(function, calls, *, n_jobs, verbose, name):
    """Yield what a function returns for each tuple of arguments, in their order.

    In chunks, each of which is complete before it is handed out: a loop that is left early, after
    an error, then leaves no process behind that is still at work.
    """
    with Parallel(n_jobs=n_jobs) as parallel:
        with tqdm(total=len(calls), desc=name, unit="record", disable=not verbose) as progress:
            for start in range(0, len(calls), _CHUNK):
                chunk = calls[start : start + _CHUNK]
                for outcome in parallel(delayed(function)(*call) for call in chunk):
                    progress.update()
                    yield outcome


def _read_one(root, name, policies, for_cache):
    """Read a record in a worker process; what went wrong is returned, not raised."""
    outcome = {"prepared": None, "error": None, "dropped": None, "comments": [], "facts": None}
    files = None
    before = stamp_files(root, name) if for_cache else None
    try:
        record, files = read_record(root, name)
        outcome["comments"] = record.comments
        outcome["facts"] = _facts(record, policies)
        outcome["prepared"] = prepare(record, policies)
    except Dropped as reason:
        outcome["dropped"] = str(reason)
    except RecordError as error:
        outcome["error"] = error
    outcome["files"] = files or []
    if outcome["facts"] is None:
        shape, rate, units = describe_header(root, name)
        outcome["facts"] = (shape, _as_int(rate), _join(units))
    outcome["sources"] = sources_of(root, name, files, before) if for_cache else []
    return outcome


def _facts(record, policies):
    """Shape, rate and units for the report: those of the leads asked for, where they are there."""
    try:
        channels = [record.find(lead) for lead in policies.leads]
    except RecordError:
        channels = []
    channels = [i for i in channels if i is not None] or range(len(record.channels))
    rate = max(record.rates[i] for i in channels)
    return record.shape, _as_int(rate), _join(record.units[i] for i in channels)


def _join(units):
    return ", ".join(dict.fromkeys(str(unit) for unit in units if unit)) or None


def _as_int(rate):
    """500 rather than 500.0."""
    if rate is None:
        return None
    return int(rate) if float(rate).is_integer() else float(rate)


def _differs(name, prepared, first):
    """The error of a record whose rate or length differs from that of the first one."""
    first_name, rate, n_times = first
    if prepared.sampling_rate != rate:
        return RecordError(
            name,
            "sampling rate",
            f"it has {prepared.sampling_rate:g} Hz, but record {first_name} has {rate:g} Hz.",
            "Pass resample_to.",
        )
    found = prepared.rows.shape[2]
    if len(prepared.rows) and found != n_times:
        return RecordError(
            name,
            "length",
            f"it has {found} time points, but record {first_name} has {n_times}.",
            "Pass duration, and longer or shorter, to bring records to one length.",
        )
    return None


def _say_what_became_of_segments(report, segments):
    """Segments of a record that was not loaded are not loaded either."""
    statuses = {row[0]: row[1] for row in report}
    for row in report:
        whole = segments.get(row[0])
        if whole is not None and statuses[whole] in ("failed", "dropped"):
            what = "failed" if statuses[whole] == "failed" else "was dropped"
            row[2] += f", which {what}: load it by itself, as a list"


def _raise_nothing_loaded(report):
    statuses = Counter(row[1] for row in report)
    counts = ", ".join(f"{count} {status}" for status, count in statuses.items())
    reasons = [f"{row[0]} ({row[2]})" for row in report if row[1] != "segment"]
    more = f" and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    raise ValueError(
        f"None of {len(report)} records was loaded: {counts}. {'; '.join(reasons[:3])}{more}. Ask "
        "for leads that the records have, or pass other policies."
    )

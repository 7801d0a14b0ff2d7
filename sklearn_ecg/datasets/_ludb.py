"""LUDB: 12-lead records with annotated waves in each lead."""

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from ..leads import STANDARD_LEADS, normalize_lead_names, to_lead_frame
from ._cache import MemoryRows, load_or_build
from ._reading import (
    make_bunch,
    make_policies,
    read_records,
    run_parallel,
    warn_of_failed_records,
)
from ._records import (
    RecordError,
    file_stamp,
    file_state,
    find_file_fault,
    list_records,
    wfdb,
)

_SUBJECT_TABLE = "ludb.csv"
_WAVE_NAMES = ("P", "QRS", "T", "unknown")
_MAX_ANNOTATION_SIZE = 2**20  # bytes; those of LUDB have fewer than 1,000
_WAVE_OF_SYMBOL = {"p": 0, "N": 1, "t": 2}

_DESCR = """\
Lobachevsky University Electrocardiography Database (LUDB)
==========================================================

200 12-lead records of 10 s at 500 Hz from 200 subjects, 2017 to 2018. In each lead, cardiologists
annotated onset, peak and offset of P waves, QRS complexes and T waves. The first and the last beats
often have no annotations.

The gains in the headers scale every lead to a range of 1. Signals are therefore not in mV:
amplitudes cannot be compared between leads, and the limb leads do not satisfy Einthoven's identity.

License: Open Data Commons Attribution (ODC-BY).

Source: https://physionet.org/content/ludb/, doi:10.13026/eegm-h675

Citation: A. I. Kalyakulina, I. I. Yusipov, V. A. Moskalenko, A. V. Nikolskiy, K. A. Kosonogov,
G. V. Osipov, N. Y. Zolotykh and M. V. Ivanchenko (2020). LUDB: A New Open-Access Validation Tool
for Electrocardiogram Delineation Algorithms. IEEE Access 8, 186181-186190.
doi:10.1109/ACCESS.2020.3029211
"""


def load_ludb(
    folder,
    *,
    leads=STANDARD_LEADS,
    annotated_leads=None,
    on_error="raise",
    n_jobs=None,
    verbose=0,
    cache=None,
    check_content=False,
    as_frame=False,
):
    """Load LUDB from a folder in its published layout, with the waves of each lead.

    **Amplitudes are not in mV.** The gains in the headers scale every lead to a range of 1.

    Parameters
    ----------
    folder : str or path-like
        The folder with ``data/``, as on PhysioNet [1]_, or ``data/`` itself. It may have only a
        part of the records.
    leads : iterable of str, default=STANDARD_LEADS
        The leads to load, in the order of the array.
    annotated_leads : iterable of str, default=None
        The leads whose annotations to load, which takes most of the time. None means `leads`.
    on_error : {"raise", "skip"}, default="raise"
        What to do with a record that cannot be loaded, or that has no annotations of a lead: raise
        an error that names it, or list it in the report and issue a warning with the number of
        records that cannot be loaded.
    n_jobs : int, default=None
        Number of processes to read with; None means 1 unless in a ``joblib.parallel_config``
        context, -1 means all processors.
    verbose : int, default=0
        Whether to show a progress bar.
    cache : str or path-like, default=None
        A folder for the cache of signals and annotations. The first call writes them there; later
        ones map them into memory, read-only and shared between processes, unless a file of the
        records or a parameter has changed. It can be deleted at any time.
    check_content : bool, default=False
        Whether to recognize changed files by their contents, rather than by size and modification
        time, and to check the cached array as well. This reads all files.
    as_frame : bool, default=False
        Whether `data` is a lead frame, indexed by the names of the records.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        With these attributes:

        data : ndarray of shape (n_records, n_leads, 5000), float32
            Signals, each lead with a range of 1. With `cache`, a read-only memory map. With
            ``as_frame=True``, a lead frame.
        lead_names : list of str
            The leads.
        groups : ndarray of shape (n_records,), int
            The subjects; each has one record.
        sampling_rate : int
            500 Hz.
        annotations : DataFrame of shape (n_waves, 6)
            The waves, in order of time within record and lead: record (its row in `data`), lead,
            wave ("P", "QRS", "T", or "unknown" for an interval without a peak), and the time points
            of onset, peak and offset, <NA> if not annotated.
        metadata : DataFrame of shape (n_records, n_columns)
            record; sex; age in years (NaN if it is not a number); diagnoses, a tuple of sentences
            from the header; and the columns of ``ludb.csv`` if the folder has this file.
        report : DataFrame
            A row per record; see :func:`load_wfdb`.
        DESCR : str
            Description, license and citation.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist or has no ``.hea`` file.
    RecordError
        With ``on_error="raise"``, for the first record that cannot be loaded, or that has no
        annotations of a lead. It is a ValueError.
    TypeError
        If `leads` or `annotated_leads` is a single string.
    ValueError
        If a parameter has an unknown value, no record is loaded, or ``ludb.csv`` is damaged.

    See Also
    --------
    load_wfdb : Load records of any WFDB folder.

    References
    ----------
    .. [1] Kalyakulina et al. (2020). LUDB: A New Open-Access Validation Tool for Electrocardiogram
       Delineation Algorithms. IEEE Access 8, 186181-186190. https://physionet.org/content/ludb/

    Examples
    --------
    This example is not run as a test, because it requires the data.

    >>> from sklearn_ecg.datasets import load_ludb
    >>> ludb = load_ludb("ludb")  # doctest: +SKIP
    >>> waves = ludb.annotations  # doctest: +SKIP
    >>> waves.query("lead == 'II' and wave == 'QRS'").groupby("record").peak  # doctest: +SKIP

    >>> load_ludb("no-such-folder")
    Traceback (most recent call last):
        ...
    FileNotFoundError: 'no-such-folder' is not a folder of LUDB: ...
    """
    policies = make_policies(
        leads=leads,
        missing_leads="raise",
        missing_values="raise",
        duration=None,
        longer="raise",
        shorter="raise",
        resample_to=None,
        assume_units=None,
        on_error=on_error,
    )
    annotated = policies.leads
    if annotated_leads is not None:
        if isinstance(annotated_leads, str):
            raise TypeError(
                f"annotated_leads must be a list of lead names, got the str {annotated_leads!r}."
            )
        annotated = normalize_lead_names(annotated_leads, strict=False)
    for argument, given in (("leads", policies.leads), ("annotated_leads", annotated)):
        unknown = [lead for lead in given if lead not in STANDARD_LEADS]
        if unknown:
            raise ValueError(
                f"{argument}: LUDB has no lead {unknown[0]!r}. Pass some of "
                f"{', '.join(STANDARD_LEADS)}."
            )
    folder = Path(folder)
    root = folder / "data" if (folder / "data").is_dir() else folder
    names = list_records(root) if root.is_dir() else []
    if not names:
        reason = "it is not a folder" if folder.exists() else "it does not exist"
        if root.is_dir():
            reason = "there is no .hea file in it"
        raise FileNotFoundError(
            f"{str(folder)!r} is not a folder of LUDB: {reason}. Pass the folder with data/, as "
            "published on https://physionet.org/content/ludb/."
        )
    batch = read_records(
        root,
        names,
        policies,
        on_error=on_error,
        n_jobs=n_jobs,
        verbose=verbose,
        cache=cache,
        check_content=check_content,
        loader="LUDB",
        advice="The record is unlike those of LUDB: download it again, or pass on_error='skip'.",
    )
    warn_of_failed_records(batch.report)
    loaded = [names[record] for record in batch.records]
    annotations, absent = _load_annotations(
        root, loaded, annotated, n_jobs, verbose, cache, check_content
    )
    for row, lead in absent:
        if on_error == "raise":
            raise RecordError(
                loaded[row],
                "annotations",
                f"{loaded[row]}.{lead.lower()}, the annotations of lead {lead}, cannot be read.",
                "Download LUDB again, or pass on_error='skip'.",
            )
        position = batch.records[row]
        before = batch.report.loc[position, "reason"]
        reason = f"no annotations of lead {lead}"
        batch.report.loc[position, "reason"] = f"{before}; {reason}" if before else reason

    bunch = make_bunch(batch, policies, as_frame=False)
    metadata = pd.DataFrame([_parse_ludb_comments(batch.comments[i]) for i in batch.records])
    metadata.insert(0, "record", loaded)
    metadata = _join_subject_table(metadata, folder / _SUBJECT_TABLE)
    data = bunch.data
    if as_frame:
        index = pd.Index(loaded, name="record")
        data = to_lead_frame(data, policies.leads, index=index, sampling_rate=bunch.sampling_rate)
        metadata.index = index
    numbers = [name.rpartition("/")[2] for name in loaded]
    return Bunch(
        data=data,
        lead_names=bunch.lead_names,
        groups=np.array(numbers, dtype=int) if all(map(str.isdecimal, numbers)) else bunch.groups,
        sampling_rate=bunch.sampling_rate,
        annotations=annotations,
        metadata=metadata,
        report=bunch.report,
        DESCR=_DESCR,
    )


# --------------------------------------------------------------------------------------------------
# Annotations
# --------------------------------------------------------------------------------------------------


def _load_annotations(root, names, leads, n_jobs, verbose, cache, check_content):
    """Return the annotations as a DataFrame, and (row, lead) of those that cannot be read."""

    def build(rows):
        calls = [(str(root), name, leads) for name in names]
        outcomes = run_parallel(
            _read_record_annotations, calls, n_jobs=n_jobs, verbose=verbose, name="annotations"
        )
        absent, states = [], []
        for row, (waves, missing, file_states) in enumerate(outcomes):
            rows.append(np.column_stack([np.full(len(waves), row), waves]))
            absent += [[row, lead] for lead in missing]
            states += file_states
        return {"absent": absent}, states

    if cache is None:
        rows = MemoryRows(expected=400 * len(names))
        payload, _ = build(rows)
        table = rows.finish()
    else:
        # float32 represents all integers up to 2 ** 24, and NaN what was not annotated.
        params = {"root": str(Path(root).resolve()), "names": names, "leads": leads}
        table, payload = load_or_build(
            cache, "LUDB-annotations", params, build, root=root, check_content=check_content
        )
    frame = pd.DataFrame(
        {
            "record": table[:, 0].astype(int),
            "lead": np.array(leads, dtype=object)[table[:, 1].astype(int)],
            "wave": np.array(_WAVE_NAMES, dtype=object)[table[:, 2].astype(int)],
        }
    )
    for column, values in zip(("onset", "peak", "offset"), table[:, 3:].T):
        frame[column] = pd.array(values, dtype="Float32").astype("Int64")
    return frame, payload["absent"]


def _read_record_annotations(root, name, leads):
    """Return waves (n_waves, 5) of a record, leads without annotations, and states of files."""
    waves, missing, states = [np.empty((0, 5))], [], []
    for position, lead in enumerate(leads):
        extension = lead.lower()
        file = f"{name}.{extension}"
        stamp = file_stamp(root, file)
        try:
            fault = find_file_fault(root, file, _MAX_ANNOTATION_SIZE)
            if fault is not None:
                raise OSError(fault)
            with warnings.catch_warnings():
                # wfdb 4.3 calls functions that pandas 3.1 deprecates.
                warnings.simplefilter("ignore", DeprecationWarning)
                notes = wfdb.rdann(os.path.join(root, name), extension)
        except Exception:
            missing.append(lead)
            states.append(file_state(root, file, stamp))
            continue
        states.append(file_state(root, file, stamp))
        found = _pair_waves(notes.sample, notes.symbol)
        waves.append(np.column_stack([np.full(len(found), position), found]))
    return np.concatenate(waves), missing, states


def _pair_waves(times, symbols):
    """Return waves (wave, onset, peak, offset) of a sequence such as "( p ) ( N ) ( t )".

    A few waves have no onset, in a few the onset is after the peak, which is not changed, and one
    interval has no peak.
    """
    waves, onset = [], np.nan
    for time, symbol in zip(times, symbols):
        if symbol == "(":
            onset = time
        elif symbol in _WAVE_OF_SYMBOL:
            waves.append([_WAVE_OF_SYMBOL[symbol], onset, time, np.nan])
            onset = np.nan
        elif symbol == ")":
            is_open = bool(waves) and np.isnan(waves[-1][3])
            if np.isnan(onset):
                if is_open:
                    waves[-1][3] = time
            elif is_open and np.isnan(waves[-1][1]):
                waves[-1][1], waves[-1][3] = onset, time
            else:
                waves.append([_WAVE_NAMES.index("unknown"), onset, np.nan, time])
            onset = np.nan
    return np.array(waves, dtype=float).reshape(-1, 4)


# --------------------------------------------------------------------------------------------------
# Subjects
# --------------------------------------------------------------------------------------------------


def _parse_ludb_comments(comments):
    """Return sex, age and diagnoses from the comments of a header."""
    found = {"sex": "", "age": np.nan, "diagnoses": []}
    for comment in comments:
        comment = comment.strip()
        if comment.startswith("<age>:"):
            found["age"] = pd.to_numeric(comment.partition(":")[2].strip(), errors="coerce")
        elif comment.startswith("<sex>:"):
            found["sex"] = comment.partition(":")[2].strip()
        elif comment and not comment.startswith("<diagnoses>:"):
            found["diagnoses"].append(comment.rstrip(". "))
    return {**found, "diagnoses": tuple(found["diagnoses"])}


def _join_subject_table(metadata, path):
    """Add the columns of ludb.csv, in which every cell ends with a line break."""
    if not path.is_file():
        return metadata
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table = table.map(lambda cell: "; ".join(part.strip() for part in cell.split("\n") if part))
    table = table.drop(columns=["Sex", "Age"], errors="ignore")
    if "ID" not in table or table["ID"].duplicated().any():
        raise ValueError(
            f"{path.name} has no column ID, or an ID in more than one row. Replace it by the "
            "published file, or remove it."
        )
    return metadata.merge(table.rename(columns={"ID": "record"}), on="record", how="left")

"""LUDB: 12-lead records whose waves are annotated lead by lead."""

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from ..datasets import _cache
from ..leads import STANDARD_LEADS, normalize_lead_names, to_lead_frame
from ._policies import make_policies
from ._reading import read_records, run_parallel, warn_of_failed
from ._records import RecordError, file_state, list_records, stamp, wfdb
from ._wfdb import make_bunch

_TABLE = "ludb.csv"
_WAVES = ("P", "QRS", "T", "unknown")
_WAVE_OF_SYMBOL = {"p": 0, "N": 1, "t": 2}

_DESCR = """\
Lobachevsky University Electrocardiography Database (LUDB)
==========================================================

200 12-lead records of 10 s at 500 Hz from 200 subjects, 2017 to 2018. In each lead, cardiologists
annotated onset, peak and offset of P waves, QRS complexes and T waves; the first and the last beats
are often not annotated.

The gains in the headers bring every lead to a range of 1. Signals are therefore not in mV:
amplitudes cannot be compared between leads, and the limb leads do not obey Einthoven's identity.

Licence: Open Data Commons Attribution (ODC-BY).

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
    """Load LUDB from a folder in its published layout: signals, and their waves lead by lead.

    **Amplitudes are not in mV.** The gains in the headers bring every lead to a range of 1.

    Parameters
    ----------
    folder : str or path-like
        The folder that holds ``data/``, as downloaded from PhysioNet [1]_, or ``data/`` itself. A
        part of the records loads in the same way.
    leads : iterable of str, default=STANDARD_LEADS
        The leads to load, in the order of the array.
    annotated_leads : iterable of str, default=None
        The leads to load annotations of, most of the time being theirs. None takes those of
        `leads`.
    on_error : {"raise", "skip"}, default="raise"
        What to do with a record that cannot be loaded, or that lacks the annotations of a lead:
        raise an error that names it, or say so in the report.
    n_jobs, verbose, cache, check_content, as_frame
        As in :func:`load_wfdb`. The cache holds the annotations, too.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        With these attributes:

        data : ndarray of shape (n_records, n_leads, 5000), float32
            Signals, each lead with a range of 1. A read-only memory map with `cache`, a lead frame
            with ``as_frame=True``.
        lead_names : list of str
            The leads.
        groups : ndarray of shape (n_records,), int
            The subjects; each has one record.
        sampling_rate : int
            500 Hz.
        annotations : DataFrame of shape (n_waves, 6)
            The waves, in order of time within record and lead: record (its row in `data`), lead,
            wave ("P", "QRS", "T", or "unknown" for an interval without a peak), and the time points
            of onset, peak and offset, <NA> where there is none.
        metadata : DataFrame of shape (n_records, n_columns)
            record; sex; age in years (NaN if it is not a number); diagnoses, a tuple of sentences
            from the header; and the columns of ``ludb.csv`` where it is in the folder.
        report : DataFrame
            As that of :func:`load_wfdb`.
        DESCR : str
            Description, licence and citation.

    Raises
    ------
    FileNotFoundError
        If the folder is not there or holds no ``.hea`` file.
    RecordError
        With ``on_error="raise"``, for the first record that cannot be loaded, or that lacks
        annotations. It is a ValueError.
    ValueError
        If no record is loaded.

    References
    ----------
    .. [1] Kalyakulina et al. (2020). LUDB: A New Open-Access Validation Tool for Electrocardiogram
       Delineation Algorithms. IEEE Access 8, 186181-186190. https://physionet.org/content/ludb/

    Examples
    --------
    The example is not run as a test, because it needs the data.

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
    reading = read_records(
        root,
        names,
        policies,
        on_error=on_error,
        n_jobs=n_jobs,
        verbose=verbose,
        cache=cache,
        check_content=check_content,
        loader="LUDB",
        advice="Records of LUDB are not like this: download it again, or pass on_error='skip'.",
    )
    warn_of_failed(reading.report)
    loaded = [names[record] for record in reading.records]
    annotations, absent = _load_annotations(
        root, loaded, annotated, n_jobs, verbose, cache, check_content
    )
    for row, lead in absent:
        if on_error == "raise":
            raise RecordError(
                loaded[row],
                "annotations",
                f"{loaded[row]}.{lead.lower()}, those of lead {lead}, cannot be read.",
                "Download LUDB again, or pass on_error='skip'.",
            )
        position = reading.records[row]
        before = reading.report.loc[position, "reason"]
        reason = f"no annotations of lead {lead}"
        reading.report.loc[position, "reason"] = f"{before}; {reason}" if before else reason

    bunch = make_bunch(reading, policies, as_frame=False)
    metadata = pd.DataFrame([_read_comments(reading.comments[i]) for i in reading.records])
    metadata.insert(0, "record", loaded)
    metadata = _join_table(metadata, folder / _TABLE)
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
    """The annotations as a DataFrame, and (row, lead) of those that cannot be read."""

    def build(rows):
        calls = [(str(root), name, leads) for name in names]
        outcomes = run_parallel(
            _read_annotations, calls, n_jobs=n_jobs, verbose=verbose, name="annotations"
        )
        absent, sources = [], []
        for row, (waves, missing, states) in enumerate(outcomes):
            rows.append(np.column_stack([np.full(len(waves), row), waves]))
            absent += [[row, lead] for lead in missing]
            sources += states
        return {"absent": absent}, sources

    if cache is None:
        rows = _cache.MemoryRows(expected=400 * len(names))
        payload, _ = build(rows)
        table = rows.finish()
    else:
        # float32 holds all integers up to 2 ** 24, and NaN for what was not annotated.
        params = {"root": str(Path(root).resolve()), "names": names, "leads": leads}
        table, payload = _cache.load_or_build(
            cache, "LUDB-annotations", params, build, root=root, check_content=check_content
        )
    frame = pd.DataFrame(
        {
            "record": table[:, 0].astype(int),
            "lead": np.array(leads, dtype=object)[table[:, 1].astype(int)],
            "wave": np.array(_WAVES, dtype=object)[table[:, 2].astype(int)],
        }
    )
    for column, values in zip(("onset", "peak", "offset"), table[:, 3:].T):
        frame[column] = pd.array(values, dtype="Float32").astype("Int64")
    return frame, payload["absent"]


def _read_annotations(root, name, leads):
    """All leads of a record: an array (n_waves, 5), leads without annotations, files' states."""
    waves, missing, states = [np.empty((0, 5))], [], []
    for position, lead in enumerate(leads):
        extension = lead.lower()
        file = f"{name}.{extension}"
        before = stamp(root, file)
        try:
            with warnings.catch_warnings():
                # wfdb 4.3 calls what pandas 3.1 deprecates.
                warnings.simplefilter("ignore", DeprecationWarning)
                notes = wfdb.rdann(os.path.join(root, name), extension)
        except Exception:
            missing.append(lead)
            states.append(file_state(root, file, before))
            continue
        states.append(file_state(root, file, before))
        found = _pair(notes.sample, notes.symbol)
        waves.append(np.column_stack([np.full(len(found), position), found]))
    return np.concatenate(waves), missing, states


def _pair(times, symbols):
    """Waves (wave, onset, peak, offset) from a sequence such as "( p ) ( N ) ( t )".

    A few waves lack an onset; in a few the onset was put after the peak, which is kept so; one
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
                waves.append([_WAVES.index("unknown"), onset, np.nan, time])
            onset = np.nan
    return np.array(waves, dtype=float).reshape(-1, 4)


# --------------------------------------------------------------------------------------------------
# Subjects
# --------------------------------------------------------------------------------------------------


def _read_comments(comments):
    """Sex, age and diagnoses from the comments of a header."""
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


def _join_table(metadata, path):
    """Add the columns of ludb.csv, in which every cell ends with a line break."""
    if not path.is_file():
        return metadata
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table = table.map(lambda cell: "; ".join(part.strip() for part in cell.split("\n") if part))
    table = table.drop(columns=["Sex", "Age"], errors="ignore")
    if "ID" not in table or table["ID"].duplicated().any():
        raise ValueError(
            f"{path.name} has no column ID, or an ID in more than one row. Put the file as "
            "published in its place, or remove it."
        )
    return metadata.merge(table.rename(columns={"ID": "record"}), on="record", how="left")

"""LUDB: 12-lead records with annotated waves in each lead."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from ..leads import STANDARD_LEADS, normalize_lead_names, to_lead_frame
from ..utils._paths import expand_path
from ..utils._warnings import warn
from ._csv_tables import read_table
from ._ludb_annotations import load_annotations
from ._reading import (
    add_note,
    check_leads_argument,
    make_bunch,
    make_policies,
    read_records,
    warn_of_failed_records,
)
from ._records import RecordError, list_hidden_files, list_records
from ._subjects import collect_comments, is_plausible_age, parse_age, parse_sex

_SUBJECT_TABLE = "ludb.csv"
_SAMPLING_RATE = 500  # Hz
_SEXES = {"f": "F", "m": "M", "female": "F", "male": "M"}
_COLUMNS_OF_HEADERS = ("record", "sex", "age", "diagnoses")

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
    leads: Iterable[str] = STANDARD_LEADS,
    annotated_leads=None,
    on_error="raise",
    n_jobs=None,
    verbose=0,
    cache=None,
    check_content=False,
    as_frame=False,
) -> Any:
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
        What to do with a record that cannot be loaded, or that has no annotations of a lead, or
        damaged ones (truncated, outside the record, at another rate): raise an error that names it,
        or list it in the report and issue a warning with the number of records that cannot be
        loaded, and of those with damaged annotations.
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
            record; sex ("F", "M", or "" if unknown); age in years (NaN if unknown); diagnoses, a
            tuple of sentences from the header; and the columns of ``ludb.csv`` if the folder has
            this file.
        report : DataFrame
            A row per record, and per file that is not read; see :func:`load_wfdb`. The reason also
            notes ages and sexes in the header that are not plausible, or contradict each other or
            ``ludb.csv``.
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
        check_leads_argument("annotated_leads", annotated_leads)
        annotated = normalize_lead_names(annotated_leads, strict=False)
    for argument, given in (("leads", policies.leads), ("annotated_leads", annotated)):
        unknown = [lead for lead in given if lead not in STANDARD_LEADS]
        if unknown:
            raise ValueError(
                f"{argument}: LUDB has no lead {unknown[0]!r}. Pass some of "
                f"{', '.join(STANDARD_LEADS)}."
            )
    folder = Path(expand_path(folder, "folder"))
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
        is_folder=True,
        hidden=list_hidden_files(root),
        sampling_rate=_SAMPLING_RATE,
        advice="The record is unlike those of LUDB: download it again, or pass on_error='skip'.",
    )
    warn_of_failed_records(batch.report)
    loaded = [names[record] for record in batch.records]
    shapes = batch.report["shape"].to_numpy()
    annotations, absent = load_annotations(
        root,
        [[name, int(shapes[i][1])] for name, i in zip(loaded, batch.records)],
        annotated,
        batch.sampling_rate,
        n_jobs=n_jobs,
        verbose=verbose,
        cache=cache,
        check_content=check_content,
    )
    _report_absent_annotations(batch, loaded, absent, on_error)

    bunch = make_bunch(batch, policies, as_frame=False)
    metadata = pd.DataFrame([_describe_subject(batch, record) for record in batch.records])
    metadata.insert(0, "record", loaded)
    metadata = _join_subject_table(metadata, folder / _SUBJECT_TABLE, batch)
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


def _report_absent_annotations(batch, names, absent, on_error):
    """Raise for annotations that cannot be read, or add a note to the report and warn."""
    damaged = set()
    for row, lead, problem in absent:
        file = f"{names[row]}.{lead.lower()}"
        if on_error == "raise":
            if problem is None:
                reason = f"{file}, the annotations of lead {lead}, cannot be read."
                advice = "Download LUDB again, or pass on_error='skip'."
            else:
                reason = f"{file}, the annotations of lead {lead}, cannot be read: {problem}."
                advice = "Replace the file, leave out the lead in annotated_leads, or pass "
                advice += "on_error='skip'."
            raise RecordError(names[row], "annotations", reason, advice)
        note = f"no annotations of lead {lead}"
        if problem is not None:
            damaged.add(names[row])
            note += f" ({problem})"
        add_note(batch.report, batch.records[row], note)
    if damaged:
        warn(
            f"Some annotations of {len(damaged)} of {len(names)} records were left out, because "
            "they are damaged. The reasons are in report.",
            UserWarning,
        )


# --------------------------------------------------------------------------------------------------
# Subjects
# --------------------------------------------------------------------------------------------------


def _describe_subject(batch, record):
    """Return sex, age and diagnoses from the comments of a header; doubts are in the report."""
    comments, notes = [comment.strip() for comment in batch.comments[record]], []
    stated = collect_comments(comments)
    diagnoses = [
        comment.rstrip(". ")
        for comment in comments
        if comment and not comment.lower().startswith(("<age>:", "<sex>:", "<diagnoses>:"))
    ]
    subject = {
        "sex": parse_sex(stated.get("<sex>", []), _SEXES, notes) or "",
        "age": parse_age(stated.get("<age>", []), notes),
        "diagnoses": tuple(diagnoses),
    }
    for note in notes:
        add_note(batch.report, record, note)
    return subject


def _join_subject_table(metadata, path, batch):
    """Add the columns of ludb.csv, in which every cell ends with a line break."""
    if not os.path.lexists(path):
        return metadata
    table = read_table(path, dtype=str, keep_default_na=False)
    table = table.map(lambda cell: "; ".join(part.strip() for part in cell.split("\n") if part))
    clashes = [column for column in _COLUMNS_OF_HEADERS if column in table]
    if clashes:
        raise ValueError(
            f"{path.name} has a column {clashes[0]!r}, unlike the published file. Replace it "
            "by the published file, or remove it."
        )
    if "ID" not in table or table["ID"].duplicated().any():
        raise ValueError(
            f"{path.name} has no column ID, or an ID in more than one row. Replace it by the "
            "published file, or remove it."
        )
    table = table.rename(columns={"ID": "record"})
    _compare_with_headers(metadata, table, path.name, batch)
    table = table.drop(columns=["Sex", "Age"], errors="ignore")
    return metadata.merge(table, on="record", how="left")


def _compare_with_headers(metadata, table, name, batch):
    """Note in the report where the table and a header disagree."""
    rows = table.set_index("record")
    if not metadata["record"].isin(rows.index).any():
        raise ValueError(
            f"{name} has none of the {len(metadata)} records in column ID. Replace it by the "
            "published file, or remove it."
        )
    for position, subject in zip(batch.records, metadata.itertuples()):
        if subject.record not in rows.index:
            add_note(batch.report, position, f"in no row of {name}")
            continue
        row = rows.loc[subject.record]
        if row.get("Sex", subject.sex) != subject.sex:
            note = f"sex {subject.sex!r} in the header, {row['Sex']!r} in {name}"
            add_note(batch.report, position, note)
        age = pd.to_numeric(row.get("Age"), errors="coerce")
        # The table has ">89" for some.
        if pd.notna(age) and pd.notna(subject.age) and age != subject.age:
            note = f"age {subject.age:g} in the header, {age:g} in {name}"
            add_note(batch.report, position, note)
        elif pd.notna(age) and not is_plausible_age(age):
            add_note(batch.report, position, f"age {age:g} in {name} is not plausible")

"""Records in the files of hospitals and recorders, such as DICOM, EDF, SCP-ECG and XML."""

from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from ..leads import STANDARD_LEADS
from ._hospital_files import FORMATS, HEADER_FIELDS, file_source, find_record_files
from ._reading import (
    check_lazy,
    make_bunch,
    make_policies,
    read_records,
    warn_of_failed_records,
)

_DESCR = """\
Records of files
================

{n_rows} rows from {n_loaded} of {n_records} files of {where}.

Formats: {formats}. Signals are in mV at {found_rate} Hz, leads in the order {leads}.
"""


def load_records(
    folder_or_records,
    *,
    formats=None,
    sampling_rate=None,
    leads: Iterable[str] = STANDARD_LEADS,
    lead_aliases=None,
    missing_leads="raise",
    missing_values="raise",
    duration=None,
    longer="raise",
    shorter="raise",
    resample_to=None,
    assume_units=None,
    on_error="raise",
    n_jobs=None,
    verbose=0,
    cache=None,
    check_content=False,
    as_frame=False,
    lazy=False,
) -> Any:
    """Load records in the formats of hospitals and recorders from a folder, or from a list.

    Each file is a record: CSV, DICOM, EDF and EDF+, HL7 aECG, SCP-ECG, or the XML of GE MUSE or
    Philips. The start of a file, not its name, shows its format. A folder may mix formats, leads,
    units, sampling rates and lengths, but as in :func:`load_wfdb`, nothing that changes a signal is
    done unless a parameter asks for it. See "Files of hospitals" in the user guide for what is read
    of each format.

    DICOM requires pydicom, and EDF pyedflib: ``pip install "sklearn_ecg[files]"``.

    Parameters
    ----------
    folder_or_records : str, path-like or list of str or path-like
        A folder, in which all files are found whose extension is that of a format, and all DICOM
        files, also in its subfolders; or a list of files. Links and files that are no regular files
        are treated as in :func:`load_wfdb`.
    formats : list of {"csv", "dicom", "edf", "hl7_aecg", "muse_xml", "philips_xml", "scp_ecg"}, \
            default=None
        The formats to read. A file of another format is one that cannot be loaded. With None, all
        are read.
    sampling_rate : float, default=None
        The sampling rate in Hz of CSV files that have no column of times. All other files state
        theirs.
    leads : iterable of str, default=STANDARD_LEADS
        The leads to load, in the order of the array. Known leads are found by any of their
        aliases, in upper or lower case (see :func:`~sklearn_ecg.normalize_lead_name`); other
        names have to match the file.
    lead_aliases : mapping of str to str, default=None
        Names of channels in the files, and the leads to load them as, as in :func:`load_wfdb`:
        ``{"D1": "I", "-aVR": "-aVR"}``.
    missing_leads : {"raise", "derive", "drop_record", "nan"}, default="raise"
        What to do with a record without one of the leads. "derive" computes limb leads from any two
        others (Einthoven, Goldberger), and raises for other leads; "nan" fills the lead with NaN.
    missing_values : {"raise", "drop_record", "interpolate", "nan"}, default="raise"
        What to do with empty cells of CSV and padding of DICOM: "interpolate" uses straight lines,
        "nan" keeps them as NaN.
    duration : float, default=None
        The length in seconds to bring records to. With None, all must have the length of the first.
    longer : {"raise", "crop_start", "crop_center", "windows", "drop_record"}, default="raise"
        What to do with a record that is longer than `duration`: keep its start or its center, or
        cut it into windows that do not overlap, each of them a row.
    shorter : {"raise", "pad", "drop_record"}, default="raise"
        What to do with a record that is shorter than `duration`. "pad" appends zeros.
    resample_to : float, default=None
        The sampling rate in Hz to bring all leads to, by polyphase filtering. With None, all must
        have the sampling rate of the first.
    assume_units : {"mV", "uV", "V"}, default=None
        The unit of leads whose file has no unit, such as a column "II" of a CSV file, or one that
        is not a voltage. With None, such leads are an error.
    on_error : {"raise", "skip"}, default="raise"
        What to do with a file that cannot be loaded, for whatever reason: raise an error that names
        it, or list it in the report and issue a warning with the number of such files.
    n_jobs : int, default=None
        Number of processes to read with; None means 1 unless in a ``joblib.parallel_config``
        context, -1 means all processors.
    verbose : int, default=0
        Whether to show a progress bar.
    cache : str or path-like, default=None
        A folder for the cache, as in :func:`load_wfdb`.
    check_content : bool, default=False
        Whether to recognize changed files by their contents, rather than by size and modification
        time, and to check the cached array as well.
    as_frame : bool, default=False
        Whether `data` is a lead frame, indexed by the names of the files.
    lazy : bool, default=False
        Whether `data` is :class:`~sklearn_ecg.LazyRecords` of the cache, which are read from the
        disk when they are needed, for more records than fit into memory. Requires `cache`.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        With these attributes:

        data : ndarray of shape (n_rows, n_leads, n_times), float32
            Signals in mV: a row per file, or per window. With `cache`, a read-only memory map. With
            ``as_frame=True``, a lead frame. With ``lazy=True``, lazy records.
        lead_names : list of str
            The leads, in standard spelling.
        groups : ndarray of shape (n_rows,), int
            The file of each row, as its row in `report`. If a patient has several files, use
            ``metadata["patient_id"]`` instead.
        sampling_rate : int or float
            In Hz.
        metadata : DataFrame of shape (n_rows, 7)
            The name of each row's file ("record"), the second at which the row starts in it
            ("start"), and what is kept of its header as text, None if the file does not state it:
            "format", "patient_id", "sex", "age" and "recorded" (the time of the recording).
        report : DataFrame
            A row per file: its name; its status ("loaded"; "dropped" by a policy; "failed"; "other
            file"; "hidden"); the reason, or what was done to it; the shape (channels, time points),
            the sampling rate in Hz and the units of its leads in the file; and the number of its
            rows.
        comments : dict of str to list of str
            What is kept of the header of each loaded file, as "name: value".
        DESCR : str
            Description of what was read.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist or has no file of a record.
    RecordError
        With ``on_error="raise"``, for the first file that cannot be loaded. It is a ValueError.
    TypeError
        If `leads` or `formats` is a single string.
    ValueError
        If a parameter has an unknown value, or no file is loaded.

    See Also
    --------
    load_wfdb : Load records of WFDB, which have a header and signal files.
    load_ecg_images : Load images of ECGs.

    Examples
    --------
    A CSV file has a column per lead, with the unit in its name, and a column of times:

    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_ecg.datasets import load_records
    >>> folder = Path(tempfile.mkdtemp())
    >>> rows = ["time (s),II (mV),Lead I (uV)"]
    >>> rows += [f"{k / 250},{k / 1000},{100}" for k in range(500)]
    >>> _ = (folder / "rec01.csv").write_text("\\n".join(rows))
    >>> bunch = load_records(folder, leads=["I", "II"])
    >>> bunch.data.shape, bunch.data[0, :, 100], bunch.sampling_rate
    ((1, 2, 500), array([0.1, 0.1], dtype=float32), 250)
    >>> bunch.report.loc[0, ["record", "status", "units"]].tolist()
    ['rec01.csv', 'loaded', 'uV, mV']

    A file that does not state its sampling rate or its unit is an error, unless you state it:

    >>> _ = (folder / "rec01.csv").write_text("I,II\\n100,150\\n110,160\\n")
    >>> load_records(folder, leads=["I", "II"], assume_units="uV")
    Traceback (most recent call last):
        ...
    sklearn_ecg.datasets.RecordError: Record rec01.csv, sampling rate: it has no column of times.
    Pass sampling_rate, add a column 'time' in seconds, or leave the file out.
    >>> load_records(folder, leads=["I", "II"], sampling_rate=500, assume_units="uV").data[0]
    array([[0.1 , 0.11],
           [0.15, 0.16]], dtype=float32)
    """
    formats = _check_formats(formats)
    if sampling_rate is not None:
        if (
            not isinstance(sampling_rate, Real)
            or isinstance(sampling_rate, bool)
            or not 0 < sampling_rate < np.inf
        ):
            raise ValueError(
                f"sampling_rate={sampling_rate!r} must be a positive number of Hz, or None."
            )
        sampling_rate = float(sampling_rate)
    check_lazy(lazy, cache, as_frame)
    policies = make_policies(
        leads=leads,
        lead_aliases=lead_aliases,
        missing_leads=missing_leads,
        missing_values=missing_values,
        duration=duration,
        longer=longer,
        shorter=shorter,
        resample_to=resample_to,
        assume_units=assume_units,
        on_error=on_error,
    )
    root, names, others, where = find_record_files(folder_or_records)
    batch = read_records(
        root,
        names,
        policies,
        on_error=on_error,
        n_jobs=n_jobs,
        verbose=verbose,
        cache=cache,
        check_content=check_content,
        lazy=lazy,
        loader="records",
        unread=others,
        source=file_source(formats, sampling_rate),
    )
    warn_of_failed_records(batch.report)
    bunch = make_bunch(batch, policies, as_frame)
    headers = [dict(line.split(": ", 1) for line in comments) for comments in batch.comments]
    for field in HEADER_FIELDS:
        values = [headers[record].get(field) for record in batch.records]
        bunch.metadata[field] = pd.Series(values, index=bunch.metadata.index, dtype=object)
    bunch.DESCR = _DESCR.format(
        n_rows=len(batch.data),
        n_loaded=(batch.report["status"] == "loaded").sum(),
        n_records=len(names),
        where=where,
        formats=", ".join(sorted(set(bunch.metadata["format"]))),
        found_rate=batch.sampling_rate,
        leads=", ".join(policies.leads),
    )
    return bunch


def _check_formats(formats):
    if formats is None:
        return FORMATS
    if isinstance(formats, (str, bytes)) or not np.iterable(formats):
        raise TypeError(f"formats must be a list of formats or None, got {formats!r}.")
    formats = tuple(dict.fromkeys(formats))
    unknown = [one for one in formats if one not in FORMATS]
    if unknown or not formats:
        raise ValueError(
            f"formats={list(formats)!r} is not a list of known formats. Pass some of "
            f"{', '.join(map(repr, FORMATS))}."
        )
    return formats

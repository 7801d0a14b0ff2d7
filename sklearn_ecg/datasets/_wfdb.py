"""Records of any WFDB folder."""

from collections.abc import Iterable
from typing import Any

from ..leads import STANDARD_LEADS
from ._reading import (
    check_lazy,
    make_bunch,
    make_policies,
    read_records,
    warn_of_failed_records,
)
from ._record_tables import add_table, read_record_table, warn_of_unlabeled_records
from ._records import find_records

_DESCR = """\
WFDB records
============

{n_rows} rows from {n_loaded} of {n_records} records of {where}, read with wfdb.

Signals are in mV at {sampling_rate} Hz, leads in the order {leads}.
"""


def load_wfdb(
    folder_or_records,
    *,
    labels=None,
    record_column="record",
    label_column: str | None = "label",
    group_column=None,
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
    """Load WFDB records from a folder, or from a list of records.

    Records may differ in sampling rate, gain, unit, order and spelling of the leads, length, and
    number of segments. Nothing that changes a signal is done to bring them into one array unless a
    parameter asks for it. What was done is in the report; anything else is an error that says which
    parameter to pass.

    Parameters
    ----------
    folder_or_records : str, path-like or list of str or path-like
        A folder, in which all ``.hea`` files are found, also in its subfolders; or a list of
        records: different paths with or without ``.hea``, ``.dat`` or ``.mat``. In a folder, the
        segments of a multi-segment record are only loaded as parts of it. Links to folders are
        followed, and each folder is searched once. Links to files have to stay inside the folder,
        and pipes and devices are not opened: see "Hostile files" in the user guide.
    labels : DataFrame, str or path-like or None, default=None
        A table with a row per record, or the path of a CSV file, with the columns named below. Only
        records of the table are loaded, in its order. With None there are no labels. Labels and
        patients of a CSV file such as 00123 and 12E3 are strings, and so is any column with 00123.
    record_column : str, default="record"
        The column of the table with the records, as paths relative to the folder (or as in the
        list), with or without an extension.
    label_column : str or None, default="label"
        The column of the table with the labels, of any type. With None there are no labels.
    group_column : str or None, default=None
        The column of the table with the patients.
    leads : iterable of str, default=STANDARD_LEADS
        The leads to load, in the order of the array. Known leads are found by any of their
        aliases, in upper or lower case (see :func:`~sklearn_ecg.normalize_lead_name`); other
        names, such as "ECG 1", have to match the header. An inverted lead ("-aVR") or a difference
        of leads ("I-II") never matches the lead it resembles.
    lead_aliases : mapping of str to str, default=None
        Names of channels in the files, in upper or lower case, and the leads to load them as:
        ``{"D1": "I", "C1": "V1"}``. A minus says that the channel has the inverted lead, which is
        inverted again: ``{"-aVR": "-aVR"}``. An alias has priority over the name, as in ``{"V1":
        "V2", "V2": "V1"}``. A name that no record has is an error, and so are two channels of one
        lead. The report says which channels were renamed.
    missing_leads : {"raise", "derive", "drop_record", "nan"}, default="raise"
        What to do with a record without one of the leads. "derive" computes limb leads from any two
        others (Einthoven, Goldberger), and raises for other leads; "nan" fills the lead with NaN,
        which estimators reject.
    missing_values : {"raise", "drop_record", "interpolate", "nan"}, default="raise"
        What to do with values that the file marks as missing, or that are missing between the
        segments of a record: "interpolate" uses straight lines, "nan" keeps them as NaN, which
        estimators reject.
    duration : float, default=None
        The length in seconds to bring records to. With None, all must have the length of the first.
    longer : {"raise", "crop_start", "crop_center", "windows", "drop_record"}, default="raise"
        What to do with a record that is longer than `duration`: keep its start or its center, or
        cut it into windows that do not overlap, each of them a row. Time points after the last
        whole window are left out.
    shorter : {"raise", "pad", "drop_record"}, default="raise"
        What to do with a record that is shorter than `duration`. "pad" appends zeros.
    resample_to : float, default=None
        The sampling rate in Hz to bring all leads to, by polyphase filtering
        (:func:`scipy.signal.resample_poly` with ``padtype="edge"``). With None, all must have the
        sampling rate of the first.
    assume_units : {"mV", "uV", "V"}, default=None
        The unit of leads whose header has no unit, or one that is not a voltage, such as "NU". With
        None, leads without a unit are in mV, by WFDB's definition, and other units are an error.
    on_error : {"raise", "skip"}, default="raise"
        What to do with a record that cannot be loaded, for whatever reason: raise an error that
        names it, or list it in the report and issue a warning with the number of such records.
    n_jobs : int, default=None
        Number of processes to read with; None means 1 unless in a ``joblib.parallel_config``
        context, -1 means all processors.
    verbose : int, default=0
        Whether to show a progress bar.
    cache : str or path-like, default=None
        A folder for the cache. The first call writes the array there; later ones map it into
        memory, read-only and shared between processes, unless a file of the records or a parameter
        has changed. The cache takes 4 bytes per value and can be deleted at any time.
    check_content : bool, default=False
        Whether to recognize changed files by their contents, rather than by size and modification
        time, and to check the cached array as well. This reads all files.
    as_frame : bool, default=False
        Whether `data` is a lead frame, indexed by the names of the records.
    lazy : bool, default=False
        Whether `data` is :class:`~sklearn_ecg.LazyRecords` of the cache, which are read from the
        disk when they are needed, for more records than fit into memory. Requires `cache`.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        With these attributes:

        data : ndarray of shape (n_rows, n_leads, n_times), float32
            Signals in mV: a row per record, or per window. With `cache`, a read-only memory map.
            With ``as_frame=True``, a lead frame. With ``lazy=True``, lazy records.
        lead_names : list of str
            The leads, in standard spelling.
        groups : ndarray of shape (n_rows,)
            The record of each row, as its row in `report`, for splits that keep the windows of a
            record together. WFDB has no patients; if a patient has several records, pass a table
            with a `group_column`: groups are then the patients.
        target : ndarray of shape (n_rows,), int
            Positions in `target_names`; with ``as_frame=True``, a Series. None if the labels are
            not known. Only with `labels`.
        target_names : list or None
            The sorted labels of the table, also those of which no record was loaded. Only with
            `labels`.
        sampling_rate : int or float
            In Hz.
        metadata : DataFrame of shape (n_rows, n_columns)
            The name of each row's record, and the second at which the row starts in it; then the
            other columns of the table.
        report : DataFrame
            A row per record: its name; its status ("loaded"; "dropped" by a policy; "failed";
            "segment" of another record; "no label" in the table; "not in table"; "no header" for a
            signal file of a folder that no header describes, or a header whose extension is not
            ``.hea`` in lower case; "hidden" for a file that systems and editors leave behind); the
            reason, or what was done to it; the shape (channels, time points), the sampling rate in
            Hz and the units of its leads in the file; and the number of its rows.
        comments : dict of str to list of str
            The comments in the header of each loaded record.
        DESCR : str
            Description of what was read.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist or has no ``.hea`` file.
    RecordError
        With ``on_error="raise"``, for the first record that cannot be loaded. It is a ValueError.
    TypeError
        If `leads` is a single string, or `lead_aliases` is not a mapping of names.
    ValueError
        If a parameter has an unknown value, or no record is loaded; if the table has no such
        column, a record twice, or a record without a patient.

    See Also
    --------
    load_challenge : Load records of the PhysioNet/CinC Challenges 2020 and 2021 with diagnoses.
    load_ludb : Load LUDB with its annotations.
    load_ptbxl : Load PTB-XL with its labels.

    Examples
    --------
    A folder with one record of two seconds, whose leads are in another order and spelled
    differently:

    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sklearn_ecg.datasets import load_wfdb
    >>> folder = Path(tempfile.mkdtemp())
    >>> header = "rec01 2 250 500\\nrec01.dat 16 1000/mV 16 0 0 0 0 ii\\n"
    >>> header += "rec01.dat 16 1/uV 16 0 0 0 0 Lead I\\n"
    >>> _ = (folder / "rec01.hea").write_text(header)
    >>> np.tile([[200, 100]], (500, 1)).astype("<i2").tofile(folder / "rec01.dat")
    >>> bunch = load_wfdb(folder, leads=["I", "II"], duration=1, longer="windows")
    >>> bunch.data.shape, bunch.data[0, :, 0], bunch.sampling_rate
    ((2, 2, 250), array([0.1, 0.2], dtype=float32), 250)
    >>> print(bunch.report.loc[0, ["record", "status", "reason", "rows"]].to_string())
    record                                     rec01
    status                                    loaded
    reason    2 windows, 0 of 500 time points left out
    rows                                           2

    A missing lead is an error, unless it can be derived and `missing_leads` asks for it:

    >>> load_wfdb(folder, leads=["I", "II", "aVF"])
    Traceback (most recent call last):
        ...
    sklearn_ecg.datasets.RecordError: Record rec01, leads: aVF missing; the channels are
    ii, Lead I. Pass other leads, missing_leads='derive', ...
    >>> bunch = load_wfdb(folder, leads=["I", "II", "aVF"], missing_leads="derive")
    >>> bunch.data[0, :, 0]
    array([0.1 , 0.2 , 0.15], dtype=float32)

    Labels and patients are in a table:

    >>> import pandas as pd
    >>> table = pd.DataFrame({"ecg": ["rec01"], "finding": ["MI"], "patient": [17]})
    >>> columns = {"record_column": "ecg", "label_column": "finding", "group_column": "patient"}
    >>> bunch = load_wfdb(folder, leads=["I", "II"], labels=table, **columns)
    >>> bunch.target, bunch.target_names, bunch.groups
    (array([0]), ['MI'], array([17]))
    """
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
    root, names, hidden, where = find_records(folder_or_records)
    table = None
    if labels is not None:
        table = read_record_table(
            labels,
            names,
            record_column=record_column,
            label_column=label_column,
            group_column=group_column,
        )
        names = table.names
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
        loader="wfdb",
        is_folder=root != "",
        hidden=hidden,
        unread=() if table is None else table.unread,
    )
    warn_of_failed_records(batch.report)
    bunch = make_bunch(batch, policies, as_frame)
    if table is not None:
        warn_of_unlabeled_records(table)
        add_table(bunch, table, batch.records, as_frame)
    bunch.DESCR = _DESCR.format(
        n_rows=len(batch.data),
        n_loaded=(batch.report["status"] == "loaded").sum(),
        n_records=len(names),
        where=where,
        sampling_rate=batch.sampling_rate,
        leads=", ".join(policies.leads),
    )
    return bunch

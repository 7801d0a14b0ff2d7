"""Any WFDB folder, or any list of WFDB records."""

import os
from pathlib import Path

import pandas as pd
from sklearn.utils import Bunch

from ..leads import STANDARD_LEADS, to_lead_frame
from ._policies import make_policies
from ._reading import read_records, warn_of_failed
from ._records import list_records, list_strays

_DESCR = """\
WFDB records
============

{n_rows} rows from {n_loaded} of {n_records} records of {where}, read with wfdb.

Signals are in mV at {sampling_rate} Hz, leads in the order {leads}.
"""


def load_wfdb(
    folder_or_records,
    *,
    leads=STANDARD_LEADS,
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
):
    """Load WFDB records from a folder, or from a list of records.

    Records may differ in sampling rate, gain, unit, order and spelling of the leads, length, and in
    the number of segments. What has to be done to make one array of them is done only when it is
    asked for, and noted in the report; what is left is an error that says what to pass.

    Parameters
    ----------
    folder_or_records : str, path-like or list of str or path-like
        A folder, which is searched with all the folders in it for ``.hea`` files; or a list of
        records: paths with or without ``.hea``, ``.dat`` or ``.mat``, each once. In a folder, the
        segments of a multi-segment record are loaded as parts of it only. Links to folders are
        followed, and no folder is searched twice.
    leads : iterable of str, default=STANDARD_LEADS
        The leads to load, in the order of the array. Known leads are found by any of their
        aliases, in any case (see :func:`~sklearn_ecg.leads.normalize_lead_name`); other names, such
        as "ECG 1", as they stand in the header. An inverted lead ("-aVR") and a difference
        ("I-II") are not taken for the lead they resemble.
    missing_leads : {"raise", "derive", "drop record", "nan"}, default="raise"
        What to do with a record that lacks one of the leads. "derive" calculates limb leads from
        any two others (Einthoven, Goldberger), and is an error for other leads; "nan" fills the
        lead with NaN, which estimators refuse.
    missing_values : {"raise", "drop record", "interpolate", "nan"}, default="raise"
        What to do with values that the file marks as missing, or that lie between the segments of
        a record: "interpolate" draws straight lines, "nan" keeps them as NaN, which estimators
        refuse.
    duration : float, default=None
        The length to bring records to, in seconds. With None all must have the length of the first.
    longer : {"raise", "crop start", "crop centre", "windows", "drop record"}, default="raise"
        What to do with a record that is longer than `duration`: keep its start or its centre, or
        cut it into windows that do not overlap, each of them a row. A rest that does not fill a
        window is left out.
    shorter : {"raise", "pad", "drop record"}, default="raise"
        What to do with a record that is shorter than `duration`. "pad" appends zeros.
    resample_to : float, default=None
        The sampling rate in Hz to bring all leads to, by polyphase filtering
        (:func:`scipy.signal.resample_poly` with ``padtype="edge"``). With None all must have the
        rate of the first.
    assume_units : {"mV", "uV", "V"}, default=None
        The unit of leads whose header gives something that is not a voltage, such as "NU", or no
        unit. With None the first are an error, and the second mV, by WFDB's definition.
    on_error : {"raise", "skip"}, default="raise"
        What to do with a record that cannot be loaded: raise an error that names it, or list it in
        the report. A warning says how many failed.
    n_jobs : int, default=None
        Number of processes to read with; None means 1 unless in a ``joblib.parallel_config``
        context, -1 all processors.
    verbose : int, default=0
        Whether to show a progress bar.
    cache : str or path-like, default=None
        A folder for the cache. The first call writes the array there; later ones map it into
        memory, read-only and shared between processes, unless a file of the records or a parameter
        has changed. The cache takes 4 bytes per value and can be deleted at any time.
    check_content : bool, default=False
        Whether to tell changed files by their content, rather than by size and time of change, and
        to check the cached array as well. It reads everything.
    as_frame : bool, default=False
        Whether `data` is a lead frame, indexed by the records' names.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        With these attributes:

        data : ndarray of shape (n_rows, n_leads, n_times), float32
            Signals in mV: a row per record, or per window. With `cache` a read-only memory map. A
            lead frame with ``as_frame=True``.
        lead_names : list of str
            The leads, in standard spelling.
        groups : ndarray of shape (n_rows,), int
            The record of each row, as its row in `report`: for splits that keep the windows of a
            record together. WFDB knows no patients; if a patient has several records, make groups
            of your own.
        sampling_rate : int or float
            In Hz.
        metadata : DataFrame of shape (n_rows, 2)
            For each row the name of its record, and the second at which it starts in it.
        report : DataFrame
            A row per record: its name; its status ("loaded"; "dropped" by a policy; "failed";
            "segment" of another record; "no header" for a signal file of a folder that no header
            describes, or a header whose ending is not ``.hea`` in lower case); the reason, or what
            was done to it; the shape (channels, time points), the sampling rate in Hz and the units
            of its leads in the file; and the number of rows that it became.
        comments : dict of str to list of str
            The comments in the header of each record that was loaded.
        DESCR : str
            What was read from where.

    Raises
    ------
    FileNotFoundError
        If the folder is not there or holds no ``.hea`` file.
    RecordError
        With ``on_error="raise"``, for the first record that cannot be loaded. It is a ValueError.
    TypeError
        If `leads` is a single string.
    ValueError
        If a parameter has an unknown value, or no record is loaded.

    See Also
    --------
    load_challenge : Records of the PhysioNet/CinC Challenges 2020 and 2021, with their labels.
    load_ptbxl : PTB-XL.

    Examples
    --------
    A folder with one record of two seconds, whose header has the leads in another order and
    another case:

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

    A lead that is not there is an error, unless it can be derived and that was asked for:

    >>> load_wfdb(folder, leads=["I", "II", "aVF"])
    Traceback (most recent call last):
        ...
    sklearn_ecg.datasets.RecordError: Record rec01, leads: aVF missing; the channels are
    ii, Lead I. Ask for other leads, or pass missing_leads='derive', ...
    >>> bunch = load_wfdb(folder, leads=["I", "II", "aVF"], missing_leads="derive")
    >>> bunch.data[0, :, 0]
    array([0.1 , 0.2 , 0.15], dtype=float32)
    """
    policies = make_policies(
        leads=leads,
        missing_leads=missing_leads,
        missing_values=missing_values,
        duration=duration,
        longer=longer,
        shorter=shorter,
        resample_to=resample_to,
        assume_units=assume_units,
        on_error=on_error,
    )
    root, names, where = find_records(folder_or_records)
    reading = read_records(
        root,
        names,
        policies,
        on_error=on_error,
        n_jobs=n_jobs,
        verbose=verbose,
        cache=cache,
        check_content=check_content,
        loader="wfdb",
        is_folder=root != "",
    )
    warn_of_failed(reading.report)
    bunch = make_bunch(reading, policies, as_frame)
    bunch.DESCR = _DESCR.format(
        n_rows=len(reading.data),
        n_loaded=(reading.report["status"] == "loaded").sum(),
        n_records=len(names),
        where=where,
        sampling_rate=reading.sampling_rate,
        leads=", ".join(policies.leads),
    )
    return bunch


def find_records(folder_or_records):
    """The folder, the records' names relative to it, and words for both."""
    if isinstance(folder_or_records, (str, os.PathLike)):
        folder = Path(folder_or_records)
        if not folder.is_dir():
            reason = "it is not a folder" if folder.exists() else "it does not exist"
            hint = ""
            if folder.with_name(f"{folder.name}.hea").is_file() or folder.suffix == ".hea":
                hint = f" To load one record, pass a list: [{str(folder)!r}]."
            raise FileNotFoundError(
                f"{str(folder)!r} is not a folder of WFDB records: {reason}. Pass a folder with "
                f".hea files, or a list of records.{hint}"
            )
        names = list_records(folder)
        if not names:
            others = [file for file in list_strays(folder) if file.lower().endswith(".hea")]
            hint = f" Rename {others[0]}: the ending must be in lower case." if others else ""
            raise FileNotFoundError(
                f"{str(folder)!r} holds no WFDB records: there is no .hea file in it, nor in the "
                f"folders within. Pass the folder that holds them, or a list of records.{hint}"
            )
        return str(folder), names, repr(str(folder))
    try:
        names = [os.fsdecode(record) for record in folder_or_records]
    except TypeError as error:
        raise TypeError(
            "folder_or_records must be a folder, or a list of records as str or path, got "
            f"{folder_or_records!r}."
        ) from error
    names = [name[:-4] if name.endswith((".hea", ".dat", ".mat")) else name for name in names]
    if not names:
        raise ValueError("The list of records is empty. Pass at least one, or a folder.")
    seen = {}
    for name in names:
        same = seen.setdefault(os.path.normcase(os.path.abspath(name)), name)
        if same is not name:
            raise ValueError(
                f"The list of records has {name!r} twice (as {same!r} before). Each would be a "
                "row and a group of its own: pass it once."
            )
    return "", names, "a list"


def make_bunch(reading, policies, as_frame):
    """What all loaders of WFDB records return of a reading."""
    names = reading.report["record"].to_numpy()[reading.records]
    metadata = pd.DataFrame({"record": names, "start": reading.starts})
    data = reading.data
    if as_frame:
        index = pd.Index(names, name="record")
        data = to_lead_frame(
            data, policies.leads, index=index, sampling_rate=reading.sampling_rate, units="mV"
        )
        metadata.index = index
    loaded = reading.report["status"] == "loaded"
    return Bunch(
        data=data,
        lead_names=list(policies.leads),
        groups=reading.records,
        sampling_rate=reading.sampling_rate,
        metadata=metadata,
        report=reading.report,
        comments={
            name: comments
            for name, comments, is_loaded in zip(reading.report["record"], reading.comments, loaded)
            if is_loaded
        },
    )

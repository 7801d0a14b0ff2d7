"""PTB-XL: 21,799 clinical 12-lead records of ten seconds."""

import ast
import json
import os
from pathlib import Path

import pandas as pd
from sklearn.utils import Bunch

from ..leads import STANDARD_LEADS, to_lead_frame
from ._policies import Policies
from ._reading import read_records, warn_of_failed
from ._records import RecordError

_DATABASE = "ptbxl_database.csv"
_STATEMENTS = "scp_statements.csv"
_FILENAME = {100: "filename_lr", 500: "filename_hr"}
_SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")

_DESCR = """\
PTB-XL, a large publicly available electrocardiography dataset
==============================================================

21,799 clinical 12-lead records of 10 s from 18,869 patients (version 1.0.3), collected between
1989 and 1996 and annotated by up to two cardiologists. Of ten folds that keep a patient's records
together, 1 to 8 are meant for training, 9 for validation and 10 for testing; the records of folds
9 and 10 were all seen by a human.

Signals are in mV, leads in the order I, II, III, aVR, aVL, aVF, V1 to V6.

Licence: Creative Commons Attribution 4.0 International (CC BY 4.0).

Source: https://physionet.org/content/ptb-xl/, doi:10.13026/kfzx-aw45

Citation: P. Wagner, N. Strodthoff, R.-D. Bousseljot, D. Kreiseler, F. I. Lunze, W. Samek and
T. Schaeffter (2020). PTB-XL, a large publicly available electrocardiography dataset. Scientific
Data 7, 154. doi:10.1038/s41597-020-0495-6
"""


def load_ptbxl(
    folder,
    *,
    sampling_rate=100,
    task="superclass",
    folds=None,
    min_likelihood=0,
    missing="raise",
    on_error="raise",
    n_jobs=None,
    verbose=0,
    cache=None,
    check_content=False,
    return_X_y=False,
    as_frame=False,
):
    """Load PTB-XL from a folder in its published layout.

    The folder holds ``ptbxl_database.csv``, ``scp_statements.csv`` and the WFDB records in
    ``records100`` and ``records500``, as downloaded from PhysioNet [1]_. A part of the database
    loads in the same way.

    Parameters
    ----------
    folder : str or path-like
        The folder that holds ``ptbxl_database.csv``.
    sampling_rate : {100, 500}, default=100
        Which of the two versions of each record to read, in Hz. All of PTB-XL takes 1 GB of memory
        at 100 Hz and 5 GB at 500 Hz.
    task : str, default="superclass"
        What to predict. The first six are those of the benchmark [2]_: multilabel indicators, with
        a column for every label that the database knows, in alphabetical order unless said.
        Records without any of the labels are left out.

        - "all": all 71 SCP-ECG statements.
        - "diagnostic": the 44 diagnostic statements.
        - "subclass": the 23 subclasses of diagnostic statements.
        - "superclass": their five superclasses, in the order NORM (normal), MI (myocardial
          infarction), STTC (ST/T change), CD (conduction disturbance), HYP (hypertrophy).
        - "form": the 19 statements on the form of the ECG.
        - "rhythm": the 12 statements on its rhythm.
        - "mi": 1 for a record with MI and without NORM, 0 for one with NORM and without MI.
          Records with both or neither are left out.

        Records that are left out are listed in ``dropped``.
    folds : iterable of int, default=None
        The stratified folds to read, of 1 to 10. None reads all that the database holds.
    min_likelihood : float, default=0
        The likelihood in percent, from 0 to 100, from which a statement counts. PTB-XL gives 0
        to a statement whose likelihood is not known. By default these count, as in the benchmark;
        with any higher value those that are diagnostic do not. Statements that are only on form or
        rhythm, to which PTB-XL gives hardly any likelihoods, count with 0 in any case.
    missing : {"raise", "drop"}, default="raise"
        What to do about records of the database whose files are not in the folder: raise an
        error, or leave them out and list them in ``dropped``.
    on_error : {"raise", "skip"}, default="raise"
        What to do with a record whose files are there, but cannot be loaded: raise an error that
        names it, or list it in ``dropped`` and in the report. A warning says how many failed.
    n_jobs : int, default=None
        Number of processes to read with; None means 1 unless in a ``joblib.parallel_config``
        context, -1 all processors. Most of the time goes into parsing headers, which threads
        cannot do at the same time.
    verbose : int, default=0
        Whether to show a progress bar.
    cache : str or path-like, default=None
        A folder for the cache. The first call writes the array there; later ones for the same
        records, whatever the task, map it into memory, read-only and shared between processes,
        unless a file has changed. It can be deleted at any time.
    check_content : bool, default=False
        Whether to tell changed files by their content, rather than by size and time of change, and
        to check the cached array as well. It reads everything.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` only.
    as_frame : bool, default=False
        Whether `data` is a lead frame and `target` a Series or DataFrame, both indexed by
        ``ecg_id``.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        With these attributes:

        data : ndarray of shape (n_records, 12, n_times), float32
            Signals in mV, leads in standard order. A read-only memory map with `cache`, a lead
            frame with ``as_frame=True``.
        target : ndarray of shape (n_records, n_labels) or (n_records,), int
            The labels. A DataFrame or Series with ``as_frame=True``.
        target_names : list of str
            The labels' names: those of the columns, or of the values 0 and 1.
        lead_names : list of str
            The twelve standard leads.
        groups : ndarray of shape (n_records,), int
            The patients, for splits that keep a patient's records together.
        folds : ndarray of shape (n_records,), int
            The stratified folds, 1 to 10. A patient's records are all in one fold.
        ecg_id : ndarray of shape (n_records,), int
            The records' ids.
        sampling_rate : int
            In Hz.
        metadata : DataFrame of shape (n_records, n_columns)
            The records' rows of ``ptbxl_database.csv``, with ``scp_codes`` as dictionaries.
        dropped : Series of str
            Records of the requested folds that are left out: their ``ecg_id`` as the index, the
            reason as the value.
        report : DataFrame
            A row per record whose files were read, as that of :func:`load_wfdb`.
        DESCR : str
            Description, licence and citation.
    (data, target) : tuple
        With ``return_X_y=True``.

    Raises
    ------
    FileNotFoundError
        If the folder, its tables or, with ``missing="raise"``, a record's files are not found.
    RecordError
        With ``on_error="raise"``, if a record is not what PTB-XL's records are: another sampling
        rate, length or set of leads, missing values, or a file that cannot be read. It is a
        ValueError.
    TypeError
        If `folds` is not an iterable of integers.
    ValueError
        If a parameter has an unknown value, the database lacks a column or has a statement that
        ``scp_statements.csv`` lacks, or no records are left.

    See Also
    --------
    fetch_ptbxl : Download PTB-XL.

    References
    ----------
    .. [1] Wagner et al. (2020). PTB-XL, a large publicly available electrocardiography dataset.
       Scientific Data 7, 154. https://physionet.org/content/ptb-xl/
    .. [2] Strodthoff et al. (2021). Deep learning for ECG analysis: benchmarks and insights from
       PTB-XL. IEEE Journal of Biomedical and Health Informatics 25, 1519-1528.

    Examples
    --------
    The example is not run as a test, because it needs the data.

    >>> from sklearn_ecg.datasets import load_ptbxl
    >>> train = load_ptbxl("ptb-xl", task="mi", folds=range(1, 9))  # doctest: +SKIP
    >>> X, y, groups = train.data, train.target, train.groups  # doctest: +SKIP
    >>> test = load_ptbxl("ptb-xl", task="mi", folds=[10])  # doctest: +SKIP

    A folder that holds something else is an error that says what is expected:

    >>> load_ptbxl("no-such-folder")
    Traceback (most recent call last):
        ...
    FileNotFoundError: 'no-such-folder' is not a PTB-XL folder: it does not exist. ...
    """
    folder = Path(folder)
    _check_options(sampling_rate, task, min_likelihood, missing, on_error)
    filename = _FILENAME[sampling_rate]
    database, statements = _read_tables(folder, filename, task)
    database = _select_folds(database, folds)
    _check_statements(database, statements)

    diagnostic = set(statements.index[statements["diagnostic"] == 1])
    codes = database["scp_codes"].map(
        lambda likelihoods: {
            code
            for code, value in likelihoods.items()
            if value >= min_likelihood or (value == 0 and code not in diagnostic)
        }
    )
    target, target_names = _make_target(task, codes, statements)
    unlabelled = database.index.difference(target.index)

    absent = _find_missing(folder, database.loc[target.index, filename])
    if len(absent) and missing == "raise":
        name = database.loc[absent[0], filename]
        where = f"no {filename} in {_DATABASE}" if pd.isna(name) else name
        raise FileNotFoundError(
            f"{len(absent)} of {len(target)} records are not in {str(folder)!r} at {sampling_rate} "
            f"Hz, the first of them ecg_id={absent[0]} ({where}). Download them, choose the other "
            "sampling_rate, or pass missing='drop' to leave them out."
        )
    target = target.drop(absent)
    reasons = {f"no label for task {task!r}": unlabelled, f"no files at {sampling_rate} Hz": absent}
    dropped = pd.concat([pd.Series(why, index=ids, dtype="str") for why, ids in reasons.items()])
    if len(target) == 0:
        raise ValueError(
            f"No records are left: {len(dropped)} of {len(database)} records were dropped "
            f"({dropped.value_counts().to_dict()}). Choose other folds, another task or a lower "
            "min_likelihood."
        )

    reading = _read_records(
        folder,
        database.loc[target.index, filename],
        sampling_rate,
        on_error,
        n_jobs,
        verbose,
        cache,
        check_content,
    )
    warn_of_failed(reading.report)
    data = reading.data
    is_failed = (reading.report["status"] == "failed").to_numpy()
    failed = pd.Series(
        reading.report.loc[is_failed, "reason"].to_numpy(), index=target.index[is_failed]
    )
    if len(failed):
        dropped = pd.concat([dropped, failed.astype("str")])
    target = target.iloc[reading.records]
    metadata = database.loc[target.index]
    if as_frame:
        data = to_lead_frame(
            data, STANDARD_LEADS, index=metadata.index, sampling_rate=sampling_rate, units="mV"
        )
    else:
        target = target.to_numpy()
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        target_names=list(target_names),
        lead_names=list(STANDARD_LEADS),
        groups=metadata["patient_id"].to_numpy(),
        folds=metadata["strat_fold"].to_numpy(),
        ecg_id=metadata.index.to_numpy(),
        sampling_rate=sampling_rate,
        metadata=metadata,
        dropped=dropped.sort_index(),
        report=reading.report,
        DESCR=_DESCR,
    )


# --------------------------------------------------------------------------------------------------
# Tasks: from each record's set of SCP codes to a target for the records that have one
# --------------------------------------------------------------------------------------------------


# Each task that is a multilabel indicator: the column of scp_statements.csv that selects its
# statements (None for all), and the column that names their labels (None for the statement).
_TASKS = {
    "all": (None, None),
    "diagnostic": ("diagnostic", None),
    "subclass": ("diagnostic", "diagnostic_subclass"),
    "superclass": ("diagnostic", "diagnostic_class"),
    "form": ("form", None),
    "rhythm": ("rhythm", None),
}


def _make_target(task, codes, statements):
    """The target of the records that have one, indexed by ecg_id, and its names."""
    if task == "mi":
        superclasses, _ = _make_target("superclass", codes, statements)
        return superclasses.loc[superclasses["MI"] != superclasses["NORM"], "MI"], ("NORM", "MI")
    selects, labels = _TASKS[task]
    chosen = statements if selects is None else statements[statements[selects] == 1]
    label_of = dict(zip(chosen.index, chosen.index if labels is None else chosen[labels]))
    names = _SUPERCLASSES if task == "superclass" else sorted(set(label_of.values()))
    found = codes.map(lambda record: {label_of[code] for code in record if code in label_of})
    indicator = pd.DataFrame(
        {name: [name in record for record in found] for name in names}, index=codes.index
    ).astype(int)
    return indicator[indicator.any(axis=1)], names


# --------------------------------------------------------------------------------------------------
# Tables
# --------------------------------------------------------------------------------------------------


def _check_options(sampling_rate, task, min_likelihood, missing, on_error):
    if sampling_rate not in _FILENAME:
        raise ValueError(
            f"sampling_rate={sampling_rate!r} is not available: PTB-XL holds each record at 100 "
            "and at 500 Hz."
        )
    if task not in (*_TASKS, "mi"):
        raise ValueError(f"task={task!r} is unknown. Known tasks are {', '.join(_TASKS)}, mi.")
    if not 0 <= min_likelihood <= 100:
        raise ValueError(
            f"min_likelihood={min_likelihood!r} is not between 0 and 100: likelihoods are in "
            "percent."
        )
    if missing not in ("raise", "drop"):
        raise ValueError(f"missing={missing!r} is unknown. Pass 'raise' or 'drop'.")
    if on_error not in ("raise", "skip"):
        raise ValueError(f"on_error={on_error!r} is unknown. Pass 'raise' or 'skip'.")


def _read_tables(folder, filename, task):
    if not folder.is_dir():
        reason = "it is not a folder" if folder.exists() else "it does not exist"
    else:
        absent = [name for name in (_DATABASE, _STATEMENTS) if not (folder / name).is_file()]
        reason = f"it does not hold {' and '.join(absent)}" if absent else None
    if reason:
        raise FileNotFoundError(
            f"{str(folder)!r} is not a PTB-XL folder: {reason}. Pass the folder with {_DATABASE}, "
            f"{_STATEMENTS} and the records, as published on "
            "https://physionet.org/content/ptb-xl/."
        )

    # low_memory=False: mixed columns, such as those on signal quality, get one dtype.
    database = pd.read_csv(folder / _DATABASE, low_memory=False)
    statements = pd.read_csv(folder / _STATEMENTS, index_col=0)
    _check_columns(
        database, ["ecg_id", "patient_id", "scp_codes", "strat_fold", filename], _DATABASE
    )
    columns = {"diagnostic", "diagnostic_class", *_TASKS.get(task, ())} - {None}
    _check_columns(statements, sorted(columns), _STATEMENTS)
    _check_rows(database)
    database = database.set_index("ecg_id")
    # Published as 15709.0.
    database["patient_id"] = database["patient_id"].astype(int)
    database["scp_codes"] = [
        _parse_codes(ecg_id, codes) for ecg_id, codes in database["scp_codes"].items()
    ]
    return database, statements


def _check_rows(database):
    """Rows that are given twice, or lack what every row must have."""
    again = "Pass a folder with the file as published."
    repeated = database["ecg_id"][database["ecg_id"].duplicated()]
    if len(repeated):
        raise ValueError(f"{_DATABASE} has ecg_id {repeated.iloc[0]} in more than one row. {again}")
    for column in ("ecg_id", "patient_id", "scp_codes", "strat_fold"):
        empty = database["ecg_id"][database[column].isna()]
        if len(empty):
            raise ValueError(
                f"{_DATABASE} has no {column} for {len(empty)} record(s), the first of them "
                f"ecg_id {empty.iloc[0]}. {again}"
            )


def _check_statements(database, statements):
    """A statement without a meaning would be left out of every target."""
    known = set(statements.index)
    for ecg_id, codes in database["scp_codes"].items():
        unknown = sorted(set(codes) - known)
        if unknown:
            raise ValueError(
                f"{_DATABASE} has the statement {unknown[0]!r} for ecg_id {ecg_id}, which "
                f"{_STATEMENTS} does not hold. Pass a folder with both files of one version."
            )


def _parse_codes(ecg_id, codes):
    try:
        # Published as {'NORM': 100.0}, which is JSON but for its quotes, and read as such in a
        # tenth of the time.
        return json.loads(codes.replace("'", '"'))
    except ValueError:
        pass
    try:
        parsed = ast.literal_eval(codes)
    except (SyntaxError, ValueError) as error:
        raise ValueError(
            f"{_DATABASE} has scp_codes {codes!r} for ecg_id {ecg_id}, which are not a dict of "
            "codes and likelihoods. Pass a folder with the file as published."
        ) from error
    return parsed


def _check_columns(table, columns, name):
    absent = [column for column in columns if column not in table]
    if absent:
        raise ValueError(
            f"{name} has no column {', '.join(absent)}. Pass a folder with the file as published."
        )


def _select_folds(database, folds):
    if folds is None:
        return database
    try:
        folds = [int(fold) for fold in folds]
    except (TypeError, ValueError) as error:
        raise TypeError(f"folds must be an iterable of int, such as [9], got {folds!r}.") from error
    present = sorted(database["strat_fold"].unique().tolist())
    unknown = sorted(set(folds).difference(present))
    if unknown or not folds:
        raise ValueError(f"folds={folds}: choose from the folds in the database, {present}.")
    return database[database["strat_fold"].isin(folds)]


# --------------------------------------------------------------------------------------------------
# Records
# --------------------------------------------------------------------------------------------------


def _find_missing(folder, names):
    # A folder is listed once: to ask for each file takes longer than to read them from a cache.
    present = {}

    def is_there(file):
        parent, _, name = file.rpartition("/")
        if parent not in present:
            path = os.path.join(folder, parent)
            present[parent] = set(os.listdir(path)) if os.path.isdir(path) else set()
        return name in present[parent]

    # In a part of the database, a name may be left empty.
    is_missing = [
        pd.isna(name) or not all(is_there(f"{name}{end}") for end in (".hea", ".dat"))
        for name in names
    ]
    return names.index[is_missing]


def _read_records(folder, names, sampling_rate, on_error, n_jobs, verbose, cache, check_content):
    advice = "Records of PTB-XL are not like this: download it again, or pass on_error='skip'."
    reading = read_records(
        folder,
        list(names),
        Policies(STANDARD_LEADS),
        on_error=on_error,
        n_jobs=n_jobs,
        verbose=verbose,
        cache=cache,
        check_content=check_content,
        loader="PTB-XL",
        advice=advice,
    )
    if reading.sampling_rate != sampling_rate:
        raise RecordError(
            names.iloc[0],
            "sampling rate",
            f"it has {reading.sampling_rate:g} Hz instead of {sampling_rate} Hz.",
            "Records of PTB-XL are not like this: download it again.",
        )
    return reading

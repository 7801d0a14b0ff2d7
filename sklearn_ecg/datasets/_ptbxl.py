"""PTB-XL: 21,799 clinical 12-lead records of ten seconds."""

import os
from numbers import Real
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.utils import Bunch

from ..leads import STANDARD_LEADS, to_lead_frame
from ..utils._paths import expand_path
from ._ptbxl_tables import (
    DATABASE,
    NAME_COLUMN,
    SUPERCLASSES,
    find_doubtful_subjects,
    read_tables,
    select_folds,
)
from ._reading import (
    Policies,
    add_note,
    check_lazy,
    check_option,
    read_records,
    warn_of_failed_records,
)
from ._records import find_name_fault, list_hidden_files

_DESCR = """\
PTB-XL, a large publicly available electrocardiography dataset
==============================================================

21,799 clinical 12-lead records of 10 s from 18,869 patients (version 1.0.3), collected between
1989 and 1996 and annotated by up to two cardiologists. Of ten folds that keep a patient's records
together, 1 to 8 are intended for training, 9 for validation and 10 for testing; all records of
folds 9 and 10 were validated by a human.

Signals are in mV, leads in the order I, II, III, aVR, aVL, aVF, V1 to V6.

License: Creative Commons Attribution 4.0 International (CC BY 4.0).

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
    min_likelihood: float = 0,
    missing="raise",
    on_error="raise",
    n_jobs=None,
    verbose=0,
    cache=None,
    check_content=False,
    return_X_y=False,
    as_frame=False,
    lazy=False,
) -> Any:
    """Load PTB-XL from a folder in its published layout.

    The folder has ``ptbxl_database.csv``, ``scp_statements.csv`` and the WFDB records in
    ``records100`` and ``records500``, as on PhysioNet [1]_. It may have only a part of the records.

    Parameters
    ----------
    folder : str or path-like
        The folder with ``ptbxl_database.csv``.
    sampling_rate : {100, 500}, default=100
        Which of the two versions of each record to read, in Hz. All of PTB-XL takes 1 GB of memory
        at 100 Hz and 5 GB at 500 Hz.
    task : {"all", "diagnostic", "subclass", "superclass", "form", "rhythm", "mi"}, \
            default="superclass"
        What to predict. The first six are the tasks of the benchmark [2]_: multilabel indicators
        with a column for every label in the database, in alphabetical order unless stated
        otherwise. Records without any of the labels are left out.

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
        The stratified folds to read, from 1 to 10. None reads all folds of the database.
    min_likelihood : float, default=0
        The minimum likelihood of a statement in percent, from 0 to 100. PTB-XL gives 0 to a
        statement whose likelihood is unknown. By default such statements count, as in the
        benchmark; with a higher value, diagnostic ones do not. Statements only on form or rhythm,
        to which PTB-XL gives hardly any likelihoods, count with 0 in any case.
    missing : {"raise", "drop"}, default="raise"
        What to do with records of the database whose files are not in the folder: raise an error,
        or leave them out and list them in ``dropped``.
    on_error : {"raise", "skip"}, default="raise"
        What to do with a record whose files exist but cannot be loaded: raise an error that names
        it, or list it in ``dropped`` and in the report and issue a warning with the number of such
        records.
    n_jobs : int, default=None
        Number of processes to read with; None means 1 unless in a ``joblib.parallel_config``
        context, -1 means all processors. Most of the time is spent on parsing headers, which
        threads cannot do in parallel.
    verbose : int, default=0
        Whether to show a progress bar.
    cache : str or path-like, default=None
        A folder for the cache. The first call writes the array there; later ones for the same
        records, with any task, map it into memory, read-only and shared between processes, unless a
        file has changed. It can be deleted at any time.
    check_content : bool, default=False
        Whether to recognize changed files by their contents, rather than by size and modification
        time, and to check the cached array as well. This reads all files.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether `data` is a lead frame and `target` a Series or DataFrame, both indexed by
        ``ecg_id``.
    lazy : bool, default=False
        Whether `data` is :class:`~sklearn_ecg.LazyRecords` of the cache, which are read from the
        disk when they are needed, for more records than fit into memory. Requires `cache`.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        With these attributes:

        data : ndarray of shape (n_records, 12, n_times), float32
            Signals in mV, leads in standard order. With `cache`, a read-only memory map. With
            ``as_frame=True``, a lead frame. With ``lazy=True``, lazy records.
        target : ndarray of shape (n_records, n_labels) or (n_records,), int
            The labels. With ``as_frame=True``, a DataFrame or Series.
        target_names : list of str
            The names of the labels: of the columns, or of the values 0 and 1.
        lead_names : list of str
            The twelve standard leads.
        groups : ndarray of shape (n_records,), int
            The patients, for splits that keep a patient's records together.
        folds : ndarray of shape (n_records,), int
            The stratified folds, 1 to 10. All records of a patient are in one fold.
        ecg_id : ndarray of shape (n_records,), int
            The ids of the records.
        sampling_rate : int
            In Hz.
        metadata : DataFrame of shape (n_records, n_columns)
            The records' rows of ``ptbxl_database.csv``, with ``scp_codes`` as dictionaries.
        dropped : Series of str
            Records of the requested folds that are left out: their ``ecg_id`` as the index, the
            reason as the value.
        report : DataFrame
            A row per record whose files were read, and per hidden file; see :func:`load_wfdb`.
        DESCR : str
            Description, license and citation.
    (data, target) : tuple
        With ``return_X_y=True``.

    Raises
    ------
    FileNotFoundError
        If the folder, its tables or, with ``missing="raise"``, a record's files are not found.
    RecordError
        With ``on_error="raise"``, for the first record that is unlike those of PTB-XL: another
        sampling rate, length or set of leads, missing values, or a file that cannot be read. It is
        a ValueError.
    TypeError
        If `folds` is not an iterable of integers.
    ValueError
        If a parameter has an unknown value, no records are left, or a table is not as published: a
        column is missing, a cell is not valid, a statement of the database is missing in
        ``scp_statements.csv``, or a patient is in two folds.

    See Also
    --------
    download_ptbxl : Download PTB-XL.
    load_wfdb : Load records of any WFDB folder.

    References
    ----------
    .. [1] Wagner et al. (2020). PTB-XL, a large publicly available electrocardiography dataset.
       Scientific Data 7, 154. https://physionet.org/content/ptb-xl/
    .. [2] Strodthoff et al. (2021). Deep learning for ECG analysis: benchmarks and insights from
       PTB-XL. IEEE Journal of Biomedical and Health Informatics 25, 1519-1528.

    Examples
    --------
    This example is not run as a test, because it requires the data.

    >>> from sklearn_ecg.datasets import load_ptbxl
    >>> train = load_ptbxl("ptb-xl", task="mi", folds=range(1, 9))  # doctest: +SKIP
    >>> X, y, groups = train.data, train.target, train.groups  # doctest: +SKIP
    >>> test = load_ptbxl("ptb-xl", task="mi", folds=[10])  # doctest: +SKIP

    An error says what the folder should contain:

    >>> load_ptbxl("no-such-folder")
    Traceback (most recent call last):
        ...
    FileNotFoundError: 'no-such-folder' is not a PTB-XL folder: it does not exist. ...
    """
    folder = Path(expand_path(folder, "folder"))
    _check_parameters(sampling_rate, task, min_likelihood, missing, on_error)
    check_lazy(lazy, cache, as_frame)
    name_column = NAME_COLUMN[sampling_rate]
    columns = {"diagnostic", "diagnostic_class", *_INDICATOR_TASKS.get(task, ())} - {None}
    database, statements = read_tables(folder, name_column, sorted(columns))
    database = select_folds(database, folds)

    diagnostic = set(statements.index[statements["diagnostic"] == 1])
    codes = database["scp_codes"].map(
        lambda likelihoods: {
            code
            for code, value in likelihoods.items()
            if value >= min_likelihood or (value == 0 and code not in diagnostic)
        }
    )
    target, target_names = _make_task_target(task, codes, statements)
    unlabeled = database.index.difference(target.index)

    absent = _find_absent_records(folder, database.loc[target.index, name_column])
    if len(absent) and missing == "raise":
        name = database.loc[absent[0], name_column]
        where = f"no {name_column} in {DATABASE}" if pd.isna(name) else name
        raise FileNotFoundError(
            f"{len(absent)} of {len(target)} records are not in {str(folder)!r} at {sampling_rate} "
            f"Hz, the first of them ecg_id={absent[0]} ({where}). Download them, pass the other "
            "sampling_rate, or missing='drop' to leave them out."
        )
    target = target.drop(absent)
    reasons = {f"no label for task {task!r}": unlabeled, f"no files at {sampling_rate} Hz": absent}
    dropped = pd.concat([pd.Series(why, index=ids, dtype="str") for why, ids in reasons.items()])
    if len(target) == 0:
        raise ValueError(
            f"No records are left: {len(dropped)} of {len(database)} records were dropped "
            f"({dropped.value_counts().to_dict()}). Pass other folds, another task or a lower "
            "min_likelihood."
        )

    batch = _read_ptbxl_records(
        folder,
        database.loc[target.index, name_column],
        sampling_rate,
        on_error,
        n_jobs,
        verbose,
        cache,
        check_content,
        lazy,
    )
    warn_of_failed_records(batch.report)
    data = batch.data
    # After the rows of the records, the report has those of hidden files.
    doubtful = find_doubtful_subjects(database.loc[target.index])
    for position, ecg_id in enumerate(target.index):
        for note in doubtful.get(ecg_id, []):
            add_note(batch.report, position, f"{note}, which cannot be right")
    report = batch.report.iloc[: len(target)]
    is_failed = (report["status"] == "failed").to_numpy()
    failed = pd.Series(report.loc[is_failed, "reason"].to_numpy(), index=target.index[is_failed])
    if len(failed):
        dropped = pd.concat([dropped, failed.astype("str")])
    target = target.iloc[batch.records]
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
        report=batch.report,
        DESCR=_DESCR,
    )


# --------------------------------------------------------------------------------------------------
# Tasks
# --------------------------------------------------------------------------------------------------


# Multilabel tasks: the column of scp_statements.csv that selects the statements (None for all), and
# the column with their labels (None for the statement itself).
_INDICATOR_TASKS = {
    "all": (None, None),
    "diagnostic": ("diagnostic", None),
    "subclass": ("diagnostic", "diagnostic_subclass"),
    "superclass": ("diagnostic", "diagnostic_class"),
    "form": ("form", None),
    "rhythm": ("rhythm", None),
}


def _make_task_target(task, codes, statements):
    """Return the target of the records that have one, indexed by ecg_id, and its names."""
    if task == "mi":
        superclasses, _ = _make_task_target("superclass", codes, statements)
        return superclasses.loc[superclasses["MI"] != superclasses["NORM"], "MI"], ("NORM", "MI")
    selects, labels = _INDICATOR_TASKS[task]
    chosen = statements if selects is None else statements[statements[selects] == 1]
    label_of = dict(zip(chosen.index, chosen.index if labels is None else chosen[labels]))
    names = SUPERCLASSES if task == "superclass" else sorted(set(label_of.values()))
    found = codes.map(lambda record: {label_of[code] for code in record if code in label_of})
    indicator = pd.DataFrame(
        {name: [name in record for record in found] for name in names}, index=codes.index
    ).astype(int)
    return indicator[indicator.any(axis=1)], names


# --------------------------------------------------------------------------------------------------
# Parameters
# --------------------------------------------------------------------------------------------------


def _check_parameters(sampling_rate, task, min_likelihood, missing, on_error):
    if not isinstance(sampling_rate, Real) or sampling_rate not in NAME_COLUMN:
        raise ValueError(
            f"sampling_rate={sampling_rate!r} is not available. Pass 100 or 500: PTB-XL has each "
            "record at 100 and at 500 Hz."
        )
    check_option("task", task, (*_INDICATOR_TASKS, "mi"))
    is_number = isinstance(min_likelihood, Real) and not isinstance(min_likelihood, bool)
    if not is_number or not 0 <= min_likelihood <= 100:
        raise ValueError(f"min_likelihood={min_likelihood!r} must be a percentage from 0 to 100.")
    check_option("missing", missing, ("raise", "drop"))
    check_option("on_error", on_error, ("raise", "skip"))


# --------------------------------------------------------------------------------------------------
# Records
# --------------------------------------------------------------------------------------------------


def _find_absent_records(folder, names):
    # Each folder is listed once: looking for every file takes longer than reading the cache.
    present = {}

    def is_there(file):
        parent, _, name = file.rpartition("/")
        if find_name_fault(file) is not None:
            return True  # reading it raises the reason
        if parent not in present:
            try:
                present[parent] = set(os.listdir(os.path.join(folder, parent)))
            except (FileNotFoundError, NotADirectoryError):
                present[parent] = set()
            except OSError:
                present[parent] = None  # reading the record raises the reason
        return present[parent] is None or name in present[parent]

    # Names may be empty in a part of the database.
    is_missing = [
        pd.isna(name) or not all(is_there(f"{name}{end}") for end in (".hea", ".dat"))
        for name in names
    ]
    return names.index[is_missing]


def _read_ptbxl_records(
    folder, names, sampling_rate, on_error, n_jobs, verbose, cache, check_content, lazy
):
    advice = "The record is unlike those of PTB-XL: download it again, or pass on_error='skip'."
    return read_records(
        folder,
        [str(name) for name in names],
        Policies(STANDARD_LEADS),
        on_error=on_error,
        n_jobs=n_jobs,
        verbose=verbose,
        cache=cache,
        check_content=check_content,
        lazy=lazy,
        loader="PTB-XL",
        hidden=list_hidden_files(folder),
        sampling_rate=sampling_rate,
        advice=advice,
    )

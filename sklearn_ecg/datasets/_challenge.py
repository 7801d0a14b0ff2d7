"""Records of the PhysioNet/CinC Challenges 2020 and 2021, from several databases."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from ..leads import STANDARD_LEADS, to_lead_frame
from ._reading import (
    add_note,
    check_lazy,
    check_option,
    make_bunch,
    make_policies,
    read_records,
    warn_of_failed_records,
)
from ._records import RecordError, find_records
from ._subjects import collect_comments, parse_age, parse_sex

# The scored diagnoses of the Challenge 2021, from its table dx_mapping_scored.csv
# (github.com/physionetchallenges/evaluation-2021): SNOMED CT code, abbreviation, name.
_SCORED_DIAGNOSES = (
    ("164889003", "AF", "atrial fibrillation"),
    ("164890007", "AFL", "atrial flutter"),
    ("6374002", "BBB", "bundle branch block"),
    ("426627000", "Brady", "bradycardia"),
    ("733534002", "CLBBB", "complete left bundle branch block"),
    ("713427006", "CRBBB", "complete right bundle branch block"),
    ("270492004", "IAVB", "1st degree av block"),
    ("713426002", "IRBBB", "incomplete right bundle branch block"),
    ("39732003", "LAD", "left axis deviation"),
    ("445118002", "LAnFB", "left anterior fascicular block"),
    ("164909002", "LBBB", "left bundle branch block"),
    ("251146004", "LQRSV", "low qrs voltages"),
    ("698252002", "NSIVCB", "nonspecific intraventricular conduction disorder"),
    ("426783006", "NSR", "sinus rhythm"),
    ("284470004", "PAC", "premature atrial contraction"),
    ("10370003", "PR", "pacing rhythm"),
    ("365413008", "PRWP", "poor r wave progression"),
    ("427172004", "PVC", "premature ventricular contractions"),
    ("164947007", "LPR", "prolonged pr interval"),
    ("111975006", "LQT", "prolonged qt interval"),
    ("164917005", "QAb", "qwave abnormal"),
    ("47665007", "RAD", "right axis deviation"),
    ("59118001", "RBBB", "right bundle branch block"),
    ("427393009", "SA", "sinus arrhythmia"),
    ("426177001", "SB", "sinus bradycardia"),
    ("427084000", "STach", "sinus tachycardia"),
    ("63593006", "SVPB", "supraventricular premature beats"),
    ("164934002", "TAb", "t wave abnormal"),
    ("59931005", "TInv", "t wave inversion"),
    ("17338001", "VPB", "ventricular premature beats"),
)
# Pairs that the table scores as the same diagnosis.
_SCORED_AS = {"CLBBB": "LBBB", "CRBBB": "RBBB", "PAC": "SVPB", "PVC": "VPB"}
# Words of CPSC 2018 that are not in the table; the last two diagnoses are not scored.
_CPSC_WORDS = {
    "normal": "426783006",
    "i-avb": "270492004",
    "std": "429622005",
    "ste": "164931005",
}
_CODE_OF_WORD = {
    **{abbreviation.lower(): code for code, abbreviation, _ in _SCORED_DIAGNOSES},
    **{name: code for code, _, name in _SCORED_DIAGNOSES},
    **_CPSC_WORDS,
}

_DATABASE_OF_PREFIX = {
    "A": "CPSC 2018",
    "Q": "CPSC 2018, extra",
    "I": "St Petersburg INCART",
    "S": "PTB",
    "HR": "PTB-XL",
    "E": "Georgia",
    "JS": "Chapman-Shaoxing and Ningbo",
}

_UNLABELED_OPTIONS = ("raise", "drop_record", "keep")
_NO_DIAGNOSIS = ("", "unknown", "nan", "none")
_SEXES = {"m": "male", "f": "female", "male": "male", "female": "female"}
_SNOMED_CODE = re.compile(r"[1-9]\d*", re.ASCII)

_DESCR = """\
PhysioNet/Computing in Cardiology Challenges 2020 and 2021
==========================================================

12-lead records of several databases, with diagnoses as SNOMED CT codes.

Signals are in mV. Patients are unknown, and some have several records in the part from PTB-XL.

License: Creative Commons Attribution 4.0 International (CC BY 4.0).

Source: https://physionet.org/content/challenge-2021/, doi:10.13026/34va-7q14

Citation: M. A. Reyna, N. Sadr, E. A. Perez Alday, A. Gu, A. J. Shah, C. Robichaux, A. B. Rad,
A. Elola, S. Seyedi, S. Ansari, H. Ghanbari, Q. Li, A. Sharma and G. D. Clifford (2021). Will Two
Do? Varying Dimensions in Electrocardiography: The PhysioNet/Computing in Cardiology Challenge 2021.
Computing in Cardiology 48, 1-4. doi:10.23919/CinC53138.2021.9662687
"""


def load_challenge(
    folder,
    *,
    labels: Any = "scored",
    unlabeled="raise",
    leads: Iterable[str] = STANDARD_LEADS,
    lead_aliases=None,
    missing_leads="raise",
    missing_values="raise",
    duration=None,
    longer="raise",
    shorter="raise",
    resample_to=None,
    on_error="raise",
    n_jobs=None,
    verbose=0,
    cache=None,
    check_content=False,
    return_X_y=False,
    as_frame=False,
    lazy=False,
) -> Any:
    """Load records of the PhysioNet/CinC Challenges 2020 and 2021, with their diagnoses.

    The Challenges [1]_ combined several databases. Their records are ``.mat`` files with a WFDB
    header, whose comments contain age, sex and diagnoses (``Dx``). Sampling rates and lengths
    differ: records of CPSC 2018 last from 6 s to more than a minute.

    Parameters
    ----------
    folder : str, path-like or list of str or path-like
        A folder, which is searched with all its subfolders, or a list of records.
    labels : "scored", "all" or list of str, default="scored"
        The columns of the target.

        - "scored": the 26 diagnoses that the Challenge 2021 scored, in the order of its table
          [2]_. Four of them are pairs of codes that count as the same: "CLBBB|LBBB",
          "CRBBB|RBBB", "PAC|SVPB" and "PVC|VPB".
        - "all": every code that occurs, in ascending order.
        - a list of codes, or of abbreviations or names of that table, each a column. Codes that
          count as the same are only merged if they are joined: "CLBBB|LBBB".
    unlabeled : {"raise", "drop_record", "keep"}, default="raise"
        What to do with a record whose header has no ``Dx``, or an unknown one. "keep" fills its row
        of the target with -1, which estimators with ``unlabeled=-1`` accept as a record without
        labels. If records are left out, `data` is a copy in memory even with `cache`.
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
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether `data` is a lead frame and `target` a DataFrame, both indexed by the names of the
        records.
    lazy : bool, default=False
        Whether `data` is :class:`~sklearn_ecg.LazyRecords` of the cache, which are read from the
        disk when they are needed, for more records than fit into memory. Requires `cache`.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        With the attributes that :func:`load_wfdb` returns, and:

        target : ndarray of shape (n_rows, n_labels), int
            1 for each diagnosis that was made. With ``as_frame=True``, a DataFrame.
        target_names : list of str
            The labels of the columns: abbreviations for "scored", codes for "all", else as given.
        unused : Series of int
            Number of records with a code that is in no column of the target, by code.
        metadata : DataFrame of shape (n_rows, 6)
            record; start in s; age in years (NaN if unknown); sex ("female", "male" or "unknown");
            dx, a tuple of codes; source, the database according to the name of the record.
    (data, target) : tuple
        With ``return_X_y=True``.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist or has no ``.hea`` file.
    RecordError
        For the first record that cannot be loaded, or has no ``Dx`` with ``unlabeled="raise"``. It
        is a ValueError.
    TypeError
        If `leads` is a single string, or `lead_aliases` is not a mapping of names.
    ValueError
        If a parameter has an unknown value, no record is loaded, or no record has a label.

    See Also
    --------
    load_wfdb : Load records of any WFDB folder.

    Notes
    -----
    CPSC 2018 uses words: "Normal", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE". They
    are replaced by codes. The last two, ST depression (429622005) and ST elevation (164931005), are
    not scored. Any other word is kept unchanged, counted in `unused`, and noted in the report.

    If a header has several comments ``Dx``, their diagnoses are joined. An age that is not a number
    from 0 to 120, an unknown word for the sex, and contradictory ages or sexes are noted in the
    report, and the value is unknown.

    References
    ----------
    .. [1] Reyna et al. (2021). Will Two Do? Varying Dimensions in Electrocardiography: The
       PhysioNet/Computing in Cardiology Challenge 2021.
       https://physionet.org/content/challenge-2021/
    .. [2] dx_mapping_scored.csv, https://github.com/physionetchallenges/evaluation-2021

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sklearn_ecg.datasets import load_challenge
    >>> folder = Path(tempfile.mkdtemp())
    >>> header = "E00001 1 500 1000\\nE00001.mat 16+24 1000/mV 16 0 0 0 0 II\\n"
    >>> header += "# Age: 71\\n# Sex: Female\\n# Dx: 59118001,164889003,55827005\\n"
    >>> _ = (folder / "E00001.hea").write_text(header)
    >>> matlab_header = np.array([30, 1, 1000, 0, 4], dtype="<i4").tobytes() + b"val\\0"
    >>> _ = (folder / "E00001.mat").write_bytes(matlab_header + bytes(2000))
    >>> bunch = load_challenge(folder, leads=["II"])
    >>> [name for name, value in zip(bunch.target_names, bunch.target[0]) if value]
    ['AF', 'CRBBB|RBBB']
    >>> bunch.unused.to_dict()
    {'55827005': 1}
    >>> bunch.metadata.loc[0, ["sex", "source"]].to_list()
    ['female', 'Georgia']
    """
    check_option("unlabeled", unlabeled, _UNLABELED_OPTIONS)
    _check_labels(labels)
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
        assume_units=None,
        on_error=on_error,
    )
    root, names, hidden, _ = find_records(folder, "folder")
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
        loader="challenge",
        is_folder=root != "",
        hidden=hidden,
    )
    subjects = [_parse_challenge_comments(comments) for comments in batch.comments]
    batch = _treat_unlabeled(batch, subjects, unlabeled, on_error)
    for record in dict.fromkeys(batch.records.tolist()):
        for note in subjects[record]["notes"]:
            add_note(batch.report, record, note)
    warn_of_failed_records(batch.report)
    codes = [subjects[record]["dx"] for record in batch.records]
    target, target_names, unused = _make_diagnosis_target(codes, batch.records, labels)

    bunch = make_bunch(batch, policies, as_frame=False)
    for column in ("age", "sex", "dx"):
        bunch.metadata[column] = pd.Series([subjects[i][column] for i in batch.records])
    bunch.metadata["source"] = [_source_database(name) for name in bunch.metadata["record"]]
    if as_frame:
        index = pd.Index(bunch.metadata["record"], name="record")
        bunch.data = to_lead_frame(
            bunch.data, policies.leads, index=index, sampling_rate=bunch.sampling_rate, units="mV"
        )
        bunch.metadata.index = index
        target = pd.DataFrame(target, columns=target_names, index=index)
    if return_X_y:
        return bunch.data, target
    return Bunch(**bunch, target=target, target_names=target_names, unused=unused, DESCR=_DESCR)


# --------------------------------------------------------------------------------------------------
# Headers
# --------------------------------------------------------------------------------------------------


def _parse_challenge_comments(comments):
    """Return age, sex and the codes of the diagnoses from the comments of a header, and notes."""
    stated, notes = collect_comments(comments), []
    return {
        "age": parse_age(stated.get("age", []), notes),
        "sex": parse_sex(stated.get("sex", []), _SEXES, notes) or "unknown",
        "dx": _parse_diagnoses(stated.get("dx", []), notes),
        "notes": notes,
    }


def _parse_diagnoses(stated, notes):
    """Return the codes, each once; unknown words stay unchanged, with a note."""
    if len(stated) > 1:
        notes.append(f"{len(stated)} different comments Dx in the header, joined")
    words = [word.strip() for text in stated for word in re.split("[,;]", text)]
    words = [word for word in words if word.lower() not in _NO_DIAGNOSIS]
    unknown = [word for word in dict.fromkeys(words) if not _is_known_diagnosis(word)]
    if unknown:
        notes.append(f"Dx {', '.join(map(repr, unknown))} in the header is not a SNOMED CT code")
    return tuple(dict.fromkeys(_CODE_OF_WORD.get(word.lower(), word) for word in words))


def _source_database(name):
    letters = re.match(r"[A-Z]*", name.rpartition("/")[2]).group()
    return _DATABASE_OF_PREFIX.get(letters, "unknown")


def _treat_unlabeled(batch, subjects, unlabeled, on_error):
    """Leave out the rows of records without a diagnosis, or raise for them."""
    names = batch.report["record"]
    without = [i for i in dict.fromkeys(batch.records.tolist()) if not subjects[i]["dx"]]
    if not without or unlabeled == "keep":
        return batch
    reason = "its header has no diagnosis (Dx)."
    if unlabeled == "raise" and on_error == "raise":
        raise RecordError(
            names[without[0]],
            "labels",
            reason,
            "Pass unlabeled='drop_record' or 'keep', or on_error='skip'.",
        )
    kept = ~np.isin(batch.records, without)
    if not kept.any():
        raise ValueError(
            f"None of {len(without)} records has a diagnosis (Dx) in its header. Pass "
            "unlabeled='keep', or use load_wfdb."
        )
    report = batch.report
    report.loc[without, "status"] = "dropped" if unlabeled == "drop_record" else "failed"
    report.loc[without, "reason"] = f"labels: {reason}"
    report.loc[without, "rows"] = 0
    batch.data = batch.data[kept]
    batch.records = batch.records[kept]
    batch.starts = batch.starts[kept]
    return batch


# --------------------------------------------------------------------------------------------------
# Target
# --------------------------------------------------------------------------------------------------


def _check_labels(labels):
    if isinstance(labels, str):
        if labels not in ("scored", "all"):
            raise ValueError(
                f"labels={labels!r} is unknown. Pass 'scored', 'all' or a list of codes or "
                "abbreviations."
            )
        return
    if isinstance(labels, bytes) or not np.iterable(labels):
        raise TypeError(
            f"labels={labels!r} must be 'scored', 'all' or a list of codes or abbreviations."
        )
    labels = list(labels)
    unknown = [
        x for x in labels if not all(_is_known_diagnosis(part) for part in str(x).split("|"))
    ]
    if unknown or not labels:
        raise ValueError(
            f"labels={labels}: {unknown[0]!r} is neither a SNOMED CT code nor a scored diagnosis. "
            "Pass codes, or abbreviations or names of scored diagnoses."
            if unknown
            else "labels is empty. Pass at least one label."
        )
    codes = [_codes_of(x) for x in labels]
    counts = Counter(code for of_label in codes for code in of_label)
    twice = [x for x, of_label in zip(labels, codes) if any(counts[c] > 1 for c in of_label)]
    if twice:
        raise ValueError(
            f"labels={labels}: a code of {twice[0]!r} occurs more than once. Pass each once."
        )


def _is_known_diagnosis(word):
    return bool(_SNOMED_CODE.fullmatch(word)) or word.lower() in _CODE_OF_WORD


def _codes_of(label):
    """Return the codes of a label, which may join several words."""
    return [_CODE_OF_WORD.get(word.lower(), word) for word in str(label).split("|")]


def _target_columns(labels, codes):
    """Return the names of the target's columns, and the column of each code."""
    if isinstance(labels, str) and labels == "scored":
        names, column_of = [], {}
        code_of = {abbreviation: code for code, abbreviation, _ in _SCORED_DIAGNOSES}
        for code, abbreviation, _ in _SCORED_DIAGNOSES:
            if abbreviation in _SCORED_AS.values():
                continue
            column_of[code] = len(names)
            if abbreviation in _SCORED_AS:
                column_of[code_of[_SCORED_AS[abbreviation]]] = len(names)
                abbreviation = f"{abbreviation}|{_SCORED_AS[abbreviation]}"
            names.append(abbreviation)
        return names, column_of
    if isinstance(labels, str):
        names = sorted({code for record in codes for code in record}, key=_numbers_first)
        return names, {code: column for column, code in enumerate(names)}
    names = [str(label) for label in labels]
    return names, {code: i for i, name in enumerate(names) for code in _codes_of(name)}


def _numbers_first(code):
    return (0, int(code), "") if code.isdecimal() else (1, 0, code)


def _make_diagnosis_target(codes, records, labels):
    """Return the target, the names of its columns, and the number of records of other codes."""
    names, column_of = _target_columns(labels, codes)
    target = np.zeros((len(codes), len(names)), dtype=int)
    unused, seen = Counter(), set()
    for row, (record, of_record) in enumerate(zip(records, codes)):
        if not of_record:
            target[row] = -1
        for code in of_record:
            if code in column_of:
                target[row, column_of[code]] = 1
            elif record not in seen:
                unused[code] += 1
        seen.add(record)
    unused = pd.Series(dict(unused.most_common()), name="records", dtype=int)
    unused.index = unused.index.astype(object)
    return target, names, unused

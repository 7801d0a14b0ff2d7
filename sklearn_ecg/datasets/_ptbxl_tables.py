"""The tables of PTB-XL: records with their statements, and what the statements mean."""

import ast
import json
import math
import re
from numbers import Integral, Real

import numpy as np
import pandas as pd

from ._csv_tables import check_integers, read_table
from ._subjects import MAX_AGE

DATABASE = "ptbxl_database.csv"
STATEMENTS = "scp_statements.csv"
NAME_COLUMN = {100: "filename_lr", 500: "filename_hr"}
SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")

_AS_PUBLISHED = "Pass a folder with the file as published."


def read_tables(folder, name_column, columns):
    """Read and check both tables.

    Parameters
    ----------
    folder : Path
    name_column : str
        The column with the names of the records.
    columns : list of str
        The columns of the statements that are required.

    Returns
    -------
    database : DataFrame, indexed by ecg_id
    statements : DataFrame, indexed by the code of the statement
    """
    if not folder.is_dir():
        reason = "it is not a folder" if folder.exists() else "it does not exist"
    else:
        absent = [name for name in (DATABASE, STATEMENTS) if not (folder / name).is_file()]
        reason = f"it does not contain {' and '.join(absent)}" if absent else None
    if reason:
        raise FileNotFoundError(
            f"{str(folder)!r} is not a PTB-XL folder: {reason}. Pass the folder with {DATABASE}, "
            f"{STATEMENTS} and the records, as published on "
            "https://physionet.org/content/ptb-xl/."
        )
    # With low_memory=False, columns of mixed content, such as those on signal quality, get one
    # dtype.
    database = read_table(folder / DATABASE, low_memory=False)
    statements = read_table(folder / STATEMENTS, index_col=0)
    _check_columns(
        database, ["ecg_id", "patient_id", "scp_codes", "strat_fold", name_column], DATABASE
    )
    _check_columns(statements, columns, STATEMENTS)
    _check_statements(statements)
    _check_indicators(statements)
    _check_empty_cells(database)
    for column in ("ecg_id", "patient_id", "strat_fold"):
        # The patients are published as 15709.0.
        database[column] = check_integers(database, column, DATABASE, rows="ecg_id")
    _check_ids(database, name_column)
    database = database.set_index("ecg_id")
    database["scp_codes"] = [
        _parse_codes(ecg_id, codes) for ecg_id, codes in database["scp_codes"].items()
    ]
    _check_known_statements(database, statements)
    return database, statements


def select_folds(database, folds):
    """Return the rows of the database that are in the given folds, all for None."""
    if folds is None:
        return database
    is_iterable = not isinstance(folds, (str, bytes)) and np.iterable(folds)
    given = list(folds) if is_iterable else []
    if not is_iterable or not all(_is_whole(fold) for fold in given):
        raise TypeError(f"folds must be an iterable of int, such as [9], got {folds!r}.")
    given = [int(fold) for fold in given]
    present = sorted(database["strat_fold"].unique().tolist())
    if not given or set(given).difference(present):
        raise ValueError(f"folds={given}: pass some of the folds in the database, {present}.")
    return database[database["strat_fold"].isin(given)]


def _is_whole(fold):
    if isinstance(fold, (bool, np.bool_)):
        return False
    return isinstance(fold, Integral) or (isinstance(fold, Real) and float(fold).is_integer())


def _check_columns(table, columns, name):
    absent = [column for column in columns if column not in table]
    if absent:
        raise ValueError(f"{name} has no column {', '.join(absent)}. {_AS_PUBLISHED}")


def _check_statements(statements):
    """Raise for a statement that would silently be ignored, or mean two things."""
    repeated = statements.index[statements.index.duplicated()]
    if len(repeated):
        raise ValueError(
            f"{STATEMENTS} has the statement {repeated[0]!r} in more than one row. {_AS_PUBLISHED}"
        )
    diagnostic = statements[statements["diagnostic"] == 1]
    unknown = diagnostic.index[~diagnostic["diagnostic_class"].isin(SUPERCLASSES)]
    if len(unknown):
        raise ValueError(
            f"{STATEMENTS} has the diagnostic_class "
            f"{diagnostic.loc[unknown[0], 'diagnostic_class']!r} for the diagnostic statement "
            f"{unknown[0]!r}, which is none of {', '.join(SUPERCLASSES)}. {_AS_PUBLISHED}"
        )
    if "diagnostic_subclass" in statements:
        empty = diagnostic.index[diagnostic["diagnostic_subclass"].isna()]
        if len(empty):
            raise ValueError(
                f"{STATEMENTS} has no diagnostic_subclass for the diagnostic statement "
                f"{empty[0]!r}. {_AS_PUBLISHED}"
            )


def _check_indicators(statements):
    """Raise for a cell that is neither 1 nor 0 nor empty, which would select no statement."""
    for column in ("diagnostic", "form", "rhythm"):
        if column not in statements:
            continue
        cells = statements[column]
        numbers = pd.to_numeric(cells, errors="coerce")
        wrong = statements.index[cells.notna() & ~numbers.isin([0, 1])]
        if len(wrong):
            raise ValueError(
                f"{STATEMENTS} has the {column} {str(cells[wrong[0]])!r} for the statement "
                f"{wrong[0]!r}, which is neither 1 nor empty. {_AS_PUBLISHED}"
            )


def _check_empty_cells(database):
    for column in ("ecg_id", "patient_id", "scp_codes", "strat_fold"):
        empty = database["ecg_id"][database[column].isna()]
        if len(empty):
            first = f"ecg_id {empty.iloc[0]}"
            if column == "ecg_id":
                first = f"row {empty.index[0] + 2}"
            raise ValueError(
                f"{DATABASE} has no {column} for {len(empty)} record(s), the first of them "
                f"{first}. {_AS_PUBLISHED}"
            )


def _check_ids(database, name_column):
    """Raise for repeated records, files of another record, unknown folds, patients in two folds.

    Names of files such as 00012_lr are compared with the ecg_id; other names are not.
    """
    repeated = database["ecg_id"][database["ecg_id"].duplicated()]
    if len(repeated):
        raise ValueError(
            f"{DATABASE} has ecg_id {repeated.iloc[0]} in more than one row. {_AS_PUBLISHED}"
        )
    names = database[name_column].dropna()
    twice = names[names.duplicated()]
    if len(twice):
        raise ValueError(
            f"{DATABASE} has {name_column} {twice.iloc[0]!r} in more than one row, the second of "
            f"them ecg_id {database['ecg_id'][twice.index[0]]}. {_AS_PUBLISHED}"
        )
    for ecg_id, name in zip(database["ecg_id"][names.index], names):
        number = re.search(r"(?:^|/)(\d+)_[lh]r$", str(name))
        if number and int(number[1]) != ecg_id:
            raise ValueError(
                f"{DATABASE} has {name_column} {name!r} for ecg_id {ecg_id}, which is the file of "
                f"another record. {_AS_PUBLISHED}"
            )
    outside = database[~database["strat_fold"].between(1, 10)]
    if len(outside):
        raise ValueError(
            f"{DATABASE} has the strat_fold {outside['strat_fold'].iloc[0]} for ecg_id "
            f"{outside['ecg_id'].iloc[0]}, but PTB-XL has the folds 1 to 10. {_AS_PUBLISHED}"
        )
    n_folds = database.groupby("patient_id")["strat_fold"].nunique()
    if (n_folds > 1).any():
        patient = n_folds.index[n_folds > 1][0]
        found = sorted(database["strat_fold"][database["patient_id"] == patient].unique().tolist())
        raise ValueError(
            f"{DATABASE} has records of patient_id {patient} in the folds {found}, but PTB-XL "
            f"keeps a patient's records in one fold. {_AS_PUBLISHED}"
        )


def _check_known_statements(database, statements):
    """Raise for an unknown statement, which every target would silently ignore."""
    known = set(statements.index)
    for ecg_id, codes in database["scp_codes"].items():
        unknown = sorted(set(codes) - known)
        if unknown:
            raise ValueError(
                f"{DATABASE} has the statement {unknown[0]!r} for ecg_id {ecg_id}, which is "
                f"missing in {STATEMENTS}. Pass a folder with both files of one version."
            )


def _parse_codes(ecg_id, codes):
    """Return the likelihoods of a record's statements in percent, by statement."""
    try:
        # Published as {'NORM': 100.0}, which is JSON except for its quotes. Reading it as JSON is
        # ten times as fast.
        parsed = json.loads(str(codes).replace("'", '"'), object_pairs_hook=_make_dict)
    except (ValueError, RecursionError):
        try:
            parsed = ast.literal_eval(str(codes))
            if len(ast.parse(str(codes).strip(), mode="eval").body.keys) != len(parsed):
                parsed = None
        except (SyntaxError, ValueError, TypeError, AttributeError, MemoryError, RecursionError):
            parsed = None
    if not isinstance(parsed, dict) or not all(
        isinstance(code, str) and _is_likelihood(value) for code, value in parsed.items()
    ):
        raise ValueError(
            f"{DATABASE} has scp_codes {codes!r} for ecg_id {ecg_id}, which is not a dict of "
            f"different codes and likelihoods from 0 to 100. {_AS_PUBLISHED}"
        )
    return parsed


def _make_dict(pairs):
    """Return a dict of pairs, and None if a key occurs twice."""
    parsed = dict(pairs)
    return parsed if len(parsed) == len(pairs) else None


def find_doubtful_subjects(database):
    """Return notes on ages and sexes that cannot be right, by ecg_id.

    The table has an age of 300 for patients of more than 89 years.
    """
    notes = {}
    checks = {
        "age": lambda values: values.between(0, MAX_AGE) | (values == 300),
        "sex": lambda values: values.isin([0, 1]),
    }
    for column, check in checks.items():
        if column in database:
            cells = database[column]
            is_good = check(pd.to_numeric(cells, errors="coerce"))
            for ecg_id, cell in cells[cells.notna() & ~is_good].items():
                notes.setdefault(ecg_id, []).append(f"{column} {cell} in {DATABASE}")
    return notes


def _is_likelihood(value):
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and 0 <= value <= 100

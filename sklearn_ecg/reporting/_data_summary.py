"""What the evaluation records are: numbers, leads, rate, unit, missing values, duplicates."""

import numpy as np
import pandas as pd

from .._validation import read_container
from .._validation._notes import noted_rate, noted_unit
from .._validation._samples import check_records, number_groups
from ..inspection._unwrap import (
    first_attribute,
    inner_estimators,
    known_lead_names,
    known_n_leads,
    takes_images,
)
from ..model_selection._duplicates import duplicate_groups, record_digests
from ..paper import ECGImageRenderer


def summarize_data(estimator, X, predictions, groups):
    """Return the facts about the evaluation records as a dict.

    Parameters
    ----------
    estimator : classifier
    X : array-like, DataFrame or lead frame
    predictions : Predictions
    groups : ndarray of shape (n_records,) or None

    Returns
    -------
    data : dict of str to object
        A value is None if it is not known.
    """
    n_records = len(predictions.positive)
    n_positive = predictions.positive.sum(axis=0)
    data = {
        "n_records": n_records,
        "n_patients": None,
        "max_records_per_patient": None,
        "target": predictions.kind,
        "classes": predictions.names,
        "columns": predictions.columns,
        "n_positive": n_positive.tolist(),
        "prevalence": (n_positive / n_records).tolist(),
    }
    if groups is not None:
        numbers, n_patients = number_groups(groups)
        data["n_patients"] = n_patients
        data["max_records_per_patient"] = int(np.bincount(numbers).max())
    data.update(_signals(estimator, X))
    data.update(_faults(X))
    return data


def shared_with_training(X, groups, X_train, groups_train):
    """Return how many records and patients the evaluation shares with the training.

    Returns
    -------
    shared : dict of str to int or None
        None where patients are not known.
    """
    arrays = [np.asarray(check_records(part)) for part in (X, X_train)]
    arrays = [array.reshape(len(array), -1) for array in arrays]
    if arrays[0].shape[1] != arrays[1].shape[1]:
        raise ValueError(
            f"X has {arrays[0].shape[1]} values per record, but X_train has {arrays[1].shape[1]}. "
            "Pass the records of both in the same form."
        )
    digests, training_digests = (record_digests(array, dtype=np.float64) for array in arrays)
    known = set(training_digests)
    shared = {
        "n_training_records": len(arrays[1]),
        "n_training_patients": None,
        "n_shared_records": sum(digest in known for digest in digests),
        "n_shared_patients": None,
    }
    if groups_train is not None:
        if groups is not None and not _are_strings(groups) & _are_strings(groups_train):
            raise ValueError(
                f"groups has patients such as {groups[0]!r}, but groups_train {groups_train[0]!r}: "
                "numbers and strings are never equal. Convert both to one type."
            )
        patients = set(pd.unique(pd.Series(groups_train)))
        shared["n_training_patients"] = len(patients)
        if groups is not None:
            shared["n_shared_patients"] = len(patients & set(pd.unique(pd.Series(groups))))
    return shared


def _are_strings(groups):
    """Return a set with True if patients are strings, and with False if they are not."""
    return {isinstance(patient, str) for patient in groups}


def _signals(estimator, X):
    """Return the shape of a record, and what is known of its leads, rate and unit."""
    unknown = dict.fromkeys(("lead_names", "sampling_rate", "unit", "duration"))
    shape = np.shape(X)
    if len(shape) == 4 or _takes_images(estimator):
        return {"records_are": f"images of shape {shape[1:]}", **unknown}
    if len(shape) == 2 and not _is_table_of_signals(X):
        n_leads = known_n_leads(estimator, X)
        if n_leads is None:
            return {"records_are": f"rows of {shape[1]} features", **unknown}
    else:
        n_leads = None
    X, _, n_leads, names = read_container(X, name="model_card", n_leads=n_leads)
    n_times = len(np.asarray(X.iloc[0, 0])) if hasattr(X, "iloc") and names else None
    if n_times is None:
        n_times = shape[2] if len(shape) == 3 else _row_length(X) // n_leads
    if names is None:
        names = known_lead_names(estimator, n_leads)
    rate = noted_rate(X) or first_attribute(estimator, "sampling_rate_in_")
    rate = rate or first_attribute(estimator, "sampling_rate")
    return {
        "records_are": f"signals of {n_leads} leads and {n_times} time points",
        "lead_names": None if names is None else list(names),
        "sampling_rate": rate,
        "unit": noted_unit(X) or first_attribute(estimator, "units_in_"),
        "duration": None if rate is None else n_times / rate,
    }


def _takes_images(estimator):
    """Whether an estimator, fitted or not, is given images."""
    parts = list(inner_estimators(estimator))
    draws = any(isinstance(part, ECGImageRenderer) for part in parts)
    return not draws and any(takes_images(part) for part in parts)


def _is_table_of_signals(X):
    """Whether the cells of a table are signals, as in lead frames."""
    cell = X.iloc[0, 0] if hasattr(X, "iloc") else np.asarray(X, dtype=object)[0, 0]
    return np.ndim(cell) == 1


def _row_length(X):
    """Return the number of values of a record of an object array or of rows."""
    first = np.asarray(X)[0]
    return sum(np.size(cell) for cell in first)


def _faults(X):
    """Return the numbers of records with missing values and of those that occur more than once."""
    try:
        records = check_records(X)
    except (TypeError, ValueError):
        # A table of other values than numbers, for classifiers of scikit-learn.
        if not isinstance(X, pd.DataFrame):
            return {"n_missing": None, "n_duplicates": None, "n_duplicate_groups": None}
        n_missing = int(X.isna().any(axis=1).sum())
        repeated = X.duplicated(keep=False)
        n_groups = len(X[repeated].drop_duplicates())
        return {
            "n_missing": n_missing,
            "n_duplicates": int(repeated.sum()),
            "n_duplicate_groups": n_groups,
        }
    # One record at a time, so that a memory map is not copied.
    n_missing = sum(bool(np.isnan(record).any()) for record in records)
    sizes = np.bincount(duplicate_groups(records))
    return {
        "n_missing": n_missing,
        "n_duplicates": int(sizes[sizes > 1].sum()),
        "n_duplicate_groups": int((sizes > 1).sum()),
    }

"""Tables with a row per patient: probabilities, and labels."""

from collections.abc import Callable
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils._param_validation import StrOptions, validate_params

from .._validation import Target, check_positive_class
from .._validation._samples import check_groups, number_groups
from ._rules import NAMED_RULES, aggregate_rows


def number_patients(groups):
    """Return the number of the patient of each record, and the patients in the same order."""
    members, n_patients = number_groups(groups)
    first = np.full(n_patients, -1)
    first[members[::-1]] = np.arange(len(members))[::-1]
    return members, pd.Index(groups[first], name="patient")


def label_patients(target, members, patients, conflicts):
    """Return the labels of the patients from those of their records.

    Parameters
    ----------
    target : Target
    members : ndarray of shape (n_records,), int
    patients : Index of length n_patients
    conflicts : {"raise", "any"}

    Returns
    -------
    labels : ndarray of shape (n_patients,) or (n_patients, n_labels)
    """
    values = target.values
    largest = np.full((len(patients), *values.shape[1:]), -1)
    np.maximum.at(largest, members, values)
    different = largest[members] != values
    different = different if different.ndim == 1 else different.any(axis=1)
    if different.any() and conflicts == "raise":
        first = members[np.flatnonzero(different)[0]]
        patient = patients[[first]].tolist()[0]
        found = np.unique(target.labels[members == first], axis=0).tolist()
        n_patients = len(np.unique(members[different]))
        raise ValueError(
            f"y: {n_patients} patient(s) have records with different labels, the first of them "
            f"{patient!r} with {found[:5]}. Give all records of a patient the same label, or pass "
            "'any' for conflicting labels: a patient then has a finding if one of the records has "
            "it."
        )
    if different.any() and target.kind == "multiclass":
        raise ValueError(
            "y: patients have records with different labels, and 'any' is not defined for more "
            "than two classes. Give all records of a patient the same label."
        )
    if different.any():
        check_positive_class(target.kind, target.classes, "'any' for conflicting labels")
    return largest if target.kind == "multilabel" else target.classes[largest]


@validate_params(
    {
        "y_proba": ["array-like"],
        "groups": ["array-like"],
        "aggregate": [StrOptions(set(NAMED_RULES)), callable],
        "multilabel": ["boolean"],
        "classes": ["array-like", None],
    },
    prefer_skip_nested_validation=True,
)
def aggregate_patients(
    y_proba, groups, *, aggregate: str | Callable = "mean", multilabel=False, classes=None
):
    """Aggregate the probabilities of the records of each patient.

    For probabilities that are known already, such as those of `cross_val_predict`. In
    cross-validation by patient, all records of a patient are predicted by the same classifier.

    Parameters
    ----------
    y_proba : array-like of shape (n_records,), (n_records, n_classes) or (n_records, n_labels)
        Probabilities in [0, 1] of the records; a single column is the probability of the positive
        class.
    groups : array-like of shape (n_records,)
        The patient of each record.
    aggregate : {"mean", "median", "max", "noisy_or"} or callable, default="mean"
        How the probabilities of a patient's records become one, see `PatientAggregator`.
    multilabel : bool, default=False
        Whether the columns are labels, rather than classes whose probabilities add up to 1.
    classes : array-like of shape (n_classes,) or (n_labels,), default=None
        Names of the columns. None numbers them.

    Returns
    -------
    table : DataFrame of shape (n_patients, n_classes) or (n_patients, n_labels)
        Probabilities, indexed by patient, in sorted order.

    Raises
    ------
    ValueError
        If a probability is not in [0, 1], probabilities of classes do not add up to 1, a patient is
        missing, or the aggregation is not defined for more than two classes.

    See Also
    --------
    patient_labels : Labels of patients.
    PatientAggregator : The same as a classifier.

    Examples
    --------
    >>> from sklearn.metrics import roc_auc_score
    >>> from sklearn_ecg.aggregation import aggregate_patients, patient_labels
    >>> patients = ["b", "a", "b", "c"]
    >>> table = aggregate_patients([0.5, 0.25, 1.0, 0.5], patients)
    >>> table[1].to_dict()
    {'a': 0.25, 'b': 0.75, 'c': 0.5}
    >>> labels = patient_labels([1, 0, 1, 0], patients)
    >>> roc_auc_score(labels, table[1])
    1.0
    """
    probability = check_array(
        y_proba, dtype=np.float64, ensure_2d=False, allow_nd=True, input_name="y_proba"
    )
    if probability.min() < 0 or probability.max() > 1:
        raise ValueError(
            "y_proba must contain probabilities in [0, 1], got values from "
            f"{probability.min():g} to {probability.max():g}."
        )
    if probability.ndim == 1:
        probability = np.column_stack([1 - probability, probability])
    if probability.ndim != 2:
        raise ValueError(
            "y_proba must have shape (n_records,), (n_records, n_classes) or (n_records, "
            f"n_labels), got shape {probability.shape}. A list with an array for each label, as "
            "of random forests, becomes columns with np.column_stack([p[:, 1] for p in y_proba])."
        )
    check_consistent_length(probability, groups)
    n_columns = probability.shape[1]
    if not multilabel and not np.allclose(probability.sum(axis=1), 1, atol=1e-4):
        raise ValueError(
            "The columns of y_proba do not add up to 1. Pass multilabel=True if they are labels."
        )
    if classes is not None and len(classes) != n_columns:
        raise ValueError(f"classes has {len(classes)} names, but y_proba has {n_columns} columns.")
    kind = "multilabel" if multilabel else "binary" if n_columns == 2 else "multiclass"
    groups = check_groups(groups, len(probability))
    members, patients = number_patients(groups)
    aggregated = aggregate_rows(probability, members, len(patients), aggregate, kind)
    names = range(n_columns) if classes is None else list(classes)
    return pd.DataFrame(aggregated, index=patients, columns=names)


@validate_params(
    {
        "y": ["array-like"],
        "groups": ["array-like"],
        "conflicts": [StrOptions({"raise", "any"})],
    },
    prefer_skip_nested_validation=True,
)
def patient_labels(y, groups, *, conflicts="raise"):
    """Return the label of each patient from those of the records.

    Parameters
    ----------
    y : array-like of shape (n_records,) or (n_records, n_labels)
        Class labels of any type, or a multilabel indicator of 0 and 1.
    groups : array-like of shape (n_records,)
        The patient of each record.
    conflicts : {"raise", "any"}, default="raise"
        What to do if the records of a patient have different labels: raise an error, or "any": the
        patient has the larger of two numbers, or a label, if one of the records has it. "any" is
        not defined for other classes, such as strings.

    Returns
    -------
    labels : Series or DataFrame
        Indexed by patient, in sorted order. A DataFrame with a column per label for a multilabel y.

    Raises
    ------
    ValueError
        If the records of a patient have different labels that `conflicts` does not allow, or a
        label or a patient is missing.

    See Also
    --------
    aggregate_patients : Probabilities of patients.

    Examples
    --------
    >>> from sklearn_ecg.aggregation import patient_labels
    >>> patient_labels(["sick", "well", "sick"], [7, 3, 7]).to_dict()
    {3: 'well', 7: 'sick'}
    >>> patient_labels([1, 0, 0], [7, 3, 7])
    Traceback (most recent call last):
        ...
    ValueError: y: 1 patient(s) have records with different labels, the first of them 7 with ...
    >>> patient_labels([1, 0, 0], [7, 3, 7], conflicts="any").to_dict()
    {3: 0, 7: 1}
    """
    target = Target.from_labels(y, "patient_labels")
    groups = check_groups(groups, len(target.values))
    members, patients = number_patients(groups)
    labels = label_patients(target, members, patients, conflicts)
    if target.kind == "multilabel":
        names = list(y.columns) if hasattr(y, "columns") else range(labels.shape[1])
        return pd.DataFrame(labels, index=patients, columns=names)
    return pd.Series(labels, index=patients)


def level_of_index(X, level):
    """Return a level of the index of a frame, or raise.

    Parameters
    ----------
    X : array, DataFrame or lead frame
    level : str or int
    """
    index = X.index if hasattr(X, "columns") else None
    known = [] if index is None else list(index.names)
    is_there = level in known
    if isinstance(level, Integral) and not isinstance(level, bool) and not is_there:
        is_there = index is not None and -len(known) <= level < len(known)
    if not is_there:
        got = f"the index of X has the levels {known}" if known else f"X is a {type(X).__name__}"
        raise ValueError(
            f"patient_level={level!r} is the level of the index of a frame that has the patients, "
            f"but {got}. Pass a frame with this level, as with X.set_index(patients), or "
            "patient_level=None and groups."
        )
    return index.get_level_values(level).to_numpy()

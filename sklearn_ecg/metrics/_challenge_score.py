"""The score of the PhysioNet/CinC Challenges 2020 and 2021."""

import os
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import validate_params

from ..utils._warnings import warn
from ._matching import (
    as_array,
    as_label_array,
    check_same_records,
    column_names,
    match_columns,
)


@validate_params(
    {
        "y_true": ["array-like"],
        "y_pred": ["array-like"],
        "weights": [pd.DataFrame, str, os.PathLike],
        "classes": ["array-like", None],
        "normal_class": [str, int],
        "equivalent_classes": ["array-like", tuple],
    },
    prefer_skip_nested_validation=True,
)
def challenge_score(
    y_true,
    y_pred,
    *,
    weights,
    classes=None,
    normal_class: str | int = "426783006",
    equivalent_classes: Any = (),
):
    """Compute the score of the PhysioNet/CinC Challenges 2020 and 2021.

    A predicted diagnosis gets full credit if it is right, and partial credit if it resembles the
    true one in treatment or outcome: the table of weights contains the credit of each pair [1]_
    [2]_. The sum is scaled such that it is 1 for the true labels, and 0 for a classifier that
    always predicts the normal class only.

    Parameters
    ----------
    y_true : array-like of shape (n_records, n_labels)
        Indicator of 0 and 1 of the true diagnoses.
    y_pred : array-like of shape (n_records, n_labels)
        Indicator of 0 and 1 of the predicted diagnoses: the result of ``predict``, not
        probabilities. If both are DataFrames with named columns, the columns are matched by name.
    weights : DataFrame, str or path-like
        The table of weights, with the same classes as index and columns; the row is the true
        diagnosis. Or the path of the file ``weights.csv`` of the evaluation code of a Challenge
        [3]_. A name such as "713427006|59118001" stands for several classes that count as the
        same.
    classes : array-like of shape (n_labels,), default=None
        Names of the columns of ``y_true``. If None, they are those of a DataFrame. Columns of
        equivalent classes are merged: the diagnosis is positive if any of them is. Columns that are
        not in the table of weights are not scored, as in the Challenge.
    normal_class : str or int, default="426783006"
        Name of the normal class, here the SNOMED CT code of sinus rhythm.
    equivalent_classes : sequence of sequences of str, default=()
        Further sets of classes that count as the same, and whose weights must be equal. For the
        table of 2020, these are ``[["713427006", "59118001"], ["284470004", "63593006"],
        ["427172004", "17338001"]]``. Tables with joined names do not need them.

    Returns
    -------
    score : float
        At most about 1. It is negative if the predictions are worse than the normal class for all
        records.

    Raises
    ------
    ValueError
        If values are not 0 or 1, if a class of the table has no column, if the table is not square
        or equivalent classes have different weights, or if names are missing or differ.
    FileNotFoundError
        If there is no file of weights.

    Warns
    -----
    UndefinedMetricWarning
        If the true labels get the same credit as the normal class, as if all records are normal.
        The score is then 0, as in the Challenge.

    See Also
    --------
    sklearn_ecg.datasets.load_challenge : Load the records and their diagnoses.

    Notes
    -----
    Each pair of a true and a predicted diagnosis of a record counts as one divided by the number of
    diagnoses that are true, predicted or both. The observed sum of weighted counts is compared with
    those of the true labels and of the normal class.

    References
    ----------
    .. [1] Perez Alday et al. (2020). Classification of 12-lead ECGs: the PhysioNet/Computing in
       Cardiology Challenge 2020. Physiological Measurement 41. doi:10.1088/1361-6579/abc960
    .. [2] Reyna et al. (2021). Will two do? Varying dimensions in electrocardiography: the
       PhysioNet/Computing in Cardiology Challenge 2021. Computing in Cardiology 48.
    .. [3] https://github.com/physionetchallenges/evaluation-2021

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ecg.metrics import challenge_score
    >>> names = ["NSR", "AF", "CLBBB|LBBB"]
    >>> weights = pd.DataFrame(
    ...     [[1, 0.2, 0.4], [0.2, 1, 0.5], [0.4, 0.5, 1]], index=names, columns=names
    ... )
    >>> y_true = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    >>> options = {"weights": weights, "classes": ["NSR", "AF", "LBBB"], "normal_class": "NSR"}
    >>> challenge_score(y_true, y_true, **options)
    1.0
    >>> round(challenge_score(y_true, [[1, 0, 0], [0, 0, 1], [0, 0, 1]], **options), 3)
    0.559
    """
    check_same_records(y_true=y_true, y_pred=y_pred)
    check_consistent_length(y_true, y_pred)
    names = _class_names(y_true, y_pred, classes)
    y_pred = match_columns(y_true, y_pred, "y_pred", label_names=names)
    indicators = {"y_true": as_label_array(y_true), "y_pred": as_array(y_pred, "y_pred")}
    table = _read_weights(weights)
    rows, credit = _merge_classes(table, _equivalence(equivalent_classes))
    merged = [
        _merge_columns(_check_indicator(values, len(names), argument), names, rows)
        for argument, values in indicators.items()
    ]
    true, predicted = merged
    normal = np.zeros_like(true)
    normal[:, _find_class(str(normal_class), rows, "normal_class")] = True
    observed, correct, inactive = (
        (credit * _confusion(true, output)).sum() for output in (predicted, true, normal)
    )
    if correct == inactive:
        warn(
            "The true labels get the same credit as the normal class, so that the score of the "
            "Challenge is undefined and set to 0.",
            UndefinedMetricWarning,
        )
        return 0.0
    return float((observed - inactive) / (correct - inactive))


def _confusion(true, predicted):
    """Return the counts of pairs of a true and a predicted class, with a record counting as one."""
    n_classes = np.maximum((true | predicted).sum(axis=1), 1)
    return (true / n_classes[:, None]).T @ predicted.astype(float)


def _class_names(y_true, y_pred, classes):
    """Return the names of the columns of y_true as strings."""
    named = column_names(y_true)
    if classes is None:
        classes = named
    if classes is None:
        raise ValueError(
            "y_true has no named columns. Pass classes, the names of the columns in the order of "
            "y_true, such as target_names of load_challenge."
        )
    classes = list(classes)
    if named is not None and list(map(str, named)) != list(map(str, classes)):
        raise ValueError(
            f"classes {classes[:5]} are not the columns of y_true, {named[:5]}. Leave classes out."
        )
    if len(set(map(str, classes))) < len(classes):
        raise ValueError("classes has a name twice. Pass the name of each column.")
    return classes


def _check_indicator(values, n_classes, argument):
    if values.ndim != 2 or values.shape[1] != n_classes:
        raise ValueError(
            f"{argument} must have one column for each of {n_classes} classes, got shape "
            f"{values.shape}."
        )
    if not np.isin(values, (0, 1)).all():
        raise ValueError(
            f"{argument} must be an indicator of 0 and 1, got other values, such as "
            f"{values[~np.isin(values, (0, 1))][0]}. Apply thresholds to probabilities first, and "
            "leave out records without labels."
        )
    return values == 1


def _read_weights(weights):
    """Return the table of weights, with names as strings in index and columns."""
    table = weights if isinstance(weights, pd.DataFrame) else pd.read_csv(weights, index_col=0)
    table = table.set_axis(table.index.map(_as_name), axis=0)
    table = table.set_axis(table.columns.map(_as_name), axis=1)
    if list(table.index) != list(table.columns) or not len(table):
        raise ValueError(
            "weights must have the same classes, in the same order, as index and columns, got "
            f"{len(table)} rows, {list(table.index[:3])}, and {table.shape[1]} columns, "
            f"{list(table.columns[:3])}."
        )
    try:
        table = table.astype(float)
    except (TypeError, ValueError):
        raise ValueError("weights must hold numbers.") from None
    if not np.isfinite(table.to_numpy()).all():
        raise ValueError("weights has missing or infinite values. Pass the complete table.")
    return table


def _as_name(name):
    return str(name).strip()


def _equivalence(equivalent_classes):
    return [{_as_name(name) for name in of_class} for of_class in equivalent_classes]


def _merge_classes(table, equivalence):
    """Return the names of each scored class, and the weights between them."""
    rows, positions = [], []
    for position, name in enumerate(table.index):
        names = set(name.split("|"))
        for equivalent in equivalence:
            if names & equivalent:
                names |= equivalent
        known = next((i for i, other in enumerate(rows) if names & other), None)
        if known is None:
            rows.append(names)
            positions.append(position)
            continue
        first = positions[known]
        values = table.to_numpy()
        same = np.array_equal(values[first], values[position])
        if not (same and np.array_equal(values[:, first], values[:, position])):
            raise ValueError(
                f"weights: {table.index[first]!r} and {name!r} are the same class, but have "
                "different weights."
            )
        rows[known] |= names
    return rows, table.to_numpy()[np.ix_(positions, positions)]


def _merge_columns(indicator, names, rows):
    """Return one column per scored class, which is positive if any equivalent one is."""
    merged = np.zeros((len(indicator), len(rows)), dtype=bool)
    found = [set(_as_name(name).split("|")) for name in names]
    for number, row in enumerate(rows):
        columns = [position for position, of_column in enumerate(found) if of_column & row]
        if not columns:
            raise ValueError(
                f"The class {'|'.join(sorted(row))!r} of weights is not among the classes of "
                f"y_true, such as {_as_name(names[0])!r}. Use the same names in both. If the class "
                "was not predicted, add a column of 0."
            )
        merged[:, number] = indicator[:, columns].any(axis=1)
    for name, of_column in zip(names, found):
        if sum(bool(of_column & row) for row in rows) > 1:
            raise ValueError(
                f"The class {_as_name(name)!r} of y_true is several classes of weights. Use one "
                "column per class, or pass equivalent_classes."
            )
    return merged


def _find_class(name, rows, argument):
    for number, row in enumerate(rows):
        if set(_as_name(name).split("|")) & row:
            return number
    raise ValueError(
        f"{argument}={name!r} is not among the classes of weights. Pass the name of the class that "
        "stands for a normal ECG."
    )

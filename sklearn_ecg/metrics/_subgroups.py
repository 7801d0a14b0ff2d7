"""Variables that divide records into subgroups, such as sex, age band and site."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .._validation._samples import check_not_masked

# Index of the row of all records.
OVERALL = ("overall", "all records")
_MISSING = "missing"
_MAX_GROUPS = 100


def read_subgroups(subgroups, n_records, missing):
    """Return the records of each group of each variable.

    Parameters
    ----------
    subgroups : Series, DataFrame, mapping or array-like
        See `score_by_group`.
    n_records : int
    missing : {"group", "drop", "raise"}

    Returns
    -------
    members : dict of (str, str) to bool ndarray of shape (n_records,)
        By variable and group, in the order of the variables and of their values.

    Raises
    ------
    ValueError
    """
    members = {}
    for name, values in _variables(subgroups, n_records).items():
        for group, member in _groups_of(name, values, missing).items():
            members[name, group] = member
    return members


def find_reference(reference, members):
    """Return ``{key: (key of the reference, its records)}`` for the groups that have one.

    Raises
    ------
    ValueError
        If a reference is not a group.
    """
    if reference is None:
        return {}
    if isinstance(reference, str):
        everything = np.ones(len(next(iter(members.values()))), dtype=bool)
        return {key: (OVERALL, everything) for key in members}
    found = {}
    for variable, value in reference.items():
        key = (str(variable), _MISSING if _is_missing(value) else _label_of(value))
        if key not in members:
            groups = [group for name, group in members if name == str(variable)]
            known = sorted({name for name, _ in members})
            hint = f"its groups are {_listed(groups)}" if groups else f"known are {_listed(known)}"
            raise ValueError(
                f"reference={{{variable!r}: {value!r}}} is not a group of a variable of subgroups: "
                f"{hint}."
            )
        for other in members:
            if other[0] == key[0]:
                found[other] = (key, members[key])
    return found


def _variables(subgroups, n_records):
    """Return ``{name: Series of one value per record}``."""
    check_not_masked(subgroups, "subgroups")
    if isinstance(subgroups, pd.Categorical):
        subgroups = pd.Series(subgroups)
    if isinstance(subgroups, pd.Series):
        variables = [("group" if subgroups.name is None else subgroups.name, subgroups)]
    elif isinstance(subgroups, pd.DataFrame):
        variables = [(name, subgroups.iloc[:, i]) for i, name in enumerate(subgroups.columns)]
    elif isinstance(subgroups, Mapping):
        variables = [(name, _as_series(values)) for name, values in subgroups.items()]
    else:
        table = _as_table(subgroups)
        is_single = table.ndim == 1
        columns = [table] if is_single else table.T
        variables = [
            ("group" if is_single else i, _as_series(column)) for i, column in enumerate(columns)
        ]
    if not variables:
        raise ValueError("subgroups has no variables. Pass at least one, such as the sex.")
    names = [str(name) for name, _ in variables]
    repeated = sorted({name for name in names if names.count(name) > 1 or name == OVERALL[0]})
    if repeated:
        raise ValueError(
            f"subgroups has a variable with the name {repeated[0]!r} that occurs twice or is the "
            "name of the row of all records. Rename it."
        )
    for name, (_, values) in zip(names, variables):
        if len(values) != n_records:
            raise ValueError(
                f"subgroups: variable {name!r} has {len(values)} values for {n_records} records. "
                "Pass one value per record."
            )
    return dict(zip(names, (values.reset_index(drop=True) for _, values in variables)))


def _as_table(values):
    """Return an array of one or two dimensions, in which None in a list of strings stays None."""
    table = np.asarray(values, dtype=object if isinstance(values, (list, tuple)) else None)
    if table.ndim not in (1, 2):
        raise ValueError(
            "subgroups must have shape (n_records,) or (n_records, n_variables), got shape "
            f"{table.shape}."
        )
    return table


def _as_series(values):
    if isinstance(values, pd.Series):
        return values
    if isinstance(values, pd.Categorical):
        return pd.Series(values)
    check_not_masked(values, "subgroups")
    values = _as_table(values)
    if values.ndim != 1:
        raise ValueError(
            f"subgroups: a variable must have shape (n_records,), got shape {values.shape}."
        )
    return pd.Series(values)


def _groups_of(name, values, missing):
    """Return ``{group: bool ndarray of its records}`` of one variable."""
    is_missing = values.isna().to_numpy(dtype=bool)
    if is_missing.any() and missing == "raise":
        raise ValueError(
            f"subgroups: variable {name!r} is missing for {is_missing.sum()} of {len(values)} "
            'records. Leave these records out, or pass missing="group" or missing="drop".'
        )
    if isinstance(values.dtype, pd.CategoricalDtype):
        found = values.cat.categories.tolist()
        codes = values.cat.codes.to_numpy()
    else:
        _check_not_continuous(name, values[~is_missing])
        codes, found = _sorted_codes(values)
    if len(found) > _MAX_GROUPS:
        raise ValueError(
            f"subgroups: variable {name!r} has {len(found)} values, more than {_MAX_GROUPS}. "
            "Divide numbers into bands with pandas.cut, and pool rare values."
        )
    labels = [_label_of(value) for value in found]
    repeated = {label for label in labels if labels.count(label) > 1}
    if _MISSING in labels and is_missing.any() and missing == "group":
        repeated.add(_MISSING)
    if repeated:
        raise ValueError(
            f"subgroups: variable {name!r} has different values with the name "
            f"{min(repeated)!r}, such as a number and a string, or a missing value and the string "
            f"{_MISSING!r}. Convert them to strings with different names."
        )
    members = {label: codes == code for code, label in enumerate(labels)}
    if is_missing.any() and missing == "group":
        members[_MISSING] = is_missing
    return members


def _sorted_codes(values):
    """Return the code of each value, -1 if missing, and the values in sorted order if possible."""
    codes, found = pd.factorize(values)
    found = list(found)
    try:
        order = sorted(range(len(found)), key=found.__getitem__)
    except TypeError:  # numbers and strings
        order = range(len(found))
    rank = np.full(len(found) + 1, -1)
    rank[list(order)] = np.arange(len(found))
    return rank[codes], [found[i] for i in order]


def _check_not_continuous(name, values):
    if not pd.api.types.is_float_dtype(values.dtype):
        return
    fractional = values[values != np.floor(values)]
    if len(fractional) or np.isinf(values).any():
        example = fractional.iloc[0] if len(fractional) else np.inf
        raise ValueError(
            f"subgroups: variable {name!r} has numbers such as {example:g}, which are not groups. "
            "Divide them into bands, as with pandas.cut(values, [18, 40, 65, 90])."
        )


def _label_of(value):
    """Return the name of a group. The missing values of a column turn integers into floats."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    return str(value)


def _is_missing(value):
    return value is None or (np.ndim(value) == 0 and pd.isna(value) is True)


def _listed(names):
    shown = ", ".join(map(repr, names[:12]))
    return f"{shown}, ..." if len(names) > 12 else shown

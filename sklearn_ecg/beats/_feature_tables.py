"""Tables of features in which leads are missing."""

import numpy as np
import pandas as pd

from ..leads._lead_groups import leads_in_name
from ._lead_combinations import combinations_of_leads


class FeatureLeads:
    """The leads that the features of a table depend on, by their names.

    Parameters
    ----------
    names : iterable of str
        Such as ``V2__st_level``, ``V1+V5__k17_d4_b3`` or ``global__qrs_axis``.

    Attributes
    ----------
    leads : tuple of str
        In order of appearance.
    """

    def __init__(self, names):
        names = [str(name) for name in names]
        of_feature = [leads_in_name(name) for name in names]
        self.leads = tuple(dict.fromkeys(lead for leads in of_feature for lead in leads))
        place = {lead: i for i, lead in enumerate(self.leads)}
        self._uses = np.zeros((len(names), len(self.leads)), dtype=bool)
        for feature, leads in enumerate(of_feature):
            self._uses[feature, [place[lead] for lead in leads]] = True
        known = combinations_of_leads(self.leads)
        self._combinations = {
            feature: name.rpartition("__")[2]
            for feature, name in enumerate(names)
            if name.split("__")[-2:-1] == ["global"] and name.rpartition("__")[2] in known
        }

    def find_missing(self, kept):
        """Find the features that are missing if only some leads are kept.

        Parameters
        ----------
        kept : ndarray of shape (n_leads,), bool
            For each of ``leads``.

        Returns
        -------
        missing : ndarray of shape (n_features,), bool
            True for features of a lead that is not kept, and for features of the record that
            `BeatFeatures` computes from such leads, as the axes.
        """
        missing = self._uses[:, ~kept].any(axis=1)
        possible = combinations_of_leads(lead for lead, keep in zip(self.leads, kept) if keep)
        for feature, combination in self._combinations.items():
            missing[feature] |= combination not in possible
        return missing


def drop_leads_of_features(X, kept):
    """Set the features of dropped leads to NaN.

    Parameters
    ----------
    X : DataFrame of shape (n_records, n_features)
        It is not changed.
    kept : ndarray of shape (n_records, n_leads), bool
        Which of the leads of ``FeatureLeads(X.columns)`` each record keeps.

    Returns
    -------
    X : DataFrame
        Columns whose values may be missing contain real numbers.

    Raises
    ------
    ValueError
        If a feature of a lead is not a number.
    """
    features = FeatureLeads(X.columns)
    patterns, member = np.unique(kept, axis=0, return_inverse=True)
    member = member.reshape(-1)
    missing = np.stack([features.find_missing(pattern) for pattern in patterns])
    columns = np.flatnonzero(missing.any(axis=0))
    if len(columns) == 0:
        return X.copy()
    values = _as_floats(X.iloc[:, columns])
    for number in range(len(patterns)):
        rows = np.flatnonzero(member == number)
        values[np.ix_(rows, np.flatnonzero(missing[number, columns]))] = np.nan
    dropped = pd.DataFrame(values, index=X.index, columns=X.columns[columns])
    if len(columns) < X.shape[1]:
        others = np.setdiff1d(np.arange(X.shape[1]), columns)
        both = pd.concat([dropped, X.iloc[:, others]], axis=1)
        dropped = both.iloc[:, np.argsort(np.concatenate([columns, others]))]
    dropped.attrs.update(X.attrs)
    return dropped


def _as_floats(frame):
    """Return a copy of the columns as an array of one floating-point dtype."""
    dtypes = set(frame.dtypes)
    dtype = np.float64
    if len(dtypes) == 1 and isinstance(frame.dtypes.iloc[0], np.dtype):
        first = frame.dtypes.iloc[0]
        dtype = first if first.kind == "f" else dtype
    try:
        return frame.to_numpy(dtype=dtype, na_value=np.nan, copy=True)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The features of leads must be numbers, but the columns {frame.columns[0]!r}, ... "
            f"cannot be converted: {error}. Encode them, or rename columns that are not features."
        ) from error

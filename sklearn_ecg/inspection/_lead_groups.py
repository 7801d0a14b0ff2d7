"""Groups of features with a lead in their names, such as ``V2__st_level``."""

from collections.abc import Iterable, Mapping
from numbers import Integral

import numpy as np
import pandas as pd

from .._validation import SINGLE_RECORD, check_container, read_container
from ..leads import is_lead_frame, lead_regions
from ..leads._frames import find_signal_columns
from ..leads._lead_groups import leads_in_name, regions_of, resolve_lead_groups

NO_LEAD = "no lead"


def feature_groups(feature_names, regions=None):
    """Group features by the lead in their names, or by the region of that lead.

    The lead is the first of the parts before the last double underscore that is the name of a
    known lead: V2 in ``V2__st_level``, in ``beat__V2__st_level``, as a `FeatureUnion` names it, and
    in ``V2__t17``. A feature of several leads, such as ``V1+V5__k17_d4_b0`` of
    `sklearn_ecg.preprocessing.RandomConvolutionFeatures`, is in the group of each of them. Features
    without a lead, such as ``global__qrs_axis`` or the columns of an embedding, form a group of
    their own.

    Parameters
    ----------
    feature_names : iterable of str
        Names such as those of ``get_feature_names_out()``, or the columns of a frame.
    regions : None, "regions" or mapping of str to list of str, default=None
        None groups by lead. "regions" groups by the regions of `sklearn_ecg.REGIONS_12`, or
        of `sklearn_ecg.REGIONS_8` if only its eight leads are present. A mapping contains
        the names of the leads of each group.

    Returns
    -------
    groups : dict of str to list of int
        Positions of the features of each group, in order of appearance of the leads. Without
        ``regions``, the group "no lead" contains the features without a lead; with ``regions``,
        features whose lead is in no group are left out.

    Raises
    ------
    ValueError
        If no name contains a lead, or a lead of a group is missing.
    TypeError
        If the names are not a list, or a group is not a list of lead names.

    See Also
    --------
    lead_importance : Accepts a table of features, and groups them in this way.

    Examples
    --------
    >>> from sklearn_ecg.inspection import feature_groups
    >>> names = ["V1__r_amplitude", "V1__st_level", "V2__r_amplitude", "global__qrs_axis"]
    >>> feature_groups(names)
    {'V1': [0, 1], 'V2': [2], 'no lead': [3]}
    >>> feature_groups(names, {"septal": ["V1", "V2"]})
    {'septal': [0, 1, 2]}
    >>> feature_groups(["age", "sex"])
    Traceback (most recent call last):
        ...
    ValueError: None of the 2 feature names contains a lead, as V2__st_level does: age, sex. ...
    """
    if isinstance(feature_names, str) or not isinstance(feature_names, Iterable):
        raise TypeError(f"feature_names must be a list of names, got {feature_names!r}.")
    names = [str(name) for name in feature_names]
    by_lead, rest = {}, []
    for position, name in enumerate(names):
        leads = leads_in_name(name)
        for lead in leads:
            by_lead.setdefault(lead, []).append(position)
        if not leads:
            rest.append(position)
    if not by_lead:
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        raise ValueError(
            f"None of the {len(names)} feature names contains a lead, as V2__st_level does: "
            f"{shown}. Name the features, for instance with set_output(transform='pandas')."
        )
    if regions is None:
        return {**by_lead, NO_LEAD: rest} if rest else by_lead
    leads = list(by_lead)
    if isinstance(regions, str) and regions == "regions":
        regions = regions_of(leads)
    if not isinstance(regions, Mapping):
        raise TypeError(
            f"regions={regions!r} is unknown. Pass None, 'regions' or a mapping from the name of "
            "each group to its leads."
        )
    for group, members in regions.items():
        if not isinstance(members, Iterable):
            raise TypeError(
                f"Group {group!r} must be a list of leads, got {members!r}. Pass their names."
            )
        if any(isinstance(lead, Integral) for lead in members):
            raise TypeError(
                f"Group {group!r} contains positions. For a table of features, pass names of "
                "leads, as in ['V1', 'V2']."
            )
    groups = lead_regions(leads, regions)
    # A feature of several leads of the group is in it once.
    return {
        group: list(dict.fromkeys(p for lead in members for p in by_lead[leads[lead]]))
        for group, members in groups.items()
    }


def groups_of_mixed_frame(X, lead_groups, method, function):
    """Return the groups of a frame with leads and other columns, such as age, or None.

    Parameters
    ----------
    X : array-like or DataFrame
    lead_groups : None, "regions" or mapping of str to list
        See `lead_importance`. With None, each other column is a group of its own, except for
        Gaussian noise, which only replaces signals.
    method : {"shuffle", "gaussian"}
    function : str
        Name of the calling function.

    Returns
    -------
    groups : dict of str to list of int, or None
        Positions of the columns of each group; None if X is not such a frame.
    """
    if not isinstance(X, pd.DataFrame):
        return None
    signals = find_signal_columns(X)
    others = [j for j in range(X.shape[1]) if j not in signals]
    if not signals or not others:
        return None
    _, _, n_leads, names = read_container(X.iloc[:, signals], name=function)
    groups = resolve_lead_groups(lead_groups, n_leads, names)
    groups = {group: [signals[lead] for lead in leads] for group, leads in groups.items()}
    if lead_groups is None and method == "shuffle":
        groups.update({X.columns[j]: [j] for j in others})
    return groups


def is_feature_table(X):
    """Whether X is a numeric frame with leads in the names of some columns."""
    if not hasattr(X, "columns") or is_lead_frame(X):
        return False
    return any(leads_in_name(str(name)) for name in X.columns)


def check_not_unnamed_table(X, function):
    """Raise for a table of numbers that may be features or rows of signals.

    Parameters
    ----------
    X : array-like or DataFrame
        Of unknown number of leads.
    function : str
        Name of the calling function.
    """
    check_container(X)
    if is_lead_frame(X):
        return
    if not hasattr(X, "columns"):
        X = np.asarray(X)
        if X.ndim != 2 or X.dtype.kind not in "fiub":
            return
    raise ValueError(
        f"X is a table of shape {X.shape}, and it is unknown which lead its columns belong to. If "
        "it holds features, pass a DataFrame with lead names in its column names, as in "
        "V2__st_level: call set_output(transform='pandas') on the transformer, such as "
        "BeatFeatures, and fit the estimator on its output. If its rows are signals in lead-major "
        f"order, pass the number of leads to {function}, as in n_leads=12. {SINGLE_RECORD}."
    )


def leads_of_groups(groups, by_lead):
    """Return the names of the leads of each group.

    Parameters
    ----------
    groups, by_lead : dict of str to list of int
        Positions of the leads or features of each group, and of each lead. A lead may have several
        features, and a feature several leads. A group contains all features of its leads.
    """
    leads_of_groups = {}
    for group, positions in groups.items():
        place = {position: i for i, position in enumerate(positions)}
        inside = [lead for lead, own in by_lead.items() if place.keys() >= set(own)]
        leads_of_groups[group] = sorted(inside, key=lambda lead: place[by_lead[lead][0]])
    return leads_of_groups

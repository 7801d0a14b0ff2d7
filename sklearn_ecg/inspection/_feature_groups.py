"""Features that carry a lead in their name, such as ``V2__st_level``, by lead or by region."""

from collections.abc import Iterable
from numbers import Integral

from ..leads import REGIONS_8, REGIONS_12, is_lead_frame, lead_regions, normalize_lead_name

NO_LEAD = "no lead"


def feature_groups(feature_names, regions=None):
    """Group features by the lead in their names, or by the region of that lead.

    The lead is the first part of a name, between double underscores, that is the name of a known
    lead: V2 in ``V2__st_level``, in ``beat__V2__st_level``, as a `FeatureUnion` calls it, and in
    ``V2__t17``. Features of no lead, such as ``global__qrs_axis`` or the columns of an embedding,
    make a group of their own.

    Parameters
    ----------
    feature_names : iterable of str
        As of ``get_feature_names_out()``, or the columns of a frame.
    regions : None, "regions" or mapping of str to list of str, default=None
        None groups by lead; "regions" by the regions of `sklearn_ecg.leads.REGIONS_12`, or of
        `sklearn_ecg.leads.REGIONS_8` where only its eight leads are there; a mapping gives the
        names of each group's leads.

    Returns
    -------
    groups : dict of str to list of int
        Positions of each group's features, leads in order of appearance. Of ``regions``, those
        features only whose leads are in a group; without, "no lead" holds the rest.

    Raises
    ------
    ValueError
        If no name carries a lead, or a group needs a lead that none carries.

    See Also
    --------
    lead_importance : Takes a table of features, grouped like this.

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
    ValueError: None of the 2 feature names carries a lead, as V2__st_level does: age, sex. ...
    """
    names = [str(name) for name in feature_names]
    of_lead, rest = {}, []
    for position, name in enumerate(names):
        lead = _lead_of(name)
        (rest if lead is None else of_lead.setdefault(lead, [])).append(position)
    if not of_lead:
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        raise ValueError(
            f"None of the {len(names)} feature names carries a lead, as V2__st_level does: "
            f"{shown}. Name the features, for instance with set_output(transform='pandas')."
        )
    if regions is None:
        return {**of_lead, NO_LEAD: rest} if rest else of_lead
    leads = list(of_lead)
    if regions == "regions":
        regions = regions_of(leads)
    for group, members in regions.items():
        if not isinstance(members, Iterable):
            raise TypeError(
                f"Group {group!r} must be a list of leads, got {members!r}. Pass their names."
            )
        if any(isinstance(lead, Integral) for lead in members):
            raise TypeError(
                f"Group {group!r} holds positions. Of a table of features name the leads, as in "
                "['V1', 'V2']."
            )
    groups = lead_regions(leads, regions)
    return {
        group: [position for lead in members for position in of_lead[leads[lead]]]
        for group, members in groups.items()
    }


def regions_of(leads):
    """The regions of twelve leads, or those of ACL-ECG's eight where only these are present."""
    eight = {lead for members in REGIONS_8.values() for lead in members}
    return REGIONS_8 if eight == set(leads) else REGIONS_12


def is_feature_table(X):
    """Whether X is a numeric frame some of whose columns carry a lead in their names."""
    if not hasattr(X, "columns") or is_lead_frame(X):
        return False
    return any(_lead_of(str(name)) is not None for name in X.columns)


def _lead_of(name):
    for part in name.split("__")[:-1]:
        try:
            return normalize_lead_name(part)
        except ValueError:
            continue
    return None

"""Groups of leads that are treated together."""

from collections.abc import Iterable
from numbers import Integral

from ._names import REGIONS_8, REGIONS_12, lead_regions, normalize_lead_name

# Between the leads in the name of a feature of several leads, as in V1+V5__k17_d4_b3.
LEAD_SEPARATOR = "+"


def join_leads(leads):
    """Return the part of a feature name that contains its leads."""
    return LEAD_SEPARATOR.join(leads)


def split_leads(part):
    """Return the leads in a part of a feature name, in standard spelling; [] for other parts."""
    leads = []
    for name in part.split(LEAD_SEPARATOR):
        try:
            leads.append(normalize_lead_name(name))
        except ValueError:
            continue
    return list(dict.fromkeys(leads))


def leads_in_name(name):
    """Return the leads in the name of a feature, such as V2 in ``beat__V2__st_level``."""
    for part in name.split("__")[:-1]:
        leads = split_leads(part)
        if leads:
            return leads
    return []


def regions_of(leads):
    """Return the regions of twelve leads, or of the eight leads of ACL-ECG if these are all."""
    eight = {lead for members in REGIONS_8.values() for lead in members}
    return REGIONS_8 if eight == set(leads) else REGIONS_12


def resolve_lead_groups(lead_groups, n_leads, names):
    """Return the positions of the leads of each group.

    Parameters
    ----------
    lead_groups : None, "regions" or mapping of str to list
        None: each lead by itself, under its name or position. "regions": the leads of each region.
        A mapping has the leads of each group, as names or positions.
    n_leads : int
    names : sequence of str or None

    Returns
    -------
    groups : dict of list of int
    """
    if lead_groups is None:
        return {name: [i] for i, name in enumerate(range(n_leads) if names is None else names)}
    if isinstance(lead_groups, str):
        if lead_groups != "regions":
            raise ValueError(
                f"lead_groups={lead_groups!r} is unknown. Pass None, 'regions' or a mapping from "
                "the name of each group to its leads."
            )
        return lead_regions(names, regions_of(names or ()))
    if not lead_groups:
        raise ValueError("lead_groups is an empty mapping. Pass at least one group.")
    return {
        group: _lead_positions(group, leads, n_leads, names) for group, leads in lead_groups.items()
    }


def _lead_positions(group, leads, n_leads, names):
    """Return the positions of the leads of a group, given as names or positions."""
    if isinstance(leads, (str, Integral)):
        raise TypeError(
            f"Group {group!r} must be a list of leads, got {leads!r}. Pass [{leads!r}]."
        )
    if not isinstance(leads, Iterable):
        raise TypeError(
            f"lead_groups: group {group!r} must be a list of leads, got {leads!r}. Pass their "
            "names or positions."
        )
    positions = []
    for lead in leads:
        if isinstance(lead, Integral) and not isinstance(lead, bool):
            if not 0 <= lead < n_leads:
                raise ValueError(
                    f"Group {group!r} needs the lead at position {lead}, but X has {n_leads} "
                    f"leads. Pass positions from 0 to {n_leads - 1}."
                )
            positions.append(int(lead))
            continue
        # lead_regions raises for unnamed and unknown leads and for invalid names.
        positions += lead_regions(names, {group: [lead]})[group]
    if not positions:
        raise ValueError(f"Group {group!r} has no leads. Pass at least one lead.")
    if len(set(positions)) < len(positions):
        raise ValueError(f"Group {group!r} has a lead twice: {list(leads)}. Pass each lead once.")
    return positions

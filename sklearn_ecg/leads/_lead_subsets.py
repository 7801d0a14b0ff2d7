"""Subsets of leads that a record may be reduced to, by name or as lists."""

from collections.abc import Iterable

from ._lead_groups import LEAD_SEPARATOR
from ._names import STANDARD_LEADS, normalize_lead_names

#: Names of subsets that are not names of leads.
NAMED_SUBSETS = {
    "12": STANDARD_LEADS,
    "limb": STANDARD_LEADS[:6],
    "chest": STANDARD_LEADS[6:],
}


def resolve_lead_subset(subset, lead_names, *, name="subsets"):
    """Return the leads of a subset.

    Parameters
    ----------
    subset : str or iterable of str
        "all", one of `NAMED_SUBSETS`, leads separated by plus signs such as "I+II+V2", or a list of
        leads.
    lead_names : sequence of str
        Standard names of the leads that are present.
    name : str
        Of the argument, for error messages.

    Returns
    -------
    label : str
        The subset as given, or its leads separated by plus signs.
    leads : tuple of str
        In the given order.

    Raises
    ------
    TypeError
        If the subset is neither a str nor a list of str.
    ValueError
        If it is empty, contains an unknown lead or a lead twice, or a lead is missing.
    """
    if isinstance(subset, str):
        label = subset
        if subset == "all":
            return label, tuple(lead_names)
        leads = NAMED_SUBSETS.get(subset) or subset.split(LEAD_SEPARATOR)
    elif isinstance(subset, Iterable):
        leads = list(subset)
        if not all(isinstance(lead, str) for lead in leads):
            raise TypeError(
                f"{name} contains {leads!r}. Pass a name such as 'limb' or 'I+II+V2', or a list of "
                "names of leads."
            )
        label = LEAD_SEPARATOR.join(leads)
    else:
        raise TypeError(
            f"{name} contains {subset!r}. Pass a name such as 'limb' or 'I+II+V2', or a list of "
            "names of leads."
        )
    if not leads:
        raise ValueError(f"{name} contains an empty list. A subset needs at least one lead.")
    try:
        leads = normalize_lead_names(leads, strict=False)
    except ValueError as error:
        raise ValueError(f"{name} contains {subset!r}: {error}") from None
    missing = [lead for lead in leads if lead not in lead_names]
    if missing:
        raise ValueError(
            f"{name} contains {subset!r}, but X has no lead {', '.join(missing)}: its leads are "
            f"{', '.join(lead_names)}. Subsets are 'all', {', '.join(map(repr, NAMED_SUBSETS))}, "
            "leads such as 'I+II+V2', or lists of leads."
        )
    return label, leads

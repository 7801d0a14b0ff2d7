"""Names of leads, and the regions of the heart that they represent."""

import re
from collections.abc import Iterable, Mapping, Sequence

#: The twelve standard leads in standard order.
STANDARD_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


class _Regions(Mapping):
    """Immutable mapping from regions to leads.

    Unlike ``types.MappingProxyType``, it can be copied and pickled, which ``clone`` and ``joblib``
    do with the parameters of estimators.
    """

    def __init__(self, **regions):
        self._regions = regions

    def __getitem__(self, region):
        return self._regions[region]

    def __iter__(self):
        return iter(self._regions)

    def __len__(self):
        return len(self._regions)

    def __repr__(self):
        return repr(self._regions)


#: Regions of the twelve standard leads. aVR, which faces the cavity, does not belong to a region.
REGIONS_12 = _Regions(
    inferior=("II", "III", "aVF"),
    lateral=("I", "aVL", "V5", "V6"),
    septal=("V1", "V2"),
    anterior=("V3", "V4"),
)

#: Regions of the eight leads II, III, V1 to V6 used by ACL-ECG.
REGIONS_8 = _Regions(
    inferior=("II", "III"),
    septal=("V1", "V2"),
    anterior=("V3", "V4"),
    lateral=("V5", "V6"),
)

REGION_MAPS = {"twelve": REGIONS_12, "eight": REGIONS_8}

_FURTHER_LEADS = ("V7", "V8", "V9", "V3R", "V4R", "V5R", "V6R", "X", "Y", "Z")
KNOWN_LEADS = STANDARD_LEADS + _FURTHER_LEADS

# Aliases in upper case. normalize_lead_name handles case, separators and the prefixes below.
_ALIASES = {
    **{lead.upper(): lead for lead in KNOWN_LEADS},
    # Modified leads of Holter recorders: electrodes on the torso, same directions.
    **{f"ML{lead}": lead for lead in ("I", "II", "III")},
    **{f"MV{number}": f"V{number}" for number in range(1, 7)},
    # Spanish and Portuguese: derivación.
    **{f"D{lead}": lead for lead in ("I", "II", "III")},
    # Frank's orthogonal leads.
    **{f"V{axis}": axis for axis in "XYZ"},
}

_PREFIXES = re.compile(r"(?:(?:MDC|ECG|EKG|LEAD)(?:[\s_.:]+|-)?)*(?P<rest>.+)")
# Separators are only removed after the letters in "V 1", "a VR" and "ML II". Otherwise, the
# difference "I-II" would become "III", and the inverted lead "-aVR" would become "aVR".
_INNER_SEPARATORS = re.compile(r"(?<=[AVLD])[\s_-](?=[A-Z0-9])")


def normalize_lead_name(name):
    """Convert the name of a lead to its standard name.

    Case, surrounding blanks and the prefixes "Lead", "ECG", "EKG" and "MDC_ECG_LEAD" are ignored.
    The modified leads of Holter recorders are converted to the corresponding leads: "MLI", "MLII",
    "MLIII" to I, II, III, and "MV1" to "MV6" to V1 to V6. An inverted lead ("-aVR") and a
    difference ("I-II") are not known leads.

    Parameters
    ----------
    name : str
        Name of a lead, as found in a file.

    Returns
    -------
    lead : str
        One of the twelve `STANDARD_LEADS`, or a posterior lead (V7 to V9), a right-sided lead
        (V3R to V6R) or a Frank lead (X, Y, Z).

    Raises
    ------
    TypeError
        If `name` is not a string.
    ValueError
        If `name` is not a known lead.

    See Also
    --------
    normalize_lead_names : Convert the names of several leads.

    Examples
    --------
    >>> from sklearn_ecg import normalize_lead_name
    >>> [normalize_lead_name(name) for name in ("AVR", "lead_ii", "MLII", "v1 ", "vx")]
    ['aVR', 'II', 'II', 'V1', 'X']
    >>> normalize_lead_name("RESP")
    Traceback (most recent call last):
        ...
    ValueError: 'RESP' is not a known lead. Known leads are I, II, III, aVR, ...
    """
    if not isinstance(name, str):
        raise TypeError(
            f"The name of a lead must be a str, got {name!r} of type {type(name).__name__}. Pass "
            "names such as 'II' or 'aVR'."
        )
    key = _PREFIXES.sub(r"\g<rest>", name.strip().upper())
    key = _INNER_SEPARATORS.sub("", key)
    if key not in _ALIASES:
        raise ValueError(
            f"{name!r} is not a known lead. Known leads are {', '.join(KNOWN_LEADS)}, in any case "
            "and with aliases such as 'Lead II' or 'MLII'. Rename it, or leave it out."
        )
    return _ALIASES[key]


def normalize_lead_names(names, *, strict=True):
    """Convert the names of several leads to their standard names, which must be unique.

    Parameters
    ----------
    names : iterable of str
        Names of the leads, in the order of the signals.
    strict : bool, default=True
        Whether to raise an error for a name that is not a known lead. With ``strict=False``, such
        a name is kept as it is.

    Returns
    -------
    leads : tuple of str
        The standard names, in the given order.

    Raises
    ------
    TypeError
        If `names` is a single string or not a list, or one of the names is not a string.
    ValueError
        If two names are the same lead, or, with ``strict=True``, a name is not a known lead.

    See Also
    --------
    normalize_lead_name : Convert the name of one lead.

    Examples
    --------
    >>> from sklearn_ecg import normalize_lead_names
    >>> normalize_lead_names(["i", "AVF", "Lead V1"])
    ('I', 'aVF', 'V1')
    >>> normalize_lead_names(["MLII", "RESP"], strict=False)
    ('II', 'RESP')
    >>> normalize_lead_names(["aVR", "AVR"])
    Traceback (most recent call last):
        ...
    ValueError: The leads 'aVR' and 'AVR' are both lead aVR. ...
    """
    if isinstance(names, str):
        raise TypeError(f"names must be a list of lead names, got the single str {names!r}.")
    if not isinstance(names, Iterable):
        raise TypeError(f"names must be a list of lead names, got {names!r}.")
    given = {}
    for name in names:
        try:
            lead = normalize_lead_name(name)
        except ValueError:
            if strict:
                raise
            lead = name
        if lead in given:
            raise ValueError(
                f"The leads {given[lead]!r} and {name!r} are both lead {lead}. Each lead must "
                "occur only once: remove or rename one of them."
            )
        given[lead] = name
    return tuple(given)


def lead_regions(lead_names, regions: str | Mapping[str, Sequence[str]] = "twelve"):
    """Find the positions of the leads of each region.

    Parameters
    ----------
    lead_names : iterable of str
        Names of the leads that are present, in the order of the signals.
    regions : {"twelve", "eight"} or mapping of str to sequence of str, default="twelve"
        "twelve" is `REGIONS_12`, "eight" is `REGIONS_8`. For other regions, pass a mapping from the
        name of each region to its leads.

    Returns
    -------
    positions : dict of str to list of int
        For each region, the positions of its leads in `lead_names`, in the order of the region.

    Raises
    ------
    TypeError
        If `regions` is neither a string nor a mapping, or `lead_names` or the leads of a region
        are not lists of strings.
    ValueError
        If `lead_names` is None, the string `regions` is unknown, there are no regions, a region is
        empty, or a lead of a region is missing.

    See Also
    --------
    sklearn_ecg.preprocessing.LeadSelector : Select the leads of regions.

    Examples
    --------
    >>> from sklearn_ecg import STANDARD_LEADS, lead_regions
    >>> lead_regions(STANDARD_LEADS)["inferior"]
    [1, 2, 5]
    >>> lead_regions(["II", "V1", "V2"], {"limb": ["II"], "chest": ["V1", "V2"]})
    {'limb': [0], 'chest': [1, 2]}
    >>> lead_regions(["II", "V1", "V2"])
    Traceback (most recent call last):
        ...
    ValueError: Region 'inferior' needs lead III, but the leads present are II, V1, V2. ...
    """
    if lead_names is None:
        raise ValueError(
            "Regions need the names of the leads, which are unknown (lead_names=None). Pass a "
            "lead frame (see to_lead_frame), or lead_names."
        )
    if isinstance(regions, str):
        if regions not in REGION_MAPS:
            raise ValueError(
                f"regions={regions!r} is unknown. Pass 'twelve', 'eight' or a mapping from the "
                "name of each region to its leads."
            )
        regions = REGION_MAPS[regions]
    if not isinstance(regions, Mapping):
        raise TypeError(
            "regions must be 'twelve', 'eight' or a mapping from the name of each region to its "
            f"leads, got {type(regions).__name__}."
        )
    if not regions:
        raise ValueError("regions is an empty mapping. Pass at least one region.")

    present = normalize_lead_names(lead_names, strict=False)
    positions = {}
    for region, leads in regions.items():
        if isinstance(leads, str):
            raise TypeError(
                f"Region {region!r} must be a list of leads, got the str {leads!r}. Pass "
                f"[{leads!r}]."
            )
        leads = normalize_lead_names(leads, strict=False)
        if not leads:
            raise ValueError(f"Region {region!r} has no leads. Each region needs at least one.")
        for lead in leads:
            if lead not in present:
                raise ValueError(
                    f"Region {region!r} needs lead {lead}, but the leads present are "
                    f"{', '.join(present)}. Pass records with this lead, or other regions."
                )
        positions[region] = [present.index(lead) for lead in leads]
    return positions

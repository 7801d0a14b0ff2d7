"""Names of leads, and the regions of the heart that they look at."""

import re
from collections.abc import Mapping

#: The twelve standard leads in standard order.
STANDARD_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


class _Regions(Mapping):
    """An immutable mapping from region to leads.

    Unlike ``types.MappingProxyType`` it can be copied and pickled, as ``clone`` and ``joblib`` do
    with an estimator's parameters.
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


#: Regions of the twelve standard leads. aVR looks into the cavity and belongs to none.
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

# The only place for aliases, in upper case. Case, separators and the prefixes below are taken care
# of by normalize_lead_name.
_ALIASES = {
    **{lead.upper(): lead for lead in KNOWN_LEADS},
    # Modified leads of Holter recorders: electrodes on the torso, same direction.
    **{f"ML{lead}": lead for lead in ("I", "II", "III")},
    **{f"MV{number}": f"V{number}" for number in range(1, 7)},
    # Spanish and Portuguese: derivación.
    **{f"D{lead}": lead for lead in ("I", "II", "III")},
    # Frank's orthogonal leads.
    **{f"V{axis}": axis for axis in "XYZ"},
}

_PREFIXES = re.compile(r"(?:(?:MDC|ECG|EKG|LEAD)(?:[\s_.:]+|-)?)*(?P<rest>.+)")
# Separators go only after the letters of "V 1", "a VR" and "ML II". To remove them everywhere
# would turn the difference "I-II" into "III" and the inverted "-aVR" into "aVR".
_INNER_SEPARATORS = re.compile(r"(?<=[AVLD])[\s_-](?=[A-Z0-9])")


def normalize_lead_name(name):
    """Give a lead its standard name.

    Case, blanks around the name and the prefixes "Lead", "ECG", "EKG" and "MDC_ECG_LEAD" do not
    matter. The modified leads of Holter recorders are taken for the leads they stand for: "MLI",
    "MLII", "MLIII" for I, II, III and "MV1" to "MV6" for V1 to V6. An inverted lead ("-aVR") and
    a difference ("I-II") are *not* known leads.

    Parameters
    ----------
    name : str
        A lead's name as found in a file.

    Returns
    -------
    str
        One of the twelve `STANDARD_LEADS`, or a posterior lead (V7 to V9), a right-sided lead
        (V3R to V6R) or a Frank lead (X, Y, Z).

    Raises
    ------
    TypeError
        If `name` is not a string.
    ValueError
        If `name` is not a known lead.

    Examples
    --------
    >>> from sklearn_ecg.leads import normalize_lead_name
    >>> [normalize_lead_name(name) for name in ("AVR", "lead_ii", "MLII", "v1 ", "vx")]
    ['aVR', 'II', 'II', 'V1', 'X']
    >>> normalize_lead_name("RESP")
    Traceback (most recent call last):
        ...
    ValueError: 'RESP' is not a known lead. Known leads are I, II, III, aVR, ...
    """
    if not isinstance(name, str):
        raise TypeError(
            f"A lead's name must be a str, got {name!r} of type {type(name).__name__}. Pass names "
            "such as 'II' or 'aVR'."
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
    """Give several leads their standard names, which must then be unique.

    Parameters
    ----------
    names : iterable of str
        The leads' names, in the order of the signals.
    strict : bool, default=True
        Whether a name that is not a known lead is an error. With ``strict=False`` such a name is
        kept as it is.

    Returns
    -------
    tuple of str
        The names, in the order given.

    Raises
    ------
    TypeError
        If `names` is a single string, or one of the names is not a string.
    ValueError
        If two names mean the same lead, or, with ``strict=True``, a name is not a known lead.

    Examples
    --------
    >>> from sklearn_ecg.leads import normalize_lead_names
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
                "occur once: remove or rename one of them."
            )
        given[lead] = name
    return tuple(given)


def lead_regions(lead_names, regions="twelve"):
    """Find the positions of each region's leads.

    Parameters
    ----------
    lead_names : iterable of str
        The names of the leads that are present, in the order of the signals.
    regions : {"twelve", "eight"} or mapping of str to sequence of str, default="twelve"
        "twelve" is `REGIONS_12`, "eight" is `REGIONS_8`; any other grouping as a mapping from a
        region's name to its leads.

    Returns
    -------
    dict of str to list of int
        For each region the positions of its leads in `lead_names`, in the region's order.

    Raises
    ------
    TypeError
        If `regions` is neither a string nor a mapping, or a region's leads are a single string.
    ValueError
        If `lead_names` is None, the name of the regions is unknown, there are no regions or a
        region is empty, or a region's lead is not present.

    Examples
    --------
    >>> from sklearn_ecg.leads import STANDARD_LEADS, lead_regions
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
                f"regions={regions!r} is unknown. Pass 'twelve', 'eight' or a mapping from a "
                "region's name to its leads."
            )
        regions = REGION_MAPS[regions]
    if not isinstance(regions, Mapping):
        raise TypeError(
            "regions must be 'twelve', 'eight' or a mapping from a region's name to its leads, "
            f"got {type(regions).__name__}."
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
            raise ValueError(f"Region {region!r} has no leads. Give it at least one.")
        for lead in leads:
            if lead not in present:
                raise ValueError(
                    f"Region {region!r} needs lead {lead}, but the leads present are "
                    f"{', '.join(present)}. Pass records with this lead, or other regions."
                )
        positions[region] = [present.index(lead) for lead in leads]
    return positions

"""Names of channels that a user gives to leads."""

from collections.abc import Mapping

from ...leads import normalize_lead_name


def parse_lead_aliases(lead_aliases, leads):
    """Return the aliases as tuples that the cache can store.

    Parameters
    ----------
    lead_aliases : mapping of str to str, or None
        Names in the file, and the leads. A lead with a minus is inverted in the file.
    leads : tuple of str
        The requested leads, in standard spelling.

    Returns
    -------
    aliases : tuple of (name, lead, sign)
        Names without blanks at their ends and in upper case, see `channel_key`.

    Raises
    ------
    TypeError
        If it is not a mapping of names to names.
    ValueError
        If two names are the same, a lead is unknown, or a name with a minus has a lead without.
    """
    if lead_aliases is None:
        return ()
    if not isinstance(lead_aliases, Mapping):
        raise TypeError(
            "lead_aliases must be a dict of the names in the file to leads, as in {'D1': 'I'}, got "
            f"{type(lead_aliases).__name__}."
        )
    aliases = {}
    for name, lead in lead_aliases.items():
        for value in (name, lead):
            if not isinstance(value, str) or not value.strip(" -"):
                raise TypeError(
                    f"lead_aliases must have names of leads, got {name!r}: {lead!r}. Pass a dict "
                    "such as {'D1': 'I'}."
                )
        target = lead.strip()
        sign = -1 if target.startswith("-") else 1
        target = target.removeprefix("-").strip()
        try:
            target = normalize_lead_name(target)
        except ValueError:
            if target not in leads:
                raise ValueError(
                    f"lead_aliases[{name!r}]={lead!r} is neither a known lead nor one of leads="
                    f"{list(leads)}. Correct it."
                ) from None
        if name.strip().startswith("-") and sign == 1:
            raise ValueError(
                f"lead_aliases={{{name!r}: {lead!r}}} is ambiguous: the name says that the channel "
                f"is inverted. Pass {{{name!r}: '-{target}'}} to load {target} from the inverted "
                "channel, or rename the channel in the header if it is not inverted."
            )
        key = channel_key(name)
        if key in aliases:
            raise ValueError(
                f"lead_aliases has {name!r} twice: case and blanks at the ends are ignored. Keep "
                "one of them."
            )
        aliases[key] = (key, target, sign)
    return tuple(aliases.values())


def channel_key(name):
    """Return the name of a channel as aliases are compared with it."""
    return name.strip().upper()


def apply_lead_aliases(record, aliases):
    """Give channels of a record the leads of the aliases, and return the names that were found."""
    by_key = {key: (lead, sign) for key, lead, sign in aliases}
    found = []
    for i, channel in enumerate(record.channels):
        key = channel_key(channel)
        if key in by_key:
            record.aliases[i] = by_key[key]
            found.append(key)
    return found


def check_aliases_found(aliases, found, channels):
    """Raise for a name that is no channel of any record."""
    unknown = [key for key, _, _ in aliases if key not in found]
    if unknown:
        shown = ", ".join(list(channels)[:20])
        raise ValueError(
            f"lead_aliases: no record has a channel {unknown[0]!r} (in any case). The channels "
            f"are {shown}{', ...' if len(channels) > 20 else ''}. Correct the name, or leave it "
            "out."
        )

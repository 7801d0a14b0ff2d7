"""Units of voltage."""

# Millivolts per unit, by the unit's name in lower case. Both micro signs of Unicode are in use.
_MILLIVOLTS = {
    **dict.fromkeys(("v", "volt", "volts"), 1e3),
    **dict.fromkeys(("mv", "millivolt", "millivolts"), 1.0),
    **dict.fromkeys(("uv", "µv", "μv", "microvolt", "microvolts"), 1e-3),
    **dict.fromkeys(("nv", "nanovolt", "nanovolts"), 1e-6),
}
_NAMES = {1e3: "V", 1.0: "mV", 1e-3: "uV", 1e-6: "nV"}


def millivolts_per_unit(unit, assume_units=None):
    """Return the factor that converts a unit to mV, or None if the unit is not a voltage."""
    factor = _MILLIVOLTS.get(str(unit or "").strip().lower())
    if factor is None and assume_units is not None:
        factor = _MILLIVOLTS[assume_units.lower()]
    return factor


def standard_unit(unit):
    """Return "V", "mV", "uV" or "nV" for a voltage, however it is spelled, and others as given."""
    unit = str(unit).strip()
    return _NAMES.get(millivolts_per_unit(unit), unit)

"""HL7 annotated ECG: the sequences of the rhythm series, in digits with an origin and a scale."""

import warnings

import numpy as np

from ._building import build_record, check_values, damaged, exact_rate, not_supported, parse_number
from ._xml import find_attribute

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
_SUBJECT = "componentOf/timepointEvent/componentOf/subjectAssignment/subject/trialSubject"
_LEAD = "_ECG_LEAD_"


def read_hl7_aecg(name, tree):
    """Return the Record of an HL7 aECG document.

    Only the rhythm series is read. Representative beats, which are series of their own or are
    derived from the rhythm, are left out with a note.
    """
    notes = []
    series = tree.findall("component/series")
    codes = [find_attribute(one, "code", "code") for one in series]
    rhythm = [one for one, code in zip(series, codes) if code != "REPRESENTATIVE_BEAT"]
    n_beats = len(series) - len(rhythm) + len(tree.findall("component/series/derivation"))
    if n_beats:
        notes.append("representative beats not read")
    if len(rhythm) != 1:
        raise not_supported(name, f"it has {len(rhythm)} rhythm series; one is read.")
    sets = rhythm[0].findall("component/sequenceSet")
    if len(sets) != 1:
        raise not_supported(name, f"its rhythm has {len(sets)} sets of sequences; one is read.")
    signals, rates, others = [], [], []
    for sequence in sets[0].findall("component/sequence"):
        code = find_attribute(sequence, "code", "code")
        value = sequence.find("value")
        if value is None:
            raise damaged(name, f"its sequence {code} has no value.")
        if code in ("TIME_ABSOLUTE", "TIME_RELATIVE"):
            rates.append(_read_rate(name, value))
        elif _LEAD in code:
            signals.append((code, *_read_digits(name, code, value)))
        else:
            others.append(code)
    if others:
        notes.append(f"{', '.join(others)[:100]} not read")
    if len(rates) != 1:
        raise damaged(name, f"it has {len(rates)} sequences of times; one is read.")
    check_values(name, len(signals), max((len(values) for *_, values in signals), default=0))
    subject = tree.find(_SUBJECT)
    header = {
        "format": "HL7 aECG",
        "patient_id": find_attribute(subject, "id", "extension"),
        "sex": find_attribute(subject, "subjectDemographicPerson/administrativeGenderCode", "code"),
        "recorded": find_attribute(tree, "effectiveTime/low")
        or find_attribute(tree, "effectiveTime/center"),
    }
    channels = [(code, rates[0], unit, values) for code, unit, values in signals]
    return build_record(name, channels, header, notes)


def _read_rate(name, value):
    step = parse_number(
        name, find_attribute(value, "increment"), "its increment of time", "sampling rate"
    )
    unit = find_attribute(value, "increment", "unit")
    if unit not in _SECONDS or step <= 0:
        raise damaged(name, f"its increment of time is {step:g} {unit!r}.", "sampling rate")
    return exact_rate(name, 1 / (step * _SECONDS[unit]))


def _read_digits(name, code, value):
    """Return unit and values of a sequence: origin + scale * digits."""
    digits = value.find("digits")
    text = "" if digits is None else "".join(digits.itertext())
    with warnings.catch_warnings():
        # NumPy warns of, or in later versions refuses, text that is not a number.
        warnings.simplefilter("error")
        try:
            found = np.fromstring(text, sep=" ")
        except (ValueError, DeprecationWarning) as error:
            raise damaged(name, f"the digits of {code} are not all numbers.") from error
    if not text.strip() or not np.isfinite(found).all():
        raise damaged(name, f"{code} has no digits, or digits that are not finite.")
    unit = find_attribute(value, "scale", "unit")
    scale = parse_number(name, find_attribute(value, "scale"), f"the scale of {code}")
    origin = find_attribute(value, "origin")
    origin = parse_number(name, origin, f"the origin of {code}") if origin else 0.0
    origin_unit = find_attribute(value, "origin", "unit")
    if scale == 0 or (origin and origin_unit != unit):
        raise damaged(
            name,
            f"{code} has the scale {scale:g} {unit!r} and the origin {origin:g} {origin_unit!r}.",
            "units",
        )
    return unit, origin + scale * found

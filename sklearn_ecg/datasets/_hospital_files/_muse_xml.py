"""XML of GE MUSE: the rhythm waveform, in Base64."""

import base64
import binascii
import zlib

import numpy as np

from .._records import ALL_CHECKSUMS_DIFFER
from ._building import build_record, damaged, exact_rate, not_supported, parse_number
from ._xml import find_text


def read_muse_xml(name, tree):
    """Return the Record of a RestingECG document of MUSE.

    Only the waveform of the type "Rhythm" is read; median beats are left out with a note. MUSE
    stores eight leads, from which the other limb leads can be derived.
    """
    waveforms = tree.findall("Waveform")
    rhythm = [one for one in waveforms if find_text(one, "WaveformType").lower() == "rhythm"]
    if len(rhythm) != 1:
        raise not_supported(name, f"it has {len(rhythm)} rhythm waveforms; one is read.")
    others = [find_text(one, "WaveformType") for one in waveforms if one is not rhythm[0]]
    notes = [f"waveform {', '.join(others)[:100]} not read"] if others else []
    base = parse_number(name, find_text(rhythm[0], "SampleBase"), "SampleBase", "sampling rate")
    exponent = find_text(rhythm[0], "SampleExponent") or "0"
    exponent = parse_number(name, exponent, "SampleExponent", "sampling rate")
    if not -6 <= exponent <= 6:
        raise damaged(name, f"SampleExponent is {exponent:g}.", "sampling rate")
    rate = exact_rate(name, base * 10**exponent)
    signals, checks = [], {}
    leads = rhythm[0].findall("LeadData")
    _check_simultaneous(name, leads)
    for lead in leads:
        signals.append(_read_lead(name, lead, rate, notes, checks))
    wrong = [channel for channel, is_right in checks.items() if not is_right]
    if wrong and len(wrong) == len(checks):
        notes.append(f"{ALL_CHECKSUMS_DIFFER}: the signal may be damaged, or of another record")
    elif wrong:
        notes.append(
            f"checksum of {', '.join(wrong)} differs from the header: the signal may be damaged"
        )
    patient, test = tree.find("PatientDemographics"), tree.find("TestDemographics")
    age = f"{find_text(patient, 'PatientAge')} {find_text(patient, 'AgeUnits').lower()}"
    recorded = f"{find_text(test, 'AcquisitionDate')} {find_text(test, 'AcquisitionTime')}"
    header = {
        "format": "MUSE XML",
        "patient_id": find_text(patient, "PatientID"),
        "sex": find_text(patient, "Gender"),
        "age": age if find_text(patient, "PatientAge") else "",
        "recorded": recorded,
    }
    return build_record(name, signals, header, notes)


def _check_simultaneous(name, leads):
    """Raise for leads whose first samples are of different times."""
    for tag in ("LeadTimeOffset", "LeadOffsetFirstSample"):
        starts = {}
        for lead in leads:
            channel = find_text(lead, "LeadID")
            start = parse_number(name, find_text(lead, tag) or "0", f"{tag} of {channel}")
            starts.setdefault(start, channel)
        if len(starts) > 1:
            found = " and ".join(f"{channel} {start:g}" for start, channel in starts.items())
            raise not_supported(
                name, f"its leads have different {tag} ({found}); leads have to be simultaneous."
            )


def _read_lead(name, lead, rate, notes, checks):
    """Return name, rate, unit and values of a lead; note whether its checksum is right."""
    channel = find_text(lead, "LeadID")
    text = "".join(find_text(lead, "WaveFormData").split())
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise damaged(name, f"the values of {channel} are not Base64 ({error}).") from error
    if find_text(lead, "LeadSampleSize") not in ("", "2"):
        raise not_supported(name, f"{channel} has other values than those of two bytes.")
    for tag, found in (
        ("LeadByteCountTotal", len(content)),
        ("LeadSampleCountTotal", len(content) / 2),
    ):
        stated = find_text(lead, tag)
        if stated and parse_number(name, stated, f"{tag} of {channel}") != found:
            raise damaged(name, f"{channel} has {found:g} instead of {tag}={stated}.", "length")
    if len(content) % 2 or not content:
        raise damaged(name, f"{channel} has {len(content)} bytes.", "length")
    checksum = find_text(lead, "LeadDataCRC32")
    if checksum:
        checks[channel] = checksum == str(zlib.crc32(content))
    baseline = find_text(lead, "FirstSampleBaseline")
    if baseline and parse_number(name, baseline, f"FirstSampleBaseline of {channel}"):
        notes.append(f"{channel}: FirstSampleBaseline={baseline} is not applied")
    if find_text(lead, "LeadOff").lower() == "true":
        notes.append(f"{channel}: LeadOff is true: the electrode was off")
    gain = find_text(lead, "LeadAmplitudeUnitsPerBit")
    gain = parse_number(name, gain, f"LeadAmplitudeUnitsPerBit of {channel}")
    if gain <= 0:
        raise damaged(name, f"{channel} has LeadAmplitudeUnitsPerBit={gain:g}.", "header")
    unit = find_text(lead, "LeadAmplitudeUnits")
    return channel, rate, unit, np.frombuffer(content, "<i2") * gain

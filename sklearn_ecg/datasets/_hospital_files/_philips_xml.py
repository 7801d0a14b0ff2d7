"""XML of Philips (SierraECG, PhilipsECG): the waveforms in Base64, usually compressed."""

import base64
import binascii

import numpy as np

from ...leads import STANDARD_LEADS
from ._building import (
    build_record,
    check_resting_values,
    damaged,
    exact_rate,
    not_supported,
    parse_number,
)
from ._xli import read_xli
from ._xml import find_attribute, find_text

_TYPES = ("SierraECG", "PhilipsECG")
_VERSIONS = ("1.03", "1.04", "1.04.01", "1.04.02")
_LIMB_LEADS = list(STANDARD_LEADS[:6])
_TWELVE_LEADS = ("STD-12", "10-WIRE")
_ROUNDING = 2  # steps; limb leads of limb leads are rounded
_WAVEFORMS = "waveforms/parsedwaveforms"
_SIGNAL = "dataacquisition/signalcharacteristics"


def read_philips_xml(name, tree):
    """Return the Record of a restingecgdata document.

    Of leads in XLI, III, aVR, aVL and aVF are stored as differences from what I and II give. A
    file that ends in a calibration pulse is noted.
    """
    kind = find_text(tree, "documentinfo/documenttype")
    version = find_text(tree, "documentinfo/documentversion")
    if kind not in _TYPES or version not in _VERSIONS:
        raise not_supported(
            name, f"it is {kind[:40]!r} of the version {version[:40]!r}; 1.03 and 1.04 are read."
        )
    n_waveforms = len(tree.findall(_WAVEFORMS))
    if n_waveforms != 1:
        raise not_supported(name, f"it has {n_waveforms} sets of waveforms; one is read.")
    rate = _find_number(name, tree, ("samplespersecond",), ("samplingrate",), "sampling rate")
    step = _find_number(name, tree, ("resolution",), ("resolution", "signalresolution"), "units")
    if not 0 < step <= 1000:
        raise damaged(name, f"its resolution is {step:g} uV.", "units")
    rate = exact_rate(name, rate)
    _check_samples(name, tree)
    leads = _find_leads(name, tree)
    duration = find_attribute(tree, _WAVEFORMS, "durationperchannel")
    duration = parse_number(name, duration, "durationperchannel", "length")
    exact = duration * rate / 1000
    n_times = round(exact) if 3 <= exact < 1e15 else 0
    if not n_times or abs(n_times - exact) > 1e-6 * n_times:
        raise damaged(name, f"its duration is {duration:g} ms at {rate:g} Hz.", "length")
    check_resting_values(name, len(leads), n_times)
    samples = _read_samples(name, tree, leads, n_times)
    notes = []
    wrong = np.flatnonzero(_distance_of_iii(samples) > _ROUNDING) if "III" in samples else ()
    if len(wrong):
        notes.append(
            f"III is not II - I at {len(wrong)} time points, the first at {wrong[0] / rate:g} s, "
            "as in a calibration pulse"
        )
    patient = tree.find("patient/generalpatientdata")
    years = find_text(patient, "age/years")
    recorded = [find_attribute(tree, "dataacquisition", key) for key in ("date", "time")]
    header = {
        "format": "Philips XML",
        "patient_id": find_text(patient, "patientid") or find_text(patient, "MRN"),
        "sex": find_text(patient, "sex"),
        "age": f"{years} years" if years else "",
        "recorded": " ".join(recorded),
    }
    signals = [(lead, rate, "uV", values * step) for lead, values in samples.items()]
    return build_record(name, signals, header, notes)


def _find_number(name, tree, attributes, tags, field):
    """Return what attributes of the waveforms, or elements, state; all have to state the same."""
    texts = [find_attribute(tree, _WAVEFORMS, key) for key in attributes]
    texts += [find_text(tree, f"{_SIGNAL}/{tag}") for tag in tags]
    numbers = {parse_number(name, text, tags[-1], field) for text in texts if text}
    if len(numbers) != 1:
        found = " and ".join(f"{number:g}" for number in sorted(numbers)) or "missing"
        raise damaged(name, f"its {tags[-1]} is {found}.", field)
    return numbers.pop()


def _check_samples(name, tree):
    """Raise unless samples are signed, of 16 bits and without an offset, where it is stated."""
    for key, element, expected in (
        ("signalsigned", "signalsigned", "true"),
        ("signaloffset", "signaloffset", "0"),
        ("bitspersample", "bitspersample", "16"),
        ("nbitspersample", "bitspersample", "16"),
    ):
        for text in (
            find_attribute(tree, _WAVEFORMS, key),
            find_text(tree, f"{_SIGNAL}/{element}"),
        ):
            if text and text.lower() != expected:
                raise not_supported(name, f"it has {key}={text[:20]!r} instead of {expected!r}.")


def _find_leads(name, tree):
    leads = find_attribute(tree, _WAVEFORMS, "leadlabels").split()
    stated = find_attribute(tree, _WAVEFORMS, "numberofleads")
    if leads:
        n_leads = parse_number(name, stated, "numberofleads") if stated else len(leads)
        if n_leads != len(leads):
            raise damaged(name, f"it has {len(leads)} labels, but numberofleads={stated}.", "leads")
    else:
        kind = find_text(tree, f"{_SIGNAL}/acquisitiontype")
        n_channels = find_text(tree, f"{_SIGNAL}/numberchannelsallocated")
        if kind not in _TWELVE_LEADS or n_channels != "12":
            raise not_supported(
                name, f"it has no labels, and {n_channels[:20]!r} channels of {kind[:40]!r}."
            )
        leads = list(STANDARD_LEADS)
    if len(set(leads)) < len(leads):
        raise damaged(name, "it has two leads of the same name.", "leads")
    return leads


def _read_samples(name, tree, leads, n_times):
    """Return the samples by lead."""
    waveforms = tree.find(_WAVEFORMS)
    encoding = waveforms.get("dataencoding", "")
    if encoding != "Base64":
        raise not_supported(name, f"its waveforms are in the encoding {encoding[:40]!r}.")
    try:
        text = "".join("".join(waveforms.itertext()).split())
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise damaged(name, f"its waveforms are not Base64 ({error}).") from error
    compression = waveforms.get("compression") or waveforms.get("compressmethod") or "Uncompressed"
    if waveforms.get("compressflag", "").lower() == "false":
        compression = "Uncompressed"
    if compression == "XLI":
        if leads[:6] != _LIMB_LEADS:
            raise not_supported(name, f"its leads in XLI start with {', '.join(leads[:6])[:60]}.")
        samples = dict(zip(leads, read_xli(name, content, len(leads), n_times)))
        samples = _restore_limb_leads(samples)
    elif compression == "Uncompressed":
        n_bytes = 2 * len(leads) * n_times
        if len(content) != n_bytes:
            raise damaged(name, f"it has {len(content)} bytes instead of {n_bytes}.", "length")
        values = np.frombuffer(content, "<i2").reshape(len(leads), n_times)
        samples = dict(zip(leads, values.astype(np.int64)))
    else:
        raise not_supported(name, f"its compression is {compression[:40]!r}.")
    if len(leads) > 1 and not _are_limb_leads(samples):
        raise not_supported(
            name,
            "III, aVR, aVL and aVF do not follow from I and II: it is damaged, or stored in "
            "another way than those that are read.",
        )
    return samples


def _restore_limb_leads(samples):
    one, two = samples["I"], samples["II"]
    three = two - one - samples["III"]
    restored = {
        "III": three,
        "aVR": -((one + two) // 2) - samples["aVR"],
        "aVL": (one - three) // 2 - samples["aVL"],
        "aVF": (two + three) // 2 - samples["aVF"],
    }
    return {**samples, **restored}


def _distance_of_iii(samples):
    return np.abs(samples["III"] - (samples["II"] - samples["I"]))


def _are_limb_leads(samples):
    """Whether most values of the limb leads are as Einthoven and Goldberger state."""
    if not set(_LIMB_LEADS) <= set(samples):
        return False
    one, two, three = (samples[lead] for lead in ("I", "II", "III"))
    distances = [
        _distance_of_iii(samples),
        np.abs(samples["aVR"] + (one + two) / 2),
        np.abs(samples["aVL"] - (one - three) / 2),
        np.abs(samples["aVF"] - (two + three) / 2),
    ]
    return all(np.mean(distance <= _ROUNDING) > 0.5 for distance in distances)

"""SCP-ECG (EN 1064, ISO 11073-91064): the rhythm, lossless."""

import re

import numpy as np

from ._building import (
    LEAD_CODES,
    build_record,
    check_resting_values,
    damaged,
    exact_rate,
    not_supported,
    read_content,
)
from ._scp_sections import read_sections, unpack

_MAX_SIZE = 2**24  # bytes; twelve leads of ten seconds at 1000 Hz take less than 250 kB
_DEFAULT_TABLE = 19999  # the number of Huffman tables, if it is the one of the standard
_MAX_PADDING = 16  # bits behind the last Huffman code
# Codes of the default table: zero; values to 8 with their signs; values of 8 and of 16 bits.
_HUFFMAN = re.compile("0|(1{1,8})0([01])|1{9}0([01]{8})|1{10}([01]{16})")
_SUBTRACTED = 1  # flag: reference beats were subtracted
_SIMULTANEOUS = 4  # flag: all leads were recorded at the same time

_SEXES = {1: "male", 2: "female"}
_AGES = {1: "years", 2: "months", 3: "weeks", 4: "days", 5: "hours"}


def read_scp_ecg(name, path):
    """Return the Record of an SCP-ECG file.

    A value is a sample times the amplitude of section 6, in nV. Samples are stored as they are, or
    as first or second differences, in two bytes each or in the Huffman codes of the standard.
    """
    sections = read_sections(name, read_content(name, path, _MAX_SIZE))
    leads, n_times = _read_leads(name, sections[3])
    amplitude, interval, order, is_bimodal = unpack(name, "HHBB", sections[6])
    if is_bimodal:
        raise not_supported(name, "its rhythm is reduced between the beats (bimodal compression).")
    if order > 2:
        raise not_supported(name, f"its rhythm has the encoding {order}; 0, 1 and 2 are read.")
    if not amplitude:
        raise damaged(name, "the amplitude of a step is 0 nV.", "units")
    if not interval:
        raise damaged(name, "the time between samples is 0 us.", "sampling rate")
    check_resting_values(name, len(leads), n_times)
    rate = exact_rate(name, 1e6 / interval)
    decode = _find_decoder(name, sections)
    sizes = unpack(name, f"{len(leads)}H", sections[6], 6)
    start = 6 + 2 * len(leads)
    if not start + sum(sizes) <= len(sections[6]) <= start + sum(sizes) + 1:
        raise damaged(
            name,
            f"its rhythm has {len(sections[6]) - start} bytes, but the leads have {sum(sizes)}.",
            "length",
        )
    signals = []
    for lead, size in zip(leads, sizes):
        values = decode(name, lead, sections[6][start : start + size], n_times)
        start += size
        samples = _undo_differences(values, order)
        if not -(2**15) <= samples.min() <= samples.max() < 2**15:
            raise damaged(name, f"{lead} has values beyond 16 bits.")
        signals.append((lead, rate, "nV", samples * float(amplitude)))
    notes = ["reference beats not read"] if 5 in sections else []
    header = _read_header(name, sections.get(1, b""), notes)
    return build_record(name, signals, header, notes)


def _read_leads(name, section):
    """Return the names of the leads and their length; raise unless they are simultaneous."""
    n_leads, flags = unpack(name, "BB", section)
    if not n_leads:
        raise damaged(name, "it defines no leads.", "leads")
    if flags & _SUBTRACTED:
        raise not_supported(name, "reference beats were subtracted from its rhythm.")
    found = [unpack(name, "IIB", section, 2 + 9 * i) for i in range(n_leads)]
    ranges = {(start, end) for start, end, _ in found}
    if len(ranges) > 1 or not (flags & _SIMULTANEOUS or flags >> 3 == n_leads):
        raise not_supported(
            name, "its leads differ in start or length, or were recorded one after the other."
        )
    ((start, end),) = ranges
    if not 1 <= start <= end:
        raise damaged(name, f"its leads have the samples {start} to {end}.", "length")
    leads = [LEAD_CODES.get(code, f"lead code {code}") for *_, code in found]
    if len(set(leads)) < n_leads:
        raise damaged(name, "it has two leads of the same name.", "leads")
    return leads, end - start + 1


def _find_decoder(name, sections):
    if 2 not in sections:
        return _read_plain
    (n_tables,) = unpack(name, "H", sections[2])
    if n_tables != _DEFAULT_TABLE:
        raise not_supported(name, "it has Huffman tables of its own; that of the standard is read.")
    return _read_huffman


def _read_plain(name, lead, content, n_times):
    if len(content) != 2 * n_times:
        raise damaged(name, f"{lead} has {len(content)} bytes instead of {2 * n_times}.", "length")
    return np.frombuffer(content, "<i2").astype(np.int64)


def _read_huffman(name, lead, content, n_times):
    if n_times > 8 * len(content):
        raise damaged(name, f"{lead} has {len(content)} bytes for {n_times} values.", "length")
    bits = "".join(f"{byte:08b}" for byte in content)
    values = np.empty(n_times, dtype=np.int64)
    position = 0
    for i in range(n_times):
        code = _HUFFMAN.match(bits, position)
        if code is None:
            raise damaged(name, f"{lead} ends after {i} of {n_times} values.", "length")
        position = code.end()
        ones, sign, byte, word = code.groups()
        if ones:
            values[i] = len(ones) if sign == "0" else -len(ones)
        elif byte or word:
            number, n_bits = int(byte or word, 2), len(byte or word)
            values[i] = number - (number >> (n_bits - 1) << n_bits)
        else:
            values[i] = 0
    if len(bits) - position > _MAX_PADDING:
        raise damaged(
            name, f"{lead} has {len(bits) - position} bits behind its {n_times} values.", "length"
        )
    return values


def _undo_differences(values, order):
    """Return samples; the first one, or the first two of second differences, are no differences."""
    if order == 0:
        return values
    if order == 1:
        return np.cumsum(values)
    slopes = np.concatenate([values[1:2] - values[0], values[2:]])
    return values[0] + np.concatenate([[0], np.cumsum(np.cumsum(slopes))])


def _read_header(name, section, notes):
    """Return what is kept of section 1: fields of a tag, a length and a value."""
    fields, start = {}, 0
    while start < len(section) and section[start] != 255:
        tag, length = unpack(name, "BH", section, start)
        start += 3
        if start + length > len(section):
            raise damaged(name, f"field {tag} of section 1 exceeds it.", "header")
        fields.setdefault(tag, section[start : start + length])
        start += length
    header = {"format": "SCP-ECG", "patient_id": _read_patient(fields.get(2, b""), notes)}
    if fields.get(8):
        header["sex"] = _SEXES.get(fields[8][0])
    if len(fields.get(4, b"")) == 3:
        age, unit = unpack(name, "HB", fields[4])
        header["age"] = f"{age} {_AGES[unit]}" if unit in _AGES else None
    if len(fields.get(25, b"")) == 4 and any(fields[25]):
        header["recorded"] = "{:04}-{:02}-{:02}".format(*unpack(name, "HBB", fields[25]))
        if len(fields.get(26, b"")) == 3:
            header["recorded"] += " {:02}:{:02}:{:02}".format(*fields[26])
    return header


def _read_patient(value, notes):
    """Return the patient number, unless it is in an encoding of several bytes per character."""
    text, _, rest = value.partition(b"\0")
    if rest.strip(b"\0"):
        notes.append("patient number not read: it is in an unknown encoding")
        return None
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")

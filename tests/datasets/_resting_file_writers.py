"""Writers of Philips XML and SCP-ECG, written from the descriptions of the formats."""

import base64
import struct

import numpy as np

# --------------------------------------------------------------------------------------------------
# Philips XML
# --------------------------------------------------------------------------------------------------


def lzw(content, end=True):
    """Return bytes as LZW codes of 10 bits; code 1023 ends them."""
    table, text, codes = {bytes([i]): i for i in range(256)}, b"", []
    for i in range(len(content)):
        longer = text + content[i : i + 1]
        if longer in table:
            text = longer
            continue
        codes.append(table[text])
        if len(table) < 1023:
            table[longer] = len(table)
        text = content[i : i + 1]
    codes.append(table[text])
    bits = "".join(f"{code:010b}" for code in codes + [1023] * end)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def xli_chunk(samples, **options):
    """Return a lead: samples[n] = 2 samples[n-1] - samples[n-2] - (stored value - 64)."""
    stored = list(samples[:2])
    curvature = [2 * samples[n - 1] - samples[n - 2] - samples[n] for n in range(2, len(samples))]
    # The first one is in the header, and the last value is not used.
    stored += [one + 64 for one in curvature[1:]] + [64] * (len(samples) > 2)
    words = [value & 0xFFFF for value in stored]
    packed = bytes(word >> 8 for word in words) + bytes(word & 255 for word in words)
    codes = lzw(packed, **options)
    return struct.pack("<iHh", len(codes), 1, curvature[0]) + codes


def twelve_leads(seed=0, n_times=40, scale=60):
    """Return integer samples of the twelve leads, the limb leads rounded down."""
    rng = np.random.default_rng(seed)
    one, two, *chest = np.cumsum(rng.integers(-scale, scale + 1, (8, n_times)), axis=1)
    three = two - one
    limb = [one, two, three, -((one + two) // 2), (one - three) // 2, (two + three) // 2]
    names = ["I", "II", "III", "aVR", "aVL", "aVF", *(f"V{i}" for i in range(1, 7))]
    return dict(zip(names, [*limb, *chest]))


def stored_in_xli(signals):
    """Return what XLI stores: I, II and chest leads; of others, what I and II do not give."""
    one, two, three, avr, avl, avf = (
        signals[lead].tolist() for lead in ("I", "II", "III", "aVR", "aVL", "aVF")
    )
    return {
        **{lead: values.tolist() for lead, values in signals.items()},
        "III": [b - a - c for a, b, c in zip(one, two, three)],
        "aVR": [-((a + b) // 2) - r for a, b, r in zip(one, two, avr)],
        "aVL": [(a - c) // 2 - r for a, c, r in zip(one, three, avl)],
        "aVF": [(b + c) // 2 - r for b, c, r in zip(two, three, avf)],
    }


def philips(signals, *, version="1.04", rate=500, resolution="5", compression="XLI", content=None):
    """Return a document of samples by lead."""
    n_times = len(signals["I"])
    duration = n_times * 1000 / rate
    if content is None and compression == "XLI":
        chunks = [xli_chunk(values) for values in stored_in_xli(signals).values()]
        content = b"".join(chunks) + xli_chunk([0] * n_times)  # a channel that is not used
    elif content is None:
        content = np.array(list(signals.values())).astype("<i2").tobytes()
    data = base64.encodebytes(content).decode()
    compressed = compression == "XLI"
    if version == "1.03":
        kind, size = "SierraECG", "signalresolution"
        attributes = f'compressflag="{compressed}" compressmethod="XLI" nbitspersample="16"'
    else:
        kind, size = "PhilipsECG", "resolution"
        attributes = (
            f'numberofleads="{len(signals)}" leadlabels="{" ".join(signals)}" '
            f'samplespersecond="{rate}" resolution="{resolution}" signaloffset="0" '
            'signalsigned="True" bitspersample="16"'
        )
        attributes += f' compression="{compression}"' * (compression != "none")
    return f"""<?xml version="1.0" encoding="utf-16"?>
<restingecgdata xmlns="http://www3.medical.philips.com"><documentinfo>
<documenttype>{kind}</documenttype><documentversion>{version}</documentversion></documentinfo>
<dataacquisition date="2025-01-02" time="03:04:05"><signalcharacteristics>
<samplingrate>{rate}</samplingrate><{size}>{resolution}</{size}>
<acquisitiontype>STD-12</acquisitiontype><bitspersample>16</bitspersample>
<signaloffset>0</signaloffset><signalsigned>True</signalsigned>
<numberchannelsallocated>{len(signals)}</numberchannelsallocated></signalcharacteristics>
</dataacquisition><patient><generalpatientdata><patientid>P17</patientid><name>
<lastname>Someone</lastname></name><age><years>63</years></age><sex>Female</sex>
</generalpatientdata></patient><waveforms><parsedwaveforms dataencoding="Base64"
durationperchannel="{duration:g}" {attributes}>
{data}</parsedwaveforms></waveforms></restingecgdata>"""


# --------------------------------------------------------------------------------------------------
# SCP-ECG
# --------------------------------------------------------------------------------------------------

SCP_CODES = {"I": 1, "II": 2, "V1": 3, "V6": 8, "V7": 9, "III": 61, "aVR": 62, "-aVR": 65}


def crc_ccitt(content):
    """Return the checksum, bit for bit, of the polynomial x^16 + x^12 + x^5 + 1."""
    register = 0xFFFF
    for byte in content:
        register ^= byte << 8
        for _ in range(8):
            register = (register << 1) ^ (0x1021 if register & 0x8000 else 0)
        register &= 0xFFFF
    return register


def huffman(values):
    """Return values in the default codes of the standard, the most significant bit first."""
    codes = {0: "0"}
    for size in range(1, 9):
        codes[size], codes[-size] = "1" * size + "00", "1" * size + "01"
    bits = ""
    for value in values:
        if value in codes:
            bits += codes[value]
        elif -128 <= value < 128:
            bits += "1111111110" + f"{value & 0xFF:08b}"
        else:
            bits += "1111111111" + f"{value & 0xFFFF:016b}"
    bits += "0" * (-len(bits) % 16)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def differences(samples, order):
    """Return the first samples, and then first or second differences."""
    if order == 0:
        return list(samples)
    if order == 1:
        return [samples[0], *(b - a for a, b in zip(samples, samples[1:]))]
    return [*samples[:2], *(c - 2 * b + a for a, b, c in zip(samples, samples[1:], samples[2:]))]


def scp(
    signals,
    *,
    order=0,
    coded=False,
    amplitude=2500,
    interval=2000,
    bimodal=0,
    flags=None,
    ranges=None,
    codes=None,
    fields=None,
    change=None,
):
    """Return an SCP-ECG file; `change` edits the contents of the sections before checksums."""
    n_times = len(next(iter(signals.values())))
    flags = 4 | len(signals) << 3 if flags is None else flags
    ranges = ranges or [(1, n_times)] * len(signals)
    codes = codes or [SCP_CODES[lead] for lead in signals]
    encode = huffman if coded else lambda values: struct.pack(f"<{len(values)}h", *values)
    parts = [encode(differences(list(map(int, one)), order)) for one in signals.values()]
    leads = [struct.pack("<IIB", *where, code) for where, code in zip(ranges, codes)]
    if fields is None:
        fields = {
            0: b"Someone\0",
            2: b"P17\0",
            4: struct.pack("<HB", 63, 1),
            8: b"\2",
            25: struct.pack("<HBB", 2025, 1, 2),
            26: bytes([3, 4, 5]),
        }
    header = b"".join(struct.pack("<BH", tag, len(one)) + one for tag, one in fields.items())
    sections = {
        1: header + b"\xff\0\0",
        3: bytes([len(signals), flags]) + b"".join(leads),
        6: struct.pack("<HHBB", amplitude, interval, order, bimodal)
        + struct.pack(f"<{len(parts)}H", *map(len, parts))
        + b"".join(parts),
    }
    if coded:
        sections[2] = struct.pack("<H", 19999)
    if change:
        change(sections)
    start, pointers, contents = 7 + 16 + 120, b"", b""
    for number in range(12):
        content = sections.get(number, b"")
        size = 16 + len(content) if number in sections else 0
        pointers += (
            struct.pack("<HII", 0, 136, 7)
            if number == 0
            else struct.pack("<HII", number, size, start if size else 0)
        )
        if size:
            contents += _section(number, content)
            start += size
    content = _section(0, pointers, b"SCPECG") + contents
    content = struct.pack("<I", 6 + len(content)) + content
    return struct.pack("<H", crc_ccitt(content)) + content


def _section(number, content, reserved=bytes(6)):
    content = struct.pack("<HIBB", number, 16 + len(content), 20, 20) + reserved + content
    return struct.pack("<H", crc_ccitt(content)) + content

"""Tests of `load_records` on Philips XML and SCP-ECG, which encoders of the tests write."""

import struct

import numpy as np
import pytest
from _resting_file_writers import (
    crc_ccitt,
    huffman,
    lzw,
    philips,
    scp,
    stored_in_xli,
    twelve_leads,
    xli_chunk,
)

from sklearn_ecg.datasets import RecordError, load_records
from sklearn_ecg.datasets._hospital_files import file_source

TWELVE = twelve_leads()
XLI = b"".join(xli_chunk(values) for values in stored_in_xli(TWELVE).values())
LEADS = ["I", "II", "V1"]
STEPS = {
    "I": [0, 100, -200, 32767, -32768, 8],
    "II": [5, -6, 7, -8, 127, -128],
    "V1": [1, 9, -9, -1, 0, 0],
}
VALUES = np.array(list(STEPS.values()), dtype=float)
# Differences of these fit into 16 bits.
SMALL = {lead: [value // 4 for value in values] for lead, values in STEPS.items()}


def assert_refused(path, field, match, **options):
    with pytest.raises(RecordError, match=match) as found:
        load_records([path], **options)
    assert found.value.field == field


def read(path):
    """Return the signals of a file, without what is done to them."""
    source = file_source(["scp_ecg", "philips_xml"], None)
    return source.read(str(path.parent), path.name)[0].signals


# --------------------------------------------------------------------------------------------------
# Philips XML
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.03", "1.04", "1.04.01", "1.04.02"])
@pytest.mark.parametrize("compression", ["XLI", "none"])
@pytest.mark.parametrize("resolution, rate", [("5", 500), ("1.25", 1000)])
def test_philips_keeps_values(tmp_path, version, compression, resolution, rate):
    signals = twelve_leads(1, n_times=700, scale=9)
    options = {"version": version, "resolution": resolution, "rate": rate}
    text = philips(signals, compression=compression, **options)
    (tmp_path / "a.xml").write_text(text, encoding="utf-16")
    bunch = load_records(tmp_path)
    expected = np.array(list(signals.values())) * float(resolution) / 1000
    np.testing.assert_allclose(bunch.data[0], expected, rtol=1e-6, atol=1e-9)
    assert bunch.sampling_rate == rate
    assert bunch.report.loc[0, "reason"] == ""
    row = bunch.metadata.loc[0, ["format", "patient_id", "sex", "age", "recorded"]]
    assert row.tolist() == ["Philips XML", "P17", "Female", "63 years", "2025-01-02 03:04:05"]
    assert "Someone" not in str(bunch.comments)


def test_xli_of_known_bytes(tmp_path):
    # Codes of 10 bits of the bytes 0, 0, 1 (the code of two zeros is new), 5, 66, then the end.
    codes = [0, 256, 1, 5, 66, 1023]
    bits = "".join(f"{code:010b}" for code in codes) + "0" * 4
    expected = bytes(int(bits[i : i + 8], 2) for i in range(0, 64, 8))
    assert lzw(bytes([0, 0, 0, 1, 5, 66])) == expected
    # Samples 1, 5, and 2 * 5 - 1 - (-3) = 12.
    assert xli_chunk([1, 5, 12])[:8] == struct.pack("<iHh", len(expected), 1, -3)


def test_lzw_table_becomes_full(tmp_path):
    signals = twelve_leads(2, n_times=2000, scale=2000)
    signals = {lead: values % 8000 for lead, values in signals.items()}
    one, two = signals["I"] // 2, signals["II"] // 2
    three = two - one
    signals.update(
        I=one,
        II=two,
        III=three,
        aVR=-((one + two) // 2),
        aVL=(one - three) // 2,
        aVF=(two + three) // 2,
    )
    (tmp_path / "a.xml").write_text(philips(signals), encoding="utf-16")
    expected = np.array(list(signals.values())) * 0.005
    np.testing.assert_allclose(load_records(tmp_path).data[0], expected, rtol=1e-6, atol=1e-9)


def test_xli_without_end_code(tmp_path):
    chunks = [xli_chunk(values, end=False) for values in stored_in_xli(TWELVE).values()]
    (tmp_path / "a.xml").write_text(philips(TWELVE, content=b"".join(chunks)), encoding="utf-16")
    expected = np.array(list(TWELVE.values())) * 0.005
    np.testing.assert_allclose(load_records(tmp_path).data[0], expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("compression", ["XLI", "none"])
def test_calibration_pulse_is_noted(tmp_path, compression):
    signals = {lead: values.copy() for lead, values in TWELVE.items()}
    for values in signals.values():
        values[30:] = 200
    (tmp_path / "a.xml").write_text(philips(signals, compression=compression), encoding="utf-16")
    bunch = load_records(tmp_path)
    np.testing.assert_allclose(bunch.data[0, :, 30:], 1, rtol=1e-6)
    assert "III is not II - I at 10 time points, the first at 0.06 s" in bunch.report.reason[0]


def with_chunk(position, chunk):
    chunks = [xli_chunk(values) for values in stored_in_xli(TWELVE).values()]
    chunks[position] = chunk
    return b"".join(chunks)


def header(codes):
    return struct.pack("<iHh", len(codes), 1, 0) + codes


BROKEN = {lead: values + 50 * (lead == "III") for lead, values in TWELVE.items()}
SHORT = dict(zip(TWELVE, [values[:39] for values in TWELVE.values()]))
TEXT = philips(TWELVE)


@pytest.mark.parametrize(
    "text, field, match",
    [
        ("<restingecgdata/>", "format", "'' of the version ''"),
        (TEXT.replace(">1.04<", ">1.05<"), "format", "'1.05'"),
        (TEXT.replace("PhilipsECG", "Other"), "format", "'Other'"),
        (TEXT.replace("parsedwaveforms", "unparsedwaveforms"), "format", "0 sets of waveforms"),
        (TEXT.replace("Base64", "Plain"), "format", "encoding 'Plain'"),
        (TEXT.replace('"XLI"', '"LZ4"'), "format", "compression is 'LZ4'"),
        (TEXT.replace('signaloffset="0"', 'signaloffset="9"'), "format", "signaloffset='9'"),
        (TEXT.replace("<signalsigned>True", "<signalsigned>False"), "format", "'False'"),
        (TEXT.replace('bitspersample="16"', 'bitspersample="32"'), "format", "'32'"),
        (TEXT.replace("<resolution>5", "<resolution>10"), "units", "resolution is 5 and 10"),
        (philips(TWELVE, resolution="0"), "units", "0 uV"),
        (philips(TWELVE, resolution="nan"), "units", "not a number"),
        (philips(TWELVE, version="1.03", resolution=""), "units", "missing"),
        (TEXT.replace("<samplingrate>500", "<samplingrate>250"), "sampling rate", "250 and 500"),
        (TEXT.replace('channel="80"', 'channel="81"'), "length", "81 ms"),
        (TEXT.replace('channel="80"', 'channel="82"'), "length", "80 instead of 82"),
        (TEXT.replace('channel="80"', 'channel="78"'), "length", "more than 78"),
        (TEXT.replace('channel="80"', 'channel="8e10"'), "length", "at most"),
        (TEXT.replace('channel="80"', 'channel="1e308"'), "length", "1e\\+308 ms"),
        (TEXT.replace('channel="80"', 'channel="-80"'), "length", "-80 ms"),
        (TEXT.replace('leads="12"', 'leads="11"'), "leads", "12 labels"),
        (TEXT.replace("V5 V6", "V5 V5"), "leads", "same name"),
        (TEXT.replace("I II III", "II I III"), "format", "start with II, I"),
        (philips(TWELVE, version="1.03").replace("STD-12", "XYZ"), "format", "'XYZ'"),
        (TEXT.replace("</parsed", "%</parsed"), "content", "not Base64"),
        (philips(TWELVE, content=XLI[:-4]), "length", "end within channel 12"),
        (philips(TWELVE, content=XLI + b"\0\0"), "length", "end within channel 13"),
        (philips(TWELVE, content=xli_chunk([0] * 40)), "content", "1 channels instead of 12"),
        (
            philips(TWELVE, content=with_chunk(7, header(struct.pack(">I", 300 << 22)))),
            "content",
            "channel 8 has the code 300",
        ),
        (
            philips(TWELVE, content=with_chunk(7, header(b"\xff\xff\xff\xff"))),
            "content",
            "goes on behind its end",
        ),
        (
            philips(TWELVE, content=with_chunk(7, header(lzw(b"\x7f" * 40 + b"\xff" * 40)))),
            "content",
            "channel 8 has values beyond 16 bits",
        ),
        (philips(TWELVE, content=XLI, compression="none"), "length", "bytes instead of 960"),
        (philips(BROKEN), "format", "do not follow from I and II"),
        (philips(BROKEN, compression="none"), "format", "do not follow from I and II"),
        (
            philips(
                TWELVE,
                compression="none",
                content=np.array(list(TWELVE.values())).T.astype("<i2").tobytes(),
            ),
            "format",
            "do not follow from I and II",
        ),
    ],
)
def test_bad_philips_is_refused(tmp_path, text, field, match):
    (tmp_path / "a.xml").write_text(text, encoding="utf-16")
    assert_refused(tmp_path / "a.xml", field, match)


def test_expansion_of_lzw_is_bounded(tmp_path):
    # The codes are 1,000 bytes of 300,000 zeros.
    bomb = header(lzw(bytes(300_000)))
    text = philips(TWELVE, content=with_chunk(0, bomb))
    (tmp_path / "a.xml").write_text(text, encoding="utf-16")
    assert_refused(tmp_path / "a.xml", "length", "channel 1 has more than 80 bytes")


# --------------------------------------------------------------------------------------------------
# SCP-ECG
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("coded", [False, True])
def test_scp_keeps_values(tmp_path, order, coded):
    signals = STEPS if order == 0 else SMALL
    content = scp(signals, order=order, coded=coded, amplitude=4880, interval=4000)
    (tmp_path / "a.scp").write_bytes(content)
    bunch = load_records(tmp_path, leads=LEADS)
    expected = np.array(list(signals.values())) * 4880e-6
    np.testing.assert_allclose(bunch.data[0], expected, rtol=1e-6)
    assert bunch.sampling_rate == 250
    assert bunch.report.loc[0, "units"] == "nV"
    row = bunch.metadata.loc[0, ["format", "patient_id", "sex", "age", "recorded"]]
    assert row.tolist() == ["SCP-ECG", "P17", "female", "63 years", "2025-01-02 03:04:05"]
    assert "Someone" not in str(bunch.comments)


def test_known_codes_and_checksum(tmp_path):
    # The check value of CRC-CCITT, and the codes of 0, 1, -1, 2, -8, 9 and 200.
    assert crc_ccitt(b"123456789") == 0x29B1
    bits = "01001011100111111110111111111100000100111111111110000000011001000"
    content = huffman([0, 1, -1, 2, -8, 9, 200])
    assert f"{int.from_bytes(content, 'big'):0{8 * len(content)}b}".startswith(bits)


def test_scp_by_its_start(tmp_path):
    """A file is found by its name in a folder, and recognized by its start in a list."""
    (tmp_path / "export.bin").write_bytes(scp(STEPS))
    data = load_records([tmp_path / "export.bin"], leads=LEADS).data
    np.testing.assert_allclose(data[0], VALUES * 2500e-6, rtol=1e-6)


def test_scp_that_starts_as_xml(tmp_path):
    content = scp({"I": [1, 2, 3]}, amplitude=86)
    assert content[:1] == b"<"  # of the checksum
    (tmp_path / "a.scp").write_bytes(content)
    data = load_records([tmp_path / "a.scp"], leads=["I"]).data
    np.testing.assert_allclose(data[0], np.array([[1, 2, 3]]) * 86 * 1e-6, rtol=1e-6)


def test_scp_leads_and_derivation(tmp_path):
    signals = {"I": [1, 2, 3], "II": [5, 5, 5], "V7": [1, 0, 0], "-aVR": [7, 7, 7]}
    (tmp_path / "a.scp").write_bytes(scp(signals, codes=[1, 2, 9, 31]))
    bunch = load_records(tmp_path, leads=["II", "III", "V7"], missing_leads="derive")
    expected = np.array([[5, 5, 5], [4, 3, 2], [1, 0, 0]]) * 2.5e-3
    np.testing.assert_allclose(bunch.data[0], expected, rtol=1e-6)
    # A calibration of lead I, code 31, is not lead I.
    (tmp_path / "a.scp").write_bytes(scp(signals, codes=[31, 2, 9, 65]))
    assert_refused(tmp_path / "a.scp", "leads", "I missing", leads=["I"])
    data = load_records(tmp_path, leads=["aVR"], lead_aliases={"-aVR": "-aVR"}).data
    np.testing.assert_allclose(data[0], [[-17.5e-3] * 3], rtol=1e-6)


@pytest.mark.parametrize(
    "fields, expected",
    [
        ({}, [None, None, None, None]),
        ({2: b"", 4: b"\0\0\0", 8: b"\0"}, [None, None, None, None]),
        ({2: b"Z\xfcrich\0", 4: b"\3\0\2", 8: b"\1"}, ["Zürich", "male", "3 months", None]),
        ({2: "P17".encode("utf-16-le"), 8: b"\x09"}, [None, None, None, None]),
        ({25: bytes(4), 26: bytes(3)}, [None, None, None, None]),
        ({25: struct.pack("<HBB", 2025, 1, 2), 8: b""}, [None, None, None, "2025-01-02"]),
    ],
)
def test_fields_of_scp(tmp_path, fields, expected):
    (tmp_path / "a.scp").write_bytes(scp(STEPS, fields=fields))
    bunch = load_records(tmp_path, leads=LEADS)
    assert bunch.metadata.loc[0, ["patient_id", "sex", "age", "recorded"]].tolist() == expected
    if fields.get(2, b"").count(b"\0") > 1:
        assert "patient number not read" in bunch.report.loc[0, "reason"]


def test_reference_beats_are_noted(tmp_path):
    (tmp_path / "a.scp").write_bytes(scp(STEPS, change=lambda sections: sections.update({5: b""})))
    assert "reference beats not read" in load_records(tmp_path, leads=LEADS).report["reason"][0]


def drop(number):
    return lambda sections: sections.pop(number)


def put(number, content):
    return lambda sections: sections.update({number: content})


def cut(number, size):
    return lambda sections: sections.update({number: sections[number][:size]})


def grow(number, n_bytes):
    return lambda sections: sections.update({number: sections[number] + bytes(n_bytes)})


@pytest.mark.parametrize(
    "options, field, match",
    [
        ({"bimodal": 1}, "format", "bimodal"),
        ({"flags": 0b11101}, "format", "reference beats were subtracted"),
        ({"flags": 0b10000}, "format", "one after the other"),
        ({"ranges": [(1, 6), (1, 6), (7, 12)]}, "format", "differ in start or length"),
        ({"ranges": [(0, 5)] * 3}, "length", "samples 0 to 5"),
        ({"ranges": [(1, 7)] * 3}, "length", "I has 12 bytes instead of 14"),
        ({"ranges": [(1, 5)] * 3}, "length", "I has 12 bytes instead of 10"),
        ({"ranges": [(1, 2**32 - 1)] * 3}, "length", "at most"),
        ({"ranges": [(1, 2**20)] * 3, "coded": True}, "length", "for 1048576 values"),
        ({"ranges": [(1, 60)] * 3, "coded": True}, "length", "ends after .* of 60"),
        ({"ranges": [(1, 2)] * 3, "coded": True}, "length", "bits behind its 2 values"),
        ({"codes": [1, 1, 3]}, "leads", "same name"),
        ({"amplitude": 0}, "units", "0 nV"),
        ({"interval": 0}, "sampling rate", "0 us"),
        ({"change": drop(6)}, "format", "section 6"),
        ({"change": drop(3)}, "leads", "section 3"),
        ({"change": put(3, b"\0\0")}, "leads", "no leads"),
        ({"change": cut(3, 12)}, "length", "shorter than its header"),
        ({"change": cut(6, 8)}, "length", "shorter than its header"),
        ({"change": cut(6, -2)}, "length", "has 34 bytes, but the leads have 36"),
        ({"change": grow(6, 2)}, "length", "has 38 bytes, but the leads have 36"),
        ({"change": put(2, struct.pack("<H", 1) + bytes(9))}, "format", "tables of its own"),
        ({"change": put(1, b"\2\xff\0P17")}, "header", "field 2 of section 1"),
        ({"change": put(1, b"\2\xff")}, "length", "shorter than its header"),
    ],
)
def test_bad_scp_is_refused(tmp_path, options, field, match):
    (tmp_path / "a.scp").write_bytes(scp(STEPS, **options))
    assert_refused(tmp_path / "a.scp", field, match, leads=LEADS)


def test_differences_beyond_16_bits_are_refused(tmp_path):
    signals = {"I": [30000, 30000, 0], "II": [0, 0, 0]}
    content = scp(signals, order=1, change=lambda s: s.update({6: raise_values(s[6])}))
    (tmp_path / "a.scp").write_bytes(content)
    assert_refused(tmp_path / "a.scp", "content", "I has values beyond 16 bits", leads=["I"])


def raise_values(section):
    """Replace the second difference of the first lead by 30000."""
    return section[:12] + struct.pack("<h", 30000) + section[14:]


def test_checksums_of_scp_are_compared(tmp_path):
    content = bytearray(scp(STEPS))
    content[-1] ^= 1
    (tmp_path / "a.scp").write_bytes(content)
    assert_refused(tmp_path / "a.scp", "content", "checksum of the file is", leads=LEADS)
    # The checksum of the file is right, that of its last section is not.
    content[:2] = struct.pack("<H", crc_ccitt(bytes(content[2:])))
    (tmp_path / "a.scp").write_bytes(content)
    assert_refused(tmp_path / "a.scp", "content", "checksum of section 6 is", leads=LEADS)


def test_bytes_behind_scp_are_refused(tmp_path):
    (tmp_path / "a.scp").write_bytes(scp(STEPS) + b"\0")
    assert_refused(tmp_path / "a.scp", "length", "but states", leads=LEADS)


# --------------------------------------------------------------------------------------------------
# Damage
# --------------------------------------------------------------------------------------------------


def test_truncations_and_every_flip_of_scp_are_refused(tmp_path):
    content, path = scp(SMALL, order=2, coded=True), tmp_path / "a.scp"
    damaged = [content[:size] for size in range(0, len(content), 5)]
    for position in range(len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 1 << position % 8
        damaged.append(flipped)
    for one in damaged:
        path.write_bytes(one)
        with pytest.raises(RecordError):
            read(path)


def test_damage_with_right_checksums_is_an_error_of_the_record(tmp_path):
    """Headers that contradict each other give no other exception than a RecordError."""
    rng, path = np.random.default_rng(0), tmp_path / "a.scp"

    def damage(sections):
        for _ in range(rng.integers(1, 4)):
            number = rng.choice(list(sections))
            content = bytearray(sections[number])
            content[rng.integers(min(len(content), 40))] = rng.integers(256)
            sections[number] = bytes(content)

    n_failed = 0
    for i in range(200):
        path.write_bytes(scp(SMALL, order=i % 3, coded=bool(i % 2), change=damage))
        try:
            signals = read(path)
        except RecordError:
            n_failed += 1
        else:
            assert np.isfinite(signals).all()
    assert 50 < n_failed < 200


def test_damage_of_philips_is_an_error_of_the_record(tmp_path):
    """Prefixes are refused; a flipped byte gives a RecordError, or signals of the same shape."""
    path = tmp_path / "a.xml"
    content = TEXT.replace("utf-16", "utf-8").encode()
    path.write_bytes(content)
    expected = read(path)
    for size in range(0, len(content), 41):
        path.write_bytes(content[:size])
        with pytest.raises(RecordError):
            read(path)
    rng, n_failed = np.random.default_rng(0), 0
    for position in rng.choice(len(content), size=150, replace=False):
        flipped = bytearray(content)
        flipped[position] ^= 1 << rng.integers(7)
        path.write_bytes(flipped)
        try:
            signals = read(path)
        except RecordError:
            n_failed += 1
        else:
            assert np.shape(signals) == np.shape(expected)
    assert n_failed > 75

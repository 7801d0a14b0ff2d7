"""Tests of `load_records`, on files that the tests write."""

import os
import re

import numpy as np
import pytest
from _file_writers import aecg, dicom, muse, write_csv, write_dicom, write_edf

from sklearn_ecg import LazyRecords
from sklearn_ecg.datasets import RecordError, load_records, make_ecg

LEADS = ["I", "II", "V1"]
STEPS = {"I": [0, 100, -200, 32767], "II": [5, -6, 7, -32768], "V1": [1, 2, 3, 4]}
VALUES = np.array(list(STEPS.values()), dtype=float)


def load_one(path, leads=LEADS, **options):
    return load_records([path], leads=leads, **options)


def assert_refused(path, field, match, **options):
    with pytest.raises(RecordError, match=match) as found:
        load_one(path, **options)
    assert found.value.field == field


@pytest.fixture(scope="module")
def ecg():
    """Return signals in mV of two seconds at 250 Hz, by lead."""
    data = make_ecg(1, duration=2, sampling_rate=250, random_state=0)
    return dict(zip(data.lead_names, data.data[0].astype(float)))


def keep(signals, leads):
    return {lead: signals[lead] for lead in leads}


# --------------------------------------------------------------------------------------------------
# Every format gives its values in mV
# --------------------------------------------------------------------------------------------------


def test_lazy_records(tmp_path, ecg):
    write_csv(tmp_path / "a.csv", ecg)
    bunch = load_records(tmp_path, lazy=True, cache=tmp_path / "cache")
    assert isinstance(bunch.data, LazyRecords)
    np.testing.assert_array_equal(bunch.data, load_records([tmp_path / "a.csv"]).data)


@pytest.mark.parametrize("unit, factor", [("mV", 1), ("uV", 1000), ("V", 0.001)])
def test_csv_keeps_values(tmp_path, ecg, unit, factor):
    signals = {lead: values * factor for lead, values in ecg.items()}
    write_csv(tmp_path / "a.csv", signals, unit=unit)
    bunch = load_records(tmp_path)
    assert bunch.data.dtype == np.float32
    np.testing.assert_allclose(bunch.data[0], list(ecg.values()), rtol=1e-6, atol=1e-9)
    assert bunch.sampling_rate == 250
    assert bunch.report.loc[0, "units"] == unit


@pytest.mark.parametrize("plus", [True, False])
@pytest.mark.parametrize("unit, factor", [("mV", 1), ("uV", 1000)])
def test_edf_is_exact_within_quantization(tmp_path, ecg, plus, unit, factor):
    signals = {f"ECG {lead}": values * factor for lead, values in ecg.items()}
    write_edf(tmp_path / "a.edf", signals, unit=unit, largest=5 * factor, plus=plus)
    bunch = load_records(tmp_path)
    step = 10 / 65535
    # The writer cuts values down to a step instead of rounding them.
    np.testing.assert_allclose(bunch.data[0], list(ecg.values()), atol=1.001 * step, rtol=1e-6)
    assert bunch.sampling_rate == 250
    assert bunch.metadata.loc[0, "format"] == ("EDF+" if plus else "EDF")
    assert bunch.metadata.loc[0, "patient_id"] == ("P17" if plus else None)


def test_edf_scales_steps(tmp_path):
    write_edf(tmp_path / "a.edf", STEPS, rates=4, unit="uV", largest=100, digital=True)
    data = load_one(tmp_path / "a.edf").data[0]
    np.testing.assert_allclose(data, (-100 + (VALUES + 32768) * 200 / 65535) / 1000, rtol=1e-6)


def test_hl7_aecg_adds_origin_to_scaled_digits(tmp_path):
    (tmp_path / "a.xml").write_text(aecg(STEPS, scale="2.5", origin="100"), encoding="utf-8")
    bunch = load_records(tmp_path, leads=LEADS)
    np.testing.assert_allclose(bunch.data[0], (100 + 2.5 * VALUES) / 1000, rtol=1e-6)
    assert bunch.sampling_rate == 500
    assert "representative beats not read" in bunch.report.loc[0, "reason"]


@pytest.mark.parametrize("rate, exponent, found", [("500", "0", 500), ("25", "1", 250)])
def test_muse_scales_rhythm(tmp_path, rate, exponent, found):
    (tmp_path / "a.xml").write_text(muse(STEPS, rate=rate, exponent=exponent))
    bunch = load_records(tmp_path, leads=LEADS)
    np.testing.assert_allclose(bunch.data[0], 4.88 * VALUES / 1000, rtol=1e-6)
    assert bunch.sampling_rate == found
    assert "waveform Median not read" in bunch.report.loc[0, "reason"]


def swap_bytes(dataset):
    """Make a DICOM dataset big-endian."""
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.2"
    for group in dataset.WaveformSequence:
        group.WaveformData = np.frombuffer(group.WaveformData, "<i2").byteswap().tobytes()


def test_dicom_applies_sensitivity_correction_and_baseline(tmp_path):
    write_dicom(tmp_path / "IM0001", STEPS)
    bunch = load_records(tmp_path, leads=LEADS)
    np.testing.assert_allclose(bunch.data[0], (5 * VALUES + 10) / 1000, rtol=1e-6)
    assert bunch.sampling_rate == 500
    assert "derived waveforms" in bunch.report.loc[0, "reason"]


def test_inverted_lead_of_dicom(tmp_path):
    """The code of a lead decides, not its meaning in words."""

    def set_code(dataset):
        source = dataset.WaveformSequence[0].ChannelDefinitionSequence[0].ChannelSourceSequence[0]
        source.CodeValue, source.CodeMeaning = "2:65", "aVR (inverted)"

    write_dicom(tmp_path / "a.dcm", STEPS, change=set_code)
    assert_refused(tmp_path / "a.dcm", "leads", "aVR missing", leads=["aVR"])
    aliases = {"-aVR": "-aVR"}
    data = load_one(tmp_path / "a.dcm", leads=["aVR"], lead_aliases=aliases).data[0]
    np.testing.assert_allclose(data, -(5 * VALUES[:1] + 10) / 1000, rtol=1e-6)


@pytest.mark.parametrize("order", ["little", "big"])
def test_padding_of_dicom_is_missing(tmp_path, order):
    padding = (-(2**15)).to_bytes(2, order, signed=True)
    change = swap_bytes if order == "big" else None
    write_dicom(tmp_path / "a.dcm", STEPS, group={"WaveformPaddingValue": padding}, change=change)
    assert_refused(tmp_path / "a.dcm", "missing values", "1 of 4 in II")
    data = load_one(tmp_path / "a.dcm", missing_values="nan").data
    assert np.argwhere(np.isnan(data)).tolist() == [[0, 1, 3]]
    is_known = ~np.isnan(data[0])
    np.testing.assert_allclose(data[0][is_known], (5 * VALUES + 10)[is_known] / 1000, rtol=1e-6)


def test_headers_keep_no_names(tmp_path):
    write_dicom(tmp_path / "a.dcm", STEPS)
    (tmp_path / "b.xml").write_text(muse(STEPS))
    (tmp_path / "c.xml").write_text(aecg(STEPS))
    write_edf(tmp_path / "d.edf", {lead: np.zeros(500) for lead in LEADS}, rates=500)
    bunch = load_records(tmp_path, leads=LEADS, duration=1, shorter="pad")
    assert bunch.metadata["format"].tolist() == ["DICOM", "MUSE XML", "HL7 aECG", "EDF+"]
    assert bunch.metadata["patient_id"].tolist() == ["P17"] * 4
    assert bunch.metadata["age"].tolist() == ["063Y", "63 years", None, None]
    assert bunch.metadata["sex"].tolist()[:3] == ["F", "FEMALE", "F"]
    assert bunch.metadata["recorded"].tolist()[:3] == [
        "20250102030405",
        "01-02-2025 03:04:05",
        "20250102030405",
    ]
    assert bunch.groups.tolist() == [0, 1, 2, 3]
    assert "Someone" not in bunch.metadata.to_string() + str(bunch.comments)


# --------------------------------------------------------------------------------------------------
# The policies of load_wfdb
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [write_csv, write_edf])
def test_leads_are_renamed(tmp_path, ecg, write):
    names = {"Electrode 1": ecg["I"], "-aVR": -ecg["aVR"]}
    write(tmp_path / ("a.csv" if write is write_csv else "a.edf"), names)
    aliases = {"electrode 1": "I", "-aVR": "-aVR"}
    bunch = load_records(tmp_path, leads=["I", "aVR"], lead_aliases=aliases)
    np.testing.assert_allclose(bunch.data[0], [ecg["I"], ecg["aVR"]], atol=2e-4)
    assert "Electrode 1" in bunch.report.loc[0, "reason"]
    with pytest.raises(ValueError, match="no record has .*'D9'"):
        load_records(tmp_path, leads=["I"], lead_aliases={**aliases, "D9": "V1"})


def test_limb_leads_are_derived(tmp_path, ecg):
    write_csv(tmp_path / "a.csv", keep(ecg, ["I", "II"]))
    assert_refused(tmp_path / "a.csv", "leads", "III missing", leads=["I", "III"])
    data = load_one(tmp_path / "a.csv", leads=["III", "aVR"], missing_leads="derive").data[0]
    np.testing.assert_allclose(data[0], ecg["II"] - ecg["I"], atol=1e-6)
    np.testing.assert_allclose(data[1], -(ecg["I"] + ecg["II"]) / 2, atol=1e-6)


def test_rates_and_lengths_are_brought_together(tmp_path, ecg):
    leads = ["I", "II"]
    write_csv(tmp_path / "a.csv", keep(ecg, leads))
    # Also a channel of another rate, which is not loaded.
    signals = {**keep(ecg, leads), "Resp": np.zeros(20)}
    write_edf(tmp_path / "b.edf", signals, rates={"I": 250, "II": 250, "Resp": 10})
    with pytest.raises(RecordError, match=r"c.xml.*500 Hz, but record a.csv has 250 Hz"):
        (tmp_path / "c.xml").write_text(muse({lead: [0] * 1000 for lead in leads}))
        load_records(tmp_path, leads=leads)
    bunch = load_records(
        tmp_path, leads=leads, resample_to=100, duration=1, longer="windows", as_frame=True
    )
    assert bunch.data.shape == (6, 2)
    assert bunch.report["rows"].tolist() == [2, 2, 2]
    assert bunch.metadata["start"].tolist() == [0, 1] * 3
    assert bunch.metadata.index.equals(bunch.data.index)


def test_cache_and_processes_give_the_same(tmp_path, ecg):
    folder = tmp_path / "records"
    folder.mkdir()
    write_csv(folder / "a.csv", keep(ecg, LEADS), time=None)
    write_edf(folder / "b.edf", keep(ecg, LEADS))
    options = {"leads": LEADS, "sampling_rate": 250, "cache": tmp_path / "cache"}
    first, second = load_records(folder, **options), load_records(folder, **options)
    np.testing.assert_array_equal(first.data, second.data)
    assert first.report.equals(second.report)
    assert first.metadata.equals(second.metadata)
    with pytest.raises(RecordError, match="250 Hz, but record a.csv has 500 Hz"):
        load_records(folder, **{**options, "sampling_rate": 500})
    write_csv(folder / "a.csv", {lead: ecg[lead] + 1 for lead in LEADS}, time=None)
    third = load_records(folder, **options)
    np.testing.assert_allclose(third.data[0], first.data[0] + 1, atol=1e-6)


def test_folder_reports_every_file(tmp_path, ecg):
    write_csv(tmp_path / "a.csv", keep(ecg, LEADS))
    (tmp_path / "b.bdf").write_bytes(b"\xffBIOSEMI" + bytes(300))
    (tmp_path / "c.mwf").write_bytes(b"@  " + bytes(300))
    (tmp_path / "d.hea").write_text("d 1 250 10\n")
    (tmp_path / "e.xml").write_text("<CardiologyXML/>")
    (tmp_path / "f.ecg").write_bytes(b"ISHNE1.0" + bytes(300))
    (tmp_path / "notes.txt").write_text("ask the ward")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    with pytest.warns(UserWarning, match=r"5 of 6 records were left out.*format 5"):
        bunch = load_records(tmp_path, leads=LEADS, on_error="skip")
    report = bunch.report.set_index("record")
    assert report["status"].to_dict() == {
        "a.csv": "loaded",
        "b.bdf": "failed",
        "c.mwf": "failed",
        "d.hea": "failed",
        "e.xml": "failed",
        "f.ecg": "failed",
        "notes.txt": "other file",
        ".DS_Store": "hidden",
    }
    for name, kind in {
        "b.bdf": "BDF",
        "c.mwf": "MFER",
        "d.hea": "load_wfdb",
        "e.xml": "CardioSoft XML",
        "f.ecg": "ISHNE",
    }.items():
        assert kind in report.loc[name, "reason"]
    with pytest.raises(RecordError, match="b.bdf"):
        load_records(tmp_path, leads=LEADS)


# --------------------------------------------------------------------------------------------------
# Damaged and hostile files
# --------------------------------------------------------------------------------------------------

BOMB = '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;">]><AnnotatedECG>&y;</AnnotatedECG>'
EXTERNAL = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><RestingECG>&x;</RestingECG>'
PARAMETER = '<!DOCTYPE a [<!ENTITY % x SYSTEM "x.dtd"> %x;]><RestingECG/>'
OF_DTD = '<!DOCTYPE a SYSTEM "a.dtd"><RestingECG>&x;</RestingECG>'
UNEQUAL = {**STEPS, "V1": [1, 2, 3]}


def delay_muse(tag):
    """Return a MUSE document in which V1 starts later than I and II."""
    lead = "<LeadID>V1</LeadID>"
    return muse(STEPS).replace(lead, f"{lead}<{tag}>2500</{tag}>")


@pytest.mark.parametrize(
    "text, field, match",
    [
        (BOMB, "content", "DOCTYPE has declarations"),
        (EXTERNAL, "content", "DOCTYPE has declarations"),
        (PARAMETER, "content", "DOCTYPE has declarations"),
        (OF_DTD, "content", "declares or uses an entity"),
        ("<RestingECG>&x;</RestingECG>", "content", "not well-formed"),
        ("<a>" * 100 + "</a>" * 100, "content", "more than 64 inside each other"),
        ('<?xml version="1.0" encoding="nonsense"?><a/>', "content", "not well-formed"),
        ("<html></html>", "format", "root element 'html'"),
        (aecg(STEPS)[:1200], "content", "not well-formed"),
        (aecg(STEPS, scale="nan"), "header", "scale of MDC_ECG_LEAD_I"),
        (aecg(STEPS, scale="0"), "units", "has the scale 0"),
        (aecg(STEPS, origin="1", origin_unit="mV"), "units", "origin 1 'mV'"),
        (aecg(STEPS, unit="mmHg", origin_unit="mmHg"), "units", "'mmHg', which is not a voltage"),
        (aecg(UNEQUAL), "length", "has 4 values, but MDC_ECG_LEAD_V1 has 3"),
        (aecg({**STEPS, "V1": ["1", "x"]}), "content", "not all numbers"),
        (aecg({**STEPS, "V1": []}), "content", "no digits"),
        (aecg(STEPS).replace('unit="s"', 'unit="h"'), "sampling rate", "0.002 'h'"),
        (aecg(STEPS).replace("TIME_ABSOLUTE", "X"), "content", "0 sequences of times"),
        (aecg(STEPS).replace("RHYTHM", "REPRESENTATIVE_BEAT"), "format", "0 rhythm series"),
        (aecg({"I": [1]}), "leads", "II, V1 missing"),
        (muse(STEPS)[:1500], "content", "not well-formed"),
        (muse(STEPS, gain="0"), "header", "LeadAmplitudeUnitsPerBit=0"),
        (muse(STEPS, gain=""), "header", "not a number"),
        (muse(STEPS, unit="PIXELS"), "units", "'PIXELS', which is not a voltage"),
        (muse(UNEQUAL), "length", "I has 4 values, but V1 has 3"),
        (muse(STEPS, rate="0"), "sampling rate", "0 Hz"),
        (muse(STEPS, exponent="400"), "sampling rate", "SampleExponent is 400"),
        (muse(STEPS).replace("CountTotal>4<", "CountTotal>5<"), "length", "SampleCountTotal=5"),
        (muse(STEPS).replace("</WaveFormData>", "%</WaveFormData>"), "content", "not Base64"),
        (muse(STEPS).replace("Rhythm", "Other"), "format", "0 rhythm waveforms"),
        (delay_muse("LeadTimeOffset"), "format", r"different LeadTimeOffset \(I 0 and V1 2500\)"),
        (delay_muse("LeadOffsetFirstSample"), "format", "leads have to be simultaneous"),
    ],
)
def test_bad_xml_is_refused(tmp_path, text, field, match):
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    assert_refused(tmp_path / "a.xml", field, match)


def test_lead_off_of_muse_is_noted(tmp_path):
    text = muse(STEPS).replace("<LeadID>V1</LeadID>", "<LeadID>V1</LeadID><LeadOff>TRUE</LeadOff>")
    text = text.replace("<LeadID>II</LeadID>", "<LeadID>II</LeadID><LeadOff>FALSE</LeadOff>")
    (tmp_path / "a.xml").write_text(text)
    reason = load_one(tmp_path / "a.xml").report.loc[0, "reason"]
    assert "V1: LeadOff is true: the electrode was off" in reason and "II: LeadOff" not in reason


def test_checksums_of_muse_are_compared(tmp_path):
    (tmp_path / "a.xml").write_text(muse(STEPS, wrong_crc=["II"]))
    assert "checksum of II differs" in load_records(tmp_path, leads=LEADS).report["reason"][0]
    (tmp_path / "a.xml").write_text(muse(STEPS, wrong_crc=LEADS))
    with pytest.warns(UserWarning, match="all checksums differ"):
        load_records(tmp_path, leads=LEADS)


@pytest.mark.parametrize("size", [100, 250, 700, 1500, -1])
def test_truncated_edf_is_refused(tmp_path, ecg, size):
    path = tmp_path / "a.edf"
    write_edf(path, keep(ecg, LEADS))
    path.write_bytes(path.read_bytes()[:size])
    assert_refused(path, "content", "pyedflib cannot read it")
    with pytest.raises(ValueError, match="None of 1 records was loaded: 1 failed"):
        load_one(path, on_error="skip")


def change_edf(path, field, width, texts):
    """Overwrite a field of all channels; `field` is its position in the header of three."""
    content = bytearray(path.read_bytes())
    # Annotations of EDF+ are a channel, too.
    n_signals = int(content[252:256])
    start = 256 + field * n_signals
    for i, text in enumerate(texts):
        content[start + i * width : start + (i + 1) * width] = text.ljust(width).encode()
    path.write_bytes(bytes(content))


def test_wrong_scale_of_edf_is_refused(tmp_path, ecg):
    path = tmp_path / "a.edf"
    write_edf(path, keep(ecg, LEADS), plus=False)
    change_edf(path, 104, 8, ["5", "5", "5"])  # physical minimum, as the maximum
    assert_refused(path, "content", "pyedflib cannot read it")


def test_unit_and_gaps_of_edf_are_refused(tmp_path, ecg):
    path = tmp_path / "a.edf"
    write_edf(path, keep(ecg, LEADS), unit="mmHg")
    assert_refused(path, "units", "'mmHg', which is not a voltage")
    content = path.read_bytes()
    path.write_bytes(content[:192] + b"EDF+D" + content[197:])
    assert_refused(path, "format", r"EDF\+D")


def set_class(dataset):
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"


def add_later_group(dataset):
    later = dicom(STEPS).WaveformSequence[0]
    later.MultiplexGroupTimeOffset = "2500"
    dataset.WaveformSequence.append(later)


def drop_recorded_group(dataset):
    del dataset.WaveformSequence[0]


def drop_unit(dataset):
    for channel in dataset.WaveformSequence[0].ChannelDefinitionSequence:
        del channel.ChannelSensitivity


@pytest.mark.parametrize(
    "options, field, match",
    [
        ({"change": set_class}, "format", "CT Image Storage, not an ECG"),
        ({"change": add_later_group}, "format", "2 groups of leads that differ"),
        ({"change": drop_recorded_group}, "format", "no waveform that was recorded"),
        ({"change": drop_unit}, "units", "'no unit', which is not a voltage"),
        ({"channel": {"ChannelSensitivity": "0"}}, "units", "sensitivity 0"),
        ({"channel": {"ChannelSampleSkew": "3"}}, "format", "skew of 3"),
        ({"group": {"WaveformSampleInterpretation": "MB"}}, "format", "companded, 'MB'"),
        ({"group": {"NumberOfWaveformSamples": 5}}, "length", "24 bytes instead of 30"),
        ({"group": {"NumberOfWaveformSamples": 2**31}}, "length", "at most"),
        ({"rate": 0}, "sampling rate", "0 Hz"),
    ],
)
def test_bad_dicom_is_refused(tmp_path, options, field, match):
    write_dicom(tmp_path / "a.dcm", STEPS, **options)
    assert_refused(tmp_path / "a.dcm", field, match)


def test_damaged_and_deflated_dicom_is_refused(tmp_path):
    path = tmp_path / "a.dcm"
    dataset = dicom(STEPS)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    dataset.save_as(path, enforce_file_format=True)
    assert_refused(path, "format", "deflated")
    write_dicom(path, STEPS)
    content = path.read_bytes()
    for size in (140, 300, len(content) // 2):
        path.write_bytes(content[:size])
        with pytest.raises(RecordError):
            load_one(path)


@pytest.mark.parametrize(
    "text, field, match",
    [
        ("", "file", "empty"),
        ("time,I,II,V1\n", "length", "no row"),
        ("time,I (mV),II (mV),V1 (mV)\n0,1,2,3\n0.01,1,2,x\n", "content", "row 3 has 'x'"),
        ("time,I (mV),II (mV),V1 (mV)\n0,1,2,3\n0.01,1,2,inf\n", "content", "'inf'"),
        ("time,I (mV),II (mV),V1 (mV)\n0,1,2,3\n.01,1,2,\n", "missing values", "1 of 2 in V1"),
        ("time,I (mV),II (mV),V1 (mV)\n0,1,2\n.01,1,2,3,4\n", "file", "5 cells"),
        ("time,I,II,V1\n0,1,2,3\n.01,1,2,3\n", "units", "'no unit'"),
        ("I (mV),II (mV),V1 (mV)\n1,2,3\n", "sampling rate", "no column of times"),
        ("time,I (mV)\n0,1\n.01,1\n.03,1\n.04,2\n", "sampling rate", "not evenly spaced"),
        ("time,I (mV)\n1,1\n0,1\n", "sampling rate", "not evenly spaced"),
        ("time,I (mV)\n0,1\n", "sampling rate", "only one"),
        ("t,I (mV)\n0,1\n1,1\n2,1\n", "sampling rate", "in s, its times are those of 1 Hz"),
        ("ms,t (us),I (mV)\n0,0,1\n1,1,1\n2,2,1\n", "sampling rate", "in us.* of 1e.06 Hz"),
        ("time,t,I (mV)\n0,0,1\n", "header", "two columns of times"),
        ("time,I (mV),II (mV)\n0,1,2\n.01,1,2\n", "leads", "V1 missing"),
        ("time;I;II;V1\n0;1;2;3\n", "file", "separated by ';'"),
    ],
)
def test_bad_csv_is_refused(tmp_path, text, field, match):
    (tmp_path / "a.csv").write_text(text)
    assert_refused(tmp_path / "a.csv", field, match)


@pytest.mark.parametrize("columns", ["I (mV)", "I (mV),II (mV)"])
def test_empty_lines_of_csv_are_missing_values(tmp_path, columns):
    n_leads = len(columns.split(","))
    rows = [",".join([f"0.{row}"] * n_leads) for row in range(1, 7)]
    path = tmp_path / "a.csv"
    path.write_text("\n\n" + "\n".join([columns, *rows[:3], "", *rows[3:], "", "", ""]))
    options = {"leads": ["I", "II"][:n_leads], "sampling_rate": 100}
    assert_refused(path, "missing values", "1 of 7 in I", **options)
    data = load_one(path, missing_values="interpolate", **options).data[0]
    np.testing.assert_allclose(data[0], [0.1, 0.2, 0.3, 0.35, 0.4, 0.5, 0.6], rtol=1e-6)


@pytest.mark.parametrize("rate", [250, 360, 128, 333.25])
@pytest.mark.parametrize("name, factor", [("time", 1), ("Time [ms]", 1000), ("t_us", 1e6)])
def test_rate_of_rounded_times(tmp_path, rate, name, factor):
    # Times in s with three decimals are rounded for all rates but 250 Hz.
    times = np.round(np.arange(3000) / rate, 3) * factor
    rows = [f"{name},I (mV)", *(f"{time:.10g},0.5" for time in times)]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    bunch = load_records(tmp_path, leads=["I"])
    assert bunch.sampling_rate == pytest.approx(rate, rel=1e-4 if rate % 1 else 1e-12)
    with pytest.raises(RecordError, match=f"but sampling_rate is {2 * rate:g} Hz"):
        load_records(tmp_path, leads=["I"], sampling_rate=2 * rate)


def test_pipes_and_links_outside_are_not_opened(tmp_path, ecg):
    folder = tmp_path / "records"
    folder.mkdir()
    write_csv(folder / "a.csv", keep(ecg, LEADS))
    write_csv(tmp_path / "secret.csv", keep(ecg, LEADS))
    os.mkfifo(folder / "b.edf")
    (folder / "c.csv").symlink_to(tmp_path / "secret.csv")
    os.mkfifo(folder / "d")
    with pytest.warns(UserWarning, match="2 of 3 records were left out"):
        report = load_records(folder, leads=LEADS, on_error="skip").report
    assert report["status"].tolist() == ["loaded", "failed", "failed", "other file"]
    assert "named pipe" in report.loc[1, "reason"]
    assert "link to a file outside" in report.loc[2, "reason"]


def test_random_damage_is_an_error_of_the_record(tmp_path, ecg):
    """No flipped byte gives another exception than a RecordError."""
    rng = np.random.default_rng(0)
    write_edf(tmp_path / "a.edf", keep(ecg, LEADS))
    write_dicom(tmp_path / "a.dcm", STEPS)
    (tmp_path / "a.xml").write_text(muse(STEPS))
    (tmp_path / "b.xml").write_text(aecg(STEPS))
    for path in sorted(tmp_path.iterdir()):
        content = path.read_bytes()
        n_failed = 0
        for _ in range(30):
            damaged = bytearray(content)
            for position in rng.integers(0, min(len(content), 2000), size=5):
                damaged[position] = rng.integers(256)
            path.write_bytes(damaged)
            try:
                load_one(path)
            except RecordError:
                n_failed += 1
        assert n_failed


# --------------------------------------------------------------------------------------------------
# Arguments
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, error, match",
    [
        ({"formats": "edf"}, TypeError, "formats must be a list"),
        ({"formats": ["pdf"]}, ValueError, r"formats=\['pdf'\]"),
        ({"formats": []}, ValueError, r"formats=\[\]"),
        ({"sampling_rate": -1}, ValueError, "sampling_rate=-1"),
        ({"sampling_rate": True}, ValueError, "sampling_rate=True"),
        ({"on_error": "ignore"}, ValueError, "on_error='ignore'"),
    ],
)
def test_bad_arguments(tmp_path, options, error, match):
    with pytest.raises(error, match=match):
        load_records(tmp_path, **options)


def test_folders_and_lists_without_records(tmp_path):
    with pytest.raises(FileNotFoundError, match="has no files of records"):
        load_records(tmp_path)
    with pytest.raises(FileNotFoundError, match="it does not exist"):
        load_records(tmp_path / "absent")
    with pytest.raises(ValueError, match="list of files is empty"):
        load_records([])
    with pytest.raises(TypeError, match="folder_or_records must be"):
        load_records(3)
    (tmp_path / "a.csv").write_text("I\n1\n")
    with pytest.raises(FileNotFoundError, match=re.escape("pass a list: [")):
        load_records(tmp_path / "a.csv")
    with pytest.raises(ValueError, match="twice"):
        load_records([tmp_path / "a.csv", tmp_path / "a.csv"])
    assert_refused(tmp_path / "b.csv", "file", "cannot be read")


def test_formats_restrict_what_is_read(tmp_path, ecg):
    write_csv(tmp_path / "a.csv", keep(ecg, LEADS))
    assert_refused(tmp_path / "a.csv", "format", "'csv', which is not in formats", formats=["edf"])
    assert len(load_one(tmp_path / "a.csv", formats=["csv"]).data) == 1


@pytest.mark.parametrize("module, name", [("pydicom", "a.dcm"), ("pyedflib", "a.edf")])
def test_missing_library_is_named(tmp_path, ecg, monkeypatch, module, name):
    write_edf(tmp_path / "a.edf", keep(ecg, LEADS))
    write_dicom(tmp_path / "a.dcm", STEPS)
    monkeypatch.setitem(__import__("sys").modules, module, None)
    assert_refused(tmp_path / name, "format", rf"requires {module}.*sklearn_ecg\[files\]")

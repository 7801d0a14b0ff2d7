"""Tests of load_wfdb on records that the tests write."""

import os
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import resample_poly

from sklearn_ecg import LazyRecords, derive_leads, is_lead_frame, to_lead_array
from sklearn_ecg.datasets import RecordError, load_wfdb
from sklearn_ecg.leads import STANDARD_LEADS

LIMB = STANDARD_LEADS[:6]

# The message of this warning has a test of its own.
pytestmark = pytest.mark.filterwarnings("ignore:.* records were left out, because:UserWarning")


def digits(seed, n_channels=2, n_times=500):
    return np.random.default_rng(seed).integers(-2000, 2000, (n_channels, n_times))


# --------------------------------------------------------------------------------------------------
# Results
# --------------------------------------------------------------------------------------------------


def test_bunch(tmp_path, write_wfdb):
    for number in (10, 2, 1):
        write_wfdb(tmp_path, f"sub/r{number}", digits(number, 12), STANDARD_LEADS, comments=["a"])
    bunch = load_wfdb(tmp_path)
    assert bunch.data.shape == (3, 12, 500)
    assert bunch.data.dtype == np.float32 and bunch.data.flags.c_contiguous
    expected = np.stack([digits(number, 12) for number in (1, 2, 10)]) / 1000
    assert_array_equal(bunch.data, expected.astype(np.float32))
    assert bunch.lead_names == list(STANDARD_LEADS)
    assert bunch.sampling_rate == 250 and isinstance(bunch.sampling_rate, int)
    assert_array_equal(bunch.groups, [0, 1, 2])
    assert bunch.metadata["record"].tolist() == ["sub/r1", "sub/r2", "sub/r10"]
    assert bunch.metadata["start"].tolist() == [0, 0, 0]
    assert bunch.comments == {name: ["a"] for name in bunch.metadata["record"]}
    assert list(bunch.report) == [
        "record",
        "status",
        "reason",
        "shape",
        "sampling_rate",
        "units",
        "rows",
    ]
    assert bunch.report.iloc[2].to_dict() == {
        "record": "sub/r10",
        "status": "loaded",
        "reason": "",
        "shape": (12, 500),
        "sampling_rate": 250,
        "units": "mV",
        "rows": 1,
    }
    assert "3 rows from 3 of 3 records" in bunch.DESCR


def test_list_of_records(tmp_path, write_wfdb, monkeypatch):
    for name in "ab":
        write_wfdb(tmp_path, name, digits(ord(name)), ["I", "II"])
    by_path = load_wfdb([tmp_path / "b.hea", str(tmp_path / "a")], leads=["I", "II"])
    assert_allclose(by_path.data, np.stack([digits(98), digits(97)]) / 1000, rtol=1e-6)
    assert by_path.report["record"].tolist() == [str(tmp_path / "b"), str(tmp_path / "a")]
    monkeypatch.chdir(tmp_path)
    by_name = load_wfdb(["b", "a"], leads=["I", "II"], cache="cache")
    assert_array_equal(by_name.data, by_path.data)
    assert_array_equal(load_wfdb(["b", "a"], leads=["I", "II"], cache="cache").data, by_path.data)


def test_as_frame(tmp_path, write_wfdb):
    write_wfdb(tmp_path, "a", digits(0), ["I", "II"])
    array = load_wfdb(tmp_path, leads=["II", "i"])
    bunch = load_wfdb(tmp_path, leads=["II", "i"], as_frame=True)
    assert is_lead_frame(bunch.data)
    assert list(bunch.data.columns) == ["II", "I"]
    assert bunch.data.index.tolist() == bunch.metadata.index.tolist() == ["a"]
    assert bunch.data.attrs == {"sampling_rate": 250, "units": "mV"}
    assert_array_equal(to_lead_array(bunch.data), array.data)


def test_lazy_records_of_the_cache(tmp_path, write_wfdb):
    for name in "ab":
        write_wfdb(tmp_path, name, digits(ord(name)), ["I", "II"])
    options = {"leads": ["II", "i"], "cache": tmp_path / "cache"}
    expected = load_wfdb(tmp_path, leads=["II", "i"])
    for _ in range(2):
        bunch = load_wfdb(tmp_path, lazy=True, **options)
        assert isinstance(bunch.data, LazyRecords)
        assert bunch.data.lead_names == ("II", "I")
        assert bunch.data.attrs == {"sampling_rate": 250, "units": "mV"}
        assert_array_equal(bunch.data, expected.data, strict=True)
    assert_array_equal(bunch.groups, expected.groups)
    with pytest.raises(ValueError, match="lazy=True requires a cache"):
        load_wfdb(tmp_path, leads=["II"], lazy=True)
    with pytest.raises(ValueError, match="lazy=True and as_frame=True exclude each other"):
        load_wfdb(tmp_path, lazy=True, as_frame=True, **options)


def test_several_processes_load_the_same(tmp_path, write_wfdb):
    for number in range(5):
        write_wfdb(tmp_path, f"r{number}", digits(number), ["I", "II"])
    (tmp_path / "r3.dat").unlink()
    one, two = (
        load_wfdb(tmp_path, leads=["II"], on_error="skip", n_jobs=n_jobs) for n_jobs in (1, 2)
    )
    assert_array_equal(one.data, two.data)
    assert one.report.equals(two.report)
    with pytest.raises(RecordError, match="Record r3, signal file: r3.dat is missing"):
        load_wfdb(tmp_path, leads=["II"], n_jobs=2)


# --------------------------------------------------------------------------------------------------
# Leads
# --------------------------------------------------------------------------------------------------


def spell(lead, rng):
    """Return one of the spellings of a lead in files."""
    spellings = [lead, lead.upper(), lead.lower(), f"Lead {lead}", f"MDC_ECG_LEAD_{lead}"]
    if lead in ("I", "II", "III"):
        spellings += [f"ML{lead}", f"D{lead}", f"lead_{lead.lower()}"]
    if lead[0] == "V":
        spellings += [f"V {lead[1]}", f"v-{lead[1]}", f"MV{lead[1]}"]
    return spellings[rng.integers(len(spellings))]


GAINS = [("1000/mV", 1e-3), ("1/uV", 1e-3), ("200(10)/mV", None), ("1000000/V", 1e-3)]
GAINS += [("4.88/µV", 1e-3 / 4.88), ("1000", 1e-3), ("2(-7)/uv", None), ("1000/mv", 1e-3)]


@pytest.mark.parametrize("n_segments", [1, 2])
@pytest.mark.parametrize("seed", range(40))
def test_permuted_renamed_and_missing_leads(tmp_path, write_wfdb, seed, n_segments):
    """The array is the same, or the error names the lead that is missing or there twice."""
    rng = np.random.default_rng(seed)
    truth, dropped, doubled = [], {}, {}
    for number in range(3):
        order = rng.permutation(12)
        names = [spell(STANDARD_LEADS[i], rng) for i in order]
        values = rng.integers(-3000, 3000, (12, 40))
        gains = [GAINS[rng.integers(len(GAINS))] for _ in range(12)]
        channels = values[order].copy()
        if rng.random() < 0.25:  # a lead is missing, or only its inverse exists
            lost = rng.integers(12)
            dropped[f"r{number}"] = STANDARD_LEADS[order[lost]]
            names[lost] = rng.choice([f"-{names[lost].strip()}", "RESP", "I-II", f"−{names[lost]}"])
        elif rng.random() < 0.2:  # a lead has two channels
            twice = rng.integers(12)
            names.append(spell(STANDARD_LEADS[order[twice]], rng))
            doubled[f"r{number}"] = STANDARD_LEADS[order[twice]]
            channels = np.vstack([channels, rng.integers(-9, 9, (1, 40))])
            gains.append(GAINS[0])
        gain_fields = [gain for gain, _ in gains]
        if n_segments == 1:
            write_wfdb(tmp_path, f"r{number}", channels, names, gains=gain_fields)
        else:
            for segment, part in enumerate(np.split(channels, 2, axis=1)):
                write_wfdb(tmp_path, f"r{number}_{segment}", part, names, gains=gain_fields)
            lines = [f"r{number}/2 {len(names)} 250 40", f"r{number}_0 20", f"r{number}_1 20"]
            (tmp_path / f"r{number}.hea").write_text("\n".join(lines) + "\n")
        physical = np.empty((12, 40))
        for i, (gain, factor) in zip(order, gains):
            if factor is None:
                per, offset, unit = re.match(r"(.*)\((.*)\)/(.*)", gain).groups()
                physical[i] = (values[i] - int(offset)) / float(per)
                physical[i] *= 1e-3 if unit == "uv" else 1
            else:
                physical[i] = values[i] * factor
        truth.append(physical)
    asked = rng.permutation(12)[: rng.integers(1, 13)]
    leads = [STANDARD_LEADS[i] for i in asked]
    bad = {name: lead for name, lead in {**dropped, **doubled}.items() if lead in leads}
    expected = [truth[n][asked] for n in range(3) if f"r{n}" not in bad]
    if bad:
        name = sorted(bad)[0]
        what = f"{bad[name]} missing" if name in dropped else f"both lead {bad[name]}"
        with pytest.raises(RecordError, match=f"Record {name}, leads: .*{what}"):
            load_wfdb(tmp_path, leads=leads)
    if not expected:
        with pytest.raises(ValueError, match="None of . records was loaded: 3 failed"):
            load_wfdb(tmp_path, leads=leads, on_error="skip")
        return
    bunch = load_wfdb(tmp_path, leads=leads, on_error="skip" if bad else "raise")
    assert bunch.report["status"].eq("segment").sum() == (6 if n_segments == 2 else 0)
    assert_allclose(bunch.data, expected, rtol=1e-6, atol=1e-9)
    report = bunch.report.set_index("record")
    assert (report.loc[list(bad), "status"] == "failed").all()
    assert (report["status"] == "loaded").sum() == len(expected)


@pytest.mark.parametrize("pair", ["I III", "aVR aVL", "II aVF", "I II"])
def test_any_two_limb_leads_give_the_other_four(tmp_path, write_wfdb, pair):
    first, second = pair.split()
    X, _ = derive_leads(digits(0)[np.newaxis].astype(float) * 2, ["I", "II"])
    channels = [LIMB.index(second), LIMB.index(first)]
    write_wfdb(tmp_path, "a", X[0, channels], [second, first])
    bunch = load_wfdb(tmp_path, leads=LIMB, missing_leads="derive")
    assert_allclose(bunch.data, X / 1000, atol=1e-6)
    missing = ", ".join(lead for lead in LIMB if lead not in (first, second))
    assert bunch.report.loc[0, "reason"] == f"{missing} derived"


@pytest.mark.parametrize(
    "channels, leads, message",
    [
        (["I", "V1"], ["II"], "II missing; the channels are I, V1; two limb leads are required"),
        (["I", "II"], ["V2", "III"], "V2, III missing; .*; V2 cannot be derived from other leads"),
    ],
)
def test_leads_that_cannot_be_derived(tmp_path, write_wfdb, channels, leads, message):
    write_wfdb(tmp_path, "a", digits(0), channels)
    with pytest.raises(RecordError, match=f"Record a, leads: {message}.*Pass other leads"):
        load_wfdb(tmp_path, leads=leads, missing_leads="derive")


def test_policies_for_missing_leads(tmp_path, write_wfdb):
    write_wfdb(tmp_path, "a", digits(0), ["I", "II"])
    write_wfdb(tmp_path, "b", digits(1), ["I", "V1"])
    with pytest.raises(RecordError) as info:
        load_wfdb(tmp_path, leads=["II", "I"])
    assert str(info.value) == (
        "Record b, leads: II missing; the channels are I, V1. Pass other leads, "
        "missing_leads='derive', 'drop_record' or 'nan', or on_error='skip'."
    )
    error = info.value
    assert (error.record, error.field) == ("b", "leads")
    dropped = load_wfdb(tmp_path, leads=["II", "I"], missing_leads="drop_record")
    assert dropped.report["status"].tolist() == ["loaded", "dropped"]
    assert dropped.report.loc[1, "reason"] == "leads: II missing; the channels are I, V1."
    assert dropped.data.shape == (1, 2, 500)
    empty = load_wfdb(tmp_path, leads=["II", "I"], missing_leads="nan")
    assert empty.data.shape == (2, 2, 500)
    assert np.isnan(empty.data[1, 0]).all() and np.isfinite(empty.data[1, 1]).all()
    assert empty.report.loc[1, "reason"] == "II missing, NaN"


# --------------------------------------------------------------------------------------------------
# Units, rates and missing values
# --------------------------------------------------------------------------------------------------


def test_units(tmp_path, write_wfdb):
    write_wfdb(tmp_path, "a", digits(0), ["I", "II"], gains=["100/NU", "1000/mV"])
    with pytest.raises(RecordError, match="Record a, units: lead I is in 'NU', which is not a"):
        load_wfdb(tmp_path, leads=["II", "I"])
    assert_allclose(load_wfdb(tmp_path, leads=["II"]).data[0, 0], digits(0)[1] / 1000, rtol=1e-6)
    assumed = load_wfdb(tmp_path, leads=["I"], assume_units="uV")
    assert_allclose(assumed.data[0, 0], digits(0)[0] / 100_000, rtol=1e-6)
    assert assumed.report.loc[0, "reason"] == "I assumed to be in uV"


def test_missing_units_and_gains_are_reported(tmp_path, write_wfdb):
    write_wfdb(tmp_path, "a", digits(0), ["I", "II"], gains=["0", "0/uV"])
    bunch = load_wfdb(tmp_path, leads=["I", "II"])
    assert_allclose(bunch.data[0], digits(0) / [[200], [200_000]], rtol=1e-6)
    assert bunch.report.loc[0, "reason"] == (
        "I: no unit, mV by WFDB's definition, not calibrated, 200 steps per unit by WFDB's "
        "definition; II: not calibrated, 200 steps per unit by WFDB's definition"
    )


def test_assume_units_overrides_the_default_unit(tmp_path, write_wfdb):
    write_wfdb(tmp_path, "a", digits(0), ["I", "II"], gains=["2", "2/mV"])
    bunch = load_wfdb(tmp_path, leads=["I", "II"], assume_units="uV")
    assert_allclose(bunch.data[0], digits(0) / [[2000], [2]], rtol=1e-6)
    assert bunch.report.loc[0, "reason"] == "I assumed to be in uV"


@pytest.mark.parametrize("fmt", ["16", "212"])
def test_a_signal_file_that_is_too_long(tmp_path, write_wfdb, fmt):
    write_wfdb(tmp_path, "a", 0 * digits(0), ["I", "II"])
    header = tmp_path / "a.hea"
    header.write_text(header.read_text().replace(".dat 16", f".dat {fmt}"))
    n_bytes = {"16": 2000, "212": 1500}[fmt]
    content = (tmp_path / "a.dat").read_bytes()
    (tmp_path / "a.dat").write_bytes(content[:n_bytes])
    assert load_wfdb(tmp_path, leads=["I"]).report.loc[0, "reason"] == ""
    (tmp_path / "a.dat").write_bytes(content[:n_bytes] + bytes(4))
    assert load_wfdb(tmp_path, leads=["I"]).report.loc[0, "reason"] == (
        f"a.dat has {n_bytes + 4} bytes, its header describes {n_bytes}: the rest was not read"
    )


def test_checksums(tmp_path, write_wfdb):
    write_wfdb(tmp_path, "a", digits(0), ["I", "II"])
    header, sums = tmp_path / "a.hea", [int(x) for x in digits(0).sum(axis=1) % 65536]
    text = header.read_text()

    def load(first, second):
        lines = text.splitlines()
        lines[1] = lines[1].replace("16 0 0 0 0", f"16 0 0 {first} 0")
        lines[2] = lines[2].replace("16 0 0 0 0", f"16 0 0 {second} 0")
        header.write_text("\n".join(lines))
        return load_wfdb(tmp_path, leads=["I"]).report.loc[0, "reason"]

    assert load(*sums) == load(sums[0] - 65536, 0) == ""
    assert load(sums[0], sums[1] + 1) == (
        "checksum of II differs from the header: the signal may be damaged"
    )


def test_warning_about_failed_records(lengths, write_wfdb):
    write_wfdb(lengths, "d", digits(0), ["I", "II"], rate=500)
    message = (
        r"3 of 4 records were left out, because they failed \(length 2, sampling rate 1\). "
        "The reasons are in report"
    )
    for _ in range(2):
        with pytest.warns(UserWarning, match=message) as caught:
            load_wfdb(lengths, leads=["I"], on_error="skip", cache=lengths / "cache")
        assert [warning.filename for warning in caught] == [__file__]


def test_letters_outside_ascii(tmp_path, write_wfdb):
    """Comments keep them, and U+0085 does not end a line."""
    write_wfdb(tmp_path, "a", digits(0), ["I\x85", "II"], comments=["Größe: 1\x85.80 m"])
    bunch = load_wfdb(tmp_path, leads=["II"])
    assert bunch.comments == {"a": ["Größe: 1\x85.80 m"]}


def test_record_error_is_public_by_name():
    assert RecordError.__module__ == "sklearn_ecg.datasets"


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_micro_sign(tmp_path, write_wfdb, encoding):
    """wfdb reads µV as V."""
    write_wfdb(tmp_path, "a", digits(0), ["I", "II"], gains="1/µV")
    header = tmp_path / "a.hea"
    header.write_bytes(header.read_text(encoding="utf-8").encode(encoding))
    assert_allclose(load_wfdb(tmp_path, leads=["I", "II"]).data[0], digits(0) / 1000, rtol=1e-6)


def test_rates(tmp_path, write_wfdb):
    write_wfdb(tmp_path, "a", digits(0), ["I", "II"], rate=250)
    write_wfdb(tmp_path, "b", digits(1, n_times=1000), ["I", "II"], rate=500)
    with pytest.raises(
        RecordError,
        match="Record b, sampling rate: it has 500 Hz, but record a has 250 Hz. Pass resample_to",
    ):
        load_wfdb(tmp_path, leads=["I", "II"])
    bunch = load_wfdb(tmp_path, leads=["I", "II"], resample_to=100)
    assert bunch.sampling_rate == 100 and bunch.data.shape == (2, 2, 200)
    low = resample_poly(digits(0)[0] / 1000, 2, 5, padtype="edge")
    assert_allclose(bunch.data[0, 0], low, rtol=1e-5, atol=1e-6)
    assert bunch.report["reason"].tolist() == [
        "resampled from 250 to 100 Hz",
        "resampled from 500 to 100 Hz",
    ]
    assert bunch.report["sampling_rate"].tolist() == [250, 500]


def test_channels_of_several_rates(tmp_path, write_wfdb):
    slow, fast = digits(0, 1, 300)[0], digits(1, 1, 1200)[0]
    write_wfdb(tmp_path, "a", [slow, fast], ["RESP", "II"], rate=62.5)
    bunch = load_wfdb(tmp_path, leads=["II"])
    assert bunch.sampling_rate == 250
    assert_allclose(bunch.data[0, 0], fast / 1000, rtol=1e-6)
    with pytest.raises(
        RecordError,
        match=r"Record a, sampling rate: its leads have different ones \(II "
        r"250 Hz, RESP 62.5 Hz\). Pass resample_to",
    ):
        load_wfdb(tmp_path, leads=["II", "RESP"])
    both = load_wfdb(tmp_path, leads=["II", "RESP"], resample_to=125)
    assert both.data.shape == (1, 2, 600)
    assert both.report.loc[0, "reason"] == "resampled from 62.5, 250 to 125 Hz"


def test_missing_values(tmp_path, write_wfdb):
    values = digits(0)
    values[1, 10:13] = -(2**15)  # WFDB's mark in format 16
    write_wfdb(tmp_path, "a", values, ["I", "II"])
    write_wfdb(tmp_path, "b", digits(1), ["I", "II"])
    assert len(load_wfdb(tmp_path, leads=["I"]).data) == 2
    with pytest.raises(RecordError, match="Record a, missing values: 3 of 500 in II. Pass missing"):
        load_wfdb(tmp_path, leads=["II"])
    kept = load_wfdb(tmp_path, leads=["II"], missing_values="nan")
    assert_array_equal(np.flatnonzero(np.isnan(kept.data[0, 0])), [10, 11, 12])
    assert kept.report.loc[0, "reason"] == "missing values, NaN: 3 of 500 in II"
    filled = load_wfdb(tmp_path, leads=["II"], missing_values="interpolate").data[0, 0]
    line = np.linspace(values[1, 9], values[1, 13], 5)[1:-1] / 1000
    assert_allclose(filled[10:13], line, rtol=1e-5, atol=1e-6)
    dropped = load_wfdb(tmp_path, leads=["II"], missing_values="drop_record")
    assert dropped.report["status"].tolist() == ["dropped", "loaded"]
    low = load_wfdb(tmp_path, leads=["II"], missing_values="nan", resample_to=125).data[0, 0]
    assert_array_equal(np.flatnonzero(np.isnan(low)), [5, 6])


def test_lead_without_values(tmp_path, write_wfdb):
    values = digits(0)
    values[1] = -(2**15)
    write_wfdb(tmp_path, "a", values, ["I", "II"])
    with pytest.raises(RecordError, match="II has no values to interpolate from"):
        load_wfdb(tmp_path, leads=["II"], missing_values="interpolate")
    bunch = load_wfdb(tmp_path, leads=["II"], missing_values="nan", resample_to=100)
    assert np.isnan(bunch.data).all() and bunch.data.shape == (1, 1, 200)


# --------------------------------------------------------------------------------------------------
# Length
# --------------------------------------------------------------------------------------------------


@pytest.fixture
def lengths(tmp_path, write_wfdb):
    """Records of 1 s, 2 s and 5.2 s."""
    for name, n_times in (("a", 250), ("b", 500), ("c", 1300)):
        write_wfdb(tmp_path, name, digits(ord(name), n_times=n_times), ["I", "II"])
    return tmp_path


def test_records_of_different_length(lengths):
    with pytest.raises(
        RecordError,
        match="Record b, length: it has 500 time points, but record a has 250. Pass duration",
    ):
        load_wfdb(lengths, leads=["I"])
    with pytest.raises(
        RecordError,
        match=r"Record a, length: it has 250 time points instead of "
        r"500 \(1 s at 250 Hz\). Pass shorter='pad'",
    ):
        load_wfdb(lengths, leads=["I"], duration=2)
    with pytest.raises(RecordError, match="Record b, length: .* Pass longer='crop_start', 'crop"):
        load_wfdb(lengths, leads=["I"], duration=1)
    with pytest.raises(RecordError) as info:
        load_wfdb(lengths, leads=["I"])
    assert "on_error" not in str(info.value)
    skipped = load_wfdb(lengths, leads=["I"], duration=2, on_error="skip")
    assert skipped.report["status"].tolist() == ["failed", "loaded", "failed"]


def test_crop_and_pad(lengths):
    options = {"leads": ["II"], "duration": 2, "shorter": "pad"}
    start = load_wfdb(lengths, longer="crop_start", **options)
    truth = [digits(ord(name), n_times=n)[1] / 1000 for name, n in (("a", 250), ("c", 1300))]
    assert_allclose(start.data[0, 0], np.pad(truth[0], (0, 250)), rtol=1e-6)
    assert_allclose(start.data[2, 0], truth[1][:500], rtol=1e-6)
    assert start.report["reason"].tolist() == [
        "padded with zeros from 250 to 500 time points",
        "",
        "cropped from 1300 to 500 time points",
    ]
    center = load_wfdb(lengths, longer="crop_center", **options)
    assert_allclose(center.data[2, 0], truth[1][400:900], rtol=1e-6)
    assert center.metadata["start"].tolist() == [0, 0, 1.6]


def test_windows(lengths):
    bunch = load_wfdb(lengths, leads=["I"], duration=2, longer="windows", shorter="drop_record")
    truth = digits(ord("c"), n_times=1300)[0] / 1000
    assert bunch.data.shape == (3, 1, 500)
    assert_allclose(bunch.data[1:, 0], truth[:1000].reshape(2, 500), rtol=1e-6)
    assert_array_equal(bunch.groups, [1, 2, 2])
    assert bunch.metadata["record"].tolist() == ["b", "c", "c"]
    assert bunch.metadata["start"].tolist() == [0, 0, 2]
    assert bunch.report["rows"].tolist() == [0, 1, 2]
    assert bunch.report.loc[2, "reason"] == "2 windows, 300 of 1300 time points left out"


def test_many_windows(tmp_path, write_wfdb):
    """The array grows when there are more rows than records."""
    write_wfdb(tmp_path, "a", digits(0, n_times=2500), ["I", "II"])
    write_wfdb(tmp_path, "b", digits(1, n_times=2500), ["I", "II"])
    bunch = load_wfdb(tmp_path, leads=["I"], duration=0.1, longer="windows")
    truth = np.concatenate([digits(0, n_times=2500)[0], digits(1, n_times=2500)[0]])
    assert_allclose(bunch.data.ravel(), truth / 1000, rtol=1e-6)


def test_missing_leads_stay_missing_in_padded_records(lengths):
    options = {"missing_leads": "nan", "duration": 2, "shorter": "pad", "longer": "windows"}
    bunch = load_wfdb(lengths, leads=["I", "V1"], **options)
    assert np.isnan(bunch.data[:, 1]).all() and np.isfinite(bunch.data[:, 0]).all()


# --------------------------------------------------------------------------------------------------
# Segments
# --------------------------------------------------------------------------------------------------


def write_segments(folder, write_wfdb, channels=(("I", "II"), ("I", "II")), gains=None):
    gains = gains or ["1000/mV", "1000/mV"]
    for number, names in enumerate(channels):
        write_wfdb(folder, f"m_{number}", digits(number), names, gains=gains[number])
    (folder / "m.hea").write_text("m/2 2 250 1000\nm_0 500\nm_1 500\n")


def test_segments_are_joined(tmp_path, write_wfdb):
    write_segments(tmp_path, write_wfdb)
    bunch = load_wfdb(tmp_path, leads=["II"])
    truth = np.concatenate([digits(0)[1], digits(1)[1]]) / 1000
    assert_allclose(bunch.data, truth[np.newaxis, np.newaxis], rtol=1e-6)
    assert bunch.report["status"].tolist() == ["loaded", "segment", "segment"]
    assert bunch.report.loc[1, "reason"] == "a part of m"
    alone = load_wfdb([tmp_path / "m_0", tmp_path / "m_1"], leads=["II"])
    assert alone.data.shape == (2, 1, 500)


def test_segments_that_differ(tmp_path, write_wfdb):
    write_segments(tmp_path, write_wfdb, channels=(("I", "II"), ("II", "I")))
    message = "Record m, leads: segment m_1 has the channels II, I, but segment m_0 has I, II"
    with pytest.raises(RecordError, match=message):
        load_wfdb(tmp_path, leads=["II"])
    write_segments(tmp_path, write_wfdb, gains=["1000/mV", "1/uV"])
    with pytest.raises(RecordError, match="Record m, units: segment m_1 has I in uV, an ear"):
        load_wfdb(tmp_path, leads=["II"])


def test_segments_of_another_rate_or_length(tmp_path, write_wfdb):
    """wfdb joins the former, and cuts the latter."""
    write_segments(tmp_path, write_wfdb)
    write_wfdb(tmp_path, "m_1", digits(1), ["I", "II"], rate=500)
    message = "Record m, sampling rate: segment m_1 has 500 Hz, but m.hea says 250 Hz. Load the seg"
    with pytest.raises(RecordError, match=message):
        load_wfdb(tmp_path, leads=["II"])
    for n_times in (400, 600):
        write_wfdb(tmp_path, "m_1", digits(1, n_times=n_times), ["I", "II"])
        message = f"Record m, length: segment m_1 has {n_times} time points, but m.hea says 500. L"
        with pytest.raises(RecordError, match=message):
            load_wfdb(tmp_path, leads=["II"])


@pytest.mark.parametrize("gain", ["1000/mV", "1/µV"])
def test_segments_of_a_variable_layout(tmp_path, write_wfdb, gain):
    write_segments(tmp_path, write_wfdb, (("I", "II"), ("II", "I")), gains=[gain, gain])
    (tmp_path / "m.hea").write_text("m/3 2 250 1000\nm_layout 0\nm_0 500\nm_1 500\n")
    lines = ["m_layout 2 250 0"] + [f"~ 0 {gain} 16 0 0 0 0 {lead}" for lead in ("I", "II")]
    (tmp_path / "m_layout.hea").write_text("\n".join(lines), encoding="utf-8")
    truth = np.concatenate([digits(0)[1], digits(1)[0]]) / 1000
    assert_allclose(load_wfdb([tmp_path / "m"], leads=["II"]).data[0, 0], truth, rtol=1e-6)
    header = tmp_path / "m_1.hea"
    header.write_text(header.read_text(encoding="utf-8").replace("0 II", "0 −II"), encoding="utf-8")
    with pytest.raises(
        RecordError, match="leads: segment .*m_1 has the channel '−II', and wfdb ign"
    ):
        load_wfdb([tmp_path / "m"], leads=["II"])


def test_a_missing_segment(tmp_path, write_wfdb):
    write_segments(tmp_path, write_wfdb)
    (tmp_path / "m_1.hea").unlink()
    with pytest.raises(RecordError, match="Record m, header: m_1.hea, the header of one of its"):
        load_wfdb(tmp_path, leads=["II"])


# --------------------------------------------------------------------------------------------------
# Damaged files and wrong parameters
# --------------------------------------------------------------------------------------------------


def damage_header(folder):
    (folder / "a.hea").write_text("a two 250 500\n")


def empty_header(folder):
    (folder / "a.hea").write_text("")


def truncate(folder):
    content = (folder / "a.dat").read_bytes()
    (folder / "a.dat").write_bytes(content[:-1])


def no_signals(folder):
    (folder / "a.hea").write_text("a 0 250 500\n")


def no_times(folder):
    text = (folder / "a.hea").read_text().replace(" 250 500", " 250 0")
    (folder / "a.hea").write_text(text)


def only_comments(folder):
    (folder / "a.hea").write_text("# a comment\n")


def fewer_lines(folder):
    lines = (folder / "a.hea").read_text().splitlines()
    (folder / "a.hea").write_text("\n".join(lines[:-1]) + "\n")


def more_lines(folder):
    (folder / "a.hea").write_text((folder / "a.hea").read_text().replace("a 2", "a 1"))


@pytest.mark.parametrize(
    "harm, message",
    [
        (damage_header, "header: a.hea cannot be read"),
        (empty_header, "header: a.hea cannot be read"),
        (only_comments, "header: a.hea cannot be read: it has no record line. Copy"),
        (fewer_lines, "header: a.hea declares 2 signals, but describes 1"),
        (more_lines, "header: a.hea declares 1 signals, but describes 2"),
        (truncate, "signal file: a.dat has 1999 bytes, but its header requires 2000: the"),
        (lambda folder: (folder / "a.dat").unlink(), "signal file: a.dat is missing. Copy"),
        (no_signals, "length: it has no signals"),
        (no_times, "length: its header says that it has no time points"),
    ],
)
def test_damaged_records(tmp_path, write_wfdb, harm, message):
    for name in "ab":
        write_wfdb(tmp_path, name, digits(0), ["I", "II"])
    harm(tmp_path)
    with pytest.raises(RecordError, match=f"Record a, {message}"):
        load_wfdb(tmp_path, leads=["I"])
    bunch = load_wfdb(tmp_path, leads=["I"], on_error="skip")
    assert bunch.report["status"].tolist() == ["failed", "loaded"]
    assert re.match(message.partition(". ")[0], bunch.report.loc[0, "reason"])
    assert bunch.data.shape == (1, 1, 500)


def test_signal_files_without_a_header_are_reported(tmp_path, write_wfdb):
    for name in ("a", "sub/b"):
        write_wfdb(tmp_path, name, digits(0), ["I", "II"])
    (tmp_path / "sub" / "b.hea").unlink()
    (tmp_path / "a.hea").write_text((tmp_path / "a.hea").read_text().replace("a.dat", "other.dat"))
    (tmp_path / "a.dat").rename(tmp_path / "other.dat")  # described by a header
    for cache in (None, tmp_path / "cache", tmp_path / "cache"):
        bunch = load_wfdb(tmp_path, leads=["I"], cache=cache)
        assert bunch.data.shape == (1, 1, 500)
        assert bunch.report["record"].tolist() == ["a", "sub/b.dat"]
        assert bunch.report["status"].tolist() == ["loaded", "no header"]


def test_extensions_in_upper_case_are_reported(tmp_path, write_wfdb):
    for name in "ab":
        write_wfdb(tmp_path, name, digits(0), ["I", "II"])
    (tmp_path / "b.hea").rename(tmp_path / "B.HEA")
    (tmp_path / "b.dat").rename(tmp_path / "B.DAT")
    report = load_wfdb(tmp_path, leads=["I"]).report
    assert report["record"].tolist() == ["a", "B.DAT", "B.HEA"]
    assert report["status"].tolist() == ["loaded", "no header", "no header"]
    assert report.loc[2, "reason"] == (
        "wfdb only finds headers that end in .hea in lower case: rename it"
    )
    (tmp_path / "a.hea").unlink()
    with pytest.raises(FileNotFoundError, match="there is no .hea file .* Rename B.HEA: the ext"):
        load_wfdb(tmp_path, leads=["I"])


def test_links_to_folders(tmp_path, write_wfdb):
    for name in ("here/x", "elsewhere/y"):
        write_wfdb(tmp_path, name, digits(0), ["I", "II"])
    try:
        (tmp_path / "here" / "other").symlink_to(tmp_path / "elsewhere")
        (tmp_path / "here" / "again").symlink_to(tmp_path / "elsewhere")
        (tmp_path / "here" / "round").symlink_to(tmp_path / "here")
    except OSError:
        pytest.skip("this system has no links")
    report = load_wfdb(tmp_path / "here", leads=["I"]).report
    assert report["record"].tolist() == ["again/y", "x"]


def test_a_folder_that_cannot_be_read(tmp_path, write_wfdb, monkeypatch):
    for name in ("a", "sub/b"):
        write_wfdb(tmp_path, name, digits(0), ["I", "II"])
    original = os.scandir

    def scandir(path):
        if "sub" in os.fspath(path):
            raise PermissionError(13, "Permission denied")
        return original(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(RecordError, match="folder: sub/ cannot be searched .Permission denied."):
        load_wfdb(tmp_path, leads=["I"])
    report = load_wfdb(tmp_path, leads=["I"], on_error="skip").report
    assert report["record"].tolist() == ["a", "sub/"]
    assert report["status"].tolist() == ["loaded", "failed"]


def test_segments_of_a_record_that_failed(tmp_path, write_wfdb):
    write_segments(tmp_path, write_wfdb, gains=["1000/mV", "1/uV"])
    write_wfdb(tmp_path, "a", digits(0), ["I", "II"])
    report = load_wfdb(tmp_path, leads=["II"], on_error="skip").report
    assert report["status"].tolist() == ["loaded", "failed", "segment", "segment"]
    assert (
        report.loc[2, "reason"]
        == "a part of m, which failed: to load it, pass it in a list of records"
    )
    options = {"leads": ["II"], "duration": 2, "longer": "drop_record"}
    write_segments(tmp_path, write_wfdb)
    report = load_wfdb(tmp_path, **options).report
    reason = "a part of m, which was dropped: to load it, pass it in a list of records"
    assert report.loc[2, "reason"] == reason


def test_record_twice_in_a_list(tmp_path, write_wfdb):
    write_wfdb(tmp_path, "a", digits(0), ["I", "II"])
    for other in (tmp_path / "a.hea", f"{tmp_path}/./a", tmp_path / "a.dat"):
        with pytest.raises(ValueError, match="The list of records has '.*a' twice .first as '.*a'"):
            load_wfdb([tmp_path / "a", other], leads=["I"])


@pytest.mark.parametrize("wrong", [None, 1, [1], [None]])
def test_not_a_list_of_records(wrong):
    with pytest.raises(TypeError, match="folder_or_records must be a folder, or a list of records"):
        load_wfdb(wrong)


def test_missing_record_in_a_list(tmp_path):
    with pytest.raises(RecordError, match="nowhere, header: .*nowhere.hea is missing"):
        load_wfdb([tmp_path / "nowhere"])


def test_folders(tmp_path, write_wfdb):
    with pytest.raises(FileNotFoundError, match="nowhere' is not a folder of WFDB records: it"):
        load_wfdb(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="has no WFDB records: there is no .hea"):
        load_wfdb(tmp_path)
    write_wfdb(tmp_path, "a", digits(0), ["I", "II"])
    for path in (tmp_path / "a", tmp_path / "a.hea"):
        with pytest.raises(FileNotFoundError, match="To load one record, pass a list"):
            load_wfdb(path)
    with pytest.raises(ValueError, match="The list of records is empty"):
        load_wfdb([])


@pytest.mark.parametrize(
    "kwargs, error, message",
    [
        ({"leads": "II"}, TypeError, "leads must be a list of lead names, got the str 'II'"),
        ({"leads": []}, ValueError, "leads is empty"),
        ({"leads": ["II", "MLII"]}, ValueError, "'II' and 'MLII' are both lead II"),
        ({"missing_leads": "drop"}, ValueError, "missing_leads='drop' is unknown. Pass one of 'ra"),
        ({"missing_values": 0}, ValueError, "missing_values=0 is unknown"),
        ({"longer": "crop"}, ValueError, "longer='crop' is unknown. .* 'crop_start', 'crop"),
        ({"shorter": "zero"}, ValueError, "shorter='zero' is unknown"),
        ({"on_error": "warn"}, ValueError, "on_error='warn' is unknown. Pass one of 'raise', 's"),
        ({"duration": 0}, ValueError, "duration=0 must be a positive number of seconds, or None"),
        ({"duration": "10"}, ValueError, "duration='10' must be a positive number of seconds"),
        ({"resample_to": -1}, ValueError, "resample_to=-1 must be a positive number of Hz"),
        ({"resample_to": np.inf}, ValueError, "resample_to=inf must be"),
        ({"assume_units": "bpm"}, ValueError, "assume_units='bpm' is not a voltage"),
        ({"longer": "windows"}, ValueError, "longer='windows' requires a length. Pass duration"),
        ({"shorter": "pad"}, ValueError, "shorter='pad' requires a length. Pass duration"),
    ],
)
def test_parameter_errors(tmp_path, write_wfdb, kwargs, error, message):
    write_wfdb(tmp_path, "a", digits(0), ["I", "II"])
    with pytest.raises(error, match=message):
        load_wfdb(tmp_path, **kwargs)


def test_no_record_loaded(tmp_path, write_wfdb):
    for number in range(5):
        write_wfdb(tmp_path, f"r{number}", digits(0), ["I", "II"])
    message = (
        "None of 5 records was loaded: 5 failed. r0 .leads: V1 missing; the channels are I, II.*"
        "and 2 more. Pass leads that the records have"
    )
    with pytest.raises(ValueError, match=message):
        load_wfdb(tmp_path, leads=["V1"], on_error="skip")


def test_record_errors_can_be_pickled():
    import pickle

    error = pickle.loads(pickle.dumps(RecordError("a", "units", "it is in bpm.", "Leave it out.")))
    assert str(error) == "Record a, units: it is in bpm. Leave it out."
    assert error.field == "units"


def test_progress_bar(tmp_path, write_wfdb, capsys):
    write_wfdb(tmp_path, "a", digits(0), ["I", "II"])
    load_wfdb(tmp_path, leads=["I"])
    assert capsys.readouterr().err == ""
    load_wfdb(tmp_path, leads=["I"], verbose=1)
    assert "1/1" in capsys.readouterr().err

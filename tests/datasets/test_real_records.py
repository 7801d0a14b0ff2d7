"""Tests that real records load with the values of wfdb, or are reported with a reason."""

import os
import re
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_ecg.datasets import RecordError, load_wfdb
from sklearn_ecg.datasets._records import list_records, millivolts_per_unit, wfdb
from sklearn_ecg.leads import STANDARD_LEADS

# The message of this warning has a test of its own.
pytestmark = pytest.mark.filterwarnings("ignore:.* records were left out, because:UserWarning")

# An order that no file has, so that no test passes by chance.
SHUFFLED = ("V3", "aVF", "II", "V6", "aVR", "V1", "I", "V5", "III", "V2", "aVL", "V4")


def rdrecord(folder, name):
    """Read each channel in mV at its own rate with wfdb, by name."""
    record = wfdb.rdrecord(os.path.join(folder, name), smooth_frames=False)
    return {
        channel: signal * millivolts_per_unit(unit)
        for channel, signal, unit in zip(record.sig_name, record.e_p_signal, record.units)
        if millivolts_per_unit(unit) is not None
    }


def assert_equals_wfdb(bunch, folder, names, rows):
    for name, row in zip(names, rows):
        truth = {channel.upper(): x for channel, x in rdrecord(folder, name).items()}
        for lead, signal in zip(bunch.lead_names, bunch.data[row]):
            np.testing.assert_array_equal(signal, truth[lead.upper()].astype(np.float32))


@pytest.mark.parametrize(
    "folder, count, n_times",
    [("ludb/data", 100, 5000), ("challenge2011/wfdb500_awkward", 35, 5000)],
)
def test_whole_databases(data_folder, folder, count, n_times):
    bunch = load_wfdb(data_folder / folder, leads=SHUFFLED)
    assert bunch.data.shape == (count, 12, n_times)
    assert (bunch.report["status"] == "loaded").all() and (bunch.report["reason"] == "").all()
    assert_equals_wfdb(bunch, data_folder / folder, bunch.metadata["record"], range(count))


def test_challenge2021(data_folder):
    """Records differ in length: each is read separately, and all of them as windows."""
    folder = data_folder / "challenge2021"
    names = list_records(folder)
    assert len(names) == 30
    for name in names:
        bunch = load_wfdb([folder / name], leads=SHUFFLED)
        assert_equals_wfdb(bunch, folder, [name], [0])
    windows = load_wfdb(folder, leads=SHUFFLED, duration=5, longer="windows")
    assert windows.report["rows"].tolist() == (windows.report["shape"].str[1] // 2500).tolist()
    whole = rdrecord(folder, "A0005")["V5"].astype(np.float32)
    rows = windows.data[windows.metadata["record"] == "A0005", SHUFFLED.index("V5")]
    np.testing.assert_array_equal(rows.ravel(), whole[: 5 * 2500])


@pytest.fixture(scope="module")
def ptbxl(data_folder):
    return load_wfdb(data_folder / "ptbxl" / "records100", leads=SHUFFLED, n_jobs=2)


def test_all_of_ptbxl(ptbxl, data_folder):
    """All 1,732 records have the values of wfdb."""
    assert ptbxl.data.shape == (1732, 12, 1000)
    assert (ptbxl.report["status"] == "loaded").all() and (ptbxl.report["reason"] == "").all()
    assert (ptbxl.report["units"] == "mV").all()
    folder = data_folder / "ptbxl" / "records100"
    assert_equals_wfdb(ptbxl, folder, ptbxl.metadata["record"], range(1732))


def test_einthoven_after_another_order_of_leads(ptbxl):
    lead = {name: ptbxl.data[:, i] for i, name in enumerate(ptbxl.lead_names)}
    # Each lead was rounded to 1 µV separately, and resampled from 500 Hz.
    for residual in (
        lead["II"] - lead["I"] - lead["III"],
        lead["aVR"] + (lead["I"] + lead["II"]) / 2,
        lead["aVL"] - (lead["I"] - lead["III"]) / 2,
        lead["aVF"] - (lead["II"] + lead["III"]) / 2,
    ):
        assert np.median(np.abs(residual)) <= 0.0015
        assert np.quantile(np.abs(residual), 0.99) <= 0.01


def test_500_hz_of_ptbxl(data_folder):
    folder = data_folder / "ptbxl" / "records500"
    bunch = load_wfdb(folder, leads=SHUFFLED)
    assert bunch.data.shape == (170, 12, 5000) and bunch.sampling_rate == 500
    assert (bunch.report["units"] == "mV").all()
    assert_equals_wfdb(bunch, folder, bunch.metadata["record"], range(170))


# Why a record of odd_wfdb cannot be loaded, by the start of its name.
ODD = {
    "100": "signal file: 100.dat is missing",
    "a103l": "signal file: a103l.mat is missing",
    "drive02": "signal file: drive02.dat is missing",
    "n16": "signal file: n16.dat is missing",
    "n8_": "signal file: n8_evoked_raw_95_F1_R9.dat is missing",
    "p10143": "signal file: p10143.dat is missing",
    "test_generator_2": "signal file: test_generator_2.dat is missing",
    "wave_4": "signal file: wave_4.dat is missing",
    "multi-segment/p000878/p000878": "header: 3269321_0003.hea, the header of one of its segments",
    "multi-segment/s00001/s00001-2896-10-10-00-31": "signal file: .*3975656_0005.dat and 4 more",
    "multi-segment/s00001/39756": r"signal file: .*3975656_00\d\d.dat is missing",
}
LAYOUT = "length: its header says that it has no time points"


def expected_failure(name):
    if name.endswith("_layout"):
        return LAYOUT
    (reason,) = [reason for start, reason in ODD.items() if name.startswith(start)]
    return reason


def test_every_record_of_odd_wfdb(data_folder):
    """All voltage channels of its 75 headers have the values of wfdb, or an error."""
    folder = data_folder / "odd_wfdb"
    names = list_records(folder)
    assert len(names) == 75
    loaded, failed, others = 0, 0, 0
    for name in names:
        header = wfdb.rdheader(str(folder / name))
        channels = getattr(header, "sig_name", None) or ["II"]
        channels = [channel or f"unnamed {i}" for i, channel in enumerate(channels)]
        try:
            truth = rdrecord(folder, name)
        except Exception:
            truth = None
        if truth is None:
            with pytest.raises(RecordError) as info:
                load_wfdb([folder / name], leads=channels)
            error = info.value
            reason = f"{error.field}: {error.reason}".replace(f"{folder}/", "")
            assert re.search(expected_failure(name), reason)
            assert error.record.endswith(name) and error.advice
            failed += 1
            continue
        truth = {channel: signal for channel, signal in truth.items() if len(signal)}
        if not truth:
            # Heart rates and pressures, or only missing values.
            with pytest.raises((RecordError, ValueError), match="which is not a voltage|missing"):
                load_wfdb([folder / name], leads=channels)
            others += 1
            continue
        for channel, signal in truth.items():
            bunch = load_wfdb([folder / name], leads=[channel], missing_values="nan")
            assert_allclose(bunch.data[0, 0], signal.astype(np.float32), rtol=0, atol=0)
            n_missing = np.isnan(signal).sum()
            assert (f"{n_missing} of" in bunch.report.loc[0, "reason"]) == (n_missing > 0)
        loaded += 1
    assert (loaded, failed, others) == (49, 21, 5)


def test_odd_wfdb_as_a_folder(data_folder):
    """Each record has one row in the report, and segments are loaded once."""
    folder = data_folder / "odd_wfdb"
    bunch = load_wfdb(
        folder,
        leads=["II"],
        on_error="skip",
        missing_leads="derive",
        missing_values="nan",
        resample_to=100,
        duration=2,
        longer="windows",
        shorter="pad",
    )
    report = bunch.report.set_index("record")
    assert list(report.index) == list_records(folder)
    assert report["status"].value_counts().to_dict() == {"segment": 45, "failed": 24, "loaded": 6}
    assert (report.loc[report["status"] != "loaded", "reason"] != "").all()
    assert report["rows"].sum() == len(bunch.data)
    assert report.loc["multi-segment/041s/041s", "reason"].startswith("II derived; ")
    with pytest.raises(RecordError, match="Record 100, signal file: 100.dat is missing. Copy or"):
        load_wfdb(folder, leads=["II"])


def test_no_warnings(data_folder):
    """Users do not see the warnings that wfdb causes in pandas."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_wfdb(data_folder / "challenge2011" / "wfdb500_awkward", leads=["II"])


def test_leads_in_standard_order_are_the_default(data_folder):
    bunch = load_wfdb(data_folder / "challenge2011" / "wfdb500_awkward")
    assert bunch.lead_names == list(STANDARD_LEADS)

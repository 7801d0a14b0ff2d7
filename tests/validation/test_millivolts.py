"""Signals that are plainly not in mV, or have an offset: one rule for all that need mV."""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from sklearn_ecg import STANDARD_LEADS, MSAICNetClassifier, to_lead_frame
from sklearn_ecg._validation import check_millivolts, find_scale_fault
from sklearn_ecg.datasets import load_challenge, load_ptbxl, load_wfdb, make_ecg
from sklearn_ecg.inspection import ECGDisplay
from sklearn_ecg.preprocessing import (
    BeatFeatures,
    Clipper,
    ECGImageRenderer,
    LeadScaler,
    MedianBeat,
    SignalQuality,
)

RATE = 100
ECG = make_ecg(8, duration=3, prevalence=0.5, random_state=2)
X = ECG.data

CONTAINERS = {
    "array": lambda X: (X, {}),
    "lead frame": lambda X: (to_lead_frame(X), {}),
    "object array": lambda X: (to_lead_frame(X).to_numpy(), {"lead_names": STANDARD_LEADS}),
    "rows": lambda X: (X.reshape(len(X), -1), {"n_leads": 12}),
    "numeric frame": lambda X: (pd.DataFrame(X.reshape(len(X), -1)), {"n_leads": 12}),
}
# Whether wrong units and offsets are errors in fit.
RULES = {
    "BeatFeatures": (lambda **options: BeatFeatures(RATE, **options), True, False),
    "MedianBeat": (lambda **options: MedianBeat(RATE, **options), False, False),
    "SignalQuality": (lambda **options: SignalQuality(sampling_rate=RATE, **options), False, False),
    "Clipper": (lambda **options: Clipper(**options), True, True),
    "ECGImageRenderer": (lambda **options: ECGImageRenderer(RATE, **options), True, True),
}


def fault(signals):
    found = find_scale_fault(np.asarray(signals))
    return found and found[0]


def expect(is_error, message):
    return pytest.raises(ValueError, match=message) if is_error else pytest.warns(match=message)


# --------------------------------------------------------------------------------------------------
# The rule
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "signals, expected",
    [
        (X, None),
        (X[:1], None),
        (1000 * X, "unit"),
        (1000 * X[:1], "unit"),
        (200 * X, "unit"),
        (1024 + 200 * X, "unit"),
        (X.astype(np.float64) * 1e6, "unit"),
        (X + 20, "offset"),
        (X - 20, "offset"),
        (X[:1] + 20, "offset"),
        (np.full_like(X, 1500), "offset"),
        (X / 1000, "small"),
        (np.zeros_like(X), None),
        (np.full_like(X, np.nan), None),
        (X[:, :, :1], None),
        (np.ones_like(X), None),
    ],
)
def test_find_scale_fault(signals, expected):
    assert fault(signals) == expected


def test_missing_values_do_not_matter():
    gaps = X.copy()
    gaps[:, :3] = np.nan
    gaps[:, :, :100] = np.nan
    gaps[0] = np.nan
    for scale, expected in ((1, None), (1000, "unit"), (1e-3, "small")):
        assert fault(scale * gaps) == expected
    assert fault(gaps + 20) == "offset"


def test_flat_leads_do_not_matter():
    flat = X.copy()
    flat[:, :8] = 0
    assert fault(1000 * flat) == "unit"
    assert fault(flat + 20) == "offset"


def test_single_records_among_others():
    """Artifacts and disconnected electrodes are accepted, another unit is reported."""
    mixed = X.copy()
    mixed[3] *= 100
    mixed[4, :, 50:52] = 300
    mixed[5] = 80
    mixed[6, 3] *= 1000
    assert fault(mixed) is None
    assert fault(mixed[3:4]) == "unclear"
    assert fault(mixed[4:5]) is None
    mixed[3] = 1000 * X[3]
    assert fault(mixed) == "records"
    with pytest.warns(match="1 of 8 records are not in mV, .* record 3 .* Convert these records"):
        BeatFeatures(RATE).fit(mixed)


def test_most_records_decide():
    mixed = X.copy()
    mixed[:5] *= 1000
    assert fault(mixed) == "unit"
    assert fault(mixed[1:]) == "unit"
    assert fault(mixed[2:]) == "records"


def test_messages_say_what_to_do():
    with pytest.raises(ValueError, match=r"typical amplitude is \d+.* caller needs mV. Divide mic"):
        check_millivolts(1000 * X, name="caller", error_for=("unit",))
    with pytest.warns(match="offset of 20.* mV, but caller needs signals around 0 mV. Remove it"):
        check_millivolts(X + 20, name="caller", error_for=("unit",))
    with pytest.warns(match="probably not in mV: .* Multiply volts by 1000"):
        check_millivolts(X / 1000, name="caller")


# --------------------------------------------------------------------------------------------------
# Who follows it
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("container", CONTAINERS)
def test_signals_that_are_not_in_millivolts(name, container):
    make, is_unit_error, is_offset_error = RULES[name]
    signals, options = CONTAINERS[container](1000 * X)
    with expect(is_unit_error, f"X is not in mV: .* but {name} needs mV"):
        make(**options).fit(signals)
    signals, options = CONTAINERS[container](X + 20)
    with expect(is_offset_error, f"an offset of 20.* mV, but {name} needs signals around 0"):
        make(**options).fit(signals)


@pytest.mark.parametrize("name", RULES)
def test_transform_follows_the_same_rule(name):
    make, is_unit_error, _ = RULES[name]
    estimator = make().fit(X)
    with expect(is_unit_error, "X is not in mV"):
        estimator.transform(1000 * X)
    with pytest.warns(match="an offset of 20"):
        estimator.transform(X + 20)
    with pytest.warns(match="probably not in mV"):
        estimator.transform(X / 1000) if name != "MedianBeat" else make().fit(X / 1000)


@pytest.mark.parametrize("container", CONTAINERS)
def test_display_follows_the_same_rule(container):
    for factor, offset, message in ((1000, 0, "X is not in mV"), (1, 20, "an offset of 20")):
        signals, options = CONTAINERS[container](factor * X + offset)
        with pytest.raises(ValueError, match=message):
            ECGDisplay.from_record(signals, RATE, record=1, **options)


def test_display_of_an_artifact():
    """A lead with an artifact is drawn and cut, unless everything is to be drawn."""
    record = X[0].copy()
    record[2, 40:50] = 500
    display = ECGDisplay(record, sampling_rate=RATE).plot(layout="12x1")
    assert display.cut_ == {"III": 10}
    with pytest.raises(ValueError, match="max_amplitude=None draws everything, .* is 500 mV"):
        ECGDisplay(record, sampling_rate=RATE).plot(max_amplitude=None)
    with pytest.raises(ValueError, match="A record has an amplitude .* electrodes are disconnect"):
        ECGDisplay(100 * X[0], sampling_rate=RATE).plot()
    plt.close("all")


def test_median_beats_are_right_in_any_unit():
    beats = MedianBeat(RATE).fit_transform(X)
    with pytest.warns(match="X is not in mV"):
        microvolts = MedianBeat(RATE).fit_transform(1000 * X)
    np.testing.assert_allclose(microvolts, 1000 * beats, atol=0.1)


ONE_SCALE = {
    "MSAICNetClassifier": lambda: MSAICNetClassifier(filters=(4,), dilations=(1,), max_epochs=1),
    "LeadScaler": LeadScaler,
}
OTHER_SCALES = [
    (lambda x: 1000 * x, "not in mV: .* was fitted on could be in mV.* Divide microvolts"),
    (lambda x: 200 * x, "not in mV: .* was fitted on could be in mV"),
    (lambda x: x / 1000, "probably not in mV: .* was fitted on could be in mV.* Multiply volts"),
    (lambda x: x + 30, "an offset of 30.* without an offset. The results are probably wrong"),
]


@pytest.mark.parametrize("name", ONE_SCALE)
@pytest.mark.parametrize("change, message", OTHER_SCALES)
def test_another_scale_than_in_fit(change, message, name):
    """Of estimators that take any unit."""
    estimator = ONE_SCALE[name]().fit(X, ECG.target)
    with pytest.warns(match=message):
        estimator.transform(change(X))
    estimator.transform(X)
    other = ONE_SCALE[name]().fit(change(X), ECG.target)
    other.transform(change(X))


@pytest.mark.parametrize("name", ONE_SCALE)
@pytest.mark.parametrize("gain", [200, 1000])
def test_millivolts_after_a_fit_in_a_smaller_unit(gain, name):
    estimator = ONE_SCALE[name]().fit(gain * X, ECG.target)
    with pytest.warns(match=f"X is probably in mV, but the records that {name} was fitted on are"):
        estimator.transform(X)
    # Low amplitudes and flat records are possible in that unit.
    estimator.transform(gain * 0.1 * X)
    estimator.transform(0 * X)


def test_networks_take_any_unit_but_the_same():
    options = {"filters": (4,), "dilations": (1,), "max_epochs": 1, "random_state": 0}
    clf = MSAICNetClassifier(**options).fit(X, ECG.target)
    microvolts = MSAICNetClassifier(**options).fit(1000 * X, ECG.target)
    np.testing.assert_allclose(microvolts.predict_proba(1000 * X), clf.predict_proba(X), atol=1e-4)
    # The scale of a record has no effect.
    clf = MSAICNetClassifier(normalize="record", **options).fit(X, ECG.target)
    np.testing.assert_allclose(clf.predict_proba(1000 * X), clf.predict_proba(X), atol=1e-4)


# --------------------------------------------------------------------------------------------------
# Real records
# --------------------------------------------------------------------------------------------------


def read_database(folder, name):
    if name == "challenge2011":
        stored = np.load(folder / name / "X_100hz_int16_5uV.npz")
        return stored["X"].transpose(0, 2, 1) * np.float32(0.005)
    if name == "challenge2021":
        options = {"duration": 5, "longer": "crop_start", "resample_to": 500}
        return load_challenge(folder / name, **options).data
    if name == "ptbxl":
        return load_ptbxl(folder / name, task="superclass", folds=[9]).data
    # LUDB, without its annotations.
    return load_wfdb(folder / name).data


@pytest.mark.parametrize("name", ["ptbxl", "ludb", "challenge2011", "challenge2021"])
def test_real_records(data_folder, name):
    signals = read_database(data_folder, name)
    assert fault(signals) is None
    assert fault(1000 * signals) == "unit"
    assert fault(200 * signals) == "unit"
    assert fault(signals + 20) == "offset"
    assert fault(signals / 1000) == "small"
    is_flat = (signals == signals[:, :, :1]).all(axis=(1, 2))
    records = signals[~is_flat][::4, np.newaxis]
    single = [fault(record) for record in records]
    assert {"unit", "records", "small"}.isdisjoint(single)
    if name != "challenge2011":
        assert set(single) == {None}
    # Of disconnected and saturated electrodes.
    assert np.mean([found is not None for found in single]) < 0.04
    microvolts = [fault(1000 * record) for record in records]
    assert np.mean([found == "unit" for found in microvolts]) > 0.98
    assert set(microvolts) <= {"unit", "unclear"}


def test_bad_records_can_still_be_judged(data_folder):
    """Signal quality of disconnected electrodes, all together and one by one."""
    signals = read_database(data_folder, "challenge2011")
    quality = SignalQuality(sampling_rate=RATE).fit(signals)
    bad = np.flatnonzero(np.abs(np.median(signals, axis=2)).max(axis=1) > 30)[:5]
    usable = quality.mask(signals)
    for record in bad:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            alone = quality.mask(signals[[record]])
        np.testing.assert_array_equal(alone[0], usable[record])

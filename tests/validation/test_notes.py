"""Sampling rate and unit that a frame notes: who compares them, and with what."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

from sklearn_ecg import (
    ACLECGClassifier,
    ACLECGEncoder,
    MSAICNetClassifier,
    detect_r_peaks,
    to_lead_frame,
)
from sklearn_ecg._validation import check_same_notes
from sklearn_ecg.augmentation import (
    BaselineWander,
    CardiacCycleMask,
    Compose,
    GaussianNoise,
    PowerlineNoise,
    RandomApply,
    TemporalShift,
)
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import (
    ECGDisplay,
    EmbeddingDisplay,
    GradCAMDisplay,
    grad_cam,
    lead_importance,
    record_lead_importance,
)
from sklearn_ecg.leads import read_lead_frame, to_lead_array
from sklearn_ecg.preprocessing import (
    BandpassFilter,
    BaselineRemover,
    BeatFeatures,
    Clipper,
    Cropper,
    ECGImageRenderer,
    LeadScaler,
    LeadSelector,
    MedianBeat,
    NotchFilter,
    Resampler,
    SignalQuality,
    windows,
)

RATE = 100
ECG = make_ecg(12, sampling_rate=RATE, duration=3, prevalence=0.5, random_state=1)

NEED_MILLIVOLTS = [
    BeatFeatures(RATE),
    MedianBeat(RATE),
    SignalQuality(sampling_rate=RATE),
    Clipper(),
    ECGImageRenderer(RATE),
]
NEED_NO_UNIT = [
    BandpassFilter(sampling_rate=RATE),
    BaselineRemover(sampling_rate=RATE),
    Resampler(50, sampling_rate=RATE),
    LeadScaler(),
    LeadSelector(["I", "V2"]),
    Cropper(100),
]
IDS = {"ids": lambda estimator: type(estimator).__name__}


def frame(rate=RATE, units="mV", scale=1):
    return to_lead_frame(scale * ECG.data, sampling_rate=rate, units=units)


def numeric_frame(rate=RATE, units="mV"):
    X = pd.DataFrame(ECG.data.reshape(len(ECG.data), -1))
    X.attrs.update(sampling_rate=rate, units=units)
    return X


def network(**params):
    return MSAICNetClassifier(
        filters=(4,), dilations=(1,), max_epochs=1, random_state=0, device="cpu", **params
    )


@pytest.fixture(scope="module")
def fitted():
    return network().fit(frame(), ECG.target)


def refuses_rate(noted):
    return pytest.raises(ValueError, match=rf"X\.attrs\['sampling_rate'\] is {noted}")


def refuses_unit(noted):
    return pytest.raises(ValueError, match=rf"X\.attrs\['units'\] is '{noted}', but")


# --------------------------------------------------------------------------------------------------
# Fit and predict
# --------------------------------------------------------------------------------------------------


def test_fit_records_rate_and_unit(fitted):
    assert (fitted.sampling_rate_in_, fitted.units_in_) == (RATE, "mV")
    unknown = network().fit(ECG.data, ECG.target)
    assert (unknown.sampling_rate_in_, unknown.units_in_) == (None, None)
    bandpass = BandpassFilter(sampling_rate=RATE)
    assert bandpass.fit(ECG.data).sampling_rate_in_ == RATE
    assert bandpass.fit(frame(units="microvolt")).units_in_ == "uV"
    assert bandpass.fit(frame(units=None)).units_in_ is None


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function", "transform"]
)
def test_network_refuses_another_rate_or_unit(fitted, method):
    with refuses_rate(250):
        getattr(fitted, method)(frame(rate=250))
    with pytest.raises(ValueError, match="Resampler.100, sampling_rate=250."):
        getattr(fitted, method)(frame(rate=250))
    for units in ("uV", "µV", "μV", "V", "ADC units"):
        with refuses_unit(units):
            getattr(fitted, method)(frame(units=units))


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_unknown_and_equal_notes_pass(fitted):
    expected = fitted.predict_proba(frame())
    for X in (
        frame(rate=float(RATE)),
        frame(rate=np.int64(RATE)),
        frame(rate=None, units=None),
        frame(rate=np.nan),
        frame(units="mv"),
        frame(units=" millivolts "),
        frame().to_numpy(),
    ):
        np.testing.assert_array_equal(fitted.predict_proba(X), expected)
    unknown = network().fit(frame(None, None), ECG.target)
    np.testing.assert_array_equal(unknown.predict_proba(frame(250, "uV")), expected)


def test_the_advice_converts_the_frame(fitted):
    """The expression in the message, with the sampling rate filled in, gives the right frame."""
    X = frame(units="µV", scale=1000)
    with refuses_unit("µV") as error:
        fitted.predict(X)
    advice = re.search(r"to_lead_frame\(.*\)", str(error.value))[0].replace("=...", "=100")
    converted = eval(
        advice, {"to_lead_frame": to_lead_frame, "to_lead_array": to_lead_array, "X": X}
    )
    np.testing.assert_allclose(
        fitted.predict_proba(converted), fitted.predict_proba(frame()), rtol=1e-4
    )


INVALID = [
    *({"sampling_rate": rate} for rate in (0, -5, -np.inf, np.inf, "100", True, [100], 100j)),
    *({"units": unit} for unit in (3, "", " ", b"mV", ["mV"])),
]


@pytest.mark.parametrize("note", INVALID, ids=repr)
def test_invalid_notes_are_errors(note):
    """When a frame is made, and when it is used."""
    ((name, value),) = note.items()
    with pytest.raises(ValueError, match=rf"^{name} must be .* got {re.escape(repr(value))}"):
        to_lead_frame(ECG.data, **note)
    X = frame(None, None)
    X.attrs.update(note)
    with pytest.raises(ValueError, match=rf"X\.attrs\['{name}'\] must be .* got"):
        network().fit(X, ECG.target)


@pytest.mark.parametrize("rate", [np.int64(100), np.uint8(100), np.float32(100), 100.0, 100])
def test_notes_are_numbers_of_python(rate, tmp_path):
    """Which pandas can write to a file."""
    X = frame(rate=rate)
    assert type(X.attrs["sampling_rate"]) in (int, float)
    assert frame(rate=np.nan, units=np.nan).attrs == {}
    resampled = Resampler(rate, sampling_rate=rate).fit_transform(X)
    for one in (X, resampled):
        one.to_parquet(tmp_path / "frame.parquet")
        assert read_lead_frame(tmp_path / "frame.parquet").attrs == one.attrs


@pytest.mark.parametrize("normalize", ["dataset", "record", "record_lead"])
@pytest.mark.parametrize("units", ["mV", "uV", None])
def test_standardized_signals_are_not_in_millivolts(units, normalize):
    scaled = LeadScaler(normalize).fit_transform(frame(units=units))
    assert scaled.attrs == {"sampling_rate": RATE, "units": "standard deviations"}
    for estimator in NEED_MILLIVOLTS:
        with refuses_unit("standard deviations"):
            clone(estimator).fit(scaled)
    clf = network(normalize=None).fit(scaled, ECG.target)
    assert len(clf.predict(scaled)) == len(scaled)
    with refuses_unit("mV"):
        clf.predict(frame())


def test_numeric_frames_note_rate_and_unit_too():
    clf = network(n_leads=12).fit(numeric_frame(), ECG.target)
    with refuses_unit("uV"):
        clf.predict(numeric_frame(units="uV"))
    resampled = Resampler(50, sampling_rate=RATE, n_leads=12).fit_transform(numeric_frame())
    assert resampled.attrs == {"sampling_rate": 50, "units": "mV"}
    with refuses_rate(250):
        Resampler(50, sampling_rate=RATE, n_leads=12).fit(numeric_frame(250))


def test_meta_estimators_pass_the_notes_on():
    pipeline = make_pipeline(BandpassFilter(sampling_rate=RATE), network())
    calibrated = CalibratedClassifierCV(network(), cv=2)
    for estimator in (pipeline, calibrated):
        estimator.fit(frame(), ECG.target)
        with refuses_unit("uV"):
            estimator.predict(frame(units="uV"))
        with refuses_rate(250):
            estimator.predict(frame(rate=250))


def test_warm_start_refuses_another_rate_or_unit():
    clf = network(warm_start=True).fit(frame(), ECG.target)
    with pytest.raises(ValueError, match="same sampling rate as the previous fit, which had 100"):
        clone(clf).fit(frame(), ECG.target).fit(frame(rate=250), ECG.target)
    with pytest.raises(ValueError, match="same unit as the previous fit, which had mV, but got uV"):
        clone(clf).fit(frame(), ECG.target).fit(frame(units="uV"), ECG.target)
    clf.fit(ECG.data, ECG.target)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_classifier_and_encoder_know_the_same_rate_and_unit():
    options = {"max_epochs": 1, "random_state": 0, "device": "cpu"}
    encoder = ACLECGEncoder(sampling_rate=RATE, **options).fit(frame())
    assert (encoder.sampling_rate_in_, encoder.units_in_) == (RATE, "mV")
    clf = ACLECGClassifier(FrozenEstimator(encoder), **options)
    with refuses_unit("uV"):
        clf.fit(frame(units="uV"), ECG.target)
    with refuses_rate(250):
        clf.fit(frame(rate=250), ECG.target)
    for part in (FrozenEstimator(encoder), ACLECGEncoder(sampling_rate=RATE, **options)):
        with pytest.raises(ValueError, match="is 500 Hz for ACLECGClassifier, but 100 Hz for its"):
            ACLECGClassifier(part, sampling_rate=500, **options).fit(ECG.data, ECG.target)


@pytest.mark.parametrize(
    "name, values", [("sampling_rate_in_", (100, 500)), ("units_in_", ("mV", "uV"))]
)
def test_same_notes_of_two_estimators(name, values):
    """A difference is refused, and what is unknown to one of them is not."""
    first, second = Cropper(100), Cropper(100)
    check_same_notes(first, second, other_name="the encoder")
    setattr(first, name, values[0])
    for known in (None, values[0]):
        setattr(second, name, known)
        check_same_notes(first, second, other_name="the encoder")
        check_same_notes(second, first, other_name="the encoder")
    setattr(second, name, values[1])
    with pytest.raises(ValueError, match=f"is {values[0]!r}.* for Cropper, but {values[1]!r}"):
        check_same_notes(first, second, other_name="the encoder")


# --------------------------------------------------------------------------------------------------
# Augmentation
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "augmentation",
    [
        TemporalShift(sampling_rate=500),
        [GaussianNoise(), RandomApply(BaselineWander(sampling_rate=500))],
        Compose([GaussianNoise(), Compose([PowerlineNoise(sampling_rate=500)])]),
        [Compose(CardiacCycleMask(sampling_rate=500))],
    ],
    ids=lambda augmentation: type(augmentation).__name__,
)
def test_transforms_for_another_rate_are_refused(augmentation):
    with pytest.raises(
        ValueError, match="in the augmentation has sampling_rate=500, but the .*100"
    ):
        network(augmentation=augmentation).fit(frame(), ECG.target)
    encoder = ACLECGEncoder(augmentation=augmentation, sampling_rate=RATE, max_epochs=1)
    with pytest.raises(ValueError, match="that ACLECGEncoder is fitted on have 100 Hz"):
        encoder.fit(ECG.data)


def test_transforms_for_the_rate_of_the_records_are_accepted():
    augmentation = [TemporalShift(sampling_rate=100.0), lambda x: x]
    network(augmentation=augmentation).fit(frame(), ECG.target)
    network(augmentation=TemporalShift(sampling_rate=500)).fit(ECG.data, ECG.target)


# --------------------------------------------------------------------------------------------------
# Functions and displays
# --------------------------------------------------------------------------------------------------


def test_functions_and_displays_refuse_another_rate():
    X = frame(rate=500)
    with pytest.raises(ValueError, match="detect_r_peaks has sampling_rate=100, but .* is 500"):
        detect_r_peaks(X, RATE)
    with pytest.raises(
        ValueError, match="ECGDisplay.from_record has sampling_rate=100, but .* 500"
    ):
        ECGDisplay.from_record(X, RATE)
    rhythm = detect_r_peaks(np.repeat(ECG.data, 2, axis=2), 200)
    with pytest.raises(
        ValueError, match="r_peaks was detected at 200 Hz, but sampling_rate is 100"
    ):
        ECGDisplay.from_record(frame(), RATE, r_peaks=rhythm)


def test_r_peaks_are_found_in_any_unit():
    expected = detect_r_peaks(frame(), RATE).peaks
    for peaks, same in zip(detect_r_peaks(frame(units="uV", scale=1000), RATE).peaks, expected):
        np.testing.assert_array_equal(peaks, same)


def test_displays_refuse_another_unit():
    with refuses_unit("uV"):
        ECGDisplay.from_record(frame(units="uV", scale=1000), RATE)
    display = ECGDisplay.from_record(frame(units="millivolt"), RATE, r_peaks="detect")
    assert display.signals.shape == (12, 300)
    plt.close("all")


def test_inspection_refuses_what_the_estimator_refuses(fitted):
    for X, refusal in ((frame(250), refuses_rate(250)), (frame(units="uV"), refuses_unit("uV"))):
        for inspect in (
            lambda X: grad_cam(fitted, X),
            lambda X: lead_importance(fitted, X, ECG.target),
            lambda X: record_lead_importance(fitted, X),
            lambda X: EmbeddingDisplay.from_estimator(fitted, X),
            lambda X: GradCAMDisplay.from_estimator(fitted, X, sampling_rate=RATE),
        ):
            with refusal:
                inspect(X)
    with pytest.raises(ValueError, match="has sampling_rate=500, but .* is 100"):
        GradCAMDisplay.from_estimator(fitted, frame(), sampling_rate=500)


def test_importance_of_numeric_frames_keeps_the_notes():
    pipeline = make_pipeline(Cropper(100, n_leads=12), network(n_leads=12))
    pipeline.fit(numeric_frame(), ECG.target)
    with refuses_unit("uV"):
        lead_importance(pipeline, numeric_frame(units="uV"), ECG.target, n_repeats=1)


# --------------------------------------------------------------------------------------------------
# Transformers
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", NEED_MILLIVOLTS, **IDS)
@pytest.mark.parametrize("units", ["uV", "µV", "μV", "V", "ADC units"])
def test_transformers_that_need_millivolts_refuse_another_unit(estimator, units):
    name = type(estimator).__name__
    with pytest.raises(ValueError, match=rf"is '{units}', but {name} needs mV. Convert the sign"):
        estimator.fit(frame(units=units))
    fitted = clone(estimator).fit(frame(None, None))
    with refuses_unit(units):
        fitted.transform(frame(units=units))
    with refuses_rate(250):
        clone(estimator).fit(frame()).transform(frame(rate=250))


@pytest.mark.parametrize("estimator", NEED_NO_UNIT, **IDS)
def test_other_transformers_take_any_unit_but_one_only(estimator):
    fitted = clone(estimator).fit(frame(units="uV", scale=1000))
    fitted.transform(frame(units="microvolt", scale=1000))
    with refuses_unit("mV"):
        fitted.transform(frame())
    with refuses_rate(250):
        fitted.transform(frame(rate=250, units=None))


def test_methods_besides_transform_refuse_another_unit():
    X = frame(units="uV", scale=1000)
    for estimator, method in (
        (SignalQuality(sampling_rate=RATE), "mask"),
        (MedianBeat(RATE), "report"),
        (ECGImageRenderer(RATE), "report"),
        (BeatFeatures(RATE), "fit_transform"),
    ):
        with refuses_unit("uV"):
            getattr(estimator.fit(frame()), method)(X)


def test_limits_beyond_millivolts_are_in_the_unit_of_the_frame():
    X = frame(units="uV", scale=1000)
    clipped = Clipper(-500, 500).fit_transform(X)
    assert clipped.attrs == X.attrs
    assert to_lead_array(clipped).max() == 500
    with refuses_unit("uV"):
        Clipper(None, 100).fit(X)


@pytest.mark.parametrize("estimator", [MedianBeat(), NotchFilter()], **IDS)
def test_a_missing_rate_is_not_taken_from_the_frame(estimator):
    with pytest.raises(ValueError, match="sampling_rate"):
        estimator.fit(frame(500))


def test_the_message_on_a_missing_rate_names_the_noted_one():
    message = r"None, but X.attrs\['sampling_rate'\] is 500. .*NotchFilter\(sampling_rate=500\)"
    with pytest.raises(ValueError, match=message):
        NotchFilter().fit(frame(500))


# --------------------------------------------------------------------------------------------------
# Where notes come from, and what keeps them
# --------------------------------------------------------------------------------------------------


def test_synthetic_frames_note_rate_and_unit():
    X = make_ecg(2, sampling_rate=250, duration=1, as_frame=True, random_state=0).data
    assert X.attrs == {"sampling_rate": 250, "units": "mV"}


def test_what_pandas_and_scikit_learn_keep(tmp_path):
    X, notes = frame(), {"sampling_rate": RATE, "units": "mV"}
    X.to_parquet(tmp_path / "frame.parquet")
    selected = ColumnTransformer(
        [("limb", BandpassFilter(sampling_rate=RATE), ["I", "II"]), ("V1", "passthrough", ["V1"])]
    ).set_output(transform="pandas")
    for kept in (
        X.iloc[2:5],
        X[["I", "V2"]],
        X.copy(),
        X[X.index > 3],
        X.drop(columns="II"),
        pd.concat([X, X]),
        pd.concat([X[["I"]], X[["II"]]], axis=1),
        selected.fit_transform(X),
        windows(X, 100)[0],
        read_lead_frame(tmp_path / "frame.parquet"),
    ):
        assert kept.attrs == notes
    assert pd.concat([X, frame(250)]).attrs == {}

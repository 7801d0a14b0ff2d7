"""The definition of every beat feature, checked on beats made of waves of known size."""

import numpy as np
import pytest

from sklearn_ecg import STANDARD_LEADS, derive_leads
from sklearn_ecg.beats import RPeaks
from sklearn_ecg.beats._rhythm import measure_rhythm
from sklearn_ecg.preprocessing import BeatFeatures

RATE = 500
RR = 900  # ms
N_BEATS = 12
INDEPENDENT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")

# A wave is a raised cosine from start to stop, in ms from the R-peak, of some height in mV. Its
# area is half of its height times its duration.
P, T = (-200, -100), (170, 330)
BEATS = {
    "qRs": [(*P, 0.15), (-44, -20, -0.15), (-20, 20, 1.0), (20, 52, -0.3), (*T, 0.4)],
    "R": [(*P, 0.15), (-20, 20, 1.2), (*T, 0.3)],
    "rS": [(*P, 0.1), (-44, -14, 0.25), (-14, 40, -1.1), (*T, 0.3)],
    "QS": [(*P, 0.1), (-40, 40, -1.2), (*T, 0.4)],
    "rSr'": [(*P, 0.1), (-44, -20, 0.3), (-20, 16, -0.8), (16, 52, 0.5), (*T, -0.2)],
    "qR": [(*P, 0.1), (-44, -14, -0.4), (-14, 40, 0.9), (*T, 0.2)],
    "inverted P and T": [(*P, -0.2), (-20, 20, 1.0), (*T, -0.5)],
    "no P, no T": [(-20, 20, 1.0)],
    "biphasic T": [(*P, 0.1), (-20, 20, 1.0), (170, 250, 0.3), (250, 330, -0.3)],
    "raised ST": [(*P, 0.1), (-20, 20, 1.0), (62, 162, 0.3), (*T, 0.2)],
    "flat": [],
    # Notches that are not waves: they return to zero, or exceed it by less than 0.02 mV.
    "RR'": [(*P, 0.1), (-44, 0, 0.8), (0, 48, 1.0), (*T, 0.3)],
    "RR' below zero": [(*P, 0.1), (-44, -6, 0.8), (-8, 8, -0.015), (6, 48, 1.0), (*T, 0.3)],
    "low, then R": [(*P, 0.1), (-44, -26, 0.03), (-20, 20, 1.0), (*T, 0.3)],
    "RsR'": [(*P, 0.1), (-44, -14, 0.8), (-16, 14, -0.06), (12, 48, 1.0), (*T, 0.3)],
    "QS, notch": [(*P, 0.1), (-44, 0, -0.8), (0, 44, -1.0), (*T, 0.3)],
    "QS, notch above zero": [(-44, -4, -0.8), (-6, 6, 0.015), (4, 44, -1.0), (*T, 0.3)],
    "Qr": [(*P, 0.1), (-44, 10, -1.0), (10, 40, 0.3), (*T, 0.3)],
    "low voltage": [(*P, 0.02), (-44, -20, -0.03), (-20, 20, 0.1), (20, 52, -0.04), (*T, 0.03)],
    "wide R": [(-70, 90, 1.2), (200, 330, -0.5)],
}
QRS_ONSET, QRS_OFFSET = -44, 52  # of all leads


def shape(waves, time):
    """Sum of waves at the given times."""
    total = np.zeros(len(time))
    for start, stop, height in waves:
        inside = (time > start) & (time < stop)
        phase = 2 * np.pi * (time[inside] - start) / (stop - start)
        total[inside] += height * (1 - np.cos(phase)) / 2
    return total


def record(**beats):
    """One record of twelve leads; a lead is "qRs" unless given, as a name or as waves."""
    times = np.arange(round((N_BEATS * RR + 600) * RATE / 1000)) * 1000 / RATE
    signals = np.zeros((1, len(INDEPENDENT), len(times)))
    for lead, name in enumerate(INDEPENDENT):
        waves = beats.get(name, "qRs")
        waves = BEATS[waves] if isinstance(waves, str) else waves
        for beat in range(N_BEATS):
            signals[0, lead] += shape(waves, times - 600 - RR * beat)
    return derive_leads(signals.astype(np.float32), INDEPENDENT)[0]


def measure(X):
    features = BeatFeatures(RATE, drop_empty=False).fit(X)
    return dict(zip(features.get_feature_names_out(), features.transform(X)[0]))


NAN = np.nan

# feature, beat, value, tolerance. Tangents and limits of the velocity give bounds inside those of
# the waves; durations have the tolerance that follows.
OF_A_LEAD = [
    ("p_amplitude", "qRs", 0.15, 0.005),
    ("p_amplitude", "inverted P and T", -0.2, 0.006),
    ("p_amplitude", "no P, no T", 0, 0.005),
    ("p_area", "qRs", 7.5, 0.8),
    ("p_area", "inverted P and T", -10, 1),
    ("p_area", "no P, no T", 0, 0.2),
    ("q_amplitude", "qRs", -0.15, 0.005),
    ("q_amplitude", "R", NAN, 0),
    ("q_amplitude", "rS", NAN, 0),
    ("q_amplitude", "QS", -1.2, 0.01),
    ("q_amplitude", "rSr'", NAN, 0),
    ("q_amplitude", "qR", -0.4, 0.005),
    ("q_amplitude", "flat", NAN, 0),
    ("q_duration", "qRs", 24, 4),
    ("q_duration", "QS", 80, 6),
    ("q_duration", "qR", 30, 4),
    ("q_duration", "R", NAN, 0),
    ("r_amplitude", "qRs", 1.0, 0.01),
    ("r_amplitude", "R", 1.2, 0.01),
    ("r_amplitude", "rS", 0.25, 0.005),
    ("r_amplitude", "QS", NAN, 0),
    ("r_amplitude", "rSr'", 0.3, 0.005),
    ("r_amplitude", "qR", 0.9, 0.01),
    ("r_amplitude", "flat", NAN, 0),
    ("r_peak_time", "qRs", 44, 3),
    ("r_peak_time", "rS", 15, 3),
    ("r_peak_time", "rSr'", 12, 3),
    ("r_peak_time", "QS", NAN, 0),
    ("s_amplitude", "qRs", -0.3, 0.005),
    ("s_amplitude", "R", NAN, 0),
    ("s_amplitude", "rS", -1.1, 0.01),
    ("s_amplitude", "QS", NAN, 0),
    ("s_amplitude", "rSr'", -0.8, 0.01),
    ("s_amplitude", "qR", NAN, 0),
    ("r2_amplitude", "qRs", NAN, 0),
    ("r2_amplitude", "rS", NAN, 0),
    ("r2_amplitude", "QS", NAN, 0),
    ("r2_amplitude", "rSr'", 0.5, 0.01),
    ("rs_ratio", "qRs", 1 / 0.3, 0.08),
    ("rs_ratio", "R", NAN, 0),
    ("rs_ratio", "rS", 0.25 / 1.1, 0.01),
    ("rs_ratio", "QS", 0, 0),
    ("rs_ratio", "rSr'", 0.3 / 0.8, 0.01),
    ("rs_ratio", "flat", NAN, 0),
    ("qrs_duration", "qRs", 96, 8),
    ("qrs_duration", "R", 40, 8),
    ("qrs_duration", "QS", 80, 8),
    ("qrs_duration", "rSr'", 96, 8),
    ("qrs_duration", "flat", NAN, 0),
    ("qrs_amplitude", "qRs", 1.3, 0.015),
    ("qrs_amplitude", "R", 1.2, 0.015),
    ("qrs_amplitude", "QS", 1.2, 0.015),
    ("qrs_amplitude", "rSr'", 1.3, 0.015),
    ("qrs_amplitude", "flat", 0, 1e-6),
    ("qrs_area", "qRs", (-0.15 * 24 + 1.0 * 40 - 0.3 * 32) / 2, 0.3),
    ("qrs_area", "QS", -48, 0.4),
    ("qrs_area", "rSr'", (0.3 * 24 - 0.8 * 36 + 0.5 * 36) / 2, 0.3),
    ("j_level", "qRs", 0, 0.01),
    ("j_level", "raised ST", 0, 0.02),
    ("st_level", "qRs", 0, 0.005),
    ("st_level", "raised ST", 0.3, 0.005),  # its peak is 60 ms after the QRS
    ("st_slope", "qRs", 0, 0.05),
    ("st_slope", "raised ST", 3.6, 0.6),  # rises first, from 20 ms after the QRS on
    ("t_amplitude", "qRs", 0.4, 0.008),
    ("t_amplitude", "inverted P and T", -0.5, 0.01),
    ("t_amplitude", "no P, no T", 0, 0.005),
    ("t_amplitude", "rSr'", -0.2, 0.005),
    ("t_polarity", "qRs", 1, 0.01),
    ("t_polarity", "inverted P and T", -1, 0.01),
    ("t_polarity", "biphasic T", 0, 0.05),
    ("t_polarity", "no P, no T", 0, 0),
    ("t_area", "qRs", 32, 1),
    ("t_area", "inverted P and T", -40, 1.2),
    ("t_area", "biphasic T", 0, 1),
    ("signal_quality", "flat", NAN, 0),
    *(("r_amplitude", beat, 1.0, 0.01) for beat in ("RR'", "RR' below zero", "low, then R")),
    *(("s_amplitude", beat, NAN, 0) for beat in ("RR'", "RR' below zero", "low, then R")),
    *(("r2_amplitude", beat, NAN, 0) for beat in ("RR'", "RR' below zero", "low, then R")),
    ("r_peak_time", "RR' below zero", 44 + 27, 3),
    ("r_amplitude", "RsR'", 0.79, 0.01),
    ("s_amplitude", "RsR'", -0.06, 0.005),
    ("r2_amplitude", "RsR'", 1.0, 0.01),
    *(("q_amplitude", beat, -1.0, 0.01) for beat in ("QS, notch", "QS, notch above zero")),
    *(("q_duration", beat, 88, 4) for beat in ("QS, notch", "QS, notch above zero")),
    *(("r_amplitude", beat, NAN, 0) for beat in ("QS, notch", "QS, notch above zero")),
    ("q_amplitude", "Qr", -1.0, 0.01),
    ("q_duration", "Qr", 54, 4),
    ("r_amplitude", "Qr", 0.3, 0.005),
    ("s_amplitude", "Qr", NAN, 0),
    ("rs_ratio", "Qr", NAN, 0),
    ("q_amplitude", "low voltage", -0.03, 0.002),
    ("r_amplitude", "low voltage", 0.1, 0.002),
    ("s_amplitude", "low voltage", -0.04, 0.002),
    ("r_amplitude", "wide R", 1.2, 0.01),
    ("t_amplitude", "wide R", -0.5, 0.01),
]


@pytest.fixture(scope="module")
def of_beats():
    """Features of V4, which has each of the beats in turn."""
    return {name: measure(record(V4=name)) for name in BEATS}


@pytest.mark.parametrize("feature, beat, value, tolerance", OF_A_LEAD)
def test_features_of_a_lead(of_beats, feature, beat, value, tolerance):
    found = of_beats[beat][f"V4__{feature}"]
    assert found == pytest.approx(value, abs=tolerance, nan_ok=True)


def test_signal_quality_is_power_over_noise():
    """Of a lead whose noise is known."""
    X = record()
    rng = np.random.RandomState(0)
    X[0, 9] += 0.05 * rng.randn(X.shape[2])
    found = measure(X)["V4__signal_quality"]
    times = np.arange(-400, 680, 2.0)
    power = np.mean(shape(BEATS["qRs"], times) ** 2)
    assert found == pytest.approx(10 * np.log10(power / 0.05**2), abs=1.5)


@pytest.mark.parametrize(
    "feature, value, tolerance",
    [
        ("heart_rate", 60 / 0.9, 0.01),
        ("sdnn", 0, 0.1),
        ("rmssd", 0, 0.1),
        ("ectopic_share", 0, 0),
        ("reliability", 1, 0.05),
        # The tangents to the flanks of a raised cosine cross zero at the fractions 0.091 and 0.909
        # of its duration.
        ("p_duration", 0.818 * 100, 5),
        ("pr_interval", 200 - 0.091 * 100 + QRS_ONSET, 4),
        ("qrs_duration", QRS_OFFSET - QRS_ONSET, 6),
        ("qt_interval", 170 + 0.909 * 160 - QRS_ONSET, 5),
        ("qtc_fridericia", 359.5 / 0.9 ** (1 / 3), 6),
        ("qtc_bazett", 359.5 / 0.9**0.5, 6),
        ("t_peak_end", 0.409 * 160, 4),
    ],
)
def test_features_of_a_record(of_beats, feature, value, tolerance):
    assert of_beats["qRs"][f"global__{feature}"] == pytest.approx(value, abs=tolerance)


def test_corrected_qt_follows_from_qt(of_beats):
    found = of_beats["qRs"]
    qt = found["global__qt_interval"]
    assert found["global__qtc_fridericia"] == pytest.approx(qt / np.cbrt(0.9), rel=1e-4)
    assert found["global__qtc_bazett"] == pytest.approx(qt / np.sqrt(0.9), rel=1e-4)


def test_absent_p_and_t_waves_of_all_leads():
    found = measure(record(**dict.fromkeys(INDEPENDENT, "no P, no T")))
    for name in ("II__p_amplitude", "II__p_area", "global__p_duration", "global__pr_interval"):
        assert np.isnan(found[name]), name
    for name in ("global__qt_interval", "global__t_peak_end"):
        assert np.isnan(found[name]), name


def with_r(height):
    """A beat with an R wave of that height, and P and T of a tenth."""
    return [(*P, 0.1 * height), (-20, 20, height), (*T, 0.1 * height)]


@pytest.mark.parametrize(
    "lead_i, lead_ii, axis",
    [
        (1.0, 0.5, 0),  # aVF = II - I / 2 is 0
        (0.0, 1.0, 90),
        (1.0, 1.0, 30),
        (1.0, -0.5, -49.1),  # atan2(-2 / sqrt(3), 1)
        (-1.0, -0.5, 180),
        (-1.0, 0.5, 130.9),
    ],
)
def test_axes_in_the_frontal_plane(lead_i, lead_ii, axis):
    found = measure(record(I=with_r(lead_i), II=with_r(lead_ii)))
    for wave in ("p", "qrs", "t"):
        difference = found[f"global__{wave}_axis"] - axis
        assert abs((difference + 180) % 360 - 180) < 1.5, wave
    assert found["global__qrs_t_angle"] == pytest.approx(0, abs=1.5)


def test_angle_between_qrs_and_t():
    """T opposite to the QRS, and on the other side of 180 degrees."""
    up = [(*P, 0.1), (-20, 20, 1.0), (*T, -0.2)]
    assert measure(record(I=up, II=up))["global__qrs_t_angle"] == pytest.approx(180, abs=1.5)
    # QRS at 150 degrees, T at -150 degrees.
    first = [(-20, 20, -1.0), (*T, -0.2)]
    second = [(*T, -0.2)]
    found = measure(record(I=first, II=second))
    assert found["global__qrs_axis"] == pytest.approx(150, abs=1.5)
    assert found["global__t_axis"] == pytest.approx(-150, abs=1.5)
    assert found["global__qrs_t_angle"] == pytest.approx(60, abs=2)


@pytest.mark.parametrize("lead_i, lead_ii", [([], []), ([(*T, 0.3)], [(*T, 0.3)])])
def test_axes_without_a_wave_are_undefined(lead_i, lead_ii):
    found = measure(record(I=lead_i, II=lead_ii))
    assert np.isnan(found["global__p_axis"])
    assert np.isnan(found["global__qrs_axis"])
    assert np.isnan(found["global__qrs_t_angle"])
    assert np.isnan(found["global__t_axis"]) == (not lead_i)


@pytest.mark.parametrize("noise", [0, 0.003])
@pytest.mark.parametrize("lead", ["I", "aVF", "II"])
def test_axes_of_a_flat_lead_are_undefined(lead, noise):
    """An electrode is not connected: the axes would be 0 or 90 degrees."""
    names = ["I", "II"] if lead == "II" else STANDARD_LEADS
    X = record()[:, [STANDARD_LEADS.index(name) for name in names]]
    X[:, names.index(lead)] = 0.3
    X += noise * np.random.default_rng(0).standard_normal(X.shape)
    features = BeatFeatures(RATE, drop_empty=False, lead_names=names).fit(X)
    found = dict(zip(features.get_feature_names_out(), features.transform(X)[0]))
    for name in ("p_axis", "qrs_axis", "t_axis", "qrs_t_angle"):
        assert np.isnan(found[f"global__{name}"]), name
    assert np.isfinite(found["global__qrs_duration"])


# The height of R in V5 or V6 and the depth of S or QS in V1, in mV.
SOKOLOW_LYON = [
    (dict(V1="rS"), 1.1 + 1.0),
    (dict(V1="QS"), 1.2 + 1.0),
    (dict(V1="rSr'"), 0.8 + 1.0),
    (dict(V1="R"), 0 + 1.0),
    (dict(V1="qR"), 0 + 1.0),  # Q before R is no S
    (dict(V1="rS", V5="R"), 1.1 + 1.2),
    (dict(V1="rS", V6="R"), 1.1 + 1.2),
    (dict(V1="rS", V5="QS", V6="qR"), 1.1 + 0.9),
    (dict(V1="rS", V5="QS", V6="QS"), 1.1 + 0),
    (dict(V1="rS", V5="rSr'", V6="QS"), 1.1 + 0.5),  # R' is higher than r
    (dict(V1="flat"), NAN),
    (dict(V1="rS", V5="flat"), NAN),
]


@pytest.mark.parametrize("beats, value", SOKOLOW_LYON)
def test_sokolow_lyon(beats, value):
    found = measure(record(**beats))["global__sokolow_lyon"]
    assert found == pytest.approx(value, abs=0.02, nan_ok=True)


# The height of R in aVL = I - II / 2 and the depth of S or QS in V3.
CORNELL = [
    (dict(I=with_r(1.0), II=with_r(0.6), V3="rS"), 0.7 + 1.1),
    (dict(I=with_r(1.0), II=with_r(0.6), V3="QS"), 0.7 + 1.2),
    (dict(I=with_r(1.0), II=with_r(0.6), V3="rSr'"), 0.7 + 0.8),
    (dict(I=with_r(1.0), II=with_r(0.6), V3="R"), 0.7 + 0),
    (dict(I=with_r(0.2), II=with_r(1.0), V3="rS"), 0 + 1.1),  # aVL is negative
    (dict(I=with_r(1.0), II=with_r(0.6), V3="flat"), NAN),
]


@pytest.mark.parametrize("beats, value", CORNELL)
def test_cornell(beats, value):
    found = measure(record(**beats))["global__cornell"]
    assert found == pytest.approx(value, abs=0.02, nan_ok=True)


def r_and_s(r, s):
    return [(*P, 0.1), (-44, -14, r), (-14, 40, -s), (*T, 0.3)]


R_TRANSITION = [
    ([(0.2, 1), (0.4, 1), (0.6, 0.8), (0.9, 0.5), (1, 0.3), (1, 0.1)], 3 + 0.2 / 0.6),
    ([(0.2, 1), (0.5, 0.5), (1, 0.2), (1, 0.2), (1, 0.2), (1, 0.2)], 2),
    ([(1, 0.2)] * 6, 1),
    ([(0.2, 1)] * 6, 7),
    ([(0, 1), (0, 1), (0, 0.4), (0.8, 0.4), (1, 0.2), (1, 0.2)], 3.5),  # QS counts as S
]


@pytest.mark.parametrize("chest, value", R_TRANSITION)
def test_r_transition(chest, value):
    beats = {f"V{i + 1}": r_and_s(*waves) for i, waves in enumerate(chest)}
    found = measure(record(**beats))["global__r_transition"]
    assert found == pytest.approx(value, abs=0.06)


def test_r_transition_of_a_lead_without_qrs():
    assert np.isnan(measure(record(V3="flat"))["global__r_transition"])


def test_rhythm_features():
    """The third of seven beats is premature: intervals that begin or end there do not count."""
    peaks = np.cumsum([100, 450, 300, 600, 460, 440, 450])
    rhythm = RPeaks([peaks], np.ones(1), 500, 3000)
    found = measure_rhythm(rhythm, [0])
    assert rhythm.ectopic()[0].tolist() == [False, False, True, False, False, False, False]
    normal = 2 * np.array([450, 460, 440, 450])
    assert found["sdnn"][0] == pytest.approx(normal.std(ddof=1))
    assert found["rmssd"][0] == pytest.approx(np.sqrt(np.mean(np.square([-40, 20]))))
    assert found["ectopic_share"][0] == pytest.approx(1 / 7)


def test_every_feature_is_checked():
    names = BeatFeatures(RATE, drop_empty=False).fit(record()).get_feature_names_out()
    of_leads = {name.split("__")[1] for name in names if name.startswith("V4__")}
    assert of_leads == {feature for feature, *_ in OF_A_LEAD}
    assert len(names) == len(STANDARD_LEADS) * len(of_leads) + 20

"""The model behind `make_ecg`: a moving dipole that is projected on the leads."""

import numpy as np
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation

# The other four limb leads follow from I and II.
INDEPENDENT_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")

# Dower's matrix, from the heart's dipole (x to the left, y down, z to the back) to the independent
# leads.
_DOWER_MATRIX = np.array(
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)

# One row per wave of a beat at 70 beats per minute: center and width (standard deviation) in ms
# from the R-peak, dipole x, y, z in mV. Two unequal halves make the P wave biphasic in V1, and the
# T wave steeper at its end than at its start. Waves without a dipole belong to an infarction, which
# has a regional source instead.
_BEAT_WAVES = np.array(
    [
        [-168, 18, 0.020, 0.050, -0.045],  # P, right atrium
        [-140, 18, 0.040, 0.060, 0.030],  # P, left atrium
        [-22, 8, -0.130, -0.060, -0.270],  # Q, septum
        [0, 10, 1.180, 0.730, 0.420],  # R, apex
        [13, 10, -0.200, -0.070, 0.470],  # R to S, free wall
        [30, 9, -0.090, -0.100, 0.070],  # S, base
        [-15, 14, 0, 0, 0],  # infarction: loss of the start of the QRS
        [215, 60, 0.130, 0.050, -0.200],  # T, rise
        [268, 33, 0.140, 0.110, -0.020],  # T, fall
        [85, 24, 0, 0, 0],  # infarction: ST elevation from the J point on
        [150, 45, 0, 0, 0],  # infarction: ST elevation up to the T wave
        [285, 38, 0, 0, 0],  # infarction: terminal T inversion
    ]
)
_P, _QRS, _T = slice(0, 2), slice(2, 7), slice(7, 12)
_INFARCTION_WAVES = [6, 9, 10, 11]
_INFARCTION_MV = [-0.20, 0.16, 0.23, -0.38]
_R_LOSS = 0.40  # added to the first of these, as a share of the lead's R wave

# Weights of a regional source in the independent leads. A source in II but not in I appears equally
# in III and aVF; one in I with little in II appears in aVL.
REGION_SOURCES = {
    "inferior": (0.00, 1.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.05),
    "lateral": (0.75, 0.20, 0.00, 0.00, 0.00, 0.10, 1.00, 1.00),
    "septal": (0.00, 0.00, 1.00, 1.00, 0.10, 0.00, 0.00, 0.00),
    "anterior": (0.00, 0.00, 0.00, 0.10, 1.00, 1.00, 0.10, 0.00),
}

# From the electrodes RA, LA, LL, C1-C6 to the independent leads: disturbances of leads that share
# an electrode are correlated. Scaled so that unit noise at the electrodes is unit noise in each of
# these leads.
ELECTRODES_TO_LEADS = np.zeros((8, 9), dtype=np.float32)
ELECTRODES_TO_LEADS[0, :2] = -1, 1
ELECTRODES_TO_LEADS[1, [0, 2]] = -1, 1
ELECTRODES_TO_LEADS[2:, :3] = -1 / 3
ELECTRODES_TO_LEADS /= np.sqrt(2)
ELECTRODES_TO_LEADS[2:, 3:] = np.eye(6) * np.sqrt(5 / 6)

_NOISE_TIME_CONSTANT = 0.005  # s; the spectrum falls above about 30 Hz, like that of muscle noise


def draw_patients(rng, rr, injury):
    """Return lead vectors (n, 8, n_waves) in mV, wave centers and widths (n, n_waves) in s."""
    n = len(rr)
    # Rotation of the heart's axis in the frontal and in the horizontal plane.
    angles = rng.uniform([-18, -15], [18, 15], size=(n, 2))
    turn = Rotation.from_euler("zy", angles, degrees=True).as_matrix()
    dipoles = _BEAT_WAVES[:, 2:]
    spread = 0.08 * np.linalg.norm(dipoles, axis=1, keepdims=True)
    dipoles = dipoles + spread * rng.standard_normal((n, *dipoles.shape))
    heights = np.exp(rng.normal(scale=[0.15, 0.17, 0.15], size=(n, 3)))
    dipoles *= np.repeat(heights, [2, 5, 5], axis=1)[..., None]
    vectors = _DOWER_MATRIX @ turn @ dipoles.transpose(0, 2, 1)
    vectors *= np.exp(rng.normal(scale=0.08, size=(n, 8)))[..., None]

    # QT by Fridericia's cube root; PR also shortens with the heart rate, but less.
    stretch = np.cbrt(rr / (60 / 70))[:, None]
    qt = stretch * rng.normal(1, 0.03, size=(n, 1))
    pr = np.sqrt(stretch) * rng.normal(1, 0.06, size=(n, 1))
    qrs = rng.normal(1, 0.05, size=(n, 1))
    scale = np.repeat(np.hstack([pr, qrs, qt]), [2, 5, 5], axis=1)
    centers, widths = (_BEAT_WAVES[:, column] / 1000 * scale for column in (0, 1))

    # The infarction differs between the leads of a region, so that none of them is redundant.
    injury = injury * rng.uniform(0.7, 1.3, size=(n, 8))
    grid = np.arange(-0.04, 0.04, 0.001)
    waves = np.exp(-0.5 * ((grid - centers[..., None]) / widths[..., None]) ** 2)
    r_height = np.maximum((vectors[..., _QRS] @ waves[:, _QRS]).max(axis=2), 0)
    amplitudes = np.tile(_INFARCTION_MV, (n, 8, 1))
    amplitudes[..., 0] -= _R_LOSS * r_height
    vectors[..., _INFARCTION_WAVES] = injury[..., None] * amplitudes

    # Time zero is the R-peak by definition: where this patient's waves sum up to the maximum.
    strength = np.sum((vectors @ waves) ** 2, axis=1)
    centers -= grid[np.argmax(strength, axis=1)][:, None]
    return vectors.astype(np.float32), centers, widths


def respiration_wave(times, breaths):
    """Return the respiration of each record, a sine of the given (frequency in Hz, phase)."""
    return np.sin(2 * np.pi * breaths[:, :1] * times + breaths[:, 1:])


def draw_r_times(rng, rr, variability, breaths, duration):
    """Return R-peaks in s, (n_records, n_beats), from before the record until after it."""
    n = len(rr)
    phase = rng.uniform(0, 2 * np.pi, size=n)
    now = -rr * rng.uniform(2, 3, size=n)
    r_times = [now]
    while np.any(now < duration + 2 * rr):
        rhythm = 0.9 * respiration_wave(now[:, None], breaths)[:, 0]
        rhythm += 0.9 * np.sin(2 * np.pi * 0.1 * now + phase)
        rhythm += 0.44 * rng.standard_normal(n)
        now = now + rr * (1 + variability * np.clip(rhythm, -2, 2))
        r_times.append(now)
    return np.stack(r_times, axis=1)


def synthesize_beats(r_times, vectors, centers, widths, n_times, sampling_rate):
    """Return the noise-free independent leads, (n, 8, n_times)."""
    # Waves are narrower than the RR interval, so each time point takes every wave from one beat
    # instead of a sum over beats. For P and QRS the next beat starts after the onset of the T wave,
    # for T at the R-peak; these waves are zero there.
    interval = np.diff(r_times, axis=1, prepend=2 * r_times[:, :1] - r_times[:, 1:2])
    since_p = _time_since_beat(r_times, r_times - 0.68 * interval, n_times, sampling_rate)
    since_t = _time_since_beat(r_times, r_times, n_times, sampling_rate)
    slope = (np.sqrt(0.5) / widths).astype(np.float32)
    offset = (np.sqrt(0.5) / widths * centers).astype(np.float32)
    waves = np.empty((*widths.shape, n_times), dtype=np.float32)
    for since, which in ((since_p, slice(0, _T.start)), (since_t, _T)):
        np.multiply(since[:, None], slope[:, which, None], out=waves[:, which])
        waves[:, which] -= offset[:, which, None]
    np.square(waves, out=waves)
    np.negative(waves, out=waves)
    # Waves are negligible below this, and denormal numbers are slow.
    np.maximum(waves, -80, out=waves)
    np.exp(waves, out=waves)
    return vectors @ waves


def _time_since_beat(r_times, starts, n_times, sampling_rate):
    """Return the time in s since the R-peak of each time point's beat, float32."""
    n, n_beats = r_times.shape
    first = np.clip(np.ceil(starts * sampling_rate), 0, n_times).astype(np.int64)
    cells = first + np.arange(n)[:, None] * (n_times + 1)
    steps = np.diff(r_times, axis=1, prepend=0)
    r_time = np.bincount(cells.ravel(), steps.ravel(), minlength=n * (n_times + 1))
    r_time = r_time.reshape(n, n_times + 1)[:, :-1].cumsum(axis=1)
    return (np.arange(n_times) / sampling_rate - r_time).astype(np.float32)


def draw_disturbance(rng, breath_rate, n_times, sampling_rate, baseline_wander, noise):
    """Return noise and baseline wander at the electrodes, (n, 9, n_times) in mV."""
    n = len(breath_rate)
    memory = np.float32(np.exp(-1 / (sampling_rate * _NOISE_TIME_CONSTANT)))
    out = rng.standard_normal((n, 9, n_times), dtype=np.float32)
    out[..., 0] /= np.sqrt(1 - memory**2)  # the same variance from the start
    gain = np.float32(noise) * np.sqrt(1 - memory**2)
    out = lfilter(gain[None], np.array([1, -memory], dtype=np.float32), out, axis=2)

    rates = np.column_stack([breath_rate, rng.uniform([0.05, 0.15], [0.15, 0.5], size=(n, 2))])
    angle = (2 * np.pi / sampling_rate * rates[..., None] * np.arange(n_times)).astype(np.float32)
    weights = rng.standard_normal((n, 9, 6), dtype=np.float32)
    weights *= np.float32(baseline_wander / np.sqrt(3))
    out += weights @ np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
    return out

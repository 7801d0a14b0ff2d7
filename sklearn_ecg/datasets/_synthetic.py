"""A synthetic 12-lead ECG whose truth is known."""

from itertools import compress
from numbers import Integral, Real

import numpy as np
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation
from sklearn.utils import Bunch, check_random_state

from ..leads import REGIONS_12, STANDARD_LEADS, derive_leads, to_lead_frame
from ..utils._chunks import SYNTHESIS, chunk_size

_TASKS = ("infarction", "region", "multilabel")

# The other four limb leads follow from I and II.
_INDEPENDENT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")

# Dower's matrix: from the heart's dipole (x to the left, y down, z to the back) to the
# independent leads.
_DOWER = np.array(
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

# One row per wave of a beat at 70 beats per minute: centre and width (standard deviation) in
# ms from the R-peak, dipole x, y, z in mV. Two unequal halves make the P wave biphasic in V1 and
# the T wave steeper at its end than at its start. Waves without a dipole are those of an
# infarction, which adds its own regional source.
_WAVES = np.array(
    [
        [-168, 18, 0.020, 0.050, -0.045],  # P, right atrium
        [-140, 18, 0.040, 0.060, 0.030],  # P, left atrium
        [-22, 8, -0.130, -0.060, -0.270],  # Q, septum
        [0, 10, 1.180, 0.730, 0.420],  # R, apex
        [13, 10, -0.200, -0.070, 0.470],  # R to S, free wall
        [30, 9, -0.090, -0.100, 0.070],  # S, base
        [-15, 14, 0, 0, 0],  # infarction: the start of the QRS is lost
        [215, 60, 0.130, 0.050, -0.200],  # T, rise
        [268, 33, 0.140, 0.110, -0.020],  # T, fall
        [85, 24, 0, 0, 0],  # infarction: ST elevation from the J point on
        [150, 45, 0, 0, 0],  # infarction: ST elevation up to the T wave
        [285, 38, 0, 0, 0],  # infarction: terminal T inversion
    ]
)
_P, _QRS, _T = slice(0, 2), slice(2, 7), slice(7, 12)
_INFARCTION = [6, 9, 10, 11]
_INFARCTION_MV = [-0.20, 0.16, 0.23, -0.38]
_R_LOSS = 0.40  # what the first of these loses on top, as a share of the lead's own R wave

# How strongly a regional source is seen by the independent leads. A lead II source without
# lead I reaches III and aVF alike; I without much of II reaches aVL.
_SOURCES = {
    "inferior": (0.00, 1.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.05),
    "lateral": (0.75, 0.20, 0.00, 0.00, 0.00, 0.10, 1.00, 1.00),
    "septal": (0.00, 0.00, 1.00, 1.00, 0.10, 0.00, 0.00, 0.00),
    "anterior": (0.00, 0.00, 0.00, 0.10, 1.00, 1.00, 0.10, 0.00),
}

# Electrodes RA, LA, LL, C1-C6 to the independent leads: the disturbances of leads that share
# an electrode are correlated. Scaled so that unit noise at the electrodes is unit noise in
# each of these leads.
_ELECTRODES = np.zeros((8, 9), dtype=np.float32)
_ELECTRODES[0, :2] = -1, 1
_ELECTRODES[1, [0, 2]] = -1, 1
_ELECTRODES[2:, :3] = -1 / 3
_ELECTRODES /= np.sqrt(2)
_ELECTRODES[2:, 3:] = np.eye(6) * np.sqrt(5 / 6)

_NOISE_MEMORY = 0.005  # s; the noise's spectrum falls above about 30 Hz, as muscle noise does


def make_ecg(
    n_records=100,
    *,
    sampling_rate=100,
    duration=10.0,
    task="infarction",
    regions=("anterior",),
    prevalence=0.3,
    severity=1.0,
    records_per_patient=1,
    heart_rate=(50, 100),
    heart_rate_variability=0.04,
    respiration=0.05,
    baseline_wander=0.04,
    noise=0.012,
    return_X_y=False,
    as_frame=False,
    random_state=None,
):
    """Make synthetic 12-lead ECG records with known truth.

    A moving cardiac dipole is projected on the leads. In an infarction, sources near the leads
    of its region add a Q wave with loss of R, ST elevation and T inversion. Einthoven's and
    Goldberger's identities hold for the limb leads, disturbances included.

    Parameters
    ----------
    n_records : int, default=100
        Number of records, at least 1.

    sampling_rate : float, default=100
        Time points per second (Hz), from 50 to 1000.

    duration : float, default=10.0
        Length of a record in seconds; `round(duration * sampling_rate)` time points, at least 1.

    task : {"infarction", "region", "multilabel"}, default="infarction"
        What `target` holds.

        - "infarction": 0 for normal, 1 for an infarction of any of `regions`;
        - "region": 0 for normal, `i + 1` for an infarction of `regions[i]`;
        - "multilabel": an indicator with a column per region; a record may have several.

    regions : sequence of str or str, default=("anterior",)
        Regions that can be infarcted: "inferior" (II, III, aVF), "lateral" (I, aVL, V5, V6),
        "septal" (V1, V2), "anterior" (V3, V4).

    prevalence : float or dict of str to float, default=0.3
        Share of patients with an infarction, in [0, 1]. For "infarction" and "region" it is
        divided evenly among the regions; for "multilabel" every region has this share,
        independently of the others. A mapping gives the share of each region. Counts are
        rounded, not drawn. A share strictly between 0 and 1 leaves at least one patient on
        either side, where there are enough patients.

    severity : float, default=1.0
        Scale of the infarction's waves, at least 0. At 1 the ST segment of the region's leads
        is raised by about 0.15 (aVL) to 0.3 mV (V2 to V4), which is easy to tell from normal;
        0.1 is hard for a small network and a few hundred records; at 0 there is no difference.

    records_per_patient : int or (int, int), default=1
        Number of consecutive records of a patient, or the lowest and highest number (inclusive)
        of a random one. The last patient may have fewer. Records of a patient share diagnosis,
        anatomy and mean heart rate; rhythm and disturbances differ.

    heart_rate : float or (float, float), default=(50, 100)
        Mean heart rate in beats per minute, or the range from which each patient's is drawn
        uniformly; from 30 to 150.

    heart_rate_variability : float, default=0.04
        Standard deviation of the RR intervals as a share of their mean, in [0, 0.1]:
        respiratory sinus arrhythmia, a 0.1 Hz rhythm and an irregular part.

    respiration : float, default=0.05
        Amplitude by which respiration (12 to 18 per minute) modulates the beats, as a share of
        their height, in [0, 1].

    baseline_wander : float, default=0.04
        Standard deviation of the baseline wander (0.05 to 0.5 Hz) in mV, at least 0.

    noise : float, default=0.012
        Standard deviation of the noise in mV, at least 0.

    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.

    as_frame : bool, default=False
        Whether `data` is a lead frame (a DataFrame with a column per lead) and `target` a
        Series, or a DataFrame for "multilabel".

    random_state : int, RandomState instance or None, default=None
        Seed of the records. With None they differ from call to call.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the following attributes.

        data : ndarray of shape (n_records, 12, n_times), dtype float32, or DataFrame
            The signals in mV, leads in standard order.
        target : ndarray of shape (n_records,) or (n_records, n_regions), Series or DataFrame
            The classes, or the label indicator.
        target_names : list of str
            Names of the classes, or of the indicator's columns.
        lead_names : list of str
            Names of the leads.
        groups : ndarray of shape (n_records,)
            Patient of each record.
        r_peaks : list of n_records ndarrays of int
            Time points of the R-peaks: where the root mean square over the independent leads
            of the noise-free QRS is highest.
        region : ndarray of shape (n_records,) of str
            Infarcted region, several joined by "+", or "none".
        sampling_rate : float
            As given.
        DESCR : str
            Description of the records.

    (data, target) : tuple if ``return_X_y`` is True

    Raises
    ------
    TypeError, ValueError
        If a parameter is of the wrong type, or out of its range.

    Notes
    -----
    A moving dipole, the sum of waves that are Gaussians in time [2]_, is projected on the leads of
    an average torso [1]_. The waves are modelled on an average of normal records of PTB-XL [3]_.

    What is simplified: every beat is a sinus beat, and one record's beats differ only in time
    and height; the chest is Dower's average one, so chest leads vary less between patients than
    in reality; PR and QT follow a patient's mean heart rate, not each interval. Infarction is
    one stage (Q wave, ST elevation and T inversion together), reciprocal changes are those
    that the limb-lead identities force, and nothing else is ever abnormal. Scores on these
    records say whether code works, not how well a method would do on patients.

    References
    ----------
    .. [1] G. E. Dower, H. B. Machado, J. A. Osborne, "On deriving the electrocardiogram from
       vectorcardiographic leads", Clinical Cardiology 3(2), 1980.
    .. [2] P. E. McSharry et al., "A dynamical model for generating synthetic
       electrocardiogram signals", IEEE Transactions on Biomedical Engineering 50(3), 2003.
    .. [3] P. Wagner et al., "PTB-XL, a large publicly available electrocardiography dataset",
       Scientific Data 7, 154, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.datasets import make_ecg
    >>> ecg = make_ecg(10, regions=["septal", "inferior"], task="region", random_state=0)
    >>> ecg.data.shape
    (10, 12, 1000)
    >>> ecg.target_names
    ['normal', 'septal', 'inferior']
    >>> np.unique(ecg.region, return_counts=True)
    (array(['inferior', 'none', 'septal'], dtype='<U8'), array([1, 7, 2]))

    The truth about the rhythm comes with the records:

    >>> heart_rate = [60 * 100 / np.diff(peaks).mean() for peaks in ecg.r_peaks]
    >>> all(45 < rate < 110 for rate in heart_rate)
    True
    """
    _check_number("n_records", n_records, 1, integral=True)
    _check_number("sampling_rate", sampling_rate, 50, 1000)
    _check_number("duration", duration, 0)
    _check_number("severity", severity, 0)
    _check_number("heart_rate_variability", heart_rate_variability, 0, 0.1)
    _check_number("respiration", respiration, 0, 1)
    _check_number("baseline_wander", baseline_wander, 0)
    _check_number("noise", noise, 0)
    heart_rate = _check_range("heart_rate", heart_rate, 30, 150)
    per_patient = _check_range("records_per_patient", records_per_patient, 1, integral=True)
    regions, shares = _check_regions(task, regions, prevalence)
    n_times = round(duration * sampling_rate)
    if n_times < 1:
        raise ValueError(
            f"duration={duration!r} s is shorter than one time point at "
            f"sampling_rate={sampling_rate!r} Hz. Pass a longer duration."
        )

    # A Generator because it draws float32 noise directly. A seed of its own for each part, so
    # that, say, the rhythm stays the same when the noise or the regions change.
    if random_state is None:
        entropy = None
    else:
        entropy = check_random_state(random_state).randint(2**31, size=4, dtype=np.int64).tolist()
    seeds = np.random.SeedSequence(entropy).spawn(5)
    rng_group, rng_diagnosis, rng_anatomy, rng_rhythm, rng_disturbance = map(
        np.random.default_rng, seeds
    )

    # One draw per record is enough, because every patient has at least one.
    sizes = rng_group.integers(per_patient[0], per_patient[1], size=n_records, endpoint=True)
    groups = np.searchsorted(np.cumsum(sizes), np.arange(n_records), side="right")
    n_patients = groups[-1] + 1

    infarcted = _draw_infarcts(rng_diagnosis, n_patients, shares, exclusive=task != "multilabel")
    rr = 60 / rng_anatomy.uniform(*heart_rate, size=n_patients)
    sources = np.array([_SOURCES[region] for region in regions])
    vectors, centres, widths = _draw_patients(rng_anatomy, rr, severity * infarcted @ sources)
    breaths = rng_rhythm.uniform([0.2, 0], [0.3, 2 * np.pi], size=(n_records, 2))
    r_times = _draw_r_times(rng_rhythm, rr[groups], heart_rate_variability, breaths, duration)

    X = np.empty((n_records, 12, n_times), dtype=np.float32)
    # Steps of fixed length: the random numbers depend on them.
    size = chunk_size(n_times, SYNTHESIS)
    for start in range(0, n_records, size):
        part = slice(start, start + size)
        who = groups[part]
        signals = _beats(
            r_times[part], vectors[who], centres[who], widths[who], n_times, sampling_rate
        )
        times = np.arange(n_times) / sampling_rate
        breath = _breath(times, breaths[part]).astype(np.float32)
        signals *= (1 + np.float32(respiration) * breath)[:, None]
        if noise or baseline_wander:
            signals += _ELECTRODES @ _draw_disturbance(
                rng_disturbance, breaths[part, 0], n_times, sampling_rate, baseline_wander, noise
            )
        X[part] = derive_leads(signals, _INDEPENDENT)[0]

    target, target_names = _make_target(task, regions, infarcted[groups])
    names = np.array(["+".join(compress(regions, row)) or "none" for row in infarcted])
    if as_frame:
        import pandas as pd

        X = to_lead_frame(X, list(STANDARD_LEADS))
        if task == "multilabel":
            target = pd.DataFrame(target, columns=target_names)
        else:
            target = pd.Series(target, name="target")
    if return_X_y:
        return X, target
    peaks = np.rint(r_times * sampling_rate).astype(np.int64)
    return Bunch(
        data=X,
        target=target,
        target_names=target_names,
        lead_names=list(STANDARD_LEADS),
        groups=groups,
        r_peaks=[row[(row >= 0) & (row < n_times)] for row in peaks],
        region=names[groups],
        sampling_rate=sampling_rate,
        DESCR=(
            f"{n_records} synthetic 12-lead ECG records of {n_patients} patients, {n_times} time "
            f"points at {sampling_rate} Hz, in mV. Infarcted regions: {', '.join(regions)}."
        ),
    )


def _draw_infarcts(rng, n_patients, shares, exclusive):
    """Which regions of which patients are infarcted: bool (n_patients, n_regions)."""
    infarcted = np.zeros((n_patients, len(shares)), dtype=bool)
    if not exclusive:
        for column, share in zip(infarcted.T, shares):
            column[rng.permutation(n_patients)[: _count(n_patients, share)]] = True
        return infarcted
    # Rounding the running total, not each region, keeps the number of infarctions exact.
    total = _count(n_patients, sum(shares))
    bounds = np.rint(total * np.cumsum(shares) / max(sum(shares), 1e-12)).astype(int)
    counts = np.diff(bounds, prepend=0)
    for empty in np.flatnonzero((counts == 0) & (np.array(shares) > 0)):
        if counts.max() > 1:
            counts[np.argmax(counts)] -= 1
            counts[empty] = 1
    bounds = np.cumsum(counts)
    for column, patients in zip(infarcted.T, np.split(rng.permutation(n_patients), bounds)):
        column[patients] = True
    return infarcted


def _count(n_patients, share):
    share = round(share, 9)  # shares of 0.7, 0.2 and 0.1 add up to a little less than 1
    count = round(share * n_patients)
    if 0 < share < 1 and n_patients > 1:
        count = min(max(count, 1), n_patients - 1)
    return count


def _draw_patients(rng, rr, injury):
    """Lead vectors (n, 8, n_waves) in mV, and wave centres and widths (n, n_waves) in s."""
    n = len(rr)
    # The heart's axis, turned in the frontal and in the horizontal plane.
    angles = rng.uniform([-18, -15], [18, 15], size=(n, 2))
    turn = Rotation.from_euler("zy", angles, degrees=True).as_matrix()
    dipoles = _WAVES[:, 2:]
    spread = 0.08 * np.linalg.norm(dipoles, axis=1, keepdims=True)
    dipoles = dipoles + spread * rng.standard_normal((n, *dipoles.shape))
    heights = np.exp(rng.normal(scale=[0.15, 0.17, 0.15], size=(n, 3)))
    dipoles *= np.repeat(heights, [2, 5, 5], axis=1)[..., None]
    vectors = _DOWER @ turn @ dipoles.transpose(0, 2, 1)
    vectors *= np.exp(rng.normal(scale=0.08, size=(n, 8)))[..., None]

    # QT by Fridericia's cube root; the PR interval also shortens with rate, but less.
    stretch = np.cbrt(rr / (60 / 70))[:, None]
    qt = stretch * rng.normal(1, 0.03, size=(n, 1))
    pr = np.sqrt(stretch) * rng.normal(1, 0.06, size=(n, 1))
    qrs = rng.normal(1, 0.05, size=(n, 1))
    scale = np.repeat(np.hstack([pr, qrs, qt]), [2, 5, 5], axis=1)
    centres, widths = (_WAVES[:, column] / 1000 * scale for column in (0, 1))

    # Leads of one region are injured unequally, so that each tells something of its own.
    injury = injury * rng.uniform(0.7, 1.3, size=(n, 8))
    grid = np.arange(-0.04, 0.04, 0.001)
    waves = np.exp(-0.5 * ((grid - centres[..., None]) / widths[..., None]) ** 2)
    r_height = np.maximum((vectors[..., _QRS] @ waves[:, _QRS]).max(axis=2), 0)
    amplitudes = np.tile(_INFARCTION_MV, (n, 8, 1))
    amplitudes[..., 0] -= _R_LOSS * r_height
    vectors[..., _INFARCTION] = injury[..., None] * amplitudes

    # Time zero is the R-peak by definition, whatever the waves of this patient sum up to.
    strength = np.sum((vectors @ waves) ** 2, axis=1)
    centres -= grid[np.argmax(strength, axis=1)][:, None]
    return vectors.astype(np.float32), centres, widths


def _breath(times, breaths):
    return np.sin(2 * np.pi * breaths[:, :1] * times + breaths[:, 1:])


def _draw_r_times(rng, rr, variability, breaths, duration):
    """Times of the R-peaks in s, (n_records, n_beats), from before the record to after it."""
    n = len(rr)
    phase = rng.uniform(0, 2 * np.pi, size=n)
    now = -rr * rng.uniform(2, 3, size=n)
    r_times = [now]
    while np.any(now < duration + 2 * rr):
        rhythm = 0.9 * _breath(now[:, None], breaths)[:, 0]
        rhythm += 0.9 * np.sin(2 * np.pi * 0.1 * now + phase)
        rhythm += 0.44 * rng.standard_normal(n)
        now = now + rr * (1 + variability * np.clip(rhythm, -2, 2))
        r_times.append(now)
    return np.stack(r_times, axis=1)


def _beats(r_times, vectors, centres, widths, n_times, sampling_rate):
    """The noise-free independent leads, (n, 8, n_times)."""
    # Waves are narrower than the RR interval, so that a time point sees each of them in one beat
    # only and no sum over beats is needed. Neighbours' P and QRS are split after the T wave
    # has begun, neighbours' T at the R-peak, where the waves concerned are zero.
    interval = np.diff(r_times, axis=1, prepend=2 * r_times[:, :1] - r_times[:, 1:2])
    since_p = _time_since_beat(r_times, r_times - 0.68 * interval, n_times, sampling_rate)
    since_t = _time_since_beat(r_times, r_times, n_times, sampling_rate)
    slope = (np.sqrt(0.5) / widths).astype(np.float32)
    offset = (np.sqrt(0.5) / widths * centres).astype(np.float32)
    waves = np.empty((*widths.shape, n_times), dtype=np.float32)
    for since, which in ((since_p, slice(0, _T.start)), (since_t, _T)):
        np.multiply(since[:, None], slope[:, which, None], out=waves[:, which])
        waves[:, which] -= offset[:, which, None]
    np.square(waves, out=waves)
    np.negative(waves, out=waves)
    # Below this a wave is nothing, and denormal numbers are slow.
    np.maximum(waves, -80, out=waves)
    np.exp(waves, out=waves)
    return vectors @ waves


def _time_since_beat(r_times, starts, n_times, sampling_rate):
    """Time in s to the R-peak of the beat that each time point belongs to, float32."""
    n, n_beats = r_times.shape
    first = np.clip(np.ceil(starts * sampling_rate), 0, n_times).astype(np.int64)
    cells = first + np.arange(n)[:, None] * (n_times + 1)
    steps = np.diff(r_times, axis=1, prepend=0)
    r_time = np.bincount(cells.ravel(), steps.ravel(), minlength=n * (n_times + 1))
    r_time = r_time.reshape(n, n_times + 1)[:, :-1].cumsum(axis=1)
    return (np.arange(n_times) / sampling_rate - r_time).astype(np.float32)


def _draw_disturbance(rng, breath_rate, n_times, sampling_rate, baseline_wander, noise):
    """Noise and baseline wander at the electrodes, (n, 9, n_times) in mV."""
    n = len(breath_rate)
    memory = np.float32(np.exp(-1 / (sampling_rate * _NOISE_MEMORY)))
    out = rng.standard_normal((n, 9, n_times), dtype=np.float32)
    out[..., 0] /= np.sqrt(1 - memory**2)  # starts as noisy as it goes on
    gain = np.float32(noise) * np.sqrt(1 - memory**2)
    out = lfilter(gain[None], np.array([1, -memory], dtype=np.float32), out, axis=2)

    rates = np.column_stack([breath_rate, rng.uniform([0.05, 0.15], [0.15, 0.5], size=(n, 2))])
    angle = (2 * np.pi / sampling_rate * rates[..., None] * np.arange(n_times)).astype(np.float32)
    weights = rng.standard_normal((n, 9, 6), dtype=np.float32)
    weights *= np.float32(baseline_wander / np.sqrt(3))
    out += weights @ np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
    return out


def _make_target(task, regions, infarcted):
    if task == "infarction":
        return infarcted.any(axis=1).astype(np.int64), ["normal", "infarction"]
    if task == "region":
        return infarcted @ np.arange(1, len(regions) + 1), ["normal", *regions]
    return infarcted.astype(np.int64), list(regions)


def _check_number(name, value, low, high=np.inf, integral=False):
    kind = Integral if integral else Real
    if not isinstance(value, kind) or isinstance(value, (bool, np.bool_)):
        expected = "an integer" if integral else "a number"
        raise TypeError(f"{name} must be {expected}, got {value!r} of type {type(value).__name__}.")
    if not low <= value <= high or not np.isfinite(value):
        limits = f"at least {low} and finite" if high == np.inf else f"from {low} to {high}"
        raise ValueError(f"{name} must be {limits}, got {value!r}.")


def _check_range(name, value, low, high=np.inf, integral=False):
    """A number, or a (low, high) pair of them, as a pair."""
    if np.ndim(value) == 0:
        value = (value, value)
    if len(value) != 2:
        raise ValueError(f"{name} must be a number or a (low, high) pair, got {value!r}.")
    for end in value:
        _check_number(name, end, low, high, integral)
    if value[0] > value[1]:
        raise ValueError(f"{name} must be a (low, high) pair with low <= high, got {value!r}.")
    return tuple(value)


def _check_regions(task, regions, prevalence):
    """Regions as a tuple, and the share of patients for each."""
    if task not in _TASKS:
        raise ValueError(f"task must be one of {', '.join(map(repr, _TASKS))}, got {task!r}.")
    if isinstance(regions, str) or not np.iterable(regions):
        regions = (regions,)
    regions = tuple(regions)
    unknown = [region for region in regions if region not in _SOURCES]
    if unknown or not regions or len(set(regions)) < len(regions):
        raise ValueError(
            f"regions must be one or more of {', '.join(map(repr, REGIONS_12))}, each once, "
            f"got {regions!r}."
        )
    exclusive = task != "multilabel"
    if hasattr(prevalence, "keys"):
        if set(prevalence) != set(regions):
            raise ValueError(
                f"prevalence must give a share for each of regions={regions!r} and no other, "
                f"got {dict(prevalence)!r}."
            )
        shares = [prevalence[region] for region in regions]
        for share in shares:
            _check_number("prevalence", share, 0, 1)
        if exclusive and sum(shares) > 1 + 1e-9:
            raise ValueError(
                f"The shares in prevalence must not add up to more than 1 for task={task!r}, "
                f"got {sum(shares):g}. Lower them, or pass task='multilabel'."
            )
    else:
        _check_number("prevalence", prevalence, 0, 1)
        shares = [prevalence / len(regions) if exclusive else prevalence] * len(regions)
    return regions, shares

"""Synthetic 12-lead ECG records with known labels and R-peaks."""

from collections.abc import Mapping, Sequence
from itertools import compress
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch, check_random_state

from ..leads import REGIONS_12, STANDARD_LEADS, derive_leads, to_lead_frame
from ..utils._chunks import SYNTHESIS, chunk_size
from ._dipole_model import (
    ELECTRODES_TO_LEADS,
    INDEPENDENT_LEADS,
    REGION_SOURCES,
    draw_disturbance,
    draw_patients,
    draw_r_times,
    respiration_wave,
    synthesize_beats,
)

_SYNTHETIC_TASKS = ("infarction", "region", "multilabel")


def make_ecg(
    n_records=100,
    *,
    sampling_rate: float = 100,
    duration=10.0,
    task="infarction",
    regions: str | Sequence[str] = ("anterior",),
    prevalence: float | Mapping[str, float] = 0.3,
    severity=1.0,
    class_sep=2.0,
    records_per_patient: int | tuple[int, int] = 1,
    heart_rate: float | tuple[float, float] = (50, 100),
    heart_rate_variability=0.04,
    respiration=0.05,
    baseline_wander=0.04,
    noise=0.012,
    return_X_y=False,
    as_frame=False,
    random_state=None,
) -> Any:
    """Make synthetic 12-lead ECG records with known labels and R-peaks.

    A moving cardiac dipole is projected on the leads. In an infarction, sources near the leads of
    its region add a Q wave with loss of R, ST elevation and T inversion. The limb leads, including
    their disturbances, satisfy Einthoven's and Goldberger's identities.

    Parameters
    ----------
    n_records : int, default=100
        Number of records, at least 1.

    sampling_rate : float, default=100
        Sampling rate in Hz, from 50 to 1000.

    duration : float, default=10.0
        Length of a record in seconds. A record has `round(duration * sampling_rate)` time points,
        which must be at least 1.

    task : {"infarction", "region", "multilabel"}, default="infarction"
        What `target` contains.

        - "infarction": 0 for normal, 1 for an infarction of any of `regions`;
        - "region": 0 for normal, `i + 1` for an infarction of `regions[i]`;
        - "multilabel": an indicator with a column per region; a record may have several.

    regions : sequence of str or str, default=("anterior",)
        Regions that can be infarcted: "inferior" (II, III, aVF), "lateral" (I, aVL, V5, V6),
        "septal" (V1, V2), "anterior" (V3, V4).

    prevalence : float or dict of str to float, default=0.3
        Share of patients with an infarction, in [0, 1]. For "infarction" and "region" it is
        divided evenly among the regions; for "multilabel" every region has this share,
        independently of the others. A dictionary gives the share of each region. Counts are
        rounded shares, not random. A share strictly between 0 and 1 gives at least one patient
        with and one without infarction, if there are at least two patients.

    severity : float, default=1.0
        Mean size of the infarction's waves, at least 0. At 1 the ST segment of the region's leads
        is elevated by about 0.15 (aVL) to 0.3 mV (V2 to V4); at 0 there is no difference between
        the classes. Below about 0.3, noise makes small infarctions hard to detect.

    class_sep : float, default=2.0
        Distance between the classes, above 0. The size of the waves varies between patients, with
        a standard deviation of ``severity / class_sep`` around `severity` with an infarction and
        around 0 without, so that the classes overlap: some infarctions are small, and some normal
        records have deviations of the ST segment. For one region, no classifier can exceed an
        AUROC of about :math:`\\Phi(\\text{class_sep} / \\sqrt{2})`, which is .92 for 2, .98 for 3
        and 1.00 for 4. ``class_sep=np.inf`` gives all infarctions the same size, without overlap.

    records_per_patient : int or (int, int), default=1
        Number of consecutive records of a patient, or the range (inclusive) from which it is
        drawn. The last patient may have fewer. Records of a patient have the same diagnosis,
        anatomy and mean heart rate; rhythm and disturbances differ.

    heart_rate : float or (float, float), default=(50, 100)
        Mean heart rate in beats per minute, from 30 to 150, or the range from which that of each
        patient is drawn uniformly.

    heart_rate_variability : float, default=0.04
        Standard deviation of the RR intervals as a share of their mean, in [0, 0.1]:
        respiratory sinus arrhythmia, a 0.1 Hz rhythm and an irregular part.

    respiration : float, default=0.05
        Amplitude with which respiration (12 to 18 per minute) modulates the beats, as a share of
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
        Seed of the records. Pass an int for the same records in every call.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        With these attributes:

        data : ndarray of shape (n_records, 12, n_times), dtype float32, or DataFrame
            The signals in mV, leads in standard order.
        target : ndarray of shape (n_records,) or (n_records, n_regions), Series or DataFrame
            The classes, or the label indicator.
        target_names : list of str
            Names of the classes, or of the columns of the indicator.
        lead_names : list of str
            Names of the leads.
        groups : ndarray of shape (n_records,)
            Patient of each record.
        r_peaks : list of n_records ndarrays of int
            Time points of the R-peaks: the maximum over time of the root mean square over the
            independent leads of the noise-free QRS.
        region : ndarray of shape (n_records,) of str
            Infarcted region, several joined by "+", or "none".
        sampling_rate : float
            In Hz.
        DESCR : str
            Description of the records.

    (data, target) : tuple
        With ``return_X_y=True``.

    Raises
    ------
    TypeError
        If a parameter is of the wrong type.
    ValueError
        If a parameter is out of its range.

    See Also
    --------
    load_ptbxl : Load real records.

    Notes
    -----
    A moving dipole, the sum of waves that are Gaussians in time [2]_, is projected on the leads of
    an average torso [1]_. The waves are modeled on an average of normal records of PTB-XL [3]_.

    The records are simplified. Every beat is a sinus beat, and the beats of a record differ only in
    time and height. The chest is the average one of Dower, so chest leads vary less between
    patients than in reality. PR and QT follow a patient's mean heart rate, not each interval.
    Infarction has one stage (Q wave, ST elevation and T inversion together), reciprocal changes are
    only those that follow from the identities of the limb leads, and nothing else is ever abnormal.
    Scores on these records show whether code works, not how well a method would do on patients.

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

    The R-peaks are known exactly:

    >>> heart_rate = [60 * 100 / np.diff(peaks).mean() for peaks in ecg.r_peaks]
    >>> all(45 < rate < 110 for rate in heart_rate)
    True
    """
    _check_number("n_records", n_records, 1, integral=True)
    _check_number("sampling_rate", sampling_rate, 50, 1000)
    _check_number("duration", duration, 0)
    _check_number("severity", severity, 0)
    _check_class_sep(class_sep)
    _check_number("heart_rate_variability", heart_rate_variability, 0, 0.1)
    _check_number("respiration", respiration, 0, 1)
    _check_number("baseline_wander", baseline_wander, 0)
    _check_number("noise", noise, 0)
    heart_rate = _check_range("heart_rate", heart_rate, 30, 150)
    per_patient = _check_range("records_per_patient", records_per_patient, 1, integral=True)
    regions, shares = _check_regions(task, regions, prevalence)
    duration, sampling_rate = float(duration), float(sampling_rate)
    n_times = round(duration * sampling_rate)
    if n_times < 1:
        raise ValueError(
            f"duration={duration!r} s is shorter than one time point at "
            f"sampling_rate={sampling_rate!r} Hz. Pass a longer duration."
        )

    # A Generator, because it can draw float32 noise. Each part has its own seed, so that, for
    # example, the rhythm stays the same when the noise or the regions change.
    if random_state is None:
        entropy = None
    else:
        entropy = check_random_state(random_state).randint(2**31, size=4, dtype=np.int64).tolist()
    seeds = np.random.SeedSequence(entropy).spawn(6)
    rng_group, rng_diagnosis, rng_anatomy, rng_rhythm, rng_disturbance, rng_size = map(
        np.random.default_rng, seeds
    )

    # One draw per record is enough, because every patient has at least one record.
    sizes = rng_group.integers(per_patient[0], per_patient[1], size=n_records, endpoint=True)
    groups = np.searchsorted(np.cumsum(sizes), np.arange(n_records), side="right")
    n_patients = groups[-1] + 1

    infarcted = _draw_infarctions(rng_diagnosis, n_patients, shares, exclusive=task != "multilabel")
    rr = 60 / rng_anatomy.uniform(*heart_rate, size=n_patients)
    sources = np.array([REGION_SOURCES[region] for region in regions])
    strengths = infarcted + rng_size.standard_normal(infarcted.shape) / class_sep
    vectors, centers, widths = draw_patients(rng_anatomy, rr, severity * strengths @ sources)
    breaths = rng_rhythm.uniform([0.2, 0], [0.3, 2 * np.pi], size=(n_records, 2))
    r_times = draw_r_times(rng_rhythm, rr[groups], heart_rate_variability, breaths, duration)

    X = np.empty((n_records, 12, n_times), dtype=np.float32)
    # Chunks of fixed length, because the random numbers depend on it.
    size = chunk_size(n_times, SYNTHESIS)
    for start in range(0, n_records, size):
        part = slice(start, start + size)
        who = groups[part]
        signals = synthesize_beats(
            r_times[part], vectors[who], centers[who], widths[who], n_times, sampling_rate
        )
        times = np.arange(n_times) / sampling_rate
        breath = respiration_wave(times, breaths[part]).astype(np.float32)
        signals *= (1 + np.float32(respiration) * breath)[:, None]
        if noise or baseline_wander:
            signals += ELECTRODES_TO_LEADS @ draw_disturbance(
                rng_disturbance, breaths[part, 0], n_times, sampling_rate, baseline_wander, noise
            )
        X[part] = derive_leads(signals, INDEPENDENT_LEADS)[0]

    target, target_names = _make_infarction_target(task, regions, infarcted[groups])
    names = np.array(["+".join(compress(regions, row)) or "none" for row in infarcted])
    if as_frame:
        X = to_lead_frame(X, STANDARD_LEADS, sampling_rate=sampling_rate, units="mV")
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


def _draw_infarctions(rng, n_patients, shares, exclusive):
    """Return which regions of which patients are infarcted, bool (n_patients, n_regions)."""
    infarcted = np.zeros((n_patients, len(shares)), dtype=bool)
    if not exclusive:
        for column, share in zip(infarcted.T, shares):
            column[rng.permutation(n_patients)[: _count_infarcted(n_patients, share)]] = True
        return infarcted
    # Rounding the cumulative sum, not each region, keeps the number of infarctions exact.
    total = _count_infarcted(n_patients, sum(shares))
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


def _count_infarcted(n_patients, share):
    share = round(share, 9)  # 0.7 + 0.2 + 0.1 is slightly less than 1
    count = round(share * n_patients)
    if 0 < share < 1 and n_patients > 1:
        count = min(max(count, 1), n_patients - 1)
    return count


def _make_infarction_target(task, regions, infarcted):
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


def _check_class_sep(value):
    if not isinstance(value, Real) or isinstance(value, (bool, np.bool_)):
        raise TypeError(
            f"class_sep must be a number, got {value!r} of type {type(value).__name__}."
        )
    if not value > 0:
        raise ValueError(
            f"class_sep must be above 0, got {value!r}. Pass np.inf for classes without overlap."
        )


def _check_range(name, value, low, high=np.inf, integral=False):
    """Return a number, or a (low, high) pair, as a pair."""
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
    """Return the regions as a tuple, and the share of patients for each."""
    if task not in _SYNTHETIC_TASKS:
        raise ValueError(
            f"task must be one of {', '.join(map(repr, _SYNTHETIC_TASKS))}, got {task!r}."
        )
    if isinstance(regions, str) or not np.iterable(regions):
        regions = (regions,)
    regions = tuple(regions)
    unknown = [region for region in regions if region not in REGION_SOURCES]
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

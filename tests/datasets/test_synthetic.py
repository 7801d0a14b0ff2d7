"""Tests of the synthetic generator."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from sklearn_ecg.datasets import _synthetic, make_ecg
from sklearn_ecg.datasets._dipole_model import REGION_SOURCES
from sklearn_ecg.leads import REGIONS_12, STANDARD_LEADS, is_lead_frame, to_lead_array
from sklearn_ecg.utils._chunks import ChunkBudget

CLEAN = dict(noise=0, baseline_wander=0, respiration=0)
CHEST = ("V1", "V2", "V3", "V4", "V5", "V6")


def leads_of(X, *names):
    return X[:, [STANDARD_LEADS.index(name) for name in names]]


def at_beats(ecg, seconds):
    """Return the mean over beats of each record's signals, at a time in s after the R-peak."""
    shift = round(seconds * ecg.sampling_rate)
    n_times = ecg.data.shape[2]
    values = []
    for signals, peaks in zip(ecg.data, ecg.r_peaks):
        where = peaks + shift
        values.append(signals[:, where[(where >= 0) & (where < n_times)]].mean(axis=1))
    return np.array(values)


def st_elevation(ecg):
    # The J point is about 45 ms after the R-peak, the PR segment ends about 60 ms before it.
    return at_beats(ecg, 0.105) - at_beats(ecg, -0.07)


def test_bunch():
    ecg = make_ecg(7, duration=4, records_per_patient=2, random_state=0)
    assert ecg.data.shape == (7, 12, 400)
    assert ecg.data.dtype == np.float32
    assert ecg.data.flags.c_contiguous
    assert np.isfinite(ecg.data).all()
    assert ecg.lead_names == list(STANDARD_LEADS)
    assert ecg.target.shape == (7,)
    assert ecg.target_names == ["normal", "infarction"]
    assert_array_equal(ecg.groups, [0, 0, 1, 1, 2, 2, 3])
    assert_array_equal(ecg.region == "none", ecg.target == 0)
    assert len(ecg.r_peaks) == 7
    assert ecg.sampling_rate == 100
    assert "7 synthetic 12-lead ECG records of 4 patients" in ecg.DESCR


def test_return_X_y():
    ecg = make_ecg(5, duration=2, random_state=0)
    X, y = make_ecg(5, duration=2, random_state=0, return_X_y=True)
    assert_array_equal(X, ecg.data)
    assert_array_equal(y, ecg.target)


@pytest.mark.parametrize("task", ["infarction", "region", "multilabel"])
def test_as_frame(task):
    kwargs = dict(duration=2, task=task, regions=["septal", "inferior"], random_state=0)
    ecg = make_ecg(6, **kwargs)
    framed = make_ecg(6, as_frame=True, **kwargs)
    assert is_lead_frame(framed.data)
    assert list(framed.data.columns) == list(STANDARD_LEADS)
    assert_array_equal(to_lead_array(framed.data), ecg.data)
    assert_array_equal(framed.target, ecg.target)
    if task == "multilabel":
        assert list(framed.target.columns) == ["septal", "inferior"]
    else:
        assert isinstance(framed.target, pd.Series)
    X, y = make_ecg(6, as_frame=True, return_X_y=True, **kwargs)
    assert X.shape == (6, 12)
    assert_array_equal(X.index, y.index)


@pytest.mark.parametrize("sampling_rate", [50, 62.5, 128, 500, 1000])
@pytest.mark.parametrize("n_times", [1, 2, 333])
def test_any_rate_and_length(sampling_rate, n_times):
    ecg = make_ecg(2, sampling_rate=sampling_rate, duration=n_times / sampling_rate, random_state=0)
    assert ecg.data.shape == (2, 12, n_times)
    assert np.isfinite(ecg.data).all()


def test_one_record():
    ecg = make_ecg(1, random_state=0)
    assert ecg.data.shape == (1, 12, 1000)
    assert_array_equal(ecg.target, [0])
    assert_array_equal(make_ecg(1, prevalence=1, duration=1, random_state=0).target, [1])


def test_limb_lead_identities():
    X = make_ecg(50, prevalence=1, regions="inferior", baseline_wander=0.2, random_state=0).data
    first, second, third, avr, avl, avf = X[:, :6].swapaxes(0, 1)
    tolerance = dict(rtol=1e-6, atol=1e-6)
    assert_allclose(first + third, second, **tolerance)
    assert_allclose(avr + avl + avf, 0, **tolerance)
    assert_allclose(avr, -(first + second) / 2, **tolerance)
    assert_allclose(avl, first - second / 2, **tolerance)
    assert_allclose(avf, second - first / 2, **tolerance)


def test_normal_record_looks_normal():
    ecg = make_ecg(200, sampling_rate=500, duration=3, prevalence=0, random_state=0, **CLEAN)
    lead = dict(zip(STANDARD_LEADS, ecg.data.swapaxes(0, 1)))
    r = {name: np.median(x.max(axis=1)) for name, x in lead.items()}
    s = {name: np.median(-x.min(axis=1)) for name, x in lead.items()}
    # R grows from V1 to V5 and S shrinks from V1 or V2 to V6: rS becomes qRs.
    assert r["V1"] < r["V2"] < r["V3"] < r["V4"] < r["V5"]
    assert s["V2"] > s["V3"] > s["V4"] > s["V5"] > s["V6"]
    assert s["V1"] > 2 * r["V1"]
    assert r["V6"] > 4 * s["V6"]
    assert 0.5 < r["II"] < 1.5 and 0.8 < r["V5"] < 2
    assert s["aVR"] > 4 * r["aVR"]

    baseline = at_beats(ecg, -0.07)
    septal = dict(zip(STANDARD_LEADS, np.median(at_beats(ecg, -0.024) - baseline, axis=0)))
    assert septal["V1"] > 0.1
    assert septal["V6"] < -0.02
    t_wave = np.stack([at_beats(ecg, s) for s in np.arange(0.18, 0.32, 0.02)]) - baseline
    t_sign = dict(zip(STANDARD_LEADS, np.median(t_wave.mean(axis=0), axis=0)))
    assert all(t_sign[name] > 0.03 for name in ("I", "II", *CHEST[1:]))
    assert t_sign["aVR"] < -0.03
    p_wave = np.median(at_beats(ecg, -0.155) - baseline, axis=0)
    p_wave = dict(zip(STANDARD_LEADS, p_wave))
    assert 0.05 < p_wave["II"] < 0.2
    assert p_wave["I"] > 0
    assert p_wave["aVR"] < 0

    net = ecg.data.max(axis=2) + ecg.data.min(axis=2)
    axis = np.degrees(np.arctan2(2 / np.sqrt(3) * net[:, 5], net[:, 0]))
    assert np.mean((axis > -30) & (axis < 90)) > 0.98
    assert 30 < np.median(axis) < 70


@pytest.mark.parametrize("sampling_rate", [100, 1000])
@pytest.mark.parametrize("prevalence", [0, 1])
def test_r_peaks_are_peaks(sampling_rate, prevalence):
    ecg = make_ecg(
        40,
        sampling_rate=sampling_rate,
        duration=6,
        regions=list(REGIONS_12),
        prevalence=prevalence,
        random_state=0,
        **CLEAN,
    )
    strength = np.sqrt(np.mean(leads_of(ecg.data, "I", "II", *CHEST) ** 2, axis=1))
    reach = round(0.06 * sampling_rate)
    n_peaks = 0
    for row, peaks in zip(strength, ecg.r_peaks):
        assert peaks.dtype.kind == "i"
        for peak in peaks[(peaks >= reach) & (peaks < len(row) - reach)]:
            found = np.argmax(row[peak - reach : peak + reach + 1]) - reach
            assert abs(found) <= 1
            n_peaks += 1
    assert n_peaks > 40 * 5


def test_every_beat_is_annotated():
    ecg = make_ecg(20, prevalence=0, random_state=0, **CLEAN)
    for signals, peaks in zip(ecg.data, ecg.r_peaks):
        far = np.ones(signals.shape[1], dtype=bool)
        for peak in peaks:
            far[max(peak - 8, 0) : peak + 9] = False
        # At the edges there may be the QRS of a beat whose R-peak is outside the record.
        far[:8] = far[-8:] = False
        steepness = np.abs(np.diff(signals, axis=1)).max(axis=0)
        assert steepness[far[1:]].max() < 0.3 * steepness[~far[1:]].max()


def test_peaks_lie_within_the_record():
    ecg = make_ecg(100, duration=1.5, random_state=0)
    assert all(0 <= peak < 150 for peaks in ecg.r_peaks for peak in peaks)
    assert {len(peaks) for peaks in ecg.r_peaks} <= {1, 2, 3}


def test_heart_rate():
    ecg = make_ecg(100, heart_rate=(60, 80), heart_rate_variability=0, random_state=0)
    # Rounding moves the first and the last R-peak by at most half a time point.
    rates = np.array([6000 / np.diff(peaks).mean() for peaks in ecg.r_peaks])
    assert 59.5 < rates.min() < 64 and 76 < rates.max() < 80.5
    ecg = make_ecg(3, duration=300, heart_rate=70, random_state=0)
    for peaks in ecg.r_peaks:
        rr = np.diff(peaks) / 100
        assert rr.mean() == pytest.approx(60 / 70, rel=0.01)
        assert rr.std() / rr.mean() == pytest.approx(0.04, rel=0.15)


@pytest.mark.parametrize("heart_rate, variability", [(30, 0.1), (150, 0.04), (150, 0)])
def test_beats_join_smoothly(heart_rate, variability):
    X = make_ecg(
        60,
        sampling_rate=1000,
        duration=3,
        heart_rate=heart_rate,
        heart_rate_variability=variability,
        regions=list(REGIONS_12),
        prevalence=0.5,
        random_state=0,
        **CLEAN,
    ).data
    # A step of 5 µV would appear in the third difference as 15 µV.
    assert np.abs(np.diff(X, n=3, axis=2)).max() < 0.01


def test_chunks_do_not_change_the_signals(monkeypatch):
    kwargs = dict(duration=2, records_per_patient=3, random_state=0)
    X = make_ecg(30, noise=0, baseline_wander=0, **kwargs).data
    # Disturbances are drawn for each chunk, and no two records have the same ones.
    assert len(np.unique(make_ecg(300, **kwargs).data[:, :, 7], axis=0)) == 300
    monkeypatch.setattr(_synthetic, "SYNTHESIS", ChunkBudget(700))
    assert_allclose(make_ecg(30, noise=0, baseline_wander=0, **kwargs).data, X, atol=1e-6)


@pytest.mark.parametrize("sampling_rate", [100, 500])
def test_size_of_disturbances(sampling_rate):
    kwargs = dict(sampling_rate=sampling_rate, prevalence=0, respiration=0, random_state=0)
    clean = make_ecg(150, noise=0, baseline_wander=0, **kwargs).data
    noise = make_ecg(150, noise=0.02, baseline_wander=0, **kwargs).data - clean
    wander = make_ecg(150, noise=0, baseline_wander=0.1, **kwargs).data - clean
    noise, wander = (leads_of(part, "I", "II", "III", *CHEST) for part in (noise, wander))
    assert_allclose(noise.std(axis=(0, 2)), 0.02, rtol=0.03)
    assert_allclose(noise[..., 0].std(), 0.02, rtol=0.1)
    assert_allclose(np.sqrt(np.mean(wander**2, axis=(0, 2))), 0.1, rtol=0.15)
    assert np.abs(np.diff(wander, axis=2)).max() * sampling_rate < 3


def test_respiration_modulates_the_height():
    def spread(respiration):
        ecg = make_ecg(
            10,
            sampling_rate=500,
            prevalence=0,
            respiration=respiration,
            noise=0,
            baseline_wander=0,
            random_state=0,
        )
        heights = [x[10, peaks] for x, peaks in zip(ecg.data, ecg.r_peaks)]
        return np.median([height.std() / height.mean() for height in heights])

    assert spread(0) < 0.02
    assert 0.05 < spread(0.1) < 0.09


@pytest.mark.parametrize("region", REGIONS_12)
def test_infarction_in_the_leads_of_its_region(region):
    kwargs = dict(sampling_rate=250, duration=3, regions=region, random_state=0)
    normal = make_ecg(60, prevalence=0, **kwargs)
    infarcted = make_ecg(60, prevalence=1, **kwargs)
    assert set(infarcted.region) == {region}
    elevation = dict(zip(STANDARD_LEADS, st_elevation(infarcted).mean(axis=0)))
    change = st_elevation(infarcted) - st_elevation(normal)
    change = dict(zip(STANDARD_LEADS, change.mean(axis=0)))
    own = REGIONS_12[region]
    assert min(elevation[lead] for lead in own) >= 0.1
    assert min(change[lead] for lead in own) >= 0.1
    other_chest = [abs(change[lead]) for lead in CHEST if lead not in own]
    assert max(other_chest) < 0.25 * min(change[lead] for lead in own)
    # Other limb leads only have the reciprocal changes that follow from their identities.
    assert all(change[lead] < 0.06 for lead in STANDARD_LEADS if lead not in own)

    # The start of the QRS is more negative than without infarction in the same patients.
    onset = at_beats(infarcted, -0.02) - at_beats(normal, -0.02)
    onset = dict(zip(STANDARD_LEADS, onset.mean(axis=0)))
    assert all(onset[lead] < -0.1 for lead in own)


def test_every_region_has_a_source():
    assert set(REGION_SOURCES) == set(REGIONS_12)


def test_severity_zero_is_normal():
    kwargs = dict(duration=2, class_sep=np.inf, random_state=0)
    normal = make_ecg(20, prevalence=0, **kwargs)
    without_waves = make_ecg(20, prevalence=0.5, severity=0, regions=list(REGIONS_12), **kwargs)
    assert without_waves.target.sum() == 10
    assert_array_equal(without_waves.data, normal.data)
    for expected, peaks in zip(normal.r_peaks, without_waves.r_peaks):
        assert_array_equal(peaks, expected)


def test_severity_grades_the_infarction():
    levels = []
    for severity in (0, 0.5, 1, 2):
        ecg = make_ecg(20, duration=3, prevalence=1, severity=severity, random_state=0)
        levels.append(leads_of(st_elevation(ecg), "V3", "V4").mean())
    assert np.all(np.diff(levels) > 0.05)


def anterior_scores(**kwargs):
    ecg = make_ecg(
        2000, duration=2.5, heart_rate=75, prevalence=0.5, random_state=0, **CLEAN, **kwargs
    )
    return ecg.target, leads_of(st_elevation(ecg), "V3", "V4").mean(axis=1)


@pytest.mark.parametrize("class_sep", [1, 2, 3])
@pytest.mark.parametrize("severity", [0.5, 1])
def test_class_sep_limits_the_auroc(class_sep, severity):
    # The ST segment differs between patients for other reasons as well.
    auroc = roc_auc_score(*anterior_scores(class_sep=class_sep, severity=severity))
    limit = norm.cdf(class_sep / np.sqrt(2))
    assert limit - 0.04 < auroc < limit + 0.015


def test_classes_without_overlap():
    y, elevation = anterior_scores(class_sep=np.inf)
    assert elevation[y == 1].min() > elevation[y == 0].max()


def test_class_sep_changes_only_the_infarction():
    kwargs = dict(duration=2, severity=0, random_state=0)
    assert_array_equal(make_ecg(9, class_sep=1, **kwargs).data, make_ecg(9, **kwargs).data)
    kwargs = dict(duration=2, random_state=0, **CLEAN)
    change = make_ecg(9, class_sep=1, **kwargs).data - make_ecg(9, class_sep=9, **kwargs).data
    assert np.abs(leads_of(change, "V3", "V4")).max() > 0.05


@pytest.mark.parametrize("n_records", [2, 3, 10, 33, 100])
@pytest.mark.parametrize("prevalence", [0, 0.01, 0.3, 0.5, 0.99, 1])
def test_prevalence_is_exact(n_records, prevalence):
    y = make_ecg(n_records, duration=0.1, prevalence=prevalence, random_state=3).target
    expected = round(prevalence * n_records)
    if 0 < prevalence < 1:
        expected = min(max(expected, 1), n_records - 1)
    assert y.sum() == expected


def test_task_region():
    regions = ["septal", "inferior", "lateral"]
    ecg = make_ecg(50, duration=0.1, task="region", regions=regions, random_state=0)
    assert ecg.target_names == ["normal", *regions]
    assert_array_equal(np.bincount(ecg.target), [35, 5, 5, 5])
    names = np.array(["none", *regions])
    assert_array_equal(ecg.region, names[ecg.target])

    shares = {"septal": 0.5, "inferior": 0.1, "lateral": 0.4}
    ecg = make_ecg(
        50, duration=0.1, task="region", regions=regions, prevalence=shares, random_state=0
    )
    assert_array_equal(np.bincount(ecg.target, minlength=4), [0, 25, 5, 20])


def test_no_region_is_empty():
    shares = {"septal": 0.5, "inferior": 0.01, "lateral": 0.01, "anterior": 0}
    ecg = make_ecg(
        10, duration=0.1, task="region", regions=list(shares), prevalence=shares, random_state=0
    )
    assert_array_equal(np.bincount(ecg.target, minlength=5), [5, 3, 1, 1, 0])


def test_shares_that_leave_no_normal_patient():
    shares = {"septal": 0.7, "inferior": 0.2, "lateral": 0.1}
    assert sum(shares.values()) < 1
    y = make_ecg(20, duration=0.1, regions=list(shares), prevalence=shares, random_state=0).target
    assert_array_equal(y, 1)


def test_task_multilabel():
    regions = ["septal", "anterior", "inferior"]
    ecg = make_ecg(
        40, duration=0.1, task="multilabel", regions=regions, prevalence=0.5, random_state=0
    )
    assert ecg.target.shape == (40, 3)
    assert ecg.target_names == regions
    assert_array_equal(ecg.target.sum(axis=0), [20, 20, 20])
    assert ecg.target.sum(axis=1).max() > 1
    for row, region in zip(ecg.target, ecg.region):
        assert region == ("+".join(np.array(regions)[row == 1]) or "none")


def test_several_infarctions_add_up():
    kwargs = dict(duration=3, sampling_rate=250, task="multilabel", random_state=0)
    ecg = make_ecg(20, regions=["septal", "inferior"], prevalence=1, **kwargs)
    assert set(ecg.region) == {"septal+inferior"}
    elevation = st_elevation(ecg).mean(axis=0)
    assert leads_of(elevation[None], *REGIONS_12["septal"], *REGIONS_12["inferior"]).min() > 0.1


def test_records_of_a_patient():
    ecg = make_ecg(
        200, duration=5, regions=["septal", "inferior"], records_per_patient=(2, 4), random_state=0
    )
    sizes = np.bincount(ecg.groups)
    assert set(sizes[:-1]) == {2, 3, 4}
    assert 1 <= sizes[-1] <= 4
    assert sizes.sum() == 200
    assert_array_equal(ecg.groups, np.sort(ecg.groups))
    for patient in range(len(sizes)):
        assert len(set(ecg.region[ecg.groups == patient])) == 1
    assert len(np.unique(ecg.data[:, 1, 0])) == 200

    # R waves of one patient are similar, because the anatomy is the same.
    height = leads_of(ecg.data, "V5").max(axis=2)[:, 0]
    means = np.array([height[ecg.groups == patient].mean() for patient in range(len(sizes))])
    assert np.std(height - means[ecg.groups]) < 0.5 * np.std(means)


def test_reproducible():
    kwargs = dict(duration=2, records_per_patient=(1, 3), regions=list(REGIONS_12))
    first, again = (make_ecg(30, random_state=4, **kwargs) for _ in range(2))
    assert_array_equal(first.data, again.data)
    assert_array_equal(first.target, again.target)
    state = np.random.RandomState(4)
    one, two = (make_ecg(30, random_state=state, **kwargs) for _ in range(2))
    assert_array_equal(one.data, first.data)
    assert np.any(two.data != one.data)
    assert np.any(make_ecg(30, **kwargs).data != make_ecg(30, **kwargs).data)


@pytest.mark.parametrize("random_state", [None, 0])
def test_global_random_state_is_untouched(random_state):
    before = np.random.get_state()[1:3]
    make_ecg(3, duration=1, random_state=random_state)
    after = np.random.get_state()[1:3]
    assert_array_equal(before[0], after[0])
    assert before[1] == after[1]


@pytest.mark.parametrize(
    "kwargs, error, match",
    [
        (dict(n_records=0), ValueError, "n_records must be at least 1 and finite, got 0"),
        (dict(n_records=2.5), TypeError, "n_records must be an integer, got 2.5 of type float"),
        (dict(n_records=True), TypeError, "n_records must be an integer"),
        (dict(sampling_rate=20), ValueError, "sampling_rate must be from 50 to 1000, got 20"),
        (dict(sampling_rate="fast"), TypeError, "sampling_rate must be a number, got 'fast'"),
        (dict(duration=-1), ValueError, "duration must be at least 0"),
        (dict(duration=0.004), ValueError, "shorter than one time point.*longer duration"),
        (dict(severity=np.nan), ValueError, "severity must be at least 0 and finite, got nan"),
        (dict(class_sep=0), ValueError, "class_sep must be above 0, got 0. Pass np.inf"),
        (dict(class_sep=np.nan), ValueError, "class_sep must be above 0, got nan"),
        (dict(class_sep="2"), TypeError, "class_sep must be a number, got '2' of type str"),
        (dict(class_sep=True), TypeError, "class_sep must be a number, got True of type bool"),
        (dict(noise=-0.1), ValueError, "noise must be at least 0"),
        (dict(baseline_wander=np.inf), ValueError, "baseline_wander must be .* finite"),
        (dict(respiration=2), ValueError, "respiration must be from 0 to 1, got 2"),
        (dict(heart_rate_variability=0.5), ValueError, "heart_rate_variability must be from"),
        (dict(heart_rate=(100, 50)), ValueError, "heart_rate must be a .* with low <= high"),
        (dict(heart_rate=(50, 70, 90)), ValueError, "heart_rate must be a number or a .* pair"),
        (dict(heart_rate=500), ValueError, "heart_rate must be from 30 to 150, got 500"),
        (dict(heart_rate=None), TypeError, "heart_rate must be a number, got None"),
        (dict(records_per_patient=0), ValueError, "records_per_patient must be at least 1"),
        (dict(records_per_patient=(1, 2.5)), TypeError, "records_per_patient must be an integer"),
        (dict(task="rhythm"), ValueError, "task must be one of 'infarction', .*, got 'rhythm'"),
        (dict(regions=[]), ValueError, "regions must be one or more of 'inferior'"),
        (dict(regions=None), ValueError, "regions must be one or more of 'inferior'"),
        (dict(regions=["V3"]), ValueError, r"regions must be .* each once, got \('V3',\)"),
        (dict(regions=["septal", "septal"]), ValueError, "regions must be .* each once"),
        (dict(prevalence=1.5), ValueError, "prevalence must be from 0 to 1, got 1.5"),
        (dict(prevalence={"septal": 0.2}), ValueError, "prevalence must give a share for each"),
        (dict(prevalence={"anterior": -1}), ValueError, "prevalence must be from 0 to 1"),
        (
            dict(regions=["septal", "lateral"], prevalence={"septal": 0.6, "lateral": 0.6}),
            ValueError,
            "must not add up to more than 1 .* got 1.2",
        ),
    ],
)
def test_errors(kwargs, error, match):
    with pytest.raises(error, match=match):
        make_ecg(**kwargs)

"""Tests of ElectrodeSwapDetector."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold

from sklearn_ecg.datasets import load_ptbxl, make_ecg
from sklearn_ecg.leads import STANDARD_LEADS, to_lead_array, to_lead_frame
from sklearn_ecg.leads._electrodes import (
    CHEST_LEADS,
    DEFAULT_SWAPS,
    derive_limb_leads,
    swapped_leads,
)
from sklearn_ecg.persistence import load, save
from sklearn_ecg.preprocessing import ElectrodeSwapDetector, _electrode_swaps
from sklearn_ecg.preprocessing._swap_features import LeadLayout, measure_records
from sklearn_ecg.preprocessing._swap_model import (
    SwapModel,
    choose_thresholds,
    count_alarms,
    divide_alarms,
)

RATE = 100
LIMB_SWAPS = ("RA-LA", "RA-LL", "LA-LL")
CHEST_SWAPS = tuple("-".join(pair) for pair in combinations(CHEST_LEADS, 2))
EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


@pytest.fixture(scope="module")
def training():
    return make_ecg(60, duration=5, class_sep=np.inf, random_state=0).data


@pytest.fixture(scope="module")
def new():
    return make_ecg(12, duration=5, class_sep=np.inf, random_state=1).data


def make_detector(**params):
    return ElectrodeSwapDetector(RATE, **{"false_alarm_rate": 0.05, **params})


@pytest.fixture(scope="module")
def detector(training):
    return make_detector().fit(training)


def leads_of(potentials):
    """Return the twelve leads of the potentials of RA, LA, LL and V1 to V6, by definition."""
    ra, la, ll = (potentials[name] for name in ("RA", "LA", "LL"))
    reference = (ra + la + ll) / 3
    leads = {
        "I": la - ra,
        "II": ll - ra,
        "III": ll - la,
        "aVR": ra - (la + ll) / 2,
        "aVL": la - (ra + ll) / 2,
        "aVF": ll - (ra + la) / 2,
    }
    return leads | {name: potentials[name] - reference for name in CHEST_LEADS}


@pytest.mark.parametrize("swap", [*LIMB_SWAPS, *CHEST_SWAPS, "chest reversed"])
def test_swaps_are_those_of_the_potentials(swap):
    rng = np.random.default_rng(0)
    before = {name: rng.standard_normal(5) for name in ("RA", "LA", "LL", *CHEST_LEADS)}
    after = dict(before)
    if swap == "chest reversed":
        after.update({name: before[other] for name, other in zip(CHEST_LEADS, CHEST_LEADS[::-1])})
    else:
        first, second = swap.split("-")
        after.update({first: before[second], second: before[first]})
    leads, expected = leads_of(before), leads_of(after)
    sources = swapped_leads(swap)
    for lead in STANDARD_LEADS:
        source, sign = sources.get(lead, (lead, 1))
        np.testing.assert_allclose(sign * leads[source], expected[lead], atol=1e-12)


def test_two_limb_leads_determine_the_others():
    potentials = np.random.default_rng(0).standard_normal((3, 5))
    leads = leads_of(dict(zip(("RA", "LA", "LL"), potentials)) | dict.fromkeys(CHEST_LEADS, 0))
    names = STANDARD_LEADS[:6]
    expected = np.stack([leads[name] for name in names])
    for pair in combinations(names, 2):
        given = np.stack([leads[name] for name in pair])
        found = derive_limb_leads(given[None], pair, names)[0]
        np.testing.assert_allclose(found, expected, atol=1e-12, err_msg=f"from {pair}")


@pytest.mark.parametrize("swap", DEFAULT_SWAPS)
def test_swaps_are_named_and_repaired(detector, new, swap):
    swapped = detector.simulate(new, swap)
    assert not np.array_equal(swapped, new)
    assert (detector.predict(swapped) == swap).all()
    np.testing.assert_array_equal(detector.transform(swapped), new)
    assert (detector.report(swapped)["swap"] == swap).all()


def test_correct_records_are_not_changed(detector, new):
    assert (detector.predict(new) == "none").all()
    np.testing.assert_array_equal(detector.transform(new), new)
    report = detector.report(new)
    assert (report["action"] == "unchanged").all() and (report["score"] <= 0).all()
    assert report["likeliest"].isin(DEFAULT_SWAPS).all()


@pytest.mark.parametrize("swap", DEFAULT_SWAPS)
def test_measurements_after_a_swap_are_those_of_swapped_signals(detector, new, swap):
    layout = LeadLayout(STANDARD_LEADS)
    measures, _ = measure_records(new, layout, RATE, 0.3)
    expected, _ = measure_records(detector.simulate(new, swap), layout, RATE, 0.3)
    found = measures.after(swap, layout)
    np.testing.assert_allclose(found.values, expected.values, atol=2e-3, rtol=1e-3)
    np.testing.assert_allclose(found.correlation, expected.correlation, atol=1e-4)


def test_logits_change_their_sign(detector, new):
    logits = detector.decision_function(new) + detector.thresholds_
    for i, swap in enumerate(detector.swaps_):
        swapped = detector.decision_function(detector.simulate(new, swap)) + detector.thresholds_
        np.testing.assert_allclose(swapped[:, i], -logits[:, i], atol=0.05)


@pytest.mark.parametrize(
    "leads, swaps",
    [
        (STANDARD_LEADS, DEFAULT_SWAPS),
        (EIGHT, DEFAULT_SWAPS),
        (("III", "II", *CHEST_LEADS), DEFAULT_SWAPS),
        (STANDARD_LEADS[:6], LIMB_SWAPS),
        (("aVL", "aVF"), LIMB_SWAPS),
        (("I",), ("RA-LA",)),
        (("II", "V2"), ("RA-LL",)),
        (CHEST_LEADS, DEFAULT_SWAPS[3:]),
        (("V1", "V3"), ("V1-V3",)),
    ],
)
def test_available_leads(new, leads, swaps):
    X = new[:, [STANDARD_LEADS.index(lead) for lead in leads]]
    detector = make_detector(lead_names=leads, false_alarm_rate=0.2).fit(X)
    assert detector.swaps_ == swaps
    assert detector.decision_function(X).shape == (12, len(swaps))


@pytest.mark.parametrize("swap", [*LIMB_SWAPS, "V2-V5"])
def test_some_leads_are_swapped_as_all_are(detector, new, swap):
    leads = ("aVF", "V5", "I", "V2", "aVR")
    places = [STANDARD_LEADS.index(lead) for lead in leads]
    few = make_detector(lead_names=leads, false_alarm_rate=0.2).fit(new[:, places])
    np.testing.assert_allclose(
        few.simulate(new[:, places], swap), detector.simulate(new, swap)[:, places], atol=1e-6
    )


def test_other_leads_are_not_changed(new):
    leads = ("I", "II", "V9")
    X = new[:, [0, 1, 6]]
    detector = make_detector(lead_names=leads, false_alarm_rate=0.2).fit(X)
    np.testing.assert_array_equal(detector.simulate(X, "RA-LA")[:, 2], X[:, 2])


def test_alarms_are_divided_so_that_most_swaps_are_found():
    rng = np.random.default_rng(0)
    logits = rng.normal([-1, -2, -0.5], [1, 2, 0.4], size=(30, 3))
    n_alarms = 4
    ordered = -np.sort(-logits, axis=0)
    best = 0
    for counts in product(range(n_alarms + 1), repeat=3):
        if sum(counts) <= n_alarms:
            limits = np.maximum([ordered[k, i] for i, k in enumerate(counts)], 0)
            best = max(best, (-logits > limits).mean(axis=0).sum())
    limits = divide_alarms(logits, n_alarms)
    assert (-logits > limits).mean(axis=0).sum() == pytest.approx(best)
    assert (logits > limits).any(axis=1).sum() <= n_alarms
    assert (limits >= 0).all()
    # More alarms, lower limits.
    assert divide_alarms(logits, 8).sum() < divide_alarms(logits, 0).sum()


def test_rate_of_false_alarms_in_other_records():
    rng = np.random.default_rng(0)
    folds = list(KFold(5).split(np.empty(100)))
    n_swaps, rate, rates, naive = 6, 0.1, [], []
    for _ in range(60):
        logits = rng.normal(-1, 1.5, size=(2100, n_swaps))
        known, others = logits[:100], logits[100:]
        thresholds = choose_thresholds(known, folds, rate)
        rates.append((others > thresholds).any(axis=1).mean())
        naive.append((others > divide_alarms(known, count_alarms(100, rate))).any(axis=1).mean())
    assert 0.7 * rate < np.mean(rates) < 1.05 * rate
    assert np.mean(naive) > rate + 0.03


def test_groups_are_on_one_side(training, monkeypatch):
    class Spy(SwapModel):
        def fit(self, measures):
            self.seen_ = {row.tobytes() for row in measures.values}
            return super().fit(measures)

        def decision_function(self, measures):
            overlaps.append(bool(self.seen_ & {row.tobytes() for row in measures.values}))
            return super().decision_function(measures)

    monkeypatch.setattr(_electrode_swaps, "SwapModel", Spy)
    X, groups = np.concatenate([training[:20]] * 2), np.tile(np.arange(20), 2).astype(str)
    overlaps = []
    make_detector().fit(X, groups=pd.Series(groups, index=range(5, 45)))
    assert overlaps == [False] * 5
    overlaps = []
    make_detector().fit(X)
    assert any(overlaps)


def test_records_without_beats(detector, new):
    X = new.copy()
    X[1] = 0
    X[2] = np.random.default_rng(0).normal(scale=0.3, size=X[2].shape)
    assert detector.predict(X)[:4].tolist() == ["none", "unknown", "unknown", "none"]
    scores = detector.decision_function(X)
    np.testing.assert_array_equal(scores[1:3], [-detector.thresholds_] * 2)
    np.testing.assert_array_equal(detector.transform(X), X)
    report = detector.report(X)
    assert report["action"][1] == "unchanged, no reliable beats or a flat lead"
    assert report["likeliest"][1] == "unknown"


@pytest.mark.parametrize("lead", [1, 7])
def test_flat_leads_are_not_repaired(detector, new, lead):
    X = new.copy()
    X[3, lead] = 0.1
    assert detector.predict(X)[3] == "unknown"
    assert (np.delete(detector.predict(X), 3) == "none").all()
    np.testing.assert_array_equal(detector.transform(X), X)


def test_unreliable_training_records_are_not_used(detector, training, new):
    X = np.concatenate([training, np.zeros_like(training[:2])])
    other = make_detector().fit(X)
    assert other.n_reliable_ == 60
    np.testing.assert_allclose(
        other.decision_function(new), detector.decision_function(new), atol=1e-3
    )


def test_few_records_warn(new):
    with pytest.warns(UserWarning, match="false_alarm_rate=0.01 needs at least 99.*12 of the 12"):
        detector = ElectrodeSwapDetector(RATE).fit(new)
    assert np.isfinite(detector.thresholds_).all()
    # Without any reliable record.
    detector = ElectrodeSwapDetector(RATE).fit(np.zeros_like(new))
    assert (detector.predict(new) == "unknown").all()
    assert (detector.decision_function(new) == 0).all()


def test_frames_keep_index_and_leads(detector, training, new):
    frame = to_lead_frame(new, STANDARD_LEADS, index=np.arange(12) * 7 + 3)
    fitted = make_detector().fit(to_lead_frame(training, STANDARD_LEADS))
    swapped = fitted.simulate(frame, "V1-V2")
    repaired = fitted.transform(swapped)
    assert repaired.index.equals(frame.index)
    np.testing.assert_array_equal(to_lead_array(repaired), new)
    assert fitted.report(swapped).index.equals(frame.index)
    np.testing.assert_array_equal(fitted.decision_function(frame), detector.decision_function(new))


def test_action_names_the_changed_leads(detector, new):
    actions = detector.report(detector.simulate(new[:1], "RA-LL"))["action"]
    assert actions[0] == "I = -III; II inverted; III = -I; aVR = aVF; aVF = aVR"


def test_saved_detector_gives_the_same_scores(detector, new, tmp_path):
    save(detector, tmp_path / "detector.ecg")
    loaded = load(tmp_path / "detector.ecg")
    np.testing.assert_array_equal(loaded.decision_function(new), detector.decision_function(new))


@pytest.mark.parametrize(
    "params, message",
    [
        ({"sampling_rate": None}, "ElectrodeSwapDetector needs sampling_rate"),
        ({"sampling_rate": 50}, "sampling_rate must be from 100 to 1000 Hz"),
        ({"false_alarm_rate": 0}, "The 'false_alarm_rate' parameter of ElectrodeSwapDetector"),
        ({"swaps": "RA-LA"}, r"swaps must be a list.*Pass \['RA-LA'\]"),
        ({"swaps": ["RA-V1"]}, "swaps: the swap 'RA-V1' is unknown. Pass two electrodes"),
        ({"swaps": ["RA-RL"]}, "swaps: the swap 'RA-RL' is unknown. RL is only the reference"),
        ({"swaps": ["V1-V1"]}, "swaps: the swap 'V1-V1' is unknown"),
        ({"swaps": []}, "None of the swaps can be simulated: the leads present are I, II"),
    ],
)
def test_errors(new, params, message):
    with pytest.raises(ValueError, match=message):
        make_detector().set_params(**params).fit(new)


def test_a_swap_that_is_given_twice_is_detected_once(training):
    swaps = ["V1-V2", "RA-LA", "V2-V1", "LA-RA", "V1-V2"]
    assert make_detector(swaps=swaps).fit(training).swaps_ == ("V1-V2", "RA-LA")


def test_errors_for_leads(detector, new):
    with pytest.raises(ValueError, match="needs the names of the 3 leads"):
        make_detector().fit(new[:, :3])
    with pytest.raises(ValueError, match="the leads present are V1, V9"):
        make_detector(lead_names=["V1", "V9"]).fit(new[:, :2])
    with pytest.raises(ValueError, match="'V1-V2' cannot be simulated with the leads I, II, V1"):
        make_detector(lead_names=["I", "II", "V1"], swaps=["V1-V2"]).fit(new[:, :3])
    with pytest.raises(ValueError, match="groups has a single patient"):
        make_detector().fit(new, groups=np.zeros(12))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        make_detector().fit(new, groups=np.arange(11))
    X = new.copy()
    X[0, 6] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        detector.predict(X)


def test_real_records(data_folder):
    """The user guide reports figures of more records."""
    ecg = load_ptbxl(data_folder / "ptbxl", task="all", folds=[1, 2, 3])
    train = np.arange(len(ecg.data)) % 4 > 0
    detector = ElectrodeSwapDetector(RATE).fit(ecg.data[train], groups=ecg.groups[train])
    X = ecg.data[~train]
    assert (detector.predict(X) != "none").mean() < 0.05
    for swap in ("RA-LA", "chest reversed"):
        assert (detector.predict(detector.simulate(X, swap)) == swap).mean() > 0.9

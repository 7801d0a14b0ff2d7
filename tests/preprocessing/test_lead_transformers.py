"""Tests of LeadSelector and LeadDeriver."""

import numpy as np
import pytest

from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.leads import (
    REGIONS_8,
    REGIONS_12,
    STANDARD_LEADS,
    derive_leads,
    is_lead_frame,
    to_lead_array,
    to_lead_frame,
)
from sklearn_ecg.preprocessing import LeadDeriver, LeadSelector

X = np.arange(3 * 12 * 20, dtype=np.float32).reshape(3, 12, 20)
FRAME = to_lead_frame(X, index=["a", "b", "c"])


@pytest.mark.parametrize(
    "params, leads",
    [
        ({}, STANDARD_LEADS),
        ({"leads": ["V2", "II"]}, ("V2", "II")),
        ({"leads": ["lead ii", "AVR"]}, ("II", "aVR")),
        ({"leads": [7, 1]}, ("V2", "II")),
        ({"leads": np.array([0])}, ("I",)),
        ({"region": "inferior"}, REGIONS_12["inferior"]),
        ({"region": ["septal", "anterior"]}, ("V1", "V2", "V3", "V4")),
        ({"region": "inferior", "regions": "eight"}, REGIONS_8["inferior"]),
        (
            {"region": ["a", "b"], "regions": {"a": ["I", "V1"], "b": ["V1", "V6"]}},
            ("I", "V1", "V6"),
        ),
    ],
)
def test_selected_leads(params, leads):
    positions = [STANDARD_LEADS.index(lead) for lead in leads]
    selector = LeadSelector(**params).fit(X)
    np.testing.assert_array_equal(selector.transform(X), X[:, positions])
    assert tuple(selector.get_feature_names_out()) == leads
    frame = LeadSelector(**params).fit_transform(FRAME)
    assert is_lead_frame(frame) and tuple(frame.columns) == leads
    assert list(frame.index) == ["a", "b", "c"]
    np.testing.assert_array_equal(to_lead_array(frame), X[:, positions])


def test_leads_without_names_are_selected_by_position():
    selector = LeadSelector([4, 2]).fit(X[:, :5])
    np.testing.assert_array_equal(selector.transform(X[:, :5]), X[:, [4, 2]])
    assert list(selector.get_feature_names_out()) == ["lead4", "lead2"]


def test_a_missing_lead_can_be_left_out():
    gap = X.copy()
    gap[:, 3] = np.nan
    selected = LeadSelector([lead for lead in STANDARD_LEADS if lead != "aVR"]).fit_transform(gap)
    assert np.isfinite(selected).all()


@pytest.mark.parametrize(
    "params, message",
    [
        ({"leads": ["II", "V9"]}, "leads: V9 not found. The leads present are I, II"),
        ({"leads": ["II", "lead II"]}, "are both lead II"),
        ({"leads": [12]}, "position 12 is out of bounds; X has 12 leads, at positions 0 to 11"),
        ({"leads": [-1]}, "position -1 is out of bounds"),
        ({"leads": [1, 1]}, "contains a position twice"),
        ({"leads": []}, "leads is empty"),
        ({"leads": [1], "region": "septal"}, "leads and region are both given"),
        ({"region": "apical"}, "region='apical' is unknown: the regions are inferior, lateral"),
        ({"regions": "nine"}, "The 'regions' parameter of LeadSelector"),
        ({"leads": "II"}, "The 'leads' parameter of LeadSelector must be an array-like"),
    ],
)
def test_selector_errors(params, message):
    with pytest.raises(ValueError, match=message):
        LeadSelector(**params).fit(X)


def test_selecting_by_name_requires_names():
    with pytest.raises(ValueError, match="the leads of X have no names.*lead_names, or positions"):
        LeadSelector(["II"]).fit(X[:, :5])
    with pytest.raises(ValueError, match="Regions need the names of the leads"):
        LeadSelector(region="septal").fit(X[:, :5])


def test_deriver_is_equivalent_to_derive_leads():
    leads = ["V1", "II", "I"]
    deriver = LeadDeriver(lead_names=leads).fit(X[:, :3])
    expected, names = derive_leads(X[:, :3], leads)
    np.testing.assert_array_equal(deriver.transform(X[:, :3]), expected)
    assert tuple(deriver.get_feature_names_out()) == names == deriver.leads_out_
    frame = LeadDeriver().fit_transform(to_lead_frame(X[:, :3], leads, index=["a", "b", "c"]))
    assert tuple(frame.columns) == names and list(frame.index) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "params, message",
    [
        ({}, "LeadDeriver needs the names of the 3 leads"),
        ({"lead_names": ["V1", "V2", "I"]}, "requires leads I and II, but II is missing"),
        ({"lead_names": ["V1", "II", "I"], "derive": ["V2"]}, r"derive=\['V2'\] cannot be derived"),
        ({"derive": 3}, "The 'derive' parameter of LeadDeriver"),
    ],
)
def test_deriver_errors(params, message):
    with pytest.raises(ValueError, match=message):
        LeadDeriver(**params).fit(X[:, :3])


def test_derived_leads_of_ptbxl(data_folder):
    """Derived leads agree with the recorded ones, except for their rounding to 1 µV."""
    ecg = load_ptbxl(data_folder / "ptbxl", folds=[9])
    frame = to_lead_frame(ecg.data[:50])
    kept = [lead for lead in STANDARD_LEADS if lead not in ("III", "aVR", "aVL", "aVF")]
    derived = LeadDeriver().fit_transform(LeadSelector(kept).fit_transform(frame))
    assert tuple(derived.columns) == STANDARD_LEADS
    np.testing.assert_allclose(to_lead_array(derived), ecg.data[:50], atol=0.0025)


def test_booleans_are_not_positions():
    with pytest.raises(TypeError, match=r"leads=\[True, False\] contains booleans.*flatnonzero"):
        LeadSelector([True, False]).fit(np.zeros((3, 2, 10)))

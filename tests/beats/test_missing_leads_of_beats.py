"""Leads that are NaN at all time points of a record: the other leads are measured without them."""

import numpy as np
import pytest

from sklearn_ecg import STANDARD_LEADS, detect_r_peaks, to_lead_frame
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.preprocessing import BeatFeatures, MedianBeat

# The leads that each record of `incomplete` has, by position in the standard order.
KEPT = (
    range(12),
    [0],
    [0, 1, 7],
    range(6),
    range(6, 12),
    [2, 5, 7],
    [],
    range(12),
    [0],
    [i for i in range(12) if i != 5],
)


@pytest.fixture(scope="module")
def complete():
    X = make_ecg(10, noise=0.02, class_sep=np.inf, random_state=0).data
    X[7, :, ::97] += 3  # spikes
    X[8, :, ::90] += 3
    return X


@pytest.fixture(scope="module")
def incomplete(complete):
    X = np.full_like(complete, np.nan)
    for record, leads in enumerate(KEPT):
        X[record, list(leads)] = complete[record, list(leads)]
    return X


def alone(complete, record):
    """Return a record with the leads that it keeps, as a lead frame."""
    leads = list(KEPT[record])
    return to_lead_frame(complete[[record]][:, leads], [STANDARD_LEADS[lead] for lead in leads])


WITH_LEADS = [record for record, leads in enumerate(KEPT) if len(leads)]


def test_r_peaks_are_those_of_a_record_without_the_leads(complete, incomplete):
    rhythm = detect_r_peaks(incomplete, 100)
    for record in WITH_LEADS:
        expected = detect_r_peaks(alone(complete, record), 100)
        np.testing.assert_array_equal(rhythm.peaks[record], expected.peaks[0])
        np.testing.assert_array_equal(rhythm.spikes[record], expected.spikes[0])
        np.testing.assert_allclose(rhythm.similarity[record], expected.similarity[0], rtol=1e-5)
        assert rhythm.reliability[record] == pytest.approx(expected.reliability[0], rel=1e-5)
    assert len(rhythm.peaks[6]) == len(rhythm.spikes[6]) == 0 and rhythm.reliability[6] == 0
    assert np.isnan(rhythm.heart_rate()[6]) and len(rhythm.ectopic()[6]) == 0


@pytest.mark.parametrize("average", ["median", "trimmed_mean"])
def test_beats_are_those_of_a_record_without_the_leads(complete, incomplete, average):
    options = {"sampling_rate": 100, "average": average, "unreliable": "nan"}
    transformer = MedianBeat(**options).fit(incomplete)
    beats = transformer.transform(incomplete)
    for record in WITH_LEADS:
        leads = list(KEPT[record])
        expected = MedianBeat(**options, n_leads=len(leads)).fit_transform(alone(complete, record))
        expected = np.stack([np.stack(list(cells)) for cells in expected.to_numpy()])
        np.testing.assert_allclose(beats[[record]][:, leads], expected, atol=1e-5)
        assert np.isnan(np.delete(beats[record], leads, axis=0)).all()
    assert np.isnan(beats[6]).all()
    report = transformer.report(incomplete)
    assert report["status"][6] == "unreliable beats" and report["beats_found"][6] == 0


def test_a_record_without_leads_is_unreliable(incomplete):
    with pytest.raises(ValueError, match="1 of 10 records .* record 6"):
        MedianBeat(100).fit(incomplete).transform(incomplete)
    beats = MedianBeat(100, unreliable="record_average").fit_transform(incomplete)
    assert np.isnan(beats[6]).all() and np.isfinite(beats[0]).all()


@pytest.mark.parametrize("container", ["array", "lead frame", "cells", "rows"])
def test_features_are_those_of_a_record_without_the_leads(complete, incomplete, container):
    X, params = incomplete, {}
    if container == "rows":
        X, params = X.reshape(len(X), -1), {"n_leads": 12}
    elif container == "lead frame":
        X = to_lead_frame(X)
    elif container == "cells":
        X, params = to_lead_frame(X).to_numpy(), {"lead_names": STANDARD_LEADS}
    transformer = BeatFeatures(100, drop_empty=False, **params)
    features = transformer.fit_transform(X)
    names = transformer.get_feature_names_out().tolist()
    for record in WITH_LEADS:
        alone_transformer = BeatFeatures(100, drop_empty=False)
        expected = alone_transformer.fit_transform(alone(complete, record))
        known = alone_transformer.get_feature_names_out()
        columns = [names.index(name) for name in known]
        np.testing.assert_allclose(features[record, columns], expected[0], rtol=1e-3, atol=1e-3)
        assert np.isnan(np.delete(features[record], columns)).all()
    assert np.isfinite(features[1, names.index("I__r_amplitude")])
    # Axes need I and aVF, or I and II.
    axis = names.index("global__qrs_axis")
    np.testing.assert_array_equal(
        np.isnan(features[:, axis]), [not {0, 1} <= set(leads) for leads in KEPT]
    )
    of_record = features[6][[names.index("global__n_beats"), names.index("global__reliability")]]
    np.testing.assert_array_equal(of_record, [0, 0])
    assert np.isfinite(features[6]).sum() == 2


def test_gap_in_a_derived_lead_counts_only_if_the_lead_is_used(complete):
    """III is not used if I and II are present."""
    X = complete[:3].copy()
    X[1, 2, 40] = np.nan
    expected = detect_r_peaks(complete[:3], 100)
    np.testing.assert_array_equal(detect_r_peaks(X, 100).peaks[1], expected.peaks[1])
    assert detect_r_peaks(X, 100).after_gap is None
    X[1, 0] = np.nan
    assert not np.concatenate(detect_r_peaks(X, 100).after_gap).any()
    # With infinity, it is an error in both cases.
    X[1, 2, 50] = np.inf
    with pytest.raises(ValueError, match="infinity.*record 1, lead III, time point 50"):
        detect_r_peaks(X, 100)


def test_features_of_a_lead_that_no_record_has_are_left_out(complete):
    X = complete[:4].copy()
    X[:, 7] = np.nan
    names = BeatFeatures(100).fit(X).get_feature_names_out()
    assert not any(name.startswith("V2__") for name in names)
    assert "global__r_transition" not in names and "global__sokolow_lyon" in names

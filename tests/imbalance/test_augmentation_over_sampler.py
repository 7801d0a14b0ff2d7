"""AugmentationOverSampler."""

import re

import numpy as np
import pandas as pd
import pytest
import torch

from sklearn_ecg.augmentation import (
    AmplitudeScale,
    CardiacCycleMask,
    Compose,
    GaussianNoise,
    TemporalShift,
    TimeMask,
)
from sklearn_ecg.imbalance import AugmentationOverSampler, RecordOverSampler
from sklearn_ecg.leads import to_lead_array, to_lead_frame


def test_new_records_are_transformed_copies(ecg):
    transform = Compose([TemporalShift(0.3, sampling_rate=100), AmplitudeScale(0.1)])
    sampler = AugmentationOverSampler(transform, random_state=0, lead_names=list("abcd"))
    X, y = sampler.fit_resample(ecg.data, ecg.target)
    sources = sampler.sample_indices_[60:]
    np.testing.assert_array_equal(X[:60], ecg.data)
    np.testing.assert_array_equal(y, ecg.target[sampler.sample_indices_])
    assert np.bincount(y).tolist() == [48, 48]
    # Each new record is its source, shifted in a circle by up to 30 time points, times a factor.
    kinds = set()
    for new, source in zip(X[60:], ecg.data[sources]):
        shifts = {
            shift: np.linalg.norm(new) / np.linalg.norm(source)
            for shift in range(-30, 31)
            if np.corrcoef(new.ravel(), np.roll(source, shift, axis=1).ravel())[0, 1] > 0.99999
        }
        ((shift, factor),) = shifts.items()
        np.testing.assert_allclose(new, factor * np.roll(source, shift, axis=1), atol=1e-5)
        assert 0.9 <= factor <= 1.1
        kinds.add((shift, factor))
    assert len(kinds) == 36


def test_draws_are_those_of_record_over_sampler(ecg, indicator):
    for y, groups in ((ecg.target, None), (ecg.target, ecg.groups), (indicator, None)):
        plain = RecordOverSampler(random_state=4)
        plain.fit_resample(ecg.data, y, groups=groups)
        sampler = AugmentationOverSampler(AmplitudeScale(), random_state=4)
        sampler.fit_resample(ecg.data, y, groups=groups)
        np.testing.assert_array_equal(sampler.sample_indices_, plain.sample_indices_)
        assert sampler.sampling_strategy_ == plain.sampling_strategy_


def test_every_container(container, ecg, as_rows):
    X, params = container
    sampler = AugmentationOverSampler(AmplitudeScale(), random_state=0, **params)
    X_new, y_new = sampler.fit_resample(X, ecg.target)
    assert type(X_new) is type(X)
    reference = AugmentationOverSampler(AmplitudeScale(), random_state=0)
    # torch draws other numbers for float64, which the numbers of lists are.
    signals = ecg.data.astype(np.float64 if isinstance(X, list) else np.float32)
    expected, y_expected = reference.fit_resample(signals, ecg.target)
    np.testing.assert_allclose(as_rows(X_new), as_rows(expected), rtol=1e-6)
    np.testing.assert_array_equal(as_rows(X_new)[:60], as_rows(ecg.data))
    np.testing.assert_array_equal(y_new, y_expected)
    if isinstance(X, pd.DataFrame):
        assert X_new.columns.equals(X.columns)
        assert list(X_new.dtypes) == list(X.dtypes)
        assert X_new.attrs == X.attrs
        assert list(X_new.index) == list(range(96))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16])
def test_dtype(dtype, ecg):
    X = (1000 * ecg.data).astype(dtype)
    X_new, _ = AugmentationOverSampler(AmplitudeScale()).fit_resample(X, ecg.target)
    assert X_new.dtype == (np.float64 if dtype is np.float64 else np.float32)
    np.testing.assert_array_equal(X_new[:60], X)


def test_cells_of_lists(ecg):
    """Frames of other cells than Arrow lists of fixed size become frames of these."""
    frame = to_lead_frame(ecg.data, ["I", "II", "III", "V2"]).map(np.asarray).astype(object)
    X_new, _ = AugmentationOverSampler(AmplitudeScale()).fit_resample(frame, ecg.target)
    np.testing.assert_array_equal(to_lead_array(X_new)[:60], ecg.data)


def test_r_peaks_are_not_masked(ecg):
    mask = CardiacCycleMask(sampling_rate=100)
    assert mask.needs_peaks
    sampler = AugmentationOverSampler(mask, sampling_rate=100, random_state=0)
    X, _ = sampler.fit_resample(ecg.data, ecg.target)
    new, source = X[60:], ecg.data[sampler.sample_indices_[60:]]
    masked = (new == 0).all(axis=1)
    assert 0.05 < masked.mean() < 0.6
    np.testing.assert_array_equal(new, np.where(masked[:, np.newaxis], 0, source))
    size = np.abs(source).max(axis=1)
    assert not masked[np.arange(36), size.argmax(axis=1)].any()


def test_limb_leads_keep_their_identities(ecg):
    transforms = [TemporalShift(0.3, sampling_rate=100), AmplitudeScale(), TimeMask()]
    X, _ = AugmentationOverSampler(transforms).fit_resample(ecg.data.astype(float), ecg.target)
    lead_i, lead_ii, lead_iii, _ = X.transpose(1, 0, 2)
    np.testing.assert_allclose(lead_iii, lead_ii - lead_i, atol=1e-6)


def test_random_state(ecg):
    def resample(random_state):
        # Functions draw from torch's global generator.
        augmentation = [GaussianNoise(), lambda x: x + torch.rand(())]
        sampler = AugmentationOverSampler(augmentation, random_state=random_state)
        return sampler.fit_resample(ecg.data, ecg.target)[0]

    state = torch.get_rng_state()
    first = resample(0)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(5)
    np.testing.assert_array_equal(first, resample(0))
    assert (first[60:] != resample(1)[60:]).any(axis=(1, 2)).all()


ERRORS = [
    ({"augmentation": None}, {}, "The 'augmentation' parameter of AugmentationOverSampler"),
    ({"augmentation": ["noise"]}, {}, "must be callable, got 'noise'"),
    ({"augmentation": lambda x: x[:, :1]}, {}, "changed the shape of a batch"),
    ({"augmentation": lambda x: x * np.nan}, {}, "augmentation returned NaN or infinity"),
    ({"augmentation": TemporalShift(0.3)}, {}, "TemporalShift needs sampling_rate"),
    ({"augmentation": CardiacCycleMask(sampling_rate=100)}, {}, "sampling_rate is missing"),
    (
        {"augmentation": TemporalShift(0.3, sampling_rate=500), "sampling_rate": 100},
        {},
        "TemporalShift in the augmentation has sampling_rate=500, but the records that "
        "AugmentationOverSampler is fitted on have 100 Hz",
    ),
    ({}, {"X": np.full((60, 4, 9), np.nan)}, "Input X contains NaN"),
    ({}, {"X": np.zeros((60, 40))}, "pass the number of leads to AugmentationOverSampler"),
    ({"n_leads": 3}, {}, "X has 4 leads, but n_leads=3 was given"),
]


@pytest.mark.parametrize("params, arguments, message", ERRORS, ids=lambda v: str(v)[:40])
def test_errors(params, arguments, message, ecg):
    sampler = AugmentationOverSampler(**{"augmentation": AmplitudeScale(), **params})
    arguments = {"X": ecg.data, "y": ecg.target, **arguments}
    with pytest.raises(ValueError, match=re.escape(message)):
        sampler.fit_resample(**arguments)


def test_notes_of_a_frame_are_compared(ecg):
    frame = to_lead_frame(ecg.data, ["I", "II", "III", "V2"], sampling_rate=100, units="mV")
    shift = TemporalShift(0.3, sampling_rate=500)
    with pytest.raises(ValueError, match="fitted on have 100 Hz"):
        AugmentationOverSampler(shift).fit_resample(frame, ecg.target)
    with pytest.raises(ValueError, match="has sampling_rate=250, but X.attrs"):
        AugmentationOverSampler(shift, sampling_rate=250).fit_resample(frame, ecg.target)

"""Views: seeded, same shape, and true to the invariants that they state."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

from sklearn_ecg.augmentation import AmplitudeScale, GaussianNoise, LeadDropout, TemporalShift

VIEWS = [TemporalShift(0.3), AmplitudeScale(0.3), GaussianNoise(0.1), LeadDropout(0.4)]


@pytest.fixture
def x():
    return torch.randn(16, 12, 100, generator=torch.Generator().manual_seed(0)) + 3


@pytest.mark.parametrize("view", VIEWS, ids=lambda v: type(v).__name__)
def test_seeded_batched_and_not_in_place(view, x):
    before = x.clone()
    first = view(x, torch.Generator().manual_seed(1))
    assert torch.equal(first, view(x, torch.Generator().manual_seed(1)))
    assert not torch.equal(first, view(x, torch.Generator().manual_seed(2)))
    assert torch.equal(x, before)
    assert first.shape == x.shape and first.dtype == x.dtype
    torch.manual_seed(1)
    assert torch.equal(view(x), clone(view)(x, torch.Generator().manual_seed(1)))


@pytest.mark.parametrize("view", VIEWS, ids=lambda v: type(v).__name__)
def test_views_keep_channels_last_memory(view, x):
    stored = x.transpose(1, 2).contiguous().transpose(1, 2)
    assert view(stored).transpose(1, 2).is_contiguous()
    seeded = [torch.Generator().manual_seed(1) for _ in range(2)]
    if not isinstance(view, GaussianNoise):  # whose draws follow the memory order
        assert torch.equal(view(stored, seeded[0]), view(x, seeded[1]))


def test_shift_moves_all_leads_of_a_record_by_one_amount(x):
    shifted = TemporalShift(0.3, sampling_rate=100)(x)
    shifts = set()
    for before, after in zip(x, shifted):
        found = [s for s in range(-30, 31) if torch.equal(torch.roll(before, -s, 1), after)]
        assert len(found) == 1
        shifts.add(found[0])
    assert len(shifts) > 1


def test_scale_keeps_ratios(x):
    ratio = (AmplitudeScale(0.3)(x) / x).flatten(1)
    torch.testing.assert_close(ratio.amin(1), ratio.amax(1))
    assert ratio.min() >= 0.7 and ratio.max() <= 1.3 and ratio[:, 0].std() > 0.05


def test_noise_has_the_given_scale(x):
    noise = GaussianNoise(0.1)(x) - x
    assert float(noise.std()) == pytest.approx(0.1, rel=0.03)
    assert abs(float(noise.mean())) < 0.003


def test_dropout_drops_whole_leads_at_the_given_rate():
    x = torch.ones(2000, 12, 3)
    sums = LeadDropout(0.25)(x).sum(2)
    assert set(sums.unique().tolist()) == {0.0, 3.0}
    assert float((sums == 0).float().mean()) == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(
    "view", [TemporalShift(-1), AmplitudeScale(1.5), GaussianNoise(-0.1), LeadDropout(2)]
)
def test_bad_parameters_are_named(view, x):
    name = next(iter(view.get_params()))
    with pytest.raises(ValueError, match=f"The '{name}' parameter of {type(view).__name__}"):
        view(x)


def test_numpy_random_state_is_untouched(x):
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    for view in VIEWS:
        view(x)
    np.testing.assert_array_equal(np.random.get_state()[1], before)

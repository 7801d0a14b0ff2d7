"""Transforms of signals: seeds, shapes, R-peaks, distributions, and errors."""

import inspect
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone

from sklearn_ecg import MSAICNetClassifier, augmentation, detect_r_peaks
from sklearn_ecg.augmentation import (
    AmplitudeScale,
    BaselineWander,
    CardiacCycleMask,
    Compose,
    GaussianNoise,
    LeadDropout,
    PowerlineNoise,
    RandomApply,
    RandomScaleCrop,
    TemporalShift,
    TimeMask,
    pad_peaks,
)
from sklearn_ecg.datasets import load_ptbxl, make_ecg

IDENTITIES = [
    RandomScaleCrop(1),
    CardiacCycleMask(0, sampling_rate=100),
    TemporalShift(0, sampling_rate=100),
    TimeMask(0),
    AmplitudeScale(0),
    GaussianNoise(0),
    PowerlineNoise(0, sampling_rate=100),
    BaselineWander(0, sampling_rate=100),
    LeadDropout(0),
    RandomApply(GaussianNoise(0.1), probability=0),
    Compose([]),
]
TRANSFORMS = [
    RandomScaleCrop(),
    CardiacCycleMask(0.4, sampling_rate=100),
    TemporalShift(0.3, sampling_rate=100),
    TimeMask(0.2),
    AmplitudeScale(0.3),
    GaussianNoise(0.1),
    PowerlineNoise(0.1, frequency=(25, 40), sampling_rate=100),
    BaselineWander(0.3, sampling_rate=100),
    LeadDropout(0.4),
    RandomApply(TimeMask(0.2), probability=0.5),
    Compose(
        [
            RandomScaleCrop(),
            CardiacCycleMask(sampling_rate=100),
            TemporalShift(sampling_rate=100),
            GaussianNoise(),
        ]
    ),
]
MOVING = (RandomScaleCrop, TemporalShift, Compose)


def named(transforms):
    return pytest.mark.parametrize("transform", transforms, ids=lambda v: type(v).__name__)


@pytest.fixture
def x():
    return torch.randn(16, 12, 100, generator=torch.Generator().manual_seed(0)) + 3


@pytest.fixture
def peaks():
    return torch.tensor([[10.0, 40.0, 75.5, 90.0]] * 14 + [[5.0] + [np.nan] * 3, [np.nan] * 4])


def equal(one, other):
    return torch.equal(torch.as_tensor(one).nan_to_num(-9), torch.as_tensor(other).nan_to_num(-9))


# --------------------------------------------------------------------------------------------------
# All transforms
# --------------------------------------------------------------------------------------------------


@named(TRANSFORMS)
def test_seeded_and_not_in_place(transform, x, peaks):
    before, peaks_before = x.clone(), peaks.clone()
    first, moved = transform(x, peaks, random_state=1)
    again, moved_again = transform(x, peaks, random_state=torch.Generator().manual_seed(1))
    assert torch.equal(first, again) and equal(moved, moved_again)
    assert not torch.equal(first, transform(x, peaks, random_state=2)[0])
    assert torch.equal(x, before) and equal(peaks, peaks_before)
    assert first.shape == x.shape and first.dtype == x.dtype
    assert moved.shape == peaks.shape and moved.dtype == peaks.dtype
    assert isinstance(transform, MOVING) or equal(moved, peaks)
    generator = torch.Generator().manual_seed(1)
    in_a_row = [transform(x, random_state=generator) for _ in range(2)]
    assert not torch.equal(*in_a_row)


@named(TRANSFORMS)
def test_global_random_state(transform, x):
    torch.manual_seed(1)
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    seeded = transform(x, random_state=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(transform(x), seeded)
    assert not torch.equal(transform(x), seeded)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@named(TRANSFORMS)
def test_arrays_and_tensors_give_the_same(transform, dtype, x, peaks):
    x, peaks = x.to(getattr(torch, dtype)), peaks.double()
    array, padded = x.numpy().copy(), peaks.numpy()
    array.flags.writeable = False
    expected, moved = transform(x, peaks, random_state=3)
    for given in (array, np.ascontiguousarray(array[::-1])[::-1]):
        found, found_peaks = transform(given, padded, random_state=3)
        assert type(found) is type(found_peaks) is np.ndarray
        assert found.dtype == dtype and found_peaks.dtype == np.float64
        assert equal(found, expected) and equal(found_peaks, moved)
    assert isinstance(transform(array), np.ndarray)


@named(TRANSFORMS)
def test_memory_order_is_kept(transform, x, peaks):
    stored = x.transpose(1, 2).contiguous().transpose(1, 2)
    assert transform(x, random_state=1).is_contiguous()
    last = transform(stored, peaks, random_state=1)[0]
    assert last.transpose(1, 2).is_contiguous()
    if not isinstance(transform, (GaussianNoise, Compose)):  # their draws depend on the order
        torch.testing.assert_close(last, transform(x, peaks, random_state=1)[0])


@named(IDENTITIES)
def test_identity(transform, x, peaks):
    for given in (x, x.transpose(1, 2).contiguous().transpose(1, 2)):
        same, moved = transform(given, peaks)
        assert torch.equal(same, x) and equal(moved, peaks)


@named(TRANSFORMS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 2), (2, 12, 7), (0, 3, 50)])
def test_small_batches(transform, shape):
    x = torch.ones(shape)
    for peaks in (torch.zeros(len(x), 0), torch.zeros(len(x), 1), torch.full((len(x), 3), np.nan)):
        same_shape, moved = transform(x, peaks)
        assert same_shape.shape == x.shape and moved.shape == peaks.shape
        assert same_shape.isfinite().all()


@named(TRANSFORMS)
def test_non_contiguous_signals(transform, x):
    assert transform(x[:, ::3, ::2], random_state=0).shape == (16, 4, 50)


@named(TRANSFORMS)
def test_clone_and_pickle(transform, x):
    expected = transform(x, random_state=1)
    assert torch.equal(clone(transform)(x, random_state=1), expected)
    assert torch.equal(pickle.loads(pickle.dumps(transform))(x, random_state=1), expected)
    assert set(transform.get_params(deep=False)) <= set(vars(transform))


# --------------------------------------------------------------------------------------------------
# Crop and shift
# --------------------------------------------------------------------------------------------------


def test_shift_is_the_same_in_all_leads_of_a_record(x):
    shifted = TemporalShift(0.3, sampling_rate=100)(x, random_state=0)
    shifts = set()
    for before, after in zip(x, shifted):
        found = [s for s in range(-30, 31) if torch.equal(torch.roll(before, -s, 1), after)]
        assert len(found) == 1
        shifts.add(found[0])
    assert len(shifts) > 1 and min(shifts) < 0 < max(shifts)


@pytest.mark.parametrize("n_times", [1, 2, 50, 333])
def test_transforms_are_the_same_for_any_memory_and_with_gradients(n_times):
    x = torch.randn(5, 3, n_times, generator=torch.Generator().manual_seed(0))
    for transform in (TemporalShift(0.5, sampling_rate=100), RandomScaleCrop(0.4)):
        expected = transform(x, random_state=1)
        time_first = x.mT.contiguous().mT
        for other in (time_first, x.repeat_interleave(2, dim=1)[:, ::2]):
            torch.testing.assert_close(
                transform(other, random_state=1), expected, rtol=1e-6, atol=1e-6
            )
        found = transform(time_first, random_state=1)
        assert found.stride() == time_first.stride()
        leaf = x.clone().requires_grad_()
        with_gradient = transform(leaf, random_state=1)
        assert torch.equal(with_gradient.detach(), expected)
        with_gradient.sum().backward()
        # Each value of the result is a mean of values of x with weights that sum to 1.
        torch.testing.assert_close(leaf.grad.sum(), torch.tensor(float(x.numel())))


def test_shift_moves_peaks_and_impulses_together():
    rng = np.random.default_rng(0)
    for seed, n_times in enumerate((2, 7, 100, 1000)):
        place = np.stack([np.sort(rng.choice(n_times, 2, replace=False)) for _ in range(20)])
        x = np.zeros((20, 3, n_times))
        np.put_along_axis(x, place[:, None].repeat(3, 1), 1, axis=2)
        offset = rng.uniform(-0.49, 0.49, place.shape)  # to either side of the time point
        out, moved = TemporalShift(50, sampling_rate=100)(x, place + offset, random_state=seed)
        assert (np.diff(moved) > 0).all()
        np.testing.assert_array_equal(np.rint(moved), np.argwhere(out[:, 1])[:, 1].reshape(20, 2))


@pytest.mark.parametrize("stored", [False, True])
def test_crop_stretches_a_window_of_all_leads(stored):
    n_times = 300
    ramp = torch.arange(n_times, dtype=torch.float64) * torch.tensor([[1.0], [-2.0]])
    x = ramp.expand(500, -1, -1).contiguous()
    if stored:
        x = x.transpose(1, 2).contiguous().transpose(1, 2)
    out = RandomScaleCrop(0.4, max_scale=0.9)(x, random_state=0)
    torch.testing.assert_close(out[:, 1], -2 * out[:, 0])
    step = out[:, 0].diff()
    torch.testing.assert_close(step, step[:, :1].expand_as(step))
    assert out[:, 0].min() >= 0 and out[:, 0].max() <= n_times - 1
    assert 0.4 <= step.min() < 0.42 and 0.88 < step.max() <= 0.9
    room = (n_times - 1) * (1 - step[:, 0])
    share = out[:, 0, 0] / room
    assert share.min() < 0.02 and share.max() > 0.98 and abs(share.mean() - 0.5) < 0.05


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("n_times", [1, 2, 300])
def test_crop_of_the_whole_record_changes_nothing(stored, n_times):
    x = torch.randn(9, 3, n_times)
    if stored:
        x = x.transpose(1, 2).contiguous().transpose(1, 2)
    assert torch.equal(RandomScaleCrop(1)(x, random_state=0), x)


@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-3), (torch.float64, 1e-9)])
@pytest.mark.parametrize(
    "transform",
    [RandomScaleCrop(0.3), Compose([RandomScaleCrop(), RandomApply(RandomScaleCrop(0.8))])],
    ids=["one crop", "two crops"],
)
def test_crop_moves_peaks(transform, dtype, tolerance):
    """The signal is a ramp of time: its value at a moved peak is the old position of the peak."""
    n_times = 400
    time = torch.arange(n_times, dtype=torch.float64).expand(200, 1, -1)
    places = torch.rand(200, 15, dtype=torch.float64).sort().values * (n_times - 1)
    cropped, moved = transform(time, places.to(dtype), random_state=0)
    for record, was, now in zip(cropped[:, 0].numpy(), places.numpy(), moved.double().numpy()):
        n_left = np.isfinite(now).sum()
        assert np.isfinite(now[:n_left]).all() and (np.diff(now[:n_left]) >= 0).all()
        # Peaks up to half a time point outside the window are kept, but the ramp ends there.
        within = now[(now >= 0) & (now <= n_times - 1)]
        assert n_left - len(within) <= 2
        expected = was[(was >= record[0]) & (was <= record[-1])]
        old_positions = np.interp(within, np.arange(n_times), record)
        np.testing.assert_allclose(old_positions, expected, atol=tolerance)
    assert 500 < moved.isfinite().sum() < 2500


def test_peaks_stay_on_bumps_through_crop_and_shift():
    """The maximum of each bump is at its peak after two transforms in either order."""
    n_times, time = 1000, np.arange(1000)
    places = np.array([[150.0, 420.0, 610.0, 880.0]] * 50)
    x = np.exp(-0.5 * ((time - places[..., None]) / 8) ** 2).sum(1)[:, None]
    for transforms in (
        [RandomScaleCrop(), TemporalShift(3, sampling_rate=100)],
        [TemporalShift(3, sampling_rate=100), RandomScaleCrop()],
    ):
        out, moved = Compose(transforms)(x, places, random_state=0)
        assert np.isnan(moved).any() and np.isfinite(moved).sum() > 80
        for record, found in zip(out[:, 0], moved):
            for peak in found[(found > 20) & (found < n_times - 20)]:
                near = np.arange(int(peak) - 6, int(peak) + 8)
                assert abs(near[record[near].argmax()] - peak) <= 1


# --------------------------------------------------------------------------------------------------
# Masks
# --------------------------------------------------------------------------------------------------


def random_rhythms(n_times, rate, rng):
    """Generate R-peaks of many kinds, at whole and fractional time points."""
    for kind in range(200):
        rr = rate * rng.choice([0.2, 0.3, 0.8, 1.5])
        jitter = rng.choice([0, 0.05, 0.6])
        steps = np.maximum(rr * rng.uniform(1 - jitter, 1 + jitter, int(n_times / rr * 3) + 3), 1)
        peaks = np.cumsum(steps) - steps[0] * rng.uniform()
        if kind % 2:
            peaks = np.rint(peaks)
        if kind % 5 == 0:  # at the very edges
            peaks = np.concatenate([[0, 1], peaks, [n_times - 2, n_times - 1]])
        if kind % 7 == 0:  # two points, one point and half a point apart
            peaks = np.concatenate([peaks, peaks + 2, peaks[:1] + 1, peaks[:1] + 0.5])
        yield np.unique(np.clip(peaks, -0.5, n_times - 0.5))


@pytest.mark.parametrize("fraction", [0.05, 0.2, 0.6, 1.0])
@pytest.mark.parametrize("rate", [100, 250, 500])
@pytest.mark.parametrize("n_times", [97, 1000, 2500])
def test_cardiac_mask_never_touches_a_peak(fraction, rate, n_times):
    rng = np.random.default_rng(n_times + rate)
    all_peaks = list(random_rhythms(n_times, rate, rng))
    x = np.ones((len(all_peaks), 2, n_times), dtype=np.float32)
    out, _ = CardiacCycleMask(fraction, sampling_rate=rate)(x, pad_peaks(all_peaks), random_state=0)
    np.testing.assert_array_equal(out[:, 0], out[:, 1])
    n_full = 0
    for record, peaks in zip(out[:, 0], all_peaks):
        if len(peaks) < 2:
            continue
        distance = np.abs(np.arange(n_times) - peaks[:, None])
        nearest = distance == distance.min(1, keepdims=True)
        assert record[nearest.any(0)].all()
        time = np.arange(n_times)
        assert record[(time < peaks[0]) | (time > peaks[-1])].all()
        for before, after in zip(peaks, peaks[1:]):
            masked = np.flatnonzero((record == 0) & (time > before) & (time < after))
            assert len(masked) == 0 or np.ptp(masked) + 1 == len(masked)  # one window
            wanted = fraction * (after - before)
            assert len(masked) <= wanted + 0.5
            if wanted < after - before - 3:
                assert abs(len(masked) - wanted) <= 0.5
                n_full += 1
    assert n_full > 100 or fraction == 1


def test_cardiac_mask_windows_are_uniform_between_peaks():
    x = torch.ones(3000, 1, 30)
    out, _ = CardiacCycleMask(0.2, sampling_rate=100)(
        x, torch.tensor([[5.0, 25.0]]).expand(3000, -1), random_state=0
    )
    masked = (out[:, 0] == 0).double().mean(0)
    assert masked[:6].sum() == masked[25:].sum() == 0
    start = (out[:, 0] == 0).int().argmax(1)
    counts = torch.bincount(start)[6:]
    assert len(counts) == 16 and counts.min() > 3000 / 16 * 0.7  # the last window is 21 to 24


@pytest.mark.parametrize("fraction", [0.0, 0.13, 0.2, 0.77, 1.0])
@pytest.mark.parametrize("n_times, rate", [(97, 100), (1000, 100), (1003, 250), (5000, 500)])
def test_cardiac_mask_without_peaks_masks_the_same_fraction(fraction, n_times, rate):
    x = torch.ones(6, 2, n_times)
    peaks = torch.full((6, 9), np.nan)
    peaks[0] = torch.linspace(0, n_times - 1, 9)
    peaks[1, 0] = 50  # a single peak
    mask = CardiacCycleMask(fraction, sampling_rate=rate)
    for masked in (mask(x, peaks, random_state=0)[0][1:], mask(x, random_state=0)):
        assert (masked[:, 0] == masked[:, 1]).all()
        assert ((masked[:, 0] == 0).sum(1) == round(fraction * n_times)).all()
    with_peaks = (mask(x, peaks, random_state=0)[0][0, 0] == 0).float().mean()
    assert float(with_peaks) == pytest.approx(fraction, abs=0.15 if fraction == 1 else 0.06)


def test_cardiac_mask_without_peaks_masks_short_segments():
    out = CardiacCycleMask(0.2, sampling_rate=100)(torch.ones(50, 1, 1000), random_state=0)
    for record in out[:, 0]:
        edges = record.diff().nonzero()[:, 0]
        assert len(edges) >= 15
        assert max(map(len, "".join(map(str, record.int().tolist())).split("1"))) <= 40


def test_peaks_need_not_be_sorted():
    x = torch.ones(1, 1, 100)
    peaks = torch.tensor([[90.0, np.nan, 10.0, 50.0]])
    out, _ = CardiacCycleMask(1.0, sampling_rate=100)(x, peaks, random_state=0)
    assert out[0, 0].nonzero()[:, 0].tolist() == [*range(11), 50, *range(90, 100)]


def test_time_mask_is_one_window():
    out = TimeMask(0.25)(torch.ones(500, 2, 40), random_state=0)
    assert (out[:, 0] == out[:, 1]).all()
    masked = out[:, 0] == 0
    assert (masked.sum(1) == 10).all()
    start = masked.int().argmax(1)
    assert all(row[s : s + 10].all() for row, s in zip(masked, start))
    assert set(start.tolist()) == set(range(31))


# --------------------------------------------------------------------------------------------------
# Amplitudes
# --------------------------------------------------------------------------------------------------


def test_scale_preserves_ratios(x):
    ratio = (AmplitudeScale(0.3)(x, random_state=0) / x).flatten(1)
    torch.testing.assert_close(ratio.amin(1), ratio.amax(1))
    assert ratio.min() >= 0.7 and ratio.max() <= 1.3 and ratio[:, 0].std() > 0.05


@pytest.mark.parametrize("stored", [False, True])
def test_noise_is_normal_and_white(stored):
    x = torch.zeros(30, 12, 1000)
    if stored:
        x = x.transpose(1, 2).contiguous().transpose(1, 2)
    noise = GaussianNoise(0.1)(x, random_state=0).double() / 0.1
    n = noise.numel()
    for power, moment in ((1, 0), (2, 1), (3, 0), (4, 3)):
        assert abs(float((noise**power).mean()) - moment) < 40 / n**0.5
    assert len(noise.unique()) > 0.95 * n
    for dim in range(3):  # with the neighbor in record, lead or time
        assert abs(float((noise * noise.roll(1, dim)).mean())) < 5 / n**0.5


def test_dropout_drops_whole_leads_at_the_given_rate():
    x = torch.ones(2000, 12, 3)
    sums = LeadDropout(0.25)(x, random_state=0).sum(2)
    assert set(sums.unique().tolist()) == {0.0, 3.0}
    assert float((sums == 0).float().mean()) == pytest.approx(0.25, abs=0.01)


def test_dropout_never_drops_all_leads():
    x = torch.ones(500, 3, 2)
    n_left = (LeadDropout(1)(x, random_state=0).sum(2) > 0).sum(1)
    assert (n_left == 1).all()
    n_left = (LeadDropout(0.8)(x, random_state=0).sum(2) > 0).sum(1)
    assert set(n_left.tolist()) == {1, 2, 3}
    assert torch.equal(LeadDropout(1)(x[:, :1]), x[:, :1])


def test_powerline_is_one_sinusoid_per_record():
    x = torch.zeros(200, 12, 1000, dtype=torch.float64)
    noise = PowerlineNoise(0.1, frequency=(50, 60), sampling_rate=500)(x, random_state=0)
    spectrum = np.abs(np.fft.rfft(noise.numpy()))  # steps of 0.5 Hz
    found = spectrum.argmax(2) / 2
    assert set(found.ravel()) == {50.0, 60.0} and (found == found[:, :1]).all()
    assert (np.sort(spectrum, axis=2)[..., -2] < 1e-9).all()
    amplitude = spectrum.max(2) / 500
    assert amplitude.max() <= 0.1 and amplitude.mean() == pytest.approx(0.05, abs=0.005)
    assert np.linalg.matrix_rank(noise[0].numpy(), tol=1e-6) == 1  # one phase


def test_wander_is_slow_and_bounded():
    x = torch.zeros(200, 3, 20_000, dtype=torch.float64)
    wave = BaselineWander(0.3, max_frequency=0.5, sampling_rate=100)(x, random_state=0)
    assert 0.2 < wave.abs().max() <= 0.3 and wave.std() > 0.05
    power = np.abs(np.fft.rfft(wave.numpy() * np.hanning(20_000))) ** 2
    slow = np.fft.rfftfreq(20_000, 0.01) <= 0.52
    assert power[..., slow].sum() > 0.9999 * power.sum()
    assert wave.diff(dim=2).abs().max() <= 0.3 * 2 * np.pi * 0.5 / 100


# --------------------------------------------------------------------------------------------------
# Several transforms
# --------------------------------------------------------------------------------------------------


def test_compose_applies_transforms_in_order(x, peaks):
    transforms = [
        RandomScaleCrop(),
        CardiacCycleMask(sampling_rate=100),
        TemporalShift(sampling_rate=100),
    ]
    composed, moved = Compose(transforms)(x, peaks, random_state=5)
    generator = torch.Generator().manual_seed(5)
    for transform in transforms:
        x, peaks = transform(x, peaks, random_state=generator)
    assert torch.equal(composed, x) and equal(moved, peaks)


def test_random_apply_transforms_some_records(x, peaks):
    x = x.repeat(100, 1, 1)
    out, moved = RandomApply(TemporalShift(0.3, sampling_rate=100), probability=0.3)(
        x, peaks.repeat(100, 1), random_state=0
    )
    same = (out == x).all(2).all(1)
    assert float(same.float().mean()) == pytest.approx(0.7 + 0.3 / 61, abs=0.03)
    assert equal(moved[same], peaks.repeat(100, 1)[same])
    assert (moved[~same][:, 0] != peaks.repeat(100, 1)[~same][:, 0]).sum() > 400
    assert torch.equal(
        RandomApply(AmplitudeScale(0.2), probability=1)(x, random_state=0) == x, x != x
    )


def test_needs_peaks():
    mask = CardiacCycleMask(sampling_rate=100)
    assert mask.needs_peaks and Compose([TimeMask(), mask]).needs_peaks
    assert RandomApply(mask).needs_peaks and Compose(Compose(mask)).needs_peaks
    for transform in (
        TimeMask(),
        Compose([TemporalShift(sampling_rate=100), torch.neg]),
        RandomApply(TimeMask()),
    ):
        assert not transform.needs_peaks


def test_functions_as_transforms(x, peaks):
    assert torch.equal(Compose([torch.neg, TimeMask(0)])(x), -x)
    assert torch.equal(RandomApply(torch.neg, probability=1)(x), -x)
    with pytest.raises(ValueError, match="neg.*unknown how it moves R-peaks"):
        Compose([torch.neg])(x, peaks)

    class Flip:
        needs_peaks = False

        def __call__(self, x, peaks=None, random_state=None):
            return x.flip(2) if peaks is None else (x.flip(2), (99 - peaks).sort().values)

    flipped, moved = Compose([Flip(), TimeMask(0)])(x, peaks)
    assert torch.equal(flipped, x.flip(2)) and moved[0].tolist() == [9, 23.5, 59, 89]


# --------------------------------------------------------------------------------------------------
# R-peaks of synthetic and real records
# --------------------------------------------------------------------------------------------------


def test_pad_peaks():
    padded = pad_peaks([np.array([3, 9, 20]), np.array([], dtype=int), [1.5]])
    np.testing.assert_array_equal(padded, [[3, 9, 20], [np.nan] * 3, [1.5, np.nan, np.nan]])
    assert padded.dtype == np.float64
    assert pad_peaks([[], []]).shape == (2, 0) and pad_peaks([]).shape == (0, 0)


def assert_masks_contain_no_peaks(X, rate):
    rhythm = detect_r_peaks(X, rate)
    ones = np.ones_like(X)
    transform = Compose([RandomScaleCrop(), TemporalShift(sampling_rate=rate)])
    for x, peaks in [
        (ones, pad_peaks(rhythm.peaks)),
        transform(ones, pad_peaks(rhythm.peaks), random_state=0),
    ]:
        masked, same = CardiacCycleMask(0.2, sampling_rate=rate)(x, peaks, random_state=1)
        assert equal(same, peaks)
        masked = masked[:, 0] == 0
        record, beat = np.nonzero(np.isfinite(peaks))
        known = np.isfinite(peaks).sum(1) >= 2
        nearest = np.clip(np.rint(peaks[record, beat]).astype(int), 0, X.shape[2] - 1)
        assert not masked[record, nearest][known[record]].any()
        assert len(record) > 4 * len(X) and known.mean() > 0.95
        assert masked.mean() == pytest.approx(0.18, abs=0.03)


@pytest.mark.parametrize("rate", [100, 250, 500])
def test_masks_contain_no_r_peaks_of_synthetic_records(rate):
    X = make_ecg(60, sampling_rate=rate, class_sep=np.inf, random_state=0).data
    assert_masks_contain_no_peaks(X, rate)


@pytest.mark.parametrize("rate", [100, 500])
def test_masks_contain_no_r_peaks_of_ptbxl(data_folder, rate):
    X = load_ptbxl(data_folder / "ptbxl", sampling_rate=rate, missing="drop").data[:500]
    assert_masks_contain_no_peaks(np.asarray(X), rate)


# --------------------------------------------------------------------------------------------------
# Errors
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "transform, name",
    [
        (RandomScaleCrop(0), "min_scale"),
        (RandomScaleCrop(max_scale=1.1), "max_scale"),
        (CardiacCycleMask(1.2, sampling_rate=100), "fraction"),
        (CardiacCycleMask(sampling_rate=0), "sampling_rate"),
        (TemporalShift(-1, sampling_rate=100), "max_shift"),
        (TimeMask(-0.1), "fraction"),
        (AmplitudeScale(1.5), "max_change"),
        (GaussianNoise(-0.1), "scale"),
        (PowerlineNoise(frequency="50", sampling_rate=100), "frequency"),
        (BaselineWander(max_frequency=0, sampling_rate=100), "max_frequency"),
        (LeadDropout(2), "probability"),
        (RandomApply(3), "transform"),
        (RandomApply(TimeMask(), probability=2), "probability"),
        (Compose(3), "transforms"),
    ],
)
def test_invalid_parameters(transform, name, x):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of {type(transform).__name__}"):
        transform(x)


@pytest.mark.parametrize(
    "transform, message",
    [
        (RandomScaleCrop(0.8, max_scale=0.5), "min_scale=0.8 is greater than max_scale=0.5"),
        (
            PowerlineNoise(frequency=60, sampling_rate=100),
            "frequency=60 Hz is above half of sampling_rate=100 Hz",
        ),
        (PowerlineNoise(frequency=(50, 60), sampling_rate=100), "frequency=60 Hz is above half"),
        (
            PowerlineNoise(frequency=(), sampling_rate=100),
            r"frequency must be a number > 0 or a tuple .* got \(\)",
        ),
        (PowerlineNoise(frequency=(50, -1), sampling_rate=100), "frequency must be a number > 0"),
        (BaselineWander(max_frequency=51, sampling_rate=100), "max_frequency=51 Hz is above half"),
        (Compose([TimeMask(), 3]), "must be callable, got 3"),
        (Compose([lambda x: x[:, :1]]), r"shape of a batch from \(16, 12, 100\) to \(16, 1, 100\)"),
        (RandomApply(lambda x: x[:, :1]), "lambda.* changed the shape of a batch"),
    ],
)
def test_invalid_combinations(transform, message, x):
    with pytest.raises(ValueError, match=message):
        transform(x)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([[[1.0]]], "x must be a tensor or an ndarray .* got list"),
        (np.ones((12, 100)), r"x must have the shape .* got \(12, 100\). .* pass x\[None\]"),
        (torch.ones(12, 100), r"x must have the shape .* got \(12, 100\)"),
        (np.ones((2, 12, 100), dtype=int), "x must be float32 or float64, got int64. Convert"),
        (torch.ones(2, 12, 100).half(), "x must be float32 or float64, got torch.float16"),
        ((np.ones((2, 12, 9)), [[1]], None), "peaks must be a tensor or an ndarray"),
        ((np.ones((2, 12, 9)), np.ones(2), None), r"peaks must have the shape .* got \(2,\)"),
        ((np.ones((2, 12, 9)), np.ones((2, 3), int), None), "peaks must be float32 or float64"),
        ((np.ones((2, 12, 9)), np.ones((3, 3)), None), "peaks has 3 rows, but x has 2 records"),
        ((np.ones((2, 12, 9)), None, "0"), "random_state must be an int, .* got '0'"),
        ((np.ones((2, 12, 9)), None, np.random.RandomState(0)), "random_state must be an int"),
    ],
)
@named([TimeMask(), Compose([TimeMask()])])
def test_invalid_arguments(transform, arguments, message):
    with pytest.raises(ValueError, match=message):
        x, peaks, random_state = (
            arguments if isinstance(arguments, tuple) else (arguments, None, None)
        )
        transform(x, peaks, random_state=random_state)


# --------------------------------------------------------------------------------------------------
# Sampling rate
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "transform, reason",
    [
        (TemporalShift(0.5), "max_shift is in seconds"),
        (CardiacCycleMask(0.2), "records with fewer than two R-peaks"),
        (PowerlineNoise(0.1), "frequency is in Hz"),
        (BaselineWander(0.3), "max_frequency is in Hz"),
    ],
)
def test_missing_sampling_rate(transform, reason, x, peaks):
    name = type(transform).__name__
    message = rf"{name} needs sampling_rate: {reason}.*, for example {name}\(sampling_rate=500\)"
    for given in (None, peaks):
        with pytest.raises(ValueError, match=message):
            transform(x, given)
        with pytest.raises(ValueError, match=message):
            Compose([RandomApply(transform)])(x, given)


def test_cardiac_mask_of_known_peaks_needs_no_sampling_rate(x, peaks):
    masked, _ = CardiacCycleMask(0.5)(x[:14], peaks[:14], random_state=0)
    assert 0.3 < (masked == 0).float().mean() < 0.5


@pytest.mark.parametrize(
    "transform", [TemporalShift, CardiacCycleMask, PowerlineNoise, BaselineWander]
)
def test_sampling_rate_is_keyword_only_without_a_number_as_default(transform):
    parameter = inspect.signature(transform).parameters["sampling_rate"]
    assert parameter.default is None and parameter.kind is parameter.KEYWORD_ONLY


def test_classifier_raises_without_the_sampling_rate_of_its_augmentation():
    X, y = make_ecg(
        20, duration=1, sampling_rate=500, return_X_y=True, class_sep=np.inf, random_state=0
    )
    params = {"max_epochs": 1, "random_state": 0}
    with pytest.raises(ValueError, match="TemporalShift needs sampling_rate"):
        MSAICNetClassifier(augmentation=[TemporalShift(0.5)], **params).fit(X, y)
    shift = TemporalShift(0.5, sampling_rate=500)
    assert MSAICNetClassifier(augmentation=[shift], **params).fit(X, y).predict(X).shape == (20,)


def test_one_leading_parameter_is_positional():
    for name in augmentation.__all__:
        value = getattr(augmentation, name)
        if isinstance(value, type):
            parameters = list(inspect.signature(value).parameters.values())
            assert all(p.kind is p.KEYWORD_ONLY for p in parameters[1:]), name

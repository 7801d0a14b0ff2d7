"""Views: seeded, same shape, and true to the invariants that they state."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone

from sklearn_ecg import detect_r_peaks
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
    RandomScaleCrop(1, 1),
    CardiacCycleMask(0),
    TemporalShift(0),
    TimeMask(0),
    AmplitudeScale(0),
    GaussianNoise(0),
    PowerlineNoise(0),
    BaselineWander(0),
    LeadDropout(0),
    RandomApply(GaussianNoise(0.1), 0),
    Compose([]),
]
VIEWS = [
    RandomScaleCrop(),
    CardiacCycleMask(0.4),
    TemporalShift(0.3),
    TimeMask(0.2),
    AmplitudeScale(0.3),
    GaussianNoise(0.1),
    PowerlineNoise(0.1, frequency=(25, 40)),
    BaselineWander(0.3),
    LeadDropout(0.4),
    RandomApply(TimeMask(0.2), 0.5),
    Compose([RandomScaleCrop(), CardiacCycleMask(), TemporalShift(), GaussianNoise()]),
]
MOVING = (RandomScaleCrop, TemporalShift, Compose)


def named(views):
    return pytest.mark.parametrize("view", views, ids=lambda v: type(v).__name__)


@pytest.fixture
def x():
    return torch.randn(16, 12, 100, generator=torch.Generator().manual_seed(0)) + 3


@pytest.fixture
def peaks():
    return torch.tensor([[10.0, 40.0, 75.5, 90.0]] * 14 + [[5.0] + [np.nan] * 3, [np.nan] * 4])


def equal(one, other):
    return torch.equal(torch.as_tensor(one).nan_to_num(-9), torch.as_tensor(other).nan_to_num(-9))


# --------------------------------------------------------------------------------------------------
# What holds for every view
# --------------------------------------------------------------------------------------------------


@named(VIEWS)
def test_seeded_and_not_in_place(view, x, peaks):
    before, peaks_before = x.clone(), peaks.clone()
    first, moved = view(x, peaks, 1)
    again, moved_again = view(x, peaks, torch.Generator().manual_seed(1))
    assert torch.equal(first, again) and equal(moved, moved_again)
    assert not torch.equal(first, view(x, peaks, 2)[0])
    assert torch.equal(x, before) and equal(peaks, peaks_before)
    assert first.shape == x.shape and first.dtype == x.dtype
    assert moved.shape == peaks.shape and moved.dtype == peaks.dtype
    assert isinstance(view, MOVING) or equal(moved, peaks)
    generator = torch.Generator().manual_seed(1)
    in_a_row = [view(x, random_state=generator) for _ in range(2)]
    assert not torch.equal(*in_a_row)


@named(VIEWS)
def test_global_random_state(view, x):
    torch.manual_seed(1)
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    seeded = view(x, random_state=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(view(x), seeded)
    assert not torch.equal(view(x), seeded)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@named(VIEWS)
def test_arrays_and_tensors_give_the_same(view, dtype, x, peaks):
    x, peaks = x.to(getattr(torch, dtype)), peaks.double()
    array, padded = x.numpy().copy(), peaks.numpy()
    array.flags.writeable = False
    expected, moved = view(x, peaks, 3)
    for given in (array, np.ascontiguousarray(array[::-1])[::-1]):
        found, found_peaks = view(given, padded, 3)
        assert type(found) is type(found_peaks) is np.ndarray
        assert found.dtype == dtype and found_peaks.dtype == np.float64
        assert equal(found, expected) and equal(found_peaks, moved)
    assert isinstance(view(array), np.ndarray)


@named(VIEWS)
def test_memory_order_is_kept(view, x, peaks):
    stored = x.transpose(1, 2).contiguous().transpose(1, 2)
    assert view(x, random_state=1).is_contiguous()
    last = view(stored, peaks, 1)[0]
    assert last.transpose(1, 2).is_contiguous()
    if not isinstance(view, (GaussianNoise, Compose)):  # whose draws follow the memory order
        torch.testing.assert_close(last, view(x, peaks, 1)[0])


@named(IDENTITIES)
def test_identity(view, x, peaks):
    for given in (x, x.transpose(1, 2).contiguous().transpose(1, 2)):
        same, moved = view(given, peaks)
        assert torch.equal(same, x) and equal(moved, peaks)


@named(VIEWS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 2), (2, 12, 7), (0, 3, 50)])
def test_small_batches(view, shape):
    x = torch.ones(shape)
    for peaks in (torch.zeros(len(x), 0), torch.zeros(len(x), 1), torch.full((len(x), 3), np.nan)):
        same_shape, moved = view(x, peaks)
        assert same_shape.shape == x.shape and moved.shape == peaks.shape
        assert same_shape.isfinite().all()


@named(VIEWS)
def test_views_of_part_of_the_leads(view, x):
    assert view(x[:, ::3, ::2], random_state=0).shape == (16, 4, 50)


@named(VIEWS)
def test_clone_and_pickle(view, x):
    expected = view(x, random_state=1)
    assert torch.equal(clone(view)(x, random_state=1), expected)
    assert torch.equal(pickle.loads(pickle.dumps(view))(x, random_state=1), expected)
    assert set(view.get_params(deep=False)) <= set(vars(view))


# --------------------------------------------------------------------------------------------------
# Time moves: crop and shift
# --------------------------------------------------------------------------------------------------


def test_shift_moves_all_leads_of_a_record_by_one_amount(x):
    shifted = TemporalShift(0.3, sampling_rate=100)(x, random_state=0)
    shifts = set()
    for before, after in zip(x, shifted):
        found = [s for s in range(-30, 31) if torch.equal(torch.roll(before, -s, 1), after)]
        assert len(found) == 1
        shifts.add(found[0])
    assert len(shifts) > 1 and min(shifts) < 0 < max(shifts)


def test_shift_moves_peaks_with_impulses():
    rng = np.random.default_rng(0)
    for seed, n_times in enumerate((2, 7, 100, 1000)):
        place = np.stack([np.sort(rng.choice(n_times, 2, replace=False)) for _ in range(20)])
        x = np.zeros((20, 3, n_times))
        np.put_along_axis(x, place[:, None].repeat(3, 1), 1, axis=2)
        offset = rng.uniform(-0.49, 0.49, place.shape)  # to either side of the time point
        view, moved = TemporalShift(50, sampling_rate=100)(x, place + offset, seed)
        assert (np.diff(moved) > 0).all()
        np.testing.assert_array_equal(np.rint(moved), np.argwhere(view[:, 1])[:, 1].reshape(20, 2))


@pytest.mark.parametrize("stored", [False, True])
def test_crop_is_a_stretched_window_of_every_lead(stored):
    n_times = 300
    ramp = torch.arange(n_times, dtype=torch.float64) * torch.tensor([[1.0], [-2.0]])
    x = ramp.expand(500, -1, -1).contiguous()
    if stored:
        x = x.transpose(1, 2).contiguous().transpose(1, 2)
    view = RandomScaleCrop(0.4, 0.9)(x, random_state=0)
    torch.testing.assert_close(view[:, 1], -2 * view[:, 0])
    step = view[:, 0].diff()
    torch.testing.assert_close(step, step[:, :1].expand_as(step))
    assert view[:, 0].min() >= 0 and view[:, 0].max() <= n_times - 1
    assert 0.4 <= step.min() < 0.42 and 0.88 < step.max() <= 0.9
    room = (n_times - 1) * (1 - step[:, 0])
    share = view[:, 0, 0] / room
    assert share.min() < 0.02 and share.max() > 0.98 and abs(share.mean() - 0.5) < 0.05


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("n_times", [1, 2, 300])
def test_a_crop_of_everything_changes_nothing(stored, n_times):
    x = torch.randn(9, 3, n_times)
    if stored:
        x = x.transpose(1, 2).contiguous().transpose(1, 2)
    assert torch.equal(RandomScaleCrop(1, 1)(x, random_state=0), x)


@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-3), (torch.float64, 1e-9)])
@pytest.mark.parametrize(
    "view",
    [RandomScaleCrop(0.3), Compose([RandomScaleCrop(), RandomApply(RandomScaleCrop(0.8))])],
    ids=["one crop", "two crops"],
)
def test_peaks_travel_with_a_crop(view, dtype, tolerance):
    """The signal is its own time, so at a moved peak stands the place where the peak was."""
    n_times = 400
    time = torch.arange(n_times, dtype=torch.float64).expand(200, 1, -1)
    places = torch.rand(200, 15, dtype=torch.float64).sort().values * (n_times - 1)
    cropped, moved = view(time, places.to(dtype), 0)
    for record, was, now in zip(cropped[:, 0].numpy(), places.numpy(), moved.double().numpy()):
        n_left = np.isfinite(now).sum()
        assert np.isfinite(now[:n_left]).all() and (np.diff(now[:n_left]) >= 0).all()
        # Half a time point beyond the window counts as inside; there the signal has no ramp.
        within = now[(now >= 0) & (now <= n_times - 1)]
        assert n_left - len(within) <= 2
        expected = was[(was >= record[0]) & (was <= record[-1])]
        there = np.interp(within, np.arange(n_times), record)
        np.testing.assert_allclose(there, expected, atol=tolerance)
    assert 500 < moved.isfinite().sum() < 2500


def test_peaks_travel_through_crop_then_shift():
    """Wide bumps stay where the peaks say, whatever their order."""
    n_times, time = 1000, np.arange(1000)
    places = np.array([[150.0, 420.0, 610.0, 880.0]] * 50)
    x = np.exp(-0.5 * ((time - places[..., None]) / 8) ** 2).sum(1)[:, None]
    for views in ([RandomScaleCrop(), TemporalShift(3)], [TemporalShift(3), RandomScaleCrop()]):
        view, moved = Compose(views)(x, places, 0)
        assert np.isnan(moved).any() and np.isfinite(moved).sum() > 80
        for record, found in zip(view[:, 0], moved):
            for peak in found[(found > 20) & (found < n_times - 20)]:
                near = np.arange(int(peak) - 6, int(peak) + 8)
                assert abs(near[record[near].argmax()] - peak) <= 1


# --------------------------------------------------------------------------------------------------
# Masks
# --------------------------------------------------------------------------------------------------


def rhythms(n_times, rate, rng):
    """R-peaks of many kinds, at whole and at broken time points."""
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
    all_peaks = list(rhythms(n_times, rate, rng))
    x = np.ones((len(all_peaks), 2, n_times), dtype=np.float32)
    view, _ = CardiacCycleMask(fraction, sampling_rate=rate)(x, pad_peaks(all_peaks), 0)
    np.testing.assert_array_equal(view[:, 0], view[:, 1])
    n_full = 0
    for record, peaks in zip(view[:, 0], all_peaks):
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


def test_cardiac_mask_windows_lie_anywhere_between_peaks():
    x = torch.ones(3000, 1, 30)
    view, _ = CardiacCycleMask(0.2)(x, torch.tensor([[5.0, 25.0]]).expand(3000, -1), 0)
    masked = (view[:, 0] == 0).double().mean(0)
    assert masked[:6].sum() == masked[25:].sum() == 0
    start = (view[:, 0] == 0).int().argmax(1)
    counts = torch.bincount(start)[6:]
    assert len(counts) == 16 and counts.min() > 3000 / 16 * 0.7  # the last one is 21 to 24


@pytest.mark.parametrize("fraction", [0.0, 0.13, 0.2, 0.77, 1.0])
@pytest.mark.parametrize("n_times, rate", [(97, 100), (1000, 100), (1003, 250), (5000, 500)])
def test_records_without_peaks_lose_the_same_share(fraction, n_times, rate):
    x = torch.ones(6, 2, n_times)
    peaks = torch.full((6, 9), np.nan)
    peaks[0] = torch.linspace(0, n_times - 1, 9)
    peaks[1, 0] = 50  # a single peak
    mask = CardiacCycleMask(fraction, sampling_rate=rate)
    for view in (mask(x, peaks, 0)[0][1:], mask(x, random_state=0)):
        assert (view[:, 0] == view[:, 1]).all()
        assert ((view[:, 0] == 0).sum(1) == round(fraction * n_times)).all()
    with_peaks = (mask(x, peaks, 0)[0][0, 0] == 0).float().mean()
    assert float(with_peaks) == pytest.approx(fraction, abs=0.15 if fraction == 1 else 0.06)


def test_fallback_masks_short_segments():
    view = CardiacCycleMask(0.2)(torch.ones(50, 1, 1000), random_state=0)
    for record in view[:, 0]:
        edges = record.diff().nonzero()[:, 0]
        assert len(edges) >= 15
        assert max(map(len, "".join(map(str, record.int().tolist())).split("1"))) <= 40


def test_peaks_need_not_be_sorted():
    x = torch.ones(1, 1, 100)
    peaks = torch.tensor([[90.0, np.nan, 10.0, 50.0]])
    view, _ = CardiacCycleMask(1.0)(x, peaks, 0)
    assert view[0, 0].nonzero()[:, 0].tolist() == [*range(11), 50, *range(90, 100)]


def test_time_mask_is_one_window():
    view = TimeMask(0.25)(torch.ones(500, 2, 40), random_state=0)
    assert (view[:, 0] == view[:, 1]).all()
    masked = view[:, 0] == 0
    assert (masked.sum(1) == 10).all()
    start = masked.int().argmax(1)
    assert all(row[s : s + 10].all() for row, s in zip(masked, start))
    assert set(start.tolist()) == set(range(31))


# --------------------------------------------------------------------------------------------------
# Amplitudes
# --------------------------------------------------------------------------------------------------


def test_scale_keeps_ratios(x):
    ratio = (AmplitudeScale(0.3)(x, random_state=0) / x).flatten(1)
    torch.testing.assert_close(ratio.amin(1), ratio.amax(1))
    assert ratio.min() >= 0.7 and ratio.max() <= 1.3 and ratio[:, 0].std() > 0.05


@pytest.mark.parametrize("stored", [False, True])
def test_noise_is_normal_white_and_new_everywhere(stored):
    x = torch.zeros(30, 12, 1000)
    if stored:
        x = x.transpose(1, 2).contiguous().transpose(1, 2)
    noise = GaussianNoise(0.1)(x, random_state=0).double() / 0.1
    n = noise.numel()
    for power, moment in ((1, 0), (2, 1), (3, 0), (4, 3)):
        assert abs(float((noise**power).mean()) - moment) < 40 / n**0.5
    assert len(noise.unique()) > 0.95 * n
    for dim in range(3):  # with the neighbour in time, lead or record
        assert abs(float((noise * noise.roll(1, dim)).mean())) < 5 / n**0.5


def test_dropout_drops_whole_leads_at_the_given_rate():
    x = torch.ones(2000, 12, 3)
    sums = LeadDropout(0.25)(x, random_state=0).sum(2)
    assert set(sums.unique().tolist()) == {0.0, 3.0}
    assert float((sums == 0).float().mean()) == pytest.approx(0.25, abs=0.01)


def test_powerline_is_one_sinusoid_per_record():
    x = torch.zeros(200, 12, 1000, dtype=torch.float64)
    hum = PowerlineNoise(0.1, frequency=(50, 60), sampling_rate=500)(x, random_state=0)
    spectrum = np.abs(np.fft.rfft(hum.numpy()))  # steps of 0.5 Hz
    found = spectrum.argmax(2) / 2
    assert set(found.ravel()) == {50.0, 60.0} and (found == found[:, :1]).all()
    assert (np.sort(spectrum, axis=2)[..., -2] < 1e-9).all()
    amplitude = spectrum.max(2) / 500
    assert amplitude.max() <= 0.1 and amplitude.mean() == pytest.approx(0.05, abs=0.005)
    assert np.linalg.matrix_rank(hum[0].numpy(), tol=1e-6) == 1  # one phase


def test_wander_is_slow_and_bounded():
    x = torch.zeros(200, 3, 20_000, dtype=torch.float64)
    wave = BaselineWander(0.3, max_frequency=0.5)(x, random_state=0)
    assert 0.2 < wave.abs().max() <= 0.3 and wave.std() > 0.05
    power = np.abs(np.fft.rfft(wave.numpy() * np.hanning(20_000))) ** 2
    slow = np.fft.rfftfreq(20_000, 0.01) <= 0.52
    assert power[..., slow].sum() > 0.9999 * power.sum()
    assert wave.diff(dim=2).abs().max() <= 0.3 * 2 * np.pi * 0.5 / 100


# --------------------------------------------------------------------------------------------------
# Several views
# --------------------------------------------------------------------------------------------------


def test_compose_is_one_after_the_other(x, peaks):
    views = [RandomScaleCrop(), CardiacCycleMask(), TemporalShift()]
    composed, moved = Compose(views)(x, peaks, 5)
    generator = torch.Generator().manual_seed(5)
    for view in views:
        x, peaks = view(x, peaks, generator)
    assert torch.equal(composed, x) and equal(moved, peaks)


def test_random_apply_draws_records(x, peaks):
    x = x.repeat(100, 1, 1)
    view, moved = RandomApply(TemporalShift(0.3), 0.3)(x, peaks.repeat(100, 1), 0)
    same = (view == x).all(2).all(1)
    assert float(same.float().mean()) == pytest.approx(0.7 + 0.3 / 61, abs=0.03)
    assert equal(moved[same], peaks.repeat(100, 1)[same])
    assert (moved[~same][:, 0] != peaks.repeat(100, 1)[~same][:, 0]).sum() > 400
    assert torch.equal(RandomApply(AmplitudeScale(0.2), 1)(x, random_state=0) == x, x != x)


def test_needs_peaks():
    mask = CardiacCycleMask()
    assert mask.needs_peaks and Compose([TimeMask(), mask]).needs_peaks
    assert RandomApply(mask).needs_peaks and Compose(Compose(mask)).needs_peaks
    for view in (TimeMask(), Compose([TemporalShift(), torch.neg]), RandomApply(TimeMask())):
        assert not view.needs_peaks


def test_functions_are_views_of_signals_alone(x, peaks):
    assert torch.equal(Compose([torch.neg, TimeMask(0)])(x), -x)
    assert torch.equal(RandomApply(torch.neg, 1)(x), -x)
    with pytest.raises(ValueError, match="neg.*how it moves R-peaks is unknown"):
        Compose([torch.neg])(x, peaks)

    class Flip:
        needs_peaks = False

        def __call__(self, x, peaks=None, random_state=None):
            return x.flip(2) if peaks is None else (x.flip(2), (99 - peaks).sort().values)

    flipped, moved = Compose([Flip(), TimeMask(0)])(x, peaks)
    assert torch.equal(flipped, x.flip(2)) and moved[0].tolist() == [9, 23.5, 59, 89]


# --------------------------------------------------------------------------------------------------
# Peaks and real records
# --------------------------------------------------------------------------------------------------


def test_pad_peaks():
    padded = pad_peaks([np.array([3, 9, 20]), np.array([], dtype=int), [1.5]])
    np.testing.assert_array_equal(padded, [[3, 9, 20], [np.nan] * 3, [1.5, np.nan, np.nan]])
    assert padded.dtype == np.float64
    assert pad_peaks([[], []]).shape == (2, 0) and pad_peaks([]).shape == (0, 0)


def assert_masks_spare_peaks(X, rate):
    rhythm = detect_r_peaks(X, rate)
    ones = np.ones_like(X)
    views = Compose([RandomScaleCrop(), TemporalShift(sampling_rate=rate)])
    for x, peaks in [(ones, pad_peaks(rhythm.peaks)), views(ones, pad_peaks(rhythm.peaks), 0)]:
        masked, same = CardiacCycleMask(0.2, sampling_rate=rate)(x, peaks, 1)
        assert equal(same, peaks)
        masked = masked[:, 0] == 0
        record, beat = np.nonzero(np.isfinite(peaks))
        known = np.isfinite(peaks).sum(1) >= 2
        nearest = np.clip(np.rint(peaks[record, beat]).astype(int), 0, X.shape[2] - 1)
        assert not masked[record, nearest][known[record]].any()
        assert len(record) > 4 * len(X) and known.mean() > 0.95
        assert masked.mean() == pytest.approx(0.18, abs=0.03)


@pytest.mark.parametrize("rate", [100, 250, 500])
def test_masks_spare_r_peaks_of_synthetic_records(rate):
    X = make_ecg(60, sampling_rate=rate, random_state=0).data
    assert_masks_spare_peaks(X, rate)


@pytest.mark.parametrize("rate", [100, 500])
def test_masks_spare_r_peaks_of_ptbxl(data_folder, rate):
    X = load_ptbxl(data_folder / "ptbxl", sampling_rate=rate, missing="drop").data[:500]
    assert_masks_spare_peaks(np.asarray(X), rate)


# --------------------------------------------------------------------------------------------------
# Errors
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "view, name",
    [
        (RandomScaleCrop(0), "min_scale"),
        (RandomScaleCrop(max_scale=1.1), "max_scale"),
        (CardiacCycleMask(1.2), "fraction"),
        (CardiacCycleMask(sampling_rate=0), "sampling_rate"),
        (TemporalShift(-1), "max_shift"),
        (TimeMask(-0.1), "fraction"),
        (AmplitudeScale(1.5), "max_change"),
        (GaussianNoise(-0.1), "scale"),
        (PowerlineNoise(frequency="50"), "frequency"),
        (BaselineWander(max_frequency=0), "max_frequency"),
        (LeadDropout(2), "probability"),
        (RandomApply(3), "view"),
        (RandomApply(TimeMask(), 2), "probability"),
        (Compose(3), "views"),
    ],
)
def test_bad_parameters_are_named(view, name, x):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of {type(view).__name__}"):
        view(x)


@pytest.mark.parametrize(
    "view, message",
    [
        (RandomScaleCrop(0.8, 0.5), "min_scale=0.8 is greater than max_scale=0.5"),
        (PowerlineNoise(frequency=60), "frequency=60 Hz is above half of sampling_rate=100 Hz"),
        (PowerlineNoise(frequency=(50, 60)), "frequency=60 Hz is above half"),
        (PowerlineNoise(frequency=()), r"frequency must be a number > 0 or a tuple .* got \(\)"),
        (PowerlineNoise(frequency=(50, -1)), "frequency must be a number > 0"),
        (BaselineWander(max_frequency=51), "max_frequency=51 Hz is above half"),
        (Compose([TimeMask(), 3]), "must be callable, got 3"),
        (Compose([lambda x: x[:, :1]]), r"shape of a batch from \(16, 12, 100\) to \(16, 1, 100\)"),
        (RandomApply(lambda x: x[:, :1]), "lambda.* changed the shape of a batch"),
    ],
)
def test_what_does_not_fit_is_named(view, message, x):
    with pytest.raises(ValueError, match=message):
        view(x)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([[[1.0]]], "x must be a tensor or an ndarray .* got list"),
        (np.ones((12, 100)), r"x must have the shape .* got \(12, 100\). .* pass x\[None\]"),
        (torch.ones(12, 100), r"x must have the shape .* got \(12, 100\)"),
        (np.ones((2, 12, 100), dtype=int), "x must be float32 or float64, got int64. Convert"),
        (torch.ones(2, 12, 100).half(), "x must be float32 or float64, got torch.float16"),
        ((np.ones((2, 12, 9)), [[1]]), "peaks must be a tensor or an ndarray"),
        ((np.ones((2, 12, 9)), np.ones(2)), r"peaks must have the shape .* got \(2,\)"),
        ((np.ones((2, 12, 9)), np.ones((2, 3), int)), "peaks must be float32 or float64"),
        ((np.ones((2, 12, 9)), np.ones((3, 3))), "peaks has 3 rows, but x has 2 records"),
        ((np.ones((2, 12, 9)), None, "0"), "random_state must be an int, .* got '0'"),
        ((np.ones((2, 12, 9)), None, np.random.RandomState(0)), "random_state must be an int"),
    ],
)
@named([TimeMask(), Compose([TimeMask()])])
def test_bad_arguments_are_named(view, arguments, message):
    with pytest.raises(ValueError, match=message):
        view(*arguments) if isinstance(arguments, tuple) else view(arguments)

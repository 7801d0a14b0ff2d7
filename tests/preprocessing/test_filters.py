"""Tests that filters, baseline removal and resampling return the same values as SciPy."""

import numpy as np
import pytest
from scipy import signal
from scipy.ndimage import median_filter

from sklearn_ecg.datasets import load_ptbxl, make_ecg
from sklearn_ecg.preprocessing import BandpassFilter, BaselineRemover, NotchFilter, Resampler
from sklearn_ecg.utils import _chunks
from sklearn_ecg.utils._chunks import ChunkBudget

FLOATS = [np.float32, np.float64]


@pytest.fixture(scope="module")
def records():
    """Return six records of 10 s at 500 Hz, float64."""
    return make_ecg(6, sampling_rate=500, class_sep=np.inf, random_state=0).data.astype(np.float64)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "low, high, kind, limits",
    [
        (0.5, 45.0, "bandpass", (0.5, 45.0)),
        (0.5, None, "highpass", 0.5),
        (None, 40, "lowpass", 40),
    ],
)
@pytest.mark.parametrize("order", [1, 2, 4])
def test_bandpass_is_equivalent_to_sosfiltfilt(records, dtype, low, high, kind, limits, order):
    X = records.astype(dtype)
    sos = signal.butter(order, limits, kind, fs=500, output="sos")
    expected = signal.sosfiltfilt(sos, X.astype(np.float64)).astype(dtype)
    filtered = BandpassFilter(low, high, order=order, sampling_rate=500).fit_transform(X)
    np.testing.assert_array_equal(filtered, expected)


@pytest.mark.parametrize("rate", [100, 500])
def test_attenuation_at_both_limits(rate):
    """6 dB is half the amplitude, without a shift of the wave."""
    time = np.arange(100 * rate) / rate
    middle = slice(40 * rate, 60 * rate)
    for frequency, gain in ((0.5, 0.5), (5, 1), (45, 0.5)):
        wave = np.sin(2 * np.pi * frequency * time + 1)
        found = BandpassFilter(sampling_rate=rate).fit_transform(wave[None, None])[0, 0]
        np.testing.assert_allclose(found[middle], gain * wave[middle], atol=0.004)


def test_low_limit_in_float32(records):
    """With float32 coefficients, the error of a limit of 0.5 Hz at 500 Hz would be larger."""
    bandpass = BandpassFilter(sampling_rate=500)
    exact = bandpass.fit_transform(records)
    rounded = bandpass.fit_transform(records.astype(np.float32))
    np.testing.assert_allclose(rounded, exact, atol=1e-6)


def test_bandpass_does_not_shift_waves(records):
    t = np.arange(5000) / 500
    wave, wander = np.sin(2 * np.pi * 10 * t), np.sin(2 * np.pi * 0.05 * t)
    noise = np.sin(2 * np.pi * 120 * t)
    X = np.tile(wave + wander + noise, (1, 2, 1))
    filtered = BandpassFilter(sampling_rate=500).fit_transform(X)
    # (45 / 120) ** 4, or two percent, of the 120 Hz remain.
    assert np.abs(filtered - wave)[..., 1000:-1000].max() < 0.025


@pytest.mark.parametrize("n_times", [1, 2, 5, 14, 15, 16, 40])
def test_padding_of_short_records(n_times):
    X = np.random.RandomState(0).randn(3, 2, n_times)
    for estimator in (
        BandpassFilter(sampling_rate=100, n_leads=2),
        NotchFilter(20, sampling_rate=100, n_leads=2),
    ):
        filtered = estimator.fit_transform(X)
        assert filtered.shape == X.shape and np.isfinite(filtered).all()
    sos = signal.butter(2, (0.5, 45), "bandpass", fs=100, output="sos")
    padlen = min(15, n_times - 1)
    expected = signal.sosfiltfilt(sos, X, padlen=padlen)
    filtered = BandpassFilter(sampling_rate=100, n_leads=2).fit_transform(X)
    np.testing.assert_array_equal(filtered, expected)


@pytest.mark.parametrize("dtype", FLOATS)
def test_notch_is_equivalent_to_filtfilt(records, dtype):
    X = records.astype(dtype)
    b, a = signal.iirnotch(60, 20, fs=500)
    expected = signal.filtfilt(b, a, X.astype(np.float64)).astype(dtype)
    notch = NotchFilter(60, quality=20, sampling_rate=500)
    np.testing.assert_array_equal(notch.fit_transform(X), expected)


def test_notch_removes_interference_and_little_else(records):
    hum = 0.2 * np.sin(2 * np.pi * 50 * np.arange(5000) / 500)
    notch = NotchFilter(50, sampling_rate=500).fit(records)
    left = notch.transform(records + hum) - notch.transform(records)
    assert np.abs(left)[..., 500:-500].max() < 0.002
    assert np.abs(notch.transform(records) - records)[..., 500:-500].std() < 0.02


@pytest.mark.parametrize("dtype", FLOATS)
def test_baseline_highpass_is_equivalent_to_bandpass_without_upper_limit(records, dtype):
    X = records.astype(dtype)
    np.testing.assert_array_equal(
        BaselineRemover(cutoff=0.67, sampling_rate=500).fit_transform(X),
        BandpassFilter(0.67, None, sampling_rate=500).fit_transform(X),
    )


@pytest.mark.parametrize("rate, first, second", [(100, 21, 61), (500, 101, 301), (250, 51, 151)])
def test_baseline_median_is_equivalent_to_two_median_filters(records, rate, first, second):
    X = records[:2, :2, ::2].astype(np.float32)
    baseline = median_filter(X, (1, 1, first), mode="nearest")
    baseline = median_filter(baseline, (1, 1, second), mode="nearest")
    removed = BaselineRemover("median", sampling_rate=rate).fit_transform(X)
    np.testing.assert_array_equal(removed, X - baseline)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "old, new, up, down",
    [(500, 100, 1, 5), (360, 100, 5, 18), (100, 250, 5, 2), (257, 128, 128, 257)],
)
def test_resampler_is_equivalent_to_resample_poly(records, dtype, old, new, up, down):
    X = records.astype(dtype)[:, :3, :1234]
    expected = signal.resample_poly(X, up, down, axis=-1, padtype="edge")
    resampler = Resampler(new, sampling_rate=old).fit(X)
    resampled = resampler.transform(X)
    np.testing.assert_array_equal(resampled, expected)
    assert resampled.shape[2] == int(np.ceil(1234 * new / old)) == resampler._output_n_times()
    assert resampled.dtype == dtype


def test_resampling_to_the_same_rate_returns_a_copy(records):
    resampled = Resampler(500.0, sampling_rate=500).fit_transform(records)
    np.testing.assert_array_equal(resampled, records)


def test_an_offset_does_not_ring_when_resampled(records):
    X = np.full((1, 2, 1000), 3.0)
    np.testing.assert_allclose(Resampler(100, sampling_rate=500).fit_transform(X), 3, atol=1e-2)


def test_results_do_not_depend_on_chunks(records, monkeypatch):
    X = records[:, :2].astype(np.float32)
    estimators = [
        BandpassFilter(sampling_rate=500),
        BaselineRemover("median", sampling_rate=500),
        NotchFilter(sampling_rate=500),
        Resampler(sampling_rate=500),
    ]
    whole = [estimator.fit_transform(X) for estimator in estimators]
    monkeypatch.setattr(_chunks, "TRANSFORM", ChunkBudget(2 * X[0].size + 1))
    for estimator, expected in zip(estimators, whole):
        np.testing.assert_array_equal(estimator.transform(X), expected)


@pytest.mark.parametrize(
    "estimator, message",
    [
        (BandpassFilter(), r"BandpassFilter needs sampling_rate.*Filter\(sampling_rate=100\)"),
        (NotchFilter(), "NotchFilter needs sampling_rate"),
        (BaselineRemover(), "BaselineRemover needs sampling_rate"),
        (Resampler(), "Resampler needs sampling_rate"),
        (
            BandpassFilter(high=60, sampling_rate=100),
            "high=60 Hz must be below 50 Hz, half of sampling_rate=100.*leave the filter out",
        ),
        (BandpassFilter(low=70, high=None, sampling_rate=100), "low=70 Hz must be below 50 Hz"),
        (BandpassFilter(30, 20, sampling_rate=100), "low=30 Hz must be below high=20 Hz"),
        (BandpassFilter(None, None, sampling_rate=100), "low and high are both None"),
        (
            NotchFilter(sampling_rate=100),
            "frequency=50 Hz must be below 50 Hz, half of sampling_rate=100",
        ),
        (BaselineRemover(cutoff=50, sampling_rate=100), "cutoff=50 Hz must be below 50 Hz"),
        (
            Resampler(100.0, sampling_rate=1e-4),
            "Records of 0.0001 Hz cannot be resampled to 100 Hz: the ratio .* more than 100000",
        ),
        (BandpassFilter(low=-1, sampling_rate=100), "The 'low' parameter of BandpassFilter"),
        (BandpassFilter(sampling_rate=0), "The 'sampling_rate' parameter of BandpassFilter"),
        (BandpassFilter(order=0, sampling_rate=100), "The 'order' parameter"),
        (BaselineRemover("mean", sampling_rate=100), "The 'method' parameter of BaselineRemover"),
        (NotchFilter(quality=0, sampling_rate=500), "The 'quality' parameter of NotchFilter"),
        (Resampler(new_rate=0, sampling_rate=500), "The 'new_rate' parameter of Resampler"),
    ],
)
def test_errors(estimator, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        estimator.fit(np.zeros((3, 2, 100)))


def test_ptbxl(data_folder):
    """In real records, baseline wander is removed and QRS complexes are kept."""
    X = load_ptbxl(data_folder / "ptbxl", folds=[9]).data[:100]
    filtered = BandpassFilter(sampling_rate=100).fit_transform(X)
    slow = signal.butter(2, 0.3, fs=100, output="sos")
    before, after = (signal.sosfiltfilt(slow, part.astype(float)).std() for part in (X, filtered))
    assert after < 0.25 * before
    highest = np.abs(X - np.median(X, axis=-1, keepdims=True)).max(axis=-1)
    assert np.median(np.abs(filtered).max(axis=-1) / highest) > 0.9

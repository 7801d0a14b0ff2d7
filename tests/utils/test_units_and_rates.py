"""Units of voltage, and the ratio of two sampling rates."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from sklearn_ecg.datasets import load_wfdb
from sklearn_ecg.preprocessing import Resampler
from sklearn_ecg.utils._rates import resampling_ratio
from sklearn_ecg.utils._units import millivolts_per_unit, standard_unit


@pytest.mark.parametrize(
    "unit, name, millivolts",
    [
        ("mV", "mV", 1),
        ("Millivolt", "mV", 1),
        ("uV", "uV", 1e-3),
        ("\u00b5V", "uV", 1e-3),
        ("\u03bcV", "uV", 1e-3),
        (" microvolts ", "uV", 1e-3),
        ("V", "V", 1000),
        ("nV", "nV", 1e-6),
        ("mmHg", "mmHg", None),
    ],
)
def test_units(unit, name, millivolts):
    assert standard_unit(unit) == name
    assert millivolts_per_unit(unit) == millivolts


@pytest.mark.parametrize(
    "rate, new_rate, ratio",
    [
        (500, 100, Fraction(1, 5)),
        (100, 500, Fraction(5)),
        (999.56, 100, Fraction(2500, 24989)),
        (100, 999.56, Fraction(24989, 2500)),
        (100 / 3, 100, Fraction(3)),
        (np.float32(250), np.int64(100), Fraction(2, 5)),
    ],
)
def test_resampling_ratio(rate, new_rate, ratio):
    assert resampling_ratio(rate, new_rate) == ratio


RATES = [510.227, 499.9975, 499.9999, 127.99999999, np.pi, 1e-3, 8e6]
NEW_RATES = [100, 360.0, 1000 / 3]


@pytest.mark.parametrize(
    "rate, new_rate",
    [
        (rate, new_rate)
        for rate, new_rate in itertools.product(RATES, NEW_RATES)
        if max(rate / new_rate, new_rate / rate) <= 100_000
    ],
)
def test_any_measured_rate_has_a_ratio(rate, new_rate):
    for ratio, exact in (
        (resampling_ratio(rate, new_rate), new_rate / rate),
        (resampling_ratio(new_rate, rate), rate / new_rate),
    ):
        assert max(ratio.numerator, ratio.denominator) <= 100_000
        assert abs(ratio / Fraction(exact) - 1) < 1e-5


def test_rates_without_a_ratio():
    with pytest.raises(ValueError, match="Records of 1e-05 Hz cannot be resampled to 100 Hz"):
        resampling_ratio(1e-5, 100)
    for rate in (0, -5, np.nan, np.inf):
        with pytest.raises(ValueError, match="must be positive numbers in Hz"):
            resampling_ratio(rate, 100)
        with pytest.raises(ValueError, match="must be positive numbers in Hz"):
            resampling_ratio(100, rate)


@pytest.mark.parametrize("rate", [512, 510.227, 249.97, 999.56, 499.9975])
def test_resampler_and_loaders_give_the_same_records(rate, tmp_path):
    counts = (100 * np.sin(np.arange(1200) / 7)).astype("<i2")
    (tmp_path / "a.hea").write_text(f"a 1 {rate} 1200\na.dat 16 200/mV 16 0 0 0 0 II\n")
    counts.tofile(tmp_path / "a.dat")
    loaded = load_wfdb(tmp_path, leads=["II"], resample_to=100).data
    resampled = Resampler(100, sampling_rate=rate).fit_transform(counts[None, None] / 200)
    assert resampled.shape == loaded.shape
    np.testing.assert_allclose(resampled, loaded, atol=1e-5)

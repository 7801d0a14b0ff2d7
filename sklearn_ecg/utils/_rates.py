"""The ratio of two sampling rates, for loaders and for `Resampler`."""

import math
from fractions import Fraction

# Larger integers would require filters longer than any record.
MAX_RATIO_TERM = 100_000


def resampling_ratio(rate, new_rate):
    """Return the ratio of a new sampling rate to the old one, as a fraction of small integers.

    Rates are written in decimals: 100 / 999.56 is 2500 / 24989. A ratio of larger integers than
    `MAX_RATIO_TERM` is replaced by the nearest one of smaller integers, which differs by less than
    one hundred-thousandth, the accuracy of a quartz clock.

    Parameters
    ----------
    rate, new_rate : float
        In Hz, > 0.

    Returns
    -------
    ratio : Fraction

    Raises
    ------
    ValueError
        If a rate is not a positive number, or one is more than `MAX_RATIO_TERM` times the other.
    """
    for given in (rate, new_rate):
        if not (given > 0 and math.isfinite(given)):
            raise ValueError(f"Sampling rates must be positive numbers in Hz, got {given!r}.")
    exact = Fraction(str(float(new_rate))) / Fraction(str(float(rate)))
    if max(exact, 1 / exact) > MAX_RATIO_TERM:
        raise ValueError(
            f"Records of {rate:g} Hz cannot be resampled to {new_rate:g} Hz: the ratio of the two "
            f"rates is more than {MAX_RATIO_TERM}. Pass other rates, in Hz."
        )
    if exact > 1:
        return 1 / (1 / exact).limit_denominator(MAX_RATIO_TERM)
    return exact.limit_denominator(MAX_RATIO_TERM)

"""Rhythm strips: which lead they show, from their signals."""

import numpy as np

from ...leads import STANDARD_LEADS

# Share of the energy of a lead that differs from the same seconds of its strip.
_MAX_DIFFERENCE = 0.15
# The next best lead differs by more.
_MARGIN = 0.6
# Time points by which the axes of two rows may differ.
_SHIFTS = tuple(range(-4, 5))


def fill_from_strips(signals, strips, *, fill):
    """Find the leads of rhythm strips, and add their further seconds to the leads.

    A strip shows the same seconds of a lead as its column, so that both agree where they overlap.

    Parameters
    ----------
    signals : ndarray of shape (12, n_times)
        Changed in place.
    strips : ndarray of shape (n_strips, n_times)
    fill : bool
        Whether the further seconds are added.

    Returns
    -------
    names : list of str or None
        The lead of each strip, None where no lead agrees.
    """
    names = []
    for strip in strips:
        shifted = np.stack([_shift(strip, shift) for shift in _SHIFTS])
        found = [_best_shift(signal, shifted) for signal in signals]
        differences = np.array([difference for difference, _ in found])
        best = int(np.argmin(differences))
        second = np.partition(differences, 1)[1]
        if not differences[best] <= min(_MAX_DIFFERENCE, _MARGIN * second):
            names.append(None)
            continue
        strip = _shift(strip, found[best][1])
        names.append(STANDARD_LEADS[best])
        if fill:
            lead = signals[best]
            gap = np.isnan(lead)
            known = ~gap & ~np.isnan(strip)
            offset = np.median(lead[known] - strip[known])
            lead[gap] = strip[gap] + offset
    return names


def _best_shift(signal, shifted):
    """Return the smallest difference between a signal and a strip, and the shift of the strip."""
    printed = ~np.isnan(signal)
    differences = _differences(signal[printed], shifted[:, printed])
    return min(zip(differences, _SHIFTS), key=lambda pair: (pair[0], abs(pair[1])))


def _shift(strip, shift):
    """Return a strip that is later by a number of time points."""
    shifted = np.full_like(strip, np.nan)
    if shift >= 0:
        shifted[shift:] = strip[: len(strip) - shift]
    else:
        shifted[:shift] = strip[-shift:]
    return shifted


def _differences(signal, shifted):
    """Return the share of the energy of a signal and of each strip that differs.

    Time points at which one of the strips is unknown are left out.
    """
    known = ~np.isnan(shifted).any(axis=0)
    if known.sum() < 20:
        return [np.inf] * len(shifted)
    signal, shifted = signal[known], shifted[:, known]
    a, b = signal - np.median(signal), shifted - np.median(shifted, axis=1, keepdims=True)
    energy = (a**2).sum() + (b**2).sum(axis=1)
    with np.errstate(invalid="ignore"):
        shares = 2 * ((a - b) ** 2).sum(axis=1) / energy
    return np.where(energy > 0, shares, np.inf).tolist()

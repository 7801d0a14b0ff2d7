"""Rhythm strips: which lead they show, from their signals."""

import numpy as np
from scipy.ndimage import minimum_filter1d

from ...leads import STANDARD_LEADS

# Share of the energy of a lead that differs from the same seconds of its strip.
_MAX_DIFFERENCE = 0.15
# The next best lead differs by more.
_MARGIN = 0.6
# Time points by which the axes of two rows may differ.
_SHIFTS = tuple(range(-4, 5))
# Window of time points in which single beats of two rows may be shifted, and the share of the
# energy that may differ then.
_JITTER, _MAX_WITH_JITTER = 5, 0.025
# Share of the time points of a lead at each end, where the ink of two columns overlaps.
_ENDS = 0.03


def fill_from_strips(signals, strips, *, fill):
    """Find the leads of rhythm strips, and add their further seconds to the leads.

    A strip shows the same seconds of a lead as its column, so that both agree where they overlap.
    That lead must also be the nearest one if single beats may be shifted: otherwise, the strip may
    be that of a lead whose row is distorted, and another lead is only similar.

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
        differences = np.array([difference for difference, *_ in found])
        with_jitter = [difference for _, difference, _ in found]
        best = int(np.argmin(differences))
        second = np.partition(differences, 1)[1]
        is_near = differences[best] <= min(_MAX_DIFFERENCE, _MARGIN * second)
        is_alike = with_jitter[best] <= min(_MAX_WITH_JITTER, min(with_jitter))
        if not (is_near and is_alike):
            names.append(None)
            continue
        strip = _shift(strip, found[best][2])
        names.append(STANDARD_LEADS[best])
        if fill:
            lead = signals[best]
            gap = np.isnan(lead)
            known = ~gap & ~np.isnan(strip)
            offset = np.median(lead[known] - strip[known])
            lead[gap] = strip[gap] + offset
    return names


def _best_shift(signal, shifted):
    """Return the smallest difference between a signal and a strip, and the shift of the strip.

    The second difference is that of beats which may be shifted one by one.
    """
    printed = np.flatnonzero(~np.isnan(signal))
    n_ends = int(_ENDS * len(printed))
    printed = printed[n_ends : len(printed) - n_ends]
    rigid, jittered = _differences(signal[printed], shifted[:, printed])
    best = min(range(len(_SHIFTS)), key=lambda i: (rigid[i], abs(_SHIFTS[i])))
    return rigid[best], min(jittered), _SHIFTS[best]


def _shift(strip, shift):
    """Return a strip that is later by a number of time points."""
    shifted = np.full_like(strip, np.nan)
    if shift >= 0:
        shifted[shift:] = strip[: len(strip) - shift]
    else:
        shifted[:shift] = strip[-shift:]
    return shifted


def _differences(signal, shifted):
    """Return the share of the energy of a signal and of each strip that differs, twice."""
    known = ~np.isnan(shifted).any(axis=0)
    if known.sum() < 20:
        nothing = np.full(len(shifted), np.inf)
        return nothing, nothing
    signal, shifted = signal[known], shifted[:, known]
    a, b = signal - np.median(signal), shifted - np.median(shifted, axis=1, keepdims=True)
    energy = (a**2).sum() + (b**2).sum(axis=1)
    errors = (a - b) ** 2
    shares = []
    for part in (errors, minimum_filter1d(errors, _JITTER, axis=0, mode="nearest")):
        share = np.full(len(b), np.inf)
        np.divide(2 * part.sum(axis=1), energy, out=share, where=energy > 0)
        shares.append(share)
    return shares

"""Rhythm strips: which lead they show, from their signals."""

import numpy as np

from ...leads import STANDARD_LEADS

# Share of the energy of a lead that differs from the same seconds of its strip.
_MAX_DIFFERENCE = 0.15


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
        differences = [_difference(signal, strip) for signal in signals]
        best = int(np.argmin(differences))
        if not differences[best] <= _MAX_DIFFERENCE:
            names.append(None)
            continue
        names.append(STANDARD_LEADS[best])
        if fill:
            lead = signals[best]
            gap = np.isnan(lead)
            known = ~gap & ~np.isnan(strip)
            offset = np.median(lead[known] - strip[known])
            lead[gap] = strip[gap] + offset
    return names


def _difference(signal, strip):
    known = ~np.isnan(signal) & ~np.isnan(strip)
    if known.sum() < 20:
        return np.inf
    a, b = signal[known], strip[known]
    a, b = a - np.median(a), b - np.median(b)
    energy = (a**2).sum() + (b**2).sum()
    return float(2 * ((a - b) ** 2).sum() / energy) if energy > 0 else np.inf

"""Parts of a page at which lines of 1 mm were confused with the next ones."""

import numpy as np
from scipy.ndimage import convolve1d, label

from ._unwrapping import follow_phases

# Blocks of a part that has slipped, and of one to which no lines lead.
_LEAST_BLOCKS, _LEAST_ALONE = 12, 40
# How much better lines of 5 mm agree with a slip than without: for 1 mm, it is 0.7 at most.
_LEAST_AGREEMENT = 0.1
# Periods: between neighboring blocks with a larger step, lines may be confused.
_STEADY = 0.25
# Steady blocks among the nine around a block.
_LEAST_STEADY = 6


def find_slips(coarse, fine, moved):
    """Return by how many mm blocks are displaced further than to the nearest lines of 1 mm.

    These lines are followed from block to block. Parts of the page that they reach whole mm away
    from their place, or not at all, have slipped if lines of 5 mm say so on average: those of
    single blocks depend on traces and on text. A page whose lines are one part without steps is
    not compared with lines of 5 mm.

    Parameters
    ----------
    coarse, fine : Lines
        Those of 5 mm and of 1 mm.
    moved : tuple of ndarray
        Displacements of paper that is where it should be.

    Returns
    -------
    slips : ndarray of shape (2, n_rows, n_columns)
        In mm, in both directions; 0 where paper is where it should be, or where that is unknown.
    """
    offs, legible = np.array(fine.rest(*moved)), fine.legible
    slips = np.zeros_like(offs)
    if legible.sum() < _LEAST_BLOCKS:
        return slips
    parts, is_wrapped = _find_parts(offs / fine.period, legible)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    main = int(np.argmax(sizes))
    # Nearly all pages are one part, without steps of whole periods.
    if main == 0 or not is_wrapped and (sizes >= _LEAST_BLOCKS).sum() == 1:
        return slips
    quality = np.where(fine.strong, fine.coherence, 0.0)
    followed = follow_phases(offs, fine.period, quality)
    whole = fine.period * np.round((followed - offs) / fine.period)
    # A median of whole periods is one of them, also if there are two in the middle.
    middle = np.quantile(whole[:, parts == main], 0.5, axis=1, method="lower")
    whole -= middle[:, None, None]
    waves = np.exp(2j * np.pi * np.array(coarse.rest(*moved)) / coarse.period)
    waves = np.where(coarse.legible, waves, 0)
    # Those of paper that is where it should be.
    here = (parts == main) & ~whole.any(axis=0)
    waves *= np.exp(-1j * np.angle(waves[:, here].sum(axis=1)))[:, None, None]
    for part in np.flatnonzero(sizes >= _LEAST_ALONE):
        if part != main:
            inside = parts == part
            left = waves[:, inside] * np.exp(-2j * np.pi * whole[:, inside] / coarse.period)
            off = np.angle(left.sum(axis=1)) / (2 * np.pi) * coarse.period
            whole[:, inside] += (fine.period * np.round(off / fine.period))[:, None]
    regions, n_regions = label(legible & whole.any(axis=0))
    if n_regions == 0:
        return slips
    agreement = (waves * (np.exp(-2j * np.pi * whole / coarse.period) - 1)).real.sum(axis=0)
    n_blocks = np.bincount(regions.ravel(), coarse.legible.ravel())
    has_slipped = n_blocks >= _LEAST_BLOCKS
    has_slipped &= np.bincount(regions.ravel(), agreement.ravel()) > _LEAST_AGREEMENT * n_blocks
    has_slipped[0] = False
    return np.where(has_slipped[regions], whole, 0.0)


def _find_parts(cycles, legible):
    """Return the parts of a page in which lines are followed without doubt; 0 is none.

    Also return whether there are whole periods between neighboring blocks of a part.
    """
    is_steady, is_wrapped = legible.copy(), np.zeros_like(legible)
    for axis in (0, 1):
        steps = np.diff(cycles, axis=axis + 1)
        whole = np.round(steps)
        is_even = (np.abs(steps - whole) < _STEADY).all(axis=0)
        wraps = whole.any(axis=0)
        for side in (0, steps.shape[axis + 1]):
            is_steady &= np.insert(is_even, side, True, axis=axis)
            is_wrapped |= np.insert(wraps, side, False, axis=axis)
    around = is_steady.astype(np.float32)
    for axis in (0, 1):
        around = convolve1d(around, np.ones(3), axis=axis, mode="nearest")
    # A few blocks that are steady by chance join no parts.
    parts = label(is_steady & (around >= _LEAST_STEADY))[0]
    return parts, bool((is_wrapped & (parts > 0)).any())

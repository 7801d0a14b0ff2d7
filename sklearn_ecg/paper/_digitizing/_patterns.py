"""Parts of a page in which the stronger ones of the lines of 1 mm are not where they should be."""

import numpy as np
from scipy.ndimage import binary_opening, convolve1d, label

# Harmonics of the lines of 5 mm. The next one is that of lines of 1 mm, which are all alike.
PATTERN = (1, 2, 3, 4)
# Blocks, in both directions, whose patterns are averaged.
_AROUND = 5
# Blocks of a part that has slipped.
_LEAST_BLOCKS = 12
# How much better patterns agree with a slip than without, where 1 is how well they agree elsewhere.
_LEAST_GAIN = 0.5
# Agreement of the patterns of all blocks, at most the number of harmonics, that is needed.
_LEAST_AGREEMENT = 0.6
# mm between blocks that are displaced alike.
_SAME = 0.4
_N_FITS = 3
_SLIPS = np.array([0, 1, -1, 2, -2])
# Displacements in mm that are compared with each other in a bulge.
_BULGES = np.array([0, *np.arange(0.25, 2.5, 0.25), *np.arange(-2.5, 0, 0.25)])
# The smallest displacement in mm of a bulge, and its gain.
_LEAST_BULGE, _LEAST_BULGE_GAIN = 0.75, 0.4
# mm: lines of 1 mm that are nearer to those of the fitted grid are where they should be.
NEAR = 0.35
# Blocks, in both directions, whose patterns are averaged, and side in blocks of the square that a
# bulge contains: on a plane sheet, traces and text do not fill this square. What a bend leaves of a
# bulge is smaller, and so few pages have bends that false alarms are rare.
_PLANE, _BENT = (3, 5), (5, 2)


def find_displaced(waves, fine, moved):
    """Return by how many whole mm parts of a page are displaced, although lines of 1 mm fit.

    Every fifth line is stronger. Which one it is does not change over a page unless a part of it
    has slipped. Traces and text displace the first harmonic of these lines by up to 1 mm over some
    cm, but not all harmonics by the same distance, so that they are compared together.

    Parameters
    ----------
    waves : ndarray of shape (n_harmonics, 2, n_rows, n_columns)
        Phases of the harmonics `PATTERN` of lines of 5 mm that a plane sheet leaves, as complex
        numbers, in both directions. The origin is arbitrary.
    fine : Lines
        Those of 1 mm.
    moved : ndarray of shape (2, n_rows, n_columns)
        Displacements of paper that is where it should be.

    Returns
    -------
    slips : ndarray of shape (2, n_rows, n_columns)
        In both directions; 0 where paper is where it should be, and where that is unknown: at
        blocks without lines of 1 mm, in parts of fewer than 12 blocks, and on pages whose lines
        of 5 mm are not stronger than the others.
    """
    rest = np.array(fine.rest(*moved))
    slips = np.zeros_like(rest)
    known = fine.legible
    if known.sum() < _LEAST_BLOCKS:
        return slips
    # Relative to lines of 1 mm, bends and other small displacements are removed.
    waves = waves * turn_waves(moved + rest)
    for direction, best, gain in _match_patterns(waves, known, _SLIPS, _AROUND):
        slips[direction] = np.where(known & (gain > _LEAST_GAIN), best, 0)
    parts, _ = label(slips.any(axis=0))
    return np.where((np.bincount(parts.ravel()) >= _LEAST_BLOCKS)[parts], slips, 0.0)


def has_bulge(waves, coarse, fine, moved, *, is_bent):
    """Return whether a part of a page is displaced in which lines of 1 mm cannot be followed.

    These lines are not legible where paper bulges, and are near those of a plane sheet again and
    again by chance. Traces and text make them illegible as well, but only along rows.

    Parameters
    ----------
    waves, fine, moved
        See `find_displaced`.
    coarse : Lines
        Those of 5 mm.
    is_bent : bool
        Whether these are the displacements of a bend.

    Returns
    -------
    has_bulge : bool
    """
    known = coarse.strong | fine.strong
    if known.sum() < _LEAST_BLOCKS:
        return False
    doubtful = known & ~(fine.legible & (fine.distances(*moved) < NEAR))
    waves = waves * turn_waves(moved)
    around, side = _BENT if is_bent else _PLANE
    is_away = [
        doubtful & (np.abs(best) >= _LEAST_BULGE) & (gain > _LEAST_BULGE_GAIN)
        for _, best, gain in _match_patterns(waves, known, _BULGES, around)
    ]
    return any(binary_opening(away, np.ones((side, side))).any() for away in is_away)


def _match_patterns(waves, known, displacements, around):
    """Compare the pattern of lines around each block with that of most blocks, displaced.

    Parameters
    ----------
    waves : ndarray of shape (n_harmonics, 2, n_rows, n_columns)
    known : ndarray of shape (n_rows, n_columns), bool
        Blocks with lines.
    displacements : ndarray
        In mm. The first one is 0.
    around : int
        Blocks in both directions.

    Yields
    ------
    direction : int
        Not of a direction whose lines of 5 mm are not stronger than the others.
    best : ndarray of shape (n_rows, n_columns)
        The displacement with the best agreement.
    gain : ndarray of shape (n_rows, n_columns)
        How much better it is than without displacement.
    """
    waves = waves * known
    n_known = known.astype(float)
    smooth = waves
    for axis in (0, 1):
        n_known = convolve1d(n_known, np.ones(around), axis=axis, mode="constant")
        smooth = convolve1d(smooth, np.ones(around), axis=axis + 2, mode="constant")
    smooth = smooth / np.maximum(n_known, 1)
    turns = np.exp(-0.4j * np.pi * np.multiply.outer(displacements, PATTERN))
    for direction in (0, 1):
        here = known
        for _ in range(_N_FITS):
            # The pattern of the paper that is where it should be.
            pattern = waves[:, direction, here].mean(axis=1)
            agreement = (np.abs(pattern) ** 2).sum()
            if agreement < _LEAST_AGREEMENT:
                break
            scores = np.tensordot(turns * pattern.conj(), smooth[:, direction], axes=1).real
            best = displacements[scores.argmax(axis=0)]
            values, counts = np.unique(best[known], return_counts=True)
            here = known & (np.abs(best - values[counts.argmax()]) < _SAME)
        else:
            yield direction, best, (scores.max(axis=0) - scores[0]) / agreement


def turn_waves(displaced):
    """Return the factors by which displacements in mm turn the waves of all harmonics back."""
    turn = np.exp(-0.4j * np.pi * displaced)
    return np.array([turn**harmonic for harmonic in PATTERN])

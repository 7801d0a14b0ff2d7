"""Parts of a page in which the stronger ones of the lines of 1 mm are not where they should be."""

import numpy as np
from scipy.ndimage import convolve1d, label

# Harmonics of the lines of 5 mm. The next one is that of lines of 1 mm, which are all alike.
PATTERN = (1, 2, 3, 4)
# Blocks, in both directions, whose patterns are averaged, and blocks of a part that has slipped.
_AROUND, _LEAST_BLOCKS = 5, 12
# How much better patterns agree with a slip than without, where 1 is how well they agree elsewhere.
_LEAST_GAIN = 0.5
# Agreement of the patterns of all blocks, at most the number of harmonics, that is needed.
_LEAST_AGREEMENT = 0.6
_N_FITS = 3
_SLIPS = np.array([0, 1, -1, 2, -2])


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
    waves = waves * turn_waves(moved + rest) * known
    smooth = np.concatenate([waves, np.broadcast_to(known, (1, *rest.shape))])
    for axis in (2, 3):
        smooth = convolve1d(smooth, np.ones(_AROUND), axis=axis, mode="constant")
    smooth = smooth[:-1] / np.maximum(smooth[-1].real, 1)
    turns = np.exp(-0.4j * np.pi * np.multiply.outer(_SLIPS, PATTERN))
    for direction in (0, 1):
        here = known
        for _ in range(_N_FITS):
            # The pattern of the paper that is where it should be.
            pattern = waves[:, direction, here].mean(axis=1)
            agreement = (np.abs(pattern) ** 2).sum()
            if agreement < _LEAST_AGREEMENT:
                break
            scores = np.tensordot(turns * pattern.conj(), smooth[:, direction], axes=1).real
            best = scores.argmax(axis=0)
            here = known & (best == np.bincount(best[known]).argmax())
        else:
            gain = scores.max(axis=0) - scores[0]
            slips[direction] = np.where(known & (gain > _LEAST_GAIN * agreement), _SLIPS[best], 0)
    parts, _ = label(slips.any(axis=0))
    return np.where((np.bincount(parts.ravel()) >= _LEAST_BLOCKS)[parts], slips, 0.0)


def turn_waves(displaced):
    """Return the factors by which displacements in mm turn the waves of all harmonics back."""
    turn = np.exp(-0.4j * np.pi * displaced)
    return np.array([turn**harmonic for harmonic in PATTERN])

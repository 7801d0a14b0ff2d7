"""Amplitudes and phases of waves in the blocks of a page."""

import numpy as np
from scipy.ndimage import convolve1d

# Pixels of the reduced page: side of the blocks whose phases are measured.
BLOCK = 24
# Agreement of the phases of blocks next to each other where lines are legible.
COHERENT = 0.6


def measure_coherence(phasor):
    """Return how much the phases of neighboring blocks agree, from 0 to 1: not those of text."""
    unit = phasor / np.maximum(np.abs(phasor), 1e-9)
    for axis in (0, 1):
        unit = convolve1d(unit, np.ones(3) / 3, axis=axis, mode="nearest")
    return np.abs(unit)


def demodulate(pixels, vectors):
    """Return the centers of blocks, and the complex amplitudes of waves in them."""
    n_rows, n_columns = pixels.shape[0] // BLOCK, pixels.shape[1] // BLOCK
    height, width = n_rows * BLOCK, n_columns * BLOCK
    blocks = pixels[:height, :width].reshape(height, n_columns, BLOCK)
    sums = np.empty((height, n_columns), dtype=np.complex64)
    found = []
    for vector in vectors:
        across = np.exp(2j * np.pi * vector[0] * np.arange(width)).reshape(n_columns, BLOCK)
        down = np.exp(2j * np.pi * vector[1] * np.arange(height)).astype(np.complex64)
        # Unlike a product of matrices, the sums do not depend on where the pixels are in memory.
        sums.real = np.einsum("abc,bc->ab", blocks, across.real.astype(np.float32))
        sums.imag = np.einsum("abc,bc->ab", blocks, across.imag.astype(np.float32))
        phasor = (sums * down[:, None]).reshape(n_rows, BLOCK, n_columns).sum(axis=1)
        found.append(_smooth(phasor))
    y, x = np.mgrid[:n_rows, :n_columns] * BLOCK + (BLOCK - 1) / 2
    return x, y, found


def demodulate_upright(pixels, frequencies):
    """Return the same for waves along the rows and waves along the columns, of each frequency."""
    n_rows, n_columns = pixels.shape[0] // BLOCK, pixels.shape[1] // BLOCK
    height, width = n_rows * BLOCK, n_columns * BLOCK
    blocks = pixels[:height, :width].reshape(n_rows, BLOCK, n_columns, BLOCK)
    columns, rows = blocks.sum(axis=1), blocks.sum(axis=3).swapaxes(1, 2)
    found = []
    for frequency in frequencies:
        along_x = np.exp(2j * np.pi * frequency * np.arange(width)).astype(np.complex64)
        along_y = np.exp(2j * np.pi * frequency * np.arange(height)).astype(np.complex64)
        across = (columns * along_x.reshape(n_columns, BLOCK)).sum(axis=2)
        along = (rows * along_y.reshape(n_rows, 1, BLOCK)).sum(axis=2)
        found.append((_smooth(across), _smooth(along)))
    y, x = np.mgrid[:n_rows, :n_columns] * BLOCK + (BLOCK - 1) / 2
    return x, y, found


def _smooth(phasor):
    """Return complex amplitudes of blocks as means with those of their neighbors."""
    for axis in (0, 1):
        phasor = convolve1d(phasor, [0.25, 0.5, 0.25], axis=axis, mode="nearest")
    return phasor

"""Pitch and rotation of a grid, from the spectrum of tiles of a page."""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from PIL import Image, ImageFilter
from scipy.ndimage import maximum_filter1d, median_filter

from ._windows import quantiles

# Pixels: longest side of the image that is searched, and side of a tile.
_MAX_SIDE = 1400
_TILE = 128
_MAX_TILES = 60
# Pixels: how far the surroundings of a pixel reach.
_AROUND = 12
# mm: longest side of a page at 25 and at 50 mm/s. Between the limits, 1 mm and 5 mm cannot be
# confused.
_PAGE_SIDES = {25: (110.0, 480.0), 50: (130.0, 640.0)}
# Largest rotation, as the tangent.
_MAX_SLOPE = 0.15
# Largest ratio of the pitches in both directions.
_MAX_ASPECT = 1.08
# Share of the power of a line that the window puts elsewhere.
_SIDE_LOBES = 3e-4
# Fifth harmonic of the 5 mm lines: lines of 1 mm.
HARMONICS = 5


@dataclass
class Lattice:
    """The lines of a grid in the middle of a page.

    Attributes
    ----------
    pixels : ndarray of shape (height, width), float32
        Darkness of the grid, on the reduced page.
    reduction : int
        Pixels of the page for one of `pixels`.
    across, along : ndarray of shape (2,)
        Frequency (x, y) in cycles per pixel of the vertical and of the horizontal 5 mm lines.
    strengths : ndarray of shape (2, 5)
        Peaks of the spectrum over the background at the harmonics of both, as logarithms.
    """

    pixels: np.ndarray
    reduction: int
    across: np.ndarray
    along: np.ndarray
    strengths: np.ndarray


def find_lattice(page, paper_speed=25):
    """Find the lines of a grid.

    Parameters
    ----------
    page : Page
    paper_speed : {25, 50}, default=25
        In mm per second. At 50, pages may be longer.

    Returns
    -------
    lattice : Lattice or None
        None if there is no grid.
    """
    reduction = -(-max(page.darkest.size) // _MAX_SIDE)
    pixels = enhance_grid(page.reduced_darkness(reduction))
    power = _mean_spectrum(pixels)
    # A row of the spectrum is a frequency in y. Transposed, it is one in x.
    vertical, horizontal = _ridge(power.T), _ridge(power)
    side = max(pixels.shape)
    # Cycles of 5 mm in a tile.
    shortest, longest = _PAGE_SIDES[paper_speed]
    lowest = max(_TILE / 5 / side * shortest, 1.8)
    highest = min(_TILE / 5 / side * longest, _TILE / 2 / 2.2)
    candidates = np.exp(np.arange(np.log(lowest), np.log(highest), 0.004))
    scores = [_comb(ridge, candidates) for ridge in (vertical, horizontal)]
    reach = int(np.log(_MAX_ASPECT) / 0.004)
    # Both directions have nearly the same pitch.
    total = np.minimum(scores[0], maximum_filter1d(scores[1], 2 * reach + 1))
    total += np.minimum(scores[1], maximum_filter1d(scores[0], 2 * reach + 1))
    best = int(np.argmax(total))
    window = slice(max(0, best - reach), best + reach + 1)
    chosen = [candidates[window][np.argmax(score[window])] for score in scores]
    vectors, strengths = [], []
    for ridge, cycles in zip((vertical, horizontal), chosen):
        vector, strength = _refine(ridge, cycles)
        vectors.append(vector)
        strengths.append(strength)
    strengths = np.array(strengths)
    if strengths.max(axis=1).min() < _MIN_STRENGTH:
        return None
    return Lattice(pixels, reduction, vectors[0], vectors[1][::-1], strengths)


# Logarithm of the ratio of a peak of the spectrum and its background. Beats of pages without a grid
# have up to 2.6, and those with a grid that were looked at have at least 2.9.
_MIN_STRENGTH = 2.7


def enhance_grid(pixels):
    """Return how much darker each pixel is than its surroundings, limited to what a grid is.

    Parameters
    ----------
    pixels : ndarray of shape (height, width), uint8
        Darkness.

    Returns
    -------
    darkness : ndarray of shape (height, width), float32
    """
    # Pillow's filter of bytes is several times faster than SciPy's of floats.
    around = np.asarray(Image.fromarray(pixels).filter(ImageFilter.BoxBlur(_AROUND)))
    darkness = np.subtract(pixels, around, dtype=np.float32)
    limit = quantiles(darkness[::3, ::3], [0.93])[0]
    np.clip(darkness, -limit, max(limit, 1e-3), out=darkness)
    return darkness


def _mean_spectrum(pixels):
    """Return the mean power of tiles, of shape (65, 128): y from 0 up, x from -64 up.

    Each tile has the same weight, so that a header or a dark corner does not count more.
    """
    height, width = pixels.shape
    n_rows = max(1, int(np.sqrt(_MAX_TILES * height / width)))
    n_columns = max(1, _MAX_TILES // n_rows)
    tops = np.linspace(0, max(0, height - _TILE), n_rows).astype(int)
    lefts = np.linspace(0, max(0, width - _TILE), n_columns).astype(int)
    tiles = np.zeros((n_rows * n_columns, _TILE, _TILE), dtype=np.float32)
    for i, top in enumerate(tops):
        for j, left in enumerate(lefts):
            tile = pixels[top : top + _TILE, left : left + _TILE]
            tiles[i * n_columns + j, : tile.shape[0], : tile.shape[1]] = tile
    window = np.hanning(_TILE).astype(np.float32)
    tiles *= window[:, None] * window
    # Real input in the direction of y: half of the frequencies in y, all in x.
    spectrum = scipy.fft.fft(scipy.fft.rfft(tiles, axis=1), axis=2)
    power = spectrum.real**2 + spectrum.imag**2
    energy = power.sum(axis=(1, 2), keepdims=True)
    power = (power / np.maximum(energy, 1e-9)).mean(axis=0)
    return scipy.fft.fftshift(power, axes=1)


def _ridge(power):
    """Return, for each frequency along an axis, the largest power near the axis and where it is.

    Parameters
    ----------
    power : ndarray
        Of shape (65, 128), or transposed.

    Returns
    -------
    log_ratio, position : ndarray of shape (65,)
        The logarithm of the ratio to the background, and the frequency in the other direction.
    """
    if power.shape[0] > power.shape[1]:
        # Negative frequencies in x are those of the opposite direction.
        half = power.shape[0] // 2
        right = power[half:]
        left = np.vstack([power[half], power[half - 1 : 0 : -1]])
        # Columns: y from -64 to 63.
        power = np.hstack([left[:, :0:-1], right])
        center = power.shape[1] // 2
    else:
        center = power.shape[1] // 2
    n = power.shape[0]
    offsets = np.arange(power.shape[1]) - center
    frequencies = np.arange(n)
    reach = np.maximum(_MAX_SLOPE * frequencies, 1.0)
    inside = np.abs(offsets) <= reach[:, None]
    limited = np.where(inside, power, 0)
    at = limited.argmax(axis=1)
    top = limited[np.arange(n), at]
    # What lines in other directions, traces and noise have at this frequency.
    outside = np.abs(offsets) <= np.maximum(4 * reach, 8)[:, None]
    background = np.nanmedian(np.where(outside & ~inside, power, np.nan), axis=1)
    # The window of the tiles has side lobes, which are seen on pages without any noise.
    background = np.maximum(background, _SIDE_LOBES * top.max() + 1e-12)
    smooth = median_filter(np.log(background), 5, mode="nearest")
    ratio = np.log(top + 1e-12) - smooth - 1.0
    position = np.empty(n)
    for i in range(n):
        j = at[i]
        position[i] = offsets[j]
        if 0 < j < power.shape[1] - 1:
            position[i] += _parabola(np.log(power[i, j - 1 : j + 2] + 1e-12))
    return np.maximum(ratio, 0), position, np.log(top + 1e-12)


def _parabola(values):
    """Return the position of the maximum of three values around the one in the middle."""
    low, middle, high = values
    curvature = low - 2 * middle + high
    return 0.0 if curvature >= 0 else float(np.clip(0.5 * (low - high) / curvature, -0.5, 0.5))


def _comb(ridge, candidates):
    """Return a score of each frequency of the 5 mm lines: the peaks at its harmonics."""
    ratio = ridge[0]
    score = np.zeros(len(candidates))
    weights = {1: 1.0, 2: 0.7, 3: 0.7, 4: 0.7, 5: 2.0, 10: 0.5}
    grid = np.arange(len(ratio))
    total = np.zeros(len(candidates))
    for harmonic, weight in weights.items():
        at = harmonic * candidates
        inside = at < len(ratio) - 1
        score += weight * np.where(inside, np.interp(at, grid, np.minimum(ratio, 4)), 0)
        total += weight * inside
    # Between two harmonics there is nothing.
    for harmonic in (0.5, 1.5, 2.5):
        at = harmonic * candidates
        score -= 0.6 * np.interp(at, grid, np.minimum(ratio, 4))
    return score / np.sqrt(total)


def _refine(ridge, cycles):
    """Return the frequency vector in cycles per pixel, and the strength of its harmonics."""
    ratio, position, log_power = ridge
    n = len(ratio)
    strengths = np.zeros(HARMONICS)
    sums = np.zeros(3)
    for harmonic in range(1, HARMONICS + 1):
        at = harmonic * cycles
        if at > n - 2:
            continue
        near = np.arange(max(1, int(np.floor(at - 1))), min(n - 1, int(np.ceil(at + 1)) + 1))
        peak = near[np.argmax(log_power[near])]
        strengths[harmonic - 1] = ratio[peak]
        exact = peak + _parabola(log_power[peak - 1 : peak + 2])
        if abs(exact - at) <= 1.2:
            weight = ratio[peak] * harmonic
            sums += weight * np.array([exact / harmonic, position[peak] / harmonic, 1.0])
    if sums[2] > 0:
        vector = np.array([sums[0], sums[1]]) / sums[2]
    else:
        vector = np.array([cycles, 0.0])
    return vector / _TILE, strengths

"""A page turned upright: each row of pixels is resampled, and then each column."""

from functools import lru_cache

import numpy as np

# Pixels that are computed at once, and pixels between the places that are mapped exactly. Maps are
# nearly linear between them.
_BLOCK, _STEP = 16, 80
# Parts of a pixel, a power of two, and of the pitch, to which blocks are rounded.
_PARTS, _PITCHES = 16, 64
# Blocks that are multiplied at once, which stay in the cache; blocks of one kind that a part of the
# lines has at least, on average; and rows that are transposed at once.
_MOST, _LEAST, _ROWS = 4096, 2048, 32


def turn_pixels(pixels, to_given, size):
    """Return an upright page, with cubic interpolation.

    Products of matrices are several times as fast as Pillow's transforms. They need blocks of
    pixels whose places in the image differ by whole pixels: places are rounded to 1/16 pixel.

    Parameters
    ----------
    pixels : ndarray of shape (height, width), uint8
        0 on paper, as is what is not in the image.
    to_given : callable
        Returns x and y in the image of points of the upright page. The middle of the first pixel is
        at 0.5.
    size : tuple of int
        Width and height of the upright page.

    Returns
    -------
    upright : ndarray of shape (height, width), uint8
    """
    across, down = (_STEP * np.arange(-1, -(-side // _STEP) + 2) for side in size)
    x, y = to_given(*np.meshgrid(across, down))
    # Where the rows of the image cross the columns of the upright page.
    rows = np.arange(len(pixels)) + 0.5
    crossed = [np.interp(rows, y[:, j], down) for j in range(len(across))]
    places = np.stack([np.interp(v, down, x[:, j]) for j, v in enumerate(crossed)], axis=1)
    pixels = _resample(pixels, places, size[0])
    columns = np.arange(size[0]) + 0.5
    places = np.stack([np.interp(columns, across, row) for row in y], axis=1)
    return _transpose(_resample(_transpose(pixels), places, size[1]))


def _transpose(pixels):
    """Return the columns as rows; some rows at a time, which the cache holds."""
    columns = np.empty(pixels.shape[::-1], dtype=pixels.dtype)
    for first in range(0, len(pixels), _ROWS):
        columns[:, first : first + _ROWS] = pixels[first : first + _ROWS].T
    return columns


def _resample(lines, places, n_pixels):
    """Resample lines of pixels.

    Parameters
    ----------
    lines : ndarray of shape (n_lines, n_given), uint8
    places : ndarray of shape (n_lines, n_steps)
        Place of each 80th pixel in the given lines, from that before the first pixel.
    n_pixels : int
        Number of pixels that are returned.

    Returns
    -------
    resampled : ndarray of shape (n_lines, n_pixels), uint8
    """
    n_lines, n_given = lines.shape
    n_blocks = -(-n_pixels // _BLOCK)
    places = places[:, 1:-1]
    pitch = np.diff(places, axis=1) / _STEP
    # The middles of blocks, as pixels of which the first is 0.
    middles = (np.arange(_STEP // _BLOCK) + 0.5) * _BLOCK
    middles = pitch[:, :, None] * middles
    middles += places[:, :-1, None] - 0.5
    middles *= _PARTS
    at = np.rint(middles, out=middles).astype(np.int32)
    pitch = np.rint(pitch * _PITCHES).astype(np.int32)
    lowest = int(pitch.min())
    n_kinds = (int(pitch.max()) - lowest + 1) * _PARTS
    # Blocks with the same weights. Operations on bits are faster than divisions.
    kind = at & (_PARTS - 1)
    kind += (_PARTS * (pitch - lowest))[:, :, None]
    at >>= _PARTS.bit_length() - 1
    length = 4 * (int(_BLOCK * (pitch.max() / _PITCHES)) // 4) + 8
    padded = np.zeros((n_lines, n_given + 2 * length), dtype=np.uint8)
    padded[:, length:-length] = lines
    # All stretches of some pixels.
    stretches = np.ndarray(
        padded.size - length + 1, dtype=f"V{length}", buffer=padded, strides=(1,)
    )
    at += (_first_given(lowest * _PARTS + np.arange(n_kinds)) + length).take(kind)
    np.clip(at, 0, padded.shape[1] - length, out=at)
    at += np.arange(n_lines, dtype=np.int32)[:, None, None] * np.int32(padded.shape[1])
    # The blocks of some lines at a time, which the cache holds, if there are enough of each kind.
    n_parts = max(1, n_lines * n_blocks // (n_kinds * _LEAST))
    part = (np.arange(n_lines, dtype=np.int32) * n_parts // n_lines * n_kinds)[:, None, None]
    kind += part
    kind, at = (values.reshape(n_lines, -1)[:, :n_blocks].ravel() for values in (kind, at))
    n_groups = n_parts * n_kinds
    order = np.argsort(kind.astype(np.min_scalar_type(n_groups)), kind="stable")
    at = at[order]
    bounds = np.cumsum(np.bincount(kind, minlength=n_groups))
    found = np.empty((n_lines, n_blocks * _BLOCK), dtype=np.uint8)
    blocks = found.view(f"V{_BLOCK}").ravel()
    given, values, rounded = (
        np.empty((_MOST, width), dtype=dtype)
        for width, dtype in ((length, np.float32), (_BLOCK, np.float32), (_BLOCK, np.uint8))
    )
    stops, group = bounds.tolist(), 0
    for first in range(0, len(order), _MOST):
        chosen = order[first : first + _MOST]
        n, start = len(chosen), 0
        given[:n] = stretches[at[first : first + n]].view(np.uint8).reshape(n, length)
        while start < n:
            stop = min(n, stops[group] - first)
            if stop > start:
                weights = _weights(group % n_kinds + lowest * _PARTS, length)
                np.matmul(given[start:stop], weights, out=values[start:stop])
            start = stop
            group += first + stop == stops[group]
        values[:n] += np.float32(0.5)
        np.clip(values[:n], 0, 255, out=values[:n])
        np.copyto(rounded[:n], values[:n], casting="unsafe")
        blocks[chosen] = rounded[:n].view(f"V{_BLOCK}").ravel()
    return found[:, :n_pixels]


def _places(kind):
    """Return the places of the first and the last pixel of blocks relative to their middles."""
    pitch = kind // _PARTS / _PITCHES
    reach = (_BLOCK - 1) / 2 * pitch
    return kind % _PARTS / _PARTS - reach, kind % _PARTS / _PARTS + reach


def _first_given(kind):
    """Return the first pixel that blocks need, relative to their middles."""
    return np.floor(_places(kind)[0]).astype(np.int32) - 1


@lru_cache(maxsize=4096)
def _weights(kind, length):
    """Return the weights of given pixels for the pixels of a block."""
    places = np.linspace(*_places(kind), _BLOCK) - _first_given(kind)
    distance = np.abs(places - np.arange(length)[:, None])
    # The cubic convolution of Pillow.
    near = (distance - 2) * distance**2 + 1
    far = ((5 - distance) * distance - 8) * distance + 4
    weights = np.where(distance < 1, near, np.where(distance < 2, far, 0))
    return weights.astype(np.float32)

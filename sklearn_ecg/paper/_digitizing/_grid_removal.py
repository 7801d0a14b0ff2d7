"""Lines of a grid that are visible next to black ink: gray ones, and those as dark as ink."""

import numpy as np

from ._refusal import PageRefusedError
from ._windows import quantiles

# Darkness of lines, from 0 to 255, above which ink on them has less contrast.
_LINE = 30
# Darkness of lines above which ink on them is hardly visible.
_DARK = 190
# Number of such lines in each direction that are a grid.
_LEAST_LINES = 8
# mm and pixels: half of such lines are not wider than the larger one of both.
_MAX_WIDTH, _MAX_PIXELS = 0.4, 2
# mm by which ink may move along a line while it crosses half of it.
_REACH = {"horizontal": 0.5, "vertical": 2.0}
# Pixels per mm from which an image of two levels, or with black lines, may be turned.
_LEAST_PITCH = 5.5
# Darkness of a grid at most, where squares are averaged.
_GRID = 89
# Squares of 5 mm in each direction from which the same grid is subtracted.
_SQUARES = 3
# Share of pixels on lines at least.
_LINED = 0.03
# Mean darkness of lines from which traces may be confused with them.
_DARK_LINES = 80
# Mean darkness of lines from which they are black.
_BLACK_LINES = 140
# Darkness of the pattern from which the mean darkness is measured.
_MAYBE_DARK = 60


def subtract_lines(darkness, scale):
    """Subtract the lines along the pixels of a page, in place, and restore the ink on them.

    Parameters
    ----------
    darkness : ndarray of shape (height, width), uint8
    scale : float
        Pixels per mm.

    Returns
    -------
    have_dark : bool
        Whether there is a grid whose lines are as dark as ink.

    Raises
    ------
    PageRefusedError
        If such lines are wide compared with the strokes of a beat.
    """
    common = {}
    for axis, direction in enumerate(("vertical", "horizontal")):
        lines = darkness[::3].T if axis == 0 else darkness[:, ::3]
        # Few lines have a median that is not 0.
        n_zeros = (lines == 0).view(np.uint8).sum(axis=1, dtype=np.uint32)
        lined = np.flatnonzero(n_zeros <= lines.shape[1] / 2)
        found = np.zeros(len(lines), dtype=np.uint8)
        found[lined] = np.median(np.ascontiguousarray(lines[lined]), axis=1)
        common[direction] = found
        _subtract(darkness.T if axis == 0 else darkness, found)
    bands = {direction: _find_bands(found) for direction, found in common.items()}
    have_dark = min(map(len, bands.values())) >= _LEAST_LINES
    if have_dark:
        _check_width(bands, scale)
    for direction, lines in (("horizontal", darkness), ("vertical", darkness.T)):
        _restore(lines, bands[direction], round(_REACH[direction] * scale))
    return have_dark


def check_levels(page, grid):
    """Raise if a page of two levels was turned and is not like one without a grid.

    Where lines are not along the pixels, they are in steps, and those of a grid are not all there.

    Parameters
    ----------
    page : Page
    grid : Grid
    """
    if not page.has_two_levels or grid.is_upright:
        return
    if grid.has_lines:
        raise PageRefusedError(
            "grid",
            "the image has two levels, and shows lines of a grid that are as dark as the traces: "
            "scan it in gray, or with a threshold at which the grid disappears",
        )
    pitch = min(grid.pitch) / page.reduction
    if pitch < _LEAST_PITCH:
        raise PageRefusedError(
            "size",
            f"the image has two levels, is not upright and has {pitch:.1f} pixels per mm: at "
            f"least {_LEAST_PITCH:g} are needed",
        )


def _subtract(lines, common):
    """Subtract the darkness of each line, in place, so that ink on it is as dark as elsewhere."""
    np.maximum(lines, common[:, None], out=lines)
    lines -= common[:, None]
    at = np.flatnonzero((common > _LINE) & (common <= _DARK))
    gains = 255 / (255 - common[at].astype(np.float32))
    lines[at] = lines[at] * gains[:, None] + np.float32(0.5)


def _find_bands(common):
    """Return the first and the last one of neighboring lines that are as dark as ink."""
    dark = np.flatnonzero(common > _DARK)
    bands = np.split(dark, np.flatnonzero(np.diff(dark) > 1) + 1)
    return [(band[0], band[-1]) for band in bands if len(band)]


def _check_width(bands, scale):
    """Raise if the lines of a dark grid are wide."""
    width = max(float(np.median(np.ptp(found, axis=1))) + 1 for found in bands.values())
    if width > max(_MAX_WIDTH * scale, _MAX_PIXELS):
        raise PageRefusedError(
            "grid",
            f"the lines of the grid are as dark as the traces and {width / scale:.1f} mm wide, so "
            "that they hide beats",
        )


def _restore(lines, bands, reach):
    """Restore the ink on bands of lines that is on both sides of them, in place.

    Parameters
    ----------
    lines : ndarray of shape (n_lines, n_pixels), uint8
    bands : list of (int, int)
        First and last line.
    reach : int
        Half the number of pixels by which ink may move from one side to the other.
    """
    bands = [(first, last) for first, last in bands if 0 < first and last + 1 < len(lines)]
    if not bands:
        return
    first, last = np.transpose(bands)
    before, after = lines[first - 1], lines[last + 1]
    ink = np.minimum(before, after)
    # What is on one side only continues elsewhere on the other: ink in the middle between both.
    before, after = before - ink, after - ink
    for step in range(1, min(reach, (ink.shape[1] - 1) // 2) + 1):
        middle = ink[:, step:-step]
        for one, other in ((before, after), (after, before)):
            np.maximum(middle, np.minimum(one[:, 2 * step :], other[:, : -2 * step]), out=middle)
    for (start, stop), restored in zip(bands, ink):
        np.maximum(lines[start : stop + 1], restored, out=lines[start : stop + 1])


def find_pattern(darkness, scale, mask, *, limit=_GRID):
    """Return the mean square of the grid around each place.

    Parameters
    ----------
    darkness : ndarray of shape (height, width), uint8
        Of an upright page.
    scale : int
        Pixels per mm.
    mask : ndarray of shape (height, width), bool
        Pixels that are on the sheet and in the image.
    limit : int, default=89
        Darkness at which ink is cut off.

    Returns
    -------
    pattern : ndarray of shape (height, width), uint8
    """
    height, width = darkness.shape
    # Some squares in each direction have the same mean, which includes those around them.
    side = _SQUARES * 5 * scale
    n_rows, n_columns = -(-height // side), -(-width // side)
    padded = np.zeros((n_rows * side, n_columns * side), dtype=np.uint8)
    np.minimum(darkness, np.uint8(limit), out=padded[:height, :width])
    # Sums of 16 bits are fast.
    sums = padded.reshape(n_rows, _SQUARES, 5 * scale, -1).sum(axis=1, dtype=np.uint16)
    sums = sums.reshape(n_rows, 5 * scale, n_columns, _SQUARES, 5 * scale).sum(
        axis=3, dtype=np.uint16
    )
    mean = _sum_around(sums.astype(np.float32))
    # What the light, the focus and the bends of the paper make of the lines.
    small = np.zeros((n_rows * side // scale, n_columns * side // scale), dtype=np.float32)
    few = mask[::scale, ::scale]
    small[: few.shape[0], : few.shape[1]] = few
    small = small.reshape(n_rows, side // scale, n_columns, side // scale)
    share = _sum_around(small.mean(axis=(1, 3))[:, None, :, None])
    mean /= _SQUARES**2 * np.maximum(share, 1)
    mean -= np.median(mean[:, :: _step(scale)], axis=(1, 3), keepdims=True)
    np.maximum(mean, 0, out=mean)
    mean = np.rint(mean).astype(np.uint8)
    squares = padded.reshape(n_rows, _SQUARES, 5 * scale, n_columns, _SQUARES, 5 * scale)
    squares[...] = mean[:, None, :, :, None, :]
    return padded[:height, :width]


def _step(scale):
    """Return a step at which lines of 1 mm are at all places of the rows."""
    return 3 if scale % 3 else 5


def _sum_around(values):
    """Return the sums of three by three blocks, of which the axes 0 and 2 are numbers."""
    for axis in (0, 2):
        moved = np.moveaxis(values, axis, 0)
        sums = values.copy()
        found = np.moveaxis(sums, axis, 0)
        found[1:] += moved[:-1]
        found[:-1] += moved[1:]
        values = sums
    return values


def are_dark(darkness, pattern, scale, mask, pitch):
    """Whether the lines of a grid are so dark that traces may be confused with them.

    Parameters
    ----------
    darkness, pattern : ndarray of shape (height, width), uint8
        A page and its pattern.
    scale, mask
        See `find_pattern`.
    pitch : float
        Pixels per mm of the image that was given.

    Returns
    -------
    are_dark : bool

    Raises
    ------
    PageRefusedError
        If the lines are black, and blurred in an image with few pixels per mm.
    """
    if _darkness_of_lines(pattern, scale, mask) <= _MAYBE_DARK:
        return False
    pattern = find_pattern(darkness, scale, mask, limit=255)
    mean = _darkness_of_lines(pattern, scale, mask)
    if mean > _BLACK_LINES and pitch < _LEAST_PITCH:
        raise PageRefusedError(
            "grid",
            f"the lines of the grid are as dark as the traces, and the image is not upright and "
            f"has {pitch:.1f} pixels per mm: at least {_LEAST_PITCH:g} are needed",
        )
    return mean > _DARK_LINES


def _darkness_of_lines(pattern, scale, mask):
    few = slice(None, None, _step(scale)), slice(None, None, _step(scale))
    values = pattern[few][mask[few]]
    return quantiles(values, [1 - _LINED])[0] if values.size else 0

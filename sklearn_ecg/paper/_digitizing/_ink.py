"""Black ink on an upright page: traces, names and rulings, without the grid."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import label, maximum_filter, uniform_filter

from ._creases import subtract_creases
from ._grid_removal import are_dark, find_pattern, subtract_lines
from ._grids import Grid, find_outside, paper_bounds, to_pixels, turn_page
from ._refusal import PageRefusedError
from ._strokes import HALF, INK
from ._windows import ROWS, quantiles, slide, spread_blocks

# Pixels in each direction for which the brightness of paper is found at once.
_AROUND = 8
# Pixels per mm of an upright page.
_SCALES = (4, 8)
# A finer scale than that of the image loses less: the width of steep strokes is in whole pixels.
_ENLARGE = 1.9
# Pixels per mm from which a page that is upright is not resampled.
_MIN_PITCH = 2.2
# Darkness of ink, as a share of that of the darkest thin lines.
_THRESHOLD = 0.33
# Strength of faint ink that is part of a trace, as a multiple of the noise of the paper and in
# limits, of ink that each trace has, and mm around strong ink.
_NOISE, _FAINT, _CLEAR = 6.0, (0.12, 0.35), 0.7
_FAINT_REACH = 0.4
# Ink is at least that much darker than paper, whose brightness is 1.
_MIN_DARKNESS = 0.12
# mm: no line and no narrow beat is filled with ink over this width and height.
_BLOT = 2.0
# mm: taller vertical lines than this separate columns; no R-peak is as high.
_RULING_HEIGHT = 40.0
# mm: where the edge of the paper may be.
_EDGE = 6.0
# Square root of the area of ink in mm that is not only an edge.
_JOINED = 5.0
# mm and share: least distance of such lines, and how much of their height has ink.
_RULING_DISTANCE = 45.0
_SOLID = 0.95


@dataclass
class UprightPage:
    """A page of which the grid is upright, in whole pixels per mm.

    Attributes
    ----------
    strength : ndarray of shape (height, width), uint8
        Ink of each pixel, 0 on paper and about `INK` in the middle of a trace.
    ink : ndarray of shape (height, width), uint8
        The same before faint strokes were made stronger.
    clear : uint8
        Values of `ink` above this are found in each trace, but not in creases of the paper.
    scale : float
        Pixels per mm.
    scales : tuple of float
        Pixels per mm horizontally and vertically, which are nearly the same.
    origin : tuple of float
        Left and top in mm of the paper.
    outside : ndarray of shape (height, width), bool
        Pixels that are not in the image, or not on the grid.
    grid : Grid or None
        None if the page is that of the image.
    reduction : int
        Pixels of the given image for one pixel of the page.
    has_dark_lines : bool
        Whether there are lines of a grid that are about as dark as ink.
    """

    strength: np.ndarray
    ink: np.ndarray
    clear: np.uint8
    scale: float
    scales: tuple
    origin: tuple
    outside: np.ndarray
    grid: Grid | None
    reduction: int
    has_dark_lines: bool

    def to_image(self, x, y):
        """Return the pixels of the given image at which pixels of the upright page are."""
        if self.grid is not None:
            x, y = to_pixels(
                self.grid, *(np.array([x, y]) / self.scale + [[a] for a in self.origin])
            )
        return x * self.reduction, y * self.reduction


def separate_ink(page, grid, *, enlarge=True):
    """Turn a page upright and separate its ink from the paper and the grid.

    Parameters
    ----------
    page : Page
    grid : Grid
    enlarge : bool, default=True
        Whether a page that is turned has more pixels than that of the image, for steep strokes.
        Otherwise, it has about as many.

    Returns
    -------
    upright : UprightPage
    """
    width, height = page.lightest.size
    left, top, right, bottom = paper_bounds(grid.to_paper, width, height)
    pitch = np.array(grid.pitch) / page.reduction
    is_native = grid.is_upright and pitch.min() >= _MIN_PITCH
    if is_native:
        # Every resampling blurs steep strokes.
        scales = pitch
        outside = np.zeros((height, width), dtype=bool)
        darkness = measure_darkness(page.lightest)
        has_dark_lines = subtract_lines(darkness, pitch.mean())
        strong, usual = np.array(quantiles(darkness[::3, ::3], [0.996, 0.95])) / 255
    else:
        scale = np.ceil(_ENLARGE * pitch.mean()) if enlarge else np.rint(pitch.mean())
        scale = int(np.clip(scale, *_SCALES))
        scales = np.array([scale, scale], dtype=float)
        size = (int((right - left) * scale), int((bottom - top) * scale))
        # Before it is turned, the page has no border that would change the brightness of paper.
        darkness = turn_page(measure_darkness(page.lightest), grid, (left, top), scale, size)
        beyond = find_outside(page.lightest.size, grid, (left, top), scale, size)
        # On the sheet, and in the image.
        mask = grid.sheet.mask((left, top), scales, darkness.shape) > beyond
        outside = ~mask
        darkness *= mask.view(np.uint8)
        # Edges of the paper are darker than ink.
        few = slice(None, None, 5), slice(None, None, 3)
        reach = round(2 * _EDGE * scale / 5), round(2 * _EDGE * scale / 3)
        middle = slide(mask[few], reach, np.minimum)
        has_dark_lines = False
        if grid.has_lines:
            pattern = find_pattern(darkness, scale, mask)
            has_dark_lines = are_dark(darkness, pattern, scale, mask, pitch.min())
            if has_dark_lines:
                subtract_lines(darkness, scale)
                pattern = find_pattern(darkness, scale, mask)
        inside = darkness[few][middle].astype(np.int16)
        if grid.has_lines:
            inside -= pattern[few][middle]
            np.maximum(darkness, pattern, out=darkness)
            darkness -= pattern
        if len(inside) == 0:
            raise PageRefusedError("grid", "too little of the grid is legible")
        strong, usual = np.array(quantiles(inside, [0.996, 0.95])) / 255
    threshold = max(_THRESHOLD * strong, 1.4 * min(usual, 0.5 * strong), _MIN_DARKNESS)
    if strong < _MIN_DARKNESS:
        raise PageRefusedError("traces", "there is no ink that is darker than the grid")
    # Half of the ink is at 0.5.
    bytes_ = _to_bytes(np.arange(256) * (0.5 / threshold / 255))
    ink = np.array(Image.fromarray(darkness).point(bytes_.tolist()))
    if is_native:
        clear, strength = HALF, ink
    else:
        noise = quantiles(np.abs(inside), [0.68])[0] / 255 * (0.5 / threshold)
        faint = float(np.clip(_NOISE * noise, *_FAINT))
        clear = np.uint8(_CLEAR * INK)
        subtract_creases(ink, scale, round(faint * INK))
        strength = _strengthen_faint_ink(ink, scale, faint, outside, beyond)
    return UprightPage(
        strength=strength,
        ink=ink,
        clear=clear,
        scale=float(scales.mean()),
        scales=tuple(scales),
        origin=(left, top),
        outside=outside,
        grid=None if is_native else grid,
        reduction=page.reduction,
        has_dark_lines=has_dark_lines,
    )


def _to_bytes(strength):
    """Return strengths, of which those above 1.5 are the same, as bytes."""
    strength = np.clip(strength, 0, 1.5)
    strength *= INK
    strength += 0.5
    return strength.astype(np.uint8)


def _strengthen_faint_ink(ink, scale, faint, outside, beyond):
    """Make steep strokes as strong as the rest of their trace, and remove faint ink and edges.

    Parameters
    ----------
    ink : ndarray of shape (height, width), uint8
    scale : int
        Pixels per mm.
    faint : float
        Strength of faint ink.
    outside : ndarray of shape (height, width), bool
        Pixels that are not on the sheet, or not in the image.
    beyond : ndarray of shape (height, width), bool
        Pixels that are not in the image.

    Returns
    -------
    strength : ndarray of shape (height, width), uint8
    """
    labels, n_labels = label(halve(ink > round(faint * INK)), structure=np.ones((3, 3), dtype=int))
    belongs = np.zeros(n_labels + 1, dtype=bool)
    belongs[labels[halve(ink > round(_CLEAR * INK))]] = True
    belongs[0] = False
    # The edge of the paper.
    step = max(1, round(_EDGE * scale / 24))
    few = labels[::step, ::step]
    sparse = slice(None, -1, 2 * step), slice(None, -1, 2 * step)
    near = outside[sparse] & ~beyond[sparse]
    near = slide(near, 2 * (2 * round(_EDGE * scale / (2 * step)) + 1,), np.maximum)
    near_edge = np.bincount(few[near], minlength=n_labels + 1)
    elsewhere = np.bincount(few.ravel(), minlength=n_labels + 1) - near_edge
    is_edge = near_edge > elsewhere
    is_edge[0] = False
    # A crease may join a trace and the edge.
    is_joined = is_edge & (elsewhere > (_JOINED * scale / (2 * step)) ** 2)
    # Two pixels of a row as one number.
    keep = ((belongs & (~is_edge | is_joined)) * np.uint16(0xFFFF)).take(labels)
    if is_joined.any():
        height, width = labels.shape
        near = near.repeat(step, axis=0).repeat(step, axis=1)[:height, :width]
        at = np.flatnonzero(near)
        keep.ravel()[at[is_joined[labels.ravel()[at]]]] = 0
    strength = np.zeros_like(ink)
    height, width = (2 * size for size in labels.shape)
    for row in (0, 1):
        rows = slice(row, height, 2), slice(width)
        np.bitwise_and(ink[rows], keep.view(np.uint8), out=strength[rows])
    # The edges of strong ink remain where they are.
    nearby = slide(strength, 2 * (2 * round(_FAINT_REACH * scale) + 1,), np.maximum)
    at = np.flatnonzero((strength > 0) & (nearby < INK))
    gains = 1 / np.clip(np.arange(256, dtype=np.float32) / INK, 2 * faint, 1)
    strength.ravel()[at] = strength.ravel()[at] * gains[nearby.ravel()[at]] + np.float32(0.5)
    return strength


def halve(is_ink):
    """Return which squares of two by two pixels have ink, without an odd row or column."""
    height, width = (size // 2 * 2 for size in is_ink.shape)
    rows = is_ink[:height:2, :width] | is_ink[1:height:2, :width]
    # Two pixels of a row as one number.
    return rows.view(np.uint16) != 0


def measure_darkness(image):
    """Return 255 minus the ratio of each pixel and the paper around it, which is 255, as bytes."""
    small = np.asarray(image.reduce(_AROUND), dtype=np.float32)
    paper = uniform_filter(maximum_filter(small, 3, mode="nearest"), 5, mode="nearest")
    light = np.asarray(image)
    darkness = np.empty(light.shape, dtype=np.uint8)
    ratio = np.empty((ROWS * _AROUND, light.shape[1]), dtype=np.float32)
    for strip, values in spread_blocks(np.maximum(paper, 20) / 255, _AROUND, light.shape):
        # Without conversion, which is slow in a division.
        part = ratio[: len(values)]
        np.copyto(part, light[strip])
        np.divide(part, values, out=part)
        np.subtract(np.float32(255.5), part, out=part)
        np.clip(part, 0, 255, out=part)
        np.copyto(darkness[strip], part, casting="unsafe")
    return darkness


def remove_blots(upright):
    """Remove dark areas that are too thick for lines, in place: stamps, borders of scans.

    Parameters
    ----------
    upright : UprightPage
    """
    step = 4
    height, width = (size // step * step for size in upright.strength.shape)
    if not (height and width):
        return
    # Blocks with ink in all corners.
    ink = upright.strength[:height, :width]
    rows = np.minimum(ink[::step], ink[step - 1 :: step])
    full = np.minimum(rows[:, ::step], rows[:, step - 1 :: step]) > HALF
    size = max(2, round(_BLOT * upright.scale / step))
    core = slide(full, (size, size), np.minimum)
    if not core.any():
        return
    blot = slide(core, 2 * (size + 2 * max(1, round(0.5 * upright.scale / step)),), np.maximum)
    blot = np.repeat(np.repeat(blot, step, axis=0), step, axis=1)
    upright.strength[:height, :width][blot] = 0
    # Narrow borders that are no whole block.
    upright.strength[height:] = 0
    upright.strength[:, width:] = 0


def remove_rulings(upright):
    """Remove long vertical lines, in place, and return where they are.

    Parameters
    ----------
    upright : UprightPage

    Returns
    -------
    rulings : ndarray of float
        Pixel columns.
    removed : list of (int, int)
        First and last + 1 pixel column of what was removed.
    """
    step = 2
    ink = upright.strength[::step] > HALF
    length = int(_RULING_HEIGHT * upright.scale / step)
    if len(ink) <= length:
        return np.zeros(0), []
    # Few columns have as much ink, wherever it is.
    columns = np.flatnonzero(ink.view(np.uint8).sum(axis=0, dtype=np.uint32) > _SOLID * length)
    counts = np.cumsum(np.pad(ink[:, columns], ((1, 0), (0, 0))), axis=0, dtype=int)
    share = (counts[length:] - counts[:-length]).max(axis=0, initial=0) / length
    columns = columns[share > _SOLID]
    if len(columns) == 0:
        return np.zeros(0), []
    groups = np.split(columns, np.flatnonzero(np.diff(columns) > 2) + 1)
    groups = [group for group in groups if len(group) <= upright.scale]
    middles = np.array([group.mean() for group in groups])
    # Beats at which the traces of several rows touch are closer to each other.
    if len(groups) > 1 and np.diff(middles).min() < _RULING_DISTANCE * upright.scale:
        return np.zeros(0), []
    removed = []
    for group in groups:
        first, last = group[0] - 1, group[-1] + 2
        window = slice(max(0, first), last)
        # Ink that extends to both sides is a trace which crosses the line.
        before = upright.strength[:, max(0, first - 1)]
        after = upright.strength[:, min(last, upright.strength.shape[1] - 1)]
        crossing = np.minimum(before, after)
        upright.strength[:, window] = np.minimum(upright.strength[:, window], crossing[:, None])
        removed.append((window.start, min(last, upright.strength.shape[1])))
    return middles, removed

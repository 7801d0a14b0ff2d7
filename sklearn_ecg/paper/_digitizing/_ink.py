"""Black ink on an upright page: traces, names and rulings, without the grid."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import label, maximum_filter, minimum_filter, uniform_filter

from ._grid_fit import Grid, paper_bounds, to_pixels, warp_page
from ._refusal import PageRefusedError

# Pixels per mm of an upright page.
_SCALES = (4, 8)
# A finer scale than that of the image loses less when it is turned.
_ENLARGE = 1.5
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
# Squares of 5 mm in each direction whose grid is subtracted together.
_SQUARES = 7
# mm and share: least distance of such lines, and how much of their height has ink.
_RULING_DISTANCE = 45.0
_SOLID = 0.95


@dataclass
class UprightPage:
    """A page of which the grid is upright, in whole pixels per mm.

    Attributes
    ----------
    strength : ndarray of shape (height, width), float32
        Ink of each pixel, 0 on paper and about 1 in the middle of a trace.
    ink : ndarray of shape (height, width), float32
        The same before faint strokes were made stronger.
    clear : float
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
    """

    strength: np.ndarray
    ink: np.ndarray
    clear: float
    scale: float
    scales: tuple
    origin: tuple
    outside: np.ndarray
    grid: Grid | None
    reduction: int

    def to_image(self, x, y):
        """Return the pixels of the given image at which pixels of the upright page are."""
        if self.grid is not None:
            x, y = to_pixels(
                self.grid, *(np.array([x, y]) / self.scale + [[a] for a in self.origin])
            )
        return x * self.reduction, y * self.reduction


def separate_ink(page, grid):
    """Turn a page upright and separate its ink from the paper and the grid.

    Parameters
    ----------
    page : Page
    grid : Grid

    Returns
    -------
    upright : UprightPage
    """
    width, height = page.lightest.size
    left, top, right, bottom = paper_bounds(grid.to_paper, width, height)
    pitch = np.array(grid.pitch) / page.reduction
    is_native = _is_upright(grid) and pitch.min() >= _MIN_PITCH
    if is_native:
        # Every resampling blurs steep strokes.
        scales = pitch
        outside = np.zeros((height, width), dtype=bool)
        darkness = _darkness(page.lightest)
        _subtract_lines(darkness)
    else:
        scale = int(np.clip(np.ceil(_ENLARGE * pitch.mean()), *_SCALES))
        scales = np.array([scale, scale], dtype=float)
        size = (int((right - left) * scale), int((bottom - top) * scale))
        # Before it is turned, the page has no border that would change the brightness of paper.
        light = np.clip(255 * (1 - _darkness(page.lightest)), 0, 255)
        light = Image.fromarray(np.rint(light).astype(np.uint8))
        light = warp_page(light, grid, (left, top), scale, size)
        frame = Image.new("L", page.lightest.size, 255)
        frame = warp_page(frame, grid, (left, top), scale, size, fill=0)
        outside = np.asarray(frame) < 255
        darkness = 1 - np.asarray(light, dtype=np.float32) / 255
        mask = grid.sheet.mask((left, top), scales, darkness.shape)
        table = ~(mask | outside)
        mask &= ~outside
        outside = ~mask
        darkness[outside] = 0
        _subtract_grid(darkness, 5 * scale, mask)
        darkness[outside] = 0
    if is_native:
        inside = darkness[::3, ::3]
    else:
        # Edges of the paper are darker than ink.
        middle = minimum_filter(mask[::3, ::3], round(2 * _EDGE * scale / 3), mode="nearest")
        inside = darkness[::3, ::3][middle]
        if len(inside) == 0:
            raise PageRefusedError("grid", "too little of the grid is legible")
    strong, usual = np.percentile(inside, [99.6, 95])
    threshold = max(_THRESHOLD * strong, 1.4 * min(usual, 0.5 * strong), _MIN_DARKNESS)
    if strong < _MIN_DARKNESS:
        raise PageRefusedError("traces", "there is no ink that is darker than the grid")
    # Half of the ink is at 0.5.
    strength = np.multiply(darkness, np.float32(0.5 / threshold), out=darkness)
    np.clip(strength, 0, 1.5, out=strength)
    clear, ink = 0.5, strength
    if not is_native:
        noise = np.percentile(np.abs(inside), 68) * (0.5 / threshold)
        faint = float(np.clip(_NOISE * noise, *_FAINT))
        ink = strength.copy()
        clear = _CLEAR
        _strengthen_faint_ink(strength, scale, faint, table)
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
    )


def _strengthen_faint_ink(strength, scale, faint, table):
    """Make steep strokes as strong as the rest of their trace, and remove faint ink and edges."""
    labels, n_labels = label(strength > faint, structure=np.ones((3, 3), dtype=int))
    belongs = np.zeros(n_labels + 1, dtype=bool)
    belongs[labels[strength > _CLEAR]] = True
    belongs[0] = False
    # The edge of the paper.
    step = max(1, round(_EDGE * scale / 12))
    few = labels[::step, ::step]
    near = maximum_filter(table[::step, ::step], 2 * round(_EDGE * scale / step) + 1)
    is_edge = np.bincount(few[near], minlength=n_labels + 1) > 0.5 * np.bincount(
        few.ravel(), minlength=n_labels + 1
    )
    is_edge[0] = False
    # A crease may join a trace and the edge.
    beyond = np.bincount(few[~near], minlength=n_labels + 1) > (_JOINED * scale / step) ** 2
    is_joined = is_edge & beyond
    if is_joined.any():
        height, width = strength.shape
        near = near.repeat(step, axis=0).repeat(step, axis=1)[:height, :width]
        strength[near & is_joined[labels]] = 0
    strength[~(belongs & (~is_edge | is_joined))[labels]] = 0
    # The edges of strong ink remain where they are.
    nearby = maximum_filter(strength, 2 * round(_FAINT_REACH * scale) + 1, mode="nearest")
    strength /= np.clip(nearby, 2 * faint, 1)


def _is_upright(grid):
    """Whether the lines of a grid are along the pixels, to a fraction of a pixel."""
    return grid.bend is None and abs(grid.rotation) < 0.02 and grid.perspective < 0.003


def _darkness(image):
    """Return one minus the ratio of each pixel and the paper around it."""
    small = np.asarray(image.reduce(8), dtype=np.float32)
    paper = uniform_filter(maximum_filter(small, 3, mode="nearest"), 5, mode="nearest")
    paper = Image.fromarray(paper).resize(image.size, Image.Resampling.BILINEAR)
    ratio = np.maximum(np.asarray(paper, dtype=np.float32), 20)
    np.divide(np.asarray(image, dtype=np.float32), ratio, out=ratio)
    return np.subtract(1, ratio, out=ratio)


def _subtract_lines(darkness):
    """Subtract what all pixels of a row or of a column have in common, in place."""
    for axis in (0, 1):
        # Medians of contiguous lines are several times faster.
        lines = darkness[::3].T if axis == 0 else darkness[:, ::3]
        common = np.maximum(np.median(np.ascontiguousarray(lines), axis=1), 0)
        darkness -= common if axis == 0 else common[:, None]


def _subtract_grid(darkness, cell, mask):
    """Subtract the mean square of the grid around each place, in place."""
    height, width = darkness.shape
    n_rows, n_columns = height // cell, width // cell
    if n_rows == 0 or n_columns == 0:
        return
    whole = np.minimum(darkness[: n_rows * cell, : n_columns * cell], 0.35)
    squares = whole.reshape(n_rows, cell, n_columns, cell)
    # What the light, the focus and the bends of the paper make of the lines.
    share = mask[: n_rows * cell : 4, : n_columns * cell : 4].astype(np.float32)
    share = np.asarray(Image.fromarray(share).resize((n_columns, n_rows), Image.Resampling.BOX))
    share = np.maximum(uniform_filter(share, _SQUARES, mode="nearest"), 0.1)
    mean = uniform_filter(squares, (_SQUARES, 1, _SQUARES, 1), mode="nearest")
    mean /= share[:, None, :, None]
    mean -= np.median(mean, axis=(1, 3), keepdims=True)
    np.maximum(mean, 0, out=mean)
    darkness[: n_rows * cell, : n_columns * cell] -= mean.reshape(whole.shape)
    # Squares that are not whole.
    darkness[n_rows * cell :, : n_columns * cell] -= mean[-1].reshape(cell, -1)[: height % cell]
    last = mean[:, :, -1].reshape(n_rows * cell, cell)
    last = np.vstack([last, mean[-1, :, -1]])[:height]
    darkness[:, n_columns * cell :] -= last[:, : width % cell]


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
    full = np.minimum(rows[:, ::step], rows[:, step - 1 :: step]) > 0.5
    size = max(2, round(_BLOT * upright.scale / step))
    core = minimum_filter(full, size, mode="nearest")
    if not core.any():
        return
    blot = maximum_filter(core, size + 2 * max(1, round(0.5 * upright.scale / step)))
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
    """
    step = 2
    ink = upright.strength[::step] > 0.5
    length = int(_RULING_HEIGHT * upright.scale / step)
    if len(ink) <= length:
        return np.zeros(0)
    # Few columns have as much ink, wherever it is.
    columns = np.flatnonzero(ink.view(np.uint8).sum(axis=0, dtype=np.uint32) > _SOLID * length)
    counts = np.cumsum(np.pad(ink[:, columns], ((1, 0), (0, 0))), axis=0, dtype=int)
    share = (counts[length:] - counts[:-length]).max(axis=0, initial=0) / length
    columns = columns[share > _SOLID]
    if len(columns) == 0:
        return np.zeros(0)
    groups = np.split(columns, np.flatnonzero(np.diff(columns) > 2) + 1)
    groups = [group for group in groups if len(group) <= upright.scale]
    middles = np.array([group.mean() for group in groups])
    # Beats at which the traces of several rows touch are closer to each other.
    if len(groups) > 1 and np.diff(middles).min() < _RULING_DISTANCE * upright.scale:
        return np.zeros(0)
    for group in groups:
        first, last = group[0] - 1, group[-1] + 2
        window = slice(max(0, first), last)
        # Ink that extends to both sides is a trace which crosses the line.
        before = upright.strength[:, max(0, first - 1)]
        after = upright.strength[:, min(last, upright.strength.shape[1] - 1)]
        crossing = np.minimum(before, after)
        upright.strength[:, window] = np.minimum(upright.strength[:, window], crossing[:, None])
    return middles

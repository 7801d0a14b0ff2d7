"""A sheet of paper in an image, and the upright page that it becomes."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from ._bends import Bend
from ._homographies import apply_homography
from ._refusal import PageRefusedError
from ._sheets import Sheet
from ._turning import turn_pixels


@dataclass
class Grid:
    """A plane sheet of paper in an image.

    Attributes
    ----------
    to_paper : ndarray of shape (3, 3)
        Homography from pixels (x, y, 1) of the page to mm.
    pitch : tuple of float
        Pixels per mm in the middle of the page, horizontally and vertically.
    rotation : float
        Degrees, of the horizontal lines in the middle of the page; positive is clockwise.
    perspective : float
        Largest change of the pitch over the page, as a ratio minus one.
    share : float
        Share of the blocks with a grid that agree with the homography.
    sheet : Sheet
        The part of the paper with a grid.
    bend : Bend or None
        Smooth displacements of the paper after the homography.
    n_rows : int or None
        Number of rows of leads if no lines are printed, 0 while it is unknown.
    scale_error : float
        Standard error of the scale that pulses gave, as a ratio.
    """

    to_paper: np.ndarray
    pitch: tuple
    rotation: float
    perspective: float
    share: float
    sheet: Sheet
    bend: Bend | None
    n_rows: int | None = None
    scale_error: float = 0.0

    @property
    def has_lines(self):
        """Whether lines are printed."""
        return self.n_rows is None

    @property
    def is_upright(self):
        """Whether lines are along the pixels, to a fraction of a pixel."""
        return self.bend is None and abs(self.rotation) < 0.02 and self.perspective < 0.003


def paper_bounds(to_paper, width, height):
    """Return the left, top, right and bottom in mm of an image."""
    x = np.array([0, width, 0, width], dtype=float)
    y = np.array([0, 0, height, height], dtype=float)
    denominator = to_paper[2, 0] * x + to_paper[2, 1] * y + to_paper[2, 2]
    if denominator.min() <= 0.3 * denominator.max():
        raise PageRefusedError("perspective", "the page is photographed at too flat an angle")
    u, v = apply_homography(to_paper, x, y)
    bounds = u.min(), v.min(), u.max(), v.max()
    if max(bounds[2] - bounds[0], bounds[3] - bounds[1]) > 700:
        raise PageRefusedError("grid", "the lines of the grid are too close to each other")
    return bounds


def to_pixels(grid, u, v):
    """Return the pixels (x, y) of a page at which points of the paper in mm are."""
    if grid.bend is not None:
        u, v = grid.bend.flatten(u, v)
    return apply_homography(np.linalg.inv(grid.to_paper), u, v)


def turn_page(pixels, grid, origin, scale, size, *, reduction=1):
    """Return an upright page, without what is not in the image.

    Parameters
    ----------
    pixels : ndarray of shape (height, width), uint8
        Darkness of a page, of which some pixels may have been averaged in each direction.
    grid : Grid
    origin : tuple of float
        Left and top in mm.
    scale : float
        Pixels per mm of the result.
    size : tuple of int
        Width and height of the result.
    reduction : int, default=1
        Pixels of the page for one of `pixels`, in each direction.

    Returns
    -------
    upright : ndarray of shape (height, width), uint8
    """

    def to_given(x, y):
        x, y = to_pixels(grid, x / scale + origin[0], y / scale + origin[1])
        return x / reduction, y / reduction

    return turn_pixels(pixels, to_given, size)


def find_outside(image_size, grid, origin, scale, size):
    """Return the pixels of an upright page that are not in the image.

    Parameters
    ----------
    image_size : tuple of int
        Width and height of the image.
    grid, origin, scale, size
        See `turn_page`.

    Returns
    -------
    outside : ndarray of shape (height, width), bool
    """
    width, height = image_size
    along = np.linspace(0, 1, 50)
    x = width * np.concatenate([along, np.ones(50), along[::-1], np.zeros(50)])
    y = height * np.concatenate([np.zeros(50), along, np.ones(50), along[::-1]])
    u, v = apply_homography(grid.to_paper, x, y)
    if grid.bend is not None:
        u, v = np.array([u, v]) + grid.bend.displacement(u, v)
    border = np.stack([(u - origin[0]) * scale - 0.5, (v - origin[1]) * scale - 0.5], axis=1)
    outside = Image.new("L", size, 1)
    ImageDraw.Draw(outside).polygon(border.ravel().tolist(), fill=0)
    return np.asarray(outside).view(bool)


def find_lines(grid, width, height, step=5.0):
    """Return the lines of a grid in an image.

    Parameters
    ----------
    grid : Grid
    width, height : int
        Of the image in pixels.
    step : float, default=5.0
        mm between the lines.

    Returns
    -------
    across, along : list of ndarray of shape (n_points, 2)
        x and y of the vertical and of the horizontal lines, one after the other.
    """
    bounds = paper_bounds(grid.to_paper, width, height)
    lines = []
    for axis in (0, 1):
        places = step * np.arange(np.ceil(bounds[axis] / step), bounds[axis + 2] // step + 1)
        # Bent paper is followed in steps of 2 mm.
        along = np.arange(bounds[1 - axis], bounds[3 - axis] + 2.0, 2.0)
        lines.append([])
        for place in places:
            points = [np.full(len(along), place), along]
            x, y = to_pixels(grid, *(points if axis == 0 else points[::-1]))
            is_inside = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
            if is_inside.sum() > 1:
                lines[axis].append(np.stack([x, y], axis=1)[is_inside])
    return tuple(lines)

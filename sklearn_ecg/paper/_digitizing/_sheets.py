"""The part of a page with a grid: paper, without the table that it is on and without its header."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import median_filter

# Blocks next to each other that agree with the grid, so that the sheet reaches to there.
_RUN = 3


@dataclass
class Sheet:
    """Blocks of a page with a grid.

    Attributes
    ----------
    blocks : ndarray of shape (n_rows, n_columns), bool
    origin : tuple of float
        x and y in mm of the center of the first block.
    step : float
        Side of a block in mm.
    """

    blocks: np.ndarray
    origin: tuple
    step: float

    @property
    def area(self):
        """Top, bottom, left and right in mm of the blocks."""
        rows, columns = (np.flatnonzero(self.blocks.any(axis=axis)) for axis in (1, 0))
        return (
            self.origin[1] + (rows[0] - 0.5) * self.step,
            self.origin[1] + (rows[-1] + 0.5) * self.step,
            self.origin[0] + (columns[0] - 0.5) * self.step,
            self.origin[0] + (columns[-1] + 0.5) * self.step,
        )

    def mask(self, origin, scales, shape):
        """Return the pixels of an upright page that are on the sheet.

        Parameters
        ----------
        origin : tuple of float
            Left and top of the page in mm.
        scales : tuple of float
            Pixels per mm, horizontally and vertically.
        shape : tuple of int
            Height and width of the page.

        Returns
        -------
        mask : ndarray of shape (height, width), bool
        """
        # Blocks are larger than half a mm.
        step = max(1, int(min(scales) / 2))
        size = [-(-side // step) for side in shape]
        # The page in blocks, of which the first one is at 0.5.
        left, top = ((origin[i] - self.origin[i]) / self.step + 0.5 for i in (0, 1))
        right, bottom = (
            first + step * side / (scale * self.step)
            for first, side, scale in zip((left, top), size[::-1], scales)
        )
        # There is one block around the others, and nothing around these.
        sides = self.blocks.shape[0] - bottom, self.blocks.shape[1] - right
        margin = max(0, int(np.ceil(-min(left, top, *sides))))
        blocks = np.pad(np.pad(self.blocks, 1, mode="edge"), margin)
        box = tuple(side + margin + 1 for side in (left, top, right, bottom))
        resized = Image.fromarray(255 * blocks.astype(np.uint8)).resize(
            size[::-1], Image.Resampling.BILINEAR, box=box
        )
        mask = np.asarray(resized) > 127
        return np.repeat(np.repeat(mask, step, axis=1), step, axis=0)[: shape[0], : shape[1]]


def fill_sheet(used):
    """Return the blocks between the outermost ones of a row or a column that agree with a grid.

    The sheet includes one block around them, in which the paper may end.

    Parameters
    ----------
    used : ndarray of shape (n_rows, n_columns), bool

    Returns
    -------
    sheet : ndarray of shape (n_rows, n_columns), bool
    """
    sheet = np.zeros_like(used)
    for blocks, filled in ((used, sheet), (used.T, sheet.T)):
        # Blocks of the table agree by chance, but not several of them next to each other.
        runs = np.cumsum(np.pad(blocks, ((1, 0), (0, 0))), axis=0)
        runs = runs[_RUN:] - runs[:-_RUN] >= _RUN - 1
        found = np.flatnonzero(runs.any(axis=0))
        if len(found) == 0:
            return used
        first = runs[:, found].argmax(axis=0)
        last = len(blocks) - 1 - runs[::-1, found].argmax(axis=0)
        columns = np.arange(found[0], found[-1] + 1)
        first = median_filter(np.interp(columns, found, first), 5, mode="nearest")
        last = median_filter(np.interp(columns, found, last), 5, mode="nearest")
        rows = np.arange(len(blocks))[:, None]
        filled[:, columns] |= (rows >= np.round(first)) & (rows <= np.round(last))
    return sheet

"""Images of any size as two channels: one for the grid, one for black ink."""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from ...utils._image_files import find_reduction
from ._refusal import PageRefusedError
from ._windows import quantiles

# Larger images are reduced by a whole number, so that memory stays bounded. Pages of 300 dpi are
# smaller.
MAX_PIXELS = 9_000_000
_MIN_SIDE = 200
# Brightness of paper whose color is corrected, and largest ratio of its channels that is not.
_MIN_PAPER = 60
_COLORED = 1.03
# Gray value of black at most; white is as near to 255.
_BLACK = 64
# Difference of channels of colored pixels at least.
_COLORFUL = 32
# Gray and colored pixels of an image of two levels, as a share of the black ones: JPEG makes some.
_MAX_GRAY = 0.05
# Range of gray values below which a page is blank.
_MIN_CONTRAST = 24


@dataclass
class Page:
    """An image of a page.

    Attributes
    ----------
    lightest : Image
        The largest of the three colors: lines of colored grids are light, black ink is dark.
    darkest : Image
        The smallest of the three colors, in which grids of any color are dark.
    reduction : int
        Pixels of the given image for one pixel of the channels, in each direction.
    has_two_levels : bool
        Whether nearly all pixels are black or white.
    """

    lightest: Image.Image
    darkest: Image.Image
    reduction: int
    has_two_levels: bool = False
    _reduced: dict = field(default_factory=dict)

    def reduced_darkness(self, reduction):
        """Return 255 minus the means of `darkest` in squares of pixels, as bytes."""
        if reduction not in self._reduced:
            image = self.darkest.reduce(reduction) if reduction > 1 else self.darkest
            self._reduced[reduction] = 255 - np.asarray(image)
        return self._reduced[reduction]


def split_channels(image, reduced=1):
    """Return the channels of an image.

    Parameters
    ----------
    image : Image
        Of mode L or RGB.
    reduced : int, default=1
        By how much the image that was given has been reduced already.

    Returns
    -------
    page : Page
    """
    width, height = image.size
    if min(width, height) < _MIN_SIDE:
        raise PageRefusedError(
            "size",
            f"the image has {height} x {width} pixels, too few for a page of twelve leads; at "
            f"least {_MIN_SIDE} on each side are needed",
        )
    reduction = find_reduction(width, height, MAX_PIXELS)
    if reduction > 1:
        image = image.reduce(reduction)
    if image.mode == "L":
        lightest = darkest = np.asarray(image)
    else:
        red, green, blue = (np.asarray(channel) for channel in _balance(image.split()))
        lightest = np.maximum(np.maximum(red, green), blue)
        darkest = np.minimum(np.minimum(red, green), blue)
    page = Page(
        Image.fromarray(lightest),
        Image.fromarray(darkest),
        reduction * reduced,
        has_two_levels=_has_two_levels(lightest[::4, ::4], darkest[::4, ::4]),
    )
    if min(page.lightest.size) < _MIN_SIDE:
        raise PageRefusedError(
            "size", f"the image of {height} x {width} pixels is too narrow for its length"
        )
    low, high = quantiles(darkest[::4, ::4], [0.005, 0.995])
    if high - low < _MIN_CONTRAST:
        raise PageRefusedError("blank", "the page is blank or has hardly any contrast")
    return page


def _has_two_levels(lightest, darkest):
    """Whether nearly all pixels are black or white, and not colored."""
    is_between = (lightest > _BLACK) & (lightest < 255 - _BLACK)
    is_between |= lightest - darkest > _COLORFUL
    return bool(is_between.sum() < _MAX_GRAY * (lightest <= _BLACK).sum())


def reduce_page(page, reduction):
    """Return a page of which squares of pixels are averaged."""
    if reduction == 1:
        return page
    channels = (page.lightest, page.darkest)
    lightest, darkest = (channel.reduce(reduction) for channel in channels)
    return Page(lightest, darkest, page.reduction * reduction, page.has_two_levels)


def _balance(channels):
    """Make paper white or gray, so that colored light does not make the grid as dark as ink."""
    step = max(1, min(channels[0].size) // 200)
    levels = [quantiles(np.asarray(channel)[::step, ::step], [0.75])[0] for channel in channels]
    if min(levels) < _MIN_PAPER or max(levels) <= _COLORED * min(levels):
        return channels
    return [
        channel
        if level == max(levels)
        else channel.point([min(255, round(i * max(levels) / level)) for i in range(256)])
        for channel, level in zip(channels, levels)
    ]


def as_image(pixels):
    """Return an array of pixels as an image.

    Parameters
    ----------
    pixels : ndarray of shape (height, width) or (height, width, channels)
        Booleans, integers from 0 to 255, uint16 from 0 to 65535, or floats in [0, 1] or in
        [0, 255]. One channel is gray, two are gray and opacity, three are RGB, and four are RGB and
        opacity.

    Returns
    -------
    image : Image
    """
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.dtype == bool:
        pixels = pixels * np.uint8(255)
    elif pixels.dtype == np.uint16 and pixels.max(initial=0) > 255:
        # Rounded: 255 is 65535.
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        # Floats may be slightly out of their range, as after interpolation.
        scale = 255 if pixels.size and pixels.max() <= 1.01 else 1
        pixels = np.clip(np.rint(pixels * float(scale)), 0, 255).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(pixels))

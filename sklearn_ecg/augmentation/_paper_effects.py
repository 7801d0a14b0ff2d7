"""Random effects of paper, light and cameras on images."""

import io
import math
from numbers import Integral

import numpy as np
import torch
from PIL import Image
from sklearn.utils._param_validation import Interval
from torch.nn import functional as F

from ._base import FRACTION, NON_NEGATIVE
from ._image_transforms import ImageAugmentation, check_range_of_values, filled, uniform_per_image

_COUNT = [Interval(Integral, 0, None, closed="left")]

# How much a stain absorbs of red, green and blue, and of other channels.
_STAIN_COLOR, _STAIN_GRAY = (0.45, 0.7, 1.0), 0.7
# Number of knots of uneven light in each direction.
_LIGHT_KNOTS = 4


class UnevenLight(ImageAugmentation):
    """Darken parts of each image, as uneven light and shadows do.

    An image is multiplied by a smooth random pattern and by a shadow with a soft straight edge.

    Parameters
    ----------
    strength : float, default=0.3
        Largest fraction of the light that is missing at the darkest place, in [0, 1]. The fraction
        is uniform in ``[0, strength]``, of which the pattern and the shadow have random shares.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import UnevenLight
    >>> lit = UnevenLight(0.3)(torch.ones(8, 1, 112, 112), random_state=0)
    >>> bool((lit >= 0.7).all() and (lit <= 1).all())
    True
    """

    _parameter_constraints = {"strength": FRACTION}

    def __init__(self, strength=0.3):
        self.strength = strength

    def _transform(self, x, peaks, generator):
        draw = _Draw(x, generator)
        knots = draw.uniform(1, _LIGHT_KNOTS, _LIGHT_KNOTS)
        pattern = F.interpolate(knots, x.shape[2:], mode="bicubic", align_corners=True).clamp(0, 1)
        across, down = _pixel_positions(x)
        angle = 2 * math.pi * draw.uniform(1, 1, 1)
        # Distance from the edge of the shadow, in units of the longer side.
        distance = angle.cos() * across + angle.sin() * down + 0.8 * (draw.uniform(1, 1, 1) - 0.5)
        softness = 0.01 + 0.1 * draw.uniform(1, 1, 1)
        shadow = torch.sigmoid(distance / softness)
        share = draw.uniform(1, 1, 1)
        strength = self.strength * draw.uniform(1, 1, 1)
        return x * (1 - strength * torch.lerp(pattern, shadow, share)), peaks


class PaperFolds(ImageAugmentation):
    """Draw the creases of folded paper, along and across each image.

    A crease is a dark line with a bright border. One side of it is shaded.

    Parameters
    ----------
    max_folds : int, default=2
        Largest number of creases of an image, >= 0. Numbers are uniform in ``[0, max_folds]``.
    strength : float, default=0.3
        Largest fraction by which a crease is darker than the paper, in [0, 1].

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import PaperFolds
    >>> PaperFolds(2)(torch.ones(8, 1, 112, 112)).shape
    torch.Size([8, 1, 112, 112])
    """

    _parameter_constraints = {"max_folds": _COUNT, "strength": FRACTION}

    def __init__(self, max_folds=2, *, strength=0.3):
        self.max_folds = max_folds
        self.strength = strength

    def _transform(self, x, peaks, generator):
        across, down = _pixel_positions(x)
        # Creases are at least one pixel wide.
        width = max(0.0015, 1 / max(1, *x.shape[2:]))
        factor = x.new_ones(len(x), 1, *x.shape[2:])
        for images, is_marked, draw in _each_mark(x, self.max_folds, generator):
            is_upright = draw.uniform(1, 1, 1) < 0.5
            angle = 0.06 * (draw.uniform(1, 1, 1) - 0.5) + (math.pi / 2) * ~is_upright
            distance = angle.cos() * across + angle.sin() * down
            distance = distance - 0.7 * (draw.uniform(1, 1, 1) - 0.5)
            side = torch.where(draw.uniform(1, 1, 1) < 0.5, -1.0, 1.0).to(x.dtype)
            distance = distance * side
            line = torch.exp(-(distance / width).square())
            border = torch.exp(-((distance + 2.5 * width) / (1.5 * width)).square())
            shade = torch.exp(-distance / 0.08) * (distance > 0)
            change = (-line + 0.35 * border - 0.25 * shade).clamp(min=-1)
            strength = self.strength * (0.3 + 0.7 * draw.uniform(1, 1, 1)) * is_marked
            factor[images] *= 1 + strength * change
        return x * factor, peaks


class PaperStains(ImageAugmentation):
    """Stain each image, as coffee and fingers do.

    Stains are round with an irregular border, which is darker than their inside, and brown on
    images of three channels.

    Parameters
    ----------
    max_stains : int, default=3
        Largest number of stains of an image, >= 0. Numbers are uniform in ``[0, max_stains]``.
    strength : float, default=0.3
        Largest fraction of the light that a stain absorbs, in [0, 1].

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import PaperStains
    >>> PaperStains(3)(torch.ones(8, 3, 112, 112)).shape
    torch.Size([8, 3, 112, 112])
    """

    _parameter_constraints = {"max_stains": _COUNT, "strength": FRACTION}

    def __init__(self, max_stains=3, *, strength=0.3):
        self.max_stains = max_stains
        self.strength = strength

    def _transform(self, x, peaks, generator):
        across, down = _pixel_positions(x)
        is_color = x.shape[1] == len(_STAIN_COLOR)
        absorbed = filled(x, _STAIN_COLOR if is_color else [_STAIN_GRAY])[:, None, None]
        factor = x.new_ones(len(x), len(absorbed), *x.shape[2:])
        for images, is_marked, draw in _each_mark(x, self.max_stains, generator):
            dx = across - 0.9 * (draw.uniform(1, 1, 1) - 0.5)
            dy = down - 0.9 * (draw.uniform(1, 1, 1) - 0.5)
            radius = 0.01 + 0.09 * draw.uniform(1, 1, 1).square()
            angle = torch.atan2(dy, dx)
            for harmonic in (2, 3, 5):
                phase = 2 * math.pi * draw.uniform(1, 1, 1)
                wave = torch.cos(harmonic * angle + phase) * draw.uniform(1, 1, 1)
                radius = radius * (1 + 0.3 / harmonic * wave)
            relative = torch.hypot(dx, dy) / radius
            inside = torch.sigmoid((1 - relative) / 0.03)
            rim = torch.exp(-((relative - 0.97) / 0.04).square())
            alpha = 0.6 * inside + 0.4 * rim
            strength = self.strength * (0.3 + 0.7 * draw.uniform(1, 1, 1)) * is_marked
            factor[images] *= 1 - strength * alpha * absorbed
        return x * factor, peaks


class SensorNoise(ImageAugmentation):
    """Add the noise of a sensor to each image: white noise in each pixel and channel.

    Values are not clipped.

    Parameters
    ----------
    max_sigma : float, default=0.03
        Largest standard deviation of the noise, >= 0; white minus black is 1. Standard deviations
        are uniform in ``[0, max_sigma]``.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import SensorNoise
    >>> noise = SensorNoise(0.03)(torch.zeros(8, 1, 112, 112), random_state=0)
    >>> bool(noise.std() < 0.03)
    True
    """

    _parameter_constraints = {"max_sigma": NON_NEGATIVE}

    def __init__(self, max_sigma=0.03):
        self.max_sigma = max_sigma

    def _transform(self, x, peaks, generator):
        sigma = self.max_sigma * uniform_per_image(x, generator)[:, None, None, None]
        noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
        return x + sigma * noise, peaks


class JPEGCompression(ImageAugmentation):
    """Compress each image as JPEG with a random quality, and decompress it.

    Images of three channels are compressed as colors, other channels one by one. Values are clipped
    to [0, 1] and rounded to 1/255; absolute values above 10 raise an error. The images are
    compressed by Pillow one after the other, on the CPU.

    Parameters
    ----------
    min_quality : int, default=50
        Smallest quality, in [1, 100]. Qualities are uniform in ``[min_quality, 100]``; images of
        quality 100 are left unchanged.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import JPEGCompression
    >>> JPEGCompression(50)(torch.rand(2, 3, 16, 16)).shape
    torch.Size([2, 3, 16, 16])
    """

    _parameter_constraints = {"min_quality": [Interval(Integral, 1, 100, closed="both")]}

    def __init__(self, min_quality=50):
        self.min_quality = min_quality

    def _transform(self, x, peaks, generator):
        check_range_of_values(x, "JPEGCompression")
        span = 101 - self.min_quality
        qualities = (self.min_quality + span * uniform_per_image(x, generator)).long().tolist()
        images = [image if q >= 100 else _compress(image, q) for image, q in zip(x, qualities)]
        compressed = torch.stack(images) if images else x
        return compressed, peaks


def _compress(image, quality):
    """Compress one image of shape (n_channels, height, width)."""
    pixels = (image.detach().clamp(0, 1).nan_to_num() * 255).round().to(torch.uint8).cpu()
    if len(pixels) == 3:
        after = _through_jpeg(pixels.permute(1, 2, 0).numpy(), quality).permute(2, 0, 1)
    else:
        after = torch.stack([_through_jpeg(channel.numpy(), quality) for channel in pixels])
    after = after.to(image.device, image.dtype) / 255
    return torch.where(image.isnan(), image, after)


def _through_jpeg(pixels, quality):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    with Image.open(file) as image:
        return torch.from_numpy(np.array(image))


def _each_mark(x, max_marks, generator):
    """Draw a number of marks for each image, and yield the images that have a further one.

    Yields
    ------
    images : tensor of int, or slice
        Those that have it. On a GPU, which would be waited for, all images.
    is_marked : tensor of shape (n_images, 1, 1, 1)
        1 for images that have it.
    draw : _Draw
        Random numbers for these images.
    """
    count = (uniform_per_image(x, generator) * (max_marks + 1)).floor()
    for mark in range(max_marks):
        is_marked, images = count > mark, slice(None)
        if _is_on_cpu(x):
            images = is_marked.nonzero()[:, 0]
            if len(images) == 0:
                return
        is_marked = is_marked[images].to(x.dtype)[:, None, None, None]
        yield images, is_marked, _Draw(x, generator, n_images=len(is_marked))


def _is_on_cpu(x):
    return x.device.type == "cpu"


class _Draw:
    """Uniform random numbers in [0, 1) for each image."""

    def __init__(self, x, generator, *, n_images=None):
        self.options = {"generator": generator, "device": x.device, "dtype": x.dtype}
        self.n_images = len(x) if n_images is None else n_images

    def uniform(self, *shape):
        """Draw an array of this shape for each image."""
        return torch.rand((self.n_images, *shape), **self.options)


def _pixel_positions(x):
    """Return the positions of the columns and rows of pixels, from the center of the image.

    They are in units of the longer side, of shape (1, 1, 1, width) and (1, 1, height, 1).
    """
    height, width = x.shape[2:]
    across, down = (
        (torch.arange(n, device=x.device, dtype=x.dtype) + 0.5 - n / 2) / max(1, height, width)
        for n in (width, height)
    )
    return across[None, None, None], down[None, None, :, None]

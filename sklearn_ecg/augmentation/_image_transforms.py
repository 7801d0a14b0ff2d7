"""Random transforms of images."""

import math
from numbers import Real

import torch
from sklearn.utils._param_validation import Interval, StrOptions
from torch.nn import functional as F

from ._base import FRACTION, IMAGES_SHAPE, NON_NEGATIVE, Augmentation

#: What replaces pixels from outside an image.
FILL = [*FRACTION, StrOptions({"edge"})]

# Brightness and noise move values outside [0, 1], but not as far.
_LARGEST_VALUE = 10


class ImageAugmentation(Augmentation):
    """Base class of the transforms of images."""

    _shapes = (IMAGES_SHAPE,)


class RandomRotation(ImageAugmentation):
    """Rotate each image about its center by a random angle.

    Values are interpolated linearly.

    Parameters
    ----------
    max_angle : float, default=5
        Largest angle in degrees, in [0, 180]. Angles are uniform in ``[-max_angle, max_angle]``.
    fill : float or "edge", default="edge"
        Value of pixels from outside the image, in [0, 1]. "edge" is the value of the nearest edge
        pixel.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import RandomRotation
    >>> RandomRotation(5)(torch.rand(8, 1, 112, 112)).shape
    torch.Size([8, 1, 112, 112])
    """

    _parameter_constraints = {
        "max_angle": [Interval(Real, 0, 180, closed="both")],
        "fill": FILL,
    }

    def __init__(self, max_angle: float = 5, *, fill: float | str = "edge"):
        self.max_angle = max_angle
        self.fill = fill

    def _transform(self, x, peaks, generator):
        angle = math.radians(self.max_angle) * (2 * uniform_per_image(x, generator) - 1)
        height, width = x.shape[2:]
        cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
        # The affine map is in fractions of width and height; the rotation is in pixels.
        rows = [cos, -sin * (height / width), zero], [sin * (width / height), cos, zero]
        return _affine_resample(x, rows, self.fill), peaks


class RandomResizedCrop(ImageAugmentation):
    """Crop a random window of each image and resize it to the size of the image.

    The window has the aspect ratio of the image and lies inside it. Values are interpolated
    linearly.

    Parameters
    ----------
    min_scale : float, default=0.8
        Smallest fraction of the area of the image, in (0, 1]. Fractions are uniform in
        ``[min_scale, 1]``.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import RandomResizedCrop
    >>> RandomResizedCrop(0.8)(torch.rand(8, 1, 112, 112)).shape
    torch.Size([8, 1, 112, 112])
    """

    _parameter_constraints = {"min_scale": [Interval(Real, 0, 1, closed="right")]}

    def __init__(self, min_scale=0.8):
        self.min_scale = min_scale

    def _transform(self, x, peaks, generator):
        scale = self.min_scale + (1 - self.min_scale) * uniform_per_image(x, generator)
        side = scale.sqrt()
        across, down = ((1 - side) * (2 * uniform_per_image(x, generator) - 1) for _ in range(2))
        zero = torch.zeros_like(side)
        return _affine_resample(x, ([side, zero, across], [zero, side, down])), peaks


class ColorJitter(ImageAugmentation):
    """Change brightness, contrast and saturation of each image at random.

    First the image is multiplied by the brightness factor, then its difference from its mean by
    the contrast factor, and then the difference of its channels from their mean by the saturation
    factor. Values are not clipped: white may become greater than 1.

    Parameters
    ----------
    brightness : float, default=0.2
        Range of the brightness factor, in [0, 1]. Factors are uniform in
        ``[1 - brightness, 1 + brightness]``.
    contrast : float, default=0.2
        Range of the contrast factor, in [0, 1].
    saturation : float, default=0
        Range of the saturation factor, in [0, 1]. Has no effect on gray images.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import ColorJitter
    >>> white = ColorJitter(0.2, contrast=0)(torch.ones(8, 3, 4, 4))
    >>> bool(((white >= 0.8) & (white <= 1.2)).all())
    True
    """

    _parameter_constraints = {
        "brightness": FRACTION,
        "contrast": FRACTION,
        "saturation": FRACTION,
    }

    def __init__(self, brightness=0.2, *, contrast=0.2, saturation=0.0):
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation

    def _transform(self, x, peaks, generator):
        brightness, contrast, saturation = (
            (1 + change * (2 * uniform_per_image(x, generator) - 1))[:, None, None, None]
            for change in (self.brightness, self.contrast, self.saturation)
        )
        x = x * brightness
        x = torch.lerp(x.mean((1, 2, 3), keepdim=True), x, contrast)
        if self.saturation and x.shape[1] > 1:
            x = torch.lerp(x.mean(1, keepdim=True), x, saturation)
        return x, peaks


class GaussianBlur(ImageAugmentation):
    """Blur each image with a Gaussian of random width.

    Beyond the edges the nearest values are repeated.

    Parameters
    ----------
    max_sigma : float, default=1
        Largest standard deviation of the Gaussian in pixels, >= 0. Standard deviations are uniform
        in ``[0, max_sigma]``. The kernels are truncated at ``3 * max_sigma``.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import GaussianBlur
    >>> dot = torch.zeros(1, 1, 9, 9)
    >>> dot[0, 0, 4, 4] = 1
    >>> round(float(GaussianBlur(1)(dot).sum()), 4)
    1.0
    """

    _parameter_constraints = {"max_sigma": NON_NEGATIVE}

    def __init__(self, max_sigma=1.0):
        self.max_sigma = max_sigma

    def _transform(self, x, peaks, generator):
        radius = math.ceil(3 * self.max_sigma)
        sigma = (self.max_sigma * uniform_per_image(x, generator)).clamp(min=1e-3)
        offset = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
        kernel = (-0.5 * (offset / sigma[:, None]).square()).exp()
        kernel = kernel / kernel.sum(1, keepdim=True)
        for dim in (2, 3):
            x = _filter_along(x, kernel, radius, dim)
        return x, peaks


class RandomHorizontalFlip(ImageAugmentation):
    """Flip randomly drawn images from left to right.

    In an image of an ECG this reverses time, which is not realistic: the transform is provided for
    ablation studies.

    Parameters
    ----------
    probability : float, default=0.5
        Probability that an image is flipped, in [0, 1].

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import RandomHorizontalFlip
    >>> RandomHorizontalFlip(1.0)(torch.tensor([[[[1.0, 2.0, 3.0]]]]))
    tensor([[[[3., 2., 1.]]]])
    """

    _parameter_constraints = {"probability": FRACTION}

    def __init__(self, probability=0.5):
        self.probability = probability

    def _transform(self, x, peaks, generator):
        chosen = uniform_per_image(x, generator) < self.probability
        return torch.where(chosen[:, None, None, None], x.flip(3), x), peaks


def check_range_of_values(x, name):
    """Raise for images that are plainly not from 0 to 1, for transforms that clip them."""
    if x.numel() and x.nan_to_num().abs().max() > _LARGEST_VALUE:
        largest = float(x.nan_to_num().abs().max())
        raise ValueError(
            f"{name} needs images with values from 0 (black) to 1 (white), got values up to "
            f"{largest:g}. Divide images of 8 bits by 255."
        )


def filled(x, values):
    """Return numbers as a tensor like ``x``, without a copy to a GPU, which would be waited for."""
    return torch.stack([x.new_full((), value) for value in values])


def uniform_per_image(x, generator):
    """Draw a number in [0, 1) for every image."""
    return torch.rand(len(x), generator=generator, device=x.device, dtype=x.dtype)


def _affine_resample(x, rows, fill="edge"):
    """Resample images under affine maps, given as two rows of three numbers for each image.

    A map converts output positions to input positions, in fractions of half the width and height,
    relative to the center.
    """
    matrix = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
    grid = F.affine_grid(matrix, x.shape, align_corners=False)
    return resample(x, grid, fill)


def resample(x, grid, fill):
    """Resample images at positions from -1 to 1, linearly, with a value for the outside.

    ``fill`` is "edge", a number, or a tensor of numbers for each image.
    """
    if isinstance(fill, str):
        return F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    # Outside, `grid_sample` takes zeros.
    return F.grid_sample(x - fill, grid, align_corners=False) + fill


def _filter_along(x, kernel, radius, dim):
    """Filter images along a dimension, each with its own kernel (n_images, 2 * radius + 1)."""
    pad = [0, 0, radius, radius] if dim == 2 else [radius, radius, 0, 0]
    padded = F.pad(x, pad, mode="replicate")
    # In place: new memory of this size takes longer than the products.
    found = torch.zeros_like(x)
    for i in range(kernel.shape[1]):
        found.addcmul_(kernel[:, i, None, None, None], padded.narrow(dim, i, x.shape[dim]))
    return found

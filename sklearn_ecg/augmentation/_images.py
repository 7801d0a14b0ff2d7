"""Random views of images."""

import math
from numbers import Real

import torch
from sklearn.utils._param_validation import Interval
from torch.nn import functional as F

from ._base import IMAGES, NOT_NEGATIVE, SHARE, View


class _ImageView(View):
    _shapes = (IMAGES,)


class RandomRotation(_ImageView):
    """Rotate each image about its centre.

    Values are interpolated linearly. What comes in at the corners is as the nearest edge.

    Parameters
    ----------
    max_angle : float, default=5
        In degrees, in [0, 180]: angles are uniform in ``[-max_angle, max_angle]``.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import RandomRotation
    >>> RandomRotation(5)(torch.rand(8, 1, 112, 112)).shape
    torch.Size([8, 1, 112, 112])
    """

    _parameter_constraints = {"max_angle": [Interval(Real, 0, 180, closed="both")]}

    def __init__(self, max_angle=5):
        self.max_angle = max_angle

    def _view(self, x, peaks, generator):
        angle = math.radians(self.max_angle) * (2 * _uniform(x, generator) - 1)
        height, width = x.shape[2:]
        cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
        # In shares of width and height; the rotation is one of pixels.
        rows = [cos, -sin * (height / width), zero], [sin * (width / height), cos, zero]
        return _resample(x, rows), peaks


class RandomResizedCrop(_ImageView):
    """Cut a window of each image and enlarge it to the size of the image.

    The window has the proportions of the image, and lies inside it. Values are interpolated
    linearly.

    Parameters
    ----------
    min_scale : float, default=0.8
        Smallest share of the image's area, in (0, 1]: shares are uniform in ``[min_scale, 1]``.

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

    def _view(self, x, peaks, generator):
        side = (self.min_scale + (1 - self.min_scale) * _uniform(x, generator)).sqrt()
        across, down = ((1 - side) * (2 * _uniform(x, generator) - 1) for _ in range(2))
        zero = torch.zeros_like(side)
        return _resample(x, ([side, zero, across], [zero, side, down])), peaks


class ColorJitter(_ImageView):
    """Change brightness, contrast and colour of each image.

    In this order an image is multiplied by a factor; its difference to its own mean is; and so is
    the difference of its channels to their mean, grey. Values are not clipped: white may become
    more than 1.

    Parameters
    ----------
    brightness, contrast : float, default=0.2
        In [0, 1]: factors are uniform in ``[1 - brightness, 1 + brightness]``.
    saturation : float, default=0
        In [0, 1]. Without effect on grey images.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import ColorJitter
    >>> white = ColorJitter(brightness=0.2, contrast=0)(torch.ones(8, 3, 4, 4))
    >>> bool(((white >= 0.8) & (white <= 1.2)).all())
    True
    """

    _parameter_constraints = {"brightness": SHARE, "contrast": SHARE, "saturation": SHARE}

    def __init__(self, brightness=0.2, contrast=0.2, saturation=0.0):
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation

    def _view(self, x, peaks, generator):
        brightness, contrast, saturation = (
            (1 + change * (2 * _uniform(x, generator) - 1))[:, None, None, None]
            for change in (self.brightness, self.contrast, self.saturation)
        )
        x = x * brightness
        x = torch.lerp(x.mean((1, 2, 3), keepdim=True), x, contrast)
        if self.saturation and x.shape[1] > 1:
            x = torch.lerp(x.mean(1, keepdim=True), x, saturation)
        return x, peaks


class GaussianBlur(_ImageView):
    """Blur each image with a Gaussian.

    At the edges the nearest values are continued.

    Parameters
    ----------
    max_sigma : float, default=1
        Largest standard deviation of the Gaussian in pixels, >= 0: they are uniform in
        ``[0, max_sigma]``. It ends at three of the largest.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import GaussianBlur
    >>> dot = torch.zeros(1, 1, 9, 9)
    >>> dot[0, 0, 4, 4] = 1
    >>> round(float(GaussianBlur(1)(dot).sum()), 4)
    1.0
    """

    _parameter_constraints = {"max_sigma": NOT_NEGATIVE}

    def __init__(self, max_sigma=1.0):
        self.max_sigma = max_sigma

    def _view(self, x, peaks, generator):
        radius = math.ceil(3 * self.max_sigma)
        sigma = (self.max_sigma * _uniform(x, generator)).clamp(min=1e-3)
        offset = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
        kernel = (-0.5 * (offset / sigma[:, None]).square()).exp()
        kernel = kernel / kernel.sum(1, keepdim=True)
        for dim in (2, 3):
            x = _filter(x, kernel, radius, dim)
        return x, peaks


class RandomHorizontalFlip(_ImageView):
    """Mirror some images from left to right, drawn at random.

    In an image of an ECG that turns time round, which no heart does: it is here for ablations.

    Parameters
    ----------
    probability : float, default=0.5
        Of each image; in [0, 1].

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import RandomHorizontalFlip
    >>> RandomHorizontalFlip(1.0)(torch.tensor([[[[1.0, 2.0, 3.0]]]]))
    tensor([[[[3., 2., 1.]]]])
    """

    _parameter_constraints = {"probability": SHARE}

    def __init__(self, probability=0.5):
        self.probability = probability

    def _view(self, x, peaks, generator):
        chosen = _uniform(x, generator) < self.probability
        return torch.where(chosen[:, None, None, None], x.flip(3), x), peaks


def _uniform(x, generator):
    """A number in [0, 1) for every image."""
    return torch.rand(len(x), generator=generator, device=x.device, dtype=x.dtype)


def _resample(x, rows):
    """Images seen through an affine map, two rows of three numbers for each of them.

    The map leads from places in the view to places in the image, in shares of the half width and
    height from the centre.
    """
    matrix = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
    grid = F.affine_grid(matrix, x.shape, align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def _filter(x, kernel, radius, dim):
    """Images filtered along a dimension, each with its own kernel (n_images, 2 * radius + 1)."""
    pad = [0, 0, radius, radius] if dim == 2 else [radius, radius, 0, 0]
    padded = F.pad(x, pad, mode="replicate")
    parts = (
        kernel[:, i, None, None, None] * padded.narrow(dim, i, x.shape[dim])
        for i in range(kernel.shape[1])
    )
    return sum(parts)

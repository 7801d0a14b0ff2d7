"""Random perspective, and all effects of a scanner or a camera together."""

import math
from numbers import Real

import torch
from sklearn.utils._param_validation import Interval
from torch.nn import functional as F

from ._base import FRACTION
from ._image_transforms import (
    FILL,
    ColorJitter,
    GaussianBlur,
    ImageAugmentation,
    check_range_of_values,
    filled,
    resample,
    uniform_per_image,
)
from ._paper_effects import JPEGCompression, PaperFolds, PaperStains, SensorNoise, UnevenLight


class RandomPerspective(ImageAugmentation):
    """Move the four corners of each image inward at random.

    This is the perspective of a camera that is not held parallel to the paper. The whole image
    remains visible. Values are interpolated linearly.

    Parameters
    ----------
    max_shift : float, default=0.05
        Largest shift of a corner, as a fraction of the width and of the height, in [0, 0.4].
        Shifts are uniform in ``[0, max_shift]``.
    fill : float or "edge", default="edge"
        Value of pixels from outside the image, in [0, 1]. "edge" is the value of the nearest edge
        pixel.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import RandomPerspective
    >>> RandomPerspective(0.05)(torch.rand(8, 1, 112, 112)).shape
    torch.Size([8, 1, 112, 112])
    """

    _parameter_constraints = {
        "max_shift": [Interval(Real, 0, 0.4, closed="both")],
        "fill": FILL,
    }

    def __init__(self, max_shift=0.05, *, fill: float | str = "edge"):
        self.max_shift = max_shift
        self.fill = fill

    def _transform(self, x, peaks, generator):
        corners = _shift_corners(_corners(x), self.max_shift, generator)
        return _move_corners(x, corners, self.fill), peaks


class RandomScan(ImageAugmentation):
    """Make each image look like a page that was put on a scanner.

    The page is rotated by up to 2°, with creases and stains, uneven light, changes of brightness
    and contrast, blur, noise and JPEG compression. All of it remains in the image, which has a
    white or black background.

    Parameters
    ----------
    severity : float, default=0.5
        Strength of all effects, in [0, 1]. 0 leaves images unchanged. For 1, the light is uneven by
        up to 15 %, the standard deviation of the blur is up to 0.7 pixels for a width of 1500
        pixels, and in proportion for other widths, that of the noise is up to 0.02, and the quality
        of the JPEG compression is at least 50.

    See Also
    --------
    RandomPhoto : The effects of a camera.
    sklearn_ecg.preprocessing.ECGImageRenderer : Draw records as pages.

    Notes
    -----
    Values are from 0 (black) to 1 (white), and are clipped to this range; absolute values above 10
    raise an error. All effects but noise and compression are scaled to the size of the image, for
    images of 64 x 64 pixels as well as whole pages.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import RandomScan
    >>> RandomScan()(torch.rand(2, 3, 300, 400), random_state=0).shape
    torch.Size([2, 3, 300, 400])
    """

    _parameter_constraints = {"severity": FRACTION}

    def __init__(self, severity=0.5):
        self.severity = severity

    def _transform(self, x, peaks, generator):
        check_range_of_values(x, "RandomScan")
        if self.severity == 0 or x.numel() == 0:
            return x, peaks
        severity = float(self.severity)
        background = (uniform_per_image(x, generator) < 0.8).to(x.dtype)[:, None, None, None]
        effects = [
            PaperFolds(1, strength=0.2 * severity),
            PaperStains(1, strength=0.3 * severity),
        ]
        x = _apply(effects, x, generator)
        corners = _place_page(x, 2 * severity, 0.0, generator)
        x = _move_corners(x, corners, background)
        effects = [
            UnevenLight(0.15 * severity),
            ColorJitter(0.1 * severity, contrast=0.15 * severity, saturation=0.2 * severity),
            GaussianBlur(0.7 * severity * x.shape[3] / 1500),
            SensorNoise(0.02 * severity),
            JPEGCompression(round(100 - 50 * severity)),
        ]
        return _apply(effects, x, generator), peaks


class RandomPhoto(ImageAugmentation):
    """Make each image look like a page that was photographed.

    The page is rotated by up to 5° and seen in perspective on a table, with creases and stains,
    shadows, the colors of the light, blur, noise and JPEG compression. All of it remains in the
    image.

    Parameters
    ----------
    severity : float, default=0.5
        Strength of all effects, in [0, 1]. 0 leaves images unchanged. For 1, corners are shifted by
        up to 5 % of width and height, shadows are up to 50 % darker, the gains of the colors are
        between 0.9 and 1.1, the standard deviation of the blur is up to 1 pixel for a width of 1500
        pixels, and in proportion for other widths, that of the noise is up to 0.04, and the quality
        of the JPEG compression is at least 50.

    See Also
    --------
    RandomScan : The effects of a scanner.
    sklearn_ecg.preprocessing.ECGImageRenderer : Draw records as pages.

    Notes
    -----
    Values are from 0 (black) to 1 (white), and are clipped to this range; absolute values above 10
    raise an error. All effects but noise and compression are scaled to the size of the image, for
    images of 64 x 64 pixels as well as whole pages.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import RandomPhoto
    >>> RandomPhoto()(torch.rand(2, 3, 300, 400), random_state=0).shape
    torch.Size([2, 3, 300, 400])
    """

    _parameter_constraints = {"severity": FRACTION}

    def __init__(self, severity=0.5):
        self.severity = severity

    def _transform(self, x, peaks, generator):
        check_range_of_values(x, "RandomPhoto")
        if self.severity == 0 or x.numel() == 0:
            return x, peaks
        severity = float(self.severity)
        shape = (*x.shape[:2], 1, 1)
        options = {"generator": generator, "device": x.device, "dtype": x.dtype}
        # A table of any brightness, with little color.
        table = 0.1 + 0.6 * torch.rand((len(x), 1, 1, 1), **options)
        table = table + 0.1 * (torch.rand(shape, **options) - 0.5)
        light = 1 + 0.2 * severity * (torch.rand(shape, **options) - 0.5)
        effects = [
            PaperFolds(2, strength=0.3 * severity),
            PaperStains(2, strength=0.4 * severity),
        ]
        x = _apply(effects, x, generator)
        corners = _place_page(x, 5 * severity, 0.05 * severity, generator)
        x = _move_corners(x, corners, table) * light
        effects = [
            UnevenLight(0.5 * severity),
            ColorJitter(0.15 * severity, contrast=0.2 * severity, saturation=0.3 * severity),
            GaussianBlur(severity * x.shape[3] / 1500),
            SensorNoise(0.04 * severity),
            JPEGCompression(round(100 - 50 * severity)),
        ]
        return _apply(effects, x, generator), peaks


def _apply(effects, x, generator):
    """Apply transforms of images, and clip the result."""
    for effect in effects:
        x, _ = effect._transform(x, None, generator)
    return x.clamp(0, 1)


def _corners(x):
    """Return the corners of each image in pixels from its center, of shape (n_images, 4, 2)."""
    height, width = x.shape[2:]
    across, down = filled(x, [-width / 2, width / 2]), filled(x, [-height / 2, height / 2])
    corners = torch.stack([across.repeat(2), down[:, None].expand(2, 2).flatten()], dim=1)
    return corners.expand(len(x), 4, 2)


def _shift_corners(corners, max_shift, generator):
    """Move each corner inward."""
    shift = torch.rand(
        corners.shape, generator=generator, device=corners.device, dtype=corners.dtype
    )
    return corners * (1 - 2 * max_shift * shift)


def _place_page(x, max_degrees, max_shift, generator):
    """Rotate and shift the corners of each image, and make it smaller to fit."""
    corners = _shift_corners(_corners(x), max_shift, generator)
    angle = math.radians(max_degrees) * (2 * uniform_per_image(x, generator) - 1)
    cos, sin = angle.cos()[:, None], angle.sin()[:, None]
    across, down = corners.unbind(2)
    corners = torch.stack([cos * across - sin * down, sin * across + cos * down], dim=2)
    low, high = corners.amin(1, keepdim=True), corners.amax(1, keepdim=True)
    size = filled(x, [x.shape[3], x.shape[2]])
    shrink = (size / (high - low)).amin(2, keepdim=True).clamp(max=1)
    corners, low, high = corners * shrink, low * shrink, high * shrink
    # Anywhere in the image.
    part = torch.rand(low.shape, generator=generator, device=x.device, dtype=x.dtype)
    return corners + torch.lerp(-size / 2 - low, size / 2 - high, part)


def _move_corners(x, corners, fill):
    """Map the corners of each image to new positions, in pixels from the center."""
    if x.numel() == 0:
        return x
    half = filled(x, [x.shape[3] / 2, x.shape[2] / 2])
    matrix = _homography((corners / half).double(), (_corners(x) / half).double()).to(x.dtype)
    height, width = x.shape[2:]
    across, down = (
        ((torch.arange(n, device=x.device, dtype=x.dtype) + 0.5) * (2 / n) - 1)
        for n in (width, height)
    )
    mapped = (
        matrix[:, row, 0, None, None] * across
        + matrix[:, row, 1, None, None] * down[:, None]
        + matrix[:, row, 2, None, None]
        for row in range(3)
    )
    u, v, scale = mapped
    return resample(x, torch.stack([u / scale, v / scale], dim=3), fill)


def _homography(source, target):
    """Return the projective maps of four points to four others, of shape (n_images, 3, 3)."""
    (x, y), (u, v) = source.unbind(2), target.unbind(2)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    first = torch.stack([x, y, one, zero, zero, zero, -u * x, -u * y], dim=2)
    second = torch.stack([zero, zero, zero, x, y, one, -v * x, -v * y], dim=2)
    # Whether each solution exists is not checked, for which a GPU would be waited for.
    solved, _ = torch.linalg.solve_ex(torch.cat([first, second], dim=1), torch.cat([u, v], dim=1))
    return F.pad(solved, (0, 1), value=1.0).reshape(-1, 3, 3)

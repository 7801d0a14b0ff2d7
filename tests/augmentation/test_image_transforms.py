"""Transforms of images: seeds, shapes, comparisons with formulas, and errors."""

import math
import pickle

import numpy as np
import pytest
import torch
from scipy import ndimage
from sklearn.base import clone

from sklearn_ecg.augmentation import (
    ColorJitter,
    Compose,
    GaussianBlur,
    GaussianNoise,
    JPEGCompression,
    PaperFolds,
    PaperStains,
    RandomApply,
    RandomHorizontalFlip,
    RandomPerspective,
    RandomPhoto,
    RandomResizedCrop,
    RandomRotation,
    RandomScan,
    SensorNoise,
    UnevenLight,
)
from sklearn_ecg.augmentation._image_transforms import _affine_resample

IDENTITIES = [
    RandomRotation(0),
    RandomResizedCrop(1.0),
    ColorJitter(0, contrast=0),
    GaussianBlur(0),
    RandomHorizontalFlip(0),
    RandomApply(ColorJitter(), probability=0),
    Compose([]),
    RandomRotation(0, fill=0.5),
    RandomPerspective(0),
    RandomPerspective(0, fill=0.5),
]
TRANSFORMS = [
    RandomRotation(5),
    RandomResizedCrop(0.5),
    ColorJitter(0.3, contrast=0.3, saturation=0.3),
    GaussianBlur(1.5),
    RandomHorizontalFlip(),
    RandomApply(ColorJitter(), probability=0.5),
    Compose([RandomRotation(), RandomResizedCrop(), ColorJitter()]),
    RandomPerspective(0.1),
    UnevenLight(),
    PaperFolds(),
    PaperStains(),
    SensorNoise(),
    JPEGCompression(),
    RandomScan(),
    RandomPhoto(),
]


def named(transforms):
    return pytest.mark.parametrize("transform", transforms, ids=lambda v: type(v).__name__)


@pytest.fixture
def x():
    return torch.rand(8, 3, 20, 30, generator=torch.Generator().manual_seed(0))


@named(TRANSFORMS)
def test_same_shape_and_input_unchanged(transform, x):
    before = x.clone()
    out = transform(x, random_state=0)
    assert out.shape == x.shape and out.dtype == x.dtype
    assert torch.equal(x, before) and not torch.equal(out, x)
    assert transform(x.double(), random_state=0).dtype == torch.float64


@named(TRANSFORMS)
def test_seeded(transform, x):
    first, second = (transform(x, random_state=1) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, transform(x, random_state=2))
    torch.manual_seed(3)
    first = transform(x)
    torch.manual_seed(3)
    assert torch.equal(first, transform(x))
    state = torch.random.get_rng_state()
    transform(x, random_state=1)
    assert torch.equal(torch.random.get_rng_state(), state)


@named(TRANSFORMS)
def test_arrays_and_tensors_give_the_same(transform, x):
    out = transform(x.numpy(), random_state=0)
    assert isinstance(out, np.ndarray)
    np.testing.assert_array_equal(out, transform(x, random_state=0).numpy())


@named(TRANSFORMS)
def test_channels_last_gives_the_same(transform, x):
    stored = x.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(transform(stored, random_state=0), transform(x, random_state=0))


@named(TRANSFORMS)
def test_clone_and_pickle(transform, x):
    for other in (clone(transform), pickle.loads(pickle.dumps(transform))):
        assert torch.equal(other(x, random_state=0), transform(x, random_state=0))


@named(IDENTITIES)
def test_identity(transform, x):
    torch.testing.assert_close(transform(x, random_state=0), x, atol=1e-5, rtol=0)


@named(TRANSFORMS)
def test_images_of_a_batch_are_transformed_differently(transform, x):
    same = x[:1].expand(8, -1, -1, -1).contiguous()
    out = transform(same, random_state=0)
    assert len({tuple(image.flatten().tolist()) for image in out}) > 1


@named([RandomRotation(30), RandomResizedCrop(0.3), GaussianBlur(2), RandomHorizontalFlip()])
def test_values_stay_between_the_extremes(transform, x):
    out = transform(x, random_state=0)
    assert out.min() >= x.min() - 1e-6 and out.max() <= x.max() + 1e-6


def test_rotation_by_a_right_angle():
    # It maps the pixels of a square image onto pixels.
    x = torch.rand(1, 2, 9, 9)
    angle = torch.tensor([math.pi / 2])
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros(1)
    rotated = _affine_resample(x, ([cos, -sin, zero], [sin, cos, zero]))
    torch.testing.assert_close(rotated, x.rot90(1, (2, 3)), atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(40, 40), (30, 60)])
def test_rotation_preserves_lengths_and_rotates_by_the_angle(size):
    height, width = size
    x = torch.zeros(200, 1, height, width)
    x[:, :, height // 2, width // 2 - 12 : width // 2 + 12] = 1
    out = RandomRotation(20)(x, random_state=0)
    rows, columns = np.mgrid[:height, :width]
    angles = []
    for image in out[:, 0].numpy():
        weight = image / image.sum()
        center = (weight * rows).sum(), (weight * columns).sum()
        dy, dx = rows - center[0], columns - center[1]
        xx, yy, xy = (weight * dx * dx).sum(), (weight * dy * dy).sum(), (weight * dx * dy).sum()
        angles.append(np.degrees(0.5 * np.arctan2(2 * xy, xx - yy)))
        assert np.sqrt(xx + yy) == pytest.approx(24 / np.sqrt(12), rel=0.05)
    assert np.abs(angles).max() <= 20.5
    assert np.abs(angles).max() > 18 and np.mean(angles) == pytest.approx(0, abs=2)


def test_crop_enlarges_a_window_of_the_image():
    height, width = 50, 80
    ramp = torch.stack(
        torch.meshgrid(torch.arange(50.0), torch.arange(80.0), indexing="ij")
    ).expand(300, 2, height, width)
    out = RandomResizedCrop(0.25)(ramp, random_state=0)
    # A ramp remains a ramp, except near the edges, where outside pixels repeat the nearest one.
    down = (out[:, 0, 40, 40] - out[:, 0, 10, 40]) / 30
    across = (out[:, 1, 25, 70] - out[:, 1, 25, 10]) / 60
    torch.testing.assert_close(down, across, atol=1e-3, rtol=0)
    area = down * across
    assert area.min() >= 0.25 - 1e-3 and area.max() <= 1 + 1e-3
    assert area.min() < 0.3 and area.max() > 0.95
    assert out.min() >= 0 and out[:, 0].max() <= 49 and out[:, 1].max() <= 79


def test_jitter_equals_the_formula(x):
    bright = ColorJitter(0.3, contrast=0)(x, random_state=0)
    factor = (bright / x).flatten(1)
    torch.testing.assert_close(factor, factor[:, :1].expand_as(factor))
    assert ((factor >= 0.7) & (factor <= 1.3)).all()
    contrast = ColorJitter(0, contrast=0.3)(x, random_state=0)
    mean = x.mean((1, 2, 3))
    torch.testing.assert_close(contrast.mean((1, 2, 3)), mean)
    factor = ((contrast - mean.view(-1, 1, 1, 1)) / (x - mean.view(-1, 1, 1, 1))).flatten(1)
    torch.testing.assert_close(factor.median(1).values, factor[:, 0], atol=1e-3, rtol=1e-3)
    color = ColorJitter(0, contrast=0, saturation=0.3)(x, random_state=0)
    torch.testing.assert_close(color.mean(1), x.mean(1))
    assert not torch.equal(color, x)


def test_saturation_does_not_change_gray_images(x):
    gray = x[:, :1]
    torch.testing.assert_close(ColorJitter(0, contrast=0, saturation=1)(gray, random_state=0), gray)


def test_blur_equals_that_of_scipy():
    x = torch.rand(4, 2, 25, 31, dtype=torch.float64)
    out = GaussianBlur(2.0)(x, random_state=0)
    sigma = 2.0 * torch.rand(4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for image, blurred, s in zip(x, out, sigma):
        for channel, found in zip(image, blurred):
            expected = ndimage.gaussian_filter(channel, float(s), mode="nearest", radius=6)
            np.testing.assert_allclose(found, expected, atol=1e-10)


def test_flip_flips_some_images():
    x = torch.rand(400, 1, 3, 5)
    out = RandomHorizontalFlip(0.3)(x, random_state=0)
    flipped = (out == x.flip(3)).flatten(1).all(1)
    kept = (out == x).flatten(1).all(1)
    assert (flipped ^ kept).all()
    assert flipped.float().mean() == pytest.approx(0.3, abs=0.07)


def test_invalid_arguments(x):
    with pytest.raises(ValueError, match=r"n_images, n_channels, height, width\), got \(20, 30\)"):
        RandomRotation()(x[0, 0])
    with pytest.raises(ValueError, match="must be float32 or float64, got torch.uint8"):
        RandomRotation()((255 * x).to(torch.uint8))
    with pytest.raises(ValueError, match="peaks belong to signals"):
        ColorJitter()(x, peaks=torch.zeros(8, 2))
    with pytest.raises(ValueError, match="must have the shape .n_records, n_leads, n_times"):
        GaussianNoise()(x)
    with pytest.raises(ValueError, match="max_angle"):
        RandomRotation(-1)(x)
    with pytest.raises(ValueError, match="min_scale"):
        RandomResizedCrop(0)(x)
    with pytest.raises(ValueError, match="brightness"):
        ColorJitter(2)(x)

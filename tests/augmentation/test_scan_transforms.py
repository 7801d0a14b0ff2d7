"""Effects of paper, light, scanners and cameras: what they change, and what they leave."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from sklearn_ecg import SimCardioNetEncoder
from sklearn_ecg.augmentation import (
    Compose,
    JPEGCompression,
    PaperFolds,
    PaperStains,
    RandomApply,
    RandomPerspective,
    RandomPhoto,
    RandomRotation,
    RandomScan,
    SensorNoise,
    UnevenLight,
    _paper_effects,
)
from sklearn_ecg.augmentation._scan_transforms import (
    _corners,
    _homography,
    _move_corners,
    _place_page,
)


@pytest.fixture
def white():
    return torch.ones(40, 3, 60, 80)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_zero_strength_is_exact():
    """Also for values outside [0, 1], which other strengths clip."""
    x = 3 * torch.rand(4, 1, 20, 30) - 1
    for transform in (
        RandomScan(0),
        RandomPhoto(0),
        JPEGCompression(100),
        UnevenLight(0),
        PaperFolds(0),
        PaperFolds(2, strength=0),
        PaperStains(0),
        PaperStains(2, strength=0),
        SensorNoise(0),
    ):
        assert torch.equal(transform(x, random_state=0), x)


@pytest.mark.parametrize("n_channels", [1, 2, 3, 4])
def test_any_number_of_channels(n_channels):
    x = torch.rand(3, n_channels, 24, 36, generator=generator())
    for transform in (RandomScan(1), RandomPhoto(1), PaperStains(), JPEGCompression(1)):
        out = transform(x, random_state=0)
        assert out.shape == x.shape
        assert out.min() >= 0 and out.max() <= 1


@pytest.mark.parametrize("shape", [(0, 1, 4, 4), (2, 1, 1, 1), (1, 3, 1, 9)])
def test_tiny_batches(shape):
    x = torch.rand(shape)
    for transform in (RandomScan(1), RandomPhoto(1), PaperFolds(), RandomPerspective()):
        assert transform(x, random_state=0).shape == x.shape


def test_uneven_light(white):
    lit = UnevenLight(0.4)(white, random_state=0)
    assert lit.min() >= 0.6 and lit.max() <= 1
    assert lit.min() < 0.7
    # All channels have the same light, and adjacent pixels almost the same.
    assert torch.equal(lit[:, 0], lit[:, 2])
    assert lit.diff(dim=2).abs().max() < 0.2 and lit.diff(dim=3).abs().max() < 0.2


def test_folds(white):
    x = torch.ones(60, 1, 100, 140)
    folded = PaperFolds(1, strength=0.5)(x, random_state=0)[:, 0]
    changed = (folded < 0.8).flatten(1).any(1)
    assert 0.3 < changed.float().mean() < 0.7
    assert folded.min() >= 0.5
    for image in folded[changed]:
        # A crease crosses the image: it has dark pixels in almost all columns, or in all rows.
        dark = image < image.quantile(0.03)
        assert max(dark.any(0).float().mean(), dark.any(1).float().mean()) > 0.8
    many = PaperFolds(5, strength=0.5)(white, random_state=0)
    assert many.mean() < folded.mean()


def test_stains(white):
    stained = PaperStains(1, strength=0.5)(white, random_state=1)
    changed = (stained < 0.98).flatten(1).any(1)
    assert 0.3 < changed.float().mean() < 0.7
    # Brown: most blue is absorbed.
    found = stained[changed]
    assert (found[:, 0] >= found[:, 1]).all() and (found[:, 1] >= found[:, 2]).all()
    assert found.min() >= 0.5
    gray = PaperStains(1, strength=0.5)(white[:, :1], random_state=1)
    assert torch.equal((gray < 1)[:, 0], (stained < 1)[:, 1])


def test_noise():
    x = torch.full((300, 1, 20, 20), 0.5)
    spread = (SensorNoise(0.1)(x, random_state=0) - x).flatten(1).std(1)
    assert spread.max() < 0.11 and spread.max() > 0.08
    assert spread.mean() == pytest.approx(0.05, abs=0.005)


def test_jpeg_equals_that_of_pillow():
    x = torch.rand(20, 3, 16, 24, generator=generator())
    out = JPEGCompression(30)(x, random_state=0)
    draws = torch.rand(20, generator=generator(0))
    assert (30 + 71 * draws).long().unique().numel() > 10
    for image, quality, found in zip(x, (30 + 71 * draws).long().tolist(), out):
        if quality == 100:
            assert torch.equal(found, image)
            continue
        file = io.BytesIO()
        pixels = np.rint(image.numpy().transpose(1, 2, 0) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(file, "JPEG", quality=quality)
        expected = np.asarray(Image.open(file)) / np.float32(255)
        np.testing.assert_allclose(found.numpy().transpose(1, 2, 0), expected, atol=1e-6)


def test_homography_maps_points_to_points():
    source = torch.rand(5, 4, 2, dtype=torch.float64, generator=generator()) + torch.tensor(
        [[0.0, 0], [3, 0], [0, 3], [3, 3]], dtype=torch.float64
    )
    target = source.flip(0)
    matrix = _homography(source, target)
    ones = torch.ones(5, 4, 1, dtype=torch.float64)
    mapped = torch.einsum("nij,npj->npi", matrix, torch.cat([source, ones], dim=2))
    torch.testing.assert_close(mapped[:, :, :2] / mapped[:, :, 2:], target)


def test_perspective_moves_the_corners():
    """Compared with the perspective transform of Pillow."""
    pixels = torch.rand(1, 1, 60, 80, generator=generator())
    x = torch.nn.functional.avg_pool2d(pixels, 5, 1, 2)
    corners = _corners(x) * torch.tensor([[[0.9, 0.8], [0.95, 0.9], [1.0, 0.85], [0.9, 1.0]]])
    out = _move_corners(x, corners, 0.5)
    half = torch.tensor([40.0, 30.0])
    matrix = _homography(corners.double() + half, _corners(x).double() + half)[0]
    coefficients = (matrix / matrix[2, 2]).flatten()[:8].tolist()
    image = Image.fromarray(x[0, 0].numpy())
    expected = np.asarray(
        image.transform((80, 60), Image.PERSPECTIVE, coefficients, Image.BILINEAR, fillcolor=0.5)
    )
    # Pillow does not blend pixels of the border with those outside.
    inner = np.asarray(
        Image.new("F", (80, 60), 1).transform(
            (80, 60), Image.PERSPECTIVE, coefficients, Image.BILINEAR, fillcolor=0
        )
    )
    inner = torch.nn.functional.avg_pool2d(torch.as_tensor(inner.copy())[None], 3, 1, 1)[0] > 0.999
    assert inner.float().mean() > 0.6
    np.testing.assert_allclose(out[0, 0][inner], expected[inner.numpy()], atol=1e-4)


@pytest.mark.parametrize("transform, amount", [(RandomPerspective, 0.2), (RandomRotation, 20)])
def test_fill(transform, amount, white):
    out = transform(amount, fill=0.25)(white, random_state=0)
    edge = transform(amount)(white, random_state=0)
    assert torch.allclose(edge, torch.ones(()))
    assert out.min() == pytest.approx(0.25, abs=1e-5)
    assert ((out - 0.25).abs() < 1e-5).float().mean() > 0.02
    # The center is inside.
    assert torch.allclose(out[:, :, 20:40, 30:50], torch.ones(()))


@pytest.mark.parametrize("degrees, shift", [(0.0, 0.0), (5.0, 0.0), (5.0, 0.05), (40.0, 0.2)])
def test_the_whole_page_remains_in_the_image(degrees, shift):
    x = torch.zeros(200, 1, 60, 90)
    corners = _place_page(x, degrees, shift, generator())
    limits = torch.tensor([45.0, 30.0])
    assert (corners.abs() <= limits + 1e-3).all()
    sides = corners[:, 1] - corners[:, 0]
    angles = torch.rad2deg(torch.atan2(sides[:, 1], sides[:, 0]))
    assert angles.abs().max() <= degrees + torch.rad2deg(torch.tensor(2 * shift)) + 1e-3
    if degrees:
        assert angles.abs().max() > 0.8 * degrees
    if degrees and not shift:
        # As large as possible: it touches two opposite sides.
        spans = corners.amax(1) - corners.amin(1)
        assert ((spans >= 2 * limits - 1e-2).any(1)).all()


@pytest.mark.parametrize("transform", [RandomScan, RandomPhoto])
def test_more_severity_changes_more(transform):
    rows = torch.arange(120)
    x = torch.ones(6, 3, 120, 160)
    x[:, 1:, rows % 8 == 0] = 0.7
    x[:, :, :, ::8] = 0.8
    changes = [
        (transform(severity)(x, random_state=0) - x).abs().mean() for severity in (0.1, 0.5, 1)
    ]
    assert changes[0] < changes[1] < changes[2]
    out = transform(0.5)(x, random_state=0)
    assert torch.equal(out, Compose([transform(0.5)])(x, random_state=0))
    assert out.dtype == x.dtype and out.min() >= 0 and out.max() <= 1
    half = RandomApply(transform(1.0), probability=0.5)(x, random_state=0)
    assert 0 < (half == x).flatten(1).all(1).sum() < 6


@pytest.mark.filterwarnings("ignore:The embedding has collapsed")
def test_pretraining_of_simcardionet():
    images = np.random.RandomState(0).randint(256, size=(6, 32, 40)).astype(np.uint8)
    encoder = SimCardioNetEncoder(
        augmentation=[RandomScan(), RandomPhoto(0.3)],
        image_size=32,
        filters=(4, 8),
        kernel_sizes=(3,),
        max_epochs=1,
        batch_size=6,
        random_state=0,
    )
    first = encoder.fit(images).transform(images)
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(encoder.fit(images).transform(images), first)


@pytest.mark.parametrize(
    "transform, name",
    [
        (RandomScan(1.5), "severity"),
        (RandomPhoto(-0.1), "severity"),
        (JPEGCompression(0), "min_quality"),
        (JPEGCompression(50.0), "min_quality"),
        (PaperFolds(1.5), "max_folds"),
        (PaperStains(2, strength=2), "strength"),
        (UnevenLight(2), "strength"),
        (SensorNoise(-1), "max_sigma"),
        (RandomPerspective(0.5), "max_shift"),
        (RandomPerspective(fill="white"), "fill"),
        (RandomRotation(fill=2), "fill"),
    ],
)
def test_invalid_parameters(transform, name, white):
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        transform(white)


@pytest.mark.parametrize(
    "transform", [RandomScan(0), RandomScan(), RandomPhoto(), JPEGCompression()]
)
def test_images_from_0_to_255_raise(transform):
    """Clipped to 1, they would be white."""
    pages = np.full((1, 1, 16, 16), 255, dtype=np.uint8)
    with pytest.raises(
        ValueError, match="Convert it, for example to float32, and divide it by 255"
    ):
        transform(pages)
    with pytest.raises(
        ValueError, match=r"values from 0 \(black\) to 1 \(white\), got values up to 255"
    ):
        transform(pages.astype(np.float32))
    noisy = np.random.default_rng(0).normal(size=(1, 1, 16, 16)).astype(np.float32)
    assert np.isfinite(transform(noisy)).all()


@pytest.mark.parametrize("transform", [PaperFolds(1, strength=1.0), PaperStains(1, strength=1.0)])
def test_images_without_marks_are_unchanged(transform, monkeypatch):
    """On GPUs, marks are computed for all images."""
    x = torch.ones(64, 3, 20, 30)
    count = torch.rand(64, generator=generator())
    for is_on_cpu in (True, False):
        monkeypatch.setattr(_paper_effects, "_is_on_cpu", lambda x, value=is_on_cpu: value)
        marked = (transform(x, random_state=0) != x).any(3).any(2).any(1)
        # A stain may be outside of the image.
        assert not marked[count < 0.5].any() and marked[count >= 0.5].float().mean() > 0.8

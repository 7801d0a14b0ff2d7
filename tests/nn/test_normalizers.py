"""Normalization of images; test_scale.py compares that of signals with the transformer."""

import pytest
import torch
from torch.nn import functional as F

from sklearn_ecg.nn._normalizers import ImageNormalizer, LeadNormalizer


def test_bytes_are_divided_by_255():
    x = torch.randint(0, 256, (5, 4, 6, 3), dtype=torch.uint8)
    normalizer = ImageNormalizer(None, (4, 6), 3)
    torch.testing.assert_close(normalizer(x), x.permute(0, 3, 1, 2) / 255)


def test_dataset_mode():
    x = torch.rand(100, 4, 6, 2, dtype=torch.float64) * torch.tensor([1.0, 5.0]) + 3
    normalizer = ImageNormalizer("dataset", (4, 6), 2).double().fit(x)
    out = normalizer(x)
    torch.testing.assert_close(out.mean((0, 2, 3)), torch.zeros(2).double())
    torch.testing.assert_close(out.var((0, 2, 3), correction=0), torch.ones(2).double())


def test_record_mode():
    x = torch.rand(5, 4, 6, 2, dtype=torch.float64) * 7
    out = ImageNormalizer("record", (4, 6), 2).double()(x)
    torch.testing.assert_close(out.mean((1, 2, 3)), torch.zeros(5).double())
    torch.testing.assert_close(out.var((1, 2, 3), correction=0), torch.ones(5).double())


def test_constant_images_are_only_centered():
    x = torch.full((3, 4, 6, 1), 0.7)
    for mode in ("dataset", "record"):
        out = ImageNormalizer(mode, (4, 6), 1).fit(x)(x)
        torch.testing.assert_close(out, torch.zeros(3, 1, 4, 6), atol=1e-6, rtol=0)


def test_resizing_preserves_bytes():
    x = torch.randint(0, 256, (70, 40, 60, 1), dtype=torch.uint8)
    resized = ImageNormalizer(None, (10, 15), 1).to_training_memory(x)
    assert resized.dtype == torch.uint8 and resized.shape == (70, 10, 15, 1)
    exact = F.interpolate(x.permute(0, 3, 1, 2).double(), (10, 15), mode="bilinear", antialias=True)
    assert (resized.permute(0, 3, 1, 2) - exact).abs().max() <= 1


def test_images_of_the_right_size_are_not_copied():
    x = torch.rand(3, 4, 6, 1)
    assert ImageNormalizer(None, (4, 6), 1).to_training_memory(x) is x


class Counted:
    """An array that notes how many values were read at most at once."""

    def __init__(self, array):
        self.array, self.shape, self.most = array, array.shape, 0

    def __len__(self):
        return len(self.array)

    def __getitem__(self, index):
        part = self.array[index]
        self.most = max(self.most, part.numel())
        return part


@pytest.mark.parametrize(
    "shape, normalizer",
    [
        ((40, 1, 1_000_000), LeadNormalizer("dataset", 1)),
        ((20, 1000, 1000, 1), ImageNormalizer("dataset", (10, 10), 1)),
    ],
)
def test_large_records_are_read_in_small_parts(shape, normalizer):
    x = Counted(torch.zeros(1, dtype=torch.uint8).expand(shape))
    normalizer.fit(x)
    assert 0 < x.most < 14_000_000

"""Normalization of signals and of images, the first step of every network.

`LeadNormalizer` and `ImageNormalizer` have the same methods. ``fit`` computes the statistics of the
training records, and a call normalizes records for prediction. Training prepares the records once
with ``to_training_memory``, which puts channels last, and cuts its batches from the result. Each
batch then passes through ``to_float``, the augmentation and ``normalize_augmented``.

``fit`` and ``to_training_memory`` take a tensor, or an object with a shape and slices that are
arrays. They read it chunk by chunk, so that a memory map is not copied as a whole.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from ..utils._chunks import (
    NORMALIZE_IMAGES,
    NORMALIZE_SIGNALS,
    STATISTICS,
    array_chunks,
    chunk_size,
    record_chunks,
)
from ..utils._torch import as_tensor

NORMALIZE = ("dataset", "record", "record_lead")


class LeadNormalizer(nn.Module):
    """Standardize signals.

    Parameters
    ----------
    mode : {"dataset", "record", "record_lead"} or None
        "dataset": subtract the mean and divide by the SD of each lead over the records given to
        `fit`. "record": use the mean and SD of each record over its leads and time points, which
        preserves the ratios between leads. "record_lead": use the mean and SD of each lead of each
        record. None: leave signals unchanged. A constant signal is only centered.
    n_leads : int
        Number of leads of the input.
    leads : sequence of int, default=None
        Positions of the leads to select; statistics are computed from these only. None selects all.
    """

    def __init__(self, mode, n_leads, leads=None):
        super().__init__()
        self.mode = mode
        self.leads = None if leads is None else list(leads)
        self.n_leads_out = n_leads if leads is None else len(self.leads)
        self.register_buffer("mean", torch.zeros(self.n_leads_out, 1))
        self.register_buffer("scale", torch.ones(self.n_leads_out, 1))

    def fit(self, x):
        """Compute the statistics of training records (n_records, n_leads, n_times)."""
        if self.mode != "dataset":
            return self
        count = x.shape[0] * x.shape[2]

        def parts():
            return map(self.select_leads, _tensor_chunks(x, NORMALIZE_SIGNALS))

        # Two passes in float64: with E[x^2] - E[x]^2 an SD that is small compared with the mean
        # would be lost in rounding.
        mean = sum(part.double().sum((0, 2)) for part in parts()) / count
        centered = (part.double() - mean[:, None] for part in parts())
        variance = sum(part.square().sum((0, 2)) for part in centered) / count
        self.mean.copy_(mean[:, None])
        self.scale.copy_(_nonzero_scale(variance.sqrt(), mean.abs())[:, None])
        return self

    def select_leads(self, x):
        """Select the leads of signals (batch, leads, time) that the network takes."""
        return x if self.leads is None else x[:, self.leads]

    def forward(self, x):
        """Normalize a batch (batch, leads, time)."""
        x = self.select_leads(x)
        if self.mode is None:
            return x
        if self.mode == "dataset":
            return (x - self.mean) / self.scale
        dims = (1, 2) if self.mode == "record" else (2,)
        mean = x.mean(dims, keepdim=True)
        centered = x - mean
        scale = centered.square().mean(dims, keepdim=True).sqrt()
        return centered / _nonzero_scale(scale, mean.abs())

    def to_training_memory(self, x):
        """Normalize records into one tensor (n_records, n_times, n_leads), chunk by chunk."""
        shape = (x.shape[0], x.shape[2], self.n_leads_out)
        out = torch.empty(shape, dtype=self.mean.dtype, device=self.mean.device)
        start = 0
        for part in _tensor_chunks(x, NORMALIZE_SIGNALS):
            out[start : start + len(part)] = self(part.to(out)).transpose(1, 2)
            start += len(part)
        return out

    def to_float(self, x):
        """Return a training batch unchanged: signals are stored as floating-point numbers."""
        return x

    def normalize_augmented(self, x):
        """Return a training batch unchanged: signals are normalized before they are stored."""
        return x


class ImageNormalizer(nn.Module):
    """Resize images and standardize them.

    Bytes are divided by 255; other numbers are used as they are.

    Parameters
    ----------
    mode : {"dataset", "record"} or None
        "dataset": subtract the mean and divide by the SD of each channel over the images given to
        `fit`. "record": use the mean and SD of each image over its channels and pixels. None: do
        not standardize. A constant image is only centered.
    size : tuple of int
        Height and width to which images are resized, with linear interpolation, and with
        antialiasing if they become smaller.
    n_channels : int
        Number of channels.
    """

    def __init__(self, mode, size, n_channels):
        super().__init__()
        self.mode = mode
        self.size = tuple(size)
        self.n_channels = n_channels
        self.register_buffer("mean", torch.zeros(n_channels, 1, 1))
        self.register_buffer("scale", torch.ones(n_channels, 1, 1))

    def fit(self, x):
        """Compute the statistics of training images (n_images, height, width, n_channels)."""
        if self.mode != "dataset":
            return self
        resized = self.to_training_memory(x)
        count = resized.shape[0] * resized.shape[1] * resized.shape[2]

        def parts():
            return _tensor_chunks(resized, NORMALIZE_IMAGES)

        mean = sum(self.to_float(part).double().sum((0, 1, 2)) for part in parts()) / count
        centered = (self.to_float(part).double() - mean for part in parts())
        variance = sum(part.square().sum((0, 1, 2)) for part in centered) / count
        self.mean.copy_(mean[:, None, None])
        self.scale.copy_(_nonzero_scale(variance.sqrt(), mean.abs())[:, None, None])
        return self

    def forward(self, x):
        """Resize and normalize images (batch, height, width, n_channels)."""
        x = self.to_training_memory(x).permute(0, 3, 1, 2)
        return self.normalize_augmented(self.to_float(x))

    def to_training_memory(self, x):
        """Resize images to (n_images, *size, n_channels), chunk by chunk; bytes remain bytes."""
        if tuple(x.shape[1:3]) == self.size:
            return as_tensor(x if isinstance(x, torch.Tensor) else x[:])
        out = as_tensor(x[:0]).new_empty((len(x), *self.size, self.n_channels))
        n_values = max(math.prod(x.shape[1:]), math.prod(out.shape[1:]))
        for chunk in record_chunks(len(x), n_values, NORMALIZE_IMAGES):
            images = as_tensor(x[chunk]).permute(0, 3, 1, 2)
            images = F.interpolate(images, self.size, mode="bilinear", antialias=True)
            out[chunk].copy_(images.permute(0, 2, 3, 1))
        return out

    def to_float(self, x):
        """Convert to floating point; bytes are divided by 255."""
        return x.to(self.mean.dtype) / 255 if x.dtype == torch.uint8 else x.to(self.mean.dtype)

    def normalize_augmented(self, x):
        """Standardize floating-point images (batch, n_channels, height, width) after resizing."""
        if self.mode is None:
            return x
        if self.mode == "dataset":
            return (x - self.mean.to(x.device)) / self.scale.to(x.device)
        mean = x.mean((1, 2, 3), keepdim=True)
        centered = x - mean
        scale = centered.square().mean((1, 2, 3), keepdim=True).sqrt()
        return centered / _nonzero_scale(scale, mean.abs())


def _nonzero_scale(scale, magnitude):
    """Replace SDs that are rounding errors of a constant signal by 1."""
    threshold = 10 * torch.finfo(scale.dtype).eps * magnitude
    return torch.where(scale > threshold, scale, torch.ones_like(scale))


def _tensor_chunks(x, budget):
    """Yield small chunks of records as tensors; the budget is that of records read at once."""
    for chunk in array_chunks(x, budget):
        records = as_tensor(x[chunk])
        yield from records.split(chunk_size(math.prod(x.shape[1:]), STATISTICS))

"""Normalisation of signals and of images, as the first step of every network.

Both normalisers are called alike: ``fit(x)`` on training records, ``normalizer(x)`` before a
prediction. Training keeps ``stored(x)``, channels last. Batches are cut from it; ``floats`` makes
them ready for views and ``finish``, after these, for the network.
"""

import torch
from torch import nn
from torch.nn import functional as F

from ..utils._chunks import NORMALIZE_IMAGES, NORMALIZE_SIGNALS, record_chunks

NORMALIZE = ("dataset", "record", "record_lead")


class LeadNormalizer(nn.Module):
    """z-scores of signals.

    Parameters
    ----------
    mode : {"dataset", "record", "record_lead"} or None
        "dataset": mean and SD per lead over the records given to `fit`. "record": mean
        and SD of each record over its leads and time points, which keeps the ratios between leads.
        "record_lead": mean and SD of each lead of each record. None: signals as they are.
        A constant signal is centred only.
    n_leads : int
    leads : sequence of int, default=None
        Positions of the leads that come out; statistics are those of these alone. None is all.
    """

    def __init__(self, mode, n_leads, leads=None):
        super().__init__()
        self.mode = mode
        self.leads = None if leads is None else list(leads)
        self.n_leads_out = n_leads if leads is None else len(self.leads)
        self.register_buffer("mean", torch.zeros(self.n_leads_out, 1))
        self.register_buffer("scale", torch.ones(self.n_leads_out, 1))

    def fit(self, x):
        """Take the statistics of training records (n_records, n_leads, n_times)."""
        if self.mode != "dataset":
            return self
        x = self.take(x)
        count = x.shape[0] * x.shape[2]
        # Two passes in float64: E[x^2] - E[x]^2 would lose an SD that is small beside the mean.
        mean = sum(part.double().sum((0, 2)) for part in _chunks(x, NORMALIZE_SIGNALS)) / count
        centred = (part.double() - mean[:, None] for part in _chunks(x, NORMALIZE_SIGNALS))
        variance = sum(part.square().sum((0, 2)) for part in centred) / count
        self.mean.copy_(mean[:, None])
        self.scale.copy_(_safe_scale(variance.sqrt(), mean.abs())[:, None])
        return self

    def take(self, x):
        """The leads of signals (batch, leads, time) that come out."""
        return x if self.leads is None else x[:, self.leads]

    def forward(self, x):
        """Normalise a batch (batch, leads, time)."""
        x = self.take(x)
        if self.mode is None:
            return x
        if self.mode == "dataset":
            return (x - self.mean) / self.scale
        dims = (1, 2) if self.mode == "record" else (2,)
        mean = x.mean(dims, keepdim=True)
        centred = x - mean
        scale = centred.square().mean(dims, keepdim=True).sqrt()
        return centred / _safe_scale(scale, mean.abs())

    def floats(self, x):
        """A batch of what is stored, as it is."""
        return x

    def finish(self, x):
        """A batch of what is stored, which is normalised already, as it is."""
        return x

    def stored(self, x):
        """Normalised records in memory order (n_records, n_times, n_leads), made in slices."""
        shape = (x.shape[0], x.shape[2], self.n_leads_out)
        out = torch.empty(shape, dtype=self.mean.dtype, device=self.mean.device)
        for part in record_chunks(len(x), 1, NORMALIZE_SIGNALS):
            out[part] = self(x[part].to(out)).transpose(1, 2)
        return out


class ImageNormalizer(nn.Module):
    """Images in one size, and z-scores of them.

    Bytes are read as shares of 255, other numbers as they are.

    Parameters
    ----------
    mode : {"dataset", "record"} or None
        "dataset": mean and SD per channel over the images given to `fit`. "record": mean and
        SD of each image over its channels and places. None: no z-scores. A constant image is
        centred only.
    size : tuple of int
        Height and width that images are resized to, linearly, smoothed where they become smaller.
    n_channels : int
    """

    def __init__(self, mode, size, n_channels):
        super().__init__()
        self.mode = mode
        self.size = tuple(size)
        self.n_channels = n_channels
        self.register_buffer("mean", torch.zeros(n_channels, 1, 1))
        self.register_buffer("scale", torch.ones(n_channels, 1, 1))

    def fit(self, x):
        """Take the statistics of training images (n_images, height, width, n_channels)."""
        if self.mode != "dataset":
            return self
        stored = self.stored(x)
        count = stored.shape[0] * stored.shape[1] * stored.shape[2]
        parts = _chunks(stored, NORMALIZE_IMAGES)
        mean = sum(self.floats(part).double().sum((0, 1, 2)) for part in parts) / count
        centred = (self.floats(part).double() - mean for part in parts)
        variance = sum(part.square().sum((0, 1, 2)) for part in centred) / count
        self.mean.copy_(mean[:, None, None])
        self.scale.copy_(_safe_scale(variance.sqrt(), mean.abs())[:, None, None])
        return self

    def stored(self, x):
        """Images in their size (n_images, *size, n_channels), bytes as bytes, made in slices."""
        if tuple(x.shape[1:3]) == self.size:
            return x
        out = x.new_empty((len(x), *self.size, self.n_channels))
        for part, resized in zip(_chunks(x, NORMALIZE_IMAGES), _chunks(out, NORMALIZE_IMAGES)):
            images = part.permute(0, 3, 1, 2)
            images = F.interpolate(images, self.size, mode="bilinear", antialias=True)
            resized.copy_(images.permute(0, 2, 3, 1))
        return out

    def floats(self, x):
        """Bytes as shares of 255."""
        return x.to(self.mean.dtype) / 255 if x.dtype == torch.uint8 else x.to(self.mean.dtype)

    def finish(self, x):
        """Normalise floats (batch, n_channels, height, width) of the right size."""
        if self.mode is None:
            return x
        if self.mode == "dataset":
            return (x - self.mean.to(x.device)) / self.scale.to(x.device)
        mean = x.mean((1, 2, 3), keepdim=True)
        centred = x - mean
        scale = centred.square().mean((1, 2, 3), keepdim=True).sqrt()
        return centred / _safe_scale(scale, mean.abs())

    def forward(self, x):
        """Resize and normalise images (batch, height, width, n_channels)."""
        return self.finish(self.floats(self.stored(x).permute(0, 3, 1, 2)))


def _safe_scale(scale, magnitude):
    """SDs, with 1 for those that are rounding errors of a constant signal."""
    threshold = 10 * torch.finfo(scale.dtype).eps * magnitude
    return torch.where(scale > threshold, scale, torch.ones_like(scale))


def _chunks(x, budget):
    """Chunks of the records, as views of a tensor."""
    return [x[chunk] for chunk in record_chunks(len(x), 1, budget)]

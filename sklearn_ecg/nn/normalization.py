"""Normalisation of signals, as the first step of every network."""

import torch
from torch import nn

NORMALIZE = ("dataset", "record", "record_lead")

# Statistics and copies of large arrays go through slices of so many records.
_CHUNK = 1024


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
        mean = sum(part.double().sum((0, 2)) for part in x.split(_CHUNK)) / count
        centred = (part.double() - mean[:, None] for part in x.split(_CHUNK))
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

    def to_time_major(self, x):
        """Normalised records in memory order (n_records, n_times, n_leads), made in slices."""
        shape = (x.shape[0], x.shape[2], self.n_leads_out)
        out = torch.empty(shape, dtype=self.mean.dtype, device=self.mean.device)
        for start in range(0, len(x), _CHUNK):
            part = x[start : start + _CHUNK].to(out)
            out[start : start + _CHUNK] = self(part).transpose(1, 2)
        return out


def _safe_scale(scale, magnitude):
    """SDs, with 1 for those that are rounding errors of a constant signal."""
    threshold = 10 * torch.finfo(scale.dtype).eps * magnitude
    return torch.where(scale > threshold, scale, torch.ones_like(scale))

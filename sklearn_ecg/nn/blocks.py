"""Building blocks of the networks.

Signals travel through the networks as ``(batch, channels, 1, time)`` in
``channels_last`` memory: on CPUs a ``Conv2d`` with kernel ``(1, k)`` in this
layout runs 1.2-1.35 times as fast as ``Conv1d`` in training, twice as fast when
dilated. `to_channels_last` is the entrance, `conv` makes the convolutions.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F


def to_channels_last(x):
    """View a batch of signals (batch, leads, time) as (batch, leads, 1, time).

    No data move when ``x`` is a transposed view of a contiguous
    (batch, time, leads) tensor, which is how training tensors are stored.
    """
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)


def conv(in_channels, out_channels, kernel_size, *, dilation=1, stride=1, bias=False):
    """Convolution along time with 'same' padding: ``ceil(time / stride)`` points come out."""
    if kernel_size % 2 == 0:
        raise ValueError(f"kernel_size must be odd, got {kernel_size}.")
    return nn.Conv2d(
        in_channels,
        out_channels,
        (1, kernel_size),
        stride=(1, stride),
        padding=(0, dilation * (kernel_size // 2)),
        dilation=(1, dilation),
        bias=bias,
    )


def max_pool(x, size):
    """Max-pooling along time in ceiling mode, so that any length >= 1 can be pooled."""
    if size == 1:
        return x
    if size == 2 and not torch.is_grad_enabled():
        # The same values in a fraction of the time on CPUs; gradients at ties would differ.
        pooled = torch.maximum(x[..., :-1:2], x[..., 1::2])
        return pooled if x.shape[-1] % 2 == 0 else torch.cat([pooled, x[..., -1:]], dim=-1)
    return F.max_pool2d(x, (1, size), ceil_mode=True)


class EfficientChannelAttention(nn.Module):
    """ECA: a 1-D convolution across the vector of channel means, then a sigmoid gate.

    The kernel grows with the number of channels C as in the reference,
    ``k = |log2(C) / 2 + 1 / 2|`` rounded down to an odd number.

    References
    ----------
    Wang et al. (2020). ECA-Net: efficient channel attention for deep
    convolutional neural networks. CVPR. arXiv:1910.03151
    """

    def __init__(self, channels, kernel_size=None):
        super().__init__()
        if kernel_size is None:
            kernel_size = int(abs(math.log2(channels) / 2 + 0.5))
            kernel_size += 1 - kernel_size % 2
        self.conv = nn.Conv1d(1, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, descriptor):
        """Gates in (0, 1) from channel means, both of shape (batch, channels)."""
        return torch.sigmoid(self.conv(descriptor.unsqueeze(1)).squeeze(1))


class SqueezeExcitation(nn.Module):
    """SE: a bottleneck of two linear layers on the channel means, then a sigmoid gate.

    References
    ----------
    Hu, Shen, Sun (2018). Squeeze-and-excitation networks. CVPR. arXiv:1709.01507
    """

    def __init__(self, channels, reduction=16):
        super().__init__()
        hidden = max(channels // reduction, 4)
        self.mlp = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels)
        )

    def forward(self, descriptor):
        """Gates in (0, 1) from channel means, both of shape (batch, channels)."""
        return torch.sigmoid(self.mlp(descriptor))


ATTENTION = {"eca": EfficientChannelAttention, "se": SqueezeExcitation}


class ConvBlock(nn.Module):
    """Dilated convolution, BatchNorm, ReLU, max-pooling, channel dropout, channel attention.

    Pooling comes before dropout and attention. ReLU and gates in (0, 1) commute
    with the maximum, so only the channel means that attention sees differ from the order
    'attention, then pooling', and everything after the convolution costs
    ``1 / pool_size``.
    """

    def __init__(
        self,
        in_channels,
        out_channels,
        *,
        kernel_size=7,
        dilation=1,
        stride=1,
        pool_size=2,
        dropout=0.0,
        attention="eca",
    ):
        super().__init__()
        self.conv = conv(in_channels, out_channels, kernel_size, dilation=dilation, stride=stride)
        self.norm = nn.BatchNorm2d(out_channels)
        self.pool_size = pool_size
        self.dropout = nn.Dropout(dropout)
        self.attention = None if attention is None else ATTENTION[attention](out_channels)

    def forward(self, x):
        x = F.relu(max_pool(self.norm(self.conv(x)), self.pool_size))
        gate = None
        if self.dropout.p > 0 and self.training:
            gate = self.dropout(x.new_ones(x.shape[:2]))
        if self.attention is not None:
            means = x.mean((2, 3))
            if gate is not None:
                means = means * gate
            attention = self.attention(means)
            gate = attention if gate is None else gate * attention
        return x if gate is None else x * gate[:, :, None, None]

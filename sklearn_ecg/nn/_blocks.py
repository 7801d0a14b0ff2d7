"""Building blocks of the networks.

Signals pass through the networks as ``(batch, channels, 1, time)`` in ``channels_last`` memory: on
CPUs a ``Conv2d`` with kernel ``(1, k)`` trains 1.2 to 1.35 times as fast in this layout as a
``Conv1d``, and twice as fast when dilated. `to_channels_last` converts the input of a network,
and `conv` makes the convolutions.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F


def to_channels_last(x):
    """Convert a batch of signals (batch, leads, time) to (batch, leads, 1, time).

    No data are copied if ``x`` is a transposed view of a contiguous (batch, time, leads) tensor,
    which is how training batches are stored.
    """
    if x.shape[1] == 1:
        # Any batch of one lead counts as contiguous in both layouts, but convolutions tell them
        # apart by the stride of the channels, and would return the other one.
        return x.squeeze(1).contiguous().unsqueeze(2).mT.unsqueeze(2)
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)


def conv(in_channels, out_channels, kernel_size, *, dilation=1, stride=1, bias=False):
    """Make a convolution along time with "same" padding and ``ceil(time / stride)`` outputs."""
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
    """Apply max-pooling along time in ceiling mode, which works for any length >= 1."""
    if size == 1:
        return x
    if size == 2 and not torch.is_grad_enabled():
        # Returns the same values in a fraction of the time on CPUs. With gradients it cannot be
        # used, because gradients at ties would differ.
        pooled = torch.maximum(x[..., :-1:2], x[..., 1::2])
        return pooled if x.shape[-1] % 2 == 0 else torch.cat([pooled, x[..., -1:]], dim=-1)
    return F.max_pool2d(x, (1, size), ceil_mode=True)


def mean_over_time(features):
    """Average a map (batch, channels, 1, points) over time.

    The result is ``features.mean((2, 3))``, whose gradient would be stored channels first. Adding
    it to the gradients of other layers, which are stored channels last, takes longer.
    """
    return features.squeeze(2).mT.mean(1)


def pool_mean_max(features):
    """Concatenate the mean and the maximum over time of a map (batch, channels, 1, points)."""
    return torch.cat([mean_over_time(features), features.amax((2, 3))], dim=1)


class EfficientChannelAttention(nn.Module):
    """ECA: a 1-D convolution across the vector of channel means, followed by a sigmoid gate.

    By default the kernel size depends on the number of channels C as in the reference: it is
    ``log2(C) / 2 + 1 / 2``, rounded down to an integer, to which 1 is added if it is even.

    References
    ----------
    Wang et al. (2020). ECA-Net: efficient channel attention for deep convolutional neural networks.
    CVPR. arXiv:1910.03151
    """

    def __init__(self, channels, kernel_size=None):
        super().__init__()
        if kernel_size is None:
            kernel_size = int(abs(math.log2(channels) / 2 + 0.5))
            kernel_size += 1 - kernel_size % 2
        self.conv = nn.Conv1d(1, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, channel_means):
        """Compute gates in (0, 1); input and output have the shape (batch, channels)."""
        if channel_means.device.type != "cpu" or torch.compiler.is_compiling():
            # One operation instead of four. On GPUs, each takes about as long; files get smaller.
            return torch.sigmoid(self.conv(channel_means[:, None])[:, 0])
        size = self.conv.kernel_size[0]
        windows = F.pad(channel_means, (size // 2, size // 2)).unfold(1, size, 1)
        # Equals the convolution, which takes three times as long on CPUs for such short vectors.
        return torch.sigmoid(windows @ self.conv.weight.flatten())


class SqueezeExcitation(nn.Module):
    """SE: a bottleneck of two linear layers on the channel means, followed by a sigmoid gate.

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

    def forward(self, channel_means):
        """Compute gates in (0, 1); input and output have the shape (batch, channels)."""
        return torch.sigmoid(self.mlp(channel_means))


#: Types of channel attention by name.
ATTENTION_TYPES = {"eca": EfficientChannelAttention, "se": SqueezeExcitation}


class LeadAttention(nn.Module):
    """Scale each lead by a gate in (0, 1), computed from the root mean squares of all leads.

    Channel attention takes the mean of each channel. That of a lead is about 0 if the baseline was
    removed, and says nothing about the lead.

    Parameters
    ----------
    n_leads : int
    attention : {"eca", "se"}
    """

    def __init__(self, n_leads, attention):
        super().__init__()
        self.attention = ATTENTION_TYPES[attention](n_leads)

    def forward(self, x):
        """Scale signals (batch, leads, 1, time)."""
        # The gradient of the root of 0, of a flat lead, would be infinite.
        rms = (x.square().mean((2, 3)) + 1e-8).sqrt()
        return x * self.attention(rms)[:, :, None, None]


class ConvBlock(nn.Module):
    """Dilated convolution, BatchNorm, ReLU, max-pooling, channel dropout and channel attention.

    Pooling comes before dropout and attention, so that everything after the convolution costs
    ``1 / pool_size``. ReLU and multiplication by gates in (0, 1) commute with the maximum:
    compared with the order "attention, then pooling", only the channel means from which the
    attention is computed differ.

    Parameters
    ----------
    in_channels, out_channels : int
        Number of channels of the input and of the output.
    kernel_size, dilation, stride : int
        Parameters of the convolution.
    pool_size : int
        Size of the max-pooling.
    dropout : float
        Probability of dropping a channel, in [0, 1).
    attention : {"eca", "se"} or None
        Type of the channel attention.
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
        self.attention = None
        if attention is not None:
            self.attention = ATTENTION_TYPES[attention](out_channels)

    def forward(self, x):
        x = F.relu(max_pool(self.norm(self.conv(x)), self.pool_size), inplace=True)
        gate = None
        if self.dropout.p > 0 and self.training:
            gate = self.dropout(x.new_ones(x.shape[:2]))
        if self.attention is not None:
            means = mean_over_time(x)
            if gate is not None:
                means = means * gate
            attention = self.attention(means)
            gate = attention if gate is None else gate * attention
        return x if gate is None else x * gate[:, :, None, None]


def conv_stem(n_leads, filters, kernel_size):
    """Make blocks of convolution, BatchNorm, ReLU and max-pooling by two."""
    widths = [n_leads, *filters]
    return nn.Sequential(
        *[
            ConvBlock(width_in, width_out, kernel_size=kernel_size, attention=None)
            for width_in, width_out in zip(widths, filters)
        ]
    )


class PoolingHead(nn.Sequential):
    """Head of the PTB-XL benchmark that maps pooled channels to an embedding.

    BatchNorm, dropout at half the rate, a linear layer, ReLU, BatchNorm and dropout. The linear
    layer that computes the logits is not included.

    Parameters
    ----------
    n_channels, embedding_dim : int
        Number of features of the input and of the output.
    dropout : float
        Probability of dropping a value of the embedding, in [0, 1).
    """

    def __init__(self, n_channels, embedding_dim, dropout):
        super().__init__(
            nn.BatchNorm1d(n_channels),
            nn.Dropout(dropout / 2),
            nn.Linear(n_channels, embedding_dim),
            nn.ReLU(),
            nn.BatchNorm1d(embedding_dim),
            nn.Dropout(dropout),
        )

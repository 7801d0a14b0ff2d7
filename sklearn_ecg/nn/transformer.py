"""A Transformer encoder over short pieces of the signals."""

import math

import torch
from torch import nn

from .blocks import to_channels_last
from .recurrent import conv_stem
from .signal_network import SignalNetwork


class TransformerEncoder(SignalNetwork):
    """Convolutions that shorten the signals, self-attention over what is left, its mean.

    The encoder is that of Vaswani et al. [1]_, with the normalisation before each part instead of
    behind it; convolutions that make its tokens, and a mean over them, are the way of Natarajan et
    al. [2]_. The sizes are this library's, smaller than theirs. Attention costs
    the square of the number of tokens, ``n_times / 2 ** len(filters)``.

    Parameters
    ----------
    n_leads, n_outputs : int
    filters : sequence of int, default=(64, 128, 128)
        Channels of the convolutions; each is followed by max-pooling by two. The last is the width
        of the encoder, and must be even and a multiple of ``n_heads``.
    kernel_size : int, default=7
        Odd number of taps of the convolutions.
    n_layers : int, default=4
    n_heads : int, default=8
    feedforward_size : int, default=256
        Units of the hidden layer of each layer of the encoder.
    dropout : float, default=0.1
        In the encoder, in [0, 1).

    References
    ----------
    .. [1] Vaswani et al. (2017). Attention is all you need. NeurIPS. arXiv:1706.03762
    .. [2] Natarajan et al. (2020). A wide and deep transformer neural network for 12-lead ECG
       classification. Computing in Cardiology 47.
    """

    def __init__(
        self,
        n_leads,
        n_outputs,
        *,
        filters=(64, 128, 128),
        kernel_size=7,
        n_layers=4,
        n_heads=8,
        feedforward_size=256,
        dropout=0.1,
    ):
        super().__init__()
        width = filters[-1]
        if width % 2 or width % n_heads:
            raise ValueError(
                f"the last of filters must be even and a multiple of n_heads={n_heads}, got {width}"
            )
        self.embedding_dim = width
        self.feature_stride = 2 ** len(filters)
        self.stem = conv_stem(n_leads, filters, kernel_size, dropout=0.0)
        layer = nn.TransformerEncoderLayer(
            width, n_heads, feedforward_size, dropout, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(
            layer, n_layers, norm=nn.LayerNorm(width), enable_nested_tensor=False
        )
        for copied in self.encoder.layers:
            # torch repeats one layer, weights included.
            _start_anew(copied)
        self.classifier = nn.Linear(width, n_outputs)

    def feature_map(self, x):
        tokens = self.stem(to_channels_last(x)).squeeze(2).transpose(1, 2)
        return self.encoder(tokens + positions(tokens)).transpose(1, 2).unsqueeze(2)

    def pool(self, features):
        return features.mean((2, 3))


def positions(tokens):
    """Sines and cosines (points, width) of the positions of tokens (batch, points, width)."""
    n_points, width = tokens.shape[1:]
    # Angles in float64: those of late positions are large.
    place = torch.arange(n_points, dtype=torch.float64, device=tokens.device)[:, None]
    step = torch.arange(0, width, 2, dtype=torch.float64, device=tokens.device)
    angle = place * torch.exp(-math.log(10_000) / width * step)
    return torch.stack([angle.sin(), angle.cos()], dim=2).reshape(n_points, width).to(tokens.dtype)


def _start_anew(layer):
    for parameter in layer.parameters():
        if parameter.ndim > 1:
            nn.init.xavier_uniform_(parameter)

"""Transformer encoder on tokens that convolutions compute from the signals."""

import math
from collections.abc import Sequence

import torch
from torch import nn

from ._blocks import conv_stem, to_channels_last
from ._python_numbers import accept_numpy_integers
from ._signal_network import SignalNetwork


class TransformerEncoder(SignalNetwork):
    """Convolutions that shorten the signals, followed by self-attention and the mean over time.

    The cost of attention is quadratic in the number of tokens, which is
    ``n_times / 2 ** len(filters)``.

    Parameters
    ----------
    n_leads : int
        Number of leads.
    n_outputs : int
        Number of logits.
    filters : sequence of int, default=(64, 128, 128)
        Number of channels of each convolution; max-pooling by two follows each of them. The last
        number is the width of the encoder and must be even and a multiple of ``n_heads``.
    kernel_size : int, default=7
        Kernel size of the convolutions. Must be odd.
    n_layers : int, default=4
        Number of encoder layers.
    n_heads : int, default=8
        Number of attention heads.
    feedforward_size : int, default=256
        Number of units of the hidden layer of each encoder layer.
    dropout : float, default=0.1
        Dropout rate of the encoder, in [0, 1).

    Raises
    ------
    ValueError
        If the last of ``filters`` is odd or not a multiple of ``n_heads``.

    Notes
    -----
    The encoder is that of Vaswani et al. [1]_, but normalizes before each sublayer instead of after
    it. Natarajan et al. [2]_ use convolutions to compute the tokens and the mean over the
    encoded tokens. The layer sizes are choices of this library, smaller than theirs.

    References
    ----------
    .. [1] Vaswani et al. (2017). Attention is all you need. NeurIPS. arXiv:1706.03762
    .. [2] Natarajan et al. (2020). A wide and deep transformer neural network for 12-lead ECG
       classification. Computing in Cardiology 47.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import TransformerEncoder
    >>> TransformerEncoder(12, 5)(torch.randn(2, 12, 1000)).shape
    torch.Size([2, 5])
    """

    @accept_numpy_integers
    def __init__(
        self,
        n_leads,
        n_outputs,
        *,
        filters: Sequence[int] = (64, 128, 128),
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
                "The last of filters must be even and a multiple of "
                f"n_heads={n_heads}, got {width}."
            )
        self.embedding_dim = width
        self.feature_stride = 2 ** len(filters)
        self.stem = conv_stem(n_leads, filters, kernel_size)
        layer = nn.TransformerEncoderLayer(
            width, n_heads, feedforward_size, dropout, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(
            layer, n_layers, norm=nn.LayerNorm(width), enable_nested_tensor=False
        )
        for copied_layer in self.encoder.layers:
            # nn.TransformerEncoder copies one layer, including its weights.
            _initialize_weights(copied_layer)
        self.classifier = nn.Linear(width, n_outputs)

    def feature_map(self, x):
        tokens = self.stem(to_channels_last(x)).squeeze(2).transpose(1, 2)
        return self.encoder(tokens + positional_encoding(tokens)).transpose(1, 2).unsqueeze(2)

    def pool(self, features):
        return features.mean((2, 3))


def positional_encoding(tokens):
    """Compute sines and cosines (points, width) of positions for tokens (batch, points, width)."""
    n_points, width = tokens.shape[1:]
    # Angles in float64: they are large at late positions.
    position = torch.arange(n_points, dtype=torch.float64, device=tokens.device)[:, None]
    step = torch.arange(0, width, 2, dtype=torch.float64, device=tokens.device)
    angle = position * torch.exp(-math.log(10_000) / width * step)
    return torch.stack([angle.sin(), angle.cos()], dim=2).reshape(n_points, width).to(tokens.dtype)


def _initialize_weights(layer):
    for parameter in layer.parameters():
        if parameter.ndim > 1:
            nn.init.xavier_uniform_(parameter)

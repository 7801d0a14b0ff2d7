"""Recurrent networks, on signals and on what convolutions make of them."""

import torch
from torch import nn

from .blocks import ConvBlock, to_channels_last
from .signal_network import PoolingHead, SignalNetwork, pool_mean_max


def conv_stem(n_leads, filters, kernel_size, dropout):
    """Blocks of convolution, BatchNorm, ReLU and max-pooling by two."""
    widths = [n_leads, *filters]
    return nn.Sequential(
        *[
            ConvBlock(width_in, width_out, kernel_size=kernel_size, dropout=dropout, attention=None)
            for width_in, width_out in zip(widths, filters)
        ]
    )


class _RecurrentHead(SignalNetwork):
    """An LSTM over time; mean, maximum and last states; a head with one hidden layer."""

    def __init__(
        self, n_channels, n_outputs, *, hidden_size, n_layers, bidirectional, embedding_dim, dropout
    ):
        super().__init__()
        self.embedding_dim = embedding_dim
        self.lstm = nn.LSTM(
            n_channels, hidden_size, n_layers, batch_first=True, bidirectional=bidirectional
        )
        n_states = hidden_size * (2 if bidirectional else 1)
        self.head = PoolingHead(3 * n_states, embedding_dim, dropout)
        self.classifier = nn.Linear(embedding_dim, n_outputs)

    def states(self, x):
        """The states of the last layer (batch, states, 1, time) of a sequence (batch, time, n)."""
        return self.lstm(x)[0].transpose(1, 2).unsqueeze(2)

    def pool(self, features):
        hidden_size = self.lstm.hidden_size
        last = features[:, :hidden_size, 0, -1]
        if self.lstm.bidirectional:
            # The other direction ends where time begins.
            last = torch.cat([last, features[:, hidden_size:, 0, 0]], dim=1)
        return self.head(torch.cat([pool_mean_max(features), last], dim=1))


class LSTM(_RecurrentHead):
    """The LSTM of the PTB-XL benchmark: layers of LSTM over the time points of the signals [1]_.

    A record costs its number of time points in steps that wait for one another; `CNNLSTM`
    takes an eighth of them.

    Where this differs from the benchmark: it trains on crops of 2.5 s, with a learning rate of
    1e-3.

    Parameters
    ----------
    n_leads, n_outputs : int
    hidden_size : int, default=256
    n_layers : int, default=2
    bidirectional : bool, default=False
    embedding_dim : int, default=128
        Units of the hidden layer of the head.
    dropout : float, default=0.5
        In the head, in [0, 1): before the linear layer to the logits; half of it before the hidden
        layer.

    References
    ----------
    .. [1] Strodthoff et al. (2021). Deep learning for ECG analysis: benchmarks and insights from
       PTB-XL. IEEE J Biomed Health Inform 25(5), 1519-1528. arXiv:2004.13701
    """

    def __init__(
        self,
        n_leads,
        n_outputs,
        *,
        hidden_size=256,
        n_layers=2,
        bidirectional=False,
        embedding_dim=128,
        dropout=0.5,
    ):
        super().__init__(
            n_leads,
            n_outputs,
            hidden_size=hidden_size,
            n_layers=n_layers,
            bidirectional=bidirectional,
            embedding_dim=embedding_dim,
            dropout=dropout,
        )

    def feature_map(self, x):
        return self.states(x.transpose(1, 2))


class CNNLSTM(_RecurrentHead):
    """Convolutions that shorten the signals, then an LSTM.

    Convolutions with max-pooling before an LSTM are the idea of Oh et al. [1]_, for beats of
    one lead; the sizes, BatchNorm, both directions and the head are this library's.

    Parameters
    ----------
    n_leads, n_outputs : int
    filters : sequence of int, default=(64, 128, 128)
        Channels of the convolutions; each is followed by max-pooling by two.
    kernel_size : int, default=7
        Odd number of taps.
    hidden_size : int, default=128
    n_layers : int, default=1
    bidirectional : bool, default=True
    embedding_dim : int, default=128
        Units of the hidden layer of the head.
    dropout : float, default=0.3
        In the head, in [0, 1): before the linear layer to the logits; half of it before the hidden
        layer.

    References
    ----------
    .. [1] Oh, Ng, Tan, Acharya (2018). Automated diagnosis of arrhythmia using combination of CNN
       and LSTM techniques with variable length heart beats. Comput Biol Med 102, 278-287.
    """

    def __init__(
        self,
        n_leads,
        n_outputs,
        *,
        filters=(64, 128, 128),
        kernel_size=7,
        hidden_size=128,
        n_layers=1,
        bidirectional=True,
        embedding_dim=128,
        dropout=0.3,
    ):
        super().__init__(
            filters[-1],
            n_outputs,
            hidden_size=hidden_size,
            n_layers=n_layers,
            bidirectional=bidirectional,
            embedding_dim=embedding_dim,
            dropout=dropout,
        )
        self.feature_stride = 2 ** len(filters)
        self.stem = conv_stem(n_leads, filters, kernel_size, dropout=0.0)

    def feature_map(self, x):
        x = self.stem(to_channels_last(x))
        return self.states(x.squeeze(2).transpose(1, 2))

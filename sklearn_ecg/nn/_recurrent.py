"""Recurrent networks, with and without convolutions before them."""

from collections.abc import Sequence

import torch
from torch import nn

from ._blocks import PoolingHead, conv_stem, pool_mean_max, to_channels_last
from ._python_numbers import accept_numpy_integers
from ._signal_network import SignalNetwork


class _RecurrentNetwork(SignalNetwork):
    """LSTM over time; mean, maximum and last states; a head with one hidden layer."""

    def __init__(
        self, n_channels, n_outputs, *, hidden_size, n_layers, bidirectional, embedding_dim, dropout
    ):
        super().__init__()
        self.embedding_dim = embedding_dim
        self.lstm = nn.LSTM(
            n_channels,
            hidden_size,
            n_layers,
            batch_first=True,
            bidirectional=bool(bidirectional),
        )
        n_states = hidden_size * (2 if bidirectional else 1)
        self.head = PoolingHead(3 * n_states, embedding_dim, dropout)
        self.classifier = nn.Linear(embedding_dim, n_outputs)

    def _states(self, x):
        """Compute the states (batch, states, 1, time) of the last layer from (batch, time, n)."""
        return self.lstm(x)[0].transpose(1, 2).unsqueeze(2)

    def pool(self, features):
        hidden_size = self.lstm.hidden_size
        last = features[:, :hidden_size, 0, -1]
        if self.lstm.bidirectional:
            # The backward direction ends at the first time point.
            last = torch.cat([last, features[:, hidden_size:, 0, 0]], dim=1)
        return self.head(torch.cat([pool_mean_max(features), last], dim=1))


class LSTM(_RecurrentNetwork):
    """LSTM of the PTB-XL benchmark: recurrent layers over the time points of the signals.

    Parameters
    ----------
    n_leads : int
        Number of leads.
    n_outputs : int
        Number of logits.
    hidden_size : int, default=256
        Number of units of each LSTM layer and direction.
    n_layers : int, default=2
        Number of LSTM layers.
    bidirectional : bool, default=False
        Whether each layer also runs backward in time.
    embedding_dim : int, default=128
        Length of the embedding, the hidden layer of the head.
    dropout : float, default=0.5
        Dropout rate of the head before the linear layer that computes the logits, in [0, 1). Half
        of this rate is used before the hidden layer.

    See Also
    --------
    CNNLSTM : Shortens the signals by convolutions first, which saves seven eighths of the
        sequential steps.

    Notes
    -----
    The benchmark [1]_ trains on crops of 2.5 s with a learning rate of 1e-3.

    References
    ----------
    .. [1] Strodthoff et al. (2021). Deep learning for ECG analysis: benchmarks and insights from
       PTB-XL. IEEE J Biomed Health Inform 25(5), 1519-1528. arXiv:2004.13701

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import LSTM
    >>> LSTM(12, 5)(torch.randn(2, 12, 100)).shape
    torch.Size([2, 5])
    """

    @accept_numpy_integers
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
        return self._states(x.transpose(1, 2))


class CNNLSTM(_RecurrentNetwork):
    """Convolutions that shorten the signals, followed by an LSTM.

    Parameters
    ----------
    n_leads : int
        Number of leads.
    n_outputs : int
        Number of logits.
    filters : sequence of int, default=(64, 128, 128)
        Number of channels of each convolution; max-pooling by two follows each of them.
    kernel_size : int, default=7
        Kernel size of the convolutions. Must be odd.
    hidden_size : int, default=128
        Number of units of each LSTM layer and direction.
    n_layers : int, default=1
        Number of LSTM layers.
    bidirectional : bool, default=True
        Whether each layer also runs backward in time.
    embedding_dim : int, default=128
        Length of the embedding, the hidden layer of the head.
    dropout : float, default=0.3
        Dropout rate of the head before the linear layer that computes the logits, in [0, 1). Half
        of this rate is used before the hidden layer.

    Notes
    -----
    Oh et al. [1]_ proposed convolutions with max-pooling before an LSTM, for beats of one lead. The
    layer sizes, BatchNorm, both directions and the head are choices of this library.

    References
    ----------
    .. [1] Oh, Ng, Tan, Acharya (2018). Automated diagnosis of arrhythmia using combination of CNN
       and LSTM techniques with variable length heart beats. Comput Biol Med 102, 278-287.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import CNNLSTM
    >>> CNNLSTM(12, 5)(torch.randn(2, 12, 1000)).shape
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
        self.stem = conv_stem(n_leads, filters, kernel_size)

    def feature_map(self, x):
        x = self.stem(to_channels_last(x))
        return self._states(x.squeeze(2).transpose(1, 2))

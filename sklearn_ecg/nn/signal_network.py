"""What the networks by name share: the way from signals to logits, and a head."""

import torch
from torch import nn


class SignalNetwork(nn.Module):
    """Base of networks that make a map over time of signals, pool it, and classify.

    A subclass sets ``feature_stride``, ``embedding_dim`` and ``classifier``, which maps an
    embedding to logits, and implements `feature_map` and `pool`. `sklearn_ecg.inspection.grad_cam`
    reads these.
    """

    feature_stride = 1

    @property
    def feature_offset(self):
        """The time point at the centre of the map's first point; of pooled maps its middle."""
        return (self.feature_stride - 1) / 2

    def feature_map(self, x):
        """The last map (batch, channels, 1, points) of signals (batch, leads, time).

        A point is made of ``feature_stride`` time points and their surroundings.
        """
        raise NotImplementedError

    def pool(self, features):
        """The embedding (batch, embedding_dim) of a map."""
        raise NotImplementedError

    def embed(self, x):
        """The embedding (batch, embedding_dim) of signals (batch, leads, time)."""
        return self.pool(self.feature_map(x))

    def forward(self, x):
        """Logits (batch, n_outputs) of signals (batch, leads, time)."""
        return self.classifier(self.embed(x))


class PoolingHead(nn.Sequential):
    """Pooled channels to an embedding, with the head of the PTB-XL benchmark.

    BatchNorm, dropout of half the rate, a linear layer and ReLU, BatchNorm, dropout. The linear
    layer to the logits follows.

    Parameters
    ----------
    n_channels, embedding_dim : int
    dropout : float
        Probability with which a value of the embedding is dropped, in [0, 1).
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


def pool_mean_max(features):
    """Mean and maximum over time, side by side, of a map (batch, channels, 1, points)."""
    return torch.cat([features.mean((2, 3)), features.amax((2, 3))], dim=1)

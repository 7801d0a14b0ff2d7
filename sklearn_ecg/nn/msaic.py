"""The network of MSAIC-Net."""

import torch
from torch import nn
from torch.nn import functional as F

from .blocks import ConvBlock, conv, to_channels_last


class MSAICNet(nn.Module):
    """Parallel atrous branches, a 1x1 projection, global average pooling, two heads.

    Parameters
    ----------
    n_leads, n_outputs : int
    dilations, filters, kernel_size, stride, pool_size, attention, dropout, embedding_dim
        See `sklearn_ecg.MSAICNetClassifier`.
    projection_dim : int or None
        None leaves the contrastive head out.
    """

    def __init__(
        self,
        n_leads,
        n_outputs,
        *,
        dilations,
        filters,
        kernel_size,
        stride,
        pool_size,
        attention,
        dropout,
        embedding_dim,
        projection_dim,
    ):
        super().__init__()
        self.n_leads = n_leads
        self.embedding_dim = embedding_dim
        n_pooled = pool_size ** len(filters)
        self.feature_stride = stride * n_pooled
        # The time point at the centre of the map's first point: strides begin at 0, pools do not.
        self.feature_offset = stride * (n_pooled - 1) / 2
        branches = []
        for dilation in dilations:
            widths = [n_leads, *filters]
            blocks = [
                ConvBlock(
                    width_in,
                    width_out,
                    kernel_size=kernel_size,
                    dilation=dilation,
                    stride=stride if i == 0 else 1,
                    pool_size=pool_size,
                    dropout=dropout,
                    attention=attention,
                )
                for i, (width_in, width_out) in enumerate(zip(widths, filters))
            ]
            branches.append(nn.Sequential(*blocks))
        self.branches = nn.ModuleList(branches)
        self.projection = nn.Sequential(
            conv(filters[-1] * len(branches), embedding_dim, 1),
            nn.BatchNorm2d(embedding_dim),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(embedding_dim, n_outputs)
        self.projector = None
        if projection_dim is not None:
            self.projector = nn.Sequential(
                nn.Linear(embedding_dim, embedding_dim),
                nn.ReLU(),
                nn.Linear(embedding_dim, projection_dim),
            )

    def feature_map(self, x):
        """The last map (batch, embedding_dim, 1, points) of signals (batch, leads, time).

        A point is made of ``feature_stride`` time points and their surroundings.
        """
        x = to_channels_last(x)
        x = torch.cat([branch(x) for branch in self.branches], dim=1)
        return self.projection(x)

    def pool(self, features):
        """The vector (batch, embedding_dim) of a map."""
        return features.mean((2, 3))

    def embed(self, x):
        """The pooled vector (batch, embedding_dim) of signals (batch, leads, time)."""
        return self.pool(self.feature_map(x))

    def forward(self, x):
        """Logits (batch, n_outputs) and the L2-normalised projection, None without a head."""
        embedding = self.embed(x)
        projection = None
        if self.projector is not None:
            projection = F.normalize(self.projector(embedding), dim=1)
        return self.classifier(embedding), projection

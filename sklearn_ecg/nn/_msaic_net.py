"""The network of MSAIC-Net."""

from collections.abc import Sequence
from numbers import Integral

import torch
from torch import nn
from torch.nn import functional as F

from ._blocks import ConvBlock, LeadAttention, conv, mean_over_time, to_channels_last
from ._python_numbers import accept_numpy_integers


class MSAICNet(nn.Module):
    """Network of MSAIC-Net: parallel dilated branches, classifier and contrastive head.

    Each branch is a sequence of dilated convolution blocks with channel attention. The outputs of
    the branches are concatenated, projected by a 1x1 convolution and averaged over time. The
    defaults are those of `sklearn_ecg.MSAICNetClassifier`.

    Parameters
    ----------
    n_leads : int
        Number of leads.
    n_outputs : int
        Number of logits.
    dilations : sequence of int, default=(1, 2, 4, 8)
        Dilation of each branch.
    filters : sequence of int, default=(8, 16, 32)
        Number of channels of the blocks of each branch.
    kernel_size : int, default=3
        Kernel size of the convolutions. Must be odd.
    stride : int, default=2
        Stride of the first convolution of each branch.
    pool_size : int or sequence of int, default=2
        Size of the max-pooling in each block, or one size for each block.
    attention : {"eca", "se"} or None, default="eca"
        Channel attention in each block: efficient channel attention, squeeze and excitation, or
        none.
    lead_attention : {"eca", "se"} or None, default=None
        Attention on the leads before the branches, which is computed from the root mean square of
        each lead.
    dropout : float, default=0.1
        Probability of dropping a channel in each block, in [0, 1).
    embedding_dim : int, default=128
        Length of the embedding.
    projection_dim : int or None, default=64
        Length of the projections of the contrastive head. None omits the head.
    class_prototypes : bool, default=False
        Whether to compute a prototype of each class as well, for `balanced_contrastive_loss`. A
        second MLP maps the weights of the classes in the classifier to prototypes [2]_. With
        ``n_outputs=1`` there are two classes, whose weights are those of the logit with either
        sign.

    Attributes
    ----------
    receptive_fields : list of int
        Number of successive time points, with those that dilation skips, on which a point of the
        last feature map of each branch depends.

    Raises
    ------
    ValueError
        If ``class_prototypes=True`` and ``projection_dim`` is None, or ``pool_size`` has not one
        size for each block.

    References
    ----------
    .. [1] Lei et al. (2026). MSAIC-Net. arXiv:2606.06718
    .. [2] Zhu et al. (2022). Balanced contrastive learning for long-tailed visual recognition.
       arXiv:2207.09052

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import MSAICNet
    >>> logits, projection = MSAICNet(12, 5)(torch.randn(4, 12, 1000))
    >>> logits.shape, projection.shape
    (torch.Size([4, 5]), torch.Size([4, 64]))
    """

    #: Axis of the records of each output of `forward`; prototypes have none.
    record_axes = (0, 0, None)

    @accept_numpy_integers
    def __init__(
        self,
        n_leads,
        n_outputs,
        *,
        dilations: Sequence[int] = (1, 2, 4, 8),
        filters: Sequence[int] = (8, 16, 32),
        kernel_size=3,
        stride=2,
        pool_size: int | Sequence[int] = 2,
        attention: str | None = "eca",
        lead_attention=None,
        dropout=0.1,
        embedding_dim=128,
        projection_dim: int | None = 64,
        class_prototypes=False,
    ):
        super().__init__()
        self.n_leads = n_leads
        self.embedding_dim = embedding_dim
        pool_sizes = [pool_size] * len(filters) if isinstance(pool_size, Integral) else pool_size
        if len(pool_sizes) != len(filters):
            raise ValueError(
                f"pool_size has {len(pool_sizes)} sizes, but filters has {len(filters)} blocks. "
                "Pass one size for each block, or one number for all."
            )
        self.receptive_fields = _receptive_fields(dilations, kernel_size, stride, pool_sizes)
        # Time point at the center of the first point of the map: a strided convolution centers its
        # first output on time point 0, pooling on the middle of the first pooled points.
        self.feature_stride, self.feature_offset = stride, 0.0
        for size in pool_sizes:
            self.feature_offset += self.feature_stride * (size - 1) / 2
            self.feature_stride *= size
        self.lead_attention = None
        if lead_attention is not None:
            self.lead_attention = LeadAttention(n_leads, lead_attention)
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
                    pool_size=pool_sizes[i],
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
        self.projector = self.prototype_projector = None
        if projection_dim is not None:
            self.projector = _projection_head(embedding_dim, projection_dim)
        if class_prototypes:
            if projection_dim is None:
                raise ValueError(
                    "class_prototypes=True requires projection_dim, the length of the prototypes, "
                    "but projection_dim is None. Pass a length, or class_prototypes=False."
                )
            self.prototype_projector = _projection_head(embedding_dim, projection_dim)

    def feature_map(self, x):
        """Compute the last feature map.

        Parameters
        ----------
        x : tensor of shape (batch, n_leads, n_times)
            Signals.

        Returns
        -------
        features : tensor of shape (batch, embedding_dim, 1, points)
            One point for every ``feature_stride`` time points.
        """
        x = to_channels_last(x)
        if self.lead_attention is not None:
            x = self.lead_attention(x)
        x = torch.cat([branch(x) for branch in self.branches], dim=1)
        return self.projection(x)

    def pool(self, features):
        """Compute the embedding, the mean of a feature map over time.

        Parameters
        ----------
        features : tensor of shape (batch, embedding_dim, 1, points)
            See `feature_map`.

        Returns
        -------
        embedding : tensor of shape (batch, embedding_dim)
            One vector per record.
        """
        return mean_over_time(features)

    def embed(self, x):
        """Compute the embedding of a batch of signals.

        Parameters
        ----------
        x : tensor of shape (batch, n_leads, n_times)
            Signals.

        Returns
        -------
        embedding : tensor of shape (batch, embedding_dim)
            One vector per record.
        """
        return self.pool(self.feature_map(x))

    def forward(self, x):
        """Compute the logits and the projections of a batch of signals.

        Parameters
        ----------
        x : tensor of shape (batch, n_leads, n_times)
            Signals.

        Returns
        -------
        logits : tensor of shape (batch, n_outputs)
            One logit for two classes, else one per class or label.
        projection : tensor of shape (batch, projection_dim) or None
            L2-normalized projections; None without a contrastive head.
        prototypes : tensor of shape (n_classes, projection_dim)
            L2-normalized prototypes of the classes. Only returned with ``class_prototypes=True``.
        """
        embedding = self.embed(x)
        projection = None
        if self.projector is not None:
            projection = F.normalize(self.projector(embedding), dim=1)
        logits = self.classifier(embedding)
        if self.prototype_projector is None:
            return logits, projection
        class_weights = self.classifier.weight
        if len(class_weights) == 1:
            class_weights = torch.cat([-class_weights, class_weights])
        prototypes = F.normalize(self.prototype_projector(class_weights), dim=1)
        return logits, projection, prototypes


def _receptive_fields(dilations, kernel_size, stride, pool_sizes):
    """Return the number of time points that a point of the map of each branch depends on."""
    fields = []
    for dilation in dilations:
        field, step = 1, 1
        for i, size in enumerate(pool_sizes):
            field += (kernel_size - 1) * dilation * step
            step *= stride if i == 0 else 1
            field += (size - 1) * step
            step *= size
        fields.append(int(field))
    return fields


def _projection_head(n_features, projection_dim):
    """Return the MLP that maps embeddings, or weights of the classifier, to projections."""
    return nn.Sequential(
        nn.Linear(n_features, n_features), nn.ReLU(), nn.Linear(n_features, projection_dim)
    )

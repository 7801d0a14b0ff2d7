"""The network of SimCardioNet: multi-scale residual stages and self-attention over images."""

from collections.abc import Sequence
from numbers import Integral

import torch
from torch import nn
from torch.nn import functional as F

from ._python_numbers import accept_numpy_integers


class SimCardioNet(nn.Module):
    """Network of SimCardioNet: residual stages, self-attention over the last map, a projector.

    The defaults are those of `sklearn_ecg.SimCardioNetEncoder`.

    Parameters
    ----------
    n_channels : int
        Number of channels of the images.
    filters : sequence of int, default=(32, 64, 128, 256)
        Number of channels of each stage. The first stage reduces height and width to a quarter,
        each further one to half of the stage before.
    kernel_sizes : sequence of int, default=(3, 5, 7)
        Kernel sizes of the parallel convolutions of a stage, odd. Each of the convolutions returns
        a quarter of the channels of its stage, and is followed by BatchNorm and ReLU.
    n_heads : int, default=4
        Number of heads of the self-attention. 0 omits it.
    projection_dim : int, default=128
        Length of the projections.

    Attributes
    ----------
    embedding_dim : int
        Length of the embedding.
    feature_stride : int
        Number of pixels, in both directions, from one position of the feature map to the next.

    Raises
    ------
    ValueError
        If ``kernel_sizes`` is empty, or contains anything else than odd integers >= 1.

    References
    ----------
    SimCardioNet (2026). Scientific Reports, s41598-026-36932-1.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import SimCardioNet
    >>> projections, embedding = SimCardioNet(1)(torch.rand(2, 1, 112, 112))
    >>> projections.shape, embedding.shape
    (torch.Size([2, 128]), torch.Size([2, 256]))
    """

    # Pixel at the center of the first position of the feature map: a strided convolution centers
    # its first output on pixel 0.
    feature_offset = 0

    @accept_numpy_integers
    def __init__(
        self,
        n_channels,
        *,
        filters: Sequence[int] = (32, 64, 128, 256),
        kernel_sizes: Sequence[int] = (3, 5, 7),
        n_heads=4,
        projection_dim=128,
    ):
        super().__init__()
        if not kernel_sizes or not all(
            isinstance(size, Integral) and size >= 1 and size % 2 for size in kernel_sizes
        ):
            raise ValueError(
                "kernel_sizes must contain at least one number, all of them odd integers >= 1, "
                f"got {kernel_sizes!r}."
            )
        widths = [n_channels, *filters]
        self.stages = nn.ModuleList(
            Stage(before, after, kernel_sizes, is_first=position == 0)
            for position, (before, after) in enumerate(zip(widths, filters))
        )
        width = self.embedding_dim = filters[-1]
        # The attention belongs to the last stage, so that both are frozen and unfrozen together.
        self.stages[-1].attention = SelfAttention(width, n_heads) if n_heads else None
        self.feature_stride = 4 * 2 ** (len(filters) - 1)
        self.projector = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(inplace=True), nn.Linear(width, projection_dim)
        )

    @property
    def trunk(self):
        """Modules that compute the embedding, without the projector."""
        return self.stages

    def fine_tuning_stages(self):
        """List the modules that are unfrozen one by one in fine-tuning, from the input up.

        Returns
        -------
        stages : list of torch.nn.Module
            The residual stages.
        """
        return list(self.stages)

    def feature_map(self, x):
        """Compute the last convolutional map.

        Parameters
        ----------
        x : tensor of shape (batch, n_channels, height, width)
            Images.

        Returns
        -------
        features : tensor of shape (batch, channels, map_height, map_width)
            One position for every ``feature_stride`` pixels in both directions.
        """
        x = x.contiguous(memory_format=torch.channels_last)
        for stage in self.stages:
            x = stage(x)
        return x

    def pool(self, features):
        """Compute the embedding, the mean over the positions of a map after self-attention.

        Parameters
        ----------
        features : tensor of shape (batch, channels, map_height, map_width)
            See `feature_map`.

        Returns
        -------
        embedding : tensor of shape (batch, embedding_dim)
            One vector per image.
        """
        attention = self.stages[-1].attention
        if attention is not None:
            features = attention(features)
        return features.mean((2, 3))

    def embed(self, x):
        """Compute the embedding of a batch of images.

        Parameters
        ----------
        x : tensor of shape (batch, n_channels, height, width)
            Images.

        Returns
        -------
        embedding : tensor of shape (batch, embedding_dim)
            One vector per image.
        """
        return self.pool(self.feature_map(x))

    def forward(self, x):
        """Compute the projections and the embedding of a batch of images.

        Parameters
        ----------
        x : tensor of shape (batch, n_channels, height, width)
            Images.

        Returns
        -------
        projections : tensor of shape (batch, projection_dim)
            L2-normalized projections.
        embedding : tensor of shape (batch, embedding_dim)
            See `embed`.
        """
        embedding = self.embed(x)
        return F.normalize(self.projector(embedding), dim=1), embedding

    def remove_projectors(self):
        """Remove the projector, which only pretraining needs.

        Returns
        -------
        self : torch.nn.Module
            The network.
        """
        self.projector = None
        return self


class Stage(nn.Module):
    """Downsampling, then a residual block of parallel convolutions with different kernel sizes.

    The first stage reduces height and width to a quarter, the others to half. In the block, each
    parallel convolution is followed by BatchNorm and ReLU before a 1x1 convolution fuses them:
    without this nonlinearity, the whole block would be equal to one convolution with the largest
    kernel.

    Parameters
    ----------
    width_in, width : int
        Number of channels of the input and of the output. Each of the parallel convolutions
        computes a quarter of the output channels.
    kernel_sizes : sequence of int
        Kernel sizes of the parallel convolutions, odd.
    is_first : bool
        Whether this is the first stage.
    """

    def __init__(self, width_in, width, kernel_sizes, is_first):
        super().__init__()
        steps = [_halving_conv(width_in, width // 2), _halving_conv(width // 2, width)]
        self.down = nn.Sequential(*steps) if is_first else _halving_conv(width_in, width)
        branch = max(1, width // 4)
        self.branches = nn.ModuleList(
            _conv_norm_relu(width, branch, size, stride=1) for size in kernel_sizes
        )
        self.fuse = nn.Conv2d(len(kernel_sizes) * branch, width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.attention = None

    def forward(self, x):
        """Compute a map (batch, width, height, width) of half or a quarter of the size."""
        x = self.down(x)
        parallel = torch.cat([branch(x) for branch in self.branches], dim=1)
        return x + F.relu(self.norm(self.fuse(parallel)))


def _halving_conv(width_in, width):
    """Make a convolution that halves height and width, rounding odd sizes up."""
    return _conv_norm_relu(width_in, width, 3, stride=2)


def _conv_norm_relu(width_in, width, size, stride):
    """Make a convolution of an odd kernel size, with BatchNorm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(width_in, width, size, stride=stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )


class SelfAttention(nn.Module):
    """Multi-head self-attention over the positions of a map, after LayerNorm, with a residual.

    Parameters
    ----------
    width : int
        Number of channels of the map.
    n_heads : int
        Number of heads. Must divide ``width``.
    """

    def __init__(self, width, n_heads):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, n_heads, batch_first=True)

    def forward(self, x):
        """Compute a map of the same shape (batch, channels, height, width)."""
        positions = x.flatten(2).transpose(1, 2)
        normed = self.norm(positions)
        attended, _ = self.attention(normed, normed, normed, need_weights=False)
        return (positions + attended).transpose(1, 2).view_as(x)

"""The network of SimCardioNet: multi-scale residual stages and self-attention over images."""

import torch
from torch import nn
from torch.nn import functional as F


class SimCardioNet(nn.Module):
    """Residual stages of parallel convolutions, self-attention over the last map, a projector.

    Parameters
    ----------
    n_channels : int
        Of the images.
    filters : sequence of int
        Channels of the stages. The first stage works at a quarter of the image's height and width,
        every further one at half of those before it.
    n_heads : int
        Heads of the self-attention; 0 is none.
    projection_dim : int
    """

    #: The pixel at the centre of the map's first place: convolutions of stride 2 begin there.
    feature_offset = 0

    def __init__(self, n_channels, *, filters, n_heads, projection_dim):
        super().__init__()
        widths = [n_channels, *filters]
        self.stages = nn.ModuleList(
            Stage(before, after, is_first=position == 0)
            for position, (before, after) in enumerate(zip(widths, filters))
        )
        width = self.embedding_dim = filters[-1]
        # It belongs to the last stage, with which it is opened and closed.
        self.stages[-1].attention = SelfAttention(width, n_heads) if n_heads else None
        self.feature_stride = 4 * 2 ** (len(filters) - 1)
        self.projector = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(inplace=True), nn.Linear(width, projection_dim)
        )

    @property
    def trunk(self):
        """The part that embeds."""
        return self.stages

    def parts(self):
        """What is trained on together, from the input up."""
        return list(self.stages)

    def feature_map(self, x):
        """The last convolutional map (batch, channels, height, width) of images.

        A place is made of ``feature_stride`` pixels in both directions and their surroundings.
        """
        x = x.contiguous(memory_format=torch.channels_last)
        for stage in self.stages:
            x = stage(x)
        return x

    def pool(self, features):
        """The embedding (batch, embedding_dim) of a map: attention, then the mean of places."""
        attention = self.stages[-1].attention
        if attention is not None:
            features = attention(features)
        return features.mean((2, 3))

    def embed(self, x):
        """The embedding (batch, embedding_dim) of images (batch, channels, height, width)."""
        return self.pool(self.feature_map(x))

    def forward(self, x):
        """L2-normalised projections (batch, projection_dim), and the embedding."""
        embedding = self.embed(x)
        return F.normalize(self.projector(embedding), dim=1), embedding

    def without_projectors(self):
        """This network, which can embed only, for what comes after pretraining."""
        self.projector = None
        return self


class Stage(nn.Module):
    """A step to half the size, then a residual block of parallel 3x3, 5x5 and 7x7 convolutions.

    The first stage goes to a quarter of the size.

    Parameters
    ----------
    width_in, width : int
        Channels that come in and go out. Each of the parallel convolutions makes a quarter.
    is_first : bool
    """

    def __init__(self, width_in, width, is_first):
        super().__init__()
        steps = [_step(width_in, width // 2), _step(width // 2, width)]
        self.down = nn.Sequential(*steps) if is_first else _step(width_in, width)
        branch = max(1, width // 4)
        self.branches = nn.ModuleList(
            nn.Conv2d(width, branch, size, padding=size // 2, bias=False) for size in (3, 5, 7)
        )
        self.fuse = nn.Conv2d(3 * branch, width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.attention = None

    def forward(self, x):
        """A map (batch, width, height, width) of one of twice the size."""
        x = self.down(x)
        parallel = torch.cat([branch(x) for branch in self.branches], dim=1)
        return x + F.relu(self.norm(self.fuse(parallel)))


def _step(width_in, width):
    """A convolution to half the size, the larger half of an odd one."""
    return nn.Sequential(
        nn.Conv2d(width_in, width, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )


class SelfAttention(nn.Module):
    """Multi-head self-attention over the places of a map, after LayerNorm, with a residual.

    Parameters
    ----------
    width : int
        Channels of the map.
    n_heads : int
        Divides ``width``.
    """

    def __init__(self, width, n_heads):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, n_heads, batch_first=True)

    def forward(self, x):
        """A map of the same shape (batch, width, height, width)."""
        places = x.flatten(2).transpose(1, 2)
        normed = self.norm(places)
        attended, _ = self.attention(normed, normed, normed, need_weights=False)
        return (places + attended).transpose(1, 2).view_as(x)

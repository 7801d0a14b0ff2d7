"""InceptionTime: parallel convolutions with several kernel sizes."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from ._blocks import conv, to_channels_last
from ._python_numbers import accept_numpy_integers
from ._signal_network import SignalNetwork


class InceptionModule(nn.Module):
    """Concatenated outputs of convolutions with several kernel sizes and of a max-pooled branch.

    A bottleneck reduces the input of the convolutions to ``filters`` channels, unless the input has
    a single channel.
    """

    def __init__(self, in_channels, filters, kernel_sizes):
        super().__init__()
        self.bottleneck = nn.Identity()
        n_bottleneck = in_channels
        if in_channels > 1:
            self.bottleneck, n_bottleneck = conv(in_channels, filters, 1), filters
        self.convs = nn.ModuleList([conv(n_bottleneck, filters, size) for size in kernel_sizes])
        self.pooled = conv(in_channels, filters, 1)
        self.norm = nn.BatchNorm2d(filters * (len(kernel_sizes) + 1))

    def forward(self, x):
        reduced = self.bottleneck(x)
        branches = [layer(reduced) for layer in self.convs]
        branches.append(self.pooled(F.max_pool2d(x, (1, 3), stride=1, padding=(0, 1))))
        return F.relu(self.norm(torch.cat(branches, dim=1)))


class InceptionTime(SignalNetwork):
    """A single network of the InceptionTime ensemble.

    The network consists of Inception modules, with a residual connection around every third one,
    the mean over time and a linear layer. The classifier of the paper is an ensemble of five such
    networks [1]_; `sklearn.ensemble.VotingClassifier` can build it.

    Parameters
    ----------
    n_leads : int
        Number of leads.
    n_outputs : int
        Number of logits.
    filters : int, default=32
        Number of channels of each convolution. The output of a module has
        ``filters * (len(kernel_sizes) + 1)`` channels.
    depth : int, default=6
        Number of modules.
    kernel_sizes : sequence of int, default=(39, 19, 9)
        Kernel sizes of the parallel convolutions. Must be odd.

    Notes
    -----
    The kernel sizes are 39, 19 and 9 instead of the paper's 40, 20 and 10, so that padding is
    symmetric.

    References
    ----------
    .. [1] Ismail Fawaz et al. (2020). InceptionTime: finding AlexNet for time series
       classification. Data Min Knowl Disc 34, 1936-1962. arXiv:1909.04939

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import InceptionTime
    >>> InceptionTime(12, 5)(torch.randn(2, 12, 500)).shape
    torch.Size([2, 5])
    """

    @accept_numpy_integers
    def __init__(
        self, n_leads, n_outputs, *, filters=32, depth=6, kernel_sizes: Sequence[int] = (39, 19, 9)
    ):
        super().__init__()
        width = filters * (len(kernel_sizes) + 1)
        self.embedding_dim = width
        self.inceptions = nn.ModuleList(
            [
                InceptionModule(n_leads if i == 0 else width, filters, kernel_sizes)
                for i in range(depth)
            ]
        )
        self.shortcuts = nn.ModuleList(
            [
                nn.Sequential(conv(n_leads if i == 0 else width, width, 1), nn.BatchNorm2d(width))
                for i in range(depth // 3)
            ]
        )
        self.classifier = nn.Linear(width, n_outputs)

    def feature_map(self, x):
        x = shortcut = to_channels_last(x)
        for i, inception in enumerate(self.inceptions):
            x = inception(x)
            if i % 3 == 2:
                x = shortcut = F.relu(x + self.shortcuts[i // 3](shortcut))
        return x

    def pool(self, features):
        return features.mean((2, 3))

"""InceptionTime: convolutions of several lengths side by side."""

import torch
from torch import nn
from torch.nn import functional as F

from .blocks import conv, to_channels_last
from .signal_network import SignalNetwork


class InceptionModule(nn.Module):
    """Convolutions of several lengths and a max-pooled branch, concatenated.

    The convolutions read a bottleneck of ``filters`` channels, but for a single input channel.
    """

    def __init__(self, in_channels, filters, kernel_sizes):
        super().__init__()
        self.bottleneck = nn.Identity()
        n_read = in_channels
        if in_channels > 1:
            self.bottleneck, n_read = conv(in_channels, filters, 1), filters
        self.convs = nn.ModuleList([conv(n_read, filters, size) for size in kernel_sizes])
        self.pooled = conv(in_channels, filters, 1)
        self.norm = nn.BatchNorm2d(filters * (len(kernel_sizes) + 1))

    def forward(self, x):
        read = self.bottleneck(x)
        branches = [layer(read) for layer in self.convs]
        branches.append(self.pooled(F.max_pool2d(x, (1, 3), stride=1, padding=(0, 1))))
        return F.relu(self.norm(torch.cat(branches, dim=1)))


class InceptionTime(SignalNetwork):
    """One Inception network of InceptionTime.

    Inception modules, a shortcut around every third, the mean over time, a linear layer. The
    paper's classifier is an ensemble of five of them [1]_: see `sklearn.ensemble.VotingClassifier`.

    Where this differs from the paper: convolutions have 39, 19 and 9 taps instead of 40, 20 and 10,
    so that padding is symmetric.

    Parameters
    ----------
    n_leads, n_outputs : int
    filters : int, default=32
        Channels of each convolution; a module has ``filters * (len(kernel_sizes) + 1)``.
    depth : int, default=6
        Number of modules.
    kernel_sizes : sequence of int, default=(39, 19, 9)
        Odd numbers of taps.

    References
    ----------
    .. [1] Ismail Fawaz et al. (2020). InceptionTime: finding AlexNet for time series
       classification. Data Min Knowl Disc 34, 1936-1962. arXiv:1909.04939
    """

    def __init__(self, n_leads, n_outputs, *, filters=32, depth=6, kernel_sizes=(39, 19, 9)):
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

"""1-D residual networks of the PTB-XL benchmark."""

from collections.abc import Sequence

from torch import nn
from torch.nn import functional as F

from ._blocks import PoolingHead, conv, pool_mean_max, to_channels_last
from ._python_numbers import accept_numpy_integers
from ._signal_network import SignalNetwork


class ResidualBlock(nn.Module):
    """Two convolutions and a shortcut, with a 1x1 convolution if the shapes differ."""

    def __init__(self, in_channels, out_channels, kernel_sizes, stride):
        super().__init__()
        self.conv1 = conv(in_channels, out_channels, kernel_sizes[0], stride=stride)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = conv(out_channels, out_channels, kernel_sizes[1])
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                conv(in_channels, out_channels, 1, stride=stride), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x):
        out = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(out)) + self.shortcut(x))


class ResNet1dWang(SignalNetwork):
    """Residual network ``resnet1d_wang`` of the PTB-XL benchmark.

    A convolution at full resolution is followed by residual blocks, all but the first of which
    halve the time resolution, by the mean and maximum over time and by a head with one hidden
    layer.

    Parameters
    ----------
    n_leads : int
        Number of leads.
    n_outputs : int
        Number of logits.
    width : int, default=128
        Number of channels of every convolution.
    n_blocks : int, default=3
        Number of residual blocks.
    kernel_size : int, default=5
        Kernel size of the first convolution of each block. Must be odd.
    stem_kernel_size : int, default=7
        Kernel size of the convolution before the blocks. Must be odd.
    embedding_dim : int, default=128
        Length of the embedding, the hidden layer of the head.
    dropout : float, default=0.5
        Dropout rate of the head before the linear layer that computes the logits, in [0, 1). Half
        of this rate is used before the hidden layer.

    Notes
    -----
    The benchmark [1]_ names it after the residual network of Wang et al. [2]_, whose blocks have
    three convolutions with kernel sizes 8, 5 and 3. The blocks of the benchmark, and of this class,
    have two with kernel sizes 5 and 3.

    Weights are initialized with torch's defaults instead of Kaiming's normal distribution. The
    benchmark trains on crops of 2.5 s and takes the maximum over the crops of a record; this class
    processes the signals as they are given.

    References
    ----------
    .. [1] Strodthoff et al. (2021). Deep learning for ECG analysis: benchmarks and insights from
       PTB-XL. IEEE J Biomed Health Inform 25(5), 1519-1528. arXiv:2004.13701
    .. [2] Wang, Yan, Oates (2017). Time series classification from scratch with deep neural
       networks: a strong baseline. IJCNN. arXiv:1611.06455

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import ResNet1dWang
    >>> net = ResNet1dWang(12, 5)
    >>> x = torch.randn(2, 12, 1000)
    >>> net(x).shape, net.embed(x).shape, net.feature_map(x).shape
    (torch.Size([2, 5]), torch.Size([2, 128]), torch.Size([2, 128, 1, 250]))
    """

    feature_offset = 0

    @accept_numpy_integers
    def __init__(
        self,
        n_leads,
        n_outputs,
        *,
        width=128,
        n_blocks=3,
        kernel_size=5,
        stem_kernel_size=7,
        embedding_dim=128,
        dropout=0.5,
    ):
        super().__init__()
        self.embedding_dim = embedding_dim
        self.feature_stride = 2 ** max(n_blocks - 1, 0)
        self.stem = nn.Sequential(*_conv_norm_relu(n_leads, width, stem_kernel_size))
        self.blocks = nn.Sequential(
            *[
                ResidualBlock(width, width, (kernel_size, 3), stride=1 if i == 0 else 2)
                for i in range(n_blocks)
            ]
        )
        self.head = PoolingHead(2 * width, embedding_dim, dropout)
        self.classifier = nn.Linear(embedding_dim, n_outputs)

    def feature_map(self, x):
        return self.blocks(self.stem(to_channels_last(x)))

    def pool(self, features):
        return self.head(pool_mean_max(features))


class Bottleneck(nn.Module):
    """Convolutions with kernel sizes 1, k and 1, and a shortcut that averages before widening."""

    def __init__(self, in_channels, width, out_channels, kernel_size, stride):
        super().__init__()
        self.convs = nn.Sequential(
            *_conv_norm_relu(in_channels, width, 1),
            *_conv_norm_relu(width, width, kernel_size, stride=stride),
            conv(width, out_channels, 1),
            nn.BatchNorm2d(out_channels),
        )
        # With this initialization the output of the block is that of its shortcut.
        nn.init.zeros_(self.convs[-1].weight)
        self.shortcut = nn.Sequential()
        if stride != 1:
            self.shortcut.append(nn.AvgPool2d((1, stride), ceil_mode=True))
        if in_channels != out_channels:
            self.shortcut.append(conv(in_channels, out_channels, 1))
            self.shortcut.append(nn.BatchNorm2d(out_channels))

    def forward(self, x):
        return F.relu(self.convs(x) + self.shortcut(x))


class XResNet1d(SignalNetwork):
    """Residual network ``xresnet1d101`` of the PTB-XL benchmark, and variants of other depths.

    Three convolutions and max-pooling, which reduce the time resolution to a quarter, are followed
    by groups of bottleneck blocks, with half the resolution from one group to the next, by the mean
    and maximum over time and by a head with one hidden layer.

    Parameters
    ----------
    n_leads : int
        Number of leads.
    n_outputs : int
        Number of logits.
    layers : sequence of int, default=(3, 4, 23, 3)
        Number of blocks of each group; (3, 4, 6, 3) is ``xresnet1d50``.
    width : int, default=64
        Number of channels within a block. The output of a block has four times as many, and the
        first convolutions have half as many. Must be even.
    kernel_size : int, default=5
        Kernel size of the convolutions. Must be odd.
    embedding_dim : int, default=128
        Length of the embedding, the hidden layer of the head.
    dropout : float, default=0.5
        Dropout rate of the head before the linear layer that computes the logits, in [0, 1). Half
        of this rate is used before the hidden layer.

    Notes
    -----
    The benchmark [1]_ adapts the network of He et al. [2]_ and uses the same width in all groups.

    Weights are initialized with torch's defaults instead of Kaiming's normal distribution. The
    benchmark trains on crops of 2.5 s and takes the maximum over the crops of a record; this class
    processes the signals as they are given.

    References
    ----------
    .. [1] Strodthoff et al. (2021). Deep learning for ECG analysis: benchmarks and insights from
       PTB-XL. IEEE J Biomed Health Inform 25(5), 1519-1528. arXiv:2004.13701
    .. [2] He et al. (2019). Bag of tricks for image classification with convolutional neural
       networks. CVPR. arXiv:1812.01187

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import XResNet1d
    >>> xresnet1d50 = XResNet1d(12, 5, layers=(3, 4, 6, 3))
    >>> xresnet1d50(torch.randn(2, 12, 1000)).shape
    torch.Size([2, 5])
    """

    @accept_numpy_integers
    def __init__(
        self,
        n_leads,
        n_outputs,
        *,
        layers: Sequence[int] = (3, 4, 23, 3),
        width=64,
        kernel_size=5,
        embedding_dim=128,
        dropout=0.5,
    ):
        super().__init__()
        self.embedding_dim = embedding_dim
        self.feature_stride = 4 * 2 ** (len(layers) - 1)
        self.stem = nn.Sequential(
            *_conv_norm_relu(n_leads, width // 2, kernel_size, stride=2),
            *_conv_norm_relu(width // 2, width // 2, kernel_size),
            *_conv_norm_relu(width // 2, width, kernel_size),
            nn.MaxPool2d((1, 3), stride=(1, 2), padding=(0, 1)),
        )
        blocks, n_channels = [], width
        for group, n_blocks in enumerate(layers):
            for i in range(n_blocks):
                stride = 2 if group > 0 and i == 0 else 1
                blocks.append(Bottleneck(n_channels, width, 4 * width, kernel_size, stride))
                n_channels = 4 * width
        self.blocks = nn.Sequential(*blocks)
        self.head = PoolingHead(2 * n_channels, embedding_dim, dropout)
        self.classifier = nn.Linear(embedding_dim, n_outputs)

    @property
    def feature_offset(self):
        """Time point at the center of the first point of the feature map.

        This is the mean of two paths: strided convolutions, which are centered on their first time
        point, and the shortcuts, which average two of them.
        """
        return (self.feature_stride - 4) / 4

    def feature_map(self, x):
        return self.blocks(self.stem(to_channels_last(x)))

    def pool(self, features):
        return self.head(pool_mean_max(features))


def _conv_norm_relu(in_channels, out_channels, kernel_size, stride=1):
    return [
        conv(in_channels, out_channels, kernel_size, stride=stride),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    ]

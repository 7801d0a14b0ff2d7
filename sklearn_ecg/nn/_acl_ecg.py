"""The network of ACL-ECG: an encoder for each lead and a projector for each region."""

from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional as F

from ..utils._torch import convert_module
from ._blocks import conv, max_pool, mean_over_time, to_channels_last
from ._python_numbers import accept_numpy_integers


class VGG1d(nn.Module):
    """Narrow 1-D VGG network that maps signals to vectors.

    Each block consists of convolutions, each followed by BatchNorm and ReLU, and of max-pooling
    by 2. Global average pooling over time follows the last block.

    Parameters
    ----------
    n_leads : int, default=1
        Number of leads.
    filters : sequence of int, default=(8, 16, 32, 64, 64)
        Number of channels of each block.
    n_convs : sequence of int, default=(2, 2, 3, 3, 3)
        Number of convolutions of each block.
    kernel_size : int, default=3
        Kernel size of the convolutions. Must be odd.

    References
    ----------
    Simonyan, Zisserman (2015). Very deep convolutional networks for large-scale image recognition.
    arXiv:1409.1556

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import VGG1d
    >>> VGG1d(n_leads=12)(torch.randn(4, 12, 1000)).shape
    torch.Size([4, 64])
    """

    @accept_numpy_integers
    def __init__(
        self,
        n_leads=1,
        *,
        filters: Sequence[int] = (8, 16, 32, 64, 64),
        n_convs: Sequence[int] = (2, 2, 3, 3, 3),
        kernel_size=3,
    ):
        super().__init__()
        self.blocks = nn.ModuleList()
        width = n_leads
        for channels, depth in zip(filters, n_convs, strict=True):
            layers = []
            for _ in range(depth):
                layers += [conv(width, channels, kernel_size), nn.BatchNorm2d(channels)]
                layers.append(nn.ReLU(inplace=True))
                width = channels
            # The last ReLU follows the pooling, which gives the same values: it then costs half.
            self.blocks.append(nn.Sequential(*layers[:-1]))

    def forward(self, x):
        """Compute the vectors of a batch of signals.

        Parameters
        ----------
        x : tensor of shape (batch, n_leads, n_times)
            Signals.

        Returns
        -------
        vectors : tensor of shape (batch, filters[-1])
            One vector per record.
        """
        x = to_channels_last(x)
        for block in self.blocks:
            x = F.relu(max_pool(block(x), 2), inplace=True)
        return mean_over_time(x)


class ACLECGNet(nn.Module):
    """Network of ACL-ECG: lead encoders whose vectors are projected region by region.

    The embedding of a record consists of the vectors of its leads. A projector maps the vectors of
    the leads of a region to one vector for the loss, which is `region_contrastive_loss`,
    `clocs_loss` or `lfbt_loss`. Each region has its own projector, or all regions share one.

    Parameters
    ----------
    n_leads : int
        Number of leads.
    regions : list of list of int
        Positions of the leads of each region.
    make_backbone : callable, default=VGG1d
        ``make_backbone(1)`` returns a module that maps signals of shape (batch, 1, time) to vectors
        of shape (batch, n_features).
    shared_encoder : bool, default=False
        Whether all leads share one encoder. By default each lead has its own.
    shared_projector : bool, default=False
        Whether all regions share one projector, which requires regions with the same number of
        leads. Use it for ``inter="separate"`` of the loss: projectors of their own can separate
        the regions whatever the encoders have learned.
    projection_dim : int, default=256
        Length of the projections.
    unit_projections : bool, default=True
        Whether the projections are scaled to a length of 1, for all of these losses but
        `lfbt_loss`.
    n_times : int or tuple of int
        Number of time points of the records, or several. The encoders are called once with two
        random records of each length to find the length of their vectors.
    dtype : torch.dtype, default=torch.float32
        Floating-point type of the encoders.

    Attributes
    ----------
    embedding_dim : int
        Length of the embedding.

    Raises
    ------
    ValueError
        If the module returned by ``make_backbone`` does not return one vector per record, or if
        regions with different numbers of leads shall share a projector.

    References
    ----------
    Liu, Wu, Yuan (2026). ACL-ECG. Sensors 26(3):1080. doi:10.3390/s26031080

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import ACLECGNet
    >>> net = ACLECGNet(4, [[0, 1], [2, 3]], projection_dim=16, n_times=100)
    >>> projections, embedding = net(torch.randn(8, 4, 100))
    >>> projections.shape, embedding.shape
    (torch.Size([2, 8, 16]), torch.Size([8, 256]))
    """

    #: Axis of the records of each output of `forward`, for training in several processes.
    record_axes = (1, 0)

    # The encoders run in a loop: grouped convolutions, which are slow on CPUs with few channels
    # per group, take 1.6 times as long in training.

    @accept_numpy_integers
    def __init__(
        self,
        n_leads,
        regions,
        *,
        make_backbone: Callable = VGG1d,
        shared_encoder=False,
        shared_projector=False,
        projection_dim=256,
        unit_projections=True,
        n_times,
        dtype=torch.float32,
    ):
        super().__init__()
        sizes = [len(leads) for leads in regions]
        if shared_projector and len(set(sizes)) > 1:
            raise ValueError(
                "A projector that all regions share, as for inter='separate', requires regions "
                f"with the same number of leads, but regions have {sizes} leads. Pass regions of "
                "one size, or inter='align'."
            )
        self.regions = regions
        self.shared_encoder = shared_encoder
        self.shared_projector = shared_projector
        self.unit_projections = unit_projections
        n_encoders = 1 if shared_encoder else n_leads
        self.encoders = nn.ModuleList(
            convert_module(make_backbone(1), dtype) for _ in range(n_encoders)
        )
        self.lead_dim = _lead_vector_length(self.encoders, n_times, dtype)
        self.embedding_dim = n_leads * self.lead_dim
        self.projectors = nn.ModuleList(
            _region_projector(size * self.lead_dim, projection_dim)
            for size in (sizes[:1] if shared_projector else sizes)
        )

    @property
    def trunk(self):
        """Modules that compute the embedding, without the projectors."""
        return self.encoders

    def embed(self, x):
        """Compute the embedding of a batch of signals.

        Parameters
        ----------
        x : tensor of shape (batch, n_leads, n_times)
            Signals.

        Returns
        -------
        embedding : tensor of shape (batch, embedding_dim)
            Concatenated vectors of all leads.
        """
        n_records, n_leads, n_times = x.shape
        if self.shared_encoder:
            vectors = self.encoders[0](x.reshape(n_records * n_leads, 1, n_times))
            return vectors.reshape(n_records, -1)
        vectors = [encoder(x[:, i : i + 1]) for i, encoder in enumerate(self.encoders)]
        return torch.cat(vectors, dim=1)

    def forward(self, x):
        """Compute the projections of all regions and the embedding.

        Parameters
        ----------
        x : tensor of shape (batch, n_leads, n_times)
            Signals.

        Returns
        -------
        projections : tensor of shape (n_regions, batch, projection_dim)
            Projections, L2-normalized unless ``unit_projections=False``.
        embedding : tensor of shape (batch, embedding_dim)
            See `embed`.
        """
        embedding = self.embed(x)
        vectors = embedding.unflatten(1, (-1, self.lead_dim))
        # Not indexed by a list, which would be copied to a GPU in each batch.
        regions = [torch.cat([vectors[:, i] for i in leads], dim=1) for leads in self.regions]
        if self.shared_projector:
            # At once, because BatchNorm of single regions would remove what shows them apart.
            projections = self.projectors[0](torch.cat(regions)).unflatten(0, (len(regions), -1))
        else:
            projected = [project(region) for project, region in zip(self.projectors, regions)]
            projections = torch.stack(projected)
        if self.unit_projections:
            projections = F.normalize(projections, dim=2)
        return projections, embedding

    def fine_tuning_stages(self):
        """List the modules that are unfrozen one by one in fine-tuning, from the input up.

        Returns
        -------
        stages : list of torch.nn.Module
            A single stage, which contains all encoders.
        """
        return [self.trunk]

    def remove_projectors(self):
        """Remove the projectors, which only pretraining needs.

        Returns
        -------
        self : torch.nn.Module
            The network.
        """
        self.projectors = None
        return self


def _region_projector(width_in, width):
    """Make three linear layers without bias, with BatchNorm and ReLU between them."""
    return nn.Sequential(
        nn.Linear(width_in, width, bias=False),
        nn.BatchNorm1d(width),
        nn.ReLU(inplace=True),
        nn.Linear(width, width, bias=False),
        nn.BatchNorm1d(width),
        nn.ReLU(inplace=True),
        nn.Linear(width, width, bias=False),
    )


@torch.no_grad()
def _lead_vector_length(encoders, n_times, dtype):
    """Find the length of the vector of a lead by encoding two random records of each length."""
    lengths = {}
    for n in n_times if isinstance(n_times, tuple) else (n_times,):
        for encoder in encoders.eval():
            vectors = encoder(torch.randn(2, 1, n, dtype=dtype))
            if not isinstance(vectors, torch.Tensor) or vectors.ndim != 2 or len(vectors) != 2:
                found = tuple(vectors.shape) if isinstance(vectors, torch.Tensor) else type(vectors)
                raise ValueError(
                    "backbone must make a module that maps signals (batch, 1, time) to vectors "
                    f"(batch, n_features); for 2 records of {n} time points it returned {found}."
                )
            lengths[n] = vectors.shape[1]
    encoders.train()
    if len(set(lengths.values())) > 1:
        found = " and ".join(f"{length} for {n}" for n, length in lengths.items())
        raise ValueError(
            "backbone must make a module whose vectors have the same length for records of any "
            f"number of time points, but they have {found} time points. End it with a mean or a "
            "maximum over time."
        )
    return lengths.popitem()[1]

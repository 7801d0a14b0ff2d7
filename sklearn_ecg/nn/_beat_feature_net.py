"""The network and the loss of encoders that predict measurements of the beat."""

import torch
from torch import nn
from torch.nn import functional as F

from ..utils._torch import convert_module
from ._python_numbers import accept_numpy_integers


class BeatFeatureNet(nn.Module):
    """Encoder with linear layers that predict features of a record from its embedding.

    Parameters
    ----------
    backbone : torch.nn.Module
        Maps signals (batch, n_leads, time) to vectors (batch, n_features). If it has a method
        ``embed``, as `MSAICNet` has, this is called instead.
    n_features : int
        Number of features to predict.
    n_presences : int
        Number of features whose presence is predicted.
    n_leads, n_times : int
        Numbers of leads and time points. The backbone is called once with two random records of
        this shape to find the length of its vectors.
    dtype : torch.dtype, default=torch.float32
        Floating-point type of the backbone.

    Attributes
    ----------
    embedding_dim : int
        Length of the embedding.

    Raises
    ------
    ValueError
        If the backbone does not return one vector per record.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import BeatFeatureNet, StridedCNN
    >>> net = BeatFeatureNet(StridedCNN(12), 20, 5, n_leads=12, n_times=100)
    >>> features, presences = net(torch.randn(4, 12, 100))
    >>> features.shape, presences.shape
    (torch.Size([4, 20]), torch.Size([4, 5]))
    """

    @accept_numpy_integers
    def __init__(self, backbone, n_features, n_presences, *, n_leads, n_times, dtype=torch.float32):
        super().__init__()
        self.backbone = convert_module(backbone, dtype)
        self.embedding_dim = self._probe(n_leads, n_times, dtype)
        self.features = nn.Linear(self.embedding_dim, n_features)
        self.presences = None
        if n_presences:
            self.presences = nn.Linear(self.embedding_dim, n_presences)

    @torch.no_grad()
    def _probe(self, n_leads, n_times, dtype):
        """Return the length of the vectors of the backbone."""
        self.backbone.eval()
        x = torch.randn(2, n_leads, n_times, dtype=dtype)
        vectors = self.embed(x)
        if not isinstance(vectors, torch.Tensor) or vectors.ndim != 2 or len(vectors) != 2:
            found = tuple(vectors.shape) if isinstance(vectors, torch.Tensor) else type(vectors)
            raise ValueError(
                "backbone must make a module that maps signals (batch, n_leads, time) to vectors "
                f"(batch, n_features); for 2 records of shape {(n_leads, n_times)} it returned "
                f"{found}."
            )
        self.backbone.train()
        return vectors.shape[1]

    @property
    def trunk(self):
        """Module that computes the embedding."""
        return self.backbone

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
        return self.backbone.embed(x) if hasattr(self.backbone, "embed") else self.backbone(x)

    def forward(self, x):
        """Predict the features of a batch of signals.

        Parameters
        ----------
        x : tensor of shape (batch, n_leads, n_times)
            Signals.

        Returns
        -------
        features : tensor of shape (batch, n_features)
            Standardized features.
        presences : tensor of shape (batch, n_presences)
            Logits of the presence of features.
        """
        embedding = self.embed(x)
        if self.presences is None:
            return self.features(embedding), embedding[:, :0]
        return self.features(embedding), self.presences(embedding)

    def fine_tuning_stages(self):
        """List the modules that are unfrozen one by one in fine-tuning, from the input up.

        Returns
        -------
        stages : list of torch.nn.Module
            A single stage, the backbone.
        """
        return [self.backbone]

    def remove_projectors(self):
        """Remove the linear layers that predict features, which only pretraining needs.

        Returns
        -------
        self : torch.nn.Module
            The network.
        """
        self.features = self.presences = None
        return self


class BeatFeatureLoss(nn.Module):
    """Loss of the prediction of features: smooth L1 of those present, and their presence.

    Parameters
    ----------
    presences : tensor of int, shape (n_presences,)
        Positions of the features whose presence is predicted.
    presence_weight : float
        Weight of the cross-entropy of the presences.

    Attributes
    ----------
    parts : dict of scalar tensors
        ``features`` and ``presence``, the two terms of the last batch.

    See Also
    --------
    BeatFeatureNet : The network whose output it takes.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import BeatFeatureLoss
    >>> loss = BeatFeatureLoss(torch.tensor([1]), presence_weight=1.0)
    >>> targets = torch.tensor([[0.5, 2.0], [0.5, torch.nan]])
    >>> features, presences = torch.zeros(2, 2), torch.zeros(2, 1)
    >>> loss((features, presences), targets)
    tensor(1.2765)
    """

    def __init__(self, presences, presence_weight):
        super().__init__()
        self.register_buffer("presence_columns", presences)
        self.presence_weight = presence_weight
        self.parts = {}

    def forward(self, output, targets, sample_weight=None, n_classified=None):
        """Compute the mean loss of a batch.

        Parameters
        ----------
        output : tuple of tensors (features, presences)
            Output of `BeatFeatureNet`.
        targets : tensor of shape (batch, n_features)
            Standardized features, NaN where they are absent.
        sample_weight : None
            Not used; present for the interface of losses.
        n_classified : None
            Not used; present for the interface of losses.

        Returns
        -------
        loss : scalar tensor
            Loss of the batch.
        """
        features, logits = output
        present = ~torch.isnan(targets)
        errors = F.smooth_l1_loss(features, targets.nan_to_num(0.0), reduction="none")
        # The sum is 0 if a batch has no feature at all.
        loss = (errors * present).sum() / present.sum().clamp(min=1)
        self.parts = {"features": loss.detach(), "presence": torch.zeros_like(loss.detach())}
        if len(self.presence_columns):
            expected = present[:, self.presence_columns].to(logits.dtype)
            presence = F.binary_cross_entropy_with_logits(logits, expected)
            self.parts["presence"] = presence.detach()
            loss = loss + self.presence_weight * presence
        return loss

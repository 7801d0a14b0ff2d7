"""Base class of the networks for signals that compute a feature map over time."""

from torch import nn


class SignalNetwork(nn.Module):
    """Base class of networks that compute a feature map over time, pool it and classify.

    A subclass is constructed as ``Subclass(n_leads, n_outputs, **params)``, sets the attributes
    ``embedding_dim``, ``classifier`` and, if it shortens the signals, ``feature_stride``, and
    implements `feature_map` and `pool`. It can be the ``module`` of
    `sklearn_ecg.ECGNetClassifier`, and `sklearn_ecg.inspection.grad_cam` computes its heat maps.

    Attributes
    ----------
    embedding_dim : int
        Length of the embedding.
    classifier : torch.nn.Module
        Maps embeddings of shape (batch, embedding_dim) to logits of shape (batch, n_outputs).
    feature_stride : int, default=1
        Number of time points from one point of the feature map to the next.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import SignalNetwork
    >>> class SmallNet(SignalNetwork):
    ...     def __init__(self, n_leads, n_outputs, width=16):
    ...         super().__init__()
    ...         self.embedding_dim, self.feature_stride = width, 2
    ...         self.conv = torch.nn.Conv1d(n_leads, width, kernel_size=9, stride=2, padding=4)
    ...         self.classifier = torch.nn.Linear(width, n_outputs)
    ...
    ...     def feature_map(self, x):
    ...         return self.conv(x).relu().unsqueeze(2)
    ...
    ...     def pool(self, features):
    ...         return features.mean((2, 3))
    >>> SmallNet(12, 5)(torch.randn(4, 12, 1000)).shape
    torch.Size([4, 5])
    """

    feature_stride = 1

    def __init__(self):
        super().__init__()

    @property
    def feature_offset(self):
        """Time point at the center of the first point of the feature map.

        The default is the center of the first ``feature_stride`` time points, which is right if
        the signals are shortened by pooling. For strided convolutions it is 0.
        """
        return (self.feature_stride - 1) / 2

    def feature_map(self, x):
        """Compute the last feature map. Subclasses implement this method.

        Parameters
        ----------
        x : tensor of shape (batch, n_leads, n_times)
            Signals.

        Returns
        -------
        features : tensor of shape (batch, channels, 1, points)
            One point for every ``feature_stride`` time points; the last group may be incomplete.
        """
        raise NotImplementedError

    def pool(self, features):
        """Compute the embedding from a feature map. Subclasses implement this method.

        Parameters
        ----------
        features : tensor of shape (batch, channels, 1, points)
            See `feature_map`.

        Returns
        -------
        embedding : tensor of shape (batch, embedding_dim)
            One vector per record.
        """
        raise NotImplementedError

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
        """Compute the logits of a batch of signals.

        Parameters
        ----------
        x : tensor of shape (batch, n_leads, n_times)
            Signals.

        Returns
        -------
        logits : tensor of shape (batch, n_outputs)
            One logit for two classes, else one per class or label.
        """
        return self.classifier(self.embed(x))

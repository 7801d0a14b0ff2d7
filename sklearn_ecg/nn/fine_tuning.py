"""Classifiers on a pretrained encoder."""

import torch
from torch import nn


class LinearProbe(nn.Module):
    """A linear classifier on an encoder that stays as it is.

    Parameters
    ----------
    encoder : torch.nn.Module
        With ``embed``, ``embedding_dim`` and ``without_projectors``.
    n_outputs : int
    """

    def __init__(self, encoder, n_outputs):
        super().__init__()
        self.encoder = encoder.without_projectors().eval().requires_grad_(False)
        self.embedding_dim = encoder.embedding_dim
        self.classifier = _classifier(self.embedding_dim, n_outputs)

    def train(self, mode=True):
        """Set the mode of the classifier; the encoder's BatchNorm keeps its statistics."""
        super().train(mode)
        self.encoder.eval()
        return self

    def embed(self, x):
        """The embedding (batch, embedding_dim) of what the encoder reads."""
        return self.encoder.embed(x)

    def forward(self, embedding):
        """Logits (batch, n_outputs) of embeddings (batch, embedding_dim, 1), made beforehand."""
        return self.classifier(embedding.flatten(1))


class FineTunedNet(nn.Module):
    """A linear classifier on an encoder that is trained on.

    Parts of the encoder whose parameters are all closed to the optimizer (``requires_grad``) stay
    in the mode of prediction: their BatchNorm keeps its statistics.

    Parameters
    ----------
    encoder : torch.nn.Module
        As of `LinearProbe`. Its ``parts()`` are those that are opened one by one.
    n_outputs : int
    """

    def __init__(self, encoder, n_outputs):
        super().__init__()
        self.encoder = encoder.without_projectors().requires_grad_(True)
        self.embedding_dim = encoder.embedding_dim
        self.classifier = _classifier(self.embedding_dim, n_outputs)

    def train(self, mode=True):
        """Set the mode of the classifier and of the encoder's open parts."""
        super().train(mode)
        for part in self.encoder.parts():
            part.train(mode and any(p.requires_grad for p in part.parameters()))
        return self

    def embed(self, x):
        """The embedding (batch, embedding_dim) of what the encoder reads."""
        return self.encoder.embed(x)

    def forward(self, x):
        """Logits (batch, n_outputs) of what the encoder reads."""
        return self.classifier(self.embed(x))


def _classifier(width, n_outputs):
    """A linear layer on standardised features, whose scales differ widely between encoders."""
    return nn.Sequential(Standardizer(width), nn.Linear(width, n_outputs))


class Standardizer(nn.Module):
    """Features less their mean, over their SD, of the records given to `fit`.

    Parameters
    ----------
    width : int
        Number of features.
    """

    def __init__(self, width):
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))

    @torch.no_grad()
    def fit(self, vectors):
        """Take the statistics of vectors (n_records, width)."""
        deviation, mean = torch.std_mean(vectors.double(), dim=0, correction=0)
        constant = deviation <= 10 * torch.finfo(vectors.dtype).eps * mean.abs()
        self.mean.copy_(mean)
        self.scale.copy_(torch.where(constant, torch.ones_like(deviation), deviation))
        return self

    def forward(self, vectors):
        """Standardise vectors (batch, width)."""
        return (vectors - self.mean) / self.scale

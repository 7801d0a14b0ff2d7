"""Classifiers on top of a pretrained encoder: a linear probe and a fine-tuned network."""

import torch
from torch import nn


class LinearProbe(nn.Module):
    """Linear classifier on a frozen encoder.

    Parameters
    ----------
    encoder : torch.nn.Module
        Must have ``embed``, ``embedding_dim`` and ``remove_projectors``.
    n_outputs : int
        Number of logits.
    """

    def __init__(self, encoder, n_outputs):
        super().__init__()
        self.encoder = encoder.remove_projectors().eval().requires_grad_(False)
        self.embedding_dim = encoder.embedding_dim
        self.classifier = _standardized_linear(self.embedding_dim, n_outputs)

    def train(self, mode=True):
        """Set the mode of the classifier; the encoder always stays in evaluation mode."""
        super().train(mode)
        self.encoder.eval()
        return self

    def embed(self, x):
        """Compute the embedding (batch, embedding_dim) of a batch of inputs of the encoder."""
        return self.encoder.embed(x)

    def forward(self, embedding):
        """Compute logits (batch, n_outputs) of precomputed embeddings (batch, embedding_dim, 1)."""
        return self.classifier(embedding.flatten(1))


class FineTunedNet(nn.Module):
    """Linear classifier on an encoder that continues to be trained.

    Stages of the encoder all of whose parameters are frozen (``requires_grad=False``) stay in
    evaluation mode, so that their BatchNorm statistics do not change.

    Parameters
    ----------
    encoder : torch.nn.Module
        Must have ``embed``, ``embedding_dim`` and ``remove_projectors``, and
        ``fine_tuning_stages()``, which lists the modules that are unfrozen one by one.
    n_outputs : int
        Number of logits.
    freeze_batch_norm : bool, default=False
        Whether the BatchNorm layers of the encoder always use their running statistics, which then
        do not change. Their weights are trained.
    """

    def __init__(self, encoder, n_outputs, *, freeze_batch_norm=False):
        super().__init__()
        self.encoder = encoder.remove_projectors().requires_grad_(True)
        self.embedding_dim = encoder.embedding_dim
        self.classifier = _standardized_linear(self.embedding_dim, n_outputs)
        self.freeze_batch_norm = freeze_batch_norm

    def train(self, mode=True):
        """Set the mode of the classifier and of the stages of the encoder that are not frozen."""
        super().train(mode)
        for stage in self.encoder.fine_tuning_stages():
            stage.train(mode and any(p.requires_grad for p in stage.parameters()))
        if self.freeze_batch_norm:
            for module in self.encoder.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()
        return self

    def embed(self, x):
        """Compute the embedding (batch, embedding_dim) of a batch of inputs of the encoder."""
        return self.encoder.embed(x)

    def forward(self, x):
        """Compute logits (batch, n_outputs) of a batch of inputs of the encoder."""
        return self.classifier(self.embed(x))


def _standardized_linear(width, n_outputs):
    """Make a linear layer on standardized features, whose scales vary a lot between encoders."""
    return nn.Sequential(Standardizer(width), nn.Linear(width, n_outputs))


class Standardizer(nn.Module):
    """Standardize features with the mean and SD of the records given to `fit`.

    Constant features are only centered.

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
    def fit(self, vectors, weights=None):
        """Compute the mean and SD of vectors (n_records, width), with weights (n_records,)."""
        if weights is None:
            deviation, mean = torch.std_mean(vectors.double(), dim=0, correction=0)
        else:
            share = weights.double() / weights.double().sum()
            mean = share @ vectors.double()
            deviation = (share @ (vectors.double() - mean).square()).sqrt()
        constant = deviation <= 10 * torch.finfo(vectors.dtype).eps * mean.abs()
        self.mean.copy_(mean)
        self.scale.copy_(torch.where(constant, torch.ones_like(deviation), deviation))
        return self

    @torch.no_grad()
    def set(self, mean, scale):
        """Use a given mean and SD, arrays of shape (width,)."""
        self.mean.copy_(torch.from_numpy(mean))
        self.scale.copy_(torch.from_numpy(scale))
        return self

    def forward(self, vectors):
        """Standardize vectors (batch, width)."""
        return (vectors - self.mean) / self.scale

"""An encoder that predicts the vectors of hidden leads, as an experiment: it is not in the library.

Half of the leads of one view of a record are hidden. From the vectors of the others, a small
network predicts those that a teacher computes from the hidden leads of the other view, standardized
over the records of the batch. The teacher is the moving average of the encoders, as in data2vec
(arXiv:2202.03555), and there are no negatives.
"""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_ecg import ACLECGEncoder
from sklearn_ecg.nn import ACLECGNet, StridedCNN
from sklearn_ecg.nn._self_supervised_losses import EffectiveRank

DECAY, WIDTH = 0.99, 256


class MaskedLatentNet(ACLECGNet):
    """Encoders of the leads, their teacher, and the network that predicts hidden vectors."""

    record_axes = (0, 0, 0, 0)

    def __init__(self, n_leads, **options):
        super().__init__(n_leads, [[lead] for lead in range(n_leads)], **options)
        self.projectors = None
        self.teacher = copy.deepcopy(self.encoders).requires_grad_(False)
        # The input of the predicting network says which leads are hidden.
        self.predict = nn.Sequential(
            nn.Linear(self.embedding_dim + n_leads, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, self.embedding_dim),
        )

    def forward(self, x):
        """Return predicted vectors, those of the teacher, hidden leads, and the embedding."""
        with torch.no_grad():
            for mean, weights in zip(self.teacher.parameters(), self.encoders.parameters()):
                mean.lerp_(weights, 1 - DECAY)
            vectors = [encoder(x[:, i : i + 1]) for i, encoder in enumerate(self.teacher)]
            targets = torch.stack(vectors, dim=1).roll(len(x) // 2, dims=0)
            mean, variance = targets.mean(dim=0), targets.var(dim=0, unbiased=False)
            targets = (targets - mean) * (variance + 1e-5).rsqrt()
        embedding = self.embed(x)
        n_leads = len(self.encoders)
        order = torch.rand(len(x), n_leads, device=x.device).argsort(dim=1)
        hidden = (order < n_leads // 2).to(x.dtype)
        shown = embedding.unflatten(1, (n_leads, -1)) * (1 - hidden)[:, :, None]
        predicted = self.predict(torch.cat([shown.flatten(1), hidden], dim=1))
        return predicted.view_as(targets), targets, hidden, embedding


class MaskedLatentLoss(nn.Module):
    """Smooth L1 of the vectors of the hidden leads."""

    def __init__(self):
        super().__init__()
        self.parts = {}

    def forward(self, output):
        predicted, targets, hidden, embedding = output
        losses = F.smooth_l1_loss(predicted, targets, reduction="none").mean(dim=2)
        vectors = F.normalize(embedding[: len(embedding) // 2].detach(), dim=1)
        distances = torch.cdist(vectors, vectors).square()
        spread = distances[~torch.eye(len(vectors), dtype=torch.bool)]
        self.parts = {
            "uniformity": (-2 * spread).exp().mean().log(),
            "effective_rank": EffectiveRank(embedding[: len(embedding) // 2].detach()),
        }
        return (losses * hidden).sum() / hidden.sum()


class MaskedLatentEncoder(ACLECGEncoder):
    """`ACLECGEncoder` with this network and this loss."""

    def _make_network(self, data):
        return MaskedLatentNet(
            data.n_channels,
            make_backbone=StridedCNN,
            n_times=self.n_times_in_,
            dtype=self._torch_dtype,
        )

    def _make_loss(self, data):
        return MaskedLatentLoss()

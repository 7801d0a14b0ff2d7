"""The networks and loops that ``bench_training.py`` compares with, and those of other libraries.

All of them compute the same: the architecture, the loss, the optimizer, the batches and the
normalization are those of our estimators. skorch and braindecode are used as their documentation
does, with a module, a criterion and an optimizer; predictions have batches as large as
ours.
"""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from sklearn_ecg.nn import MSAICLoss

LEARNING_RATE = 1e-3
SLICE_SIZE = 256
NAMES = {"skorch": "NeuralNetClassifier", "braindecode": "EEGClassifier"}


class PlainAttention(nn.Module):
    """Efficient channel attention: a convolution across the channel means, then a sigmoid."""

    def __init__(self, n_channels):
        super().__init__()
        kernel_size = int(abs(math.log2(n_channels) / 2 + 0.5))
        kernel_size += 1 - kernel_size % 2
        self.conv = nn.Conv1d(1, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, means):
        return torch.sigmoid(self.conv(means[:, None])[:, 0])


class PlainBlock(nn.Module):
    """A block as in the paper: dilated Conv1d, BatchNorm, ReLU, pooling, dropout, attention."""

    def __init__(self, n_in, n_out, kernel_size, dilation, stride, pool_size, dropout):
        super().__init__()
        self.conv = nn.Conv1d(
            n_in,
            n_out,
            kernel_size,
            stride=stride,
            dilation=dilation,
            bias=False,
            padding=dilation * (kernel_size // 2),
        )
        self.norm = nn.BatchNorm1d(n_out)
        self.pool = nn.MaxPool1d(pool_size, ceil_mode=True)
        self.dropout = nn.Dropout1d(dropout)
        self.attention = PlainAttention(n_out)

    def forward(self, x):
        x = self.dropout(self.pool(F.relu(self.norm(self.conv(x)))))
        return x * self.attention(x.mean(2))[:, :, None]


class PlainNet(nn.Module):
    """MSAIC-Net from standard modules, with the parameters of an estimator.

    It returns logits, and projections if the loss of the estimator has a contrastive part.
    """

    def __init__(self, clf, n_leads, n_outputs=1):
        super().__init__()
        widths = [n_leads, *clf.filters]
        one_size = isinstance(clf.pool_size, int)
        pool_sizes = [clf.pool_size] * len(clf.filters) if one_size else clf.pool_size
        self.branches = nn.ModuleList(
            nn.Sequential(
                *[
                    PlainBlock(
                        widths[i],
                        widths[i + 1],
                        clf.kernel_size,
                        dilation,
                        clf.stride if i == 0 else 1,
                        pool_sizes[i],
                        clf.dropout,
                    )
                    for i in range(len(clf.filters))
                ]
            )
            for dilation in clf.dilations
        )
        dim = clf.embedding_dim
        self.projection = nn.Sequential(
            nn.Conv1d(widths[-1] * len(clf.dilations), dim, 1, bias=False),
            nn.BatchNorm1d(dim),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(dim, n_outputs)
        self.projector = None
        if clf.contrastive_weight > 0:
            self.projector = nn.Sequential(
                nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, clf.projection_dim)
            )

    def embed(self, x):
        x = torch.cat([branch(x) for branch in self.branches], dim=1)
        return self.projection(x).mean(2)

    def forward(self, x):
        x = self.embed(x)
        logits = self.classifier(x)
        return (logits, F.normalize(self.projector(x), dim=1)) if self.projector else logits


def load_weights(plain, network):
    """Copy the weights and statistics of a MSAICNet to a plain network, and return that."""
    weights = network.state_dict()
    plain.load_state_dict({name: w.squeeze(2) if w.ndim == 4 else w for name, w in weights.items()})
    return plain.eval()


def make_loss(clf):
    """Return the loss of an estimator for a binary target, without class weights."""
    return MSAICLoss(
        "binary",
        focal_gamma=clf.focal_gamma,
        contrastive_weight=clf.contrastive_weight,
        contrastive_gamma=clf.contrastive_gamma,
        temperature=clf.temperature,
    )


def standardize(X):
    """Return records whose leads have mean 0 and SD 1 in the whole data set."""
    return (X - X.mean((0, 2))[:, None]) / X.std((0, 2))[:, None]


def plain_loop(module, loss, X, y, batch_size, epochs, device="cpu"):
    """Train with a bare loop: normalize, shuffle, slice, copy to the device, step."""
    X, y = torch.from_numpy(standardize(X)), torch.from_numpy(y)
    module = module.to(device).train()
    optimizer = torch.optim.AdamW(module.parameters(), lr=LEARNING_RATE)
    for _ in range(epochs):
        for index in torch.randperm(len(X)).split(batch_size):
            optimizer.zero_grad()
            value = loss(module(X[index].to(device)), y[index].to(device))
            value.backward()
            optimizer.step()
            value.item()


def plain_predict(module, X, mean, scale):
    """Predict with a bare loop: finite check, normalization, forward pass."""
    if not np.isfinite(X).all():
        raise ValueError("X is not finite.")
    with torch.inference_mode():
        parts = [
            module.classifier(module.embed((torch.from_numpy(part) - mean) / scale))
            for part in np.split(X, range(SLICE_SIZE, len(X), SLICE_SIZE))
        ]
    return torch.sigmoid(torch.cat(parts)).numpy()


class Logits(nn.Module):
    """A network of ours without the output of its contrastive head, which skorch cannot skip."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x)[0]


class LogitLoss(nn.Module):
    """A loss of ours for the logits alone."""

    def __init__(self, loss):
        super().__init__()
        self.loss = loss

    def forward(self, logits, y):
        return self.loss((logits, None), y)


def make_classifier(library, module, loss, *, batch_size=128, epochs=1):
    """Return the classifier of skorch or braindecode, with the training of `plain_loop`."""
    (name,) = [name for name in NAMES.values() if hasattr(library, name)]
    return getattr(library, name)(
        module,
        criterion=loss,
        optimizer=torch.optim.AdamW,
        lr=LEARNING_RATE,
        max_epochs=epochs,
        batch_size=batch_size,
        iterator_train__shuffle=True,
        iterator_valid__batch_size=SLICE_SIZE,
        train_split=None,
        predict_nonlinearity="auto" if isinstance(loss, nn.CrossEntropyLoss) else torch.sigmoid,
        verbose=0,
    )

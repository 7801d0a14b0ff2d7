"""Training and prediction compared with plain torch loops that do the same.

    python benchmarks/bench_training.py [--threads 1] [--repeats 7] [--full-fit]

Comparisons, each interleaved:

1. Training of the default MSAIC-Net on (12, 1000) records, compared with a plain loop over a plain
   network of the same architecture, made of Conv1d, BatchNorm1d, MaxPool1d and Dropout1d.
2. Pretraining of the default ACL-ECG encoder, compared with the same network of Conv1d,
   BatchNorm1d and MaxPool1d, with the same views and loss.
3. Training of a tiny network, for which the overhead of the loop matters, compared with a bare
   loop over the same module.
4. Prediction of 5,000 records with the tiny network and of one record with the default network,
   compared with a bare forward pass plus the finite check and the normalization that every safe
   prediction needs.
5. Parts of a training step of the default network, and matrix products with as many
   multiplications as its convolutions.
"""

import argparse
import copy
import math
import time

import numpy as np
import torch
from _timing import interleave, report
from torch import nn
from torch.nn import functional as F

from sklearn_ecg import ACLECGEncoder, MSAICNetClassifier, detect_r_peaks
from sklearn_ecg.augmentation import (
    CardiacCycleMask,
    Compose,
    RandomScaleCrop,
    TemporalShift,
    pad_peaks,
)
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.nn import ACLECGNet, MSAICLoss, MSAICNet
from sklearn_ecg.nn._self_supervised_losses import ACLECGLoss

RATE = 100
TRAINING_REASON = (
    "the convolutions are as fast as matrix products, and the layers between them read and write "
    "activations that exceed the processor's cache"
)


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
    """MSAIC-Net from standard modules, with the parameters of an estimator."""

    def __init__(self, clf, n_leads):
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
        self.classifier = nn.Linear(dim, 1)
        self.projector = nn.Sequential(
            nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, clf.projection_dim)
        )

    def forward(self, x):
        x = torch.cat([branch(x) for branch in self.branches], dim=1)
        x = self.projection(x).mean(2)
        return self.classifier(x), F.normalize(self.projector(x), dim=1)


def make_loss(clf):
    """Return the loss of an estimator for a binary target, without class weights."""
    return MSAICLoss(
        "binary",
        focal_gamma=clf.focal_gamma,
        contrastive_weight=clf.contrastive_weight,
        contrastive_gamma=clf.contrastive_gamma,
        temperature=clf.temperature,
    )


def plain_loop(module, loss, X, y, batch_size, epochs, learning_rate):
    """Train with a bare loop: normalize, shuffle, slice, step."""
    X = torch.from_numpy((X - X.mean((0, 2))[:, None]) / X.std((0, 2))[:, None])
    y = torch.from_numpy(y).float()
    optimizer = torch.optim.AdamW(module.parameters(), lr=learning_rate)
    module.train()
    for _ in range(epochs):
        for index in torch.randperm(len(X)).split(batch_size):
            optimizer.zero_grad()
            value = loss(module(X[index]), y[index])
            value.backward()
            optimizer.step()
            value.item()


class PlainVGG(nn.Module):
    """The encoder of a lead, of Conv1d, BatchNorm1d and MaxPool1d."""

    def __init__(self, n_leads=1, filters=(8, 16, 32, 64, 64), n_convs=(2, 2, 3, 3, 3)):
        super().__init__()
        layers, width = [], n_leads
        for channels, depth in zip(filters, n_convs):
            for _ in range(depth):
                layers.append(nn.Conv1d(width, channels, 3, padding=1, bias=False))
                layers += [nn.BatchNorm1d(channels), nn.ReLU(inplace=True)]
                width = channels
            layers.append(nn.MaxPool1d(2, ceil_mode=True))
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x).mean(2)


def plain_pretraining(encoder, X, batch_size, epochs):
    """Pretrain with a bare loop: normalize, detect R-peaks, shuffle, make two views, step."""
    peaks = torch.from_numpy(pad_peaks(detect_r_peaks(X, RATE).peaks)).float()
    leads = [encoder.lead_names_in_.index(lead) for lead in encoder.leads_]
    regions = [[encoder.leads_.index(i) for i in leads] for leads in encoder.regions_.values()]
    X = X[:, leads]
    mean, scale = X.mean((1, 2), keepdims=True), X.std((1, 2), keepdims=True)
    X = torch.from_numpy((X - mean) / scale)
    module = ACLECGNet(len(leads), regions, make_backbone=PlainVGG, n_times=X.shape[2])
    loss = ACLECGLoss(gamma=encoder.gamma, inter=encoder.inter, temperature=encoder.temperature)
    rate = {"sampling_rate": RATE}
    views = Compose([RandomScaleCrop(), CardiacCycleMask(**rate), TemporalShift(**rate)])
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, weight_decay=0)
    for _ in range(epochs):
        for index in torch.randperm(len(X)).split(batch_size):
            optimizer.zero_grad()
            x = torch.cat([views(X[index], peaks[index])[0] for _ in range(2)])
            value = loss(module(x))
            value.backward()
            optimizer.step()
            value.item()


def plain_predict(module, X, mean, scale, slice_size=256):
    """Predict with a bare loop: finite check, normalization, forward pass."""
    if not np.isfinite(X).all():
        raise ValueError("X is not finite.")
    with torch.inference_mode():
        parts = [
            module.classifier(module.embed((torch.from_numpy(part) - mean) / scale))
            for part in np.split(X, range(slice_size, len(X), slice_size))
        ]
    return torch.sigmoid(torch.cat(parts)).numpy()


def full_fit(n_threads):
    """Print the seconds of a default fit of 1,000 ten-second records at 100 Hz."""
    X = np.random.RandomState(0).randn(1000, 12, 1000).astype(np.float32)
    start = time.perf_counter()
    clf = MSAICNetClassifier(random_state=0, device="cpu", n_threads=n_threads)
    clf.fit(X, np.arange(1000) % 4 // 3)
    seconds = time.perf_counter() - start
    print(f"default fit of 1,000 records of (12, 1000), {n_threads} thread(s): {seconds:.0f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--full-fit", action="store_true", help="only time one default fit")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.full_fit:
        full_fit(args.threads)
        return
    rng = np.random.RandomState(0)
    print(f"torch {torch.__version__}, {args.threads} thread(s)")

    X, y = rng.randn(256, 12, 1000).astype(np.float32), np.arange(256) % 4 // 3
    clf = MSAICNetClassifier(max_epochs=1, random_state=0, device="cpu", n_threads=args.threads)
    loss = make_loss(clf)
    n_parameters = sum(p.numel() for p in PlainNet(clf, 12).parameters())
    seconds = interleave(
        {
            "plain Conv1d loop": lambda: plain_loop(
                PlainNet(clf, 12), loss, X, y, clf.batch_size, 1, 1e-3
            ),
            "MSAICNetClassifier.fit": lambda: clf.fit(X, y),
        },
        repeats=args.repeats,
    )
    report(
        f"Training, default network, {n_parameters:,} parameters, (12, 1000), one epoch",
        seconds,
        n_records=len(X),
        reference="plain Conv1d loop",
        goals={"MSAICNetClassifier.fit": 1.5},
        reason=TRAINING_REASON,
    )
    bench_parts(args)
    bench_acl_ecg(args)

    X, y = rng.randn(4096, 2, 50).astype(np.float32), np.arange(4096) % 2
    tiny = MSAICNetClassifier(
        filters=(8,),
        dilations=(1,),
        embedding_dim=8,
        contrastive_weight=0,
        attention=None,
        dropout=0,
        balanced_batches=False,
        batch_size=64,
        max_epochs=3,
        random_state=0,
        device="cpu",
        n_threads=args.threads,
    )
    module, loss = tiny.fit(X, y).net_.module_, make_loss(tiny)
    seconds = interleave(
        {
            "bare loop, same module": lambda: plain_loop(
                copy.deepcopy(module), loss, X, y, tiny.batch_size, tiny.max_epochs, 1e-3
            ),
            "MSAICNetClassifier.fit": lambda: tiny.fit(X, y),
        },
        repeats=args.repeats,
    )
    report(
        "Training, tiny network, (2, 50), batches of 64",
        seconds,
        n_records=tiny.max_epochs * len(X),
        reference="bare loop, same module",
        goals={"MSAICNetClassifier.fit": 0.7},
    )

    X = rng.randn(5000, 2, 50).astype(np.float32)
    module = tiny.net_.module_
    mean, scale = tiny.normalizer_.mean, tiny.normalizer_.scale
    np.testing.assert_allclose(
        plain_predict(module, X, mean, scale)[:, 0], tiny.predict_proba(X)[:, 1], atol=1e-6
    )
    seconds = interleave(
        {
            "bare forward, check, normalize": lambda: plain_predict(module, X, mean, scale),
            "predict_proba": lambda: tiny.predict_proba(X),
        },
        repeats=max(30, args.repeats),
        warmup=5,
    )
    report(
        "predict_proba, tiny network, 5,000 records of (2, 50)",
        seconds,
        n_records=len(X),
        reference="bare forward, check, normalize",
        goals={"predict_proba": 0.8},
    )

    X = rng.randn(1, 12, 1000).astype(np.float32)
    clf.fit(rng.randn(32, 12, 1000).astype(np.float32), np.arange(32) % 2)
    module = clf.net_.module_
    mean, scale = clf.normalizer_.mean, clf.normalizer_.scale
    seconds = interleave(
        {
            "bare forward, check, normalize": lambda: plain_predict(module, X, mean, scale),
            "predict_proba": lambda: clf.predict_proba(X),
        },
        repeats=50,
        warmup=10,
    )
    report(
        "predict_proba, default network, one record of (12, 1000)",
        seconds,
        n_records=1,
        reference="bare forward, check, normalize",
        goals={"predict_proba": 0.9},
        reason="X and the program's settings of torch are checked, which takes a constant time",
    )


def bench_acl_ecg(args):
    X = make_ecg(128, sampling_rate=RATE, random_state=0).data
    encoder = ACLECGEncoder(
        sampling_rate=RATE, max_epochs=3, random_state=0, device="cpu", n_threads=args.threads
    ).fit(X)
    batch_size, epochs = encoder.batch_size, encoder.max_epochs
    seconds = interleave(
        {
            "plain Conv1d loop": lambda: plain_pretraining(encoder, X, batch_size, epochs),
            "ACLECGEncoder.fit": lambda: encoder.fit(X),
        },
        repeats=min(3, args.repeats),
    )
    report(
        f"Pretraining, default ACL-ECG, two views of (8, 1000), {epochs} epochs",
        seconds,
        n_records=epochs * len(X),
        reference="plain Conv1d loop",
        goals={"ACLECGEncoder.fit": 1.5},
        reason=(
            "fit passes over all records twice after training, for the statistics of BatchNorm "
            "and of the embedding. " + TRAINING_REASON
        ),
    )


def bench_parts(args):
    """Compare forward and backward passes of the default network with those of some layers."""
    clf, batch_size = MSAICNetClassifier(), 32
    x = torch.randn(batch_size, 1000, 12).mT

    def make_module(**options):
        names = ("filters", "dilations", "kernel_size", "stride", "pool_size", "embedding_dim")
        shared = {name: getattr(clf, name) for name in (*names, "attention", "dropout")}
        return MSAICNet(12, 1, projection_dim=clf.projection_dim, **{**shared, **options})

    plain = make_module(attention=None, dropout=0.0)
    without_norm = copy.deepcopy(plain)
    for module in list(without_norm.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, nn.Identity())

    def step(module):
        def run():
            module.zero_grad()
            logits, projection = module(x)
            (logits.sum() + projection.sum()).backward()

        return run

    seconds = interleave(
        {
            "all layers": step(make_module()),
            "without attention and dropout": step(plain),
            "convolutions, pooling, ReLU": step(without_norm),
            "matrix products as large": matrix_products(plain, x),
        },
        repeats=max(15, args.repeats),
        warmup=3,
    )
    report(
        "Parts of a training step, default network, (12, 1000)",
        seconds,
        n_records=batch_size,
        reference="all layers",
    )


def matrix_products(module, x, size=384):
    """Return a function that multiplies as often as the convolutions and their gradients.

    The matrices are square and fit the cache.
    """
    counts = []

    def count(conv, inputs, output):
        multiplications = conv.weight[0].numel() * output.numel()
        # The records need no gradient.
        counts.append((3 if inputs[0].requires_grad else 2) * multiplications)

    convs = [child for child in module.modules() if isinstance(child, nn.Conv2d)]
    hooks = [conv.register_forward_hook(count) for conv in convs]
    module(x)
    for hook in hooks:
        hook.remove()
    left, right, product = torch.randn(3, size, size)
    n_products = round(sum(counts) / size**3)

    def run():
        for _ in range(n_products):
            torch.mm(left, right, out=product)

    return run


if __name__ == "__main__":
    main()

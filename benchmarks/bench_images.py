"""Training of SimCardioNet compared with a plain torch loop of the same network, at 224 x 224.

    python benchmarks/bench_images.py [--images 128] [--image-size 224] [--threads 2]

Comparisons, each interleaved: fine-tuning with all stages unfrozen, also for one epoch only, and
pretraining with two views. `fit` of the estimator, including everything before and after its
epochs, is compared with a loop that casts a batch of bytes, makes the same views, and steps. The
network of the loop is the same except for the memory layout, which is torch's default. Memory is
the largest resident set of a process that does nothing else.
"""

import argparse
import multiprocessing
from pathlib import Path

import numpy as np
import torch
from _timing import interleave, report
from torch import nn
from torch.nn import functional as F

from sklearn_ecg import SimCardioNetClassifier, SimCardioNetEncoder
from sklearn_ecg.augmentation import ColorJitter, Compose, RandomResizedCrop, RandomRotation
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.nn import SimCardioNet, hybrid_contrastive_loss
from sklearn_ecg.preprocessing import ECGImageRenderer

EXTRA_PASS = (
    "fit embeds all images twice more, for the statistics of BatchNorm and of the embedding"
)
REASONS = {
    "fine-tuning": EXTRA_PASS,
    "fine-tuning, one epoch": f"{EXTRA_PASS}: with one epoch, this is a large part of the work",
    "pretraining, two views": "the convolutions take most of the time of both",
}


class PlainSimCardioNet(SimCardioNet):
    """SimCardioNet in torch's default memory layout."""

    def feature_map(self, x):
        for stage in self.stages:
            x = stage(x)
        return x


class PlainClassifier(nn.Module):
    """A linear classifier on the embedding of an encoder."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder
        self.classifier = nn.Linear(encoder.embedding_dim, 1)

    def forward(self, x):
        return self.classifier(self.encoder.embed(x))


def make_data(args):
    ecg = make_ecg(args.images, prevalence=0.5, random_state=0)
    renderer = ECGImageRenderer(sampling_rate=100, image_size=args.image_size)
    return renderer.fit_transform(ecg.data), ecg.target


def plain_net():
    return PlainSimCardioNet(1, filters=(32, 64, 128, 256), n_heads=4, projection_dim=128)


def batches(X, y, batch_size, n_epochs):
    mean, scale = 0.9, 0.2
    for _ in range(n_epochs):
        for index in torch.randperm(len(X)).split(batch_size):
            yield X[index, None].float() / 255, y[index], mean, scale


def plain_fine_tuning(X, y, n_epochs):
    X, y = torch.from_numpy(X), torch.from_numpy(y).float()
    net = PlainClassifier(plain_net()).train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=True)
    for x, labels, mean, scale in batches(X, y, 32, n_epochs):
        optimizer.zero_grad()
        logits = net((x - mean) / scale)[:, 0]
        F.binary_cross_entropy_with_logits(logits, labels).backward()
        optimizer.step()


def plain_pretraining(X, y, n_epochs):
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    net = plain_net().train()
    transform = Compose([RandomRotation(), RandomResizedCrop(), ColorJitter()])
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=True)
    for x, _, mean, scale in batches(X, y, 64, n_epochs):
        optimizer.zero_grad()
        two_views = torch.cat([transform(x), transform(x)])
        first, second = net((two_views - mean) / scale)[0].chunk(2)
        hybrid_contrastive_loss(first, second).backward()
        optimizer.step()


def ours_fine_tuning(X, y, n_epochs):
    encoder = SimCardioNetEncoder(image_size=None, max_epochs=0, n_threads=None, random_state=0)
    SimCardioNetClassifier(
        encoder,
        unfreeze_interval=0,
        max_epochs=n_epochs,
        learning_rate_schedule="constant",
        n_threads=None,
        random_state=0,
    ).fit(X, y)


def ours_pretraining(X, y, n_epochs):
    encoder = SimCardioNetEncoder(
        image_size=None, max_epochs=n_epochs, n_threads=None, random_state=0
    )
    encoder.fit(X)


def peak_memory(function, args):
    """Return the largest resident set, in MB, of a new process that calls the function."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_peak_of_this_process, (function, args))


def _peak_of_this_process(function, args):
    torch.set_num_threads(args.threads)
    if function is not None:
        function(*make_data(args), 1)
    else:
        make_data(args)
    # resource.getrusage would include the memory of the parent at the time of the fork.
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    X, y = make_data(args)
    y = np.asarray(y)
    pairs = {
        "fine-tuning": (plain_fine_tuning, ours_fine_tuning, args.epochs),
        "fine-tuning, one epoch": (plain_fine_tuning, ours_fine_tuning, 1),
        "pretraining, two views": (plain_pretraining, ours_pretraining, args.epochs),
    }
    base = peak_memory(None, args)
    size = f"{args.image_size} x {args.image_size}"
    print(f"{args.images} images of {size}, {args.epochs} epochs, {args.threads} thread(s)")
    for title, (plain, ours, n_epochs) in pairs.items():
        seconds = interleave(
            {
                "plain torch loop": lambda: plain(X, y, n_epochs),
                "sklearn_ecg": lambda: ours(X, y, n_epochs),
            },
            repeats=args.repeats,
        )
        report(
            title,
            seconds,
            n_records=n_epochs * len(X),
            reference="plain torch loop",
            goals={"sklearn_ecg": 0.95},
            rates={"sklearn_ecg": 20} if title == "fine-tuning" else None,
            reason=REASONS[title],
        )
        memory = [peak_memory(function, args) - base for function in (plain, ours)]
        print(f"  memory: plain {memory[0]:.0f} MB, sklearn_ecg {memory[1]:.0f} MB")


if __name__ == "__main__":
    main()

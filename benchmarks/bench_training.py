"""Training and prediction compared with plain torch loops, skorch and braindecode.

    python benchmarks/bench_training.py [--threads 1] [--repeats 7] [--full-fit]

All functions of a comparison compute the same. Comparisons, each interleaved:

1. Training of the default MSAIC-Net on (12, 1000) records, compared with a plain loop over a plain
   network of the same architecture, made of Conv1d, BatchNorm1d, MaxPool1d and Dropout1d, and with
   skorch and braindecode on the plain network.
2. The same for a larger network of 653,000 parameters at full resolution, and a plain loop over our
   network.
3. Parts of a training step of the default network, and a ceiling of its speed: see _ceiling.py.
4. Pretraining of the default ACL-ECG encoder, compared with the same network of Conv1d,
   BatchNorm1d and MaxPool1d, with the same views and loss.
5. Training of a tiny network, for which the overhead of the loop matters, compared with a bare
   loop, skorch and braindecode over the same module.
6. Prediction of 5,000 records with the tiny network and of one record with the other networks,
   compared with a bare forward pass plus the finite check and the normalization that every safe
   prediction needs, and with skorch and braindecode.
"""

import argparse
import copy
import statistics
import time

import numpy as np
import torch
from _ceiling import bare_convolutions, copies, count_operations, list_layers
from _timing import import_peer, interleave, paired_ratio, report
from _training_peers import (
    LEARNING_RATE,
    NAMES,
    LogitLoss,
    Logits,
    PlainNet,
    load_weights,
    make_classifier,
    make_loss,
    plain_loop,
    plain_predict,
    standardize,
)
from torch import nn

from sklearn_ecg import ACLECGEncoder, MSAICNetClassifier, detect_r_peaks
from sklearn_ecg.augmentation import (
    CardiacCycleMask,
    Compose,
    RandomScaleCrop,
    TemporalShift,
    pad_peaks,
)
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.nn import ACLECGNet, MSAICNet
from sklearn_ecg.nn._self_supervised_losses import ACLECGLoss

RATE = 100
CEILING = "ceiling: these and memory traffic"
TRAINING_REASON = (
    "the convolutions alone take most of the time of a step: see the parts of a training step and "
    "their ceiling"
)
# 652,985 parameters, with twelve leads and five classes.
LARGE = {
    "filters": (32, 128, 128),
    "kernel_size": 7,
    "stride": 1,
    "focal_gamma": 0,
    "contrastive_weight": 0,
}
TINY = {
    "filters": (8,),
    "dilations": (1,),
    "kernel_size": 7,
    "embedding_dim": 8,
    "contrastive_weight": 0,
    "attention": None,
    "dropout": 0,
    "balanced_batches": False,
    "batch_size": 64,
    "max_epochs": 3,
}


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
    optimizer = torch.optim.AdamW(module.parameters(), lr=LEARNING_RATE, weight_decay=0)
    for _ in range(epochs):
        for index in torch.randperm(len(X)).split(batch_size):
            optimizer.zero_grad()
            x = torch.cat([views(X[index], peaks[index])[0] for _ in range(2)])
            value = loss(module(x))
            value.backward()
            optimizer.step()
            value.item()


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

    libraries = {name: import_peer(name) for name in NAMES}
    bench_training(args, rng, libraries)
    bench_large(args, rng, libraries)
    bench_parts(args)
    bench_acl_ecg(args)
    bench_overhead(args, rng, libraries)
    bench_one_record(args, rng, libraries)


def make_estimator(args, **params):
    return MSAICNetClassifier(
        **{"max_epochs": 1, **params}, random_state=0, device="cpu", n_threads=args.threads
    )


def peers_of(libraries, call):
    """Return a function for each library, or None if it is not installed."""
    return {
        f"{name} {NAMES[name]}": library and (lambda library=library: call(library))
        for name, library in libraries.items()
    }


def fit_classifier(library, module, loss, X, y, estimator):
    """Train with a classifier of another library."""
    options = {"batch_size": estimator.batch_size, "epochs": estimator.max_epochs}
    make_classifier(library, module, loss, **options).fit(standardize(X), y)


def bench_training(args, rng, libraries):
    X, y = rng.randn(256, 12, 1000).astype(np.float32), np.arange(256) % 4 // 3
    clf = make_estimator(args, max_epochs=3)
    loss, target = make_loss(clf), y.astype(np.float32)
    n_parameters = sum(p.numel() for p in PlainNet(clf, 12).parameters())
    peers = peers_of(
        libraries,
        lambda library: fit_classifier(library, PlainNet(clf, 12), loss, X, target, clf),
    )
    seconds = interleave(
        {
            "plain Conv1d loop": lambda: plain_loop(
                PlainNet(clf, 12), loss, X, target, clf.batch_size, clf.max_epochs
            ),
            "MSAICNetClassifier.fit": lambda: clf.fit(X, y),
            **peers,
        },
        repeats=args.repeats,
    )
    report(
        f"Training, default network, {n_parameters:,} parameters, (12, 1000), 3 epochs",
        seconds,
        n_records=clf.max_epochs * len(X),
        reference="plain Conv1d loop",
        goals={"MSAICNetClassifier.fit": 1.5},
        not_slower=list(peers),
        reason=TRAINING_REASON,
    )


def bench_large(args, rng, libraries):
    X, y = rng.randn(128, 12, 1000).astype(np.float32), np.arange(128) % 5
    clf = make_estimator(args, **LARGE, class_weight=None)
    network = {name: getattr(clf, name) for name in ("filters", "kernel_size", "stride")}
    loss = nn.CrossEntropyLoss()
    n_parameters = sum(p.numel() for p in PlainNet(clf, 12, 5).parameters())
    peers = peers_of(
        libraries,
        lambda library: fit_classifier(library, PlainNet(clf, 12, 5), loss, X, y, clf),
    )
    seconds = interleave(
        {
            "plain Conv1d loop": lambda: plain_loop(
                PlainNet(clf, 12, 5), loss, X, y, clf.batch_size, 1
            ),
            "plain loop, our network": lambda: plain_loop(
                Logits(MSAICNet(12, 5, **network, projection_dim=None)),
                loss,
                X,
                y,
                clf.batch_size,
                1,
            ),
            "MSAICNetClassifier.fit": lambda: clf.fit(X, y),
            **peers,
        },
        repeats=min(3, args.repeats),
    )
    report(
        f"Training, multi-scale network, {n_parameters:,} parameters, (12, 1000), one epoch",
        seconds,
        n_records=len(X),
        reference="plain Conv1d loop",
        goals={"MSAICNetClassifier.fit": 1.25},
        not_slower=list(peers),
        reason=TRAINING_REASON,
    )


def bench_overhead(args, rng, libraries):
    """Train and predict with a tiny network."""
    X, y = rng.randn(4096, 2, 50).astype(np.float32), np.arange(4096) % 2
    tiny = make_estimator(args, **TINY)
    module, loss, target = tiny.fit(X, y).net_.module_, make_loss(tiny), y.astype(np.float32)
    logit_loss = LogitLoss(loss)
    peers = peers_of(
        libraries,
        lambda library: fit_classifier(
            library, Logits(copy.deepcopy(module)), logit_loss, X, target, tiny
        ),
    )
    seconds = interleave(
        {
            "bare loop, same module": lambda: plain_loop(
                copy.deepcopy(module), loss, X, target, tiny.batch_size, tiny.max_epochs
            ),
            "MSAICNetClassifier.fit": lambda: tiny.fit(X, y),
            **peers,
        },
        repeats=args.repeats,
    )
    report(
        "Training, tiny network, (2, 50), batches of 64",
        seconds,
        n_records=tiny.max_epochs * len(X),
        reference="bare loop, same module",
        goals={"MSAICNetClassifier.fit": 0.7},
        not_slower=list(peers),
    )

    X = rng.randn(5000, 2, 50).astype(np.float32)
    module = tiny.net_.module_
    bench_prediction(
        "predict_proba, tiny network, 5,000 records of (2, 50)",
        tiny,
        X,
        {"bare forward, check, normalize": module},
        predictors(libraries, Logits(module), logit_loss),
        goal=0.8,
        repeats=max(30, args.repeats),
        warmup=5,
    )


def bench_one_record(args, rng, libraries):
    for name, params in {"multi-scale": LARGE, "default": {}}.items():
        clf = make_estimator(args, **params)
        clf.fit(rng.randn(32, 12, 1000).astype(np.float32), np.arange(32) % 2)
        plain = load_weights(PlainNet(clf, 12), clf.net_.module_)
        bench_prediction(
            f"predict_proba, {name} network, one record of (12, 1000)",
            clf,
            rng.randn(1, 12, 1000).astype(np.float32),
            {
                "bare forward, check, normalize": clf.net_.module_,
                "the same, plain Conv1d network": plain,
            },
            predictors(libraries, plain, make_loss(clf)),
            goal=1 / 1.1,
            repeats=50,
            warmup=10,
            reason=(
                "X and the program's settings of torch are checked, which takes a constant time of "
                "about 0.15 ms"
            ),
        )


def predictors(libraries, module, loss):
    """Return a classifier of each library with a trained network, or None."""
    return {
        f"{name} {NAMES[name]}": library and make_classifier(library, module, loss).initialize()
        for name, library in libraries.items()
    }


def bench_prediction(title, clf, X, modules, classifiers, *, goal, repeats, warmup, reason=None):
    """Compare predict_proba with bare forward passes and with classifiers of other libraries."""
    mean, scale = clf.normalizer_.mean, clf.normalizer_.scale
    functions = {
        name: lambda module=module: plain_predict(module, X, mean, scale)
        for name, module in modules.items()
    }
    functions["predict_proba"] = lambda: clf.predict_proba(X)[:, [1]]
    center, spread = mean.numpy(), scale.numpy()
    for name, other in classifiers.items():
        functions[name] = other and (lambda other=other: other.predict_proba((X - center) / spread))
    for function in filter(None, functions.values()):
        np.testing.assert_allclose(function(), functions["predict_proba"](), atol=1e-6)
    report(
        title,
        interleave(functions, repeats=repeats, warmup=warmup),
        n_records=len(X),
        reference=next(iter(modules)),
        goals={"predict_proba": goal},
        not_slower=list(classifiers),
        reason=reason,
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
    """Compare passes of the default network with those of some layers, and with the ceiling."""
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

    layers = list_layers(plain, x)
    convolve, move = bare_convolutions(layers), copies(layers)

    def ceiling():
        convolve()
        move()

    seconds = interleave(
        {
            "all layers": step(make_module()),
            "without attention and dropout": step(plain),
            "convolutions, pooling, ReLU": step(without_norm),
            "convolutions alone, fastest layout": convolve,
            CEILING: ceiling,
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
    share = paired_ratio(seconds[CEILING], seconds["all layers"])
    rate = count_operations(layers) / statistics.median(
        seconds["convolutions alone, fastest layout"]
    )
    moved = 4e-6 * sum(layer.n_moved for layer in layers)
    print(
        f"  All layers reach {share:.0%} of the ceiling, the convolutions alone and {moved:.0f} MB "
        f"of memory traffic at the rate of copies. The convolutions reach {rate / 1e9:.0f} GFLOP/s."
    )


if __name__ == "__main__":
    main()

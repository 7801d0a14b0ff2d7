"""Size, aspect ratio and gain of the rendered images that SimCardioNet is trained on.

    python benchmarks/simcardio_input.py PTB_XL_FOLDER            # the choice, on folds 1-6
    python benchmarks/simcardio_input.py PTB_XL_FOLDER --confirm  # once, on folds 7-9

All images of a row are trained on with the same number of pixels in total: images of four times as
many pixels have a quarter of the epochs. The network has a quarter of the channels of the default
and is trained from a random start, on infarction against normal. The choice is made out of fold,
folds 1-3 and 4-6 in turn. The confirmation trains on folds 1-6 and scores folds 7-9. The tables are
written to docs/reproduction/simcardio.rst. Each finished fit is cached in benchmarks/results.
"""

import argparse
from functools import partial

import numpy as np
from _study import Fit, run, stack_seeds
from _tables import Table, drop_zeros, make_rst, write_tables
from sklearn.metrics import roc_auc_score

from sklearn_ecg import SimCardioNetClassifier, SimCardioNetEncoder
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval
from sklearn_ecg.preprocessing import ECGImageRenderer

# Height and width of the images, gain, and epochs.
REFERENCE = ((112, 112), 10)
INPUTS = [
    REFERENCE,
    ((112, 112), 20),
    ((112, 112), "fill"),
    ((224, 224), "fill"),
    ((160, 160), "fill"),
    ((224, 224), 10),
    ((96, 128), "fill"),
    ((80, 160), "fill"),
]
CONFIRMED = [REFERENCE, ((112, 112), "fill")]
EPOCHS = 20  # of images of 112 x 112
FILTERS = (8, 16, 32, 64)


def make_classifier(size, seed):
    """Return a classifier that is trained from a random start, at the cost of the reference."""
    epochs = max(1, round(EPOCHS * 112**2 / (size[0] * size[1])))
    encoder = SimCardioNetEncoder(image_size=None, filters=FILTERS, max_epochs=0, random_state=seed)
    return SimCardioNetClassifier(
        encoder,
        unfreeze_interval=0,
        encoder_learning_rate=1e-3,
        layer_decay=1.0,
        max_epochs=epochs,
        random_state=seed,
    )


def render(X, size, gain):
    """Return the images and the number of pixels of a mV."""
    renderer = ECGImageRenderer(sampling_rate=100, image_size=size, gain=gain).fit(X)
    return renderer.transform(X), renderer.gain_ * renderer.pixels_per_mm_


def score_inputs(ecg, inputs, splits, n_seeds, workers):
    """Return the out-of-fold probabilities (n_seeds, n_records), and pixels per mV, of inputs."""
    X, y = np.asarray(ecg.data), np.asarray(ecg.target)
    found = {}
    for size, gain in inputs:
        images, pixels = render(X, size, gain)
        fits = [
            Fit(f"{size}, {gain}, seed {seed}", make_classifier(size, seed), train, test)
            for seed in range(n_seeds)
            for train, test in splits
        ]
        results = run(fits, images, y, workers)
        scores = np.full((n_seeds, len(y)), np.nan)
        for fit, result, seed in zip(fits, results, np.repeat(range(n_seeds), len(splits))):
            scores[seed, fit.test] = result["probability"]
        found[size, gain] = scores, pixels, sum(r["seconds"] for r in results) / n_seeds
    return found


def make_table(found, y, patients, title):
    """Return a table of AUROCs and of differences from the reference."""
    metric = partial(roc_auc_score, average="macro")
    options = {"groups": patients, "random_state": 0}
    reference = found[REFERENCE][0]
    rows = []
    for (size, gain), (scores, pixels, seconds) in found.items():
        evaluated = ~np.isnan(scores[0])
        of_records = {**options, "groups": patients[evaluated]}
        labels, values = stack_seeds(y[evaluated], scores[:, evaluated])
        difference = ""
        if scores is not reference:
            _, base = stack_seeds(y[evaluated], reference[:, evaluated])
            difference = bootstrap_difference(metric, labels, values, base, **of_records)
        each = ", ".join(f"{roc_auc_score(y[evaluated], s[evaluated]):.3f}" for s in scores)
        rows.append(
            [
                f"{size[0]} x {size[1]}",
                str(gain),
                f"{pixels:.1f}",
                drop_zeros(bootstrap_interval(metric, labels, values, **of_records)),
                drop_zeros(difference),
                drop_zeros(each),
                f"{seconds:.0f}",
            ]
        )
    header = [
        "height x width",
        "``gain``",
        "pixels per mV",
        "AUROC",
        "difference from the first row",
        "seeds",
        "s",
    ]
    return Table(title, header, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="PTB-XL folder in its published layout")
    parser.add_argument("--confirm", action="store_true", help="score folds 7-9")
    parser.add_argument("--inputs", type=int, default=len(INPUTS), help="only the first rows")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1, help="number of processes")
    args = parser.parse_args()
    folds = list(range(1, 10 if args.confirm else 7))
    ecg = load_ptbxl(args.folder, task="mi", folds=folds, n_jobs=1)
    at = np.asarray(ecg.folds)
    if args.confirm:
        splits = [(np.flatnonzero(at <= 6), np.flatnonzero(at > 6))]
    else:
        halves = np.flatnonzero(at <= 3), np.flatnonzero(at > 3)
        splits = [halves, halves[::-1]]
    inputs = CONFIRMED if args.confirm else INPUTS[: args.inputs]
    found = score_inputs(ecg, inputs, splits, args.seeds, args.workers)
    title = "Folds 7-9, trained on folds 1-6" if args.confirm else "Folds 1-6, out of fold"
    table = make_table(found, np.asarray(ecg.target), np.asarray(ecg.groups), title)
    print(make_rst(table))
    name = "input-confirmed" if args.confirm else "input"
    command = f"simcardio_input.py PTB_XL_FOLDER{' --confirm' if args.confirm else ''}"
    command += f" --inputs {args.inputs}" if args.inputs != len(INPUTS) else ""
    command += f" --seeds {args.seeds}" if args.seeds != 2 else ""
    write_tables("reproduction/simcardio.rst", name, [table], command)


if __name__ == "__main__":
    main()
